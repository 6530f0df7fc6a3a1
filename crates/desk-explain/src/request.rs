//! What is asked: the method, the space, the effort.

use std::fmt;
use std::str::FromStr;

use desk_core::words::quoted;
use serde::{Deserialize, Serialize};

use crate::error::ExplainError;
use crate::owen::Hierarchy;
use crate::players::Group;

/// How attributions are worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The best that fits: tree, else linear, else exact, else kernel.
    #[default]
    Auto,
    /// Exact interventional Shapley values of a tree ensemble (Lundberg et al. 2020).
    Tree,
    /// Exact path-dependent Shapley values of a tree ensemble (Lundberg et al. 2020), with covers counted from the
    /// background.
    Path,
    /// Shapley values of a linear model in closed form (Lundberg and Lee 2017).
    Linear,
    /// Shapley values by enumerating all sets of features, up to 12 of them.
    Exact,
    /// Kernel SHAP (Lundberg and Lee 2017), paired and stratified, with standard errors.
    Kernel,
    /// Antithetic permutation sampling (Castro et al. 2009; Mitchell et al. 2022).
    Permutation,
    /// Owen values (Owen 1977; Winter 1989): Shapley values of players in unions, of given groups, or of columns that go
    /// together.
    Owen,
    /// LIME (Ribeiro et al. 2016).
    Lime,
    /// The size of the gradient (Simonyan et al. 2014).
    Saliency,
    /// Gradient times input.
    #[serde(rename = "ixg")]
    InputGradient,
    /// Integrated gradients from the background's mean (Sundararajan et al. 2017).
    #[serde(rename = "ig")]
    Integrated,
    /// The mean gradient over noisy copies (Smilkov et al. 2017).
    SmoothGrad,
    /// Expected gradients over the background (Erion et al. 2021), known as GradientSHAP.
    #[serde(rename = "gradshap")]
    Expected,
    /// DeepLIFT's rescale rule (Shrikumar et al. 2017) against the background's mean.
    DeepLift,
    /// The mean of DeepLIFT against each row of the background (Lundberg and Lee 2017).
    DeepShap,
    /// Guided backpropagation (Springenberg et al. 2015).
    #[serde(rename = "guided-backprop")]
    Guided,
    /// Layer-wise relevance propagation by the epsilon rule (Bach et al. 2015).
    #[serde(rename = "lrp")]
    Relevance,
    /// What the answer loses when a window of features is covered by a baseline (Zeiler and Fergus 2014).
    Occlusion,
    /// Grad-CAM (Selvaraju et al. 2017): the class activation map of a convolution.
    #[serde(rename = "grad-cam")]
    GradCam,
}

/// The epsilon of [`Method::Relevance`]: small enough to keep what layers add up, and no sum is divided by less.
pub const LRP_EPSILON: f64 = 1e-6;

impl Method {
    /// Every method, in the order of the documentation.
    pub const ALL: [Self; 20] = [
        Self::Auto,
        Self::Tree,
        Self::Path,
        Self::Linear,
        Self::Exact,
        Self::Kernel,
        Self::Permutation,
        Self::Owen,
        Self::Lime,
        Self::Saliency,
        Self::InputGradient,
        Self::Integrated,
        Self::SmoothGrad,
        Self::Expected,
        Self::DeepLift,
        Self::DeepShap,
        Self::Guided,
        Self::Relevance,
        Self::Occlusion,
        Self::GradCam,
    ];

    /// True for the methods that go back through the model, by its gradient or by a rule that changes it, see [`crate::explain_gradients`].
    pub fn needs_gradients(self) -> bool {
        match self {
            Self::Auto
            | Self::Tree
            | Self::Path
            | Self::Linear
            | Self::Exact
            | Self::Kernel
            | Self::Permutation
            | Self::Owen
            | Self::Lime
            | Self::Occlusion => false,
            Self::Saliency
            | Self::InputGradient
            | Self::Integrated
            | Self::SmoothGrad
            | Self::Expected
            | Self::DeepLift
            | Self::DeepShap
            | Self::Guided
            | Self::Relevance
            | Self::GradCam => true,
        }
    }

    /// True for the methods whose values are exact, but for rounding.
    pub(crate) fn is_exact(self) -> bool {
        matches!(self, Self::Tree | Self::Path | Self::Linear | Self::Exact | Self::Occlusion)
    }

    /// True for the methods that share the prediction out among players, which may be groups of features; the automatic
    /// choice is one of them.
    pub fn has_players(self) -> bool {
        matches!(
            self,
            Self::Auto
                | Self::Tree
                | Self::Path
                | Self::Linear
                | Self::Exact
                | Self::Kernel
                | Self::Permutation
                | Self::Owen
        )
    }

    /// True for the methods that need a model's trees.
    pub fn needs_trees(self) -> bool {
        matches!(self, Self::Tree | Self::Path)
    }

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Tree => "tree",
            Self::Path => "path",
            Self::Linear => "linear",
            Self::Exact => "exact",
            Self::Kernel => "kernel",
            Self::Permutation => "permutation",
            Self::Owen => "owen",
            Self::Lime => "lime",
            Self::Saliency => "saliency",
            Self::InputGradient => "ixg",
            Self::Integrated => "ig",
            Self::SmoothGrad => "smoothgrad",
            Self::Expected => "gradshap",
            Self::DeepLift => "deeplift",
            Self::DeepShap => "deepshap",
            Self::Guided => "guided-backprop",
            Self::Relevance => "lrp",
            Self::Occlusion => "occlusion",
            Self::GradCam => "grad-cam",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = ExplainError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|method| method.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|method| method.name()).collect();
            ExplainError::BadRequest(format!(
                "{text} is no method; there are {}",
                names.join(", "),
                text = quoted(&text)
            ))
        })
    }
}

/// Which number of the model is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    /// The score before the last transformation: log-odds of boosted trees, a regression's value.
    Raw,
    /// What the graph answers: probabilities of a classifier.
    Probability,
}

impl Space {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Probability => "probability",
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Space {
    type Err = ExplainError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "raw" => Ok(Self::Raw),
            "probability" => Ok(Self::Probability),
            _ => Err(ExplainError::BadRequest(format!(
                "{text} is no space; there are raw, probability",
                text = quoted(&text)
            ))),
        }
    }
}

/// Which outputs are explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputChoice {
    /// Each of them.
    #[default]
    All,
    /// One, from 0.
    One(usize),
}

impl OutputChoice {
    /// The outputs, of `count` that there are.
    ///
    /// # Errors
    /// There is no such output.
    pub(crate) fn among(self, count: usize) -> Result<Vec<usize>, ExplainError> {
        match self {
            Self::One(index) if index >= count => Err(ExplainError::NoSuchOutput { index, outputs: count }),
            Self::One(index) => Ok(vec![index]),
            Self::All => Ok((0..count).collect()),
        }
    }
}

/// Which features LIME's surrogate keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimeSelection {
    /// All of them.
    #[default]
    All,
    /// The `k` with the largest |weight x value| of a nearly unpenalised fit (lime's `highest_weights`).
    HighestWeights(usize),
}

/// How LIME takes parts away from a row whose features say which parts are there (1) and which are not (0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartsLime {
    /// As lime's `LimeImageExplainer`: each part goes by the toss of a coin; the kernel has a width of 0.25 over cosine
    /// distances.
    Picture,
    /// As lime's `LimeTextExplainer`: from one part to all of them go, each number equally often; the kernel has a width
    /// of 25 over 100 times the cosine distance.
    Text,
}

impl PartsLime {
    /// Width of the reference's kernel.
    pub(crate) fn kernel_width(self) -> f64 {
        match self {
            Self::Picture => 0.25,
            Self::Text => 25.0,
        }
    }

    /// Perturbed rows that the reference takes.
    pub(crate) fn samples(self) -> usize {
        match self {
            Self::Picture => 1000,
            Self::Text => 5000,
        }
    }
}

/// LIME's own settings; the defaults are those of lime 0.2.0.1 except that all features are kept
/// and that the fit is repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimeOptions {
    /// Numbers are cut at the background's quartiles (default) or used as they are, standardised.
    pub discretize: bool,
    /// Width of the exponential kernel; 0.75 * sqrt(features) when absent, of parts that of [`PartsLime`].
    pub kernel_width: Option<f64>,
    /// Ridge penalty of the surrogate.
    pub alpha: f64,
    /// Features that the surrogate keeps.
    pub selection: LimeSelection,
    /// Independent repetitions, whose mean and standard error are given.
    pub repeats: usize,
    /// The features are parts of one row, which are there (1) or not (0).
    #[serde(default)]
    pub parts: Option<PartsLime>,
}

impl Default for LimeOptions {
    fn default() -> Self {
        Self {
            discretize: true,
            kernel_width: None,
            alpha: 1.0,
            selection: LimeSelection::All,
            repeats: 5,
            parts: None,
        }
    }
}

/// How occlusion lays its windows; what is left out is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Windows {
    /// Features that are a picture, where some are; every other feature is a window of its own.
    pub picture: Option<Picture>,
    /// Pixels of a window's side, through all channels; an eighth of the picture's shorter side when absent.
    pub patch: Option<usize>,
    /// Pixels from one window to the next, at most the patch; half of the patch when absent.
    pub stride: Option<usize>,
    /// Features that are covered together, no one in two lists; every other one is covered alone. Not for pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<Vec<usize>>,
}

/// Neighbouring features that are the pixels of a picture, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The first of its features.
    pub first: usize,
    /// Numbers of each pixel.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// The channels of a pixel stand side by side, and not the pixels of a channel.
    pub channels_last: bool,
}

impl Picture {
    /// The picture in an input of these dimensions for each row, whose features begin at `first`: height x width, or
    /// with channels before or behind, which are fewer than there are pixels in a row or column.
    pub fn of(first: usize, dims: &[usize]) -> Option<Self> {
        let picture = match *dims {
            [height, width] => Self { first, channels: 1, height, width, channels_last: false },
            [channels, height, width] if channels <= width => {
                Self { first, channels, height, width, channels_last: false }
            }
            [height, width, channels] => Self { first, channels, height, width, channels_last: true },
            _ => return None,
        };
        (picture.height > 1 && picture.width > 1 && picture.channels > 0).then_some(picture)
    }

    /// How many features it has.
    pub fn cells(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The feature of a pixel's channel.
    pub fn feature(&self, channel: usize, row: usize, column: usize) -> usize {
        let at = if self.channels_last {
            (row * self.width + column) * self.channels + channel
        } else {
            (channel * self.height + row) * self.width + column
        };
        self.first + at
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExplainRequest {
    /// The method.
    pub method: Method,
    /// The space; when absent the one that the method is exact in.
    pub space: Option<Space>,
    /// Coalitions (kernel, permutation), perturbed rows per repetition (LIME) or points at which a gradient is taken;
    /// when absent 2,048 + 2 * features, 5,000 for LIME, and what each method of gradients needs.
    pub samples: Option<usize>,
    /// Seed of everything random: the same seed gives the same bits, on any number of threads.
    pub seed: u64,
    /// The outputs.
    pub output: OutputChoice,
    /// Kernel and permutation stop a row early once every standard error is at most this.
    pub max_std_error: Option<f64>,
    /// LIME's own settings.
    pub lime: LimeOptions,
    /// How occlusion lays its windows.
    #[serde(default)]
    pub windows: Windows,
    /// The layer of Grad-CAM; the last convolution when absent.
    #[serde(default)]
    pub layer: Option<String>,
    /// Shapley interaction values beside the attributions, by the methods for trees.
    #[serde(default)]
    pub interactions: bool,
    /// Features that are one player in Shapley values; see [`crate::find_groups`]. Other methods leave those that were
    /// found aside, and refuse those that were asked for.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// The players of Owen values in their unions; when absent, the given groups are unions of their columns, and where there
    /// are none, columns that go together.
    #[serde(default)]
    pub hierarchy: Option<Hierarchy>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_itself_back() {
        for method in Method::ALL {
            assert_eq!(method.to_string().parse::<Method>().expect("known"), method);
            assert_eq!(serde_json::to_string(&method).expect("JSON"), format!("\"{method}\""));
        }
        for space in [Space::Raw, Space::Probability] {
            assert_eq!(space.to_string().parse::<Space>().expect("known"), space);
        }
        let error = "shapley".parse::<Method>().expect_err("unknown");
        assert!(error.to_string().contains("kernel"), "{error}");
        assert!("logit".parse::<Space>().is_err());
    }
}
