//! What the flame graph shows: the contract between it and whoever owns the frames. Holds no state and draws nothing.

use std::ops::Range;

use eframe::egui::Color32;

/// The root of every model.
pub const ROOT: u32 = 0;

/// A tree of frames, each with a weight. Node 0 is the root. Every call must be quick: the graph asks while it draws.
pub trait FlameModel {
    /// Another number means other frames: nodes of one are not those of the other.
    fn number(&self) -> u64;
    /// The frames in a frame, the heaviest first.
    fn children(&self, node: u32) -> Range<u32>;
    /// The frame around a frame; the root's is the root.
    fn parent(&self, node: u32) -> u32;
    /// What a frame weighs: its own weight, that of its children, and of those that are not listed.
    fn weight(&self, node: u32) -> u64;
    /// The part of the weight that is in no child, listed or not.
    fn own(&self, node: u32) -> u64;
    /// How many children are not listed.
    fn left_out(&self, node: u32) -> u32;
    /// The frame's name; `module!function` may lose its module where there is no room.
    fn text(&self, node: u32) -> &str;
    /// The frame's colour: light or dark enough for ordinary text on it.
    fn fill(&self, node: u32) -> Color32;
    /// The accessible name of a frame.
    fn label(&self, node: u32) -> String;
    /// The words about so many frames of one frame that are too narrow to be drawn.
    fn rest_label(&self, count: u64, weight: u64) -> String;
}

/// What the user asks for; the owner carries it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Give this frame the whole width.
    Zoom(u32),
    /// The width as it was before.
    ZoomOut,
    /// Out of the zoom, and where there is none, out of the graph.
    Leave,
}
