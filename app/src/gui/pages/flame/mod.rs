//! The page of the flame graph: the stacks of the rows in view and filter, or of one tag or suspect, as wide as they weigh. It
//! merges nothing itself.

mod actions;
mod bar;
pub mod commands;
mod empty;
pub mod job;
pub mod model;
mod scope;
pub mod state;

use eframe::egui::{Align, Button, Frame, Key, KeyboardShortcut, Label, Layout, Margin, RichText, Ui};
use poolscope_analysis::flame::FlameTree;
use poolscope_analysis::pivot::Metric;

use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand, Menu, PageCommand, ctrl_shift};
use crate::gui::document::exporting::ShownFlameChoice;
use crate::gui::document::{Document, PageState, Widgets};
use crate::gui::jobs::document::{PageAnswer, PageWork};
use crate::gui::model::page_id::{BUTTERFLY_OF_SELECTION, PageId};
use crate::gui::pages::Page;
use crate::gui::pages::flame::model::ShownModel;
use crate::gui::shell::back;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::flame::{Action, FlameGraph};
use commands::FlameCommand;
use job::{FlameAnswer, FlameFound, LocatedFrame};
use poolscope_analysis::pivot::RowPath;
use serde_json::Value;
use state::{FlamePageState, FlameScope};

/// The page.
pub static PAGE: FlamePage = FlamePage;

/// The job that merges stacks.
pub const MERGE: &str = "merge";
/// The job that weighs the stacks with a text.
pub const FIND: &str = "find";
/// The job that finds the row of the table with most of a frame.
pub const LOCATE: &str = "locate";

/// Merged stacks, as wide as they weigh.
pub struct FlamePage;

impl Page for FlamePage {
    fn id(&self) -> PageId {
        PageId::FLAME
    }

    fn title(&self) -> &'static str {
        "Flame graph"
    }

    fn place(&self) -> MenuPlace {
        MenuPlace::new(Menu::View, 0)
    }

    /// I as in icicle; WPA has no such key.
    fn keys(&self) -> Vec<KeyboardShortcut> {
        vec![ctrl_shift(Key::I)]
    }

    fn new_state(&self) -> Box<dyn PageState> {
        Box::new(FlamePageState::default())
    }

    fn show(&self, ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
        show(ui, document, widgets.page_state(), commands);
    }

    fn opened(&self, document: &mut Document, _from: PageId) {
        document.flame_mut().view.request_focus();
    }

    fn commands(&self) -> Vec<CommandSpec> {
        FlameCommand::rows()
    }

    fn run(&self, document: &mut Document, command: &'static str) {
        if let Some(command) = FlameCommand::of_id(command) {
            document.run_flame(command);
        }
    }

    fn can(&self, document: &Document, command: &'static str) -> bool {
        FlameCommand::of_id(command).is_some_and(|command| document.can_flame(command))
    }

    fn is_on(&self, document: &Document, command: &'static str) -> Option<bool> {
        document.flame_on(FlameCommand::of_id(command)?)
    }

    fn run_shared(&self, document: &mut Document, command: &DocumentCommand) -> bool {
        match command {
            DocumentCommand::Find => document.flame_mut().wants_search = true,
            DocumentCommand::FindNext => document.flame_mut().view.step_match(true),
            DocumentCommand::FindPrevious => document.flame_mut().view.step_match(false),
            _ => match own_command(command) {
                Some(own) => document.run_flame(own),
                None => return false,
            },
        }
        true
    }

    fn can_shared(&self, document: &Document, command: &DocumentCommand) -> Option<bool> {
        match command {
            DocumentCommand::Find => Some(document.has_allocations()),
            DocumentCommand::FindNext | DocumentCommand::FindPrevious => {
                Some(!document.flame().search.trim().is_empty())
            }
            _ => own_command(command).map(|own| document.can_flame(own)),
        }
    }

    fn update(&self, document: &mut Document) {
        document.ask_for_flame();
    }

    fn work(&self, document: &mut Document, job: &'static str) -> Option<PageWork> {
        if job == FIND {
            let request = document.flame_find_request()?;
            return Some(Box::new(move |cancel| Some(Box::new(job::find(request, cancel)?))));
        }
        if job == LOCATE {
            let request = document.locate_request()?;
            return Some(Box::new(move |cancel| Some(Box::new(job::locate(request, cancel)?))));
        }
        let request = document.flame_request();
        Some(Box::new(move |cancel| Some(Box::new(job::run(request, cancel)?))))
    }

    fn apply(&self, document: &mut Document, _job: &'static str, answer: PageAnswer) {
        let answer = match answer.downcast::<FlameAnswer>() {
            Ok(answer) => return document.apply_flame(*answer),
            Err(answer) => answer,
        };
        match answer.downcast::<FlameFound>() {
            Ok(found) => document.apply_flame_found(*found),
            Err(answer) => drop(answer.downcast::<LocatedFrame>().map(|located| document.apply_located(*located))),
        }
    }

    fn job_failed(&self, document: &mut Document, job: &'static str) -> &'static str {
        if job == FIND || job == LOCATE {
            return "the search";
        }
        document.flame_mut().broken = true;
        "the flame graph"
    }

    fn rows_changed(&self, document: &mut Document) {
        document.apply_pending_frame();
    }

    fn show_rows(&self, document: &mut Document, place: RowPath, title: Option<String>) {
        document.flame_mut().scope = Some(FlameScope { place, label: title });
        document.show_page(self.id());
    }

    fn selected_frame(&self, document: &Document) -> Option<String> {
        document.flame_frame()
    }

    fn shown_flame(&self, document: &Document) -> Option<ShownFlameChoice> {
        let flame = document.flame();
        Some(ShownFlameChoice {
            choice: flame.scope.as_ref().map(|scope| scope.place.clone()),
            metric: flame.look.weight(),
            direction: flame.look.merge(),
            root_at_top: flame.look.root_at_top,
            zoom: flame.zoom_path(),
        })
    }

    fn remember(&self, document: &Document) -> Option<Value> {
        serde_json::to_value(document.flame().look).ok()
    }

    fn restore(&self, document: &mut Document, value: Value) {
        if let Ok(look) = serde_json::from_value(value) {
            document.flame_mut().look = look;
        }
    }
}

/// The page's own command for a command that every page understands.
fn own_command(command: &DocumentCommand) -> Option<FlameCommand> {
    match command {
        DocumentCommand::CopyRows | DocumentCommand::CopyCell => Some(FlameCommand::CopyName),
        DocumentCommand::CopyStack => Some(FlameCommand::CopyStack),
        DocumentCommand::FilterTo => Some(FlameCommand::FilterTo),
        _ => None,
    }
}

impl Document {
    /// State of the flame graph page.
    #[must_use]
    pub fn flame(&self) -> &FlamePageState {
        self.page_state()
    }

    /// State of the flame graph page, to be changed.
    pub fn flame_mut(&mut self) -> &mut FlamePageState {
        self.page_state_mut()
    }
}

/// Draws the page.
fn show(ui: &mut Ui, document: &Document, state: &mut FlamePageState, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        heading(ui, document, commands);
        ui.add_space(GRID);
        if let Some(why) = empty::without_events(document) {
            return empty::show(ui, document, why, commands);
        }
        bar::show(ui, document, state, commands);
        scope::show(ui, document, state, commands);
        ui.add_space(GRID);
        match empty::why(document) {
            Some(why) => empty::show(ui, document, why, commands),
            None => graph(ui, document, state, commands),
        }
    });
}

fn heading(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.heading("Flame graph");
        back::button(ui, document, commands);
    });
}

/// The graph, and below it what is known of the selected frame.
fn graph(ui: &mut Ui, document: &Document, state: &mut FlamePageState, commands: &mut Vec<Command>) {
    let line = ui.spacing().interact_size.y + GRID;
    let height = (ui.available_height() - line).max(0.0);
    let dimmed = document.awaits_page(PageId::FLAME, MERGE);
    let offers = Offers::of(document);
    let free = ui.memory(|memory| memory.focused().is_none() && memory.is_above_modal_layer(ui.layer_id()));
    let tabbing = ui.input(|input| input.key_pressed(eframe::egui::Key::Tab));
    if free && !tabbing && !eframe::egui::Popup::is_any_open(ui.ctx()) && !state.wants_search {
        state.view.request_focus();
    }
    let mut actions = Vec::new();
    if let Some(shown) = &state.shown {
        let dark = ui.visuals().dark_mode;
        let model = ShownModel {
            tree: &shown.tree,
            colors: &shown.colors,
            responsible: &shown.responsible,
            number: shown.number,
            dark,
        };
        let tip = |ui: &mut Ui, node: u32| tip(ui, document, node);
        let mut menu = |ui: &mut Ui| offers.show(ui, commands);
        ui.allocate_ui(eframe::egui::vec2(ui.available_width(), height), |ui| {
            ui.set_min_size(ui.available_size());
            actions = FlameGraph::new("Flame graph of stacks", &model, &mut state.view)
                .root_at_top(state.look.root_at_top)
                .marking(state.search.trim())
                .dimmed(dimmed)
                .tip(&tip)
                .menu(&mut menu)
                .show(ui);
        });
    }
    for action in actions {
        match action {
            Action::Zoom(node) => state.zoom_to(node),
            Action::ZoomOut => drop(state.zoom_back()),
            Action::Leave => {
                if !state.zoom_back() {
                    commands.push(DocumentCommand::Back.into());
                }
            }
        }
    }
    selected(ui, document);
}

/// One line about the selected frame, for those who do not point at it.
fn selected(ui: &mut Ui, document: &Document) {
    ui.horizontal(|ui| {
        let Some((tree, node)) = document.flame_cursor() else {
            ui.weak("Click to select a frame, double-click or press Enter to zoom to it, press Escape to go back.");
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

/// Weight of a frame, and its shares.
fn figures(tree: &FlameTree, node: u32) -> String {
    format!("{}, {}", model::weight_text(tree.weight(node), tree.metric()), model::shares(tree, node))
}

/// The words at the pointer.
fn tip(ui: &mut Ui, document: &Document, node: u32) {
    let Some(shown) = &document.flame().shown else { return };
    let tree = &shown.tree;
    let text = tree.text(node);
    ui.label(RichText::new(text).font(theme::figure_font()));
    if let Some(module) = model::module_of(text).filter(|_| tree.is_frame(node)) {
        ui.weak(module);
    }
    if model::is_responsible(tree, &shown.responsible, node) {
        ui.weak("Responsible frame");
    }
    ui.label(figures(tree, node));
    let other = |metric: Metric| format!("{} {}", metric.title(), model::figure_text(tree, node, metric));
    let figures = [Metric::ImpactingSize, Metric::ImpactingCount, Metric::Size, Metric::Count];
    ui.weak(figures.map(other).join("  \u{b7}  "));
    let own = tree.own_weight(node);
    if own > 0 && !tree.children(node).is_empty() {
        ui.weak(format!("{} exclusive, in no deeper frame", model::weight_text(own, tree.metric())));
    }
    if let Some(why) = document.explain_frame(text).filter(|_| tree.is_frame(node)) {
        ui.label(why);
    }
}

/// Commands of a frame's menu, in groups, and whether they would do anything.
struct Offers {
    groups: Vec<Vec<(FlameCommand, bool)>>,
    /// True if a frame of a stack is selected.
    has_frame: bool,
}

impl Offers {
    fn of(document: &Document) -> Self {
        use FlameCommand as C;
        let groups = [vec![C::ZoomIn, C::ZoomOut], vec![C::FilterTo, C::ShowInTable], vec![C::CopyName, C::CopyStack]];
        let with_state = |command: C| (command, document.can(&command.into()));
        let groups = groups.into_iter().map(|group| group.into_iter().map(with_state).collect()).collect();
        Self { groups, has_frame: document.flame_frame().is_some() }
    }

    fn show(&self, ui: &mut Ui, commands: &mut Vec<Command>) {
        for (at, group) in self.groups.iter().enumerate() {
            if at > 0 {
                ui.separator();
            }
            for (command, can) in group {
                // The keys of the widget, and of the commands that do the same on every page.
                let key = match command {
                    FlameCommand::ZoomIn => Some("Enter".to_owned()),
                    FlameCommand::ZoomOut => Some("Backspace".to_owned()),
                    FlameCommand::FilterTo => Command::from(DocumentCommand::FilterTo).shortcut_text(ui),
                    FlameCommand::CopyName => Command::from(DocumentCommand::CopyRows).shortcut_text(ui),
                    FlameCommand::CopyStack => Command::from(DocumentCommand::CopyStack).shortcut_text(ui),
                    _ => None,
                };
                let mut button = Button::new(command.title());
                if let Some(key) = key {
                    button = button.shortcut_text(key);
                }
                if ui.add_enabled(*can, button).clicked() {
                    ui.close();
                    commands.push((*command).into());
                }
            }
        }
        ui.separator();
        let command = PageCommand { page: PageId::BUTTERFLY, id: BUTTERFLY_OF_SELECTION };
        let command = Command::from(command);
        if ui.add_enabled(self.has_frame, Button::new(command.title())).clicked() {
            ui.close();
            commands.push(command);
        }
    }
}
