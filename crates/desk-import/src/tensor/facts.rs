//! Figures of a tensor's values: read once for limits and means, once more for the histogram.

use desk_core::{Cancel, NumberFacts};

use super::kind::{Kind, Number};
use super::{OpenTensor, TensorError};

/// Bins of a histogram.
const BINS: usize = 40;

impl OpenTensor {
    pub(super) fn number_facts(
        &mut self,
        kind: Kind,
        cancel: &Cancel,
        told: &dyn Fn(u64, u64),
    ) -> Result<NumberFacts, TensorError> {
        // Each value is looked at twice.
        let total = 2 * self.elements()?;
        let mut done = 0;
        let (mut sums, mut whole) = (Sums::default(), true);
        self.numbers(kind, 0, &mut |numbers| {
            cancel.check()?;
            whole &= numbers.iter().all(|number| !matches!(number, Number::Single(_) | Number::Double(_)));
            sums.add(numbers);
            done += numbers.len() as u64;
            told(done, total);
            Ok(true)
        })?;
        let mut facts = sums.facts();
        let (Some(min), Some(max)) = (facts.min, facts.max) else { return Ok(facts) };
        facts.edges = edges(min, max, whole);
        facts.counts = vec![0; facts.edges.len() - 1];
        let (low, high) = (facts.edges[0] / 2.0, facts.edges[facts.edges.len() - 1] / 2.0);
        let bins = facts.counts.len() as f64;
        self.numbers(kind, 0, &mut |numbers| {
            cancel.check()?;
            for x in numbers.iter().map(|number| number.float()).filter(|x| x.is_finite()) {
                // Halves: the distance between the largest floats is beyond them.
                let bin = ((x / 2.0 - low) / (high - low) * bins) as usize;
                facts.counts[bin.min(BINS.min(bins as usize) - 1)] += 1;
            }
            done += numbers.len() as u64;
            told(done, total);
            Ok(true)
        })?;
        Ok(facts)
    }
}

/// The edges of bins from the smallest to the largest; one bin for each of few whole numbers.
fn edges(min: f64, max: f64, whole: bool) -> Vec<f64> {
    if whole && max - min < BINS as f64 {
        return (0..=(max - min) as usize + 1).map(|i| min - 0.5 + i as f64).collect();
    }
    if min == max {
        let half = (min.abs() / 2.0).max(0.5);
        return vec![min - half, min + half];
    }
    let part = |i: usize| i as f64 / BINS as f64;
    (0..=BINS).map(|i| if i == BINS { max } else { min * (1.0 - part(i)) + max * part(i) }).collect()
}

/// Sums of the numbers so far: mean and squared distances from it, put together part by part (Chan, Golub and
/// LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979).
#[derive(Default)]
struct Sums {
    facts: NumberFacts,
    mean: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, numbers: &[Number]) {
        let (mut count, mut sum) = (0u64, 0.0);
        let facts = &mut self.facts;
        let (mut min, mut max) = (facts.min.unwrap_or(f64::INFINITY), facts.max.unwrap_or(f64::NEG_INFINITY));
        for x in numbers.iter().map(|number| number.float()) {
            if x.is_finite() {
                count += 1;
                sum += x;
                min = min.min(x);
                max = max.max(x);
                facts.zeros += u64::from(x == 0.0);
            } else if x.is_nan() {
                facts.nans += 1;
            } else {
                facts.infinite += 1;
            }
        }
        if count == 0 {
            return;
        }
        (facts.min, facts.max) = (Some(min), Some(max));
        let mean = sum / count as f64;
        let finite = numbers.iter().map(|number| number.float()).filter(|x| x.is_finite());
        let squares: f64 = finite.map(|x| (x - mean) * (x - mean)).sum();
        let (before, all) = (facts.finite as f64, (facts.finite + count) as f64);
        let apart = mean - self.mean;
        self.mean += apart * (count as f64 / all);
        self.squares += squares + apart * apart * (before * count as f64 / all);
        facts.finite += count;
    }

    fn facts(self) -> NumberFacts {
        let known = |x: f64| Some(x).filter(|x| x.is_finite() && self.facts.finite > 0);
        let (mean, std) = (known(self.mean), known((self.squares / self.facts.finite.max(1) as f64).sqrt()));
        NumberFacts { mean, std, ..self.facts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(parts: &[&[f64]]) -> NumberFacts {
        let mut sums = Sums::default();
        for part in parts {
            let numbers: Vec<Number> = part.iter().map(|x| Number::Double(*x)).collect();
            sums.add(&numbers);
        }
        sums.facts()
    }

    #[test]
    fn figures_are_those_of_all_parts_together() {
        let found = facts(&[&[1e9 + 4.0, 1e9 + 7.0], &[f64::NAN, f64::INFINITY], &[1e9 + 13.0, 1e9 + 16.0]]);
        assert_eq!((found.finite, found.nans, found.infinite, found.zeros), (4, 1, 1, 0));
        assert_eq!((found.min, found.max, found.mean), (Some(1e9 + 4.0), Some(1e9 + 16.0), Some(1e9 + 10.0)));
        assert!((found.std.expect("known") - 22.5f64.sqrt()).abs() < 1e-9);
        let huge = facts(&[&[f64::MAX, f64::MAX, -0.0]]);
        assert_eq!((huge.max, huge.mean, huge.std, huge.zeros), (Some(f64::MAX), None, None, 1));
        assert_eq!(facts(&[&[f64::NAN]]).mean, None);
    }

    #[test]
    fn edges_hold_all_values() {
        assert_eq!(edges(0.0, 2.0, true), [-0.5, 0.5, 1.5, 2.5]);
        assert_eq!(edges(3.0, 3.0, false), [1.5, 4.5]);
        assert_eq!(edges(-1.0, 1.0, false).len(), BINS + 1);
        let wide = edges(f64::MIN, f64::MAX, false);
        assert!(wide.iter().all(|edge| edge.is_finite()) && wide.is_sorted());
    }
}
