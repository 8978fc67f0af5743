//! The whole window over made-up traces with known contents, driven without a display by accessible names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::format;
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers};
use poolscope::gui::widgets::pivot_table::TreeModel;

use crate::gui_harness::*;

#[test]
fn a_trace_opens_at_its_largest_leak() {
    let (_folder, path) = folder();
    let window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let whole = &truth.ranges[0];
    for kind in ["AIFO", "AIFI"] {
        window.get_by_label(&type_label(whole, kind));
    }
    let (paged, tag) = largest(whole);
    let row = whole.rows.iter().find(|r| (r.kind, r.paged, &r.tag) == ("AIFO", paged, &tag));
    let sums = row.expect("it is there").totals;
    let name = label(&format!("Pool Tag {tag}"), sums.count, sums.size);
    let row = window.get_by_label(&name);
    assert_eq!(row.accesskit_node().data().is_expanded(), Some(true));
    assert_eq!(row.accesskit_node().data().is_selected(), Some(true));
    let details = app(&window).document().and_then(|d| d.results.details.as_ref());
    assert!(!details.expect("details of the tag").stack.is_empty());
    window.get_by_role_and_label(Role::ColumnHeader, "Size, sorted descending");
}

#[test]
fn clicks_and_arrows_walk_down_to_the_allocating_call() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    window.get_by_label(&type_label(&truth.ranges[0], "AIFI")).click();
    window.run_steps(2);
    assert_eq!(cursor(&window).text, "AIFI");
    for _ in 0..400 {
        if !cursor(&window).expandable {
            break;
        }
        press(&mut window, Key::ArrowRight);
    }
    let innermost = cursor(&window);
    assert!(!innermost.expandable && innermost.key_column == 3, "{innermost:?}");
    assert!(innermost.indent > 3, "a call, not a root: {innermost:?}");
    let details = app(&window).document().and_then(|d| d.results.details.as_ref());
    assert_eq!(details.expect("details").stack[0], innermost.text);
    for _ in 0..400 {
        press(&mut window, Key::ArrowLeft);
    }
    let top = cursor(&window);
    assert!(top.text == "AIFI" && !top.expanded);
    // A click beside everything does not take the arrows away.
    window.get_by_label_contains("Visible range ").click();
    window.run_steps(4);
    press(&mut window, Key::ArrowRight);
    assert!(cursor(&window).expanded);
    press(&mut window, Key::ArrowLeft);
    window.get_by_label("Expand AIFI").click();
    window.run_steps(2);
    window.get_by_label("Collapse AIFI");
}

#[test]
fn a_header_sorts_and_sorts_the_other_way_round() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    window.get_by_role_and_label(Role::ColumnHeader, "Count").click();
    window.run_steps(2);
    window.get_by_role_and_label(Role::ColumnHeader, "Count, sorted descending").click();
    window.run_steps(2);
    window.get_by_role_and_label(Role::ColumnHeader, "Count, sorted ascending");
    let rows = app(&window).document().and_then(|d| d.results.rows.as_ref()).expect("rows");
    let tree = rows.flat().tree();
    let mut counts = Vec::new();
    for index in 0..rows.row_count() {
        let node = rows.flat().node_at(index).expect("a row");
        if tree.depth(node) == 1 {
            counts.push(tree.aggregate(node).count());
        }
    }
    assert!(counts.len() > 1 && counts.is_sorted(), "{counts:?}");
}

#[test]
fn a_zoom_classifies_anew_and_keeps_what_was_open() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let before = app(&window).document().expect("open").results.details.clone().expect("details");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    window.run_steps(2);
    settle(&mut window);
    let view = app(&window).document().expect("open").visible_range();
    let whole = app(&window).document().expect("open").whole();
    assert!((view.span() - whole.span() / 2.0).abs() < 1e-3);
    let (_, truth) = made_up(&[(view.from, view.to)]);
    let inside = &truth.ranges[1];
    for kind in ["AIFI", "AIFO", "AOFO"] {
        window.get_by_label_contains(&type_label(inside, kind));
    }
    let after = app(&window).document().expect("open").results.details.clone().expect("still selected");
    assert_eq!(after.keys, before.keys);
    assert_ne!(after.figures, before.figures);
    let (_, tag) = largest(&truth.ranges[0]);
    window.get_by_label(&format!("Collapse {tag}"));
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Minus);
    window.run_steps(2);
    settle(&mut window);
    window.get_by_label(&type_label(&truth.ranges[0], "AIFO"));
    let back = app(&window).document().expect("open").results.details.clone();
    assert_eq!(back, Some(before));
}

#[test]
fn a_dragged_range_shows_its_totals() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    drag_graph(&mut window, 0.5, 0.65);
    settle(&mut window);
    let document = app(&window).document().expect("open");
    let view = document.results.totals.as_ref().expect("totals").range;
    let range = document.seconds(view);
    let (_, truth) = made_up(&[(range.from, range.to)]);
    let kept = truth.ranges[1].rows.iter().filter(|r| r.kind == "AIFO");
    let (count, size) = kept.fold((0, 0), |(c, s), r| (c + r.totals.count, s + r.totals.size));
    assert!(count > 0);
    let text = format!(
        "Outstanding at end: {} in {}",
        format::bytes(size),
        format::counted(count, "allocation", "allocations")
    );
    window.get_by_label(&text);
    // Ctrl+. shows it.
    window.key_press_modifiers(Modifiers::COMMAND, Key::Period);
    window.run_steps(2);
    settle(&mut window);
    window.get_by_label(&type_label(&truth.ranges[1], "AIFO"));
}

#[test]
fn a_load_is_given_up_and_the_trace_before_stays() {
    let mut window = window(OpenRequest::File(PathBuf::from("slow")));
    window.run_steps(3);
    window.get_by_label("Opening slow");
    window.get_by_label("Cancel").click();
    window.run_steps(3);
    window.get_by_label("Find what leaks kernel pool");
    assert!(!app(&window).is_busy());
    let (_folder, path) = folder();
    drop_file(&mut window, &path);
    settle(&mut window);
    drop_file(&mut window, Path::new("slow"));
    window.run_steps(3);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
    window.get_by_label("Cancel").click();
    window.run_steps(3);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
    assert!(!app(&window).is_busy());
}

#[test]
fn a_file_that_is_no_trace_gets_a_page_that_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("letter.txt");
    std::fs::write(&path, "Dear reader, this is no trace. ".repeat(100)).expect("a file");
    let mut window = open_file(&path);
    window.get_by_label("letter.txt was not opened");
    window.get_by_label_contains("is not an event trace log");
    window.get_by_label_contains("Choose a file that wpr");
    // Over an open trace it is a box, and the trace stays.
    let (_good, good) = crate::gui_harness::folder();
    drop_file(&mut window, &good);
    settle(&mut window);
    drop_file(&mut window, &path);
    settle(&mut window);
    window.get_by_label("letter.txt was not opened");
    window.get_by_label("Close").click();
    window.run_steps(8);
    assert!(window.query_by_label("letter.txt was not opened").is_none());
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
}

#[test]
fn without_a_dialog_the_open_box_appears_by_itself() {
    let (_folder, path) = folder();
    let mut window = window(OpenRequest::Nothing);
    window.run_steps(2);
    window.key_press_modifiers(Modifiers::COMMAND, Key::O);
    for _ in 0..PATIENCE {
        window.step();
        if window.query_by_label("Open trace").is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    window.run_steps(4);
    let field = window.get_by_role_and_label(Role::TextInput, "Path");
    field.focus();
    window.run_steps(2);
    window.event(Event::Text(path.display().to_string()));
    window.run_steps(2);
    window.key_press(Key::Enter);
    window.run_steps(2);
    settle(&mut window);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
    assert!(window.query_by_label("Open trace").is_none());
}
