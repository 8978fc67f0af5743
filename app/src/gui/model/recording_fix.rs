//! Problems of a trace that another recording avoids, and the settings of the recording page that avoid them.
//! Words and choices only.

use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_recording::command::CommandKind;
use poolscope_recording::{LoggingMode, RecordingPlan, StackOptions};

use crate::format;

/// Above what a trace had: so much more is reckoned with, as a factor.
const HEADROOM: u64 = 2;

/// Problem of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    /// It has no pool events.
    NoPoolEvents,
    /// Its pool events have no stacks.
    NoStacks,
    /// Events or buffers were lost.
    Lost,
    /// Its beginning was overwritten.
    Wrapped,
    /// It names no images.
    NoImages,
    /// It was not merged on the machine that recorded it.
    Unmerged,
    /// It was not stopped in the regular way.
    NotClosed,
}

impl Fix {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NoPoolEvents,
        Self::NoStacks,
        Self::Lost,
        Self::Wrapped,
        Self::NoImages,
        Self::Unmerged,
        Self::NotClosed,
    ];

    /// Fix of a data-quality issue; `None` where another recording would not help.
    #[must_use]
    pub fn of(kind: DiagnosticKind) -> Option<Self> {
        use DiagnosticKind as A;
        Some(match kind {
            A::NoPoolEvents | A::PoolGroupOff => Self::NoPoolEvents,
            A::NoStacks => Self::NoStacks,
            A::EventsLost | A::BuffersLost | A::LossInBuffer | A::LossRecord => Self::Lost,
            A::WrappedCircular => Self::Wrapped,
            A::MissingImages => Self::NoImages,
            A::UnmergedImages => Self::Unmerged,
            A::NotClosed => Self::NotClosed,
            _ => return None,
        })
    }

    /// The button that leads to it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::NoPoolEvents => "Record pool events\u{2026}",
            Self::NoStacks => "Record with stacks\u{2026}",
            Self::Lost => "Record with larger buffers\u{2026}",
            Self::Wrapped => "Record into a file\u{2026}",
            Self::NoImages => "Record with images\u{2026}",
            Self::Unmerged => "Merge the trace\u{2026}",
            Self::NotClosed => "How to stop a recording\u{2026}",
        }
    }

    /// Sentence about the problem and the setting that avoids it.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::NoPoolEvents => "The trace has no pool events. All commands below include the Pool keyword.",
            Self::NoStacks => {
                "The trace has pool events without stacks. Stacks on PoolAlloc and PoolFree are selected."
            }
            Self::Lost => {
                "The trace lost events. Larger buffers are selected. If events are still lost, record only the \
                 relevant tags, record no stacks on PoolFree, or log to a faster disk."
            }
            Self::Wrapped => {
                "The log was circular and its beginning was overwritten. Logging to a file is selected, which keeps \
                 everything."
            }
            Self::NoImages => "The trace has no image records. All commands below include ProcessThread and Loader.",
            Self::Unmerged => {
                "The trace was not merged on the machine that recorded it. Merge it there with the command below, or \
                 record again: wpr -stop and xperf -d merge automatically."
            }
            Self::NotClosed => {
                "The recording was never closed: Windows stopped, or the session was terminated. Stop recordings with \
                 wpr -stop or xperf -d, as below."
            }
        }
    }

    /// The commands that matter most.
    #[must_use]
    pub fn way(self) -> Option<CommandKind> {
        (self == Self::Unmerged).then_some(CommandKind::Merge)
    }

    /// Chooses what mends it; `events_per_second` is what the bad trace had.
    pub fn apply(self, plan: &mut RecordingPlan, events_per_second: Option<u64>) {
        match self {
            Self::NoStacks => plan.stacks = StackOptions::BOTH,
            Self::Wrapped => plan.logging_mode = LoggingMode::File,
            Self::Lost => plan.expected.max_file_buffers = true,
            Self::NoPoolEvents | Self::NoImages | Self::Unmerged | Self::NotClosed => {}
        }
        if let Some(rate) = events_per_second.filter(|rate| *rate > 0) {
            plan.expected.events_per_second = Some(round_up(rate.saturating_mul(HEADROOM)));
        }
    }
}

/// Source of the event rate, for the page.
#[must_use]
pub fn rate_sentence(events_per_second: u64) -> String {
    let text = format::count(events_per_second);
    format!(
        "The expected rate is {HEADROOM} times that of the trace, which had {text} allocations and frees per second."
    )
}

/// The next number of two digits and zeros.
fn round_up(number: u64) -> u64 {
    let mut step = 1;
    while number / step >= 100 {
        step *= 10;
    }
    number.div_ceil(step).saturating_mul(step)
}

/// Purpose that the recording page is opened for.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordingGoal {
    /// To record these tags, written as tables show them.
    Tags(Vec<String>),
    /// To record again what was recorded badly.
    Fix {
        /// Problem of the earlier recording.
        fix: Fix,
        /// Allocations and frees per second in the trace, if it has any.
        events_per_second: Option<u64>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fix_is_for_something_and_changes_what_was_wrong() {
        for fix in Fix::ALL {
            assert!(DiagnosticKind::ALL.iter().any(|kind| Fix::of(*kind) == Some(fix)), "{fix:?}");
            assert!(fix.description().ends_with('.') || fix.description().ends_with("below."), "{fix:?}");
        }
        let mut bad =
            RecordingPlan { logging_mode: LoggingMode::Memory, stacks: StackOptions::NONE, ..RecordingPlan::default() };
        for fix in Fix::ALL {
            fix.apply(&mut bad, None);
        }
        assert_eq!(
            (bad.logging_mode, bad.stacks, bad.expected.max_file_buffers),
            (LoggingMode::File, StackOptions::BOTH, true)
        );
        assert_eq!(bad.expected.events_per_second, None, "no rate is known");
        Fix::Lost.apply(&mut bad, Some(61_728));
        assert_eq!(bad.expected.events_per_second, Some(130_000));
        assert_eq!(Fix::of(DiagnosticKind::BadRecord), None);
    }

    #[test]
    fn rates_are_rounded_up() {
        assert_eq!([round_up(0), round_up(7), round_up(99), round_up(101), round_up(4_001)], [0, 7, 99, 110, 4_100]);
        assert_eq!(round_up(u64::MAX), u64::MAX, "nothing overflows");
    }
}
