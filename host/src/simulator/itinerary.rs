//! What will become of a message, decided when it is accepted.

use jiff::{SignedDuration, Timestamp};

use super::{Fault, Latency, message::Stage, queue::Step};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives and everything is told in order.
    Arrives,
    /// It arrives and nothing is told.
    NoStatus,
    /// It arrives and `delivered` is left out.
    ReadWithoutDelivered,
    /// It arrives and is told backwards.
    Reorder,
    /// It fails.
    Fails(i64),
    /// It is told to have failed, then arrives.
    DeliveredAfterFailed,
    /// It arrives, then is told to have failed.
    FailedAfterDelivered,
}

impl Fate {
    /// The faults that decide it, in order of precedence.
    pub(super) const FAULTS: &'static [Fault] = &[
        Fault::Failed131026,
        Fault::Failed131047,
        Fault::Failed131049,
        Fault::Failed131050,
        Fault::DeliveredAfterFailed,
        Fault::FailedAfterDelivered,
        Fault::NoStatus,
        Fault::ReadWithoutDelivered,
        Fault::Reorder,
    ];

    /// What `fault` makes of a message to someone who does or does not send read receipts.
    pub(super) fn of(fault: Option<Fault>, reads: bool) -> Self {
        match fault {
            Some(Fault::Failed131026) => Self::Fails(131_026),
            Some(Fault::Failed131047) => Self::Fails(131_047),
            Some(Fault::Failed131049) => Self::Fails(131_049),
            Some(Fault::Failed131050) => Self::Fails(131_050),
            Some(Fault::DeliveredAfterFailed) => Self::DeliveredAfterFailed,
            Some(Fault::FailedAfterDelivered) => Self::FailedAfterDelivered,
            Some(Fault::NoStatus) => Self::NoStatus,
            // Without receipts nothing would ever imply `delivered`.
            Some(Fault::ReadWithoutDelivered) if reads => Self::ReadWithoutDelivered,
            Some(Fault::Reorder) => Self::Reorder,
            _ => Self::Arrives,
        }
    }

    /// The steps of a message accepted or released at `from`, in order. `jitter_ms` is added to each.
    pub(super) fn steps(
        self,
        from: Timestamp,
        latency: &Latency,
        jitter_ms: u64,
        reads: bool,
    ) -> Vec<(Timestamp, Step)> {
        use Stage::{Delivered, Read, Sent};
        use Step::{Fail, Reach, ReachQuietly, Report};
        let at = |ms: u64| later(from, ms.saturating_add(jitter_ms));
        let sent = at(latency.sent_ms);
        let delivered = at(latency.delivered_ms).max(sent);
        let read = at(latency.read_ms).max(delivered);
        match self {
            Self::Arrives => vec![(sent, Reach(Sent)), (delivered, Reach(Delivered)), (read, Reach(Read))],
            Self::NoStatus => {
                vec![(sent, ReachQuietly(Sent)), (delivered, ReachQuietly(Delivered)), (read, ReachQuietly(Read))]
            }
            Self::ReadWithoutDelivered => {
                vec![(sent, Reach(Sent)), (delivered, ReachQuietly(Delivered)), (read, Reach(Read))]
            }
            Self::Reorder => {
                let told = if reads { read } else { delivered };
                vec![
                    (sent, ReachQuietly(Sent)),
                    (delivered, ReachQuietly(Delivered)),
                    (read, ReachQuietly(Read)),
                    (told, Report(Read, read)),
                    (told, Report(Delivered, delivered)),
                    (told, Report(Sent, sent)),
                ]
            }
            Self::Fails(code) => vec![(delivered, Fail(code))],
            Self::DeliveredAfterFailed => {
                vec![(sent, Fail(131_026)), (delivered, Reach(Delivered)), (read, Reach(Read))]
            }
            Self::FailedAfterDelivered => {
                vec![(sent, Reach(Sent)), (delivered, Reach(Delivered)), (read, Fail(131_026))]
            }
        }
    }
}

/// `from` and `ms` milliseconds; the last moment there is when that is too far.
pub(super) fn later(from: Timestamp, ms: u64) -> Timestamp {
    let duration = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    from.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_takes_its_time() {
        let from = Timestamp::from_second(1_795_000_000).unwrap();
        let steps = |fate: Fate, reads| {
            let steps = fate.steps(from, &Latency::default(), 0, reads);
            steps.into_iter().map(|(at, step)| (at.duration_since(from).as_millis(), step)).collect::<Vec<_>>()
        };
        let plain = [
            (300, Step::Reach(Stage::Sent)),
            (1_000, Step::Reach(Stage::Delivered)),
            (3_000, Step::Reach(Stage::Read)),
        ];
        assert_eq!(steps(Fate::Arrives, true), plain);
        let told: Vec<_> = steps(Fate::Reorder, true).split_off(3);
        assert!(told.iter().all(|(at, _)| *at == 3_000), "{told:?}");
        assert!(matches!(told[0].1, Step::Report(Stage::Read, _)) && matches!(told[2].1, Step::Report(Stage::Sent, _)));
        assert_eq!(steps(Fate::Reorder, false)[3].0, 1_000);
        assert_eq!(Fate::of(Some(Fault::ReadWithoutDelivered), false), Fate::Arrives);
    }
}
