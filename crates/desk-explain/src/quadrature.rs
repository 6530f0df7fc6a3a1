//! Gauss-Legendre quadrature on [0, 1].

/// Nodes and weights that integrate polynomials of degree 2n - 1 exactly.
#[derive(Debug)]
pub(crate) struct Rule(Vec<(f64, f64)>);

impl Rule {
    /// The rule of `n` nodes, by Newton's method on the Legendre polynomial.
    pub fn on_unit_interval(n: usize) -> Self {
        let node = |i: usize| {
            let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..50 {
                let (value, derivative) = legendre(n, x);
                slope = derivative;
                let step = value / derivative;
                x -= step;
                if step.abs() < 1e-16 {
                    break;
                }
            }
            // From [-1, 1] to [0, 1].
            ((1.0 - x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
        };
        Self((0..n).map(node).collect())
    }

    /// (node, weight), nodes ascending.
    pub fn nodes(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.0.iter().copied()
    }
}

/// The Legendre polynomial of degree n and its derivative.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (0.0, 1.0);
    for k in 0..n {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k + 1.0) * x * value - k * before) / (k + 1.0));
    }
    (value, n as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn powers_are_integrated_exactly() {
        for n in 1..=8 {
            let rule = Rule::on_unit_interval(n);
            for power in 0..2 * n {
                let found: f64 = rule.nodes().map(|(t, w)| w * t.powi(power as i32)).sum();
                assert!((found - 1.0 / (power as f64 + 1.0)).abs() < 1e-14, "{n} nodes, power {power}");
            }
        }
    }
}
