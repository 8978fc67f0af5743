//! Images: which file lay where, in which process, from when to when, and by what identity its symbols are found.
//! It must never say that an address belongs to an image that was not loaded at that time.

use super::ids::ModuleId;
use super::time::Ticks;
use poolscope_base::guid::Guid;
use rustc_hash::FxHashMap;

/// Identity of a PDB (the CodeView RSDS record).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Rsds {
    /// GUID of the PDB.
    pub guid: Guid,
    /// Age of the PDB.
    pub age: u32,
    /// File name of the PDB as the linker wrote it; may hold a path.
    pub pdb_name: String,
}

/// An image file at a base address. The same file at the same base in several processes is one module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// NT path as recorded.
    pub path: String,
    /// File name without the folder, as people know the module (`ntoskrnl.exe`).
    pub name: String,
    /// Base address.
    pub base: u64,
    /// Size of the image in bytes.
    pub size_bytes: u64,
    /// `TimeDateStamp` of the PE header; 0 where the record has none.
    pub timestamp: u32,
    /// Checksum of the PE header.
    pub checksum: u32,
    /// Identity of its PDB, if the trace was merged on the machine that recorded it.
    pub rsds: Option<Rsds>,
    /// Loaded into the kernel: valid in every process.
    pub is_kernel: bool,
}

/// One life of a module in one process (0: the kernel).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadedImage {
    /// Which module.
    pub module: ModuleId,
    /// Process number; 0 for kernel images.
    pub pid: u32,
    /// When it was loaded; [`Ticks::UNKNOWN`] if before the trace.
    pub load: Ticks,
    /// When it was unloaded; [`Ticks::NEVER`] if not seen.
    pub unload: Ticks,
}

/// All modules and their lives, and the way from an address to a module.
#[derive(Default, Debug)]
pub struct ModuleTable {
    modules: Vec<Module>,
    lives: Vec<LoadedImage>,
    /// Lives per process, sorted by base; positions in `lives`.
    by_pid: FxHashMap<u32, Vec<u32>>,
    /// Longest image in bytes: how far below an address a base can lie.
    longest_bytes: u64,
    /// Moments from which on some address belongs to another image than before, sorted.
    epochs: Vec<Ticks>,
}

impl ModuleTable {
    /// Builds the look-up tables over finished rows.
    #[must_use]
    pub(crate) fn new(modules: Vec<Module>, lives: Vec<LoadedImage>) -> Self {
        let mut by_pid: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (position, life) in lives.iter().enumerate() {
            by_pid.entry(life.pid).or_default().push(position as u32);
        }
        let base = |position: &u32| {
            let life = lives.get(*position as usize);
            let module = life.and_then(|l| modules.get(l.module.index()));
            (module.map_or(0, |m| m.base), life.map(|l| l.load), *position)
        };
        let mut pids: Vec<&mut Vec<u32>> = by_pid.values_mut().collect();
        for positions in &mut pids {
            positions.sort_by_key(base);
        }
        let longest_bytes = modules.iter().map(|m| m.size_bytes).max().unwrap_or(0);
        let mut table = Self { modules, lives, by_pid, longest_bytes, epochs: Vec::new() };
        table.epochs = table.find_epochs();
        table
    }

    /// All modules; position = handle.
    #[must_use]
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// All lives, in the order of the trace.
    #[must_use]
    pub fn loaded_images(&self) -> &[LoadedImage] {
        &self.lives
    }

    /// One module; `None` for [`ModuleId::NONE`].
    #[must_use]
    pub fn get(&self, id: ModuleId) -> Option<&Module> {
        self.modules.get(id.index())
    }

    /// The image that held `address` in process `pid` (0: kernel) at `time`. Where none did, the one that held it last
    /// before, else first after: run-down records may come late, and a circular file may have lost the load.
    #[must_use]
    pub fn find(&self, pid: u32, address: u64, time: Ticks) -> ModuleId {
        let Some(positions) = self.by_pid.get(&pid) else {
            return ModuleId::NONE;
        };
        let end = positions.partition_point(|&p| self.base_of(p) <= address);
        let mut best: Option<(u8, i64, ModuleId)> = None;
        for &position in positions[..end].iter().rev() {
            let Some(life) = self.lives.get(position as usize) else {
                continue;
            };
            let Some(module) = self.modules.get(life.module.index()) else {
                continue;
            };
            let below = address - module.base;
            if below >= self.longest_bytes {
                break;
            }
            if below >= module.size_bytes {
                continue;
            }
            let rank = if life.load <= time && time <= life.unload {
                (0, time.0.saturating_sub(life.load.0), life.module)
            } else if life.unload < time {
                (1, time.0.saturating_sub(life.unload.0), life.module)
            } else {
                (2, life.load.0.saturating_sub(time.0), life.module)
            };
            if best.is_none_or(|b| rank < b) {
                best = Some(rank);
            }
        }
        best.map_or(ModuleId::NONE, |b| b.2)
    }

    /// A number that changes whenever some address begins to belong to another image. Within one epoch an address of a
    /// process means the same module, so that look-ups can be remembered.
    #[must_use]
    pub fn epoch(&self, time: Ticks) -> u32 {
        self.epochs.partition_point(|&start| start <= time) as u32
    }

    fn base_of(&self, position: u32) -> u64 {
        let life = self.lives.get(position as usize);
        life.and_then(|l| self.modules.get(l.module.index())).map_or(u64::MAX, |m| m.base)
    }

    /// Addresses that two different modules of one process hold one after the other: their loads and unloads are the
    /// only moments at which an address changes its meaning.
    fn find_epochs(&self) -> Vec<Ticks> {
        let mut moments = Vec::new();
        let mut pids: Vec<&u32> = self.by_pid.keys().collect();
        pids.sort_unstable();
        for positions in pids.into_iter().filter_map(|pid| self.by_pid.get(pid)) {
            let mut reach: Option<(u64, u32)> = None;
            for &position in positions {
                let Some(life) = self.lives.get(position as usize) else {
                    continue;
                };
                let Some(module) = self.modules.get(life.module.index()) else {
                    continue;
                };
                if let Some((end, other)) = reach
                    && module.base < end
                    && let Some(before) = self.lives.get(other as usize)
                    && before.module != life.module
                {
                    moments.extend([life.load, life.unload, before.load, before.unload]);
                }
                let end = module.base.saturating_add(module.size_bytes);
                if reach.is_none_or(|(far, _)| end >= far) {
                    reach = Some((end, position));
                }
            }
        }
        moments.retain(|m| m.is_known());
        // An image is still there at the very tick of its unload, so the change is one tick later: keep both.
        let after: Vec<Ticks> = moments.iter().map(|m| Ticks(m.0.saturating_add(1))).collect();
        moments.extend(after);
        moments.sort_unstable();
        moments.dedup();
        moments
    }
}

/// File name at the end of an NT path.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(name: &str, base: u64, size_bytes: u64) -> Module {
        let path = format!("\\SystemRoot\\{name}");
        Module { path, name: name.to_owned(), base, size_bytes, timestamp: 0, checksum: 0, rsds: None, is_kernel: true }
    }

    #[test]
    fn an_address_means_the_driver_that_was_loaded_then() {
        let modules = vec![module("old.sys", 0x1000, 0x1000), module("new.sys", 0x1800, 0x1000)];
        let lives = vec![
            LoadedImage { module: ModuleId(0), pid: 0, load: Ticks::UNKNOWN, unload: Ticks(100) },
            LoadedImage { module: ModuleId(1), pid: 0, load: Ticks(200), unload: Ticks::NEVER },
        ];
        let table = ModuleTable::new(modules, lives);
        assert_eq!(table.find(0, 0x1900, Ticks(50)), ModuleId(0));
        assert_eq!(table.find(0, 0x1900, Ticks(250)), ModuleId(1));
        assert_eq!(table.find(0, 0x1900, Ticks(150)), ModuleId(0));
        assert_eq!(table.find(0, 0x5000, Ticks(250)), ModuleId::NONE);
        assert_eq!(table.find(7, 0x1900, Ticks(250)), ModuleId::NONE);
        assert_ne!(table.epoch(Ticks(50)), table.epoch(Ticks(250)));
    }
}
