//! Shares of a column's values, and single blocks.

use eframe::egui::{Align2, Label, Rect, RichText, Sense, Ui, vec2};
use poolscope_analysis::pivot::details::{AllocationDetails, Shares};

use super::section;
use crate::format;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};

const LINE: f32 = 18.0;

/// Draws the largest shares as lines with bars.
pub(super) fn shares(ui: &mut Ui, title: &str, shares: &Shares, whole: u64) {
    if shares.largest.is_empty() {
        return;
    }
    section(ui, title);
    for share in &shares.largest {
        let part = share.total.bytes as f32 / whole.max(1) as f32;
        line(ui, &share.label, part, share.total.count, share.total.bytes);
    }
    if shares.others > 0 {
        let tally = &shares.others_total;
        let label = format!("{} more", format::count(shares.others as u64));
        line(ui, &label, tally.bytes as f32 / whole.max(1) as f32, tally.count, tally.bytes);
    }
}

fn line(ui: &mut Ui, label: &str, part: f32, count: u64, size: u64) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::HOVER);
    let bar = Rect::from_min_size(rect.min, vec2(rect.width() * part.clamp(0.0, 1.0), LINE - 2.0));
    ui.painter().rect_filled(bar, 2.0, palette.share);
    let figure = format::bytes(size);
    let right =
        ui.painter().text(rect.right_center(), Align2::RIGHT_CENTER, &figure, theme::figure_font(), palette.text);
    let room = right.left() - rect.left() - 2.0 * GRID;
    let at = rect.left_center() + vec2(GRID, 0.0);
    theme::clipped_text(ui.painter(), at, room, label, theme::text_font(), palette.text);
    let tip = format!("{label}: {}, {figure}", format::counted(count, "allocation", "allocations"));
    response.widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::accesskit::Role::Label, true, &tip));
    response.on_hover_text(tip);
}

/// Draws single blocks, each in three lines.
pub(super) fn allocs(ui: &mut Ui, title: &str, allocs: &[AllocationDetails]) {
    if allocs.is_empty() {
        return;
    }
    section(ui, title);
    for alloc in allocs {
        let life =
            alloc.lifetime_s.map_or_else(|| "not freed".to_owned(), |life| format!("lived {}", format::duration(life)));
        let first = format!("{}  {}  {life}", format::seconds(alloc.time_s, 6), format::bytes(alloc.size));
        let not_loaded = || "address not loaded".to_owned();
        let second = alloc.address.map_or_else(not_loaded, |address| format!("{address:#018x}"));
        let thread = alloc.thread.map_or_else(String::new, |thread| format!(", thread {thread}"));
        let cpu = alloc.cpu.map_or_else(String::new, |cpu| format!(", CPU {cpu}"));
        let third = format!("{}{thread}{cpu}", alloc.process);
        ui.add(Label::new(RichText::new(first).font(theme::figure_font())).truncate());
        ui.add(Label::new(RichText::new(second).font(theme::figure_font())).truncate());
        ui.add(Label::new(RichText::new(third).weak().font(theme::small_font())).truncate());
    }
}
