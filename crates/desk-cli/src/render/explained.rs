//! The answer to `explain`.

use desk_app::outcome::Explained;

use super::lines::Lines;
use super::seconds;
use super::table::Table;

/// Rows and features that are shown; the rest is counted.
const ROWS: usize = 3;
const FEATURES: usize = 10;

pub fn explained(a: &Explained) -> String {
    let mut lines = Lines::default();
    lines.line(format!("{} of {}: {}", a.method, a.version, a.method_reason));
    for (r, row_number) in a.row_numbers.iter().enumerate().take(ROWS) {
        for (o, output) in a.output_names.iter().enumerate() {
            let prediction = a.predictions.get(r).and_then(|row| row.get(o)).copied().unwrap_or(f64::NAN);
            let base = a.base_values.get(o).copied().unwrap_or(f64::NAN);
            let fit = a.r2.as_ref().and_then(|r2| r2.get(r)?.get(o)).map(|r2| format!(", fit R² {r2:.3}"));
            let fit = fit.unwrap_or_default();
            lines.line(format!("Row {row_number}, {output} ({}): base {base:.4} → {prediction:.4}{fit}", a.space));
            lines.block(parts(a, r, o));
        }
    }
    if a.row_numbers.len() > ROWS {
        lines.line(format!("… {} more rows; --json or --out has them all", a.row_numbers.len() - ROWS));
    }
    lines.line(format!(
        "background {} rows ({}) · seed {} · largest residual {:.2e} · {} model rows · {}",
        a.background_rows,
        a.background,
        a.seed,
        a.residual_max,
        a.model_rows,
        seconds(a.seconds)
    ));
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

/// Features by the size of their part, with standard errors where the method samples.
fn parts(a: &Explained, r: usize, o: usize) -> String {
    let mut parts: Vec<(usize, f64)> = (0..a.feature_names.len()).map(|f| (f, a.value(r, f, o))).collect();
    parts.sort_by(|x, y| y.1.abs().total_cmp(&x.1.abs()));
    let sampled = a.std_error.is_some();
    let header = ["  feature", ">value", ">part", ">std error"];
    let mut table = Table::new(if sampled { &header } else { &header[..3] });
    for (f, part) in parts.iter().take(FEATURES) {
        let shown = a.feature_values.get(r).and_then(|row| row.get(*f)).cloned().unwrap_or_default();
        let mut cells = vec![format!("  {}", a.feature_names[*f]), shown, format!("{part:+.4}")];
        if let Some(error) = a.std_error(r, *f, o) {
            cells.push(format!("±{error:.4}"));
        }
        table.row(cells);
    }
    let text = table.render("");
    if parts.len() <= FEATURES {
        return text;
    }
    let rest: f64 = parts[FEATURES..].iter().map(|(_, part)| part).sum();
    format!("{text}\n  … {} more features, {rest:+.4} in all", parts.len() - FEATURES)
}
