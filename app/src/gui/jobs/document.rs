//! Questions about one open trace and their answers: what the document asks, and what the background says. Each topic has
//! one question under way at most. Knows no window.

use std::any::Any;
use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::Key;
use poolscope_analysis::series::SeriesError;
use poolscope_base::progress::CancelToken;

use super::curves::{Curve, CurvesAnswer, CurvesRequest};
use super::export::{ExportAnswer, ExportOrder};
use super::files::{FileAnswer, FileRequest};
use super::find::{FindAnswer, FindRequest};
use super::names::NamesRequest;
use super::profile::{ProfileAnswer, ProfileRequest};
use super::range_sums::{RangeSumsAnswer, RangeSumsRequest};
use super::rows::RowChoice;
use super::table::{TableAnswer, TableRequest};
use super::tag_sources::{TagSources, TagSourcesRequest};
use super::totals::{TotalsAnswer, TotalsRequest};
use crate::gui::jobs::curves;
use crate::gui::jobs::deferred;
use crate::gui::jobs::deferred::{DeferredAnswer, DeferredRequest};
use crate::gui::jobs::export;
use crate::gui::jobs::files;
use crate::gui::jobs::find;
use crate::gui::jobs::names;
use crate::gui::jobs::profile;
use crate::gui::jobs::range_sums;
use crate::gui::jobs::table;
use crate::gui::jobs::tag_sources;
use crate::gui::jobs::totals;
use crate::gui::model::page_id::PageId;

/// The columns whose values complete queries and take long to make.
const COMPLETED: [Key; 8] = [
    Key::Tag,
    Key::Driver,
    Key::Function,
    Key::Process,
    Key::PoolType,
    Key::TagDescription,
    Key::PoolTagModule,
    Key::Generation,
];

/// Kind of a question. A newer question of a topic replaces the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Names of frames.
    Names,
    /// The rows of the table.
    Table,
    /// The curves of the graph.
    Curves,
    /// The curves of pinned rows.
    PinnedCurves,
    /// The sums of the selected range.
    Totals,
    /// Figures that are no sums.
    Deferred,
    /// Sizes, ages, processes and stacks of the selected row's allocations.
    Profile,
    /// Matches of a search.
    Find,
    /// The texts that complete a query.
    Completion,
    /// A small file.
    File,
    /// An export to a file.
    Export,
    /// Tag descriptions and drivers from outside the trace.
    TagSources,
    /// Sums that the rows of other visible ranges are computed from.
    RangeSums,
    /// Work of a page. It comes last: the user is waiting for everything else.
    Page(PageJob),
}

/// A kind of background work of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageJob {
    /// The page.
    pub page: PageId,
    /// The job of that page.
    pub job: &'static str,
}

/// Result of a page's work; the page knows its type.
pub type PageAnswer = Box<dyn Any + Send>;

/// Computes an answer for a page; `None` when cancelled.
pub type PageWork = Box<dyn FnOnce(&CancelToken) -> Option<PageAnswer> + Send>;

/// A question.
pub enum Request {
    /// Name the frames again.
    Names(NamesRequest),
    /// Group the rows.
    Table(TableRequest),
    /// Draw the largest curves of some rows.
    Curves(CurvesRequest, RowChoice),
    /// Draw one curve for each choice of rows.
    PinnedCurves(CurvesRequest, Vec<(String, RowChoice)>),
    /// Sum up a range.
    Totals(TotalsRequest),
    /// Compute figures that are no sums.
    Deferred(DeferredRequest),
    /// Look into a row.
    Profile(ProfileRequest),
    /// Look for a text.
    Find(FindRequest),
    /// Prepare the texts of the columns that queries are written about.
    Completion(Arc<ColumnValues>),
    /// Read or write a file.
    File(FileRequest),
    /// Write an export.
    Export(Box<ExportOrder>),
    /// Do the work of a page.
    Page(PageJob, PageWork),
    /// Read what is known of tags.
    TagSources(TagSourcesRequest),
    /// Prepare for other visible ranges.
    RangeSums(RangeSumsRequest),
}

/// An answer.
pub enum Reply {
    /// New names.
    Names(Arc<ColumnValues>),
    /// The rows.
    Table(Box<TableAnswer>),
    /// The curves, or why they cannot be drawn.
    Curves(Result<CurvesAnswer, String>),
    /// The curves of the pinned rows, in their order.
    PinnedCurves(Result<Vec<Curve>, String>),
    /// The sums.
    Totals(TotalsAnswer),
    /// The figures.
    Deferred(DeferredAnswer),
    /// Profile of a row.
    Profile(Box<ProfileAnswer>),
    /// Matches.
    Find(FindAnswer),
    /// The texts are there.
    Completion,
    /// Result of reading or writing a file.
    File(FileAnswer),
    /// Result of an export.
    Export(ExportAnswer),
    /// Result of a page's work.
    Page(PageJob, PageAnswer),
    /// Tag descriptions and drivers.
    TagSources(TagSources),
    /// Sums for other visible ranges.
    RangeSums(RangeSumsAnswer),
    /// The program made a mistake while it looked for the answer.
    Broken(Topic),
}

impl Request {
    /// Topic of it.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Names(_) => Topic::Names,
            Self::Table(_) => Topic::Table,
            Self::Curves(..) => Topic::Curves,
            Self::PinnedCurves(..) => Topic::PinnedCurves,
            Self::Totals(_) => Topic::Totals,
            Self::Deferred(_) => Topic::Deferred,
            Self::Profile(_) => Topic::Profile,
            Self::Find(_) => Topic::Find,
            Self::Completion(_) => Topic::Completion,
            Self::File(_) => Topic::File,
            Self::Export(_) => Topic::Export,
            Self::Page(job, _) => Topic::Page(*job),
            Self::TagSources(_) => Topic::TagSources,
            Self::RangeSums(_) => Topic::RangeSums,
        }
    }

    /// The answer; `None` when cancelled.
    pub(super) fn run(self, generation: u64, cancel: &CancelToken) -> Option<Reply> {
        match self {
            Self::Names(request) => names::run(request, cancel).map(Reply::Names),
            Self::Table(request) => table::run(request, generation, cancel).map(|a| Reply::Table(Box::new(a))),
            Self::Curves(mut request, choice) => {
                request.rows = choice.rows(cancel).ok()?;
                error_as_text(curves::run(&request, generation, cancel)).map(Reply::Curves)
            }
            Self::PinnedCurves(request, choices) => extra(request, &choices, cancel),
            Self::Totals(request) => totals::run(request, generation, cancel).map(Reply::Totals),
            Self::Deferred(request) => deferred::run(&request, cancel).map(Reply::Deferred),
            Self::Profile(request) => profile::run(request, cancel).map(|a| Reply::Profile(Box::new(a))),
            Self::Find(request) => find::run(request, cancel).map(Reply::Find),
            Self::Completion(names) => {
                COMPLETED.iter().for_each(|key| drop(names.column(*key)));
                Some(Reply::Completion)
            }
            Self::File(request) => Some(Reply::File(files::run(request))),
            Self::Export(order) => export::run(*order, cancel).map(Reply::Export),
            Self::Page(job, work) => work(cancel).map(|answer| Reply::Page(job, answer)),
            Self::TagSources(request) => tag_sources::run(request, cancel).map(Reply::TagSources),
            Self::RangeSums(request) => range_sums::run(request, cancel).map(Reply::RangeSums),
        }
    }
}

fn extra(mut request: CurvesRequest, choices: &[(String, RowChoice)], cancel: &CancelToken) -> Option<Reply> {
    let mut drawn = Vec::with_capacity(choices.len());
    for (name, choice) in choices {
        request.rows = choice.rows(cancel).ok()?;
        match error_as_text(curves::pinned(&request, name, cancel))? {
            Ok(curve) => drawn.push(curve),
            Err(why) => return Some(Reply::PinnedCurves(Err(why))),
        }
    }
    Some(Reply::PinnedCurves(Ok(drawn)))
}

/// A failure as a sentence; `None` when cancelled.
fn error_as_text<T>(result: Result<T, SeriesError>) -> Option<Result<T, String>> {
    match result {
        Ok(answer) => Some(Ok(answer)),
        Err(SeriesError::Cancelled) => None,
        Err(error) => Some(Err(error.to_string())),
    }
}

impl Reply {
    /// Topic of it.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Names(_) => Topic::Names,
            Self::Table(_) => Topic::Table,
            Self::Curves(_) => Topic::Curves,
            Self::PinnedCurves(_) => Topic::PinnedCurves,
            Self::Totals(_) => Topic::Totals,
            Self::Deferred(_) => Topic::Deferred,
            Self::Profile(_) => Topic::Profile,
            Self::Find(_) => Topic::Find,
            Self::Completion => Topic::Completion,
            Self::File(_) => Topic::File,
            Self::Export(_) => Topic::Export,
            Self::Page(job, _) => Topic::Page(*job),
            Self::TagSources(_) => Topic::TagSources,
            Self::RangeSums(_) => Topic::RangeSums,
            Self::Broken(topic) => *topic,
        }
    }
}
