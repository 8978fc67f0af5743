//! The bar with one tab for each trace, and the pages below it; two can be put side by side by dragging. Titles and content
//! come from [`Pages`].

use std::collections::BTreeMap;

use eframe::egui::{
    Color32, Id, Rect, Response, Role, Sense, Stroke, Style, Ui, Visuals, WidgetInfo, WidgetText, pos2, vec2,
};
use egui_tiles::{Behavior, EditAction, ResizeState, SimplificationOptions, TabState, TileId, Tiles, Tree, UiResponse};

use crate::gui::commands::Command;
use crate::gui::jobs::TabId;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::close_button;

/// Height of the bar, in points.
const BAR: f32 = 28.0;
/// Width of a tab at most, and at least before tabs are scrolled, in points.
const WIDTH: std::ops::RangeInclusive<f32> = 48.0..=200.0;
/// Side of the button that closes a tab, in points.
const CROSS: f32 = 16.0;

/// Mark beside the name of a tab.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// Loading, with the loaded share from 0 to 1.
    Loading(f32),
    /// It could not be opened.
    Failed,
    /// Its file has changed.
    Changed,
    /// A recording is under way.
    Recording,
}

/// Who draws the pages.
pub trait Pages {
    /// The name on the tab.
    fn title(&self, tab: TabId) -> String;
    /// Text at the pointer over the tab.
    fn tip(&self, tab: TabId) -> String;
    /// Mark beside the name.
    fn mark(&self, tab: TabId) -> Option<Mark>;
    /// Draws the page.
    fn page(&mut self, ui: &mut Ui, tab: TabId, commands: &mut Vec<Command>);
}

/// Draws tabs and pages; returns the tab that the user turned to.
pub fn show(
    ui: &mut Ui,
    tree: &mut Tree<TabId>,
    active: Option<TabId>,
    pages: &mut dyn Pages,
    commands: &mut Vec<Command>,
) -> Option<TabId> {
    let widths = widths(tree);
    let mut bar = Bar { pages, commands, active, widths, touched: None };
    tree.ui(&mut bar, ui);
    bar.touched
}

struct Bar<'a> {
    pages: &'a mut dyn Pages,
    commands: &'a mut Vec<Command>,
    active: Option<TabId>,
    widths: BTreeMap<TabId, f32>,
    touched: Option<TabId>,
}

/// Tabs share their bar, as it was in the frame before.
fn widths(tree: &Tree<TabId>) -> BTreeMap<TabId, f32> {
    let mut widths = BTreeMap::new();
    for tile in tree.active_tiles() {
        let Some(container) = tree.tiles.get_container(tile) else { continue };
        let room = tree.tiles.rect(tile).map_or(f32::INFINITY, |rect| rect.width());
        let width = (room / container.num_children().max(1) as f32).floor().clamp(*WIDTH.start(), *WIDTH.end());
        let tabs = container.children().filter_map(|child| tree.tiles.get_pane(child));
        widths.extend(tabs.map(|tab| (*tab, width)));
    }
    widths
}

impl Bar<'_> {
    fn paint(&self, ui: &Ui, rect: Rect, tab: TabId, state: &TabState, hovered: bool) {
        let palette = Palette::of(ui);
        let fill = if state.active {
            palette.canvas
        } else if hovered {
            palette.hovered
        } else {
            palette.panel
        };
        let painter = ui.painter();
        painter.rect_filled(rect, 0.0, fill);
        painter.vline(rect.right() - 0.5, rect.y_range(), Stroke::new(1.0, palette.line));
        if self.active == Some(tab) {
            painter.hline(rect.x_range(), rect.top() + 1.0, Stroke::new(2.0, palette.accent));
        }
        if let Some(Mark::Loading(share)) = self.pages.mark(tab) {
            let done = Rect::from_min_max(
                pos2(rect.left(), rect.bottom() - 2.0),
                pos2(rect.left() + rect.width() * share, rect.bottom()),
            );
            painter.rect_filled(done, 0.0, palette.accent);
        }
        let dot = match self.pages.mark(tab) {
            Some(Mark::Failed | Mark::Recording) => Some(palette.bad),
            Some(Mark::Changed) => Some(palette.warn),
            _ => None,
        };
        let mut left = rect.left() + 2.0 * GRID;
        if let Some(color) = dot {
            painter.circle_filled(pos2(left + 3.0, rect.center().y), 3.0, color);
            left += 3.0 * GRID;
        }
        let color = if state.active { palette.text } else { palette.dim };
        let width = rect.right() - CROSS - 2.0 * GRID - left;
        let title = self.pages.title(tab);
        theme::clipped_text(painter, pos2(left, rect.center().y), width, &title, theme::text_font(), color);
    }

    fn cross(&mut self, ui: &Ui, id: Id, rect: Rect, tab: TabId) -> bool {
        let place =
            Rect::from_center_size(pos2(rect.right() - CROSS / 2.0 - GRID, rect.center().y), vec2(CROSS, CROSS));
        let name = format!("Close {}", self.pages.title(tab));
        close_button::show_at(ui, place, id.with("close"), &name).clicked()
    }
}

impl Behavior<TabId> for Bar<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut TabId) -> UiResponse {
        let tab = *pane;
        let (before, area) = (self.commands.len(), ui.max_rect());
        ui.push_id(tab, |ui| self.pages.page(ui, tab, self.commands));
        let pressed = ui.input(|input| {
            input.pointer.any_pressed() && input.pointer.interact_pos().is_some_and(|at| area.contains(at))
        });
        let added = self.commands.split_off(before);
        // A wheel over the graph moves it in time; the tab that has the keys keeps them.
        let is_used = added.iter().any(|command| !command.is_widget_action());
        self.commands.extend(added.into_iter().map(|command| command.in_tab(tab)));
        if is_used || (pressed && ui.rect_contains_pointer(area)) {
            self.touched = Some(tab);
        }
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &TabId) -> WidgetText {
        self.pages.title(*pane).into()
    }

    fn tab_ui(&mut self, tiles: &mut Tiles<TabId>, ui: &mut Ui, id: Id, tile_id: TileId, state: &TabState) -> Response {
        let Some(tab) = tiles.get_pane(&tile_id).copied() else {
            // Containers are never inside a bar: the tree is kept flat.
            return ui.allocate_response(vec2(0.0, BAR), Sense::hover());
        };
        let width = self.widths.get(&tab).copied().unwrap_or(*WIDTH.end());
        let (_, rect) = ui.allocate_space(vec2(width, ui.available_height()));
        let response = ui.interact(rect, id, Sense::click_and_drag());
        let title = self.pages.title(tab);
        response.widget_info(|| WidgetInfo::labeled(Role::Tab, true, &title));
        ui.ctx().accesskit_node_builder(id, |node| node.set_selected(state.active));
        if !state.is_being_dragged {
            self.paint(ui, rect, tab, state, response.hovered());
            if response.has_focus() {
                let stroke = Stroke::new(1.0, Palette::of(ui).accent);
                ui.painter().rect_stroke(rect.shrink(1.0), 0.0, stroke, eframe::egui::StrokeKind::Inside);
            }
            if self.cross(ui, id, rect, tab) || response.middle_clicked() {
                self.commands.push(Command::CloseTab(tab));
            }
        }
        if response.clicked() || response.drag_stopped() {
            self.touched = Some(tab);
        }
        response.on_hover_text(self.pages.tip(tab))
    }

    fn drag_ui(&mut self, tiles: &Tiles<TabId>, ui: &mut Ui, tile_id: TileId) {
        if let Some(tab) = tiles.get_pane(&tile_id) {
            eframe::egui::Frame::popup(ui.style()).show(ui, |ui| ui.label(self.pages.title(*tab)));
        }
    }

    fn tab_bar_height(&self, _style: &Style) -> f32 {
        BAR
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        Palette::for_dark(visuals.dark_mode).panel
    }

    fn tab_bar_hline_stroke(&self, visuals: &Visuals) -> Stroke {
        Stroke::new(1.0, Palette::for_dark(visuals.dark_mode).line)
    }

    fn resize_stroke(&self, style: &Style, state: ResizeState) -> Stroke {
        let palette = Palette::for_dark(style.visuals.dark_mode);
        match state {
            ResizeState::Idle => Stroke::new(1.0, palette.line),
            ResizeState::Hovering | ResizeState::Dragging => Stroke::new(2.0, palette.accent),
        }
    }

    fn drag_preview_color(&self, visuals: &Visuals) -> Color32 {
        Palette::for_dark(visuals.dark_mode).accent.gamma_multiply(0.2)
    }

    fn min_size(&self) -> f32 {
        240.0
    }

    /// The window has its own keys for it, wherever the pointer is.
    fn cycle_tabs_with_keyboard(&self) -> bool {
        false
    }

    fn on_edit(&mut self, _action: EditAction) {}
}
