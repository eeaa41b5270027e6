//! From events to alternatives: what is wanted, what is ruled out, what was corrected.

use crate::Grain;
use crate::judge::{Link, Said, judge};
use crate::phrase::Event;
use crate::shape::{Clock, DaySpec, Days, Moment, TimeKind};
use jiff::civil::Date;

/// Days and times that go together: every day with every time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) days: Vec<DaySpec>,
    pub(crate) times: Vec<Clock>,
    pub(crate) moment: Option<Moment>,
    /// The week or month out of which the days were picked.
    container: Option<Days>,
    /// The last time was said as an alternative.
    offered: bool,
}

/// At most so many groups are kept: nobody offers more in a chat message.
const LIMIT: usize = 12;

/// What is wanted and what is ruled out.
pub(crate) fn combine(events: &[Event], today: Date) -> (Vec<Group>, Vec<Group>) {
    let said = judge(events);
    let mut wanted = Builder { groups: Vec::new(), today };
    let mut ruled_out = Builder { groups: Vec::new(), today };
    for said in said {
        if said.wanted
            && said.inherits
            && wanted.groups.is_empty()
            && let Some(last) = ruled_out.groups.last()
        {
            wanted.add_corrected(said, last.clone());
            continue;
        }
        let builder = if said.wanted { &mut wanted } else { &mut ruled_out };
        builder.add(said);
    }
    // "la semaine prochaine sauf mercredi", "lundi sauf le matin"
    let container = wanted.groups.iter().find_map(|g| g.container.or_else(|| g.days.iter().find_map(|d| several(*d))));
    for group in &mut ruled_out.groups {
        if let Some(days) = container {
            for spec in &mut group.days {
                *spec = within(*spec, days);
            }
        }
        if group.days.is_empty()
            && group.moment.is_none()
            && let Some(last) = wanted.groups.last()
        {
            group.days.clone_from(&last.days);
        }
    }
    (wanted.groups, ruled_out.groups)
}

fn several(spec: DaySpec) -> Option<Days> {
    match spec {
        DaySpec::Fixed(days) if days.holds_several() && !days.weekend => Some(days),
        _ => None,
    }
}

/// A weekday or a day of the month, picked out of `days`.
fn within(spec: DaySpec, days: Days) -> DaySpec {
    match spec {
        DaySpec::Weekday(w) if days.pick_weekday(w).is_some() => DaySpec::WeekdayIn(w, days),
        DaySpec::DayOfMonth(day, _) => days.pick_day(day).map_or(spec, DaySpec::day),
        spec => spec,
    }
}

struct Builder {
    groups: Vec<Group>,
    today: Date,
}

impl Builder {
    fn push(&mut self, group: Group) {
        if self.groups.len() < LIMIT {
            self.groups.push(group);
        }
    }

    fn add(&mut self, said: Said) {
        let Said { piece, link, apart, replaces, .. } = said;
        if replaces && piece.moment.is_some() {
            self.groups.pop();
        }
        if let Some(moment) = piece.moment {
            self.push(Group { moment: Some(moment), ..Group::default() });
            return;
        }
        match (piece.day, piece.time) {
            (Some(day), None) if apart => self.add_apart(day),
            (Some(day), None) => self.add_day(day, link, replaces),
            (None, Some(time)) => self.add_time(time, link, replaces),
            (Some(day), Some(time)) => self.add_both(day, time, link, replaces),
            (None, None) => {}
        }
    }

    /// Keeps of `wrong` what the correction leaves unsaid.
    fn add_corrected(&mut self, said: Said, wrong: Group) {
        let days = match said.piece.day {
            None if said.piece.moment.is_none() => wrong.days,
            _ => Vec::new(),
        };
        let kept = said.piece.time.is_none() && said.piece.moment.is_none();
        self.add(said);
        if let Some(last) = self.groups.last_mut() {
            if !days.is_empty() {
                last.days = days;
            }
            if kept {
                last.times = wrong.times;
            }
        }
    }

    /// A day that shares no time with those before, only their week.
    fn add_apart(&mut self, day: DaySpec) {
        let container = self.groups.last().and_then(|last| last.container);
        let day = container.map_or(day, |container| within(day, container));
        self.push(Group { days: vec![day], container, ..Group::default() });
    }

    fn add_both(&mut self, day: DaySpec, time: Clock, link: Link, replaces: bool) {
        if replaces {
            self.groups.pop();
        }
        // "8pm tonight", "à 20h ce soir", "aujourd'hui, cet après-midi"
        if let Some(last) = self.groups.last_mut()
            && last.moment.is_none()
            && !matches!(link, Link::Or | Link::And)
            && (last.days.is_empty() || last.days.as_slice() == [day])
        {
            last.days = vec![day];
            let told = last.times.pop();
            last.times.push(told.map_or(time, |t| narrowed(t, time).unwrap_or(t)));
            return;
        }
        self.push(Group { days: vec![day], times: vec![time], ..Group::default() });
    }

    fn add_day(&mut self, day: DaySpec, link: Link, replaces: bool) {
        let today = self.today;
        let Some(last) = self.groups.last_mut().filter(|g| g.moment.is_none()) else {
            let container = match day {
                DaySpec::WeekdayIn(_, days) => Some(days),
                _ => None,
            };
            self.push(Group { days: vec![day], container, ..Group::default() });
            return;
        };
        let joined = !matches!(link, Link::Or | Link::And);
        if replaces && !last.days.is_empty() {
            let day = last.container.map_or(day, |c| within(day, c));
            last.days = vec![day];
            return;
        }
        if last.days.is_empty() {
            if joined || last.times.is_empty() {
                last.days.push(day);
            } else {
                self.push(Group { days: vec![day], ..Group::default() });
            }
            return;
        }
        // "la semaine prochaine, mardi ou jeudi"
        if let Some(days) = last.container {
            let picked = within(day, days);
            if picked != day {
                if last.times.is_empty() {
                    last.days.push(picked);
                } else {
                    let container = last.container;
                    self.push(Group { days: vec![picked], container, ..Group::default() });
                }
                return;
            }
        }
        let whole = last.days.last().and_then(|d| several(*d));
        if let Some(days) = whole
            && joined
        {
            let picked = within(day, days);
            if picked != day {
                last.days.pop();
                last.days.push(picked);
                last.container = Some(days);
                return;
            }
        }
        // "mardi ou jeudi de la semaine prochaine"
        let days = match day {
            DaySpec::WeekdayIn(_, days) => Some(days),
            spec => several(spec).filter(|_| joined),
        };
        if let Some(days) = days
            && last.days.iter().any(|d| within(*d, days) != *d)
        {
            for spec in &mut last.days {
                *spec = within(*spec, days);
            }
            last.container = Some(days);
            if !matches!(day, DaySpec::WeekdayIn(..)) {
                return;
            }
        }
        if let DaySpec::WeekdayIn(_, days) = day {
            last.container = Some(days);
        }
        // "march 3rd or 4th"
        let day = match (last.days.last(), day) {
            (Some(DaySpec::MonthDay(month, first, _)), DaySpec::DayOfMonth(day, wanted))
                if *first < day && link != Link::Stop =>
            {
                DaySpec::MonthDay(*month, day, wanted)
            }
            (_, day) => day,
        };
        // "le 3 ou le 4 mars"
        if let DaySpec::MonthDay(month, ..) = day
            && last.times.is_empty()
        {
            for spec in &mut last.days {
                if let DaySpec::DayOfMonth(day, wanted) = *spec {
                    *spec = DaySpec::MonthDay(month, day, wanted);
                }
            }
        }
        // "demain, jeudi 9": one day, said twice.
        if let (true, Some(a), Some(b)) = (joined, last.days.last().and_then(|d| d.settle(today)), day.settle(today)) {
            if inside(a, b) {
                return;
            }
            if inside(b, a) {
                last.days.pop();
                last.days.push(day);
                return;
            }
            if let Some(both) = meet(a, b) {
                last.days.pop();
                last.days.push(DaySpec::Fixed(both));
                return;
            }
        }
        if last.times.is_empty() {
            if last.days.len() < LIMIT {
                last.days.push(day);
            }
        } else if link == Link::Next && last.offered && last.times.len() > 1 {
            // "10h mardi ou 14h jeudi"
            let times = last.times.pop().into_iter().collect();
            self.push(Group { days: vec![day], times, ..Group::default() });
        } else {
            self.push(Group { days: vec![day], ..Group::default() });
        }
    }

    fn add_time(&mut self, time: Clock, link: Link, replaces: bool) {
        let Some(last) = self.groups.last_mut().filter(|g| g.moment.is_none()) else {
            self.push(Group { times: vec![time], ..Group::default() });
            return;
        };
        let joined = !matches!(link, Link::Or | Link::And);
        let Some(told) = last.times.last().copied() else {
            if link == Link::Or {
                self.push(Group { times: vec![time], ..Group::default() });
            } else {
                last.times.push(time);
            }
            return;
        };
        let merged = both_bounds(told, time).or_else(|| if joined { narrowed(told, time) } else { None });
        if let Some(merged) = merged {
            last.times.pop();
            last.times.push(merged);
        } else if replaces {
            last.times = vec![time];
        } else if last.times.len() < LIMIT {
            // "ce soir à 7h ou 8h"
            let time = if told.kind == TimeKind::Point && told.from >= Some(720) && !told.ambiguous {
                follow(told, time)
            } else {
                time
            };
            last.times.push(time);
            last.offered = !joined;
        }
    }
}

/// An hour on the dial that comes after a settled one of the evening.
fn follow(told: Clock, time: Clock) -> Clock {
    if time.ambiguous && told.from >= Some(1080) { time.settle(Some(Clock::part(1080, 1440))) } else { time }
}

fn inside(a: Days, b: Days) -> bool {
    let (Some(af), Some(at), Some(bf), Some(bt)) = (a.from, a.to, b.from, b.to) else {
        return false;
    };
    bf <= af && at <= bt && b.grain != Grain::Month || a == b
}

/// "après lundi mais avant jeudi": two open stretches of days that meet.
fn meet(a: Days, b: Days) -> Option<Days> {
    let (from, to) = match (a, b) {
        (Days { from: Some(from), to: None, .. }, Days { from: None, to: Some(to), .. })
        | (Days { from: None, to: Some(to), .. }, Days { from: Some(from), to: None, .. }) => (from, to),
        _ => return None,
    };
    (from < to).then_some(Days::span(from, to, Grain::Day))
}

/// "après 14h et avant 17h": one range.
fn both_bounds(a: Clock, b: Clock) -> Option<Clock> {
    if a.kind != TimeKind::Bound || b.kind != TimeKind::Bound {
        return None;
    }
    let (lower, upper) = match (a.from, b.from) {
        (Some(_), None) => (a, b),
        (None, Some(_)) => (b, a),
        _ => return None,
    };
    let lower = lower.settle(None);
    let from = lower.from?;
    let mut to = upper.to?;
    if upper.ambiguous && to <= from {
        to += 720;
    }
    let grain = if lower.grain == Grain::Minute { lower.grain } else { upper.grain };
    (from < to).then_some(Clock { from: Some(from), to: Some(to), grain, kind: TimeKind::Range, ambiguous: false })
}

/// A part of the day and an hour in it: the hour, on the right half of the dial.
fn narrowed(a: Clock, b: Clock) -> Option<Clock> {
    match (a.kind, b.kind) {
        (TimeKind::Part, TimeKind::Part) => {
            let (af, at, bf, bt) = (a.from?, a.to?, b.from?, b.to?);
            let (from, to) = (af.max(bf), at.min(bt));
            (from < to && (af, at) != (bf, bt)).then_some(Clock::part(from, to))
        }
        (TimeKind::Part, _) => Some(b.settle(Some(a))),
        (_, TimeKind::Part) => Some(a.settle(Some(b))),
        _ => None,
    }
}
