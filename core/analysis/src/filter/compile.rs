//! A query for one trace and one view: texts become bits per context and per stack, so that a row costs look-ups.

use super::field::Field;
use super::pattern::TextMatcher;
use super::query::{Condition, Expression, Pattern, Query, Test};
use crate::group::generation::Generations;
use crate::group::key::Key;
use crate::group::names::{Names, unknown_process};
use crate::group::values::{KeyColumn, Source};
use crate::trace::Trace;
use crate::trace::attributes::EventAttributes;
use crate::trace::time::{Clock, Ticks, TimeRange};

/// A query for one trace and one view.
#[derive(Debug)]
pub struct CompiledQuery {
    pub(super) root: Predicate,
    pub(super) view: TimeRange,
}

/// A test on rows.
#[derive(Debug)]
pub(super) enum Predicate {
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
    /// By how the row stands to the view; the last place is for rows not in it.
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
    /// In ticks, both bounds inside; the flag takes blocks that were not freed, as living for ever.
    Lifetime(i64, i64, bool),
    AllocTimeMissing,
    FreeTimeMissing,
    LifetimeMissing,
}

impl CompiledQuery {
    /// Prepares a query. `type` and `impacting_type` are relative to `view`; everything else does not depend on it.
    ///
    /// A block that the trace does not show freed lives for ever: `lifetime:>x` takes it, `lifetime:<x` does not. The
    /// lifetime of a block whose allocation the trace does not show is unknown: no comparison takes it, `lifetime:none`
    /// takes both.
    #[must_use]
    pub fn new(query: &Query, names: &Names, view: TimeRange) -> Self {
        Self { root: compile(&query.expression, names), view }
    }
}

fn compile(expression: &Expression, names: &Names) -> Predicate {
    let all = |parts: &[Expression]| parts.iter().map(|p| compile(p, names)).collect();
    match expression {
        Expression::And(parts) => Predicate::All(all(parts)),
        Expression::Or(parts) => Predicate::Any(all(parts)),
        Expression::Not(inner) => Predicate::Not(Box::new(compile(inner, names))),
        Expression::Test(test) => compile_test(test, names),
    }
}

fn compile_test(test: &Test, names: &Names) -> Predicate {
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

fn by_text(test: &Test, key: Key, names: &Names) -> Predicate {
    let whole = test.field.kind() == super::field::Kind::Text;
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
fn by_frames(test: &Test, key: Key, matcher: &TextMatcher, names: &Names) -> Predicate {
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
        Source::LifeType(ids) => Predicate::LifeType(ids.map(|id| {
            let shown = !column.text(id).is_empty();
            shown && values.get(id as usize).copied().unwrap_or(false)
        })),
        Source::Context(ids) => Predicate::Context(bits(ids)),
        Source::AllocStack(ids) => Predicate::AllocStack(bits(ids)),
        Source::FreeStack(ids) => Predicate::FreeStack(bits(ids)),
        Source::SizeClass => Predicate::SizeClass(values),
        // Columns with a value per row are numbers and are asked as such.
        Source::Rows(_) => Predicate::Any(Vec::new()),
    }
}

/// Whether a moment lies within bounds; sentinels do not.
#[inline]
pub(super) fn within(time: Ticks, first: i64, last: i64) -> bool {
    time.is_known() && first <= time.0 && time.0 <= last
}
