//! How many samples fit into memory: more are refused before anything is worked out.

use crate::error::ExplainError;
use crate::request::{ExplainRequest, Method};

/// More samples than this tell nothing more in a lifetime.
pub(super) const MOST_SAMPLES: usize = 10_000_000;
/// Bytes that the samples of one row may take.
const MEMORY: usize = 1 << 30;

/// Bytes that a set of Kernel SHAP takes: half of a pair.
fn pair_bytes(features: usize, outputs: usize) -> usize {
    (8 * (features + outputs) + features * 3 / 8 + 192).div_ceil(2)
}

/// Refuses numbers of samples that are beyond sense or memory; `features` and `outputs` are those explained.
pub(super) fn check(
    method: Method,
    request: &ExplainRequest,
    features: usize,
    outputs: usize,
) -> Result<(), ExplainError> {
    let (asked, bytes) = match method {
        Method::Auto
        | Method::Tree
        | Method::Path
        | Method::Linear
        | Method::Exact
        | Method::Saliency
        | Method::InputGradient
        | Method::Integrated
        | Method::SmoothGrad
        | Method::Expected
        | Method::DeepLift
        | Method::DeepShap
        | Method::Guided
        | Method::Relevance
        | Method::Occlusion
        | Method::GradCam => return Ok(()),
        // Half as many pairs: the regression's row, its answers, three sets of bits. Each player needs some.
        Method::Kernel => {
            (request.samples.unwrap_or(0).max(crate::kernel::fewest(features)), pair_bytes(features, outputs))
        }
        // One order and its reverse at a time.
        Method::Permutation | Method::Owen => (request.samples.unwrap_or(0), 0),
        // A bit for each part, its row of the answers, and what they are weighed with.
        Method::Lime if request.lime.parts.is_some() => {
            (request.samples.unwrap_or(0), features.div_ceil(8) + 8 * (outputs + 4))
        }
        // The perturbed rows twice, once as the surrogate sees them, and their answers.
        Method::Lime => (request.samples.unwrap_or(0), 8 * (3 * features + outputs + 2)),
    };
    if method == Method::Kernel && crate::kernel::fewest(features) * bytes > MEMORY {
        // Its row in the regression grows with the players, and so does the number of rows that it needs.
        let most = (1..features)
            .rev()
            .find(|players| crate::kernel::fewest(*players) * pair_bytes(*players, outputs) <= MEMORY);
        return Err(ExplainError::TooManyPlayers { players: features, most: most.unwrap_or_default() });
    }
    let most = MEMORY.checked_div(bytes).unwrap_or(MOST_SAMPLES).min(MOST_SAMPLES);
    if asked > most {
        return Err(ExplainError::TooManySamples { asked, most, features });
    }
    Ok(())
}
