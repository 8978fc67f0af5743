//! Cuts a symbol path into its parts as they were written: separators, quotes, blanks, variables.

/// The parts between `;`, without blanks and quotes around them, empty ones left out, and whether a quote was left open. A
/// `;` between quotes does not separate.
pub(super) fn parts(text: &str) -> (Vec<String>, bool) {
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

/// Puts in the values of `%NAME%`, whatever the case of the name. Unknown names stay as they are.
pub(super) fn expand(text: &str, variables: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_variable(rest) {
        out.push_str(before);
        if let Some((_, value)) = variables.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            out.push_str(value);
            rest = after;
        } else {
            // The second % may be the first one of another name.
            out.push('%');
            out.push_str(name);
            rest = &rest[before.len() + 1 + name.len()..];
        }
    }
    out.push_str(rest);
    out
}

/// The first `%NAME%`: what is before it, the name, what is after it.
pub(super) fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('%')?;
    let length = text[start + 1..].find('%')?;
    let end = start + 1 + length;
    Some((&text[..start], &text[start + 1..end], &text[end + 1..]))
}
