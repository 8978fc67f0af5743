//! Writes and removes the values in the registry of this user. It must never touch a key outside of its root, nor remove what others
//! wrote. Explorer is not told: that takes a call (`SHChangeNotify`) that is unsafe to Rust, which this crate denies itself. So it may
//! show what has changed only after its next start.

use super::values::{
    COMMAND_KEY, ENDING_KEY, FRIENDLY_NAME, OPEN_WITH_KEY, OWN_KEY, OWN_NAME, PROG_ID, PROG_ID_KEY, REGISTERED_KEY,
    REGISTERED_NAME, Value, application_key, application_of, program_of, values,
};
use super::{AssociationError, Standing};
use std::fmt::Display;
use std::path::Path;
use windows_registry::{CURRENT_USER, Key, Result as Answer};

/// `ERROR_FILE_NOT_FOUND` as a result: there is no such key or value.
const NOT_FOUND: i32 = 0x8007_0002_u32 as i32;
/// What the program is called unless the user renames it.
const PROGRAMS: [&str; 2] = ["poolscope.exe", "poolscopew.exe"];

/// The user's part of the registry.
#[derive(Debug, Clone)]
pub struct UserRegistry {
    /// The key that everything lies below.
    root: String,
}

impl Default for UserRegistry {
    fn default() -> Self {
        Self { root: "Software".to_owned() }
    }
}

impl UserRegistry {
    /// How it stands.
    pub fn standing(&self) -> Result<Standing, AssociationError> {
        let listed = self.text(OPEN_WITH_KEY, PROG_ID)?.is_some();
        let command = self.text(COMMAND_KEY, "")?;
        Ok(match command {
            Some(command) if listed => Standing::Offered(program_of(&command).unwrap_or(&command).to_owned()),
            _ => Standing::NotOffered,
        })
    }

    /// Offers a program.
    pub fn offer(&self, program: &Path) -> Result<(), AssociationError> {
        let values = values(program)?;
        // Offered before under another file name, it would be listed twice.
        let before = self.offered_application()?;
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

    /// Takes the offer back, what Explorer finds first of all.
    pub fn withdraw(&self) -> Result<(), AssociationError> {
        self.remove_value(OPEN_WITH_KEY, PROG_ID)?;
        self.remove_value(REGISTERED_KEY, REGISTERED_NAME)?;
        // While the command is there that tells under which file name it was offered.
        let offered = self.offered_application()?;
        for application in PROGRAMS.map(application_key).into_iter().chain(offered) {
            self.remove_tree(&application)?;
        }
        self.remove_tree(PROG_ID_KEY)?;
        self.remove_tree(OWN_KEY)?;
        // The keys of the ending were perhaps made for us.
        self.remove_if_empty(OPEN_WITH_KEY)?;
        self.remove_if_empty(ENDING_KEY)
    }

    /// The key of the program that is offered, whatever its file is called. Only if it bears our name: the user may have put
    /// another program into the command.
    fn offered_application(&self) -> Result<Option<String>, AssociationError> {
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
        there(read).map_err(|error| refused(&path, &error))
    }

    fn remove_value(&self, key: &str, name: &str) -> Result<(), AssociationError> {
        let path = self.path(key);
        let opened = CURRENT_USER.options().read().write().open(&path);
        let removed = there(opened.and_then(|key: Key| key.remove_value(name)));
        removed.map(drop).map_err(|error| refused(&path, &error))
    }

    fn remove_tree(&self, key: &str) -> Result<(), AssociationError> {
        let path = self.path(key);
        there(CURRENT_USER.remove_tree(&path)).map(drop).map_err(|error| refused(&path, &error))
    }

    fn remove_if_empty(&self, key: &str) -> Result<(), AssociationError> {
        let path = self.path(key);
        let empty =
            CURRENT_USER.open(&path).and_then(|key| Ok(key.keys()?.next().is_none() && key.values()?.next().is_none()));
        match there(empty).map_err(|error| refused(&path, &error))? {
            Some(true) => self.remove_tree(key),
            _ => Ok(()),
        }
    }
}

/// What is not there is no error.
fn there<T>(result: Answer<T>) -> Answer<Option<T>> {
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

    /// A root of its own, so that no test touches what the user chose.
    fn scratch(name: &str) -> UserRegistry {
        let registry = UserRegistry { root: format!(r"Software\poolscope-test-{}-{name}", std::process::id()) };
        clean(&registry);
        registry
    }

    fn clean(registry: &UserRegistry) {
        there(CURRENT_USER.remove_tree(&registry.root)).expect("removed");
    }

    fn is_there(registry: &UserRegistry, key: &str) -> bool {
        CURRENT_USER.open(registry.path(key)).is_ok()
    }

    #[test]
    fn what_was_offered_can_be_taken_back() {
        let registry = scratch("offer");
        assert_eq!(registry.standing(), Ok(Standing::NotOffered));
        registry.withdraw().expect("nothing to do is no error");
        let program = Path::new("C:\\Tools\\p\u{f6}\u{f6}l scope\\poolscopew.exe");
        registry.offer(program).expect("written");
        registry.offer(program).expect("written again");
        assert_eq!(registry.standing(), Ok(Standing::Offered(program.to_str().expect("Unicode").to_owned())));
        for value in values(program).expect("Unicode") {
            assert_eq!(registry.text(&value.key, value.name), Ok(Some(value.text.clone())), "{value:?}");
        }
        registry.withdraw().expect("removed");
        assert_eq!(registry.standing(), Ok(Standing::NotOffered));
        for key in [PROG_ID_KEY, OWN_KEY, OPEN_WITH_KEY, ENDING_KEY, r"Classes\Applications\poolscopew.exe"] {
            assert!(!is_there(&registry, key), "{key} is left");
        }
        clean(&registry);
    }

    #[test]
    fn a_program_that_was_renamed_is_taken_back_too() {
        let registry = scratch("renamed");
        let keys = ["pool 1.exe", "pool 2.exe"].map(application_key);
        let offered = || [0, 1].map(|at| is_there(&registry, &keys[at]));
        registry.offer(Path::new("C:\\Tools\\pool 1.exe")).expect("written");
        assert_eq!(offered(), [true, false]);
        registry.offer(Path::new("C:\\Tools\\pool 2.exe")).expect("written");
        assert_eq!(offered(), [false, true]);
        registry.withdraw().expect("removed");
        assert_eq!(offered(), [false, false]);
        // Another's key stays, even if the command names it.
        let other = CURRENT_USER.create(registry.path(&keys[0])).expect("a key");
        other.set_string(FRIENDLY_NAME, "Pool 1").expect("a value");
        let command = CURRENT_USER.create(registry.path(COMMAND_KEY)).expect("a key");
        command.set_string("", "\"C:\\Tools\\pool 1.exe\" \"%1\"").expect("a value");
        registry.withdraw().expect("removed");
        assert_eq!(offered(), [true, false]);
        clean(&registry);
    }

    #[test]
    fn what_others_wrote_stays() {
        let registry = scratch("others");
        let other = |key: &str, name: &str, text: &str| {
            let key = CURRENT_USER.create(registry.path(key)).expect("a key");
            key.set_string(name, text).expect("a value");
        };
        other(ENDING_KEY, "", "WPA.etl");
        other(OPEN_WITH_KEY, "WPA.etl", "");
        other(REGISTERED_KEY, "wpa", "x");
        registry.offer(Path::new("C:\\poolscopew.exe")).expect("written");
        assert_eq!(registry.text(ENDING_KEY, ""), Ok(Some("WPA.etl".to_owned())), "the default is the user's");
        registry.withdraw().expect("removed");
        assert_eq!(registry.text(ENDING_KEY, ""), Ok(Some("WPA.etl".to_owned())));
        assert_eq!(registry.text(OPEN_WITH_KEY, "WPA.etl"), Ok(Some(String::new())));
        assert_eq!(registry.text(OPEN_WITH_KEY, PROG_ID), Ok(None));
        assert_eq!(registry.text(REGISTERED_KEY, "wpa"), Ok(Some("x".to_owned())));
        clean(&registry);
    }
}
