//! The values of one tensor, read when somebody asks for them: figures, a histogram, and all of them in pages.

use std::time::Duration;

use desk_app::command::ExportTensor;
use desk_app::query::TablePage;
use desk_app::{Command, Desk};
use desk_core::words::shell_word;
use desk_core::{Cancel, Fault, NumberFacts, TensorFacts, TensorPlace, VersionRef};
use desk_uikit::plot::{Figure, Histogram};
use desk_uikit::table::{Cell, Column, Table, TableSource};
use desk_uikit::toast::Toast;
use desk_uikit::{Button, ErrorText, Icon, Tone, error_view, format, kv, text};
use egui::Ui;

use crate::background::Pending;
use crate::cx::{Action, Cx};
use crate::fault::error_text;
use crate::paged::{PAGE, PagedTable};
use crate::picker::Picked;
use crate::watch::Watch;

/// Reading that takes longer shows how far it is.
const QUIET: Duration = Duration::from_millis(200);

/// The tensor whose values are on show.
#[derive(Default)]
pub struct Values {
    open: Option<Open>,
}

struct Open {
    version: VersionRef,
    place: TensorPlace,
    watch: Watch,
    reading: Pending<(TensorFacts, Desk)>,
    read: Option<Result<Read, Box<ErrorText>>>,
    saving: Picked,
}

struct Read {
    facts: TensorFacts,
    table: PagedTable,
}

/// The table without the numbers of rows: each value has its place.
struct Places<'a>(&'a PagedTable);

impl TableSource for Places<'_> {
    fn row_count(&self) -> usize {
        self.0.row_count()
    }

    fn columns(&self) -> &[Column] {
        self.0.columns().get(1..).unwrap_or_default()
    }

    fn is_here(&self, row: usize) -> bool {
        self.0.is_here(row)
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        self.0.cell(row, column + 1)
    }
}

impl Drop for Open {
    /// Nobody waits for it any more.
    fn drop(&mut self) {
        self.watch.cancel().cancel();
    }
}

impl Values {
    /// Begins to read the values of a tensor.
    pub fn read(&mut self, cx: &Cx<'_>, version: &VersionRef, place: TensorPlace) {
        let (watch, mut reading) = (Watch::default(), Pending::default());
        let (asked, of, watched) = (version.clone(), place.clone(), watch.clone());
        reading.start(cx.background, move |desk| {
            let facts = desk.tensor(&asked, &of, watched.cancel(), &|report| watched.tell(report))?;
            Ok((facts, desk.clone()))
        });
        let busy = || Box::new(error_text(&Fault::bug("there is too much to do just now")));
        let read = if reading.is_running() { None } else { Some(Err(busy())) };
        let version = version.clone();
        self.open = Some(Open { version, place, watch, reading, read, saving: Picked::default() });
    }

    /// What is on show is of this tensor.
    pub fn is_of(&self, place: &TensorPlace) -> bool {
        self.open.as_ref().is_some_and(|open| open.place == *place)
    }

    /// Shows the values, or how far they are read.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(open) = &mut self.open else { return };
        open.poll(cx);
        let mut close = false;
        let mut again = false;
        match &mut open.read {
            None => close = open.watch.show(ui, QUIET, None),
            Some(Err(error)) => again = error_view(ui, error, Some("Try again")),
            Some(Ok(read)) => {
                figures(ui, &read.facts);
                if let Some(numbers) = read.facts.numbers.as_ref().filter(|numbers| numbers.finite > 0) {
                    ui.add_space(8.0);
                    histogram(ui, cx, numbers);
                }
                ui.add_space(8.0);
                let name = format!("Values of {}", read.facts.name);
                let shown =
                    Table::data("tensor-values", &name).max_height(240.0).unsortable().empty("It has no values");
                if shown.show(ui, &Places(&read.table)).copy_later.is_some() {
                    let toast = Toast::new(Tone::Neutral, "Not all of these values were read yet");
                    cx.act(Action::Toast(toast.body("Export writes all of them")));
                }
                ui.add_space(8.0);
                ui.horizontal_wrapped(|ui| {
                    let export = Button::secondary("Export tensor…").icon(Icon::Export);
                    if ui.add(export.tooltip("Write all values to a .npy or .csv file")).clicked() {
                        let ctx = ui.ctx().clone();
                        let name = format!("{}.npy", file_name(&open.place.name));
                        open.saving.wait(cx.picker.save(&name, Box::new(move || ctx.request_repaint())));
                    }
                    cx.copy_line(ui, &line(&open.version, &open.place));
                    close = ui.add(Button::ghost("Hide values")).clicked();
                });
            }
        }
        if again {
            let (version, place) = (open.version.clone(), open.place.clone());
            self.read(cx, &version, place);
        } else if close {
            self.open = None;
        }
    }
}

impl Open {
    /// Takes what was read, and the name of a file to write.
    fn poll(&mut self, cx: &Cx<'_>) {
        match self.reading.take() {
            Some(Ok((facts, desk))) => {
                let table = table(&self.version, &self.place, &facts, desk);
                self.read = Some(Ok(Read { facts, table }));
            }
            Some(Err(fault)) => self.read = Some(Err(Box::new(error_text(&fault)))),
            None => {}
        }
        if let Some(Ok(read)) = &mut self.read {
            read.table.poll(cx.background);
        }
        if let Some(out) = self.saving.take() {
            // Whoever chose a file that is there was asked by the dialog.
            let command = ExportTensor { version: self.version.clone(), tensor: self.place.clone(), out, force: true };
            cx.run(Command::ExportTensor(command));
        }
    }
}

fn figures(ui: &mut Ui, facts: &TensorFacts) {
    kv::properties(ui, |kv| {
        kv.text("Values", &format::count(facts.elements));
        kv.text("Type", &facts.element);
        let Some(numbers) = &facts.numbers else { return };
        let mut figure = |name: &str, value: Option<f64>| {
            if let Some(value) = value {
                kv.copyable(name, &format::number(value));
            }
        };
        figure("Smallest", numbers.min);
        figure("Largest", numbers.max);
        figure("Mean", numbers.mean);
        figure("Deviation", numbers.std);
        let share = numbers.zeros as f64 / facts.elements.max(1) as f64;
        kv.text("Zeros", &format!("{} ({})", format::count(numbers.zeros), format::percent(share)));
        for (name, count) in [("Not a number", numbers.nans), ("Infinite", numbers.infinite)] {
            if count > 0 {
                kv.status(name, Tone::Warn, &format::count(count));
            }
        }
    });
    if facts.numbers.is_none() {
        text::caption(ui, "Texts have no figures");
    }
}

fn histogram(ui: &mut Ui, cx: &Cx<'_>, numbers: &NumberFacts) {
    let chart = |ui: &mut Ui| {
        Histogram::new("Value", &numbers.edges, &numbers.counts).height(130.0).show(ui);
    };
    let table = || {
        let columns = vec![Column::number("From"), Column::number("To"), Column::number("Values")];
        let bins = numbers.edges.windows(2).zip(&numbers.counts);
        let rows = bins.map(|(edges, count)| {
            let number = |x: f64| Cell::number(x);
            vec![number(edges[0]), number(edges[1]), number(*count as f64)]
        });
        (columns, rows.collect())
    };
    cx.wish(Figure::new("Histogram").show(ui, chart, table));
}

/// All values in pages, with their places.
fn table(version: &VersionRef, place: &TensorPlace, facts: &TensorFacts, desk: Desk) -> PagedTable {
    let page = {
        let (dims, total) = (facts.dims.clone(), facts.elements);
        move |offset: u64, values: Vec<String>| {
            let rows = (offset..).zip(values).map(|(i, value)| vec![index(&dims, i), value]).collect();
            TablePage {
                columns: vec!["Place".to_owned(), "Value".to_owned()],
                numeric: vec![false, true],
                rows,
                offset,
                total: Some(total),
                numbers: Vec::new(),
            }
        }
    };
    let first = page(0, facts.first.iter().take(PAGE as usize).cloned().collect());
    let (version, place) = (version.clone(), place.clone());
    PagedTable::new(first, move |offset, limit| {
        let values = desk.tensor_values(&version, &place, offset, limit, &Cancel::new())?;
        Ok(page(offset, values))
    })
}

/// The place of a value in each dimension, such as `[0, 3]`.
fn index(dims: &[i64], at: u64) -> String {
    let (mut left, mut places) = (at, Vec::new());
    for dim in dims.iter().rev() {
        let dim = u64::try_from(*dim).unwrap_or(1).max(1);
        places.push((left % dim).to_string());
        left /= dim;
    }
    places.reverse();
    format!("[{}]", places.join(", "))
}

/// The command line that tells the same.
fn line(version: &VersionRef, place: &TensorPlace) -> String {
    let within = place.graph.as_ref().filter(|graph| !graph.is_main());
    let within = within.map(|graph| format!(" --within {graph}")).unwrap_or_default();
    format!("modeldesk graph {} --tensor {}{within}", shell_word(&version.to_string()), shell_word(&place.name))
}

/// The name without what no file's name has.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = name.chars().map(plain).take(80).collect();
    if name.trim_matches(['.', '_']).is_empty() { "tensor".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_files_and_lines() {
        assert_eq!([index(&[2, 3], 4), index(&[], 0), index(&[7], 6)], ["[1, 1]", "[]", "[6]"]);
        assert_eq!(file_name("/conv1/weight:0"), "_conv1_weight_0");
        assert_eq!(file_name("///"), "tensor");
        let version: VersionRef = "digits@1".parse().expect("a version");
        let place = |graph: &str| TensorPlace { name: "w 1".into(), graph: Some(graph.parse().expect(graph)) };
        assert_eq!(line(&version, &place("")), "modeldesk graph digits@1 --tensor 'w 1'");
        assert_eq!(line(&version, &place("3.0")), "modeldesk graph digits@1 --tensor 'w 1' --within 3.0");
    }
}
