//! Payloads: pure functions from the bytes of one record to what they say. One table decides which record is which
//! event; layouts that differ by version or pointer size are offsets, not separate decoders. Nothing here knows buffers
//! or files, keeps state, or fails in any way but `None`.

pub mod identity;
pub mod image;
pub mod kind;
pub mod pool;
pub mod process;
pub mod stack;
pub mod system;
