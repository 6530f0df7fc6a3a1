//! What the order of scores says: ROC and precision-recall curves and the areas under them.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Points that a curve keeps for drawing.
pub const MOST_POINTS: usize = 500;

/// A point of the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// False positive rate.
    pub fpr: f64,
    /// True positive rate.
    pub tpr: f64,
    /// Scores from here on count as positive; `None` at the start, where none does.
    pub threshold: Option<f64>,
}

/// A point of the precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrPoint {
    /// Recall.
    pub recall: f64,
    /// Precision.
    pub precision: f64,
    /// Scores from here on count as positive; `None` at the start (recall 0, precision 1).
    pub threshold: Option<f64>,
}

/// What is called positive from a score on, counted exactly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Scores from here on count as positive.
    pub threshold: f64,
    /// Positives among them.
    pub true_positives: u64,
    /// Negatives among them.
    pub false_positives: u64,
}

/// A report with no more different scores has counts at each of them.
const MOST_THRESHOLDS: usize = 400;

/// With more different scores, counts at every multiple of this are exact. Whoever shows counts at other thresholds
/// than those that are listed rounds to it.
pub const THRESHOLD_STEP: f64 = 0.005;

/// Positives and negatives with at least a score, for each different score from the highest down.
#[derive(Debug, Clone)]
pub struct Ranking {
    steps: Vec<Step>,
    positives: u64,
    negatives: u64,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    score: f64,
    true_positives: u64,
    false_positives: u64,
}

impl Ranking {
    /// Sorts scores; equal scores become one step. No score may be NaN.
    pub fn new(scores: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut pairs: Vec<(f64, bool)> = scores.collect();
        pairs.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let (mut true_positives, mut false_positives) = (0, 0);
        let mut steps: Vec<Step> = Vec::new();
        for (score, positive) in pairs {
            if positive {
                true_positives += 1;
            } else {
                false_positives += 1;
            }
            match steps.last_mut() {
                // 0 and -0 are the same score.
                Some(last) if last.score == score => *last = Step { score, true_positives, false_positives },
                _ => steps.push(Step { score, true_positives, false_positives }),
            }
        }
        Self { steps, positives: true_positives, negatives: false_positives }
    }

    /// Positives and negatives.
    pub fn counts(&self) -> (u64, u64) {
        (self.positives, self.negatives)
    }

    /// The area under the ROC curve: the chance that a positive scores above a negative, ties
    /// counted half. Summed in integers, so exact. `None` with one class only.
    pub fn auc(&self) -> Option<f64> {
        if self.positives == 0 || self.negatives == 0 {
            return None;
        }
        let (mut twice, mut tp, mut fp) = (0u128, 0u64, 0u64);
        for step in &self.steps {
            twice += u128::from(step.false_positives - fp) * u128::from(step.true_positives + tp);
            (tp, fp) = (step.true_positives, step.false_positives);
        }
        Some(twice as f64 / (2.0 * self.positives as f64 * self.negatives as f64))
    }

    /// Average precision: precision at each step, weighted by the recall that it gains. `None`
    /// without positives.
    pub fn average_precision(&self) -> Option<f64> {
        if self.positives == 0 {
            return None;
        }
        let mut before = 0;
        let mut sum = super::value::Sum::default();
        for step in &self.steps {
            let gain = (step.true_positives - before) as f64;
            sum.add(gain * step.precision());
            before = step.true_positives;
        }
        Some(sum.total() / self.positives as f64)
    }

    /// The ROC curve. Points on a straight line between their neighbours are left out; of more than
    /// [`MOST_POINTS`] the ones stay that bend it most, chosen so that the area changes least.
    /// The area that a report states is that of all points. Empty with one class only.
    pub fn roc(&self) -> Vec<RocPoint> {
        if self.positives == 0 || self.negatives == 0 {
            return Vec::new();
        }
        let (p, n) = (self.positives as f64, self.negatives as f64);
        let mut points = vec![RocPoint { fpr: 0.0, tpr: 0.0, threshold: None }];
        points.extend(self.steps.iter().map(|step| RocPoint {
            fpr: step.false_positives as f64 / n,
            tpr: step.true_positives as f64 / p,
            threshold: Some(step.score),
        }));
        let flat: Vec<(f64, f64)> = points.iter().map(|point| (point.fpr, point.tpr)).collect();
        thin(&flat).into_iter().map(|i| points[i]).collect()
    }

    /// Counts at thresholds from the highest down: at each different score, or, where there are many, at the lowest score
    /// that still counts for each multiple of [`THRESHOLD_STEP`] from 0 to 1. Empty with one class only, and for many
    /// scores that are no probabilities.
    pub fn thresholds(&self) -> Vec<Threshold> {
        if self.positives == 0 || self.negatives == 0 {
            return Vec::new();
        }
        let point = |step: &Step| Threshold {
            threshold: step.score,
            true_positives: step.true_positives,
            false_positives: step.false_positives,
        };
        if self.steps.len() <= MOST_THRESHOLDS {
            return self.steps.iter().map(point).collect();
        }
        let is_probability = |step: Option<&Step>| step.is_some_and(|step| (0.0..=1.0).contains(&step.score));
        if !is_probability(self.steps.first()) || !is_probability(self.steps.last()) {
            return Vec::new();
        }
        let multiples = (1.0 / THRESHOLD_STEP).round() as u32;
        // A multiple may be written as one of two neighbouring numbers: the scores on both sides of it are kept.
        let asked = (0..=multiples).rev().flat_map(|i| {
            let at = f64::from(i) * THRESHOLD_STEP;
            [at + 1e-9, at - 1e-9]
        });
        let mut wanted: Vec<usize> = asked.map(|at| self.steps.partition_point(|step| step.score >= at)).collect();
        wanted.dedup();
        wanted.into_iter().filter_map(|after| self.steps.get(after.checked_sub(1)?)).map(point).collect()
    }

    /// The precision-recall curve, thinned as the ROC curve is. Empty without positives.
    pub fn precision_recall(&self) -> Vec<PrPoint> {
        if self.positives == 0 {
            return Vec::new();
        }
        let mut points = vec![PrPoint { recall: 0.0, precision: 1.0, threshold: None }];
        for step in &self.steps {
            let recall = step.true_positives as f64 / self.positives as f64;
            points.push(PrPoint { recall, precision: step.precision(), threshold: Some(step.score) });
            if step.true_positives == self.positives {
                break;
            }
        }
        let flat: Vec<(f64, f64)> = points.iter().map(|point| (point.recall, point.precision)).collect();
        thin(&flat).into_iter().map(|i| points[i]).collect()
    }
}

impl Step {
    fn precision(&self) -> f64 {
        self.true_positives as f64 / (self.true_positives + self.false_positives) as f64
    }
}

/// Which points of a line to keep: all that bend it, and at most [`MOST_POINTS`].
///
/// Long lines are first cut down to a few thousand points at even distances, then the points go
/// whose triangle with their neighbours has the smallest area (Visvalingam and Whyatt 1993).
fn thin(points: &[(f64, f64)]) -> Vec<usize> {
    let mut kept = straightened(points);
    if kept.len() > 8 * MOST_POINTS {
        kept = evenly(points, &kept, 8 * MOST_POINTS);
    }
    while kept.len() > MOST_POINTS {
        let mut areas: Vec<(f64, usize)> =
            (1..kept.len() - 1).map(|i| (triangle(points, kept[i - 1], kept[i], kept[i + 1]), i)).collect();
        areas.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        // Neighbours change when a point goes, so only a part goes in each round.
        let too_many = kept.len() - MOST_POINTS;
        let mut gone = vec![false; kept.len()];
        let mut count = 0;
        for (_, i) in areas {
            if count == too_many.min(kept.len() / 8 + 1) {
                break;
            }
            if !gone[i - 1] && !gone[i + 1] {
                gone[i] = true;
                count += 1;
            }
        }
        let mut index = 0;
        kept.retain(|_| {
            index += 1;
            !gone[index - 1]
        });
    }
    kept
}

fn triangle(points: &[(f64, f64)], a: usize, b: usize, c: usize) -> f64 {
    let ((ax, ay), (bx, by), (cx, cy)) = (points[a], points[b], points[c]);
    ((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)).abs() / 2.0
}

/// Leaves out points between two others on the same horizontal or vertical line.
fn straightened(points: &[(f64, f64)]) -> Vec<usize> {
    let mut kept = Vec::new();
    for i in 0..points.len() {
        let inner = i > 0 && i + 1 < points.len();
        let level = inner && points[i - 1].1 == points[i].1 && points[i].1 == points[i + 1].1;
        let upright = inner && points[i - 1].0 == points[i].0 && points[i].0 == points[i + 1].0;
        if !level && !upright {
            kept.push(i);
        }
    }
    kept
}

/// About `most` of the kept points, evenly along the line.
fn evenly(points: &[(f64, f64)], kept: &[usize], most: usize) -> Vec<usize> {
    let step = |pair: &[usize]| {
        let ((ax, ay), (bx, by)) = (points[pair[0]], points[pair[1]]);
        (ax - bx).abs() + (ay - by).abs()
    };
    let length: f64 = kept.windows(2).map(step).sum();
    let mut chosen = vec![kept[0]];
    let (mut walked, mut next) = (0.0, length / most as f64);
    for pair in kept.windows(2) {
        walked += step(pair);
        if walked >= next {
            chosen.push(pair[1]);
            next = walked + length / most as f64;
        }
    }
    if chosen.last() != kept.last() {
        chosen.extend(kept.last());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(points: &[RocPoint]) -> f64 {
        points.windows(2).map(|p| (p[1].fpr - p[0].fpr) * f64::midpoint(p[0].tpr, p[1].tpr)).sum()
    }

    /// Repeatable numbers from 0 to 1 (Knuth's multiplier).
    fn noise(n: usize) -> impl Iterator<Item = f64> {
        let mut state = 7u64;
        (0..n).map(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        })
    }

    #[test]
    fn thresholds_count_exactly_and_are_not_many() {
        let few = Ranking::new([(0.9, true), (0.8, false), (0.8, true), (0.1, false)].into_iter());
        let counts: Vec<(f64, u64, u64)> =
            few.thresholds().iter().map(|t| (t.threshold, t.true_positives, t.false_positives)).collect();
        assert_eq!(counts, [(0.9, 1, 0), (0.8, 2, 1), (0.1, 2, 2)]);
        assert!(Ranking::new([(0.9, true)].into_iter()).thresholds().is_empty());

        let many: Vec<(f64, bool)> = (0..10_007_u32).map(|i| (f64::from(i) / 10_007.0, i * 7919 % 10 < 3)).collect();
        let found = Ranking::new(many.iter().copied()).thresholds();
        assert!((200..=402).contains(&found.len()), "{}", found.len());
        for at in &found {
            let called =
                |positive: bool| many.iter().filter(|(s, p)| *s >= at.threshold && *p == positive).count() as u64;
            assert_eq!((called(true), called(false)), (at.true_positives, at.false_positives));
        }
        assert_eq!(found.last().map(|t| t.true_positives + t.false_positives), Some(10_007));
        // Exactly what counts from each place of a slider on, also where a score lies right there.
        let half = [(0.5, true), (0.500_3, true), (0.499_9, false)];
        let many: Vec<(f64, bool)> = many.into_iter().chain(half).collect();
        let found = Ranking::new(many.iter().copied()).thresholds();
        for i in 0..=200 {
            for at in [f64::from(i) * THRESHOLD_STEP, f64::from(i) / 200.0] {
                let lowest = found.iter().take_while(|point| point.threshold >= at).last();
                let counted = lowest.map_or((0, 0), |point| (point.true_positives, point.false_positives));
                let called = |positive: bool| many.iter().filter(|(s, p)| *s >= at && *p == positive).count() as u64;
                assert_eq!(counted, (called(true), called(false)), "from {at} on");
            }
        }
        let margins = many.iter().map(|(score, positive)| (score * 9.0 - 4.0, *positive));
        assert!(Ranking::new(margins).thresholds().is_empty(), "a slider over probabilities has no use for them");
    }

    #[test]
    fn thinning_keeps_the_area() {
        let scores: Vec<f64> = noise(200_000).collect();
        let ranking = Ranking::new(scores.iter().zip(noise(400_000).skip(200_000)).map(|(s, r)| (*s, r < s * s)));
        let roc = ranking.roc();
        assert!(roc.len() <= MOST_POINTS && roc.len() > 100, "{}", roc.len());
        assert!((area(&roc) - ranking.auc().expect("two classes")).abs() < 1e-5);
        assert!(ranking.precision_recall().len() <= MOST_POINTS);
        let last = roc.last().expect("not empty");
        assert_eq!((last.fpr, last.tpr), (1.0, 1.0));
    }

    proptest! {
        #[test]
        fn auc_is_the_share_of_ordered_pairs(rows in proptest::collection::vec((0u8..6, any::<bool>()), 2..60)) {
            let ranking = Ranking::new(rows.iter().map(|(s, p)| (f64::from(*s), *p)));
            let mut twice = 0;
            let mut pairs = 0;
            for (a, _) in rows.iter().filter(|r| r.1) {
                for (b, _) in rows.iter().filter(|r| !r.1) {
                    pairs += 2;
                    twice += match a.cmp(b) { std::cmp::Ordering::Greater => 2, std::cmp::Ordering::Equal => 1, std::cmp::Ordering::Less => 0 };
                }
            }
            let expect = (pairs > 0).then(|| f64::from(twice) / f64::from(pairs));
            prop_assert_eq!(ranking.auc(), expect);
            if let Some(auc) = expect {
                prop_assert!((area(&ranking.roc()) - auc).abs() < 1e-12);
            }
        }
    }
}
