//! What a message means. Each part takes words and gives what was understood, and how surely.

mod choice;
mod contact;
mod intent;
mod language;
mod lexicon;
mod number;
mod numerals;
#[cfg(test)]
mod phrases_test;
mod tokens;
mod yes_no;

pub(crate) use choice::{Labels, choice, extreme, place};
pub(crate) use contact::{email, postcode};
pub(crate) use intent::{Intent, Intents};
pub(crate) use language::language;
pub(crate) use lexicon::Lexicon;
pub(crate) use number::{Number, number, number_in_unit};
pub(crate) use tokens::{fold, is_question, tokens};
pub(crate) use yes_no::{Answer, YesNo};

/// How sure a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// A guess: worth asking again.
    Unsure,
    /// Probably: taken unless something else fits better.
    Likely,
    /// Said in so many words.
    Sure,
}

/// Something understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading<T> {
    pub(crate) what: T,
    pub(crate) how: How,
}

impl<T> Reading<T> {
    pub(crate) fn sure(what: T) -> Self {
        Self { what, how: How::Sure }
    }

    pub(crate) fn likely(what: T) -> Self {
        Self { what, how: How::Likely }
    }

    pub(crate) fn unsure(what: T) -> Self {
        Self { what, how: How::Unsure }
    }
}
