//! The contract of the store. One suite runs on every implementation; each rule is tested through the trait alone.

mod crash;
mod delivery;
mod door;
mod measure;
mod mirror;
mod random;
mod register;
mod turn;

use std::sync::Arc;

use async_trait::async_trait;
use relais::store::{SledStore, Store};

use crate::support::Folder;

/// A place where a store of some kind can be opened again and again.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// Opens it. Whoever had it open before has dropped it.
    async fn open(&self) -> Arc<dyn Store>;
}

/// sled, in a folder.
struct Sled(Folder);

#[async_trait]
impl Place for Sled {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(SledStore::open(self.0.path()).unwrap())
    }
}

/// Runs the contract on a kind of place.
macro_rules! contract {
    ($kind:ident, $place:expr; $($part:ident::$rule:ident)*) => {
        mod $kind {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                super::$part::$rule(&$place).await;
            })*
        }
    };
}

/// Every rule, for whichever kind.
macro_rules! every_rule {
    ($kind:ident, $place:expr) => {
        contract! { $kind, $place;
            door::a_lead_is_accepted_once
            door::environments_are_apart
            door::aliases_count_up
            door::an_event_is_filed_once
            door::a_person_is_known_by_many_names
            door::what_belongs_to_nobody_is_kept
            door::receipts_wait_for_their_message
            turn::a_burst_is_one_event
            turn::without_a_window_messages_come_one_by_one
            turn::follow_ups_come_first
            turn::one_lease_at_a_time
            turn::the_longest_waiting_first_and_tenants_in_turn
            turn::a_failed_turn_keeps_its_event
            turn::timers_are_replaced_cancelled_and_fired
            turn::a_slot_is_booked_once
            turn::capacity_buffers_and_salespeople
            turn::calendars_keep_what_was_cancelled_and_secrets_end
            turn::a_turn_is_written_whole
            delivery::a_lane_keeps_its_order
            delivery::a_sent_message_leaves_its_marks
            delivery::what_was_not_sent_is_told
            delivery::a_result_not_known_blocks_its_lane
            delivery::stop_drops_what_is_queued
            delivery::what_was_parked_can_be_replayed
            register::people_keys_and_versions
            register::conversations_are_found
            register::versions_are_remembered_and_forgotten
            register::a_person_is_erased
            random::it_behaves_like_its_mirror
            random::many_at_once_lose_nothing
        }
    };
}

every_rule!(sled, crate::store::Sled(crate::support::Folder::new()));
