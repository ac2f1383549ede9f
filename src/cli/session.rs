//! What one run carries from command to command: the texts that were read, and how to speak on standard error.

use super::args::{Color, Show};
use super::diagnose::render;
use super::failure::Failure;
use super::files::Disk;
use shockfront::diagnostic::{Diagnostic, SourceId, Sources, Span};
use shockfront::report::Page;
use shockfront::topology::{Loaded, load};
use std::io::{self, IsTerminal, Write};

/// Cells in a line where nobody says.
const WIDTH: usize = 100;
/// Pages are not drawn narrower, nor wider.
const NARROWEST: usize = 60;
const WIDEST: usize = 140;

/// One run.
#[derive(Debug)]
pub(crate) struct Session {
    /// All texts that were read.
    pub(crate) sources: Sources,
    /// No progress and no warnings.
    pub(crate) is_quiet: bool,
    color: Color,
}

impl Session {
    pub(crate) fn new(show: &Show) -> Self {
        Self { sources: Sources::default(), is_quiet: show.quiet, color: show.color }
    }

    /// The page that a result for people is drawn on; a file is not coloured by itself.
    pub(crate) fn paper(&self, to_file: bool) -> Page {
        let is_terminal = !to_file && io::stdout().is_terminal();
        let width = if is_terminal { terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)) } else { None };
        Page { width: width.unwrap_or(WIDTH).clamp(NARROWEST, WIDEST), color: self.colors(is_terminal) }
    }

    fn colors(&self, is_terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// Draws messages on standard error. A closed one changes nothing.
    pub(crate) fn say(&self, diagnostics: &[Diagnostic]) {
        let text = render(diagnostics, &self.sources, self.colors(io::stderr().is_terminal()));
        _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Draws warnings and notes, unless asked to be quiet.
    pub(crate) fn warn(&self, diagnostics: &[Diagnostic]) {
        if !self.is_quiet {
            self.say(diagnostics);
        }
    }

    /// Says why a command failed.
    pub(crate) fn fail(&self, failure: &Failure) {
        match failure {
            Failure::Input(problems) => self.say(problems),
            Failure::Output(message) => self.say(&[Diagnostic::error("output", message.as_str())]),
        }
    }

    /// Loads a topology and says what was overlooked.
    pub(crate) fn topology(&mut self, path: &str) -> Result<Loaded, Failure> {
        let loaded = load(&mut self.sources, path, &Disk)?;
        self.warn(&loaded.warnings);
        Ok(loaded)
    }

    /// Keeps a text that was typed, so that messages can point into it.
    pub(crate) fn typed(&mut self, name: &str, text: &str) -> SourceId {
        self.sources.add(name, text)
    }
}

/// A byte range of a typed text.
pub(crate) fn span(source: SourceId, range: std::ops::Range<usize>) -> Span {
    Span { source, start: range.start as u32, end: range.end as u32 }
}
