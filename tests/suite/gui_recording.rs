//! The page about recording: opened from everywhere, tags checked as they are written, estimates that follow, commands, profile and
//! script to copy and save, and the ways to it from what is wrong with a trace.

use std::sync::Arc;

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers, vec2};
use poolscope_recording::quick;
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::StackMode;

use crate::gui_harness::{
    InMemory, Window, app, click, command, copied, folder, folder_with, open_file, press, press_with, settle, window,
};
use crate::gui_modules_harness::document_mut;
use crate::gui_recording_harness::{field, kit, kit_over, says, section, tag};

fn checked(window: &Window<'_>, label: &str) -> bool {
    window.get_by_label(label).accesskit_node().toggled() == Some(poolscope::gui::egui::accesskit::Toggled::True)
}

#[test]
fn the_page_is_there_without_a_trace_and_beside_one() {
    let mut start = window(OpenRequest::Nothing);
    start.run_steps(2);
    click(&mut start, "Record a trace");
    start.get_by_role_and_label(Role::Tab, "Recording");
    start.get_by_label("Set up a recording that shows which code leaks");
    press_with(&mut start, Modifiers::COMMAND, Key::W);
    start.get_by_label("Find what leaks kernel pool");

    let (_folder, path) = folder();
    let mut beside = open_file(&path);
    command(&mut beside, "Record a trace");
    assert!(app(&beside).document().is_none(), "the page is in front");
    beside.get_by_role_and_label(Role::Tab, "made-up.etl");
    press_with(&mut beside, Modifiers::CTRL, Key::Tab);
    assert!(app(&beside).document().is_some());
    press_with(&mut beside, Modifiers::COMMAND, Key::R);
    assert_eq!(beside.query_all_by_role_and_label(Role::Tab, "Recording").count(), 1, "there is only one");
}

#[test]
fn tags_are_checked_as_they_are_written() {
    let (mut window, _) = kit();
    tag(&mut window, 1, "Leak");
    assert!(says(&window, "<") || says(&window, "wpr -start"), "the commands are there");
    tag(&mut window, 2, "much too long");
    assert!(says(&window, "has 13 characters"), "beside the field");
    window.get_by_label("Fix these errors to record");
    assert!(window.query_by_label_contains("Copy wpr -start").is_none(), "nothing wrong can be copied");
    tag(&mut window, 2, "Leak");
    assert!(says(&window, "given twice"));
    tag(&mut window, 2, "Nt*");
    assert!(window.query_by_label("Fix these errors to record").is_none());
    section(&mut window, "Profile");
    let profile = window.get_by_role_and_label(Role::MultilineTextInput, "Profile").value().expect("its text");
    assert!(profile.contains("<PoolTag Value=\"Leak\"") && profile.contains("<PoolTag Value=\"Nt*\""), "{profile}");
    tag(&mut window, 1, "");
    tag(&mut window, 2, "");
    assert!(says(&window, "Enter a tag, or record all tags"));
    click(&mut window, "All tags");
    let profile = window.get_by_role_and_label(Role::MultilineTextInput, "Profile").value().expect("its text");
    assert!(!profile.contains("PoolTag "), "{profile}");
}

#[test]
fn the_estimate_follows_what_is_chosen() {
    let (mut window, _) = kit();
    let estimate = |window: &Window<'_>| {
        let node = window.get_by_label_contains(" per minute, ");
        node.accesskit_node().label().or_else(|| node.value()).expect("its words")
    };
    let both = estimate(&window);
    click(&mut window, "Stack on PoolFree");
    let one = estimate(&window);
    assert_ne!(both, one);
    click(&mut window, "Memory (circular)");
    assert!(says(&window, "Only the last part before the stop is kept"));
    assert!(says(&window, "use larger buffers"), "all tags make too much: {}", estimate(&window));
    assert!(says(&window, "assumed"));
    let rate = |window: &mut Window<'_>, text: &str| {
        window.get_by_label("Allocations and frees per second").click();
        window.run_steps(3);
        window.key_press_modifiers(Modifiers::COMMAND, Key::A);
        window.run_steps(2);
        crate::gui_harness::write(window, text);
        press(window, Key::Enter);
    };
    rate(&mut window, "800");
    assert!(says(&window, "older events are overwritten") && !says(&window, "assumed"));
    rate(&mut window, "1000000");
    assert!(says(&window, "use larger buffers"), "{}", estimate(&window));
    assert!(says(&window, "GB per minute"), "{}", estimate(&window));
}

#[test]
fn commands_are_copied_one_by_one_in_plain_ascii() {
    let (mut window, _) = kit();
    tag(&mut window, 1, "Leak");
    field(&mut window, "Trace file", "my leak.etl");
    let names: Vec<String> = window
        .query_all_by_label_contains("Copy ")
        .filter_map(|node| node.accesskit_node().label())
        .filter(|name| name.starts_with("Copy "))
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in &names {
        assert!(name.is_ascii(), "{name}");
    }
    let start =
        names.iter().find(|name| name.starts_with("Copy wpr -start poolscope.wprp!PoolUsage")).expect("it is there");
    window.get_by_label(start).click();
    assert_eq!(copied(&mut window), start["Copy ".len()..]);
    let xperf = names.iter().find(|name| name.contains("xperf -on")).expect("it is there");
    assert!(xperf.contains("-PoolTag Leak"), "{xperf}");
    assert!(names.iter().any(|name| name.contains("xperf -merge")), "{names:?}");
    assert!(names.iter().any(|name| name.contains("\"my leak.etl\"")), "{names:?}");
    field(&mut window, "Trace file", "a?b.etl");
    assert!(says(&window, "which Windows does not allow in file names"));
    field(&mut window, "Trace file", "leak.etl");
    click(&mut window, "Windows 7");
    assert!(says(&window, "DisablePagingExecutive"));
    click(&mut window, "Boot trace");
    assert!(says(&window, "xbootmgr -trace boot") && !says(&window, "wpr -boottrace -addboot"));
    click(&mut window, "Windows 8.1 to 11");
    assert!(says(&window, "wpr -boottrace -addboot poolscope.wprp") && says(&window, "wpr -boottrace -addboot Pool"));
    assert!(says(&window, "copy it to the folder in which you run these commands"));
}

#[test]
fn profile_and_script_are_saved_and_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut window, picks) = kit();
    tag(&mut window, 1, "Leak");
    section(&mut window, "Profile");
    let profile = folder.path().join("mine.wprp");
    picks.then(&profile);
    click(&mut window, "Save profile\u{2026}");
    wait_for(&mut window, |window| says(window, "mine.wprp was saved"));
    let text = std::fs::read_to_string(&profile).expect("it was written");
    assert!(text.contains("<WindowsPerformanceRecorder") && text.contains("Leak"), "{text}");
    window.get_by_label("Copy the profile").click();
    assert_eq!(copied(&mut window), text);
    section(&mut window, "Script");
    click(&mut window, "Stop when it has grown by");
    let script = folder.path().join("record.ps1");
    picks.then(&script);
    click(&mut window, "Save script\u{2026}");
    wait_for(&mut window, |window| says(window, "record.ps1 was saved"));
    let text = std::fs::read_to_string(&script).expect("it was written");
    assert!(text.contains((512_u64 << 20).to_string().as_str()), "it stops at the growth that is written: {text}");
    window.get_by_label("Copy the script").click();
    assert_eq!(copied(&mut window), text);
    picks.then(folder.path().join("no folder").join("x.ps1"));
    click(&mut window, "Save script\u{2026}");
    wait_for(&mut window, |window| says(window, "cannot be written"));
    // Without a dialog service the path is written.
    click(&mut window, "Save script\u{2026}");
    wait_for(&mut window, |window| window.query_by_label("Path").is_some());
    assert!(says(&window, "no file dialog"));
    let by_hand = folder.path().join("by hand.ps1");
    field(&mut window, "Path", &by_hand.display().to_string());
    click(&mut window, "Save");
    wait_for(&mut window, |window| says(window, "by hand.ps1 was saved"));
    assert!(by_hand.exists());
}

/// Lets the background do what the window is not busy with.
fn wait_for(window: &mut Window<'_>, there: impl Fn(&Window<'_>) -> bool) {
    for _ in 0..crate::gui_harness::PATIENCE {
        window.step();
        if there(window) {
            return window.run_steps(3);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it does not come");
}

#[test]
fn a_suspect_leads_to_a_recording_of_its_tag() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    command(&mut window, "Suspects");
    let tag = document_mut(&mut window).suspects_mut().current().expect("a suspect").tag.clone().expect("a tag");
    click(&mut window, "Record this tag\u{2026}");
    assert!(says(&window, &format!("Only the tag {tag}, with stacks")));
    assert!(says(&window, &format!("-PoolTag {tag}")));
    assert!(checked(&window, "Stack on PoolAlloc"));
    click(&mut window, "Dismiss");
    assert!(!says(&window, ", with stacks"));
    // Several at once, and those of the open trace to pick from.
    press_with(&mut window, Modifiers::CTRL, Key::Tab);
    let page = &mut document_mut(&mut window).suspects_mut();
    page.shows_non_leaking = true;
    let some: Vec<usize> = (0..page.suspects().len()).take(6).collect();
    page.selected = some.into_iter().collect();
    let tags: std::collections::BTreeSet<_> =
        page.selected.iter().filter_map(|at| page.suspects()[*at].tag.clone()).collect();
    assert!(tags.len() > 1, "{tags:?}");
    settle(&mut window);
    click(&mut window, "Record these tags\u{2026}");
    let profile_tags = window.query_all_by_role(Role::TextInput).filter(|node| {
        let label = node.accesskit_node().label().unwrap_or_default();
        label.starts_with("Tag ") && node.value().is_some_and(|value| !value.is_empty())
    });
    assert_eq!(profile_tags.count(), tags.len().min(4));
    click(&mut window, "All tags");
    click(&mut window, "Suspects\u{2026}");
    window.get_by_label_contains(&format!("{tag}: ")).click();
    window.run_steps(3);
    click(&mut window, "Done");
    assert!(says(&window, &format!("-PoolTag {tag}")));
}

#[test]
fn what_is_wrong_with_a_trace_leads_to_what_mends_it() {
    // Lost events: larger buffers, and the rate of the trace.
    let lossy = SynthParams { allocations: 1500, lost_buffers: 2, ..SynthParams::default() };
    let (_folder, path) = folder_with(&lossy);
    let mut window = open_file(&path);
    command(&mut window, "Trace and data quality");
    assert_eq!(window.query_all_by_label("Record with larger buffers\u{2026}").count(), 1, "once for all losses");
    click(&mut window, "Record with larger buffers\u{2026}");
    assert!(says(&window, "The trace lost events."));
    assert!(checked(&window, "Larger buffers, if events were lost"));
    assert!(says(&window, "The expected rate is 2 times that of the trace"));
    assert!(says(&window, "50.0 MB of memory"));

    // No stacks: from above the table.
    let bare = SynthParams { allocations: 500, stacks: StackMode::None, ..SynthParams::default() };
    let (_folder, path) = folder_with(&bare);
    let mut window = open_file(&path);
    click(&mut window, "Record with stacks\u{2026}");
    assert!(says(&window, "pool events without stacks"));
    assert!(checked(&window, "Stack on PoolFree"));

    // No pool events: from the empty page.
    let quiet = SynthParams { allocations: 0, preexisting: 0, pool_rundown: false, ..SynthParams::default() };
    let (_folder, path) = folder_with(&quiet);
    let mut window = open_file(&path);
    click(&mut window, "Record pool events\u{2026}");
    assert!(says(&window, "The trace has no pool events."));
    assert!(says(&window, "PROC_THREAD+LOADER+POOL"));
}

#[test]
fn a_line_of_the_data_quality_panel_leads_there_too() {
    let lossy = SynthParams { allocations: 1500, lost_buffers: 2, ..SynthParams::default() };
    let (_folder, path) = folder_with(&lossy);
    let mut window = open_file(&path);
    let line = window.query_all_by_label_contains("Record with larger buffers (").next().expect("a line");
    line.click();
    window.run_steps(4);
    assert!(says(&window, "The trace lost events."));
}

#[test]
fn the_page_fits_into_a_small_window_and_every_control_has_a_name() {
    let (mut window, _) = kit();
    for number in 1..=4 {
        tag(&mut window, number, ["Leak", "toolong", "Leak", "also too long"][number - 1]);
    }
    for (width, height) in [(1280.0, 720.0), (720.0, 480.0), (2560.0, 1440.0)] {
        window.set_size(vec2(width, height));
        window.run_steps(4);
        for title in ["Commands", "Profile", "Script", "Tags from poolmon", "This machine"] {
            section(&mut window, title);
            let rect = window.get_by_label(title).rect();
            assert!(rect.left() >= 0.0 && rect.right() <= width, "{title} {rect:?} in {width}");
            crate::gui_states::every_control_has_a_name(&window);
        }
        let last = window.get_by_label("Tag 4").rect();
        assert!(last.right() < width * 0.5 + 1.0, "{last:?}");
    }
}

#[test]
fn what_was_written_survives_turning_to_another_tab() {
    let (_folder, path) = folder();
    let (mut window, _) = kit_over(OpenRequest::File(path), Arc::new(InMemory::default()), None);
    tag(&mut window, 1, "Leak");
    section(&mut window, "Script");
    press_with(&mut window, Modifiers::CTRL, Key::Tab);
    assert!(app(&window).document().is_some());
    press_with(&mut window, Modifiers::COMMAND, Key::R);
    assert_eq!(window.get_by_label("Tag 1").value().as_deref(), Some("Leak"));
    window.get_by_label("Save script\u{2026}");
    // Even after the tab was closed.
    press_with(&mut window, Modifiers::COMMAND, Key::W);
    press_with(&mut window, Modifiers::COMMAND, Key::R);
    assert_eq!(window.get_by_label("Tag 1").value().as_deref(), Some("Leak"));
}

#[test]
fn elsewhere_than_on_windows_it_says_where_to_go() {
    let (mut window, _) = kit();
    section(&mut window, "This machine");
    window.get_by_label("Record on the machine that leaks");
    assert!(window.query_by_label("Start recording\u{2026}").is_none());
    let [start, _] = quick::WPR;
    section(&mut window, "Commands");
    assert!(says(&window, start));
}
