//! Whether the parts of a path work, said in sentences that tell what to do. Nothing is left behind in any folder.

use super::http::{Failure, Request};
use super::{Locator, PathPartCheck};
use poolscope_base::progress::CancelToken;
use crate::path::PathPart;
use std::fs::File;
use std::io;
use std::path::Path;

/// So many entries are counted; who has more, knows.
const COUNTED_MAX: usize = 10_000;
/// So many folders are looked into to tell what kind of store it is.
const SAMPLED_MAX: usize = 64;
/// A server that takes longer than this to say anything is as good as down, in milliseconds.
const PATIENCE_MS: u64 = 8_000;

/// Checks all parts, in order.
pub(super) fn check_parts(locator: &Locator, tell: &mut dyn FnMut(PathPartCheck), cancel: &CancelToken) {
    for (written, part) in &locator.path.parts {
        let mut say = |place: String, result| tell(PathPartCheck { part: written.clone(), location: place, result });
        match part {
            PathPart::Folder(folder) => say(folder.display().to_string(), source(folder)),
            PathPart::Cache(folder) => say(folder.display().to_string(), cache(folder)),
            PathPart::Chain { stores, servers } => {
                for (index, store) in stores.iter().enumerate() {
                    let is_source = servers.is_empty() && index + 1 == stores.len();
                    say(store.display().to_string(), if is_source { source(store) } else { cache(store) });
                }
                for server in servers {
                    if cancel.is_cancelled() {
                        return;
                    }
                    say(server.clone(), ask(locator, server, cancel));
                }
            }
        }
        if cancel.is_cancelled() {
            return;
        }
    }
}

/// A folder that files are taken from.
fn source(folder: &Path) -> Result<String, String> {
    match std::fs::read_dir(folder) {
        Ok(_) => Ok(kind(folder)),
        Err(error) => Err(unreadable(folder, &error)),
    }
}

fn unreadable(folder: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{} does not exist; check its spelling, or connect the drive or share", folder.display())
        }
        io::ErrorKind::PermissionDenied => {
            format!("no right to read {}; ask its owner, or choose another folder", folder.display())
        }
        io::ErrorKind::NotADirectory => format!("{} is a file; name the folder it lies in", folder.display()),
        _ => format!("{} cannot be read: {error}", folder.display()),
    }
}

/// A folder that files are put into: it may have to be made first.
fn cache(folder: &Path) -> Result<String, String> {
    if folder.as_os_str().is_empty() {
        return Err("no folder is known for the default store; name one".to_owned());
    }
    let there = match std::fs::read_dir(folder) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let nearest = folder.ancestors().find(|above| above.is_dir()).unwrap_or_else(|| Path::new("."));
    let trial = nearest.join(format!(".poolscope-trial-{}", std::process::id()));
    if let Err(error) = File::create(&trial) {
        return Err(format!(
            "nothing can be kept in {}: {error}; what is fetched goes to the default store, choose a folder of your own",
            folder.display()
        ));
    }
    drop(std::fs::remove_file(&trial));
    Ok(if there { format!("{}, can be written", kind(folder)) } else { "not there yet, will be made".to_owned() })
}

/// What kind of folder it is and how much is in it.
fn kind(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.path()).filter(|path| !hidden(path));
    let mut listed: Vec<_> = names.take(COUNTED_MAX + 1).collect();
    listed.sort();
    let count = if listed.len() > COUNTED_MAX { format!("more than {COUNTED_MAX}") } else { listed.len().to_string() };
    let entries = if listed.len() == 1 { "entry" } else { "entries" };
    let files = listed.iter().take(SAMPLED_MAX).any(|path| is_symbol_file(path) && path.is_file());
    let kind = if listed.is_empty() {
        return "empty".to_owned();
    } else if folder.join("index2.txt").is_file() {
        "three-tier store"
    } else if listed.iter().take(SAMPLED_MAX).any(|path| is_symbol_file(path) && path.is_dir()) {
        "two-tier store"
    } else if files {
        "flat folder"
    } else {
        "folder without symbol files at its top"
    };
    format!("{kind}, {count} {entries}")
}

fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn is_symbol_file(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ["pdb", "pd_", "dll", "exe", "sys", "dl_", "ex_", "sy_"].contains(&ending.as_str()))
}

/// Asks a server for the small file that symbol servers have for this.
fn ask(locator: &Locator, server: &str, cancel: &CancelToken) -> Result<String, String> {
    if locator.options.offline {
        return Ok("not asked: offline".to_owned());
    }
    let silence_ms = locator.options.timeout_ms.min(PATIENCE_MS);
    let client = super::http::Client::new(locator.options.proxy.as_deref(), silence_ms)?;
    let mut request = Request { url: format!("{server}/pingme.txt"), head_only: true, ..Request::default() };
    let mut answer = client.start(request.clone()).head(cancel);
    if answer.as_ref().is_ok_and(|head| matches!(head.status, 405 | 501)) {
        // It knows no question for the head alone.
        request.head_only = false;
        answer = client.start(request).head(cancel);
    }
    match answer {
        Ok(head) => match head.status {
            401 | 403 => {
                Err(format!("refuses access ({}); sign in, or use an address that is open to you", head.status))
            }
            407 => Err("the proxy wants a sign-in (407); write it as http://user:password@host:port".to_owned()),
            500..=599 => Ok(format!("answers, but with {}; it may be in trouble", head.status)),
            _ => Ok("answers".to_owned()),
        },
        Err(Failure::Cancelled) => Err("given up".to_owned()),
        Err(Failure::Connect(why) | Failure::Denied(why) | Failure::Broken(why)) => Err(why),
    }
}
