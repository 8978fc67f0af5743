//! The driver of `wpr.exe` against a program that behaves as it: found on the search path, started, watched, saved, dropped, and
//! every failure in a sentence. The same tests run on Windows.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use poolscope::wpr::locations::SearchLocations;
use poolscope::wpr::machine::MachineRecorder;
use poolscope::wpr::process::{self, ProcessError};
use poolscope::wpr::{Recorder, Start, Task, TaskResult, WprError, WprStatus};
use poolscope_base::progress::CancelToken;
use poolscope_tests::wpr::FakeWpr;

const PROFILE: &str = "<WindowsPerformanceRecorder><Profile Name=\"PoolUsage\"/></WindowsPerformanceRecorder>\n";

fn start(fake: &FakeWpr, file_mode: bool) -> Task {
    let scratch = fake.recorder().scratch();
    Task::Start(Start {
        profile: scratch.join("a profile.wprp"),
        text: PROFILE.to_owned(),
        name: "PoolUsage".to_owned(),
        file_mode,
        temp: scratch,
    })
}

fn run(fake: &FakeWpr, task: &Task) -> Result<TaskResult, WprError> {
    let recorder = fake.recorder();
    let WprStatus::Ready { program } = recorder.wpr_status(None) else { panic!("it is on the search path") };
    recorder.run(&program, task, &|_| {}, &CancelToken::none())
}

fn status(fake: &FakeWpr) -> TaskResult {
    run(fake, &Task::Status { temp: Some(fake.recorder().scratch()) }).expect("a status")
}

fn stop(to: &Path) -> Task {
    Task::Stop { to: to.to_owned(), about: "a leak of pool".to_owned() }
}

fn refusal(fake: &FakeWpr, task: &Task) -> String {
    run(fake, task).expect_err("it says no").to_string()
}

#[test]
fn a_recording_is_started_watched_and_saved() {
    let fake = FakeWpr::new(b"the trace", "");
    assert!(!status(&fake).status.expect("a status").recording);
    run(&fake, &start(&fake, true)).expect("it starts");
    let scratch = fake.recorder().scratch();
    assert_eq!(std::fs::read_to_string(scratch.join("a profile.wprp")).expect("the profile"), PROFILE);
    let first = status(&fake);
    let read = first.status.expect("a status");
    assert_eq!((read.recording, read.elapsed_s, read.file_mode), (true, Some(7), Some(true)));
    assert_eq!((read.missing_events(), first.bytes), (0, Some(8192)));
    assert_eq!(status(&fake).bytes, Some(12288), "the file grows");
    fake.becomes("lossy utf-16");
    assert_eq!(status(&fake).status.expect("a status").missing_events(), 1234);
    fake.becomes("");
    let to = fake.folder().join("a result.etl");
    let done = run(&fake, &stop(&to)).expect("it is saved");
    assert_eq!((std::fs::read(&to).expect("the trace"), done.bytes), (b"the trace".to_vec(), Some(9)));
    assert!(done.output.contains("The trace was successfully saved."), "{}", done.output);
    assert!(!status(&fake).status.expect("a status").recording);
    // No shell cut the arguments at their blanks.
    let calls = fake.calls();
    let begin = format!("-start|{}!PoolUsage|-filemode|-recordtempto|", scratch.join("a profile.wprp").display());
    assert!(calls[1].starts_with(&begin), "{calls:?}");
    assert!(calls.contains(&format!("-stop|{}|a leak of pool", to.display())), "{calls:?}");
}

#[test]
fn a_recording_in_memory_has_no_file_and_can_be_dropped() {
    let fake = FakeWpr::new(b"", "");
    run(&fake, &start(&fake, false)).expect("it starts");
    let done = status(&fake);
    assert_eq!((done.status.and_then(|status| status.file_mode), done.bytes), (Some(false), None));
    assert!(refusal(&fake, &start(&fake, true)).contains("A recording is already running"));
    run(&fake, &Task::Cancel).expect("it is dropped");
    assert!(refusal(&fake, &Task::Cancel).contains("No recording is running"));
}

#[test]
fn failures_say_what_to_do() {
    let fake = FakeWpr::new(b"", "no-rights");
    let words = refusal(&fake, &start(&fake, true));
    assert!(words.contains("0xc5585011") && words.contains("Run as administrator"), "{words}");
    fake.becomes("");
    let broken = match start(&fake, true) {
        Task::Start(start) => Task::Start(Start { text: "no profile".to_owned(), ..start }),
        other => other,
    };
    assert!(refusal(&fake, &broken).contains("wpr cannot read the profile"));
    run(&fake, &start(&fake, true)).expect("it starts");
    fake.becomes("disk-full");
    let words = refusal(&fake, &stop(&fake.folder().join("x.etl")));
    assert!(words.contains("The disk is full") && words.contains("The recording still exists"), "{words}");
    fake.becomes("");
    assert!(status(&fake).status.expect("a status").recording, "nothing is lost");
    let nowhere = fake.folder().join("no folder").join("x.etl");
    assert!(refusal(&fake, &stop(&nowhere)).contains("A file or folder does not exist"));
}

#[test]
fn what_hangs_is_ended() {
    let fake = FakeWpr::new(b"", "hang");
    let began = Instant::now();
    let short = Some(Duration::from_millis(300));
    let hung = process::run(&fake.program(), &["-cancel".into()], short, &|_| {}, &CancelToken::none());
    assert!(matches!(hung, Err(ProcessError::Hung(limit)) if Some(limit) == short), "{hung:?}");
    let cancel = CancelToken::default();
    let other = cancel.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        other.cancel();
    });
    let given_up = fake.recorder().run(&fake.program(), &Task::Cancel, &|_| {}, &cancel);
    assert!(matches!(given_up, Err(WprError::Cancelled)), "{given_up:?}");
    stopper.join().expect("no panic");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn output_is_told_while_it_comes() {
    let fake = FakeWpr::new(b"x", "");
    run(&fake, &start(&fake, true)).expect("it starts");
    fake.becomes("slow-stop");
    let told = RefCell::new(Vec::new());
    let tell = |text: &str| {
        told.borrow_mut().push(text.to_owned());
        fake.go();
    };
    let task = stop(&fake.folder().join("x.etl"));
    let done = fake.recorder().run(&fake.program(), &task, &tell, &CancelToken::none()).expect("it is saved");
    let told = told.into_inner();
    assert!(told[0].contains("Press Ctrl+C") && !told[0].contains("successfully"), "{told:?}");
    assert_eq!(told.last(), Some(&done.output));
}

#[test]
fn a_program_that_is_none_is_named() {
    let fake = FakeWpr::new(b"", "");
    let text = fake.folder().join("trace.etl");
    let trouble = fake.recorder().run(&text, &Task::Cancel, &|_| {}, &CancelToken::none()).expect_err("no program");
    assert!(matches!(&trouble, WprError::NoStart { program, .. } if *program == text), "{trouble:?}");
    assert!(trouble.to_string().contains("Choose another wpr.exe"), "{trouble}");
    let blocked = match start(&fake, true) {
        Task::Start(start) => Task::Start(Start { temp: text.clone(), ..start }),
        other => other,
    };
    let trouble = run(&fake, &blocked).expect_err("a file is no folder");
    assert!(trouble.to_string().contains("cannot be created"), "{trouble}");
}

#[test]
fn it_is_found_in_its_usual_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = |parts: &[&str]| {
        let inner = parts.iter().fold(folder.path().to_owned(), |path, part| path.join(part));
        std::fs::create_dir_all(&inner).expect("a folder");
        std::fs::write(inner.join("wpr.exe"), b"").expect("a file");
        inner.join("wpr.exe")
    };
    let first = program(&["bin"]);
    let system = program(&["Windows", "System32"]);
    let kit = program(&["Program Files", "Windows Kits", "10", "Windows Performance Toolkit"]);
    let path = std::env::join_paths([Path::new("relative"), &folder.path().join("bin")]).expect("a path");
    let mut places = SearchLocations {
        windows: true,
        path: Some(path),
        system_root: Some(folder.path().join("Windows")),
        program_files: vec![folder.path().join("Program Files")],
        ..SearchLocations::default()
    };
    let ready = |program: &Path| WprStatus::Ready { program: program.to_owned() };
    assert_eq!(places.find(None), ready(&first));
    places.path = None;
    assert_eq!(places.find(None), ready(&system));
    places.system_root = None;
    assert_eq!(places.find(None), ready(&kit));
    assert_eq!(places.find(Some(&first)), ready(&first), "the one that is named");
    assert_eq!(places.find(system.parent()), ready(&system), "a folder stands for the program in it");
    let nowhere = folder.path().join("nowhere.exe");
    assert_eq!(places.find(Some(&nowhere)), WprStatus::Missing { looked: vec![nowhere] });
    assert_eq!(SearchLocations { windows: false, ..places }.find(None), WprStatus::NotWindows);
}

#[test]
fn what_lies_in_the_current_folder_is_not_run() {
    let places = SearchLocations { windows: true, path: Some("relative".into()), ..SearchLocations::default() };
    assert_eq!(places.candidates(), Vec::<PathBuf>::new());
    assert_eq!(places.find(None), WprStatus::Missing { looked: Vec::new() });
}

#[test]
fn this_machine_records_only_if_it_is_windows() {
    let standing = MachineRecorder::this().wpr_status(None);
    assert_eq!(standing == WprStatus::NotWindows, !cfg!(windows), "{standing:?}");
}
