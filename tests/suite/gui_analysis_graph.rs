//! The graph of the analysis page and what ties it to the rows: legend, squares, pinned rows, marks, layouts.

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::document::Layout;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers};
use poolscope::gui::widgets::graph::{GraphData, Series};
use poolscope_analysis::trace::time::Ticks;
use poolscope_synth::{GroundTruthRequest, SynthParams, write_trace};

use crate::gui_harness::*;

const CTRL: Modifiers = Modifiers::COMMAND;

fn curves<'w>(window: &'w Window<'_>) -> &'w GraphData {
    document(window).results.graph_data.as_ref().expect("curves")
}

fn curve<'w>(window: &'w Window<'_>, name: &str) -> &'w Series {
    curves(window).series.iter().find(|series| series.name == name).expect("a curve of this name")
}

/// The square of the row under the cursor is filled.
fn square_is_on(window: &Window<'_>) -> bool {
    cursor(window).swatch.expect("the row has a curve").on
}

#[test]
fn legend_and_squares_switch_the_same_curve() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let tag = cursor(&window).text;
    assert!(curve(&window, &tag).on && curve(&window, &tag).marked && square_is_on(&window));
    let others = curves(&window).series.len();
    click(&mut window, &format!("Show {tag}"));
    assert!(!curve(&window, &tag).on && !square_is_on(&window));
    window.get_by_role_and_label(Role::TreeGrid, "Allocations").focus();
    window.run_steps(2);
    write(&mut window, ".");
    assert!(curve(&window, &tag).on && square_is_on(&window));
    // Alone, and all again.
    window.get_by_label(&format!("Show {tag}")).click_modifiers(Modifiers::ALT);
    window.run_steps(3);
    let drawn = |window: &Window<'_>| curves(window).series.iter().filter(|series| series.on).count();
    assert!(drawn(&window) == 1 && curve(&window, &tag).on);
    command(&mut window, "Show all series");
    assert_eq!(drawn(&window), others);
    // A switch survives a zoom.
    click(&mut window, &format!("Show {tag}"));
    press_with(&mut window, CTRL, Key::Plus);
    assert!(!curve(&window, &tag).on);
}

#[test]
fn the_cursors_curve_is_emphasised() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let before = cursor(&window).text;
    let marked = |window: &Window<'_>| {
        let all = curves(window).series.iter().filter(|series| series.marked);
        all.map(|series| series.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(marked(&window), [before]);
    // A row without a curve of its own gets one as long as it is selected.
    press(&mut window, Key::Home);
    settle(&mut window);
    assert_eq!(marked(&window), [cursor(&window).text]);
    let (_, truth) = made_up(&[]);
    let kind = cursor(&window).text;
    let kept = sums(&truth.ranges[0], |row| row.kind == kind && row.kind == "AIFO").1;
    assert_eq!(curve(&window, &kind).values.last().copied(), Some(kept as f64));
    let with = curves(&window).series.len();
    for _ in 0..20 {
        if cursor(&window).key_column == 2 {
            break;
        }
        press(&mut window, Key::ArrowDown);
    }
    settle(&mut window);
    assert_eq!(curves(&window).series.len(), with - 1, "it is gone with the cursor");
}

#[test]
fn pinned_rows_have_curves_of_their_own() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let (paged, _) = largest(&truth.ranges[0]);
    press(&mut window, Key::ArrowLeft);
    press(&mut window, Key::ArrowLeft);
    settle(&mut window);
    assert_eq!(cursor(&window).text, paged);
    press_with(&mut window, CTRL, Key::G);
    let name = format!("AIFO / {paged}");
    press(&mut window, Key::Home);
    press(&mut window, Key::End);
    settle(&mut window);
    let kept = sums(&truth.ranges[0], |row| row.kind == "AIFO" && row.paged == paged);
    assert_eq!(curve(&window, &name).values.last().copied(), Some(kept.1 as f64));
    // Its line in the legend leads back to the row.
    click(&mut window, &format!("Select row of {name}"));
    assert_eq!(cursor(&window).text, paged);
    // It stays in another view, and goes when asked to.
    press_with(&mut window, CTRL, Key::Plus);
    assert_eq!(curves(&window).series.iter().filter(|series| series.name == name).count(), 1);
    press_with(&mut window, CTRL, Key::G);
    press(&mut window, Key::End);
    settle(&mut window);
    assert!(!curves(&window).series.iter().any(|series| series.name == name));
    // A pinned row may have the name of a curve: each is switched for itself.
    preset(&mut window, "Frees by tag and stack");
    let tag = cursor(&window).text;
    assert_eq!(cursor(&window).level, 0);
    press_with(&mut window, CTRL, Key::G);
    let named: Vec<bool> = curves(&window).series.iter().filter(|s| s.name == tag).map(|s| s.on).collect();
    assert_eq!(named, [true, true]);
    window.get_all_by_label(&format!("Show {tag}")).next().expect("the first of the two").click();
    window.run_steps(3);
    let named: Vec<bool> = curves(&window).series.iter().filter(|s| s.name == tag).map(|s| s.on).collect();
    assert_eq!(named, [false, true]);
}

#[test]
fn the_number_of_curves_is_chosen() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let tags = all_tags();
    command(&mut window, "5 largest series");
    assert_eq!(curves(&window).series.len(), 6);
    let others = tags - 5;
    let rest = format!("other ({others})");
    assert!(!curve(&window, &rest).has_row);
    click(&mut window, &format!("Show {rest}"));
    assert!(!curve(&window, &rest).on);
    command(&mut window, "50 largest series");
    assert_eq!(curves(&window).series.len(), tags);
}

fn all_tags() -> usize {
    let (_, truth) = made_up(&[]);
    let tags: std::collections::BTreeSet<&String> = truth.ranges[0].rows.iter().map(|row| &row.tag).collect();
    tags.len()
}

#[test]
fn curves_follow_the_chosen_columns() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    window.get_by_label("Columns that define the series").click();
    window.run_steps(4);
    click(&mut window, "By Type, Paged");
    assert_eq!(curves(&window).title, "Outstanding size by Type, Paged");
    let kept = sums(&truth.ranges[0], |row| row.kind == "AIFO" && row.paged == "NonPaged").1;
    assert_eq!(curve(&window, "AIFO, NonPaged").values.last().copied(), Some(kept as f64));
    command(&mut window, "Cumulative size");
    let all = sums(&truth.ranges[0], |row| row.kind == "AIFI" && row.paged == "NonPaged").1;
    assert_eq!(curve(&window, "AIFI, NonPaged").values.last().copied(), Some(all as f64));
}

#[test]
fn outstanding_values_are_those_of_the_truth_at_every_point() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    press_with(&mut window, CTRL, Key::Plus);
    let view = document(&window).visible_range();
    let data = curves(&window);
    let mut file = std::io::Cursor::new(Vec::new());
    let ranges = vec![(view.from, view.to)];
    let request = GroundTruthRequest { ranges, curve_points: data.times.len(), ..GroundTruthRequest::default() };
    let summary = write_trace(&mut file, &params(), Some(&request)).expect("a trace is written");
    let truth = summary.truth.expect("asked for");
    for planted in &truth.ranges[1].curves {
        let Some(series) = data.series.iter().find(|series| series.name == planted.tag) else { continue };
        let wrong = series.values.iter().zip(&planted.points).filter(|(v, p)| **v != p.size as f64).count();
        // Where a point lies between two ticks each side rounds on its own.
        assert!(wrong * 200 <= data.times.len(), "{}: {wrong} of {}", planted.tag, data.times.len());
    }
}

fn generations(window: &Window<'_>) -> Vec<(String, u64)> {
    let flat = document(window).results.rows.as_ref().expect("rows").flat();
    let mut all = Vec::new();
    for index in 0..flat.len() {
        let node = flat.node_at(index).expect("a row");
        if flat.tree().depth(node) == 1 {
            all.push((flat.tree().label(node).into_owned(), flat.tree().aggregate(node).count()));
        }
    }
    all.sort();
    all
}

/// Blocks by the generation in which they were allocated; those from before the trace first.
fn planted_generations(window: &Window<'_>) -> Vec<u64> {
    let document = document(window);
    let rows = &document.trace.allocations;
    let mut counts = vec![0_u64; document.query.marks.len() + 2];
    for row in 0..rows.len() {
        let time = rows.alloc_time.at(row);
        let at = if time.is_known() { 1 + document.query.marks.partition_point(|mark| *mark <= time) } else { 0 };
        counts[at] += 1;
    }
    counts.into_iter().filter(|count| *count > 0).collect()
}

#[test]
fn marks_cut_the_trace_into_generations() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    drag_graph(&mut window, 0.4, 0.7);
    settle(&mut window);
    command(&mut window, "Add markers at selection bounds");
    assert_eq!(document(&window).query.marks.len(), 2);
    header_menu(&mut window, "Type", &["Group by", "Generation"]);
    let x = header(&window, "Type").left() + 4.0;
    drag_header(&mut window, "Generation", x);
    let counted = |window: &Window<'_>| {
        let mut counts: Vec<u64> = generations(window).into_iter().map(|(_, count)| count).collect();
        counts.sort_unstable();
        counts
    };
    let planted = |window: &Window<'_>| {
        let mut counts = planted_generations(window);
        counts.sort_unstable();
        counts
    };
    assert!(counted(&window).len() >= 3, "{:?}", generations(&window));
    assert_eq!(counted(&window), planted(&window), "{:?}", generations(&window));
    // A moved mark changes them.
    let before = counted(&window);
    let marks: Vec<Ticks> = document(&window).query.marks.clone();
    let mark = window.get_by_label_contains("generation 2");
    mark.focus();
    window.run_steps(2);
    for _ in 0..5 {
        press(&mut window, Key::ArrowRight);
    }
    settle(&mut window);
    assert_ne!(document(&window).query.marks, marks);
    assert_ne!(counted(&window), before);
    assert_eq!(counted(&window), planted(&window));
    command(&mut window, "Remove all markers");
    assert!(document(&window).query.marks.is_empty());
    assert_eq!(counted(&window), planted(&window));
}

#[test]
fn counted_generations_follow_the_marks() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    header_menu(&mut window, "Count", &["Unique Count", "Generation"]);
    let of = |window: &Window<'_>| {
        let label = labels_at(window, 0).into_iter().find(|label| label.starts_with("Type AIFI")).expect("AIFI");
        label.split(", ").find(|part| part.starts_with("Generation (unique)")).expect("its cell").to_owned()
    };
    assert_eq!(of(&window), "Generation (unique) 1");
    drag_graph(&mut window, 0.4, 0.6);
    settle(&mut window);
    command(&mut window, "Add markers at selection bounds");
    assert_eq!(of(&window), "Generation (unique) 3");
}

#[test]
fn graph_or_table_alone() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::G);
    assert_eq!(document(&window).ui.layout, Layout::Graph);
    assert!(window.query_by_role_and_label(Role::TreeGrid, "Allocations").is_none());
    window.get_by_role(Role::Figure);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::T);
    assert!(window.query_by_role(Role::Figure).is_none());
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
    press(&mut window, Key::ArrowDown);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::B);
    window.get_by_role(Role::Figure);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
}

#[test]
fn a_trace_of_one_block_works() {
    let one = SynthParams { allocations: 1, preexisting: 0, pool_rundown: false, ..SynthParams::default() };
    let (_folder, path) = folder_with(&one);
    let mut window = open_file(&path);
    assert_eq!(document(&window).trace.allocations.len(), 1);
    for key in [Key::End, Key::ArrowRight, Key::ArrowRight, Key::ArrowLeft, Key::Home, Key::PageDown] {
        press(&mut window, key);
    }
    for name in ["By driver", "Impacting", "Churn", "Frees by tag and stack", "Leak hunt"] {
        preset(&mut window, name);
    }
    press_with(&mut window, CTRL, Key::Plus);
    press_with(&mut window, CTRL, Key::Minus);
    filter(&mut window, "size:>0");
    assert_eq!(document(&window).ui.table.selected().len(), 1, "{:?}", all_rows(&window));
    window.event(Event::Copy);
    let text = copied(&mut window);
    assert!(text.lines().count() == 2, "{text}");
    let label = window.get_by_role_and_label(Role::TreeGrid, "Allocations");
    assert!(label.accesskit_node().is_focused());
}
