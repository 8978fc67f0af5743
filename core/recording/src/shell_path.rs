//! Names of files in command lines: quoted so that `cmd.exe` and PowerShell both take them as they are, and refused where no quoting does
//! that for both. A name that was accepted never leaves a quote open.

/// Why a name can't stand in the commands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShellPathError {
    /// Nothing was given.
    #[error("a file name is empty: give one, such as leak.etl")]
    Empty,
    /// Windows allows no such character in a file name.
    #[error("'{given}' holds {character}, which Windows allows in no file name: choose another name")]
    Forbidden {
        /// What was given, made printable.
        given: String,
        /// The character, made printable.
        character: String,
    },
    /// One of the shells would change it even between quotes, or `wpr` takes it for something else.
    #[error("'{given}' holds {character}, which {changer} takes for something else: choose a name without it")]
    Unquotable {
        /// What was given, made printable.
        given: String,
        /// The character, made printable.
        character: String,
        /// Who.
        changer: &'static str,
    },
    /// It ends like a folder.
    #[error("'{given}' names a folder: add the name of a file")]
    Folder {
        /// What was given.
        given: String,
    },
}

/// A path that both shells take as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellPath(String);

impl ShellPath {
    /// A path on the machine that is recorded.
    ///
    /// # Errors
    /// [`NameError`], for what no quoting can carry.
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
            if let Some(changer) = changer(c) {
                return Err(ShellPathError::Unquotable { given: given(), character, changer });
            }
        }
        if path.ends_with(['\\', '/', '.', ':']) {
            return Err(ShellPathError::Folder { given: given() });
        }
        // A name that begins like an option is made a path.
        let path = if path.starts_with('-') { format!(".\\{path}") } else { path.to_owned() };
        Ok(Self(path))
    }

    /// The path itself, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As an argument.
    #[must_use]
    pub fn argument(&self) -> String {
        quoted(&self.0)
    }

    /// As an argument with something after it, such as the name of a profile in it.
    pub(super) fn argument_with(&self, rest: &str) -> String {
        quoted(&format!("{}{rest}", self.0))
    }
}

/// Who takes the character for something else, even between double quotes.
fn changer(c: char) -> Option<&'static str> {
    match c {
        '%' => Some("cmd.exe"),
        '$' | '`' => Some("PowerShell"),
        // PowerShell takes typographic quotes for plain ones.
        '\u{2018}'..='\u{201F}' => Some("PowerShell"),
        '!' => Some("wpr"),
        _ => None,
    }
}

/// In double quotes where it needs them. The text holds no double quote.
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
    fn names_are_quoted_where_a_shell_needs_it() {
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
    fn names_that_no_quoting_carries_are_refused() {
        let refused = |path: &str| ShellPath::new(path).expect_err("refused").to_string();
        assert!(refused(" ").contains("empty"));
        for path in ["a\"b", "a<b", "a|b", "a?b", "a*b", "ab:c", "a\tb"] {
            assert!(refused(path).contains("Windows allows in no file name"), "{path}");
        }
        assert!(refused("%TEMP%\\a.etl").contains("holds %, which cmd.exe takes for something else"));
        for (path, changer) in
            [("$a", "PowerShell"), ("a`b", "PowerShell"), ("a\u{201d}b", "PowerShell"), ("a!b", "wpr")]
        {
            assert!(refused(path).contains(changer), "{path}");
        }
        for folder in ["C:\\", "a\\", "a/", ".", "C:"] {
            assert!(refused(folder).contains("names a folder"), "{folder}");
        }
    }
}
