//! Rows that were explained by their parts, each by itself, as one explanation of the table they come from.

use serde::{Deserialize, Serialize};

use crate::explanation::{Cube, Explanation, LimeDetail};
use crate::input::FeatureInfo;
use crate::request::{Method, Space};

/// The attributions of the parts of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartValues {
    /// Parts x explained outputs.
    pub values: Vec<Vec<f64>>,
    /// Their standard errors, where the method samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std_error: Option<Vec<Vec<f64>>>,
    /// Where their sum begins, one for each explained output: the answer to the row without its parts; of LIME the
    /// intercept.
    pub base: Vec<f64>,
}

/// One row explained by its parts.
pub struct RowOfParts {
    /// Of one row, whose features are the parts.
    pub explanation: Explanation,
    /// The features of the table that each part stands for.
    pub members: Vec<Vec<usize>>,
}

/// What a feature of the table has of the parts that stand for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carry {
    /// The attribution of its part: a pixel has that of its segment, and the sum over pixels means nothing.
    Whole,
    /// The sum of its parts': a text has that of its words.
    Sum,
}

/// Puts rows together; the values are rows x features x outputs, and beside them stand those of the parts of each row.
/// None without rows.
pub fn joined(
    rows: Vec<RowOfParts>,
    features: &[FeatureInfo],
    carry: Carry,
    background_rows: usize,
) -> Option<(Explanation, Vec<PartValues>)> {
    let first = &rows.first()?.explanation;
    let (width, outputs) = (features.len(), first.outputs.len());
    let named = first.outputs.iter().copied().zip(first.output_names.iter().cloned()).collect();
    let begun = Explanation::begun(first.method, rows.len(), background_rows, features, Vec::new(), named, first.seed);
    let mut all = Explanation {
        method_reason: first.method_reason.clone(),
        exact: true,
        space: first.space,
        lime: first.lime.as_ref().map(|lime| LimeDetail {
            intercepts: Vec::new(),
            local_predictions: Vec::new(),
            conditions: Vec::new(),
            ..lime.clone()
        }),
        r2: first.r2.as_ref().map(|_| Vec::new()),
        graph_difference: first.graph_difference,
        ..begun
    };
    let sampled = carry == Carry::Whole && rows.iter().any(|row| row.explanation.std_error.is_some());
    let mut errors = Cube::zeros(rows.len(), width, outputs);
    let settles = rows.iter().all(|row| row.explanation.settled.len() == 1);
    let mut parts = Vec::with_capacity(rows.len());
    for (r, RowOfParts { explanation: one, members }) in rows.into_iter().enumerate() {
        for (part, of) in members.iter().enumerate() {
            for (feature, k) in of.iter().flat_map(|f| (0..outputs).map(move |k| (*f, k))) {
                all.values.row_mut(r)[feature * outputs + k] += one.values.get(0, part, k);
                if let Some(found) = &one.std_error {
                    errors.row_mut(r)[feature * outputs + k] = found.get(0, part, k);
                }
            }
        }
        parts.push(part_values(&one));
        all.take(one, settles);
    }
    all.std_error = sampled.then_some(errors);
    let count = parts.len() as f64;
    all.base_values = std::mem::take(&mut all.base_values).into_iter().map(|sum| sum / count).collect();
    Some((all, parts))
}

fn part_values(one: &Explanation) -> PartValues {
    let nested = |cube: &Cube| {
        let (_, parts, outputs) = cube.shape();
        (0..parts).map(|p| (0..outputs).map(|k| cube.get(0, p, k)).collect()).collect()
    };
    let intercepts = one.lime.as_ref().and_then(|lime| lime.intercepts.first());
    PartValues {
        values: nested(&one.values),
        std_error: one.std_error.as_ref().map(nested),
        base: intercepts.unwrap_or(&one.base_values).clone(),
    }
}

impl Explanation {
    /// Takes over what one more row says beside its values. Base values are summed up.
    fn take(&mut self, one: Explanation, settles: bool) {
        // Enumeration is what sampling does with few parts, so the method of all rows is the one that samples.
        if one.method != self.method && self.method == Method::Exact {
            self.method = one.method;
            self.method_reason = one.method_reason;
        }
        if one.space == Space::Raw {
            self.space = Space::Raw;
        }
        self.exact &= one.exact;
        self.base_values.resize(one.base_values.len(), 0.0);
        self.base_values.iter_mut().zip(&one.base_values).for_each(|(sum, base)| *sum += base);
        self.predictions.extend(one.predictions);
        self.residuals.extend(one.residuals);
        self.residual_max = self.residual_max.max(one.residual_max);
        self.model_rows += one.model_rows;
        if settles {
            self.settled.extend(one.settled);
        }
        if let (Some(all), Some(r2)) = (&mut self.r2, one.r2) {
            all.extend(r2);
        }
        if let (Some(all), Some(lime)) = (&mut self.lime, one.lime) {
            all.intercepts.extend(lime.intercepts);
            all.local_predictions.extend(lime.local_predictions);
            all.conditions.push(Vec::new());
        }
        for warning in one.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }
}
