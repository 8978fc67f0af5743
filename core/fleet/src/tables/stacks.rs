//! `stacks`: one row for each distinct stack of the allocations and frees of a trace. `stack` is the text that `report` shows, frames
//! joined by `;`, by which stacks of several hosts can be compared; `frames` has the parts of each frame. The outermost frame is first.

use super::TraceRows;
use crate::error::FleetError;
use crate::table_file::{RowGroup, TableFile};
use parquet::data_type::ByteArray;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::responsible::driver_label;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::ids::{FrameId, StackId};

/// The schema.
pub const SCHEMA: &str = "message stacks {
    REQUIRED BINARY trace_id (STRING);
    REQUIRED BINARY host (STRING);
    REQUIRED INT64 stack_id;
    REQUIRED INT64 depth;
    REQUIRED BINARY driver (STRING);
    REQUIRED BINARY function (STRING);
    REQUIRED BINARY stack (STRING);
    REQUIRED group frames (LIST) {
        REPEATED group list {
            REQUIRED group element {
                OPTIONAL BINARY module (STRING);
                OPTIONAL BINARY function (STRING);
                OPTIONAL INT64 offset;
                OPTIONAL BINARY address (STRING);
            }
        }
    }
}";

/// Stacks of a group of rows; a stack has up to 200 frames.
const GROUP_STACKS: usize = 1 << 14;

/// The parts of a frame as they are written.
#[derive(Clone, Default)]
struct WrittenFrame {
    module: Option<ByteArray>,
    function: Option<ByteArray>,
    /// Bytes from the start of the function, else of the module.
    offset: Option<i64>,
    /// The address, where no module is known.
    address: Option<ByteArray>,
}

impl WrittenFrame {
    fn new(names: &ColumnValues, frame: FrameId) -> Self {
        let parts = names.frame_parts(frame);
        let is_known = !parts.module.is_empty() || parts.function.is_some();
        Self {
            module: (!parts.module.is_empty()).then(|| ByteArray::from(parts.module.as_str())),
            function: parts.function.as_deref().map(ByteArray::from),
            offset: is_known.then(|| super::signed(parts.offset_bytes)),
            address: (!is_known).then(|| ByteArray::from(format!("{:#x}", parts.address).into_bytes())),
        }
    }
}

/// Writes the rows.
pub fn write(rows: &TraceRows<'_>, file: &mut TableFile) -> Result<(), FleetError> {
    let (trace, names, id) = (rows.trace(), rows.names, rows.id());
    let count = trace.stacks.frame_rows().len() as u32;
    let frames: Vec<WrittenFrame> = (0..count).map(|frame| WrittenFrame::new(names, FrameId(frame))).collect();
    for stacks in used_stacks(trace).chunks(GROUP_STACKS) {
        rows.cancel.check()?;
        file.group(stacks.len(), |group| {
            group.text("trace_id", &id)?;
            group.text("host", rows.host())?;
            let integer = |number: usize| Some(number as i64);
            group.integers("stack_id", stacks.iter().map(|stack| integer(stack.index())))?;
            group.integers("depth", stacks.iter().map(|stack| integer(trace.stacks.depth(*stack))))?;
            let driver = |stack: &StackId| driver_label(trace, names.responsible_frame(*stack));
            let text = |text: String| Some(ByteArray::from(text.into_bytes()));
            group.texts("driver", stacks.iter().map(|stack| text(driver(stack))))?;
            group.texts("function", stacks.iter().map(|stack| text(names.responsible_function(*stack))))?;
            let shown = names.stacks();
            group.texts("stack", stacks.iter().map(|stack| text(shown.frames(shown.node_of(*stack)).join(";"))))?;
            write_frames(trace, stacks, &frames, group)
        })?;
    }
    Ok(())
}

fn write_frames(
    trace: &Trace,
    stacks: &[StackId],
    frames: &[WrittenFrame],
    group: &mut RowGroup<'_>,
) -> Result<(), FleetError> {
    let texts = |part: fn(&WrittenFrame) -> Option<ByteArray>| {
        stacks.iter().map(move |stack| {
            let own = trace.stacks.outer_to_inner(*stack).into_iter();
            own.map(|frame| frames.get(frame.index()).and_then(part)).collect::<Vec<_>>()
        })
    };
    group.text_lists("frames.list.element.module", texts(|frame| frame.module.clone()))?;
    group.text_lists("frames.list.element.function", texts(|frame| frame.function.clone()))?;
    let offsets = stacks.iter().map(|stack| {
        let own = trace.stacks.outer_to_inner(*stack).into_iter();
        own.map(|frame| frames.get(frame.index()).and_then(|frame| frame.offset)).collect::<Vec<_>>()
    });
    group.integer_lists("frames.list.element.offset", offsets)?;
    group.text_lists("frames.list.element.address", texts(|frame| frame.address.clone()))
}

/// The stacks that an allocation or a free refers to.
fn used_stacks(trace: &Trace) -> Vec<StackId> {
    let mut is_used = vec![false; trace.stacks.node_count()];
    let table = &trace.allocations;
    for stack in table.alloc_stack.iter().chain(&table.free_stack) {
        if let Some(used) = is_used.get_mut(stack.index()) {
            *used = true;
        }
    }
    let used = is_used.into_iter().zip(0..).filter(|(used, id)| *used && StackId(*id) != StackId::EMPTY);
    used.map(|(_, id)| StackId(id)).collect()
}
