//! What is remembered of a conversation between two turns.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use crate::model::Asked;

/// The state; its JSON is meant to be read by people too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
pub struct State {
    pub(crate) stage: Stage,
    /// How many times in a row the answer was not understood.
    pub(crate) misunderstood: usize,
    /// The language that the person turned out to write in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<String>,
    /// The step answered last, in case the person corrects it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<String>,
    /// How many follow-ups were sent in all.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) follow_ups_in_all: usize,
    /// How many follow-ups were sent since the person last wrote.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) follow_ups: usize,
    /// How many times each text was said, where that matters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) said: BTreeMap<String, usize>,
    /// The objections brought up, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) objections: Vec<String>,
    /// The day agreed on, while the time is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) day: Option<Date>,
    /// The times agreed on (from, to), while the day is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<(Time, Time)>,
    /// The slots offered last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) offered: Vec<Offer>,
    /// The days offered last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) offered_days: Vec<Date>,
    /// The days that the person turned down, so that they are not offered again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) declined: Vec<Date>,
    /// Questions that the script has no answer to, as the person put them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) asked: Vec<String>,
    /// The booking asked for is one of the slots that we offered.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) chosen: bool,
    /// We asked for the meeting to be cancelled.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) cancelling: bool,
    /// The company cancelled the meeting, and the person has not written since.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) withdrawn: bool,
    /// A message that a model was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model_asked: Option<Asked>,
    /// The question for the summary that a model has not answered yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) summary_asked: Option<String>,
    /// How many questions a model was asked.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) questions: usize,
    /// The word for the CRM with which the conversation ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
    /// A human has taken over.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) with_human: bool,
    /// The person has written at least once.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) responded: bool,
    /// The last summary, so that it is told only when it changes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) summary: String,
}

/// Where the conversation is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Before the opening.
    #[default]
    New,
    /// A question was put; its step's id.
    Step(String),
    /// A time is being looked for.
    Booking,
    /// A meeting stands.
    Booked,
}

/// A slot that was offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub(crate) start: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) with: Option<String>,
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}
