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
    /// A note of an AI tool on the commit.
    Note,
    /// A label of the pull or merge request.
    Label,
    /// A box that is ticked in the text of the pull or merge request.
    Checkbox,
    /// Words in the text of the pull or merge request.
    Body,
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
            Self::Note => "note",
            Self::Label => "label",
            Self::Checkbox => "checkbox",
            Self::Body => "body",
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
    if let Some((confidence, text)) = commit.note.as_deref().and_then(note) {
        sign(Signal::Note, confidence, text);
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
        // Parsers and clients of protocols are generated, too.
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

/// A note in `refs/notes/ai`, by format `authorship/3`: for each file its path and then, indented, `SESSION 1-7,12` for the lines of a
/// session, up to `---`; records of the sessions follow. Sessions `h_…` are those of people. Lines of another format are somebody's words.
fn note(text: &str) -> Option<(Confidence, String)> {
    let (attested, has_records) = match text.split_once("\n---") {
        Some((attested, _)) => (attested, true),
        None => (text, text.starts_with("---")),
    };
    let lines: u64 = attested.lines().map(attested_lines).fold(0, u64::saturating_add);
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    match lines {
        0 if has_records => None,
        0 => Some((Confidence::Low, first.trim().to_owned())),
        1 => Some((Confidence::High, "a git note gives it 1 line".to_owned())),
        _ => Some((Confidence::High, format!("a git note gives it {lines} lines"))),
    }
}

/// How many lines a line of a note gives to an AI session.
fn attested_lines(line: &str) -> u64 {
    let Some((session, ranges)) = line.trim().split_once(' ').filter(|_| line.starts_with([' ', '\t'])) else { return 0 };
    let count = |range: &str| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let (from, to): (u64, u64) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        Some(to.checked_sub(from)?.saturating_add(1))
    };
    if session.starts_with("h_") { 0 } else { ranges.split(',').filter_map(count).fold(0, u64::saturating_add) }
}

/// Most words of a text that are shown.
const MOST_MENTIONS: usize = 3;

/// Signs in the text of a pull or merge request: boxes that are ticked, of a template that asks for it, and mentions, which may well be
/// about something else. A box that is not ticked says nothing.
pub(super) fn in_text(text: &str) -> Vec<(Signal, Confidence, String)> {
    let (mut found, mut asks) = (Vec::new(), false);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let names = names_ai(line);
        match checkbox(line) {
            Some((true, label)) if (asks || names) && !denies(label) => {
                found.push((Signal::Checkbox, Confidence::Medium, label.to_owned()));
            }
            Some(_) => {}
            None => {
                asks = names || asks && !line.starts_with('#');
                let sure = mark(line, false).or(names.then_some(Confidence::Low));
                found.extend(sure.map(|confidence| (Signal::Body, confidence, line.to_owned())));
            }
        }
    }
    let mut mentions = 0;
    found.retain(|(_, confidence, _)| {
        mentions += usize::from(*confidence == Confidence::Low);
        *confidence > Confidence::Low || mentions <= MOST_MENTIONS
    });
    found
}

/// Whether a line of a list is ticked, and what it says.
fn checkbox(line: &str) -> Option<(bool, &str)> {
    let item = ["- [", "* [", "+ ["].iter().find_map(|start| line.strip_prefix(start))?;
    let (mark, label) = item.split_once(']').filter(|(mark, _)| mark.chars().count() == 1)?;
    Some((mark.eq_ignore_ascii_case("x"), label.trim()))
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|sign: char| !sign.is_alphanumeric() && sign != '\'').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn names_ai(text: &str) -> bool {
    mentions_tool(text) || words(text).any(|word| ["ai", "llm", "llms", "genai"].contains(&word.as_str()))
}

fn denies(label: &str) -> bool {
    let no = ["no", "not", "none", "never", "without", "didn't", "don't", "nothing", "neither"];
    words(label).any(|word| no.contains(&word.as_str()))
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
            note: None,
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
    fn notes_give_lines_to_sessions() {
        let records = "---\n{\"schema_version\": \"authorship/3.0.0\"}\n";
        for (text, expected) in [
            (format!("src/a.rs\n  0123456789abcdef 1-10,12\n\"b c\"\n  0123456789abcdef 3\n{records}"), Some(12)),
            (format!("src/a.rs\n  h_0123456789abcd 1-10\n  0123456789abcdef 11\n{records}"), Some(1)),
            (format!("src/a.rs\n  h_0123456789abcd 1-10\n{records}"), None),
            (
                format!("a\n  s 9-3,x,-,18446744073709551615-18446744073709551615,0-18446744073709551615\n{records}"),
                Some(u64::MAX),
            ),
            (records.to_owned(), None),
            (String::new(), None),
        ] {
            let plural = |lines| if lines == 1 { "" } else { "s" };
            let said = expected.map(|lines| (Confidence::High, format!("a git note gives it {lines} line{}", plural(lines))));
            assert_eq!(note(&text), said, "{text}");
        }
        assert_eq!(note("AI wrote 85 %\n"), Some((Confidence::Low, "AI wrote 85 %".to_owned())));
        let noted = Commit { note: Some(format!("a\n  s 1-2\n{records}")), ..commit(("Kim", "kim@x.org"), "t") };
        assert_eq!(answer(&assistance(&[noted])), TriState::Yes);
    }

    #[test]
    fn ticked_boxes_count_and_mentions_stay_unknown() {
        use Confidence::{Low, Medium};
        for (text, expected) in [
            ("- [x] Written with the help of an AI tool", vec![(Signal::Checkbox, Medium)]),
            ("- [ ] Written with the help of an AI tool\n- [x] I ran the tests", vec![]),
            ("- [x] No AI tool was used\n- [x] Written without AI", vec![]),
            (
                "## AI assistance\n- [ ] No\n* [X] Yes, minimal\n## Tests\n- [x] Yes",
                vec![(Signal::Body, Low), (Signal::Checkbox, Medium)],
            ),
            ("## AI assistance\n- [x] No\n- [ ] Yes", vec![(Signal::Body, Low)]),
            ("Better prompts for our AI shop", vec![(Signal::Body, Low)]),
            ("🤖 Generated with [Claude Code](https://x.org)", vec![(Signal::Body, Medium)]),
            ("Said aid, maintain the email", vec![]),
            ("AI\nAI\nAI\nAI", vec![(Signal::Body, Low); 3]),
        ] {
            let found: Vec<_> = in_text(text).into_iter().map(|(signal, confidence, _)| (signal, confidence)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn absence_and_weak_signs_stay_unknown() {
        assert_eq!(answer(&[]), TriState::Unknown);
        assert_eq!(answer(&assistance(&[commit(("Claude", "claude@x.org"), "t")])), TriState::Unknown);
        assert_eq!(answer(&assistance(&[commit(("x", "158243242+x[bot]@users.noreply.github.com"), "t")])), TriState::Yes);
    }
}
