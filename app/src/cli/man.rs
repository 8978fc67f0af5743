//! `man`: the man page, from the definition of the command line. One page for the program and all its commands, since they share
//! most of what they are about.

use super::io::Io;
use clap::Command;
use clap_mangen::Man;
use std::io::{self, Write as _};

/// What holds for every command and is no option of any.
const MORE: &str = r#".SH "EXIT STATUS"
.TP
0
Done.
.TP
1
It could not be done; standard error says why.
.TP
2
Wrong usage.
.TP
3
A condition of \fB\-\-fail\-if\fR held.
.TP
130
Interrupted.
.SH ENVIRONMENT
.TP
\fBNO_COLOR\fR, \fBCLICOLOR\fR, \fBCLICOLOR_FORCE\fR
Whether output is colored; \fB\-\-color\fR comes first.
.TP
\fBRAYON_NUM_THREADS\fR
Number of worker threads, unless \fB\-\-threads\fR says otherwise.
.TP
\fB_NT_SYMBOL_PATH\fR, \fB_NT_SYMBOL_PROXY\fR
Where symbols are looked for, as for the debuggers.
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

/// The page in ASCII, with the lines that every part of it begins with told once.
fn without_repeats(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    for (at, line) in page.lines().enumerate() {
        if at < 2 || !is_opening(line) {
            line.chars().for_each(|c| push(&mut text, c));
            text.push('\n');
        }
    }
    text
}

/// Not every reader of man pages takes more than ASCII.
fn push(text: &mut String, c: char) {
    if c.is_ascii() {
        text.push(c);
    } else {
        text.push_str(&format!("\\[u{:04X}]", u32::from(c)));
    }
}

/// Whether a line is one of those that say what an apostrophe is.
fn is_opening(line: &str) -> bool {
    line.starts_with(".ie ") || line.starts_with(".el ")
}

/// A command as a part of the page: what it is for, how it is called, its options. Those of every command were told above.
fn section(command: &Command) -> io::Result<String> {
    let name = command.get_name().to_owned();
    let own = command.clone().mut_args(|arg| if is_everywhere(&arg) { arg.hide(true) } else { arg });
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
            // Paragraphs of the command, no chapters of the page.
            ".SH SYNOPSIS" | ".SH OPTIONS" => text.push_str(".PP"),
            line => text.push_str(line),
        }
        text.push('\n');
    }
    Ok(text)
}

fn is_everywhere(arg: &clap::Arg) -> bool {
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
        assert_eq!(page.matches(&roff("--color")).count(), 2, "told once, and where the environment is");
    }
}
