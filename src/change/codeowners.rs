//! Who owns files by the CODEOWNERS file of a code host.
//!
//! GitHub and GitLab read the same name differently. GitHub: patterns as in `.gitignore`, without `!`, `[ ]` and `\#`; the last rule
//! that fits wins, and one without owners clears; `docs/*` ends there, `docs` goes on below; a line that cannot be read is passed
//! over, a file above 3 MB altogether. GitLab: sections, each of which claims a file by its own last rule; `^` makes one optional,
//! `[2]` asks for so many, owners behind its name are the default; `!` takes a file out of its section for good; patterns as in
//! Ruby's `fnmatch` with `/` kept apart, so `docs` is a file and `docs/` a directory (documentation of both, 2026; ecosystem.md §2).
//! What must hold: what the host passes over is passed over here, with a warning at its place.

use crate::diagnostic::{Diagnostic, SourceId, Span};
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

/// Larger files are not loaded by GitHub.
pub const GITHUB_LIMIT: usize = 3 << 20;

/// Whose rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// GitHub's, also of Gitea, Forgejo and most tools.
    GitHub,
    /// GitLab's.
    GitLab,
}

impl Dialect {
    /// By the directory where the host looks, else by a section heading, which only GitLab has.
    pub fn of(path: &str, text: &str) -> Self {
        let is_in = |directory: &str| path.split(['/', '\\']).any(|part| part == directory);
        let has_section = || text.lines().any(|line| heading(line.trim()).is_some());
        if is_in(".gitlab") || (!is_in(".github") && has_section()) { Self::GitLab } else { Self::GitHub }
    }
}

/// One rule that owns a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// `@user`, `@organisation/team` or addresses; any of them may sign.
    pub owners: Vec<String>,
    /// The pattern as it was written.
    pub pattern: String,
    /// Its line, from 1.
    pub line: usize,
    /// The section, of GitLab.
    pub section: Option<String>,
    /// Whether the host asks for it or only suggests it.
    pub is_required: bool,
    /// How many have to sign.
    pub approvals: u32,
}

/// A changed file with the services it lands on and the rules that own it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedPath {
    /// The file.
    pub path: String,
    /// Names of its services, none where it belongs to none.
    pub services: Vec<String>,
    /// At most one of GitHub, one a section of GitLab.
    pub claims: Vec<Claim>,
}

struct Section {
    name: Option<String>,
    is_required: bool,
    approvals: u32,
    default_owners: Vec<String>,
}

struct Rule {
    pattern: String,
    owners: Vec<String>,
    line: usize,
    section: usize,
    excludes: bool,
}

/// A file that was read.
pub struct Codeowners {
    sections: Vec<Section>,
    rules: Vec<Rule>,
    set: GlobSet,
    /// For each glob of the set its rule.
    origin: Vec<usize>,
    /// Lines that the host passes over.
    pub warnings: Vec<Diagnostic>,
}

impl std::fmt::Debug for Codeowners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Codeowners of {} rules", self.rules.len())
    }
}

impl Codeowners {
    /// Who owns a file. Linear in the patterns that share a part with the path.
    pub fn claims(&self, path: &str) -> Vec<Claim> {
        let fitting = self.set.matches_candidate(&Candidate::new(path)).into_iter().map(|at| self.origin[at]);
        let mut last: Vec<Option<usize>> = vec![None; self.sections.len()];
        let mut is_out = vec![false; self.sections.len()];
        for rule in fitting {
            let section = self.rules[rule].section;
            is_out[section] |= self.rules[rule].excludes;
            last[section] = last[section].max(Some(rule));
        }
        let winners = last.into_iter().zip(is_out).filter_map(|(rule, is_out)| rule.filter(|_| !is_out));
        winners.map(|rule| self.claim(&self.rules[rule])).filter(|claim| !claim.owners.is_empty()).collect()
    }

    fn claim(&self, rule: &Rule) -> Claim {
        let section = &self.sections[rule.section];
        Claim {
            owners: rule.owners.clone(),
            pattern: rule.pattern.clone(),
            line: rule.line,
            section: section.name.clone(),
            is_required: section.is_required,
            approvals: section.approvals,
        }
    }
}

/// Reads a file. Nothing in it is an error, since it is none to the host.
pub fn read_codeowners(source: SourceId, text: &str, dialect: Dialect) -> Codeowners {
    let mut reader = Reader { source, dialect, sections: Vec::new(), section: 0, rules: Vec::new(), warnings: Vec::new() };
    reader.sections.push(Section { name: None, is_required: true, approvals: 1, default_owners: Vec::new() });
    if dialect == Dialect::GitHub && text.len() > GITHUB_LIMIT {
        let message =
            format!("the file has more than {} MB: GitHub does not load it, and nobody owns anything", GITHUB_LIMIT >> 20);
        reader.warn(0..0, message);
    } else {
        // Git passes over the mark in its own files of patterns; of the hosts nobody says so.
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut start = text.len() - body.len();
        if start > 0 {
            reader.warn(
                0..start,
                "the file begins with a byte order mark, which the host may take for a part of the first pattern".to_owned(),
            );
        }
        for (number, line) in body.split('\n').enumerate() {
            reader.line(line, start, number + 1);
            start += line.len() + 1;
        }
    }
    reader.finish()
}

struct Reader {
    source: SourceId,
    dialect: Dialect,
    sections: Vec<Section>,
    /// The section that lines belong to now.
    section: usize,
    rules: Vec<Rule>,
    warnings: Vec<Diagnostic>,
}

impl Reader {
    fn warn(&mut self, range: std::ops::Range<usize>, message: String) {
        let span = Span { source: self.source, start: range.start as u32, end: range.end as u32 };
        self.warnings.push(Diagnostic::warning("codeowners", message).at(span, ""));
    }

    fn line(&mut self, line: &str, start: usize, number: usize) {
        let text = line.trim();
        let start = start + (line.len() - line.trim_start().len());
        let range = start..start + text.len();
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        if self.dialect == Dialect::GitLab {
            if let Some(found) = heading(text) {
                if found.approvals == 0 {
                    self.warn(range.clone(), "GitLab asks for one approval at least, not for none".to_owned());
                }
                let owners = self.owners(&words(found.rest), &range).unwrap_or_default();
                return self.open(found, owners);
            }
            if let Some(why) = broken_heading(text) {
                self.warn(range.clone(), format!("{why}: GitLab takes this line for a pattern"));
            }
        }
        let all = words(text);
        let Some((pattern, rest)) = all.split_first() else { return };
        if self.dialect == Dialect::GitHub
            && let Some(why) = not_of_github(pattern)
        {
            return self.warn(range, format!("GitHub passes over this line: {why}"));
        }
        let Some(owners) = self.owners(rest, &range) else { return };
        let excludes = self.dialect == Dialect::GitLab && pattern.starts_with('!');
        let owners = if owners.is_empty() { self.sections[self.section].default_owners.clone() } else { owners };
        if owners.is_empty() && !excludes && self.dialect == Dialect::GitLab {
            self.warn(range, "nobody is named for this pattern, and its section has no owners: GitLab asks nobody".to_owned());
        }
        let pattern = (*pattern).to_owned();
        self.rules.push(Rule { pattern, owners, line: number, section: self.section, excludes });
    }

    /// The owners of a line; `None` where the host drops the whole line for one that is none.
    fn owners(&mut self, words: &[&str], range: &std::ops::Range<usize>) -> Option<Vec<String>> {
        let words = words.iter().take_while(|word| !word.starts_with('#'));
        let (good, bad): (Vec<&str>, Vec<&str>) = words.partition(|word| is_owner(word, self.dialect));
        if let Some(word) = bad.first() {
            let expected = "expected @user, @organisation/team or an address";
            let what = if self.dialect == Dialect::GitHub { "GitHub passes over this line" } else { "GitLab ignores it" };
            self.warn(range.clone(), format!("`{word}` is no owner, {expected}: {what}"));
            if self.dialect == Dialect::GitHub {
                return None;
            }
        }
        Some(good.into_iter().map(str::to_owned).collect())
    }

    /// Sections of one name, letter case aside, are one; it is required and asks for as many as its strictest heading.
    fn open(&mut self, found: Heading<'_>, default_owners: Vec<String>) {
        let same =
            |section: &Section| section.name.as_deref().is_some_and(|name| name.to_lowercase() == found.name.to_lowercase());
        if let Some(at) = self.sections.iter().position(same) {
            let section = &mut self.sections[at];
            section.is_required |= !found.is_optional;
            section.approvals = section.approvals.max(found.approvals);
            if !default_owners.is_empty() {
                section.default_owners = default_owners;
            }
            self.section = at;
            return;
        }
        let (name, is_required) = (Some(found.name.to_owned()), !found.is_optional);
        self.sections.push(Section { name, is_required, approvals: found.approvals.max(1), default_owners });
        self.section = self.sections.len() - 1;
    }

    fn finish(mut self) -> Codeowners {
        let mut builder = GlobSetBuilder::new();
        let mut origin = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            let forms = match self.dialect {
                Dialect::GitHub => github_globs(&rule.pattern),
                Dialect::GitLab => vec![gitlab_glob(rule.pattern.trim_start_matches('!'))],
            };
            for form in forms {
                // What no glob can be made of fits nothing at the host either, such as an open bracket of GitLab.
                if let Ok(glob) = GlobBuilder::new(&form).literal_separator(true).backslash_escape(true).build() {
                    builder.add(glob);
                    origin.push(at);
                }
            }
        }
        let set = builder.build().unwrap_or_else(|error| {
            let message = format!("the patterns are too large together, so that nobody owns anything: {error}");
            self.warnings.push(Diagnostic::warning("codeowners", message));
            GlobSet::empty()
        });
        Codeowners { sections: self.sections, rules: self.rules, set, origin, warnings: self.warnings }
    }
}

/// `^[Name][2] @default`.
struct Heading<'a> {
    name: &'a str,
    is_optional: bool,
    approvals: u32,
    rest: &'a str,
}

/// A section heading; a pattern that begins with a character class, `[Dd]ocs/`, is none.
fn heading(line: &str) -> Option<Heading<'_>> {
    let (is_optional, rest) = line.strip_prefix('^').map_or((false, line), |rest| (true, rest));
    let (name, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let (approvals, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => (number.parse().unwrap_or(1), rest),
        Some(_) => return None,
        None => (1, rest),
    };
    let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (ends && !name.trim().is_empty()).then(|| Heading { name: name.trim(), is_optional, approvals, rest })
}

/// Why a line is no section heading that was meant to be one.
fn broken_heading(line: &str) -> Option<&'static str> {
    let rest = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?;
    match rest.split_once(']') {
        None => Some("the bracket of this section is not closed"),
        Some((name, _)) if name.trim().is_empty() => Some("this section has no name"),
        Some(_) => line.starts_with('^').then_some("this section cannot be read"),
    }
}

/// Words between spaces that no backslash stands before.
fn words(text: &str) -> Vec<&str> {
    let (mut found, mut start, mut is_escaped) = (Vec::new(), None, false);
    for (at, sign) in text.char_indices() {
        if sign.is_whitespace() && !is_escaped {
            found.extend(start.take().map(|start| &text[start..at]));
        } else {
            start = start.or(Some(at));
        }
        is_escaped = sign == '\\' && !is_escaped;
    }
    found.extend(start.map(|start| &text[start..]));
    found
}

fn not_of_github(pattern: &str) -> Option<&'static str> {
    if pattern.starts_with('!') {
        Some("`!` does not take files out")
    } else if pattern.contains(['[', ']']) {
        Some("`[ ]` is no character range")
    } else if pattern.starts_with("\\#") {
        Some("a pattern cannot begin with `#`")
    } else {
        None
    }
}

/// `@user`, `@organisation/team`, `@group/group/group` and `@@role` of GitLab, or an address.
fn is_owner(word: &str, dialect: Dialect) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|sign| sign.is_alphanumeric() || "-_.".contains(sign));
    let is_name = |name: &str| name.split('/').all(is_part);
    match word.split_once('@') {
        Some(("", name)) if dialect == Dialect::GitHub => is_name(name) && name.matches('/').count() <= 1,
        Some(("", name)) => is_name(name.strip_prefix('@').unwrap_or(name)),
        Some((local, host)) => !local.is_empty() && host.contains('.') && !host.contains('@'),
        None => false,
    }
}

/// Braces, and for GitHub brackets, are plain signs; three stars are two.
fn plain(pattern: &str, signs: &[char]) -> String {
    let mut text = String::with_capacity(pattern.len());
    let (mut is_escaped, mut stars) = (false, 0);
    for sign in pattern.chars() {
        stars = if sign == '*' && !is_escaped { stars + 1 } else { 0 };
        if stars > 2 {
            continue;
        }
        if signs.contains(&sign) && !is_escaped {
            text.push('\\');
        }
        text.push(sign);
        is_escaped = sign == '\\' && !is_escaped;
    }
    if is_escaped {
        text.push('\\');
    }
    text
}

/// Globs that together fit what a pattern of GitHub fits.
fn github_globs(pattern: &str) -> Vec<String> {
    let text = plain(pattern, &['[', ']', '{', '}']);
    let body = text.strip_prefix('/').unwrap_or(&text);
    let inner = body.strip_suffix('/').unwrap_or(body);
    if inner.is_empty() {
        return Vec::new();
    }
    // A slash that is not the last sign ties the pattern to the top.
    let is_tied = text.starts_with('/') || inner.contains('/');
    let base = if is_tied { inner.to_owned() } else { format!("**/{inner}") };
    match inner.rsplit('/').next() {
        // Any directory with what is in it: not the files at the top.
        Some("**") if inner == "**" && body.ends_with('/') => vec!["*/**".to_owned()],
        Some("**") => vec![base],
        _ if body.ends_with('/') => vec![format!("{base}/**")],
        Some("*") => vec![base],
        _ => vec![format!("{base}/**"), base],
    }
}

/// The glob that fits what a pattern of GitLab fits; without `/` in front it fits at any depth.
fn gitlab_glob(pattern: &str) -> String {
    let text = plain(pattern, &['{', '}']);
    let base = text.strip_prefix('/').map_or_else(|| format!("**/{text}"), str::to_owned);
    if base.ends_with('/') {
        format!("{base}**")
    } else if base.ends_with("/**") || base == "**" {
        // `**` without a `/` behind it is a plain star there.
        base[..base.len() - 1].to_owned()
    } else {
        base
    }
}

#[cfg(test)]
#[path = "codeowners_tests.rs"]
mod tests;
