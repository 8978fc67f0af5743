//! Registers poolscope for `.etl` files of the current user: in "Open with" of Explorer and in the default apps settings. The default
//! program remains the user's choice: no default of `.etl` is written, and only values written here are removed. On other systems it
//! returns instructions.

#[cfg(windows)]
mod registry;
pub mod values;

use std::path::{Path, PathBuf};

/// State of the registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssociationState {
    /// Registered; path of the program.
    Registered(String),
    /// Not registered.
    NotRegistered,
    /// Not supported on this system; instructions for the user.
    Unsupported(&'static str),
}

/// Error of a registration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssociationError {
    /// The path of the program is unknown.
    #[error("the path of poolscope cannot be determined: {0}. Start it by its full path and try again.")]
    NoProgram(String),
    /// The registry stores Unicode only.
    #[error("the path of the program, {0}, is not valid Unicode; move poolscope to another folder and try again")]
    NotUnicode(PathBuf),
    /// The registry cannot be changed.
    #[error(
        "the registry key {key} cannot be changed: {reason}. Your permissions may be restricted; contact your administrator."
    )]
    Registry {
        /// Key below `HKEY_CURRENT_USER`.
        key: String,
        /// Error of Windows.
        reason: String,
    },
    /// This is not Windows.
    #[error("poolscope can be registered for .etl files on Windows only. {0}")]
    Unsupported(&'static str),
}

/// File associations of a system. Tests use another implementation, so that they do not change the user's.
pub trait Association: Send + Sync {
    /// State of the registration.
    ///
    /// # Errors
    /// The registry cannot be read.
    fn state(&self) -> Result<AssociationState, AssociationError>;

    /// Registers poolscope for `.etl` files.
    ///
    /// # Errors
    /// The registry cannot be changed.
    fn register(&self) -> Result<(), AssociationError>;

    /// Unregisters poolscope, if it is registered.
    ///
    /// # Errors
    /// The registry cannot be changed.
    fn unregister(&self) -> Result<(), AssociationError>;
}

/// File associations of this system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemAssociation;

#[cfg(windows)]
impl Association for SystemAssociation {
    fn state(&self) -> Result<AssociationState, AssociationError> {
        registry::UserRegistry::default().state()
    }

    fn register(&self) -> Result<(), AssociationError> {
        registry::UserRegistry::default().register(&program()?)
    }

    fn unregister(&self) -> Result<(), AssociationError> {
        registry::UserRegistry::default().unregister()
    }
}

#[cfg(not(windows))]
impl Association for SystemAssociation {
    fn state(&self) -> Result<AssociationState, AssociationError> {
        Ok(AssociationState::Unsupported(INSTRUCTIONS))
    }

    fn register(&self) -> Result<(), AssociationError> {
        Err(AssociationError::Unsupported(INSTRUCTIONS))
    }

    fn unregister(&self) -> Result<(), AssociationError> {
        Err(AssociationError::Unsupported(INSTRUCTIONS))
    }
}

/// Instructions for this system.
#[cfg(target_os = "macos")]
const INSTRUCTIONS: &str =
    "In Finder select Get Info of a trace, then this program in Open with; Change All opens all traces with it.";
/// Instructions for this system.
#[cfg(not(any(windows, target_os = "macos")))]
const INSTRUCTIONS: &str = "Add poolscope to the PATH and copy the files of its folder assets/linux as the comments in \
    poolscope.desktop describe; xdg-mime default poolscope.desktop application/x-etw-trace then makes it the default.";

/// The program to register: the window program if it is in the same folder, else this one.
#[cfg_attr(not(windows), expect(dead_code, reason = "used on Windows only"))]
fn program() -> Result<PathBuf, AssociationError> {
    let own = std::env::current_exe().map_err(|error| AssociationError::NoProgram(error.to_string()))?;
    Ok(crate::gui_program::path_beside(&own).unwrap_or(own))
}

/// A path as Unicode text.
fn unicode(path: &Path) -> Result<&str, AssociationError> {
    path.to_str().ok_or_else(|| AssociationError::NotUnicode(path.to_owned()))
}
