//! The gold and the blue bar, and the line at the end of the frozen columns. They only show where columns stand.

use eframe::egui::accesskit::Role;
use eframe::egui::emath::Rangef;
use eframe::egui::{Color32, Rect, Sense, Stroke, Ui, WidgetInfo};

use super::frame::Frame;

const GOLD: &str = "Gold bar: columns left of it group the rows";
const BLUE: &str = "Blue bar: columns right of it are drawn in the graph";

/// Draws the bars over header and body, and names them.
pub(super) fn show(ui: &Ui, frame: &Frame<'_>) {
    one_bar(ui, frame, frame.places.gold, frame.palette.gold, GOLD);
    one_bar(ui, frame, frame.places.blue, frame.palette.blue, BLUE);
    if frame.places.frozen > 0.0 {
        let x = frame.pane(true).max;
        let y = frame.header.top()..=frame.body.bottom();
        ui.painter().vline(x, y, Stroke::new(2.0, frame.palette.faint));
    }
}

fn one_bar(ui: &Ui, frame: &Frame<'_>, range: Rangef, colour: Color32, name: &str) {
    let visible = frame.visible(range);
    if visible.span() <= 0.0 {
        return;
    }
    let all = frame.header.union(frame.body);
    let place = Rect::from_x_y_ranges(visible, all.y_range());
    let painter = ui.painter().with_clip_rect(place.intersect(ui.clip_rect()));
    painter.rect_filled(Rect::from_x_y_ranges(frame.shift(range).shrink(1.0), all.y_range()), 0.0, colour);
    let response = ui.interact(place, frame.id.with(name), Sense::HOVER);
    response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, name));
    response.on_hover_text(name);
}
