//! Parses text into snapshots. A text may contain several: a log of poolmon snapshots, or two commands of one debugger session.
//! Lines that are not understood are counted, and the first of them kept.

use super::line::{ParsedLine, SnapshotOrder, parse_line};
use super::{Pool, Snapshot, SnapshotRow, SnapshotTool, TagCounts};
use std::collections::BTreeMap;

/// Maximum number of unparsed lines that are kept.
const UNPARSED_LINES_MAX: usize = 3;
/// Maximum length of a kept line in characters.
const UNPARSED_CHARACTERS_MAX: usize = 80;

/// Reason why a text has no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Only white space.
    #[error("the text is empty: provide the output of poolmon or !poolused with its heading")]
    Empty,
    /// No line is a row of poolmon or `!poolused`.
    #[error(
        "no row of poolmon or of !poolused was found in {lines} lines{}: provide the whole output with its heading \
         (poolmon: Tag Type Allocs Frees Diff Bytes; !poolused: Tag Allocs Used Allocs Used)",
        first_words(.first)
    )]
    NoRows {
        /// Number of lines that are not blank.
        lines: usize,
        /// The first such line.
        first: Option<UnparsedLine>,
    },
}

fn first_words(first: &Option<UnparsedLine>) -> String {
    first.as_ref().map_or_else(String::new, |line| format!(" (line {} is '{}')", line.number, line.text))
}

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnparsedLine {
    /// Line number, from 1.
    pub number: usize,
    /// Beginning of the line without control characters.
    pub text: String,
}

/// Snapshots of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// At least one, in the order of the text. Output of `!poolused` for one moment in two orders is combined into one snapshot.
    pub snapshots: Vec<Snapshot>,
    /// Number of lines that were not understood.
    pub unparsed_count: usize,
    /// The first of the lines that were not understood.
    pub unparsed_lines: Vec<UnparsedLine>,
}

/// Parses a text in any encoding that [`decode`] accepts.
///
/// # Errors
/// No row was found.
pub fn parse(bytes: &[u8]) -> Result<SnapshotFile, SnapshotError> {
    parse_text(&decode(bytes))
}

/// Parses a text.
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
            first.get_or_insert_with(|| unparsed_line(index, line));
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

fn unparsed_line(index: usize, line: &str) -> UnparsedLine {
    let text =
        line.trim().chars().take(UNPARSED_CHARACTERS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    UnparsedLine { number: index + 1, text }
}

/// The snapshot being read.
struct OpenSnapshot {
    tool: SnapshotTool,
    first_line: usize,
    rows: BTreeMap<(String, Pool), SnapshotRow>,
    totals: [Option<u64>; 2],
    order: Option<SnapshotOrder>,
}

struct Reader {
    document: SnapshotFile,
    open: Option<OpenSnapshot>,
    /// Tool of the last heading, which applies to the rows after it.
    heading: Option<SnapshotTool>,
    /// Totals printed before the first row.
    sums: [Option<u64>; 2],
    /// Order of the rows after the last heading, if given.
    order: Option<SnapshotOrder>,
    /// Known orders of the parts of the last snapshot.
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
            // Four numbers after a word are a row of `!poolused` only after its heading.
            ParsedLine::Rows(SnapshotTool::PoolUsed, _) if self.heading != Some(SnapshotTool::PoolUsed) => {
                self.skip_line(index, line)
            }
            ParsedLine::Rows(tool, rows) => {
                for row in rows {
                    self.row(tool, index, row);
                }
            }
            ParsedLine::Unknown => self.skip_line(index, line),
        }
    }

    fn row(&mut self, tool: SnapshotTool, index: usize, row: SnapshotRow) {
        let key = (row.tag.clone(), row.pool);
        let seen = self
            .open
            .as_ref()
            .is_some_and(|open| open.tool != tool || (open.rows.contains_key(&key) && is_plain(&row.tag)));
        if seen {
            // A repeated tag starts another snapshot without a heading.
            self.close();
        }
        let open = self.open.get_or_insert_with(|| OpenSnapshot {
            tool,
            first_line: index + 1,
            rows: BTreeMap::new(),
            totals: std::mem::take(&mut self.sums),
            order: self.order.take(),
        });
        // Different tags with unprintable bytes may look the same.
        open.rows.entry(key).and_modify(|other| other.counts = other.counts.plus(row.counts)).or_insert(row);
    }

    fn skip_line(&mut self, index: usize, line: &str) {
        self.document.unparsed_count += 1;
        if self.document.unparsed_lines.len() < UNPARSED_LINES_MAX {
            self.document.unparsed_lines.push(unparsed_line(index, line));
        }
    }

    /// Finishes the snapshot being read, if it has rows.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let (order, snapshot) = (open.order, open.finish());
        // `!poolused 2` and `!poolused 4` show one moment in two orders, each possibly truncated to its largest rows.
        let other_order = order.is_some_and(|order| !self.orders.is_empty() && !self.orders.contains(&order));
        match self.document.snapshots.last_mut().filter(|before| other_order && may_be_same_moment(before, &snapshot)) {
            Some(before) => merge_rows(before, snapshot),
            None => {
                self.orders.clear();
                self.document.snapshots.push(snapshot);
            }
        }
        self.orders.extend(order);
    }
}

impl OpenSnapshot {
    fn finish(self) -> Snapshot {
        let rows = by_bytes(self.rows.into_values());
        Snapshot { tool: self.tool, first_line: self.first_line, rows, totals: self.totals }
    }
}

/// Sorts rows descending by bytes, then by tag and pool.
fn by_bytes(rows: impl Iterator<Item = SnapshotRow>) -> Vec<SnapshotRow> {
    let mut rows: Vec<SnapshotRow> = rows.collect();
    rows.sort_by(|a, b| b.counts.bytes.cmp(&a.counts.bytes).then_with(|| (&a.tag, a.pool).cmp(&(&b.tag, b.pool))));
    rows
}

/// Returns `true` if two snapshots of `!poolused` may show one moment: tags in both have equal counts.
fn may_be_same_moment(one: &Snapshot, other: &Snapshot) -> bool {
    let known: BTreeMap<(&str, Pool), TagCounts> =
        one.rows.iter().map(|row| ((row.tag.as_str(), row.pool), row.counts)).collect();
    // Allocations and frees are only counted with flag 1.
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

/// Adds the rows of another snapshot of the same moment.
fn merge_rows(into: &mut Snapshot, other: Snapshot) {
    let rows = std::mem::take(&mut into.rows).into_iter().chain(other.rows);
    let mut united: BTreeMap<(String, Pool), SnapshotRow> = BTreeMap::new();
    for row in rows {
        let figures = row.counts;
        let known = united.entry((row.tag.clone(), row.pool)).or_insert(row);
        known.counts = larger(known.counts, figures);
    }
    into.rows = by_bytes(united.into_values());
    for (total, other) in into.totals.iter_mut().zip(other.totals) {
        *total = (*total).max(other);
    }
}

/// The larger of two counts of one tag, completed with counters that only the other has. Where several tags look the same, a
/// truncated snapshot may contain fewer of them.
fn larger(one: TagCounts, other: TagCounts) -> TagCounts {
    let (most, least) = if other.bytes > one.bytes { (other, one) } else { (one, other) };
    TagCounts { allocs: most.allocs.or(least.allocs), frees: most.frees.or(least.frees), ..most }
}

/// Returns `true` if the tag is printed unchanged; consoles print other bytes as `.`, `?` or a non-ASCII character.
fn is_plain(tag: &str) -> bool {
    tag.chars().all(|c| (c.is_ascii_graphic() || c == ' ') && c != '.' && c != '?')
}

/// Decodes UTF-8 and UTF-16, with or without a byte order mark; invalid sequences become replacement characters.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match mostly_zero(bytes) {
            (false, true) => utf16(bytes, u16::from_le_bytes),
            (true, false) => utf16(bytes, u16::from_be_bytes),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        },
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16_lossy(&units)
}

/// Returns `true` if most of the first bytes at even, and at odd, offsets are zero: UTF-16 of ASCII text without a byte order mark.
fn mostly_zero(bytes: &[u8]) -> (bool, bool) {
    let head = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    let count = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let most = head.len() / 4;
    (head.len() > 3 && count(0) > most, head.len() > 3 && count(1) > most)
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

    fn tags(snapshot: &Snapshot) -> Vec<(&str, Pool, u64)> {
        snapshot.rows.iter().map(|row| (row.tag.as_str(), row.pool, row.counts.bytes)).collect()
    }

    #[test]
    fn poolmon_screen_parses() {
        let document = parse(SCREEN.as_bytes()).expect("a snapshot");
        let [snapshot] = document.snapshots.as_slice() else { panic!("{document:?}") };
        assert_eq!((snapshot.tool, snapshot.first_line, document.unparsed_count), (SnapshotTool::PoolMon, 6, 0));
        let wanted = [("Io  ", Pool::NonPaged, 91_912), ("Leak", Pool::NonPaged, 4096), ("Leak", Pool::Paged, 64)];
        assert_eq!(tags(snapshot), wanted);
        assert_eq!(snapshot.totals, [Some(8332 << 10), Some(27_220 << 10)]);
        assert_eq!(snapshot.bytes_in(Pool::NonPaged), 96_008);
        assert_eq!(snapshot.events_per_second(|tag| tag == "Leak"), Some(1));
        assert_eq!(snapshot.events_per_second(|tag| tag == "none"), None);
    }

    #[test]
    fn debugger_output_parses_in_any_encoding() {
        let wide: Vec<u8> = format!("\u{feff}{DEBUGGER}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [DEBUGGER.as_bytes(), &wide, DEBUGGER.replace('\n', "\r\n").as_bytes()] {
            let document = parse(bytes).expect("a snapshot");
            let [snapshot] = document.snapshots.as_slice() else { panic!("{document:?}") };
            assert_eq!(
                tags(snapshot),
                [("Leak", Pool::NonPaged, 5_935_104), ("8042", Pool::NonPaged, 3944), ("8042", Pool::Paged, 64)]
            );
            assert_eq!((snapshot.tool, snapshot.totals), (SnapshotTool::PoolUsed, [Some(5_939_048), Some(64)]));
            assert_eq!(document.unparsed_count, 0, "{:?}", document.unparsed_lines);
        }
    }

    #[test]
    fn several_snapshots_in_one_text_are_separate() {
        let document = parse(format!("{SCREEN}{SCREEN}{DEBUGGER}").as_bytes()).expect("snapshots");
        assert_eq!(document.snapshots.iter().map(|snapshot| snapshot.rows.len()).collect::<Vec<_>>(), [3, 3, 3]);
        // A log of snapshots without headings: a tag is repeated.
        let log = " Aaaa Nonp 1 0 1 64 64\n Bbbb Nonp 1 0 1 64 64\n Aaaa Nonp 2 0 2 128 64\n Bbbb Nonp 1 0 1 64 64\n";
        let document = parse(log.as_bytes()).expect("snapshots");
        assert_eq!(document.snapshots.iter().map(|snapshot| snapshot.first_line).collect::<Vec<_>>(), [1, 3]);
        // Tags that look the same are one row.
        let alike = parse(" ...? Nonp 1 0 1 64 64\n ...? Nonp 2 0 2 128 64\n".as_bytes()).expect("a snapshot");
        assert_eq!(tags(&alike.snapshots[0]), [("...?", Pool::NonPaged, 192)]);
    }

    /// Output of `!poolused`: blocks and bytes of nonpaged and of paged pool.
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
    fn one_moment_in_two_orders_is_one_snapshot() {
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
            let document = parse(text.as_bytes()).expect("a snapshot");
            let [snapshot] = document.snapshots.as_slice() else { panic!("{text}: {document:?}") };
            assert_eq!(tags(snapshot), all, "{text}");
            assert_eq!((snapshot.first_line, snapshot.totals), (6, [Some(5732), Some(9064)]), "{text}");
        }
        // The order is also known from the flags.
        let prompt = |flag: u8, row: &str| format!("0: kd> !poolused {flag}\n Tag Allocs Used Allocs Used\n{row}\n");
        let text = format!("{}{}", prompt(2, " Leak 5 5000 1 64"), prompt(4, " Leak 5 5000 1 64"));
        assert_eq!(parse(text.as_bytes()).expect("a snapshot").snapshots.len(), 1);
    }

    #[test]
    fn two_moments_are_two_snapshots() {
        let later = ("Leak", [6, 6000, 1, 64]);
        let count = |parts: &[String]| parse(parts.concat().as_bytes()).expect("snapshots").snapshots.len();
        let first = poolused(NONPAGED, &[LEAK, FILE]);
        assert_eq!(count(&[first.clone(), first.clone()]), 2, "the same order");
        assert_eq!(count(&[first.clone(), poolused(PAGED, &[CACHE, later])]), 2, "other figures");
        assert_eq!(count(&[poolused("Bytes", &[LEAK]), poolused(PAGED, &[LEAK])]), 2, "an order that is not known");
        // Both orders, and both again an hour later.
        let (second, third) = (poolused(PAGED, &[CACHE, LEAK]), poolused(NONPAGED, &[later, FILE]));
        assert_eq!(count(&[first, second, third, poolused(PAGED, &[CACHE, later])]), 2);
    }

    #[test]
    fn unparsed_lines_are_counted() {
        let text = format!("Dear all,\n{SCREEN}\nand so on\n1\n2\n");
        let document = parse(text.as_bytes()).expect("a snapshot");
        assert_eq!(document.unparsed_count, 4);
        let kept: Vec<(usize, &str)> =
            document.unparsed_lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(kept, [(1, "Dear all,"), (11, "and so on"), (12, "1")]);
    }

    #[test]
    fn a_text_without_rows_is_an_error() {
        assert_eq!(parse(b" \r\n\n"), Err(SnapshotError::Empty));
        let error = parse(b"\nno \x1b[1m snapshot\nat all\n").expect_err("nothing").to_string();
        assert!(
            error.starts_with(
                "no row of poolmon or of !poolused was found in 2 lines (line 2 is 'no  [1m snapshot'): provide"
            ),
            "{error}"
        );
        // Numbers after a word are not a row without the heading of !poolused.
        assert!(parse(b" Leak 1 2 3 4\n").is_err());
        assert!(parse(b" Tag Allocs Used Allocs Used\n Leak 1 2 3 4\n").is_ok());
    }

    fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = " Tag  Type \u{e9}\r\n";
        assert_eq!(decode(text.as_bytes()), text);
        assert_eq!(decode(format!("\u{feff}{text}").as_bytes()), text);
        for bytes in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            assert_eq!(decode(&wide(&format!("\u{feff}{text}"), bytes)), text);
            assert_eq!(decode(&wide(text, bytes)), text);
        }
    }

    #[test]
    fn broken_text_is_no_error() {
        assert_eq!(decode(b""), "");
        assert_eq!(decode(b"a\xE9b"), "a\u{fffd}b");
        assert_eq!(decode(b"\xFF\xFEa\0b"), "a");
    }
}
