//! `poolmon`: snapshots of poolmon and `!poolused` as a table, the difference between two of them, and tags to record.

use super::io::Io;
use super::output_format::OutputFormat;
use super::record::{self, PoolArg};
use super::table::{Column, Table, escape_markdown};
use crate::format;
use anyhow::Context as _;
use poolscope_recording::poolmon::lockstep::TagGroupMember;
use poolscope_recording::poolmon::{
    Pool, Snapshot, SnapshotComparison, SnapshotFile, TagDelta, TagGroup, TagSuggestion, compare, parse, suggest,
};
use poolscope_recording::tag::TAGS_MAX;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Options of `poolmon`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Output of poolmon or !poolused: a copied screen, a poolmon snapshot file or a debugger log ('-': standard input)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Output of the same tool at a later time, to show the difference
    #[arg(value_name = "LATER")]
    later: Option<PathBuf>,
    /// Shows one pool only
    #[arg(long, value_enum)]
    pool: Option<PoolArg>,
    /// Shows the last snapshot instead of the difference between several
    #[arg(long)]
    last: bool,
    /// Number of rows (default: 20 in text and Markdown, else all)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
}

const FORMATS: [OutputFormat; 4] = [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json, OutputFormat::Markdown];

/// Upper bound on bytes of a file that are read, since the text is held in memory. No tool prints as much.
const BYTES_MAX: u64 = 256 << 20;
/// Default number of rows in text and Markdown.
const DEFAULT_TOP: usize = 20;

/// The snapshots of one or two files.
#[derive(Default)]
pub struct Snapshots {
    /// All snapshots in the order given.
    pub all: Vec<Snapshot>,
    /// The difference between the first and the last, if there are several and they are to be compared.
    pub comparison: Option<SnapshotComparison>,
    /// Warnings about unparsed lines, truncation and order.
    pub warnings: Vec<String>,
}

/// Reads the snapshots of files or of standard input, and compares the first with the last unless `only_last` is set.
///
/// # Errors
/// A file cannot be read, or contains no snapshot.
pub fn read_snapshots<'p>(paths: impl Iterator<Item = &'p PathBuf>, only_last: bool) -> anyhow::Result<Snapshots> {
    let mut snapshots = Snapshots::default();
    for path in paths {
        let file = read_file(path)?;
        snapshots.warnings.extend(unparsed_warning(path, &file));
        snapshots.all.extend(file.snapshots);
    }
    match snapshots.all.as_slice() {
        [first, .., last] if !only_last => {
            let comparison = compare(first, last);
            if comparison.is_reversed {
                let warning = "most allocation counts went down: the snapshots are in the wrong order, or Windows was restarted \
                               between them";
                snapshots.warnings.push(warning.to_owned());
            }
            let unknown = ", and the growth of tags that it lacks is not known";
            snapshots.warnings.extend(truncation_warnings(first, "of the first snapshot ", unknown));
            snapshots.warnings.extend(truncation_warnings(last, "of the last snapshot ", unknown));
            snapshots.comparison = Some(comparison);
        }
        [.., last] => snapshots.warnings.extend(truncation_warnings(last, "", "")),
        [] => {}
    }
    Ok(snapshots)
}

/// Prints warnings.
///
/// # Errors
/// If the output cannot be written.
pub fn warn(warnings: &[String], io: &mut Io<'_>) -> std::io::Result<()> {
    warnings.iter().try_for_each(|warning| writeln!(io.err, "poolscope: warning: {warning}"))
}

fn unparsed_warning(path: &Path, file: &SnapshotFile) -> Option<String> {
    let count = file.unparsed_count;
    let first = file.unparsed_lines.first();
    let first = first.map_or_else(String::new, |line| format!(", the first is line {}: '{}'", line.number, line.text));
    (count > 0).then(|| format!("{}: {count} lines cannot be parsed{first}", path.display()))
}

/// A warning for each pool whose rows add up to less than the total that the tool printed.
fn truncation_warnings(snapshot: &Snapshot, which: &str, consequence: &str) -> Vec<String> {
    let warning = |pool: Pool| {
        let total = format::bytes(snapshot.truncated_total(pool)?);
        let (rows, pool) = (format::bytes(snapshot.bytes_in(pool)), pool.name());
        Some(format!(
            "the rows {which}contain {rows} of {total} of {pool} pool: the snapshot is truncated{consequence}"
        ))
    };
    Pool::ALL.into_iter().filter_map(warning).collect()
}

fn read_file(path: &Path) -> anyhow::Result<SnapshotFile> {
    let name = path.display();
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(BYTES_MAX).read_to_end(&mut bytes).context("cannot read standard input")?;
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
        file.take(BYTES_MAX).read_to_end(&mut bytes).with_context(|| format!("cannot read {name}"))?;
    }
    parse(&bytes).with_context(|| format!("cannot use {name}"))
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read, or contains no snapshot.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let snapshots = read_snapshots(std::iter::once(&args.file).chain(&args.later), args.last)?;
    warn(&snapshots.warnings, io)?;
    let pool = args.pool.map(PoolArg::pool);
    let suggestion = suggest(&snapshots.all, pool, TAGS_MAX);
    let top = args.top.unwrap_or(match args.format {
        OutputFormat::Text | OutputFormat::Markdown => DEFAULT_TOP,
        OutputFormat::Csv | OutputFormat::Json => usize::MAX,
    });
    match (&snapshots.comparison, snapshots.all.last()) {
        (Some(comparison), _) => {
            let output = Output {
                heading: comparison_heading(comparison, snapshots.all.len(), pool),
                columns: DeltaRow::columns(),
                rows: DeltaRow::rows(comparison, pool),
                top,
                suggestion: &suggestion,
            };
            output.write(args.format, io)?;
        }
        (None, Some(last)) => {
            let output = Output {
                heading: format!("{}, {} rows", last.tool.name(), format::count(last.rows.len() as u64)),
                columns: TagRow::columns(),
                rows: TagRow::rows(last, pool),
                top,
                suggestion: &suggestion,
            };
            output.write(args.format, io)?;
        }
        (None, None) => anyhow::bail!("{} contains no snapshot", args.file.display()),
    }
    Ok(0)
}

/// Rows with their heading, in any format.
struct Output<'o, R> {
    heading: String,
    columns: Vec<Column>,
    rows: Vec<R>,
    /// Number of rows at most.
    top: usize,
    suggestion: &'o TagSuggestion,
}

/// A row of a table.
trait Row: Serialize {
    /// Names of the serialized fields, as the header of a CSV file.
    const FIELDS: &'static [&'static str];

    /// The fields as texts with units.
    fn cells(&self) -> Vec<String>;
}

impl<R: Row> Output<'_, R> {
    fn write(&self, format: OutputFormat, io: &mut Io<'_>) -> anyhow::Result<()> {
        let shown = self.rows.get(..self.top).unwrap_or(&self.rows);
        match format {
            OutputFormat::Text => self.write_text(shown, io)?,
            OutputFormat::Markdown => self.write_markdown(shown, &mut io.out)?,
            OutputFormat::Csv => {
                let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(&mut io.out);
                writer.write_record(R::FIELDS)?;
                shown.iter().try_for_each(|row| writer.serialize(row))?;
                writer.flush()?;
            }
            OutputFormat::Json => {
                let document = PoolmonDocument {
                    heading: &self.heading,
                    record: Suggested { tags: &self.suggestion.tags, basis: self.suggestion.basis.name() },
                    lockstep: self.suggestion.groups.iter().map(GroupFields::new).collect(),
                    rows: shown,
                };
                serde_json::to_writer_pretty(&mut io.out, &document)?;
                writeln!(io.out)?;
            }
        }
        Ok(())
    }

    fn hidden_count(&self) -> u64 {
        self.rows.len().saturating_sub(self.top) as u64
    }

    fn write_text(&self, shown: &[R], io: &mut Io<'_>) -> std::io::Result<()> {
        let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let table = Table::new(self.columns.clone(), shown.iter().map(Row::cells).collect());
        writeln!(io.out, "{bold}{}{end}\n\n{}", self.heading, table.header())?;
        (0..shown.len()).try_for_each(|at| writeln!(io.out, "{}", table.row(at)))?;
        if self.hidden_count() > 0 {
            writeln!(io.out, "{} more rows; --top shows them.", format::count(self.hidden_count()))?;
        }
        for group in &self.suggestion.groups {
            writeln!(io.out, "\n{}.", group.sentence())?;
        }
        match record::command(&self.suggestion.tags) {
            Some(command) => {
                let basis = self.suggestion.basis.sentence();
                writeln!(io.out, "\nTo record the stacks of these tags, {basis}:\n    {command}")
            }
            None => Ok(()),
        }
    }

    fn write_markdown(&self, shown: &[R], out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "**{}**\n", escape_markdown(&self.heading))?;
        let escaped = |row: &R| row.cells().iter().map(|cell| escape_markdown(cell)).collect();
        Table::new(self.columns.clone(), shown.iter().map(escaped).collect()).write_markdown(out)?;
        if self.hidden_count() > 0 {
            writeln!(out, "\n{} more rows.", format::count(self.hidden_count()))?;
        }
        for group in &self.suggestion.groups {
            writeln!(out, "\n{}.", escape_markdown(&group.sentence()))?;
        }
        Ok(())
    }
}

/// JSON Schema of the document of one snapshot.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    poolscope_analysis::export::schema::of_value::<PoolmonDocument<'_, TagRow<'_>>>()
}

/// JSON Schema of the document of two snapshots.
#[must_use]
pub fn comparison_json_schema() -> schemars::Schema {
    poolscope_analysis::export::schema::of_value::<PoolmonDocument<'_, DeltaRow<'_>>>()
}

/// The JSON document.
#[derive(JsonSchema, Serialize)]
struct PoolmonDocument<'d, R> {
    heading: &'d str,
    record: Suggested<'d>,
    lockstep: Vec<GroupFields<'d>>,
    rows: &'d [R],
}

/// Tags worth recording.
#[derive(JsonSchema, Serialize)]
struct Suggested<'d> {
    tags: &'d [String],
    basis: &'static str,
}

/// Tags that grow in lockstep.
#[derive(JsonSchema, Serialize)]
struct GroupFields<'d> {
    sentence: String,
    objects: u64,
    tags: Vec<MemberFields<'d>>,
}

#[derive(JsonSchema, Serialize)]
struct MemberFields<'d> {
    tag: &'d str,
    pool: &'static str,
    blocks: u64,
    bytes: i64,
    parts: u32,
    never_freed: bool,
}

impl<'d> GroupFields<'d> {
    fn new(group: &'d TagGroup) -> Self {
        let member = |member: &'d TagGroupMember| MemberFields {
            tag: &member.tag,
            pool: member.pool.name(),
            blocks: member.blocks,
            bytes: member.bytes,
            parts: member.blocks_per_object,
            never_freed: member.never_freed,
        };
        Self { sentence: group.sentence(), objects: group.objects, tags: group.members.iter().map(member).collect() }
    }
}

/// A tag of one snapshot.
#[derive(JsonSchema, Serialize)]
struct TagRow<'s> {
    tag: &'s str,
    pool: &'static str,
    bytes: u64,
    blocks: u64,
    allocs: Option<u64>,
    frees: Option<u64>,
    bytes_per_block: Option<u64>,
    description: &'s str,
}

impl<'s> TagRow<'s> {
    fn columns() -> Vec<Column> {
        vec![
            Column::text("Tag"),
            Column::text("Pool"),
            Column::number("Bytes"),
            Column::number("Blocks"),
            Column::number("Allocs"),
            Column::number("Frees"),
            Column::number("Per block"),
            Column::text("Description"),
        ]
    }

    fn rows(snapshot: &'s Snapshot, pool: Option<Pool>) -> Vec<Self> {
        let rows = snapshot.rows.iter().filter(|row| pool.is_none_or(|pool| pool == row.pool));
        let row = |row: &'s poolscope_recording::poolmon::SnapshotRow| Self {
            tag: &row.tag,
            pool: row.pool.name(),
            bytes: row.counts.bytes,
            blocks: row.counts.blocks,
            allocs: row.counts.allocs,
            frees: row.counts.frees,
            bytes_per_block: row.counts.bytes.checked_div(row.counts.blocks),
            description: row.description.as_deref().unwrap_or_default(),
        };
        rows.map(row).collect()
    }
}

impl Row for TagRow<'_> {
    const FIELDS: &'static [&'static str] =
        &["tag", "pool", "bytes", "blocks", "allocs", "frees", "bytes_per_block", "description"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.tag.to_owned(),
            self.pool.to_owned(),
            format::bytes(self.bytes),
            format::count(self.blocks),
            known(self.allocs, format::count),
            known(self.frees, format::count),
            known(self.bytes_per_block, format::bytes),
            self.description.to_owned(),
        ]
    }
}

/// A tag that changed between two snapshots.
#[derive(JsonSchema, Serialize)]
struct DeltaRow<'s> {
    tag: &'s str,
    pool: &'static str,
    growth: i64,
    bytes_before: Option<u64>,
    bytes_after: Option<u64>,
    blocks_growth: i64,
    allocs: Option<i64>,
    frees: Option<i64>,
    state: &'static str,
    description: &'s str,
}

impl<'s> DeltaRow<'s> {
    fn columns() -> Vec<Column> {
        vec![
            Column::text("Tag"),
            Column::text("Pool"),
            Column::number("\u{394} Bytes"),
            Column::number("Before"),
            Column::number("After"),
            Column::number("\u{394} Blocks"),
            Column::number("Allocs"),
            Column::number("Frees"),
            Column::text("State"),
            Column::text("Description"),
        ]
    }

    fn rows(comparison: &'s SnapshotComparison, pool: Option<Pool>) -> Vec<Self> {
        let row = |row: &'s TagDelta| Self {
            tag: &row.tag,
            pool: row.pool.name(),
            growth: row.bytes,
            bytes_before: row.before.map(|counts| counts.bytes),
            bytes_after: row.after.map(|counts| counts.bytes),
            blocks_growth: row.blocks,
            allocs: row.allocs,
            frees: row.frees,
            state: state(row),
            description: row.description.as_deref().unwrap_or_default(),
        };
        comparison.rows.iter().filter(|row| has_changed(row, pool)).map(row).collect()
    }
}

impl Row for DeltaRow<'_> {
    const FIELDS: &'static [&'static str] = &[
        "tag",
        "pool",
        "growth",
        "bytes_before",
        "bytes_after",
        "blocks_growth",
        "allocs",
        "frees",
        "state",
        "description",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.tag.to_owned(),
            self.pool.to_owned(),
            format::signed_bytes(self.growth),
            known(self.bytes_before, format::bytes),
            known(self.bytes_after, format::bytes),
            signed_count(self.blocks_growth),
            known(self.allocs, signed_count),
            known(self.frees, signed_count),
            self.state.to_owned(),
            self.description.to_owned(),
        ]
    }
}

fn known<N>(number: Option<N>, text: impl FnOnce(N) -> String) -> String {
    number.map_or_else(|| "-".to_owned(), text)
}

fn signed_count(count: i64) -> String {
    format!("{}{}", if count < 0 { "-" } else { "" }, format::count(count.unsigned_abs()))
}

/// Returns `true` if any count of the tag changed, or may have changed in a truncated snapshot.
fn has_changed(row: &TagDelta, pool: Option<Pool>) -> bool {
    let counted = [row.allocs, row.frees].into_iter().flatten().any(|n| n != 0);
    let changed = row.bytes != 0 || row.blocks != 0 || counted || row.before_is_truncated || row.after_is_truncated;
    changed && pool.is_none_or(|pool| pool == row.pool)
}

fn state(row: &TagDelta) -> &'static str {
    match (row.before, row.after) {
        (None, _) if row.before_is_truncated => "not listed before",
        (None, _) => "new",
        (_, None) if row.after_is_truncated => "not listed after",
        (_, None) => "gone",
        _ => "",
    }
}

fn comparison_heading(comparison: &SnapshotComparison, count: usize, pool: Option<Pool>) -> String {
    let grown: Vec<String> = Pool::ALL
        .into_iter()
        .zip(comparison.bytes)
        .filter(|(of, _)| pool.is_none_or(|pool| pool == *of))
        .map(|(pool, bytes)| format!("{} {}", pool.name(), format::signed_bytes(bytes)))
        .collect();
    let between =
        if count > 2 { format!("the first and the last of {count} snapshots") } else { "two snapshots".to_owned() };
    format!("Growth between {between}: {}", grown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_names<R: Row>(row: &R) -> Vec<String> {
        let value = serde_json::to_value(row).expect("a row is an object");
        value.as_object().expect("an object").keys().cloned().collect()
    }

    #[test]
    fn csv_headers_are_the_names_of_the_fields() {
        let text = b" Leak Nonp 100 50 50 5000 100\n";
        let file = parse(text).expect("a snapshot");
        let snapshot = &file.snapshots[0];
        assert_eq!(field_names(&TagRow::rows(snapshot, None)[0]), TagRow::FIELDS);
        let mut later = snapshot.clone();
        later.rows[0].counts.bytes += 100;
        let comparison = compare(snapshot, &later);
        assert_eq!(field_names(&DeltaRow::rows(&comparison, None)[0]), DeltaRow::FIELDS);
    }
}
