//! Exact interventional Shapley values of a tree ensemble.

#![expect(clippy::inline_always, reason = "what runs in code chosen for the processor must be compiled into it")]

pub(crate) mod check;
mod columns;
mod counts;
mod grouped;
mod plan;
pub(crate) mod predict;
mod program;
mod score;
mod subsets;
mod tables;

use std::sync::{Mutex, PoisonError};

use desk_core::trees::{Aggregate, Tree, TreeEnsemble};
use desk_core::{Cancel, Progress, ProgressSink};
use rayon::prelude::*;

use crate::error::ExplainError;
use crate::explanation::Cube;
use crate::input::Table;
use columns::Columns;
use grouped::{GroupedTree, Walker};
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

/// Attributions of rows, rows x features x columns, of an ensemble that has been checked and is a
/// sum or a mean of its trees. `way` is chosen for each tree unless it is given.
pub(crate) fn attributions(
    ensemble: &TreeEnsemble,
    columns: &[Column],
    rows: Table<'_>,
    background: Table<'_>,
    way: Option<Way>,
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
        done: Mutex::new(0),
    };
    let mut cube = Cube::zeros(rows.len(), rows.n_features, columns.len());
    let size = Size { rows: rows.len(), background: background.len(), outputs: columns.len() };
    let plans: Vec<Plan> = ensemble.trees.iter().map(|tree| Plan::new(tree, size, way)).collect();
    let mut from = 0;
    while from < plans.len() {
        let mut bytes = plans[from].bytes;
        let mut to = from + 1;
        while to < plans.len() && bytes + plans[to].bytes <= GROUP_BYTES {
            bytes += plans[to].bytes;
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
    done: Mutex<u64>,
}

/// A tree ready for rows.
enum Prepared {
    Tables(TreeTables),
    Subsets(SubsetTree),
}

impl Job<'_> {
    fn add_trees(&self, trees: &[Tree], plans: &[Plan], cube: &mut Cube) -> Result<(), ExplainError> {
        let build = |(tree, plan): (&Tree, &Plan)| {
            self.cancel.check()?;
            Ok(match plan.way {
                Way::Tables => {
                    Some(Prepared::Tables(TreeTables::new(tree, self.columns, self.scale, &self.background)))
                }
                Way::Subsets => {
                    Some(Prepared::Subsets(SubsetTree::new(tree, self.columns, self.scale, &self.background)))
                }
                Way::Walks => None,
            })
        };
        let prepared: Vec<Option<Prepared>> =
            trees.par_iter().zip(plans).map(build).collect::<Result<_, ExplainError>>()?;
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
        let walked: Vec<&Tree> =
            trees.iter().zip(plans).filter(|(_, plan)| plan.way == Way::Walks).map(|(tree, _)| tree).collect();
        if walked.is_empty() { Ok(()) } else { self.walk(&walked, cube) }
    }

    /// Adds what prepared trees say, a block of rows at a time.
    fn look_up<const B: usize>(&self, trees: &[Prepared], cube: &mut Cube) -> Result<(), ExplainError> {
        let (rows, features, outputs) = cube.shape();
        let width = features * outputs;
        let blocks = cube.as_mut_slice().par_chunks_mut(B * width).enumerate();
        blocks.try_for_each_init(
            || (Scratch::<B>::new(), Memory::new(), vec![[0.0; B]; width]),
            |(scratch, memory, shares), (block, target)| {
                let (from, valid) = (block * B, (rows - block * B).min(B));
                shares.fill([0.0; B]);
                for tree in trees {
                    self.cancel.check()?;
                    match tree {
                        Prepared::Tables(tree) => tree.add(&self.rows, from, outputs, scratch, shares),
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
        // Reported under the lock, so that reports never go back.
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += (rows * trees) as u64;
        let rows_done = *done / self.ensemble.trees.len() as u64;
        self.sink.report(Progress::new("Explaining", rows_done, Some(self.rows.rows() as u64), "rows"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use desk_core::NoProgress;
    use desk_core::trees::{Node, PostTransform, SplitMode};
    use proptest::prelude::*;

    use super::*;
    use crate::exact::choose;
    use predict::EnsemblePredictor;

    const MODES: [SplitMode; 6] =
        [SplitMode::Leq, SplitMode::Lt, SplitMode::Gte, SplitMode::Gt, SplitMode::Eq, SplitMode::Neq];

    /// What a random tree is made of: (feature, mode, threshold, missing to yes, is a leaf), used in turn.
    type Recipe = Vec<(u32, usize, i8, bool, bool)>;

    fn grow(
        tree: &mut Tree,
        recipe: &mut std::slice::Iter<'_, (u32, usize, i8, bool, bool)>,
        depth: u32,
        outputs: u32,
    ) -> u32 {
        let at = tree.nodes.len();
        let next = recipe.next();
        let Some((feature, mode, threshold, missing_yes, _)) = next.filter(|part| depth < 7 && !(part.4 && depth > 1))
        else {
            let weights = (0..outputs).map(|k| (k, ((at * 7 + k as usize * 3) % 11) as f32 - 4.5)).collect();
            tree.nodes.push(Node::Leaf(weights));
            return at as u32;
        };
        tree.nodes.push(Node::Leaf(Vec::new()));
        let yes = grow(tree, recipe, depth + 1, outputs);
        let no = grow(tree, recipe, depth + 1, outputs);
        let threshold = f32::from(*threshold);
        tree.nodes[at] =
            Node::Split { feature: *feature, mode: MODES[*mode], threshold, missing_yes: *missing_yes, yes, no };
        at as u32
    }

    fn ensemble(recipes: &[Recipe], features: u32, outputs: u32, average: bool) -> TreeEnsemble {
        let trees = recipes.iter().map(|recipe| {
            let mut tree = Tree::default();
            grow(&mut tree, &mut recipe.iter(), 0, outputs);
            tree
        });
        TreeEnsemble {
            n_features: features,
            n_outputs: outputs,
            base_values: (0..outputs).map(|k| f64::from(k) - 0.5).collect(),
            trees: trees.collect(),
            aggregate: if average { Aggregate::Average } else { Aggregate::Sum },
            post: PostTransform::None,
            binary_from_one: false,
            labels: None,
        }
    }

    /// The definition, over all sets of features.
    fn by_definition(model: &EnsemblePredictor<'_>, row: &[f64], background: &[f64], outputs: usize) -> Vec<f64> {
        let d = row.len();
        let value = |set: usize| -> Vec<f64> {
            let mut mixed = background.to_vec();
            for cells in mixed.chunks_exact_mut(d) {
                (0..d).filter(|j| set >> j & 1 == 1).for_each(|j| cells[j] = row[j]);
            }
            let answers = model.raw(&mixed);
            let n = (background.len() / d) as f64;
            (0..outputs).map(|k| answers.iter().skip(k).step_by(outputs).sum::<f64>() / n).collect()
        };
        let values: Vec<Vec<f64>> = (0..1 << d).map(value).collect();
        let mut shares = vec![0.0; d * outputs];
        for set in 0..1usize << d {
            for j in (0..d).filter(|j| set >> j & 1 == 0) {
                let weight = 1.0 / (d as f64 * choose(d - 1, set.count_ones() as usize));
                for k in 0..outputs {
                    shares[j * outputs + k] += weight * (values[set | 1 << j][k] - values[set][k]);
                }
            }
        }
        shares
    }

    fn recipes() -> impl Strategy<Value = Vec<Recipe>> {
        let part = (0..6u32, 0..6usize, -2..3i8, any::<bool>(), prop::bool::weighted(0.2));
        prop::collection::vec(prop::collection::vec(part, 1..40), 1..4)
    }

    fn cells(rows: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
        let cell = prop_oneof![9 => (-3..4i8).prop_map(f64::from), 1 => Just(f64::NAN)];
        prop::collection::vec(prop::collection::vec(cell, 6), rows).prop_map(|rows| rows.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn tables_and_walks_equal_the_definition(
            recipes in recipes(), rows in cells(1..5), background in cells(1..8), outputs in 1..4u32, average in any::<bool>(),
        ) {
            let ensemble = ensemble(&recipes, 6, outputs, average);
            check::check(&ensemble).expect("well formed");
            let model = EnsemblePredictor::new(&ensemble).expect("well formed");
            let columns = predict::columns(&ensemble);
            for way in [Some(Way::Tables), Some(Way::Subsets), Some(Way::Walks), None] {
                let (rows, background) = (Table::new(&rows, 6), Table::new(&background, 6));
                let cube = attributions(&ensemble, &columns, rows, background, way, &Cancel::new(), &NoProgress)
                    .expect("additive");
                for r in 0..rows.len() {
                    let want = by_definition(&model, rows.row(r), background.rows, outputs as usize);
                    for (found, want) in cube.row(r).iter().zip(&want) {
                        prop_assert!((found - want).abs() < 1e-10, "{way:?} row {r}: {found} {want}");
                    }
                }
            }
        }
    }

    /// A deep tree: more features on a path than tables allow.
    #[test]
    fn deep_trees_are_walked_and_agree_with_the_efficiency_axiom() {
        let d = 40u32;
        let mut tree = Tree::default();
        for feature in 0..d {
            let at = 2 * feature;
            let split = Node::Split {
                feature,
                mode: SplitMode::Leq,
                threshold: 0.5,
                missing_yes: false,
                yes: at + 2,
                no: at + 1,
            };
            tree.nodes.extend([split, Node::Leaf(vec![(0, feature as f32)])]);
        }
        tree.nodes.push(Node::Leaf(vec![(0, 1000.0)]));
        let mut ensemble = ensemble(&[], d, 1, false);
        ensemble.trees.push(tree);
        let row = vec![0.0; d as usize];
        let background: Vec<f64> = (0..3 * d).map(|i| f64::from(u8::from(i % 7 == 0))).collect();
        let columns = predict::columns(&ensemble);
        let (rows, background) = (Table::new(&row, d as usize), Table::new(&background, d as usize));
        let cube = attributions(&ensemble, &columns, rows, background, Some(Way::Tables), &Cancel::new(), &NoProgress)
            .expect("additive");
        let model = EnsemblePredictor::new(&ensemble).expect("well formed");
        let base = model.raw(background.rows).iter().sum::<f64>() / 3.0;
        let total: f64 = cube.row(0).iter().sum();
        assert!((base + total - model.raw(&row)[0]).abs() < 1e-9, "{base} + {total}");
        // One background row that differs in 6 features, all needed for the last leaf: by symmetry of
        // the tail and efficiency nothing else may take a share.
        let used: BTreeSet<usize> = (0..d as usize).filter(|f| cube.get(0, *f, 0) != 0.0).collect();
        let differing: BTreeSet<usize> =
            (0..d as usize).filter(|f| (0..3).any(|b| background.row(b)[*f] != 0.0)).collect();
        assert_eq!(used, differing);
    }

    #[test]
    fn a_cancel_is_seen() {
        let ensemble = ensemble(&[vec![(0, 0, 0, false, false); 3]], 6, 1, false);
        let cancel = Cancel::new();
        cancel.cancel();
        let cells = [0.0; 6];
        for way in [Way::Tables, Way::Subsets, Way::Walks].map(Some) {
            let table = Table::new(&cells, 6);
            let found = attributions(&ensemble, &predict::columns(&ensemble), table, table, way, &cancel, &NoProgress);
            assert!(matches!(found, Err(ExplainError::Cancelled(_))));
        }
    }
}
