//! The command line that gives the same bytes again. What does not change them is left out: threads, colour, where they go.

use super::args::{Detail, Sampling, Services};
use super::when::written;
use clap::ValueEnum;

/// Words of a command line.
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<String>);

impl Words {
    pub(crate) fn new(command: &str, topology: &str) -> Self {
        Self(vec!["shockfront".to_owned(), command.to_owned(), quoted(topology)])
    }

    /// A switch, if it is on.
    pub(crate) fn switch(&mut self, name: &str, is_on: bool) {
        if is_on {
            self.0.push(format!("--{name}"));
        }
    }

    /// An option, if it has a value.
    pub(crate) fn option(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.push(format!("--{name}"));
            self.0.push(quoted(&value.to_string()));
        }
    }

    /// The options of sampling, seed and number of trials always.
    pub(crate) fn sampling(&mut self, sampling: &Sampling, detail: &Detail, trials: Option<u64>) {
        self.option("trials", trials);
        self.option("precision", detail.precision);
        self.option("seed", Some(sampling.seed));
        self.option("horizon", sampling.horizon);
        self.option("responders", sampling.responders);
        self.switch("symptom-detection", sampling.symptom_detection);
        self.option("at", sampling.at.as_ref().map(written));
        let word = |value: Services| value.to_possible_value().map(|value| value.get_name().to_owned());
        self.option("services", detail.services.and_then(word));
    }

    /// The format, where it is not that for a terminal.
    pub(crate) fn format<F: ValueEnum + Default + PartialEq>(&mut self, format: &F) {
        if *format != F::default() {
            self.option("format", format.to_possible_value().map(|value| value.get_name().to_owned()));
        }
    }

    /// As one line for a shell.
    pub(crate) fn line(&self) -> String {
        self.0.join(" ")
    }
}

/// Quoted for a POSIX shell where needed.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+~".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        let mut words = Words::new("simulate", "my shop.yaml");
        words.option("fault", Some("crash@it's"));
        words.option("horizon", None::<String>);
        words.switch("static", true);
        assert_eq!(words.line(), "shockfront simulate 'my shop.yaml' --fault 'crash@it'\\''s' --static");
    }
}
