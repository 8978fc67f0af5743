//! Tests of the sample: its scenario, and that every frame is in a function of its modules.

use std::io::Cursor;

use super::*;
use crate::ground_truth::GroundTruth;

const MODULES: &str = include_str!("../../../../assets/sample/modules.json");
const BYTES_MAX: usize = 800_000;

fn sample() -> (Vec<u8>, GroundTruth) {
    let modules = SampleModules::from_json(MODULES).unwrap();
    let mut out = Cursor::new(Vec::new());
    let request = GroundTruthRequest { stacks: true, curve_points: 61, ..GroundTruthRequest::default() };
    let summary = write_sample(&mut out, &modules, Some(&request)).unwrap();
    (out.into_inner(), summary.truth.unwrap())
}

fn sizes_over_time(truth: &GroundTruth, tag: &str) -> Vec<u64> {
    let curve = truth.ranges[0].curves.iter().find(|curve| curve.tag == tag).unwrap();
    curve.points.iter().map(|point| point.size).collect()
}

#[test]
fn leak_cache_and_burst_show_in_the_curves() {
    let (bytes, truth) = sample();
    assert!(bytes.len() < BYTES_MAX, "{} bytes", bytes.len());
    let leak = sizes_over_time(&truth, "Leak");
    assert_eq!(leak[3], 0);
    assert!(leak[10..].windows(2).all(|pair| pair[0] < pair[1]), "{leak:?}");
    let cache = sizes_over_time(&truth, "Ntff");
    assert!(cache[40..].iter().all(|size| size.abs_diff(320 * 1_328) < 2 * 1_328), "{cache:?}");
    let burst = sizes_over_time(&truth, "FMsl");
    let highest = burst.iter().max().unwrap();
    assert!(burst[20] == 0 && burst[50] < highest / 20 && *highest > 50_000, "{burst:?}");
    let largest = truth.ranges[0].rows.iter().filter(|row| row.kind == "AIFO").max_by_key(|row| row.totals.size);
    assert_eq!(largest.map(|row| (row.tag.as_str(), row.paged)), Some(("Leak", "NonPaged")));
}

#[test]
fn the_leak_has_one_stack_from_the_program_to_the_pool() {
    let (_, truth) = sample();
    assert_eq!((truth.pool.implied_frees, truth.pool.implied_allocations), (0, 0));
    assert_eq!((truth.stacks.orphans, truth.stacks.unresolved), (0, 0));
    let leaks: Vec<_> = truth.ranges[0].stacks.iter().filter(|row| row.tag == "Leak").collect();
    assert_eq!(leaks.len(), 1);
    let modules = SampleModules::from_json(MODULES).unwrap();
    let entities = entities(&modules).unwrap();
    let name = |frame: &String| {
        let address = u64::from_str_radix(&frame[2..], 16).unwrap();
        let image =
            entities.images.iter().find(|image| (image.base..image.base + image.size).contains(&address)).unwrap();
        let module = modules.modules.iter().find(|module| module.file == image.file).unwrap();
        let rva = address - image.base;
        let function =
            module.functions.iter().find(|function| (function.rva..function.rva + function.size).contains(&rva));
        format!("{}!{}", module.short_name(), function.unwrap().name)
    };
    let names: Vec<String> = leaks[0].stack.iter().map(name).collect();
    assert_eq!(names[0], "ntdll!RtlUserThreadStart");
    let inner = [
        "ntdll!NtDeviceIoControlFile",
        "nt!KiSystemServiceCopyEnd",
        "nt!NtDeviceIoControlFile",
        "nt!IopXxxControlFile",
        "nt!IopSynchronousServiceTail",
        "nt!IofCallDriver",
        "myfault!MyfaultDeviceControl",
        "nt!ExAllocatePoolWithTag",
    ];
    assert_eq!(names[names.len() - inner.len()..], inner);
    for row in &truth.ranges[0].stacks {
        row.stack.iter().for_each(|frame| assert!(name(frame).contains('!')));
    }
}

#[test]
fn a_missing_function_is_named() {
    let without = MODULES.replace("\"MyfaultDeviceControl\"", "\"Renamed\"");
    let modules = SampleModules::from_json(&without).unwrap();
    let problem = write_sample(Cursor::new(Vec::new()), &modules, None).unwrap_err();
    assert!(problem.to_string().contains("myfault!MyfaultDeviceControl"), "{problem}");
    assert!(SampleModules::from_json("{}").is_err());
}
