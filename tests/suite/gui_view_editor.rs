//! The view editor: available and chosen columns, dragged between others and across the bars, moved by buttons, and the properties
//! of a column; every change applies at once, and the preview shows it.

use egui_kittest::kittest::{NodeT as _, Queryable};
use poolscope::format;
use poolscope::format::column::ColumnUnit;
use poolscope::gui::commands::DocumentCommand;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers, Rect, pos2};

use crate::gui_harness::*;

const CTRL: Modifiers = Modifiers::COMMAND;

fn opened<'a>(path: &std::path::Path) -> Window<'a> {
    let mut window = open_file(path);
    press_with(&mut window, CTRL, Key::E);
    window.get_by_label("CHOSEN COLUMNS");
    window
}

/// Drags what is at a place to another one.
fn drag(window: &mut Window<'_>, from: Rect, to: (f32, f32)) {
    let start = from.center();
    window.hover_at(start);
    window.drag_at(start);
    window.step();
    for (x, y) in [(to.0, to.1 + 9.0), to, to] {
        window.hover_at(pos2(x, y));
        window.run_steps(2);
    }
    window.drop_at(pos2(to.0, to.1));
    window.run_steps(4);
    settle(window);
}

fn place(window: &Window<'_>, label: &str) -> Rect {
    window.get_by_label(label).rect()
}

/// Chooses an entry of a list with this accessible name.
fn choose(window: &mut Window<'_>, list: &str, entry: &str) {
    window.get_by_label(list).click();
    window.run_steps(4);
    window.get_by_role_and_label(Role::Button, entry).click();
    window.run_steps(4);
    settle(window);
}

#[test]
fn columns_are_searched_added_and_moved_by_name() {
    let (_folder, path) = folder();
    let mut window = opened(&path);
    // The keyboard is in the search at once.
    write(&mut window, "pea");
    assert!(window.query_by_label("Add CPU").is_none());
    click(&mut window, "Add Size (peak)");
    click(&mut window, "Move up Size (peak)");
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Size (peak), Count | Size");
    click(&mut window, "Move down Size (peak)");
    click(&mut window, "Properties of Count");
    click(&mut window, "Graph Count");
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Size (peak), Size | Count");
    click(&mut window, "Properties of Size (peak)");
    click(&mut window, "Move to key columns: Size (peak)");
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack, Size Class | Size | Count");
    click(&mut window, "Properties of Paged");
    click(&mut window, "Move to data columns: Paged");
    click(&mut window, "Remove Size Class");
    assert_eq!(columns(&window), "Type, Pool Tag, Stack | Size, Paged (unique) | Count");
    click(&mut window, "Reset columns");
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count | Size");
    click(&mut window, "OK");
    assert!(window.query_by_label("CHOSEN COLUMNS").is_none());
}

#[test]
fn a_drag_moves_a_column_between_others_and_across_both_bars() {
    let (_folder, path) = folder();
    let mut window = opened(&path);
    let (tag, kind) = (place(&window, "Properties of Pool Tag"), place(&window, "Properties of Type"));
    drag(&mut window, tag, (kind.center().x, kind.top() + 3.0));
    assert_eq!(columns(&window), "Pool Tag, Type, Paged, Stack | Count | Size");
    let (paged, bar) = (place(&window, "Properties of Paged"), place(&window, "Gold bar"));
    drag(&mut window, paged, (bar.center().x, bar.bottom() - 2.0));
    assert_eq!(columns(&window), "Pool Tag, Type, Stack | Paged (unique), Count | Size");
    let (back, bar) = (place(&window, "Properties of Paged (unique)"), place(&window, "Gold bar"));
    drag(&mut window, back, (bar.center().x, bar.top() + 2.0));
    assert_eq!(columns(&window), "Pool Tag, Type, Stack, Paged | Count | Size");
    let (count, bar) = (place(&window, "Properties of Count"), place(&window, "Blue bar"));
    drag(&mut window, count, (bar.center().x, bar.bottom() - 2.0));
    assert_eq!(columns(&window), "Pool Tag, Type, Stack, Paged | Size | Count");
}

#[test]
fn an_available_column_is_dragged_in_and_a_wrong_place_refuses() {
    let (_folder, path) = folder();
    let mut window = opened(&path);
    write(&mut window, "Average");
    let names = window.query_all_by_label("Average").map(|node| node.rect()).collect::<Vec<_>>();
    let name = names.into_iter().min_by(|a, b| a.left().total_cmp(&b.left())).expect("the available column");
    let count = place(&window, "Properties of Count");
    drag(&mut window, name, (count.center().x, count.top() + 3.0));
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Average, Count | Size");
    add(&mut window, "Growth (bytes/s)");
    let before = columns(&window);
    let (growth, kind) = (place(&window, "Properties of Growth (bytes/s)"), place(&window, "Properties of Type"));
    drag(&mut window, growth, (kind.center().x, kind.top() + 3.0));
    assert_eq!(columns(&window), before, "a growth groups no rows");
}

/// Adds a column of this title with the search.
fn add(window: &mut Window<'_>, title: &str) {
    window.get_by_role_and_label(Role::TextInput, "Search").focus();
    window.run_steps(2);
    press_with(window, CTRL, Key::A);
    write(window, title);
    click(window, &format!("Add {title}"));
}

#[test]
fn properties_change_aggregation_unit_width_order_and_freezing() {
    let (_folder, path) = folder();
    let mut window = opened(&path);
    let (_, truth) = made_up(&[]);
    let (count, size) = sums(&truth.ranges[0], |row| row.kind == "AIFO");
    click(&mut window, "Properties of Size");
    choose(&mut window, "Unit: Automatic", "MB");
    let column = |window: &Window<'_>, at: usize| document(window).query.columns.columns[at].clone();
    assert_eq!(column(&window, 5).unit, ColumnUnit::MB);
    let megabytes = format!("Size {:.2} MB", size as f64 / 1_048_576.0);
    let aifo =
        |window: &Window<'_>| labels_at(window, 0).into_iter().find(|l| l.starts_with("Type AIFO")).expect("AIFO");
    assert!(aifo(&window).ends_with(&megabytes), "{} {megabytes}", aifo(&window));
    choose(&mut window, "Aggregation: Sum", "Peak");
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count | Size (peak)");
    click(&mut window, "Properties of Count");
    assert!(aifo(&window).contains(&format!("Count {}", format::count(count))));
    click(&mut window, "Sort: Ascending");
    let sort = |window: &Window<'_>| document(window).query.columns.sort.clone();
    assert!(sort(&window).iter().any(|level| level.column == 4 && level.ascending));
    click(&mut window, "Sort: Descending");
    assert!(sort(&window).iter().any(|level| level.column == 4 && !level.ascending));
    click(&mut window, "Sort: None");
    assert!(sort(&window).iter().all(|level| level.column != 4));
    click(&mut window, "Properties of Paged");
    click(&mut window, "Freeze up to this column");
    assert_eq!(document(&window).query.columns.frozen, 2);
    click(&mut window, "Freeze up to this column");
    assert_eq!(document(&window).query.columns.frozen, 1);
    let width = |window: &Window<'_>| document(window).ui.table.widths().get(&1).copied();
    window.get_by_label("Width in points").focus();
    window.run_steps(2);
    press_with(&mut window, Modifiers::NONE, Key::ArrowUp);
    assert!(width(&window).is_some(), "the keyboard changes the width");
    click(&mut window, "Automatic width of Paged");
    assert_eq!(width(&window), None);
}

#[test]
fn the_preview_shows_what_the_columns_are() {
    let (_folder, path) = folder();
    let mut window = opened(&path);
    let preview = place(&window, "Preview");
    let headers = |window: &Window<'_>| -> Vec<String> {
        let inside = window.query_all_by_role(Role::ColumnHeader).filter(|node| preview.contains(node.rect().center()));
        inside.filter_map(|node| node.accesskit_node().label()).collect()
    };
    assert!(headers(&window).iter().any(|name| name.starts_with("Pool Tag")), "{:?}", headers(&window));
    write(&mut window, "Driver");
    click(&mut window, "Add Driver");
    assert!(headers(&window).iter().any(|name| name.starts_with("Driver")), "{:?}", headers(&window));
    click(&mut window, "Remove Count");
    assert!(!headers(&window).iter().any(|name| name.starts_with("Count")), "{:?}", headers(&window));
}

#[test]
fn a_preset_is_saved_from_the_editor() {
    let (_folder, path) = folder();
    let mut window = opened(&path);
    click(&mut window, "Remove Paged");
    window.get_by_label("Name of the preset").focus();
    window.run_steps(2);
    write(&mut window, "Leak hunt");
    window.get_by_label_contains("cannot be changed");
    press_with(&mut window, CTRL, Key::A);
    write(&mut window, "My view");
    click(&mut window, "Save preset");
    assert_eq!(document(&window).ui.preset, "My view");
    window.get_by_label("Preset: My view");
    click(&mut window, "Move up Stack");
    window.get_by_label("Preset: My view*");
    click(&mut window, "OK");
    preset(&mut window, "Leak hunt");
    preset(&mut window, "My view");
    assert_eq!(columns(&window), "Type, Pool Tag, Stack | Count | Size");
}

#[test]
fn the_pool_tag_module_is_a_column_with_the_driver_of_the_list() {
    let (folder, path) = folder();
    std::fs::write(folder.path().join("pooltag.txt"), "Leak - planted.sys - Leaks\n").expect("it can be written");
    let mut window = opened(&path);
    write(&mut window, "Module");
    click(&mut window, "Add Pool Tag Module");
    click(&mut window, "Remove Type");
    click(&mut window, "Remove Paged");
    click(&mut window, "Move up Pool Tag Module");
    assert_eq!(columns(&window), "Pool Tag Module, Pool Tag, Stack | Count | Size");
    let (_, truth) = made_up(&[]);
    let (count, size) = sums(&truth.ranges[0], |row| row.tag == "Leak");
    let wanted = label("Pool Tag Module planted.sys", count, size);
    assert!(labels_at(&window, 0).contains(&wanted), "{wanted} {:?}", labels_at(&window, 0));
}

#[test]
fn cancel_and_escape_restore_the_columns_and_apply_keeps_them() {
    let (_folder, path) = folder();
    let mut window = opened(&path);
    let before = columns(&window);
    add(&mut window, "Average");
    click(&mut window, "Properties of Pool Tag");
    click(&mut window, "Move down Pool Tag");
    click(&mut window, "Sort: Ascending");
    assert_ne!(columns(&window), before, "every change shows at once");
    click(&mut window, "Cancel");
    assert!(window.query_by_label("CHOSEN COLUMNS").is_none());
    assert_eq!(columns(&window), before);
    assert!(!document(&window).can(&DocumentCommand::Undo), "what was taken back is no change");
    press_with(&mut window, CTRL, Key::E);
    add(&mut window, "Average");
    let applied = columns(&window);
    click(&mut window, "Apply");
    add(&mut window, "Net Size");
    assert_ne!(columns(&window), applied);
    press(&mut window, Key::Escape);
    assert!(window.query_by_label("CHOSEN COLUMNS").is_none());
    assert_eq!(columns(&window), applied, "as they were when they were applied");
    press_with(&mut window, CTRL, Key::Z);
    assert_eq!(columns(&window), before, "what was applied can be undone");
    press_with(&mut window, CTRL, Key::E);
    add(&mut window, "Average");
    click(&mut window, "OK");
    assert_eq!(columns(&window), applied);
}
