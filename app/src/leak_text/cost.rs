//! Growth per hour of a suspect and the time until its pool is exhausted.

use super::pool;
use crate::format;
use poolscope_analysis::leaks::{LeakAnalysis, PoolGrowth, Suspect, capacity};

/// Hourly growth of a suspect and the time until its pool is exhausted: `114.0 MB/h; at this rate nonpaged pool is exhausted in
/// 3 h 20 min`. `None` if the suspect no longer grows.
#[must_use]
pub fn cost(suspect: &Suspect, analysis: &LeakAnalysis) -> Option<String> {
    if !suspect.verdict.is_growing() || suspect.growth_bytes_per_s <= 0.0 {
        return None;
    }
    let hourly = |bytes_per_s: f64| format!("{}/h", format::bytes((bytes_per_s * 3600.0).round() as u64));
    let per_hour = hourly(suspect.growth_bytes_per_s);
    let Some(seconds) = seconds_to_exhaustion(suspect, analysis) else { return Some(per_hour) };
    let all = pool_of(suspect, analysis).growth_bytes_per_s();
    let is_alone = (all - suspect.growth_bytes_per_s).abs() <= 0.005 * all;
    let rate = if is_alone { "this rate".to_owned() } else { format!("the total growth of {}", hourly(all)) };
    Some(format!(
        "{per_hour}; at {rate} {} pool is exhausted in {}",
        pool(suspect.is_paged),
        format::long_duration(seconds)
    ))
}

/// Seconds from the end of the analyzed range until the suspect's pool is exhausted, if all that leaks or grows in it goes on. An
/// upper bound: other users of the memory make the pool fail earlier, and without a pool rundown it is fuller than it looks.
/// `None` if it does not go on growing, or it is not known how large the pool can become.
#[must_use]
pub fn seconds_to_exhaustion(suspect: &Suspect, analysis: &LeakAnalysis) -> Option<f64> {
    if !suspect.verdict.is_growing() {
        return None;
    }
    let growth = pool_of(suspect, analysis);
    let gained = analysis
        .suspects
        .iter()
        .filter(|s| s.is_paged == suspect.is_paged)
        .filter_map(|s| s.evidence.bytes_curve.last());
    let used = growth.start_bytes.unwrap_or(0) as f64 + gained.sum::<f64>();
    capacity::seconds_to_exhaustion(growth.limit_bytes?, used.max(0.0) as u64, growth.growth_bytes_per_s())
}

fn pool_of<'j>(suspect: &Suspect, analysis: &'j LeakAnalysis) -> &'j PoolGrowth {
    let [nonpaged, paged] = &analysis.pools;
    if suspect.is_paged { paged } else { nonpaged }
}

/// Net growth of a whole pool: `+60.0 KB/min`.
#[must_use]
pub fn pool_growth(growth: &PoolGrowth) -> String {
    let sign = if growth.net_growth_bytes_per_s > 0.0 { "+" } else { "" };
    format!("{sign}{}", format::growth_rate(growth.net_growth_bytes_per_s))
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{analysis, suspect};
    use super::*;
    use poolscope_analysis::leaks::Verdict;

    #[test]
    fn the_cost_is_per_hour_and_until_the_pool_is_full() {
        let leak = suspect(Verdict::Leak);
        let mut all = analysis(vec![leak.clone()]);
        assert_eq!(cost(&leak, &all).as_deref(), Some("114.0 MB/h"));
        all.pools[0].leak_bytes_per_s = leak.growth_bytes_per_s;
        all.pools[0].limit_bytes = Some(384 << 20);
        // 4 MB are outstanding already.
        let words = "114.0 MB/h; at this rate nonpaged pool is exhausted in 3 h 20 min";
        assert_eq!(cost(&leak, &all).as_deref(), Some(words));
        all.pools[0].limit_bytes = Some(484 << 20);
        all.pools[0].start_bytes = Some(100 << 20);
        assert_eq!(cost(&leak, &all).as_deref(), Some(words));
        all.pools[0].growing_bytes_per_s = leak.growth_bytes_per_s;
        let words = "114.0 MB/h; at the total growth of 228.0 MB/h nonpaged pool is exhausted in 100 min 0 s";
        assert_eq!(cost(&leak, &all).as_deref(), Some(words));
        let mut other_pool = leak.clone();
        other_pool.is_paged = true;
        assert_eq!(cost(&other_pool, &all).as_deref(), Some("114.0 MB/h"));
        other_pool.growth_bytes_per_s = 0.0;
        assert_eq!(cost(&other_pool, &all), None);
        let over = Suspect { verdict: Verdict::Stopped, ..leak };
        assert_eq!((cost(&over, &all), seconds_to_exhaustion(&over, &all)), (None, None));
    }

    #[test]
    fn a_pool_grows_or_shrinks() {
        let growth = |slope_bytes_per_s| {
            pool_growth(&PoolGrowth { net_growth_bytes_per_s: slope_bytes_per_s, ..PoolGrowth::default() })
        };
        assert_eq!([1024.0, -1024.0, 0.0].map(growth), ["+60.0 KB/min", "-60.0 KB/min", "0 B/min"]);
    }
}
