//! Usual locations of `wpr.exe`: the search path, the system folder (Windows 10 and later), and the Windows Performance Toolkit of a
//! Windows kit.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::WprStatus;

/// The program's file name.
const PROGRAM: &str = "wpr.exe";
/// Folder names of the Windows kits, newest first.
const KITS: [&str; 4] = ["11", "10", "8.1", "8.0"];

/// Folders of a computer that are searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchLocations {
    /// True if the system is Windows.
    pub windows: bool,
    /// `PATH`.
    pub path: Option<OsString>,
    /// `%SystemRoot%`.
    pub system_root: Option<PathBuf>,
    /// `%ProgramFiles(x86)%`, `%ProgramFiles%` and the like, in this order.
    pub program_files: Vec<PathBuf>,
    /// The folder for temporary files.
    pub temp: PathBuf,
}

impl SearchLocations {
    /// Folders of this computer.
    #[must_use]
    pub fn this() -> Self {
        let folder = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
        let mut program_files: Vec<PathBuf> = Vec::new();
        // A 32-bit program finds the 64-bit folder in `ProgramW6432`.
        for found in ["ProgramFiles(x86)", "ProgramFiles", "ProgramW6432"].into_iter().filter_map(folder) {
            if !program_files.contains(&found) {
                program_files.push(found);
            }
        }
        Self {
            windows: cfg!(windows),
            path: std::env::var_os("PATH"),
            system_root: folder("SystemRoot"),
            program_files,
            temp: std::env::temp_dir(),
        }
    }

    /// Possible paths of `wpr.exe` in order of preference. Relative parts of the search path are ignored, so that no program of the
    /// current folder is run.
    #[must_use]
    pub fn candidates(&self) -> Vec<PathBuf> {
        let on_path = self.path.iter().flat_map(std::env::split_paths).filter(|folder| folder.is_absolute());
        let system = self.system_root.iter().map(|root| root.join("System32"));
        let kits = self.program_files.iter().flat_map(|folder| {
            KITS.iter().map(|kit| folder.join("Windows Kits").join(kit).join("Windows Performance Toolkit"))
        });
        let mut all: Vec<PathBuf> = Vec::new();
        for file in on_path.chain(system).chain(kits).map(|folder| folder.join(PROGRAM)) {
            if !all.contains(&file) {
                all.push(file);
            }
        }
        all
    }

    /// Finds `wpr.exe`; `chosen` is the path selected by the user, which excludes all others. A folder means the program in it.
    #[must_use]
    pub fn find(&self, chosen: Option<&Path>) -> WprStatus {
        if !self.windows {
            return WprStatus::NotWindows;
        }
        let looked = match chosen {
            Some(chosen) if chosen.is_dir() => vec![chosen.join(PROGRAM)],
            Some(chosen) => vec![chosen.to_owned()],
            None => self.candidates(),
        };
        match looked.iter().find(|file| file.is_file()) {
            Some(program) => WprStatus::Ready { program: program.clone() },
            None => WprStatus::Missing { looked },
        }
    }
}
