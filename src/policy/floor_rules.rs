//! The rules that can raise a band, with what each of them asks: for reports that also list the rules that did not fire.

/// Name and description of every rule of `floors.rs`, in the order in which they are looked at.
pub const FLOOR_RULES: [(&str, &str); 13] = [
    ("destructive-without-tested-restore", "A change that destroys something has a tested way to restore it."),
    ("ai-assisted-by-junior-or-mid", "Work with AI assistance by an author who is not senior is supervised."),
    ("nothing-to-assess", "At least one service of the topology is known to be changed."),
    ("unmapped-files", "Every changed file belongs to a service."),
    ("topology-stale", "The topology is not older than the policy allows."),
    ("topology-incomplete", "The topology lists as many of the dependencies as the policy asks."),
    ("no-journeys", "Users can be counted: a journey states its traffic and its objective."),
    ("journey-not-counted", "Every journey states its traffic and its objective."),
    ("harm-beyond-horizon", "Harm ends before the horizon, where times are cut."),
    ("breach-probability", "The chance that a journey exceeds its error budget is small."),
    ("tier-0-in-worst-trials", "The worst trials leave services of tier 0 alone."),
    ("too-close-to-call", "The sampling error of the score does not reach into the next band."),
    ("next-band-likely", "The belief about P(fault) does not make the next band likely."),
];

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
