//! Notices: what was told in the corner, kept to be read later; what somebody has seen counts as read.

use desk_core::Fault;
use desk_uikit::toast::{Ended, Toast, Toasts};
use desk_uikit::{ErrorText, Tone};
use egui::{Context, Pos2};
use serde::{Deserialize, Serialize};

use crate::cx::ToastAction;
use crate::fault::sentence;
use crate::route::Route;

/// So many are kept, the newest.
pub const KEPT: usize = 200;

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something did not work.
    Error,
    /// Something needs a look.
    Warning,
    /// Something was done.
    Done,
    /// Just a fact.
    Note,
}

impl Severity {
    fn of(tone: Tone) -> Self {
        match tone {
            Tone::Err => Self::Error,
            Tone::Warn => Self::Warning,
            Tone::Ok => Self::Done,
            Tone::Neutral | Tone::Accent => Self::Note,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Done => "Done",
            Self::Note => "Note",
        }
    }

    /// Its icon and colour.
    pub fn tone(self) -> Tone {
        match self {
            Self::Error => Tone::Err,
            Self::Warning => Tone::Warn,
            Self::Done => Tone::Ok,
            Self::Note => Tone::Neutral,
        }
    }

    /// Nothing has to be done about it.
    fn is_quiet(self) -> bool {
        matches!(self, Self::Done | Self::Note)
    }
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Tells it from the others in this window.
    #[serde(skip)]
    pub id: u64,
    /// When (RFC 3339).
    pub at: String,
    /// How much it matters.
    pub severity: Severity,
    /// One short sentence.
    pub title: String,
    /// What happened, if there is more.
    pub cause: String,
    /// What to do next.
    pub hints: Vec<String>,
    /// Causes and facts, one a line.
    pub details: Vec<String>,
    /// A button and the address of the place that it leads to.
    pub lead: Option<(String, String)>,
    /// Somebody has seen it.
    pub read: bool,
}

impl Notice {
    /// All of it as text, for the clipboard.
    pub fn to_text(&self) -> String {
        let (hints, details) = (self.hints.clone(), self.details.clone());
        let text = ErrorText {
            title: self.title.clone(),
            message: self.cause.clone(),
            hints,
            details,
            ..ErrorText::default()
        };
        text.to_text()
    }

    /// Where its button leads.
    pub fn place(&self) -> Option<(&str, Route)> {
        let (label, address) = self.lead.as_ref()?;
        Some((label, address.parse().ok()?))
    }
}

/// What is on show in the corner, and what was.
#[derive(Default)]
pub struct Notices {
    toasts: Toasts<ToastAction>,
    /// Oldest first.
    list: Vec<Notice>,
    /// Numbers of toasts and of the notices that they show.
    on_show: Vec<(u64, u64)>,
    /// The toast that offers to take the last change back.
    undo_on_show: Option<u64>,
    next: u64,
    /// Something is to be written down.
    changed: bool,
    /// All of this one is to be shown.
    details: Option<u64>,
}

/// What is done with the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// One was opened.
    Read(u64),
    /// All of them are known.
    ReadAll,
    /// They are not needed any more.
    Clear,
}

impl Notices {
    /// Says something in the corner and keeps it.
    pub fn tell(&mut self, toast: Toast<ToastAction>) {
        self.tell_all(toast, &[], &[]);
    }

    /// The same about a fault, with what to do about it.
    pub fn tell_fault(&mut self, toast: Toast<ToastAction>, fault: &Fault) {
        let mut toast = toast.body(sentence(&fault.message));
        if toast.action.is_none() {
            // What to do next, where a place of the window does it.
            let mut error = ErrorText::default();
            crate::hints::put(&mut error, &fault.hints);
            let next = error.links.into_iter().find_map(|link| Some((link.label, link.address.parse().ok()?)));
            toast.action = next.map(|(label, route)| (label, ToastAction::Go(route)));
        }
        self.tell_all(toast, &fault.hints, &fault.details);
    }

    /// Says something that nobody needs later, such as that something was copied.
    pub fn whisper(&mut self, toast: Toast<ToastAction>) {
        self.toasts.push(toast);
    }

    /// Keeps a fault that the view on show tells already.
    pub fn note_fault(&mut self, toast: Toast<ToastAction>, fault: &Fault) {
        let id = self.keep(&toast.body(sentence(&fault.message)), &fault.hints, &fault.details);
        self.read(|notice| notice.id == id);
    }

    fn tell_all(&mut self, toast: Toast<ToastAction>, hints: &[String], details: &[String]) {
        let notice = self.keep(&toast, hints, details);
        let undoes = matches!(toast.action, Some((_, ToastAction::Run(_))));
        // All of it stands in the list.
        let number = self.toasts.push(Toast { kept: true, more: !details.is_empty() || !hints.is_empty(), ..toast });
        self.on_show.push((number, notice));
        if undoes {
            self.only_last_undo(number);
        }
    }

    /// Of several changes only the last one is offered to be taken back: the others may have been changed since.
    fn only_last_undo(&mut self, number: u64) {
        if let Some(former) = self.undo_on_show.replace(number) {
            self.toasts.remove(former);
            self.on_show.retain(|(toast, _)| *toast != former);
        }
    }

    fn keep(&mut self, toast: &Toast<ToastAction>, hints: &[String], details: &[String]) -> u64 {
        let lead = match &toast.action {
            Some((label, ToastAction::Go(route))) => Some((label.clone(), route.to_string())),
            // What can be undone now cannot be undone for ever.
            Some((_, ToastAction::Run(_))) | None => None,
        };
        let mut error = ErrorText::default();
        crate::hints::put(&mut error, hints);
        let lead = lead.or_else(|| error.links.pop().map(|link| (link.label, link.address)));
        let severity = Severity::of(toast.tone);
        self.add(Notice {
            id: 0,
            at: jiff::Timestamp::now().to_string(),
            severity,
            title: toast.title.clone(),
            cause: toast.body.clone(),
            hints: error.hints,
            details: details.to_vec(),
            lead,
            // What went well is seen while it is on show; the rest waits until somebody turns to it.
            read: severity.is_quiet(),
        })
    }

    fn add(&mut self, notice: Notice) -> u64 {
        self.next += 1;
        self.list.push(Notice { id: self.next, ..notice });
        let surplus = self.list.len().saturating_sub(KEPT);
        self.list.drain(..surplus);
        self.changed = true;
        self.next
    }

    /// Puts those of the last time before those of this one.
    pub fn recall(&mut self, former: Vec<Notice>) {
        let now = std::mem::take(&mut self.list);
        let changed = std::mem::replace(&mut self.changed, false) || !now.is_empty();
        // Those of this time may be on show, so they keep their numbers.
        for notice in former {
            self.add(notice);
        }
        self.list.extend(now);
        let surplus = self.list.len().saturating_sub(KEPT);
        self.list.drain(..surplus);
        self.changed = changed;
    }

    /// What is to be written down, when that has changed.
    pub fn take_changed(&mut self) -> Option<Vec<Notice>> {
        std::mem::take(&mut self.changed).then(|| self.list.clone())
    }

    /// It could not be written down.
    pub fn not_written(&mut self) {
        self.changed = true;
    }

    /// All of them, newest first.
    pub fn list(&self) -> impl Iterator<Item = &Notice> {
        self.list.iter().rev()
    }

    /// Those that nobody has seen.
    pub fn unread(&self) -> impl Iterator<Item = &Notice> {
        self.list.iter().filter(|notice| !notice.read)
    }

    /// Does something with the list.
    pub fn act(&mut self, act: Act) {
        match act {
            Act::Read(id) => {
                self.read(|notice| notice.id == id);
                self.take_down(|notice| notice == id);
            }
            Act::ReadAll => {
                self.read(|_| true);
                self.take_down(|_| true);
            }
            Act::Clear => {
                self.take_down(|_| true);
                self.changed |= !self.list.is_empty();
                self.list.clear();
            }
        }
    }

    fn read(&mut self, which: impl Fn(&Notice) -> bool) {
        for notice in self.list.iter_mut().filter(|notice| !notice.read && which(notice)) {
            notice.read = true;
            self.changed = true;
        }
    }

    fn unread_again(&mut self, id: u64) {
        for notice in self.list.iter_mut().filter(|notice| notice.id == id) {
            notice.read = false;
            self.changed = true;
        }
    }

    /// Takes what is known out of the corner.
    fn take_down(&mut self, which: impl Fn(u64) -> bool) {
        for (toast, _) in self.on_show.extract_if(.., |(_, notice)| which(*notice)) {
            self.toasts.remove(toast);
        }
    }

    /// Takes the newest one out of the corner.
    pub fn dismiss(&mut self) {
        self.toasts.dismiss();
    }

    /// The one of which all is to be shown.
    pub fn take_details(&mut self) -> Option<u64> {
        let id = self.details.take()?;
        self.act(Act::Read(id));
        Some(id)
    }

    /// Shows the corner; gives what the pressed button of a notice stands for.
    pub fn show(&mut self, ctx: &Context, corner: Pos2) -> Option<ToastAction> {
        let action = self.toasts.show(ctx, corner);
        if let Some(number) = self.toasts.take_details() {
            self.details = self.on_show.iter().find(|(toast, _)| *toast == number).map(|(_, notice)| *notice);
        }
        for (number, how) in self.toasts.take_ended() {
            let Some(at) = self.on_show.iter().position(|(toast, _)| *toast == number) else { continue };
            let (_, id) = self.on_show.swap_remove(at);
            match how {
                Ended::ByHand => self.read(|notice| notice.id == id),
                Ended::PushedOut => self.unread_again(id),
                // What needs a look was perhaps not looked at.
                Ended::ByItself => {}
            }
        }
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(notices: &Notices) -> Vec<&str> {
        notices.unread().map(|notice| notice.title.as_str()).collect()
    }

    #[test]
    fn those_of_the_last_time_stand_before_those_of_this_one_and_the_newest_stay() {
        let mut before = Notices::default();
        for i in 0..KEPT + 5 {
            before.tell(Toast::new(Tone::Warn, format!("old {i}")));
        }
        before.act(Act::Read(before.next));
        let kept = before.take_changed().expect("something was told");
        assert_eq!(kept.len(), KEPT);
        assert!(before.take_changed().is_none(), "it is written down once");
        let written = serde_json::to_string(&kept).expect("plain data");

        let mut now = Notices::default();
        now.tell(Toast::new(Tone::Err, "new").action("Show what to do", ToastAction::Go(Route::Targets)));
        now.recall(serde_json::from_str(&written).expect("reads back"));
        assert_eq!(now.list().count(), KEPT);
        let newest: Vec<&str> = now.list().take(2).map(|notice| notice.title.as_str()).collect();
        assert_eq!(newest, ["new", "old 204"]);
        assert_eq!(now.list().next().and_then(Notice::place), Some(("Show what to do", Route::Targets)));
        assert_eq!(now.unread().count(), KEPT - 1, "the last old one was read");
        let mut ids: Vec<u64> = now.list().map(|notice| notice.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), KEPT, "each has a number of its own");
    }

    #[test]
    fn escape_counts_as_seen_and_a_whisper_is_not_kept() {
        let mut notices = Notices::default();
        notices.tell(Toast::new(Tone::Warn, "first"));
        notices.tell_fault(Toast::new(Tone::Err, "second"), &Fault::input("no such file").hint("Choose another"));
        notices.whisper(Toast::new(Tone::Ok, "Copied"));
        notices.note_fault(Toast::new(Tone::Err, "seen"), &Fault::input("no"));
        notices.tell(Toast::new(Tone::Ok, "fine"));
        assert_eq!(unread(&notices), ["first", "second"], "what went well is seen while it is on show");
        let ctx = Context::default();
        desk_uikit::install(&ctx);
        for _ in 0..3 {
            notices.dismiss();
        }
        ctx.run_ui(egui::RawInput::default(), |ui| {
            notices.show(ui.ctx(), Pos2::new(500.0, 500.0));
        })
        .drop_without_applying_deltas();
        assert_eq!(unread(&notices), ["first"]);
        let second = notices.list().find(|notice| notice.title == "second").expect("kept");
        assert_eq!(second.to_text(), "second\nNo such file\n- Choose another");
        notices.act(Act::ReadAll);
        assert!(unread(&notices).is_empty());
        assert!(notices.on_show.is_empty() && notices.toasts.is_empty(), "what is known leaves the corner");
        for i in 0..5 {
            notices.tell(Toast::new(Tone::Ok, format!("done {i}")));
        }
        ctx.run_ui(egui::RawInput::default(), |ui| {
            notices.show(ui.ctx(), Pos2::new(500.0, 500.0));
        })
        .drop_without_applying_deltas();
        assert_eq!(unread(&notices), ["done 0"], "others took its place before anybody had seen it");
        notices.act(Act::Clear);
        assert_eq!(notices.list().count(), 0);
    }

    #[test]
    fn only_the_last_change_is_offered_to_be_taken_back() {
        let undo =
            |operation| ToastAction::Run(Box::new(desk_app::Command::Undo(desk_app::command::Undo { operation })));
        let mut notices = Notices::default();
        notices.tell(Toast::new(Tone::Ok, "moved").action("Undo", undo(1)));
        notices.tell(Toast::new(Tone::Ok, "moved again").action("Undo", undo(2)));
        let ctx = Context::default();
        desk_uikit::install(&ctx);
        assert_eq!(notices.on_show.len(), 1, "the first one is no longer as it was left");
        assert_eq!(notices.list().count(), 2);
        let full = Fault::input("no room").hint("`modeldesk gc` removes what nothing names");
        notices.tell_fault(Toast::new(Tone::Err, "Import could not be started"), &full);
        let place = notices.list().next().and_then(Notice::place).map(|(_, route)| route.to_string());
        assert_eq!(place.as_deref(), Some("settings/storage"), "the toast leads on");
    }
}
