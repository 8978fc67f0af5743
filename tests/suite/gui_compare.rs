//! The compare page: two open traces, or two ranges of one. Figures of both sides are compared with what was planted.

use std::io::Cursor;
use std::path::PathBuf;

use egui_kittest::kittest::Queryable;
use poolscope::compare_text;
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers};
use poolscope::gui::model::page_id::PageId;
use poolscope::gui::pages::compare::sides::RangeChoice;
use poolscope::gui::pages::compare::state::ComparePageState;
use poolscope::gui::widgets::pivot_table::{Row, TreeModel, row_label};
use poolscope_analysis::compare::Part;
use poolscope_analysis::pivot::{Unit, Value};
use poolscope_synth::ground_truth::RangeGroundTruth;
use poolscope_synth::{GroundTruth, GroundTruthRequest, SynthParams, write_trace};

use crate::gui_harness::*;

const CTRL: Modifiers = Modifiers::COMMAND;

/// Two traces in a folder, the second with more load and with all modules at other addresses, and the truth of both.
struct Pair {
    _folder: tempfile::TempDir,
    paths: [PathBuf; 2],
    truths: [GroundTruth; 2],
}

fn pair(ranges: &[(f64, f64)]) -> Pair {
    let folder = tempfile::tempdir().expect("a folder");
    let more = SynthParams { allocations: 5000, leak_share: 0.2, relocation: 3, ..params() };
    let made = [("first.etl", params()), ("second.etl", more)].map(|(name, params)| {
        let mut file = Cursor::new(Vec::new());
        let request = GroundTruthRequest { ranges: ranges.to_vec(), ..GroundTruthRequest::default() };
        let summary = write_trace(&mut file, &params, Some(&request)).expect("a trace is written");
        let path = folder.path().join(name);
        std::fs::write(&path, file.into_inner()).expect("a file");
        (path, summary.truth.expect("asked for"))
    });
    let [(first, a), (second, b)] = made;
    Pair { _folder: folder, paths: [first, second], truths: [a, b] }
}

/// The compare page over both traces, the second in front.
fn comparing<'a>(pair: &Pair) -> Window<'a> {
    let mut window = window(OpenRequest::Files(pair.paths.to_vec()));
    settle(&mut window);
    while document(&window).source.name() != "second.etl" {
        press_with(&mut window, Modifiers::CTRL, Key::Tab);
    }
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::N);
    settle(&mut window);
    assert_eq!(document(&window).ui.page, PageId::COMPARE);
    window
}

fn state<'w>(window: &'w Window<'_>) -> &'w ComparePageState {
    document(window).comparison()
}

fn all(window: &Window<'_>) -> Vec<Row> {
    let rows = state(window).rows.as_ref().expect("rows").lock();
    (0..rows.row_count()).map(|at| rows.row(at).expect("a row")).collect()
}

fn labels(window: &Window<'_>) -> Vec<String> {
    let rows = state(window).rows.as_ref().expect("rows").lock();
    (0..rows.row_count()).map(|at| row_label(rows.columns(), &rows.row(at).expect("a row"))).collect()
}

fn impacting(truth: &RangeGroundTruth, wanted: impl Fn(&str, &str) -> bool) -> i128 {
    let rows = truth.rows.iter().filter(|row| row.kind == "AIFO" && wanted(row.paged, &row.tag));
    rows.map(|row| i128::from(row.totals.size)).sum()
}

fn bytes(value: i128, part: Part) -> String {
    compare_text::figure(Value::Int(value), part, Unit::Bytes)
}

/// The label of a row with these impacting sizes on both sides begins like this, after its name and change.
fn figures(sides: [i128; 2]) -> String {
    let delta = bytes(sides[1] - sides[0], Part::Delta);
    format!(
        "Baseline {}, Comparison {}, Difference {delta}",
        bytes(sides[0], Part::Baseline),
        bytes(sides[1], Part::Comparison)
    )
}

#[test]
fn two_open_traces_are_compared_as_planted() {
    let pair = pair(&[]);
    let window = comparing(&pair);
    window.get_by_label("Baseline trace: first.etl");
    window.get_by_label("Comparison trace: second.etl (this trace)");
    let sides =
        |wanted: &dyn Fn(&str, &str) -> bool| [0, 1].map(|side: usize| impacting(&pair.truths[side].ranges[0], wanted));
    let rows = labels(&window);
    for pool in ["Paged", "NonPaged"] {
        let row = rows.iter().find(|row| row.starts_with(&format!("Paged {pool},"))).expect("both pools are planted");
        assert!(row.contains(&figures(sides(&|paged, _| paged == pool))), "{row}");
    }
    // The row that grew most is open down to the driver.
    let leak = rows.iter().find(|row| row.starts_with("Pool Tag Leak,")).expect("the tag that grew most is in view");
    assert!(leak.contains(&figures(sides(&|_, tag| tag == "Leak"))) && leak.contains("Change Grown"), "{leak}");
    let delta = sides(&|_, tag| tag == "Leak");
    let amount = poolscope::format::bytes(u64::try_from(delta[1] - delta[0]).expect("it grew"));
    let sentence = format!("leaves {amount} more nonpaged pool outstanding under tag Leak");
    assert!(window.query_all_by_label_contains(&sentence).next().is_some(), "{sentence}");
}

#[test]
fn curves_of_both_sides_are_aligned_and_end_at_the_planted_bytes() {
    let pair = pair(&[]);
    let mut window = comparing(&pair);
    // Without a selected row the curves are those of all rows.
    let rows = all(&window);
    assert!(!rows.is_empty());
    press(&mut window, Key::Home);
    settle(&mut window);
    let drawn = state(&window).curves.clone().expect("curves");
    let first = labels(&window).remove(0);
    let pool = if first.starts_with("Paged NonPaged") { "NonPaged" } else { "Paged" };
    for side in 0..2 {
        let planted = impacting(&pair.truths[side].ranges[0], |paged, _| paged == pool) as f64;
        assert_eq!(drawn.curves.values[side].last().copied(), Some(planted), "side {side}");
        assert_eq!(drawn.curves.ranges[side].0, 0.0, "both begin at the start of their ranges");
    }
    window.get_by_label("Align curves at: Start of range");
}

#[test]
fn one_trace_says_what_to_do_and_compares_its_halves() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::N);
    window.get_by_label("Nothing to compare yet");
    window.get_by_label_contains("press M to set a marker");
    click(&mut window, "Compare both halves");
    settle(&mut window);
    window.get_by_label("Baseline range: First half of the visible range");
    window.get_by_label("Comparison range: Second half of the visible range");
    assert!(!all(&window).is_empty());
    let sides = state(&window).answer.as_ref().expect("compared").question.sides.clone();
    assert!(sides[0].range.to < sides[1].range.from, "they do not overlap");
}

#[test]
fn ranges_of_one_trace_follow_markers_and_times() {
    let ranges = [(10.0, 20.0), (30.0, 45.0)];
    let pair = pair(&ranges);
    let mut window = window(OpenRequest::File(pair.paths[0].clone()));
    settle(&mut window);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::N);
    click(&mut window, "Compare both halves");
    let tab = state(&window).sides.expect("chosen")[0].tab;
    let document = app_document(&mut window);
    let side = |range| poolscope::gui::pages::compare::sides::SideChoice { tab, range };
    document.comparison_mut().sides = Some(ranges.map(|(from, to)| side(RangeChoice::Custom(from, to))));
    window.run_steps(3);
    settle(&mut window);
    window.get_by_label("Baseline from");
    window.get_by_label("Comparison to");
    let rows = labels(&window);
    let truth = &pair.truths[0].ranges;
    let wanted = figures([impacting(&truth[1], |p, _| p == "NonPaged"), impacting(&truth[2], |p, _| p == "NonPaged")]);
    let row = rows.iter().find(|row| row.starts_with("Paged NonPaged,")).expect("a pool");
    assert!(row.contains(&wanted), "{row}, not {wanted}");
}

#[test]
fn two_markers_offer_their_intervals_and_an_alignment() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let clock = document(&window).trace.clock;
    let document = app_document(&mut window);
    document.query.marks = vec![clock.ticks(20.0), clock.ticks(40.0)];
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::N);
    settle(&mut window);
    window.get_by_label("Baseline range: Before marker 1");
    window.get_by_label("Comparison range: Between markers 1 and 2");
    choose(&mut window, "Comparison range: Between markers 1 and 2", "After marker 2");
    window.get_by_label("Comparison range: After marker 2");
    choose(&mut window, "Align curves at: Start of range", "Marker 1");
    let drawn = state(&window).curves.clone().expect("curves");
    assert!(
        (drawn.curves.ranges[0].1 - 0.0).abs() < 1e-3,
        "the baseline ends at the marker: {:?}",
        drawn.curves.ranges
    );
    assert!((drawn.curves.ranges[1].0 - 20.0).abs() < 1e-3, "{:?}", drawn.curves.ranges);
}

#[test]
fn rows_open_by_keys_and_are_sorted_found_copied_and_filtered() {
    let pair = pair(&[]);
    let mut window = comparing(&pair);
    press(&mut window, Key::Home);
    press(&mut window, Key::ArrowLeft);
    let closed = all(&window).len();
    press(&mut window, Key::ArrowRight);
    assert!(all(&window).len() > closed, "Right opens the row");
    window.get_by_role_and_label(Role::ColumnHeader, "Ratio").click();
    window.run_steps(4);
    window.get_by_role_and_label(Role::ColumnHeader, "Ratio, sorted descending");
    press_with(&mut window, CTRL, Key::F);
    window.event(Event::Text("Leak".to_owned()));
    window.run_steps(3);
    settle(&mut window);
    press(&mut window, Key::Enter);
    settle(&mut window);
    let cursor = state(&window).table.cursor().expect("a match");
    let row = all(&window).into_iter().find(|row| row.id == cursor).expect("it is visible");
    assert!(row.text.contains("Leak") && row.found, "{row:?}");
    click(&mut window, "Close");
    window.event(Event::Copy);
    let text = copied(&mut window);
    assert!(text.lines().count() == 2 && text.contains("Difference") && text.contains("Leak"), "{text}");
    window.get_by_label("Filter both sides").focus();
    window.run_steps(2);
    write(&mut window, "tag:Leak");
    settle(&mut window);
    let shown = state(&window).answer.as_ref().expect("compared").question.query.clone();
    assert_eq!(shown.map(|query| query.to_string()).as_deref(), Some("tag:Leak"));
    let whole = |side: usize| impacting(&pair.truths[side].ranges[0], |_, tag| tag == "Leak");
    let first = labels(&window).remove(0);
    assert!(first.contains(&figures([whole(0), whole(1)])), "{first}");
    write(&mut window, " AND");
    window.get_by_label_contains("column ");
}

#[test]
fn selected_rows_are_filtered_to_and_out_and_back() {
    let pair = pair(&[]);
    let mut window = comparing(&pair);
    press(&mut window, Key::Home);
    let pool = all(&window).remove(0).text;
    let top = |window: &Window<'_>| {
        all(window).into_iter().filter(|row| row.level == 0).map(|row| row.text).collect::<Vec<_>>()
    };
    assert_eq!(top(&window).len(), 2);
    press_with(&mut window, CTRL, Key::Enter);
    assert_eq!(top(&window), std::slice::from_ref(&pool));
    let wanted = figures([0, 1].map(|side: usize| impacting(&pair.truths[side].ranges[0], |paged, _| paged == pool)));
    assert!(labels(&window)[0].contains(&wanted), "{} {wanted}", labels(&window)[0]);
    click(&mut window, &format!("Remove {pool}"));
    assert_eq!(top(&window).len(), 2);
    press(&mut window, Key::Home);
    let first = all(&window).remove(0).text;
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::Enter);
    assert!(!top(&window).contains(&first), "{:?}", top(&window));
    press_with(&mut window, CTRL, Key::Z);
    assert_eq!(top(&window).len(), 2);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::Z);
    assert!(!top(&window).contains(&first), "what was taken back is made again");
    press_with(&mut window, CTRL, Key::Z);
    window.get_by_role_and_label(Role::ColumnHeader, "Ratio").click();
    window.run_steps(4);
    settle(&mut window);
    press_with(&mut window, CTRL, Key::Z);
    assert!(window.query_by_label("Ratio, sorted descending").is_none(), "the order is taken back, too");
    press_with(&mut window, CTRL, Key::Y);
    window.get_by_role_and_label(Role::ColumnHeader, "Ratio, sorted descending");
}

#[test]
fn matches_are_visited_from_top_to_bottom_in_any_order_of_the_rows() {
    let pair = pair(&[]);
    let mut window = comparing(&pair);
    press_with(&mut window, CTRL, Key::F);
    window.event(Event::Text("sys".to_owned()));
    window.run_steps(3);
    settle(&mut window);
    for header in [None, Some("Ratio"), Some("Baseline")] {
        if let Some(title) = header {
            window.get_by_role_and_label(Role::ColumnHeader, title).click();
            window.run_steps(4);
            settle(&mut window);
        }
        let count = state(&window).found.as_ref().expect("found").found.matches.len().min(40);
        assert!(count > 5, "{count} matches");
        let mut visited = Vec::new();
        for _ in 0..count {
            press(&mut window, Key::F3);
            settle(&mut window);
            visited.push(state(&window).table.cursor().expect("a match"));
        }
        let rows = state(&window).rows.as_ref().expect("rows").lock();
        let places: Vec<u64> = visited.iter().map(|row| rows.index_of(*row).expect("it is open")).collect();
        assert!(places.is_sorted_by(|a, b| a < b), "{header:?}: {places:?}");
    }
}

#[test]
fn figures_per_second_and_per_allocation_are_chosen_by_name() {
    let pair = pair(&[]);
    let mut window = comparing(&pair);
    click(&mut window, "Compare figures per second");
    let units = state(&window).answer.as_ref().expect("compared").question.unit.clone();
    assert_eq!(compare_text::per(&units), "per second");
    click(&mut window, "Compare figures per allocation of a tag");
    window.get_by_label("No tag");
    window.get_by_label("Tag of figures per allocation").focus();
    window.run_steps(2);
    write(&mut window, "Nope");
    window.get_by_label_contains("has no allocation with tag 'Nope'");
    press_with(&mut window, CTRL, Key::A);
    write(&mut window, "File");
    settle(&mut window);
    let whole = state(&window).answer.as_ref().expect("compared").whole.clone().expect("there are figures");
    let count = |side: usize| -> u64 {
        let rows = pair.truths[side].ranges[0].rows.iter().filter(|row| row.tag == "File");
        rows.map(|row| row.totals.count).sum()
    };
    assert_eq!(whole.divisors().units, [count(0) as f64, count(1) as f64]);
    click(&mut window, "Compare figures as recorded");
    settle(&mut window);
    assert!(state(&window).answer.as_ref().is_some_and(|answer| answer.whole.is_ok()));
}

#[test]
fn measure_rows_and_groups_are_lists_and_sides_are_swapped() {
    let pair = pair(&[]);
    let mut window = comparing(&pair);
    choose(&mut window, "Compared figure: Impacting Size", "Count");
    let columns = |window: &Window<'_>| -> Vec<String> {
        let rows = state(window).rows.as_ref().expect("rows").lock();
        rows.columns().iter().map(|column| column.title.clone()).collect()
    };
    assert!(columns(&window).contains(&"Impacting Size difference".to_owned()), "{:?}", columns(&window));
    choose(&mut window, "Compared figure: Count", "Impacting Size");
    choose(&mut window, "Rows shown: All rows", "Overweight");
    assert!(state(&window).answer.as_ref().expect("compared").question.only_overweight);
    choose(&mut window, "Rows shown: Overweight", "Gone");
    choose(&mut window, "Rows shown: Gone", "All rows");
    click(&mut window, "Swap");
    window.get_by_label("Baseline trace: second.etl (this trace)");
    let sides =
        |wanted: &dyn Fn(&str, &str) -> bool| [1, 0].map(|side: usize| impacting(&pair.truths[side].ranges[0], wanted));
    let rows = labels(&window);
    let row = rows.iter().find(|row| row.starts_with("Paged NonPaged,")).expect("a pool");
    assert!(row.contains(&figures(sides(&|paged, _| paged == "NonPaged"))), "{row}");
    command(&mut window, "Compare by the columns of Analysis");
    assert_eq!(columns(&window)[..4], ["Type", "Paged", "Pool Tag", "Stack"]);
}

#[test]
fn escape_and_back_lead_to_the_page_before() {
    let pair = pair(&[]);
    let mut window = comparing(&pair);
    press(&mut window, Key::Escape);
    settle(&mut window);
    assert_eq!(document(&window).ui.page, PageId::ANALYSIS);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::N);
    click(&mut window, "Back to Analysis");
    assert_eq!(document(&window).ui.page, PageId::ANALYSIS);
}

#[test]
fn a_closed_trace_is_compared_no_more_and_leaves_the_memory() {
    let pair = pair(&[]);
    let mut window = comparing(&pair);
    assert!(state(&window).answer.is_some());
    press_with(&mut window, Modifiers::CTRL, Key::Tab);
    assert_eq!(document(&window).source.name(), "first.etl");
    press_with(&mut window, CTRL, Key::W);
    assert_eq!(document(&window).source.name(), "second.etl");
    window.get_by_label("Nothing to compare yet");
    assert!(state(&window).answer.is_none() && state(&window).rows.is_none() && state(&window).curves.is_none());
}

/// The open trace in front, to be changed.
fn app_document<'w>(window: &'w mut Window<'_>) -> &'w mut poolscope::gui::document::Document {
    window.state_mut().as_mut().expect("the first frame made it").document_mut().expect("a trace is open")
}

/// Chooses an entry of a list with this accessible name.
fn choose(window: &mut Window<'_>, list: &str, entry: &str) {
    window.get_by_label(list).click();
    window.run_steps(4);
    window.get_by_role_and_label(Role::Button, entry).click();
    window.run_steps(4);
    settle(window);
}
