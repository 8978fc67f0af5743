//! Recording on this machine from the window, against a program that behaves as `wpr.exe`: nothing is run before the user agreed,
//! what runs is watched, saved, dropped or left running, and what is saved can be opened.

use std::sync::Arc;
use std::time::Duration;

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::{Event, Key, Modifiers, ViewportEvent, ViewportId};
use poolscope_tests::wpr::FakeWpr;

use crate::gui_harness::{InMemory, PATIENCE, Window, app, click, folder, made_up, press, press_with, settle};
use crate::gui_recording_harness::{field, kit_over, says, section, tag};

/// A window at the part of the page about this machine, and the recorder.
fn here<'a>(scenario: &str) -> (Window<'a>, Arc<crate::gui_recording_harness::Picks>, FakeWpr) {
    let (trace, _) = made_up(&[]);
    let fake = FakeWpr::new(&trace, scenario);
    let (mut window, picks) = kit_over(OpenRequest::Nothing, Arc::new(InMemory::default()), Some(&fake));
    tag(&mut window, 1, "Leak");
    section(&mut window, "This machine");
    wait_for(&mut window, "the recorder is found", |window| says(window, "wpr.exe"));
    (window, picks, fake)
}

fn wait_for(window: &mut Window<'_>, what: &str, there: impl Fn(&Window<'_>) -> bool) {
    for _ in 0..PATIENCE {
        window.step();
        if there(window) {
            return window.run_steps(3);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it does not come: {what}");
}

/// Begins a recording as a user does.
fn start(window: &mut Window<'_>) {
    click(window, "Start recording\u{2026}");
    window.get_by_label("Start recording on this machine?");
    window.get_by_label("Start recording").click();
    window.run_steps(3);
}

#[test]
fn a_recording_is_started_watched_saved_and_opened() {
    let (mut window, picks, fake) = here("");
    assert_eq!(fake.calls(), Vec::<String>::new(), "nothing is run by itself");
    click(&mut window, "Start recording\u{2026}");
    assert!(says(&window, "-start ") && says(&window, "!PoolUsage.Verbose") && says(&window, "-filemode"));
    assert!(says(&window, "<PoolTag Value=\"Leak\""), "the profile is shown");
    assert_eq!(fake.calls(), Vec::<String>::new(), "not before the user agreed");
    press(&mut window, Key::Enter);
    assert!(window.query_by_label("Start recording on this machine?").is_none(), "the harmless way has the keys");
    assert_eq!(fake.calls(), Vec::<String>::new());
    start(&mut window);
    wait_for(&mut window, "it records", |window| says(window, "00:00:0") && says(window, "None"));
    assert!(fake.calls()[0].starts_with("-start|"), "{:?}", fake.calls());
    wait_for(&mut window, "the file grows", |window| {
        says(window, "KB") && window.query_by_label("File size").is_some()
    });
    assert!(says(&window, "This machine: Recording"), "the status bar says it, too");
    // It goes on while another tab is looked at.
    press_with(&mut window, Modifiers::COMMAND, Key::W);
    window.get_by_label("Find what leaks kernel pool");
    fake.becomes("lossy");
    wait_for(&mut window, "a look from elsewhere", |window| says(window, "1,234 events lost"));
    window.query_all_by_label_contains("This machine: Recording").next().expect("in the status bar").click();
    window.run_steps(4);
    assert!(says(&window, "1,234: use larger buffers"));
    field(&mut window, "Description of the problem (saved in the trace)", "pool leak");
    let to = fake.folder().join("my result.etl");
    picks.then(&to);
    click(&mut window, "Stop and save\u{2026}");
    wait_for(&mut window, "it is saved", |window| says(window, "The recording was saved: "));
    assert!(fake.calls().contains(&format!("-stop|{}|pool leak", to.display())), "{:?}", fake.calls());
    assert!(says(&window, "The trace was successfully saved."), "what wpr said");
    click(&mut window, "Open trace");
    settle(&mut window);
    assert_eq!(app(&window).document().map(|document| document.source.name()).as_deref(), Some("my result.etl"));
}

#[test]
fn without_rights_it_says_what_to_do() {
    let (mut window, _, fake) = here("no-rights");
    start(&mut window);
    wait_for(&mut window, "a word about rights", |window| says(window, "Run as administrator"));
    assert!(says(&window, "0xc5585011"));
    window.get_by_label("Start recording\u{2026}");
    fake.becomes("");
    start(&mut window);
    wait_for(&mut window, "it records", |window| says(window, "Duration"));
}

#[test]
fn a_recording_is_dropped_only_after_a_question() {
    let (mut window, _, fake) = here("");
    start(&mut window);
    wait_for(&mut window, "it records", |window| says(window, "00:00:0"));
    click(&mut window, "Cancel recording\u{2026}");
    window.get_by_label("Cancel the recording?");
    assert!(says(&window, "-cancel"));
    click(&mut window, "Keep recording");
    assert!(!fake.calls().iter().any(|call| call == "-cancel"));
    click(&mut window, "Cancel recording\u{2026}");
    window.get_by_label("Cancel recording").click();
    wait_for(&mut window, "it is dropped", |window| window.query_by_label("Start recording\u{2026}").is_some());
    assert!(fake.calls().iter().any(|call| call == "-cancel"));
}

#[test]
fn a_recorder_that_hangs_can_be_ended_and_the_window_goes_on() {
    let (mut window, _, fake) = here("hang");
    start(&mut window);
    window.get_by_label("Starting wpr");
    for label in ["Commands", "This machine (recording)", "Terminate wpr.exe"] {
        window.get_by_label(label).click();
        window.run_steps(4);
    }
    wait_for(&mut window, "it was ended", |window| says(window, "wpr was terminated before it finished"));
    fake.becomes("");
    click(&mut window, "Check recording status");
    wait_for(&mut window, "an answer", |window| says(window, "no recording is running"));
}

#[test]
fn a_recording_of_somebody_else_is_found_and_can_be_saved() {
    let (mut window, picks, fake) = here("");
    // Begun elsewhere, after the page was opened.
    std::fs::write(fake.folder().join("recording.txt"), "").expect("a state");
    start(&mut window);
    wait_for(&mut window, "a word about it", |window| says(window, "A recording is already running"));
    wait_for(&mut window, "it is watched", |window| says(window, "00:00:0"));
    fake.becomes("disk-full");
    picks.then(fake.folder().join("x.etl"));
    click(&mut window, "Stop and save\u{2026}");
    wait_for(&mut window, "no room", |window| says(window, "The disk is full"));
    fake.becomes("");
    picks.then(fake.folder().join("x.etl"));
    click(&mut window, "Stop and save\u{2026}");
    wait_for(&mut window, "it is saved", |window| says(window, "The recording was saved: "));
}

#[test]
fn closing_the_window_asks_while_it_records() {
    let (mut window, _, _fake) = here("");
    start(&mut window);
    wait_for(&mut window, "it records", |window| says(window, "00:00:0"));
    let close = |window: &mut Window<'_>| {
        let root = window.input_mut().viewports.entry(ViewportId::ROOT).or_default();
        root.events.push(ViewportEvent::Close);
        window.step();
        window.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.clear();
        window.run_steps(3);
    };
    close(&mut window);
    window.get_by_label("A recording is running");
    assert!(says(&window, "The recording continues if the window is closed"));
    click(&mut window, "Keep window open");
    assert!(window.query_by_label("A recording is running").is_none());
    close(&mut window);
    click(&mut window, "Close window");
    close(&mut window);
    assert!(window.query_by_label("A recording is running").is_none(), "the user has said so");
}

#[test]
fn the_recorder_can_be_named_and_is_remembered() {
    let (trace, _) = made_up(&[]);
    let fake = FakeWpr::new(&trace, "");
    let elsewhere = FakeWpr::new(b"", "");
    let store = Arc::new(InMemory::default());
    let (mut window, picks) = kit_over(OpenRequest::Nothing, Arc::clone(&store), Some(&fake));
    section(&mut window, "This machine");
    let nowhere = fake.folder().join("nowhere.exe");
    picks.then(&nowhere);
    click(&mut window, "Choose wpr.exe\u{2026}");
    wait_for(&mut window, "it is not there", |window| says(window, "wpr.exe was not found"));
    picks.then(elsewhere.program());
    click(&mut window, "Choose wpr.exe\u{2026}");
    let path = elsewhere.program().display().to_string();
    wait_for(&mut window, "it is there", |window| says(window, &path));
    let named = format!("wpr.exe: {path}");
    assert!(
        window
            .query_all_by_label_contains(&path)
            .any(|node| node.accesskit_node().label().as_deref() == Some(named.as_str())),
        "{named}"
    );
    drop(window);
    assert_eq!(store.settings().recording.wpr, path);
}

#[test]
fn what_cannot_be_recorded_cannot_be_started() {
    let (mut window, _, fake) = here("");
    tag(&mut window, 1, "much too long");
    let button = window.get_by_label("Start recording\u{2026}");
    assert!(button.accesskit_node().is_disabled());
    crate::gui_harness::command(&mut window, "Recording: Start recording");
    assert!(window.query_by_label("Start recording on this machine?").is_none());
    assert!(says(&window, "has 13 characters"));
    assert_eq!(fake.calls(), Vec::<String>::new());
}

#[test]
fn the_start_page_and_a_trace_lead_to_the_same_recording() {
    let (_folder, path) = folder();
    let fake = FakeWpr::new(b"", "");
    let (mut window, _) = kit_over(OpenRequest::File(path), Arc::new(InMemory::default()), Some(&fake));
    section(&mut window, "This machine");
    start(&mut window);
    wait_for(&mut window, "it records", |window| says(window, "00:00:0"));
    press_with(&mut window, Modifiers::CTRL, Key::Tab);
    assert!(app(&window).document().is_some());
    assert!(says(&window, "This machine: Recording"));
    // A paste meant for the trace is not taken for a listing.
    window.event(Event::Paste("Tag Type Allocs".to_owned()));
    window.run_steps(3);
    assert!(app(&window).document().is_some());
}
