//! How the columns of a data file become inputs: the truth, what is left out, and which column feeds what.

use std::collections::{BTreeMap, BTreeSet};

use desk_app::Truth;
use desk_app::command::Columns;
use desk_core::{Dim, ValueInfo, ValueType};
use desk_uikit::field::Field;
use desk_uikit::{Button, Icon};
use egui::Ui;

use crate::fault::sentence;

/// So many inputs have a field of their own; with more, names must do.
const FIELDS: usize = 24;

/// What was chosen; empty where names tell.
#[derive(Debug, Clone, Default)]
pub struct ColumnsForm {
    /// The column with the truth; found by its name when absent.
    pub target: Option<String>,
    left_out: BTreeSet<String>,
    inputs: BTreeMap<String, String>,
    mapping: bool,
}

impl ColumnsForm {
    /// With the truth in a column.
    #[cfg(test)]
    pub fn with_target(target: &str) -> Self {
        Self { target: Some(target.to_owned()), ..Self::default() }
    }

    /// The choices as the command has them.
    pub fn columns(&self) -> Columns {
        let typed = self.inputs.iter().map(|(input, column)| (input.clone(), column.trim().to_owned()));
        Columns {
            target: self.target.clone(),
            map: typed.filter(|(_, column)| !column.is_empty()).collect(),
            drop: self.left_out.iter().cloned().collect(),
            ..Columns::default()
        }
    }

    /// The choice of the truth, for a line with other fields; `known` is what is taken when none is chosen.
    pub fn truth(&mut self, ui: &mut Ui, width: f32, columns: &[String], known: Option<&Truth>) {
        let known = found(known, columns);
        let automatic =
            known.map_or_else(|| "Automatic, by its name".to_owned(), |it| format!("Automatic: {}", it.column));
        let mut choices: Vec<(Option<String>, &str)> = vec![(None, &automatic)];
        choices.extend(columns.iter().map(|name| (Some(name.clone()), name.as_str())));
        // A choice made before another file was chosen stays to be seen.
        let kept = self.target.clone();
        if let Some(name) = kept.as_ref().filter(|name| !columns.contains(name)) {
            choices.push((kept.clone(), name.as_str()));
        }
        let source = known.filter(|_| self.target.is_none()).and_then(Truth::source).map(sentence);
        let help = source.as_deref().unwrap_or("Compared with the answers, no input");
        let field = Field::new("Column with the truth").width(width).help(help);
        field.show_choice(ui, &mut self.target, &choices);
    }

    /// Columns that feed nothing, and columns for inputs whose names do not match.
    pub fn rest(&mut self, ui: &mut Ui, columns: &[String], inputs: &[ValueInfo]) {
        self.left_out(ui, columns);
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

    fn left_out(&mut self, ui: &mut Ui, columns: &[String]) {
        ui.horizontal_wrapped(|ui| {
            let free: Vec<&str> = columns.iter().map(String::as_str).filter(|c| !self.left_out.contains(*c)).collect();
            let field = Field::new("Columns left out").hide_label().width(200.0);
            if let Some(name) =
                field.show_choice_index(ui, None, &free, "Leave a column out…").and_then(|i| free.get(i))
            {
                self.left_out.insert((*name).to_owned());
            }
            let mut back = None;
            for name in &self.left_out {
                let label = format!("Use {name} again");
                if ui.add(Button::secondary(name).icon(Icon::Close).tooltip(&label)).clicked() {
                    back = Some(name.clone());
                }
            }
            if let Some(name) = back {
                self.left_out.remove(&name);
            }
        });
    }

    fn input(&mut self, ui: &mut Ui, width: f32, columns: &[String], input: &ValueInfo) {
        let value = self.inputs.entry(input.name.clone()).or_default();
        let kind = input.value_type.to_string();
        let field = Field::new(&input.name).width(width).help(&kind);
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
    pub fn summary(&self, columns: &[String], known: Option<&Truth>) -> Vec<String> {
        let mut parts = Vec::new();
        match (&self.target, found(known, columns)) {
            (Some(target), _) => parts.push(format!("truth in {target}")),
            (None, Some(truth)) => parts.push(format!("truth in {truth}")),
            (None, None) => {}
        }
        match self.left_out.len() {
            0 => {}
            1 | 2 => parts.push(format!("without {}", self.left_out.iter().cloned().collect::<Vec<_>>().join(", "))),
            n => parts.push(format!("without {n} columns")),
        }
        match self.columns().map.len() {
            0 => {}
            1 => parts.push("a column chosen for one input".to_owned()),
            n => parts.push(format!("columns chosen for {n} inputs")),
        }
        parts
    }
}

/// The column that is known as the truth, where the data has it.
fn found<'t>(known: Option<&'t Truth>, columns: &[String]) -> Option<&'t Truth> {
    known.filter(|truth| columns.contains(&truth.column))
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

    #[test]
    fn only_what_was_chosen_is_in_the_command() {
        let mut form = ColumnsForm::default();
        assert!(form.summary(&[], None).is_empty());
        form.inputs.insert("X".into(), "  ".into());
        form.inputs.insert("sex".into(), "gender".into());
        form.left_out.insert("id".into());
        form.target = Some("species".into());
        let columns = form.columns();
        assert_eq!(columns.map, [("sex".to_owned(), "gender".to_owned())]);
        assert_eq!((columns.drop, columns.target), (vec!["id".to_owned()], Some("species".to_owned())));
        let summary = form.summary(&[], None).join(", ");
        assert_eq!(summary, "truth in species, without id, a column chosen for one input");
    }

    #[test]
    fn a_truth_that_nobody_chose_says_who_named_it() {
        let form = ColumnsForm::default();
        let known = Truth { column: "y".to_owned(), from: "import".to_owned() };
        let columns = ["x".to_owned(), "y".to_owned()];
        assert_eq!(form.summary(&columns, Some(&known)), ["truth in y (remembered from import)"]);
        assert!(form.summary(&columns[..1], Some(&known)).is_empty(), "the data has no such column");
        assert_eq!(ColumnsForm::with_target("x").summary(&columns, Some(&known)), ["truth in x"]);
    }
}
