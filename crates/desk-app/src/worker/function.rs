//! A model as a function of the table of its features, which is what explanations work on.

use std::path::Path;

use desk_core::{Cancel, Description, Fault, Predictor};
use desk_data::FeatureSpace;

use super::roles::{Roles, makers};
use super::shared::Answering;

/// The model as a function of the feature table.
pub struct Graph<'a> {
    sessions: Answering<'a>,
    space: &'a FeatureSpace,
    /// Which outputs are scores, and of what.
    pub roles: Roles,
    /// What the columns of the scores are called where answers are written.
    pub columns: Vec<String>,
    /// The output that holds the scores.
    pub output: String,
    /// It has one column, and two classes are shown.
    pub one_for_two: bool,
    /// Scores of a row.
    pub outputs: usize,
    cancel: &'a Cancel,
}

impl<'a> Graph<'a> {
    /// Scores a first row to learn what the outputs are; `about` is what the model says of itself, and its file.
    pub fn new(
        mut sessions: Answering<'a>,
        space: &'a FeatureSpace,
        (description, entry): (&Description, &Path),
        table: &[f64],
        cancel: &'a Cancel,
    ) -> Result<Self, Fault> {
        let inputs = space.decode(&table[..space.width()])?;
        let outputs = sessions.run(inputs, cancel)?;
        let roles = Roles::find(&outputs, description, &makers(entry));
        let width = roles.scores(&outputs).len();
        if width == 0 {
            return Err(Fault::input("the model gives labels and no numbers, so there is nothing to attribute")
                .hint("Export the model with its probabilities"));
        }
        let columns = roles.score.map_or_else(Vec::new, |at| desk_data::predictions::names(&outputs, at));
        let output = roles.score.and_then(|at| outputs.get(at)).map_or_else(String::new, |output| output.name.clone());
        let one_for_two = roles.binary_from_one(&outputs);
        Ok(Self { sessions, space, roles, columns, output, one_for_two, outputs: width, cancel })
    }
}

impl Graph<'_> {
    /// Scores of rows, and the classes that the model itself names for them, where it has an output for that.
    pub fn answers(&mut self, rows: &[f64]) -> Result<(Vec<f64>, Option<Vec<String>>), Fault> {
        let inputs = self.space.decode(rows)?;
        let outputs = self.sessions.run(inputs, self.cancel)?;
        let labels = self.roles.label.map(|_| self.roles.labels(&outputs));
        Ok((self.roles.scores(&outputs), labels))
    }

    /// Scores of a row with other texts in one of its features: texts x outputs.
    pub fn predict_texts(&mut self, row: &[f64], feature: usize, texts: Vec<String>) -> Result<Vec<f64>, Fault> {
        let inputs = self.space.decode_texts(row, feature, texts)?;
        let outputs = self.sessions.run(inputs, self.cancel)?;
        Ok(self.roles.scores(&outputs))
    }
}

impl Predictor for Graph<'_> {
    fn n_features(&self) -> usize {
        self.space.width()
    }

    fn n_outputs(&self) -> usize {
        self.outputs
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        let inputs = self.space.decode(rows)?;
        let outputs = self.sessions.run(inputs, self.cancel)?;
        Ok(self.roles.scores(&outputs))
    }
}
