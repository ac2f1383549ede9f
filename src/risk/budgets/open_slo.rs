//! Objectives of OpenSLO v1.
//!
//! Of an SLO its names, service, targets and window count; how it is measured is not asked. Objects of other kinds, of which files
//! are full, are passed over. Calendar-aligned windows count by their length: a month as 30 days, a quarter as 90, a year as 365.
//! Of several targets the highest counts: it has the smallest budget. Source: specification OpenSLO v1 (README and Go SDK of the
//! project).

use super::Objective;
use crate::diagnostic::{Diagnostic, nearest};
use crate::document::{Marked, Node, Scalar, Value};
use crate::units::Ticks;

/// Annotation or label that names the journey.
const JOURNEY: &str = "shockfront/journey";
/// The version that is read, as files and as resources of Kubernetes write it.
const VERSIONS: [&str; 2] = ["openslo/v1", "openslo.com/v1"];
const OTHER_KINDS: [&str; 7] =
    ["DataSource", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service", "BudgetAdjustment"];
const METHODS: [&str; 3] = ["Occurrences", "Timeslices", "RatioTimeslices"];
/// Windows beyond this are a slip of the pen.
const LONGEST_DAYS: u64 = 3_660;

/// What an object is.
pub(super) enum Object {
    /// Not of OpenSLO.
    Foreign,
    /// Of OpenSLO, and of no interest here.
    Other,
    /// An SLO.
    Objective(Objective),
}

/// Reads one object.
pub(super) fn read(root: &Node, file: &str, warnings: &mut Vec<Diagnostic>) -> Result<Object, Vec<Diagnostic>> {
    let text = |key: &str| root.entry(key).and_then(|(_, value)| value.text());
    let one = |problem| vec![problem];
    let (version, kind) = (text("apiVersion"), text("kind"));
    let is_ours = version.is_some_and(|version| version.to_lowercase().starts_with("openslo"));
    match (version, kind) {
        (None, Some("SLO")) => {
            return Err(one(missing(root, "apiVersion", "expected `openslo/v1`")));
        }
        (None, _) => {
            let near = ["apiVersion", "schema"].into_iter().find(|key| nearest(key, keys(root)).is_some());
            return near.map_or(Ok(Object::Foreign), |key| Err(one(missing(root, key, "").suggest(key, keys(root)))));
        }
        (Some(version), _) if !VERSIONS.contains(&version) => {
            if !is_ours && kind != Some("SLO") {
                return Ok(Object::Foreign);
            }
            let message = format!("expected `openslo/v1`, found `{version}`");
            return Err(one(Diagnostic::error("wrong-version", message).at(place(root, "apiVersion"), "")));
        }
        _ => {}
    }
    match kind {
        Some("SLO") => objective(root, file, warnings).map(Object::Objective),
        Some(kind) if OTHER_KINDS.contains(&kind) => Ok(Object::Other),
        Some(kind) => {
            let problem = Diagnostic::error("unknown-kind", format!("OpenSLO has no kind `{kind}`")).at(place(root, "kind"), "");
            Err(one(problem.suggest(kind, OTHER_KINDS.into_iter().chain(["SLO"]))))
        }
        None => Err(one(missing(root, "kind", "expected `SLO`"))),
    }
}

fn keys(node: &Node) -> impl Iterator<Item = &str> {
    node.entries().iter().map(|(key, _)| &*key.text)
}

fn place(node: &Node, key: &str) -> crate::diagnostic::Span {
    node.entry(key).map_or(node.anchor(), |(_, value)| value.anchor())
}

fn missing(node: &Node, key: &str, expected: &str) -> Diagnostic {
    Diagnostic::error("missing-key", format!("missing key `{key}`")).at(node.anchor(), expected).suggest(key, keys(node))
}

fn bad(node: &Node, message: impl Into<String>, expected: &str) -> Diagnostic {
    Diagnostic::error("bad-value", message).at(node.anchor(), expected)
}

/// Keeps what is right, collects what is wrong.
fn kept<T>(read: Result<T, Diagnostic>, problems: &mut Vec<Diagnostic>) -> Option<T> {
    read.map_err(|problem| problems.push(problem)).ok()
}

fn objective(root: &Node, file: &str, warnings: &mut Vec<Diagnostic>) -> Result<Objective, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let metadata = kept(table(root, "metadata"), &mut problems);
    let spec = kept(table(root, "spec"), &mut problems);
    let name = metadata.and_then(|metadata| kept(word(metadata, "name"), &mut problems));
    let journey = metadata.and_then(|metadata| kept(journey(metadata), &mut problems)).flatten();
    let service = spec.and_then(|spec| kept(word(spec, "service"), &mut problems));
    let window = spec.and_then(|spec| kept(window(spec), &mut problems)).flatten();
    let percent = spec.and_then(|spec| targets(spec, warnings, &mut problems));
    if let Some((_, method)) = spec.and_then(|spec| spec.entry("budgetingMethod")) {
        let said = method.text().unwrap_or_default();
        if !METHODS.contains(&said) {
            problems
                .push(bad(method, "this is no budgeting method", "expected Occurrences or Timeslices").suggest(said, METHODS));
        }
    }
    match (name, service, percent) {
        (Some(name), Some(service), Some(percent)) if problems.is_empty() => {
            Ok(Objective { name, journey, service, percent, window, file: file.to_owned() })
        }
        _ => Err(problems),
    }
}

fn table<'a>(node: &'a Node, key: &str) -> Result<&'a Node, Diagnostic> {
    match node.entry(key) {
        Some((_, value)) if matches!(value.value, Value::Table(_)) => Ok(value),
        Some((_, value)) => Err(bad(value, format!("`{key}` is no table"), "expected keys and values")),
        None => Err(missing(node, key, "")),
    }
}

fn word(node: &Node, key: &str) -> Result<String, Diagnostic> {
    match node.entry(key) {
        Some((_, value)) => match value.text().filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text.to_owned()),
            None => Err(bad(value, format!("`{key}` is no name"), "expected a name")),
        },
        None => Err(missing(node, key, "")),
    }
}

/// The journey that an annotation or a label names; the values of labels may be lists.
fn journey(metadata: &Node) -> Result<Option<Marked<String>>, Diagnostic> {
    let of = |key: &str| metadata.entry(key).and_then(|(_, table)| table.entry(JOURNEY)).map(|(_, value)| value);
    let Some(value) = of("annotations").or_else(|| of("labels")) else { return Ok(None) };
    let said = match value.items() {
        [] => value,
        [one] => one,
        _ => return Err(bad(value, "an objective is for one journey", "expected one name")),
    };
    match said.text() {
        Some(text) => Ok(Some(Marked { value: text.to_owned(), span: said.span })),
        None => Err(bad(value, "this is no name of a journey", "expected a name")),
    }
}

/// The length of the one window; `None` where there is none.
fn window(spec: &Node) -> Result<Option<Ticks>, Diagnostic> {
    let Some((_, windows)) = spec.entry("timeWindow") else { return Ok(None) };
    let [window] = windows.items() else {
        return Err(bad(windows, "an SLO has one time window", "expected a list of one window"));
    };
    let Some((_, duration)) = window.entry("duration") else { return Err(missing(window, "duration", "expected such as 30d")) };
    let wrong = || bad(duration, "this is no time window", "expected a number and one of m, h, d, w, M, Q, Y, such as 30d");
    let text = duration.text().unwrap_or_default();
    let Some((at, unit)) = text.char_indices().last() else { return Err(wrong()) };
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 1_440,
        'w' => 7 * 1_440,
        'M' => 30 * 1_440,
        'Q' => 90 * 1_440,
        'Y' => 365 * 1_440,
        _ => return Err(wrong()),
    };
    let digits = &text[..at];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_number { digits.parse::<u64>().ok() } else { None };
    match number.and_then(|number| number.checked_mul(minutes)) {
        Some(minutes @ 1..) if minutes <= LONGEST_DAYS * 1_440 => Ok(Some(Ticks(minutes * Ticks::PER_MINUTE))),
        _ => Err(wrong()),
    }
}

/// The highest target in percent.
fn targets(spec: &Node, warnings: &mut Vec<Diagnostic>, problems: &mut Vec<Diagnostic>) -> Option<f64> {
    let Some((_, list)) = spec.entry("objectives") else {
        problems.push(missing(spec, "objectives", "expected such as `objectives: [{target: 0.999}]`"));
        return None;
    };
    if list.items().is_empty() {
        problems.push(bad(list, "an SLO has at least one objective", "expected such as `[{target: 0.999}]`"));
    }
    let mut highest = None;
    for item in list.items() {
        if let Some(percent) = kept(target(item, warnings), problems) {
            highest = Some(highest.map_or(percent, |known: f64| known.max(percent)));
        }
    }
    highest
}

fn target(item: &Node, warnings: &mut Vec<Diagnostic>) -> Result<f64, Diagnostic> {
    let value = |key: &str| item.entry(key).map(|(_, value)| value);
    let number = |node: &Node, below: f64, expected: &str| {
        let found = match node.scalar() {
            Some(Scalar::Integer(value)) => value as f64,
            Some(Scalar::Float(value)) => value,
            _ => f64::NAN,
        };
        if (0.0..below).contains(&found) { Ok(found) } else { Err(bad(node, "this is no target", expected)) }
    };
    match (value("target"), value("targetPercent")) {
        (Some(share), None) => Ok(100.0 * number(share, 1.0, "expected a number from 0 to below 1, such as 0.999")?),
        (None, Some(node)) => {
            let percent = number(node, 100.0, "expected a number from 0 to below 100, such as 99.9")?;
            if percent > 0.0 && percent < 1.0 {
                let warning = Diagnostic::warning("suspicious-target", format!("a target of {percent} % is hardly one"));
                warnings.push(warning.at(node.anchor(), "").help("`target` takes shares, `targetPercent` percentages"));
            }
            Ok(percent)
        }
        (None, None) => Err(missing(item, "target", "expected `target` or `targetPercent`")),
        (Some(_), Some(node)) => Err(bad(node, "`target` and `targetPercent` say the same twice", "remove one of them")),
    }
}
