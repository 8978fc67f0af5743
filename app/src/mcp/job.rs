//! Work of a request on a thread of its own: a cancel of the request reaches the command, and its progress reaches the client.

use super::invocation::Invocation;
use super::session::Session;
use crate::cli::io::Io;
use crate::cli::progress::{CommandProgress, CommandReading};
use crate::cli::{self, Outcome};
use crate::symbols::SymbolEnvironment;
use poolscope_base::progress::CancelToken;
use rmcp::RoleServer;
use rmcp::model::{ErrorData, ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Pause between two notifications of progress.
const INTERVAL: Duration = Duration::from_millis(100);
/// Shares of the whole in percent: loads, and symbols after them; the rest is the question itself.
const LOAD_PERCENT: f64 = 80.0;
const SYMBOLS_PERCENT: f64 = 15.0;

/// Cancellation and progress of a request.
#[derive(Debug, Default)]
pub struct Job {
    cancel: CancelToken,
    progress: Arc<CommandProgress>,
    /// Number of traces that the request needs.
    traces: AtomicUsize,
}

/// Result of a command.
#[derive(Debug)]
pub struct CommandOutput {
    /// Exit code.
    pub code: u8,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error: warnings, notes, or the error.
    pub messages: String,
}

impl Job {
    /// Sets the number of traces that the request needs.
    pub fn expect_traces(&self, traces: usize) {
        self.traces.store(traces, Ordering::Relaxed);
    }

    /// Runs a command on the open traces of the session.
    #[must_use]
    pub fn run(&self, session: &Session, line: &Invocation) -> CommandOutput {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let outcome = {
            let mut io = Io {
                environment: SymbolEnvironment::from_system(),
                cancel: self.cancel.clone(),
                progress: Arc::clone(&self.progress),
                open_traces: Some(Arc::clone(&session.open)),
                ..Io::captured(&mut out, &mut err)
            };
            cli::run(line.arguments(), &mut io)
        };
        let code = match outcome {
            Outcome::Exit(code) => code,
            Outcome::Window(_) | Outcome::Server(_) => 1,
        };
        CommandOutput { code, out, messages: String::from_utf8_lossy(&err).into_owned() }
    }
}

/// Runs work on a thread of its own while its progress is sent, if the client asks for it.
///
/// # Errors
/// The work panicked: a defect of this program.
pub async fn watch<R: Send + 'static>(
    context: &RequestContext<RoleServer>,
    work: impl FnOnce(&Job) -> R + Send + 'static,
) -> Result<R, ErrorData> {
    let job = Arc::new(Job::default());
    let of_work = Arc::clone(&job);
    let mut running = tokio::task::spawn_blocking(move || work(&of_work));
    let token = context.meta.get_progress_token();
    let mut sender = token.map(|token| ProgressSender { peer: context.peer.clone(), token, sent: -1.0 });
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            done = &mut running => {
                return done.map_err(|error| ErrorData::internal_error(format!("internal error: {error}. Please report it"), None));
            }
            () = context.ct.cancelled(), if !job.cancel.is_cancelled() => job.cancel.cancel(),
            _ = ticks.tick(), if sender.is_some() => {
                if let Some(sender) = &mut sender {
                    sender.send(&job).await;
                }
            }
        }
    }
}

/// Sends the progress of a request.
struct ProgressSender {
    peer: Peer<RoleServer>,
    token: ProgressToken,
    /// Percentage that was sent last: it only rises.
    sent: f64,
}

impl ProgressSender {
    async fn send(&mut self, job: &Job) {
        let reading = job.progress.read();
        let percent = percent(&reading, job.traces.load(Ordering::Relaxed));
        if percent <= self.sent {
            return;
        }
        self.sent = percent;
        let progress = ProgressNotificationParam::new(self.token.clone(), percent).with_total(100.0);
        // A client that is gone needs no progress.
        drop(self.peer.notify_progress(progress.with_message(message(&reading))).await);
    }
}

/// Percentage of the whole that is done.
fn percent(reading: &CommandReading, traces: usize) -> f64 {
    let loads = reading.load.map_or(0.0, |load| {
        let earlier = reading.loads_begun.saturating_sub(1) as f64;
        (earlier + load.share()) / reading.loads_begun.max(traces).max(1) as f64
    });
    match &reading.symbols {
        None => LOAD_PERCENT * loads,
        Some(symbols) => LOAD_PERCENT + SYMBOLS_PERCENT * symbols.done as f64 / symbols.modules.max(1) as f64,
    }
}

fn message(reading: &CommandReading) -> String {
    match (&reading.symbols, &reading.load) {
        (Some(symbols), _) if symbols.done < symbols.modules => {
            format!("symbols: {} of {} modules, {}", symbols.done, symbols.modules, symbols.module)
        }
        (None, Some(load)) if load.share() < 1.0 => load.stage.name().to_owned(),
        _ => "analyzing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_rises_over_loads_and_symbols() {
        let progress = CommandProgress::default();
        let now = || percent(&progress.read(), 2);
        let mut seen = vec![now()];
        for _ in 0..2 {
            let load = progress.begin_load();
            load.begin(poolscope_base::progress::Stage::Records, 100);
            seen.push(now());
            load.advance(50, 1);
            seen.push(now());
            assert_eq!(message(&progress.read()), "reading and pairing events");
            load.enter(poolscope_base::progress::Stage::Done);
            load.advance(50, 1);
            seen.push(now());
        }
        assert!((now() - LOAD_PERCENT).abs() < 1e-9, "{}", now());
        progress.begin_symbols(2);
        progress.set_module("a.sys searching");
        progress.finish_module();
        seen.push(now());
        assert_eq!(message(&progress.read()), "symbols: 1 of 2 modules, a.sys searching");
        progress.finish_module();
        seen.push(now());
        assert_eq!(message(&progress.read()), "analyzing");
        assert!(seen.is_sorted() && seen.last().is_some_and(|last| *last < 100.0), "{seen:?}");
    }
}
