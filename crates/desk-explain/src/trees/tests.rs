//! All ways to explain trees against the definition.

use std::collections::BTreeSet;

use desk_core::NoProgress;
use desk_core::trees::{Node, PostTransform, SplitMode};
use proptest::prelude::*;

mod groups;

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

/// Each feature for itself.
fn alone(ensemble: &TreeEnsemble) -> Players {
    Players::single(ensemble.n_features as usize)
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
    let wild = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX];
    let cell = prop_oneof![9 => (-3..4i8).prop_map(f64::from), 1 => prop::sample::select(wild.to_vec())];
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
            let asked = Asked { ensemble: &ensemble, players: &alone(&ensemble), columns: &columns, rows, background, way, interactions: false };
            let cube = asked.interventional(&Cancel::new(), &NoProgress).expect("additive").values;
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
            let asked = Asked { ensemble: &ensemble, players: &alone(&ensemble), columns: &columns, rows, background, way, interactions: false };
            let (found, reached) = asked.path_dependent(&Cancel::new(), &NoProgress).expect("additive");
            let cube = found.values;
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

/// Half the Shapley interaction index of each pair, by its definition.
fn interactions(d: usize, value: impl Fn(usize) -> f64) -> Vec<f64> {
    let values: Vec<f64> = (0..1 << d).map(value).collect();
    let mut found = vec![0.0; d * d];
    for i in 0..d {
        for j in (0..d).filter(|j| *j != i) {
            for set in (0..1usize << d).filter(|set| set >> i & 1 == 0 && set >> j & 1 == 0) {
                let weight = 0.5 / ((d - 1) as f64 * choose(d - 2, set.count_ones() as usize));
                let (one, other) = (1 << i, 1 << j);
                let both = values[set | one | other] - values[set | one] - values[set | other] + values[set];
                found[i * d + j] += weight * both;
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn interaction_values_equal_the_definition_and_add_up(
        recipes in recipes(), rows in cells(1..4), background in cells(1..8), outputs in 1..3u32, average in any::<bool>(),
    ) {
        let ensemble = ensemble(&recipes, 6, outputs, average);
        let (model, columns) = (EnsemblePredictor::new(&ensemble).expect("well formed"), predict::columns(&ensemble));
        let (rows, background) = (Table::new(&rows, 6), Table::new(&background, 6));
        let asked = Asked { ensemble: &ensemble, players: &alone(&ensemble), columns: &columns, rows, background, way: None, interactions: true };
        let one = asked.interventional(&Cancel::new(), &NoProgress).expect("additive");
        let other = asked.path_dependent(&Cancel::new(), &NoProgress).expect("additive").0;
        let counted = Columns::new(background);
        for (r, k) in (0..rows.len()).flat_map(|r| (0..outputs).map(move |k| (r, k))) {
            let row = rows.row(r);
            let mixed = |set: usize| {
                let mut cells = background.rows.to_vec();
                for cells in cells.chunks_exact_mut(6) {
                    (0..6).filter(|j| set >> j & 1 == 1).for_each(|j| cells[j] = row[j]);
                }
                let answers = model.raw(&cells);
                answers.iter().skip(k as usize).step_by(outputs as usize).sum::<f64>() / background.len() as f64
            };
            let definitions = [
                interactions(6, mixed),
                interactions(6, |set| on_paths(&ensemble, &counted, row, set, k)),
            ];
            for (found, want) in [&one, &other].into_iter().zip(definitions) {
                let matrix = found.interactions.as_ref().expect("asked for").features_of(r, k as usize);
                let shapley = found.values.features_of(r, k as usize);
                for i in 0..6 {
                    for j in (0..6).filter(|j| *j != i) {
                        let (cell, want) = (matrix[i * 6 + j], want[i * 6 + j]);
                        prop_assert!((cell - want).abs() < 1e-10, "row {r}, {i} and {j}: {cell} {want}");
                        prop_assert_eq!(cell, matrix[j * 6 + i]);
                    }
                    let sum: f64 = matrix[i * 6..i * 6 + 6].iter().sum();
                    prop_assert!((sum - shapley[i]).abs() < 1e-10);
                }
            }
        }
    }
}

/// Both games, rows x features.
fn both(ensemble: &TreeEnsemble, rows: &[f64], background: &[f64]) -> [Cube; 2] {
    let (columns, d) = (predict::columns(ensemble), ensemble.n_features as usize);
    let (rows, background) = (Table::new(rows, d), Table::new(background, d));
    let asked = Asked {
        ensemble,
        players: &alone(ensemble),
        columns: &columns,
        rows,
        background,
        way: None,
        interactions: false,
    };
    let on_paths = asked.path_dependent(&Cancel::new(), &NoProgress).expect("additive").0;
    [asked.interventional(&Cancel::new(), &NoProgress).expect("additive").values, on_paths.values]
}

fn near(found: &[f64], want: impl IntoIterator<Item = f64>) -> Result<(), TestCaseError> {
    for (found, want) in found.iter().zip(want) {
        prop_assert!((found - want).abs() < 1e-10, "{found} instead of {want}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_axioms_hold_in_both_games(
        recipes in recipes(), others in recipes(), rows in cells(2..5), background in cells(1..8),
    ) {
        let one = ensemble(&recipes, 6, 1, false);
        let model = EnsemblePredictor::new(&one).expect("well formed");
        let (predictions, answers) = (model.raw(&rows), model.raw(&background));
        let base = answers.iter().sum::<f64>() / answers.len() as f64;
        let found = both(&one, &rows, &background);
        for cube in &found {
            for (row, prediction) in predictions.iter().enumerate() {
                near(&[base + cube.row(row).iter().sum::<f64>()], [*prediction])?;
            }
        }
        // Linearity: trees of two models side by side.
        let other = ensemble(&others, 6, 1, false);
        let trees = one.trees.iter().chain(&other.trees).cloned().collect();
        let sum = TreeEnsemble { trees, ..one.clone() };
        let parts = both(&other, &rows, &background);
        for ((sum, one), other) in both(&sum, &rows, &background).iter().zip(&found).zip(&parts) {
            near(sum.as_slice(), one.as_slice().iter().zip(other.as_slice()).map(|(a, b)| a + b))?;
        }
        // A row alone or among many.
        for (many, one) in both(&one, &rows.repeat(300), &background).iter().zip(&found) {
            near(many.as_slice(), one.as_slice().repeat(300))?;
        }
        // Columns the other way round, and one that no split asks for.
        let turn = |cells: &[f64]| -> Vec<f64> {
            cells.chunks_exact(6).flat_map(|row| std::iter::once(7.0).chain(row.iter().rev().copied())).collect()
        };
        let mut turned = TreeEnsemble { n_features: 7, ..one };
        for node in turned.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
            if let Node::Split { feature, .. } = node {
                *feature = 6 - *feature;
            }
        }
        for (turned, one) in both(&turned, &turn(&rows), &turn(&background)).iter().zip(&found) {
            for row in 0..predictions.len() {
                prop_assert_eq!(turned.row(row)[0], 0.0);
                near(&turned.row(row)[1..], one.row(row).iter().rev().copied())?;
            }
        }
    }
}

#[test]
fn equal_features_share_alike() {
    let split =
        |feature, yes, no| Node::Split { feature, mode: SplitMode::Gt, threshold: 0.5, missing_yes: false, yes, no };
    let leaf = |weight| Node::Leaf(vec![(0, weight)]);
    let mut and = ensemble(&[], 2, 1, false);
    and.trees.push(Tree { nodes: vec![split(0, 1, 2), split(1, 3, 4), leaf(0.0), leaf(1.0), leaf(0.0)] });
    for cube in both(&and, &[1.0, 1.0], &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]) {
        assert_eq!(cube.as_slice(), [0.375, 0.375]);
    }
    let table = |cells| Table::new(cells, 2);
    let (columns, rows, background) = (predict::columns(&and), table(&[1.0, 1.0]), table(&[0.0, 0.0]));
    let asked = Asked {
        ensemble: &and,
        players: &alone(&and),
        columns: &columns,
        rows,
        background,
        way: None,
        interactions: true,
    };
    let found = asked.interventional(&Cancel::new(), &NoProgress).expect("additive");
    assert_eq!(found.values.as_slice(), [0.5, 0.5]);
    assert_eq!(found.interactions.expect("asked for").as_slice(), [0.0, 0.5, 0.5, 0.0]);
}

#[test]
fn a_constant_tree_and_thousands_of_features() {
    let mut constant = ensemble(&[], 1, 1, false);
    constant.trees.push(Tree { nodes: vec![Node::Leaf(vec![(0, 3.0)])] });
    for cube in both(&constant, &[1.0, f64::NAN], &[0.0]) {
        assert_eq!(cube.as_slice(), [0.0, 0.0]);
    }
    let mut wide = ensemble(&[vec![(0, 0, 0, false, false); 40]], 10_000, 1, false);
    if let Node::Split { feature, .. } = &mut wide.trees[0].nodes[0] {
        *feature = 9_999;
    }
    let (rows, background) = (vec![-1.0; 20_000], vec![1.0; 10_000]);
    let model = EnsemblePredictor::new(&wide).expect("well formed");
    for cube in both(&wide, &rows, &background) {
        let moved = model.raw(&rows)[0] - model.raw(&background)[0];
        assert!((cube.row(1).iter().sum::<f64>() - moved).abs() < 1e-12);
        assert!(cube.row(0)[1..9_999].iter().all(|share| *share == 0.0));
    }
    assert!(interact::check(&wide, &alone(&wide), 1, 1).is_err());
    let narrow = ensemble(&[], 100, 2, false);
    assert!(interact::check(&narrow, &alone(&narrow), 5, 2).is_ok());
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
    let way = Some(Way::Tables);
    let asked = Asked {
        ensemble: &ensemble,
        players: &alone(&ensemble),
        columns: &columns,
        rows,
        background,
        way,
        interactions: false,
    };
    let cube = asked.interventional(&Cancel::new(), &NoProgress).expect("additive").values;
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
        let columns = predict::columns(&ensemble);
        let asked = Asked {
            ensemble: &ensemble,
            players: &alone(&ensemble),
            columns: &columns,
            rows: table,
            background: table,
            way,
            interactions: true,
        };
        assert!(matches!(asked.interventional(&cancel, &NoProgress), Err(ExplainError::Cancelled(_))));
        assert!(matches!(asked.path_dependent(&cancel, &NoProgress), Err(ExplainError::Cancelled(_))));
    }
}
