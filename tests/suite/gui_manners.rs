//! Manners of the window: Escape and Back, searching the page in front, keys of graph and menus, the palette, undo, messages, colors
//! and an idle window.

use std::time::Duration;

use egui_kittest::kittest::{NodeT as _, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers, ViewportId, vec2};
use poolscope::gui::model::page_id::PageId;
use poolscope::gui::theme::Palette;
use poolscope::gui::widgets::pivot_table::TreeModel;
use poolscope_synth::SynthParams;

use crate::gui_harness::*;

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers { command: true, ctrl: true, shift: true, ..Modifiers::NONE };

fn page(window: &Window<'_>) -> PageId {
    document(window).ui.page
}

fn show_page(window: &mut Window<'_>, id: PageId) {
    match id {
        PageId::SUSPECTS => press_with(window, CTRL_SHIFT, Key::L),
        PageId::FLAME => press_with(window, CTRL_SHIFT, Key::I),
        PageId::MODULES => press_with(window, CTRL_SHIFT, Key::M),
        _ => {
            window.get_by_label_contains("Data quality: ").click();
            window.run_steps(3);
        }
    }
    settle(window);
    assert_eq!(page(window), id);
}

const PAGES: [PageId; 4] = [PageId::SUSPECTS, PageId::FLAME, PageId::MODULES, PageId::TRACE_INFO];

fn focus_table(window: &mut Window<'_>) {
    window.get_by_role_and_label(Role::TreeGrid, "Allocations").focus();
    window.run_steps(2);
}

#[test]
fn escape_and_back_agree_on_every_page() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    for id in PAGES {
        show_page(&mut window, id);
        click(&mut window, "Back to Analysis");
        assert_eq!(page(&window), PageId::ANALYSIS, "Back on {id:?}");
        show_page(&mut window, id);
        press_with(&mut window, Modifiers::NONE, Key::Escape);
        assert_eq!(page(&window), PageId::ANALYSIS, "Escape on {id:?}");
    }
    // From a page that another one led to, both lead there.
    show_page(&mut window, PageId::SUSPECTS);
    show_page(&mut window, PageId::FLAME);
    click(&mut window, "Back to Suspects");
    assert_eq!(page(&window), PageId::SUSPECTS);
    show_page(&mut window, PageId::MODULES);
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(page(&window), PageId::SUSPECTS);
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(page(&window), PageId::ANALYSIS);
}

#[test]
fn escape_closes_one_thing_at_a_time() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    show_page(&mut window, PageId::SUSPECTS);
    press_with(&mut window, CTRL, Key::F);
    write(&mut window, "zzz");
    press_with(&mut window, CTRL, Key::K);
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Search commands").is_none(), "the palette goes first");
    assert_eq!((page(&window), document(&window).suspects().filter.as_str()), (PageId::SUSPECTS, "zzz"));
    press_with(&mut window, CTRL, Key::F);
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(
        (page(&window), document(&window).suspects().filter.as_str()),
        (PageId::SUSPECTS, ""),
        "then the filter"
    );
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(page(&window), PageId::ANALYSIS, "then the page");
    // On the Analysis page: several selected rows, the find bar, the selected range.
    drag_graph(&mut window, 0.3, 0.6);
    press_with(&mut window, CTRL, Key::F);
    focus_table(&mut window);
    press_with(&mut window, CTRL, Key::A);
    assert!(document(&window).ui.table.selected().len() > 1);
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(document(&window).ui.table.selected().len(), 1);
    assert!(document(&window).ui.finder.open && document(&window).ui.graph.selection().is_some());
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!document(&window).ui.finder.open && document(&window).ui.graph.selection().is_some());
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert!(document(&window).ui.graph.selection().is_none());
}

#[test]
fn find_searches_the_page_that_it_is_pressed_on() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let fields = ["Filter suspects", "Search the frames", "Filter modules", "Filter issues, images and processes"];
    for (id, field) in PAGES.into_iter().zip(fields) {
        show_page(&mut window, id);
        if window.query_by_role_and_label(Role::TextInput, field).is_none() {
            // A page that has nothing to search stays in front.
            press_with(&mut window, CTRL, Key::F);
            assert_eq!(page(&window), id);
            continue;
        }
        press_with(&mut window, CTRL, Key::F);
        assert_eq!(page(&window), id);
        let focused = window.get_by_role_and_label(Role::TextInput, field).accesskit_node().is_focused();
        assert!(focused, "{field}");
    }
    // The lists of the trace page have what was written, and nothing else.
    let named = |window: &Window<'_>| {
        let labels = window.query_all_by_role(Role::Row).map(|row| row.accesskit_node().label().unwrap_or_default());
        labels.map(|label| label.to_lowercase().contains("system")).collect::<Vec<_>>()
    };
    assert!(!named(&window).is_empty() && named(&window).contains(&false));
    write(&mut window, "system");
    assert!(!named(&window).is_empty() && !named(&window).contains(&false), "{:?}", named(&window));
}

#[test]
fn a_click_gives_the_graph_the_keys() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let place = window.get_by_role(Role::Figure).rect();
    window.hover_at(place.center());
    window.run_steps(2);
    window.get_by_role(Role::Figure).click();
    window.run_steps(3);
    assert!(window.get_by_role(Role::Figure).accesskit_node().is_focused());
    press_with(&mut window, Modifiers::NONE, Key::M);
    assert_eq!(document(&window).query.marks.len(), 1);
    // A click on the table gives the keys back.
    focus_table(&mut window);
    press_with(&mut window, Modifiers::NONE, Key::M);
    assert_eq!(document(&window).query.marks.len(), 1);
}

/// The titles in the palette, from top to bottom.
fn listed(window: &Window<'_>) -> Vec<String> {
    let rows = window.query_all_by_role(Role::ListBoxOption);
    let mut named: Vec<(f32, String)> =
        rows.map(|row| (row.rect().top(), row.accesskit_node().label().unwrap_or_default())).collect();
    named.sort_by(|a, b| a.0.total_cmp(&b.0));
    named.into_iter().map(|(_, name)| name).collect()
}

fn search(window: &mut Window<'_>, text: &str) -> Vec<String> {
    press_with(window, CTRL, Key::K);
    window.event(Event::Text(text.to_owned()));
    window.run_steps(3);
    let found = listed(window);
    press_with(window, Modifiers::NONE, Key::Escape);
    found
}

#[test]
fn the_palette_ranks_exact_words_first_and_finds_columns_and_presets() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let found = search(&mut window, "find");
    assert!(found[..4].iter().all(|title| title.contains("Find ")), "whole words before letters: {found:?}");
    assert_eq!(search(&mut window, "churn")[0], "Preset: Churn");
    assert_eq!(search(&mut window, "leak hunt")[0], "Preset: Leak hunt");
    assert_eq!(search(&mut window, "column process")[0], "Add column Process");
    assert_eq!(search(&mut window, "column pool tag")[0], "Remove column Pool Tag");
    assert_eq!(search(&mut window, "growth")[0], "Add column Growth (bytes/s)");
    command(&mut window, "Add column Process");
    assert!(columns(&window).contains("Process"), "{}", columns(&window));
    command(&mut window, "Remove column Process");
    assert!(!columns(&window).contains("Process"), "{}", columns(&window));
}

#[test]
fn the_palette_stays_away_from_dialogs() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    press_with(&mut window, CTRL, Key::E);
    assert!(document(&window).ui.dialog.is_some());
    press_with(&mut window, CTRL, Key::K);
    assert!(window.query_by_label("Search commands").is_none());
    press_with(&mut window, Modifiers::NONE, Key::F1);
    assert!(window.query_by_label("Filter shortcuts").is_none());
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert!(document(&window).ui.dialog.is_none());
    // It gives way to the list of keys, and the other way round.
    press_with(&mut window, CTRL, Key::K);
    press_with(&mut window, Modifiers::NONE, Key::F1);
    assert!(window.query_by_label("Search commands").is_none() && window.query_by_label("Filter shortcuts").is_some());
}

#[test]
fn alt_and_a_letter_open_a_menu_that_keys_walk_through() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let alt = |window: &mut Window<'_>, key| {
        window.key_press_modifiers(Modifiers::ALT, key);
        window.run_steps(6);
    };
    for (key, entry) in [
        (Key::F, "Open sample trace"),
        (Key::E, "Copy cell"),
        (Key::V, "Zoom in"),
        (Key::G, "Lines"),
        (Key::T, "Go to responsible frame"),
        (Key::S, "Load symbols"),
        (Key::H, "Keyboard shortcuts"),
    ] {
        alt(&mut window, key);
        assert!(window.query_by_label(entry).is_some(), "{key:?} shows {entry}");
    }
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Keyboard shortcuts").is_none());
    // The first entry has the keyboard, whatever had it before, and the letter is no text for that; Down goes to the second entry,
    // Right to the next menu.
    press(&mut window, Key::Home);
    let row = cursor(&window).text;
    let modifiers = Modifiers::ALT;
    let pressed = Event::Key { key: Key::E, physical_key: None, pressed: true, repeat: false, modifiers };
    window.input_mut().events.extend([pressed, Event::Text("e".to_owned())]);
    window.step();
    window.run_steps(6);
    let is_focused = |window: &Window<'_>, entry: &str| {
        window.get_by_role_and_label(Role::Button, entry).accesskit_node().is_focused()
    };
    assert!(is_focused(&window, "Copy rows"));
    press(&mut window, Key::ArrowDown);
    assert!(is_focused(&window, "Copy cell"));
    assert_eq!(cursor(&window).text, row);
    press(&mut window, Key::ArrowRight);
    window.run_steps(6);
    assert!(window.query_by_label("Zoom in").is_some(), "Right goes to the next menu");
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(page(&window), PageId::ANALYSIS);
    // A dialog keeps its keys.
    press_with(&mut window, CTRL, Key::E);
    alt(&mut window, Key::H);
    assert!(window.query_by_label("Keyboard shortcuts").is_none());
}

#[test]
fn menus_show_every_key() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    // Of commands that switch something, of those that a widget has the key for, and of all others.
    for (menu, keys) in [
        ("View", &["Ctrl+Shift+L", "Escape", "Ctrl+Shift+-"][..]),
        ("Table", &["*", "Ctrl+J", "Ctrl+E"]),
        ("Edit", &["Ctrl+Z", "Ctrl+Shift+F"]),
    ] {
        window.get_by_role_and_label(Role::Button, menu).click();
        window.run_steps(4);
        for key in keys {
            let mut entries = window.query_all_by_role(Role::Button).chain(window.query_all_by_role(Role::CheckBox));
            let shown = entries.any(|entry| entry.accesskit_node().description().as_deref() == Some(*key));
            assert!(shown, "{menu} shows {key}");
        }
        press_with(&mut window, Modifiers::NONE, Key::Escape);
    }
}

#[test]
fn menus_fit_into_the_smallest_window() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    window.set_size(vec2(1280.0, 720.0));
    window.run_steps(2);
    for menu in ["File", "Edit", "View", "Graph", "Table", "Symbols", "Help"] {
        window.get_by_role_and_label(Role::Button, menu).click();
        window.run_steps(4);
        let boxes = window.query_all_by_role(Role::Button).chain(window.query_all_by_role(Role::CheckBox));
        let lowest = boxes.map(|entry| entry.rect().bottom()).fold(0.0, f32::max);
        assert!(lowest <= 720.0, "{menu} ends at {lowest}");
        press_with(&mut window, Modifiers::NONE, Key::Escape);
    }
    // Submenus have the keys of their entries.
    window.get_by_role_and_label(Role::Button, "View").click();
    window.run_steps(4);
    window.get_by_role_and_label(Role::Button, "Layout").click();
    window.run_steps(6);
    let mut entries = window.query_all_by_role(Role::CheckBox);
    assert!(entries.any(|entry| entry.accesskit_node().description().as_deref() == Some("Ctrl+Shift+B")));
}

#[test]
fn undo_takes_back_columns_order_and_filter_and_keeps_the_row() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let before = columns(&window);
    let cursor_before = cursor(&window).text;
    let order = |window: &Window<'_>| document(window).query.columns.sort.clone();
    let sorted = order(&window);
    let name = header_name(&window, "Count");
    window.get_by_role_and_label(Role::ColumnHeader, &name).click();
    settle(&mut window);
    assert_ne!(order(&window), sorted);
    command(&mut window, "Add column Process");
    let with_process = columns(&window);
    assert_ne!(with_process, before);
    filter(&mut window, "type:AIFO");
    assert_eq!(document(&window).query.filter.steps().len(), 1);
    focus_table(&mut window);
    press_with(&mut window, CTRL, Key::Z);
    assert_eq!((document(&window).query.filter.steps().len(), columns(&window)), (0, with_process.clone()));
    press_with(&mut window, CTRL, Key::Z);
    assert_eq!(columns(&window), before);
    assert_ne!(order(&window), sorted);
    press_with(&mut window, CTRL, Key::Z);
    assert_eq!(order(&window), sorted);
    assert_eq!(cursor(&window).text, cursor_before, "the selected row is the one of before");
    press_with(&mut window, CTRL_SHIFT, Key::Z);
    press_with(&mut window, CTRL, Key::Y);
    assert_eq!(columns(&window), with_process);
    preset(&mut window, "Churn");
    let churn = columns(&window);
    assert_eq!(document(&window).query.filter.steps().len(), 1, "the preset comes with a query");
    command(&mut window, "Undo");
    assert_eq!((columns(&window), document(&window).query.filter.steps().len()), (with_process, 0), "both at once");
    command(&mut window, "Redo");
    assert_eq!((columns(&window), document(&window).query.filter.steps().len()), (churn, 1));
}

#[test]
fn rows_of_other_keys_keep_the_selected_values_and_their_place() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let tag = cursor(&window).text;
    let place = |window: &Window<'_>| {
        let document = document(window);
        let rows = document.results.rows.as_ref().expect("rows");
        let index = document.ui.table.cursor().and_then(|id| rows.index_of(id)).expect("a visible cursor");
        index - document.ui.table.position().row
    };
    let way = |window: &Window<'_>| -> Vec<String> {
        let details = document(window).results.details.as_ref().expect("a row is selected");
        details.keys.iter().map(|(_, text)| text.clone()).collect()
    };
    assert_eq!(way(&window)[2], tag);
    let paged = way(&window)[1].clone();
    let shown = place(&window);
    let x = header(&window, "Type").left() + 4.0;
    drag_header(&mut window, "Pool Tag", x);
    assert!(columns(&window).starts_with("Pool Tag, Type, Paged"), "{}", columns(&window));
    assert_eq!(way(&window), [tag.clone(), "AIFO".to_owned(), paged.clone()]);
    assert!(place(&window).abs_diff(shown) <= 3, "row {} on the screen, {shown} before", place(&window));
    preset(&mut window, "By driver");
    assert_eq!(way(&window)[1..], [paged.clone(), tag.clone()], "below the driver that has it");
    preset(&mut window, "Leak hunt");
    assert_eq!(way(&window)[1..3], [paged, tag]);
}

#[test]
fn messages_cover_nothing_and_leave() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let table = window.get_by_role_and_label(Role::TreeGrid, "Allocations").rect();
    drop_file(&mut window, std::path::Path::new("slow"));
    window.run_steps(3);
    window.get_by_label("Cancel").click();
    window.run_steps(3);
    let message = window.get_by_label("Opening slow was canceled").rect();
    let covered = window.get_by_role_and_label(Role::TreeGrid, "Allocations").rect();
    assert!(!covered.intersects(message), "{message:?} is over {covered:?}");
    // A pointer that rests on it does not hold it.
    window.hover_at(message.center());
    window.run_steps(400);
    assert!(window.query_by_label("Opening slow was canceled").is_none());
    assert_eq!(window.get_by_role_and_label(Role::TreeGrid, "Allocations").rect(), table);
}

#[test]
fn an_idle_window_draws_nothing() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let delay = |window: &Window<'_>| window.output().viewport_output[&ViewportId::ROOT].repaint_delay;
    window.run_steps(20);
    assert!(delay(&window) > Duration::from_secs(1), "{:?}", delay(&window));
    // A note in the status bar asks for the frame in which it goes, and for no other.
    focus_table(&mut window);
    window.event(Event::Copy);
    window.run_steps(4);
    window.get_by_label_contains("Copied 1 row");
    window.run_steps(300);
    assert!(window.query_by_label_contains("Copied 1 row").is_none());
    window.run_steps(4);
    assert!(delay(&window) > Duration::from_secs(1), "{:?}", delay(&window));
    for id in PAGES {
        show_page(&mut window, id);
        window.run_steps(120);
        // A field with the keyboard has a cursor that blinks.
        let least = Duration::from_millis(if id == PageId::MODULES { 100 } else { 1000 });
        assert!(delay(&window) >= least, "{id:?}: {:?}", delay(&window));
        press_with(&mut window, Modifiers::NONE, Key::Escape);
    }
}

#[test]
fn colors_of_modules_follow_the_theme() {
    let mut window = window(OpenRequest::Sample);
    settle(&mut window);
    let leads = |window: &Window<'_>| {
        let leads: Vec<_> = all_rows(window).into_iter().filter_map(|row| row.lead.map(|(_, color)| color)).collect();
        assert!(!leads.is_empty());
        leads
    };
    for _ in 0..2 {
        let dark = window.ctx.global_style().visuals.dark_mode;
        let palette = Palette::for_dark(dark);
        let known = |color: &poolscope::gui::egui::Color32| palette.module.contains(color) || *color == palette.dim;
        assert!(leads(&window).iter().all(known), "dark: {dark}");
        click(&mut window, if dark { "Switch to the light theme" } else { "Switch to the dark theme" });
    }
}

#[test]
fn more_series_are_drawn_on_request() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let drawn = |window: &Window<'_>| {
        let data = document(window).results.graph_data.as_ref().expect("a graph");
        data.series.iter().filter(|series| series.has_row).count()
    };
    assert_eq!(drawn(&window), 9);
    window.get_by_label_contains("Show more of other (").click();
    settle(&mut window);
    assert!(drawn(&window) > 10, "{}", drawn(&window));
    let data = document(&window).results.graph_data.as_ref().expect("a graph");
    for (at, one) in data.series.iter().enumerate() {
        let same =
            |other: &&poolscope::gui::widgets::graph::Series| other.color == one.color && other.pattern == one.pattern;
        assert!(data.series[..at].iter().filter(same).count() == 0, "{} looks like another series", one.name);
    }
}

#[test]
fn allocations_from_before_the_trace_are_not_called_unfreed() {
    let params = SynthParams { allocations: 3000, preexisting: 2000, ..SynthParams::default() };
    let (_folder, path) = folder_with(&params);
    let mut window = open_file(&path);
    focus_table(&mut window);
    for _ in 0..40 {
        if cursor(&window).text == "AOFI" {
            break;
        }
        press(&mut window, Key::Home);
        for letter in "aofi".chars() {
            window.event(Event::Text(letter.to_string()));
            window.run_steps(1);
        }
        settle(&mut window);
    }
    assert_eq!(cursor(&window).text, "AOFI");
    window.get_by_label("FREED FROM");
    assert!(window.query_by_label("None was freed in the trace.").is_none());
    assert!(window.query_by_label_contains("-stackwalk").is_none(), "no switch helps");
    window.get_by_label_contains("Allocated before the recording began");
}

#[test]
fn an_empty_folder_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(OpenRequest::File(folder.path().to_owned()));
    for _ in 0..200 {
        window.step();
        std::thread::sleep(Duration::from_millis(5));
        if window.query_by_label_contains("contains no traces, pool snapshots or performance logs").is_some() {
            break;
        }
    }
    window.get_by_label_contains("contains no traces, pool snapshots or performance logs");
    // The box that asks for a path says it while the path is being entered.
    window.key_press_modifiers(CTRL, Key::O);
    for _ in 0..200 {
        window.step();
        std::thread::sleep(Duration::from_millis(5));
        if window.query_by_role_and_label(Role::TextInput, "Path").is_some() {
            break;
        }
    }
    window.get_by_role_and_label(Role::TextInput, "Path").focus();
    window.run_steps(2);
    press_with(&mut window, CTRL, Key::A);
    write(&mut window, &format!("{}/", folder.path().display()));
    for _ in 0..200 {
        window.step();
        std::thread::sleep(Duration::from_millis(5));
        if window.query_by_label_contains("This folder is empty").is_some() {
            return;
        }
    }
    panic!("the box says nothing of the empty folder");
}

#[test]
fn the_flame_graph_says_its_total_and_marks_the_responsible_frame() {
    let mut window = window(OpenRequest::Sample);
    settle(&mut window);
    show_page(&mut window, PageId::FLAME);
    window.get_by_label_contains("Total ");
    window.get_by_label("in the whole trace");
    let marked: Vec<String> = window
        .query_all_by_label_contains(", responsible frame")
        .filter_map(|frame| frame.accesskit_node().label())
        .collect();
    assert!(marked.iter().any(|label| label.starts_with("myfault.sys+0x")), "{marked:?}");
}
