//! What can be asked of a whole file: importance, dependence on one feature or two, a small tree in the model's place.

use std::path::PathBuf;

use desk_app::Command;
use desk_app::command::{Columns, Dependence, Grouping, Importance, Surrogate};
use desk_app::global::{CURVES, DEPTH, PAIR_POINTS, POINTS, REPEATS, ROWS};
use desk_app::outcome::Grouped;
use desk_app::query::{FeatureList, VersionView};
use desk_core::VersionRef;
use desk_uikit::field::{Field, Range};
use desk_uikit::{Button, Icon, Loadable};
use egui::Ui;

use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::screens::version::Forms;

/// A feature's choice, at most and at least.
const FEATURE: (f32, f32) = (220.0, 110.0);
/// Room for the button beside the choices, and its command.
const BUTTON: f32 = 190.0;
const NUMBER: f32 = 86.0;
/// The first steps stand in one line from this width on.
const ONE_LINE: f32 = 640.0;

/// What was filled in.
pub struct Steps {
    /// The feature to look along; the one that matters most while nobody has chosen.
    feature: Option<String>,
    /// Another one to look along with it.
    with: Option<String>,
    /// Cuts above a leaf of the tree at most.
    depth: u64,
    /// What the version reads of the file that is chosen.
    known: Slot<(PathBuf, Columns, u32), FeatureList>,
}

impl Default for Steps {
    fn default() -> Self {
        Self { feature: None, with: None, depth: DEPTH as u64, known: Slot::default() }
    }
}

/// What is under way.
#[derive(Clone, Copy)]
pub struct Busy {
    pub importance: bool,
    pub dependence: bool,
    pub surrogate: bool,
}

/// The file that would be looked at, or why none can be.
struct Over<'a> {
    version: &'a VersionRef,
    data: Result<PathBuf, &'static str>,
    columns: Columns,
    /// It has the truth.
    judged: bool,
    busy: Busy,
}

impl Steps {
    /// Shows the steps over the file and columns of the form above; `most` is the feature that matters most.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        view: &VersionView,
        forms: &Forms,
        (version, busy, most): (&VersionRef, Busy, Option<&str>),
    ) {
        let seen = forms.data.seen(view);
        let data = match (forms.data.waits(), forms.data.chosen()) {
            (Some(why), _) | (None, Err(why)) => Err(why),
            (None, Ok(data)) => Ok(data),
        };
        let (columns, judged) = (forms.columns.columns(seen), forms.columns.has_truth(seen));
        let over = Over { version, data, columns, judged, busy };
        if let Ok(path) = &over.data {
            let key = (path.clone(), over.columns.clone(), view.item.version);
            let (version, file, columns) = (version.clone(), path.clone(), over.columns.clone());
            self.known.ensure(cx.background, key, Topic::Files, move |desk| desk.features(&version, &file, &columns));
        }
        let offered = Offered::of(&self.known.value, forms.columns.inputs(seen));
        // Fields do not wrap by themselves: where there is no room each step has a line of its own.
        if ui.available_width() >= ONE_LINE {
            ui.horizontal(|ui| {
                importance(ui, cx, &over);
                ui.add_space(12.0);
                self.surrogate(ui, cx, &over);
            });
        } else {
            ui.horizontal(|ui| importance(ui, cx, &over));
            ui.horizontal(|ui| self.surrogate(ui, cx, &over));
        }
        ui.add_space(4.0);
        self.dependence(ui, cx, &over, &offered, most);
    }

    fn dependence(&mut self, ui: &mut Ui, cx: &Cx<'_>, over: &Over<'_>, offered: &Offered, most: Option<&str>) {
        let gap = ui.spacing().item_spacing.x;
        let beside = (ui.available_width() - BUTTON - 2.0 * gap) / 2.0;
        let one_line = beside >= FEATURE.1;
        let width = if one_line { beside } else { (ui.available_width() - gap) / 2.0 };
        let draw = |steps: &mut Self, ui: &mut Ui| {
            let draw = steps.drawing(over, offered, most);
            step(ui, cx, Button::secondary("Draw dependence").icon(Icon::Run), draw);
        };
        ui.horizontal(|ui| {
            self.along(ui, offered, most, width.floor().min(FEATURE.0));
            if one_line {
                draw(self, ui);
            }
        });
        if !one_line {
            ui.horizontal(|ui| draw(self, ui));
        }
    }

    /// The feature to look along, and the one together with it.
    fn along(&mut self, ui: &mut Ui, offered: &Offered, most: Option<&str>, width: f32) {
        let features = &offered.features;
        let chosen = self.chosen(offered, most);
        let index = chosen.and_then(|name| features.iter().position(|(feature, _)| feature == name));
        let field = Field::new("Feature to look along").hide_label().width(width);
        let picked = field.show_choice_ended(ui, index, features, "Feature to look along");
        if let Some((name, _)) = picked.and_then(|i| features.get(i)) {
            self.feature = Some(name.clone());
        }
        let chosen = self.chosen(offered, most);
        let apart = |with: &str| chosen.is_none_or(|chosen| offered.are_apart(chosen, with));
        let stays = |with: &String| !offered.is_read || (features.iter().any(|(name, _)| name == with) && apart(with));
        self.with = self.with.take().filter(stays);
        let mut others: Vec<(Option<String>, String)> = vec![(None, "alone".to_owned())];
        let other = features.iter().filter(|(name, _)| apart(name));
        others.extend(other.map(|(name, _)| (Some(name.clone()), format!("with {name}"))));
        let options: Vec<(Option<String>, &str)> =
            others.iter().map(|(key, name)| (key.clone(), name.as_str())).collect();
        Field::new("Together with").hide_label().width(width).show_choice(ui, &mut self.with, &options);
    }

    /// What is to be drawn, or why it cannot be.
    fn drawing<'o>(&self, over: &Over<'_>, offered: &'o Offered, most: Option<&str>) -> Result<Command, &'o str> {
        if over.busy.dependence {
            return Err("A dependence of this version is being drawn");
        }
        let data = over.data.clone()?;
        if let Some(why) = &offered.none {
            return Err(why);
        }
        let feature = self.chosen(offered, most).ok_or("Choose a feature first")?;
        Ok(Command::Dependence(Dependence {
            version: over.version.clone(),
            data,
            columns: over.columns.clone(),
            rows: ROWS,
            feature: feature.to_owned(),
            points: if self.with.is_some() { PAIR_POINTS } else { POINTS },
            curves: CURVES,
            with: self.with.clone(),
            output: None,
            grouping: Grouping::default(),
        }))
    }

    fn surrogate(&mut self, ui: &mut Ui, cx: &Cx<'_>, over: &Over<'_>) {
        let grow = match over.data.clone() {
            _ if over.busy.surrogate => Err("A tree of this version is being grown"),
            Err(why) => Err(why),
            Ok(data) => Ok(Command::Surrogate(Surrogate {
                version: over.version.clone(),
                data,
                columns: over.columns.clone(),
                rows: ROWS,
                output: None,
                depth: self.depth as usize,
                leaf_rows: None,
                seed: 0,
            })),
        };
        let range = Range { limits: 1..=8, step: 1.0 };
        Field::new("Depth of the tree").hide_label().width(NUMBER).show_number(ui, &mut self.depth, range, "deep");
        step(ui, cx, Button::secondary("Grow a small tree").icon(Icon::Run), grow);
    }

    /// The chosen feature where the file has it, else the one that matters most, else the first.
    fn chosen<'f>(&self, offered: &'f Offered, most: Option<&str>) -> Option<&'f str> {
        let mut features = offered.features.iter().map(|(name, _)| name.as_str());
        let find = |name: &str| features.clone().find(|feature| *feature == name);
        self.feature.as_deref().and_then(find).or_else(|| most.and_then(find)).or(features.next())
    }
}

/// What can be looked along.
struct Offered {
    /// Names of features, each with what it is where that is more than one column; categories stand before their columns.
    features: Vec<(String, String)>,
    /// Categories and their columns, which cannot be set beside each other.
    categories: Vec<Grouped>,
    /// Why there is none.
    none: Option<String>,
    /// What the version reads of the file is known.
    is_read: bool,
}

impl Offered {
    /// What the version reads of the file; until that is known, and where it cannot be, the file's columns.
    fn of(known: &Loadable<FeatureList>, columns: Vec<&str>) -> Self {
        let plain = |name: &str| (name.to_owned(), String::new());
        let Some(list) = known.value() else {
            let features = columns.into_iter().map(plain).collect();
            return Self { features, categories: Vec::new(), none: None, is_read: false };
        };
        let mut features = Vec::new();
        for name in &list.names {
            let begun = list.categories.iter().filter(|of| of.columns.first() == Some(name));
            features.extend(begun.map(|of| (of.name.clone(), format!("{} columns", of.columns.len()))));
            features.push(plain(name));
        }
        Self { features, categories: list.categories.clone(), none: list.none.clone(), is_read: true }
    }

    /// Neither is the other one, nor part of it.
    fn are_apart(&self, one: &str, other: &str) -> bool {
        let within = |category: &str, column: &str| {
            self.categories.iter().any(|of| of.name == category && of.columns.iter().any(|name| name == column))
        };
        one != other && !within(one, other) && !within(other, one)
    }
}

fn importance(ui: &mut Ui, cx: &Cx<'_>, over: &Over<'_>) {
    let measure = match over.data.clone() {
        _ if over.busy.importance => Err("An importance of this version is being measured"),
        Err(why) => Err(why),
        Ok(_) if !over.judged => {
            Err("Choose the column with the truth under Options first: importance is what the score loses")
        }
        Ok(data) => Ok(Command::Importance(Importance {
            version: over.version.clone(),
            data,
            columns: over.columns.clone(),
            rows: ROWS,
            repeats: REPEATS,
            seed: 0,
            score: None,
            grouping: Grouping::default(),
        })),
    };
    step(ui, cx, Button::secondary("Measure importance").icon(Icon::Run), measure);
}

/// A step that is not the view's first one: its button, and the command line that does the same.
fn step(ui: &mut Ui, cx: &Cx<'_>, button: Button<'_>, command: Result<Command, &str>) {
    let pressed = ui.add(button.disabled_if(command.as_ref().err().copied())).clicked();
    match command {
        Ok(command) => {
            cx.copy_command(ui, &command);
            if pressed {
                cx.run(command);
            }
        }
        Err(why) => {
            ui.add(Button::icon_only(Icon::Terminal, crate::cx::COPY_COMMAND).disabled_because(why));
        }
    }
}
