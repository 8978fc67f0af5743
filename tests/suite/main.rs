//! Everything that checks poolscope as a whole, in one binary: it is linked once.

mod cancel;
mod cli;
mod corpus;
mod corruption;
mod gui_app;
mod gui_files;
mod gui_graph;
mod gui_graph_moves;
mod gui_kit;
mod gui_shell;
mod gui_states;
mod gui_table;
mod gui_table_kit;
mod gui_table_rows;
mod gui_widgets;
mod layering;
mod micro;
mod paths;
mod props;
mod sample_modules;
mod source;
mod threads;
mod tidy;
mod truth;
mod versions;
