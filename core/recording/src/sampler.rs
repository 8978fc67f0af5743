//! Sampling of pool tags over hours without installing anything: a PowerShell script that calls `NtQuerySystemInformation`, and the
//! format of its file, which the program's own sampler writes, too. Each sample is appended as a whole, and each of its rows has the
//! number of rows of the sample, so that one that was cut by a crash is recognized.

use super::Pool;

/// Columns of a file of samples, in order.
pub const COLUMNS: [&str; 11] = [
    "DateTimeUTC",
    "Tag",
    "PagedAllocs",
    "PagedFrees",
    "PagedDiff",
    "PagedUsedBytes",
    "NonPagedAllocs",
    "NonPagedFrees",
    "NonPagedDiff",
    "NonPagedUsedBytes",
    "SampleRows",
];

/// Usage of one tag, as the kernel counts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TagUsage {
    /// The four bytes of the tag.
    pub tag: [u8; 4],
    /// Counters of paged pool: allocations, frees, bytes.
    pub paged: (u32, u32, u64),
    /// Counters of nonpaged pool: allocations, frees, bytes.
    pub nonpaged: (u32, u32, u64),
}

impl TagUsage {
    /// Bytes of a pool.
    #[must_use]
    pub const fn bytes(&self, pool: Pool) -> u64 {
        match pool {
            Pool::NonPaged => self.nonpaged.2,
            Pool::Paged => self.paged.2,
        }
    }
}

/// First line of a file of samples, with its end.
#[must_use]
pub fn heading() -> String {
    COLUMNS.map(|column| format!("\"{column}\"")).join(",") + "\r\n"
}

/// Lines of one sample. `time` is UTC as `2026-07-24T08:00:00Z`.
#[must_use]
pub fn sample_lines(time: &str, tags: &[TagUsage]) -> String {
    let mut text = String::with_capacity(tags.len() * 96);
    for usage in tags {
        // Other bytes are shown as poolmon shows them.
        let tag: String =
            usage.tag.iter().map(|byte| if (0x20..0x7F).contains(byte) { char::from(*byte) } else { '.' }).collect();
        let tag = tag.replace('"', "\"\"");
        let of_pool = |(allocs, frees, bytes): (u32, u32, u64)| {
            format!("{allocs},{frees},{},{bytes}", allocs.wrapping_sub(frees))
        };
        let (paged, nonpaged) = (of_pool(usage.paged), of_pool(usage.nonpaged));
        text.push_str(&format!("\"{time}\",\"{tag}\",{paged},{nonpaged},{}\r\n", tags.len()));
    }
    text
}

/// Parses the answer of `NtQuerySystemInformation(SystemPoolTagInformation)`: a count, then one `SYSTEM_POOLTAG` for each tag, with
/// the alignment of the pointer size. `None` if the answer is shorter than its count says. Layout: phnt (`ntexapi.h`).
#[must_use]
pub fn parse_system_pool_tags(answer: &[u8], pointer_size: usize) -> Option<Vec<TagUsage>> {
    let (first, size) = if pointer_size == 8 { (8, 40) } else { (4, 28) };
    let u32_at = |at: usize| answer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    let used_at = |at: usize| match pointer_size {
        8 => answer.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes),
        _ => u32_at(at).map(u64::from),
    };
    let count = usize::try_from(u32_at(0)?).ok()?;
    if answer.len().checked_sub(first)? / size < count {
        return None;
    }
    let tag = |at: usize| {
        let at = first + at * size;
        // The bytes of a pool follow its counters, aligned to the pointer size.
        let (paged_used, nonpaged) = if pointer_size == 8 { (at + 16, at + 24) } else { (at + 12, at + 16) };
        Some(TagUsage {
            tag: answer.get(at..at + 4)?.try_into().ok()?,
            paged: (u32_at(at + 4)?, u32_at(at + 8)?, used_at(paged_used)?),
            nonpaged: (u32_at(nonpaged)?, u32_at(nonpaged + 4)?, used_at(nonpaged + 8)?),
        })
    };
    (0..count).map(tag).collect()
}

/// Settings of the script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SamplerOptions {
    /// Seconds between samples.
    pub every_seconds: u64,
    /// Seconds after which it stops.
    pub for_seconds: u64,
}

impl Default for SamplerOptions {
    /// Every minute for a day.
    fn default() -> Self {
        Self { every_seconds: 60, for_seconds: 86_400 }
    }
}

/// The script: ASCII with CRLF line ends, for Windows PowerShell 3 and later.
#[must_use]
pub fn script(options: &SamplerOptions) -> String {
    let int = |seconds: u64| seconds.clamp(1, i32::MAX.unsigned_abs().into()).to_string();
    let columns = COLUMNS.map(|column| format!("\"\"{column}\"\"")).join(",");
    let text = include_str!("sampler.ps1");
    let text = text.replace("{{EVERY}}", &int(options.every_seconds)).replace("{{FOR}}", &int(options.for_seconds));
    text.replace("{{COLUMNS}}", &columns).replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poolmon::parse;

    fn usage(tag: &[u8; 4], allocs: u32, frees: u32, bytes: u64) -> TagUsage {
        TagUsage { tag: *tag, paged: (7, 7, 0), nonpaged: (allocs, frees, bytes) }
    }

    #[test]
    fn samples_are_read_back_and_a_cut_one_is_left_out() {
        let first = sample_lines(
            "2026-07-24T08:00:00Z",
            &[usage(b"Leak", 10, 4, 600), usage(b"a\"b ", 5, 5, 0), usage(b"\x01\xffxy", 9, 1, 80)],
        );
        let second =
            sample_lines("2026-07-24T09:00:00Z", &[usage(b"Leak", 3, u32::MAX, 400), usage(b"File", 5, 1, 64)]);
        let file = parse((heading() + &first + &second).as_bytes()).expect("snapshots");
        assert_eq!((file.snapshots.len(), file.unparsed_count, file.cut_samples.len()), (2, 0, 0));
        let leak = file.snapshots[1].row("Leak", Pool::NonPaged).expect("a row").counts;
        assert_eq!((leak.allocs, leak.frees, leak.blocks, leak.bytes), (Some(3), Some(u64::from(u32::MAX)), 4, 400));
        assert!(
            file.snapshots[0].row("a\"b ", Pool::NonPaged).is_some()
                && file.snapshots[0].row("..xy", Pool::NonPaged).is_some()
        );
        let time = file.snapshots[1].time.expect("a time");
        assert!(time.is_utc && time.text() == "2026-07-24 09:00:00");
        // A crash while the second sample was written: inside a line, and between two.
        let whole = heading() + &first + &second;
        for cut in 3..second.len() - 3 {
            let file = parse(whole.get(..whole.len() - cut).expect("ASCII").as_bytes()).expect("snapshots");
            assert_eq!(file.snapshots.len(), 1, "{cut} bytes are missing");
            assert_eq!(file.snapshots[0].rows.len(), 4 - 1, "{cut}");
        }
    }

    #[test]
    fn answers_of_the_kernel_are_tags() {
        let mut answer = vec![2, 0, 0, 0, 0, 0, 0, 0];
        for (tag, base) in [(*b"Leak", 1_u32), (*b"File", 100)] {
            answer.extend(tag);
            [base, base + 1, 0].iter().for_each(|value| answer.extend(value.to_le_bytes()));
            answer.extend(u64::from(base + 2).to_le_bytes());
            [base + 3, base + 4].iter().for_each(|value| answer.extend(value.to_le_bytes()));
            answer.extend((u64::from(base + 5) << 32).to_le_bytes());
        }
        let tags = parse_system_pool_tags(&answer, 8).expect("tags");
        assert_eq!(tags[1], TagUsage { tag: *b"File", paged: (100, 101, 102), nonpaged: (103, 104, 105 << 32) });
        assert_eq!(parse_system_pool_tags(answer.get(..answer.len() - 1).expect("bytes"), 8), None);
        assert_eq!(parse_system_pool_tags(&[255, 255, 255, 255, 0, 0, 0, 0], 8), None);
        let mut small = vec![1, 0, 0, 0];
        small.extend(*b"Leak");
        (1..=6_u32).for_each(|value| small.extend(value.to_le_bytes()));
        assert_eq!(
            parse_system_pool_tags(&small, 4),
            Some(vec![TagUsage { tag: *b"Leak", paged: (1, 2, 3), nonpaged: (4, 5, 6) }])
        );
    }

    #[test]
    fn the_script_is_ascii_filled_and_closed() {
        let text = script(&SamplerOptions { every_seconds: 30, for_seconds: u64::MAX });
        assert!(text.is_ascii() && !text.contains("{{"), "{text}");
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        assert!(text.contains("[int]$EverySeconds = 30,") && text.contains("[int]$ForSeconds = 2147483647"));
        // The heading of the script is that of the format, as PowerShell and C# unquote it.
        assert!(text.replace("\"\"", "\"").contains(heading().trim_end()), "{text}");
        let plain: String = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
            assert_eq!(plain.matches(open).count(), plain.matches(close).count(), "{open}");
        }
        assert!(plain.contains("SampleRows") && plain.contains(".Flush($true)"));
    }
}
