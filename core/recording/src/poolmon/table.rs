//! Tables whose columns have headings: CSV and TSV of scripts and of System Informer, tables and lists of PowerShell, PoolMonX,
//! Markdown, JSON, poolscope's own formats. Columns are recognized by the words of their headings, in any order and in several
//! languages.

use super::line::{description, tag};
use super::number::{Figure, figure, unit_scale};
use super::time::{FoundTime, find_time};
use super::{Pool, SnapshotRow, SnapshotTool, TagCounts};

/// Content of a column. Columns of figures without a pool belong to the pool of their row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnKind {
    /// The tag.
    Tag,
    /// The pool of the row.
    Pool,
    /// Allocations.
    Allocs(Option<Pool>),
    /// Frees.
    Frees(Option<Pool>),
    /// Allocated blocks.
    Blocks(Option<Pool>),
    /// Bytes, times a unit.
    Bytes(Option<Pool>, u64),
    /// Date and time; `true`: UTC.
    Time(bool),
    /// Driver of the tag.
    Driver,
    /// Description of the tag.
    Description,
    /// Number of rows of the whole sample, so that a sample that was cut is recognized.
    SampleRows,
    /// A column that nothing follows from.
    Other,
}

impl ColumnKind {
    const fn pool(self) -> Option<Pool> {
        match self {
            Self::Allocs(pool) | Self::Frees(pool) | Self::Blocks(pool) | Self::Bytes(pool, _) => pool,
            _ => None,
        }
    }

    const fn is_figure(self) -> bool {
        matches!(self, Self::Allocs(_) | Self::Frees(_) | Self::Blocks(_) | Self::Bytes(..))
    }
}

/// Separation of the cells of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delimiter {
    /// This character, with quotes as in CSV.
    Character(char),
    /// Spaces.
    Spaces,
}

/// A column of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Column {
    kind: ColumnKind,
    /// First character of its heading, and the one behind its last.
    span: (usize, usize),
}

/// Columns of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableLayout {
    delimiter: Delimiter,
    columns: Vec<Column>,
    /// Tool that prints such tables.
    pub tool: SnapshotTool,
    /// The pool of rows without one, from a line above the table.
    pool: Option<Pool>,
}

/// Rows of a line of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct TableRow {
    /// Up to one for each pool; none if both are empty.
    pub rows: Vec<SnapshotRow>,
    /// Time of the row, if the table has such a column, and whether the column is UTC.
    pub time: Option<FoundTime>,
    /// Number of rows of the whole sample, if the table has such a column.
    pub sample_rows: Option<u64>,
}

/// Longest line of a table in bytes. Rows of tables with all columns are longer than those of poolmon.
const LINE_BYTES_MAX: usize = 4000;

/// Words of headings in languages of Windows, lower case.
mod words {
    pub const TAG: &[&str] = &[
        "tag",
        "tags",
        "pooltag",
        "kennung",
        "\u{e9}tiquette",
        "balise",
        "etiqueta",
        "etichetta",
        "\u{442}\u{435}\u{433}",
        "\u{30bf}\u{30b0}",
        "\u{6807}\u{8bb0}",
        "\u{6a19}\u{8a18}",
    ];
    pub const TYPE: &[&str] =
        &["type", "typ", "tipo", "\u{442}\u{438}\u{43f}", "\u{7a2e}\u{985e}", "\u{7c7b}\u{578b}", "\u{985e}\u{578b}"];
    pub const ALLOCS: &[&str] = &[
        "alloc",
        "allocs",
        "allocations",
        "allocation",
        "allocated",
        "zuordnungen",
        "zuweisungen",
        "belegungen",
        "reservierungen",
        "asignaciones",
        "allocazioni",
        "aloca\u{e7}\u{f5}es",
        "\u{432}\u{44b}\u{434}\u{435}\u{43b}\u{435}\u{43d}\u{438}\u{439}",
        "\u{432}\u{44b}\u{434}\u{435}\u{43b}\u{435}\u{43d}\u{43e}",
        "\u{5272}\u{308a}\u{5f53}\u{3066}",
        "\u{5206}\u{914d}",
    ];
    pub const FREES: &[&str] = &[
        "free",
        "frees",
        "freed",
        "freigaben",
        "freigegeben",
        "lib\u{e9}rations",
        "liberaciones",
        "rilasci",
        "libera\u{e7}\u{f5}es",
        "\u{43e}\u{441}\u{432}\u{43e}\u{431}\u{43e}\u{436}\u{434}\u{435}\u{43d}\u{438}\u{439}",
        "\u{43e}\u{441}\u{432}\u{43e}\u{431}\u{43e}\u{436}\u{434}\u{435}\u{43d}\u{43e}",
        "\u{89e3}\u{653e}",
        "\u{91ca}\u{653e}",
        "\u{91cb}\u{653e}",
    ];
    pub const BLOCKS: &[&str] = &[
        "diff",
        "difference",
        "current",
        "outstanding",
        "blocks",
        "live",
        "count",
        "objects",
        "differenz",
        "diff\u{e9}rence",
        "diferencia",
        "differenza",
        "diferen\u{e7}a",
        "\u{440}\u{430}\u{437}\u{43d}\u{438}\u{446}\u{430}",
        "\u{5dee}",
        "\u{5dee}\u{5f02}",
        "\u{5dee}\u{5206}",
    ];
    pub const BYTES: &[&str] = &[
        "bytes",
        "byte",
        "used",
        "usage",
        "size",
        "octets",
        "octet",
        "gr\u{f6}\u{df}e",
        "taille",
        "tama\u{f1}o",
        "\u{431}\u{430}\u{439}\u{442}",
        "\u{431}\u{430}\u{439}\u{442}\u{44b}",
        "\u{30d0}\u{30a4}\u{30c8}",
        "\u{5b57}\u{8282}",
        "\u{5b57}\u{7bc0}",
    ];
    pub const DRIVER: &[&str] = &[
        "driver",
        "drivers",
        "source",
        "binary",
        "module",
        "component",
        "mapped",
        "treiber",
        "pilote",
        "controlador",
        "\u{434}\u{440}\u{430}\u{439}\u{432}\u{435}\u{440}",
        "\u{9a71}\u{52a8}",
        "\u{9a45}\u{52d5}",
    ];
    pub const DESCRIPTION: &[&str] = &[
        "description",
        "desc",
        "comment",
        "beschreibung",
        "descripci\u{f3}n",
        "descrizione",
        "descri\u{e7}\u{e3}o",
        "\u{43e}\u{43f}\u{438}\u{441}\u{430}\u{43d}\u{438}\u{435}",
        "\u{8aac}\u{660e}",
        "\u{63cf}\u{8ff0}",
        "\u{8bf4}\u{660e}",
    ];
    pub const TIME: &[&str] =
        &["datetime", "timestamp", "time", "date", "datum", "zeit", "heure", "fecha", "hora", "data"];
    pub const CHANGE: &[&str] = &["delta", "change", "growth", "rate", "\u{3b4}", "share", "percent"];
    pub const PAGED: &[&str] = &[
        "paged",
        "ausgelagert",
        "ausgelagerter",
        "auslagerbar",
        "pagin\u{e9}",
        "pagin\u{e9}e",
        "paginado",
        "paginata",
        "paginato",
        "\u{432}\u{44b}\u{433}\u{440}\u{443}\u{436}\u{430}\u{435}\u{43c}\u{44b}\u{439}",
        "\u{30da}\u{30fc}\u{30b8}",
        "\u{5206}\u{9875}",
        "\u{5206}\u{9801}",
    ];
    pub const NOT: &[&str] = &["non", "not", "nicht", "no", "n\u{e3}o", "\u{43d}\u{435}", "\u{975e}"];
    pub const NON_PAGED: &[&str] = &[
        "nonpaged",
        "nonp",
        "np",
        "\u{43d}\u{435}\u{432}\u{44b}\u{433}\u{440}\u{443}\u{436}\u{430}\u{435}\u{43c}\u{44b}\u{439}",
        "\u{975e}\u{5206}\u{9875}",
        "\u{975e}\u{30da}\u{30fc}\u{30b8}",
    ];
}

/// Words of a heading in lower case: letters and digits, and parts of `PagedUsedBytes`.
fn heading_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = String::new();
    let mut last_is_lower = false;
    for c in text.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && last_is_lower) {
            words.extend((!open.is_empty()).then(|| std::mem::take(&mut open)));
        }
        if c.is_alphanumeric() {
            open.extend(c.to_lowercase());
        }
        last_is_lower = c.is_lowercase();
    }
    words.extend((!open.is_empty()).then_some(open));
    words
}

/// The pool that words name, if any.
fn pool_of_words(words: &[String]) -> Option<Pool> {
    let is = |list: &[&str], word: &String| list.contains(&word.as_str());
    if words.iter().any(|word| is(words::NON_PAGED, word)) {
        return Some(Pool::NonPaged);
    }
    let paged = words.iter().position(|word| is(words::PAGED, word))?;
    let is_negated = words.iter().take(paged).any(|word| is(words::NOT, word));
    Some(if is_negated { Pool::NonPaged } else { Pool::Paged })
}

/// Content of a column by its heading; `None` if no word is known.
#[must_use]
pub fn kind_of_heading(heading: &str) -> Option<ColumnKind> {
    let found = heading_words(heading);
    let has = |list: &[&str]| found.iter().any(|word| list.contains(&word.as_str()));
    let is_total = has(&["total"]) && pool_of_words(&found).is_none();
    let pool = pool_of_words(&found);
    if found.is_empty() || found.len() > 8 {
        return None;
    }
    let is_quotient = has(&["per", "average", "avg", "mean"]) || found == ["b", "alloc"];
    if is_total || is_quotient || has(words::CHANGE) || heading.contains(['%', '\u{394}']) {
        return Some(ColumnKind::Other);
    }
    let scale = found.iter().find_map(|word| match word.as_str() {
        "kb" | "kib" | "kbytes" | "mb" | "mib" | "gb" | "gib" => unit_scale(word.trim_end_matches("ytes")),
        _ => None,
    });
    Some(match () {
        () if has(&["sample"]) && has(&["rows"]) => ColumnKind::SampleRows,
        () if has(words::TAG) => ColumnKind::Tag,
        () if has(words::DESCRIPTION) => ColumnKind::Description,
        () if has(words::DRIVER) => ColumnKind::Driver,
        () if has(words::BYTES) || scale.is_some() => ColumnKind::Bytes(pool, scale.unwrap_or(1)),
        () if has(words::BLOCKS) => ColumnKind::Blocks(pool),
        () if has(words::FREES) => ColumnKind::Frees(pool),
        () if has(words::ALLOCS) => ColumnKind::Allocs(pool),
        () if has(words::TYPE) || found == ["pool"] => ColumnKind::Pool,
        () if has(words::TIME) => ColumnKind::Time(has(&["utc"])),
        () => return None,
    })
}

/// Cells of a line with their place in characters. Quotes are those of CSV.
fn cells(line: &str, delimiter: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let Some(open) = cells.last_mut() else { break };
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                open.push('"');
            }
            '"' if quoted || open.trim().is_empty() => quoted = !quoted,
            '\\' if delimiter == '|' && characters.peek() == Some(&'|') => open.extend(characters.next()),
            c if c == delimiter && !quoted => cells.push(String::new()),
            c => open.push(c),
        }
    }
    if delimiter == '|' {
        // Rows of Markdown begin and end with a bar.
        if cells.first().is_some_and(|cell| cell.trim().is_empty()) {
            cells.remove(0);
        }
        if cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
    }
    cells
}

/// Words of a line with the place of their first character and the one behind their last.
fn spans(line: &str) -> Vec<(usize, usize, String)> {
    let mut found: Vec<(usize, usize, String)> = Vec::new();
    let mut open = String::new();
    for (at, c) in line.chars().chain([' ']).enumerate() {
        if !c.is_whitespace() {
            open.push(c);
        } else if !open.is_empty() {
            let length = open.chars().count();
            found.push((at - length, at, std::mem::take(&mut open)));
        }
    }
    found
}

/// Reads the heading of a table; `None` if the line is none.
#[must_use]
pub fn heading(line: &str) -> Option<TableLayout> {
    if line.len() > LINE_BYTES_MAX {
        return None;
    }
    let delimited = ['\t', '|', ';', ','].into_iter().filter(|c| line.contains(*c)).find_map(|delimiter| {
        let names = cells(line, delimiter);
        let kinds: Vec<ColumnKind> =
            names.iter().map(|name| kind_of_heading(name).unwrap_or(ColumnKind::Other)).collect();
        let columns = kinds.into_iter().map(|kind| Column { kind, span: (0, 0) }).collect();
        layout(Delimiter::Character(delimiter), columns, line)
    });
    delimited.or_else(|| layout(Delimiter::Spaces, spaced_columns(line)?, line))
}

/// Columns of a heading whose names are separated by spaces; names of several words are joined where that is a known name.
fn spaced_columns(line: &str) -> Option<Vec<Column>> {
    /// Names of several words.
    const JOINED: [&str; 10] = [
        "source description",
        "per alloc",
        "per block",
        "tag name",
        "pool tag",
        "non paged",
        "pool type",
        "mapped driver",
        "alloc time",
        "current bytes",
    ];
    let words = spans(line);
    let mut columns = Vec::new();
    let mut at = 0;
    while let Some((from, to, word)) = words.get(at) {
        let next = words.get(at + 1);
        let both = next.map(|(_, _, next)| format!("{word} {next}").to_lowercase());
        let joined = next.filter(|(start, ..)| {
            *start == to + 1 && both.as_ref().is_some_and(|both| JOINED.contains(&both.as_str()))
        });
        let (name, span) = match (joined, both) {
            (Some((_, end, _)), Some(both)) => (both, (*from, *end)),
            _ => (word.clone(), (*from, *to)),
        };
        at += if joined.is_some() { 2 } else { 1 };
        columns.push(Column { kind: kind_of_heading(&name)?, span });
    }
    Some(columns)
}

/// A layout, if the columns are enough for rows: the tag, and bytes or blocks.
fn layout(delimiter: Delimiter, mut columns: Vec<Column>, line: &str) -> Option<TableLayout> {
    let has = |columns: &[Column], wanted: fn(ColumnKind) -> bool| columns.iter().any(|column| wanted(column.kind));
    let has_pools = columns.iter().any(|column| column.kind.pool().is_some());
    if has_pools {
        // Columns of both pools together.
        columns
            .iter_mut()
            .filter(|column| column.kind.is_figure() && column.kind.pool().is_none())
            .for_each(|column| column.kind = ColumnKind::Other);
    }
    // The first of several columns of one kind counts.
    for at in 0..columns.len() {
        let kind = columns.get(at)?.kind;
        let same = |other: &&mut Column| match (kind, other.kind) {
            (ColumnKind::Bytes(one, _), ColumnKind::Bytes(other, _)) => one == other,
            (one, other) => one == other,
        };
        columns
            .iter_mut()
            .skip(at + 1)
            .filter(|other| kind != ColumnKind::Other && same(other))
            .for_each(|other| other.kind = ColumnKind::Other);
    }
    let has_figures = has(&columns, |kind| matches!(kind, ColumnKind::Bytes(..) | ColumnKind::Blocks(_)));
    let figures = columns.iter().filter(|column| column.kind.is_figure()).count();
    let is_table = columns.iter().filter(|column| column.kind == ColumnKind::Tag).count() == 1 && has_figures;
    let is_enough =
        figures + usize::from(has(&columns, |kind| kind == ColumnKind::Pool)) >= 2 || (has_pools && figures >= 1);
    (is_table && is_enough && columns.len() >= 3 || is_table && has_pools && columns.len() >= 2).then(|| TableLayout {
        delimiter,
        columns,
        tool: tool_of_heading(line),
        pool: None,
    })
}

/// The tool that prints such a heading.
fn tool_of_heading(line: &str) -> SnapshotTool {
    let line = line.to_lowercase();
    if line.contains("bytes_per_block") || line.contains("per block") {
        SnapshotTool::Poolscope
    } else if line.contains("b/alloc") || line.contains("source description") {
        SnapshotTool::PoolMonX
    } else if line.contains("tag name") {
        SnapshotTool::SystemInformer
    } else {
        SnapshotTool::Script
    }
}

/// Returns `true` for a line of dashes below a heading: `---  ------`, `| --- | ---: |`.
#[must_use]
pub fn is_ruler(line: &str) -> bool {
    line.matches('-').count() >= 2 && line.chars().all(|c| c.is_whitespace() || "-|:=+".contains(c))
}

impl TableLayout {
    /// The same with the pool of rows that name none.
    #[must_use]
    pub fn with_pool(self, pool: Option<Pool>) -> Self {
        Self { pool, ..self }
    }

    /// Takes in the line of dashes, which gives the extent of PowerShell's columns.
    pub fn take_ruler(&mut self, line: &str) {
        let spans = spans(line);
        if self.delimiter == Delimiter::Spaces && spans.len() == self.columns.len() {
            self.columns.iter_mut().zip(&spans).for_each(|(column, (from, to, _))| column.span = (*from, *to));
        }
    }

    /// Returns `true` if the table has a column of times.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.kind, ColumnKind::Time(_)))
    }

    /// Reads a row; `None` if the line is none.
    #[must_use]
    pub fn row(&self, line: &str) -> Option<TableRow> {
        if line.len() > LINE_BYTES_MAX {
            return None;
        }
        let cells = match self.delimiter {
            Delimiter::Character(delimiter) => {
                let cells = cells(line, delimiter);
                // Trailing empty columns may be left out; other numbers of cells are another table.
                let required = self.columns.iter().rposition(|column| column.kind.is_figure()).map_or(0, |at| at + 1);
                (cells.len() >= required && cells.len() <= self.columns.len()).then_some(cells)
            }
            Delimiter::Spaces => self.spaced_cells(line),
        }?;
        let kinds = self.columns.iter().map(|column| column.kind);
        let row = row_of_cells(&kinds.zip(cells.iter().map(String::as_str)).collect::<Vec<_>>(), self.pool)?;
        // Figures before a number that was cut off may be cut themselves.
        let is_whole =
            row.sample_rows.is_some() || self.columns.iter().all(|column| column.kind != ColumnKind::SampleRows);
        is_whole.then_some(row)
    }

    /// Cells of a line whose columns are separated by spaces: by order, or by the places of the columns if cells are empty.
    fn spaced_cells(&self, line: &str) -> Option<Vec<String>> {
        let ordered = self.cells_by_order(line);
        let is_row = |cells: &Vec<String>| {
            row_of_cells(
                &self
                    .columns
                    .iter()
                    .map(|column| column.kind)
                    .zip(cells.iter().map(String::as_str))
                    .collect::<Vec<_>>(),
                self.pool,
            )
            .is_some()
        };
        ordered.filter(|cells| is_row(cells)).or_else(|| self.cells_by_place(line))
    }

    /// Cells by the order of columns: the tag, the two words of some pools, numbers with their units; the rest is text.
    fn cells_by_order(&self, line: &str) -> Option<Vec<String>> {
        let words = spans(line);
        let mut rest = words.as_slice();
        let mut cells = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            let Some(((_, end, first), after)) = rest.split_first() else { break };
            let second = after.first().map(|(start, _, word)| (*start, word.as_str()));
            let is_last = at + 1 == self.columns.len();
            let takes_two = match column.kind {
                ColumnKind::Pool => second.is_some_and(|(_, word)| {
                    pool_of_cell(&format!("{first} {word}")).is_some() && pool_of_cell(first).is_none()
                }),
                ColumnKind::Time(_) => second
                    .is_some_and(|(_, word)| find_time(first).of_day.is_none() && find_time(word).of_day.is_some()),
                kind if kind.is_figure() || kind == ColumnKind::Other => second.is_some_and(|(_, word)| {
                    word.chars().all(char::is_alphabetic) && unit_scale(word).is_some() && figure(first).is_some()
                }),
                // A tag with a space inside: what follows has to begin at its column.
                ColumnKind::Tag => second.is_some_and(|(start, word)| {
                    start == end + 1
                        && first.chars().count() + 1 + word.chars().count() <= 4
                        && figure(word).is_none()
                        && pool_of_cell(word).is_none()
                }),
                _ => false,
            };
            let text_until = match column.kind {
                // Text of a cell goes on until the next wide gap, or to the end of the line.
                ColumnKind::Driver | ColumnKind::Description if is_last => rest.len(),
                ColumnKind::Driver | ColumnKind::Description => {
                    rest.windows(2).position(|pair| pair[1].0 > pair[0].1 + 1).map_or(1, |at| at + 1)
                }
                _ => 1 + usize::from(takes_two),
            };
            let (cell, after) = rest.split_at(text_until.min(rest.len()));
            cells.push(cell.iter().map(|(_, _, word)| word.as_str()).collect::<Vec<_>>().join(" "));
            rest = after;
        }
        let required = self.columns.iter().rposition(|column| column.kind.is_figure()).map_or(0, |at| at + 1);
        (rest.is_empty() && cells.len() >= required).then_some(cells)
    }

    /// Cells by the places of columns: figures end where their heading ends, text begins where it begins.
    fn cells_by_place(&self, line: &str) -> Option<Vec<String>> {
        let mut cells = vec![String::new(); self.columns.len()];
        for (from, to, word) in spans(line) {
            let overlap = |column: &Column| to.min(column.span.1).saturating_sub(from.max(column.span.0));
            let best = self
                .columns
                .iter()
                .enumerate()
                .filter(|(_, column)| overlap(column) > 0)
                .max_by_key(|(at, column)| (overlap(column), usize::MAX - at));
            let at = match best {
                Some((at, _)) => at,
                // Wide figures begin before their heading, and long text ends behind it.
                None => {
                    let right = self.columns.iter().position(|column| column.span.0 >= to);
                    let left = self.columns.iter().rposition(|column| column.span.1 <= from);
                    match (left, right) {
                        (_, Some(right)) if self.columns.get(right).is_some_and(|column| column.kind.is_figure()) => {
                            right
                        }
                        (Some(left), _) => left,
                        (None, right) => right?,
                    }
                }
            };
            let cell = cells.get_mut(at)?;
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(&word);
        }
        Some(cells)
    }
}

/// The pool that a line above a table names, such as `Largest nonpaged-pool tags`.
#[must_use]
pub fn pool_of_caption(line: &str) -> Option<Pool> {
    let words = heading_words(line);
    (words.len() <= 10).then(|| pool_of_words(&words)).flatten()
}

/// The pool that the cell of a row names.
#[must_use]
pub fn pool_of_cell(cell: &str) -> Option<Pool> {
    let mut found = heading_words(cell);
    found.retain(|word| word != "pool" && word != "nx");
    if found.len() > 3 {
        return None;
    }
    if found.iter().any(|word| word == "nonpagedpool" || word == "nonpagedpoolnx") {
        return Some(Pool::NonPaged);
    }
    pool_of_words(&found)
}

/// The rows of one tag from the cells of its columns.
#[must_use]
pub fn row_of_cells(cells: &[(ColumnKind, &str)], pool_above: Option<Pool>) -> Option<TableRow> {
    let cell = |wanted: ColumnKind| cells.iter().find(|(kind, _)| *kind == wanted).map(|(_, text)| *text);
    let tag = tag_of_cell(cell(ColumnKind::Tag)?)?;
    let own_pool = match cell(ColumnKind::Pool) {
        Some(text) => Some(pool_of_cell(text)?),
        None => pool_above,
    };
    let (driver, about) =
        (cell(ColumnKind::Driver).unwrap_or_default(), cell(ColumnKind::Description).unwrap_or_default());
    let joined = [driver, about].into_iter().filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join(" - ");
    let mut rows = Vec::new();
    for pool in Pool::ALL {
        let is_of = |of: Option<Pool>| of == Some(pool) || (of.is_none() && own_pool == Some(pool));
        let columns: Vec<(ColumnKind, &str)> = cells
            .iter()
            .copied()
            .filter(|(kind, text)| kind.is_figure() && is_of(kind.pool()) && !text.trim().is_empty())
            .collect();
        if columns.is_empty() {
            continue;
        }
        let (counts, is_rounded) = counts(&columns)?;
        if counts.blocks > 0 || counts.bytes > 0 || counts.allocs.is_some_and(|allocs| allocs > 0) {
            rows.push(SnapshotRow {
                tag: tag.clone(),
                pool,
                counts,
                change: None,
                description: description(&joined),
                is_rounded,
            });
        }
    }
    let has_figures = cells.iter().any(|(kind, text)| {
        kind.is_figure() && figure(text).is_some() && (kind.pool().is_some() || own_pool.is_some())
    });
    let time = [true, false].into_iter().find_map(|is_utc| time_of_cell(cell(ColumnKind::Time(is_utc))?, is_utc));
    let sample_rows = cell(ColumnKind::SampleRows).and_then(figure).and_then(|figure| u64::try_from(figure.value).ok());
    has_figures.then_some(TableRow { rows, time, sample_rows })
}

fn time_of_cell(cell: &str, is_utc: bool) -> Option<FoundTime> {
    let found = find_time(cell);
    found.date?;
    Some(FoundTime { offset: found.offset.or(is_utc.then_some(0)), ..found })
}

fn tag_of_cell(cell: &str) -> Option<String> {
    let text = if cell.contains('`') { cell.trim().trim_matches('`') } else { cell.trim_end() };
    let text = if text.chars().count() > 4 { text.trim() } else { text };
    let text = text.strip_prefix(['\'', '"']).and_then(|text| text.strip_suffix(['\'', '"'])).unwrap_or(text);
    tag(text)
}

/// Counts of the columns of one pool, and whether any is rounded.
fn counts(columns: &[(ColumnKind, &str)]) -> Option<(TagCounts, bool)> {
    let mut counts = TagCounts::default();
    let (mut is_rounded, mut blocks) = (false, None);
    for (kind, text) in columns {
        let Figure { value, is_rounded: rounded, has_unit } = figure(text)?;
        is_rounded |= rounded;
        // A negative 32-bit counter is one beyond 2^31; a difference stays as it is.
        let whole = |value: i128| match u64::try_from(value) {
            Ok(value) => value,
            Err(_) => i64::try_from(value).map_or(0, i64::cast_unsigned),
        };
        let counter =
            |value: i128| i32::try_from(value).map_or_else(|_| whole(value), |value| u64::from(value.cast_unsigned()));
        match kind {
            ColumnKind::Allocs(_) => counts.allocs = Some(counter(value)),
            ColumnKind::Frees(_) => counts.frees = Some(counter(value)),
            ColumnKind::Blocks(_) => blocks = Some(whole(value)),
            ColumnKind::Bytes(_, scale) => {
                counts.bytes = counter(value).saturating_mul(if has_unit { 1 } else { *scale })
            }
            _ => {}
        }
    }
    counts.blocks =
        blocks.unwrap_or_else(|| counts.difference().map_or(0, |difference| u64::try_from(difference).unwrap_or(0)));
    Some((counts.settled(), is_rounded))
}

/// A line `Name : value` of PowerShell's Format-List.
#[must_use]
pub fn list_item(line: &str) -> Option<(ColumnKind, String)> {
    let (name, value) = line.split_once(':')?;
    let is_name = name.ends_with(' ')
        && name.trim().chars().all(|c| c.is_alphanumeric() || c == ' ' || c == '_')
        && (value.is_empty() || value.starts_with(' '));
    let kind = if is_name { kind_of_heading(name)? } else { return None };
    Some((kind, value.strip_prefix(' ').unwrap_or(value).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(heading_line: &str, line: &str) -> Vec<(String, Pool, [Option<u64>; 4], Option<String>)> {
        let layout = heading(heading_line).unwrap_or_else(|| panic!("no heading: {heading_line}"));
        let row = layout.row(line).unwrap_or_else(|| panic!("no row: {line} {layout:?}"));
        let found = |row: SnapshotRow| {
            (
                row.tag,
                row.pool,
                [row.counts.allocs, row.counts.frees, Some(row.counts.blocks), Some(row.counts.bytes)],
                row.description,
            )
        };
        row.rows.into_iter().map(found).collect()
    }

    #[test]
    fn headings_name_columns_in_several_languages() {
        use ColumnKind as K;
        for (heading, kind) in [
            ("Tag", K::Tag),
            ("PoolTag", K::Tag),
            ("Tag Name", K::Tag),
            ("Type", K::Pool),
            ("Pool", K::Pool),
            ("PagedAllocs", K::Allocs(Some(Pool::Paged))),
            ("NonPagedFrees", K::Frees(Some(Pool::NonPaged))),
            ("Nonpaged pool bytes", K::Bytes(Some(Pool::NonPaged), 1)),
            ("Non-paged current (total)", K::Blocks(Some(Pool::NonPaged))),
            ("Paged allocations (total)", K::Allocs(Some(Pool::Paged))),
            ("Paged allocations (delta)", K::Other),
            ("TotalUsedBytes", K::Other),
            ("NP_MB", K::Bytes(Some(Pool::NonPaged), 1 << 20)),
            ("KBytes", K::Bytes(None, 1024)),
            ("B/Alloc", K::Other),
            ("Per Alloc", K::Other),
            ("bytes_per_block", K::Other),
            ("Outstanding allocations (`allocs - frees`)", K::Blocks(None)),
            ("Current bytes", K::Bytes(None, 1)),
            ("DateTimeUTC", K::Time(true)),
            ("Source", K::Driver),
            ("Source Description", K::Description),
            ("SampleRows", K::SampleRows),
            ("Nicht ausgelagert Zuordnungen", K::Allocs(Some(Pool::NonPaged))),
            ("Lib\u{e9}rations", K::Frees(None)),
            ("\u{43e}\u{43f}\u{438}\u{441}\u{430}\u{43d}\u{438}\u{435}", K::Description),
        ] {
            assert_eq!(kind_of_heading(heading), Some(kind), "{heading}");
        }
        assert_eq!(kind_of_heading("hello"), None);
    }

    #[test]
    fn tables_of_tools_are_rows() {
        let found = read(
            "Tag\tType\tAllocs\tFrees\tDiff\tBytes\tKBytes\tB/Alloc\tSource\tSource Description",
            "Abcd\tNon Paged\t10\t4\t6\t600\t1\t100\ta.sys\tthings",
        );
        assert_eq!(
            found,
            [("Abcd".into(), Pool::NonPaged, [Some(10), Some(4), Some(6), Some(600)], Some("a.sys - things".into()))]
        );
        let found = read(
            "Tag   Type       Diff         Bytes            Source   Source Description",
            "Io    Non Paged  29   2350   nt!io   Some thing",
        );
        assert_eq!(
            found,
            [("Io  ".into(), Pool::NonPaged, [None, None, Some(29), Some(2350)], Some("nt!io - Some thing".into()))]
        );
        let found = read("| Tag | Pool | Bytes | Blocks |", "| `Toke` | Paged | 7,695.3 MB | 3,708,367 |");
        assert_eq!((found[0].1, found[0].2[2]), (Pool::Paged, Some(3_708_367)));
        let found =
            read("Tag;PagedDiff;PagedUsedBytes;NonPagedDiff;NonPagedUsedBytes", "Both;1.000;64.000;2.000;128.000");
        let bytes: Vec<(Pool, Option<u64>)> = found.iter().map(|row| (row.1, row.2[3])).collect();
        assert_eq!(bytes, [(Pool::NonPaged, Some(128_000)), (Pool::Paged, Some(64_000))]);
        let found = read("Bytes,Tag,Type", "\"1,024\",\"a,\"\"b\",Paged");
        assert_eq!((found[0].0.as_str(), found[0].2[3]), ("a,\"b", Some(1024)));
    }

    #[test]
    fn empty_cells_are_found_by_place() {
        let mut layout =
            heading("Tag  PagedAllocs PagedUsedBytes NonPagedAllocs NonPagedUsedBytes").expect("a heading");
        layout.take_ruler("---  ----------- -------------- -------------- -----------------");
        let row = layout.row("Nonp                                         7               448").expect("a row");
        let found: Vec<_> = row.rows.iter().map(|row| (row.pool, row.counts.bytes)).collect();
        assert_eq!(found, [(Pool::NonPaged, 448)]);
    }

    #[test]
    fn sentences_are_no_tables() {
        for line in
            ["", "Dear all", "The tag and its size, type", "Tag", "Tag Type", "Name,Size", "tag,pool,growth,rate"]
        {
            assert_eq!(heading(line), None, "{line}");
        }
        let layout = heading("Tag,Type,Bytes").expect("a heading");
        for line in ["", "Leak", "Leak,Paged,many", "Leakage,Paged,5", "a,b,c,d,e"] {
            assert_eq!(layout.row(line), None, "{line}");
        }
        assert_eq!(list_item("Tag            : Leak"), Some((ColumnKind::Tag, "Leak".to_owned())));
        assert_eq!(list_item("http://x"), None);
        assert!(is_ruler("---  ----") && is_ruler("| --- | ---: |") && !is_ruler("-5") && !is_ruler("a-b-c"));
    }
}
