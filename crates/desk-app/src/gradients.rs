//! Which models can be explained by their gradients, as far as their description tells.

use desk_core::{Description, ElementType};

pub use desk_grad::covered;

/// Operators that are named at most.
const NAMED: usize = 3;

/// Why a model has no gradient to explain with, for a person who chooses a method; `None` where it may have one. The
/// file itself decides, when it is asked.
pub fn refused(description: &Description) -> Option<String> {
    let element = |input: &desk_core::ValueInfo| input.value_type.as_tensor().map(|(element, _)| element);
    let inputs = &description.signature.inputs;
    if let Some(input) = inputs.iter().find(|input| element(input) == Some(ElementType::String)) {
        return Some(format!("the input {} holds texts", input.name));
    }
    if !inputs.iter().any(|input| element(input).is_some_and(ElementType::is_float)) {
        return Some("no input holds numbers with fractions".to_owned());
    }
    let operators = description.operators.iter().map(|used| (used.domain.as_str(), used.name.as_str()));
    let uncovered = desk_grad::uncovered(operators);
    if uncovered.is_empty() {
        return None;
    }
    let more = uncovered.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("no gradient passes {}{more}", uncovered[..uncovered.len().min(NAMED)].join(", ")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn check(model: &str) -> Option<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(model);
        refused(&desk_import::describe(&path).expect("describes"))
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
