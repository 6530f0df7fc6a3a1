//! Answers so large that those of float32 next to each other are far apart.

use desk_explain::{Explanation, Method};

/// Share of what is attributed at most, from which the distance between two answers is told.
const SEEN: f64 = 0.01;

/// What to know where the model's answers cannot show what is attributed: `answers` of the explained rows, each with all
/// outputs.
pub fn coarse(explanation: &Explanation, answers: &[Vec<f64>]) -> Option<String> {
    let shares = matches!(
        explanation.method,
        Method::Tree
            | Method::Path
            | Method::Linear
            | Method::Exact
            | Method::Kernel
            | Method::Permutation
            | Method::Owen
            | Method::Lime
    );
    let (rows, features, outputs) = explanation.values.shape();
    let of_output = |k: usize| {
        let attributed = |row| (0..features).map(|f| explanation.values.get(row, f, k).abs()).sum::<f64>();
        let answer = |row: &Vec<f64>| row.get(explanation.outputs[k]).copied().unwrap_or_default().abs();
        told((0..rows).map(attributed).fold(0.0, f64::max), answers.iter().map(answer).fold(0.0, f64::max))
    };
    if shares && narrow(answers) { (0..outputs).find_map(of_output) } else { None }
}

/// What to know where the model's answers to rows, each with all outputs, are so large that they hardly differ.
pub fn coarse_answers(answers: &[Vec<f64>]) -> Option<String> {
    let of_output = |k: usize| {
        let of = || answers.iter().filter_map(|row| row.get(k)).copied();
        let (low, high) = of().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let (next, largest) = step(low.abs().max(high.abs()));
        (high > low && next > SEEN * (high - low)).then(|| {
            format!(
                "The model answers in float32, where numbers near {largest:.3e} are {next:.2e} apart, and its answers to these \
                 rows lie within {:.2e}: what is said of their differences is rounding in part",
                high - low
            )
        })
    };
    let outputs = answers.first().map_or(0, Vec::len);
    if narrow(answers) { (0..outputs).find_map(of_output) } else { None }
}

/// What is no float32 comes from a wider type.
fn narrow(answers: &[Vec<f64>]) -> bool {
    answers.iter().flatten().all(|answer| f64::from(*answer as f32) == *answer)
}

/// How far the next float32 is from a number that is not negative, and that number.
fn step(number: f64) -> (f64, f64) {
    (f64::from((number as f32).next_up()) - f64::from(number as f32), number)
}

/// Of the most that a row has attributed, and the largest answer.
fn told(attributed: f64, answer: f64) -> Option<String> {
    let (next, answer) = step(answer);
    (attributed > 0.0 && next > SEEN * attributed).then(|| {
        format!(
            "The model answers in float32, where numbers near {answer:.3e} are {next:.2e} apart: of attributions of {attributed:.2e} \
             its answers show little or nothing"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_far_apart_are_told_where_little_is_attributed() {
        let found = told(300_000.0, 1e12).expect("told");
        assert!(found.contains("near 1.000e12 are 6.55e4 apart") && found.contains("of 3.00e5"), "{found}");
        assert_eq!(told(1e9, 1e12), None);
        assert_eq!(told(0.2, 1.0), None);
        assert_eq!(told(0.0, 1e12), None, "a row like the background");
    }

    #[test]
    fn answers_that_hardly_differ_are_told() {
        let told = |answers: &[f64]| coarse_answers(&answers.iter().map(|x| vec![0.5, *x]).collect::<Vec<_>>());
        let found = told(&[1e8, 1e8 + 24.0]).expect("told");
        assert!(found.contains("near 1.000e8 are 8.00e0 apart") && found.contains("within 2.40e1"), "{found}");
        assert_eq!(told(&[1e8, 2e8]), None);
        assert_eq!(told(&[1e8, 1e8]), None, "what never differs");
        assert_eq!(told(&[1e8, 1e8 + 24.1]), None, "a model of float64");
    }
}
