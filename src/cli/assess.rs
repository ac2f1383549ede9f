//! `assess`: a change from files, from git or from a diff, and the verdict on it.

use super::args::{Assess, AssessFormat};
use super::evidence::{Evidence, evidence, has_evidence};
use super::failure::{Failure, Outcome};
use super::judges::{gate_files, linked, policy_before, team_before};
use super::output::{Progress, deliver};
use super::reproduce::Words;
use super::session::Session;
use super::simulate::listed;
use super::when::written;
use super::{assess_outputs, inputs};
use jiff::Zoned;
use shockfront::assess::{AssessRequest, DEFAULT_TRIALS, TopologyEdit, assess};
use shockfront::change::team::Team;
use shockfront::model::Compact;
use shockfront::policy::rules::Policy;
use shockfront::random::Seed;
use shockfront::report::{AssessmentReport, ledger_json};
use shockfront::risk::assessment::{Assessment, Gate};
use shockfront::risk::budgets::{join, join_known};
use shockfront::risk::ledger::{Entry, Ledger};
use shockfront::topology::Loaded;
use std::path::Path;

pub(crate) fn run(session: &mut Session, arguments: &Assess) -> Result<Outcome, Failure> {
    check(arguments)?;
    let mut loaded = session.topology(&arguments.topology)?;
    let (mut team, mut policy, mut hashes) = judges(session, arguments)?;
    let ledger = arguments.ledger.as_ref().map(|path| inputs::ledger(session, path, arguments.record)).transpose()?;
    let ledger = ledger.unwrap_or_default();
    let (budgets, budget_hashes) = inputs::budgets(session, &arguments.slo)?;
    let mut notes = Vec::new();
    let Evidence { changes, mut topology_edit, .. } =
        held_evidence(session, (arguments, &loaded), (&mut team, &mut policy), &mut notes)?;
    hashes.extend(policy.before.iter().map(|before| format!("{before:?}")));
    let changed = assess_outputs::changed_files(&changes);
    let latest = changes.iter().filter_map(|change| change.change.at.as_ref()).max().or(arguments.sampling.at.as_ref());
    notes.extend(join(&budgets, &mut loaded.system, latest)?);
    if let Some((TopologyEdit { before: Ok(before), .. }, _)) = &mut topology_edit {
        join_known(&budgets, &mut before.system, latest);
    }
    // Not the ledger: it grows by this very assessment, and no review would last.
    hashes.extend(budget_hashes.into_iter().chain([loaded.sha256.clone()]));
    hashes.extend(topology_edit.iter().map(|(_, digest)| digest.clone()));
    hashes.extend(changes.iter().map(|change| format!("{:?}", change.owned_paths)));
    let (system, compact) = (&loaded.system, Compact::new(&loaded.system));
    let sampling = &arguments.sampling;
    let trials = sampling.trials.unwrap_or(DEFAULT_TRIALS);
    let at = changes.iter().find_map(|change| change.change.at.clone()).or_else(|| sampling.at.clone());
    let progress = Progress::new(trials.saturating_mul(1 + arguments.uncertainty.unwrap_or(0)), session.is_quiet);
    let add = |done| progress.add(done);
    let request = AssessRequest {
        linked: linked(arguments, &changes, &policy),
        changes,
        team,
        policy,
        ledger: ledger.clone(),
        gate_files: gate_files(arguments),
        topology_edit: topology_edit.as_ref().map(|(edit, _)| edit),
        earlier: None,
        basis: hashes,
        trials,
        precision: arguments.detail.precision,
        explain: true,
        mitigations: !arguments.no_mitigations,
        uncertainty: arguments.uncertainty,
        seed: Seed(sampling.seed),
        threads: sampling.threads.map(usize::from),
        horizon: sampling.horizon,
        response: sampling.response(),
        at: sampling.at.clone(),
        notes,
        curves: assess_outputs::needs_curves(arguments),
        progress: Some(&add),
    };
    let assessment = assess(system, &compact, &request);
    progress.finish();
    let assessment = assessment?;
    let report = AssessmentReport {
        system,
        assessment: &assessment,
        topology_sha256: loaded.sha256.clone(),
        at: at.as_ref().map(written),
        response: arguments.sampling.response(),
        services: listed(arguments.detail.services, system),
        command: String::new(),
    };
    assess_outputs::write(session, arguments, (&loaded, changed), &report, &|format| command(arguments, trials, format))?;
    if let Some(path) = arguments.ledger.as_ref().filter(|_| arguments.record) {
        deliver(&recorded(ledger, &assessment, at), Some(Path::new(path)))?;
    }
    let passes = assessment.verdict.gate == Gate::Pass || arguments.advisory;
    Ok(if passes { Outcome::Passed } else { Outcome::Stopped })
}

/// What is there about the change, by judges that it did not write itself.
fn held_evidence(
    session: &mut Session,
    (arguments, loaded): (&Assess, &Loaded),
    (team, policy): (&mut Team, &mut Policy),
    notes: &mut Vec<String>,
) -> Result<Evidence, Failure> {
    let mut found = evidence(session, arguments, loaded, team, notes)?;
    if let Some((held, said)) = team_before(arguments, team, (&found.changes, found.base.as_deref())) {
        // Who wrote and reviewed it is asked again, of the people as far as the change did not write them.
        (*team, *notes) = (held, vec![said]);
        found = evidence(session, arguments, loaded, team, notes)?;
    }
    policy.before = policy_before(arguments, (&found.changes, found.base.as_deref())).map(Box::new);
    Ok(found)
}

/// Who people are, what is asked of changes, and hashes of both files.
fn judges(session: &mut Session, arguments: &Assess) -> Result<(Team, Policy, Vec<String>), Failure> {
    let (team, team_hash) = match &arguments.team {
        Some(path) => inputs::team(session, path)?,
        None => Default::default(),
    };
    let (policy, policy_hash) = match &arguments.policy {
        Some(path) => inputs::policy(session, path)?,
        None => Default::default(),
    };
    Ok((team, policy, vec![team_hash, policy_hash]))
}

/// Refuses what contradicts itself.
fn check(arguments: &Assess) -> Result<(), Failure> {
    if arguments.change.len() > 1 && (has_evidence(arguments) || arguments.rollout.is_some()) {
        let message = "several change files are several changes: only one can complete a diff";
        return Err(Failure::input("usage", message));
    }
    assess_outputs::check(arguments)
}

/// The ledger with this assessment.
fn recorded(ledger: Ledger, assessment: &Assessment, at: Option<Zoned>) -> String {
    let about = (assessment.title.clone(), assessment.heads.first().cloned());
    let entry = Entry::new(about, assessment.services.clone(), at, &assessment.journeys);
    ledger_json(&ledger.with(entry), &written)
}

fn command(arguments: &Assess, trials: u64, format: AssessFormat) -> String {
    let mut words = Words::new("assess", &arguments.topology);
    for path in &arguments.change {
        words.option("change", Some(path));
    }
    words.option("base", arguments.base.as_ref());
    words.option("head", arguments.head.as_ref());
    words.option("repository", arguments.repository.as_ref().map(|path| path.display()));
    words.option("diff", arguments.diff.as_ref());
    words.option("terraform", arguments.terraform.as_ref());
    words.option("event", arguments.event.as_ref());
    words.switch("gitlab", arguments.gitlab);
    words.option("reviews", arguments.reviews.as_ref());
    words.option("rollout", arguments.rollout.as_ref());
    words.option("policy", arguments.policy.as_ref());
    words.option("team", arguments.team.as_ref());
    words.option("codeowners", arguments.codeowners.as_ref());
    words.option("ledger", arguments.ledger.as_ref());
    arguments.slo.iter().for_each(|path| words.option("slo", Some(path)));
    words.option("ai-assisted", arguments.ai_assisted);
    words.option("uncertainty", arguments.uncertainty);
    words.switch("no-mitigations", arguments.no_mitigations);
    words.switch("advisory", arguments.advisory);
    words.sampling(&arguments.sampling, &arguments.detail, Some(trials));
    words.format(&format);
    words.line()
}
