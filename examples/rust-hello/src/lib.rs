//! A first qualification script: greet, ask one question, hand the answer to a human.

use relais_sdk::*;

/// The plugin: it has no configuration, so there is nothing to keep.
pub struct Hello;

impl Qualification for Hello {
    type Config = Nothing;
    type State = u32;

    fn configure(_: Nothing) -> Result<Self, Vec<Problem>> {
        Ok(Hello)
    }

    fn advance(&self, call: &Call, answers: u32, event: Event) -> Result<Turn, Fault> {
        Ok(match (event, answers) {
            (Event::LeadReceived, _) => Turn::new().template("hello", [call.first_name()], Purpose::Outreach),
            (Event::MessageReceived(_), 0) => Turn::new().say("Thanks! What are you looking for?").state(&1),
            (Event::MessageReceived(_), _) => Turn::new().say("A colleague will write to you.").hand_over("answered"),
            _ => Turn::new().state(&answers),
        })
    }
}

relais_sdk::export!(Hello: qualification);

#[cfg(test)]
mod tests {
    use super::*;
    use relais_sdk::testing;

    #[test]
    fn asks_once_then_hands_over() {
        let call = testing::call("2025-10-08T09:31:00+02:00");
        let first = Hello.advance(&call, 0, testing::wrote("hello")).unwrap();
        assert_eq!(first.texts(), ["Thanks! What are you looking for?"]);
        let second = Hello.advance(&call, 1, testing::wrote("a roof")).unwrap();
        assert!(matches!(second.actions(), [Action::Send(_), Action::HandOver(_)]));
    }
}
