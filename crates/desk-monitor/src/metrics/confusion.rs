//! Counts of truth against prediction, and what follows from them alone.

use super::value::Metric;

/// `counts[truth][predicted]`.
#[derive(Debug, Clone)]
pub struct Confusion {
    pub counts: Vec<Vec<u64>>,
}

/// Precision, recall and F1 of one class or an average.
#[derive(Debug, Clone)]
pub struct Triple {
    pub precision: Metric,
    pub recall: Metric,
    pub f1: Metric,
}

impl Confusion {
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    pub fn support(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    fn hits(&self) -> u64 {
        (0..self.counts.len()).map(|class| self.counts[class][class]).sum()
    }

    pub fn accuracy(&self) -> Metric {
        Metric::share(self.hits(), self.total(), "There is no row")
    }

    /// Precision, recall and F1 with one class as the positive one.
    pub fn of_class(&self, class: usize) -> Triple {
        let (hit, support, predicted) = (self.counts[class][class], self.support(class), self.predicted(class));
        let f1 = if support + predicted == 0 {
            Metric::undefined("The class is neither in the truth nor predicted")
        } else {
            Metric::of(2.0 * hit as f64 / (support + predicted) as f64)
        };
        Triple {
            precision: Metric::share(hit, predicted, "The class was never predicted"),
            recall: Metric::share(hit, support, "The class is not in the truth"),
            f1,
        }
    }

    /// The mean over classes with the given weights. An undefined value counts as 0, as
    /// scikit-learn's default `zero_division` has it.
    pub fn average(&self, weight: impl Fn(usize) -> f64) -> Triple {
        let classes: Vec<Triple> = (0..self.counts.len()).map(|class| self.of_class(class)).collect();
        let sum: f64 = (0..classes.len()).map(&weight).sum();
        let mean = |get: &dyn Fn(&Triple) -> Option<f64>| {
            if sum == 0.0 {
                return Metric::undefined("There is no row");
            }
            let weighted = classes.iter().enumerate().map(|(i, class)| weight(i) * get(class).unwrap_or(0.0));
            Metric::of(weighted.sum::<f64>() / sum)
        };
        Triple {
            precision: mean(&|class| class.precision.value),
            recall: mean(&|class| class.recall.value),
            f1: mean(&|class| class.f1.value),
        }
    }

    /// The mean recall of the classes that are in the truth.
    pub fn balanced_accuracy(&self) -> Metric {
        let recalls: Vec<f64> = (0..self.counts.len()).filter_map(|class| self.of_class(class).recall.value).collect();
        if recalls.is_empty() {
            return Metric::undefined("There is no row");
        }
        Metric::of(recalls.iter().sum::<f64>() / recalls.len() as f64)
    }

    /// Matthews' correlation for any number of classes (Gorodkin 2004).
    pub fn matthews(&self) -> Metric {
        let n = self.total() as f64;
        let each = |f: &dyn Fn(usize) -> f64| (0..self.counts.len()).map(f).sum::<f64>();
        let (truth, predicted) = (|k: usize| self.support(k) as f64, |k: usize| self.predicted(k) as f64);
        let covariance = self.hits() as f64 * n - each(&|k| truth(k) * predicted(k));
        let spread = (n * n - each(&|k| predicted(k).powi(2))) * (n * n - each(&|k| truth(k).powi(2)));
        if spread <= 0.0 {
            return Metric::undefined("Truth or predictions hold one class only");
        }
        Metric::of(covariance / spread.sqrt())
    }

    /// Cohen's kappa (1960).
    pub fn kappa(&self) -> Metric {
        let n = self.total() as f64;
        let by_chance: f64 =
            (0..self.counts.len()).map(|k| self.support(k) as f64 * self.predicted(k) as f64 / n).sum();
        if n == 0.0 || n - by_chance <= 0.0 {
            return Metric::undefined("Truth and predictions hold the same single class");
        }
        Metric::of(1.0 - (n - self.hits() as f64) / (n - by_chance))
    }
}
