//! What is known about a change: its files, people, tools and roll-out.
//!
//! Texts come in (a diff, the output of `git`, commit messages), plain values go out: [`facts::Change`] in the end. The
//! room spawns no process, reads no file and no clock; `cli` hands it the texts. What must hold: a missing fact stays
//! unknown and is never taken for good news, and text that cannot be read in full is an error, not a smaller change.
//!
//! ```text
//! diff text ─ diff, symbols ─────┐
//! git diff --raw --numstat ─ raw ┴─▶ ChangedFile ─ paths, operations ─▶ services ─┐
//! terraform show -json ─ terraform ─▶ Plan ─ terraform_land ─▶ services ──────────┤
//! git log ─ commits ─▶ Commit ─ trailers, provenance, team ─ derive ──────────────┴─▶ Change ─ merge ─▶ Change
//! code host ─ host, reviews ───────────────────────────────────────────────────────────┘
//! ```

#[cfg(test)]
mod against_git;
pub mod codeowners;
pub mod commits;
mod definitions;
pub mod derive;
pub mod diff;
mod diff_names;
pub mod facts;
pub mod file;
pub mod files;
pub mod history;
pub mod host;
pub mod identities;
pub mod kubernetes;
pub mod manifest;
pub mod merge;
pub mod operations;
pub mod paths;
pub mod provenance;
pub mod raw;
pub mod reviews;
pub mod shared;
mod symbols;
pub mod team;
pub mod terraform;
pub mod terraform_land;
mod terraform_state;
pub mod trailers;
