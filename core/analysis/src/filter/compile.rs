//! A query compiled for one trace and one visible range. Conditions on texts become bits per attribute set and per stack, so that
//! a row costs a look-up. Rows are tested in blocks, each predicate on a whole block, by all workers.

use super::query::{Condition, Expression, Field, FieldKind, Pattern, Query, Test};
use super::rowset::RowSet;
use crate::group::column::{KeyColumn, KeyLabels, KeySource, size_class};
use crate::group::column_values::{ColumnValues, unknown_process};
use crate::group::generation::Generations;
use crate::group::group_by::OUTSIDE;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled};
use crate::trace::Trace;
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::attributes::EventAttributes;
use crate::trace::time::{Clock, Ticks, TimeRange};
use rayon::prelude::*;
use regex::{Regex, RegexBuilder};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

/// A query for one trace and one visible range.
#[derive(Debug)]
pub struct CompiledQuery {
    root: Predicate,
    visible_range: TimeRange,
}

/// A test on rows. Bounds are inclusive.
#[derive(Debug)]
enum Predicate {
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
    /// By lifetime class; the last is for rows that do not belong to the visible range.
    LifetimeClass([bool; 5]),
    Attributes(Vec<bool>),
    AllocStack(Vec<bool>),
    FreeStack(Vec<bool>),
    SizeClass(Vec<bool>),
    /// By value number: the number of each row, and a bit for each number.
    Rows(Arc<Vec<u32>>, Vec<bool>),
    Size(i128, i128),
    Address(i128, i128),
    /// In ticks; unknown times are not in any bounds.
    AllocTime(i64, i64),
    FreeTime(i64, i64),
    /// In ticks; the flag includes allocations that were not freed, as if they lived forever.
    Lifetime(i64, i64, bool),
    AllocTimeMissing,
    FreeTimeMissing,
    LifetimeMissing,
}

impl CompiledQuery {
    /// Compiles a query. `type` and `impacting_type` refer to the visible range; the other columns do not depend on it.
    ///
    /// The lifetime of an allocation that was not freed is longer than any bound: `lifetime:>x` includes it, `lifetime:<x` does
    /// not. The lifetime of an allocation from before the trace is not known, and no comparison includes it. `lifetime:none`
    /// includes both.
    #[must_use]
    pub fn new(query: &Query, values: &ColumnValues, visible_range: TimeRange) -> Self {
        Self { root: compile(&query.expression, values), visible_range }
    }
}

fn compile(expression: &Expression, values: &ColumnValues) -> Predicate {
    let all = |parts: &[Expression]| parts.iter().map(|part| compile(part, values)).collect();
    match expression {
        Expression::And(parts) => Predicate::All(all(parts)),
        Expression::Or(parts) => Predicate::Any(all(parts)),
        Expression::Not(inner) => Predicate::Not(Box::new(compile(inner, values))),
        Expression::Test(test) => compile_test(test, values),
    }
}

/// Compiles a test on one column. Columns with a value per row are read from the allocation table, all others from their values.
fn compile_test(test: &Test, values: &ColumnValues) -> Predicate {
    let Field::Key(key) = test.field else {
        return match test.condition {
            Condition::Between(low, high, _) => Predicate::Size(low.unwrap_or(i128::MIN), high.unwrap_or(i128::MAX)),
            _ => Predicate::Any(Vec::new()),
        };
    };
    let clock = &values.trace().clock;
    match (&test.condition, key) {
        (Condition::Between(low, high, _), Key::Address) => {
            Predicate::Address(low.unwrap_or(i128::MIN), high.unwrap_or(i128::MAX))
        }
        (Condition::Between(low, high, _), Key::AllocTime) => {
            let (first, last) = tick_bounds(*low, *high, clock);
            Predicate::AllocTime(first, last)
        }
        (Condition::Between(low, high, _), Key::FreeTime) => {
            let (first, last) = tick_bounds(*low, *high, clock);
            Predicate::FreeTime(first, last)
        }
        (Condition::Between(low, high, _), Key::Lifetime) => {
            let (first, last) = tick_bounds(*low, *high, clock);
            Predicate::Lifetime(first, last, high.is_none())
        }
        (Condition::Between(low, high, _), Key::Generation) => by_generation(*low, *high, values.generations()),
        (Condition::Missing, Key::Generation | Key::AllocTime) => Predicate::AllocTimeMissing,
        (Condition::Missing, Key::FreeTime) => Predicate::FreeTimeMissing,
        (Condition::Missing, Key::Lifetime) => Predicate::LifetimeMissing,
        (Condition::Between(low, high, _), _) => by_number(&values.column(key), *low, *high),
        (Condition::Missing, _) => by_missing_number(&values.column(key)),
        (Condition::Is(_) | Condition::Exactly(_) | Condition::Regex(_), _) => by_text(test, key, values),
    }
}

/// The first and the last tick within bounds in nanoseconds.
fn tick_bounds(low: Option<i128>, high: Option<i128>, clock: &Clock) -> (i64, i64) {
    let per_second = i128::from(clock.ticks_per_second.max(1));
    let limit = i128::from(i64::MAX - 1);
    let clamp = |ticks: i128| ticks.clamp(-limit, limit) as i64;
    // Literals are below 10^18 units, so that this product fits into 128 bits for all real clocks; it saturates for others.
    let scaled = |ns: i128| ns.saturating_mul(per_second);
    let first = low.map_or(-limit, |ns| {
        scaled(ns).div_euclid(1_000_000_000) + i128::from(scaled(ns).rem_euclid(1_000_000_000) != 0)
    });
    let last = high.map_or(limit, |ns| scaled(ns).div_euclid(1_000_000_000));
    (clamp(first), clamp(last))
}

/// Test on the number of the generation, by allocation time. Number 0 is the generation of allocations with unknown time.
fn by_generation(low: Option<i128>, high: Option<i128>, generations: &Generations) -> Predicate {
    let last = i128::from(generations.count()) - 1;
    let (low, high) = (low.unwrap_or(0).max(0), high.unwrap_or(last).min(last));
    let bounds = |number: i128| generations.bounds(number as u32);
    let mut parts = Vec::new();
    if low == 0 && high >= 0 {
        parts.push(Predicate::AllocTimeMissing);
    }
    if low <= high
        && let (Some((first, _)), Some((_, last))) = (bounds(low.max(1)), bounds(high))
    {
        parts.push(Predicate::AllocTime(first.0, last.0));
    }
    Predicate::Any(parts)
}

/// Test on a column of numbers; bounds of times are in nanoseconds.
fn by_number(column: &KeyColumn, low: Option<i128>, high: Option<i128>) -> Predicate {
    let is_between = |number: i128| low.is_none_or(|low| low <= number) && high.is_none_or(|high| number <= high);
    by_value(column, |id| match &column.labels {
        KeyLabels::Numbers(numbers) => {
            numbers.get(id).copied().flatten().is_some_and(|number| is_between(number.into()))
        }
        KeyLabels::Addresses(addresses) => addresses.get(id).is_some_and(|address| is_between((*address).into())),
        KeyLabels::Times(times, clock) | KeyLabels::Spans(times, clock) => {
            let (first, last) = tick_bounds(low, high, clock);
            times.get(id).is_some_and(|time| within(*time, first, last))
        }
        KeyLabels::Words(_) | KeyLabels::Texts(_) | KeyLabels::SizeClasses | KeyLabels::Stacks(_) => false,
    })
}

/// Test for rows without a number.
fn by_missing_number(column: &KeyColumn) -> Predicate {
    by_value(column, |id| match &column.labels {
        KeyLabels::Numbers(numbers) => numbers.get(id).copied().flatten().is_none(),
        KeyLabels::Times(times, _) | KeyLabels::Spans(times, _) => times.get(id).is_none_or(|time| !time.is_known()),
        KeyLabels::Addresses(_)
        | KeyLabels::Words(_)
        | KeyLabels::Texts(_)
        | KeyLabels::SizeClasses
        | KeyLabels::Stacks(_) => false,
    })
}

fn by_text(test: &Test, key: Key, values: &ColumnValues) -> Predicate {
    let whole = test.field.kind() == FieldKind::Text;
    let Some(matcher) = TextMatcher::new(&test.condition, whole, test.field.is_case_sensitive()) else {
        return Predicate::Any(Vec::new());
    };
    match key {
        Key::Process => by_process(&matcher, values.trace()),
        Key::Stack | Key::FreeStack => by_frames(test, key, &matcher, values),
        _ => {
            let column = values.column(key);
            let trimmed = (key == Key::Tag).then(|| trimmed_matcher(&test.condition)).flatten();
            let found = |m: &TextMatcher, text: &str| m.matches(text.trim_end_matches(' '));
            by_value(&column, |id| {
                let text = column.text(id as u32);
                matcher.matches(&text) || trimmed.as_ref().is_some_and(|m| found(m, &text))
            })
        }
    }
}

/// Matcher of a tag whose trailing spaces, or some of them, were not written.
fn trimmed_matcher(condition: &Condition) -> Option<TextMatcher> {
    let (Condition::Is(pattern) | Condition::Exactly(pattern)) = condition else {
        return None;
    };
    let pattern = Pattern { text: pattern.text.trim_end_matches(' ').to_owned(), wildcards: pattern.wildcards };
    TextMatcher::new(&Condition::Exactly(pattern), true, true)
}

/// Test on the process, by its name, its number, or its label with both.
fn by_process(matcher: &TextMatcher, trace: &Trace) -> Predicate {
    let rows = trace.processes.rows().iter();
    let found: Vec<bool> = rows
        .map(|p| matcher.matches(&p.name) || matcher.matches(&p.pid.to_string()) || matcher.matches(&p.label()))
        .collect();
    let unknown = |process| matcher.matches(unknown_process(process));
    let matches = |a: &EventAttributes| found.get(a.process.index()).copied().unwrap_or_else(|| unknown(a.process));
    Predicate::Attributes(trace.attributes.rows().iter().map(matches).collect())
}

/// Test on the frames of a stack, of which one has to match; the empty text matches rows without a stack.
fn by_frames(test: &Test, key: Key, matcher: &TextMatcher, values: &ColumnValues) -> Predicate {
    let stacks = values.stacks();
    let empty = match &test.condition {
        Condition::Exactly(pattern) => pattern.text.is_empty(),
        _ => false,
    };
    let texts: Vec<bool> = stacks.texts().iter().map(|t| matcher.matches(t)).collect();
    let mut nodes = vec![empty; stacks.len()];
    for node in 1..stacks.len() as u32 {
        let own = stacks.text_id(node).and_then(|t| texts.get(t as usize).copied());
        let outer = stacks.parent(node);
        let above = outer != 0 && nodes[outer as usize];
        nodes[node as usize] = !empty && (own.unwrap_or(false) || above);
    }
    let bits = stacks.of_stacks().iter().map(|node| nodes[*node as usize]).collect();
    if key == Key::Stack { Predicate::AllocStack(bits) } else { Predicate::FreeStack(bits) }
}

/// Test on the values of a column, each of which is tested once.
fn by_value(column: &KeyColumn, matches: impl Fn(usize) -> bool) -> Predicate {
    let values: Vec<bool> = (0..column.count() as usize).map(matches).collect();
    let bits = |ids: &[u32]| ids.iter().map(|id| values.get(*id as usize).copied().unwrap_or(false)).collect();
    match &column.source {
        KeySource::LifetimeClass(ids) => Predicate::LifetimeClass(ids.map(|id| {
            let is_in_range = !column.text(id).is_empty();
            is_in_range && values.get(id as usize).copied().unwrap_or(false)
        })),
        KeySource::Attributes(ids) => Predicate::Attributes(bits(ids)),
        KeySource::AllocStack(ids) => Predicate::AllocStack(bits(ids)),
        KeySource::FreeStack(ids) => Predicate::FreeStack(bits(ids)),
        KeySource::SizeClass => Predicate::SizeClass(values),
        KeySource::Rows(ids) => Predicate::Rows(Arc::clone(ids), values),
    }
}

/// Returns `true` if a time is known and within bounds.
#[inline]
fn within(time: Ticks, first: i64, last: i64) -> bool {
    time.is_known() & (first <= time.0) & (time.0 <= last)
}

/// Rows in a block; a multiple of 64.
const BLOCK_ROWS: usize = 1 << 14;

impl CompiledQuery {
    /// The rows that match the query.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn rows(&self, trace: &Trace, cancel: Cancel<'_>) -> Result<RowSet, Cancelled> {
        let table = &trace.allocations;
        let blocks = (0..table.len().div_ceil(BLOCK_ROWS)).into_par_iter();
        let words: Result<Vec<Vec<u64>>, Cancelled> = blocks
            .map(|block| {
                if cancel() {
                    return Err(Cancelled);
                }
                let from = block * BLOCK_ROWS;
                let range = from..table.len().min(from + BLOCK_ROWS);
                let every = vec![u64::MAX; range.len().div_ceil(64)];
                Ok(evaluate(&self.root, table, self.visible_range, range, &every))
            })
            .collect();
        Ok(RowSet::from_words(words?.concat(), table.len()))
    }
}

/// The matching rows of a range, one bit each. Only the bits of `wanted` rows are of interest: words without any are not evaluated.
fn evaluate(
    predicate: &Predicate,
    table: &AllocationTable,
    visible_range: TimeRange,
    rows: Range<usize>,
    wanted: &[u64],
) -> Vec<u64> {
    let inner = |part: &Predicate, wanted: &[u64]| evaluate(part, table, visible_range, rows.clone(), wanted);
    let all_rows = rows.clone();
    let bit = |list: &[bool], at: usize| list.get(at).copied().unwrap_or(false);
    match predicate {
        Predicate::All(parts) => parts.iter().fold(wanted.to_vec(), |mut all, part| {
            let more = inner(part, &all);
            all.iter_mut().zip(more).for_each(|(a, b)| *a &= b);
            all
        }),
        Predicate::Any(parts) => parts.iter().fold(vec![0; wanted.len()], |mut any, part| {
            let left: Vec<u64> = wanted.iter().zip(&any).map(|(wanted, any)| wanted & !any).collect();
            any.iter_mut().zip(inner(part, &left)).for_each(|(a, b)| *a |= b);
            any
        }),
        Predicate::Not(part) => {
            let mut words = inner(part, wanted);
            words.iter_mut().for_each(|w| *w = !*w);
            words
        }
        Predicate::LifetimeClass(list) => {
            let TimeRange { from, to } = visible_range;
            // By class, and beyond for rows outside of the range.
            let values: [bool; 8] = std::array::from_fn(|at| list[at.min(OUTSIDE)]);
            fill(all_rows, wanted, |r| {
                let (alloc, free) = (table.alloc_time.at(r), table.free_time[r]);
                let is_outside = (alloc > to) | (free < from);
                values[usize::from(is_outside) << 2 | usize::from(alloc < from) << 1 | usize::from(free > to)]
            })
        }
        Predicate::Attributes(list) => fill(all_rows, wanted, |r| bit(list, table.alloc_attributes[r].index())),
        Predicate::AllocStack(list) => fill(all_rows, wanted, |r| bit(list, table.alloc_stack[r].index())),
        Predicate::FreeStack(list) => fill(all_rows, wanted, |r| bit(list, table.free_stack[r].index())),
        Predicate::SizeClass(list) => fill(all_rows, wanted, |r| bit(list, size_class(table.size.at(r)) as usize)),
        Predicate::Rows(ids, list) => fill(all_rows, wanted, |r| ids.get(r).is_some_and(|id| bit(list, *id as usize))),
        Predicate::Size(low, high) => {
            let (low, high) = unsigned_bounds(*low, *high);
            fill(all_rows, wanted, |r| (low <= table.size.at(r)) & (table.size.at(r) <= high))
        }
        Predicate::Address(low, high) => {
            let (low, high) = unsigned_bounds(*low, *high);
            let is_within = |address: u64| (low <= address) & (address <= high);
            fill(all_rows, wanted, |r| table.address.get(r).is_some_and(is_within))
        }
        Predicate::AllocTime(first, last) => fill(all_rows, wanted, |r| within(table.alloc_time.at(r), *first, *last)),
        Predicate::FreeTime(first, last) => fill(all_rows, wanted, |r| within(table.free_time[r], *first, *last)),
        Predicate::Lifetime(shortest, longest, with_not_freed) => {
            let is_within = |word: Range<usize>| lifetimes_within(table, word, *shortest..=*longest, *with_not_freed);
            fill_words(all_rows, wanted, is_within)
        }
        Predicate::AllocTimeMissing => fill(all_rows, wanted, |r| !table.alloc_time.at(r).is_known()),
        Predicate::FreeTimeMissing => fill(all_rows, wanted, |r| !table.free_time[r].is_known()),
        Predicate::LifetimeMissing => fill(all_rows, wanted, |r| !table.lifetime(r).is_known()),
    }
}

/// The rows of at most one word whose lifetime is known and within bounds, or that were not freed if `with_not_freed` is set.
/// Without branches, which would be unpredictable.
fn lifetimes_within(
    table: &AllocationTable,
    rows: Range<usize>,
    bounds: RangeInclusive<i64>,
    with_not_freed: bool,
) -> u64 {
    let (shortest, longest) = bounds.into_inner();
    let test = |alloc: Ticks, free: Ticks, flags: u8| {
        let is_freed = free != Ticks::NEVER;
        let ticks = Ticks(free.0.saturating_sub(alloc.0));
        let is_known = alloc.is_known() & ticks.is_known() & (flags & (flag::IMPLIED | flag::NO_TIMES) == 0);
        let is_within = (shortest <= ticks.0) & (ticks.0 <= longest);
        u64::from((is_freed & is_known & is_within) | (with_not_freed & !is_freed))
    };
    let (Some(free), Some(flags)) = (table.free_time.get(rows.clone()), table.flags.get(rows.clone())) else {
        return 0;
    };
    let ends = free.iter().zip(flags).enumerate();
    match table.alloc_time.offsets_within(rows.clone()) {
        Some((base, offsets)) => ends.zip(offsets).fold(0, |bits, ((at, (free, flags)), offset)| {
            bits | test(Ticks(base.0.wrapping_add(i64::from(*offset))), *free, *flags) << at
        }),
        None => ends.fold(0, |bits, (at, (free, flags))| {
            bits | test(table.alloc_time.at(rows.start + at), *free, *flags) << at
        }),
    }
}

/// Bounds of numbers that are not negative; the first is greater than the second if there is none between them.
fn unsigned_bounds(low: i128, high: i128) -> (u64, u64) {
    let clamp = |bound: i128| u64::try_from(bound.max(0)).unwrap_or(u64::MAX);
    if high < 0 || low > i128::from(u64::MAX) { (1, 0) } else { (clamp(low), clamp(high)) }
}

/// The rows for which `test` is true; it is best made without branches, which would be unpredictable.
#[inline]
fn fill(rows: Range<usize>, wanted: &[u64], test: impl Fn(usize) -> bool) -> Vec<u64> {
    fill_words(rows, wanted, |word| word.enumerate().fold(0, |bits, (at, row)| bits | u64::from(test(row)) << at))
}

/// The bits of some rows, of which `word` computes those of 64 rows. Words without wanted rows are left out.
#[inline]
fn fill_words(rows: Range<usize>, wanted: &[u64], word: impl Fn(Range<usize>) -> u64) -> Vec<u64> {
    let words = wanted.iter().zip(rows.clone().step_by(64));
    words.map(|(wanted, first)| if *wanted == 0 { 0 } else { word(first..rows.end.min(first + 64)) }).collect()
}

/// A compiled condition on text.
#[derive(Clone, Debug)]
pub struct TextMatcher {
    regex: Regex,
}

impl TextMatcher {
    /// Compiles a condition. With `whole`, a plain value has to match the whole text. `None` for conditions on numbers, and for
    /// patterns that are too large to compile.
    #[must_use]
    pub fn new(condition: &Condition, whole: bool, case_sensitive: bool) -> Option<Self> {
        let source = match condition {
            Condition::Regex(text) => text.clone(),
            Condition::Exactly(pattern) => format!("^(?s:{})$", source(pattern)),
            Condition::Is(pattern) if whole => format!("^(?s:{})$", source(pattern)),
            Condition::Is(pattern) => format!("(?s:{})", source(pattern)),
            Condition::Between(..) | Condition::Missing => return None,
        };
        regex(&source, case_sensitive).ok().map(|regex| Self { regex })
    }

    /// Returns `true` if a text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Builds a regular expression of a query.
///
/// # Errors
/// The mistake, in one line.
pub fn regex(source: &str, case_sensitive: bool) -> Result<Regex, String> {
    let built = RegexBuilder::new(source).case_insensitive(!case_sensitive).build();
    built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("");
        last.trim().trim_start_matches("error: ").to_owned()
    })
}

/// The regular expression of a pattern.
fn source(pattern: &Pattern) -> String {
    if !pattern.wildcards {
        return regex::escape(&pattern.text);
    }
    let mut source = String::new();
    for c in pattern.text.chars() {
        match c {
            '*' => source.push_str(".*"),
            '?' => source.push('.'),
            c => source.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    source
}
