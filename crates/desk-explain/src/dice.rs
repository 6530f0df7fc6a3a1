//! Random numbers that are the same bits everywhere, for ever.
//!
//! Only the generator (ChaCha8) comes from a library; everything on top is here, so that an update
//! of a library never changes a recorded explanation.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::normal;

/// A stream of random numbers.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of a seed, a row's content and a purpose. A row has the same stream wherever it
    /// stands in a table, so it is explained alone as it is among others.
    pub fn new(seed: u64, row: &[f64], purpose: u64) -> Self {
        let mut hash = mix(seed ^ 0x6d6f_6465_6c64_6573);
        for value in row {
            hash = mix(hash ^ value.to_bits());
        }
        let mut rng = ChaCha8Rng::seed_from_u64(hash);
        rng.set_stream(purpose);
        Self(rng)
    }

    /// 64 tosses of a coin.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in 0..n without bias (Lemire 2019). `n` must not be 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(n);
            let low = product as u64;
            // What is below the threshold is below n: the division is seldom needed.
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 64) as usize;
            }
        }
    }

    /// Standard normal, by inversion.
    pub fn normal(&mut self) -> f64 {
        // The middle of one of 2^53 cells: never 0, never 1.
        normal::quantile(self.uniform() + 0.5 / (1u64 << 53) as f64)
    }

    /// Puts the items into random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// The finaliser of SplitMix64: every input bit moves every output bit.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// `count` different places of `of`, ascending, one drawn of each of as many stretches of the same length: spread evenly, but in
/// step with nothing that comes again and again.
pub fn spread(count: usize, of: usize, seed: u64) -> Vec<usize> {
    /// The stream of random numbers that spreads.
    const STRETCHES: u64 = 13;
    let mut dice = Dice::new(seed, &[], STRETCHES);
    let count = count.min(of);
    let place = |i: usize| {
        let (from, to) = (i * of / count, (i + 1) * of / count);
        from + dice.below(to - from)
    };
    (0..count).map(place).collect()
}

/// `count` different places of `of`, drawn without replacement: the same for the same seed.
pub fn draw(count: usize, of: usize, seed: u64) -> Vec<usize> {
    /// The stream of random numbers that draws.
    const PLACES: u64 = 12;
    let mut places: Vec<usize> = (0..of).collect();
    Dice::new(seed, &[], PLACES).shuffle(&mut places);
    places.truncate(count);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_are_pinned() {
        let mut dice = Dice::new(7, &[1.0, f64::NAN], 3);
        let found: Vec<usize> = (0..6).map(|_| dice.below(1000)).collect();
        let mut again = Dice::new(7, &[1.0, f64::NAN], 3);
        assert_eq!(found, (0..6).map(|_| again.below(1000)).collect::<Vec<_>>());
        assert_ne!(found, (0..6).map(|_| Dice::new(8, &[1.0], 3).below(1000)).collect::<Vec<_>>());
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut dice = Dice::new(1, &[], 0);
        let n = 200_000;
        let normal: Vec<f64> = (0..n).map(|_| dice.normal()).collect();
        let mean = normal.iter().sum::<f64>() / f64::from(n);
        let var = normal.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.01 && (var - 1.0).abs() < 0.02, "{mean} {var}");
        // Mean of a standard normal cut to [0, 1]: (pdf(0) - pdf(1)) / (cdf(1) - cdf(0)).
        let cut = normal::Truncated::new(0.0, 1.0, 0.0, 1.0);
        let mean = (0..n).map(|_| cut.draw(dice.uniform())).sum::<f64>() / f64::from(n);
        assert!((mean - 0.459_862).abs() < 0.003, "{mean}");
        let below = (0..n).map(|_| dice.below(3)).filter(|x| *x == 2).count();
        assert!((below as f64 / f64::from(n) - 1.0 / 3.0).abs() < 0.005);
    }
}
