//! What can be typed about formats: which each command has.

use clap::ValueEnum;

/// `--format` of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ResultFormat {
    /// For people at a terminal.
    #[default]
    Text,
    /// The whole record, stable within v1.
    Json,
    /// For pull requests.
    Markdown,
    /// One page with pictures, for people without a terminal.
    Html,
}

/// `--format` of a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum RankFormat {
    /// For people at a terminal.
    #[default]
    Text,
    /// The whole record, stable within v1.
    Json,
    /// For pull requests.
    Markdown,
}

impl ResultFormat {
    /// The same of a ranking; `None` where a ranking is not written like this.
    pub(crate) fn of_ranking(self) -> Option<RankFormat> {
        match self {
            Self::Text => Some(RankFormat::Text),
            Self::Json => Some(RankFormat::Json),
            Self::Markdown => Some(RankFormat::Markdown),
            Self::Html => None,
        }
    }
}

/// `--format` of an assessment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum AssessFormat {
    /// For people at a terminal.
    #[default]
    Text,
    /// The whole record, stable within v1.
    Json,
    /// For pull requests.
    Markdown,
    /// One page with pictures, for people without a terminal.
    Html,
}
