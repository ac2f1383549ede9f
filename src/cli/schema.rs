//! `schema`: the JSON Schema of a file format.

use super::args_schema::{FileFormat, Schema};
use super::failure::{Failure, Outcome};
use super::output::deliver;
use clap::ValueEnum;
use shockfront::report::comparison::comparison_schema;
use shockfront::report::part_ranking::part_schema;
use shockfront::report::ranking::ranking_schema;
use shockfront::topology::json_schema::schema_text;

pub(crate) fn run(arguments: &Schema) -> Result<Outcome, Failure> {
    let name = arguments.format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let schema = match arguments.format {
        FileFormat::Part => Some(part_schema()),
        FileFormat::Ranking => Some(ranking_schema()),
        FileFormat::Comparison => Some(comparison_schema()),
        _ => schema_text(&name),
    };
    let schema = schema.ok_or_else(|| Failure::input("no-schema", format!("there is no schema of {name} files")))?;
    deliver(&schema, arguments.output.output.as_deref())?;
    Ok(Outcome::Passed)
}
