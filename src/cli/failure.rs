//! Why a command ends without a result, and the exit code that says so.

use shockfront::diagnostic::Diagnostic;

/// A command that could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something is wrong with what was given: exit 2.
    Input(Vec<Diagnostic>),
    /// The result could not be written: exit 3.
    Output(String),
}

/// What the gate says about a finished command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit 0.
    Passed,
    /// Exit 1.
    Stopped,
}

/// Exit code of an internal error and of output that cannot be written.
pub(crate) const INTERNAL: u8 = 3;

impl Failure {
    /// A message without a place.
    pub(crate) fn input(code: &'static str, message: impl Into<String>) -> Self {
        Self::Input(vec![Diagnostic::error(code, message)])
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Input(_) => 2,
            Self::Output(_) => INTERNAL,
        }
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(problems: Vec<Diagnostic>) -> Self {
        Self::Input(problems)
    }
}

impl From<Diagnostic> for Failure {
    fn from(problem: Diagnostic) -> Self {
        Self::Input(vec![problem])
    }
}
