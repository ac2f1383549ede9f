//! `graph`: a drawing of the topology.

use super::args::{Graph, GraphFormat};
use super::failure::{Failure, Outcome};
use super::output::deliver;
use super::session::Session;
use shockfront::report;

pub(crate) fn run(session: &mut Session, arguments: &Graph) -> Result<Outcome, Failure> {
    let loaded = session.topology(&arguments.topology)?;
    let drawing = report::Drawing::whole(&loaded.system);
    let text = match arguments.format {
        GraphFormat::Dot => report::dot(&drawing),
        GraphFormat::Mermaid => report::mermaid(&drawing),
        GraphFormat::Svg => report::svg(&drawing),
    };
    deliver(&text, arguments.output.output.as_deref())?;
    Ok(Outcome::Passed)
}
