//! Parses one line of output of poolmon or `!poolused`: its kind and its numbers. Lines are independent; `parse` assigns them to
//! snapshots.
//!
//! poolmon: `Tag Type Allocs (change) Frees (change) Diff Bytes (change) Per-Alloc [driver]`; its snapshot files have no changes.
//! `!poolused`: `Tag`, then for nonpaged and for paged pool `Allocs Used`, or with flag 1 `Allocs Frees Diff Used`, then a
//! description, which may follow the last number without a space.

use super::number::{groupings, leading_number, leading_signed};
use super::{ChangeSinceUpdate, MemoryStatus, Pool, SnapshotRow, SnapshotScope, SnapshotTool, TagCounts};

/// Kind and content of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParsedLine {
    /// Rows of a tag: one for poolmon; up to two for `!poolused`, none if both pools are empty.
    Rows(SnapshotTool, Vec<SnapshotRow>),
    /// Part of the heading of a snapshot, with the order of the rows if given.
    Heading(SnapshotTool, Option<SnapshotOrder>),
    /// The tool's totals of nonpaged and paged pool, in bytes, where printed.
    Totals([Option<u64>; 2]),
    /// First line of a screen of poolmon: physical memory.
    Memory(MemoryStatus),
    /// Second line of a screen of poolmon: commit charge and limit, and totals of both pools.
    Commit(MemoryStatus, [Option<u64>; 2]),
    /// Heading that names the scope of the rows after it.
    Scope(SnapshotScope),
    /// Heading of the columns of `!poolused`, or of their groups.
    PoolUsedColumns(PoolUsedColumns),
    /// Known and ignored: blank lines, prompts, the debugger's messages about its cache.
    Nothing,
    /// Not understood.
    Unknown,
}

/// What is known of the columns of `!poolused` from its headings.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PoolUsedColumns {
    /// The pools that have columns, in order; empty if the heading does not name them. Session pool is paged.
    pub pools: &'static [Pool],
    /// Columns of each pool: two (Allocs, Used) or four (Allocs, Frees, Diff, Used); 0 if the heading does not tell.
    pub per_pool: usize,
    /// Number of pools that the names of columns repeat for; 0 if the heading does not tell.
    pub repeats: usize,
    /// The columns are those of session pool.
    pub is_session: bool,
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
const TYPES: [(&str, Pool); 7] = [
    ("Nonp", Pool::NonPaged),
    ("NonPaged", Pool::NonPaged),
    ("Nonpaged", Pool::NonPaged),
    ("Non Paged", Pool::NonPaged),
    ("Non-Paged", Pool::NonPaged),
    ("Non-paged", Pool::NonPaged),
    ("Paged", Pool::Paged),
];
/// Beginnings of lines that a debugger prints before the table.
const REMARKS: [&str; 9] = [
    "unable to get PoolTrack",
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
    if ["total", "totals", "total:", "totals:"].iter().any(|total| first.eq_ignore_ascii_case(total)) {
        return totals(text.get(first.len()..).unwrap_or_default());
    }
    if REMARKS.iter().any(|remark| text.starts_with(remark))
        || text.contains("full reads broken into")
        || text.bytes().all(|b| b == b'.')
    {
        return ParsedLine::Nothing;
    }
    ParsedLine::Unknown
}

/// Totals below the rows of `!poolused`, or in a row of one pool.
fn totals(text: &str) -> ParsedLine {
    let rest = text.trim_start();
    let of_type = TYPES.iter().find_map(|(word, pool)| Some((pool, rest.strip_prefix(word)?)));
    if let Some((pool, (counts, ..))) = of_type.and_then(|(pool, rest)| Some((pool, poolmon_figures(rest)?))) {
        return ParsedLine::Totals(Pool::ALL.map(|of| (of == *pool).then_some(counts.bytes)));
    }
    match numbers(text).as_slice() {
        [_, nonpaged, _, paged] | [_, _, _, nonpaged, _, _, _, paged] => {
            ParsedLine::Totals([Some(*nonpaged), Some(*paged)])
        }
        _ => ParsedLine::Nothing,
    }
}

fn heading(text: &str, words: &[&str]) -> Option<ParsedLine> {
    let has = |word: &str| words.iter().any(|found| found.eq_ignore_ascii_case(word));
    if let Some(after) = text.strip_prefix("Memory:") {
        let (total, available) = (kib(after), text.split_once("Avail:").and_then(|(_, after)| kib(after)));
        return Some(ParsedLine::Memory(MemoryStatus { total, available, ..MemoryStatus::default() }));
    }
    if let Some(after) = text.strip_prefix("Commit:") {
        let (committed, commit_limit) = (kib(after), text.split_once("Limit:").and_then(|(_, after)| kib(after)));
        let memory = MemoryStatus { committed, commit_limit, ..MemoryStatus::default() };
        return Some(ParsedLine::Commit(memory, pool_sums(text).map_or([None; 2], |sums| sums.map(Some))));
    }
    if let Some(scope) = scope(text, words) {
        return Some(ParsedLine::Scope(scope));
    }
    let repeats = words.iter().filter(|word| **word == "Allocs").count();
    if words.first() == Some(&"Tag")
        && has("Used")
        && repeats > 0
        && words.len() == 1 + repeats * (if has("Frees") { 4 } else { 2 })
    {
        let per_pool = if has("Frees") { 4 } else { 2 };
        return Some(ParsedLine::PoolUsedColumns(PoolUsedColumns { per_pool, repeats, ..PoolUsedColumns::default() }));
    }
    // A driver may follow, in the output of poolmon -g.
    const POOLMON: [&str; 8] = ["Tag", "Type", "Allocs", "Frees", "Diff", "Bytes", "Per", "Alloc"];
    if words.starts_with(&POOLMON) || words == POOLMON.get(..6).unwrap_or_default() {
        return Some(ParsedLine::Heading(SnapshotTool::PoolMon, None));
    }
    if let Some(order) = text.strip_prefix("Sorting by") {
        return Some(ParsedLine::Heading(SnapshotTool::PoolUsed, order_of_words(order)));
    }
    let columns = |pools: &'static [Pool], is_session: bool| {
        ParsedLine::PoolUsedColumns(PoolUsedColumns { pools, is_session, ..PoolUsedColumns::default() })
    };
    match words {
        ["NonPaged", "Paged"] => Some(columns(&Pool::ALL, false)),
        ["NonPaged"] => Some(columns(&[Pool::NonPaged], false)),
        ["Paged"] => Some(columns(&[Pool::Paged], false)),
        ["Session"] => Some(columns(&[Pool::Paged], true)),
        _ => text.starts_with("Pool Used:").then_some(ParsedLine::Heading(SnapshotTool::PoolUsed, None)),
    }
}

/// Parses poolmon's line on the scope: `System pool information`, `All sessions pool information`, `Session 1 pool information`.
fn scope(text: &str, words: &[&str]) -> Option<SnapshotScope> {
    if !text.ends_with("pool information") && !text.ends_with("pool information:") {
        return None;
    }
    match words {
        ["System", "pool", _] => Some(SnapshotScope::System),
        ["All", sessions, "pool", _] if sessions.eq_ignore_ascii_case("sessions") => Some(SnapshotScope::AllSessions),
        [session, number, "pool", _] if session.eq_ignore_ascii_case("session") => {
            number.parse().ok().map(SnapshotScope::Session)
        }
        _ => None,
    }
}

/// Parses a number of KB that ends in `K`.
fn kib(text: &str) -> Option<u64> {
    let (value, rest) = leading_number(text.trim_start())?;
    rest.starts_with('K').then(|| value.saturating_mul(KIB))
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
    if text.starts_with("!poolused") {
        return true;
    }
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

/// Parses a row of poolmon.
fn poolmon_row(line: &str) -> Option<SnapshotRow> {
    // A tag may have the name of a pool, so the word is a pool only if numbers follow.
    for (at, _) in line.match_indices(char::is_whitespace) {
        let after = line.get(at..)?.trim_start();
        let types = TYPES.iter().filter_map(|(word, pool)| {
            let rest = after.strip_prefix(word).filter(|rest| rest.starts_with(char::is_whitespace))?;
            Some((rest, *pool))
        });
        for (rest, pool) in types {
            let figures = || {
                let plain = poolmon_figures(rest);
                plain
                    .filter(|(counts, ..)| counts.is_consistent())
                    .or_else(|| spaced_figures(rest))
                    .or_else(|| poolmon_figures(rest))
            };
            if let (Some(tag), Some((counts, change, description))) = (tag_before(line.get(..at)?), figures()) {
                return Some(SnapshotRow {
                    tag,
                    pool,
                    counts: counts.settled(),
                    change,
                    description,
                    is_rounded: false,
                });
            }
        }
    }
    None
}

/// Parses figures whose groups of digits are separated by spaces: of all ways to join the groups, the one in which the difference of
/// allocations and frees is the number of blocks.
fn spaced_figures(text: &str) -> Option<(TagCounts, Option<ChangeSinceUpdate>, Option<String>)> {
    let (mut words, mut changes) = (Vec::new(), Vec::new());
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(inside) = rest.strip_prefix('(') {
            let (change, after) = inside.split_once(')')?;
            let joined: String = change.split_whitespace().collect();
            changes.push(leading_signed(&joined)?.0);
            rest = after.trim_start();
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if !word.bytes().all(|byte| byte.is_ascii_digit()) {
                break;
            }
            words.push(word);
            rest = after.trim_start();
        } else {
            break;
        }
    }
    let fits = |row: &Vec<u64>| match row.as_slice() {
        [allocs, frees, blocks, bytes, per @ ..] => {
            let counts = TagCounts { allocs: Some(*allocs), frees: Some(*frees), blocks: *blocks, bytes: *bytes };
            let is_quotient = per.iter().all(|per| bytes.checked_div(*blocks).unwrap_or(0) == *per);
            (counts.is_consistent() && is_quotient).then_some(counts)
        }
        _ => None,
    };
    let counts = [5, 4].into_iter().find_map(|count| groupings(&words, count).iter().find_map(fits))?;
    let change = match changes.as_slice() {
        // The line was wrapped by another program.
        [_] | [_, _] => return None,
        [allocs, frees, bytes] => Some(ChangeSinceUpdate { allocs: *allocs, frees: *frees, bytes: *bytes }),
        _ => None,
    };
    Some((counts, change, description(rest.trim_start_matches('[').trim_end_matches(']'))))
}

fn poolmon_figures(text: &str) -> Option<(TagCounts, Option<ChangeSinceUpdate>, Option<String>)> {
    let mut rest = text;
    let (allocs, allocs_change) = (count(&mut rest)?, change(&mut rest));
    let (frees, frees_change) = (count(&mut rest)?, change(&mut rest));
    let blocks = difference(&mut rest)?;
    let (bytes, bytes_change) = (count(&mut rest)?, change(&mut rest));
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

/// A difference as a tool prints it: of wrapped counters, it may be negative or close to 2^64.
fn difference(rest: &mut &str) -> Option<u64> {
    let text = rest.trim_start();
    if text.starts_with('-') {
        let (value, after) = leading_signed(text)?;
        *rest = after;
        return Some(value.cast_unsigned());
    }
    figure(rest)
}

/// A quotient, which nothing follows from.
fn signed_figure(rest: &mut &str) -> Option<u64> {
    let text = rest.trim_start();
    if text.starts_with('-') {
        let (_, after) = leading_signed(text)?;
        *rest = after;
        return Some(0);
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

/// A tag padded to four characters; `None` if the text cannot be one.
pub(super) fn tag(text: &str) -> Option<String> {
    let length = text.chars().count();
    let plain = text.chars().all(|c| !c.is_control());
    let is_tag = (1..=TAG_LENGTH).contains(&length) && plain && !text.trim().is_empty();
    is_tag.then(|| format!("{text}{}", " ".repeat(TAG_LENGTH - length)))
}

/// Parses a row of `!poolused`; without rows if all of its pools are empty.
pub fn poolused_rows(line: &str, columns: PoolUsedColumns) -> Option<Vec<SnapshotRow>> {
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
        let (figures, description) = poolused_figures(rest, columns)?;
        let rows = figures.into_iter().filter(|(_, figures)| *figures != empty(figures));
        let row = |(pool, counts): (Pool, TagCounts)| SnapshotRow {
            tag: tag.clone(),
            pool,
            counts: counts.settled(),
            change: None,
            description: description.clone(),
            is_rounded: false,
        };
        Some(rows.map(row).collect())
    })
}

/// The same counters, all zero.
fn empty(figures: &TagCounts) -> TagCounts {
    TagCounts { allocs: figures.allocs.map(|_| 0), frees: figures.frees.map(|_| 0), blocks: 0, bytes: 0 }
}

fn poolused_figures(text: &str, columns: PoolUsedColumns) -> Option<(Vec<(Pool, TagCounts)>, Option<String>)> {
    let repeats = if columns.repeats > 0 { columns.repeats } else { columns.pools.len() };
    let wanted = columns.per_pool * repeats;
    let most = if wanted > 0 { wanted } else { 8 };
    let mut values = Vec::with_capacity(8);
    let mut rest = text;
    while values.len() < most && rest.starts_with(char::is_whitespace) {
        let start = rest.trim_start();
        let Some((value, after)) = leading_number(start) else { break };
        // The last number may be followed by text without a space.
        let (value, after) = match start.strip_prefix('0') {
            Some(behind) if after.starts_with(|c: char| !c.is_whitespace()) => (0, behind),
            _ => (value, after),
        };
        values.push(value);
        rest = after;
        if wanted == 0 && values.len() == 4 && !next_four_are_numbers(rest) {
            break;
        }
    }
    let per_pool = match (wanted, values.len()) {
        (0, 4) => 2,
        (0, 8) => 4,
        (wanted, found) if wanted > 0 && wanted == found => columns.per_pool,
        _ => return None,
    };
    let pools: &[Pool] = match (columns.pools, values.len() / per_pool) {
        (pools, count) if pools.len() == count => pools,
        (_, 1) => &[Pool::NonPaged],
        (_, 2) => &Pool::ALL,
        _ => return None,
    };
    let counts = |values: &[u64]| match values {
        [blocks, bytes] => Some(TagCounts { allocs: None, frees: None, blocks: *blocks, bytes: *bytes }),
        [allocs, frees, blocks, bytes] => {
            Some(TagCounts { allocs: Some(*allocs), frees: Some(*frees), blocks: *blocks, bytes: *bytes })
        }
        _ => None,
    };
    let figures =
        pools.iter().zip(values.chunks_exact(per_pool)).filter_map(|(pool, values)| Some((*pool, counts(values)?)));
    Some((figures.collect(), description(rest)))
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
pub(super) fn description(text: &str) -> Option<String> {
    // Control characters in pasted text must not reach a terminal.
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    let unknown = text.is_empty() || text.starts_with("UNKNOWN pooltag") || text.eq_ignore_ascii_case("Unknown Driver");
    (!unknown).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(line: &str) -> Vec<SnapshotRow> {
        match parse_line(line) {
            ParsedLine::Rows(_, rows) => rows,
            ParsedLine::Unknown => poolused_rows(line, PoolUsedColumns::default()).expect("a row of !poolused"),
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
            " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc",
            " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc   Mapped_Driver",
            "0: kd> !poolused 2",
            "lkd> !poolused /t20 2",
            "  Pool Used:",
            " Sorting by  Tag",
        ] {
            assert!(matches!(parse_line(heading), ParsedLine::Heading(..)), "{heading}");
        }
        let memory = parse_line(" Memory:  260620K Avail:   96364K  PageFlts:     0   InRam Krnl: 1916K P:17856K");
        let wanted =
            MemoryStatus { total: Some(260_620 << 10), available: Some(96_364 << 10), ..MemoryStatus::default() };
        assert_eq!(memory, ParsedLine::Memory(wanted));
        for (line, scope) in [
            (" System pool information", SnapshotScope::System),
            (" All sessions pool information", SnapshotScope::AllSessions),
            (" Session 12 pool information", SnapshotScope::Session(12)),
        ] {
            assert_eq!(parse_line(line), ParsedLine::Scope(scope), "{line}");
        }
        let columns = |line| match parse_line(line) {
            ParsedLine::PoolUsedColumns(columns) => {
                (columns.pools.len(), columns.per_pool, columns.repeats, columns.is_session)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(columns("            NonPaged            Paged"), (2, 0, 0, false));
        assert_eq!(columns("               Session"), (1, 0, 0, true));
        assert_eq!(columns(" Tag    Allocs     Used    Allocs     Used"), (0, 2, 2, false));
        assert_eq!(columns(" Tag Allocs Frees Diff Used Allocs Frees Diff Used"), (0, 4, 2, false));
        assert_eq!(columns(" Tag     Allocs         Used"), (0, 2, 1, false));
        let sums = " Commit: 203500K Limit: 640916K Peak: 260632K            Pool N: 8332K P:27220K";
        assert_eq!(
            parse_line(sums),
            ParsedLine::Commit(
                MemoryStatus {
                    committed: Some(203_500 << 10),
                    commit_limit: Some(640_916 << 10),
                    ..MemoryStatus::default()
                },
                [Some(8332 << 10), Some(27_220 << 10)]
            )
        );
        assert_eq!(parse_line("TOTAL    12      5000         3      900"), ParsedLine::Totals([Some(5000), Some(900)]));
        assert_eq!(parse_line("TOTAL  1 0 1 112  0 0 0 0"), ParsedLine::Totals([Some(112), Some(0)]));
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
}
