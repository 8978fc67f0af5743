//! Names that come after the rows: while they take the place of addresses, nothing that the user opened, selected, narrowed or
//! drew is lost, and no figure changes. The document is driven without a window, so that names come exactly when the test
//! lets them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use poolscope::gui::OpenRequest;
use poolscope::gui::commands::DocumentCommand;
use poolscope::gui::document::{Document, Effect, Remembered, SearchOrder, SharedPresets};
use poolscope::gui::jobs::load::{Engine, Loader, Source};
use poolscope::gui::jobs::symbols::{SymbolService, SymbolsNews};
use poolscope::gui::jobs::{Answer, Jobs, TabId};
use poolscope::gui::model::symbols::Phase;
use poolscope::gui::widgets::pivot_table::{Action, Row, TreeModel};
use poolscope::symbols::{SymbolEnvironment, SymbolOptions};
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::symbols::{ModuleNeed, module_needs};
use poolscope_analysis::pivot::Key;
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_symbols::name_cache::NameCache;
use poolscope_symbols::names::{AddressSymbol as Named, ModuleNames, NameSource};
use poolscope_symbols::resolve::{ModuleOutcome, ModuleState, Resolver};

use crate::gui_harness::{
    InMemory, NoSymbols, PATIENCE, Window, all_rows, document, folder, settle, window_naming, workers,
};

const TAB: TabId = TabId(1);

struct DocumentHarness {
    document: Document,
    jobs: Jobs,
    needs: Arc<Vec<ModuleNeed>>,
}

fn made_up_trace() -> Arc<Trace> {
    let (_folder, path) = folder();
    let loaded = Engine.load(&Source::File(path), &Progress::default(), &CancelToken::default());
    loaded.ok().flatten().expect("it is a trace").trace
}

impl DocumentHarness {
    fn new() -> Self {
        Self::with(&made_up_trace(), Arc::new(NoSymbols), None)
    }

    fn with(trace: &Arc<Trace>, symbols: Arc<dyn SymbolService>, left: Option<Remembered>) -> Self {
        let source = Source::File("made-up.etl".into());
        let mut document = Document::new(source, Arc::clone(trace), SharedPresets::default());
        if let Some(left) = left {
            document.restore(left);
        }
        // While the search is under way, names may come.
        document.results.symbols.phase = Phase::Running;
        let needs = Arc::new(module_needs(trace));
        assert!(needs.len() > 2, "{}", needs.len());
        document.take_symbols(vec![SymbolsNews::Needs(Arc::clone(&needs))]);
        let jobs = Jobs::new(workers(symbols), Arc::new(|| {}));
        let mut harness = Self { document, jobs, needs };
        harness.wait();
        harness
    }

    /// Lets all answers in.
    fn wait(&mut self) {
        for _ in 0..PATIENCE {
            for request in self.document.requests() {
                self.jobs.ask(TAB, request);
            }
            if !self.document.is_busy() {
                return;
            }
            while let Some(answer) = self.jobs.answer() {
                if let Answer::Document { reply, .. } = answer {
                    self.document.take(reply);
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the background does not come to an end");
    }

    /// The names of a module are found; every function has `bytes` bytes.
    fn find(&mut self, at: usize, bytes: u32) {
        let rvas = self.needs[at].request.rvas.iter();
        let named = |rva: &u32| Named {
            function: format!("Work{}", rva / bytes).into(),
            offset_bytes: rva % bytes,
            source: NameSource::Procedure,
            line: None,
            inlined: Vec::new(),
        };
        let names = ModuleNames::new(rvas.map(|rva| (*rva, Some(named(rva)))).collect());
        let outcome = ModuleOutcome {
            state: ModuleState::Loaded,
            pdb: None,
            file: None,
            attempts: Vec::new(),
            names: Arc::new(names),
            from_cache: false,
            downloaded_bytes: 0,
        };
        self.document.take_symbols(vec![SymbolsNews::Done(at, Box::new(outcome))]);
    }

    /// All names, one module after the other.
    fn find_all(&mut self, bytes: u32) {
        for at in 0..self.needs.len() {
            self.find(at, bytes);
            self.wait();
        }
        self.document.take_symbols(vec![SymbolsNews::Finished]);
        self.wait();
    }

    fn rows(&self) -> Vec<Row> {
        let rows = self.document.results.rows.as_ref().expect("rows");
        (0..rows.row_count()).map(|index| rows.row(index).expect("a row")).collect()
    }

    /// Selects the row at an index, as a click does.
    fn select(&mut self, index: usize) {
        let id = self.rows()[index].id;
        self.document.ui.table.select(id);
        self.document.table_action(Action::Select);
        self.wait();
    }

    /// A row with frames above and below it, in the middle of all rows.
    fn some_frame(&self) -> usize {
        let rows = self.rows();
        let deepest = rows.iter().map(|row| row.level).max().expect("rows");
        let is_frame = |row: &Row| row.text.contains('+') && row.level > 5 && row.level + 1 < deepest && row.expandable;
        let found: Vec<usize> = (0..rows.len()).filter(|at| is_frame(&rows[*at])).collect();
        found[found.len() / 2]
    }

    /// The row under the cursor: its text, its figures, and how far it is below the first row of the screen.
    fn cursor(&self) -> (String, String, i64) {
        let rows = self.document.results.rows.as_ref().expect("rows");
        let at = self.document.ui.table.cursor().and_then(|id| rows.index_of(id)).expect("the cursor is on a row");
        let row = rows.row(at).expect("a row");
        (row.text, figures(&row.cells), at as i64 - self.document.ui.table.position().row as i64)
    }

    fn total(&self) -> (u64, u64) {
        let rows = self.document.results.rows.as_ref().expect("rows");
        let total = rows.flat().tree().pivot().total();
        (total.count(), total.size())
    }

    fn expand_all(&mut self) {
        self.select(0);
        self.document.run(&DocumentCommand::ExpandBelow);
        self.wait();
    }
}

fn figures(cells: &[poolscope::gui::widgets::pivot_table::Cell]) -> String {
    cells.iter().map(|cell| format!("{}{} ", cell.text, cell.unit)).collect()
}

/// How many rows have each figures, where they stand in the tree: what names must not change.
fn shape(rows: &[Row]) -> BTreeMap<(u32, String), usize> {
    let mut shape = BTreeMap::new();
    for row in rows {
        *shape.entry((row.level, figures(&row.cells))).or_default() += 1;
    }
    shape
}

#[test]
fn names_replace_addresses_as_they_come_and_nothing_moves() {
    let mut harness = DocumentHarness::new();
    harness.expand_all();
    let at = harness.some_frame();
    harness.select(at);
    harness.document.ui.table.scroll_to(at as u64 - 7);
    let (before, shown) = (harness.cursor(), shape(&harness.rows()));
    assert!(before.0.contains('+') && before.2 == 7, "an address at first: {before:?}");
    let total = harness.total();
    let mut named = 0;
    let all: Vec<usize> = (0..harness.needs.len()).collect();
    for some in all.chunks(all.len().div_ceil(3)) {
        // Functions of one byte: every address has a name of its own, and no two rows come together.
        some.iter().for_each(|at| harness.find(*at, 1));
        harness.wait();
        let now = harness.cursor();
        assert_eq!((&now.1, now.2), (&before.1, before.2), "{now:?}");
        assert_eq!(harness.total(), total);
        let rows = harness.rows();
        assert!(shape(&rows) == shown, "the same rows are open");
        let names = rows.iter().filter(|row| row.text.contains("!Work")).count();
        assert!(names > named, "{names} of {named}");
        named = names;
    }
    assert!(named > 10 && harness.cursor().0.contains("!Work"), "{named} {:?}", harness.cursor());
    assert!(
        harness.document.results.details.as_ref().is_some_and(|details| details.stack.iter().all(|f| f.contains('!')))
    );
    assert!(harness.document.why_unnamed(&harness.cursor().0).is_none());
}

#[test]
fn rows_that_come_together_keep_the_cursor_and_the_sums() {
    let mut harness = DocumentHarness::new();
    harness.expand_all();
    let at = harness.some_frame();
    harness.select(at);
    let (open, total) = (harness.rows().len(), harness.total());
    harness.find_all(u32::MAX);
    let rows = harness.rows();
    assert!(rows.len() < open && rows.len() > 20, "{} of {open}", rows.len());
    assert!(harness.cursor().0.ends_with("!Work0"), "{:?}", harness.cursor());
    assert_eq!(harness.total(), total);

    // By address again, and back: the cursor stays in what it was in.
    let by_function = harness.cursor();
    harness.document.set_frame_naming(FrameNaming::Symbol);
    harness.wait();
    assert_eq!(harness.document.frame_naming(), FrameNaming::Symbol);
    assert!(harness.cursor().0.contains("!Work0+0x"), "{:?}", harness.cursor());
    assert!(harness.rows().len() > rows.len());
    harness.document.set_frame_naming(FrameNaming::Function);
    harness.wait();
    assert_eq!(harness.cursor(), by_function);
    assert!(shape(&harness.rows()) == shape(&rows), "what was open is open again");
}

#[test]
fn a_filter_on_an_address_filters_the_same_rows_under_its_name() {
    let mut harness = DocumentHarness::new();
    harness.expand_all();
    let whole = harness.total();
    let at = harness.some_frame();
    harness.select(at);
    harness.document.filter_selection(false);
    harness.wait();
    let without = harness.total();
    assert_ne!(without, whole);
    harness.document.undo(true);
    harness.wait();
    harness.select(at);
    harness.document.filter_selection(true);
    harness.wait();
    let only = harness.total();
    assert!(only.0 > 0 && only.0 + without.0 == whole.0);
    harness.find_all(1);
    assert_eq!(harness.total(), only);
    let steps = harness.document.query.filter.steps();
    assert!(steps[0].title().contains("!Work"), "{}", steps[0].title());
    harness.document.undo(true);
    harness.wait();
    assert_eq!(harness.total(), whole);
    harness.document.undo(false);
    harness.wait();
    assert_eq!(harness.total(), only, "what was undone before the names came is known by them too");
}

#[test]
fn curves_stay_pinned_hidden_and_in_their_colors() {
    let mut harness = DocumentHarness::new();
    harness.document.graph_by(vec![Key::Function]);
    harness.expand_all();
    let at = harness.some_frame();
    harness.select(at);
    harness.document.run(&DocumentCommand::GraphRows);
    harness.wait();
    let first = harness.document.results.graph_data.as_ref().expect("curves").series.iter().find(|one| one.id == 0);
    let hidden = first.expect("a first curve").clone();
    harness.document.graph_action(poolscope::gui::widgets::graph::Action::Toggle(0));
    let curves = |harness: &DocumentHarness| {
        let series = &harness.document.results.graph_data.as_ref().expect("curves").series;
        let mut all: Vec<_> =
            series.iter().map(|one| (one.values.clone(), one.color, one.on, one.name.clone())).collect();
        all.sort_by(|a, b| a.0.partial_cmp(&b.0).expect("numbers").then(a.3.cmp(&b.3)));
        all
    };
    let before = curves(&harness);
    harness.find_all(1);
    let after = curves(&harness);
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before.0, before.1, before.2), (&after.0, after.1, after.2), "{} {}", before.3, after.3);
    }
    assert!(after.iter().any(|one| one.3.contains("!Work") && !one.2), "the hidden one has a name");
    assert!(after.iter().any(|one| one.0 == hidden.values && !one.2));
}

/// Remembered state of a document, with expanded rows in the order of their ids.
fn in_order(left: &Remembered) -> serde_json::Value {
    let mut value = serde_json::to_value(left).expect("it can be written");
    let open = value["open"].as_array_mut().expect("open rows");
    open.sort_by_key(serde_json::Value::as_u64);
    value
}

#[test]
fn what_was_remembered_by_function_comes_back_when_they_have_names() {
    let mut harness = DocumentHarness::new();
    harness.find_all(1);
    harness.expand_all();
    let rows = harness.rows();
    let at =
        rows.iter().position(|row| row.level > 6 && row.text.contains("!Work") && row.expandable).expect("a frame");
    harness.select(at);
    harness.document.filter_selection(true);
    harness.wait();
    let (cursor, total) = (harness.cursor(), harness.total());
    let left = harness.document.remember();
    let text = serde_json::to_value(&left).expect("it can be written");
    let left: Remembered = serde_json::from_value(text).expect("it can be read");

    let trace = Arc::clone(&harness.document.trace);
    let mut again = DocumentHarness::with(&trace, Arc::new(NoSymbols), Some(left.clone()));
    assert!(again.total().0 > total.0, "nothing is left out by names that nobody knows yet");
    assert_eq!(in_order(&again.document.remember()), in_order(&left), "and nothing of it is forgotten meanwhile");
    again.find_all(1);
    assert_eq!(again.total(), total);
    assert_eq!((again.cursor().0, again.cursor().1), (cursor.0, cursor.1));
    assert!(shape(&again.rows()) == shape(&harness.rows()), "{} of {} rows", again.rows().len(), harness.rows().len());

    let mut without = DocumentHarness::with(&trace, Arc::new(NoSymbols), Some(left));
    without.document.cancel_symbols();
    without.wait();
    assert!(
        without
            .document
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Notify(words) if words.contains("filter")))
    );
}

/// Waits for a word before it gives its resolver, and may fall over then.
struct Slow {
    go_on: Mutex<Receiver<()>>,
    falls: bool,
    done: AtomicBool,
}

impl Slow {
    fn new(falls: bool) -> (Arc<Self>, Sender<()>) {
        let (send, receive) = channel();
        (Arc::new(Self { go_on: Mutex::new(receive), falls, done: AtomicBool::new(false) }), send)
    }
}

impl SymbolService for Slow {
    fn resolver(&self, choice: &SymbolOptions) -> Resolver {
        let _end = self.go_on.lock().expect("nobody panicked").recv();
        self.done.store(true, Ordering::SeqCst);
        assert!(!self.falls, "a mistake in the search");
        NoSymbols.resolver(choice)
    }

    fn default_path(&self) -> String {
        String::new()
    }
}

/// Carries out what the document wants of the search, and takes news in until `enough`.
fn search_until(harness: &mut DocumentHarness, enough: impl Fn(&DocumentHarness) -> bool) {
    for _ in 0..PATIENCE {
        match harness.document.search_order_to_carry_out() {
            Some(SearchOrder::Begin(request)) => harness.jobs.search(TAB, request),
            Some(SearchOrder::Cancel) => harness.jobs.cancel_search(TAB),
            None => {}
        }
        while let Some(answer) = harness.jobs.answer() {
            if let Answer::Symbols { news, .. } = answer {
                harness.document.take_symbols(news);
            }
        }
        if enough(harness) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the search does not come to an end");
}

#[test]
fn a_search_that_is_given_up_says_nothing_more() {
    let trace = made_up_trace();
    for by_closing in [false, true] {
        let (slow, go_on) = Slow::new(false);
        let mut harness = DocumentHarness::with(&trace, Arc::clone(&slow) as Arc<dyn SymbolService>, None);
        harness.find(0, 1);
        harness.wait();
        let named = harness.rows().iter().filter(|row| row.text.contains("!Work")).count();
        harness.document.load_symbols(None);
        search_until(&mut harness, |harness| harness.document.results.symbols.phase == Phase::Running);
        if by_closing {
            harness.jobs.forget(TAB);
        } else {
            harness.document.cancel_symbols();
            search_until(&mut harness, |harness| harness.document.results.symbols.phase == Phase::Cancelled);
        }
        assert_eq!(harness.document.results.symbols.status().loaded, 1, "what is there stays");
        assert_eq!(harness.rows().iter().filter(|row| row.text.contains("!Work")).count(), named);
        go_on.send(()).expect("the search waits");
        drop(go_on);
        while !slow.done.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(harness.jobs.answer().is_none());
    }
}

#[test]
fn a_search_that_falls_over_is_told() {
    let (slow, go_on) = Slow::new(true);
    let mut harness = DocumentHarness::with(&made_up_trace(), slow, None);
    harness.document.load_symbols(None);
    drop(go_on);
    search_until(&mut harness, |harness| harness.document.results.symbols.phase == Phase::Done);
    assert!(
        harness
            .document
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Notify(words) if words.contains("Internal error")))
    );
    assert!(harness.rows().len() > 1);
}

/// Symbols from a folder, and what is kept of them.
struct InFolder {
    folder: PathBuf,
    kept: PathBuf,
}

impl SymbolService for InFolder {
    fn resolver(&self, choice: &SymbolOptions) -> Resolver {
        let machine =
            SymbolEnvironment { symbol_path: Some(self.folder.display().to_string()), ..SymbolEnvironment::default() };
        let resolver = machine.resolver(&SymbolOptions { offline: true, ..choice.clone() });
        Resolver { cache: Some(NameCache::new(&self.kept)), builtin_pdbs: None, ..resolver }
    }

    fn default_path(&self) -> String {
        self.folder.display().to_string()
    }
}

/// The sample in a window, once the search for its names is over.
fn named_sample(symbols: Arc<dyn SymbolService>) -> Window<'static> {
    let mut window = window_naming(OpenRequest::Sample, Arc::new(InMemory::default()), symbols);
    settle(&mut window);
    for _ in 0..PATIENCE {
        if document(&window).results.symbols.phase == Phase::Done {
            settle(&mut window);
            return window;
        }
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
    panic!("the search does not come to an end");
}

#[test]
fn the_sample_has_its_names_and_the_second_time_from_what_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pdbs, kept, nowhere) =
        (folder.path().join("pdbs"), folder.path().join("names"), folder.path().join("nowhere"));
    std::fs::create_dir(&pdbs).expect("a folder");
    let builtin = SymbolEnvironment::default()
        .resolver(&SymbolOptions { offline: true, ..SymbolOptions::default() })
        .builtin_pdbs;
    let sample = Engine.load(&Source::Sample, &Progress::default(), &CancelToken::default());
    let sample = sample.ok().flatten().expect("the sample").trace;
    for need in module_needs(&sample) {
        let pdb = need.request.identity.pdb.expect("the sample says by what its names are found");
        let bytes = builtin.and_then(|builtin| builtin(&pdb)).expect("its PDBs are part of the program");
        std::fs::write(pdbs.join(&pdb.file_name), bytes).expect("a file");
    }
    for (places, is_kept) in [(pdbs, false), (nowhere, true)] {
        let window = named_sample(Arc::new(InFolder { folder: places, kept: kept.clone() }));
        let texts: Vec<String> = all_rows(&window).into_iter().map(|row| row.text).collect();
        assert!(texts.iter().any(|text| text == "myfault.sys!MyfaultDeviceControl"), "{is_kept}: {texts:?}");
        for row in document(&window).results.symbols.rows() {
            assert_eq!(row.state, ModuleState::Loaded, "{row:?}");
            assert!(row.outcome.as_ref().is_some_and(|outcome| outcome.from_cache == is_kept), "{row:?}");
        }
    }
}
