//! Which dependency carries the harm to a service?
//!
//! With p the chance that the service is impaired, and p₁, p₀ the same when a failure crosses the dependency for certain or
//! never: Birnbaum = p₁ − p₀ (Birnbaum 1969), Fussell–Vesely = 1 − p₀/p, risk achievement worth = p₁/p. The exact solver without
//! a clock answers, so this is for small systems; p is affine in each probability, so every what-if follows from p₁ and p₀.
//! "Never" means on no channel: a stated probability of 0 still lets delay over a soft dependency (product.md, semantics 5), and
//! for the same reason delay over soft dependencies is not affine in it. Source: model.md §3.6.

use crate::diagnostic::Diagnostic;
use crate::fault::{Fault, Scenario};
use crate::model::{Compact, System};
use crate::propagation::{Request, simulate};
use crate::units::{DependencyId, Probability, ServiceId};

/// Importance of one dependency for one service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Importance {
    /// The dependency.
    pub dependency: DependencyId,
    /// P(impaired) as things are.
    pub p: f64,
    /// P(impaired) when a failure crosses for certain.
    pub p_crossing: f64,
    /// P(impaired) when it never crosses.
    pub p_cut: f64,
}

impl Importance {
    /// p₁ − p₀.
    pub fn birnbaum(&self) -> f64 {
        self.p_crossing - self.p_cut
    }

    /// 1 − p₀/p; 0 where the service is never impaired.
    pub fn fussell_vesely(&self) -> f64 {
        if self.p > 0.0 { 1.0 - self.p_cut / self.p } else { 0.0 }
    }

    /// Risk achievement worth, p₁/p; 1 where the service is never impaired either way, without bound where only now.
    pub fn achievement_worth(&self) -> f64 {
        if self.p > 0.0 {
            self.p_crossing / self.p
        } else if self.p_crossing > 0.0 {
            f64::MAX
        } else {
            1.0
        }
    }
}

/// P(a service is ever impaired), exact.
///
/// # Errors
/// When the faults do not fit the system, or the system is too large for the exact solvers.
pub fn p_impaired(system: &System, faults: &[Fault], service: ServiceId) -> Result<f64, Vec<Diagnostic>> {
    let compact = Compact::new(system);
    let scenario = Scenario::new(system, &compact, faults, None)?;
    let request = Request { static_reach: true, exact: true, ..Request::default() };
    let found = simulate(system, &compact, &scenario, &request).map_err(|problem| vec![problem])?;
    Ok(found.p_impaired(service))
}

/// P(a service is ever impaired) when one dependency has another probability.
///
/// # Errors
/// As [`p_impaired`].
pub fn what_if(
    system: &System,
    faults: &[Fault],
    service: ServiceId,
    (dependency, probability): (DependencyId, Probability),
) -> Result<f64, Vec<Diagnostic>> {
    p_impaired(&system.with_probability(dependency, probability), faults, service)
}

/// Importance of some dependencies for a service, in their order. Two exact solutions each.
///
/// # Errors
/// As [`p_impaired`].
pub fn importance(
    system: &System,
    faults: &[Fault],
    service: ServiceId,
    dependencies: impl IntoIterator<Item = DependencyId>,
) -> Result<Vec<Importance>, Vec<Diagnostic>> {
    let p = p_impaired(system, faults, service)?;
    let of = |dependency| {
        Ok(Importance {
            dependency,
            p,
            p_crossing: what_if(system, faults, service, (dependency, Probability::ONE))?,
            p_cut: p_impaired(&system.without_crossing(dependency), faults, service)?,
        })
    };
    dependencies.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{arcs, build, v4};
    use super::*;
    use crate::fault::FaultKind;
    use crate::model::facts::DependencyKind;

    //        .8 ─▶ b ─ .6
    // s ─.9▶ a              ▶ t
    //        .7 ─▶ c ─ .5
    fn crash() -> [Fault; 1] {
        [Fault::new(FaultKind::Crash, "s")]
    }

    #[test]
    fn v14_importance() {
        let system = v4();
        let t = system.find_service("t").expect("t");
        let found = importance(&system, &crash(), t, system.dependency_ids()).expect("small");
        for (importance, expected) in found.iter().zip([0.662, 0.351, 0.234, 0.468, 0.3276]) {
            assert!((importance.birnbaum() - expected).abs() < 1e-9, "{importance:?}");
            assert!((importance.p - 0.5958).abs() < 1e-9);
        }
        assert!((found[1].fussell_vesely() - 0.471_299).abs() < 5e-7);
        assert!((found[3].achievement_worth() - 1.314_199).abs() < 5e-7);
    }

    #[test]
    fn a_soft_dependency_can_be_cut_for_delay_too() {
        let mut draft = arcs(&[("s", "c", 0.3)]);
        draft.dependencies[0].kind = Some(DependencyKind::Soft);
        let system = build(draft);
        let slow = [Fault::new(FaultKind::Latency, "s")];
        let c = system.find_service("c").expect("c");
        let found = importance(&system, &slow, c, [DependencyId(0)]).expect("small");
        assert_eq!((found[0].p, found[0].p_crossing, found[0].p_cut), (0.95, 1.0, 0.0));
    }

    #[test]
    fn v17_what_if() {
        let system = v4();
        let (t, ct) = (system.find_service("t").expect("t"), DependencyId(4));
        let now = p_impaired(&system, &crash(), t).expect("small");
        let then = what_if(&system, &crash(), t, (ct, Probability::clipped(0.1))).expect("small");
        assert!((now - then - 0.131_04).abs() < 1e-9, "{now} {then}");
    }
}
