//! What one element between stars means: a folder of this system, the address of a server, or something that cannot be
//! used here, with the reason.

use super::PathContext;
use super::split::next_variable;
use std::path::PathBuf;

/// One element.
pub(super) enum Element {
    /// Nothing was written.
    Empty,
    /// A folder.
    Folder(PathBuf),
    /// The address of a server, without a slash at the end.
    Server(String),
    /// Not usable, for this reason.
    Bad(String),
}

/// Reads elements.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// What they are read against.
    pub around: &'a PathContext,
}

impl Reader<'_> {
    /// Reads one.
    pub(super) fn read(self, element: &str) -> Element {
        let element = element.trim();
        if element.is_empty() {
            return Element::Empty;
        }
        if element.contains('\0') {
            return Element::Bad("a name cannot hold a zero character".to_owned());
        }
        let Some((scheme, rest)) = element.split_once("://") else { return self.folder(element) };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => server(scheme, rest),
            "file" => self.file_address(rest),
            _ => Element::Bad(format!("{scheme}:// is no address of a symbol server; only http:// and https:// are")),
        }
    }

    fn folder(self, text: &str) -> Element {
        // Those that are known were put in before.
        if let Some((_, name, _)) = next_variable(text).filter(|(_, name, _)| is_variable_name(name)) {
            return Element::Bad(format!("the variable %{name}% is not set"));
        }
        if let Some(below) = below_home(text) {
            return match &self.around.home {
                Some(home) => Element::Folder(join(home, below, self.around.windows)),
                None => Element::Bad("~ stands for the user's folder, which is not known".to_owned()),
            };
        }
        if !self.around.windows && is_windows_path(text) {
            return Element::Bad(format!("{text} is a path of Windows, which this system does not have"));
        }
        Element::Folder(PathBuf::from(text))
    }

    /// `file:///folder`, on Windows `file:///C:/folder` and `file://server/share` too.
    fn file_address(self, rest: &str) -> Element {
        let rest = rest.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(rest);
        match rest.strip_prefix('/') {
            Some(path) if self.around.windows => self.folder(&path.replace('/', "\\")),
            Some(_) => self.folder(rest),
            None if rest.is_empty() => Element::Bad("file:// names no folder".to_owned()),
            None => self.folder(&format!("\\\\{}", rest.replace('/', "\\"))),
        }
    }
}

fn server(scheme: &str, rest: &str) -> Element {
    let rest = rest.trim_end_matches('/');
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Element::Bad(format!("{scheme}://{rest} is no complete address of a server"));
    }
    Element::Server(format!("{}://{rest}", scheme.to_ascii_lowercase()))
}

/// What follows `~` or `~/`; `~name` is an ordinary name.
fn below_home(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('~')?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(['/', '\\']) }
}

/// Joins part by part, so that both kinds of slashes work on every system.
fn join(home: &std::path::Path, below: &str, windows: bool) -> PathBuf {
    let mut folder = home.to_path_buf();
    if windows {
        below.split(['/', '\\']).filter(|name| !name.is_empty()).for_each(|name| folder.push(name));
    } else {
        let below = if below.contains('/') { below.to_owned() } else { below.replace('\\', "/") };
        below.split('/').filter(|name| !name.is_empty()).for_each(|name| folder.push(name));
    }
    folder
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "/\\:*;".contains(c))
}

/// `C:\symbols`, `C:`, `\\server\share`, `symbols\x64`.
fn is_windows_path(text: &str) -> bool {
    let mut chars = text.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    drive && matches!(chars.next(), None | Some('/' | '\\')) || text.contains('\\')
}
