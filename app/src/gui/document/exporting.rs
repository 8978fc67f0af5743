//! Exports of a document: collects what is shown, asks for the file to be written, and says what came of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use poolscope_analysis::export::drawing::{Color, Theme};
use poolscope_analysis::flame::{FlameDirection, FlameMetric};
use poolscope_analysis::pivot::{Key, Metric, PivotTree, TreeStep, Value};
use poolscope_symbols::resolve::ModuleState;

use super::{Document, Effect, Topic};
use crate::export::{
    ExportRequest, FlameChoice, GraphChoice, GraphStyle, ModuleLine, ReportChoice, TableChoice, WriteProgress,
};
use crate::format;
use crate::gui::document::table_model::Rows;
use crate::gui::jobs::export::{ExportAnswer, ExportOrder, VisibleTable};
use crate::gui::jobs::rows::RowChoice;
use crate::gui::model::columns::{What, shown};
use crate::gui::model::dialogs::Dialog;
use crate::gui::model::export::ExportKind;
use crate::gui::model::symbol_texts;
use crate::gui::model::symbols::{named, pdb_name};
use crate::gui::model::table_layout::Placed;
use crate::gui::pages::PAGES;
use crate::gui::theme::Palette;
use crate::gui::widgets::graph;
use crate::gui::widgets::pivot_table::TreeModel;
use crate::package::{PackageContent, PackageSource, PackageView, packed_module};

/// Suspects and table rows of a report.
const REPORT_SUSPECTS: usize = 10;
const REPORT_ROWS: usize = 100;
/// Points of a curve in a file of figures: about the number of pixel columns of the graph.
const POINTS: usize = 1024;

/// An export that is being written.
#[derive(Debug, Clone)]
pub struct Exporting {
    /// The file.
    pub path: PathBuf,
    /// Bytes written so far.
    pub progress: WriteProgress,
}

/// The stacks that a page shows as a flame graph.
#[derive(Debug, Clone)]
pub struct ShownFlameChoice {
    /// The rows of the stacks.
    pub choice: Option<poolscope_analysis::pivot::RowPath>,
    /// The weight of frames.
    pub metric: FlameMetric,
    /// The end from which stacks are merged.
    pub direction: FlameDirection,
    /// True if the root is at the top.
    pub root_at_top: bool,
    /// Frames from the root to the one that has the whole width.
    pub zoom: Vec<String>,
}

impl Document {
    /// Asks the user for the file of an export.
    pub(in crate::gui) fn begin_export(&mut self, kind: ExportKind) {
        self.effects.push(Effect::Export(kind, kind.proposed_name(&self.source.name())));
    }

    /// Writes an export to a file. `may_replace`: the user agreed to replace an existing file.
    pub fn export_to(&mut self, kind: ExportKind, path: &Path, may_replace: bool) {
        let (path, format) = kind.with_ending(path);
        let visible = match (kind, &self.results.rows) {
            (ExportKind::VisibleRows, Some(rows)) => Some(visible_table(rows)),
            _ => None,
        };
        let progress = WriteProgress::default();
        self.ui.exporting = Some(Exporting { path: path.clone(), progress: progress.clone() });
        let flame = self.shown_flame();
        let scope = if kind == ExportKind::Flame { flame.choice.clone() } else { None };
        let request = self.export_request(kind, flame);
        let choice = RowChoice {
            names: Arc::clone(&self.results.names),
            range: self.query.range,
            filter: Arc::clone(&self.query.filter),
            impacting: kind == ExportKind::Graph
                && self.query.columns.graphed().is_some_and(|graphed| graphed.impacting),
            place: scope,
        };
        let package = (kind == ExportKind::Package).then(|| self.package());
        self.work.export =
            Some(ExportOrder { kind, path, format, may_replace, choice, request, visible, package, progress });
        self.work.asked.insert(Topic::Export);
    }

    /// Gives up the export that is being written; nothing of it remains.
    pub(in crate::gui) fn cancel_export(&mut self) {
        if let Some(exporting) = self.ui.exporting.take() {
            self.work.export = None;
            self.work.asked.remove(&Topic::Export);
            self.work.running.remove(&Topic::Export);
            self.effects.push(Effect::Cancel(Topic::Export));
            self.effects.push(Effect::Status(format!("Export to {} canceled", exporting.path.display())));
        }
    }

    /// Takes in the result of an export.
    pub(in crate::gui) fn apply_export(&mut self, answer: ExportAnswer) {
        self.ui.exporting = None;
        match answer {
            ExportAnswer::Written(path, bytes) => {
                self.notify(format!("Exported {} to {}", format::bytes(bytes), path.display()));
            }
            ExportAnswer::Exists(kind, path) => self.ui.dialog = Some(Dialog::ReplaceFile { kind, path }),
            ExportAnswer::Failed(why) => self.notify(why),
        }
    }

    /// Returns whether there is anything to export.
    #[must_use]
    pub(in crate::gui) fn can_export(&self, kind: ExportKind) -> bool {
        let is_free = self.ui.exporting.is_none() && self.has_allocations();
        is_free
            && match kind {
                ExportKind::Report => true,
                ExportKind::AllRows | ExportKind::VisibleRows => self.results.rows.is_some(),
                ExportKind::Graph => self.query.columns.graphed().is_some(),
                ExportKind::Flame => !self.lacks_stacks(),
                ExportKind::Package => true,
            }
    }

    /// The flame graph as the page shows it.
    fn shown_flame(&self) -> ShownFlameChoice {
        let of_pages = PAGES.iter().find_map(|page| page.shown_flame(self));
        of_pages.unwrap_or_else(|| ShownFlameChoice {
            choice: None,
            metric: FlameMetric::default(),
            direction: FlameDirection::default(),
            root_at_top: false,
            zoom: Vec::new(),
        })
    }

    /// Numbers of the colors of the curves that are shown.
    fn curve_colors(&mut self) -> BTreeMap<Vec<String>, usize> {
        let Some(answer) = &self.results.curves else { return BTreeMap::new() };
        let named = answer.curves.iter().filter_map(|curve| Some((curve.keys.clone(), curve.name.as_deref()?)));
        named.map(|(keys, name)| (keys, self.ui.colors.number(name))).collect()
    }

    /// Fills of frames as the page of the flame graph has them.
    fn module_fills(&mut self) -> BTreeMap<String, Color> {
        let palette = Palette::for_dark(self.ui.is_dark);
        let fill = |number| {
            let [red, green, blue, opacity] = palette.module_fill(number).to_array();
            Color(red, green, blue, opacity)
        };
        self.module_numbers().into_iter().map(|(name, number)| (name.to_lowercase(), fill(number))).collect()
    }

    /// The trace, what is shown of it, and its names.
    fn package(&self) -> PackageContent {
        let source = match self.source.path() {
            Some(path) => PackageSource::Locations(vec![path.to_owned()]),
            None => PackageSource::Sample,
        };
        let symbols = &self.results.symbols;
        let rows = symbols.needs().iter().zip(symbols.rows());
        let names = rows.filter_map(|(need, row)| {
            let outcome = row.outcome.as_ref()?;
            packed_module(&need.request.identity, &outcome.names, outcome.state == ModuleState::ExportsOnly)
        });
        let names = names.collect();
        let window = serde_json::to_value(self.remember()).ok();
        PackageContent { source, view: PackageView { note: self.ui.note.clone(), selection: None, window }, names }
    }

    fn export_request(&mut self, kind: ExportKind, flame: ShownFlameChoice) -> ExportRequest {
        let theme = if self.ui.is_dark { Theme::Dark } else { Theme::Light };
        let (colors, module_fills) = (self.curve_colors(), self.module_fills());
        let columns = &self.query.columns;
        let keys = columns.keys();
        let metrics = columns.figures();
        let steps = self.query.filter.steps();
        let query: Vec<String> = steps.iter().map(crate::gui::model::filter::Step::title).collect();
        let sort = self.results.rows.as_ref().map(|rows| rows.flat().sort()).unwrap_or_default();
        let rows = self.results.symbols.needs().iter().zip(self.results.symbols.rows());
        let modules = rows.map(|(need, row)| ModuleLine {
            name: need.request.identity.name.clone(),
            state: symbol_texts::state(&row.state),
            outstanding_bytes: need.outstanding_bytes,
            frames: need.frames as u64,
            named: named(row) as u64,
            pdb: pdb_name(need, row).to_owned(),
        });
        ExportRequest {
            name: self.source.name(),
            shows_computer_name: false,
            names: Arc::clone(&self.results.names),
            visible_range: self.query.range,
            rows: None,
            query: (!query.is_empty()).then(|| query.join(" AND ")),
            table: TableChoice { keys, metrics: distinct(metrics), sort, top: None },
            graph: GraphChoice {
                keys: columns.graph_by.clone(),
                metric: self.query.measure(),
                points: POINTS,
                top: Some(self.query.max_curves),
                include_preexisting: self.query.include_preexisting,
                style: match self.ui.curve_style {
                    graph::Kind::Lines => GraphStyle::Lines,
                    graph::Kind::Areas => GraphStyle::Areas,
                    graph::Kind::Bars => GraphStyle::Bars,
                },
                theme,
                colors,
                hidden: self.ui.hidden.clone(),
            },
            flame: FlameChoice {
                keys: vec![Key::Stack],
                metric: flame.metric,
                direction: flame.direction,
                root_at_top: flame.root_at_top,
                zoom: flame.zoom,
                theme,
                module_fills,
            },
            report: ReportChoice {
                analysis: self.leaks_query(),
                top: REPORT_SUSPECTS,
                table_top: REPORT_ROWS,
                modules: if kind == ExportKind::Report { modules.collect() } else { Vec::new() },
                scanned_drivers: self.results.tag_sources.drivers.clone(),
                command: "File, Export report".to_owned(),
            },
        }
    }
}

/// The metrics, each once.
fn distinct(metrics: Vec<Metric>) -> Vec<Metric> {
    let mut once = Vec::with_capacity(metrics.len());
    for metric in metrics {
        if !once.contains(&metric) {
            once.push(metric);
        }
    }
    once
}

/// The visible rows with their paths and exact figures. A figure that is still being computed is missing.
fn visible_table(rows: &Rows) -> VisibleTable {
    let flat = rows.flat();
    let tree = flat.tree();
    let keys = tree.pivot().keys();
    let figure = |column: &Placed| match column.what {
        What::Figure(metric) => Some(metric),
        What::Key(_) => None,
    };
    let figures: Vec<Metric> = rows.placed().iter().filter_map(figure).collect();
    let titles = keys.iter().map(|key| key.title().to_owned()).chain(figures.iter().map(|metric| metric.title()));
    let row = |index: u64| {
        let node = flat.node_at(index)?;
        let mut texts = vec![String::new(); keys.len()];
        let mut at = node;
        while at != PivotTree::ROOT {
            if let (Some(column), TreeStep::Value { .. }) = (tree.column(at), tree.step(at))
                && let (Some(text), Some(key)) = (texts.get_mut(column), keys.get(column))
            {
                *text = shown(*key, &tree.label(at)).into_owned();
            }
            at = tree.parent(at);
        }
        let frames = tree.frames(node).join(";");
        if let Some(text) = tree.column(node).filter(|_| !frames.is_empty()).and_then(|column| texts.get_mut(column)) {
            *text = frames;
        }
        let values = figures.iter().map(|metric| flat.value(node, *metric).unwrap_or(Value::None));
        Some((texts, values.collect()))
    };
    VisibleTable { titles: titles.collect(), rows: (0..rows.row_count()).filter_map(row).collect() }
}
