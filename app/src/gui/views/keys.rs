//! All keys of the window in one place, what the mouse does in table and graphs, and what the four letters of a type mean;
//! with a field that leaves only what fits. The keys of commands come from the list of commands.

use eframe::egui::{Frame, Id, Label, Modal, RichText, ScrollArea, TextEdit, Ui};

use crate::gui::command::catalogue::Entry;
use crate::gui::command::{Command, Menu, shortcut_text};
use crate::gui::theme::{self, GRID, Palette};

/// Width of the keys' column, in points.
const KEYS: f32 = 224.0;

const TABLE: [(&str, &str); 15] = [
    ("Up, Down, Page Up, Page Down", "Go from row to row, or from page to page"),
    ("Home, End", "Go to the first row, or the last"),
    ("Right", "Open the row; when it is open, go to its largest child"),
    ("Left", "Close the row; when it is closed, go to its parent"),
    ("*", "Open everything below the row"),
    ("Letters", "Go to the next row that starts with them"),
    ("Shift and an arrow", "Select more rows"),
    ("Ctrl+C", "Copy the selected rows as tab-separated text"),
    ("Click", "Select a row; on the triangle, open or close it"),
    ("Shift+click, Ctrl+click", "Select a range of rows, or one more row"),
    ("Double-click", "Open or close a row"),
    ("Click on a header", "Sort by the column; again, the other way round"),
    ("Drag a header", "Move the column; across the gold bar it becomes a key or a figure"),
    ("Click on a colour", "Hide the curve of the row, or draw it again"),
    ("Wheel, Shift+wheel", "Scroll down, or sideways"),
];

const GRAPH: [(&str, &str); 7] = [
    ("Drag", "Select a range and see what it holds"),
    ("Double-click in the range", "Zoom to it"),
    ("Double-click elsewhere", "Zoom to the whole trace"),
    ("Wheel", "Zoom at the pointer"),
    ("Shift+wheel", "Move the view"),
    ("Drag below the curves", "Move the view over the whole trace"),
    ("Click in the legend", "Hide a curve, or go to its row"),
];

const FLAME: [(&str, &str); 11] = [
    ("Click, arrows", "Select a frame; the arrows go inwards, outwards, and to the frame beside it"),
    ("Double-click, Enter", "Give the frame the whole width"),
    ("Backspace", "The width as it was before"),
    ("Escape", "The same; from the whole, back to the page before"),
    ("Home", "Select the root"),
    ("Right-click, Menu key, Shift+F10", "Open the menu of the frame"),
    ("Ctrl+F", "Search the frames; Enter goes to the first match"),
    ("F3, Shift+F3", "Go to the next match, or to the one before"),
    ("Ctrl+Enter", "Leave only rows whose stacks have the frame"),
    ("Ctrl+C, Ctrl+Shift+C", "Copy the frame's name, or the frames from the root to it"),
    ("Wheel, drag, Page Up, Page Down", "Scroll through deep stacks"),
];

const WORDS: [(&str, &str); 4] = [
    ("AIFI", "Allocated inside the view and freed inside it: came and went, no leak."),
    ("AIFO", "Allocated inside the view and not freed before its end: the leak candidates."),
    ("AOFI", "Allocated before the view and freed inside it: memory that was given back."),
    ("AOFO", "Allocated before the view and not freed before its end: was there all the time."),
];

/// Draws the box over the window; `filter` is what is written in its field.
pub fn show(ui: &Ui, filter: &mut String, entries: &[Entry], commands: &mut Vec<Command>) {
    let frame = Frame::popup(ui.style()).inner_margin(4.0 * GRID);
    let room = ui.ctx().content_rect().size();
    let shown = Modal::new(Id::unique("keys")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(680_f32.min(room.x - 16.0 * GRID));
        ui.horizontal(|ui| {
            ui.heading("Keys and words");
            ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                if ui.button(Command::CloseKeys.title()).clicked() {
                    commands.push(Command::CloseKeys);
                }
                let field = ui.add(TextEdit::singleline(filter).hint_text("Filter").desired_width(180.0));
                ui.ctx().accesskit_node_builder(field.id, |node| node.set_label("Filter the keys"));
                if ui.memory(|memory| memory.focused().is_none()) {
                    field.request_focus();
                }
            });
        });
        ui.add_space(2.0 * GRID);
        let height = room.y - 140.0;
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, false]).show(
            ui,
            |ui| {
                let mut any = false;
                for (title, lines) in sections(ui, entries) {
                    let wanted = filter.to_lowercase();
                    let fits = |line: &&(String, String)| {
                        [title, &line.0, &line.1].iter().any(|text| text.to_lowercase().contains(wanted.trim()))
                    };
                    let lines: Vec<&(String, String)> = lines.iter().filter(fits).collect();
                    any |= !lines.is_empty();
                    section(ui, title, &lines);
                }
                if !any {
                    ui.weak("Nothing here fits.");
                }
            },
        );
    });
    if shown.should_close() {
        commands.push(Command::CloseKeys);
    }
}

type Lines = Vec<(String, String)>;

fn sections(ui: &Ui, entries: &[Entry]) -> Vec<(&'static str, Lines)> {
    let owned = |lines: &[(&str, &str)]| lines.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let of_menu = |menu: Menu| {
        let own = entries.iter().filter(|entry| entry.place.menu == menu);
        let with_key = own.filter_map(|entry| Some((shortcut_text(ui.ctx(), &entry.shortcut?), entry.full_title())));
        (menu.title(), with_key.collect::<Lines>())
    };
    let mut sections: Vec<(&str, Lines)> = vec![
        ("In the table", owned(&TABLE)),
        ("In the graph", owned(&GRAPH)),
        ("In the flame graph", owned(&FLAME)),
        ("The types of allocations", owned(&WORDS)),
    ];
    sections.extend(Menu::ALL.map(of_menu));
    sections
}

fn section(ui: &mut Ui, title: &'static str, lines: &[&(String, String)]) {
    if lines.is_empty() {
        return;
    }
    let palette = Palette::of(ui);
    ui.label(RichText::new(title).font(theme::small_font()).color(palette.dim));
    ui.add_space(GRID / 2.0);
    for (key, what) in lines {
        ui.horizontal_top(|ui| {
            let text = RichText::new(key).font(theme::strong_font());
            ui.scope(|ui| {
                ui.set_width(KEYS);
                ui.add(Label::new(text).wrap());
            });
            ui.add(Label::new(what).wrap());
        });
    }
    ui.add_space(4.0 * GRID);
}
