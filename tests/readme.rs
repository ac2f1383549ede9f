//! What README shows is what happens: its console blocks are run, their output is compared.
//!
//! A block is fenced with `console`. `$ shockfront …` is run by a shell in the package folder; the lines below it, up to the next
//! `$` line, are its output. A line `…` stands for any number of lines. Other commands are not run.
#![cfg(all(feature = "cli", unix))]

use std::fs;
use std::path::Path;
use std::process::Command;

struct Shown {
    command: String,
    output: Vec<String>,
}

fn shown(readme: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let (mut inside, mut open) = (false, false);
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line.trim_end() == "```console";
            open = false;
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            open = command.starts_with("shockfront ");
            if open {
                found.push(Shown { command: command.to_owned(), output: Vec::new() });
            }
        } else if let Some(last) = found.last_mut().filter(|_| open) {
            last.output.push(line.trim_end().to_owned());
        }
    }
    found
}

/// Does `lines` look like `pattern`, where `…` is any number of lines?
fn matches(pattern: &[String], lines: &[String]) -> bool {
    match pattern.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first.trim() == "…" => (0..=lines.len()).any(|skip| matches(rest, &lines[skip..])),
        Some((first, rest)) => lines.split_first().is_some_and(|(line, others)| line == first && matches(rest, others)),
    }
}

fn without_blank_ends(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

#[test]
fn readme_shows_what_happens() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(package.join("README.md")).expect("README.md");
    let commands = shown(&readme);
    assert!(!commands.is_empty(), "README.md shows no ```console block with a `$ shockfront …` line");
    let binary = Path::new(env!("CARGO_BIN_EXE_shockfront")).parent().expect("folder");
    let path = std::env::var("PATH").unwrap_or_default();
    for Shown { command, output } in commands {
        let run = Command::new("sh")
            .args(["-c", &command])
            .current_dir(package)
            .env("PATH", format!("{}:{path}", binary.display()))
            .env("NO_COLOR", "1")
            .output()
            .expect("a shell");
        assert!(matches!(run.status.code(), Some(0 | 1)), "{command}\n{}", String::from_utf8_lossy(&run.stderr));
        let real = without_blank_ends(String::from_utf8_lossy(&run.stdout).lines().map(|line| line.trim_end().to_owned()));
        let output = without_blank_ends(output);
        assert!(
            matches(&output, &real),
            "README.md shows for `{command}`\n{}\n\nbut it prints\n{}",
            output.join("\n"),
            real.join("\n")
        );
    }
}

#[test]
fn an_ellipsis_stands_for_any_lines() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(matches(&lines("a\n…\nd"), &lines("a\nb\nc\nd")));
    assert!(matches(&lines("a\n…"), &lines("a")));
    assert!(!matches(&lines("a\n…\nd"), &lines("a\nb")));
}
