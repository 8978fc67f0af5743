//! Offers poolscope for `.etl` files: one more entry in "Open with" and in the settings of default apps, for this user only. Windows
//! lets nobody but the user choose the default program, and this never tries: it writes no default of `.etl`, and takes away only what
//! it wrote itself. Where other desktops decide, it says how.

#[cfg(windows)]
mod registry;
pub mod values;

use std::path::{Path, PathBuf};

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssociationState {
    /// It is offered; this is the program that would be started.
    Registered(String),
    /// It is not.
    NotRegistered,
    /// poolscope cannot do it on this system; how the user can.
    Unsupported(&'static str),
}

/// What went wrong, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssociationError {
    /// The program does not know where it is.
    #[error("poolscope cannot find out where its own program lies: {0}. Start it by its full path and try again.")]
    NoProgram(String),
    /// The registry holds Unicode only.
    #[error("the path of the program, {0}, is no valid Unicode; move poolscope to another folder and try again")]
    NotUnicode(PathBuf),
    /// The registry refused.
    #[error(
        "the registry key {key} cannot be changed: {reason}. Your rights to it may be restricted; ask your administrator."
    )]
    Registry {
        /// Which key, below `HKEY_CURRENT_USER`.
        key: String,
        /// What Windows says.
        reason: String,
    },
    /// This is not Windows.
    #[error("poolscope offers itself for .etl files on Windows only. {0}")]
    Unsupported(&'static str),
}

/// Who keeps what files are opened with. The window and the commands are given one, so that tests never touch the user's.
pub trait Association: Send + Sync {
    /// How it stands.
    ///
    /// # Errors
    /// When that cannot be read.
    fn state(&self) -> Result<AssociationState, AssociationError>;

    /// Offers poolscope for `.etl` files.
    ///
    /// # Errors
    /// When it cannot be written.
    fn register(&self) -> Result<(), AssociationError>;

    /// Takes the offer back. Nothing happens where there is none.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn unregister(&self) -> Result<(), AssociationError>;
}

/// The one of this system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemAssociation;

#[cfg(windows)]
impl Association for SystemAssociation {
    fn standing(&self) -> Result<AssociationState, AssociationError> {
        registry::UserRegistry::default().standing()
    }

    fn offer(&self) -> Result<(), AssociationError> {
        registry::UserRegistry::default().offer(&program()?)
    }

    fn withdraw(&self) -> Result<(), AssociationError> {
        registry::UserRegistry::default().withdraw()
    }
}

#[cfg(not(windows))]
impl Association for SystemAssociation {
    fn state(&self) -> Result<AssociationState, AssociationError> {
        Ok(AssociationState::Unsupported(HOW_ELSEWHERE))
    }

    fn register(&self) -> Result<(), AssociationError> {
        Err(AssociationError::Unsupported(HOW_ELSEWHERE))
    }

    fn unregister(&self) -> Result<(), AssociationError> {
        Err(AssociationError::Unsupported(HOW_ELSEWHERE))
    }
}

/// What to do where the desktop decides.
#[cfg(target_os = "macos")]
const HOW_ELSEWHERE: &str =
    "In Finder choose Get Info of a trace, Open with, and this program; then Change All to open all traces with it.";
/// What to do where the desktop decides.
#[cfg(not(any(windows, target_os = "macos")))]
const HOW_ELSEWHERE: &str = "Put poolscope on the PATH and copy the files of its folder assets/linux to where the comments in \
    poolscope.desktop say; then xdg-mime default poolscope.desktop application/x-etw-trace makes it the default.";

/// The program that files are opened with: the one without a console where it lies beside this one.
#[cfg_attr(not(windows), expect(dead_code, reason = "only Windows is told a program"))]
fn program() -> Result<PathBuf, AssociationError> {
    let own = std::env::current_exe().map_err(|error| AssociationError::NoProgram(error.to_string()))?;
    Ok(crate::gui_program::path_beside(&own).unwrap_or(own))
}

/// A path as the registry holds it.
fn unicode(path: &Path) -> Result<&str, AssociationError> {
    path.to_str().ok_or_else(|| AssociationError::NotUnicode(path.to_owned()))
}
