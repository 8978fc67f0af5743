//! Runs a program without a shell and without a window of its own, collects what it writes, and ends it when it takes too long
//! or is not wanted any more. It never waits longer than it is told to.

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

/// How often it is looked whether the program has ended.
const LOOK: Duration = Duration::from_millis(20);
/// How long output is waited for after the end: whatever the program started may still hold the pipes.
const REST: Duration = Duration::from_secs(2);
/// The most output that is kept, in bytes.
const MOST: usize = 1 << 20;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessResult {
    /// Its exit code; `None` when the system ended it.
    pub exit: Option<i32>,
    /// What it wrote, to either stream.
    pub output: String,
}

/// Why there is no end to tell of.
#[derive(Debug)]
pub enum ProcessError {
    /// It could not be started.
    NoStart(std::io::Error),
    /// It was not wanted any more, and was ended.
    Cancelled,
    /// It took longer than it may, and was ended.
    Hung(Duration),
}

/// Runs `program`; `tell` gets all that it has written so far, whenever that has grown.
///
/// # Errors
/// When it cannot be started, is cancelled, or takes longer than `limit`.
pub fn run(
    program: &Path,
    arguments: &[OsString],
    limit: Option<Duration>,
    tell: &dyn Fn(&str),
    cancel: &CancelToken,
) -> Result<ProcessResult, ProcessError> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    without_window(&mut command);
    let mut child = command.spawn().map_err(ProcessError::NoStart)?;
    let written = Arc::new(Mutex::new(Vec::new()));
    let (closed, streams) = collect(&mut child, &written);
    let began = Instant::now();
    let mut told = 0;
    let exit = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.code(),
            Ok(None) => {}
            Err(error) => return Err(ProcessError::NoStart(error)),
        }
        if cancel.is_cancelled() {
            end(&mut child);
            return Err(ProcessError::Cancelled);
        }
        if let Some(limit) = limit.filter(|limit| began.elapsed() > *limit) {
            end(&mut child);
            return Err(ProcessError::Hung(limit));
        }
        told = report_output(&written, told, tell);
        thread::sleep(LOOK);
    };
    let ended = Instant::now();
    for _ in 0..streams {
        // Whether a stream was closed or only waited for: what is there is taken.
        if closed.recv_timeout(REST.saturating_sub(ended.elapsed())).is_err() {
            break;
        }
    }
    report_output(&written, told, tell);
    let output = decode::text(&written.lock());
    Ok(ProcessResult { exit, output })
}

/// Collects both streams on threads; each says when its stream is closed.
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
                // A program that never stops writing shall not fill the memory; it is read on, so that it does not hang.
                let room = MOST.saturating_sub(written.len()).min(count);
                written.extend_from_slice(&part[..room]);
            }
            // Nobody listens any more when the program took too long to end.
            send.send(()).ok();
        };
        streams += usize::from(thread::Builder::new().name("output".to_owned()).spawn(body).is_ok());
    }
    (receive, streams)
}

fn report_output(written: &Mutex<Vec<u8>>, told: usize, tell: &dyn Fn(&str)) -> usize {
    let (length, text) = {
        let written = written.lock();
        if written.len() == told {
            return told;
        }
        (written.len(), decode::text(&written))
    };
    tell(&text);
    length
}

fn end(child: &mut Child) {
    // It may have ended by itself meanwhile: then there is nothing to end.
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
