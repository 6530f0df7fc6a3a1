//! The values of a tensor in figures.

use desk_core::words::bytes;
use desk_core::{NumberFacts, TensorFacts};

use super::lines::Lines;

/// Values that are shown.
const SHOWN: usize = 10;
/// Characters of the longest bar of the histogram.
const WIDEST: u64 = 40;
/// Bins that are put together into one line.
const TOGETHER: usize = 4;

/// Shape, type, figures, a histogram and the first values.
pub fn tensor(a: &TensorFacts) -> String {
    let mut lines = Lines::default();
    let dims: Vec<String> = a.dims.iter().map(i64::to_string).collect();
    lines.line(format!("{}  {} [{}]", a.name, a.element, dims.join(", ")));
    if !a.graph.is_main() {
        lines.line(format!("  graph     {}", a.graph));
    }
    let size = a.bytes.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    let place = a.external.as_ref().map(|file| format!(" in {file}")).unwrap_or_default();
    lines.line(format!("  values    {}{size}{place}", a.elements));
    if let Some(numbers) = &a.numbers {
        figures(&mut lines, a, numbers);
    }
    let shown: Vec<String> = a.first.iter().take(SHOWN).cloned().collect();
    let more = if a.elements > shown.len() as u64 { ", …" } else { "" };
    lines.line(format!("  first     {}{more}", shown.join(", ")));
    lines.text()
}

fn figures(lines: &mut Lines, a: &TensorFacts, numbers: &NumberFacts) {
    let mut figure = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            lines.line(format!("  {name:<9} {value}"));
        }
    };
    figure("smallest", numbers.min);
    figure("largest", numbers.max);
    figure("mean", numbers.mean);
    figure("std", numbers.std);
    let share = if a.elements > 0 { 100.0 * numbers.zeros as f64 / a.elements as f64 } else { 0.0 };
    lines.line(format!("  zeros     {} ({share:.1} %)", numbers.zeros));
    if numbers.nans + numbers.infinite > 0 {
        lines.line(format!("  no number {}, infinite {}", numbers.nans, numbers.infinite));
    }
    let together = if numbers.counts.len() > WIDEST as usize / 2 { TOGETHER } else { 1 };
    let bins: Vec<(usize, u64)> =
        numbers.counts.chunks(together).enumerate().map(|(i, counts)| (i * together, counts.iter().sum())).collect();
    let most = bins.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    for (i, count) in &bins {
        let end = numbers.edges[(i + together).min(numbers.edges.len() - 1)];
        let bar = "#".repeat((count * WIDEST).div_ceil(most) as usize);
        lines.line(format!("  {:>10} to {:>10}  {bar} {count}", edge(numbers.edges[*i]), edge(end)));
    }
}

/// A number with as many digits as tell bins apart.
fn edge(x: f64) -> String {
    if x == 0.0 || (1e-3..1e6).contains(&x.abs()) { format!("{x:.4}") } else { format!("{x:.3e}") }
}

#[cfg(test)]
mod tests {
    use desk_core::GraphPath;

    use super::*;

    #[test]
    fn a_tensor_is_told_in_figures() {
        let numbers = NumberFacts {
            finite: 3,
            zeros: 1,
            nans: 1,
            min: Some(-1.0),
            max: Some(2.0),
            mean: Some(0.5),
            edges: vec![-1.0, 0.5, 2.0],
            counts: vec![2, 1],
            ..NumberFacts::default()
        };
        let facts = TensorFacts {
            name: "w".into(),
            graph: GraphPath::default(),
            element: "float32".into(),
            dims: vec![2, 2],
            elements: 4,
            bytes: Some(16),
            external: None,
            numbers: Some(numbers),
            first: vec!["-1.0".into(), "NaN".into()],
        };
        let text = tensor(&facts);
        for told in [
            "w  float32 [2, 2]",
            "smallest  -1",
            "zeros     1 (25.0 %)",
            "no number 1, infinite 0",
            "-1.0000 to     0.5000",
            "first     -1.0, NaN, …",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }
}
