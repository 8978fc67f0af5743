//! Data-quality issues of a trace: the complete list of kinds, each with a severity and a text on its effect on
//! results, and the counter of occurrences with the first file offsets of each kind. Data that is left out of a result
//! is always counted here.

/// Severity of a data-quality issue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Worth knowing; results are not affected.
    Info,
    /// Results may be wrong in the way that [`DiagnosticKind::effect`] describes.
    Warning,
    /// Data is missing.
    DataLoss,
}

impl Severity {
    /// Name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::DataLoss => "data-loss",
        }
    }
}

macro_rules! diagnostic_kinds {
    ($($(#[$doc:meta])* $kind:ident => $name:literal, $severity:ident, $effect:literal;)*) => {
        /// Kind of a data-quality issue.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum DiagnosticKind {
            $($(#[$doc])* $kind,)*
        }

        impl DiagnosticKind {
            /// All kinds, in the order of reports.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Severity of the kind.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity,)* }
            }

            /// Effect on results, as text for users.
            #[must_use]
            pub const fn effect(self) -> &'static str {
                match self { $(Self::$kind => $effect,)* }
            }
        }
    };
}

diagnostic_kinds! {
    /// The log-file header counts lost events.
    EventsLost => "events_lost", DataLoss,
        "Windows dropped events while recording. An allocation whose free was dropped looks like a leak; one whose allocation event was dropped looks older than it is.";
    /// The log-file header counts lost buffers.
    BuffersLost => "buffers_lost", DataLoss,
        "Windows dropped whole buffers while recording. Allocations made in the gaps are missing, and those freed in the gaps look like leaks.";
    /// A buffer is flagged as having lost events or a buffer before it.
    LossInBuffer => "loss_in_buffer", DataLoss,
        "These buffers are marked as having lost events. Allocations and frees around them may be paired wrongly.";
    /// A loss event (RT_LostEvent).
    LossRecord => "loss_record", DataLoss,
        "The trace contains events that report lost events, buffers or files. Allocations and frees around them may be paired wrongly.";
    /// The file ends inside a buffer.
    TornTail => "torn_tail", DataLoss,
        "The file ends in the middle of a buffer. All events after that point are missing, and allocations freed there look like leaks.";
    /// Buffers between two files of a recording are missing.
    MissingPart => "missing_part", DataLoss,
        "Buffers are missing between two files of the recording: a file of it was not opened, or the recording was stopped in between. Allocations and frees of that time are missing, and allocations freed there look like leaks. Open all files of the recording together.";
    /// The archive of the trace is damaged or cut off.
    DamagedArchive => "damaged_archive", DataLoss,
        "The archive that the trace was unpacked from is damaged or was not copied completely. All events after the damage are missing, and allocations freed there look like leaks. Copy the archive again.";
    /// Zeros where buffers should be; the count is the number of bytes.
    ZeroedBytes => "zeroed_bytes", DataLoss,
        "The counted bytes of the file are zeros where events should be: they were not written to the disk, or were lost in a copy. Their events are missing, and allocations freed there look like leaks.";
    /// Buffers begin before the end of the previous one, in a file without any 0D 0A.
    ConvertedLineEnds => "converted_line_ends", DataLoss,
        "A conversion of line ends has damaged the file (every 0D 0A became 0A). Events are missing or wrong. Copy the file again as binary: git needs the line \"*.etl binary\" in .gitattributes, ftp its binary mode.";
    /// A buffer header with impossible values.
    BadBuffer => "bad_buffer", DataLoss,
        "A buffer header is damaged. The events from there to the next readable buffer are missing.";
    /// A compressed buffer does not decompress.
    BadCompression => "bad_compression", DataLoss,
        "A compressed buffer cannot be decompressed completely. The events after the damage are missing.";
    /// A record header with impossible values.
    BadRecord => "bad_record", DataLoss,
        "A record header is damaged. The rest of its buffer is missing.";
    /// A payload that is too short for its event, or has impossible values.
    BadPayload => "undecodable_payload", DataLoss,
        "An event of a known type has a payload that cannot be decoded. The event is missing.";
    /// An undocumented version of a known event.
    UnknownVersion => "unknown_version", Warning,
        "An event of a known type has an unknown version. It was decoded with the nearest known layout if its length allows that.";
    /// The log-file header is damaged; defaults are used.
    BadHeader => "bad_header", Warning,
        "The log-file header is damaged. Times, pointer size or losses may be wrong.";
    /// Buffers with undocumented flags or types.
    UnknownBufferKind => "unknown_buffer_kind", Warning,
        "Buffers have unknown flags or an unknown type. They were read like all others.";
    /// Times in the log-file header that contradict the records.
    HeaderClock => "header_clock", Warning,
        "The times in the log-file header (its own, start, end or frequency) contradict the events: the header is damaged, or the computer's clock was set during the recording. The times of the events are used instead; wall-clock times may be wrong.";
    /// All records have the same time.
    ConstantTimestamps => "constant_timestamps", Warning,
        "All events have the same time. Their order is that of the file, and rates cannot be computed.";
    /// An impossible time of a record.
    BadTime => "bad_time", Warning,
        "The time of an event is outside of the recording, or contradicts the events before and after it. It is damaged; the time of the previous event is used.";
    /// The clock of a processor went back from one buffer to the next.
    ClockWentBack => "clock_went_back", Warning,
        "The clock of a CPU went back from one buffer to the next (a virtual machine that was restored, or CPUs whose clocks differ). The order of events is uncertain there, and allocations and frees may be paired wrongly.";
    /// Times go back within one buffer.
    TimeWentBack => "time_went_back", Warning,
        "Times go back within a buffer. The order of events is uncertain there, and allocations and frees may be paired wrongly.";
    /// The number of buffers differs from that in the log-file header.
    BufferCountDiffers => "buffer_count_differs", Warning,
        "The file has a different number of buffers than its header says. Buffers may be missing, or the recording was not closed.";
    /// A circular recording that has overwritten its beginning.
    WrappedCircular => "wrapped_circular", Warning,
        "The recording was circular and has overwritten its beginning. Allocations made before the first event count as allocated before the trace.";
    /// The recording was not closed.
    NotClosed => "not_closed", Warning,
        "The recording was never closed. Its losses and end time are unknown; the time of the last event is used as the end.";
    /// A stack key without a definition.
    UnresolvedKey => "unresolved_key", Warning,
        "A stack was recorded as a key whose definition is not in the file. The kernel or the user part of the stack is missing.";
    /// A stack key whose definition is of the other mode.
    KeyMismatch => "key_mismatch", Warning,
        "The definition of a stack key has kernel frames where user frames were expected, or the other way round. That part of the stack was left out.";
    /// A stack key that was resolved across a possible loss.
    UncertainStack => "uncertain_stack", Warning,
        "Stacks of pool events were recorded as keys, and events may be missing between a key and its definition. Keys are reused, so that the stack may be that of another event, or its kernel or user part may be missing. Groups by stack, function and driver may contain some of these allocations by mistake and show how many; sizes, counts and tags are not affected.";
    /// Indices that are not made, to keep within the memory limit.
    IndicesLeftOut => "indices_left_out", Info,
        "The window's indices (sums for zooms, blocks for curves, the order of events) are not kept, to stay within the memory limit. Zooms and curves of large traces take longer; results are not affected.";
    /// Free stacks that were left out to keep within the memory limit.
    FreeStacksLeftOut => "free_stacks_left_out", Warning,
        "The stacks of frees were not loaded, to keep within the memory limit. Free Stack is empty; allocation stacks, sizes and counts are not affected. Load with a higher --memory-limit to see them.";
    /// Addresses of allocations that were left out to keep within the memory limit.
    AddressesLeftOut => "addresses_left_out", Warning,
        "The addresses of allocations were not loaded, to keep within the memory limit. Groups and filters by address, the comparison with the list of big allocations and the processes of process objects are not available; sizes, counts and pairs of allocations and frees are not affected. Load with a higher --memory-limit to see addresses.";
    /// Pool events without a stack.
    NoStack => "event_without_stack", Info,
        "Pool allocations have no stack. They are grouped under an empty stack.";
    /// An allocation at an address that is still allocated.
    ImpliedFree => "implied_free", Warning,
        "An allocation was recorded at an address that was still allocated. The free between the two was not recorded; the earlier allocation ends at the later one.";
    /// A free of an address that is already free.
    ImpliedAllocation => "implied_allocation", Warning,
        "An address was freed twice without an allocation in between. The allocation was not recorded; it counts as made at the earlier free.";
    /// A free without a recorded allocation.
    FreeWithoutAllocation => "free_without_allocation", Info,
        "Allocations made before the trace were freed in it. They are AOFI with an unknown allocation time.";
    /// Allocation and free with different sizes or tags.
    PairDisagrees => "pair_disagrees", Info,
        "The allocation and the free of an address have different sizes or tags. Those of the allocation are used.";
    /// No image events.
    MissingImages => "missing_images", Warning,
        "The trace has no image events (the Loader keyword was not recorded). Stack frames are shown as addresses, and drivers cannot be named.";
    /// Images without PDB identity.
    UnmergedImages => "images_without_identity", Info,
        "Images have no PDB identity, because the trace was not merged on the machine that recorded it. Functions can be named only if the image files are found. Merge the trace there (xperf -merge in.etl out.etl), or stop the recording with wpr -stop or xperf -d.";
    /// No pool events.
    NoPoolEvents => "no_pool_events", Warning,
        "The trace has no pool events. Record it with the Pool keyword (wpr -start Pool, or xperf -on PROC_THREAD+LOADER+POOL).";
    /// The group masks do not include pool.
    PoolGroupOff => "pool_group_not_enabled", Info,
        "The kernel group masks of the recording do not include Pool. Only pool events that other groups log are in the trace.";
    /// Pool events, but no stacks of them.
    NoStacks => "no_pool_stacks", Warning,
        "Pool events were recorded without stacks (-stackwalk PoolAlloc+PoolFree was not given). The callers that allocate cannot be shown.";
    /// A debugger log.
    NoTimes => "no_times", Info,
        "The file is a debugger log, which has an order of events and no times: there are no curves, no growth and no lifetimes. Impacting is what has no free in the log.";
    /// An allocation of a debugger log without a size.
    UnknownSize => "unknown_size", Warning,
        "The log does not show the size of some allocations (stacks at breaks by nt!PoolHitTag on 64-bit Windows). They count with a size of 0: compare their numbers, or add !pool of the returned address to the log.";
    /// An event of a debugger log without an address.
    UnknownBlock => "unknown_block", Warning,
        "The log does not show which block some allocations and frees are about (stacks at breaks by nt!PoolHitTag on 64-bit Windows), so that they are not paired. Such an allocation counts as outstanding although its free may be among the others: compare numbers of allocations and frees.";
    /// An allocation of a debugger log without a tag.
    UnknownTag => "unknown_tag", Info,
        "The log of Driver Verifier has no tags; they are shown as ????. With the output of !verifier 3 DRIVER.sys in the same log, outstanding allocations have tags.";
    /// An entry of Driver Verifier's log of which neither kind is known.
    UndeterminedOperation => "undetermined_operation", DataLoss,
        "Entries of Driver Verifier's log are neither known as allocations nor as frees, since the kernel has no symbols in the log, and are left out. Run .reload /f nt and !verifier 0x80 again.";
    /// A list of outstanding allocations that ends early.
    TruncatedList => "truncated_list", DataLoss,
        "Lists of outstanding allocations of Driver Verifier end before the number of allocations that they give. Save the log with .logopen and run !verifier 3 again.";
    /// A break by nt!PoolHitTag without a stack.
    BreakWithoutStack => "break_without_stack", DataLoss,
        "The debugger stopped at an allocation or a free without printing the stack (k). These operations are left out.";
    /// The records come from the Windows API.
    ReadByWindows => "read_by_windows", Info,
        "The trace was read through the Windows API, which does not show buffers, damaged bytes, file offsets and CPUs. Damage that it skipped is not counted here, and a circular recording may have overwritten its beginning unnoticed.";
    /// The Windows API ended with an error before the end of the file.
    ReaderStopped => "reader_stopped", DataLoss,
        "The Windows API ended with an error before the end of the file. All events after that point are missing, and allocations freed there look like leaks.";
    /// More than one log-file header record.
    MergedHeaders => "several_headers", Info,
        "The file has more than one log-file header. The first one sets the clock.";
}

/// Upper bound on the file offsets that are kept of one kind.
const MAX_OFFSETS: usize = 8;

/// Occurrences of one kind in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Kind of the issue.
    pub kind: DiagnosticKind,
    /// Number of occurrences; for [`DiagnosticKind::ZeroedBytes`] of bytes.
    pub count: u64,
    /// The lowest file offsets, ascending, at most eight; empty for kinds without an offset.
    pub offsets: Vec<u64>,
}

/// Data-quality issues of a trace, counted by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    rows: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Counts `count` occurrences without a file offset.
    pub fn add(&mut self, kind: DiagnosticKind, count: u64) {
        if count > 0 {
            self.row(kind).count += count;
        }
    }

    /// Counts one occurrence at a file offset.
    pub fn add_at(&mut self, kind: DiagnosticKind, offset: u64) {
        let row = self.row(kind);
        row.count += 1;
        insert_offset(&mut row.offsets, offset);
    }

    /// Adds the counts of another part of the trace. The result does not depend on the order of the parts.
    pub fn merge(&mut self, other: &Self) {
        for added in &other.rows {
            let row = self.row(added.kind);
            row.count += added.count;
            for &offset in &added.offsets {
                insert_offset(&mut row.offsets, offset);
            }
        }
    }

    /// Returns the same issues with file offsets that are higher by `base` bytes.
    #[must_use]
    pub fn with_offsets_raised(&self, base: u64) -> Self {
        self.with_offsets(|offset| offset.saturating_add(base))
    }

    /// Returns the same issues with file offsets that are lower by `base` bytes.
    #[must_use]
    pub fn with_offsets_lowered(&self, base: u64) -> Self {
        self.with_offsets(|offset| offset.saturating_sub(base))
    }

    fn with_offsets(&self, new: impl Fn(u64) -> u64) -> Self {
        let row = |row: &Diagnostic| {
            let offsets = row.offsets.iter().map(|&offset| new(offset)).collect();
            Diagnostic { offsets, ..row.clone() }
        };
        Self { rows: self.rows.iter().map(row).collect() }
    }

    /// Returns the count of a kind.
    #[must_use]
    pub fn count(&self, kind: DiagnosticKind) -> u64 {
        self.rows.iter().find(|row| row.kind == kind).map_or(0, |row| row.count)
    }

    /// Returns the kinds that occurred, in the order of [`DiagnosticKind::ALL`].
    #[must_use]
    pub fn rows(&self) -> &[Diagnostic] {
        &self.rows
    }

    /// Returns the highest severity that occurred; `None` if there is no issue.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.rows.iter().map(|row| row.kind.severity()).max()
    }

    fn row(&mut self, kind: DiagnosticKind) -> &mut Diagnostic {
        let at = match self.rows.binary_search_by_key(&kind, |row| row.kind) {
            Ok(at) => at,
            Err(at) => {
                self.rows.insert(at, Diagnostic { kind, count: 0, offsets: Vec::new() });
                at
            }
        };
        &mut self.rows[at]
    }
}

/// Inserts an offset and keeps the lowest ones, so that the order of calls does not matter.
fn insert_offset(offsets: &mut Vec<u64>, offset: u64) {
    let at = offsets.partition_point(|&known| known <= offset);
    if at < MAX_OFFSETS {
        offsets.insert(at, offset);
        offsets.truncate(MAX_OFFSETS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_in_any_order_gives_the_same() {
        let mut parts = Vec::new();
        for start in [100_u64, 0, 50] {
            let mut part = Diagnostics::default();
            (0..20).for_each(|i| part.add_at(DiagnosticKind::BadRecord, start + i));
            part.add(DiagnosticKind::EventsLost, 3);
            parts.push(part);
        }
        let join = |order: &[usize]| {
            let mut all = Diagnostics::default();
            order.iter().for_each(|&i| all.merge(&parts[i]));
            all
        };
        assert_eq!(join(&[0, 1, 2]), join(&[2, 1, 0]));
        assert_eq!(join(&[0, 1, 2]).count(DiagnosticKind::BadRecord), 60);
        assert_eq!(join(&[0, 1, 2]).rows()[1].offsets, vec![0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
