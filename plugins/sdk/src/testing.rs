//! The host's part in native tests.
//!
//! ```
//! use relais_sdk::{host, testing};
//! testing::set_free_slots(|_, _, _| vec![testing::slot("2025-10-09T14:30:00", "2025-10-09T15:00:00")]);
//! assert_eq!(host::free_slots("2025-10-09", "2025-10-10", 5).len(), 1);
//! ```

use std::cell::RefCell;

use crate::host::Level;
use crate::{Call, Content, Context, Event, Lead, Message, Slot};

type Calendar = Box<dyn Fn(&str, &str, u32) -> Vec<Slot>>;

thread_local! {
    static CALENDAR: RefCell<Option<Calendar>> = const { RefCell::new(None) };
    static LOG: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// Decides what [`crate::host::free_slots`] answers on this thread; until then it answers that nothing is free.
pub fn set_free_slots(calendar: impl Fn(&str, &str, u32) -> Vec<Slot> + 'static) {
    CALENDAR.set(Some(Box::new(calendar)));
}

/// What was logged on this thread since the last call.
#[must_use]
pub fn take_log() -> Vec<(Level, String)> {
    LOG.take()
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn log(level: Level, message: &str) {
    LOG.with_borrow_mut(|lines| lines.push((level, message.to_owned())));
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn free_slots(from: &str, to: &str, limit: u32) -> Vec<Slot> {
    let limit = limit.min(100);
    let mut slots =
        CALENDAR.with_borrow(|calendar| calendar.as_ref().map(|ask| ask(from, to, limit)).unwrap_or_default());
    slots.truncate(usize::try_from(limit).unwrap_or(100));
    slots
}

/// A slot of the tenant's one calendar.
#[must_use]
pub fn slot(start: &str, end: &str) -> Slot {
    Slot { start: start.to_owned(), end: end.to_owned(), with: None }
}

/// A call at `now` (with its offset, such as `2025-10-08T09:31:00+02:00`) for a French tenant and a person without a
/// name; change its fields as the test needs.
#[must_use]
pub fn call(now: &str) -> Call {
    Call {
        context: Context {
            now: now.to_owned(),
            timezone: "Europe/Paris".to_owned(),
            language: "fr".to_owned(),
            tenant: "demo".to_owned(),
            flow: "demo".to_owned(),
            conversation: "c-1".to_owned(),
            window_until: None,
            meeting: None,
            last_status: None,
            notes: "{}".to_owned(),
        },
        lead: Lead {
            crm_id: "CRM_123456".to_owned(),
            phone_number: "+33612345604".to_owned(),
            name: None,
            email: None,
            company: None,
            assigned_to: None,
            context: "null".to_owned(),
        },
    }
}

/// The person wrote one text.
#[must_use]
pub fn wrote(text: &str) -> Event {
    received(Content::Text(text.to_owned()))
}

/// The person sent one message of any kind.
#[must_use]
pub fn received(content: Content) -> Event {
    Event::MessageReceived(vec![Message { id: "m-1".to_owned(), at: String::new(), content }])
}
