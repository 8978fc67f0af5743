//! Why `wpr` did not do what it was asked for, in sentences that say what to do next. The codes are results of Windows
//! (`0x8007....`) and of `wpr` itself (`0xc558....`), as its own messages and Microsoft's scripts around it name them.

use std::path::PathBuf;

use thiserror::Error;

use super::task::Task;

/// Why a task was not done.
#[derive(Debug, Error)]
pub enum WprError {
    /// The program does not run.
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
        /// Its file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The folder for temporary files is not there and cannot be made.
    #[error("The folder {folder} cannot be made: {error}. Choose another folder for temporary files.", folder = .folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The user ended it.
    #[error("wpr was ended before it was done. Whether a recording is running is not known: look again.")]
    Cancelled,
    /// It did not answer.
    #[error(
        "wpr did not {what} within {seconds} s and was ended. Look again whether a recording is running; if it hangs again, restart Windows."
    )]
    Hung {
        /// What it was asked for.
        what: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// It said no.
    #[error("{}", refusal(.what, *.code, .said))]
    Refused {
        /// What it was asked for.
        what: &'static str,
        /// Its code, if it gave one.
        code: Option<u32>,
        /// Its own words.
        said: String,
    },
}

impl WprError {
    /// A failure that `wpr` reported: its exit code and what it wrote.
    #[must_use]
    pub fn refused(task: &Task, exit: Option<i32>, output: &str) -> Self {
        Self::Refused { what: task.action(), code: code_of(exit, output), said: said(output) }
    }

    /// The code that `wpr` gave.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Refused { code, .. } => *code,
            _ => None,
        }
    }
}

/// Another recording is under way.
pub const ALREADY_RUNNING: u32 = 0xc558_3001;
/// No recording is under way.
pub const NOT_RUNNING: u32 = 0xc558_3000;

/// What is wrong, and what to do about it.
fn advice(code: u32) -> Option<(&'static str, &'static str)> {
    let rights = "Close poolscope and start it with \"Run as administrator\"";
    Some(match code {
        0xc558_5011 | 0x8007_0005 | 0x8007_0522 | 0x8007_02e4 => {
            ("Recording needs the rights of an administrator, or the right \"Profile system performance\".", rights)
        }
        ALREADY_RUNNING => (
            "A recording is running already.",
            "Save or drop that one first: with the buttons here, or with wpr -stop FILE.etl or wpr -cancel",
        ),
        NOT_RUNNING => ("No recording is running: it was stopped elsewhere, or never began.", "Start one"),
        0xc558_3014 => (
            "Another tool uses the kernel's log session.",
            "Stop it first (xperf -stop; logman query -ets lists what runs) and start again",
        ),
        0xc558_0612 | 0xc558_300c => (
            "This wpr does not know something in the profile, so it has nothing to record.",
            "Use a newer wpr, of the Windows Performance Toolkit, or the command with the built-in profile",
        ),
        // A second instance of the library that wpr and its window share.
        0xc558_0601 => ("Another wpr or WPRUI is at work.", "Wait a moment and try again"),
        0x8007_0008 | 0x8007_000e | 0x8007_05aa => (
            "There is not enough memory for the buffers.",
            "Take smaller or fewer buffers (a lower rate) and start again",
        ),
        0x8007_0070 | 0x8007_0027 => (
            "The disk is full.",
            "Make room, or choose a folder on another disk. The recording is still there: save it to another disk, or drop it",
        ),
        0x8007_0002 | 0x8007_0003 => (
            "A file or folder is not there: the profile, or the folder of the trace.",
            "Look at the paths and try again",
        ),
        0x8007_0020 | 0x8007_0021 => ("Another program has the file open.", "Close it there, or choose another name"),
        0x8007_0050 | 0x8007_00b7 => ("A file of that name is there already.", "Choose another name, or delete it"),
        0x8007_0057 => (
            "This wpr does not know one of the options.",
            "Use a newer wpr: the one of Windows 10 or later, or of the Windows Performance Toolkit",
        ),
        0x8001_0106 => ("wpr failed inside.", "Restart Windows, or use a newer wpr"),
        // What reads XML reports 0xC00C....: bad XML, or XML that does not fit the schema.
        _ if code >> 16 == 0xc00c => (
            "wpr cannot read the profile.",
            "Use a newer wpr, of the Windows Performance Toolkit, or the command with the built-in profile",
        ),
        _ => return None,
    })
}

fn refusal(what: &str, code: Option<u32>, said: &str) -> String {
    let code_words = code.map_or_else(String::new, |code| format!(" (code {code:#010x})"));
    let own = if said.is_empty() { String::new() } else { format!(" wpr said: {said}") };
    match code.and_then(advice) {
        Some((reason, next)) => format!("wpr did not {what}{code_words}. {reason} {next}.{own}"),
        None if said.is_empty() => {
            format!("wpr did not {what}{code_words} and did not say why. Run the command in a console to see more.")
        }
        None => format!("wpr did not {what}{code_words}.{own}"),
    }
}

/// The code of a failure: the exit code where it is a result of Windows, else the one that is written in the text.
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

/// What `wpr` wrote, without empty lines, the code and the lines about itself, as one line.
fn said(output: &str) -> String {
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
    fn every_known_code_says_what_to_do() {
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
    }

    #[test]
    fn rights_are_asked_for_in_a_sentence() {
        let trouble = WprError::refused(&stop(), Some(1), DENIED);
        assert_eq!(trouble.code(), Some(0xc558_5011), "from the text: the exit code says nothing");
        assert_eq!(
            trouble.to_string(),
            "wpr did not save the recording (code 0xc5585011). Recording needs the rights of an administrator, or the right \
             \"Profile system performance\". Close poolscope and start it with \"Run as administrator\". wpr said: Failed to \
             enable the policy to profile system performance."
        );
    }

    #[test]
    fn an_unknown_failure_keeps_its_own_words() {
        let trouble = WprError::refused(&Task::Cancel, Some(-2_147_467_259), "Unspecified error\n");
        assert_eq!(
            trouble.to_string(),
            "wpr did not drop the recording (code 0x80004005). wpr said: Unspecified error"
        );
        let silent = WprError::refused(&Task::Cancel, None, "").to_string();
        assert!(silent.contains("did not say why"), "{silent}");
        assert_eq!(code_of(Some(1), "keyword 0x12 and 0x7fffffff"), None);
    }
}
