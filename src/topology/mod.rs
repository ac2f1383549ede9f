//! Topology files: what a system is, as people write it.
//!
//! Every reader ends in a [`Draft`](crate::model::draft::Draft) or, for edge lists, in a [`System`](crate::model::System). The
//! room opens no file: callers hand it texts through [`load::Files`]. What must hold: no input panics, and every message about
//! a file says where in it.
//!
//! ```text
//! YAML, TOML, JSON ─ schema ─ lower ─▶ Draft ─▶ System ─ write ─▶ text
//! TSV, CSV ─────────────────── edge_list ────────▶ ┘
//! ```

pub mod difference;
pub mod edge_list;
mod edge_part;
mod form;
pub mod generate;
pub mod json_schema;
pub mod load;
pub mod lower;
mod lower_dependency;
pub mod operations;
mod places;
pub mod schema;
pub mod schema_dependency;
pub mod write;
mod write_facts;

pub use load::{Files, Loaded, load};
pub use places::Places;

#[cfg(test)]
pub(crate) mod tests;
