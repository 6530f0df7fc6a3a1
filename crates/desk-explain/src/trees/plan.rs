//! Which way each tree is explained: rough costs, measured once, decide.

use desk_core::trees::{Node, Tree};

use crate::players::Players;
use crate::trees::MEMORY_BUDGET_BYTES;
use crate::trees::program::MAX_BITS;

/// Ways to explain a tree; all are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Tables for every mask: dear to make, cheapest per row.
    Tables,
    /// Sums over the masks that matter to a row.
    Subsets,
    /// Each row is walked against the background: no limit on depth.
    Walks,
    /// Integrals along every path, for covers alone: no limit on depth.
    Quadrature,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Rows to explain.
    pub rows: usize,
    /// Background rows; none where covers stand for them.
    pub background: Option<usize>,
    /// Explained outputs.
    pub outputs: usize,
}

/// The way for one tree.
#[derive(Debug)]
pub(crate) struct Plan {
    /// How it is explained.
    pub way: Way,
    /// Memory that it takes when prepared.
    pub bytes: f64,
    /// Most players on a path.
    pub deepest: usize,
}

/// Most players on a path for which tables are made.
const MAX_TABLE_FEATURES: usize = 12;
/// Table size of a leaf beyond which look-ups miss the first-level cache.
const CACHED_TABLE_BYTES: f64 = 48.0 * 1024.0;

impl Plan {
    /// Chooses, unless a way is wanted and possible.
    pub fn new(tree: &Tree, players: &Players, size: Size, wanted: Option<Way>) -> Self {
        let widths = path_widths(tree, players);
        let deepest = widths.iter().copied().max().unwrap_or(0);
        let (tables, limit) = (Cost::tables(&widths, size), MAX_TABLE_FEATURES);
        let possible = match size.background {
            Some(background) => {
                let walks = walk_nanoseconds(&widths, size.rows, background, size.outputs);
                vec![
                    (Way::Tables, tables, limit),
                    (Way::Subsets, Cost::subsets(&widths, background, size), MAX_BITS),
                    (Way::Walks, Cost { nanoseconds: walks, bytes: 0.0 }, usize::MAX),
                ]
            }
            None => vec![
                (Way::Tables, tables, limit),
                (Way::Quadrature, Cost::quadrature(&widths, deepest, size), usize::MAX),
            ],
        };
        let fits = |(_, cost, most): &&(Way, Cost, usize)| deepest <= *most && cost.bytes <= MEMORY_BUDGET_BYTES;
        let wanted = possible.iter().filter(fits).find(|(way, ..)| wanted == Some(*way));
        let fastest = || possible.iter().filter(fits).min_by(|a, b| a.1.nanoseconds.total_cmp(&b.1.nanoseconds));
        let (way, cost, _) = wanted.or_else(fastest).unwrap_or(&possible[possible.len() - 1]);
        Self { way: *way, bytes: cost.bytes, deepest }
    }
}

#[derive(Debug, Clone, Copy)]
struct Cost {
    nanoseconds: f64,
    bytes: f64,
}

impl Cost {
    fn tables(widths: &[usize], size: Size) -> Self {
        let (rows, outputs) = (size.rows as f64, size.outputs as f64);
        let mut cost = Self { nanoseconds: 0.0, bytes: 0.0 };
        for width in widths {
            let (d, masks) = (*width as f64, 2f64.powi(*width as i32));
            let bytes = 8.0 * masks * d * outputs;
            let look_up = if bytes > CACHED_TABLE_BYTES { 1.0 } else { 0.25 };
            let prepare = 300.0 + masks * ((d / 2.0).ceil() * (d / 8.0 + 0.5) + 0.7 * d * outputs);
            cost.nanoseconds +=
                0.4 * size.background.unwrap_or(0) as f64 + prepare + rows * (0.5 + d * outputs * look_up);
            cost.bytes += bytes;
        }
        cost
    }

    fn subsets(widths: &[usize], background: usize, size: Size) -> Self {
        let (rows, outputs) = (size.rows as f64, size.outputs as f64);
        let mut cost = Self { nanoseconds: 0.0, bytes: 0.0 };
        for width in widths {
            let (d, masks) = (*width as f64, 2f64.powi(*width as i32));
            // Rows of a block that share a mask are summed once.
            let different = rows.min(masks * (rows / 128.0).max(1.0));
            cost.nanoseconds += 100.0 + 0.4 * background as f64 + masks;
            cost.nanoseconds += rows * (4.0 + 1.5 * d * outputs) + different * 2.5 * 1.5f64.powf(d);
            cost.bytes += 4.0 * masks;
        }
        cost
    }

    fn quadrature(widths: &[usize], deepest: usize, size: Size) -> Self {
        let (leaves, nodes) = (widths.len() as f64, (deepest as f64 / 2.0).ceil());
        let rows = size.rows.next_multiple_of(16) as f64;
        let nanoseconds = leaves * nodes * (100.0 + rows * size.outputs as f64 * 1.5);
        Self { nanoseconds, bytes: leaves * nodes * 120.0 }
    }
}

/// A walk parts from the background about every second split, and then goes both ways.
fn walk_nanoseconds(widths: &[usize], rows: usize, background: usize, outputs: usize) -> f64 {
    let mean = widths.iter().sum::<usize>() as f64 / widths.len().max(1) as f64;
    let visits = background as f64 * 1.8f64.powf(mean);
    rows as f64 * visits * 3.5 * (outputs as f64).sqrt()
}

/// Different players on the path to each leaf.
pub(crate) fn path_widths(tree: &Tree, players: &Players) -> Vec<usize> {
    let mut widths = Vec::new();
    gather_widths((tree, players), 0, &mut Vec::new(), &mut widths);
    widths
}

fn gather_widths((tree, players): (&Tree, &Players), node: u32, path: &mut Vec<u32>, widths: &mut Vec<usize>) {
    let Node::Split { feature, yes, no, .. } = &tree.nodes[node as usize] else {
        widths.push(path.len());
        return;
    };
    let player = players.of(*feature);
    let fresh = !path.contains(&player);
    if fresh {
        path.push(player);
    }
    gather_widths((tree, players), *yes, path, widths);
    gather_widths((tree, players), *no, path, widths);
    if fresh {
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use desk_core::trees::SplitMode;

    use super::*;

    /// A complete tree with another feature at each level.
    fn complete(depth: u32) -> Tree {
        let inner = (1u32 << depth) - 1;
        let node = |at: u32| {
            let feature = (at + 1).ilog2();
            let (yes, no) = (2 * at + 1, 2 * at + 2);
            Node::Split { feature, mode: SplitMode::Leq, threshold: 0.0, missing_yes: false, yes, no }
        };
        let leaves = (0..=inner).map(|at| Node::Leaf(vec![(0, at as f32)]));
        Tree { nodes: (0..inner).map(node).chain(leaves).collect() }
    }

    #[test]
    fn many_rows_get_tables_few_get_subsets_and_the_deepest_are_walked() {
        let size = |rows| Size { rows, background: Some(100), outputs: 1 };
        let plan = |depth, rows| Plan::new(&complete(depth), &Players::single(depth as usize), size(rows), None).way;
        assert_eq!((plan(6, 10_000), plan(6, 5)), (Way::Tables, Way::Subsets));
        assert_ne!(plan(13, 10_000), Way::Tables);
        assert_eq!(plan(17, 10), Way::Walks);
    }
}
