//! Where the boxes and arrows of a drawing stand: layers from left to right, consumers before providers.
//!
//! The steps of Sugiyama, Tagawa and Toda (1981): arrows that close a cycle in a depth-first walk are turned round; a service
//! stands one layer behind its last consumer (longest path; without cycles that is the longest path over the condensation);
//! arrows over several layers get a point in each; layers are ordered by barycentres, the order with the fewest crossings is
//! kept; heights are the least-squares fit to the neighbours that keeps order and distance (pool adjacent violators), which is
//! shorter than Brandes and Köpf and good enough for a hundred boxes. Deterministic; O(sweeps × points × log points).

/// Sweeps over all layers, for the order and for the heights.
const SWEEPS: usize = 16;
/// How much harder a long arrow pulls than a short one, so that it stays straight.
const STRAIGHT: f64 = 6.0;

/// Sizes of a drawing, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spacing {
    /// Between boxes of one layer.
    pub(super) boxes: f64,
    /// Between arrows, and between an arrow and a box.
    pub(super) arrows: f64,
}

/// A finished layout.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Layer and middle height of each box.
    pub(super) places: Vec<(usize, f64)>,
    /// The points an arrow passes between its ends: layer and height, from the left to the right.
    pub(super) routes: Vec<Vec<(usize, f64)>>,
    /// Whether the arrow runs from right to left.
    pub(super) turned: Vec<bool>,
    /// Whether both ends stand in one layer, which happens where layers are given only.
    pub(super) level: Vec<bool>,
    /// Number of layers.
    pub(super) n_layers: usize,
}

/// Boxes, and points where long arrows pass a layer.
struct Points {
    layer: Vec<usize>,
    /// Height taken; 0 for a point of an arrow.
    height: Vec<f64>,
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
}

/// Lays out boxes of the given heights. Arrows are pairs of different boxes. Where layers are given they stay, and arrows that run
/// against them are the turned ones.
pub(super) fn lay_out(heights: &[f64], arrows: &[(usize, usize)], given: Option<&[usize]>, spacing: Spacing) -> Layout {
    let turned = match given {
        Some(layer) => arrows.iter().map(|(from, to)| layer[*from] > layer[*to]).collect(),
        None => turned(heights.len(), arrows),
    };
    let forward = |at: usize| if turned[at] { (arrows[at].1, arrows[at].0) } else { arrows[at] };
    let edges: Vec<(usize, usize)> = (0..arrows.len()).map(forward).collect();
    let layer = given.map_or_else(|| layers(heights.len(), &edges), <[usize]>::to_vec);
    let level: Vec<bool> = edges.iter().map(|(from, to)| layer[*from] == layer[*to]).collect();
    let n = heights.len();
    let mut points = Points { layer, height: heights.to_vec(), left: vec![Vec::new(); n], right: vec![Vec::new(); n] };
    let chains: Vec<Vec<usize>> = edges.iter().map(|edge| chain(&mut points, *edge)).collect();
    let mut order = ordered(&points);
    uncross(&points, &mut order);
    let y = settle(&points, &order, spacing);
    Layout {
        places: (0..n).map(|at| (points.layer[at], y[at])).collect(),
        routes: chains.iter().map(|chain| chain.iter().map(|at| (points.layer[*at], y[*at])).collect()).collect(),
        turned,
        level,
        n_layers: order.len(),
    }
}

/// Arrows that lead back to a box the walk is still inside of. Boxes that nobody needs come first.
fn turned(n: usize, arrows: &[(usize, usize)]) -> Vec<bool> {
    let mut out = vec![Vec::new(); n];
    let mut needed = vec![false; n];
    for (at, (from, to)) in arrows.iter().enumerate() {
        out[*from].push(at);
        needed[*to] = true;
    }
    let mut turned = vec![false; arrows.len()];
    // 0: not seen, 1: inside, 2: done.
    let mut state = vec![0_u8; n];
    let roots = (0..n).filter(|at| !needed[*at]).chain((0..n).filter(|at| needed[*at]));
    for root in roots {
        if state[root] != 0 {
            continue;
        }
        state[root] = 1;
        let mut stack = vec![(root, 0)];
        while let Some((at, next)) = stack.last_mut() {
            let Some(arrow) = out[*at].get(*next).copied() else {
                state[*at] = 2;
                stack.pop();
                continue;
            };
            *next += 1;
            let to = arrows[arrow].1;
            match state[to] {
                0 => {
                    state[to] = 1;
                    stack.push((to, 0));
                }
                1 => turned[arrow] = true,
                _ => {}
            }
        }
    }
    turned
}

/// Longest path from the boxes nobody needs; those then move right, next to what they need.
fn layers(n: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut out = vec![Vec::new(); n];
    let mut open = vec![0; n];
    for (from, to) in edges {
        out[*from].push(*to);
        open[*to] += 1;
    }
    let mut layer = vec![0; n];
    let mut ready: Vec<usize> = (0..n).filter(|at| open[*at] == 0).collect();
    let roots = ready.clone();
    while let Some(at) = ready.pop() {
        for to in &out[at] {
            layer[*to] = layer[*to].max(layer[at] + 1);
            open[*to] -= 1;
            if open[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    for root in roots {
        if let Some(nearest) = out[root].iter().map(|to| layer[*to]).min() {
            layer[root] = nearest - 1;
        }
    }
    layer
}

/// Adds the points of an arrow in the layers between its ends, and links them.
fn chain(points: &mut Points, (from, to): (usize, usize)) -> Vec<usize> {
    let mut last = from;
    let mut chain = Vec::new();
    if points.layer[from] == points.layer[to] {
        return chain;
    }
    for layer in points.layer[from] + 1..points.layer[to] {
        let at = points.layer.len();
        points.layer.push(layer);
        points.height.push(0.0);
        points.left.push(vec![last]);
        points.right.push(Vec::new());
        points.right[last].push(at);
        chain.push(at);
        last = at;
    }
    points.right[last].push(to);
    points.left[to].push(last);
    chain
}

fn ordered(points: &Points) -> Vec<Vec<usize>> {
    let mut order = vec![Vec::new(); points.layer.iter().max().map_or(0, |last| last + 1)];
    for (at, layer) in points.layer.iter().enumerate() {
        order[*layer].push(at);
    }
    order
}

/// Sorts each layer by the mean position of its neighbours, to and fro, and keeps the best order seen.
fn uncross(points: &Points, order: &mut Vec<Vec<usize>>) {
    let mut position = vec![0; points.layer.len()];
    let place =
        |layer: &[usize], position: &mut Vec<usize>| layer.iter().enumerate().for_each(|(at, point)| position[*point] = at);
    order.iter().for_each(|layer| place(layer, &mut position));
    let mut best = (crossings(points, order, &position), order.clone());
    for sweep in 0..SWEEPS {
        let count = order.len();
        for step in 0..count {
            let (at, neighbours) = if sweep % 2 == 0 { (step, &points.left) } else { (count - 1 - step, &points.right) };
            let key = |point: &usize| {
                let all = &neighbours[*point];
                let sum: usize = all.iter().map(|other| position[*other]).sum();
                if all.is_empty() { position[*point] as f64 } else { sum as f64 / all.len() as f64 }
            };
            let mut keyed: Vec<(f64, usize)> = order[at].iter().map(|point| (key(point), *point)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            order[at] = keyed.into_iter().map(|(_, point)| point).collect();
            place(&order[at], &mut position);
        }
        let now = crossings(points, order, &position);
        if now < best.0 {
            best = (now, order.clone());
        }
    }
    *order = best.1;
}

/// Pairs of arrows that cross between neighbouring layers, counted as inversions in a Fenwick tree.
fn crossings(points: &Points, order: &[Vec<usize>], position: &[usize]) -> u64 {
    let mut total = 0;
    for pair in order.windows(2) {
        let mut tree = vec![0_u64; pair[1].len() + 1];
        let mut seen = 0_u64;
        for point in &pair[0] {
            let ends = || points.right[*point].iter().map(|to| position[*to] + 1);
            for mut end in ends() {
                let mut not_after = 0;
                while end > 0 {
                    not_after += tree[end];
                    end &= end - 1;
                }
                total += seen - not_after;
            }
            for mut end in ends() {
                seen += 1;
                while end < tree.len() {
                    tree[end] += 1;
                    end += end & end.wrapping_neg();
                }
            }
        }
    }
    total
}

/// Heights: each layer in turn goes as near to its neighbours as order and distance allow.
fn settle(points: &Points, order: &[Vec<usize>], spacing: Spacing) -> Vec<f64> {
    let mut y = vec![0.0; points.layer.len()];
    let offsets: Vec<Vec<f64>> = order.iter().map(|layer| offsets(points, layer, spacing)).collect();
    for (layer, offsets) in order.iter().zip(&offsets) {
        let middle = offsets.last().copied().unwrap_or(0.0) / 2.0;
        layer.iter().zip(offsets).for_each(|(point, offset)| y[*point] = offset - middle);
    }
    for sweep in 0..SWEEPS {
        for step in 0..order.len() {
            let at = if sweep % 2 == 0 { step } else { order.len() - 1 - step };
            // Both sides at the end only: before, a layer should follow the one that has just been placed.
            let (use_left, use_right) = if sweep + 4 >= SWEEPS { (true, true) } else { (sweep % 2 == 0, sweep % 2 == 1) };
            let wanted = order[at].iter().zip(&offsets[at]).map(|(point, offset)| {
                let (wish, weight) = wish(points, &y, *point, use_left, use_right);
                (wish - offset, weight)
            });
            let fitted = isotonic(wanted);
            for ((point, offset), value) in order[at].iter().zip(&offsets[at]).zip(fitted) {
                y[*point] = value + offset;
            }
        }
    }
    y
}

/// Distance of each point from the first of its layer when all stand as close as they may.
fn offsets(points: &Points, layer: &[usize], spacing: Spacing) -> Vec<f64> {
    let mut offset = 0.0;
    let mut out = Vec::with_capacity(layer.len());
    for (at, point) in layer.iter().enumerate() {
        if at > 0 {
            let before = layer[at - 1];
            let gap = if points.height[before] > 0.0 && points.height[*point] > 0.0 { spacing.boxes } else { spacing.arrows };
            offset += (points.height[before] + points.height[*point]) / 2.0 + gap;
        }
        out.push(offset);
    }
    out
}

/// Where a point would stand by its neighbours alone, and how much that matters.
fn wish(points: &Points, y: &[f64], point: usize, left: bool, right: bool) -> (f64, f64) {
    let is_box = |at: usize| points.height[at] > 0.0;
    let (mut sum, mut weight) = (0.0, 0.0);
    let sides = [(left, &points.left[point]), (right, &points.right[point])];
    for other in sides.into_iter().filter(|(used, _)| *used).flat_map(|(_, others)| others) {
        let pull = match (is_box(point), is_box(*other)) {
            (true, true) => 1.0,
            (false, false) => STRAIGHT * STRAIGHT,
            _ => STRAIGHT,
        };
        sum += pull * y[*other];
        weight += pull;
    }
    if weight == 0.0 { (y[point], 0.01) } else { (sum / weight, weight) }
}

/// The non-decreasing sequence nearest to weighted values (pool adjacent violators).
fn isotonic(values: impl Iterator<Item = (f64, f64)>) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (value, weight) in values {
        pools.push((value, weight, 1));
        while let [.., before, last] = pools.as_slice()
            && before.0 > last.0
        {
            let weight = before.1 + last.1;
            let joined = ((before.0 * before.1 + last.0 * last.1) / weight, weight, before.2 + last.2);
            pools.pop();
            pools.pop();
            pools.push(joined);
        }
    }
    pools.into_iter().flat_map(|(value, _, count)| std::iter::repeat_n(value, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACING: Spacing = Spacing { boxes: 10.0, arrows: 5.0 };

    #[test]
    fn consumers_stand_before_providers() {
        // 0 ──▶ 1 ──▶ 2, 0 ──▶ 2, 3 ──▶ 2
        let layout = lay_out(&[20.0; 4], &[(0, 1), (1, 2), (0, 2), (3, 2)], None, SPACING);
        let layers: Vec<usize> = layout.places.iter().map(|(layer, _)| *layer).collect();
        assert_eq!(layers, [0, 1, 2, 1], "a root stands next to what it needs");
        assert_eq!(layout.routes[2].len(), 1, "a long arrow passes the layer between");
        assert_eq!(layout.n_layers, 3);
    }

    #[test]
    fn given_layers_stay() {
        // 2 is the source; 0 and 1 need it, 1 needs 0, and the source needs 3, which stands farther away.
        let layout = lay_out(&[20.0; 4], &[(0, 2), (1, 2), (1, 0), (2, 3)], Some(&[1, 1, 2, 0]), SPACING);
        assert_eq!(layout.places.iter().map(|(layer, _)| *layer).collect::<Vec<_>>(), [1, 1, 2, 0]);
        assert_eq!((layout.turned, layout.level), (vec![false, false, false, true], vec![false, false, true, false]));
        assert_eq!(layout.routes.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 0, 1]);
    }

    #[test]
    fn a_cycle_has_one_arrow_back() {
        let layout = lay_out(&[20.0; 3], &[(0, 1), (1, 2), (2, 0)], None, SPACING);
        assert_eq!(layout.turned, [false, false, true]);
    }

    #[test]
    fn boxes_keep_their_distance() {
        let arrows: Vec<(usize, usize)> = (1..9).map(|to| (0, to)).collect();
        let layout = lay_out(&[20.0; 9], &arrows, None, SPACING);
        let mut heights: Vec<f64> = layout.places[1..].iter().map(|(_, y)| *y).collect();
        heights.sort_by(f64::total_cmp);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= 30.0 - 1e-6), "{heights:?}");
        let middle = heights.iter().sum::<f64>() / 8.0;
        assert!((layout.places[0].1 - middle).abs() < 1.0, "one consumer stands in the middle of its providers");
    }

    #[test]
    fn crossings_are_undone_where_possible() {
        // 0 ──▶ 3, 1 ──▶ 2: drawn in file order these cross.
        let points = Points {
            layer: vec![0, 0, 1, 1],
            height: vec![20.0; 4],
            left: vec![vec![], vec![], vec![1], vec![0]],
            right: vec![vec![3], vec![2], vec![], vec![]],
        };
        let mut order = ordered(&points);
        assert_eq!(crossings(&points, &order, &[0, 1, 0, 1]), 1);
        uncross(&points, &mut order);
        assert_eq!(order, [vec![0, 1], vec![3, 2]]);
    }

    #[test]
    fn the_fit_is_monotone() {
        let fitted = isotonic([(1.0, 1.0), (5.0, 1.0), (3.0, 1.0), (9.0, 1.0)].into_iter());
        assert_eq!(fitted, [1.0, 4.0, 4.0, 9.0]);
    }
}
