//! All versions of image and process events for both pointer sizes, written by the generator of synthetic traces and
//! read back. Writer and reader take the layouts from the documentation of the format, not from each other.

use poolscope_analysis::trace::Trace;
use poolscope_synth::writer::{TraceOptions, Width, image, process};
use poolscope_tests::micro::Micro;
use std::sync::Arc;

/// Process and thread of the records' headers.
const OWNER: (u32, u32) = (40, 44);
const WIDTHS: [Width; 2] = [Width::Bits32, Width::Bits64];

fn one_record(width: Width, hook: u16, version: u8, payload: &[u8]) -> Arc<Trace> {
    let mut trace = Micro::new(TraceOptions { width, ..TraceOptions::default() });
    trace.system(0, 10, hook, version, OWNER, payload);
    trace.load()
}

#[test]
fn images_of_every_version() {
    for (width, version) in WIDTHS.into_iter().flat_map(|width| (0..=3).map(move |version| (width, version))) {
        let case = format!("version {version}, {width:?}");
        let path = "\\Device\\HarddiskVolume3\\Windows\\app.dll";
        let of = image::Image { base: 0x7700_0000, size: 0x2_5000, pid: 40, checksum: 7, timestamp: 9, path };
        let mut payload = Vec::new();
        image::image(&mut payload, width, version, &of);
        let trace = one_record(width, image::HOOK_LOAD, version, &payload);
        let [module] = trace.modules.modules() else { panic!("{case}: {:?}", trace.modules) };
        assert_eq!((module.base, module.size_bytes, module.path.as_str()), (of.base, of.size, path), "{case}");
        let identity = if version >= 2 { (7, 9) } else { (0, 0) };
        assert_eq!((module.checksum, module.timestamp), identity, "{case}");
        // Version 0 has no process: the one of the record's header is used.
        assert_eq!(trace.modules.loaded_images()[0].pid, 40, "{case}");
    }
}

#[test]
fn processes_of_every_version() {
    const SID: [u8; 16] = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0];
    for (width, version) in WIDTHS.into_iter().flat_map(|width| (0..=5).map(move |version| (width, version))) {
        for sid in [&[][..], &SID] {
            let case = format!("version {version}, {width:?}, SID of {} bytes", sid.len());
            let of = process::Process {
                key: 0x8654_3000,
                pid: 1234,
                parent: 568,
                session: 2,
                exit_status: 259,
                flags: 0,
                sid,
                image: "NotMyfault.exe",
                command_line: "NotMyfault.exe /leak",
            };
            let mut payload = Vec::new();
            process::process(&mut payload, width, version, &of);
            let trace = one_record(width, process::HOOK_DC_START, version, &payload);
            let row = trace.processes.rows().iter().find(|p| p.pid == 1234).unwrap_or_else(|| panic!("{case}"));
            let session = if version == 0 { 0 } else { 2 };
            assert_eq!((row.parent_pid, row.session, row.name.as_str()), (568, session, of.image), "{case}");
            assert_eq!(row.command_line, if version >= 2 { of.command_line } else { "" }, "{case}");
        }
    }
}
