//! Where `wpr.exe` usually is: on the search path, in the system's folder (Windows 10 and later bring it along), and in the
//! Windows Performance Toolkit of a Windows kit. Looks at files; runs none.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::WprStatus;

/// The program's file name.
const PROGRAM: &str = "wpr.exe";
/// Versions of the Windows kits, the newest first, as their folders are called.
const KITS: [&str; 4] = ["11", "10", "8.1", "8.0"];

/// What a machine says about its folders; tests make their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchLocations {
    /// Whether recordings can be made at all: on Windows.
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
    /// Those of this machine.
    #[must_use]
    pub fn this() -> Self {
        let folder = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
        let mut program_files: Vec<PathBuf> = Vec::new();
        // `ProgramW6432` is what a 32-bit program needs to see the folder of the 64-bit ones.
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

    /// Files that may be it, in the order of preference. Relative parts of the search path are left out: what lies in the
    /// current folder is not run.
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

    /// Whether there is one; `chosen` is the one that the user named, and then no other is taken. A folder stands for the
    /// program in it.
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
