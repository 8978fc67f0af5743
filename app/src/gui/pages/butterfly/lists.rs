//! The four lists: callers, callees, and the paths through the function that free and that do not.

use eframe::egui::{Align, Button, Layout, RichText, Ui, vec2};

use super::commands::ButterflyCommand;
use super::state::{ButterflyState, Entry, FRAME_SEPARATOR, ListColumn};
use crate::format;
use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::theme::{self, GRID, HEADER_HEIGHT};
use crate::gui::widgets::list_table::{self, Action, Column, Keyboard, ListTable, Rows, Width};
use crate::gui::widgets::pivot_table::Sort;
use crate::gui::widgets::section::caption;

/// Widths of the columns of figures, in points.
const SIZE_WIDTH: f32 = 96.0;
const COUNT_WIDTH: f32 = 64.0;
/// Least width of the column of names.
const NAME_WIDTH: f32 = 120.0;

/// A list of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListKind {
    /// Functions that call the one in focus.
    #[default]
    Callers,
    /// Functions that it calls.
    Callees,
    /// Paths through it whose allocations are not freed.
    Keeping,
    /// Paths through it whose allocations are freed.
    Freeing,
}

impl ListKind {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Callers, Self::Callees, Self::Keeping, Self::Freeing];

    /// The accessible name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Callers => "Callers",
            Self::Callees => "Callees",
            Self::Keeping => "Paths that do not free",
            Self::Freeing => "Paths that free",
        }
    }

    const fn caption(self) -> &'static str {
        match self {
            Self::Callers => "CALLERS",
            Self::Callees => "CALLEES",
            Self::Keeping => "PATHS THAT DO NOT FREE",
            Self::Freeing => "PATHS THAT FREE",
        }
    }

    /// Tip on the caption.
    const fn tip(self) -> &'static str {
        match self {
            Self::Callers => {
                "Functions that call this one. A stack counts once for each of its callers, no matter how often \
                 the function calls itself."
            }
            Self::Callees => "Functions that this one calls. A stack counts once for each of them.",
            Self::Keeping => "Stacks through this function none of whose allocations was freed in the visible range.",
            Self::Freeing => "Stacks through this function with allocations that were freed in the visible range.",
        }
    }

    const fn is_path(self) -> bool {
        matches!(self, Self::Keeping | Self::Freeing)
    }

    /// The columns from left to right.
    const fn columns(self) -> &'static [ListColumn] {
        use ListColumn as L;
        match self {
            Self::Callers | Self::Callees | Self::Keeping => &[L::Name, L::ImpactingSize, L::Size, L::Count],
            Self::Freeing => &[L::Name, L::ImpactingSize, L::Count, L::Freed],
        }
    }
}

/// Draws a list with its caption, at most `height` high.
pub(super) fn show(
    ui: &mut Ui,
    document: &Document,
    state: &mut ButterflyState,
    kind: ListKind,
    height: f32,
    commands: &mut Vec<Command>,
) {
    let width = ui.available_width();
    ui.allocate_ui_with_layout(vec2(width, height), Layout::top_down(Align::Min), |ui| {
        ui.set_min_size(vec2(width, height));
        let count = state.list(kind).entries.len() as u64;
        ui.horizontal(|ui| {
            caption(ui, kind.caption());
            ui.weak(format::count(count)).on_hover_text(kind.tip());
        });
        if count == 0 {
            ui.weak("None");
            return;
        }
        let columns = columns(state, kind);
        let (cursor, entries) = (state.list(kind).cursor, state.list(kind).entries.clone());
        let wants_focus = state.wants_focus == Some(kind);
        if wants_focus {
            state.wants_focus = None;
        }
        let whole = state.shown.as_ref().map_or(0, |shown| shown.butterfly.aggregate.impacting_size());
        let can_walk = document.can_butterfly(ButterflyCommand::Walk);
        let mut rows = EntryRows { entries: &entries, cursor, kind, whole, can_walk, commands };
        let keyboard = if kind == ListKind::Callers { Keyboard::Idle } else { Keyboard::Own };
        let actions = ListTable::new(kind.name(), &columns)
            .cursor(cursor, true)
            .keyboard(keyboard, wants_focus)
            .at_most((height - HEADER_HEIGHT - 7.0 * GRID).max(HEADER_HEIGHT))
            .show(ui, &mut rows);
        apply(state, kind, &actions, commands);
    });
}

fn columns(state: &ButterflyState, kind: ListKind) -> Vec<Column> {
    let list = state.list(kind);
    let column = |which: &ListColumn| {
        let sort = (list.column == *which).then_some(Sort::of(list.is_ascending));
        let (title, tip, width, is_figure) = match which {
            ListColumn::Name => {
                let title = if kind.is_path() { "Stack, innermost frame first" } else { "Function or module" };
                (title, "", Width::Rest(NAME_WIDTH), false)
            }
            ListColumn::ImpactingSize => {
                let tip = "Bytes allocated in the visible range and not freed in it (AIFO)";
                ("Impacting Size", tip, Width::Exact(SIZE_WIDTH), true)
            }
            ListColumn::Size => ("Size", "Bytes of all allocations", Width::Exact(SIZE_WIDTH), true),
            ListColumn::Count => ("Count", "Number of all allocations", Width::Exact(COUNT_WIDTH), true),
            ListColumn::Freed => {
                ("Freed", "Allocations that were freed in the visible range", Width::Exact(COUNT_WIDTH), true)
            }
        };
        Column { title, tip, width, is_figure, sort, wraps: false }
    };
    kind.columns().iter().map(column).collect()
}

/// Carries out what the list asks for.
fn apply(state: &mut ButterflyState, kind: ListKind, actions: &[Action], commands: &mut Vec<Command>) {
    for action in actions {
        match *action {
            Action::Sort(column) => {
                if let Some(column) = kind.columns().get(column) {
                    state.list_mut(kind).sort_by(*column);
                }
            }
            Action::Move { row, .. } | Action::Click { row, .. } => {
                state.list_mut(kind).cursor = Some(row);
                state.active = kind;
            }
            Action::Open(row) => {
                state.list_mut(kind).cursor = Some(row);
                state.active = kind;
                state.wants_focus = Some(kind);
                commands.push(ButterflyCommand::Walk.into());
            }
            Action::SelectAll => {}
        }
    }
}

/// The rows of a list.
struct EntryRows<'e> {
    entries: &'e [Entry],
    cursor: Option<usize>,
    kind: ListKind,
    /// Impacting size of the function.
    whole: u64,
    can_walk: bool,
    commands: &'e mut Vec<Command>,
}

impl EntryRows<'_> {
    fn figure(&self, entry: &Entry, column: ListColumn) -> String {
        let sums = &entry.aggregate;
        match column {
            ListColumn::Name => entry.text.clone(),
            ListColumn::ImpactingSize => format::bytes(sums.impacting_size()),
            ListColumn::Size => format::bytes(sums.size()),
            ListColumn::Count => format::count(sums.count()),
            ListColumn::Freed => format::count(sums.freed_inside()),
        }
    }
}

impl Rows for EntryRows<'_> {
    fn count(&self) -> usize {
        self.entries.len()
    }

    fn label(&self, row: usize) -> String {
        let Some(entry) = self.entries.get(row) else { return String::new() };
        let sums = &entry.aggregate;
        let freed = if self.kind == ListKind::Freeing {
            format!(", {} freed", format::count(sums.freed_inside()))
        } else {
            String::new()
        };
        format!(
            "{}, {} impacting, {} in {}{freed}",
            entry.text,
            format::bytes(sums.impacting_size()),
            format::bytes(sums.size()),
            format::counted(sums.count(), "allocation", "allocations"),
        )
    }

    fn is_selected(&self, row: usize) -> bool {
        self.cursor == Some(row)
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let is_here = self.cursor == Some(row) && self.can_walk;
        let title = if self.kind.is_path() { "Show rows of path" } else { ButterflyCommand::Walk.title() };
        for (command, title) in [(ButterflyCommand::Walk, title), (ButterflyCommand::CopyRow, "Copy row")] {
            if ui.add_enabled(is_here, Button::new(title)).clicked() {
                ui.close();
                self.commands.push(command.into());
            }
        }
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let Some((entry, which)) = self.entries.get(row).zip(self.kind.columns().get(column)) else { return };
        let text = self.figure(entry, *which);
        match which {
            ListColumn::Name => {
                let cell = list_table::text_cell(ui, RichText::new(&text).font(theme::figure_font()));
                cell.on_hover_text(text.replace(FRAME_SEPARATOR, "\n"));
            }
            ListColumn::ImpactingSize => {
                if self.whole > 0 {
                    list_table::share_bar(ui, (entry.aggregate.impacting_size() as f64 / self.whole as f64) as f32);
                }
                list_table::figure_cell(ui, text);
            }
            _ => drop(list_table::figure_cell(ui, text)),
        }
    }

    fn type_ahead_text(&self, row: usize) -> Option<String> {
        self.entries.get(row).map(|entry| entry.text.clone())
    }
}
