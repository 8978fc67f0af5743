//! The values of one key column of a trace. Each row has an id; ids sort like the values that they stand for, and rows with
//! the same text have the same id.

use super::display_stacks::DisplayStacks;
use super::key::Key;
use super::parallel::not_cancelled;
use super::partition::Sorted;
use crate::trace::time::{Clock, Ticks};
use rayon::prelude::*;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The part of a row that determines its id, with the id for each value of that part.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// By lifetime class; the last one is for rows outside the visible range.
    LifetimeClass([u32; 5]),
    /// By attributes of the allocation.
    Attributes(Arc<Vec<u32>>),
    /// By allocation stack.
    AllocStack(Arc<Vec<u32>>),
    /// By free stack.
    FreeStack(Arc<Vec<u32>>),
    /// By size class, which is the id.
    SizeClass,
    /// One id per row.
    Rows(Arc<Vec<u32>>),
}

/// The values that ids stand for.
#[derive(Clone, Debug)]
pub enum KeyLabels {
    /// Fixed words; an empty one means "none".
    Words(&'static [&'static str]),
    /// Texts.
    Texts(Vec<String>),
    /// Integers, or none.
    Numbers(Vec<Option<u64>>),
    /// Addresses.
    Addresses(Vec<u64>),
    /// Times; sentinels are unknown and never.
    Times(Vec<Ticks>, Clock),
    /// Ticks from allocation to free, or a sentinel: unknown, or not freed.
    Spans(Vec<Ticks>, Clock),
    /// Size classes.
    SizeClasses,
    /// Stacks.
    Stacks(Arc<DisplayStacks>),
}

/// A value as exported to files.
#[derive(Clone, PartialEq, Debug)]
pub enum KeyValue<'v> {
    /// Not known.
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
    /// The column.
    pub key: Key,
    /// The part of a row that determines its id, with the id for each value of that part.
    pub source: KeySource,
    /// The values that ids stand for.
    pub labels: KeyLabels,
}

impl KeyColumn {
    /// Number of ids.
    #[must_use]
    pub fn count(&self) -> u32 {
        let count = match &self.labels {
            KeyLabels::Words(words) => words.len(),
            KeyLabels::Texts(texts) => texts.len(),
            KeyLabels::Numbers(numbers) => numbers.len(),
            KeyLabels::Addresses(addresses) => addresses.len(),
            KeyLabels::Times(times, _) | KeyLabels::Spans(times, _) => times.len(),
            KeyLabels::SizeClasses => SIZE_CLASSES as usize,
            KeyLabels::Stacks(stacks) => stacks.len(),
        };
        count as u32
    }

    /// The text in tables; of a stack, that of its innermost frame.
    #[must_use]
    pub fn text(&self, id: u32) -> Cow<'_, str> {
        let at = id as usize;
        match &self.labels {
            KeyLabels::Words(words) => Cow::Borrowed(words.get(at).copied().unwrap_or("")),
            KeyLabels::Texts(texts) => Cow::Borrowed(texts.get(at).map_or("", String::as_str)),
            KeyLabels::Numbers(numbers) => match numbers.get(at) {
                Some(Some(number)) => Cow::Owned(number.to_string()),
                _ => Cow::Borrowed(""),
            },
            KeyLabels::Addresses(addresses) => Cow::Owned(format!("{:#x}", addresses.get(at).copied().unwrap_or(0))),
            KeyLabels::Times(times, clock) | KeyLabels::Spans(times, clock) => match times.get(at) {
                Some(&Ticks::UNKNOWN) | None => Cow::Borrowed("unknown"),
                Some(&Ticks::NEVER) => Cow::Borrowed("not freed"),
                Some(time) => Cow::Owned(format!("{:.9} s", clock.seconds(*time))),
            },
            KeyLabels::SizeClasses => Cow::Owned(size_class_label(id)),
            KeyLabels::Stacks(stacks) => Cow::Borrowed(stacks.text(id)),
        }
    }

    /// The value in files.
    #[must_use]
    pub fn value(&self, id: u32) -> KeyValue<'_> {
        let at = id as usize;
        match &self.labels {
            KeyLabels::Words(words) => match words.get(at) {
                Some(&"") | None => KeyValue::Null,
                Some(word) => KeyValue::Text(Cow::Borrowed(word)),
            },
            KeyLabels::Numbers(numbers) => match numbers.get(at) {
                Some(Some(number)) => KeyValue::Number(*number),
                _ => KeyValue::Null,
            },
            KeyLabels::Times(times, clock) | KeyLabels::Spans(times, clock) => match times.get(at) {
                Some(time) if time.is_known() => KeyValue::Seconds(clock.seconds(*time)),
                _ => KeyValue::Null,
            },
            KeyLabels::Stacks(stacks) => KeyValue::Frames(stacks.frames(id)),
            KeyLabels::Texts(_) | KeyLabels::Addresses(_) | KeyLabels::SizeClasses => KeyValue::Text(self.text(id)),
        }
    }

    /// The displayed stacks of a stack column.
    #[must_use]
    pub fn stacks(&self) -> Option<&DisplayStacks> {
        match &self.labels {
            KeyLabels::Stacks(stacks) => Some(stacks),
            _ => None,
        }
    }
}

/// Number of size classes: powers of two. Class 0 has size 0, class `k` the sizes from 2^(k-1) to 2^k, exclusive.
pub const SIZE_CLASSES: u32 = 65;

/// The size class of a size in bytes.
#[inline]
#[must_use]
pub const fn size_class(size_bytes: u64) -> u32 {
    u64::BITS - size_bytes.leading_zeros()
}

/// A size class as text, such as `64B..128B`; the upper bound is exclusive.
#[must_use]
pub fn size_class_label(class: u32) -> String {
    match class {
        0 => "0B".to_owned(),
        k => format!("{}..{}", power(k - 1), power(k)),
    }
}

fn power(exponent: u32) -> String {
    const UNITS: [&str; 7] = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];
    let unit = UNITS.get(exponent as usize / 10).copied().unwrap_or("EB");
    format!("{}{unit}", 1u32 << (exponent % 10))
}

/// The distinct values of all rows in ascending order, and each row's position among them.
#[must_use]
pub fn rank_rows(rows: usize, value: impl Fn(usize) -> u64 + Sync + Send) -> (Vec<u64>, Vec<u32>) {
    let number = |item: &(u64, u32)| item.0;
    let item = |row: usize| Some((value(row), row as u32));
    let Ok(sorted) = Sorted::new(rows, item, number, &not_cancelled) else { return (Vec::new(), Vec::new()) };
    let runs = sorted.runs(number);
    let distinct = (0..runs.len()).into_par_iter().map(|run| runs.get(run).first().map_or(0, number)).collect();
    // Each row is in one run, so that each place is written once, by any worker.
    let ids: Vec<AtomicU32> = (0..rows).map(|_| AtomicU32::new(0)).collect();
    runs.par_parts().for_each(|(first, own)| {
        for (id, run) in (first as u32..).zip(own) {
            let places = run.iter().filter_map(|(_, row)| ids.get(*row as usize));
            places.for_each(|place| place.store(id, Ordering::Relaxed));
        }
    });
    (distinct, ids.into_iter().map(AtomicU32::into_inner).collect())
}

/// The distinct texts in ascending order, and each text's position among them.
#[must_use]
pub fn rank_texts(texts: Vec<String>) -> (Vec<String>, Vec<u32>) {
    let mut order: Vec<u32> = (0..texts.len() as u32).collect();
    order.par_sort_unstable_by(|a, b| texts[*a as usize].cmp(&texts[*b as usize]));
    let mut ids = vec![0u32; texts.len()];
    let mut firsts: Vec<u32> = Vec::new();
    for &at in &order {
        let text = &texts[at as usize];
        if firsts.last().is_none_or(|last| texts[*last as usize] != *text) {
            firsts.push(at);
        }
        ids[at as usize] = firsts.len() as u32 - 1;
    }
    let mut texts = texts;
    let distinct = firsts.iter().map(|at| std::mem::take(&mut texts[*at as usize])).collect();
    (distinct, ids)
}

/// The distinct tuples of several parallel columns in ascending order (flattened, `columns.len()` numbers each), and each
/// row's position among them.
#[must_use]
pub fn rank_tuples(columns: &[&[u32]]) -> (Vec<u32>, Vec<u32>) {
    let rows = columns.first().map_or(0, |c| c.len());
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let tuple = |row: u32| columns.iter().map(move |c| c[row as usize]);
    order.par_sort_unstable_by(|a, b| tuple(*a).cmp(tuple(*b)));
    let mut ids = vec![0u32; rows];
    let mut tuples: Vec<u32> = Vec::new();
    let mut count = 0u32;
    let mut last: Option<u32> = None;
    for &row in &order {
        if last.is_none_or(|l| !tuple(l).eq(tuple(row))) {
            tuples.extend(tuple(row));
            count += 1;
        }
        last = Some(row);
        ids[row as usize] = count - 1;
    }
    (tuples, ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_belong_to_the_upper_class() {
        assert_eq!(size_class_label(size_class(0)), "0B");
        assert_eq!(size_class_label(size_class(1)), "1B..2B");
        assert_eq!(size_class_label(size_class(64)), "64B..128B");
        assert_eq!(size_class_label(size_class(127)), "64B..128B");
        assert_eq!(size_class_label(size_class(1023)), "512B..1KB");
        assert_eq!(size_class_label(size_class(1024)), "1KB..2KB");
        assert_eq!(size_class_label(size_class(u64::MAX)), "8EB..16EB");
    }

    #[test]
    fn ranks_sort_like_values() {
        let values = [30u64, 10, 30, 20];
        assert_eq!(rank_rows(4, |r| values[r]), (vec![10, 20, 30], vec![2, 0, 2, 1]));
        let texts = ["b", "a", "b"].map(str::to_owned).to_vec();
        assert_eq!(rank_texts(texts), (vec!["a".into(), "b".into()], vec![1, 0, 1]));
        let (tuples, ids) = rank_tuples(&[&[1, 0, 1], &[5, 9, 5]]);
        assert_eq!((tuples, ids), (vec![0, 9, 1, 5], vec![1, 0, 1]));
    }
}
