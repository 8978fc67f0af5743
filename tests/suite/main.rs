//! Everything that checks poolscope as a whole, in one binary: it is linked once.

mod layering;
mod paths;
mod sample_modules;
mod source;
mod tidy;
