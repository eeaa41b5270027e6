//! Trying a flow before it is deployed, with the real binary: golden conversations, the chat, and a flow to begin with.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::scene::{Folder, copy, repository};

fn relais(folder: &Path, args: &[&str], typed: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_relais"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_golden_conversations_of_the_repository_come_out_as_written() {
    let output = relais(&repository(), &["flow", "test", "flows", "--json"], "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let conversations = report["conversations"].as_array().unwrap();
    let wrong: Vec<String> = conversations
        .iter()
        .filter(|conversation| conversation["passed"] != true)
        .map(|conversation| format!("{} {:#}", conversation["file"], conversation["differences"]))
        .collect();
    assert!(wrong.is_empty() && report["problems"] == Value::Array(Vec::new()), "{}", wrong.join("\n"));
    assert!(output.status.success());
    assert!(conversations.len() >= 26, "{} conversations", conversations.len());
    let tenants: std::collections::BTreeSet<&str> =
        conversations.iter().filter_map(|conversation| conversation["file"].as_str()?.split('/').next()).collect();
    assert_eq!(tenants.len(), 5, "{tenants:?}");
    println!("{} conversations in {:.2} s", conversations.len(), report["seconds"].as_f64().unwrap());
}

#[test]
fn what_comes_out_otherwise_is_shown_with_its_line() {
    let folder = Folder::new("otherwise");
    copy(&repository().join("flows/demo"), &folder.0.join("demo"));
    let file = folder.0.join("demo/solaire/conversations/facile.toml");
    let golden = std::fs::read_to_string(&file).unwrap();
    let changed = golden
        .replace("Parfait ! Utilisez-vous", "Formidable ! Utilisez-vous")
        .replace("2025-10-09 10:00\"", "2025-10-09 11:00\"")
        .replace("besoin = 10", "besoin = 11");
    std::fs::write(&file, changed).unwrap();
    let line = |words: &str| golden.lines().position(|line| line.contains(words)).unwrap() + 1;

    let output = relais(&folder.0, &["flow", "test", "demo", "--filter", "facile"], "");
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for words in [
        format!("✗ demo/solaire/conversations/facile.toml: {}", "Facile"),
        format!("facile.toml:{}: what we say\n    expected: Formidable !", line("Parfait !")),
        "    found:    Parfait ! Utilisez-vous un produit similaire ?".to_owned(),
        format!(
            "facile.toml:{}: what is noted\n    expected: besoin = 11\n    found:    besoin = 10",
            line("besoin = 10")
        ),
        format!("facile.toml:{}: what the CRM is told", line("MEETING_BOOKED")),
        "1 of 1 conversations came out otherwise".to_owned(),
    ] {
        assert!(shown.contains(&words), "{words} is not in\n{shown}");
    }

    // A file that cannot be read is a problem with a line; the others are played all the same.
    std::fs::write(&file, golden.replace("client = \"Oui\"", "cleint = \"Oui\"")).unwrap();
    let output = relais(&folder.0, &["flow", "test", "demo/solaire"], "");
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    let place = format!("demo/solaire/conversations/facile.toml:{}: cleint: unknown field", line("\"Oui\""));
    assert!(shown.contains(&place), "{shown}");
    assert!(shown.contains("conversations came out as their files say"), "{shown}");
}

#[test]
fn every_tenant_can_be_talked_with_whatever_its_crm_calls_things() {
    for tenant in ["demo", "maison-sereine", "riverside-cars"] {
        let folder = format!("flows/{tenant}");
        let output = relais(&repository(), &["chat", &folder, "--begin", "2025-10-08 10:31"], "/quit\n");
        assert!(output.status.success() && text(&output).contains("💬"), "{tenant}: {}", text(&output));
    }
}

#[test]
fn a_chat_can_be_piped_and_becomes_a_golden_conversation() {
    let folder = Folder::new("chat");
    copy(&repository().join("flows/demo"), &folder.0.join("demo"));
    let typed = "Non\nNon\nUne maison de 120 m2 avec une pompe à chaleur\n/status\nEt le prix ?\ndemain 14h30\n/wait 29h\n\
                 /save demo/solaire/conversations/mine.toml\n/quit\nnever said\n";
    let args = ["chat", "demo/solaire", "--begin", "2025-10-08 09:31", "--json"];
    let output = relais(&folder.0, &args, typed);
    assert!(output.status.success(), "{}", text(&output));
    let lines: Vec<Value> = text(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |from: &str| -> Vec<String> {
        let mine = lines.iter().filter(|line| line["type"] == "message" && line["from"] == from);
        mine.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(said("client").len(), 5);
    let agent = said("agent");
    assert!(agent[4].contains("demandé") || agent[4].contains("prix"), "{agent:?}");
    assert!(agent[5].contains("demain à 14h30"), "{agent:?}");
    assert!(agent[6].contains("petit rappel"), "{agent:?}");
    let known = lines.iter().find(|line| line["type"] == "known").unwrap();
    assert_eq!(known["notes"]["connait_produit"], false);
    let statuses: Vec<&str> =
        lines.iter().filter(|line| line["type"] == "status").filter_map(|line| line["status"].as_str()).collect();
    assert_eq!(statuses.last(), Some(&"MEETING_BOOKED"));

    // What was said is a test from now on.
    let output = relais(&folder.0, &["flow", "test", "demo/solaire/conversations/mine.toml"], "");
    assert!(output.status.success(), "{}", text(&output));

    // A slip in a script is no silence.
    let output = relais(&folder.0, &["flow", "chat", "demo", "--begin", "2025-10-08 09:31"], "/wiat 2h\n");
    assert!(!output.status.success() && text(&output).contains("/help says what can be done"), "{}", text(&output));
}

#[test]
fn a_new_flow_passes_its_check_and_its_conversations_at_once() {
    let folder = Folder::new("new");
    for (company, sells, language, flow) in [
        ("Énergie & Fils \"Sud\"", "Panneaux solaires", "fr", "energie-fils-sud/panneaux-solaires"),
        ("Bright Homes", "solar panels", "en", "bright-homes/solar-panels"),
    ] {
        let args = ["flow", "new", "--company", company, "--sells", sells, "--language", language];
        let output = relais(&folder.0, &args, "");
        assert!(output.status.success(), "{}", text(&output));
        let flow = format!("flows/{flow}");
        let (tenant, _) = flow.rsplit_once('/').unwrap();
        for args in [["flow", "check", tenant], ["flow", "test", &flow]] {
            let output = relais(&folder.0, &args, "");
            assert!(output.status.success(), "{args:?}\n{}", text(&output));
        }
        // Nothing is written over.
        let script = folder.0.join(&flow).join("script.toml");
        std::fs::write(&script, "mine").unwrap();
        let output = relais(&folder.0, &args, "");
        assert!(!output.status.success() && text(&output).contains("it is there already"), "{}", text(&output));
        assert_eq!(std::fs::read_to_string(&script).unwrap(), "mine");
    }
    // Without a terminal there is nobody to ask.
    let output = relais(&folder.0, &["flow", "new", "--company", "X"], "");
    assert!(!output.status.success() && text(&output).contains("--sells"), "{}", text(&output));
}

/// As in `relais … | head`.
#[test]
fn a_reader_who_has_seen_enough_is_no_trouble() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_relais"))
        .args(["simulator", "--faults"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output));
}
