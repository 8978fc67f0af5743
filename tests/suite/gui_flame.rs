//! Stacks as a flame graph: from the suspects and the table to it and back, zoom, search, both directions, the keys, and what
//! view, filter and names change in it.

use poolscope::gui::model::page_id::PageId;
use std::sync::Arc;
use std::time::Duration;

use egui_kittest::kittest::{NodeT as _, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::commands::DocumentCommand;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers, vec2};
use poolscope::gui::jobs::symbols::SymbolService;
use poolscope::gui::model::filter::Step;
use poolscope::gui::model::symbols::Phase;
use poolscope::gui::pages::flame::commands::FlameCommand;
use poolscope::gui::widgets::graph::Range;
use poolscope::symbols::{SymbolEnvironment, SymbolOptions};
use poolscope_analysis::flame::{FlameMetric, FlameTree};
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_symbols::resolve::Resolver;
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::StackMode;

use crate::gui_harness::{
    InMemory, PATIENCE, Window, app, click, command, copied, cursor, document, folder, folder_with, open_file, press,
    press_with, settle, window_naming, write,
};
use crate::gui_modules_harness::document_mut;

/// The names that the program has of its sample, and no others.
struct SampleNames;

impl SymbolService for SampleNames {
    fn resolver(&self, choice: &SymbolOptions) -> Resolver {
        let machine = SymbolEnvironment { symbol_path: Some(String::new()), ..SymbolEnvironment::default() };
        Resolver { cache: None, ..machine.resolver(&SymbolOptions { offline: true, ..choice.clone() }) }
    }

    fn default_path(&self) -> String {
        String::new()
    }
}

const CTRL_SHIFT: Modifiers = Modifiers { command: true, ctrl: true, shift: true, ..Modifiers::NONE };
/// The function of the sample that leaks.
const LEAKS: &str = "myfault.sys!MyfaultDeviceControl";

fn named(window: &mut Window<'_>) {
    settle(window);
    for _ in 0..PATIENCE {
        let done = app(window).document().is_some_and(|document| document.results.symbols.phase != Phase::Running);
        if done && !document(window).is_naming() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
    settle(window);
}

/// The sample with its names, on the page of the flame graph.
fn sample<'a>() -> Window<'a> {
    let mut window = window_naming(OpenRequest::Sample, Arc::new(InMemory::default()), Arc::new(SampleNames));
    named(&mut window);
    press_with(&mut window, CTRL_SHIFT, Key::I);
    assert_eq!(document(&window).ui.page, PageId::FLAME);
    window
}

fn tree<'w>(window: &'w Window<'_>) -> &'w FlameTree {
    &document(window).flame().shown.as_ref().expect("merged stacks").tree
}

/// The accessible names of the frames that can be seen.
fn frames(window: &Window<'_>) -> Vec<String> {
    let items = window.query_all_by_role(Role::TreeItem);
    items.map(|item| item.accesskit_node().label().expect("a name")).collect()
}

/// The frame that is selected.
fn selected(window: &Window<'_>) -> String {
    let node = document(window).flame().view.cursor().expect("a frame is selected");
    tree(window).text(node).to_owned()
}

fn zoomed(window: &Window<'_>) -> String {
    tree(window).text(document(window).flame().view.zoom()).to_owned()
}

/// Clicks the frame whose accessible name begins like this.
fn click_frame(window: &mut Window<'_>, name: &str) {
    let label = frames(window).into_iter().find(|label| label.starts_with(name));
    let label = label.unwrap_or_else(|| panic!("no frame {name} in {:?}", frames(window)));
    window.get_by_label(&label).click();
    window.run_steps(3);
    settle(window);
}

fn filter_steps(window: &Window<'_>) -> Vec<String> {
    document(window).query.filter.steps().iter().map(Step::title).collect()
}

#[test]
fn the_graph_holds_what_the_table_adds_up() {
    let mut window = sample();
    for weight in FlameMetric::ALL {
        document_mut(&mut window).run(&FlameCommand::Metric(weight).into());
        settle(&mut window);
        let shown = tree(&window);
        assert_eq!(shown.metric(), weight);
        let rows = document(&window).results.rows.as_ref().expect("rows");
        let pivot = rows.flat().tree().pivot();
        assert_eq!(shown.weight(FlameTree::ROOT), weight.of(pivot.total(), pivot.clock()));
        assert!(frames(&window).iter().any(|label| label.starts_with("[Root], ")), "{:?}", frames(&window));
    }
}

#[test]
fn a_suspect_leads_to_its_flame_graph_and_escape_back() {
    let mut window = sample();
    press_with(&mut window, CTRL_SHIFT, Key::L);
    click(&mut window, "Show flame graph");
    assert_eq!(document(&window).ui.page, PageId::FLAME);
    window.get_by_label("tag Leak, nonpaged");
    let of_tag = tree(&window).weight(FlameTree::ROOT);
    let suspect = &document(&window).suspects().suspects()[0];
    assert_eq!(suspect.tag.as_deref(), Some("Leak"));
    assert!(frames(&window).iter().any(|label| label.starts_with(LEAKS)), "{:?}", frames(&window));
    press(&mut window, Key::Escape);
    assert_eq!(document(&window).ui.page, PageId::SUSPECTS);
    click(&mut window, "Show flame graph");
    click(&mut window, "Remove tag Leak, nonpaged");
    assert!(document(&window).flame().scope.is_none());
    assert!(tree(&window).weight(FlameTree::ROOT) > of_tag);
    click(&mut window, "Back to Suspects");
    assert_eq!(document(&window).ui.page, PageId::SUSPECTS);
}

#[test]
fn a_driver_leads_to_the_flame_graph_of_all_that_it_allocates() {
    let mut window = sample();
    press_with(&mut window, CTRL_SHIFT, Key::L);
    click(&mut window, "Group by driver");
    let suspect = &document(&window).suspects().suspects()[0];
    // It has one tag and one heaviest stack, and is judged by neither.
    assert_eq!((suspect.driver.as_str(), suspect.tag.as_deref()), ("myfault.sys", Some("Leak")));
    click(&mut window, "Show flame graph");
    window.get_by_label("driver myfault.sys, nonpaged");
    let scope = document(&window).flame().scope.as_ref().expect("the rows of a suspect");
    let keys: Vec<_> = scope.place.0.iter().map(poolscope_analysis::pivot::RowPathStep::key).collect();
    assert_eq!(keys, [poolscope_analysis::pivot::Key::Driver, poolscope_analysis::pivot::Key::Paged]);
    assert!(frames(&window).iter().any(|label| label.starts_with(LEAKS)), "{:?}", frames(&window));
}

#[test]
fn a_row_of_the_table_leads_to_its_flame_graph() {
    let mut window = sample();
    press(&mut window, Key::Escape);
    assert_eq!((document(&window).ui.page, cursor(&window).text.as_str()), (PageId::ANALYSIS, "Leak"));
    let size = document(&window).selection_totals().expect("selected").1;
    command(&mut window, "Stacks: Show flame graph of row");
    window.get_by_label("AIFO / NonPaged / Leak");
    assert_eq!((document(&window).ui.page, tree(&window).weight(FlameTree::ROOT)), (PageId::FLAME, size));
}

#[test]
fn frames_are_zoomed_to_and_out_of() {
    let mut window = sample();
    click_frame(&mut window, LEAKS);
    assert_eq!(selected(&window), LEAKS);
    // The line below says it to those who do not point.
    assert!(window.query_all_by_label_contains("of its parent").next().is_some());
    press(&mut window, Key::Enter);
    settle(&mut window);
    assert_eq!(zoomed(&window), LEAKS);
    let widths: Vec<f32> = window.query_all_by_role(Role::TreeItem).map(|item| item.rect().width()).collect();
    let around = tree(&window).depth(document(&window).flame().view.zoom()) + 1;
    let whole = widths.iter().copied().fold(0.0, f32::max);
    assert!(widths.iter().filter(|width| **width == whole).count() >= around.min(8), "{widths:?}");
    press(&mut window, Key::Backspace);
    assert_eq!(zoomed(&window), "[Root]");
    click(&mut window, "Flame graph of stacks");
    click_frame(&mut window, LEAKS);
    command(&mut window, "Stacks: Zoom to frame");
    assert_eq!(zoomed(&window), LEAKS);
    click(&mut window, "Zoom out of frame");
    assert_eq!(zoomed(&window), "[Root]");
}

#[test]
fn the_arrows_go_from_frame_to_frame() {
    let mut window = sample();
    press(&mut window, Key::Home);
    assert_eq!(selected(&window), "[Root]");
    press(&mut window, Key::ArrowUp);
    let first = selected(&window);
    let child = tree(&window).children(FlameTree::ROOT).start;
    assert_eq!(first, tree(&window).text(child));
    press(&mut window, Key::ArrowRight);
    let second = selected(&window);
    assert_ne!(second, first);
    press(&mut window, Key::ArrowLeft);
    assert_eq!(selected(&window), first);
    press(&mut window, Key::ArrowDown);
    assert_eq!(selected(&window), "[Root]");
    // With the root at the top, inwards is down.
    let top = |window: &Window<'_>| window.get_by_label_contains("[Root], ").rect().top();
    let before = top(&window);
    click(&mut window, "Icicle, root at top");
    assert!(top(&window) < before);
    press(&mut window, Key::ArrowDown);
    assert_eq!(selected(&window), first);
    press(&mut window, Key::ArrowUp);
    assert_eq!(selected(&window), "[Root]");
}

#[test]
fn inverted_the_allocating_frames_come_first() {
    let mut window = sample();
    let whole = tree(&window).weight(FlameTree::ROOT);
    click(&mut window, "Bottom-up (inverted)");
    let shown = tree(&window);
    assert_eq!(shown.weight(FlameTree::ROOT), whole);
    let first = shown.children(FlameTree::ROOT).start;
    assert!(shown.text(first).contains("ExAllocatePool"), "{}", shown.text(first));
    let callers: Vec<&str> = shown.children(first).map(|node| shown.text(node)).collect();
    assert!(callers.contains(&LEAKS), "{callers:?}");
    click(&mut window, "Top-down (callers)");
    let outermost = tree(&window).children(FlameTree::ROOT).start;
    assert!(!tree(&window).text(outermost).contains("ExAllocatePool"));
}

#[test]
fn a_search_marks_frames_and_says_how_much_has_them() {
    let mut window = sample();
    press_with(&mut window, Modifiers::COMMAND, Key::F);
    write(&mut window, "MYFAULT");
    let (text, weight) = document(&window).flame().found.clone().expect("found");
    assert_eq!((text.as_str(), weight), ("MYFAULT", tree(&window).matched("myfault")));
    assert!(weight > 0 && weight < tree(&window).weight(FlameTree::ROOT));
    assert!(window.query_all_by_label_contains("Matched ").next().is_some());
    press(&mut window, Key::Enter);
    let first = selected(&window);
    assert!(first.to_lowercase().contains("myfault"), "{first}");
    press(&mut window, Key::F3);
    let second = selected(&window);
    assert!(second.to_lowercase().contains("myfault") && second != first, "{second}");
    press_with(&mut window, Modifiers::SHIFT, Key::F3);
    assert_eq!(selected(&window), first);
    press_with(&mut window, Modifiers::COMMAND, Key::F);
    write(&mut window, "zzz");
    window.get_by_label("No match");
    press(&mut window, Key::Escape);
    assert_eq!((document(&window).flame().search.as_str(), document(&window).ui.page), ("", PageId::FLAME));
}

#[test]
fn a_frame_is_filtered_to_shown_in_the_table_and_copied() {
    let mut window = sample();
    click_frame(&mut window, LEAKS);
    window.event(Event::Copy);
    assert_eq!(copied(&mut window), LEAKS);
    let key = Key::C;
    window.event(Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: CTRL_SHIFT });
    let stack = copied(&mut window);
    let lines: Vec<&str> = stack.lines().collect();
    let depth = tree(&window).depth(document(&window).flame().view.cursor().expect("selected"));
    // The frame, and the source line of the call, since all of its addresses have the same one.
    let (frame, source) = lines[0].split_once(" [").expect("a source line");
    assert_eq!((frame, lines.len(), source.starts_with("myfault.c:")), (LEAKS, depth, true), "{stack}");
    let only = tree(&window).matched(LEAKS);
    press_with(&mut window, Modifiers::COMMAND, Key::Enter);
    assert_eq!(filter_steps(&window), [format!("stack:=\"{LEAKS}\"")]);
    assert_eq!((document(&window).ui.page, tree(&window).weight(FlameTree::ROOT)), (PageId::FLAME, only));
    assert_eq!(selected(&window), LEAKS, "it stays selected");
    click(&mut window, "Undo");
    assert!(filter_steps(&window).is_empty());
    command(&mut window, "Stacks: Show frame in table");
    assert_eq!((document(&window).ui.page, cursor(&window).text.as_str()), (PageId::ANALYSIS, LEAKS));
    let way: Vec<String> =
        document(&window).results.details.as_ref().expect("details").keys.iter().map(|k| k.1.clone()).collect();
    assert_eq!(way[..3], ["AIFO", "NonPaged", "Leak"].map(str::to_owned));
}

#[test]
fn the_menu_of_a_frame_opens_by_mouse_and_keys() {
    let mut window = sample();
    let label = frames(&window).into_iter().find(|label| label.starts_with(LEAKS)).expect("a frame");
    window.get_by_label(&label).click_secondary();
    window.run_steps(4);
    window.get_by_label_contains("Zoom to frame").click();
    window.run_steps(4);
    settle(&mut window);
    assert_eq!(zoomed(&window), LEAKS);
    press(&mut window, Key::Backspace);
    window.key_press_modifiers(Modifiers::SHIFT, Key::F10);
    window.run_steps(5);
    window.get_by_label_contains("Copy name");
    press(&mut window, Key::Enter);
    settle(&mut window);
    assert_eq!(zoomed(&window), LEAKS, "the first entry had the keys");
}

#[test]
fn view_and_filter_change_what_is_drawn() {
    let mut window = sample();
    let whole = tree(&window).weight(FlameTree::ROOT);
    click_frame(&mut window, LEAKS);
    press(&mut window, Key::Enter);
    document_mut(&mut window).zoom(Range::between(20.0, 30.0), false);
    settle(&mut window);
    let shown = document(&window).flame().shown.as_ref().expect("shown");
    assert_eq!(shown.question.range, document(&window).query.range);
    assert!(shown.tree.weight(FlameTree::ROOT) < whole);
    assert_eq!(zoomed(&window), LEAKS, "zoomed as before");
    document_mut(&mut window).push_query("tag:NoSuchTag");
    settle(&mut window);
    window.get_by_label("No match");
    click(&mut window, "Clear filter");
    click(&mut window, "Zoom to the whole trace");
    assert_eq!(tree(&window).weight(FlameTree::ROOT), whole);
}

#[test]
fn other_names_leave_zoom_and_selection_where_they_are() {
    let mut window = sample();
    click_frame(&mut window, LEAKS);
    press(&mut window, Key::Enter);
    settle(&mut window);
    let weight = |window: &Window<'_>| tree(window).weight(document(window).flame().view.zoom());
    let by_function = weight(&window);
    for (naming, starts) in [
        (FrameNaming::Symbol, "myfault.sys!MyfaultDeviceControl+0x"),
        (FrameNaming::Address, "0xffff"),
        (FrameNaming::Function, LEAKS),
    ] {
        document_mut(&mut window).set_frame_naming(naming);
        settle(&mut window);
        named(&mut window);
        assert!(zoomed(&window).starts_with(starts), "{naming:?}: {}", zoomed(&window));
        assert_eq!(selected(&window), zoomed(&window));
        assert!(weight(&window) <= by_function && weight(&window) * 2 > by_function, "{naming:?}");
    }
    assert_eq!(weight(&window), by_function);
}

#[test]
fn names_that_come_late_take_the_place_of_addresses() {
    let mut window = window_naming(OpenRequest::Sample, Arc::new(InMemory::default()), Arc::new(SampleNames));
    // As soon as there are rows, long before there are names.
    for _ in 0..PATIENCE {
        window.step();
        if app(&window).document().is_some_and(|document| document.results.rows.is_some()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    document_mut(&mut window).run(&DocumentCommand::Page(PageId::FLAME));
    named(&mut window);
    assert!(frames(&window).iter().any(|label| label.starts_with(LEAKS)), "{:?}", frames(&window));
    assert!(Arc::ptr_eq(
        &document(&window).flame().shown.as_ref().expect("shown").question.names,
        &document(&window).results.names
    ));
}

#[test]
fn traces_without_stacks_or_pool_events_say_what_to_do() {
    let bare = SynthParams { allocations: 500, stacks: StackMode::None, ..SynthParams::default() };
    let (_folder, path) = folder_with(&bare);
    let mut window = open_file(&path);
    press_with(&mut window, CTRL_SHIFT, Key::I);
    window.get_by_label("Recorded without stacks");
    let quiet = SynthParams { allocations: 0, preexisting: 0, pool_rundown: false, ..SynthParams::default() };
    let (_folder, path) = folder_with(&quiet);
    let mut window = open_file(&path);
    press_with(&mut window, CTRL_SHIFT, Key::I);
    assert!(window.query_all_by_label("No pool events").next().is_some());
    click(&mut window, "Back");
    assert_eq!(document(&window).ui.page, PageId::ANALYSIS);
}

#[test]
fn a_trace_without_symbols_has_a_flame_graph_of_addresses_in_any_size() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    press_with(&mut window, CTRL_SHIFT, Key::I);
    for (width, height) in [(1280.0, 720.0), (720.0, 480.0)] {
        window.set_size(vec2(width, height));
        window.run_steps(4);
        let root = window.get_by_label_contains("[Root], ").rect();
        assert!(root.width() > width / 3.0 && root.bottom() <= height, "{root:?}");
        assert!(frames(&window).len() > 3, "{:?}", frames(&window));
    }
}

#[test]
fn how_it_is_drawn_is_remembered() {
    let store = Arc::new(InMemory::default());
    let (_folder, path) = folder();
    let open = || OpenRequest::File(path.clone());
    let mut window = window_naming(open(), Arc::clone(&store), Arc::new(SampleNames));
    settle(&mut window);
    press_with(&mut window, CTRL_SHIFT, Key::I);
    click(&mut window, "Icicle, root at top");
    click(&mut window, "Bottom-up (inverted)");
    command(&mut window, "Stacks: Impacting count");
    let look = document(&window).flame().look;
    drop(window);
    let mut window = window_naming(open(), store, Arc::new(SampleNames));
    settle(&mut window);
    assert_eq!(document(&window).flame().look, look);
    assert!(look.root_at_top && look.weight() == FlameMetric::ImpactingCount);
    press_with(&mut window, CTRL_SHIFT, Key::I);
    assert_eq!(tree(&window).metric(), FlameMetric::ImpactingCount);
}
