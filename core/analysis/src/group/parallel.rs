//! Work over all rows on all workers. Results must not depend on the number of workers, so that what is folded has to commute.

pub use poolscope_base::progress::Cancelled;
use rayon::prelude::*;
use std::ops::Range;

/// Callback that is called once per chunk of rows; `true` cancels the work.
pub type Cancel<'c> = &'c (dyn Fn() -> bool + Sync);

/// A [`Cancel`] that never cancels.
pub fn not_cancelled() -> bool {
    false
}

/// Rows in a chunk.
pub const CHUNK_ROWS: usize = 1 << 16;

/// Folds chunks of rows into accumulators, of which there are at most `accumulators` at a time, and merges those.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn fold_rows<A: Send>(
    rows: usize,
    accumulators: usize,
    cancel: Cancel<'_>,
    new: impl Fn() -> A + Sync + Send,
    visit: impl Fn(&mut A, Range<usize>) + Sync + Send,
    merge: impl Fn(A, A) -> A + Sync + Send,
) -> Result<A, Cancelled> {
    let chunks = rows.div_ceil(CHUNK_ROWS);
    let pieces = accumulators.clamp(1, chunks.max(1));
    let piece = |p: usize| chunks * p / pieces..chunks * (p + 1) / pieces;
    let folded = (0..pieces).into_par_iter().map(|p| {
        let mut accumulator = new();
        for chunk in piece(p) {
            if cancel() {
                return Err(Cancelled);
            }
            let from = chunk * CHUNK_ROWS;
            visit(&mut accumulator, from..rows.min(from + CHUNK_ROWS));
        }
        Ok(accumulator)
    });
    folded.try_reduce_with(|a, b| Ok(merge(a, b))).unwrap_or_else(|| Ok(new()))
}

/// Applies `f` to each of very many items, on all workers.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn map_items<T: Sync, U: Clone + Default + Send>(
    items: &[T],
    cancel: Cancel<'_>,
    f: impl Fn(&T) -> U + Sync,
) -> Result<Vec<U>, Cancelled> {
    let mut mapped = vec![U::default(); items.len()];
    let chunks = mapped.par_chunks_mut(CHUNK_ROWS).zip(items.par_chunks(CHUNK_ROWS));
    chunks.try_for_each(|(mapped, items)| {
        if cancel() {
            return Err(Cancelled);
        }
        mapped.iter_mut().zip(items).for_each(|(place, item)| *place = f(item));
        Ok(())
    })?;
    Ok(mapped)
}

/// The items until `cancel` returns `true`, which is called once per chunk of them. Whoever uses the items calls it again before the
/// result is used.
pub fn until_cancelled<'c, I: Iterator + Clone>(
    items: I,
    cancel: Cancel<'c>,
) -> impl Iterator<Item = I::Item> + Clone + use<'c, I> {
    let numbered = items.enumerate().take_while(move |(at, _)| !at.is_multiple_of(CHUNK_ROWS) || !cancel());
    numbered.map(|(_, item)| item)
}

/// Number of accumulators that keeps all workers busy and allows work stealing.
#[must_use]
pub fn worker_chunks() -> usize {
    rayon::current_num_threads() * 4
}
