//! The columns of the analysis page: dragged over the bars, moved by keys, chosen in menus and in the box, sorted by. Figures
//! are compared with what was planted.

use std::collections::{BTreeMap, BTreeSet};

use egui_kittest::kittest::Queryable;
use poolscope::format;
use poolscope::format::column::ColumnUnit;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers};
use poolscope_analysis::pivot::Metric;
use poolscope_synth::ground_truth::RangeGroundTruth;

use crate::gui_harness::*;

const CTRL: Modifiers = Modifiers::COMMAND;

/// Per tag: blocks, bytes, different types.
fn by_tag(truth: &RangeGroundTruth) -> BTreeMap<String, (u64, u64, usize)> {
    let mut tags: BTreeMap<String, (u64, u64, BTreeSet<&str>)> = BTreeMap::new();
    for row in &truth.rows {
        let tag = tags.entry(row.tag.clone()).or_default();
        tag.0 += row.totals.count;
        tag.1 += row.totals.size;
        tag.2.insert(row.kind);
    }
    tags.into_iter().map(|(tag, (count, size, types))| (tag, (count, size, types.len()))).collect()
}

fn gold(window: &Window<'_>) -> f32 {
    window.get_by_label("Gold bar: columns to its left group the rows").rect().center().x
}

fn blue(window: &Window<'_>) -> f32 {
    window.get_by_label("Blue bar: columns to its right are graphed").rect().right()
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

#[test]
fn a_key_dragged_to_the_front_groups_first() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let whole = &truth.ranges[0];
    let x = header(&window, "Type").left() + 4.0;
    drag_header(&mut window, "Pool Tag", x);
    assert_eq!(columns(&window), "Pool Tag, Type, Paged, Stack | Count | Size");
    let expected: Vec<String> =
        by_tag(whole).iter().map(|(tag, sums)| label(&format!("Pool Tag {tag}"), sums.0, sums.1)).collect();
    assert_eq!(sorted(labels_at(&window, 0)), sorted(expected));
    window.get_by_role_and_label(Role::TreeGrid, "Allocations").focus();
    window.run_steps(2);
    press_with(&mut window, Modifiers::NONE, Key::Home);
    window.get_by_label_contains(&labels_at(&window, 0)[0]);
}

#[test]
fn a_key_over_the_gold_bar_counts_its_values_and_comes_back() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let x = header(&window, "Type").left() + 4.0;
    drag_header(&mut window, "Pool Tag", x);
    let x = gold(&window) + 6.0;
    drag_header(&mut window, "Type", x);
    assert_eq!(columns(&window), "Pool Tag, Paged, Stack | Type (unique), Count | Size");
    let line = |(tag, (count, size, types)): (&String, &(u64, u64, usize))| {
        let (count, size) = (format::count(*count), format::bytes(*size));
        format!("Pool Tag {tag}, Type (unique) {types}, Count {count}, Size {size}")
    };
    let expected: Vec<String> = by_tag(&truth.ranges[0]).iter().map(line).collect();
    assert!(expected.iter().any(|line| line.contains("(unique) 1,")) && expected.iter().any(|l| l.contains(") 3,")));
    assert_eq!(sorted(labels_at(&window, 0)), sorted(expected));
    let x = gold(&window) - 6.0;
    drag_header(&mut window, "Type (unique)", x);
    assert_eq!(columns(&window), "Pool Tag, Paged, Stack, Type | Count | Size");
}

#[test]
fn a_figure_over_the_blue_bar_is_drawn_and_the_other_steps_back() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let x = blue(&window) + 8.0;
    drag_header(&mut window, "Count", x);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Size | Count");
    let data = document(&window).results.graph_data.as_ref().expect("curves");
    assert_eq!(data.title, "Outstanding count by Pool Tag");
    for series in data.series.iter().filter(|series| series.has_row) {
        let kept = sums(&truth.ranges[0], |row| row.tag == series.name && row.kind == "AIFO");
        assert_eq!(series.values.last().copied(), Some(kept.0 as f64), "{}", series.name);
    }
    // Nothing drawn: the place of the graph says what to do.
    let x = gold(&window) + 6.0;
    drag_header(&mut window, "Count", x);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count, Size | ");
    window.get_by_label_contains("Drag Size, Count or an impacting column across the blue bar");
    assert!(document(&window).results.graph_data.is_none());
}

#[test]
fn a_refused_drop_says_why() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let x = header(&window, "Type").center().x;
    hold_header(&mut window, "Count", x);
    window.get_by_label_contains("Count is a data column and cannot group rows.");
    let y = header(&window, "Count").center().y;
    window.drop_at(poolscope::gui::egui::pos2(x, y));
    window.run_steps(3);
    let x = blue(&window) + 8.0;
    hold_header(&mut window, "Pool Tag", x);
    window.get_by_label_contains("Pool Tag is a key column and cannot be graphed.");
    window.drop_at(poolscope::gui::egui::pos2(x, y));
    window.run_steps(3);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count | Size");
}

#[test]
fn a_column_that_fits_nowhere_else_says_why_for_both_places() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    header_menu(&mut window, "Count", &["Add data column", "Growth (bytes/s)"]);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count, Growth (bytes/s) | Size");
    let x = blue(&window) + 8.0;
    hold_header(&mut window, "Growth (bytes/s)", x);
    window.get_by_label_contains("Growth (bytes/s) cannot be graphed");
}

#[test]
fn keys_move_a_header_over_the_bars() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    window.get_by_role_and_label(Role::ColumnHeader, "Stack").focus();
    window.run_steps(2);
    press_with(&mut window, CTRL, Key::ArrowRight);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag | Stack (unique), Count | Size");
    // The header keeps the keyboard on its way.
    press_with(&mut window, CTRL, Key::ArrowLeft);
    press_with(&mut window, CTRL, Key::ArrowLeft);
    assert_eq!(columns(&window), "Type, Paged, Stack, Pool Tag | Count | Size");
    window.get_by_role_and_label(Role::ColumnHeader, "Count").focus();
    window.run_steps(2);
    press_with(&mut window, CTRL, Key::ArrowRight);
    assert_eq!(columns(&window), "Type, Paged, Stack, Pool Tag | Size | Count");
}

#[test]
fn what_decided_the_order_is_forgotten_with_its_role() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    window.get_by_role_and_label(Role::ColumnHeader, "Paged").click();
    window.run_steps(3);
    window.get_by_role_and_label(Role::ColumnHeader, "Paged, sorted ascending");
    assert_eq!(document(&window).query.columns.sort.len(), 1);
    let x = gold(&window) + 6.0;
    drag_header(&mut window, "Paged", x);
    window.get_by_role_and_label(Role::ColumnHeader, "Paged (unique)");
    assert_eq!(document(&window).query.columns.sort, []);
}

/// The numbers of a figure along the children of the open rows: one list for each parent.
fn siblings(window: &Window<'_>, figures: &[Metric]) -> Vec<Vec<Vec<f64>>> {
    let flat = document(window).results.rows.as_ref().expect("rows").flat();
    let mut of: BTreeMap<u32, Vec<Vec<f64>>> = BTreeMap::new();
    for index in 0..flat.len() {
        let node = flat.node_at(index).expect("a row");
        let known = |figure: &Metric| flat.value(node, *figure).expect("computed").as_f64().expect("a number");
        of.entry(flat.tree().parent(node).0).or_default().push(figures.iter().map(known).collect());
    }
    of.into_values().collect()
}

#[test]
fn two_columns_sort_together() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    header_menu(&mut window, "Count", &["Add data column", "Average"]);
    let name = header_name(&window, "Count");
    window.get_by_role_and_label(Role::ColumnHeader, &name).click();
    window.run_steps(3);
    let name = header_name(&window, "Size");
    window.get_by_role_and_label(Role::ColumnHeader, &name).click_modifiers(Modifiers::SHIFT);
    window.run_steps(3);
    window.get_by_role_and_label(Role::ColumnHeader, "Count, sorted descending, first");
    let name = window.get_by_role_and_label(Role::ColumnHeader, "Size, sorted descending, second");
    name.click_modifiers(Modifiers::SHIFT);
    window.run_steps(3);
    window.get_by_role_and_label(Role::ColumnHeader, "Size, sorted ascending, second");
    let mut told_apart = 0;
    for rows in siblings(&window, &[Metric::Count, Metric::Size]) {
        for pair in rows.windows(2) {
            assert!(pair[0][0] >= pair[1][0], "{rows:?}");
            if pair[0][0] == pair[1][0] {
                assert!(pair[0][1] <= pair[1][1], "{rows:?}");
                told_apart += u32::from(pair[0][1] < pair[1][1]);
            }
        }
    }
    assert!(told_apart > 0, "the second column decides somewhere");
}

#[test]
fn figures_that_come_later_sort_too() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    header_menu(&mut window, "Count", &["Add data column", "Size (peak)"]);
    let name = header_name(&window, "Size (peak)");
    window.get_by_role_and_label(Role::ColumnHeader, &name).click();
    window.run_steps(3);
    settle(&mut window);
    window.get_by_role_and_label(Role::ColumnHeader, "Size (peak), sorted descending");
    for rows in siblings(&window, &[Metric::PeakSize, Metric::Size]) {
        assert!(rows.windows(2).all(|pair| pair[0][0] >= pair[1][0]), "{rows:?}");
        assert!(rows.iter().all(|row| row[0] <= row[1] && row[0] > 0.0), "no peak is above the sum: {rows:?}");
    }
    // What is opened now gets its peaks, and the right order, too.
    click(&mut window, "Collapse AIFO");
    click(&mut window, "Expand AIFI");
    for rows in siblings(&window, &[Metric::PeakSize]) {
        assert!(rows.windows(2).all(|pair| pair[0][0] >= pair[1][0]), "{rows:?}");
    }
}

#[test]
fn the_menu_of_a_header_changes_the_columns() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let (count, size) = sums(&truth.ranges[0], |row| row.kind == "AIFO");
    header_menu(&mut window, "Count", &["Group by", "Driver"]);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Driver, Stack | Count | Size", "where it can be seen");
    header_menu(&mut window, "Driver", &["Remove"]);
    header_menu(&mut window, "Count", &["Add data column", "Average"]);
    header_menu(&mut window, "Size", &["Unit", "MB"]);
    let average = format::bytes((size as f64 / count as f64) as u64);
    let wanted = format!("Type AIFO, Count {}, Average {average}, Size ", format::count(count));
    let aifo = labels_at(&window, 0).into_iter().find(|l| l.starts_with("Type AIFO")).expect("AIFO");
    assert!(aifo.starts_with(&wanted), "{aifo} {wanted}");
    let megabytes = format!("{:.2} MB", size as f64 / 1_048_576.0);
    assert!(aifo.ends_with(&megabytes), "{aifo} {megabytes}");
    header_menu(&mut window, "Size", &["Unit", "Bytes"]);
    let aifo = labels_at(&window, 0).into_iter().find(|l| l.starts_with("Type AIFO")).expect("AIFO");
    assert!(aifo.ends_with(&format!("Size {} B", format::count(size))), "{aifo}");
    header_menu(&mut window, "Average", &["Aggregation", "Maximum"]);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count, Max | Size");
    header_menu(&mut window, "Size", &["Aggregation", "Peak"]);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count, Max | Size (peak)");
    assert!(document(&window).query.columns.columns.iter().any(|c| c.unit == ColumnUnit::Automatic));
    header_menu(&mut window, "Paged", &["Freeze up to this column"]);
    assert_eq!(document(&window).query.columns.frozen, 2);
    header_menu(&mut window, "Paged", &["Unfreeze"]);
    assert_eq!(document(&window).query.columns.frozen, 0);
    let before = header(&window, "Stack").width();
    header_menu(&mut window, "Stack", &["Fit width"]);
    assert_ne!(header(&window, "Stack").width(), before);
    header_menu(&mut window, "Stack", &["Add to sort"]);
    header_menu(&mut window, "Type", &["Remove"]);
    assert_eq!(columns(&window), "Paged, Pool Tag, Stack | Count, Max | Size (peak)");
}

#[test]
fn the_last_key_stays() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    for title in ["Type", "Paged", "Stack"] {
        header_menu(&mut window, title, &["Remove"]);
    }
    header_menu(&mut window, "Pool Tag", &["Remove"]);
    window.get_by_label_contains("At least one key column is required.");
    assert_eq!(columns(&window), "Pool Tag | Count | Size");
}

#[test]
fn the_same_column_stands_twice() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let (_, size) = sums(&truth.ranges[0], |row| row.kind == "AIFO");
    header_menu(&mut window, "Count", &["Add data column", "Size"]);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count, Size | Size");
    let aifo = labels_at(&window, 0).into_iter().find(|l| l.starts_with("Type AIFO")).expect("AIFO");
    let twice = format!("Size {0}, Size {0}", format::bytes(size));
    assert!(aifo.ends_with(&twice), "{aifo}");
    header_menu(&mut window, "Count", &["Aggregation", "Peak"]);
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count (peak), Size | Size");
}
