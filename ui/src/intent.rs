//! A press that came a moment too early: kept until the step can be done, taken back by another press or Escape.

use std::borrow::Cow;

use desk_app::Command;
use desk_uikit::text;
use egui::Ui;

/// Whether a step can be done, and what it is.
pub enum Next<'r> {
    /// It can be done now.
    Now(Box<Command>),
    /// It can be done in a moment, when this has ended; a press until then is kept.
    Soon(Cow<'r, str>),
    /// It cannot be done, and why.
    Not(Cow<'r, str>),
}

impl<'r, E: Into<Cow<'r, str>>> From<Result<Command, E>> for Next<'r> {
    fn from(command: Result<Command, E>) -> Self {
        command.map_or_else(|reason| Self::Not(reason.into()), |command| Self::Now(Box::new(command)))
    }
}

/// What somebody wanted when it could not be done yet.
#[derive(Debug, Clone, Default)]
pub struct Intent {
    /// Why it waits.
    kept: Option<String>,
    /// The frame in which its button was drawn last.
    drawn: u64,
}

impl Intent {
    /// Keeps a press for a button that is not drawn yet, as while its view is being read.
    pub fn keep(&mut self, ui: &Ui, why: &str) {
        self.kept = Some(why.to_owned());
        self.drawn = ui.ctx().cumulative_frame_nr();
    }

    /// The view of its button is still being read.
    pub fn hold(&mut self, ui: &Ui) {
        self.still_here(ui.ctx().cumulative_frame_nr());
    }

    /// What was wanted in a view that was left since is wanted no more.
    fn still_here(&mut self, frame: u64) {
        if self.drawn + 1 < frame {
            self.kept = None;
        }
        self.drawn = frame;
    }

    /// Before its button: takes an Escape that takes the press back.
    pub fn begin(&mut self, ui: &Ui) {
        self.still_here(ui.ctx().cumulative_frame_nr());
        if self.is_kept() && ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Escape)) {
            self.kept = None;
        }
    }

    /// A press waits.
    pub fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// What to do now, given whether the button was pressed in this frame.
    pub fn decide(&mut self, next: Next<'_>, pressed: bool) -> Option<Command> {
        match next {
            Next::Now(command) => {
                let kept = self.kept.take().is_some();
                (pressed || kept).then_some(*command)
            }
            Next::Soon(reason) => {
                if pressed {
                    self.kept = (!self.is_kept()).then(|| reason.into_owned());
                }
                None
            }
            Next::Not(_) => {
                self.kept = None;
                None
            }
        }
    }

    /// Beside the button, while a press waits: for what, and how to take it back.
    pub fn note(&self, ui: &mut Ui) {
        if let Some(reason) = &self.kept {
            text::caption(ui, format!("{reason}; it starts then. Escape takes it back"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Next<'static> {
        Next::Soon("The file is being read".into())
    }

    fn now() -> Next<'static> {
        Ok::<_, String>(Command::Doctor).into()
    }

    #[test]
    fn an_early_press_is_kept_and_done_once() {
        let mut intent = Intent::default();
        assert_eq!(intent.decide(soon(), true), None);
        assert_eq!(intent.decide(soon(), false), None);
        assert!(intent.is_kept());
        assert_eq!(intent.decide(now(), false), Some(Command::Doctor));
        assert_eq!(intent.decide(now(), false), None);
        assert_eq!(intent.decide(now(), true), Some(Command::Doctor));
    }

    #[test]
    fn another_press_takes_it_back_and_so_does_a_refusal_or_leaving() {
        let mut intent = Intent::default();
        intent.decide(soon(), true);
        intent.decide(soon(), true);
        assert_eq!(intent.decide(now(), false), None);
        intent.decide(soon(), true);
        intent.decide(Next::Not("This data file cannot be read".into()), false);
        assert_eq!(intent.decide(now(), false), None);
        intent.still_here(7);
        intent.decide(soon(), true);
        intent.still_here(8);
        assert!(intent.is_kept());
        intent.still_here(10);
        assert!(!intent.is_kept());
    }
}
