//! Lines of `!vm`: sizes and limits of the pools and of memory.
//!
//! | line | Windows | source |
//! | --- | --- | --- |
//! | `NonPagedPool Usage:    877   (    3508 Kb)`, `NonPagedPool Max:`, `PagedPool Usage:`, `PagedPool Maximum:` | all | [!vm](https://learn.microsoft.com/windows-hardware/drivers/debuggercmds/-vm) |
//! | `NonPagedPoolNx Usage:`, which adds to `NonPagedPool Usage:` | 8 and later | published outputs of Windows 8 to 11 |
//! | `Committed pages:` and `Commit limit:` (kernel debuggers), `Physical Memory:`, `Available Pages:` | all | !vm |
//!
//! Figures are pages, with kilobytes in parentheses. Since Windows 8.1 the maxima of both pools are those of the address space (16 TB or
//! more): memory is exhausted long before.

use crate::pool::Pool;

/// Size of a page in bytes, for lines without kilobytes.
const PAGE_BYTES: u64 = 4096;

/// A figure of `!vm`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryFigure {
    /// A part of the size of a pool; the parts add up.
    PoolUsage(Pool),
    /// Maximum size of a pool.
    PoolLimit(Pool),
    /// Physical memory.
    Physical,
    /// Available memory.
    Available,
    /// Commit charge.
    Committed,
    /// Commit limit.
    CommitLimit,
    /// Any other line.
    Other,
}

/// Parses a line of `!vm` into a figure and its bytes; `None` for other lines.
#[must_use]
pub fn parse_memory_line(line: &str) -> Option<(MemoryFigure, u64)> {
    let (name, rest) = line.split_once(':')?;
    let bytes = bytes(rest)?;
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let figure = match name.as_str() {
        "nonpagedpool usage" | "nonpagedpoolnx usage" => MemoryFigure::PoolUsage(Pool::NonPaged),
        "nonpagedpool max" | "nonpagedpool maximum" => MemoryFigure::PoolLimit(Pool::NonPaged),
        "pagedpool usage" => MemoryFigure::PoolUsage(Pool::Paged),
        "pagedpool maximum" | "pagedpool max" => MemoryFigure::PoolLimit(Pool::Paged),
        "physical memory" => MemoryFigure::Physical,
        "available pages" => MemoryFigure::Available,
        "committed pages" => MemoryFigure::Committed,
        "commit limit" => MemoryFigure::CommitLimit,
        _ => MemoryFigure::Other,
    };
    Some((figure, bytes))
}

/// Bytes of `877   (    3508 Kb)`; `None` for other texts.
fn bytes(text: &str) -> Option<u64> {
    let (pages, rest) = text.split_once('(')?;
    let (inside, _) = rest.split_once(')')?;
    let number = |text: &str| text.replace([',', '\'', '\u{a0}'], "").trim().parse::<f64>().ok();
    let pages = number(pages)?;
    let (amount, unit) = inside.trim().split_once(char::is_whitespace)?;
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "kb" => 1_u64 << 10,
        "mb" => 1 << 20,
        "gb" => 1 << 30,
        "tb" => 1 << 40,
        _ => return None,
    };
    let by_unit = number(amount).map(|amount| amount * scale as f64);
    Some(by_unit.unwrap_or(pages * PAGE_BYTES as f64).clamp(0.0, u64::MAX as f64) as u64)
}

/// Returns `true` for lines that `!vm` prints between its figures.
#[must_use]
pub fn is_memory_remark(line: &str) -> bool {
    let text = line.trim();
    text.starts_with("*** Virtual Memory Usage")
        || text.starts_with("Page File:")
        || text.starts_with("No Name for Paging File")
        || (text.starts_with("Current:") && text.contains("Free Space:"))
        || (text.starts_with("Minimum:") && text.contains("Maximum:"))
        || (text.starts_with("**")
            && (text.contains("Excessive") || text.contains("have failed") || text.contains("High Number")))
        || text.contains("Unimplemented error for Mi")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_lines_parse() {
        let cases = [
            ("      NonPagedPool Usage:    877   (    3508 Kb)", MemoryFigure::PoolUsage(Pool::NonPaged), 3508 << 10),
            (
                "NonPagedPoolNx Usage:       30120 (     120480 Kb)",
                MemoryFigure::PoolUsage(Pool::NonPaged),
                120_480 << 10,
            ),
            ("NonPagedPool Max:      4294967296 (17179869184 Kb)", MemoryFigure::PoolLimit(Pool::NonPaged), 1 << 44),
            ("PagedPool Maximum:   13312   (   53248 Kb)", MemoryFigure::PoolLimit(Pool::Paged), 53_248 << 10),
            ("Physical Memory:     16,270   (   65,080 Kb)", MemoryFigure::Physical, 65_080 << 10),
            ("  Commit limit:        36256   (  145024 Kb)", MemoryFigure::CommitLimit, 145_024 << 10),
            ("      PagedPool 0 Usage:     729   (    2916 Kb)", MemoryFigure::Other, 2916 << 10),
            ("PagedPool Commit:  18446735296008579352 (18446708962905662560 Kb)", MemoryFigure::Other, u64::MAX),
        ];
        for (line, figure, bytes) in cases {
            assert_eq!(parse_memory_line(line), Some((figure, bytes)), "{line}");
        }
        for line in
            ["Commit: 203500K Limit: 640916K", "Page File: x (1)", " Memory:  260620K Avail:   96364K", "a: 1 (2 x)"]
        {
            assert_eq!(parse_memory_line(line), None, "{line}");
        }
        assert!(is_memory_remark("  Current:  67107824 Kb  Free Space:  67107132 Kb"));
    }
}
