//! The page of modules on stacks: the state of their symbols, the allocations that depend on them, the search log, and the next
//! step for modules without symbols.

mod detail;
mod empty;
mod mark;
pub mod state;
mod table;

use eframe::egui::{
    Align, Button, Frame, Id, Key, KeyboardShortcut, Layout, Margin, Modifiers, Panel, Popup, TextEdit, Ui,
};
use poolscope_symbols::resolve::ModuleState;

use crate::format;
use crate::gui::commands::table::MenuPlace;
use crate::gui::commands::{Command, DocumentCommand, Menu, SymbolsCommand, ctrl_shift};
use crate::gui::document::{Document, PageState, Widgets};
use crate::gui::model::page_id::PageId;
use crate::gui::model::symbol_texts;
use crate::gui::model::symbols::{Phase, Symbols};
use crate::gui::pages::Page;
use crate::gui::shell::back;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::{list_table, progress_bar};
use state::ModulesState;

/// Height of what is known of the selected module, in points, until the user gives it another.
const DETAIL: f32 = 236.0;
/// Width of the field that filters, in points.
const FILTER: f32 = 200.0;

/// The page.
pub static PAGE: ModulesPage = ModulesPage;

/// Modules on the stacks and their symbols.
pub struct ModulesPage;

impl Page for ModulesPage {
    fn id(&self) -> PageId {
        PageId::MODULES
    }

    fn title(&self) -> &'static str {
        "Modules"
    }

    fn place(&self) -> MenuPlace {
        MenuPlace::new(Menu::Symbols, 4)
    }

    fn keys(&self) -> Vec<KeyboardShortcut> {
        vec![ctrl_shift(Key::M)]
    }

    fn new_state(&self) -> Box<dyn PageState> {
        Box::new(ModulesState::default())
    }

    fn show(&self, ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
        show(ui, document, widgets.page_state(), commands);
    }

    fn opened(&self, document: &mut Document, _from: PageId) {
        document.modules_mut().wants_focus = true;
    }

    fn run_shared(&self, document: &mut Document, command: &DocumentCommand) -> bool {
        if *command == DocumentCommand::Find {
            document.modules_mut().wants_focus = true;
            return true;
        }
        false
    }

    fn can_shared(&self, document: &Document, command: &DocumentCommand) -> Option<bool> {
        (*command == DocumentCommand::Find).then(|| !document.results.symbols.needs().is_empty())
    }

    fn selected_module(&self, document: &Document) -> Option<usize> {
        document.modules().selected
    }

    fn show_module(&self, document: &mut Document, module: usize) {
        document.show_page(self.id());
        let (modules, symbols) = document.modules_and_symbols();
        modules.show(symbols, module);
    }
}

impl Document {
    /// State of the page of modules.
    #[must_use]
    pub fn modules(&self) -> &ModulesState {
        self.page_state()
    }

    /// State of the page of modules, to be changed.
    pub fn modules_mut(&mut self) -> &mut ModulesState {
        self.page_state_mut()
    }

    fn modules_and_symbols(&mut self) -> (&mut ModulesState, &Symbols) {
        (self.pages.state_mut(), &self.results.symbols)
    }
}

/// Draws the page.
fn show(ui: &mut Ui, document: &Document, state: &mut ModulesState, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        heading(ui, document, commands);
        ui.add_space(2.0 * GRID);
        if let Some(why) = empty::why(document) {
            return empty::show(ui, document, why, commands);
        }
        let listed = state.listed(&document.results.symbols);
        bar(ui, document, state, &listed, commands);
        ui.add_space(GRID);
        empty::unmerged(ui, document, commands);
        if state.selected.is_some() {
            let most = (ui.available_height() - 120.0).max(80.0);
            Panel::bottom(Id::unique("module"))
                .resizable(true)
                .default_size(DETAIL.min(most))
                .size_range(80.0..=most)
                .frame(Frame::new().inner_margin(Margin { top: 8, ..Margin::ZERO }))
                .show(ui, |ui| detail::show(ui, document, commands));
        }
        table::show(ui, document, state, &listed, commands);
    });
}

fn heading(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.heading("Modules");
        back::button(ui, document, commands);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let all = ui.button("Show all images");
            if all.on_hover_text("The Trace and data quality page also lists images that are on no stack").clicked() {
                commands.push(DocumentCommand::Page(PageId::TRACE_INFO).into());
            }
        });
    });
}

/// The filter, the progress of the search, and the commands for all modules.
fn bar(ui: &mut Ui, document: &Document, state: &mut ModulesState, listed: &[usize], commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let id = ui.scope_id().with("filter");
        let field = TextEdit::singleline(&mut state.filter).id(id).hint_text("Filter by name (Ctrl+F)");
        let field = ui.add(field.desired_width(FILTER));
        ui.ctx().accesskit_node_builder(field.id, |node| node.set_label("Filter modules"));
        // The field has the keys of the page: once it is empty, Escape leads back.
        if field.lost_focus() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            if state.filter.is_empty() {
                commands.push(DocumentCommand::Back.into());
            } else {
                state.filter.clear();
            }
        }
        let free = ui.memory(|memory| memory.focused().is_none() && memory.is_above_modal_layer(ui.layer_id()));
        let wanted = std::mem::take(&mut state.wants_focus);
        if wanted || free && !Popup::is_any_open(ui.ctx()) && !ui.input(|input| input.key_pressed(Key::Tab)) {
            field.request_focus();
            // Only in the next frame the arrow keys can be kept from moving the focus.
            ui.ctx().request_repaint();
        }
        if field.has_focus() {
            let cursor = table::row_of(state, listed);
            let actions = list_table::arrow_keys(ui, listed.len(), cursor);
            table::apply(state, listed, &actions);
        }
        let symbols = &document.results.symbols;
        if listed.len() < symbols.needs().len() {
            ui.weak(format!(
                "{} of {}",
                format::count(listed.len() as u64),
                format::count(symbols.needs().len() as u64)
            ));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let running = symbols.phase == Phase::Running;
            let main = if running { SymbolsCommand::Stop } else { SymbolsCommand::Load };
            button(ui, document, main, commands);
            if ui.button(Command::SymbolPath.title()).clicked() {
                commands.push(Command::SymbolPath);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| progress(ui, symbols));
        });
    });
}

fn button(ui: &mut Ui, document: &Document, command: SymbolsCommand, commands: &mut Vec<Command>) {
    let blocked = document.symbols_blocked(command);
    let response = ui.add_enabled(blocked.is_none(), Button::new(command.title()));
    if response.on_disabled_hover_text(blocked.unwrap_or_default()).clicked() {
        commands.push(DocumentCommand::Symbols(command).into());
    }
}

/// Progress of the search over all modules; while it runs, as a bar too.
fn progress(ui: &mut Ui, symbols: &Symbols) {
    let status = symbols.status();
    if symbols.phase == Phase::Running && status.modules > 0 {
        let share = status.finished as f32 / status.modules as f32;
        progress_bar::show(ui, "Modules searched", share, 120.0);
        let count = format!("{} of {}", format::count(status.finished as u64), format::count(status.modules as u64));
        let (so_far, all) = status.downloading;
        let coming = if all > 0 {
            format!(" \u{b7} {} of {}", format::bytes(so_far), format::bytes(all))
        } else if so_far > 0 {
            format!(" \u{b7} {}", format::bytes(so_far))
        } else {
            String::new()
        };
        ui.weak(count + &coming);
    } else if let Some(text) = symbol_texts::status_text(symbols) {
        ui.weak(text);
    }
    if symbols.phase == Phase::Cancelled {
        ui.weak("\u{b7} stopped");
    }
}

/// Returns whether a module's search is under way.
fn is_under_way(state: &ModuleState) -> bool {
    matches!(state, ModuleState::Searching | ModuleState::Downloading(_) | ModuleState::Reading)
}
