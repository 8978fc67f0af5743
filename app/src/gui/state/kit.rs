//! What is to be recorded, as the page about recording has it: what the user wrote and chose, whether that can be recorded, and the
//! commands, profile and script that follow from it. It writes no file and runs nothing.

use std::path::PathBuf;

use poolscope_recording::command::{CommandGroup, CommandKind};
use poolscope_recording::script::{self, ScriptOptions};
use poolscope_recording::tag::TAGS_MAX;
use poolscope_recording::{SizeEstimate, ShellPath, ToolNames, RecordingPlan, TagScope, StackOptions, TagPattern, TagPatterns};
use poolscope_recording::{commands, notes, plan, profile};

use super::kit_fix::{self, Fix};
use super::kit_listing::ListingPage;
use crate::wpr::Start;

/// The name that is proposed for the profile.
pub const PROFILE_FILE: &str = "poolscope.wprp";
/// The name that is proposed for the script.
pub const SCRIPT_FILE: &str = "record-pool.ps1";
/// The name that commands give the trace at first.
const TRACE_FILE: &str = "leak.etl";

/// What the right half of the page shows.
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
    Listing,
    /// The recording on this machine.
    Here,
}

impl Section {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Commands, Self::Profile, Self::Script, Self::Listing, Self::Here];

    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Commands => "Commands",
            Self::Profile => "Profile",
            Self::Script => "Script",
            Self::Listing => "Tags from poolmon",
            Self::Here => "This machine",
        }
    }
}

/// What the page is opened for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// To record these tags, as tables show them.
    Tags(Vec<String>),
    /// To record again what was recorded badly.
    Fix {
        /// What was bad.
        fix: Fix,
        /// Allocations and frees per second in the trace, if it has any.
        events_per_second: Option<u64>,
    },
}

/// What follows from what was chosen.
#[derive(Debug)]
pub struct Prepared {
    /// The plan, tags and all.
    pub plan: RecordingPlan,
    /// How large it gets.
    pub estimate: SizeEstimate,
    /// The commands.
    pub groups: Vec<CommandGroup>,
    /// The profile.
    pub profile: String,
    /// The script.
    pub script: String,
    /// What somebody has to know.
    pub notes: Vec<String>,
}

/// What the last preparation was made from.
#[derive(Debug, Clone, PartialEq)]
struct Basis {
    all: bool,
    tags: [String; TAGS_MAX],
    plan: RecordingPlan,
    trace_file: String,
    options: ScriptOptions,
}

/// What is to be recorded.
#[derive(Debug)]
pub struct Kit {
    /// All tags; else those that are written.
    pub all: bool,
    /// The tags, as they were written.
    pub tags: [String; TAGS_MAX],
    /// Everything but the tags.
    pub plan: RecordingPlan,
    /// When the script stops.
    pub options: ScriptOptions,
    /// What commands call the trace.
    pub trace_file: String,
    /// What the right half shows.
    pub section: Section,
    /// The text of poolmon or `!poolused`.
    pub listing: ListingPage,
    /// Why the page was opened, and what was chosen because of it.
    pub reason: Option<String>,
    /// All tags or which ones, when the expected rate was taken from a listing or a trace; nothing if the user wrote it, or nobody did.
    pub counted_for: Option<(bool, [String; TAGS_MAX])>,
    /// The commands that are to be brought into view.
    pub reveal: Option<CommandKind>,
    /// What was saved last, or why it was not.
    pub note: Option<Result<String, String>>,
    basis: Option<Basis>,
    prepared: Result<Prepared, String>,
    errors: [Option<String>; TAGS_MAX],
}

impl Default for Kit {
    fn default() -> Self {
        Self {
            all: true,
            tags: Default::default(),
            plan: RecordingPlan::default(),
            options: ScriptOptions::default(),
            trace_file: TRACE_FILE.to_owned(),
            section: Section::default(),
            listing: ListingPage::default(),
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

impl Kit {
    /// Chooses what the page is opened for.
    pub fn want(&mut self, wanted: &Wanted) {
        self.section = Section::Commands;
        match wanted {
            Wanted::Tags(tags) => {
                self.record_tags(tags);
                self.plan.stacks = StackOptions::BOTH;
                let shown: Vec<&str> = self.tags.iter().map(String::as_str).filter(|tag| !tag.is_empty()).collect();
                let noun = if shown.len() == 1 { "tag" } else { "tags" };
                self.reason = Some(format!(
                    "The {noun} {} alone, with stacks: a filter keeps the trace small, so it can run for hours.",
                    shown.join(", ")
                ));
            }
            Wanted::Fix { fix, events_per_second } => {
                fix.apply(&mut self.plan, *events_per_second);
                let counted = events_per_second.filter(|rate| *rate > 0);
                if counted.is_some() {
                    self.counted_for = Some((self.all, self.tags.clone()));
                }
                let rate = counted.map(kit_fix::rate_words);
                self.reason =
                    Some([Some(fix.words().to_owned()), rate].into_iter().flatten().collect::<Vec<_>>().join(" "));
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

    /// Takes the first of these tags, as tables show them: as many as fit.
    pub fn record_tags<T: AsRef<str>>(&mut self, shown: &[T]) {
        self.tags = Default::default();
        if let Some(patterns) = TagPatterns::from_tags(shown) {
            let texts = patterns.as_slice().iter().map(TagPattern::text);
            self.tags.iter_mut().zip(texts).for_each(|(field, text)| *field = text);
            self.all = false;
        }
    }

    /// Whether a tag, as tables show it, is among those that are written.
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

    /// How many tags are written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.tags.iter().filter(|tag| !tag.trim().is_empty()).count()
    }

    /// What is wrong with the tag in a field.
    #[must_use]
    pub fn error(&self, at: usize) -> Option<&str> {
        self.errors.get(at)?.as_deref().filter(|_| !self.all)
    }

    /// What follows from what is chosen now, or why nothing does.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
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

    /// What is wrong with each field.
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
                0 => return Err("Write a tag, or record all tags.".to_owned()),
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
            // What the mode means stands beside the choice.
            notes: notes(&plan).into_iter().filter(|note| note != plan.logging_mode.meaning()).collect(),
            plan,
        })
    }

    /// The recording on this machine that was chosen, with its files in a folder.
    ///
    /// # Errors
    /// What is wrong with what was chosen, in a sentence.
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
pub fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if words.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use poolscope_recording::LoggingMode;

    use super::*;

    fn kit(tags: &[&str]) -> Kit {
        let mut kit = Kit { all: false, ..Kit::default() };
        kit.tags.iter_mut().zip(tags).for_each(|(field, tag)| *field = (*tag).to_owned());
        kit.prepare();
        kit
    }

    #[test]
    fn every_field_says_what_is_wrong_with_it() {
        let kit = kit(&["Leak", "toolong", "Leak", ""]);
        assert_eq!(kit.error(0), None);
        assert!(kit.error(1).is_some_and(|words| words.contains("one to four") && words.starts_with("Tag 'toolong'")));
        assert!(kit.error(2).is_some_and(|words| words.contains("given twice")));
        assert_eq!(kit.error(3), None);
        assert!(kit.prepared().is_err_and(|words| words.contains("toolong")), "nothing is recorded by mistake");
    }

    #[test]
    fn what_can_be_recorded_is_prepared_anew_when_it_changes() {
        let mut kit = kit(&["Leak"]);
        assert!(kit.prepared().expect("it can").profile.contains("Leak"));
        kit.tags[1] = "Nt*".to_owned();
        kit.prepare();
        assert!(kit.prepared().expect("it can").profile.contains("Nt*"));
        kit.all = true;
        kit.prepare();
        assert!(!kit.prepared().expect("it can").profile.contains("PoolTags"));
        kit.all = false;
        kit.tags = Default::default();
        kit.prepare();
        assert_eq!(kit.prepared().err(), Some("Write a tag, or record all tags."));
        kit.all = true;
        kit.trace_file = "a?.etl".to_owned();
        kit.prepare();
        assert!(kit.prepared().is_err_and(|words| words.contains("a?.etl")));
    }

    #[test]
    fn tags_go_in_and_out_while_there_is_room() {
        let mut kit = Kit::default();
        for tag in ["Leak", "MmSt", "Ntfx", "File", "Five"] {
            kit.toggle_tag(tag);
        }
        assert!(!kit.all && kit.has_tag("File") && !kit.has_tag("Five"));
        kit.toggle_tag("MmSt");
        assert_eq!((kit.written(), kit.has_tag("MmSt")), (3, false));
        kit.record_tags(&["a*b ", "a*b ", "Irp "]);
        assert!(kit.has_tag("Irp "), "{:?}", kit.tags);
        assert_eq!(kit.written(), 2, "a star in a tag is no pattern: {:?}", kit.tags);
    }

    #[test]
    fn a_start_on_this_machine_is_what_the_page_shows() {
        let mut kit = kit(&["Leak"]);
        let start = kit.start(PathBuf::from("temp")).expect("it can");
        assert_eq!(
            (start.text, start.name.as_str()),
            (kit.prepared().expect("it can").profile.clone(), "PoolUsage.Verbose")
        );
        assert!(start.file_mode);
        kit.plan.logging_mode = LoggingMode::Memory;
        kit.prepare();
        assert!(!kit.start(PathBuf::new()).expect("it can").file_mode);
        kit.tags[0] = "much too long".to_owned();
        kit.prepare();
        assert!(kit.start(PathBuf::new()).is_err());
    }

    #[test]
    fn what_is_wanted_is_chosen_and_said() {
        let mut kit = Kit::default();
        kit.plan.stacks = StackOptions::NONE;
        kit.want(&Wanted::Tags(vec!["Leak".to_owned()]));
        assert!(kit.has_tag("Leak") && kit.plan.stacks == StackOptions::BOTH);
        assert!(kit.reason.as_ref().is_some_and(|words| words.contains("Leak")));
        kit.want(&Wanted::Fix { fix: Fix::Unmerged, events_per_second: Some(10) });
        assert_eq!((kit.reveal, kit.plan.expected.events_per_second), (Some(CommandKind::Merge), Some(20)));
        assert!(kit.has_tag("Leak"), "the tags that were written are kept");
    }

    #[test]
    fn a_rate_that_was_counted_holds_for_its_tags_only() {
        let rate = |kit: &mut Kit| {
            kit.prepare();
            kit.plan.expected.events_per_second
        };
        let mut kit = kit(&["Leak"]);
        kit.take_rate(30);
        assert_eq!(rate(&mut kit), Some(30));
        kit.plan.logging_mode = LoggingMode::Memory;
        assert_eq!(rate(&mut kit), Some(30), "the mode changes no rate");
        kit.tags[1] = "File".to_owned();
        assert_eq!(rate(&mut kit), None);
        kit.all = true;
        kit.want(&Wanted::Fix { fix: Fix::Lost, events_per_second: Some(10) });
        assert_eq!(rate(&mut kit), Some(20));
        kit.tags[2] = "Irp".to_owned();
        assert_eq!(rate(&mut kit), Some(20), "all tags are recorded");
        kit.want(&Wanted::Tags(vec!["Leak".to_owned()]));
        assert_eq!(rate(&mut kit), None);
        // What the user writes himself stays.
        kit.plan.expected.events_per_second = Some(7);
        kit.all = true;
        assert_eq!(rate(&mut kit), Some(7));
    }
}
