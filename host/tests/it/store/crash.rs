//! sled alone: a process that is killed, files that are damaged, a folder that is in use.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use relais::store::{Error, SledStore, Store as _};

use crate::support::{Folder, at, conversation, intake, message, outgoing, phone, turn};

const FOLDER: &str = "RELAIS_CRASH_FOLDER";

/// Not a test: the process that is killed. It says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_killed_process_loses_nothing_that_it_acknowledged"]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = std::sync::Arc::new(SledStore::open(folder.as_ref()).unwrap());
    let begun = store.conversations(None, usize::MAX).await.unwrap().len();
    let tasks = (0..8).map(|lane| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in (0..).map(|index| u32::try_from(begun).unwrap() + index * 8 + lane) {
                store.accept(intake(conversation("acme", number))).await.unwrap();
                println!("accepted {number}");
                let hello = message("acme", &[phone(number).as_e164()], &format!("m{number}"), 0);
                store.append(vec![hello]).await.unwrap();
                println!("appended {number}");
                let taken = store.take(at(0)).await.unwrap().unwrap();
                let mut commit = turn(&taken, 0);
                commit.envelopes = vec![outgoing(&taken, 0, 0)];
                let id = taken.conversation.id.clone();
                store.commit(commit).await.unwrap();
                println!("committed {id}");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let folder = Folder::new();
    let mut said = Vec::new();
    for lines in [100, 1, 500, 37] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::crash::child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let acknowledged =
            output.filter(|line| ["accepted", "appended", "committed"].iter().any(|word| line.starts_with(word)));
        said.extend(acknowledged.take(lines));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = SledStore::open(folder.path()).unwrap();
        for line in &said {
            let (what, of) = line.split_once(' ').unwrap();
            match what {
                "accepted" => {
                    let id = conversation("acme", of.parse().unwrap()).id;
                    assert!(store.conversation(&id).await.unwrap().is_some(), "{line}");
                }
                "appended" => {
                    let hello = message("acme", &[phone(of.parse().unwrap()).as_e164()], &format!("m{of}"), 0);
                    let again = store.append(vec![hello]).await.unwrap();
                    assert_eq!(again, [relais::store::Appended::Repeated], "{line}");
                }
                _ => {
                    let id = of.into();
                    let log = store.log(&id).await.unwrap();
                    assert!(!log.is_empty(), "{line}");
                    // All of a turn or nothing.
                    assert_eq!(log.len(), store.envelopes(&id).await.unwrap().len(), "{line}");
                    let conversation = store.conversation(&id).await.unwrap().unwrap();
                    assert_eq!(conversation.next_turn, log.len() as u64, "{line}");
                }
            }
        }
    }
    assert_eq!(said.len(), 638);
}

#[tokio::test]
async fn what_cannot_be_opened_says_what_to_do() {
    let folder = Folder::new();
    let store = SledStore::open(folder.path()).unwrap();
    for number in 0..200 {
        store.accept(intake(conversation("acme", number))).await.unwrap();
    }
    let Err(Error::Storage(used)) = SledStore::open(folder.path()) else { panic!("it is open twice") };
    assert!(used.contains("stop that one, or choose another folder"), "{used}");
    drop(store);

    // A byte in the middle of what was written.
    let log = folder.path().join("db");
    let whole = std::fs::read(&log).unwrap();
    let written = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let mut damaged = whole.clone();
    damaged[written / 2] ^= 0xFF;
    std::fs::write(&log, damaged).unwrap();
    let Err(error) = SledStore::open(folder.path()) else { panic!("sled forgets what came after, and nobody noticed") };
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    let says = error.to_string();
    assert!(says.contains("restore a backup") && says.contains("remove the file `mark`"), "{says}");
    std::fs::remove_file(folder.path().join("mark")).unwrap();
    let store = SledStore::open(folder.path()).unwrap();
    let left = store.conversations(None, 999).await.unwrap().len();
    assert!((1..200).contains(&left), "{left} of 200 are left");
    drop(store);

    let other = Folder::new();
    std::fs::write(other.path().join("file"), "").unwrap();
    let Err(Error::Storage(error)) = SledStore::open(&other.path().join("file")) else { panic!("a file is no folder") };
    assert!(error.contains("create the folder"), "{error}");
}
