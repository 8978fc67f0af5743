//! Questions: SQL with a title and declared parameters in comments at its beginning. Parameters are texts in a view `parameters` with
//! one row, which every engine has, so that the SQL is the same on all of them and no value becomes a part of it.

use super::super::open::UsageError;
use anyhow::Context as _;
use poolscope_analysis::group::key::nearest;
use std::collections::BTreeMap;
use std::path::Path;

/// A question that is part of the program.
pub struct ReadyQuestion {
    /// Its name on the command line.
    pub name: &'static str,
    /// The SQL.
    pub text: &'static str,
}

macro_rules! ready {
    ($($name:literal),*) => {
        [$(ReadyQuestion {
            name: $name,
            text: include_str!(concat!("../../../../assets/fleet/", $name, ".sql")),
        }),*]
    };
}

/// The ready questions.
pub const READY: [ReadyQuestion; 5] =
    ready!("leaking-tags", "growth-by-driver-version", "hosts-off-the-norm", "first-night", "top-stacks");

/// A parameter that a question declares: `-- parameter NAME = DEFAULT: DESCRIPTION`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// The name: the column in the view `parameters`.
    pub name: String,
    /// The value if none is given; `None` if one must be given.
    pub default: Option<String>,
    /// The description.
    pub description: String,
}

impl Parameter {
    fn parse(line: &str) -> Option<Self> {
        let rest = line.trim().strip_prefix("--")?.trim_start().strip_prefix("parameter ")?;
        let (declared, description) = rest.split_once(':')?;
        let (name, default) = match declared.split_once('=') {
            Some((name, default)) => (name, Some(default.trim().to_owned())),
            None => (declared, None),
        };
        let name = name.trim().to_owned();
        is_name(&name).then(|| Self { name, default, description: description.trim().to_owned() })
    }
}

/// A question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// Name of a ready question, or path of a file.
    pub name: String,
    /// The comment in its first line; empty if there is none.
    pub title: String,
    /// The SQL.
    pub text: String,
    /// The parameters that it declares.
    pub declared: Vec<Parameter>,
}

impl Question {
    /// A question from its SQL.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        let title = text.lines().next().and_then(|line| line.strip_prefix("--")).unwrap_or_default().trim().to_owned();
        let declared = text.lines().filter_map(Parameter::parse).collect();
        Self { name: name.to_owned(), title, text: text.to_owned(), declared }
    }

    /// The ready question of a name, or else the SQL in a file.
    ///
    /// # Errors
    /// There is neither, or the file cannot be read as text.
    pub fn find(asked: &str) -> anyhow::Result<Self> {
        if let Some(ready) = READY.iter().find(|ready| ready.name == asked) {
            return Ok(Self::new(ready.name, ready.text));
        }
        let path = Path::new(asked);
        if !path.is_file() {
            let names = READY.map(|ready| ready.name);
            let meant =
                nearest(asked, names.into_iter()).map_or_else(String::new, |name| format!(" Did you mean {name}?"));
            let message = format!("there is no question and no file '{asked}'.{meant} Questions: {}", names.join(", "));
            return Err(UsageError(message).into());
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {asked}"))?;
        Ok(Self::new(asked, text.strip_prefix('\u{feff}').unwrap_or(&text)))
    }

    /// The values of all parameters. A question that declares none takes any.
    ///
    /// # Errors
    /// A sentence: a value is missing, or the question has no such parameter.
    pub fn parameters(&self, given: &[(String, String)]) -> Result<BTreeMap<String, String>, String> {
        let mut values: BTreeMap<String, String> = given.iter().cloned().collect();
        let unknown = given.iter().find(|(name, _)| !self.declared.iter().any(|declared| declared.name == *name));
        if let Some((name, _)) = unknown.filter(|_| !self.declared.is_empty()) {
            let names: Vec<&str> = self.declared.iter().map(|declared| declared.name.as_str()).collect();
            return Err(format!("{} has no parameter '{name}': it has {}", self.name, names.join(", ")));
        }
        for Parameter { name, default, description } in &self.declared {
            match (values.contains_key(name), default) {
                (true, _) => {}
                (false, Some(default)) => {
                    values.insert(name.clone(), default.clone());
                }
                (false, None) => {
                    return Err(format!("{} needs --param {name}=VALUE: {description}", self.name));
                }
            }
        }
        Ok(values)
    }
}

/// Parses `NAME=VALUE`. The value is kept as it is, with blanks.
///
/// # Errors
/// A sentence.
pub fn parse_parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not NAME=VALUE"))?;
    if !is_name(name) {
        return Err(format!("'{name}' is no name of a parameter: lower-case letters, digits and _"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= 63
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The statement that makes the view of the parameters; empty without any.
#[must_use]
pub fn view_of_parameters(values: &BTreeMap<String, String>) -> String {
    // In standard SQL the quote is the only character of a text with a meaning, and it is doubled.
    let column = |(name, value): (&String, &String)| format!("'{}' AS {name}", value.replace('\'', "''"));
    let columns: Vec<String> = values.iter().map(column).collect();
    if columns.is_empty() {
        return String::new();
    }
    format!("CREATE VIEW parameters AS SELECT {};\n", columns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "-- What it says\n-- parameter tag: a tag\n--  parameter top = 10 : how many\n-- parameter any = : all\nSELECT 1";

    fn given(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn parameters_are_declared_in_comments() {
        let question = Question::new("q", TEXT);
        assert_eq!(question.title, "What it says");
        let declared: Vec<_> =
            question.declared.iter().map(|own| (own.name.as_str(), own.default.as_deref())).collect();
        assert_eq!(declared, [("tag", None), ("top", Some("10")), ("any", Some(""))]);
        let values = question.parameters(&given(&[("tag", "Irp ")])).expect("complete");
        let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(values, [("any", ""), ("tag", "Irp "), ("top", "10")]);
        assert!(question.parameters(&[]).expect_err("no tag").contains("--param tag=VALUE"));
        assert!(question.parameters(&given(&[("tga", "x")])).expect_err("unknown").contains("tag, top, any"));
        assert_eq!(Question::new("q", "SELECT 1").parameters(&given(&[("x", "1")])).map(|all| all.len()), Ok(1));
    }

    #[test]
    fn values_are_texts_whatever_they_hold() {
        let values = Question::new("q", "").parameters(&given(&[("tag", "a'; DROP VIEW tags; --"), ("b", "\\")]));
        let view = view_of_parameters(&values.expect("any"));
        assert_eq!(view, "CREATE VIEW parameters AS SELECT '\\' AS b, 'a''; DROP VIEW tags; --' AS tag;\n");
        assert_eq!(view_of_parameters(&BTreeMap::new()), "");
        assert_eq!(parse_parameter("tag=a=b "), Ok(("tag".to_owned(), "a=b ".to_owned())));
        assert!(["tag", "1x=2", "a b=2", "=x", "T=1"].iter().all(|text| parse_parameter(text).is_err()));
    }

    #[test]
    fn a_misspelled_question_is_corrected() {
        let error = Question::find("leaking-tag").expect_err("no such question").to_string();
        assert!(error.contains("Did you mean leaking-tags?") && error.contains("first-night"), "{error}");
        assert_eq!(Question::find("top-stacks").expect("ready").name, "top-stacks");
    }
}
