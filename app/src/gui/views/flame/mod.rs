//! The page of the flame graph: the stacks of the rows in view and filter, or of one tag or suspect, as wide as they weigh. It
//! merges nothing itself.

mod bar;
mod empty;
mod scope;

use eframe::egui::{Align, Button, Frame, Label, Layout, Margin, RichText, Ui};
use poolscope_analysis::pivot::Metric;
use poolscope_analysis::flame::FlameTree;

use crate::gui::command::{Command, DocumentCommand, FlameCommand};
use crate::gui::jobs::document::Topic;
use crate::gui::state::document::{Document, Page};
use crate::gui::state::flame_model::{self as words, ShownModel};
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::flame::FlameGraph;

/// Draws the page.
pub fn show(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        heading(ui, document, commands);
        ui.add_space(GRID);
        if let Some(why) = empty::without_events(document) {
            return empty::show(ui, document, why, commands);
        }
        bar::show(ui, document, commands);
        scope::show(ui, document, commands);
        ui.add_space(GRID);
        match empty::why(document) {
            Some(why) => empty::show(ui, document, why, commands),
            None => graph(ui, document, commands),
        }
    });
}

fn heading(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.heading("Flame graph");
        let (page, title) = match document.flame.from {
            Page::Suspects => (Page::Suspects, "Back to the suspects"),
            _ if document.has_allocations() => (Page::Analysis, "Back to graph and table"),
            _ => (Page::Analysis, "Back"),
        };
        if ui.button(title).on_hover_text("Escape").clicked() {
            commands.push(DocumentCommand::Page(page).into());
        }
    });
}

/// The graph, and below it what is known of the selected frame.
fn graph(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let line = ui.spacing().interact_size.y + GRID;
    let height = (ui.available_height() - line).max(0.0);
    let dimmed = document.waits(Topic::Flame);
    let offers = Offers::of(document);
    let free = ui.memory(|memory| memory.focused().is_none() && memory.is_above_modal_layer(ui.layer_id()));
    let tabbing = ui.input(|input| input.key_pressed(eframe::egui::Key::Tab));
    if free && !tabbing && !eframe::egui::Popup::is_any_open(ui.ctx()) && !document.flame.wants_search {
        document.flame.view.request_focus();
    }
    let mut view = std::mem::take(&mut document.flame.view);
    let mut actions = Vec::new();
    if let Some(shown) = &document.flame.shown {
        let dark = ui.visuals().dark_mode;
        let model = ShownModel { tree: &shown.tree, colours: &shown.colours, number: shown.number, dark };
        let tip = |ui: &mut Ui, node: u32| tip(ui, document, node);
        let mut menu = |ui: &mut Ui| offers.show(ui, commands);
        ui.allocate_ui(eframe::egui::vec2(ui.available_width(), height), |ui| {
            ui.set_min_size(ui.available_size());
            actions = FlameGraph::new("Flame graph of stacks", &model, &mut view)
                .root_at_top(document.flame.look.root_at_top)
                .marking(document.flame.search.trim())
                .dimmed(dimmed)
                .tip(&tip)
                .menu(&mut menu)
                .show(ui);
        });
    }
    document.flame.view = view;
    actions.into_iter().for_each(|action| document.flame_action(action));
    selected(ui, document);
}

/// One line about the selected frame, for those who do not point at it.
fn selected(ui: &mut Ui, document: &Document) {
    ui.horizontal(|ui| {
        let Some((tree, node)) = document.flame_cursor() else {
            ui.weak("Click selects a frame, double-click or Enter gives it the whole width, Escape goes back.");
            return;
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(figures(tree, node));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = RichText::new(tree.text(node)).font(theme::figure_font());
                ui.add(Label::new(name).truncate());
            });
        });
    });
}

/// What a frame weighs, and how much of all that is.
fn figures(tree: &FlameTree, node: u32) -> String {
    format!("{}, {}", words::weight_text(tree.weight(node), tree.metric()), words::shares(tree, node))
}

/// The words at the pointer.
fn tip(ui: &mut Ui, document: &Document, node: u32) {
    let Some(shown) = &document.flame.shown else { return };
    let tree = &shown.tree;
    let text = tree.text(node);
    ui.label(RichText::new(text).font(theme::figure_font()));
    if let Some(module) = words::module_of(text).filter(|_| tree.is_frame(node)) {
        ui.weak(module);
    }
    ui.label(figures(tree, node));
    let other = |figure: Metric| format!("{} {}", figure.title(), words::figure_text(tree, node, figure));
    let figures = [Metric::ImpactingSize, Metric::ImpactingCount, Metric::Size, Metric::Count];
    ui.weak(figures.map(other).join("  \u{b7}  "));
    let own = tree.own_weight(node);
    if own > 0 && !tree.children(node).is_empty() {
        ui.weak(format!("{} of it in no frame further on", words::weight_text(own, tree.metric())));
    }
    if let Some(why) = document.explain_frame(text).filter(|_| tree.is_frame(node)) {
        ui.label(why);
    }
}

/// What the menu of a frame offers, in groups, and whether it would do anything.
struct Offers(Vec<Vec<(DocumentCommand, bool)>>);

impl Offers {
    fn of(document: &Document) -> Self {
        use FlameCommand as C;
        let groups = [vec![C::ZoomIn, C::ZoomOut], vec![C::FilterTo, C::ShowInTable], vec![C::CopyName, C::CopyStack]];
        let with_state = |command: C| {
            let command = DocumentCommand::Flame(command);
            let can = document.can(&command);
            (command, can)
        };
        Self(groups.into_iter().map(|group| group.into_iter().map(with_state).collect()).collect())
    }

    fn show(&self, ui: &mut Ui, commands: &mut Vec<Command>) {
        for (at, group) in self.0.iter().enumerate() {
            if at > 0 {
                ui.separator();
            }
            for (command, can) in group {
                let key = match command {
                    DocumentCommand::Flame(FlameCommand::ZoomIn) => Some("Enter".to_owned()),
                    DocumentCommand::Flame(FlameCommand::ZoomOut) => Some("Backspace".to_owned()),
                    DocumentCommand::Flame(FlameCommand::FilterTo) => of_other(ui, DocumentCommand::FilterTo),
                    DocumentCommand::Flame(FlameCommand::CopyName) => of_other(ui, DocumentCommand::CopyRows),
                    DocumentCommand::Flame(FlameCommand::CopyStack) => of_other(ui, DocumentCommand::CopyStack),
                    _ => None,
                };
                let mut button = Button::new(command.title());
                if let Some(key) = key {
                    button = button.shortcut_text(key);
                }
                if ui.add_enabled(*can, button).clicked() {
                    ui.close();
                    commands.push(command.clone().into());
                }
            }
        }
    }
}

/// The key of the command that does the same on every page.
fn of_other(ui: &Ui, command: DocumentCommand) -> Option<String> {
    Command::from(command).shortcut_text(ui)
}
