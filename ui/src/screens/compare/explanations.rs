//! How both explain the same rows: which features gained and lost, and which rows moved.

use desk_app::command::Explain;
use desk_app::compare::{Comparison, ExplanationsCompared, FeatureMoved, OutputMoved, RowMoved};
use desk_uikit::field::Field;
use desk_uikit::plot::{Bar, Bars, Figure};
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Card, Icon, Tone, card, format, text};
use egui::Ui;

use super::answers::short;
use super::asked::Asked;
use crate::cx::Cx;
use crate::screens::version::{Beside, Which, file_name, method_name, warnings};

/// Features that have bars.
const SHOWN: usize = 10;
/// Width of one version's bars at least.
const CHART: f32 = 320.0;

/// What the section remembers.
#[derive(Default)]
pub struct Moves {
    /// Index of the output.
    output: usize,
    tables: Option<(u64, usize, Tables)>,
    /// The row that is shown in both, by its number, and whether it was opened just now.
    row: Option<u64>,
    opened: bool,
    beside: Beside,
    asked: Asked,
}

/// What moved, with the numbers of the rows in the order of their table.
struct Tables {
    features: MemTable,
    rows: MemTable,
    numbers: Vec<u64>,
}

impl Moves {
    /// Shows what moved; what shall be run of either when both shall be explained on the same rows. `like` is what was run
    /// of one of them, and `busy` why nothing can be run.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        comparison: &Comparison,
        (like, busy): (Option<&Explain>, bool),
        generation: u64,
    ) -> Option<Explain> {
        let Some(found) = &comparison.explanations else {
            let why = comparison.no_explanations.as_deref().unwrap_or("They were not explained");
            return self.asked.unexplained(ui, cx, why, (like, busy));
        };
        let sides = [short(&comparison.first), short(&comparison.second)];
        let [one, other] = &found.methods;
        let method = if one == other {
            method_name(one).to_owned()
        } else {
            format!("{} and {}", method_name(one), method_name(other))
        };
        let rows = format::plural(found.rows, "row", "rows");
        self.output = self.output.min(found.outputs.len().saturating_sub(1));
        let mut again = None;
        Card::titled("Explanations").caption(&format!("{rows} of {}, {method}", file_name(&found.data))).show(
            ui,
            |ui| {
                again = self.head(ui, cx, found, (like, busy));
            },
        );
        let Some(of) = found.outputs.get(self.output) else { return again };
        ui.add_space(card::GAP);
        charts(ui, cx, of, &sides);
        ui.add_space(card::GAP);
        let at = self.output;
        let tables = match &mut self.tables {
            Some((known, output, tables)) if (*known, *output) == (generation, at) => tables,
            slot => {
                let numbers = of.moved.iter().map(|row| row.row).collect();
                let (features, rows) = (features(of, &sides), moved_rows(of, &sides));
                &mut slot.insert((generation, at, Tables { features, rows, numbers })).2
            }
        };
        Card::titled("What moved").caption("features whose contributions moved most first").show(ui, |ui| {
            Table::data("moved-features", "What moved").max_height(320.0).show_mem(ui, &mut tables.features);
            text::caption_wrapped(
                ui,
                "Differences are paired row by row; 95 % intervals are Student's t over the rows",
            );
        });
        ui.add_space(card::GAP);
        let (row, opened) = (&mut self.row, &mut self.opened);
        Card::titled("Rows that moved most").caption("Enter goes to the chosen row below").show(ui, |ui| {
            let list = Table::list("moved-rows", "Rows that moved most").max_height(320.0);
            *opened |= list.show_keyed(ui, &mut tables.rows, &tables.numbers, row).activated.is_some();
        });
        if let Some(row) = self.row.filter(|row| tables.numbers.contains(row)) {
            ui.add_space(card::GAP);
            let runs = [found.run_first.as_str(), found.run_second.as_str()];
            let which = Which { runs, sides: &sides, row, output: &of.output };
            self.beside.show(ui, cx, &which, &mut self.opened);
        }
        again
    }

    /// What to know first, in words; what shall be run when both shall be explained again.
    fn head(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        found: &ExplanationsCompared,
        (like, busy): (Option<&Explain>, bool),
    ) -> Option<Explain> {
        if !found.warnings.is_empty() {
            warnings::show(ui, &found.warnings);
            ui.add_space(4.0);
        }
        if found.outputs.len() > 1 {
            let names: Vec<(usize, &str)> =
                found.outputs.iter().enumerate().map(|(i, of)| (i, of.output.as_str())).collect();
            Field::new("Class or output").width(240.0).show_choice(ui, &mut self.output, &names);
            ui.add_space(4.0);
        }
        if let Some(of) = found.outputs.get(self.output) {
            text::body(ui, sentence(of));
        }
        // Where they were explained differently the way out is to explain both alike; else from another background.
        ui.add_space(6.0);
        self.asked.offer(ui, cx, like, busy)
    }
}

/// What moved, in words.
fn sentence(of: &OutputMoved) -> String {
    let sure = |up: bool| -> Vec<&FeatureMoved> {
        of.features.iter().filter(|f| f.moved.is_sure() && (f.moved.difference > 0.0) == up).collect()
    };
    let name = |f: &&FeatureMoved| format!("{} ({})", f.feature, format::signed(f.moved.difference));
    let list = |all: Vec<&FeatureMoved>| all.iter().take(3).map(name).collect::<Vec<_>>().join(", ");
    let (gained, lost) = (sure(true), sure(false));
    let parts = match (gained.is_empty(), lost.is_empty()) {
        (true, true) => "No feature gained or lost weight beyond chance".to_owned(),
        (false, true) => format!("{} gained weight", list(gained)),
        (true, false) => format!("{} lost weight", list(lost)),
        (false, false) => format!("{} gained weight, {} lost", list(gained), list(lost)),
    };
    let order = match of.rank_correlation {
        Some(r) => format!(". The order of the features agrees by Spearman's {}", format::fixed(r, 2)),
        None => String::new(),
    };
    format!("{parts}, as contributions to the {}{order}", of.unit)
}

fn charts(ui: &mut Ui, cx: &Cx<'_>, of: &OutputMoved, sides: &[String; 2]) {
    let mut shown: Vec<&FeatureMoved> = of.features.iter().collect();
    let size = |f: &FeatureMoved| f.moved.first.max(f.moved.second);
    shown.sort_by(|a, b| size(b).total_cmp(&size(a)));
    shown.truncate(SHOWN);
    let most = shown.iter().map(|f| size(f)).fold(0.0, f64::max);
    let bars = |second: bool| -> Vec<Bar> {
        let value = |f: &&FeatureMoved| if second { f.moved.second } else { f.moved.first };
        shown.iter().map(|f| Bar { name: f.feature.clone(), value: value(f), interval: None }).collect()
    };
    let both = [bars(false), bars(true)];
    card::grid(ui, 2, CHART, |ui, i, width| {
        let caption = format!("of {}, mean size of a contribution", sides[i]);
        let figure = Figure::new("Importance").caption(&caption).width(width);
        let paint = |ui: &mut Ui| {
            Bars::new("Mean |contribution|", &both[i]).up_to(most).show(ui);
        };
        let table = || {
            let columns = vec![Column::text("Feature"), Column::number("Mean |contribution|")];
            let decimals = format::decimals(both[i].iter().map(|bar| bar.value));
            let line = |bar: &Bar| vec![Cell::text(bar.name.clone()), Cell::fixed(bar.value, decimals)];
            (columns, both[i].iter().map(line).collect())
        };
        cx.wish(figure.show(ui, paint, table));
    });
}

fn features(of: &OutputMoved, sides: &[String; 2]) -> MemTable {
    let columns = vec![
        Column::text("Feature"),
        Column::number(sides[0].as_str()),
        Column::number(sides[1].as_str()),
        Column::number("Difference").about(format!(
            "Mean |contribution| in {} minus that in {}, in units of the {}",
            sides[1], sides[0], of.unit
        )),
        Column::number("95 % interval"),
        Column::number("Rows moved by").about(format!(
            "How far one row's contribution of the feature moves from {} to {}: the mean over the rows of |difference|, in \
             units of the {}. It may be large where the difference of the means is small: rows then moved both ways",
            sides[0], sides[1], of.unit
        )),
        Column::text("Weight").narrow(),
    ];
    let decimals = format::decimals(of.features.iter().map(|f| f.moved.first.max(f.moved.second)));
    let line = |f: &FeatureMoved| {
        let moved = &f.moved;
        let interval = moved.interval.map_or_else(Cell::missing, |(low, high)| {
            Cell::shown_as(low, format!("{} to {}", format::signed(low), format::signed(high)))
        });
        let verdict = match (moved.is_sure(), moved.difference > 0.0) {
            (true, true) => Cell { icon: Some(Icon::Up), ..Cell::text("gained") },
            (true, false) => Cell { icon: Some(Icon::Down), ..Cell::text("lost") },
            (false, _) => Cell::text("not clear"),
        };
        vec![
            Cell::text(f.feature.clone()).strong(),
            Cell::fixed(moved.first, decimals),
            Cell::fixed(moved.second, decimals),
            Cell::shown_as(moved.difference, format::signed(moved.difference)),
            interval,
            Cell::fixed(moved.moved, decimals),
            verdict,
        ]
    };
    MemTable::new(columns, of.features.iter().map(line).collect())
}

fn moved_rows(of: &OutputMoved, sides: &[String; 2]) -> MemTable {
    let columns = vec![
        Column::number("Row"),
        Column::number(sides[0].as_str()),
        Column::number(sides[1].as_str()),
        Column::number("Moved by").about(format!(
            "How far the row's explanation moved from {} to {}: the sum over the features of |difference of contributions|, in \
             units of the {}",
            sides[0], sides[1], of.unit
        )),
        Column::text("Most in"),
    ];
    let decimals = format::decimals(of.moved.iter().flat_map(|row| row.predictions));
    let by = format::decimals(of.moved.iter().map(|row| row.moved));
    let line = |row: &RowMoved| {
        let [from, to] = row.contributions.map(format::signed);
        let turned = row.contributions[0] * row.contributions[1] < 0.0;
        let most = Cell::text(format!("{} {from} → {to}", row.feature));
        vec![
            Cell::shown_as(row.row as f64, format::count(row.row)),
            Cell::fixed(row.predictions[0], decimals),
            Cell::fixed(row.predictions[1], decimals),
            Cell::fixed(row.moved, by),
            if turned { Cell { icon: Some(Icon::Differs), tone: Some(Tone::Warn), ..most } } else { most },
        ]
    };
    MemTable::new(columns, of.moved.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use desk_app::compare::Moved;

    use super::*;

    #[test]
    fn only_what_is_sure_gained_or_lost() {
        let feature = |name: &str, difference: f64, half: f64| FeatureMoved {
            feature: name.to_owned(),
            moved: Moved {
                first: 0.2,
                second: 0.2 + difference,
                difference,
                interval: Some((difference - half, difference + half)),
                moved: 0.1,
            },
        };
        let mut of = OutputMoved {
            output: "yes".into(),
            unit: "probability of yes".into(),
            base_values: [0.2, 0.3],
            rank_correlation: Some(0.5),
            features: vec![feature("a", 0.1, 0.05), feature("b", 0.1, 0.2), feature("c", -0.05, 0.01)],
            moved: Vec::new(),
        };
        assert_eq!(
            sentence(&of),
            "a (+0.1) gained weight, c (−0.05) lost, as contributions to the probability of yes. The order of the \
             features agrees by Spearman's 0.50"
        );
        of.features.truncate(0);
        assert!(sentence(&of).starts_with("No feature gained or lost weight beyond chance"));
    }
}
