//! What the user can do with an open trace. Says what; how is the document's.

use eframe::egui::{Key, KeyboardShortcut, Modifiers};
use poolscope_analysis::series::SeriesKind as MeasureKind;
use poolscope_analysis::series::SeriesMetric;

use super::{CTRL_SHIFT, FlameCommand, Menu, SuspectsCommand, SymbolsCommand};
use crate::gui::state::document::{CURVE_COUNTS, Layout, Page, measure_title};
use crate::gui::widgets::graph;

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
    /// Take the last change of the filter back.
    FilterUndo,
    /// Change the filter again as before.
    FilterRedo,
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
    /// What the middle shows.
    Page(Page),
    /// What the curves show.
    Measure(SeriesMetric),
    /// How the curves are drawn.
    Draw(graph::Kind),
    /// So many curves before the rest is folded together.
    Curves(usize),
    /// Count blocks from before the trace as outstanding, or no longer.
    CountEarlier,
    /// Give the selected rows curves of their own, or take these away.
    GraphRows,
    /// Draw all curves again.
    ShowAllCurves,
    /// Put marks at both ends of the selected range.
    MarkSelection,
    /// Take all marks away.
    ClearMarks,
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
    /// Something with its symbols.
    Symbols(SymbolsCommand),
    /// Something with what leaks in it.
    Suspects(SuspectsCommand),
    /// Something with the flame graph.
    Flame(FlameCommand),
}

use DocumentCommand as C;

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL_SHIFT, key)
}

const KEYS: [(DocumentCommand, KeyboardShortcut); 30] = [
    (C::CopyStack, ctrl_shift(Key::C)),
    (C::ZoomBack, ctrl_shift(Key::Minus)),
    (C::ZoomAll, ctrl_shift(Key::Period)),
    (C::EditQuery, ctrl_shift(Key::F)),
    (C::FilterOut, ctrl_shift(Key::Enter)),
    (C::FilterRedo, ctrl_shift(Key::Z)),
    (C::Layout(Layout::Table), ctrl_shift(Key::T)),
    (C::Layout(Layout::Graph), ctrl_shift(Key::G)),
    (C::Layout(Layout::Both), ctrl_shift(Key::B)),
    (C::CollapseOthers, ctrl_shift(Key::ArrowLeft)),
    (C::SavePreset, ctrl_shift(Key::S)),
    (C::Page(Page::Modules), ctrl_shift(Key::M)),
    // As in leaks; WPA has no such key.
    (C::Page(Page::Suspects), ctrl_shift(Key::L)),
    // As in icicle; WPA has no such key.
    (C::Page(Page::Flame), ctrl_shift(Key::I)),
    (C::FindPrevious, KeyboardShortcut::new(Modifiers::SHIFT, Key::F3)),
    (C::ZoomBack, KeyboardShortcut::new(Modifiers::ALT, Key::ArrowLeft)),
    (C::ZoomForward, KeyboardShortcut::new(Modifiers::ALT, Key::ArrowRight)),
    (C::FindNext, KeyboardShortcut::new(Modifiers::NONE, Key::F3)),
    // The system sends a copy of its own for this key; here it stands for the menus.
    (C::CopyRows, ctrl(Key::C)),
    (C::ZoomToSelection, ctrl(Key::Period)),
    (C::ZoomIn, ctrl(Key::Plus)),
    (C::ZoomIn, ctrl(Key::Equals)),
    (C::ZoomOut, ctrl(Key::Minus)),
    (C::Find, ctrl(Key::F)),
    (C::FilterTo, ctrl(Key::Enter)),
    (C::FilterUndo, ctrl(Key::Z)),
    (C::FilterRedo, ctrl(Key::Y)),
    (C::Columns, ctrl(Key::E)),
    (C::GraphRows, ctrl(Key::G)),
    (C::Symbols(SymbolsCommand::Load), ctrl(Key::L)),
];

impl DocumentCommand {
    /// Every one that needs nothing more than to be chosen, in the order of the menus.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![C::CopyRows, C::CopyCell, C::CopyStack, C::Find, C::FindNext, C::FindPrevious];
        all.extend([C::EditQuery, C::FilterTo, C::FilterOut, C::FilterUndo, C::FilterRedo, C::FilterClear]);
        all.push(C::FindCallers);
        all.extend([C::ZoomToSelection, C::ZoomIn, C::ZoomOut, C::ZoomBack, C::ZoomForward, C::ZoomAll]);
        all.extend([Layout::Both, Layout::Graph, Layout::Table].map(C::Layout));
        all.extend([Page::Analysis, Page::Suspects, Page::Flame, Page::Trace, Page::Modules].map(C::Page));
        for kind in [MeasureKind::Outstanding, MeasureKind::Cumulative, MeasureKind::Rate] {
            all.extend([false, true].map(|by_count| C::Measure(SeriesMetric { kind, by_count })));
        }
        all.push(C::CountEarlier);
        all.extend([graph::Kind::Lines, graph::Kind::Areas, graph::Kind::Bars].map(C::Draw));
        all.extend(CURVE_COUNTS.map(C::Curves));
        all.extend([C::GraphRows, C::ShowAllCurves, C::MarkSelection, C::ClearMarks]);
        all.extend([C::ExpandBelow, C::CollapseOthers, C::Columns, C::FitColumns]);
        all.extend([C::SavePreset, C::ManagePresets, C::ResetColumns]);
        all.extend(SymbolsCommand::ALL.map(C::Symbols));
        all.extend(SuspectsCommand::ALL.map(C::Suspects));
        all.extend(FlameCommand::ALL.map(C::Flame));
        all
    }

    /// The name in menus, and the accessible name.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            C::CopyRows => "Copy rows",
            C::CopyCell => "Copy cell",
            C::CopyStack => "Copy stack",
            C::Find => "Find in rows\u{2026}",
            C::FindNext => "Find next",
            C::FindPrevious => "Find previous",
            C::EditQuery => "Filter by query",
            C::FilterTo => "Filter to selection",
            C::FilterOut => "Filter out selection",
            C::FilterUndo => "Undo filter",
            C::FilterRedo => "Redo filter",
            C::FilterClear => "Clear filter",
            C::FindCallers => "Find callers",
            C::ZoomToSelection => "Zoom to selection",
            C::ZoomIn => "Zoom in",
            C::ZoomOut => "Zoom out",
            C::ZoomBack => "Zoom back",
            C::ZoomForward => "Zoom forward",
            C::ZoomAll => "Zoom to the whole trace",
            C::Layout(Layout::Both) => "Graph and table",
            C::Layout(Layout::Graph) => "Graph only",
            C::Layout(Layout::Table) => "Table only",
            C::Page(Page::Analysis) => "Analysis",
            C::Page(Page::Trace) => "Trace and data quality",
            C::Page(Page::Modules) => "Modules",
            C::Page(Page::Suspects) => "Suspects",
            C::Page(Page::Flame) => "Flame graph",
            C::Measure(measure) => measure_title(*measure),
            C::Draw(graph::Kind::Lines) => "Lines",
            C::Draw(graph::Kind::Areas) => "Stacked areas",
            C::Draw(graph::Kind::Bars) => "Stacked bars",
            C::Curves(count) => return format!("{count} largest curves"),
            C::CountEarlier => "Count blocks from before the trace",
            C::GraphRows => "Graph these rows",
            C::ShowAllCurves => "Show all curves",
            C::MarkSelection => "Mark both ends of the selection",
            C::ClearMarks => "Clear marks",
            C::ExpandBelow => "Expand below",
            C::CollapseOthers => "Collapse others",
            C::Columns => "Columns\u{2026}",
            C::FitColumns => "Fit all columns",
            C::SavePreset => "Save preset as\u{2026}",
            C::ManagePresets => "Manage presets\u{2026}",
            C::ResetColumns => "Reset columns",
            C::Preset(name) => return name.clone(),
            C::Symbols(command) => command.title(),
            C::Suspects(command) => command.title(),
            C::Flame(command) => command.title(),
        }
        .to_owned()
    }

    /// The menu that holds it.
    #[must_use]
    pub fn menu(&self) -> Menu {
        match self {
            C::CopyRows | C::CopyCell | C::CopyStack | C::Find | C::FindNext | C::FindPrevious | C::EditQuery => {
                Menu::Edit
            }
            C::FilterTo | C::FilterOut | C::FilterUndo | C::FilterRedo | C::FilterClear => Menu::Edit,
            C::Measure(_) | C::Draw(_) | C::Curves(_) | C::CountEarlier => Menu::Graph,
            C::GraphRows | C::ShowAllCurves | C::MarkSelection | C::ClearMarks => Menu::Graph,
            C::ExpandBelow | C::CollapseOthers | C::FindCallers | C::Columns | C::FitColumns => Menu::Table,
            C::SavePreset | C::ManagePresets | C::ResetColumns | C::Preset(_) => Menu::Table,
            C::Symbols(_) | C::Page(Page::Modules) => Menu::Symbols,
            _ => Menu::View,
        }
    }

    /// Whether a text field keeps this command's key for itself while it is written in.
    #[must_use]
    pub fn yields_to_text(&self) -> bool {
        matches!(
            self,
            C::FilterUndo
                | C::FilterRedo
                | C::CollapseOthers
                | C::FilterTo
                | C::FilterOut
                | C::CopyRows
                | C::ZoomBack
                | C::ZoomForward
        )
    }

    /// Commands with a key, the more specific keys first.
    #[must_use]
    pub fn keys() -> &'static [(Self, KeyboardShortcut)] {
        &KEYS
    }
}
