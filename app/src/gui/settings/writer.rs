//! Reads settings once and writes what changed on a thread, soon after each change and never two at a time. What another window
//! wrote meanwhile stays, and a text that cannot be read is never written over. The window never waits for it but at its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::Settings;
use super::patch::patched;
use super::store::{Part, Store};
use crate::gui::model::presets;

/// Values that are not known and are named at most.
const NAMED: usize = 5;

/// Writes one state after the other; a newer one replaces those that wait.
pub struct SettingsWriter {
    shared: Arc<Shared>,
}

/// Settings that are to be written.
struct Waiting {
    settings: Settings,
    /// They replace the file, even if another process wrote it.
    replaces_all: bool,
}

struct Shared {
    store: Arc<dyn Store>,
    waiting: Mutex<Option<Waiting>>,
    /// Each part as this window read or wrote it last. Locked while writing, so that an older state never
    /// comes after a newer one.
    known: Mutex<BTreeMap<Part, Value>>,
    error: Mutex<Option<String>>,
}

impl Shared {
    fn write_waiting(&self) {
        let mut known = self.known.lock();
        let Some(waiting) = self.waiting.lock().take() else { return };
        let done = self.store.lock().map_err(|error| error.to_string()).and_then(|_lock| {
            // Presets first: those in the other file are removed only once they are saved.
            [Part::Presets, Part::Settings].into_iter().try_for_each(|part| self.write(part, &waiting, &mut known))
        });
        if let Err(error) = done {
            *self.error.lock() = Some(error);
            // It is tried again with the next change.
            self.waiting.lock().get_or_insert(waiting);
        }
    }

    /// Writes one part, if that changes anything.
    fn write(&self, part: Part, waiting: &Waiting, known: &mut BTreeMap<Part, Value>) -> Result<(), String> {
        let text = self
            .store
            .read(part)
            .map_err(|error| format!("{} cannot be read ({error}) and is not overwritten", part.file_name()))?;
        let there = match text.map(|text| serde_json::from_slice::<Value>(&text)) {
            Some(Ok(value @ Value::Object(_))) => Some(value),
            None => None,
            Some(_) => {
                self.store
                    .put_aside(part)
                    .map_err(|error| format!("{} is damaged and cannot be renamed ({error})", part.file_name()))?;
                None
            }
        };
        let after = value_of(part, &waiting.settings);
        let before = known.get(&part).unwrap_or(&Value::Null);
        let mut new = match &there {
            _ if waiting.replaces_all => after.clone(),
            Some(there) => patched(there.clone(), before, &after),
            // Nothing of its own and nothing of another's: no file.
            None if *before == after => return Ok(()),
            None => patched(Value::Null, &Value::Null, &after),
        };
        if part == Part::Settings
            && let Some(fields) = new.as_object_mut()
        {
            // They were here in the first versions.
            fields.remove("presets");
        }
        if there.as_ref() != Some(&new) {
            let text = serde_json::to_string_pretty(&new).map_err(|error| error.to_string())?;
            self.store.write(part, &(text + "\n")).map_err(|error| error.to_string())?;
        }
        known.insert(part, after);
        Ok(())
    }
}

/// A part of the settings as it is written.
fn value_of(part: Part, settings: &Settings) -> Value {
    match part {
        // Never fails for what this program makes.
        Part::Settings => serde_json::to_value(settings).unwrap_or_default(),
        Part::Presets => {
            json!({ "format": presets::FORMAT, "version": presets::VERSION, "presets": settings.presets })
        }
    }
}

impl SettingsWriter {
    /// A writer for a store, the settings in it, and warnings for the user.
    #[must_use]
    pub fn open(store: Arc<dyn Store>) -> (Self, Settings, Vec<String>) {
        let mut warnings = Vec::new();
        let mut settings = match read(store.as_ref(), Part::Settings, &mut warnings) {
            Some(value) => {
                let (settings, left_out) = Settings::from_value(value);
                warnings.extend(unknown(&left_out));
                settings
            }
            None => Settings::default(),
        };
        let mut known = BTreeMap::from([(Part::Settings, value_of(Part::Settings, &settings))]);
        match read(store.as_ref(), Part::Presets, &mut warnings) {
            Some(file) => {
                settings.presets = file.get("presets").and_then(Value::as_array).cloned().unwrap_or_default();
                known.insert(Part::Presets, value_of(Part::Presets, &settings));
            }
            // Those of the first versions are written into their own file with the next change.
            None => drop(known.insert(Part::Presets, value_of(Part::Presets, &Settings::default()))),
        }
        let known = Mutex::new(known);
        let shared = Shared { store, waiting: Mutex::default(), known, error: Mutex::default() };
        (Self { shared: Arc::new(shared) }, settings, warnings)
    }

    /// Writes soon what changed.
    pub fn save(&self, settings: Settings) {
        self.wait(Waiting { settings, replaces_all: false });
    }

    /// Replaces all settings soon, even if another process wrote them.
    pub fn replace(&self, settings: Settings) {
        self.wait(Waiting { settings, replaces_all: true });
    }

    fn wait(&self, new: Waiting) {
        let mut waiting = self.shared.waiting.lock();
        let replaces_all = new.replaces_all || waiting.as_ref().is_some_and(|waiting| waiting.replaces_all);
        *waiting = Some(Waiting { replaces_all, ..new });
        drop(waiting);
        let shared = Arc::clone(&self.shared);
        let body = move || shared.write_waiting();
        if thread::Builder::new().name("settings".to_owned()).spawn(body).is_err() {
            self.finish();
        }
    }

    /// Error of the last write; returned once.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.shared.error.lock().take()
    }

    /// Writes what is still waiting, here and now.
    pub fn finish(&self) {
        self.shared.write_waiting();
    }
}

/// Content of a part; `None` where it cannot be used, after a warning.
fn read(store: &dyn Store, part: Part, warnings: &mut Vec<String>) -> Option<Value> {
    let what = match part {
        Part::Settings => "settings",
        Part::Presets => "presets",
    };
    let text = match store.read(part) {
        Ok(text) => text?,
        Err(error) => {
            let message = format!(
                "The {what} cannot be read ({error}). poolscope uses the defaults; the file is not overwritten."
            );
            warnings.push(message);
            return None;
        }
    };
    let error = match serde_json::from_slice::<Value>(&text) {
        Ok(value @ Value::Object(_)) => return Some(value),
        Ok(_) => "it contains no JSON object".to_owned(),
        Err(error) => error.to_string(),
    };
    warnings.push(match store.put_aside(part) {
        Ok(aside) => {
            format!("The {what} were damaged ({error}) and were reset. The old file is kept: {aside}")
        }
        Err(other) => format!("The {what} are damaged ({error}) and the file cannot be renamed ({other})."),
    });
    None
}

/// A word about values that are not known.
fn unknown(left_out: &[String]) -> Option<String> {
    if left_out.is_empty() {
        return None;
    }
    let mut named = left_out.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if left_out.len() > NAMED {
        named += &format!(" and {} more", left_out.len() - NAMED);
    }
    Some(format!("Settings that this version does not support use their defaults ({named}). The file is not changed."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::settings::Theme;
    use crate::gui::settings::store::{FileStore, Lock};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A folder of its own for a test, gone when dropped.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("poolscope-keeper-{name}-{}", std::process::id())))
        }

        fn open(&self) -> (SettingsWriter, Settings, Vec<String>) {
            SettingsWriter::open(Arc::new(FileStore::new(&self.0)))
        }

        fn text(&self, name: &str) -> String {
            std::fs::read_to_string(self.0.join(name)).expect("a file")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    fn preset(name: &str) -> Value {
        json!({ "name": name })
    }

    #[test]
    fn a_damaged_file_is_kept_aside() {
        let scratch = Scratch::new("damaged");
        let (keeper, settings, warnings) = scratch.open();
        assert_eq!((settings, warnings), (Settings::default(), vec![]));
        let wanted = Settings { scale_percent: 150, ..Settings::default() };
        keeper.save(wanted.clone());
        keeper.finish();
        assert_eq!(scratch.open().1, wanted);
        std::fs::write(scratch.0.join("settings.json"), "{ half").expect("a file");
        let (_, settings, warnings) = scratch.open();
        assert_eq!(settings, Settings::default());
        assert!(warnings.len() == 1 && warnings[0].contains("settings.json.bak"), "{warnings:?}");
        assert_eq!(scratch.text("settings.json.bak"), "{ half");
        assert_eq!(scratch.open().2, Vec::<String>::new(), "told once");
    }

    #[test]
    fn two_windows_do_not_lose_each_others_changes() {
        let scratch = Scratch::new("two");
        let (first, mut one, _) = scratch.open();
        let (second, mut two, _) = scratch.open();
        one.theme = Theme::Dark;
        one.opened(Path::new("/one.etl"), 1, 1);
        one.presets.push(preset("one"));
        first.save(one.clone());
        first.finish();
        two.scale_percent = 125;
        two.opened(Path::new("/two.etl"), 2, 2);
        two.presets.push(preset("two"));
        assert!(two.remember_trace(Path::new("/two.etl"), json!([2])));
        second.save(two);
        second.finish();
        one.panels.summary = false;
        assert!(one.remember_trace(Path::new("/one.etl"), json!([1])));
        first.save(one);
        first.finish();
        let now = scratch.open().1;
        assert_eq!((now.theme, now.scale_percent, now.panels.summary), (Theme::Dark, 125, false));
        let paths: Vec<_> = now.recent.iter().map(|recent| recent.path.as_path()).collect();
        assert_eq!(paths, [Path::new("/two.etl"), Path::new("/one.etl")]);
        assert_eq!(now.presets, [preset("one"), preset("two")]);
        assert_eq!(now.trace_state(Path::new("/one.etl")), Some(&json!([1])));
        assert_eq!(now.trace_state(Path::new("/two.etl")), Some(&json!([2])));
    }

    #[test]
    fn presets_have_a_file_of_their_own_and_those_of_first_versions_move_there() {
        let scratch = Scratch::new("presets");
        std::fs::create_dir_all(&scratch.0).expect("a folder");
        let old = json!({ "theme": "dark", "presets": [preset("old")] }).to_string();
        std::fs::write(scratch.0.join("settings.json"), old).expect("a file");
        let (keeper, mut settings, _) = scratch.open();
        assert_eq!(settings.presets, [preset("old")]);
        settings.presets.push(preset("new"));
        keeper.save(settings);
        keeper.finish();
        assert!(!scratch.text("settings.json").contains("presets"));
        let file: Value = serde_json::from_str(&scratch.text("presets.json")).expect("JSON");
        assert_eq!(file["presets"], json!([preset("old"), preset("new")]));
        // What ruins one file leaves the other alone.
        std::fs::write(scratch.0.join("settings.json"), "]").expect("a file");
        assert_eq!(scratch.open().1.presets.len(), 2);
    }

    #[test]
    fn what_this_version_does_not_know_stays_in_the_file() {
        let scratch = Scratch::new("unknown");
        std::fs::create_dir_all(&scratch.0).expect("a folder");
        let text = json!({ "theme": "sepia", "scale_percent": 125, "color": "green", "symbols": { "proxy": 7 } });
        std::fs::write(scratch.0.join("settings.json"), text.to_string()).expect("a file");
        let (keeper, mut settings, warnings) = scratch.open();
        assert_eq!((settings.theme, settings.scale_percent), (Theme::System, 125), "one value is lost, not the file");
        assert!(warnings.len() == 1 && warnings[0].contains("theme: \"sepia\""), "{warnings:?}");
        settings.symbols.offline = true;
        keeper.save(settings.clone());
        keeper.finish();
        let file: Value = serde_json::from_str(&scratch.text("settings.json")).expect("JSON");
        assert_eq!(
            (&file["theme"], &file["color"], &file["symbols"]["proxy"]),
            (&json!("sepia"), &json!("green"), &json!(7))
        );
        assert_eq!(file["symbols"]["offline"], json!(true));
        settings.theme = Theme::Light;
        keeper.save(settings);
        keeper.finish();
        let file: Value = serde_json::from_str(&scratch.text("settings.json")).expect("JSON");
        assert_eq!(file["theme"], json!("light"), "until the user says otherwise");
    }

    /// Files that cannot be read while `broken`.
    struct Unreadable {
        files: FileStore,
        broken: AtomicBool,
    }

    impl Store for Unreadable {
        fn read(&self, part: Part) -> std::io::Result<Option<Vec<u8>>> {
            if self.broken.load(Ordering::SeqCst) {
                Err(std::io::Error::other("the share is away"))
            } else {
                self.files.read(part)
            }
        }

        fn write(&self, part: Part, text: &str) -> std::io::Result<()> {
            self.files.write(part, text)
        }

        fn put_aside(&self, part: Part) -> std::io::Result<String> {
            self.files.put_aside(part)
        }

        fn lock(&self) -> std::io::Result<Lock> {
            self.files.lock()
        }
    }

    #[test]
    fn a_text_that_cannot_be_read_is_never_written_over() {
        let scratch = Scratch::new("unreadable");
        std::fs::create_dir_all(&scratch.0).expect("a folder");
        let old = json!({ "scale_percent": 150, "recent": [{ "path": "/old.etl" }] }).to_string();
        std::fs::write(scratch.0.join("settings.json"), &old).expect("a file");
        let store = Arc::new(Unreadable { files: FileStore::new(&scratch.0), broken: AtomicBool::new(true) });
        let (keeper, mut settings, warnings) = SettingsWriter::open(Arc::clone(&store) as Arc<dyn Store>);
        assert!(warnings.iter().any(|message| message.contains("the share is away")), "{warnings:?}");
        settings.theme = Theme::Dark;
        keeper.save(settings.clone());
        keeper.finish();
        assert!(keeper.error().is_some_and(|message| message.contains("is not overwritten")));
        assert_eq!(scratch.text("settings.json"), old);
        // Once it can be read, the changes made meanwhile are added to it.
        store.broken.store(false, Ordering::SeqCst);
        keeper.finish();
        let now = scratch.open().1;
        assert_eq!((now.theme, now.scale_percent, now.recent.len()), (Theme::Dark, 150, 1));
    }

    #[test]
    fn a_reset_replaces_everything() {
        let scratch = Scratch::new("reset");
        let (keeper, mut settings, _) = scratch.open();
        settings.presets.push(preset("mine"));
        settings.opened(Path::new("/a.etl"), 1, 1);
        keeper.save(settings);
        keeper.finish();
        let (other, mut theirs, _) = scratch.open();
        theirs.theme = Theme::Dark;
        other.save(theirs);
        other.finish();
        keeper.replace(Settings::default());
        keeper.save(Settings::default());
        keeper.finish();
        assert_eq!(scratch.open().1, Settings::default());
    }
}
