//! The methods for tables: trees by their leaves, any model by asking it.

use desk_core::{Cancel, NoProgress, Predictor, ProgressSink};

use super::choose::Choice;
use crate::error::ExplainError;
use crate::exact::{self, RowShares};
use crate::explanation::{Cube, Explanation, Interactions, LimeDetail};
use crate::game::{Effort, Game, Meter, RowGame};
use crate::input::{FeatureInfo, Table};
use crate::kept::{FinishedRow, Kept};
use crate::kernel;
use crate::lime::{self, Around};
use crate::moves::{self, BackgroundError, Spread};
use crate::occlusion;
use crate::owen::{self, OwenDetail};
use crate::permutation;
use crate::players::Players;
use crate::request::{ExplainRequest, Method};
use crate::trees::predict::EnsemblePredictor;
use crate::trees::{self, predict};

/// What a method that asks the model gives one row.
fn row_shares(
    game: &mut Game<'_>,
    one: &RowGame<'_>,
    (method, owen): (Method, Option<&OwenDetail>),
    effort: Effort,
    meter: &mut Meter<'_>,
) -> Result<RowShares, ExplainError> {
    match method {
        Method::Exact if one.players.len() > exact::MAX_PLAYERS => {
            let found = one.players.len();
            Err(ExplainError::TooManyFeatures { row: one.index + 1, found, limit: exact::MAX_PLAYERS })
        }
        Method::Exact => exact::shares(game, one, meter),
        Method::Permutation => permutation::shares(game, one, effort, meter),
        Method::Owen => owen::shares(game, one, owen, effort, meter),
        _ => kernel::shares(game, one, effort, meter),
    }
}

/// What every method needs.
pub(super) struct Work<'a> {
    pub rows: Table<'a>,
    pub background: Table<'a>,
    pub features: &'a [FeatureInfo],
    pub players: &'a Players,
    pub request: &'a ExplainRequest,
    pub outputs: &'a [usize],
    pub cancel: &'a Cancel,
    pub sink: &'a dyn ProgressSink,
    pub kept: &'a dyn Kept,
}

impl Work<'_> {
    /// By the trees' own leaves.
    pub fn tree(
        &self,
        ensemble: &desk_core::trees::TreeEnsemble,
        explanation: &mut Explanation,
    ) -> Result<(), ExplainError> {
        let columns = predict::columns(ensemble);
        let chosen: Vec<_> = self.outputs.iter().map(|output| columns[*output]).collect();
        let own = EnsemblePredictor::new(ensemble)?;
        let pick = |rows: &[f64]| -> Result<Vec<Vec<f64>>, ExplainError> {
            let raw = own.raw_until(rows, self.cancel)?;
            let answers = raw.chunks_exact(own.n_outputs());
            Ok(answers.map(|answer| self.outputs.iter().map(|output| answer[*output]).collect()).collect())
        };
        explanation.predictions = pick(self.rows.rows)?;
        let (rows, background, interactions) = (self.rows, self.background, self.request.interactions);
        if interactions {
            trees::interact::check(ensemble, self.players, rows.len(), chosen.len())?;
        }
        let players = self.players;
        let asked = trees::Asked { ensemble, players, columns: &chosen, rows, background, way: None, interactions };
        let keep = |explanation: &mut Explanation, found: trees::Found| {
            explanation.values = found.values;
            explanation.interactions = found.interactions.map(|values| Interactions::new(players.count(), values));
        };
        if explanation.method == Method::Tree {
            let of_background = pick(background.rows)?;
            let mean = |k: usize| of_background.iter().map(|row| row[k]).sum::<f64>() / background.len() as f64;
            explanation.base_values = (0..chosen.len()).map(mean).collect();
            keep(explanation, asked.interventional(self.cancel, self.sink)?);
            explanation.background_error = self.moves(&asked, &of_background)?;
            return Ok(());
        }
        let (found, reached) = asked.path_dependent(self.cancel, self.sink)?;
        keep(explanation, found);
        explanation.base_values = reached.base_values;
        let rows = desk_core::counted(background.len() as u64, "background row");
        let covers = format!("; the model's file holds no covers, so they were counted from {rows}");
        explanation.method_reason.push_str(&covers);
        if reached.unreached > 0 {
            explanation.warnings.push(format!(
                "{} of {} leaves are reached by none of the rows that covers were counted from ({rows}); where a split \
                 saw no row, both ways count one half",
                reached.unreached, reached.leaves
            ));
        }
        Ok(())
    }

    /// How far the values of trees would move with another background; `answers` are those to its rows.
    fn moves(&self, asked: &trees::Asked<'_>, answers: &[Vec<f64>]) -> Result<Option<BackgroundError>, ExplainError> {
        let Some(parts) = moves::parts(self.background) else { return Ok(None) };
        let width = self.rows.n_features;
        let rows = Table::new(&self.rows.rows[..self.rows.len().min(moves::ROWS) * width], width);
        let mut values = Cube::zeros(rows.len(), self.players.count(), self.outputs.len());
        let mut spread = Spread::new(values.as_slice().len());
        for part in &parts {
            let asked = trees::Asked { rows, background: Table::new(part, width), interactions: false, ..*asked };
            spread.add(asked.interventional(self.cancel, &NoProgress)?.values.as_slice());
        }
        values.as_mut_slice().copy_from_slice(&spread.errors());
        let mut base = Spread::new(self.outputs.len());
        for answer in answers {
            base.add(answer);
        }
        Ok(Some(BackgroundError { base: base.errors(), values }))
    }

    /// By asking the model.
    pub fn agnostic(
        &self,
        predictor: &mut dyn Predictor,
        choice: &Choice,
        explanation: &mut Explanation,
    ) -> Result<(), ExplainError> {
        let mut game = Game::new(predictor, self.background, self.outputs, self.cancel);
        if choice.method == Method::Occlusion {
            occlusion::explain(&mut game, self.rows, self.features, &self.request.windows, explanation, self.sink)?;
            explanation
                .method_reason
                .push_str("; covered is what takes the background's mean, of categories the most frequent");
            explanation.model_rows += game.model_rows;
            return Ok(());
        }
        let shared_out = choice.method != Method::Lime;
        game.look_at_parts(if shared_out { moves::parts_of(self.background, self.outputs.len()) } else { 0 });
        let (base, base_errors) = game.base()?;
        let width = game.width();
        explanation.base_values = base[..width].to_vec();
        let full = game.predict(self.rows.rows, |r| format!("row {}", r + 1))?;
        explanation.predictions = full.chunks_exact(width).map(<[f64]>::to_vec).collect();
        if shared_out {
            self.shapley(&mut game, choice.method, (&base, base_errors), explanation)?;
        } else {
            self.lime(&mut game, explanation)?;
        }
        explanation.model_rows += game.model_rows;
        Ok(())
    }

    /// `base` has a number for each of the game's columns, with the errors of those of the outputs.
    fn shapley(
        &self,
        game: &mut Game<'_>,
        method: Method,
        (base, base_errors): (&[f64], Vec<f64>),
        explanation: &mut Explanation,
    ) -> Result<(), ExplainError> {
        let (rows, players, width) = explanation.values.shape();
        let budget = self.request.samples.unwrap_or(2048 + 2 * players);
        let effort = Effort { budget, seed: self.request.seed, max_std_error: self.request.max_std_error };
        let per_row = if method == Method::Exact { 1 << players.min(exact::MAX_PLAYERS) } else { budget as u64 };
        let mut meter = Meter::new(self.sink, "Explaining", "coalitions", per_row * rows as u64);
        let mut errors = Cube::zeros(rows, players, width);
        let mut moved = (base.len() > width).then(|| Cube::zeros(rows.min(moves::ROWS), players, width));
        let mut sampled = false;
        let owen = explanation.owen.clone();
        for index in 0..rows {
            if index == moves::ROWS {
                game.look_at_parts(0);
            }
            let row = self.rows.row(index);
            let players = self.players.varying(row, self.background);
            let columns = game.columns();
            let full: Vec<f64> = explanation.predictions[index].iter().copied().cycle().take(columns).collect();
            let one = RowGame { index, row, players, all: self.players, base: &base[..columns], full: &full };
            let known = self.kept.known(row);
            let before = known.as_ref().map_or(0, |known| known.model_rows);
            let known = known.and_then(|known| known.shares(one.players.len() * width));
            let shares = if let Some(shares) = known.filter(|known| columns == width || known.moves.is_some()) {
                explanation.model_rows += before;
                shares
            } else {
                let asked = game.model_rows;
                let shares = row_shares(game, &one, (method, owen.as_ref()), effort, &mut meter)?;
                let shares = shares.apart(width, columns);
                self.kept.keep(row, FinishedRow::of_shares(&shares, game.model_rows - asked));
                shares
            };
            sampled |= shares.errors.is_some();
            put(&one.players, &shares.values, width, explanation.values.row_mut(index));
            if let Some(found) = &shares.errors {
                put(&one.players, found, width, errors.row_mut(index));
            }
            if let (Some(found), Some(moved)) = (&shares.moves, moved.as_mut().filter(|_| index < moves::ROWS)) {
                put(&one.players, found, width, moved.row_mut(index));
            }
            if let Some(note) = shares.note.filter(|note| !explanation.warnings.contains(note)) {
                explanation.warnings.push(note);
            }
            meter.set(per_row * (index as u64 + 1));
        }
        explanation.exact = !sampled;
        explanation.std_error = sampled.then_some(errors);
        explanation.background_error = moved.map(|values| BackgroundError { base: base_errors, values });
        Ok(())
    }

    fn lime(&self, game: &mut Game<'_>, explanation: &mut Explanation) -> Result<(), ExplainError> {
        let (rows, features, width) = explanation.values.shape();
        let (options, seed) = (&self.request.lime, self.request.seed);
        let samples = self.request.samples.unwrap_or_else(|| lime::usual_samples(options));
        if samples < 2 {
            return Err(ExplainError::BadRequest("LIME needs at least 2 samples".to_owned()));
        }
        let lime = Around::new(game, self.features, options, samples, seed);
        if options.parts.is_some() && self.rows.rows.iter().any(|x| *x != 1.0) {
            let why = "a row that LIME takes parts away from has all of them: a row of ones";
            return Err(ExplainError::BadRequest(why.to_owned()));
        }
        let mut meter =
            Meter::new(self.sink, "Explaining", "perturbed rows", (rows * samples * options.repeats) as u64);
        let mut errors = Cube::zeros(rows, features, width);
        let mut r2 = Vec::with_capacity(rows);
        let mut detail = LimeDetail {
            kernel_width: lime.kernel_width(),
            discretized: options.discretize && options.parts.is_none(),
            parts: options.parts,
            samples,
            repeats: options.repeats,
            intercepts: Vec::with_capacity(rows),
            local_predictions: Vec::with_capacity(rows),
            conditions: Vec::with_capacity(rows),
        };
        for index in 0..rows {
            let row = self.rows.row(index);
            let known = self.kept.known(row);
            let before = known.as_ref().map_or(0, |known| known.model_rows);
            let one = if let Some(one) = known.and_then(|known| known.lime(features * width, width)) {
                explanation.model_rows += before;
                one
            } else {
                let asked = game.model_rows;
                let one = lime.explain(game, index, row, &mut meter)?;
                self.kept.keep(row, FinishedRow::of_lime(&one, game.model_rows - asked));
                one
            };
            meter.set(((index + 1) * samples * options.repeats) as u64);
            explanation.values.row_mut(index).copy_from_slice(&one.values);
            if let Some(found) = &one.errors {
                errors.row_mut(index).copy_from_slice(found);
            }
            detail.intercepts.push(one.intercepts);
            detail.local_predictions.push(one.local_predictions);
            detail.conditions.push(one.conditions);
            r2.push(one.r2);
        }
        explanation.std_error = (options.repeats > 1).then_some(errors);
        explanation.r2 = Some(r2);
        explanation.lime = Some(detail);
        Ok(())
    }
}

/// Puts numbers of some players, players x outputs, among those of all.
fn put(players: &[usize], found: &[f64], outputs: usize, all: &mut [f64]) {
    for (player, found) in players.iter().zip(found.chunks_exact(outputs)) {
        all[player * outputs..(player + 1) * outputs].copy_from_slice(found);
    }
}
