//! Bodies of the fuzz targets. They are plain functions, so that a stable compiler can replay them (`tests/fuzz_replay.rs`).

pub mod targets;
