//! Draws from the bins of a number: a bin by its frequency, then a value in it.
//!
//! A draw is an inversion of the distribution. It is looked up as a cubic between uniform numbers that lie so close that no
//! sample could tell it from the inversion itself, which takes over where none is as close.

use crate::normal::{Truncated, value_at};

/// Bits of a uniform number that choose a stretch of a bin, and what is left of 32 for the place there.
const STRETCH: u32 = 5;
const PLACE: u32 = 32 - STRETCH;
/// How far cubics may be from the inversion, in lengths of the bin.
const NEAR: f64 = 1e-5;
/// The most bins: four quarters, and missing values.
const MOST: usize = 5;

/// How a value is drawn within a bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Inside {
    Spread(Truncated),
    Point(f64),
    Missing,
}

impl Inside {
    fn draw(&self, uniform: f64) -> f64 {
        match self {
            Self::Spread(normal) => normal.draw(uniform),
            Self::Point(value) => *value,
            Self::Missing => f64::NAN,
        }
    }

    /// The cubic of a stretch, NaN where there is none.
    fn cubic(&self, stretch: u32) -> [f64; 4] {
        let at = |i: u32| f64::from(i) / f64::from(1u32 << STRETCH);
        match self {
            Self::Spread(normal) => {
                normal.cubic((at(stretch), at(stretch + 1)), NEAR).unwrap_or([f64::NAN, 0.0, 0.0, 0.0])
            }
            _ => [self.draw(0.0), 0.0, 0.0, 0.0],
        }
    }

    /// The least and the largest value, what is not known included.
    fn ends(&self) -> (f64, f64) {
        match self {
            Self::Spread(normal) => (normal.low, normal.high),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }
}

/// Bins with their frequencies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bins {
    inside: Vec<Inside>,
    /// Of each bin but the last the share of it and those before, in parts of 2^32.
    shares: [u64; MOST - 1],
    /// Bin by bin the cubics of its stretches.
    cubics: Vec<[f64; 4]>,
    ends: Vec<(f64, f64)>,
}

impl Bins {
    /// At most [`MOST`] bins, with cumulative shares that end at 1.
    pub fn new(inside: Vec<Inside>, cumulative: &[f64]) -> Self {
        let mut shares = [u64::MAX; MOST - 1];
        let before_last = &cumulative[..cumulative.len().saturating_sub(1)];
        shares.iter_mut().zip(before_last).for_each(|(to, share)| *to = (share * 2f64.powi(32)).round() as u64);
        let cubics = inside.iter().flat_map(|bin| (0..1 << STRETCH).map(|stretch| bin.cubic(stretch))).collect();
        let ends = inside.iter().map(Inside::ends).collect();
        Self { inside, shares, cubics, ends }
    }

    /// The value and the bin that belong to random bits: the upper half chooses the bin, the lower the value.
    pub fn draw(&self, bits: u64) -> (f64, usize) {
        let (upper, lower) = (bits >> 32, bits as u32);
        // Counted, not searched for: where a draw falls nobody can foresee.
        let bin = self.shares.iter().map(|share| usize::from(upper >= *share)).sum::<usize>();
        let stretch = (lower >> PLACE) as usize;
        let place = f64::from(lower & ((1 << PLACE) - 1)) / f64::from(1u32 << PLACE);
        let value = value_at(&self.cubics[bin << STRETCH | stretch], place);
        if value.is_nan() {
            return (self.inside[bin].draw(f64::from(lower) / 2f64.powi(32)), bin);
        }
        let (low, high) = self.ends[bin];
        (value.clamp(low, high), bin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_the_inversion() {
        let inside = [
            Inside::Spread(Truncated::new(0.0, 1.0, -0.5, 1.0)),
            Inside::Point(7.0),
            Inside::Spread(Truncated::new(10.0, 1.0, 10.0, 16.0)),
            Inside::Missing,
        ];
        let bins = Bins::new(inside.to_vec(), &[0.25, 0.5, 0.75, 1.0]);
        for bin in 0..4u64 {
            for i in 0..10_000u64 {
                let lower = i * 429_496 + 7;
                let (value, found) = bins.draw(bin << 62 | lower);
                let want = inside[bin as usize].draw(lower as f64 / 2f64.powi(32));
                let same = value.is_nan() && want.is_nan() || (value - want).abs() <= 1e-4;
                assert!(found == bin as usize && same, "{bin} {i}: {value} {want}");
            }
        }
    }

    #[test]
    fn bins_without_a_share_are_never_drawn() {
        let bins = Bins::new(vec![Inside::Point(0.0), Inside::Point(1.0), Inside::Missing], &[0.0, 1.0, 1.0]);
        assert!([0, 1 << 32, u64::MAX].into_iter().all(|bits| bins.draw(bits) == (1.0, 1)));
    }
}
