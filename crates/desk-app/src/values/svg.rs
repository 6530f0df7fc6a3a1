//! Drawings of attributions as SVG text.

use std::fmt::Write as _;

use desk_core::words::short;

/// Features that one drawing shows; the rest is one bar.
const BARS: usize = 14;
const WIDTH: f64 = 760.0;
const LABELS: f64 = 260.0;
const ROW: f64 = 26.0;
const TOP: f64 = 30.0;

/// One bar: what it is called and how long it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Plain text, escaped where it is drawn.
    pub label: String,
    /// Its length, with its sign.
    pub part: f64,
    /// One standard error, where the method samples.
    pub error: Option<f64>,
}

/// The largest bars by size, and all others as one.
pub fn largest(mut bars: Vec<Bar>) -> Vec<Bar> {
    bars.sort_by(|a, b| b.part.abs().total_cmp(&a.part.abs()));
    if bars.len() > BARS + 1 {
        let rest = bars.split_off(BARS);
        let part = rest.iter().map(|bar| bar.part).sum();
        bars.push(Bar { label: format!("{} more features", rest.len()), part, error: None });
    }
    bars
}

/// From the base value to the prediction, one step a feature.
pub fn waterfall(base: f64, prediction: f64, bars: &[Bar]) -> String {
    let mut at = base;
    let steps: Vec<(f64, f64)> = bars
        .iter()
        .map(|bar| {
            let from = at;
            at += bar.part;
            (from, at)
        })
        .collect();
    let ends = steps.iter().flat_map(|(from, to)| [*from, *to]).chain([base, prediction]);
    let scale = Scale::over(ends);
    let mut svg = open(bars.len(), "Steps from the base value to the prediction");
    mark(&mut svg, &scale, base, bars.len(), &format!("base {}", short(base)));
    mark(&mut svg, &scale, prediction, bars.len(), &format!("prediction {}", short(prediction)));
    for (i, (bar, (from, to))) in bars.iter().zip(&steps).enumerate() {
        draw(&mut svg, &scale, i, bar, Kind::Part, (*from, *to));
    }
    svg + "</svg>"
}

/// Each feature from zero.
pub fn bars(bars: &[Bar]) -> String {
    from_zero(bars, Kind::Part)
}

/// Each feature's size from zero: neither a direction nor a sign.
pub fn sizes(bars: &[Bar]) -> String {
    from_zero(bars, Kind::Size)
}

/// What a bar shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What pushes up or pulls down.
    Part,
    /// How much, in either direction.
    Size,
}

fn from_zero(bars: &[Bar], kind: Kind) -> String {
    let scale = Scale::over(bars.iter().map(|bar| bar.part).chain([0.0]));
    let mut svg = open(bars.len(), "Size of each feature's part");
    mark(&mut svg, &scale, 0.0, bars.len(), "0");
    for (i, bar) in bars.iter().enumerate() {
        draw(&mut svg, &scale, i, bar, kind, (0.0, bar.part));
    }
    svg + "</svg>"
}

/// Numbers to places across the drawing.
struct Scale {
    low: f64,
    per: f64,
}

impl Scale {
    fn over(numbers: impl Iterator<Item = f64>) -> Self {
        let finite = numbers.filter(|number| number.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        // Room for the numbers at both ends.
        let room = WIDTH - LABELS - 150.0;
        let span = high - low;
        if span > 0.0 && span.is_finite() { Self { low, per: room / span } } else { Self { low: 0.0, per: 0.0 } }
    }

    fn x(&self, number: f64) -> f64 {
        let x = LABELS + 75.0 + (number - self.low) * self.per;
        if x.is_finite() { x } else { LABELS + 75.0 }
    }
}

fn open(rows: usize, title: &str) -> String {
    let height = TOP + rows as f64 * ROW + 8.0;
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         xmlns=\"http://www.w3.org/2000/svg\"><title>{}</title>",
        escape(title)
    )
}

fn mark(svg: &mut String, scale: &Scale, number: f64, rows: usize, text: &str) {
    let (x, bottom) = (scale.x(number), TOP + rows as f64 * ROW);
    let right = x > f64::midpoint(LABELS, WIDTH);
    let anchor = if right { "end" } else { "start" };
    push(svg, format_args!("<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"20\" y2=\"{bottom}\"/>"));
    push(
        svg,
        format_args!("<text class=\"mark\" x=\"{x:.1}\" y=\"14\" text-anchor=\"{anchor}\">{}</text>", escape(text)),
    );
}

fn draw(svg: &mut String, scale: &Scale, i: usize, bar: &Bar, kind: Kind, (from, to): (f64, f64)) {
    let y = TOP + i as f64 * ROW;
    let (left, right) = (scale.x(from.min(to)), scale.x(from.max(to)));
    let (class, number) = match kind {
        Kind::Size => ("size", short(bar.part)),
        Kind::Part if bar.part < 0.0 => ("down", signed(bar.part)),
        Kind::Part => ("up", signed(bar.part)),
    };
    let middle = y + ROW / 2.0 + 4.0;
    push(
        svg,
        format_args!(
            "<text class=\"name\" x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>",
            LABELS - 8.0,
            escape(&cut(&bar.label))
        ),
    );
    let width = (right - left).max(1.0);
    push(
        svg,
        format_args!(
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\" rx=\"2\"><title>{}: {}</title></rect>",
            y + 4.0,
            ROW - 8.0,
            escape(&bar.label),
            number
        ),
    );
    if let Some(error) = bar.error.filter(|error| error.is_finite()) {
        let (low, high) = (scale.x(to - error), scale.x(to + error));
        let y = y + ROW / 2.0;
        push(svg, format_args!("<line class=\"error\" x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{y}\" y2=\"{y}\"/>"));
    }
    push(svg, format_args!("<text class=\"part\" x=\"{:.1}\" y=\"{middle}\">{}</text>", right + 6.0, number));
}

/// Writing to a string cannot fail.
fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).ok();
}

/// At most 40 characters, so that labels stay in their column.
fn cut(label: &str) -> String {
    const MOST: usize = 40;
    if label.chars().count() <= MOST {
        return label.to_owned();
    }
    label.chars().take(MOST - 1).chain(['…']).collect()
}

/// Four digits that matter.
fn signed(number: f64) -> String {
    if number < 0.0 { short(number).replacen('-', "−", 1) } else { format!("+{}", short(number)) }
}

/// Text as a page and a drawing may hold it.
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Nothing that a drawing's reader refuses or that turns the direction of writing.
            c if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                safe.push('\u{fffd}');
            }
            c => safe.push(c),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, part: f64) -> Bar {
        Bar { label: label.to_owned(), part, error: None }
    }

    #[test]
    fn the_smallest_become_one_bar_and_the_sum_stays() {
        let many: Vec<Bar> = (0..40).map(|i| bar(&format!("f{i}"), f64::from(i) - 20.0)).collect();
        let sum: f64 = many.iter().map(|bar| bar.part).sum();
        let shown = largest(many);
        assert_eq!((shown.len(), shown.last().map(|bar| bar.label.as_str())), (BARS + 1, Some("26 more features")));
        assert!((shown.iter().map(|bar| bar.part).sum::<f64>() - sum).abs() < 1e-12);
    }

    #[test]
    fn odd_numbers_still_draw() {
        for parts in [vec![], vec![0.0], vec![f64::NAN, 1.0], vec![1e300, -1e300], vec![1e-12]] {
            let list: Vec<Bar> = parts.iter().map(|part| bar("<b>", *part)).collect();
            let svg = waterfall(0.5, 0.5, &list) + &bars(&list);
            assert!(!svg.contains("NaN\"") && !svg.contains("inf\"") && !svg.contains("<b>"), "{svg}");
        }
    }
}
