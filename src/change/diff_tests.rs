//! Tests of the diff reader on small texts; `against_git` compares it with git itself.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Sources;

fn read(text: &str) -> Vec<ChangedFile> {
    read_diff(SourceId(0), text).unwrap_or_else(|errors| panic!("{errors:?}")).files
}

/// One line a file: status, content, paths, counts.
fn summary(text: &str) -> Vec<String> {
    let show = |file: &ChangedFile| {
        let (old, new) = (file.old_path.as_deref().unwrap_or("-"), file.new_path.as_deref().unwrap_or("-"));
        format!("{:?} {:?} {old} {new} +{} -{}", file.status, file.content, file.added, file.deleted)
    };
    read(text).iter().map(show).collect()
}

fn error(text: &str) -> (String, usize) {
    let mut sources = Sources::default();
    let source = sources.add("d.diff", text);
    let errors = read_diff(source, text).expect_err("an error");
    let line = sources.line_column(errors[0].labels[0].span).expect("a place").0;
    (errors[0].code.to_owned(), line)
}

#[test]
fn headers_without_hunks_are_files() {
    let text = "diff --git a/old name b/new name\nsimilarity index 100%\nrename from old name\nrename to new name\n\
                diff --git a/x b/y\nsimilarity index 90%\ncopy from x\ncopy to \"y\\303\\251\"\n\
                diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n\
                diff --git a/p.png b/p.png\nindex 1..2 100644\nBinary files a/p.png and b/p.png differ\n\
                diff --git a/q.png b/q.png\nnew file mode 100644\nindex 0..2\nGIT binary patch\nliteral 3\nKcmZQz\n\nliteral 0\n\n\
                diff --git a/empty b/empty\ndeleted file mode 100644\nindex e69de29..0000000\n";
    assert_eq!(
        summary(text),
        [
            "Renamed Text old name new name +0 -0",
            "Copied Text x yé +0 -0",
            "ModeOnly Text run.sh run.sh +0 -0",
            "Modified Binary p.png p.png +0 -0",
            "Added Binary - q.png +0 -0",
            "Deleted Text empty - +0 -0",
        ]
    );
}

#[test]
fn lines_are_counted_by_the_hunk_header() {
    let text = "--- a/x.sql\t2026-01-01 00:00:00\n+++ b/x.sql\t2026-01-02 00:00:00\n@@ -1,3 +1,2 @@ fn\n--- a/y\n-diff --git a/z b/z\n\
                +++ b/y\n \n\\ No newline at end of file\n-- \n2.47.3\n";
    assert_eq!(summary(text), ["Modified Text x.sql x.sql +1 -2"]);
    assert_eq!(read(text)[0].hunks, [LineRange { first: 1, count: 2 }]);
    // Windows line ends, and an empty context line whose space was trimmed.
    let text = "--- a/x\r\n+++ b/x\r\n@@ -1,2 +1,2 @@\r\n\r\n-a\r\n+b\r\n";
    assert_eq!(summary(text), ["Modified Text x x +1 -1"]);
}

#[test]
fn prefixes_are_guessed() {
    let hunk = "@@ -1 +1 @@\n-a\n+b\n";
    for (old, new) in [("a/d/x", "b/d/x"), ("d/x", "d/x"), ("i/d/x", "w/d/x"), ("before/d/x", "after/d/x")] {
        let git = format!("diff --git {old} {new}\nindex 1..2 100644\n--- {old}\n+++ {new}\n{hunk}");
        assert_eq!(summary(&git), ["Modified Text d/x d/x +1 -1"], "{git}");
        let plain = format!("--- {old}\t2026-01-01\n+++ {new}\t2026-01-01\n{hunk}");
        assert_eq!(summary(&plain), ["Modified Text d/x d/x +1 -1"], "{plain}");
    }
    let added = "diff --git b/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n";
    assert_eq!(summary(added), ["Added Text - b/x +1 -0"]);
    let plain =
        "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n--- old/y\t2026-01-01\n+++ new/y\t1970-01-01 00:00:00\n@@ -1 +0,0 @@\n-a\n";
    assert_eq!(summary(plain), ["Added Text - x +1 -0", "Deleted Text y - +0 -1"]);
}

#[test]
fn submodules_are_told_apart() {
    let text = "diff --git a/lib b/lib\nindex 1..2 160000\n--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n\
                Submodule vendor/x abcdef0..1234567:\n  > a message\nSubmodule y 0000000...1234567 (new submodule)\n";
    assert_eq!(
        summary(text),
        ["Modified Submodule lib lib +1 -1", "Modified Submodule vendor/x vendor/x +0 -0", "Added Submodule - y +0 -0"]
    );
}

#[test]
fn text_around_files_is_skipped() {
    let text = "commit 1\n\n    Submodule of things\n    index the pages\n\n x | 2 +-\n\ndiff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n\
                @@ -1 +1 @@\n-a\n+b\n-- \n2.47\n\nFrom 123\nSubject: index me\nrename from here to there\n";
    assert_eq!(summary(text), ["Modified Text x x +1 -1"]);
    assert_eq!(summary(" \n"), Vec::<String>::new());
    let plain = read_diff(SourceId(0), "Only in b: x\nBinary files a/y and b/y differ\n").expect("a diff");
    assert_eq!((plain.files.len(), plain.notes.len()), (1, 1));
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_line() {
    let of = |code: &str, line| (code.to_owned(), line);
    assert_eq!(error("hello\n"), of("no-diff", 1));
    assert_eq!(error("*** a/x\n--- b/x\n"), of("no-diff", 1));
    assert_eq!(error("\ndiff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1,1 -1,1 +1,2 @@@\n  a\n"), of("combined-diff", 2));
    assert_eq!(error("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n"), of("hunk-length", 3));
    assert_eq!(error("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\ndiff --git a/y b/y\n"), of("hunk-length", 5));
    assert_eq!(error("--- a/x\n+++ b/x\n@@ -1,3 1,3 @@\n a\n"), of("bad-hunk", 3));
    assert_eq!(error("@@ -1 +1 @@\n-a\n+b\n"), of("hunk-without-file", 1));
    assert_eq!(error("--- a/x\n+++ b/x\n"), of("no-hunk", 1));
    assert_eq!(error("diff --git a/x x b/y y\nindex 1..2\n"), of("no-name", 1));
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        let _ = read_diff(SourceId(0), &text);
    }

    #[test]
    fn any_order_of_diff_lines_is_read_without_panic(lines in prop::collection::vec(prop::sample::select(vec![
        "diff --git a/x b/x", "diff --git \"a/\\303\\251\" b/é", "diff --git a b c d", "diff --git", "diff --cc x", "--- a/é", "+++ b/é", "--- \"",
        "+++ /dev/null", "@@ -1,2 +1,2 @@", "@@ -0,0 +1 @@ é", "@@ -1,99999999999999999999 +1 @@", "@@ -1,18446744073709551615 +1 @@", "@@ -é",
        " é", "-é", "+", "", "\r", "\\ No newline", "é", "Binary files a/x and b/x differ", "Binary files  differ", "GIT binary patch",
        "Submodule x 1234..5678:", "Submodule ", "rename from é", "rename to \"\\", "index 1..2 160000", "new file mode ", "Only in a: b",
        "--- x\t1970-01-01 é", "-Subproject commit 1",
    ]), 0..24), end in "(\n|\r\n)") {
        if let Ok(diff) = read_diff(SourceId(0), &lines.join(&end)) {
            prop_assert!(diff.files.iter().all(|file| !file.path().is_empty()));
        }
    }
}
