//! Output of `!verifier`: the log of pool operations (flags 0x80) and the lists of outstanding allocations by driver (flags 3).
//!
//! | form | Windows | source |
//! | --- | --- | --- |
//! | `Pool block 982a8fe0, Size 00000020, Thread 9c158bc0`, then `ADDRESS Symbol` lines | Vista and later | [!verifier](https://learn.microsoft.com/windows-hardware/drivers/debuggercmds/-verifier), [debugging memory leaks][0x62] |
//! | `PoolAddress  SizeInBytes  Tag  CallersAddress`, below `ADDRESS Loaded 000000a0 00000854 videoprt.sys` | 7 | !verifier |
//! | `Address  Length  Tag  Caller`, below `MODULE: 0x84226b28 MyDriver.sys (Loaded)` or `nt!_VF_TARGET_DRIVER 0xa013f2c8: Sample.sys (Loaded and Unloaded)` | 8 and later | [debugging memory leaks][0x62], <https://github.com/microsoft/ebpf-for-windows/issues/1908> |
//!
//! The log shows the newest operation first, and neither tags nor whether an entry is an allocation or a free: its innermost frames
//! tell. Its entries have no time. Sizes of frees are rounded up to whole blocks.
//!
//! [0x62]: https://learn.microsoft.com/windows-hardware/drivers/devtest/debugging-memory-leaks---driver-verifier-detected-violation--c4---0x62

use super::OperationKind;
use super::frame::{StackFrame, parse_frame};
use super::text::{address, hex, tag};

/// Beginnings of frames that belong to Driver Verifier and the kernel.
const SYSTEM_MODULES: [&str; 8] =
    ["nt", "ntoskrnl", "ntkrnlmp", "ntkrnlpa", "ntkrpamp", "hal", "verifierext", "verifier"];

/// Returns `true` for the kernel, the hardware abstraction layer and Driver Verifier, by the name that the debugger shows.
#[must_use]
pub fn is_system_module(name: &str) -> bool {
    SYSTEM_MODULES.iter().any(|system| name.eq_ignore_ascii_case(system))
}

/// First line of an entry of the log: block, size and thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntryHead {
    /// Address of the block.
    pub address: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Address of the thread object.
    pub thread: Option<u64>,
}

/// Parses the first line of an entry. A line that a console broke has no thread yet.
#[must_use]
pub fn parse_entry_head(line: &str) -> Option<EntryHead> {
    let rest = line.trim().trim_start_matches('#').trim_start().strip_prefix("Pool block ")?;
    let mut parts = rest.split(',').map(str::trim);
    let address = address(parts.next()?)?;
    let size_bytes = hex(parts.next()?.strip_prefix("Size")?.trim())?;
    let thread = parts.next().and_then(|part| super::text::address(part.strip_prefix("Thread")?.trim()));
    Some(EntryHead { address, size_bytes, thread })
}

/// Returns `true` for headings of the log.
#[must_use]
pub fn is_log_heading(line: &str) -> bool {
    let text = line.trim().trim_start_matches('#').trim_start();
    text.starts_with("Log of recent kernel pool")
        || (text.starts_with("There are up to") && text.contains("entries in the log"))
        || (text.starts_with("Parsing ") && text.contains("entries"))
}

/// Kind of an operation by its frames, innermost first: the first frame of the kernel or of Driver Verifier that allocates or frees.
/// `None` if they have no symbols, or if the stack begins outside of them.
#[must_use]
pub fn kind_of_frames(frames: &[StackFrame]) -> Option<OperationKind> {
    let system = frames.iter().take_while(|frame| frame.module.as_deref().is_some_and(is_system_module));
    system.filter_map(|frame| frame.function.as_deref()).find_map(kind_of_function)
}

fn kind_of_function(function: &str) -> Option<OperationKind> {
    match (function.find("Alloc"), function.find("Free")) {
        (Some(_), None) => Some(OperationKind::Allocation),
        (None, Some(_)) => Some(OperationKind::Free),
        (Some(alloc), Some(free)) => Some(if alloc < free { OperationKind::Allocation } else { OperationKind::Free }),
        (None, None) => None,
    }
}

/// Kind of a frame of the kernel that allocates or frees pool, such as `ExAllocatePoolWithTag` and `ExFreeHeapPool`.
#[must_use]
pub fn kind_of_pool_function(frame: &StackFrame) -> Option<OperationKind> {
    let function = frame.function.as_deref().filter(|function| function.contains("Pool"))?;
    frame.module.as_deref().filter(|module| is_system_module(module))?;
    kind_of_function(function)
}

/// A line of the lists of drivers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListLine {
    /// The list of a driver begins: name of its file.
    Driver(String),
    /// Numbers of its allocations in nonpaged and in paged pool.
    Counts([u64; 2]),
    /// An outstanding allocation.
    Block(OutstandingBlock),
    /// Other lines of the list.
    Remark,
}

/// An outstanding allocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutstandingBlock {
    /// Address.
    pub address: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Tag.
    pub tag: [u8; 4],
    /// The place that allocates.
    pub caller: StackFrame,
}

/// Parses a line of the lists; `None` for other lines.
#[must_use]
pub fn parse_list_line(line: &str) -> Option<ListLine> {
    let text = line.trim();
    if let Some(driver) = driver_of_heading(text) {
        return Some(ListLine::Driver(driver));
    }
    if let Some(rest) = text.strip_prefix("Current Pool Allocations") {
        let numbers: Vec<u64> =
            rest.split([' ', ':', '/', '(', ')', '\t']).filter(|part| !part.is_empty()).filter_map(hex).collect();
        if let [nonpaged, paged] = numbers.as_slice() {
            return Some(ListLine::Counts([*nonpaged, *paged]));
        }
    }
    if let Some(block) = outstanding_block(text) {
        return Some(ListLine::Block(block));
    }
    let is_remark = (text.starts_with("PoolAddress") && text.contains("CallersAddress"))
        || (text.starts_with("Address") && text.contains("Length") && text.contains("Caller"))
        || text.starts_with("Current Pool Bytes")
        || text.starts_with("Peak Pool ")
        || text.starts_with("Pool Allocation Statistics")
        || text.starts_with("Pool Allocations:")
        || text.contains("Contiguous Memory Bytes")
        || text.starts_with("Contiguous allocations are not displayed");
    is_remark.then_some(ListLine::Remark)
}

/// File name of the driver in the heading of its list.
fn driver_of_heading(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let name = match words.as_slice() {
        // nt!_VF_TARGET_DRIVER 0xa013f2c8: Sample.sys (Loaded and Unloaded)
        [kind, at, rest @ ..]
            if (*kind == "MODULE:" || kind.ends_with("!_VF_TARGET_DRIVER")) && address(at).is_some() =>
        {
            let end = rest.iter().position(|word| word.starts_with('(')).unwrap_or(rest.len());
            rest.get(..end)?.join(" ")
        }
        // fffffa8003b6f670 Loaded           000000a0       00000854    videoprt.sys
        [at, rest @ .., nonpaged, paged, name]
            if address(at).is_some()
                && rest.first().is_some_and(|state| state.starts_with("Loaded") || state.starts_with("Unloaded"))
                && hex(nonpaged).is_some()
                && hex(paged).is_some() =>
        {
            (*name).to_owned()
        }
        _ => return None,
    };
    (!name.is_empty()).then_some(name)
}

/// `0x982a8fe0  0x00000020  VMdl  0x9a3bf6ac  MyDriver!DeviceControlDispatch`; the tag may contain blanks.
fn outstanding_block(text: &str) -> Option<OutstandingBlock> {
    let (at, rest) = text.split_once(char::is_whitespace)?;
    let block = address(at)?;
    let (size, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let size_bytes = size.strip_prefix("0x").and_then(hex)?;
    // The caller is the first address after at least the four characters of the tag.
    let rest = rest.trim_start();
    let starts = rest.char_indices().filter(|(at, _)| rest.get(..*at).is_some_and(|before| before.ends_with(' ')));
    let (at, caller) = starts
        .filter_map(|(at, _)| Some((at, rest.get(at..)?)))
        .find(|(_, word)| word.split_whitespace().next().and_then(address).is_some())?;
    let tag = tag(rest.get(..at)?)?;
    let caller = caller.trim_start();
    let (caller, symbol) = caller.split_once(char::is_whitespace).unwrap_or((caller, ""));
    let mut frame = parse_frame(symbol).filter(|line| line.has_symbol).map(|line| line.frame).unwrap_or_default();
    frame.address = address(caller);
    Some(OutstandingBlock { address: block, size_bytes, tag, caller: frame })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_begin_with_block_size_and_thread() {
        let head = |line: &str| parse_entry_head(line).map(|head| (head.address, head.size_bytes, head.thread));
        assert_eq!(
            head("Pool block a2b1ce98, Size 00000168, Thread a2b1ce98"),
            Some((0xa2b1_ce98, 0x168, Some(0xa2b1_ce98)))
        );
        assert_eq!(
            head("Pool block fffff980`0157efc0, Size 0000000000000040, Thread fffffa80`06014060"),
            Some((0xffff_f980_0157_efc0, 0x40, Some(0xffff_fa80_0601_4060)))
        );
        assert_eq!(
            head("Pool block fffff9800157efc0, Size 0000000000000040, Thread"),
            Some((0xffff_f980_0157_efc0, 0x40, None))
        );
        assert_eq!(head("Pool block sizes are rounded"), None);
        assert!(is_log_heading("# Parsing 00004000 array entries, searching for address a2b1cf20."));
    }

    #[test]
    fn the_innermost_system_frames_tell_the_kind() {
        let frames = |symbols: &[&str]| -> Vec<StackFrame> {
            symbols.iter().filter_map(|symbol| Some(parse_frame(&format!("81b250cd {symbol}+0x3"))?.frame)).collect()
        };
        let kind = |symbols: &[&str]| kind_of_frames(&frames(symbols));
        assert_eq!(
            kind(&["nt!IovAllocateMdl", "VerifierExt!IoAllocateMdl_wrapper", "my!Free"]),
            Some(OperationKind::Allocation)
        );
        assert_eq!(kind(&["nt!VfFreePoolNotification", "nt!ExFreePoolWithTag", "my!Alloc"]), Some(OperationKind::Free));
        assert_eq!(kind(&["ndis!ndisFreeToNPagedPool", "nt!ExAllocatePool"]), None);
        assert_eq!(kind(&["nt"]), None);
        let pool = |symbol: &str| kind_of_pool_function(&frames(&[symbol])[0]);
        assert_eq!(pool("nt!ExAllocateHeapPool"), Some(OperationKind::Allocation));
        assert_eq!(pool("nt!ExFreePool"), Some(OperationKind::Free));
        assert_eq!((pool("nt!KeBugCheckEx"), pool("my!MyAllocatePool")), (None, None));
    }

    #[test]
    fn lists_of_both_forms_parse() {
        let block = |line: &str| match parse_list_line(line) {
            Some(ListLine::Block(b)) => (b.address, b.size_bytes, b.tag, b.caller.address, b.caller.function),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(
            block("fffff9800157efc0     0x0000003c     Vprt      fffff88002c62963"),
            (0xffff_f980_0157_efc0, 0x3c, *b"Vprt", Some(0xffff_f880_02c6_2963), None)
        );
        assert_eq!(
            block("      0x982a8fe0  0x00000020  V dl  0x9a3bf6ac  MyDriver!DeviceControlDispatch+0x4c"),
            (0x982a_8fe0, 0x20, *b"V dl", Some(0x9a3b_f6ac), Some("DeviceControlDispatch".to_owned()))
        );
        let driver = |line: &str| match parse_list_line(line) {
            Some(ListLine::Driver(name)) => name,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(driver("fffffa8003b6f670 Loaded           000000a0       00000854    videoprt.sys"), "videoprt.sys");
        assert_eq!(driver("  MODULE: 0x84226b28 MyDriver.sys (Loaded)"), "MyDriver.sys");
        assert_eq!(driver("nt!_VF_TARGET_DRIVER 0xa013f2c8: Sample.sys (Loaded and Unloaded)"), "Sample.sys");
        assert_eq!(
            parse_list_line("Current Pool Allocations  00000002    00000013"),
            Some(ListLine::Counts([2, 0x13]))
        );
        assert_eq!(
            parse_list_line("Current Pool Allocations: ( 0x00000003 / 0x00000000 )"),
            Some(ListLine::Counts([3, 0]))
        );
        for line in [
            "0xa013f2c8 x",
            "fffff9800157efc0 nt!A+0x3",
            "PoolHitTag",
            "826fa130 size: c0 previous size: 40 (Allocated) SeSd",
        ] {
            assert_eq!(parse_list_line(line), None, "{line}");
        }
    }
}
