//! Days of poolmon listings with a planted truth: 288 listings of 400 tags, one leak, one group of tags in lockstep, and everything that
//! grows and is no leak. The generator writes text by its own description of poolmon's output and shares no code with the reader.

use poolscope_recording::poolmon::series::SeriesOptions;
use poolscope_recording::poolmon::{Pool, SnapshotInput, SnapshotSeries, TimeSource, parse};
use poolscope_tests::program::run;
use std::fmt::Write as _;

/// Listings of a day, one every five minutes.
const LISTINGS: usize = 288;
const TAGS: usize = 400;
const SEEDS: u64 = 50;

/// Pseudorandom numbers, the same in every run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// Evenly between 0 and 1.
    fn share(&mut self) -> f64 {
        self.below(1 << 40) as f64 / (1_u64 << 40) as f64
    }
}

/// One planted tag: the blocks that are allocated in each listing.
struct Planted {
    tag: String,
    is_paged: bool,
    block_bytes: u64,
    blocks: Vec<u64>,
    /// Allocations and frees before the day; they wrap at 2^32.
    frees_before: u64,
    never_frees: bool,
    /// Allocations that are freed again within an interval.
    churn: u64,
}

struct Day {
    text: String,
    leak: String,
    leak_bytes_per_hour: f64,
    leak_is_paged: bool,
    /// Tags and pools of the group, sorted.
    group: Vec<(String, bool)>,
    holder: String,
}

fn name(at: usize, dice: &mut Dice) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut letter = || char::from(LETTERS[dice.below(LETTERS.len() as u64) as usize]);
    // The last two make it unique; some tags are shorter, as real ones are.
    let (high, low) = (char::from(LETTERS[at / 26]), char::from(b'a' + (at % 26) as u8));
    let text: String = if at % 17 == 3 {
        [letter(), high, low, ' '].iter().collect()
    } else {
        [letter(), letter(), high, low].iter().collect()
    };
    text
}

/// Blocks over a day of something that is no leak.
fn harmless(kind: u64, dice: &mut Dice) -> Vec<u64> {
    let base = dice.between(50, 40_000) as f64;
    let size = base * (0.5 + 3.0 * dice.share());
    let noise = base * 0.02 * dice.share();
    let (from, length) = (0.1 + 0.6 * dice.share(), 0.03 + 0.1 * dice.share());
    let (turns, phase) = (3.0 + 20.0 * dice.share(), dice.share());
    let fill = 8.0 + 20.0 * dice.share();
    let mut walk = 0.0;
    (0..LISTINGS)
        .map(|at| {
            let x = at as f64 / (LISTINGS - 1) as f64;
            walk = 0.8 * walk + noise * (dice.share() - 0.5);
            let course = match kind {
                // A burst that goes back.
                0 if x >= from && x < from + length => size,
                // A cache that fills and stays.
                1 => size * (1.0 - (-fill * x).exp()),
                // A step.
                2 if x >= from => size,
                // A sawtooth.
                3 => size * (x * turns + phase).fract(),
                // Waves.
                4 => size * 0.5 * (1.0 + (std::f64::consts::TAU * (x * turns + phase)).sin()),
                // Something that is given back over the day.
                5 => size * (1.0 - x),
                _ => 0.0,
            };
            (base + course + walk).max(0.0).round() as u64
        })
        .collect()
}

/// Blocks that grow by about `per_listing` in each listing, unevenly.
fn growing(start: u64, per_listing: f64, dice: &mut Dice) -> Vec<u64> {
    let mut blocks = start as f64;
    (0..LISTINGS)
        .map(|_| {
            blocks += per_listing * (0.4 + 1.2 * dice.share());
            blocks.round() as u64
        })
        .collect()
}

fn day(seed: u64) -> Day {
    let mut dice = Dice::new(seed);
    let mut planted: Vec<Planted> = Vec::new();
    for at in 0..TAGS {
        let kind = dice.below(12);
        planted.push(Planted {
            tag: name(at, &mut dice),
            is_paged: dice.below(2) == 0,
            block_bytes: 16 * dice.between(2, 60),
            blocks: harmless(kind, &mut dice),
            frees_before: if dice.below(4) == 0 {
                u64::from(u32::MAX) - dice.below(5000)
            } else {
                dice.below(9_000_000)
            },
            never_frees: false,
            churn: dice.below(3000),
        });
    }
    let leak_at = dice.below(TAGS as u64) as usize;
    let (start, pace) = (dice.between(100, 30_000), dice.between(20, 400) as f64);
    let leak = &mut planted[leak_at];
    leak.blocks = growing(start, pace, &mut dice);
    leak.block_bytes = 16 * dice.between(8, 60);
    let (leak_tag, leak_is_paged) = (leak.tag.clone(), leak.is_paged);
    let grown = (leak.blocks[LISTINGS - 1] - leak.blocks[0]) * leak.block_bytes;
    let leak_bytes_per_hour = grown as f64 / ((LISTINGS - 1) as f64 / 12.0);
    // Members of one object: all get about one block for each object, one gets two.
    let size = dice.between(4, 8) as usize;
    let objects = growing(0, dice.between(30, 300) as f64, &mut dice);
    let mut group = Vec::new();
    let mut holder = String::new();
    for member in 0..size {
        let at = (leak_at + 1 + member * 7) % TAGS;
        let parts = if member == 1 { 2 } else { 1 };
        let before = dice.between(500, 20_000);
        let one = &mut planted[at];
        one.blocks = objects.iter().map(|objects| before + parts * objects + dice.below(1 + objects / 2000)).collect();
        one.never_frees = member == 0;
        if member == 0 {
            holder.clone_from(&one.tag);
            one.blocks = objects.iter().map(|objects| before + objects).collect();
        }
        group.push((one.tag.clone(), one.is_paged));
    }
    group.sort();
    Day { text: log(&planted, seed), leak: leak_tag, leak_bytes_per_hour, leak_is_paged, group, holder }
}

/// The log that a batch file with `poolmon -n` writes: a date, then the listing.
fn log(planted: &[Planted], seed: u64) -> String {
    let mut text = String::new();
    let mut allocs: Vec<u64> = planted
        .iter()
        .map(|one| if one.never_frees { one.blocks[0] } else { one.frees_before + one.blocks[0] })
        .collect();
    let mut frees: Vec<u64> = planted.iter().map(|one| if one.never_frees { 0 } else { one.frees_before }).collect();
    for at in 0..LISTINGS {
        let (hour, minute) = (at / 12, at % 12 * 5);
        // The ways in which batch files and scripts print the time.
        let date = match seed % 4 {
            0 => format!("Fri 07/24/2026 {hour:2}:{minute:02}:07.31"),
            1 => format!("24.07.2026 {hour:02}:{minute:02}:07,31"),
            2 => format!("=== 2026-07-24T{hour:02}:{minute:02}:07 ==="),
            _ => format!(
                "Friday, July 24, 2026 {}:{minute:02}:07 {}",
                (hour + 11) % 12 + 1,
                if hour < 12 { "AM" } else { "PM" }
            ),
        };
        let mut sums = [0_u64; 2];
        let mut rows = String::new();
        for (number, one) in planted.iter().enumerate() {
            if at > 0 {
                let (before, now) = (one.blocks[at - 1], one.blocks[at]);
                let churn = if one.never_frees { 0 } else { one.churn };
                allocs[number] += now.saturating_sub(before) + churn;
                frees[number] += before.saturating_sub(now) + churn;
            }
            let bytes = one.blocks[at] * one.block_bytes;
            sums[usize::from(one.is_paged)] += bytes;
            let kind = if one.is_paged { "Paged" } else { "Nonp " };
            let wrap = |count: u64| count % (1 << 32);
            writeln!(
                rows,
                " {} {kind} {:>20} {:>18} {:>17} {bytes:>15} {:>20}\r",
                one.tag,
                wrap(allocs[number]),
                wrap(frees[number]),
                one.blocks[at],
                bytes.checked_div(one.blocks[at]).unwrap_or(0)
            )
            .expect("a text takes everything");
        }
        let [nonpaged, paged] = sums.map(|sum| sum / 1024 + 900);
        write!(
            text,
            "{date}\r\n Memory:33356024K Avail:21234560K  PageFlts:    85   InRam Krnl:12672K P:935188K\r\n Commit:15680004K Limit:40433912K \
             Peak:15917968K            Pool N:{nonpaged}K P:{paged}K\r\n System pool information\r\n Tag  Type     Allocs            Frees            Diff   \
             Bytes                  Per Alloc\r\n\r\n{rows}\r\n"
        )
        .expect("a text takes everything");
    }
    text
}

fn series(day: &Day) -> SnapshotSeries {
    let file = parse(day.text.as_bytes()).expect("snapshots");
    assert_eq!((file.snapshots.len(), file.unparsed_count), (LISTINGS, 0), "{:?}", file.unparsed_lines);
    let input = SnapshotInput::new("day.log".to_owned(), None, file);
    SnapshotSeries::new(vec![input], &SeriesOptions::default()).expect("a series")
}

#[test]
fn a_leak_and_a_group_are_named_on_fifty_days() {
    let mut wrong = Vec::new();
    for seed in 1..=SEEDS {
        let day = day(seed);
        let series = series(&day);
        assert_eq!(
            (series.time_source, series.span_hours().map(|hours| (hours * 60.0).round())),
            (Some(TimeSource::Line), Some(1435.0))
        );
        let findings = series.findings();
        let single: Vec<&str> =
            findings.iter().filter(|one| one.group.is_none()).map(|one| one.members[0].tag.as_str()).collect();
        let groups: Vec<Vec<(String, bool)>> = findings
            .iter()
            .filter(|one| one.group.is_some())
            .map(|one| {
                let mut members: Vec<(String, bool)> =
                    one.members.iter().map(|trend| (trend.tag.clone(), trend.pool == Pool::Paged)).collect();
                members.sort();
                members
            })
            .collect();
        let pool = if day.leak_is_paged { Pool::Paged } else { Pool::NonPaged };
        let rate = series.trend(&day.leak, pool).and_then(|trend| trend.rate).map_or(0.0, |rate| rate.bytes_per_hour);
        let is_near = (rate / day.leak_bytes_per_hour - 1.0).abs() < 0.05;
        let holder = findings
            .iter()
            .find(|one| one.group.is_some())
            .and_then(|one| one.group.as_ref()?.holders().next().map(|member| member.tag.clone()));
        if single != [day.leak.as_str()]
            || groups != [day.group.clone()]
            || !is_near
            || holder.as_deref() != Some(day.holder.as_str())
        {
            wrong.push(format!(
                "seed {seed}: leak {} of {:.0}, group {:?}; found {single:?} {groups:?} {rate:.0} {holder:?}",
                day.leak, day.leak_bytes_per_hour, day.group
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {SEEDS} days\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn days_without_a_leak_have_no_finding() {
    for seed in 1001..=1010 {
        let mut dice = Dice::new(seed);
        let mut day = day(seed);
        // The same day without the planted growth.
        let harmless_only: Vec<Planted> = (0..TAGS)
            .map(|at| Planted {
                tag: name(at, &mut dice),
                is_paged: dice.below(2) == 0,
                block_bytes: 64,
                blocks: harmless(dice.below(12), &mut dice),
                frees_before: dice.below(1000),
                never_frees: false,
                churn: 10,
            })
            .collect();
        day.text = log(&harmless_only, seed);
        let series = series(&day);
        let found: Vec<&str> = series.findings().iter().map(|one| one.members[0].tag.as_str()).collect::<Vec<_>>();
        assert_eq!(found, [] as [&str; 0], "seed {seed}");
    }
}

#[test]
fn the_command_names_the_leak_of_a_day() {
    let day = day(7);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("day.log");
    std::fs::write(&path, &day.text).expect("written");
    let ran = run(&["poolmon", path.to_str().expect("an ordinary name")]);
    let text = String::from_utf8(ran.out).expect("text is UTF-8");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(text.starts_with("Growth between the first and the last of 288 snapshots in 23 h 55 min: "), "{text}");
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{} grows by ", day.leak.trim_end())))
        .unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains("up in ") && line.contains("exhausted in"), "{line}");
    let command = text.lines().find(|line| line.contains("poolscope record --tag")).unwrap_or_else(|| panic!("{text}"));
    assert!(command.contains(day.leak.trim_end()) || command.contains(day.holder.trim_end()), "{command}");
}
