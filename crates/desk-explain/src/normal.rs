//! The normal distribution, cumulative probability and quantile, and Student's t where rows are few.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// P(Z <= x), relative error below 1e-13 on |x| < 8.
pub(crate) fn cdf(x: f64) -> f64 {
    if x.is_nan() { f64::NAN } else { 0.5 * erfc(-x * FRAC_1_SQRT_2) }
}

/// Complementary error function: the power series near zero, a continued fraction in the tail
/// (Abramowitz and Stegun 7.1.6 and 7.1.14).
fn erfc(x: f64) -> f64 {
    let a = x.abs();
    let tail = if a < 2.5 {
        let mut term = a;
        let mut sum = a;
        for n in 1..200 {
            term *= 2.0 * a * a / f64::from(2 * n + 1);
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        1.0 - 2.0 / PI.sqrt() * (-a * a).exp() * sum
    } else if a < 27.0 {
        let mut fraction = a;
        for n in (1..=80).rev() {
            fraction = a + f64::from(n) / 2.0 / fraction;
        }
        (-a * a).exp() / PI.sqrt() / fraction
    } else {
        0.0
    };
    if x < 0.0 { 2.0 - tail } else { tail }
}

/// The x with P(Z <= x) = p, relative error 1.2e-9: enough to draw with.
pub(crate) fn quantile(p: f64) -> f64 {
    if p <= 0.0 {
        f64::NEG_INFINITY
    } else if p >= 1.0 {
        f64::INFINITY
    } else if p > 0.5 {
        -quantile_lower(1.0 - p)
    } else {
        quantile_lower(p)
    }
}

/// Acklam's rational approximation for p <= 0.5.
fn quantile_lower(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e+01,
        2.209460984245205e+02,
        -2.759285104469687e+02,
        1.38357751867269e+02,
        -3.066479806614716e+01,
        2.506628277459239e+00,
    ];
    const B: [f64; 6] = [
        -5.447609879822406e+01,
        1.615858368580409e+02,
        -1.556989798598866e+02,
        6.680131188771972e+01,
        -1.328068155288572e+01,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-03,
        -3.223964580411365e-01,
        -2.400758277161838e+00,
        -2.549732539343734e+00,
        4.374664141464968e+00,
        2.938163982698783e+00,
    ];
    const D: [f64; 5] =
        [7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1.0];
    let polynomial = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    if p < 0.02425 {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&C, q) / polynomial(&D, q)
    } else {
        let q = p - 0.5;
        q * polynomial(&A, q * q) / polynomial(&B, q * q)
    }
}

/// The x with P(-x <= T <= x) = `level` for Student's t with `freedom` > 0 degrees of freedom.
pub(crate) fn two_sided_t(level: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |t| t.inverse_cdf(0.5 + level / 2.0))
}

/// A normal distribution cut to an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Truncated {
    mean: f64,
    sd: f64,
    /// Ends of the interval.
    pub low: f64,
    pub high: f64,
    /// P(Z <= low) and P(Z <= high).
    cut: (f64, f64),
}

impl Truncated {
    /// The normal of the given mean and standard deviation (> 0) on [low, high].
    pub fn new(mean: f64, sd: f64, low: f64, high: f64) -> Self {
        let cut = (cdf((low - mean) / sd), cdf((high - mean) / sd));
        Self { mean, sd, low, high, cut }
    }

    /// The draw that belongs to a uniform number in [0, 1), by inversion.
    pub fn draw(&self, uniform: f64) -> f64 {
        let p = self.cut.0 + (self.cut.1 - self.cut.0) * uniform;
        (self.mean + self.sd * quantile(p)).clamp(self.low, self.high)
    }

    /// How fast draws grow where the draw is `value`.
    fn slope(&self, value: f64) -> f64 {
        let z = (value - self.mean) / self.sd;
        let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
        (self.cut.1 - self.cut.0) * self.sd / density
    }

    /// The coefficients, from t^0 on, of the cubic in t that draws follow between two uniform numbers, t = 0 at the first and
    /// t = 1 at the second, with the draws and their slopes there; none where it is farther from them than `near`, in lengths
    /// of the interval.
    pub fn cubic(&self, (from, to): (f64, f64), near: f64) -> Option<[f64; 4]> {
        let (a, b) = (self.draw(from), self.draw(to));
        let (first, last) = (self.slope(a) * (to - from), self.slope(b) * (to - from));
        let cubic = [a, first, 3.0 * (b - a) - 2.0 * first - last, 2.0 * (a - b) + first + last];
        let off = |t: f64| (value_at(&cubic, t) - self.draw(from + (to - from) * t)).abs();
        // Where it bends most it is farthest off in the first or the last quarter.
        let follows = [0.25, 0.5, 0.75].into_iter().all(|t| off(t) <= near * (self.high - self.low));
        follows.then_some(cubic)
    }
}

/// A cubic at a place.
pub(crate) fn value_at([a, b, c, d]: &[f64; 4], t: f64) -> f64 {
    ((d * t + c) * t + b) * t + a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubics_follow_the_draws_or_are_none() {
        for (mean, sd, low, high, least) in
            [(0.0, 1.0, 0.0, 1.0, 32), (2.0, 0.5, 1.5, 4.0, 28), (10.0, 3.0, 1.0, 12.0, 28), (0.0, 1.0, 0.0, 9.0, 28)]
        {
            let cut = Truncated::new(mean, sd, low, high);
            let stretch = |i: u32| (f64::from(i) / 32.0, f64::from(i + 1) / 32.0);
            let cubics = (0..32).filter_map(|i| Some((stretch(i), cut.cubic(stretch(i), 1e-5)?)));
            let cubics: Vec<((f64, f64), [f64; 4])> = cubics.collect();
            // Only the far end of a long tail bends too much.
            assert!(cubics.len() >= least, "{mean} {sd} {low} {high}: {}", cubics.len());
            for ((from, to), cubic) in cubics {
                for t in (0..100).map(|i| f64::from(i) / 100.0) {
                    let off = (value_at(&cubic, t) - cut.draw(from + (to - from) * t)).abs() / (high - low);
                    assert!(off <= 1.1e-5, "{mean} {sd} {low} {high}: {off} at {t} of {from}");
                }
            }
        }
    }

    #[test]
    fn equals_published_values() {
        // scipy.stats.norm.cdf and ppf.
        for (x, p) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.96, 0.024_997_895_148_220_435),
            (-6.0, 9.865_876_450_376_946e-10),
            (3.7, 0.999_892_200_266_522_6),
        ] {
            assert!((cdf(x) / p - 1.0).abs() < 1e-12, "cdf({x}) = {}", cdf(x));
            assert!((quantile(p) - x).abs() < 1e-8, "quantile({p}) = {}", quantile(p));
        }
        // scipy.stats.t.ppf(0.975, df).
        for (freedom, x) in
            [(1.0, 12.706_204_736), (4.0, 2.776_445_105), (142.0, 1.976_810_994), (9_999.0, 1.960_201_264)]
        {
            assert!((two_sided_t(0.95, freedom) - x).abs() < 1e-8, "{}", two_sided_t(0.95, freedom));
        }
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(cdf(f64::INFINITY), 1.0);
    }
}
