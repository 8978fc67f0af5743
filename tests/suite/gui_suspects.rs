//! What leaks, as the window says it: the sentence above the graph, the page of suspects, and the ways from there to the rows.

use poolscope::gui::model::page_id::PageId;
use std::sync::Arc;
use std::time::Duration;

use egui_kittest::kittest::{NodeT as _, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::document::Document;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::epaint::text::FontsView;
use poolscope::gui::egui::{Color32, Event, Key, Modifiers, vec2};
use poolscope::gui::jobs::symbols::SymbolService;
use poolscope::gui::model::symbols::Phase;
use poolscope::gui::pages::suspects::commands::SuspectsCommand;
use poolscope::gui::pages::suspects::state::WarmUpChoice;
use poolscope::gui::theme;
use poolscope::symbols::{SymbolEnvironment, SymbolOptions};
use poolscope_analysis::leaks::{SuspectGrouping, Verdict};
use poolscope_symbols::resolve::Resolver;
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::TagMix;

use crate::gui_harness::{
    InMemory, PATIENCE, Window, app, click, command, copied, cursor, document, folder_with, open_file, press,
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

/// The sample with its names, judged.
fn sample<'a>() -> Window<'a> {
    let mut window = window_naming(OpenRequest::Sample, Arc::new(InMemory::default()), Arc::new(SampleNames));
    settle(&mut window);
    for _ in 0..PATIENCE {
        let done = app(&window).document().is_some_and(|document| document.results.symbols.phase != Phase::Running);
        if done && !document(&window).is_naming() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
    settle(&mut window);
    window
}

/// The sample on the page of suspects.
fn page<'a>() -> Window<'a> {
    let mut window = sample();
    press_with(&mut window, CTRL_SHIFT, Key::L);
    assert_eq!(document(&window).ui.page, PageId::SUSPECTS);
    window
}

/// The accessible names of the listed suspects, from top to bottom.
fn listed(window: &Window<'_>) -> Vec<String> {
    let mut rows: Vec<(f32, String)> = window
        .query_all_by_role(Role::Row)
        .map(|row| (row.rect().top(), row.accesskit_node().label().expect("a name")))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, label)| label).collect()
}

/// The texts of the way to the row under the cursor.
fn way(document: &Document) -> Vec<String> {
    let details = document.results.details.as_ref().expect("a row is selected");
    details.keys.iter().map(|(_, text)| text.clone()).collect()
}

fn selected(window: &Window<'_>) -> String {
    let suspect = document(window).suspects().current().expect("one is selected");
    suspect.tag.clone().unwrap_or_else(|| suspect.driver.clone())
}

#[test]
fn the_sentence_above_the_graph_leads_to_the_suspects_and_to_the_rows() {
    let mut window = sample();
    window.get_by_label_contains("myfault.sys leaks ");
    window.get_by_label_contains(" of nonpaged pool under tag Leak, from MyfaultDeviceControl");
    document_mut(&mut window).table_action(poolscope::gui::widgets::pivot_table::Action::Select);
    press(&mut window, Key::End);
    assert_ne!(cursor(&window).text, "Leak");
    click(&mut window, "Show in table");
    assert_eq!(cursor(&window).text, "Leak");
    click(&mut window, "Suspects");
    assert_eq!(document(&window).ui.page, PageId::SUSPECTS);
    let first = listed(&window).remove(0);
    assert!(first.starts_with("1. Leak leak, nonpaged pool, myfault.sys!MyfaultDeviceControl, "), "{first}");
    click(&mut window, "Back to Analysis");
    click(&mut window, "Hide summary banner");
    assert!(window.query_by_label_contains("myfault.sys leaks").is_none());
    assert!(window.query_by_label("Show in table").is_none());
    // It can be had again, and a trace that is opened anew has it.
    command(&mut window, "Leaks: Show summary banner");
    window.get_by_label_contains("myfault.sys leaks");
}

#[test]
fn the_sentence_has_its_room_before_the_answer_is_there() {
    let mut window = sample();
    let graph = window.get_by_role(Role::Figure).rect();
    let shown = document_mut(&mut window).suspects_mut().shown.take();
    window.run_steps(2);
    window.get_by_label("Analyzing\u{2026}");
    assert_eq!(window.get_by_role(Role::Figure).rect(), graph);
    document_mut(&mut window).suspects_mut().shown = shown;
    window.run_steps(2);
    assert_eq!(window.get_by_role(Role::Figure).rect(), graph);
}

#[test]
fn what_does_not_leak_is_folded_away() {
    let mut window = page();
    assert_eq!(listed(&window).len(), 1);
    let non_leaking_count = document(&window).suspects().non_leaking_count();
    assert!(non_leaking_count > 5, "{non_leaking_count}");
    click(&mut window, &format!("Show non-leaking tags ({non_leaking_count})"));
    // Two are as near as they are drawn: the list is longer than the screen.
    let rows = listed(&window);
    assert!(rows.len() > 2 && rows[0].starts_with("1. Leak leak") && rows[1].starts_with("2. "), "{rows:?}");
    assert_eq!(document_mut(&mut window).suspects_mut().listed().len(), non_leaking_count + 1);
}

#[test]
fn a_suspect_is_shown_in_the_table_whatever_hides_it() {
    let mut window = page();
    press(&mut window, Key::Enter);
    settle(&mut window);
    let shown = document(&window);
    assert_eq!(
        (shown.ui.page, way(shown)),
        (PageId::ANALYSIS, ["AIFO", "NonPaged", "Leak"].map(str::to_owned).to_vec())
    );
    // Other columns, a filter that leaves something else, and a zoom to where it had not begun.
    command(&mut window, "Preset: Frees by tag and stack");
    document_mut(&mut window).push_query("tag:CM31");
    settle(&mut window);
    let clock = document(&window).trace.clock;
    let from = clock.seconds(document(&window).trace.extent.from);
    document_mut(&mut window).zoom(poolscope::gui::widgets::graph::Range::between(from, from + 0.5), false);
    settle(&mut window);
    press_with(&mut window, CTRL_SHIFT, Key::L);
    click(&mut window, "Show in table");
    let shown = document(&window);
    assert_eq!(way(shown), ["AIFO", "NonPaged", "Leak"]);
    assert!(shown.query.filter.steps().is_empty());
    assert_eq!(shown.query.range, shown.trace.extent);
    window.get_by_label_contains("filter excluded these rows");
}

#[test]
fn one_suspect_can_be_all_that_is_left() {
    let mut window = page();
    click(&mut window, "Filter to suspect");
    let shown = document(&window);
    let steps: Vec<String> =
        shown.query.filter.steps().iter().map(poolscope::gui::model::filter::Step::title).collect();
    assert_eq!((shown.ui.page, steps), (PageId::ANALYSIS, vec!["tag:=Leak paged:=NonPaged".to_owned()]));
    assert!(window.query_by_label_contains("Pool Tag Leak,").is_some());
}

#[test]
fn drivers_and_stacks_are_judged_as_one_each() {
    let mut window = page();
    click(&mut window, "Group by driver");
    assert!(selected(&window).contains("Leak") || selected(&window) == "myfault.sys");
    let first = listed(&window).remove(0);
    assert!(first.contains("myfault.sys, "), "{first}");
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    assert!(way(document(&window)).contains(&"NonPaged".to_owned()), "{:?}", way(document(&window)));
    press_with(&mut window, CTRL_SHIFT, Key::L);
    click(&mut window, "Group by stack");
    assert_eq!(
        document(&window).suspects().shown.as_ref().expect("judged").analysis.request.grouping,
        SuspectGrouping::Stack
    );
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    // The row is the call that allocates.
    assert!(cursor(&window).text.contains("ExAllocatePoolWithTag"), "{}", cursor(&window).text);
}

#[test]
fn processes_are_listed_beside_a_suspect_and_can_be_what_is_grouped() {
    let mut window = page();
    window.get_by_label("PROCESSES");
    assert!(window.query_all_by_label_contains("NotMyfault.exe (").next().is_some());
    click(&mut window, "Group by process");
    assert_eq!(
        document(&window).suspects().shown.as_ref().expect("judged").analysis.request.grouping,
        SuspectGrouping::Process
    );
    let first = listed(&window).remove(0);
    assert!(first.contains("nonpaged pool, NotMyfault.exe ("), "{first}");
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    settle(&mut window);
    let shown = document(&window);
    let steps: Vec<String> =
        shown.query.filter.steps().iter().map(poolscope::gui::model::filter::Step::title).collect();
    assert_eq!((shown.ui.page, steps.len()), (PageId::ANALYSIS, 1));
    assert!(steps[0].starts_with("process:=\"NotMyfault.exe (") && steps[0].ends_with("paged:=NonPaged"), "{steps:?}");
}

#[test]
fn the_filter_and_the_headers_change_what_is_listed() {
    let mut window = page();
    document_mut(&mut window).suspects_mut().shows_non_leaking = true;
    window.run_steps(3);
    let all = document_mut(&mut window).suspects_mut().listed();
    assert!(all.is_sorted());
    click(&mut window, "Sort by Pool Tag");
    let tags = |window: &mut Window<'_>| -> Vec<String> {
        let page = &mut document_mut(window).suspects_mut();
        let listed = page.listed();
        listed.iter().map(|at| page.suspects()[*at].tag.clone().expect("by tag")).collect()
    };
    let by_tag = tags(&mut window);
    assert!(by_tag.is_sorted() && by_tag.len() == all.len(), "{by_tag:?}");
    click(&mut window, "Sort by Pool Tag, ascending");
    let back: Vec<String> = by_tag.iter().rev().cloned().collect();
    let reversed = tags(&mut window);
    assert_eq!((reversed.first(), reversed.last()), (back.first(), back.last()));
    // The field takes the keys of the search on this page.
    press_with(&mut window, Modifiers::COMMAND, Key::F);
    assert_eq!(document(&window).ui.page, PageId::SUSPECTS);
    write(&mut window, "MYFAULT");
    assert_eq!(tags(&mut window), ["Leak"]);
    assert_eq!(listed(&window).len(), 1);
    write(&mut window, "zzz");
    window.get_by_label("No match");
    click(&mut window, "Clear filter");
    assert_eq!(tags(&mut window).len(), all.len());
    press_with(&mut window, Modifiers::COMMAND, Key::F);
    write(&mut window, "MYFAULT");
    assert_eq!(tags(&mut window), ["Leak"]);
    press(&mut window, Key::Escape);
    assert_eq!(
        (document(&window).ui.page, tags(&mut window).len()),
        (PageId::SUSPECTS, all.len()),
        "Escape empties the field"
    );
}

#[test]
fn the_keys_go_through_the_list_and_copy_it() {
    let mut window = page();
    document_mut(&mut window).suspects_mut().shows_non_leaking = true;
    window.run_steps(3);
    assert_eq!(selected(&window), "Leak");
    press(&mut window, Key::ArrowDown);
    assert_eq!(document(&window).suspects().cursor, Some(1));
    press(&mut window, Key::ArrowUp);
    window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
    window.run_steps(3);
    let chosen: Vec<usize> = document(&window).suspects().selected.iter().copied().collect();
    assert_eq!(chosen, [0, 1]);
    // The evidence on each, a paragraph; the exact figures are one command further.
    window.event(Event::Copy);
    let text = copied(&mut window);
    assert_eq!(text.matches("Verdict: ").count(), 2, "{text}");
    assert!(text.starts_with("myfault.sys leaks ") && text.contains("myfault.sys!MyfaultDeviceControl"), "{text}");
    document_mut(&mut window).run(&SuspectsCommand::CopyTable.into());
    let text = copied(&mut window);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("Rank\tVerdict\tPool Tag\tPool\tDriver\tFunction\tGrowth (bytes/min)"), "{text}");
    let bytes = document(&window).suspects().suspects()[0].evidence.outstanding.bytes.to_string();
    assert!(lines[1].starts_with("1\tleak\tLeak\tNonPaged\tmyfault.sys\t") && lines[1].contains(&bytes), "{text}");
    press(&mut window, Key::End);
    let last = document_mut(&mut window).suspects_mut().listed().last().copied();
    assert_eq!(document(&window).suspects().cursor, last);
    press(&mut window, Key::Home);
    assert_eq!(selected(&window), "Leak");
    // Down alone: what is copied stands in the frame of the last event.
    let key = Key::C;
    window.event(Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: CTRL_SHIFT });
    let stack = copied(&mut window);
    let frames: Vec<&str> = stack.lines().collect();
    assert!(frames.len() > 5 && frames[0].contains("ExAllocatePoolWithTag"), "{stack}");
    assert!(frames[1].starts_with("myfault.sys!MyfaultDeviceControl"), "{stack}");
}

#[test]
fn what_is_known_of_a_suspect_stands_beside_it() {
    let mut window = page();
    for label in ["EVIDENCE", "DETAILS", "STACK", "AGE OF OUTSTANDING ALLOCATIONS", "OWNER"] {
        window.get_by_label(label);
    }
    window.get_by_label_contains("Outstanding bytes of Leak over time");
    assert!(window.query_all_by_label_contains("myfault.sys!MyfaultDeviceControl+").next().is_some());
    click(&mut window, "Record this tag\u{2026}");
    assert!(window.query_all_by_label_contains("-PoolTag Leak").next().is_some());
}

#[test]
fn the_judged_time_is_the_users() {
    let mut window = page();
    let whole = document(&window).trace.extent;
    let request = |window: &Window<'_>| document(window).suspects().shown.as_ref().expect("judged").analysis.request;
    assert_eq!(request(&window).visible_range, whole);
    document_mut(&mut window).zoom(poolscope::gui::widgets::graph::Range::between(20.0, 40.0), false);
    settle(&mut window);
    assert_eq!(request(&window).visible_range, whole, "a zoom alone changes nothing");
    click(&mut window, "Analyze the visible range");
    assert_eq!(request(&window).visible_range, document(&window).query.range);
    document_mut(&mut window).suspects_mut().warm_up = WarmUpChoice::None;
    settle(&mut window);
    let shown = &document(&window).suspects().shown.as_ref().expect("judged").analysis;
    assert_eq!(shown.range.warm_up_end, shown.range.active.from);
    document_mut(&mut window).suspects_mut().warm_up = WarmUpChoice::Seconds(5.0);
    settle(&mut window);
    window.get_by_label("Analyzed 25.0 s to 40.0 s");
    // A mark ends the warm-up unless something else is chosen.
    document_mut(&mut window).suspects_mut().warm_up = WarmUpChoice::Usual;
    document_mut(&mut window).add_marks(&[30.0]);
    settle(&mut window);
    window.get_by_label("Analyzed 30.0 s to 40.0 s");
}

#[test]
fn a_trace_in_which_nothing_leaks_says_so_quietly() {
    let tags = TagMix { leaking: 0, slow_leaks: 0, plateau: 1, burst: 0, churning: 3, ordinary: 12 };
    let calm = SynthParams { allocations: 3000, tags, preexisting: 0, ..SynthParams::default() };
    let (_folder, path) = folder_with(&calm);
    let mut window = open_file(&path);
    let verdicts: Vec<Verdict> =
        document(&window).suspects().suspects().iter().map(|suspect| suspect.verdict).collect();
    assert!(verdicts.iter().all(|verdict| !matches!(verdict, Verdict::Leak | Verdict::Growing)), "{verdicts:?}");
    assert!(window.query_by_label("Show in table").is_none());
    click(&mut window, "Suspects");
    let non_leaking_count = document(&window).suspects().non_leaking_count();
    if listed(&window).is_empty() {
        window.get_by_label("Nothing leaks");
        // The page and the line above it offer the same.
        let title = format!("Show non-leaking tags ({non_leaking_count})");
        window.query_all_by_label(&title).last().expect("a button of the page").click();
        window.run_steps(4);
    }
    assert_eq!(document(&window).suspects().suspects().len(), verdicts.len());
}

#[test]
fn a_trace_without_pool_events_has_no_suspects_and_no_sentence() {
    let quiet = SynthParams { allocations: 0, preexisting: 0, pool_rundown: false, ..SynthParams::default() };
    let (_folder, path) = folder_with(&quiet);
    let mut window = open_file(&path);
    assert!(window.query_by_label("Suspects").is_none());
    press_with(&mut window, CTRL_SHIFT, Key::L);
    // The status bar says it, too.
    assert_eq!(window.query_all_by_label("No pool events").count(), 3);
    click(&mut window, "Back");
    assert_eq!(document(&window).ui.page, PageId::ANALYSIS);
}

#[test]
fn small_windows_keep_the_page_usable() {
    for (width, height) in [(1280.0, 720.0), (720.0, 480.0)] {
        let mut window = page();
        window.set_size(vec2(width, height));
        window.run_steps(4);
        assert_eq!(listed(&window).len(), 1, "{width}x{height}");
        let row = window.get_by_role(Role::Row).rect();
        assert!(row.top() > 0.0 && row.bottom() < height, "{row:?}");
        window.get_by_label("EVIDENCE");
        press_with(&mut window, CTRL_SHIFT, Key::L);
        click(&mut window, "Back to Analysis");
        let button = window.get_by_label("Suspects").rect();
        assert!(button.right() <= width, "{button:?}");
        assert!(window.get_by_role(Role::Figure).rect().height() > 40.0);
    }
}

#[test]
fn the_title_of_a_suspect_is_whole_beside_or_above_its_buttons() {
    for width in [720.0, 900.0, 1040.0, 1280.0, 1920.0] {
        let mut window = page();
        window.set_size(vec2(width, 900.0));
        window.run_steps(4);
        press_with(&mut window, CTRL_SHIFT, Key::L);
        window.run_steps(4);
        let text = "Leak, nonpaged pool, myfault.sys!MyfaultDeviceControl";
        let title = window.get_by_label(text).rect();
        let buttons = ["Show in table", "Filter to suspect", "Show flame graph", "Copy selected suspects"];
        let buttons = buttons.map(|name| window.get_by_label(name).rect());
        for button in buttons {
            assert!(button.right() <= width && !button.intersects(title), "{width}: {button:?} over {title:?}");
        }
        let font = theme::strong_font();
        let layout = |fonts: &mut FontsView<'_>| fonts.layout_no_wrap(text.to_owned(), font, Color32::WHITE).size();
        let whole = window.ctx.fonts_mut(layout);
        assert!(title.width() * (title.height() / whole.y).round() >= whole.x - 1.0, "{width}: {title:?}, {whole:?}");
    }
}
