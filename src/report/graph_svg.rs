//! A system drawn as SVG, without any other program: `graph_layout` says where, this file draws.
//!
//! One file, no script, no font of its own, light and dark by `prefers-color-scheme`. Readable for ten to a hundred services;
//! beyond [`MOST`] the first ones are drawn and a line says so.

use super::escape::xml;
use super::graph::{Drawing, Stroke, TIER_FILL};
use super::graph_layout::{Layout, Spacing, lay_out};
use super::layout::{cells, fit};
use super::words::number_of;

/// Services drawn at most.
pub const MOST: usize = 400;
/// Cells of a name before it is cut; the whole name is in the tooltip.
const NAME: usize = 34;
const CELL: f64 = 6.9;
const LINE: f64 = 15.0;
const PAD: f64 = 11.0;
const MARGIN: f64 = 24.0;
/// Room between layers, for the arrows.
const BETWEEN: f64 = 76.0;
const HEAD: f64 = 34.0;
const LEGEND: f64 = 54.0;
const NARROWEST: f64 = 640.0;

/// Fills of the tiers on a dark ground.
const TIER_FILL_DARK: [&str; 4] = ["#7c3a2c", "#6e5619", "#2b4a66", "#3b4048"];

/// Writes a drawing as a standalone SVG file.
pub fn svg(drawing: &Drawing<'_>) -> String {
    let shown = Drawing {
        services: drawing.services.iter().copied().take(MOST).collect(),
        hops: drawing.hops.as_ref().map(|hops| hops.iter().copied().take(MOST).collect()),
        notes: drawing.notes.clone(),
        ..drawing.clone()
    };
    Canvas::new(&shown, drawing.services.len()).draw()
}

/// A box of the drawing.
struct Tile {
    name: String,
    width: f64,
    height: f64,
}

/// Everything measured, ready to draw.
struct Canvas<'a> {
    drawing: &'a Drawing<'a>,
    asked: usize,
    tiles: Vec<Tile>,
    arrows: Vec<super::graph::Arrow>,
    layout: Layout,
    /// Left edge and width of each layer.
    columns: Vec<(f64, f64)>,
    /// Added to the heights of the layout.
    shift: f64,
    width: f64,
    height: f64,
}

impl<'a> Canvas<'a> {
    fn new(drawing: &'a Drawing<'a>, asked: usize) -> Self {
        let tiles: Vec<Tile> = (0..drawing.services.len()).map(|at| tile(drawing, at)).collect();
        let arrows = drawing.arrows();
        let ends: Vec<(usize, usize)> = arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
        let heights: Vec<f64> = tiles.iter().map(|tile| tile.height).collect();
        // Arrows run from left to right, so what is nearest to the fault stands farthest to the right.
        let layers: Option<Vec<usize>> = drawing.hops.as_ref().map(|hops| {
            let farthest = hops.iter().max().copied().unwrap_or(0);
            hops.iter().map(|hop| farthest - hop).collect()
        });
        let layout = lay_out(&heights, &ends, layers.as_deref(), Spacing { boxes: 14.0, arrows: 12.0 });
        let mut columns = vec![(0.0, 0.0_f64); layout.n_layers];
        for ((layer, _), tile) in layout.places.iter().zip(&tiles) {
            columns[*layer].1 = columns[*layer].1.max(tile.width);
        }
        let mut x = MARGIN;
        for column in &mut columns {
            column.0 = x;
            x += column.1 + BETWEEN;
        }
        let tops = layout.places.iter().zip(&tiles).map(|((_, y), tile)| y - tile.height / 2.0);
        let bottoms = layout.places.iter().zip(&tiles).map(|((_, y), tile)| y + tile.height / 2.0);
        let passed = || layout.routes.iter().flatten().map(|(_, y)| *y);
        let top = tops.chain(passed()).fold(f64::INFINITY, f64::min);
        let bottom = bottoms.chain(passed()).fold(f64::NEG_INFINITY, f64::max);
        // An empty drawing has neither.
        let (top, bottom) = if top < bottom { (top, bottom) } else { (0.0, 0.0) };
        Self {
            shift: HEAD + MARGIN - top,
            width: (x - if layout.level.contains(&true) { BETWEEN * 0.3 } else { BETWEEN } + MARGIN).max(NARROWEST),
            height: HEAD + MARGIN + (bottom - top) + MARGIN + LEGEND,
            drawing,
            asked,
            tiles,
            arrows,
            layout,
            columns,
        }
    }

    fn draw(&self) -> String {
        let (width, height) = (self.width, self.height);
        let name = if self.drawing.system.name.is_empty() { "system" } else { &self.drawing.system.name };
        let counts = format!("{}, {}", number_of(self.tiles.len(), "service"), number_of(self.arrows.len(), "arrow"));
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">Dependencies of \
             {}</title>\n<desc id=\"desc\">{counts}. Arrows point from a service to what it needs.</desc>\n",
            xml(name)
        );
        out.push_str(&style());
        out.push_str(&format!("<rect class=\"ground\" width=\"{width:.0}\" height=\"{height:.0}\"/>\n"));
        let cut = self.asked - self.tiles.len();
        let left_out = if cut > 0 { format!("; {} not drawn", number_of(cut, "more service")) } else { String::new() };
        out.push_str(&format!(
            "<text class=\"heading\" x=\"{MARGIN:.0}\" y=\"30\">{}</text><text class=\"small\" x=\"{:.0}\" y=\"30\">{counts}{left_out}</text>\n",
            xml(name),
            MARGIN + cells(name) as f64 * 10.4 + 14.0
        ));
        out.push_str(&self.draw_arrows());
        for at in 0..self.tiles.len() {
            out.push_str(&self.draw_tile(at));
        }
        out.push_str(&self.legend());
        out.push_str("</svg>\n");
        out
    }

    /// Left edge, middle height and width of a box.
    fn place(&self, at: usize) -> (f64, f64, f64) {
        let (layer, y) = self.layout.places[at];
        let ((left, width), tile) = (self.columns[layer], self.tiles[at].width);
        (left + (width - tile) / 2.0, y + self.shift, tile)
    }

    fn draw_tile(&self, at: usize) -> String {
        let (x, y, width) = self.place(at);
        let (tile, service) = (&self.tiles[at], self.drawing.system.service(self.drawing.services[at]));
        let owner = service.owner.as_deref().unwrap_or("unowned");
        let top = y - tile.height / 2.0;
        let middle = x + width / 2.0;
        let note = self.drawing.note(at);
        let baseline = if note.is_some() { y - 3.0 } else { y + 4.0 };
        let mut out = format!(
            "<g><title>{} ({}, tier {})</title><rect class=\"box tier{}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
             height=\"{:.1}\" rx=\"5\"/><text class=\"name\" x=\"{middle:.1}\" y=\"{baseline:.1}\">{}</text>",
            xml(self.drawing.name(at)),
            xml(owner),
            self.drawing.tier(at),
            self.drawing.tier(at),
            tile.height,
            xml(&tile.name)
        );
        if let Some(note) = note {
            out.push_str(&format!("<text class=\"note\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>", y + 11.0, xml(note)));
        }
        out.push_str("</g>\n");
        out
    }

    /// Arrows leave and enter a box spread over its height, in the order of their other ends, so that they do not cross there.
    fn draw_arrows(&self) -> String {
        let mut sides: Vec<[Vec<(f64, usize)>; 2]> = vec![[Vec::new(), Vec::new()]; self.tiles.len()];
        for (at, arrow) in self.arrows.iter().enumerate() {
            let (left, right) = if self.layout.turned[at] { (arrow.to, arrow.from) } else { (arrow.from, arrow.to) };
            let route = &self.layout.routes[at];
            let towards_right = route.first().map_or(self.layout.places[right].1, |point| point.1);
            let towards_left = route.last().map_or(self.layout.places[left].1, |point| point.1);
            sides[left][1].push((towards_right, at));
            // Within a layer an arrow leaves and enters at the right.
            sides[right][usize::from(self.layout.level[at])].push((towards_left, at));
        }
        let mut ports = vec![[0.0; 2]; self.arrows.len()];
        for (tile, sides) in sides.iter_mut().enumerate() {
            for (side, ends) in sides.iter_mut().enumerate() {
                ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let step = (self.tiles[tile].height - 8.0) / (ends.len() + 1) as f64;
                for (position, (_, arrow)) in ends.iter().enumerate() {
                    // Where the arrow touches its left box (0) and its right box (1).
                    let end = if self.layout.level[*arrow] { usize::from(self.arrows[*arrow].to == tile) } else { 1 - side };
                    ports[*arrow][end] = step * ((position + 1) as f64 - (ends.len() + 1) as f64 / 2.0);
                }
            }
        }
        (0..self.arrows.len()).map(|at| self.draw_arrow(at, ports[at])).collect()
    }

    fn draw_arrow(&self, at: usize, ports: [f64; 2]) -> String {
        let (arrow, turned) = (&self.arrows[at], self.layout.turned[at]);
        let (left, right) = if turned { (arrow.to, arrow.from) } else { (arrow.from, arrow.to) };
        let ((left_x, left_y, left_width), (right_x, right_y, _)) = (self.place(left), self.place(right));
        if self.layout.level[at] {
            let (x0, y0, x1, y1) =
                (left_x + left_width, left_y + ports[0], right_x + self.tiles[right].width, right_y + ports[1]);
            // The farther apart, the farther out, so that they do not lie on each other.
            let bulge = x0.max(x1) + BETWEEN * 0.2 + (0.06 * (y1 - y0).abs()).min(BETWEEN * 0.5);
            return self.stroke(at, &format!("M{x0:.1},{y0:.1}C{bulge:.1},{y0:.1} {bulge:.1},{y1:.1} {x1:.1},{y1:.1}"));
        }
        // From the left to the right: out of a box, along each layer that is passed, into a box.
        let mut points = vec![(left_x + left_width, left_y + ports[0])];
        for (layer, y) in &self.layout.routes[at] {
            let (x, width) = self.columns[*layer];
            points.extend([(x, y + self.shift), (x + width, y + self.shift)]);
        }
        points.push((right_x, right_y + ports[1]));
        if turned {
            points.reverse();
        }
        let mut path = format!("M{:.1},{:.1}", points[0].0, points[0].1);
        for (step, pair) in points.windows(2).enumerate() {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            if step % 2 == 1 {
                path.push_str(&format!("L{x1:.1},{y1:.1}"));
            } else {
                let middle = (x0 + x1) / 2.0;
                path.push_str(&format!("C{middle:.1},{y0:.1} {middle:.1},{y1:.1} {x1:.1},{y1:.1}"));
            }
        }
        self.stroke(at, &path)
    }

    /// An arrow along a path.
    fn stroke(&self, at: usize, path: &str) -> String {
        let (arrow, turned) = (&self.arrows[at], self.layout.turned[at]);
        let (class, kind) = match arrow.stroke {
            Stroke::Solid => ("", "hard"),
            Stroke::Dashed => (" dashed", "soft"),
            Stroke::Dotted => (" dotted", "async"),
            Stroke::Thin(word) => (" thin", word),
        };
        let (back, head) = if turned { (" back", "head-back") } else { ("", "head") };
        format!(
            "<path class=\"arrow{class}{back}\" d=\"{path}\" marker-end=\"url(#{head})\"><title>{} → {} ({kind})</title></path>\n",
            xml(self.drawing.name(arrow.from)),
            xml(self.drawing.name(arrow.to))
        )
    }

    /// What colours and strokes mean; only those that occur.
    fn legend(&self) -> String {
        let y = self.height - LEGEND / 2.0;
        let mut out = String::new();
        // Writes one entry and says where the next begins.
        let mut entry = |x: f64, sample: &str, text: &str| {
            out.push_str(&format!("{sample}<text class=\"small\" x=\"{:.0}\" y=\"{:.0}\">{text}</text>\n", x + 34.0, y + 4.0));
            x + 48.0 + text.len() as f64 * 6.2
        };
        let mut x = MARGIN;
        for tier in 0..4_u8 {
            if (0..self.tiles.len()).any(|at| self.drawing.tier(at) == tier) {
                let sample = format!(
                    "<rect class=\"box tier{tier}\" x=\"{x:.0}\" y=\"{:.0}\" width=\"28\" height=\"14\" rx=\"3\"/>",
                    y - 7.0
                );
                x = entry(x, &sample, &format!("tier {tier}"));
            }
        }
        let has = |wanted: fn(Stroke) -> bool| self.arrows.iter().any(|arrow| wanted(arrow.stroke));
        let against = if self.drawing.hops.is_some() { "needs something farther away" } else { "closes a cycle" };
        let samples: [(bool, &str, &str, &str); 5] = [
            (has(|stroke| stroke == Stroke::Solid), "", "head", "hard"),
            (has(|stroke| stroke == Stroke::Dashed), " dashed", "head", "soft"),
            (has(|stroke| stroke == Stroke::Dotted), " dotted", "head", "async"),
            (has(|stroke| matches!(stroke, Stroke::Thin(_))), " thin", "head", "other"),
            (self.layout.turned.contains(&true), " back", "head-back", against),
        ];
        for (_, class, head, text) in samples.into_iter().filter(|(used, ..)| *used) {
            let end = x + 28.0;
            let sample = format!("<path class=\"arrow{class}\" d=\"M{x:.0},{y:.0}H{end:.0}\" marker-end=\"url(#{head})\"/>");
            x = entry(x, &sample, text);
        }
        out
    }
}

fn tile(drawing: &Drawing<'_>, at: usize) -> Tile {
    let name = fit(drawing.name(at), NAME);
    let note = drawing.note(at);
    let width = cells(&name).max(note.map_or(0, cells)).max(6) as f64 * CELL + 2.0 * PAD;
    Tile { name, width, height: if note.is_some() { 2.0 * LINE + 8.0 } else { LINE + 13.0 } }
}

/// Classes rather than variables: more programs that draw SVG know them.
fn style() -> String {
    let tiers = |fills: [&str; 4]| -> String {
        fills.iter().enumerate().map(|(tier, fill)| format!(".tier{tier}{{fill:{fill}}}")).collect()
    };
    let marker = |id: &str, class: &str| {
        format!(
            "<marker id=\"{id}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerUnits=\"userSpaceOnUse\" markerWidth=\"9\" markerHeight=\"9\" \
             orient=\"auto\"><path class=\"{class}\" d=\"M0,1L10,5L0,9z\"/></marker>"
        )
    };
    format!(
        "<style>\ntext{{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#1c2026}}\n\
         .ground{{fill:#ffffff}}.box{{stroke:#5a6270;stroke-width:1}}.heading{{font-size:16px;font-weight:600}}\n\
         .name{{font-size:12px;text-anchor:middle}}.note{{font-size:11px;text-anchor:middle}}.small{{font-size:11px;fill:#5a6270}}\n\
         .arrow{{fill:none;stroke:#6b7380;stroke-width:1.3}}.dashed{{stroke-dasharray:6 4}}\n\
         .dotted{{stroke-dasharray:0.1 4;stroke-linecap:round;stroke-width:1.9}}.thin{{stroke:#9aa1ab;stroke-width:0.9;stroke-dasharray:10 3 2 3}}\n\
         .back{{stroke:#b3541e}}.tip{{fill:#6b7380}}.tip-back{{fill:#b3541e}}\n{}\n\
         @media (prefers-color-scheme:dark){{text{{fill:#e6e8eb}}.ground{{fill:#16181c}}.box{{stroke:#8a93a0}}\
         .small{{fill:#a4abb6}}.arrow{{stroke:#8a93a0}}.thin{{stroke:#6b7380}}.back{{stroke:#e08a52}}.tip{{fill:#8a93a0}}\
         .tip-back{{fill:#e08a52}}{}}}\n</style>\n<defs>{}{}</defs>\n",
        tiers(TIER_FILL),
        tiers(TIER_FILL_DARK),
        marker("head", "tip"),
        marker("head-back", "tip-back")
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, dependency, shop};
    use super::*;
    use crate::model::draft::Draft;
    use crate::model::facts::{DependencyKind, Service};

    /// Elements close in the order they open, attributes are quoted, every `&` begins an entity.
    fn assert_well_formed(text: &str) {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = text;
        while let Some((before, tag)) = rest.split_once('<') {
            assert!(before.split('&').skip(1).all(|part| part.contains(';')), "{before}");
            assert!(!before.contains('>') || open.last() == Some(&"style"), "{before}");
            let (tag, after) = tag.split_once('>').expect("a tag ends");
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().unwrap_or_default()),
            }
            rest = after;
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn the_shop_is_drawn() {
        let system = shop();
        let text = svg(&Drawing::whole(&system));
        assert_well_formed(&text);
        assert_eq!(text.matches("class=\"name\"").count(), 6);
        assert!(text.contains("<title id=\"title\">Dependencies of retail</title>"));
        assert!(text.contains("6 services, 4 arrows"));
        assert!(text.contains("checkout → pricing (soft)") && text.contains("prefers-color-scheme:dark"));
        assert_eq!(text, svg(&Drawing::whole(&system)));
    }

    #[test]
    fn names_are_text_and_cycles_are_drawn() {
        let system = build(Draft {
            services: vec![("a<b>&\"c\"".to_owned(), Service::default()), ("d".to_owned(), Service::default())],
            dependencies: vec![
                dependency("a<b>&\"c\"", "d", DependencyKind::Hard),
                dependency("d", "a<b>&\"c\"", DependencyKind::Monitors),
            ],
            ..Draft::default()
        });
        let text = svg(&Drawing::whole(&system));
        assert_well_formed(&text);
        assert!(text.contains("a&lt;b&gt;&amp;&quot;c&quot;") && text.contains("closes a cycle"));
    }

    #[test]
    fn a_large_system_is_cut() {
        let names: Vec<String> = (0..600).map(|at| format!("s{at}")).collect();
        let system = build(Draft {
            services: names.iter().map(|name| (name.clone(), Service::default())).collect(),
            dependencies: names.windows(2).map(|pair| dependency(&pair[0], &pair[1], DependencyKind::Hard)).collect(),
            ..Draft::default()
        });
        assert!(svg(&Drawing::whole(&system)).contains("200 more services not drawn"));
    }
}
