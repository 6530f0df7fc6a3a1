//! Tree ensembles out of ONNX graphs: input, perhaps casts, one ensemble operator, and behind it
//! only steps that can be folded into the ensemble.

mod build;
mod classic;
mod path;
mod v5;

use desk_core::trees::TreeEnsemble;

use crate::describe::Opened;
use crate::error::ImportError;
use crate::proto::Node;

/// A graph input that feeds the ensemble.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TreeInput {
    /// Its name in the graph.
    pub name: String,
    /// How many features it holds.
    pub width: u32,
}

/// A model that is a tree ensemble.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TreeModel {
    /// The ensemble, with everything behind it folded in: it answers as `score_output` does.
    pub ensemble: TreeEnsemble,
    /// The inputs whose columns, side by side, are the features.
    pub inputs: Vec<TreeInput>,
    /// The graph output that is the predicted label.
    pub label_output: Option<String>,
    /// The graph output that is the ensemble's answer: probabilities, scores or the prediction.
    pub score_output: String,
    /// What does not carry over exactly, one sentence each; usually empty.
    pub notes: Vec<String>,
}

/// The answer to "is it a tree ensemble?".
#[derive(Debug, Clone, PartialEq)]
pub enum TreeExtraction {
    /// It is.
    Found(TreeModel),
    /// It is not, or not only; a sentence says why.
    NotTrees(String),
}

/// Either a value, or the reason why the graph is not understood as trees.
pub(crate) type Understood<T> = Result<T, Stop>;

/// Why an extraction ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A valid model of another kind.
    NotTrees(String),
    /// A model that is not valid.
    Invalid(ImportError),
}

impl From<ImportError> for Stop {
    fn from(error: ImportError) -> Self {
        Self::Invalid(error)
    }
}

fn not_trees<T>(why: impl Into<String>) -> Understood<T> {
    Err(Stop::NotTrees(why.into()))
}

/// True for the three operators that hold trees.
fn is_ensemble(node: &Node) -> bool {
    node.domain == "ai.onnx.ml"
        && matches!(node.op.as_str(), "TreeEnsemble" | "TreeEnsembleClassifier" | "TreeEnsembleRegressor")
}

pub(crate) fn examine(opened: &mut Opened) -> Result<TreeExtraction, ImportError> {
    match extract(opened) {
        Ok(model) => Ok(TreeExtraction::Found(model)),
        Err(Stop::NotTrees(why)) => Ok(TreeExtraction::NotTrees(why)),
        Err(Stop::Invalid(error)) => Err(error),
    }
}

fn extract(opened: &mut Opened) -> Understood<TreeModel> {
    let Opened { reader, graph, .. } = opened;
    let mut ensembles = graph.nodes.iter().filter(|node| is_ensemble(node));
    let node = match (ensembles.next(), ensembles.next()) {
        (Some(node), None) => node,
        (None, _) => return not_trees("It holds no tree ensemble"),
        (Some(_), Some(_)) => return not_trees("It holds several tree ensembles"),
    };
    let mut notes = Vec::new();
    let (inputs, known_width) = path::inputs(graph, node)?;
    let (mut ensemble, widest) = match node.op.as_str() {
        "TreeEnsemble" => v5::read(reader, node)?,
        _ => classic::read(reader, node)?,
    };
    let inputs = path::settle_width(inputs, known_width, widest, node, &reader.path())?;
    ensemble.n_features = inputs.iter().map(|input| input.width).sum();
    if node.op == "TreeEnsemble" {
        notes.extend(v5::note(&ensemble).map(str::to_owned));
    }
    if path::is_double(graph, node) {
        notes.push("The model compares in float64, the trees here in float32".to_owned());
    }
    let outputs = path::outputs(reader, graph, node, &mut ensemble)?;
    Ok(TreeModel { ensemble, inputs, label_output: outputs.label, score_output: outputs.score, notes })
}
