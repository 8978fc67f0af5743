//! Tags from poolmon or `!poolused`: a place to paste, the snapshots that were read, a table of their tags or of the differences of
//! two, and the way from ticked tags to what is recorded.

use eframe::egui::{Button, Checkbox, ComboBox, Label, RichText, Role, TextEdit, Ui, WidgetInfo};
use poolscope_recording::poolmon::Pool;
use poolscope_recording::tag::TAGS_MAX;

use crate::format;
use crate::gui::commands::{Command, RecordingCommand};
use crate::gui::model::recording_setup::RecordingSetup;
use crate::gui::model::snapshot_list::{ListColumn, ListRow, SnapshotList};
use crate::gui::pages::recording::snapshot_graph;
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::list_table::{self, Action, Column, ListTable, Rows, Width};
use crate::gui::widgets::pivot_table::Sort;

/// Width of the column of boxes, in points.
const TICK: f32 = 24.0;
/// Least width of the last column, in points.
const LAST: f32 = 96.0;
/// Greatest width of paragraphs, in points.
const WORDS: f32 = 640.0;

/// Draws the part of the page.
pub(super) fn show(ui: &mut Ui, setup: &mut RecordingSetup, commands: &mut Vec<Command>) {
    setup.snapshots.prepare();
    source(ui, &mut setup.snapshots, commands);
    let palette = Palette::of(ui);
    if let Some(trouble) = &setup.snapshots.trouble {
        ui.add(Label::new(RichText::new(trouble).color(palette.bad)).wrap());
    }
    if let Some(odd) = &setup.snapshots.odd {
        ui.add(Label::new(RichText::new(odd).font(theme::small_font()).color(palette.warn)).truncate());
    }
    if setup.snapshots.listings.is_empty() {
        return explain(ui);
    }
    ui.add_space(GRID);
    snapshot_graph::show(ui, &mut setup.snapshots);
    choice(ui, &mut setup.snapshots);
    record(ui, setup);
    ui.add_space(GRID);
    table(ui, &mut setup.snapshots);
}

fn explain(ui: &mut Ui) {
    ui.add_space(2.0 * GRID);
    ui.set_max_width(WORDS.min(ui.available_width()));
    ui.label(RichText::new("Compare two poolmon snapshots").font(theme::strong_font()));
    ui.add_space(GRID);
    for message in [
        "On the machine that leaks: run poolmon -b, save its output, and repeat this after an hour. Snapshot files of \
         poolmon -n FILE can be used as well, with a line of date and time before each, and CSV files of scripts.",
        "Without poolmon: poolscope poolmon --watch FILE.csv samples the machine it runs on, and the script of \
         poolscope record --sampler FILE.ps1 does it without installing anything.",
        "From a memory dump: save the output of !poolused 2 or !poolused 4 in WinDbg or KD.",
        "Paste them here, or drop the files on this page. The tags that grew most can then be recorded.",
    ] {
        ui.add(Label::new(message).wrap());
        ui.add_space(GRID);
    }
}

/// The field for pasting and the button that opens a file.
fn source(ui: &mut Ui, page: &mut SnapshotList, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let open = RecordingCommand::OpenSnapshot;
        if ui.button("Open\u{2026}").on_hover_text(open.title()).clicked() {
            commands.push(open.into());
        }
        let hint = "Paste the output of poolmon or !poolused here (Ctrl+V)";
        let width = (ui.available_width() - 240.0).max(120.0);
        let field = ui.add(TextEdit::singleline(&mut page.text).hint_text(hint).desired_width(width));
        field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Paste a snapshot"));
        page.awaits_paste = field.has_focus();
        if page.is_busy() {
            ui.spinner();
        }
        follow(ui, page, commands);
        if !page.listings.is_empty() && ui.button("Clear").on_hover_text("Remove all snapshots").clicked() {
            page.clear();
        }
    });
}

/// The switch that reads a growing file again.
fn follow(ui: &mut Ui, page: &SnapshotList, commands: &mut Vec<Command>) {
    let mut follows = page.followed.is_some();
    if page.opened.is_none() && !follows {
        return;
    }
    let tip = match &page.followed {
        Some(file) if file.is_sampled => format!("Samples of this machine are written to {}", file.path.display()),
        Some(file) => format!("Reads {} again when it grows", file.path.display()),
        None => "Reads the file again when it grows, such as one that a sampler writes".to_owned(),
    };
    if ui.checkbox(&mut follows, "Live").on_hover_text(tip).changed() {
        commands.push(RecordingCommand::Follow(follows).into());
    }
}

/// Choice of the snapshot that is shown, and of the one it is compared with.
fn choice(ui: &mut Ui, page: &mut SnapshotList) {
    ui.horizontal_wrapped(|ui| {
        let names: Vec<String> = page.listings.iter().map(|named| named.name.clone()).collect();
        let name = |at: usize| names.get(at).cloned().unwrap_or_default();
        ui.label("Snapshot");
        let shown = ComboBox::from_id_salt("listing").selected_text(name(page.shown)).truncate();
        let shown = shown.show_ui(ui, |ui| {
            for (at, name) in names.iter().enumerate() {
                ui.selectable_value(&mut page.shown, at, name);
            }
        });
        shown.response.ctx.accesskit_node_builder(shown.response.id, |node| node.set_label("Snapshot"));
        if names.len() > 1 {
            ui.label("Compare with:");
            let text = page.before.filter(|before| *before != page.shown).map_or_else(|| "(none)".to_owned(), name);
            let before = ComboBox::from_id_salt("before").selected_text(text).truncate();
            let before = before.show_ui(ui, |ui| {
                ui.selectable_value(&mut page.before, None, "(none)");
                let scope = page.scope_of(page.shown);
                let others =
                    names.iter().enumerate().filter(|(at, _)| *at != page.shown && page.scope_of(*at) == scope);
                for (at, name) in others.collect::<Vec<_>>() {
                    ui.selectable_value(&mut page.before, Some(at), name);
                }
            });
            before.response.ctx.accesskit_node_builder(before.response.id, |node| node.set_label("Compare with"));
        }
        let filter = TextEdit::singleline(&mut page.filter).hint_text("Filter").desired_width(100.0);
        let filter = ui.add(filter);
        filter.ctx.accesskit_node_builder(filter.id, |node| node.set_label("Filter tags"));
    });
    ui.add(Label::new(RichText::new(summary(page)).font(theme::small_font()).color(Palette::of(ui).dim)).wrap());
    if page.comparison().is_some_and(|comparison| comparison.is_reversed) {
        let message = "Most allocation counts went down: the snapshots are in the wrong order, or Windows was restarted \
                     between them.";
        ui.add(Label::new(RichText::new(message).color(Palette::of(ui).warn)).wrap());
    }
    if page
        .comparison()
        .is_some_and(|comparison| comparison.rows.iter().any(|row| row.before_is_truncated || row.after_is_truncated))
    {
        let message = "One of the snapshots is truncated. The growth of tags that it lacks is not known.";
        ui.add(Label::new(RichText::new(message).color(Palette::of(ui).warn)).wrap());
    }
}

fn summary(page: &SnapshotList) -> String {
    let rows = format::counted(page.rows().len() as u64, "row", "rows");
    if let Some(comparison) = page.comparison() {
        let [nonpaged, paged] = comparison.bytes.map(format::delta_bytes);
        return format!("{rows}. Nonpaged pool {nonpaged}, paged pool {paged}");
    }
    let Some(listing) = page.listing() else { return String::new() };
    let [nonpaged, paged] = Pool::ALL.map(|pool| format::bytes(listing.bytes_in(pool)));
    format!("{}: {rows}. Nonpaged pool {nonpaged}, paged pool {paged}", listing.tool.name())
}

/// The way to what is recorded.
fn record(ui: &mut Ui, setup: &mut RecordingSetup) {
    ui.horizontal_wrapped(|ui| {
        let ticked = setup.snapshots.ticked.len();
        let title = if ticked == 1 { "Record this tag" } else { "Record these tags" };
        if ui.add_enabled(ticked > 0, Button::new(title)).on_disabled_hover_text("Select up to four tags").clicked() {
            let tags: Vec<String> = setup.snapshots.ticked.iter().cloned().collect();
            take(setup, &tags);
        }
        let what = if setup.snapshots.is_compared() { "Record tags that grew most" } else { "Record largest tags" };
        if ui.button(what).on_hover_text("Up to four tags").clicked() {
            let suggested = setup.snapshots.suggested();
            if suggested.tags.is_empty() {
                setup.reason =
                    Some("No tag grew between the snapshots: wait longer between them, or select tags.".to_owned());
            } else {
                setup.snapshots.ticked = suggested.tags.iter().cloned().collect();
                take(setup, &suggested.tags);
                let sentences = suggested.groups.iter().map(|group| format!(" {}.", group.sentence()));
                let together: String = sentences.collect();
                setup.reason =
                    Some(format!("{}: {}.{together}", suggested.tags.join(", "), suggested.basis.sentence()));
            }
        }
    });
}

fn take(setup: &mut RecordingSetup, tags: &[String]) {
    setup.record_tags(tags);
    let takes: Vec<&str> = tags.iter().map(String::as_str).collect();
    let rate = setup.snapshots.listing().and_then(|listing| listing.events_per_second(|tag| takes.contains(&tag)));
    if let Some(rate) = rate.filter(|rate| *rate > 0) {
        setup.take_rate(rate);
    }
    setup.prepare();
}

fn table(ui: &mut Ui, page: &mut SnapshotList) {
    if page.rows().is_empty() {
        ui.weak(format!("No tag contains \"{}\".", page.filter.trim()));
        return;
    }
    let columns = columns(page);
    let cursor = page.cursor.filter(|row| *row < page.rows().len());
    let list = ListTable::new("Tags", &columns).cursor(cursor, std::mem::take(&mut page.reveal));
    let mut rows = TagRows { page, columns: page.columns(), compared: page.is_compared(), ticked: None };
    let actions = list.show(ui, &mut rows);
    let mut ticked = rows.ticked;
    for action in actions {
        match action {
            Action::Sort(0) | Action::SelectAll => {}
            Action::Sort(column) => {
                page.columns().get(column - 1).into_iter().for_each(|column| page.sort_by(*column));
            }
            Action::Move { row, .. } => (page.cursor, page.reveal) = (Some(row), true),
            Action::Click { row, .. } | Action::Open(row) => {
                page.cursor = Some(row);
                ticked = ticked.or(Some(row));
            }
        }
    }
    if let Some(tag) = ticked.and_then(|row| page.rows().get(row)).map(|row| row.tag.clone()) {
        page.tick(&tag);
    }
}

fn columns(page: &SnapshotList) -> Vec<Column> {
    let compared = page.is_compared();
    let column = |(which, width): (ListColumn, Width)| {
        let sort = (page.sort.0 == which).then_some(Sort::of(page.sort.1));
        Column {
            title: which.title(compared),
            tip: which.tip(),
            width,
            is_figure: which.is_figure(),
            sort,
            wraps: false,
        }
    };
    let tick = Column::text("", Width::Exact(TICK));
    std::iter::once(tick).chain(page.columns().into_iter().map(|which| column((which, width(which))))).collect()
}

/// Width of a column.
fn width(column: ListColumn) -> Width {
    match column {
        ListColumn::Tag => Width::Exact(60.0),
        ListColumn::Pool => Width::Exact(76.0),
        ListColumn::Bytes => Width::Exact(92.0),
        ListColumn::Blocks | ListColumn::Rate => Width::Exact(88.0),
        ListColumn::Allocs | ListColumn::Frees => Width::Exact(96.0),
        ListColumn::Shape => Width::Exact(80.0),
        ListColumn::About => Width::Rest(LAST),
    }
}

/// The listed tags; a row is selected while its tag is ticked.
struct TagRows<'p> {
    page: &'p SnapshotList,
    columns: Vec<ListColumn>,
    compared: bool,
    /// The row whose box was clicked.
    ticked: Option<usize>,
}

impl TagRows<'_> {
    fn has_room(&self, row: usize) -> bool {
        self.is_selected(row) || self.page.ticked.len() < TAGS_MAX
    }

    /// Draws the box of a row.
    fn tick(&mut self, ui: &mut Ui, row: usize, entry: &ListRow) {
        let (is_ticked, has_room) = (self.is_selected(row), self.has_room(row));
        let mut ticked = is_ticked;
        let check = ui.add_enabled(has_room, Checkbox::without_text(&mut ticked));
        let name = format!("Record {}", entry.tag.trim_end());
        check.widget_info(|| WidgetInfo::selected(Role::CheckBox, has_room, is_ticked, &name));
        if check.on_disabled_hover_text("Four tags are selected already").clicked() {
            self.ticked = Some(row);
        }
    }
}

impl Rows for TagRows<'_> {
    fn count(&self) -> usize {
        self.page.rows().len()
    }

    fn label(&self, row: usize) -> String {
        let Some(row) = self.page.rows().get(row) else { return String::new() };
        let bytes = row.text(ListColumn::Bytes, self.compared);
        let blocks = row.text(ListColumn::Blocks, self.compared);
        let noun = if blocks == "1" { "block" } else { "blocks" };
        format!("{}, {}, {bytes} in {blocks} {noun}", row.tag.trim_end(), row.pool.name())
    }

    fn is_selected(&self, row: usize) -> bool {
        self.page.rows().get(row).is_some_and(|row| self.page.ticked.contains(&row.tag))
    }

    fn type_ahead_text(&self, row: usize) -> Option<String> {
        self.page.rows().get(row).map(|row| row.tag.clone())
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let page = self.page;
        let Some(entry) = page.rows().get(row) else { return };
        let Some(which) = column.checked_sub(1).and_then(|column| self.columns.get(column).copied()) else {
            return self.tick(ui, row, entry);
        };
        let text = entry.text(which, self.compared);
        if which.is_figure() {
            list_table::figure_cell(ui, text);
        } else {
            let font = if which == ListColumn::About { theme::text_font() } else { theme::figure_font() };
            list_table::text_cell(ui, RichText::new(text).font(font));
        }
    }
}
