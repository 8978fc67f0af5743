//! One HTTP request, made on a thread of its own, so that whoever waits for it can stop waiting at any moment. The only
//! place that knows the `ureq` crate. It decides nothing: statuses and failures are handed on with a sentence.

use poolscope_base::progress::CancelToken;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use ureq::http::HeaderMap;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy, Timeout};

/// Servers that look at it answer those that they know.
const USER_AGENT: &str = concat!("Microsoft-Symbol-Server/10.0.0.0 poolscope/", env!("CARGO_PKG_VERSION"));
const CHUNK_BYTES: usize = 64 * 1024;
const CHUNKS_WAITING: usize = 8;
/// So much of the page that comes with an error is read, so that the connection can serve the next request.
const PAGE_BYTES: u64 = 32 * 1024;
const POLL_MS: u64 = 10;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub url: String,
    /// Only from this byte on, if the file is still the one that has this mark (an `ETag` or a date).
    pub from: Option<(u64, String)>,
    /// Only the head of the answer.
    pub head_only: bool,
}

/// The head of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Head {
    pub status: u16,
    /// Bytes of this answer's body; `None` where the server does not say, or packs it.
    pub length: Option<u64>,
    /// What to ask the rest of the same file by, where that is possible.
    pub mark: Option<String>,
    /// First byte of a part, and bytes of the whole.
    pub part: Option<(u64, Option<u64>)>,
    pub retry_after_s: Option<u64>,
    /// A page for people.
    pub html: bool,
}

/// Why there is no answer, or no end of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// No connection: what to check.
    Connect(String),
    /// The proxy wants to know who asks.
    Denied(String),
    /// The server was silent or the connection broke.
    Broken(String),
    /// Nobody wants it any more.
    Cancelled,
}

enum Message {
    Head(Head),
    Chunk(Vec<u8>),
    End,
    Failed(Failure),
}

/// Connections to servers, with and without a proxy.
#[derive(Debug)]
pub(super) struct Client {
    direct: Agent,
    proxied: Option<Agent>,
    /// A proxy that somebody chose is for all addresses; one from the environment is not for this machine itself.
    proxy_for_all: bool,
    silence_ms: u64,
}

impl Client {
    /// A client; `proxy`: `host:port` or an address, `None`: what the environment says.
    pub fn new(proxy: Option<&str>, silence_ms: u64) -> Result<Self, String> {
        let chosen = match proxy.map(str::trim).filter(|proxy| !proxy.is_empty()) {
            Some(text) => {
                let bad = |_| format!("{text:?} is no address of a proxy; write host:port or http://host:port");
                Some(Proxy::new(text).map_err(bad)?)
            }
            None => None,
        };
        let proxy_for_all = chosen.is_some();
        let proxied = chosen.or_else(Proxy::try_from_env).map(|proxy| agent(Some(proxy), silence_ms));
        Ok(Self { direct: agent(None, silence_ms), proxied, proxy_for_all, silence_ms })
    }

    /// Starts a request.
    pub fn start(&self, request: Request) -> Exchange {
        let direct = !self.proxy_for_all && is_this_machine(&request.url);
        let agent = self.proxied.as_ref().filter(|_| !direct).unwrap_or(&self.direct).clone();
        let (sender, receiver) = sync_channel(CHUNKS_WAITING);
        let silence_ms = self.silence_ms;
        let started = std::thread::Builder::new()
            .name("symbol server".to_owned())
            .spawn(move || run(&agent, &request, silence_ms, &sender));
        Exchange { receiver, silence_ms, started: started.map(drop).map_err(|error| error.to_string()) }
    }
}

fn agent(proxy: Option<Proxy>, silence_ms: u64) -> Agent {
    let silence = Some(Duration::from_millis(silence_ms));
    let config = Agent::config_builder()
        .proxy(proxy)
        .http_status_as_error(false)
        .user_agent(USER_AGENT)
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .timeout_resolve(silence)
        .timeout_connect(silence)
        .timeout_send_request(silence)
        .timeout_recv_response(silence)
        .timeout_per_read(silence)
        .max_idle_connections_per_host(8)
        .build();
    Agent::new_with_config(config)
}

/// Whether an address leads to this machine itself.
fn is_this_machine(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]")
}

/// A request under way. Dropping it gives it up.
pub(super) struct Exchange {
    receiver: Receiver<Message>,
    silence_ms: u64,
    started: Result<(), String>,
}

impl Exchange {
    /// Waits for the head of the answer.
    pub fn head(&self, cancel: &CancelToken) -> Result<Head, Failure> {
        if let Err(error) = &self.started {
            return Err(Failure::Broken(format!("no thread for the request: {error}")));
        }
        match self.next(cancel)? {
            Message::Head(head) => Ok(head),
            _ => Err(Failure::Broken("the answer has no head".to_owned())),
        }
    }

    /// Waits for more of the body; `None` at its end.
    pub fn chunk(&self, cancel: &CancelToken) -> Result<Option<Vec<u8>>, Failure> {
        match self.next(cancel)? {
            Message::Chunk(bytes) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }

    fn next(&self, cancel: &CancelToken) -> Result<Message, Failure> {
        // The request has limits of its own for each of its steps; this one is for a look-up of a name that hangs.
        let limit_ms = self.silence_ms.saturating_mul(5).max(POLL_MS);
        let mut waited_ms = 0;
        while waited_ms < limit_ms {
            if cancel.is_cancelled() {
                return Err(Failure::Cancelled);
            }
            match self.receiver.recv_timeout(Duration::from_millis(POLL_MS)) {
                Ok(Message::Failed(failure)) => return Err(failure),
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) => waited_ms += POLL_MS,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Broken("the request ended without a word".to_owned()));
                }
            }
        }
        Err(Failure::Broken(silent(self.silence_ms)))
    }
}

/// The thread's part. It ends when nobody listens any more, at the latest when the server has been silent for too long.
fn run(agent: &Agent, request: &Request, silence_ms: u64, sender: &SyncSender<Message>) {
    let builder = if request.head_only { agent.head(&request.url) } else { agent.get(&request.url) };
    let builder = match &request.from {
        // The parts of a packed answer could not be put together.
        Some((from, mark)) => builder
            .header("Range", format!("bytes={from}-"))
            .header("If-Range", mark)
            .header("Accept-Encoding", "identity"),
        None => builder,
    };
    let last = match builder.call() {
        Err(error) => Message::Failed(failure(&error, silence_ms)),
        Ok(response) => {
            let (parts, body) = response.into_parts();
            let status = parts.status.as_u16();
            if sender.send(Message::Head(head(status, &parts.headers))).is_err() {
                return;
            }
            match pass_on(body, matches!(status, 200..=299) && !request.head_only, sender) {
                Ok(true) => Message::End,
                Ok(false) => return,
                Err(error) => Message::Failed(broken(&error, silence_ms)),
            }
        }
    };
    // Nobody may be listening any more, and that is all right.
    drop(sender.send(last));
}

/// Hands the body on; false if nobody listens any more.
fn pass_on(body: Body, wanted: bool, sender: &SyncSender<Message>) -> io::Result<bool> {
    if !wanted {
        // An error here says nothing that the status has not said.
        drop(io::copy(&mut body.into_reader().take(PAGE_BYTES), &mut io::sink()));
        return Ok(true);
    }
    let mut reader = body.into_with_config().limit(u64::MAX).reader();
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = reader.read(&mut chunk)?;
        if read == 0 {
            return Ok(true);
        }
        chunk.truncate(read);
        if sender.send(Message::Chunk(chunk)).is_err() {
            return Ok(false);
        }
    }
}

fn head(status: u16, headers: &HeaderMap) -> Head {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let length = text("content-length").and_then(|text| text.parse().ok());
    let strong = text("etag").filter(|mark| !mark.starts_with("W/"));
    let parts = text("accept-ranges").is_none_or(|ranges| !ranges.eq_ignore_ascii_case("none"));
    // Without a length the answer was packed, and its bytes are not those of the file.
    let mark = strong.or_else(|| text("last-modified")).filter(|_| parts && length.is_some());
    Head {
        status,
        length,
        mark: mark.map(str::to_owned),
        part: text("content-range").and_then(part),
        retry_after_s: text("retry-after").and_then(|text| text.parse().ok()),
        html: text("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html")),
    }
}

/// `bytes 100-199/200` is (100, 200).
fn part(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.strip_prefix("bytes")?.trim().split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, whole.trim().parse().ok()))
}

fn silent(silence_ms: u64) -> String {
    format!("silent for {} s; the server or the network is overloaded or down", silence_ms.div_ceil(1_000))
}

fn failure(error: &ureq::Error, silence_ms: u64) -> Failure {
    let connect = |text: &str| Failure::Connect(text.to_owned());
    match error {
        ureq::Error::HostNotFound => connect(
            "the name of the server is not known; check its spelling, the network, and whether a proxy is needed",
        ),
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            connect("no connection in time; check the network, the firewall, and whether a proxy is needed")
        }
        ureq::Error::Timeout(_) => Failure::Broken(silent(silence_ms)),
        ureq::Error::ConnectProxyFailed(reason) if reason.contains("407") => Failure::Denied(
            "the proxy wants a sign-in (407); write the proxy as http://user:password@host:port".to_owned(),
        ),
        ureq::Error::ConnectProxyFailed(reason) => Failure::Connect(format!("the proxy does not connect: {reason}")),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => Failure::Connect(no_tls(&error.to_string())),
        ureq::Error::Io(error) => failure_of_io(error),
        ureq::Error::ConnectionFailed => connect("no connection; check the network and the address"),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            Failure::Connect(format!("no such address can be asked: {error}"))
        }
        _ => Failure::Broken(error.to_string()),
    }
}

fn no_tls(why: &str) -> String {
    format!("no secure connection ({why}); check this machine's clock and certificates, and proxies that open TLS")
}

fn failure_of_io(error: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    let text = error.to_string();
    match error.kind() {
        Kind::ConnectionRefused => Failure::Connect(
            "the server refuses connections; check the address and the port, or whether it runs".to_owned(),
        ),
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable => {
            Failure::Connect(format!("there is no way to the server ({text}); check the network"))
        }
        Kind::InvalidData => Failure::Connect(no_tls(&text)),
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
            Failure::Broken(format!("the connection broke ({text})"))
        }
        _ if text.contains("lookup") || text.contains("resolve") => Failure::Connect(format!(
            "the name of the server is not known ({text}); check its spelling, the network, and whether a proxy is needed"
        )),
        _ => Failure::Broken(format!("the transfer failed: {text}")),
    }
}

/// What went wrong within a body.
fn broken(error: &io::Error, silence_ms: u64) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    let timeout = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
    if timeout || matches!(inner, Some(ureq::Error::Timeout(_))) {
        return Failure::Broken(silent(silence_ms));
    }
    Failure::Broken(format!("the transfer broke off ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_say_whether_a_file_can_be_asked_for_in_parts() {
        let read = |pairs: &[(&'static str, &str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (ureq::http::HeaderName::from_static(name), value.parse().unwrap()));
            head(200, &pairs.collect())
        };
        assert_eq!(read(&[("content-length", "9"), ("etag", "\"a\"")]).mark.as_deref(), Some("\"a\""));
        assert_eq!(
            read(&[("content-length", "9"), ("etag", "W/\"a\""), ("last-modified", "d")]).mark.as_deref(),
            Some("d")
        );
        assert_eq!(read(&[("content-length", "9"), ("etag", "\"a\""), ("accept-ranges", "none")]).mark, None);
        assert_eq!(read(&[("etag", "\"a\"")]).mark, None, "packed");
        assert_eq!(read(&[("content-range", "bytes 100-199/200")]).part, Some((100, Some(200))));
        assert_eq!(read(&[("content-range", "bytes 100-199/*")]).part, Some((100, None)));
        assert!(read(&[("content-type", "Text/HTML; charset=utf-8")]).html);
    }

    #[test]
    fn a_proxy_from_the_environment_is_not_for_this_machine() {
        assert!(is_this_machine("http://127.0.0.1:80/x") && is_this_machine("https://localhost/x"));
        assert!(!is_this_machine("http://symbols.example/127.0.0.1"));
        assert!(Client::new(Some("not a proxy"), 10).is_err_and(|why| why.contains("host:port")));
    }
}
