//! What shuffling a feature does to the answers of a tree ensemble, without asking all of it again.
//!
//! A row's leaf in a tree depends on a feature only where a split on the way to it asks for that feature; where the shuffled
//! value leads elsewhere from the topmost such split, the walk goes on from there. The rest of the sum stays as it was. Sums are in float64;
//! rows whose leaves all stay lose exactly nothing.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use desk_core::cancel::Cancelled;
use desk_core::trees::{Aggregate, Node, TreeEnsemble};
use desk_core::{Cancel, ProgressSink};
use rayon::prelude::*;

use super::importance::{FeatureImportance, Shuffles, Tally, Together, Walked, lend};
use super::row_with;
use super::score::Judge;
use crate::error::ExplainError;
use crate::game::Meter;
use crate::input::Table;
use crate::trees::answers::Answers;
use crate::trees::predict::{Column, EnsemblePredictor};
use crate::trees::score::{BLOCK, Steps, Way};

/// Largest difference between trees and graph that is rounding, relative to the answers' size.
const AGREEMENT: f64 = 1e-3;
/// Ways that are gone side by side.
const TOGETHER: usize = 32;
/// Losses that are held at once: 256 MiB of float64.
const HELD: usize = 1 << 25;

/// An ensemble that answers as the model does, and what it gives for the rows as they are.
pub(super) struct Walks<'a> {
    ensemble: &'a TreeEnsemble,
    own: EnsemblePredictor<'a>,
    answers: Answers,
    /// Of each tree the parent of each node.
    parents: Vec<Vec<u32>>,
    rows: Table<'a>,
    /// Raw scores, rows x columns.
    raw: Vec<f64>,
    /// Walks that were made.
    walked: AtomicU64,
}

/// Memory of one block of rows.
struct Scratch {
    /// The rows' features, features x rows.
    columns: Vec<f32>,
    /// What takes a feature's place, features of the group x repeats x rows.
    shuffled: Vec<f32>,
    /// What is added to the sums, features of the group x repeats x rows x outputs of the ensemble.
    added: Vec<f64>,
    /// Of each feature the walk that it was last met on, counted from 1, and its place in `path`.
    met: Vec<(u64, usize)>,
    /// Features of the group on the way to a leaf.
    path: Vec<Met>,
    /// Ways down a tree that are gone again.
    ways: Vec<Way>,
    /// The raw scores of a row.
    raw: Vec<f64>,
}

/// A feature on the way to a leaf.
#[derive(Debug, Clone, Copy)]
struct Met {
    feature: u32,
    /// The topmost split that asks for it.
    split: u32,
    /// Where the way leads from there.
    toward: u32,
    /// No other split on the way asks for it.
    once: bool,
}

impl<'a> Walks<'a> {
    /// The ensemble, where its answers to all rows are those of the model (`answers`, rows x outputs) but for rounding.
    pub fn of(
        ensemble: &'a TreeEnsemble,
        rows: Table<'a>,
        answers: &[f64],
        cancel: &Cancel,
    ) -> Result<Option<Self>, Cancelled> {
        let sum = matches!(ensemble.aggregate, Aggregate::Sum | Aggregate::Average) && !ensemble.trees.is_empty();
        let Ok(own) = EnsemblePredictor::new(ensemble) else { return Ok(None) };
        if !sum || ensemble.n_features as usize != rows.n_features {
            return Ok(None);
        }
        let raw = own.raw_until(rows.rows, cancel)?;
        let all = Answers::new(ensemble);
        let (columns, outputs) = (own.columns().len(), answers.len() / rows.len());
        for (raw, graph) in raw.chunks_exact(columns).zip(answers.chunks_exact(outputs)) {
            let Some(found) = all.of(raw).filter(|found| found.len() == outputs) else { return Ok(None) };
            if found.iter().zip(graph).any(|(a, b)| (a - b).abs() > AGREEMENT * b.abs().max(1.0)) {
                return Ok(None);
            }
        }
        let parents = ensemble.trees.iter().map(|tree| parents(&tree.nodes)).collect();
        Ok(Some(Self { ensemble, own, answers: all, parents, rows, raw, walked: AtomicU64::new(0) }))
    }

    /// What was walked, of all that there is for so many shuffles of whatever.
    pub fn walked(&self, shuffles: usize) -> Walked {
        let all = (self.rows.len() * shuffles) as u64 * self.ensemble.trees.len() as u64;
        Walked { again: self.walked.load(Ordering::Relaxed), all }
    }

    /// The importance of every feature and group.
    pub fn importances(
        &self,
        (row_numbers, together): (&[u64], &[Together]),
        (judge, shuffles): (&Judge, &Shuffles),
        cancel: &Cancel,
        sink: &dyn ProgressSink,
    ) -> Result<Vec<FeatureImportance>, ExplainError> {
        let (n, repeats) = (self.rows.len(), shuffles.lenders.len());
        let runs = runs(together, (HELD / (repeats * n).max(1)).max(1));
        let meter = Mutex::new(Meter::new(sink, "Shuffling", "rows", (n * runs.len()) as u64));
        let done = |rows: usize| meter.lock().unwrap_or_else(PoisonError::into_inner).add(rows as u64);
        let plain = self.scores(judge);
        let mut found = Vec::with_capacity(together.len());
        for run in runs {
            let (judged, names) = ((judge, plain.as_slice(), shuffles), (row_numbers, run));
            match run {
                [group] if group.columns.len() > 1 => {
                    found.push(self.of_group(row_numbers, group, judged, cancel)?);
                    done(n);
                }
                singles => found.extend(self.of_singles(names, singles[0].columns[0], judged, cancel, &done)?),
            }
        }
        Ok(found)
    }

    /// The importances of features whose columns lie side by side, from `first` on.
    fn of_singles(
        &self,
        (row_numbers, singles): (&[u64], &[Together]),
        first: usize,
        judged: (&Judge, &[f64], &Shuffles),
        cancel: &Cancel,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Vec<FeatureImportance>, ExplainError> {
        let (n, lenders) = (self.rows.len(), &judged.2.lenders);
        let group = first..first + singles.len();
        let blocks = self.losses((row_numbers, singles), group.clone(), judged, cancel, done)?;
        let mut found = Vec::with_capacity(singles.len());
        for (at, single) in singles.iter().enumerate() {
            let mut tally = Tally::new(n);
            for (repeat, lender) in lenders.iter().enumerate() {
                let of_block = |block: &'_ Vec<f64>| {
                    let rows = block.len() / (group.len() * lenders.len());
                    let from = (at * lenders.len() + repeat) * rows;
                    block[from..from + rows].to_vec()
                };
                tally.add(lender, blocks.iter().flat_map(of_block));
            }
            found.push(tally.end(single.columns[0], &single.name));
        }
        Ok(found)
    }

    /// The importance of columns that are shuffled together: every tree is walked for every row.
    fn of_group(
        &self,
        row_numbers: &[u64],
        group: &Together,
        (judge, plain, shuffles): (&Judge, &[f64], &Shuffles),
        cancel: &Cancel,
    ) -> Result<FeatureImportance, ExplainError> {
        let n = self.rows.len();
        let mut tally = Tally::new(n);
        let mut shuffled = self.rows.rows.to_vec();
        for lender in &shuffles.lenders {
            lend(self.rows, &group.columns, lender, &mut shuffled);
            let raw = self.own.raw_until(&shuffled, cancel)?;
            let mut losses = Vec::with_capacity(n);
            for (row, raw) in raw.chunks_exact(self.own.columns().len()).enumerate() {
                let answer = self.answers.of(raw).unwrap_or_default();
                if let Some(output) = answer.iter().position(|value| !value.is_finite()) {
                    let place = row_with(row_numbers, row, &group.name, "of another row");
                    return Err(ExplainError::NotFinite { value: answer[output], place, output });
                }
                losses.push(plain[row] - judge.of(row, &answer));
            }
            tally.add(lender, losses);
            self.walked.fetch_add((n * self.ensemble.trees.len()) as u64, Ordering::Relaxed);
        }
        Ok(tally.end(group.columns[0], &group.name))
    }

    /// The score of each row by the trees.
    fn scores(&self, judge: &Judge) -> Vec<f64> {
        let raw = self.raw.chunks_exact(self.own.columns().len());
        raw.enumerate().map(|(row, raw)| judge.of(row, &self.answers.of(raw).unwrap_or_default())).collect()
    }

    /// What each row loses of its score `plain` by each shuffle of some features: for each block of rows, features x
    /// repeats x rows of the block. `done` hears of finished rows.
    fn losses(
        &self,
        (row_numbers, singles): (&[u64], &[Together]),
        group: Range<usize>,
        (judge, plain, shuffles): (&Judge, &[f64], &Shuffles),
        cancel: &Cancel,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Vec<Vec<f64>>, ExplainError> {
        let (n, repeats) = (self.rows.len(), shuffles.lenders.len());
        let count = group.len() * repeats;
        let blocks: Vec<usize> = (0..n).step_by(BLOCK).collect();
        let scratch = || Scratch {
            columns: vec![0.0; self.rows.n_features * BLOCK],
            shuffled: vec![0.0; count * BLOCK],
            added: Vec::new(),
            met: vec![(0, 0); self.rows.n_features],
            path: Vec::new(),
            ways: Vec::new(),
            raw: Vec::new(),
        };
        let block = |scratch: &mut Scratch, from: usize| {
            let rows = from..(from + BLOCK).min(n);
            scratch.fill(self.rows, rows.clone(), &group, shuffles);
            self.walk(scratch, rows.len(), &group, repeats, cancel)?;
            let outputs = self.ensemble.n_outputs as usize;
            let mut losses = Vec::with_capacity(count * rows.len());
            for (at, added) in scratch.added.chunks_exact(BLOCK * outputs).enumerate() {
                for (row, added) in rows.clone().zip(added.chunks_exact(outputs)) {
                    let loss = self.score(row, added, judge, &mut scratch.raw).map_err(|(value, output)| {
                        let place = row_with(row_numbers, row, &singles[at / repeats].name, "of another row");
                        ExplainError::NotFinite { value, place, output }
                    })?;
                    losses.push(loss.map_or(0.0, |score| plain[row] - score));
                }
            }
            done(rows.len());
            Ok(losses)
        };
        blocks.into_par_iter().map_init(scratch, |scratch, from| block(scratch, from)).collect()
    }

    /// Adds up what changes in every tree.
    fn walk(
        &self,
        scratch: &mut Scratch,
        rows: usize,
        group: &Range<usize>,
        repeats: usize,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        let outputs = self.ensemble.n_outputs as usize;
        scratch.added.clear();
        scratch.added.resize(group.len() * repeats * BLOCK * outputs, 0.0);
        let (mut leaves, mut walks, mut walked) = ([0u32; BLOCK], 0, 0);
        scratch.met.fill((0, 0));
        for ((tree, steps), parents) in self.ensemble.trees.iter().zip(self.own.steps()).zip(&self.parents) {
            cancel.check()?;
            steps.leaves(&scratch.columns, BLOCK, &mut leaves[..rows]);
            for (row, leaf) in leaves[..rows].iter().enumerate() {
                walks += 1;
                scratch.climb(steps, parents, *leaf, group, walks);
                scratch.set_out(steps, (row, *leaf), group.start, repeats);
            }
            walked += scratch.ways.len() as u64;
            for ways in scratch.ways.chunks_mut(TOGETHER) {
                steps.finish(&scratch.columns, ways);
                for way in ways.iter().filter(|way| way.at != way.leaf) {
                    let added = &mut scratch.added[way.place as usize * outputs..][..outputs];
                    add(added, &tree.nodes[way.leaf as usize], -1.0);
                    add(added, &tree.nodes[way.at as usize], 1.0);
                }
            }
            scratch.ways.clear();
        }
        self.walked.fetch_add(walked, Ordering::Relaxed);
        Ok(())
    }

    /// The score of a row with something added to its sums, none where that is nothing; or the answer that is no
    /// number, and its output.
    fn score(&self, row: usize, added: &[f64], judge: &Judge, raw: &mut Vec<f64>) -> Result<Option<f64>, (f64, usize)> {
        if added.iter().all(|added| *added == 0.0) {
            return Ok(None);
        }
        let columns = self.own.columns();
        let scale = if self.ensemble.aggregate == Aggregate::Average { self.ensemble.trees.len() as f64 } else { 1.0 };
        let sum = |(raw, column): (&f64, &Column)| raw + column.sign * added[column.output as usize] / scale;
        raw.clear();
        raw.extend(self.raw[row * columns.len()..].iter().zip(columns).map(sum));
        let answer = self.answers.of(raw).unwrap_or_default();
        match answer.iter().position(|value| !value.is_finite()) {
            Some(output) => Err((answer[output], output)),
            None => Ok(Some(judge.of(row, &answer))),
        }
    }
}

impl Scratch {
    fn fill(&mut self, table: Table<'_>, rows: Range<usize>, group: &Range<usize>, shuffles: &Shuffles) {
        for (at, row) in rows.clone().enumerate() {
            table.row(row).iter().enumerate().for_each(|(f, value)| self.columns[f * BLOCK + at] = *value as f32);
        }
        let pairs = group.clone().flat_map(|feature| shuffles.lenders.iter().map(move |lender| (feature, lender)));
        for ((feature, lender), cells) in pairs.zip(self.shuffled.chunks_exact_mut(BLOCK)) {
            for (cell, row) in cells.iter_mut().zip(rows.clone()) {
                *cell = table.row(lender[row])[feature] as f32;
            }
        }
    }

    /// Finds the features of the group on the way to a leaf; `walk` is the number of the way, from 1.
    fn climb(&mut self, steps: &Steps, parents: &[u32], leaf: u32, group: &Range<usize>, walk: u64) {
        self.path.clear();
        let mut at = leaf;
        while at != 0 {
            let toward = at;
            at = parents[at as usize];
            let feature = steps.feature(at);
            if !group.contains(&(feature as usize)) {
                continue;
            }
            let met = &mut self.met[feature as usize];
            if met.0 == walk {
                self.path[met.1] = Met { feature, split: at, toward, once: false };
            } else {
                *met = (walk, self.path.len());
                self.path.push(Met { feature, split: at, toward, once: true });
            }
        }
    }

    /// Notes the ways that are to be gone again for a row: those that leave the one to its leaf, or may further down.
    fn set_out(&mut self, steps: &Steps, (row, leaf): (usize, u32), first: usize, repeats: usize) {
        for met in &self.path {
            let from = (met.feature as usize - first) * repeats;
            for at in from..from + repeats {
                let place = at * BLOCK + row;
                let value = self.shuffled[place];
                let at = steps.turn(met.split, value);
                if at != met.toward || !met.once {
                    let (row, place) = (row as u32, place as u32);
                    self.ways.push(Way { at, row, feature: met.feature, value, leaf, place });
                }
            }
        }
    }
}

/// Each group alone, and single features whose columns lie side by side, `most` at once: what they lose is held.
fn runs(together: &[Together], most: usize) -> Vec<&[Together]> {
    let single = |one: &Together| one.columns.len() == 1;
    together
        .chunk_by(|a, b| single(a) && single(b) && a.columns[0] + 1 == b.columns[0])
        .flat_map(|run| run.chunks(most))
        .collect()
}

fn parents(nodes: &[Node]) -> Vec<u32> {
    let mut parents = vec![0; nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        if let Node::Split { yes, no, .. } = node {
            parents[*yes as usize] = at as u32;
            parents[*no as usize] = at as u32;
        }
    }
    parents
}

fn add(sums: &mut [f64], leaf: &Node, sign: f64) {
    if let Node::Leaf(weights) = leaf {
        for (output, weight) in weights {
            sums[*output as usize] += sign * f64::from(*weight);
        }
    }
}
