//! Downloads from symbol servers: retries after transient errors, resumption of broken transfers, a per-run record of servers
//! that are down, and a persistent cache of "not found" answers. A body shorter than announced is never accepted as a file.

use super::http::{HttpClient, HttpError, HttpRequest, HttpResponse, ResponseHead};
use super::store_writer::WORK_FOLDER;
use super::{DownloadProgress, LocatorOptions, LookupControl};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Number of failed connections after which a server is not asked again, and number of failed files in a row.
const CONNECT_FAILURES_MAX: u32 = 2;
const FILE_FAILURES_MAX: u32 = 3;
/// Upper bound on the delay that a server can request by `Retry-After`, in milliseconds.
const RETRY_AFTER_MS_MAX: u64 = 15_000;
/// An interrupted, resumable transfer that delivered at least this much does not count as a failed attempt.
const PROGRESS_BYTES: u64 = 1 << 20;

/// Result of downloading one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum FetchResult {
    /// Complete. `is_html`: the server declared it as HTML.
    Complete { is_html: bool },
    /// The server does not have the file.
    NotFound,
    /// Access denied.
    Denied(String),
    /// The server cannot be reached or fails.
    Unreachable(String),
    /// The file cannot be written on this machine.
    WriteFailed(String),
    /// Cancelled.
    Cancelled,
}

#[derive(Clone, Debug, Default)]
struct ServerHealth {
    connect_failures: u32,
    file_failures: u32,
    /// Reason why the server is not asked again.
    unavailable: Option<String>,
    /// Its store has three tiers; `None`: not known.
    is_three_tier: Option<bool>,
}

/// State of all servers asked so far.
#[derive(Debug, Default)]
pub(super) struct SymbolServers {
    client: std::sync::OnceLock<Result<HttpClient, String>>,
    health: Mutex<FxHashMap<String, ServerHealth>>,
}

/// Download of one file in progress.
struct Download<'a> {
    server: &'a str,
    url: &'a str,
    file: &'a mut File,
    watch: &'a LookupControl<'a>,
    /// Bytes of the file on disk.
    written: u64,
    /// Bytes received, including repeated ones.
    received: u64,
    /// `ETag` or date of the file, if the rest can be requested.
    validator: Option<String>,
}

/// Result of one attempt.
enum TryResult {
    Done(FetchResult),
    /// Transient error, with the minimum delay before a retry in milliseconds.
    Retry(String, u64),
    ConnectFailed(String),
}

impl SymbolServers {
    /// Reason why a server is not asked again, if so.
    pub fn unavailable_reason(&self, server: &str) -> Option<String> {
        self.health.lock().get(server).and_then(|health| health.unavailable.clone())
    }

    /// Returns `true` if a server's store has three tiers; `None` if not known.
    pub fn is_three_tier(&self, server: &str) -> Option<bool> {
        self.health.lock().get(server).and_then(|health| health.is_three_tier)
    }

    /// Records the layout of a server's store.
    pub fn set_three_tier(&self, server: &str, prefixed: bool) {
        self.health.lock().entry(server.to_owned()).or_default().is_three_tier = Some(prefixed);
    }

    /// The client for all requests, created on first use.
    pub fn client(&self, options: &LocatorOptions) -> Result<&HttpClient, String> {
        let made = self.client.get_or_init(|| HttpClient::new(options.proxy.as_deref(), options.timeout_ms));
        made.as_ref().map_err(Clone::clone)
    }

    /// Downloads a file into an empty file and adds the bytes received to `downloaded`.
    pub fn fetch(
        &self,
        options: &LocatorOptions,
        (server, url): (&str, &str),
        file: &mut File,
        watch: &LookupControl<'_>,
        downloaded: &mut u64,
    ) -> FetchResult {
        let client = match self.client(options) {
            Ok(client) => client,
            Err(why) => return FetchResult::Unreachable(why),
        };
        let mut job = Download { server, url, file, watch, written: 0, received: 0, validator: None };
        let fetched = self.fetch_with_retries(options, client, &mut job);
        *downloaded += job.received;
        fetched
    }

    fn fetch_with_retries(&self, options: &LocatorOptions, client: &HttpClient, job: &mut Download<'_>) -> FetchResult {
        let (mut failed, mut pause_ms) = (0, options.retry_delay_ms);
        loop {
            let before = job.written;
            let (why, at_least_ms) = match job.try_once(client) {
                TryResult::Done(fetched) => {
                    self.handle_head(job.server, &fetched);
                    return fetched;
                }
                TryResult::Retry(why, at_least_ms) => (why, at_least_ms),
                TryResult::ConnectFailed(why) => {
                    self.record_connect_failure(job.server, &why);
                    (why, 0)
                }
            };
            if job.validator.is_some() && job.written >= before + PROGRESS_BYTES {
                (failed, pause_ms) = (0, options.retry_delay_ms);
            } else if failed == options.retries {
                self.record_file_failure(job.server, &why);
                return FetchResult::Unreachable(why);
            } else {
                failed += 1;
            }
            if let Some(why) = self.unavailable_reason(job.server) {
                return FetchResult::Unreachable(why);
            }
            if pause(pause_ms.max(at_least_ms), job.watch).is_err() {
                return FetchResult::Cancelled;
            }
            pause_ms = pause_ms.saturating_mul(2);
        }
    }

    fn handle_head(&self, server: &str, fetched: &FetchResult) {
        if matches!(fetched, FetchResult::Complete { .. } | FetchResult::NotFound | FetchResult::Denied(_)) {
            let mut health = self.health.lock();
            let health = health.entry(server.to_owned()).or_default();
            (health.connect_failures, health.file_failures) = (0, 0);
        }
    }

    fn record_connect_failure(&self, server: &str, why: &str) {
        let mut health = self.health.lock();
        let health = health.entry(server.to_owned()).or_default();
        health.connect_failures += 1;
        if health.connect_failures >= CONNECT_FAILURES_MAX {
            health.unavailable = Some(format!("{why} (failed {} times, not asked again)", health.connect_failures));
        }
    }

    fn record_file_failure(&self, server: &str, why: &str) {
        let mut health = self.health.lock();
        let health = health.entry(server.to_owned()).or_default();
        health.file_failures += 1;
        if health.file_failures >= FILE_FAILURES_MAX {
            health.unavailable = Some(format!("{why} (for {} files in a row, not asked again)", health.file_failures));
        }
    }
}

/// Sleeps in steps short enough to cancel at once.
fn pause(ms: u64, watch: &LookupControl<'_>) -> Result<(), poolscope_base::progress::Cancelled> {
    let mut left_ms = ms;
    while left_ms > 0 {
        watch.cancel.check()?;
        let step_ms = left_ms.min(10);
        std::thread::sleep(Duration::from_millis(step_ms));
        left_ms -= step_ms;
    }
    watch.cancel.check()
}

impl Download<'_> {
    fn try_once(&mut self, client: &HttpClient) -> TryResult {
        let from = self.validator.clone().filter(|_| self.written > 0).map(|mark| (self.written, mark));
        let exchange = client.start(HttpRequest { url: self.url.to_owned(), from, head_only: false });
        match exchange.head(self.watch.cancel) {
            Ok(head) => self.answer(&exchange, &head),
            Err(failure) => try_result_of(failure),
        }
    }

    fn answer(&mut self, exchange: &HttpResponse, head: &ResponseHead) -> TryResult {
        match head.status {
            200 => {
                if self.restart().is_err() {
                    return TryResult::Done(FetchResult::WriteFailed("cannot truncate the temporary file".to_owned()));
                }
                self.validator.clone_from(&head.validator);
                self.receive_body(exchange, head, head.length)
            }
            206 if self.written > 0 && head.content_range.is_some_and(|(first, _)| first == self.written) => {
                let whole = head.content_range.and_then(|(_, whole)| whole);
                let have = self.written;
                self.receive_body(exchange, head, whole.or(head.length.map(|length| have + length)))
            }
            206 | 416 => match self.restart() {
                Ok(()) => TryResult::Retry("the server sent a different range than requested".to_owned(), 0),
                Err(error) => TryResult::Done(FetchResult::WriteFailed(error.to_string())),
            },
            404 | 410 => TryResult::Done(FetchResult::NotFound),
            401 | 403 => TryResult::Done(FetchResult::Denied(format!(
                "the server denies access ({}); it requires a sign-in, or this URL is not public",
                head.status
            ))),
            407 => TryResult::Done(FetchResult::Denied(
                "the proxy requires authentication (407); enter the proxy as http://user:password@host:port".to_owned(),
            )),
            408 | 429 | 500..=599 => {
                let at_least_ms = head.retry_after_s.unwrap_or(0).saturating_mul(1_000).min(RETRY_AFTER_MS_MAX);
                TryResult::Retry(
                    format!("the server returned {}; it may be overloaded, try again later", head.status),
                    at_least_ms,
                )
            }
            status => TryResult::Done(FetchResult::Unreachable(format!(
                "the server returned {status}; check that the URL is that of a symbol server"
            ))),
        }
    }

    fn restart(&mut self) -> std::io::Result<()> {
        self.written = 0;
        self.validator = None;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0)).map(drop)
    }

    fn receive_body(&mut self, exchange: &HttpResponse, head: &ResponseHead, total_bytes: Option<u64>) -> TryResult {
        self.report_progress(total_bytes);
        loop {
            match exchange.chunk(self.watch.cancel) {
                Ok(Some(bytes)) => {
                    if let Err(error) = self.file.write_all(&bytes) {
                        return TryResult::Done(FetchResult::WriteFailed(format!("cannot write the file: {error}")));
                    }
                    self.written += bytes.len() as u64;
                    self.received += bytes.len() as u64;
                    self.report_progress(total_bytes);
                }
                Ok(None) => break,
                Err(failure) => return try_result_of(failure),
            }
        }
        match total_bytes {
            Some(total) if total != self.written => {
                TryResult::Retry(format!("the transfer ended after {} of {total} bytes", self.written), 0)
            }
            _ => TryResult::Done(FetchResult::Complete { is_html: head.is_html }),
        }
    }

    fn report_progress(&self, total_bytes: Option<u64>) {
        (self.watch.on_download)(DownloadProgress { server: self.server.to_owned(), bytes: self.written, total_bytes });
    }
}

fn try_result_of(failure: HttpError) -> TryResult {
    match failure {
        HttpError::Connect(why) => TryResult::ConnectFailed(why),
        HttpError::Denied(why) => TryResult::Done(FetchResult::Denied(why)),
        HttpError::Interrupted(why) => TryResult::Retry(why, 0),
        HttpError::Cancelled => TryResult::Done(FetchResult::Cancelled),
    }
}

/// Persistent cache of "not found" answers: small files in the default store. Files that cannot be read or written are
/// treated as absent.
#[derive(Clone, Debug)]
pub(super) struct NotFoundCache<'a> {
    /// The default store.
    pub store: &'a Path,
    /// Current time in seconds since 1970.
    pub now_unix_s: u64,
    /// Lifetime of an entry in seconds.
    pub ttl_s: u64,
}

impl NotFoundCache<'_> {
    /// Returns `true` if the server answered "not found" within the lifetime. Entries from the future are ignored.
    pub fn contains(&self, server: &str, stem: &str) -> bool {
        if self.store.as_os_str().is_empty() {
            return false;
        }
        let Ok(text) = std::fs::read_to_string(self.file(server, stem)) else { return false };
        let mut lines = text.lines();
        let noted = lines.next().and_then(|line| line.parse::<u64>().ok());
        // Two servers may map to the same file name, since some characters are replaced.
        let same = lines.next() == Some(server) && lines.next() == Some(stem);
        let age_s = noted.and_then(|noted| self.now_unix_s.checked_sub(noted));
        same && age_s.is_some_and(|age_s| age_s < self.ttl_s)
    }

    /// Records that the server does not have the file.
    pub fn insert(&self, server: &str, stem: &str) {
        if self.store.as_os_str().is_empty() {
            return;
        }
        let file = self.file(server, stem);
        let text = format!("{}\n{server}\n{stem}\n", self.now_unix_s);
        if let Some(folder) = file.parent() {
            // Best effort: without the entry the server is asked again.
            drop(std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text)));
        }
    }

    fn file(&self, server: &str, stem: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let host: String = server.split("://").last().unwrap_or(server).chars().take(100).map(plain).collect();
        self.store.join(WORK_FOLDER).join("missing").join(format!("at-{host}")).join(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_holds_for_its_time_and_its_server() {
        let folder = std::env::temp_dir().join(format!("poolscope-missing-{}", std::process::id()));
        let at = |now_unix_s| NotFoundCache { store: &folder, now_unix_s, ttl_s: 100 };
        at(1_000).insert("https://a/x", "n.pdb-K1");
        assert!(at(1_000).contains("https://a/x", "n.pdb-K1") && at(1_099).contains("https://a/x", "n.pdb-K1"));
        assert!(!at(1_100).contains("https://a/x", "n.pdb-K1"), "too old");
        assert!(!at(999).contains("https://a/x", "n.pdb-K1"), "from the future");
        assert!(!at(1_000).contains("http://a/x", "n.pdb-K1") && !at(1_000).contains("https://a/x", "n.pdb-K2"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
