//! Tells every open trace of the others that it can be compared with.

use std::sync::Arc;

use poolscope_analysis::trace::time::TimeRange;

use super::App;
use crate::gui::document::Document;
use crate::gui::jobs::load::Source;
use crate::gui::model::open_traces::OpenTrace;

impl App {
    /// Gives each open trace the list of all recordings, as they are now. A debugger log has no times to compare.
    pub(super) fn share_open_traces(&mut self) {
        let documents = || self.tabs.iter().filter_map(|(id, tab)| tab.document().map(|document| (id, document)));
        let names: Vec<String> = documents().map(|(_, document)| document.source.name()).collect();
        let name = |document: &Document| {
            let own = document.source.name();
            match &document.source {
                Source::File(path) if names.iter().filter(|name| **name == own).count() > 1 => {
                    path.display().to_string()
                }
                _ => own,
            }
        };
        let recordings = documents().filter(|(_, document)| document.trace.has_times());
        let open = recordings.map(|(id, document)| {
            let clock = document.trace.clock;
            let selection = document.ui.graph.selection();
            OpenTrace {
                tab: id.0,
                name: name(document),
                names: Arc::clone(&document.results.names),
                visible_range: document.query.range,
                selection: selection
                    .map(|range| TimeRange { from: clock.ticks(range.from), to: clock.ticks(range.to) }),
                marks: document.query.marks.clone(),
            }
        });
        let open: Arc<Vec<OpenTrace>> = Arc::new(open.collect());
        for document in self.tabs.iter_mut().filter_map(|(_, tab)| tab.document_mut()) {
            document.open_traces = Arc::clone(&open);
        }
    }
}
