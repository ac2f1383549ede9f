//! What a report is made of: values that other rooms made, and the few words only the caller knows.

use crate::fault::Response;
use crate::model::System;
use crate::propagation::result::ServiceResult;
use crate::propagation::{Sensitivities, Simulation, Uncertainty};
use crate::quality::DataQuality;
use crate::risk::assessment::Assessment;

/// From this number of services on, only those that were hit are listed unless asked otherwise (product.md, semantics 22).
const LIST_ALL_UP_TO: usize = 100_000;

/// Which services a record lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceList {
    /// All, in file order.
    All,
    /// Those that were hit in at least one trial, in file order.
    Reached,
}

impl ServiceList {
    /// What is listed when nothing is asked.
    pub fn default_for(system: &System) -> Self {
        if system.service_count() > LIST_ALL_UP_TO { Self::Reached } else { Self::All }
    }
}

/// A simulation to report.
#[derive(Debug, Clone)]
pub struct SimulationReport<'a> {
    /// The system that was simulated.
    pub system: &'a System,
    /// What was found.
    pub simulation: &'a Simulation,
    /// How much of the spread more facts would remove, where that was asked.
    pub uncertainty: Option<&'a Uncertainty>,
    /// What mean reach depends on, where that was asked.
    pub sensitivities: Option<&'a Sensitivities>,
    /// What it rests on.
    pub quality: &'a DataQuality,
    /// The faults as the user wrote them.
    pub faults: Vec<String>,
    /// Hash of the topology's texts, in hexadecimal.
    pub topology_sha256: String,
    /// The time the simulation starts, where one was given, as written.
    pub at: Option<String>,
    /// How people answer, where that was said.
    pub response: Response,
    /// What the tool does not know, as sentences.
    pub limits: Vec<String>,
    /// Which services the record lists.
    pub services: ServiceList,
    /// The command line that gives the same bytes again, seed included; empty when there is none.
    pub command: String,
}

/// An assessment to report.
#[derive(Debug, Clone)]
pub struct AssessmentReport<'a> {
    /// The system that was simulated.
    pub system: &'a System,
    /// The verdict with all it rests on.
    pub assessment: &'a Assessment,
    /// Hash of the topology's texts, in hexadecimal.
    pub topology_sha256: String,
    /// The time of the change, where known, as written.
    pub at: Option<String>,
    /// How people answer, where that was said.
    pub response: Response,
    /// Which services the record lists.
    pub services: ServiceList,
    /// The command line that gives the same bytes again, seed included; empty when there is none.
    pub command: String,
}

impl<'a> AssessmentReport<'a> {
    /// The impact as a simulation of its own; `None` when nothing was simulated.
    pub fn impact(&self) -> Option<SimulationReport<'a>> {
        let assessment = self.assessment;
        assessment.impact.as_ref().map(|simulation| SimulationReport {
            system: self.system,
            simulation,
            uncertainty: assessment.uncertainty.as_ref(),
            sensitivities: None,
            quality: &assessment.data_quality,
            faults: assessment.faults.clone(),
            topology_sha256: self.topology_sha256.clone(),
            at: self.at.clone(),
            response: self.response,
            limits: assessment.limits.clone(),
            services: self.services,
            command: self.command.clone(),
        })
    }
}

/// The services that were hit, worst first.
pub(crate) fn worst_hit(simulation: &Simulation) -> Vec<&ServiceResult> {
    simulation.worst_hit()
}
