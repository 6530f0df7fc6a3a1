//! All ways to explain trees against the definition.

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

/// The definition of the path-dependent game: absent features go both ways with the covers' shares.
fn on_paths(ensemble: &TreeEnsemble, rows: &Columns, row: &[f64], set: usize, output: u32) -> f64 {
    fn value(tree: &Tree, covers: &Covers, at: u32, row: &[f64], set: usize, output: u32) -> f64 {
        match &tree.nodes[at as usize] {
            Node::Leaf(weights) => weights.iter().filter(|w| w.0 == output).map(|w| f64::from(w.1)).sum(),
            Node::Split { feature, mode, threshold, missing_yes, yes, no } => {
                let below = |child: u32| value(tree, covers, child, row, set, output);
                if set >> feature & 1 == 1 {
                    let x = row[*feature as usize] as f32;
                    let holds = mode.holds(x, *threshold) || *missing_yes && x.is_nan();
                    return below(if holds { *yes } else { *no });
                }
                covers.share(at, *yes) * below(*yes) + covers.share(at, *no) * below(*no)
            }
        }
    }
    let each = ensemble.trees.iter().map(|tree| value(tree, &Covers::count(tree, rows), 0, row, set, output));
    let sum: f64 = each.sum();
    if ensemble.aggregate == Aggregate::Average { sum / ensemble.trees.len() as f64 } else { sum }
}

/// Shapley values by their definition of the values of all sets of `d` players.
fn shapley(d: usize, value: impl Fn(usize) -> f64) -> Vec<f64> {
    let values: Vec<f64> = (0..1 << d).map(value).collect();
    let weight = |set: usize| 1.0 / (d as f64 * choose(d - 1, set.count_ones() as usize));
    let share = |j: usize| {
        let without = (0..1usize << d).filter(|set| set >> j & 1 == 0);
        without.map(|set| weight(set) * (values[set | 1 << j] - values[set])).sum()
    };
    (0..d).map(share).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tables_and_quadrature_equal_the_definition_on_paths(
        recipes in recipes(), rows in cells(1..5), background in cells(1..12), outputs in 1..4u32, average in any::<bool>(),
    ) {
        let ensemble = ensemble(&recipes, 6, outputs, average);
        let columns = predict::columns(&ensemble);
        let (rows, background) = (Table::new(&rows, 6), Table::new(&background, 6));
        for way in [Some(Way::Tables), Some(Way::Quadrature), None] {
            let found = path_attributions(&ensemble, &columns, rows, background, way, &Cancel::new(), &NoProgress);
            let (cube, reached) = found.expect("additive");
            prop_assert_eq!(reached.leaves, ensemble.leaf_count());
            for r in 0..rows.len() {
                for k in 0..outputs {
                    let counted = Columns::new(background);
                    let want = shapley(6, |set| on_paths(&ensemble, &counted, rows.row(r), set, k));
                    for (found, want) in cube.features_of(r, k as usize).iter().zip(&want) {
                        prop_assert!((found - want).abs() < 1e-10, "{way:?} row {r}: {found} {want}");
                    }
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
        let split =
            Node::Split { feature, mode: SplitMode::Leq, threshold: 0.5, missing_yes: false, yes: at + 2, no: at + 1 };
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
    let differing: BTreeSet<usize> = (0..d as usize).filter(|f| (0..3).any(|b| background.row(b)[*f] != 0.0)).collect();
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
