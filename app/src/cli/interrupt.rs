//! Ctrl-C while a command works: it is asked to give up, cleans up and says so; if it does not look in time, or Ctrl-C comes
//! again, the process ends. Installed for commands only: the window is closed by its own ways.

use poolscope_base::progress::CancelToken;
use std::thread;
use std::time::Duration;

/// Exit code after an interrupt, as shells count it.
pub const INTERRUPTED: u8 = 130;

/// For so long a command may go on before the process ends.
const GRACE: Duration = Duration::from_secs(3);

/// Lets the signals that ask a program to end set `cancel`.
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
                thread::sleep(GRACE);
                end(signal);
            };
            drop(thread::Builder::new().name("grace".to_owned()).spawn(late));
        }
    };
    // Without a thread the system ends the program, as it did before.
    drop(thread::Builder::new().name("interrupt".to_owned()).spawn(watch));
}

/// Ends the process as the signal would have: a shell sees it, and ends its loop too.
#[cfg(unix)]
fn end(signal: i32) -> ! {
    drop(signal_hook::low_level::emulate_default_handler(signal));
    std::process::exit(i32::from(INTERRUPTED))
}

/// Ends an interrupted process whose work is cleaned up.
#[cfg(unix)]
pub fn leave() -> ! {
    end(signal_hook::consts::SIGINT)
}

/// Lets Ctrl-C set `cancel`.
#[cfg(not(unix))]
pub fn listen(cancel: &CancelToken) {
    let cancel = cancel.clone();
    let handler = move || {
        if cancel.is_cancelled() {
            leave();
        }
        cancel.cancel();
        let late = || {
            thread::sleep(GRACE);
            leave();
        };
        drop(thread::Builder::new().name("grace".to_owned()).spawn(late));
    };
    // Where that cannot be had the system ends the program, as it did before.
    drop(ctrlc::set_handler(handler));
}

/// Ends an interrupted process whose work is cleaned up.
#[cfg(not(unix))]
pub fn leave() -> ! {
    std::process::exit(i32::from(INTERRUPTED))
}
