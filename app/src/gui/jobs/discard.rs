//! Frees what is no longer shown. Ten million rows take longer to give back than a frame lasts, so that another thread does it.

use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

type Old = Box<dyn Send>;

/// Drops a value, soon and elsewhere.
pub fn discard(value: impl Send + 'static) {
    static BIN: OnceLock<Option<Sender<Old>>> = OnceLock::new();
    let bin = BIN.get_or_init(|| {
        let (send, receive) = channel::<Old>();
        let empty = move || receive.into_iter().for_each(drop);
        thread::Builder::new().name("discard".to_owned()).spawn(empty).is_ok().then_some(send)
    });
    // Without a thread it is dropped here and now: slow, but right.
    if let Some(bin) = bin {
        drop(bin.send(Box::new(value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::ThreadId;

    /// Tells which thread dropped it.
    struct Tells(Sender<ThreadId>);

    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.send(thread::current().id()).unwrap_or_default();
        }
    }

    #[test]
    fn it_is_dropped_by_another_thread() {
        let (send, receive) = channel();
        discard(Tells(send));
        let by = receive.recv_timeout(std::time::Duration::from_secs(60)).expect("it is dropped");
        assert_ne!(by, thread::current().id());
    }
}
