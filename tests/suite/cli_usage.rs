//! What surrounds every command: mistyped words, colors, silence, interrupts, completions, the man page, the sample where there is
//! no display.

use poolscope::cli::io::Io;
use poolscope::cli::{Outcome, WindowRequest, run as run_cli};
use poolscope_synth::SynthParams;
use poolscope_tests::program::{output, poolscope_exe, run};
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants::base;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// Exit code and messages of a command line.
fn outcome_of(line: &[&str]) -> (Outcome, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = std::iter::once("poolscope").chain(line.iter().copied()).map(OsString::from);
    let mut io = Io::captured(&mut out, &mut err);
    let outcome = run_cli(words, &mut io);
    drop(io);
    (outcome, String::from_utf8(err).expect("messages are UTF-8"))
}

#[test]
fn a_mistyped_command_is_wrong_usage_and_not_a_window() {
    let cases: [(&[&str], &str); 8] = [
        (&["reprot", "leak.etl"], "'report'"),
        (&["reprot", "leak.etl", "--by", "tag"], "'report'"),
        (&["leeks"], "'leaks'"),
        (&["-q", "infos"], "'info'"),
        (&["--color", "never", "seriess", "x.etl", "--points", "3"], "'series'"),
        (&["pool-mon", "a.txt"], "'poolmon'"),
        (&["qqqqqqqqqqqq"], "qqqqqqqqqqqq"),
        (&["leak.etl", "report"], "before the file"),
    ];
    for (line, words) in cases {
        let (outcome, err) = outcome_of(line);
        assert_eq!(outcome, Outcome::Exit(2), "{line:?}: {err}");
        assert!(err.contains(words) && err.contains("Usage: poolscope"), "{line:?}: {err}");
    }
}

#[test]
fn what_is_or_may_be_a_file_opens_in_the_window() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let plain = folder.path().join("recording");
    std::fs::write(&plain, b"x").expect("a file");
    let here = std::env::current_dir().expect("a folder").join("an-existing-word");
    std::fs::write(&here, b"x").expect("a file");
    let texts = [
        "missing.etl",
        "./missing",
        "folder/missing",
        plain.to_str().expect("an ordinary name"),
        folder.path().to_str().expect("an ordinary name"),
        "an-existing-word",
        ".",
    ];
    for text in texts {
        let (outcome, err) = outcome_of(&[text]);
        assert_eq!(outcome, Outcome::Window(WindowRequest::Files(vec![PathBuf::from(text)])), "{text}: {err}");
    }
    std::fs::remove_file(here).expect("removed");
    assert_eq!(outcome_of(&[]).0, Outcome::Window(WindowRequest::Empty));
    assert_eq!(outcome_of(&["--demo"]).0, Outcome::Window(WindowRequest::Sample));
    assert_eq!(outcome_of(&["--quiet", "--demo"]).0, Outcome::Window(WindowRequest::Sample));
    assert_eq!(outcome_of(&["--demo", "report"]).0, Outcome::Exit(2));
}

#[test]
fn synth_replaces_existing_files_only_with_force() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let (trace, truth) = (folder.path().join("made-up.etl"), folder.path().join("truth.json"));
    let name = |path: &PathBuf| path.to_str().expect("an ordinary name").to_owned();
    let line = ["synth", &name(&trace), "--preset", "tiny", "--truth", &name(&truth)];
    assert_eq!(run(&line).code, 0);
    for existing in [&trace, &truth] {
        std::fs::remove_file(if existing == &trace { &truth } else { &trace }).expect("it was written");
        std::fs::write(existing, "mine").expect("a file");
        let refused = run(&line);
        assert_eq!(refused.code, 1, "{}", refused.err);
        let message = format!("{} exists already: choose another name, or replace it with --force", name(existing));
        assert!(refused.err.contains(&message), "{}", refused.err);
        assert_eq!(std::fs::read(existing).expect("it is kept"), b"mine");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is written");
        assert_eq!(run(&[&line[..], &["--force"]].concat()).code, 0);
        assert!(std::fs::metadata(&trace).expect("a trace").len() > 10_000 && truth.is_file());
    }
}

#[test]
fn quiet_leaves_results_and_errors() {
    // What is missing is told as a warning.
    let lossy = SynthParams { lost_buffers: 6, ..base(4_000) };
    let file = OnDisk::new("lossy.etl", &bytes_of(&lossy));
    let line = ["report", file.path(), "--by", "tag", "--format", "csv"];
    let (loud, silent) = (run(&line), run(&[&line[..], &["-q"]].concat()));
    assert!(loud.err.contains("warning"), "{}", loud.err);
    assert_eq!((silent.code, silent.err.as_str()), (0, ""));
    assert_eq!(silent.out, loud.out);
    assert_eq!(run(&[&["--quiet"], &line[..]].concat()).out, loud.out, "before the command, too");
    let failed = run(&["info", "missing.etl", "-q"]);
    assert_eq!(failed.code, 1);
    assert!(failed.err.contains("missing.etl"), "{}", failed.err);
}

/// The real program with some environment alone, its streams being pipes.
fn real(line: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(poolscope_exe());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    let done = command.args(line).envs(environment.iter().copied()).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (done.status.code(), text(done.stdout), text(done.stderr))
}

const ESCAPE: char = '\u{1b}';

#[test]
fn colors_follow_the_option_and_the_environment() {
    let colored = |options: &[&str], environment: &[(&str, &str)]| {
        let out = real(&[&["leaks", "--demo"], options].concat(), environment).1;
        let err = real(&[&["leaks", "--no-such-option"], options].concat(), environment).2;
        [out.contains(ESCAPE), err.contains(ESCAPE)]
    };
    assert_eq!(colored(&[], &[]), [false, false], "pipes are not colored");
    assert_eq!(colored(&["--color", "always"], &[]), [true, true]);
    assert_eq!(colored(&[], &[("CLICOLOR_FORCE", "1")]), [true, true]);
    assert_eq!(colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), [false, false]);
    assert_eq!(colored(&["--color=always"], &[("NO_COLOR", "1")]), [true, true]);
    assert_eq!(colored(&["--color=never"], &[("CLICOLOR_FORCE", "1")]), [false, false]);
}

/// Runs a line of a shell on a pseudo-terminal that is `columns` wide; what the terminal got. `None`, said on standard error, where
/// there is no program for that.
#[cfg(target_os = "linux")]
fn on_terminal(columns: u32, line: &str) -> Option<String> {
    let shell = format!(
        "stty cols {columns} rows 40; unset COLUMNS NO_COLOR CLICOLOR CLICOLOR_FORCE; export TERM=xterm; {line}"
    );
    match Command::new("script").args(["-qec", &shell, "/dev/null"]).output() {
        Ok(done) => Some(String::from_utf8_lossy(&done.stdout).replace('\r', "")),
        Err(error) => {
            poolscope_tests::skipped(&format!("script does not start: {error}"));
            None
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn each_stream_is_colored_by_where_it_goes() {
    let exe = poolscope_exe().display().to_string();
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("err.txt").display().to_string();
    let Some(terminal) = on_terminal(100, &format!("'{exe}' leaks --demo --color auto")) else { return };
    assert!(terminal.contains(ESCAPE), "results on a terminal are colored: {terminal}");
    // Errors into a file, while results would go to a terminal.
    on_terminal(100, &format!("'{exe}' leaks --no-such-option 2>'{file}'"));
    let err = std::fs::read_to_string(&file).expect("the errors");
    assert!(err.contains("--no-such-option") && !err.contains(ESCAPE), "{err:?}");
    // Results into a file, while errors go to a terminal.
    let terminal = on_terminal(100, &format!("'{exe}' leaks --no-such-option >'{file}'")).expect("it started before");
    assert!(terminal.contains(ESCAPE), "{terminal:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_terminal_says_how_wide_it_is() {
    let exe = poolscope_exe().display().to_string();
    let widest = |columns: u32, line: &str| {
        let text = on_terminal(columns, &format!("'{exe}' {line} --color never"))?;
        Some(text.lines().map(|line| line.chars().count()).max().unwrap_or(0))
    };
    let Some(narrow) = widest(80, "leaks --help") else { return };
    let wide = widest(200, "leaks --help").expect("it started before");
    assert!(narrow <= 80 && (81..=100).contains(&wide), "{narrow} and {wide} columns");
    let curve = |columns: u32| widest(columns, "series --demo --by tag --points 200").expect("it started before");
    assert!(curve(120) > curve(80), "curves use the room that there is");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_command_as_the_signal_asks() {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Stdio;
    // A server that takes the question and never answers: the search for symbols waits.
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("an address");
    let (send, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let held: Vec<_> = server.incoming().inspect(|_| send.send(()).unwrap_or_default()).collect();
        drop(held);
    });
    let trace = OnDisk::new("leak.etl", &bytes_of(&base(2_000)));
    let folder = tempfile::tempdir().expect("a scratch folder");
    let html = folder.path().join("report.html");
    let path = format!("srv*{}*http://{address}/symbols", folder.path().join("store").display());
    let child = Command::new(poolscope_exe())
        .args(["leaks", trace.path(), "--symbols", &path, "--html"])
        .arg(&html)
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    asked.recv_timeout(std::time::Duration::from_secs(120)).expect("the server is asked");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill can be started");
    assert!(sent.success());
    let ended = child.wait_with_output().expect("the program ends");
    assert_eq!(ended.status.signal(), Some(2), "a shell's loop has to see it: {ended:?}");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "poolscope: interrupted\n");
    assert_eq!(ended.stdout.len(), 0);
    assert!(!html.exists(), "no half report");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = String::from_utf8(output(&["completions", shell])).expect("UTF-8");
        for word in ["report", "leaks", "poolmon", "fail-if", "completions"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(run(&["completions", "tcsh"]).code, 2);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("poolscope.bash");
    std::fs::write(&file, output(&["completions", "bash"])).expect("a file");
    // What a shell that loads it proposes for `poolscope repo` and `poolscope leaks --fai`.
    let script = format!(
        "source '{}'; COMP_WORDS=(poolscope repo); COMP_CWORD=1; _poolscope poolscope repo poolscope; echo \"${{COMPREPLY[@]}}\"; \
         COMP_WORDS=(poolscope leaks --fai); COMP_CWORD=2; _poolscope poolscope --fai leaks; echo \"${{COMPREPLY[@]}}\"",
        file.display()
    );
    match Command::new("bash").args(["--norc", "-c", &script]).output() {
        Ok(done) => assert_eq!(String::from_utf8_lossy(&done.stdout), "report\n--fail-if\n", "{done:?}"),
        Err(error) => poolscope_tests::skipped(&format!("bash does not start: {error}")),
    }
}

#[test]
fn the_man_page_is_a_page() {
    let page = String::from_utf8(output(&["man"])).expect("UTF-8");
    for part in [".TH poolscope 1", ".SH NAME", ".SH OPTIONS", ".SH COMMANDS", ".SS \"leaks\"", ".SH \"EXIT STATUS\""] {
        assert!(page.contains(part), "the page lacks {part}");
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("poolscope.1");
    std::fs::write(&file, &page).expect("a file");
    match Command::new("groff").args(["-man", "-ww", "-z"]).arg(&file).output() {
        Ok(done) => assert_eq!(String::from_utf8_lossy(&done.stderr), "", "groff complains"),
        Err(error) => poolscope_tests::skipped(&format!("groff does not start: {error}")),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_display_the_sample_is_printed() {
    let done = Command::new(poolscope_exe())
        .arg("--demo")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .expect("the program starts");
    let err = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{err}");
    assert_eq!(done.stdout, output(&["leaks", "--demo"]));
    assert!(err.lines().count() == 1 && err.contains("display"), "{err}");
    let file =
        Command::new(poolscope_exe()).arg("leak.etl").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output();
    assert_eq!(
        file.expect("the program starts").status.code(),
        Some(1),
        "a trace of one's own is not replaced by the sample"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_display_a_folder_is_printed_as_a_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let listing = |blocks: u32| {
        format!(
            " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n Leak Nonp {} 10 {blocks} {} 64\n",
            blocks + 10,
            blocks * 64
        )
    };
    std::fs::write(folder.path().join("poolsnap-2026-07-24-0800.txt"), listing(1000)).expect("a file");
    std::fs::write(folder.path().join("poolsnap-2026-07-24-0900.txt"), listing(90_000)).expect("a file");
    let path = folder.path().to_str().expect("an ordinary name");
    let run = |line: &[&str]| {
        let mut command = Command::new(poolscope_exe());
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
            command.env_remove(name);
        }
        command.args(line).output().expect("the program starts")
    };
    let done = run(&["--color", "never", path]);
    let err = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{err}");
    assert_eq!(done.stdout, output(&["case", path]));
    assert!(err.lines().count() == 1 && err.contains("display") && err.contains("poolscope case"), "{err}");
    let file = run(&[&format!("{path}/poolsnap-2026-07-24-0800.txt")]);
    assert!(String::from_utf8_lossy(&file.stdout).contains("One snapshot shows no growth"));
}
