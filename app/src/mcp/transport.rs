//! Messages on standard input and output: one JSON object per line. Input that is no message is answered with an error of JSON-RPC,
//! which the transport of the SDK would pass over in silence.

use parking_lot::Mutex;
use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ClientNotification, ErrorCode, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rustc_hash::FxHashSet;
use serde_json::{Value, json};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::sync::{Arc, mpsc as threads};
use tokio::sync::{mpsc, oneshot};

/// Longest line of input in bytes.
const LINE_MAX: u64 = 16 << 20;
/// Lines that are read ahead.
const LINES_AHEAD: usize = 16;

/// A line of standard input.
enum Line {
    Text(Vec<u8>),
    TooLong,
}

/// Bytes to write, and where the result goes.
type Written = (Vec<u8>, oneshot::Sender<io::Result<()>>);

/// The standard streams of the process, each with a thread that reads or writes it.
pub struct Stdio {
    lines: Arc<tokio::sync::Mutex<mpsc::Receiver<Line>>>,
    out: threads::Sender<Written>,
}

impl Stdio {
    /// Starts the threads.
    pub fn start() -> Self {
        let (line_sender, lines) = mpsc::channel(LINES_AHEAD);
        let (out, to_write) = threads::channel();
        std::thread::spawn(move || read_lines(io::stdin(), &line_sender));
        std::thread::spawn(move || write_messages(io::stdout(), &to_write));
        Self { lines: Arc::new(tokio::sync::Mutex::new(lines)), out }
    }

    /// A transport on these streams; one at a time reads.
    pub fn transport(&self) -> StdioTransport {
        StdioTransport {
            lines: Arc::clone(&self.lines),
            out: self.out.clone(),
            unanswered: Arc::default(),
            is_at_end: false,
        }
    }
}

/// Sends lines until the input ends or nobody receives them.
fn read_lines(input: impl io::Read, sender: &mpsc::Sender<Line>) {
    let mut input = BufReader::new(input);
    loop {
        let mut line = Vec::new();
        // An error of reading is the end of the input.
        let read = input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line).unwrap_or(0);
        if read == 0 {
            return;
        }
        let is_too_long = read as u64 == LINE_MAX && line.last() != Some(&b'\n');
        if is_too_long && input.skip_until(b'\n').is_err() {
            return;
        }
        let line = if is_too_long { Line::TooLong } else { Line::Text(line) };
        if sender.blocking_send(line).is_err() {
            return;
        }
    }
}

/// Writes messages until nobody sends any.
fn write_messages(mut output: impl io::Write, receiver: &threads::Receiver<Written>) {
    for (bytes, result) in receiver {
        let written = output.write_all(&bytes).and_then(|()| output.flush());
        // A sender that gave up does not need the result.
        drop(result.send(written));
    }
}

/// The transport of a session.
pub struct StdioTransport {
    lines: Arc<tokio::sync::Mutex<mpsc::Receiver<Line>>>,
    out: threads::Sender<Written>,
    /// Requests without an answer so far: after the end of the input, they are still answered.
    unanswered: Arc<Mutex<FxHashSet<RequestId>>>,
    is_at_end: bool,
}

impl StdioTransport {
    /// Hands a message to the thread that writes.
    fn write(&self, message: serde_json::Result<Vec<u8>>) -> io::Result<oneshot::Receiver<io::Result<()>>> {
        let mut bytes = message?;
        bytes.push(b'\n');
        let (sender, receiver) = oneshot::channel();
        if self.out.send((bytes, sender)).is_err() {
            return Err(closed());
        }
        Ok(receiver)
    }

    /// Keeps account of requests without an answer.
    fn note(&self, message: &ClientJsonRpcMessage) {
        match message {
            JsonRpcMessage::Request(request) => drop(self.unanswered.lock().insert(request.id.clone())),
            JsonRpcMessage::Notification(notification) => {
                // A canceled request gets no answer.
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.unanswered.lock().remove(id);
                }
            }
            _ => {}
        }
    }
}

fn closed() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

impl Transport<RoleServer> for StdioTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered = match &message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        if let Some(id) = answered {
            self.unanswered.lock().remove(id);
        }
        let written = self.write(serde_json::to_vec(&message));
        async move { written?.await.unwrap_or_else(|_| Err(closed())) }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if self.is_at_end {
                if self.unanswered.lock().is_empty() {
                    return None;
                }
                // Asked again after each answer.
                std::future::pending::<()>().await;
            }
            let line = self.lines.lock().await.recv().await;
            let message = match line {
                None => {
                    self.is_at_end = true;
                    continue;
                }
                Some(Line::Text(text)) => read_message(&text),
                Some(Line::TooLong) => {
                    let message = format!("a message is longer than {} MB", LINE_MAX >> 20);
                    Err(error_message(&Value::Null, ErrorCode::INVALID_REQUEST, &message))
                }
            };
            match message {
                Ok(None) => {}
                Ok(Some(message)) => {
                    self.note(&message);
                    return Some(message);
                }
                // The thread that writes has the answer; the session goes on without waiting for it.
                Err(answer) => drop(self.write(serde_json::to_vec(&answer))),
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Reads a message; `None` for an empty line and for notifications that are not understood, which have no answer.
///
/// # Errors
/// The answer to what is no message.
fn read_message(line: &[u8]) -> Result<Option<ClientJsonRpcMessage>, Value> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(line).map_err(|error| {
        error_message(&Value::Null, ErrorCode::PARSE_ERROR, &format!("the message is not JSON: {error}"))
    })?;
    let Some(fields) = value.as_object() else {
        let message = "a message is one JSON object; several in one array are not supported";
        return Err(error_message(&Value::Null, ErrorCode::INVALID_REQUEST, message));
    };
    let id = fields.get("id").filter(|id| id.is_string() || id.is_i64() || id.is_u64());
    let id = id.cloned().unwrap_or(Value::Null);
    let is_notification = fields.contains_key("method") && !fields.contains_key("id");
    match serde_json::from_value(value) {
        Ok(message) => Ok(Some(message)),
        Err(_) if is_notification => Ok(None),
        Err(error) => {
            let message = format!("the message is no request of JSON-RPC 2.0: {error}");
            Err(error_message(&id, ErrorCode::INVALID_REQUEST, &message))
        }
    }
}

fn error_message(id: &Value, code: ErrorCode, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code.0, "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(line: &str) -> (Value, Value) {
        let answer = read_message(line.as_bytes()).expect_err(line);
        (answer["error"]["code"].clone(), answer["id"].clone())
    }

    #[test]
    fn what_is_no_message_is_answered_with_its_id() {
        assert_eq!(code_of("{\"jsonrpc\":"), (json!(-32700), Value::Null));
        assert_eq!(code_of("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]"), (json!(-32600), Value::Null));
        assert_eq!(code_of("{\"jsonrpc\":\"1.0\",\"id\":7,\"method\":\"ping\"}"), (json!(-32600), json!(7)));
        assert_eq!(code_of("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":3}"), (json!(-32600), json!("a")));
        assert_eq!(code_of("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}"), (json!(-32600), Value::Null));
        assert_eq!(code_of("{\"id\":9}"), (json!(-32600), json!(9)));
    }

    #[test]
    fn messages_are_read() {
        let ping = "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n";
        assert!(matches!(read_message(ping.as_bytes()), Ok(Some(JsonRpcMessage::Request(_)))));
        assert!(matches!(read_message(b"\r\n"), Ok(None)));
        assert!(
            matches!(read_message(b"{\"jsonrpc\":\"3\",\"method\":\"x\"}"), Ok(None)),
            "a notification has no answer"
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        let (sender, mut lines) = mpsc::channel(4);
        let long = io::repeat(b'x').take(LINE_MAX + 5).chain(&b"\nshort\n"[..]);
        read_lines(long, &sender);
        drop(sender);
        assert!(matches!(lines.blocking_recv(), Some(Line::TooLong)));
        assert!(matches!(lines.blocking_recv(), Some(Line::Text(text)) if text == b"short\n"));
        assert!(lines.blocking_recv().is_none());
    }
}
