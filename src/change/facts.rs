//! The facts about a change that the risk model and the policy ask for.
//!
//! Everything is optional, because most changes say little about themselves. What must hold: absence is `None` or
//! [`TriState::Unknown`], never a default that looks like an answer; shares lie in 0..=1 (the readers check).

use std::fmt;

use jiff::Zoned;

use super::files::ChangedFile;
use super::provenance::Evidence;
use crate::model::DurationLaw;
use crate::units::Ticks;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All values, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word of the file formats.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value behind a word of the file formats.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(/// What is changed; it decides the kind of fault (product.md, semantics 26).
    ChangeKind {
    /// Program code.
    Code = "code",
    /// Settings.
    Config = "config",
    /// The shape of stored data.
    Schema = "schema",
    /// Machines, networks, environments.
    Infrastructure = "infrastructure",
    /// A trained model or a prompt.
    Model = "model",
    /// Data that others read.
    Data = "data",
    /// Instructions that people or agents follow.
    Runbook = "runbook",
    /// Who may do what.
    Permission = "permission",
});

words!(/// How experienced a person is. The order has no meaning; see [`Level::caution`].
    Level {
    /// Learning the trade.
    Junior = "junior",
    /// Works alone on most things.
    Mid = "mid",
    /// May sign for others.
    Senior = "senior",
    /// Not known.
    Unknown = "unknown",
});

impl Level {
    /// Smaller is less experienced; unknown counts as junior (semantics 24), but a known junior says it better.
    pub fn caution(self) -> u8 {
        match self {
            Self::Junior => 0,
            Self::Unknown => 1,
            Self::Mid => 2,
            Self::Senior => 3,
        }
    }
}

words!(/// An answer that may be missing.
    TriState {
    /// Yes.
    Yes = "yes",
    /// No.
    No = "no",
    /// Nobody said.
    Unknown = "unknown",
});

impl TriState {
    /// This answer, or the other where this one is unknown.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::Unknown { other } else { self }
    }
}

words!(/// How a change reaches production.
    Strategy {
    /// Everywhere at once.
    BigBang = "big_bang",
    /// First on a small share, watched.
    Canary = "canary",
    /// In steps.
    Waves = "waves",
    /// A second environment, then a switch.
    BlueGreen = "blue_green",
    /// Behind a switch in the program.
    Flag = "flag",
});

/// A roll-out plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rollout {
    /// The manner.
    pub strategy: Strategy,
    /// Share of the traffic that sees the change during `bake`, 0..=1.
    pub share: Option<f64>,
    /// How long the share is watched before the rest follows.
    pub bake: Option<Ticks>,
    /// Chance that watching notices a fault, 0..=1; computed from the traffic where absent.
    pub power: Option<f64>,
    /// Automatic roll-back of a caught fault.
    pub rollback: Option<DurationLaw>,
}

words!(/// Where an answer comes from, weakest first.
    Basis {
    /// Nothing was said or seen.
    Unstated = "unstated",
    /// Commits say so, or carry signs of it.
    Derived = "derived",
    /// The change file says so.
    File = "file",
    /// An option of the command says so.
    Flag = "flag",
});

/// Whether an AI tool helped to write the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assisted {
    /// The answer.
    pub answer: TriState,
    /// Who gave it.
    pub basis: Basis,
}

impl Default for Assisted {
    fn default() -> Self {
        Self { answer: TriState::Unknown, basis: Basis::Unstated }
    }
}

/// Somebody who wrote a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name, where known.
    pub name: Option<String>,
    /// All known addresses.
    pub emails: Vec<String>,
    /// The experience.
    pub level: Level,
}

impl Default for Person {
    fn default() -> Self {
        Self { name: None, emails: Vec::new(), level: Level::Unknown }
    }
}

impl Person {
    /// Whether nothing says who it is.
    pub fn is_unnamed(&self) -> bool {
        self.name.is_none() && self.emails.is_empty()
    }

    /// Whether a name or an address is that of this person, whatever stands between its letters. Two people of one name count as
    /// one: where this is asked, to find self review, the mistake errs towards asking another person.
    pub fn is(&self, name: Option<&str>, emails: &[String]) -> bool {
        let same_name = matches!((&self.name, name), (Some(a), Some(b)) if same(a, b) || is_same_word(a, b));
        let is_address =
            |name: Option<&str>, emails: &[String]| name.is_some_and(|name| emails.iter().any(|email| same(name, email)));
        let by_address = is_address(name, &self.emails) || is_address(self.name.as_deref(), emails);
        same_name || by_address || self.emails.iter().any(|a| emails.iter().any(|b| same(a, b)))
    }
}

/// The same letters and digits, such as `@kim` and `kim` with a space of no width.
fn is_same_word(a: &str, b: &str) -> bool {
    let letters =
        |text: &str| text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let (a, b) = (letters(a), letters(b));
    !a.is_empty() && a == b
}

/// Letter case and outer space aside.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// Somebody who looked at a change and agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    /// The name, or the address where there is no name.
    pub name: String,
    /// All known addresses.
    pub emails: Vec<String>,
    /// The experience.
    pub level: Level,
    /// The service for which the review speaks; `None` speaks for the whole change.
    pub service: Option<String>,
    /// The head commit that was reviewed, or its first letters.
    pub head: Option<String>,
    /// The forecast that was in front of the reviewer.
    pub forecast: Option<String>,
}

/// A change before it is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it is called.
    pub title: Option<String>,
    /// What is changed.
    pub kind: Option<ChangeKind>,
    /// Names of the services it lands on.
    pub services: Vec<String>,
    /// The files, where there is a diff.
    pub files: Vec<ChangedFile>,
    /// Whether an AI tool helped.
    pub ai_assisted: Assisted,
    /// What was seen of AI tools in the commits.
    pub ai_evidence: Vec<Evidence>,
    /// Whether an agent applies it without a person approving each action.
    pub agent_executes: TriState,
    /// Who wrote it; of several people the least experienced.
    pub author: Person,
    /// Who else wrote parts of it; their review of it is no second pair of eyes.
    pub co_authors: Vec<Person>,
    /// Who reviewed it.
    pub reviewers: Vec<Reviewer>,
    /// Whether its author never changed one of its components before.
    pub first_change: TriState,
    /// Services that its author is known not to have changed before.
    pub new_to: Vec<String>,
    /// Lines added and deleted.
    pub lines: Option<u64>,
    /// Tested share of the changed lines, 0..=1.
    pub test_coverage: Option<f64>,
    /// Whether it ran in a load test or a simulation before.
    pub simulated: TriState,
    /// Whether it destroys something that cannot be brought back.
    pub destructive: TriState,
    /// Names of the services that lose state where it is destructive; empty where nobody says, which means all.
    pub state_lost: Vec<String>,
    /// What of the change could not be seen, as sentences; each is a reason for more care.
    pub open_questions: Vec<String>,
    /// How it reaches production.
    pub rollout: Option<Rollout>,
    /// Whether going back was tried.
    pub rollback_tested: TriState,
    /// When it happens, with the offset or zone that was written.
    pub at: Option<Zoned>,
    /// Where that comes from. Derived, it is the time of the newest commit: the change happens then or later.
    pub at_basis: Basis,
    /// What was typed where a change file says another time.
    pub also_at: Option<Zoned>,
    /// Its head commit, where it comes from a repository.
    pub head: Option<String>,
}

impl Default for Change {
    fn default() -> Self {
        Self {
            title: None,
            kind: None,
            services: Vec::new(),
            files: Vec::new(),
            ai_assisted: Assisted::default(),
            ai_evidence: Vec::new(),
            agent_executes: TriState::Unknown,
            author: Person::default(),
            co_authors: Vec::new(),
            reviewers: Vec::new(),
            first_change: TriState::Unknown,
            new_to: Vec::new(),
            lines: None,
            test_coverage: None,
            simulated: TriState::Unknown,
            destructive: TriState::Unknown,
            state_lost: Vec::new(),
            open_questions: Vec::new(),
            rollout: None,
            rollback_tested: TriState::Unknown,
            at: None,
            at_basis: Basis::Unstated,
            also_at: None,
            head: None,
        }
    }
}

impl Change {
    /// When it happens, where somebody says; the time of a commit does not tell.
    pub fn happens_at(&self) -> Option<&Zoned> {
        self.at.as_ref().filter(|_| self.at_basis != Basis::Derived)
    }

    /// All times that somebody says, where a file and a command contradict each other.
    pub fn times(&self) -> impl Iterator<Item = &Zoned> {
        self.happens_at().into_iter().chain(&self.also_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_file_format() {
        assert_eq!(Strategy::from_word("big_bang"), Some(Strategy::BigBang));
        assert_eq!(ChangeKind::from_word("Code"), None);
        for kind in ChangeKind::ALL {
            assert_eq!(ChangeKind::from_word(&kind.to_string()), Some(*kind));
        }
    }

    #[test]
    fn unknown_gives_way() {
        assert_eq!(TriState::Unknown.or(TriState::No), TriState::No);
        assert_eq!(TriState::Yes.or(TriState::No), TriState::Yes);
    }
}
