//! Verdicts as test results in the XML of JUnit, which build servers show: each condition is a test, and each suspect.

use crate::leak_text;
use poolscope_analysis::export::xml::escape;
use poolscope_analysis::leaks::{LeakAnalysis, Suspect};
use std::io::{self, Write};

/// A condition, and the figures that make it true; `None` if it is false.
pub type CheckedCondition = (String, Option<String>);

/// Verdicts and conditions to write.
pub struct JunitReport<'r> {
    /// Name of the trace.
    pub name: &'r str,
    /// The analysis.
    pub analysis: &'r LeakAnalysis,
    /// The suspects to write.
    pub shown: &'r [&'r Suspect],
    /// The conditions. One that is true is a failure.
    pub conditions: &'r [CheckedCondition],
    /// Lines about a suspect: reasons, figures, stack.
    pub lines: &'r dyn Fn(&Suspect) -> Vec<String>,
}

/// A test with its result.
struct Test {
    class: String,
    name: String,
    /// Kind, message and text.
    failure: Option<(String, String, Vec<String>)>,
}

impl JunitReport<'_> {
    /// Writes the document.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let conditions = self.conditions.iter().map(|(text, deciding)| Test {
            class: "poolscope.fail-if".to_owned(),
            name: text.clone(),
            failure: deciding.as_ref().map(|deciding| ("condition".to_owned(), deciding.clone(), Vec::new())),
        });
        let tests: Vec<Test> = conditions.chain(self.shown.iter().map(|suspect| self.test(suspect))).collect();
        let failures = tests.iter().filter(|test| test.failure.is_some()).count();
        let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\"", tests.len());
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"poolscope\" {counts}>")?;
        writeln!(out, "  <testsuite name=\"{}\" {counts} skipped=\"0\">", escape(self.name))?;
        tests.iter().try_for_each(|test| write_test(out, test))?;
        writeln!(out, "    <system-out>{}</system-out>", escape(&leak_text::summary(self.analysis)))?;
        writeln!(out, "  </testsuite>\n</testsuites>")
    }

    fn test(&self, suspect: &Suspect) -> Test {
        let parts = [Some(leak_text::tag(suspect)), leak_text::driver(suspect), Some(suspect.function.as_str())];
        let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let failure = suspect.verdict.is_growing().then(|| {
            let lines = (self.lines)(suspect);
            let message = lines.first().cloned().unwrap_or_default();
            (suspect.verdict.name().to_owned(), message, lines)
        });
        let grouping = self.analysis.request.grouping.name();
        Test {
            class: format!("poolscope.{grouping}.{}", leak_text::pool(suspect.is_paged)),
            name: parts.join(" "),
            failure,
        }
    }
}

fn write_test(out: &mut dyn Write, test: &Test) -> io::Result<()> {
    write!(out, "    <testcase classname=\"{}\" name=\"{}\"", escape(&test.class), escape(&test.name))?;
    let Some((kind, message, lines)) = &test.failure else { return writeln!(out, "/>") };
    // Line by line: an escaped text has no line breaks.
    let text: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    writeln!(
        out,
        ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>",
        escape(kind),
        escape(message),
        text.join("\n")
    )?;
    writeln!(out, "    </testcase>")
}
