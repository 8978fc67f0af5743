//! What is to be recorded, and how. A plan is always possible: what can be wrong was refused before, tag by tag.

use super::estimate::ExpectedLoad;
use super::tag::TagPatterns;

/// The profile's name; `wpr` takes it as `FILE!NAME.DETAIL`.
pub const PROFILE_NAME: &str = "PoolUsage";

/// Which allocations.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum TagScope {
    /// Those of every tag.
    #[default]
    All,
    /// Those of up to four tags: traces of hours stay small.
    Tags(TagPatterns),
}

/// Events per second of all tags, where nobody said: an assumption, not a measurement.
const ASSUMED_OF_ALL: u64 = 20_000;
/// The same of a few tags.
const ASSUMED_OF_FEW: u64 = 1000;

/// Allocations and frees per second that are assumed where nobody said how many there are.
#[must_use]
pub const fn assumed_events_per_second(of_all_tags: bool) -> u64 {
    if of_all_tags { ASSUMED_OF_ALL } else { ASSUMED_OF_FEW }
}

/// Where events go while recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LoggingMode {
    /// To a file that grows: everything from start to stop is there.
    #[default]
    File,
    /// To buffers in memory that are used again: only the last stretch before the stop is there.
    Memory,
}

impl LoggingMode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::File, Self::Memory];

    /// WPR's word, as in a profile's `LoggingMode`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Memory => "Memory",
        }
    }

    /// What it means for a leak.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::File => {
                "Everything from start to stop is kept, so every block that was allocated and not freed is seen with its stack. \
                 The file grows until the recording is stopped or the disk is full."
            }
            Self::Memory => {
                "Only the last stretch before the stop is kept. What leaked earlier is overwritten, and so is the allocation of a block \
                 whose free is still there. Right for a leak that comes in a burst, or when nobody knows when it comes; wrong for a slow leak."
            }
        }
    }
}

/// Which events carry a call stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackOptions {
    /// Allocations: names the code that leaks.
    pub on_allocation: bool,
    /// Frees: shows who frees the blocks that are freed, and so where a free is missing.
    pub on_free: bool,
}

impl StackOptions {
    /// Both.
    pub const BOTH: Self = Self { on_allocation: true, on_free: true };
    /// Neither.
    pub const NONE: Self = Self { on_allocation: false, on_free: false };

    /// Whether any event carries one.
    #[must_use]
    pub const fn any(self) -> bool {
        self.on_allocation || self.on_free
    }
}

/// The profile's `DetailLevel`. It is a name by which `wpr` finds the profile; what is recorded does not depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DetailLevel {
    /// `Light`
    Light,
    /// `Verbose`
    #[default]
    Verbose,
}

impl DetailLevel {
    /// WPR's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "Light",
            Self::Verbose => "Verbose",
        }
    }
}

/// The machine that is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WindowsVersion {
    /// Windows 7 or Server 2008 R2: `wpr` is not part of it, and on x64 stacks need a registry value and a restart.
    Windows7,
    /// Anything later.
    #[default]
    Later,
}

/// What is to be recorded.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordingPlan {
    /// Which allocations.
    pub scope: TagScope,
    /// Big allocations, of more than about a page, of every tag as well, although a tag filter is set. Without a filter it changes nothing.
    pub big_allocations: bool,
    /// Where events go.
    pub logging_mode: LoggingMode,
    /// Which events carry a stack.
    pub stacks: StackOptions,
    /// The profile's detail level.
    pub detail_level: DetailLevel,
    /// From the start of Windows on, so that what a driver allocates while it loads is seen.
    pub boot: bool,
    /// The machine.
    pub windows: WindowsVersion,
    /// How much is expected.
    pub expected: ExpectedLoad,
}

impl Default for RecordingPlan {
    /// All tags into a file, with stacks on allocation and free.
    fn default() -> Self {
        Self {
            scope: TagScope::default(),
            big_allocations: false,
            logging_mode: LoggingMode::default(),
            stacks: StackOptions::BOTH,
            detail_level: DetailLevel::default(),
            boot: false,
            windows: WindowsVersion::default(),
            expected: ExpectedLoad::default(),
        }
    }
}

impl RecordingPlan {
    /// Allocations and frees per second that are expected.
    #[must_use]
    pub fn events_per_second(&self) -> u64 {
        self.expected.events_per_second.unwrap_or_else(|| assumed_events_per_second(self.scope == TagScope::All))
    }

    /// The patterns; none when all tags are recorded.
    #[must_use]
    pub fn tags(&self) -> &[super::tag::TagPattern] {
        match &self.scope {
            TagScope::All => &[],
            TagScope::Tags(patterns) => patterns.as_slice(),
        }
    }

    /// The profile's id in this mode: `Name.DetailLevel.LoggingMode`, as the schema's documentation asks for.
    #[must_use]
    pub fn profile_id(&self, mode: LoggingMode) -> String {
        format!("{PROFILE_NAME}.{}.{}", self.detail_level.name(), mode.name())
    }

    /// WPR's keywords, in the schema's spelling. Without processes and images there would be no modules, and so no symbols.
    #[must_use]
    pub fn keywords(&self) -> Vec<&'static str> {
        let mut keywords = vec!["ProcessThread", "Loader", "Pool"];
        if self.needs_memory_keyword() {
            keywords.push("Memory");
        }
        keywords
    }

    /// WPR's names of the events that carry a stack, in the schema's spelling.
    #[must_use]
    pub fn stack_names(&self) -> Vec<&'static str> {
        self.stack_hooks(["PoolAllocation", "PoolAllocationSession", "PoolFree", "PoolFreeSession"])
    }

    /// The same as `xperf` calls them.
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

    /// The kernel logs an allocation of more than 4,064 bytes whatever its tag when the memory events are on (read in the
    /// kernel's code by others, seen in no trace here). Without a filter it is logged anyway.
    pub(super) fn needs_memory_keyword(&self) -> bool {
        self.big_allocations && matches!(self.scope, TagScope::Tags(_))
    }
}
