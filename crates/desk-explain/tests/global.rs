//! Importance and dependence: against scikit-learn, against their definitions, and what they refuse.

mod common;

use common::{Function, number, numbers, reference};
use desk_core::{Cancel, NoProgress, Predictor};
use desk_explain::global::{
    Ale, Importance, ImportanceRequest, Judge, PairRequest, PartialDependence, PartialRequest, Score, Subject, Truth,
    accumulated_local_effects, pair_dependence, partial_dependence, permutation_importance,
};
use desk_explain::{FeatureInfo, OutputChoice, Table};
use proptest::prelude::*;
use serde_json::Value;

fn named(width: usize) -> Vec<FeatureInfo> {
    (0..width).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect()
}

/// The reference network's probabilities of both classes, by its weights.
fn network(file: &Value) -> impl Fn(&[f64]) -> Vec<f64> + Send + use<> {
    let list = |name: &str| numbers(&file[name]);
    let (mean, scale, w1, b1, w2, b2) =
        (list("mean"), list("scale"), list("w1"), list("b1"), list("w2"), number(&file["b2"]));
    move |row| {
        let x: Vec<f64> = row.iter().zip(&mean).zip(&scale).map(|((x, m), s)| (x - m) / s).collect();
        let unit = |h: usize| {
            let sum: f64 = x.iter().enumerate().map(|(j, x)| x * w1[j * b1.len() + h]).sum();
            (sum + b1[h]).tanh() * w2[h]
        };
        let p = 1.0 / (1.0 + (-((0..b1.len()).map(unit).sum::<f64>() + b2)).exp());
        vec![1.0 - p, p]
    }
}

/// Something of a model over rows.
fn over<T>(f: &mut dyn Predictor, rows: &[f64], width: usize, what: impl FnOnce(&mut Subject<'_>) -> T) -> T {
    let (rows, features, cancel) = (Table::new(rows, width), named(width), Cancel::new());
    let (features, cancel) = (&features, &cancel);
    what(&mut Subject { predictor: f, trees: None, rows, row_numbers: &[], features, cancel, sink: &NoProgress })
}

fn importance(f: &mut dyn Predictor, rows: &[f64], width: usize, judge: &Judge, repeats: usize) -> Importance {
    let request = ImportanceRequest { repeats, seed: 3, ..ImportanceRequest::default() };
    over(f, rows, width, |subject| permutation_importance(subject, judge, &request)).expect("works")
}

fn partial(f: &mut dyn Predictor, rows: &[f64], width: usize, feature: usize, points: usize) -> PartialDependence {
    let request = PartialRequest { feature, output: OutputChoice::All, points, curves: 5 };
    over(f, rows, width, |subject| partial_dependence(subject, &request)).expect("works")
}

fn ale(f: &mut dyn Predictor, rows: &[f64], width: usize, feature: usize, points: usize) -> Ale {
    let asked = (OutputChoice::All, points);
    over(f, rows, width, |subject| accumulated_local_effects(subject, feature, asked)).expect("works")
}

#[test]
fn partial_dependence_and_single_curves_equal_scikit_learn() {
    let (weights, file) = (reference("shap/network.json"), reference("global/network.json"));
    let (rows, width) = (numbers(&weights["background"]), 10);
    let mut model = Function::new(width, 2, network(&weights));
    for (feature, want) in file["partial"].as_array().expect("a list").iter().enumerate() {
        let found = partial(&mut model, &rows, width, feature, 20);
        let close = |found: &[f64], want: &[f64]| {
            assert_eq!(found.len(), want.len());
            for (a, b) in found.iter().zip(want) {
                assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "feature {feature}: {a} and {b}");
            }
        };
        close(&found.grid, &numbers(&want["grid"]));
        // scikit-learn gives the second class's.
        close(&found.mean[1], &numbers(&want["mean"]));
        let first = PartialRequest { feature, output: OutputChoice::One(1), points: 20, curves: 60 };
        let all = over(&mut model, &rows, width, |subject| partial_dependence(subject, &first)).expect("works");
        let curves: Vec<f64> = all.curves[0].iter().take(5).flatten().copied().collect();
        close(&curves, &numbers(&want["curves"]));
        assert_eq!((all.rows, all.model_rows), (60, 60 * all.grid.len() as u64));
    }
}

#[test]
fn dependence_on_two_features_equals_scikit_learn() {
    let (weights, file) = (reference("shap/network.json"), reference("global/network.json"));
    let (rows, width) = (numbers(&weights["background"]), 10);
    let mut model = Function::new(width, 2, network(&weights));
    for want in file["pairs"].as_array().expect("a list") {
        let features = [number(&want["features"][0]) as usize, number(&want["features"][1]) as usize];
        let request = PairRequest { features, output: OutputChoice::One(1), points: 8 };
        let found = over(&mut model, &rows, width, |subject| pair_dependence(subject, &request)).expect("works");
        let mean: Vec<f64> = found.mean[0].iter().flatten().copied().collect();
        let grids = [(&found.grids[0], &want["grids"][0]), (&found.grids[1], &want["grids"][1])];
        for (found, want) in grids.into_iter().chain([(&mean, &want["mean"])]) {
            let want = numbers(want);
            assert_eq!(found.len(), want.len());
            for (a, b) in found.iter().zip(&want) {
                assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{features:?}: {a} and {b}");
            }
        }
        let together = &found.interaction;
        let (h, size) = (together.h[0].expect("it depends on them"), together.size[0]);
        assert!((h - number(&want["h"])).abs() < 1e-9, "{features:?}: H {h} and {}", want["h"]);
        assert!((size - number(&want["size"])).abs() < 1e-9, "{features:?}: {size} and {}", want["size"]);
        // 8 x 8 points, and the 60 rows' own values of both features, of the first and of the second.
        assert_eq!((found.near.iter().flatten().sum::<usize>(), together.rows), (60, 60));
        let own = found.model_rows - 60 * 64;
        assert!(own <= 3 * 60 * 60 && own.is_multiple_of(60), "{own}");
        // The other way round it is the same surface, turned.
        let request = PairRequest { features: [features[1], features[0]], ..request };
        let turned = over(&mut model, &rows, width, |subject| pair_dependence(subject, &request)).expect("works");
        for (i, j) in (0..8).flat_map(|i| (0..8).map(move |j| (i, j))) {
            assert!((turned.mean[0][j][i] - found.mean[0][i][j]).abs() < 1e-12);
            assert_eq!(turned.near[j][i], found.near[i][j]);
        }
    }
    let request = PairRequest { features: [0, 1], output: OutputChoice::All, points: 4 };
    let noise = common::noise(300 * 3, 7);
    let h = |f: fn(&[f64]) -> Vec<f64>| {
        let mut model = Function::new(3, 1, f);
        let found = over(&mut model, &noise, 3, |subject| pair_dependence(subject, &request)).expect("works");
        assert_eq!(found.interaction.rows, 200, "at most");
        found.interaction.h[0]
    };
    let (sum, third) = (h(|r| vec![r[0].exp() - 3.0 * r[1] + r[2]]), h(|r| vec![r[2]]));
    assert!(sum.expect("it depends on them") < 1e-9, "a sum has no interaction: {sum:?}");
    assert_eq!(third, None, "the model reads neither");
    assert!(h(|r| vec![r[0] * r[1]]).expect("it depends on them") > 0.9, "a product has little else");
    let many = PairRequest { features: [0, 1], output: OutputChoice::All, points: 101 };
    let refused = over(&mut model, &rows, width, |subject| pair_dependence(subject, &many)).expect_err("too many");
    assert!(refused.to_string().contains("2 to 100 points"), "{refused}");
    let same = PairRequest { features: [3, 3], output: OutputChoice::All, points: 8 };
    let refused = over(&mut model, &rows, width, |subject| pair_dependence(subject, &same)).expect_err("one feature");
    assert!(refused.to_string().contains("two different features"), "{refused}");
}

#[test]
fn accumulated_effects_equal_alibi() {
    let (weights, file) = (reference("shap/network.json"), reference("effects/ale.json"));
    let (rows, width) = (numbers(&weights["background"]), 10);
    let mut model = Function::new(width, 2, network(&weights));
    let points = number(&file["points"]) as usize;
    for feature in 0..width {
        let found = ale(&mut model, &rows, width, feature, points);
        for (found, want) in [(&found.edges, &file["edges"]), (&found.effects[1], &file["effects"])] {
            let want = numbers(&want[feature]);
            assert_eq!(found.len(), want.len());
            for (a, b) in found.iter().zip(&want) {
                assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "feature {feature}: {a} and {b}");
            }
        }
    }
}

#[test]
fn permutation_importance_equals_scikit_learn_and_the_expectation_within_its_sampling_error() {
    let (weights, file) = (reference("shap/network.json"), reference("global/network.json"));
    let (rows, width) = (numbers(&weights["background"]), 10);
    let truth: Vec<usize> = numbers(&file["truth"]).iter().map(|class| *class as usize).collect();
    let mut model = Function::new(width, 2, network(&weights));
    let repeats = 400;
    for want in file["importance"].as_array().expect("a list") {
        let score: Score = want["score"].as_str().expect("a name").parse().expect("known");
        let judge = Judge::new(score, Truth::Classes(truth.clone()), 2).expect("fits");
        let found = importance(&mut model, &rows, width, &judge, repeats);
        let (means, stds) = (numbers(&want["mean"]), numbers(&want["std"]));
        let exact = (score == Score::NegLogLoss).then(|| numbers(&file["expected_neg_log_loss"]));
        for feature in &found.features {
            let f = feature.feature;
            // Five standard errors of the difference of two means over 400 shuffles.
            let error = 5.0 * (stds[f].powi(2) + feature.std.powi(2)).sqrt() / (repeats as f64).sqrt() + 1e-12;
            assert!((feature.mean - means[f]).abs() < error, "{score} {f}: {} and {}", feature.mean, means[f]);
            assert!((feature.std - stds[f]).abs() < 0.2 * stds[f] + 1e-12, "{score} {f}: {} {}", feature.std, stds[f]);
            if let Some(exact) = &exact {
                let error = 5.0 * feature.std / (repeats as f64).sqrt() + 1e-12;
                assert!((feature.mean - exact[f]).abs() < error, "{f}: {} and {}", feature.mean, exact[f]);
            }
        }
        let ranks: Vec<usize> = found.features.iter().map(|feature| feature.rank).collect();
        assert_eq!(ranks, (1..=width).collect::<Vec<_>>());
    }
}

/// The share of samples whose interval holds the importance that a very large sample has.
#[test]
fn intervals_hold_the_importance_at_about_their_rate() {
    let mut held = 0u32;
    let trials = 200u64;
    for trial in 0..trials {
        let noise = common::noise(80 * 3, trial + 1);
        let rows: Vec<f64> = noise.chunks(3).flat_map(|c| [c[0], c[1]]).collect();
        let truth: Vec<f64> = noise.chunks(3).map(|c| 2.0 * c[0] + c[2]).collect();
        let mut model = Function::new(2, 1, |row| vec![2.0 * row[0]]);
        let judge = Judge::new(Score::NegMeanSquaredError, Truth::Numbers(truth), 1).expect("fits");
        let found = importance(&mut model, &rows, 2, &judge, 10);
        let first = found.features.iter().find(|feature| feature.feature == 0).expect("there");
        // E (2 x - 2 x')^2 = 8 var(x); the noise is uniform in -1 to 1: var = 1/3.
        held += u32::from((first.low..=first.high).contains(&(8.0 / 3.0)));
        let second = found.features.iter().find(|feature| feature.feature == 1).expect("there");
        assert_eq!((second.mean, second.matters), (0.0, false), "the model does not read it");
    }
    let rate = f64::from(held) / trials as f64;
    assert!((0.88..=1.0).contains(&rate), "{rate}");
}

/// Few rows say little, and one or two say nothing.
#[test]
fn few_rows_have_wide_intervals_and_fewer_are_refused() {
    let rows = [0.1, -0.7, 0.4, 0.9];
    let of = |n: usize| {
        let judge = Judge::new(Score::NegMeanSquaredError, Truth::Numbers(rows[..n].to_vec()), 1).expect("fits");
        let mut model = Function::new(1, 1, |row| vec![row[0]]);
        let request = ImportanceRequest { repeats: 20, seed: 3, ..ImportanceRequest::default() };
        over(&mut model, &rows[..n], 1, |subject| permutation_importance(subject, &judge, &request))
    };
    for n in [1, 2] {
        let error = of(n).expect_err("nothing to tell rows apart by").to_string();
        assert!(error.contains("at least 3 rows"), "{error}");
    }
    for n in [3, 4] {
        let first = &of(n).expect("works").features[0];
        assert!(first.mean > 0.0 && first.low < first.mean && !first.matters, "{n}: {first:?}");
    }
}

#[test]
fn importance_does_not_depend_on_where_a_column_stands() {
    let rows = common::noise(60, 5);
    let truth = Truth::Numbers(rows.chunks(3).map(|r| r[0] - r[2]).collect());
    let judge = Judge::new(Score::R2, truth, 1).expect("fits");
    let mut model = Function::new(3, 1, |r| vec![r[0] - 0.5 * r[2]]);
    let found = importance(&mut model, &rows, 3, &judge, 4);
    let turned: Vec<f64> = rows.chunks(3).flat_map(|r| [r[2], r[1], r[0]]).collect();
    let mut other = Function::new(3, 1, |r| vec![r[2] - 0.5 * r[0]]);
    let again = importance(&mut other, &turned, 3, &judge, 4);
    let of = |all: &Importance, feature: usize| {
        all.features.iter().find(|found| found.feature == feature).expect("there").repeats.clone()
    };
    assert_eq!((of(&found, 0), of(&found, 2)), (of(&again, 2), of(&again, 0)));
    assert!(found.baseline > 0.0 && found.features[0].mean > 0.0);
}

proptest! {
    /// Of a sum of functions of single features both methods give each function back, but for a constant.
    #[test]
    fn additive_functions_are_given_back(seed in 1u64..500, points in 3usize..12) {
        let rows = common::noise(40 * 2, seed);
        let shape = |x: f64| x * x * x + (3.0 * x).sin();
        let mut model = Function::new(2, 1, |r| vec![shape(r[0]) - 2.0 * r[1]]);
        let found = partial(&mut model, &rows, 2, 0, points);
        for (value, mean) in found.grid.iter().zip(&found.mean[0]) {
            let want = found.mean[0][0] + shape(*value) - shape(found.grid[0]);
            prop_assert!((mean - want).abs() < 1e-9);
        }
        let found = ale(&mut model, &rows, 2, 0, points);
        for (edge, effect) in found.edges.iter().zip(&found.effects[0]) {
            let want = found.effects[0][0] + shape(*edge) - shape(found.edges[0]);
            prop_assert!((effect - want).abs() < 1e-9, "{effect} and {want}");
        }
        prop_assert_eq!(found.counts.iter().sum::<usize>(), 40);
    }
}

/// Where two features are the same, partial dependence asks the model about rows that cannot be; accumulated
/// effects do not.
#[test]
fn accumulated_effects_stay_where_the_rows_are() {
    let column = common::noise(200, 9);
    let rows: Vec<f64> = column.iter().flat_map(|x| [*x, *x]).collect();
    // Far from the diagonal the model answers wildly.
    let model = |r: &[f64]| vec![r[0] + if (r[0] - r[1]).abs() > 0.5 { 100.0 } else { 0.0 }];
    let found = ale(&mut Function::new(2, 1, model), &rows, 2, 0, 20);
    let (first, last) = (found.edges[0], *found.edges.last().expect("some"));
    let (low, high) = (found.effects[0][0], *found.effects[0].last().expect("some"));
    assert!((high - low - (last - first)).abs() < 1e-9, "the slope is 1");
    let torn = partial(&mut Function::new(2, 1, model), &rows, 2, 0, 20);
    assert!(torn.mean[0].iter().any(|mean| *mean > 10.0), "partial dependence is torn");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let rows = common::noise(20, 1);
    let mut model = Function::new(2, 2, |r| vec![r[0], -r[0]]);
    let refused = |error: desk_explain::ExplainError, part: &str| assert!(error.to_string().contains(part), "{error}");
    refused(Judge::new(Score::R2, Truth::Classes(vec![0; 10]), 2).expect_err("classes"), "judges numbers");
    refused(Judge::new(Score::Accuracy, Truth::Classes(vec![5; 10]), 2).expect_err("no such class"), "class 5");
    refused(Judge::new(Score::R2, Truth::Numbers(vec![1.0; 10]), 2).expect_err("constant"), "same in every row");
    refused(Judge::new(Score::R2, Truth::Numbers(vec![f64::NAN; 10]), 2).expect_err("NaN"), "not finite");
    let judge = Judge::new(Score::Accuracy, Truth::Classes(vec![0; 3]), 2).expect("fits");
    let request = ImportanceRequest::default();
    let found = over(&mut model, &rows, 2, |subject| permutation_importance(subject, &judge, &request));
    refused(found.expect_err("3 truths, 10 rows"), "truths");
    let categories = vec![FeatureInfo::categorical("c", vec!["a".into(), "b".into()]), FeatureInfo::numeric("x")];
    let asked = (OutputChoice::All, 5);
    let (rows_of, features, cancel) = (Table::new(&rows, 2), &categories, &Cancel::new());
    let mut subject = Subject {
        predictor: &mut model,
        trees: None,
        rows: rows_of,
        row_numbers: &[],
        features,
        cancel,
        sink: &NoProgress,
    };
    let found = accumulated_local_effects(&mut subject, 0, asked);
    refused(found.expect_err("categories"), "no order");
    let constant = vec![1.0; 20];
    let found = over(&mut model, &constant, 2, |subject| accumulated_local_effects(subject, 0, asked));
    refused(found.expect_err("constant"), "one value only");
    let judge = Judge::new(Score::Accuracy, Truth::Classes(vec![0; 10]), 2).expect("fits");
    let found = over(&mut model, &rows, 2, |subject| {
        subject.cancel.cancel();
        permutation_importance(subject, &judge, &request)
    });
    assert!(matches!(found, Err(desk_explain::ExplainError::Cancelled(_))));
}

/// A row of a sample is named by its number in the file, and what was done to it is said.
#[test]
fn an_answer_that_is_no_number_is_told_of_by_its_row() {
    let rows = [1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 4.0, 0.5];
    let mut model = Function::new(2, 1, |r| vec![if r[0] > 3.5 || r[0] + r[1] == 2.5 { f64::NAN } else { r[0] }]);
    let numbers = [10, 20, 30, 40];
    let judge = Judge::new(Score::R2, Truth::Numbers(vec![1.0, 2.0, 3.0, 4.0]), 1).expect("fits");
    let (features, cancel) = (named(2), Cancel::new());
    let mut about = |rows: &[f64], row_numbers: &[u64], what: &dyn Fn(&mut Subject<'_>) -> String| {
        let (rows, features, cancel) = (Table::new(rows, 2), &features, &cancel);
        what(&mut Subject {
            predictor: &mut model,
            trees: None,
            rows,
            row_numbers,
            features,
            cancel,
            sink: &NoProgress,
        })
    };
    let shuffled = |subject: &mut Subject<'_>| {
        let asked = ImportanceRequest { repeats: 20, seed: 0, ..ImportanceRequest::default() };
        permutation_importance(subject, &judge, &asked).expect_err("NaN").to_string()
    };
    let told = about(&rows, &numbers, &shuffled);
    assert!(told.contains("answered NaN for row 40,"), "{told}");
    let told = about(&rows, &[], &shuffled);
    assert!(told.contains("answered NaN for row 4,"), "{told}");
    // No row, but 2 and 0.5 together.
    let good = [1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 3.1, 0.5];
    let told = about(&good, &numbers, &shuffled);
    assert!(told.contains("row 40 with `f0` of another row,"), "{told}");
    let set = |subject: &mut Subject<'_>| {
        let asked = PartialRequest { feature: 1, output: OutputChoice::All, points: 5, curves: 0 };
        partial_dependence(subject, &asked).expect_err("NaN").to_string()
    };
    let told = about(&good, &numbers, &set);
    assert!(told.contains("row 20 with `f1` set to 0.5,"), "{told}");
}
