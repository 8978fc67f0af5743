//! `--reader` on the command line, and the way to Windows' reader from the page of a trace that was not opened.

use egui_kittest::kittest::Queryable;
use poolscope::gui::OpenRequest;
use poolscope::gui::jobs::load::{Engine, Failure, Loader, Source};
use poolscope::trace_opening::LoadedTrace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_tests::program::{Ran, run};
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants;
use std::sync::Arc;

use crate::gui_harness::*;

/// Every command that reads a trace.
const COMMANDS: [&[&str]; 5] = [&["info"], &["report"], &["series"], &["leaks"], &["symbols", "--offline"]];

/// A command with a trace and more options.
fn run_with(command: &[&str], path: &str, more: &[&str]) -> Ran {
    let mut line = command.to_vec();
    line.push(path);
    line.extend(more);
    run(&line)
}

#[test]
fn every_command_that_reads_a_trace_takes_a_reader() {
    let file = OnDisk::new("made-up.etl", &bytes_of(&variants::base(300)));
    for command in COMMANDS {
        let plain = run_with(command, file.path(), &[]);
        assert_eq!(plain.code, 0, "{command:?}: {}", plain.err);
        assert_eq!(run_with(command, file.path(), &["--reader", "native"]), plain, "{command:?}");
        let wrong = run_with(command, file.path(), &["--reader", "other"]);
        assert_eq!(wrong.code, 2, "{command:?}");
        assert!(wrong.err.contains("native, windows"), "{}", wrong.err);
    }
}

#[cfg(not(windows))]
#[test]
fn other_systems_say_that_only_windows_has_the_other_reader() {
    let file = OnDisk::new("made-up.etl", &bytes_of(&variants::base(300)));
    for command in COMMANDS {
        let ran = run_with(command, file.path(), &["--reader", "windows"]);
        assert_eq!((ran.code, ran.out.as_slice()), (2, &[][..]), "{command:?}");
        assert!(ran.err.contains("the reader of Windows is available on Windows only"), "{}", ran.err);
    }
    // What ours refuses is not sent to a reader that is not here.
    let letter = OnDisk::new("letter.etl", &b"no trace at all ".repeat(500));
    let refused = run(&["info", letter.path()]);
    assert_eq!(refused.code, 1);
    assert!(!refused.err.contains("--reader"), "{}", refused.err);
}

#[cfg(windows)]
#[test]
fn what_ours_refuses_is_offered_to_the_other_reader() {
    let letter = OnDisk::new("letter.etl", &b"no trace at all ".repeat(500));
    let refused = run(&["info", letter.path()]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("add --reader windows"), "{}", refused.err);
    let both = run(&["info", letter.path(), "--reader", "windows"]);
    assert_eq!((both.code, both.out.as_slice()), (1, &[][..]));
    assert!(both.err.contains("Windows does not read") && both.err.contains("letter.etl"), "{}", both.err);
    let missing = run(&["info", "C:\\not\\there.etl", "--reader", "windows"]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("cannot open"), "{}", missing.err);
    let sample = run(&["info", "--demo", "--reader", "windows"]);
    assert_eq!(sample.code, 2, "{}", sample.err);
}

/// Refuses every file, but shows the sample in its place when Windows is to read it.
struct OnlyWindowsCan {
    windows_is_here: bool,
}

impl Loader for OnlyWindowsCan {
    fn load(&self, source: &Source, progress: &Progress, cancel: &CancelToken) -> Result<Option<LoadedTrace>, Failure> {
        match source {
            Source::ThroughWindows(_) => Engine.load(&Source::Sample, progress, cancel),
            Source::File(_) | Source::Sample | Source::Case(_) => Err(Failure {
                what: "it is odd".to_owned(),
                next: "Choose another.".to_owned(),
                windows_may_read: self.windows_is_here,
                recordings: Vec::new(),
            }),
        }
    }
}

#[test]
fn the_page_of_a_refused_trace_offers_the_other_reader_where_it_is() {
    let odd = || OpenRequest::File("odd.etl".into());
    let mut window = window_loading(odd(), Arc::new(OnlyWindowsCan { windows_is_here: false }));
    settle(&mut window);
    window.get_by_label("odd.etl was not opened");
    assert!(window.query_by_label("Open with the reader of Windows").is_none());
    let mut window = window_loading(odd(), Arc::new(OnlyWindowsCan { windows_is_here: true }));
    settle(&mut window);
    window.get_by_label("Open with the reader of Windows").click();
    window.run_steps(2);
    settle(&mut window);
    // By the one name that the file has, whoever reads it.
    let source = &document(&window).source;
    assert!(matches!(source, Source::ThroughWindows(path) if path.is_absolute()) && source.name() == "odd.etl");
    assert!(document(&window).trace.statistics.pool_allocs > 0);
}
