//! Work off the frame that can take long: how far it is, and a way to stop it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use desk_core::{Cancel, Progress};
use desk_uikit::Card;
use desk_uikit::progress::{self, Work};
use egui::Ui;
use parking_lot::Mutex;

/// One piece of work as its view sees it. Clones are of the same work.
#[derive(Clone)]
pub struct Watch {
    cancel: Cancel,
    told: Arc<Mutex<Progress>>,
    since: Instant,
}

impl Default for Watch {
    fn default() -> Self {
        Self { cancel: Cancel::new(), told: Arc::default(), since: Instant::now() }
    }
}

impl Watch {
    /// What the work listens to.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The work says how far it is.
    pub fn tell(&self, progress: Progress) {
        *self.told.lock() = progress;
    }

    /// Shows how far the work is once it takes longer than `quiet`; true when it was cancelled here. `keeps` says what
    /// stays then.
    pub fn show(&self, ui: &mut Ui, quiet: Duration, keeps: Option<&str>) -> bool {
        let elapsed = self.since.elapsed();
        if let Some(left) = quiet.checked_sub(elapsed).filter(|left| !left.is_zero()) {
            ui.ctx().request_repaint_after(left);
            return false;
        }
        ui.ctx().request_repaint_after(Duration::from_millis(100));
        let p = self.told.lock().clone();
        let work = Work {
            stage: if p.stage.is_empty() { "Waiting" } else { &p.stage },
            done: p.done,
            total: p.total,
            about: p.about,
            unit: &p.unit,
            elapsed_secs: elapsed.as_secs_f64(),
            cancel_keeps: keeps,
        };
        let stop = Card::new().show(ui, |ui| progress::work(ui, &work, true));
        if stop {
            self.cancel.cancel();
        }
        stop
    }
}
