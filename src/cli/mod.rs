//! The only room that prints, reads files and starts processes.
#![allow(dead_code)]

pub(crate) mod diagnose;
pub(crate) mod git;
