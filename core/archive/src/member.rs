//! A file in an archive, and the reasons to refuse one.

use std::fmt;

/// A file in an archive. Folders and symbolic links are not listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Path in the archive, with `/` between folders and without control characters.
    pub name: String,
    /// Size in bytes as the archive declares it; `None` if it declares none.
    pub bytes: Option<u64>,
    /// Reason why it is not unpacked.
    pub problem: Option<MemberProblem>,
}

/// Reason to refuse a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MemberProblem {
    /// Its content is encrypted.
    Encrypted,
    /// Its name is an absolute path.
    AbsolutePath,
    /// Its name contains `..`.
    ParentFolder,
    /// It is packed by a method that is not read.
    Method(String),
    /// It begins or goes on in another file of a set.
    SplitOverFiles,
}

impl fmt::Display for MemberProblem {
    /// Predicate of a sentence whose subject is the member.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => f.write_str("is encrypted"),
            Self::AbsolutePath => f.write_str("has an absolute path as its name"),
            Self::ParentFolder => f.write_str("has a name that leads out of the archive (..)"),
            Self::Method(method) => write!(f, "is packed with {method}, which is not supported"),
            Self::SplitOverFiles => f.write_str("is split over several files"),
        }
    }
}

impl MemberProblem {
    /// Advice on what to do next, a sentence.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Encrypted => "Unpack it with its password, and open the unpacked file.",
            Self::AbsolutePath | Self::ParentFolder => {
                "Such names can overwrite files when they are unpacked: ask for a new archive, or unpack it yourself if you trust its source."
            }
            Self::Method(_) => "Unpack it with the program that packed it, and open the unpacked file.",
            Self::SplitOverFiles => "Unpack the whole set with expand or 7-Zip, and open the unpacked file.",
        }
    }
}

impl Member {
    /// A member with this name as stored, refused if the name is unsafe.
    pub(crate) fn new(stored_name: &str, bytes: Option<u64>, problem: Option<MemberProblem>) -> Self {
        let visible = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        let name: String = stored_name.replace('\\', "/").chars().map(visible).collect();
        let problem = problem.or_else(|| name_problem(&name));
        Self { name, bytes, problem }
    }

    /// Name without folders.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// Checks a name with `/` between folders.
fn name_problem(name: &str) -> Option<MemberProblem> {
    let has_drive = name.as_bytes().get(1) == Some(&b':') && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if name.starts_with('/') || has_drive {
        return Some(MemberProblem::AbsolutePath);
    }
    name.split('/').any(|part| part.trim_end() == "..").then_some(MemberProblem::ParentFolder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_are_refused() {
        let problem = |name| Member::new(name, None, None).problem;
        for name in ["../a.etl", "a/../../b.etl", "..\\a.etl", "..", "a/.. /b.etl"] {
            assert_eq!(problem(name), Some(MemberProblem::ParentFolder), "{name}");
        }
        for name in ["/etc/a.etl", "\\\\server\\share\\a.etl", "C:\\a.etl", "c:a.etl"] {
            assert_eq!(problem(name), Some(MemberProblem::AbsolutePath), "{name}");
        }
        for name in ["a.etl", "b/a..etl", "b/..a.etl", "Ätl/ü.etl"] {
            assert_eq!(problem(name), None, "{name}");
        }
        assert_eq!(Member::new("b\\a\u{1b}[2J.etl", None, None).name, "b/a\u{fffd}[2J.etl");
        assert_eq!(Member::new("b\\a.etl", None, None).file_name(), "a.etl");
    }
}
