//! Parses one line of output of poolmon or `!poolused`: its kind and its numbers. Lines are independent; `parse` assigns them to
//! snapshots.
//!
//! poolmon: `Tag Type Allocs (change) Frees (change) Diff Bytes (change) Per-Alloc [driver]`; its snapshot files have no changes.
//! `!poolused`: `Tag`, then for nonpaged and for paged pool `Allocs Used`, or with flag 1 `Allocs Frees Diff Used`, then a
//! description, which may follow the last number without a space.

use super::{ChangeSinceUpdate, Pool, SnapshotRow, SnapshotTool, TagCounts};

/// Kind and content of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParsedLine {
    /// Rows of a tag: one for poolmon; up to two for `!poolused`, none if both pools are empty.
    Rows(SnapshotTool, Vec<SnapshotRow>),
    /// Part of the heading of a snapshot, with the order of the rows if given.
    Heading(SnapshotTool, Option<SnapshotOrder>),
    /// The tool's totals of nonpaged and paged pool, in bytes.
    Totals([u64; 2]),
    /// Known and ignored: blank lines, prompts, the debugger's messages about its cache.
    Nothing,
    /// Not understood.
    Unknown,
}

/// Order of the rows of `!poolused`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotOrder {
    /// By tag.
    Tag,
    /// By bytes of nonpaged pool: flag 2.
    NonPaged,
    /// By bytes of paged pool: flag 4.
    Paged,
}

/// Length of a tag in characters.
const TAG_LENGTH: usize = 4;
const KIB: u64 = 1024;
/// Maximum length of a line that is parsed; no tool prints longer ones, and parsing scans a line several times.
const LINE_BYTES_MAX: usize = 1000;
/// poolmon's names of the pools.
const TYPES: [(&str, Pool); 4] =
    [("Nonp", Pool::NonPaged), ("NonPaged", Pool::NonPaged), ("Nonpaged", Pool::NonPaged), ("Paged", Pool::Paged)];
/// Beginnings of lines that a debugger prints before the table.
const REMARKS: [&str; 8] = [
    "Using a machine size",
    "*** CacheSize",
    "Max cache size",
    "Total memory in cache",
    "Number of regions cached",
    "counts:",
    "bytes :",
    "** ",
];

/// Parses a line without its line end.
#[must_use]
pub fn parse_line(line: &str) -> ParsedLine {
    if line.len() > LINE_BYTES_MAX {
        return ParsedLine::Unknown;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let (Some(first), text) = (words.first(), line.trim()) else { return ParsedLine::Nothing };
    if is_prompt(text) {
        let command = text.split_once("!poolused");
        return command.map_or(ParsedLine::Nothing, |(_, flags)| {
            ParsedLine::Heading(SnapshotTool::PoolUsed, order_of_flags(flags))
        });
    }
    if let Some(line) = heading(text, &words) {
        return line;
    }
    if let Some(row) = poolmon_row(line) {
        return ParsedLine::Rows(SnapshotTool::PoolMon, vec![row]);
    }
    if first.eq_ignore_ascii_case("total") {
        return match numbers(text.get(first.len()..).unwrap_or_default()).as_slice() {
            [_, nonpaged, _, paged] | [_, _, _, nonpaged, _, _, _, paged] => ParsedLine::Totals([*nonpaged, *paged]),
            _ => ParsedLine::Nothing,
        };
    }
    if REMARKS.iter().any(|remark| text.starts_with(remark))
        || text.contains("full reads broken into")
        || text.bytes().all(|b| b == b'.')
    {
        return ParsedLine::Nothing;
    }
    poolused_rows(line).map_or(ParsedLine::Unknown, |rows| ParsedLine::Rows(SnapshotTool::PoolUsed, rows))
}

fn heading(text: &str, words: &[&str]) -> Option<ParsedLine> {
    let has = |word: &str| words.iter().any(|found| found.eq_ignore_ascii_case(word));
    if text.starts_with("Memory:") || text.starts_with("System pool information") {
        return Some(ParsedLine::Heading(SnapshotTool::PoolMon, None));
    }
    if text.starts_with("Commit:") {
        return Some(pool_sums(text).map_or(ParsedLine::Nothing, ParsedLine::Totals));
    }
    if has("Tag") && has("Allocs") {
        let tool = if has("Used") { SnapshotTool::PoolUsed } else { SnapshotTool::PoolMon };
        return (has("Used") || has("Bytes")).then_some(ParsedLine::Heading(tool, None));
    }
    if let Some(order) = text.strip_prefix("Sorting by") {
        return Some(ParsedLine::Heading(SnapshotTool::PoolUsed, order_of_words(order)));
    }
    let is_poolused = text.starts_with("Pool Used:") || words == ["NonPaged", "Paged"];
    is_poolused.then_some(ParsedLine::Heading(SnapshotTool::PoolUsed, None))
}

/// Parses `NonPaged Pool Consumed`, `Paged Pool Consumed`, `Tag`.
fn order_of_words(text: &str) -> Option<SnapshotOrder> {
    match text.split_whitespace().next()? {
        "NonPaged" => Some(SnapshotOrder::NonPaged),
        "Paged" => Some(SnapshotOrder::Paged),
        "Tag" => Some(SnapshotOrder::Tag),
        _ => None,
    }
}

/// Parses the arguments of `!poolused`: options, then the flags in hexadecimal, of which 2 and 4 select an order.
fn order_of_flags(text: &str) -> Option<SnapshotOrder> {
    let flags = text.split_whitespace().find(|word| !word.starts_with('/'))?;
    let flags = u64::from_str_radix(flags.strip_prefix("0x").unwrap_or(flags), 16).ok()?;
    match flags & 6 {
        2 => Some(SnapshotOrder::NonPaged),
        4 => Some(SnapshotOrder::Paged),
        _ => None,
    }
}

/// Parses `Pool N: 8332K P:27220K` at the end of poolmon's second line.
fn pool_sums(text: &str) -> Option<[u64; 2]> {
    let (_, after) = text.split_once("Pool N:")?;
    let (nonpaged, rest) = leading_number(after.trim_start())?;
    let (_, after) = rest.split_once("P:")?;
    let (paged, rest) = leading_number(after.trim_start())?;
    rest.starts_with('K').then(|| [nonpaged.saturating_mul(KIB), paged.saturating_mul(KIB)])
}

/// Returns `true` for `0: kd> …`, `lkd> …`, `C:\Tools>…`, and `!poolused` at the start of a line.
fn is_prompt(text: &str) -> bool {
    let Some((before, _)) = text.split_once('>') else { return text.starts_with("!poolused") };
    let debugger = before.ends_with("kd") && before.len() <= 16;
    let console =
        [Some(before), before.strip_prefix("PS ")].into_iter().flatten().any(|path| path.get(1..3) == Some(":\\"));
    debugger || console
}

/// The leading words of a text that are numbers.
fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace()
        .map_while(|word| leading_number(word).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value))
        .collect()
}

fn poolmon_row(line: &str) -> Option<SnapshotRow> {
    // A tag may have the name of a pool, so the word is a pool only if numbers follow.
    for (at, _) in line.match_indices(char::is_whitespace) {
        let after = line.get(at..)?.trim_start();
        let known = TYPES
            .iter()
            .find(|(word, _)| after.strip_prefix(word).is_some_and(|rest| rest.starts_with(char::is_whitespace)));
        let Some((word, pool)) = known else { continue };
        if let (Some(tag), Some(row)) = (tag_before(line.get(..at)?), poolmon_figures(after.get(word.len()..)?)) {
            let (figures, change, description) = row;
            return Some(SnapshotRow { tag, pool: *pool, counts: figures, change, description });
        }
    }
    None
}

fn poolmon_figures(text: &str) -> Option<(TagCounts, Option<ChangeSinceUpdate>, Option<String>)> {
    let mut rest = text;
    let (allocs, allocs_change) = (count(&mut rest)?, change(&mut rest));
    let (frees, frees_change) = (count(&mut rest)?, change(&mut rest));
    let blocks = signed_figure(&mut rest)?;
    let (bytes, bytes_change) = (signed_figure(&mut rest)?, change(&mut rest));
    // Per Alloc is bytes divided by blocks.
    let _per_alloc = signed_figure(&mut rest);
    let changes = (allocs_change, frees_change, bytes_change);
    let change = match changes {
        (Some(allocs), Some(frees), Some(bytes)) => Some(ChangeSinceUpdate { allocs, frees, bytes }),
        // The line was wrapped by another program, possibly inside the bytes, which are then incomplete.
        (Some(_), Some(_), None) => return None,
        _ => None,
    };
    let figures = TagCounts { allocs: Some(allocs), frees: Some(frees), blocks, bytes };
    Some((figures, change, description(rest.trim().trim_start_matches('[').trim_end_matches(']'))))
}

fn figure(rest: &mut &str) -> Option<u64> {
    let (value, after) = leading_number(rest.trim_start())?;
    *rest = after;
    Some(value)
}

/// A counter. poolmon on 32-bit systems shows values from 2^31 as negative numbers.
fn count(rest: &mut &str) -> Option<u64> {
    let text = rest.trim_start();
    if text.starts_with('-') {
        let (value, after) = leading_signed(text)?;
        let value = i32::try_from(value).ok()?;
        *rest = after;
        return Some(u64::from(value.cast_unsigned()));
    }
    figure(rest)
}

/// A difference; negative values, caused by 32-bit counters, become 0.
fn signed_figure(rest: &mut &str) -> Option<u64> {
    let text = rest.trim_start();
    if text.starts_with('-') {
        let (value, after) = leading_signed(text)?;
        *rest = after;
        return Some(u64::try_from(value).unwrap_or(0));
    }
    figure(rest)
}

/// Parses a change such as `(  12)`.
fn change(rest: &mut &str) -> Option<i64> {
    let inside = rest.trim_start().strip_prefix('(')?;
    let (value, after) = leading_signed(inside.trim_start())?;
    *rest = after.trim_start().strip_prefix(')')?;
    Some(value)
}

/// The tag in the text before the pool: at most four characters after the space that starts every line.
fn tag_before(text: &str) -> Option<String> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let text = if text.trim_end().chars().count() > TAG_LENGTH { text.trim() } else { text.trim_end() };
    tag(text)
}

fn tag(text: &str) -> Option<String> {
    let length = text.chars().count();
    let plain = text.chars().all(|c| !c.is_control());
    let is_tag = (1..=TAG_LENGTH).contains(&length) && plain && !text.trim().is_empty();
    is_tag.then(|| format!("{text}{}", " ".repeat(TAG_LENGTH - length)))
}

fn poolused_rows(line: &str) -> Option<Vec<SnapshotRow>> {
    // The tag is a column of four characters, or the first word if another program removed spaces.
    let in_column = line.strip_prefix(' ').unwrap_or(line);
    let column = in_column.char_indices().nth(TAG_LENGTH).and_then(|(at, next)| {
        let (tag, rest) = in_column.split_at(at);
        (next.is_whitespace() || tag.ends_with(char::is_whitespace)).then_some((tag, rest))
    });
    let trimmed = line.trim_start();
    let word = trimmed.find(char::is_whitespace).map(|at| trimmed.split_at(at));
    [column, word].into_iter().flatten().find_map(|(text, rest)| {
        let tag = tag(text)?;
        let (figures, description) = poolused_figures(rest)?;
        let rows = Pool::ALL.into_iter().zip(figures).filter(|(_, figures)| *figures != empty(figures));
        let row = |(pool, figures)| SnapshotRow {
            tag: tag.clone(),
            pool,
            counts: figures,
            change: None,
            description: description.clone(),
        };
        Some(rows.map(row).collect())
    })
}

/// The same counters, all zero.
fn empty(figures: &TagCounts) -> TagCounts {
    TagCounts { allocs: figures.allocs.map(|_| 0), frees: figures.frees.map(|_| 0), blocks: 0, bytes: 0 }
}

fn poolused_figures(text: &str) -> Option<([TagCounts; 2], Option<String>)> {
    let mut values = Vec::with_capacity(8);
    let mut rest = text;
    while values.len() < 8 && rest.starts_with(char::is_whitespace) {
        let start = rest.trim_start();
        let Some((value, after)) = leading_number(start) else { break };
        // The last number may be followed by text without a space.
        let (value, after) = match start.strip_prefix('0') {
            Some(behind) if after.starts_with(|c: char| !c.is_whitespace()) => (0, behind),
            _ => (value, after),
        };
        values.push(value);
        rest = after;
        let more = values.len();
        if more == 4 && !next_four_are_numbers(rest) {
            break;
        }
    }
    let plain = |blocks: u64, bytes: u64| TagCounts { allocs: None, frees: None, blocks, bytes };
    let whole = |allocs: u64, frees: u64, blocks: u64, bytes: u64| TagCounts {
        allocs: Some(allocs),
        frees: Some(frees),
        blocks,
        bytes,
    };
    let figures = match values.as_slice() {
        [a, b, c, d] => [plain(*a, *b), plain(*c, *d)],
        [a, b, c, d, e, f, g, h] => [whole(*a, *b, *c, *d), whole(*e, *f, *g, *h)],
        _ => return None,
    };
    Some((figures, description(rest)))
}

/// Returns `true` if four more numbers follow, as with flag 1. A description may start with a number, so fewer are not enough.
fn next_four_are_numbers(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().take(4).collect();
    text.starts_with(char::is_whitespace)
        && words.len() == 4
        && words.iter().take(3).all(|word| leading_number(word).is_some_and(|(_, rest)| rest.is_empty()))
        && words.last().is_some_and(|word| leading_number(word).is_some())
}

/// The description of a tag; `None` if the tool has none.
fn description(text: &str) -> Option<String> {
    // Control characters in pasted text must not reach a terminal.
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    let unknown = text.is_empty() || text.starts_with("UNKNOWN pooltag") || text.eq_ignore_ascii_case("Unknown Driver");
    (!unknown).then_some(text)
}

/// Parses a number at the start of the text and returns the rest. Thousands separators (comma, point, apostrophe, no-break or thin
/// space) are accepted between groups of three digits. `None` without digits or beyond 64 bits.
pub(super) fn leading_number(text: &str) -> Option<(u64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let first = digits(text);
    let mut value: u64 = text.get(..first).filter(|digits| !digits.is_empty())?.parse().ok()?;
    let mut rest = text.get(first..)?;
    if (1..=3).contains(&first) {
        let separator = rest.chars().next().filter(|c| ",.'\u{2019}\u{a0}\u{202f}\u{2009}".contains(*c));
        while let Some(after) = separator.and_then(|separator| rest.strip_prefix(separator)) {
            let group = after.get(..3).filter(|_| digits(after) == 3).and_then(|group| group.parse::<u64>().ok());
            let Some(group) = group else { break };
            value = value.checked_mul(1000)?.checked_add(group)?;
            rest = after.get(3..)?;
        }
    }
    Some((value, rest))
}

/// Parses a number with an optional sign.
pub(super) fn leading_signed(text: &str) -> Option<(i64, &str)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (value, rest) = leading_number(text)?;
    let value = i64::try_from(value).ok()?;
    Some((if negative { -value } else { value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(line: &str) -> Vec<SnapshotRow> {
        match parse_line(line) {
            ParsedLine::Rows(_, rows) => rows,
            other => panic!("{line:?} is {other:?}"),
        }
    }

    fn figures(line: &str) -> (String, [Option<u64>; 4]) {
        let rows = rows(line);
        let [row] = rows.as_slice() else { panic!("{line:?} has {} rows", rows.len()) };
        let figures = row.counts;
        (row.tag.clone(), [figures.allocs, figures.frees, Some(figures.blocks), Some(figures.bytes)])
    }

    #[test]
    fn poolmon_rows_parse() {
        let counted = |tag: &str, figures: [u64; 4]| (tag.to_owned(), figures.map(Some));
        let all = [9000, 8000, 1000, 4096];
        for line in [
            " Leak Nonp       9000 (   3)      8000 (  -1)     1000    4096 (   512)      4",
            "Leak\tNonp\t9000\t(3)\t8000\t(-1)\t1000\t4096\t(512)\t4",
            " Leak Nonp  9,000 ( 3)  8,000 ( -1) 1,000 4,096 ( 512) 4 [myfault.sys  -  test]",
            " Leak Nonp       9000      8000     1000    4096      4",
            "   Leak Nonp     9000      8000     1000    4096",
        ] {
            assert_eq!(figures(line), counted("Leak", all), "{line}");
        }
        assert_eq!(figures(" Io   Paged 1 (0) 0 (0) 1 64 (0) 64"), counted("Io  ", [1, 0, 1, 64]));
        assert_eq!(figures("  lif Nonp 1 (0) 0 (0) 1 64 (0) 64").0, " lif");
        assert_eq!(figures(" Nonp Paged 1 (0) 0 (0) 1 64 (0) 64").0, "Nonp");
        assert_eq!(figures(" a (1 Nonp 1 (0) 0 (0) 1 64 (0) 64").0, "a (1");
        assert_eq!(figures(" Wrap Nonp 1 (0) 2 (0) -1 0 (0) 0"), counted("Wrap", [1, 2, 0, 0]));
    }

    #[test]
    fn counters_of_32_bit_systems_are_not_negative() {
        let half = 1_u64 << 31;
        let wanted = ("Busy".to_owned(), [half, (1 << 32) - 1, 7, 64].map(Some));
        for line in [
            " Busy Nonp -2147483648 (   3)        -1 (   1)        7      64 (     0)      9",
            " Busy Nonp -2147483648 -1 7 64 9",
        ] {
            assert_eq!(figures(line), wanted, "{line}");
        }
        assert_eq!(parse_line(" Busy Nonp -2147483649 (3) 1 (1) 7 64 (0) 9"), ParsedLine::Unknown);
    }

    #[test]
    fn a_row_that_was_broken_is_no_row() {
        for broken in [
            " Leak Nonp       9000 (   3)      8000 (   1)     1000    40",
            " Leak Nonp       9000 (   3)      8000 (   1)     1000    4096 (   5",
            "96 (   512)      4",
        ] {
            assert_eq!(parse_line(broken), ParsedLine::Unknown, "{broken}");
        }
    }

    #[test]
    fn headings_give_the_order() {
        for (heading, order) in [
            ("0: kd> !poolused 2", Some(SnapshotOrder::NonPaged)),
            ("lkd> !poolused /t20 0x4", Some(SnapshotOrder::Paged)),
            ("!poolused 3", Some(SnapshotOrder::NonPaged)),
            ("0: kd> !poolused", None),
            ("0: kd> !poolused 1 Leak", None),
            (" Sorting by  NonPaged Pool Consumed", Some(SnapshotOrder::NonPaged)),
            (" Sorting by  Paged Pool Consumed", Some(SnapshotOrder::Paged)),
            (" Sorting by  Tag", Some(SnapshotOrder::Tag)),
            (" Sorting by Session Tag", None),
            ("  Pool Used:", None),
        ] {
            assert_eq!(parse_line(heading), ParsedLine::Heading(SnapshotTool::PoolUsed, order), "{heading}");
        }
    }

    #[test]
    fn changes_and_drivers_of_poolmon_parse() {
        let row = &rows(" NtFB Paged 3996 ( 1) 3986 ( -2) 10 252088 ( 30) 25208 [ntfs.sys  -  BitmpSup.c]")[0];
        assert_eq!(row.change, Some(ChangeSinceUpdate { allocs: 1, frees: -2, bytes: 30 }));
        assert_eq!((row.pool, row.description.as_deref()), (Pool::Paged, Some("ntfs.sys - BitmpSup.c")));
        let row = &rows(" Leak Nonp 3996 3986 10 252088 25208 Unknown Driver")[0];
        assert_eq!((row.change, row.description.as_deref()), (None, None));
    }

    #[test]
    fn poolused_rows_parse() {
        let both = rows(" AGP         1      344         2      384UNKNOWN pooltag 'AGP ', please update pooltag.txt");
        let plain = |blocks, bytes| TagCounts { allocs: None, frees: None, blocks, bytes };
        let found: Vec<_> = both.iter().map(|row| (row.tag.as_str(), row.pool, row.counts)).collect();
        assert_eq!(found, [("AGP ", Pool::NonPaged, plain(1, 344)), ("AGP ", Pool::Paged, plain(2, 384))]);
        assert_eq!(both[0].description, None);
        let one = rows(" 8042        4     3944         0        0PS/2 kb and mouse , Binary: i8042prt.sys");
        assert_eq!((one.len(), one[0].tag.as_str()), (1, "8042"));
        assert_eq!(one[0].description.as_deref(), Some("PS/2 kb and mouse , Binary: i8042prt.sys"));
        assert_eq!(
            rows(" 3Com        4     3944         0        03Com driver")[0].description.as_deref(),
            Some("3Com driver")
        );
        assert_eq!(rows("Io 1 344 0 0 I/O manager")[0].tag, "Io  ");
        assert!(rows(" None        0        0         0        0\tUNKNOWN").is_empty());
        let verbose =
            rows(" Hack  1,000  400  600  67,200  7  0  7  112\tUNKNOWN pooltag 'Hack', please update pooltag.txt");
        let whole =
            |allocs, frees, blocks, bytes| TagCounts { allocs: Some(allocs), frees: Some(frees), blocks, bytes };
        assert_eq!([verbose[0].counts, verbose[1].counts], [whole(1000, 400, 600, 67_200), whole(7, 0, 7, 112)]);
    }

    #[test]
    fn other_lines_are_classified() {
        for heading in [
            " Memory:  260620K Avail:   96364K  PageFlts:     0   InRam Krnl: 1916K P:17856K",
            " System pool information",
            " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc",
            "0: kd> !poolused 2",
            "lkd> !poolused /t20 2",
            "  Pool Used:",
            "            NonPaged            Paged",
            " Tag    Allocs     Used    Allocs     Used",
            " Sorting by  Tag",
        ] {
            assert!(matches!(parse_line(heading), ParsedLine::Heading(..)), "{heading}");
        }
        let sums = " Commit: 203500K Limit: 640916K Peak: 260632K            Pool N: 8332K P:27220K";
        assert_eq!(parse_line(sums), ParsedLine::Totals([8332 << 10, 27_220 << 10]));
        assert_eq!(parse_line("TOTAL    12      5000         3      900"), ParsedLine::Totals([5000, 900]));
        assert_eq!(parse_line("TOTAL  1 0 1 112  0 0 0 0"), ParsedLine::Totals([112, 0]));
        for nothing in [
            "",
            "   ",
            "....",
            "0: kd> !vm",
            "C:\\Tools>poolmon -b",
            "PS C:\\Tools> .\\poolmon.exe",
            "*** CacheSize too low - increasing to 81 MB",
        ] {
            assert_eq!(parse_line(nothing), ParsedLine::Nothing, "{nothing}");
        }
        for unknown in
            ["hello", "a b c d e", "Leakage Nonp 1 2 3 4", " Leak Nonp 1 2", " PS   -> 1 2", &"x ".repeat(501)]
        {
            assert_eq!(parse_line(unknown), ParsedLine::Unknown, "{unknown}");
        }
    }

    #[test]
    fn control_characters_are_removed() {
        assert_eq!(parse_line(" a\x1bbc Nonp 1 2 3 4"), ParsedLine::Unknown);
        let row = &rows(" Leak Nonp 1 (0) 0 (0) 1 64 (0) 64 \x1b[31mred\x07")[0];
        assert_eq!(row.description.as_deref(), Some("[31mred"));
    }

    #[test]
    fn separators_count_between_groups_of_three() {
        assert_eq!(leading_number("1234 x"), Some((1234, " x")));
        assert_eq!(leading_number("1,234,567)"), Some((1_234_567, ")")));
        assert_eq!(leading_number("1\u{a0}234 5"), Some((1234, " 5")));
        assert_eq!(leading_number("12.345"), Some((12_345, "")));
        assert_eq!(leading_number("1,23"), Some((1, ",23")));
        assert_eq!(leading_number("1,2345"), Some((1, ",2345")));
        assert_eq!(leading_number("1234,567"), Some((1234, ",567")));
        assert_eq!(leading_number("0UNKNOWN"), Some((0, "UNKNOWN")));
        assert_eq!(leading_number("x"), None);
        assert_eq!(leading_number("18446744073709551616"), None);
        assert_eq!(leading_signed("-12)"), Some((-12, ")")));
        assert_eq!(leading_signed("--12"), None);
        assert_eq!(leading_signed("9223372036854775808"), None);
    }
}
