//! The model with what it takes to explain rows of it, as often as needed.

use std::cell::OnceCell;

use desk_core::linear::LinearModel;
use desk_core::trees::TreeEnsemble;
use desk_core::{Fault, Predictor};
use desk_data::FeatureSpace;
use desk_explain::quality::explains;
use desk_explain::{
    EnsemblePredictor, ExplainError, ExplainRequest, Explanation, FeatureInfo, Kept, LinearSums, Model, NotKept, Table,
    explain_kept,
};
use desk_jobs::JobContext;

use super::function::Graph;
use super::kept::Finished;
use super::network::Asked;
use super::protocol::ModelFiles;
use super::sessions::Sessions;

/// A model, its features and a background.
pub struct Engine<'a, 'g> {
    /// Sessions of backward graphs.
    pub sessions: &'a Sessions,
    /// The version.
    pub model: &'a ModelFiles,
    /// Its features.
    pub space: &'a FeatureSpace,
    /// The same for the engine.
    pub features: &'a [FeatureInfo],
    /// Rows in each call, where the model fixes them.
    pub fixed: Option<usize>,
    /// The model as it answers.
    pub graph: &'a mut Graph<'g>,
    /// Its trees, where it is one ensemble.
    pub trees: Option<&'a TreeEnsemble>,
    /// Its weights, where it is linear; read when they are first needed.
    pub linear: OnceCell<Option<LinearModel>>,
    /// Names of its outputs.
    pub names: &'a [String],
    /// Rows that stand for "no information".
    pub background: &'a [f64],
    /// Cancel and progress.
    pub ctx: &'a JobContext,
    /// Rows that were finished before, and those that are.
    pub kept: Option<&'a Finished<'a>>,
    /// Numbers of the rows that are explained, for errors.
    pub numbers: &'a [u64],
}

impl<'a> Engine<'a, '_> {
    /// The background as a table.
    pub fn background(&self) -> Table<'a> {
        Table::new(self.background, self.space.width())
    }

    /// Explains rows.
    pub fn explain(&mut self, table: &[f64], wanted: &ExplainRequest) -> Result<Explanation, Fault> {
        if wanted.method.needs_gradients() {
            let output = self.graph.output.clone();
            let asked = self.asked(&output);
            let explained = asked.explain(self.sessions, self.graph, (table, self.background), wanted, self.ctx);
            return Ok(explained?.numbered(self.numbers));
        }
        let (width, features, ctx) = (self.space.width(), self.features, self.ctx);
        let (rows, background) = (Table::new(table, width), Table::new(self.background, width));
        let linear = weights(&self.linear, self.model, &*self.graph, self.trees);
        let model = Model { trees: self.trees, linear, predictor: self.graph, output_names: self.names };
        let kept: &dyn Kept = match self.kept {
            Some(kept) => kept,
            None => &NotKept,
        };
        let explained = explain_kept(model, (rows, background), features, wanted, (&ctx.cancel, ctx), kept);
        Ok(explained.map_err(|error| error.numbered(self.numbers))?.numbered(self.numbers))
    }

    /// Does something with the function that an explanation is of: raw scores of trees, the sums of a linear model, scores
    /// before a network's last step, or what the graph answers. None where none of them answers the rows as it says.
    pub fn with_function<T>(
        &mut self,
        (table, explanation): (&[f64], &Explanation),
        wanted: &ExplainRequest,
        what: impl FnOnce(&mut dyn Predictor) -> Result<T, ExplainError>,
    ) -> Result<Option<T>, Fault> {
        let rows = Table::new(table, self.space.width());
        if wanted.method.needs_gradients() {
            let output = self.graph.output.clone();
            return self.asked(&output).with_scores(self.sessions, wanted, self.ctx, |scores| {
                let same = explains(scores, explanation, rows)?;
                Ok(if same { Some(what(scores)?) } else { None })
            });
        }
        if let Some(mut own) = self.trees.and_then(|ensemble| EnsemblePredictor::new(ensemble).ok())
            && explains(&mut own, explanation, rows)?
        {
            return Ok(Some(what(&mut own)?));
        }
        let outputs = self.graph.outputs;
        let linear = weights(&self.linear, self.model, &*self.graph, self.trees);
        if let Some(mut sums) = linear.and_then(|model| LinearSums::of(model, outputs))
            && explains(&mut sums, explanation, rows)?
        {
            return Ok(Some(what(&mut sums)?));
        }
        let same = explains(self.graph, explanation, rows)?;
        Ok(if same { Some(what(self.graph)?) } else { None })
    }

    /// What is asked of the backward graph of an output.
    fn asked<'b>(&self, output: &'b str) -> Asked<'b>
    where
        'a: 'b,
    {
        Asked {
            model: self.model,
            space: self.space,
            features: self.features,
            fixed: self.fixed,
            output,
            columns: self.graph.outputs,
            one_for_two: self.graph.one_for_two,
            names: self.names,
        }
    }
}

/// The weights of a linear model, none of trees.
fn weights<'k>(
    known: &'k OnceCell<Option<LinearModel>>,
    model: &ModelFiles,
    graph: &Graph<'_>,
    trees: Option<&TreeEnsemble>,
) -> Option<&'k LinearModel> {
    let read = || match trees {
        None => desk_import::extract_linear(&model.entry, &graph.output, graph.n_features()).unwrap_or_default(),
        Some(_) => None,
    };
    known.get_or_init(read).as_ref()
}
