//! Path-dependent tree SHAP by quadrature.
//!
//! The game is that of Lundberg et al. (2020, "tree_path_dependent"): where a feature is absent, a row goes both ways with
//! the shares of the covers. A leaf of value v whose path has the features j adds
//!   v (o_j - z_j) * integral over t in [0,1] of the product over k != j of (1-t) z_k + t o_k
//! to feature j, with o_k whether the row satisfies the path's splits on k and z_k the product of their shares: a polynomial
//! of degree below the number D of features, exact with ceil(D/2) Gauss-Legendre nodes (cf. TreeGrad-Shap, arXiv
//! 2602.11623). Rows go down a tree in blocks; products are made on the way down and sums on the way up, and each edge has
//! a few constants to multiply with. Nothing is divided while rows run and no polynomial is inverted, so depth costs no
//! accuracy.

use desk_core::trees::{Node, SplitMode, Tree};
use fearless_simd::{Level, dispatch};

use crate::players::Players;
use crate::quadrature::Rule;
use crate::trees::columns::Columns;
use crate::trees::covers::Covers;
use crate::trees::predict::Column;
use crate::trees::program::outcome;
use crate::trees::tables::leaf_weights;

/// What an edge multiplies with at one node of the quadrature.
#[derive(Debug, Clone, Copy)]
struct Constants {
    /// On the way down, for a row that satisfies all splits on the feature so far.
    stays: f64,
    /// The same for a row that fails here first, and for one that failed before.
    fails: f64,
    failed: f64,
    /// On the way up, for a row that satisfies and for one that fails; times the node's weight.
    with: f64,
    without: f64,
    /// What the last edge of the same feature above adds, to be taken back.
    above_with: f64,
    above_without: f64,
}

/// A way from a split to a child.
#[derive(Debug)]
struct Edge {
    player: u32,
    yes: bool,
    /// Depth of the edge above that splits on a feature of the same player.
    above: Option<usize>,
    constants: Vec<Constants>,
}

/// A tree walked from left to right.
#[derive(Debug)]
enum Step {
    /// Evaluates a split.
    Split { depth: usize, feature: u32, mode: SplitMode, threshold: f32, missing_yes: bool },
    /// Goes down an edge, by number.
    Enter { depth: usize, edge: usize },
    /// Sums begin with a leaf's weights, by its number.
    Leaf { depth: usize, leaf: usize },
    /// Comes back up an edge.
    Leave { depth: usize, edge: usize },
}

/// A tree ready for rows.
pub(crate) struct PathTree {
    steps: Vec<Step>,
    edges: Vec<Edge>,
    /// leaves x outputs.
    weights: Vec<f64>,
    /// Nodes of the quadrature.
    nodes: usize,
    depth: usize,
    outputs: usize,
}

impl PathTree {
    /// Each leaf's weights are multiplied by `scale` and the columns' signs; `deepest` are the most players on a path.
    pub fn new(
        (tree, players): (&Tree, &Players),
        covers: &Covers,
        columns: &[Column],
        scale: f64,
        deepest: usize,
    ) -> Self {
        let rule: Vec<(f64, f64)> = Rule::on_unit_interval(deepest.div_ceil(2).max(1)).nodes().collect();
        let found = Self {
            steps: Vec::new(),
            edges: Vec::new(),
            weights: Vec::new(),
            nodes: rule.len(),
            depth: 0,
            outputs: columns.len(),
        };
        let mut builder = Builder { tree, players, covers, columns, scale, rule, path: Vec::new(), found };
        builder.walk(0, 0);
        builder.found
    }

    /// Adds the shares of rows `from..from + B`; `shares` is players x outputs x B.
    pub fn add<const B: usize>(
        &self,
        rows: &Columns,
        from: usize,
        scratch: &mut PathScratch<B>,
        shares: &mut [[f64; B]],
    ) {
        scratch.fit(self);
        dispatch!(Level::new(), _ => self.run(rows, from, scratch, shares));
    }

    #[inline(always)]
    fn run<const B: usize>(&self, rows: &Columns, from: usize, scratch: &mut PathScratch<B>, shares: &mut [[f64; B]]) {
        let (nodes, outputs) = (self.nodes, self.outputs);
        for step in &self.steps {
            match *step {
                Step::Split { depth, feature, mode, threshold, missing_yes } => {
                    let x = &rows.column(feature)[from..from + B];
                    outcome(x, mode, threshold, missing_yes, &mut scratch.split[depth]);
                }
                Step::Enter { depth, edge } => scratch.enter(&self.edges[edge], depth, nodes),
                Step::Leaf { depth, leaf } => {
                    scratch.begin(&self.weights[leaf * outputs..(leaf + 1) * outputs], depth, nodes);
                }
                Step::Leave { depth, edge } => {
                    let edge = &self.edges[edge];
                    let target = edge.player as usize * outputs;
                    scratch.leave(edge, depth, (nodes, outputs), &mut shares[target..target + outputs]);
                }
            }
        }
    }
}

struct Builder<'a> {
    tree: &'a Tree,
    players: &'a Players,
    covers: &'a Covers,
    columns: &'a [Column],
    scale: f64,
    rule: Vec<(f64, f64)>,
    /// Player, share and depth of the last edge for it.
    path: Vec<(u32, f64, usize)>,
    found: PathTree,
}

impl Builder<'_> {
    fn walk(&mut self, node: u32, depth: usize) {
        self.found.depth = self.found.depth.max(depth);
        let Node::Split { feature, mode, threshold, missing_yes, yes, no } = self.tree.nodes[node as usize] else {
            let leaf = self.found.weights.len() / self.columns.len();
            self.found.weights.extend(leaf_weights(self.tree, node, self.columns, self.scale));
            self.found.steps.push(Step::Leaf { depth, leaf });
            return;
        };
        self.found.steps.push(Step::Split { depth, feature, mode, threshold, missing_yes });
        let player = self.players.of(feature);
        let slot = self.path.iter().position(|(known, ..)| *known == player);
        let above = slot.map(|slot| self.path[slot]);
        let before = above.map(|(_, share, _)| share);
        for (child, yes) in [(yes, true), (no, false)] {
            let share = before.unwrap_or(1.0) * self.covers.share(node, child);
            let constants = self.rule.iter().map(|(t, weight)| constants(*t, *weight, share, before)).collect();
            let edge = self.found.edges.len();
            self.found.edges.push(Edge { player, yes, above: above.map(|(.., depth)| depth), constants });
            self.found.steps.push(Step::Enter { depth, edge });
            match slot {
                Some(slot) => self.path[slot] = (player, share, depth),
                None => self.path.push((player, share, depth)),
            }
            self.walk(child, depth + 1);
            match (slot, above) {
                (Some(slot), Some(above)) => self.path[slot] = above,
                _ => drop(self.path.pop()),
            }
            self.found.steps.push(Step::Leave { depth, edge });
        }
    }
}

/// Constants of an edge whose player's splits so far are satisfied by `share`, and by `before` without this one.
fn constants(t: f64, weight: f64, share: f64, before: Option<f64>) -> Constants {
    let factor = |share: f64, satisfied: f64| (1.0 - t) * share + t * satisfied;
    // A factor of 0 leaves a product of 0, whatever it is multiplied with.
    let quotient = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b };
    let part = |share: f64, satisfied: f64| weight * quotient(satisfied - share, factor(share, satisfied));
    let old = |satisfied: f64| before.map_or(1.0, |before| factor(before, satisfied));
    Constants {
        stays: quotient(factor(share, 1.0), old(1.0)),
        fails: quotient(factor(share, 0.0), old(1.0)),
        failed: quotient(factor(share, 0.0), old(0.0)),
        with: part(share, 1.0),
        without: part(share, 0.0),
        above_with: before.map_or(0.0, |before| part(before, 1.0)),
        above_without: before.map_or(0.0, |before| part(before, 0.0)),
    }
}

/// Working memory for a block of `B` rows.
pub(crate) struct PathScratch<const B: usize> {
    /// Outcomes of the split at each depth.
    split: Vec<[u16; B]>,
    /// Whether rows satisfy all splits so far on the player of the edge at each depth.
    satisfied: Vec<[u16; B]>,
    /// depth x nodes.
    products: Vec<[f64; B]>,
    /// depth x outputs x nodes.
    sums: Vec<[f64; B]>,
}

impl<const B: usize> PathScratch<B> {
    /// Nothing in it yet.
    pub fn new() -> Self {
        Self { split: Vec::new(), satisfied: Vec::new(), products: Vec::new(), sums: Vec::new() }
    }

    fn fit(&mut self, tree: &PathTree) {
        let depth = tree.depth + 1;
        for bits in [&mut self.split, &mut self.satisfied] {
            bits.resize(bits.len().max(depth), [0; B]);
        }
        self.products.resize(self.products.len().max(depth * tree.nodes), [1.0; B]);
        self.products[..tree.nodes].fill([1.0; B]);
        self.sums.resize(self.sums.len().max(depth * tree.nodes * tree.outputs), [0.0; B]);
    }

    /// Sums at `depth` that begin at a leaf.
    #[inline(always)]
    fn begin(&mut self, weights: &[f64], depth: usize, nodes: usize) {
        let products = &self.products[depth * nodes..(depth + 1) * nodes];
        let width = nodes * weights.len();
        let sums = &mut self.sums[depth * width..(depth + 1) * width];
        for (sums, weight) in sums.chunks_exact_mut(nodes).zip(weights) {
            for (sum, product) in sums.iter_mut().zip(products) {
                sum.iter_mut().zip(product).for_each(|(sum, product)| *sum = weight * product);
            }
        }
    }

    /// Makes the products at `depth + 1` from those at `depth`.
    #[inline(always)]
    fn enter(&mut self, edge: &Edge, depth: usize, nodes: usize) {
        let flip = u16::from(!edge.yes);
        let (products, below) = self.products.split_at_mut((depth + 1) * nodes);
        let pairs = below.iter_mut().zip(&products[depth * nodes..]).zip(&edge.constants);
        let split = &self.split[depth];
        if let Some(above) = edge.above {
            let before = self.satisfied[above];
            for ((now, before), split) in self.satisfied[depth].iter_mut().zip(&before).zip(split) {
                *now = before & (split ^ flip);
            }
            let now = &self.satisfied[depth];
            for ((below, product), constants) in pairs {
                for (r, (below, product)) in below.iter_mut().zip(product).enumerate() {
                    let failing = if before[r] == 1 { constants.fails } else { constants.failed };
                    *below = product * if now[r] == 1 { constants.stays } else { failing };
                }
            }
        } else {
            self.satisfied[depth].iter_mut().zip(split).for_each(|(now, split)| *now = split ^ flip);
            let now = &self.satisfied[depth];
            for ((below, product), constants) in pairs {
                for ((below, product), now) in below.iter_mut().zip(product).zip(now) {
                    *below = product * if *now == 1 { constants.stays } else { constants.fails };
                }
            }
        }
    }

    /// Adds what the leaves below say for the edge's player, and their sums to those at `depth`.
    #[inline(always)]
    fn leave(&mut self, edge: &Edge, depth: usize, (nodes, outputs): (usize, usize), shares: &mut [[f64; B]]) {
        let width = nodes * outputs;
        let (sums, below) = self.sums.split_at_mut((depth + 1) * width);
        let (sums, below) = (&mut sums[depth * width..], &below[..width]);
        let now = &self.satisfied[depth];
        for (share, below) in shares.iter_mut().zip(below.chunks_exact(nodes)) {
            for (sum, constants) in below.iter().zip(&edge.constants) {
                for ((share, sum), now) in share.iter_mut().zip(sum).zip(now) {
                    *share += sum * if *now == 1 { constants.with } else { constants.without };
                }
            }
            if let Some(above) = edge.above {
                let before = &self.satisfied[above];
                for (sum, constants) in below.iter().zip(&edge.constants) {
                    for ((share, sum), before) in share.iter_mut().zip(sum).zip(before) {
                        *share -= sum * if *before == 1 { constants.above_with } else { constants.above_without };
                    }
                }
            }
        }
        // The first edge of a split finds what another part of the tree left.
        if edge.yes {
            sums.copy_from_slice(below);
        } else {
            for (sum, below) in sums.iter_mut().zip(below) {
                sum.iter_mut().zip(below).for_each(|(sum, below)| *sum += below);
            }
        }
    }
}
