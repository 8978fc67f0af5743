//! Files that leave the program: reports, tables, graphs and flame graphs. One function computes what a file holds and writes it in
//! the format of its ending, for the command line and the window alike; so the same question has the same figures in both.

pub mod chart;
mod content;
pub mod png;
mod request;
mod watched;

pub use content::{flame_keys, write};
pub use request::{ExportRequest, FlameChoice, GraphChoice, GraphStyle, ModuleLine, ReportChoice, TableChoice};
pub use watched::{WatchedWriter, WriteProgress};

use std::fmt;
use std::path::Path;

/// Content of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Content {
    /// The leak analysis with graph, table, markers and module states.
    Report,
    /// Groups with figures.
    Table,
    /// Curves over time.
    Graph,
    /// Stacks merged by their frames.
    Flame,
}

impl Content {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Report, Self::Table, Self::Graph, Self::Flame];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Table => "table",
            Self::Graph => "graph",
            Self::Flame => "flame",
        }
    }

    /// The name in messages.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Flame => "flame graph",
            other => other.name(),
        }
    }

    /// The formats that can hold it, the usual one first.
    #[must_use]
    pub const fn formats(self) -> &'static [FileFormat] {
        use FileFormat as F;
        match self {
            Self::Report => &[F::Html, F::Markdown],
            Self::Table => &[F::Csv, F::Json, F::Markdown],
            Self::Graph => &[F::Png, F::Svg, F::Csv, F::Json],
            Self::Flame => &[F::Svg, F::Speedscope, F::Pprof, F::Folded],
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// Format of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FileFormat {
    /// Comma-separated values for spreadsheets and scripts.
    Csv,
    /// One JSON object.
    Json,
    /// One self-contained page.
    Html,
    /// Text for a ticket.
    Markdown,
    /// Folded stacks.
    Folded,
    /// A gzipped profile for pprof.
    Pprof,
    /// A profile for speedscope.
    Speedscope,
    /// A vector picture.
    Svg,
    /// A picture.
    Png,
}

impl FileFormat {
    /// All of them. The ending of a format stands before those that it ends with.
    pub const ALL: [Self; 9] = [
        Self::Speedscope,
        Self::Pprof,
        Self::Csv,
        Self::Json,
        Self::Html,
        Self::Markdown,
        Self::Folded,
        Self::Svg,
        Self::Png,
    ];

    /// The ending of file names, without the dot before it.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Html => "html",
            Self::Markdown => "md",
            Self::Folded => "folded",
            Self::Pprof => "pb.gz",
            Self::Speedscope => "speedscope.json",
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// The name in file dialogs.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Json => "JSON",
            Self::Html => "HTML",
            Self::Markdown => "Markdown",
            Self::Folded => "Folded stacks",
            Self::Pprof => "pprof",
            Self::Speedscope => "speedscope",
            Self::Svg => "SVG",
            Self::Png => "PNG",
        }
    }

    /// The format of a file by its ending, without regard to case; `None` for an unknown one.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| name.strip_suffix(format.ending()).is_some_and(|stem| stem.len() > 1 && stem.ends_with('.')))
    }

    /// The contents that the format can hold, the usual one first.
    #[must_use]
    pub fn contents(self) -> Vec<Content> {
        let usual = match self {
            Self::Csv | Self::Json => Content::Table,
            Self::Html | Self::Markdown => Content::Report,
            Self::Folded | Self::Pprof | Self::Speedscope | Self::Svg => Content::Flame,
            Self::Png => Content::Graph,
        };
        let others = Content::ALL.into_iter().filter(|content| *content != usual && content.formats().contains(&self));
        std::iter::once(usual).chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_the_format() {
        let of = |name: &str| FileFormat::of_path(Path::new(name));
        assert_eq!(of("/a/b.speedscope.json"), Some(FileFormat::Speedscope));
        assert_eq!((of("a.JSON"), of("a.pb.gz")), (Some(FileFormat::Json), Some(FileFormat::Pprof)));
        assert_eq!([of("a.txt"), of("csv"), of(".csv"), of("a.gz"), of("a/")], [None; 5]);
    }

    #[test]
    fn each_format_holds_its_usual_content() {
        for format in FileFormat::ALL {
            let contents = format.contents();
            assert!(contents.iter().all(|content| content.formats().contains(&format)), "{format:?}");
        }
        assert_eq!(FileFormat::Svg.contents(), [Content::Flame, Content::Graph]);
        assert_eq!(FileFormat::Markdown.contents(), [Content::Report, Content::Table]);
    }
}
