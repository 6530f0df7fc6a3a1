//! A value that is fetched in the background, and how a view shows its four states.

use std::time::{Duration, Instant};

use egui::{Ui, vec2};

use crate::error::{ErrorText, error_view};
use crate::progress;
use crate::text;
use crate::tokens::Tokens;

/// Loading shorter than this shows nothing at all.
const QUIET: Duration = Duration::from_millis(200);

/// A value from the background; the former one stays on show while a new one is fetched.
#[derive(Debug, Clone, Default)]
pub enum Loadable<T> {
    /// Nobody has asked yet.
    #[default]
    Idle,
    /// Being fetched.
    Loading {
        /// What was there before.
        previous: Option<T>,
        /// When the fetch began.
        since: Option<Instant>,
    },
    /// Here.
    Ready(T),
    /// The fetch failed.
    Failed {
        /// What was there before.
        previous: Option<T>,
        /// Why.
        error: ErrorText,
    },
}

impl<T> Loadable<T> {
    /// The newest value there is, even while another is on its way.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Idle => None,
            Self::Ready(value) => Some(value),
            Self::Loading { previous, .. } | Self::Failed { previous, .. } => previous.as_ref(),
        }
    }

    /// The newest value there is, to change it.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Idle => None,
            Self::Ready(value) => Some(value),
            Self::Loading { previous, .. } | Self::Failed { previous, .. } => previous.as_mut(),
        }
    }

    /// True while a fetch is under way.
    pub fn is_loading(&self) -> bool {
        matches!(self, Self::Loading { .. })
    }

    /// It has been fetched once, or that failed: a view has something to say.
    pub fn is_settled(&self) -> bool {
        self.value().is_some() || matches!(self, Self::Failed { .. })
    }

    /// Notes that a fetch has begun; keeps the value.
    pub fn begin(&mut self) {
        if !self.is_loading() {
            let previous = self.take();
            *self = Self::Loading { previous, since: Some(Instant::now()) };
        }
    }

    /// Puts the fetch's result in; a failure keeps the former value.
    pub fn finish(&mut self, result: Result<T, ErrorText>) {
        *self = match result {
            Ok(value) => Self::Ready(value),
            Err(error) => Self::Failed { previous: self.take(), error },
        };
    }

    fn take(&mut self) -> Option<T> {
        match std::mem::take(self) {
            Self::Idle => None,
            Self::Ready(value) => Some(value),
            Self::Loading { previous, .. } | Self::Failed { previous, .. } => previous,
        }
    }
}

/// Shows a value in whichever state it is; returns true when the user asks for another try.
///
/// First load: skeleton rows, after a moment. Reload: the former content under a thin bar.
/// Failure: the error above the former content, if there is any.
pub fn loadable_view<T>(ui: &mut Ui, value: &Loadable<T>, show: impl FnOnce(&mut Ui, &T)) -> bool {
    let mut retry = false;
    match value {
        Loadable::Idle => skeleton(ui, 5),
        Loadable::Ready(value) => show(ui, value),
        Loadable::Loading { previous, since } => {
            let late = since.is_none_or(|since| since.elapsed() >= QUIET);
            if !late {
                ui.ctx().request_repaint_after(QUIET);
            }
            match previous {
                Some(value) => {
                    if late {
                        let at = ui.cursor().min;
                        let width = ui.available_width();
                        let mut over = ui.new_child(
                            egui::UiBuilder::new().max_rect(egui::Rect::from_min_size(at, vec2(width, 2.0))),
                        );
                        progress::bar(&mut over, None, width, 2.0);
                    }
                    show(ui, value);
                }
                None if late => skeleton(ui, 5),
                None => {}
            }
        }
        Loadable::Failed { previous, error } => {
            retry = error_view(ui, error, Some("Try again"));
            if let Some(value) = previous {
                ui.add_space(8.0);
                show(ui, value);
            }
        }
    }
    retry
}

/// Shows a value beside the view that says why it is not there: grey bars while it is read first, and a quiet line
/// when it could not be read.
pub fn loadable_aside<T>(ui: &mut Ui, value: &Loadable<T>, show: impl FnOnce(&mut Ui, &T)) {
    match (value, value.value()) {
        (_, Some(value)) => show(ui, value),
        (Loadable::Failed { .. }, None) => drop(text::sub(ui, "There is nothing to show")),
        (Loadable::Loading { since, .. }, None) if since.is_some_and(|since| since.elapsed() < QUIET) => {
            ui.ctx().request_repaint_after(QUIET);
        }
        _ => skeleton(ui, 5),
    }
}

/// Grey bars where rows will be.
pub fn skeleton(ui: &mut Ui, rows: usize) {
    let t = Tokens::of(ui);
    let response = ui
        .vertical(|ui| {
            for i in 0..rows {
                let width = ui.available_width() * [0.9, 0.6, 0.75, 0.5, 0.8][i % 5];
                let (_, rect) = ui.allocate_space(vec2(ui.available_width(), 20.0));
                let bar = egui::Rect::from_min_size(rect.min + vec2(0.0, 4.0), vec2(width, 12.0));
                ui.painter().rect_filled(bar, 4.0, t.line);
            }
        })
        .response;
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Status, true, "Loading"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_former_value_while_loading_and_after_a_failure() {
        let mut value = Loadable::<u32>::default();
        value.begin();
        assert!(value.is_loading() && value.value().is_none() && !value.is_settled());
        value.finish(Ok(7));
        value.begin();
        assert_eq!(value.value(), Some(&7));
        value.finish(Err(ErrorText::new("no")));
        assert_eq!(value.value(), Some(&7));
        value.begin();
        value.finish(Ok(8));
        assert!(matches!(value, Loadable::Ready(8)));
    }
}
