//! The values of one key column: which number each row has, and what the numbers show. Numbers sort like the values.

use super::key::Key;
use super::size_class;
use super::stacks::DisplayStacks;
use crate::trace::time::{Clock, Ticks};
use std::borrow::Cow;
use std::sync::Arc;

/// Where a row's number comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// From how it stands to the view; indexed by life type, 4 = not in the view.
    LifeType([u32; 5]),
    /// From the allocation's context.
    Context(Arc<Vec<u32>>),
    /// From the allocation's stack.
    AllocStack(Arc<Vec<u32>>),
    /// From the free's stack.
    FreeStack(Arc<Vec<u32>>),
    /// From the size: its class.
    SizeClass,
    /// One number per row.
    Rows(Arc<Vec<u32>>),
}

/// What the numbers stand for.
#[derive(Clone, Debug)]
pub enum Labels {
    /// Fixed words; an empty one stands for "none".
    Words(&'static [&'static str]),
    /// Texts.
    Texts(Vec<String>),
    /// Integers, or none.
    Numbers(Vec<Option<u64>>),
    /// Addresses.
    Addresses(Vec<u64>),
    /// Moments; sentinels are unknown and never.
    Times(Vec<Ticks>, Clock),
    /// Ticks from allocation to free, or a sentinel: unknown, or not freed.
    Spans(Vec<Ticks>, Clock),
    /// Size classes.
    SizeClasses,
    /// Stacks.
    Stacks(Arc<DisplayStacks>),
}

/// What a file shows of a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value<'v> {
    /// Nothing known.
    Null,
    /// Text.
    Text(Cow<'v, str>),
    /// An exact integer.
    Number(u64),
    /// Seconds.
    Seconds(f64),
    /// Frames from the outermost to the innermost.
    Frames(Vec<&'v str>),
}

/// One key column of one trace.
#[derive(Clone, Debug)]
pub struct KeyColumn {
    /// Which column.
    pub key: Key,
    /// Where a row's number comes from.
    pub source: Source,
    /// What the numbers stand for.
    pub labels: Labels,
}

impl KeyColumn {
    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        let count = match &self.labels {
            Labels::Words(words) => words.len(),
            Labels::Texts(texts) => texts.len(),
            Labels::Numbers(numbers) => numbers.len(),
            Labels::Addresses(addresses) => addresses.len(),
            Labels::Times(times, _) | Labels::Spans(times, _) => times.len(),
            Labels::SizeClasses => size_class::COUNT as usize,
            Labels::Stacks(stacks) => stacks.len(),
        };
        count as u32
    }

    /// The text in tables. A stack's is that of its innermost frame.
    #[must_use]
    pub fn text(&self, id: u32) -> Cow<'_, str> {
        let at = id as usize;
        match &self.labels {
            Labels::Words(words) => Cow::Borrowed(words.get(at).copied().unwrap_or("")),
            Labels::Texts(texts) => Cow::Borrowed(texts.get(at).map_or("", String::as_str)),
            Labels::Numbers(numbers) => match numbers.get(at) {
                Some(Some(number)) => Cow::Owned(number.to_string()),
                _ => Cow::Borrowed(""),
            },
            Labels::Addresses(addresses) => Cow::Owned(format!("{:#x}", addresses.get(at).copied().unwrap_or(0))),
            Labels::Times(times, clock) | Labels::Spans(times, clock) => match times.get(at) {
                Some(&Ticks::UNKNOWN) | None => Cow::Borrowed("unknown"),
                Some(&Ticks::NEVER) => Cow::Borrowed("not freed"),
                Some(time) => Cow::Owned(format!("{:.9} s", clock.seconds(*time))),
            },
            Labels::SizeClasses => Cow::Owned(size_class::label(id)),
            Labels::Stacks(stacks) => Cow::Borrowed(stacks.text(id)),
        }
    }

    /// The value in files.
    #[must_use]
    pub fn value(&self, id: u32) -> Value<'_> {
        let at = id as usize;
        match &self.labels {
            Labels::Words(words) => match words.get(at) {
                Some(&"") | None => Value::Null,
                Some(word) => Value::Text(Cow::Borrowed(word)),
            },
            Labels::Numbers(numbers) => match numbers.get(at) {
                Some(Some(number)) => Value::Number(*number),
                _ => Value::Null,
            },
            Labels::Times(times, clock) | Labels::Spans(times, clock) => match times.get(at) {
                Some(time) if time.is_known() => Value::Seconds(clock.seconds(*time)),
                _ => Value::Null,
            },
            Labels::Stacks(stacks) => Value::Frames(stacks.frames(id)),
            Labels::Texts(_) | Labels::Addresses(_) | Labels::SizeClasses => Value::Text(self.text(id)),
        }
    }

    /// The shown stacks of a stack column.
    #[must_use]
    pub fn stacks(&self) -> Option<&DisplayStacks> {
        match &self.labels {
            Labels::Stacks(stacks) => Some(stacks),
            _ => None,
        }
    }
}
