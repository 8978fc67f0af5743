//! Traces of many hosts that record every night, to test questions to a whole fleet. All hosts have the same drivers, loaded at
//! other addresses on each of them. On one night some hosts get a new version of one driver, which does not free a part of what it
//! allocates under one tag. Independently of that, one host holds far more memory under another tag than the others.

use std::io::{Seek, Write};

use crate::SynthError;
use crate::scenario::entities::{AllocationPattern, Entities};
use crate::scenario::{SynthParams, SynthSummary, TagMix, draw_entities, write_entities};
use crate::writer::Guid;

/// The driver with two versions.
pub const DRIVER: &str = "myfault.sys";
/// Its versions: the one that frees everything, and the one that leaks.
pub const VERSIONS: [&str; 2] = ["2.0.7.0", "2.1.0.0"];
/// The tag of its allocations.
pub const LEAKING_TAG: [u8; 4] = *b"MyFl";
/// The tag under which one host holds more than the others.
pub const HOARDED_TAG: [u8; 4] = *b"Cach";

/// 2026-03-02, 2 o'clock UTC, as FILETIME: the first night.
const FIRST_NIGHT: i64 = 134_168_904_000_000_000;
const SECOND: i64 = 10_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Share of the leaking version's allocations that are never freed.
const LEAKED_SHARE: f64 = 0.7;
/// Factor on the sizes of the hoarded tag.
const HOARD_FACTOR: u64 = 64;

/// A fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetParams {
    /// The same seed gives the same traces.
    pub seed: u64,
    /// Number of hosts.
    pub hosts: u32,
    /// Number of nights; each host records one trace in each.
    pub nights: u32,
    /// The night, from 0, from which on the updated hosts have the new version.
    pub update_night: u32,
    /// Every host whose number is divisible by this is updated.
    pub updated_of: u32,
    /// The host with the hoard.
    pub hoarder: u32,
    /// Allocations of a trace.
    pub allocations: u64,
    /// Duration of a trace in seconds.
    pub duration_s: f64,
}

impl Default for FleetParams {
    fn default() -> Self {
        Self {
            seed: 1,
            hosts: 300,
            nights: 3,
            update_night: 1,
            updated_of: 3,
            hoarder: 7,
            allocations: 6_000,
            duration_s: 120.0,
        }
    }
}

impl FleetParams {
    /// Name of a host.
    #[must_use]
    pub fn host_name(host: u32) -> String {
        format!("HOST{host:04}")
    }

    /// Date of a night, `YYYY-MM-DD`; of the first 30 nights.
    #[must_use]
    pub fn date(night: u32) -> String {
        format!("2026-03-{:02}", 2 + night)
    }

    /// Returns `true` if a host has the leaking version in a night.
    #[must_use]
    pub const fn leaks(&self, host: u32, night: u32) -> bool {
        night >= self.update_night && host.is_multiple_of(self.updated_of)
    }

    fn params(&self, host: u32, night: u32) -> SynthParams {
        SynthParams {
            seed: self.seed.wrapping_add(u64::from(night) << 32 | u64::from(host)),
            allocations: self.allocations,
            duration_s: self.duration_s,
            tags: TagMix { leaking: 0, slow_leaks: 0, ..TagMix::default() },
            leak_share: 0.0,
            preexisting: 200,
            distinct_stacks: 120,
            merged: true,
            start_filetime: FIRST_NIGHT + i64::from(night) * DAY + i64::from(host) * SECOND,
            computer: Self::host_name(host),
            ..SynthParams::default()
        }
    }

    /// The entities of a host: those of the fleet, with its version of the driver, loaded at its own addresses.
    fn entities(&self, params: &SynthParams, host: u32, night: u32) -> Result<Entities, SynthError> {
        // The same for all hosts.
        let mut entities = draw_entities(&SynthParams { seed: self.seed, ..params.clone() })?;
        let leaks = self.leaks(host, night);
        if let Some(image) = entities.images.iter_mut().find(|image| image.file == DRIVER) {
            image.version = VERSIONS[usize::from(leaks)].to_owned();
            if leaks {
                image.timestamp += 86_400;
                image.guid = Guid::new(0x5eed_0000_0000_0000_0000_0000_0000_0002);
            }
            let code = image.base..image.base + image.size;
            let tag = tag_of_driver(&entities, &code);
            let tag = tag.ok_or_else(|| SynthError::Params(format!("no tag is allocated by {DRIVER}")))?;
            let tag = &mut entities.tags[tag];
            tag.tag = LEAKING_TAG;
            tag.weight *= 2.0;
            // Until it is freed, the same time in both versions.
            let mean_s = params.duration_s / 40.0;
            tag.pattern = match leaks {
                true => AllocationPattern::Leak { leaked_share: LEAKED_SHARE, mean_s },
                false => AllocationPattern::Transient { mean_s },
            };
        }
        if host == self.hoarder {
            let hoarded = entities.tags.iter_mut().filter(|tag| tag.tag == HOARDED_TAG);
            hoarded.flat_map(|tag| &mut tag.sizes).for_each(|size| *size *= HOARD_FACTOR);
        }
        entities.relocate(1 + u64::from(host));
        Ok(entities)
    }

    /// Writes the trace of a host in a night.
    ///
    /// # Errors
    /// Invalid parameters, or an output that fails.
    pub fn write_trace<W: Write + Seek>(&self, out: W, host: u32, night: u32) -> Result<SynthSummary, SynthError> {
        let params = self.params(host, night);
        let entities = self.entities(&params, host, night)?;
        write_entities(out, &params, entities, None)
    }
}

/// Position of the tag with most allocations whose caller of the pool routine is in this code.
fn tag_of_driver(entities: &Entities, code: &std::ops::Range<u64>) -> Option<usize> {
    let calls = |tag: usize| {
        let paths = entities.tags[tag].alloc_stacks.iter();
        let callers = paths.filter_map(|path| entities.stacks.get(path.kernel as usize)?.get(1));
        callers.filter(|caller| code.contains(*caller)).count()
    };
    (0..entities.tags.len()).filter(|tag| calls(*tag) > 0).max_by_key(|tag| (calls(*tag), std::cmp::Reverse(*tag)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn versions_differ_in_what_is_freed_alone() {
        let fleet = FleetParams { hosts: 6, allocations: 400, ..FleetParams::default() };
        let of = |host, night| fleet.entities(&fleet.params(host, night), host, night).expect("entities");
        let (before, after, other) = (of(3, 0), of(3, 1), of(4, 1));
        let version = |entities: &Entities| {
            let image = entities.images.iter().find(|image| image.file == DRIVER).expect("the driver");
            (image.version.clone(), image.timestamp)
        };
        let (old, new) = (version(&before), version(&after));
        assert_eq!((old.0.as_str(), new.0.as_str()), (VERSIONS[0], VERSIONS[1]));
        assert!(old.1 != new.1 && version(&other).0 == VERSIONS[0]);
        let leaking = |entities: &Entities| {
            let tag = entities.tags.iter().find(|tag| tag.tag == LEAKING_TAG).expect("the tag");
            (matches!(tag.pattern, AllocationPattern::Leak { .. }), tag.weight, tag.sizes.clone())
        };
        let ((off, weight, sizes), (on, ..)) = (leaking(&before), leaking(&after));
        assert_eq!((off, on, leaking(&after).1, leaking(&after).2), (false, true, weight, sizes));
        let bases = |entities: &Entities| entities.images.iter().map(|image| image.base).collect::<Vec<_>>();
        assert!(bases(&before) == bases(&after) && bases(&after) != bases(&other), "a host has its own addresses");
    }

    #[test]
    fn traces_of_hosts_differ_and_are_repeatable() {
        let fleet = FleetParams { hosts: 2, allocations: 300, ..FleetParams::default() };
        let bytes = |host, night| {
            let mut out = Cursor::new(Vec::new());
            fleet.write_trace(&mut out, host, night).expect("written");
            out.into_inner()
        };
        assert!(bytes(0, 0) == bytes(0, 0) && bytes(0, 0) != bytes(1, 0) && bytes(0, 0) != bytes(0, 1));
        assert_eq!((FleetParams::host_name(42), FleetParams::date(2)), ("HOST0042".into(), "2026-03-04".into()));
    }
}
