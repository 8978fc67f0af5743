//! From the text of a file or of a paste to listings. A text may hold several, one after the other: a log of snapshots, or two commands
//! in one debugger session. What is not understood is counted and the first of it kept.

use super::line::{Line, read};
use super::{Listing, Pool, Row, Tool};
use std::collections::BTreeMap;

/// So many lines that were not understood are kept.
const KEPT: usize = 3;
/// So many characters of each.
const KEPT_CHARACTERS: usize = 80;

/// Why a text is no listing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// Nothing but white space.
    #[error("the text is empty: give what poolmon or !poolused printed, with its heading")]
    Empty,
    /// No line is a row.
    #[error(
        "no row of poolmon or of !poolused was found in {lines} lines{}: give the whole output with its heading \
         (poolmon: Tag Type Allocs Frees Diff Bytes; !poolused: Tag Allocs Used Allocs Used)",
        first_words(.first)
    )]
    Nothing {
        /// Lines that are not blank.
        lines: usize,
        /// The first of them.
        first: Option<Strange>,
    },
}

fn first_words(first: &Option<Strange>) -> String {
    first.as_ref().map_or_else(String::new, |line| format!(" (line {} is '{}')", line.number, line.text))
}

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strange {
    /// Its number, from 1.
    pub number: usize,
    /// Its beginning, made printable.
    pub text: String,
}

/// What a text holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// At least one, in the order of the text.
    pub listings: Vec<Listing>,
    /// Lines that were not understood.
    pub strange_count: usize,
    /// The first of them.
    pub strange: Vec<Strange>,
}

/// Reads a text in any encoding of [`super::text::decode`].
///
/// # Errors
/// No row was found.
pub fn parse(bytes: &[u8]) -> Result<Document, UsageError> {
    parse_text(&super::text::decode(bytes))
}

/// Reads a text.
///
/// # Errors
/// No row was found.
pub fn parse_text(text: &str) -> Result<Document, UsageError> {
    let mut reader = Reader::default();
    let mut lines = 0;
    let mut first = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim_end();
        if !line.is_empty() {
            lines += 1;
            first.get_or_insert_with(|| strange(index, line));
        }
        reader.take(index, line);
    }
    reader.close();
    if lines == 0 {
        return Err(UsageError::Empty);
    }
    if reader.document.listings.is_empty() {
        return Err(UsageError::Nothing { lines, first });
    }
    Ok(reader.document)
}

fn strange(index: usize, line: &str) -> Strange {
    let text = line.trim().chars().take(KEPT_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Strange { number: index + 1, text }
}

/// The listing that is being read.
struct Open {
    tool: Tool,
    first_line: usize,
    rows: BTreeMap<(String, Pool), Row>,
    totals: [Option<u64>; 2],
}

struct Reader {
    document: Document,
    open: Option<Open>,
    /// The heading that was seen last: what it says holds for the rows after it.
    heading: Option<Tool>,
    /// Sums that stood before the first row.
    sums: [Option<u64>; 2],
}

impl Default for Reader {
    fn default() -> Self {
        let document = Document { listings: Vec::new(), strange_count: 0, strange: Vec::new() };
        Self { document, open: None, heading: None, sums: [None; 2] }
    }
}

impl Reader {
    fn take(&mut self, index: usize, line: &str) {
        match read(line) {
            Line::Nothing => {}
            Line::Heading(tool) => {
                self.close();
                self.heading = tool.or(self.heading);
            }
            Line::Totals(sums) => match &mut self.open {
                Some(open) => open.totals = sums.map(Some),
                None => self.sums = sums.map(Some),
            },
            // Four numbers after a word may be anything: they count after a heading only.
            Line::Rows(Tool::PoolUsed, _) if self.heading != Some(Tool::PoolUsed) => self.strange(index, line),
            Line::Rows(tool, rows) => {
                for row in rows {
                    self.row(tool, index, row);
                }
            }
            Line::Unknown => self.strange(index, line),
        }
    }

    fn row(&mut self, tool: Tool, index: usize, row: Row) {
        let key = (row.tag.clone(), row.pool);
        let seen = self
            .open
            .as_ref()
            .is_some_and(|open| open.tool != tool || (open.rows.contains_key(&key) && is_plain(&row.tag)));
        if seen {
            // The same tag again: another snapshot without a heading between them.
            self.close();
        }
        let open = self.open.get_or_insert_with(|| Open {
            tool,
            first_line: index + 1,
            rows: BTreeMap::new(),
            totals: std::mem::take(&mut self.sums),
        });
        // Tags of bytes that no console shows may look the same.
        open.rows.entry(key).and_modify(|other| other.figures = other.figures.plus(row.figures)).or_insert(row);
    }

    fn strange(&mut self, index: usize, line: &str) {
        self.document.strange_count += 1;
        if self.document.strange.len() < KEPT {
            self.document.strange.push(strange(index, line));
        }
    }

    /// Ends the listing that is being read, if it has rows.
    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let mut rows: Vec<Row> = open.rows.into_values().collect();
            rows.sort_by(|a, b| {
                b.figures.bytes.cmp(&a.figures.bytes).then_with(|| (&a.tag, a.pool).cmp(&(&b.tag, b.pool)))
            });
            self.document.listings.push(Listing {
                tool: open.tool,
                first_line: open.first_line,
                rows,
                totals: open.totals,
            });
        }
    }
}

/// Whether the tag is shown as it is: a console shows bytes that are no letters as `.`, `?` or something foreign.
fn is_plain(tag: &str) -> bool {
    tag.chars().all(|c| (c.is_ascii_graphic() || c == ' ') && c != '.' && c != '?')
}
