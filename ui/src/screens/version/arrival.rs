//! What a job of this window has made is brought into view once, when it arrives.

use egui::{Align, Rect, Ui};

/// Whoever has scrolled further than this since the job began looks at something else.
const ELSEWHERE: f32 = 48.0;
/// So much of a view is enough to see that something has arrived.
const SEEN: f32 = 0.5;

/// Whether a result is waited for, and by whom.
#[derive(Default)]
pub struct Arrival {
    busy: bool,
    /// How far the view was scrolled when the job began.
    began: f32,
    /// The run that was the last one then.
    before: Option<String>,
    /// The job has ended, and whoever began it still looks where it was begun.
    due: bool,
}

impl Arrival {
    /// The tab is drawn in `ui`; `busy` while the job runs, `last` is the run that the window has made last.
    pub fn watch(&mut self, ui: &Ui, busy: bool, last: Option<&String>) {
        self.look(ui.clip_rect().top() - ui.min_rect().top(), busy, last);
    }

    fn look(&mut self, scrolled: f32, busy: bool, last: Option<&String>) {
        match (std::mem::replace(&mut self.busy, busy), busy) {
            (false, true) => {
                self.began = scrolled;
                self.before = last.cloned();
                self.due = false;
            }
            (true, false) => self.due = (scrolled - self.began).abs() <= ELSEWHERE,
            _ => {}
        }
    }

    /// The run that was just drawn is the one that was waited for; once.
    fn is_due(&mut self, run: &str) -> bool {
        self.due && self.before.as_deref() != Some(run) && std::mem::take(&mut self.due)
    }

    /// A run's result was drawn in `result`: scrolls there where it has just arrived and is out of sight.
    pub fn bring(&mut self, ui: &Ui, run: &str, result: Rect) {
        if self.is_due(run) {
            reveal(ui, result);
        }
    }
}

/// Scrolls to what was drawn in `rect` where too little of it is in sight.
pub fn reveal(ui: &Ui, rect: Rect) {
    match way(ui.clip_rect(), rect) {
        Way::Stay => {}
        Way::Whole => ui.scroll_to_rect(rect, None),
        Way::Top => ui.scroll_to_rect(rect, Some(Align::Min)),
    }
}

/// How a result is brought into a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Enough of it can be seen.
    Stay,
    /// It fits into the view.
    Whole,
    /// It is higher than the view.
    Top,
}

fn way(view: Rect, result: Rect) -> Way {
    let seen = view.intersect(result).height().max(0.0);
    let enough = view.height() * SEEN;
    let fits = result.height() <= view.height();
    match seen + 1.0 < if fits { result.height() } else { enough } {
        false => Way::Stay,
        true if fits => Way::Whole,
        true => Way::Top,
    }
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    fn lines(top: f32, bottom: f32) -> Rect {
        Rect::from_min_max(pos2(0.0, top), pos2(100.0, bottom))
    }

    #[test]
    fn what_can_be_seen_stays_where_it_is() {
        let view = lines(0.0, 600.0);
        assert_eq!(way(view, lines(100.0, 500.0)), Way::Stay);
        assert_eq!(way(view, lines(200.0, 2000.0)), Way::Stay, "more than half of the view shows it");
        assert_eq!(way(view, lines(400.0, 700.0)), Way::Whole, "its end is below");
        assert_eq!(way(view, lines(700.0, 900.0)), Way::Whole);
        assert_eq!(way(view, lines(500.0, 2000.0)), Way::Top, "it is higher than the view");
    }

    #[test]
    fn a_result_is_due_once_and_for_whoever_still_looks() {
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let mut arrival = Arrival::default();
        arrival.look(0.0, false, None);
        assert!(!arrival.is_due(&a), "nothing was asked");
        arrival.look(10.0, true, Some(&a));
        assert!(!arrival.is_due(&a), "it is being made");
        arrival.look(20.0, false, Some(&a));
        assert!(!arrival.is_due(&a), "the former one");
        assert!(arrival.is_due(&b) && !arrival.is_due(&b), "once");
        arrival.look(20.0, true, Some(&b));
        arrival.look(400.0, false, Some(&b));
        assert!(!arrival.is_due("c"), "somebody has scrolled elsewhere");
    }
}
