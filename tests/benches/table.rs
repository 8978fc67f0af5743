//! Benchmark of the pivot table with ten million rows, scrolled by wheel steps at 1920 x 1080 without a display: `cargo bench -p
//! poolscope-tests --bench table`. The fastest, median and slowest frame are printed. There is no pass or fail.

use divan::Bencher;
use poolscope::gui::egui::{
    Context, Event, Modifiers, MouseWheelSource, MouseWheelUnit, RawInput, Rect, TouchPhase, Vec2, pos2, vec2,
};
use poolscope::gui::theme;
use poolscope::gui::widgets::pivot_table::{Area, Cell, Column, PivotTable, Row, RowId, TableState, TreeModel};

const ROWS: u64 = 10_000_000;
const SCREEN: Vec2 = vec2(1920.0, 1080.0);

fn main() {
    divan::main();
}

/// Rows that are computed on request: a stack whose depth grows and shrinks.
struct Endless {
    columns: Vec<Column>,
}

impl Endless {
    fn new(figures: u32) -> Self {
        let column = |id, area, width| Column { id, title: format!("Column {id}"), area, width, ..Column::default() };
        let keys = (0..4).map(|id| column(id, Area::Key, 80.0));
        let figures = (4..4 + figures).map(|id| column(id, Area::Data, 48.0));
        Self { columns: keys.chain(figures).collect() }
    }
}

impl TreeModel for Endless {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn row_count(&self) -> u64 {
        ROWS
    }

    fn row(&self, index: u64) -> Option<Row> {
        let figures = self.columns.len().saturating_sub(4);
        let cell = |at: u64| Cell {
            text: format!("{}.{}", index % 977, at % 10),
            unit: "MB",
            share: Some((index % 100) as f32 / 100.0),
            ..Cell::default()
        };
        (index < ROWS).then(|| Row {
            id: index,
            level: 3,
            key_column: 3,
            indent: (index % 40) as u32,
            text: format!("driver{}.sys!AllocateContext{index}", index % 50),
            expandable: index.is_multiple_of(3),
            expanded: index.is_multiple_of(6),
            cells: (0..figures as u64).map(cell).collect(),
            ..Row::default()
        })
    }

    fn id_at(&self, index: u64) -> Option<RowId> {
        (index < ROWS).then_some(index)
    }

    fn index_of(&self, id: RowId) -> Option<u64> {
        Some(id)
    }

    fn parent(&self, index: u64) -> Option<u64> {
        index.checked_sub(1)
    }

    fn largest_child(&self, index: u64) -> Option<u64> {
        Some(index + 1)
    }

    fn find_prefix(&self, _from: u64, _prefix: &str) -> Option<u64> {
        None
    }
}

/// One frame with one wheel step, up to tessellation.
fn frame(ctx: &Context, model: &Endless, state: &mut TableState, number: u64) -> usize {
    let wheel = Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, -3.0 * theme::ROW_HEIGHT),
        source: MouseWheelSource::Unknown,
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    };
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), SCREEN)),
        time: Some(number as f64 / 60.0),
        events: vec![Event::PointerMoved(pos2(900.0, 500.0)), wheel],
        ..RawInput::default()
    };
    let mut output = ctx.run_ui(input, |ui| {
        PivotTable::new("Rows", model, state).show(ui);
    });
    // There is no graphics device to upload textures to.
    output.textures_delta.clear();
    ctx.tessellate(output.shapes, output.pixels_per_point).len()
}

/// Scrolling with four key columns and a number of data columns; each frame has three new rows.
#[divan::bench(args = [12, 30], sample_count = 300, sample_size = 1)]
fn scrolling(bencher: Bencher<'_, '_>, figures: u32) {
    let ctx = Context::default();
    theme::install(&ctx);
    let model = Endless::new(figures);
    let mut state = TableState::default();
    let mut number = 0;
    for _ in 0..10 {
        frame(&ctx, &model, &mut state, number);
        number += 1;
    }
    bencher.bench_local(|| {
        number += 1;
        frame(&ctx, &model, &mut state, number)
    });
    assert!(state.position().row > 0, "it scrolled");
}
