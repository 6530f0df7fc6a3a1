//! Explaining the same rows with both versions: from which background, and the button that does it.

use std::path::PathBuf;

use desk_app::command::Explain;
use desk_uikit::field::Field;
use desk_uikit::{Button, Card, Icon, format, text};
use egui::Ui;

use crate::cx::Cx;
use crate::fault::words;
use crate::picker::{Picked, Purpose};
use crate::screens::version::file_name;

const WIDTH: f32 = 420.0;

/// What was filled in.
#[derive(Default)]
pub struct Asked {
    /// The file with the background as typed; as it was the last time while nobody has typed.
    background: Option<String>,
    picked: Picked,
}

impl Asked {
    /// Not explained on the same rows yet: the next step is to do so.
    pub fn unexplained(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        why: &str,
        (like, busy): (Option<&Explain>, bool),
    ) -> Option<Explain> {
        let mut asked = None;
        Card::titled("Explanations").show(ui, |ui| {
            let next = "Explain the same rows with both: which features gained and lost then stands here";
            text::sub(ui, format!("{}. {next}", words(why)));
            ui.add_space(6.0);
            asked = self.offer(ui, cx, like, busy);
        });
        asked
    }

    /// The background, and the button that explains the same rows with both: gives what is to be run of either.
    pub fn offer(&mut self, ui: &mut Ui, cx: &Cx<'_>, like: Option<&Explain>, busy: bool) -> Option<Explain> {
        if let Some(path) = self.picked.take() {
            self.background = Some(path.to_string_lossy().into_owned());
        }
        let label = like.map_or_else(|| "Explain the same rows with both".to_owned(), label);
        let why = match (like, busy) {
            (None, _) => Some("Explain one of them first: which file and rows is then known"),
            (_, true) => Some("An explanation is under way"),
            _ => None,
        };
        if let Some(like) = like {
            let known = || like.background.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
            let background = self.background.get_or_insert_with(known);
            let help = "Rows that stand for “nothing known” for both; a sample of the data when empty";
            let field = Field::new("Background rows of both").width(WIDTH.min(ui.available_width())).help(help);
            if field.show_path(ui, background, "optional: /path/to/background.csv").browse {
                self.picked.wait(cx.pick(ui.ctx(), Purpose::Data));
            }
            ui.add_space(4.0);
        }
        let pressed = ui.add(Button::secondary(&label).icon(Icon::Explain).disabled_if(why)).clicked();
        let typed = self.background.as_deref().unwrap_or_default().trim();
        let background = Some(typed).filter(|typed| !typed.is_empty()).map(PathBuf::from);
        like.filter(|_| pressed).map(|like| Explain { background, ..like.clone() })
    }
}

/// The button says what it will do.
fn label(like: &Explain) -> String {
    let rows = match (like.first_row, like.last_row) {
        (Some(first), Some(last)) if first == last => format!("row {}", format::count(first)),
        (first, Some(last)) => format!("rows {} to {}", format::count(first.unwrap_or(1)), format::count(last)),
        _ => "the rows".to_owned(),
    };
    format!("Explain {rows} of {} with both", file_name(&like.data.display().to_string()))
}
