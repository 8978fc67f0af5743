//! What can be wrong with a trace: a closed list. Each kind has a severity and one sentence on what it does to the
//! figures; each occurrence is counted, and the first places are kept. Nothing may be dropped from a trace without a
//! count here.

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Worth knowing; figures stand.
    Info,
    /// Figures may be off in the way the sentence says.
    Warning,
    /// Data is missing.
    DataLoss,
}

impl Severity {
    /// The word that reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::DataLoss => "data-loss",
        }
    }
}

macro_rules! anomaly_kinds {
    ($($(#[$doc:meta])* $kind:ident => $name:literal, $severity:ident, $effect:literal;)*) => {
        /// What can be wrong.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum AnomalyKind {
            $($(#[$doc])* $kind,)*
        }

        impl AnomalyKind {
            /// All kinds, in the order reports show them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The kind's name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity,)* }
            }

            /// What it does to the figures, in one sentence.
            #[must_use]
            pub const fn effect(self) -> &'static str {
                match self { $(Self::$kind => $effect,)* }
            }
        }
    };
}

anomaly_kinds! {
    /// The header counts lost events.
    EventsLost => "events_lost", DataLoss,
        "Windows dropped events while recording: a block whose free was dropped looks like a leak, one whose allocation was dropped looks older than it is.";
    /// The header counts lost buffers.
    BuffersLost => "buffers_lost", DataLoss,
        "Whole buffers were dropped while recording: blocks allocated or freed in the gaps are missing or look like leaks.";
    /// A buffer says that events were lost at its place.
    LossInBuffer => "loss_in_buffer", DataLoss,
        "These buffers are marked as having lost events at their place in the trace: pairings around them are less sure.";
    /// An RT_LostEvent record.
    LossRecord => "loss_record", DataLoss,
        "The trace holds records that report lost events, buffers or files: pairings are less sure.";
    /// The file ends inside a buffer.
    TornTail => "torn_tail", DataLoss,
        "The file ends in the middle of a buffer: everything after that point is missing, and blocks freed there look like leaks.";
    /// Bytes that are zero where buffers should be; counts the bytes.
    ZeroedBytes => "zeroed_bytes", DataLoss,
        "So many bytes of the file are zeros where events should be (not written to the disk, or lost in a copy): these events are missing, and blocks freed there look like leaks.";
    /// Buffers that begin before the one in front of them ends, in a file without any 0D 0A.
    ConvertedLineEnds => "converted_line_ends", DataLoss,
        "A conversion of line ends has damaged the file (every 0D 0A became 0A): events are missing or wrong. Copy it again as binary: git needs the line \"*.etl binary\" in .gitattributes, ftp its binary mode.";
    /// A buffer header makes no sense.
    BadBuffer => "bad_buffer", DataLoss,
        "A buffer header is damaged: its events are missing, as are those up to the next readable buffer.";
    /// A compressed buffer does not decompress.
    BadCompression => "bad_compression", DataLoss,
        "A compressed buffer does not decompress in full: the events after the damage are missing.";
    /// A record header makes no sense; the rest of the buffer is lost.
    BadRecord => "bad_record", DataLoss,
        "A record header is damaged: the rest of its buffer is missing.";
    /// A payload that is shorter than its kind needs, or holds impossible values.
    BadPayload => "undecodable_payload", DataLoss,
        "A record of a known kind has a payload that cannot be read: that one event is missing.";
    /// A version of a known event that nobody has described.
    UnknownVersion => "unknown_version", Warning,
        "A record of a known kind has a version that is not known: it was read by the nearest known layout where the length allows.";
    /// The file header is damaged, defaults were used.
    BadHeader => "bad_header", Warning,
        "The log-file header is damaged: times, pointer size or losses may be wrong.";
    /// Buffers with flags or of a type that nobody has described.
    UnknownBufferKind => "unknown_buffer_kind", Warning,
        "Buffers have flags or a type that is not known: they were read like all others.";
    /// Times in the log-file header that contradict the records.
    HeaderClock => "header_clock", Warning,
        "The log-file header's times (its own, start, end or frequency) do not fit the records: the header is damaged, or the computer's clock was set while it recorded. Times come from the records instead; wall-clock times may be off.";
    /// All records carry one time.
    ClockStandsStill => "clock_stands_still", Warning,
        "All records carry the same time: their order is that of the file, and no rate can be told.";
    /// The time of a record that cannot be.
    BadTime => "bad_time", Warning,
        "The time of a record lies outside of the recording or of what its neighbors allow: it is damaged, and the time of the record before it is used.";
    /// Records of one CPU go back in time from one buffer to the next.
    ClockWentBack => "clock_went_back", Warning,
        "The clock of a CPU went back from one buffer to the next (a virtual machine that was restored, or processors that count differently): the order of events there, and so the pairing, is less sure.";
    /// Records go back in time within one buffer.
    TimeWentBack => "time_went_back", Warning,
        "Timestamps go backwards within a buffer: the order of events there, and so the pairing, is less sure.";
    /// The number of buffers differs from the header's.
    BufferCountDiffers => "buffer_count_differs", Warning,
        "The header gives another number of buffers than the file holds: buffers may be missing or the recording was not closed.";
    /// A circular file that wrapped.
    WrappedCircular => "wrapped_circular", Warning,
        "The recording was circular and has overwritten its beginning: blocks from before the first event count as allocated before the trace.";
    /// The recording was not stopped properly.
    NotClosed => "not_closed", Warning,
        "The recording was never closed: the header's losses and end time are not known, the last event stands for the end.";
    /// A key reference without a definition.
    UnresolvedKey => "unresolved_key", Warning,
        "A stack was recorded by a key whose definition is not in the file: that half of the stack is missing.";
    /// A definition that does not fit the kind of its reference.
    KeyMismatch => "key_mismatch", Warning,
        "A stack key's definition has kernel frames where user frames were announced, or the other way round: that half of the stack was left out.";
    /// A stack that was resolved across a loss, or lacks a half.
    UncertainStack => "uncertain_stack", Warning,
        "Pool events whose stack was recorded by a key, and records are missing between the key and its definition: keys are used again, so that the stack may be another's, or a half of it is missing. Groups by stack, function and driver may hold some of these by mistake and say how many; sizes, counts and tags stand.";
    /// Pool events without a stack.
    NoStack => "event_without_stack", Info,
        "Pool allocations without a stack: they stand under an empty stack.";
    /// An allocation on an address that is still live.
    ImpliedFree => "implied_free", Warning,
        "A block was allocated where another one still lay: a free was not recorded, and the earlier block ends there.";
    /// A free of an address that was freed already.
    ImpliedAllocation => "implied_allocation", Warning,
        "A block was freed twice without an allocation between: an allocation was not recorded, and the block counts as allocated at the earlier free.";
    /// A free whose allocation lies before the trace.
    FreeWithoutAllocation => "free_without_allocation", Info,
        "Blocks freed in the trace but allocated before it: they are AOFI with an unknown allocation time.";
    /// Alloc and free disagree on size or tag.
    PairDisagrees => "pair_disagrees", Info,
        "Allocation and free of a block give different sizes or tags: the allocation's are used.";
    /// No images at all.
    MissingImages => "missing_images", Warning,
        "The trace has no image records (Loader was not recorded): frames stay addresses, drivers cannot be named.";
    /// Images without PDB identity.
    UnmergedImages => "images_without_identity", Info,
        "Images have no PDB identity: the trace was not merged on the machine that recorded it, so that functions get names only where the image files can be found. Merge it there (xperf -merge in.etl out.etl), or stop the recording with wpr -stop or xperf -d.";
    /// No pool events.
    NoPoolEvents => "no_pool_events", Warning,
        "The trace has no pool events: record with the Pool keyword (wpr -start Pool, or xperf -on PROC_THREAD+LOADER+POOL).";
    /// The group masks say that pool events were off.
    PoolGroupOff => "pool_group_not_enabled", Info,
        "The recording's group masks do not include Pool: only what other groups log about pool is here.";
    /// Pool events but no stacks.
    NoStacks => "no_pool_stacks", Warning,
        "Pool events were recorded without stacks (-stackwalk PoolAlloc+PoolFree was not given): who allocates cannot be seen.";
    /// The file was read by Windows, not by the reader here.
    ReadByWindows => "read_by_windows", Info,
        "Windows' own reader handed the records out one by one: buffers, damaged bytes, places in the file and processors cannot be seen that way. Damage that it passed over is not counted here, and a circular recording may have overwritten its beginning unnoticed.";
    /// Another reader stopped before the end.
    ReaderStopped => "reader_stopped", DataLoss,
        "Windows' own reader ended with an error: everything behind that place is missing, and blocks freed there look like leaks.";
    /// Extra log-file header records.
    MergedHeaders => "several_headers", Info,
        "The file holds more than one log-file header record: the first one sets the clock.";
}

/// How many places are kept per kind.
pub const PLACES_KEPT: usize = 8;

/// One kind of anomaly in one trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What is wrong.
    pub kind: AnomalyKind,
    /// How often.
    pub count: u64,
    /// The first file offsets where it was found, in ascending order; empty where it has no place.
    pub offsets: Vec<u64>,
}

/// All anomalies of a trace, counted by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anomalies {
    rows: Vec<Anomaly>,
}

impl Anomalies {
    /// Counts `count` occurrences without a place.
    pub fn add(&mut self, kind: AnomalyKind, count: u64) {
        if count > 0 {
            self.row(kind).count += count;
        }
    }

    /// Counts one occurrence at a file offset.
    pub fn add_at(&mut self, kind: AnomalyKind, offset: u64) {
        let row = self.row(kind);
        row.count += 1;
        keep_place(&mut row.offsets, offset);
    }

    /// Adds what another part of the file found.
    pub fn merge(&mut self, other: &Self) {
        for theirs in &other.rows {
            let row = self.row(theirs.kind);
            row.count += theirs.count;
            for &offset in &theirs.offsets {
                keep_place(&mut row.offsets, offset);
            }
        }
    }

    /// How often a kind occurred.
    #[must_use]
    pub fn count(&self, kind: AnomalyKind) -> u64 {
        self.rows.iter().find(|row| row.kind == kind).map_or(0, |row| row.count)
    }

    /// All kinds that occurred, in the order of [`AnomalyKind::ALL`].
    #[must_use]
    pub fn rows(&self) -> &[Anomaly] {
        &self.rows
    }

    /// The worst severity; `None` for a clean trace.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.rows.iter().map(|row| row.kind.severity()).max()
    }

    fn row(&mut self, kind: AnomalyKind) -> &mut Anomaly {
        let at = match self.rows.binary_search_by_key(&kind, |row| row.kind) {
            Ok(at) => at,
            Err(at) => {
                self.rows.insert(at, Anomaly { kind, count: 0, offsets: Vec::new() });
                at
            }
        };
        &mut self.rows[at]
    }
}

/// Keeps the lowest offsets, so that the order in which parts report does not matter.
fn keep_place(offsets: &mut Vec<u64>, offset: u64) {
    let at = offsets.partition_point(|&kept| kept <= offset);
    if at < PLACES_KEPT {
        offsets.insert(at, offset);
        offsets.truncate(PLACES_KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_in_any_order_gives_the_same() {
        let mut parts = Vec::new();
        for start in [100_u64, 0, 50] {
            let mut part = Anomalies::default();
            (0..20).for_each(|i| part.add_at(AnomalyKind::BadRecord, start + i));
            part.add(AnomalyKind::EventsLost, 3);
            parts.push(part);
        }
        let join = |order: &[usize]| {
            let mut all = Anomalies::default();
            order.iter().for_each(|&i| all.merge(&parts[i]));
            all
        };
        assert_eq!(join(&[0, 1, 2]), join(&[2, 1, 0]));
        assert_eq!(join(&[0, 1, 2]).count(AnomalyKind::BadRecord), 60);
        assert_eq!(join(&[0, 1, 2]).rows()[1].offsets, vec![0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
