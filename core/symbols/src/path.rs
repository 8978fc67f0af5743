//! Symbol paths in the debuggers' notation: `srv*C:\symbols*https://server`, `cache*`, folders, separated by `;`. Pure
//! parsing: neither the disk nor the network is accessed.

use std::path::{Path, PathBuf};

/// Server that a bare `srv*` means to the debuggers.
pub const MICROSOFT_SERVER: &str = "https://msdl.microsoft.com/download/symbols";

/// Folders and variables that a symbol path may refer to.
#[derive(Clone, Debug, Default)]
pub struct PathContext {
    /// The user's home folder, for `~`.
    pub home: Option<PathBuf>,
    /// Store used for empty elements (`srv**https://…`, `cache*`).
    pub default_store: PathBuf,
    /// Environment variables for `%NAME%`, names in upper case.
    pub variables: Vec<(String, String)>,
    /// Paths are Windows paths.
    pub windows: bool,
}

/// One part of a symbol path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PathPart {
    /// A folder: flat, or a two-tier or three-tier store. Never written to.
    Folder(PathBuf),
    /// Files found in later parts are copied here.
    Cache(PathBuf),
    /// Stores, nearest first, followed by servers. Files are copied into the stores to the left of where they were found.
    Chain {
        /// Store folders.
        stores: Vec<PathBuf>,
        /// Server URLs, `http://` or `https://`, without a trailing slash.
        servers: Vec<String>,
    },
}

/// A part of a symbol path that could not be taken as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathProblem {
    /// The part as written.
    pub part: String,
    /// The problem, and what is used instead.
    pub text: String,
}

/// A parsed symbol path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SymbolPath {
    /// Parts in order: the text as written and its meaning. A part with two meanings is listed twice.
    pub parts: Vec<(String, PathPart)>,
    /// Parts that could not be taken as written.
    pub problems: Vec<PathProblem>,
}

impl SymbolPath {
    /// Parses a symbol path. An invalid part becomes a problem and does not affect the other parts.
    #[must_use]
    pub fn parse(text: &str, context: &PathContext) -> Self {
        let text = without_command(text);
        let mut path = Self::default();
        let (parts, unbalanced) = split_parts(text);
        if unbalanced {
            path.problem(text.trim(), "a quotation mark is not closed; all quotation marks are ignored".to_owned());
        }
        for written in parts {
            let expanded = expand_variables(&written, &context.variables);
            // A variable may hold several parts. Without a variable, a `;` inside a part was quoted.
            let parts = if expanded == written { vec![expanded] } else { split_parts(&expanded).0 };
            for part in parts {
                path.part(&written, &part, context);
            }
        }
        path
    }

    fn problem(&mut self, part: &str, text: String) {
        self.problems.push(PathProblem { part: part.to_owned(), text });
    }

    fn part(&mut self, written: &str, part: &str, context: &PathContext) {
        let mut elements = part.split('*').map(str::trim);
        let first = elements.next().unwrap_or_default();
        let rest: Vec<&str> = elements.collect();
        let reader = ElementParser { context };
        match (first.to_ascii_lowercase().as_str(), rest.as_slice()) {
            (_, []) => self.single(written, first, reader),
            ("srv", rest) => self.chain(written, rest, reader),
            ("symsrv", rest) => {
                let rest = self.without_dll(written, rest);
                self.chain(written, rest, reader);
            }
            ("cache", rest) => self.caches(written, rest, reader),
            _ => {
                let text = format!("does not start with srv* or cache*; treated as srv*{part}");
                self.problem(written, text);
                let all: Vec<&str> = std::iter::once(first).chain(rest.iter().copied()).collect();
                self.chain(written, &all, reader);
            }
        }
    }

    /// A part without `*`: a folder, or a server URL, which the debuggers treat as `srv*URL`.
    fn single(&mut self, written: &str, element: &str, reader: ElementParser<'_>) {
        match reader.read(element) {
            PathElement::Empty => {}
            PathElement::Folder(folder) => self.parts.push((written.to_owned(), PathPart::Folder(folder))),
            PathElement::Server(_) => self.chain(written, &[element], reader),
            PathElement::Invalid(why) => self.problem(written, format!("{why}; this part is ignored")),
        }
    }

    /// `cache*folder`. With a server URL in it, `srv*` was meant.
    fn caches(&mut self, written: &str, elements: &[&str], reader: ElementParser<'_>) {
        if elements.iter().any(|element| matches!(reader.read(element), PathElement::Server(_))) {
            self.problem(written, "cache* accepts folders only; treated as srv*".to_owned());
            return self.chain(written, elements, reader);
        }
        for (index, element) in elements.iter().enumerate() {
            let folder = match reader.read(element) {
                PathElement::Folder(folder) => folder,
                PathElement::Empty | PathElement::Server(_) if index > 0 => continue,
                PathElement::Empty | PathElement::Server(_) => reader.context.default_store.clone(),
                PathElement::Invalid(why) => self.default_instead(written, &why, reader),
            };
            self.parts.push((written.to_owned(), PathPart::Cache(folder)));
        }
    }

    fn default_instead(&mut self, written: &str, why: &str, reader: ElementParser<'_>) -> PathBuf {
        let store = reader.context.default_store.clone();
        self.problem(written, format!("{why}; the default store {} is used instead", store.display()));
        store
    }

    /// The elements after `srv*`: stores, then servers. Folders after a server become separate parts, because a file from a
    /// server is only copied into stores to its left.
    fn chain(&mut self, written: &str, elements: &[&str], reader: ElementParser<'_>) {
        let (mut stores, mut servers, mut behind) = (Vec::new(), Vec::new(), Vec::new());
        for (index, element) in elements.iter().enumerate() {
            match reader.read(element) {
                PathElement::Server(address) => servers.push(address),
                PathElement::Folder(folder) if servers.is_empty() => push_new(&mut stores, folder),
                PathElement::Folder(folder) => behind.push(folder),
                // A trailing star (`srv*C:\symbols*`) has no meaning; an empty element before the end is the default store.
                PathElement::Empty if index + 1 == elements.len() && index > 0 => {}
                PathElement::Empty if servers.is_empty() => push_new(&mut stores, reader.context.default_store.clone()),
                PathElement::Empty => {}
                PathElement::Invalid(why) if looks_like_address(element) => {
                    self.problem(written, format!("{why}; this element is ignored"));
                }
                PathElement::Invalid(why) => push_new(&mut stores, self.default_instead(written, &why, reader)),
            }
        }
        if elements.iter().all(|element| element.is_empty()) {
            servers.push(MICROSOFT_SERVER.to_owned());
        }
        // Files from a server without a store are kept in the default store.
        if stores.is_empty() && !servers.is_empty() {
            stores.push(reader.context.default_store.clone());
        }
        if !stores.is_empty() || !servers.is_empty() {
            self.parts.push((written.to_owned(), PathPart::Chain { stores, servers }));
        }
        for folder in behind {
            let text = format!("{} follows a server; it is searched after the server, as a folder", folder.display());
            self.problem(written, text);
            self.parts.push((written.to_owned(), PathPart::Folder(folder)));
        }
    }

    /// Drops the library name of `symsrv*LIBRARY*…`: symbol server libraries are not used.
    fn without_dll<'e>(&mut self, written: &str, elements: &'e [&'e str]) -> &'e [&'e str] {
        let Some((first, rest)) = elements.split_first() else { return elements };
        let lower = first.to_ascii_lowercase();
        if lower == "symsrv.dll" || lower.is_empty() {
            return rest;
        }
        if lower.ends_with(".dll") {
            self.problem(written, format!("the library {first} is not used; treated as srv*"));
            return rest;
        }
        elements
    }
}

fn push_new(stores: &mut Vec<PathBuf>, folder: PathBuf) {
    if !stores.contains(&folder) {
        stores.push(folder);
    }
}

fn looks_like_address(element: &str) -> bool {
    element.contains("://") && !element.to_ascii_lowercase().starts_with("file:")
}

/// Meaning of one element between stars.
pub(super) enum PathElement {
    /// Empty.
    Empty,
    /// A folder.
    Folder(PathBuf),
    /// A server URL without a trailing slash.
    Server(String),
    /// Not usable; the reason.
    Invalid(String),
}

/// Parses elements.
#[derive(Clone, Copy)]
pub(super) struct ElementParser<'a> {
    /// Folders and variables that elements may refer to.
    pub context: &'a PathContext,
}

impl ElementParser<'_> {
    /// Parses one element.
    pub(super) fn read(self, element: &str) -> PathElement {
        let element = element.trim();
        if element.is_empty() {
            return PathElement::Empty;
        }
        if element.contains('\0') {
            return PathElement::Invalid("a name cannot contain a null character".to_owned());
        }
        let Some((scheme, rest)) = element.split_once("://") else { return self.folder(element) };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => server(scheme, rest),
            "file" => self.file_address(rest),
            _ => PathElement::Invalid(format!(
                "{scheme}:// is not supported for symbol servers; use http:// or https://"
            )),
        }
    }

    fn folder(self, text: &str) -> PathElement {
        // Known variables were expanded before.
        if let Some((_, name, _)) = next_variable(text).filter(|(_, name, _)| is_variable_name(name)) {
            return PathElement::Invalid(format!("the variable %{name}% is not set"));
        }
        if let Some(below) = below_home(text) {
            return match &self.context.home {
                Some(home) => PathElement::Folder(join(home, below, self.context.windows)),
                None => PathElement::Invalid("~ is the user's home folder, which is not known".to_owned()),
            };
        }
        if !self.context.windows && is_windows_path(text) {
            return PathElement::Invalid(format!("{text} is a Windows path and cannot be used on this system"));
        }
        PathElement::Folder(PathBuf::from(text))
    }

    /// `file:///folder`; on Windows also `file:///C:/folder` and `file://server/share`.
    fn file_address(self, rest: &str) -> PathElement {
        let rest = rest.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(rest);
        match rest.strip_prefix('/') {
            Some(path) if self.context.windows => self.folder(&path.replace('/', "\\")),
            Some(_) => self.folder(rest),
            None if rest.is_empty() => PathElement::Invalid("file:// does not name a folder".to_owned()),
            None => self.folder(&format!("\\\\{}", rest.replace('/', "\\"))),
        }
    }
}

fn server(scheme: &str, rest: &str) -> PathElement {
    let rest = rest.trim_end_matches('/');
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return PathElement::Invalid(format!("{scheme}://{rest} is not a complete server URL"));
    }
    PathElement::Server(format!("{}://{rest}", scheme.to_ascii_lowercase()))
}

/// The path after `~` or `~/`; `~name` is an ordinary name.
fn below_home(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('~')?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(['/', '\\']) }
}

/// Joins component by component, so that both kinds of slashes work on every system.
fn join(home: &Path, below: &str, windows: bool) -> PathBuf {
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

/// Returns `true` for `C:\symbols`, `C:`, `\\server\share`, `symbols\x64`.
fn is_windows_path(text: &str) -> bool {
    let mut chars = text.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    drive && matches!(chars.next(), None | Some('/' | '\\')) || text.contains('\\')
}

/// The path of a pasted command: `set _NT_SYMBOL_PATH=path`, also in quotes, with `setx` or `export` or as PowerShell writes it, and
/// the debuggers' `.sympath path`, `.sympath+ path`.
fn without_command(text: &str) -> &str {
    let trimmed = text.trim();
    // `set "NAME=value"` puts the quotes around both.
    for name in ["_NT_SYMBOL_PATH", "_NT_ALT_SYMBOL_PATH"] {
        let Some(at) = trimmed.to_ascii_uppercase().find(name) else { continue };
        let before = trimmed[..at].trim_end().to_ascii_lowercase();
        let quoted = before.ends_with('"');
        let command = before.trim_end_matches('"').trim_end();
        let is_command = matches!(command, "" | "set" | "setx" | "setx /m" | "export" | "$env:");
        let rest = trimmed[at + name.len()..].trim_start();
        let value = match rest.strip_prefix('=') {
            Some(value) => value,
            // `setx NAME value` has no `=`.
            None if command.starts_with("setx") && !rest.is_empty() => rest,
            None => continue,
        };
        if is_command {
            let value = value.trim();
            return if quoted { value.strip_suffix('"').unwrap_or(value) } else { unquoted(value) };
        }
    }
    let is_sympath = trimmed.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(".sympath"));
    match trimmed.get(8..).filter(|_| is_sympath) {
        Some(rest) => {
            let path = rest.strip_prefix('+').unwrap_or(rest);
            if path.is_empty() || path.starts_with(char::is_whitespace) { path.trim() } else { text }
        }
        None => text,
    }
}

/// A value without the quotes around all of it. Quotes around single parts stay.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.contains(quote)) {
            return inner;
        }
    }
    value
}

/// Splits at `;` outside quotes, trims blanks and quotes, drops empty parts. The flag tells that a quote is not closed.
pub(super) fn split_parts(text: &str) -> (Vec<String>, bool) {
    let unbalanced = text.matches('"').count() % 2 == 1;
    let mut quoted = false;
    let pieces = text.split(|c: char| {
        if c == '"' && !unbalanced {
            quoted = !quoted;
        }
        c == ';' && !quoted
    });
    let bare_pieces = pieces.map(|piece| piece.replace('"', "").trim().to_owned());
    (bare_pieces.filter(|piece| !piece.is_empty()).collect(), unbalanced)
}

/// Expands `%NAME%`, ignoring case. Unknown names are left unchanged.
pub(super) fn expand_variables(text: &str, variables: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_variable(rest) {
        out.push_str(before);
        if let Some((_, value)) = variables.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            out.push_str(value);
            rest = after;
        } else {
            // The second % may open another name.
            out.push('%');
            out.push_str(name);
            rest = &rest[before.len() + 1 + name.len()..];
        }
    }
    out.push_str(rest);
    out
}

/// The first `%NAME%`: the text before it, the name, the text after it.
pub(super) fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('%')?;
    let length = text[start + 1..].find('%')?;
    let end = start + 1 + length;
    Some((&text[..start], &text[start + 1..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://msdl.microsoft.com/download/symbols";

    fn unix() -> PathContext {
        PathContext {
            home: Some(PathBuf::from("/users/ann")),
            default_store: PathBuf::from("/cache/symbols"),
            variables: vec![("SYMS".to_owned(), "/mnt/syms".to_owned()), ("TWO".to_owned(), "/a;srv*/b".to_owned())],
            windows: false,
        }
    }

    fn windows() -> PathContext {
        PathContext {
            home: Some(PathBuf::from("C:\\Users\\ann")),
            default_store: PathBuf::from("C:\\cache"),
            variables: vec![("SYSTEMDRIVE".to_owned(), "C:".to_owned())],
            windows: true,
        }
    }

    fn chain(stores: &[&str], servers: &[&str]) -> PathPart {
        PathPart::Chain {
            stores: stores.iter().map(PathBuf::from).collect(),
            servers: servers.iter().map(|&server| server.to_owned()).collect(),
        }
    }

    fn folder(path: &str) -> PathPart {
        PathPart::Folder(PathBuf::from(path))
    }

    fn cache(path: &str) -> PathPart {
        PathPart::Cache(PathBuf::from(path))
    }

    /// The parsed parts and the number of problems.
    fn read(text: &str, context: &PathContext) -> (Vec<PathPart>, usize) {
        let path = SymbolPath::parse(text, context);
        (path.parts.into_iter().map(|(_, part)| part).collect(), path.problems.len())
    }

    #[test]
    fn documented_debugger_forms_parse() {
        let w = windows();
        let cases = [
            (format!("srv*C:\\symbols*{URL}"), vec![chain(&["C:\\symbols"], &[URL])]),
            (format!("srv*C:\\a*\\\\build\\b*{URL}"), vec![chain(&["C:\\a", "\\\\build\\b"], &[URL])]),
            ("srv*C:\\symbols*".to_owned(), vec![chain(&["C:\\symbols"], &[])]),
            ("srv*C:\\symbols".to_owned(), vec![chain(&["C:\\symbols"], &[])]),
            ("srv*".to_owned(), vec![chain(&["C:\\cache"], &[URL])]),
            (format!("srv**{URL}"), vec![chain(&["C:\\cache"], &[URL])]),
            (format!("srv*{URL}/"), vec![chain(&["C:\\cache"], &[URL])]),
            (format!("SymSrv*SymSrv.dll*C:\\s*{URL}"), vec![chain(&["C:\\s"], &[URL])]),
            ("cache*".to_owned(), vec![cache("C:\\cache")]),
            ("Cache*D:\\c;\\\\build\\drop".to_owned(), vec![cache("D:\\c"), folder("\\\\build\\drop")]),
            ("C:\\one;C:\\two\\".to_owned(), vec![folder("C:\\one"), folder("C:\\two\\")]),
            (URL.to_owned(), vec![chain(&["C:\\cache"], &[URL])]),
            (format!("srv*C:\\s*{URL}*https://other/x"), vec![chain(&["C:\\s"], &[URL, "https://other/x"])]),
            ("srv*%SystemDrive%\\s*http://b".to_owned(), vec![chain(&["C:\\s"], &["http://b"])]),
            (" ; \"C:\\Program Files\\s\" ; ;".to_owned(), vec![folder("C:\\Program Files\\s")]),
            ("srv* \"C:\\a;b\" *http://x ".to_owned(), vec![chain(&["C:\\a;b"], &["http://x"])]),
            ("file:///C:/s;file://build/share".to_owned(), vec![folder("C:\\s"), folder("\\\\build\\share")]),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(&text, &w), (wanted, 0), "{text}");
        }
    }

    #[test]
    fn pasted_commands_are_paths() {
        let w = windows();
        let wanted = read(&format!("srv*C:\\s*{URL};C:\\My pdbs"), &w).0;
        let path = format!("srv*C:\\s*{URL};C:\\My pdbs");
        for text in [
            format!("set _NT_SYMBOL_PATH={path}"),
            format!("  SET _nt_symbol_path = {path} "),
            format!("set \"_NT_SYMBOL_PATH={path}\""),
            format!("setx _NT_SYMBOL_PATH \"{path}\""),
            format!("setx /M _NT_SYMBOL_PATH \"{path}\""),
            format!("export _NT_SYMBOL_PATH='{path}'"),
            format!("$env:_NT_SYMBOL_PATH = \"{path}\""),
            format!("_NT_SYMBOL_PATH={path}"),
            format!(".sympath {path}"),
            format!(".SYMPATH+ {path}"),
        ] {
            assert_eq!(read(&text, &w), (wanted.clone(), 0), "{text}");
        }
        assert_eq!(read("set _NT_SYMBOL_PATH=\"C:\\a b\";C:\\c", &w).0, [folder("C:\\a b"), folder("C:\\c")]);
        assert_eq!(read(".sympath", &w), (vec![], 0));
        assert_eq!(read(".sympathy", &w).0, [folder(".sympathy")]);
        assert_eq!(read("%_NT_SYMBOL_PATH%", &w).1, 1, "a variable is no command");
    }

    #[test]
    fn home_folder_and_variables_are_expanded() {
        let u = unix();
        assert_eq!(read("srv*~/symbols*http://x", &u), (vec![chain(&["/users/ann/symbols"], &["http://x"])], 0));
        assert_eq!(read("~;~\\s;~other", &u).0, [folder("/users/ann"), folder("/users/ann/s"), folder("~other")]);
        assert_eq!(read("%syms%/x64", &u), (vec![folder("/mnt/syms/x64")], 0));
        assert_eq!(read("%TWO%;/c", &u).0, [folder("/a"), chain(&["/b"], &[]), folder("/c")]);
        assert_eq!(read("srv*/s*http://x/a%20b%20c", &u), (vec![chain(&["/s"], &["http://x/a%20b%20c"])], 0));
        let home = SymbolPath::parse("~/s", &PathContext { home: None, ..unix() });
        assert!(home.parts.is_empty() && home.problems[0].text.contains("not known"), "{home:?}");
        let joined = read("srv*~\\s*http://x", &windows()).0;
        assert_eq!(
            joined,
            [PathPart::Chain {
                stores: vec![Path::new("C:\\Users\\ann").join("s")],
                servers: vec!["http://x".to_owned()]
            }]
        );
    }

    #[test]
    fn windows_paths_on_other_systems_fall_back_to_the_default_store() {
        let path = SymbolPath::parse(&format!("srv*C:\\symbols*{URL};D:\\pdbs;cache*\\\\srv\\c;/ok"), &unix());
        let parts: Vec<&PathPart> = path.parts.iter().map(|(_, part)| part).collect();
        assert_eq!(parts, [&chain(&["/cache/symbols"], &[URL]), &cache("/cache/symbols"), &folder("/ok")]);
        let texts: Vec<&str> = path.problems.iter().map(|problem| problem.text.as_str()).collect();
        assert_eq!(texts.len(), 3);
        assert!(texts[0].contains("C:\\symbols") && texts[0].contains("/cache/symbols"), "{}", texts[0]);
        assert!(texts[1].contains("D:\\pdbs") && texts[1].contains("ignored"), "{}", texts[1]);
        assert_eq!(path.problems[2].part, "cache*\\\\srv\\c");
    }

    #[test]
    fn invalid_parts_are_reported_and_leave_the_rest() {
        let u = unix();
        let valid = folder("/ok");
        let cases = [
            ("%NOPE%/x;/ok", vec![valid.clone()]),
            ("srv*%NOPE%*http://x;/ok", vec![chain(&["/cache/symbols"], &["http://x"]), valid.clone()]),
            ("ftp://x/y;/ok", vec![valid.clone()]),
            ("srv*/s*ftp://x;/ok", vec![chain(&["/s"], &[]), valid.clone()]),
            ("https://;/ok", vec![valid.clone()]),
            ("\"/ok", vec![valid.clone()]),
            ("/s*http://x;/ok", vec![chain(&["/s"], &["http://x"]), valid.clone()]),
            ("cache*/s*http://x;/ok", vec![chain(&["/s"], &["http://x"]), valid.clone()]),
            ("symsrv*mine.dll*/s*http://x;/ok", vec![chain(&["/s"], &["http://x"]), valid.clone()]),
            ("srv*/s*http://x*/t", vec![chain(&["/s"], &["http://x"]), folder("/t")]),
            ("/bad\0name;/ok", vec![valid.clone()]),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text, &u), (wanted, 1), "{text}");
        }
        assert_eq!(read("symsrv*http://x", &u), (vec![chain(&["/cache/symbols"], &["http://x"])], 0));
        assert_eq!(read("", &u), (vec![], 0));
    }
}
