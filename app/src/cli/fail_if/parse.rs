//! From tokens to a condition. `not` binds closer than `and`, and `and` closer than `or`.

use super::figure::{Figure, quantity};
use super::token::{Token, TokenKind, tokens};
use super::{Mistake, Term};

/// Brackets and `not` within each other.
const DEEPEST: usize = 64;

/// Reads a condition.
pub fn term(text: &str) -> Result<Term, Mistake> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, next: 0, end: text.len(), depth: 0 };
    let term = parser.any()?;
    match parser.peek() {
        None => Ok(term),
        Some(Token { at, kind: TokenKind::Close }) => Err(Mistake::new(*at, "this ')' closes nothing")),
        Some(token) => Err(Mistake::new(token.at, "here 'and' or 'or' is missing")),
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    next: usize,
    end: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.next)
    }

    /// Where the next token is, or the end.
    fn place(&self) -> usize {
        self.peek().map_or(self.end, |token| token.at)
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token { kind: TokenKind::Word(word), .. }) if word == wanted);
        self.next += usize::from(is_it);
        is_it
    }

    fn any(&mut self) -> Result<Term, Mistake> {
        let mut terms = vec![self.all()?];
        while self.take_word("or") {
            terms.push(self.all()?);
        }
        Ok(joined(terms, Term::Or))
    }

    fn all(&mut self) -> Result<Term, Mistake> {
        let mut terms = vec![self.one()?];
        while self.take_word("and") {
            terms.push(self.one()?);
        }
        Ok(joined(terms, Term::And))
    }

    fn one(&mut self) -> Result<Term, Mistake> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Mistake::new(self.place(), "too many brackets within each other"));
        }
        let at = self.place();
        let term = if self.take_word("not") {
            Term::Not(Box::new(self.one()?))
        } else if matches!(self.peek(), Some(Token { kind: TokenKind::Open, .. })) {
            self.next += 1;
            let inner = self.any()?;
            if !matches!(self.peek(), Some(Token { kind: TokenKind::Close, .. })) {
                return Err(Mistake::new(at, "this '(' is not closed"));
            }
            self.next += 1;
            inner
        } else {
            self.compare()?
        };
        self.depth -= 1;
        Ok(term)
    }

    fn compare(&mut self) -> Result<Term, Mistake> {
        let left = self.operand("a figure such as nonpaged_growth")?;
        let Some(Token { kind: TokenKind::Compare(comparison), .. }) = self.peek() else {
            return Err(Mistake::new(self.place(), "here one of < <= > >= = != is missing"));
        };
        self.next += 1;
        let at = self.place();
        let (figure, comparison, (at, value, unit)) = match (left, *comparison) {
            (Operand::Figure(figure), comparison) => match self.operand("a number such as 1MB/min")? {
                Operand::Number(at, value, unit) => (figure, comparison, (at, value, unit)),
                Operand::Figure(other) => {
                    return Err(Mistake::new(at, format!("'{other}' can only be compared with a number")));
                }
            },
            (Operand::Number(at, value, unit), comparison) => match self.operand("a figure such as nonpaged_growth")? {
                Operand::Figure(figure) => (figure, comparison.turned(), (at, value, unit)),
                Operand::Number(at, ..) => return Err(Mistake::new(at, "here a figure such as leaks is missing")),
            },
        };
        let value = quantity(figure, value, unit).map_err(|message| Mistake::new(at, message))?;
        Ok(Term::Compare(figure, comparison, value))
    }

    fn operand(&mut self, wanted: &str) -> Result<Operand<'t>, Mistake> {
        let at = self.place();
        let missing = || Mistake::new(at, format!("here {wanted} is missing"));
        let token = self.peek().ok_or_else(missing)?;
        self.next += 1;
        match &token.kind {
            TokenKind::Number(value, unit) => Ok(Operand::Number(at, *value, unit)),
            TokenKind::Word(word) if !matches!(word.as_str(), "and" | "or" | "not") => {
                Figure::named(word).map(Operand::Figure).map_err(|message| Mistake::new(at, message))
            }
            _ => Err(missing()),
        }
    }
}

/// A side of a comparison.
enum Operand<'t> {
    Figure(Figure),
    Number(usize, f64, &'t str),
}

fn joined(mut terms: Vec<Term>, join: impl Fn(Vec<Term>) -> Term) -> Term {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => {
            terms.extend(last);
            join(terms)
        }
    }
}
