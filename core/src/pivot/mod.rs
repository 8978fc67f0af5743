//! pivot
