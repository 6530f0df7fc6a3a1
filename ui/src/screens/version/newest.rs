//! Which run a tab shows while nobody has chosen one.

use std::time::{Duration, Instant};

use desk_app::query::RunItem;
use desk_app::{Command, Outcome};

use super::arrival::Arrival;
use crate::cx::Cx;
use crate::jobs;

/// The newest run when the tab is opened, and then each that this window makes. What the command line makes meanwhile takes the
/// place of nothing that is being looked at: it is in the list of runs.
///
/// A result is shown when its job has ended, in the place of its progress, so that nothing moves under the pointer a
/// moment later.
#[derive(Default)]
pub struct Newest {
    shown: Option<String>,
    /// The run that this window made last, once it is shown or was passed over.
    own: Option<String>,
    /// The frame in which the tab was drawn last.
    drawn: u64,
    /// The tab was opened then, and the list of its runs may still be that of the last time.
    opening: Option<Instant>,
    arrival: Arrival,
}

/// What others did is known after a second at most: so long the list may be of the last time without being read anew.
const KNOWN_AFTER: Duration = Duration::from_millis(1500);

impl Newest {
    /// The tab is drawn; `settled` when the list of its runs is that of now.
    pub fn here(&mut self, ui: &egui::Ui, settled: bool) {
        self.at(ui.ctx().cumulative_frame_nr(), settled, Instant::now());
    }

    fn at(&mut self, frame: u64, settled: bool, now: Instant) {
        if frame > self.drawn + 1 {
            self.opening = Some(now);
        }
        self.drawn = frame;
        self.opening = self.opening.filter(|since| !settled || now.duration_since(*since) < KNOWN_AFTER);
    }

    /// Whether a job that makes such runs is under way.
    pub fn watch(&mut self, ui: &egui::Ui, busy: bool) {
        self.arrival.watch(ui, busy, self.shown.as_ref());
    }

    /// The run's result was drawn there; one that has just arrived is brought into view.
    pub fn bring(&mut self, ui: &egui::Ui, run: &str, result: egui::Rect) {
        self.arrival.bring(ui, run, result);
    }

    /// Looks at what has ended since; `mine` are the jobs whose runs these are, none of which runs now.
    pub fn follow(&mut self, cx: &Cx<'_>, mine: impl Fn(&Command) -> bool, runs: &[&RunItem]) {
        self.look(made(cx, mine), runs);
    }

    fn look(&mut self, own: Option<String>, runs: &[&RunItem]) {
        let is_here = |id: &String| runs.iter().any(|run| run.id == *id);
        // While it is being opened nothing of it was looked at yet.
        if self.opening.is_some() || !self.shown.as_ref().is_some_and(is_here) {
            self.shown = runs.first().map(|run| run.id.clone());
            self.own = own;
        } else if own != self.own && own.as_ref().is_some_and(is_here) {
            self.shown.clone_from(&own);
            self.own = own;
        }
    }

    /// The id of the run to show.
    pub fn id(&self) -> Option<String> {
        self.shown.clone()
    }
}

/// The run that the newest such job of this window has made.
fn made(cx: &Cx<'_>, mine: impl Fn(&Command) -> bool) -> Option<String> {
    match jobs::newest(cx, mine)?.outcome.as_ref()? {
        Outcome::Explain(explained) => Some(explained.run.clone()),
        Outcome::Predict(predicted) => Some(predicted.run.clone()),
        Outcome::Importance(importance) => Some(importance.basis.run.clone()),
        Outcome::Dependence(dependence) => Some(dependence.basis.run.clone()),
        Outcome::Surrogate(surrogate) => Some(surrogate.basis.run.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str) -> RunItem {
        let (version, data, summary, at) = Default::default();
        RunItem { id: id.into(), kind: "explain".into(), version, data, summary, at, seconds: 0.0 }
    }

    #[test]
    fn a_run_of_the_command_line_does_not_take_the_place_of_the_one_on_show() {
        let mut newest = Newest::default();
        let (a, b, c) = (run("a"), run("b"), run("c"));
        let mut look = |own: Option<&str>, runs: &[&RunItem]| {
            newest.look(own.map(str::to_owned), runs);
            newest.id()
        };
        assert_eq!(look(None, &[]), None);
        assert_eq!(look(None, &[&a]).as_deref(), Some("a"));
        assert_eq!(look(None, &[&b, &a]).as_deref(), Some("a"), "somebody else made b");
        assert_eq!(look(Some("c"), &[&b, &a]).as_deref(), Some("a"), "c is not in the list yet");
        assert_eq!(look(Some("c"), &[&c, &b, &a]).as_deref(), Some("c"), "this window made c");
        assert_eq!(look(Some("c"), &[&b, &a]).as_deref(), Some("b"), "c is gone");
    }

    #[test]
    fn who_comes_back_sees_the_newest() {
        let mut newest = Newest::default();
        let (a, b, c) = (run("a"), run("b"), run("c"));
        let began = Instant::now();
        let mut look = |frame: u64, settled: bool, runs: &[&RunItem]| {
            // Ten frames a second.
            newest.at(frame, settled, began + Duration::from_millis(100 * frame));
            newest.look(None, runs);
            newest.id()
        };
        assert_eq!(look(10, true, &[&a]).as_deref(), Some("a"));
        for frame in 11..30 {
            look(frame, true, &[&a]);
        }
        assert_eq!(look(30, true, &[&b, &a]).as_deref(), Some("a"), "it is being looked at");
        assert_eq!(look(50, true, &[&b, &a]).as_deref(), Some("b"), "opened again");
        assert_eq!(look(51, true, &[&c, &b, &a]).as_deref(), Some("c"), "what others did is known a moment later");
        for frame in 52..80 {
            look(frame, false, &[&b, &a]);
        }
        assert_eq!(look(80, false, &[&c, &b, &a]).as_deref(), Some("c"), "the list was being read");
        assert_eq!(look(81, true, &[&c, &b, &a]).as_deref(), Some("c"));
        assert_eq!(look(82, true, &[&run("d"), &c, &b, &a]).as_deref(), Some("c"));
    }
}
