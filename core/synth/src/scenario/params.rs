//! Parameters of a synthetic trace, their defaults and their validation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::SynthError;
use crate::writer::{Clock, Compression, FileMode, RecordScope, TraceOptions, Width};

/// Form of stack records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StackMode {
    /// No stacks.
    None,
    /// Inline stacks.
    Inline,
    /// References to the stack cache; stacks too short for it are inline.
    Keyed,
    /// Both, and occasionally one record with kernel and user frames.
    Mixed,
}

/// Header forms of kernel events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderStyle {
    /// As logged by the kernel: SYSTEM for pool events.
    Kernel,
    /// COMPACT for pool events.
    Compact,
    /// PERFINFO for pool events: no thread, no process.
    PerfInfo,
    /// EVENT_TRACE_HEADER with the GUID of the group, as in relogged files.
    Guid,
    /// Random forms among those with a thread, some with performance counters.
    Mixed,
}

/// Number of tags by allocation pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(default)]
pub struct TagMix {
    /// Most allocations are never freed.
    pub leaking: u32,
    /// A few percent of the allocations are never freed.
    pub slow_leaks: u32,
    /// Grow to a constant level.
    pub plateau: u32,
    /// Many allocations in a short time only.
    pub burst: u32,
    /// Very short lifetimes.
    pub churning: u32,
    /// Lifetimes of milliseconds to seconds.
    pub ordinary: u32,
}

/// Parameters of a synthetic trace.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default)]
pub struct SynthParams {
    /// The same seed and parameters give the same bytes.
    pub seed: u64,
    /// Allocations during the trace.
    pub allocations: u64,
    /// Target file size in bytes, instead of a number of allocations.
    pub target_bytes: Option<u64>,
    /// Duration in seconds.
    pub duration_s: f64,
    /// CPUs.
    pub cpus: u16,
    /// Threads of all processes.
    pub threads: u32,
    /// Processes, including System.
    pub processes: u32,
    /// Tags by allocation pattern.
    pub tags: TagMix,
    /// Share of the allocations with leaking tags.
    pub leak_share: f64,
    /// Share of the tags in session pool.
    pub session_share: f64,
    /// Form of stack records.
    pub stacks: StackMode,
    /// Share of the events with a user stack.
    pub user_stack_share: f64,
    /// Stacks on frees too.
    pub free_stacks: bool,
    /// Maximum number of kernel frames.
    pub max_depth: u32,
    /// Approximate number of distinct kernel stacks.
    pub distinct_stacks: u32,
    /// Entries of the kernel's stack cache; a small cache reuses its keys often.
    pub key_cache: u32,
    /// Pointer width.
    pub width: Width,
    /// Compression of buffers.
    pub compression: Compression,
    /// File mode: sequential, circular or buffering.
    pub mode: FileMode,
    /// Session buffer size in bytes.
    pub buffer_size: u32,
    /// Header forms of kernel events.
    pub headers: HeaderStyle,
    /// Merged file: short first buffer, symbol identities, volume mappings.
    pub merged: bool,
    /// Records of the session: those of the kernel, of other providers, or all.
    pub scope: RecordScope,
    /// Probability that a pool event is not logged.
    pub loss_share: f64,
    /// Probability that the definition of a stack key is not logged. The key is reused, so its references appear to mean another
    /// stack.
    pub definition_loss: f64,
    /// Number of lost buffers.
    pub lost_buffers: u32,
    /// Blocks that exist before the trace.
    pub preexisting: u64,
    /// Pool rundown (tag counters and big blocks) at both ends.
    pub pool_rundown: bool,
    /// Handle leak: number of short-lived processes to most of which another process leaks a handle.
    pub handle_leak: u32,
    /// Number of tags that are allocated together as parts of one object, which is never freed.
    pub lockstep_tags: u32,
    /// Loads all modules at other addresses, as after another boot; 0 for those of the seed.
    pub relocation: u64,
    /// Other records per allocation.
    pub noise_share: f64,
    /// CPU samples per allocation.
    pub sample_share: f64,
    /// Number of stacks of CPU samples, if there are samples. Nearly all are distinct.
    pub sample_stacks: u32,
    /// Allow events in the same tick as records without a thread. Stacks still match their event by time and thread, but the stack
    /// of a lost event can no longer be recognized as an orphan.
    pub shared_ticks: bool,
    /// Clock of the timestamps.
    pub clock: Clock,
    /// Ticks per second of the performance counter.
    pub perf_freq: i64,
    /// CPU speed in MHz.
    pub cpu_mhz: u32,
    /// Start time as FILETIME.
    pub start_filetime: i64,
    /// OS build.
    pub os_build: u32,
    /// Name of the computer.
    pub computer: String,
}

impl Default for TagMix {
    fn default() -> Self {
        Self { leaking: 1, slow_leaks: 1, plateau: 1, burst: 1, churning: 3, ordinary: 12 }
    }
}

impl Default for SynthParams {
    fn default() -> Self {
        let file = TraceOptions::default();
        Self {
            seed: 1,
            allocations: 100_000,
            target_bytes: None,
            duration_s: 60.0,
            cpus: file.cpus,
            threads: 24,
            processes: 8,
            tags: TagMix::default(),
            leak_share: 0.05,
            session_share: 0.1,
            stacks: StackMode::Mixed,
            user_stack_share: 0.7,
            free_stacks: true,
            max_depth: 16,
            distinct_stacks: 400,
            key_cache: 256,
            width: file.width,
            compression: file.compression,
            mode: file.mode,
            buffer_size: file.buffer_size,
            headers: HeaderStyle::Kernel,
            merged: false,
            scope: RecordScope::All,
            loss_share: 0.0,
            definition_loss: 0.0,
            lost_buffers: 0,
            preexisting: 2_000,
            pool_rundown: true,
            handle_leak: 0,
            lockstep_tags: 0,
            relocation: 0,
            noise_share: 0.1,
            sample_share: 0.0,
            sample_stacks: 20_000,
            shared_ticks: false,
            clock: file.clock,
            perf_freq: file.perf_freq,
            cpu_mhz: file.cpu_mhz,
            start_filetime: file.start_filetime,
            os_build: file.os_build,
            computer: "SRV07".to_owned(),
        }
    }
}

impl SynthParams {
    /// File options for the writer.
    #[must_use]
    pub fn options(&self) -> TraceOptions {
        let base = TraceOptions::default();
        let start_ticks = match self.clock {
            Clock::SystemTime => self.start_filetime,
            Clock::Raw | Clock::Qpc | Clock::CpuCycles => base.start_ticks,
        };
        TraceOptions {
            width: self.width,
            buffer_size: self.buffer_size,
            cpus: self.cpus,
            clock: self.clock,
            perf_freq: self.perf_freq,
            cpu_mhz: self.cpu_mhz,
            start_filetime: self.start_filetime,
            boot_filetime: self.start_filetime.saturating_sub(388_000_000_000),
            start_ticks,
            os_build: self.os_build,
            compression: self.compression,
            mode: self.mode,
            short_header: self.merged.then_some(1024),
            session_name: match self.scope {
                RecordScope::Providers => "Provider Session",
                RecordScope::All if self.merged => "Relogger",
                _ => "NT Kernel Logger",
            }
            .to_owned(),
            file_name: if self.merged { "[multiple files]" } else { "C:\\traces\\kernel.etl" }.to_owned(),
            swap_every: if matches!(self.mode, FileMode::Circular { .. }) { 0 } else { 13 },
            scope: self.scope,
            ..base
        }
    }

    /// Checks that the parameters are valid.
    ///
    /// # Errors
    /// [`SynthError::Params`] with the reason.
    pub fn check(&self) -> Result<(), SynthError> {
        let mix = &self.tags;
        let steady = u64::from(mix.leaking) + u64::from(mix.slow_leaks) + u64::from(mix.plateau);
        let steady = steady + u64::from(mix.churning) + u64::from(mix.ordinary);
        let shares =
            [self.leak_share, self.session_share, self.user_stack_share, self.loss_share, self.definition_loss];
        let problems = [
            (steady == 0, "at least one tag besides bursts is needed"),
            (steady + u64::from(mix.burst) > 5_000, "at most 5000 tags"),
            (self.threads < self.processes, "every process needs a thread"),
            (self.threads > 100_000, "at most 100000 threads"),
            (self.processes < 2, "at least two processes (System is one)"),
            (!(self.duration_s > 0.0 && self.duration_s <= 1e6), "the duration must be above 0 and at most 1000000 s"),
            (!shares.iter().all(|share| (0.0..=1.0).contains(share)), "shares must be from 0 to 1"),
            (self.handle_leak > 0 && self.processes < 3, "handles need three processes: System, a parent and a holder"),
            (self.handle_leak > 100_000, "at most 100000 short-lived processes"),
            (
                self.lockstep_tags == 1 || self.lockstep_tags > 64,
                "the number of lockstep tags must be 0 or from 2 to 64",
            ),
            (!(0.0..=100.0).contains(&self.noise_share), "the noise share must be from 0 to 100"),
            (!(0.0..=100.0).contains(&self.sample_share), "the share of CPU samples must be from 0 to 100"),
            (self.sample_stacks == 0 || self.sample_stacks > 1_000_000, "stacks of CPU samples must be 1 to 1000000"),
            (!(1..=190).contains(&self.max_depth), "the stack depth must be from 1 to 190"),
            (self.distinct_stacks == 0 || self.distinct_stacks > 1_000_000, "distinct stacks must be 1 to 1000000"),
            (self.key_cache == 0 || self.key_cache > 1 << 20, "the stack cache must have 1 to 1048576 entries"),
            (self.buffer_size < 8192, "a scenario needs buffers of at least 8192 bytes"),
            (self.merged && matches!(self.mode, FileMode::Circular { .. }), "a merged file is not circular"),
            (self.target_bytes.is_some_and(|bytes| bytes < 1 << 20), "the target size must be at least 1 MiB"),
        ];
        match problems.iter().find(|(wrong, _)| *wrong) {
            Some((_, text)) => Err(SynthError::Params((*text).to_owned())),
            None => Ok(()),
        }
    }
}
