//! Simulated address space: bases of modules and addresses of pool blocks. Freed addresses are reused soon, as in the real pools,
//! which exercises the pairing by address.

use rustc_hash::FxHashMap;

use super::entities::PoolClass;
use crate::SynthError;
use crate::writer::Width;

/// Assigns base addresses of modules.
pub(super) struct ModuleAddresses {
    next_driver: u64,
    next_library: u64,
    next_program: u64,
}

impl ModuleAddresses {
    pub fn new(width: Width) -> Self {
        let (next_driver, next_library, next_program) = match width {
            Width::Bits64 => (0xFFFF_F802_64C0_0000, 0x7FFB_1A20_0000, 0x7FF6_4C10_0000),
            Width::Bits32 => (0x8280_0000, 0x7700_0000, 0x0040_0000),
        };
        Self { next_driver, next_library, next_program }
    }

    pub fn driver(&mut self, size: u64) -> u64 {
        step(&mut self.next_driver, size + 0x2_0000)
    }

    pub fn library(&mut self, size: u64) -> u64 {
        step(&mut self.next_library, size + 0x1_0000)
    }

    pub fn program(&mut self) -> u64 {
        step(&mut self.next_program, 0x1_0000)
    }
}

fn step(next: &mut u64, by: u64) -> u64 {
    let base = *next;
    *next += by.next_multiple_of(0x1_0000);
    base
}

/// Largest size of a block that does not have its own pages.
pub(super) const BIG_LIMIT: u64 = 0xFE0;
const PAGE: u64 = 4096;

/// Address range of nonpaged pool, paged pool, or a session.
struct AddressRegion {
    next_small: u64,
    next_big: u64,
    small_end: u64,
    end: u64,
    /// Free addresses by size, with the tick of their free.
    free: FxHashMap<u64, Vec<(u64, i64)>>,
}

/// Address space of the pools.
pub(super) struct PoolAddressSpace {
    width: Width,
    regions: FxHashMap<(bool, Option<u32>), AddressRegion>,
}

impl PoolAddressSpace {
    pub fn new(width: Width) -> Self {
        Self { width, regions: FxHashMap::default() }
    }

    /// An address for `size` bytes, and the tick after which it can be used.
    pub fn allocate(&mut self, pool: PoolClass, session: Option<u32>, size: u64) -> Result<(u64, i64), SynthError> {
        let width = self.width;
        let region = self.regions.entry((pool.is_paged(), session)).or_insert_with(|| AddressRegion::new(width, pool));
        if let Some(again) = region.free.get_mut(&slot_size(size)).and_then(Vec::pop) {
            return Ok(again);
        }
        let big = size > BIG_LIMIT;
        let (next, end) =
            if big { (&mut region.next_big, region.end) } else { (&mut region.next_small, region.small_end) };
        let address = *next;
        let after =
            address.checked_add(slot_size(size)).filter(|after| *after <= end).ok_or(SynthError::AddressSpace)?;
        *next = after;
        // The kernel reports small blocks by the address after the pool header.
        let header = 2 * width.pointer_size() as u64;
        Ok((if big { address } else { address + header }, i64::MIN))
    }

    /// Frees an address at tick `now`.
    pub fn release(&mut self, pool: PoolClass, session: Option<u32>, size: u64, address: u64, now: i64) {
        let width = self.width;
        let region = self.regions.entry((pool.is_paged(), session)).or_insert_with(|| AddressRegion::new(width, pool));
        region.free.entry(slot_size(size)).or_default().push((address, now));
    }
}

fn slot_size(size: u64) -> u64 {
    if size > BIG_LIMIT { size.next_multiple_of(PAGE) } else { size.next_multiple_of(16) }
}

impl AddressRegion {
    fn new(width: Width, pool: PoolClass) -> Self {
        let (base, len) = match (width, pool.session, pool.is_paged()) {
            (Width::Bits64, true, paged) => (0xFFFF_F900_C000_0000 + (u64::from(paged) << 36), 1 << 36),
            (Width::Bits64, false, true) => (0xFFFF_A00F_1000_0000, 1 << 42),
            (Width::Bits64, false, false) => (0xFFFF_E28A_2000_0000, 1 << 42),
            (Width::Bits32, true, paged) => (0xFC00_0000 + (u64::from(paged) << 25), 1 << 25),
            (Width::Bits32, false, true) => (0xA000_0000, 0x3000_0000),
            (Width::Bits32, false, false) => (0xD000_0000, 0x2C00_0000),
        };
        let small_end = base + len / 2;
        Self { next_small: base, next_big: small_end, small_end, end: base + len, free: FxHashMap::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_and_sessions_share_them() {
        let mut space = PoolAddressSpace::new(Width::Bits64);
        let session = PoolClass { pool_type: 0x21, session: true };
        let one = space.allocate(session, Some(1), 64).unwrap();
        let two = space.allocate(session, Some(2), 64).unwrap();
        assert_eq!(one, two);
        assert_ne!(space.allocate(session, Some(1), 64).unwrap().0, one.0);
        space.release(session, Some(1), 64, one.0, 77);
        assert_eq!(space.allocate(session, Some(1), 64).unwrap(), (one.0, 77));
        let big = space.allocate(session, Some(1), 5_000).unwrap().0;
        assert_eq!((big % 4096, one.0 % 16), (0, 0));
    }

    #[test]
    fn a_small_space_ends_with_an_error() {
        let mut space = PoolAddressSpace::new(Width::Bits32);
        let session = PoolClass { pool_type: 0x20, session: true };
        let outcome = (0..20_000).find_map(|_| space.allocate(session, Some(1), 8_192).err());
        assert!(matches!(outcome, Some(SynthError::AddressSpace)));
    }
}
