//! `poolmon`: what poolmon and `!poolused` print, as a table; the difference of two of them; the tags worth recording.

use super::io::Io;
use super::poolmon_table::{Cell, Column, Table};
use super::record_args::{self, PoolArg};
use anyhow::Context as _;
use clap::ValueEnum;
use poolscope_core::recording::tag::TAGS_MAX;
use poolscope_core::usage::{Comparison, Document, Listing, Pool, Suggestion, compare, parse, suggest};
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

/// Reads the listings of a file, or of standard input.
///
/// # Errors
/// It can't be read, or holds no listing.
pub fn read_listings(path: &Path) -> anyhow::Result<Document> {
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
    let mut listings: Vec<Listing> = Vec::new();
    for path in std::iter::once(&args.file).chain(&args.later) {
        let document = read_listings(path)?;
        if document.strange_count > 0 {
            let first = document
                .strange
                .first()
                .map_or_else(String::new, |line| format!(", first line {}: '{}'", line.number, line.text));
            let count = document.strange_count;
            writeln!(io.err, "poolscope: warning: {}: {count} lines were not understood{first}", path.display())?;
        }
        listings.extend(document.listings);
    }
    let pool = args.pool.map(PoolArg::listed);
    let suggestion = suggest(&listings, pool, TAGS_MAX);
    let table = match listings.as_slice() {
        [first, .., last] if !args.last => {
            let comparison = compare(first, last);
            if comparison.backwards {
                writeln!(
                    io.err,
                    "poolscope: warning: most counts of allocations went down: the listings are in the wrong order, or the system was \
                     started again between them"
                )?;
            }
            compared(&comparison, listings.len(), pool)
        }
        [.., last] => {
            warn_of_cut(last, io)?;
            one(last, pool)
        }
        [] => anyhow::bail!("{} holds no listing", args.file.display()),
    };
    let top = args.top.unwrap_or(match args.format {
        Format::Text | Format::Markdown => TOP,
        Format::Csv | Format::Json => usize::MAX,
    });
    match args.format {
        Format::Text => {
            table.write_text(io, top)?;
            recording(io, &suggestion)?;
        }
        Format::Markdown => table.write_markdown(&mut io.out, top)?,
        Format::Csv => table.write_csv(&mut io.out, top)?,
        Format::Json => table.write_json(&mut io.out, top, &suggestion)?,
    }
    Ok(0)
}

/// Says so if rows add up to less than the tool itself says.
fn warn_of_cut(listing: &Listing, io: &mut Io<'_>) -> std::io::Result<()> {
    for (pool, total) in Pool::ALL.into_iter().zip(listing.totals) {
        let rows = listing.bytes_in(pool);
        // poolmon's sums are those of whole pages, a little more than its rows'.
        if let Some(total) = total.filter(|total| rows < total / 2 && rows > 0) {
            let (rows, total) = (crate::format::bytes(rows), crate::format::bytes(total));
            let pool = pool.name();
            writeln!(
                io.err,
                "poolscope: warning: the rows hold {rows} of {total} of the {pool} pool: the listing is cut"
            )?;
        }
    }
    Ok(())
}

/// How to record the tags that matter.
fn recording(io: &mut Io<'_>, suggestion: &Suggestion) -> std::io::Result<()> {
    let Some(command) = record_args::command(&suggestion.tags) else { return Ok(()) };
    writeln!(io.out, "\nTo see who allocates them, {}:\n    {command}", suggestion.basis.sentence())
}

fn one(listing: &Listing, pool: Option<Pool>) -> Table {
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
        let figures = row.figures;
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

fn compared(comparison: &Comparison, listings: usize, pool: Option<Pool>) -> Table {
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
    let is_shown = |row: &&poolscope_core::usage::Growth| {
        let changed = row.bytes != 0
            || row.blocks != 0
            || row.allocs.is_some_and(|n| n != 0)
            || row.frees.is_some_and(|n| n != 0);
        changed && pool.is_none_or(|pool| pool == row.pool)
    };
    let rows = comparison.rows.iter().filter(is_shown).map(|row| {
        let state = match (row.before, row.after) {
            (None, _) => "new",
            (_, None) => "gone",
            _ => "",
        };
        vec![
            Cell::Text(row.tag.clone()),
            Cell::Text(row.pool.name().to_owned()),
            Cell::Number(row.bytes.into()),
            Cell::from(row.before.map(|figures| figures.bytes)),
            Cell::from(row.after.map(|figures| figures.bytes)),
            Cell::Number(row.blocks.into()),
            row.allocs.map_or(Cell::None, |n| Cell::Number(n.into())),
            row.frees.map_or(Cell::None, |n| Cell::Number(n.into())),
            Cell::Text(state.to_owned()),
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
