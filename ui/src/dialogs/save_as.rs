//! Where to save a file, on a system without file dialogs.

use std::path::{Path, PathBuf};

use desk_uikit::field::Field;
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, Icon, text};

use crate::background::Pending;
use crate::cx::Cx;
use crate::picker::Asked;

/// The state of the dialog.
pub struct SaveDialog {
    asked: Asked,
    typed: String,
    /// What was looked at, and what lies there.
    found: Option<(PathBuf, Place)>,
    looking: Pending<(PathBuf, Place)>,
    /// Saving was asked for of this path before it was known what lies there.
    wanted: Option<PathBuf>,
    /// The file that would be replaced, and since when that is said.
    warned: Option<(PathBuf, f64)>,
    focused: bool,
}

/// Nobody has read a warning sooner: a key pressed before was meant for what was there before.
const READ_SECS: f64 = 0.4;

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing, in a folder that is there.
    Free,
    /// A file, which would be replaced.
    File,
    /// A folder.
    Folder,
    /// Not even its folder.
    Nowhere,
}

impl Place {
    fn of(path: &Path) -> Self {
        let parent = path.parent();
        match () {
            () if path.is_dir() => Self::Folder,
            () if path.exists() => Self::File,
            () if parent.is_some_and(Path::is_dir) => Self::Free,
            () => Self::Nowhere,
        }
    }

    fn error(self) -> Option<&'static str> {
        match self {
            Self::Folder => Some("This is a folder: add a name for the file"),
            Self::Nowhere => Some("There is no such folder"),
            Self::Free | Self::File => None,
        }
    }
}

impl SaveDialog {
    /// Asks for the place of a file.
    pub fn new(asked: Asked) -> Self {
        let typed = asked.path.display().to_string();
        Self { asked, typed, found: None, looking: Pending::default(), wanted: None, warned: None, focused: false }
    }

    /// The path that was typed: `~` is the user's folder, and what is not absolute lies beside the proposal.
    fn path(&self) -> Option<PathBuf> {
        let typed = self.typed.trim();
        let home = || typed.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
        let beside = || Some(self.asked.path.parent()?.join(typed));
        if typed.is_empty() { None } else { home().or_else(beside) }
    }

    /// What lies at the path, once the disk has said it; asked off the frame.
    fn place(&mut self, cx: &Cx<'_>) -> Option<Place> {
        if let Some(Ok(found)) = self.looking.take() {
            self.found = Some(found);
        }
        let path = self.path()?;
        match &self.found {
            Some((seen, place)) if *seen == path => Some(*place),
            _ => {
                self.looking.start(cx.background, move |_| {
                    let place = Place::of(&path);
                    Ok((path, place))
                });
                None
            }
        }
    }

    /// That a file would be replaced was on the screen for a while; true where none would be.
    fn was_read(&mut self, place: Option<Place>, path: Option<&Path>, now: f64) -> bool {
        let Some(path) = path.filter(|_| place == Some(Place::File)) else {
            self.warned = None;
            return true;
        };
        match &self.warned {
            Some((of, since)) if of == path => now - since >= READ_SECS,
            _ => {
                self.warned = Some((path.to_owned(), now));
                false
            }
        }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        let place = self.place(cx);
        let mut chosen = None;
        let output = Frame::new("save-as", "Save as").width(560.0).show_with(
            ctx,
            self,
            |ui, this| {
                text::sub(ui, "This system opened no file dialog; type or paste where to save");
                ui.add_space(6.0);
                let error = place.and_then(Place::error);
                let help = if place == Some(Place::File) { "Replaces the file that is there" } else { "" };
                let field = Field::new("File").help(help).error(error);
                let input = field.show_text(ui, &mut this.typed, "/folder/name");
                if !std::mem::replace(&mut this.focused, true) {
                    input.request_focus();
                }
            },
            |ui, this, ()| {
                // The field may have changed in this very frame: what was found counts for the path it was found at.
                let place = this.place(cx);
                let path = this.path();
                let why = match (&path, place) {
                    (None, _) => Some("Type a path first"),
                    (Some(_), None) => Some("Looking at the folder"),
                    (Some(_), Some(place)) => place.error(),
                };
                let label = if place == Some(Place::File) { "Replace" } else { "Save" };
                let save = ui.add(Button::primary(label).icon(Icon::Export).disabled_if(why));
                let asked = save.clicked() || cx.primary.take();
                // A file that is there is replaced by a press that saw "Replace", and by none from before.
                let waited = this.wanted.is_some() && this.wanted == path && place == Some(Place::Free);
                let read = this.was_read(place, path.as_deref(), ui.input(|input| input.time));
                if (asked && why.is_none() && path.is_some() && read) || waited {
                    chosen = Some(path);
                } else if asked {
                    this.wanted = path.filter(|_| place.is_none());
                }
                if chosen.is_some() {
                    return;
                }
                if ui.add(Button::secondary("Cancel")).clicked() {
                    chosen = Some(None);
                }
            },
        );
        if output.closed && chosen.is_none() {
            chosen = Some(None);
        }
        chosen.inspect(|path| self.asked.answer(path.clone())).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_from_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.csv");
        assert_eq!(Place::of(&file), Place::Free);
        std::fs::write(&file, "x").expect("written");
        assert_eq!(Place::of(&file), Place::File);
        assert_eq!(Place::of(folder.path()), Place::Folder);
        assert_eq!(Place::of(&folder.path().join("no/b.csv")), Place::Nowhere);
    }

    #[test]
    fn what_is_not_absolute_lies_beside_the_proposal() {
        let (asked, _answer) = Asked::new("/data/rows.csv".into());
        let mut dialog = SaveDialog::new(asked);
        assert_eq!(dialog.path(), Some("/data/rows.csv".into()));
        dialog.typed = " mine.csv ".into();
        assert_eq!(dialog.path(), Some("/data/mine.csv".into()));
        dialog.typed = "/else/mine.csv".into();
        assert_eq!(dialog.path(), Some("/else/mine.csv".into()));
        dialog.typed = " ".into();
        assert_eq!(dialog.path(), None);
    }
}
