//! Samples of the pool tags of this machine, appended to a file that a crash does not spoil. On Windows they come from the system
//! call that poolmon uses; elsewhere there are none.

#[cfg(windows)]
mod system_call;

use poolscope_base::progress::CancelToken;
use poolscope_recording::Pool;
use poolscope_recording::sampler::{TagUsage, heading, sample_lines};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest sleep between two looks at the token that cancels.
const LOOK: Duration = Duration::from_millis(100);

/// Source of samples.
pub trait PoolSampler: Send + Sync {
    /// Usage of all tags now.
    ///
    /// # Errors
    /// A sentence without a full stop.
    fn sample(&self) -> Result<Vec<TagUsage>, String>;
}

/// The pool tags of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSampler;

impl PoolSampler for SystemSampler {
    #[cfg(windows)]
    fn sample(&self) -> Result<Vec<TagUsage>, String> {
        let answer = system_call::system_pool_tags()?;
        let tags = poolscope_recording::sampler::parse_system_pool_tags(&answer, size_of::<usize>());
        tags.ok_or_else(|| "NtQuerySystemInformation returned fewer pool tags than it announced".to_owned())
    }

    #[cfg(not(windows))]
    fn sample(&self) -> Result<Vec<TagUsage>, String> {
        Err("pool tags can be sampled on Windows only: write a script with 'poolscope record --sampler FILE.ps1', run it on the machine \
             that leaks, and give its CSV file to 'poolscope poolmon'"
            .to_owned())
    }
}

/// A file of samples. Each sample is one write that goes through to the disk.
pub struct SampleLog {
    file: File,
}

impl SampleLog {
    /// Creates the file, or continues it if `appends`.
    ///
    /// # Errors
    /// The file exists already and is not to be continued, or cannot be written.
    pub fn open(path: &Path, appends: bool) -> io::Result<Self> {
        if !appends || !path.exists() {
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(heading().as_bytes())?;
            return Ok(Self { file });
        }
        let mut file = OpenOptions::new().read(true).append(true).open(path)?;
        let mut last = [0];
        let is_empty = file.seek(SeekFrom::End(0))? == 0;
        if !is_empty {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        // After a crash the last line may be cut; the heading makes what follows a table again.
        let begin = if is_empty || last == *b"\n" { "" } else { "\r\n" };
        file.write_all(format!("{begin}{}", heading()).as_bytes())?;
        Ok(Self { file })
    }

    /// Appends a sample of a time, in seconds from 1970.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&mut self, time_s: u64, tags: &[TagUsage]) -> io::Result<()> {
        self.file.write_all(sample_lines(&utc_text(time_s), tags).as_bytes())?;
        self.file.sync_data()
    }
}

fn utc_text(time_s: u64) -> String {
    let millis = i64::try_from(time_s).unwrap_or(0).saturating_mul(1000);
    poolscope_recording::poolmon::time::text(millis).replace(' ', "T") + "Z"
}

/// Times of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time between samples.
    pub every: Duration,
    /// Time after which no sample is taken.
    pub length: Duration,
}

/// What a sample holds, for a line about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleSummary {
    /// Number of the sample, from 1.
    pub number: u64,
    /// Number of tags.
    pub tags: usize,
    /// Bytes of nonpaged and of paged pool.
    pub bytes: [u64; 2],
}

/// Appends samples to a file until the schedule ends or the token is canceled; returns their number. A sample that fails after the
/// first is left out, since a machine that runs out of pool may not answer.
///
/// # Errors
/// A sentence: the first sample fails, or the file cannot be written.
pub fn run(
    sampler: &dyn PoolSampler,
    path: &Path,
    appends: bool,
    schedule: Schedule,
    cancel: &CancelToken,
    mut on_sample: impl FnMut(Result<SampleSummary, String>),
) -> Result<u64, String> {
    let mut tags = sampler.sample()?;
    let name = path.display();
    let mut log = SampleLog::open(path, appends).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{name} exists already: choose another name, or continue it with --append")
        }
        _ => format!("cannot write {name}: {error}"),
    })?;
    let began = Instant::now();
    for number in 1.. {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        log.append(now, &tags).map_err(|error| format!("cannot write {name}: {error}"))?;
        let bytes = Pool::ALL.map(|pool| tags.iter().map(|usage| usage.bytes(pool)).fold(0, u64::saturating_add));
        on_sample(Ok(SampleSummary { number, tags: tags.len(), bytes }));
        loop {
            let next = schedule.every.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
            if next > schedule.length || !sleep_until(began + next, cancel) {
                return Ok(number);
            }
            match sampler.sample() {
                Ok(sample) => {
                    tags = sample;
                    break;
                }
                Err(error) => {
                    on_sample(Err(error));
                    if !sleep_until(Instant::now() + schedule.every, cancel) || began.elapsed() > schedule.length {
                        return Ok(number);
                    }
                }
            }
        }
    }
    Ok(0)
}

/// Waits for a time; returns `false` if the token was canceled before.
fn sleep_until(time: Instant, cancel: &CancelToken) -> bool {
    loop {
        if cancel.is_cancelled() {
            return false;
        }
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(LOOK));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_recording::poolmon::parse;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A tag that grows by ten blocks in each sample; the third sample fails.
    #[derive(Default)]
    struct Growing(AtomicU32);

    impl PoolSampler for Growing {
        fn sample(&self) -> Result<Vec<TagUsage>, String> {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            if number == 2 {
                return Err("out of pool".to_owned());
            }
            Ok(vec![TagUsage {
                tag: *b"Leak",
                paged: (0, 0, 0),
                nonpaged: (10 * number + 10, 0, u64::from(10 * number + 10) * 64),
            }])
        }
    }

    #[test]
    fn samples_are_appended_and_a_failed_one_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("samples.csv");
        let schedule = Schedule { every: Duration::from_millis(1), length: Duration::from_millis(4) };
        let mut failures = 0;
        let sampler = Growing::default();
        let count = run(&sampler, &path, false, schedule, &CancelToken::default(), |sample| {
            failures += u64::from(sample.is_err())
        })
        .expect("samples");
        assert!(count >= 2 && failures <= 1, "{count} {failures}");
        let again = run(&sampler, &path, false, schedule, &CancelToken::default(), |_| ());
        assert!(again.is_err_and(|error| error.contains("exists already")));
        // A cut line, as after a crash, then a continuation.
        let mut bytes = std::fs::read(&path).expect("a file");
        bytes.truncate(bytes.len() - 5);
        std::fs::write(&path, &bytes).expect("written");
        let mut log = SampleLog::open(&path, true).expect("a file");
        log.append(4_000_000_000, &sampler.sample().expect("a sample")).expect("appended");
        let file = parse(&std::fs::read(&path).expect("a file")).expect("snapshots");
        let last = file.snapshots.last().expect("a snapshot");
        assert_eq!(last.time.map(|time| time.text()).as_deref(), Some("2096-10-02 07:06:40"));
        assert_eq!(last.rows.len(), 1);
    }

    #[test]
    fn a_canceled_run_ends_after_the_sample() {
        let folder = tempfile::tempdir().expect("a folder");
        let cancel = CancelToken::default();
        cancel.cancel();
        let schedule = Schedule { every: Duration::from_secs(60), length: Duration::from_secs(3600) };
        let count = run(&Growing::default(), &folder.path().join("a.csv"), false, schedule, &cancel, |_| ());
        assert_eq!(count, Ok(1));
    }

    #[cfg(not(windows))]
    #[test]
    fn other_systems_have_a_script() {
        assert!(SystemSampler.sample().is_err_and(|error| error.contains("record --sampler")));
    }
}
