//! Tags from poolmon and `!poolused` in the window: pasted, opened, dropped; a table that sorts and filters, the differences of two
//! listings, and the way from ticked tags to what is recorded. Ten thousand lines stay quick.

use std::time::{Duration, Instant};

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers, PointerButton, vec2};

use crate::gui_harness::{Window, click, drop_files, settle};
use crate::gui_recording_harness::{field, kit, many, poolmon, says, section};

fn paste(window: &mut Window<'_>, text: &str) {
    window.event(Event::Paste(text.to_owned()));
    window.run_steps(2);
    settle(window);
}

/// The accessible names of the rows on the screen, from the top.
fn rows(window: &Window<'_>) -> Vec<String> {
    let rows = window.query_all_by_role(Role::Row);
    let mut placed: Vec<(f32, String)> =
        rows.filter_map(|row| Some((row.rect().top(), row.accesskit_node().label()?))).collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    placed.into_iter().map(|(_, label)| label).collect()
}

fn tags(window: &Window<'_>) -> Vec<String> {
    let values = (1..=4).filter_map(|number| window.query_by_label(&format!("Tag {number}"))?.value());
    values.filter(|value| !value.is_empty()).collect()
}

#[test]
fn a_pasted_listing_becomes_a_table_and_two_become_differences() {
    let (mut window, _) = kit();
    paste(&mut window, &poolmon(&[("Leak", 100, 6400), ("MmSt", 200, 64000), ("File", 50, 8000)]));
    assert!(rows(&window)[0].starts_with("MmSt, NonPaged"), "{:?}", rows(&window));
    assert_eq!(rows(&window).len(), 3);
    // The field takes a paste as well.
    window.get_by_role_and_label(Role::TextInput, "Paste a snapshot").focus();
    window.run_steps(3);
    paste(&mut window, &poolmon(&[("Leak", 900, 57600), ("MmSt", 201, 64320), ("File", 50, 8000), ("New1", 2, 64)]));
    let first = rows(&window)[0].clone();
    assert!(first.starts_with("Leak, NonPaged, +"), "{first}");
    assert!(says(&window, "+50.0 KB") || says(&window, "+51.2 KB"), "{first}");
    click(&mut window, "Record tags that grew most");
    assert_eq!(tags(&window), ["Leak", "MmSt", "New1"], "what did not grow is left out");
    assert!(says(&window, "grew most from the first snapshot to the last"));
    section(&mut window, "Commands");
    assert!(says(&window, "-PoolTag Leak+MmSt+New1"));
}

#[test]
fn a_rate_that_a_listing_counted_is_dropped_with_its_tags() {
    let (mut window, _) = kit();
    let text = poolmon(&[("Leak", 100, 6400), ("MmSt", 200, 64000)]).replace("(   0)", "( 500)");
    paste(&mut window, &text);
    window.get_by_role_and_label(Role::CheckBox, "Record Leak").click();
    window.run_steps(3);
    click(&mut window, "Record this tag");
    assert!(says(&window, "events per second for") && !says(&window, "assumed"));
    field(&mut window, "Tag 2", "MmSt");
    window.run_steps(3);
    assert!(says(&window, "events per second (assumed) for"));
}

#[test]
fn rows_are_sorted_filtered_and_ticked() {
    let (mut window, _) = kit();
    let all = [("Aaaa", 5, 10), ("Bbbb", 4, 20), ("Cccc", 3, 30), ("Dddd", 2, 40), ("Eeee", 1, 50)];
    paste(&mut window, &poolmon(&all));
    assert!(rows(&window)[0].starts_with("Eeee"));
    click(&mut window, "Sort by Allocs");
    assert!(rows(&window)[0].starts_with("Aaaa"), "{:?}", rows(&window));
    click(&mut window, "Sort by Allocs, descending");
    assert!(rows(&window)[0].starts_with("Eeee"), "{:?}", rows(&window));
    for tag in ["Aaaa", "Bbbb", "Cccc", "Dddd"] {
        window.get_by_role_and_label(Role::CheckBox, &format!("Record {tag}")).click();
        window.run_steps(3);
    }
    assert!(window.get_by_role_and_label(Role::CheckBox, "Record Eeee").accesskit_node().is_disabled(), "four at most");
    click(&mut window, "Record these tags");
    assert_eq!(tags(&window), ["Aaaa", "Bbbb", "Cccc", "Dddd"]);
    field(&mut window, "Filter tags", "bb");
    assert_eq!(rows(&window).len(), 1);
    field(&mut window, "Filter tags", "nothing like it");
    window.get_by_label("No tag contains \"nothing like it\".");
    click(&mut window, "Clear");
    assert!(says(&window, "Compare two poolmon snapshots"));
}

#[test]
fn files_are_opened_and_dropped_in_any_encoding() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two, none) =
        (folder.path().join("one.txt"), folder.path().join("two.log"), folder.path().join("none.txt"));
    let text = poolmon(&[("Leak", 100, 6400)]);
    let wide: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    std::fs::write(&one, wide).expect("written");
    std::fs::write(&two, poolmon(&[("Leak", 300, 19200)])).expect("written");
    std::fs::write(&none, "nothing of the kind\n").expect("written");
    let (mut window, picks) = kit();
    section(&mut window, "Tags from poolmon");
    picks.then(&one);
    click(&mut window, "Open\u{2026}");
    for _ in 0..200 {
        window.step();
        std::thread::sleep(Duration::from_millis(5));
        if !rows(&window).is_empty() {
            break;
        }
    }
    assert_eq!(rows(&window).len(), 1);
    drop_files(&mut window, &[&two]);
    settle(&mut window);
    assert!(rows(&window)[0].contains("+"), "{:?}", rows(&window));
    drop_files(&mut window, &[&none]);
    settle(&mut window);
    assert!(says(&window, "no row of poolmon or of !poolused was found"));
    assert_eq!(rows(&window).len(), 1, "what was there stays");
    paste(&mut window, "   ");
    assert!(says(&window, "The text is empty"));
}

#[test]
fn debugger_output_is_understood() {
    let (mut window, _) = kit();
    let text = "0: kd> !poolused 2\n   Sorting by  NonPaged Pool Consumed\n\n  Pool Used:\n            NonPaged            Paged\n\
                 Tag    Allocs     Used    Allocs     Used\n Leak     1000   640000         0        0\tUNKNOWN pooltag 'Leak'\n \
                 MmSt        1       64      2000  9000000\tMm section object prototype ptes , Binary: nt!mm\nTOTAL     1001   640064      2000  9000000\n";
    paste(&mut window, text);
    assert!(!rows(&window).is_empty(), "{:?}", window.query_all_by_label_contains("row").count());
    assert!(rows(&window).iter().any(|row| row.starts_with("Leak, NonPaged")), "{:?}", rows(&window));
    assert!(says(&window, "!poolused: "));
    click(&mut window, "Record largest tags");
    assert_eq!(tags(&window).first().map(String::as_str), Some("MmSt"));
}

#[test]
fn ten_thousand_lines_stay_quick() {
    let (mut window, _) = kit();
    window.set_size(vec2(1280.0, 720.0));
    let many = many(10_000);
    let borrowed: Vec<(&str, u64, u64)> =
        many.iter().map(|(tag, allocs, bytes)| (tag.as_str(), *allocs, *bytes)).collect();
    let text = poolmon(&borrowed);
    paste(&mut window, &text);
    paste(&mut window, &text);
    assert!(says(&window, "10,000 rows"));
    let drawn = rows(&window).len();
    assert!((5..100).contains(&drawn), "only what is seen is drawn: {drawn}");
    click(&mut window, "Sort by Tag");
    let began = Instant::now();
    window.run_steps(10);
    // A frame that sorted or compared all of them would take many times as long, even without optimisation.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// Six hours of a tag that leaks and one that goes up and down, with a date before each listing.
fn log_of_a_morning() -> String {
    let listing = |hour: u64| {
        let (leak, busy) = (1000 + hour * 1024, if hour.is_multiple_of(2) { 100 } else { 900 });
        let text = poolmon(&[("Leak", leak, leak * 1024), ("Busy", busy, busy * 512), ("File", 50, 8000)]);
        format!("Fri 07/24/2026 {hour:02}:00:00.12\n{text}")
    };
    (8..14).map(listing).collect()
}

#[test]
fn a_log_becomes_a_graph_with_marks_and_curves_of_tags() {
    let (mut window, _) = kit();
    paste(&mut window, &log_of_a_morning());
    assert!(says(
        &window,
        "Leak grows by 1.00 MB/h in nonpaged pool: +5.00 MB in 5 h 0 min, up in 5 of 5 intervals, straight"
    ));
    assert!(says(&window, "Times from lines with a date: 2026-07-24 08:00:00 to 2026-07-24 13:00:00, 5 h 0 min"));
    let graph = window.query_all_by_label_contains("Allocated bytes by Pool Tag").next().expect("a graph").rect();
    assert!(graph.height() > 100.0 && graph.width() > 300.0, "{graph:?}");
    // A curve is switched off and on in the legend.
    let curve = |window: &Window<'_>| window.query_all_by_label_contains("Busy").count();
    assert!(curve(&window) > 1, "in the table and in the legend");
    // A mark is put by the menu of the graph, and removed again.
    let place = graph.center();
    window.hover_at(place);
    window.event(Event::PointerButton {
        pos: place,
        button: PointerButton::Secondary,
        pressed: true,
        modifiers: Modifiers::NONE,
    });
    window.event(Event::PointerButton {
        pos: place,
        button: PointerButton::Secondary,
        pressed: false,
        modifiers: Modifiers::NONE,
    });
    window.run_steps(4);
    click(&mut window, "Add marker here");
    assert!(window.query_all_by_label_contains("Mark 1").next().is_some());
    // The differences are those of the first and the last.
    assert!(rows(&window)[0].starts_with("Leak, NonPaged, +5.00 MB"), "{:?}", rows(&window));
    click(&mut window, "Record tags that grew most");
    assert_eq!(tags(&window).first().map(String::as_str), Some("Leak"));
}

#[test]
fn listings_without_times_ask_for_their_interval() {
    let (mut window, _) = kit();
    for blocks in [1024, 2048, 3072, 4096, 5120] {
        paste(&mut window, &poolmon(&[("Leak", blocks, blocks * 1024), ("File", 50, 8000)]));
    }
    assert!(says(&window, "These snapshots have no times"));
    field_of_number(&mut window, "Minutes between snapshots", "30");
    settle(&mut window);
    assert!(says(&window, "Leak grows by 2.00 MB/h in nonpaged pool: +4.00 MB in 2 h 0 min"));
    assert!(window.query_all_by_label_contains("Allocated bytes by Pool Tag").next().is_some());
}

/// Writes a number into a field that is dragged, as the keyboard does it.
fn field_of_number(window: &mut Window<'_>, name: &str, text: &str) {
    window.get_by_label(name).focus();
    window.run_steps(3);
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.run_steps(1);
    window.event(Event::Text(text.to_owned()));
    window.run_steps(2);
    window.key_press(Key::Enter);
    window.run_steps(3);
}

#[test]
fn a_file_that_grows_is_read_again_while_it_is_live() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("samples.csv");
    let sample = |hour: u64| {
        let blocks = 1000 + hour * 1024;
        format!("\"2026-07-24T{hour:02}:00:00Z\",\"Leak\",0,0,0,0,{blocks},0,{blocks},{},1\r\n", blocks * 1024)
    };
    let heading = "\"DateTimeUTC\",\"Tag\",\"PagedAllocs\",\"PagedFrees\",\"PagedDiff\",\"PagedUsedBytes\",\"NonPagedAllocs\",\"NonPagedFrees\",\"NonPagedDiff\",\"NonPagedUsedBytes\",\"SampleRows\"\r\n";
    let text = |samples: u64| heading.to_owned() + &(0..samples).map(sample).collect::<String>();
    std::fs::write(&path, text(5)).expect("written");
    let (mut window, _) = kit();
    section(&mut window, "Tags from poolmon");
    drop_files(&mut window, &[&path]);
    settle(&mut window);
    assert!(says(&window, "+4.00 MB in 4 h 0 min"));
    click(&mut window, "Live");
    std::fs::write(&path, text(7)).expect("written");
    let mut is_new = false;
    for _ in 0..400 {
        window.step();
        std::thread::sleep(Duration::from_millis(10));
        is_new = says(&window, "+6.00 MB in 6 h 0 min");
        if is_new {
            break;
        }
    }
    assert!(is_new, "the new samples are shown");
    assert_eq!(rows(&window).len(), 1);
    click(&mut window, "Live");
}
