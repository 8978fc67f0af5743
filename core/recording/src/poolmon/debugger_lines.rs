//! Lines of `!poolfind` and `!vm` in a text of snapshots: blocks that were found, and the memory of the machine. Lines of `!pool` are
//! recognized and left out, since they show one page.

use super::{MemoryStatus, SnapshotRow, TagCounts};
use crate::debugger::blocks::{BlockCommand, BlockLine, parse_block_line};
use crate::debugger::memory::{MemoryFigure, is_memory_remark, parse_memory_line};
use crate::debugger::text;
use crate::pool::Pool;
use std::collections::BTreeSet;

/// What a line adds.
#[derive(Default)]
pub(super) struct FoundLine {
    /// A block, as a row of its tag.
    pub row: Option<SnapshotRow>,
    /// The line begins a search that was made before: another listing.
    pub starts_search: bool,
    /// A search ended early.
    pub is_cut: bool,
    /// The memory of a `!vm` that ended before this line, with its first line.
    pub memory: Option<(MemoryStatus, usize)>,
    /// A `!vm` begins.
    pub starts_memory: bool,
    /// The line is of no other kind.
    pub is_taken: bool,
}

/// State between lines.
#[derive(Default)]
pub(super) struct DebuggerLines {
    command: BlockCommand,
    /// Pool of the search by its command.
    wanted: Option<Pool>,
    /// Headings and addresses of the present listing.
    headings: BTreeSet<String>,
    addresses: BTreeSet<u64>,
    /// The memory of the present `!vm`, with its first line.
    memory: Option<(MemoryStatus, usize)>,
    lines: usize,
}

impl DebuggerLines {
    /// Takes a line; `None` for one that says nothing here.
    pub fn take(&mut self, line: &str) -> Option<FoundLine> {
        self.lines += 1;
        let line = text::bare(line);
        if let Some(prompt) = text::prompt(line) {
            (self.command, self.wanted) = (BlockCommand::None, pool_of_command(prompt.command));
            let memory = self.memory.take();
            return Some(FoundLine { memory, ..FoundLine::default() });
        }
        if let Some(found) = parse_block_line(line, &self.command) {
            return Some(self.take_block_line(line, found));
        }
        if let Some((figure, bytes)) = parse_memory_line(line)
            && (self.memory.is_some() || figure != MemoryFigure::Other)
        {
            return Some(self.take_figure(figure, bytes));
        }
        let is_taken = is_memory_remark(line);
        is_taken.then(|| FoundLine { is_taken, ..FoundLine::default() })
    }

    /// The memory of the last `!vm`.
    pub fn finish(&mut self) -> Option<(MemoryStatus, usize)> {
        self.memory.take()
    }

    fn take_block_line(&mut self, line: &str, found: BlockLine) -> FoundLine {
        let mut taken = FoundLine { is_taken: true, ..FoundLine::default() };
        match found {
            BlockLine::Heading(command) => {
                self.command = match command {
                    BlockCommand::Find(pool) => BlockCommand::Find(pool.or(self.wanted)),
                    other => other,
                };
                if self.command.is_find() && !self.headings.insert(line.trim().to_owned()) {
                    self.begin_listing(&mut taken);
                    self.headings.insert(line.trim().to_owned());
                }
            }
            BlockLine::Block(block) => {
                let is_found = block.is_allocated && (self.command.is_find() || !block.is_marked);
                let pool = block.pool.filter(|_| is_found && !matches!(self.command, BlockCommand::Page(_)));
                if let Some(pool) = pool {
                    if !self.addresses.insert(block.address) {
                        self.begin_listing(&mut taken);
                        self.addresses.insert(block.address);
                    }
                    let counts = TagCounts { allocs: None, frees: None, blocks: 1, bytes: block.size_bytes };
                    let tag = String::from_utf8_lossy(&block.tag).into_owned();
                    let row = SnapshotRow { tag, pool, counts, change: None, description: None, is_rounded: false };
                    taken.row = Some(row);
                }
            }
            BlockLine::Terminated => taken.is_cut = true,
            BlockLine::Remark => {}
        }
        taken
    }

    fn begin_listing(&mut self, taken: &mut FoundLine) {
        taken.starts_search = true;
        self.headings.clear();
        self.addresses.clear();
    }

    fn take_figure(&mut self, figure: MemoryFigure, bytes: u64) -> FoundLine {
        let is_next = figure == MemoryFigure::Physical && self.memory.is_some_and(|(memory, _)| memory.has_pools());
        let memory = if is_next { self.memory.take() } else { None };
        let starts_memory = self.memory.is_none();
        let (open, _) = self.memory.get_or_insert((MemoryStatus::default(), self.lines));
        let slot = |pool: Pool| usize::from(pool == Pool::Paged);
        match figure {
            MemoryFigure::PoolUsage(pool) => {
                let usage = &mut open.pool_usage[slot(pool)];
                *usage = Some(usage.unwrap_or(0).saturating_add(bytes));
            }
            MemoryFigure::PoolLimit(pool) => open.pool_limit[slot(pool)] = Some(bytes),
            MemoryFigure::Physical => open.total = Some(bytes),
            MemoryFigure::Available => open.available = Some(bytes),
            MemoryFigure::Committed => open.committed = Some(bytes),
            MemoryFigure::CommitLimit => open.commit_limit = Some(bytes),
            MemoryFigure::Other => {}
        }
        FoundLine { memory, starts_memory, is_taken: true, ..FoundLine::default() }
    }
}

/// Pool of `!poolfind TAG [POOL]`: 0 or none for nonpaged, 1 or `-paged` for paged pool.
fn pool_of_command(command: &str) -> Option<Pool> {
    let rest = command.split_once("!poolfind").or_else(|| command.split_once("poolfind"))?.1;
    let words: Vec<&str> = rest.split_whitespace().collect();
    if words.contains(&"-paged") || words.get(1) == Some(&"1") {
        return Some(Pool::Paged);
    }
    let is_other = words.get(1).is_some_and(|word| matches!(*word, "2" | "4") || *word == "-session");
    (!is_other).then_some(Pool::NonPaged)
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse_text;
    use super::super::{Snapshot, SnapshotScope, SnapshotTool};
    use super::*;

    fn snapshots(text: &str) -> Vec<Snapshot> {
        parse_text(text).expect("snapshots").snapshots
    }

    fn rows(snapshot: &Snapshot) -> Vec<(&str, Pool, u64, u64)> {
        snapshot.rows.iter().map(|row| (row.tag.as_str(), row.pool, row.counts.blocks, row.counts.bytes)).collect()
    }

    const FIND: &str = "kd> !poolfind SeSd 0\n\nScanning large pool allocation table for Tag: SeSd (827d1000 : 827e9000)\n\n\
        *82900000 : large page allocation, Tag is SeSd, size is 0x2000 bytes\n\
        Searching NonPaged pool (823b1000 : 82800000) for Tag: SeSd\n\n826fa130 size:   c0 previous size:   40  (Allocated) SeSd\n\
        82721c00 size:   10 previous size:   30  (Free)      SeSd\n8272b3f0 size:   60 previous size:   30  (Allocated) SeSd\n\n\
        kd> !poolfind SeSd 1\n\nSearching Paged pool (e1000000 : e4400000) for Tag: SeSd\n\n\
        e10000b0 size:   d0 previous size:   20  (Allocated) SeSd\n\n...terminating - searched pool to e1224000\nkd> q\n";

    #[test]
    fn blocks_that_were_found_are_a_listing_of_their_tags() {
        let file = parse_text(FIND).expect("a snapshot");
        let [snapshot] = file.snapshots.as_slice() else { panic!("{file:?}") };
        assert_eq!((snapshot.tool, snapshot.scope), (SnapshotTool::PoolFind, SnapshotScope::Searched));
        let wanted = [("SeSd", Pool::NonPaged, 3, 0x2000 + 0xc0 + 0x60), ("SeSd", Pool::Paged, 1, 0xd0)];
        assert_eq!(rows(snapshot), wanted);
        assert_eq!((file.cut_searches, file.unparsed_count), (1, 0));
        let new = "0: kd> !poolfind -tag Proc -nonpaged\nScanning large pool allocation table for tag 0x636f7250 (Proc) (a : b)\n\
            ffffd48ca040f340 : tag Proc, size     0xb70, Nonpaged pool\nffffd48ca10bd380 : tag Proc, size     0xaf0, Nonpaged pool\n";
        assert_eq!(rows(&snapshots(new)[0]), [("Proc", Pool::NonPaged, 2, 0xb70 + 0xaf0)]);
        // The same search again is another listing; another tag is not.
        assert_eq!(snapshots(&format!("{FIND}{FIND}")).len(), 2);
        assert_eq!(snapshots(&format!("{FIND}{}", new)).len(), 1);
    }

    #[test]
    fn one_page_is_no_listing() {
        let page = "kd> !pool e1001050\nPool page e1001050 region is Paged pool\n e1001000 size:   40 previous size:    0  (Allocated)  MmDT\n\
            *e1001050 size:   10 previous size:   10  (Allocated) *ObDi\n";
        let error = parse_text(page).expect_err("no listing").to_string();
        assert!(
            error.contains("output of !pool, which shows the blocks of one page") && error.contains("Run !poolused 2"),
            "{error}"
        );
    }

    fn vm(usage: u64, nx: u64) -> String {
        format!(
            "0: kd> !vm 1\nPage File: \\??\\C:\\pagefile.sys\n  Current:   4063232 Kb  Free Space:   4063224 Kb\n\
             Physical Memory:          2097152 (    8388608 Kb)\nAvailable Pages:           442347 (    1769388 Kb)\n\
             NonPagedPool Usage:     {} ( {usage} Kb)\nNonPagedPoolNx Usage:   {} ( {nx} Kb)\n\
             NonPagedPool Max:      4294967296 (17179869184 Kb)\n********** Excessive NonPaged Pool Usage *****\n\
             PagedPool 0 Usage:     729   (    2916 Kb)\nPagedPool Usage:  59028 ( 236112 Kb)\nPagedPool Maximum:  33554432 ( 134217728 Kb)\n\
             Committed pages:     2062764 (  8251056 Kb)\nCommit limit:     4270402 (  17081608 Kb)\n",
            usage / 4,
            nx / 4
        )
    }

    #[test]
    fn the_memory_of_vm_belongs_to_the_listing_beside_it() {
        let used = "0: kd> !poolused 2\n Sorting by NonPaged Pool Consumed\n\n  NonPaged  Paged\n Tag  Allocs Used Allocs Used\n Leak 5 5000 0 0\n";
        for text in [format!("{}{used}", vm(900, 100)), format!("{used}{}", vm(900, 100))] {
            let found = snapshots(&text);
            let [snapshot] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((snapshot.tool, snapshot.rows.len()), (SnapshotTool::PoolUsed, 1));
            assert_eq!(snapshot.memory.pool_usage, [Some(1000 << 10), Some(236_112 << 10)]);
            assert_eq!(
                snapshot.memory.limit_of(Pool::NonPaged),
                Some(8 << 30),
                "physical memory is less than the limit"
            );
            assert_eq!(snapshot.memory.limit_of(Pool::Paged), Some(17_081_608 << 10), "the commit limit is less");
        }
    }

    #[test]
    fn several_outputs_of_vm_are_a_series_of_their_own() {
        let text = format!("2026-07-24 10:00:00\n{}2026-07-24 12:00:00\n{}", vm(1 << 20, 0), vm(3 << 20, 0));
        let found = snapshots(&text);
        let sizes: Vec<_> =
            found.iter().map(|snapshot| (snapshot.scope, snapshot.totals[0], snapshot.time.is_some())).collect();
        assert_eq!(
            sizes,
            [(SnapshotScope::PoolSizes, Some(1 << 30), true), (SnapshotScope::PoolSizes, Some(3 << 30), true)]
        );
        let input = crate::poolmon::SnapshotInput::new("a.log".to_owned(), None, parse_text(&text).expect("snapshots"));
        let series =
            crate::poolmon::SnapshotSeries::new(vec![input], &crate::poolmon::series::SeriesOptions::default())
                .expect("a series");
        let load = series.pool_loads()[0];
        assert_eq!((load.pool, load.used_bytes, load.growth_bytes), (Pool::NonPaged, 3 << 30, Some(2 << 30)));
        assert_eq!((load.share(), load.bytes_per_hour()), (Some(3.0 / 8.0), Some(f64::from(1 << 30))));
        // 1,769,388 KB of memory are available, which ends before the limit.
        let hours = load.exhaustion.map(|end| (end.resource, (end.hours * 100.0).round()));
        assert_eq!(hours, Some((crate::poolmon::series::Resource::AvailableMemory, 169.0)));
    }
}
