//! Exact Shapley values of a tree ensemble, interventional and path-dependent.

#![expect(clippy::inline_always, reason = "what runs in code chosen for the processor must be compiled into it")]

pub(crate) mod answers;
pub(crate) mod check;
mod columns;
mod counts;
mod covers;
mod failing;
mod grouped;
pub(crate) mod interact;
mod path;
mod plan;
pub(crate) mod predict;
mod program;
pub(crate) mod score;
mod subsets;
mod tables;

use std::sync::{Mutex, PoisonError};

use desk_core::trees::{Aggregate, Tree, TreeEnsemble};
use desk_core::{Cancel, Progress, ProgressSink};
use rayon::prelude::*;

use crate::error::ExplainError;
use crate::explanation::Cube;
use crate::input::Table;
use crate::players::Players;
use columns::Columns;
use covers::Covers;
use failing::Absent;
use grouped::{GroupedTree, Walker};
use path::{PathScratch, PathTree};
use plan::{Plan, Size};
use predict::Column;
use program::Scratch;
use subsets::{Memory, SubsetTree};
use tables::TreeTables;

pub(crate) use plan::Way;

/// Rows of a block: many, so that each tree's tables are read once for all of them, unless that
/// leaves threads without work.
const LARGE_BLOCK: usize = Columns::PAD;
/// Rows of a block where there are fewer.
const MIDDLE_BLOCK: usize = 128;
/// Rows of a block where there are few.
const SMALL_BLOCK: usize = 16;
/// Memory that one prepared tree may take.
const MEMORY_BUDGET_BYTES: f64 = 256.0 * 1024.0 * 1024.0;
/// Memory that trees prepared together may take, unless one takes more: what stays in the last cache of a small machine.
const GROUP_BYTES: f64 = 16.0 * 1024.0 * 1024.0;

/// What is explained.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Checked, and a sum or a mean of its trees.
    pub ensemble: &'a TreeEnsemble,
    /// Who takes part: features or groups of them.
    pub players: &'a Players,
    /// The explained outputs.
    pub columns: &'a [Column],
    pub rows: Table<'a>,
    /// Stands for absent features: row by row, or by the covers counted from it.
    pub background: Table<'a>,
    /// Chosen for each tree unless it is given.
    pub way: Option<Way>,
    /// Interaction values too.
    pub interactions: bool,
}

/// Attributions.
#[derive(Debug)]
pub(crate) struct Found {
    /// Rows x players x columns.
    pub values: Cube,
    /// Rows x (players x players) x columns.
    pub interactions: Option<Cube>,
}

/// What the path-dependent game was made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reached {
    /// What the covers make of the ensemble where every feature is absent: its mean over the rows counted, one for each
    /// column.
    pub base_values: Vec<f64>,
    /// Leaves that no row of those counted reaches.
    pub unreached: usize,
    /// Leaves.
    pub leaves: usize,
}

impl Asked<'_> {
    /// Interventional values.
    pub fn interventional(&self, cancel: &Cancel, sink: &dyn ProgressSink) -> Result<Found, ExplainError> {
        let background = Columns::new(self.background);
        Job::new(self, Game::Background(&background), cancel, sink).found(self)
    }

    /// Path-dependent values; the covers are counted from the background.
    pub fn path_dependent(&self, cancel: &Cancel, sink: &dyn ProgressSink) -> Result<(Found, Reached), ExplainError> {
        let background = Columns::new(self.background);
        let trees = &self.ensemble.trees;
        let count = |tree: &Tree| {
            cancel.check()?;
            Ok(Covers::count(tree, &background))
        };
        let covers = trees.par_iter().map(count).collect::<Result<Vec<Covers>, ExplainError>>()?;
        let job = Job::new(self, Game::Covers(&covers), cancel, sink);
        let base_values = self.columns.iter().map(|column| column.offset).collect();
        let mut reached = Reached { base_values, unreached: 0, leaves: 0 };
        for (tree, covers) in trees.iter().zip(&covers) {
            let (unreached, leaves) = covers.unreached(tree);
            reached.unreached += unreached;
            reached.leaves += leaves;
            for (node, share) in covers.leaves(tree) {
                let weights = tables::leaf_weights(tree, node, self.columns, job.scale * share);
                reached.base_values.iter_mut().zip(weights).for_each(|(base, weight)| *base += weight);
            }
        }
        Ok((job.found(self)?, reached))
    }
}

/// What stands for an absent feature, for all trees.
#[derive(Clone, Copy)]
enum Game<'a> {
    Background(&'a Columns),
    /// Of each tree.
    Covers(&'a [Covers]),
}

impl<'a> Game<'a> {
    /// What stands for an absent feature in one tree.
    fn absent(self, tree: usize) -> Absent<'a> {
        match self {
            Self::Background(rows) => Absent::Background(rows),
            Self::Covers(covers) => Absent::Covers(&covers[tree]),
        }
    }
}

struct Job<'a> {
    ensemble: &'a TreeEnsemble,
    players: &'a Players,
    columns: &'a [Column],
    scale: f64,
    rows: Columns,
    game: Game<'a>,
    cancel: &'a Cancel,
    sink: &'a dyn ProgressSink,
    /// Rows times trees that are finished.
    done: Mutex<u64>,
}

/// A tree ready for rows.
enum Prepared {
    Tables(TreeTables),
    Subsets(SubsetTree),
    Path(PathTree),
}

impl<'a> Job<'a> {
    fn new(asked: &Asked<'a>, game: Game<'a>, cancel: &'a Cancel, sink: &'a dyn ProgressSink) -> Self {
        let Asked { ensemble, players, columns, rows, .. } = *asked;
        let scale = match ensemble.aggregate {
            Aggregate::Average => 1.0 / ensemble.trees.len() as f64,
            _ => 1.0,
        };
        Self { ensemble, players, columns, scale, rows: Columns::new(rows), game, cancel, sink, done: Mutex::new(0) }
    }

    fn found(&self, asked: &Asked<'_>) -> Result<Found, ExplainError> {
        let values = self.run(asked.way)?;
        let interactions = asked.interactions.then(|| self.interactions(&values)).transpose()?;
        Ok(Found { values, interactions })
    }

    fn run(&self, way: Option<Way>) -> Result<Cube, ExplainError> {
        let (rows, outputs) = (self.rows.rows(), self.columns.len());
        let mut cube = Cube::zeros(rows, self.players.count(), outputs);
        let background = match self.game {
            Game::Background(rows) => Some(rows.rows()),
            Game::Covers(_) => None,
        };
        let size = Size { rows, background, outputs };
        let plans: Vec<Plan> =
            self.ensemble.trees.iter().map(|tree| Plan::new(tree, self.players, size, way)).collect();
        let mut from = 0;
        while from < plans.len() {
            let mut bytes = plans[from].bytes;
            let mut to = from + 1;
            while to < plans.len() && bytes + plans[to].bytes <= GROUP_BYTES {
                bytes += plans[to].bytes;
                to += 1;
            }
            self.add_trees(from, &plans[from..to], &mut cube)?;
            from = to;
        }
        Ok(cube)
    }

    /// Adds the trees from `first` on that have plans.
    fn add_trees(&self, first: usize, plans: &[Plan], cube: &mut Cube) -> Result<(), ExplainError> {
        let trees = &self.ensemble.trees[first..first + plans.len()];
        let build = |((at, tree), plan): ((usize, &Tree), &Plan)| {
            self.cancel.check()?;
            Ok(match (plan.way, self.game.absent(first + at)) {
                (Way::Tables, absent) => {
                    Some(Prepared::Tables(TreeTables::new((tree, self.players), self.columns, self.scale, &absent)))
                }
                (Way::Subsets, Absent::Background(rows)) => {
                    Some(Prepared::Subsets(SubsetTree::new((tree, self.players), self.columns, self.scale, rows)))
                }
                (_, Absent::Covers(covers)) => Some(Prepared::Path(PathTree::new(
                    (tree, self.players),
                    covers,
                    self.columns,
                    self.scale,
                    plan.deepest,
                ))),
                (Way::Walks | Way::Quadrature, Absent::Background(_)) => None,
            })
        };
        let prepared: Vec<Option<Prepared>> =
            trees.par_iter().enumerate().zip(plans).map(build).collect::<Result<_, ExplainError>>()?;
        let prepared: Vec<Prepared> = prepared.into_iter().flatten().collect();
        if !prepared.is_empty() {
            // The block changes no bit: each row is summed on its own, tree by tree.
            let threads = rayon::current_num_threads();
            match self.rows.rows() {
                rows if rows >= LARGE_BLOCK * threads => self.look_up::<LARGE_BLOCK>(&prepared, cube),
                rows if rows >= MIDDLE_BLOCK => self.look_up::<MIDDLE_BLOCK>(&prepared, cube),
                _ => self.look_up::<SMALL_BLOCK>(&prepared, cube),
            }?;
        }
        let walked = trees.iter().zip(plans).filter(|(_, plan)| plan.way == Way::Walks);
        let walked: Vec<&Tree> = walked.map(|(tree, _)| tree).collect();
        match self.game {
            Game::Background(background) if !walked.is_empty() => self.walk(&walked, background, cube),
            _ => Ok(()),
        }
    }

    /// Adds what prepared trees say, a block of rows at a time.
    fn look_up<const B: usize>(&self, trees: &[Prepared], cube: &mut Cube) -> Result<(), ExplainError> {
        let (rows, players, outputs) = cube.shape();
        let width = players * outputs;
        let blocks = cube.as_mut_slice().par_chunks_mut(B * width).enumerate();
        blocks.try_for_each_init(
            || (Scratch::<B>::new(), PathScratch::<B>::new(), Memory::new(), vec![[0.0; B]; width]),
            |(scratch, on_path, memory, shares), (block, target)| {
                let (from, valid) = (block * B, (rows - block * B).min(B));
                shares.fill([0.0; B]);
                for tree in trees {
                    self.cancel.check()?;
                    match tree {
                        Prepared::Tables(tree) => tree.add(&self.rows, from, outputs, scratch, shares),
                        Prepared::Path(tree) => tree.add(&self.rows, from, on_path, shares),
                        Prepared::Subsets(tree) => tree.add(&self.rows, (from, valid), scratch, memory, shares),
                    }
                }
                for (at, share) in shares.iter().enumerate() {
                    target.iter_mut().skip(at).step_by(width).zip(share).for_each(|(to, share)| *to += share);
                }
                self.advance(valid, trees.len());
                Ok(())
            },
        )
    }

    /// Adds what walks say, a row at a time.
    fn walk(&self, trees: &[&Tree], background: &Columns, cube: &mut Cube) -> Result<(), ExplainError> {
        let (_, players, outputs) = cube.shape();
        let trees: Vec<GroupedTree<'_>> =
            trees.iter().map(|tree| GroupedTree::new(tree, self.columns, self.scale, background)).collect();
        let rows = cube.as_mut_slice().par_chunks_mut(players * outputs).enumerate();
        rows.try_for_each_init(
            || Walker::new(&self.rows, background, self.players, outputs),
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
        // Reported under the lock, so that reports never go back.
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += (rows * trees) as u64;
        let rows_done = *done / self.ensemble.trees.len() as u64;
        self.sink.report(Progress::new("Explaining", rows_done, Some(self.rows.rows() as u64), "rows"));
    }
}

#[cfg(test)]
mod tests;
