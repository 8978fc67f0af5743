//! Exports of an open trace: what can be written to a file, in which formats, and under which name.

use crate::export::{Content, FileFormat};
use std::path::{Path, PathBuf};

/// Something that can be written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExportKind {
    /// Suspects, curves, table, markers and module states.
    Report,
    /// All groups of the table.
    AllRows,
    /// The rows that are visible in the table, open branches included.
    VisibleRows,
    /// The graph.
    Graph,
    /// The flame graph.
    Flame,
}

impl ExportKind {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 5] = [Self::Report, Self::AllRows, Self::VisibleRows, Self::Graph, Self::Flame];

    /// The id of its command.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Report => "export.report",
            Self::AllRows => "export.all_rows",
            Self::VisibleRows => "export.visible_rows",
            Self::Graph => "export.graph",
            Self::Flame => "export.flame",
        }
    }

    /// The title of its command.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Report => "Export report\u{2026}",
            Self::AllRows => "Export table\u{2026}",
            Self::VisibleRows => "Export visible rows\u{2026}",
            Self::Graph => "Export graph\u{2026}",
            Self::Flame => "Export flame graph\u{2026}",
        }
    }

    /// The tip of its command.
    #[must_use]
    pub const fn tip(self) -> &'static str {
        match self {
            Self::Report => "Suspects, curves, table and module states as HTML or Markdown",
            Self::AllRows => "All groups with exact figures as CSV, JSON or Markdown",
            Self::VisibleRows => "The open rows with exact figures as CSV",
            Self::Graph => {
                "As shown, in the light or dark colors of the window, as PNG or SVG; the figures as CSV or JSON"
            }
            Self::Flame => {
                "As shown, in the light or dark colors of the window, as SVG; the stacks for speedscope, pprof or as folded text"
            }
        }
    }

    /// Its content.
    #[must_use]
    pub const fn content(self) -> Content {
        match self {
            Self::Report => Content::Report,
            Self::AllRows | Self::VisibleRows => Content::Table,
            Self::Graph => Content::Graph,
            Self::Flame => Content::Flame,
        }
    }

    /// The formats, the proposed one first.
    #[must_use]
    pub const fn formats(self) -> &'static [FileFormat] {
        match self {
            Self::VisibleRows => &[FileFormat::Csv],
            other => other.content().formats(),
        }
    }

    /// The proposed name of a file for a trace of this name.
    #[must_use]
    pub fn proposed_name(self, trace: &str) -> String {
        let stem = trace.rsplit_once('.').map_or(trace, |(stem, _)| stem);
        let what = match self {
            Self::Report => "report",
            Self::AllRows | Self::VisibleRows => "table",
            Self::Graph => "graph",
            Self::Flame => "flame",
        };
        format!("{stem}-{what}.{}", self.formats().first().map_or("csv", |format| format.ending()))
    }

    /// The path and its format; a path whose ending is none of the formats gets the ending of the proposed one.
    #[must_use]
    pub fn with_ending(self, path: &Path) -> (PathBuf, FileFormat) {
        let known = FileFormat::of_path(path).filter(|format| self.formats().contains(format));
        let usual = self.formats().first().copied().unwrap_or(FileFormat::Csv);
        match known {
            Some(format) => (path.to_owned(), format),
            None => {
                let mut name = path.file_name().unwrap_or_default().to_owned();
                name.push(format!(".{}", usual.ending()));
                (path.with_file_name(name), usual)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_gets_an_ending_that_the_content_has() {
        let of = |kind: ExportKind, name: &str| {
            let (path, format) = kind.with_ending(Path::new(name));
            (path.display().to_string(), format)
        };
        assert_eq!(of(ExportKind::Flame, "a.pb.gz"), ("a.pb.gz".to_owned(), FileFormat::Pprof));
        assert_eq!(of(ExportKind::Graph, "a.folded"), ("a.folded.png".to_owned(), FileFormat::Png));
        assert_eq!(of(ExportKind::VisibleRows, "a.json"), ("a.json.csv".to_owned(), FileFormat::Csv));
        assert_eq!(ExportKind::Report.proposed_name("srv.07.etl"), "srv.07-report.html");
    }
}
