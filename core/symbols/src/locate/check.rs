//! Tests whether the parts of a symbol path work, with messages that tell what to do. Leaves no files behind.

use super::http::{HttpError, HttpRequest};
use super::{Locator, PathPartCheck};
use crate::path::PathPart;
use poolscope_base::progress::CancelToken;
use std::fs::File;
use std::io;
use std::path::Path;

/// Maximum number of entries that are counted in a folder.
const ENTRIES_COUNTED_MAX: usize = 10_000;
/// Maximum number of entries that are examined to tell the kind of store.
const FOLDERS_SAMPLED_MAX: usize = 64;
/// Timeout for a server, in milliseconds.
const CHECK_TIMEOUT_MS: u64 = 8_000;

/// Tests all parts in order.
pub(super) fn check_parts(locator: &Locator, on_result: &mut dyn FnMut(PathPartCheck), cancel: &CancelToken) {
    for (written, part) in &locator.path.parts {
        let mut report =
            |place: String, result| on_result(PathPartCheck { part: written.clone(), location: place, result });
        match part {
            PathPart::Folder(folder) => report(folder.display().to_string(), check_source_folder(folder)),
            PathPart::Cache(folder) => report(folder.display().to_string(), check_cache_folder(folder)),
            PathPart::Chain { stores, servers } => {
                for (index, store) in stores.iter().enumerate() {
                    let is_source = servers.is_empty() && index + 1 == stores.len();
                    report(
                        store.display().to_string(),
                        if is_source { check_source_folder(store) } else { check_cache_folder(store) },
                    );
                }
                for server in servers {
                    if cancel.is_cancelled() {
                        return;
                    }
                    report(server.clone(), check_server(locator, server, cancel));
                }
            }
        }
        if cancel.is_cancelled() {
            return;
        }
    }
}

/// Tests a folder that files are only read from.
fn check_source_folder(folder: &Path) -> Result<String, String> {
    match std::fs::read_dir(folder) {
        Ok(_) => Ok(describe_folder(folder)),
        Err(error) => Err(folder_message(folder, &error)),
    }
}

fn folder_message(folder: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{} does not exist; check the spelling, or connect the drive or share", folder.display())
        }
        io::ErrorKind::PermissionDenied => {
            format!("no permission to read {}; ask its owner for access, or choose another folder", folder.display())
        }
        io::ErrorKind::NotADirectory => format!("{} is a file; enter the folder that contains it", folder.display()),
        _ => format!("{} cannot be read: {error}", folder.display()),
    }
}

/// Tests a folder that files are copied into; it may not exist yet.
fn check_cache_folder(folder: &Path) -> Result<String, String> {
    if folder.as_os_str().is_empty() {
        return Err("the default store has no folder; enter one".to_owned());
    }
    let there = match std::fs::read_dir(folder) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(folder_message(folder, &error)),
    };
    let nearest = folder.ancestors().find(|above| above.is_dir()).unwrap_or_else(|| Path::new("."));
    let trial = nearest.join(format!(".poolscope-trial-{}", std::process::id()));
    if let Err(error) = File::create(&trial) {
        return Err(format!(
            "cannot write to {}: {error}; downloads go to the default store instead, choose another folder",
            folder.display()
        ));
    }
    drop(std::fs::remove_file(&trial));
    Ok(if there {
        format!("{}, writable", describe_folder(folder))
    } else {
        "does not exist yet, will be created".to_owned()
    })
}

/// Kind of store and number of entries.
fn describe_folder(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.path()).filter(|path| !is_hidden(path));
    let mut listed: Vec<_> = names.take(ENTRIES_COUNTED_MAX + 1).collect();
    listed.sort();
    let count = if listed.len() > ENTRIES_COUNTED_MAX {
        format!("more than {ENTRIES_COUNTED_MAX}")
    } else {
        listed.len().to_string()
    };
    let entries = if listed.len() == 1 { "entry" } else { "entries" };
    let files = listed.iter().take(FOLDERS_SAMPLED_MAX).any(|path| is_symbol_file(path) && path.is_file());
    let kind = if listed.is_empty() {
        return "empty".to_owned();
    } else if folder.join("index2.txt").is_file() {
        "three-tier store"
    } else if listed.iter().take(FOLDERS_SAMPLED_MAX).any(|path| is_symbol_file(path) && path.is_dir()) {
        "two-tier store"
    } else if files {
        "flat folder"
    } else {
        "folder without symbol files at its top level"
    };
    format!("{kind}, {count} {entries}")
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn is_symbol_file(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ["pdb", "pd_", "dll", "exe", "sys", "dl_", "ex_", "sy_"].contains(&ending.as_str()))
}

/// Requests `pingme.txt`, which symbol servers provide for this purpose.
fn check_server(locator: &Locator, server: &str, cancel: &CancelToken) -> Result<String, String> {
    if locator.options.offline {
        return Ok("skipped: offline".to_owned());
    }
    let silence_ms = locator.options.timeout_ms.min(CHECK_TIMEOUT_MS);
    let client = super::http::HttpClient::new(locator.options.proxy.as_deref(), silence_ms)?;
    let mut request = HttpRequest { url: format!("{server}/pingme.txt"), head_only: true, ..HttpRequest::default() };
    let mut answer = client.start(request.clone()).head(cancel);
    if answer.as_ref().is_ok_and(|head| matches!(head.status, 405 | 501)) {
        // The server does not support HEAD.
        request.head_only = false;
        answer = client.start(request).head(cancel);
    }
    match answer {
        Ok(head) => match head.status {
            401 | 403 => Err(format!("access denied ({}); sign in, or use another URL", head.status)),
            407 => {
                Err("the proxy requires authentication (407); enter it as http://user:password@host:port".to_owned())
            }
            500..=599 => Ok(format!("responds, but with {}; it may be unavailable", head.status)),
            _ => Ok("responds".to_owned()),
        },
        Err(HttpError::Cancelled) => Err("cancelled".to_owned()),
        Err(HttpError::Connect(why) | HttpError::Denied(why) | HttpError::Interrupted(why)) => Err(why),
    }
}
