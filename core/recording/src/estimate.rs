//! Estimated trace size and buffer settings, from an expected event rate and a duration. Arithmetic saturates, and settings are
//! clamped to the limits of `wpr` and `xperf`.

use super::plan::{LoggingMode, RecordingPlan};

/// Bytes of one allocation or free event of a 64-bit system: 32 of record header and 24 of payload.
const EVENT_BYTES: u64 = 56;
/// Bytes of the stack of one event, kernel and user part. Measured on the 9,666 events with a stack of a Windows 8 trace of wpr
/// (a test input of PerfView): on average 31.9 frames in 1.28 records, with 32 bytes of header per record and 8 per frame. Stack
/// caching, which `wpr` and `xperf` enable from Windows 8 on, reduces it.
const STACK_BYTES: u64 = 296;
/// Header of each trace buffer.
const BUFFER_HEADER_BYTES: u64 = 72;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// Maximum buffer size; `xperf -buffersize` takes 4 to 1024 KB.
const BUFFER_KIB_MAX: u64 = 1024;
/// WPR's default buffer size.
const BUFFER_KIB_MIN: u64 = 128;
/// WPR's default number of buffers.
const BUFFERS_MIN: u64 = 64;
/// Seconds of events that the buffers hold in file mode while the disk is busy.
const FILE_SLACK_SECONDS: u64 = 2;
/// Minimum and maximum memory for buffers in file mode: Microsoft's guidance is 10 to 50 MB.
const FILE_BUFFER_BYTES: (u64, u64) = (10 * MIB, 50 * MIB);
/// Default memory for buffers in memory mode; it is nonpaged memory of a machine that may be short of it.
pub const MEMORY_BYTES_DEFAULT: u64 = 256 * MIB;
/// Maximum memory for buffers in memory mode.
pub const MEMORY_BYTES_MAX: u64 = 4096 * MIB;

/// Expected load of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExpectedLoad {
    /// Allocations and frees per second that pass the tag filter; `None` for the assumption of the scope.
    pub events_per_second: Option<u64>,
    /// Seconds from start to stop; in memory mode the time that should be kept.
    pub seconds: u64,
    /// Memory for buffers in memory mode, in bytes.
    pub memory_bytes: u64,
    /// Use the maximum advised memory for buffers in file mode, because events were lost before.
    pub max_file_buffers: bool,
    /// Logical processors of the machine, each of which needs two buffers.
    pub cpus: u64,
}

/// Processors that are assumed: wpr's default number of buffers is enough for them.
pub const CPUS_DEFAULT: u64 = BUFFERS_MIN / BUFFERS_PER_CPU;
/// Largest number of logical processors of a machine with Windows.
pub const CPUS_MAX: u64 = 2048;
/// Buffers that each processor needs: one that it fills while the other is written. With fewer, events are lost, among them those
/// that name the modules.
const BUFFERS_PER_CPU: u64 = 2;

impl Default for ExpectedLoad {
    /// Ten minutes at the assumed rate.
    fn default() -> Self {
        Self {
            events_per_second: None,
            seconds: 600,
            memory_bytes: MEMORY_BYTES_DEFAULT,
            max_file_buffers: false,
            cpus: CPUS_DEFAULT,
        }
    }
}

/// Estimated size and buffers of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SizeEstimate {
    /// Bytes per event with the chosen stacks, assuming that half of the events are allocations.
    pub bytes_per_event: u64,
    /// Bytes written per minute.
    pub bytes_per_minute: u64,
    /// Bytes of the whole recording; in memory mode limited by the buffers.
    pub total_bytes: u64,
    /// Buffer size in KB of 1024 bytes, for `BufferSize` and `-BufferSize`.
    pub buffer_kib: u64,
    /// Number of buffers.
    pub buffers: u64,
    /// Seconds until the oldest event is overwritten; `None` in file mode.
    pub wraps_after_seconds: Option<u64>,
}

impl SizeEstimate {
    /// The estimate for a plan in its logging mode.
    #[must_use]
    pub fn for_plan(plan: &RecordingPlan) -> Self {
        Self::for_mode(plan, plan.logging_mode)
    }

    /// The estimate for a plan in a given logging mode: a profile contains both.
    #[must_use]
    pub fn for_mode(plan: &RecordingPlan, mode: LoggingMode) -> Self {
        let stacked = u64::from(plan.stacks.on_allocation) + u64::from(plan.stacks.on_free);
        let bytes_per_event = EVENT_BYTES + STACK_BYTES * stacked / 2;
        let expected = plan.expected;
        let per_second = plan.events_per_second().saturating_mul(bytes_per_event);
        let all_bytes = per_second.saturating_mul(expected.seconds);
        let wanted = match mode {
            LoggingMode::File if expected.max_file_buffers => FILE_BUFFER_BYTES.1,
            LoggingMode::File => {
                per_second.saturating_mul(FILE_SLACK_SECONDS).clamp(FILE_BUFFER_BYTES.0, FILE_BUFFER_BYTES.1)
            }
            LoggingMode::Memory => all_bytes.min(expected.memory_bytes).min(MEMORY_BYTES_MAX),
        };
        let buffers_min = BUFFERS_MIN.max(BUFFERS_PER_CPU * expected.cpus.min(CPUS_MAX));
        let buffer_kib = if wanted >= buffers_min * BUFFER_KIB_MAX * KIB { BUFFER_KIB_MAX } else { BUFFER_KIB_MIN };
        let buffers = wanted.div_ceil(buffer_kib * KIB).max(buffers_min);
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

    /// Memory of the buffers in bytes.
    #[must_use]
    pub const fn buffer_bytes(&self) -> u64 {
        self.buffers.saturating_mul(self.buffer_kib).saturating_mul(KIB)
    }
}

#[cfg(test)]
mod tests {
    use super::super::TagPatterns;
    use super::super::plan::{StackOptions, TagScope};
    use super::*;

    fn plan(mode: LoggingMode, events_per_second: u64, seconds: u64) -> RecordingPlan {
        let expected = ExpectedLoad { events_per_second: Some(events_per_second), seconds, ..ExpectedLoad::default() };
        RecordingPlan { logging_mode: mode, expected, ..RecordingPlan::default() }
    }

    #[test]
    fn size_is_rate_times_duration_times_event_size() {
        let both = SizeEstimate::for_plan(&plan(LoggingMode::File, 1000, 600));
        assert_eq!(both.bytes_per_event, EVENT_BYTES + STACK_BYTES);
        assert_eq!(both.bytes_per_minute, 60_000 * both.bytes_per_event);
        assert_eq!((both.total_bytes, both.wraps_after_seconds), (10 * both.bytes_per_minute, None));
        let half = StackOptions { on_free: false, ..StackOptions::BOTH };
        assert_eq!(
            SizeEstimate::for_plan(&RecordingPlan { stacks: half, ..RecordingPlan::default() }).bytes_per_event,
            EVENT_BYTES + STACK_BYTES / 2
        );
        assert_eq!(
            SizeEstimate::for_plan(&RecordingPlan { stacks: StackOptions::NONE, ..RecordingPlan::default() })
                .bytes_per_event,
            EVENT_BYTES
        );
    }

    #[test]
    fn assumed_rate_of_a_few_tags_is_lower() {
        let tags = TagPatterns::parse(["Leak"]).expect("a tag");
        let (all, few) =
            (RecordingPlan::default(), RecordingPlan { scope: TagScope::Tags(tags), ..RecordingPlan::default() });
        assert!(few.events_per_second() < all.events_per_second());
        assert_eq!(
            SizeEstimate::for_plan(&all).bytes_per_minute,
            60 * all.events_per_second() * (EVENT_BYTES + STACK_BYTES)
        );
        assert_eq!(plan(LoggingMode::File, 7, 600).events_per_second(), 7, "a given rate overrides the assumption");
    }

    #[test]
    fn circular_logs_are_limited_by_their_buffers() {
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
    fn every_processor_has_two_buffers() {
        let buffers = |mode, cpus, memory_bytes| {
            let expected = ExpectedLoad { cpus, memory_bytes, ..ExpectedLoad::default() };
            SizeEstimate::for_plan(&RecordingPlan { logging_mode: mode, expected, ..RecordingPlan::default() }).buffers
        };
        for mode in LoggingMode::ALL {
            for cpus in [0, 1, 32, 80, 200, 2048] {
                for memory_bytes in [1 << 20, 256 << 20, 4 << 30] {
                    assert!(buffers(mode, cpus, memory_bytes) >= 2 * cpus, "{mode:?} {cpus} {memory_bytes}");
                }
            }
            assert_eq!(buffers(mode, u64::MAX, 1 << 20), 2 * CPUS_MAX);
        }
    }

    #[test]
    fn settings_stay_within_limits() {
        for rate in [0, 1, 1 << 20, u64::MAX] {
            for seconds in [0, 1, 1 << 40, u64::MAX] {
                for memory_bytes in [0, 1, 1 << 30, u64::MAX] {
                    for mode in LoggingMode::ALL {
                        let expected = ExpectedLoad {
                            events_per_second: Some(rate),
                            seconds,
                            memory_bytes,
                            ..ExpectedLoad::default()
                        };
                        let estimate = SizeEstimate::for_plan(&RecordingPlan {
                            logging_mode: mode,
                            expected,
                            ..RecordingPlan::default()
                        });
                        assert!((4..=1024).contains(&estimate.buffer_kib), "{expected:?} {estimate:?}");
                        assert!((BUFFERS_MIN..=4096).contains(&estimate.buffers), "{expected:?} {estimate:?}");
                        assert!(estimate.buffer_bytes() <= MEMORY_BYTES_MAX, "{expected:?} {estimate:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn max_file_buffers_ignore_the_rate() {
        let plan = |roomy_buffers| RecordingPlan {
            expected: ExpectedLoad { max_file_buffers: roomy_buffers, ..ExpectedLoad::default() },
            ..RecordingPlan::default()
        };
        let (usual, roomy) = (SizeEstimate::for_plan(&plan(false)), SizeEstimate::for_plan(&plan(true)));
        assert!(usual.buffer_bytes() < roomy.buffer_bytes());
        assert_eq!(roomy.buffer_bytes(), FILE_BUFFER_BYTES.1);
        assert_eq!(usual.bytes_per_minute, roomy.bytes_per_minute, "the bytes written do not change");
    }
}
