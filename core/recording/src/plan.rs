//! Recording plan: tags, logging mode, stacks, boot trace, expected load. Every value of the type is valid; tags are checked when
//! they are parsed.

use super::estimate::ExpectedLoad;
use super::tag::TagPatterns;

/// Name of the profile; `wpr` takes it as `FILE!NAME.DETAIL`.
pub const PROFILE_NAME: &str = "PoolUsage";

/// Tags that are recorded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum TagScope {
    /// All tags.
    #[default]
    All,
    /// Up to four tags, so that traces of hours stay small.
    Tags(TagPatterns),
}

/// Assumed events per second of all tags; not measured.
const ASSUMED_OF_ALL: u64 = 20_000;
/// Assumed events per second of a few tags; not measured.
const ASSUMED_OF_FEW: u64 = 1000;

/// Assumed allocations and frees per second when no rate is given.
#[must_use]
pub const fn assumed_events_per_second(of_all_tags: bool) -> u64 {
    if of_all_tags { ASSUMED_OF_ALL } else { ASSUMED_OF_FEW }
}

/// WPR's logging mode: where events are stored while recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LoggingMode {
    /// A growing file with everything from start to stop.
    #[default]
    File,
    /// Circular buffers in memory with only the last part before the stop.
    Memory,
}

impl LoggingMode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::File, Self::Memory];

    /// Value of `LoggingMode` in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Memory => "Memory",
        }
    }

    /// Consequences for finding a leak.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::File => {
                "Everything from start to stop is recorded, so every allocation that is not freed is seen with its stack. \
                 The file grows until the recording is stopped or the disk is full."
            }
            Self::Memory => {
                "Only the last part before the stop is kept. Older events are overwritten, including allocations whose frees are \
                 still recorded. Suitable for a leak in a burst or at an unknown time; not suitable for a slow leak."
            }
        }
    }
}

/// Events that carry a call stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackOptions {
    /// Stacks on allocations: they name the code that leaks.
    pub on_allocation: bool,
    /// Stacks on frees: they show the code that frees, and so where a free is missing.
    pub on_free: bool,
}

impl StackOptions {
    /// Stacks on allocations and frees.
    pub const BOTH: Self = Self { on_allocation: true, on_free: true };
    /// No stacks.
    pub const NONE: Self = Self { on_allocation: false, on_free: false };

    /// Returns `true` if any event carries a stack.
    #[must_use]
    pub const fn any(self) -> bool {
        self.on_allocation || self.on_free
    }
}

/// The profile's `DetailLevel`: part of the name by which `wpr` finds the profile. It does not affect what is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DetailLevel {
    /// `Light`
    Light,
    /// `Verbose`
    #[default]
    Verbose,
}

impl DetailLevel {
    /// Value of `DetailLevel` in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "Light",
            Self::Verbose => "Verbose",
        }
    }
}

/// Windows version of the recorded machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WindowsVersion {
    /// Windows 7 or Server 2008 R2: `wpr` is not included, and on x64 stacks need a registry value and a restart.
    Windows7,
    /// Any later version.
    #[default]
    Later,
}

/// Settings of a recording.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordingPlan {
    /// Tags that are recorded.
    pub scope: TagScope,
    /// With a tag filter, also record allocations of more than about a page of every tag. No effect without a filter.
    pub big_allocations: bool,
    /// Logging mode.
    pub logging_mode: LoggingMode,
    /// Events that carry a stack.
    pub stacks: StackOptions,
    /// Detail level of the profile.
    pub detail_level: DetailLevel,
    /// Boot trace: records from the next start of Windows, including allocations of drivers while they load.
    pub boot: bool,
    /// Windows version of the recorded machine.
    pub windows: WindowsVersion,
    /// The profile asks for image identities when the trace is merged. Not tried on Windows.
    pub merges_image_ids: bool,
    /// Expected load.
    pub expected: ExpectedLoad,
}

impl Default for RecordingPlan {
    /// All tags to a file, with stacks on allocations and frees.
    fn default() -> Self {
        Self {
            scope: TagScope::default(),
            big_allocations: false,
            logging_mode: LoggingMode::default(),
            stacks: StackOptions::BOTH,
            detail_level: DetailLevel::default(),
            boot: false,
            windows: WindowsVersion::default(),
            merges_image_ids: false,
            expected: ExpectedLoad::default(),
        }
    }
}

impl RecordingPlan {
    /// Expected allocations and frees per second, given or assumed.
    #[must_use]
    pub fn events_per_second(&self) -> u64 {
        self.expected.events_per_second.unwrap_or_else(|| assumed_events_per_second(self.scope == TagScope::All))
    }

    /// Tag patterns; empty when all tags are recorded.
    #[must_use]
    pub fn tags(&self) -> &[super::tag::TagPattern] {
        match &self.scope {
            TagScope::All => &[],
            TagScope::Tags(patterns) => patterns.as_slice(),
        }
    }

    /// The profile's `Id` for a logging mode: `Name.DetailLevel.LoggingMode`, as the schema requires.
    #[must_use]
    pub fn profile_id(&self, mode: LoggingMode) -> String {
        format!("{PROFILE_NAME}.{}.{}", self.detail_level.name(), mode.name())
    }

    /// WPR keywords in the schema's spelling. Processes and images are included because symbols need modules.
    #[must_use]
    pub fn keywords(&self) -> Vec<&'static str> {
        let mut keywords = vec!["ProcessThread", "Loader", "Pool"];
        if self.needs_memory_keyword() {
            keywords.push("Memory");
        }
        keywords
    }

    /// WPR's names of the events with stacks, in the schema's spelling.
    #[must_use]
    pub fn stack_names(&self) -> Vec<&'static str> {
        self.stack_hooks(["PoolAllocation", "PoolAllocationSession", "PoolFree", "PoolFreeSession"])
    }

    /// xperf's names of the events with stacks.
    #[must_use]
    pub fn xperf_stack_names(&self) -> Vec<&'static str> {
        self.stack_hooks(["PoolAlloc", "PoolAllocSession", "PoolFree", "PoolFreeSession"])
    }

    fn stack_hooks(
        &self,
        [allocation, session_allocation, free, session_free]: [&'static str; 4],
    ) -> Vec<&'static str> {
        let mut names = Vec::with_capacity(4);
        if self.stacks.on_allocation {
            names.extend([allocation, session_allocation]);
        }
        if self.stacks.on_free {
            names.extend([free, session_free]);
        }
        names
    }

    /// Returns `true` if the `Memory` keyword is needed: with it the kernel logs allocations of more than 4,064 bytes whatever their tag
    /// (known from published analysis of the kernel's code, not confirmed in a trace). Without a filter they are logged anyway.
    pub(super) fn needs_memory_keyword(&self) -> bool {
        self.big_allocations && matches!(self.scope, TagScope::Tags(_))
    }
}
