//! Weighted sums of features.

use std::ops::Range;

use desk_core::linear::{LinearModel, Link};
use desk_core::{Dim, ValueInfo, ValueType};

use super::{Constant, MAX_WEIGHTS, Stop, Understood, not_linear};

/// Values of a row, each a weighted sum of the features and a number.
#[derive(Debug, Clone)]
pub(super) struct Affine {
    /// For each value the features that it adds up, each once.
    pub terms: Vec<Vec<(usize, f64)>>,
    /// What is added to each.
    pub added: Vec<f64>,
    /// Rows of values; else a row has further dimensions, such as those of a picture.
    pub table: bool,
}

/// The features that an input holds; `None` where the graph does not say.
pub(super) fn width(info: &ValueInfo) -> Understood<Option<usize>> {
    let ValueType::Tensor { element, shape } = &info.value_type else { return not_linear() };
    if !element.is_float() && !element.is_integer() {
        return not_linear();
    }
    let Some(dims) = shape else { return Ok(None) };
    let inner = dims.iter().skip(1).map(|dim| if let Dim::Fixed(n) = dim { usize::try_from(*n).ok() } else { None });
    Ok(inner.product())
}

/// True for an input with one dimension beside the rows', or of unknown shape.
pub(super) fn is_table(info: &ValueInfo) -> bool {
    !matches!(&info.value_type, ValueType::Tensor { shape: Some(dims), .. } if dims.len() != 2)
}

impl Affine {
    /// Features as they are.
    pub fn features(which: Range<usize>, table: bool) -> Self {
        let terms: Vec<_> = which.map(|feature| vec![(feature, 1.0)]).collect();
        Self { added: vec![0.0; terms.len()], terms, table }
    }

    /// Each value times a number and plus another one; lists of one or of as many as there are values.
    pub fn mapped(mut self, factors: &[f64], added: &[f64]) -> Understood<Self> {
        let fits = |list: &[f64]| list.len() == 1 || self.table && list.len() == self.terms.len();
        if !fits(factors) || !fits(added) {
            return not_linear();
        }
        let at = |list: &[f64], i: usize| if list.len() == 1 { list[0] } else { list[i] };
        for (i, (terms, number)) in self.terms.iter_mut().zip(&mut self.added).enumerate() {
            for (_, weight) in terms {
                *weight *= at(factors, i);
            }
            *number = *number * at(factors, i) + at(added, i);
        }
        Ok(self)
    }

    /// The sums of two lists of values; the second times `sign`.
    pub fn plus(&self, other: &Self, sign: f64) -> Understood<Self> {
        if self.terms.len() != other.terms.len() {
            return not_linear();
        }
        let both = self.terms.iter().zip(&other.terms);
        let terms =
            both.map(|(a, b)| gathered(a.iter().copied().chain(b.iter().map(|(f, w)| (*f, w * sign))))).collect();
        let added = self.added.iter().zip(&other.added).map(|(a, b)| a + sign * b).collect();
        Ok(Self { terms, added, table: self.table && other.table })
    }

    /// The values by a matrix of `inner` x `outer` numbers, `weight(i, o)` of which is that of value i in sum o.
    pub fn by(&self, outer: usize, weight: impl Fn(usize, usize) -> f64) -> Understood<Self> {
        let size: usize = self.terms.iter().map(Vec::len).sum();
        if !self.table || size.checked_mul(outer).is_none_or(|size| size > MAX_WEIGHTS) {
            return not_linear();
        }
        let sum = |o: usize| {
            let terms = self.terms.iter().enumerate();
            gathered(terms.flat_map(|(i, terms)| {
                let factor = weight(i, o);
                terms.iter().map(move |(feature, weight)| (*feature, weight * factor))
            }))
        };
        let number = |o: usize| self.added.iter().enumerate().map(|(i, number)| number * weight(i, o)).sum();
        Ok(Self { terms: (0..outer).map(sum).collect(), added: (0..outer).map(number).collect(), table: true })
    }

    /// Some of the values.
    pub fn chosen(&self, which: &Constant) -> Understood<Self> {
        let at = |index: &f64| {
            let index = if *index < 0.0 { index + self.terms.len() as f64 } else { *index } as usize;
            self.terms.get(index).map(|terms| (terms.clone(), self.added[index])).ok_or(Stop::NotLinear)
        };
        if !self.table || which.values.len() > MAX_WEIGHTS {
            return not_linear();
        }
        let found: Vec<_> = which.values.iter().map(at).collect::<Result<_, _>>()?;
        let (terms, added) = found.into_iter().unzip();
        Ok(Self { terms, added, table: true })
    }

    /// Values of several lists, side by side.
    pub fn joined(parts: Vec<Self>) -> Understood<Self> {
        let table = parts.iter().all(|part| part.table);
        let mut all = Self { terms: Vec::new(), added: Vec::new(), table };
        for part in parts {
            all.terms.extend(part.terms);
            all.added.extend(part.added);
        }
        if table { Ok(all) } else { not_linear() }
    }

    /// Two values of which one is the other with its sign turned.
    pub fn is_opposite_pair(&self) -> bool {
        let [one, other] = self.terms.as_slice() else { return false };
        let sum = gathered(one.iter().chain(other).copied());
        sum.iter().all(|(_, weight)| *weight == 0.0) && self.added.iter().sum::<f64>() == 0.0
    }

    /// The whole as a model; `None` where it has too many weights, or none.
    pub fn model(&self, width: usize, link: Link) -> Option<LinearModel> {
        let size = self.terms.len().checked_mul(width).filter(|size| *size <= MAX_WEIGHTS && *size > 0)?;
        let mut weights = vec![0.0; size];
        for (output, terms) in self.terms.iter().enumerate() {
            for (feature, weight) in terms {
                weights[output * width + feature] += weight;
            }
        }
        let finite = weights.iter().chain(&self.added).all(|number| number.is_finite());
        let intercepts = self.added.clone();
        (finite && !weights.iter().all(|w| *w == 0.0)).then_some(LinearModel {
            n_features: width,
            weights,
            intercepts,
            link,
        })
    }
}

/// Terms with each feature once, in their order.
fn gathered(terms: impl Iterator<Item = (usize, f64)>) -> Vec<(usize, f64)> {
    let mut all: Vec<(usize, f64)> = terms.collect();
    all.sort_by_key(|(feature, _)| *feature);
    all.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    all
}
