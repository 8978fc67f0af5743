//! What the user does while figures are still being computed: nothing of it is lost, and nothing falls over. The document is
//! driven without a window, so that answers come exactly when the test lets them.

use std::sync::Arc;
use std::time::Duration;

use poolscope::gui::commands::DocumentCommand;
use poolscope::gui::document::{Document, SharedPresets};
use poolscope::gui::jobs::load::{Engine, Loader, Source};
use poolscope::gui::jobs::{Answer, Jobs, TabId};
use poolscope::gui::model::columns::ColumnRole;
use poolscope::gui::model::columns::What;
use poolscope::gui::widgets::pivot_table::{Action, Area, Row, TreeModel};
use poolscope_analysis::pivot::{Key, Metric};
use poolscope_base::progress::{CancelToken, Progress};

use crate::gui_harness::{NoSymbols, PATIENCE, folder, workers};

const TAB: TabId = TabId(1);

struct DocumentHarness {
    document: Document,
    jobs: Jobs,
    _folder: tempfile::TempDir,
}

impl DocumentHarness {
    fn new() -> Self {
        let (folder, path) = folder();
        let source = Source::File(path);
        let loaded = Engine.load(&source, &Progress::default(), &CancelToken::default());
        let trace = loaded.ok().flatten().expect("it is a trace").trace;
        let document = Document::new(source, trace, SharedPresets::default());
        let jobs = Jobs::new(workers(Arc::new(NoSymbols)), Arc::new(|| {}));
        let mut harness = Self { document, jobs, _folder: folder };
        harness.wait();
        harness
    }

    /// Asks what came up; answers wait.
    fn ask(&mut self) {
        for request in self.document.requests() {
            self.jobs.ask(TAB, request);
        }
    }

    /// Lets all answers in.
    fn wait(&mut self) {
        for _ in 0..PATIENCE {
            self.ask();
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

    /// Every row can be drawn under the headers that there are.
    fn rows(&self) -> Vec<Row> {
        let rows = self.document.results.rows.as_ref().expect("rows");
        let figures = rows.columns().iter().filter(|column| column.area != Area::Key).count();
        let keys = rows.columns().len() - figures;
        let all: Vec<Row> = (0..rows.row_count()).map(|index| rows.row(index).expect("a row")).collect();
        for row in &all {
            assert!(row.cells.len() == figures && row.key_column < keys, "{row:?} under {:?}", rows.columns());
        }
        all
    }

    fn row(&self, text: &str) -> Row {
        self.rows().into_iter().find(|row| row.text == text).expect("a row of this text")
    }

    fn agrees(&self) {
        self.rows();
        let titles = |columns: Vec<String>| columns.join(", ");
        let shown =
            self.document.results.rows.as_ref().expect("rows").columns().iter().map(|c| c.title.clone()).collect();
        let wanted = self.document.query.columns.columns.iter().map(|c| c.what.title()).collect();
        assert_eq!(titles(shown), titles(wanted));
    }
}

#[test]
fn presets_and_columns_can_change_while_rows_are_on_their_way() {
    let mut harness = DocumentHarness::new();
    for name in ["Churn", "By driver", "Frees by tag and stack", "Impacting", "Leak hunt"] {
        harness.document.run(&DocumentCommand::Preset(name.to_owned()));
        harness.ask();
        harness.rows();
        // What is clicked is still the old table.
        let old: Vec<u32> =
            harness.document.results.rows.as_ref().expect("rows").columns().iter().map(|c| c.id).collect();
        let first = harness.rows()[0].id;
        for column in old {
            harness.document.table_action(Action::Sort { column, add: true });
            harness.rows();
        }
        harness.document.table_action(Action::Expand(first));
        harness.document.table_action(Action::ExpandAll(first));
        harness.document.add_column(What::Figure(Metric::PeakSize), ColumnRole::Data);
        harness.rows();
        harness.document.add_column(What::Key(Key::Cpu), ColumnRole::Key);
        harness.rows();
        harness.document.table_action(Action::Collapse(first));
        harness.document.graph_by(vec![Key::Cpu]);
        harness.document.run(&DocumentCommand::GraphRows);
        harness.ask();
        harness.document.add_column(What::Figure(Metric::Unique(Key::Tag)), ColumnRole::Data);
        harness.rows();
        harness.wait();
        harness.agrees();
    }
}

#[test]
fn what_is_opened_closed_and_selected_while_waiting_stays_so() {
    let mut harness = DocumentHarness::new();
    harness.document.push_query("size:>0");
    harness.ask();
    let (aifo, aifi) = (harness.row("AIFO"), harness.row("AIFI"));
    assert!(aifo.expanded && !aifi.expanded);
    harness.document.table_action(Action::Collapse(aifo.id));
    harness.document.table_action(Action::Expand(aifi.id));
    harness.document.ui.table.select(aifi.id);
    harness.document.table_action(Action::Select);
    harness.ask();
    harness.wait();
    assert!(!harness.row("AIFO").expanded && harness.row("AIFI").expanded);
    let cursor = harness.document.ui.table.cursor();
    assert_eq!(cursor, Some(harness.row("AIFI").id));
    assert_eq!(harness.document.results.details.as_ref().expect("details").keys[0].1, "AIFI");
}

#[test]
fn curves_that_nobody_wants_any_more_are_not_drawn() {
    let mut harness = DocumentHarness::new();
    harness.document.run(&DocumentCommand::ZoomIn);
    harness.ask();
    let graphed =
        harness.document.query.columns.columns.iter().find(|column| column.area == ColumnRole::Graph).expect("Size").id;
    harness.document.move_column(graphed, ColumnRole::Data, None);
    harness.wait();
    assert!(harness.document.results.graph_data.is_none());
    // The curve of a row is on its way when the cursor moves to one that has its own.
    harness.document.move_column(graphed, ColumnRole::Graph, None);
    harness.wait();
    let before = harness.document.results.graph_data.as_ref().expect("curves").series.len();
    let tag = harness.document.ui.table.cursor().expect("a cursor");
    harness.document.ui.table.select(harness.row("AIFI").id);
    harness.document.table_action(Action::Select);
    harness.ask();
    harness.document.ui.table.select(tag);
    harness.document.table_action(Action::Select);
    harness.wait();
    assert_eq!(harness.document.results.graph_data.as_ref().expect("curves").series.len(), before);
}

#[test]
fn a_search_goes_the_way_that_was_asked_while_it_is_under_way() {
    let mut harness = DocumentHarness::new();
    let tag = harness.document.results.details.as_ref().expect("details").keys[2].1.clone();
    harness.document.run(&DocumentCommand::Find);
    harness.document.ui.finder.text = tag;
    harness.document.search_changed();
    harness.ask();
    harness.document.find_step(false);
    harness.wait();
    let total = harness.document.ui.finder.total();
    assert!(total > 1);
    assert_eq!(harness.document.ui.finder.number(), usize::try_from(total).ok());
}
