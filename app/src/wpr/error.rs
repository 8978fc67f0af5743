//! Errors of `wpr` as sentences with the next step. Codes are results of Windows (`0x8007....`) and of `wpr` (`0xc558....`), as named
//! in its messages and in Microsoft's scripts.

use std::path::PathBuf;

use thiserror::Error;

use super::task::Task;

/// Error of a task.
#[derive(Debug, Error)]
pub enum WprError {
    /// The program cannot be started.
    #[error("{program} cannot be started: {error}. Choose another wpr.exe, or run the commands in a console.", program = .program.display())]
    NoStart {
        /// The program.
        program: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The profile cannot be written.
    #[error("The profile {file} cannot be written: {error}. Choose another folder for temporary files.", file = .file.display())]
    NoProfile {
        /// File of the profile.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The folder for temporary files cannot be created.
    #[error("The folder {folder} cannot be created: {error}. Choose another folder for temporary files.", folder = .folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Cancelled by the user.
    #[error("wpr was terminated before it finished. Check the recording status.")]
    Cancelled,
    /// It exceeded its time limit.
    #[error(
        "wpr did not {what} within {seconds} s and was terminated. Check the recording status; if wpr hangs again, restart Windows."
    )]
    Hung {
        /// The task.
        what: &'static str,
        /// Time limit.
        seconds: u64,
    },
    /// It reported a failure.
    #[error("{}", refusal(.what, *.code, .message))]
    Refused {
        /// The task.
        what: &'static str,
        /// Its code, if known.
        code: Option<u32>,
        /// Its message.
        message: String,
    },
}

impl WprError {
    /// A failure that `wpr` reported with this exit code and output.
    #[must_use]
    pub fn refused(task: &Task, exit: Option<i32>, output: &str) -> Self {
        Self::Refused { what: task.action(), code: code_of(exit, output), message: message(output) }
    }

    /// The code of `wpr`.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Refused { code, .. } => *code,
            _ => None,
        }
    }
}

/// A recording is already running.
pub const ALREADY_RUNNING: u32 = 0xc558_3001;
/// No recording is running.
pub const NOT_RUNNING: u32 = 0xc558_3000;

/// Cause and next step for a code.
fn advice(code: u32) -> Option<(&'static str, &'static str)> {
    let rights = "Close poolscope and start it with \"Run as administrator\"";
    Some(match code {
        0xc558_5011 | 0x8007_0005 | 0x8007_0522 | 0x8007_02e4 => {
            ("Recording requires administrator rights or the user right \"Profile system performance\".", rights)
        }
        ALREADY_RUNNING => (
            "A recording is already running.",
            "Save or cancel it first, here or with wpr -stop FILE.etl or wpr -cancel",
        ),
        NOT_RUNNING => {
            ("No recording is running: it was stopped by another program or never started.", "Start a recording")
        }
        0xc558_3014 => (
            "Another tool uses the kernel logger session.",
            "Stop it first (xperf -stop; logman query -ets lists running sessions) and start again",
        ),
        0xc558_0612 | 0xc558_300c => (
            "This version of wpr does not support an element of the profile.",
            "Use a newer version from the Windows Performance Toolkit, or the command with the built-in profile",
        ),
        // A second instance of the library that wpr and WPRUI share.
        0xc558_0601 => ("Another instance of wpr or WPRUI is running.", "Wait a moment and try again"),
        // ERROR_NO_SYSTEM_RESOURCES of StartTrace: all sessions are in use (devblogs.microsoft.com/performance-diagnostics,
        // "WPR fails to start, insufficient system resources?").
        0x8007_05aa => (
            "All trace sessions of Windows are in use, or sessions of earlier recordings were left over; memory is not the cause.",
            "List them with logman query -ets, end those that nobody needs with logman stop NAME -ets and wpr -cancel, and start again",
        ),
        0xc558_0701 => (
            "The profile does not fit the schema of this version of wpr.",
            "Use a newer version from the Windows Performance Toolkit, or the command with the built-in profile",
        ),
        0x8007_0008 | 0x8007_000e => (
            "There is not enough memory for the buffers.",
            "Use smaller or fewer buffers (a lower rate) and start again",
        ),
        0x8007_0070 | 0x8007_0027 => (
            "The disk is full.",
            "Free disk space or choose a folder on another disk. The recording still exists: save it to another disk, or cancel it",
        ),
        0x8007_0002 | 0x8007_0003 => (
            "A file or folder does not exist: the profile or the folder of the trace.",
            "Check the paths and try again",
        ),
        0x8007_0020 | 0x8007_0021 => ("Another program has the file open.", "Close it there or choose another name"),
        0x8007_0050 | 0x8007_00b7 => {
            ("A file with this name exists already.", "Choose another name or delete the file")
        }
        0x8007_0057 => (
            "This version of wpr does not support one of the options.",
            "Use the version of Windows 10 or later, or of the Windows Performance Toolkit",
        ),
        0x8001_0106 => ("wpr had an internal failure.", "Restart Windows or use a newer version of wpr"),
        // The XML parser reports 0xC00C....: invalid XML, or XML that does not match the schema.
        _ if code >> 16 == 0xc00c => (
            "wpr cannot read the profile.",
            "Use a newer version from the Windows Performance Toolkit, or the command with the built-in profile",
        ),
        _ => return None,
    })
}

fn refusal(what: &str, code: Option<u32>, message: &str) -> String {
    let code_text = code.map_or_else(String::new, |code| format!(" (code {code:#010x})"));
    let own = if message.is_empty() { String::new() } else { format!(" Message of wpr: {message}") };
    match code.and_then(advice) {
        Some((reason, next)) => format!("wpr did not {what}{code_text}. {reason} {next}.{own}"),
        None if message.is_empty() => {
            format!("wpr did not {what}{code_text} without giving a reason. Run the command in a console for details.")
        }
        None => format!("wpr did not {what}{code_text}.{own}"),
    }
}

/// Code of a failure: the exit code if it is a failure HRESULT, else the first code in the output.
fn code_of(exit: Option<i32>, output: &str) -> Option<u32> {
    let exit = exit.map(i32::cast_unsigned).filter(|code| code >> 31 == 1);
    exit.or_else(|| {
        let lower = output.to_lowercase();
        lower.match_indices("0x").find_map(|(at, _)| {
            let digits: String = lower[at + 2..].chars().take_while(char::is_ascii_hexdigit).collect();
            u32::from_str_radix(&digits, 16).ok().filter(|code| digits.len() == 8 && code >> 31 == 1)
        })
    })
}

/// Output of `wpr` as one line, without banner, code and empty lines.
fn message(output: &str) -> String {
    let own = |line: &&str| !line.is_empty() && !["Microsoft", "Copyright"].iter().any(|start| line.starts_with(start));
    let lines = output.lines().map(str::trim).filter(own);
    lines.filter(|line| !line.to_lowercase().contains(": 0x")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENIED: &str = "\n\tFailed to enable the policy to profile system performance.\n\n\tError code: 0xc5585011\n";

    fn stop() -> Task {
        Task::Stop { to: PathBuf::from("a.etl"), about: String::new() }
    }

    #[test]
    fn every_known_code_has_a_next_step() {
        let known = [
            0xc558_5011,
            0x8007_0005,
            0x8007_0522,
            0x8007_02e4,
            ALREADY_RUNNING,
            NOT_RUNNING,
            0xc558_3014,
            0xc558_0612,
            0xc558_300c,
            0xc558_0601,
            0x8007_0008,
            0x8007_000e,
            0x8007_05aa,
            0xc558_0701,
            0x8007_0070,
            0x8007_0027,
            0x8007_0002,
            0x8007_0003,
            0x8007_0020,
            0x8007_0021,
            0x8007_0050,
            0x8007_00b7,
            0x8007_0057,
            0x8001_0106,
            0xc00c_ee2b_u32,
        ];
        for code in known {
            let (reason, next) = advice(code).expect("it is known");
            assert!(reason.ends_with('.') && !next.ends_with('.'), "{code:#x}");
            let words = WprError::refused(&stop(), Some(code.cast_signed()), "").to_string();
            assert!(words.contains(next) && words.contains(&format!("{code:#010x}")), "{words}");
        }
        assert_eq!(advice(0x8000_4005), None);
        let sessions = WprError::refused(&stop(), Some(0x8007_05aa_u32.cast_signed()), "").to_string();
        for words in ["logman query -ets", "logman stop NAME -ets", "wpr -cancel"] {
            assert!(sessions.contains(words) && !sessions.contains("buffers"), "{sessions}");
        }
    }

    #[test]
    fn missing_rights_are_described() {
        let trouble = WprError::refused(&stop(), Some(1), DENIED);
        assert_eq!(trouble.code(), Some(0xc558_5011), "from the text: the exit code says nothing");
        assert_eq!(
            trouble.to_string(),
            "wpr did not save the recording (code 0xc5585011). Recording requires administrator rights or the user right \
             \"Profile system performance\". Close poolscope and start it with \"Run as administrator\". Message of wpr: Failed to \
             enable the policy to profile system performance."
        );
    }

    #[test]
    fn an_unknown_failure_has_its_message() {
        let trouble = WprError::refused(&Task::Cancel, Some(-2_147_467_259), "Unspecified error\n");
        assert_eq!(
            trouble.to_string(),
            "wpr did not cancel the recording (code 0x80004005). Message of wpr: Unspecified error"
        );
        let silent = WprError::refused(&Task::Cancel, None, "").to_string();
        assert!(silent.contains("without giving a reason"), "{silent}");
        assert_eq!(code_of(Some(1), "keyword 0x12 and 0x7fffffff"), None);
    }
}
