//! What was measured of an explanation, for people; the JSON has the curves.

use desk_app::quality::QualityAnswer;

use super::lines::Lines;
use super::table::Table;

/// A row of figures for each row and output that was measured, and what they are.
pub fn quality(found: &QualityAnswer, outputs: &[String]) -> String {
    let mut lines = Lines::default();
    let headings: Vec<String> =
        std::iter::once("quality".to_owned()).chain(found.headings().map(|name| format!(">{name}"))).collect();
    let mut table = Table::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
    for (at, row) in found.row_numbers.iter().enumerate() {
        for (k, output) in outputs.iter().enumerate() {
            let mut cells = vec![format!("row {row}, {output}")];
            cells.extend(found.figures(at, k).map(|figure| figure.unwrap_or_else(|| "–".to_owned())));
            table.row(cells);
        }
    }
    lines.block(table.render("No row was measured"));
    found.notes().into_iter().for_each(|note| lines.line(format!("  {note}")));
    lines.text()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_told_is_a_dash() {
        let found = json!({
            "row_numbers": [4],
            "faithfulness": {
                "replaced_by": "mean", "background_rows": 100, "promise": "order", "model_rows": 7,
                "curves": [[{
                    "shares": [0.0, 1.0], "deletion": [0.9, 0.1], "insertion": [0.1, 0.9],
                    "deletion_area": 0.25, "insertion_area": 0.75, "random_area": 0.5,
                }]],
                "infidelity": [[{ "value": null, "std_error": null, "relative": null, "scaled": 0.125, "sets": 100 }]],
            },
            "sensitivity": { "radius": 0.1, "copies": 10, "values": [[null]] },
            "agreement": null,
            "model_rows": 21,
        });
        let text = quality(&serde_json::from_value(found).expect("an answer"), &["yes".to_owned()]);
        let cells: Vec<&str> = text.lines().nth(1).expect("a row").split_whitespace().collect();
        assert_eq!(cells, ["row", "4,", "yes", "0.2500", "0.7500", "0.5000", "–", "0.1250", "–", "–", "–", "–"]);
        assert!(text.contains("the mean of 100 background rows stands in; the method promises no size"), "{text}");
    }
}
