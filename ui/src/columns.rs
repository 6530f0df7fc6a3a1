//! How the columns of a data file become inputs: the truth, what is left out, and which column feeds what.

use std::collections::{BTreeMap, BTreeSet};

use desk_app::Truth;
use desk_app::command::Columns;
use desk_core::{Dim, ValueInfo, ValueType};
use desk_uikit::field::Field;
use desk_uikit::{Badge, Button, Icon, Tone, text};
use egui::Ui;

use crate::fault::sentence;

/// So many inputs have a field of their own; with more, names must do.
const FIELDS: usize = 24;

/// Which column is the truth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Target {
    /// The one that is known or proposed.
    #[default]
    Automatic,
    /// None, though one is proposed.
    None,
    /// This one.
    Column(String),
}

/// What was chosen; empty where names tell.
#[derive(Debug, Clone, Default)]
pub struct ColumnsForm {
    target: Target,
    left_out: BTreeSet<String>,
    inputs: BTreeMap<String, String>,
    /// Whether the first line names the columns; found when absent.
    header: Option<bool>,
    /// Cells that mean "missing", as typed.
    missing: String,
    /// What stands for missing cells, by column; empty where it is not said yet.
    fill: BTreeMap<String, String>,
    /// The column that was chosen just now, whose value is typed next.
    chosen_to_fill: Option<String>,
    mapping: bool,
}

/// What is known of the file that the columns are of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen<'s> {
    /// Its columns; none before it was read.
    pub columns: &'s [String],
    /// What is taken for the truth when none is chosen, where the file has it.
    pub truth: Option<&'s Truth>,
}

impl<'s> Seen<'s> {
    fn has(&self, column: &str) -> bool {
        self.columns.is_empty() || self.columns.iter().any(|name| name == column)
    }

    fn truth(&self) -> Option<&'s Truth> {
        self.truth.filter(|truth| self.columns.contains(&truth.column))
    }
}

impl ColumnsForm {
    /// With the truth in a column.
    #[cfg(test)]
    pub fn with_target(target: &str) -> Self {
        Self { target: Target::Column(target.to_owned()), ..Self::default() }
    }

    /// As a command had them.
    pub fn of(columns: &Columns) -> Self {
        Self {
            target: columns.target.clone().map_or(Target::Automatic, Target::Column),
            left_out: columns.drop.iter().cloned().collect(),
            inputs: columns.map.iter().cloned().collect(),
            header: columns.header,
            missing: columns.missing.join(","),
            fill: columns.fill.iter().map(|(column, value)| (column.clone(), typed(value))).collect(),
            chosen_to_fill: None,
            mapping: false,
        }
    }

    /// How the file is read, whatever its columns are.
    pub fn reading(&self) -> Columns {
        let missing = self.missing.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        Columns { header: self.header, missing: missing.collect(), ..Columns::default() }
    }

    /// The choices as the command has them; what the file does not have is left out.
    pub fn columns(&self, seen: Seen<'_>) -> Columns {
        let typed = self.inputs.iter().map(|(input, column)| (input.clone(), column.trim().to_owned()));
        Columns {
            target: self.chosen(seen).map(str::to_owned),
            map: typed.filter(|(_, columns)| !columns.is_empty() && has_all(seen, columns)).collect(),
            drop: self.left_out.iter().filter(|column| seen.has(column)).cloned().collect(),
            fill: self.filled(seen).map(|(column, value)| (column.clone(), said(value).to_owned())).collect(),
            ..self.reading()
        }
    }

    /// What stands for missing cells of columns that the file has, where it is said.
    fn filled<'c>(&'c self, seen: Seen<'c>) -> impl Iterator<Item = (&'c String, &'c String)> {
        let said = move |(column, value): &(&String, &String)| !value.is_empty() && seen.has(column);
        self.fill.iter().filter(said)
    }

    /// The truth that the command names: one that was chosen, or a proposal that nobody declined.
    fn chosen<'c>(&'c self, seen: Seen<'c>) -> Option<&'c str> {
        let proposed = || {
            let free = |truth: &&Truth| truth.is_proposal() && !self.feeds_or_is_left_out(&truth.column);
            seen.truth().filter(free).map(|truth| truth.column.as_str())
        };
        match &self.target {
            Target::Column(column) if seen.has(column) => Some(column),
            Target::None => None,
            Target::Automatic | Target::Column(_) => proposed(),
        }
    }

    /// There is a truth to compare with.
    pub fn has_truth(&self, seen: Seen<'_>) -> bool {
        self.truth_of(seen).is_some()
    }

    /// The column with the truth, whoever named it.
    fn truth_of<'c>(&'c self, seen: Seen<'c>) -> Option<&'c str> {
        let is_free = |truth: &&Truth| self.target != Target::None && !self.feeds_or_is_left_out(&truth.column);
        let known = || seen.truth().filter(is_free).map(|truth| truth.column.as_str());
        self.chosen(seen).or_else(known)
    }

    /// Somebody said what the column is, and that it is not the truth.
    fn feeds_or_is_left_out(&self, column: &str) -> bool {
        let map = self.inputs.iter().map(|(input, columns)| (input.clone(), columns.clone())).collect();
        Columns { drop: self.left_out.iter().cloned().collect(), map, ..Columns::default() }.uses(column)
    }

    /// Columns that may feed inputs: neither the truth nor left out.
    pub fn inputs<'c>(&'c self, seen: Seen<'c>) -> Vec<&'c str> {
        let truth = self.truth_of(seen);
        let feeds = |column: &&str| truth != Some(*column) && !self.left_out.contains(*column);
        seen.columns.iter().map(String::as_str).filter(feeds).collect()
    }

    /// The choice of the truth, for a line with other fields.
    pub fn truth(&mut self, ui: &mut Ui, width: f32, seen: Seen<'_>) {
        let known = seen.truth();
        let automatic =
            known.map_or_else(|| "Automatic: none found".to_owned(), |it| format!("Automatic: {}", it.column));
        let mut choices: Vec<(Target, &str)> = vec![(Target::Automatic, &automatic)];
        if known.is_some_and(Truth::is_proposal) || self.target == Target::None {
            choices.push((Target::None, "None: do not compare"));
        }
        choices.extend(seen.columns.iter().map(|name| (Target::Column(name.clone()), name.as_str())));
        // A choice made before another file was chosen stays to be seen.
        let kept = self.target.clone();
        let absent = match &kept {
            Target::Column(name) if !seen.columns.contains(name) => Some(name),
            _ => None,
        };
        choices.extend(absent.map(|name| (kept.clone(), name.as_str())));
        let source = known.filter(|_| self.target == Target::Automatic).and_then(Truth::source).map(sentence);
        let help = source.as_deref().unwrap_or("Compared with the answers, no input");
        let error = absent.filter(|name| !seen.has(name)).map(|name| match known {
            Some(truth) => format!("No column {name} in this file: {truth} is taken"),
            None => format!("No column {name} in this file: nothing is compared"),
        });
        let field = Field::new("Column with the truth").width(width).help(help).error(error.as_deref());
        field.show_choice(ui, &mut self.target, &choices);
    }

    /// Columns that feed nothing, and columns for inputs whose names do not match.
    pub fn rest(&mut self, ui: &mut Ui, seen: Seen<'_>, inputs: &[ValueInfo]) {
        let columns = seen.columns;
        self.file(ui);
        ui.add_space(4.0);
        self.set_apart(ui, seen);
        if inputs.is_empty() || inputs.len() > FIELDS {
            return;
        }
        let icon = if self.mapping { Icon::Down } else { Icon::Right };
        if ui.add(Button::ghost("Columns for inputs").icon(icon)).clicked() {
            self.mapping = !self.mapping;
        }
        if self.mapping {
            let width = ((ui.available_width() - ui.spacing().item_spacing.x) / 2.0).min(300.0);
            for pair in inputs.chunks(2) {
                ui.horizontal_top(|ui| {
                    for input in pair {
                        self.input(ui, width, columns, input);
                    }
                });
            }
        }
    }

    /// How a text file is read.
    fn file(&mut self, ui: &mut Ui) {
        let width = third(ui);
        ui.horizontal_top(|ui| {
            let lines =
                [(None, "Automatic"), (Some(true), "The columns' names"), (Some(false), "Values, as all others")];
            Field::new("First line of a CSV file").width(width).show_choice(ui, &mut self.header, &lines);
            let field = Field::new("Also missing").width(width).help("Cells that mean “no value”, with commas between");
            field.show_text(ui, &mut self.missing, "such as ?,-");
        });
    }

    /// Columns to leave out, and columns whose missing cells shall have a value: a choice that adds one, and what was
    /// chosen.
    fn set_apart(&mut self, ui: &mut Ui, seen: Seen<'_>) {
        let (width, columns) = (third(ui), seen.columns);
        let truth = self.truth_of(seen).map(str::to_owned);
        ui.horizontal_top(|ui| {
            let but = |known: &dyn Fn(&str) -> bool| -> Vec<&str> {
                columns.iter().map(String::as_str).filter(|column| !known(column)).collect()
            };
            let free = but(&|column| self.left_out.contains(column));
            let field = Field::new("Columns left out").hide_label().width(width);
            let chosen = field.show_choice_index(ui, None, &free, "Leave a column out…");
            self.left_out.extend(chosen.and_then(|i| free.get(i)).map(|name| (*name).to_owned()));
            // The truth is no input: its gaps are rows that are not judged.
            let free = but(&|column| self.fill.contains_key(column) || truth.as_deref() == Some(column));
            let field = Field::new("Fill missing cells").hide_label().width(width);
            let chosen = field.show_choice_index(ui, None, &free, "Fill missing cells…");
            if let Some(name) = chosen.and_then(|i| free.get(i)) {
                self.fill.insert((*name).to_owned(), String::new());
                self.chosen_to_fill = Some((*name).to_owned());
            }
        });
        self.left_out(ui);
        self.filled_cells(ui, columns);
    }

    fn left_out(&mut self, ui: &mut Ui) {
        if self.left_out.is_empty() {
            return;
        }
        let mut back = None;
        ui.horizontal_wrapped(|ui| {
            for name in &self.left_out {
                let label = format!("Use {name} again");
                if ui.add(Button::secondary(name).icon(Icon::Close).tooltip(&label)).clicked() {
                    back = Some(name.clone());
                }
            }
        });
        if let Some(name) = back {
            self.left_out.remove(&name);
        }
    }

    fn filled_cells(&mut self, ui: &mut Ui, columns: &[String]) {
        let (mut back, width, chosen) = (None, third(ui), self.chosen_to_fill.take());
        for (column, value) in &mut self.fill {
            ui.horizontal(|ui| {
                let label = format!("Fill missing cells of {column}");
                let field = Field::new(&label).hide_label().width(width);
                let response = field.show_text(ui, value, "A value; \"\" for the empty text");
                if chosen.as_ref() == Some(column) {
                    response.request_focus();
                }
                let tip = format!("Leave missing cells of {column} as they are");
                if ui.add(Button::icon_only(Icon::Close, &tip)).clicked() {
                    back = Some(column.clone());
                }
                if columns.is_empty() || columns.contains(column) {
                    text::caption(ui, format!("for missing cells of {}", text::elide_middle(column, 40)));
                } else {
                    ui.add(Badge::new(Tone::Warn, &format!("No column {column} in this file")).plain());
                }
            });
        }
        if let Some(column) = back {
            self.fill.remove(&column);
        }
    }

    fn input(&mut self, ui: &mut Ui, width: f32, columns: &[String], input: &ValueInfo) {
        let value = self.inputs.entry(input.name.clone()).or_default();
        let kind = input.value_type.to_string();
        let seen = Seen { columns, truth: None };
        let absent = (!value.trim().is_empty() && !has_all(seen, value)).then(|| format!("Not in this file: {value}"));
        let field = Field::new(&input.name).width(width).help(&kind).error(absent.as_deref());
        if takes_one_column(&input.value_type) {
            let mut choices: Vec<(String, &str)> = vec![(String::new(), "By its name")];
            choices.extend(columns.iter().map(|name| (name.clone(), name.as_str())));
            let kept = value.clone();
            if !kept.is_empty() && !columns.contains(&kept) {
                choices.push((kept.clone(), kept.as_str()));
            }
            field.show_choice(ui, value, &choices);
        } else {
            field.show_text(ui, value, "By their names; or: a,b,c");
        }
    }

    /// What differs from the defaults, so that a closed fold hides nothing.
    ///
    /// Also what is taken as the truth by itself, and who named it.
    pub fn summary(&self, seen: Seen<'_>) -> Vec<String> {
        let mut parts = Vec::new();
        let is_free = |truth: &&Truth| self.target != Target::None && !self.feeds_or_is_left_out(&truth.column);
        let known = seen.truth().filter(is_free);
        match (&self.target, known) {
            (Target::Column(column), _) if seen.has(column) => parts.push(format!("truth in {column}")),
            (_, Some(truth)) => parts.push(format!("truth in {truth}")),
            (Target::Column(column), None) => parts.push(format!("no column {column} with the truth in this file")),
            (Target::Automatic | Target::None, None) => {}
        }
        match self.left_out.len() {
            0 => {}
            1 | 2 => parts.push(format!("without {}", self.left_out.iter().cloned().collect::<Vec<_>>().join(", "))),
            n => parts.push(format!("without {n} columns")),
        }
        match self.header {
            Some(true) => parts.push("names in the first line".to_owned()),
            Some(false) => parts.push("no names in the first line".to_owned()),
            None => {}
        }
        if !self.missing.trim().is_empty() {
            parts.push(format!("also missing: {}", self.missing.trim()));
        }
        match &self.filled(seen).collect::<Vec<_>>()[..] {
            [] => {}
            [(column, value)] => parts.push(format!("{value} for missing cells of {column}")),
            all => parts.push(format!("values for missing cells of {} columns", all.len())),
        }
        match self.columns(seen).map.len() {
            0 => {}
            1 => parts.push("a column chosen for one input".to_owned()),
            n => parts.push(format!("columns chosen for {n} inputs")),
        }
        parts
    }
}

/// The empty text as it is typed, as an empty field says nothing yet.
const EMPTY: &str = "\"\"";

/// What a typed value stands for.
fn said(typed: &str) -> &str {
    if typed == EMPTY { "" } else { typed }
}

/// How a value is typed.
fn typed(value: &str) -> String {
    if value.is_empty() { EMPTY.to_owned() } else { value.to_owned() }
}

/// The file has every one of these columns, as far as it is known.
fn has_all(seen: Seen<'_>, columns: &str) -> bool {
    seen.has(columns.trim()) || columns.split(',').all(|column| seen.has(column.trim()))
}

/// The width of one of three fields in a line.
pub fn third(ui: &Ui) -> f32 {
    ((ui.available_width() - 2.0 * ui.spacing().item_spacing.x) / 3.0).min(240.0)
}

/// A tensor with one value a row; others take several columns.
fn takes_one_column(value: &ValueType) -> bool {
    match value {
        ValueType::Tensor { shape: Some(shape), .. } => shape.iter().skip(1).all(|dim| matches!(dim, Dim::Fixed(1))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn only_what_was_chosen_is_in_the_command() {
        let seen = Seen::default();
        let mut form = ColumnsForm::default();
        assert!(form.summary(seen).is_empty());
        form.inputs.insert("X".into(), "  ".into());
        form.inputs.insert("sex".into(), "gender".into());
        form.left_out.insert("id".into());
        form.target = Target::Column("species".into());
        form.missing = " ?, -".into();
        form.fill =
            [("city".into(), "north".into()), ("plan".into(), String::new()), ("note".into(), EMPTY.into())].into();
        let columns = form.columns(seen);
        assert_eq!(columns.map, [("sex".to_owned(), "gender".to_owned())]);
        assert_eq!((&columns.drop, columns.target.as_deref()), (&vec!["id".to_owned()], Some("species")));
        assert_eq!(columns.missing, ["?", "-"]);
        let want = [("city", "north"), ("note", "")].map(|(column, value)| (column.to_owned(), value.to_owned()));
        assert_eq!(columns.fill, want, "what is not said is not asked");
        let summary = form.summary(seen).join(", ");
        let said = "truth in species, without id, also missing: ?, -, values for missing cells of 2 \
                    columns, a column chosen for one input";
        assert_eq!(summary, said);
        assert_eq!(ColumnsForm::of(&columns).columns(seen), columns, "and back again");
    }

    #[test]
    fn a_truth_that_nobody_chose_says_who_named_it() {
        let form = ColumnsForm::default();
        let known = Truth { column: "y".to_owned(), from: "import".to_owned() };
        let columns = names(&["x", "y"]);
        let seen = Seen { columns: &columns, truth: Some(&known) };
        assert_eq!(form.summary(seen), ["truth in y (remembered from import)"]);
        assert_eq!(form.columns(seen).target, None, "the import said it");
        assert!(form.has_truth(seen));
        let without = Seen { columns: &columns[..1], truth: Some(&known) };
        assert!(form.summary(without).is_empty(), "the data has no such column");
        assert_eq!(ColumnsForm::with_target("x").summary(seen), ["truth in x"]);
    }

    #[test]
    fn a_proposal_is_said_in_the_command_and_can_be_declined() {
        let proposed = Truth { column: "y".to_owned(), from: "values".to_owned() };
        let columns = names(&["x", "y"]);
        let seen = Seen { columns: &columns, truth: Some(&proposed) };
        let mut form = ColumnsForm::default();
        assert_eq!(form.columns(seen).target.as_deref(), Some("y"));
        assert_eq!(form.summary(seen), ["truth in y (it holds the model's classes)"]);
        form.left_out.insert("y".to_owned());
        assert_eq!((form.columns(seen).target, form.has_truth(seen)), (None, false), "it was left out");
        assert_eq!(form.summary(seen), ["without y"]);
        form.left_out.clear();
        form.target = Target::None;
        assert_eq!((form.columns(seen).target, form.has_truth(seen)), (None, false));
        assert!(form.summary(seen).is_empty());
    }

    #[test]
    fn what_another_file_lacks_is_left_out_and_said() {
        let mut form = ColumnsForm::with_target("gone");
        form.left_out.insert("id".into());
        form.inputs.insert("a".into(), "a.1".into());
        let columns = names(&["x", "y"]);
        let seen = Seen { columns: &columns, truth: None };
        assert_eq!(form.columns(seen), Columns::default());
        assert!(form.summary(seen)[0].starts_with("no column gone"));
    }
}
