//! Which models can be explained by their gradients, as far as their description tells.

use desk_core::{Description, ElementType};
use desk_explain::{LRP_EPSILON, Method};
use desk_grad::Through;

pub use desk_grad::covered;

/// The rule by which a method goes back through a network.
pub(crate) fn through(method: Method) -> Through {
    match method {
        Method::DeepLift | Method::DeepShap => Through::Rescale,
        Method::Guided => Through::Guided,
        Method::GradCam => Through::Cam,
        Method::Relevance => Through::Relevance { epsilon: LRP_EPSILON },
        _ => Through::Gradient,
    }
}

/// Operators that are named at most.
const NAMED: usize = 3;

/// Why a method for networks cannot explain a model, for a person who chooses one; `None` where it may. The
/// file itself decides, when it is asked. Every other method may.
pub fn refused(description: &Description, method: &str) -> Option<String> {
    let method = method.parse::<Method>().ok().filter(|method| method.needs_gradients())?;
    let element = |input: &desk_core::ValueInfo| input.value_type.as_tensor().map(|(element, _)| element);
    let inputs = &description.signature.inputs;
    if let Some(input) = inputs.iter().find(|input| element(input) == Some(ElementType::String)) {
        return Some(format!("the input {} holds texts", input.name));
    }
    if !inputs.iter().any(|input| element(input).is_some_and(ElementType::is_float)) {
        return Some("no input holds numbers with fractions".to_owned());
    }
    if method == Method::GradCam && !description.operators.iter().any(|used| used.name.starts_with("Conv")) {
        return Some("there is no convolution".to_owned());
    }
    let through = through(method);
    // One activation at the end is left out, so that scores are explained.
    let last = |used: &&desk_core::OperatorUse| {
        used.count == 1 && matches!(used.name.as_str(), "Softmax" | "LogSoftmax" | "Sigmoid")
    };
    let operators = description.operators.iter().filter(|used| !last(used));
    let uncovered = desk_grad::uncovered(operators.map(|used| (used.domain.as_str(), used.name.as_str())), through);
    if uncovered.is_empty() {
        return None;
    }
    let more = uncovered.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = if through == Through::Gradient || through == Through::Cam {
        "no gradient passes"
    } else {
        "there is no rule for"
    };
    Some(format!("{what} {}{more}", uncovered[..uncovered.len().min(NAMED)].join(", ")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn check(model: &str) -> Option<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(model);
        refused(&desk_import::describe(&path).expect("describes"), "ig")
    }

    #[test]
    fn relevance_passes_less_than_the_gradient() {
        let of = |method| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/gradients/transformer.onnx");
            refused(&desk_import::describe(&path).expect("describes"), method)
        };
        assert_eq!((of("ig"), of("deeplift"), of("guided-backprop"), of("kernel")), (None, None, None, None));
        assert_eq!(of("grad-cam").as_deref(), Some("there is no convolution"));
        let why = of("lrp").expect("attention has no relevance");
        assert!(why.contains("no rule for") && why.contains("LayerNormalization"), "{why}");
    }

    #[test]
    fn networks_have_gradients_and_trees_do_not() {
        assert_eq!(check("assets/samples/digits/model.onnx"), None);
        assert_eq!(check("tests/reference/models/network.onnx"), None);
        let trees = check("assets/samples/tumour/v1.onnx");
        assert_eq!(trees.as_deref(), Some("no gradient passes TreeEnsembleClassifier"));
        assert_eq!(check("assets/samples/penguins/model.onnx").as_deref(), Some("the input island holds texts"));
    }
}
