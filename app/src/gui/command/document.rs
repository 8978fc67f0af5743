//! What the user can do with an open trace. Says what; how is the document's.

use eframe::egui::{Key, KeyboardShortcut, Modifiers};
use poolscope_core::series::{Kind as MeasureKind, Measure};

use super::{CTRL_SHIFT, Menu};
use crate::gui::state::document::measure_title;
use crate::gui::widgets::graph;

/// Something the user wants of an open trace.
#[derive(Debug, Clone, PartialEq)]
pub enum DocumentCommand {
    /// Show the selected range.
    ZoomToSelection,
    /// Show half of the range.
    ZoomIn,
    /// Show twice the range.
    ZoomOut,
    /// Show the range before.
    ZoomBack,
    /// Show the whole trace.
    ZoomAll,
    /// What the curves show.
    Measure(Measure),
    /// How the curves are drawn.
    Draw(graph::Kind),
    /// Count blocks from before the trace as outstanding, or no longer.
    CountEarlier,
    /// Copy the stack of the selected row.
    CopyStack,
}

const KEYS: [(DocumentCommand, KeyboardShortcut); 7] = [
    (DocumentCommand::CopyStack, KeyboardShortcut::new(CTRL_SHIFT, Key::C)),
    (DocumentCommand::ZoomBack, KeyboardShortcut::new(CTRL_SHIFT, Key::Minus)),
    (DocumentCommand::ZoomAll, KeyboardShortcut::new(CTRL_SHIFT, Key::Period)),
    (DocumentCommand::ZoomToSelection, KeyboardShortcut::new(Modifiers::COMMAND, Key::Period)),
    (DocumentCommand::ZoomIn, KeyboardShortcut::new(Modifiers::COMMAND, Key::Plus)),
    (DocumentCommand::ZoomIn, KeyboardShortcut::new(Modifiers::COMMAND, Key::Equals)),
    (DocumentCommand::ZoomOut, KeyboardShortcut::new(Modifiers::COMMAND, Key::Minus)),
];

impl DocumentCommand {
    /// Every one that needs nothing more than to be chosen, in the order of the menus.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all =
            vec![Self::CopyStack, Self::ZoomToSelection, Self::ZoomIn, Self::ZoomOut, Self::ZoomBack, Self::ZoomAll];
        for kind in [MeasureKind::Outstanding, MeasureKind::Cumulative, MeasureKind::Rate] {
            all.extend([false, true].map(|by_count| Self::Measure(Measure { kind, by_count })));
        }
        all.extend([graph::Kind::Lines, graph::Kind::Areas, graph::Kind::Bars].map(Self::Draw));
        all.push(Self::CountEarlier);
        all
    }

    /// The name in menus, and the accessible name.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::ZoomToSelection => "Zoom to selection",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomBack => "Zoom back",
            Self::ZoomAll => "Zoom to the whole trace",
            Self::Measure(measure) => measure_title(*measure),
            Self::Draw(graph::Kind::Lines) => "Lines",
            Self::Draw(graph::Kind::Areas) => "Stacked areas",
            Self::Draw(graph::Kind::Bars) => "Stacked bars",
            Self::CountEarlier => "Count blocks from before the trace",
            Self::CopyStack => "Copy stack",
        }
        .to_owned()
    }

    /// The menu that holds it.
    #[must_use]
    pub fn menu(&self) -> Menu {
        match self {
            Self::CopyStack => Menu::Edit,
            Self::Measure(_) | Self::Draw(_) | Self::CountEarlier => Menu::Graph,
            _ => Menu::View,
        }
    }

    /// Commands with a key, the more specific keys first.
    #[must_use]
    pub fn keys() -> &'static [(Self, KeyboardShortcut)] {
        &KEYS
    }
}
