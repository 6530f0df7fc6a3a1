//! How far an explanation moves with another background: the stated errors are those that other backgrounds show.

mod common;

use common::{Function, names, noise};
use desk_core::linear::{LinearModel, Link};
use desk_core::trees::{Aggregate, Node, PostTransform, SplitMode, Tree, TreeEnsemble};
use desk_core::{Cancel, NoProgress};
use desk_explain::{ExplainRequest, Explanation, Method, Model, Table, explain};

const D: usize = 3;
const ROWS: usize = 96;

/// x0 <= 0, then x1 <= 0.3; and a tree of x2.
fn trees() -> TreeEnsemble {
    let split = |feature, threshold, yes, no| Node::Split {
        feature,
        mode: SplitMode::Leq,
        threshold,
        missing_yes: false,
        yes,
        no,
    };
    let leaf = |weight| Node::Leaf(vec![(0, weight)]);
    let first = vec![split(0, 0.0, 1, 2), split(1, 0.3, 3, 4), leaf(4.0), leaf(1.0), leaf(-2.0)];
    let second = vec![split(2, -0.2, 1, 2), leaf(1.5), leaf(0.5)];
    TreeEnsemble {
        n_features: D as u32,
        n_outputs: 1,
        base_values: vec![0.0],
        trees: vec![Tree { nodes: first }, Tree { nodes: second }],
        aggregate: Aggregate::Sum,
        post: PostTransform::None,
        binary_from_one: false,
        labels: None,
    }
}

fn linear() -> LinearModel {
    LinearModel { n_features: D, weights: vec![1.0, -2.0, 0.5], intercepts: vec![0.1], link: Link::Identity }
}

/// What trees answer, by hand.
fn of_trees(x: &[f64]) -> f64 {
    let first = match (x[0] <= 0.0, x[1] <= 0.3) {
        (true, true) => 1.0,
        (true, false) => -2.0,
        (false, _) => 4.0,
    };
    first + if x[2] <= -0.2 { 1.5 } else { 0.5 }
}

fn found(method: Method, row: &[f64], background: &[f64]) -> Explanation {
    let (ensemble, model) = (trees(), linear());
    let (by_trees, by_weights) = (method == Method::Tree, method == Method::Linear);
    let of = model.clone();
    let mut predictor =
        Function::new(D, 1, move |x| if by_weights { of.answer(&of.raw(x)) } else { vec![of_trees(x)] });
    let model = Model {
        trees: by_trees.then_some(&ensemble),
        linear: by_weights.then_some(&model),
        predictor: &mut predictor,
        output_names: &[],
    };
    let request = ExplainRequest { method, ..ExplainRequest::default() };
    let (rows, background) = (Table::new(row, D), Table::new(background, D));
    explain(model, rows, background, &names(D), &request, &Cancel::new(), &NoProgress).expect("works")
}

#[test]
fn stated_errors_are_the_spread_over_other_backgrounds() {
    let row = [0.5, 0.6, -0.5];
    for method in [Method::Tree, Method::Linear, Method::Exact, Method::Permutation, Method::Owen] {
        let all: Vec<Explanation> = (0..300).map(|seed| found(method, &row, &noise(ROWS * D, seed * 7 + 1))).collect();
        for player in 0..D {
            let values: Vec<f64> = all.iter().map(|one| one.values.get(0, player, 0)).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let spread = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
            let stated = |one: &Explanation| one.background_error.as_ref().expect("many rows").values.get(0, player, 0);
            let squares = all.iter().map(|one| stated(one).powi(2)).sum::<f64>() / n;
            let ratio = squares.sqrt() / spread;
            assert!((0.85..1.15).contains(&ratio), "{method}, player {player}: stated is {ratio} of {spread}");
        }
        let bases: Vec<f64> = all.iter().map(|one| one.base_values[0]).collect();
        let mean = bases.iter().sum::<f64>() / bases.len() as f64;
        let spread = (bases.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (bases.len() - 1) as f64).sqrt();
        let stated = all.iter().map(|one| one.background_error.as_ref().expect("there").base[0]).sum::<f64>();
        let ratio = stated / all.len() as f64 / spread;
        assert!((0.85..1.15).contains(&ratio), "{method}: base {ratio}");
    }
}

/// Where an order is called settled, other backgrounds seldom turn it round.
#[test]
fn a_settled_order_stands_with_other_backgrounds() {
    let row = [0.5, 0.6, -0.5];
    for method in [Method::Tree, Method::Linear, Method::Exact, Method::Permutation, Method::Owen] {
        let all: Vec<Explanation> = (0..200).map(|seed| found(method, &row, &noise(ROWS * D, seed * 5 + 2))).collect();
        let order = |one: &Explanation| {
            let mut order: Vec<usize> = (0..D).collect();
            order.sort_by(|a, b| one.values.get(0, *b, 0).abs().total_cmp(&one.values.get(0, *a, 0).abs()));
            order
        };
        let (mut settled, mut turned) = (0usize, 0usize);
        for pair in all.windows(2) {
            if pair[0].settled[0][0] >= 1 {
                settled += 1;
                turned += usize::from(order(&pair[0])[0] != order(&pair[1])[0]);
            }
        }
        assert!(settled > 50, "{method}: the first feature is clear: {settled}");
        assert!(turned * 20 <= settled, "{method}: {turned} of {settled}");
    }
}

/// Twelve features, three of which act together; with so few coalitions each method that samples does so.
fn sampled(method: Method, background: &[f64], outputs: usize) -> Explanation {
    const WIDE: usize = 12;
    let of = move |x: &[f64]| {
        let value = x[0] * x[1] * x[2] + x.iter().enumerate().map(|(f, x)| f as f64 / 6.0 * x * x).sum::<f64>();
        vec![value; outputs]
    };
    let mut predictor = Function::new(WIDE, outputs, of);
    let model = Model { trees: None, linear: None, predictor: &mut predictor, output_names: &[] };
    let request = ExplainRequest { method, samples: Some(200), ..ExplainRequest::default() };
    let row: Vec<f64> = (0..WIDE).map(|f| 1.0 - f as f64 / 20.0).collect();
    let (rows, background) = (Table::new(&row, WIDE), Table::new(background, WIDE));
    explain(model, rows, background, &names(WIDE), &request, &Cancel::new(), &NoProgress).expect("works")
}

#[test]
fn sampled_values_say_apart_what_backgrounds_and_what_coalitions_move() {
    for method in [Method::Kernel, Method::Permutation] {
        // The seed and the row draw the coalitions: what these values differ by is the backgrounds alone.
        let all: Vec<Explanation> = (0..200).map(|seed| sampled(method, &noise(64 * 12, seed * 3 + 1), 1)).collect();
        for player in [0, 5, 11] {
            let values: Vec<f64> = all.iter().map(|one| one.values.get(0, player, 0)).collect();
            let mean = values.iter().sum::<f64>() / 200.0;
            let spread = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 199.0).sqrt();
            let stated = |one: &Explanation| one.background_error.as_ref().expect("many rows").values.get(0, player, 0);
            let ratio = (all.iter().map(|one| stated(one).powi(2)).sum::<f64>() / 200.0).sqrt() / spread;
            assert!((0.85..1.15).contains(&ratio), "{method}, player {player}: stated is {ratio} of {spread}");
        }
        assert!(all.iter().all(|one| one.std_error.is_some() && one.settled.len() == 1));
        let many = sampled(method, &noise(64 * 12, 1), 17);
        assert_eq!(many.background_error, None, "so many outputs are not followed through every part");
        let one = sampled(method, &noise(64 * 12, 1), 1);
        for player in 0..12 {
            let (alone, among) = (one.values.get(0, player, 0), many.values.get(0, player, 3));
            assert!((alone - among).abs() < 1e-12, "the parts change nothing of the whole: {alone}, {among}");
        }
    }
}

#[test]
fn a_small_background_is_warned_of() {
    let row = [0.1, 0.31, -0.1];
    let warned = |rows: usize| {
        let all = found(Method::Linear, &row, &noise(rows * D, 5)).warnings;
        all.iter().any(|warning| warning.contains("Another background of"))
    };
    assert!(warned(6) && !warned(2_000));
}

#[test]
fn few_background_rows_say_nothing_of_others() {
    let row = [0.5, 0.6, -0.5];
    let one = found(Method::Tree, &row, &noise(9 * D, 1));
    assert_eq!((one.background_error, one.settled), (None, Vec::new()));
    let same: Vec<f64> = [0.1, 0.2, 0.3].repeat(40);
    let same = found(Method::Tree, &row, &same);
    let errors = same.background_error.expect("40 rows");
    assert!(errors.values.as_slice().iter().all(|error| *error == 0.0), "rows that are all alike move nothing");
    assert_eq!(same.settled, [[D]]);
}
