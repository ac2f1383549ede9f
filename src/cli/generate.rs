//! `generate`: a realistic topology of a given size.

use super::args::{Generate, TopologyFormat};
use super::failure::{Failure, Outcome};
use super::output::{deliver, deliver_with};
use shockfront::model::System;
use shockfront::model::draft::Nowhere;
use shockfront::topology::generate::{Plan, YAML_HEAD, draft, edge_list};
use shockfront::topology::write;

pub(crate) fn run(arguments: &Generate) -> Result<Outcome, Failure> {
    let plan = Plan { services: arguments.services, arcs: u64::from(arguments.arcs), seed: arguments.seed };
    plan.check().map_err(|message| Failure::input("bad-size", message))?;
    let file = arguments.output.output.as_deref();
    let text = match arguments.format {
        TopologyFormat::EdgeList => {
            deliver_with(file, |out| edge_list(plan, out))?;
            return Ok(Outcome::Passed);
        }
        TopologyFormat::Yaml => YAML_HEAD.to_owned() + &write::yaml(&system(plan)?),
        TopologyFormat::Json => write::json(&system(plan)?),
    };
    deliver(&text, file)?;
    Ok(Outcome::Passed)
}

fn system(plan: Plan) -> Result<System, Failure> {
    let draft = draft(plan).map_err(|message| Failure::input("bad-size", message))?;
    Ok(System::build(draft, &Nowhere)?)
}
