//! From which probability on an answer is called positive, and what that costs.

use desk_uikit::field::Field;
use desk_uikit::{Card, Metric, Tone, card, format, text};
use egui::Ui;
use serde_json::Value;

/// What is called positive from a score on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The score.
    pub threshold: f64,
    /// Positives among what is called positive.
    pub true_positives: u64,
    /// Negatives among it.
    pub false_positives: u64,
}

/// All thresholds of a test, from the highest down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds {
    points: Vec<Point>,
    positives: u64,
    negatives: u64,
    /// The report may leave out scores between two of its points.
    about: bool,
}

/// A former version kept about so many points where there were more scores.
const THINNED: usize = 300;

/// What models use when nobody chooses.
const USUAL: f64 = 0.5;

impl Thresholds {
    /// Reads them from a report; none where it has none or its scores are no probabilities.
    pub fn new(report: &Value) -> Self {
        let point = |value: &Value| {
            Some(Point {
                threshold: value.get("threshold")?.as_f64()?,
                true_positives: value.get("true_positives")?.as_u64()?,
                false_positives: value.get("false_positives")?.as_u64()?,
            })
        };
        let list = report.get("thresholds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let points: Vec<Point> = list.iter().filter_map(point).collect();
        if !points.iter().all(|point| (0.0..=1.0).contains(&point.threshold)) {
            return Self::default();
        }
        let all = points.last().copied();
        let (positives, negatives) = all.map_or((0, 0), |last| (last.true_positives, last.false_positives));
        let about = report.get("threshold_step").is_none_or(Value::is_null) && points.len() >= THINNED;
        Self { points, positives, negatives, about }
    }

    /// What is called positive from `at` on.
    pub fn at(&self, at: f64) -> Option<Point> {
        let lowest = self.points.iter().take_while(|point| point.threshold >= at).last();
        let nothing = Point { threshold: 1.0, true_positives: 0, false_positives: 0 };
        (!self.points.is_empty()).then(|| lowest.copied().unwrap_or(nothing))
    }

    /// Where a point lies on the ROC curve.
    pub fn on_roc(&self, point: Point) -> [f64; 2] {
        [share(point.false_positives, self.negatives), share(point.true_positives, self.positives)]
    }

    /// Where it lies on the curve of precision and recall; nowhere when nothing is called positive.
    pub fn on_precision_recall(&self, point: Point) -> Option<[f64; 2]> {
        let called = point.true_positives + point.false_positives;
        (called > 0).then(|| [share(point.true_positives, self.positives), share(point.true_positives, called)])
    }

    /// Shows the slider and what follows from where it stands; `chosen` is its place.
    pub fn show(&self, ui: &mut Ui, chosen: &mut Option<f64>, positive: &str) {
        let mut at = chosen.unwrap_or(USUAL);
        let Some(point) = self.at(at) else { return };
        let caption = format!("{positive} from a probability of {} on", format::fixed(at, 3));
        Card::titled("Threshold").caption(&caption).show(ui, |ui| {
            let field = Field::new("Threshold").hide_label();
            if field.show_slider(ui, &mut at, 0.0..=1.0, 0.005).changed() {
                *chosen = Some(at);
            }
            let called = point.true_positives + point.false_positives;
            let missed = self.positives - point.true_positives;
            let kept = self.negatives - point.false_positives;
            let all = self.positives + self.negatives;
            let f1 = share(2 * point.true_positives, 2 * point.true_positives + point.false_positives + missed);
            let three = |value: f64| if value.is_finite() { format::fixed(value, 3) } else { "–".to_owned() };
            let of = |part: u64, whole: u64| format!("{} of {}", format::count(part), format::count(whole));
            let cards = [
                ("Called positive", format::percent(share(called, all)), of(called, all)),
                ("Precision", three(share(point.true_positives, called)), of(point.true_positives, called)),
                (
                    "Recall",
                    three(share(point.true_positives, self.positives)),
                    of(point.true_positives, self.positives),
                ),
                (
                    "False alarms",
                    three(share(point.false_positives, self.negatives)),
                    of(point.false_positives, self.negatives),
                ),
                ("F1", three(f1), format!("{} missed", format::count(missed))),
                ("Accuracy", three(share(point.true_positives + kept, all)), of(point.true_positives + kept, all)),
            ];
            card::grid(ui, cards.len(), 120.0, |ui, i, width| {
                let (name, value, note) = &cards[i];
                Metric::new(name, value, "").note(Tone::Neutral, note).show(ui, width);
            });
            text::caption_wrapped(ui, "Counted on these rows; the version itself answers as before");
            if self.about {
                let said = "This test was kept by a former version of Modeldesk, which left out some scores: counts may be \
                            off by a few rows. Score the file again for exact ones";
                text::caption_wrapped(ui, said);
            }
        });
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { f64::NAN } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_those_of_the_lowest_score_that_still_counts() {
        let point = |t: f64, tp: u64, fp: u64| json!({"threshold": t, "true_positives": tp, "false_positives": fp});
        let found = Thresholds::new(&json!({"thresholds": [point(0.9, 1, 0), point(0.5, 2, 1), point(0.1, 2, 4)]}));
        let counts = |at: f64| found.at(at).map(|point| (point.true_positives, point.false_positives));
        assert_eq!(counts(0.95), Some((0, 0)));
        assert_eq!(counts(0.9), Some((1, 0)));
        assert_eq!(counts(0.5), Some((2, 1)));
        assert_eq!(counts(0.3), Some((2, 1)));
        assert_eq!(counts(0.0), Some((2, 4)));
        let half = found.at(0.5).expect("a point");
        assert_eq!(found.on_roc(half), [0.25, 1.0]);
        assert_eq!(found.on_precision_recall(half), Some([1.0, 2.0 / 3.0]));
        assert_eq!(found.on_precision_recall(found.at(0.95).expect("a point")), None);
        let many: Vec<_> = (0..350_u32).map(|i| point(1.0 - f64::from(i) / 350.0, 1, u64::from(i))).collect();
        assert!(Thresholds::new(&json!({"thresholds": many})).about, "it may have left some out");
        assert!(!Thresholds::new(&json!({"thresholds": many, "threshold_step": 0.005})).about && !found.about);
        assert_eq!(Thresholds::new(&json!({})).at(0.5), None);
        assert_eq!(Thresholds::new(&json!({"thresholds": [point(7.5, 1, 0)]})).at(0.5), None, "no probability");
    }
}
