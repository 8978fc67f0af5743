//! Entities of a scenario: processes, threads, images, tags and their stacks. Plain data.

use crate::writer::Guid;

/// Index into [`Entities::stacks`].
pub type StackId = u32;

/// Kernel and user stack of a call path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackPath {
    /// Kernel stack.
    pub kernel: StackId,
    /// User stack; `None` to draw one of the process.
    pub user: Option<StackId>,
}

/// A process.
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
    /// Start time as a fraction of the duration; 0 if it exists before the trace.
    pub starts_at: f64,
    /// User stacks to draw from for events whose path has none; empty for System.
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
    /// Index of the process; `None` for a driver.
    pub process: Option<usize>,
    /// Index of the process at whose start it is loaded; `None` if loaded before the trace. The images of a process are loaded
    /// with it.
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
    /// File version, four numbers.
    pub version: String,
    /// PDB name.
    pub pdb: String,
    /// PDB identity.
    pub guid: Guid,
    /// PDB age.
    pub age: u32,
}

/// Lifetimes of the allocations of a tag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AllocationPattern {
    /// A share is never freed, the rest live for about `mean_s` seconds.
    Leak {
        /// Share that is never freed.
        leaked_share: f64,
        /// Mean lifetime of the others in seconds.
        mean_s: f64,
    },
    /// The oldest is freed when more than `level` exist.
    Plateau {
        /// Number of live blocks.
        level: usize,
    },
    /// All are freed after about `mean_s` seconds.
    Transient {
        /// Mean lifetime in seconds.
        mean_s: f64,
    },
}

/// Pool of an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolClass {
    /// PoolType bits of the allocations, without the big-pool bit.
    pub pool_type: u32,
    /// Session pool.
    pub session: bool,
}

impl PoolClass {
    /// Returns `true` for paged pool.
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
    /// Lifetimes of its allocations.
    pub pattern: AllocationPattern,
    /// Relative frequency of its allocations, inside its window.
    pub weight: f64,
    /// Time range in which it allocates, as fractions of the duration.
    pub window: (f64, f64),
    /// Pool.
    pub pool: PoolClass,
    /// Accounting sizes to draw from.
    pub sizes: Vec<u64>,
    /// Indexes of the threads that use it; never empty.
    pub threads: Vec<usize>,
    /// Stacks of its allocations; earlier ones are more frequent.
    pub alloc_stacks: Vec<StackPath>,
    /// Stacks of its frees.
    pub free_stacks: Vec<StackPath>,
    /// Also allocated before the trace.
    pub preexisting: bool,
}

/// A short-lived process to which another process may keep a handle.
#[derive(Debug, Clone, Copy)]
pub struct LeakedProcess {
    /// Index of the process.
    pub process: usize,
    /// Index of its first thread.
    pub thread: usize,
    /// End time as a fraction of the duration.
    pub ends_at: f64,
    /// Its objects are leaked, because a handle is not closed.
    pub is_leaked: bool,
}

/// Handle leak: short-lived processes and the tags of their objects.
#[derive(Debug, Clone)]
pub struct HandleLeak {
    /// Indexes of the tags of process, thread and token objects.
    pub tags: [usize; 3],
    /// Index of the thread that starts them.
    pub parent: usize,
    /// The short-lived processes.
    pub processes: Vec<LeakedProcess>,
}

/// Stack of CPU samples of a thread.
#[derive(Debug, Clone, Copy)]
pub struct SampledPath {
    /// Index of the thread.
    pub thread: usize,
    /// Its stack.
    pub path: StackPath,
}

/// All entities of a scenario.
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
    /// NT paths and the corresponding DOS paths.
    pub volumes: Vec<(String, String)>,
    /// Handle leak, if any.
    pub handles: Option<HandleLeak>,
    /// Indexes of the tags that are allocated together as parts of one object.
    pub lockstep: Vec<usize>,
    /// Stacks of CPU samples.
    pub samples: Vec<SampledPath>,
}

impl Entities {
    /// Loads images at other addresses and moves the frames of all stacks with them. `base_of` gives the new base of an image.
    /// Images whose ranges overlap have to move by the same distance: a frame does not say which of them it is in.
    pub fn move_images(&mut self, base_of: impl Fn(&ImageEntity) -> u64) {
        let mut moves: Vec<(u64, u64, u64)> =
            self.images.iter().map(|image| (image.base, image.size, base_of(image))).collect();
        moves.sort_unstable();
        moves.dedup();
        for address in self.stacks.iter_mut().flatten() {
            let at = moves.partition_point(|(base, ..)| base <= address);
            let image = at.checked_sub(1).and_then(|at| moves.get(at));
            if let Some((base, _, new)) = image.filter(|(base, size, _)| *address - base < *size) {
                *address = *address - base + new;
            }
        }
        for image in &mut self.images {
            image.base = base_of(image);
        }
    }

    /// Loads all images at other addresses, as after another boot. Each image is moved by another distance; programs whose ranges
    /// overlap, because they are in different processes, are moved together.
    pub fn relocate(&mut self, relocation: u64) {
        let mut ranges: Vec<(u64, u64)> =
            self.images.iter().map(|image| (image.base, image.base + image.size)).collect();
        ranges.sort_unstable();
        // The ends of runs of overlapping images.
        let mut ends: Vec<u64> = Vec::new();
        for (base, end) in ranges {
            match ends.last_mut() {
                Some(last) if base < *last => *last = end.max(*last),
                _ => ends.push(end),
            }
        }
        // Distances grow with the addresses, so that images do not meet.
        let step = 0x1_0000 * (1 + relocation % 7);
        self.move_images(|image| {
            let place = ends.partition_point(|end| *end <= image.base) as u64;
            image.base + step * (place + 1)
        });
    }
}
