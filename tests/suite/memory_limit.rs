//! A load keeps within its memory limit: it leaves out indices, then the stacks of frees, then addresses, and says so; what needs
//! addresses then says that there are none. It fails with the size that it needs if that is not enough.

use crate::gui_harness::{all_rows, click, document, filter, press_with, settle, window_loading, write};
use egui_kittest::kittest::Queryable;
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::{self, Modifiers};
use poolscope::gui::jobs::load::{Failure, Loader, Source};
use poolscope::gui::model::data_quality::issues;
use poolscope::memory::ADDRESSES_LEFT_OUT as ADDRESSES_NOT_LOADED;
use poolscope::trace_opening::LoadedTrace;
use poolscope_analysis::filter::{CompiledQuery, Query};
use poolscope_analysis::group::column_values::{ADDRESSES_LEFT_OUT, ColumnValues};
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::load::{LoadError, LoadOptions, StackScope, load};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::free_order::FreeOrder;
use poolscope_analysis::trace::ids::StackId;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_etl::file::TraceFile;
use poolscope_synth::SynthParams;
use poolscope_tests::program::{csv, json, run};
use poolscope_tests::synthetic::{OnDisk, bytes_of};
use poolscope_tests::variants::base;
use std::sync::Arc;

/// Diagnostics of the parts that are left out, in the order of the steps.
const STEPS: [DiagnosticKind; 3] =
    [DiagnosticKind::IndicesLeftOut, DiagnosticKind::FreeStacksLeftOut, DiagnosticKind::AddressesLeftOut];
/// The load of the window, and of `report` with peaks by stack.
const WITH_INDICES: LoadOptions = LoadOptions { stacks: StackScope::Pool, free_order: true, memory_limit_bytes: None };
/// The load of `leaks`, and of `report` by stack.
const WITH_STACKS: LoadOptions = LoadOptions { free_order: false, ..WITH_INDICES };

type Loaded = Result<Arc<Trace>, LoadError>;

fn load_within(bytes: &[u8], options: LoadOptions, memory_limit_bytes: Option<u64>) -> Loaded {
    let file = TraceFile::from_bytes(bytes.to_vec(), "limited.etl").expect("the trace opens");
    load(file, LoadOptions { memory_limit_bytes, ..options }, &Progress::default(), &CancelToken::none())
}

/// Which of the steps a trace says that were taken.
fn taken(trace: &Trace) -> [bool; 3] {
    STEPS.map(|kind| trace.diagnostics.count(kind) > 0)
}

/// A trace of leaks: most addresses are used once, so that merging needs more memory than the final table.
fn leaks() -> Vec<u8> {
    bytes_of(&SynthParams { leak_share: 0.9, ..base(20_000) })
}

/// Loads with ever lower limits.
fn descending(bytes: &[u8], options: LoadOptions) -> Vec<(u64, Loaded)> {
    let limits = (1..=256).rev().map(|step| step * (32 << 10));
    limits.map(|limit| (limit, load_within(bytes, options, Some(limit)))).collect()
}

/// The highest limit with which these steps are taken.
fn limit_of(loads: &[(u64, Loaded)], steps: [bool; 3]) -> u64 {
    let is_it = |loaded: &&(u64, Loaded)| loaded.1.as_ref().is_ok_and(|trace| taken(trace) == steps);
    loads.iter().find(is_it).unwrap_or_else(|| panic!("no limit costs {steps:?}")).0
}

#[test]
fn a_lower_limit_costs_one_thing_after_another_and_then_the_load() {
    let bytes = leaks();
    let whole = load_within(&bytes, WITH_INDICES, None).expect("it loads");
    assert!(taken(&whole) == [false; 3] && whole.allocations.free_stack.iter().any(|stack| *stack != StackId::EMPTY));
    let loads = descending(&bytes, WITH_INDICES);
    let step = |loaded: &Loaded| match loaded {
        Ok(trace) => taken(trace).iter().filter(|is_taken| **is_taken).count(),
        Err(_) => 4,
    };
    let order: Vec<usize> = loads.iter().map(|(_, loaded)| step(loaded)).collect();
    assert!(order.is_sorted() && (0..=4).all(|step| order.contains(&step)), "{order:?}");
    let order_bytes = whole.free_order.as_ref().map_or(0, FreeOrder::memory_bytes) as u64;
    assert!(order_bytes > 0);
    for (limit, loaded) in &loads {
        let trace = match loaded {
            Ok(trace) => trace,
            Err(LoadError::MemoryLimit { needed_bytes, limit_bytes }) => {
                assert!(limit_bytes == limit && needed_bytes > limit);
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let table = &trace.allocations;
        let [no_indices, no_free_stacks, no_addresses] = taken(trace);
        assert!(taken(trace).is_sorted_by(|first, second| first >= second), "no step without the one before");
        assert_eq!((table.len(), table.size.sum()), (whole.allocations.len(), whole.allocations.size.sum()));
        assert_eq!((trace.free_order.is_none(), trace.has_room_for_indices()), (no_indices, !no_indices));
        assert_eq!(table.free_stack.iter().all(|stack| *stack == StackId::EMPTY), no_free_stacks);
        assert!(table.alloc_stack.iter().any(|stack| *stack != StackId::EMPTY));
        assert_eq!(table.has_addresses(), !no_addresses);
        let address = (!no_addresses).then(|| whole.allocations.address.get(7)).flatten();
        assert_eq!(table.address.get(7), address);
        assert_eq!(trace.statistics.pool_frees, whole.statistics.pool_frees);
        // Pairs are the same without addresses.
        assert_eq!((&table.free_time, &table.flags), (&whole.allocations.free_time, &whole.allocations.flags));
        let [order, free_stack, addresses] = [no_indices, no_free_stacks, no_addresses].map(u64::from);
        let saved = order * order_bytes + table.len() as u64 * (4 * free_stack + 6 * addresses);
        let tables = |trace: &Trace| trace.memory_bytes() - trace.stacks.memory_bytes() as u64;
        assert_eq!(tables(trace) + saved, tables(&whole));
    }
}

#[test]
fn what_a_load_does_not_have_is_not_left_out() {
    let bytes = leaks();
    let without_stacks = LoadOptions { stacks: StackScope::None, ..WITH_INDICES };
    let cases = [
        (without_stacks, vec![[true, false, false], [true, false, true]]),
        (WITH_STACKS, vec![[false, true, false], [false, true, true]]),
        (LoadOptions { free_order: false, ..without_stacks }, vec![[false, false, true]]),
    ];
    for (options, wanted) in cases {
        let loads = descending(&bytes, options);
        let mut steps: Vec<[bool; 3]> =
            loads.iter().filter_map(|(_, loaded)| loaded.as_ref().ok()).map(|trace| taken(trace)).collect();
        steps.dedup();
        assert_eq!(steps, [vec![[false; 3]], wanted].concat(), "{options:?}");
        assert!(loads.last().is_some_and(|(_, loaded)| loaded.is_err()));
    }
    // The stack columns have rows and take no memory: 4 + 8 + 4 + 6 + 4 + 4 + 1 bytes are left.
    let trace = load_within(&bytes, without_stacks, None).expect("it loads");
    assert_eq!(trace.allocations.memory_bytes(), trace.allocations.len() * 31);
    assert_eq!(trace.allocations.alloc_stack.len(), trace.allocations.len());
    assert!(trace.allocations.alloc_stack.iter().all(|stack| *stack == StackId::EMPTY));
}

#[test]
fn questions_about_addresses_that_were_left_out_say_so() {
    let bytes = leaks();
    let limit = limit_of(&descending(&bytes, WITH_INDICES), [true; 3]);
    let trace = load_within(&bytes, WITH_INDICES, Some(limit)).expect("it loads");
    let names = ColumnValues::new(Arc::clone(&trace), FrameNaming::Function);
    let column = names.column(Key::Address);
    assert_eq!((column.count(), column.text(0).into_owned()), (1, ADDRESSES_LEFT_OUT.to_owned()));
    let rows = |query: &str| {
        let query: Query = query.parse().expect("a query");
        CompiledQuery::new(&query, &names, trace.extent).rows(&trace, &not_cancelled).map_or(0, |rows| rows.count())
    };
    assert_eq!((rows("address:0x0"), rows("size:>0") > 0), (0, true));
}

/// Loads within a limit, whatever memory the system has.
struct Limited(u64, Vec<u8>);

impl Loader for Limited {
    fn load(&self, _: &Source, _: &Progress, _: &CancelToken) -> Result<Option<LoadedTrace>, Failure> {
        Ok(load_within(&self.1, WITH_INDICES, Some(self.0)).ok().map(LoadedTrace::from))
    }
}

#[test]
fn the_window_names_what_was_left_out_and_refuses_filters_by_address() {
    let bytes = leaks();
    let limit = limit_of(&descending(&bytes, WITH_INDICES), [true; 3]);
    let mut window = window_loading(OpenRequest::File("limited.etl".into()), Arc::new(Limited(limit, bytes)));
    settle(&mut window);
    let rows = all_rows(&window).len();
    assert!(rows > 3, "{rows} rows");
    filter(&mut window, "address:0xffff");
    let document = document(&window);
    assert!(document.query.filter.steps().is_empty(), "no filter that would show nothing");
    let (place, text) = document.ui.query_box.error.clone().expect("an error");
    assert_eq!((place, text.as_str()), (0.."address:0xffff".len(), ADDRESSES_NOT_LOADED));
    let issues = issues(&document.trace, None, &[]);
    for kind in STEPS {
        assert!(issues.iter().any(|issue| issue.effect == kind.effect()), "{kind:?}");
    }
}

#[test]
fn comparisons_refuse_filters_by_addresses_that_were_left_out() {
    let bytes = leaks();
    let limit = limit_of(&descending(&bytes, WITH_INDICES), [true; 3]);
    let mut window = window_loading(OpenRequest::File("limited.etl".into()), Arc::new(Limited(limit, bytes)));
    settle(&mut window);
    press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, egui::Key::N);
    settle(&mut window);
    click(&mut window, "Compare both halves");
    settle(&mut window);
    window.get_by_label("Filter both sides").focus();
    window.run_steps(2);
    write(&mut window, "address:0xffff");
    settle(&mut window);
    window.get_by_label_contains(ADDRESSES_NOT_LOADED);
    click(&mut window, "Clear filter");
    settle(&mut window);
    let answer = document(&window).comparison().answer.clone().expect("compared");
    assert!(answer.whole.is_ok() && window.query_by_label_contains(ADDRESSES_NOT_LOADED).is_none());
}

/// Tag, verdict and figures of the suspects.
fn verdicts(path: &str, limit: &str) -> Vec<Vec<String>> {
    let (header, rows) = csv(&["leaks", path, "--memory-limit", limit, "--format", "csv"]);
    let shown = ["tag", "paged", "verdict", "count", "impacting_size", "growth_bytes_per_s"];
    let at = shown.map(|name| header.iter().position(|column| column == name).expect("the column"));
    rows.iter().map(|row| at.iter().map(|at| row[*at].clone()).collect()).collect()
}

#[test]
fn the_command_line_names_each_thing_that_it_leaves_out() {
    let bytes = leaks();
    let file = OnDisk::new("limited.etl", &bytes);
    let loads = descending(&bytes, WITH_INDICES);
    let peaks = ["--by", "type,tag,stack", "--columns", "count,peak_size", "--format", "csv", "--no-pooltag"];
    let report = |limit: &str| run(&[&["report", file.path(), "--memory-limit", limit][..], &peaks].concat());
    let whole = report("1GB");
    assert!(whole.code == 0 && whole.out.split(|byte| *byte == b'\n').count() > 3, "{}", whole.err);
    for steps in [[false; 3], [true, false, false], [true, true, false], [true, true, true]] {
        let ran = report(&limit_of(&loads, steps).to_string());
        assert!(ran.code == 0 && ran.out == whole.out, "{}", ran.err);
        for (kind, is_taken) in STEPS.into_iter().zip(steps) {
            let line = format!("poolscope: warning: {} (1): {}\n", kind.name(), kind.effect());
            assert_eq!(ran.err.contains(&line), is_taken, "{steps:?}: {}", ran.err);
        }
    }
}

#[test]
fn verdicts_are_the_same_without_what_a_limit_costs() {
    let bytes = leaks();
    let file = OnDisk::new("limited.etl", &bytes);
    let loads = descending(&bytes, WITH_STACKS);
    let whole = verdicts(file.path(), "1GB");
    assert!(whole.len() > 1);
    for steps in [[false; 3], [false, true, false], [false, true, true]] {
        let limit = limit_of(&loads, steps).to_string();
        let ran = run(&["leaks", file.path(), "--memory-limit", &limit]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let named = STEPS.map(|kind| ran.err.contains(kind.effect()));
        assert_eq!(named, steps, "{}", ran.err);
        assert!(verdicts(file.path(), &limit) == whole, "{steps:?}");
    }
}

#[test]
fn the_command_line_refuses_questions_about_addresses_that_were_left_out() {
    let bytes = leaks();
    let file = OnDisk::new("limited.etl", &bytes);
    let report = |limit: &str, more: &[&str]| {
        run(&[&["report", file.path(), "--memory-limit", limit, "--no-pooltag"][..], more].concat())
    };
    let by_stack = ["--by", "type,tag,stack", "--format", "csv"];
    let limit = limit_of(&descending(&bytes, WITH_STACKS), [false, true, true]).to_string();
    let (limited, whole) = (report(&limit, &by_stack), report("1GB", &by_stack));
    assert!(limited.code == 0 && limited.out == whole.out, "figures by tag and allocation stack are the same");
    assert!(limited.err.contains(DiagnosticKind::AddressesLeftOut.effect()) && whole.err.is_empty(), "{}", limited.err);
    let questions: [&[&str]; 3] = [
        &["--by", "tag,stack,address"],
        &["--by", "tag,stack", "--where", "address:0x10"],
        &["--by", "tag,stack", "--columns", "count,unique_address"],
    ];
    for question in questions {
        let ran = report(&limit, question);
        assert_eq!(ran.code, 2, "{question:?}");
        assert!(ran.err.contains(ADDRESSES_NOT_LOADED) && ran.out.is_empty(), "{}", ran.err);
        assert_eq!(report("1GB", question).code, 0, "{question:?}");
    }
    let refused = report("64KB", &by_stack);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("MB of memory") && refused.err.contains("raise the limit"), "{}", refused.err);
}

#[test]
fn the_trace_information_lists_what_was_left_out() {
    let bytes = leaks();
    let file = OnDisk::new("limited.etl", &bytes);
    let limit = limit_of(&descending(&bytes, WITH_STACKS), [false, true, true]).to_string();
    let listed = json(&["info", file.path(), "--memory-limit", &limit, "--format", "json"]).to_string();
    for kind in &STEPS[1..] {
        assert!(listed.contains(kind.name()) && listed.contains(kind.effect()), "{listed}");
    }
}
