//! The box with the places where more is known about tags, and what the user chose there: it goes to all open traces. Nothing is
//! read here.

use std::path::{Path, PathBuf};

use eframe::egui::Ui;

use super::App;
use crate::gui::dialogs::tag_sources::{self, TagSourcesAction, TagSourcesDialog};
use crate::gui::jobs::dialog::Asked;
use crate::gui::jobs::tag_sources::TagChoice;
use crate::gui::settings::TagSettings;
use crate::gui::widgets::modal::DialogAction;
use crate::pool_tags::PoolTagChoice;

impl App {
    /// Symbol path and options.
    pub(super) fn tag_choice(&self) -> TagChoice {
        let tags = &self.settings.get().tags;
        let folder = tags.drivers.trim();
        TagChoice {
            pool_tags: PoolTagChoice::from_text(&tags.pool_tags),
            drivers: (!folder.is_empty()).then(|| PathBuf::from(folder)),
            stack_tags: Some(tags.stack_tags.trim()).filter(|path| !path.is_empty()).map(PathBuf::from),
            machine: self.jobs.symbols().machine(),
        }
    }

    pub(super) fn open_tag_sources(&mut self) {
        let TagSettings { pool_tags, drivers, stack_tags } = self.settings.get().tags.clone();
        let sources = self.document().map(|document| &document.results.tag_sources);
        let used = sources.and_then(|sources| sources.pool_tags.as_ref()).map(|found| found.path.display().to_string());
        let scanned = sources.and_then(|sources| sources.drivers.as_ref()).map(|drivers| drivers.scanned_files);
        let rules = sources.map(|sources| sources.stack_tags.len()).filter(|rules| *rules > 0);
        self.dialogs.tag_sources = Some(TagSourcesDialog { pool_tags, drivers, stack_tags, used, scanned, rules });
    }

    /// A file or folder was chosen for the box.
    pub(super) fn take_tag_source(&mut self, asked: &Asked, path: &Path) {
        let Some(state) = &mut self.dialogs.tag_sources else { return };
        let field = match asked {
            Asked::Drivers => &mut state.drivers,
            Asked::StackTags => &mut state.stack_tags,
            _ => &mut state.pool_tags,
        };
        *field = path.display().to_string();
    }

    /// Draws the box, and carries out what is wanted of it.
    pub(super) fn show_tag_sources(&mut self, ui: &Ui) {
        let Some(state) = &mut self.dialogs.tag_sources else { return };
        match tag_sources::show(ui, state) {
            Some(DialogAction::Other(TagSourcesAction::ChoosePoolTags)) => self.jobs.pick_file(Asked::PoolTags),
            Some(DialogAction::Other(TagSourcesAction::ChooseDrivers)) => self.jobs.pick_file(Asked::Drivers),
            Some(DialogAction::Other(TagSourcesAction::ChooseStackTags)) => self.jobs.pick_file(Asked::StackTags),
            Some(DialogAction::Accept) => {
                let written = TagSettings {
                    pool_tags: state.pool_tags.trim().to_owned(),
                    drivers: state.drivers.trim().to_owned(),
                    stack_tags: state.stack_tags.trim().to_owned(),
                };
                self.dialogs.tag_sources = None;
                if self.settings.get().tags != written {
                    self.settings.edit().tags = written;
                }
                // Files may be others than they were, even where their places are the same.
                let choice = self.tag_choice();
                for (_, tab) in self.tabs.iter_mut() {
                    if let Some(document) = tab.document_mut() {
                        document.set_tag_choice(choice.clone());
                    }
                }
            }
            Some(DialogAction::Close) => self.dialogs.tag_sources = None,
            None => {}
        }
    }
}
