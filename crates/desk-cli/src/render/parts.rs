//! What an explanation says of segments of a picture and of words of a text.

use desk_app::outcome::{Explained, SegmentedRow, WordedRow};
use desk_core::words::short;

use super::explained::signed;
use super::lines::Lines;
use super::table::Table;
use crate::output::one_line;

/// Parts that are shown; the rest is counted.
const PARTS: usize = 10;
/// Characters of a text that are shown.
const CHARACTERS: usize = 1_000;

/// The parts of one row for one output; none where its columns are explained.
pub fn parts(a: &Explained, row: usize, output: usize) -> Option<String> {
    if let Some(text) = a.text.as_ref() {
        return text.rows.get(row).map(|row| words(row, output));
    }
    let segmented = a.segments.as_ref()?;
    segmented.rows.get(row).map(|row| segments(row, segmented.picture.width, output))
}

/// The text with the strongest words marked, and a table of them.
fn words(row: &WordedRow, output: usize) -> String {
    let strongest = row.strongest(output);
    let shown: Vec<usize> = strongest.iter().take(PARTS).map(|(span, _)| span.part).collect();
    let mut lines = Lines::default();
    lines.line(format!("  {}", marked(row, &shown, output)));
    let sampled = row.spans.iter().any(|span| span.standard_error.is_some());
    let header = ["  word", ">times", ">part", ">std error"];
    let mut table = Table::new(if sampled { &header } else { &header[..3] });
    for (span, count) in strongest.iter().take(PARTS) {
        let part = span.contribution.get(output).copied().unwrap_or(f64::NAN);
        let mut cells = vec![format!("  {}", span.text), count.to_string(), signed(part)];
        if let Some(error) = span.standard_error.as_ref().and_then(|errors| errors.get(output)) {
            cells.push(format!("±{}", short(*error)));
        }
        table.row(cells);
    }
    lines.block(table.render(""));
    let rest = || strongest.iter().skip(PARTS).filter_map(|(span, _)| span.contribution.get(output));
    if strongest.len() > PARTS {
        let sum = signed(rest().sum());
        lines.line(format!("  … {} more words, {sum} in all", strongest.len() - PARTS));
    }
    lines.text()
}

/// The beginning of a text in which these parts bear their sign: `was [late −] again`.
fn marked(row: &WordedRow, shown: &[usize], output: usize) -> String {
    let mut marked = String::new();
    let mut spans = row.spans.iter().filter(|span| shown.contains(&span.part)).peekable();
    for (at, character) in row.text.chars().enumerate().take(CHARACTERS) {
        if spans.peek().is_some_and(|span| span.start == at) {
            marked.push('[');
        }
        marked.push(character);
        if let Some(span) = spans.next_if(|span| span.end == at + 1) {
            let part = span.contribution.get(output).copied().unwrap_or_default();
            marked.push_str(match part {
                part if part > 0.0 => " +]",
                part if part < 0.0 => " −]",
                _ => "]",
            });
        }
    }
    if row.text.chars().count() > CHARACTERS {
        marked.push('…');
    }
    one_line(&marked)
}

/// The strongest segments, by where they are.
fn segments(row: &SegmentedRow, width: usize, output: usize) -> String {
    let value = |segment: usize| row.of.values[segment].get(output).copied().unwrap_or(f64::NAN);
    let mut all: Vec<usize> = (0..row.count()).collect();
    all.sort_by(|a, b| value(*b).abs().total_cmp(&value(*a).abs()).then(a.cmp(b)));
    let header = ["  segment", ">pixels", ">around row, column", ">part", ">std error"];
    let mut table = Table::new(if row.of.std_error.is_some() { &header } else { &header[..4] });
    for segment in all.iter().take(PARTS) {
        let (pixels, down, across) = row.place(*segment, width);
        let place = format!("{:.0}, {:.0}", down + 1.0, across + 1.0);
        let mut cells = vec![format!("  {segment}"), pixels.to_string(), place, signed(value(*segment))];
        if let Some(error) = row.of.std_error.as_ref().and_then(|errors| errors[*segment].get(output)) {
            cells.push(format!("±{}", short(*error)));
        }
        table.row(cells);
    }
    let text = table.render("");
    if all.len() <= PARTS {
        return text;
    }
    let rest: f64 = all[PARTS..].iter().map(|segment| value(*segment)).sum();
    format!("{text}\n  … {} more segments, {} in all", all.len() - PARTS, signed(rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_strongest_words_stand_out_with_their_sign() {
        let span = |start: usize, end: usize, text: &str, part: usize, value: f64| json!({ "start": start, "end": end, "text": text, "part": part, "contribution": [value] });
        let row: WordedRow = serde_json::from_value(json!({
            "text": "Füße late\n so late", "base": [0.5],
            "spans": [span(0, 4, "Füße", 0, 0.25), span(5, 9, "late", 1, -0.5), span(11, 13, "so", 2, 0.0),
                span(14, 18, "late", 1, -0.5)],
        }))
        .expect("a row");
        let text = words(&row, 0);
        assert!(text.starts_with("  [Füße +] [late −]\\n [so] [late −]\n"), "{text}");
        let lines: Vec<Vec<&str>> = text.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["late", "2", "-0.5000"], "{text}");
        assert_eq!(lines[1], ["Füße", "1", "+0.2500"]);
        let empty: WordedRow =
            serde_json::from_value(json!({ "text": "", "base": [0.5], "spans": [] })).expect("a row");
        assert_eq!(words(&empty, 0).trim(), "");
    }

    #[test]
    fn segments_are_told_by_their_place() {
        let row: SegmentedRow = serde_json::from_value(json!({
            "ids": [0, 0, 1, 0, 0, 1], "values": [[0.1], [-0.4]], "std_error": [[0.01], [0.02]], "base": [0.5],
        }))
        .expect("a row");
        let text = segments(&row, 3, 0);
        let lines: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["1", "2", "2,", "3", "-0.4000", "±0.0200"], "{text}");
    }
}
