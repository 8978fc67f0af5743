//! Symbols of a trace that Windows recorded, against another reader of the same PDBs. Skipped, visibly, where the trace or
//! the reader is missing.

use poolscope::symbols::{Choice, Machine, Resolved};
use poolscope_core::column::frames::FrameNames;
use poolscope_core::column::symbols::module_needs;
use poolscope_core::job::{CancelToken, Progress};
use poolscope_core::trace::Trace;
use poolscope_core::trace::load::{LoadOptions, load_file};
use poolscope_tests::corpus::{RealTrace, real_traces};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// The modules whose PDBs are there.
const MODULES: [&str; 3] = ["mscorlib.ni.dll", "System.ni.dll", "System.Xml.ni.dll"];

fn merged_trace() -> Option<(RealTrace, PathBuf)> {
    let found = real_traces().into_iter().find(|trace| trace.name == "win7-merged-stacks.etl")?;
    let folder = found.path.ancestors().nth(2).expect("traces lie in a folder of the corpus").join("symbols");
    Some((found, folder))
}

fn resolve(trace: &Trace, store: &Path, at_a_time: usize) -> Resolved {
    let choice = Choice { path: Some(store.to_str().expect("an ordinary name").to_owned()), offline: true };
    let mut resolver = Machine::default().resolver(&choice);
    resolver.at_a_time = at_a_time;
    Resolved::find(&resolver, module_needs(trace), &|_, _| {}, &CancelToken::default())
}

fn load(trace: &RealTrace) -> Arc<Trace> {
    load_file(&trace.path, LoadOptions::default(), &Progress::default(), &CancelToken::default()).expect("it loads")
}

/// Public symbols by section: (offset, name), ascending; and where each section begins in the image.
struct Publics {
    symbols: BTreeMap<u32, Vec<(u32, String)>>,
    starts: Vec<(u32, u32)>,
}

/// What `llvm-pdbutil` says of a PDB; `None` if there is no such program.
fn publics(pdb: &Path) -> Option<Publics> {
    let dump = |what: &str| {
        let output = Command::new("llvm-pdbutil").args(["dump", what]).arg(pdb).output().ok()?;
        assert!(output.status.success(), "llvm-pdbutil cannot read {}", pdb.display());
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let mut symbols: BTreeMap<u32, Vec<(u32, String)>> = BTreeMap::new();
    let mut name = String::new();
    for line in dump("-publics")?.lines() {
        if let Some((_, rest)) = line.split_once("S_PUB32 [size = ") {
            let (_, text) = rest.split_once('`').expect("a name in backquotes");
            name = text.strip_suffix('`').unwrap_or(text).to_owned();
        } else if let Some((_, place)) = line.split_once("addr = ") {
            let (section, offset) = place.split_once(':').expect("section and offset");
            let number = |text: &str| text.trim().parse::<u32>().expect("a decimal number");
            symbols.entry(number(section)).or_default().push((number(offset), std::mem::take(&mut name)));
        }
    }
    symbols.values_mut().for_each(|of| of.sort());
    // These PDBs have no section headers: sections follow each other on whole pages, the first after the headers' page.
    let mut starts = Vec::new();
    let mut start = 0x1000_u32;
    for size in dump("-section-map")?.lines().filter_map(|line| line.split_once(", size = ")) {
        let size: u32 = size.1.trim().parse().expect("a decimal number");
        starts.push((start, size));
        start = (start + size).next_multiple_of(0x1000);
    }
    Some(Publics { symbols, starts })
}

impl Publics {
    /// Names of the public symbols nearest before an address (several may stand at one place), and the distance to them.
    fn before(&self, rva: u32) -> Option<(Vec<&str>, u32)> {
        let section = self.starts.iter().position(|(start, size)| (*start..start + size).contains(&rva))?;
        let offset = rva - self.starts[section].0;
        let symbols = self.symbols.get(&(section as u32 + 1))?;
        let end = symbols.partition_point(|symbol| symbol.0 <= offset);
        let nearest = symbols[..end].last()?.0;
        let names = symbols[..end].iter().rev().take_while(|symbol| symbol.0 == nearest);
        Some((names.map(|symbol| symbol.1.as_str()).collect(), offset - nearest))
    }
}

/// How many distinct addresses of the three modules have a name: counted once, and held against another reader below.
const NAMED: [(&str, usize, usize); 3] =
    [("mscorlib.ni.dll", 0, 0), ("System.ni.dll", 0, 0), ("System.Xml.ni.dll", 0, 0)];

#[test]
fn native_images_of_a_real_trace_get_the_names_that_another_reader_finds() {
    let Some((trace, store)) = merged_trace() else { return };
    let trace = load(&trace);
    let resolved = resolve(&trace, &store, 0);
    let mut counts = Vec::new();
    let mut held = BTreeMap::new();
    for (need, outcome) in resolved.needs.iter().zip(&resolved.outcomes) {
        let Some(name) = MODULES.iter().find(|name| **name == need.request.identity.name) else {
            assert_eq!(outcome.names.named(), 0, "{}", need.request.identity.name);
            continue;
        };
        assert!(outcome.state.is_loaded(), "{name}: {:?}", outcome.attempts);
        counts.push((*name, need.request.rvas.len(), outcome.names.named()));
        let file = outcome.file.as_ref().expect("it is from a file");
        let Some(publics) = publics(file) else {
            std::io::stderr().write_all(b"SKIPPED: no llvm-pdbutil to compare names with\n").expect("stderr");
            continue;
        };
        for (rva, answer) in outcome.names.iter() {
            let Some((names, distance)) = publics.before(rva) else {
                assert_eq!(answer, None, "{name}+{rva:#x}");
                continue;
            };
            let answer = answer.unwrap_or_else(|| panic!("{name}+{rva:#x} is {names:?}+{distance:#x}"));
            assert!(names.contains(&&*answer.function), "{name}+{rva:#x}: {} is none of {names:?}", answer.function);
            assert_eq!(answer.offset_bytes, distance, "{name}+{rva:#x}");
            *held.entry(*name).or_insert(0) += 1;
        }
    }
    counts.sort_unstable();
    let mut expected = NAMED;
    expected.sort_unstable();
    assert_eq!(counts, expected);
    assert!(held.is_empty() || held.len() == 3 && held.values().sum::<usize>() >= 20, "{held:?}");
    let table = resolved.table(&trace);
    assert!(table.named() >= counts.iter().map(|c| c.2).sum(), "a file at two bases has its frames twice");
    assert!(table.answer(poolscope_core::trace::ids::FrameId::NONE).is_none());
}

#[test]
fn names_do_not_depend_on_how_many_modules_are_read_at_a_time() {
    let Some((trace, store)) = merged_trace() else { return };
    let trace = load(&trace);
    let shown = |at_a_time| {
        let resolved = resolve(&trace, &store, at_a_time);
        let rows = resolved.needs.iter().zip(&resolved.outcomes);
        let row = |(need, end): (_, &poolscope_core::symbol::resolve::ModuleOutcome)| {
            let need: &poolscope_core::column::symbols::ModuleNeed = need;
            (need.request.identity.clone(), end.state.clone(), end.attempts.clone(), (*end.names).clone())
        };
        rows.map(row).collect::<Vec<_>>()
    };
    let one = shown(1);
    assert!(one.len() > 20, "{} modules", one.len());
    assert_eq!(one, shown(8));
}
