//! What was measured of an explanation, for people; the JSON has the curves.

use desk_app::quality::{Promise, QualityAnswer, Replacement};
use desk_core::words::short;

use super::lines::Lines;
use super::table::Table;

/// A row of figures for each row and output that was measured, and what they are.
pub fn quality(found: &QualityAnswer, outputs: &[String]) -> String {
    let mut lines = Lines::default();
    let top = found.agreement.as_ref().and_then(|agreed| agreed.values.first()?.first()).map_or(0, |of| of.top);
    let shared = format!(">shared of top {top}");
    let mut table = Table::new(&[
        "quality",
        ">deletion",
        ">insertion",
        ">random order",
        ">infidelity",
        ">scaled",
        ">max-sensitivity",
        &shared,
        ">Spearman",
        ">Kendall",
    ]);
    for (at, row) in found.row_numbers.iter().enumerate() {
        for (k, output) in outputs.iter().enumerate() {
            let mut cells = vec![format!("row {row}, {output}")];
            cells.extend(figures(found, at, k).map(|figure| figure.unwrap_or_else(|| "–".to_owned())));
            table.row(cells);
        }
    }
    lines.block(table.render("No row was measured"));
    if let Some(faithful) = &found.faithfulness {
        let gone = match faithful.replaced_by {
            Replacement::Rows => format!("{} background rows stand in", faithful.background_rows),
            Replacement::Mean => format!("the mean of {} background rows stands in", faithful.background_rows),
        };
        let promise = match faithful.promise {
            Promise::Order => "; the method promises no size, so its infidelity is the scaled one",
            Promise::Nothing => "; the method says no direction, so it has no infidelity",
            Promise::Shares | Promise::Slopes | Promise::Products => "",
        };
        lines.line(format!("  areas under the answer; for what is taken away {gone}{promise}"));
    }
    let moved = &found.sensitivity;
    lines.line(format!(
        "  infidelity as a part of the squared change; sensitivity to {} copies within {} standard deviations",
        moved.copies, moved.radius
    ));
    if let Some(agreed) = &found.agreement {
        lines.line(format!("  compared with {} in {} space", agreed.method, agreed.space));
    }
    lines.line(format!("  {} model rows for these figures", found.model_rows));
    lines.text()
}

/// The figures of a row and output, in the table's order.
fn figures(found: &QualityAnswer, at: usize, k: usize) -> [Option<String>; 9] {
    let curves = found.faithfulness.as_ref().and_then(|of| of.curves.get(at)?.get(k));
    let infidelity = found.faithfulness.as_ref().and_then(|of| of.infidelity.as_ref()?.get(at)?.get(k));
    let moved = found.sensitivity.values.get(at).and_then(|row| *row.get(k)?);
    let agreed = found.agreement.as_ref().and_then(|of| of.values.get(at)?.get(k));
    [
        curves.map(|of| short(of.deletion_area)),
        curves.map(|of| short(of.insertion_area)),
        curves.map(|of| short(of.random_area)),
        infidelity.and_then(|of| of.relative).map(short),
        infidelity.and_then(|of| of.scaled).map(short),
        moved.map(short),
        agreed.map(|of| format!("{:.0}", of.features * of.top as f64)),
        agreed.and_then(|of| of.spearman).map(|of| format!("{of:.3}")),
        agreed.and_then(|of| of.kendall).map(|of| format!("{of:.3}")),
    ]
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
