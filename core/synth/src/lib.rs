//! Synthetic `.etl` traces with ground truth, to test the reader and the analysis.
//!
//! The crate shares no code with the reader: the ground truth is computed from the log of written events, by the definitions of
//! the product. Output is deterministic: the same parameters and seed give the same bytes on every machine.
//!
//! | module | content |
//! | --- | --- |
//! | [`writer`] | writes records of any kind into an `.etl` file: buffers, headers, compression |
//! | [`scenario`] | generates a trace from parameters: entities, an event engine, rundown, stacks, losses |
//! | [`ground_truth`] | expected results: counts, allocations by type and tag, stacks, curves |
//! | [`sample`] | the built-in sample trace |
//! | [`fleet`] | traces of many hosts, in which one version of a driver leaks |
//! | [`rng`] | deterministic random numbers |

mod error;
pub mod fleet;
pub mod ground_truth;
pub mod rng;
pub mod sample;
pub mod scenario;
pub mod writer;

pub use error::SynthError;
pub use ground_truth::{GroundTruth, GroundTruthRequest};
pub use scenario::{SynthParams, SynthSummary, write_trace};
