//! What the flame graph remembers between frames: what is zoomed to, selected, scrolled to, and where everything stands. Never
//! draws, never knows a frame's name.

use super::layout::Layout;
use super::model::ROOT;
use crate::gui::widgets::menu_by_keys::Keyed;

/// What a layout follows from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Basis {
    pub(super) number: u64,
    pub(super) zoom: u32,
    pub(super) width: f32,
    pub(super) needle: String,
}

/// What the flame graph remembers between frames.
#[derive(Debug, Default)]
pub struct FlameState {
    pub(super) zoom: u32,
    pub(super) cursor: Option<u32>,
    /// How far the root's level is scrolled out, in points.
    pub(super) scroll: f32,
    pub(super) wants_focus: bool,
    pub(super) wants_reveal: bool,
    /// The zoomed frame is to be scrolled to.
    pub(super) wants_zoomed: bool,
    /// The next match, or the one before, is to be selected.
    pub(super) wants_match: Option<bool>,
    pub(super) keyed: Option<Keyed>,
    pub(super) layout: Option<(Basis, Layout)>,
}

impl FlameState {
    /// The frame that has the whole width.
    #[must_use]
    pub fn zoom(&self) -> u32 {
        self.zoom
    }

    /// The selected frame.
    #[must_use]
    pub fn cursor(&self) -> Option<u32> {
        self.cursor
    }

    /// Gives a frame the whole width.
    pub fn set_zoom(&mut self, node: u32) {
        self.zoom = node;
        self.wants_zoomed = true;
        if self.cursor.is_none() && node != ROOT {
            self.cursor = Some(node);
        }
    }

    /// Selects a frame and scrolls to it.
    pub fn select(&mut self, node: u32) {
        self.cursor = Some(node);
        self.wants_reveal = true;
    }

    /// Puts zoom and selection on the frames of other numbers; scrolls nowhere.
    pub fn restore(&mut self, zoom: u32, cursor: Option<u32>) {
        self.zoom = zoom;
        self.cursor = cursor;
    }

    /// Takes the keyboard in the next frame.
    pub fn request_focus(&mut self) {
        self.wants_focus = true;
    }

    /// Selects the next frame whose name has what is looked for, or the one before.
    pub fn step_match(&mut self, forward: bool) {
        self.wants_match = Some(forward);
    }
}
