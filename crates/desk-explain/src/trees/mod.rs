//! Exact interventional Shapley values of a tree ensemble.

pub(crate) mod check;
mod columns;
mod grouped;
pub(crate) mod predict;
mod program;
mod quadrature;
mod tables;

use std::sync::atomic::{AtomicU64, Ordering};

use desk_core::trees::{Aggregate, Node, Tree, TreeEnsemble};
use desk_core::{Cancel, Progress, ProgressSink};
use rayon::prelude::*;

use crate::error::ExplainError;
use crate::explanation::Cube;
use crate::input::Table;
use columns::Columns;
use grouped::{GroupedTree, Walker};
use predict::Column;
use program::Scratch;
use tables::TreeTables;

/// Rows of a block while tables fit into the first-level cache.
const SMALL_BLOCK: usize = 64;
/// Rows of a block when they do not: each table is read once for more rows.
const LARGE_BLOCK: usize = Columns::PAD;
/// Table size of a leaf from which large blocks are used.
const SMALL_TABLE_BYTES: f64 = 48.0 * 1024.0;
/// Memory that tables may take at a time.
const TABLE_BUDGET_BYTES: f64 = 256.0 * 1024.0 * 1024.0;
/// Most features on a path for which tables are made.
const MAX_TABLE_FEATURES: usize = 12;

/// Attributions of rows, rows x features x columns, of an ensemble that has been checked and is a
/// sum or a mean of its trees.
pub(crate) fn attributions(
    ensemble: &TreeEnsemble,
    columns: &[Column],
    rows: Table<'_>,
    background: Table<'_>,
    cancel: &Cancel,
    sink: &dyn ProgressSink,
) -> Result<Cube, ExplainError> {
    let scale = match ensemble.aggregate {
        Aggregate::Average => 1.0 / ensemble.trees.len() as f64,
        _ => 1.0,
    };
    let job = Job {
        ensemble,
        columns,
        scale,
        rows: Columns::new(rows),
        background: Columns::new(background),
        cancel,
        sink,
        done: AtomicU64::new(0),
    };
    let mut cube = Cube::zeros(rows.len(), rows.n_features, columns.len());
    let plans: Vec<Plan> = ensemble.trees.iter().map(|tree| Plan::new(tree, &job)).collect();
    let mut from = 0;
    while from < plans.len() {
        let mut bytes = plans[from].table_bytes;
        let mut to = from + 1;
        while to < plans.len() && bytes + plans[to].table_bytes <= TABLE_BUDGET_BYTES {
            bytes += plans[to].table_bytes;
            to += 1;
        }
        job.add_trees(&ensemble.trees[from..to], &plans[from..to], &mut cube)?;
        from = to;
    }
    Ok(cube)
}

struct Job<'a> {
    ensemble: &'a TreeEnsemble,
    columns: &'a [Column],
    scale: f64,
    rows: Columns,
    background: Columns,
    cancel: &'a Cancel,
    sink: &'a dyn ProgressSink,
    /// Rows times trees that are finished.
    done: AtomicU64,
}

/// How a tree is explained, by rough costs in nanoseconds.
struct Plan {
    tables: bool,
    /// Memory of its tables; 0 without.
    table_bytes: f64,
    /// The largest leaf's table.
    leaf_bytes: f64,
}

impl Plan {
    fn new(tree: &Tree, job: &Job<'_>) -> Self {
        let (rows, background) = (job.rows.rows() as f64, job.background.rows() as f64);
        let outputs = job.columns.len() as f64;
        let mut leaves = Leaves::default();
        leaves.walk(tree, 0, &mut Vec::new());
        let count = leaves.features.len() as f64;
        let (mut prepare, mut bytes, mut largest, mut depth) = (background * count * 1.5, 0.0, 0f64, 0.0);
        for features in &leaves.features {
            let (d, size) = (*features as f64, 2f64.powi(*features as i32));
            prepare += size * ((d / 2.0).ceil() * (d / 3.0 + 3.0) + 2.0 * d * outputs);
            bytes += 8.0 * size * d * outputs;
            largest = largest.max(8.0 * size * d * outputs);
            depth += d / count;
        }
        let look_up = if largest > SMALL_TABLE_BYTES { 3.0 } else { 0.7 };
        let with_tables = prepare + rows * count * depth * outputs * look_up;
        // A group walk meets at most as many leaves as pairs do, and rarely each leaf twice per turn.
        let visits = (background * depth * 2.0).min(count * depth * 4.0) * outputs.sqrt();
        let with_walks = rows * visits * 12.0;
        let deep = leaves.features.iter().any(|features| *features > MAX_TABLE_FEATURES);
        if deep || with_walks < with_tables || bytes > TABLE_BUDGET_BYTES {
            return Self { tables: false, table_bytes: 0.0, leaf_bytes: 0.0 };
        }
        Self { tables: true, table_bytes: bytes, leaf_bytes: largest }
    }
}

/// Different features on the path to each leaf.
#[derive(Default)]
struct Leaves {
    features: Vec<usize>,
}

impl Leaves {
    fn walk(&mut self, tree: &Tree, node: u32, path: &mut Vec<u32>) {
        let Node::Split { feature, yes, no, .. } = &tree.nodes[node as usize] else {
            self.features.push(path.len());
            return;
        };
        let fresh = !path.contains(feature);
        if fresh {
            path.push(*feature);
        }
        self.walk(tree, *yes, path);
        self.walk(tree, *no, path);
        if fresh {
            path.pop();
        }
    }
}

impl Job<'_> {
    fn add_trees(&self, trees: &[Tree], plans: &[Plan], cube: &mut Cube) -> Result<(), ExplainError> {
        let chosen = |tables: bool| trees.iter().zip(plans).filter(move |(_, plan)| plan.tables == tables);
        let tabled: Vec<&Tree> = chosen(true).map(|(tree, _)| tree).collect();
        let walked: Vec<&Tree> = chosen(false).map(|(tree, _)| tree).collect();
        if !tabled.is_empty() {
            let build = |tree: &&Tree| {
                self.cancel.check()?;
                Ok(TreeTables::new(tree, self.columns, self.scale, &self.background))
            };
            let tables: Vec<TreeTables> = tabled.par_iter().map(build).collect::<Result<_, ExplainError>>()?;
            let large = plans.iter().any(|plan| plan.leaf_bytes > SMALL_TABLE_BYTES);
            if large && self.rows.rows() > SMALL_BLOCK {
                self.look_up::<LARGE_BLOCK>(&tables, cube)?;
            } else {
                self.look_up::<SMALL_BLOCK>(&tables, cube)?;
            }
        }
        if !walked.is_empty() {
            self.walk(&walked, cube)?;
        }
        Ok(())
    }

    /// Adds what tables say, a block of rows at a time.
    fn look_up<const B: usize>(&self, trees: &[TreeTables], cube: &mut Cube) -> Result<(), ExplainError> {
        let (rows, features, outputs) = cube.shape();
        let width = features * outputs;
        let blocks = cube.as_mut_slice().par_chunks_mut(B * width).enumerate();
        blocks.try_for_each_init(
            || (Scratch::<B>::new(), vec![[0.0; B]; width]),
            |(scratch, shares), (block, target)| {
                shares.fill([0.0; B]);
                for tree in trees {
                    self.cancel.check()?;
                    tree.add(&self.rows, block * B, outputs, scratch, shares);
                }
                for (at, share) in shares.iter().enumerate() {
                    target.iter_mut().skip(at).step_by(width).zip(share).for_each(|(to, share)| *to += share);
                }
                self.advance(rows.min((block + 1) * B) - block * B, trees.len());
                Ok(())
            },
        )
    }

    /// Adds what walks say, a row at a time.
    fn walk(&self, trees: &[&Tree], cube: &mut Cube) -> Result<(), ExplainError> {
        let (_, features, outputs) = cube.shape();
        let trees: Vec<GroupedTree<'_>> =
            trees.iter().map(|tree| GroupedTree::new(tree, self.columns, self.scale, &self.background)).collect();
        let rows = cube.as_mut_slice().par_chunks_mut(features * outputs).enumerate();
        rows.try_for_each_init(
            || Walker::new(&self.rows, &self.background, features, outputs),
            |walker, (row, target)| {
                walker.start(row);
                for tree in &trees {
                    self.cancel.check()?;
                    walker.add(tree);
                }
                target.iter_mut().zip(walker.shares()).for_each(|(to, share)| *to += share);
                self.advance(1, trees.len());
                Ok(())
            },
        )
    }

    /// Reports `rows` rows as done for `trees` trees.
    fn advance(&self, rows: usize, trees: usize) {
        let more = (rows * trees) as u64;
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let rows_done = done / self.ensemble.trees.len() as u64;
        self.sink.report(Progress::new("Explaining", rows_done, Some(self.rows.rows() as u64), "rows"));
    }
}
