//! Lines of `!pool` and `!poolfind`: blocks of pool with address, size and tag.
//!
//! | form | source |
//! | --- | --- |
//! | `826fa130 size:   c0 previous size:   40  (Allocated) SeSd` | [!poolfind](https://learn.microsoft.com/windows-hardware/drivers/debuggercmds/-poolfind), [!pool](https://learn.microsoft.com/windows-hardware/drivers/debuggercmds/-pool) |
//! | `ffffde87fe461140 : tag Proc, size     0xb70, Nonpaged pool` | `!poolfind` of newer debuggers, as in <https://github.com/h0mbre/h0mbre.github.io> |
//! | `*ffff8287ad34f000 : large page allocation, tag is Proc, size is 0x1000 bytes` | both, for blocks of at least a page |
//!
//! `!pool` marks the block of the given address with `*` and prints `Pool page ADDRESS region is Nonpaged pool` above; `!poolfind` prints
//! `Searching NonPaged pool (START : END) for Tag: SeSd`. Sizes are hexadecimal bytes, with the header of the block.

use super::text::{address, hex, tag};
use crate::pool::Pool;

/// A block of pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolBlock {
    /// Address of the block: of its header, for a block of less than a page.
    pub address: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Tag.
    pub tag: [u8; 4],
    /// Pool, where the line or a line above names it.
    pub pool: Option<Pool>,
    /// False for a free block.
    pub is_allocated: bool,
    /// `!pool` was asked for this block.
    pub is_marked: bool,
}

/// The command whose lines follow.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum BlockCommand {
    /// Neither.
    #[default]
    None,
    /// `!poolfind`, which searches a pool.
    Find(Option<Pool>),
    /// `!pool`, which shows a page.
    Page(Option<Pool>),
}

impl BlockCommand {
    /// Returns `true` for `!poolfind`.
    #[must_use]
    pub const fn is_find(&self) -> bool {
        matches!(self, Self::Find(_))
    }

    const fn pool(&self) -> Option<Pool> {
        match self {
            Self::None => None,
            Self::Find(pool) | Self::Page(pool) => *pool,
        }
    }
}

/// A line about blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BlockLine {
    /// The search of a pool, or the page that is shown, begins.
    Heading(BlockCommand),
    /// A block.
    Block(PoolBlock),
    /// The search ended early.
    Terminated,
    /// Other output of these commands.
    Remark,
}

/// Parses a line; `above` is the last heading. `None` for other lines.
#[must_use]
pub fn parse_block_line(line: &str, above: &BlockCommand) -> Option<BlockLine> {
    let text = line.trim();
    if let Some(heading) = heading(text) {
        return Some(BlockLine::Heading(heading));
    }
    if text.starts_with("...terminating") {
        return Some(BlockLine::Terminated);
    }
    let is_remark = text.starts_with("Owning component :")
        || text.starts_with("Pooltag ")
        || text.contains("is not a valid large pool allocation")
        || text.contains("doesn't look like a valid small pool allocation")
        || (text.contains("is not valid pool.") && text.contains("Checking for freed"));
    if is_remark {
        return Some(BlockLine::Remark);
    }
    block(text, above).map(BlockLine::Block)
}

fn heading(text: &str) -> Option<BlockCommand> {
    let pool_of = |text: &str| {
        let lower = text.to_ascii_lowercase();
        match (lower.contains("nonpaged") || lower.contains("non-paged"), lower.contains("paged")) {
            (true, _) => Some(Pool::NonPaged),
            (false, true) => Some(Pool::Paged),
            _ => None,
        }
    };
    if text.starts_with("Scanning large pool allocation table for") {
        return Some(BlockCommand::Find(None));
    }
    if let Some(rest) = text.strip_prefix("Searching ") {
        let name = rest.split('(').next()?;
        return (name.to_ascii_lowercase().contains("pool") && rest.to_ascii_lowercase().contains("for tag"))
            .then(|| BlockCommand::Find(pool_of(name)));
    }
    let region = text.strip_prefix("Pool page ").and_then(|rest| rest.split_once("region is"));
    region.map(|(_, pool)| BlockCommand::Page(pool_of(pool)))
}

fn block(text: &str, above: &BlockCommand) -> Option<PoolBlock> {
    let (is_marked, text) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
    let (first, rest) = text.split_once([' ', ':'])?;
    let address = address(first)?;
    let rest = rest.trim_start_matches([' ', ':']);
    let new = |size_bytes: u64, tag: [u8; 4], pool: Option<Pool>, is_allocated: bool| PoolBlock {
        address,
        size_bytes,
        tag,
        pool: pool.or_else(|| above.pool()),
        is_allocated,
        is_marked,
    };
    if let Some(rest) = rest.strip_prefix("size:") {
        let size_bytes = hex(rest.split_whitespace().next()?)?;
        let (before, after) = rest.split_once('(')?;
        let (state, name) = after.split_once(')')?;
        if !before.contains("previous size:") {
            return None;
        }
        let name = name.trim_start().trim_start_matches('*');
        let name = name.split(" (Protected)").next().unwrap_or(name).split(" Process:").next().unwrap_or(name);
        return Some(new(size_bytes, tag(name)?, None, state.starts_with("Alloc")));
    }
    // The tag of a block may contain blanks: it ends before the comma.
    let is_free = rest.starts_with("free ");
    if let Some((_, rest)) = rest.split_once("large page allocation,") {
        let lower = rest.to_ascii_lowercase();
        let at = lower.find("tag is ")? + "tag is ".len();
        let (name, rest) = rest.get(at..)?.split_once(',')?;
        let size = rest.trim_start().strip_prefix("size is ")?.split_whitespace().next()?;
        return Some(new(hex(size)?, tag(name)?, None, !is_free));
    }
    let (name, rest) = rest.strip_prefix("tag ")?.split_once(',')?;
    let rest = rest.trim_start().strip_prefix("size")?.trim_start_matches([':', ' ']);
    let (size, pool) = rest.split_once(',').unwrap_or((rest, ""));
    let lower = pool.to_ascii_lowercase();
    let pool = match (lower.contains("nonpaged"), lower.contains("paged")) {
        (true, _) => Some(Pool::NonPaged),
        (false, true) => Some(Pool::Paged),
        _ => None,
    };
    Some(new(hex(size.trim())?, tag(name)?, pool, !lower.contains("free")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str, above: &BlockCommand) -> (u64, u64, [u8; 4], Option<Pool>, bool, bool) {
        match parse_block_line(line, above) {
            Some(BlockLine::Block(b)) => (b.address, b.size_bytes, b.tag, b.pool, b.is_allocated, b.is_marked),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn blocks_of_all_forms_parse() {
        let find = BlockCommand::Find(Some(Pool::Paged));
        let none = BlockCommand::None;
        assert_eq!(
            parsed("826fa130 size:   c0 previous size:   40  (Allocated) SeSd", &find),
            (0x826f_a130, 0xc0, *b"SeSd", Some(Pool::Paged), true, false)
        );
        assert_eq!(
            parsed("*e1001050 size:   10 previous size:   10  (Free) *Mm  ", &none),
            (0xe100_1050, 0x10, *b"Mm  ", None, false, true)
        );
        assert_eq!(
            parsed(" ffffde87`fe461140 size:   30 previous size:    0  (Allocated)  File (Protected)", &none),
            (0xffff_de87_fe46_1140, 0x30, *b"File", None, true, false)
        );
        assert_eq!(
            parsed("ffff830da0ce8010 : tag Proc, size     0xb70, Nonpaged pool", &find),
            (0xffff_830d_a0ce_8010, 0xb70, *b"Proc", Some(Pool::NonPaged), true, false)
        );
        assert_eq!(
            parsed("*ffff8287ad34f000 : large page allocation, Tag is A b , size is 0x1000 bytes", &none),
            (0xffff_8287_ad34_f000, 0x1000, *b"A b ", None, true, true)
        );
    }

    #[test]
    fn headings_name_the_pool() {
        let heading = |line: &str| match parse_block_line(line, &BlockCommand::None) {
            Some(BlockLine::Heading(heading)) => heading,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(
            heading("Searching NonPaged pool (823b1000 : 82800000) for Tag: SeSd"),
            BlockCommand::Find(Some(Pool::NonPaged))
        );
        assert_eq!(
            heading("Searching paged pool (ffff8000`0 : ffff9000`0) for tag 0x636f7250 (Proc)"),
            BlockCommand::Find(Some(Pool::Paged))
        );
        assert_eq!(
            heading("Scanning large pool allocation table for tag 0x3f707249 (Irp?) (a : b)"),
            BlockCommand::Find(None)
        );
        assert_eq!(
            heading("Pool page ffffde87fe461150 region is Nonpaged pool"),
            BlockCommand::Page(Some(Pool::NonPaged))
        );
        assert_eq!(
            parse_block_line("...terminating - searched pool to e1224000", &BlockCommand::None),
            Some(BlockLine::Terminated)
        );
        assert_eq!(parse_block_line("Searching the web", &BlockCommand::None), None);
        assert_eq!(parse_block_line("86264a20 [86262040] irpStack: ( e,0)  8bcb2ca0", &BlockCommand::None), None);
    }
}
