//! Conditions of a policy file: expressions of the Common Expression Language over the facts of a verdict.
//!
//! What a condition may name is listed in [`NAMES`]; anything else is an error when the file is read, not a surprise when the gate
//! runs. What must hold: a condition that cannot be judged, because something it asks for is unknown, counts as true, since
//! unknown is never read as harmless; and it is true when it is true anywhere inside the sampling error of the numbers it asks for
//! at their means and ends, so that noise cannot open a gate.

use super::Facts;
use crate::change::facts::{Change, Level, TriState};
use crate::change::files::ChangedFile;
use crate::diagnostic::{Diagnostic, Sources, Span};
use crate::document::Marked;
use crate::risk::assessment::Band;
use crate::risk::review::author_level;
use crate::statistics::Estimate;
use crate::units::ServiceId;
use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use cel::{Context, Program, Value};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Longest expression that is read; a page of text is no condition.
const MOST_BYTES: usize = 512;
/// Stack of the thread that parses. The parser gives up at a depth of 96, which without optimisation takes 12 MB.
const STACK_BYTES: usize = 64 << 20;

/// What a condition may ask for: the table, its fields, and what they are.
pub const NAMES: &[(&str, &[&str])] = &[
    ("risk", &["score", "band", "breach", "user_minutes", "reach"]),
    (
        "change",
        &[
            "title",
            "kind",
            "ai",
            "executes",
            "author",
            "author_level",
            "lines",
            "tests",
            "simulated",
            "first_change",
            "destructive",
            "rollback_tested",
            "rollout",
            "files",
            "services",
            "owners",
            "tiers",
            "effects",
            "weekday",
            "hour",
        ],
    ),
    ("topology", &["age_days", "coverage", "services", "journeys"]),
];

/// A compiled condition.
#[derive(Debug, Clone)]
pub struct Condition {
    /// As it was written.
    pub text: String,
    program: Arc<Program>,
}

/// What a condition says of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It applies.
    True,
    /// It applies at one end of the sampling error, not at the means.
    CloseCall,
    /// It cannot be judged, which counts as true; the reason.
    Unknown(String),
    /// It does not apply.
    False,
}

/// Which side of the intervals is asked.
#[derive(Clone, Copy)]
enum End {
    Mean,
    Low,
    High,
}

impl End {
    fn of(self, estimate: &Estimate) -> f64 {
        match self {
            Self::Mean => estimate.mean,
            Self::Low => estimate.interval.low,
            Self::High => estimate.interval.high,
        }
    }
}

impl Condition {
    /// Compiles an expression and holds every name in it against [`NAMES`].
    ///
    /// # Errors
    /// With the place inside the expression where it can be told.
    pub fn compile(text: &Marked<String>, sources: &Sources) -> Result<Self, Vec<Diagnostic>> {
        let problem = |message: String| Diagnostic::error("bad-condition", message);
        if text.value.len() > MOST_BYTES {
            let message = format!("the condition has {} bytes; at most {MOST_BYTES} are read", text.value.len());
            return Err(vec![problem(message).at(text.span, "")]);
        }
        let program = parsed(&text.value).map_err(|errors| {
            let located = |(line, column, why): &(isize, isize, String)| {
                problem(format!("this is no condition: {why}")).at(inside(text, sources, *line, *column), "")
            };
            errors.iter().map(located).collect::<Vec<_>>()
        })?;
        let mut unknown = Vec::new();
        names(&program.expression().expr, &mut Vec::new(), &mut unknown);
        if unknown.is_empty() {
            return Ok(Self { text: text.value.clone(), program: Arc::new(program) });
        }
        let known: Vec<String> =
            NAMES.iter().flat_map(|(table, fields)| fields.iter().map(move |field| format!("{table}.{field}"))).collect();
        let report = |name: String| {
            let span = text.value.find(&name).map_or(text.span, |at| part(text, sources, at..at + name.len()));
            problem(format!("`{name}` is nothing that a condition can ask for"))
                .at(span, "")
                .help(format!("it can ask for {}", known.join(", ")))
                .suggest(&name, known.iter().map(String::as_str))
        };
        Err(unknown.into_iter().map(report).collect())
    }

    /// Does it hold for a change?
    pub(super) fn holds(&self, facts: &Facts<'_>, change: &Change) -> Answer {
        let mut unknown = None;
        let mut answers = [End::Mean, End::Low, End::High].map(|end| match self.judged(facts, change, end) {
            Ok(answer) => answer,
            Err(why) => {
                unknown = Some(why);
                true
            }
        });
        match (unknown, &mut answers) {
            (Some(why), _) => Answer::Unknown(why),
            (None, [true, _, _]) => Answer::True,
            (None, [false, false, false]) => Answer::False,
            (None, [false, _, _]) => Answer::CloseCall,
        }
    }

    fn judged(&self, facts: &Facts<'_>, change: &Change, end: End) -> Result<bool, String> {
        let mut context = Context::default();
        context.add_variable_from_value("risk", risk_values(facts, end));
        context.add_variable_from_value("change", change_values(facts, change));
        context.add_variable_from_value("topology", topology_values(facts));
        match self.program.execute(&context) {
            Ok(Value::Bool(answer)) => Ok(answer),
            Ok(other) => Err(format!("it is no yes or no but {other:?}")),
            Err(error) => Err(first_line(&error.to_string()).to_owned()),
        }
    }
}

/// The expression, or what is wrong with it by line and column.
fn parsed(text: &str) -> Result<Program, Vec<(isize, isize, String)>> {
    let wrong = |errors: cel::ParseErrors| {
        let one = |error: &cel::ParseError| (error.pos.0, error.pos.1, first_line(&error.msg).to_owned());
        errors.errors.iter().map(one).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let unread = |why: &str| vec![(1, 1, why.to_owned())];
        match thread.spawn_scoped(scope, || Program::compile(text).map_err(wrong)) {
            Ok(running) => running.join().unwrap_or_else(|_| Err(unread("the parser failed on it"))),
            Err(_) => Err(unread("there is no memory to read it")),
        }
    })
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The place of a line and column (both from 1) of the expression; the whole expression where they do not fit into it, as after an
/// escape in the file.
fn inside(text: &Marked<String>, sources: &Sources, line: isize, column: isize) -> Span {
    let start: Option<usize> = (|| {
        let line = usize::try_from(line).ok()?.checked_sub(1)?;
        let before: usize = text.value.split('\n').take(line).map(|line| line.len() + 1).sum();
        let row = text.value.split('\n').nth(line)?;
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        let offset: usize = row.chars().take(column).map(char::len_utf8).sum();
        Some(before + offset)
    })();
    start.map_or(text.span, |at| part(text, sources, at..at))
}

/// A part of the expression, at least a character of it, as a span of the file, where the file has it letter for letter.
fn part(text: &Marked<String>, sources: &Sources, bytes: Range<usize>) -> Span {
    let Marked { value, span } = text;
    let whole = span.start as usize..span.end as usize;
    let written = sources.get(span.source).and_then(|source| source.text.get(whole));
    let Some(quotes) = written.and_then(|written| written.find(value.as_str())) else { return *span };
    let character = value.get(bytes.start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let at = |offset: usize| span.start + (quotes + offset.min(value.len())) as u32;
    Span { start: at(bytes.start), end: at(bytes.end.max(bytes.start + character)), ..*span }
}

/// Names that are not in the list; `bound` are those that a macro such as `exists` brings.
fn names(expression: &Expr, bound: &mut Vec<String>, unknown: &mut Vec<String>) {
    let mut each = |parts: &[&IdedExpr], bound: &mut Vec<String>| {
        for part in parts {
            names(&part.expr, bound, unknown);
        }
    };
    match expression {
        Expr::Ident(name) if !bound.contains(name) && NAMES.iter().all(|(table, _)| table != name) => {
            unknown.push(name.clone());
        }
        Expr::Select(select) => match &select.operand.expr {
            Expr::Ident(table) if !bound.contains(table) => {
                let fields = NAMES.iter().find(|(name, _)| name == table).map(|(_, fields)| *fields);
                if fields.is_none_or(|fields| !fields.contains(&select.field.as_str())) {
                    unknown.push(format!("{table}.{}", select.field));
                }
            }
            operand => names(operand, bound, unknown),
        },
        Expr::Call(call) => {
            let target = call.target.as_deref();
            each(&target.into_iter().chain(&call.args).collect::<Vec<_>>(), bound);
        }
        Expr::List(list) => each(&list.elements.iter().collect::<Vec<_>>(), bound),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    each(&[&entry.key, &entry.value], bound);
                }
            }
        }
        Expr::Struct(made) => unknown.push(made.type_name.clone()),
        Expr::Comprehension(loop_over) => {
            each(&[&loop_over.iter_range, &loop_over.accu_init], bound);
            let before = bound.len();
            bound.extend([loop_over.iter_var.clone(), loop_over.accu_var.clone()]);
            bound.extend(loop_over.iter_var2.clone());
            each(&[&loop_over.loop_cond, &loop_over.loop_step, &loop_over.result], bound);
            bound.truncate(before);
        }
        _ => {}
    }
}

/// A table of values; what is unknown is missing, so that asking for it is an error, which counts as true.
fn table(entries: Vec<(&'static str, Option<Value>)>) -> Value {
    let known: HashMap<String, Value> = entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    known.into()
}

fn number(value: f64) -> Option<Value> {
    value.is_finite().then_some(Value::Float(value))
}

fn text(value: &str) -> Option<Value> {
    Some(value.to_owned().into())
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> Option<Value> {
    let mut list: Vec<Value> = Vec::new();
    for value in values {
        let value: Value = value.to_owned().into();
        if !list.contains(&value) {
            list.push(value);
        }
    }
    Some(list.into())
}

fn risk_values(facts: &Facts<'_>, end: End) -> Value {
    let decision = facts.decision;
    let score = decision.and_then(|risk| risk.score).map(|score| end.of(&score));
    let band = score.map_or(Band::Orange, |score| facts.policy.band(score));
    table(vec![
        ("score", score.and_then(number)),
        ("band", score.and(text(band.as_str()))),
        ("breach", decision.and_then(|risk| number(end.of(&risk.breach?)))),
        ("user_minutes", decision.and_then(|risk| number(end.of(&risk.expected_user_minutes?)))),
        ("reach", facts.reach.and_then(|reach| number(end.of(&reach)))),
    ])
}

fn change_values(facts: &Facts<'_>, change: &Change) -> Value {
    let system = facts.system;
    let mut named: Vec<ServiceId> = Vec::new();
    for endpoint in change.services.iter().filter_map(|name| system.resolve(name).ok()) {
        if !named.contains(&endpoint.service) {
            named.push(endpoint.service);
        }
    }
    // A change that only a diff describes lands where the assessment found.
    let ids = if named.is_empty() { facts.services } else { &named };
    let services = || ids.iter().map(|id| system.service(*id));
    let tiers: Vec<Value> = services().map(|service| Value::Int(i64::from(service.tier.unwrap_or(2)))).collect();
    let level = author_level(change, facts.team);
    let whole = |value: i64| Some(Value::Int(value));
    // What nobody says is left out: whatever asks for it is unknown, and that counts as yes.
    let answer = |answer: TriState| (answer != TriState::Unknown).then(|| text(answer.as_str())).flatten();
    table(vec![
        ("title", change.title.as_deref().and_then(text)),
        ("kind", change.kind.and_then(|kind| text(kind.as_str()))),
        ("ai", answer(change.ai_assisted.answer)),
        ("executes", answer(change.agent_executes)),
        ("author", change.author.name.as_deref().and_then(text)),
        ("author_level", (level != Level::Unknown).then(|| text(level.as_str())).flatten()),
        ("lines", change.lines.and_then(|lines| i64::try_from(lines).ok()).and_then(whole)),
        ("tests", change.test_coverage.and_then(number)),
        ("simulated", answer(change.simulated)),
        ("first_change", answer(change.first_change)),
        ("destructive", answer(change.destructive)),
        ("rollback_tested", answer(change.rollback_tested)),
        ("rollout", change.rollout.and_then(|rollout| text(rollout.strategy.as_str()))),
        ("files", texts(change.files.iter().flat_map(ChangedFile::touched_paths))),
        ("services", texts(ids.iter().map(|id| system.service_name(*id)))),
        ("owners", texts(services().filter_map(|service| service.owner.as_deref()))),
        ("tiers", Some(tiers.into())),
        ("effects", texts(services().flat_map(|service| service.effects.iter().map(|effect| effect.as_str())))),
        ("weekday", change.happens_at().and_then(|at| whole(i64::from(at.weekday().to_monday_one_offset())))),
        ("hour", change.happens_at().and_then(|at| whole(i64::from(at.hour())))),
    ])
}

fn topology_values(facts: &Facts<'_>) -> Value {
    let whole = |count: usize| i64::try_from(count).ok().map(Value::Int);
    table(vec![
        ("age_days", facts.quality.age_days.map(Value::Int)),
        ("coverage", facts.quality.coverage.and_then(number)),
        ("services", whole(facts.system.service_count())),
        ("journeys", whole(facts.system.journeys().len())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(text: &str) -> Result<Condition, Vec<Diagnostic>> {
        let mut sources = Sources::default();
        let source = sources.add("policy.yaml", text);
        let span = Span { source, start: 0, end: text.len() as u32 };
        Condition::compile(&Marked { value: text.to_owned(), span }, &sources)
    }

    /// What the file says at the place of the first problem.
    fn marked(file: &str, expression: &str) -> String {
        let mut sources = Sources::default();
        let source = sources.add("policy.yaml", file);
        let span = Span { source, start: 2, end: file.len() as u32 - 1 };
        let problems = Condition::compile(&Marked { value: expression.to_owned(), span }, &sources).expect_err("refused");
        let place = problems[0].labels[0].span;
        file.get(place.start as usize..place.end as usize).unwrap_or_else(|| panic!("{place:?} cuts a character")).to_owned()
    }

    #[test]
    fn a_problem_is_marked_letter_for_letter_or_as_a_whole() {
        assert_eq!(marked("- 1 + ä ", "1 + ä"), "ä");
        assert_eq!(marked("- \"risk.score > 1 || change\u{feff}nes\" ", "risk.score > 1 || change\u{feff}nes"), "\u{feff}");
        assert_eq!(marked("- 'change.nope' ", "change.nope"), "change.nope");
        // Escaped or folded, the letters of the file are others: as many as two quotes would add.
        assert_eq!(marked("- ä\n  + 1 ", "ä + 1"), "ä\n  + 1");
        assert_eq!(marked("- \"\\u00e4 + 1\" ", "ä + 1"), "\"\\u00e4 + 1\"");
        assert_eq!(marked("- 1 +  ", "1 +"), "");
    }

    #[test]
    fn no_expression_is_too_much_for_the_parser() {
        let many = |piece: &str, end: &str| piece.repeat((MOST_BYTES - 4) / piece.len() - end.len()) + end;
        for text in [
            many("(", "true"),
            many("[", "1"),
            many("!", "true"),
            many("-", "1"),
            many("true ? 1 : ", "2"),
            "(".repeat(250) + "true" + &")".repeat(250),
            "(".repeat(80) + "true" + &")".repeat(80),
            many("1+", "1"),
            many("true||", "true"),
            many("1<", "1"),
            "change".to_owned() + &many(".title", ""),
            many("\"(\" +", "\"(\""),
            many("{1:", "1"),
            many("size(", "1"),
            "[1].exists(a, ".repeat(12) + "true" + &")".repeat(12),
        ] {
            // Whatever comes out, it comes out.
            _ = compiled(&text);
        }
    }

    #[test]
    fn names_are_held_against_the_list() {
        for good in
            ["change.lines > 1", "[1, 2].exists(x, x > change.lines)", "has(change.tests) && change.files.all(f, f != '')"]
        {
            assert!(compiled(good).is_ok(), "{good}");
        }
        for bad in ["lines > 1", "change.line", "risk > ", "other.lines", "change.files.all(f, g != '')", "x{a: 1}"] {
            let problems = compiled(bad).expect_err(bad);
            assert!(problems.iter().all(|problem| !problem.labels.is_empty()), "{bad}");
        }
    }
}
