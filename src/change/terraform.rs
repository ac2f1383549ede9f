//! Reads what `terraform show -json PLANFILE` writes: which resources a plan creates, updates, replaces, deletes or forgets.
//!
//! Formats 1.x of Terraform and OpenTofu (`format_version`); keys that are not needed are not looked at, so later minor versions are
//! read as well. Values of resources are read for the labels that name a service and for nothing else: a plan may hold secrets.
//! What must hold: what cannot be understood is an error with its place or an open question, never a smaller plan; `no-op` and
//! `read` are nothing. Where resources belong is in [`super::terraform_land`].

use crate::diagnostic::{Diagnostic, SourceId, Sources};
use crate::document::{self, Format, Node, Value};

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Create,
    /// It is changed in place.
    Update,
    /// It goes.
    Delete,
    /// The old one goes, then a new one comes: there is none in between.
    DeleteThenCreate,
    /// A new one comes, then the old one goes.
    CreateThenDelete,
    /// It stays as it is, but is no longer looked after.
    Forget,
}

impl Action {
    /// Whether the old object is destroyed.
    pub fn destroys(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteThenCreate | Self::CreateThenDelete)
    }
}

/// One resource that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChange {
    /// The full address, such as `module.shop.aws_db_instance.orders[0]`.
    pub address: String,
    /// The type, such as `aws_db_instance`.
    pub resource_type: String,
    /// The name in its block, such as `orders`.
    pub name: String,
    /// What happens to it.
    pub action: Action,
    /// Why, in the word of the plan.
    pub reason: Option<String>,
    /// Attributes that cannot be changed in place, such as `engine_version`.
    pub replace_paths: Vec<String>,
    /// What its tags and labels `service` say, before and after.
    pub service_labels: Vec<String>,
}

/// What a plan does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The resources that change, in the order of the plan.
    pub resources: Vec<ResourceChange>,
    /// Why the plan may not be the whole change, as sentences.
    pub open_questions: Vec<String>,
}

const EXPECTED: &str = "expected the output of `terraform show -json PLANFILE`";

/// Reads a plan.
///
/// # Errors
/// All places that cannot be understood.
///
/// # Panics
/// When `id` is not of `sources`.
pub fn read_plan(sources: &Sources, id: SourceId) -> Result<Plan, Vec<Diagnostic>> {
    let root = document::parse(sources, id, Format::Json).map_err(|errors| {
        let with_help = |error: Diagnostic| if error.help.is_none() { error.help(EXPECTED) } else { error };
        errors.into_iter().map(with_help).collect::<Vec<_>>()
    })?;
    let list = resource_list(&root).map_err(|problem| vec![problem.help(EXPECTED)])?;
    let mut plan = Plan { open_questions: whole_plan(&root), ..Plan::default() };
    let mut problems = Vec::new();
    for node in list {
        match resource(node) {
            Ok(Some((resource, question))) => {
                plan.resources.push(resource);
                plan.open_questions.extend(question);
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem.help(EXPECTED)),
        }
    }
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// The list of changes, once it is sure that this is a plan of a known format.
fn resource_list(root: &Node) -> Result<&[Node], Diagnostic> {
    if !matches!(root.value, Value::Table(_)) {
        return Err(Diagnostic::error("no-plan", "this is no Terraform plan: it is no table").at(root.anchor(), ""));
    }
    let Some((_, version)) = root.entry("format_version") else {
        let message = "this is no Terraform plan: it has no `format_version`";
        return Err(Diagnostic::error("no-plan", message).at(root.anchor(), ""));
    };
    let major = version.text().and_then(|text| text.split('.').next());
    if major != Some("1") {
        let message = match version.text() {
            Some(text) => format!("plans of format {text} are not known"),
            None => "`format_version` is no text".to_owned(),
        };
        return Err(Diagnostic::error("plan-format", message).at(version.anchor(), "expected 1.x"));
    }
    match root.entry("resource_changes") {
        Some((_, Node { value: Value::Sequence(list), .. })) => Ok(list),
        Some((_, other)) if !other.is_null() => {
            Err(Diagnostic::error("bad-value", "`resource_changes` is no list").at(other.anchor(), ""))
        }
        // A plan without resources leaves the list out, a state has `values` instead.
        _ if root.entry("values").is_some() && root.entry("planned_values").is_none() => {
            let message = "this is a state, not a plan: it has `values` and no `resource_changes`";
            Err(Diagnostic::error("no-plan", message).at(root.anchor(), ""))
        }
        _ => Ok(&[]),
    }
}

/// What the plan says about itself that leaves a question open.
fn whole_plan(root: &Node) -> Vec<String> {
    let is = |key: &str, wanted: bool| matches!(root.entry(key), Some((_, Node { value: Value::Bool(value), .. })) if *value == wanted);
    let mut open = Vec::new();
    if is("errored", true) {
        open.push("planning ended in an error (`errored`): the plan shows only a part of the change".to_owned());
    }
    if is("complete", false) {
        open.push("the plan says that it is not complete: applying it leaves changes for another plan".to_owned());
    }
    let deferred = root.entry("deferred_changes").map_or(0, |(_, list)| list.items().len());
    if deferred > 0 {
        let noun = if deferred == 1 { "change" } else { "changes" };
        open.push(format!("the plan defers {deferred} {noun}, whose content is not known yet"));
    }
    for key in ["action_invocations", "deferred_action_invocations"] {
        let count = root.entry(key).map_or(0, |(_, list)| list.items().len());
        if count > 0 {
            let noun = if count == 1 { "action" } else { "actions" };
            open.push(format!("the plan invokes {count} {noun} of providers (`{key}`): what they do is not known"));
        }
    }
    open
}

type Found = Option<(ResourceChange, Option<String>)>;

/// One entry of `resource_changes`; `None` where nothing happens to it.
fn resource(node: &Node) -> Result<Found, Diagnostic> {
    let text = |key: &str| node.entry(key).and_then(|(_, value)| value.text());
    let Some(address) = text("address").filter(|address| !address.is_empty()) else {
        return Err(Diagnostic::error("bad-resource", "a resource has no `address`").at(node.anchor(), ""));
    };
    let missing = |what: &str| Diagnostic::error("bad-resource", format!("{address} has no {what}")).at(node.anchor(), "");
    let Some((_, change)) = node.entry("change") else { return Err(missing("`change`")) };
    let Some((_, actions)) = change.entry("actions") else { return Err(missing("`change.actions`")) };
    let words: Vec<&str> = actions.items().iter().filter_map(Node::text).collect();
    if words.is_empty() || words.len() != actions.items().len() {
        let message = format!("`actions` of {address} is no list of words");
        return Err(Diagnostic::error("bad-resource", message).at(actions.anchor(), "such as [\"update\"]"));
    }
    if text("mode") == Some("data") {
        return Ok(None);
    }
    let (action, question) = match action(&words) {
        Ok(None) => return Ok(None),
        Ok(Some(action)) => (action, None),
        Err(word) => (Action::Update, Some(format!("what the action `{word}` does to {address} is not known"))),
    };
    // Without both the address ends in `TYPE.NAME`, behind the modules.
    let (own_type, own_name) = type_and_name(address);
    let replace_paths = change.entry("replace_paths").map(|(_, list)| list.items().iter().map(attribute).collect());
    let resource = ResourceChange {
        address: address.to_owned(),
        resource_type: text("type").unwrap_or(own_type).to_owned(),
        name: text("name").unwrap_or(own_name).to_owned(),
        action,
        reason: text("action_reason").map(str::to_owned),
        replace_paths: replace_paths.unwrap_or_default(),
        service_labels: ["before", "after"].into_iter().flat_map(|side| labels(change, side)).fold(Vec::new(), add_once),
    };
    Ok(Some((resource, question)))
}

fn add_once(mut all: Vec<String>, one: String) -> Vec<String> {
    if !all.contains(&one) {
        all.push(one);
    }
    all
}

/// The action behind the words; `None` for nothing, the word where one is not known.
fn action<'a>(words: &[&'a str]) -> Result<Option<Action>, &'a str> {
    const KNOWN: [&str; 6] = ["no-op", "read", "create", "update", "delete", "forget"];
    if let Some(word) = words.iter().find(|word| !KNOWN.contains(word)) {
        return Err(word);
    }
    let place = |wanted: &str| words.iter().position(|word| *word == wanted);
    // Another object takes the place of one that stays where it is, with all that it holds.
    if place("create").is_some() && place("forget").is_some() {
        return Err("create and forget");
    }
    Ok(match (place("create"), place("delete")) {
        (Some(create), Some(delete)) if create < delete => Some(Action::CreateThenDelete),
        (Some(_), Some(_)) => Some(Action::DeleteThenCreate),
        (None, Some(_)) => Some(Action::Delete),
        _ if place("update").is_some() => Some(Action::Update),
        (Some(_), None) => Some(Action::Create),
        _ => place("forget").map(|_| Action::Forget),
    })
}

/// `orders` of type `aws_db_instance` for `module.a["x.y"].aws_db_instance.orders["k.l"]`.
fn type_and_name(address: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    let mut is_quoted = false;
    let is_dot = |(at, sign): (usize, char)| {
        match sign {
            '"' => is_quoted = !is_quoted,
            '[' if !is_quoted => depth += 1,
            ']' if !is_quoted => depth = depth.saturating_sub(1),
            '.' if !is_quoted && depth == 0 => return Some(at),
            _ => {}
        }
        None
    };
    let dots: Vec<usize> = address.char_indices().filter_map(is_dot).collect();
    let Some(last) = dots.last() else { return ("", address) };
    let first = dots.len().checked_sub(2).map_or(0, |before| dots[before] + 1);
    let name = &address[last + 1..];
    (&address[first..*last], name.split('[').next().unwrap_or(name))
}

/// `rule[0].port` for `["rule", 0, "port"]`.
fn attribute(path: &Node) -> String {
    let mut text = String::new();
    for step in path.items() {
        match (step.text(), &step.value) {
            (Some(name), _) if text.is_empty() => text.push_str(name),
            (Some(name), _) => text = format!("{text}.{name}"),
            (None, Value::Integer(at)) => text = format!("{text}[{at}]"),
            _ => text.push_str("[?]"),
        }
    }
    text
}

/// Labels `service` of one side: `tags` and `tags_all` (AWS, Azure), `labels` (Google), `metadata.labels` (Kubernetes).
fn labels(change: &Node, side: &str) -> Vec<String> {
    let Some((_, values)) = change.entry(side) else { return Vec::new() };
    let of_tables = ["tags", "tags_all", "labels"].into_iter().filter_map(|key| values.entry(key).map(|(_, table)| table));
    let metadata = values.entry("metadata").map_or(&[][..], |(_, list)| list.items());
    let of_metadata = metadata.iter().filter_map(|one| one.entry("labels").map(|(_, table)| table));
    let entries = of_tables.chain(of_metadata).flat_map(|table| table.entries());
    let named = entries.filter(|(key, _)| key.text.eq_ignore_ascii_case("service"));
    named.filter_map(|(_, value)| value.text()).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Plan, Vec<Diagnostic>> {
        let mut sources = Sources::default();
        let id = sources.add("plan.json", text);
        read_plan(&sources, id)
    }

    fn plan(changes: &str) -> Plan {
        read(&format!(r#"{{"format_version": "1.2", "resource_changes": [{changes}]}}"#)).expect(changes)
    }

    fn one(actions: &str) -> Option<Action> {
        let text = format!(r#"{{"address": "a.b", "change": {{"actions": {actions}}}}}"#);
        plan(&text).resources.first().map(|resource| resource.action)
    }

    #[test]
    fn actions_are_those_of_the_plan_format() {
        for (actions, expected) in [
            (r#"["no-op"]"#, None),
            (r#"["read"]"#, None),
            (r#"["create"]"#, Some(Action::Create)),
            (r#"["update"]"#, Some(Action::Update)),
            (r#"["delete"]"#, Some(Action::Delete)),
            (r#"["delete", "create"]"#, Some(Action::DeleteThenCreate)),
            (r#"["create", "delete"]"#, Some(Action::CreateThenDelete)),
            (r#"["forget"]"#, Some(Action::Forget)),
            (r#"["create", "forget"]"#, Some(Action::Update)),
            (r#"["forget", "create"]"#, Some(Action::Update)),
        ] {
            assert_eq!(one(actions), expected, "{actions}");
        }
    }

    #[test]
    fn reasons_attributes_and_labels_are_read_and_data_sources_are_nothing() {
        let found = plan(
            r#"{"address": "module.m[\"a.b\"].aws_db_instance.orders[\"k.l\"]", "action_reason": "replace_because_cannot_update",
               "change": {"actions": ["delete", "create"], "replace_paths": [["engine"], ["rule", 0, "port"]],
                          "before": {"tags": {"Service": "orders"}, "tags_all": null},
                          "after": {"tags_all": {"service": "orders", "team": "x"}, "metadata": [{"labels": {"service": "shop"}}]}}},
               {"address": "data.a.b", "mode": "data", "change": {"actions": ["create"]}}"#,
        );
        let [resource] = found.resources.as_slice() else { panic!("{found:?}") };
        assert_eq!((resource.resource_type.as_str(), resource.name.as_str()), ("aws_db_instance", "orders"));
        assert_eq!(resource.replace_paths, ["engine", "rule[0].port"]);
        assert_eq!(resource.service_labels, ["orders", "shop"]);
        assert_eq!(resource.reason.as_deref(), Some("replace_because_cannot_update"));
    }

    #[test]
    fn half_plans_and_unknown_actions_leave_questions() {
        let text = r#"{"format_version": "1.9", "errored": true, "complete": false, "deferred_changes": [{}],
            "action_invocations": [{"address": "action.x.y"}], "deferred_action_invocations": [{}, {}],
            "resource_changes": [{"address": "a.b", "change": {"actions": ["transmute"]}},
                                 {"address": "a.c", "change": {"actions": ["create", "forget"]}}]}"#;
        let found = read(text).expect("a plan");
        assert_eq!(found.open_questions.len(), 7, "{found:?}");
        assert!(
            found.open_questions[3].contains("invokes 1 action of") && found.open_questions[4].contains("invokes 2 actions of")
        );
        assert!(found.open_questions[5].contains("`transmute` does to a.b"));
        assert!(found.open_questions[6].contains("`create and forget` does to a.c"));
        assert_eq!(plan("").open_questions, [""; 0]);
    }

    #[test]
    fn what_is_no_plan_is_an_error_with_its_place() {
        for (text, message, at) in [
            ("[]", "it is no table", 0),
            (r#"{"a": 1}"#, "no `format_version`", 1),
            (r#"{"format_version": "2.0"}"#, "format 2.0", 19),
            (r#"{"format_version": "1.0", "values": {}}"#, "this is a state", 1),
            (r#"{"format_version": "1.0", "resource_changes": {}}"#, "is no list", 46),
            (r#"{"format_version": "1.0", "resource_changes": [{}]}"#, "no `address`", 47),
            (r#"{"format_version": "1.0", "resource_changes": [{"address": "a.b"}]}"#, "a.b has no `change`", 48),
            (r#"{"format_version": "1.0", "resource_changes": [{"address": "a.b", "change": {}}]}"#, "`change.actions`", 48),
            (r#"{"format_version": "1.0", "resource_changes": [{"address": "a", "change": {"actions": [1]}}]}"#, "of words", 86),
            ("{\"@level\":\"info\"}\n{}", "end of the file", 18),
            ("", "empty", 0),
        ] {
            let errors = read(text).expect_err(text);
            assert!(errors[0].message.contains(message), "{text}: {}", errors[0].message);
            assert_eq!(errors[0].labels[0].span.start, at, "{text}");
            assert!(errors[0].help.is_some(), "{text}");
        }
    }

    #[test]
    fn types_and_names_stand_at_the_end_of_an_address() {
        for (address, expected) in [
            ("aws_lb.front", ("aws_lb", "front")),
            ("module.a.aws_lb.front[0]", ("aws_lb", "front")),
            ("module.a[\"x.y[\"].aws_lb.front[\"z.\"]", ("aws_lb", "front")),
            ("odd", ("", "odd")),
            ("é.ü", ("é", "ü")),
        ] {
            assert_eq!(type_and_name(address), expected, "{address}");
        }
    }
}
