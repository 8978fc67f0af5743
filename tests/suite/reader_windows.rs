//! Windows' own reader against the one here, on a real Windows: the same blocks, stacks, images and processes. Skipped,
//! visibly, elsewhere, and under Wine, whose event tracing is a stub.

/// Says past the test runner's capture that nothing was compared.
fn skipped(why: &str) {
    poolscope_tests::skipped(&format!("Windows' reader was not compared: {why}"));
}

#[cfg(not(windows))]
#[test]
fn windows_reads_what_we_read() {
    skipped("this is no Windows");
}

#[cfg(windows)]
mod on_windows {
    use poolscope::reader::load_through_windows;
    use poolscope_base::progress::{CancelToken, Progress};
    use poolscope_analysis::load::{LoadOptions, load_file};
    use poolscope_tests::corpus::real_traces;
    use poolscope_tests::planted::{OnDisk, bytes_of};
    use poolscope_tests::said::{differences, said};
    use poolscope_tests::variants;
    use std::path::Path;

    /// What may differ: Windows does not hand out records that it cannot name, and passes over damage.
    const APART: [&str; 3] = ["diagnostics", "records", "uncertain stacks"];

    /// Wine has this program, Windows has not.
    fn is_wine() -> bool {
        Path::new("C:\\windows\\system32\\winecfg.exe").exists()
    }

    fn complaints(name: &str, path: &Path) -> Vec<String> {
        let (progress, never) = (Progress::default(), CancelToken::default());
        let options = LoadOptions::default();
        let ours = load_file(path, options, &progress, &never).expect("our reader opens it");
        let theirs = match load_through_windows(path, options, &progress, &never) {
            Ok(trace) => trace,
            Err(error) => return vec![format!("{name}: {error}")],
        };
        let found = differences(&said(&ours, false), &said(&theirs, false), &APART);
        found.into_iter().map(|words| format!("{name}: {words}")).collect()
    }

    #[test]
    fn windows_reads_what_we_read() {
        if is_wine() {
            return super::skipped("Wine has no event tracing");
        }
        let mut found = Vec::new();
        for trace in real_traces() {
            found.extend(complaints(&trace.name, &trace.path));
        }
        let sample = OnDisk::new("sample.etl", poolscope::sample::TRACE);
        found.extend(complaints("sample", Path::new(sample.path())));
        for variant in variants::all(1_000) {
            let file = OnDisk::new("made-up.etl", &bytes_of(&variant.params));
            found.extend(complaints(&variant.name, Path::new(file.path())));
        }
        assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    }
}
