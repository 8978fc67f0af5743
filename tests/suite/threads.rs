//! All outputs are the same for any number of worker threads.

use poolscope_synth::SynthParams;
use poolscope_synth::scenario::{HeaderStyle, StackMode};
use poolscope_synth::writer::{Compression, FileMode, Width};
use poolscope_tests::program::run;
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants::base;

/// Commands over `TRACE`.
const COMMANDS: [&[&str]; 9] = [
    &["info", "TRACE"],
    &["info", "TRACE", "--format", "json"],
    &["info", "TRACE", "--format", "csv"],
    &["report", "TRACE"],
    &["report", "TRACE", "--by", "type,paged,tag,stack", "--format", "json", "--range", "0.5..3"],
    &["report", "TRACE", "--by", "tag,driver,process,thread,cpu,free_stack", "--format", "csv", "--sort", "count"],
    &["report", "TRACE", "--by", "tag", "--format", "markdown"],
    &["series", "TRACE", "--by", "tag,paged", "--points", "50", "--format", "json"],
    &["series", "TRACE", "--measure", "rate", "--top", "3", "--format", "csv"],
];

#[test]
fn outputs_do_not_depend_on_the_number_of_threads() {
    let base = SynthParams { loss_share: 0.01, ..base(12_000) };
    let variants = [
        SynthParams { lost_buffers: 3, ..base.clone() },
        SynthParams { merged: true, compression: Compression::Filled, stacks: StackMode::Keyed, ..base.clone() },
        SynthParams { headers: HeaderStyle::Mixed, shared_ticks: true, cpus: 16, ..base.clone() },
        SynthParams { headers: HeaderStyle::PerfInfo, width: Width::Bits32, ..base.clone() },
        SynthParams { mode: FileMode::Circular { buffers: 60 }, ..base.clone() },
        SynthParams { cpus: 64, threads: 500, duration_s: 0.02, ..base },
    ];
    for params in variants {
        let file = OnDisk::new("threads.etl", &bytes_of(&params));
        for command in COMMANDS {
            let with = |threads: &'static str| {
                let mut line: Vec<&str> = command.to_vec();
                line[1] = file.path();
                line.extend(["--threads", threads]);
                run(&line)
            };
            let one = with("1");
            assert_eq!(one.code, 0, "{command:?}: {}", one.err);
            assert!(one.out.len() > 100, "{command:?} has no output");
            for threads in ["2", "7"] {
                assert!(with(threads) == one, "{command:?} differs with {threads} threads: {params:?}");
            }
        }
    }
}
