//! Images: from their load, unload and run-down records, and the identities that a merge puts beside these, to modules and
//! their lives. It must never give an identity to an image that was not the one there at the identity's time.

use super::shard::ImageChange;
use crate::trace::ids::ModuleId;
use crate::trace::module::{LoadedImage, Module, ModuleTable, Rsds, file_name};
use crate::trace::time::Ticks;
use poolscope_etl::event::image::{ImageIdEvent, RsdsEvent};
use poolscope_etl::event::image::ImageEvent;
use poolscope_etl::event::stack::is_kernel_address;
use rustc_hash::FxHashMap;

/// Process and base address.
type Place = (u32, u64);

/// System, which some records name as the process of kernel images.
const SYSTEM_PID: u32 = 4;

/// What identity records of one moment say about the image at a place.
#[derive(Debug)]
struct Identity {
    time: Ticks,
    /// 0 where no record says.
    timestamp: u32,
    rsds: Option<Rsds>,
    used: bool,
}

/// One image in one process from load to unload.
#[derive(Debug)]
struct Life {
    place: Place,
    path: String,
    size: u64,
    checksum: u32,
    timestamp: u32,
    rsds: Option<Rsds>,
    load: Ticks,
    unload: Ticks,
}

impl Life {
    /// Whether a record may be about this image: the same file, as far as both say. Load records give another form of the
    /// path than run-downs do.
    fn is_of(&self, event: &ImageEvent, identity: &Known) -> bool {
        let same_name = file_name(&self.path).eq_ignore_ascii_case(file_name(&event.path));
        let same_rsds = match (&self.rsds, &identity.rsds) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        same_name
            && same_rsds
            && (self.size, self.checksum) == (event.size, event.checksum)
            && agree(self.timestamp, identity.timestamp)
    }

    fn learn(&mut self, identity: Known) {
        if self.timestamp == 0 {
            self.timestamp = identity.timestamp;
        }
        if self.rsds.is_none() {
            self.rsds = identity.rsds;
        }
    }
}

/// Whether two time stamps may be the same: 0 says nothing.
fn agree(a: u32, b: u32) -> bool {
    a == 0 || b == 0 || a == b
}

/// What is known of the image of one record.
struct Known {
    timestamp: u32,
    rsds: Option<Rsds>,
}

/// Images in the making. Identities first, then the images, both in the order of time.
#[derive(Debug)]
pub struct Images {
    pointer_size: u8,
    identities: FxHashMap<Place, Vec<Identity>>,
    lives: Vec<Life>,
    /// Newest life at a place.
    newest: FxHashMap<Place, usize>,
}

impl Images {
    /// For a trace of this bitness.
    pub fn new(pointer_size: u8) -> Self {
        let (identities, newest) = Default::default();
        Self { pointer_size, identities, lives: Vec::new(), newest }
    }

    /// Kernel images are the same in every process.
    fn place(&self, pid: u32, base: u64) -> Place {
        let is_kernel = pid == SYSTEM_PID && is_kernel_address(base, self.pointer_size);
        (if is_kernel { 0 } else { pid }, base)
    }

    /// An ImageID record. It stands before the RSDS record of the same image.
    pub fn image_id(&mut self, time: Ticks, event: &ImageIdEvent) {
        let place = self.place(event.process, event.base);
        let identity = Identity { time, timestamp: event.timestamp, rsds: None, used: false };
        self.identities.entry(place).or_default().push(identity);
    }

    /// An RSDS record.
    pub fn rsds(&mut self, time: Ticks, event: &RsdsEvent) {
        let rsds = Rsds { guid: event.guid, age: event.age, pdb_name: event.pdb_name.clone() };
        let rows = self.identities.entry(self.place(event.process, event.base)).or_default();
        match rows.last_mut().filter(|last| last.time == time && last.rsds.is_none()) {
            Some(last) => last.rsds = Some(rsds),
            None => rows.push(Identity { time, timestamp: 0, rsds: Some(rsds), used: false }),
        }
    }

    /// An image record.
    pub fn event(&mut self, time: Ticks, change: ImageChange, event: ImageEvent, pid: u32) {
        if event.size == 0 {
            return;
        }
        let place = self.place(pid, event.base);
        let known = self.identity_at(place, time, event.timestamp);
        let newest = self.newest.get(&place).copied();
        let open = newest.filter(|at| self.lives.get(*at).is_some_and(|life| life.unload == Ticks::NEVER));
        let same = open.filter(|at| self.lives.get(*at).is_some_and(|life| life.is_of(&event, &known)));
        let at = match (change, same) {
            // The same image again: a run-down repeats itself, or had put the beginning earlier than the load.
            (_, Some(at)) => {
                if let Some(life) = self.lives.get_mut(at) {
                    life.learn(known);
                }
                at
            }
            (ImageChange::Load, None) => self.begin(place, event, known, time),
            // A stop run-down may be all that is left of a wrapped trace.
            (ImageChange::Start | ImageChange::Stop | ImageChange::Unload, None) => {
                self.begin(place, event, known, Ticks::UNKNOWN)
            }
        };
        if change == ImageChange::Unload
            && let Some(life) = self.lives.get_mut(at)
        {
            life.unload = time;
        }
    }

    fn begin(&mut self, place: Place, event: ImageEvent, known: Known, load: Ticks) -> usize {
        let mut load = load;
        if let Some(before) = self.newest.get(&place).and_then(|&at| self.lives.get_mut(at)) {
            if before.unload == Ticks::NEVER && load.is_known() {
                before.unload = load;
            }
            if !load.is_known() && before.unload.is_known() {
                load = Ticks(before.unload.0 + 1);
            }
        }
        self.newest.insert(place, self.lives.len());
        let Known { timestamp, rsds } = known;
        let ImageEvent { path, size, checksum, .. } = event;
        self.lives.push(Life { place, path, size, checksum, timestamp, rsds, load, unload: Ticks::NEVER });
        self.lives.len() - 1
    }

    /// What is known of the image of a record: identities have its time, and stand before it or after it in the file.
    fn identity_at(&mut self, place: Place, time: Ticks, timestamp: u32) -> Known {
        let mut known = Known { timestamp, rsds: None };
        let rows = self.identities.get_mut(&place).map(Vec::as_mut_slice).unwrap_or_default();
        let first = rows.partition_point(|row| row.time < time);
        for row in rows.iter_mut().skip(first).take_while(|row| row.time == time) {
            if !agree(known.timestamp, row.timestamp) {
                continue;
            }
            row.used = true;
            known.timestamp = known.timestamp.max(row.timestamp);
            if let Some(rsds) = &row.rsds
                && known.rsds.as_ref().is_none_or(|before| is_native(rsds) && !is_native(before))
            {
                known.rsds = Some(rsds.clone());
            }
        }
        known
    }

    /// The finished modules and lives.
    pub fn finish(mut self) -> ModuleTable {
        self.settle_identities();
        let mut modules: Vec<Module> = Vec::new();
        let mut by_key: FxHashMap<ModuleKey, ModuleId> = FxHashMap::default();
        let mut lives = Vec::with_capacity(self.lives.len());
        share_identities(&mut self.lives);
        for life in self.lives {
            let (load, unload) = (life.load, life.unload);
            let (pid, base) = life.place;
            let module = Module {
                name: file_name(&life.path).to_owned(),
                path: life.path,
                base,
                size_bytes: life.size,
                timestamp: life.timestamp,
                checksum: life.checksum,
                rsds: life.rsds,
                is_kernel: pid == 0,
            };
            let id = *by_key.entry(ModuleKey::of(&module)).or_insert_with(|| {
                modules.push(module);
                ModuleId(modules.len() as u32 - 1)
            });
            lives.push(LoadedImage { module: id, pid, load, unload });
        }
        ModuleTable::new(modules, lives)
    }

    /// Gives the identities that no image record has the time of to the image that was there then.
    fn settle_identities(&mut self) {
        let mut at_place: FxHashMap<Place, Vec<usize>> = FxHashMap::default();
        for (at, life) in self.lives.iter().enumerate() {
            at_place.entry(life.place).or_default().push(at);
        }
        // Each place is looked at alone, so that the order of the places changes nothing.
        let mut places: Vec<Place> = self.identities.keys().copied().collect();
        places.sort_unstable();
        for place in places {
            let Some((rows, there)) = self.identities.remove(&place).zip(at_place.get(&place)) else { continue };
            for row in rows.into_iter().filter(|row| !row.used) {
                let fits = |at: &&usize| {
                    self.lives.get(**at).is_some_and(|life| life.rsds.is_none() && agree(life.timestamp, row.timestamp))
                };
                let distance = |at: &&usize| {
                    let life = self.lives.get(**at);
                    life.map_or((true, i64::MAX), |life| {
                        let same_stamp = row.timestamp != 0 && life.timestamp == row.timestamp;
                        let away = if row.time > life.unload {
                            row.time.0.saturating_sub(life.unload.0)
                        } else {
                            life.load.0.saturating_sub(row.time.0).max(0)
                        };
                        (!same_stamp, away)
                    })
                };
                let nearest = there.iter().filter(fits).min_by_key(distance).copied();
                if let Some(life) = nearest.and_then(|at| self.lives.get_mut(at)) {
                    life.learn(Known { timestamp: row.timestamp, rsds: row.rsds });
                }
            }
        }
    }
}

/// Whether a PDB is that of a native image, whose managed PDB some merges name too.
fn is_native(rsds: &Rsds) -> bool {
    rsds.pdb_name.to_ascii_lowercase().ends_with(".ni.pdb")
}

/// A module is the same file, by place, path, size and identity, at the same base.
#[derive(PartialEq, Eq, Hash)]
struct ModuleKey {
    base: u64,
    size: u64,
    checksum: u32,
    timestamp: u32,
    rsds: Option<Rsds>,
    path: String,
    is_kernel: bool,
}

impl ModuleKey {
    fn of(module: &Module) -> Self {
        Self {
            base: module.base,
            size: module.size_bytes,
            checksum: module.checksum,
            timestamp: module.timestamp,
            rsds: module.rsds.clone(),
            path: plain_path(&module.path),
            is_kernel: module.is_kernel,
        }
    }
}

/// A path in the form that all records of a file have in common: without the volume, in lower case.
fn plain_path(path: &str) -> String {
    let lower = path.to_lowercase();
    let rest = lower.strip_prefix("\\??\\").unwrap_or(&lower);
    if let Some(rest) = rest.strip_prefix("\\systemroot\\") {
        return format!("\\windows\\{rest}");
    }
    let volume = rest.strip_prefix("\\device\\harddiskvolume");
    let folder = volume.and_then(|rest| rest.find('\\').and_then(|at| rest.get(at..)));
    let drive = rest.get(1..).and_then(|rest| rest.strip_prefix(':')).filter(|rest| rest.starts_with('\\'));
    folder.or(drive).unwrap_or(rest).to_owned()
}

/// The same file at another base, in another process or at another time has the same identity, where only one is known.
fn share_identities(lives: &mut [Life]) {
    type FileKey = (String, u64, u32);
    let key = |life: &Life| -> FileKey { (plain_path(&life.path), life.size, life.checksum) };
    // `None`: several identities are known, so that none of them is sure for the rest.
    let mut known: FxHashMap<FileKey, Option<(Rsds, u32)>> = FxHashMap::default();
    for life in lives.iter() {
        let Some(rsds) = &life.rsds else { continue };
        let one = known.entry(key(life)).or_insert_with(|| Some((rsds.clone(), life.timestamp)));
        match one {
            Some((other, timestamp)) if other == rsds => *timestamp = (*timestamp).max(life.timestamp),
            other => *other = None,
        }
    }
    for life in lives.iter_mut() {
        if let Some(Some((rsds, timestamp))) = known.get(&key(life))
            && agree(life.timestamp, *timestamp)
        {
            life.learn(Known { timestamp: *timestamp, rsds: Some(rsds.clone()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_base::guid::Guid;

    const BASE: u64 = 0xffff_f880_0100_0000;

    fn event(path: &str, timestamp: u32) -> ImageEvent {
        ImageEvent { base: BASE, size: 0x1000, process: Some(0), checksum: 0, timestamp, path: path.to_owned() }
    }

    fn rsds(age: u32) -> RsdsEvent {
        RsdsEvent { base: BASE, process: 0, guid: Guid([1; 16]), age, pdb_name: format!("{age}.pdb") }
    }

    fn id(timestamp: u32) -> ImageIdEvent {
        ImageIdEvent { base: BASE, process: 0, size: 0x1000, timestamp, original_name: String::new() }
    }

    /// The module at a time: name, age of its PDB, time stamp.
    fn at(table: &ModuleTable, time: i64) -> (&str, Option<u32>, u32) {
        let module = table.get(table.find(0, BASE + 8, Ticks(time))).expect("a module is there");
        (&module.name, module.rsds.as_ref().map(|r| r.age), module.timestamp)
    }

    #[test]
    fn a_driver_in_the_place_of_another_keeps_its_own_identity() {
        let mut images = Images::new(8);
        // As merges write them: identity first, of the same time as the image record.
        for (time, age) in [(0, 1), (100, 1), (200, 2), (900, 2)] {
            images.image_id(Ticks(time), &id(age * 10));
            images.rsds(Ticks(time), &rsds(age));
        }
        images.event(Ticks(0), ImageChange::Start, event("\\SystemRoot\\old.sys", 0), 0);
        images.event(Ticks(100), ImageChange::Unload, event("\\SystemRoot\\old.sys", 10), 0);
        images.event(Ticks(200), ImageChange::Load, event("\\??\\C:\\Windows\\new.sys", 20), 0);
        images.event(Ticks(900), ImageChange::Stop, event("\\SystemRoot\\new.sys", 0), 4);
        let table = images.finish();
        assert_eq!((at(&table, 50), at(&table, 300)), (("old.sys", Some(1), 10), ("new.sys", Some(2), 20)));
        assert_eq!((table.modules().len(), table.loaded_images().len()), (2, 2));
    }

    #[test]
    fn an_identity_is_not_given_to_the_driver_before_whose_unload_was_lost() {
        let mut images = Images::new(8);
        images.rsds(Ticks(200), &rsds(2));
        images.event(Ticks(0), ImageChange::Start, event("\\SystemRoot\\old.sys", 0), 0);
        images.event(Ticks(200), ImageChange::Load, event("\\SystemRoot\\new.sys", 0), 0);
        let table = images.finish();
        assert_eq!((at(&table, 50), at(&table, 300)), (("old.sys", None, 0), ("new.sys", Some(2), 0)));
    }

    #[test]
    fn a_new_build_of_a_driver_is_another_module() {
        let mut images = Images::new(8);
        images.rsds(Ticks(0), &rsds(1));
        images.rsds(Ticks(200), &rsds(2));
        images.event(Ticks(0), ImageChange::Start, event("\\SystemRoot\\my.sys", 0), 0);
        images.event(Ticks(100), ImageChange::Unload, event("\\SystemRoot\\my.sys", 0), 0);
        images.event(Ticks(200), ImageChange::Load, event("\\SystemRoot\\my.sys", 0), 0);
        images.event(Ticks(300), ImageChange::Unload, event("\\SystemRoot\\my.sys", 0), 0);
        images.event(Ticks(400), ImageChange::Load, event("\\SystemRoot\\my.sys", 0), 0);
        let table = images.finish();
        let builds = [50, 250, 450].map(|time| at(&table, time).1);
        assert_eq!(builds, [Some(1), Some(2), None], "which build the last one is, nothing says");
    }

    #[test]
    fn identities_of_other_times_go_to_the_image_that_was_there_then() {
        let mut images = Images::new(8);
        images.rsds(Ticks(60), &rsds(1));
        images.image_id(Ticks(950), &id(20));
        images.rsds(Ticks(950), &rsds(2));
        images.event(Ticks(0), ImageChange::Start, event("\\SystemRoot\\old.sys", 0), 0);
        images.event(Ticks(100), ImageChange::Unload, event("\\SystemRoot\\old.sys", 0), 0);
        images.event(Ticks(200), ImageChange::Load, event("\\SystemRoot\\new.sys", 20), 0);
        images.event(Ticks(900), ImageChange::Unload, event("\\SystemRoot\\new.sys", 20), 0);
        let table = images.finish();
        assert_eq!((at(&table, 50), at(&table, 300)), (("old.sys", Some(1), 0), ("new.sys", Some(2), 20)));
    }

    #[test]
    fn a_file_elsewhere_shares_the_identity_but_never_one_of_two() {
        let mut images = Images::new(8);
        images.rsds(Ticks(0), &rsds(1));
        images.event(Ticks(0), ImageChange::Start, event("\\Device\\HarddiskVolume3\\Windows\\a.dll", 0), 0);
        let elsewhere = ImageEvent { base: 0x7000_0000, ..event("\\SystemRoot\\A.dll", 0) };
        images.event(Ticks(5), ImageChange::Load, elsewhere, 77);
        let table = images.finish();
        assert_eq!(table.modules().len(), 2);
        assert!(table.modules().iter().all(|m| m.rsds.as_ref().is_some_and(|r| r.age == 1)));
        assert_eq!(table.modules().iter().map(|m| m.is_kernel).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_native_image_has_the_pdb_of_its_machine_code() {
        let mut images = Images::new(8);
        let named = |name: &str, age| RsdsEvent { pdb_name: name.to_owned(), ..rsds(age) };
        images.image_id(Ticks(0), &id(7));
        images.rsds(Ticks(0), &named("System.pdb", 1));
        images.rsds(Ticks(0), &named("System.ni.pdb", 2));
        images.event(Ticks(0), ImageChange::Start, event("\\Windows\\System.ni.dll", 0), 0);
        assert_eq!(at(&images.finish(), 9), ("System.ni.dll", Some(2), 7));
    }

    #[test]
    fn paths_of_one_file_are_the_same() {
        let forms =
            ["\\SystemRoot\\x\\A.sys", "\\??\\C:\\Windows\\x\\a.sys", "\\Device\\HarddiskVolume12\\WINDOWS\\x\\a.sys"];
        assert!(forms.iter().all(|form| plain_path(form) == "\\windows\\x\\a.sys"));
        assert_eq!(plain_path("a"), "a");
        assert_eq!(plain_path("\u{fc}:\\x"), "\u{fc}:\\x", "no drive has such a letter");
    }
}
