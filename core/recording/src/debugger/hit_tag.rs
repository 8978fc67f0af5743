//! Breaks by `nt!PoolHitTag`: the debugger stops at each allocation and free of a tag, and the stack is printed there.
//!
//! Sources: [Troubleshooting Pool Leaks, part 5](https://learn.microsoft.com/archive/blogs/ntdebugging/troubleshooting-pool-leaks-part-5-poolhittag),
//! [Using the Kernel Debugger to Find a Kernel-Mode Memory Leak](https://learn.microsoft.com/windows-hardware/drivers/debugger/using-the-kernel-debugger-to-find-a-kernel-mode-memory-leak),
//! and a script that collects them, <https://github.com/bhattacharjee/JacanaWindbg>.
//!
//! The innermost frame is the kernel's function that allocates (`ExAllocatePoolWithTag`, `ExAllocateHeapPool`) or frees (`ExFreePoolWithTag`,
//! `ExFreeHeapPool`). On 32-bit Windows `kb` and `kv` show its arguments: pool type, bytes and tag, or the block and its tag. On 64-bit
//! Windows arguments are in registers and what `kv` shows is not reliable, so that neither size nor block is known, unless the log has the
//! returned register (`rax=…` after `gu`) or the output of `!pool`.

use super::blocks::PoolBlock;
use super::frame::{FrameLine, StackFrame};
use super::text::{self, Prompt};
use super::verifier::kind_of_pool_function;
use super::{OperationKind, OperationSource, PoolOperation};
use crate::pool::Pool;

/// Functions at which the debugger stands after a break, inside of the function that was called.
const BREAK_FUNCTIONS: [&str; 3] = ["DbgBreakPoint", "RtlpBreakWithStatusInstruction", "?? ::FNODOBFM"];

/// What is known of the breaks at the present line.
#[derive(Default, Debug)]
pub(super) struct HitTagState {
    /// The tag that the variable is set to.
    tag: Option<[u8; 4]>,
    /// The next line shows the value of the variable.
    expects_value: bool,
    /// The target ran since the last stack.
    has_run: bool,
    /// A prompt asked for a stack since the last one.
    is_asked: bool,
    /// Address that a script printed before the stack.
    announced: Option<u64>,
    /// A script is printing about the next stack.
    is_announcing: bool,
    /// The break stopped in a function of pool, and no stack followed yet.
    is_waiting: bool,
    /// Current processor.
    processor: Option<u16>,
    /// Number of breaks without a stack.
    pub(super) without_stack: usize,
}

impl HitTagState {
    /// Takes a command.
    pub(super) fn take_prompt(&mut self, prompt: &Prompt<'_>) {
        self.processor = prompt.processor.or(self.processor);
        self.is_asked |= prompt.prints_stack();
        self.expects_value = false;
        let lower = prompt.command.to_ascii_lowercase();
        if let Some(at) = lower.find("poolhittag") {
            let value = prompt.command.get(at + "poolhittag".len()..).unwrap_or_default().trim();
            match prompt.verb() {
                "ed" | "ea" | "eb" => self.tag = tag_of_argument(value),
                verb => self.expects_value = verb.starts_with('d') && verb != "dt",
            }
        }
        if prompt.is_resuming() {
            self.resume();
        }
    }

    /// The target ran on.
    pub(super) fn resume(&mut self) {
        self.without_stack += usize::from(self.is_waiting);
        (self.has_run, self.is_waiting) = (true, false);
    }

    /// Takes a line outside of stacks; returns whether it is about breaks.
    pub(super) fn take_line(&mut self, line: &str, operations: &mut [PoolOperation]) -> bool {
        let line = line.trim();
        if std::mem::take(&mut self.expects_value) && self.take_value(line) {
            return true;
        }
        if line.starts_with("Break instruction exception")
            || (line.starts_with("Breakpoint ") && line.ends_with(" hit"))
        {
            self.resume();
            return true;
        }
        if let Some(location) = line.strip_suffix(':').filter(|location| location.contains('!')) {
            let frame = super::frame::parse_frame(location).map(|parsed| parsed.frame);
            self.is_waiting = frame.is_some_and(|frame| kind_of_pool_function(&frame).is_some());
            return frame_like(location);
        }
        match line {
            // `>>malloc`; marks of quotations are left out before.
            "malloc" | "free" => self.is_announcing = true,
            "<<" => self.is_announcing = false,
            _ => {
                let value = ["rax=", "eax="].iter().find_map(|name| line.strip_prefix(name)).and_then(text::hex);
                let Some(value) = value.filter(|value| *value != 0) else { return false };
                if self.is_announcing {
                    self.announced = Some(value);
                } else if let Some(last) = last_hit(operations)
                    && self.has_run
                    && last.kind == OperationKind::Allocation
                {
                    last.address = last.address.or(Some(value));
                }
            }
        }
        true
    }

    /// Takes `fffff800016530fc  3261654c  Lea2`, or bytes in place of the value.
    fn take_value(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [first, second, rest @ ..] = words.as_slice() else { return false };
        if text::address(first).is_none() {
            return false;
        }
        self.tag = match (second.len(), rest) {
            (8, _) => text::hex(second).and_then(text::tag_of_value),
            (2, [b, c, d, ..]) => {
                let bytes: Option<Vec<u64>> = [second, b, c, d].into_iter().map(|byte| text::hex(byte)).collect();
                bytes.and_then(|bytes| text::tag_of_value(bytes.iter().rev().fold(0, |value, byte| value << 8 | byte)))
            }
            _ => return false,
        };
        true
    }

    /// Takes a whole stack; one that is not of an allocation or a free is left out.
    pub(super) fn take_stack(&mut self, line: usize, rows: &[FrameLine], operations: &mut Vec<PoolOperation>) {
        let frames = frames_of_rows(rows);
        let is_break = |frame: &&StackFrame| {
            let function = frame.function.as_deref().unwrap_or_default();
            BREAK_FUNCTIONS.iter().any(|name| function.starts_with(name))
        };
        let skipped = frames.iter().take_while(is_break).count();
        let Some(kind) = frames.get(skipped).and_then(kind_of_pool_function) else { return };
        let mut operation = PoolOperation {
            kind,
            source: OperationSource::PoolHitTag,
            line,
            address: self.announced.take(),
            size_bytes: None,
            tag: self.tag,
            pool: None,
            processor: self.processor,
            frames: frames.get(skipped..).unwrap_or_default().to_vec(),
        };
        if let Some(row) = rows.get(skipped) {
            take_arguments(row, &mut operation);
        }
        self.is_waiting = false;
        let is_repeated = self.is_asked && !self.has_run;
        match last_hit(operations).filter(|last| is_repeated && last.kind == kind) {
            Some(last) => complete(last, operation),
            None => operations.push(operation),
        }
        (self.has_run, self.is_asked) = (false, false);
    }

    /// Takes the block that `!pool` was asked for.
    pub(super) fn take_block(&self, block: &PoolBlock, header_bytes: u64, operations: &mut [PoolOperation]) {
        let Some(last) = last_hit(operations).filter(|_| block.is_marked) else { return };
        if last.kind == OperationKind::Free && last.address.is_none() && !self.has_run {
            last.address = Some(block.address.saturating_add(header_bytes));
        }
        let end = block.address.saturating_add(block.size_bytes);
        if last.address.is_some_and(|address| address >= block.address && address < end) {
            last.size_bytes = last.size_bytes.or(Some(block.size_bytes));
            last.tag = last.tag.or(Some(block.tag));
            last.pool = last.pool.or(block.pool);
        }
    }
}

fn frame_like(location: &str) -> bool {
    super::frame::parse_frame(location).is_some_and(|parsed| parsed.has_symbol)
}

fn last_hit(operations: &mut [PoolOperation]) -> Option<&mut PoolOperation> {
    operations.last_mut().filter(|last| last.source == OperationSource::PoolHitTag)
}

/// Adds what another print of the same stack shows.
fn complete(last: &mut PoolOperation, again: PoolOperation) {
    last.address = last.address.or(again.address);
    last.size_bytes = last.size_bytes.or(again.size_bytes);
    last.tag = again.tag.or(last.tag);
    last.pool = last.pool.or(again.pool);
    if again.frames.len() > last.frames.len() {
        last.frames = again.frames;
    }
}

/// The tag of `ed nt!PoolHitTag 'dcba'` (characters in reverse order) or `ed nt!PoolHitTag 64636261`.
fn tag_of_argument(text: &str) -> Option<[u8; 4]> {
    match text.split_once('\'') {
        Some((_, rest)) => {
            let name: String = rest.split('\'').next()?.chars().rev().collect();
            text::tag(&name)
        }
        None => text::tag_of_value(text::hex(text.split_whitespace().next()?)?),
    }
}

/// Frames of the rows of a stack: each row shows the return address of its function, which is in the next frame.
fn frames_of_rows(rows: &[FrameLine]) -> Vec<StackFrame> {
    let mut next = None;
    let frame = |row: &FrameLine| {
        let frame = StackFrame { address: row.frame.address.or(next), ..row.frame.clone() };
        if let [_, return_address, ..] = row.addresses.as_slice() {
            next = Some(*return_address).filter(|address| *address != 0);
        }
        frame
    };
    rows.iter().map(frame).collect()
}

/// Arguments of the kernel's function on 32-bit Windows.
fn take_arguments(row: &FrameLine, operation: &mut PoolOperation) {
    let is_32_bit = row.addresses.iter().all(|value| u32::try_from(*value).is_ok());
    let (true, [_, _, first, second, third, ..]) = (is_32_bit, row.addresses.as_slice()) else { return };
    let function = row.frame.function.as_deref().unwrap_or_default();
    if function.starts_with("ExAllocatePool") {
        operation.pool = Some(if first & 1 == 0 { Pool::NonPaged } else { Pool::Paged });
        operation.size_bytes = Some(*second);
        operation.tag = text::tag_of_value(*third).or(operation.tag);
    } else if function.starts_with("ExFreePool") {
        operation.address = Some(*first);
        if function.starts_with("ExFreePoolWithTag") {
            operation.tag = text::tag_of_value(*second).or(operation.tag);
        }
    }
}
