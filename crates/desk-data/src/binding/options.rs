//! What a user, or the model's own metadata, can say about the mapping.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cells::Number;

/// A value that stands for a missing cell or column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FillValue {
    /// For inputs of whole numbers, to the last digit: float64 has no odd ones beyond 2^53.
    Integer(i128),
    /// For numeric inputs.
    Number(f64),
    /// For text inputs.
    Text(String),
}

/// Values for missing cells. A column's own value comes before the general ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fill {
    /// By column.
    pub columns: BTreeMap<String, FillValue>,
    /// For all numeric inputs.
    pub numbers: Option<f64>,
    /// For all text inputs.
    pub texts: Option<String>,
}

impl Fill {
    /// The number for a column.
    pub fn number(&self, column: &str) -> Option<f64> {
        match self.columns.get(column) {
            Some(FillValue::Number(value)) => Some(*value),
            Some(FillValue::Integer(value)) => Some(*value as f64),
            _ => self.numbers,
        }
    }

    /// The same as a cell of the column.
    pub(crate) fn cell(&self, column: &str) -> Option<Number> {
        match self.columns.get(column) {
            Some(FillValue::Integer(value)) => Some(Number::Int(*value)),
            _ => self.number(column).map(Number::Float),
        }
    }

    /// The text for a column.
    pub fn text(&self, column: &str) -> Option<&str> {
        match self.columns.get(column) {
            Some(FillValue::Text(value)) => Some(value),
            _ => self.texts.as_deref(),
        }
    }
}

/// Where channels stand in an image tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Rows, channels, height, width.
    Nchw,
    /// Rows, height, width, channels.
    Nhwc,
}

/// The channels of an image tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red, as OpenCV has it.
    Bgr,
    /// Grey: ITU-R 601 luma.
    Gray,
}

/// How pixels become numbers: `(pixel * scale - mean) / std` per channel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageOptions {
    /// Found from the shape when `None`.
    pub layout: Option<Layout>,
    /// From the number of channels when `None`: 1 is grey, 3 is red, green, blue.
    pub channels: Option<Channels>,
    /// 1/255 for float inputs and 1 for integer inputs when `None`.
    pub scale: Option<f64>,
    /// One for all channels or one each; zero when empty.
    pub mean: Vec<f64>,
    /// One for all channels or one each; one when empty.
    pub std: Vec<f64>,
}

/// How columns are to be matched to inputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BindOptions {
    /// Columns of inputs that are not left to matching.
    pub mapping: Option<BTreeMap<String, Vec<String>>>,
    /// The column that holds the truth; it feeds no input and must exist.
    pub target: Option<String>,
    /// Further columns with a truth, for models of several numbers a row; they must exist.
    pub more_targets: Vec<String>,
    /// Columns that feed nothing, whatever they are called; they must exist.
    pub drop: Vec<String>,
    /// The target's name in the model's metadata; left out where the data lacks it.
    pub target_hint: Option<String>,
    /// The names of the columns that the model was trained with, in its order.
    pub feature_names: Option<Vec<String>>,
    /// Values of inputs that the data does not have.
    pub defaults: BTreeMap<String, FillValue>,
    /// Values for missing cells.
    pub fill: Fill,
    /// For picture inputs.
    pub image: ImageOptions,
}

impl BindOptions {
    /// What a model's metadata says: `feature_names` (a JSON list or a comma-separated one),
    /// `target`, `image_layout` (NCHW, NHWC), `image_mode` or `image_channels` (RGB, BGR, L, gray),
    /// `image_scale` (a number or `1/255`), `image_mean` and `image_std` (a number or a list).
    pub fn from_metadata(metadata: &[(String, String)]) -> Self {
        let value = |key: &str| metadata.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.trim());
        let numbers = |key: &str| value(key).and_then(number_list).unwrap_or_default();
        let channels = value("image_mode").or_else(|| value("image_channels"));
        Self {
            feature_names: value("feature_names").and_then(name_list),
            target_hint: value("target").filter(|name| !name.is_empty()).map(str::to_owned),
            image: ImageOptions {
                layout: value("image_layout").and_then(|text| match text.to_ascii_uppercase().as_str() {
                    "NCHW" | "CHW" => Some(Layout::Nchw),
                    "NHWC" | "HWC" => Some(Layout::Nhwc),
                    _ => None,
                }),
                channels: channels.and_then(|text| match text.to_ascii_uppercase().as_str() {
                    "RGB" => Some(Channels::Rgb),
                    "BGR" => Some(Channels::Bgr),
                    "L" | "GRAY" | "GREY" => Some(Channels::Gray),
                    _ => None,
                }),
                scale: value("image_scale").and_then(ratio),
                mean: numbers("image_mean"),
                std: numbers("image_std"),
            },
            ..Self::default()
        }
    }
}

/// `["a", "b"]` or `a, b`.
fn name_list(text: &str) -> Option<Vec<String>> {
    let names = match serde_json::from_str::<Vec<String>>(text) {
        Ok(names) => names,
        Err(_) if text.starts_with(['[', '{']) => return None,
        Err(_) => text.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    (!names.is_empty() && names.iter().all(|name| !name.is_empty())).then_some(names)
}

/// `[0.5, 0.5, 0.5]`, `0.5, 0.5, 0.5` or `0.5`.
fn number_list(text: &str) -> Option<Vec<f64>> {
    text.trim_matches(['[', ']', '(', ')']).split(',').map(|part| ratio(part.trim())).collect()
}

/// `0.5` or `1/255`.
fn ratio(text: &str) -> Option<f64> {
    let value = match text.split_once('/') {
        Some((above, below)) => above.trim().parse::<f64>().ok()? / below.trim().parse::<f64>().ok()?,
        None => text.parse().ok()?,
    };
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_in_its_usual_forms() {
        let metadata = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            BindOptions::from_metadata(&pairs)
        };
        let options = metadata(&[
            ("feature_names", "[\"a\", \"b, c\"]"),
            ("image_scale", "1/255"),
            ("image_mean", "[0.485, 0.456, 0.406]"),
            ("image_std", "0.5"),
            ("image_mode", "L"),
            ("image_layout", "NCHW"),
            ("target", "y"),
        ]);
        assert_eq!(options.feature_names, Some(vec!["a".into(), "b, c".into()]));
        assert_eq!(options.image.scale, Some(1.0 / 255.0));
        assert_eq!((options.image.mean.len(), options.image.std.as_slice()), (3, &[0.5][..]));
        assert_eq!((options.image.channels, options.image.layout), (Some(Channels::Gray), Some(Layout::Nchw)));
        assert_eq!(options.target_hint.as_deref(), Some("y"));
        assert_eq!(metadata(&[("feature_names", "a, b")]).feature_names.map(|n| n.len()), Some(2));
        assert_eq!(metadata(&[("feature_names", "[1, 2]")]).feature_names, None);
    }
}
