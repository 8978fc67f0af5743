//! Runs a program without a shell and without a window, collects its output, and terminates it on timeout or cancellation.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use poolscope_base::progress::CancelToken;

use super::decode;

/// Interval between checks whether the program has exited.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Time to wait for output after the exit: child processes of the program can keep the pipes open.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(2);
/// Upper bound on bytes of output that are kept.
const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// Result of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessResult {
    /// Exit code; `None` if the system terminated it.
    pub exit: Option<i32>,
    /// Output of both streams.
    pub output: String,
}

/// Error of running a program.
#[derive(Debug)]
pub enum ProcessError {
    /// It could not be started.
    NoStart(std::io::Error),
    /// It was cancelled and terminated.
    Cancelled,
    /// It exceeded its time limit and was terminated.
    Hung(Duration),
}

/// Runs `program`; `on_output` gets its whole output whenever it grows.
///
/// # Errors
/// The program cannot be started, is cancelled, or exceeds `limit`.
pub fn run(
    program: &Path,
    arguments: &[OsString],
    limit: Option<Duration>,
    on_output: &dyn Fn(&str),
    cancel: &CancelToken,
) -> Result<ProcessResult, ProcessError> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    without_window(&mut command);
    let mut child = command.spawn().map_err(ProcessError::NoStart)?;
    let written = Arc::new(Mutex::new(Vec::new()));
    let (closed, streams) = collect(&mut child, &written);
    let began = Instant::now();
    let mut reported = 0;
    let exit = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.code(),
            Ok(None) => {}
            Err(error) => return Err(ProcessError::NoStart(error)),
        }
        if cancel.is_cancelled() {
            terminate(&mut child);
            return Err(ProcessError::Cancelled);
        }
        if let Some(limit) = limit.filter(|limit| began.elapsed() > *limit) {
            terminate(&mut child);
            return Err(ProcessError::Hung(limit));
        }
        reported = report_output(&written, reported, on_output);
        thread::sleep(POLL_INTERVAL);
    };
    let ended = Instant::now();
    for _ in 0..streams {
        // After the timeout, the output so far is used.
        if closed.recv_timeout(OUTPUT_TIMEOUT.saturating_sub(ended.elapsed())).is_err() {
            break;
        }
    }
    report_output(&written, reported, on_output);
    let output = decode::text(&written.lock());
    Ok(ProcessResult { exit, output })
}

/// Collects both streams on threads, each of which signals the end of its stream.
fn collect(child: &mut Child, written: &Arc<Mutex<Vec<u8>>>) -> (Receiver<()>, usize) {
    let (send, receive) = channel();
    let out = child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>);
    let err = child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>);
    let mut streams = 0;
    for mut stream in out.into_iter().chain(err) {
        let (written, send) = (Arc::clone(written), send.clone());
        let body = move || {
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut part) {
                let mut written = written.lock();
                // Further output is read, so that the program does not block, and discarded, to bound memory.
                let room = MAX_OUTPUT_BYTES.saturating_sub(written.len()).min(count);
                written.extend_from_slice(&part[..room]);
            }
            // The receiver is gone after a timeout.
            send.send(()).ok();
        };
        streams += usize::from(thread::Builder::new().name("output".to_owned()).spawn(body).is_ok());
    }
    (receive, streams)
}

fn report_output(written: &Mutex<Vec<u8>>, reported: usize, on_output: &dyn Fn(&str)) -> usize {
    let (length, text) = {
        let written = written.lock();
        if written.len() == reported {
            return reported;
        }
        (written.len(), decode::text(&written))
    };
    on_output(&text);
    length
}

fn terminate(child: &mut Child) {
    // The program may have exited meanwhile.
    if child.kill().is_ok() {
        child.wait().ok();
    }
}

#[cfg(windows)]
fn without_window(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    /// `CREATE_NO_WINDOW`.
    const NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(NO_WINDOW);
}

#[cfg(not(windows))]
fn without_window(_command: &mut Command) {}
