//! Symbols of a trace recorded by Windows, compared with another reader of the same PDBs. Skipped with a message where the trace or the
//! reader is missing.

use poolscope::symbols::{ResolvedSymbols, SymbolEnvironment, SymbolOptions};
use poolscope_analysis::group::symbols::ModuleNeed;
use poolscope_analysis::load::{LoadOptions, load_file};
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::event::EventKind;
use poolscope_etl::event::stack::InlineStackEvent;
use poolscope_etl::file::{BodyScratch, TraceFile};
use poolscope_symbols::identity::{ModuleIdentity, PdbIdentity};
use poolscope_symbols::resolve::ModuleRequest;
use poolscope_tests::corpus::{RealTrace, real_traces};
use std::collections::{BTreeMap, BTreeSet};
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

/// Distinct modules and relative virtual addresses of all stacks of the trace file, whichever event they belong to: the trace has no
/// pool events, so that an analysis of it needs no symbols.
fn modules_of_all_stacks(file: &RealTrace, trace: &Trace) -> Vec<ModuleNeed> {
    let file = TraceFile::open(&file.path).expect("it opens");
    let mut scratch = BodyScratch::default();
    let mut needs: BTreeMap<PdbIdentity, (String, BTreeSet<u32>)> = BTreeMap::new();
    for buffer in &file.layout.buffers {
        for record in file.records(buffer, &mut scratch).expect("it can be read") {
            if record.kind() != EventKind::StackInline {
                continue;
            }
            let stack = InlineStackEvent::decode(record.payload, record.pointer_size).expect("a whole stack record");
            let time = trace.clock.ticks(file.clock.seconds(stack.target.event_time));
            for address in stack.frames.iter() {
                let Some(module) = trace.modules.get(trace.modules.find(stack.target.process, address, time)) else {
                    continue;
                };
                let Some(rsds) = &module.rsds else { continue };
                let identity = PdbIdentity::new(&rsds.pdb_name, rsds.guid, rsds.age);
                let rva = u32::try_from(address - module.base).expect("an address in the image");
                needs.entry(identity).or_insert_with(|| (module.name.clone(), BTreeSet::new())).1.insert(rva);
            }
        }
    }
    let need = |(pdb, (name, rvas)): (PdbIdentity, (String, BTreeSet<u32>))| ModuleNeed {
        request: ModuleRequest {
            identity: ModuleIdentity { name, path: String::new(), pdb: Some(pdb), image: None },
            rvas: rvas.into_iter().collect(),
            explicit_pdb: None,
            ignore_cache: false,
        },
        modules: Vec::new(),
        is_kernel: false,
        frames: 0,
        allocations: 0,
        outstanding_bytes: 0,
    };
    needs.into_iter().map(need).collect()
}

fn resolve(needs: Vec<ModuleNeed>, store: &Path, at_a_time: usize) -> ResolvedSymbols {
    let choice = SymbolOptions { path: Some(store.to_str().expect("an ordinary name").to_owned()), offline: true };
    let mut resolver = SymbolEnvironment::default().resolver(&choice);
    resolver.max_concurrent = at_a_time;
    ResolvedSymbols::resolve(&resolver, needs, &|_, _| {}, &CancelToken::none())
}

fn load(trace: &RealTrace) -> Arc<Trace> {
    load_file(&trace.path, LoadOptions::default(), &Progress::default(), &CancelToken::none()).expect("it loads")
}

/// Public symbols by section: (offset, name), ascending; and where each section begins in the image.
struct Publics {
    symbols: BTreeMap<u32, Vec<(u32, String)>>,
    starts: Vec<(u32, u32)>,
}

/// The public symbols by which `llvm-pdbutil` lists them; `None` if there is no such program. `-publics` goes by the table
/// of names and has each name once; `-gsi-records` lists all records: stubs of one name stand at many places.
fn publics(pdb: &Path, listing: &str) -> Option<Publics> {
    let dump = |what: &str| {
        let output = Command::new("llvm-pdbutil").args(["dump", what]).arg(pdb).output().ok()?;
        assert!(output.status.success(), "llvm-pdbutil cannot read {}", pdb.display());
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let mut symbols: BTreeMap<u32, Vec<(u32, String)>> = BTreeMap::new();
    let mut name = String::new();
    for line in dump(listing)?.lines() {
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

/// The three modules with the distinct addresses that the stacks have in them, how many of these have a name, and for how
/// many the table of names, which leaves out what is called like another, says the same.
const NAMED: [(&str, usize, usize, usize); 3] =
    [("System.Xml.ni.dll", 8, 8, 8), ("System.ni.dll", 3, 3, 3), ("mscorlib.ni.dll", 131, 131, 125)];

#[test]
fn native_images_of_a_real_trace_get_the_names_that_another_reader_finds() {
    let Some((trace, store)) = merged_trace() else { return };
    let needs = modules_of_all_stacks(&trace, &load(&trace));
    let resolved = resolve(needs, &store, 0);
    let (mut counts, mut complaints) = (Vec::new(), Vec::new());
    for (need, outcome) in resolved.needs.iter().zip(&resolved.outcomes) {
        let Some(name) = MODULES.iter().find(|name| **name == need.request.identity.name) else {
            assert_eq!(outcome.names.named_count(), 0, "{}", need.request.identity.name);
            continue;
        };
        assert!(outcome.state.is_loaded(), "{name}: {:?}", outcome.attempts);
        let mut count = (*name, need.request.rvas.len(), outcome.names.named_count(), 0);
        let file = outcome.file.as_ref().expect("it is from a file");
        let Some((all, by_name)) = publics(file, "-gsi-records").zip(publics(file, "-publics")) else {
            poolscope_tests::skipped("no llvm-pdbutil to compare names with");
            return;
        };
        for (rva, answer) in outcome.names.iter() {
            let Some((names, distance)) = all.before(rva) else {
                assert_eq!(answer, None, "{name}+{rva:#x}");
                continue;
            };
            let same = answer.is_some_and(|a| names.contains(&&*a.function) && a.offset_bytes == distance);
            if !same {
                complaints.push(format!("{name}+{rva:#x}: {answer:?}, expected {names:?}+{distance:#x}"));
            }
            let alike = by_name.before(rva).is_some_and(|(names, distance)| {
                answer.is_some_and(|a| names.contains(&&*a.function) && a.offset_bytes == distance)
            });
            count.3 += usize::from(alike);
        }
        counts.push(count);
    }
    assert!(complaints.is_empty(), "{} of {counts:?}\n{}", complaints.len(), complaints.join("\n"));
    counts.sort_unstable();
    assert_eq!(counts, NAMED);
}

#[test]
fn names_do_not_depend_on_how_many_modules_are_read_at_a_time() {
    let Some((trace, store)) = merged_trace() else { return };
    let needs = modules_of_all_stacks(&trace, &load(&trace));
    let shown = |at_a_time| {
        let resolved = resolve(needs.clone(), &store, at_a_time);
        let rows = resolved.needs.iter().zip(&resolved.outcomes);
        let row = |(need, end): (_, &poolscope_symbols::resolve::ModuleOutcome)| {
            let need: &poolscope_analysis::group::symbols::ModuleNeed = need;
            (need.request.identity.clone(), end.state.clone(), end.attempts.clone(), (*end.names).clone())
        };
        rows.map(row).collect::<Vec<_>>()
    };
    let one = shown(1);
    assert!(one.len() > 20, "{} modules", one.len());
    assert_eq!(one, shown(8));
}
