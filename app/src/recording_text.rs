//! Sentences about the estimated size of a recording, shared by the command line and the window.

use crate::format;
use poolscope_recording::{LoggingMode, RecordingPlan, SizeEstimate};

/// Source of the expected event rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RateSource {
    /// Given by the user.
    Given,
    /// Default of the program.
    Assumed,
    /// Computed from snapshots of poolmon.
    Snapshot,
}

impl RateSource {
    /// Identifier in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Assumed => "assumed",
            Self::Snapshot => "snapshot",
        }
    }
}

/// Sentences about the size of the plan's recording.
#[must_use]
pub fn size_estimate(plan: &RecordingPlan, source: RateSource) -> [String; 2] {
    [growth_estimate(plan, source), buffer_estimate(plan)]
}

/// Sentence about the bytes per minute of the plan's recording.
fn growth_estimate(plan: &RecordingPlan, source: RateSource) -> String {
    let estimate = SizeEstimate::for_plan(plan);
    let rate = format::count(plan.events_per_second());
    let each = format::count(estimate.bytes_per_event);
    let source = match source {
        RateSource::Given => "",
        RateSource::Assumed => {
            " (assumed; poolmon shows the actual rate: the changes of Allocs and Frees divided by 5 s)"
        }
        RateSource::Snapshot => " (from the snapshots)",
    };
    format!(
        "About {} per minute, for {rate} allocations and frees per second{source} of about {each} bytes each.",
        format::bytes(estimate.bytes_per_minute)
    )
}

/// Sentence about the disk space or memory that the plan's recording takes.
#[must_use]
pub fn buffer_estimate(plan: &RecordingPlan) -> String {
    let (estimate, expected) = (SizeEstimate::for_plan(plan), plan.expected);
    let time = format::duration(expected.seconds as f64);
    let memory = format::bytes(estimate.buffer_bytes());
    let buffers = format!(
        "{} of {} KB ({memory} of memory)",
        format::counted(estimate.buffers, "buffer", "buffers"),
        estimate.buffer_kib
    );
    match (plan.logging_mode, estimate.wraps_after_seconds) {
        (LoggingMode::Memory, Some(seconds)) if seconds < expected.seconds => format!(
            "{buffers} hold the last {} only, less than {time}: use larger buffers or log to a file.",
            format::duration(seconds as f64)
        ),
        (LoggingMode::Memory, Some(seconds)) if seconds < YEAR_SECONDS => {
            format!("{buffers} hold the last {}; older events are overwritten.", format::duration(seconds as f64))
        }
        (LoggingMode::Memory, _) => format!("{buffers} hold the whole recording."),
        (LoggingMode::File, _) => {
            format!("{} on disk after {time}; {buffers} during the recording.", format::bytes(estimate.total_bytes))
        }
    }
}

/// Time until a wrap from which a circular log counts as never wrapping.
const YEAR_SECONDS: u64 = 365 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_recording::ExpectedLoad;

    #[test]
    fn a_file_grows_and_a_circular_log_wraps() {
        let plan = |mode, events_per_second, seconds| {
            let expected =
                ExpectedLoad { events_per_second: Some(events_per_second), seconds, ..ExpectedLoad::default() };
            size_estimate(
                &RecordingPlan { logging_mode: mode, expected, ..RecordingPlan::default() },
                RateSource::Given,
            )
            .join(" ")
        };
        let file = plan(LoggingMode::File, 1000, 600);
        assert!(
            file.contains("per minute, for 1,000 allocations") && file.contains(" on disk after 10 min 0 s; "),
            "{file}"
        );
        let wraps = plan(LoggingMode::Memory, 100_000, 600);
        assert!(
            wraps.contains("256.0 MB of memory) hold the last ") && wraps.contains("use larger buffers"),
            "{wraps}"
        );
        let holds = plan(LoggingMode::Memory, 100, 600);
        assert!(holds.contains("older events are overwritten"), "{holds}");
        assert!(plan(LoggingMode::Memory, 0, 600).ends_with("hold the whole recording."));
    }
}
