//! A made-up leak analysis for the tests of the texts.

use poolscope_analysis::leaks::OlderThanUsual;
use poolscope_analysis::leaks::{
    AnalysisRange, AnalysisRequest, Attribution, DataQuality, DriverShare, Evidence, LeakAnalysis, PoolGrowth, Suspect,
    SuspectGrouping, Total, Verdict, WarmUp,
};
use poolscope_analysis::trace::ids::StackId;
use poolscope_analysis::trace::time::{Ticks, TimeRange};

/// A suspect with this verdict: 2,048 outstanding allocations of 2 KB, growth of 1.9 MB/min.
pub fn suspect(verdict: Verdict) -> Suspect {
    Suspect {
        tag: Some("Leak".to_owned()),
        is_paged: false,
        is_pool_known: true,
        driver: "myfault.sys".to_owned(),
        is_driver_known: true,
        function: "myfault.sys!MyfaultDeviceControl".to_owned(),
        stack: StackId::EMPTY,
        verdict,
        confidence: 0.9,
        score: if verdict.is_growing() { 90.0 } else { 0.0 },
        has_growth: true,
        growth_bytes_per_s: 1.9 * 1024.0 * 1024.0 / 60.0,
        loss_correction: 1.0,
        driver_share: 1.0,
        stack_share: 1.0,
        outstanding_by_generation: Vec::new(),
        attribution: Attribution {
            drivers: vec![DriverShare {
                driver: "myfault.sys".to_owned(),
                allocations: Total { count: 2048, bytes: 4 << 20 },
                share: 1.0,
                is_system: false,
            }],
            ..Attribution::default()
        },
        reasons: Vec::new(),
        evidence: Evidence {
            allocated: Total { count: 12_431, bytes: 24 << 20 },
            outstanding: Total { count: 2048, bytes: 4 << 20 },
            older_than_usual: OlderThanUsual::default(),
            bytes_curve: vec![0.0, (2 << 20) as f64, (4 << 20) as f64],
            ..Evidence::default()
        },
    }
}

/// An analysis of 61 s with these suspects.
pub fn analysis(suspects: Vec<Suspect>) -> LeakAnalysis {
    let visible_range = TimeRange { from: Ticks(0), to: Ticks(610_000_000) };
    LeakAnalysis {
        request: AnalysisRequest { visible_range, grouping: SuspectGrouping::Tag, warm_up: WarmUp::None },
        range: AnalysisRange { analyzed: visible_range, active: visible_range, warm_up_end: visible_range.from },
        is_complete_recording: true,
        has_times: true,
        dropped_keys: Vec::new(),
        seconds: 61.0,
        suspects,
        pools: [PoolGrowth::default(); 2],
        data_quality: DataQuality::default(),
    }
}
