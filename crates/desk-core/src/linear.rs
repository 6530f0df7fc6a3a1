//! Linear models as plain data: for each output a weighted sum of the features, and one last step.

use serde::{Deserialize, Serialize};

/// What is done to the sums at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Nothing: the sums are the answer.
    Identity,
    /// 1 / (1 + exp(-x)) of each sum.
    Logistic,
    /// The logistic function of each sum, divided by their total: one class against the rest.
    Shares,
    /// exp(x_i) / sum exp(x_j).
    Softmax,
    /// exp(x), for log-link regressions.
    Exp,
}

/// A linear model: features in, `intercepts.len()` sums out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearModel {
    /// Columns of the feature table.
    pub n_features: usize,
    /// What a feature adds for each unit, outputs x features.
    pub weights: Vec<f64>,
    /// Added to each sum.
    pub intercepts: Vec<f64>,
    /// What happens to the sums.
    pub link: Link,
}

impl LinearModel {
    /// Sums.
    pub fn n_outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// The weights of one output.
    pub fn weights_of(&self, output: usize) -> &[f64] {
        &self.weights[output * self.n_features..(output + 1) * self.n_features]
    }

    /// The sums of a row, in float64.
    pub fn raw(&self, row: &[f64]) -> Vec<f64> {
        let sum = |output: usize| -> f64 { self.weights_of(output).iter().zip(row).map(|(w, x)| w * x).sum() };
        self.intercepts.iter().enumerate().map(|(output, intercept)| intercept + sum(output)).collect()
    }

    /// What the model answers for a row's sums.
    pub fn answer(&self, raw: &[f64]) -> Vec<f64> {
        let logistic = |x: &f64| 1.0 / (1.0 + (-x).exp());
        let shares = |parts: Vec<f64>| {
            let all: f64 = parts.iter().sum();
            parts.into_iter().map(|part| part / all).collect()
        };
        match self.link {
            Link::Identity => raw.to_vec(),
            Link::Logistic => raw.iter().map(logistic).collect(),
            Link::Shares => shares(raw.iter().map(logistic).collect()),
            Link::Softmax => {
                let top = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                shares(raw.iter().map(|x| (x - top).exp()).collect())
            }
            Link::Exp => raw.iter().map(|x| x.exp()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_what_is_made_of_them() {
        let model =
            |link| LinearModel { n_features: 2, weights: vec![1.0, 2.0, -1.0, 0.0], intercepts: vec![0.5, 0.0], link };
        let raw = model(Link::Identity).raw(&[1.0, -1.0]);
        assert_eq!(raw, [-0.5, -1.0]);
        let answer = |link| model(link).answer(&raw);
        let (a, b) = (1.0 / (1.0 + 0.5f64.exp()), 1.0 / (1.0 + 1f64.exp()));
        assert_eq!((answer(Link::Identity), answer(Link::Logistic)), (raw.clone(), vec![a, b]));
        assert!((answer(Link::Shares)[0] - a / (a + b)).abs() < 1e-15);
        assert!((answer(Link::Softmax)[0] - 1.0 / (1.0 + (-0.5f64).exp())).abs() < 1e-15);
        assert_eq!(answer(Link::Exp), [(-0.5f64).exp(), (-1f64).exp()]);
    }
}
