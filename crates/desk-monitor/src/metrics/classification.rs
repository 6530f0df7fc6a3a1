//! Metrics of a classification, collected batch by batch.

use std::collections::{BTreeMap, HashMap};

use desk_core::{ElementType, counted};
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::confusion::{Confusion, Triple};
use super::left_out;
use super::ranking::{PrPoint, Ranking, RocPoint, Threshold};
use super::scores::Compact;
use super::value::{Metric, Range, Sum};
use crate::error::MetricError;

/// How far a row of probabilities may be from summing to one: float32 softmax over many classes.
const SUM_SLACK: f64 = 1e-3;
/// How far a probability may lie outside 0 to 1.
const RANGE_SLACK: f64 = 1e-6;
/// Unknown truths that a report names.
const NAMED: usize = 10;

/// Rows that could not be counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The truth is missing.
    pub missing_truth: u64,
    /// The truth is none of the classes.
    pub unknown_truth: u64,
    /// A score is NaN.
    pub nan_score: u64,
}

/// Metrics of one class against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// The class.
    pub class: String,
    /// Rows of this class.
    pub support: u64,
    /// Share of the predictions of this class that are right.
    pub precision: Metric,
    /// Share of this class that was found.
    pub recall: Metric,
    /// Harmonic mean of both.
    pub f1: Metric,
    /// Area under the ROC curve of this class against the rest.
    pub auc: Metric,
}

/// Means over classes; an undefined value of a class counts as 0, as in scikit-learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Averages {
    /// Mean precision.
    pub precision: Metric,
    /// Mean recall.
    pub recall: Metric,
    /// Mean F1.
    pub f1: Metric,
    /// Mean area under the one-against-rest ROC curves.
    pub auc: Metric,
}

/// All metrics of a classification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassificationReport {
    /// Rows counted.
    pub n: u64,
    /// Rows not counted.
    pub skipped: Skipped,
    /// The classes, in the order of the confusion matrix.
    pub classes: Vec<String>,
    /// The class that counts as positive, with two classes.
    pub positive: Option<String>,
    /// `[truth][predicted]`.
    pub confusion: Vec<Vec<u64>>,
    /// Share of right predictions.
    pub accuracy: Metric,
    /// Mean recall of the classes in the truth.
    pub balanced_accuracy: Metric,
    /// Matthews' correlation coefficient.
    pub matthews: Metric,
    /// Cohen's kappa.
    pub kappa: Metric,
    /// Of the positive class; with more than two classes see `macro_average`.
    pub precision: Option<Metric>,
    /// Of the positive class.
    pub recall: Option<Metric>,
    /// Of the positive class.
    pub f1: Option<Metric>,
    /// Each class against the rest.
    pub per_class: Vec<ClassMetrics>,
    /// Every class counts the same.
    pub macro_average: Averages,
    /// Classes count by their rows.
    pub weighted_average: Averages,
    /// Area under the ROC curve: of the positive class with two classes, else the macro mean of
    /// one against rest.
    pub auc: Metric,
    /// Area under the precision-recall curve of the positive class, as a step function.
    pub average_precision: Option<Metric>,
    /// Cross entropy in nats, probabilities clipped to `[e, 1 - e]`: as in scikit-learn, `e` is the precision of
    /// the scores' own type, 2^-52 for float64 and 2^-23 for float32.
    pub log_loss: Metric,
    /// Mean squared error of the positive class's probability; with more than two classes the sum
    /// over classes.
    pub brier: Metric,
    /// Reliability of the probabilities.
    pub calibration: Option<Calibration>,
    /// Of the positive class, at most 500 points.
    pub roc: Vec<RocPoint>,
    /// Of the positive class, at most 500 points.
    pub precision_recall: Vec<PrPoint>,
    /// What is called positive from some scores on, at most 402 of them.
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
    /// Counts from these scores are exact at each multiple of this as well; none in reports of former versions, which
    /// left out scores in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_step: Option<f64>,
    /// What to know, a sentence each.
    pub warnings: Vec<String>,
}

/// Collects truth and predictions of a classification.
pub struct Classification {
    classes: Vec<String>,
    codes: HashMap<String, usize>,
    positive: Option<usize>,
    confusion: Confusion,
    truth: Vec<u32>,
    scores: Vec<Compact>,
    has_scores: Option<bool>,
    log_loss: Sum,
    brier: Sum,
    /// Probabilities are kept this far from 0 and 1 where their logarithm is taken.
    epsilon: f64,
    /// Rows whose truth has a smaller probability.
    clipped: u64,
    /// The first row whose scores are no probabilities.
    improper: Option<u64>,
    skipped: Skipped,
    unknown: BTreeMap<String, u64>,
    rows: u64,
}

impl Classification {
    /// Classes in the order of the scores' columns. With two classes the positive one is the second
    /// unless stated.
    pub fn new(classes: &[String], positive: Option<&str>) -> Result<Self, MetricError> {
        let codes: HashMap<String, usize> = classes.iter().cloned().enumerate().map(|(i, class)| (class, i)).collect();
        if classes.len() < 2 || codes.len() < classes.len() {
            return Err(MetricError::Classes(classes.to_vec()));
        }
        let unknown = |name: &str| MetricError::Positive { positive: name.to_owned(), classes: classes.to_vec() };
        let stated = positive.map(|name| codes.get(name).copied().ok_or_else(|| unknown(name))).transpose()?;
        let positive = (classes.len() == 2).then_some(stated.unwrap_or(1));
        Ok(Self {
            classes: classes.to_vec(),
            codes,
            positive,
            confusion: Confusion::new(classes.len()),
            truth: Vec::new(),
            scores: vec![Compact::default(); classes.len()],
            has_scores: None,
            log_loss: Sum::default(),
            brier: Sum::default(),
            epsilon: f64::EPSILON,
            clipped: 0,
            improper: None,
            skipped: Skipped::default(),
            unknown: BTreeMap::new(),
            rows: 0,
        })
    }

    /// The type that the scores had in the model, where it is not float64: log loss keeps probabilities as far
    /// from 0 and 1 as that type can tell.
    #[must_use]
    pub fn scores_of(self, element: ElementType) -> Self {
        let epsilon = match element {
            ElementType::Float16 => f64::from(f32::EPSILON) * 8192.0,
            ElementType::Float32 => f64::from(f32::EPSILON),
            _ => f64::EPSILON,
        };
        Self { epsilon, ..self }
    }

    /// Adds rows: the truth (`None` where missing), the predicted labels, and scores row-major with
    /// one column for each class. Without labels the class with the largest score is the
    /// prediction, the first one among equals. Scores must come always or never.
    pub fn push(
        &mut self,
        truth: &[Option<String>],
        predicted: Option<&[String]>,
        scores: Option<&[f64]>,
    ) -> Result<(), MetricError> {
        let width = self.classes.len();
        let length = |what, expected, found| {
            if expected == found { Ok(()) } else { Err(MetricError::Length { what, expected, found }) }
        };
        if let Some(labels) = predicted {
            length("predicted labels", truth.len(), labels.len())?;
        }
        if let Some(scores) = scores {
            length("scores", truth.len() * width, scores.len())?;
        } else if predicted.is_none() {
            return Err(MetricError::NothingPredicted);
        }
        if *self.has_scores.get_or_insert(scores.is_some()) != scores.is_some() {
            return Err(MetricError::Length { what: "scores", expected: 0, found: truth.len() * width });
        }
        for (row, truth) in truth.iter().enumerate() {
            self.rows += 1;
            let scores = scores.map(|scores| &scores[row * width..(row + 1) * width]);
            self.push_row(truth.as_deref(), predicted.map(|labels| labels[row].as_str()), scores)?;
        }
        Ok(())
    }

    fn push_row(
        &mut self,
        truth: Option<&str>,
        label: Option<&str>,
        scores: Option<&[f64]>,
    ) -> Result<(), MetricError> {
        let Some(truth) = truth else {
            self.skipped.missing_truth += 1;
            return Ok(());
        };
        let Some(truth_code) = self.codes.get(truth).copied() else {
            self.skipped.unknown_truth += 1;
            if self.unknown.len() < NAMED || self.unknown.contains_key(truth) {
                *self.unknown.entry(truth.to_owned()).or_default() += 1;
            }
            return Ok(());
        };
        if scores.is_some_and(|scores| scores.iter().any(|score| score.is_nan())) {
            self.skipped.nan_score += 1;
            return Ok(());
        }
        let predicted = match (label, scores) {
            (Some(label), _) => self.codes.get(label).copied().ok_or_else(|| MetricError::UnknownPrediction {
                row: self.rows,
                label: label.to_owned(),
                classes: self.classes.clone(),
            })?,
            (None, Some(scores)) => first_largest(scores),
            (None, None) => return Err(MetricError::NothingPredicted),
        };
        self.confusion.counts[truth_code][predicted] += 1;
        if let Some(scores) = scores {
            self.truth.push(truth_code as u32);
            self.scores.iter_mut().zip(scores).for_each(|(column, score)| column.push(*score));
            self.add_losses(truth_code, scores);
        }
        Ok(())
    }

    fn add_losses(&mut self, truth: usize, scores: &[f64]) {
        let sum: f64 = scores.iter().sum();
        let in_range = scores.iter().all(|p| (-RANGE_SLACK..=1.0 + RANGE_SLACK).contains(p));
        if !in_range || (sum - 1.0).abs() > SUM_SLACK {
            self.improper.get_or_insert(self.rows);
            return;
        }
        self.clipped += u64::from(scores[truth] < self.epsilon);
        self.log_loss.add(-scores[truth].clamp(self.epsilon, 1.0 - self.epsilon).ln());
        let error = |class: usize| (scores[class] - f64::from(u8::from(class == truth))).powi(2);
        self.brier.add(match self.positive {
            Some(positive) => error(positive),
            None => (0..scores.len()).map(error).sum(),
        });
    }

    /// Works everything out.
    pub fn finish(self) -> Result<ClassificationReport, MetricError> {
        let n = self.confusion.total();
        if n == 0 && self.skipped.unknown_truth > 0 {
            return Err(MetricError::NoKnownTruth {
                rows: self.skipped.unknown_truth,
                found: self.unknown.into_keys().collect(),
                classes: self.classes,
            });
        }
        let has_scores = self.has_scores == Some(true) && n > 0;
        let rankings: Vec<Option<Ranking>> =
            (0..self.classes.len()).map(|class| has_scores.then(|| self.ranking(class))).collect();
        let aucs: Vec<Metric> = rankings.iter().map(|ranking| auc_of(ranking.as_ref())).collect();
        let per_class: Vec<ClassMetrics> = (0..self.classes.len())
            .map(|class| {
                let Triple { precision, recall, f1 } = self.confusion.of_class(class);
                let (name, support) = (self.classes[class].clone(), self.confusion.support(class));
                ClassMetrics { class: name, support, precision, recall, f1, auc: aucs[class].clone() }
            })
            .collect();
        let macro_average = averages(self.confusion.average(|_| 1.0), macro_auc(&per_class));
        let by_rows = |class: usize| self.confusion.support(class) as f64;
        // Its weights vary with the rows: the intervals of the plain mean are not those of this one.
        let weighted_average = averages(self.confusion.average(by_rows).plain(), weighted_auc(&per_class));
        let positive = self.positive.map(|class| (&per_class[class], rankings[class].as_ref()));
        let auc = positive.map_or_else(|| macro_average.auc.clone(), |(class, _)| class.auc.clone());
        let of_positive = |get: &dyn Fn(&ClassMetrics) -> &Metric| positive.map(|(class, _)| get(class).clone());
        let curve = positive.and_then(|(_, ranking)| ranking);
        Ok(ClassificationReport {
            n,
            skipped: self.skipped.clone(),
            positive: self.positive.map(|class| self.classes[class].clone()),
            accuracy: self.confusion.accuracy(),
            balanced_accuracy: self.confusion.balanced_accuracy(),
            matthews: self.confusion.matthews(),
            kappa: self.confusion.kappa(),
            precision: of_positive(&|class| &class.precision),
            recall: of_positive(&|class| &class.recall),
            f1: of_positive(&|class| &class.f1),
            auc,
            average_precision: positive.map(|(_, ranking)| average_precision(ranking)),
            log_loss: self.proper(&self.log_loss, -self.epsilon.ln()),
            brier: self.proper(&self.brier, if self.positive.is_some() { 1.0 } else { 2.0 }),
            calibration: (has_scores && self.improper.is_none()).then(|| self.calibration()),
            roc: curve.map(Ranking::roc).unwrap_or_default(),
            precision_recall: curve.map(Ranking::precision_recall).unwrap_or_default(),
            thresholds: curve.map(Ranking::thresholds).unwrap_or_default(),
            threshold_step: curve.map(|_| super::ranking::THRESHOLD_STEP),
            warnings: self.warnings(&per_class),
            per_class,
            macro_average,
            weighted_average,
            confusion: self.confusion.counts.clone(),
            classes: self.classes,
        })
    }

    fn ranking(&self, class: usize) -> Ranking {
        let is_class = self.truth.iter().map(|truth| *truth as usize == class);
        Ranking::new(self.scores[class].iter().zip(is_class))
    }

    /// A loss that only probabilities have, `most` a row.
    fn proper(&self, sum: &Sum, most: f64) -> Metric {
        match (self.has_scores, self.improper) {
            (Some(true), None) => sum.metric(Range::UpTo(most)),
            (Some(true), Some(row)) => {
                Metric::undefined(format!("The scores of row {row} are no probabilities from 0 to 1 with sum 1"))
            }
            _ => Metric::undefined("The model gives no scores"),
        }
    }

    fn calibration(&self) -> Calibration {
        if let Some(positive) = self.positive {
            let hits = self.truth.iter().map(|truth| *truth as usize == positive);
            return Calibration::new("positive class", self.scores[positive].iter().zip(hits));
        }
        let mut columns: Vec<_> = self.scores.iter().map(Compact::iter).collect();
        let rows = self.truth.iter().map(|truth| {
            let scores: Vec<f64> = columns.iter_mut().map(|column| column.next().unwrap_or(0.0)).collect();
            let best = first_largest(&scores);
            (scores[best], best == *truth as usize)
        });
        let rows: Vec<(f64, bool)> = rows.collect();
        Calibration::new("predicted class", rows.into_iter())
    }

    /// Says that log loss is not what the probabilities alone would give.
    fn clipped_rows(&self) -> Option<String> {
        let (rows, eps) = (self.clipped, self.epsilon);
        (rows > 0 && self.improper.is_none()).then(|| {
            let (had, their) = if rows == 1 { ("has", "its") } else { ("have", "their") };
            format!(
                "{} {had} a probability of 0 for {their} truth: log loss takes {eps:.3e} there, the precision of the \
                 scores, as scikit-learn does",
                counted(rows, "row")
            )
        })
    }

    fn warnings(&self, per_class: &[ClassMetrics]) -> Vec<String> {
        let mut warnings = Vec::new();
        let skipped = &self.skipped;
        let names: Vec<&str> = self.unknown.keys().map(String::as_str).collect();
        warnings
            .extend(left_out(skipped.unknown_truth, &format!("truth is no class of the model ({})", names.join(", "))));
        warnings.extend(left_out(skipped.missing_truth, "truth is missing"));
        warnings.extend(left_out(skipped.nan_score, "score is NaN"));
        warnings.extend(self.clipped_rows());
        let undefined = |get: &dyn Fn(&ClassMetrics) -> &Metric| -> Vec<&str> {
            per_class.iter().filter(|c| get(c).value.is_none()).map(|c| c.class.as_str()).collect()
        };
        let mut note = |classes: Vec<&str>, what: &str, why: &str| {
            if !classes.is_empty() {
                warnings
                    .push(format!("{what} of {} is undefined ({why}) and counts as 0 in means", classes.join(", ")));
            }
        };
        note(undefined(&|c| &c.precision), "Precision", "never predicted");
        note(undefined(&|c| &c.recall), "Recall", "not in the truth");
        warnings
    }
}

/// The first of the largest scores.
fn first_largest(scores: &[f64]) -> usize {
    let mut best = 0;
    for (i, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = i;
        }
    }
    best
}

fn auc_of(ranking: Option<&Ranking>) -> Metric {
    let Some(ranking) = ranking else { return Metric::undefined("The model gives no scores") };
    let (positives, negatives) = ranking.counts();
    match ranking.auc() {
        Some(auc) => Metric::auc(auc, positives, negatives),
        None if positives == 0 => Metric::undefined("The class is not in the truth"),
        None => Metric::undefined("The truth holds no other class"),
    }
}

fn average_precision(ranking: Option<&Ranking>) -> Metric {
    let Some(ranking) = ranking else { return Metric::undefined("The model gives no scores") };
    ranking.average_precision().map_or_else(|| Metric::undefined("The positive class is not in the truth"), Metric::of)
}

fn averages(triple: Triple, auc: Metric) -> Averages {
    Averages { precision: triple.precision, recall: triple.recall, f1: triple.f1, auc }
}

/// The plain mean, which needs every class.
fn macro_auc(classes: &[ClassMetrics]) -> Metric {
    if let Some(class) = classes.iter().find(|class| class.auc.value.is_none()) {
        let reason = class.auc.reason.clone().unwrap_or_default();
        return Metric::undefined(format!("Class {}: {reason}", class.class));
    }
    Metric::of(classes.iter().filter_map(|class| class.auc.value).sum::<f64>() / classes.len() as f64)
}

/// The mean weighted by rows; classes that are not in the truth have none.
fn weighted_auc(classes: &[ClassMetrics]) -> Metric {
    let present = || classes.iter().filter(|class| class.support > 0);
    let rows: u64 = present().map(|class| class.support).sum();
    if let Some(class) = present().find(|class| class.auc.value.is_none()) {
        return class.auc.clone();
    }
    if rows == 0 {
        return Metric::undefined("There is no row");
    }
    let sum: f64 = present().filter_map(|class| Some(class.auc.value? * class.support as f64)).sum();
    Metric::of(sum / rows as f64)
}
