//! How large a recording gets and how its buffers are set, from an expected rate of events and a duration. Every figure is computed from
//! what was given; nothing overflows, and what leaves `wpr`'s or `xperf`'s limits is clamped.

use super::plan::{LoggingMode, RecordingPlan};

/// Bytes of one allocation or free of a 64-bit system in a trace: 32 of record header and 24 of payload, as the reader decodes them.
pub const EVENT_BYTES: u64 = 56;
/// Bytes of the stack that belongs to one event, kernel and user half. Measured on the 9,666 events with a stack of a Windows 8 trace of wpr
/// (the test inputs of PerfView): 31.9 frames in 1.28 records on the average, 32 bytes of header for each record and 8 for each frame. The stack
/// cache, which `wpr` and `xperf` turn on from Windows 8 on, makes it less.
pub const STACK_BYTES: u64 = 296;
/// What each buffer starts with before its first event.
const BUFFER_HEADER_BYTES: u64 = 72;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// `xperf -buffersize` takes 4 to 1024 KB.
pub const BUFFER_KIB_MAX: u64 = 1024;
/// WPR's default size of a buffer.
pub const BUFFER_KIB_MIN: u64 = 128;
/// WPR's default number of buffers.
pub const BUFFERS_MIN: u64 = 64;
/// Seconds of events that buffers hold in file mode while the disk is busy.
const FILE_SLACK_SECONDS: u64 = 2;
/// Memory for buffers in file mode: Microsoft's guidance is 10 to 50 MB.
const FILE_BUFFER_BYTES: (u64, u64) = (10 * MIB, 50 * MIB);
/// Memory for buffers in memory mode, where nothing is said: it is taken from nonpaged memory of a machine that runs out of it.
pub const MEMORY_BYTES_DEFAULT: u64 = 256 * MIB;
/// The most that is taken in memory mode.
pub const MEMORY_BYTES_MAX: u64 = 4096 * MIB;

/// How much is expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExpectedLoad {
    /// Allocations and frees per second that pass the tag filter; `None` where nobody knows, so that the scope's assumption holds.
    pub events_per_second: Option<u64>,
    /// Seconds from start to stop; in memory mode the stretch that should be kept.
    pub seconds: u64,
    /// Bytes that the buffers may take in memory mode.
    pub memory_bytes: u64,
    /// As much memory for buffers in file mode as is advised at most, whatever the rate: events were lost before.
    pub max_file_buffers: bool,
}

impl Default for ExpectedLoad {
    /// Ten minutes at a rate that nobody knows.
    fn default() -> Self {
        Self { events_per_second: None, seconds: 600, memory_bytes: MEMORY_BYTES_DEFAULT, max_file_buffers: false }
    }
}

/// How large a recording gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SizeEstimate {
    /// Bytes of one event with the stacks chosen, half of the events being allocations.
    pub bytes_per_event: u64,
    /// Bytes that are written per minute.
    pub bytes_per_minute: u64,
    /// Bytes of the whole recording; in memory mode at most what the buffers hold.
    pub total_bytes: u64,
    /// Size of a buffer in KB of 1024 bytes, as `BufferSize` and `-BufferSize` take it.
    pub buffer_kib: u64,
    /// Number of buffers in the profile of this mode.
    pub buffers: u64,
    /// In memory mode, seconds until the oldest event is overwritten. Nothing in file mode.
    pub wraps_after_seconds: Option<u64>,
}

impl SizeEstimate {
    /// The estimate for a plan in its own mode.
    #[must_use]
    pub fn for_plan(plan: &RecordingPlan) -> Self {
        Self::for_mode(plan, plan.logging_mode)
    }

    /// The estimate for a plan in another mode: a profile holds both.
    #[must_use]
    pub fn for_mode(plan: &RecordingPlan, mode: LoggingMode) -> Self {
        let stacked = u64::from(plan.stacks.on_allocation) + u64::from(plan.stacks.on_free);
        let bytes_per_event = EVENT_BYTES + STACK_BYTES * stacked / 2;
        let expected = plan.expected;
        let per_second = plan.events_per_second().saturating_mul(bytes_per_event);
        let all_bytes = per_second.saturating_mul(expected.seconds);
        let wanted = match mode {
            LoggingMode::File if expected.max_file_buffers => FILE_BUFFER_BYTES.1,
            LoggingMode::File => per_second.saturating_mul(FILE_SLACK_SECONDS).clamp(FILE_BUFFER_BYTES.0, FILE_BUFFER_BYTES.1),
            LoggingMode::Memory => all_bytes.min(expected.memory_bytes).min(MEMORY_BYTES_MAX),
        };
        let buffer_kib = if wanted >= BUFFERS_MIN * BUFFER_KIB_MAX * KIB { BUFFER_KIB_MAX } else { BUFFER_KIB_MIN };
        let buffers = wanted.div_ceil(buffer_kib * KIB).max(BUFFERS_MIN);
        let held = buffers * (buffer_kib * KIB - BUFFER_HEADER_BYTES);
        Self {
            bytes_per_event,
            bytes_per_minute: per_second.saturating_mul(60),
            total_bytes: if mode == LoggingMode::Memory { all_bytes.min(held) } else { all_bytes },
            buffer_kib,
            buffers,
            wraps_after_seconds: match mode {
                LoggingMode::File => None,
                LoggingMode::Memory => Some(held.checked_div(per_second).unwrap_or(u64::MAX)),
            },
        }
    }

    /// Bytes of memory that the buffers take while recording.
    #[must_use]
    pub const fn buffer_bytes(&self) -> u64 {
        self.buffers.saturating_mul(self.buffer_kib).saturating_mul(KIB)
    }
}

#[cfg(test)]
mod tests {
    use super::super::TagPatterns;
    use super::super::plan::{TagScope, StackOptions};
    use super::*;

    fn plan(mode: LoggingMode, events_per_second: u64, seconds: u64) -> RecordingPlan {
        let expected = ExpectedLoad { events_per_second: Some(events_per_second), seconds, ..ExpectedLoad::default() };
        RecordingPlan { logging_mode: mode, expected, ..RecordingPlan::default() }
    }

    #[test]
    fn sizes_follow_from_rate_time_and_stacks() {
        let both = SizeEstimate::for_plan(&plan(LoggingMode::File, 1000, 600));
        assert_eq!(both.bytes_per_event, EVENT_BYTES + STACK_BYTES);
        assert_eq!(both.bytes_per_minute, 60_000 * both.bytes_per_event);
        assert_eq!((both.total_bytes, both.wraps_after_seconds), (10 * both.bytes_per_minute, None));
        let half = StackOptions { on_free: false, ..StackOptions::BOTH };
        assert_eq!(
            SizeEstimate::for_plan(&RecordingPlan { stacks: half, ..RecordingPlan::default() }).bytes_per_event,
            EVENT_BYTES + STACK_BYTES / 2
        );
        assert_eq!(SizeEstimate::for_plan(&RecordingPlan { stacks: StackOptions::NONE, ..RecordingPlan::default() }).bytes_per_event, EVENT_BYTES);
    }

    #[test]
    fn a_few_tags_are_assumed_to_make_less_than_all() {
        let tags = TagPatterns::parse(["Leak"]).expect("a tag");
        let (all, few) = (RecordingPlan::default(), RecordingPlan { scope: TagScope::Tags(tags), ..RecordingPlan::default() });
        assert!(few.events_per_second() < all.events_per_second());
        assert_eq!(SizeEstimate::for_plan(&all).bytes_per_minute, 60 * all.events_per_second() * (EVENT_BYTES + STACK_BYTES));
        assert_eq!(plan(LoggingMode::File, 7, 600).events_per_second(), 7, "what somebody said counts");
    }

    #[test]
    fn a_circular_log_holds_what_its_buffers_hold() {
        let small = SizeEstimate::for_plan(&plan(LoggingMode::Memory, 10, 60));
        assert_eq!((small.buffers, small.buffer_kib), (BUFFERS_MIN, BUFFER_KIB_MIN));
        assert!(small.wraps_after_seconds > Some(60));
        let large = SizeEstimate::for_plan(&plan(LoggingMode::Memory, 100_000, 3600));
        assert_eq!(large.buffer_bytes(), MEMORY_BYTES_DEFAULT);
        let seconds = large.wraps_after_seconds.expect("it wraps");
        let held = large.buffers * (large.buffer_kib * 1024 - 72);
        assert_eq!(seconds, held / (100_000 * large.bytes_per_event));
        assert_eq!(large.total_bytes, held);
        assert_eq!(SizeEstimate::for_plan(&plan(LoggingMode::Memory, 0, 60)).wraps_after_seconds, Some(u64::MAX));
    }

    #[test]
    fn no_input_leaves_the_limits() {
        for rate in [0, 1, 1 << 20, u64::MAX] {
            for seconds in [0, 1, 1 << 40, u64::MAX] {
                for memory_bytes in [0, 1, 1 << 30, u64::MAX] {
                    for mode in LoggingMode::ALL {
                        let expected =
                            ExpectedLoad { events_per_second: Some(rate), seconds, memory_bytes, ..ExpectedLoad::default() };
                        let estimate = SizeEstimate::for_plan(&RecordingPlan { logging_mode: mode, expected, ..RecordingPlan::default() });
                        assert!((4..=1024).contains(&estimate.buffer_kib), "{expected:?} {estimate:?}");
                        assert!((BUFFERS_MIN..=4096).contains(&estimate.buffers), "{expected:?} {estimate:?}");
                        assert!(estimate.buffer_bytes() <= MEMORY_BYTES_MAX, "{expected:?} {estimate:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn roomy_buffers_take_all_that_is_advised_whatever_the_rate() {
        let plan =
            |roomy_buffers| RecordingPlan { expected: ExpectedLoad { max_file_buffers: roomy_buffers, ..ExpectedLoad::default() }, ..RecordingPlan::default() };
        let (usual, roomy) = (SizeEstimate::for_plan(&plan(false)), SizeEstimate::for_plan(&plan(true)));
        assert!(usual.buffer_bytes() < roomy.buffer_bytes());
        assert_eq!(roomy.buffer_bytes(), FILE_BUFFER_BYTES.1);
        assert_eq!(usual.bytes_per_minute, roomy.bytes_per_minute, "what is written stays the same");
    }
}
