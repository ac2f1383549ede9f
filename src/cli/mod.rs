//! The only room that prints, reads files and starts processes: `args` are typed words, `run` acts on them, one file a command.

mod args;
mod assess;
mod check;
pub(crate) mod diagnose;
mod failure;
mod files;
mod generate;
pub(crate) mod git;
mod graph;
mod inputs;
mod output;
mod pages;
mod reproduce;
pub(crate) mod run;
mod schema;
mod session;
mod simulate;
mod when;
