//! Tags from poolmon or `!poolused`: a place to paste, the listings that were read, a table of their tags or of the differences of
//! two, and the way from ticked tags to what is recorded. Only the rows on the screen are drawn.

use eframe::egui::{Align, Button, ComboBox, Label, Layout, RichText, Role, Sense, TextEdit, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};
use poolscope_recording::tag::TAGS_MAX;
use poolscope_recording::poolmon::Pool;

use crate::format;
use crate::gui::command::{Command, KitCommand};
use crate::gui::state::kit::Kit;
use crate::gui::state::kit_listing::{ListColumn, ListRow, ListingPage, more_bytes};
use crate::gui::theme::{self, GRID, HEADER_HEIGHT, Palette, ROW_HEIGHT};
use crate::gui::widgets::sort_header::SortHeader;

/// Widths of the columns with a tick, a tag and so on, in points; the last takes the rest.
const WIDTHS: [f32; 7] = [24.0, 60.0, 76.0, 92.0, 88.0, 96.0, 96.0];
/// Widest that words get, in points.
const WORDS: f32 = 640.0;

/// Draws the part of the page.
pub(super) fn show(ui: &mut Ui, kit: &mut Kit, commands: &mut Vec<Command>) {
    kit.listing.prepare();
    source(ui, &mut kit.listing, commands);
    let palette = Palette::of(ui);
    if let Some(trouble) = &kit.listing.trouble {
        ui.add(Label::new(RichText::new(trouble).color(palette.bad)).wrap());
    }
    if let Some(odd) = &kit.listing.odd {
        ui.add(Label::new(RichText::new(odd).font(theme::small_font()).color(palette.warn)).truncate());
    }
    if kit.listing.listings.is_empty() {
        return explain(ui);
    }
    ui.add_space(GRID);
    choice(ui, &mut kit.listing);
    record(ui, kit);
    ui.add_space(GRID);
    table(ui, &mut kit.listing);
}

fn explain(ui: &mut Ui) {
    ui.add_space(2.0 * GRID);
    ui.set_max_width(WORDS.min(ui.available_width()));
    ui.label(RichText::new("Which tag grows? Two looks say it.").font(theme::strong_font()));
    ui.add_space(GRID);
    for words in [
        "On the machine that leaks, without a trace: run poolmon -b and save what it shows, wait an hour, do it once more. A snapshot file of \
         poolmon -n FILE does, too.",
        "From a memory dump: !poolused 2 or !poolused 4 in WinDbg or KD.",
        "Paste both here, or drop the files on this page. The largest growers become the tags of a recording.",
    ] {
        ui.add(Label::new(words).wrap());
        ui.add_space(GRID);
    }
}

/// The field for pasting and the button that opens a file.
fn source(ui: &mut Ui, page: &mut ListingPage, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let open = KitCommand::OpenListing;
        if ui.button("Open\u{2026}").on_hover_text(open.title()).clicked() {
            commands.push(open.into());
        }
        let hint = "Paste the output of poolmon or !poolused here (Ctrl+V)";
        let width = (ui.available_width() - 150.0).max(120.0);
        let field = ui.add(TextEdit::singleline(&mut page.text).hint_text(hint).desired_width(width));
        field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Paste a listing"));
        page.awaits_paste = field.has_focus();
        if page.is_busy() {
            ui.spinner();
        }
        if !page.listings.is_empty() && ui.button("Clear").on_hover_text("Forget all listings").clicked() {
            page.clear();
        }
    });
}

/// Which listing is shown, and with which one it is compared.
fn choice(ui: &mut Ui, page: &mut ListingPage) {
    ui.horizontal_wrapped(|ui| {
        let names: Vec<String> = page.listings.iter().map(|named| named.name.clone()).collect();
        let name = |at: usize| names.get(at).cloned().unwrap_or_default();
        ui.label("Listing");
        let shown = ComboBox::from_id_salt("listing").selected_text(name(page.shown)).truncate();
        let shown = shown.show_ui(ui, |ui| {
            for (at, name) in names.iter().enumerate() {
                ui.selectable_value(&mut page.shown, at, name);
            }
        });
        shown.response.ctx.accesskit_node_builder(shown.response.id, |node| node.set_label("Listing"));
        if names.len() > 1 {
            ui.label("less");
            let text = page.before.filter(|before| *before != page.shown).map_or_else(|| "nothing".to_owned(), name);
            let before = ComboBox::from_id_salt("before").selected_text(text).truncate();
            let before = before.show_ui(ui, |ui| {
                ui.selectable_value(&mut page.before, None, "nothing");
                for (at, name) in names.iter().enumerate().filter(|(at, _)| *at != page.shown) {
                    ui.selectable_value(&mut page.before, Some(at), name);
                }
            });
            before.response.ctx.accesskit_node_builder(before.response.id, |node| node.set_label("Compared with"));
        }
        let filter = TextEdit::singleline(&mut page.filter).hint_text("Filter").desired_width(100.0);
        let filter = ui.add(filter);
        filter.ctx.accesskit_node_builder(filter.id, |node| node.set_label("Filter tags"));
    });
    ui.add(Label::new(RichText::new(summary(page)).font(theme::small_font()).color(Palette::of(ui).dim)).wrap());
    if page.comparison().is_some_and(|comparison| comparison.is_reversed) {
        let words = "The counts went down: this listing is older than the one it is compared with, or Windows was started between them.";
        ui.add(Label::new(RichText::new(words).color(Palette::of(ui).warn)).wrap());
    }
    if page.comparison().is_some_and(|comparison| comparison.rows.iter().any(|row| row.before_is_truncated || row.after_is_truncated)) {
        let words =
            "One of the two listings is cut. A tag that it does not show may have grown by more than stands here.";
        ui.add(Label::new(RichText::new(words).color(Palette::of(ui).warn)).wrap());
    }
}

fn summary(page: &ListingPage) -> String {
    let rows = format::count(page.rows().len() as u64);
    if let Some(comparison) = page.comparison() {
        let [nonpaged, paged] = comparison.bytes.map(more_bytes);
        return format!("{rows} rows. Nonpaged pool {nonpaged}, paged pool {paged}");
    }
    let Some(listing) = page.listing() else { return String::new() };
    let [nonpaged, paged] = Pool::ALL.map(|pool| format::bytes(listing.bytes_in(pool)));
    format!("{}: {rows} rows. Nonpaged pool {nonpaged}, paged pool {paged}", listing.tool.name())
}

/// The way to what is recorded.
fn record(ui: &mut Ui, kit: &mut Kit) {
    ui.horizontal_wrapped(|ui| {
        let ticked = kit.listing.ticked.len();
        let title = if ticked == 1 { "Record this tag" } else { "Record these tags" };
        if ui.add_enabled(ticked > 0, Button::new(title)).on_disabled_hover_text("Tick up to four tags").clicked() {
            let tags: Vec<String> = kit.listing.ticked.iter().cloned().collect();
            take(kit, &tags);
        }
        let what = if kit.listing.is_compared() { "Record the largest growers" } else { "Record the largest" };
        if ui.button(what).on_hover_text("Four at most").clicked() {
            let suggested = kit.listing.suggested();
            if suggested.tags.is_empty() {
                kit.reason = Some("Nothing grew between the two listings: there is no tag to record.".to_owned());
            } else {
                kit.listing.ticked = suggested.tags.iter().cloned().collect();
                take(kit, &suggested.tags);
                let together = suggested.groups.iter().map(|group| format!(" {}.", group.sentence()));
                let together: String = together.collect();
                kit.reason = Some(format!("{}: {}.{together}", suggested.tags.join(", "), suggested.basis.sentence()));
            }
        }
    });
}

fn take(kit: &mut Kit, tags: &[String]) {
    kit.record_tags(tags);
    let takes: Vec<&str> = tags.iter().map(String::as_str).collect();
    let rate = kit.listing.listing().and_then(|listing| listing.events_per_second(|tag| takes.contains(&tag)));
    if let Some(rate) = rate.filter(|rate| *rate > 0) {
        kit.take_rate(rate);
    }
    kit.prepare();
}

fn table(ui: &mut Ui, page: &mut ListingPage) {
    if page.rows().is_empty() {
        ui.weak(format!("No tag has \"{}\" in it.", page.filter.trim()));
        return;
    }
    let compared = page.is_compared();
    let (mut sort, mut tick) = (None, None);
    eframe::egui::ScrollArea::horizontal().id_salt("listing table").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut table = TableBuilder::new(ui).striped(true).auto_shrink(false).sense(Sense::click());
        table = table.cell_layout(Layout::left_to_right(Align::Center));
        for width in WIDTHS {
            table = table.column(Column::exact(width).clip(true));
        }
        table = table.column(Column::remainder().at_least(96.0).clip(true));
        let header = |mut row: TableRow<'_, '_>| {
            row.col(|_| {});
            for column in ListColumn::ALL {
                row.col(|ui| {
                    let sorted = (page.sort.0 == column).then_some(page.sort.1);
                    let header = SortHeader { title: column.title(compared), sorted, is_figure: column.is_figure() };
                    if header.show(ui).on_hover_text(column.tip()).clicked() {
                        sort = Some(column);
                    }
                });
            }
        };
        table.header(HEADER_HEIGHT, header).body(|body| {
            body.rows(ROW_HEIGHT, page.rows().len(), |mut row| {
                let Some(entry) = page.rows().get(row.index()) else { return };
                let on = page.ticked.contains(&entry.tag);
                row.set_selected(on);
                row.col(|ui| {
                    let room = on || page.ticked.len() < TAGS_MAX;
                    let mut ticked = on;
                    let check = ui.add_enabled(room, eframe::egui::Checkbox::without_text(&mut ticked));
                    let name = format!("Record {}", entry.tag.trim_end());
                    check.widget_info(|| WidgetInfo::selected(Role::CheckBox, room, on, &name));
                    if check.on_disabled_hover_text("Four tags are ticked already").clicked() {
                        tick = Some(entry.tag.clone());
                    }
                });
                for column in ListColumn::ALL {
                    row.col(|ui| cell(ui, entry, column, compared));
                }
                let response = row.response();
                response.widget_info(|| WidgetInfo::selected(Role::Row, true, on, label(entry, compared)));
                if response.clicked() {
                    tick = Some(entry.tag.clone());
                }
            });
        });
    });
    if let Some(column) = sort {
        page.sort_by(column);
    }
    if let Some(tag) = tick {
        page.tick(&tag);
    }
}

fn label(row: &ListRow, compared: bool) -> String {
    let bytes = row.text(ListColumn::Bytes, compared);
    let blocks = row.text(ListColumn::Blocks, compared);
    format!("{}, {}, {bytes} in {blocks} blocks", row.tag.trim_end(), row.pool.name())
}

fn cell(ui: &mut Ui, row: &ListRow, column: ListColumn, compared: bool) {
    let text = row.text(column, compared);
    let font = if column == ListColumn::About { theme::text_font() } else { theme::figure_font() };
    let text = RichText::new(text).font(font).color(Palette::of(ui).text);
    let label = Label::new(text).truncate().selectable(false);
    if column.is_figure() {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(GRID);
            ui.add(label);
        });
    } else {
        ui.add(label);
    }
}
