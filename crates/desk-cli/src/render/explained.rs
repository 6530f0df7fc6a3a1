//! The answer to `explain`.

use desk_app::outcome::Explained;

use desk_core::counted;
use desk_core::words::short;

use super::lines::Lines;
use super::parts::parts as of_parts;
use super::quality::quality;
use super::seconds;
use super::table::Table;

/// Rows and features that are shown; the rest is counted.
const ROWS: usize = 3;
const FEATURES: usize = 10;
/// Pairs of features that are shown.
const PAIRS: usize = 5;
/// Players whose unions are shown.
const UNITED: usize = 40;

pub fn explained(a: &Explained) -> String {
    let mut lines = Lines::default();
    lines.line(format!("{} of {}: {}", a.method, a.version, a.method_reason));
    if let Some(picked) = &a.picked {
        // A sentence marks names by backticks; this is no sentence.
        lines.line(picked.words(a.row_numbers.len()).replace('`', ""));
    }
    for (r, row_number) in a.row_numbers.iter().enumerate().take(ROWS) {
        for o in 0..a.output_names.len() {
            let prediction = a.predictions.get(r).and_then(|row| row.get(o)).copied().unwrap_or(f64::NAN);
            let base = a.base(r, o);
            let head = format!("Row {row_number}, {}", a.unit(o));
            let probability = a.probabilities.as_ref().and_then(|all| all.get(r)?.get(o).copied());
            let probability = probability.map_or_else(String::new, |p| format!(", a probability of {}", short(p)));
            if a.is_additive() || a.segments.is_some() && !a.is_lime() {
                lines.line(format!("{head}: base {} → {}{probability}", short(base), short(prediction)));
            } else {
                lines.line(format!("{head}: the model says {}{}", short(prediction), stand_in(a, r, o)));
            }
            if let Some(sum) = a.delta(r, o) {
                let (delta, moved, points) = (sum.delta, short(sum.moved), sum.points);
                let of = if a.occlusion.is_some() { "windows" } else { "points" };
                lines.line(format!("  completeness: off by {delta:.2e} of {moved}, with {points} {of}"));
            }
            if let Some(standing) = a.standing(r) {
                lines.line(format!("  {standing}"));
            }
            lines.block(of_parts(a, r, o).unwrap_or_else(|| parts(a, r, o)));
            lines.block(pairs(a, r, o));
            if let Some(settled) = a.settled_words(r, o) {
                lines.line(format!("  {settled}"));
            }
        }
    }
    if a.row_numbers.len() > ROWS {
        let more = counted((a.row_numbers.len() - ROWS) as u64, "more row");
        lines.line(format!("… {more}; --json or --out has them all"));
    }
    let kernel = a.lime.as_ref().map(|lime| format!(" · kernel width {:.3}", lime.kernel_width)).unwrap_or_default();
    let miss = a.residual_max;
    let residual = match () {
        () if a.is_lime() => format!(" · stand-in and model differ by at most {miss:.2e}"),
        () if a.is_additive() || a.segments.is_some() => format!(" · largest residual {miss:.2e}"),
        () => String::new(),
    };
    let background = match a.background_rows {
        0 => format!("absent: {}", a.background),
        rows => format!("background {} ({})", counted(rows as u64, "row"), a.background),
    };
    lines.line(format!(
        "{background} · seed {}{kernel}{residual} · {} model rows · {}",
        a.seed,
        a.model_rows,
        seconds(a.seconds)
    ));
    if let Some(groups) = a.groups_words() {
        lines.line(format!("one player each: {groups}; --no-groups takes every column by itself"));
    }
    if let Some(owen) = a.owen.as_ref().filter(|_| a.feature_names.len() <= UNITED) {
        lines.line(format!("unions: {}", owen.hierarchy.words(&a.feature_names)));
    }
    if let Some(found) = &a.quality {
        lines.block(quality(found, &a.output_names));
    }
    if let Some(truth) = a.truth() {
        lines.line(format!("truth: {truth}, which is no feature"));
    }
    if a.output_from_test {
        lines.line("explained is the class that the last test counted as positive; --output names another");
    }
    for warning in &a.warnings {
        lines.line(format!("warning: {warning}"));
    }
    if let Some(out) = &a.out {
        lines.line(format!("written to {}", out.display()));
    }
    if !a.run.is_empty() {
        lines.line(format!("run {}", a.run));
    }
    lines.text()
}

/// LIME's linear stand-in in its own sum, which does not begin at the background's mean nor end at the prediction.
fn stand_in(a: &Explained, r: usize, o: usize) -> String {
    let Some(s) = a.surrogate(r, o) else {
        let fit = a.r2.as_ref().and_then(|r2| r2.get(r)?.get(o));
        return fit.map(|r2| format!(", fit R² {r2:.3}")).unwrap_or_default();
    };
    let parts = s.local_prediction - s.intercept;
    format!(
        "; its linear stand-in: intercept {:.4} {} contributions {:.4} = local prediction {:.4}, fit R² {:.3}",
        s.intercept,
        if parts < 0.0 { "−" } else { "+" },
        parts.abs(),
        s.local_prediction,
        s.r2
    )
}

/// Features by the size of their part, with standard errors where the method samples.
fn parts(a: &Explained, r: usize, o: usize) -> String {
    let mut parts: Vec<(usize, f64)> = (0..a.feature_names.len()).map(|f| (f, a.value(r, f, o))).collect();
    parts.sort_by(|x, y| y.1.abs().total_cmp(&x.1.abs()));
    let sampled = a.std_error.is_some();
    let header = ["  feature", ">value", ">part", ">std error"];
    let mut table = Table::new(if sampled { &header } else { &header[..3] });
    for (f, part) in parts.iter().take(FEATURES) {
        let shown = a.feature_values.get(r).and_then(|row| row.get(*f)).cloned().unwrap_or_default();
        let mut cells = vec![format!("  {}", a.feature_names[*f]), shown, signed(*part)];
        if let Some(error) = a.std_error(r, *f, o) {
            cells.push(format!("±{}", short(error)));
        }
        table.row(cells);
    }
    let text = table.render("");
    if parts.len() <= FEATURES {
        return text;
    }
    let rest: f64 = parts[FEATURES..].iter().map(|(_, part)| part).sum();
    format!("{text}\n  … {}, {} in all", counted((parts.len() - FEATURES) as u64, "more feature"), signed(rest))
}

/// The pairs of features that do most only together, where interaction values were asked for: what both halves of the
/// matrix say of a pair.
fn pairs(a: &Explained, r: usize, o: usize) -> String {
    let Some(matrix) = a.interactions.as_ref().and_then(|all| all.get(r)) else { return String::new() };
    let value = |i: usize, j: usize| {
        let cell = matrix.get(i).and_then(|row| row.get(j));
        cell.and_then(|cell| cell.as_f64().or_else(|| cell.get(o)?.as_f64())).unwrap_or(f64::NAN)
    };
    let n = a.feature_names.len();
    let each = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    let mut all: Vec<(usize, usize, f64)> = each.map(|(i, j)| (i, j, value(i, j) + value(j, i))).collect();
    all.retain(|(.., both)| *both != 0.0);
    all.sort_by(|x, y| y.2.abs().total_cmp(&x.2.abs()));
    let mut table = Table::new(&["  only together", ">part"]);
    for (i, j, both) in all.iter().take(PAIRS) {
        table.row(vec![format!("  {} and {}", a.feature_names[*i], a.feature_names[*j]), signed(*both)]);
    }
    let mut lines = Lines::default();
    lines.block(table.render("  No two features do anything only together"));
    if all.len() > PAIRS {
        let more = counted((all.len() - PAIRS) as u64, "more pair");
        lines.line(format!("  … {more}; --json or a .json file of --out has them all"));
    }
    lines.text()
}

pub(super) fn signed(part: f64) -> String {
    let sign = if part.is_sign_negative() { "" } else { "+" };
    format!("{sign}{}", short(part))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answer(more: &Value) -> Explained {
        let digest = desk_core::Digest::of("any");
        let mut all = json!({
            "version": "tumour@2", "model_digest": digest, "method": "tree", "method_reason": "as asked",
            "space": "probability", "feature_names": ["age", "size"], "output_names": ["malignant"],
            "base_values": [0.4], "values": [[0.3, -0.05]], "predictions": [[0.65]],
            "feature_values": [["61", "2.5"]], "feature_numbers": [[61.0, 2.5]], "row_numbers": [4],
            "residual_max": 1e-9, "seed": 0, "background_rows": 100, "background": "all rows of b.csv",
            "background_digest": digest, "model_rows": 10, "seconds": 1.0, "run": "", "digest": digest, "out": null,
        });
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more.clone());
        }
        serde_json::from_value(all).expect("an answer")
    }

    #[test]
    fn shapley_values_lead_from_the_base_to_the_prediction() {
        let text = explained(&answer(&json!({})));
        assert!(text.contains("Row 4, probability of malignant: base"), "{text}");
        assert!(text.contains("base 0.4000 → 0.6500") && text.contains("largest residual 1.00e-9"), "{text}");
    }

    #[test]
    fn a_raw_score_comes_with_its_probability_and_small_numbers_keep_their_size() {
        let raw = json!({ "space": "raw", "predictions": [[-17.3281]], "probabilities": [[2.98e-8]] });
        let text = explained(&answer(&raw));
        assert!(
            text.contains("Row 4, raw score of malignant: base 0.4000 → -17.3281, a probability of 2.980e-8"),
            "{text}"
        );
        let number = explained(&answer(&json!({ "space": "raw" })));
        assert!(number.contains("Row 4, prediction: base"), "{number}");
    }

    #[test]
    fn pairs_are_told_by_what_they_do_only_together() {
        let names = ["a", "b", "c", "d"];
        let one =
            |x: f64| json!([[0.1, x, 0.0, 0.2], [x, 0.0, -0.3, 0.01], [0.0, -0.3, 0.0, 0.02], [0.2, 0.01, 0.02, 0.0]]);
        let four = json!({ "feature_names": names, "values": [[0.1, 0.2, 0.3, 0.4]], "feature_values": [["", "", "", ""]],
            "interactions": [one(0.05)] });
        let text = explained(&answer(&four));
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
        assert!(at("b and c") < at("a and d") && text.contains("b and c        -0.6000"), "{text}");
        assert!(at("c and d") > at("a and b") && text.contains("b and d") && !text.contains("more pair"), "{text}");
        assert!(!explained(&answer(&json!({}))).contains("together"));
        // Of several outputs each has its own.
        let cell = |x: f64| json!([x, 10.0 * x]);
        let two = json!({ "output_names": ["x", "y"], "base_values": [0.1, 0.2], "predictions": [[0.5, 0.6]],
            "values": [[[0.1, 0.2], [0.3, 0.4]]],
            "interactions": [[[cell(0.0), cell(0.05)], [cell(0.05), cell(0.0)]]] });
        let text = explained(&answer(&two));
        assert!(text.contains("+0.1000") && text.contains("+1.0000"), "{text}");
    }

    #[test]
    fn lime_is_told_in_the_numbers_of_its_stand_in() {
        let lime = json!({
            "kernel_width": 1.06, "discretized": true, "samples": 5000, "repeats": 5,
            "intercepts": [[0.1]], "local_predictions": [[0.35]], "conditions": [["", ""]],
        });
        let text = explained(&answer(&json!({
            "method": "lime", "residual_max": 0.3, "r2": [[0.5]], "lime": lime,
        })));
        let sum = "the model says 0.6500; its linear stand-in: intercept 0.1000 + contributions 0.2500 = local \
                   prediction 0.3500, fit R² 0.500";
        assert!(text.contains(sum), "{text}");
        assert!(text.contains("kernel width 1.060 · stand-in and model differ by at most 3.00e-1"), "{text}");
        assert!(!text.contains("base 0.4") && !text.contains("residual"), "{text}");
    }
}
