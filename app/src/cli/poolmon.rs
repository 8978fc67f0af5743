//! `poolmon`: what poolmon and `!poolused` print, as a table; the difference of two of them; the tags worth recording.

use super::io::Io;
use super::poolmon_table::{Cell, Column, Table};
use super::record_args::{self, PoolArg};
use super::report_markdown::escape;
use anyhow::Context as _;
use clap::ValueEnum;
use poolscope_recording::tag::TAGS_MAX;
use poolscope_recording::poolmon::{SnapshotComparison, SnapshotFile, TagDelta, Snapshot, Pool, TagSuggestion, compare, parse, suggest};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Options of `poolmon`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What poolmon or !poolused printed: a screen, a snapshot file, a debugger's log ('-': standard input)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The same printed later: the difference is shown
    #[arg(value_name = "LATER")]
    later: Option<PathBuf>,
    /// One pool only
    #[arg(long, value_enum)]
    pool: Option<PoolArg>,
    /// Shows the last listing even if there are several to compare
    #[arg(long)]
    last: bool,
    /// Rows to show (default: 20 in text and Markdown, else all)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Output formats of `poolmon`.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    /// For reading
    #[default]
    Text,
    /// One row per tag and pool
    Csv,
    /// One object with one row per tag and pool
    Json,
    /// For a ticket or a mail
    Markdown,
}

/// The most that is read: no tool prints as much, and the text is held in memory.
const BYTES_MAX: u64 = 256 << 20;
const TOP: usize = 20;

/// The listings of one or two files, and what follows from them.
#[derive(Default)]
pub struct Snapshots {
    /// All of them, in the order in which they were given.
    pub all: Vec<Snapshot>,
    /// The first and the last, if there are several and they are compared.
    pub comparison: Option<SnapshotComparison>,
    /// What has to be said before anybody relies on them, in sentences.
    pub warnings: Vec<String>,
}

/// Reads the listings of files, or of standard input. Unless `only_last` is wanted, the first and the last are compared.
///
/// # Errors
/// A file can't be read, or holds no listing.
pub fn read_snapshots<'p>(paths: impl Iterator<Item = &'p PathBuf>, only_last: bool) -> anyhow::Result<Snapshots> {
    let mut listings = Snapshots::default();
    for path in paths {
        let document = read_document(path)?;
        listings.warnings.extend(strange_lines(path, &document));
        listings.all.extend(document.snapshots);
    }
    match listings.all.as_slice() {
        [first, .., last] if !only_last => {
            let comparison = compare(first, last);
            if comparison.is_reversed {
                let words = "most counts of allocations went down: the listings are in the wrong order, or the system was started again \
                             between them";
                listings.warnings.push(words.to_owned());
            }
            let unknown = ", and of a tag that it does not show the growth is not known";
            listings.warnings.extend(cut(first, "of the first listing ", unknown));
            listings.warnings.extend(cut(last, "of the last listing ", unknown));
            listings.comparison = Some(comparison);
        }
        [.., last] => listings.warnings.extend(cut(last, "", "")),
        [] => {}
    }
    Ok(listings)
}

/// Prints warnings.
///
/// # Errors
/// What the writer says.
pub fn warn(warnings: &[String], io: &mut Io<'_>) -> std::io::Result<()> {
    warnings.iter().try_for_each(|warning| writeln!(io.err, "poolscope: warning: {warning}"))
}

fn strange_lines(path: &Path, document: &SnapshotFile) -> Option<String> {
    let count = document.unparsed_count;
    let first = document.unparsed_lines.first();
    let first = first.map_or_else(String::new, |line| format!(", first line {}: '{}'", line.number, line.text));
    (count > 0).then(|| format!("{}: {count} lines were not understood{first}", path.display()))
}

/// Says so if rows add up to less than the tool itself says.
fn cut(listing: &Snapshot, which: &str, then: &str) -> Vec<String> {
    let sentence = |pool: Pool| {
        let total = crate::format::bytes(listing.truncated_total(pool)?);
        let (rows, pool) = (crate::format::bytes(listing.bytes_in(pool)), pool.name());
        Some(format!("the rows {which}hold {rows} of {total} of the {pool} pool: the listing is cut{then}"))
    };
    Pool::ALL.into_iter().filter_map(sentence).collect()
}

fn read_document(path: &Path) -> anyhow::Result<SnapshotFile> {
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
/// A file can't be read, or holds no listing.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let listings = read_snapshots(std::iter::once(&args.file).chain(&args.later), args.last)?;
    warn(&listings.warnings, io)?;
    let pool = args.pool.map(PoolArg::listed);
    let suggestion = suggest(&listings.all, pool, TAGS_MAX);
    let table = match (&listings.comparison, listings.all.last()) {
        (Some(comparison), _) => compared(comparison, listings.all.len(), pool),
        (None, Some(last)) => one(last, pool),
        (None, None) => anyhow::bail!("{} holds no listing", args.file.display()),
    };
    let top = args.top.unwrap_or(match args.format {
        Format::Text | Format::Markdown => TOP,
        Format::Csv | Format::Json => usize::MAX,
    });
    match args.format {
        Format::Text => {
            table.write_text(io, top)?;
            for group in &suggestion.groups {
                writeln!(io.out, "\n{}.", group.sentence())?;
            }
            recording(io, &suggestion)?;
        }
        Format::Markdown => {
            table.write_markdown(&mut io.out, top)?;
            for group in &suggestion.groups {
                writeln!(io.out, "\n{}.", escape(&group.sentence()))?;
            }
        }
        Format::Csv => table.write_csv(&mut io.out, top)?,
        Format::Json => table.write_json(&mut io.out, top, &suggestion)?,
    }
    Ok(0)
}

/// How to record the tags that matter.
fn recording(io: &mut Io<'_>, suggestion: &TagSuggestion) -> std::io::Result<()> {
    let Some(command) = record_args::command(&suggestion.tags) else { return Ok(()) };
    writeln!(io.out, "\nTo see who allocates them, {}:\n    {command}", suggestion.basis.sentence())
}

fn one(listing: &Snapshot, pool: Option<Pool>) -> Table {
    let columns = [
        Column::text("tag", "Tag"),
        Column::text("pool", "Pool"),
        Column::bytes("bytes", "Bytes"),
        Column::count("blocks", "Blocks"),
        Column::count("allocs", "Allocs"),
        Column::count("frees", "Frees"),
        Column::bytes("bytes_per_block", "Per block"),
        Column::text("description", "Known as"),
    ];
    let rows = listing.rows.iter().filter(|row| pool.is_none_or(|pool| pool == row.pool)).map(|row| {
        let figures = row.counts;
        vec![
            Cell::Text(row.tag.clone()),
            Cell::Text(row.pool.name().to_owned()),
            Cell::from(Some(figures.bytes)),
            Cell::from(Some(figures.blocks)),
            Cell::from(figures.allocs),
            Cell::from(figures.frees),
            Cell::from(figures.bytes.checked_div(figures.blocks)),
            Cell::Text(row.description.clone().unwrap_or_default()),
        ]
    });
    let heading = format!("{}, {} rows", listing.tool.name(), crate::format::count(listing.rows.len() as u64));
    Table { heading, columns: columns.into(), rows: rows.collect() }
}

/// Whether there is something to say about it.
fn is_shown(row: &TagDelta, pool: Option<Pool>) -> bool {
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

fn compared(comparison: &SnapshotComparison, listings: usize, pool: Option<Pool>) -> Table {
    let columns = [
        Column::text("tag", "Tag"),
        Column::text("pool", "Pool"),
        Column::bytes("growth", "Growth"),
        Column::bytes("bytes_before", "Before"),
        Column::bytes("bytes_after", "After"),
        Column::count("blocks_growth", "Blocks"),
        Column::count("allocs", "Allocs"),
        Column::count("frees", "Frees"),
        Column::text("state", "State"),
        Column::text("description", "Known as"),
    ];
    let rows = comparison.rows.iter().filter(|row| is_shown(row, pool)).map(|row| {
        vec![
            Cell::Text(row.tag.clone()),
            Cell::Text(row.pool.name().to_owned()),
            Cell::Number(row.bytes.into()),
            Cell::from(row.before.map(|figures| figures.bytes)),
            Cell::from(row.after.map(|figures| figures.bytes)),
            Cell::Number(row.blocks.into()),
            row.allocs.map_or(Cell::None, |n| Cell::Number(n.into())),
            row.frees.map_or(Cell::None, |n| Cell::Number(n.into())),
            Cell::Text(state(row).to_owned()),
            Cell::Text(row.description.clone().unwrap_or_default()),
        ]
    });
    let grown: Vec<String> = Pool::ALL
        .into_iter()
        .zip(comparison.bytes)
        .filter(|(of, _)| pool.is_none_or(|pool| pool == *of))
        .map(|(pool, bytes)| format!("{} {}", pool.name(), crate::format::signed_bytes(bytes)))
        .collect();
    let between =
        if listings > 2 { format!("the first and the last of {listings} listings") } else { "two listings".to_owned() };
    Table {
        heading: format!("Growth between {between}: {}", grown.join(", ")),
        columns: columns.into(),
        rows: rows.collect(),
    }
}
