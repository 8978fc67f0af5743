//! Reads settings once and writes them on a thread, soon after each change and never two at a time. The window never waits
//! for it but at its end.

use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

use super::Settings;
use super::store::Store;

/// Writes one text after the other; a newer one replaces those that wait.
pub struct Keeper {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    waiting: Mutex<Option<String>>,
    /// Held while writing, so that an older text never comes after a newer one.
    writing: Mutex<()>,
    error: Mutex<Option<String>>,
}

impl Shared {
    fn write_waiting(&self) {
        let _writing = self.writing.lock();
        let text = self.waiting.lock().take();
        if let Some(Err(error)) = text.map(|text| self.store.write(&text)) {
            *self.error.lock() = Some(error.to_string());
        }
    }
}

impl Keeper {
    /// A keeper over a place, what lies there, and what the user should know about it.
    #[must_use]
    pub fn open(store: Arc<dyn Store>) -> (Self, Settings, Option<String>) {
        let (settings, warning) = match store.read() {
            Ok(None) => (Settings::default(), None),
            Ok(Some(text)) => match Settings::parse(&text) {
                Ok(settings) => (settings, None),
                Err(error) => (Settings::default(), Some(damaged(store.as_ref(), &error))),
            },
            Err(error) => {
                let words = format!("The settings cannot be read ({error}). poolscope starts with new ones.");
                (Settings::default(), Some(words))
            }
        };
        let shared = Shared { store, waiting: Mutex::default(), writing: Mutex::default(), error: Mutex::default() };
        (Self { shared: Arc::new(shared) }, settings, warning)
    }

    /// Writes soon.
    pub fn save(&self, text: String) {
        *self.shared.waiting.lock() = Some(text);
        let shared = Arc::clone(&self.shared);
        let body = move || shared.write_waiting();
        if thread::Builder::new().name("settings".to_owned()).spawn(body).is_err() {
            self.finish();
        }
    }

    /// Why the last text could not be written; told once.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.shared.error.lock().take()
    }

    /// Writes what is still waiting, here and now.
    pub fn finish(&self) {
        self.shared.write_waiting();
    }
}

fn damaged(store: &dyn Store, error: &serde_json::Error) -> String {
    match store.put_aside() {
        Ok(aside) => {
            format!("The settings were damaged ({error}) and are as at the first start. The old file is kept: {aside}")
        }
        Err(other) => format!("The settings are damaged ({error}) and cannot be moved away ({other})."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::store::FileStore;
    use super::*;

    #[test]
    fn a_damaged_file_is_kept_aside() {
        let folder = std::env::temp_dir().join(format!("poolscope-keeper-{}", std::process::id()));
        let path = folder.join("settings.json");
        let open = || Keeper::open(Arc::new(FileStore::new(&path)));
        let (keeper, settings, warning) = open();
        assert_eq!((settings, warning), (Settings::default(), None));
        let wanted = Settings { scale_percent: 150, ..Settings::default() };
        keeper.save(wanted.to_text().expect("text"));
        keeper.finish();
        assert_eq!(open().1, wanted);
        std::fs::write(&path, "{ half").expect("a file");
        let (_, settings, warning) = open();
        assert_eq!(settings, Settings::default());
        assert!(warning.is_some_and(|words| words.contains("settings.json.bak")));
        assert_eq!(std::fs::read_to_string(folder.join("settings.json.bak")).expect("kept"), "{ half");
        assert_eq!(open().2, None, "told once");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
