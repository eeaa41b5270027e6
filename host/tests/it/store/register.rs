//! The register, the keys, the flow versions, and finding conversations.

use std::collections::BTreeMap;

use relais::{
    model::{ConversationId, Digest, Environment, FlowId, Status, TenantId},
    store::{
        ApiKey, Error, FlowVersion, FolderSeen, LeadAnswer, Origin, Person, Settlement, VersionRecord, VersionState,
    },
};

use super::Place;
use crate::support::{Chance, at, conversation, intake, message, outgoing, phone, sent, settlement, turn};

pub(crate) async fn people_keys_and_versions(place: &dyn Place) {
    let store = place.open().await;
    let (acme, globex): (TenantId, TenantId) = ("acme".into(), "globex".into());
    store.set_opt_out(&acme, &phone(1), true).await.unwrap();
    store.set_opt_out(&acme, &phone(2), true).await.unwrap();
    store.set_opt_out(&acme, &phone(2), false).await.unwrap();
    let key = ApiKey { digest: "ab".into(), tenant: acme.clone(), environment: Environment::Test, created_at: at(0) };
    store.add_key(key.clone()).await.unwrap();
    let revoked = ApiKey { digest: "cd".into(), ..key.clone() };
    store.add_key(revoked.clone()).await.unwrap();
    assert_eq!(store.keys().await.unwrap(), [key.clone(), revoked]);
    assert!(store.remove_key("cd").await.unwrap() && !store.remove_key("cd").await.unwrap());

    // A file larger than any row, one of a row exactly, an empty one; and what two versions share.
    let mut chance = Chance::new(7);
    let mut bytes = |length| (0..length).map(|_| u8::try_from(chance.below(256)).unwrap()).collect::<Vec<u8>>();
    let wasm = bytes(700_001);
    let files: BTreeMap<String, Vec<u8>> =
        [("qualify.wasm", wasm.clone()), ("a", bytes(65_536)), ("empty", Vec::new())]
            .map(|(path, bytes)| (path.into(), bytes))
            .into();
    let flow: FlowId = "solaire".into();
    let version = |digest: &str, files: &BTreeMap<_, _>| FlowVersion {
        tenant: "acme".into(),
        flow: "solaire".into(),
        digest: digest.into(),
        files: files.clone(),
    };
    let (first, second) = (version("d1", &files), version("d2", &[("qualify.wasm".into(), wasm)].into()));
    for version in [&first, &first, &second] {
        store.put_version(version.clone()).await.unwrap();
    }
    let (d1, d2): (Digest, Digest) = ("d1".into(), "d2".into());
    assert_eq!(store.active_versions().await.unwrap(), []);
    let nothing = store.activate(&acme, &flow, &"d3".into(), at(0)).await;
    assert!(matches!(nothing, Err(Error::Missing(_))));
    store.activate(&acme, &flow, &d1, at(1)).await.unwrap();
    store.activate(&acme, &flow, &d2, at(2)).await.unwrap();
    drop(store);

    let store = place.open().await;
    assert!(store.opted_out(&acme, &phone(1)).await.unwrap());
    assert!(!store.opted_out(&acme, &phone(2)).await.unwrap());
    assert!(!store.opted_out(&globex, &phone(1)).await.unwrap());
    assert_eq!(store.key("ab").await.unwrap(), Some(key));
    assert_eq!(store.key("abc").await.unwrap(), None);
    assert_eq!(store.key("cd").await.unwrap(), None);
    assert_eq!(store.version(&acme, &flow, &d1).await.unwrap(), Some(first));
    assert_eq!(store.version(&acme, &flow, &d2).await.unwrap(), Some(second));
    assert_eq!(store.version(&globex, &flow, &d1).await.unwrap(), None);
    assert_eq!(store.active_versions().await.unwrap(), [(acme, flow, d2)]);
}

pub(crate) async fn conversations_are_found(place: &dyn Place) {
    let store = place.open().await;
    for (number, tenant, version) in [(1, "acme", "d1"), (2, "globex", "d1"), (3, "acme", "d2"), (4, "acme", "d1")] {
        let mut conversation = conversation(tenant, number);
        conversation.version = version.into();
        store.accept(intake(conversation)).await.unwrap();
    }
    let found = async |tenant: Option<&str>, limit| -> Vec<ConversationId> {
        let tenant = tenant.map(TenantId::new);
        let found = store.conversations(tenant.as_ref(), limit).await.unwrap();
        found.into_iter().map(|conversation| conversation.id).collect()
    };
    let id = |number| conversation("", number).id;
    assert_eq!(found(None, 9).await, [id(4), id(3), id(2), id(1)]);
    assert_eq!(found(None, 1).await, [id(4)]);
    assert_eq!(found(Some("acme"), 9).await, [id(4), id(3), id(1)]);
    assert_eq!(found(Some("acme"), 2).await, [id(4), id(3)]);
    assert_eq!(found(Some("acm"), 9).await, []);

    // One ends, one takes another version.
    let mut wanted =
        vec![(id(1), None, "d1"), (id(4), Some(Status::OptOut), "d1"), (id(3), Some(Status::MeetingBooked), "d1")];
    while let Some(taken) = store.take(at(0)).await.unwrap() {
        let mut commit = turn(&taken, 0);
        if let Some(index) = wanted.iter().position(|(id, ..)| *id == taken.conversation.id) {
            let (_, outcome, version) = wanted.remove(index);
            commit.conversation.outcome = outcome;
            commit.conversation.version = version.into();
        }
        store.commit(commit).await.unwrap();
    }
    let running = store.running(&"acme".into(), &"solaire".into()).await.unwrap();
    assert_eq!(running, [(Digest::from("d1"), 2)]);
    assert_eq!(store.running(&"acme".into(), &"sol".into()).await.unwrap(), []);
}

pub(crate) async fn versions_are_remembered_and_forgotten(place: &dyn Place) {
    let store = place.open().await;
    let (acme, flow): (TenantId, FlowId) = ("acme".into(), "solaire".into());
    let version = |digest: &str, own: &str| FlowVersion {
        tenant: "acme".into(),
        flow: "solaire".into(),
        digest: digest.into(),
        files: [("shared", b"the same".to_vec()), ("own", own.into())].map(|(path, bytes)| (path.into(), bytes)).into(),
    };
    let record = |digest: &str, state, ms| VersionRecord {
        digest: digest.into(),
        source: "s".into(),
        origin: Origin::Push,
        state,
        bytes: 9,
        received_at: at(ms),
        activated_at: None,
    };
    let refused = VersionState::Refused { problems: vec!["no".into()] };
    for (digest, state, ms) in
        [("d1", VersionState::Checked, 1), ("d2", VersionState::Received, 2), ("d3", refused.clone(), 3)]
    {
        store.record_version(&acme, &flow, record(digest, state, ms)).await.unwrap();
    }
    for digest in ["d1", "d2", "d4"] {
        store.put_version(version(digest, digest)).await.unwrap();
    }
    store.activate(&acme, &flow, &"d2".into(), at(9)).await.unwrap();
    store.see_folder(&acme, &flow, FolderSeen { source: "s".into(), digest: "d2".into() }).await.unwrap();
    // `conversation` runs on d1.
    store.accept(intake(conversation("acme", 1))).await.unwrap();
    drop(store);

    let store = place.open().await;
    let known = store.versions(&acme, &flow).await.unwrap();
    let shown: Vec<_> = known.iter().map(|known| (known.digest.as_str(), &known.state, known.activated_at)).collect();
    let checked = VersionState::Checked;
    assert_eq!(shown, [("d3", &refused, None), ("d2", &checked, Some(at(9))), ("d1", &checked, None)]);
    assert_eq!(store.recorded_flows().await.unwrap(), [(acme.clone(), flow.clone())]);
    assert_eq!(store.folder_seen(&acme, &flow).await.unwrap().map(|seen| seen.digest), Some("d2".into()));
    assert_eq!(store.folder_seen(&acme, &"other".into()).await.unwrap(), None);

    // Neither the active one nor one that somebody runs on; what the others share stays.
    let forget = async |digest: &str| store.forget_version(&acme, &flow, &digest.into()).await.unwrap();
    assert!(!forget("d1").await && !forget("d2").await && forget("d3").await && forget("d4").await);
    let taken = store.take(at(0)).await.unwrap().unwrap();
    let mut commit = turn(&taken, 0);
    commit.conversation.outcome = Some(Status::OptOut);
    store.commit(commit).await.unwrap();
    assert!(forget("d1").await);
    assert_eq!(store.version(&acme, &flow, &"d1".into()).await.unwrap(), None);
    assert_eq!(store.version(&acme, &flow, &"d2".into()).await.unwrap(), Some(version("d2", "d2")));
    assert_eq!(store.versions(&acme, &flow).await.unwrap().len(), 1);
}

pub(crate) async fn a_person_is_erased(place: &dyn Place) {
    let store = place.open().await;
    let (acme, globex): (TenantId, TenantId) = ("acme".into(), "globex".into());
    for (tenant, number) in [("acme", 1), ("acme", 2), ("globex", 3)] {
        let mut conversation = conversation(tenant, number);
        if number == 3 {
            // The same person at another company.
            conversation.lead.phone = phone(1);
        }
        assert!(matches!(store.accept(intake(conversation)).await.unwrap(), LeadAnswer::Accepted(_)));
    }
    while let Some(taken) = store.take(at(0)).await.unwrap() {
        let mut commit = turn(&taken, 0);
        commit.envelopes = vec![outgoing(&taken, 0, 0)];
        commit.timers = BTreeMap::from([("later".to_owned(), Some(at(99_000)))]);
        store.commit(commit).await.unwrap();
    }
    for envelope in store.claim(at(0), 9).await.unwrap() {
        let wamid = format!("wamid.{}", envelope.id);
        let names = vec![format!("wa-{}", envelope.conversation)];
        store.settle(Settlement { names, ..settlement(&envelope.id, sent(&wamid, 1), 1) }).await.unwrap();
    }
    store.append(vec![message("acme", &["wa-cv_00000001"], "wamid.said", 2)]).await.unwrap();
    store.set_opt_out(&acme, &phone(1), true).await.unwrap();

    let nobody = store.erase(&acme, &Person::Contact("crm-9".into())).await.unwrap();
    assert_eq!((nobody.conversations, nobody.rows), (0, 0));
    let erased = store.erase(&acme, &Person::Contact("crm-1".into())).await.unwrap();
    assert!(erased.conversations == 1 && erased.opt_out && erased.rows > 10, "{erased:?}");
    drop(store);

    let store = place.open().await;
    let (one, two, three) = (conversation("", 1).id, conversation("", 2).id, conversation("", 3).id);
    assert_eq!(store.conversation(&one).await.unwrap(), None);
    assert_eq!(store.lines(&one).await.unwrap(), []);
    assert_eq!(store.log(&one).await.unwrap(), []);
    assert_eq!(store.envelopes(&one).await.unwrap(), []);
    assert_eq!(store.conversations_of(&acme, "crm-1").await.unwrap(), Vec::<ConversationId>::new());
    assert!(store.opted_out(&acme, &phone(1)).await.unwrap(), "whoever asked for silence keeps it");
    store.set_opt_out(&acme, &phone(1), false).await.unwrap();
    assert!(!store.opted_out(&acme, &phone(1)).await.unwrap());
    assert_eq!(store.running(&acme, &"solaire".into()).await.unwrap(), [(Digest::from("d1"), 1)]);
    // Others keep everything; nothing of the person's comes due any more.
    for id in [&two, &three] {
        assert_eq!(store.lines(id).await.unwrap().len(), 1);
    }
    assert_eq!(store.fire(at(99_000), 9).await.unwrap(), 2);
    // A stranger from now on, whose message counts as new.
    let said = message("acme", &["wa-cv_00000001"], "wamid.said", 3);
    let answer = store.append(vec![said]).await.unwrap();
    assert!(matches!(answer[..], [relais::store::Appended::Parked(_)]), "{answer:?}");
    let erased = store.erase(&globex, &Person::Phone(phone(1))).await.unwrap();
    assert_eq!((erased.conversations, erased.opt_out), (1, false));
}
