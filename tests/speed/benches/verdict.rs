//! Verdicts of one trace by every grouping, compared with its load: `cargo bench -p poolscope-speed --bench verdict`.

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::leaks::{AnalysisRequest, SuspectGrouping, WarmUp, analyze};
use poolscope_analysis::load::StackScope;
use poolscope_speed::{Table, Trace, fastest, first};
use std::error::Error;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let table = Table::new("verdict")?;
    let file = Trace::write(&first())?;
    let trace = file.load(StackScope::Pool);
    let verdicts = |grouping| {
        // New column values, as after a load.
        let values = ColumnValues::new(Arc::clone(&trace), FrameNaming::Symbol);
        let request = AnalysisRequest {
            visible_range: trace.recorded.analyzed(trace.extent),
            grouping,
            warm_up: WarmUp::Automatic,
        };
        let analysis = analyze(&values, request, &not_cancelled).expect("it is not canceled");
        assert!(!analysis.suspects.is_empty());
    };
    let [load, tag, stack, driver, process] = fastest([
        &mut || drop(file.load(StackScope::Pool)),
        &mut || verdicts(SuspectGrouping::Tag),
        &mut || verdicts(SuspectGrouping::Stack),
        &mut || verdicts(SuspectGrouping::Driver),
        &mut || verdicts(SuspectGrouping::Process),
    ]);
    table.row("load with stacks", load, load, None)?;
    // 1.5 times the load, the load itself included.
    table.row("verdicts by tag", tag, load, Some(0.5))?;
    table.row("verdicts by stack", stack, load, None)?;
    table.row("verdicts by driver", driver, load, None)?;
    table.row("verdicts by process", process, load, None)?;
    Ok(())
}
