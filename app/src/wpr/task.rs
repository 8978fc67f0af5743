//! Tasks of `wpr` as arguments, and as a command line to show to the user.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A recording to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Path to write the profile to.
    pub profile: PathBuf,
    /// The profile's text.
    pub text: String,
    /// Name of the profile in the file, such as `PoolUsage`.
    pub name: String,
    /// True if it logs to a file; else to a circular buffer in memory.
    pub file_mode: bool,
    /// The folder for temporary files in file mode.
    pub temp: PathBuf,
}

/// Task of `wpr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Start a recording.
    Start(Start),
    /// Query the state of the recording.
    Status {
        /// Folder of temporary files, if the recording was started with one.
        temp: Option<PathBuf>,
    },
    /// Stop the recording and save it.
    Stop {
        /// The trace.
        to: PathBuf,
        /// Description, stored in the trace.
        about: String,
    },
    /// Stop the recording and discard it.
    Cancel,
}

impl Task {
    /// The arguments, one by one.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        match self {
            Self::Start(start) => {
                let mut profile = start.profile.clone().into_os_string();
                profile.push("!");
                profile.push(&start.name);
                let mut all = vec!["-start".into(), profile];
                if start.file_mode {
                    all.extend(["-filemode".into(), "-recordtempto".into(), start.temp.clone().into_os_string()]);
                }
                all
            }
            // `collectors` adds the lost events of each collector.
            Self::Status { .. } => vec!["-status".into(), "collectors".into()],
            Self::Stop { to, about } if about.trim().is_empty() => vec!["-stop".into(), to.clone().into_os_string()],
            Self::Stop { to, about } => vec!["-stop".into(), to.clone().into_os_string(), about.trim().into()],
            Self::Cancel => vec!["-cancel".into()],
        }
    }

    /// Time limit; `None` for saving, since merging a large recording takes long.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        match self {
            Self::Start(_) | Self::Cancel => Some(Duration::from_secs(120)),
            Self::Status { .. } => Some(Duration::from_secs(20)),
            Self::Stop { .. } => None,
        }
    }

    /// Description that completes "wpr did not …".
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Start(_) => "start the recording",
            Self::Status { .. } => "report the state of the recording",
            Self::Stop { .. } => "save the recording",
            Self::Cancel => "cancel the recording",
        }
    }

    /// The equivalent command line.
    #[must_use]
    pub fn line(&self, program: &Path) -> String {
        let all = std::iter::once(program.as_os_str().to_owned()).chain(self.arguments());
        all.map(|part| quoted(&part.to_string_lossy())).collect::<Vec<_>>().join(" ")
    }
}

/// An argument, in quotes if needed.
fn quoted(part: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || r"\/:._-!~".contains(letter);
    if !part.is_empty() && part.chars().all(plain) { part.to_owned() } else { format!("\"{part}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(file_mode: bool) -> Task {
        let profile = PathBuf::from(r"C:\a b\Pool.wprp");
        let temp = PathBuf::from(r"C:\t");
        Task::Start(Start { profile, text: String::new(), name: "PoolUsage".to_owned(), file_mode, temp })
    }

    #[test]
    fn the_command_line_matches_the_arguments() {
        let program = Path::new(r"C:\Windows\System32\wpr.exe");
        let line = |task: &Task| task.line(program);
        assert_eq!(
            line(&start(true)),
            r#"C:\Windows\System32\wpr.exe -start "C:\a b\Pool.wprp!PoolUsage" -filemode -recordtempto C:\t"#
        );
        assert_eq!(line(&start(false)), r#"C:\Windows\System32\wpr.exe -start "C:\a b\Pool.wprp!PoolUsage""#);
        assert_eq!(line(&Task::Cancel), r"C:\Windows\System32\wpr.exe -cancel");
        assert_eq!(start(true).arguments()[1], r"C:\a b\Pool.wprp!PoolUsage", "no quotes in the argument itself");
        let stop = |about: &str| Task::Stop { to: r"D:\x.etl".into(), about: about.to_owned() };
        assert_eq!(stop(" ").arguments().len(), 2);
        assert_eq!(stop("pool leak").arguments()[2], "pool leak");
        assert!(line(&stop("pool leak")).ends_with(r#"-stop D:\x.etl "pool leak""#));
        assert_eq!(line(&Task::Status { temp: None }), r"C:\Windows\System32\wpr.exe -status collectors");
    }

    #[test]
    fn only_saving_has_no_time_limit() {
        assert!(Task::Stop { to: PathBuf::new(), about: String::new() }.limit().is_none());
        assert!([start(true), Task::Cancel, Task::Status { temp: None }].iter().all(|task| task.limit().is_some()));
    }
}
