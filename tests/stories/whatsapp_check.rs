//! `relais whatsapp check`, run as a team runs it: the real binary, against a simulator with things in order and with
//! things wrong on purpose.

use relais::simulator::{ApprovedTemplate, Scenario};
use serde_json::{Value, json};

use super::scene::Scene;

/// What the command printed, and whether it was content.
struct Checked {
    findings: Vec<Value>,
    is_content: bool,
}

impl Checked {
    /// Verdict and words of the findings of one check.
    fn of(&self, check: &str) -> Vec<(&str, &str)> {
        self.findings
            .iter()
            .filter(|finding| finding["check"] == check)
            .map(|finding| (finding["verdict"].as_str().unwrap(), finding["found"].as_str().unwrap()))
            .collect()
    }

    fn is(&self, check: &str, verdict: &str, words: &str) -> bool {
        self.of(check).iter().any(|(found, what)| *found == verdict && what.contains(words))
    }
}

/// Runs the command with the scene's flows and the scene's simulator, `token` written into the settings.
fn check(scene: &Scene, token: &str) -> Checked {
    let folder = &scene.folder.0;
    let access = scene.stage.access();
    for (name, secret) in [("token", token), ("app", &access.app_secret), ("verify", &access.verify_token)] {
        std::fs::write(folder.join(name), secret).unwrap();
    }
    let secret = |name: &str| format!("file:{}", folder.join(name).display());
    let settings = format!(
        "flows = {:?}\n[simulator]\nbase-url = {:?}\ntoken = {:?}\napp-secret = {:?}\nverify-token = {:?}\n",
        folder.join("flows"),
        scene.stage.simulator.base_url(),
        secret("token"),
        secret("app"),
        secret("verify"),
    );
    let config = folder.join("relais.toml");
    std::fs::write(&config, settings).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_relais"))
        .args(["whatsapp", "check", "--simulator", "--json", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let answer: Value = serde_json::from_str(&printed)
        .unwrap_or_else(|_| panic!("{printed}{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(answer["ok"], json!(output.status.success()));
    let findings = answer["findings"].as_array().unwrap().clone();
    for finding in &findings {
        let is_bad = finding["verdict"] != "ok";
        assert_eq!(finding["remedy"].is_string(), is_bad, "what is wrong says what to do: {finding}");
    }
    Checked { findings, is_content: output.status.success() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_order_is_found_in_order() {
    let scene = Scene::new("check-ok").await;
    // More templates than fit on a page of Meta's listing, and the flow's own among the last.
    for number in 0..130 {
        scene.stage.simulator.set_template(ApprovedTemplate::new(&format!("other_{number}"), "fr", "Bonjour"));
    }
    let rappel = ApprovedTemplate {
        category: "UTILITY".to_owned(),
        ..ApprovedTemplate::new(
            "rappel",
            "fr",
            "Bonjour, juste un petit rappel : notre appel est prévu dans environ une heure.",
        )
    };
    scene.stage.simulator.set_template(rappel);
    let token = scene.stage.access().token.clone();
    let checked = check(&scene, &token);
    assert!(checked.is_content, "{:#?}", checked.findings);
    assert!(checked.findings.iter().all(|finding| finding["verdict"] == "ok"), "{:#?}", checked.findings);
    assert_eq!(checked.of("template").len(), 5);
    for (name, words) in [
        ("token", "in force"),
        ("permission", "whatsapp_business_messaging"),
        ("number", "+33612345690 is connected"),
        ("account", "has the number"),
        ("quality", "GREEN"),
        ("subscription", "receives"),
        ("fields", "all fields"),
        ("handshake", "answers with the challenge"),
    ] {
        assert!(checked.is(name, "ok", words), "{name}: {:?}", checked.of(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_found_at_once_with_what_to_do() {
    let mut scenario = Scenario::friendly();
    scenario.account.quality = "RED".to_owned();
    scenario.account.status = "FLAGGED".to_owned();
    scenario.account.subscribed = false;
    scenario.account.fields = vec!["account_update".to_owned()];
    scenario.account.scopes = vec!["whatsapp_business_messaging".to_owned()];
    let scene = Scene::with("check-wrong", scenario).await;
    let manifest = scene.folder.0.join("flows/demo/solaire/flow.toml");
    let flows = std::fs::read_to_string(&manifest).unwrap();
    let more = "\n[templates.nom]\nname = \"nom\"\nlanguage = \"fr\"\ncategory = \"marketing\"\nbody = \"Bonjour {{prenom}}\"\n\
                \n[templates.photo]\nname = \"photo\"\nlanguage = \"fr\"\ncategory = \"marketing\"\nbody = \"Bonjour\"\n";
    std::fs::write(&manifest, format!("{flows}{more}")).unwrap();
    let simulator = &scene.stage.simulator;
    assert!(simulator.remove_template("premier_contact", "fr"));
    simulator.set_template(ApprovedTemplate::new("premier_contact", "en_US", "Hello"));
    simulator.set_template_status("relance", "fr", "PAUSED");
    assert!(simulator.remove_template("rappel", "fr"));
    simulator.set_template(ApprovedTemplate::new("nom", "fr", "Bonjour {{nom}}, de {{societe}}"));
    simulator.set_template(ApprovedTemplate {
        header: Some(relais::simulator::TemplateHeader::Image),
        ..ApprovedTemplate::new("photo", "fr", "Bonjour")
    });
    let token = scene.stage.access().token.clone();
    let checked = check(&scene, &token);
    assert!(!checked.is_content);
    for (name, words) in [
        ("permission", "whatsapp_business_management is missing"),
        ("number", "FLAGGED"),
        ("quality", "RED"),
        ("subscription", "does not receive"),
        ("fields", "did not subscribe to messages"),
        ("template", "not at Meta in fr, only in en_US"),
        ("template", "relance (fr), \"relance\" of solaire: is PAUSED"),
        ("template", "rappel (fr), \"rappel\" of solaire: not at Meta in fr, nor in any other"),
        ("template", "parameters at Meta: nom, societe; in flow.toml: prenom"),
        ("template", "its header asks for IMAGE"),
    ] {
        assert!(checked.is(name, "wrong", words), "{name} {words}: {:#?}", checked.of(name));
    }
    assert!(checked.is("permission", "ok", "whatsapp_business_messaging"));
    assert!(checked.is("handshake", "ok", "challenge"));

    let refused = check(&scene, "not-the-token");
    assert!(!refused.is_content);
    assert!(refused.is("token", "wrong", "190"), "{:?}", refused.of("token"));
    assert!(refused.is("template", "skipped", "the token is refused"), "{:?}", refused.of("template"));
}
