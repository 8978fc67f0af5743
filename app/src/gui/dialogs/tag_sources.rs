//! The dialog with additional sources about tags: the user's `pooltag.txt`, a folder with driver files, and stack tags. It reads none
//! of them.

use eframe::egui::{Label, RichText, Ui};

use crate::format;
use crate::gui::theme::GRID;
use crate::gui::widgets::modal::{self, DialogAction, Modal};
use crate::gui::widgets::path_choice::{PathAction, PathChoice};
use crate::pool_tags::NO_POOL_TAGS;

/// Greatest width of the dialog, in points.
const WIDTH: f32 = 600.0;

/// State of the dialog.
#[derive(Debug, Default)]
pub struct TagSourcesDialog {
    /// The chosen list of tags: a path, `none`, or empty for the default.
    pub pool_tags: String,
    /// The chosen folder with driver files, or empty.
    pub drivers: String,
    /// The chosen file of stack tags, or empty.
    pub stack_tags: String,
    /// The list that is in use.
    pub used: Option<String>,
    /// Number of driver files that were scanned.
    pub scanned: Option<u64>,
    /// Number of rules of the stack tags in use.
    pub rules: Option<usize>,
}

/// Action requested in the dialog, besides closing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagSourcesAction {
    /// Choose a list.
    ChoosePoolTags,
    /// Choose a folder.
    ChooseDrivers,
    /// Choose a file of stack tags.
    ChooseStackTags,
}

type Action = DialogAction<TagSourcesAction>;

/// Draws the dialog over the window.
pub fn show(ui: &Ui, state: &mut TagSourcesDialog) -> Option<Action> {
    Modal::new("tag sources", "Pool tags and drivers", WIDTH).show(ui, |ui| {
        modal::paragraph(ui, "Optional sources for tag ownership, used when stacks are missing, and names for stacks.");
        ui.add_space(2.0 * GRID);
        let pool_tags = pool_tags(ui, state);
        ui.add_space(2.0 * GRID);
        let drivers = drivers(ui, state);
        ui.add_space(2.0 * GRID);
        let stack_tags = stack_tags(ui, state);
        modal::accept_or_cancel(ui, "OK", None).or(pool_tags).or(drivers).or(stack_tags)
    })
}

fn pool_tags(ui: &mut Ui, state: &mut TagSourcesDialog) -> Option<Action> {
    let name = "Tag list (pooltag.txt)";
    head(ui, name, &state.used.as_ref().map_or_else(|| "None found".to_owned(), |path| format!("In use: {path}")));
    let is_none = state.pool_tags == NO_POOL_TAGS;
    let path = if is_none { "No tag list" } else { state.pool_tags.as_str() };
    let default = "Automatic: next to the trace, or from a Windows kit";
    let choice = PathChoice { name, path, default, choose: "Choose: Tag list (pooltag.txt)" };
    let mut wants_none = false;
    let action = choice.show(ui, |ui| {
        let none = ui.selectable_label(is_none, "None").on_hover_text("Use no tag list");
        none.ctx.accesskit_node_builder(none.id, |node| node.set_label("None: Tag list (pooltag.txt)"));
        wants_none = none.clicked();
    });
    if wants_none {
        NO_POOL_TAGS.clone_into(&mut state.pool_tags);
    }
    carry_out(action, &mut state.pool_tags, TagSourcesAction::ChoosePoolTags)
}

fn drivers(ui: &mut Ui, state: &mut TagSourcesDialog) -> Option<Action> {
    let name = "Folder with driver files (.sys)";
    let scanned = state.scanned.map(|files| format!("Scanned {}", format::counted(files, "file", "files")));
    head(ui, name, &scanned.unwrap_or_default());
    let default = "Recommended: System32\\drivers of the recorded machine";
    let choice = PathChoice { name, path: &state.drivers, default, choose: "Choose: Folder with driver files (.sys)" };
    let action = choice.show(ui, |_| {});
    carry_out(action, &mut state.drivers, TagSourcesAction::ChooseDrivers)
}

fn stack_tags(ui: &mut Ui, state: &mut TagSourcesDialog) -> Option<Action> {
    let name = "Stack tags (.stacktags)";
    let rules = state.rules.map(|rules| format!("In use: {}", format::counted(rules as u64, "rule", "rules")));
    head(ui, name, &rules.unwrap_or_default());
    let default = "None: the column Stack Tag shows Other for all stacks";
    let choice = PathChoice { name, path: &state.stack_tags, default, choose: "Choose: Stack tags (.stacktags)" };
    let action = choice.show(ui, |_| {});
    carry_out(action, &mut state.stack_tags, TagSourcesAction::ChooseStackTags)
}

fn head(ui: &mut Ui, name: &str, state: &str) {
    ui.horizontal(|ui| {
        ui.label(name);
        ui.add(Label::new(RichText::new(state).weak()).truncate());
    });
}

fn carry_out(action: Option<PathAction>, path: &mut String, choose: TagSourcesAction) -> Option<Action> {
    match action? {
        PathAction::Choose => Some(Action::Other(choose)),
        PathAction::UseDefault => {
            path.clear();
            None
        }
    }
}
