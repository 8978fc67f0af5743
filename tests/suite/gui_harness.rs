//! A window over made-up traces with known contents, driven without a display: what the tests of the window share.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use poolscope::association::SystemAssociation;
use poolscope::format;
use poolscope::gui::OpenRequest;
use poolscope::gui::app::{App, Services};
use poolscope::gui::clipboard::NoRichClipboard;
use poolscope::gui::document::Document;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{DroppedFile, Event, Key, Modifiers, OutputCommand, Rect, pos2, vec2};
use poolscope::gui::jobs::Workers;
use poolscope::gui::jobs::dialog::{Asked, PickFile, Question};
use poolscope::gui::jobs::load::{Engine, Failure, Loader, Source};
use poolscope::gui::jobs::symbols::SymbolService;
use poolscope::gui::model::columns::ColumnRole;
use poolscope::gui::settings::Settings;
use poolscope::gui::settings::store::{Lock, Part, Store};
use poolscope::gui::widgets::pivot_table::{Row, TreeModel, header_label, row_label, several_sorted};
use poolscope::symbols::{SymbolEnvironment, SymbolOptions};
use poolscope::trace_opening::LoadedTrace;
use poolscope::wpr::machine::MachineRecorder;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_symbols::resolve::Resolver;
use poolscope_synth::ground_truth::{RangeGroundTruth, TagTotals};
use poolscope_synth::{GroundTruth, GroundTruthRequest, SynthParams, write_trace};

/// Clicks a button that asks for a path, and enters the path in the open box: the system of tests has no file dialog.
pub fn choose_path(window: &mut Window<'_>, button: &str, path: &Path) {
    click(window, button);
    let is_open = |window: &Window<'_>| window.query_by_role_and_label(Role::TextInput, "Path").is_some();
    for _ in 0..PATIENCE {
        if is_open(window) {
            break;
        }
        window.step();
        std::thread::sleep(Duration::from_millis(10));
    }
    window.get_by_role_and_label(Role::TextInput, "Path").focus();
    window.run_steps(2);
    press_with(window, Modifiers::COMMAND, Key::A);
    write(window, &path.display().to_string());
    press(window, Key::Enter);
    settle(window);
    assert!(!is_open(window), "the open box is closed");
}

/// Steps of 10 ms after which something is held to hang.
pub const PATIENCE: usize = 6000;

pub fn params() -> SynthParams {
    SynthParams { allocations: 3000, ..SynthParams::default() }
}

/// The trace, and what is in it as a whole and in `ranges`.
pub fn made_up(ranges: &[(f64, f64)]) -> (Vec<u8>, GroundTruth) {
    let mut file = Cursor::new(Vec::new());
    let request = GroundTruthRequest { ranges: ranges.to_vec(), ..GroundTruthRequest::default() };
    let summary = write_trace(&mut file, &params(), Some(&request)).expect("a trace is written");
    (file.into_inner(), summary.truth.expect("asked for"))
}

/// A folder with the made-up trace in it.
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    folder_with(&params())
}

/// A folder with a trace in it.
pub fn folder_with(params: &SynthParams) -> (tempfile::TempDir, PathBuf) {
    let mut file = Cursor::new(Vec::new());
    write_trace(&mut file, params, None).expect("a trace is written");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("made-up.etl");
    std::fs::write(&path, file.into_inner()).expect("a file");
    (folder, path)
}

/// Answers at once, as where there is no dialog service.
pub struct NoDialog;

impl PickFile for NoDialog {
    fn ask(&self, _asked: &Asked) -> Question {
        Box::pin(std::future::ready(None))
    }
}

/// Loads files called `slow` for ever, until cancelled, and one called `awaited.etl` as soon as it is there; others at once.
struct Slow;

impl Loader for Slow {
    fn load(&self, source: &Source, progress: &Progress, cancel: &CancelToken) -> Result<Option<LoadedTrace>, Failure> {
        let waits = |source: &Source| match source {
            Source::File(path) if source.name() == "awaited.etl" => !path.exists(),
            _ => source.name() == "slow",
        };
        if !waits(source) {
            return Engine.load(source, progress, cancel);
        }
        while !cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
            if !waits(source) {
                return Engine.load(source, progress, cancel);
            }
        }
        Ok(None)
    }
}

/// Symbols without an environment and without a network: what is in a folder or part of the test, else nothing.
pub struct NoSymbols;

impl SymbolService for NoSymbols {
    fn resolver(&self, choice: &SymbolOptions) -> Resolver {
        let machine = SymbolEnvironment { symbol_path: Some(String::new()), ..SymbolEnvironment::default() };
        Resolver {
            cache: None,
            builtin_pdbs: None,
            ..machine.resolver(&SymbolOptions { offline: true, ..choice.clone() })
        }
    }

    fn default_path(&self) -> String {
        String::new()
    }
}

pub type Window<'a> = Harness<'a, Option<App>>;

/// Settings in memory: what was written, and what was put aside.
#[derive(Default)]
pub struct InMemory {
    pub text: Mutex<Option<String>>,
    pub presets: Mutex<Option<String>>,
    pub aside: Mutex<Option<String>>,
}

impl InMemory {
    pub fn holding(text: &str) -> Arc<Self> {
        Arc::new(Self { text: Mutex::new(Some(text.to_owned())), ..Self::default() })
    }

    /// Settings that were written last, after the window is closed.
    pub fn settings(&self) -> Settings {
        let text = self.text.lock().expect("nobody panicked").clone().expect("something was written");
        let (settings, left_out) = Settings::parse(text.as_bytes()).expect("it can be read");
        assert_eq!(left_out, Vec::<String>::new());
        settings
    }

    /// The names of the user's presets that were written last.
    pub fn preset_names(&self) -> Vec<String> {
        let text = self.presets.lock().expect("nobody panicked").clone().unwrap_or_else(|| "{}".to_owned());
        let file: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let presets = file["presets"].as_array().cloned().unwrap_or_default();
        presets.iter().filter_map(|preset| preset["name"].as_str().map(str::to_owned)).collect()
    }

    fn of(&self, part: Part) -> std::sync::MutexGuard<'_, Option<String>> {
        let text = match part {
            Part::Settings => &self.text,
            Part::Presets => &self.presets,
        };
        text.lock().expect("nobody panicked")
    }
}

impl Store for InMemory {
    fn read(&self, part: Part) -> std::io::Result<Option<Vec<u8>>> {
        Ok(self.of(part).clone().map(String::into_bytes))
    }

    fn write(&self, part: Part, text: &str) -> std::io::Result<()> {
        *self.of(part) = Some(text.to_owned());
        Ok(())
    }

    fn put_aside(&self, part: Part) -> std::io::Result<String> {
        *self.aside.lock().expect("nobody panicked") = self.of(part).take();
        Ok(format!("{}.bak", part.file_name()))
    }

    fn lock(&self) -> std::io::Result<Lock> {
        Ok(Box::new(()))
    }
}

pub fn window<'a>(open: OpenRequest) -> Window<'a> {
    window_with(open, Arc::new(InMemory::default()))
}

/// A window that remembers in `store`.
pub fn window_with<'a>(open: OpenRequest, store: Arc<InMemory>) -> Window<'a> {
    window_naming(open, store, Arc::new(NoSymbols))
}

/// A window that remembers in `store` and has its symbols from `symbols`.
pub fn window_naming<'a>(open: OpenRequest, store: Arc<InMemory>, symbols: Arc<dyn SymbolService>) -> Window<'a> {
    window_of(open, Services { symbols, ..services(store) })
}

/// A window that has its traces from `loader`.
pub fn window_loading<'a>(open: OpenRequest, loader: Arc<dyn Loader>) -> Window<'a> {
    window_of(open, Services { loader, ..services(Arc::new(InMemory::default())) })
}

/// What a window gets that finds no names, asks nobody and records nothing.
pub fn services(store: Arc<InMemory>) -> Services {
    Services {
        loader: Arc::new(Slow),
        picker: Arc::new(NoDialog),
        symbols: Arc::new(NoSymbols),
        association: Arc::new(SystemAssociation),
        clipboard: Arc::new(NoRichClipboard),
        recorder: Arc::new(MachineRecorder::default()),
        store,
    }
}

/// What the background works with where there is no window: files are loaded, names are found by `symbols`, nobody is asked.
pub fn workers(symbols: Arc<dyn SymbolService>) -> Workers {
    let recorder = Arc::new(MachineRecorder::default());
    Workers { loader: Arc::new(Engine), picker: Arc::new(NoDialog), symbols, recorder }
}

/// A window with these services.
pub fn window_of<'a>(open: OpenRequest, services: Services) -> Window<'a> {
    let mut given = Some((open, services));
    Harness::builder().with_size(vec2(1280.0, 900.0)).with_step_dt(0.02).with_max_steps(64).build_ui_state(
        move |ui, app: &mut Option<App>| {
            if let Some((open, services)) = given.take() {
                *app = Some(App::new(ui.ctx(), services, open));
            }
            app.as_mut().expect("the first frame made it").show(ui);
        },
        None,
    )
}

pub fn open_file<'a>(path: &Path) -> Window<'a> {
    let mut window = window(OpenRequest::File(path.to_owned()));
    settle(&mut window);
    window
}

pub fn app<'w>(window: &'w Window<'_>) -> &'w App {
    window.state().as_ref().expect("the first frame made it")
}

/// Lets the background finish.
pub fn settle(window: &mut Window<'_>) {
    for _ in 0..PATIENCE {
        window.step();
        if !app(window).is_busy() {
            // What the last answer changed is drawn in the next frames.
            window.run_steps(4);
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the background does not come to an end");
}

/// The label of a row with these sums.
pub fn label(key: &str, count: u64, size: u64) -> String {
    format!("{key}, Count {}, Size {}", format::count(count), format::bytes(size))
}

/// The label of the row of a type, by the planted truth.
pub fn type_label(truth: &RangeGroundTruth, kind: &str) -> String {
    let rows = truth.rows.iter().filter(|row| row.kind == kind);
    let (count, size) = rows.fold((0, 0), |(count, size), row| (count + row.totals.count, size + row.totals.size));
    label(&format!("Type {kind}"), count, size)
}

/// The largest tag in the largest pool of the AIFO rows: pool and tag.
pub fn largest(truth: &RangeGroundTruth) -> (&'static str, String) {
    let pool_size = |paged: &str| -> u64 {
        let rows = truth.rows.iter().filter(|r| r.kind == "AIFO" && r.paged == paged);
        rows.map(|r| r.totals.size).sum()
    };
    let paged = if pool_size("Paged") > pool_size("NonPaged") { "Paged" } else { "NonPaged" };
    let rows = truth.rows.iter().filter(|r| r.kind == "AIFO" && r.paged == paged);
    let tag = rows.max_by_key(|r| r.totals.size).expect("something leaks");
    (paged, tag.tag.clone())
}

pub fn press(window: &mut Window<'_>, key: Key) {
    window.key_press(key);
    window.run_steps(2);
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the window opens files by their path".to_owned())
    }
}

pub fn drop_file(window: &mut Window<'_>, path: &Path) {
    drop_files(window, &[path]);
}

pub fn drop_files(window: &mut Window<'_>, paths: &[&Path]) {
    let file = |path: &&Path| -> Arc<dyn DroppedFile + Send + Sync> { Arc::new(Dropped((*path).to_owned())) };
    window.input_mut().dropped_files = paths.iter().map(file).collect();
    window.step();
    window.input_mut().dropped_files.clear();
    window.step();
}

/// The open trace.
pub fn document<'w>(window: &'w Window<'_>) -> &'w Document {
    app(window).document().expect("a trace is open")
}

/// The row under the cursor.
pub fn cursor(window: &Window<'_>) -> Row {
    let document = document(window);
    let rows = document.results.rows.as_ref().expect("rows");
    let index = document.ui.table.cursor().and_then(|id| rows.index_of(id));
    rows.row(index.expect("a visible cursor")).expect("its row")
}

/// Drags over the graph, from one place to another in shares of its width.
pub fn drag_graph(window: &mut Window<'_>, from: f32, to: f32) {
    let place = window.get_by_role(Role::Figure).rect();
    let at = |share: f32| pos2(place.left() + place.width() * share, place.center().y);
    window.drag_at(at(from));
    window.step();
    window.hover_at(at(to));
    window.step();
    window.drop_at(at(to));
    window.run_steps(3);
}

/// The titles of the columns in their order, a bar where one stands.
pub fn columns(window: &Window<'_>) -> String {
    let all = &document(window).query.columns.columns;
    let of = |area: ColumnRole| {
        let titles = all.iter().filter(|column| column.area == area).map(|column| column.what.title());
        titles.collect::<Vec<_>>().join(", ")
    };
    format!("{} | {} | {}", of(ColumnRole::Key), of(ColumnRole::Data), of(ColumnRole::Graph))
}

/// All rows, visible on the screen or not.
pub fn all_rows(window: &Window<'_>) -> Vec<Row> {
    let rows = document(window).results.rows.as_ref().expect("rows");
    (0..rows.row_count()).map(|index| rows.row(index).expect("a row")).collect()
}

/// The accessible names of the rows of a level, 0 for the top.
pub fn labels_at(window: &Window<'_>, level: u32) -> Vec<String> {
    let rows = document(window).results.rows.as_ref().expect("rows");
    let wanted = all_rows(window).into_iter().filter(|row| row.level == level);
    wanted.map(|row| row_label(rows.columns(), &row)).collect()
}

/// The accessible name of the header of this title.
pub fn header_name(window: &Window<'_>, title: &str) -> String {
    let rows = document(window).results.rows.as_ref().expect("rows");
    let columns = rows.columns();
    let column = columns.iter().find(|column| column.title == title).expect("a column of this title");
    header_label(column, several_sorted(columns))
}

/// Where the header of this title is.
pub fn header(window: &Window<'_>, title: &str) -> Rect {
    window.get_by_role_and_label(Role::ColumnHeader, &header_name(window, title)).rect()
}

/// Drags a header and lets it go at `x`; what is said while it is held there.
pub fn drag_header(window: &mut Window<'_>, title: &str, x: f32) {
    hold_header(window, title, x);
    let y = header(window, title).center().y;
    window.drop_at(pos2(x, y));
    window.run_steps(3);
    settle(window);
}

/// Drags a header to `x` and holds it there.
pub fn hold_header(window: &mut Window<'_>, title: &str, x: f32) {
    let from = header(window, title).center();
    window.hover_at(from);
    window.drag_at(from);
    window.step();
    for at in [x + 12.0, x, x] {
        window.hover_at(pos2(at, from.y));
        window.run_steps(2);
    }
}

/// Opens the menu of a header and goes through these entries.
pub fn header_menu(window: &mut Window<'_>, title: &str, entries: &[&str]) {
    let name = header_name(window, title);
    window.get_by_role_and_label(Role::ColumnHeader, &name).click_secondary();
    window.run_steps(4);
    for entry in entries {
        window.get_by_role_and_label(Role::Button, entry).scroll_to_me();
        window.run_steps(3);
        window.get_by_role_and_label(Role::Button, entry).click();
        window.run_steps(4);
    }
    settle(window);
}

/// Runs the command of this name through the palette.
pub fn command(window: &mut Window<'_>, name: &str) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run_steps(3);
    window.event(Event::Text(name.to_owned()));
    window.run_steps(3);
    assert!(window.query_all_by_label_contains(name).next().is_some(), "there is no command {name}");
    press(window, Key::Enter);
    settle(window);
}

/// Shows the columns of a preset.
pub fn preset(window: &mut Window<'_>, name: &str) {
    command(window, &format!("Preset: {name}"));
    assert_eq!(document(window).ui.preset, name);
}

/// Presses a key with others held down.
pub fn press_with(window: &mut Window<'_>, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(3);
    settle(window);
}

/// Writes a text where the keyboard is.
pub fn write(window: &mut Window<'_>, text: &str) {
    window.event(Event::Text(text.to_owned()));
    window.run_steps(3);
    settle(window);
}

/// Filters by a query, by the keyboard alone.
pub fn filter(window: &mut Window<'_>, query: &str) {
    press_with(window, Modifiers::COMMAND | Modifiers::SHIFT, Key::F);
    write(window, query);
    press_with(window, Modifiers::NONE, Key::Enter);
}

/// Clicks what has this accessible name.
pub fn click(window: &mut Window<'_>, name: &str) {
    window.get_by_label(name).click();
    window.run_steps(4);
    settle(window);
}

/// The sums of the rows for which `wanted` holds.
pub fn sums(truth: &RangeGroundTruth, wanted: impl Fn(&TagTotals) -> bool) -> (u64, u64) {
    let rows = truth.rows.iter().filter(|row| wanted(row));
    rows.fold((0, 0), |(count, size), row| (count + row.totals.count, size + row.totals.size))
}

/// Text that the next frames put on the clipboard.
pub fn copied(window: &mut Window<'_>) -> String {
    let mut texts = String::new();
    for _ in 0..6 {
        window.step();
        for command in &window.output().platform_output.commands {
            if let OutputCommand::CopyText(text) = command {
                texts.push_str(text);
            }
        }
    }
    texts
}

/// Enters a path in the box that opens where there is no file dialog.
pub fn enter_path(window: &mut Window<'_>, path: &Path) {
    for _ in 0..PATIENCE {
        if window.query_by_role_and_label(Role::TextInput, "Path").is_some() {
            break;
        }
        window.step();
        std::thread::sleep(Duration::from_millis(10));
    }
    window.get_by_role_and_label(Role::TextInput, "Path").focus();
    window.run_steps(2);
    press_with(window, Modifiers::COMMAND, Key::A);
    write(window, &path.display().to_string());
    press(window, Key::Enter);
    settle(window);
}
