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

impl Triple {
    /// The values alone.
    pub fn plain(self) -> Self {
        let plain = |metric: Metric| Metric { low: None, high: None, interval: None, ..metric };
        Self { precision: plain(self.precision), recall: plain(self.recall), f1: plain(self.f1) }
    }
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
        let f1 = Metric::f1(hit, support + predicted - 2 * hit, "The class is neither in the truth nor predicted");
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
        if sum == 0.0 {
            let none = || Metric::undefined("There is no row");
            return Triple { precision: none(), recall: none(), f1: none() };
        }
        // What one class is called by mistake is what another one is not: given the numbers predicted (or true) of each
        // class their shares vary independently, but F1 of one class with that of another.
        let mean = |get: &dyn Fn(&Triple) -> &Metric| {
            let part = |(i, class): (usize, &Triple)| {
                let metric = get(class);
                (weight(i) / sum, if metric.value.is_some() { metric.clone() } else { Metric::of(0.0) })
            };
            Metric::mean_of_shares(&classes.iter().enumerate().map(part).collect::<Vec<_>>())
        };
        let weights: Vec<f64> = (0..self.counts.len()).map(|i| weight(i) / sum).collect();
        Triple {
            precision: mean(&|class| &class.precision),
            recall: mean(&|class| &class.recall),
            f1: self.mean_f1(&weights),
        }
    }

    /// The mean of the classes' F1, with the interval of the delta method over the cells' multinomial distribution
    /// (Takahashi, Yamamoto, Kuchiba and Koyama 2022), on the logit scale. An undefined F1 counts as 0.
    fn mean_f1(&self, weights: &[f64]) -> Metric {
        let n = self.total();
        let both = |k: usize| (self.support(k) + self.predicted(k)) as f64;
        let f1 = |k: usize| if both(k) > 0.0 { 2.0 * self.counts[k][k] as f64 / both(k) } else { 0.0 };
        let value: f64 = weights.iter().enumerate().map(|(k, weight)| weight * f1(k)).sum();
        // What one more row in a cell adds to the mean, times n: F1 = 2 hits / (support + predicted) of each class.
        let slope = |truth: usize, predicted: usize| {
            let of = |k: usize| {
                let (hit, ends) =
                    (f64::from(truth == k && predicted == k), f64::from(truth == k) + f64::from(predicted == k));
                if both(k) > 0.0 { weights[k] * (2.0 * hit - f1(k) * ends) / both(k) * n as f64 } else { 0.0 }
            };
            if truth == predicted { of(truth) } else { of(truth) + of(predicted) }
        };
        // The slopes' mean over the rows is 0, as F1 does not change with the number of rows.
        let cells =
            self.counts.iter().enumerate().flat_map(|(i, row)| row.iter().enumerate().map(move |(j, c)| (i, j, *c)));
        let squares: f64 = cells.map(|(i, j, count)| count as f64 * slope(i, j).powi(2)).sum();
        Metric::mean(value, squares, n, super::value::Range::UpTo(1.0))
    }

    /// The mean recall of the classes that are in the truth.
    pub fn balanced_accuracy(&self) -> Metric {
        let recall = |class| Some(self.of_class(class).recall).filter(|recall| recall.value.is_some());
        let recalls: Vec<Metric> = (0..self.counts.len()).filter_map(recall).collect();
        if recalls.is_empty() {
            return Metric::undefined("There is no row");
        }
        let weight = 1.0 / recalls.len() as f64;
        Metric::mean_of_shares(&recalls.into_iter().map(|recall| (weight, recall)).collect::<Vec<_>>())
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
