//! Exact interventional Shapley values of a tree ensemble.

pub(crate) mod check;
mod columns;
mod grouped;
pub(crate) mod predict;
mod program;
mod quadrature;
mod tables;

use std::sync::{Mutex, PoisonError};

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

/// Rows looked up together: many, so that each table is read once for all of them, unless that
/// leaves threads without work.
const LARGE_BLOCK: usize = Columns::PAD;
/// Rows looked up together where there are fewer.
const MIDDLE_BLOCK: usize = 128;
/// Rows looked up together where there are few.
const SMALL_BLOCK: usize = 64;
/// Table size of a leaf beyond which look-ups miss the first-level cache.
const CACHED_TABLE_BYTES: f64 = 48.0 * 1024.0;
/// Memory that tables may take at a time.
const TABLE_BUDGET_BYTES: f64 = 256.0 * 1024.0 * 1024.0;
/// Most features on a path for which tables are made.
const MAX_TABLE_FEATURES: usize = 12;

/// How trees are explained; both ways are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Whichever is likely faster, tree by tree.
    Fastest,
    /// By tables wherever they are possible.
    #[cfg(test)]
    Tables,
    /// By walks.
    #[cfg(test)]
    Walks,
}

/// Attributions of rows, rows x features x columns, of an ensemble that has been checked and is a
/// sum or a mean of its trees.
pub(crate) fn attributions(
    ensemble: &TreeEnsemble,
    columns: &[Column],
    rows: Table<'_>,
    background: Table<'_>,
    way: Way,
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
        way,
        cancel,
        sink,
        done: Mutex::new(0),
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
    way: Way,
    cancel: &'a Cancel,
    sink: &'a dyn ProgressSink,
    /// Rows times trees that are finished.
    done: Mutex<u64>,
}

/// How a tree is explained, by rough costs in nanoseconds.
struct Plan {
    tables: bool,
    /// Memory of its tables; 0 without.
    table_bytes: f64,
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
        let look_up = if largest > CACHED_TABLE_BYTES { 3.0 } else { 0.7 };
        let with_tables = prepare + rows * count * depth * outputs * look_up;
        // A group walk meets at most as many leaves as pairs do, and rarely each leaf twice per turn.
        let visits = (background * depth * 2.0).min(count * depth * 4.0) * outputs.sqrt();
        let with_walks = rows * visits * 12.0;
        let deep = leaves.features.iter().any(|features| *features > MAX_TABLE_FEATURES);
        let walks = match job.way {
            Way::Fastest => with_walks < with_tables,
            #[cfg(test)]
            Way::Tables => false,
            #[cfg(test)]
            Way::Walks => true,
        };
        if deep || walks || bytes > TABLE_BUDGET_BYTES {
            return Self { tables: false, table_bytes: 0.0 };
        }
        Self { tables: true, table_bytes: bytes }
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
            // The block changes no bit: each row is summed on its own, tree by tree.
            match self.rows.rows() {
                rows if rows >= LARGE_BLOCK * rayon::current_num_threads() => {
                    self.look_up::<LARGE_BLOCK>(&tables, cube)
                }
                rows if rows > SMALL_BLOCK => self.look_up::<MIDDLE_BLOCK>(&tables, cube),
                _ => self.look_up::<SMALL_BLOCK>(&tables, cube),
            }?;
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
    use desk_core::trees::{PostTransform, SplitMode};
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
            for way in [Way::Tables, Way::Walks, Way::Fastest] {
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
        let cube = attributions(&ensemble, &columns, rows, background, Way::Tables, &Cancel::new(), &NoProgress)
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
        for way in [Way::Tables, Way::Walks] {
            let table = Table::new(&cells, 6);
            let found = attributions(&ensemble, &predict::columns(&ensemble), table, table, way, &cancel, &NoProgress);
            assert!(matches!(found, Err(ExplainError::Cancelled(_))));
        }
    }
}
