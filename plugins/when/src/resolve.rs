//! From days and times to intervals of wall time.

use jiff::civil::{Date, DateTime};

use crate::calendar::{add_days, at_minute};
use crate::combine::Group;
use crate::shape::{Clock, DAY_MINUTES, Days, Moment, TimeKind};
use crate::{DayRange, Grain, Interval, Settled, TimeRange};

/// At most so many intervals are given.
const LIMIT: usize = 24;

/// The intervals of some groups, in order, each once.
pub(crate) fn intervals(groups: &[Group], now: DateTime, settled: &Settled) -> Vec<Interval> {
    let mut out: Vec<Interval> = Vec::new();
    let mut keep = |interval: Option<Interval>| {
        if let Some(interval) = interval
            && out.len() < LIMIT
            && !out.contains(&interval)
        {
            out.push(interval);
        }
    };
    for group in groups {
        if let Some(moment) = group.moment {
            keep(Some(at_moment(moment)));
            continue;
        }
        let days: Vec<Option<Days>> = if group.days.is_empty() {
            vec![None]
        } else {
            group.days.iter().filter_map(|d| d.settle(now.date())).map(Some).collect()
        };
        for day in days {
            if group.times.is_empty() {
                keep(day.map(|d| whole(d, settled)));
            }
            for time in &group.times {
                keep(at(day, time.settle(None), now, settled));
            }
        }
    }
    out
}

fn at_moment(moment: Moment) -> Interval {
    let day = |at: Option<DateTime>| at.map(|at| at.date());
    let minute =
        |at: Option<DateTime>| at.and_then(|at| u16::try_from(i32::from(at.hour()) * 60 + i32::from(at.minute())).ok());
    let point = moment.from.is_some() && moment.to.is_some();
    Interval {
        from: moment.from,
        to: moment.to,
        grain: moment.grain,
        day: Some(DayRange {
            from: day(moment.from),
            to: if point { day(moment.from).map(|d| add_days(d, 1)) } else { day(moment.to).map(|d| add_days(d, 1)) },
        }),
        time: Some(TimeRange {
            from_minute: minute(moment.from),
            to_minute: if point { minute(moment.from).map(|m| m + 1) } else { minute(moment.to) },
            grain: moment.grain,
            kind: if point { TimeKind::Point } else { TimeKind::Bound },
        }),
    }
}

/// Days without a time: the settled one, else all day.
fn whole(days: Days, settled: &Settled) -> Interval {
    let said = Some(DayRange { from: days.from, to: days.to });
    let one = matches!((days.from, days.to), (Some(from), Some(to)) if add_days(from, 1) == to);
    if let (Some(time), Some(day), true) = (settled.time, days.from, one) {
        return Interval {
            from: time.from_minute.map(|m| at_minute(day, m)),
            to: time.to_minute.map(|m| at_minute(day, m)),
            grain: time.grain,
            day: said,
            time: None,
        };
    }
    let (from, grain) = match days.from {
        Some(saturday) if days.weekend => (Some(at_minute(add_days(saturday, -1), 18 * 60)), Grain::Hour),
        from => (from.map(|d| at_minute(d, 0)), days.grain),
    };
    Interval { from, to: days.to.map(|d| at_minute(d, 0)), grain, day: said, time: None }
}

/// A time of day on its days; without any, on the settled day, else on the first one that fits.
fn at(days: Option<Days>, time: Clock, now: DateTime, settled: &Settled) -> Option<Interval> {
    let said = TimeRange { from_minute: time.from, to_minute: time.to, grain: time.grain, kind: time.kind };
    let (first, last) = match days {
        None => {
            let day = settled.day.unwrap_or_else(|| first_fit(time, now));
            (Some(day), Some(day))
        }
        Some(days) => {
            let last = days.to.map(|d| add_days(d, -1));
            // Of a week that has begun, what is still ahead.
            let first = days.from.map(|from| from.max(last.map_or(from, |last| last.min(now.date()))));
            (first.or(last), last.or(days.from))
        }
    };
    let minute = time.to.map(|m| if time.from.is_none() && m == 0 && days.is_some() { DAY_MINUTES } else { m });
    // Open days stay open on that side, unless the time says when.
    let open_from = days.is_some_and(|d| d.from.is_none());
    let open_to = days.is_some_and(|d| d.to.is_none());
    Some(Interval {
        from: time.from.filter(|_| !open_from).map(|m| Some(at_minute(first?, m))).unwrap_or_default(),
        to: minute.filter(|_| !open_to).map(|m| Some(at_minute(last?, m))).unwrap_or_default(),
        grain: time.grain,
        day: days.map(|d| DayRange { from: d.from, to: d.to }),
        time: Some(said),
    })
}

/// Today while that time is still ahead, else tomorrow.
fn first_fit(time: Clock, now: DateTime) -> Date {
    let today = now.date();
    let passed = match (time.kind, time.from, time.to) {
        (TimeKind::Point | TimeKind::Bound, Some(from), _) => at_minute(today, from) < now,
        (_, _, Some(to)) => at_minute(today, to) <= now,
        _ => false,
    };
    if passed { add_days(today, 1) } else { today }
}
