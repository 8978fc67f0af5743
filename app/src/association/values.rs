//! Registry values of the registration, below `HKEY_CURRENT_USER\Software`. The layout is Microsoft's, pages "File
//! types", "Programmatic identifiers", "Application registration" and "Default programs" of the Windows shell documentation. The
//! default value of `.etl` is not among them: it is the user's choice.

use super::{AssociationError, unicode};
use std::path::Path;

/// File type (ProgID) of poolscope.
pub const PROG_ID: &str = "poolscope.etl";
/// Key of the file type.
pub const PROG_ID_KEY: &str = r"Classes\poolscope.etl";
/// Command that opens a file of the type.
pub const COMMAND_KEY: &str = r"Classes\poolscope.etl\shell\open\command";
/// File types that open `.etl` files, including those of other programs.
pub const OPEN_WITH_KEY: &str = r"Classes\.etl\OpenWithProgids";
/// Key of the file extension.
pub const ENDING_KEY: &str = r"Classes\.etl";
/// Programs in the default apps settings, including others.
pub const REGISTERED_KEY: &str = "RegisteredApplications";
/// Name of poolscope in that list.
pub const REGISTERED_NAME: &str = "poolscope";
/// Value with the name of a program in Explorer.
pub const FRIENDLY_NAME: &str = "FriendlyAppName";
/// Name of poolscope in Explorer.
pub const OWN_NAME: &str = "poolscope";
/// Capabilities of poolscope for these settings.
pub const CAPABILITIES_KEY: &str = r"poolscope\Capabilities";
/// Key in `Software` that belongs to poolscope only.
pub const OWN_KEY: &str = "poolscope";

/// A string value in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The key, below `Software`.
    pub key: String,
    /// Name; empty for the default value of the key.
    pub name: &'static str,
    /// The text.
    pub text: String,
}

/// Values that register `program` for `.etl` files. The file is `%1` in quotes, since paths can contain blanks.
///
/// # Errors
/// The path of the program is not Unicode.
pub fn values(program: &Path) -> Result<Vec<Value>, AssociationError> {
    let path = unicode(program)?;
    let command = format!("\"{path}\" \"%1\"");
    let icon = format!("\"{path}\",0");
    let file_name = program.file_name().and_then(|name| name.to_str()).unwrap_or("poolscope.exe");
    let application = application_key(file_name);
    let value = |key: &str, name: &'static str, text: &str| Value { key: key.to_owned(), name, text: text.to_owned() };
    Ok(vec![
        value(PROG_ID_KEY, "", "Event trace"),
        value(&format!(r"{PROG_ID_KEY}\DefaultIcon"), "", &icon),
        value(&format!(r"{PROG_ID_KEY}\shell\open"), FRIENDLY_NAME, OWN_NAME),
        value(COMMAND_KEY, "", &command),
        value(&application, FRIENDLY_NAME, OWN_NAME),
        value(&format!(r"{application}\SupportedTypes"), ".etl", ""),
        value(&format!(r"{application}\shell\open\command"), "", &command),
        value(CAPABILITIES_KEY, "ApplicationName", "poolscope"),
        value(CAPABILITIES_KEY, "ApplicationDescription", "Finds kernel pool leaks in event traces (.etl)"),
        value(&format!(r"{CAPABILITIES_KEY}\FileAssociations"), ".etl", PROG_ID),
        value(REGISTERED_KEY, REGISTERED_NAME, &format!(r"Software\{CAPABILITIES_KEY}")),
        // Last, so that Explorer finds the other values when it finds this one.
        value(OPEN_WITH_KEY, PROG_ID, ""),
    ])
}

/// Key of a program by its file name.
#[must_use]
pub fn application_key(file_name: &str) -> String {
    format!(r"Classes\Applications\{file_name}")
}

/// The program in an open command: the text in the first quotes.
#[must_use]
pub fn program_of(command: &str) -> Option<&str> {
    command.strip_prefix('"')?.split_once('"').map(|(program, _)| program)
}

/// Key of the program in an open command.
#[must_use]
pub fn application_of(command: &str) -> Option<String> {
    let file_name = program_of(command)?.rsplit(['\\', '/']).next()?;
    (!file_name.is_empty()).then(|| application_key(file_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_leads_to_the_key_of_the_program() {
        let key = application_of("\"C:\\My tools\\pool 2.exe\" \"%1\"");
        assert_eq!(key.as_deref(), Some(r"Classes\Applications\pool 2.exe"));
        let beside = application_of("\"poolscopew.exe\" \"%1\"");
        assert_eq!(beside, Some(application_key("poolscopew.exe")));
        // Never the key of all programs.
        for command in ["", "\"\" \"%1\"", "\"C:\\\" \"%1\"", "notepad %1"] {
            assert_eq!(application_of(command), None, "{command}");
        }
        // The written command leads to the written key.
        let values = values(Path::new("renamed.exe")).expect("Unicode");
        let command = values.iter().find(|value| value.key == COMMAND_KEY).expect("a command");
        let application = application_of(&command.text).expect("a program");
        assert!(values.iter().any(|v| v.key == application && (v.name, v.text.as_str()) == (FRIENDLY_NAME, OWN_NAME)));
    }

    #[test]
    fn the_program_and_the_file_are_quoted() {
        let program = Path::new("C:\\Program Files\\p\u{f6}\u{f6}l\\poolscopew.exe");
        let values = values(program).expect("Unicode");
        let command = values.iter().find(|value| value.key == COMMAND_KEY).expect("a command");
        assert_eq!(command.text, "\"C:\\Program Files\\p\u{f6}\u{f6}l\\poolscopew.exe\" \"%1\"");
        assert_eq!(program_of(&command.text), program.to_str());
        assert_eq!(program_of("notepad %1"), None);
    }

    #[test]
    fn no_value_of_another_program_is_written() {
        for Value { key, name, .. } in values(Path::new("poolscopew.exe")).expect("Unicode") {
            let own = key.to_lowercase().contains("poolscope");
            assert!(own || (key == OPEN_WITH_KEY && name == PROG_ID) || (key == REGISTERED_KEY && name == "poolscope"));
            assert_ne!(key, ENDING_KEY, "the default of the ending is the user's");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_unicode_is_an_error() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/opt/\xff/poolscopew.exe"));
        let error = values(path).expect_err("the registry cannot hold it");
        assert!(error.to_string().contains("move poolscope to another folder"), "{error}");
    }
}
