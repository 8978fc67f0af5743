//! The dialog of keyboard shortcuts: all keys of the window, the mouse in table and graphs, and the meaning of the types of
//! allocations, with a filter. The keys of commands are those of the command table.

use eframe::egui::{Align, Label, Layout, RichText, ScrollArea, TextEdit, Ui};

use crate::gui::commands::table::Entry;
use crate::gui::commands::{Command, Menu};
use crate::gui::theme::{self, GRID};
use crate::gui::widgets::modal::{self, DialogAction, Modal};
use crate::gui::widgets::section::caption;

/// Greatest width of the dialog, in points.
const WIDTH: f32 = 680.0;
/// Width of the column of keys, in points.
const KEYS: f32 = 224.0;
/// Height of the window that the dialog takes without the list, in points.
const BELOW: f32 = 140.0;

const WINDOW: [(&str, &str); 4] = [
    ("Alt+F, Alt+E, Alt+V, Alt+G, Alt+T, Alt+S, Alt+H", "Open a menu; the arrow keys move in it and to its neighbors"),
    ("Escape", "Close the dialog, menu or field; then go back to the previous page"),
    ("Tab, Shift+Tab", "Go to the next or previous control"),
    ("Menu key, Shift+F10", "Open the context menu of what is selected"),
];

const TABLE: [(&str, &str); 16] = [
    ("Up, Down, Page Up, Page Down", "Move by row or by page"),
    ("Home, End", "Go to the first or last row"),
    ("Right", "Expand the row; if it is expanded, go to its largest child"),
    ("Left", "Collapse the row; if it is collapsed, go to its parent"),
    ("Right, Left on a run of frames", "Show its frames one by one, or fold them into one row again"),
    ("*", "Expand all rows below"),
    ("Letters", "Go to the next row that starts with the letters"),
    ("Shift+arrow", "Extend the selection"),
    ("Ctrl+C", "Copy the selected rows as tab-separated text"),
    ("Click", "Select a row; on the triangle, expand or collapse it"),
    ("Shift+click, Ctrl+click", "Select a range of rows, or add a row to the selection"),
    ("Double-click", "Expand or collapse a row"),
    ("Click a header", "Sort by the column; again, reverse the order"),
    ("Drag a header", "Move the column; across the gold or blue bar, change its role"),
    ("Click a color square", "Show or hide the series of the row"),
    ("Wheel, Shift+wheel", "Scroll vertically or horizontally"),
];

const GRAPH: [(&str, &str); 11] = [
    ("Click", "Set the time cursor and give the graph the keys"),
    ("M", "Add a marker at the pointer, or at the time cursor"),
    ("Left, Right", "Pan; with Shift, select a range; with Ctrl, move the time cursor"),
    ("Up, Down, +, -", "Zoom in and out"),
    ("Drag", "Select a range and show its totals"),
    ("Double-click in the selection", "Zoom to selection"),
    ("Double-click elsewhere", "Zoom to the whole trace"),
    ("Wheel", "Zoom at the pointer"),
    ("Shift+wheel", "Pan"),
    ("Drag in the overview", "Move the visible range"),
    ("Click in the legend", "Show or hide a series, or select its row"),
];

const FLAME: [(&str, &str); 11] = [
    ("Click, arrows", "Select a frame; the arrow keys move to its parent, child or neighbor"),
    ("Double-click, Enter", "Zoom to frame"),
    ("Backspace", "Zoom out of frame"),
    ("Escape", "Zoom out of frame; from the whole graph, return to the previous page"),
    ("Home", "Select the root"),
    ("Right-click, Menu key, Shift+F10", "Open the context menu of the frame"),
    ("Ctrl+F", "Search the frames; Enter goes to the first match"),
    ("F3, Shift+F3", "Go to the next or previous match"),
    ("Ctrl+Enter", "Filter to this frame"),
    ("Ctrl+C, Ctrl+Shift+C", "Copy the name, or the stack path from the root"),
    ("Wheel, drag, Page Up, Page Down", "Scroll vertically"),
];

const WORDS: [(&str, &str); 4] = [
    ("AIFI", "Allocated and freed inside the visible range: transient, no leak."),
    ("AIFO", "Allocated inside the visible range, freed after it or never: the leak candidates."),
    ("AOFI", "Allocated before the visible range, freed inside it."),
    ("AOFO", "Allocated before the visible range, freed after it or never."),
];

/// Draws the dialog over the window; `filter` is the text of its field.
pub fn show(ui: &Ui, filter: &mut String, entries: &[Entry], commands: &mut Vec<Command>) {
    let height = ui.ctx().content_rect().height() - BELOW;
    let action: Option<DialogAction<()>> = Modal::untitled("keyboard shortcuts", WIDTH).show(ui, |ui| {
        let is_closed = head(ui, filter);
        ui.add_space(2.0 * GRID);
        let list = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, false]);
        list.show(ui, |ui| {
            let wanted = filter.to_lowercase();
            let mut is_empty = true;
            for (title, lines) in sections(ui, entries) {
                let fits = |line: &&(String, String)| {
                    [title, &line.0, &line.1].iter().any(|text| text.to_lowercase().contains(wanted.trim()))
                };
                let lines: Vec<&(String, String)> = lines.iter().filter(fits).collect();
                is_empty &= lines.is_empty();
                section(ui, title, &lines);
            }
            if is_empty {
                ui.weak("No match.");
            }
        });
        is_closed.then_some(DialogAction::Close)
    });
    if action.is_some() {
        commands.push(Command::CloseKeys);
    }
}

/// Draws title, filter and the button that closes; returns whether it was clicked.
fn head(ui: &mut Ui, filter: &mut String) -> bool {
    let line = ui.horizontal(|ui| {
        ui.heading("Keyboard shortcuts");
        let right = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_closed = ui.button(Command::CloseKeys.title()).clicked();
            let field = ui.add(TextEdit::singleline(filter).hint_text("Filter").desired_width(180.0));
            ui.ctx().accesskit_node_builder(field.id, |node| node.set_label("Filter shortcuts"));
            modal::focus_at_first(ui, &field);
            is_closed
        });
        right.inner
    });
    line.inner
}

type Lines = Vec<(String, String)>;

fn sections(ui: &Ui, entries: &[Entry]) -> Vec<(&'static str, Lines)> {
    let owned = |lines: &[(&str, &str)]| lines.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let of_menu = |menu: Menu| {
        let own = entries.iter().filter(|entry| entry.spec.place.menu == menu);
        let with_key = own.filter_map(|entry| Some((entry.shortcut_text(ui.ctx())?, entry.full_title())));
        (menu.title(), with_key.collect::<Lines>())
    };
    let mut sections: Vec<(&str, Lines)> = vec![
        ("Window", owned(&WINDOW)),
        ("Table", owned(&TABLE)),
        ("Graph", owned(&GRAPH)),
        ("Flame graph", owned(&FLAME)),
        ("Allocation types", owned(&WORDS)),
    ];
    sections.extend(Menu::ALL.map(of_menu));
    sections
}

fn section(ui: &mut Ui, title: &'static str, lines: &[&(String, String)]) {
    if lines.is_empty() {
        return;
    }
    caption(ui, title);
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
