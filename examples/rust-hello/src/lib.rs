//! A first qualification script: greet, ask what the person needs, offer the first free slot, book it.

use relais_sdk::*;

/// The plugin: it has no configuration, so there is nothing to keep.
pub struct Hello;

impl Qualification for Hello {
    type Config = Nothing;
    /// Empty at first, then the step `need`, then the slot that was offered.
    type State = String;

    fn configure(_: Nothing) -> Result<Self, Vec<Problem>> {
        Ok(Hello)
    }

    fn advance(&self, call: &Call, step: String, event: Event) -> Result<Turn, Fault> {
        Ok(match event {
            Event::LeadReceived => Turn::new().template("hello", [call.first_name()], Purpose::Outreach),
            Event::MessageReceived(messages) => answer(call, &step, said(&messages)),
            Event::MeetingBooked(_) => Turn::new().say("It is booked. See you then!").state(&step),
            Event::SlotTaken(_) => hand_over("the slot was taken"),
            _ => Turn::new().state(&step),
        })
    }
}

fn answer(call: &Call, step: &str, text: &str) -> Turn {
    match step {
        "" => Turn::new().say("Thanks! What are you looking for?").state("need"),
        "need" => match host::free_slots(&call.context.now, "2999-01-01T00:00:00Z", 1).first() {
            Some(slot) => Turn::new()
                .summary(format!("Looking for: {text}"))
                .ask(format!("The first free time is {}. Shall I book it?", slot.start), [("yes", "Yes"), ("no", "No")])
                .state(&slot.start),
            None => hand_over("no free slot"),
        },
        start if text.trim().to_lowercase().starts_with("yes") => Turn::new().book(start, None).state(start),
        _ => hand_over("another time is wanted"),
    }
}

/// What the person wrote, or the title of the button that they chose.
fn said(messages: &[Message]) -> &str {
    match messages.last().map(|message| &message.content) {
        Some(Content::Text(text)) => text,
        Some(Content::Choice(choice)) => &choice.title,
        _ => "",
    }
}

fn hand_over(reason: &str) -> Turn {
    Turn::new().say("A colleague will write to you.").hand_over(reason)
}

relais_sdk::export!(Hello: qualification);

#[cfg(test)]
mod tests {
    use super::*;
    use relais_sdk::testing;

    #[test]
    fn offers_the_first_free_slot_and_books_it() {
        let call = testing::call("2025-10-08T09:31:00+02:00");
        let asked = Hello.advance(&call, String::new(), testing::wrote("hello")).unwrap();
        assert_eq!(asked.texts(), ["Thanks! What are you looking for?"]);

        let start = "2025-10-08T11:00:00+02:00";
        testing::set_free_slots(|_, _, _| {
            vec![testing::slot("2025-10-08T11:00:00+02:00", "2025-10-08T11:30:00+02:00")]
        });
        let offered = Hello.advance(&call, "need".into(), testing::wrote("solar panels")).unwrap();
        assert_eq!(offered.state_json(), Some("\"2025-10-08T11:00:00+02:00\""));

        let booked = Hello.advance(&call, start.into(), testing::wrote("Yes, please")).unwrap();
        assert!(matches!(booked.actions(), [Action::Book(_)]));
        let refused = Hello.advance(&call, start.into(), testing::wrote("no")).unwrap();
        assert!(matches!(refused.actions(), [Action::Send(_), Action::HandOver(_)]));
    }
}
