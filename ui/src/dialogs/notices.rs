//! The list of notices below the bell: newest first, each opens to its cause, what to do, and its details.

use desk_uikit::field::segments;
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, EmptyState, Icon, Row, Tokens, error, text};
use egui::{Context, Ui, vec2};

use crate::ages::ago;
use crate::cx::{Action, Cx};
use crate::fault::date_time;
use crate::notices::{Act, KEPT, Notice, Severity};

/// Longer titles are cut in their line.
const FITS: usize = 40;

/// Which of them are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Show {
    #[default]
    All,
    Errors,
    Warnings,
    Others,
}

impl Show {
    fn takes(self, severity: Severity) -> bool {
        match self {
            Self::All => true,
            Self::Errors => severity == Severity::Error,
            Self::Warnings => severity == Severity::Warning,
            Self::Others => matches!(severity, Severity::Done | Severity::Note),
        }
    }

    fn nothing(self) -> &'static str {
        match self {
            Self::All => "No notices",
            Self::Errors => "No errors among the notices",
            Self::Warnings => "No warnings among the notices",
            Self::Others => "Only errors and warnings among the notices",
        }
    }
}

/// The state of the list while it is open.
#[derive(Default)]
pub struct NoticesDialog {
    show: Show,
    /// The one that is unfolded.
    open: Option<u64>,
}

impl NoticesDialog {
    /// With one of them unfolded.
    pub fn unfolding(id: u64) -> Self {
        Self { open: Some(id), ..Self::default() }
    }

    /// Shows the list; true when it is done with.
    pub fn show(&mut self, ctx: &Context, cx: &Cx<'_>) -> bool {
        let mut left = false;
        let output = Frame::new("notices", "Notices").width(440.0).drop_down(vec2(-8.0, 46.0)).show_with(
            ctx,
            self,
            |ui, this| left = this.body(ui, cx),
            |ui, _, ()| {
                let none = cx.notices.unread().next().is_none().then_some("All of them are read");
                if ui.add(Button::secondary("Mark all read").icon(Icon::Check).disabled_if(none)).clicked() {
                    cx.act(Action::Notices(Act::ReadAll));
                }
                let empty = cx.notices.list().next().is_none().then_some("There is nothing to clear");
                let clear = Button::ghost("Clear").tooltip("What ran is still listed under Activity");
                if ui.add(clear.disabled_if(empty)).clicked() {
                    cx.act(Action::Notices(Act::Clear));
                }
            },
        );
        left || output.closed
    }

    /// True when a notice led to another place.
    fn body(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> bool {
        if cx.notices.list().next().is_none() {
            EmptyState::new(Icon::Bell, Show::All.nothing())
                .body("Warnings, errors and what ended while you were elsewhere are kept here, for the next time too")
                .show(ui);
            return false;
        }
        ui.horizontal_wrapped(|ui| {
            let options =
                [Show::All, Show::Errors, Show::Warnings, Show::Others].map(|show| (show, format!("{show:?}")));
            let options = options.each_ref().map(|(show, label)| (*show, label.as_str()));
            segments(ui, "Show", &mut self.show, &options);
        });
        ui.add_space(6.0);
        let mut left = false;
        let mut any = false;
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let show = self.show;
            for notice in cx.notices.list().filter(|notice| show.takes(notice.severity)) {
                any = true;
                left |= self.entry(ui, cx, notice);
            }
        });
        if !any {
            ui.add_space(8.0);
            text::sub(ui, self.show.nothing());
        } else if cx.notices.list().count() >= KEPT {
            text::caption(ui, format!("The newest {KEPT} are kept"));
        }
        left
    }

    fn entry(&mut self, ui: &mut Ui, cx: &Cx<'_>, notice: &Notice) -> bool {
        let open = self.open == Some(notice.id);
        let tone = notice.severity.tone();
        let age = ago(&notice.at);
        let trailing = if notice.read { age } else { format!("unread · {age}") };
        let row = Row::new(&notice.title).icon(tone.icon()).tone(tone).detail(notice.severity.word());
        let response = ui.push_id(notice.id, |ui| ui.add(row.trailing(&trailing).expanded(open))).inner;
        if response.clicked() {
            self.open = (!open).then_some(notice.id);
            cx.act(Action::Notices(Act::Read(notice.id)));
        }
        if !open {
            return false;
        }
        let mut left = false;
        ui.push_id((notice.id, "open"), |ui| {
            let margin = egui::Margin { left: 32, right: 8, top: 2, bottom: 10 };
            egui::Frame::new().inner_margin(margin).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                left = unfolded(ui, cx, notice);
            });
        });
        left
    }
}

/// What a notice says when it is open; true when its button was pressed.
fn unfolded(ui: &mut Ui, cx: &Cx<'_>, notice: &Notice) -> bool {
    if notice.title.chars().count() > FITS {
        text::strong_wrapped(ui, notice.title.as_str());
    }
    if !notice.cause.is_empty() {
        text::body(ui, notice.cause.as_str());
    }
    error::hints(ui, &notice.hints);
    let mut left = false;
    ui.horizontal_wrapped(|ui| {
        if let Some((label, place)) = notice.place()
            && ui.add(Button::secondary(label)).clicked()
        {
            cx.go(place);
            left = true;
        }
        if ui.add(Button::ghost("Copy").icon(Icon::Copy)).clicked() {
            ui.ctx().copy_text(notice.to_text());
        }
        ui.label(egui::RichText::new(date_time(&notice.at)).small().color(Tokens::of(ui).sub));
    });
    error::details(ui, &notice.details);
    left
}
