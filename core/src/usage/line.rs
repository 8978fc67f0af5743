//! One line of a listing: what kind of line it is, and the figures in it. A line is looked at by itself; which listing it belongs to is
//! not known here.
//!
//! poolmon: `Tag Type Allocs (change) Frees (change) Diff Bytes (change) Per-Alloc [driver]`; its snapshot files have no changes.
//! `!poolused`: `Tag`, then for nonpaged and for paged pool `Allocs Used`, or with flag 1 `Allocs Frees Diff Used`, then a description
//! that may follow the last number without a blank.

use super::number::{leading, leading_signed};
use super::{Change, Figures, Pool, Row, Tool};

/// What a line is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Line {
    /// Rows of a tag: one from poolmon; up to two from `!poolused`, none if both pools hold nothing.
    Rows(Tool, Vec<Row>),
    /// The head of a listing, or a part of it.
    Heading(Option<Tool>),
    /// The tool's own sums, nonpaged and paged, in bytes.
    Totals([u64; 2]),
    /// Known and without meaning here: blank, a prompt, the debugger's remarks about its cache.
    Nothing,
    /// Anything else.
    Unknown,
}

/// Characters of a tag.
const TAG_LENGTH: usize = 4;
const KIB: u64 = 1024;
/// No tool prints longer lines; what looks for a tag in one goes over it several times.
const LINE_BYTES_MAX: usize = 1000;
/// What poolmon calls the pools.
const TYPES: [(&str, Pool); 4] =
    [("Nonp", Pool::NonPaged), ("NonPaged", Pool::NonPaged), ("Nonpaged", Pool::NonPaged), ("Paged", Pool::Paged)];
/// Lines that a debugger prints before the table.
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

/// Reads a line, without its end.
#[must_use]
pub fn read(line: &str) -> Line {
    if line.len() > LINE_BYTES_MAX {
        return Line::Unknown;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let (Some(first), text) = (words.first(), line.trim()) else { return Line::Nothing };
    if is_prompt(text) {
        let command = text.contains("!poolused");
        return if command { Line::Heading(Some(Tool::PoolUsed)) } else { Line::Nothing };
    }
    if let Some(line) = heading(text, &words) {
        return line;
    }
    if let Some(row) = poolmon_row(line) {
        return Line::Rows(Tool::PoolMon, vec![row]);
    }
    if first.eq_ignore_ascii_case("total") {
        return match numbers(text.get(first.len()..).unwrap_or_default()).as_slice() {
            [_, nonpaged, _, paged] | [_, _, _, nonpaged, _, _, _, paged] => Line::Totals([*nonpaged, *paged]),
            _ => Line::Nothing,
        };
    }
    if REMARKS.iter().any(|remark| text.starts_with(remark))
        || text.contains("full reads broken into")
        || text.bytes().all(|b| b == b'.')
    {
        return Line::Nothing;
    }
    poolused_rows(line).map_or(Line::Unknown, |rows| Line::Rows(Tool::PoolUsed, rows))
}

fn heading(text: &str, words: &[&str]) -> Option<Line> {
    let has = |word: &str| words.iter().any(|found| found.eq_ignore_ascii_case(word));
    if text.starts_with("Memory:") || text.starts_with("System pool information") {
        return Some(Line::Heading(Some(Tool::PoolMon)));
    }
    if text.starts_with("Commit:") {
        return Some(pool_sums(text).map_or(Line::Nothing, Line::Totals));
    }
    if has("Tag") && has("Allocs") {
        let tool = if has("Used") { Tool::PoolUsed } else { Tool::PoolMon };
        return (has("Used") || has("Bytes")).then_some(Line::Heading(Some(tool)));
    }
    let is_poolused =
        text.starts_with("Pool Used:") || text.starts_with("Sorting by") || words == ["NonPaged", "Paged"];
    is_poolused.then_some(Line::Heading(Some(Tool::PoolUsed)))
}

/// `Pool N: 8332K P:27220K` at the end of poolmon's second line.
fn pool_sums(text: &str) -> Option<[u64; 2]> {
    let (_, after) = text.split_once("Pool N:")?;
    let (nonpaged, rest) = leading(after.trim_start())?;
    let (_, after) = rest.split_once("P:")?;
    let (paged, rest) = leading(after.trim_start())?;
    rest.starts_with('K').then(|| [nonpaged.saturating_mul(KIB), paged.saturating_mul(KIB)])
}

/// `0: kd> …`, `lkd> …`, `C:\Tools>…`, and `!poolused` at the start of a line.
fn is_prompt(text: &str) -> bool {
    let Some((before, _)) = text.split_once('>') else { return text.starts_with("!poolused") };
    let debugger = before.ends_with("kd") && before.len() <= 16;
    let console =
        [Some(before), before.strip_prefix("PS ")].into_iter().flatten().any(|path| path.get(1..3) == Some(":\\"));
    debugger || console
}

/// Every number of a text that holds nothing else.
fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace()
        .map_while(|word| leading(word).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value))
        .collect()
}

fn poolmon_row(line: &str) -> Option<Row> {
    // A tag may be called like a pool, so the word counts only where figures follow.
    for (at, _) in line.match_indices(char::is_whitespace) {
        let after = line.get(at..)?.trim_start();
        let known = TYPES
            .iter()
            .find(|(word, _)| after.strip_prefix(word).is_some_and(|rest| rest.starts_with(char::is_whitespace)));
        let Some((word, pool)) = known else { continue };
        if let (Some(tag), Some(row)) = (tag_before(line.get(..at)?), poolmon_figures(after.get(word.len()..)?)) {
            let (figures, change, description) = row;
            return Some(Row { tag, pool: *pool, figures, change, description });
        }
    }
    None
}

fn poolmon_figures(text: &str) -> Option<(Figures, Option<Change>, Option<String>)> {
    let mut rest = text;
    let (allocs, allocs_change) = (figure(&mut rest)?, change(&mut rest));
    let (frees, frees_change) = (figure(&mut rest)?, change(&mut rest));
    let blocks = signed_figure(&mut rest)?;
    let (bytes, bytes_change) = (signed_figure(&mut rest)?, change(&mut rest));
    // Per Alloc is bytes by blocks.
    let _per_alloc = signed_figure(&mut rest);
    let changes = (allocs_change, frees_change, bytes_change);
    let change = match changes {
        (Some(allocs), Some(frees), Some(bytes)) => Some(Change { allocs, frees, bytes }),
        _ => None,
    };
    let figures = Figures { allocs: Some(allocs), frees: Some(frees), blocks, bytes };
    Some((figures, change, description(rest.trim().trim_start_matches('[').trim_end_matches(']'))))
}

fn figure(rest: &mut &str) -> Option<u64> {
    let (value, after) = leading(rest.trim_start())?;
    *rest = after;
    Some(value)
}

/// A figure that a 32-bit counter may have turned negative; then it is nothing.
fn signed_figure(rest: &mut &str) -> Option<u64> {
    let text = rest.trim_start();
    if text.starts_with('-') {
        let (value, after) = leading_signed(text)?;
        *rest = after;
        return Some(u64::try_from(value).unwrap_or(0));
    }
    figure(rest)
}

/// `(  12)`
fn change(rest: &mut &str) -> Option<i64> {
    let inside = rest.trim_start().strip_prefix('(')?;
    let (value, after) = leading_signed(inside.trim_start())?;
    *rest = after.trim_start().strip_prefix(')')?;
    Some(value)
}

/// The tag in what stands before the pool: at most four characters after the one blank that every line begins with.
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

fn poolused_rows(line: &str) -> Option<Vec<Row>> {
    // The tag has a column of four; where blanks were lost on the way it is the first word.
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
        let row =
            |(pool, figures)| Row { tag: tag.clone(), pool, figures, change: None, description: description.clone() };
        Some(rows.map(row).collect())
    })
}

/// The same with nothing counted.
fn empty(figures: &Figures) -> Figures {
    Figures { allocs: figures.allocs.map(|_| 0), frees: figures.frees.map(|_| 0), blocks: 0, bytes: 0 }
}

fn poolused_figures(text: &str) -> Option<([Figures; 2], Option<String>)> {
    let mut values = Vec::with_capacity(8);
    let mut rest = text;
    while values.len() < 8 && rest.starts_with(char::is_whitespace) {
        let start = rest.trim_start();
        let Some((value, after)) = leading(start) else { break };
        // A number that has text right behind it is the last one.
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
    let plain = |blocks: u64, bytes: u64| Figures { allocs: None, frees: None, blocks, bytes };
    let whole = |allocs: u64, frees: u64, blocks: u64, bytes: u64| Figures {
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

/// A description may begin with a number, so four more have to follow before a line counts as one of flag 1.
fn next_four_are_numbers(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().take(4).collect();
    text.starts_with(char::is_whitespace)
        && words.len() == 4
        && words.iter().take(3).all(|word| leading(word).is_some_and(|(_, rest)| rest.is_empty()))
        && words.last().is_some_and(|word| leading(word).is_some())
}

/// What a tool knows about a tag; nothing where it says that it knows nothing.
fn description(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let unknown = text.is_empty() || text.starts_with("UNKNOWN pooltag") || text.eq_ignore_ascii_case("Unknown Driver");
    (!unknown).then_some(text)
}
