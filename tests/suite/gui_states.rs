//! The window in its states: the sample, traces with something missing, peaks, the legend, the whole keyboard.

use std::path::{Path, PathBuf};

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers, OutputCommand, vec2};
use poolscope_analysis::trace::Trace;
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::StackMode;

use crate::gui_harness::*;

fn sample<'a>() -> Window<'a> {
    let mut window = window(OpenRequest::Sample);
    settle(&mut window);
    window
}

#[test]
fn the_sample_tells_its_story_at_first_sight() {
    let window = sample();
    let lacking = document(&window).trace.diagnostics.count(DiagnosticKind::NoStack);
    assert_eq!(lacking, 0, "every allocation of the sample has its stack");
    let leak = cursor(&window);
    assert_eq!((leak.text.as_str(), leak.expanded), ("Leak", true));
    let details = document(&window).results.details.as_ref().expect("details");
    let keys: Vec<&str> = details.keys.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(keys, ["AIFO", "NonPaged", "Leak"]);
    assert!(details.stack[1].starts_with("myfault.sys"), "{:?}", details.stack);
    for parent in ["AIFO", "NonPaged", "Leak", "[Root]"] {
        window.get_by_label(&format!("Collapse {parent}"));
    }
    let graph = document(&window).results.graph_data.as_ref().expect("curves");
    assert_eq!(graph.series[0].name, "Leak");
}

#[test]
fn a_drag_and_a_double_click_classify_anew() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    drag_graph(&mut window, 0.4, 0.7);
    settle(&mut window);
    let range = document(&window).ui.graph.selection().expect("a range");
    let place = window.get_by_role(Role::Figure).rect();
    let inside = place.left_center() + vec2(place.width() * 0.55, 0.0);
    window.hover_at(inside);
    for _ in 0..2 {
        window.drag_at(inside);
        window.drop_at(inside);
    }
    window.run_steps(3);
    settle(&mut window);
    let view = document(&window).visible_range();
    assert!((view.from - range.from).abs() < 1e-6 && (view.to - range.to).abs() < 1e-6, "{view:?} {range:?}");
    let (_, truth) = made_up(&[(view.from, view.to)]);
    for kind in ["AIFI", "AIFO", "AOFI", "AOFO"] {
        window.get_by_label(&type_label(&truth.ranges[1], kind));
    }
    assert_ne!(type_label(&truth.ranges[0], "AIFO"), type_label(&truth.ranges[1], "AIFO"));
    window.get_by_label("Zoom back").click();
    window.run_steps(2);
    settle(&mut window);
    window.get_by_label(&type_label(&truth.ranges[0], "AIFO"));
}

/// The greatest number of bytes with a tag that ever lay in the pool at once, followed event by event.
fn exact_peak(trace: &Trace, tag: &str) -> u64 {
    let rows = &trace.allocations;
    let mut events = Vec::new();
    for row in 0..rows.len() {
        let context = trace.attributes.get(rows.alloc_attributes[row]).expect("its context");
        if context.tag.text() == tag && rows.alloc_time.at(row).is_known() {
            events.push((rows.alloc_time.at(row), rows.size.at(row) as i64));
            events.push((rows.free_time[row], -(rows.size.at(row) as i64)));
        }
    }
    events.sort_unstable();
    let (mut now, mut peak) = (0, 0);
    for tick in events.chunk_by(|a, b| a.0 == b.0) {
        now += tick.iter().map(|(_, change)| change).sum::<i64>();
        peak = peak.max(now);
    }
    peak as u64
}

#[test]
fn the_graph_keeps_every_peak() {
    let (_folder, path) = folder();
    let window = open_file(&path);
    let document = document(&window);
    let data = document.results.graph_data.as_ref().expect("curves");
    let mut between = 0;
    let mut last = u64::MAX;
    for series in data.series.iter().filter(|s| s.has_row) {
        let at_points = series.values.iter().copied().fold(0.0, f64::max);
        let drawn = series.extremes.iter().map(|e| e.1).fold(at_points, f64::max) as u64;
        assert_eq!(drawn, exact_peak(&document.trace, &series.name), "{}", series.name);
        assert!(drawn <= last, "the highest come first");
        last = drawn;
        between += u32::from(drawn > at_points as u64);
    }
    assert!(between > 0, "some peak lies between two points, or this shows nothing");
}

#[test]
fn the_legend_finds_rows_that_are_hidden() {
    let mut window = sample();
    let name = document(&window).results.graph_data.as_ref().expect("curves").series.iter().map(|s| s.name.clone());
    let hidden: Vec<String> =
        name.filter(|n| window.query_by_label_contains(&format!("Pool Tag {n},")).is_none()).collect();
    let wanted = hidden.first().expect("a tag whose row is not visible at first").clone();
    window.get_by_label(&format!("Select row of {wanted}")).click();
    window.run_steps(4);
    assert_eq!(cursor(&window).text, wanted);
    window.get_by_label_contains(&format!("Pool Tag {wanted},"));
    let keys = &document(&window).results.details.as_ref().expect("details").keys;
    assert_eq!((keys[0].1.as_str(), keys[2].1.as_str()), ("AIFO", wanted.as_str()));
}

#[test]
fn a_trace_without_pool_events_says_how_to_record_them() {
    let quiet = SynthParams { allocations: 0, preexisting: 0, pool_rundown: false, ..SynthParams::default() };
    let (_folder, path) = folder_with(&quiet);
    let mut window = open_file(&path);
    window.get_by_label("This trace has no pool events");
    let [start, stop] = poolscope_recording::quick::WPR;
    window.get_by_label(start);
    window.get_by_label_contains("-stackwalk PoolAlloc+PoolAllocSession");
    window.get_by_label("Copy the commands: Record again on the machine that leaks, with wpr:").click();
    assert_eq!(copied(&mut window), [format!("{start}\n{stop}")]);
    every_control_has_a_name(&window);
    // What is known about it can be read, and left again.
    window.get_by_label_contains("Data quality:").click();
    window.run_steps(3);
    assert!(window.query_by_label("This trace has no pool events").is_none());
    assert!(window.query_all_by_label_contains("with the Pool keyword").next().is_some());
    every_control_has_a_name(&window);
    window.get_by_label("Back").click();
    window.run_steps(3);
    window.get_by_label("This trace has no pool events");
}

#[test]
fn a_trace_without_stacks_says_why() {
    let bare = SynthParams { allocations: 500, stacks: StackMode::None, ..SynthParams::default() };
    let (_folder, path) = folder_with(&bare);
    let window = open_file(&path);
    window.get_by_label_contains("Recorded without stacks: the allocating code is unknown");
    window.get_by_label_contains("-stackwalk PoolAlloc+PoolFree records them");
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
}

#[test]
fn a_view_in_which_nothing_lives_leads_back() {
    let few = SynthParams { allocations: 3, preexisting: 0, pool_rundown: false, ..SynthParams::default() };
    let (_folder, path) = folder_with(&few);
    let mut window = open_file(&path);
    drag_graph(&mut window, 0.15, 0.2);
    settle(&mut window);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Period);
    window.run_steps(2);
    settle(&mut window);
    window.get_by_label("No allocations in the visible range.");
    every_control_has_a_name(&window);
    // One in the toolbar, one where the eye is.
    window.get_all_by_label("Zoom back").last().expect("a way back").click();
    window.run_steps(2);
    settle(&mut window);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
}

#[test]
fn giving_up_a_load_is_said() {
    let mut window = window(OpenRequest::File(PathBuf::from("slow")));
    window.run_steps(3);
    every_control_has_a_name(&window);
    window.get_by_label("Cancel").click();
    window.run_steps(3);
    window.get_by_label("Opening slow was canceled");
    drop_file(&mut window, Path::new("nowhere.etl"));
    settle(&mut window);
    window.get_by_label("nowhere.etl was not opened");
    assert!(window.query_by_label("Opening slow was canceled").is_none());
    every_control_has_a_name(&window);
}

/// Text that the next frames put on the clipboard.
fn copied(window: &mut Window<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..6 {
        window.step();
        texts.extend(window.output().platform_output.commands.iter().filter_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        }));
    }
    texts
}

#[test]
fn the_whole_way_can_be_gone_with_keys() {
    let mut window = sample();
    // More rows than a page has: every frame below the leak.
    window.event(Event::Text("*".to_owned()));
    window.run_steps(3);
    press(&mut window, Key::Home);
    let first = cursor(&window);
    press(&mut window, Key::End);
    let last = cursor(&window);
    assert_ne!(first.id, last.id);
    press(&mut window, Key::PageUp);
    assert!(cursor(&window).id != last.id && cursor(&window).id != first.id);
    press(&mut window, Key::PageDown);
    assert_eq!(cursor(&window).id, last.id);
    press(&mut window, Key::Home);
    for letter in ["a", "i", "f", "o"] {
        window.event(Event::Text(letter.to_owned()));
        window.run_steps(1);
    }
    assert_eq!(cursor(&window).text, "AIFO");
    // From the top row, Right alone leads to the allocating call.
    let mut way = vec![cursor(&window).text];
    for _ in 0..100 {
        if !cursor(&window).expandable {
            break;
        }
        press(&mut window, Key::ArrowRight);
        way.push(cursor(&window).text);
    }
    way.dedup();
    assert_eq!(way[..4], ["AIFO", "NonPaged", "Leak", "[Root]"]);
    assert!(way[way.len() - 2].starts_with("myfault.sys"), "{way:?}");
    window.event(Event::Copy);
    let text = copied(&mut window).join("");
    assert!(text.starts_with("Type\tPaged\tPool Tag\tStack\tCount\tSize\n"), "{text}");
    assert!(text.contains(&cursor(&window).text));
    let modifiers = Modifiers::COMMAND | Modifiers::SHIFT;
    window.event(Event::Key { key: Key::C, physical_key: None, pressed: true, repeat: false, modifiers });
    let stack = copied(&mut window).join("");
    assert!(stack.contains("\nmyfault.sys"), "{stack}");
    // A star opens all below.
    press(&mut window, Key::Home);
    let before = document(&window).results.rows.as_ref().expect("rows").flat().len();
    window.event(Event::Text("*".to_owned()));
    window.run_steps(2);
    assert!(document(&window).results.rows.as_ref().expect("rows").flat().len() > before);
}

#[test]
fn tab_goes_through_the_controls_and_back() {
    let mut window = sample();
    let focused = |window: &Window<'_>| {
        let named = window.root().children_recursive().find(|node| node.accesskit_node().is_focused());
        named.and_then(|node| node.accesskit_node().label()).unwrap_or_default()
    };
    assert_eq!(focused(&window), "Allocations");
    let mut seen = Vec::new();
    for _ in 0..70 {
        press(&mut window, Key::Tab);
        seen.push(focused(&window));
    }
    assert!(seen.iter().all(|name| !name.is_empty()), "{seen:?}");
    for wanted in ["File", "Show Leak", "Select row of Leak", "Count", "Copy stack"] {
        assert!(seen.iter().any(|name| name == wanted), "{wanted} is not reached: {seen:?}");
    }
    assert!(seen.iter().any(|name| name == "Allocations"), "it goes round");
}

/// Controls without an accessible name.
pub fn every_control_has_a_name(window: &Window<'_>) {
    let control = |role: Role| {
        use Role::*;
        matches!(
            role,
            Button | CheckBox | RadioButton | ComboBox | TextInput | Slider | Row | Cell | ColumnHeader | Figure
        )
    };
    let nameless: Vec<String> = window
        .root()
        .children_recursive()
        .filter(|node| control(node.accesskit_node().role()))
        .filter(|node| node.accesskit_node().label().is_none_or(|label| label.trim().is_empty()))
        .map(|node| format!("{:?} at {:?}", node.accesskit_node().role(), node.rect()))
        .collect();
    assert!(nameless.is_empty(), "{nameless:?}");
}

#[test]
fn controls_have_names() {
    every_control_has_a_name(&sample());
    let mut start = window(OpenRequest::Nothing);
    start.run_steps(2);
    every_control_has_a_name(&start);
    start.get_by_label("View").click();
    start.run_steps(3);
    start.get_by_label_contains("Zoom back");
    every_control_has_a_name(&start);
}
