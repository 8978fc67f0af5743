//! Zoom, find and filter on the analysis page, against what was planted.

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::format;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers};
use poolscope::gui::widgets::pivot_table::{TreeModel, row_label};
use poolscope_synth::ground_truth::RangeGroundTruth;

use crate::gui_harness::*;

const CTRL: Modifiers = Modifiers::COMMAND;

/// The labels of the types' rows, by the truth, of the rows that `wanted` takes.
fn types(truth: &RangeGroundTruth, wanted: impl Fn(&poolscope_synth::ground_truth::TagTotals) -> bool) -> Vec<String> {
    let mut labels = Vec::new();
    for kind in ["AIFI", "AIFO", "AOFI", "AOFO"] {
        let (count, size) = sums(truth, |row| row.kind == kind && wanted(row));
        if count > 0 {
            labels.push(label(&format!("Type {kind}"), count, size));
        }
    }
    labels
}

fn tops(window: &Window<'_>) -> Vec<String> {
    let mut labels = labels_at(window, 0);
    labels.sort();
    labels
}

fn leak() -> String {
    largest(&made_up(&[]).1.ranges[0]).1
}

#[test]
fn a_zoom_classifies_what_the_filter_leaves() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let tag = leak();
    filter(&mut window, &format!("tag:={tag}"));
    let (_, truth) = made_up(&[]);
    assert_eq!(tops(&window), types(&truth.ranges[0], |row| row.tag == tag));
    press_with(&mut window, CTRL, Key::Plus);
    let near = document(&window).visible_range();
    press_with(&mut window, CTRL, Key::Plus);
    let nearer = document(&window).visible_range();
    let (_, truth) = made_up(&[(near.from, near.to), (nearer.from, nearer.to)]);
    let at = |range: usize| types(&truth.ranges[range], |row| row.tag == tag);
    assert_eq!(tops(&window), at(2));
    click(&mut window, "Zoom back");
    assert_eq!(tops(&window), at(1));
    assert_ne!(at(1), at(2));
    click(&mut window, "Zoom back");
    assert_eq!(tops(&window), at(0));
    click(&mut window, "Zoom forward");
    click(&mut window, "Zoom forward");
    assert_eq!(tops(&window), at(2));
    click(&mut window, "Zoom to the whole trace");
    assert_eq!(tops(&window), at(0));
}

#[test]
fn a_filter_by_type_follows_the_zoom() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    filter(&mut window, "type:AIFO");
    let (_, truth) = made_up(&[]);
    assert_eq!(tops(&window), types(&truth.ranges[0], |row| row.kind == "AIFO"));
    press_with(&mut window, CTRL, Key::Plus);
    let view = document(&window).visible_range();
    let (_, truth) = made_up(&[(view.from, view.to)]);
    assert_eq!(tops(&window), types(&truth.ranges[1], |row| row.kind == "AIFO"));
}

/// Rows of the tree down to the tag whose text has `needle` in it, by the truth.
fn rows_with(truth: &RangeGroundTruth, needle: &str) -> usize {
    truth.rows.iter().filter(|row| row.tag.to_lowercase().contains(needle)).count()
}

#[test]
fn find_goes_through_rows_that_are_closed() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let tag = leak();
    let wanted = rows_with(&truth.ranges[0], &tag.to_lowercase());
    assert!(wanted > 1);
    press_with(&mut window, CTRL, Key::F);
    write(&mut window, &tag.to_lowercase());
    window.get_by_label(&format!("{wanted} rows"));
    let mut seen = Vec::new();
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    window.get_by_label(&format!("1 of {wanted}"));
    seen.push(cursor(&window).id);
    for number in 2..=wanted {
        press_with(&mut window, Modifiers::NONE, Key::F3);
        window.get_by_label(&format!("{number} of {wanted}"));
        assert_eq!(cursor(&window).text, tag);
        seen.push(cursor(&window).id);
    }
    let last = cursor(&window).id;
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), wanted, "every match is another row");
    press_with(&mut window, Modifiers::NONE, Key::F3);
    window.get_by_label(&format!("1 of {wanted}"));
    press_with(&mut window, Modifiers::SHIFT, Key::F3);
    assert_eq!(cursor(&window).id, last);
    press_with(&mut window, Modifiers::SHIFT, Key::Enter);
    window.get_by_label(&format!("{} of {wanted}", wanted - 1));
    // Another view has other rows; they are counted without being asked.
    press_with(&mut window, CTRL, Key::Plus);
    let view = document(&window).visible_range();
    let (_, truth) = made_up(&[(view.from, view.to)]);
    let wanted = rows_with(&truth.ranges[1], &tag.to_lowercase());
    window.get_by_label_contains(&format!(" of {wanted}"));
    write(&mut window, "zzz");
    window.get_by_label("No rows");
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("No rows").is_none(), "Escape closes the bar");
    let before = cursor(&window).id;
    press(&mut window, Key::ArrowDown);
    assert_ne!(cursor(&window).id, before, "the table has the keyboard again");
}

#[test]
fn a_search_goes_back_when_it_is_asked_to_at_once() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let tag = leak();
    let wanted = rows_with(&made_up(&[]).1.ranges[0], &tag.to_lowercase());
    press_with(&mut window, CTRL, Key::F);
    // No frame between the text and the key: the search is not done yet.
    window.event(Event::Text(tag));
    window.key_press_modifiers(Modifiers::SHIFT, Key::Enter);
    window.run_steps(3);
    settle(&mut window);
    window.get_by_label(&format!("{wanted} of {wanted}"));
}

#[test]
fn a_search_goes_on_after_its_bar_was_closed() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let tag = leak();
    press_with(&mut window, CTRL, Key::F);
    write(&mut window, &tag);
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    press_with(&mut window, Modifiers::NONE, Key::F3);
    assert_eq!(cursor(&window).text, tag);
    window.get_by_label_contains("1 of ");
}

#[test]
fn callers_of_a_function_are_found() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    for _ in 0..40 {
        press(&mut window, Key::ArrowRight);
    }
    settle(&mut window);
    let frame = cursor(&window).text;
    command(&mut window, "Find callers");
    assert_eq!(document(&window).ui.finder.text, frame);
    assert_eq!(document(&window).query.filter.steps().len(), 1);
    assert_eq!(cursor(&window).text, frame, "the first call of it");
    assert!(document(&window).ui.finder.total() >= 1);
}

#[test]
fn a_zoom_keeps_the_row_where_it_is_on_the_screen() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    click(&mut window, "Collapse AIFO");
    go_down_into(&mut window, "AIFI");
    let place = |window: &Window<'_>| {
        let row = cursor(window);
        let rows = document(window).results.rows.as_ref().expect("rows");
        let label = row_label(rows.columns(), &row);
        window.get_by_role_and_label(Role::Row, &label).rect().top()
    };
    let (text, before, first) = (cursor(&window).text, place(&window), document(&window).ui.table.position());
    assert!(first.row > 0, "it is scrolled");
    press_with(&mut window, CTRL, Key::Plus);
    assert_eq!(cursor(&window).text, text);
    assert!((place(&window) - before).abs() < 1.0, "{} {before}", place(&window));
}

/// Opens everything below a row and goes some rows down.
fn go_down_into(window: &mut Window<'_>, top: &str) {
    press(window, Key::Home);
    while cursor(window).text != top {
        press(window, Key::ArrowDown);
    }
    window.event(Event::Text("*".to_owned()));
    window.run_steps(3);
    for _ in 0..400 {
        press(window, Key::ArrowDown);
        if cursor(window).key_column == 2 && document(window).ui.table.position().row > 20 {
            break;
        }
    }
    press(window, Key::ArrowDown);
    press(window, Key::ArrowUp);
    settle(window);
}

#[test]
fn case_matters_when_asked() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    press_with(&mut window, CTRL, Key::F);
    write(&mut window, "aifo");
    window.get_by_label("1 row");
    assert!(all_rows(&window).iter().any(|row| row.text == "AIFO" && row.found));
    click(&mut window, "Match case");
    window.get_by_label("No rows");
    assert!(!all_rows(&window).iter().any(|row| row.found), "only what is found is marked");
}

/// Clicks a row by the beginning of its name.
fn click_row(window: &mut Window<'_>, begins: &str, modifiers: Modifiers) {
    let names = all_rows(window).into_iter().map(|row| row.text).collect::<Vec<_>>();
    assert!(!names.is_empty());
    let row = window
        .get_all_by_role(Role::Row)
        .find(|row| row.accesskit_node().label().is_some_and(|label| label.starts_with(begins)));
    row.expect("the row is on the screen").click_modifiers(modifiers);
    window.run_steps(3);
    settle(window);
}

#[test]
fn the_selection_is_kept_or_left_out() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let whole = &truth.ranges[0];
    click_row(&mut window, "Type AIFI", Modifiers::NONE);
    click_row(&mut window, "Type AOFI", CTRL);
    press_with(&mut window, CTRL, Key::Enter);
    assert_eq!(tops(&window), types(whole, |row| ["AIFI", "AOFI"].contains(&row.kind)));
    window.get_by_label("2 rows");
    click(&mut window, "Expand AIFI");
    click_row(&mut window, "Paged Paged", Modifiers::NONE);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::Enter);
    let left = |row: &poolscope_synth::ground_truth::TagTotals| {
        row.kind == "AOFI" || (row.kind == "AIFI" && row.paged == "NonPaged")
    };
    assert_eq!(tops(&window), types(whole, left));
    window.get_by_label("not AIFI / Paged");
    // The graph and the sums of a range obey.
    curves_are_those_of(&window, &truth, left);
    press_with(&mut window, CTRL, Key::Z);
    assert_eq!(tops(&window), types(whole, |row| ["AIFI", "AOFI"].contains(&row.kind)));
    press_with(&mut window, CTRL, Key::Z);
    assert_eq!(tops(&window), types(whole, |_| true));
    press_with(&mut window, CTRL, Key::Y);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::Z);
    assert_eq!(tops(&window), types(whole, left));
    click(&mut window, "Remove 2 rows");
    assert_eq!(tops(&window), types(whole, |row| row.kind != "AIFI" || row.paged == "NonPaged"));
    click(&mut window, "Clear filter");
    assert_eq!(tops(&window), types(whole, |_| true));
    click(&mut window, "Undo");
    window.get_by_label("not AIFI / Paged");
}

/// The cumulative curves end at the bytes that the filter leaves.
fn curves_are_those_of(
    window: &Window<'_>,
    truth: &poolscope_synth::GroundTruth,
    left: impl Fn(&poolscope_synth::ground_truth::TagTotals) -> bool,
) {
    let data = document(window).results.graph_data.as_ref().expect("curves");
    assert!(!data.series.is_empty());
    for series in data.series.iter().filter(|series| series.has_row) {
        let kept = sums(&truth.ranges[0], |row| row.tag == series.name && row.kind == "AIFO" && left(row));
        assert_eq!(series.values.last().copied(), Some(kept.1 as f64), "{}", series.name);
    }
}

#[test]
fn curves_and_sums_of_a_range_obey_the_filter() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let tag = leak();
    drag_graph(&mut window, 0.4, 0.7);
    settle(&mut window);
    filter(&mut window, &format!("tag:={tag}"));
    let totals = document(&window).results.totals.as_ref().expect("the sums of the range");
    let range = document(&window).seconds(totals.range);
    let (_, truth) = made_up(&[(range.from, range.to)]);
    let (count, size) = sums(&truth.ranges[1], |row| row.tag == tag && row.kind == "AIFO");
    window.get_by_label(&format!(
        "Outstanding at end: {} in {}",
        format::bytes(size),
        format::counted(count, "allocation", "allocations")
    ));
    let data = document(&window).results.graph_data.as_ref().expect("curves");
    let names: Vec<&str> = data.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, [tag.as_str()]);
    curves_are_those_of(&window, &truth, |_| true);
    // A preset that brings a filter of its own changes the sums too.
    preset(&mut window, "Churn");
    let (count, size) = sums(&truth.ranges[1], |row| row.tag == tag && row.kind == "AIFO");
    assert!(count > 0 && size > 0);
    window.get_by_label_contains("Outstanding at end: 0 B in 0 allocations");
}

#[test]
fn a_query_is_completed_by_keys() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::F);
    write(&mut window, "typ");
    press_with(&mut window, Modifiers::NONE, Key::Tab);
    assert_eq!(document(&window).ui.query_box.text, "type:");
    write(&mut window, "AI");
    press_with(&mut window, Modifiers::NONE, Key::ArrowDown);
    press_with(&mut window, Modifiers::NONE, Key::ArrowDown);
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(document(&window).ui.query_box.text.trim_end(), "type:AIFO");
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    let (_, truth) = made_up(&[]);
    assert_eq!(tops(&window), types(&truth.ranges[0], |row| row.kind == "AIFO"));
    // The step can be changed in its place; it holds until that is done.
    click(&mut window, "Change type:AIFO");
    assert_eq!(document(&window).ui.query_box.text, "type:AIFO");
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(document(&window).ui.query_box.text, "");
    window.get_by_label("Remove type:AIFO");
    click(&mut window, "Change type:AIFO");
    write(&mut window, " size:>64");
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    let steps: Vec<String> = document(&window).query.filter.steps().iter().map(|step| step.title()).collect();
    assert_eq!(steps, ["type:AIFO size:>64"]);
}

#[test]
fn a_completion_is_taken_by_a_click() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::F);
    write(&mut window, "type:AIF");
    window.get_by_role_and_label(Role::Button, "AIFO").click();
    window.run_steps(4);
    assert_eq!(document(&window).ui.query_box.text.trim_end(), "type:AIFO");
    assert!(document(&window).ui.query_box.error.is_none());
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    window.get_by_label("Remove type:AIFO");
}

#[test]
fn an_error_in_a_query_is_told_in_its_place() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    filter(&mut window, "tga:Leak");
    let (place, words) = document(&window).ui.query_box.error.clone().expect("an error");
    assert_eq!(place, 0..3);
    assert!(words.contains("tag"), "it says what was meant: {words}");
    assert_eq!(document(&window).query.filter.steps().len(), 0);
    window.get_by_label(&words);
    let field = window.get_by_role_and_label(Role::TextInput, "Query");
    assert!(field.accesskit_node().is_focused(), "to be put right at once");
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(document(&window).ui.query_box.text, "");
    assert!(window.query_by_label(&words).is_none());
}

#[test]
fn a_filter_that_leaves_nothing_leads_back() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let before = cursor(&window);
    filter(&mut window, "size:>100GB");
    window.get_by_label("No allocations in the visible range match the filter.");
    assert!(document(&window).results.details.is_none());
    // Keys find nothing to act on, and harm nothing.
    for key in [Key::ArrowDown, Key::ArrowRight, Key::End, Key::F3] {
        press_with(&mut window, Modifiers::NONE, key);
    }
    let undo = window.get_all_by_label("Undo").last().expect("a way back").rect();
    window.hover_at(undo.center());
    window.drag_at(undo.center());
    window.drop_at(undo.center());
    window.run_steps(3);
    settle(&mut window);
    assert_eq!(cursor(&window).text, before.text, "the cursor is where it was");
    assert!(window.query_by_label("No allocations in the visible range match the filter.").is_none());
}

#[test]
fn a_cursor_whose_row_is_filtered_out_begins_anew() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let gone = cursor(&window).text;
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::Enter);
    assert!(document(&window).ui.table.cursor().is_none() && document(&window).results.details.is_none());
    press(&mut window, Key::ArrowDown);
    settle(&mut window);
    assert!(document(&window).results.details.is_some());
    assert_ne!(cursor(&window).text, gone);
    press_with(&mut window, CTRL, Key::Z);
    assert!(all_rows(&window).iter().any(|row| row.text == gone));
}
