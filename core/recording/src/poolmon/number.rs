//! Numbers as tools of any locale print them: thousands separators, signs, decimals, units of bytes, and groups of digits that are
//! separated by spaces.

/// Thousands separators: comma, point, apostrophes, no-break and thin spaces, the Arabic separator. The last three are what a
/// no-break space becomes in a file of another code page.
const SEPARATORS: &str = ",.'\u{2019}\u{a0}\u{202f}\u{2009}\u{66c}\u{ff}?\u{fffd}";

/// A number with what was printed around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figure {
    /// The value; of bytes with a unit, in bytes.
    pub value: i128,
    /// The tool rounded it: it has decimals and a unit, or a sign such as `~`.
    pub is_rounded: bool,
    /// A unit of bytes was printed.
    pub has_unit: bool,
}

/// Parses a number at the start of the text and returns the rest. Thousands separators are accepted before groups of three digits;
/// between others, groups of two, as in India. `None` without digits or beyond 64 bits.
pub fn leading_number(text: &str) -> Option<(u64, &str)> {
    let first = digits(text);
    let mut value: u64 = text.get(..first).filter(|digits| !digits.is_empty())?.parse().ok()?;
    let mut rest = text.get(first..)?;
    if (1..=3).contains(&first) {
        let separator = rest.chars().next().filter(|c| SEPARATORS.contains(*c));
        while let Some(after) = separator.and_then(|separator| rest.strip_prefix(separator)) {
            let length = digits(after);
            let is_last_group_ahead = length == 2 && ends_in_thousands(after, separator);
            if length != 3 && !is_last_group_ahead {
                break;
            }
            let Some(group) = after.get(..length).and_then(|group| group.parse::<u64>().ok()) else { break };
            value = value.checked_mul(10_u64.pow(length as u32))?.checked_add(group)?;
            rest = after.get(length..)?;
        }
    }
    Some((value, rest))
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Returns `true` if groups of two digits follow and end with one of three, as in `13,39,99,516`.
fn ends_in_thousands(mut text: &str, separator: Option<char>) -> bool {
    loop {
        let length = digits(text);
        let rest = text.get(length..).unwrap_or_default();
        match (length, separator.and_then(|separator| rest.strip_prefix(separator))) {
            (2, Some(after)) => text = after,
            (3, _) => return true,
            _ => return false,
        }
    }
}

/// Parses a number with an optional sign.
pub fn leading_signed(text: &str) -> Option<(i64, &str)> {
    let (negative, text) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (value, rest) = leading_number(text)?;
    let value = i64::try_from(value).ok()?;
    Some((if negative { -value } else { value }, rest))
}

/// Parses a whole cell: `134,000,000`, `-5`, `17.97 GB`, `1,39 GB`, `7,695.3 MB`, `~2.35 GB`, `18843682K`, `134 000 000`.
#[must_use]
pub fn figure(text: &str) -> Option<Figure> {
    let text = text.trim().trim_matches(['"', '`', '*']).trim();
    let about = text.trim_start_matches(['~', '\u{2248}', '>', '<']).trim_start();
    let is_about = about.len() < text.len();
    let (is_negative, unsigned) = match about.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, about.strip_prefix('+').unwrap_or(about)),
    };
    let sign = |value: i128| if is_negative { -value } else { value };
    if let Some((value, rest)) = leading_number(unsigned)
        && let Some(scale) = unit_scale(rest)
        && !is_decimal_of_large_unit(unsigned, scale)
    {
        let value = sign(i128::from(value).saturating_mul(i128::from(scale)));
        return Some(Figure {
            value,
            is_rounded: is_about || scale >= MIB,
            has_unit: scale > 1 || !rest.trim().is_empty(),
        });
    }
    if let Some((value, scale)) = decimal(unsigned) {
        let value = sign((value * scale as f64).round() as i128);
        return Some(Figure { value, is_rounded: true, has_unit: scale > 1 });
    }
    let joined = join_spaced_groups(unsigned)?;
    Some(Figure { value: sign(joined), is_rounded: is_about, has_unit: false })
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Bytes of a unit; 1 for none. Tools of Windows mean powers of 1024 by all of these.
#[must_use]
pub fn unit_scale(text: &str) -> Option<u64> {
    let unit = text.trim().trim_end_matches('.').to_lowercase();
    match unit.as_str() {
        "" | "b" | "byte" | "bytes" | "octet" | "octets" | "\u{431}\u{430}\u{439}\u{442}" | "(wrapped)" => Some(1),
        "k" | "kb" | "kib" | "ko" | "\u{43a}\u{431}" => Some(KIB),
        "m" | "mb" | "mib" | "mo" | "\u{43c}\u{431}" => Some(MIB),
        "g" | "gb" | "gib" | "go" | "\u{433}\u{431}" => Some(1 << 30),
        "t" | "tb" | "tib" | "to" | "\u{442}\u{431}" => Some(1 << 40),
        _ => unit.strip_suffix(" (wrapped)").and_then(unit_scale),
    }
}

/// Returns `true` for one digit or two before a separator and three behind it with a large unit: `1.234 GB` is a decimal.
fn is_decimal_of_large_unit(text: &str, scale: u64) -> bool {
    let whole = digits(text);
    let fraction = text.get(whole..).and_then(|rest| rest.strip_prefix(['.', ',']));
    scale > MIB
        && whole <= 2
        && fraction.is_some_and(|fraction| {
            digits(fraction) == 3 && !fraction.get(3..).unwrap_or_default().starts_with(['.', ','])
        })
}

/// A decimal with its unit: the last point or comma separates decimals, and other separators thousands.
fn decimal(text: &str) -> Option<(f64, u64)> {
    let end = text.find(|c: char| c.is_alphabetic() || c == '(').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let scale = unit_scale(unit)?;
    let (whole, fraction) = number.trim().rsplit_once(['.', ','])?;
    let plain: String = whole.chars().filter(|c| !SEPARATORS.contains(*c) && *c != ' ').collect();
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(&plain) || !is_digits(fraction) || plain.len() > 20 || fraction.len() > 9 {
        return None;
    }
    Some((format!("{plain}.{fraction}").parse().ok()?, scale))
}

/// A number whose groups of three digits are separated by spaces.
fn join_spaced_groups(text: &str) -> Option<i128> {
    let groups: Vec<&str> = text.split_whitespace().collect();
    let is_group = |text: &str| text.len() == 3 && digits(text) == 3;
    let (first, rest) = groups.split_first()?;
    let is_number =
        (1..=3).contains(&first.len()) && digits(first) == first.len() && rest.iter().all(|group| is_group(group));
    (is_number && !rest.is_empty() && rest.len() < 7).then(|| groups.concat().parse().ok()).flatten()
}

/// All ways to join words of digits to `count` numbers, in each of which groups of three digits follow the first.
#[must_use]
pub fn groupings(words: &[&str], count: usize) -> Vec<Vec<u64>> {
    let mut found = Vec::new();
    if words.len() <= MAX_WORDS {
        group_from(words, count, &mut Vec::new(), &mut found);
    }
    found
}

/// Upper bound on words that are joined; a row of poolmon has fewer even in tens of gigabytes.
const MAX_WORDS: usize = 24;

fn group_from(words: &[&str], count: usize, open: &mut Vec<u64>, found: &mut Vec<Vec<u64>>) {
    if open.len() == count {
        if words.is_empty() {
            found.push(open.clone());
        }
        return;
    }
    let Some((first, rest)) = words.split_first() else { return };
    if digits(first) != first.len() || (first.len() > 1 && first.starts_with('0')) {
        return;
    }
    let joinable =
        if first.len() <= 3 { rest.iter().take_while(|word| word.len() == 3 && digits(word) == 3).count() } else { 0 };
    for more in 0..=joinable.min(6) {
        let Ok(value) = words.get(..=more).unwrap_or_default().concat().parse() else { return };
        open.push(value);
        group_from(rest.get(more..).unwrap_or_default(), count, open, found);
        open.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_count_between_groups_of_three() {
        assert_eq!(leading_number("1234 x"), Some((1234, " x")));
        assert_eq!(leading_number("1,234,567)"), Some((1_234_567, ")")));
        assert_eq!(leading_number("1\u{a0}234 5"), Some((1234, " 5")));
        assert_eq!(leading_number("1\u{ff}234?5"), Some((1234, "?5")));
        assert_eq!(leading_number("12.345"), Some((12_345, "")));
        assert_eq!(leading_number("13,39,99,516 x"), Some((133_999_516, " x")));
        assert_eq!(leading_number("1,23"), Some((1, ",23")));
        assert_eq!(leading_number("1,2345"), Some((1, ",2345")));
        assert_eq!(leading_number("1234,567"), Some((1234, ",567")));
        assert_eq!(leading_number("0UNKNOWN"), Some((0, "UNKNOWN")));
        assert_eq!(leading_number("x"), None);
        assert_eq!(leading_number("18446744073709551616"), None);
        assert_eq!(leading_signed("-12)"), Some((-12, ")")));
        assert_eq!(leading_signed("--12"), None);
        assert_eq!(leading_signed("9223372036854775808"), None);
    }

    #[test]
    fn cells_of_many_locales_are_numbers() {
        let exact = |text: &str| figure(text).map(|figure| (figure.value, figure.is_rounded));
        for text in [
            "133999516",
            "133,999,516",
            "133.999.516",
            "133'999'516",
            "133 999 516",
            "133\u{202f}999\u{202f}516",
            "`133,999,516`",
            "13,39,99,516",
        ] {
            assert_eq!(exact(text), Some((133_999_516, false)), "{text}");
        }
        assert_eq!(exact("-5"), Some((-5, false)));
        assert_eq!(exact("18843682K"), Some((18_843_682 << 10, false)));
        assert_eq!(exact("~29,386,669"), Some((29_386_669, true)));
        let gigabytes = |value: f64| Some(((value * f64::from(1 << 30)).round() as i128, true));
        assert_eq!(exact("17.97 GB"), gigabytes(17.97));
        assert_eq!(exact("17,97 GB"), gigabytes(17.97));
        assert_eq!(exact("1.234 GB"), gigabytes(1.234));
        assert_eq!(exact("~2.35 GB"), gigabytes(2.35));
        assert_eq!(exact(">4 GB (wrapped)"), gigabytes(4.0));
        assert_eq!(exact("7,695.3 MB"), Some(((7695.3 * f64::from(1 << 20)).round() as i128, true)));
        for text in ["", "x", "1 2 3", "12 34", "1.2.3.4 x", "Leak", "12 apples"] {
            assert_eq!(figure(text), None, "{text}");
        }
    }

    #[test]
    fn words_are_grouped_in_every_way() {
        let words = ["134", "000", "484", "1"];
        assert_eq!(groupings(&words, 2), [[134_000_484, 1]]);
        assert_eq!(groupings(&words, 3), [[134_000, 484, 1]], "no number begins with a zero");
        assert_eq!(groupings(&["1234", "567"], 1), [] as [Vec<u64>; 0], "a first group has three digits at most");
    }
}
