//! From typed words to an exit code.

use super::args::{Arguments, Command};
use super::failure::{Failure, INTERNAL, Outcome};
use super::session::Session;
use super::{assess, check, compare, generate, graph, merge, overwrite, pages, rank, schema, simulate};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// The whole program.
pub(crate) fn main() -> ExitCode {
    std::panic::set_hook(Box::new(internal_error));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; a closed pipe changes nothing.
            _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut session = Session::new(&arguments.show);
    match run(&mut session, arguments.command) {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Stopped) => ExitCode::from(1),
        Err(failure) => {
            session.fail(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn run(session: &mut Session, command: Command) -> Result<Outcome, Failure> {
    overwrite::refuse(&command)?;
    match command {
        Command::Assess(arguments) => assess::run(session, &arguments),
        Command::Simulate(arguments) => simulate::run(session, &arguments),
        Command::Compare(arguments) => compare::run(session, &arguments),
        Command::Merge(arguments) => merge::run(session, &arguments),
        Command::Rank(arguments) => rank::run(session, &arguments),
        Command::Check(arguments) => check::run(session, &arguments),
        Command::Graph(arguments) => graph::run(session, &arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => pages::completions(&arguments),
        Command::Man(arguments) => pages::man(&arguments),
    }
}

/// A mistake of the program, on whatever thread: one sentence, and the exit code that says so.
fn internal_error(panic: &std::panic::PanicHookInfo<'_>) {
    let payload = panic.payload();
    let what =
        payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown");
    let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
    let text = format!(
        "internal error{place}: {what}\nThis is a mistake of shockfront, not of your input; nothing was written. Please report it with the command and its files.\n"
    );
    _ = std::io::stderr().lock().write_all(text.as_bytes());
    std::process::exit(i32::from(INTERNAL));
}
