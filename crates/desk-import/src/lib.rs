//! Model formats to one neutral description: ONNX, parsed without running it and without reading
//! its weights; the values of one tensor when somebody asks for them.
//!
//! Architecture invariant: files are only read, nothing of them is executed, and no other crate
//! parses a model file, but `desk-grad`, which decodes one whole once this crate has checked it.

mod categories;
mod check;
mod describe;
mod error;
mod external;
mod family;
mod graph;
mod linear;
mod operators;
mod proto;
mod random;
mod tensor;
mod trees;
mod values;
mod wire;

use std::path::Path;

use desk_core::linear::LinearModel;
use desk_core::{Description, ModelGraph};

pub use error::ImportError;
pub use external::ModelSource;
pub use tensor::{OpenTensor, TensorError, TensorFormat, open_tensor};
pub use trees::{TreeExtraction, TreeInput, TreeModel};

/// Describes the model that a path means: an `.onnx` file, or a folder with one.
///
/// Takes milliseconds and a few megabytes whatever the size of the weights. Everything that would
/// keep the model from running (cycles, missing values, unknown operators, external data that is
/// outside the folder, missing or short) is an [`ImportError`]; the rest is a finding.
pub fn describe(path: &Path) -> Result<Description, ImportError> {
    describe::describe(&external::model_file(path)?)
}

/// Finds the files that make up the model: the `.onnx` file and its external data, all within one
/// folder.
pub fn locate(path: &Path) -> Result<ModelSource, ImportError> {
    let file = external::model_file(path)?;
    let (opened, _) = describe::open(&file)?;
    let external = external::files(&opened.model, &opened.graph, &file)?;
    let entry = file.file_name().and_then(|name| name.to_str()).unwrap_or("model.onnx").to_owned();
    let mut files = vec![(entry.clone(), file)];
    files.extend(external.into_iter().filter(|(name, _)| *name != entry));
    Ok(ModelSource { entry, files })
}

/// The graph of a model: nodes, values, tensors and their shapes, for people who look at it. Weights
/// are not read.
pub fn graph(path: &Path) -> Result<ModelGraph, ImportError> {
    let file = external::model_file(path)?;
    let (mut opened, _) = describe::open(&file)?;
    graph::graph(&mut opened)
}

/// The tree ensemble of a model that is nothing else; `None` for every other model.
/// [`examine_trees`] says why not.
pub fn extract_trees(path: &Path) -> Result<Option<TreeModel>, ImportError> {
    match examine_trees(path)? {
        TreeExtraction::Found(model) => Ok(Some(model)),
        TreeExtraction::NotTrees(_) => Ok(None),
    }
}

/// As [`extract_trees`], with the reason when the answer is no.
pub fn examine_trees(path: &Path) -> Result<TreeExtraction, ImportError> {
    let file = external::model_file(path)?;
    let (mut opened, _) = describe::open(&file)?;
    trees::examine(&mut opened)
}

/// The linear model behind one of the outputs, where that is all there is: weighted sums of the inputs' features, side by
/// side in the inputs' order, and one last step. `features` is how many there are in all, which settles a width that the
/// graph leaves open.
pub fn extract_linear(path: &Path, output: &str, features: usize) -> Result<Option<LinearModel>, ImportError> {
    let file = external::model_file(path)?;
    let (mut opened, _) = describe::open(&file)?;
    linear::examine(&mut opened, output, features)
}

/// The operator that makes each output, by the output's name: those that only turn its shape or type are
/// looked through.
pub fn output_operators(path: &Path) -> Result<Vec<(String, String)>, ImportError> {
    let file = external::model_file(path)?;
    let (opened, _) = describe::open(&file)?;
    Ok(operators::of_outputs(&opened.graph))
}

/// Names of the features, where the model's metadata has an entry `feature_names`: a JSON list of
/// texts, or names separated by commas.
pub fn feature_names(description: &Description) -> Option<Vec<String>> {
    let (_, text) = description.metadata.iter().find(|(key, _)| key == "feature_names")?;
    if let Ok(names) = serde_json::from_str::<Vec<String>>(text) {
        return Some(names);
    }
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    (names.len() > 1 && names.iter().all(|name| !name.is_empty())).then_some(names)
}
