//! Who appears in a scenario: processes, threads, images, tags and their stacks. Plain data, no events.

use crate::writer::Guid;

/// Index of a list of frames in [`Cast::stacks`].
pub type StackId = u32;

/// The two halves of a call path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackPath {
    /// Kernel frames.
    pub kernel: StackId,
    /// User frames; none to take one of the process's own.
    pub user: Option<StackId>,
}

/// A process with its images.
#[derive(Debug, Clone)]
pub struct ProcessEntity {
    /// Process id.
    pub pid: u32,
    /// Parent's process id.
    pub parent: u32,
    /// Session.
    pub session: u32,
    /// Image file name.
    pub image: String,
    /// Command line.
    pub command_line: String,
    /// When it starts, as a share of the trace's duration; 0 if it was there before.
    pub starts_at: f64,
    /// Its user stacks, one of which goes with an event whose path has none; empty for System.
    pub user_stacks: Vec<StackId>,
}

/// A thread.
#[derive(Debug, Clone, Copy)]
pub struct ThreadEntity {
    /// Thread id.
    pub tid: u32,
    /// Index of its process.
    pub process: usize,
}

/// A loaded image and its identity.
#[derive(Debug, Clone)]
pub struct ImageEntity {
    /// Index of the process, none for a driver.
    pub process: Option<usize>,
    /// Index of the process with whose start it is loaded, none if it was there before; a process's own image is always
    /// loaded with it.
    pub loaded_with: Option<usize>,
    /// Base address.
    pub base: u64,
    /// Size in bytes.
    pub size: u64,
    /// Checksum of the PE header.
    pub checksum: u32,
    /// Time stamp of the PE header.
    pub timestamp: u32,
    /// NT path.
    pub path: String,
    /// File name without path.
    pub file: String,
    /// PDB name.
    pub pdb: String,
    /// PDB identity.
    pub guid: Guid,
    /// PDB age.
    pub age: u32,
}

/// How the blocks of a tag live.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AllocationPattern {
    /// A share of the blocks is never freed, the rest live about `mean_s` seconds.
    Leak {
        /// Share that stays.
        leaked_share: f64,
        /// Mean life of the others in seconds.
        mean_s: f64,
    },
    /// The oldest block is freed as soon as more than `level` live.
    Plateau {
        /// Blocks held.
        level: usize,
    },
    /// All are freed after about `mean_s` seconds.
    Transient {
        /// Mean life in seconds.
        mean_s: f64,
    },
}

/// Which pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolClass {
    /// PoolType bits of the allocations, big-pool bit not included.
    pub pool_type: u32,
    /// In session pool.
    pub session: bool,
}

impl PoolClass {
    /// Paged or not.
    #[must_use]
    pub const fn is_paged(self) -> bool {
        self.pool_type & 1 != 0
    }
}

/// A tag.
#[derive(Debug, Clone)]
pub struct TagEntity {
    /// The four bytes.
    pub tag: [u8; 4],
    /// How its blocks live.
    pub pattern: AllocationPattern,
    /// Its part of all allocations (inside its window) against the other tags'.
    pub weight: f64,
    /// From when to when it allocates, as shares of the duration.
    pub window: (f64, f64),
    /// Which pool.
    pub pool: PoolClass,
    /// Accounting sizes to choose from.
    pub sizes: Vec<u64>,
    /// Threads that use it, by index; never empty.
    pub threads: Vec<usize>,
    /// Stacks of its allocations; the earlier, the hotter.
    pub alloc_stacks: Vec<StackPath>,
    /// Stacks of its frees.
    pub free_stacks: Vec<StackPath>,
    /// Its part of the blocks that live before the trace.
    pub preexisting: bool,
}

/// A process that comes and goes while others hold handles to it.
#[derive(Debug, Clone, Copy)]
pub struct LeakedProcess {
    /// Index of the process.
    pub process: usize,
    /// Index of its first thread.
    pub thread: usize,
    /// When it ends, as a share of the trace's duration.
    pub ends_at: f64,
    /// Its objects stay, since a handle is not closed.
    pub is_leaked: bool,
}

/// Processes that come and go, and the tags of their objects.
#[derive(Debug, Clone)]
pub struct HandleLeak {
    /// Indexes of the tags of process, thread and token objects.
    pub tags: [usize; 3],
    /// Index of the thread that starts them.
    pub parent: usize,
    /// The processes.
    pub children: Vec<LeakedProcess>,
}

/// Everybody.
#[derive(Debug, Clone, Default)]
pub struct Entities {
    /// Processes; the first is System.
    pub processes: Vec<ProcessEntity>,
    /// Threads.
    pub threads: Vec<ThreadEntity>,
    /// Images, drivers first.
    pub images: Vec<ImageEntity>,
    /// Tags.
    pub tags: Vec<TagEntity>,
    /// Frames, innermost first.
    pub stacks: Vec<Vec<u64>>,
    /// NT paths and the DOS paths they stand for.
    pub volumes: Vec<(String, String)>,
    /// Processes to whose objects handles are kept.
    pub handles: Option<HandleLeak>,
    /// Indexes of tags that are parts of one kind of object.
    pub lockstep: Vec<usize>,
}
