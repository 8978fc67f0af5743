#![doc = include_str!("../README.md")]

pub mod anomaly;
pub mod bytes;
pub mod column;
pub mod etl;
pub mod event;
pub mod export;
pub mod job;
pub mod leak;
pub mod pivot;
pub mod recording;
pub mod select;
pub mod series;
pub mod symbol;
pub mod synth;
pub mod trace;
pub mod usage;
