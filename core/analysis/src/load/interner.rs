//! Numbers of attributes and stacks while a trace is decoded. Each worker numbers the values that it sees without asking the
//! others, so that a number names a worker and its row. When all is decoded, distinct values get their final numbers in an order
//! that does not depend on the workers.

use poolscope_base::progress::{CancelToken, Cancelled};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::Hasher;
use std::hint::black_box;

/// Attributes of a pool event with thread and process numbers as recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct RawAttributes {
    pub tag: [u8; 4],
    pub pool_type: u32,
    pub thread: u32,
    pub pid: u32,
    pub session: u32,
    pub cpu: u16,
}

impl Interned for RawAttributes {
    #[inline]
    fn words(&self) -> [u64; 3] {
        [
            word(u32::from_le_bytes(self.tag), self.pool_type),
            word(self.thread, self.pid),
            word(self.session, u32::from(self.cpu)),
        ]
    }
}

/// A value that is interned, by three words that are equal only if the values are. Each pool event is compared and hashed, and the
/// fields one by one take twice the time.
pub trait Interned: Copy {
    /// All of the value.
    fn words(&self) -> [u64; 3];
}

/// A word of two fields.
#[inline]
pub fn word(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[inline]
fn are_equal<T: Interned>(a: &T, b: &T) -> bool {
    let ([a, b, c], [x, y, z]) = (a.words(), b.words());
    (a ^ x) | (b ^ y) | (c ^ z) == 0
}

#[inline]
fn hash_of<T: Interned>(value: &T) -> usize {
    let mut hasher = FxHasher::default();
    value.words().into_iter().for_each(|word| hasher.write_u64(word));
    hasher.finish() as usize
}

/// Thread, process or session that the record does not have.
pub const NO_ID: u32 = u32::MAX;

/// Position of an event in the trace: its buffer in the order of the file, and its number in the buffer.
pub type EventPosition = u64;

/// Conversion of a worker's row to a number that is unique among workers.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerNumbers {
    worker: u32,
    bits: u32,
}

impl WorkerNumbers {
    /// Numbers of one of `workers` workers.
    pub fn new(worker: usize, workers: usize) -> Self {
        Self { worker: worker as u32, bits: workers.next_power_of_two().trailing_zeros() }
    }

    /// The number of a row; `None` if `limit` is too small for it.
    #[inline]
    pub fn number(self, row: usize, limit: u32) -> Option<u32> {
        let number = (row as u64) << self.bits | u64::from(self.worker);
        u32::try_from(number).ok().filter(|&number| number < limit)
    }

    /// Worker and row of a number.
    #[inline]
    pub const fn split(self, number: u32) -> (usize, usize) {
        ((number & ((1 << self.bits) - 1)) as usize, (number >> self.bits) as usize)
    }
}

/// Distinct values of one worker, each with the earliest position at which it occurred.
#[derive(Debug)]
pub struct WorkerInterner<T> {
    numbers: WorkerNumbers,
    limit: u32,
    rows: Vec<T>,
    firsts: Vec<EventPosition>,
    /// Hash table of the values with their rows; [`NO_ROW`] is an empty slot.
    slots: Vec<(T, u32)>,
    /// Row and number of the value that was interned last; [`NO_ROW`] if positions begin anew.
    last: (u32, u32),
    /// True if the current positions may be lower than earlier ones.
    is_out_of_order: bool,
    highest: EventPosition,
    /// True if a value could not be numbered.
    pub is_full: bool,
}

/// Row of an empty slot.
const NO_ROW: u32 = u32::MAX;
/// Number of values that are ranked between two looks at the token.
const CANCEL_STEP: usize = 1 << 14;

impl<T: Interned> WorkerInterner<T> {
    /// Interner of one worker. Its numbers are below `limit`.
    pub fn new(numbers: WorkerNumbers, limit: u32) -> Self {
        let (rows, firsts, slots) = Default::default();
        let (is_out_of_order, highest, is_full) = Default::default();
        Self { numbers, limit, rows, firsts, slots, last: (NO_ROW, 0), is_out_of_order, highest, is_full }
    }

    /// The number of a value that occurs at `position`. Neighboring events mostly have the same, so the last one is tried first.
    #[inline]
    pub fn intern(&mut self, value: T, position: EventPosition) -> u32 {
        if self.rows.get(self.last.0 as usize).is_some_and(|last| are_equal(last, &value)) {
            return self.last.1;
        }
        if self.rows.len() * 2 >= self.slots.len() {
            self.grow(value);
        }
        let at = self.find(&value);
        let row = match self.slots.get_mut(at) {
            Some((_, row)) if *row != NO_ROW => {
                let row = *row as usize;
                if self.is_out_of_order
                    && let Some(first) = self.firsts.get_mut(row)
                {
                    *first = position.min(*first);
                }
                row
            }
            slot => {
                let row = self.rows.len();
                if let Some(slot) = slot {
                    *slot = (value, row as u32);
                }
                self.rows.push(value);
                self.firsts.push(position);
                row
            }
        };
        let number = self.numbers.number(row, self.limit).unwrap_or_else(|| {
            self.is_full = true;
            0
        });
        self.last = (row as u32, number);
        number
    }

    /// Reads the slots of values that are looked up next, whose addresses in memory do not depend on each other.
    #[inline]
    pub fn touch(&self, values: &[T]) {
        let mask = self.slots.len().wrapping_sub(1);
        let slot = |value: &T| self.slots.get(hash_of(value) & mask).map_or(0, |slot| slot.1);
        black_box(values.iter().map(slot).fold(0, |all, row| all ^ row));
    }

    /// Position of the slot of a value, or of the empty one where it belongs.
    #[inline]
    fn find(&self, value: &T) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash_of(value) & mask;
        while let Some((known, row)) = self.slots.get(at)
            && *row != NO_ROW
            && !are_equal(known, value)
        {
            at = (at + 1) & mask;
        }
        at
    }

    #[cold]
    fn grow(&mut self, filler: T) {
        self.slots = vec![(filler, NO_ROW); (self.slots.len() * 2).max(64)];
        for (row, value) in (0..).zip(std::mem::take(&mut self.rows)) {
            let at = self.find(&value);
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = (value, row);
            }
            self.rows.push(value);
        }
    }

    /// Tells that the next positions rise from this one on.
    pub fn begin(&mut self, position: EventPosition) {
        self.last = (NO_ROW, 0);
        self.is_out_of_order = position < self.highest;
        self.highest = self.highest.max(position);
    }

    /// The value of one of its own numbers.
    pub fn value(&self, number: u32) -> Option<T> {
        self.rows.get(self.numbers.split(number).1).copied()
    }

    /// Distinct values by row.
    pub fn rows(&self) -> &[T] {
        &self.rows
    }

    /// Frees the memory that only [`Self::intern`] needs.
    pub fn close(&mut self) {
        self.slots = Vec::new();
        self.last = (NO_ROW, 0);
    }
}

/// Closed interners of all workers.
#[derive(Debug)]
pub struct InternedValues<'a, T> {
    interners: Vec<&'a WorkerInterner<T>>,
    numbers: WorkerNumbers,
}

impl<'a, T: Interned> InternedValues<'a, T> {
    /// Values of all workers, in the order of the workers.
    pub fn new(interners: Vec<&'a WorkerInterner<T>>) -> Self {
        let numbers = WorkerNumbers::new(0, interners.len());
        Self { interners, numbers }
    }

    /// The value of a number.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&T> {
        let (worker, row) = self.numbers.split(number);
        self.interners.get(worker)?.rows.get(row)
    }

    /// Numbers the distinct values of all workers by their first position.
    ///
    /// # Errors
    /// Cancelled.
    pub fn rank(&self, cancel: &CancelToken) -> Result<RankedValues<T>, Cancelled> {
        let mut map: FxHashMap<[u64; 3], u32> = FxHashMap::default();
        let mut rows: Vec<(EventPosition, T)> = Vec::new();
        let mut joined: Vec<Vec<u32>> = Vec::with_capacity(self.interners.len());
        for interner in &self.interners {
            let mut of_worker = Vec::with_capacity(interner.rows.len());
            for (values, firsts) in interner.rows.chunks(CANCEL_STEP).zip(interner.firsts.chunks(CANCEL_STEP)) {
                cancel.check()?;
                of_worker.extend(values.iter().zip(firsts).map(|(&value, &first)| {
                    let row = *map.entry(value.words()).or_insert_with(|| {
                        rows.push((first, value));
                        rows.len() as u32 - 1
                    });
                    if let Some(known) = rows.get_mut(row as usize) {
                        known.0 = known.0.min(first);
                    }
                    row
                }));
            }
            joined.push(of_worker);
        }
        cancel.check()?;
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_unstable_by_key(|&row| rows[row as usize].0);
        let mut ranks = vec![0; rows.len()];
        for (rank, &row) in (0..).zip(&order) {
            ranks[row as usize] = rank;
        }
        for row in joined.iter_mut().flatten() {
            *row = ranks[*row as usize];
        }
        let values = order.iter().map(|&row| rows[row as usize].1).collect();
        Ok(RankedValues { values, ranks: joined, numbers: self.numbers })
    }
}

/// Distinct values of all workers in their final order.
#[derive(Debug)]
pub struct RankedValues<T> {
    /// Values by rank.
    pub values: Vec<T>,
    /// Rank of each row of each worker.
    ranks: Vec<Vec<u32>>,
    numbers: WorkerNumbers,
}

impl<T> RankedValues<T> {
    /// The rank of a number.
    #[inline]
    pub fn rank(&self, number: u32) -> Option<u32> {
        let (worker, row) = self.numbers.split(number);
        self.ranks.get(worker)?.get(row).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Interned for u32 {
        fn words(&self) -> [u64; 3] {
            [u64::from(*self), 0, 0]
        }
    }

    #[test]
    fn ranks_do_not_depend_on_the_worker_that_saw_a_value() {
        let interners = |of: [&[(u32, u64)]; 3]| -> Vec<WorkerInterner<u32>> {
            let fill = |(worker, values): (usize, &[(u32, u64)])| {
                let mut interner = WorkerInterner::new(WorkerNumbers::new(worker, 3), NUMBER_LIMIT);
                values.iter().for_each(|&(value, position)| {
                    interner.begin(position);
                    interner.intern(value, position);
                });
                interner
            };
            of.into_iter().enumerate().map(fill).collect()
        };
        let ranked = |all: &[WorkerInterner<u32>]| {
            let values = InternedValues::new(all.iter().collect());
            let cancelled = CancelToken::default();
            cancelled.cancel();
            assert!(values.rank(&cancelled).is_err());
            values.rank(&CancelToken::none()).unwrap()
        };
        let first = interners([&[(7, 5), (8, 1)], &[(9, 0), (7, 3)], &[]]);
        let second = interners([&[(9, 0)], &[(7, 5), (8, 2), (8, 1)], &[(7, 3)]]);
        assert_eq!((ranked(&first).values, ranked(&second).values), (vec![9, 8, 7], vec![9, 8, 7]));
        let ranks = ranked(&first);
        let values = InternedValues::new(first.iter().collect());
        for number in [0, 4, 1, 5] {
            let value = values.get(number).expect("a known number");
            assert_eq!(ranks.rank(number).map(|rank| ranks.values[rank as usize]), Some(*value));
        }
        assert_eq!((values.get(2), ranks.rank(2)), (None, None), "the third worker saw nothing");
    }

    const NUMBER_LIMIT: u32 = 1 << 30;

    #[test]
    fn numbers_end_at_their_limit() {
        let mut interner = WorkerInterner::new(WorkerNumbers::new(1, 2), 4);
        assert_eq!((interner.intern(10, 0), interner.intern(11, 1), interner.is_full), (1, 3, false));
        interner.intern(12, 2);
        assert!(interner.is_full);
        let mut interner = WorkerInterner::new(WorkerNumbers::new(0, 1), NUMBER_LIMIT);
        let numbers: Vec<u32> = (0..10_000_u32).map(|value| interner.intern(value * 77, value.into())).collect();
        assert!((0..10_000_u32).all(|value| interner.intern(value * 77, value.into()) == numbers[value as usize]));
        assert_eq!(interner.rows().len(), 10_000);
    }
}
