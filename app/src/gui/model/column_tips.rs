//! The sentence that says what a column means, for its header and the column chooser.

use poolscope_analysis::pivot::{Key, Metric};

use super::columns::What;

/// Explanation of a column.
#[must_use]
pub fn of(what: What) -> &'static str {
    match what {
        What::Key(key) => of_key(key),
        What::Figure(metric) => of_figure(metric),
    }
}

fn of_key(key: Key) -> &'static str {
    match key {
        Key::Type => {
            "AIFO: allocated inside the visible range, freed after it or never (leak candidates). AIFI: allocated and \
             freed inside (transient). AOFI: allocated before, freed inside. AOFO: allocated before, freed after or \
             never."
        }
        Key::ImpactingType => {
            "Impacting: allocated in the visible range and not freed in it (AIFO). Transient: all \
                               others."
        }
        Key::Paged => "Paged or nonpaged pool.",
        Key::PoolType => "Pool type of Windows, such as NonPagedNx or PagedSession.",
        Key::Tag => "The four characters that the driver passed with the allocation.",
        Key::PoolTagModule => "Driver that your pooltag.txt names for the tag. Driver shows the one on the stack.",
        Key::TagDescription => "Description of the tag in your pooltag.txt.",
        Key::Driver => {
            "Module of the responsible frame: the innermost frame that is not the kernel, the HAL, Driver Verifier or \
             a wrapper function."
        }
        Key::Function => "Function of the responsible frame.",
        Key::Stack => "Call stack of the allocation, outermost frame first.",
        Key::FreeStack => "Call stack of the free, outermost frame first.",
        Key::StackTag => {
            "Name that your stack tags (.stacktags) give to the allocation stack. Choose the file in Symbols, Pool tags and \
             drivers."
        }
        Key::Process => "Process in which the allocation was made. Kernel work on behalf of others is shown as System.",
        Key::Thread => "Thread that made the allocation.",
        Key::Cpu => "Processor on which the allocation was made.",
        Key::Session => "Session of an allocation from session pool.",
        Key::SizeClass => "Range of sizes between two powers of two.",
        Key::Address => "Address of the allocation.",
        Key::AllocTime => "Time of the allocation, in seconds from the start of the trace.",
        Key::FreeTime => "Time of the free, in seconds from the start of the trace.",
        Key::Lifetime => "Time from allocation to free.",
        Key::Generation => "Markers on the time axis between which the allocation was made.",
    }
}

fn of_figure(metric: Metric) -> &'static str {
    match metric {
        Metric::Count => "Number of allocations that exist in the visible range or a part of it.",
        Metric::Size => "Bytes of all allocations that exist in the visible range or a part of it.",
        Metric::ImpactingSize => "Bytes allocated in the visible range and not freed in it (AIFO).",
        Metric::ImpactingCount => "Number of allocations made in the visible range and not freed in it (AIFO).",
        Metric::NetSize => "Net change in the visible range: AIFO bytes minus AOFI bytes.",
        Metric::Average => "Bytes per allocation.",
        Metric::Min => "Size of the smallest allocation.",
        Metric::Max => "Size of the largest allocation.",
        Metric::LifetimeAverage => "Mean time from allocation to free, of freed allocations.",
        Metric::LifetimeMax => "Longest time from allocation to free, of freed allocations.",
        Metric::FreesPerAlloc => {
            "Frees per allocation in the visible range. Near 1: balanced. Near 0: nothing is freed."
        }
        Metric::Growth => "Slope of the outstanding bytes over the recorded part of the visible range.",
        Metric::PeakSize => "Highest number of bytes outstanding at one time in the visible range.",
        Metric::UncertainStacks => {
            "Allocations whose stack may be that of another event, or lack its user or kernel part, because records \
             were lost."
        }
        Metric::UncertainFreeStacks => {
            "Allocations whose free stack may be that of another event, or lack its user or kernel part, because \
             records were lost."
        }
        Metric::PeakCount => "Highest number of allocations outstanding at one time in the visible range.",
        Metric::Unique(_) => "Number of distinct values.",
    }
}
