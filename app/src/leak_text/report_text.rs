//! A suspect as evidence in a paragraph, for an e-mail or a ticket: the sentence, the figures, and the stack, as text and as HTML.

use super::{attribution, cost, pool, reasons, summary, tag};
use crate::format;
use poolscope_analysis::export::xml::escape;
use poolscope_analysis::leaks::owner::TagOwnerData;
use poolscope_analysis::leaks::{LeakAnalysis, Suspect};
use poolscope_analysis::trace::time::Clock;

/// A text for the clipboard in two forms.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RichText {
    /// Plain text.
    pub text: String,
    /// The same as a fragment of HTML.
    pub html: String,
}

/// Evidence about suspects to copy.
pub struct SuspectEvidence<'e> {
    /// The trace's name.
    pub trace: &'e str,
    /// Clock of the trace.
    pub clock: Clock,
    /// The analysis.
    pub analysis: &'e LeakAnalysis,
    /// Further sources of tag owners.
    pub owner_data: TagOwnerData<'e>,
}

impl SuspectEvidence<'_> {
    /// The paragraph about a suspect. `frames` is its stack, the innermost frame first, each with its source line if that is known.
    #[must_use]
    pub fn of(&self, suspect: &Suspect, frames: &[String]) -> RichText {
        let sentence = summary::of_suspect(suspect, self.analysis.request.grouping);
        let sentence = sentence.trim_end_matches('.').to_owned();
        let confidence =
            format!("Verdict: {}, confidence {}.", suspect.verdict.name(), format::confidence(suspect.confidence));
        let evidence = &suspect.evidence;
        let seconds = |time| format::seconds(self.clock.seconds(time), 1);
        let range = &self.analysis.range;
        let outstanding = format!(
            "Outstanding at the end: {} in {}; {} allocated, {} freed.",
            format::bytes(evidence.outstanding.bytes),
            format::counted(evidence.outstanding.count, "allocation", "allocations"),
            format::count(evidence.allocated.count),
            format::count(evidence.freed.count),
        );
        let origin = format!(
            "Trace {}, {} pool, tag {}, analyzed {} to {}.",
            self.trace,
            pool(suspect.is_paged),
            tag(suspect),
            seconds(range.warm_up_end),
            seconds(range.active.to),
        );
        let cost = cost(suspect, self.analysis).map(|cost| format!("Growth: {cost}."));
        let why = reasons(suspect).into_iter().chain(attribution::lines(suspect, self.owner_data));
        let why: Vec<String> = why.map(|line| format::sentence_case(&line)).collect();
        let facts: Vec<String> = [confidence, outstanding].into_iter().chain(cost).chain([origin]).collect();
        let stack = (!frames.is_empty()).then(|| {
            format!(
                "Stack of {} of the outstanding bytes, innermost frame first:",
                format::percent(suspect.stack_share)
            )
        });
        RichText {
            text: text(&sentence, &facts, &why, stack.as_deref(), frames),
            html: html(&sentence, &facts, &why, stack.as_deref(), frames),
        }
    }
}

impl RichText {
    /// Several texts, one below the other.
    #[must_use]
    pub fn joined(parts: &[Self]) -> Self {
        let all = |of: fn(&Self) -> &str, separator: &str| parts.iter().map(of).collect::<Vec<_>>().join(separator);
        Self { text: all(|part| &part.text, "\n"), html: all(|part| &part.html, "\n") }
    }
}

fn text(sentence: &str, facts: &[String], why: &[String], stack: Option<&str>, frames: &[String]) -> String {
    let mut text = format!("{sentence}.\n{}\n", facts.join(" "));
    for line in why {
        text += &format!("- {line}\n");
    }
    if let Some(title) = stack {
        text += &format!("{title}\n");
    }
    for frame in frames {
        text += &format!("    {frame}\n");
    }
    text
}

fn html(sentence: &str, facts: &[String], why: &[String], stack: Option<&str>, frames: &[String]) -> String {
    let facts: Vec<String> = facts.iter().map(|fact| escape(fact)).collect();
    let mut html = format!("<p><b>{}.</b><br>{}</p>", escape(sentence), facts.join(" "));
    if !why.is_empty() {
        let items: String = why.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
        html += &format!("<ul>{items}</ul>");
    }
    if let Some(title) = stack {
        let lines: Vec<String> = frames.iter().map(|frame| escape(frame)).collect();
        html += &format!("<p>{}</p><pre>{}</pre>", escape(title), lines.join("\n"));
    }
    html
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{analysis, suspect};
    use super::*;
    use poolscope_analysis::leaks::Verdict;
    use poolscope_analysis::trace::time::ClockKind;

    #[test]
    fn the_paragraph_has_sentence_figures_and_stack() {
        let leak = suspect(Verdict::Leak);
        let all = analysis(vec![leak.clone()]);
        let clock = Clock { kind: ClockKind::Qpc, ticks_per_second: 1000, start_filetime: 0 };
        let evidence =
            SuspectEvidence { trace: "a<b>.etl", clock, analysis: &all, owner_data: TagOwnerData::default() };
        let frames = ["nt!Alloc+0x1".to_owned(), "my.sys!vector<int>::grow [a.cpp:7]".to_owned()];
        let found = evidence.of(&leak, &frames);
        let lines: Vec<&str> = found.text.lines().collect();
        assert_eq!(lines[0], format!("{}.", super::super::summary(&all)));
        assert!(
            lines[1].contains("Verdict: leak, confidence ") && lines[1].contains("Outstanding at the end: "),
            "{}",
            lines[1]
        );
        assert!(lines[1].contains("Trace a<b>.etl, nonpaged pool"), "{}", lines[1]);
        assert!(
            found.text.ends_with("innermost frame first:\n    nt!Alloc+0x1\n    my.sys!vector<int>::grow [a.cpp:7]\n")
        );
        assert!(
            found.html.contains("<pre>nt!Alloc+0x1\nmy.sys!vector&lt;int&gt;::grow [a.cpp:7]</pre>"),
            "{}",
            found.html
        );
        assert!(!found.html.contains("a<b>"), "{}", found.html);
        let two = RichText::joined(&[found.clone(), found.clone()]);
        assert_eq!(two.text.matches("Verdict: leak").count(), 2);
    }
}
