//! Layered layout of a directed graph: rows from top to bottom, few crossings, straight long edges.
//!
//! The four phases of Sugiyama, Tagawa and Toda (Methods for visual understanding of hierarchical
//! system structures, IEEE SMC 1981). Rows come from longest paths. All edges of one node share one chain
//! of bends, so that a value that is used a thousand times costs one chain and not a thousand.
//! Order within rows: barycentres, swept down and up. Places within rows: each row is the nearest one, in
//! least squares, to the means of its neighbours that keeps order and distances (isotonic regression by
//! pooling adjacent violators). All phases take time almost linear in nodes and edges.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::order;
use super::pace::Pace;

/// Free space between neighbours in a row, in points.
const GAP_X: f32 = 24.0;
/// Free space between rows, in points.
const GAP_Y: f32 = 36.0;
/// Width that a bend of an edge takes.
const BEND: f32 = 8.0;
/// Edges over more rows than this have no bends: they would take more room than they explain.
pub(super) const LONGEST_CHAIN: u32 = 64;
/// Sweeps down and up over the order.
const ORDER_SWEEPS: usize = 6;
/// Sweeps down and up over the places.
const PLACE_SWEEPS: usize = 6;

/// A node, or a bend of the edges of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// The node that it is, or whose edges bend here.
    pub node: u32,
    /// A bend is a point in the middle of its row.
    pub bend: bool,
    /// Where it is.
    pub rect: Rect,
}

/// Items from left to right.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its upper end.
    pub top: f32,
    /// Its lower end.
    pub bottom: f32,
    /// Positions in [`Layout::items`].
    pub items: std::ops::Range<u32>,
    /// Edges down to the next row, as positions in [`Layout::items`].
    pub links: Vec<(u32, u32)>,
}

/// Where everything is, in points from 0, 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    /// Nodes and bends, row by row.
    pub items: Vec<Item>,
    /// Rows from top to bottom.
    pub rows: Vec<Row>,
    /// The item of each node.
    pub places: Vec<u32>,
    /// Edges over many rows, as nodes: they have no bends.
    pub far: Vec<(u32, u32)>,
    /// Width and height of all.
    pub size: Vec2,
}

impl Layout {
    /// Where a node is.
    pub fn node(&self, node: u32) -> Option<Rect> {
        let item = *self.places.get(node as usize)?;
        Some(self.items.get(item as usize)?.rect)
    }

    /// The rows that lie between two heights.
    pub fn rows_between(&self, top: f32, bottom: f32) -> std::ops::Range<usize> {
        let first = self.rows.partition_point(|row| row.bottom < top);
        let end = self.rows.partition_point(|row| row.top <= bottom);
        first..end.max(first)
    }

    /// The node at a point.
    pub fn at(&self, point: Pos2) -> Option<u32> {
        let rows = self.rows_between(point.y, point.y);
        let items = self.rows.get(rows)?.iter().flat_map(|row| row.items.clone());
        let found = items.filter_map(|item| self.items.get(item as usize));
        found.filter(|item| !item.bend && item.rect.contains(point)).map(|item| item.node).next()
    }
}

/// Lays out nodes of the given sizes with edges as (from, to). `told` is given the fraction that is done, again and
/// again; `None` when it answered true.
///
/// Edges that would close a cycle, and those from a node to itself, are left out of the rows and drawn as
/// far ones.
pub fn layout(sizes: &[Vec2], edges: &[(u32, u32)], told: &dyn Fn(f32) -> bool) -> Option<Layout> {
    let mut pace = Pace::new(told);
    pace.begin(0.1, sizes.len())?;
    let ranks = ranks(sizes.len(), edges, &mut pace)?;
    pace.begin(0.25, sizes.len())?;
    let mut net = Net::new(sizes, edges, &ranks, &mut pace)?;
    let items = net.widths.len();
    pace.begin(0.6, ORDER_SWEEPS * items)?;
    order::sweep(&mut net, ORDER_SWEEPS, &mut pace)?;
    pace.begin(0.95, PLACE_SWEEPS * items)?;
    let centres = place(&net, &mut pace)?;
    pace.begin(1.0, items)?;
    Some(net.finish(sizes, &centres))
}

/// The row of each node: behind all that lead to it, and no further from what it leads to than it must.
fn ranks(nodes: usize, edges: &[(u32, u32)], pace: &mut Pace<'_>) -> Option<Vec<u32>> {
    let down = Lists::new(nodes, edges.iter().copied());
    let up = Lists::new(nodes, edges.iter().map(|(from, to)| (*to, *from)));
    let mut waiting: Vec<u32> = (0..nodes).map(|node| up.of(node as u32).len() as u32).collect();
    let mut ready: Vec<u32> = (0..nodes as u32).filter(|node| waiting[*node as usize] == 0).collect();
    let (mut ranks, mut next, mut placed) = (vec![0u32; nodes], 0, vec![false; nodes]);
    // All before this one are placed.
    let mut first = 0;
    let mut in_order = Vec::with_capacity(nodes);
    loop {
        while let Some(node) = ready.get(next).copied() {
            next += 1;
            if std::mem::replace(&mut placed[node as usize], true) {
                continue;
            }
            in_order.push(node);
            pace.on(1)?;
            for below in down.of(node) {
                let left = &mut waiting[*below as usize];
                *left = left.saturating_sub(1);
                if !placed[*below as usize] {
                    ranks[*below as usize] = ranks[*below as usize].max(ranks[node as usize] + 1);
                    if *left == 0 {
                        ready.push(*below);
                    }
                }
            }
        }
        // What is left is in a cycle or behind one: cut it at its first node.
        while placed.get(first) == Some(&true) {
            first += 1;
        }
        if first == nodes {
            break;
        }
        ready.push(first as u32);
    }
    for node in in_order.iter().rev() {
        let below =
            down.of(*node).iter().map(|below| ranks[*below as usize]).filter(|rank| *rank > ranks[*node as usize]);
        let (above, nearest) = (up.of(*node).len(), below.min());
        if let Some(nearest) = nearest
            && above < down.of(*node).len()
        {
            ranks[*node as usize] = nearest - 1;
        }
    }
    Some(ranks)
}

/// For each node a list of others, all in one block.
pub(super) struct Lists {
    starts: Vec<u32>,
    all: Vec<u32>,
}

impl Lists {
    pub fn new(nodes: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0u32; nodes + 1];
        for (from, _) in pairs.clone() {
            starts[from as usize + 1] += 1;
        }
        for i in 0..nodes {
            starts[i + 1] += starts[i];
        }
        let mut filled = starts.clone();
        let mut all = vec![0; starts[nodes] as usize];
        for (from, to) in pairs {
            let at = &mut filled[from as usize];
            all[*at as usize] = to;
            *at += 1;
        }
        Self { starts, all }
    }

    pub fn of(&self, node: u32) -> &[u32] {
        &self.all[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }
}

/// Nodes and bends, with edges between neighbouring rows alone.
pub(super) struct Net {
    /// Items of each row, from left to right.
    pub rows: Vec<Vec<u32>>,
    /// Neighbours in the row above.
    pub up: Lists,
    /// Neighbours in the row below.
    pub down: Lists,
    /// Width of each item; the first ones are the nodes.
    pub widths: Vec<f32>,
    /// Whose edges bend there; nodes are their own.
    owner: Vec<u32>,
    far: Vec<(u32, u32)>,
    nodes: usize,
}

impl Net {
    fn new(sizes: &[Vec2], edges: &[(u32, u32)], ranks: &[u32], pace: &mut Pace<'_>) -> Option<Self> {
        let nodes = sizes.len();
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); ranks.iter().max().map_or(0, |rank| *rank as usize + 1)];
        for (node, rank) in ranks.iter().enumerate() {
            rows[*rank as usize].push(node as u32);
        }
        let mut widths: Vec<f32> = sizes.iter().map(|size| size.x).collect();
        let mut owner: Vec<u32> = (0..nodes as u32).collect();
        let (mut links, mut far) = (Vec::with_capacity(edges.len()), Vec::new());
        let down = Lists::new(nodes, edges.iter().copied());
        for node in 0..nodes as u32 {
            let rank = ranks[node as usize];
            pace.on(1)?;
            let mut below: Vec<u32> = down.of(node).to_vec();
            below.sort_unstable_by_key(|below| (ranks[*below as usize], *below));
            below.dedup();
            // The chain of bends so far: it ends at `last`, in the row `reached`.
            let (mut last, mut reached) = (node, rank);
            for to in below {
                let target = ranks[to as usize];
                if target <= rank || target - rank > LONGEST_CHAIN {
                    far.push((node, to));
                    continue;
                }
                while reached + 1 < target {
                    let bend = widths.len() as u32;
                    widths.push(BEND);
                    owner.push(node);
                    reached += 1;
                    rows[reached as usize].push(bend);
                    links.push((last, bend));
                    last = bend;
                }
                links.push((last, to));
            }
        }
        let items = widths.len();
        let up = Lists::new(items, links.iter().map(|(from, to)| (*to, *from)));
        Some(Self { rows, up, down: Lists::new(items, links.iter().copied()), widths, owner, far, nodes })
    }

    pub fn is_bend(&self, item: u32) -> bool {
        item as usize >= self.nodes
    }

    fn finish(self, sizes: &[Vec2], centres: &[f32]) -> Layout {
        let left = (0..centres.len()).map(|i| centres[i] - self.widths[i] / 2.0).fold(f32::INFINITY, f32::min);
        let right = (0..centres.len()).map(|i| centres[i] + self.widths[i] / 2.0).fold(f32::NEG_INFINITY, f32::max);
        let mut found = Layout { places: vec![0; self.nodes], far: self.far, ..Layout::default() };
        let mut new_place = vec![0u32; centres.len()];
        let mut top = 0.0;
        for row in &self.rows {
            let tallest = row.iter().filter(|item| (**item as usize) < self.nodes).map(|item| sizes[*item as usize].y);
            let height = tallest.fold(0.0, f32::max);
            let first = found.items.len() as u32;
            for item in row {
                let bend = *item as usize >= self.nodes;
                let size = if bend { Vec2::ZERO } else { sizes[*item as usize] };
                let centre = pos2(centres[*item as usize] - left, top + height / 2.0);
                new_place[*item as usize] = found.items.len() as u32;
                if !bend {
                    found.places[*item as usize] = found.items.len() as u32;
                }
                let rect = Rect::from_center_size(centre, size);
                found.items.push(Item { node: self.owner[*item as usize], bend, rect });
            }
            let items = first..found.items.len() as u32;
            found.rows.push(Row { top, bottom: top + height, items, links: Vec::new() });
            top += height + GAP_Y;
        }
        for (row, items) in found.rows.iter_mut().zip(&self.rows) {
            let links = items.iter().flat_map(|item| self.down.of(*item).iter().map(move |to| (*item, *to)));
            row.links = links.map(|(from, to)| (new_place[from as usize], new_place[to as usize])).collect();
        }
        found.size = if self.nodes == 0 { Vec2::ZERO } else { vec2(right - left, (top - GAP_Y).max(0.0)) };
        found
    }
}

/// The centre of each item within its row.
fn place(net: &Net, pace: &mut Pace<'_>) -> Option<Vec<f32>> {
    let mut centres = vec![0.0; net.widths.len()];
    for row in &net.rows {
        let mut right = 0.0;
        for item in row {
            let width = net.widths[*item as usize];
            centres[*item as usize] = right + width / 2.0;
            right += width + GAP_X;
        }
        // Rows start centred over one another.
        for item in row {
            centres[*item as usize] -= right / 2.0;
        }
    }
    let mut wishes = Vec::new();
    for sweep in 0..PLACE_SWEEPS {
        for i in 0..net.rows.len() {
            let (row, towards) = match sweep % 2 {
                0 => (&net.rows[i], &net.up),
                _ => (&net.rows[net.rows.len() - 1 - i], &net.down),
            };
            // The last sweeps look both ways.
            let other = (sweep + 2 >= PLACE_SWEEPS).then_some(if sweep % 2 == 0 { &net.down } else { &net.up });
            wishes.clear();
            wishes.extend(row.iter().map(|item| wish(net, *item, towards, other, &centres)));
            settle(row, &wishes, net, &mut centres);
            pace.on(row.len())?;
        }
    }
    Some(centres)
}

/// Where an item would like to be, and how much.
fn wish(net: &Net, item: u32, towards: &Lists, other: Option<&Lists>, centres: &[f32]) -> (f32, f32) {
    let (mut sum, mut weight) = (0.0, 0.0);
    for list in std::iter::once(towards).chain(other) {
        for neighbour in list.of(item) {
            // Long edges are to be straight before short ones are.
            let pull = match (net.is_bend(item), net.is_bend(*neighbour)) {
                (true, true) => 8.0,
                (true, false) | (false, true) => 2.0,
                (false, false) => 1.0,
            };
            sum += pull * centres[*neighbour as usize];
            weight += pull;
        }
    }
    if weight > 0.0 { (sum / weight, weight) } else { (centres[item as usize], 0.01) }
}

/// Moves a row's items as near to their wishes as order and distances allow: isotonic regression by
/// pooling adjacent violators.
fn settle(row: &[u32], wishes: &[(f32, f32)], net: &Net, centres: &mut [f32]) {
    // A pool of items that touch: where its first one would be if all distances were 0, its weight, its end.
    let mut pools: Vec<(f32, f32, usize)> = Vec::with_capacity(row.len());
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0.0;
    for (i, item) in row.iter().enumerate() {
        let width = net.widths[*item as usize];
        offset += if i == 0 { 0.0 } else { f32::midpoint(net.widths[row[i - 1] as usize], width) + GAP_X };
        offsets.push(offset);
        let (at, weight) = wishes[i];
        pools.push((at - offset, weight, i + 1));
        while let [.., (at, weight, _), (next, more, end)] = pools[..]
            && at > next
        {
            pools.pop();
            pools.pop();
            pools.push(((at * weight + next * more) / (weight + more), weight + more, end));
        }
    }
    let mut first = 0;
    for (at, _, end) in pools {
        for i in first..end {
            centres[row[i] as usize] = at + offsets[i];
        }
        first = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn laid(nodes: usize, edges: &[(u32, u32)]) -> Layout {
        layout(&vec![vec2(100.0, 30.0); nodes], edges, &|_| false).expect("not stopped")
    }

    #[test]
    fn a_chain_is_a_column() {
        let found = laid(4, &[(0, 1), (1, 2), (2, 3)]);
        assert_eq!((found.rows.len(), found.size), (4, vec2(100.0, 4.0 * 30.0 + 3.0 * GAP_Y)));
        assert!((0..4).all(|node| found.node(node).expect("there").center().x == 50.0));
    }

    #[test]
    fn branches_stand_side_by_side_and_the_ends_between_them() {
        let found = laid(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]);
        let x: Vec<f32> = (0..4).map(|node| found.node(node).expect("there").center().x).collect();
        assert_eq!(found.rows.len(), 3);
        assert!((x[2] - x[1]).abs() >= 100.0 + GAP_X - 0.01, "{x:?}");
        assert!((x[0] - f32::midpoint(x[1], x[2])).abs() < 0.5 && (x[0] - x[3]).abs() < 0.5, "{x:?}");
    }

    #[test]
    fn a_constant_stands_just_above_its_user() {
        let found = laid(5, &[(0, 1), (1, 2), (2, 3), (4, 3)]);
        assert_eq!(found.node(4).expect("there").top(), found.node(2).expect("there").top());
    }

    #[test]
    fn a_value_that_many_use_has_one_chain() {
        let mut edges: Vec<(u32, u32)> = (0..9).map(|i| (i, i + 1)).collect();
        edges.extend((2..10).map(|to| (0, to)));
        let found = laid(10, &edges);
        // From row 1 to row 8.
        assert_eq!(found.items.iter().filter(|item| item.bend).count(), 8);
    }

    #[test]
    fn very_long_edges_have_no_bends() {
        let mut edges: Vec<(u32, u32)> = (0..199).map(|i| (i, i + 1)).collect();
        edges.push((0, 199));
        let found = laid(200, &edges);
        assert_eq!((found.far.as_slice(), found.items.len()), ([(0, 199)].as_slice(), 200));
    }

    #[test]
    fn cycles_and_nothing_do_no_harm() {
        assert_eq!(laid(0, &[]).size, Vec2::ZERO);
        let found = laid(3, &[(0, 1), (1, 2), (2, 0), (1, 1)]);
        assert_eq!(found.rows.len(), 3);
        assert_eq!(found.far.len(), 2);
    }

    #[test]
    fn it_can_be_stopped() {
        assert_eq!(layout(&[vec2(1.0, 1.0)], &[], &|_| true), None);
    }

    /// A chain of blocks, each with a short branch and a connection that skips it.
    fn blocks(nodes: u32) -> Vec<(u32, u32)> {
        let block = |i: u32| [(i, i + 1), (i, i + 2), (i + 1, i + 3), (i + 2, i + 3), (i, i + 3)];
        (0..nodes.saturating_sub(3)).step_by(3).flat_map(block).collect()
    }

    #[test]
    fn it_tells_how_far_it_is_and_ends_at_once_wherever_it_is_told_to() {
        let (sizes, edges) = (vec![vec2(100.0, 30.0); 30_001], blocks(30_001));
        let said = std::cell::RefCell::new(Vec::new());
        let told = |fraction: f32| {
            said.borrow_mut().push(fraction);
            false
        };
        layout(&sizes, &edges, &told).expect("not stopped");
        let said = said.take();
        assert!(said.is_sorted() && said.first() == Some(&0.0) && said.last().is_some_and(|last| *last >= 0.95));
        // Twelve sweeps over each item at most, and it is asked every few thousand items.
        assert!(said.len() > 30, "asked {} times only", said.len());
        for at in 1..=said.len() {
            let asked = std::cell::Cell::new(0);
            let stop = |_| {
                asked.set(asked.get() + 1);
                asked.get() == at
            };
            assert_eq!(layout(&sizes, &edges, &stop), None);
            assert_eq!(asked.get(), at, "it went on after it was told to end");
        }
    }

    #[test]
    fn many_cycles_are_cut_without_looking_at_each_node_for_each() {
        let edges: Vec<(u32, u32)> = (0..60_000).map(|node| (node, node)).collect();
        assert_eq!(laid(60_000, &edges).far.len(), 60_000);
    }

    #[test]
    fn points_find_nodes() {
        let found = laid(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]);
        for node in 0..4 {
            assert_eq!(found.at(found.node(node).expect("there").center()), Some(node));
        }
        assert_eq!(found.at(pos2(-1.0, -1.0)), None);
        assert_eq!(found.rows_between(35.0, 40.0), 1..1);
    }

    proptest! {
        #[test]
        fn rows_go_down_and_nothing_overlaps(
            nodes in 1usize..60,
            pairs in prop::collection::vec((0u32..60, 0u32..60), 0..150),
            widths in prop::collection::vec(20.0f32..200.0, 60),
        ) {
            let edges: Vec<(u32, u32)> = pairs.into_iter()
                .filter(|(from, to)| from < to && (*to as usize) < nodes).collect();
            let sizes: Vec<Vec2> = widths[..nodes].iter().map(|width| vec2(*width, 30.0)).collect();
            let found = layout(&sizes, &edges, &|_| false).expect("not stopped");
            for (from, to) in &edges {
                prop_assert!(found.node(*from).expect("there").bottom() < found.node(*to).expect("there").top());
            }
            for row in &found.rows {
                let items: Vec<&Item> = row.items.clone().map(|item| &found.items[item as usize]).collect();
                for pair in items.windows(2) {
                    prop_assert!(pair[1].rect.left() >= pair[0].rect.right() - 0.01, "{pair:?}");
                }
                for (from, to) in &row.links {
                    prop_assert!(found.items[*from as usize].rect.bottom() < found.items[*to as usize].rect.top());
                }
            }
            let all = Rect::from_min_size(Pos2::ZERO, found.size).expand(0.5);
            prop_assert!(found.items.iter().all(|item| all.contains_rect(item.rect)));
            for (node, size) in sizes.iter().enumerate() {
                // A rectangle is kept by its corners, whose numbers are rounded.
                let off = found.node(node as u32).expect("there").size() - *size;
                prop_assert!(off.abs().max_elem() < 0.01, "{off:?}");
            }
        }
    }
}
