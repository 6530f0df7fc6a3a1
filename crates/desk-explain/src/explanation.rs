//! What comes out: attributions and everything that says how far to believe them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::gradient::GradientDetail;
use crate::input::FeatureInfo;
use crate::moves::BackgroundError;
use crate::occlusion::OcclusionDetail;
use crate::owen::OwenDetail;
use crate::players::Group;
use crate::request::{Method, PartsLime, Space};

/// Numbers indexed by row, feature and output; JSON sees nested lists in that order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cube {
    rows: usize,
    features: usize,
    outputs: usize,
    data: Vec<f64>,
}

impl Cube {
    /// Zeros of the given shape.
    pub fn zeros(rows: usize, features: usize, outputs: usize) -> Self {
        Self { rows, features, outputs, data: vec![0.0; rows * features * outputs] }
    }

    /// (rows, features, outputs).
    pub fn shape(&self) -> (usize, usize, usize) {
        (self.rows, self.features, self.outputs)
    }

    /// One number. Panics outside the shape, as a slice does.
    pub fn get(&self, row: usize, feature: usize, output: usize) -> f64 {
        self.row(row)[feature * self.outputs + output]
    }

    /// One row: features x outputs.
    pub fn row(&self, row: usize) -> &[f64] {
        let size = self.features * self.outputs;
        &self.data[row * size..(row + 1) * size]
    }

    /// One row, to be filled.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f64] {
        let size = self.features * self.outputs;
        &mut self.data[row * size..(row + 1) * size]
    }

    /// All numbers, row-major.
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// All numbers, to be filled.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// The attributions of one output for one row, a number for each feature.
    pub fn features_of(&self, row: usize, output: usize) -> Vec<f64> {
        self.row(row).iter().skip(output).step_by(self.outputs.max(1)).copied().collect()
    }
}

impl Serialize for Cube {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nested = (0..self.rows).map(|r| self.row(r).chunks(self.outputs.max(1)).collect::<Vec<_>>());
        serializer.collect_seq(nested)
    }
}

impl<'de> Deserialize<'de> for Cube {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nested: Vec<Vec<Vec<f64>>> = Vec::deserialize(deserializer)?;
        let features = nested.first().map_or(0, Vec::len);
        let outputs = nested.first().and_then(|row| row.first()).map_or(0, Vec::len);
        let even = nested.iter().all(|row| row.len() == features && row.iter().all(|cell| cell.len() == outputs));
        if !even {
            return Err(serde::de::Error::custom("attributions are not of one shape"));
        }
        let rows = nested.len();
        Ok(Self { rows, features, outputs, data: nested.into_iter().flatten().flatten().collect() })
    }
}

/// Shapley interaction values: for each row a symmetric matrix of features, for each output, whose rows add up to the
/// features' attributions. What two features do together is shared by halves; the diagonal is what a feature does alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Interactions {
    features: usize,
    /// Rows x (features x features) x outputs.
    values: Cube,
}

impl Interactions {
    pub(crate) fn new(features: usize, values: Cube) -> Self {
        Self { features, values }
    }

    /// One number. Panics outside the shape, as a slice does.
    pub fn get(&self, row: usize, one: usize, other: usize, output: usize) -> f64 {
        self.values.get(row, one * self.features + other, output)
    }

    /// (rows, features, outputs).
    pub fn shape(&self) -> (usize, usize, usize) {
        let (rows, _, outputs) = self.values.shape();
        (rows, self.features, outputs)
    }
}

impl Serialize for Interactions {
    /// Rows x features x features x outputs.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (rows, features, outputs) = self.shape();
        let matrix = |row| {
            let of_feature = self.values.row(row).chunks((features * outputs).max(1));
            of_feature.map(|cells| cells.chunks(outputs.max(1)).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        serializer.collect_seq((0..rows).map(matrix))
    }
}

impl<'de> Deserialize<'de> for Interactions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nested: Vec<Vec<Vec<Vec<f64>>>> = Vec::deserialize(deserializer)?;
        let features = nested.first().map_or(0, Vec::len);
        let outputs = nested.first().and_then(|row| row.first()?.first()).map_or(0, Vec::len);
        let square = |row: &Vec<Vec<Vec<f64>>>| row.len() == features && row.iter().all(|of| of.len() == features);
        if !nested.iter().all(|row| square(row) && row.iter().flatten().all(|cell| cell.len() == outputs)) {
            return Err(serde::de::Error::custom("interaction values are not of one shape"));
        }
        let mut values = Cube::zeros(nested.len(), features * features, outputs);
        let numbers = nested.into_iter().flatten().flatten().flatten();
        values.as_mut_slice().iter_mut().zip(numbers).for_each(|(to, from)| *to = from);
        Ok(Self::new(features, values))
    }
}

/// Names of the players.
fn names(features: &[FeatureInfo], groups: &[Group]) -> Vec<String> {
    let name = |(f, feature): (usize, &FeatureInfo)| match groups.iter().find(|group| group.features.contains(&f)) {
        Some(group) => (group.features.iter().min() == Some(&f)).then(|| group.name.clone()),
        None => Some(feature.name.clone()),
    };
    features.iter().enumerate().filter_map(name).collect()
}

/// Attributions that another background moves by more than this share of their length are warned of.
const FAR: f64 = 0.25;
/// Beyond so many times their length no share is told: there is next to nothing to move.
const BEYOND: f64 = 10.0;

/// What LIME says beyond its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimeDetail {
    /// Width of the exponential kernel.
    pub kernel_width: f64,
    /// Numbers were cut at the background's quartiles.
    pub discretized: bool,
    /// What was taken away: parts of each row; of tables none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartsLime>,
    /// Perturbed rows of each repetition.
    pub samples: usize,
    /// Independent repetitions behind means and standard errors.
    pub repeats: usize,
    /// The surrogate's intercept, rows x outputs.
    pub intercepts: Vec<Vec<f64>>,
    /// What the surrogate predicts for the row itself, rows x outputs.
    pub local_predictions: Vec<Vec<f64>>,
    /// The condition that each weight is about, rows x features: `2.00 < tenure <= 9.00`. None of parts.
    pub conditions: Vec<Vec<String>>,
}

/// Attributions for a set of rows, and how they came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The method that ran; never `auto`.
    pub method: Method,
    /// Why it ran, one sentence.
    pub method_reason: String,
    /// Whether the values are exact up to rounding.
    pub exact: bool,
    /// The number that is explained.
    pub space: Space,
    /// Names of the players: of features in column order, and of each group where its first feature stands.
    pub feature_names: Vec<String>,
    /// Groups of features that are one player.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// Names of the explained outputs.
    pub output_names: Vec<String>,
    /// Their indices in the model's own output.
    pub outputs: Vec<usize>,
    /// Mean over the background, one for each explained output.
    pub base_values: Vec<f64>,
    /// Attributions: rows x players x outputs.
    pub values: Cube,
    /// What the model gives in the explained space, rows x outputs.
    pub predictions: Vec<Vec<f64>>,
    /// base + sum of attributions - prediction, rows x outputs; for LIME, what the surrogate
    /// predicts for the row - prediction.
    pub residuals: Vec<Vec<f64>>,
    /// Largest |residual|.
    pub residual_max: f64,
    /// Standard error of each attribution, where the method samples.
    pub std_error: Option<Cube>,
    /// How far the attributions would move with another background of the same size; of trees and linear models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background_error: Option<BackgroundError>,
    /// For the first rows, how many of the largest attributions stand in an order that neither sampling nor the
    /// background's size may turn round (95 %), as far as these errors are known: rows x outputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Vec<usize>>,
    /// Weighted R2 of LIME's surrogate, rows x outputs.
    pub r2: Option<Vec<Vec<f64>>>,
    /// What else LIME says.
    pub lime: Option<LimeDetail>,
    /// Shapley interaction values, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactions: Option<Interactions>,
    /// What else the methods of gradients say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient: Option<GradientDetail>,
    /// What else occlusion says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occlusion: Option<OcclusionDetail>,
    /// What else Owen values say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owen: Option<OwenDetail>,
    /// Largest difference between the trees as read here and the graph's own answer on the
    /// explained rows, where both exist.
    pub graph_difference: Option<f64>,
    /// The seed.
    pub seed: u64,
    /// Background rows, all of which were used.
    pub background_rows: usize,
    /// Rows that the model scored for this.
    pub model_rows: u64,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

impl Explanation {
    /// What a method fills in: values of 0 for every row, feature and output.
    pub(crate) fn begun(
        method: Method,
        rows: usize,
        background: usize,
        features: &[FeatureInfo],
        groups: Vec<Group>,
        outputs: Vec<(usize, String)>,
        seed: u64,
    ) -> Self {
        let feature_names = names(features, &groups);
        let values = Cube::zeros(rows, feature_names.len(), outputs.len());
        let (outputs, output_names) = outputs.into_iter().unzip();
        Self {
            method,
            method_reason: String::new(),
            exact: false,
            space: Space::Raw,
            feature_names,
            groups,
            output_names,
            outputs,
            base_values: Vec::new(),
            values,
            predictions: Vec::new(),
            residuals: Vec::new(),
            residual_max: 0.0,
            std_error: None,
            background_error: None,
            settled: Vec::new(),
            r2: None,
            lime: None,
            interactions: None,
            gradient: None,
            occlusion: None,
            owen: None,
            graph_difference: None,
            seed,
            background_rows: background,
            model_rows: 0,
            warnings: Vec::new(),
        }
    }

    /// Finds out which orders stand firm, where an error is known.
    pub(crate) fn settle(&mut self) {
        let (rows, players, outputs) = self.values.shape();
        let of_background = self.background_error.as_ref().map(|errors| &errors.values);
        if self.std_error.is_none() && of_background.is_none() {
            return;
        }
        let rows = of_background.map_or(rows, |errors| errors.shape().0);
        let error = |row: usize, player: usize, output: usize| {
            let of = |errors: Option<&Cube>| errors.map_or(0.0, |errors| errors.get(row, player, output));
            of(self.std_error.as_ref()).hypot(of(of_background))
        };
        let settled = |row: usize, output: usize| {
            let errors: Vec<f64> = (0..players).map(|player| error(row, player, output)).collect();
            crate::moves::settled(&self.values.features_of(row, output), &errors)
        };
        self.settled = (0..rows).map(|row| (0..outputs).map(|output| settled(row, output)).collect()).collect();
        self.warn_of_background();
    }

    /// Warns where another background of the same size would move most rows' attributions far.
    fn warn_of_background(&mut self) {
        let Some(errors) = self.background_error.as_ref().map(|errors| &errors.values) else { return };
        let length = |numbers: Vec<f64>| numbers.iter().map(|x| x * x).sum::<f64>().sqrt();
        let (rows, _, outputs) = errors.shape();
        let moves = |row: usize| {
            let of = |k: usize| length(errors.features_of(row, k)) / length(self.values.features_of(row, k));
            (0..outputs).map(of).filter(|share| share.is_finite()).fold(0.0, f64::max)
        };
        let mut moves: Vec<f64> = (0..rows).map(moves).collect();
        moves.sort_by(f64::total_cmp);
        let Some(median) = moves.get(rows / 2).filter(|share| **share > FAR) else { return };
        let by = if *median > BEYOND {
            format!("more than {BEYOND:.0} times their size")
        } else {
            format!("{:.0} % of their size{}", 100.0 * median, if rows > 1 { " or more" } else { "" })
        };
        let whose = if rows > 1 { "of at least half the rows " } else { "" };
        self.warnings.push(format!(
            "Another background of {} rows would move the attributions {whose}by {by}: take more rows",
            self.background_rows
        ));
    }

    /// The same with the rows' own numbers in its warnings, in the place of those counted from 1.
    #[must_use]
    pub fn numbered(mut self, numbers: &[u64]) -> Self {
        for warning in &mut self.warnings {
            *warning = crate::error::numbered(warning, numbers);
        }
        self
    }

    /// Attributions of one row and one explained output, a number for each feature.
    pub fn attributions(&self, row: usize, output: usize) -> Vec<f64> {
        self.values.features_of(row, output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cube_is_nested_lists_in_json_and_back() {
        let mut cube = Cube::zeros(2, 3, 2);
        for (i, value) in cube.as_mut_slice().iter_mut().enumerate() {
            *value = i as f64;
        }
        let json = serde_json::to_string(&cube).expect("plain numbers");
        assert_eq!(json, "[[[0.0,1.0],[2.0,3.0],[4.0,5.0]],[[6.0,7.0],[8.0,9.0],[10.0,11.0]]]");
        assert_eq!(serde_json::from_str::<Cube>(&json).expect("its own text"), cube);
        assert_eq!(cube.features_of(1, 1), [7.0, 9.0, 11.0]);
        let mut pairs = Cube::zeros(1, 4, 1);
        pairs.as_mut_slice().copy_from_slice(&[1.0, 2.0, 2.0, 4.0]);
        let pairs = Interactions::new(2, pairs);
        let json = serde_json::to_string(&pairs).expect("plain numbers");
        assert_eq!(json, "[[[[1.0],[2.0]],[[2.0],[4.0]]]]");
        assert_eq!(serde_json::from_str::<Interactions>(&json).expect("its own text"), pairs);
        assert_eq!((pairs.get(0, 1, 1, 0), pairs.shape()), (4.0, (1, 2, 1)));
        assert!(serde_json::from_str::<Interactions>("[[[[1.0]],[[2.0]]]]").is_err());
        assert!(serde_json::from_str::<Cube>("[[[1.0]],[[1.0],[2.0]]]").is_err());
    }
}
