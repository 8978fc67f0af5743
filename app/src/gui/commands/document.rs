//! Commands about an open trace, and their rows in the command table. Commands that only one page has are in its folder.

use std::path::PathBuf;

use eframe::egui::{Key, KeyboardShortcut, Modifiers};
use poolscope_analysis::pivot;
use poolscope_analysis::series::SeriesKind as MeasureKind;
use poolscope_analysis::series::SeriesMetric;

use super::table::{CommandSpec, MenuPlace, Scope};
use super::{Menu, SymbolsCommand, ctrl, ctrl_shift};
use crate::format::column::ColumnUnit;
use crate::gui::document::{CURVE_COUNTS, Layout, measure_title};
use crate::gui::jobs::dialog::Asked;
use crate::gui::jobs::files::FileRequest;
use crate::gui::model::column_tips;
use crate::gui::model::columns::{ColumnRole, What};
use crate::gui::model::export::ExportKind;
use crate::gui::model::page_id::PageId;
use crate::gui::model::table_layout::TableLayout;
use crate::gui::widgets::{graph, pivot_table};

/// A command that a page defines: the page and the id in its rows of the command table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageCommand {
    /// The page.
    pub page: PageId,
    /// The id of the command's row.
    pub id: &'static str,
}

impl From<PageCommand> for DocumentCommand {
    fn from(command: PageCommand) -> Self {
        Self::OfPage(command)
    }
}

impl From<PageCommand> for super::Command {
    fn from(command: PageCommand) -> Self {
        Self::Document(command.into())
    }
}

/// Something the user wants of an open trace.
#[derive(Debug, Clone, PartialEq)]
pub enum DocumentCommand {
    /// Copy the selected rows.
    CopyRows,
    /// Copy the text of the row under the cursor.
    CopyCell,
    /// Copy the stack of the selected row.
    CopyStack,
    /// Look for a text in all rows.
    Find,
    /// Go to the next row with the text.
    FindNext,
    /// Go to the row with the text before.
    FindPrevious,
    /// Write a query.
    EditQuery,
    /// Show only the selected rows.
    FilterTo,
    /// Show all but the selected rows.
    FilterOut,
    /// Take the last change of filter, columns or order back.
    Undo,
    /// Make that change again.
    Redo,
    /// Show all rows.
    FilterClear,
    /// Show what was allocated through the selected function.
    FindCallers,
    /// Show the selected range.
    ZoomToSelection,
    /// Show half of the range.
    ZoomIn,
    /// Show twice the range.
    ZoomOut,
    /// Show the range before.
    ZoomBack,
    /// Show the range that was left by going back.
    ZoomForward,
    /// Show the whole trace.
    ZoomAll,
    /// Graph and table, or one of them.
    Layout(Layout),
    /// Show a page.
    Page(PageId),
    /// Show the page that was in front before.
    Back,
    /// Change the metric of the curves.
    Measure(SeriesMetric),
    /// Change the style of the curves.
    Draw(graph::Kind),
    /// Draw this many curves before the rest is folded together.
    Curves(usize),
    /// Count blocks from before the trace as outstanding, or no longer.
    IncludePreexisting,
    /// Give the selected rows curves of their own, or take these away.
    GraphRows,
    /// Draw all curves again.
    ShowAllCurves,
    /// Put marks at both ends of the selected range.
    MarkSelection,
    /// Take all marks away.
    ClearMarks,
    /// Go to the responsible frame of the selected row.
    GoToResponsible,
    /// Open everything below the selected row.
    ExpandBelow,
    /// Close what does not lead to the selected row.
    CollapseOthers,
    /// Choose the columns.
    Columns,
    /// Make every column as wide as what it shows.
    FitColumns,
    /// Save the columns under a name.
    SavePreset,
    /// Rename, delete, export and import presets.
    ManagePresets,
    /// The columns of the preset again.
    ResetColumns,
    /// Show the columns of a preset.
    Preset(String),
    /// Write something that is shown to a file.
    Export(ExportKind),
    /// Write a note on the trace.
    EditNote,
    /// Give up the export that is being written.
    CancelExport,
    /// Something with its symbols.
    Symbols(SymbolsCommand),
    /// A command that a page defines.
    OfPage(PageCommand),
    /// An action in a widget: it has no row in the command table.
    OfWidget(WidgetAction),
}

/// An action in a widget of a page or dialog of an open trace: something dragged, clicked or typed.
#[derive(Debug, Clone, PartialEq)]
pub enum WidgetAction {
    /// An action in the graph.
    Graph(graph::Action),
    /// An action in the pivot table.
    Table(pivot_table::Action),
    /// Draw a curve for each value of these key columns.
    GraphBy(Vec<pivot::Key>),
    /// Change the columns of the table.
    Columns(ColumnChange),
    /// Remove the step of the filter with this index.
    RemoveFilterStep(usize),
    /// Put the query step of the filter with this index into the query box.
    EditFilterStep(usize),
    /// Look up completions of the query at the cursor, a position in bytes.
    CompleteQuery(usize),
    /// Add the query in the box to the filter.
    EnterQuery,
    /// Empty the query box.
    LeaveQuery,
    /// Search again: the text of the search, or its case sensitivity, was changed.
    SearchChanged,
    /// Close the find bar.
    CloseFind,
    /// Save the columns as a preset of this name.
    SavePresetAs(String),
    /// Keep what the view editor changed so far.
    KeepView,
    /// Take back what the view editor changed.
    RestoreView,
    /// Rename one of the user's presets.
    RenamePreset {
        /// The present name.
        from: String,
        /// The new name.
        to: String,
    },
    /// Delete one of the user's presets.
    DeletePreset(String),
    /// Read presets from a file, or write the user's presets to one.
    ExchangePresets(FileRequest),
    /// Ask the user for a file.
    PickFile(Asked),
    /// Write an export to a file, which is replaced if it exists.
    ExportTo(ExportKind, PathBuf),
    /// Keep this note on the trace.
    SetNote(String),
}

/// A change of the columns of the table. Columns are named by their ids.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ColumnChange {
    /// Add a column in its natural place.
    Add(What, ColumnRole),
    /// Move a column before another one, or to the end of the area.
    Move(u32, ColumnRole, Option<u32>),
    /// Remove a column.
    Remove(u32),
    /// Aggregate the values of a column in another way.
    Aggregate(u32, pivot::Metric),
    /// Show the values of a column in another unit.
    Unit(u32, ColumnUnit),
    /// Keep this many columns from scrolling sideways.
    Freeze(usize),
    /// Make a column as wide as its content.
    Fit(u32),
    /// Add a column before another one, or at the end of the area.
    Insert(What, ColumnRole, Option<u32>),
    /// Sort by a column, the smallest first if true, after the columns that decide now; or no longer.
    Sort(u32, Option<bool>),
    /// Make a column this wide in points, or as wide as its kind is at first.
    Width(u32, Option<f32>),
}

impl From<WidgetAction> for super::Command {
    fn from(action: WidgetAction) -> Self {
        Self::Document(DocumentCommand::OfWidget(action))
    }
}

impl From<ColumnChange> for super::Command {
    fn from(change: ColumnChange) -> Self {
        WidgetAction::Columns(change).into()
    }
}

use DocumentCommand as C;

/// The rows, in the order of the menus.
pub(super) fn rows() -> Vec<CommandSpec> {
    let row = |id: &'static str, command: C, title: &'static str, menu: Menu, group: u8| {
        CommandSpec::new(id, command, title, MenuPlace::new(menu, group))
    };
    let mut rows = edit_rows(&row);
    rows.extend(ExportKind::ALL.map(|kind| {
        let place = match kind {
            ExportKind::Package => MenuPlace::new(Menu::File, 1),
            _ => MenuPlace::within(Menu::File, 1, "Export"),
        };
        CommandSpec::new(kind.id(), C::Export(kind), kind.title(), place).tip(kind.tip())
    }));
    rows.extend(view_rows(&row));
    rows.extend(graph_rows(&row));
    rows.extend(table_rows(&row));
    rows
}

type MakeRow<'a> = &'a dyn Fn(&'static str, C, &'static str, Menu, u8) -> CommandSpec;

fn edit_rows(row: MakeRow<'_>) -> Vec<CommandSpec> {
    let f3 = |modifiers| KeyboardShortcut::new(modifiers, Key::F3);
    let edit = |id, command, title, group| row(id, command, title, Menu::Edit, group);
    vec![
        // The system sends a copy of its own for this key; it is here for the menus.
        edit("copy_rows", C::CopyRows, "Copy rows", 0).key(ctrl(Key::C)).scope(Scope::OutsideText),
        edit("copy_cell", C::CopyCell, "Copy cell", 0),
        edit("copy_stack", C::CopyStack, "Copy stack", 0).key(ctrl_shift(Key::C)),
        edit("find", C::Find, "Find in rows\u{2026}", 1).key(ctrl(Key::F)),
        edit("find_next", C::FindNext, "Find next", 1).key(f3(Modifiers::NONE)),
        edit("find_previous", C::FindPrevious, "Find previous", 1).key(f3(Modifiers::SHIFT)),
        edit("edit_query", C::EditQuery, "Filter by query", 2).key(ctrl_shift(Key::F)),
        edit("filter_to", C::FilterTo, "Filter to selection", 2).key(ctrl(Key::Enter)).scope(Scope::OutsideText),
        edit("filter_out", C::FilterOut, "Filter out selection", 2)
            .key(ctrl_shift(Key::Enter))
            .scope(Scope::OutsideText),
        edit("undo", C::Undo, "Undo", 3)
            .tip("Filter, columns and sort order")
            .key(ctrl(Key::Z))
            .scope(Scope::OutsideText),
        edit("redo", C::Redo, "Redo", 3)
            .tip("Filter, columns and sort order")
            .key(ctrl_shift(Key::Z))
            .key(ctrl(Key::Y))
            .scope(Scope::OutsideText),
        edit("filter_clear", C::FilterClear, "Clear filter", 3),
        edit("edit_note", C::EditNote, "Note on the trace\u{2026}", 4)
            .tip("Kept with the trace, and part of a package"),
    ]
}

fn view_rows(row: MakeRow<'_>) -> Vec<CommandSpec> {
    let alt = |key| KeyboardShortcut::new(Modifiers::ALT, key);
    let view = |id, command, title, group| row(id, command, title, Menu::View, group);
    let layout = |id: &'static str, layout, title: &'static str| {
        CommandSpec::new(id, C::Layout(layout), title, MenuPlace::within(Menu::View, 1, "Layout"))
    };
    vec![
        view("back", C::Back, "Back to previous page", 0).widget_key("Escape"),
        view("zoom_to_selection", C::ZoomToSelection, "Zoom to selection", 2).key(ctrl(Key::Period)),
        view("zoom_in", C::ZoomIn, "Zoom in", 2).key(ctrl(Key::Plus)).key(ctrl(Key::Equals)),
        view("zoom_out", C::ZoomOut, "Zoom out", 2).key(ctrl(Key::Minus)),
        view("zoom_back", C::ZoomBack, "Zoom back", 2)
            .key(ctrl_shift(Key::Minus))
            .key(alt(Key::ArrowLeft))
            .scope(Scope::OutsideText),
        view("zoom_forward", C::ZoomForward, "Zoom forward", 2).key(alt(Key::ArrowRight)).scope(Scope::OutsideText),
        view("zoom_all", C::ZoomAll, "Zoom to the whole trace", 2).key(ctrl_shift(Key::Period)),
        layout("layout.both", Layout::Both, "Graph and table").key(ctrl_shift(Key::B)),
        layout("layout.graph", Layout::Graph, "Graph only").key(ctrl_shift(Key::G)),
        layout("layout.table", Layout::Table, "Table only").key(ctrl_shift(Key::T)),
    ]
}

fn graph_rows(row: MakeRow<'_>) -> Vec<CommandSpec> {
    let graph = |id, command, title, group| row(id, command, title, Menu::Graph, group);
    let measure = |id, kind, by_count| {
        let measure = SeriesMetric { kind, by_count };
        graph(id, C::Measure(measure), measure_title(measure), 0)
    };
    let mut rows = vec![
        measure("measure.outstanding_size", MeasureKind::Outstanding, false),
        measure("measure.outstanding_count", MeasureKind::Outstanding, true),
        measure("measure.cumulative_size", MeasureKind::Cumulative, false),
        measure("measure.cumulative_count", MeasureKind::Cumulative, true),
        measure("measure.rate_size", MeasureKind::Rate, false),
        measure("measure.rate_count", MeasureKind::Rate, true),
        graph("include_preexisting", C::IncludePreexisting, "Include allocations from before the trace", 1),
        graph("draw.lines", C::Draw(graph::Kind::Lines), "Lines", 2),
        graph("draw.areas", C::Draw(graph::Kind::Areas), "Stacked areas", 2),
        graph("draw.bars", C::Draw(graph::Kind::Bars), "Stacked bars", 2),
    ];
    rows.extend(CURVE_COUNTS.map(|count| {
        let place = MenuPlace::within(Menu::Graph, 3, "Series");
        CommandSpec::new(format!("curves.{count}"), C::Curves(count), format!("{count} largest series"), place)
    }));
    rows.extend([
        graph("graph_rows", C::GraphRows, "Graph selected rows", 4).key(ctrl(Key::G)),
        graph("show_all_curves", C::ShowAllCurves, "Show all series", 4),
        graph("mark_selection", C::MarkSelection, "Add markers at selection bounds", 5),
        graph("clear_marks", C::ClearMarks, "Remove all markers", 5),
    ]);
    rows
}

fn table_rows(row: MakeRow<'_>) -> Vec<CommandSpec> {
    let table = |id, command, title, group| row(id, command, title, Menu::Table, group);
    vec![
        table("go_to_responsible", C::GoToResponsible, "Go to responsible frame", 0).key(ctrl(Key::J)),
        table("find_callers", C::FindCallers, "Find callers", 0),
        table("expand_below", C::ExpandBelow, "Expand below", 0).widget_key("*"),
        table("collapse_others", C::CollapseOthers, "Collapse others", 0)
            .key(ctrl_shift(Key::ArrowLeft))
            .scope(Scope::OutsideText),
        table("columns", C::Columns, "View editor\u{2026}", 1).key(ctrl(Key::E)),
        table("fit_columns", C::FitColumns, "Fit all columns", 1),
        table("save_preset", C::SavePreset, "Save preset as\u{2026}", 3).key(ctrl_shift(Key::S)),
        table("manage_presets", C::ManagePresets, "Manage presets\u{2026}", 3),
        table("reset_columns", C::ResetColumns, "Reset columns", 3),
    ]
}

impl DocumentCommand {
    /// The row of a preset, which exists as long as the preset does.
    #[must_use]
    pub fn preset_row(name: &str) -> CommandSpec {
        let place = MenuPlace::within(Menu::Table, 2, "Preset");
        CommandSpec::new(format!("preset.{name}"), C::Preset(name.to_owned()), name.to_owned(), place)
    }

    /// Rows that add each column that the table lacks, and remove each that it has; the palette finds them.
    #[must_use]
    pub fn column_rows(columns: &TableLayout) -> Vec<CommandSpec> {
        let place = MenuPlace::new(Menu::Table, 1);
        let keys = pivot::Key::ALL.iter().map(|key| (What::Key(*key), ColumnRole::Key, key.name().to_owned()));
        let metrics = pivot::Metric::named().map(|metric| (What::Figure(metric), ColumnRole::Data, metric.name()));
        let row = |(what, role, name): (What, ColumnRole, String)| {
            let there = columns.columns.iter().find(|column| column.what == what);
            let (id, change, title) = match there {
                Some(column) => ("remove", ColumnChange::Remove(column.id), format!("Remove column {}", what.title())),
                None => ("add", ColumnChange::Add(what, role), format!("Add column {}", what.title())),
            };
            let command = super::Command::from(change);
            CommandSpec::new(format!("column.{id}.{name}"), command, title, place)
                .tip(column_tips::of(what))
                .only_in_palette()
        };
        keys.chain(metrics).map(row).collect()
    }

    /// The title in menus, and the accessible name of buttons.
    #[must_use]
    pub fn title(&self) -> String {
        super::Command::Document(self.clone()).title()
    }

    /// The title of a command that is in no menu.
    pub(super) fn title_outside_menus(&self) -> &'static str {
        match self {
            C::Symbols(command) => command.title(),
            C::CancelExport => "Cancel export",
            _ => "",
        }
    }
}
