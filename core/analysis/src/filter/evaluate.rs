//! Which rows a query takes: blocks of rows, each predicate over a whole block, on all workers.

use super::compile::{CompiledQuery, Predicate, within};
use super::rowset::RowSet;
use crate::group::cells::class_of;
use crate::group::parallel::{Cancel, Cancelled};
use crate::group::size_class;
use crate::trace::Trace;
use crate::trace::allocation::AllocationTable;
use crate::trace::time::{Ticks, TimeRange};
use rayon::prelude::*;
use std::ops::Range;

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
        Predicate::SizeClass(list) => bits(&|r| bit(list, size_class::class_of(table.size[r]) as usize)),
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
