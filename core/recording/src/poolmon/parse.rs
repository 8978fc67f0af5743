//! From the text of a file or of a paste to listings. A text may hold several, one after the other: a log of snapshots, or two commands
//! in one debugger session. What is not understood is counted and the first of it kept.

use super::line::{ParsedLine, SnapshotOrder, parse_line};
use super::{TagCounts, Snapshot, Pool, SnapshotRow, SnapshotTool};
use std::collections::BTreeMap;

/// So many lines that were not understood are kept.
const KEPT: usize = 3;
/// So many characters of each.
const KEPT_CHARACTERS: usize = 80;

/// Why a text is no listing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Nothing but white space.
    #[error("the text is empty: give what poolmon or !poolused printed, with its heading")]
    Empty,
    /// No line is a row.
    #[error(
        "no row of poolmon or of !poolused was found in {lines} lines{}: give the whole output with its heading \
         (poolmon: Tag Type Allocs Frees Diff Bytes; !poolused: Tag Allocs Used Allocs Used)",
        first_words(.first)
    )]
    NoRows {
        /// Lines that are not blank.
        lines: usize,
        /// The first of them.
        first: Option<UnparsedLine>,
    },
}

fn first_words(first: &Option<UnparsedLine>) -> String {
    first.as_ref().map_or_else(String::new, |line| format!(" (line {} is '{}')", line.number, line.text))
}

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnparsedLine {
    /// Its number, from 1.
    pub number: usize,
    /// Its beginning, made printable.
    pub text: String,
}

/// What a text holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// At least one, in the order of the text. What `!poolused` shows of one moment, sorted by one pool and then by the other, is one.
    pub snapshots: Vec<Snapshot>,
    /// Lines that were not understood.
    pub unparsed_count: usize,
    /// The first of them.
    pub unparsed_lines: Vec<UnparsedLine>,
}

/// Reads a text in any encoding of [`super::text::decode`].
///
/// # Errors
/// No row was found.
pub fn parse(bytes: &[u8]) -> Result<SnapshotFile, SnapshotError> {
    parse_text(&super::text::decode(bytes))
}

/// Reads a text.
///
/// # Errors
/// No row was found.
pub fn parse_text(text: &str) -> Result<SnapshotFile, SnapshotError> {
    let mut reader = Reader::default();
    let mut lines = 0;
    let mut first = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim_end();
        if !line.is_empty() {
            lines += 1;
            first.get_or_insert_with(|| strange(index, line));
        }
        reader.take(index, line);
    }
    reader.close();
    if lines == 0 {
        return Err(SnapshotError::Empty);
    }
    if reader.document.snapshots.is_empty() {
        return Err(SnapshotError::NoRows { lines, first });
    }
    Ok(reader.document)
}

fn strange(index: usize, line: &str) -> UnparsedLine {
    let text = line.trim().chars().take(KEPT_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    UnparsedLine { number: index + 1, text }
}

/// The listing that is being read.
struct Open {
    tool: SnapshotTool,
    first_line: usize,
    rows: BTreeMap<(String, Pool), SnapshotRow>,
    totals: [Option<u64>; 2],
    order: Option<SnapshotOrder>,
}

struct Reader {
    document: SnapshotFile,
    open: Option<Open>,
    /// The heading that was seen last: what it says holds for the rows after it.
    heading: Option<SnapshotTool>,
    /// Sums that stood before the first row.
    sums: [Option<u64>; 2],
    /// How the heading says that the rows after it are sorted.
    order: Option<SnapshotOrder>,
    /// How the parts of the last listing were sorted, as far as that is known.
    orders: Vec<SnapshotOrder>,
}

impl Default for Reader {
    fn default() -> Self {
        let document = SnapshotFile { snapshots: Vec::new(), unparsed_count: 0, unparsed_lines: Vec::new() };
        Self { document, open: None, heading: None, sums: [None; 2], order: None, orders: Vec::new() }
    }
}

impl Reader {
    fn take(&mut self, index: usize, line: &str) {
        match parse_line(line) {
            ParsedLine::Nothing => {}
            ParsedLine::Heading(tool, order) => {
                self.close();
                self.heading = Some(tool);
                self.order = if tool == SnapshotTool::PoolUsed { order.or(self.order) } else { None };
            }
            ParsedLine::Totals(sums) => match &mut self.open {
                Some(open) => open.totals = sums.map(Some),
                None => self.sums = sums.map(Some),
            },
            // Four numbers after a word may be anything: they count after a heading only.
            ParsedLine::Rows(SnapshotTool::PoolUsed, _) if self.heading != Some(SnapshotTool::PoolUsed) => self.strange(index, line),
            ParsedLine::Rows(tool, rows) => {
                for row in rows {
                    self.row(tool, index, row);
                }
            }
            ParsedLine::Unknown => self.strange(index, line),
        }
    }

    fn row(&mut self, tool: SnapshotTool, index: usize, row: SnapshotRow) {
        let key = (row.tag.clone(), row.pool);
        let seen = self
            .open
            .as_ref()
            .is_some_and(|open| open.tool != tool || (open.rows.contains_key(&key) && is_plain(&row.tag)));
        if seen {
            // The same tag again: another snapshot without a heading between them.
            self.close();
        }
        let open = self.open.get_or_insert_with(|| Open {
            tool,
            first_line: index + 1,
            rows: BTreeMap::new(),
            totals: std::mem::take(&mut self.sums),
            order: self.order.take(),
        });
        // Tags of bytes that no console shows may look the same.
        open.rows.entry(key).and_modify(|other| other.counts = other.counts.plus(row.counts)).or_insert(row);
    }

    fn strange(&mut self, index: usize, line: &str) {
        self.document.unparsed_count += 1;
        if self.document.unparsed_lines.len() < KEPT {
            self.document.unparsed_lines.push(strange(index, line));
        }
    }

    /// Ends the listing that is being read, if it has rows.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let (order, listing) = (open.order, open.listing());
        // `!poolused 2` and `!poolused 4` show one moment, sorted in two ways and maybe each cut to its largest rows.
        let other_order = order.is_some_and(|order| !self.orders.is_empty() && !self.orders.contains(&order));
        match self.document.snapshots.last_mut().filter(|before| other_order && may_be_one(before, &listing)) {
            Some(before) => unite(before, listing),
            None => {
                self.orders.clear();
                self.document.snapshots.push(listing);
            }
        }
        self.orders.extend(order);
    }
}

impl Open {
    fn listing(self) -> Snapshot {
        let rows = by_bytes(self.rows.into_values());
        Snapshot { tool: self.tool, first_line: self.first_line, rows, totals: self.totals }
    }
}

/// The most bytes first.
fn by_bytes(rows: impl Iterator<Item = SnapshotRow>) -> Vec<SnapshotRow> {
    let mut rows: Vec<SnapshotRow> = rows.collect();
    rows.sort_by(|a, b| b.counts.bytes.cmp(&a.counts.bytes).then_with(|| (&a.tag, a.pool).cmp(&(&b.tag, b.pool))));
    rows
}

/// Whether two listings of `!poolused` may be of one moment: no tag that both show has other figures.
fn may_be_one(one: &Snapshot, other: &Snapshot) -> bool {
    let known: BTreeMap<(&str, Pool), TagCounts> =
        one.rows.iter().map(|row| ((row.tag.as_str(), row.pool), row.counts)).collect();
    // With flag 1 allocations and frees are counted, and without it they are not.
    let same = |a: Option<u64>, b: Option<u64>| a.is_none() || b.is_none() || a == b;
    let agrees = |row: &SnapshotRow| {
        known.get(&(row.tag.as_str(), row.pool)).is_none_or(|figures| {
            (figures.blocks, figures.bytes) == (row.counts.blocks, row.counts.bytes)
                && same(figures.allocs, row.counts.allocs)
                && same(figures.frees, row.counts.frees)
        })
    };
    one.tool == SnapshotTool::PoolUsed
        && other.tool == SnapshotTool::PoolUsed
        && other.rows.iter().filter(|row| is_plain(&row.tag)).all(agrees)
}

/// Takes the rows of another listing of the same moment in.
fn unite(into: &mut Snapshot, other: Snapshot) {
    let rows = std::mem::take(&mut into.rows).into_iter().chain(other.rows);
    let mut united: BTreeMap<(String, Pool), SnapshotRow> = BTreeMap::new();
    for row in rows {
        let figures = row.counts;
        let known = united.entry((row.tag.clone(), row.pool)).or_insert(row);
        known.counts = fuller(known.counts, figures);
    }
    into.rows = by_bytes(united.into_values());
    for (total, other) in into.totals.iter_mut().zip(other.totals) {
        *total = (*total).max(other);
    }
}

/// Of two figures for one tag the larger, with what only one of them counts. Where a console shows several tags alike, a cut listing may
/// hold fewer of them.
fn fuller(one: TagCounts, other: TagCounts) -> TagCounts {
    let (most, least) = if other.bytes > one.bytes { (other, one) } else { (one, other) };
    TagCounts { allocs: most.allocs.or(least.allocs), frees: most.frees.or(least.frees), ..most }
}

/// Whether the tag is shown as it is: a console shows bytes that are no letters as `.`, `?` or something foreign.
fn is_plain(tag: &str) -> bool {
    tag.chars().all(|c| (c.is_ascii_graphic() || c == ' ') && c != '.' && c != '?')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: &str = " Memory:  260620K Avail:   96364K  PageFlts:     0   InRam Krnl: 1916K P:17856K\r\n \
        Commit: 203500K Limit: 640916K Peak: 260632K            Pool N: 8332K P:27220K\r\n System pool information\r\n \
        Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\r\n\r\n \
        Leak Nonp       9000 (   3)      8000 (   1)     1000    4096 (   512)      4\r\n \
        Leak Paged         2 (   0)         1 (   0)        1      64 (     0)     64\r\n \
        Io   Nonp       5000 (   0)      4000 (   0)     1000   91912 (     0)     91\r\n";
    const DEBUGGER: &str = "0: kd> !poolused 2\n....\n Sorting by NonPaged Pool Consumed\n\n               NonPaged                  Paged\n \
        Tag     Allocs         Used     Allocs         Used\n\n Leak       535      5935104          0            0\tUNKNOWN pooltag \
        'Leak', please update pooltag.txt\n 8042        4     3944         2        64PS/2 , Binary: i8042prt.sys\nTOTAL  539 5939048 2 64\n0: kd> q\n";

    fn tags(listing: &Snapshot) -> Vec<(&str, Pool, u64)> {
        listing.rows.iter().map(|row| (row.tag.as_str(), row.pool, row.counts.bytes)).collect()
    }

    #[test]
    fn a_screen_of_poolmon() {
        let document = parse(SCREEN.as_bytes()).expect("a listing");
        let [listing] = document.snapshots.as_slice() else { panic!("{document:?}") };
        assert_eq!((listing.tool, listing.first_line, document.unparsed_count), (SnapshotTool::PoolMon, 6, 0));
        let wanted = [("Io  ", Pool::NonPaged, 91_912), ("Leak", Pool::NonPaged, 4096), ("Leak", Pool::Paged, 64)];
        assert_eq!(tags(listing), wanted);
        assert_eq!(listing.totals, [Some(8332 << 10), Some(27_220 << 10)]);
        assert_eq!(listing.bytes_in(Pool::NonPaged), 96_008);
        assert_eq!(listing.events_per_second(|tag| tag == "Leak"), Some(1));
        assert_eq!(listing.events_per_second(|tag| tag == "none"), None);
    }

    #[test]
    fn output_of_a_debugger_in_any_encoding() {
        let wide: Vec<u8> = format!("\u{feff}{DEBUGGER}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [DEBUGGER.as_bytes(), &wide, DEBUGGER.replace('\n', "\r\n").as_bytes()] {
            let document = parse(bytes).expect("a listing");
            let [listing] = document.snapshots.as_slice() else { panic!("{document:?}") };
            assert_eq!(
                tags(listing),
                [("Leak", Pool::NonPaged, 5_935_104), ("8042", Pool::NonPaged, 3944), ("8042", Pool::Paged, 64)]
            );
            assert_eq!((listing.tool, listing.totals), (SnapshotTool::PoolUsed, [Some(5_939_048), Some(64)]));
            assert_eq!(document.unparsed_count, 0, "{:?}", document.unparsed_lines);
        }
    }

    #[test]
    fn several_listings_in_one_text_are_kept_apart() {
        let document = parse(format!("{SCREEN}{SCREEN}{DEBUGGER}").as_bytes()).expect("listings");
        assert_eq!(document.snapshots.iter().map(|listing| listing.rows.len()).collect::<Vec<_>>(), [3, 3, 3]);
        // A log of snapshots without a heading between them: the same tag again.
        let log = " Aaaa Nonp 1 0 1 64 64\n Bbbb Nonp 1 0 1 64 64\n Aaaa Nonp 2 0 2 128 64\n Bbbb Nonp 1 0 1 64 64\n";
        let document = parse(log.as_bytes()).expect("listings");
        assert_eq!(document.snapshots.iter().map(|listing| listing.first_line).collect::<Vec<_>>(), [1, 3]);
        // Tags that a console can't show look alike: they are one row.
        let alike = parse(" ...? Nonp 1 0 1 64 64\n ...? Nonp 2 0 2 128 64\n".as_bytes()).expect("a listing");
        assert_eq!(tags(&alike.snapshots[0]), [("...?", Pool::NonPaged, 192)]);
    }

    /// What `!poolused` prints: blocks and bytes of nonpaged and of paged pool.
    fn poolused(order: &str, rows: &[(&str, [u64; 4])]) -> String {
        let mut text = format!(" Sorting by  {order}\n\n   NonPaged   Paged\n Tag  Allocs Used Allocs Used\n\n");
        for (tag, [blocks, bytes, paged_blocks, paged_bytes]) in rows {
            text.push_str(&format!(" {tag} {blocks} {bytes} {paged_blocks} {paged_bytes}\tUNKNOWN pooltag\n"));
        }
        text
    }

    const NONPAGED: &str = "NonPaged Pool Consumed";
    const PAGED: &str = "Paged Pool Consumed";
    const LEAK: (&str, [u64; 4]) = ("Leak", [5, 5000, 1, 64]);
    const CACHE: (&str, [u64; 4]) = ("Cach", [1, 32, 9, 9000]);
    const FILE: (&str, [u64; 4]) = ("File", [7, 700, 0, 0]);

    #[test]
    fn one_moment_in_two_orders_is_one_listing() {
        let all = [
            ("Cach", Pool::Paged, 9000),
            ("Leak", Pool::NonPaged, 5000),
            ("File", Pool::NonPaged, 700),
            ("Leak", Pool::Paged, 64),
            ("Cach", Pool::NonPaged, 32),
        ];
        let total = "TOTAL 13 5732 10 9064\n";
        let full =
            format!("{}{total}{}", poolused(NONPAGED, &[LEAK, FILE, CACHE]), poolused(PAGED, &[CACHE, LEAK, FILE]));
        let cut = format!("{}{}{total}", poolused(NONPAGED, &[LEAK, FILE]), poolused(PAGED, &[CACHE, LEAK]));
        let apart = format!("{}{}{total}", poolused(NONPAGED, &[LEAK, FILE]), poolused(PAGED, &[CACHE]));
        for text in [full, cut, apart] {
            let document = parse(text.as_bytes()).expect("a listing");
            let [listing] = document.snapshots.as_slice() else { panic!("{text}: {document:?}") };
            assert_eq!(tags(listing), all, "{text}");
            assert_eq!((listing.first_line, listing.totals), (6, [Some(5732), Some(9064)]), "{text}");
        }
        // The flags say it too.
        let prompt = |flag: u8, row: &str| format!("0: kd> !poolused {flag}\n Tag Allocs Used Allocs Used\n{row}\n");
        let text = format!("{}{}", prompt(2, " Leak 5 5000 1 64"), prompt(4, " Leak 5 5000 1 64"));
        assert_eq!(parse(text.as_bytes()).expect("a listing").snapshots.len(), 1);
    }

    #[test]
    fn two_moments_stay_two_listings() {
        let later = ("Leak", [6, 6000, 1, 64]);
        let count = |parts: &[String]| parse(parts.concat().as_bytes()).expect("listings").snapshots.len();
        let first = poolused(NONPAGED, &[LEAK, FILE]);
        assert_eq!(count(&[first.clone(), first.clone()]), 2, "the same order");
        assert_eq!(count(&[first.clone(), poolused(PAGED, &[CACHE, later])]), 2, "other figures");
        assert_eq!(count(&[poolused("Bytes", &[LEAK]), poolused(PAGED, &[LEAK])]), 2, "an order that is not known");
        // Both, and both once more an hour later.
        let (second, third) = (poolused(PAGED, &[CACHE, LEAK]), poolused(NONPAGED, &[later, FILE]));
        assert_eq!(count(&[first, second, third, poolused(PAGED, &[CACHE, later])]), 2);
    }

    #[test]
    fn what_is_not_understood_is_counted() {
        let text = format!("Dear all,\n{SCREEN}\nand so on\n1\n2\n");
        let document = parse(text.as_bytes()).expect("a listing");
        assert_eq!(document.unparsed_count, 4);
        let kept: Vec<(usize, &str)> = document.unparsed_lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(kept, [(1, "Dear all,"), (11, "and so on"), (12, "1")]);
    }

    #[test]
    fn a_text_without_rows_says_what_is_wanted() {
        assert_eq!(parse(b" \r\n\n"), Err(SnapshotError::Empty));
        let error = parse(b"\nno \x1b[1m listing\nat all\n").expect_err("nothing").to_string();
        assert!(
            error.starts_with(
                "no row of poolmon or of !poolused was found in 2 lines (line 2 is 'no  [1m listing'): give"
            ),
            "{error}"
        );
        // Numbers behind a word are no row without the heading of !poolused.
        assert!(parse(b" Leak 1 2 3 4\n").is_err());
        assert!(parse(b" Tag Allocs Used Allocs Used\n Leak 1 2 3 4\n").is_ok());
    }
}
