//! `completions` and `man`: texts made from the definitions of the commands.

use super::args::{Arguments, Completions, Man};
use super::failure::{Failure, Outcome};
use super::output::{deliver, write_file};
use clap::CommandFactory;
use std::io;
use std::path::Path;

pub(crate) fn completions(arguments: &Completions) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "shockfront", &mut script);
    deliver(&String::from_utf8_lossy(&script), None)?;
    Ok(Outcome::Passed)
}

pub(crate) fn man(arguments: &Man) -> Result<Outcome, Failure> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    match &arguments.directory {
        None => deliver(&page(&command).map_err(|error| unwritable("the page", &error))?, None)?,
        Some(directory) => {
            pages(&command, directory).map_err(|error| unwritable(&directory.display().to_string(), &error))?;
        }
    }
    Ok(Outcome::Passed)
}

fn unwritable(what: &str, error: &io::Error) -> Failure {
    Failure::Output(format!("{what} cannot be written: {error}"))
}

fn page(command: &clap::Command) -> io::Result<String> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// One page for the program and one for each command.
fn pages(command: &clap::Command, directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    write(directory, command.get_name(), &page(command)?)?;
    for inner in command.get_subcommands() {
        // Building gave each the name of its page, such as shockfront-assess.
        let name = inner.get_display_name().unwrap_or(inner.get_name());
        write(directory, name, &page(inner)?)?;
    }
    Ok(())
}

fn write(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    write_file(&directory.join(format!("{name}.1")), |out| out.write_all(text.as_bytes()))
}
