//! Ctrl-C cancels a command, which cleans up and exits. If it does not stop in time, or after another Ctrl-C, the process ends.
//! The window does not use this.

use poolscope_base::progress::CancelToken;
use std::thread;
use std::time::Duration;

/// Exit code after an interrupt (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;

/// Time for a command to stop before the process ends.
const GRACE_PERIOD: Duration = Duration::from_secs(3);

/// Makes SIGINT and SIGTERM set `cancel`.
#[cfg(unix)]
pub fn listen(cancel: &CancelToken) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return };
    let cancel = cancel.clone();
    let watch = move || {
        for signal in signals.forever() {
            if cancel.is_cancelled() {
                end(signal);
            }
            cancel.cancel();
            let late = move || {
                thread::sleep(GRACE_PERIOD);
                end(signal);
            };
            drop(thread::Builder::new().name("grace".to_owned()).spawn(late));
        }
    };
    // Without the thread, the default handler ends the program.
    drop(thread::Builder::new().name("interrupt".to_owned()).spawn(watch));
}

/// Ends the process by the signal, so that a shell ends its loop as well.
#[cfg(unix)]
fn end(signal: i32) -> ! {
    drop(signal_hook::low_level::emulate_default_handler(signal));
    std::process::exit(i32::from(INTERRUPTED))
}

/// Ends an interrupted process after the command has cleaned up.
#[cfg(unix)]
pub fn leave() -> ! {
    end(signal_hook::consts::SIGINT)
}

/// Makes Ctrl-C set `cancel`.
#[cfg(not(unix))]
pub fn listen(cancel: &CancelToken) {
    let cancel = cancel.clone();
    let handler = move || {
        if cancel.is_cancelled() {
            leave();
        }
        cancel.cancel();
        let late = || {
            thread::sleep(GRACE_PERIOD);
            leave();
        };
        drop(thread::Builder::new().name("grace".to_owned()).spawn(late));
    };
    // Without the handler, the system ends the program.
    drop(ctrlc::set_handler(handler));
}

/// Ends an interrupted process after the command has cleaned up.
#[cfg(not(unix))]
pub fn leave() -> ! {
    std::process::exit(i32::from(INTERRUPTED))
}
