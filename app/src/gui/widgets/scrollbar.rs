//! The scrollbar of a widget that scrolls by itself: a track with a thumb to drag; a click beside the thumb moves it there.
//! Positions are shares of the distance that can be scrolled.

use eframe::egui::{Rect, Response, Ui, Vec2};

use crate::gui::theme::{self, Palette};

/// Draws a scrollbar along `axis`. `share` is the position, `length` the visible part of the whole, both from 0 to 1. Returns the
/// position that it was dragged to.
pub fn show(ui: &Ui, palette: &Palette, bar: &Response, share: f64, length: f32, axis: Vec2) -> Option<f64> {
    let along = |v: Vec2| v.x * axis.x + v.y * axis.y;
    let track = bar.rect;
    let whole = along(track.size());
    let thumb = (whole * length).clamp(24.0_f32.min(whole), whole);
    let way = whole - thumb;
    let start = track.min + axis * (way * share as f32);
    let across = Vec2::splat(theme::SCROLLBAR) * (Vec2::ONE - axis);
    let rect = Rect::from_min_size(start, axis * thumb + across);
    let lit = bar.hovered() || bar.dragged();
    let color = if lit { palette.dim } else { palette.faint };
    ui.painter().rect_filled(track, 0.0, palette.panel);
    ui.painter().rect_filled(rect.shrink(2.0), 3.0, color.gamma_multiply(if lit { 1.0 } else { 0.6 }));
    let pointer = bar.interact_pointer_pos()?;
    if way <= 0.0 || !(bar.dragged() || bar.clicked()) {
        return None;
    }
    if bar.dragged() {
        // Relative moves: grabbing the thumb anywhere does not make it jump.
        let moved = f64::from(along(bar.drag_delta()) / way);
        return (moved != 0.0).then_some((share + moved).clamp(0.0, 1.0));
    }
    let at = along(pointer - track.min) - thumb / 2.0;
    Some(f64::from(at / way).clamp(0.0, 1.0))
}
