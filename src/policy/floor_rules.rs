//! The rules that ship and can raise a band, with what each of them asks: for reports that also list the rules that did not fire, and for
//! policy files, which may set them aside and may not call their own rules so.

/// Name and description of every rule of `floors.rs`, in the order in which they are looked at.
pub const FLOOR_RULES: [(&str, &str); 20] = [
    ("destructive-without-tested-restore", "A change that destroys something has a tested way to restore it."),
    ("ai-assisted-by-junior-or-mid", "Work with AI assistance by an author who is not senior is supervised."),
    ("simulation-missing", "What changes services with effects outside of the software ran in a load test or a simulation."),
    ("frozen", "The change happens at a time at which things may change."),
    ("policy-edited", "The change does not edit the files that decide about it."),
    ("topology-edited", "By the topology before the change edited it, the change is no more dangerous than after."),
    ("change-not-fully-known", "What is changed is known in full."),
    ("nothing-to-assess", "At least one service of the topology is known to be changed."),
    ("unmapped-files", "Every changed file belongs to a service."),
    ("topology-stale", "The topology is not older than the policy allows."),
    ("topology-incomplete", "The topology lists as many of the dependencies as the policy asks."),
    ("no-journeys", "Users can be counted: a journey states its traffic and its objective."),
    ("journey-not-counted", "Every journey states its traffic and its objective."),
    ("harm-beyond-horizon", "Harm ends before the horizon, where times are cut."),
    ("wide-blast-radius", "The fault reaches few services in the mean, by share and by number."),
    ("breach-probability", "The chance that a journey exceeds its error budget is small."),
    ("tier-0-in-worst-trials", "The worst trials leave services of tier 0 alone."),
    ("too-close-to-call", "The sampling error of the score does not reach into the next band."),
    ("next-band-likely", "The belief about P(fault) does not make the next band likely."),
    ("weekly-ledger", "The changes of a week together stay in the band of this one."),
];

/// The rule about sampling error. It cannot be set aside: more trials settle it.
pub const TOO_CLOSE: &str = "too-close-to-call";

/// The rule about a change that edits the topology it is judged by.
pub const TOPOLOGY_EDITED: &str = "topology-edited";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_can_fire_is_listed() {
        let code = include_str!("floors.rs");
        let written = code.split("floor(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
        let fired: Vec<&str> = written.collect();
        assert!(fired.len() >= FLOOR_RULES.len(), "{fired:?}");
        for rule in &fired {
            assert!(FLOOR_RULES.iter().any(|(name, _)| name == rule), "{rule} is not in FLOOR_RULES");
        }
        for (name, _) in FLOOR_RULES {
            assert!(fired.contains(&name), "{name} never fires");
        }
    }
}
