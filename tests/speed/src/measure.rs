//! Wall and CPU time of work that is repeated.

use std::time::Instant;

/// Number of runs of each piece of work. The fastest counts, since other processes use the machine too.
const RUNS: usize = 5;

/// Seconds of a piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// By the clock.
    pub wall: f64,
    /// Of all threads; 0 if the system does not show it.
    pub cpu: f64,
}

impl Cost {
    /// CPU time, which other processes disturb less than the clock; the clock where there is none.
    #[must_use]
    pub const fn undisturbed(self) -> f64 {
        if self.cpu > 0.0 { self.cpu } else { self.wall }
    }
}

/// Runs all pieces of work in turn, several times, and returns the fastest run of each. In turn, so that a disturbance hits
/// all of them.
pub fn fastest<const N: usize>(mut work: [&mut dyn FnMut(); N]) -> [Cost; N] {
    let mut best = [Cost { wall: f64::MAX, cpu: f64::MAX }; N];
    for _ in 0..RUNS {
        for (work, best) in work.iter_mut().zip(&mut best) {
            let (start, cpu) = (Instant::now(), cpu_seconds());
            work();
            best.wall = best.wall.min(start.elapsed().as_secs_f64());
            best.cpu = best.cpu.min(cpu_seconds() - cpu);
        }
    }
    best
}

/// CPU time of all threads of this process.
#[cfg(unix)]
#[must_use]
pub fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// CPU time of all threads of this process; not known on this system.
#[cfg(not(unix))]
#[must_use]
pub const fn cpu_seconds() -> f64 {
    0.0
}
