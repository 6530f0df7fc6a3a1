//! Each operator against central finite differences in float64, with fixed and with moving sizes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use desk_grad::Side;
use serde::Deserialize;

use crate::common::{Numbers, distance, open, reference};

#[derive(Deserialize)]
pub struct Case {
    pub name: String,
    pub output: String,
    pub seed: Numbers,
    gradients: HashMap<String, Numbers>,
    pub models: BTreeMap<String, String>,
    pub inputs: BTreeMap<String, Numbers>,
}

/// float32 against float64.
const TOLERANCE: f64 = 1e-4;

pub fn cases() -> Vec<Case> {
    let text = std::fs::read(reference("operators.json")).expect("reads");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn agree_with_finite_differences() {
    let mut wrong = Vec::new();
    let mut met = BTreeSet::new();
    for case in cases() {
        for (sizes, model) in &case.models {
            let name = format!("{} ({sizes})", case.name);
            if let Err(why) = check(&case, model, &mut met) {
                wrong.push(format!("{name}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let never: Vec<String> = desk_grad::covered()
        .filter(|covered| !met.contains(&(covered.domain.to_owned(), covered.op.to_owned())))
        .map(|covered| covered.op.to_owned())
        .collect();
    assert!(never.is_empty(), "covered and in no case: {}", never.join(", "));
}

fn check(case: &Case, model: &str, met: &mut BTreeSet<(String, String)>) -> Result<(), String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(model).expect("base64");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).expect("written");
    let description = desk_import::describe(&path).expect("describes");
    met.extend(description.operators.iter().map(|used| {
        let domain = if used.domain == "ai.onnx" { String::new() } else { used.domain.clone() };
        (domain, used.name.clone())
    }));
    let mut opened = open(&path, &case.output, Side::Answers).map_err(|error| error.to_string())?;
    let inputs = case.inputs.iter().map(|(name, numbers)| numbers.tensor(name)).collect();
    let (_, found) = opened.run(inputs, &case.seed);
    if found.len() != case.gradients.len() {
        return Err(format!("{} gradients", found.len()));
    }
    for (input, shape, found) in found {
        let expected = &case.gradients[&input];
        if shape != expected.shape {
            return Err(format!("{input} has the shape {shape:?} instead of {:?}", expected.shape));
        }
        let far = distance(&found, &expected.data);
        if far.is_nan() || far > TOLERANCE {
            return Err(format!("{input} is off by {far:.1e}: {found:.4?} instead of {:.4?}", expected.data));
        }
    }
    Ok(())
}
