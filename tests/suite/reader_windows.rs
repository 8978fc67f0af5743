//! The Windows API against the portable reader: the same allocations, stacks, images and processes. Needs Windows;
//! elsewhere, and under Wine, whose event tracing is a stub, the test reports that it was skipped.

/// Reports that nothing was compared.
fn skipped(why: &str) {
    poolscope_tests::skipped(&format!("the Windows API was not compared: {why}"));
}

#[cfg(not(windows))]
#[test]
fn the_windows_api_gives_the_same_traces() {
    skipped("this is not Windows");
}

#[cfg(windows)]
mod on_windows {
    use poolscope::reader::load_through_windows;
    use poolscope_analysis::load::{LoadOptions, load_file};
    use poolscope_base::progress::{CancelToken, Progress};
    use poolscope_tests::corpus::real_traces;
    use poolscope_tests::synthetic::{OnDisk, bytes_of};
    use poolscope_tests::trace_dump::{differences, dump};
    use poolscope_tests::variants;
    use std::path::Path;

    /// Topics of a trace dump that may differ: Windows does not deliver records without a schema, and skips damage.
    const MAY_DIFFER: [&str; 3] = ["diagnostics", "records", "uncertain stacks"];

    /// Recognizes Wine by a program that Windows does not have.
    fn is_wine() -> bool {
        Path::new("C:\\windows\\system32\\winecfg.exe").exists()
    }

    /// Loads a trace in both ways and lists the differences.
    fn complaints(name: &str, path: &Path) -> Vec<String> {
        let (progress, cancel) = (Progress::default(), CancelToken::none());
        let options = LoadOptions::default();
        let ours = load_file(path, options, &progress, &cancel).expect("the portable reader opens it");
        let theirs = match load_through_windows(path, options, &progress, &cancel) {
            Ok(trace) => trace,
            Err(error) => return vec![format!("{name}: {error}")],
        };
        let found = differences(&said(&ours, false), &said(&theirs, false), &MAY_DIFFER);
        found.into_iter().map(|words| format!("{name}: {words}")).collect()
    }

    #[test]
    fn the_windows_api_gives_the_same_traces() {
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
