//! WPR profile (`.wprp`) of a plan, in the order and spelling of the published schema of WPR profiles. It contains both logging
//! modes, because `wpr` requires both; each has its own collector and buffers. No profile inherits (`Base`), so that each mode can
//! be read on its own.

use super::estimate::SizeEstimate;
use super::plan::{LoggingMode, PROFILE_NAME, RecordingPlan};
use super::tag::TagPattern;
use quick_xml::escape::escape;
use std::fmt::Write as _;

const PROVIDER: &str = "PoolProvider";

/// The profile as XML: ASCII, LF line ends, deterministic.
#[must_use]
pub fn text(plan: &RecordingPlan) -> String {
    let mut xml = Xml::default();
    xml.open(
        "WindowsPerformanceRecorder",
        &[("Version", "1.0"), ("Author", "poolscope"), ("Comments", &comment(plan))],
    );
    xml.open("Profiles", &[]);
    for mode in LoggingMode::ALL {
        collector(&mut xml, plan, mode);
    }
    provider(&mut xml, plan);
    for mode in LoggingMode::ALL {
        profile(&mut xml, plan, mode);
    }
    xml.close();
    if plan.merges_image_ids {
        merge_properties(&mut xml);
    }
    xml.close();
    xml.text
}

/// Data that is added to the trace when it is merged: identities of images, without which there are no names from PDBs. The other
/// kinds are those of Microsoft's example of this element.
fn merge_properties(xml: &mut Xml) {
    const NAME: &str = "TraceMerge_Default";
    xml.open("TraceMergeProperties", &[]);
    xml.open("TraceMergeProperty", &[("Id", NAME), ("Name", NAME)]);
    xml.empty("DeletePreMergedTraceFiles", "true");
    xml.open("CustomEvents", &[]);
    for event in
        ["ImageId", "BuildInfo", "VolumeMapping", "EventMetadata", "PerfTrackMetadata", "WinSAT", "NetworkInterface"]
    {
        xml.empty("CustomEvent", event);
    }
    xml.close();
    xml.close();
    xml.close();
}

/// Short description of what is recorded, for the profile and for headings.
#[must_use]
pub fn description(plan: &RecordingPlan) -> String {
    let tags: Vec<String> = plan.tags().iter().map(TagPattern::text).collect();
    let what = match tags.as_slice() {
        [] => "all tags".to_owned(),
        [tag] => format!("tag {tag}"),
        several => format!("tags {}", several.join(" ")),
    };
    let big = if plan.needs_memory_keyword() { ", and large allocations of all tags" } else { "" };
    format!("Pool allocations and frees of {what}{big}")
}

fn comment(plan: &RecordingPlan) -> String {
    let start = if plan.boot { "wpr -boottrace -addboot" } else { "wpr -start" };
    let file_mode = if plan.logging_mode == LoggingMode::File { " -filemode" } else { "" };
    format!("{start} FILE!{PROFILE_NAME}.{}{file_mode}", plan.detail_level.name())
}

/// Collector of a logging mode: the NT Kernel Logger with the buffers of this mode.
fn collector(xml: &mut Xml, plan: &RecordingPlan, mode: LoggingMode) {
    let estimate = SizeEstimate::for_mode(plan, mode);
    xml.open("SystemCollector", &[("Id", &collector_id(mode)), ("Name", "NT Kernel Logger")]);
    xml.empty("BufferSize", &estimate.buffer_kib.to_string());
    xml.empty("Buffers", &estimate.buffers.to_string());
    xml.close();
}

fn collector_id(mode: LoggingMode) -> String {
    format!("PoolCollector.{}", mode.name())
}

fn provider(xml: &mut Xml, plan: &RecordingPlan) {
    xml.open("SystemProvider", &[("Id", PROVIDER)]);
    let tags: Vec<String> = plan.tags().iter().map(TagPattern::text).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    for (list, item, values) in [
        ("Keywords", "Keyword", &plan.keywords()),
        ("Stacks", "Stack", &plan.stack_names()),
        ("PoolTags", "PoolTag", &tags),
    ] {
        if !values.is_empty() {
            xml.open(list, &[]);
            for value in values {
                xml.empty(item, value);
            }
            xml.close();
        }
    }
    xml.close();
}

fn profile(xml: &mut Xml, plan: &RecordingPlan, mode: LoggingMode) {
    let attributes = [
        ("Id", plan.profile_id(mode)),
        ("Name", PROFILE_NAME.to_owned()),
        ("Description", description(plan)),
        ("LoggingMode", mode.name().to_owned()),
        ("DetailLevel", plan.detail_level.name().to_owned()),
    ];
    let attributes: Vec<(&str, &str)> = attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
    xml.open("Profile", &attributes);
    xml.open("Collectors", &[]);
    xml.open("SystemCollectorId", &[("Value", &collector_id(mode))]);
    xml.empty("SystemProviderId", PROVIDER);
    xml.close();
    xml.close();
    xml.close();
}

/// XML writer: one element per line, indented by two spaces.
struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Default for Xml {
    fn default() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_owned(), open: Vec::new() }
    }
}

impl Xml {
    fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    fn empty(&mut self, name: &'static str, value: &str) {
        self.start(name, &[("Value", value)]);
        self.text.push_str(" />\n");
    }

    fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            // Writing to a string cannot fail.
            let _written = writeln!(self.text, "</{name}>");
        }
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (attribute, value) in attributes {
            let _written = write!(self.text, " {attribute}=\"{}\"", escape(*value));
        }
    }

    fn indent(&mut self) {
        for _ in &self.open {
            self.text.push_str("  ");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{DetailLevel, StackOptions, TagScope};
    use super::super::tag::TagPatterns;
    use super::*;

    fn tagged(tags: &[&str]) -> RecordingPlan {
        RecordingPlan { scope: TagScope::Tags(TagPatterns::parse(tags).expect("tags")), ..RecordingPlan::default() }
    }

    /// Elements in order, with their attributes.
    fn elements(xml: &str) -> Vec<&str> {
        xml.lines().map(str::trim).filter(|line| line.starts_with('<') && !line.starts_with("</")).collect()
    }

    #[test]
    fn elements_follow_the_order_of_the_schema() {
        let text = text(&tagged(&["Leak", "a&<b"]));
        let elements = elements(&text);
        let at = |wanted: &str| elements.iter().position(|element| element.contains(wanted)).expect(wanted);
        let order = [
            "SystemCollector Id",
            "SystemProvider Id",
            "Keywords",
            "\"Loader\"",
            "\"Pool\"",
            "Stacks",
            "PoolTags",
            "Profile Id",
        ];
        let places: Vec<usize> = order.iter().map(|element| at(element)).collect();
        assert!(places.is_sorted(), "{text}");
        assert!(text.contains("<PoolTag Value=\"a&amp;&lt;b\" />"), "{text}");
        assert!(text.is_ascii() && !text.contains('\r'));
    }

    #[test]
    fn both_modes_have_a_profile_with_their_own_buffers() {
        let plan = RecordingPlan { detail_level: DetailLevel::Light, ..tagged(&["Leak"]) };
        let text = text(&plan);
        for mode in LoggingMode::ALL {
            let (id, name) = (plan.profile_id(mode), mode.name());
            assert_eq!(id, format!("PoolUsage.Light.{name}"));
            assert!(text.contains(&format!("<Profile Id=\"{id}\" Name=\"PoolUsage\"")), "{text}");
            assert!(text.contains(&format!("LoggingMode=\"{name}\" DetailLevel=\"Light\"")), "{text}");
            let estimate = SizeEstimate::for_mode(&plan, mode);
            let collector = format!(
                "<SystemCollector Id=\"PoolCollector.{name}\" Name=\"NT Kernel Logger\">\n      <BufferSize Value=\"{}\" />\n      \
                 <Buffers Value=\"{}\" />",
                estimate.buffer_kib, estimate.buffers
            );
            assert!(text.contains(&collector), "{text}");
        }
        assert!(!text.contains("Base="));
    }

    #[test]
    fn options_omit_their_elements() {
        let bare = text(&RecordingPlan { stacks: StackOptions::NONE, ..RecordingPlan::default() });
        assert!(!bare.contains("Stack") && !bare.contains("PoolTag"), "{bare}");
        let frees = text(&RecordingPlan {
            stacks: StackOptions { on_allocation: false, on_free: true },
            ..RecordingPlan::default()
        });
        assert!(frees.contains("\"PoolFree\"") && !frees.contains("\"PoolAllocation\""), "{frees}");
        let big = |plan: RecordingPlan| {
            text(&RecordingPlan { big_allocations: true, ..plan }).contains("<Keyword Value=\"Memory\" />")
        };
        assert!(big(tagged(&["Leak"])) && !big(RecordingPlan::default()), "without a filter all sizes are recorded");
    }
}
