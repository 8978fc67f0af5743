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
    fn words(&self) -> Words {
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
    fn words(&self) -> Words;
}

/// A value as three words.
pub type Words = [u64; 3];

/// A word of two fields.
#[inline]
pub fn word(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[inline]
const fn are_equal([a, b, c]: Words, [x, y, z]: Words) -> bool {
    (a ^ x) | (b ^ y) | (c ^ z) == 0
}

#[inline]
fn hash_of(words: Words) -> usize {
    let mut hasher = FxHasher::default();
    words.into_iter().for_each(|word| hasher.write_u64(word));
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
    /// Hash table of the values with their numbers; [`NO_NUMBER`] is an empty slot.
    slots: Vec<(Words, u32)>,
    /// The value that was interned last, with its number; `None` if positions begin anew.
    last: Option<(Words, u32)>,
    /// True if the current positions may be lower than earlier ones.
    is_out_of_order: bool,
    highest: EventPosition,
    /// True if a value could not be numbered.
    pub is_full: bool,
}

/// Number of an empty slot.
const NO_NUMBER: u32 = u32::MAX;
/// Number of values whose slots are read ahead, so that the waits for memory overlap.
const AHEAD: usize = 16;
/// Number of values that are ranked between two looks at the token.
const CANCEL_STEP: usize = 1 << 14;

impl<T: Interned> WorkerInterner<T> {
    /// Interner of one worker. Its numbers are below `limit`.
    pub fn new(numbers: WorkerNumbers, limit: u32) -> Self {
        let (rows, firsts, slots) = Default::default();
        let (is_out_of_order, highest, is_full) = Default::default();
        Self { numbers, limit, rows, firsts, slots, last: None, is_out_of_order, highest, is_full }
    }

    /// The number of a value that occurs at `position`.
    #[inline]
    pub fn intern(&mut self, value: T, position: EventPosition) -> u32 {
        let words = value.words();
        self.intern_hashed(&value, words, hash_of(words), position)
    }

    /// Numbers many values: `position` gives the position of each by its place among them, `take` gets each place and number.
    #[inline]
    pub fn intern_all(
        &mut self,
        values: &[T],
        position: impl Fn(usize) -> EventPosition,
        mut take: impl FnMut(usize, u32),
    ) {
        let mut place = 0;
        for values in values.chunks(AHEAD) {
            // The addresses of their slots in memory do not depend on each other.
            let mask = self.slots.len().wrapping_sub(1);
            let (mut hashed, mut read) = ([(Words::default(), 0); AHEAD], 0);
            for (value, hashed) in values.iter().zip(&mut hashed) {
                let words = value.words();
                *hashed = (words, hash_of(words));
                read ^= self.slots.get(hashed.1 & mask).map_or(0, |slot| slot.1);
            }
            black_box(read);
            for (value, &(words, hash)) in values.iter().zip(&hashed) {
                take(place, self.intern_hashed(value, words, hash, position(place)));
                place += 1;
            }
        }
    }

    /// The number of a value by its words and their hash. Neighboring events mostly have the same, so the last one is tried first,
    /// then the slot of its hash.
    #[inline(always)]
    fn intern_hashed(&mut self, value: &T, words: Words, hash: usize, position: EventPosition) -> u32 {
        if let Some((last, number)) = self.last
            && are_equal(last, words)
        {
            return number;
        }
        let number = match self.slots.get(hash & self.slots.len().wrapping_sub(1)) {
            Some(&(known, number)) if number != NO_NUMBER && !self.is_out_of_order && are_equal(known, words) => number,
            _ => self.search(value, words, hash, position),
        };
        self.last = Some((words, number));
        number
    }

    /// The number of a value that is not in the slot of its hash, is new, or may occur earlier than before.
    #[inline(never)]
    fn search(&mut self, value: &T, words: Words, hash: usize, position: EventPosition) -> u32 {
        if self.rows.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let at = self.find(words, hash);
        match self.slots.get_mut(at) {
            Some((_, number)) if *number != NO_NUMBER => {
                if self.is_out_of_order
                    && let Some(first) = self.firsts.get_mut(self.numbers.split(*number).1)
                {
                    *first = position.min(*first);
                }
                *number
            }
            slot => {
                let number = self.numbers.number(self.rows.len(), self.limit).unwrap_or_else(|| {
                    self.is_full = true;
                    0
                });
                if let Some(slot) = slot {
                    *slot = (words, number);
                }
                self.rows.push(*value);
                self.firsts.push(position);
                number
            }
        }
    }

    /// Position of the slot of a value, or of the empty one where it belongs.
    #[inline]
    fn find(&self, words: Words, hash: usize) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash & mask;
        while let Some(&(known, number)) = self.slots.get(at)
            && number != NO_NUMBER
            && !are_equal(known, words)
        {
            at = (at + 1) & mask;
        }
        at
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![(Words::default(), NO_NUMBER); (self.slots.len() * 2).max(64)];
        for (words, number) in std::mem::replace(&mut self.slots, larger) {
            if number != NO_NUMBER {
                let at = self.find(words, hash_of(words));
                if let Some(slot) = self.slots.get_mut(at) {
                    *slot = (words, number);
                }
            }
        }
    }

    /// Tells that the next positions rise from this one on.
    pub fn begin(&mut self, position: EventPosition) {
        self.last = None;
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
        self.last = None;
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
        let mut map: FxHashMap<Words, u32> = FxHashMap::default();
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
        fn words(&self) -> Words {
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
