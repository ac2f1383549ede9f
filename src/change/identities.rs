//! AI tools that write commits, and the names they sign with.
//!
//! Gathered from public guidance of code hosts, foundations and the tools' own documentation (ecosystem.md §2). Account
//! numbers of a code host outlive renames and are the surest sign; a name alone may belong to a person.

use super::facts::same;
use super::provenance::Confidence;

/// One tool.
struct Tool {
    name: &'static str,
    /// Addresses that only the tool uses.
    emails: &'static [&'static str],
    /// Account numbers at the code host.
    accounts: &'static [u64],
    /// Account names at the code host.
    logins: &'static [&'static str],
    /// How names begin that hardly anybody else has.
    names: &'static [&'static str],
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "Claude",
        emails: &["noreply@anthropic.com"],
        accounts: &[],
        logins: &["claude[bot]"],
        names: &["Claude Code", "Claude Opus", "Claude Sonnet", "Claude Haiku"],
    },
    Tool {
        name: "Copilot",
        emails: &[],
        accounts: &[198_982_749],
        logins: &["copilot", "copilot-swe-agent[bot]"],
        names: &["Copilot", "GitHub Copilot"],
    },
    Tool {
        name: "Cursor",
        emails: &["cursoragent@cursor.com"],
        accounts: &[206_951_365],
        logins: &["cursor[bot]"],
        names: &["Cursor Agent"],
    },
    Tool {
        name: "Codex",
        emails: &["noreply@openai.com", "codex@openai.com"],
        accounts: &[199_175_422],
        logins: &["chatgpt-codex-connector[bot]"],
        names: &["Codex", "OpenAI Codex", "ChatGPT"],
    },
    Tool { name: "aider", emails: &["noreply@aider.chat"], accounts: &[], logins: &[], names: &["aider ("] },
    Tool { name: "Devin", emails: &[], accounts: &[158_243_242], logins: &["devin-ai-integration[bot]"], names: &["Devin AI"] },
    Tool {
        name: "Gemini",
        emails: &[],
        accounts: &[176_961_590],
        logins: &["gemini-code-assist[bot]"],
        names: &["Gemini CLI", "Gemini Code Assist"],
    },
    Tool { name: "Amazon Q", emails: &[], accounts: &[208_079_219], logins: &["amazon-q-developer[bot]"], names: &["Amazon Q"] },
    Tool { name: "Jules", emails: &[], accounts: &[], logins: &["google-labs-jules[bot]"], names: &["google-labs-jules"] },
    Tool { name: "OpenHands", emails: &["openhands@all-hands.dev"], accounts: &[], logins: &[], names: &["OpenHands"] },
];

/// Names of tools that are names of people or things, too: alone they are a weak sign.
const COMMON_NAMES: [&str; 5] = ["Claude", "Devin", "Gemini", "Jules", "Cursor"];

/// Words that make a value such as `Assisted-by: claude-opus:4` speak of an AI tool.
const WORDS: &[&str] = &[
    "aider",
    "amazon q",
    "chatgpt",
    "claude",
    "cline",
    "codex",
    "codestral",
    "copilot",
    "cursor",
    "deepseek",
    "devin",
    "gemini",
    "gpt-",
    "grok",
    "jules",
    "kiro",
    "llama",
    "llm",
    "mistral",
    "openai",
    "opencode",
    "openhands",
    "qwen",
    "windsurf",
];

/// Accounts of AI tools that comment on changes and do not write them.
const REVIEWING_ACCOUNTS: [u64; 1] = [136_622_811];

/// The tool behind a name and an address, and how sure that is.
pub fn tool(name: &str, email: &str) -> Option<(&'static str, Confidence)> {
    let (account, login) = host_account(email);
    if account.is_some_and(|account| REVIEWING_ACCOUNTS.contains(&account)) {
        return None;
    }
    let by_address = |tool: &&Tool| {
        tool.emails.iter().any(|known| same(known, email))
            || account.is_some_and(|account| tool.accounts.contains(&account))
            || login.is_some_and(|login| tool.logins.iter().any(|known| same(known, login)))
    };
    if let Some(tool) = TOOLS.iter().find(by_address) {
        return Some((tool.name, Confidence::High));
    }
    let name = name.trim();
    if name.to_lowercase().ends_with("(aider)") {
        return Some(("aider", Confidence::High));
    }
    let by_name = |tool: &&Tool| {
        tool.logins.iter().any(|login| same(login, name)) || tool.names.iter().any(|known| is_or_begins(name, known))
    };
    if let Some(tool) = TOOLS.iter().find(by_name) {
        return Some((tool.name, Confidence::Medium));
    }
    COMMON_NAMES.into_iter().find(|known| same(known, name)).map(|known| (known, Confidence::Low))
}

/// The account behind an address of a code host, such as `kim` of `12+kim@users.noreply.github.com`.
pub fn login(email: &str) -> Option<&str> {
    host_account(email).1
}

/// Whether no person stands behind a name and an address: an AI tool or an account for programs.
pub fn is_machine(name: &str, email: &str) -> bool {
    let (account, login) = host_account(email);
    account.is_some_and(|account| REVIEWING_ACCOUNTS.contains(&account))
        || login.is_some_and(|login| login.ends_with("[bot]"))
        || name.trim().ends_with("[bot]")
        || tool(name, email).is_some_and(|(tool, confidence)| {
            // `Kim (aider)` is Kim; a bare `Claude` may be a person.
            confidence >= Confidence::Medium && !(tool == "aider" && name.trim().to_lowercase().ends_with("(aider)"))
        })
}

/// Whether a text has the name of an AI tool in it.
pub(super) fn mentions_tool(text: &str) -> bool {
    let text = text.to_lowercase();
    let starts_word = |at: usize| !text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    WORDS.iter().any(|word| text.match_indices(word).any(|(at, _)| starts_word(at)))
}

/// The number and the name in `198982749+Copilot@users.noreply.github.com`.
fn host_account(email: &str) -> (Option<u64>, Option<&str>) {
    let Some((local, host)) = email.trim().rsplit_once('@') else { return (None, None) };
    let host = host.to_lowercase();
    if !host.starts_with("users.noreply.") {
        return (None, None);
    }
    match local.split_once('+') {
        Some((number, login)) => (number.parse().ok(), Some(login)),
        None => (None, Some(local)),
    }
}

/// The name itself, or the name and more words.
fn is_or_begins(name: &str, known: &str) -> bool {
    let Some(start) = name.get(..known.len()) else { return false };
    start.eq_ignore_ascii_case(known) && (known.ends_with('(') || !name[known.len()..].starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_known_by_address_number_and_name() {
        use Confidence::{High, Low, Medium};
        for (name, email, expected) in [
            ("Claude", "noreply@anthropic.com", Some(("Claude", High))),
            ("renamed", "198982749+renamed[bot]@users.noreply.github.com", Some(("Copilot", High))),
            ("Copilot", "1+Copilot@users.noreply.github.com", Some(("Copilot", High))),
            ("Kim (aider)", "kim@x.org", Some(("aider", High))),
            ("Claude Opus 4.5", "kim@x.org", Some(("Claude", Medium))),
            ("Codex", "", Some(("Codex", Medium))),
            ("Claude", "claude@x.org", Some(("Claude", Low))),
            ("Claude Monet", "claude@x.org", None),
            ("Codexter", "", None),
            ("é", "é@é", None),
            ("coderabbitai[bot]", "136622811+coderabbitai[bot]@users.noreply.github.com", None),
            ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com", None),
        ] {
            assert_eq!(tool(name, email), expected, "{name} {email}");
        }
    }

    #[test]
    fn people_are_not_machines() {
        assert!(is_machine("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"));
        assert!(is_machine("x", "136622811+x@users.noreply.github.com"));
        assert!(is_machine("Copilot", "1+Copilot@users.noreply.github.com"));
        assert!(!is_machine("Kim (aider)", "kim@x.org"));
        assert!(!is_machine("Claude", "claude@x.org"));
        assert!(!is_machine("Kim", "12345+kim@users.noreply.github.com"));
    }

    #[test]
    fn words_must_begin_a_word() {
        assert!(mentions_tool("anthropic/claude-opus-4"));
        assert!(!mentions_tool("precursor"));
        assert!(!mentions_tool("protoc 3.2"));
    }
}
