//! Reads what `git log -z --format=` with [`LOG_FORMAT`] writes.
//!
//! Commits come newest first. What must hold: a text that does not have the shape is an error, never fewer commits.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::diagnostic::Diagnostic;

/// For `git log -z --date=raw --format=…`: hash, parents, author, committer, time of commit, message. `-z` ends each
/// commit with a NUL, as each field does.
pub const LOG_FORMAT: &str = "%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%cd%x00%B";

/// How many fields a commit has.
const FIELDS: usize = 8;

/// Who a commit names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// One commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The full hash.
    pub hash: String,
    /// The hashes of its parents; a merge has several.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: Identity,
    /// Who put it into the history.
    pub committer: Identity,
    /// When it was committed, with the offset of the committer; `None` for times out of this world.
    pub time: Option<Zoned>,
    /// The whole message.
    pub message: String,
    /// What an AI tool noted on it, where that is known.
    pub note: Option<String>,
}

impl Commit {
    /// Whether it joins branches.
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }

    /// The first line of the message.
    pub fn title(&self) -> &str {
        self.message.lines().next().unwrap_or_default().trim()
    }
}

/// Reads a log.
///
/// # Errors
/// When the text does not have the shape of [`LOG_FORMAT`].
pub fn read_log(log: &str) -> Result<Vec<Commit>, Diagnostic> {
    let unreadable = |what: &str| {
        Diagnostic::error("unreadable-git", format!("`git log` wrote something that cannot be read: {what}"))
            .help("this is a fault of shockfront or a version of git that it does not know: use `--diff FILE`")
    };
    if log.is_empty() {
        return Ok(Vec::new());
    }
    let fields: Vec<&str> = log.strip_suffix('\0').unwrap_or(log).split('\0').collect();
    let commits = fields.chunks(FIELDS).map(|fields| {
        let [hash, parents, author, author_email, committer, committer_email, time, message] = fields else {
            return Err(unreadable("the last commit is cut off"));
        };
        if hash.len() < 40 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(unreadable(&format!("{hash:?} is not a hash")));
        }
        let identity = |name: &str, email: &str| Identity { name: name.to_owned(), email: email.to_owned() };
        Ok(Commit {
            hash: (*hash).to_owned(),
            parents: parents.split_whitespace().map(str::to_owned).collect(),
            author: identity(author, author_email),
            committer: identity(committer, committer_email),
            time: raw_time(time),
            message: (*message).to_owned(),
            note: None,
        })
    });
    commits.collect()
}

/// Seconds since 1970 and an offset, as in `1741200000 -0500`.
fn raw_time(text: &str) -> Option<Zoned> {
    let (seconds, offset) = text.trim().split_once(' ')?;
    let time = Timestamp::from_second(seconds.parse().ok()?).ok()?;
    Some(time.to_zoned(TimeZone::fixed(raw_offset(offset).unwrap_or(Offset::UTC))))
}

fn raw_offset(text: &str) -> Option<Offset> {
    let number: i32 = text.parse().ok()?;
    let (hours, minutes) = (number / 100, number % 100);
    Offset::from_seconds(hours.checked_mul(3_600)?.checked_add(minutes * 60)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read() {
        let hash = "0123456789012345678901234567890123456789";
        let one = format!("{hash}\0{hash} {hash}\0Kim\0kim@x.org\0\0lee@x.org\x001741200000 -0530\0title\n\nA: 1\n\0");
        let commits = read_log(&one.repeat(2)).expect("commits");
        assert_eq!(commits.len(), 2);
        assert_eq!((commits[1].author.name.as_str(), commits[1].is_merge(), commits[1].title()), ("Kim", true, "title"));
        assert_eq!(commits[0].time.as_ref().map(ToString::to_string).as_deref(), Some("2025-03-05T13:10:00-05:30[-05:30]"));
        assert_eq!(read_log(""), Ok(Vec::new()));
        assert!(read_log(&one[..one.len() - 9]).is_ok_and(|commits| commits.len() == 1));
        for bad in ["x", "\0\0\0\0\0\0\0\0", "a\0b\0c\0d\0e\0f\0g\0h\0", &one[..60]] {
            assert!(read_log(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn odd_times_do_no_harm() {
        for text in ["", "1", "x +0000", "99999999999999999 +0000", "1 +é"] {
            let _ = raw_time(text);
        }
        assert!(raw_time("1 -2147483648").is_some());
    }
}
