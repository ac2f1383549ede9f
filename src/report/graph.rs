//! A system as a graph in the words of other programs: DOT and Mermaid. `graph_svg` draws it without them.
//!
//! An arrow points from the consumer to the provider, dashed where the dependency is soft, dotted where it is asynchronous.
//! Several dependencies between the same two services make one arrow for each word beside it; of calls, which have no word, the
//! strongest is drawn: hard before soft. An asynchronous one keeps its own arrow.

use super::escape;
use crate::model::System;
use crate::model::facts::DependencyKind;
use crate::units::ServiceId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

/// What Mermaid draws by default; neither can be raised from inside a drawing.
const MERMAID_ARROWS: usize = 500;
const MERMAID_CHARACTERS: usize = 50_000;

/// What to draw.
#[derive(Debug, Clone)]
pub struct Drawing<'a> {
    /// The system.
    pub system: &'a System,
    /// The services to draw, ascending; arrows between any others are left out.
    pub services: Vec<ServiceId>,
    /// A second line under the name, such as P(impaired).
    pub notes: BTreeMap<ServiceId, String>,
    /// Whether services of one owner stand together (DOT only).
    pub by_owner: bool,
    /// How many dependencies away from the fault each service stands; then these are the layers, the fault at the right (SVG only).
    pub hops: Option<Vec<usize>>,
}

impl<'a> Drawing<'a> {
    /// The whole system.
    pub fn whole(system: &'a System) -> Self {
        Self::of(system, system.service_ids())
    }

    /// Some services of it.
    pub fn of(system: &'a System, services: impl IntoIterator<Item = ServiceId>) -> Self {
        let services: BTreeSet<ServiceId> = services.into_iter().collect();
        Self { system, services: services.into_iter().collect(), notes: BTreeMap::new(), by_owner: false, hops: None }
    }

    /// At most so many of the services that were hit (each with P(impaired)), grown from the sources: next comes the likeliest
    /// consumer of what is drawn, so that the drawing hangs together; where there is none any more the likeliest provider, and then the
    /// likeliest of the rest. O((services + dependencies) log services).
    pub fn around(system: &'a System, sources: &[ServiceId], hit: &[(ServiceId, f64)], most: usize) -> Self {
        let mut known = hit.to_vec();
        known.sort_by_key(|(id, _)| *id);
        let position = |id: ServiceId| known.binary_search_by_key(&id, |(known, _)| *known).ok();
        // Consumers come before providers, and sources before both.
        let (source, consumer, provider) = (2_u8, 1_u8, 0_u8);
        let mut neighbours = vec![Vec::new(); known.len()];
        for id in system.dependency_ids() {
            if let (Some(from), Some(to)) = (position(system.consumer(id).service), position(system.provider(id).service)) {
                neighbours[from].push((provider, to));
                neighbours[to].push((consumer, from));
            }
        }
        // Probabilities are not negative, so their bits are in their order; of equals the first in file order.
        let rank = |at: usize| (known[at].1.max(0.0).to_bits(), Reverse(at));
        let mut rest: Vec<usize> = (0..known.len()).collect();
        rest.sort_by_key(|at| Reverse(rank(*at)));
        let mut rest = rest.into_iter();
        let mut drawn = BTreeSet::new();
        let mut open: BinaryHeap<(u8, _)> = sources.iter().filter_map(|id| position(*id)).map(|at| (source, rank(at))).collect();
        while drawn.len() < most {
            let Some(at) = open.pop().map(|(_, (_, at))| at.0).or_else(|| rest.next()) else { break };
            if drawn.insert(at) {
                let next = neighbours[at].iter().filter(|(_, next)| !drawn.contains(next));
                open.extend(next.map(|(kind, next)| (*kind, rank(*next))));
            }
        }
        Self::of(system, drawn.into_iter().map(|at| known[at].0))
    }

    /// Lays the drawing out by distance from the sources of a fault: over dependencies from provider to consumer, as failures go; what
    /// these do not connect stands behind its nearest neighbour, as an overloaded provider does; what nothing connects stands farthest.
    /// A drawing without any source stays as it is. O(services + dependencies).
    #[must_use]
    pub fn by_hops(mut self, sources: &[ServiceId]) -> Self {
        let (mut consumers, mut both) = (vec![Vec::new(); self.services.len()], vec![Vec::new(); self.services.len()]);
        for arrow in self.arrows() {
            consumers[arrow.to].push(arrow.from);
            both[arrow.to].push(arrow.from);
            both[arrow.from].push(arrow.to);
        }
        let mut hops = vec![usize::MAX; self.services.len()];
        sources.iter().filter_map(|id| self.services.binary_search(id).ok()).for_each(|at| hops[at] = 0);
        if !hops.contains(&0) {
            return self;
        }
        for neighbours in [consumers, both] {
            let mut known: Vec<usize> = (0..hops.len()).filter(|at| hops[*at] != usize::MAX).collect();
            known.sort_by_key(|at| hops[*at]);
            let mut queue = VecDeque::from(known);
            while let Some(at) = queue.pop_front() {
                for next in &neighbours[at] {
                    if hops[*next] == usize::MAX {
                        hops[*next] = hops[at] + 1;
                        queue.push_back(*next);
                    }
                }
            }
        }
        let farthest = hops.iter().filter(|hop| **hop != usize::MAX).max().copied().unwrap_or(0);
        hops.iter_mut().filter(|hop| **hop == usize::MAX).for_each(|hop| *hop = farthest + 1);
        self.hops = Some(hops);
        self
    }

    /// The arrows between the services drawn, as positions in `services`: consumer, provider, stroke; each once, sorted.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let position = |id: ServiceId| self.services.binary_search(&id).ok();
        let mut arrows: BTreeSet<Arrow> = BTreeSet::new();
        for id in self.system.dependency_ids() {
            let ends = (position(self.system.consumer(id).service), position(self.system.provider(id).service));
            if let (Some(from), Some(to)) = ends
                && from != to
            {
                arrows.insert(Arrow { from, to, stroke: Stroke::of(self.system.kind(id)) });
            }
        }
        let is_drawn = |arrow: &Arrow| {
            let solid = Arrow { stroke: Stroke::Solid, ..*arrow };
            arrow.stroke != Stroke::Dashed || !arrows.contains(&solid)
        };
        arrows.iter().filter(|arrow| is_drawn(arrow)).copied().collect()
    }

    /// The tier, 2 where not stated.
    pub(super) fn tier(&self, at: usize) -> u8 {
        self.system.service(self.services[at]).tier.unwrap_or(2).min(3)
    }

    pub(super) fn name(&self, at: usize) -> &str {
        self.system.service_name(self.services[at])
    }

    pub(super) fn note(&self, at: usize) -> Option<&str> {
        self.notes.get(&self.services[at]).map(String::as_str)
    }
}

/// How an arrow is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stroke {
    /// Hard, and unknown, which counts as hard.
    Solid,
    /// Soft.
    Dashed,
    /// Asynchronous.
    Dotted,
    /// No call: startup, monitors, authority, knowledge; the word stands beside it.
    Thin(&'static str),
}

impl Stroke {
    fn of(kind: DependencyKind) -> Self {
        match kind {
            DependencyKind::Hard | DependencyKind::Unknown => Self::Solid,
            DependencyKind::Soft => Self::Dashed,
            DependencyKind::Async => Self::Dotted,
            other => Self::Thin(other.name()),
        }
    }
}

/// One arrow, from consumer to provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) stroke: Stroke,
}

/// Fill of a tier on a light ground, 0 first.
pub(super) const TIER_FILL: [&str; 4] = ["#f4b8a8", "#f8dca0", "#c3ddf2", "#e3e5e8"];

/// Writes a drawing for Graphviz.
pub fn dot(drawing: &Drawing<'_>) -> String {
    let mut out = format!("digraph \"{}\" {{\n", escape::dot(&drawing.system.name));
    out.push_str("  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11];\n");
    out.push_str("  edge [color=\"#5a6270\", arrowsize=0.7, fontname=\"Helvetica\", fontsize=9];\n");
    let mut owners: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for at in 0..drawing.services.len() {
        let owner = drawing.system.service(drawing.services[at]).owner.as_deref().filter(|_| drawing.by_owner);
        owners.entry(owner).or_default().push(at);
    }
    for (number, (owner, members)) in owners.iter().enumerate() {
        let indent = if owner.is_some() { "    " } else { "  " };
        if let Some(owner) = owner {
            out.push_str(&format!(
                "  subgraph \"cluster_{number}\" {{\n    label=\"{}\";\n    color=\"#b0b5bd\";\n",
                escape::dot(owner)
            ));
        }
        for at in members {
            let note = drawing.note(*at).map_or_else(String::new, |note| format!("\\n{}", escape::dot(note)));
            let name = escape::dot(drawing.name(*at));
            let fill = TIER_FILL[usize::from(drawing.tier(*at))];
            out.push_str(&format!("{indent}\"{name}\" [label=\"{name}{note}\", fillcolor=\"{fill}\"];\n"));
        }
        if owner.is_some() {
            out.push_str("  }\n");
        }
    }
    for arrow in drawing.arrows() {
        let (from, to) = (escape::dot(drawing.name(arrow.from)), escape::dot(drawing.name(arrow.to)));
        let style = match arrow.stroke {
            Stroke::Solid => String::new(),
            Stroke::Dashed => " [style=dashed]".to_owned(),
            Stroke::Dotted => " [style=dotted]".to_owned(),
            Stroke::Thin(word) => format!(" [color=\"#9aa1ab\", fontcolor=\"#5a6270\", label=\"{word}\"]"),
        };
        out.push_str(&format!("  \"{from}\" -> \"{to}\"{style};\n"));
    }
    out.push_str("}\n");
    out
}

/// Writes a drawing for Mermaid, within its default limits: what does not fit is left out and a comment and a node say so.
pub fn mermaid(drawing: &Drawing<'_>) -> String {
    let mut out = String::from("flowchart LR\n");
    // Half of the room for services, so that some arrows remain.
    let (mut used, mut shown) = (0, 0);
    for at in 0..drawing.services.len() {
        let note = drawing.note(at).map_or_else(String::new, |note| format!("<br/>{}", escape::mermaid(note)));
        let line = format!("  s{at}[\"{}{note}\"]:::tier{}\n", escape::mermaid(drawing.name(at)), drawing.tier(at));
        used += line.chars().count();
        if used > MERMAID_CHARACTERS / 2 {
            break;
        }
        out.push_str(&line);
        shown += 1;
    }
    let arrows = drawing.arrows();
    let (mut drawn, mut length) = (0, out.chars().count());
    for arrow in arrows.iter().filter(|arrow| arrow.from < shown && arrow.to < shown) {
        let stroke = match arrow.stroke {
            Stroke::Solid => "-->".to_owned(),
            Stroke::Dashed => "-.->".to_owned(),
            Stroke::Dotted => "-. async .->".to_owned(),
            Stroke::Thin(word) => format!("-- {word} -->"),
        };
        let line = format!("  s{} {stroke} s{}\n", arrow.from, arrow.to);
        length += line.len();
        // The last 1,000 characters are for the classes and the note.
        if drawn == MERMAID_ARROWS || length > MERMAID_CHARACTERS - 1_000 {
            break;
        }
        out.push_str(&line);
        drawn += 1;
    }
    let (services, arrows) = (drawing.services.len() - shown, arrows.len() - drawn);
    if services + arrows > 0 {
        let words = format!("cut to what Mermaid draws: {services} services and {arrows} arrows left out");
        out.push_str(&format!("  %% {words}\n  cut[\"{words}\"]\n"));
    }
    for (tier, fill) in TIER_FILL.iter().enumerate() {
        out.push_str(&format!("  classDef tier{tier} fill:{fill},stroke:#5a6270,color:#1c2026\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, dependency, shop};
    use super::*;
    use crate::model::draft::Draft;
    use crate::model::facts::Service;

    #[test]
    fn dot_quotes_every_name() {
        let system = build(Draft {
            name: Some("a \"b\"".to_owned()),
            services: vec![("x\"y".to_owned(), Service::default()), ("end".to_owned(), Service::default())],
            dependencies: vec![dependency("x\"y", "end", DependencyKind::Async)],
            ..Draft::default()
        });
        let text = dot(&Drawing::whole(&system));
        assert!(text.starts_with("digraph \"a \\\"b\\\"\" {\n"), "{text}");
        assert!(text.contains("  \"x\\\"y\" -> \"end\" [style=dotted];\n"), "{text}");
    }

    #[test]
    fn a_pair_has_one_arrow_for_calls() {
        use DependencyKind::{Async, Authority, Hard, Soft, Startup, Unknown};
        let mut dependencies: Vec<_> =
            [Soft, Hard, Unknown, Async, Startup, Authority].map(|kind| dependency("a", "b", kind)).into();
        dependencies.push(dependency("b", "c", Soft));
        let system = build(Draft {
            services: ["a", "b", "c"].map(|name| (name.to_owned(), Service::default())).into(),
            dependencies,
            ..Draft::default()
        });
        let text = mermaid(&Drawing::whole(&system));
        let arrows: Vec<&str> = text.lines().map(str::trim).filter(|line| line.contains('>')).collect();
        assert_eq!(arrows, ["s0 --> s1", "s0 -. async .-> s1", "s0 -- authority --> s1", "s0 -- startup --> s1", "s1 -.-> s2"]);
    }

    #[test]
    fn owners_make_clusters() {
        let system = shop();
        let text = dot(&Drawing { by_owner: true, ..Drawing::whole(&system) });
        assert_eq!(text.matches("subgraph \"cluster_").count(), 3);
        assert!(text.contains("label=\"@shop/payments\""));
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }

    #[test]
    fn distance_is_counted_against_the_arrows() {
        let system = shop();
        let payment = system.service_ids().nth(2).expect("the third");
        let drawing = Drawing::whole(&system).by_hops(&[payment]);
        assert_eq!(drawing.hops, Some(vec![2, 1, 0, 2, 2, 3]), "frontend, checkout, payment, pricing, mailer, blog");
        assert_eq!(Drawing::whole(&system).by_hops(&[]).hops, None);
    }

    #[test]
    fn a_large_drawing_grows_from_the_fault() {
        let system = shop();
        let [frontend, checkout, payment, pricing, _, blog] = [0, 1, 2, 3, 4, 5].map(ServiceId);
        let hit = [(frontend, 0.3), (checkout, 0.4), (payment, 1.0), (pricing, 0.2), (blog, 0.9)];
        let around = |most| Drawing::around(&system, &[payment], &hit, most).services;
        assert_eq!(around(1), [payment]);
        assert_eq!(around(3), [frontend, checkout, payment], "blog is likelier, but hangs on nothing");
        assert_eq!(around(9), [frontend, checkout, payment, pricing, blog]);
        assert_eq!(Drawing::around(&system, &[], &hit, 2).services, [checkout, payment], "without a source from the likeliest");
    }

    #[test]
    fn mermaid_draws_the_shop() {
        let system = shop();
        let mut drawing = Drawing::whole(&system);
        drawing.notes.insert(ServiceId(0), "59 %".to_owned());
        let text = mermaid(&drawing);
        assert!(text.starts_with("flowchart LR\n  s0[\"frontend<br/>59 %\"]:::tier0\n"), "{text}");
        assert!(text.contains("  s1 -.-> s3\n") && text.contains("  s4 -. async .-> s1\n"), "{text}");
        assert!(text.contains("classDef tier0 fill:"));
    }

    #[test]
    fn mermaid_is_cut_to_its_limits() {
        let names: Vec<String> = (0..900).map(|at| format!("a-service-with-a-rather-long-name-{at}")).collect();
        let system = build(Draft {
            services: names.iter().map(|name| (name.clone(), Service::default())).collect(),
            dependencies: names.windows(2).map(|pair| dependency(&pair[0], &pair[1], DependencyKind::Hard)).collect(),
            ..Draft::default()
        });
        let text = mermaid(&Drawing::whole(&system));
        assert!(text.chars().count() <= 50_000);
        assert!(text.matches(" --> ").count() <= 500);
        assert!(text.contains("left out"));
        let some = mermaid(&Drawing::of(&system, [ServiceId(3), ServiceId(4)]));
        assert!(some.contains("s0 --> s1") && !some.contains("left out"));
    }
}
