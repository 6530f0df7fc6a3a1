//! Charts and numbers that leave the window: into the clipboard, or into a file.

use std::path::{Path, PathBuf};

use desk_app::Desk;
use desk_core::Fault;
use desk_uikit::Tone;
use desk_uikit::plot::{NoPicture, Picture, PictureFormat, Wish};
use desk_uikit::toast::Toast;
use egui::{ColorImage, Context};

use crate::background::{Background, Pending};
use crate::notices::Notices;
use crate::picker::{FilePicker, Picked};

/// Pixels for a point: sharp on paper and on fine screens.
const SCALE: f32 = 2.0;

/// What is being copied or saved.
#[derive(Default)]
pub(super) struct Wishes {
    asking: Vec<(Picked, Content)>,
    saving: Vec<Pending<PathBuf>>,
    painting: Vec<Pending<ColorImage>>,
}

enum Content {
    Picture(Picture, PictureFormat),
    Text(String),
    /// Of this run.
    Values(String),
}

impl Content {
    fn write(self, desk: &Desk, path: &Path) -> Result<(), Fault> {
        let bytes = match self {
            Self::Values(run) => return desk.save_values(&run, path),
            Self::Text(text) => text.into_bytes(),
            Self::Picture(picture, PictureFormat::Svg) => picture.svg.into_bytes(),
            Self::Picture(picture, PictureFormat::Png) => picture.png(SCALE).map_err(no_picture)?,
        };
        desk.write_file(&bytes, path)
    }
}

fn no_picture(error: NoPicture) -> Fault {
    Fault::bug("the picture cannot be made").detail(error.0)
}

impl Wishes {
    /// Starts what was asked for.
    pub(super) fn begin(
        &mut self,
        ctx: &Context,
        wish: Wish,
        background: &Background,
        picker: &dyn FilePicker,
        notices: &mut Notices,
    ) {
        match wish {
            Wish::CopyText(text) => {
                ctx.copy_text(text);
                notices.whisper(Toast::new(Tone::Ok, "Copied"));
            }
            Wish::CopyPicture(picture) => {
                let mut pending = Pending::default();
                pending.start(background, move |_| picture.pixels(SCALE).map_err(no_picture));
                self.painting.push(pending);
            }
            Wish::SavePicture(picture, format, name) => {
                let name = format!("{name}.{}", format.extension());
                self.ask(ctx, picker, &name, Content::Picture(picture, format));
            }
            Wish::SaveData(text, name) => self.ask(ctx, picker, &format!("{name}.csv"), Content::Text(text)),
        }
    }

    /// Asks where to, and writes a recorded explanation there.
    pub(super) fn save_values(&mut self, ctx: &Context, run: String, name: &str, picker: &dyn FilePicker) {
        self.ask(ctx, picker, &format!("{name}.html"), Content::Values(run));
    }

    fn ask(&mut self, ctx: &Context, picker: &dyn FilePicker, name: &str, content: Content) {
        let ctx = ctx.clone();
        let mut picked = Picked::default();
        picked.wait(picker.save(name, Box::new(move || ctx.request_repaint())));
        self.asking.push((picked, content));
    }

    /// Takes what has arrived; call once a frame.
    pub(super) fn go_on(&mut self, ctx: &Context, background: &Background, notices: &mut Notices) {
        for (mut picked, content) in std::mem::take(&mut self.asking) {
            match picked.take() {
                Some(path) => {
                    let mut pending = Pending::default();
                    pending.start(background, move |desk| {
                        content.write(desk, &path)?;
                        Ok(path)
                    });
                    self.saving.push(pending);
                }
                // Dialogs that were closed without an answer are over.
                None if picked.is_waiting() => self.asking.push((picked, content)),
                None => {}
            }
        }
        self.saving.retain_mut(|pending| match pending.take() {
            None => pending.is_running(),
            Some(Ok(path)) => {
                notices.tell(Toast::new(Tone::Ok, "Saved").body(path.display().to_string()));
                false
            }
            Some(Err(fault)) => {
                notices.tell_fault(Toast::new(Tone::Err, "The file was not saved"), &fault);
                false
            }
        });
        self.painting.retain_mut(|pending| match pending.take() {
            None => pending.is_running(),
            Some(Ok(image)) => {
                ctx.copy_image(image);
                notices.whisper(Toast::new(Tone::Ok, "The picture is in the clipboard"));
                false
            }
            Some(Err(fault)) => {
                notices.tell_fault(Toast::new(Tone::Err, "The picture was not copied"), &fault);
                false
            }
        });
    }
}
