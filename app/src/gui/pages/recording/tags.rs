//! Choice of the tags to record: all, or up to four that are written or picked from the suspects of open traces. Errors
//! are shown below the fields.

use eframe::egui::{Checkbox, Id, Label, Popup, PopupCloseBehavior, RadioButton, RichText, TextEdit, Ui, vec2};
use poolscope_recording::tag::TAGS_MAX;

use crate::gui::model::recording_setup::{RecordingSetup, SuggestedTag};
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};

/// Width of a field, in points: four characters and room for the cursor.
const FIELD: f32 = 56.0;

/// Draws the choice.
pub(super) fn show(ui: &mut Ui, setup: &mut RecordingSetup, suggested: &[SuggestedTag]) {
    ui.horizontal(|ui| {
        if ui.add(RadioButton::new(setup.all, "All tags")).clicked() {
            setup.all = true;
        }
        let some = ui.add(RadioButton::new(!setup.all, "Up to four tags"));
        if some.on_hover_text("The filter keeps the trace small enough to record for hours").clicked() {
            setup.all = false;
        }
        if !suggested.is_empty() {
            let button = ui.button("Suspects\u{2026}").on_hover_text("Select suspects of the open traces");
            // It stays while several are picked.
            let popup = Popup::from_toggle_button_response(&button).id(Id::unique("suspects to record"));
            popup.close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| suspects(ui, setup, suggested));
        }
    });
    if setup.all {
        return;
    }
    fields(ui, setup);
    for at in 0..TAGS_MAX {
        if let Some(error) = setup.error(at) {
            let text = RichText::new(error).font(theme::small_font()).color(Palette::of(ui).bad);
            ui.add(Label::new(text).wrap());
        }
    }
    let tip = "Allocations larger than about a page, of all tags (Memory keyword)";
    ui.add(Checkbox::new(&mut setup.plan.big_allocations, "Big allocations of all tags")).on_hover_text(tip);
}

fn fields(ui: &mut Ui, setup: &mut RecordingSetup) {
    ui.horizontal(|ui| {
        for at in 0..TAGS_MAX {
            let wrong = setup.error(at).is_some();
            let palette = Palette::of(ui);
            let Some(text) = setup.tags.get_mut(at) else { continue };
            ui.scope(|ui| {
                if wrong {
                    let widgets = &mut ui.visuals_mut().widgets;
                    widgets.inactive.bg_stroke.color = palette.bad;
                    widgets.hovered.bg_stroke.color = palette.bad;
                    ui.visuals_mut().selection.stroke.color = palette.bad;
                }
                let field = TextEdit::singleline(text).font(theme::figure_font()).min_size(vec2(FIELD, 0.0));
                let field = ui.add(field.desired_width(FIELD));
                let name = format!("Tag {}", at + 1);
                field.ctx.accesskit_node_builder(field.id, |node| node.set_label(name));
            });
        }
        ui.add(Label::new(RichText::new("? one, * many").font(theme::small_font()).color(palette_dim(ui))).truncate());
    });
}

fn palette_dim(ui: &Ui) -> eframe::egui::Color32 {
    Palette::of(ui).dim
}

fn suspects(ui: &mut Ui, setup: &mut RecordingSetup, suggested: &[SuggestedTag]) {
    ui.set_max_width(360.0);
    for suggestion in suggested {
        let mut on = setup.has_tag(&suggestion.tag);
        let room = on || setup.all || setup.written() < TAGS_MAX;
        ui.add_enabled_ui(room, |ui| {
            let title = format!("{}: {}", suggestion.tag, suggestion.description);
            if ui.checkbox(&mut on, title).on_disabled_hover_text("Four tags are selected already").changed() {
                if setup.all {
                    setup.tags = Default::default();
                }
                setup.toggle_tag(&suggestion.tag);
            }
        });
    }
    ui.add_space(GRID);
    if ui.button("Done").clicked() {
        ui.close();
    }
}
