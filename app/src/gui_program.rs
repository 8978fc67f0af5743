//! A console for the command line and none for the window. Windows looks at the file of a program, not at its arguments, to
//! decide: a console program has its output in the console it was called from, the shell waits for it and sees its exit code,
//! and one that is started by a double click gets a console of its own. A program without a console has none of these. So there are
//! two, as python and pythonw: `poolscope.exe` for the command line, and `poolscopew.exe` for everything that opens a window:
//! shortcuts, files in Explorer. Asked for the window, `poolscope.exe` starts the other one if that lies beside it, and the
//! shell goes on at once. One program that drops its console or looks for its caller's would lose pipes, `&&` or the exit code.
//!
//! On other systems both are the same. This must never wait for the other program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::io::Io;
use crate::symbols::SymbolEnvironment;

/// What the program without a console is called.
const WINDOW_PROGRAM: &str = "poolscopew.exe";
/// A box holds no more than this; a whole report is read elsewhere.
const WORDS_MAX: usize = 2_000;

/// Runs the program without a console: what there is to say is said in a box. Returns the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    if !cfg!(windows) {
        return crate::main(args);
    }
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io { environment: SymbolEnvironment::from_system(), ..Io::captured(&mut out, &mut err) };
    let code = crate::run(args, &mut io, |_| false);
    drop(io);
    let said = if err.is_empty() { out } else { err };
    if !said.is_empty() {
        show_message(code, &message_text(&said));
    }
    code
}

/// Hands the arguments to the program without a console. Says whether that is done; else the window is opened here.
pub fn launch(args: &[OsString]) -> bool {
    let Some(program) = std::env::current_exe().ok().and_then(|own| path_beside(&own)) else { return false };
    let mut command = Command::new(program);
    command.args(args.iter().skip(1)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}

/// The program without a console beside this one, on Windows.
#[must_use]
pub fn path_beside(own: &Path) -> Option<PathBuf> {
    let beside = own.with_file_name(WINDOW_PROGRAM);
    (cfg!(windows) && beside != own && beside.is_file()).then_some(beside)
}

/// What was said, as much of it as a box holds.
fn message_text(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let text = text.trim_end();
    match text.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{}\u{2026}\n\nRun poolscope from a console to see all of it.", &text[..end]),
        None => text.to_owned(),
    }
}

fn show_message(code: u8, words: &str) {
    let level = if code == 0 { rfd::MessageLevel::Info } else { rfd::MessageLevel::Error };
    rfd::MessageDialog::new().set_level(level).set_title("poolscope").set_description(words).show();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_program_is_used_on_windows_where_it_is() {
        let folder = std::env::temp_dir().join(format!("poolscope-windowed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let own = folder.join("poolscope.exe");
        assert_eq!(path_beside(&own), None, "it is not there");
        let other = folder.join(WINDOW_PROGRAM);
        std::fs::write(&other, b"").expect("a file");
        assert_eq!(path_beside(&own), cfg!(windows).then(|| other.clone()));
        assert_eq!(path_beside(&other), None, "it does not start itself");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_box_holds_only_so_much() {
        assert_eq!(message_text(b"error: no such file\n"), "error: no such file");
        assert_eq!(message_text(b"a \xff\n"), "a \u{fffd}");
        let long = message_text("\u{fc}".repeat(WORDS_MAX + 1).as_bytes());
        assert!(long.starts_with('\u{fc}') && long.ends_with("from a console to see all of it."), "{long}");
        assert!(long.chars().count() < WORDS_MAX + 60);
    }
}
