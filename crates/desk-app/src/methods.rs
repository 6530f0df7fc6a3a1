//! Which methods of explanation a model may allow, as far as its description tells.

use desk_core::Description;

use crate::gradients;

/// Operators that no weighted sum is made with: with one of them a model is not linear.
const BEND: [&str; 14] = [
    "Conv",
    "Elu",
    "Erf",
    "Gelu",
    "LayerNormalization",
    "LeakyRelu",
    "MaxPool",
    "Relu",
    "SVMClassifier",
    "SVMRegressor",
    "Tanh",
    "TfIdfVectorizer",
    "TreeEnsembleClassifier",
    "TreeEnsembleRegressor",
];
/// Operators of which a weighted sum takes at least one.
const WEIGH: [&str; 6] = ["Gemm", "LinearClassifier", "LinearRegressor", "MatMul", "Mul", "Scaler"];

/// Why a method cannot explain a model, for a person who chooses one; `None` where it may. The file itself decides, when it is
/// asked.
pub fn refused(description: &Description, method: &str) -> Option<String> {
    let uses = |names: &[&str]| description.operators.iter().any(|used| names.contains(&used.name.as_str()));
    match method {
        "tree" | "path" => {
            let trees = description.operators.iter().any(|used| used.name.starts_with("TreeEnsemble"));
            (!trees).then(|| "the model is no tree ensemble".to_owned())
        }
        "linear" => (uses(&BEND) || !uses(&WEIGH)).then(|| "the model is not linear in its features".to_owned()),
        _ => gradients::refused(description, method),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_cannot_succeed_is_refused_before_it_is_chosen() {
        let of = |model: &str, method: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference").join(model);
            refused(&desk_import::describe(&path).expect("describes"), method).is_none()
        };
        let allowed = |model: &str| ["tree", "path", "linear", "kernel", "ig"].map(|method| of(model, method));
        assert_eq!(allowed("models/forest_wine.onnx"), [true, true, false, true, false]);
        assert_eq!(allowed("models/linear_wine.onnx"), [false, false, true, true, false]);
        assert_eq!(allowed("models/linear_layer.onnx"), [false, false, true, true, true]);
        assert_eq!(allowed("gradients/cnn.onnx"), [false, false, false, true, true]);
        assert_eq!(allowed("models/network_wine.onnx"), [false, false, false, true, true]);
    }
}
