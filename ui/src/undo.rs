//! Undo and redo of what was changed in the registry since the window opened: the operation log is the history.

use std::collections::HashSet;

use desk_app::query::OperationItem;
use desk_app::{Command, JobView, Outcome};
use desk_uikit::Tone;
use desk_uikit::toast::Toast;
use jiff::Timestamp;

use crate::background::{Background, Pending};
use crate::cx::{Action, ToastAction};
use crate::route::Route;

/// So far back a change is looked for.
const LOOKED_AT: usize = 100;

/// The time at which something was made.
struct Opened(Timestamp);

impl Default for Opened {
    fn default() -> Self {
        Self(Timestamp::now())
    }
}

/// What was taken back in this window, and what can be made again.
#[derive(Default)]
pub struct Undoing {
    looking: Pending<Option<OperationItem>>,
    /// When the window opened; older changes are undone where they are listed.
    opened: Opened,
    /// Operations that took another one back.
    made: HashSet<i64>,
    /// The same, those that can be taken back themselves, newest last.
    again: Vec<i64>,
    /// Jobs of ours that take something back and whose end has not been seen here.
    under_way: usize,
    /// Redo was asked for while what it shall make again was still being undone.
    redo_waits: bool,
}

impl Undoing {
    /// Looks for the newest change since the window opened that can be taken back.
    pub fn look(&mut self, background: &Background) {
        let since = self.opened.0;
        self.looking.start(background, move |desk| Ok(to_undo(&desk.operations(LOOKED_AT)?, since).cloned()));
    }

    /// What to do about what was found, once.
    pub fn found(&mut self) -> Option<Action> {
        if self.redo_waits && !self.is_undoing() {
            self.redo_waits = false;
            return Some(self.make_again());
        }
        let toast = |tone, text: String| Some(Action::Toast(Toast::new(tone, text)));
        match self.looking.take()? {
            Ok(Some(operation)) => Some(self.take_back(operation.id)),
            Ok(None) => {
                let toast =
                    Toast::new(Tone::Neutral, "Nothing that could be undone was changed since this window opened");
                let toast = toast.body("Older changes are undone under Activity");
                Some(Action::Toast(toast.action("Open", ToastAction::Go(Route::Activity))))
            }
            Err(fault) => toast(Tone::Err, fault.message),
        }
    }

    /// Makes the last undone change again; later, where it is being undone just now.
    pub fn redo(&mut self) -> Option<Action> {
        self.redo_waits = self.is_undoing();
        (!self.redo_waits).then(|| self.make_again())
    }

    /// A job's end is seen here a moment after its work shows in the lists, so jobs are counted and not asked.
    fn is_undoing(&self) -> bool {
        self.looking.is_running() || self.under_way > 0
    }

    fn make_again(&mut self) -> Action {
        match self.again.pop() {
            Some(operation) => self.take_back(operation),
            None => Action::Toast(Toast::new(Tone::Neutral, "There is nothing to redo")),
        }
    }

    fn take_back(&mut self, operation: i64) -> Action {
        self.under_way += 1;
        Action::Run(Box::new(Command::Undo(desk_app::command::Undo { operation })))
    }

    /// Takes note of what a job changed.
    pub fn ended(&mut self, job: &JobView) {
        if matches!(job.command, Command::Undo(_)) {
            self.under_way = self.under_way.saturating_sub(1);
        }
        match (&job.command, &job.outcome) {
            (Command::Undo(undo), Some(Outcome::Done(done))) => {
                self.again.retain(|operation| *operation != undo.operation);
                if let Some(operation) = done.undo.filter(|_| !self.made.contains(&undo.operation)) {
                    self.made.insert(operation);
                    self.again.push(operation);
                }
            }
            // After a new change there is no way forward.
            (Command::Alias(_) | Command::Archive(_) | Command::Pin(_) | Command::Unpin(_), Some(_)) => {
                self.again.clear();
            }
            _ => {}
        }
    }
}

/// The newest change that can be taken back and did not take another one back itself; choices in the
/// settings are no work that somebody would want to take back.
fn to_undo(all: &[OperationItem], since: Timestamp) -> Option<&OperationItem> {
    let work = |operation: &&OperationItem| operation.undoable && operation.kind != "setting.set";
    let is_new = |operation: &&OperationItem| operation.at.parse::<Timestamp>().is_ok_and(|at| at >= since);
    all.iter().filter(is_new).find(|it| work(it) && !is_undoing(it, all))
}

/// It took a change back; one that took back such an undoing made the change again.
fn is_undoing(operation: &OperationItem, all: &[OperationItem]) -> bool {
    let mut undoing = false;
    let mut next = operation.undoes;
    while let Some(id) = next {
        undoing = !undoing;
        next = all.iter().find(|other| other.id == id).and_then(|other| other.undoes);
    }
    undoing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(id: i64, kind: &str, undoable: bool, undoes: Option<i64>) -> OperationItem {
        let (who, object, summary) = Default::default();
        // One a second, in their order.
        let at = Timestamp::from_second(id).expect("a time").to_string();
        OperationItem { id, at, who, kind: kind.to_owned(), object, summary, undoable, undoes, undone_by: None }
    }

    #[test]
    fn settings_and_undoings_are_passed_over_but_not_what_was_made_again() {
        let mut all = vec![
            operation(4, "setting.set", true, None),
            operation(3, "alias.set", true, Some(2)),
            operation(2, "alias.set", false, None),
            operation(1, "model.archive", true, None),
        ];
        let second = |n: i64| Timestamp::from_second(n).expect("a time");
        assert_eq!(to_undo(&all, second(0)).map(|operation| operation.id), Some(1));
        assert!(to_undo(&all, second(2)).is_none(), "what was changed before the window opened stays");
        all.insert(0, operation(5, "alias.set", true, Some(3)));
        assert_eq!(to_undo(&all, second(0)).map(|operation| operation.id), Some(5), "5 made the alias again");
        assert!(to_undo(&[], second(0)).is_none());
    }
}
