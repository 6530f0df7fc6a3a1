//! Methods whose way back is changed: DeepLIFT, DeepSHAP, LRP and guided backpropagation, on a rectifier that is known by
//! heart.

use desk_core::{Cancel, Fault, NoProgress};
use desk_explain::{
    ExplainError, ExplainRequest, Explanation, FeatureInfo, GradientModel, Gradients, Method, OutputChoice, Pass,
    Space, Table, explain_gradients,
};

/// relu(x0 + 2 x1 - 1) and its negative, with the multipliers of the rescale rule.
struct Rectifier {
    /// Gives the gradient in the place of the multiplier, as a rule that does not cover what it meets.
    wrong: bool,
}

const WEIGHTS: [f64; 2] = [1.0, 2.0];

fn sum(x: &[f64]) -> f64 {
    x[0] * WEIGHTS[0] + x[1] * WEIGHTS[1] - 1.0
}

impl Rectifier {
    fn pass(rows: &[f64], seed: &[f64], slope: impl Fn(usize, f64) -> f64) -> Pass {
        let mut pass = Pass::default();
        for (r, (x, seed)) in rows.chunks(2).zip(seed.chunks(2)).enumerate() {
            let (z, weight) = (sum(x), seed[0] - seed[1]);
            pass.values.extend([z.max(0.0), -z.max(0.0)]);
            pass.gradients.extend(WEIGHTS.map(|w| w * weight * slope(r, z)));
        }
        pass
    }
}

impl Gradients for Rectifier {
    fn n_features(&self) -> usize {
        2
    }

    fn n_outputs(&self) -> usize {
        2
    }

    fn forward_backward(&mut self, rows: &[f64], seed: &[f64]) -> Result<Pass, Fault> {
        Ok(Self::pass(rows, seed, |_, z| f64::from(z > 0.0)))
    }

    fn multipliers(&mut self, rows: &[f64], references: &[f64], seed: &[f64]) -> Result<Pass, Fault> {
        let from: Vec<f64> = references.chunks(2).map(sum).collect();
        let wrong = self.wrong;
        Ok(Self::pass(rows, seed, |r, z| {
            if wrong { f64::from(z > 0.0) } else { (z.max(0.0) - from[r].max(0.0)) / (z - from[r]) }
        }))
    }
}

/// Without references.
struct Plain;

impl Gradients for Plain {
    fn n_features(&self) -> usize {
        2
    }

    fn n_outputs(&self) -> usize {
        2
    }

    fn forward_backward(&mut self, rows: &[f64], seed: &[f64]) -> Result<Pass, Fault> {
        Rectifier { wrong: false }.forward_backward(rows, seed)
    }
}

const ROWS: [f64; 4] = [2.0, 1.0, 3.0, -2.0];
const BACKGROUND: [f64; 6] = [0.0, 0.0, 0.5, -1.0, 1.0, 2.5];

fn run(model: &mut dyn Gradients, rows: &[f64], method: Method) -> Result<Explanation, ExplainError> {
    let features = [FeatureInfo::numeric("a"), FeatureInfo::numeric("b")];
    let model = GradientModel { gradients: model, output_names: &[], space: Space::Raw, before: None, unseen: vec![] };
    let request = ExplainRequest { method, output: OutputChoice::All, ..ExplainRequest::default() };
    let (rows, background) = (Table::new(rows, 2), Table::new(&BACKGROUND, 2));
    explain_gradients(model, rows, background, &features, &request, &Cancel::new(), &NoProgress)
}

/// The rescale rule by hand.
fn lift(x: &[f64], from: &[f64]) -> [f64; 2] {
    let (z, z0) = (sum(x), sum(from));
    let multiplier = (z.max(0.0) - z0.max(0.0)) / (z - z0);
    [0, 1].map(|f| WEIGHTS[f] * multiplier * (x[f] - from[f]))
}

#[track_caller]
fn near(found: &[f64], expected: &[f64]) {
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12, "{found:?} instead of {expected:?}");
    }
}

#[test]
fn deeplift_is_against_the_mean_and_adds_up() {
    let found = run(&mut Rectifier { wrong: false }, &ROWS, Method::DeepLift).expect("explains");
    let mean = [0.5, 0.5];
    near(&found.base_values, &[0.5, -0.5]);
    for (r, x) in ROWS.chunks(2).enumerate() {
        near(&found.attributions(r, 0), &lift(x, &mean));
        near(&found.attributions(r, 1), &lift(x, &mean).map(|part| -part));
    }
    assert!(found.residual_max < 1e-12 && found.exact && found.warnings.is_empty(), "{found:?}");
    let detail = found.gradient.expect("detail");
    assert!(detail.additive && detail.steps == [[1, 1], [1, 1]] && detail.deltas.len() == 2);
    assert!(found.method_reason.contains("the mean of 3 background rows"), "{}", found.method_reason);
}

#[test]
fn deepshap_is_the_mean_over_the_background() {
    let found = run(&mut Rectifier { wrong: false }, &ROWS, Method::DeepShap).expect("explains");
    let base = BACKGROUND.chunks(2).map(|row| sum(row).max(0.0)).sum::<f64>() / 3.0;
    near(&found.base_values, &[base, -base]);
    for (r, x) in ROWS.chunks(2).enumerate() {
        let mut expected = [0.0; 2];
        for from in BACKGROUND.chunks(2) {
            let parts = lift(x, from);
            expected = [expected[0] + parts[0] / 3.0, expected[1] + parts[1] / 3.0];
        }
        near(&found.attributions(r, 0), &expected);
    }
    assert!(found.residual_max < 1e-12 && found.warnings.is_empty(), "{:?}", found.warnings);
    assert_eq!(found.gradient.as_ref().expect("detail").steps[0], [3, 3]);
    // A row says the same alone.
    let alone = run(&mut Rectifier { wrong: false }, &ROWS[2..], Method::DeepShap).expect("explains");
    assert_eq!(alone.attributions(0, 0), found.attributions(1, 0));
}

#[test]
fn what_does_not_add_up_is_flagged() {
    for method in [Method::DeepLift, Method::DeepShap] {
        let found = run(&mut Rectifier { wrong: true }, &ROWS, method).expect("explains");
        let told = &found.warnings;
        assert!(told.len() == 1 && told[0].contains("do not add up") && told[0].contains("row 2"), "{told:?}");
        assert!(found.residual_max > 0.1);
    }
}

/// The relevance is gradient times input here, and the bias keeps 1 of each score.
#[test]
fn relevance_tells_what_biases_keep() {
    let found = run(&mut Rectifier { wrong: false }, &ROWS[..2], Method::Relevance).expect("explains");
    near(&found.attributions(0, 0), &[2.0, 2.0]);
    assert!(found.warnings.iter().any(|warning| warning.contains("biases") && warning.contains("deeplift")));
    let detail = found.gradient.expect("detail");
    assert_eq!((detail.additive, detail.epsilon), (false, Some(desk_explain::LRP_EPSILON)));
    near(&detail.deltas[0], &[1.0, -1.0]);
    assert_eq!(found.residual_max, 0.0, "relevance is no sum from a base");
}

#[test]
fn guided_backpropagation_is_the_changed_gradient_as_it_is() {
    let found = run(&mut Rectifier { wrong: false }, &ROWS, Method::Guided).expect("explains");
    assert_eq!(found.attributions(0, 0), [1.0, 2.0]);
    assert_eq!(found.attributions(1, 0), [0.0, 0.0]);
    let detail = found.gradient.expect("detail");
    assert!(!detail.additive && detail.deltas.is_empty() && detail.epsilon.is_none());
}

#[test]
fn a_model_without_references_is_refused() {
    let error = run(&mut Plain, &ROWS, Method::DeepLift).expect_err("no references");
    assert!(error.to_string().contains("without references"), "{error}");
}
