//! How large a recording gets and how its buffers are set, from an expected rate of events and a duration. Every figure is computed from
//! what was given; nothing overflows, and what leaves `wpr`'s or `xperf`'s limits is clamped.

use super::plan::{Mode, Plan};

/// Bytes of one allocation or free of a 64-bit system in a trace: 32 of record header and 24 of payload, as the reader decodes them.
pub const EVENT_BYTES: u64 = 56;
/// Bytes of the stack that belongs to one event, kernel and user half, without the stack cache. Measured on the 17,363 events with a
/// stack of a merged Windows 7 trace (the test inputs of PerfView): 93 bytes, 7.4 frames on the average, most of them profiler samples. Pool
/// allocations lie deeper; 24 frames in two records are 32 bytes of header each and 8 bytes per frame.
pub const STACK_BYTES: u64 = 256;
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
pub struct Expected {
    /// Allocations and frees per second that pass the tag filter.
    pub events_per_second: u64,
    /// Seconds from start to stop; in memory mode the stretch that should be kept.
    pub seconds: u64,
    /// Bytes that the buffers may take in memory mode.
    pub memory_bytes: u64,
}

impl Default for Expected {
    /// An assumption, not a measurement: a thousand events per second for ten minutes.
    fn default() -> Self {
        Self { events_per_second: 1000, seconds: 600, memory_bytes: MEMORY_BYTES_DEFAULT }
    }
}

/// How large a recording gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Estimate {
    /// Bytes of one event with the stacks chosen, half of the events being allocations.
    pub bytes_per_event: u64,
    /// Bytes that are written per minute.
    pub bytes_per_minute: u64,
    /// Bytes of the whole recording; in memory mode at most what the buffers hold.
    pub whole_bytes: u64,
    /// Size of a buffer in KB of 1024 bytes, as `BufferSize` and `-BufferSize` take it.
    pub buffer_kib: u64,
    /// Number of buffers in the profile of this mode.
    pub buffers: u64,
    /// In memory mode, seconds until the oldest event is overwritten. Nothing in file mode.
    pub wraps_after_seconds: Option<u64>,
}

impl Estimate {
    /// The estimate for a plan in its own mode.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self::in_mode(plan, plan.mode)
    }

    /// The estimate for a plan in another mode: a profile holds both.
    #[must_use]
    pub fn in_mode(plan: &Plan, mode: Mode) -> Self {
        let stacked = u64::from(plan.stacks.on_allocation) + u64::from(plan.stacks.on_free);
        let bytes_per_event = EVENT_BYTES + STACK_BYTES * stacked / 2;
        let expected = plan.expected;
        let per_second = expected.events_per_second.saturating_mul(bytes_per_event);
        let all_bytes = per_second.saturating_mul(expected.seconds);
        let wanted = match mode {
            Mode::File => per_second.saturating_mul(FILE_SLACK_SECONDS).clamp(FILE_BUFFER_BYTES.0, FILE_BUFFER_BYTES.1),
            Mode::Memory => all_bytes.min(expected.memory_bytes).min(MEMORY_BYTES_MAX),
        };
        let buffer_kib = if wanted >= BUFFERS_MIN * BUFFER_KIB_MAX * KIB { BUFFER_KIB_MAX } else { BUFFER_KIB_MIN };
        let buffers = wanted.div_ceil(buffer_kib * KIB).max(BUFFERS_MIN);
        let held = buffers * (buffer_kib * KIB - BUFFER_HEADER_BYTES);
        Self {
            bytes_per_event,
            bytes_per_minute: per_second.saturating_mul(60),
            whole_bytes: if mode == Mode::Memory { all_bytes.min(held) } else { all_bytes },
            buffer_kib,
            buffers,
            wraps_after_seconds: match mode {
                Mode::File => None,
                Mode::Memory => Some(held.checked_div(per_second).unwrap_or(u64::MAX)),
            },
        }
    }

    /// Bytes of memory that the buffers take while recording.
    #[must_use]
    pub const fn buffer_bytes(&self) -> u64 {
        self.buffers.saturating_mul(self.buffer_kib).saturating_mul(KIB)
    }
}
