//! The register, the keys, the flow versions, and finding conversations.

use std::collections::BTreeMap;

use relais::{
    model::{ConversationId, Digest, Environment, FlowId, Status, TenantId},
    store::{ApiKey, Error, FlowVersion},
};

use super::Place;
use crate::support::{Chance, at, conversation, intake, phone, turn};

pub(crate) async fn people_keys_and_versions(place: &dyn Place) {
    let store = place.open().await;
    let (acme, globex): (TenantId, TenantId) = ("acme".into(), "globex".into());
    store.set_opt_out(&acme, &phone(1), true).await.unwrap();
    store.set_opt_out(&acme, &phone(2), true).await.unwrap();
    store.set_opt_out(&acme, &phone(2), false).await.unwrap();
    let key = ApiKey { digest: "ab".into(), tenant: acme.clone(), environment: Environment::Test, created_at: at(0) };
    store.add_key(key.clone()).await.unwrap();

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
