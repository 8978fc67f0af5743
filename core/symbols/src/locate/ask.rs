//! The part of a search that asks one server: which names, in which order, and what its answers mean.

use super::deposit::{Slot, WorkingFile};
use super::pointer::{self, Pointer};
use super::search::Search;
use super::server::Fetched;
use super::{FileMatch, LookupResult, cabinet};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What its answer to one name means for the search.
enum Answer {
    Found(PathBuf),
    /// Where to look instead.
    Elsewhere(Pointer),
    /// It does not have it under this name.
    NotThere,
    /// It has something else under this name.
    NotRight,
    /// No use in asking for another name.
    Over,
}

impl Search<'_> {
    /// Asks a server, and keeps what it has in the stores, or the default store.
    pub(super) fn server(&mut self, server: &str, targets: &[PathBuf]) -> Option<PathBuf> {
        let locator = self.locator;
        let place = self.wanted.address(server, false, &self.wanted.name);
        if locator.options.offline {
            self.attempt(place, LookupResult::Offline);
            return None;
        }
        if self.known(server, &place) {
            return None;
        }
        let (slot, left) = self.slot(targets)?;
        // Another program may have been at it while the lock was waited for.
        if let Some(found) = self.there(&slot) {
            drop(slot);
            return Some(self.copy(&found, left));
        }
        if self.known(server, &place) {
            return None;
        }
        let mut not_there = true;
        for prefixed in [false, true] {
            match self.layout(server, prefixed, &slot) {
                Some(true) => {}
                Some(false) => continue,
                None => return None,
            }
            for leaf in [self.wanted.name.clone(), self.wanted.compressed(), "file.ptr".to_owned()] {
                let url = self.wanted.address(server, prefixed, &leaf);
                match self.ask(server, &url, leaf == "file.ptr", &slot) {
                    // No lock is held while another one is waited for.
                    Answer::Found(file) => {
                        drop(slot);
                        return Some(self.copy(&file, left));
                    }
                    Answer::Elsewhere(pointer) => {
                        drop(slot);
                        return self.follow(url, pointer, targets);
                    }
                    Answer::NotThere => {}
                    Answer::NotRight => not_there = false,
                    Answer::Over => return None,
                }
            }
        }
        if not_there {
            self.missing().note(server, &self.wanted.stem());
            self.attempt(place, LookupResult::NotFound);
        }
        None
    }

    /// Whether the answer is known without asking.
    fn known(&mut self, server: &str, place: &str) -> bool {
        if let Some(why) = self.locator.servers.down(server) {
            self.attempt(place, LookupResult::Unreachable(why));
            return true;
        }
        let lately = self.missing().lately(server, &self.wanted.stem());
        if lately {
            self.attempt(place, LookupResult::NotFoundCached);
        }
        lately
    }

    /// Whether to look in the server's store with or without a folder of two letters. Most have none, so that question is put
    /// only after the first file was not found, and its answer is remembered. `None`: given up.
    fn layout(&mut self, server: &str, prefixed: bool, slot: &Slot) -> Option<bool> {
        let servers = &self.locator.servers;
        let index = "index2.txt";
        let known = servers.prefixed(server).or_else(|| self.missing().lately(server, index).then_some(false));
        match (known, prefixed) {
            (Some(known), asked) => return Some(known == asked),
            (None, false) => return Some(true),
            (None, true) => {}
        }
        let url = format!("{server}/{index}");
        let (_working, mut file) = self.working(slot, &url)?;
        let fetched = servers.fetch(
            &self.locator.options,
            (server, &url),
            &mut file,
            self.watch,
            &mut self.located.downloaded_bytes,
        );
        match fetched {
            Fetched::Cancelled => return None,
            // A page for people is no index, whatever its status.
            Fetched::Whole { html: false } => servers.set_prefixed(server, true),
            Fetched::Missing => {
                servers.set_prefixed(server, false);
                self.missing().note(server, index);
            }
            _ => servers.set_prefixed(server, false),
        }
        Some(servers.prefixed(server) == Some(true))
    }

    /// Asks for one name.
    fn ask(&mut self, server: &str, url: &str, is_pointer: bool, slot: &Slot) -> Answer {
        let Some((working, mut file)) = self.working(slot, url) else { return Answer::Over };
        let fetched = self.locator.servers.fetch(
            &self.locator.options,
            (server, url),
            &mut file,
            self.watch,
            &mut self.located.downloaded_bytes,
        );
        // Closed before it is read or moved, which some systems insist on.
        drop(file);
        match fetched {
            Fetched::Whole { html } if is_pointer && (html || is_page(&working.path)) => Answer::NotThere,
            Fetched::Whole { .. } if is_pointer => Answer::Elsewhere(pointer::read(&working.path, cfg!(windows))),
            Fetched::Whole { html } => self.take(url, html, slot, &working),
            Fetched::Missing => Answer::NotThere,
            Fetched::Denied(why) | Fetched::Disk(why) => self.over(url, LookupResult::Denied(why)),
            Fetched::Unreachable(why) => self.over(url, LookupResult::Unreachable(why)),
            Fetched::Cancelled => Answer::Over,
        }
    }

    fn over(&mut self, place: &str, outcome: LookupResult) -> Answer {
        self.attempt(place, outcome);
        Answer::Over
    }

    /// A whole file came.
    fn take(&mut self, url: &str, html: bool, slot: &Slot, working: &WorkingFile) -> Answer {
        let found = if cabinet::is_cabinet(&working.path) {
            let Some((unpacked, made)) = self.working(slot, url) else { return Answer::Over };
            drop(made);
            let checked = self.unpack(&working.path, &unpacked);
            self.judge(url.to_owned(), checked, slot, &unpacked)
        } else {
            let checked = match (self.check)(&working.path) {
                FileMatch::Unreadable(why) => FileMatch::Unreadable(explained(why, html, &working.path)),
                checked => checked,
            };
            self.judge(url.to_owned(), checked, slot, working)
        };
        match found {
            Some(file) => Answer::Found(file),
            None if self.cancelled() => Answer::Over,
            None => Answer::NotRight,
        }
    }
}

/// A page instead of a file has a usual reason, which is worth more than "this is no PDB".
fn explained(why: String, html: bool, file: &Path) -> String {
    if html || is_page(file) {
        format!(
            "the server sent a web page instead of the file; a sign-in page, a proxy, or not a symbol server ({why})"
        )
    } else {
        why
    }
}

fn is_page(file: &Path) -> bool {
    let mut start = [0; 64];
    let read = File::open(file).and_then(|mut file| std::io::Read::read(&mut file, &mut start)).unwrap_or(0);
    let start = String::from_utf8_lossy(&start[..read]).trim_start().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}
