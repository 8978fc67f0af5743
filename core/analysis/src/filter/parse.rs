//! Parser of queries. Adjacent conditions are joined by AND, which has a higher precedence than OR; NOT has the highest.

use super::compile::regex;
use super::literal::{self, Literal};
use super::query::{Condition, Expression, Field, FieldKind, Pattern, Query, QueryError, Test, Written, number};
use crate::group::key::{Key, nearest};

/// Label of the generation of unknown allocation times.
const BEFORE_THE_TRACE: &str = "before the trace";
/// Upper bound on nested parentheses, which are parsed recursively.
const DEEPEST: usize = 64;

/// Parses a query.
///
/// # Errors
/// The first mistake, with its position.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    read(text).map_err(|error| error.in_bytes(text))
}

/// Parses a query; the span of a mistake is in characters.
fn read(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0, depth: 0 };
    parser.skip_space();
    if parser.peek().is_none() {
        return Ok(Query::everything());
    }
    let expression = parser.or()?;
    if parser.peek().is_some() {
        return Err(QueryError::at(parser.at, "this ')' closes nothing"));
    }
    Ok(Query { expression })
}

impl Raw {
    /// A mistake in the whole value.
    fn wrong(&self, message: impl Into<String>) -> QueryError {
        QueryError::at(self.at, message).over(self.at..self.end)
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

/// A value as written.
struct Raw {
    text: String,
    quoted: bool,
    /// Its characters with quotes.
    at: usize,
    end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operator {
    Is,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Match,
    NotMatch,
}

/// Operators, longer ones first.
pub(super) const OPERATORS: [(&str, Operator); 9] = [
    ("!=", Operator::NotEqual),
    ("!~", Operator::NotMatch),
    ("<=", Operator::LessEqual),
    (">=", Operator::GreaterEqual),
    ("==", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("~", Operator::Match),
    ("=", Operator::Equal),
];

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = word.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c));
        if found {
            self.at += word.chars().count();
        }
        found
    }

    /// Consumes a keyword in any case, if it is a whole word.
    fn take_keyword(&mut self, word: &str) -> bool {
        let end = self.at + word.len();
        let found = self
            .chars
            .get(self.at..end)
            .is_some_and(|chars| chars.iter().zip(word.chars()).all(|(a, b)| a.eq_ignore_ascii_case(&b)));
        let alone = |c: &char| c.is_whitespace() || "()\"".contains(*c);
        if !found || !self.chars.get(end).is_none_or(alone) {
            return false;
        }
        self.at = end;
        self.skip_space();
        true
    }

    fn or(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.and()?];
        while self.take_keyword("OR") {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Or(parts) })
    }

    fn and(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.not()?];
        loop {
            let here = self.at;
            if self.take_keyword("AND") {
                parts.push(self.not()?);
            } else if self.take_keyword("OR") {
                self.at = here;
                break;
            } else if self.peek().is_none_or(|c| c == ')') {
                break;
            } else {
                parts.push(self.not()?);
            }
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::And(parts) })
    }

    fn not(&mut self) -> Result<Expression, QueryError> {
        let here = self.at;
        let negated = self.take_keyword("NOT");
        if !negated && self.peek() != Some('(') {
            return self.test();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(QueryError::at(here, "too many parentheses or NOTs within each other"));
        }
        let inner = if negated { self.not()? } else { self.parenthesis()? };
        self.depth -= 1;
        Ok(if negated { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn parenthesis(&mut self) -> Result<Expression, QueryError> {
        let opened = self.at;
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(')') {
            self.at += 1;
            self.skip_space();
            return Ok(Expression::And(Vec::new()));
        }
        let inner = self.or()?;
        if !self.take(")") {
            return Err(QueryError::at(opened, "this '(' is never closed"));
        }
        self.skip_space();
        Ok(inner)
    }

    fn test(&mut self) -> Result<Expression, QueryError> {
        let start = self.at;
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        while self.peek().is_some_and(is_name) {
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        if name.is_empty() {
            return Err(QueryError::at(start, "here a test such as tag:Leak has to stand"));
        }
        let after_name = self.at;
        let colon = self.take(":");
        let found = OPERATORS.iter().find(|o| self.take(o.0)).map(|o| o.1);
        let operator = match (colon, found) {
            (_, Some(operator)) => operator,
            (true, None) => Operator::Is,
            (false, None) => {
                let message = format!("after '{name}' a ':' or a comparison has to stand");
                let suggestion = match Field::parse(&name) {
                    Some(_) => format!("{name}:"),
                    None => format!("tag:{name}"),
                };
                let error = QueryError::at(after_name, message).over(start..after_name);
                return Err(error.suggest(Some(suggestion)));
            }
        };
        let Some(field) = Field::parse(&name) else {
            let message = format!("there is no column '{name}'");
            let error = QueryError::at(start, message).over(start..after_name);
            return Err(error.suggest(Field::nearest(&name)));
        };
        let value = self.value(field, start)?;
        self.skip_space();
        condition(field, operator, &value)
    }

    /// Parses a value up to the next space or closing parenthesis, or between quotes.
    fn value(&mut self, field: Field, test: usize) -> Result<Raw, QueryError> {
        let at = self.at;
        if self.take("\"") {
            return self.quoted(at);
        }
        let mut text = String::new();
        let mut open = 0usize;
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace()) {
            match c {
                '(' => open += 1,
                ')' if open == 0 => break,
                ')' => open -= 1,
                _ => {}
            }
            text.push(c);
            self.at += 1;
        }
        if text.is_empty() {
            let message = format!("here the value of '{}' has to stand", field.name());
            return Err(QueryError::at(at, message).over(test..at));
        }
        Ok(Raw { text, quoted: false, at, end: self.at })
    }

    /// Parses a quoted value, in which `\"` and `\\` stand for the second character and any other backslash for itself.
    fn quoted(&mut self, at: usize) -> Result<Raw, QueryError> {
        let mut text = String::new();
        loop {
            match (self.peek(), self.chars.get(self.at + 1)) {
                (None, _) => return Err(QueryError::at(at, "this '\"' is never closed").over(at..self.at)),
                (Some('"'), _) => break,
                (Some('\\'), Some(c @ ('"' | '\\'))) => {
                    text.push(*c);
                    self.at += 2;
                }
                (Some(c), _) => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Ok(Raw { text, quoted: true, at, end: self.at })
    }
}

fn condition(field: Field, operator: Operator, value: &Raw) -> Result<Expression, QueryError> {
    let test = |condition| Expression::Test(Test { field, condition });
    let not = |condition| Expression::Not(Box::new(test(condition)));
    if matches!(field.kind(), FieldKind::Bytes | FieldKind::Number | FieldKind::Time) {
        return numeric(field, operator, value);
    }
    let wildcards = !value.quoted && value.text.contains(['*', '?']);
    let pattern = Pattern { text: value.text.clone(), wildcards };
    match operator {
        Operator::Is => check_word(field, value).map(|()| test(Condition::Is(pattern))),
        Operator::NotEqual => check_word(field, value).map(|()| not(Condition::Is(pattern))),
        Operator::Equal => check_word(field, value).map(|()| test(Condition::Exactly(pattern))),
        Operator::Match | Operator::NotMatch => {
            if let Err(error) = regex(&value.text, field.is_case_sensitive()) {
                return Err(value.wrong(format!("bad regular expression: {error}")));
            }
            let found = Condition::Regex(value.text.clone());
            Ok(if operator == Operator::Match { test(found) } else { not(found) })
        }
        _ => {
            let message = format!("'{}' is text: it has no smaller and greater", field.name());
            Err(value.wrong(message))
        }
    }
}

/// Checks that a value of a column with fixed values is one of them.
fn check_word(field: Field, value: &Raw) -> Result<(), QueryError> {
    let words: &[&'static str] = match field {
        Field::Key(Key::Type) => &["AIFI", "AIFO", "AOFI", "AOFO"],
        Field::Key(Key::ImpactingType) => &["Impacting", "Transient"],
        Field::Key(Key::Paged) => &["Paged", "NonPaged", "Unknown"],
        _ => return Ok(()),
    };
    let known = words.iter().any(|w| w.eq_ignore_ascii_case(&value.text));
    if known || (!value.quoted && value.text.contains(['*', '?'])) {
        return Ok(());
    }
    let message = format!("'{}' is none of {}", value.text, words.join(", "));
    Err(value.wrong(message).suggest(nearest(&value.text, words.iter().copied())))
}

fn numeric(field: Field, operator: Operator, value: &Raw) -> Result<Expression, QueryError> {
    let read = |text: &str, skip: usize| {
        let at = value.at + skip;
        // With escapes, positions in a quoted value differ from those in the query.
        let span = if value.quoted { value.at..value.end } else { at..at + text.chars().count() };
        literal::parse(field.kind(), text).map_err(|m| QueryError::at(at, m).over(span))
    };
    let test = |condition| Expression::Test(Test { field, condition });
    let between =
        |low: Option<i128>, high: Option<i128>, written: String| test(Condition::Between(low, high, Written(written)));
    let text = &match field {
        Field::Key(Key::Generation) => generation_number(&value.text),
        _ => value.text.clone(),
    };
    if let (Some((low, high)), Operator::Is | Operator::Equal | Operator::NotEqual) = (text.split_once(".."), operator)
    {
        let skip = low.chars().count() + 2;
        let bound = |text: &str, skip| -> Result<Option<i128>, QueryError> {
            if text.is_empty() { Ok(None) } else { Ok(number(read(text, skip)?)) }
        };
        let (from, to) = (bound(low, 0)?, bound(high, skip)?);
        let range = between(from, to, text.clone());
        return Ok(negate_if(operator == Operator::NotEqual, range));
    }
    if matches!(operator, Operator::Match | Operator::NotMatch) {
        let message = format!("'{}' is a number: it has no '~'", field.name());
        return Err(value.wrong(message));
    }
    let Literal::Number(n) = read(text, 0)? else {
        return match operator {
            Operator::Is | Operator::Equal => Ok(test(Condition::Missing)),
            Operator::NotEqual => Ok(negate_if(true, test(Condition::Missing))),
            _ => Err(value.wrong(format!("'{text}' has no smaller and greater"))),
        };
    };
    Ok(match operator {
        Operator::Less => between(None, Some(n - 1), format!("<{text}")),
        Operator::LessEqual => between(None, Some(n), format!("<={text}")),
        Operator::Greater => between(Some(n + 1), None, format!(">{text}")),
        Operator::GreaterEqual => between(Some(n), None, format!(">={text}")),
        Operator::NotEqual => negate_if(true, between(Some(n), Some(n), text.clone())),
        _ => between(Some(n), Some(n), text.clone()),
    })
}

/// The number of a generation from its label, such as `2: 12.400 s to 30.000 s`; any other text is returned unchanged.
fn generation_number(text: &str) -> String {
    match text.split_once(": ") {
        Some((number, _)) => number.to_owned(),
        None if text.eq_ignore_ascii_case(BEFORE_THE_TRACE) => "none".to_owned(),
        None => text.to_owned(),
    }
}

fn negate_if(negated: bool, expression: Expression) -> Expression {
    if negated { Expression::Not(Box::new(expression)) } else { expression }
}
