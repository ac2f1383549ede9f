//! Retries that keep an overload up after its cause is gone.

use super::{Subject, about};
use crate::diagnostic::Level;
use crate::finding::Finding;
use crate::model::demand::{Demand, demands};
use crate::model::draft::Place;
use crate::propagation::load::{GOODPUT, attempts, required_shedding, vulnerable_load};

/// Where the load lies above the one from which an overload is metastable (model.md §2.6). An overloaded service fails at least
/// the share 1 − γ; if that brings more tries than there is capacity for, it stays: `ρ · A(1 − γ) > 1`.
pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for demand in demands(subject.system) {
        let tries = tries_under_overload(&demand);
        if tries <= 1.0 || demand.load * tries <= 1.0 {
            continue;
        }
        let name = subject.system.service_name(demand.service);
        let (load, vulnerable, shed) = (demand.load, vulnerable_load(tries), required_shedding(demand.load, tries));
        let message =
            format!("`{name}` has a load of {load}; from {vulnerable:.2} on, retries keep an overload up after its cause");
        let place = Place::Service(demand.service.index(), Some("load"), None);
        let help = format!(
            "limit retries, such as `retries: {{attempts: 3, budget: 0.1}}`, add a breaker, or add capacity; once it happens, keep more than {:.0} % \
             of the load away until it ends",
            100.0 * shed
        );
        findings.push(about(subject.finding("metastable-load", Level::Warning, place, message), name, help));
    }
}

/// Tries per call at the failing share at which an overload begins. A breaker ends a storm, so its calls count once.
fn tries_under_overload(demand: &Demand) -> f64 {
    let failing = 1.0 - demand.goodput.unwrap_or(GOODPUT);
    let tries = |call: &crate::model::demand::Call| match call.has_breaker {
        true => 1.0,
        false => attempts(failing, call.retries.attempts, call.retries.budget),
    };
    demand.external + demand.calls.iter().map(|call| call.weight * tries(call)).sum::<f64>()
}
