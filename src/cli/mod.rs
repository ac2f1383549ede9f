//! The only room that prints, reads files and starts processes: `args` are typed words, `run` acts on them, one file a command.

mod args;
mod args_compare;
mod args_simulate;
mod assess;
mod check;
mod compare;
pub(crate) mod diagnose;
mod failure;
mod files;
mod generate;
pub(crate) mod git;
mod graph;
mod inputs;
mod merge;
mod output;
mod pages;
mod part;
mod part_rank;
mod rank;
mod reproduce;
pub(crate) mod run;
mod schema;
mod session;
mod simulate;
mod trials_out;
mod when;
