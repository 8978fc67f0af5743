//! poolscope
fn main() {}
