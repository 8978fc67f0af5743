//! Explanations of one frame of a stack: its place in the sources, how far its name can be trusted, or why it
//! has none. Words only.

use poolscope_analysis::group::frames::FrameParts;
use poolscope_symbols::names::{AddressSymbol, NameSource, SourceLine};

use super::Document;
use crate::format;
use crate::gui::document::table_model::node_id;
use crate::gui::model::frame_parts::explained;
use crate::gui::widgets::pivot_table::RowId;

/// Folded frames that are listed at most.
const MOST_FOLDED: usize = 32;
/// End of the text at a row that stands for several frames.
const HOW_TO_UNFOLD: &str = "\n\nRight, or a click on the triangle, shows each of them; Left folds them again.";

impl Document {
    /// Text at the pointer for a row; only frames have one.
    #[must_use]
    pub fn frame_tip(&self, row: RowId) -> Option<String> {
        let rows = self.results.rows.as_ref()?;
        let folded = rows.folded_texts(row);
        if !folded.is_empty() {
            return Some(folded_lines(&folded));
        }
        let tree = rows.flat().tree();
        let node = node_id(row);
        let is_frame = matches!(tree.step(node), poolscope_analysis::pivot::TreeStep::Frame { frame, .. } if frame > 0);
        let text = is_frame.then(|| tree.label(node))?;
        let mut message = self.explain_frame(&text)?;
        if self.why_unnamed(&text).is_some() && self.module_of_text(&text).is_some() {
            message += "\nRight-click: Show module";
        }
        Some(message)
    }

    /// Paragraphs about a frame of a stack: its source, and the reason where it has no name.
    #[must_use]
    pub fn explained_frame(&self, frame: &FrameParts) -> Vec<String> {
        let why = if frame.function.is_none() { self.explain_frame(&frame.text) } else { None };
        std::iter::once(explained(frame)).chain(why).collect()
    }

    /// Facts about a frame beside its text; `None` when there are none.
    #[must_use]
    pub fn explain_frame(&self, text: &str) -> Option<String> {
        if let Some(why) = self.why_unnamed(text) {
            return Some(why);
        }
        let message = answer_lines(self.answer_of_text(text)?);
        (!message.is_empty()).then(|| message.join("\n"))
    }

    /// The text of a frame, with its source line if that is known. A function that is called from several lines has none.
    #[must_use]
    pub fn with_source_line(&self, text: &str) -> String {
        let mut lines = self.answers_of_text(text).map(|answer| answer.line.as_ref());
        let first = lines.next().flatten();
        let line = first.filter(|first| lines.all(|line| line == Some(first)));
        line.map_or_else(|| text.to_owned(), |line| format!("{text} [{}]", line_text(line)))
    }

    /// The module of the frame under the cursor: its place among those that the trace needs.
    #[must_use]
    pub fn module_of_cursor(&self) -> Option<usize> {
        self.module_of_text(&self.cursor_frame()?)
    }

    fn module_of_text(&self, text: &str) -> Option<usize> {
        let module = text.split_once('!').or_else(|| text.rsplit_once('+')).map_or(text, |(module, _)| module);
        self.results.symbols.needs().iter().position(|need| need.request.identity.name.eq_ignore_ascii_case(module))
    }

    /// The answer that gave a frame its text.
    fn answer_of_text<'d>(&'d self, text: &'d str) -> Option<&'d AddressSymbol> {
        self.answers_of_text(text).next()
    }

    /// The answers that give a frame its text.
    fn answers_of_text<'d>(&'d self, text: &'d str) -> impl Iterator<Item = &'d AddressSymbol> {
        let parts = text.split_once('!');
        let rows = self.results.symbols.needs().iter().zip(self.results.symbols.rows());
        let of_module = move |name: &str| parts.is_some_and(|(module, _)| name.eq_ignore_ascii_case(module));
        let of_module = rows.filter(move |(need, _)| of_module(&need.request.identity.name));
        let answers = of_module.filter_map(|(_, row)| row.outcome.as_ref()).flat_map(|outcome| outcome.names.iter());
        let fits_text = move |answer: &&AddressSymbol| parts.is_some_and(|(_, function)| fits(answer, function));
        answers.filter_map(|(_, answer)| answer).filter(fits_text)
    }
}

/// The frames that a row stands for, one per line; of many the outermost and the innermost.
fn folded_lines(frames: &[String]) -> String {
    let half = MOST_FOLDED / 2;
    if frames.len() <= MOST_FOLDED {
        return frames.join("\n") + HOW_TO_UNFOLD;
    }
    let (outer, inner) = (&frames[..half], &frames[frames.len() - half..]);
    let left_out = format!("\u{2026} {} more \u{2026}", format::count((frames.len() - 2 * half) as u64));
    [&outer.join("\n"), &left_out, &inner.join("\n")].map(String::as_str).join("\n") + HOW_TO_UNFOLD
}

/// Returns whether an answer is shown as this function, with the offset in it or without.
fn fits(answer: &AddressSymbol, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(&*answer.function) else { return false };
    rest.is_empty() || *rest == *format!("+{:#x}", answer.offset_bytes)
}

/// Lines about an answer beside the function's name.
fn answer_lines(answer: &AddressSymbol) -> Vec<String> {
    let mut message = Vec::new();
    message.extend(answer.line.as_ref().map(line_text));
    for inlined in &answer.inlined {
        let place = inlined.line.as_ref().map(|line| format!(", {}", line_text(line)));
        message.push(format!("inlined: {}{}", inlined.function, place.unwrap_or_default()));
    }
    if answer.source == NameSource::Export {
        message.push("Nearest export; may be another function.".to_owned());
    }
    message
}

fn line_text(line: &SourceLine) -> String {
    format!("{}:{}", line.file, line.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_where_it_is_from() {
        let line = |file: &str, line| SourceLine { file: file.into(), line };
        let inlined =
            poolscope_symbols::names::InlinedFunction { function: "push".into(), line: Some(line("vec.h", 7)) };
        let answer = AddressSymbol {
            function: "MyfaultDeviceControl".into(),
            offset_bytes: 0x1c,
            source: NameSource::Export,
            line: Some(line("myfault.c", 312)),
            inlined: vec![inlined],
        };
        let message = answer_lines(&answer).join("|");
        assert!(message.starts_with("myfault.c:312|inlined: push, vec.h:7|Nearest export"), "{message}");
        assert!(fits(&answer, "MyfaultDeviceControl") && fits(&answer, "MyfaultDeviceControl+0x1c"));
        assert!(!fits(&answer, "MyfaultDeviceControl+0x1d") && !fits(&answer, "MyfaultDeviceControlEx"));
    }
}
