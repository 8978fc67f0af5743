//! A query for one trace and one time range: texts become bits per context and per stack, so that a row costs look-ups; then
//! blocks of rows, each predicate over a whole block, on all workers.

use super::query::{Condition, Expression, Field, FieldKind, Pattern, Query, Test};
use super::rowset::RowSet;
use crate::group::column::{KeyColumn, KeySource, size_class};
use crate::group::column_values::{ColumnValues, unknown_process};
use crate::group::generation::Generations;
use crate::group::group_by::class_of;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled};
use crate::trace::Trace;
use crate::trace::allocation::AllocationTable;
use crate::trace::attributes::EventAttributes;
use crate::trace::time::{Clock, Ticks, TimeRange};
use rayon::prelude::*;
use regex::{Regex, RegexBuilder};
use std::ops::Range;

/// A query for one trace and one time range.
#[derive(Debug)]
pub struct CompiledQuery {
    root: Predicate,
    view: TimeRange,
}

/// A test on rows.
#[derive(Debug)]
enum Predicate {
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
    /// By lifetime class; the last is for rows that do not belong to the time range.
    LifeType([bool; 5]),
    Context(Vec<bool>),
    AllocStack(Vec<bool>),
    FreeStack(Vec<bool>),
    SizeClass(Vec<bool>),
    /// Both bounds inside.
    Size(i128, i128),
    Address(i128, i128),
    /// In ticks, both bounds inside; sentinels are in no bounds.
    AllocTime(i64, i64),
    FreeTime(i64, i64),
    /// In ticks, both bounds inside; the flag takes allocations that were not freed, as living for ever.
    Lifetime(i64, i64, bool),
    AllocTimeMissing,
    FreeTimeMissing,
    LifetimeMissing,
}

impl CompiledQuery {
    /// Prepares a query. `type` and `impacting_type` are relative to `view`; everything else does not depend on it.
    ///
    /// An allocation that the trace does not show freed lives for ever: `lifetime:>x` takes it, `lifetime:<x` does not. The
    /// lifetime of an allocation that the trace does not show is unknown: no comparison takes it, `lifetime:none`
    /// takes both.
    #[must_use]
    pub fn new(query: &Query, names: &ColumnValues, view: TimeRange) -> Self {
        Self { root: compile(&query.expression, names), view }
    }
}

fn compile(expression: &Expression, names: &ColumnValues) -> Predicate {
    let all = |parts: &[Expression]| parts.iter().map(|p| compile(p, names)).collect();
    match expression {
        Expression::And(parts) => Predicate::All(all(parts)),
        Expression::Or(parts) => Predicate::Any(all(parts)),
        Expression::Not(inner) => Predicate::Not(Box::new(compile(inner, names))),
        Expression::Test(test) => compile_test(test, names),
    }
}

fn compile_test(test: &Test, names: &ColumnValues) -> Predicate {
    let Field::Key(key) = test.field else {
        return match test.condition {
            Condition::Between(low, high, _) => Predicate::Size(low.unwrap_or(i128::MIN), high.unwrap_or(i128::MAX)),
            _ => Predicate::Any(Vec::new()),
        };
    };
    match (&test.condition, key) {
        (Condition::Between(low, high, _), Key::Address) => {
            Predicate::Address(low.unwrap_or(i128::MIN), high.unwrap_or(i128::MAX))
        }
        (Condition::Between(low, high, _), Key::AllocTime | Key::FreeTime | Key::Lifetime) => {
            let (first, last) = tick_bounds(*low, *high, &names.trace().clock);
            match key {
                Key::AllocTime => Predicate::AllocTime(first, last),
                Key::FreeTime => Predicate::FreeTime(first, last),
                _ => Predicate::Lifetime(first, last, high.is_none()),
            }
        }
        (Condition::Between(low, high, _), Key::Generation) => by_generation(*low, *high, names.generations()),
        (Condition::Missing, Key::Generation) => Predicate::AllocTimeMissing,
        (Condition::Missing, Key::AllocTime) => Predicate::AllocTimeMissing,
        (Condition::Missing, Key::FreeTime) => Predicate::FreeTimeMissing,
        (Condition::Missing, Key::Lifetime) => Predicate::LifetimeMissing,
        (Condition::Between(low, high, _), _) => {
            let within = |n: u32| low.is_none_or(|low| low <= n.into()) && high.is_none_or(|high| high >= n.into());
            by_context(names.trace(), |c| number_of(key, c).is_some_and(within))
        }
        (Condition::Missing, _) => by_context(names.trace(), |c| number_of(key, c).is_none()),
        _ => by_text(test, key, names),
    }
}

/// The first and the last tick within bounds given in nanoseconds.
fn tick_bounds(low: Option<i128>, high: Option<i128>, clock: &Clock) -> (i64, i64) {
    let per_second = i128::from(clock.ticks_per_second.max(1));
    let limit = i128::from(i64::MAX - 1);
    let clamp = |ticks: i128| ticks.clamp(-limit, limit) as i64;
    // The parser keeps literals below 10^18 units, so this product stays within 128 bits for any clock below 10^9 Hz
    // many times over; saturation covers the rest.
    let scaled = |ns: i128| ns.saturating_mul(per_second);
    let first = low.map_or(-limit, |ns| {
        scaled(ns).div_euclid(1_000_000_000) + i128::from(scaled(ns).rem_euclid(1_000_000_000) != 0)
    });
    let last = high.map_or(limit, |ns| scaled(ns).div_euclid(1_000_000_000));
    (clamp(first), clamp(last))
}

/// Generations are asked by the times of their births; number 0 is that of the unknown ones.
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

fn number_of(key: Key, context: &EventAttributes) -> Option<u32> {
    match key {
        Key::Thread => (context.thread != EventAttributes::NO_THREAD).then_some(context.thread),
        Key::Session => (context.session != EventAttributes::NO_SESSION).then_some(context.session),
        _ => (context.cpu != EventAttributes::NO_CPU).then_some(u32::from(context.cpu)),
    }
}

fn by_context(trace: &Trace, matches: impl Fn(&EventAttributes) -> bool) -> Predicate {
    Predicate::Context(trace.attributes.rows().iter().map(matches).collect())
}

fn by_text(test: &Test, key: Key, names: &ColumnValues) -> Predicate {
    let whole = test.field.kind() == FieldKind::Text;
    let Some(matcher) = TextMatcher::new(&test.condition, whole, test.field.is_case_sensitive()) else {
        return Predicate::Any(Vec::new());
    };
    match key {
        Key::Process => by_process(&matcher, names.trace()),
        Key::Stack | Key::FreeStack => by_frames(test, key, &matcher, names),
        _ => {
            let column = names.column(key);
            let trimmed = (key == Key::Tag).then(|| trimmed_matcher(&test.condition)).flatten();
            let found = |m: &TextMatcher, text: &str| m.matches(text.trim_end_matches(' '));
            by_values(&column, |text| matcher.matches(text) || trimmed.as_ref().is_some_and(|m| found(m, text)))
        }
    }
}

/// Tags have four characters; the spaces at their end need not be written, nor all of them.
fn trimmed_matcher(condition: &Condition) -> Option<TextMatcher> {
    let (Condition::Is(pattern) | Condition::Exactly(pattern)) = condition else {
        return None;
    };
    let pattern = Pattern { text: pattern.text.trim_end_matches(' ').to_owned(), wildcards: pattern.wildcards };
    TextMatcher::new(&Condition::Exactly(pattern), true, true)
}

/// A process is found by its name, its number, or both as it is shown.
fn by_process(matcher: &TextMatcher, trace: &Trace) -> Predicate {
    let rows = trace.processes.rows().iter();
    let found: Vec<bool> = rows
        .map(|p| matcher.matches(&p.name) || matcher.matches(&p.pid.to_string()) || matcher.matches(&p.label()))
        .collect();
    let unknown = |process| matcher.matches(unknown_process(process));
    by_context(trace, |c| found.get(c.process.index()).copied().unwrap_or_else(|| unknown(c.process)))
}

/// A stack is found by any of its frames; the empty text finds rows without a stack.
fn by_frames(test: &Test, key: Key, matcher: &TextMatcher, names: &ColumnValues) -> Predicate {
    let stacks = names.stacks();
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

/// Asks each value of a column once.
fn by_values(column: &KeyColumn, matches: impl Fn(&str) -> bool) -> Predicate {
    let values: Vec<bool> = (0..column.count()).map(|id| matches(&column.text(id))).collect();
    let bits = |ids: &[u32]| ids.iter().map(|id| values.get(*id as usize).copied().unwrap_or(false)).collect();
    match &column.source {
        KeySource::LifeType(ids) => Predicate::LifeType(ids.map(|id| {
            let shown = !column.text(id).is_empty();
            shown && values.get(id as usize).copied().unwrap_or(false)
        })),
        KeySource::Context(ids) => Predicate::Context(bits(ids)),
        KeySource::AllocStack(ids) => Predicate::AllocStack(bits(ids)),
        KeySource::FreeStack(ids) => Predicate::FreeStack(bits(ids)),
        KeySource::SizeClass => Predicate::SizeClass(values),
        // Columns with a value per row are numbers and are asked as such.
        KeySource::Rows(_) => Predicate::Any(Vec::new()),
    }
}

/// True if a moment is within bounds; sentinels are not.
#[inline]
fn within(time: Ticks, first: i64, last: i64) -> bool {
    time.is_known() && first <= time.0 && time.0 <= last
}

/// Rows in a block; a multiple of 64.
const BLOCK_ROWS: usize = 1 << 14;

impl CompiledQuery {
    /// The rows that the query takes.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
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
                Ok(evaluate(&self.root, table, self.view, range))
            })
            .collect();
        Ok(RowSet::from_words(words?.concat(), table.len()))
    }
}

fn evaluate(p: &Predicate, table: &AllocationTable, view: TimeRange, rows: Range<usize>) -> Vec<u64> {
    let words = rows.len().div_ceil(64);
    let bits = |test: &dyn Fn(usize) -> bool| fill(rows.clone(), test);
    let bit = |list: &[bool], at: usize| list.get(at).copied().unwrap_or(false);
    match p {
        Predicate::All(parts) => parts.iter().fold(vec![u64::MAX; words], |mut all, part| {
            let more = evaluate(part, table, view, rows.clone());
            all.iter_mut().zip(more).for_each(|(a, b)| *a &= b);
            all
        }),
        Predicate::Any(parts) => parts.iter().fold(vec![0; words], |mut any, part| {
            let more = evaluate(part, table, view, rows.clone());
            any.iter_mut().zip(more).for_each(|(a, b)| *a |= b);
            any
        }),
        Predicate::Not(inner) => {
            let mut words = evaluate(inner, table, view, rows);
            words.iter_mut().for_each(|w| *w = !*w);
            words
        }
        Predicate::LifeType(list) => bits(&|r| bit(list, class_of(view, table, r))),
        Predicate::Context(list) => bits(&|r| bit(list, table.alloc_attributes[r].index())),
        Predicate::AllocStack(list) => bits(&|r| bit(list, table.alloc_stack[r].index())),
        Predicate::FreeStack(list) => bits(&|r| bit(list, table.free_stack[r].index())),
        Predicate::SizeClass(list) => bits(&|r| bit(list, size_class(table.size[r]) as usize)),
        Predicate::Size(low, high) => bits(&|r| (*low..=*high).contains(&i128::from(table.size[r]))),
        Predicate::Address(low, high) => bits(&|r| (*low..=*high).contains(&i128::from(table.address[r]))),
        Predicate::AllocTime(first, last) => bits(&|r| within(table.alloc_time[r], *first, *last)),
        Predicate::FreeTime(first, last) => bits(&|r| within(table.free_time[r], *first, *last)),
        Predicate::Lifetime(first, last, unending) => bits(&|r| {
            let ticks = table.lifetime(r);
            within(ticks, *first, *last) || (*unending && ticks == Ticks::NEVER)
        }),
        Predicate::AllocTimeMissing => bits(&|r| !table.alloc_time[r].is_known()),
        Predicate::FreeTimeMissing => bits(&|r| !table.free_time[r].is_known()),
        Predicate::LifetimeMissing => bits(&|r| !table.lifetime(r).is_known()),
    }
}

fn fill(rows: Range<usize>, test: &dyn Fn(usize) -> bool) -> Vec<u64> {
    let mut words = vec![0u64; rows.len().div_ceil(64)];
    for (at, row) in rows.enumerate() {
        if let Some(word) = words.get_mut(at / 64) {
            *word |= u64::from(test(row)) << (at % 64);
        }
    }
    words
}

/// A condition on text, ready to be asked.
#[derive(Clone, Debug)]
pub struct TextMatcher {
    regex: Regex,
}

impl TextMatcher {
    /// Prepares a condition. `whole`: a plain value has to match the whole text. `None` for conditions on numbers, and
    /// for patterns beyond all measure.
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

    /// True if a text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Builds a regular expression as queries use it.
///
/// # Errors
///
/// One line on what is wrong with it.
pub fn regex(source: &str, case_sensitive: bool) -> Result<Regex, String> {
    let built = RegexBuilder::new(source).case_insensitive(!case_sensitive).build();
    built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("");
        last.trim().trim_start_matches("error: ").to_owned()
    })
}

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
