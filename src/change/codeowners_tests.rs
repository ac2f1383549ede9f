//! Rules of both hosts by tables; GitHub's also against another program in `tests/codeowners.rs`.

use super::*;

fn read(text: &str, dialect: Dialect) -> Codeowners {
    read_codeowners(SourceId(0), text, dialect)
}

/// `@a,@b` of every claim, with `?` behind optional ones and the number where more than one has to sign.
fn owners(file: &Codeowners, path: &str) -> String {
    let claim = |claim: Claim| {
        let number = if claim.approvals > 1 { format!("*{}", claim.approvals) } else { String::new() };
        format!("{}{number}{}", claim.owners.join(","), if claim.is_required { "" } else { "?" })
    };
    file.claims(path).into_iter().map(claim).collect::<Vec<_>>().join(" ")
}

#[test]
fn patterns_of_github() {
    for (pattern, path, fits) in [
        ("*", "a/b/c", true),
        ("*.js", "a/b.js", true),
        ("*.js", "a.js/b", true),
        ("docs", "a/docs/b", true),
        ("docs", "docs", true),
        ("docs/", "a/docs/b/c", true),
        ("docs/", "docs", false),
        ("/docs/", "a/docs/b", false),
        ("docs/*", "docs/a", true),
        ("docs/*", "docs/a/b", false),
        ("docs/*", "a/docs/b", false),
        ("/*", "a", true),
        ("/*", "a/b", false),
        ("a/b", "a/b/c", true),
        ("a/b", "x/a/b", false),
        ("**/logs", "a/logs/b", true),
        ("a/**/b", "a/b", true),
        ("a/**/b", "a/x/y/b/z", true),
        ("a/**", "a/b/c", true),
        ("/", "a", false),
        ("**/", "a", false),
        ("**/", "a/b", true),
        ("a?c", "abc", true),
        ("a?c", "a/c", false),
        ("A", "a", false),
        ("a\\ b/", "a b/c", true),
        ("{a,b}", "a", false),
        ("{a,b}", "{a,b}", true),
        ("x***", "xyz/a", true),
    ] {
        let file = read(&format!("{pattern} @o\n"), Dialect::GitHub);
        assert_eq!(owners(&file, path) == "@o", fits, "{pattern} {path}");
        assert!(file.warnings.is_empty(), "{pattern}");
    }
}

#[test]
fn the_last_rule_of_github_wins_and_may_clear() {
    let text = "* @all\n*.js @js dev@x.org # why\n/apps/ @apps\n/apps/open\n";
    let file = read(text, Dialect::GitHub);
    for (path, expected) in
        [("a", "@all"), ("a.js", "@js,dev@x.org"), ("apps/a.js", "@apps"), ("apps/open/a.js", ""), ("open/a", "@all")]
    {
        assert_eq!(owners(&file, path), expected, "{path}");
    }
    assert_eq!((file.claims("a.js")[0].line, file.claims("a.js")[0].pattern.as_str()), (2, "*.js"));
}

#[test]
fn what_github_passes_over_is_passed_over() {
    let text = "*.js @js\n!a.js @x\n[ab].js @x\n  \\#b.js @x\nc.js owner\r\nd.js @x @\n\n# c\n[Section] @x\n";
    let file = read(text, Dialect::GitHub);
    for path in ["a.js", "b.js", "c.js", "d.js"] {
        assert_eq!(owners(&file, path), "@js", "{path}");
    }
    let starts: Vec<usize> = file.warnings.iter().map(|warning| warning.labels[0].span.start as usize).collect();
    let expected = ["!a", "[ab]", "\\#b", "c.js", "d.js", "[Sec"].map(|part| text.find(part).expect(part));
    assert_eq!(starts, expected);
    let large = format!("* @all\n{}", "# filler\n".repeat(GITHUB_LIMIT / 8));
    let file = read(&large, Dialect::GitHub);
    assert_eq!((owners(&file, "a").as_str(), file.warnings.len()), ("", 1));
    assert_eq!(owners(&read(&large, Dialect::GitLab), "a"), "@all");
}

#[test]
fn patterns_of_gitlab() {
    for (pattern, path, fits) in [
        ("*", "a/b", true),
        ("*.rb", "a/b.rb", true),
        ("docs", "docs/a", false),
        ("docs", "a/docs", true),
        ("docs/", "a/docs/b/c", true),
        ("/docs/", "a/docs/b", false),
        ("/docs/*", "docs/a", true),
        ("/docs/*", "docs/a/b", false),
        ("docs/*", "x/docs/a", true),
        ("/docs/**/*.md", "docs/a/b/c.md", true),
        ("/docs/**/*.md", "docs/c.md", true),
        ("/docs/**", "docs/a", true),
        ("/docs/**", "docs/a/b", false),
        ("[Dd]ocs/", "Docs/a", true),
        ("\\#file", "#file", true),
        ("a\\ b/", "a b/c", true),
        ("{a,b}", "a", false),
        ("[a", "a", false),
    ] {
        let file = read(&format!("{pattern} @o\n"), Dialect::GitLab);
        assert_eq!(owners(&file, path) == "@o", fits, "{pattern} {path}");
    }
}

#[test]
fn sections_of_gitlab() {
    let text = "\
* @all
[Docs] @docs
docs/
README.md @lee @group/writers
!docs/drafts/
docs/drafts/final.md @docs
^[Database]
model/ @db not-an-owner
[docs][2]
*.txt
[Zero]
*.zero
";
    let file = read(text, Dialect::GitLab);
    for (path, expected) in [
        ("src/a", "@all"),
        ("docs/a", "@all @docs*2"),
        ("README.md", "@all @lee,@group/writers*2"),
        ("docs/drafts/final.md", "@all"),
        ("model/a", "@all @db?"),
        ("a.txt", "@all @docs*2"),
        ("a.zero", "@all"),
    ] {
        assert_eq!(owners(&file, path), expected, "{path}");
    }
    let messages: Vec<_> = file.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].contains("`not-an-owner` is no owner") && messages[1].contains("GitLab asks nobody"), "{messages:?}");
    let section = |path: &str| file.claims(path).pop().and_then(|claim| claim.section);
    assert_eq!(section("a.txt").as_deref(), Some("Docs"));
}

#[test]
fn a_required_heading_beats_an_optional_one() {
    let file = read("^[A]\na @x\n[a]\nb @x\n[B][0]\nc @@maintainer\n", Dialect::GitLab);
    assert_eq!((owners(&file, "a"), owners(&file, "c")), ("@x".to_owned(), "@@maintainer".to_owned()));
}

#[test]
fn the_dialect_shows() {
    for (path, text, dialect) in [
        ("CODEOWNERS", "* @a", Dialect::GitHub),
        (".gitlab/CODEOWNERS", "* @a", Dialect::GitLab),
        ("docs/CODEOWNERS", "* @a\n^[Docs][1] @x\n", Dialect::GitLab),
        (".github/CODEOWNERS", "[Docs]\n", Dialect::GitHub),
        ("CODEOWNERS", "[Dd]ocs/ @a\n", Dialect::GitHub),
    ] {
        assert_eq!(Dialect::of(path, text), dialect, "{path}");
    }
}
