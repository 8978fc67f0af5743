//! Settings of the recording page: the user's input, whether that can be recorded, and the
//! commands, profile and script that follow from it. It writes no file and runs nothing.

use std::path::PathBuf;

use poolscope_recording::command::{CommandGroup, CommandKind};
use poolscope_recording::script::{self, ScriptOptions};
use poolscope_recording::tag::TAGS_MAX;
use poolscope_recording::{
    RecordingPlan, ShellPath, SizeEstimate, StackOptions, TagPattern, TagPatterns, TagScope, ToolNames,
};
use poolscope_recording::{commands, notes_besides_mode, plan, profile};

use crate::gui::model::recording_fix;
use crate::gui::model::recording_fix::RecordingGoal;
use crate::gui::model::snapshot_list::SnapshotList;
use crate::wpr::Start;

/// The name that is proposed for the profile.
pub const PROFILE_FILE: &str = "poolscope.wprp";
/// The name that is proposed for the script.
pub const SCRIPT_FILE: &str = "record-pool.ps1";
/// The name that commands give the trace at first.
const TRACE_FILE: &str = "leak.etl";

/// Section in the right half of the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Section {
    /// The commands.
    #[default]
    Commands,
    /// The profile.
    Profile,
    /// The script.
    Script,
    /// The text of poolmon or `!poolused`.
    Snapshots,
    /// The recording on this machine.
    ThisMachine,
}

impl Section {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Commands, Self::Profile, Self::Script, Self::Snapshots, Self::ThisMachine];

    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Commands => "Commands",
            Self::Profile => "Profile",
            Self::Script => "Script",
            Self::Snapshots => "Tags from poolmon",
            Self::ThisMachine => "This machine",
        }
    }
}

/// A tag of an open trace that leaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedTag {
    /// The tag, as tables show it.
    pub tag: String,
    /// Description of it, in a few words.
    pub description: String,
}

/// Results of the settings.
#[derive(Debug)]
pub struct Prepared {
    /// The plan, tags and all.
    pub plan: RecordingPlan,
    /// Estimated size.
    pub estimate: SizeEstimate,
    /// The commands.
    pub groups: Vec<CommandGroup>,
    /// The profile.
    pub profile: String,
    /// The script.
    pub script: String,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// Inputs of the last preparation.
#[derive(Debug, Clone, PartialEq)]
struct Basis {
    all: bool,
    tags: [String; TAGS_MAX],
    plan: RecordingPlan,
    trace_file: String,
    options: ScriptOptions,
}

/// Settings of the recording page.
#[derive(Debug)]
pub struct RecordingSetup {
    /// All tags; else those that are written.
    pub all: bool,
    /// The tags, as they were written.
    pub tags: [String; TAGS_MAX],
    /// Everything but the tags.
    pub plan: RecordingPlan,
    /// Stop conditions of the script.
    pub options: ScriptOptions,
    /// File name of the trace in commands.
    pub trace_file: String,
    /// Section in the right half.
    pub section: Section,
    /// The text of poolmon or `!poolused`.
    pub snapshots: SnapshotList,
    /// Sentence on why the page was opened, and on the settings that this changed.
    pub reason: Option<String>,
    /// The scope (all tags, or the tags) for which the expected rate was taken from a snapshot or a trace; `None` if the user
    /// wrote the rate or it is not set.
    pub counted_for: Option<(bool, [String; TAGS_MAX])>,
    /// The commands that are to be brought into view.
    pub reveal: Option<CommandKind>,
    /// Result of saving last: a sentence, or an error.
    pub note: Option<Result<String, String>>,
    basis: Option<Basis>,
    prepared: Result<Prepared, String>,
    errors: [Option<String>; TAGS_MAX],
}

impl Default for RecordingSetup {
    fn default() -> Self {
        Self {
            all: true,
            tags: Default::default(),
            plan: RecordingPlan::default(),
            options: ScriptOptions::default(),
            trace_file: TRACE_FILE.to_owned(),
            section: Section::default(),
            snapshots: SnapshotList::default(),
            reason: None,
            counted_for: None,
            reveal: None,
            note: None,
            basis: None,
            prepared: Err(String::new()),
            errors: Default::default(),
        }
    }
}

impl RecordingSetup {
    /// Chooses what the page is opened for.
    pub fn want(&mut self, wanted: &RecordingGoal) {
        self.section = Section::Commands;
        match wanted {
            RecordingGoal::Tags(tags) => {
                self.record_tags(tags);
                self.plan.stacks = StackOptions::BOTH;
                let shown: Vec<&str> = self.tags.iter().map(String::as_str).filter(|tag| !tag.is_empty()).collect();
                let noun = if shown.len() == 1 { "tag" } else { "tags" };
                self.reason = Some(format!(
                    "Only the {noun} {}, with stacks: the filter keeps the trace small enough to record for hours.",
                    shown.join(", ")
                ));
            }
            RecordingGoal::Fix { fix, events_per_second } => {
                fix.apply(&mut self.plan, *events_per_second);
                let counted = events_per_second.filter(|rate| *rate > 0);
                if counted.is_some() {
                    self.counted_for = Some((self.all, self.tags.clone()));
                }
                let rate = counted.map(recording_fix::rate_sentence);
                self.reason = Some(
                    [Some(fix.description().to_owned()), rate].into_iter().flatten().collect::<Vec<_>>().join(" "),
                );
                self.reveal = fix.way();
            }
        }
    }

    /// Expects the rate that was counted for what is chosen now.
    pub fn take_rate(&mut self, events_per_second: u64) {
        self.plan.expected.events_per_second = Some(events_per_second);
        self.counted_for = Some((self.all, self.tags.clone()));
    }

    /// Forgets a rate that was counted for other tags than those that are chosen now.
    fn drop_stale_rate(&mut self) {
        let stale =
            self.counted_for.as_ref().is_some_and(|(all, tags)| *all != self.all || (!self.all && *tags != self.tags));
        if stale {
            self.counted_for = None;
            self.plan.expected.events_per_second = None;
        }
    }

    /// Selects the first of these tags, as tables show them, up to [`TAGS_MAX`].
    pub fn record_tags<T: AsRef<str>>(&mut self, shown: &[T]) {
        self.tags = Default::default();
        if let Some(patterns) = TagPatterns::from_tags(shown) {
            let texts = patterns.as_slice().iter().map(TagPattern::text);
            self.tags.iter_mut().zip(texts).for_each(|(field, text)| *field = text);
            self.all = false;
        }
    }

    /// Returns whether a tag, as tables show it, is among those that are written.
    #[must_use]
    pub fn has_tag(&self, shown: &str) -> bool {
        let pattern = TagPattern::from_tag(shown).ok().map(|pattern| pattern.text());
        !self.all && pattern.is_some_and(|pattern| self.tags.contains(&pattern))
    }

    /// Takes a tag in, or out if it is among those that are written. Where there is no room nothing happens.
    pub fn toggle_tag(&mut self, shown: &str) {
        let Ok(pattern) = TagPattern::from_tag(shown) else { return };
        let text = pattern.text();
        if !self.all
            && let Some(field) = self.tags.iter_mut().find(|field| **field == text)
        {
            field.clear();
            return;
        }
        if let Some(field) = self.tags.iter_mut().find(|field| field.trim().is_empty()) {
            *field = text;
            self.all = false;
        }
    }

    /// Events per second that are expected, and whether that is an assumption.
    #[must_use]
    pub fn rate(&self) -> (u64, bool) {
        let given = self.plan.expected.events_per_second;
        (given.unwrap_or(plan::assumed_events_per_second(self.all)), given.is_none())
    }

    /// Number of tags that are written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.tags.iter().filter(|tag| !tag.trim().is_empty()).count()
    }

    /// Error of the tag in a field.
    #[must_use]
    pub fn error(&self, at: usize) -> Option<&str> {
        self.errors.get(at)?.as_deref().filter(|_| !self.all)
    }

    /// Results of the present settings.
    ///
    /// # Errors
    /// The reason as a sentence, if the settings cannot be used.
    pub fn prepared(&self) -> Result<&Prepared, &str> {
        self.prepared.as_ref().map_err(String::as_str)
    }

    /// Works out what follows from what is chosen, if that changed.
    pub fn prepare(&mut self) {
        self.drop_stale_rate();
        let basis = Basis {
            all: self.all,
            tags: self.tags.clone(),
            plan: self.plan.clone(),
            trace_file: self.trace_file.clone(),
            options: self.options,
        };
        if self.basis.as_ref() == Some(&basis) {
            return;
        }
        self.basis = Some(basis);
        self.note = None;
        self.errors = self.check_tags();
        self.prepared = self.work_out();
    }

    /// Error of each field.
    fn check_tags(&self) -> [Option<String>; TAGS_MAX] {
        let mut errors: [Option<String>; TAGS_MAX] = Default::default();
        let mut good: Vec<TagPattern> = Vec::new();
        for (error, text) in errors.iter_mut().zip(&self.tags).filter(|(_, text)| !text.trim().is_empty()) {
            let checked = TagPattern::parse(text).and_then(|pattern| {
                let all = good.iter().cloned().chain([pattern.clone()]).collect();
                TagPatterns::new(all).map(|_| pattern)
            });
            match checked {
                Ok(pattern) => good.push(pattern),
                Err(wrong) => *error = Some(sentence(&wrong.to_string())),
            }
        }
        errors
    }

    fn work_out(&self) -> Result<Prepared, String> {
        let scope = if self.all {
            TagScope::All
        } else if let Some(error) = self.errors.iter().flatten().next() {
            return Err(error.clone());
        } else {
            let written = self.tags.iter().filter(|tag| !tag.trim().is_empty());
            match self.written() {
                0 => return Err("Enter a tag, or record all tags.".to_owned()),
                _ => TagScope::Tags(TagPatterns::parse(written).map_err(|error| sentence(&error.to_string()))?),
            }
        };
        let name = |text: &str| ShellPath::new(text).map_err(|error| sentence(&error.to_string()));
        let names = ToolNames { profile: name(PROFILE_FILE)?, trace: name(&self.trace_file)? };
        let plan = RecordingPlan { scope, ..self.plan.clone() };
        Ok(Prepared {
            estimate: SizeEstimate::for_plan(&plan),
            groups: commands(&plan, &names),
            profile: profile::text(&plan),
            script: script::text(&plan, &names, &self.options),
            // The meaning of the mode is shown at its choice.
            notes: notes_besides_mode(&plan),
            plan,
        })
    }

    /// The recording on this machine that was chosen, with its files in a folder.
    ///
    /// # Errors
    /// The reason as a sentence, if the settings cannot be used.
    pub fn start(&self, folder: PathBuf) -> Result<Start, String> {
        let prepared = self.prepared.as_ref().map_err(Clone::clone)?;
        Ok(Start {
            profile: folder.join(PROFILE_FILE),
            text: prepared.profile.clone(),
            name: format!("{}.{}", plan::PROFILE_NAME, prepared.plan.detail_level.name()),
            file_mode: prepared.plan.logging_mode == plan::LoggingMode::File,
            temp: folder,
        })
    }
}

/// A message as the window says it: with a capital and a full stop.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if message.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use poolscope_recording::LoggingMode;

    use crate::gui::model::recording_fix::Fix;

    use super::*;

    fn setup(tags: &[&str]) -> RecordingSetup {
        let mut setup = RecordingSetup { all: false, ..RecordingSetup::default() };
        setup.tags.iter_mut().zip(tags).for_each(|(field, tag)| *field = (*tag).to_owned());
        setup.prepare();
        setup
    }

    #[test]
    fn every_field_says_what_is_wrong_with_it() {
        let setup = setup(&["Leak", "toolong", "Leak", ""]);
        assert_eq!(setup.error(0), None);
        assert!(
            setup
                .error(1)
                .is_some_and(|message| message.contains("one to four") && message.starts_with("Tag 'toolong'"))
        );
        assert!(setup.error(2).is_some_and(|message| message.contains("given twice")));
        assert_eq!(setup.error(3), None);
        assert!(setup.prepared().is_err_and(|message| message.contains("toolong")), "nothing is recorded by mistake");
    }

    #[test]
    fn what_can_be_recorded_is_prepared_anew_when_it_changes() {
        let mut setup = setup(&["Leak"]);
        assert!(setup.prepared().expect("it can").profile.contains("Leak"));
        setup.tags[1] = "Nt*".to_owned();
        setup.prepare();
        assert!(setup.prepared().expect("it can").profile.contains("Nt*"));
        setup.all = true;
        setup.prepare();
        assert!(!setup.prepared().expect("it can").profile.contains("PoolTags"));
        setup.all = false;
        setup.tags = Default::default();
        setup.prepare();
        assert_eq!(setup.prepared().err(), Some("Enter a tag, or record all tags."));
        setup.all = true;
        setup.trace_file = "a?.etl".to_owned();
        setup.prepare();
        assert!(setup.prepared().is_err_and(|message| message.contains("a?.etl")));
    }

    #[test]
    fn tags_go_in_and_out_while_there_is_room() {
        let mut setup = RecordingSetup::default();
        for tag in ["Leak", "MmSt", "Ntfx", "File", "Five"] {
            setup.toggle_tag(tag);
        }
        assert!(!setup.all && setup.has_tag("File") && !setup.has_tag("Five"));
        setup.toggle_tag("MmSt");
        assert_eq!((setup.written(), setup.has_tag("MmSt")), (3, false));
        setup.record_tags(&["a*b ", "a*b ", "Irp "]);
        assert!(setup.has_tag("Irp "), "{:?}", setup.tags);
        assert_eq!(setup.written(), 2, "a star in a tag is no pattern: {:?}", setup.tags);
    }

    #[test]
    fn a_start_on_this_machine_is_what_the_page_shows() {
        let mut setup = setup(&["Leak"]);
        let start = setup.start(PathBuf::from("temp")).expect("it can");
        assert_eq!(
            (start.text, start.name.as_str()),
            (setup.prepared().expect("it can").profile.clone(), "PoolUsage.Verbose")
        );
        assert!(start.file_mode);
        setup.plan.logging_mode = LoggingMode::Memory;
        setup.prepare();
        assert!(!setup.start(PathBuf::new()).expect("it can").file_mode);
        setup.tags[0] = "much too long".to_owned();
        setup.prepare();
        assert!(setup.start(PathBuf::new()).is_err());
    }

    #[test]
    fn what_is_wanted_is_chosen_and_said() {
        let mut setup = RecordingSetup::default();
        setup.plan.stacks = StackOptions::NONE;
        setup.want(&RecordingGoal::Tags(vec!["Leak".to_owned()]));
        assert!(setup.has_tag("Leak") && setup.plan.stacks == StackOptions::BOTH);
        assert!(setup.reason.as_ref().is_some_and(|message| message.contains("Leak")));
        setup.want(&RecordingGoal::Fix { fix: Fix::Unmerged, events_per_second: Some(10) });
        assert_eq!((setup.reveal, setup.plan.expected.events_per_second), (Some(CommandKind::Merge), Some(20)));
        assert!(setup.has_tag("Leak"), "the tags that were written are kept");
    }

    #[test]
    fn a_rate_that_was_counted_holds_for_its_tags_only() {
        let rate = |setup: &mut RecordingSetup| {
            setup.prepare();
            setup.plan.expected.events_per_second
        };
        let mut setup = setup(&["Leak"]);
        setup.take_rate(30);
        assert_eq!(rate(&mut setup), Some(30));
        setup.plan.logging_mode = LoggingMode::Memory;
        assert_eq!(rate(&mut setup), Some(30), "the logging_mode changes no rate");
        setup.tags[1] = "File".to_owned();
        assert_eq!(rate(&mut setup), None);
        setup.all = true;
        setup.want(&RecordingGoal::Fix { fix: Fix::Lost, events_per_second: Some(10) });
        assert_eq!(rate(&mut setup), Some(20));
        setup.tags[2] = "Irp".to_owned();
        assert_eq!(rate(&mut setup), Some(20), "all tags are recorded");
        setup.want(&RecordingGoal::Tags(vec!["Leak".to_owned()]));
        assert_eq!(rate(&mut setup), None);
        // What the user writes himself stays.
        setup.plan.expected.events_per_second = Some(7);
        setup.all = true;
        assert_eq!(rate(&mut setup), Some(7));
    }
}
