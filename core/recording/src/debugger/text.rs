//! Lines of a debugger log: what terminals, mails and the debugger put around output (time stamps, quotation marks, prompts with
//! commands), and the forms of addresses.
//!
//! Prompts are `kd>`, `1: kd>`, `lkd>` (local kernel debugging) and `1: kd:x86>`, as in Microsoft's documentation of the debuggers
//! (<https://learn.microsoft.com/windows-hardware/drivers/debuggercmds/>).

/// Maximum number of characters before the `kd` of a prompt.
const PROMPT_BEFORE_MAX: usize = 12;
/// Maximum length of the name of a target machine type in a prompt, with its colon.
const TARGET_MAX: usize = 10;

/// A prompt with the command that was entered at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prompt<'l> {
    /// Current processor, where the prompt shows it.
    pub processor: Option<u16>,
    /// The command; empty if there is none.
    pub command: &'l str,
}

impl Prompt<'_> {
    /// First word of the command.
    #[must_use]
    pub fn verb(&self) -> &str {
        self.command.split([' ', '\t', ';']).next().unwrap_or_default()
    }

    /// Returns `true` if the command lets the target run.
    #[must_use]
    pub fn is_resuming(&self) -> bool {
        let resumes = |verb: &str| matches!(verb, "g" | "gh" | "gn" | "gc" | "gu" | "p" | "pt" | "t" | "tt");
        self.command.split(';').any(|part| part.split_whitespace().next().is_some_and(resumes))
    }

    /// Returns `true` if the command prints the stack: `k` with any letters after it.
    #[must_use]
    pub fn prints_stack(&self) -> bool {
        let prints = |verb: &str| {
            verb.strip_prefix('k')
                .is_some_and(|letters| letters.len() < 5 && letters.chars().all(|c| c.is_ascii_alphanumeric()))
        };
        self.command.split(';').any(|part| part.split_whitespace().next().is_some_and(prints))
    }
}

/// The line without quotation marks of mails, code fences, and a time stamp at its beginning.
#[must_use]
pub fn bare(line: &str) -> &str {
    let line = line.trim_start_matches('\u{feff}').trim_end();
    without_timestamp(crate::poolmon::parse::unquoted(line))
}

/// The line without a time stamp such as `[10:15:32.123] `, `2026-12-01 10:15:32 ` or `10:15:32.123 `.
fn without_timestamp(line: &str) -> &str {
    let is_time = |text: &str| {
        text.matches(':').count() >= 2
            && text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || ":.,-/ TZ+".contains(c))
    };
    let is_date = |text: &str| {
        text.matches(['-', '/', '.']).count() == 2
            && text.len() >= 8
            && text.chars().all(|c| c.is_ascii_digit() || "-/.".contains(c))
    };
    let rest = if let Some((stamp, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        is_time(stamp).then_some(rest)
    } else {
        let mut rest = line;
        if let Some((first, after)) = rest.split_once(' ')
            && is_date(first)
        {
            rest = after;
        }
        let stamped = rest.split_once([' ', '\t']);
        stamped.filter(|(first, _)| is_time(first)).map(|(_, after)| after)
    };
    // A line that is a time alone stays: it is the time of what follows.
    rest.map(|rest| rest.strip_prefix(' ').unwrap_or(rest)).filter(|rest| !rest.trim().is_empty()).unwrap_or(line)
}

/// The prompt at the beginning of a line; of several, the last.
#[must_use]
pub fn prompt(line: &str) -> Option<Prompt<'_>> {
    let line = line.trim_start();
    let at = line.find("kd").filter(|at| *at <= PROMPT_BEFORE_MAX)?;
    let (before, after) = (line.get(..at)?, line.get(at + 2..)?);
    let before = before.strip_suffix('l').unwrap_or(before);
    let (target, command) = after.split_once('>')?;
    let is_target = target.is_empty()
        || (target.starts_with(':') && target.len() <= TARGET_MAX && target.chars().skip(1).all(char::is_alphanumeric));
    if !is_target || !before.chars().all(|c| c.is_ascii_digit() || " :.*".contains(c)) {
        return None;
    }
    if let Some(next) = prompt(command) {
        return Some(next);
    }
    let number = before.trim().trim_end_matches(':').rsplit([' ', '.']).next().unwrap_or_default();
    Some(Prompt { processor: number.parse().ok(), command: command.trim() })
}

/// An address: eight to sixteen hexadecimal digits, with a grave accent before the last eight of more than eight, or `0x` before
/// any number of digits. `None` for others.
#[must_use]
pub fn address(token: &str) -> Option<u64> {
    let token = token.trim_end_matches([',', '.', ':', ';', ')']).trim_start_matches('(');
    let (is_prefixed, digits) = match token.strip_prefix("0x").or_else(|| token.strip_prefix("0X")) {
        Some(digits) => (true, digits),
        None => (false, token),
    };
    let (high, low) = digits.split_once('`').unwrap_or(("", digits));
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let length = high.len() + low.len();
    let is_plausible = if high.is_empty() { is_prefixed || low.len() >= 8 } else { low.len() == 8 };
    if !is_plausible || length == 0 || length > 16 || !is_hex(high) || !is_hex(low) {
        return None;
    }
    let high = if high.is_empty() { 0 } else { u64::from_str_radix(high, 16).ok()? << 32 };
    Some(high | u64::from_str_radix(low, 16).ok()?)
}

/// A hexadecimal number with or without `0x`.
#[must_use]
pub fn hex(token: &str) -> Option<u64> {
    let digits = token.trim_end_matches([',', ')']).trim_start_matches('(').replace('`', "");
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(&digits);
    u64::from_str_radix(digits, 16).ok()
}

/// A tag as printed, padded with spaces to four characters; `None` if it has more, or characters other than ASCII.
#[must_use]
pub fn tag(text: &str) -> Option<[u8; 4]> {
    let text = text.trim_end();
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return None;
    }
    let mut tag = [b' '; 4];
    tag.iter_mut().zip(text.bytes()).for_each(|(slot, byte)| *slot = byte);
    Some(tag)
}

/// A tag from its value, in which the first character is the lowest byte and the highest bit marks a protected block.
#[must_use]
pub fn tag_of_value(value: u64) -> Option<[u8; 4]> {
    let bytes = (u32::try_from(value).ok()? & 0x7fff_ffff).to_le_bytes();
    bytes.iter().all(|b| b.is_ascii_graphic() || *b == b' ').then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_show_processor_and_command() {
        let cases = [
            ("kd> k", None, "k"),
            ("0: kd> !verifier 80", Some(0), "!verifier 80"),
            ("lkd> !vm 1", None, "!vm 1"),
            ("16: kd:x86> kb", Some(16), "kb"),
            ("  1: kd> ", Some(1), ""),
            ("1: kd> 1: kd> g", Some(1), "g"),
        ];
        for (line, processor, command) in cases {
            assert_eq!(prompt(line), Some(Prompt { processor, command }), "{line}");
        }
        for line in ["0:000> k", "the kd> prompt", "kdexts", "kd:x86 > k", "fffff800`01651c6d nt!kdX>+0x1"] {
            assert_eq!(prompt(line), None, "{line}");
        }
        let of = |command| Prompt { processor: None, command };
        assert!(of("kb;g").is_resuming() && of("g").is_resuming() && !of("dg 0").is_resuming());
        assert!(of("kvn").prints_stack() && of(".thread ; kb").prints_stack() && !of("kill_process x").prints_stack());
    }

    #[test]
    fn addresses_have_several_forms() {
        let cases = [
            ("82b2f88c", Some(0x82b2_f88c)),
            ("fffff880`0476e7e8", Some(0xffff_f880_0476_e7e8)),
            ("fffff8800476e7e8,", Some(0xffff_f880_0476_e7e8)),
            ("0x70", Some(0x70)),
            ("0xfffff880`0496e3aa", Some(0xffff_f880_0496_e3aa)),
            ("1234567", None),
            ("nt!Foo", None),
            ("--------`--------", None),
            ("fffff880`476e7e8", None),
            ("11112222333344445", None),
            ("0x", None),
        ];
        for (token, wanted) in cases {
            assert_eq!(address(token), wanted, "{token}");
        }
    }

    #[test]
    fn time_stamps_and_quotation_marks_are_left_out() {
        for line in [
            "0: kd> k",
            "[10:15:32.123] 0: kd> k",
            "[2026-12-01 10:15:32] 0: kd> k",
            "2026-12-01 10:15:32.5 0: kd> k",
            "10:15:32 0: kd> k",
            "> 0: kd> k",
        ] {
            assert_eq!(bare(line), "0: kd> k", "{line}");
        }
        for line in
            ["10:15:32", "[X] (0x00000008) Pool tracking", "2026-12-01 10:15:32", "00 8772d834 82ab06b1 nt!A+0x1"]
        {
            assert_eq!(bare(line), line);
        }
    }

    #[test]
    fn tags_come_from_text_and_values() {
        assert_eq!(tag("Io  "), Some(*b"Io  "));
        assert_eq!(tag("Leaks"), None);
        assert_eq!(tag_of_value(0x6461_654c), Some(*b"Lead"));
        assert_eq!(tag_of_value(0xe461_654c), Some(*b"Lead"), "a protected block");
        assert_eq!(tag_of_value(1), None);
    }
}
