//! Rules that change the gradient, against captum's values and against what they promise.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use desk_core::{Cancel, Diagnose as _, Fault, NoProgress, Predictor};
use desk_explain::{ExplainRequest, FeatureInfo, Method, Model, OutputChoice, Picture, Table, Windows, explain};
use desk_grad::{Side, Through, Wanted, build};
use serde::Deserialize;

use crate::common::{Numbers, Opened, distance, open, open_by, reference};
use crate::operators::{Case, cases};

#[derive(Deserialize)]
struct Golden {
    shape: Vec<usize>,
    x: Vec<f64>,
    background: Vec<f64>,
    target: Vec<usize>,
    scores: Vec<f64>,
    guided: Vec<f64>,
    deeplift: Vec<f64>,
    deepshap: Vec<f64>,
    lrp: Option<Vec<f64>>,
    lrp_epsilon: Option<f64>,
    lrp_at_epsilon: Option<Vec<f64>>,
    window: Option<usize>,
    stride: Option<usize>,
    occlusion: Option<Vec<f64>>,
    gradcam: Option<Vec<f64>>,
}

/// float32 against captum's float64.
const TOLERANCE: f64 = 1e-4;
const NAMES: [&str; 4] = ["rules_mlp", "rules_bends", "rules_cnn", "rules_plain"];

fn golden(name: &str) -> Golden {
    let text = std::fs::read(reference(&format!("{name}.json"))).expect("reads");
    serde_json::from_slice(&text).expect("JSON")
}

fn opened(name: &str, through: Through) -> Opened {
    open_by(&reference(&format!("{name}.onnx")), "y", Side::Scores, through).expect("builds")
}

impl Golden {
    fn width(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// One row, several times.
    fn numbers(&self, cells: &[f64], count: usize) -> Numbers {
        let shape = std::iter::once(count).chain(self.shape[1..].iter().copied()).collect();
        Numbers { shape, data: cells.to_vec(), kind: None }
    }

    /// A seed that asks for the class of each row.
    fn seed(&self, targets: &[usize]) -> Numbers {
        let width = self.scores.len() / self.shape[0];
        let mut data = vec![0.0; targets.len() * width];
        for (row, target) in targets.iter().enumerate() {
            data[row * width + target] = 1.0;
        }
        Numbers { shape: vec![targets.len(), width], data, kind: None }
    }

    fn back(&self, opened: &mut Opened) -> Vec<f64> {
        let x = self.numbers(&self.x, self.shape[0]).tensor("x");
        opened.run(vec![x], &self.seed(&self.target)).1.remove(0).2
    }

    /// DeepLIFT of row `r` against references: their mean.
    fn lift(&self, opened: &mut Opened, r: usize, references: &[f64]) -> Vec<f64> {
        let (width, x) = (self.width(), &self.x[r * self.width()..(r + 1) * self.width()]);
        let count = references.len() / width;
        let name = opened.built.references[0].reference.clone();
        let inputs =
            vec![self.numbers(&x.repeat(count), count).tensor("x"), self.numbers(references, count).tensor(&name)];
        let multipliers = opened.run(inputs, &self.seed(&vec![self.target[r]; count])).1.remove(0).2;
        let part = |f: usize| (0..count).map(move |b| (b, f));
        let one = |(b, f): (usize, usize)| multipliers[b * width + f] * (x[f] - references[b * width + f]);
        (0..width).map(|f| part(f).map(one).sum::<f64>() / count as f64).collect()
    }

    fn mean(&self) -> Vec<f64> {
        let (width, count) = (self.width(), self.background.len() / self.width());
        (0..width).map(|f| self.background.iter().skip(f).step_by(width).sum::<f64>() / count as f64).collect()
    }
}

#[track_caller]
fn near(found: &[f64], expected: &[f64], what: &str) {
    let far = distance(found, expected);
    assert!(far < TOLERANCE, "{what} is off by {far:.1e}: {found:.5?} instead of {expected:.5?}");
}

#[test]
fn guided_backpropagation_is_captums() {
    for name in NAMES {
        let golden = golden(name);
        let mut opened = opened(name, Through::Guided);
        assert_eq!(opened.built.rectifiers == 0, name == "rules_bends", "{name}");
        near(&golden.back(&mut opened), &golden.guided, name);
    }
}

#[test]
fn deeplift_and_deepshap_are_captums() {
    for name in NAMES {
        let golden = golden(name);
        let mut opened = opened(name, Through::Rescale);
        let (width, mean) = (golden.width(), golden.mean());
        for r in 0..golden.shape[0] {
            let own = r * width..(r + 1) * width;
            near(&golden.lift(&mut opened, r, &mean), &golden.deeplift[own.clone()], &format!("{name}, row {r}"));
            let shap = golden.lift(&mut opened, r, &golden.background);
            near(&shap, &golden.deepshap[own], &format!("{name}, DeepSHAP of row {r}"));
        }
    }
}

#[test]
fn relevance_is_captums() {
    for name in NAMES {
        let golden = golden(name);
        let relevance = |epsilon: f64| {
            let back = golden.back(&mut opened(name, Through::Relevance { epsilon }));
            back.iter().zip(&golden.x).map(|(back, x)| back * x).collect::<Vec<_>>()
        };
        if let Some(expected) = &golden.lrp {
            near(&relevance(1e-9), expected, name);
        }
        if let (Some(epsilon), Some(expected)) = (golden.lrp_epsilon, &golden.lrp_at_epsilon) {
            near(&relevance(epsilon), expected, &format!("{name} with epsilon {epsilon}"));
        }
    }
}

/// The scores as a function of the pixels.
struct Scores<'a> {
    golden: &'a Golden,
    opened: Opened,
}

impl Predictor for Scores<'_> {
    fn n_features(&self) -> usize {
        self.golden.width()
    }

    fn n_outputs(&self) -> usize {
        self.golden.scores.len() / self.golden.shape[0]
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        let count = rows.len() / self.n_features();
        let x = self.golden.numbers(rows, count).tensor("x");
        Ok(self.opened.run(vec![x], &self.golden.seed(&vec![0; count])).0)
    }
}

#[test]
fn occlusion_is_captums() {
    let golden = golden("rules_cnn");
    let (width, expected) = (golden.width(), golden.occlusion.as_ref().expect("values"));
    let features: Vec<_> = (0..width).map(|f| FeatureInfo::numeric(format!("p{f}"))).collect();
    let windows = Windows {
        picture: Picture::of(0, &golden.shape[1..]),
        patch: golden.window,
        stride: golden.stride,
        ..Windows::default()
    };
    let mut scores = Scores { golden: &golden, opened: opened("rules_cnn", Through::Gradient) };
    for (r, target) in golden.target.iter().enumerate() {
        let output = OutputChoice::One(*target);
        let request =
            ExplainRequest { method: Method::Occlusion, windows: windows.clone(), output, ..ExplainRequest::default() };
        let own = r * width..(r + 1) * width;
        let (x, background) = (Table::new(&golden.x[own.clone()], width), Table::new(&golden.background, width));
        let model = Model { trees: None, linear: None, predictor: &mut scores, output_names: &[] };
        let found = explain(model, x, background, &features, &request, &Cancel::new(), &NoProgress).expect("explains");
        near(&found.attributions(0, 0), &expected[own], &format!("row {r}"));
    }
}

/// captum's map of the last convolution, enlarged, in each of the two channels.
#[test]
fn class_activation_maps_are_captums() {
    let golden = golden("rules_cnn");
    let mut opened = opened("rules_cnn", Through::Cam);
    assert!(opened.built.layer.as_deref().is_some_and(|layer| layer.starts_with("Conv")), "{:?}", opened.built.layer);
    let found = golden.back(&mut opened);
    let pixels = golden.width() / golden.shape[1];
    let expected: Vec<f64> =
        golden.gradcam.as_ref().expect("maps").chunks(pixels).flat_map(|map| map.repeat(2)).collect();
    assert!(expected.iter().any(|value| *value > 0.0));
    near(&found, &expected, "the map");
}

#[test]
fn layers_are_named_and_refused_by_name() {
    let path = reference("rules_cnn.onnx");
    let wanted = |layer| Wanted { output: "y", side: Side::Scores, through: Through::Cam, layer: Some(layer) };
    let error = build(&path, wanted("block9")).expect_err("no such layer");
    assert_eq!(error.to_string(), "no layer over pictures between input and output has the name `block9`");
    let names = error.hints().join(" ");
    let first = names.rsplit([' ', ',']).next().expect("a name");
    let other = build(&path, wanted(first)).expect("the first convolution").layer;
    assert_ne!(other, opened("rules_cnn", Through::Cam).built.layer, "{names}");
    let none = open_by(&reference("rules_mlp.onnx"), "y", Side::Scores, Through::Cam).map(|_| ());
    assert!(none.expect_err("no picture").to_string().contains("no convolution"));
}

/// Of rectifiers without biases the relevance is the gradient times the input (Ancona et al. 2018).
#[test]
fn relevance_without_biases_is_gradient_times_input() {
    let golden = golden("rules_plain");
    let gradient = golden.back(&mut opened("rules_plain", Through::Gradient));
    near(&golden.back(&mut opened("rules_plain", Through::Relevance { epsilon: 1e-9 })), &gradient, "the gradient");
}

/// Operators that relevance is refused at, by name.
#[test]
fn relevance_names_what_it_has_no_rule_for() {
    let through = Through::Relevance { epsilon: 1e-6 };
    let wrong = |name: &str| match open_by(&reference(name), "y", Side::Scores, through) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{name} was built"),
    };
    let said = wrong("transformer.onnx");
    assert!(said.contains("LayerNormalization") && said.contains("LRP has no rule for it"), "{said}");
    assert!(said.contains("Softmax") && said.contains("meet in a product"), "{said}");
    assert!(wrong("rules_bends.onnx").contains("Sigmoid"), "{}", wrong("rules_bends.onnx"));
    // The last activation is not on the way of the scores, and is of the answers.
    let answers = open_by(&reference("rules_mlp.onnx"), "y", Side::Answers, through).map(|_| ());
    assert!(answers.expect_err("refused").to_string().contains("Softmax"));
}

/// Every operator of the table, alone: multipliers times what the inputs moved by are what the output moved by.
#[test]
fn deeplift_adds_up_through_each_operator() {
    let (mut wrong, mut refused) = (Vec::new(), BTreeMap::new());
    for case in cases() {
        for (sizes, model) in &case.models {
            let bytes = base64::engine::general_purpose::STANDARD.decode(model).expect("base64");
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("model.onnx");
            std::fs::write(&path, bytes).expect("written");
            match off(&case, &path) {
                Ok(off) if off < 1e-4 => {}
                Ok(off) => wrong.push(format!("{} ({sizes}): off by {off:.1e}", case.name)),
                Err(why) => drop(refused.insert(case.name.clone(), why)),
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let names: Vec<&str> = refused.keys().map(String::as_str).collect();
    assert_eq!(names, REFUSED, "{refused:#?}");
}

/// Uses of operators that the rule does not cover.
const REFUSED: [&str; 10] = [
    "LRN of 3",
    "LRN of 5",
    "Max of three",
    "Min of three",
    "Pow of a list",
    "Pow of values",
    "ReduceProd of zeros",
    "ReduceProd over everything",
    "ReduceProd over one axis",
    "a rounded side branch",
];

/// How much the sum misses, as a part of all that moved.
fn off(case: &Case, path: &Path) -> Result<f64, String> {
    let mut opened = open_by(path, &case.output, Side::Answers, Through::Rescale).map_err(|error| error.to_string())?;
    if !opened.built.steps.is_empty() {
        return Err("it changes in steps too, which nothing adds up to".to_owned());
    }
    // The same signs, so that roots and logarithms stay what they are, and another order.
    let moved = |numbers: &Numbers, salt: usize| {
        let other = |(i, v): (usize, &f64)| v * (0.6 + 0.7 * ((i * 7 + salt * 3) % 11) as f64 / 10.0);
        Numbers { data: numbers.data.iter().enumerate().map(other).collect(), ..numbers.clone() }
    };
    let references: BTreeMap<&str, Numbers> = opened
        .built
        .references
        .iter()
        .enumerate()
        .map(|(i, of)| (of.reference.as_str(), moved(&case.inputs[&of.input], i)))
        .collect();
    let there: Vec<_> = references.iter().map(|(name, numbers)| numbers.tensor(name)).collect();
    let inputs = case.inputs.iter().map(|(name, numbers)| numbers.tensor(name)).chain(there).collect();
    let mut at: BTreeMap<String, Numbers> = case.inputs.clone();
    let pairs: Vec<(String, Numbers)> = opened
        .built
        .references
        .iter()
        .map(|of| (of.input.clone(), references[of.reference.as_str()].clone()))
        .collect();
    let (value, found) = opened.run(inputs, &case.seed);
    for (input, numbers) in &pairs {
        at.insert(input.clone(), numbers.clone());
    }
    let mut plain = open(path, &case.output, Side::Answers).map_err(|error| error.to_string())?;
    let base = plain.run(at.iter().map(|(name, numbers)| numbers.tensor(name)).collect(), &case.seed).0;
    let weighed = |values: &[f64]| values.iter().zip(&case.seed.data).map(|(v, s)| v * s).sum::<f64>();
    let went = weighed(&value) - weighed(&base);
    let (mut sum, mut size) = (0.0, went.abs());
    for (input, _, multipliers) in &found {
        let from = &pairs.iter().find(|(name, _)| name == input).expect("a reference").1;
        for ((m, x), from) in multipliers.iter().zip(&case.inputs[input].data).zip(&from.data) {
            sum += m * (x - from);
            size = f64::max(size, (m * (x - from)).abs());
        }
    }
    let far = (sum - went).abs() / size.max(1e-3);
    Ok(if far.is_nan() { f64::INFINITY } else { far })
}
