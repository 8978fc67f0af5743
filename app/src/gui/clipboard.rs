//! Texts with HTML on the system's clipboard, which the window's own clipboard cannot hold.

use parking_lot::Mutex;

use crate::leak_text::RichText;

/// Puts texts with HTML on the clipboard.
pub trait RichClipboard: Send + Sync {
    /// Puts a text on the clipboard in both forms. Returns `false` if that is not possible.
    fn set(&self, text: &RichText) -> bool;
}

/// The clipboard of the system. It is kept: on X11 and Wayland the content is served by the program that set it.
#[derive(Default)]
pub struct SystemClipboard(Mutex<Option<arboard::Clipboard>>);

impl RichClipboard for SystemClipboard {
    fn set(&self, text: &RichText) -> bool {
        let mut clipboard = self.0.lock();
        if clipboard.is_none() {
            *clipboard = arboard::Clipboard::new().ok();
        }
        let set = clipboard.as_mut().map(|clipboard| clipboard.set_html(text.html.as_str(), Some(text.text.as_str())));
        set.is_some_and(|result| result.is_ok())
    }
}

/// A clipboard that takes no HTML: texts go to the window's own clipboard.
pub struct NoRichClipboard;

impl RichClipboard for NoRichClipboard {
    fn set(&self, _text: &RichText) -> bool {
        false
    }
}
