//! One line of a stack: as the commands `k`, `kb`, `kn`, `kv`, `kc` print it, and as logs of Driver Verifier do.
//!
//! | form | source |
//! | --- | --- |
//! | `ChildEBP RetAddr Args to Child`, then `Symbol` | [k commands](https://learn.microsoft.com/windows-hardware/drivers/debuggercmds/k--kb--kc--kd--kp--kp--kv--display-stack-backtrace-) |
//! | `Child-SP RetAddr : Args to Child : Call Site`, with or without frame numbers | the same, x64 |
//! | `ADDRESS Symbol` | [!verifier](https://learn.microsoft.com/windows-hardware/drivers/debuggercmds/-verifier), flags 0x80 |
//!
//! A symbol is `module!function+0xoff`, without symbols `module+0xoff` or an address. With private symbols, `[FILE @ LINE]` follows.

use super::text::address;

/// A frame of a stack.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct StackFrame {
    /// Return address; `None` where the log does not show it.
    pub address: Option<u64>,
    /// Name of the module as the debugger shows it, without the ending of its file.
    pub module: Option<String>,
    /// Function; `None` without symbols.
    pub function: Option<String>,
    /// Bytes from the start of the function, or of the module where the function is not known.
    pub offset_bytes: u64,
    /// Path and line of the source.
    pub source: Option<(String, u32)>,
}

/// A line of a stack.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FrameLine {
    /// Addresses before the symbol.
    pub addresses: Vec<u64>,
    /// The frame without its address.
    pub frame: StackFrame,
    /// The line shows a symbol.
    pub has_symbol: bool,
}

/// Returns `true` for a heading of the columns of a stack.
#[must_use]
pub fn is_stack_heading(line: &str) -> bool {
    let has = |word: &str| line.contains(word);
    (has("RetAddr") && (has("Child-SP") || has("ChildEBP") || has("Call Site") || has("Args to Child")))
        || matches!(line.trim().trim_start_matches('#').trim(), "Call Site")
}

/// Parses a line of a stack; `None` for other lines.
#[must_use]
pub fn parse_frame(line: &str) -> Option<FrameLine> {
    let mut rest = line.trim().trim_start_matches('#').trim_start();
    let mut parsed = FrameLine::default();
    let mut is_first = true;
    while !rest.is_empty() {
        let (token, after) =
            rest.split_once(char::is_whitespace).map_or((rest, ""), |(token, after)| (token, after.trim_start()));
        let is_number = is_first && token.len() <= 3 && token.bytes().all(|b| b.is_ascii_hexdigit());
        let is_filler = token == ":" || token == "(Inline" || token == "Function)" || token.contains("--------");
        if let Some(value) = address(token).filter(|_| !token.starts_with("0x")) {
            parsed.addresses.push(value);
        } else if !is_number && !is_filler {
            parsed.has_symbol = parse_symbol(rest, &mut parsed.frame);
            return parsed.has_symbol.then_some(parsed);
        }
        (rest, is_first) = (after, false);
    }
    (!parsed.addresses.is_empty()).then_some(parsed)
}

/// Parses a symbol with what may follow it.
fn parse_symbol(text: &str, frame: &mut StackFrame) -> bool {
    let (symbol, source) = without_remarks(text);
    if let Some(value) = address(symbol) {
        frame.address = Some(value);
        return true;
    }
    frame.source = source;
    let (name, offset) = match symbol.rsplit_once("+0x") {
        Some((name, digits)) if !digits.is_empty() => match u64::from_str_radix(&digits.replace('`', ""), 16) {
            Ok(offset) => (name, Some(offset)),
            Err(_) => (symbol, None),
        },
        _ => (symbol, None),
    };
    frame.offset_bytes = offset.unwrap_or(0);
    let is_module = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.~".contains(c));
    match name.split_once('!') {
        Some((module, function)) if is_module(module) && !function.trim().is_empty() => {
            (frame.module, frame.function) = (Some(module.to_owned()), Some(function.trim().to_owned()));
            true
        }
        None if offset.is_some() && is_module(name) => {
            frame.module = Some(name.to_owned());
            true
        }
        _ => false,
    }
}

/// A symbol without the remarks after it, and the source line of `[FILE @ LINE]`.
fn without_remarks(text: &str) -> (&str, Option<(String, u32)>) {
    let bracket = text.rfind(" [").filter(|at| text.get(*at..).is_some_and(|rest| rest.contains(" @ ")));
    let source = bracket.and_then(|at| {
        let inside = text.get(at + 2..)?.trim_end().trim_end_matches(']');
        let (file, line) = inside.rsplit_once(" @ ")?;
        Some((file.to_owned(), line.trim().parse().ok()?))
    });
    let text = bracket.and_then(|at| text.get(..at)).unwrap_or(text);
    let remark = [" (FPO", " (CONV", " (Inline", " (TrapFrame"].iter().filter_map(|remark| text.find(remark)).min();
    (remark.and_then(|at| text.get(..at)).unwrap_or(text).trim(), source)
}

/// Two lines that a narrow console or a mail broke, as one frame; `None` if they are none.
#[must_use]
pub fn join_frame_lines(first: &str, second: &str) -> Option<FrameLine> {
    let (first, second) = (first.trim_end(), second.trim());
    let whole = |line: String| parse_frame(&line).filter(|joined| joined.has_symbol && joined.frame.function.is_some());
    let before = parse_frame(first);
    match before.filter(|before| before.has_symbol) {
        // The symbol was broken: what follows has no blank in it.
        Some(before) if !second.contains(' ') => {
            let joined = whole(format!("{first}{second}"))?;
            (before.frame.offset_bytes == 0 && joined.frame.offset_bytes > 0).then_some(joined)
        }
        Some(_) => None,
        None => whole(format!("{first} {second}")).or_else(|| whole(format!("{first}{second}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> (usize, Option<String>, Option<String>, u64) {
        let parsed = parse_frame(line).unwrap_or_else(|| panic!("{line}"));
        (parsed.addresses.len(), parsed.frame.module, parsed.frame.function, parsed.frame.offset_bytes)
    }

    fn named(
        addresses: usize,
        module: &str,
        function: &str,
        offset: u64,
    ) -> (usize, Option<String>, Option<String>, u64) {
        (addresses, Some(module.to_owned()), Some(function.to_owned()), offset)
    }

    #[test]
    fn stacks_of_all_commands_parse() {
        let k = "fffff880`0476e7e8 fffff800`01651c6d nt!ExAllocatePoolWithTag+0x12";
        assert_eq!(shown(k), named(2, "nt", "ExAllocatePoolWithTag", 0x12));
        let kn = "0a ffffef85`756fee50 fffff802`43e9502c     mydrv!Read+0x64";
        assert_eq!(shown(kn), named(2, "mydrv", "Read", 0x64));
        let kv = "fffff880`0476e7e8 fffff800`01651c6d : 00000000`00000001 00000000`00000040 00000000`6b61654c 0 : mydrv!Open";
        assert!(parse_frame(kv).is_none(), "arguments have eight digits");
        let kv = kv.replace(" 0 :", " 00000000`00000000 :");
        assert_eq!(shown(&kv), named(6, "mydrv", "Open", 0));
        let x86 = r"04 8772d9d8 82bd22e6 86a220d0 86a40000 00000000 my!Entry+0x27 (FPO: [Non-Fpo]) (CONV: stdcall) [J:\a b\my.cpp @ 16]";
        assert_eq!(shown(x86), named(5, "my", "Entry", 0x27));
        assert_eq!(parse_frame(x86).and_then(|line| line.frame.source), Some((r"J:\a b\my.cpp".to_owned(), 16)));
        assert_eq!(shown("81b250cd nt!IovAllocateMdl+0x3d"), named(1, "nt", "IovAllocateMdl", 0x3d));
        assert_eq!(shown("# 8ac4a8ba my!Done+0xea"), named(1, "my", "Done", 0xea));
        assert_eq!(shown("03 (Inline Function) --------`--------     my!Small+0xd"), named(0, "my", "Small", 0xd));
        assert_eq!(shown("00 nt!ExAllocateHeapPool+0x1b1381"), named(0, "nt", "ExAllocateHeapPool", 0x1b_1381));
        let odd = "fffff880`0476e7e8 fffff800`01651c6d nt! ?? ::FNODOBFM::`string'+0x7a";
        assert_eq!(shown(odd), named(2, "nt", "?? ::FNODOBFM::`string'", 0x7a));
        let template = "81b250cd my!List<int, long>::Add+0x3";
        assert_eq!(shown(template), named(1, "my", "List<int, long>::Add", 3));
    }

    #[test]
    fn frames_without_symbols_keep_module_or_address() {
        assert_eq!(shown("81b250cd Sample+0x1047"), (1, Some("Sample".to_owned()), None, 0x1047));
        let parsed = parse_frame("fffff880`0476e7e8 fffff800`01651c6d 0xfffff880`0496e3aa").expect("a frame");
        assert_eq!(
            (parsed.addresses.len(), parsed.frame.address, parsed.has_symbol),
            (2, Some(0xffff_f880_0496_e3aa), true)
        );
        assert_eq!(parse_frame("fffff880`0496e3aa").map(|line| line.addresses), Some(vec![0xffff_f880_0496_e3aa]));
    }

    #[test]
    fn other_lines_are_no_frames() {
        for line in [
            "",
            "Pool block 982a8fe0, Size 00000020, Thread 9c158bc0",
            "WARNING: Stack unwind information not available. Following frames may be wrong.",
            "826fa130 size:   c0 previous size:   40  (Allocated) SeSd",
            "fffff9800157efc0     0x0000003c     Vprt      fffff88002c62963",
            " # Child-SP          RetAddr           Call Site",
        ] {
            assert_eq!(parse_frame(line), None, "{line}");
        }
        assert!(
            is_stack_heading(" # Child-SP          RetAddr           Call Site")
                && is_stack_heading("ChildEBP RetAddr  ")
        );
        assert!(!is_stack_heading("RetAddr of the caller"));
    }

    #[test]
    fn broken_lines_are_one_frame() {
        let joined = |first: &str, second: &str| {
            join_frame_lines(first, second).map(|line| (line.addresses.len(), line.frame.offset_bytes))
        };
        let kv = "fffff880`0476e7e8 fffff800`01651c6d : 00000000`00000001 00000000`00000040";
        assert_eq!(joined(kv, "00000000`6b61654c 00000000`00000000 : my!Open+0x12"), Some((6, 0x12)));
        assert_eq!(joined("fffff880`0476e7e8 fffff800`01651c6d nt!ExAllocatePoolWi", "thTag+0x64"), Some((2, 0x64)));
        assert_eq!(joined("fffff880`0476e7e8 fffff800`01651c6d nt!ExAllocatePoolWithTag", "+0x64"), Some((2, 0x64)));
        assert_eq!(joined("fffff880`0476e7e8 fffff800`0165", "1c6d nt!A+0x64"), Some((2, 0x64)));
        assert_eq!(joined("81b250cd nt!A+0x3d", "81b250cd nt!B+0x3d"), None);
    }
}
