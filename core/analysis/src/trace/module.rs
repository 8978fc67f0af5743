//! Images: their files, the address ranges at which and the times during which they were loaded in each process, and the
//! identities by which their symbols are found.

use super::ids::ModuleId;
use super::time::Ticks;
use poolscope_base::guid::Guid;
use rustc_hash::FxHashMap;

/// Identity of a PDB, from the CodeView RSDS record of its image.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Rsds {
    /// GUID of the PDB.
    pub guid: Guid,
    /// Age of the PDB.
    pub age: u32,
    /// File name of the PDB as the linker wrote it, with or without a path.
    pub pdb_name: String,
}

/// An image file at a base address. The same file at the same base in several processes is one module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// NT path as recorded.
    pub path: String,
    /// File name without the folder (`ntoskrnl.exe`).
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
    /// File version from its version resource (`10.0.19041.1`), if the trace was merged on the machine that recorded it.
    pub file_version: Option<String>,
    /// True if it was loaded into the kernel, and so is valid in every process.
    pub is_kernel: bool,
}

impl Module {
    /// The key of the image file on symbol servers: time stamp and size in hexadecimal digits. `None` without a time stamp.
    #[must_use]
    pub fn image_id(&self) -> Option<String> {
        (self.timestamp != 0).then(|| format!("{:08X}{:x}", self.timestamp, self.size_bytes))
    }
}

/// A module in one process, from load to unload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadedImage {
    /// The module.
    pub module: ModuleId,
    /// Process number; 0 for kernel images.
    pub pid: u32,
    /// Load time; [`Ticks::UNKNOWN`] if before the trace.
    pub load: Ticks,
    /// Unload time; [`Ticks::NEVER`] if no unload was recorded.
    pub unload: Ticks,
}

/// Modules, where and when they were loaded, and lookup of modules by address.
#[derive(Default, Debug)]
pub struct ModuleTable {
    modules: Vec<Module>,
    loaded: Vec<LoadedImage>,
    /// Positions in `loaded` by process, sorted by base address.
    by_pid: FxHashMap<u32, Vec<u32>>,
    /// Size of the largest image in bytes: the maximum distance from an address down to the base of its image.
    longest_bytes: u64,
    /// Times from which on some address of a process belongs to another image than before, sorted, by process.
    epochs: FxHashMap<u32, Vec<Ticks>>,
}

impl ModuleTable {
    /// Builds the lookup tables.
    #[must_use]
    pub(crate) fn new(modules: Vec<Module>, loaded: Vec<LoadedImage>) -> Self {
        let mut by_pid: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (position, image) in loaded.iter().enumerate() {
            by_pid.entry(image.pid).or_default().push(position as u32);
        }
        let base = |position: &u32| {
            let image = loaded.get(*position as usize);
            let module = image.and_then(|l| modules.get(l.module.index()));
            (module.map_or(0, |m| m.base), image.map(|l| l.load), *position)
        };
        let mut pids: Vec<&mut Vec<u32>> = by_pid.values_mut().collect();
        for positions in &mut pids {
            positions.sort_by_key(base);
        }
        let longest_bytes = modules.iter().map(|m| m.size_bytes).max().unwrap_or(0);
        let mut table = Self { modules, loaded, by_pid, longest_bytes, epochs: FxHashMap::default() };
        table.epochs = table.find_epochs();
        table
    }

    /// All modules; position = handle.
    #[must_use]
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Modules as they were loaded, in the order of the trace.
    #[must_use]
    pub fn loaded_images(&self) -> &[LoadedImage] {
        &self.loaded
    }

    /// One module; `None` for [`ModuleId::NONE`].
    #[must_use]
    pub fn get(&self, id: ModuleId) -> Option<&Module> {
        self.modules.get(id.index())
    }

    /// The module that `address` belonged to in process `pid` (0: kernel) at `time`. If none was loaded there then, the last
    /// one before, else the first one after: rundown records may come late, and a circular file may have lost the load.
    #[must_use]
    pub fn find(&self, pid: u32, address: u64, time: Ticks) -> ModuleId {
        let Some(positions) = self.by_pid.get(&pid) else {
            return ModuleId::NONE;
        };
        let end = positions.partition_point(|&p| self.base_of(p) <= address);
        let mut best: Option<(u8, i64, ModuleId)> = None;
        for &position in positions[..end].iter().rev() {
            let Some(image) = self.loaded.get(position as usize) else {
                continue;
            };
            let Some(module) = self.modules.get(image.module.index()) else {
                continue;
            };
            let below = address - module.base;
            if below >= self.longest_bytes {
                break;
            }
            if below >= module.size_bytes {
                continue;
            }
            let rank = if image.load <= time && time <= image.unload {
                (0, time.0.saturating_sub(image.load.0), image.module)
            } else if image.unload < time {
                (1, time.0.saturating_sub(image.unload.0), image.module)
            } else {
                (2, image.load.0.saturating_sub(time.0), image.module)
            };
            if best.is_none_or(|b| rank < b) {
                best = Some(rank);
            }
        }
        best.map_or(ModuleId::NONE, |b| b.2)
    }

    /// Number of the epoch of a process (0: kernel) that a time is in. Within one epoch an address of the process always belongs
    /// to the same module, so that lookups can be cached.
    #[must_use]
    pub fn epoch(&self, pid: u32, time: Ticks) -> u32 {
        self.epochs.get(&pid).map_or(0, |epochs| epochs.partition_point(|&start| start <= time) as u32)
    }

    /// Start of an epoch of a process (0: kernel); [`Ticks::UNKNOWN`] of the first one.
    #[must_use]
    pub fn epoch_start(&self, pid: u32, epoch: u32) -> Ticks {
        let start = (epoch as usize).checked_sub(1).and_then(|before| self.epochs.get(&pid)?.get(before));
        start.copied().unwrap_or(Ticks::UNKNOWN)
    }

    fn base_of(&self, position: u32) -> u64 {
        let image = self.loaded.get(position as usize);
        image.and_then(|l| self.modules.get(l.module.index())).map_or(u64::MAX, |m| m.base)
    }

    /// Start times of epochs: load and unload times of modules whose address ranges in one process overlap. Only there an
    /// address can change its module.
    fn find_epochs(&self) -> FxHashMap<u32, Vec<Ticks>> {
        let mut pids: Vec<&u32> = self.by_pid.keys().collect();
        pids.sort_unstable();
        let mut epochs = FxHashMap::default();
        for (&pid, positions) in pids.into_iter().filter_map(|pid| Some((pid, self.by_pid.get(pid)?))) {
            let mut moments = Vec::new();
            let mut reach: Option<(u64, u32)> = None;
            for &position in positions {
                let Some(image) = self.loaded.get(position as usize) else {
                    continue;
                };
                let Some(module) = self.modules.get(image.module.index()) else {
                    continue;
                };
                if let Some((end, other)) = reach
                    && module.base < end
                    && let Some(before) = self.loaded.get(other as usize)
                    && before.module != image.module
                {
                    moments.extend([image.load, image.unload, before.load, before.unload]);
                }
                let end = module.base.saturating_add(module.size_bytes);
                if reach.is_none_or(|(far, _)| end >= far) {
                    reach = Some((end, position));
                }
            }
            moments.retain(|m| m.is_known());
            // An image is still loaded at the tick of its unload, so the change is one tick later: keep both.
            let after: Vec<Ticks> = moments.iter().map(|m| Ticks(m.0.saturating_add(1))).collect();
            moments.extend(after);
            moments.sort_unstable();
            moments.dedup();
            if !moments.is_empty() {
                epochs.insert(pid, moments);
            }
        }
        epochs
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
        Module {
            path,
            name: name.to_owned(),
            base,
            size_bytes,
            timestamp: 0,
            checksum: 0,
            rsds: None,
            file_version: None,
            is_kernel: true,
        }
    }

    #[test]
    fn an_address_belongs_to_the_driver_that_was_loaded_at_the_time() {
        let modules = vec![module("old.sys", 0x1000, 0x1000), module("new.sys", 0x1800, 0x1000)];
        let loaded = vec![
            LoadedImage { module: ModuleId(0), pid: 0, load: Ticks::UNKNOWN, unload: Ticks(100) },
            LoadedImage { module: ModuleId(1), pid: 0, load: Ticks(200), unload: Ticks::NEVER },
        ];
        let table = ModuleTable::new(modules, loaded);
        assert_eq!(table.find(0, 0x1900, Ticks(50)), ModuleId(0));
        assert_eq!(table.find(0, 0x1900, Ticks(250)), ModuleId(1));
        assert_eq!(table.find(0, 0x1900, Ticks(150)), ModuleId(0));
        assert_eq!(table.find(0, 0x5000, Ticks(250)), ModuleId::NONE);
        assert_eq!(table.find(7, 0x1900, Ticks(250)), ModuleId::NONE);
        assert_ne!(table.epoch(0, Ticks(50)), table.epoch(0, Ticks(250)));
        assert_eq!((table.epoch(7, Ticks(250)), table.epoch_start(7, 0)), (0, Ticks::UNKNOWN));
        let epoch = table.epoch(0, Ticks(250));
        assert_eq!(table.find(0, 0x1900, table.epoch_start(0, epoch)), ModuleId(1));
    }
}
