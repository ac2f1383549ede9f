//! What can be typed about formats: which each command has.

use clap::ValueEnum;
use std::path::PathBuf;

/// `--format` of a simulation and of a comparison.
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
pub(crate) enum TableFormat {
    /// For people at a terminal.
    #[default]
    Text,
    /// The whole record, stable within v1.
    Json,
    /// For pull requests.
    Markdown,
}

/// `--services`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Services {
    /// Every service, in file order.
    All,
    /// Those that were hit in at least one trial.
    Reached,
}

impl ResultFormat {
    /// The same of a ranking; `None` where a ranking is not written like this.
    pub(crate) fn of_ranking(self) -> Option<TableFormat> {
        match self {
            Self::Text => Some(TableFormat::Text),
            Self::Json => Some(TableFormat::Json),
            Self::Markdown => Some(TableFormat::Markdown),
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
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Test cases: the gate, each rule, each signature.
    Junit,
    /// A code quality report of GitLab.
    CodeQuality,
    /// Workflow commands of GitHub Actions, ten at most.
    Annotations,
}

/// One value of `assess --report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The format.
    pub(crate) format: AssessFormat,
    /// Where it goes.
    pub(crate) file: PathBuf,
}

/// Reads `FORMAT=FILE`.
pub(crate) fn parse_wanted(text: &str) -> Result<Wanted, String> {
    let expected = || {
        let names: Vec<String> = AssessFormat::value_variants()
            .iter()
            .filter_map(|one| Some(one.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("expected FORMAT=FILE with one of {}", names.join(", "))
    };
    let (format, file) = text.split_once('=').filter(|(_, file)| !file.is_empty()).ok_or_else(expected)?;
    let format = AssessFormat::from_str(format, false).map_err(|_| expected())?;
    Ok(Wanted { format, file: PathBuf::from(file) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_format_and_a_file() {
        let file = PathBuf::from("a=b.json");
        assert_eq!(parse_wanted("json=a=b.json"), Ok(Wanted { format: AssessFormat::Json, file }));
        assert!(parse_wanted("code-quality=x").is_ok_and(|wanted| wanted.format == AssessFormat::CodeQuality));
        for wrong in ["json", "json=", "=x", "pdf=x.pdf", ""] {
            assert!(parse_wanted(wrong).is_err_and(|message| message.contains("code-quality")), "{wrong}");
        }
    }
}
