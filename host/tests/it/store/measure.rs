//! Measurements: `cargo test --release --test it measure -- --ignored --nocapture --test-threads=1`

use std::{sync::Arc, time::Instant};

use relais::store::{SledStore, Store as _};

use crate::support::{Folder, at, conversation, intake, message, outgoing, phone, turn};

/// Durable turns a second: an event appended, taken and committed with a line, a timer and an envelope.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn commits_a_second() {
    for callers in [1_u32, 8, 32, 128] {
        let folder = Folder::new();
        let store = Arc::new(SledStore::open(folder.path()).unwrap());
        for number in 0..callers {
            let mut new = conversation("acme", number);
            new.quiet.window_ms = 0;
            store.accept(intake(new)).await.unwrap();
        }
        let turns = if callers == 1 { 300 } else { 2_400 / callers.min(32) };
        let begun = Instant::now();
        let tasks = (0..callers).map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for index in 0..turns {
                    let id = format!("{number}.{index}");
                    store.append(vec![message("acme", &[phone(number).as_e164()], &id, 0)]).await.unwrap();
                    let Some(taken) = store.take(at(0)).await.unwrap() else { continue };
                    let mut commit = turn(&taken, 0);
                    commit.envelopes = vec![outgoing(&taken, 0, 0)];
                    commit.timers = [("reminder".to_owned(), Some(at(i64::from(index))))].into();
                    store.commit(commit).await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let total = f64::from(callers * turns);
        println!(
            "{callers} callers: {:.0} turns/s, each appended and committed durably",
            total / begun.elapsed().as_secs_f64()
        );
    }
}

/// Memory with `RELAIS_WAITING` (200,000) conversations that wait, each for a timer, after they were opened again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn memory_of_those_that_wait() {
    let waiting: u32 = std::env::var("RELAIS_WAITING").ok().and_then(|text| text.parse().ok()).unwrap_or(200_000);
    let folder = Folder::new();
    let begun = Instant::now();
    let store = Arc::new(SledStore::open(folder.path()).unwrap());
    let tasks = (0..64).map(|lane| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in (lane..waiting).step_by(64) {
                store.accept(intake(conversation("acme", number))).await.unwrap();
                let taken = store.take(at(0)).await.unwrap().unwrap();
                let mut commit = turn(&taken, 0);
                commit.timers = [("silence".to_owned(), Some(at(i64::from(number))))].into();
                store.commit(commit).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    println!("written in {:?}, resident {} MiB", begun.elapsed(), resident());
    drop(store);
    let disk: u64 = std::fs::metadata(folder.path().join("db")).unwrap().len() >> 20;
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::measure::open_again", "--ignored", "--nocapture"])
        .env("RELAIS_MEASURE_FOLDER", folder.path())
        .output()
        .unwrap();
    println!("{disk} MiB on disk; {}", String::from_utf8_lossy(&output.stdout));
}

/// Not a test: another process, so that nothing of the writing is in its memory.
#[tokio::test]
#[ignore = "run by memory_of_those_that_wait"]
async fn open_again() {
    let Ok(folder) = std::env::var("RELAIS_MEASURE_FOLDER") else { return };
    let before = resident();
    let begun = Instant::now();
    let store = SledStore::open(folder.as_ref()).unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(0)));
    println!("opened in {:?}, resident {before} -> {} MiB", begun.elapsed(), resident());
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(store.fire(at(99), 5).await.unwrap(), 5);
    }
    println!("100 timers fired in {:?}, resident {} MiB", begun.elapsed(), resident());
}

/// Resident memory in MiB (Linux).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).map_or(0, |kib| kib / 1_024)
}
