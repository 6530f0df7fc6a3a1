//! Which output is the label, which are the scores, and what the classes are called.

use std::path::Path;

use desk_core::{Description, ElementType, NamedTensor, TensorData};

/// What a model's outputs mean, found from a first answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// What it predicts.
    pub task: Task,
    /// Position of the output that holds labels.
    pub label: Option<usize>,
    /// Position of the output that holds a score for each class, or the predicted number.
    pub score: Option<usize>,
    /// Names of the classes, in the order of the score's columns.
    pub classes: Vec<String>,
    /// Nothing but the graph's form tells that there are classes: one probability a row.
    pub assumed: bool,
}

/// What a model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// One of some classes.
    Classification,
    /// A number.
    Regression,
    /// Something else, such as an embedding or a map.
    Other,
}

impl Roles {
    /// Looks at the outputs of some rows; `makers` are the operators that make the outputs, by name.
    pub fn find(outputs: &[NamedTensor], description: &Description, makers: &[(String, String)]) -> Self {
        let per_row = |output: &NamedTensor| output.tensor.row_len();
        let is_float = |output: &NamedTensor| output.tensor.data.element().is_float();
        let label = outputs.iter().position(|output| !is_float(output) && per_row(output) == 1);
        let score = outputs.iter().position(|output| is_float(output) && output.tensor.shape.len() <= 2);
        let Some(at) = score else {
            let task = if label.is_some() { Task::Classification } else { Task::Other };
            return Self {
                task,
                label,
                score,
                classes: description.labels.clone().unwrap_or_default(),
                assumed: false,
            };
        };
        let width = per_row(&outputs[at]);
        let named = outputs[at].labels.clone().or_else(|| description.labels.clone());
        let assumed = label.is_none() && width == 1 && is_sigmoid(&outputs[at], makers);
        let task = match (label, width) {
            (Some(_), _) => Task::Classification,
            (None, 1) if assumed => Task::Classification,
            (None, 1) => Task::Regression,
            (None, _) if named.is_some() || sums_to_one(&outputs[at]) => Task::Classification,
            (None, _) => Task::Other,
        };
        let classes = match named {
            Some(names) if names.len() == width || (width == 1 && names.len() == 2) => names,
            _ if assumed => vec!["0".to_owned(), "1".to_owned()],
            _ if task == Task::Classification && width > 1 => (0..width).map(|class| class.to_string()).collect(),
            _ => Vec::new(),
        };
        Self { task, label, score, classes, assumed }
    }

    /// Somebody said what the classes are that only the graph's form tells of.
    pub fn name_classes(&mut self, classes: [String; 2]) {
        self.classes = Vec::from(classes);
        self.assumed = false;
    }

    /// Gives the columns of the scores their classes' names, where the runtime does not know them.
    pub fn name_columns(&self, outputs: &mut [NamedTensor]) {
        if let Some(output) = self.score.and_then(|at| outputs.get_mut(at))
            && self.task == Task::Classification
            && output.tensor.row_len() == self.classes.len()
        {
            output.labels.get_or_insert_with(|| self.classes.clone());
        }
    }

    /// The predicted class of each row as text.
    pub fn labels(&self, outputs: &[NamedTensor]) -> Vec<String> {
        if let Some(output) = self.label.and_then(|at| outputs.get(at)) {
            return texts(&output.tensor.data);
        }
        let Some(output) = self.score.and_then(|at| outputs.get(at)) else { return Vec::new() };
        let width = if self.binary_from_one(outputs) { 2 } else { output.tensor.row_len() };
        let values = self.scores(outputs);
        // The first of equal ones, as NumPy's argmax.
        let best = |row: &[f64]| (0..row.len()).rev().max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
        values.chunks(width.max(1)).map(|row| self.classes.get(best(row)).cloned().unwrap_or_default()).collect()
    }

    /// The class with the largest score for each row, where the model itself names none; no class where a score
    /// is NaN.
    pub fn worked_out(&self, outputs: &[NamedTensor]) -> Option<Vec<Option<String>>> {
        if self.task != Task::Classification || self.label.is_some() || self.classes.len() < 2 {
            return None;
        }
        let (scores, width) = (self.scores(outputs), self.classes.len());
        let labels = self.labels(outputs).into_iter().zip(scores.chunks(width));
        (scores.len() % width == 0)
            .then(|| labels.map(|(label, row)| (!row.iter().any(|p| p.is_nan())).then_some(label)).collect())
    }

    /// Scores, row-major, with one column for each class (or one column for a number).
    pub fn scores(&self, outputs: &[NamedTensor]) -> Vec<f64> {
        let values = self.score.and_then(|at| outputs.get(at)).and_then(|output| output.tensor.data.to_f64());
        let values = values.unwrap_or_default();
        if self.binary_from_one(outputs) {
            // In the type of the model's numbers, as what is left of float32 in scikit-learn.
            let narrow = self.score.is_some_and(|at| outputs[at].tensor.data.element() == ElementType::Float32);
            let rest = |p: f64| if narrow { f64::from(1.0 - p as f32) } else { 1.0 - p };
            return values.iter().flat_map(|second| [rest(*second), *second]).collect();
        }
        values
    }

    /// A classifier of two classes that gives the probability of the second only.
    pub fn binary_from_one(&self, outputs: &[NamedTensor]) -> bool {
        let width = self.score.and_then(|at| outputs.get(at)).map_or(0, |output| output.tensor.row_len());
        self.task == Task::Classification && width == 1 && self.classes.len() == 2
    }
}

/// The operators that make a model's outputs; none where the file cannot be read, which the runtime tells.
pub fn makers(model: &Path) -> Vec<(String, String)> {
    desk_import::output_operators(model).unwrap_or_default()
}

/// One probability a row: the last operator gives such, and the first rows bear it out.
fn is_sigmoid(output: &NamedTensor, makers: &[(String, String)]) -> bool {
    let made = makers.iter().any(|(name, operator)| *name == output.name && operator == "Sigmoid");
    made && output.tensor.data.to_f64().is_some_and(|values| values.iter().all(|p| !(*p < 0.0 || *p > 1.0)))
}

/// Rows of probabilities: not negative, and one in sum.
fn sums_to_one(output: &NamedTensor) -> bool {
    let width = output.tensor.row_len().max(1);
    let values = output.tensor.data.to_f64().unwrap_or_default();
    !values.is_empty()
        && values.chunks(width).all(|row| row.iter().all(|p| *p >= 0.0) && (row.iter().sum::<f64>() - 1.0).abs() < 1e-3)
}

/// Elements as text, integers without a point.
pub fn texts(data: &TensorData) -> Vec<String> {
    match data {
        TensorData::String(values) => values.clone(),
        TensorData::Bool(values) => values.iter().map(bool::to_string).collect(),
        TensorData::Float32(values) => values.iter().map(f32::to_string).collect(),
        other => other.to_f64().unwrap_or_default().iter().map(f64::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use desk_core::{ModelFamily, ModelFormat, Signature, Tensor};

    use super::*;

    fn description(labels: Option<Vec<&str>>) -> Description {
        Description {
            format: ModelFormat::Onnx,
            ir_version: 8,
            opsets: vec![],
            producer: String::new(),
            graph_name: String::new(),
            doc: String::new(),
            metadata: vec![],
            signature: Signature::default(),
            operators: vec![],
            node_count: 0,
            parameter_count: 0,
            labels: labels.map(|names| names.into_iter().map(str::to_owned).collect()),
            family: ModelFamily::Other,
            external_files: vec![],
            findings: vec![],
            categories: vec![],
        }
    }

    fn floats(width: usize, values: Vec<f32>) -> NamedTensor {
        NamedTensor::new(
            "p",
            Tensor::new(vec![values.len() / width, width], TensorData::Float32(values)).expect("fits"),
        )
    }

    #[test]
    fn a_classifier_with_labels_and_probabilities() {
        let label = NamedTensor::new("l", Tensor::new(vec![1], TensorData::Int64(vec![1])).expect("fits"));
        let outputs = [label, floats(2, vec![0.2, 0.8])];
        let roles = Roles::find(&outputs, &description(Some(vec!["no", "yes"])), &[]);
        assert_eq!((roles.task, roles.label, roles.score), (Task::Classification, Some(0), Some(1)));
        assert_eq!(roles.classes, ["no", "yes"]);
        assert_eq!(roles.labels(&outputs), ["1"]);
    }

    #[test]
    fn probabilities_alone_name_the_best_class() {
        let outputs = [floats(3, vec![0.1, 0.7, 0.2])];
        let roles = Roles::find(&outputs, &description(None), &[]);
        assert_eq!(roles.task, Task::Classification);
        assert_eq!(roles.labels(&outputs), ["1"]);
        assert_eq!(roles.worked_out(&outputs), Some(vec![Some("1".to_owned())]));
        assert_eq!(roles.worked_out(&[floats(3, vec![0.1, f32::NAN, 0.2])]), Some(vec![None]));
    }

    #[test]
    fn one_number_is_a_regression_and_a_vector_is_neither() {
        assert_eq!(Roles::find(&[floats(1, vec![3.5])], &description(None), &[]).task, Task::Regression);
        assert_eq!(Roles::find(&[floats(2, vec![3.5, -1.0])], &description(None), &[]).task, Task::Other);
    }

    #[test]
    fn one_probability_a_row_is_that_of_the_second_class() {
        let outputs = [floats(1, vec![0.2, 0.5, 0.8])];
        let roles = |operator: &str| Roles::find(&outputs, &description(None), &[("p".into(), operator.into())]);
        let sigmoid = roles("Sigmoid");
        assert_eq!((sigmoid.task, sigmoid.assumed), (Task::Classification, true));
        assert_eq!(sigmoid.labels(&outputs), ["0", "0", "1"]);
        assert_eq!(sigmoid.scores(&outputs).len(), 6);
        assert_eq!(roles("Gemm").task, Task::Regression);
    }
}
