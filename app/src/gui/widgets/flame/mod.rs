//! The flame graph: frames as bars as wide as their weight, each on its parent. Only visible frames are drawn; a zoomed frame has the
//! whole width. The owner of the frames carries out the [`Action`]s.

mod frames;
mod input;
mod layout;
mod paint;

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Color32, EventFilter, Rect, Response, Sense, Ui, UiBuilder, WidgetInfo};

use crate::gui::theme;
use crate::gui::widgets::{menu_by_keys, scrollbar};
use frames::FlameView;
use layout::FlameLayout;

/// Height of a level, in points.
const LEVEL: f32 = 20.0;

/// The root of every model.
pub const ROOT: u32 = 0;

/// A tree of frames, each with a weight. Node 0 is the root. Every call must be quick: the graph asks while it draws.
pub trait FlameModel {
    /// Number of the model; nodes are valid within one number.
    fn number(&self) -> u64;
    /// The children of a frame, the heaviest first.
    fn children(&self, node: u32) -> Range<u32>;
    /// The parent of a frame; the root for the root.
    fn parent(&self, node: u32) -> u32;
    /// The weight of a frame with all its children, listed or not.
    fn weight(&self, node: u32) -> u64;
    /// The part of the weight that is in no child, listed or not.
    fn own(&self, node: u32) -> u64;
    /// The number of children that are not listed.
    fn left_out(&self, node: u32) -> u32;
    /// The name; `module!function` is shortened to the function where there is no room.
    fn text(&self, node: u32) -> &str;
    /// The color of the bar; text has to be readable on it.
    fn fill(&self, node: u32) -> Color32;
    /// The accessible name of a frame.
    fn label(&self, node: u32) -> String;
    /// The accessible name of `count` children of a frame that are too narrow to be drawn.
    fn rest_label(&self, count: u64, weight: u64) -> String;
}

/// An action of the user; the owner of the frames carries it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Give this frame the whole width.
    Zoom(u32),
    /// Undo the last zoom.
    ZoomOut,
    /// Undo the last zoom; without one, leave the graph.
    Leave,
}

/// The inputs of a layout.
#[derive(Debug, Clone, PartialEq)]
struct LayoutKey {
    number: u64,
    zoom: u32,
    width: f32,
    needle: String,
}

/// View state of the flame graph: zoom, selection, scroll position, and the cached layout. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct FlameState {
    zoom: u32,
    cursor: Option<u32>,
    /// Distance that the level of the root is scrolled out, in points.
    scroll: f32,
    wants_focus: bool,
    wants_reveal: bool,
    /// The zoomed frame is to be scrolled to.
    wants_zoomed: bool,
    /// The next match, or the one before, is to be selected.
    wants_match: Option<bool>,
    keyed: Option<menu_by_keys::KeyedMenu>,
    layout: Option<(LayoutKey, Arc<FlameLayout>)>,
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

    /// Sets zoom and selection after the model changed, without scrolling.
    pub fn restore(&mut self, zoom: u32, cursor: Option<u32>) {
        self.zoom = zoom;
        self.cursor = cursor;
    }

    /// Takes the keyboard in the next frame.
    pub fn request_focus(&mut self) {
        self.wants_focus = true;
    }

    /// Selects the next or the previous frame whose name contains the searched text.
    pub fn step_match(&mut self, forward: bool) {
        self.wants_match = Some(forward);
    }
}

/// Draws the tooltip of a frame.
pub type Tip<'a> = &'a dyn Fn(&mut Ui, u32);
/// Draws the entries of the menu of the selected frame.
pub type Menu<'a> = &'a mut dyn FnMut(&mut Ui);

/// The graph, ready to be shown.
pub struct FlameGraph<'a> {
    name: &'a str,
    model: &'a dyn FlameModel,
    state: &'a mut FlameState,
    root_at_top: bool,
    needle: &'a str,
    dimmed: bool,
    tip: Option<Tip<'a>>,
    menu: Option<Menu<'a>>,
}

impl<'a> FlameGraph<'a> {
    /// A graph called `name` (its accessible name) of `model`, the root at the bottom.
    pub fn new(name: &'a str, model: &'a dyn FlameModel, state: &'a mut FlameState) -> Self {
        Self { name, model, state, root_at_top: false, needle: "", dimmed: false, tip: None, menu: None }
    }

    /// Returns `true` if the root is at the top.
    #[must_use]
    pub fn root_at_top(mut self, top: bool) -> Self {
        self.root_at_top = top;
        self
    }

    /// Marks the frames whose names contain a text; upper and lower case are equal.
    #[must_use]
    pub fn marking(mut self, needle: &'a str) -> Self {
        self.needle = needle;
        self
    }

    /// Draws everything dimmed, because it is outdated.
    #[must_use]
    pub fn dimmed(mut self, dimmed: bool) -> Self {
        self.dimmed = dimmed;
        self
    }

    /// Sets the tooltip of the frame under the pointer.
    #[must_use]
    pub fn tip(mut self, tip: Tip<'a>) -> Self {
        self.tip = Some(tip);
        self
    }

    /// Draws the entries of a frame's menu (right click, Menu key, Shift+F10). The frame is selected by then.
    #[must_use]
    pub fn menu(mut self, entries: Menu<'a>) -> Self {
        self.menu = Some(entries);
        self
    }

    /// Fills the rest of `ui` with the graph; returns what the user asked for.
    pub fn show(self, ui: &mut Ui) -> Vec<Action> {
        let (_, outer) = ui.allocate_space(ui.available_size());
        let builder = UiBuilder::new().id_salt(self.name).max_rect(outer);
        ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(outer.intersect(ui.clip_rect()));
            self.show_in(ui, outer)
        })
        .inner
    }

    fn show_in(self, ui: &mut Ui, outer: Rect) -> Vec<Action> {
        let Self { name, model, state, root_at_top, needle, dimmed, tip, menu } = self;
        let body = Rect::from_min_max(outer.min, outer.max - eframe::egui::vec2(theme::SCROLLBAR, 0.0));
        let id = ui.make_persistent_id(name);
        let area = ui.interact(body, id, Sense::CLICK | Sense::DRAG | Sense::FOCUSABLE);
        area.widget_info(|| WidgetInfo::labeled(Role::Tree, true, name));
        let layout = laid_out(model, state, body.width(), needle);
        let mut actions = Vec::new();
        take_keys(ui, &area, state, &layout, root_at_top, &mut actions);
        if let Some(forward) = state.wants_match.take()
            && let Some(node) = layout.next_match(state.cursor, forward)
        {
            state.select(node);
        }
        scroll(ui, &area, &layout, state, root_at_top);
        let stage = FlameView { model, layout: &layout, body, scroll: state.scroll, root_at_top };
        input::pointer(ui, &area, &stage, state, &mut actions);
        paint::show(
            ui,
            &stage,
            state,
            &paint::PaintOptions { dimmed, searching: !needle.is_empty(), focused: area.has_focus() },
        );
        frames::name_all(ui, &area, &stage, state, &mut actions);
        show_scrollbar(ui, outer, &stage, state, id);
        if let Some(entries) = menu {
            show_menu(ui, &area, &stage, state, entries);
        }
        if let Some(tip) = tip.filter(|_| ui.rect_contains_pointer(body)) {
            frames::show_tip(ui, &area, &stage, tip);
        }
        actions
    }
}

/// The cached layout, or a new one if an input has changed.
fn laid_out(model: &dyn FlameModel, state: &mut FlameState, width: f32, needle: &str) -> Arc<FlameLayout> {
    let key = LayoutKey { number: model.number(), zoom: state.zoom, width, needle: needle.to_lowercase() };
    if let Some((_, layout)) = state.layout.as_ref().filter(|(known, _)| *known == key) {
        return Arc::clone(layout);
    }
    let layout = Arc::new(FlameLayout::new(model, state.zoom, width, &key.needle));
    state.layout = Some((key, Arc::clone(&layout)));
    layout
}

fn take_keys(
    ui: &Ui,
    area: &Response,
    state: &mut FlameState,
    layout: &FlameLayout,
    root_at_top: bool,
    actions: &mut Vec<Action>,
) {
    if std::mem::take(&mut state.wants_focus) || area.clicked() {
        area.request_focus();
        // Only in the next frame the arrow keys can be kept from moving the focus.
        ui.ctx().request_repaint();
    }
    if !area.has_focus() {
        return;
    }
    let own = state.keyed.is_none();
    let filter = EventFilter { horizontal_arrows: own, vertical_arrows: own, escape: own, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(area.id, filter));
    if own {
        input::keys(ui, state, layout, root_at_top, area.rect.height(), actions);
    }
}

/// Scrolls to the frame that has to be shown, and by wheel and drag.
fn scroll(ui: &Ui, area: &Response, layout: &FlameLayout, state: &mut FlameState, root_at_top: bool) {
    let most = (layout.levels.len() as f32 * LEVEL - area.rect.height()).max(0.0);
    if std::mem::take(&mut state.wants_zoomed) {
        // Two of the frames around it stay in sight.
        state.scroll = (layout.zoomed.saturating_sub(2)) as f32 * LEVEL;
    }
    if std::mem::take(&mut state.wants_reveal)
        && let Some(placed) = state.cursor.and_then(|node| layout.of(node))
    {
        let near = placed.level as f32 * LEVEL;
        state.scroll = state.scroll.clamp((near + LEVEL - area.rect.height()).max(0.0), near);
    }
    let mut moved = if area.dragged() { area.drag_delta().y } else { 0.0 };
    if area.contains_pointer() {
        moved += ui.input_mut(|input| std::mem::take(&mut input.smooth_scroll_delta)).y;
    }
    state.scroll = (state.scroll + if root_at_top { -moved } else { moved }).clamp(0.0, most);
}

fn show_scrollbar(ui: &Ui, outer: Rect, stage: &FlameView<'_>, state: &mut FlameState, id: eframe::egui::Id) {
    let whole = stage.layout.levels.len() as f32 * LEVEL;
    let most = whole - stage.body.height();
    if most <= 0.0 {
        return;
    }
    let track = Rect::from_min_max(stage.body.right_top(), outer.max);
    let bar = ui.interact(track, id.with("scrollbar"), Sense::CLICK | Sense::DRAG);
    let along = |scroll: f32| if stage.root_at_top { scroll } else { most - scroll };
    let share = f64::from(along(state.scroll) / most);
    let palette = theme::Palette::of(ui);
    let length = stage.body.height() / whole;
    if let Some(share) = scrollbar::show(ui, palette, &bar, share, length, eframe::egui::Vec2::Y) {
        state.scroll = along(share as f32 * most);
    }
}

/// The menu of the selected frame: at the pointer, or by keys below the frame.
fn show_menu(ui: &Ui, area: &Response, stage: &FlameView<'_>, state: &mut FlameState, entries: Menu<'_>) {
    let by_keys = state.cursor.is_some() && menu_by_keys::is_asked_by_keys(ui, area);
    let place = state.cursor.and_then(|node| stage.layout.of(node)).map(|placed| stage.rect(placed));
    let at = place.map_or(stage.body.center(), |place| place.intersect(stage.body).left_bottom());
    menu_by_keys::show(ui, area, &mut state.keyed, (by_keys, at), entries);
}
