//! Questions about one open trace and their answers: what the document asks, and what the background says. Each topic has
//! one question under way at most. Knows no window.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_base::progress::CancelToken;
use poolscope_analysis::pivot::Key;
use poolscope_analysis::series::SeriesError;

use super::curves::{self, Curve, CurvesAnswer, CurvesRequest};
use super::files::{self, FileAnswer, FileRequest};
use super::find::{self, FindAnswer, FindRequest};
use super::flame::{self, FlameAnswer, FlameFindRequest, FlameFound, FlameRequest};
use super::later::{self, LaterAnswer, LaterRequest};
use super::leaks::{self, LeaksAnswer, LeaksRequest};
use super::names::{self, NamesRequest};
use super::profile::{self, ProfileAnswer, ProfileRequest};
use super::rows::RowChoice;
use super::table::{self, TableAnswer, TableRequest};
use super::tag_sources::{self, TagSources, TagSourcesRequest};
use super::totals::{self, TotalsAnswer, TotalsRequest};

/// The columns whose values complete queries and take long to make.
const COMPLETED: [Key; 7] =
    [Key::Tag, Key::Driver, Key::Function, Key::Process, Key::PoolType, Key::TagDescription, Key::Generation];

/// What a question is about; a newer one replaces the one before of its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// What frames are called.
    Names,
    /// The rows of the table.
    Table,
    /// The curves of the graph.
    Curves,
    /// The curves of rows that were picked.
    Extra,
    /// The sums of the selected range.
    Totals,
    /// Figures that are no sums.
    Later,
    /// What the blocks of the selected row are like.
    Profile,
    /// Where a text is.
    Find,
    /// The merged stacks of the flame graph.
    Flame,
    /// What a text weighs in them.
    FlameFind,
    /// The texts that complete a query.
    Completion,
    /// A small file.
    File,
    /// What leaks. It comes last: everything else is waited for by somebody who looks at it.
    Leaks,
    /// What is known of tags beside the trace.
    TagSources,
}

/// A question.
pub enum Request {
    /// Name the frames anew.
    Names(NamesRequest),
    /// Group the rows.
    Table(TableRequest),
    /// Draw the largest curves of some rows.
    Curves(CurvesRequest, RowChoice),
    /// Draw one curve for each choice of rows.
    Extra(CurvesRequest, Vec<(String, RowChoice)>),
    /// Sum up a range.
    Totals(TotalsRequest),
    /// Compute figures that are no sums.
    Later(LaterRequest),
    /// Look into a row.
    Profile(ProfileRequest),
    /// Look for a text.
    Find(FindRequest),
    /// Merge stacks.
    Flame(FlameRequest),
    /// Weigh what has a text in merged stacks.
    FlameFind(FlameFindRequest),
    /// Prepare the texts of the columns that queries are written about.
    Completion(Arc<ColumnValues>),
    /// Read or write a file.
    File(FileRequest),
    /// Judge what leaks.
    Leaks(LeaksRequest),
    /// Read what is known of tags.
    TagSources(TagSourcesRequest),
}

/// An answer.
pub enum Reply {
    /// New names.
    Names(Arc<ColumnValues>),
    /// The rows.
    Table(Box<TableAnswer>),
    /// The curves, or why they cannot be drawn.
    Curves(Result<CurvesAnswer, String>),
    /// The curves of the picked rows, in their order.
    Extra(Result<Vec<Curve>, String>),
    /// The sums.
    Totals(TotalsAnswer),
    /// The figures.
    Later(LaterAnswer),
    /// What the blocks are like.
    Profile(Box<ProfileAnswer>),
    /// Where the text is.
    Find(FindAnswer),
    /// The merged stacks.
    Flame(Box<FlameAnswer>),
    /// What the text weighs.
    FlameFind(FlameFound),
    /// The texts are there.
    Completion,
    /// What became of the file.
    File(FileAnswer),
    /// What leaks.
    Leaks(Box<LeaksAnswer>),
    /// What is known of tags.
    TagSources(TagSources),
    /// The program made a mistake while it looked for the answer.
    Broken(Topic),
}

impl Request {
    /// What it is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Names(_) => Topic::Names,
            Self::Table(_) => Topic::Table,
            Self::Curves(..) => Topic::Curves,
            Self::Extra(..) => Topic::Extra,
            Self::Totals(_) => Topic::Totals,
            Self::Later(_) => Topic::Later,
            Self::Profile(_) => Topic::Profile,
            Self::Find(_) => Topic::Find,
            Self::Flame(_) => Topic::Flame,
            Self::FlameFind(_) => Topic::FlameFind,
            Self::Completion(_) => Topic::Completion,
            Self::File(_) => Topic::File,
            Self::Leaks(_) => Topic::Leaks,
            Self::TagSources(_) => Topic::TagSources,
        }
    }

    /// The answer; `None` when cancelled.
    pub(super) fn run(self, generation: u64, cancel: &CancelToken) -> Option<Reply> {
        match self {
            Self::Names(request) => names::run(request, cancel).map(Reply::Names),
            Self::Table(request) => table::run(request, generation, cancel).map(|a| Reply::Table(Box::new(a))),
            Self::Curves(mut request, choice) => {
                request.rows = choice.rows(cancel).ok()?;
                told(curves::run(&request, generation, cancel)).map(Reply::Curves)
            }
            Self::Extra(request, choices) => extra(request, &choices, cancel),
            Self::Totals(request) => totals::run(request, generation, cancel).map(Reply::Totals),
            Self::Later(request) => later::run(&request, cancel).map(Reply::Later),
            Self::Profile(request) => profile::run(request, cancel).map(|a| Reply::Profile(Box::new(a))),
            Self::Find(request) => find::run(request, cancel).map(Reply::Find),
            Self::Flame(request) => flame::run(request, cancel).map(|a| Reply::Flame(Box::new(a))),
            Self::FlameFind(request) => flame::find(request, cancel).map(Reply::FlameFind),
            Self::Completion(names) => {
                COMPLETED.iter().for_each(|key| drop(names.column(*key)));
                Some(Reply::Completion)
            }
            Self::File(request) => Some(Reply::File(files::run(request))),
            Self::Leaks(request) => leaks::run(request, cancel).map(|a| Reply::Leaks(Box::new(a))),
            Self::TagSources(request) => tag_sources::run(request, cancel).map(Reply::TagSources),
        }
    }
}

fn extra(mut request: CurvesRequest, choices: &[(String, RowChoice)], cancel: &CancelToken) -> Option<Reply> {
    let mut drawn = Vec::with_capacity(choices.len());
    for (name, choice) in choices {
        request.rows = choice.rows(cancel).ok()?;
        match told(curves::picked(&request, name, cancel))? {
            Ok(curve) => drawn.push(curve),
            Err(why) => return Some(Reply::Extra(Err(why))),
        }
    }
    Some(Reply::Extra(Ok(drawn)))
}

/// A failure as a sentence; `None` when cancelled.
fn told<T>(result: Result<T, SeriesError>) -> Option<Result<T, String>> {
    match result {
        Ok(answer) => Some(Ok(answer)),
        Err(SeriesError::Cancelled) => None,
        Err(error) => Some(Err(error.to_string())),
    }
}

impl Reply {
    /// What it is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Names(_) => Topic::Names,
            Self::Table(_) => Topic::Table,
            Self::Curves(_) => Topic::Curves,
            Self::Extra(_) => Topic::Extra,
            Self::Totals(_) => Topic::Totals,
            Self::Later(_) => Topic::Later,
            Self::Profile(_) => Topic::Profile,
            Self::Find(_) => Topic::Find,
            Self::Flame(_) => Topic::Flame,
            Self::FlameFind(_) => Topic::FlameFind,
            Self::Completion => Topic::Completion,
            Self::File(_) => Topic::File,
            Self::Leaks(_) => Topic::Leaks,
            Self::TagSources(_) => Topic::TagSources,
            Self::Broken(topic) => *topic,
        }
    }
}
