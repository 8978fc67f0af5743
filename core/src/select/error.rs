//! What is wrong with a query, where, and what was probably meant.

/// A mistake in a query.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("column {column}: {message}{}", .suggestion.as_ref().map_or_else(String::new, |s| format!("; did you mean '{s}'?")))]
pub struct QueryError {
    /// Where: characters from the start of the text, the first is 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, in place of what stands there.
    pub suggestion: Option<String>,
}

impl QueryError {
    /// A mistake at character `at` (the first is 0).
    pub(super) fn at(at: usize, message: impl Into<String>) -> Self {
        Self { column: at + 1, message: message.into(), suggestion: None }
    }

    pub(super) fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}
