//! The tree methods against shap's TreeExplainer and XGBoost's contributions.

mod common;

use common::{Function, ensemble, number, numbers, reference};
use desk_core::trees::{Aggregate, PostTransform, TreeEnsemble};
use desk_core::{Cancel, NoProgress};
use desk_explain::{
    EnsemblePredictor, ExplainError, ExplainRequest, Explanation, FeatureInfo, Method, Model, OutputChoice, Space,
    Table, explain,
};
use serde_json::Value;

/// What the graph would answer: the post transform of the raw scores.
fn graph(ensemble: &TreeEnsemble, rows: &[f64]) -> Vec<f64> {
    let own = EnsemblePredictor::new(ensemble).expect("well formed");
    let raw = own.raw(rows);
    let width = raw.len() / (rows.len() / ensemble.n_features as usize);
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    raw.chunks(width)
        .flat_map(|row| match ensemble.post {
            PostTransform::Logistic => row.iter().map(|x| logistic(*x)).collect::<Vec<_>>(),
            PostTransform::Softmax => {
                let total: f64 = row.iter().map(|x| x.exp()).sum();
                row.iter().map(|x| x.exp() / total).collect()
            }
            _ => row.to_vec(),
        })
        .collect()
}

fn run(
    ensemble: &TreeEnsemble,
    rows: &[f64],
    background: &[f64],
    request: &ExplainRequest,
) -> Result<Explanation, ExplainError> {
    let d = ensemble.n_features as usize;
    let outputs = graph(ensemble, &rows[..d]).len();
    let mut predictor = Function::new(d, outputs, |row: &[f64]| graph(ensemble, row));
    let model = Model { trees: Some(ensemble), linear: None, predictor: &mut predictor, output_names: &[] };
    let features: Vec<_> = (0..d).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
    let (rows, background) = (Table::new(rows, d), Table::new(background, d));
    explain(model, rows, background, &features, request, &Cancel::new(), &NoProgress)
}

/// Compares with a reference; the rows are also repeated, which makes tables pay.
fn check(reference: &Value, ensemble: &TreeEnsemble) {
    let (rows, background) = (numbers(&reference["rows"]), numbers(&reference["background"]));
    let values = numbers(&reference["values"]);
    let tolerance = number(&reference["tolerance"]);
    for repeats in [1, 300] {
        let many = rows.repeat(repeats);
        let found = run(ensemble, &many, &background, &ExplainRequest::default()).expect("explained");
        assert_eq!((found.method, found.exact), (Method::Tree, true), "{}", found.method_reason);
        assert!(found.graph_difference.expect("comparable") < 1e-6);
        assert!(found.residual_max < 1e-3 * tolerance, "residual {}", found.residual_max);
        assert_eq!(found.background_rows, 100);
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        for (a, b) in found.values.as_slice().iter().zip(values.repeat(repeats)) {
            assert!((a - b).abs() <= tolerance, "{a} instead of {b}");
        }
        for (a, b) in found.base_values.iter().zip(numbers(&reference["base_values"])) {
            assert!((a - b).abs() <= tolerance.max(1e-6), "base {a} instead of {b}");
        }
        let predictions: Vec<f64> = found.predictions.concat();
        for (a, b) in predictions.iter().zip(numbers(&reference["predictions"]).repeat(repeats)) {
            assert!((a - b).abs() <= tolerance.max(1e-6), "prediction {a} instead of {b}");
        }
        let probability = reference["space"] == "probability";
        assert_eq!(found.space, if probability { Space::Probability } else { Space::Raw });
    }
}

#[test]
fn equals_shap_for_every_reference_model() {
    for name in [
        "forest_binary",
        "forest_diabetes",
        "forest_wine",
        "lightgbm_missing",
        "tumour_v1",
        "tumour_v2",
        "xgboost_diabetes",
        "xgboost_missing",
        "xgboost_wine",
    ] {
        check(&reference(&format!("shap/{name}.json")), &ensemble(reference(&format!("trees/{name}.json"))));
    }
}

#[test]
fn equals_shap_where_paths_have_too_many_features_for_tables() {
    for name in ["deep_forest.json", "boosted_log_odds.json"] {
        let fixture = common::fixture(name);
        check(&fixture, &ensemble(fixture["ensemble"].clone()));
    }
}

/// With the rows of training the covers are those of training.
#[test]
fn path_dependent_values_equal_shap_and_xgboost() {
    for (name, repeats) in [("path_forest.json", 1), ("path_boosted.json", 1), ("path_boosted.json", 400)] {
        let fixture = common::fixture(name);
        let trees = ensemble(fixture["ensemble"].clone());
        let (rows, background) = (numbers(&fixture["rows"]).repeat(repeats), numbers(&fixture["background"]));
        let request = ExplainRequest { method: Method::Path, ..ExplainRequest::default() };
        let found = run(&trees, &rows, &background, &request).expect("explained");
        assert_eq!((found.method, found.exact, found.background_rows), (Method::Path, true, 300));
        assert!(found.method_reason.contains("counted from 300 background rows"), "{}", found.method_reason);
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        let tolerance = number(&fixture["tolerance"]);
        assert!(found.residual_max < 1e-3 * tolerance, "residual {}", found.residual_max);
        for (a, b) in found.values.as_slice().iter().zip(numbers(&fixture["values"]).repeat(repeats)) {
            assert!((a - b).abs() <= tolerance, "{name}: {a} instead of {b}");
        }
        for (a, b) in found.base_values.iter().zip(numbers(&fixture["base_values"])) {
            assert!((a - b).abs() <= tolerance, "{name}: base {a} instead of {b}");
        }
        // Another game than the interventional one, but the same where nothing is absent.
        let other = run(&trees, &rows, &background, &ExplainRequest::default()).expect("explained");
        assert_eq!(found.predictions, other.predictions);
        let apart = found.values.as_slice().iter().zip(other.values.as_slice()).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) > 1e-3);
    }
}

#[test]
fn interaction_values_add_up_and_are_refused_elsewhere() {
    let trees = ensemble(reference("trees/xgboost_missing.json"));
    let reference = reference("shap/xgboost_missing.json");
    let d = trees.n_features as usize;
    let (rows, background) = (numbers(&reference["rows"]), numbers(&reference["background"]));
    let rows = &rows[..3 * d];
    for method in [Method::Auto, Method::Tree, Method::Path] {
        let request = ExplainRequest { method, interactions: true, ..ExplainRequest::default() };
        let found = run(&trees, rows, &background, &request).expect("explained");
        let pairs = found.interactions.as_ref().expect("asked for");
        assert_eq!(pairs.shape(), (3, d, 1));
        for (row, i) in (0..3).flat_map(|row| (0..d).map(move |i| (row, i))) {
            let sum: f64 = (0..d).map(|j| pairs.get(row, i, j, 0)).sum();
            assert!((sum - found.values.get(row, i, 0)).abs() < 1e-12);
        }
    }
    let request = ExplainRequest { method: Method::Kernel, interactions: true, ..ExplainRequest::default() };
    let refused = run(&trees, rows, &background, &request).expect_err("not by sampling").to_string();
    assert!(refused.contains("tree and path") && refused.contains("kernel"), "{refused}");
}

#[test]
fn leaves_that_no_row_reaches_are_counted() {
    let fixture = common::fixture("path_forest.json");
    let trees = ensemble(fixture["ensemble"].clone());
    let (rows, background) = (numbers(&fixture["rows"]), numbers(&fixture["background"]));
    let request = ExplainRequest { method: Method::Path, ..ExplainRequest::default() };
    let found = run(&trees, &rows, &background[..24], &request).expect("explained");
    assert!(found.residual_max < 1e-12, "residual {}", found.residual_max);
    let unreached = trees.leaf_count() - 3;
    let said = format!(
        "{unreached} of {} leaves are reached by none of the rows that covers were counted from (1 background row);",
        trees.leaf_count()
    );
    assert!(found.warnings.iter().any(|warning| warning.starts_with(&said)), "{:?}", found.warnings);
    let least = TreeEnsemble { aggregate: Aggregate::Max, ..trees };
    let refused = run(&least, &rows, &background, &request);
    assert!(matches!(refused, Err(ExplainError::NotAdditive { .. })));
}

#[test]
fn probabilities_of_boosted_trees_go_another_way_and_say_so() {
    let trees = ensemble(reference("trees/xgboost_missing.json"));
    let reference = reference("shap/xgboost_missing.json");
    let d = trees.n_features as usize;
    let (rows, background) = (numbers(&reference["rows"]), numbers(&reference["background"]));
    let request = ExplainRequest { space: Some(Space::Probability), ..ExplainRequest::default() };
    let found = run(&trees, &rows[..2 * d], &background[..10 * d], &request).expect("explained");
    assert_eq!((found.method, found.space), (Method::Exact, Space::Probability));
    assert!(found.method_reason.contains("logistic"), "{}", found.method_reason);
    assert!(found.residual_max < 1e-12);
    let want = common::by_definition(&|row| graph(&trees, row), &rows[..d], &background[..10 * d]);
    for (a, b) in found.values.row(0).iter().zip(want) {
        assert!((a - b).abs() < 1e-12);
    }
    let forced = ExplainRequest { method: Method::Tree, ..request };
    let error = run(&trees, &rows[..d], &background, &forced).expect_err("not additive");
    assert!(matches!(error, ExplainError::NotAdditive { .. }), "{error}");
    // The raw scores by enumeration are those by trees.
    let raw = |method| ExplainRequest { method, space: Some(Space::Raw), ..ExplainRequest::default() };
    let by_trees = run(&trees, &rows[..d], &background, &raw(Method::Tree)).expect("explained");
    let by_sets = run(&trees, &rows[..d], &background, &raw(Method::Exact)).expect("explained");
    assert_eq!(by_trees.outputs, by_sets.outputs);
    for (a, b) in by_trees.values.as_slice().iter().zip(by_sets.values.as_slice()) {
        assert!((a - b).abs() < 1e-10, "{a} {b}");
    }
}

#[test]
fn sampling_agrees_with_trees_within_three_standard_errors() {
    let trees = ensemble(reference("trees/tumour_v2.json"));
    let reference = reference("shap/tumour_v2.json");
    let d = trees.n_features as usize;
    let (rows, background) = (numbers(&reference["rows"]), numbers(&reference["background"]));
    let (rows, background) = (&rows[..4 * d], &background[..20 * d]);
    let exact = run(&trees, rows, background, &ExplainRequest::default()).expect("explained");
    for (method, samples) in [(Method::Kernel, None), (Method::Kernel, Some(300)), (Method::Permutation, None)] {
        let request = ExplainRequest { method, samples, space: Some(Space::Raw), ..ExplainRequest::default() };
        let found = run(&trees, rows, background, &request).expect("explained");
        assert!(!found.exact && found.residual_max < 1e-9);
        let errors = found.std_error.expect("sampled");
        let values = found.values.as_slice().iter().zip(exact.values.as_slice()).zip(errors.as_slice());
        let outside = values.filter(|((a, b), error)| (*a - *b).abs() > 3.0 * *error + 1e-9).count();
        // Four rows of 30 features: 0.3 of 120 are expected outside.
        assert!(outside <= 3, "{method} {samples:?}: {outside} of 120 outside three standard errors");
    }
}

#[test]
fn the_class_that_is_not_stored_is_the_other_turned_round() {
    let mut trees = ensemble(reference("trees/lightgbm_missing.json"));
    trees.binary_from_one = true;
    trees.labels = Some(vec!["benign".into(), "malignant".into()]);
    let reference = reference("shap/lightgbm_missing.json");
    let (rows, background) = (numbers(&reference["rows"]), numbers(&reference["background"]));
    let d = trees.n_features as usize;
    let mut predictor = Function::new(d, 2, |row: &[f64]| {
        let score = EnsemblePredictor::new(&trees).expect("well formed").raw(row)[1];
        vec![1.0 / (1.0 + score.exp()), 1.0 / (1.0 + (-score).exp())]
    });
    let mut one = |output| {
        let model = Model { trees: Some(&trees), linear: None, predictor: &mut predictor, output_names: &[] };
        let request = ExplainRequest { output, ..ExplainRequest::default() };
        let (rows, background) = (Table::new(&rows, d), Table::new(&background, d));
        explain(model, rows, background, &common::names(d), &request, &Cancel::new(), &NoProgress).expect("explained")
    };
    let (all, first) = (one(OutputChoice::All), one(OutputChoice::One(0)));
    assert_eq!((all.outputs.as_slice(), all.output_names[0].as_str()), (&[1][..], "malignant"));
    assert_eq!(first.output_names, ["benign"]);
    assert!(all.graph_difference.expect("comparable") < 1e-9);
    for (a, b) in all.values.as_slice().iter().zip(first.values.as_slice()) {
        assert_eq!(*a, -b);
    }
    assert_eq!(all.base_values[0], -first.base_values[0]);
    assert!(first.residual_max < 1e-12);
}

#[test]
fn trees_that_are_no_sum_or_not_the_graph_are_not_trusted() {
    let trees = ensemble(reference("trees/xgboost_diabetes.json"));
    let reference = reference("shap/xgboost_diabetes.json");
    let (rows, background) = (numbers(&reference["rows"]), numbers(&reference["background"]));
    let d = trees.n_features as usize;
    let (rows, background) = (&rows[..d], &background[..20 * d]);

    let mut least = trees.clone();
    least.aggregate = Aggregate::Min;
    let found = run(&least, rows, background, &ExplainRequest::default()).expect("explained");
    assert_eq!(found.method, Method::Exact);
    assert!(found.method_reason.contains("minimum"), "{}", found.method_reason);
    let forced = ExplainRequest { method: Method::Tree, ..ExplainRequest::default() };
    assert!(matches!(run(&least, rows, background, &forced), Err(ExplainError::NotAdditive { .. })));

    // A graph that does something else after the trees.
    let mut predictor = Function::new(d, 1, |row: &[f64]| vec![2.0 * graph(&trees, row)[0]]);
    let mut one = |method| {
        let model = Model { trees: Some(&trees), linear: None, predictor: &mut predictor, output_names: &[] };
        let request = ExplainRequest { method, ..ExplainRequest::default() };
        let (rows, background) = (Table::new(rows, d), Table::new(background, d));
        explain(model, rows, background, &common::names(d), &request, &Cancel::new(), &NoProgress).expect("explained")
    };
    let found = one(Method::Auto);
    assert_eq!(found.method, Method::Exact);
    assert!(found.method_reason.contains("differ"), "{}", found.method_reason);
    assert!(found.residual_max < 1e-9);
    let found = one(Method::Tree);
    assert!(found.warnings.iter().any(|w| w.contains("differ")), "{:?}", found.warnings);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let trees = ensemble(reference("trees/tumour_v2.json"));
    let reference = reference("shap/tumour_v2.json");
    let (rows, background) = (numbers(&reference["rows"]).repeat(40), numbers(&reference["background"]));
    for (method, interactions) in [(Method::Tree, false), (Method::Path, false), (Method::Tree, true)] {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let request = ExplainRequest { method, interactions, ..ExplainRequest::default() };
            pool.install(|| run(&trees, &rows, &background, &request).expect("explained"))
        };
        let one = on(1);
        for threads in [2, 5] {
            let many = on(threads);
            let bits = |e: &Explanation| e.values.as_slice().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&one), bits(&many));
            assert_eq!((&one.interactions, one.interactions.is_some()), (&many.interactions, interactions));
        }
    }
}
