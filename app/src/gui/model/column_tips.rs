//! The sentence that says what a column means, for its header and the column chooser.

use poolscope_analysis::pivot::{Key, Metric};

use super::columns::What;

/// Explanation of a column.
#[must_use]
pub fn of(what: What) -> &'static str {
    match what {
        What::Key(key) => of_key(key),
        What::Figure(figure) => of_figure(figure),
    }
}

fn of_key(key: Key) -> &'static str {
    match key {
        Key::Type => {
            "AIFO: allocated inside the view, freed outside it or never: the leak candidates. AIFI: allocated and freed inside: transient. AOFI: from before the view, freed in it. AOFO: from before the view, still there after it."
        }
        Key::ImpactingType => "Impacting: allocated in the view and not freed in it (AIFO). Transient: all others.",
        Key::Paged => "Whether the block lies in paged or nonpaged pool.",
        Key::PoolType => "The pool's Windows name, such as NonPagedNx or PagedSession.",
        Key::Tag => "The four characters that the driver gave with the allocation.",
        Key::TagDescription => "What your own pooltag.txt says about the tag.",
        Key::Driver => {
            "Module of the first frame, from the innermost, that is not the kernel, the HAL, the verifier or an allocator wrapper."
        }
        Key::Function => "Function of the frame that names the driver.",
        Key::Stack => "Call stack of the allocation, outermost frame first.",
        Key::FreeStack => "Call stack of the free, outermost frame first.",
        Key::Process => "Process that the allocation was made in. Kernel work for others shows as System.",
        Key::Thread => "Thread that made the allocation.",
        Key::Cpu => "Processor that the allocation was made on.",
        Key::Session => "Session of an allocation from session pool.",
        Key::SizeClass => "Sizes from one power of two to the next.",
        Key::Address => "Address of the block.",
        Key::AllocTime => "When the block was allocated, in seconds from the trace's start.",
        Key::FreeTime => "When the block was freed, in seconds from the trace's start.",
        Key::Lifetime => "Time from allocation to free.",
        Key::Generation => "Between which marks on the time axis the block was allocated.",
    }
}

fn of_figure(figure: Metric) -> &'static str {
    match figure {
        Metric::Count => "Number of allocations that live in the view, for some of it at least.",
        Metric::Size => "Bytes of all allocations that live in the view, for some of it at least.",
        Metric::ImpactingSize => "Bytes allocated in the view and not freed in it (AIFO).",
        Metric::ImpactingCount => "Number of allocations made in the view and not freed in it (AIFO).",
        Metric::NetSize => {
            "Bytes allocated and kept (AIFO) minus bytes from before that were freed (AOFI): what the view added."
        }
        Metric::Average => "Bytes per allocation.",
        Metric::Min => "Size of the smallest allocation.",
        Metric::Max => "Size of the largest allocation.",
        Metric::LifetimeAverage => "Mean time from allocation to free, of the blocks that were freed.",
        Metric::LifetimeMax => "Longest time from allocation to free, of the blocks that were freed.",
        Metric::FreesPerAlloc => {
            "Blocks freed in the view for each one allocated in it. Near 1: in balance. Near 0: nothing is freed."
        }
        Metric::Growth => "What the view added, per second of it.",
        Metric::PeakSize => "Most bytes of the row's blocks that were there at one moment of the view.",
        Metric::UncertainStacks => {
            "Allocations whose stack may be another's, or lacks a half, because records were lost."
        }
        Metric::UncertainFreeStacks => {
            "Allocations whose free's stack may be another's, or lacks a half, because records were lost."
        }
        Metric::PeakCount => "Most of the row's blocks that were there at one moment of the view.",
        Metric::Unique(_) => "Number of different values.",
    }
}
