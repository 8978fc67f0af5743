//! Paths in command lines, quoted so that `cmd.exe` and PowerShell both take them unchanged. Paths that no quoting makes safe in both
//! are rejected.

/// Reason why a path cannot be used in the commands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShellPathError {
    /// The path is empty.
    #[error("the file name is empty: enter one, such as leak.etl")]
    Empty,
    /// A character that Windows does not allow in file names.
    #[error("'{given}' contains {character}, which Windows does not allow in file names: choose another name")]
    Forbidden {
        /// The input, with control characters escaped.
        given: String,
        /// The character, escaped.
        character: String,
    },
    /// A character that a shell or `wpr` interprets even between quotes.
    #[error("'{given}' contains {character}, which has a special meaning in {interpreter}: choose a name without it")]
    Unquotable {
        /// The input, with control characters escaped.
        given: String,
        /// The character, escaped.
        character: String,
        /// The program that interprets it.
        interpreter: &'static str,
    },
    /// The path ends like a folder.
    #[error("'{given}' is a folder: add a file name")]
    Folder {
        /// The input.
        given: String,
    },
}

/// A path that both shells take unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellPath(String);

impl ShellPath {
    /// A path on the recorded machine.
    ///
    /// # Errors
    /// The path cannot be quoted safely.
    pub fn new(path: &str) -> Result<Self, ShellPathError> {
        let given = || {
            path.chars()
                .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
                .collect::<String>()
        };
        let path = path.trim_matches(' ');
        if path.is_empty() {
            return Err(ShellPathError::Empty);
        }
        for (at, c) in path.chars().enumerate() {
            let character = if c.is_control() { "a control character".to_owned() } else { c.to_string() };
            let drive = c == ':' && at == 1 && path.starts_with(|first: char| first.is_ascii_alphabetic());
            if c.is_control() || "<>|?*\"".contains(c) || (c == ':' && !drive) {
                return Err(ShellPathError::Forbidden { given: given(), character });
            }
            if let Some(interpreter) = interpreter(c) {
                return Err(ShellPathError::Unquotable { given: given(), character, interpreter });
            }
        }
        if path.ends_with(['\\', '/', '.', ':']) {
            return Err(ShellPathError::Folder { given: given() });
        }
        // Without a folder it would be taken for an option.
        let path = if path.starts_with('-') { format!(".\\{path}") } else { path.to_owned() };
        Ok(Self(path))
    }

    /// The path without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as an argument, quoted if needed.
    #[must_use]
    pub fn argument(&self) -> String {
        quoted(&self.0)
    }

    /// The path followed by other text, such as the name of a profile, as one argument.
    pub(super) fn argument_with(&self, rest: &str) -> String {
        quoted(&format!("{}{rest}", self.0))
    }
}

/// The program that interprets the character even between double quotes.
fn interpreter(c: char) -> Option<&'static str> {
    match c {
        '%' => Some("cmd.exe"),
        '$' | '`' => Some("PowerShell"),
        // PowerShell treats typographic quotes as plain ones.
        '\u{2018}'..='\u{201F}' => Some("PowerShell"),
        '!' => Some("wpr"),
        _ => None,
    }
}

/// Adds double quotes if needed. The text must not contain a double quote.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-\\:!".contains(c);
    if text.chars().all(plain) && !text.starts_with('-') { text.to_owned() } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(path: &str) -> String {
        ShellPath::new(path).expect("a name").argument()
    }

    #[test]
    fn paths_are_quoted_where_a_shell_needs_it() {
        for (path, wanted) in [
            ("leak.etl", "leak.etl"),
            ("C:\\Traces\\leak-1_a.etl", "C:\\Traces\\leak-1_a.etl"),
            ("\\\\server\\share\\leak.etl", "\\\\server\\share\\leak.etl"),
            ("C:\\My Traces\\leak.etl", "\"C:\\My Traces\\leak.etl\""),
            ("a&b^(c),;=@'~.etl", "\"a&b^(c),;=@'~.etl\""),
            ("J\u{fc}rgen.etl", "\"J\u{fc}rgen.etl\""),
            ("a/b.etl", "\"a/b.etl\""),
            ("  leak.etl ", "leak.etl"),
            ("-leak.etl", ".\\-leak.etl"),
            ("#leak.etl", "\"#leak.etl\""),
        ] {
            assert_eq!(argument(path), wanted, "{path}");
        }
        let name = ShellPath::new("my leak.wprp").expect("a name");
        assert_eq!(name.argument_with("!PoolUsage.Verbose"), "\"my leak.wprp!PoolUsage.Verbose\"");
    }

    #[test]
    fn unquotable_paths_are_rejected() {
        let refused = |path: &str| ShellPath::new(path).expect_err("refused").to_string();
        assert!(refused(" ").contains("empty"));
        for path in ["a\"b", "a<b", "a|b", "a?b", "a*b", "ab:c", "a\tb"] {
            assert!(refused(path).contains("Windows does not allow in file names"), "{path}");
        }
        assert!(refused("%TEMP%\\a.etl").contains("contains %, which has a special meaning in cmd.exe"));
        for (path, changer) in
            [("$a", "PowerShell"), ("a`b", "PowerShell"), ("a\u{201d}b", "PowerShell"), ("a!b", "wpr")]
        {
            assert!(refused(path).contains(changer), "{path}");
        }
        for folder in ["C:\\", "a\\", "a/", ".", "C:"] {
            assert!(refused(folder).contains("is a folder"), "{folder}");
        }
    }
}
