//! The page about recording as the window serves it: it is opened with what is wanted, its texts are saved, snapshots of pool tags
//! are read, and tags of open traces are proposed. What runs on this machine is in `recorder`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use eframe::egui::{Event, Ui, ViewportCommand};

use super::App;
use crate::case::evidence::ListingFile;
use crate::gui::commands::RecordingCommand;
use crate::gui::jobs::dialog::Asked;
use crate::gui::jobs::files::FileAnswer;
use crate::gui::jobs::snapshots::{SnapshotAnswer, SnapshotSource};
use crate::gui::model::page_id::PageId;
use crate::gui::model::recorder::{Phase, Question};
use crate::gui::model::recording_setup::{PROFILE_FILE, SCRIPT_FILE, Section, SuggestedTag, sentence};
use crate::gui::model::snapshot_list::FollowedFile;
use crate::gui::pages::PAGES;
use crate::trace_location::shown_name;
use crate::wpr::Task;

/// The name that is proposed for a file of samples.
const SAMPLES_FILE: &str = "pool-samples.csv";
/// Time between samples of this machine.
const SAMPLING_INTERVAL: Duration = Duration::from_secs(60);
/// Endings of files with listings.
const LISTING_ENDINGS: [&str; 6] = ["txt", "log", "csv", "tsv", "json", "md"];

impl App {
    pub(super) fn run_recording(&mut self, ui: &Ui, command: RecordingCommand) {
        match command {
            RecordingCommand::ShowRecording => {
                self.setup.section = Section::ThisMachine;
                self.show_recording();
            }
            RecordingCommand::Prepare(wanted) => {
                self.setup.want(&wanted);
                self.show_recording();
            }
            RecordingCommand::SaveProfile => self.jobs.pick_file(Asked::SaveProfile(PROFILE_FILE.to_owned())),
            RecordingCommand::SaveScript => self.jobs.pick_file(Asked::SaveScript(SCRIPT_FILE.to_owned())),
            RecordingCommand::OpenSnapshot => {
                self.setup.section = Section::Snapshots;
                self.show_recording();
                self.jobs.pick_file(Asked::Snapshot);
            }
            RecordingCommand::SampleTags => {
                self.setup.section = Section::Snapshots;
                self.show_recording();
                self.jobs.pick_file(Asked::SaveSamples(SAMPLES_FILE.to_owned()));
            }
            RecordingCommand::Follow(true) => {
                if let Some(path) = self.setup.snapshots.opened.clone() {
                    self.setup.snapshots.followed = Some(FollowedFile { path: path.clone(), is_sampled: false });
                    self.jobs.follow(path);
                }
            }
            RecordingCommand::Follow(false) => {
                self.jobs.unfollow();
                self.setup.snapshots.followed = None;
            }
            RecordingCommand::Start => {
                self.setup.section = Section::ThisMachine;
                self.show_recording();
                self.ask_start();
            }
            RecordingCommand::Stop => self.ask_stop(),
            RecordingCommand::Drop if self.recorder.phase == Phase::Running => {
                self.recorder.question = Some(Question::Drop)
            }
            RecordingCommand::Drop => {}
            RecordingCommand::Look => {
                self.setup.section = Section::ThisMachine;
                self.show_recording();
                if !self.recorder.phase.is_recording() {
                    self.run_recorder(Task::Status { temp: None });
                }
            }
            RecordingCommand::GiveUp => self.jobs.end_recorder(),
            RecordingCommand::Run(task) => self.run_recorder(task),
            RecordingCommand::ChooseProgram => self.jobs.pick_file(Asked::Recorder),
            RecordingCommand::ChooseTemp => self.jobs.pick_file(Asked::RecordingFolder),
            RecordingCommand::FindProgram => self.find_recorder(),
            RecordingCommand::CloseWindow => {
                self.recorder.may_close = true;
                ui.ctx().send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    fn show_recording(&mut self) {
        self.show_page(PageId::RECORDING);
    }

    /// Brings a page that needs no trace to the front.
    pub(super) fn show_page(&mut self, page: PageId) {
        self.wanted = None;
        self.tabs.show_page(page);
        if page == PageId::RECORDING {
            self.look_for_recorder();
        }
    }

    /// A file was chosen for the page, or a place for one.
    pub(super) fn take_recording_file(&mut self, asked: &Asked, path: PathBuf) {
        match asked {
            Asked::SaveProfile(_) | Asked::SaveScript(_) => {
                let text = self.setup.prepared().map(|prepared| match asked {
                    Asked::SaveProfile(_) => prepared.profile.clone(),
                    _ => prepared.script.clone(),
                });
                match text {
                    // The system's dialog asks before it returns an existing file; the dialog of the window does not.
                    Ok(text) => self.jobs.save_text(path, text, self.dialogs.open.is_none()),
                    Err(message) => self.setup.note = Some(Err(message.to_owned())),
                }
            }
            Asked::SaveRecording(_) if self.recorder.phase == Phase::Running => {
                let about = self.recorder.about.clone();
                self.run_recorder(Task::Stop { to: with_ending(path), about });
            }
            Asked::Snapshot => self.read_listing(SnapshotSource::File(path)),
            Asked::SaveSamples(_) => {
                self.setup.snapshots.trouble = None;
                self.setup.snapshots.followed = Some(FollowedFile { path: path.clone(), is_sampled: true });
                self.jobs.sample_pool_tags(path, SAMPLING_INTERVAL);
            }
            Asked::Recorder => {
                self.recorder.wpr = path.display().to_string();
                self.find_recorder();
            }
            Asked::RecordingFolder => self.recorder.folder = path.display().to_string(),
            _ => {}
        }
    }

    /// Reads a snapshot of pool tags.
    pub(super) fn read_listing(&mut self, source: SnapshotSource) {
        self.setup.section = Section::Snapshots;
        if let SnapshotSource::File(path) = &source {
            self.setup.snapshots.opened = Some(path.clone());
        }
        self.setup.snapshots.begin();
        self.jobs.listing(source);
    }

    /// Shows pool snapshots that were read, in place of those that were shown before.
    pub(super) fn show_listings(&mut self, listings: Vec<Result<ListingFile, String>>) {
        self.jobs.unfollow();
        self.setup.section = Section::Snapshots;
        self.setup.snapshots.clear();
        if let [Ok(listing)] = listings.as_slice() {
            self.setup.snapshots.opened = Some(listing.path.clone());
        }
        for listing in listings {
            self.setup.snapshots.begin();
            self.setup.snapshots.take(match listing {
                Ok(ListingFile { path, modified_ms, file }) => {
                    SnapshotAnswer { name: shown_name(&path), modified_ms, replaces: false, result: Ok(file) }
                }
                Err(reason) => {
                    SnapshotAnswer { name: String::new(), modified_ms: None, replaces: false, result: Err(reason) }
                }
            });
        }
        self.show_recording();
    }

    /// The pool tags of this machine cannot be sampled.
    pub(super) fn sampling_failed(&mut self, message: String) {
        self.jobs.unfollow();
        self.setup.snapshots.followed = None;
        self.setup.snapshots.trouble = Some(sentence(&message));
    }

    pub(super) fn take_saved(&mut self, answer: FileAnswer) {
        self.setup.note = Some(match answer {
            FileAnswer::Written(path) | FileAnswer::Read(path, _) => Ok(format!("{} was saved", path.display())),
            FileAnswer::Exists(path, _) => Err(format!("{} exists already: choose another name", path.display())),
            FileAnswer::Failed(message) => Err(message),
        });
    }

    /// With the page in front, files that are dropped are snapshots, unless they are traces; and so is a text that is pasted where no
    /// field has the keys.
    pub(super) fn feed_recording(&mut self, ui: &Ui) {
        if !self.tabs.is_recording_in_front() || self.is_modal_open() {
            return;
        }
        let is_listing = |path: &Path| {
            path.extension()
                .is_some_and(|ending| LISTING_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
        };
        // Listings together with other files are a case.
        let are_listings = ui.input(|input| input.raw.dropped_files.iter().all(|file| is_listing(file.path())));
        let mut dropped = Vec::new();
        let writing = ui.ctx().text_edit_focused() && !self.setup.snapshots.awaits_paste;
        let mut pasted = Vec::new();
        ui.input_mut(|input| {
            input.raw.dropped_files.retain(|file| {
                let listing = are_listings;
                if listing {
                    dropped.push(file.path().to_owned());
                }
                !listing
            });
            if !writing {
                input.events.retain(|event| match event {
                    Event::Paste(text) => {
                        pasted.push(text.clone());
                        false
                    }
                    _ => true,
                });
            }
        });
        let files = dropped.into_iter().map(SnapshotSource::File);
        for source in files.chain(pasted.into_iter().map(SnapshotSource::Pasted)) {
            self.read_listing(source);
        }
    }

    /// Tags of open traces that leak, for the page to propose.
    pub(super) fn suggestions(&self) -> Vec<SuggestedTag> {
        let mut all: Vec<SuggestedTag> = Vec::new();
        let of_document = |document| PAGES.iter().flat_map(move |page| page.suggested_tags(document));
        for suggestion in self.documents().flat_map(of_document) {
            if !all.iter().any(|other| other.tag == suggestion.tag) {
                all.push(suggestion);
            }
        }
        all
    }
}

/// A path that ends like a trace.
fn with_ending(mut path: PathBuf) -> PathBuf {
    if path.extension().is_none() {
        path.set_extension("etl");
    }
    path
}
