//! Traces made to order: the writer of `.etl` files, the generator of pool scenarios, and the truth they planted.
//!
//! This module is the inverse of the reader and its oracle. It must never import the reader (`etl`, `event`,
//! `trace`) or anything built on it: what it says about a trace comes from what it planted, by the definitions
//! of the product alone.

mod error;
pub mod rng;
pub mod sample;
pub mod scenario;
pub mod ground_truth;
pub mod writer;

pub use error::SynthError;
pub use scenario::{SynthSummary, SynthParams, write_trace};
pub use ground_truth::{GroundTruth, GroundTruthRequest};
