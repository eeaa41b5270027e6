//! Where a script's questions lead: to steps that exist, from the opening to an end.

use std::collections::BTreeSet;

use relais_sdk::{Problem, problem};

use crate::config::{Config, Step};

/// Unknown targets, questions that nobody reaches, questions from which there is no way out, ends in silence.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, then) in targets(config) {
        if let Some(what) = unknown(config, then, at.starts_with("objections.")) {
            problems.push(problem(at, what));
        }
    }
    if !problems.is_empty() {
        // What cannot be reached because of a wrong target is no mistake of its own.
        return problems;
    }
    let reached = reached(config);
    let leaving = leaving(config);
    for (index, step) in config.steps.iter().enumerate() {
        if !reached.contains(step.id.as_str()) {
            let what = format!("the question `{}` is never asked: no `then` leads to it", step.id);
            problems.push(problem(format!("steps.{index}"), what));
        } else if !leaving.contains(step.id.as_str()) {
            let what = format!("from `{}` the questions go round for ever: lead one to booking or to an end", step.id);
            problems.push(problem(format!("steps.{index}.then"), what));
        }
    }
    for name in config.endings.keys() {
        let target = format!("end:{name}");
        if !targets(config).iter().any(|(_, then)| *then == target) {
            problems.push(problem(format!("endings.{name}"), "no `then` leads to this ending"));
        }
    }
    problems.extend(silent_ends(config));
    problems.extend(rules_in_vain(config));
    problems
}

/// Ways to an end on which the person is told nothing: they would wait for an answer for ever.
fn silent_ends(config: &Config) -> Vec<Problem> {
    let is_silent = |then: &str| match then.strip_prefix("end:") {
        Some(name) => config.endings.get(name).is_some_and(|ending| ending.say.is_none()),
        None => then == "hand-over" && config.replies.hand_over.is_none(),
    };
    // What a question says after any answer is left out where a branch leads to an end.
    let spoken = |own: bool, then: &Option<String>, usual: bool| {
        own || usual && !then.as_deref().is_some_and(|then| then.starts_with("end:"))
    };
    let mut problems = Vec::new();
    let mut look = |at: String, then: Option<&str>, says: bool| {
        if let Some(then) = then.filter(|then| !says && is_silent(then)) {
            let place = match then.strip_prefix("end:") {
                Some(name) => format!("[endings.{name}]"),
                None => "replies.hand-over".to_owned(),
            };
            let what = format!("the person would be told nothing: write a `say` here or a text in {place}");
            problems.push(problem(format!("{at}.then"), what));
        }
    };
    for (index, step) in config.steps.iter().enumerate() {
        let at = format!("steps.{index}");
        let says = step.say.is_some();
        look(at.clone(), step.then.as_deref(), says);
        for (answer, branch) in &step.on {
            look(format!("{at}.on.{answer}"), branch.then.as_deref(), spoken(branch.say.is_some(), &branch.then, says));
        }
        for (rule_at, rule) in step.rules.iter().enumerate() {
            look(format!("{at}.rules.{rule_at}"), rule.then.as_deref(), spoken(rule.say.is_some(), &rule.then, says));
        }
    }
    let lost = config.replies.lost_then.as_deref().filter(|_| config.replies.lost.is_none());
    if let Some(then) = lost.filter(|then| is_silent(then)) {
        let what = format!("the person would be told nothing before {then:?}: write replies.lost");
        problems.push(problem("replies.lost-then", what));
    }
    problems
}

/// Rules that can never count: the same condition stands above.
fn rules_in_vain(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, step) in config.steps.iter().enumerate() {
        for (at, rule) in step.rules.iter().enumerate() {
            if step.rules.iter().take(at).any(|above| above.condition.trim() == rule.condition.trim()) {
                let what = "a rule above has the same condition, so this one never counts";
                problems.push(problem(format!("steps.{index}.rules.{at}.if"), what));
            }
        }
    }
    problems
}

/// Every `then` that is written, with its path.
fn targets(config: &Config) -> Vec<(String, &str)> {
    let mut out = Vec::new();
    for (index, step) in config.steps.iter().enumerate() {
        let at = format!("steps.{index}");
        out.extend(step.then.as_deref().map(|then| (format!("{at}.then"), then)));
        for (answer, branch) in &step.on {
            out.extend(branch.then.as_deref().map(|then| (format!("{at}.on.{answer}.then"), then)));
        }
        for (rule_at, rule) in step.rules.iter().enumerate() {
            out.extend(rule.then.as_deref().map(|then| (format!("{at}.rules.{rule_at}.then"), then)));
        }
    }
    for (index, objection) in config.objections.iter().enumerate() {
        out.extend(objection.then.as_deref().map(|then| (format!("objections.{index}.then"), then)));
    }
    out.extend(config.replies.lost_then.as_deref().map(|then| ("replies.lost-then".to_owned(), then)));
    out
}

fn unknown(config: &Config, then: &str, may_return: bool) -> Option<String> {
    if let Some(ending) = then.strip_prefix("end:") {
        return (!config.endings.contains_key(ending)).then(|| format!("there is no [endings.{ending}]"));
    }
    if then == "return" && !may_return {
        return Some("only an objection can return to the question that was open".to_owned());
    }
    let built_in = ["booking", "hand-over", "return"].contains(&then);
    (!built_in && config.step(then).is_none())
        .then(|| format!("there is no step `{then}`: write a step's id, \"booking\", \"hand-over\" or \"end:…\""))
}

/// Where a step may go: its branches, and the way for answers that no branch covers.
fn ways<'a>(config: &'a Config, index: usize, step: &'a Step) -> Vec<&'a str> {
    let usual = step.then.as_deref().unwrap_or_else(|| config.after(index));
    let branch = step.on.values().map(|branch| branch.then.as_deref().unwrap_or(usual));
    let rule = step.rules.iter().map(|rule| rule.then.as_deref().unwrap_or(usual));
    let mut out: Vec<&str> = branch.chain(rule).collect();
    if !is_covered(step) || step.skip_if.is_some() {
        out.push(usual);
    }
    out
}

/// True when every answer has a branch.
fn is_covered(step: &Step) -> bool {
    use crate::config::Kind;
    match step.answer {
        Kind::YesNo => ["yes", "no", "maybe"].iter().all(|answer| step.on.contains_key(*answer)),
        Kind::Choice => step.choices.iter().all(|choice| step.on.contains_key(&choice.id)),
        _ => false,
    }
}

fn reached(config: &Config) -> BTreeSet<&str> {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = config.first().map(|step| step.id.as_str()).into_iter().collect();
    open.extend(config.objections.iter().filter_map(|objection| objection.then.as_deref()));
    open.extend(config.replies.lost_then.as_deref());
    while let Some(id) = open.pop() {
        if let Some((index, step)) = config.step(id)
            && reached.insert(step.id.as_str())
        {
            open.extend(ways(config, index, step));
        }
    }
    reached
}

/// The steps from which the booking, an ending or a human can be reached.
fn leaving(config: &Config) -> BTreeSet<&str> {
    let mut leaving: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = leaving.len();
        for (index, step) in config.steps.iter().enumerate() {
            let out = ways(config, index, step);
            if out.iter().any(|then| config.step(then).is_none() || leaving.contains(then)) {
                leaving.insert(step.id.as_str());
            }
        }
        if leaving.len() == before {
            return leaving;
        }
    }
}
