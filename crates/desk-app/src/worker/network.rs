//! Explanations from gradients: the backward graph of the model as a function of the feature table.

use desk_core::{Cancel, ElementType, Fault, NamedTensor, Predictor, Tensor, TensorData};
use desk_data::FeatureSpace;
use desk_explain::{
    ExplainError, ExplainRequest, Explanation, FeatureInfo, GradientModel, Gradients, Method, Pass, Space, Table,
};
use desk_grad::{Gradient, Side};
use desk_jobs::JobContext;
use desk_runtime::ModelSession;

use super::protocol::ModelFiles;
use super::sessions::{Sessions, run_fixed};

/// Rows on which the two graphs are compared.
const COMPARED: usize = 64;
/// Answers that are nearer than this part of their size are the same.
const ALIKE: f64 = 1e-3;

/// What is known of the model when its gradients are asked for.
pub struct Asked<'a> {
    /// The version.
    pub model: &'a ModelFiles,
    /// Its features.
    pub space: &'a FeatureSpace,
    /// The same for the engine.
    pub features: &'a [FeatureInfo],
    /// Rows in each call, where the model fixes them.
    pub fixed: Option<usize>,
    /// The output with the scores.
    pub output: &'a str,
    /// Columns of the scores, as they are shown.
    pub columns: usize,
    /// Two classes are shown and the model gives the second's score alone.
    pub one_for_two: bool,
    /// Names of the columns.
    pub names: &'a [String],
}

impl Asked<'_> {
    /// Explains rows; `plain` is the model as it is.
    pub fn explain(
        &self,
        sessions: &Sessions,
        plain: &mut dyn Predictor,
        (rows, background): (&[f64], &[f64]),
        wanted: &ExplainRequest,
        ctx: &JobContext,
    ) -> Result<Explanation, Fault> {
        self.with_network(sessions, wanted, ctx, |network| {
            let (built, width) = (network.built, self.space.width());
            let model = GradientModel {
                gradients: &mut *network,
                output_names: self.names,
                space: if built.before.is_some() { Space::Raw } else { Space::Probability },
                before: built.before.clone(),
                unseen: built.steps.clone(),
            };
            let (rows_of, table) = (Table::new(rows, width), Table::new(background, width));
            let mut explanation =
                desk_explain::explain_gradients(model, rows_of, table, self.features, wanted, &ctx.cancel, ctx)?;
            let some = &rows[..rows_of.len().min(COMPARED) * width];
            let difference = compare(network, plain, some)?;
            tell(&mut explanation, built, wanted.method, difference);
            Ok(explanation)
        })
    }

    /// Does something with the function that is differentiated: the scores, or the answers where those are asked for.
    pub fn with_scores<T>(
        &self,
        sessions: &Sessions,
        wanted: &ExplainRequest,
        ctx: &JobContext,
        what: impl FnOnce(&mut dyn Predictor) -> Result<T, ExplainError>,
    ) -> Result<T, Fault> {
        self.with_network(sessions, wanted, ctx, |network| Ok(what(&mut Scores(network))?))
    }

    fn with_network<T>(
        &self,
        sessions: &Sessions,
        wanted: &ExplainRequest,
        ctx: &JobContext,
        what: impl FnOnce(&mut Network<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let side = if wanted.space == Some(Space::Probability) { Side::Answers } else { Side::Scores };
        let found = sessions.gradients(self.model, self.output, side, wanted.method, wanted.layer.as_deref())?;
        self.refuse_flat(&found.built)?;
        let mut session = found.pool.get(&ctx.cancel)?;
        let built = &found.built;
        what(&mut Network {
            session: &mut session,
            built,
            space: self.space,
            fixed: self.fixed,
            made: self.columns_of(built),
            cancel: &ctx.cancel,
        })
    }

    /// Along categories and whole numbers there is no slope.
    fn refuse_flat(&self, built: &Gradient) -> Result<(), Fault> {
        let flat =
            |feature: usize| self.space.input_of(feature).is_some_and(|input| built.others.iter().any(|o| o == input));
        match (0..self.space.width()).find(|feature| flat(*feature)) {
            Some(feature) => Err(ExplainError::NoSlope { feature: self.features[feature].name.clone() }.into()),
            None => Ok(()),
        }
    }

    /// How each shown column is made of the differentiated value.
    fn columns_of(&self, built: &Gradient) -> Vec<Made> {
        if let Some(columns) = &built.columns {
            return columns.iter().map(|column| Made { from: column.from, sign: column.sign, offset: 0.0 }).collect();
        }
        if self.one_for_two {
            // Of probabilities the first is what is left of 1, of scores the second turned round.
            let offset = if built.before.is_some() { 0.0 } else { 1.0 };
            return vec![Made { from: 0, sign: -1.0, offset }, Made { from: 0, sign: 1.0, offset: 0.0 }];
        }
        (0..self.columns).map(|from| Made { from, sign: 1.0, offset: 0.0 }).collect()
    }
}

/// What to know of an explanation by the built model, which differs from the model's answers by so much.
fn tell(explanation: &mut Explanation, built: &Gradient, method: Method, difference: f64) {
    if difference > ALIKE {
        explanation
            .warnings
            .push(format!("What was differentiated differs from the model's answers by up to {difference:.2e}"));
    }
    if method == Method::Guided && built.rectifiers == 0 {
        let warning = "There is no rectifier on the way, so this is the gradient and nothing was guided";
        explanation.warnings.push(warning.to_owned());
    }
    if let (Some(layer), Some(detail)) = (&built.layer, &mut explanation.gradient) {
        let at = format!("; the layer is {layer}");
        explanation.method_reason.push_str(&at);
        detail.layer = Some(layer.clone());
    }
    explanation.graph_difference = Some(difference);
}

/// The built model forward alone.
struct Scores<'a, 'n>(&'a mut Network<'n>);

impl Predictor for Scores<'_, '_> {
    fn n_features(&self) -> usize {
        self.0.space.width()
    }

    fn n_outputs(&self) -> usize {
        self.0.made.len()
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        let seeds = rows.len() / self.n_features().max(1) * self.n_outputs();
        Ok(self.0.forward_backward(rows, &vec![0.0; seeds])?.values)
    }
}

/// A shown column: offset + sign * value.
struct Made {
    from: usize,
    sign: f64,
    offset: f64,
}

/// The built model.
struct Network<'a> {
    session: &'a mut ModelSession,
    built: &'a Gradient,
    space: &'a FeatureSpace,
    fixed: Option<usize>,
    made: Vec<Made>,
    cancel: &'a Cancel,
}

impl Network<'_> {
    /// Columns of the differentiated value.
    fn width(&self) -> usize {
        self.made.iter().map(|made| made.from + 1).max().unwrap_or(0)
    }

    /// The seed as the model takes it: in its own columns and its own type.
    fn seed(&self, seed: &[f64]) -> Result<NamedTensor, Fault> {
        let (shown, width) = (self.made.len(), self.width());
        let mut weights = vec![0.0; seed.len() / shown.max(1) * width];
        for (row, seed) in weights.chunks_mut(width.max(1)).zip(seed.chunks(shown.max(1))) {
            for (made, weight) in self.made.iter().zip(seed) {
                row[made.from] += made.sign * weight;
            }
        }
        let shape = vec![weights.len() / width.max(1), width];
        let declared = self.session.signature().inputs.iter().find(|input| input.name == self.built.seed);
        let element = declared.and_then(|input| input.value_type.as_tensor()).map(|(element, _)| element);
        let data = match element {
            Some(ElementType::Float64) => TensorData::Float64(weights),
            Some(ElementType::Float16) => {
                return Err(Fault::input(
                    "gradients of a model of half-precision numbers are too coarse to explain with",
                )
                .hint("Methods that need no gradient explain every model: kernel, permutation, lime"));
            }
            _ => TensorData::Float32(weights.into_iter().map(|weight| weight as f32).collect()),
        };
        let tensor =
            Tensor::new(shape, data).map_err(|error| Fault::bug("a seed has no shape").detail(error.to_string()))?;
        Ok(NamedTensor::new(&self.built.seed, tensor))
    }
}

impl Gradients for Network<'_> {
    fn n_features(&self) -> usize {
        self.space.width()
    }

    fn n_outputs(&self) -> usize {
        self.made.len()
    }

    fn forward_backward(&mut self, rows: &[f64], seed: &[f64]) -> Result<Pass, Fault> {
        // A graph that wants references answers without them too: its value does not depend on them.
        self.run(rows, rows, seed)
    }

    fn multipliers(&mut self, rows: &[f64], references: &[f64], seed: &[f64]) -> Result<Pass, Fault> {
        self.run(rows, references, seed)
    }
}

impl Network<'_> {
    /// Forward and back; `references` are used where the graph was built for them.
    fn run(&mut self, rows: &[f64], references: &[f64], seed: &[f64]) -> Result<Pass, Fault> {
        let wanted = |name: &str| self.session.signature().inputs.iter().any(|input| input.name == name);
        let mut inputs = self.space.decode(rows)?;
        if !self.built.references.is_empty() {
            for mut reference in self.space.decode(references)? {
                let of = self.built.references.iter().find(|of| of.input == reference.name);
                if let Some(of) = of {
                    reference.name.clone_from(&of.reference);
                    inputs.push(reference);
                }
            }
        }
        inputs.retain(|input| wanted(&input.name));
        inputs.push(self.seed(seed)?);
        let outputs = match self.fixed {
            Some(batch) => run_fixed(self.session, &inputs, batch, self.cancel)?,
            None => self.session.run(inputs, self.cancel)?,
        };
        let find = |name: &str| {
            let found = outputs.iter().find(|output| output.name == name);
            found.ok_or_else(|| Fault::bug("the backward graph lacks an output"))
        };
        let value = find(&self.built.value)?.tensor.data.to_f64().unwrap_or_default();
        let count = rows.len() / self.space.width().max(1);
        if value.len() != count * self.width() {
            return Err(Fault::input(format!("the model gives {} scores for {count} rows", value.len()))
                .hint("Methods that need no gradient explain every model: kernel, permutation, lime"));
        }
        let mut gradients = Vec::with_capacity(self.built.gradients.len());
        for of in &self.built.gradients {
            gradients.push(NamedTensor::new(&of.input, find(&of.output)?.tensor.clone()));
        }
        let shown = |row: &[f64]| -> Vec<f64> {
            self.made.iter().map(|made| made.offset + made.sign * row[made.from]).collect()
        };
        Ok(Pass {
            values: value.chunks(self.width().max(1)).flat_map(shown).collect(),
            gradients: self.space.gather(&gradients)?,
        })
    }
}

/// The largest difference between what was differentiated, with its activation, and what the model answers.
fn compare(network: &mut Network<'_>, plain: &mut dyn Predictor, rows: &[f64]) -> Result<f64, Fault> {
    let shown = network.made.len();
    let count = rows.len() / network.space.width().max(1);
    let mut values = network.forward_backward(rows, &vec![0.0; count * shown])?.values;
    for row in values.chunks_mut(shown.max(1)) {
        activate(row, network.built.before.as_deref());
    }
    let answers = plain.predict(rows)?;
    let pairs = values.iter().zip(&answers);
    let size = answers.iter().fold(1.0f64, |most, answer| most.max(answer.abs()));
    Ok(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / size)
}

/// One row's scores through the activation that was left out.
fn activate(row: &mut [f64], before: Option<&str>) {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = row.iter().map(|score| (score - top).exp()).sum();
    let of = |score: f64| match before {
        Some("Softmax") => (score - top).exp() / sum,
        Some("LogSoftmax") => score - top - sum.ln(),
        Some("Sigmoid") => 1.0 / (1.0 + (-score).exp()),
        _ => score,
    };
    for score in row {
        *score = of(*score);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_become_answers() {
        let mut row = [1000.0, 1000.0];
        activate(&mut row, Some("Softmax"));
        assert_eq!(row, [0.5, 0.5]);
        let mut row = [0.0, -800.0];
        activate(&mut row, Some("Sigmoid"));
        assert_eq!(row, [0.5, 0.0]);
        let mut row = [3.0];
        activate(&mut row, None);
        assert_eq!(row, [3.0]);
    }
}
