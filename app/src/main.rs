//! poolscope
fn main(){}
