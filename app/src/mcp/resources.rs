//! Resources: the facts of each known trace as JSON, and its report as one HTML file. Addresses carry the path of the trace.

use super::allowed::PathError;
use super::invocation::Invocation;
use super::job::Job;
use super::session::Session;
use crate::trace_location::shown_name;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rmcp::model::{ErrorData, Resource, ResourceContents, ResourceTemplate};
use serde_json::json;
use std::path::Path;

/// Kinds of resources of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResourceKind {
    /// Facts about the trace, as JSON.
    Facts,
    /// The report of the leak analysis, as HTML.
    Report,
}

impl ResourceKind {
    const ALL: [Self; 2] = [Self::Facts, Self::Report];

    /// Beginning of the address.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Facts => "poolscope://trace/",
            Self::Report => "poolscope://report/",
        }
    }

    const fn mime_type(self) -> &'static str {
        match self {
            Self::Facts => "application/json",
            Self::Report => "text/html",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Facts => {
                "System, clock, recorded range, losses and counts of the trace, as printed by poolscope info --format json"
            }
            Self::Report => "Verdicts with evidence, curves, table, module states and data quality as one HTML file",
        }
    }

    fn title(self, trace: &Path) -> String {
        match self {
            Self::Facts => shown_name(trace),
            Self::Report => format!("Leak report of {}", shown_name(trace)),
        }
    }
}

/// Resources of the known traces.
#[must_use]
pub fn list(session: &Session) -> Vec<Resource> {
    let known = session.known_traces();
    let of_trace = |trace: &std::path::PathBuf| {
        ResourceKind::ALL.map(|kind| {
            let title = kind.title(trace);
            let resource = Resource::new(address(kind, trace), title.clone()).with_title(title);
            resource.with_description(kind.description()).with_mime_type(kind.mime_type())
        })
    };
    known.iter().flat_map(of_trace).collect()
}

/// Addresses of the resources of any trace that may be read.
#[must_use]
pub fn templates() -> Vec<ResourceTemplate> {
    let template = |kind: ResourceKind| {
        let template = ResourceTemplate::new(format!("{}{{path}}", kind.prefix()), kind.title(Path::new("a trace")));
        template.with_description(kind.description()).with_mime_type(kind.mime_type())
    };
    ResourceKind::ALL.map(template).into()
}

fn address(kind: ResourceKind, trace: &Path) -> String {
    format!("{}{}", kind.prefix(), utf8_percent_encode(&trace.to_string_lossy(), NON_ALPHANUMERIC))
}

/// Reads a resource.
///
/// # Errors
/// The address is none of a resource, its trace may not be read, or the trace cannot be loaded.
pub fn read(uri: &str, session: &Session, job: &Job) -> Result<ResourceContents, ErrorData> {
    let not_found =
        || ErrorData::resource_not_found(format!("there is no resource {uri}"), Some(json!({ "uri": uri })));
    let found = ResourceKind::ALL.into_iter().find_map(|kind| Some((kind, uri.strip_prefix(kind.prefix())?)));
    let (kind, path) = found.ok_or_else(not_found)?;
    let path = percent_decode_str(path).decode_utf8().ok().ok_or_else(not_found)?;
    let trace = session.allowed.file(&path).map_err(|error| match error {
        PathError::Missing { .. } => not_found(),
        outside @ PathError::Outside { .. } => ErrorData::invalid_params(outside.to_string(), None),
    })?;
    job.expect_traces(1);
    let text = match kind {
        ResourceKind::Facts => {
            run(Invocation::new("info").file(&trace).option("--format", Some("json")), session, job)?
        }
        ResourceKind::Report => report(&trace, session, job)?,
    };
    Ok(ResourceContents::text(text, uri).with_mime_type(kind.mime_type()))
}

/// The report as the command `export` writes it.
fn report(trace: &Path, session: &Session, job: &Job) -> Result<String, ErrorData> {
    let failed = |error: std::io::Error| ErrorData::internal_error(format!("cannot write the report: {error}"), None);
    let folder = tempfile::tempdir().map_err(failed)?;
    let file = folder.path().join("report.html");
    let line = Invocation::new("export").file(trace).option("--to", Some(&file));
    let line = session.with_pool_tags(line, None, &[trace.to_owned()]).map_err(|error| {
        // No list is given, so there is none that may not be read.
        ErrorData::internal_error(error.to_string(), None)
    })?;
    run(session.with_symbols(line), session, job)?;
    std::fs::read_to_string(&file).map_err(failed)
}

/// Standard output of a command.
fn run(line: Invocation, session: &Session, job: &Job) -> Result<String, ErrorData> {
    let output = job.run(session, &session.with_threads(line));
    if output.code == 0 {
        return Ok(String::from_utf8_lossy(&output.out).into_owned());
    }
    Err(ErrorData::internal_error(output.messages.trim_end().to_owned(), None))
}
