//! Exports of an open trace: what can be written to a file, in which formats, and under which name.

use crate::export::{Content, FileFormat};
use crate::package;
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
    /// The trace with what is shown of it, to open elsewhere.
    Package,
}

impl ExportKind {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 6] =
        [Self::Report, Self::AllRows, Self::VisibleRows, Self::Graph, Self::Flame, Self::Package];

    /// The id of its command.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Report => "export.report",
            Self::AllRows => "export.all_rows",
            Self::VisibleRows => "export.visible_rows",
            Self::Graph => "export.graph",
            Self::Flame => "export.flame",
            Self::Package => "save_package",
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
            Self::Package => "Save package\u{2026}",
        }
    }

    /// The tip of its command.
    #[must_use]
    pub const fn tip(self) -> &'static str {
        match self {
            Self::Report => "Suspects, curves, table and module states as HTML or Markdown",
            Self::Package => {
                "One file with the whole trace, this view, the note and the names of functions, to open on another computer"
            }
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

    /// Its content; `None` for a package, which holds the trace.
    #[must_use]
    pub const fn content(self) -> Option<Content> {
        match self {
            Self::Report => Some(Content::Report),
            Self::AllRows | Self::VisibleRows => Some(Content::Table),
            Self::Graph => Some(Content::Graph),
            Self::Flame => Some(Content::Flame),
            Self::Package => None,
        }
    }

    /// The formats, the proposed one first; none for a package, which has one of its own.
    #[must_use]
    pub const fn formats(self) -> &'static [FileFormat] {
        match (self, self.content()) {
            (Self::VisibleRows, _) => &[FileFormat::Csv],
            (_, Some(content)) => content.formats(),
            (_, None) => &[],
        }
    }

    /// The ending of the proposed format, without the dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
        self.formats().first().map_or(package::ENDING, |format| format.ending())
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
            Self::Package => return format!("{stem}.{}", self.ending()),
        };
        format!("{stem}-{what}.{}", self.ending())
    }

    /// The path and its format, `None` for a package; a path whose ending is none of the formats gets the ending of the proposed one.
    #[must_use]
    pub fn with_ending(self, path: &Path) -> (PathBuf, Option<FileFormat>) {
        let known = FileFormat::of_path(path).filter(|format| self.formats().contains(format));
        let is_package = self == Self::Package
            && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(package::ENDING));
        if known.is_some() || is_package {
            return (path.to_owned(), known);
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", self.ending()));
        (path.with_file_name(name), self.formats().first().copied())
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
        assert_eq!(of(ExportKind::Flame, "a.pb.gz"), ("a.pb.gz".to_owned(), Some(FileFormat::Pprof)));
        assert_eq!(of(ExportKind::Graph, "a.folded"), ("a.folded.png".to_owned(), Some(FileFormat::Png)));
        assert_eq!(of(ExportKind::VisibleRows, "a.json"), ("a.json.csv".to_owned(), Some(FileFormat::Csv)));
        assert_eq!(of(ExportKind::Package, "a.poolscope"), ("a.poolscope".to_owned(), None));
        assert_eq!(of(ExportKind::Package, "a.zip"), ("a.zip.poolscope".to_owned(), None));
        assert_eq!(ExportKind::Package.proposed_name("srv.07.etl"), "srv.07.poolscope");
        assert_eq!(ExportKind::Report.proposed_name("srv.07.etl"), "srv.07-report.html");
    }
}
