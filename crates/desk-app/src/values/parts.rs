//! Words of a text and segments of a picture on a page: marked where they stand, by sign and strength.

use super::svg::{Bar, escape};
use crate::outcome::{Explained, Segmented, WordedRow};

/// Pixels of a page that a picture's longer side takes at most.
const SIDE: usize = 480;

/// The parts of one row for one output, and what shows where they are; none where columns are explained.
pub fn of(a: &Explained, row: usize, output: usize) -> Option<(Vec<Bar>, String)> {
    if let Some(text) = &a.text {
        let row = text.rows.get(row)?;
        return Some((words(row, output), marked(row, output)));
    }
    let segments = a.segments.as_ref()?;
    Some((bars(segments, row, output)?, picture(segments, row, output)?))
}

fn words(row: &WordedRow, output: usize) -> Vec<Bar> {
    let bar = |(span, count): (&crate::outcome::Span, usize)| Bar {
        label: if count > 1 { format!("{} ({count} times)", span.text) } else { span.text.clone() },
        part: span.contribution.get(output).copied().unwrap_or(f64::NAN),
        error: span.standard_error.as_ref().and_then(|errors| errors.get(output).copied()),
    };
    row.strongest(output).into_iter().map(bar).collect()
}

/// How strong each part is beside the strongest, from 0 to 1, with its class of colour.
fn tone(value: f64, largest: f64) -> (&'static str, f64) {
    let strength = if largest > 0.0 { (value.abs() / largest).min(1.0) } else { 0.0 };
    (if value < 0.0 { "down" } else { "up" }, strength)
}

/// The whole text, its words on the colour of their sign.
fn marked(row: &WordedRow, output: usize) -> String {
    let value = |span: &crate::outcome::Span| span.contribution.get(output).copied().unwrap_or(0.0);
    let largest = row.spans.iter().map(|span| value(span).abs()).fold(0.0, f64::max);
    let characters: Vec<char> = row.text.chars().collect();
    let plain = |from: usize, to: usize| escape(&characters[from..to].iter().collect::<String>());
    let (mut html, mut at) = (String::from("<p class=\"text\">"), 0);
    for span in &row.spans {
        html.push_str(&plain(at, span.start));
        let (class, strength) = tone(value(span), largest);
        let percent = (60.0 * strength).round();
        let sign = if value(span) < 0.0 { "−" } else { "+" };
        let title = format!("{sign}{}", desk_core::words::short(value(span).abs()));
        let word = plain(span.start, span.end);
        html.extend([format!("<mark class=\"{class}\" style=\"--s:{percent}%\" title=\"{title}\">{word}</mark>")]);
        at = span.end;
    }
    html + &plain(at, characters.len()) + "</p>\n"
}

fn bars(segments: &Segmented, row: usize, output: usize) -> Option<Vec<Bar>> {
    let row = segments.rows.get(row)?;
    let bar = |segment: usize| {
        let (pixels, down, across) = row.place(segment, segments.picture.width);
        Bar {
            label: format!("segment {segment}: {pixels} pixels around {:.0}, {:.0}", down + 1.0, across + 1.0),
            part: row.of.values[segment].get(output).copied().unwrap_or(f64::NAN),
            error: row.of.std_error.as_ref().and_then(|errors| errors[segment].get(output).copied()),
        }
    };
    Some((0..row.count()).map(bar).collect())
}

/// The picture's segments in the colour of their sign, as lines of pixels that are of one segment.
fn picture(segments: &Segmented, row: usize, output: usize) -> Option<String> {
    let row = segments.rows.get(row)?;
    let (height, width) = (segments.picture.height, segments.picture.width);
    let value =
        |segment: u32| row.of.values.get(segment as usize).and_then(|of| of.get(output)).copied().unwrap_or(0.0);
    let largest = (0..row.count() as u32).map(|segment| value(segment).abs()).fold(0.0, f64::max);
    let scale = (SIDE / height.max(width)).max(1);
    let mut svg = format!(
        "<svg class=\"picture\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"Segments by what they contribute\" shape-rendering=\"crispEdges\">",
        width * scale,
        height * scale
    );
    for (y, line) in row.ids.chunks(width.max(1)).enumerate() {
        let mut x = 0;
        for run in line.chunk_by(|a, b| a == b) {
            let (class, strength) = tone(value(run[0]), largest);
            let pixels = run.len();
            svg.extend([format!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{pixels}\" height=\"1\" opacity=\"{strength:.2}\"/>"
            )]);
            x += run.len();
        }
    }
    Some(svg + "</svg>\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::samples;
    use super::*;

    #[test]
    fn words_are_marked_where_they_stand_and_nothing_of_a_text_is_markup() {
        let span = |start: usize, end: usize, text: &str, value: f64| json!({ "start": start, "end": end, "text": text, "part": start, "contribution": [value] });
        let row = json!({ "text": "é <b>bad", "base": [0.25], "spans": [span(0, 1, "é", 0.0), span(3, 4, "b", 0.5),
            span(5, 8, "bad", -0.25)] });
        let text = json!({ "column": "review", "bag": true, "rows": [row] });
        let answer = Explained { text: serde_json::from_value(text).expect("words"), ..samples::explained() };
        let (bars, html) = of(&answer, 0, 0).expect("words");
        assert_eq!(bars.iter().map(|bar| bar.label.as_str()).collect::<Vec<_>>(), ["b", "bad", "é"]);
        assert!(html.contains("&lt;<mark class=\"up\" style=\"--s:60%\" title=\"+0.5000\">b</mark>&gt;"), "{html}");
        assert!(html.contains("<mark class=\"down\" style=\"--s:30%\" title=\"−0.2500\">bad</mark></p>"), "{html}");
        let page = super::super::page::page(&answer, &[]);
        assert!(page.contains("base 0.2500") && page.contains("<mark class=\"up\""), "the row's own base");
    }

    #[test]
    fn segments_are_drawn_as_lines_of_their_pixels() {
        let picture = json!({ "first": 0, "channels": 1, "height": 2, "width": 3, "channels_last": false });
        let row = json!({ "ids": [0, 0, 1, 0, 1, 1], "values": [[0.2], [-0.4]], "base": [0.5] });
        let segments = json!({ "picture": picture, "asked": 2, "hidden": "own-mean", "rows": [row] });
        let answer =
            Explained { segments: serde_json::from_value(segments).expect("segments"), ..samples::explained() };
        let (bars, svg) = of(&answer, 0, 0).expect("segments");
        assert_eq!((bars.len(), svg.matches("<rect").count()), (2, 4));
        assert!(
            svg.contains("<rect class=\"down\" x=\"1\" y=\"1\" width=\"2\" height=\"1\" opacity=\"1.00\"/>"),
            "{svg}"
        );
        assert!(svg.contains("width=\"480\" height=\"320\" viewBox=\"0 0 3 2\""), "{svg}");
        assert!(super::super::page::page(&answer, &[]).contains("segment 1: 3 pixels around"));
    }
}
