//! Paths of performance counters, `\\computer\object(instance)\counter`, and the counters that matter for a pool leak, by their names
//! in several languages of Windows.

use crate::Pool;

/// Quantity that a counter counts, if it matters here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CounterKind {
    /// Bytes of a pool in the whole system (`\Memory\Pool Nonpaged Bytes`).
    PoolBytes(Pool),
    /// Number of allocations in a pool in the whole system (`\Memory\Pool Nonpaged Allocs`).
    PoolAllocs(Pool),
    /// Available physical memory in bytes; the scale makes bytes of the counter's unit.
    AvailableBytes {
        /// Bytes of one unit: 1, 1024 or 1,048,576.
        scale: u64,
    },
    /// Commit charge in bytes.
    CommittedBytes,
    /// Limit of the commit charge in bytes.
    CommitLimit,
    /// Handles of a process.
    HandleCount,
    /// Identifier of a process.
    ProcessId,
    /// Bytes of a pool that are charged to a process.
    ProcessPoolBytes(Pool),
    /// Seconds since the system started.
    UpTime,
}

/// Names of objects and counters: English, German, French. Source: the lists of names in the registry of these versions of Windows
/// (`Perflib\009`, `\007`, `\00C`), and published logs.
const MEMORY: [&str; 5] = ["memory", "arbeitsspeicher", "speicher", "m\u{e9}moire", "memoria"];
const PROCESS: [&str; 5] = ["process", "process v2", "prozess", "processus", "proceso"];
const SYSTEM: [&str; 3] = ["system", "syst\u{e8}me", "sistema"];
const NONPAGED_BYTES: [&str; 4] = [
    "pool nonpaged bytes",
    "nicht-auslagerungsseiten (bytes)",
    "nichtauslagerungsseiten (bytes)",
    "octets de r\u{e9}serve non pagin\u{e9}e",
];
const PAGED_BYTES: [&str; 3] =
    ["pool paged bytes", "auslagerungsseiten (bytes)", "octets de r\u{e9}serve pagin\u{e9}e"];
const NONPAGED_ALLOCS: [&str; 3] =
    ["pool nonpaged allocs", "nichtauslagerungsseiten reserviert", "allocations de r\u{e9}serve non pagin\u{e9}e"];
const PAGED_ALLOCS: [&str; 3] =
    ["pool paged allocs", "auslagerungsseiten reserviert", "allocations de r\u{e9}serve pagin\u{e9}e"];
const AVAILABLE: [(&str, u64); 9] = [
    ("available bytes", 1),
    ("available kbytes", 1 << 10),
    ("available mbytes", 1 << 20),
    ("verf\u{fc}gbare bytes", 1),
    ("verf\u{fc}gbare kb", 1 << 10),
    ("verf\u{fc}gbare mb", 1 << 20),
    ("octets disponibles", 1),
    ("kilo-octets disponibles", 1 << 10),
    ("m\u{e9}ga-octets disponibles", 1 << 20),
];
const COMMITTED: [&str; 3] = ["committed bytes", "zugesicherte bytes", "octets valid\u{e9}s"];
const COMMIT_LIMIT: [&str; 2] = ["commit limit", "zusagegrenze"];
const HANDLES: [&str; 4] = ["handle count", "handleanzahl", "nombre de handles", "nombre de descripteurs"];
const PROCESS_ID: [&str; 4] = ["id process", "process id", "prozesskennung", "id de processus"];
const UP_TIME: [&str; 2] = ["system up time", "systembetriebszeit"];

/// A counter's path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CounterPath {
    /// Computer, without backslashes; empty if the path names none.
    pub computer: String,
    /// Object, such as `Process`.
    pub object: String,
    /// Instance, such as `svchost#3`; empty if the object has none.
    pub instance: String,
    /// Counter, such as `Handle Count`.
    pub counter: String,
}

impl CounterPath {
    /// Parses a path; `None` if it has no object or no counter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (computer, rest) = match text.strip_prefix("\\\\") {
            Some(rest) => rest.split_once('\\')?,
            None => ("", text.strip_prefix('\\').unwrap_or(text)),
        };
        // An instance may contain backslashes and parentheses, a counter parentheses only.
        let (object, counter) = rest.rsplit_once('\\')?;
        let (object, instance) = match object.strip_suffix(')').and_then(|object| object.split_once('(')) {
            Some((object, instance)) => (object, instance),
            None => (object, ""),
        };
        let is_named = !object.trim().is_empty() && !counter.trim().is_empty();
        is_named.then(|| Self {
            computer: computer.to_owned(),
            object: object.trim().to_owned(),
            instance: instance.to_owned(),
            counter: counter.trim().to_owned(),
        })
    }

    /// The path as perfmon shows it, without the computer.
    #[must_use]
    pub fn text(&self) -> String {
        match self.instance.as_str() {
            "" => format!("\\{}\\{}", self.object, self.counter),
            instance => format!("\\{}({instance})\\{}", self.object, self.counter),
        }
    }

    /// The quantity; `None` for counters that do not matter here.
    #[must_use]
    pub fn kind(&self) -> Option<CounterKind> {
        let (object, counter) = (self.object.to_lowercase(), self.counter.to_lowercase());
        let is = |names: &[&str]| names.contains(&counter.as_str());
        if MEMORY.contains(&object.as_str()) {
            let available = AVAILABLE.iter().find(|(name, _)| *name == counter);
            return match () {
                () if is(&NONPAGED_BYTES) => Some(CounterKind::PoolBytes(Pool::NonPaged)),
                () if is(&PAGED_BYTES) => Some(CounterKind::PoolBytes(Pool::Paged)),
                () if is(&NONPAGED_ALLOCS) => Some(CounterKind::PoolAllocs(Pool::NonPaged)),
                () if is(&PAGED_ALLOCS) => Some(CounterKind::PoolAllocs(Pool::Paged)),
                () if is(&COMMITTED) => Some(CounterKind::CommittedBytes),
                () if is(&COMMIT_LIMIT) => Some(CounterKind::CommitLimit),
                () => available.map(|(_, scale)| CounterKind::AvailableBytes { scale: *scale }),
            };
        }
        if PROCESS.contains(&object.as_str()) && !self.instance.is_empty() {
            return match () {
                () if is(&HANDLES) => Some(CounterKind::HandleCount),
                () if is(&PROCESS_ID) => Some(CounterKind::ProcessId),
                () if is(&NONPAGED_BYTES) => Some(CounterKind::ProcessPoolBytes(Pool::NonPaged)),
                () if is(&PAGED_BYTES) => Some(CounterKind::ProcessPoolBytes(Pool::Paged)),
                () => None,
            };
        }
        (SYSTEM.contains(&object.as_str()) && is(&UP_TIME)).then_some(CounterKind::UpTime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let path =
            |text: &str| CounterPath::parse(text).map(|path| (path.computer, path.object, path.instance, path.counter));
        let parts = |parts: [&str; 4]| Some(parts.map(str::to_owned).into());
        assert_eq!(
            path("\\\\SRV07\\Memory\\Pool Nonpaged Bytes"),
            parts(["SRV07", "Memory", "", "Pool Nonpaged Bytes"])
        );
        assert_eq!(
            path("\\\\SRV07\\Process(svchost#3)\\Handle Count"),
            parts(["SRV07", "Process", "svchost#3", "Handle Count"])
        );
        assert_eq!(path("\\Process(a (x86))\\Handle Count"), parts(["", "Process", "a (x86)", "Handle Count"]));
        assert_eq!(
            path("\\Prozess(a)\\Nicht-Auslagerungsseiten (Bytes)"),
            parts(["", "Prozess", "a", "Nicht-Auslagerungsseiten (Bytes)"])
        );
        assert_eq!(
            path("\\\\SRV\\LogicalDisk(C:\\mount)\\% Free Space"),
            parts(["SRV", "LogicalDisk", "C:\\mount", "% Free Space"])
        );
        for text in ["", "Memory", "\\\\SRV", "\\\\SRV\\", "\\Memory\\", "x y z"] {
            assert_eq!(path(text), None, "{text}");
        }
        assert_eq!(
            CounterPath::parse("\\\\S\\Process(a)\\Handle Count").map(|path| path.text()).as_deref(),
            Some("\\Process(a)\\Handle Count")
        );
    }

    #[test]
    fn counters_have_kinds_in_several_languages() {
        let kind = |text: &str| CounterPath::parse(text).and_then(|path| path.kind());
        for text in [
            "\\\\A\\Memory\\Pool Nonpaged Bytes",
            "\\\\A\\Arbeitsspeicher\\Nicht-Auslagerungsseiten (Bytes)",
            "\\M\u{e9}moire\\Octets de r\u{e9}serve non pagin\u{e9}e",
        ] {
            assert_eq!(kind(text), Some(CounterKind::PoolBytes(Pool::NonPaged)), "{text}");
        }
        assert_eq!(kind("\\Prozess(svchost)\\Handleanzahl"), Some(CounterKind::HandleCount));
        assert_eq!(kind("\\Process V2(svchost:1234)\\Handle Count"), Some(CounterKind::HandleCount));
        assert_eq!(kind("\\Process(svchost)\\Pool Paged Bytes"), Some(CounterKind::ProcessPoolBytes(Pool::Paged)));
        assert_eq!(kind("\\Memory\\Available MBytes"), Some(CounterKind::AvailableBytes { scale: 1 << 20 }));
        assert_eq!(kind("\\System\\System Up Time"), Some(CounterKind::UpTime));
        assert_eq!(kind("\\Processor(_Total)\\% Processor Time"), None);
    }
}
