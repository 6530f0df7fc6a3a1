//! Ages such as `2 min ago`, and when the first of those on the screen reads otherwise.
//!
//! A window that nobody touches is painted again for its ages only, when one of them changes and not more often than
//! once a minute.

use std::cell::Cell;
use std::time::{Duration, Instant};

use desk_uikit::format;
use desk_uikit::table::{self, MemTable};

/// Frames for ages alone are so far apart at least.
const APART: Duration = Duration::from_mins(1);

thread_local! {
    /// When the first of the ages that were asked for reads otherwise.
    static NEXT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// `12 min ago`, from an RFC 3339 time; the text itself when it is none.
pub fn ago(rfc3339: &str) -> String {
    let Some(seconds) = seconds_since(rfc3339) else { return rfc3339.to_owned() };
    // A little later, so that rounding does not show the old text for another minute.
    let left = Duration::try_from_secs_f64(format::ago_lasts(seconds) + 0.05).ok();
    note(left.and_then(|left| Instant::now().checked_add(left)));
    format::ago(seconds)
}

/// So many seconds after a time, as RFC 3339; the time itself where it cannot be read.
pub fn after(rfc3339: &str, seconds: f64) -> String {
    let later = rfc3339.parse::<jiff::Timestamp>().ok().and_then(|then| {
        let seconds = Duration::try_from_secs_f64(seconds).ok()?;
        then.checked_add(seconds).ok()
    });
    later.map_or_else(|| rfc3339.to_owned(), |later| later.to_string())
}

/// A table's cell with an age, which is sorted by time.
pub fn cell(rfc3339: &str) -> table::Cell<'static> {
    table::Cell::sorted_by(-seconds_since(rfc3339).unwrap_or_default(), ago(rfc3339))
}

/// Seconds from an RFC 3339 time to now.
fn seconds_since(rfc3339: &str) -> Option<f64> {
    let then: jiff::Timestamp = rfc3339.parse().ok()?;
    Some(jiff::Timestamp::now().duration_since(then).as_secs_f64().max(0.0))
}

fn note(at: Option<Instant>) {
    NEXT.set(NEXT.get().into_iter().chain(at).min());
}

/// A table that is made again when its key is another one, or when an age in it reads otherwise.
pub struct AgedTable<K> {
    key: Option<K>,
    until: Option<Instant>,
    table: MemTable,
}

impl<K> Default for AgedTable<K> {
    fn default() -> Self {
        Self { key: None, until: None, table: MemTable::default() }
    }
}

impl<K: PartialEq> AgedTable<K> {
    /// The table, made by `make` where it has to be.
    pub fn ensure(&mut self, key: K, make: impl FnOnce() -> MemTable) -> &mut MemTable {
        let aged = self.until.is_some_and(|until| until <= Instant::now());
        if aged || self.key.as_ref() != Some(&key) {
            let before = NEXT.take();
            self.table = make();
            self.until = NEXT.replace(before);
            self.key = Some(key);
        }
        note(self.until);
        &mut self.table
    }
}

/// When the window was last painted for its ages.
#[derive(Default)]
pub struct Ages {
    planned: Option<Instant>,
    painted: Option<Instant>,
}

impl Ages {
    /// Before a frame is drawn.
    pub fn begin(&mut self) {
        NEXT.set(None);
        let now = Instant::now();
        if self.planned.take_if(|planned| *planned <= now).is_some() {
            self.painted = Some(now);
        }
    }

    /// After it: asks for another one when an age in it reads otherwise.
    pub fn end(&mut self, ctx: &egui::Context) {
        let earliest = self.painted.map(|painted| painted + APART);
        self.planned = NEXT.get().map(|next| earliest.map_or(next, |earliest| next.max(earliest)));
        if let Some(planned) = self.planned {
            ctx.request_repaint_after(planned.saturating_duration_since(Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(seconds: f64) -> String {
        (jiff::Timestamp::now() - jiff::SignedDuration::from_secs_f64(seconds)).to_string()
    }

    #[test]
    fn the_next_frame_is_due_when_the_first_age_changes_and_a_minute_after_the_last_one_at_the_earliest() {
        let ctx = egui::Context::default();
        let mut ages = Ages::default();
        let mut due = |texts: &[String]| {
            ages.begin();
            for text in texts {
                drop(ago(text));
            }
            ages.end(&ctx);
            ages.planned.map(|planned| planned.saturating_duration_since(Instant::now()).as_secs_f64())
        };
        assert_eq!(due(&["not a time".into()]), None, "nothing to wait for");
        let due_in = due(&[before(3.0 * 3600.0), before(15.0)]).expect("an age");
        assert!((29.0..30.1).contains(&due_in), "{due_in}");
        let due_in = due(&[before(3.0 * 86_400.0)]).expect("an age");
        assert!(due_in > 3600.0, "days change once a day: {due_in}");
        let due_in = due(&[before(44.97)]).expect("an age");
        assert!(due_in < 0.1, "{due_in}");
        while Instant::now() < ages.planned.expect("an age") {
            std::thread::yield_now();
        }
        ages.begin();
        assert_eq!(ago(&before(89.0)), "1 min ago");
        ages.end(&ctx);
        let due_in = ages.planned.expect("an age").saturating_duration_since(Instant::now()).as_secs_f64();
        assert!(due_in > 59.0, "frames for ages are a minute apart: {due_in}");
    }

    #[test]
    fn what_is_no_time_stays_as_it_is() {
        assert_eq!(ago("not a time"), "not a time");
        assert_eq!(ago(&jiff::Timestamp::now().to_string()), "just now");
        assert!(ago("2020-01-01T00:00:00Z").ends_with("d ago"));
    }

    #[test]
    fn a_table_is_made_again_for_another_key_and_for_an_age() {
        let mut table = AgedTable::default();
        let mut made = 0;
        let mut show = |key, age: &str| {
            table.ensure(key, || {
                made += 1;
                drop(ago(age));
                MemTable::default()
            });
            (made, table.until)
        };
        let young = before(44.9);
        assert_eq!(show(1, &before(3600.0)).0, 1);
        assert_eq!(show(1, &young).0, 1);
        let (count, until) = show(2, &young);
        assert_eq!(count, 2);
        while Instant::now() < until.expect("an age") {
            std::thread::yield_now();
        }
        assert_eq!(show(2, &young).0, 3);
        assert!(NEXT.get().is_some(), "what is kept counts, too");
    }
}
