//! From files about budgets to the journeys of a system.

use super::{Budgets, Objective, SpentShare, Stamp};
use crate::diagnostic::Diagnostic;
use crate::document::Marked;
use crate::model::System;
use crate::model::facts::{Doubt, Spent};
use crate::units::{JourneyId, Ticks};
use jiff::{SignedDuration, Zoned};

/// A month of an objective whose window nobody states.
const WINDOW: Ticks = Ticks(30 * 1_440 * Ticks::PER_MINUTE);

/// Puts objectives and spent shares into the journeys of a system; `at` is the time of the change. Gives notes about what counts.
/// O(objectives × journeys).
///
/// # Errors
/// Journeys that are named outright and do not exist.
pub fn join(budgets: &Budgets, system: &mut System, at: Option<&Zoned>) -> Result<Vec<String>, Vec<Diagnostic>> {
    let (mut notes, mut problems) = (Vec::new(), Vec::new());
    let mut objectives: Vec<Vec<&Objective>> = vec![Vec::new(); system.journeys().len()];
    for objective in &budgets.objectives {
        match journey_of(system, objective) {
            Ok(Ok(id)) => objectives[id.index()].push(objective),
            Ok(Err(why)) => notes.push(format!("{} of {} is not used: {why}", objective.name, objective.file)),
            Err(problem) => problems.push(*problem),
        }
    }
    let mut spent: Vec<Vec<&SpentShare>> = vec![Vec::new(); system.journeys().len()];
    for share in &budgets.spent {
        match find(system, &share.journey) {
            Ok(id) => spent[id.index()].push(share),
            Err(problem) => problems.push(*problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    for (at_journey, (objectives, spent)) in objectives.into_iter().zip(spent).enumerate() {
        let id = JourneyId::at(at_journey);
        let sizes = of_objectives(system, id, &objectives, &mut notes);
        of_spent(system, id, (&spent, sizes), at, &mut notes);
    }
    Ok(notes)
}

/// The same for a version of the system that may lack journeys: what names one of those is left out.
pub fn join_known(budgets: &Budgets, system: &mut System, at: Option<&Zoned>) {
    let mut known = budgets.clone();
    known.objectives.retain(|objective| journey_of(system, objective).is_ok());
    known.spent.retain(|share| find(system, &share.journey).is_ok());
    // Nothing unknown is left that could be refused.
    let _notes = join(&known, system, at);
}

fn find(system: &System, name: &Marked<String>) -> Result<JourneyId, Box<Diagnostic>> {
    let names = || system.journeys().iter().map(|journey| journey.name.as_str());
    match names().position(|known| known == name.value) {
        Some(at) => Ok(JourneyId::at(at)),
        None => {
            let problem = Diagnostic::error("unknown-journey", format!("there is no journey `{}` in the topology", name.value));
            Err(Box::new(problem.at(name.span, "").suggest(&name.value, names())))
        }
    }
}

/// The journey that an objective is about, or why there is none.
fn journey_of(system: &System, objective: &Objective) -> Result<Result<JourneyId, String>, Box<Diagnostic>> {
    if let Some(name) = &objective.journey {
        return find(system, name).map(Ok);
    }
    let journeys = system.journeys();
    if let Some(at) = journeys.iter().position(|journey| journey.name == objective.name) {
        return Ok(Ok(JourneyId::at(at)));
    }
    let service = &objective.service;
    let Some(id) = system.find_service(service) else {
        return Ok(Err(format!("there is neither a journey of this name nor a service `{service}`")));
    };
    let needs = |at: &usize| journeys[*at].needs.iter().any(|need| need.service == id);
    let found: Vec<usize> = (0..journeys.len()).filter(needs).collect();
    Ok(match found.as_slice() {
        [one] => Ok(JourneyId::at(*one)),
        [] => Err(format!("no journey needs `{service}` itself; the annotation `shockfront/journey` names one")),
        several => Err(format!("{} journeys need `{service}`; the annotation `shockfront/journey` names one", several.len())),
    })
}

/// A target with its window.
#[derive(Debug, Clone)]
struct Target<'a> {
    percent: f64,
    window: Ticks,
    /// `None` for the topology.
    said_by: Option<&'a Objective>,
}

impl Target<'_> {
    /// Minutes of a window in which one user a minute may go without: window × (1 − target).
    fn size(&self) -> f64 {
        self.window.minutes() * (1.0 - self.percent / 100.0)
    }

    fn says(&self) -> String {
        let who = self.said_by.map_or("the topology".to_owned(), |one| format!("{} of {}", one.name, one.file));
        format!("{who} says {} % over {}", self.percent, self.window)
    }
}

/// Sizes that differ by rounding are one.
fn is_same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.max(b)
}

/// Takes the strictest target; gives the sizes of the smallest and of the largest budget, where there are any.
fn of_objectives(system: &mut System, id: JourneyId, objectives: &[&Objective], notes: &mut Vec<String>) -> Option<(f64, f64)> {
    let journey = system.journey(id);
    let stated = journey.facts.window;
    let own = journey.facts.slo.map(|percent| Target { percent, window: stated.unwrap_or(WINDOW), said_by: None });
    let of_files = objectives.iter().map(|&one| {
        let window = one.window.or(stated).unwrap_or(WINDOW);
        Target { percent: one.percent, window, said_by: Some(one) }
    });
    let targets: Vec<Target<'_>> = own.into_iter().chain(of_files).collect();
    // Of equal budgets the first counts, that of the topology before all.
    let strictest = targets.iter().min_by(|a, b| a.size().total_cmp(&b.size()))?;
    let largest = targets.iter().map(Target::size).fold(0.0, f64::max);
    let smallest = strictest.size();
    let name = &journey.name;
    if !is_same(smallest, largest) {
        let all: Vec<String> = targets.iter().map(Target::says).collect();
        notes.push(format!("objectives of {name} differ ({}): the stricter counts, {}", all.join("; "), strictest.says()));
    } else if let Some(one) = targets.first().filter(|first| first.said_by.is_some()) {
        notes.push(format!("the objective of {name} is from a file: {}", one.says()));
    }
    if strictest.said_by.is_some() && !is_same_as_stated(&targets, smallest) {
        let (percent, window) = (strictest.percent, strictest.window);
        system.change_objective(id, percent, window);
    }
    Some((smallest, largest))
}

/// Is the budget that counts the one of the topology?
fn is_same_as_stated(targets: &[Target<'_>], smallest: f64) -> bool {
    targets.iter().any(|target| target.said_by.is_none() && is_same(target.size(), smallest))
}

/// Takes the largest spent share of the budget that counts.
fn of_spent(
    system: &mut System,
    id: JourneyId,
    (spent, sizes): (&[&SpentShare], Option<(f64, f64)>),
    at: Option<&Zoned>,
    notes: &mut Vec<String>,
) {
    let Some(largest) = spent.iter().max_by(|a, b| a.share.total_cmp(&b.share)) else { return };
    let journey = system.journey(id);
    let name = &journey.name;
    if spent.iter().any(|other| other.share != largest.share) {
        notes.push(format!("how much of the error budget of {name} is spent is said more than once: the largest share counts"));
    }
    let has_users = journey.facts.users_per_minute.is_some_and(|users| users > 0.0);
    let Some((smallest, loosest)) = sizes.filter(|(smallest, _)| has_users && *smallest > 0.0) else {
        notes.push(format!("the spent error budget of {name} is not used: it has no budget without objective and users"));
        return;
    };
    let share = largest.share * if is_same(smallest, loosest) { 1.0 } else { loosest / smallest };
    if share > largest.share {
        notes.push(format!(
            "{:.0} % spent of the larger budget of {name} is {:.0} % of the one that counts",
            100.0 * largest.share,
            100.0 * share
        ));
    }
    let doubt = doubt(&largest.at, journey.facts.window.unwrap_or(WINDOW), at);
    if let Some(doubt) = doubt {
        let when = match &largest.at {
            Stamp::Day(day) => day.to_string(),
            Stamp::Time(time) => time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        };
        let why = match doubt {
            Doubt::Older => "more than its window before the change",
            Doubt::Later => "after the change",
            Doubt::Undated => "and when the change happens is not known",
        };
        notes.push(format!(
            "{:.0} % of the error budget of {name} was spent at {when}, {why}: it counts, but how much is spent is an open question",
            100.0 * share
        ));
    }
    system.set_spent(id, Spent { share, doubt });
}

/// Why a share is not known to hold at the time of the change.
fn doubt(stamp: &Stamp, window: Ticks, at: Option<&Zoned>) -> Option<Doubt> {
    let Some(at) = at else { return Some(Doubt::Undated) };
    let then = match stamp {
        Stamp::Day(day) => day.to_zoned(at.time_zone().clone()).ok(),
        Stamp::Time(time) => Some(time.clone()),
    };
    let Some(then) = then else { return Some(Doubt::Undated) };
    let age = at.duration_since(&then);
    let seconds = i64::try_from(window.0 / Ticks::PER_SECOND).unwrap_or(i64::MAX);
    match age {
        age if age.is_negative() => Some(Doubt::Later),
        age if age > SignedDuration::from_secs(seconds) => Some(Doubt::Older),
        _ => None,
    }
}
