//! The sortable list, driven by keys, clicks and accessible names over made-up records.

use std::cmp::Ordering;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, OutputCommand, Ui, vec2};
use poolscope::gui::theme;
use poolscope::gui::widgets::list_table::{Column, Width};
use poolscope::gui::widgets::sorted_list::{Records, SortedList};

const NAMES: [&str; 4] = ["ntoskrnl.exe", "afd.sys", "Ndis.sys", "netio.sys"];

/// Names with their place as a figure, repeated with a number for long lists.
struct Made(usize);

impl Records for Made {
    fn count(&self) -> usize {
        self.0
    }

    fn text(&self, record: usize, column: usize) -> String {
        match (column, NAMES.get(record)) {
            (0, Some(name)) => (*name).to_owned(),
            (0, None) => format!("x{record:05}.sys"),
            _ => record.to_string(),
        }
    }

    fn compare(&self, a: usize, b: usize, column: usize) -> Ordering {
        match column {
            0 => self.text(a, 0).to_lowercase().cmp(&self.text(b, 0).to_lowercase()),
            _ => a.cmp(&b),
        }
    }
}

/// A window with the list; its state is the record under the cursor.
fn window<'a>(count: usize) -> Harness<'a, Option<usize>> {
    let draw = move |ui: &mut Ui, cursor: &mut Option<usize>| {
        let columns = vec![Column::text("Name", Width::Initial(160.0)), Column::figure("Number", Width::Rest(80.0))];
        *cursor =
            SortedList { name: "Drivers", columns, height: 220.0, stamp: count, filter: "" }.show(ui, &mut Made(count));
    };
    let mut window = Harness::builder().with_size(vec2(400.0, 300.0)).build_ui_state(draw, None);
    theme::install(&window.ctx);
    window.run_steps(4);
    window
}

fn press(window: &mut Harness<'_, Option<usize>>, key: Key) {
    window.key_press(key);
    window.run_steps(3);
}

fn click(window: &mut Harness<'_, Option<usize>>, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(3);
}

/// The accessible names of the drawn rows, from the top.
fn rows(window: &Harness<'_, Option<usize>>) -> Vec<String> {
    let mut rows: Vec<(f32, String)> = window
        .query_all_by_role(Role::Row)
        .map(|row| (row.rect().top(), row.accesskit_node().label().expect("a name")))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, label)| label).collect()
}

#[test]
fn a_header_sorts_and_reverses() {
    let mut window = window(4);
    assert_eq!(rows(&window), ["ntoskrnl.exe, 0", "afd.sys, 1", "Ndis.sys, 2", "netio.sys, 3"]);
    click(&mut window, "Sort by Name");
    assert_eq!(rows(&window)[..2], ["afd.sys, 1", "Ndis.sys, 2"]);
    click(&mut window, "Sort by Name, ascending");
    assert_eq!(rows(&window)[0], "ntoskrnl.exe, 0");
    click(&mut window, "Sort by Number");
    assert_eq!(rows(&window)[0], "netio.sys, 3", "figures begin with the largest");
    window.get_by_role_and_label(Role::ColumnHeader, "Sort by Number, descending");
}

#[test]
fn keys_and_letters_move_the_cursor() {
    let mut window = window(2000);
    assert!(rows(&window).len() < 40, "only visible rows are drawn");
    window.get_by_label("afd.sys, 1").click();
    window.run_steps(3);
    assert_eq!(*window.state(), Some(1));
    press(&mut window, Key::ArrowDown);
    assert_eq!(*window.state(), Some(2));
    press(&mut window, Key::PageDown);
    assert_eq!(*window.state(), Some(12));
    press(&mut window, Key::End);
    assert_eq!(*window.state(), Some(1999));
    window.get_by_label("x01999.sys, 1999");
    press(&mut window, Key::Home);
    assert_eq!(*window.state(), Some(0));
    window.event(Event::Text("n".to_owned()));
    window.run_steps(2);
    assert_eq!(*window.state(), Some(2), "the next row that begins with it");
    window.event(Event::Text("e".to_owned()));
    window.run_steps(2);
    assert_eq!(*window.state(), Some(3), "a word goes on");
    // The row keeps the cursor when the order changes.
    click(&mut window, "Sort by Name");
    assert_eq!(*window.state(), Some(3));
}

#[test]
fn a_row_is_copied_as_text() {
    let mut window = window(4);
    window.get_by_label("netio.sys, 3").click();
    window.run_steps(3);
    window.event(Event::Copy);
    window.step();
    let copied = window.output().platform_output.commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied.as_deref(), Some("netio.sys\t3"));
}
