//! Evidence: rows that a reviewer pinned, each with why.

use std::collections::BTreeMap;

use desk_app::Command;
use desk_app::command::{Pin, Unpin};
use desk_app::pins::PinItem;
use desk_uikit::field::Field;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Button, Card, Icon, card, format};
use egui::Ui;

use super::facts::method_name;
use super::result::ExplainResult;
use crate::ages::{AgedTable, ago};
use crate::background::{Slot, Topic};
use crate::cx::Cx;

const HEIGHT: f32 = 260.0;

/// What the cards remember.
#[derive(Default)]
pub struct Pins {
    all: Slot<String, Vec<PinItem>>,
    /// The run and the row that the note is being written for.
    of: Option<(String, u64)>,
    note: String,
    /// The list, made for a generation of the pins.
    table: AgedTable<u64>,
    keys: Vec<usize>,
    /// The line that is chosen.
    chosen: Option<usize>,
    /// A pinned row that shall be opened: its run and its number.
    pub opened: Option<(String, u64)>,
}

impl Pins {
    /// Reads what is pinned of the version.
    pub fn read(&mut self, cx: &Cx<'_>, version: &str) {
        let asked = version.to_owned();
        self.all.ensure(cx.background, asked.clone(), Topic::Models, move |desk| {
            desk.pins(&asked.parse().map_err(|error| desk_core::Fault::bug(format!("{asked} is no version: {error}")))?)
        });
    }

    /// The notes of the pinned rows of a run, by their numbers.
    pub fn of_run(&self, run: &str) -> BTreeMap<u64, String> {
        self.all().iter().filter(|pin| pin.run == run).map(|pin| (pin.row, pin.note.clone())).collect()
    }

    fn all(&self) -> &[PinItem] {
        self.all.value.value().map(Vec::as_slice).unwrap_or_default()
    }

    /// Pins the shown row, or says that it is.
    pub fn of_row(&mut self, ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, row: usize) {
        let Some(number) = result.answer.row_numbers.get(row).copied() else { return };
        let of = (result.answer.run.clone(), number);
        let pinned = self.all().iter().find(|pin| (&pin.run, pin.row) == (&of.0, of.1)).cloned();
        if self.of.as_ref() != Some(&of) {
            self.note = pinned.as_ref().map(|pin| pin.note.clone()).unwrap_or_default();
            self.of = Some(of.clone());
        }
        let busy = cx.jobs.running().any(|job| matches!(job.command, Command::Pin(_) | Command::Unpin(_)));
        let caption = match &pinned {
            Some(pin) => format!("row {} pinned by {}, {}", format::count(number), pin.who, when(pin)),
            None => "pin this row, with why, for who looks after you".to_owned(),
        };
        Card::titled("Evidence").caption(&caption).show(ui, |ui| {
            // Why somebody pinned it is a sentence: it has a line of its own.
            let width = ui.available_width();
            Field::new("Note").hide_label().width(width).show_text(ui, &mut self.note, "Why this row matters");
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                let note = self.note.trim().to_owned();
                let (label, why) = match &pinned {
                    None => (format!("Pin row {}", format::count(number)), None),
                    Some(pin) => {
                        let same = (pin.note == note).then_some("The note is as it was");
                        ("Change the note".to_owned(), same)
                    }
                };
                let why = why.or(busy.then_some("A pin is being changed"));
                let command = Command::Pin(Pin { run: of.0.clone(), row: number, note: Some(note) });
                cx.copy_command(ui, &command);
                if ui.add(Button::secondary(&label).icon(Icon::Pin).disabled_if(why)).clicked() {
                    cx.run(command);
                }
                let unpin = Button::ghost("Unpin").disabled_if(busy.then_some("A pin is being changed"));
                if pinned.is_some() && ui.add(unpin).clicked() {
                    cx.run(Command::Unpin(Unpin { run: of.0.clone(), row: number }));
                    self.of = None;
                }
            });
        });
        ui.add_space(card::GAP);
    }

    /// All that is pinned of the version; the one that is opened is kept in `opened`.
    pub fn list(&mut self, ui: &mut Ui) {
        if self.all().is_empty() {
            return;
        }
        let generation = self.all.generation;
        self.keys = (0..self.all().len()).collect();
        let all = self.all.value.value().map(Vec::as_slice).unwrap_or_default();
        let table = self.table.ensure(generation, || table(all));
        ui.add_space(card::GAP);
        let caption = format::plural(self.keys.len() as u64, "pinned row", "pinned rows");
        let (mut opened, chosen) = (false, &mut self.chosen);
        Card::titled("Pinned evidence").caption(&caption).show(ui, |ui| {
            let shown = Table::list("pinned evidence", "Pinned evidence").max_height(HEIGHT);
            opened = shown.show_keyed(ui, table, &self.keys, chosen).activated.is_some();
            let row = (*chosen).and_then(|at| self.all.value.value()?.get(at)).map(|pin| pin.row);
            if let Some(row) = row {
                ui.add_space(6.0);
                let label = format!("Open row {}", format::count(row));
                let open = Button::secondary(&label);
                opened |= ui
                    .add(open.tooltip("Its explanation as it was pinned; Enter or a double click does the same"))
                    .clicked();
            }
        });
        if let Some(pin) = self.chosen.filter(|_| opened).and_then(|at| self.all().get(at)) {
            self.opened = Some((pin.run.clone(), pin.row));
        }
    }
}

/// Since when it is pinned, and when its note was changed.
fn when(pin: &PinItem) -> String {
    let pinned = ago(&pin.at);
    let Some(changed) = &pin.changed else { return pinned };
    let by = pin.changed_by.as_ref().filter(|by| **by != pin.who);
    let by = by.map_or_else(String::new, |by| format!(" by {by}"));
    format!("{pinned}, note changed{by} {}", ago(changed))
}

fn table(pins: &[PinItem]) -> MemTable {
    let columns = vec![
        Column::number("Row"),
        Column::text("Note"),
        Column::text("How it stands"),
        Column::text("Method"),
        Column::text("Data"),
        Column::text("Pinned by"),
        Column::text("When").narrow(),
    ];
    let line = |pin: &PinItem| {
        vec![
            Cell::shown_as(pin.row as f64, format::count(pin.row)),
            Cell::text(pin.note.clone()),
            pin.standing.clone().map_or_else(Cell::missing, Cell::text),
            Cell::text(method_name(&pin.method).to_owned()),
            Cell::text(crate::screens::version::file_name(&pin.data)),
            Cell::text(pin.who.clone()),
            Cell { text: when(pin).into(), ..crate::ages::cell(&pin.at) },
        ]
    };
    MemTable::new(columns, pins.iter().map(line).collect())
}
