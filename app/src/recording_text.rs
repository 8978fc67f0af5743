//! What the recording kit says in figures: how large it gets and when it wraps. One place for the command line and the window. Sentences
//! that need no figures are core's.

use crate::format;
use poolscope_recording::{SizeEstimate, LoggingMode, RecordingPlan};

/// Where the expected rate comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RateSource {
    /// Somebody said so.
    Given,
    /// Nobody said anything.
    Assumed,
    /// Counted in what poolmon printed.
    Snapshot,
}

impl RateSource {
    /// The word that machines read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Assumed => "assumed",
            Self::Snapshot => "listing",
        }
    }
}

/// How large the plan's recording gets, in sentences.
#[must_use]
pub fn size_estimate(plan: &RecordingPlan, source: RateSource) -> Vec<String> {
    let (estimate, expected) = (SizeEstimate::for_plan(plan), plan.expected);
    let rate = format::count(plan.events_per_second());
    let each = format::count(estimate.bytes_per_event);
    let source = match source {
        RateSource::Given => "",
        RateSource::Assumed => {
            " (an assumption; poolmon shows the real rate: its changes of Allocs and Frees, divided by 5)"
        }
        RateSource::Snapshot => " (counted in the listing)",
    };
    let mut sentences = vec![format!(
        "About {} per minute, from {rate} allocations and frees per second{source} of about {each} bytes each.",
        format::bytes(estimate.bytes_per_minute)
    )];
    let time = format::duration(expected.seconds as f64);
    let memory = format::bytes(estimate.buffer_bytes());
    let buffers =
        format!("{} buffers of {} KB, {memory} of memory", format::count(estimate.buffers), estimate.buffer_kib);
    sentences.push(match (plan.logging_mode, estimate.wraps_after_seconds) {
        (LoggingMode::Memory, Some(seconds)) if seconds < expected.seconds => format!(
            "{buffers}, hold the last {}; of {time} that is too little: give the buffers more memory or record into a file.",
            format::duration(seconds as f64)
        ),
        (LoggingMode::Memory, Some(seconds)) if seconds < YEAR_SECONDS => {
            format!("{buffers}, hold the last {}; what is older is overwritten.", format::duration(seconds as f64))
        }
        (LoggingMode::Memory, _) => format!("{buffers}, hold everything."),
        (LoggingMode::File, _) => format!("{time} make {} on the disk; {buffers} while it runs.", format::bytes(estimate.total_bytes)),
    });
    sentences
}

/// From here on nobody waits for a wrap.
const YEAR_SECONDS: u64 = 365 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_recording::ExpectedLoad;

    #[test]
    fn a_file_grows_and_a_circular_log_wraps() {
        let plan = |mode, events_per_second, seconds| {
            let expected = ExpectedLoad { events_per_second: Some(events_per_second), seconds, ..ExpectedLoad::default() };
            size_estimate(&RecordingPlan { logging_mode: mode, expected, ..RecordingPlan::default() }, RateSource::Given).join(" ")
        };
        let file = plan(LoggingMode::File, 1000, 600);
        assert!(file.contains("per minute, from 1,000 allocations") && file.contains("10 min 0 s make "), "{file}");
        let wraps = plan(LoggingMode::Memory, 100_000, 600);
        assert!(wraps.contains("256.0 MB of memory, hold the last ") && wraps.contains("too little"), "{wraps}");
        let holds = plan(LoggingMode::Memory, 100, 600);
        assert!(holds.contains("what is older is overwritten"), "{holds}");
        assert!(plan(LoggingMode::Memory, 0, 600).ends_with("hold everything."));
    }
}
