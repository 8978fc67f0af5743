//! Fetches files from servers: repetition after errors that may pass, resumption where it is offered, and the memory that a
//! server is down. A body that is shorter than promised must never pass for a file.

use super::http::{Client, Exchange, Failure, Head, Request};
use super::{LocatorOptions, DownloadProgress, LookupControl};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

/// So many failed connections, or files that a server failed to give, and it is not asked again.
const CONNECT_FAILURES_MAX: u32 = 2;
const FILE_FAILURES_MAX: u32 = 3;
/// Longer pauses that a server asks for are cut, in milliseconds.
const RETRY_AFTER_MS_MAX: u64 = 15_000;
/// A broken transfer that brought so much before it broke, and can be resumed, does not count as a failed try.
const PROGRESS_BYTES: u64 = 1 << 20;

/// What became of a request for a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fetched {
    /// It is there. `html`: the server called it a page for people.
    Whole { html: bool },
    /// The server does not have it.
    Missing,
    /// Not allowed.
    Denied(String),
    /// The server cannot be reached, or does not do its work.
    Unreachable(String),
    /// This machine does not take what the server gives.
    Disk(String),
    /// Given up.
    Cancelled,
}

#[derive(Clone, Debug, Default)]
struct Health {
    connect_failures: u32,
    file_failures: u32,
    /// Why it is not asked again.
    down: Option<String>,
    /// Whether its store has three tiers; `None`: not known.
    prefixed: Option<bool>,
}

/// All servers, as far as they were asked.
#[derive(Debug, Default)]
pub(super) struct Servers {
    client: std::sync::OnceLock<Result<Client, String>>,
    health: Mutex<FxHashMap<String, Health>>,
}

/// One file on its way.
struct Job<'a> {
    server: &'a str,
    url: &'a str,
    file: &'a mut File,
    watch: &'a LookupControl<'a>,
    /// Bytes of the file that are there.
    have: u64,
    /// Bytes that came, again and again.
    received: u64,
    /// By what the rest can be asked for.
    mark: Option<String>,
}

/// How one try ended.
enum Try {
    Done(Fetched),
    /// It may work another time, after at least so many milliseconds.
    Again(String, u64),
    NoConnection(String),
}

impl Servers {
    /// Why a server is not asked any more.
    pub fn down(&self, server: &str) -> Option<String> {
        self.health.lock().get(server).and_then(|health| health.down.clone())
    }

    /// Whether a server's store has three tiers, where that is known.
    pub fn prefixed(&self, server: &str) -> Option<bool> {
        self.health.lock().get(server).and_then(|health| health.prefixed)
    }

    /// Notes whether a server's store has three tiers.
    pub fn set_prefixed(&self, server: &str, prefixed: bool) {
        self.health.lock().entry(server.to_owned()).or_default().prefixed = Some(prefixed);
    }

    /// The client for all requests; made when the first one is due, so that nothing is when there is none.
    pub fn client(&self, options: &LocatorOptions) -> Result<&Client, String> {
        let made = self.client.get_or_init(|| Client::new(options.proxy.as_deref(), options.timeout_ms));
        made.as_ref().map_err(Clone::clone)
    }

    /// Fetches a file from a server into an empty file, and counts the bytes that came.
    pub fn fetch(
        &self,
        options: &LocatorOptions,
        (server, url): (&str, &str),
        file: &mut File,
        watch: &LookupControl<'_>,
        downloaded: &mut u64,
    ) -> Fetched {
        let client = match self.client(options) {
            Ok(client) => client,
            Err(why) => return Fetched::Unreachable(why),
        };
        let mut job = Job { server, url, file, watch, have: 0, received: 0, mark: None };
        let fetched = self.tries(options, client, &mut job);
        *downloaded += job.received;
        fetched
    }

    fn tries(&self, options: &LocatorOptions, client: &Client, job: &mut Job<'_>) -> Fetched {
        let (mut failed, mut pause_ms) = (0, options.retry_delay_ms);
        loop {
            let before = job.have;
            let (why, at_least_ms) = match job.once(client) {
                Try::Done(fetched) => {
                    self.answered(job.server, &fetched);
                    return fetched;
                }
                Try::Again(why, at_least_ms) => (why, at_least_ms),
                Try::NoConnection(why) => {
                    self.no_connection(job.server, &why);
                    (why, 0)
                }
            };
            if job.mark.is_some() && job.have >= before + PROGRESS_BYTES {
                (failed, pause_ms) = (0, options.retry_delay_ms);
            } else if failed == options.retries {
                self.file_failed(job.server, &why);
                return Fetched::Unreachable(why);
            } else {
                failed += 1;
            }
            if let Some(why) = self.down(job.server) {
                return Fetched::Unreachable(why);
            }
            if pause(pause_ms.max(at_least_ms), job.watch).is_err() {
                return Fetched::Cancelled;
            }
            pause_ms = pause_ms.saturating_mul(2);
        }
    }

    fn answered(&self, server: &str, fetched: &Fetched) {
        if matches!(fetched, Fetched::Whole { .. } | Fetched::Missing | Fetched::Denied(_)) {
            let mut health = self.health.lock();
            let health = health.entry(server.to_owned()).or_default();
            (health.connect_failures, health.file_failures) = (0, 0);
        }
    }

    fn no_connection(&self, server: &str, why: &str) {
        let mut health = self.health.lock();
        let health = health.entry(server.to_owned()).or_default();
        health.connect_failures += 1;
        if health.connect_failures >= CONNECT_FAILURES_MAX {
            health.down = Some(format!("{why} (failed {} times, not asked again)", health.connect_failures));
        }
    }

    fn file_failed(&self, server: &str, why: &str) {
        let mut health = self.health.lock();
        let health = health.entry(server.to_owned()).or_default();
        health.file_failures += 1;
        if health.file_failures >= FILE_FAILURES_MAX {
            health.down = Some(format!("{why} (for {} files in a row, not asked again)", health.file_failures));
        }
    }
}

/// Waits, in steps short enough to stop at once.
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

impl Job<'_> {
    fn once(&mut self, client: &Client) -> Try {
        let from = self.mark.clone().filter(|_| self.have > 0).map(|mark| (self.have, mark));
        let exchange = client.start(Request { url: self.url.to_owned(), from, head_only: false });
        match exchange.head(self.watch.cancel) {
            Ok(head) => self.answer(&exchange, &head),
            Err(failure) => failed(failure),
        }
    }

    fn answer(&mut self, exchange: &Exchange, head: &Head) -> Try {
        match head.status {
            200 => {
                if self.restart().is_err() {
                    return Try::Done(Fetched::Disk("the working file cannot be emptied".to_owned()));
                }
                self.mark.clone_from(&head.mark);
                self.body(exchange, head, head.length)
            }
            206 if self.have > 0 && head.part.is_some_and(|(first, _)| first == self.have) => {
                let whole = head.part.and_then(|(_, whole)| whole);
                let have = self.have;
                self.body(exchange, head, whole.or(head.length.map(|length| have + length)))
            }
            206 | 416 => match self.restart() {
                Ok(()) => Try::Again("the server sent another part than it was asked for".to_owned(), 0),
                Err(error) => Try::Done(Fetched::Disk(error.to_string())),
            },
            404 | 410 => Try::Done(Fetched::Missing),
            401 | 403 => Try::Done(Fetched::Denied(format!(
                "the server refuses access ({}); it wants a sign-in, or this address is not open to everybody",
                head.status
            ))),
            407 => Try::Done(Fetched::Denied(
                "the proxy wants a sign-in (407); write the proxy as http://user:password@host:port".to_owned(),
            )),
            408 | 429 | 500..=599 => {
                let at_least_ms = head.retry_after_s.unwrap_or(0).saturating_mul(1_000).min(RETRY_AFTER_MS_MAX);
                Try::Again(format!("the server answers {}; it may be overloaded, try later", head.status), at_least_ms)
            }
            status => Try::Done(Fetched::Unreachable(format!(
                "the server answers {status}; check that the address is that of a symbol server"
            ))),
        }
    }

    fn restart(&mut self) -> std::io::Result<()> {
        self.have = 0;
        self.mark = None;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0)).map(drop)
    }

    fn body(&mut self, exchange: &Exchange, head: &Head, total_bytes: Option<u64>) -> Try {
        self.tell(total_bytes);
        loop {
            match exchange.chunk(self.watch.cancel) {
                Ok(Some(bytes)) => {
                    if let Err(error) = self.file.write_all(&bytes) {
                        return Try::Done(Fetched::Disk(format!("the file cannot be written: {error}")));
                    }
                    self.have += bytes.len() as u64;
                    self.received += bytes.len() as u64;
                    self.tell(total_bytes);
                }
                Ok(None) => break,
                Err(failure) => return failed(failure),
            }
        }
        match total_bytes {
            Some(total) if total != self.have => {
                Try::Again(format!("the transfer ended after {} of {total} bytes", self.have), 0)
            }
            _ => Try::Done(Fetched::Whole { html: head.html }),
        }
    }

    fn tell(&self, total_bytes: Option<u64>) {
        (self.watch.on_download)(DownloadProgress { server: self.server.to_owned(), bytes: self.have, total_bytes });
    }
}

fn failed(failure: Failure) -> Try {
    match failure {
        Failure::Connect(why) => Try::NoConnection(why),
        Failure::Denied(why) => Try::Done(Fetched::Denied(why)),
        Failure::Broken(why) => Try::Again(why, 0),
        Failure::Cancelled => Try::Done(Fetched::Cancelled),
    }
}
