//! Where the resources of a Terraform plan belong, and what the plan means as a change.
//!
//! A resource belongs to the service that its tag or label `service` names, else to the service of its own name, else to the
//! service with the longest glob `terraform:ADDRESS` in its `paths`. The plan is a change of infrastructure; it is destructive where
//! something that holds state is deleted or replaced, and then the services that it carried lose state. What must hold: a resource
//! that belongs to no service is listed; a type of which nobody knows what goes with it leaves an open question.

use super::facts::{Change, ChangeKind, TriState};
use super::paths::{Globs, Mapping, PathRule, TERRAFORM};
use super::terraform::{Action, Plan, ResourceChange};
use super::terraform_state::{Holds, holds};
use crate::diagnostic::Diagnostic;
use std::collections::BTreeSet;

/// Most resources of one kind that are told one by one.
const MOST_TOLD: usize = 10;

/// A plan as a change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Landed {
    /// Kind, destructiveness, lost state and open questions; nothing else is known.
    pub change: Change,
    /// The services with their resources; `n_files` is 0, since a plan has no files.
    pub mapping: Mapping,
    /// What the plan does, as sentences.
    pub notes: Vec<String>,
}

impl Landed {
    /// Adds the plan to what the commits or a diff of the same change show. Code beside Terraform's own files keeps the kind open,
    /// and what it destroys.
    pub fn join(self, change: &mut Change, mapping: &mut Option<Mapping>) {
        let is_all = change.files.iter().flat_map(|file| file.touched_paths()).all(is_terraform_file);
        if is_all {
            change.kind = self.change.kind;
        }
        if is_all || self.change.destructive == TriState::Yes {
            change.destructive = self.change.destructive;
        }
        change.state_lost.extend(self.change.state_lost);
        change.open_questions.extend(self.change.open_questions);
        let mapping = mapping.get_or_insert_default();
        for (service, touched) in self.mapping.by_service {
            let known = mapping.by_service.entry(service).or_default();
            known.operations.clear();
            known.paths.extend(touched.paths);
        }
        mapping.unmapped.extend(self.mapping.unmapped);
    }
}

/// Whether a file is written for Terraform or OpenTofu and says nothing that the plan does not say.
fn is_terraform_file(path: &str) -> bool {
    [".tf", ".tf.json", ".tfvars", ".tfvars.json", ".tofu", ".terraform.lock.hcl"].iter().any(|end| path.ends_with(end))
}

/// Lands a plan.
///
/// # Errors
/// All globs that cannot be read. Their place in the topology file is for the caller to add.
pub fn land_plan(plan: &Plan, rules: &[PathRule<'_>], is_service: impl Fn(&str) -> bool) -> Result<Landed, Vec<Diagnostic>> {
    let globs = Globs::build(rules)?;
    let mut landed = Landed::default();
    let mut told: Vec<(u8, String)> = Vec::new();
    let (mut lost, mut unknown, mut matched) = (BTreeSet::new(), Vec::new(), Vec::new());
    let mut is_destructive = false;
    for resource in plan.resources.iter().filter(|resource| resource.action != Action::Forget) {
        let place = format!("{TERRAFORM}{}", resource.address);
        let mut services: BTreeSet<String> = named(resource, &is_service);
        if services.is_empty() {
            services = globs.services(rules, &place, &mut matched).into_iter().map(str::to_owned).collect();
        }
        let what = if resource.action.destroys() { holds(&resource.resource_type) } else { Holds::Nothing };
        match what {
            Holds::State => {
                is_destructive = true;
                lost.extend(services.iter().cloned());
            }
            Holds::Unknown => unknown.push(format!("`{}`", resource.address)),
            Holds::Nothing => {}
        }
        told.push((rank(resource.action, what), sentence(resource, what, &services)));
        if services.is_empty() {
            landed.mapping.unmapped.push(place.clone());
        }
        for service in services {
            landed.mapping.by_service.entry(service).or_default().paths.push(place.clone());
        }
    }
    landed.notes = notes(plan, &landed.mapping, told);
    let mut open_questions = plan.open_questions.clone();
    open_questions.extend(question(&unknown));
    landed.change = Change {
        kind: Some(ChangeKind::Infrastructure),
        destructive: match (is_destructive, open_questions.is_empty()) {
            (true, _) => TriState::Yes,
            (false, true) => TriState::No,
            (false, false) => TriState::Unknown,
        },
        state_lost: lost.into_iter().collect(),
        open_questions,
        ..Change::default()
    };
    Ok(landed)
}

/// The services that a resource names: by its labels, before and after, else by its own name, in which `_` stands for `-`.
fn named(resource: &ResourceChange, is_service: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let labelled: BTreeSet<String> = resource.service_labels.iter().filter(|name| is_service(name)).cloned().collect();
    if !labelled.is_empty() {
        return labelled;
    }
    let own = [resource.name.clone(), resource.name.replace('_', "-")];
    own.into_iter().find(|name| is_service(name)).into_iter().collect()
}

/// What is told first: lost state, other outages, then the rest.
fn rank(action: Action, holds: Holds) -> u8 {
    match (action, holds) {
        (_, Holds::State) => 0,
        (_, Holds::Unknown) => 1,
        (Action::Delete | Action::DeleteThenCreate, _) => 2,
        (Action::CreateThenDelete, _) => 3,
        (Action::Update, _) => 4,
        (Action::Create | Action::Forget, _) => 5,
    }
}

fn sentence(resource: &ResourceChange, holds: Holds, services: &BTreeSet<String>) -> String {
    let what = match resource.action {
        Action::Create => "is created",
        Action::Update => "is changed in place",
        Action::Delete => "is deleted",
        Action::DeleteThenCreate => "is deleted and then created again",
        Action::CreateThenDelete => "is replaced: a new one is created, then the old one deleted",
        Action::Forget => "is no longer managed",
    };
    let state = match holds {
        Holds::State => "; what it holds is lost",
        Holds::Unknown => "; whether it holds state is not known",
        Holds::Nothing => "",
    };
    let whose = match services.iter().map(String::as_str).collect::<Vec<_>>() {
        names if !names.is_empty() => format!(" (of {})", names.join(", ")),
        _ => match resource.service_labels.first() {
            Some(label) => format!(" (labelled `service = {label}`, which the topology does not have)"),
            None => " (of no service)".to_owned(),
        },
    };
    format!("Terraform: {}{whose} {what}{}{state}", resource.address, because(resource))
}

/// The reason that the plan gives, in words.
fn because(resource: &ResourceChange) -> String {
    let attributes: Vec<String> = resource.replace_paths.iter().map(|path| format!("`{path}`")).collect();
    let attributes = attributes.join(", ");
    match resource.reason.as_deref() {
        Some("replace_because_cannot_update") | None if !attributes.is_empty() => {
            format!(", because {attributes} cannot be changed in place")
        }
        None => String::new(),
        Some(word) => {
            let why = match word {
                "replace_because_cannot_update" => "it cannot be changed in place",
                "replace_because_tainted" => "it is marked as damaged",
                "replace_by_request" => "replacing it was asked for",
                "replace_by_triggers" => "something in its `replace_triggered_by` changes",
                "delete_because_no_resource_config" => "its block is no longer in the configuration",
                "delete_because_no_module" => "its module is no longer in the configuration",
                "delete_because_wrong_repetition" => "`count` or `for_each` of its block came or went",
                "delete_because_count_index" => "its index is beyond `count`",
                "delete_because_each_key" => "its key is no longer in `for_each`",
                "delete_because_no_move_target" => "it was moved to an address without a block",
                other => return format!(", reason `{other}`"),
            };
            format!(", because {why}")
        }
    }
}

/// One question for all resources of unknown types.
fn question(unknown: &[String]) -> Option<String> {
    let names = unknown.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    let more = unknown.len().saturating_sub(3);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    match unknown.len() {
        0 => None,
        1 => Some(format!("whether {names}, which the Terraform plan destroys, holds state is not known")),
        _ => Some(format!("whether {names}{more}, which the Terraform plan destroys, hold state is not known")),
    }
}

fn notes(plan: &Plan, mapping: &Mapping, mut told: Vec<(u8, String)>) -> Vec<String> {
    let count = |wanted: &[Action]| plan.resources.iter().filter(|resource| wanted.contains(&resource.action)).count();
    let parts = [
        (count(&[Action::Create]), "created"),
        (count(&[Action::Update]), "changed in place"),
        (count(&[Action::DeleteThenCreate, Action::CreateThenDelete]), "replaced"),
        (count(&[Action::Delete]), "deleted"),
        (count(&[Action::Forget]), "no longer managed, which does nothing at run time"),
    ];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let n = plan.resources.len();
    let nouns = if n == 1 { "resource" } else { "resources" };
    let mapped = told.len() - mapping.unmapped.len();
    let mut notes =
        vec![format!("the Terraform plan has {n} {nouns}: {}; {mapped} of {} belong to a service", parts.join(", "), told.len())];
    told.sort_by_key(|(rank, _)| *rank);
    // Whatever loses state, or may, is told in full: nothing else in a plan is as hard to take back.
    let certain = told.iter().filter(|(rank, _)| *rank <= 1).count();
    let shown = told.len().min(certain.max(MOST_TOLD));
    let more = told.len() - shown;
    notes.extend(told.into_iter().take(shown).map(|(_, sentence)| sentence));
    if more > 0 {
        notes.push(format!("Terraform: {more} more, none of which loses state"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(address: &str, action: Action) -> ResourceChange {
        let (resource_type, name) = address.rsplit_once('.').expect("a dot");
        ResourceChange {
            address: address.to_owned(),
            resource_type: resource_type.rsplit('.').next().expect("a type").to_owned(),
            name: name.to_owned(),
            action,
            reason: None,
            replace_paths: Vec::new(),
            service_labels: Vec::new(),
        }
    }

    fn land(resources: Vec<ResourceChange>) -> Landed {
        let rule = |service, glob| PathRule { glob, service };
        let rules = [
            rule("shop", "terraform:module.shop"),
            rule("ads", "terraform:module.shop.aws_lambda_function.ads*"),
            rule("web", "terraform:aws_lb.front[\"a/b\"]"),
            rule("web", "src/**"),
        ];
        let plan = Plan { resources, open_questions: Vec::new() };
        land_plan(&plan, &rules, |name| ["shop", "ads", "web", "orders-db"].contains(&name)).expect("good globs")
    }

    fn services(landed: &Landed) -> String {
        landed.mapping.by_service.keys().cloned().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn labels_come_before_names_and_names_before_globs() {
        let labelled =
            |label: &str, address| ResourceChange { service_labels: vec![label.to_owned()], ..resource(address, Action::Update) };
        for (change, expected) in [
            (labelled("web", "module.shop.aws_instance.ads"), "web"),
            (labelled("other", "module.shop.aws_instance.ads"), "ads"),
            (resource("aws_db_instance.orders_db", Action::Update), "orders-db"),
            (resource("module.shop.aws_instance.x", Action::Update), "shop"),
            (resource("module.shop.aws_lambda_function.ads_1", Action::Update), "ads"),
            (resource("module.shops.aws_instance.x", Action::Update), ""),
            (ResourceChange { address: "module.shop[0].a.x".to_owned(), ..resource("a.x", Action::Update) }, "shop"),
            (ResourceChange { address: "aws_lb.front[\"a/b\"]".to_owned(), ..resource("aws_lb.front", Action::Update) }, "web"),
            (ResourceChange { address: "aws_lb.front[\"a\"]".to_owned(), ..resource("aws_lb.front", Action::Update) }, ""),
        ] {
            let landed = land(vec![change.clone()]);
            assert_eq!(services(&landed), expected, "{}", change.address);
            assert_eq!(landed.mapping.unmapped.is_empty(), !expected.is_empty());
        }
    }

    #[test]
    fn state_is_lost_where_it_was_carried() {
        let mut database = resource("aws_db_instance.orders_db", Action::DeleteThenCreate);
        database.reason = Some("replace_because_cannot_update".to_owned());
        database.replace_paths = vec!["engine_version".to_owned()];
        let landed = land(vec![resource("aws_lambda_function.web", Action::Update), database]);
        assert_eq!((landed.change.destructive, landed.change.state_lost.join(" ").as_str()), (TriState::Yes, "orders-db"));
        assert_eq!(
            landed.notes[1],
            "Terraform: aws_db_instance.orders_db (of orders-db) is deleted and then created again, because `engine_version` cannot \
             be changed in place; what it holds is lost"
        );
        let calm = land(vec![resource("aws_lambda_function.web", Action::Delete), resource("aws_sqs_queue.ads", Action::Update)]);
        assert_eq!((calm.change.destructive, calm.change.state_lost.len()), (TriState::No, 0));
    }

    #[test]
    fn unknown_types_leave_a_question_and_forgetting_does_nothing() {
        let landed = land(vec![resource("aws_instance.web", Action::Delete), resource("aws_db_instance.ads", Action::Forget)]);
        assert_eq!(landed.change.destructive, TriState::Unknown);
        assert!(landed.change.open_questions[0].contains("`aws_instance.web`"), "{landed:?}");
        assert_eq!(services(&landed), "web");
        assert!(landed.notes[0].contains("2 resources: 1 deleted, 1 no longer managed"), "{:?}", landed.notes);
    }

    #[test]
    fn code_beside_a_plan_keeps_the_kind_open() {
        use crate::change::files::{ChangedFile, Content, Status};
        let file = |path: &str| ChangedFile {
            old_path: Some(path.to_owned()),
            new_path: Some(path.to_owned()),
            status: Status::Modified,
            content: Content::Text,
            added: 1,
            deleted: 0,
            hunks: Vec::new(),
            parts: Vec::new(),
        };
        for (files, action, kind, destructive) in [
            (vec![], Action::Update, Some(ChangeKind::Infrastructure), TriState::No),
            (vec!["infra/main.tf"], Action::Update, Some(ChangeKind::Infrastructure), TriState::No),
            (vec!["infra/main.tf", "src/x"], Action::Update, None, TriState::Unknown),
            (vec!["src/x"], Action::Delete, None, TriState::Yes),
        ] {
            let mut change = Change { files: files.iter().map(|path| file(path)).collect(), ..Change::default() };
            let mut mapping = None;
            land(vec![resource("aws_db_instance.web", action)]).join(&mut change, &mut mapping);
            assert_eq!((change.kind, change.destructive), (kind, destructive), "{files:?}");
            assert!(mapping.is_some_and(|mapping| mapping.by_service.contains_key("web")));
        }
    }

    #[test]
    fn long_plans_are_told_in_short_but_for_lost_state() {
        let many = |kind: &str, n: usize| (0..n).map(|at| resource(&format!("{kind}.n{at}"), Action::Delete)).collect::<Vec<_>>();
        let landed = land([many("aws_lambda_function", 30), many("aws_db_instance", 12)].concat());
        assert_eq!(landed.notes.len(), 1 + 12 + 1, "{:?}", landed.notes);
        assert!(landed.notes[1].contains("aws_db_instance") && landed.notes[13].contains("30 more"));
    }
}
