//! Images: load, unload and rundown records, and the identity records that a merge adds next to them, become the module table.
//! An identity belongs to the image that was loaded at its address at its time.

use super::system_events::LifecycleChange;
use crate::trace::ids::ModuleId;
use crate::trace::module::{LoadedImage, Module, ModuleTable, Rsds, file_name};
use crate::trace::time::Ticks;
use poolscope_etl::event::image::{FileVersionEvent, ImageEvent, ImageIdEvent, RsdsEvent};
use poolscope_etl::event::stack::is_kernel_address;
use rustc_hash::FxHashMap;

/// Process number (0: kernel) and base address of an image.
type ImageSlot = (u32, u64);

/// The System process, which some records have as the process of kernel images.
const SYSTEM_PID: u32 = 4;

/// Identity records of one time and one image.
#[derive(Debug)]
struct IdentityRecord {
    time: Ticks,
    /// Time stamp of the image file; 0 if not recorded.
    timestamp: u32,
    rsds: Option<Rsds>,
    /// True if an image record of the same time has taken it.
    is_used: bool,
}

/// An image in one process, from load to unload.
#[derive(Debug)]
struct TrackedImage {
    slot: ImageSlot,
    path: String,
    size: u64,
    checksum: u32,
    timestamp: u32,
    rsds: Option<Rsds>,
    load: Ticks,
    unload: Ticks,
}

impl TrackedImage {
    /// Returns `true` if a record is about this image: name, size, checksum and known identities are the same. Paths are not compared, since
    /// load records and rundown records have different forms.
    fn is_same_image(&self, event: &ImageEvent, identity: &KnownIdentity) -> bool {
        let same_name = file_name(&self.path).eq_ignore_ascii_case(file_name(&event.path));
        let same_rsds = match (&self.rsds, &identity.rsds) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        same_name
            && same_rsds
            && (self.size, self.checksum) == (event.size, event.checksum)
            && may_be_equal(self.timestamp, identity.timestamp)
    }

    /// Adds the parts of an identity that the image does not have yet.
    fn fill_in(&mut self, identity: KnownIdentity) {
        if self.timestamp == 0 {
            self.timestamp = identity.timestamp;
        }
        if self.rsds.is_none() {
            self.rsds = identity.rsds;
        }
    }
}

/// Returns `true` if two time stamps may be equal; 0 is unknown.
fn may_be_equal(a: u32, b: u32) -> bool {
    a == 0 || b == 0 || a == b
}

/// Known identity of an image.
struct KnownIdentity {
    timestamp: u32,
    rsds: Option<Rsds>,
}

/// Builder of the module table. It takes all identity records first, then all image records, both in time order.
#[derive(Debug)]
pub struct ImageTracker {
    pointer_size: u8,
    identities: FxHashMap<ImageSlot, Vec<IdentityRecord>>,
    /// File versions by time stamp and size of the image; `None` where records differ.
    versions: FxHashMap<(u32, u32), Option<String>>,
    images: Vec<TrackedImage>,
    /// Position of the latest image by process and base address.
    newest: FxHashMap<ImageSlot, usize>,
}

impl ImageTracker {
    /// Builder for a trace with this pointer size.
    pub fn new(pointer_size: u8) -> Self {
        let (identities, versions, newest) = Default::default();
        Self { pointer_size, identities, versions, images: Vec::new(), newest }
    }

    /// Slot of an image; kernel images are the same in every process.
    fn slot(&self, pid: u32, base: u64) -> ImageSlot {
        let is_kernel = pid == SYSTEM_PID && is_kernel_address(base, self.pointer_size);
        (if is_kernel { 0 } else { pid }, base)
    }

    /// Adds an ImageID record. It comes before the RSDS record of the same image.
    pub fn image_id(&mut self, time: Ticks, event: &ImageIdEvent) {
        let slot = self.slot(event.process, event.base);
        let identity = IdentityRecord { time, timestamp: event.timestamp, rsds: None, is_used: false };
        self.identities.entry(slot).or_default().push(identity);
    }

    /// Adds an RSDS record.
    pub fn rsds(&mut self, time: Ticks, event: &RsdsEvent) {
        let rsds = Rsds { guid: event.guid, age: event.age, pdb_name: event.pdb_name.clone() };
        let rows = self.identities.entry(self.slot(event.process, event.base)).or_default();
        match rows.last_mut().filter(|last| last.time == time && last.rsds.is_none()) {
            Some(last) => last.rsds = Some(rsds),
            None => rows.push(IdentityRecord { time, timestamp: 0, rsds: Some(rsds), is_used: false }),
        }
    }

    /// Adds a version record. It names its image by time stamp and size, as symbol servers do.
    pub fn file_version(&mut self, event: &FileVersionEvent) {
        if event.timestamp == 0 || event.version.is_empty() {
            return;
        }
        let known = self.versions.entry((event.timestamp, event.size)).or_insert_with(|| Some(event.version.clone()));
        if known.as_ref().is_some_and(|version| *version != event.version) {
            *known = None;
        }
    }

    /// Adds an image record.
    pub fn event(&mut self, time: Ticks, change: LifecycleChange, event: ImageEvent, pid: u32) {
        if event.size == 0 {
            return;
        }
        let slot = self.slot(pid, event.base);
        let known = self.identity_at(slot, time, event.timestamp);
        let newest = self.newest.get(&slot).copied();
        let open = newest.filter(|at| self.images.get(*at).is_some_and(|image| image.unload == Ticks::NEVER));
        let same = open.filter(|at| self.images.get(*at).is_some_and(|image| image.is_same_image(&event, &known)));
        let at = match (change, same) {
            // The same image again: in another rundown, or in a load record after its rundown record.
            (_, Some(at)) => {
                if let Some(image) = self.images.get_mut(at) {
                    image.fill_in(known);
                }
                at
            }
            (LifecycleChange::Start, None) => self.begin_image(slot, event, known, time),
            // A rundown at the end may be the only record of an image in a wrapped trace.
            (LifecycleChange::DcStart | LifecycleChange::DcEnd | LifecycleChange::End, None) => {
                self.begin_image(slot, event, known, Ticks::UNKNOWN)
            }
        };
        if change == LifecycleChange::End
            && let Some(image) = self.images.get_mut(at)
        {
            image.unload = time;
        }
    }

    fn begin_image(&mut self, slot: ImageSlot, event: ImageEvent, known: KnownIdentity, load: Ticks) -> usize {
        let mut load = load;
        if let Some(before) = self.newest.get(&slot).and_then(|&at| self.images.get_mut(at)) {
            if before.unload == Ticks::NEVER && load.is_known() {
                before.unload = load;
            }
            if !load.is_known() && before.unload.is_known() {
                load = Ticks(before.unload.0 + 1);
            }
        }
        self.newest.insert(slot, self.images.len());
        let KnownIdentity { timestamp, rsds } = known;
        let ImageEvent { path, size, checksum, .. } = event;
        self.images.push(TrackedImage { slot, path, size, checksum, timestamp, rsds, load, unload: Ticks::NEVER });
        self.images.len() - 1
    }

    /// Identity of the image of a record: that of identity records of the same time, which come before or after it in the file.
    fn identity_at(&mut self, slot: ImageSlot, time: Ticks, timestamp: u32) -> KnownIdentity {
        let mut known = KnownIdentity { timestamp, rsds: None };
        let rows = self.identities.get_mut(&slot).map(Vec::as_mut_slice).unwrap_or_default();
        let first = rows.partition_point(|row| row.time < time);
        for row in rows.iter_mut().skip(first).take_while(|row| row.time == time) {
            if !may_be_equal(known.timestamp, row.timestamp) {
                continue;
            }
            row.is_used = true;
            known.timestamp = known.timestamp.max(row.timestamp);
            if let Some(rsds) = &row.rsds
                && known.rsds.as_ref().is_none_or(|before| is_native(rsds) && !is_native(before))
            {
                known.rsds = Some(rsds.clone());
            }
        }
        known
    }

    /// Finishes the module table.
    pub fn finish(mut self) -> ModuleTable {
        self.assign_identities();
        let mut modules: Vec<Module> = Vec::new();
        let mut by_key: FxHashMap<ModuleKey, ModuleId> = FxHashMap::default();
        let mut images = Vec::with_capacity(self.images.len());
        share_identities(&mut self.images);
        for image in self.images {
            let (load, unload) = (image.load, image.unload);
            let (pid, base) = image.slot;
            let file_version = self.versions.get(&(image.timestamp, image.size as u32)).cloned().flatten();
            let module = Module {
                name: file_name(&image.path).to_owned(),
                path: image.path,
                base,
                size_bytes: image.size,
                timestamp: image.timestamp,
                checksum: image.checksum,
                rsds: image.rsds,
                file_version,
                is_kernel: pid == 0,
            };
            let id = *by_key.entry(ModuleKey::of(&module)).or_insert_with(|| {
                modules.push(module);
                ModuleId(modules.len() as u32 - 1)
            });
            images.push(LoadedImage { module: id, pid, load, unload });
        }
        ModuleTable::new(modules, images)
    }

    /// Gives identities that have the time of no image record to the image that was loaded at their time.
    fn assign_identities(&mut self) {
        let mut images_at: FxHashMap<ImageSlot, Vec<usize>> = FxHashMap::default();
        for (at, image) in self.images.iter().enumerate() {
            images_at.entry(image.slot).or_default().push(at);
        }
        // Slots are independent, so the result does not depend on their order.
        let mut slots: Vec<ImageSlot> = self.identities.keys().copied().collect();
        slots.sort_unstable();
        for slot in slots {
            let Some((rows, there)) = self.identities.remove(&slot).zip(images_at.get(&slot)) else { continue };
            for row in rows.into_iter().filter(|row| !row.is_used) {
                let fits = |at: &&usize| {
                    self.images
                        .get(**at)
                        .is_some_and(|image| image.rsds.is_none() && may_be_equal(image.timestamp, row.timestamp))
                };
                let distance = |at: &&usize| {
                    let image = self.images.get(**at);
                    image.map_or((true, i64::MAX), |image| {
                        let same_stamp = row.timestamp != 0 && image.timestamp == row.timestamp;
                        let away = if row.time > image.unload {
                            row.time.0.saturating_sub(image.unload.0)
                        } else {
                            image.load.0.saturating_sub(row.time.0).max(0)
                        };
                        (!same_stamp, away)
                    })
                };
                let nearest = there.iter().filter(fits).min_by_key(distance).copied();
                if let Some(image) = nearest.and_then(|at| self.images.get_mut(at)) {
                    image.fill_in(KnownIdentity { timestamp: row.timestamp, rsds: row.rsds });
                }
            }
        }
    }
}

/// Returns `true` if it is the PDB of a native (precompiled .NET) image. Some merges record its managed PDB too.
fn is_native(rsds: &Rsds) -> bool {
    rsds.pdb_name.to_ascii_lowercase().ends_with(".ni.pdb")
}

/// Key of a module: the same file at the same base address.
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

/// A path in the form that is the same in all records of a file: without the volume, in lower case.
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

/// Gives images without an identity that of the same file at other addresses, in other processes or at other times, if only one
/// is known.
fn share_identities(images: &mut [TrackedImage]) {
    type FileKey = (String, u64, u32);
    let key = |image: &TrackedImage| -> FileKey { (plain_path(&image.path), image.size, image.checksum) };
    // `None`: several identities are known, so that none is certain for the others.
    let mut known: FxHashMap<FileKey, Option<(Rsds, u32)>> = FxHashMap::default();
    for image in images.iter() {
        let Some(rsds) = &image.rsds else { continue };
        let one = known.entry(key(image)).or_insert_with(|| Some((rsds.clone(), image.timestamp)));
        match one {
            Some((other, timestamp)) if other == rsds => *timestamp = (*timestamp).max(image.timestamp),
            other => *other = None,
        }
    }
    for image in images.iter_mut() {
        if let Some(Some((rsds, timestamp))) = known.get(&key(image))
            && may_be_equal(image.timestamp, *timestamp)
        {
            image.fill_in(KnownIdentity { timestamp: *timestamp, rsds: Some(rsds.clone()) });
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
    fn a_version_belongs_to_the_image_of_its_time_stamp_and_size() {
        let mut images = ImageTracker::new(8);
        let version =
            |timestamp, size, version: &str| FileVersionEvent { size, timestamp, version: version.to_owned() };
        images.file_version(&version(10, 0x1000, "1.0"));
        images.file_version(&version(20, 0x1000, "2.0"));
        images.file_version(&version(30, 0x2000, "3.0"));
        images.file_version(&version(40, 0x1000, "4.0"));
        images.file_version(&version(40, 0x1000, "4.1"));
        images.file_version(&version(0, 0x1000, "0.0"));
        let builds = [(0, 10), (100, 20), (200, 30), (300, 40), (400, 0)];
        for (time, timestamp) in builds {
            images.event(Ticks(time), LifecycleChange::Start, event("\\SystemRoot\\my.sys", timestamp), 0);
            images.event(Ticks(time + 50), LifecycleChange::End, event("\\SystemRoot\\my.sys", timestamp), 0);
        }
        let table = images.finish();
        let at =
            |time| table.get(table.find(0, BASE + 8, Ticks(time))).and_then(|module| module.file_version.as_deref());
        let found = builds.map(|(time, _)| at(time + 10));
        assert_eq!(found, [Some("1.0"), Some("2.0"), None, None, None], "another size, two versions, no time stamp");
    }

    #[test]
    fn a_driver_in_the_place_of_another_keeps_its_own_identity() {
        let mut images = ImageTracker::new(8);
        // As merges write them: identity first, of the same time as the image record.
        for (time, age) in [(0, 1), (100, 1), (200, 2), (900, 2)] {
            images.image_id(Ticks(time), &id(age * 10));
            images.rsds(Ticks(time), &rsds(age));
        }
        images.event(Ticks(0), LifecycleChange::DcStart, event("\\SystemRoot\\old.sys", 0), 0);
        images.event(Ticks(100), LifecycleChange::End, event("\\SystemRoot\\old.sys", 10), 0);
        images.event(Ticks(200), LifecycleChange::Start, event("\\??\\C:\\Windows\\new.sys", 20), 0);
        images.event(Ticks(900), LifecycleChange::DcEnd, event("\\SystemRoot\\new.sys", 0), 4);
        let table = images.finish();
        assert_eq!((at(&table, 50), at(&table, 300)), (("old.sys", Some(1), 10), ("new.sys", Some(2), 20)));
        assert_eq!((table.modules().len(), table.loaded_images().len()), (2, 2));
    }

    #[test]
    fn an_identity_is_not_given_to_an_earlier_driver_whose_unload_was_lost() {
        let mut images = ImageTracker::new(8);
        images.rsds(Ticks(200), &rsds(2));
        images.event(Ticks(0), LifecycleChange::DcStart, event("\\SystemRoot\\old.sys", 0), 0);
        images.event(Ticks(200), LifecycleChange::Start, event("\\SystemRoot\\new.sys", 0), 0);
        let table = images.finish();
        assert_eq!((at(&table, 50), at(&table, 300)), (("old.sys", None, 0), ("new.sys", Some(2), 0)));
    }

    #[test]
    fn a_new_build_of_a_driver_is_another_module() {
        let mut images = ImageTracker::new(8);
        images.rsds(Ticks(0), &rsds(1));
        images.rsds(Ticks(200), &rsds(2));
        images.event(Ticks(0), LifecycleChange::DcStart, event("\\SystemRoot\\my.sys", 0), 0);
        images.event(Ticks(100), LifecycleChange::End, event("\\SystemRoot\\my.sys", 0), 0);
        images.event(Ticks(200), LifecycleChange::Start, event("\\SystemRoot\\my.sys", 0), 0);
        images.event(Ticks(300), LifecycleChange::End, event("\\SystemRoot\\my.sys", 0), 0);
        images.event(Ticks(400), LifecycleChange::Start, event("\\SystemRoot\\my.sys", 0), 0);
        let table = images.finish();
        let builds = [50, 250, 450].map(|time| at(&table, time).1);
        assert_eq!(builds, [Some(1), Some(2), None], "which build the last one is, nothing says");
    }

    #[test]
    fn identities_of_other_times_go_to_the_image_that_was_there_then() {
        let mut images = ImageTracker::new(8);
        images.rsds(Ticks(60), &rsds(1));
        images.image_id(Ticks(950), &id(20));
        images.rsds(Ticks(950), &rsds(2));
        images.event(Ticks(0), LifecycleChange::DcStart, event("\\SystemRoot\\old.sys", 0), 0);
        images.event(Ticks(100), LifecycleChange::End, event("\\SystemRoot\\old.sys", 0), 0);
        images.event(Ticks(200), LifecycleChange::Start, event("\\SystemRoot\\new.sys", 20), 0);
        images.event(Ticks(900), LifecycleChange::End, event("\\SystemRoot\\new.sys", 20), 0);
        let table = images.finish();
        assert_eq!((at(&table, 50), at(&table, 300)), (("old.sys", Some(1), 0), ("new.sys", Some(2), 20)));
    }

    #[test]
    fn a_file_elsewhere_shares_the_identity_but_never_one_of_two() {
        let mut images = ImageTracker::new(8);
        images.rsds(Ticks(0), &rsds(1));
        images.event(Ticks(0), LifecycleChange::DcStart, event("\\Device\\HarddiskVolume3\\Windows\\a.dll", 0), 0);
        let elsewhere = ImageEvent { base: 0x7000_0000, ..event("\\SystemRoot\\A.dll", 0) };
        images.event(Ticks(5), LifecycleChange::Start, elsewhere, 77);
        let table = images.finish();
        assert_eq!(table.modules().len(), 2);
        assert!(table.modules().iter().all(|m| m.rsds.as_ref().is_some_and(|r| r.age == 1)));
        assert_eq!(table.modules().iter().map(|m| m.is_kernel).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_native_image_has_the_pdb_of_its_machine_code() {
        let mut images = ImageTracker::new(8);
        let named = |name: &str, age| RsdsEvent { pdb_name: name.to_owned(), ..rsds(age) };
        images.image_id(Ticks(0), &id(7));
        images.rsds(Ticks(0), &named("System.pdb", 1));
        images.rsds(Ticks(0), &named("System.ni.pdb", 2));
        images.event(Ticks(0), LifecycleChange::DcStart, event("\\Windows\\System.ni.dll", 0), 0);
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
