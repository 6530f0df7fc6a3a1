//! Values as one page that needs nothing else: no script, no font, no picture from anywhere.

use desk_core::counted;
use desk_core::words::short;
use desk_store::PinRow;

use super::parts;
use super::svg::{Bar, bars, escape, largest, sizes, waterfall};
use crate::outcome::Explained;
use crate::quality::QualityAnswer;

/// Rows that are drawn one by one, if no more are pinned; the summary is over all.
const DRAWN: usize = 25;

/// Colours have the roles of the window: blue adds, amber takes away.
const STYLE: &str = "
:root { color-scheme: light dark; --text: #1b1f24; --quiet: #5d6671; --line: #d5dae0; --up: #1a62d6; --down: #a86400; --warn: #8a5a00; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ed; --quiet: #9aa4af; --line: #3a424b; --up: #5b9dff; --down: #e69f00; --warn: #e5b454; --page: #14181d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 800px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } td { padding: .2rem 1rem .2rem 0; vertical-align: top; overflow-wrap: anywhere; }
th { text-align: left; padding-right: 1rem; font-weight: 600; }
td:first-child { color: var(--quiet); white-space: nowrap; }
.warning { border-left: 3px solid var(--warn); padding-left: .7rem; }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--text); } svg text.mark { fill: var(--quiet); } svg line.mark { stroke: var(--line); }
svg rect.up { fill: var(--up); } svg rect.down { fill: var(--down); } svg rect.size { fill: var(--quiet); } svg line.error { stroke: var(--text); stroke-width: 1.5; }
p.text { white-space: pre-wrap; overflow-wrap: anywhere; } mark { color: inherit; border-radius: 3px; }
mark.up { background: color-mix(in srgb, var(--up) var(--s), transparent); } mark.down { background: color-mix(in srgb, var(--down) var(--s), transparent); }
@media print { body { margin: 0; } section { break-inside: avoid; } }
";

/// The whole page; the rows that are pinned as evidence come first, with their notes.
pub fn page(a: &Explained, pins: &[PinRow]) -> String {
    let title = format!("Explanation of {}", a.version);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n",
        title = escape(&title)
    );
    page += &facts(a);
    page.extend(a.warnings.iter().map(|warning| format!("<p class=\"warning\">{}</p>\n", escape(warning))));
    // Parts of one row are not those of another.
    if a.row_numbers.len() > 1 && a.segments.is_none() && a.text.is_none() {
        page += &summary(a);
    }
    page.extend(a.quality.as_ref().map(|found| quality(found, a)));
    let drawn = drawn(a, pins);
    for r in &drawn {
        let number = a.row_numbers[*r];
        let said = said(a, *r, pins.iter().find(|pin| pin.row == number));
        for o in 0..a.output_names.len() {
            let settled = a.settled_words(*r, o).map(|words| paragraph("", &words)).unwrap_or_default();
            let drawing = format!("{said}{}{settled}", drawing(a, *r, o));
            page += &section(&format!("Row {number}, {}", a.unit(o)), &drawing);
        }
    }
    let rest = a.row_numbers.len() - drawn.len();
    if rest > 0 {
        page.extend([format!("<p>{rest} more rows are not drawn; a .json or .parquet file has them all</p>\n")]);
    }
    page + "</body></html>\n"
}

/// Places of the rows that are drawn: all that are pinned, in the order of the explanation, then others up to [`DRAWN`].
fn drawn(a: &Explained, pins: &[PinRow]) -> Vec<usize> {
    let pinned = |r: &usize| pins.iter().any(|pin| pin.row == a.row_numbers[*r]);
    let (mut first, others): (Vec<usize>, Vec<usize>) = (0..a.row_numbers.len()).partition(pinned);
    let room = DRAWN.saturating_sub(first.len());
    first.extend(others.into_iter().take(room));
    first
}

/// How a row stands, and why it is evidence.
fn said(a: &Explained, r: usize, pin: Option<&PinRow>) -> String {
    let standing = a.standing(r).map(|words| paragraph("", &sentence(&words)));
    let pinned = pin.map(|pin| {
        let changed = pin.changed.map(|at| {
            let whose = pin.changed_by.as_ref().map_or_else(String::new, |who| format!(" by {who}"));
            format!("; note changed{whose}, {at}")
        });
        let note = if pin.note.is_empty() { String::new() } else { format!(": {}", pin.note) };
        let words = format!("Pinned as evidence by {}, {}{}{note}", pin.who, pin.at, changed.unwrap_or_default());
        paragraph("warning", &words)
    });
    standing.into_iter().chain(pinned).collect()
}

fn paragraph(class: &str, words: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<p{class}>{}</p>\n", escape(words))
}

/// With a capital.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The figures of what was measured of the explanation.
fn quality(found: &QualityAnswer, a: &Explained) -> String {
    let cells = |tag: &str, cells: &[String]| {
        let cell = |cell: &String| format!("<{tag}>{}</{tag}>", escape(cell));
        format!("<tr>{}</tr>\n", cells.iter().map(cell).collect::<String>())
    };
    let mut table = cells("th", &[&[String::new()], found.headings().as_slice()].concat());
    for (at, row) in found.row_numbers.iter().enumerate() {
        for (k, output) in a.output_names.iter().enumerate() {
            let figures = found.figures(at, k).map(|figure| figure.unwrap_or_else(|| "–".to_owned()));
            table += &cells("td", &[&[format!("Row {row}, {output}")], figures.as_slice()].concat());
        }
    }
    let notes: String = found.notes().iter().map(|note| paragraph("", &sentence(note))).collect();
    section("Quality", &format!("<table>\n{table}</table>\n{notes}"))
}

fn section(title: &str, drawing: &str) -> String {
    format!("<section><h2>{}</h2>\n{drawing}</section>\n", escape(title))
}

/// How the values were made: enough to make them again.
fn facts(a: &Explained) -> String {
    let background = match a.background_rows {
        0 => format!("none; in the place of absent parts: {}", a.background),
        rows => format!("{}, {} ({})", counted(rows as u64, "row"), a.background, a.background_digest),
    };
    let residual = match () {
        () if a.is_lime() => Some("Stand-in and model differ by at most"),
        () if a.is_additive() => Some("Largest residual of the sum"),
        () => None,
    };
    let mut facts = vec![("Model", a.version.clone()), ("Version digest", a.model_digest.to_string())];
    if !a.data.is_empty() {
        let digest = a.data_digest.map_or_else(|| "a row changed by hand".to_owned(), |digest| digest.to_string());
        facts.push(("Data", format!("{} ({digest})", a.data)));
    }
    facts.extend([
        ("Method", format!("{}: {}", a.method, a.method_reason)),
        ("Space", a.space.clone()),
        ("Background", background),
        ("Seed", a.seed.to_string()),
        ("Model rows scored", a.model_rows.to_string()),
        ("Digest of the values", a.digest.to_string()),
    ]);
    for (o, output) in a.output_names.iter().enumerate() {
        facts.extend(a.background_moves(o).map(|(mean, largest)| {
            let (mean, largest) = (short(mean), short(largest));
            let of = if a.output_names.len() > 1 { format!(" of {output}") } else { String::new() };
            ("Another background", format!("would move contributions{of} by ± {mean} on average, {largest} at most"))
        }));
    }
    facts.extend(a.groups_words().map(|groups| ("Columns that count as one", groups)));
    facts.extend(residual.map(|name| (name, format!("{:.2e}", a.residual_max))));
    if let Some(lime) = &a.lime {
        facts.push(("Kernel width", format!("{:.4}", lime.kernel_width)));
        facts.push(("Perturbed rows", format!("{} for each of {} fits", lime.samples, lime.repeats)));
    }
    if !a.run.is_empty() {
        facts.push(("Run", a.run.clone()));
    }
    let line = |(name, value): &(&str, String)| format!("<tr><td>{name}</td><td>{}</td></tr>\n", escape(value));
    format!("<table>\n{}</table>\n", facts.iter().map(line).collect::<String>())
}

/// Mean size of each feature's part over all rows, an output each.
fn summary(a: &Explained) -> String {
    let rows = a.row_numbers.len();
    let of = |o: usize| {
        let mean = |f: usize| (0..rows).map(|r| a.value(r, f, o).abs()).sum::<f64>() / rows as f64;
        let all = a.feature_names.iter().enumerate();
        let all = all.map(|(f, name)| Bar { label: name.clone(), part: mean(f), error: None }).collect();
        section(&format!("Mean size of the parts over {rows} rows, {}", a.unit(o)), &sizes(&largest(all)))
    };
    (0..a.output_names.len()).map(of).collect()
}

/// One row: steps from base to prediction, or plain bars for values that do not add up to it (LIME's, plain gradients).
fn drawing(a: &Explained, r: usize, o: usize) -> String {
    let bar = |(f, name): (usize, &String)| {
        let cell = a.feature_values.get(r).and_then(|row| row.get(f)).map_or("", String::as_str);
        let label = if cell.is_empty() { name.clone() } else { format!("{name} = {cell}") };
        Bar { label, part: a.value(r, f, o), error: a.std_error(r, f, o) }
    };
    let (all, where_they_are) = match parts::of(a, r, o) {
        Some((parts, drawn)) => (largest(parts), drawn),
        None => (largest(a.feature_names.iter().enumerate().map(bar).collect()), String::new()),
    };
    let prediction = a.predictions.get(r).and_then(|row| row.get(o)).copied().unwrap_or(f64::NAN);
    // Segments add up; it is pixels that do not.
    if !a.is_additive() && (a.segments.is_none() || a.is_lime()) {
        let stand_in = a.surrogate(r, o).map_or_else(String::new, |s| {
            let (local, intercept) = (s.local_prediction, s.intercept);
            let sum = local - intercept;
            format!(
                ". LIME's linear stand-in: intercept {} {} contributions {} = local prediction {}, fit R² {:.3}",
                short(intercept),
                if sum < 0.0 { "−" } else { "+" },
                short(sum.abs()),
                short(local),
                s.r2
            )
        });
        let caption = format!("The model's prediction is {}{stand_in}", short(prediction));
        return format!("{where_they_are}<p>{}</p>\n{}", escape(&caption), bars(&all));
    }
    where_they_are + &waterfall(a.base(r, o), prediction, &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_how_it_was_made_and_runs_nothing() {
        let answer = super::super::samples::explained();
        let page = page(&answer, &[]);
        for fact in [
            &answer.model_digest.to_string(),
            &answer.digest.to_string(),
            &answer.background_digest.to_string(),
            "kernel: as asked",
            "100 rows, all rows of background.csv",
            "<td>Seed</td><td>7</td>",
            "1.00e-9",
            "Look &amp; see",
            "Row 9, probability of malignant",
            "age = 61",
            "base 0.4000",
        ] {
            assert!(page.contains(fact), "`{fact}` is not in {page}");
        }
        for forbidden in ["<script", "src=", "href=", "url(", "@import"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn pinned_rows_come_first_with_who_and_why() {
        let mut answer = super::super::samples::explained();
        let rows = answer.row_numbers.len();
        assert!(rows > 1, "a row to be moved");
        answer.truths = Some(vec![Some("sick".to_owned()); rows]);
        answer.answered = Some(vec!["well".to_owned(); rows]);
        let last = answer.row_numbers[rows - 1];
        let pinned = |row| PinRow {
            run: String::new(),
            row,
            note: "too <old>".to_owned(),
            at: "2026-11-23T05:00:00Z".parse().expect("a time"),
            who: "ada".to_owned(),
            changed: None,
            changed_by: None,
        };
        let found = page(&answer, &[pinned(last)]);
        assert!(found.contains("Pinned as evidence by ada, 2026-11-23T05:00:00Z: too &lt;old&gt;"), "{found}");
        assert!(found.contains("Answered well, and it is sick"), "{found}");
        let place = |row: u64| found.find(&format!("Row {row},")).expect("drawn");
        assert!(place(last) < place(answer.row_numbers[0]));
        assert!(!page(&answer, &[]).contains("Pinned"));
        // However many are pinned, all are drawn.
        answer.row_numbers = (1..=60).collect();
        assert_eq!(drawn(&answer, &[]).len(), DRAWN);
        let pins: Vec<PinRow> = (31..=60).map(pinned).collect();
        assert_eq!(drawn(&answer, &pins).len(), 30);
    }

    #[test]
    fn mean_sizes_have_neither_sign_nor_direction() {
        let page = page(&super::super::samples::explained(), &[]);
        let (_, summary) = page.split_once("Mean size of the parts").expect("a summary");
        let summary = summary.split("</section>").next().expect("its end");
        assert!(summary.contains("class=\"size\""), "{summary}");
        for signed in ["class=\"up\"", "class=\"down\"", ">+", ">−"] {
            assert!(!summary.contains(signed), "{signed} is in {summary}");
        }
    }

    #[test]
    fn lime_is_drawn_without_steps() {
        let page = page(&super::super::samples::lime(), &[]);
        assert!(!page.contains("Steps from") && !page.contains("base 0.4"), "{page}");
        for said in [
            "The model&#39;s prediction is 0.6500. LIME&#39;s linear stand-in: intercept 0.1000 + contributions 0.2500 = local prediction 0.3500, fit R² 0.500",
            "intercept 0.1000 − contributions 0.1000 = local prediction 0.0000, fit R² 0.750",
            "<td>Kernel width</td><td>1.2990</td>",
            "Stand-in and model differ by at most",
        ] {
            assert!(page.contains(said), "`{said}` is not in {page}");
        }
    }
}
