//! HTTP client for symbol servers. Each request runs on its own thread, so that a waiting caller can be cancelled at any
//! moment. The only user of the `ureq` crate. Status codes and errors are passed on without any decision.

use poolscope_base::progress::CancelToken;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use ureq::http::HeaderMap;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy, Timeout};

/// Some servers answer only to user agents that they know.
const USER_AGENT: &str = concat!("Microsoft-Symbol-Server/10.0.0.0 poolscope/", env!("CARGO_PKG_VERSION"));
const CHUNK_BYTES: usize = 64 * 1024;
const CHUNKS_WAITING: usize = 8;
/// Bytes of an error page that are read, so that the connection can be reused.
const PAGE_BYTES: u64 = 32 * 1024;
const POLL_MS: u64 = 10;

/// A GET or HEAD request.
#[derive(Clone, Debug, Default)]
pub(super) struct HttpRequest {
    pub url: String,
    /// Range request: first byte, and the validator (`ETag` or date) that the file must still have.
    pub from: Option<(u64, String)>,
    /// Send HEAD instead of GET.
    pub head_only: bool,
}

/// Status and headers of a response.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct ResponseHead {
    pub status: u16,
    /// Length of the body in bytes; `None` if not announced or compressed.
    pub length: Option<u64>,
    /// Validator for range requests, if the server supports them.
    pub validator: Option<String>,
    /// First byte of a partial response, and the size of the whole file.
    pub content_range: Option<(u64, Option<u64>)>,
    pub retry_after_s: Option<u64>,
    /// The content type is HTML.
    pub is_html: bool,
}

/// Reason why a response is missing or incomplete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum HttpError {
    /// No connection; what to check.
    Connect(String),
    /// The proxy requires authentication.
    Denied(String),
    /// Timeout, or the connection was interrupted.
    Interrupted(String),
    /// The caller cancelled.
    Cancelled,
}

enum Message {
    Head(ResponseHead),
    Chunk(Vec<u8>),
    End,
    Failed(HttpError),
}

/// Connection pools with and without the proxy.
#[derive(Debug)]
pub(super) struct HttpClient {
    direct: Agent,
    proxied: Option<Agent>,
    /// A configured proxy is used for all URLs, one from the environment not for this machine.
    proxy_for_all: bool,
    timeout_ms: u64,
}

impl HttpClient {
    /// A client. `proxy`: `host:port` or a URL; `None` for the proxy of the environment.
    pub fn new(proxy: Option<&str>, timeout_ms: u64) -> Result<Self, String> {
        let chosen = match proxy.map(str::trim).filter(|proxy| !proxy.is_empty()) {
            Some(text) => {
                let bad = |_| format!("{text:?} is not a valid proxy; enter host:port or http://host:port");
                Some(Proxy::new(text).map_err(bad)?)
            }
            None => None,
        };
        let proxy_for_all = chosen.is_some();
        let proxied = chosen.or_else(Proxy::try_from_env).map(|proxy| agent(Some(proxy), timeout_ms));
        Ok(Self { direct: agent(None, timeout_ms), proxied, proxy_for_all, timeout_ms })
    }

    /// Starts a request on a new thread.
    pub fn start(&self, request: HttpRequest) -> HttpResponse {
        let direct = !self.proxy_for_all && is_this_machine(&request.url);
        let agent = self.proxied.as_ref().filter(|_| !direct).unwrap_or(&self.direct).clone();
        let (sender, receiver) = sync_channel(CHUNKS_WAITING);
        let timeout_ms = self.timeout_ms;
        let started = std::thread::Builder::new()
            .name("symbol server".to_owned())
            .spawn(move || run_request(&agent, &request, timeout_ms, &sender));
        HttpResponse { receiver, timeout_ms, started: started.map(drop).map_err(|error| error.to_string()) }
    }
}

fn agent(proxy: Option<Proxy>, timeout_ms: u64) -> Agent {
    let silence = Some(Duration::from_millis(timeout_ms));
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

/// Returns `true` for URLs of this machine.
fn is_this_machine(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]")
}

/// A running request. Dropping it abandons the request.
pub(super) struct HttpResponse {
    receiver: Receiver<Message>,
    timeout_ms: u64,
    started: Result<(), String>,
}

impl HttpResponse {
    /// Waits for status and headers.
    pub fn head(&self, cancel: &CancelToken) -> Result<ResponseHead, HttpError> {
        if let Err(error) = &self.started {
            return Err(HttpError::Interrupted(format!("cannot start a thread for the request: {error}")));
        }
        match self.next(cancel)? {
            Message::Head(head) => Ok(head),
            _ => Err(HttpError::Interrupted("the response has no headers".to_owned())),
        }
    }

    /// Waits for the next chunk of the body; `None` at its end.
    pub fn chunk(&self, cancel: &CancelToken) -> Result<Option<Vec<u8>>, HttpError> {
        match self.next(cancel)? {
            Message::Chunk(bytes) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }

    fn next(&self, cancel: &CancelToken) -> Result<Message, HttpError> {
        // Each step of the request has its own timeout; this limit covers a name resolution that hangs.
        let limit_ms = self.timeout_ms.saturating_mul(5).max(POLL_MS);
        let mut waited_ms = 0;
        while waited_ms < limit_ms {
            if cancel.is_cancelled() {
                return Err(HttpError::Cancelled);
            }
            match self.receiver.recv_timeout(Duration::from_millis(POLL_MS)) {
                Ok(Message::Failed(failure)) => return Err(failure),
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) => waited_ms += POLL_MS,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(HttpError::Interrupted("the request ended unexpectedly".to_owned()));
                }
            }
        }
        Err(HttpError::Interrupted(timeout_message(self.timeout_ms)))
    }
}

/// Body of the request thread. It ends when the receiver is dropped, at the latest after the timeout.
fn run_request(agent: &Agent, request: &HttpRequest, timeout_ms: u64, sender: &SyncSender<Message>) {
    let builder = if request.head_only { agent.head(&request.url) } else { agent.get(&request.url) };
    let builder = match &request.from {
        // Ranges of a compressed response cannot be concatenated.
        Some((from, mark)) => builder
            .header("Range", format!("bytes={from}-"))
            .header("If-Range", mark)
            .header("Accept-Encoding", "identity"),
        None => builder,
    };
    let last = match builder.call() {
        Err(error) => Message::Failed(request_error(&error, timeout_ms)),
        Ok(response) => {
            let (parts, body) = response.into_parts();
            let status = parts.status.as_u16();
            if sender.send(Message::Head(parse_head(status, &parts.headers))).is_err() {
                return;
            }
            match forward_body(body, matches!(status, 200..=299) && !request.head_only, sender) {
                Ok(true) => Message::End,
                Ok(false) => return,
                Err(error) => Message::Failed(body_error(&error, timeout_ms)),
            }
        }
    };
    // The receiver may be gone.
    drop(sender.send(last));
}

/// Forwards the body; false if the receiver is gone.
fn forward_body(body: Body, wanted: bool, sender: &SyncSender<Message>) -> io::Result<bool> {
    if !wanted {
        // The status already tells the error.
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

fn parse_head(status: u16, headers: &HeaderMap) -> ResponseHead {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let length = text("content-length").and_then(|text| text.parse().ok());
    let strong = text("etag").filter(|mark| !mark.starts_with("W/"));
    let parts = text("accept-ranges").is_none_or(|ranges| !ranges.eq_ignore_ascii_case("none"));
    // Without a length the response was compressed, and its bytes are not those of the file.
    let mark = strong.or_else(|| text("last-modified")).filter(|_| parts && length.is_some());
    ResponseHead {
        status,
        length,
        validator: mark.map(str::to_owned),
        content_range: text("content-range").and_then(parse_content_range),
        retry_after_s: text("retry-after").and_then(|text| text.parse().ok()),
        is_html: text("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html")),
    }
}

/// `bytes 100-199/200` is (100, 200).
fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.strip_prefix("bytes")?.trim().split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, whole.trim().parse().ok()))
}

fn timeout_message(timeout_ms: u64) -> String {
    format!("no data for {} s; the server or the network is overloaded or down", timeout_ms.div_ceil(1_000))
}

fn request_error(error: &ureq::Error, timeout_ms: u64) -> HttpError {
    let connect = |text: &str| HttpError::Connect(text.to_owned());
    match error {
        ureq::Error::HostNotFound => connect(
            "the server name cannot be resolved; check the spelling, the network, and whether a proxy is needed",
        ),
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            connect("connection timed out; check the network, the firewall, and whether a proxy is needed")
        }
        ureq::Error::Timeout(_) => HttpError::Interrupted(timeout_message(timeout_ms)),
        ureq::Error::ConnectProxyFailed(reason) if reason.contains("407") => HttpError::Denied(
            "the proxy requires authentication (407); enter the proxy as http://user:password@host:port".to_owned(),
        ),
        ureq::Error::ConnectProxyFailed(reason) => HttpError::Connect(format!("the proxy cannot connect: {reason}")),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => HttpError::Connect(tls_message(&error.to_string())),
        ureq::Error::Io(error) => io_error(error),
        ureq::Error::ConnectionFailed => connect("cannot connect; check the network and the address"),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => HttpError::Connect(format!("invalid URL: {error}")),
        _ => HttpError::Interrupted(error.to_string()),
    }
}

fn tls_message(why: &str) -> String {
    format!("no secure connection ({why}); check this machine's clock and certificates, and proxies that intercept TLS")
}

fn io_error(error: &io::Error) -> HttpError {
    use io::ErrorKind as Kind;
    let text = error.to_string();
    match error.kind() {
        Kind::ConnectionRefused => HttpError::Connect(
            "the server refuses connections; check the address and the port, and that the server is running".to_owned(),
        ),
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable => {
            HttpError::Connect(format!("no route to the server ({text}); check the network"))
        }
        Kind::InvalidData => HttpError::Connect(tls_message(&text)),
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
            HttpError::Interrupted(format!("the connection was lost ({text})"))
        }
        _ if text.contains("lookup") || text.contains("resolve") => HttpError::Connect(format!(
            "the server name cannot be resolved ({text}); check the spelling, the network, and whether a proxy is needed"
        )),
        _ => HttpError::Interrupted(format!("the transfer failed: {text}")),
    }
}

/// Error while reading a body.
fn body_error(error: &io::Error, timeout_ms: u64) -> HttpError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    let timeout = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
    if timeout || matches!(inner, Some(ureq::Error::Timeout(_))) {
        return HttpError::Interrupted(timeout_message(timeout_ms));
    }
    HttpError::Interrupted(format!("the transfer was interrupted ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_whether_range_requests_work() {
        let read = |pairs: &[(&'static str, &str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (ureq::http::HeaderName::from_static(name), value.parse().unwrap()));
            parse_head(200, &pairs.collect())
        };
        assert_eq!(read(&[("content-length", "9"), ("etag", "\"a\"")]).validator.as_deref(), Some("\"a\""));
        assert_eq!(
            read(&[("content-length", "9"), ("etag", "W/\"a\""), ("last-modified", "d")]).validator.as_deref(),
            Some("d")
        );
        assert_eq!(read(&[("content-length", "9"), ("etag", "\"a\""), ("accept-ranges", "none")]).validator, None);
        assert_eq!(read(&[("etag", "\"a\"")]).validator, None, "compressed");
        assert_eq!(read(&[("content-range", "bytes 100-199/200")]).content_range, Some((100, Some(200))));
        assert_eq!(read(&[("content-range", "bytes 100-199/*")]).content_range, Some((100, None)));
        assert!(read(&[("content-type", "Text/HTML; charset=utf-8")]).is_html);
    }

    #[test]
    fn a_proxy_from_the_environment_is_not_for_this_machine() {
        assert!(is_this_machine("http://127.0.0.1:80/x") && is_this_machine("https://localhost/x"));
        assert!(!is_this_machine("http://symbols.example/127.0.0.1"));
        assert!(HttpClient::new(Some("not a proxy"), 10).is_err_and(|why| why.contains("host:port")));
    }
}
