//! Parser of conditions. `not` binds tighter than `and`, and `and` tighter than `or`.

use super::quantity::{Figure, quantity};
use super::{Comparison, SyntaxError, Term};
use poolscope_analysis::filter::literal;
use poolscope_analysis::filter::query::FieldKind;

/// Upper bound on nested brackets and `not`.
const MAX_DEPTH: usize = 64;

/// Parses a condition; `named` gives the figure of a name.
pub fn term<F: Figure>(text: &str, named: &dyn Fn(&str) -> Result<F, String>) -> Result<Term<F>, SyntaxError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, named, next: 0, end: text.len(), depth: 0 };
    let term = parser.disjunction()?;
    match parser.peek() {
        None => Ok(term),
        Some(Token { at, kind: TokenKind::Close }) => Err(SyntaxError::new(*at, "this ')' closes nothing")),
        Some(token) => Err(SyntaxError::new(token.at, "here 'and' or 'or' is missing")),
    }
}

struct Parser<'t, F> {
    tokens: &'t [Token],
    named: &'t dyn Fn(&str) -> Result<F, String>,
    next: usize,
    end: usize,
    depth: usize,
}

impl<'t, F: Figure> Parser<'t, F> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.next)
    }

    /// Position of the next token, or of the end.
    fn position(&self) -> usize {
        self.peek().map_or(self.end, |token| token.at)
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token { kind: TokenKind::Word(word), .. }) if word == wanted);
        self.next += usize::from(is_it);
        is_it
    }

    fn disjunction(&mut self) -> Result<Term<F>, SyntaxError> {
        let mut terms = vec![self.conjunction()?];
        while self.take_word("or") {
            terms.push(self.conjunction()?);
        }
        Ok(joined(terms, Term::Or))
    }

    fn conjunction(&mut self) -> Result<Term<F>, SyntaxError> {
        let mut terms = vec![self.negation()?];
        while self.take_word("and") {
            terms.push(self.negation()?);
        }
        Ok(joined(terms, Term::And))
    }

    fn negation(&mut self) -> Result<Term<F>, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError::new(self.position(), "too many brackets within each other"));
        }
        let at = self.position();
        let term = if self.take_word("not") {
            Term::Not(Box::new(self.negation()?))
        } else if matches!(self.peek(), Some(Token { kind: TokenKind::Open, .. })) {
            self.next += 1;
            let inner = self.disjunction()?;
            if !matches!(self.peek(), Some(Token { kind: TokenKind::Close, .. })) {
                return Err(SyntaxError::new(at, "this '(' is not closed"));
            }
            self.next += 1;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(term)
    }

    fn comparison(&mut self) -> Result<Term<F>, SyntaxError> {
        let left = self.operand(&format!("a figure such as {}", F::EXAMPLES.figure))?;
        let Some(Token { kind: TokenKind::Compare(comparison), .. }) = self.peek() else {
            return Err(SyntaxError::new(self.position(), "here one of < <= > >= = != is missing"));
        };
        self.next += 1;
        let at = self.position();
        let (figure, comparison, (at, value, unit)) = match (left, *comparison) {
            (Operand::Figure(figure), comparison) => {
                match self.operand(&format!("a number such as {}", F::EXAMPLES.number))? {
                    Operand::Number(at, value, unit) => (figure, comparison, (at, value, unit)),
                    Operand::Figure(other) => {
                        return Err(SyntaxError::new(at, format!("'{other}' can only be compared with a number")));
                    }
                }
            }
            (Operand::Number(at, value, unit), comparison) => {
                match self.operand(&format!("a figure such as {}", F::EXAMPLES.figure))? {
                    Operand::Figure(figure) => (figure, comparison.flipped(), (at, value, unit)),
                    Operand::Number(at, ..) => {
                        return Err(SyntaxError::new(
                            at,
                            format!("here a figure such as {} is missing", F::EXAMPLES.short),
                        ));
                    }
                }
            }
        };
        let value = quantity(figure, value, unit).map_err(|message| SyntaxError::new(at, message))?;
        Ok(Term::Compare(figure, comparison, value))
    }

    fn operand(&mut self, wanted: &str) -> Result<Operand<'t, F>, SyntaxError> {
        let at = self.position();
        let missing = || SyntaxError::new(at, format!("here {wanted} is missing"));
        let token = self.peek().ok_or_else(missing)?;
        self.next += 1;
        match &token.kind {
            TokenKind::Number(value, unit) => Ok(Operand::Number(at, *value, unit)),
            TokenKind::Word(word) if !matches!(word.as_str(), "and" | "or" | "not") => {
                (self.named)(word).map(Operand::Figure).map_err(|message| SyntaxError::new(at, message))
            }
            _ => Err(missing()),
        }
    }
}

/// A side of a comparison.
enum Operand<'t, F> {
    Figure(F),
    Number(usize, f64, &'t str),
}

fn joined<F>(mut terms: Vec<Term<F>>, join: impl Fn(Vec<Term<F>>) -> Term<F>) -> Term<F> {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => {
            terms.extend(last);
            join(terms)
        }
    }
}

/// A token and its position in bytes.
#[derive(Clone, PartialEq, Debug)]
struct Token {
    at: usize,
    kind: TokenKind,
}

/// Kind of a token.
#[derive(Clone, PartialEq, Debug)]
enum TokenKind {
    /// A name, `and`, `or`, `not`; in lower case.
    Word(String),
    /// A number and its unit in lower case, such as `mb/min`; empty without a unit.
    Number(f64, String),
    /// A comparison.
    Compare(Comparison),
    /// `(`
    Open,
    /// `)`
    Close,
}

/// Splits a text into tokens.
fn tokens(text: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(found) };
        let (kind, length) = match first {
            '(' => (TokenKind::Open, 1),
            ')' => (TokenKind::Close, 1),
            '<' | '>' | '=' | '!' => {
                comparison(rest).ok_or_else(|| SyntaxError::new(at, "'!' alone is no comparison: write !="))?
            }
            c if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') => number(rest, at)?,
            c if c.is_alphabetic() || c == '_' => {
                let word = run(rest, |c| c.is_alphanumeric() || c == '_');
                (TokenKind::Word(word.to_lowercase()), word.len())
            }
            c => return Err(SyntaxError::new(at, format!("'{c}' has no meaning here"))),
        };
        found.push(Token { at, kind });
        rest = rest.get(length..).unwrap_or("");
    }
}

fn comparison(text: &str) -> Option<(TokenKind, usize)> {
    const SIGNS: [(&str, Comparison); 7] = [
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("!=", Comparison::Unequal),
        ("==", Comparison::Equal),
        ("<", Comparison::Less),
        (">", Comparison::More),
        ("=", Comparison::Equal),
    ];
    let sign = SIGNS.iter().find(|(sign, _)| text.starts_with(sign))?;
    Some((TokenKind::Compare(sign.1), sign.0.len()))
}

/// A number and its unit. After a blank only a known unit counts as one; any other word is the next token.
fn number(text: &str, at: usize) -> Result<(TokenKind, usize), SyntaxError> {
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = run(text.get(sign..).unwrap_or(""), |c| c.is_ascii_digit() || c == '.').len() + sign;
    let written = text.get(..digits).unwrap_or("");
    let value: f64 =
        written.parse().ok().ok_or_else(|| SyntaxError::new(at, format!("'{written}' is not a number")))?;
    let behind = text.get(digits..).unwrap_or("");
    let blanks = behind.len() - behind.trim_start().len();
    let unit = run(behind.trim_start(), |c| c.is_alphabetic() || matches!(c, '/' | '%'));
    let is_unit = unit.contains(['/', '%']) || literal::unit_scale(FieldKind::Bytes, &unit.to_lowercase()).is_some();
    if unit.is_empty() || (blanks > 0 && !is_unit) {
        return Ok((TokenKind::Number(value, String::new()), digits));
    }
    Ok((TokenKind::Number(value, unit.to_lowercase()), digits + blanks + unit.len()))
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c: char| !belongs(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}
