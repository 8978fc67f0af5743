//! The words about one frame of a stack by its parts: the line that debuggers write, and all that is known of its name. Words
//! only.

use poolscope_analysis::group::frames::FrameParts;
use poolscope_symbols::names::{InlinedFunction, NameSource, SourceLine};

/// A frame as debuggers write it, functions inlined there on lines of their own before it.
#[must_use]
pub fn lines(frame: &FrameParts) -> String {
    let at = |line: &Option<SourceLine>| line.as_ref().map_or_else(String::new, |line| format!(" [{}]", place(line)));
    let inlined = frame.inlined.iter().rev();
    let inlined = inlined.map(|i| format!("{:18} {}{}\n", "(inline)", inlined_text(frame, i), at(&i.line)));
    let guess = if is_guess(frame) { " (nearest export)" } else { "" };
    format!("{}{:#018x} {}{guess}{}", inlined.collect::<String>(), frame.address, frame.text, at(&frame.line))
}

/// The text of a frame, with its source line if that is known: `my.sys!f+0x4 [my.c:7]`.
#[must_use]
pub fn with_line(frame: &FrameParts) -> String {
    frame.line.as_ref().map_or_else(|| frame.text.clone(), |line| format!("{} [{}]", frame.text, place(line)))
}

/// Returns whether the name is only the nearest export.
#[must_use]
pub fn is_guess(frame: &FrameParts) -> bool {
    frame.source == Some(NameSource::Export)
}

/// A function inlined in a frame.
#[must_use]
fn inlined_text(frame: &FrameParts, inlined: &InlinedFunction) -> String {
    let module = if frame.module.is_empty() { String::new() } else { format!("{}!", frame.module) };
    format!("{module}{} [inlined]", inlined.function)
}

/// A source line: `my.c:7`.
#[must_use]
pub fn place(line: &SourceLine) -> String {
    format!("{}:{}", line.file, line.line)
}

/// Description of a function inlined in a frame.
#[must_use]
fn explained_inlined(frame: &FrameParts, inlined: &InlinedFunction) -> String {
    let outer = frame.function.as_deref().unwrap_or("the function of the frame");
    let line = inlined.line.as_ref().map_or_else(|| "source line unknown".to_owned(), place);
    format!("{}\n{line}\ninlined in {outer}", inlined.function)
}

/// The parts of a frame, and what is known of its name.
#[must_use]
pub fn explained(frame: &FrameParts) -> String {
    let module = if frame.module.is_empty() { "no module at this address" } else { &frame.module };
    let function = frame.function.as_deref().unwrap_or("function unknown: no symbols");
    let line = frame.line.as_ref().map_or_else(String::new, |line| format!("\n{}", place(line)));
    let guess = if is_guess(frame) { "\nnearest export; may be another function" } else { "" };
    format!("{module}\n{function}{guess}{line}\noffset +{:#x}\naddress {:#018x}", frame.offset_bytes, frame.address)
}

/// The functions inlined at a frame, the innermost first, each with what is said of it.
#[must_use]
pub fn inlined_lines(frame: &FrameParts) -> Vec<(String, String)> {
    let line = |inlined| (inlined_text(frame, inlined), explained_inlined(frame, inlined));
    frame.inlined.iter().rev().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: Option<&str>, source: Option<NameSource>) -> FrameParts {
        FrameParts {
            text: "my.sys!f+0x4".to_owned(),
            module: "my.sys".to_owned(),
            function: function.map(str::to_owned),
            offset_bytes: 4,
            address: 0xffff_f800_0000_0030,
            line: None,
            inlined: Vec::new(),
            source,
        }
    }

    #[test]
    fn copied_frames_have_their_lines_and_what_was_inlined() {
        let line = |line| Some(SourceLine { file: "my.c".into(), line });
        let inlined = |function: &str, at| InlinedFunction { function: function.into(), line: line(at) };
        let known = FrameParts {
            line: line(7),
            inlined: vec![inlined("outer", 8), inlined("inner", 9)],
            ..frame(Some("f"), Some(NameSource::Procedure))
        };
        let expected = "(inline)           my.sys!inner [inlined] [my.c:9]\n\
                        (inline)           my.sys!outer [inlined] [my.c:8]\n\
                        0xfffff80000000030 my.sys!f+0x4 [my.c:7]";
        assert_eq!(lines(&known), expected);
        assert_eq!(explained_inlined(&known, &known.inlined[1]), "inner\nmy.c:9\ninlined in f");
        assert_eq!(explained(&known), "my.sys\nf\nmy.c:7\noffset +0x4\naddress 0xfffff80000000030");
    }

    #[test]
    fn a_name_by_export_says_so() {
        let export = frame(Some("f"), Some(NameSource::Export));
        assert_eq!(lines(&export), "0xfffff80000000030 my.sys!f+0x4 (nearest export)");
        assert!(explained(&export).contains("f\nnearest export; may be another function\noffset"));
        assert!(!explained(&frame(Some("f"), Some(NameSource::Public))).contains("export"));
        assert!(explained(&frame(None, None)).contains("no symbols"));
    }
}
