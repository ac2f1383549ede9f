//! `--trials-out`: a row for each trial, written while the trials run, in their order. What nobody knows is an empty field.

use super::failure::Failure;
use super::output::Staged;
use shockfront::model::System;
use shockfront::model::system::ResolvedJourney;
use shockfront::propagation::sampling::Rows;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A table on its way to a file.
pub(super) struct TrialsOut {
    path: PathBuf,
    /// By journey, whether its traffic is known.
    counted: Vec<bool>,
    /// The file, until something goes wrong.
    file: Mutex<io::Result<Staged>>,
}

impl TrialsOut {
    /// Opens the table and writes its first line.
    pub(super) fn new(path: &Path, system: &System, static_reach: bool) -> Result<Self, Failure> {
        Self::titled(path, system, static_reach, &["trial", "reach"])
    }

    /// The same for rows that begin with the service that fails.
    pub(super) fn by_service(path: &Path, system: &System, static_reach: bool) -> Result<Self, Failure> {
        Self::titled(path, system, static_reach, &["service", "trial", "reach"])
    }

    fn titled(path: &Path, system: &System, static_reach: bool, first: &[&str]) -> Result<Self, Failure> {
        let mut titles: Vec<String> = first.iter().map(|title| (*title).to_owned()).collect();
        if !static_reach {
            titles.extend(["user_minutes".to_owned(), "censored".to_owned()]);
            titles.extend(system.journeys().iter().map(|journey| field(&format!("user_minutes:{}", journey.name))));
        }
        let file = Staged::new(path).and_then(|mut file| writeln!(file, "{}", titles.join(",")).map(|()| file));
        let file = file.map_err(|error| failure(path, &error))?;
        let counted = system.journeys().iter().map(ResolvedJourney::is_traffic_known).collect();
        Ok(Self { path: path.to_owned(), counted, file: Mutex::new(Ok(file)) })
    }

    /// Writes rows. What goes wrong is told at the end.
    pub(super) fn take(&self, rows: &Rows) {
        self.write("", rows);
    }

    /// Writes rows of a service.
    pub(super) fn take_of(&self, service: &str, rows: &Rows) {
        self.write(&format!("{},", field(service)), rows);
    }

    fn write(&self, prefix: &str, rows: &Rows) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(open) = &mut *file
            && let Err(error) = write_rows(open, prefix, rows, &self.counted)
        {
            *file = Err(error);
        }
    }

    /// Puts the table into its place.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let file = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        file.and_then(Staged::finish).map_err(|error| failure(&self.path, &error))
    }
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::Output(format!("{} cannot be written: {error}", path.display()))
}

fn write_rows(out: &mut impl Write, prefix: &str, rows: &Rows, counted: &[bool]) -> io::Result<()> {
    let journeys = if rows.reach.is_empty() { 0 } else { rows.milli_user_minutes.len() / rows.reach.len() };
    for (at, reach) in rows.reach.iter().enumerate() {
        write!(out, "{prefix}{},{reach}", rows.first + at as u64)?;
        if let Some(censored) = rows.censored.get(at) {
            let lost = &rows.milli_user_minutes[at * journeys..(at + 1) * journeys];
            let known = || lost.iter().zip(counted).map(|(lost, is_known)| is_known.then_some(*lost));
            let all = known().flatten().reduce(u64::saturating_add);
            write!(out, ",{},{censored}", all.map_or_else(String::new, thousandths))?;
            for lost in known() {
                write!(out, ",{}", lost.map_or_else(String::new, thousandths))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Whole thousandths as an exact decimal.
fn thousandths(value: u64) -> String {
    format!("{}.{:03}", value / 1_000, value % 1_000)
}

/// A field of RFC 4180.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_exact() {
        let rows = Rows { first: 7, reach: vec![1, 3], milli_user_minutes: vec![0, 5, 1_000, 2], censored: vec![false, true] };
        let mut out = Vec::new();
        write_rows(&mut out, "", &rows, &[true, true]).expect("memory takes every byte");
        assert_eq!(String::from_utf8_lossy(&out), "7,1,0.005,false,0.000,0.005\n8,3,1.002,true,1.000,0.002\n");
        let mut out = Vec::new();
        write_rows(&mut out, "", &rows, &[false, true]).expect("memory takes every byte");
        assert_eq!(String::from_utf8_lossy(&out), "7,1,0.005,false,,0.005\n8,3,0.002,true,,0.002\n");
        let mut out = Vec::new();
        write_rows(&mut out, "", &rows, &[false, false]).expect("memory takes every byte");
        assert_eq!(String::from_utf8_lossy(&out), "7,1,,false,,\n8,3,,true,,\n");
        let fixed = Rows { first: 0, reach: vec![2], ..Rows::default() };
        let mut out = Vec::new();
        write_rows(&mut out, "s,", &fixed, &[]).expect("memory takes every byte");
        assert_eq!(out, b"s,0,2\n");
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
