//! Reads a debugger log line by line: which command's output a line belongs to, and what it adds.

use super::blocks::{BlockCommand, BlockLine, PoolBlock, parse_block_line};
use super::events::{LogEntry, LogPrint, OutstandingList, describe_by_blocks, operations_of_prints, with_lists};
use super::frame::{FrameLine, is_stack_heading, join_frame_lines, parse_frame};
use super::hit_tag::HitTagState;
use super::memory::{MemoryFigure, parse_memory_line};
use super::text::{self, Prompt};
use super::verifier::{EntryHead, ListLine, is_log_heading, parse_entry_head, parse_list_line};
use super::{DebuggerLog, DebuggerOutput, PoolOperation};

/// Length of a line from which on the next one may continue it.
const WRAPPED_FROM: usize = 60;
/// Size of a block's header in bytes on 64-bit and on 32-bit Windows (`_POOL_HEADER`).
const HEADER_BYTES: [u64; 2] = [16, 8];

/// Lines of a stack that is being read.
struct OpenStack {
    line: usize,
    rows: Vec<FrameLine>,
    last: String,
}

/// An entry of Driver Verifier's log that is being read.
struct OpenEntry {
    line: usize,
    head: EntryHead,
    /// The first line, while its thread is missing.
    broken: Option<String>,
    rows: Vec<FrameLine>,
    last: String,
}

/// Reader of a log.
#[derive(Default)]
pub(super) struct Reader {
    log: DebuggerLog,
    stack: Option<OpenStack>,
    entry: Option<OpenEntry>,
    print: LogPrint,
    prints: Vec<LogPrint>,
    list: Option<OutstandingList>,
    lists: Vec<OutstandingList>,
    command: BlockCommand,
    blocks: Vec<PoolBlock>,
    hit: HitTagState,
    hits: Vec<PoolOperation>,
    /// Largest address seen.
    highest: u64,
}

impl Reader {
    /// Takes a line; `number` counts from 1.
    pub(super) fn take(&mut self, number: usize, line: &str) {
        let line = text::bare(line);
        if line.trim().is_empty() {
            return;
        }
        if let Some(prompt) = text::prompt(line) {
            return self.take_prompt(&prompt);
        }
        if self.take_entry_line(number, line) || self.take_stack_line(number, line) {
            return;
        }
        if self.hit.take_line(line, &mut self.hits) || self.take_list_line(number, line) {
            return;
        }
        if let Some(found) = parse_block_line(line, &self.command) {
            return self.take_block_line(found);
        }
        if parse_memory_line(line).is_some_and(|(figure, _)| matches!(figure, MemoryFigure::PoolUsage(_))) {
            self.log.outputs.insert(DebuggerOutput::Vm);
        }
        self.log.outputs.extend(DebuggerOutput::of_line(line));
    }

    fn take_prompt(&mut self, prompt: &Prompt<'_>) {
        self.end_command();
        self.log.has_prompts = true;
        self.hit.take_prompt(prompt);
        self.log.outputs.extend(DebuggerOutput::of_command(prompt.command));
    }

    /// Ends the output of a command.
    fn end_command(&mut self) {
        self.end_entry();
        self.end_print();
        self.end_stack();
        self.end_list();
        self.command = BlockCommand::None;
    }

    fn take_entry_line(&mut self, number: usize, line: &str) -> bool {
        if is_log_heading(line) {
            self.end_entry();
            self.end_print();
            self.log.outputs.insert(DebuggerOutput::Verifier);
            return true;
        }
        if let Some(head) = parse_entry_head(line) {
            self.end_entry();
            self.end_stack();
            self.see(head.address);
            let broken = head.thread.is_none().then(|| line.to_owned());
            self.entry = Some(OpenEntry { line: number, head, broken, rows: Vec::new(), last: String::new() });
            return true;
        }
        let Some(entry) = &mut self.entry else { return false };
        if let Some(first) = entry.broken.take()
            && let Some(head) =
                parse_entry_head(&format!("{first} {}", line.trim())).filter(|head| head.thread.is_some())
        {
            entry.head = head;
            return true;
        }
        if take_frame_line(line, &mut entry.rows, &mut entry.last, |row| row.addresses.len() == 1) {
            return true;
        }
        self.end_entry();
        false
    }

    fn end_entry(&mut self) {
        let Some(entry) = self.entry.take() else { return };
        let frames = entry.rows.into_iter().map(|row| {
            let mut frame = row.frame;
            frame.address = row.addresses.first().copied().or(frame.address);
            frame
        });
        self.print.entries.push(LogEntry { line: entry.line, head: entry.head, frames: frames.collect() });
    }

    fn end_print(&mut self) {
        let mut print = std::mem::take(&mut self.print);
        if !print.entries.is_empty() {
            // The newest operation is printed first.
            print.entries.reverse();
            self.prints.push(print);
        }
    }

    fn take_stack_line(&mut self, number: usize, line: &str) -> bool {
        if is_stack_heading(line) {
            self.end_stack();
            self.stack = Some(OpenStack { line: number, rows: Vec::new(), last: String::new() });
            return true;
        }
        let Some(stack) = &mut self.stack else { return false };
        let is_remark = line.trim_start().starts_with("WARNING:") || line.trim_start().starts_with("*** ");
        let is_location = line.trim_end().ends_with(':');
        if is_remark || (!is_location && take_frame_line(line, &mut stack.rows, &mut stack.last, |_| true)) {
            let addresses = stack.rows.last().map(|row| row.addresses.clone()).unwrap_or_default();
            addresses.into_iter().for_each(|address| self.see(address));
            return true;
        }
        self.end_stack();
        false
    }

    fn end_stack(&mut self) {
        if let Some(stack) = self.stack.take() {
            self.log.outputs.insert(DebuggerOutput::Stack);
            self.hit.take_stack(stack.line, &stack.rows, &mut self.hits);
        }
    }

    fn take_list_line(&mut self, number: usize, line: &str) -> bool {
        let Some(found) = parse_list_line(line) else { return false };
        match (found, &mut self.list) {
            (ListLine::Driver(driver), _) => {
                self.end_list();
                self.list = Some(OutstandingList { line: number, driver, ..OutstandingList::default() });
                self.log.outputs.insert(DebuggerOutput::Verifier);
            }
            (ListLine::Counts(counts), Some(list)) => list.counts = Some(counts),
            (ListLine::Block(block), list) => {
                let list = list.get_or_insert_with(|| OutstandingList { line: number, ..OutstandingList::default() });
                let address = block.address;
                list.blocks.push(block);
                self.see(address);
            }
            (ListLine::Counts(_) | ListLine::Remark, _) => {}
        }
        true
    }

    fn end_list(&mut self) {
        self.lists.extend(self.list.take());
    }

    fn take_block_line(&mut self, found: BlockLine) {
        match found {
            BlockLine::Heading(command) => {
                let output = if command.is_find() { DebuggerOutput::PoolFind } else { DebuggerOutput::Pool };
                self.log.outputs.insert(output);
                self.command = command;
            }
            BlockLine::Block(block) => {
                self.see(block.address);
                if !self.command.is_find() {
                    self.log.outputs.insert(DebuggerOutput::Pool);
                }
                let header = self.header_bytes();
                self.hit.take_block(&block, header, &mut self.hits);
                if block.is_allocated {
                    self.blocks.push(block);
                }
            }
            BlockLine::Terminated | BlockLine::Remark => {}
        }
    }

    fn see(&mut self, address: u64) {
        self.highest = self.highest.max(address);
    }

    const fn header_bytes(&self) -> u64 {
        HEADER_BYTES[(self.highest <= u32::MAX as u64) as usize]
    }

    /// The log.
    pub(super) fn finish(mut self) -> DebuggerLog {
        self.end_command();
        self.hit.resume();
        let (mut operations, undetermined) = operations_of_prints(&self.prints);
        operations.extend(std::mem::take(&mut self.hits));
        operations = with_lists(operations, &self.lists);
        describe_by_blocks(&mut operations, &self.blocks, self.header_bytes());
        self.log.pointer_bytes = if self.highest <= u64::from(u32::MAX) { 4 } else { 8 };
        self.log.undetermined_count = undetermined;
        self.log.breaks_without_stack = self.hit.without_stack;
        self.log.drivers = driver_files(&self.lists);
        self.log.cut_lists = self.lists.into_iter().filter(|list| list.missing_count() > 0).collect();
        self.log.operations = operations;
        self.log
    }
}

/// Takes a frame, or the rest of the last one; returns `false` for other lines.
fn take_frame_line(
    line: &str,
    rows: &mut Vec<FrameLine>,
    last: &mut String,
    fits: impl Fn(&FrameLine) -> bool,
) -> bool {
    let is_incomplete = rows.last().is_some_and(|row| !row.has_symbol && row.addresses.len() > 1);
    if last.len() >= WRAPPED_FROM || is_incomplete {
        let joined = join_frame_lines(last, line);
        if let (Some(joined), Some(row)) = (joined, rows.last_mut()) {
            *row = joined;
            last.clear();
            return true;
        }
    }
    match parse_frame(line).filter(|row| fits(row)) {
        Some(row) => {
            rows.push(row);
            line.clone_into(last);
            true
        }
        None => false,
    }
}

/// File names of drivers in headings, each once.
fn driver_files(lists: &[OutstandingList]) -> Vec<String> {
    let mut names: Vec<String> = lists.iter().map(|list| list.driver.clone()).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
