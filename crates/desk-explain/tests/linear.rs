//! Linear models in closed form: against shap and enumeration, when it is chosen, and what it refuses.

mod common;

use common::{Function, names, noise, number, numbers, reference};
use desk_core::linear::{LinearModel, Link};
use desk_core::{Cancel, NoProgress, Predictor};
use desk_explain::{ExplainError, ExplainRequest, Explanation, Method, Model, OutputChoice, Space, Table, explain};

fn found(
    predictor: &mut dyn Predictor,
    linear: &LinearModel,
    (rows, background): (&[f64], &[f64]),
    request: &ExplainRequest,
) -> Result<Explanation, ExplainError> {
    let d = predictor.n_features();
    let model = Model { trees: None, linear: Some(linear), predictor, output_names: &[] };
    let (rows, background) = (Table::new(rows, d), Table::new(background, d));
    explain(model, rows, background, &names(d), request, &Cancel::new(), &NoProgress)
}

/// Three features; two classes by a logistic function.
fn classes() -> LinearModel {
    let weights = vec![-1.0, 2.0, -0.5, 1.0, -2.0, 0.5];
    LinearModel { n_features: 3, weights, intercepts: vec![-0.25, 0.25], link: Link::Logistic }
}

fn answers(model: LinearModel) -> Function<impl FnMut(&[f64]) -> Vec<f64> + Send> {
    Function::new(model.n_features, model.n_outputs(), move |row: &[f64]| model.answer(&model.raw(row)))
}

#[test]
fn values_equal_shap() {
    let file = reference("shap/linear.json");
    let (weights, intercept) = (numbers(&file["weights"]), number(&file["intercept"]));
    let model = LinearModel { n_features: weights.len(), weights, intercepts: vec![intercept], link: Link::Identity };
    let (rows, background) = (numbers(&file["rows"]), numbers(&file["background"]));
    let mut predictor = answers(model.clone());
    let all = found(&mut predictor, &model, (&rows, &background), &ExplainRequest::default()).expect("works");
    assert_eq!((all.method, all.exact, all.space, all.model_rows), (Method::Linear, true, Space::Raw, 5));
    assert!(all.method_reason.contains("exact in closed form"), "{}", all.method_reason);
    assert!((all.base_values[0] - number(&file["base_value"])).abs() < 1e-12);
    for (value, want) in all.values.as_slice().iter().zip(numbers(&file["values"])) {
        assert!((value - want).abs() < 1e-12 * want.abs().max(1.0), "{value} and {want}");
    }
    assert!(all.residual_max < 1e-12 && all.std_error.is_none());
}

#[test]
fn the_sum_before_the_logistic_function_is_shared_out_as_by_enumeration() {
    let model = classes();
    let data = noise(3 * 30, 4);
    let (rows, background) = data.split_at(3 * 5);
    let request = ExplainRequest::default();
    let closed = found(&mut answers(model.clone()), &model, (rows, background), &request).expect("works");
    let raw = LinearModel { link: Link::Identity, ..model.clone() };
    let exact = ExplainRequest { method: Method::Exact, ..ExplainRequest::default() };
    let counted = found(&mut answers(raw.clone()), &raw, (rows, background), &exact).expect("works");
    assert_eq!((closed.method, counted.method), (Method::Linear, Method::Exact));
    for (a, b) in closed.values.as_slice().iter().zip(counted.values.as_slice()) {
        assert!((a - b).abs() < 1e-12, "{a} and {b}");
    }
    // One score of two classes is the second's.
    let one = LinearModel { weights: model.weights[3..].to_vec(), intercepts: vec![0.25], ..model.clone() };
    let second = ExplainRequest { output: OutputChoice::One(1), ..ExplainRequest::default() };
    let same = found(&mut answers(model), &one, (rows, background), &second).expect("works");
    for row in 0..5 {
        assert_eq!(same.attributions(row, 0), closed.attributions(row, 1));
    }
}

#[test]
fn it_is_chosen_only_where_it_is_the_model_and_the_space() {
    let model = classes();
    let data = noise(3 * 30, 9);
    let (rows, background) = data.split_at(3 * 2);
    let both = (rows, background);
    let asked = |method, space| ExplainRequest { method, space, ..ExplainRequest::default() };
    let share = asked(Method::Auto, Some(Space::Probability));
    let all = found(&mut answers(model.clone()), &model, both, &share).expect("works");
    assert_eq!((all.method, all.space), (Method::Exact, Space::Probability));
    assert!(all.method_reason.contains("logistic function of a linear sum"), "{}", all.method_reason);
    let refused = |model: &LinearModel, request: &ExplainRequest, part: &str| {
        let error = found(&mut answers(classes()), model, both, request).expect_err("refused").to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(&model, &asked(Method::Linear, Some(Space::Probability)), "only that sum has a closed form");
    let other = LinearModel { intercepts: vec![-0.5, 0.5], ..classes() };
    refused(&other, &asked(Method::Linear, None), "not linear");
    let all = found(&mut answers(classes()), &other, both, &ExplainRequest::default()).expect("works");
    assert_eq!((all.method, all.graph_difference), (Method::Exact, None), "the model answers otherwise");
    let narrow = LinearModel { n_features: 2, weights: vec![1.0; 4], ..classes() };
    let all = found(&mut answers(classes()), &narrow, both, &ExplainRequest::default()).expect("works");
    assert_eq!(all.method, Method::Exact);
    let mut missing = rows.to_vec();
    missing[4] = f64::NAN;
    let error = found(&mut answers(classes()), &model, (&missing, background), &ExplainRequest::default());
    assert!(matches!(&error, Err(ExplainError::NotFinite { place, .. }) if place == "row 2"), "{error:?}");
}
