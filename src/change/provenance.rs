//! Signs in commits that an AI tool helped to write them.
//!
//! There is no common standard, so every sign is evidence with a confidence (ecosystem.md §2). Trailers get lost in hooks
//! and squash merges: absence proves nothing, and the answer is then unknown, never no. Signs of low confidence, such as
//! the bare name Claude, leave it unknown, too. What must hold: evidence names the commit and the words that were seen.

use super::commits::Commit;
use super::facts::{TriState, same};
use super::identities::{mentions_tool, tool};
use super::trailers::{Trailer, person, split, trailers};

/// How sure a sign is, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// May well mean something else.
    Low,
    /// A habit of a tool that people can copy.
    Medium,
    /// Written for this purpose, or an account that only a tool has.
    High,
}

impl Confidence {
    /// The word for people and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The kind of a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// `Assisted-by:`.
    AssistedBy,
    /// `Generated-by:`.
    GeneratedBy,
    /// `Co-authored-by:` an AI tool.
    CoAuthor,
    /// The author is an AI tool.
    Author,
    /// The committer is an AI tool.
    Committer,
    /// A mark in the message, such as `aider:`.
    Message,
    /// A trailer of a particular tool, such as `Entire-…`.
    ToolTrailer,
    /// A label of the pull or merge request.
    Label,
    /// An AI tool opened the pull or merge request.
    RequestAuthor,
}

impl Signal {
    /// The word for people and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AssistedBy => "assisted-by",
            Self::GeneratedBy => "generated-by",
            Self::CoAuthor => "co-author",
            Self::Author => "author",
            Self::Committer => "committer",
            Self::Message => "message",
            Self::ToolTrailer => "tool-trailer",
            Self::Label => "label",
            Self::RequestAuthor => "request-author",
        }
    }
}

/// One sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its kind.
    pub signal: Signal,
    /// The full hash of the commit, empty for a sign of the pull or merge request.
    pub commit: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// The words that were seen.
    pub text: String,
}

impl Evidence {
    /// Where it was seen, for people.
    pub fn place(&self) -> String {
        match self.commit.get(..10).unwrap_or(&self.commit) {
            "" => "the pull or merge request".to_owned(),
            hash => format!("commit {hash}"),
        }
    }
}

/// All signs in some commits, in their order.
pub fn assistance(commits: &[Commit]) -> Vec<Evidence> {
    commits.iter().flat_map(commit_evidence).collect()
}

/// What the signs say together: yes, or unknown.
pub fn answer(evidence: &[Evidence]) -> TriState {
    let is_sure = evidence.iter().any(|sign| sign.confidence >= Confidence::Medium);
    if is_sure { TriState::Yes } else { TriState::Unknown }
}

fn commit_evidence(commit: &Commit) -> Vec<Evidence> {
    let mut found = Vec::new();
    let mut sign = |signal, confidence, text: String| {
        found.push(Evidence { signal, commit: commit.hash.clone(), confidence, text });
    };
    for (signal, identity) in [(Signal::Author, &commit.author), (Signal::Committer, &commit.committer)] {
        if let Some((_, confidence)) = tool(&identity.name, &identity.email) {
            sign(signal, confidence, format!("{} <{}>", identity.name, identity.email));
        }
    }
    let in_block = trailers(&commit.message);
    for trailer in &in_block {
        if let Some((signal, confidence)) = trailer_evidence(trailer) {
            sign(signal, confidence, format!("{}: {}", trailer.key, trailer.value));
        }
    }
    for (index, line) in commit.message.lines().enumerate() {
        // A squash merge has the trailers of its parts in the middle, where they are no trailers any more.
        if let Some(trailer) = split(line).filter(|trailer| !in_block.iter().any(|known| begins(known, trailer)))
            && let Some((signal, confidence)) = trailer_evidence(&trailer)
        {
            sign(signal, confidence.min(Confidence::Medium), line.trim().to_owned());
        } else if let Some(confidence) = mark(line, index == 0) {
            sign(Signal::Message, confidence, line.trim().to_owned());
        }
    }
    found
}

/// Whether a line is the first of a trailer, which may go on in the next.
fn begins(trailer: &Trailer, line: &Trailer) -> bool {
    trailer.key == line.key && trailer.value.starts_with(&line.value)
}

fn trailer_evidence(trailer: &Trailer) -> Option<(Signal, Confidence)> {
    let value = trailer.value.as_str();
    if ["", "no", "none", "n/a", "false", "nobody", "-"].iter().any(|nothing| same(nothing, value)) {
        return None;
    }
    let (name, email) = person(value);
    let by = tool(name.unwrap_or_default(), email.unwrap_or_default()).map(|(_, confidence)| confidence);
    if trailer.has_key("Assisted-by") {
        // The trailer is for tools, but some thank a person with it.
        let is_person = email.is_some() && by.is_none() && !mentions_tool(value);
        return Some((Signal::AssistedBy, if is_person { Confidence::Low } else { Confidence::High }));
    }
    if trailer.has_key("Generated-by") {
        // Parsers and protocol stubs are generated, too.
        let is_ai = by.is_some() || mentions_tool(value);
        return Some((Signal::GeneratedBy, if is_ai { Confidence::High } else { Confidence::Medium }));
    }
    if trailer.has_key("Co-authored-by") || trailer.has_key("Co-developed-by") {
        return by.map(|confidence| (Signal::CoAuthor, confidence));
    }
    let is_entire = trailer.key.to_ascii_lowercase().starts_with("entire-");
    let is_replit = trailer.has_key("Replit-Commit-Author") && value.eq_ignore_ascii_case("agent");
    (is_entire || is_replit).then_some((Signal::ToolTrailer, Confidence::Medium))
}

/// Marks that tools leave in the text: `aider: …` as the title, `Generated with [Claude Code]` anywhere.
fn mark(line: &str, is_title: bool) -> Option<Confidence> {
    let lower = line.trim().to_lowercase();
    if is_title && lower.starts_with("aider: ") {
        return Some(Confidence::Medium);
    }
    let after = ["generated with ", "generated by "].iter().find_map(|words| Some(lower.split_once(words)?.1))?;
    let name: String = after.chars().take(40).collect();
    if !mentions_tool(&name) {
        return None;
    }
    Some(if name.starts_with('[') { Confidence::Medium } else { Confidence::Low })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::commits::Identity;

    fn commit(author: (&str, &str), message: &str) -> Commit {
        let identity = |(name, email): (&str, &str)| Identity { name: name.to_owned(), email: email.to_owned() };
        Commit {
            hash: "1".repeat(40),
            parents: Vec::new(),
            author: identity(author),
            committer: identity(("GitHub", "noreply@github.com")),
            time: None,
            message: message.to_owned(),
        }
    }

    fn signs(message: &str) -> Vec<(Signal, Confidence)> {
        assistance(&[commit(("Kim", "kim@x.org"), message)]).iter().map(|sign| (sign.signal, sign.confidence)).collect()
    }

    #[test]
    fn trailers_and_marks_are_signs() {
        use Confidence::{High, Low, Medium};
        for (message, expected) in [
            ("t\n\nassisted-BY: SomeAgent:v1 [tool]\n", vec![(Signal::AssistedBy, High)]),
            ("t\n\nAssisted-by: Lee <lee@x.org>\n", vec![(Signal::AssistedBy, Low)]),
            ("t\n\nAssisted-by: none\n", vec![]),
            ("t\n\nGenerated-by: claude-opus-4\n", vec![(Signal::GeneratedBy, High)]),
            ("t\n\nGenerated-by: protoc 3.2\n", vec![(Signal::GeneratedBy, Medium)]),
            ("t\n\nCo-authored-by: Claude\n <noreply@anthropic.com>\n", vec![(Signal::CoAuthor, High)]),
            ("t\n\nCo-authored-by: Lee <lee@x.org>\n", vec![]),
            ("t\n\n* part\n\nCo-authored-by: Cursor <cursoragent@cursor.com>\n\n* other\n", vec![(Signal::CoAuthor, Medium)]),
            ("t\n\nEntire-Checkpoint: 12\nReplit-Commit-Author: Agent\n", vec![(Signal::ToolTrailer, Medium); 2]),
            ("aider: raise the pool size", vec![(Signal::Message, Medium)]),
            ("t\n\n🤖 Generated with [Claude Code](https://x.org)\n", vec![(Signal::Message, Medium)]),
            ("t\n\ngenerated by Codex\n", vec![(Signal::Message, Low)]),
            ("Revert \"aider: x\"\n\nThe cursor is generated by a theme.\n", vec![]),
        ] {
            assert_eq!(signs(message), expected, "{message}");
        }
    }

    #[test]
    fn absence_and_weak_signs_stay_unknown() {
        assert_eq!(answer(&[]), TriState::Unknown);
        assert_eq!(answer(&assistance(&[commit(("Claude", "claude@x.org"), "t")])), TriState::Unknown);
        assert_eq!(answer(&assistance(&[commit(("x", "158243242+x[bot]@users.noreply.github.com"), "t")])), TriState::Yes);
    }
}
