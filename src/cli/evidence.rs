//! What is there about a change: change files, the repository, a diff, and where all of it lands in the topology.
//!
//! Only gathers: texts are read here and handed to `change`, which knows what they mean. What must hold: what cannot be read in
//! full is an error, never a smaller change; everything that a reader should know about how it came together is a note.

use super::args::Assess;
use super::failure::Failure;
use super::files::{Disk, standard_input};
use super::past::know_author;
use super::session::Session;
use super::topology_before::{set_aside, topology_edit};
use super::{git, git_tree, inputs};
use shockfront::assess::{InFlight, TopologyEdit};
use shockfront::change::codeowners::{Dialect, OwnedPath, read_codeowners};
use shockfront::change::commits::Commit;
use shockfront::change::derive::{Material, derive};
use shockfront::change::diff::read_diff;
use shockfront::change::facts::{Basis, Change};
use shockfront::change::host::{Request, from_gitlab, read_event};
use shockfront::change::kubernetes::land_objects;
use shockfront::change::manifest::{Chosen, choose, read_manifests};
use shockfront::change::merge::{Parts, merge};
use shockfront::change::operations::{OperationRule, asks_for_symbols, narrow};
use shockfront::change::paths::{Mapping, PathRule, map_files};
use shockfront::change::reviews::{self, read_reviews};
use shockfront::change::shared::{Shared, land_lock_files, land_shared};
use shockfront::change::team::Team;
use shockfront::change::terraform::{Action, Plan, read_plan};
use shockfront::change::terraform_land::{Landed, land_plan};
use shockfront::diagnostic::{Diagnostic, SourceId};
use shockfront::document::decode_utf8;
use shockfront::model::System;
use shockfront::model::draft::{Locate, Place};
use shockfront::topology::{Files, Loaded};
use shockfront::units::{Probability, ServiceId};
use std::path::Path;

/// What messages call it.
const STANDARD_INPUT: &str = "standard input";

/// Whether the change is told by anything but change files; then it is one change.
pub(crate) fn has_evidence(arguments: &Assess) -> bool {
    let files = [&arguments.base, &arguments.diff, &arguments.terraform, &arguments.event];
    arguments.gitlab || files.iter().any(|file| file.is_some())
}

/// What is there.
pub(crate) struct Evidence {
    /// All changes in flight.
    pub(crate) changes: Vec<InFlight>,
    /// What they do to the topology that they are judged by, and the digest of the version before.
    pub(crate) topology_edit: Option<(TopologyEdit, String)>,
    /// The commit that they start from, where there is a range.
    pub(crate) base: Option<String>,
}

/// All changes in flight. Notes about how they came together go into the report.
pub(crate) fn evidence(
    session: &mut Session,
    arguments: &Assess,
    loaded: &Loaded,
    team: &Team,
    notes: &mut Vec<String>,
) -> Result<Evidence, Failure> {
    let mut stated = stated(session, arguments, loaded)?;
    let request = request(session, arguments)?;
    let range = range(arguments, request.as_ref());
    let derived = derived(session, arguments, range.as_ref(), team)?;
    let (mut derived, base) = derived.map_or((None, None), |(derived, base)| (Some(derived), base));
    if let (Some(change), Some(range)) = (&mut derived, &range) {
        look_into_files(loaded, arguments, range, change)?;
    }
    let plan = plan(session, arguments, derived.is_some())?;
    if has_evidence(arguments) {
        stated = vec![stated.pop().unwrap_or_default()];
    }
    let mut derived = derived.unwrap_or_default();
    if let Some(request) = request {
        notes.extend(request.join(&mut derived, team));
    }
    let opinions = match &arguments.reviews {
        Some(path) => {
            let (source, _) = foreign(session, path)?;
            read_reviews(&session.sources, source)?
        }
        None => Vec::new(),
    };
    believe(arguments, &mut derived, notes);
    let named: Vec<Vec<String>> = stated.iter().map(|stated| stated.services.clone()).collect();
    let mut all = Vec::with_capacity(stated.len());
    for (at, stated) in stated.into_iter().enumerate() {
        let mut derived = derived.clone();
        if let Some(at) = &arguments.sampling.at {
            // What was typed knows better than the time of a commit when the change happens.
            (derived.at, derived.at_basis) = (Some(at.clone()), Basis::Flag);
        }
        let mut mapping = if derived.files.is_empty() { None } else { Some(mapping(loaded, &derived, &stated.services, notes)?) };
        // The plan is that of the first change; beside it there is no other.
        if let Some(plan) = plan.as_ref().filter(|_| at == 0) {
            let landed = land_plan_in(loaded, plan)?;
            notes.extend(landed.notes.iter().cloned());
            landed.join(&mut derived, &mut mapping);
        }
        derived.services = mapping.iter().flat_map(Mapping::targets).collect();
        if let Some(path) = &arguments.rollout {
            let chosen = rollout(session, path, loaded, stated.services.iter().chain(&derived.services))?;
            if stated.rollout.is_none() {
                derived.rollout = chosen.rollout;
                notes.extend(chosen.notes);
            }
        }
        let (mut change, said) = merge(Parts { stated, derived, ai_flag: arguments.ai_assisted, team });
        notes.extend(said.into_iter().map(|note| note.message));
        // What the host knows comes last: who asks for changes there has not approved, whatever a file says.
        notes.extend(reviews::join(&opinions, &mut change, team));
        if let Some(base) = &base {
            let known = know_author((repository(arguments), base), &loaded.system, (&mut change, mapping.as_ref()), team);
            notes.extend(known);
        }
        let owned_paths = owned_paths(session, arguments, range.as_ref(), (&change, mapping.as_ref()), notes)?;
        all.push(InFlight { change, mapping, owned_paths });
    }
    let stated: Vec<_> = all.iter().zip(named.iter().map(Vec::as_slice)).collect();
    let mut topology_edit = topology_edit(arguments, loaded, base.as_deref(), (&stated, plan.as_ref()));
    topology_edit.iter_mut().for_each(|(edit, _)| set_aside(edit, &mut all));
    Ok(Evidence { changes: all, topology_edit, base })
}

/// Whoever writes a commit writes its trailers. Where the host says who approved, they count for nothing; elsewhere a reader is told.
fn believe(arguments: &Assess, derived: &mut Change, notes: &mut Vec<String>) {
    for reviewer in &derived.reviewers {
        let name = &reviewer.name;
        notes.push(match arguments.reviews {
            Some(_) => format!("the review of {name} in a commit message does not count: `--reviews` says who approved"),
            None => format!(
                "that {name} reviewed it stands in a commit message, which anybody can write; `--reviews` takes the word of the host"
            ),
        });
    }
    if arguments.reviews.is_some() {
        derived.reviewers.clear();
    }
}

/// The changes as their files state them, or the problems of all of them.
fn stated(session: &mut Session, arguments: &Assess, loaded: &Loaded) -> Result<Vec<Change>, Failure> {
    let (mut stated, mut problems) = (Vec::new(), Vec::new());
    for path in &arguments.change {
        match inputs::change(session, path, &loaded.system) {
            Ok(change) => stated.push(change),
            Err(Failure::Input(more)) => problems.extend(more),
            Err(failure) => return Err(failure),
        }
    }
    if problems.is_empty() { Ok(stated) } else { Err(Failure::Input(problems)) }
}

/// The pull or merge request, where the host tells of one.
fn request(session: &mut Session, arguments: &Assess) -> Result<Option<Request>, Failure> {
    if let Some(path) = &arguments.event {
        let (source, _) = foreign(session, path)?;
        return Ok(Some(read_event(&session.sources, source)?));
    }
    if arguments.gitlab {
        return Ok(Some(from_gitlab(|name| std::env::var(name).ok())?));
    }
    Ok(None)
}

/// Between which commits a change lies.
struct Range {
    base: String,
    head: Option<String>,
    /// How to get commits that are missing, where the host names them.
    fetch: Option<String>,
}

/// What was typed, else what the host says, unless there is a diff.
fn range(arguments: &Assess, request: Option<&Request>) -> Option<Range> {
    if let Some(base) = &arguments.base {
        return Some(Range { base: base.clone(), head: arguments.head.clone(), fetch: None });
    }
    let request = request.filter(|_| arguments.diff.is_none())?;
    Some(Range { base: request.base.clone()?, head: request.head.clone(), fetch: request.fetch.clone() })
}

/// The change as the repository or the diff shows it, and the commit it starts from, where that is known.
fn derived(
    session: &mut Session,
    arguments: &Assess,
    range: Option<&Range>,
    team: &Team,
) -> Result<Option<(Change, Option<String>)>, Failure> {
    let mut unread = Vec::new();
    let (commits, files, base): (Vec<Commit>, _, _) = if let Some(range) = range {
        let found =
            git::collect(repository(arguments), &range.base, range.head.as_deref()).map_err(|error| of_git(&error, range))?;
        (found.commits, found.files, Some(found.base))
    } else if let Some(path) = &arguments.diff {
        let (source, name) = foreign(session, path)?;
        let text = session.sources.get(source).map(|source| source.text.clone()).unwrap_or_default();
        let diff = read_diff(source, &text)?;
        unread.extend(diff.notes.into_iter().map(|note| format!("the diff does not show all of the change: {}", note.message)));
        if diff.files.is_empty() {
            return Err(Failure::input("empty-diff", format!("{name} holds no change: there is nothing to assess")));
        }
        (Vec::new(), diff.files, None)
    } else {
        return Ok(None);
    };
    let mut change = derive(Material { commits: &commits, files, team });
    if arguments.diff.is_some() {
        // A diff has no commits: nobody is known to have written it.
        change.title = None;
    }
    unread.dedup();
    change.open_questions.extend(unread);
    Ok(Some((change, base)))
}

/// The Terraform plan, where there is one that does anything; `beside` something else it may do nothing.
fn plan(session: &mut Session, arguments: &Assess, beside: bool) -> Result<Option<Plan>, Failure> {
    let Some(path) = &arguments.terraform else { return Ok(None) };
    let (source, name) = foreign(session, path)?;
    let plan = read_plan(&session.sources, source)?;
    let does_nothing = plan.resources.iter().all(|resource| resource.action == Action::Forget);
    if does_nothing && plan.open_questions.is_empty() && !beside {
        let message = format!("{name} is a plan that changes nothing: there is nothing to assess");
        return Err(Failure::input("empty-plan", message));
    }
    Ok(Some(plan))
}

/// Where the resources of a plan lie in a topology.
pub(super) fn land_plan_in(loaded: &Loaded, plan: &Plan) -> Result<Landed, Failure> {
    let is_service = |service: &str| loaded.system.find_service(service).is_some();
    with_places(loaded, |rules| land_plan(plan, rules, is_service))
}

/// The roll-out that the manifests describe for all services of a change; none where one of them has none.
fn rollout<'a>(
    session: &mut Session,
    path: &str,
    loaded: &Loaded,
    services: impl Iterator<Item = &'a String>,
) -> Result<Chosen, Failure> {
    let (source, _) = foreign(session, path)?;
    let manifests = read_manifests(&mut session.sources, source)?;
    let services: Vec<&str> = services.map(|name| whole_service(&loaded.system, name)).collect();
    Ok(choose(&manifests, &services, |name| loaded.system.find_service(name).is_some())?)
}

/// The service of `SERVICE` or `SERVICE.OPERATION`.
fn whole_service<'a>(system: &'a System, name: &'a str) -> &'a str {
    system.resolve(name).map_or(name, |endpoint| system.service_name(endpoint.service))
}

/// Where code hosts look for the owners of files, GitHub's places first.
const CODEOWNERS_PLACES: [&str; 4] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// The changed files with their owners by the code host: of the file that is given, else of the one that the repository has at the
/// base. A change cannot choose its own owners, so the head is not asked.
fn owned_paths(
    session: &mut Session,
    arguments: &Assess,
    range: Option<&Range>,
    (change, mapping): (&Change, Option<&Mapping>),
    notes: &mut Vec<String>,
) -> Result<Vec<OwnedPath>, Failure> {
    if change.files.is_empty() {
        let note = arguments.codeowners.as_ref().map(|path| format!("{path} was not asked: no changed files are known"));
        notes.extend(note);
        return Ok(Vec::new());
    }
    let source = if let Some(path) = &arguments.codeowners {
        foreign(session, path)?.0
    } else if let Some(range) = range {
        let places = if arguments.gitlab { &CODEOWNERS_PLACES[1..] } else { &CODEOWNERS_PLACES };
        let found = git::first_file(repository(arguments), &range.base, places).map_err(|error| of_git(&error, range))?;
        let Some((path, text)) = found else { return Ok(Vec::new()) };
        notes.push(format!("owners of files are those of {path} at {}", range.base));
        session.sources.add(path, text)
    } else {
        return Ok(Vec::new());
    };
    let Some(found) = session.sources.get(source) else { return Ok(Vec::new()) };
    let dialect = if arguments.gitlab { Dialect::GitLab } else { Dialect::of(&found.name, &found.text) };
    let file = read_codeowners(source, &found.text, dialect);
    session.warn(&file.warnings);
    let services = mapping.map(Mapping::services_by_path).unwrap_or_default();
    let owned = |path: &str| OwnedPath {
        path: path.to_owned(),
        services: services.get(path).into_iter().flatten().map(|&service| service.to_owned()).collect(),
        claims: file.claims(path),
    };
    Ok(change.files.iter().flat_map(|file| file.touched_paths()).map(owned).collect())
}

pub(super) fn repository(arguments: &Assess) -> &Path {
    arguments.repository.as_deref().unwrap_or(Path::new("."))
}

/// A commit that the host names and the clone lacks can be fetched without a token, also from a fork.
fn of_git(error: &git::GitError, range: &Range) -> Failure {
    let problem = Diagnostic::error("git", error.to_string());
    match (&range.fetch, error) {
        (Some(fetch), git::GitError::UnknownRevision { .. }) => problem.help(format!("fetch it with `{fetch}`")).into(),
        _ => problem.into(),
    }
}

/// Reads a text of somebody else's format, whatever it is called; `-` is standard input. Also says what to call it.
fn foreign(session: &mut Session, path: &str) -> Result<(SourceId, String), Failure> {
    let name = if path == "-" { STANDARD_INPUT } else { path };
    if path == "-" && session.sources.iter().any(|source| source.name == STANDARD_INPUT) {
        return Err(Failure::input("usage", "standard input can be read once: give a file for one of the options"));
    }
    let bytes = if path == "-" { standard_input() } else { Disk.read(path) };
    let bytes = bytes.map_err(|error| Failure::input("unreadable", format!("{name} cannot be read: {error}")))?;
    let text = decode_utf8(name, bytes)?;
    Ok((session.sources.add(name, text), name.to_owned()))
}

/// Finds the definitions that changed lines lie in, where operations ask for them. What cannot be read stays unknown, and hits the
/// service as a whole.
fn look_into_files(loaded: &Loaded, arguments: &Assess, range: &Range, change: &mut Change) -> Result<(), Failure> {
    let paths = with_operations(loaded, |rules| asks_for_symbols(rules, &change.files))?;
    if paths.is_empty() {
        return Ok(());
    }
    let text = git_tree::whole_files(repository(arguments), &range.base, range.head.as_deref(), &paths);
    let text = text.map_err(|error| of_git(&error, range))?;
    let seen = read_diff(SourceId::default(), &text).map(|diff| diff.files).unwrap_or_default();
    for file in change.files.iter_mut().filter(|file| paths.iter().any(|path| path == file.path())) {
        if let Some(known) = seen.iter().find(|known| known.path() == file.path()) {
            file.parts.clone_from(&known.parts);
        }
    }
    Ok(())
}

/// Asks with all globs of operations. One that cannot be read is shown where it stands.
fn with_operations<T>(
    loaded: &Loaded,
    ask: impl FnOnce(&[OperationRule<'_>]) -> Result<T, Vec<Diagnostic>>,
) -> Result<T, Failure> {
    let rules = operation_rules(&loaded.system);
    let plain: Vec<OperationRule<'_>> = rules.iter().map(|(rule, _)| *rule).collect();
    ask(&plain).map_err(|problems| {
        let own = rules.iter().filter_map(|(rule, place)| Some((asks_for_symbols(&[*rule], &[]).err()?, *place)));
        let located: Vec<Diagnostic> = own
            .flat_map(|(problems, place)| problems.into_iter().map(move |problem| (problem, place)))
            .map(|(problem, place)| problem.at(loaded.locate.span(place), ""))
            .collect();
        Failure::Input(if located.is_empty() { problems } else { located })
    })
}

/// Every glob of an operation with its place.
fn operation_rules(system: &System) -> Vec<(OperationRule<'_>, Place<'static>)> {
    let of_service = |id: ServiceId| {
        let (service, facts) = (system.service_name(id), system.service(id));
        facts.operations.iter().zip(&facts.operation_paths).enumerate().flat_map(move |(at, (operation, paths))| {
            let place = Place::Service(id.index(), Some("operations"), Some(at));
            paths.iter().map(move |path| (OperationRule { service, operation, path }, place))
        })
    };
    system.service_ids().flat_map(of_service).collect()
}

/// Where the files of a change belong. A service of these names is hit as a whole: its author knows.
pub(super) fn mapping(loaded: &Loaded, change: &Change, named: &[String], notes: &mut Vec<String>) -> Result<Mapping, Failure> {
    let mut mapping = with_places(loaded, |rules| map_files(rules, &change.files))?;
    land_objects(&mut mapping, &change.files, |service| loaded.system.find_service(service).is_some());
    let services: Vec<PathRule<'_>> = service_rules(&loaded.system).into_iter().map(|(rule, _)| rule).collect();
    notes.extend(land_lock_files(&mut mapping, &services, &change.files));
    notes.extend(land_shared(&mut mapping, &shared(&loaded.system), &change.files));
    let is_whole = |service: &str| {
        let named = named.iter().filter_map(|name| loaded.system.resolve(name).ok());
        named.filter(|named| named.operation.is_none()).any(|named| loaded.system.service_name(named.service) == service)
    };
    notes.extend(with_operations(loaded, |rules| narrow(&mut mapping, rules, &change.files, is_whole))?);
    Ok(mapping)
}

/// Asks with all globs of the topology. One that cannot be read is shown where it stands.
fn with_places<T>(loaded: &Loaded, ask: impl Fn(&[PathRule<'_>]) -> Result<T, Vec<Diagnostic>>) -> Result<T, Failure> {
    let rules = rules(&loaded.system);
    let plain: Vec<PathRule<'_>> = rules.iter().map(|(rule, _)| *rule).collect();
    ask(&plain).map_err(|problems| {
        let mut located: Vec<Diagnostic> = Vec::new();
        for (rule, place) in &rules {
            if let Err(own) = map_files(std::slice::from_ref(rule), &[]) {
                located.extend(own.into_iter().map(|problem| problem.at(loaded.locate.span(*place), "")));
            }
        }
        // A glob of a group is wrong once, however many members it has.
        located.dedup_by(|a, b| a.labels == b.labels);
        Failure::Input(if located.is_empty() { problems } else { located })
    })
}

/// Every glob of the topology with its place. Globs of a group are those of each member.
fn rules(system: &System) -> Vec<(PathRule<'_>, Place<'static>)> {
    let mut rules = service_rules(system);
    for (at, (_, _, group, members)) in system.groups().enumerate() {
        let place = Place::Group(at, Some("paths"));
        for glob in &group.paths {
            rules.extend(members.iter().map(|id| (PathRule { glob, service: system.service_name(*id) }, place)));
        }
    }
    rules
}

/// Every glob of a service with its place.
pub(crate) fn service_rules(system: &System) -> Vec<(PathRule<'_>, Place<'static>)> {
    let of_service = |id: ServiceId| {
        let globs = system.service(id).paths.iter().enumerate();
        globs.map(move |(at, glob)| {
            (PathRule { glob, service: system.service_name(id) }, Place::Service(id.index(), Some("paths"), Some(at)))
        })
    };
    system.service_ids().flat_map(of_service).collect()
}

/// Groups with globs.
fn shared(system: &System) -> Vec<Shared<'_>> {
    let groups = system.groups().filter(|(_, _, group, _)| !group.paths.is_empty());
    groups
        .map(|(_, name, group, members)| Shared {
            name,
            kind: &group.kind_name,
            paths: &group.paths,
            // As for a fault on the group itself.
            hit: group.hit.map_or(1.0, Probability::value),
            members: members.iter().map(|id| system.service_name(*id)).collect(),
        })
        .collect()
}
