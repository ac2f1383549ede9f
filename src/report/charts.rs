//! Plots as inline SVG: lines with bands, bars, and a score on its scale. Drawn with `plotters`, which needs no font and no system
//! library for this.
//!
//! A picture is part of a page that may be light, dark or printed, so colours are roles: `plotters` draws in stand-in colours,
//! and [`themed`] gives every element that has one a class beside a colour of its own, which stays where a page has no styles. What
//! must hold: no text of a user is drawn here (names stand in the legend, outside of the picture), and the same numbers give the
//! same bytes.

use crate::statistics::{Estimate, Interval};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Size of a picture in its own units; the page scales it.
const SIZE: (u32, u32) = (480, 300);
/// Of the picture of a score.
const SCORE_SIZE: (u32, u32) = (480, 92);
/// `plotters` takes the height of a line, which is about a quarter more than that of the letters.
const TEXT_SIZE: u32 = 17;

/// Stand-in colour, class, and the colour where there are no styles.
const ROLES: [(RGBColor, &str, &str); 12] = [
    (TEXT, "ink", "#454c56"),
    (GRID, "grid", "#d5d9de"),
    (LINES[0], "k0", "#1f6feb"),
    (LINES[1], "k1", "#bc4c00"),
    (LINES[2], "k2", "#1a7f37"),
    (LINES[3], "k3", "#8250df"),
    (LINES[4], "k4", "#bf3989"),
    (BANDS[0], "b0", "#7cc48d"),
    (BANDS[1], "b1", "#e3c65b"),
    (BANDS[2], "b2", "#ec9a57"),
    (BANDS[3], "b3", "#e5737a"),
    (MARK, "mark", "#14171a"),
];
const TEXT: RGBColor = RGBColor(1, 0, 1);
const GRID: RGBColor = RGBColor(1, 0, 2);
const LINES: [RGBColor; 5] = [RGBColor(2, 0, 1), RGBColor(2, 0, 2), RGBColor(2, 0, 3), RGBColor(2, 0, 4), RGBColor(2, 0, 5)];
const BANDS: [RGBColor; 4] = [RGBColor(3, 0, 1), RGBColor(3, 0, 2), RGBColor(3, 0, 3), RGBColor(3, 0, 4)];
const MARK: RGBColor = RGBColor(4, 0, 1);

/// One line: x, and y with its interval. An interval that is unknown has no band.
pub(super) type Line = Vec<(f64, Estimate)>;

/// What an axis says.
pub(super) struct Axis<'a> {
    /// What is measured, with its unit.
    pub(super) label: &'a str,
    /// Where it begins and ends.
    pub(super) range: (f64, f64),
    /// The text of a tick.
    pub(super) tick: &'a dyn Fn(f64) -> String,
}

/// What a reader who does not see the picture is told. Unique within the page.
pub(super) struct Caption<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) text: &'a str,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Lines with bands, at most five. `None` where it cannot be drawn.
pub(super) fn lines(caption: &Caption<'_>, (x, y): (&Axis<'_>, &Axis<'_>), lines: &[Line]) -> Option<String> {
    picture(caption, SIZE, |root| {
        let mut plane = plane(root, x, y)?;
        for (line, color) in lines.iter().zip(LINES) {
            let known: Vec<_> = line.iter().filter(|(_, y)| !y.interval.is_unknown()).collect();
            let upper = known.iter().map(|(x, y)| (*x, y.interval.high));
            let lower = known.iter().rev().map(|(x, y)| (*x, y.interval.low));
            let band: Vec<(f64, f64)> = upper.chain(lower).collect();
            if band.len() > 3 {
                plane.draw_series(std::iter::once(Polygon::new(band, color.mix(0.22).filled())))?;
            }
        }
        for (line, color) in lines.iter().zip(LINES) {
            let points = line.iter().map(|(x, y)| (*x, y.mean));
            plane.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
        }
        Ok(())
    })
}

/// Bars from left to right end, with a whisker for the interval of their height.
pub(super) fn bars(caption: &Caption<'_>, (x, y): (&Axis<'_>, &Axis<'_>), bars: &[(f64, f64, Estimate)]) -> Option<String> {
    picture(caption, SIZE, |root| {
        let mut plane = plane(root, x, y)?;
        let body = |(left, right, height): &(f64, f64, Estimate)| {
            let gap = (right - left) * 0.03;
            Rectangle::new([(left + gap, 0.0), (right - gap, height.mean)], LINES[0].mix(0.75).filled())
        };
        plane.draw_series(bars.iter().map(body))?;
        let whisker = |(left, right, height): &(f64, f64, Estimate)| {
            let (middle, Interval { low, high }) = ((left + right) / 2.0, height.interval);
            PathElement::new(vec![(middle, low), (middle, high)], MARK.stroke_width(1))
        };
        let known =
            bars.iter().filter(|(.., height)| !height.interval.is_unknown() && height.interval.low < height.interval.high);
        plane.draw_series(known.map(whisker))?;
        Ok(())
    })
}

/// A score from 0 to 100 with its interval on the bands that begin at `limits`.
pub(super) fn score(caption: &Caption<'_>, score: f64, interval: Interval, limits: [f64; 3]) -> Option<String> {
    picture(caption, SCORE_SIZE, |root| {
        let mut plane = ChartBuilder::on(root).margin(14).x_label_area_size(26).build_cartesian_2d(0.0..100.0, 0.0..1.0)?;
        let ends = [0.0, limits[0], limits[1], limits[2], 100.0];
        let zones = ends.windows(2).zip(BANDS);
        plane.draw_series(
            zones.map(|(ends, color)| Rectangle::new([(ends[0], 0.18), (ends[1], 0.82)], color.mix(0.9).filled())),
        )?;
        // A point has no width that could be seen.
        let (low, high) = (interval.low.min(score - 0.3), interval.high.max(score + 0.3));
        plane.draw_series([
            Rectangle::new([(low, 0.38), (high, 0.62)], MARK.mix(0.45).filled()),
            Rectangle::new([(score - 0.35, 0.02), (score + 0.35, 0.98)], MARK.filled()),
        ])?;
        let style = TextStyle::from(("sans-serif", TEXT_SIZE)).color(&TEXT).pos(Pos::new(HPos::Center, VPos::Top));
        // By pixels: a plane cuts what lies outside of it.
        for end in ends {
            let (x, y) = plane.backend_coord(&(end, 0.0));
            root.draw(&Text::new(format!("{end:.0}"), (x, y + 4), style.clone()))?;
        }
        Ok(())
    })
}

/// Axes, ticks and grid.
fn plane<'a, 'b>(root: &'a Area<'b>, x: &Axis<'_>, y: &Axis<'_>) -> Result<Plane<'a, 'b>, Box<dyn std::error::Error>>
where
    'b: 'a,
{
    let mut plane = ChartBuilder::on(root)
        .margin(8)
        .margin_right(18)
        .x_label_area_size(48)
        .y_label_area_size(68)
        .build_cartesian_2d(x.range.0..x.range.1, y.range.0..y.range.1)?;
    let label = ("sans-serif", TEXT_SIZE).into_font().color(&TEXT);
    plane
        .configure_mesh()
        .x_labels(5)
        .y_labels(6)
        .max_light_lines(0)
        .bold_line_style(GRID.stroke_width(1))
        .axis_style(TEXT.stroke_width(1))
        .label_style(label.clone())
        .axis_desc_style(label)
        .x_desc(x.label)
        .y_desc(y.label)
        .x_label_formatter(&|value| (x.tick)(*value))
        .y_label_formatter(&|value| (y.tick)(*value))
        .draw()?;
    Ok(plane)
}

/// Draws into a text. `None` where `plotters` refuses, as for a range without width.
fn picture(caption: &Caption<'_>, size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Option<String> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&root).ok()?;
        root.present().ok()?;
    }
    Some(themed(&text, caption, size))
}

/// Roles as classes, and a frame that scales and speaks.
fn themed(text: &str, caption: &Caption<'_>, (width, height): (u32, u32)) -> String {
    use super::escape::xml;
    let body = text.split_once('>').map_or("", |(_, rest)| rest);
    let mut body = body.trim_end().trim_end_matches("</svg>").to_owned();
    for (RGBColor(r, g, b), class, color) in ROLES {
        let stand_in = format!("#{r:02X}{g:02X}{b:02X}");
        for (attribute, prefix) in [("fill", "f"), ("stroke", "s")] {
            let drawn = format!("{attribute}=\"{stand_in}\"");
            body = body.replace(&drawn, &format!("class=\"{prefix}-{class}\" {attribute}=\"{color}\""));
        }
    }
    let (id, title, said) = (caption.id, xml(caption.title), xml(caption.text));
    format!(
        "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{said}</desc>{body}</svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::estimate;
    use super::*;

    const CAPTION: Caption<'_> = Caption { id: "a", title: "Downtime <b>", text: "It \"falls\"." };

    fn axes(x_end: f64) -> (Axis<'static>, Axis<'static>) {
        let axis = |label, end| Axis { label, range: (0.0, end), tick: &|value| format!("{value:.1}") };
        (axis("minutes", x_end), axis("share", 1.0))
    }

    #[test]
    fn every_colour_is_a_role() {
        let (x, y) = axes(10.0);
        let line: Line = vec![(0.0, estimate(0.9, 0.8, 1.0)), (5.0, estimate(0.5, 0.4, 0.6)), (10.0, estimate(0.1, 0.0, 0.2))];
        let drawn = lines(&CAPTION, (&x, &y), &[line.clone(), line]).expect("drawn");
        assert!(
            drawn.contains("class=\"s-k0\"") && drawn.contains("class=\"s-k1\"") && drawn.contains("class=\"f-k0\""),
            "{drawn}"
        );
        assert!(drawn.contains("class=\"f-ink\"") && drawn.contains("Downtime &lt;b&gt;"), "{drawn}");
        let known: Vec<&str> = ROLES.iter().map(|(.., color)| *color).collect();
        for part in drawn.split("=\"#").skip(1) {
            let color = format!("#{}", part.split('"').next().unwrap_or_default());
            assert!(known.contains(&color.as_str()), "{color} is no role");
        }
        assert!(!drawn.contains("style=") && !drawn.contains("href"), "{drawn}");
    }

    #[test]
    fn bars_have_whiskers_where_they_are_estimates() {
        let (x, y) = axes(4.0);
        let drawn = |height| bars(&CAPTION, (&x, &y), &[(0.0, 1.0, height), (1.0, 2.0, estimate(0.2, 0.2, 0.2))]).expect("drawn");
        assert_eq!(drawn(estimate(0.4, 0.3, 0.5)).matches("s-mark").count(), 1);
        assert_eq!(drawn(estimate(0.4, 0.4, 0.4)).matches("s-mark").count(), 0);
    }

    #[test]
    fn a_score_stands_on_its_bands() {
        let drawn = score(&CAPTION, 38.2, Interval { low: 37.1, high: 39.4 }, [20.0, 40.0, 60.0]).expect("drawn");
        assert!((0..4).all(|band| drawn.contains(&format!("class=\"f-b{band}\""))), "{drawn}");
        assert!(drawn.contains("40") && drawn.matches("f-mark").count() == 2, "{drawn}");
    }

    #[test]
    fn what_cannot_be_drawn_is_not_drawn() {
        let (x, y) = axes(f64::NAN);
        assert!(lines(&CAPTION, (&x, &y), &[]).is_none_or(|drawn| !drawn.contains("NaN")));
    }
}
