//! The tour over the samples: a step at a time, in a strip below the view; nothing of the window is blocked.
//!
//! Whether a step is done is read from the desk, not from what was pressed: who does it in another way, on the
//! command line too, has done it.

mod panel;
mod steps;

use desk_app::query::{DeploymentItem, RunItem};
use desk_core::state::DeploymentState;
use serde::{Deserialize, Serialize};

use crate::background::{Background, Slot, Topic};
use crate::cx::Lists;
pub use panel::{HEIGHT, show};
pub use steps::Step;

/// The sample that the tour is about.
const MODEL: &str = "tumour";
/// So far back its runs are looked for.
const RUNS: usize = 500;

/// What is remembered of the tour from one time to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The strip is on show.
    pub open: bool,
    /// The step on show, from 0.
    pub step: usize,
    /// It was left at its end.
    pub finished: bool,
}

/// The tour.
#[derive(Default)]
pub struct Tour {
    place: Place,
    runs: Slot<(), Vec<RunItem>>,
    done: Done,
    changed: bool,
}

/// What is done with the tour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The step before.
    Back,
    /// The next step.
    Next,
    /// It is left; it can be taken up again.
    Leave,
    /// It is over.
    Finish,
}

/// Which steps are done, in their order.
type Done = [bool; Step::ALL.len()];

impl Tour {
    /// Reads what is done; called once a frame, and costs nothing while the strip is closed.
    pub fn refresh(&mut self, background: &Background, lists: &Lists) {
        if !self.place.open {
            return;
        }
        self.runs.ensure(background, (), Topic::Models, |desk| desk.runs(None, RUNS));
        let runs = self.runs.value.value().map(Vec::as_slice).unwrap_or_default();
        let deployments = lists.deployments.value.value().map(Vec::as_slice).unwrap_or_default();
        let versions = MODEL.parse().ok().and_then(|name| lists.model(&name)).map_or(0, |model| model.versions);
        self.done = done(versions, runs, deployments);
    }

    /// The strip is on show.
    pub fn is_open(&self) -> bool {
        self.place.open
    }

    /// It was begun and not brought to its end.
    pub fn is_under_way(&self) -> bool {
        self.place.step > 0 && !self.place.finished
    }

    /// It was brought to its end.
    pub fn is_finished(&self) -> bool {
        self.place.finished
    }

    /// The step on show; none at the end.
    pub fn step(&self) -> Option<Step> {
        Step::ALL.get(self.place.step).copied()
    }

    /// The number of the step on show, from 1.
    pub fn number(&self) -> usize {
        self.place.step + 1
    }

    /// The desk says that a step is done.
    pub fn is_done(&self, step: Step) -> bool {
        Step::ALL.iter().position(|other| *other == step).is_some_and(|at| self.done[at])
    }

    /// Opens the strip where it was left, or closes it.
    pub fn toggle(&mut self) {
        let at_end = self.place.step >= Step::ALL.len();
        let step = if at_end { 0 } else { self.place.step };
        self.set(Place { open: !self.place.open, step, ..self.place });
    }

    /// Moves on.
    pub fn act(&mut self, act: Act) {
        let Place { step, .. } = self.place;
        self.set(match act {
            Act::Back => Place { step: step.saturating_sub(1), ..self.place },
            Act::Next => Place { step: (step + 1).min(Step::ALL.len()), ..self.place },
            Act::Leave => Place { open: false, ..self.place },
            Act::Finish => Place { open: false, step: 0, finished: true },
        });
    }

    /// Where it was the last time.
    pub fn recall(&mut self, place: Place) {
        if !self.changed {
            self.place = Place { step: place.step.min(Step::ALL.len()), ..place };
        }
    }

    /// What is to be written down, when that has changed.
    pub fn take_changed(&mut self) -> Option<Place> {
        std::mem::take(&mut self.changed).then_some(self.place)
    }

    /// It could not be written down.
    pub fn not_written(&mut self) {
        self.changed = true;
    }

    fn set(&mut self, place: Place) {
        self.changed |= self.place != place;
        self.place = place;
    }
}

/// What of the tour the desk shows as done.
fn done(versions: u32, runs: &[RunItem], deployments: &[DeploymentItem]) -> Done {
    let ran = |kind: &str, version: u32| {
        let version = format!("{MODEL}@{version}");
        runs.iter().any(|run| run.kind == kind && run.version == version)
    };
    let served = |d: &&DeploymentItem| {
        let served = [DeploymentState::Live, DeploymentState::Superseded, DeploymentState::Stopped];
        d.model.as_str() == MODEL && served.contains(&d.state)
    };
    let deployed = |action: &str, version: u32| {
        deployments.iter().filter(served).any(|d| d.action == action && d.version == version)
    };
    Step::ALL.map(|step| match step {
        Step::Samples => versions >= 2,
        Step::Test => ran("predict", 1),
        Step::Explain => ran("explain", 1),
        Step::Compare => ran("predict", 1) && ran("predict", 2),
        Step::Deploy => deployed("deploy", 1),
        Step::Replace => deployed("deploy", 2),
        Step::RollBack => deployments.iter().filter(served).any(|d| d.action == "rollback"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::deployment;

    fn run(kind: &str, version: &str) -> RunItem {
        let (at, data, summary) = Default::default();
        RunItem { id: "r".into(), kind: kind.into(), version: version.into(), at, seconds: 0.1, data, summary }
    }

    fn steps(versions: u32, runs: &[RunItem], deployments: &[DeploymentItem]) -> Vec<Step> {
        let done = done(versions, runs, deployments);
        Step::ALL.into_iter().zip(done).filter_map(|(step, done)| done.then_some(step)).collect()
    }

    #[test]
    fn what_is_done_is_read_from_the_desk() {
        assert!(steps(1, &[], &[]).is_empty(), "one of the two versions");
        let runs = [run("predict", "tumour@1"), run("explain", "tumour@2"), run("predict", "penguins@2")];
        assert_eq!(steps(2, &runs, &[]), [Step::Samples, Step::Test]);
        let runs = [run("predict", "tumour@1"), run("predict", "tumour@2"), run("explain", "tumour@1")];
        assert_eq!(steps(2, &runs, &[]), [Step::Samples, Step::Test, Step::Explain, Step::Compare]);
        let undone = deployment(1, DeploymentState::Undone);
        assert!(steps(0, &[], &[undone]).is_empty(), "what never served does not count");
        let back = DeploymentItem { action: "rollback".into(), ..deployment(1, DeploymentState::Live) };
        let was = |version| deployment(version, DeploymentState::Superseded);
        assert_eq!(steps(0, &[], &[was(2), was(1)]), [Step::Deploy, Step::Replace]);
        assert_eq!(steps(0, &[], &[back, was(2)]), [Step::Replace, Step::RollBack]);
    }

    #[test]
    fn it_is_left_and_taken_up_where_it_was() {
        let mut tour = Tour::default();
        tour.toggle();
        tour.act(Act::Next);
        tour.act(Act::Next);
        tour.act(Act::Back);
        tour.act(Act::Next);
        tour.act(Act::Leave);
        assert!(!tour.is_open() && tour.is_under_way());
        let kept = tour.take_changed().expect("it moved");
        let mut next = Tour::default();
        next.recall(kept);
        next.toggle();
        assert_eq!((next.is_open(), next.step()), (true, Some(Step::Explain)));
        for _ in 0..20 {
            next.act(Act::Next);
        }
        assert_eq!(next.step(), None, "the end");
        next.act(Act::Finish);
        assert!(next.is_finished() && !next.is_open());
        next.toggle();
        assert_eq!(next.step(), Some(Step::Samples), "it can be taken again");
    }
}
