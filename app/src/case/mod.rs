//! A case: traces, pool snapshots, debugger logs and performance logs of one machine together. What each piece of evidence shows,
//! what they support together, and which files were not used. Shared by the command line and the window, so that both say the same.
//!
//! | module | content |
//! | --- | --- |
//! | [`files`] | files of a case, the kind of each by its content, and reading those that are text |
//! | [`evidence`] | kinds of evidence, and what a piece of it shows |
//! | [`collect`](mod@collect) | all files into a case |
//! | [`agreement`] | conclusions from several pieces |
//! | [`text`] | headings of pieces, and sentences with full stops |

pub mod agreement;
pub mod collect;
pub mod evidence;
pub mod files;
pub mod text;

pub use collect::{Case, ReadTrace, TraceReader, UnusedFile, collect};
pub use evidence::{Content, Evidence, EvidenceKind, Piece};
