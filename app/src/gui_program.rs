//! The window program of Windows. The subsystem in the header of an executable decides whether it has a console: a console program
//! prints to the console of its caller, the shell waits for it and gets its exit code, but a double click opens a console for it. A
//! window program has no console. Therefore there are two executables, like python and pythonw: `poolscope.exe` for the command
//! line, and `poolscopew.exe` for shortcuts and files in Explorer. To open the window, `poolscope.exe` starts `poolscopew.exe` from
//! the same folder, without waiting for it. A single program that attaches to or detaches from a console would lose pipes, `&&` or
//! the exit code.
//!
//! On other systems both are the same.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::io::Io;
use crate::symbols::SymbolEnvironment;

/// File name of the window program.
const WINDOW_PROGRAM: &str = "poolscopew.exe";
/// Upper bound on characters of a message box.
const MESSAGE_MAX: usize = 2_000;

/// Runs the window program: output is shown in a message box. Returns the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    if !cfg!(windows) {
        return crate::main(args);
    }
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io { environment: SymbolEnvironment::from_system(), ..Io::captured(&mut out, &mut err) };
    let code = crate::run(args, &mut io, |_| false);
    drop(io);
    let output = if err.is_empty() { out } else { err };
    if !output.is_empty() {
        show_message(code, &message_text(&output));
    }
    code
}

/// Starts the window program with these arguments. Returns `false` if that is not possible.
pub fn launch(args: &[OsString]) -> bool {
    let Some(program) = std::env::current_exe().ok().and_then(|own| path_beside(&own)) else { return false };
    let mut command = Command::new(program);
    command.args(args.iter().skip(1)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}

/// The window program in the folder of the program `own`, on Windows.
#[must_use]
pub fn path_beside(own: &Path) -> Option<PathBuf> {
    let beside = own.with_file_name(WINDOW_PROGRAM);
    (cfg!(windows) && beside != own && beside.is_file()).then_some(beside)
}

/// Output of the program, truncated to the size of a message box.
fn message_text(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let text = text.trim_end();
    match text.char_indices().nth(MESSAGE_MAX) {
        Some((end, _)) => format!("{}\u{2026}\n\nRun poolscope from a console to see the whole output.", &text[..end]),
        None => text.to_owned(),
    }
}

fn show_message(code: u8, text: &str) {
    let level = if code == 0 { rfd::MessageLevel::Info } else { rfd::MessageLevel::Error };
    rfd::MessageDialog::new().set_level(level).set_title("poolscope").set_description(text).show();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_program_is_used_on_windows_if_it_exists() {
        let folder = std::env::temp_dir().join(format!("poolscope-windowed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let own = folder.join("poolscope.exe");
        assert_eq!(path_beside(&own), None, "it does not exist");
        let other = folder.join(WINDOW_PROGRAM);
        std::fs::write(&other, b"").expect("a file");
        assert_eq!(path_beside(&own), cfg!(windows).then(|| other.clone()));
        assert_eq!(path_beside(&other), None, "it does not start itself");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn long_output_is_truncated() {
        assert_eq!(message_text(b"error: no such file\n"), "error: no such file");
        assert_eq!(message_text(b"a \xff\n"), "a \u{fffd}");
        let long = message_text("\u{fc}".repeat(MESSAGE_MAX + 1).as_bytes());
        assert!(long.starts_with('\u{fc}') && long.ends_with("from a console to see the whole output."), "{long}");
        assert!(long.chars().count() < MESSAGE_MAX + 60);
    }
}
