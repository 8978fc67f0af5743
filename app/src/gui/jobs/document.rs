//! Questions about one open trace and their answers: what the document asks, and what the background says. Each topic has
//! one question under way at most. Knows no window.

use poolscope_core::job::CancelToken;

use super::curves::{self, CurvesAnswer, CurvesRequest};
use super::table::{self, TableAnswer, TableRequest};
use super::totals::{self, TotalsAnswer, TotalsRequest};

/// What a question is about; a newer one replaces the one before of its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The rows of the table.
    Table,
    /// The curves of the graph.
    Curves,
    /// The sums of the selected range.
    Totals,
}

/// A question.
pub enum Request {
    /// Group the rows.
    Table(TableRequest),
    /// Draw the curves.
    Curves(CurvesRequest),
    /// Sum up a range.
    Totals(TotalsRequest),
}

/// An answer.
#[derive(Debug)]
pub enum Reply {
    /// The rows.
    Table(Box<TableAnswer>),
    /// The curves.
    Curves(CurvesAnswer),
    /// The sums.
    Totals(TotalsAnswer),
}

impl Request {
    /// What it is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Table(_) => Topic::Table,
            Self::Curves(_) => Topic::Curves,
            Self::Totals(_) => Topic::Totals,
        }
    }

    /// The answer; `None` when cancelled.
    pub(super) fn run(self, generation: u64, cancel: &CancelToken) -> Option<Reply> {
        match self {
            Self::Table(request) => table::run(request, generation, cancel).map(|a| Reply::Table(Box::new(a))),
            Self::Curves(request) => curves::run(&request, generation, cancel).map(Reply::Curves),
            Self::Totals(request) => totals::run(&request, generation, cancel).map(Reply::Totals),
        }
    }
}

impl Reply {
    /// What it is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Table(_) => Topic::Table,
            Self::Curves(_) => Topic::Curves,
            Self::Totals(_) => Topic::Totals,
        }
    }
}
