//! A made-up judgement for the tests of the words.

use poolscope_analysis::leaks::OldAllocation;
use poolscope_analysis::leaks::{
    Blocks, By, DriverShare, Evidence, Judgement, PoolGrowth, Request, Span, Suspect, Trust, Verdict, WarmUp, Who,
};
use poolscope_analysis::trace::ids::StackId;
use poolscope_analysis::trace::time::{Ticks, View};

/// A suspect with this verdict: 2,048 blocks of 2 KB stay, 1.9 MB come each minute.
pub fn suspect(verdict: Verdict) -> Suspect {
    Suspect {
        tag: Some("Leak".to_owned()),
        paged: false,
        driver: "myfault.sys".to_owned(),
        function: "myfault.sys!MyfaultDeviceControl".to_owned(),
        stack: StackId::EMPTY,
        verdict,
        confidence: 0.9,
        score: if verdict.is_growing() { 90.0 } else { 0.0 },
        growth_bytes_per_s: 1.9 * 1024.0 * 1024.0 / 60.0,
        growth_scale: 1.0,
        driver_share: 1.0,
        stack_share: 1.0,
        generations: Vec::new(),
        who: Who {
            drivers: vec![DriverShare {
                driver: "myfault.sys".to_owned(),
                blocks: Blocks { count: 2048, bytes: 4 << 20 },
                share: 1.0,
                is_system: false,
            }],
            ..Who::default()
        },
        reasons: Vec::new(),
        evidence: Evidence {
            allocated: Blocks { count: 12_431, bytes: 24 << 20 },
            survivors: Blocks { count: 2048, bytes: 4 << 20 },
            stayed: OldAllocation::default(),
            curve: vec![0.0, (2 << 20) as f64, (4 << 20) as f64],
            ..Evidence::default()
        },
    }
}

/// A judgement of 61 s with these suspects.
pub fn judgement(suspects: Vec<Suspect>) -> Judgement {
    let view = View { from: Ticks(0), to: Ticks(610_000_000) };
    Judgement {
        request: Request { view, by: By::Tag, warm_up: WarmUp::None },
        span: Span { analyzed: view, view, from: view.from },
        is_whole: true,
        left_out: Vec::new(),
        seconds: 61.0,
        suspects,
        pools: [PoolGrowth::default(); 2],
        trust: Trust::default(),
    }
}
