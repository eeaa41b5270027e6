//! The qualification script: greets, and takes the first answer to a colleague.

use relais_sdk::*;

use crate::Plugin;

impl Qualification for Plugin {
    type Config = Nothing;
    type State = Option<String>;

    fn configure(_: Nothing) -> Result<Self, Vec<Problem>> {
        Ok(Plugin)
    }

    fn advance(&self, call: &Call, state: Option<String>, event: Event) -> Result<Turn, Fault> {
        Ok(match event {
            Event::LeadReceived => Turn::new().template("hello", [call.first_name()], Purpose::Outreach),
            Event::MessageReceived(messages) => {
                let texts: Vec<_> = messages.iter().map(|message| shown(&message.content)).collect();
                Turn::new()
                    .say("Thank you. A colleague will call you.")
                    .summary(format!("Wrote: {}", texts.join(" ")))
                    .conclude(Outcome::NoOutcome, Some("CALL_BACK"))
            }
            _ => Turn::new().state(&state),
        })
    }
}

fn shown(content: &Content) -> &str {
    match content {
        Content::Text(text) => text,
        Content::Choice(choice) => &choice.title,
        _ => "(no text)",
    }
}
