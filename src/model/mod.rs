//! What a system is: services, dependencies, groups and journeys, checked once and then immutable.
//!
//! A [`System`] that exists is valid: every reference resolves, every number is in its range. It knows no file format. The
//! kernels see only [`Compact`], index arrays made from it.

pub mod belief;
mod build;
mod check_facts;
pub mod compact;
pub mod crossing;
pub mod demand;
pub mod draft;
pub mod facts;
pub(crate) mod intern;
pub mod names;
mod reference;
pub(crate) mod repeated;
pub(crate) mod rows;
pub mod structure;
pub mod system;
pub mod traffic;
mod what_if;

pub use crate::units::DurationLaw;
pub use compact::Compact;
pub use system::{Endpoint, System};
