//! Computes the content of a file and writes it.

use super::request::{ExportRequest, FlameChoice, ModuleLine};
use super::{Content, FileFormat, chart, png};
use crate::format;
use crate::report::{self, PageTable, ReportInput};
use poolscope_analysis::export::flame_svg::FlameSvg;
use poolscope_analysis::export::pprof::PprofProfile;
use poolscope_analysis::export::speedscope::SpeedscopeProfile;
use poolscope_analysis::export::{DocumentHeader, MetricTable, folded, series as series_export};
use poolscope_analysis::flame::sample_tree::{FrameTree, SampleTree};
use poolscope_analysis::flame::samples::StackSamples;
use poolscope_analysis::flame::{FlameMetric, FlameRequest, FlameTree, MAX_PARTS};
use poolscope_analysis::group::frame_lines::frame_lines;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::leaks::owner::TagOwnerData;
use poolscope_analysis::leaks::{Suspect, analyze};
use poolscope_analysis::pivot::{Evaluator, Metric, Pivot, PivotRequest, Value, pivot};
use poolscope_analysis::series::{SeriesRequest, SeriesSet, series};
use poolscope_base::progress::CancelToken;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

/// Writes a content in a format.
///
/// # Errors
/// The work was canceled, the content cannot be computed, the format cannot hold it, or the output cannot be written.
pub fn write(
    request: &ExportRequest,
    content: Content,
    format: FileFormat,
    out: &mut dyn Write,
    cancel: &CancelToken,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        content.formats().contains(&format),
        "a .{} file cannot hold a {content}: use {}",
        format.ending(),
        endings(content)
    );
    let needs_times = matches!(content, Content::Report | Content::Graph);
    anyhow::ensure!(
        !needs_times || request.names.trace().has_times(),
        "a debugger log has no times for a {content}: export a table or a flame graph"
    );
    match content {
        Content::Report => write_report(request, format, out, cancel),
        Content::Table => write_table(request, format, out, cancel),
        Content::Graph => write_graph(request, format, out, cancel),
        Content::Flame => write_flame(request, format, out, cancel),
    }
}

/// The endings of the formats of a content: `.csv, .json or .md`.
#[must_use]
pub(super) fn endings(content: Content) -> String {
    let endings: Vec<String> = content.formats().iter().map(|format| format!(".{}", format.ending())).collect();
    match endings.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => endings.join(""),
    }
}

fn header(request: &ExportRequest) -> DocumentHeader<'_> {
    DocumentHeader::new(&request.name, request.names.trace(), request.visible_range)
}

/// A pivot with the values of metrics that are not sums.
struct EvaluatedTable {
    pivot: Arc<Pivot>,
    from_rows: BTreeMap<Metric, (Vec<Value>, Value)>,
    order: Vec<u32>,
}

impl EvaluatedTable {
    fn new(request: &ExportRequest, cancel: &CancelToken) -> anyhow::Result<Self> {
        let is_cancelled = || cancel.is_cancelled();
        let (names, table) = (&request.names, &request.table);
        let rows = request.rows.as_deref();
        let question = PivotRequest { keys: &table.keys, visible_range: request.visible_range, rows };
        let pivot = Arc::new(pivot(names, &question, &is_cancelled)?);
        let evaluator = Evaluator::new(Arc::clone(names), &pivot, request.rows.clone(), Arc::default());
        let wanted = table.metrics.iter().copied().chain(table.sort.metrics());
        let mut from_rows = BTreeMap::new();
        for metric in wanted.filter(|metric| !metric.is_from_aggregate()) {
            from_rows.insert(metric, evaluator.group_values(metric, &is_cancelled)?);
        }
        let mut found = Self { pivot, from_rows, order: Vec::new() };
        found.order = found.pivot.sorted_by(table.sort, |group, metric| found.value(Some(group as u32), metric));
        Ok(found)
    }

    fn value(&self, group: Option<u32>, metric: Metric) -> Value {
        match (self.from_rows.get(&metric), group) {
            (Some((groups, _)), Some(group)) => groups.get(group as usize).copied().unwrap_or(Value::None),
            (Some((_, total)), None) => *total,
            (None, Some(group)) => self.pivot.value(group as usize, metric),
            (None, None) => metric.of(self.pivot.total(), self.pivot.clock()),
        }
    }

    fn with_rows<R>(&self, metrics: &[Metric], top: Option<usize>, work: impl FnOnce(&MetricTable<'_>) -> R) -> R {
        let order = self.order.get(..top.unwrap_or(usize::MAX)).unwrap_or(&self.order);
        let value = |group, metric| self.value(group, metric);
        work(&MetricTable { pivot: &self.pivot, order, metrics, value: &value })
    }
}

fn write_table(
    request: &ExportRequest,
    format: FileFormat,
    out: &mut dyn Write,
    cancel: &CancelToken,
) -> anyhow::Result<()> {
    let table = EvaluatedTable::new(request, cancel)?;
    table.with_rows(&request.table.metrics, request.table.top, |rows| match format {
        FileFormat::Json => rows.write_json(out, &header(request)),
        FileFormat::Csv => rows.write_spreadsheet_csv(out),
        _ => {
            let all = table.order.len();
            report::markdown::write_table(out, &PageTable { rows, all, query: request.query.as_deref() })
        }
    })?;
    Ok(())
}

fn curves(
    request: &ExportRequest,
    points: usize,
    top: Option<usize>,
    cancel: &CancelToken,
) -> anyhow::Result<SeriesSet> {
    let graph = &request.graph;
    let question = SeriesRequest {
        keys: &graph.keys,
        metric: graph.metric,
        visible_range: request.visible_range,
        points,
        rows: request.rows.as_deref(),
        include_preexisting: graph.include_preexisting,
        top,
        chosen: None,
    };
    Ok(series(&request.names, &question, &|| cancel.is_cancelled())?)
}

fn write_graph(
    request: &ExportRequest,
    format: FileFormat,
    out: &mut dyn Write,
    cancel: &CancelToken,
) -> anyhow::Result<()> {
    let graph = &request.graph;
    match format {
        FileFormat::Csv | FileFormat::Json => {
            let set = curves(request, graph.points, graph.top, cancel)?;
            if format == FileFormat::Csv {
                series_export::write_csv(out, &set)?;
            } else {
                series_export::write_json(out, &header(request), &set)?;
            }
        }
        _ => {
            let top = graph.top.unwrap_or(chart::USUAL_CURVES).min(chart::MAX_CURVES);
            let set = curves(request, chart::POINTS, Some(top), cancel)?;
            let drawing = chart::draw(request, &set);
            if format == FileFormat::Svg {
                drawing.write_svg(out)?;
            } else {
                png::write(out, &drawing)?;
            }
        }
    }
    Ok(())
}

fn write_flame(
    request: &ExportRequest,
    format: FileFormat,
    out: &mut dyn Write,
    cancel: &CancelToken,
) -> anyhow::Result<()> {
    let (names, flame) = (&request.names, &request.flame);
    let rows = request.rows.as_deref();
    let question = PivotRequest { keys: &flame.keys, visible_range: request.visible_range, rows };
    let pivot = Arc::new(pivot(names, &question, &|| cancel.is_cancelled())?);
    let samples = StackSamples::new(&pivot);
    let lines = if matches!(format, FileFormat::Speedscope | FileFormat::Pprof) {
        frame_lines(names)
    } else {
        Default::default()
    };
    let source = |text: &str| lines.get(text).cloned();
    match format {
        FileFormat::Folded => folded::write(out, &samples, flame.metric)?,
        FileFormat::Speedscope => {
            let exporter = concat!("poolscope ", env!("CARGO_PKG_VERSION"));
            let profile = SpeedscopeProfile {
                name: &request.name,
                exporter,
                samples: &samples,
                first: flame.metric,
                source: &source,
            };
            profile.write(out)?;
        }
        FileFormat::Pprof => {
            let comment = subtitle(request);
            let profile = PprofProfile {
                samples: &samples,
                first: flame.metric,
                visible_range: request.visible_range,
                clock: names.trace().clock,
                comment: &comment,
                source: &source,
            };
            profile.write(out)?;
        }
        _ if matches!(flame.keys.as_slice(), [key] if key.is_stack()) => {
            let question = FlameRequest {
                visible_range: request.visible_range,
                rows,
                direction: flame.direction,
                metric: flame.metric,
                zoom: &flame.zoom,
            };
            let tree = FlameTree::of_groups(Arc::clone(&pivot), &question, &|| cancel.is_cancelled())?;
            let (root, _) = tree.find(&flame.zoom);
            write_flame_svg(request, &tree, root, out)?;
        }
        _ => write_flame_svg(request, &SampleTree::new(&samples, flame.metric, MAX_PARTS), FlameTree::ROOT, out)?,
    }
    Ok(())
}

fn write_flame_svg(
    request: &ExportRequest,
    tree: &dyn FrameTree,
    root: u32,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let metric = request.flame.metric;
    let weight_text = |weight| weight_text(weight, metric);
    let title = format!("{}: {}", request.name, metric.metric().title());
    let subtitle = format!("{}, {} in all", subtitle(request), weight_text(tree.weight(root)));
    let FlameChoice { root_at_top, theme, module_fills, .. } = &request.flame;
    let module_fill = |module: &str| module_fills.get(module).copied();
    FlameSvg {
        title: &title,
        subtitle: &subtitle,
        tree,
        root,
        root_at_top: *root_at_top,
        weight_text: &weight_text,
        theme: *theme,
        module_fill: &module_fill,
    }
    .write(out)
}

fn weight_text(weight: u64, metric: FlameMetric) -> String {
    match metric {
        FlameMetric::Size | FlameMetric::ImpactingSize => format::bytes(weight),
        FlameMetric::Count | FlameMetric::ImpactingCount => format::counted(weight, "allocation", "allocations"),
    }
}

/// The visible range and the filter of an export.
pub(super) fn subtitle(request: &ExportRequest) -> String {
    let clock = &request.names.trace().clock;
    let seconds = |time| format!("{:.3} s", clock.seconds(time));
    let range = format!("{} to {}", seconds(request.visible_range.from), seconds(request.visible_range.to));
    request.query.as_ref().map_or_else(|| range.clone(), |query| format!("{range}, where {query}"))
}

fn write_report(
    request: &ExportRequest,
    format: FileFormat,
    out: &mut dyn Write,
    cancel: &CancelToken,
) -> anyhow::Result<()> {
    let (names, choice) = (&request.names, &request.report);
    let is_cancelled = || cancel.is_cancelled();
    let analysis = analyze(names, choice.analysis, &is_cancelled)?;
    let grown = analysis.suspects.iter().filter(|suspect| suspect.verdict.has_grown());
    let all = grown.clone().count();
    let shown: Vec<&Suspect> = grown.take(choice.top).collect();
    let hidden = (all - shown.len()) as u64;
    let note = (hidden > 0).then(|| {
        format!("{} not shown.", format::counted(hidden, "more suspect that grew is", "more suspects that grew are"))
    });
    let suspect_curves = report::curves(names, &analysis, &shown, &is_cancelled)?;
    let pool_curves = report::pool_curves(names, choice.analysis.visible_range, &is_cancelled)?;
    let table = EvaluatedTable::new(request, cancel)?;
    let owner_data = TagOwnerData {
        pool_tags: names.pool_tags().map(Arc::as_ref),
        scanned_drivers: choice.scanned_drivers.as_deref(),
    };
    let modules: &[ModuleLine] = &choice.modules;
    table.with_rows(&request.table.metrics, Some(choice.table_top), |rows| {
        let input = ReportInput {
            name: &request.name,
            shows_computer_name: request.shows_computer_name,
            names,
            analysis: &analysis,
            shown: &shown,
            hidden_suspects_note: note.as_deref(),
            owner_data,
            curves: &suspect_curves,
            pools: &pool_curves,
            table: Some(PageTable { rows, all: table.order.len(), query: request.query.as_deref() }),
            modules,
            command: &choice.command,
        };
        if format == FileFormat::Html { report::write(out, &input) } else { report::markdown::write(out, &input) }
    })?;
    Ok(())
}

/// The keys of a flame graph: those of a table, with the allocation stack last if none of them is a stack.
#[must_use]
pub fn flame_keys(keys: &[Key]) -> Vec<Key> {
    let stack = (!keys.iter().any(|key| key.is_stack())).then_some(Key::Stack);
    keys.iter().copied().chain(stack).collect()
}
