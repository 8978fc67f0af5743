//! Cases in the window: folders and files of several kinds on one page, which says what `case` says; each piece of evidence with its own
//! page, files that cannot be read, and graphs on common time axes. Driven by accessible names.

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::app::Services;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers, pos2, vec2};
use poolscope::gui::jobs::dialog::{Asked, PickFile, Question, SeveralQuestion};
use poolscope::gui::jobs::load::{Engine, Failure, Loader, Source};
use poolscope::trace_opening::LoadedTrace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_synth::{SynthParams, write_trace};
use poolscope_tests::program::json;
use serde_json::Value;

use crate::gui_harness::*;
use crate::gui_recording_harness::says;
use crate::gui_states::every_control_has_a_name;

const MB: f64 = 1_048_576.0;
/// 2026-07-24 03:00:00 UTC as FILETIME.
const MORNING: i64 = (1_784_862_000 + 11_644_473_600) * 10_000_000;

/// A log of 12 hours from 08:00 local time on, one sample per minute, `zone` as the log names it: nonpaged pool grows by 30 MB/h.
fn performance_log(zone: &str) -> String {
    let mut text = format!(
        "\"(PDH-CSV 4.0){zone}\",\"\\\\SRV07\\Memory\\Pool Nonpaged Bytes\",\"\\\\SRV07\\Memory\\Pool Paged Bytes\",\
         \"\\\\SRV07\\Memory\\Available MBytes\",\"\\\\SRV07\\Process(agent)\\Handle Count\"\r\n"
    );
    for minute in 0..720_usize {
        let jitter = ((minute * 7919) % 101) as f64 - 50.0;
        let pool = 400.0 * MB + 0.5 * MB * minute as f64 + 8000.0 * jitter;
        write!(text, "\"07/24/2026 {:02}:{:02}:00.000\",\"{pool:.0}\",", minute / 60, minute % 60).expect("a text");
        writeln!(text, "\"{:.0}\",\"8000\",\"{}\"\r", 300.0 * MB + 8000.0 * jitter, 500 + 100 * minute)
            .expect("a text");
    }
    text
}

/// Snapshots of poolmon, one per hour of 2026-07-24: tag Leak grows by 29 MB/h.
fn snapshots(hours: std::ops::Range<u64>) -> String {
    hours
        .map(|hour| {
            let (blocks, file) = (1000 + hour * 29 * 1024, 500 + hour % 3);
            format!(
                "07/24/2026 {hour:02}:00:00\n Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n \
                 Leak Nonp {} 10 {blocks} {} 1024\n File Nonp {} 1000 {file} {} 400\n",
                blocks + 10,
                blocks * 1024,
                1000 + file,
                file * 400
            )
        })
        .collect()
}

/// A trace that began on the same day, at 05:00 of the local time of the log.
fn trace() -> Vec<u8> {
    let params = SynthParams { start_filetime: MORNING, ..params() };
    let mut file = Cursor::new(Vec::new());
    write_trace(&mut file, &params, None).expect("a trace is written");
    file.into_inner()
}

/// The same without the time zone in its header.
fn without_zone(mut trace: Vec<u8>) -> Vec<u8> {
    let name: Vec<u8> = "@tzres.dll,-322".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = trace.windows(name.len()).position(|window| window == name).expect("the name of standard time") - 4;
    trace[at..at + 172].fill(0);
    trace
}

/// A folder with a log, snapshots, a trace, and notes of people.
fn case_folder(zone: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write_case(folder.path(), zone);
    folder
}

/// Writes the same into a folder.
pub fn write_case(folder: &Path, zone: &str) {
    for (name, text) in [
        ("perf.csv", performance_log(zone)),
        ("poolsnap.log", snapshots(0..12)),
        ("notes.txt", "the server hangs every two weeks\n".to_owned()),
    ] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    std::fs::write(folder.join("leak.etl"), trace()).expect("a file");
}

fn open<'a>(paths: &[&Path]) -> Window<'a> {
    let mut window = window(OpenRequest::Files(paths.iter().map(|path| (*path).to_owned()).collect()));
    settle(&mut window);
    window
}

fn tabs(window: &Window<'_>) -> Vec<String> {
    window.query_all_by_role(Role::Tab).filter_map(|tab| tab.accesskit_node().label()).collect()
}

/// The accessible names of the graphs from the top.
fn graphs(window: &Window<'_>) -> Vec<String> {
    let figures = window.query_all_by_role(Role::Figure);
    let mut placed: Vec<(f32, String)> =
        figures.filter_map(|figure| Some((figure.rect().top(), figure.accesskit_node().label()?))).collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    placed.into_iter().map(|(_, label)| label).collect()
}

/// Times from and to, as the names of the graphs say them.
fn ranges(window: &Window<'_>) -> Vec<String> {
    let range = |name: String| {
        let parts: Vec<&str> = name.split(", ").collect();
        parts.into_iter().find(|part| part.contains(" to ")).unwrap_or_default().to_owned()
    };
    graphs(window).into_iter().map(range).collect()
}

fn wait_for(window: &mut Window<'_>, is_there: impl Fn(&Window<'_>) -> bool) {
    for _ in 0..PATIENCE {
        window.step();
        if is_there(window) {
            return window.run_steps(3);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it does not come");
}

/// Clicks a button that may have to be scrolled to.
fn show(window: &mut Window<'_>, button: &str) {
    window.get_by_label(button).scroll_to_me();
    window.run_steps(4);
    click(window, button);
}

#[test]
fn a_folder_is_one_page_that_says_what_the_command_says() {
    let folder = case_folder(" (W. Europe Daylight Time)(-120)");
    let window = open(&[folder.path()]);
    let name = folder.path().file_name().expect("a name").to_string_lossy().into_owned();
    assert_eq!(tabs(&window), [name]);
    let document = json(&["case", folder.path().to_str().expect("an ordinary name"), "--format", "json"]);
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mut sentences = texts(&document["conclusions"]);
    assert!(sentences.len() > 1, "{sentences:?}");
    for evidence in document["evidence"].as_array().expect("evidence") {
        sentences.extend(texts(&evidence["summary"]));
    }
    for sentence in &sentences {
        assert!(says(&window, sentence), "{sentence}");
    }
    window.get_by_label("FILES NOT USED");
    window.get_by_label("Neither a trace nor a pool snapshot nor a debugger log nor a performance log.");
    every_control_has_a_name(&window);
}

#[test]
fn one_clock_is_one_axis_and_the_graphs_move_together() {
    let folder = case_folder(" (W. Europe Daylight Time)(-120)");
    let mut window = open(&[folder.path()]);
    window.set_size(vec2(1400.0, 1200.0));
    window.run_steps(4);
    let names = graphs(&window);
    let titles = [
        "Pool bytes, perf.csv",
        "Available memory, perf.csv",
        "Handles by process, perf.csv",
        "Allocated bytes by Pool Tag, poolsnap.log",
    ];
    for (name, title) in names.iter().zip(titles) {
        assert!(name.starts_with(title) && name.contains("; leak.etl: 5 h"), "{title}: {name}");
    }
    assert!(names.len() == 5 && names[4].starts_with("Outstanding bytes by pool, leak.etl"), "{names:?}");
    let whole = ranges(&window);
    assert!(whole.iter().all(|range| *range == whole[0] && range.starts_with("0 h to 11 h")), "{whole:?}");
    window.get_by_label("2026-07-24 00:00:00 to 2026-07-24 11:59:00");
    // A zoom by keys in the second graph moves all of them; a selection is in all of them.
    let second = window.query_all_by_role(Role::Figure).find(|node| {
        node.rect().top() > 100.0 && node.accesskit_node().label().is_some_and(|name| name.starts_with(titles[1]))
    });
    let place = second.expect("the second graph").rect();
    let at = |share: f32| pos2(place.left() + place.width() * share, place.center().y);
    window.drag_at(at(0.4));
    window.step();
    window.hover_at(at(0.7));
    window.step();
    window.drop_at(at(0.7));
    window.run_steps(4);
    let case = app(&window).case().expect("a case is in front");
    let (from, to) = case.axes[0].selection.expect("a selection");
    assert!(from > 0.0 && to > from);
    press(&mut window, Key::Enter);
    window.run_steps(3);
    let zoomed = ranges(&window);
    assert!(zoomed.iter().all(|range| *range == zoomed[0]) && zoomed[0] != whole[0], "{zoomed:?}");
    // Times are below each other: all graphs begin at the same place.
    let lefts: Vec<f32> = window.query_all_by_role(Role::Figure).map(|figure| figure.rect().left()).collect();
    assert!(lefts.iter().all(|left| (left - lefts[0]).abs() < 0.5), "{lefts:?}");
    assert_eq!(
        window.query_all_by_role_and_label(Role::ScrollBar, "Overview of the whole trace").count(),
        1,
        "one for all"
    );
}

#[test]
fn clocks_that_cannot_be_compared_are_drawn_separately() {
    // Without a zone in the log and in the trace nothing says how far the trace's UTC is from the clock of the machine.
    let folder = case_folder("");
    std::fs::write(folder.path().join("leak.etl"), without_zone(trace())).expect("a file");
    let window = open(&[folder.path()]);
    assert!(says(&window, "no evidence gives the difference"), "{:?}", graphs(&window));
    let trace =
        graphs(&window).into_iter().find(|name| name.starts_with("Outstanding bytes by pool")).expect("its own");
    assert!(trace.contains(", 0.000 s to "), "{trace}");
    // The trace is not at a place on the axis of the others.
    assert!(graphs(&window).iter().all(|name| !name.contains("; leak.etl:")));
    // The sample was recorded in another year.
    let other = case_folder(" (UTC)(0)");
    std::fs::write(other.path().join("leak.etl"), poolscope::sample::TRACE).expect("a file");
    let window = open(&[other.path()]);
    assert!(says(&window, "and is drawn separately") && says(&window, "they may be about different problems"));
}

#[test]
fn the_zone_of_a_trace_places_it_beside_listings() {
    // The made-up machine is in central Europe: 03:00 UTC in July is 05:00 there.
    let folder = case_folder("");
    std::fs::remove_file(folder.path().join("perf.csv")).expect("removed");
    let window = open(&[folder.path()]);
    let names = graphs(&window);
    assert!(names.len() == 2 && names[0].contains("; leak.etl: 5 h to 5 h"), "{names:?}");
    window.get_by_label_contains("2026-07-24 05:00:00 to 2026-07-24 05:0");
}

/// Counts the traces that are loaded.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Loader for Counting {
    fn load(&self, source: &Source, progress: &Progress, cancel: &CancelToken) -> Result<Option<LoadedTrace>, Failure> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Engine.load(source, progress, cancel)
    }
}

#[test]
fn each_piece_opens_its_own_page_and_nothing_is_read_twice() {
    let folder = case_folder(" (UTC)(0)");
    let loads = Arc::new(Counting::default());
    let loader: Arc<dyn Loader> = loads.clone();
    let mut window = window_loading(OpenRequest::File(folder.path().to_owned()), loader);
    settle(&mut window);
    let name = tabs(&window)[0].clone();
    let back = |window: &mut Window<'_>| {
        window.get_by_role_and_label(Role::Tab, &name).click();
        window.run_steps(4);
        window.get_by_label("FILES NOT USED");
    };
    for entry in std::fs::read_dir(folder.path()).expect("its files") {
        // What is shown from now on was read before.
        std::fs::remove_file(entry.expect("a file").path()).expect("removed");
    }
    show(&mut window, "Show in Analysis: leak.etl");
    assert_eq!(document(&window).source.name(), "leak.etl");
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
    back(&mut window);
    show(&mut window, "Show snapshots: poolsnap.log");
    assert!(tabs(&window).contains(&"Recording".to_owned()) && says(&window, "Leak grows by 29.0 MB/h"));
    assert!(graphs(&window).iter().any(|name| name.starts_with("Allocated bytes by Pool Tag")));
    back(&mut window);
    show(&mut window, "Show counters: perf.csv");
    assert!(tabs(&window).contains(&"perf.csv".to_owned()));
    assert_eq!(graphs(&window).len(), 3, "pools, available memory, handles");
    assert!(window.query_by_label("FILES NOT USED").is_none() && window.query_by_label("TOGETHER").is_none());
    // Once more, each is brought to the front.
    back(&mut window);
    show(&mut window, "Show in Analysis: leak.etl");
    assert_eq!((document(&window).source.name(), tabs(&window).len()), ("leak.etl".to_owned(), 4));
    assert_eq!(loads.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_performance_log_alone_is_a_page_with_its_chart() {
    let folder = case_folder(" (UTC)(0)");
    let path = folder.path().join("perf.csv");
    let store = Arc::new(InMemory::default());
    let mut window = window_with(OpenRequest::File(path.clone()), Arc::clone(&store));
    settle(&mut window);
    assert_eq!(tabs(&window), ["perf.csv"]);
    assert!(says(&window, "Nonpaged pool grows by") && says(&window, "Handles of agent rise with nonpaged pool"));
    assert_eq!(graphs(&window).len(), 3);
    assert!(window.query_by_label_contains("Show counters").is_none(), "it is the page of the counters");
    drop(window);
    assert_eq!(store.settings().recent[0].path, path.canonicalize().expect("it exists"));
}

#[test]
fn listings_alone_are_a_series_and_traces_alone_have_tabs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let (one, two) = (file("one.txt", snapshots(0..6).as_bytes()), file("two.txt", snapshots(6..12).as_bytes()));
    let window = open(&[&one, &two]);
    assert_eq!(tabs(&window), ["Recording"]);
    assert!(says(&window, "Leak grows by 29.0 MB/h"));
    let (a, b) = (file("a.etl", &trace()), file("b.etl", &trace()));
    let window = open(&[&a, &b]);
    assert_eq!(tabs(&window), ["a.etl", "b.etl"]);
    // With listings beside them they are a case.
    let window = open(&[&a, &one, &two]);
    assert_eq!(tabs(&window), ["a.etl and 2 more"]);
    window.get_by_label("Show snapshots: one.txt to two.txt (2 files)");
}

#[test]
fn what_cannot_be_read_is_named_with_its_reason() {
    let folder = case_folder(" (UTC)(0)");
    let long = format!("{}.txt", "a very long name of a file that nobody can read ".repeat(5).trim());
    std::fs::write(folder.path().join(&long), "").expect("a file");
    let whole = trace();
    std::fs::write(folder.path().join("torn.etl"), &whole[..whole.len() / 2]).expect("a file");
    std::fs::write(folder.path().join("bad.csv"), "\"(PDH-CSV 4.0)\",\"\\\\A\\Memory\\Pool Paged Bytes\"\n")
        .expect("a file");
    let mut window = open(&[folder.path()]);
    for text in [long.as_str(), "The file is empty", "notes.txt", "bad.csv", "has no sample"] {
        assert!(says(&window, text), "{text}");
    }
    assert!(says(&window, "The end of the recording is missing"), "what the torn trace lacks is beside it");
    window.get_by_label("Show in Analysis: torn.etl");
    for size in [vec2(1280.0, 720.0), vec2(720.0, 480.0), vec2(3840.0, 2160.0)] {
        window.set_size(size);
        window.run_steps(4);
        every_control_has_a_name(&window);
        for graph in window.query_all_by_role(Role::Figure) {
            assert!(graph.rect().left() >= 0.0 && graph.rect().right() <= size.x, "{:?} in {size:?}", graph.rect());
        }
    }
    let empty = tempfile::tempdir().expect("a folder");
    let mut window = open(&[empty.path()]);
    wait_for(&mut window, |window| says(window, "contains no traces, pool snapshots or performance logs"));
    assert!(tabs(&window).is_empty());
}

#[test]
fn several_files_are_dropped_together() {
    let folder = case_folder(" (UTC)(0)");
    let mut window = window(OpenRequest::Nothing);
    window.run_steps(2);
    let paths = ["perf.csv", "poolsnap.log", "leak.etl"].map(|name| folder.path().join(name));
    drop_files(&mut window, &paths.each_ref().map(PathBuf::as_path));
    settle(&mut window);
    assert_eq!(tabs(&window), ["perf.csv and 2 more"]);
    // On the page about recording, too.
    press_with(&mut window, Modifiers::COMMAND, Key::R);
    drop_files(&mut window, &[&paths[2], &paths[1]]);
    settle(&mut window);
    assert_eq!(tabs(&window).len(), 3, "{:?}", tabs(&window));
}

/// A dialog that chooses these files.
struct Chooses(Vec<PathBuf>);

impl PickFile for Chooses {
    fn ask(&self, _asked: &Asked) -> Question {
        Box::pin(std::future::ready(self.0.first().cloned()))
    }

    fn ask_several(&self, asked: &Asked) -> SeveralQuestion {
        let chosen = if *asked == Asked::Trace { self.0.clone() } else { self.0[..1].to_vec() };
        Box::pin(std::future::ready(chosen))
    }
}

fn window_choosing<'a>(paths: Vec<PathBuf>) -> Window<'a> {
    let mut window = window_of(
        OpenRequest::Nothing,
        Services { picker: Arc::new(Chooses(paths)), ..services(Arc::new(InMemory::default())) },
    );
    window.run_steps(2);
    window
}

#[test]
fn several_files_are_chosen_in_the_dialog() {
    let folder = case_folder(" (UTC)(0)");
    let mut window = window_choosing(["leak.etl", "poolsnap.log"].map(|name| folder.path().join(name)).to_vec());
    window.key_press_modifiers(Modifiers::COMMAND, Key::O);
    wait_for(&mut window, |window| says(window, "TOGETHER"));
    assert_eq!(tabs(&window), ["leak.etl and 1 more"]);
}

#[test]
fn a_case_folder_is_chosen_by_a_command() {
    // A folder of traces alone, which are a case because it was asked for.
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.etl", "b.etl"] {
        std::fs::write(folder.path().join(name), trace()).expect("a file");
    }
    let mut window = window_choosing(vec![folder.path().to_owned()]);
    command(&mut window, "Open case folder");
    wait_for(&mut window, |window| says(window, "Show in Analysis: b.etl"));
    assert_eq!(tabs(&window).len(), 1);
    // An empty one says why it is none.
    let empty = tempfile::tempdir().expect("a folder");
    let mut window = window_choosing(vec![empty.path().to_owned()]);
    command(&mut window, "Open case folder");
    wait_for(&mut window, |window| says(window, "was not opened"));
    assert!(says(&window, "There are no files in it.") && says(&window, "Choose a folder with traces"));
}

#[test]
fn a_case_that_is_read_can_be_canceled() {
    let folder = case_folder(" (UTC)(0)");
    // The loader of the tests reads a trace of this name until it is canceled.
    std::fs::copy(folder.path().join("leak.etl"), folder.path().join("slow")).expect("a copy");
    let mut window = window(OpenRequest::File(folder.path().to_owned()));
    wait_for(&mut window, |window| says(window, "slow (5 of 5)"));
    assert!(app(&window).is_busy());
    window.get_by_label("Cancel").click();
    window.run_steps(3);
    assert!(tabs(&window).is_empty() && says(&window, "was canceled"));
    settle(&mut window);
}
