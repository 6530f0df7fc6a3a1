//! Where the window stands on the screen, and how large it is, from one time to the next.
//!
//! eframe keeps this in a file and makes that file's folder where there is none, so the file lies in a folder of
//! its own: a home that was removed or unmounted meanwhile must not be made anew. What eframe has written is kept in
//! the store when the window closes.

use std::path::PathBuf;

use desk_app::Desk;
use serde_json::Value;
use tempfile::TempDir;

/// The setting that holds eframe's file.
const FRAME: &str = "window/frame";

/// Place and size of the window while it is open.
pub struct KeptFrame {
    desk: Option<Desk>,
    /// Removed with this; without it nothing is kept.
    folder: Option<TempDir>,
}

impl KeptFrame {
    /// As it was when the window was closed the last time; without a desk it is as at first, and not kept.
    pub fn of(desk: Option<&Desk>) -> Self {
        let folder = tempfile::Builder::new().prefix("modeldesk-window-").tempdir();
        let folder = folder.inspect_err(|error| tracing::warn!("the window's place is not kept: {error}")).ok();
        let kept = Self { desk: desk.cloned(), folder };
        let last = desk.and_then(|desk| desk.setting(FRAME).ok().flatten());
        if let (Some(text), Some(_)) = (last.as_ref().and_then(Value::as_str), &kept.folder)
            && let Err(error) = std::fs::write(kept.file(), text)
        {
            tracing::warn!("the window's place is not restored: {error}");
        }
        kept
    }

    /// The file that eframe reads when it starts and writes now and then.
    pub fn file(&self) -> PathBuf {
        self.folder.as_ref().map_or_else(PathBuf::new, |folder| folder.path().join("window.ron"))
    }

    /// Once the window is closed: into the store, where it differs from what is there.
    pub fn keep(self) {
        let Some(desk) = &self.desk else { return };
        let Ok(text) = std::fs::read_to_string(self.file()) else { return };
        let text = Value::String(text);
        let known = desk.setting(FRAME).ok().flatten();
        if known.as_ref() != Some(&text)
            && let Err(fault) = desk.set_setting(FRAME, &text)
        {
            tracing::debug!("the window's place is not kept: {}", fault.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use desk_app::DeskOptions;

    use super::*;

    #[test]
    fn what_the_window_wrote_is_there_the_next_time_and_makes_no_home() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = dir.path().join("home");
        let desk = Desk::open(DeskOptions::for_home(&home)).expect("opens");
        let frame = KeptFrame::of(Some(&desk));
        std::fs::write(frame.file(), "{ \"window\": \"here\" }").expect("written");
        let own = frame.file();
        frame.keep();
        assert!(!own.exists(), "nothing is left behind");
        let frame = KeptFrame::of(Some(&desk));
        assert_eq!(std::fs::read_to_string(frame.file()).expect("there"), "{ \"window\": \"here\" }");
        assert!(!frame.file().starts_with(&home));
        std::fs::rename(&home, dir.path().join("away")).expect("moved");
        std::fs::write(frame.file(), "{}").expect("written");
        frame.keep();
        assert!(!home.exists());
    }
}
