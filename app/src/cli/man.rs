//! `man`: the man page, generated from the definition of the command line. One page covers all commands.

use super::io::Io;
use clap::Command;
use clap_mangen::Man;
use std::io::{self, Write as _};

/// Sections on exit codes and environment variables.
const MORE: &str = r#".SH "EXIT STATUS"
.TP
0
Success.
.TP
1
Failure; the reason is printed to standard error.
.TP
2
Usage error.
.TP
3
A condition of \fB\-\-fail\-if\fR is true.
.TP
130
Interrupted.
.SH ENVIRONMENT
.TP
\fBNO_COLOR\fR, \fBCLICOLOR\fR, \fBCLICOLOR_FORCE\fR
Control colors; \fB\-\-color\fR takes precedence.
.TP
\fBRAYON_NUM_THREADS\fR
Number of worker threads; \fB\-\-threads\fR takes precedence.
.TP
\fB_NT_SYMBOL_PATH\fR, \fB_NT_SYMBOL_PROXY\fR
Symbol path and proxy, as for the debuggers.
"#;

/// Runs the command.
///
/// # Errors
/// The output cannot be written.
pub fn run(io: &mut Io<'_>) -> anyhow::Result<u8> {
    let page = page(super::command())?;
    io.out.write_all(&page)?;
    Ok(0)
}

fn page(mut command: Command) -> io::Result<Vec<u8>> {
    command.build();
    let mut page = Vec::new();
    let whole = Man::new(command.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    writeln!(page, ".SH COMMANDS")?;
    for command in command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help") {
        page.extend_from_slice(section(command)?.as_bytes());
    }
    page.extend_from_slice(MORE.as_bytes());
    Ok(without_repeats(&String::from_utf8_lossy(&page)).into_bytes())
}

/// The page in ASCII, without repeated preambles.
fn without_repeats(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    for (at, line) in page.lines().enumerate() {
        if at < 2 || !is_preamble(line) {
            line.chars().for_each(|c| push(&mut text, c));
            text.push('\n');
        }
    }
    text
}

/// Appends a character as ASCII, which every reader of man pages supports.
fn push(text: &mut String, c: char) {
    if c.is_ascii() {
        text.push(c);
    } else {
        text.push_str(&format!("\\[u{:04X}]", u32::from(c)));
    }
}

/// Returns `true` if a line belongs to the preamble that defines the apostrophe.
fn is_preamble(line: &str) -> bool {
    line.starts_with(".ie ") || line.starts_with(".el ")
}

/// Section of a command: description, synopsis, its own options.
fn section(command: &Command) -> io::Result<String> {
    let name = command.get_name().to_owned();
    let own = command.clone().mut_args(|arg| if is_global(&arg) { arg.hide(true) } else { arg });
    let man = Man::new(own);
    let mut roff = Vec::new();
    man.render_description_section(&mut roff)?;
    man.render_synopsis_section(&mut roff)?;
    man.render_options_section(&mut roff)?;
    let roff = String::from_utf8_lossy(&roff);
    let heading = format!(".SS \"{}\"", name.replace('-', "\\-"));
    let mut text = String::new();
    for line in roff.lines() {
        match line {
            ".SH DESCRIPTION" => text.push_str(&heading),
            // Subsections of the command, not sections of the page.
            ".SH SYNOPSIS" | ".SH OPTIONS" => text.push_str(".PP"),
            line => text.push_str(line),
        }
        text.push('\n');
    }
    Ok(text)
}

fn is_global(arg: &clap::Arg) -> bool {
    arg.is_global_set() || arg.get_id() == "help"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_option_is_on_the_page() {
        let mut command = super::super::command();
        command.build();
        let page = String::from_utf8(page(command.clone()).expect("memory takes it")).expect("UTF-8");
        let roff = |text: &str| text.replace('-', "\\-");
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            assert!(page.contains(&format!(".SS \"{}\"\n", roff(sub.get_name()))), "{}", sub.get_name());
            for long in sub.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(|arg| arg.get_long()) {
                assert!(page.contains(&roff(&format!("--{long}"))), "{} --{long}", sub.get_name());
            }
        }
        assert!(page.starts_with(".ie ") || page.starts_with(".TH "), "{}", &page[..80]);
        assert_eq!(page.matches(".SH OPTIONS").count(), 1, "options of commands are paragraphs");
        assert_eq!(page.matches(&roff("--color")).count(), 2, "once as an option, once in the environment");
    }
}
