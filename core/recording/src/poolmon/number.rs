//! Numbers as tools print them and as people's programs change them on the way: digits, with thousands separators or without.

/// A number at the start of the text, and what follows it. Separators (comma, point, apostrophe, any no-break or thin space) count only
/// between groups of three digits. Nothing if there are no digits or if it is larger than 64 bits.
pub(super) fn leading(text: &str) -> Option<(u64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let first = digits(text);
    let mut value: u64 = text.get(..first).filter(|digits| !digits.is_empty())?.parse().ok()?;
    let mut rest = text.get(first..)?;
    if (1..=3).contains(&first) {
        let separator = rest.chars().next().filter(|c| ",.'\u{2019}\u{a0}\u{202f}\u{2009}".contains(*c));
        while let Some(after) = separator.and_then(|separator| rest.strip_prefix(separator)) {
            let group = after.get(..3).filter(|_| digits(after) == 3).and_then(|group| group.parse::<u64>().ok());
            let Some(group) = group else { break };
            value = value.checked_mul(1000)?.checked_add(group)?;
            rest = after.get(3..)?;
        }
    }
    Some((value, rest))
}

/// The same with a sign before it.
pub(super) fn leading_signed(text: &str) -> Option<(i64, &str)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (value, rest) = leading(text)?;
    let value = i64::try_from(value).ok()?;
    Some((if negative { -value } else { value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_count_between_groups_of_three() {
        assert_eq!(leading("1234 x"), Some((1234, " x")));
        assert_eq!(leading("1,234,567)"), Some((1_234_567, ")")));
        assert_eq!(leading("1\u{a0}234 5"), Some((1234, " 5")));
        assert_eq!(leading("12.345"), Some((12_345, "")));
        assert_eq!(leading("1,23"), Some((1, ",23")));
        assert_eq!(leading("1,2345"), Some((1, ",2345")));
        assert_eq!(leading("1234,567"), Some((1234, ",567")));
        assert_eq!(leading("0UNKNOWN"), Some((0, "UNKNOWN")));
        assert_eq!(leading("x"), None);
        assert_eq!(leading("18446744073709551616"), None);
        assert_eq!(leading_signed("-12)"), Some((-12, ")")));
        assert_eq!(leading_signed("--12"), None);
        assert_eq!(leading_signed("9223372036854775808"), None);
    }
}
