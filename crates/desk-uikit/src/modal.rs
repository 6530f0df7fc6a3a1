//! Dialogs: a titled box over the window, and a confirmation that wants the name typed.
//!
//! Enter presses the primary button, Escape closes. A click beside a dialog does nothing: what was typed would
//! be gone.

use egui::{Align, Context, Frame, Id, Key, Layout, Margin, Modifiers, RichText, ScrollArea, Stroke, Ui};

use crate::Button;
use crate::field;
use crate::fonts;
use crate::icon::Icon;
use crate::text;
use crate::tokens::{RADIUS_CARD, Tokens};

/// Room for a scroll bar in the margin at the right of a dialog.
const BAR: f32 = 14.0;

/// How high a body may be in a window of this height: in a low one title and footer leave all that there is.
fn room(window: f32) -> f32 {
    if window < 420.0 { window - 140.0 } else { window - 200.0 }
}

/// A dialog with a title, a body that scrolls, and a footer of buttons.
#[must_use]
pub struct Dialog<'a> {
    id: &'a str,
    title: &'a str,
    width: f32,
    below: Option<egui::Vec2>,
    from_top: bool,
}

/// What a dialog's frame reports.
pub struct DialogOutput<R> {
    /// What the body returned.
    pub inner: R,
    /// Escape, or its close button.
    pub closed: bool,
}

impl<'a> Dialog<'a> {
    /// A dialog with a title.
    pub fn new(id: &'a str, title: &'a str) -> Self {
        Self { id, title, width: 520.0, below: None, from_top: false }
    }

    /// The width of the body, less where the window is narrower.
    pub fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// Its upper end stays where it is, for a body that grows while somebody is at work in it.
    pub fn from_top(mut self) -> Self {
        self.from_top = true;
        self
    }

    /// In the upper right corner, so far from it; a press beside closes it, for a dialog that takes no input.
    pub fn drop_down(mut self, offset: egui::Vec2) -> Self {
        self.below = Some(offset);
        self
    }

    /// Shows the dialog; `footer` is laid out from the right, the primary button first.
    pub fn show<R>(
        self,
        ctx: &Context,
        body: impl FnOnce(&mut Ui) -> R,
        footer: impl FnOnce(&mut Ui, &mut R),
    ) -> DialogOutput<R> {
        self.show_with(ctx, &mut (), |ui, ()| body(ui), |ui, (), inner| footer(ui, inner))
    }

    /// As [`Dialog::show`], with state that both closures change.
    pub fn show_with<S, R>(
        self,
        ctx: &Context,
        state: &mut S,
        body: impl FnOnce(&mut Ui, &mut S) -> R,
        footer: impl FnOnce(&mut Ui, &mut S, &mut R),
    ) -> DialogOutput<R> {
        let t = Tokens::of_ctx(ctx);
        let mut close = false;
        let screen = ctx.content_rect();
        let width = self.width.min(screen.width() - 64.0);
        let id = Id::unique(("dialog", self.id));
        let style = ctx.global_style();
        let frame = Frame::new()
            .fill(t.raised)
            .stroke(Stroke::new(1.0, t.line))
            .shadow(style.visuals.window_shadow)
            .corner_radius(RADIUS_CARD + 2)
            .inner_margin(Margin::same(20));
        let mut area = egui::Modal::default_area(id).accessible_name(self.title).role(egui::Role::Dialog);
        if let Some(offset) = self.below {
            area = area.anchor(egui::Align2::RIGHT_TOP, offset);
        }
        if self.from_top {
            area = area.anchor(egui::Align2::CENTER_TOP, egui::vec2(0.0, (screen.height() * 0.06).max(12.0)));
        }
        let shade = t.shadow.gamma_multiply(if self.below.is_some() { 0.2 } else { 0.55 });
        let entered = Entered::now(ctx, area.layer());
        let response = egui::Modal::new(id).area(area).frame(frame).backdrop_color(shade).show(ctx, |ui| {
            ui.set_width(width);
            ui.horizontal(|ui| {
                ui.label(RichText::new(self.title).font(fonts::semibold(16.0)).color(t.strong));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    close = ui.add(Button::icon_only(Icon::Close, "Close")).clicked();
                });
            });
            ui.add_space(8.0);
            let above = self.below.map_or(0.0, |offset| offset.y);
            let mut inner = scrolled(ui, width, room(screen.height() - above), |ui| body(ui, state));
            ui.add_space(16.0);
            ui.allocate_ui_with_layout(
                egui::vec2(width, crate::tokens::control_height(ui)),
                Layout::right_to_left(Align::Center),
                |ui| entered.during(ui, |ui| footer(ui, state, &mut inner)),
            );
            inner
        });
        let escape = || ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape));
        let beside = self.below.is_some() && response.backdrop_response.clicked();
        let closed = close || beside || (response.is_top_modal && !response.any_popup_open && escape());
        DialogOutput { inner: response.inner, closed }
    }
}

/// A body that scrolls where the window is too low for it; the bar stands in the margin beside it and covers nothing.
fn scrolled<R>(ui: &mut Ui, width: f32, height: f32, body: impl FnOnce(&mut Ui) -> R) -> R {
    let start = ui.cursor().min;
    let room = egui::Rect::from_min_size(start, egui::vec2(width + BAR, height));
    let mut wider = ui.new_child(egui::UiBuilder::new().max_rect(room));
    let output = ScrollArea::vertical()
        .max_height(height)
        // Without it the area would keep the height of the first frame.
        .min_scrolled_height(height)
        .auto_shrink([false, true])
        .show(&mut wider, |ui| {
            ui.set_max_width(width);
            body(ui)
        });
    let used = egui::Rect::from_min_size(start, egui::vec2(width, wider.min_rect().height()));
    ui.allocate_rect(used, egui::Sense::hover());
    output.inner
}

/// Enter was pressed in a dialog where it means no widget of its own.
#[derive(Debug, Clone, Copy)]
struct Entered {
    pressed: bool,
    /// It ended what was typed into a field.
    typed: bool,
}

impl Entered {
    fn id() -> Id {
        Id::unique("dialog-entered")
    }

    /// Before the body: a field gives its focus up when it sees the key.
    fn now(ctx: &Context, layer: egui::LayerId) -> Self {
        let enter = |event: &egui::Event| {
            let egui::Event::Key { key: Key::Enter, pressed: true, repeat: false, modifiers, .. } = event else {
                return false;
            };
            modifiers.is_none()
        };
        let typed = ctx.text_edit_focused();
        let (top, focused) = ctx.memory(|memory| (memory.top_modal_layer() == Some(layer), memory.focused().is_some()));
        let free = top && (typed || !focused) && !egui::Popup::is_any_open(ctx);
        Self { pressed: free && ctx.input(|input| input.events.iter().any(enter)), typed }
    }

    /// The first button that it may press, of those drawn meanwhile, takes it.
    fn during(self, ui: &mut Ui, footer: impl FnOnce(&mut Ui)) {
        if self.pressed {
            ui.data_mut(|data| data.insert_temp(Self::id(), self));
        }
        footer(ui);
        ui.data_mut(|data| data.remove::<Self>(Self::id()));
    }
}

/// Enter presses this button of a dialog; a dangerous one only after something was typed for it.
pub(crate) fn enter_presses(ui: &Ui, dangerous: bool) -> bool {
    ui.data_mut(|data| {
        let entered = data.get_temp::<Entered>(Entered::id());
        let taken = entered.is_some_and(|entered| entered.typed || !dangerous);
        if taken {
            data.remove::<Entered>(Entered::id());
        }
        taken
    })
}

/// What the user answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Do it.
    Yes,
    /// Leave it.
    No,
}

/// A question before something that cannot be undone.
#[derive(Debug, Clone, Default)]
pub struct Confirm {
    /// The question, such as `Remove target edge-01?`.
    pub title: String,
    /// What will happen and what is kept.
    pub body: String,
    /// The button that does it, such as `Remove target`.
    pub yes: String,
    /// The button that leaves it, `Cancel` when empty.
    pub no: String,
    /// When set, the button stays off until this name is typed.
    pub type_to_confirm: Option<String>,
    /// What has been typed so far.
    pub typed: String,
    /// The input has been given the focus; it is given once.
    pub focused: bool,
}

impl Confirm {
    /// Shows the question until it is answered.
    pub fn show(&mut self, ctx: &Context) -> Option<Answer> {
        let mut answer = None;
        let (title, yes) = (self.title.clone(), self.yes.clone());
        let no = if self.no.is_empty() { "Cancel".to_owned() } else { self.no.clone() };
        let output = Dialog::new("confirm", &title).width(440.0).show_with(
            ctx,
            self,
            |ui, this| {
                text::body(ui, &this.body);
                if let Some(name) = &this.type_to_confirm {
                    ui.add_space(8.0);
                    let label = format!("Type {name} to go on");
                    let input = field::Field::new(&label).show_text(ui, &mut this.typed, "");
                    if !std::mem::replace(&mut this.focused, true) {
                        input.request_focus();
                    }
                }
                this.type_to_confirm.as_ref().is_none_or(|name| *name == this.typed)
            },
            |ui, _, may| {
                let button = Button::danger(&yes).disabled_if((!*may).then_some("Type the name first"));
                if ui.add(button).clicked() {
                    answer = Some(Answer::Yes);
                }
                if ui.add(Button::secondary(&no)).clicked() {
                    answer = Some(Answer::No);
                }
            },
        );
        if output.inner && ctx.input_mut(|i| i.consume_key(Modifiers::COMMAND, Key::Enter)) {
            answer = Some(Answer::Yes);
        }
        answer.or(output.closed.then_some(Answer::No))
    }
}
