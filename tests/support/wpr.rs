//! The made-up `wpr.exe` in a folder of a test's own, and the recorder that finds it there.

use std::path::{Path, PathBuf};

use poolscope::wpr::locations::SearchLocations;
use poolscope::wpr::machine::MachineRecorder;

/// A folder with a `wpr.exe` in it that records nothing.
#[derive(Debug)]
pub struct FakeWpr {
    folder: tempfile::TempDir,
}

impl FakeWpr {
    /// One that saves `trace`, and for which these words hold: `no-rights`, `hang`, `lossy`, `utf-16`, `slow-stop`, `disk-full`.
    ///
    /// # Panics
    /// The folder cannot be created.
    #[must_use]
    pub fn new(trace: &[u8], scenario: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let fake = Self { folder };
        place(built(), &fake.program()).expect("the made-up program can be placed");
        std::fs::write(fake.folder().join("trace.etl"), trace).expect("a trace");
        fake.becomes(scenario);
        fake
    }

    /// Other words hold from now on.
    ///
    /// # Panics
    /// The files cannot be written.
    pub fn becomes(&self, scenario: &str) {
        std::fs::write(self.folder().join("scenario.txt"), scenario).expect("words");
    }

    /// Lets a slow end come.
    ///
    /// # Panics
    /// The file cannot be written.
    pub fn go(&self) {
        std::fs::write(self.folder().join("go.txt"), "").expect("a file");
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder().join("wpr.exe")
    }

    /// Arguments of each call, one line per call, separated by bars.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder().join("log.txt")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// A machine that is Windows as far as the recorder can see, with the program on its search path.
    #[must_use]
    pub fn recorder(&self) -> MachineRecorder {
        let path = Some(self.folder().as_os_str().to_owned());
        let temp = self.folder().join("temp");
        MachineRecorder { places: SearchLocations { windows: true, path, temp, ..SearchLocations::default() } }
    }
}

/// The program, which cargo builds together with the tests.
fn built() -> PathBuf {
    // <target>/<profile folder>/deps/suite-…
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(2).expect("tests lie below the target folder");
    folder.join(format!("fake-wpr{}", std::env::consts::EXE_SUFFIX))
}

/// Puts the program where it is called from. A link where there are some: a copy that another thread's child still holds open for
/// writing cannot be started.
#[cfg(unix)]
fn place(program: impl AsRef<Path>, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(program, at)
}

#[cfg(not(unix))]
fn place(program: impl AsRef<Path>, at: &Path) -> std::io::Result<()> {
    std::fs::copy(program, at).map(drop)
}
