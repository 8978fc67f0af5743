//! Writes and removes the registry values of the registration. Values of other programs are not changed. Explorer is not notified,
//! since `SHChangeNotify` needs unsafe code; it may show the change only after its next start.

use super::values::{
    COMMAND_KEY, ENDING_KEY, FRIENDLY_NAME, OPEN_WITH_KEY, OWN_KEY, OWN_NAME, PROG_ID, PROG_ID_KEY, REGISTERED_KEY,
    REGISTERED_NAME, Value, application_key, application_of, program_of, values,
};
use super::{AssociationError, AssociationState};
use std::fmt::Display;
use std::path::Path;
use windows_registry::{CURRENT_USER, Key, Result as Answer};

/// `ERROR_FILE_NOT_FOUND` as a result: there is no such key or value.
const NOT_FOUND: i32 = 0x8007_0002_u32 as i32;
/// Default file names of the program.
const PROGRAMS: [&str; 2] = ["poolscope.exe", "poolscopew.exe"];

/// Registry of the current user.
#[derive(Debug, Clone)]
pub struct UserRegistry {
    /// Key below `HKEY_CURRENT_USER` that contains all others.
    root: String,
}

impl Default for UserRegistry {
    fn default() -> Self {
        Self { root: "Software".to_owned() }
    }
}

impl UserRegistry {
    /// State of the registration.
    pub fn state(&self) -> Result<AssociationState, AssociationError> {
        let listed = self.text(OPEN_WITH_KEY, PROG_ID)?.is_some();
        let command = self.text(COMMAND_KEY, "")?;
        Ok(match command {
            Some(command) if listed => {
                AssociationState::Registered(program_of(&command).unwrap_or(&command).to_owned())
            }
            _ => AssociationState::NotRegistered,
        })
    }

    /// Registers a program.
    pub fn register(&self, program: &Path) -> Result<(), AssociationError> {
        let values = values(program)?;
        // A registration under another file name would be listed twice.
        let before = self.registered_application()?;
        if let Some(before) = before.filter(|before| values.iter().all(|value| value.key != *before)) {
            self.remove_tree(&before)?;
        }
        for Value { key, name, text } in values {
            let path = self.path(&key);
            let written = CURRENT_USER.create(&path).and_then(|key| key.set_string(name, text));
            written.map_err(|error| refused(&path, &error))?;
        }
        Ok(())
    }

    /// Unregisters the program. The value that Explorer reads first is removed first.
    pub fn unregister(&self) -> Result<(), AssociationError> {
        self.remove_value(OPEN_WITH_KEY, PROG_ID)?;
        self.remove_value(REGISTERED_KEY, REGISTERED_NAME)?;
        // Before the command is removed, which has the file name of the registration.
        let registered = self.registered_application()?;
        for application in PROGRAMS.map(application_key).into_iter().chain(registered) {
            self.remove_tree(&application)?;
        }
        self.remove_tree(PROG_ID_KEY)?;
        self.remove_tree(OWN_KEY)?;
        // The keys of the extension may have been created by the registration.
        self.remove_if_empty(OPEN_WITH_KEY)?;
        self.remove_if_empty(ENDING_KEY)
    }

    /// Key of the registered program by its file name, if it has the name of poolscope: the user can have changed the command to
    /// another program.
    fn registered_application(&self) -> Result<Option<String>, AssociationError> {
        let command = self.text(COMMAND_KEY, "")?;
        let Some(application) = command.as_deref().and_then(application_of) else { return Ok(None) };
        let is_ours = self.text(&application, FRIENDLY_NAME)?.as_deref() == Some(OWN_NAME);
        Ok(is_ours.then_some(application))
    }

    fn path(&self, key: &str) -> String {
        format!(r"{}\{key}", self.root)
    }

    fn text(&self, key: &str, name: &str) -> Result<Option<String>, AssociationError> {
        let path = self.path(key);
        let read = CURRENT_USER.open(&path).and_then(|key| key.get_string(name));
        optional(read).map_err(|error| refused(&path, &error))
    }

    fn remove_value(&self, key: &str, name: &str) -> Result<(), AssociationError> {
        let path = self.path(key);
        let opened = CURRENT_USER.options().read().write().open(&path);
        let removed = optional(opened.and_then(|key: Key| key.remove_value(name)));
        removed.map(drop).map_err(|error| refused(&path, &error))
    }

    fn remove_tree(&self, key: &str) -> Result<(), AssociationError> {
        let path = self.path(key);
        optional(CURRENT_USER.remove_tree(&path)).map(drop).map_err(|error| refused(&path, &error))
    }

    fn remove_if_empty(&self, key: &str) -> Result<(), AssociationError> {
        let path = self.path(key);
        let empty =
            CURRENT_USER.open(&path).and_then(|key| Ok(key.keys()?.next().is_none() && key.values()?.next().is_none()));
        match optional(empty).map_err(|error| refused(&path, &error))? {
            Some(true) => self.remove_tree(key),
            _ => Ok(()),
        }
    }
}

/// Turns "not found" into `None`.
fn optional<T>(result: Answer<T>) -> Answer<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code().0 == NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

fn refused(path: &str, error: &impl Display) -> AssociationError {
    AssociationError::Registry { key: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A registry below a key of the test.
    fn scratch(name: &str) -> UserRegistry {
        let registry = UserRegistry { root: format!(r"Software\poolscope-test-{}-{name}", std::process::id()) };
        clean(&registry);
        registry
    }

    fn clean(registry: &UserRegistry) {
        optional(CURRENT_USER.remove_tree(&registry.root)).expect("removed");
    }

    fn is_there(registry: &UserRegistry, key: &str) -> bool {
        CURRENT_USER.open(registry.path(key)).is_ok()
    }

    #[test]
    fn a_registration_can_be_removed() {
        let registry = scratch("registered");
        assert_eq!(registry.state(), Ok(AssociationState::NotRegistered));
        registry.unregister().expect("nothing to do is no error");
        let program = Path::new("C:\\Tools\\p\u{f6}\u{f6}l scope\\poolscopew.exe");
        registry.register(program).expect("written");
        registry.register(program).expect("written again");
        assert_eq!(registry.state(), Ok(AssociationState::Registered(program.to_str().expect("Unicode").to_owned())));
        for value in values(program).expect("Unicode") {
            assert_eq!(registry.text(&value.key, value.name), Ok(Some(value.text.clone())), "{value:?}");
        }
        registry.unregister().expect("removed");
        assert_eq!(registry.state(), Ok(AssociationState::NotRegistered));
        for key in [PROG_ID_KEY, OWN_KEY, OPEN_WITH_KEY, ENDING_KEY, r"Classes\Applications\poolscopew.exe"] {
            assert!(!is_there(&registry, key), "{key} is left");
        }
        clean(&registry);
    }

    #[test]
    fn a_renamed_program_is_unregistered() {
        let registry = scratch("renamed");
        let keys = ["pool 1.exe", "pool 2.exe"].map(application_key);
        let registered = || [0, 1].map(|at| is_there(&registry, &keys[at]));
        registry.register(Path::new("C:\\Tools\\pool 1.exe")).expect("written");
        assert_eq!(registered(), [true, false]);
        registry.register(Path::new("C:\\Tools\\pool 2.exe")).expect("written");
        assert_eq!(registered(), [false, true]);
        registry.unregister().expect("removed");
        assert_eq!(registered(), [false, false]);
        // The key of another program remains, even if the command names it.
        let other = CURRENT_USER.create(registry.path(&keys[0])).expect("a key");
        other.set_string(FRIENDLY_NAME, "Pool 1").expect("a value");
        let command = CURRENT_USER.create(registry.path(COMMAND_KEY)).expect("a key");
        command.set_string("", "\"C:\\Tools\\pool 1.exe\" \"%1\"").expect("a value");
        registry.unregister().expect("removed");
        assert_eq!(registered(), [true, false]);
        clean(&registry);
    }

    #[test]
    fn values_of_other_programs_remain() {
        let registry = scratch("others");
        let other = |key: &str, name: &str, text: &str| {
            let key = CURRENT_USER.create(registry.path(key)).expect("a key");
            key.set_string(name, text).expect("a value");
        };
        other(ENDING_KEY, "", "WPA.etl");
        other(OPEN_WITH_KEY, "WPA.etl", "");
        other(REGISTERED_KEY, "wpa", "x");
        registry.register(Path::new("C:\\poolscopew.exe")).expect("written");
        assert_eq!(registry.text(ENDING_KEY, ""), Ok(Some("WPA.etl".to_owned())), "the default is the user's");
        registry.unregister().expect("removed");
        assert_eq!(registry.text(ENDING_KEY, ""), Ok(Some("WPA.etl".to_owned())));
        assert_eq!(registry.text(OPEN_WITH_KEY, "WPA.etl"), Ok(Some(String::new())));
        assert_eq!(registry.text(OPEN_WITH_KEY, PROG_ID), Ok(None));
        assert_eq!(registry.text(REGISTERED_KEY, "wpa"), Ok(Some("x".to_owned())));
        clean(&registry);
    }
}
