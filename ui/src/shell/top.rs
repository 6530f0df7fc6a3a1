//! The top bar: where you are, the palette, notices, help, settings, jobs, inspector.

use desk_uikit::{Button, Icon, Tokens, fonts, paint};
use egui::{Align, Layout, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::notices::Severity;
use crate::route::History;

/// Below this width the product's name gives way to where you are.
const NARROW: f32 = 640.0;
/// Room for the buttons at the right and the palette's smallest field.
const REST: f32 = 228.0;
/// What more the palette's field should have where there is room.
const SEARCH: f32 = 90.0;
/// Room for the mark between two places.
const BETWEEN: f32 = 26.0;

/// Which regions of the window are open.
pub struct Open {
    /// The inspector, where this view has one.
    pub inspector: Option<bool>,
    /// The list of jobs.
    pub drawer: bool,
}

/// Draws the top bar.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, history: &History, open: &Open) {
    let t = Tokens::of(ui);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (mark, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
        paint::icon(ui.painter(), mark.center(), Icon::Models, 18.0, t.accent);
        let narrow = ui.available_width() < NARROW;
        if !narrow {
            ui.label(RichText::new("Modeldesk").font(fonts::semibold(14.0)).color(t.strong));
        }
        ui.add_space(8.0);
        command_button(
            ui,
            cx,
            Icon::Back,
            UiCommand::Back,
            (!history.can_go_back()).then_some("There is nothing to go back to"),
        );
        let no_forward = (!history.can_go_forward()).then_some("There is nothing to go forward to");
        command_button(ui, cx, Icon::Forward, UiCommand::Forward, no_forward);
        ui.add_space(4.0);
        let room = ui.available_width() - REST - if narrow { 0.0 } else { SEARCH };
        breadcrumb(ui, cx, room.max(60.0));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let toggle = Button::icon_only(Icon::PanelRight, UiCommand::ToggleInspector.text())
                .shortcut(UiCommand::ToggleInspector.shortcut_text(ui.ctx()))
                .selected(open.inspector == Some(true))
                .disabled_if(open.inspector.is_none().then_some("This view has nothing to inspect"));
            if ui.add(toggle).clicked() {
                cx.act(Action::Ui(UiCommand::ToggleInspector));
            }
            jobs(ui, cx, open.drawer);
            command_button(ui, cx, Icon::Settings, UiCommand::Settings, None);
            command_button(ui, cx, Icon::Help, UiCommand::Help, None);
            bell(ui, cx);
            ui.add_space(4.0);
            palette_field(ui, cx);
        });
    });
}

fn command_button(ui: &mut Ui, cx: &Cx<'_>, icon: Icon, command: UiCommand, disabled: Option<&str>) {
    let button =
        Button::icon_only(icon, command.text()).shortcut(command.shortcut_text(ui.ctx())).disabled_if(disabled);
    if ui.add(button).clicked() {
        cx.act(Action::Ui(command));
    }
}

/// The list of notices, with how many nobody has seen.
fn bell(ui: &mut Ui, cx: &Cx<'_>) {
    let unread = cx.notices.unread().count();
    let name = if unread > 0 { format!("Notices, {unread} unread") } else { "Notices".to_owned() };
    let button = Button::icon_only(Icon::Bell, &name).shortcut(UiCommand::Notices.shortcut_text(ui.ctx()));
    let response = ui.add(button);
    if unread > 0 {
        let t = Tokens::of(ui);
        let errors = cx.notices.unread().any(|notice| notice.severity == Severity::Error);
        let (fill, ink) = if errors { (t.err, t.on_err) } else { (t.accent, t.on_accent) };
        let text = if unread > 9 { "9+".to_owned() } else { unread.to_string() };
        let galley = ui.painter().layout_no_wrap(text, fonts::semibold(9.0), ink);
        let size = vec2((galley.size().x + 6.0).max(13.0), 13.0);
        let plate = Rect::from_center_size(response.rect.right_top() + vec2(-6.0, 6.0), size);
        ui.painter().rect(plate, 6.5, fill, Stroke::new(1.5, t.panel), StrokeKind::Outside);
        ui.painter().galley(plate.center() - galley.size() / 2.0, galley, ink);
    }
    if response.clicked() {
        cx.act(Action::Ui(UiCommand::Notices));
    }
}

/// The list of jobs at the bottom: a dot while some run.
fn jobs(ui: &mut Ui, cx: &Cx<'_>, open: bool) {
    let running = cx.jobs.running().count();
    let name = match running {
        0 => "Jobs".to_owned(),
        n => format!("Jobs, {n} running"),
    };
    let shortcut = UiCommand::ToggleDrawer.shortcut_text(ui.ctx());
    let response = ui.add(Button::icon_only(Icon::PanelBottom, &name).shortcut(shortcut).selected(open));
    if running > 0 {
        let at = response.rect.right_top() + vec2(-6.0, 6.0);
        ui.painter().circle(at, 3.5, Tokens::of(ui).accent, Stroke::new(1.5, Tokens::of(ui).panel));
    }
    if response.clicked() {
        cx.act(Action::Ui(UiCommand::ToggleDrawer));
    }
}

/// The trail to here within `room`: what does not fit is a mark that leads to the nearest place above.
fn breadcrumb(ui: &mut Ui, cx: &Cx<'_>, room: f32) {
    let t = Tokens::of(ui);
    let trail = cx.route.trail();
    let last = trail.len().saturating_sub(1);
    let wide = |label: &str| ui.painter().layout_no_wrap(label.to_owned(), fonts::medium(13.0), t.sub).size().x;
    let (mut first, mut taken) = (last, trail.last().map_or(0.0, |(_, label)| wide(label)));
    while let Some((_, label)) = first.checked_sub(1).and_then(|before| trail.get(before)) {
        // Whatever stands before needs room for its mark.
        let mark = if first > 1 { BETWEEN } else { 0.0 };
        taken += wide(label) + BETWEEN;
        if taken + mark > room {
            break;
        }
        first -= 1;
    }
    let mut left = room;
    for (i, (route, label)) in trail.into_iter().enumerate() {
        if i + 1 < first {
            continue;
        }
        if i > 0 && i >= first {
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, 20.0), Sense::hover());
            paint::icon(ui.painter(), rect.center(), Icon::Right, 12.0, t.sub);
            left -= BETWEEN;
        }
        if i == last {
            let galley = paint::one_line(ui.painter(), &label, fonts::medium(13.0), t.strong, left.max(40.0));
            let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &label));
            paint::tooltip_if_elided(&response, &galley, &label);
            ui.painter().galley(rect.min, galley, t.strong);
            continue;
        }
        let shown = if i < first { "…" } else { label.as_str() };
        let galley = paint::one_line(ui.painter(), shown, fonts::regular(13.0), t.sub, room);
        let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(4.0, 8.0), Sense::click());
        left -= rect.width();
        response.widget_info(|| WidgetInfo::labeled(Role::Link, true, &label));
        let ink = if response.hovered() { t.strong } else { t.sub };
        ui.painter().galley_with_override_text_color(rect.min + vec2(2.0, 4.0), galley, ink);
        paint::focus_ring(ui, &response, rect, 4);
        if response.clicked() {
            cx.go(route);
        } else if i < first {
            response.on_hover_text(label);
        }
    }
}

fn palette_field(ui: &mut Ui, cx: &Cx<'_>) {
    let t = Tokens::of(ui);
    let width = 280.0_f32.min((ui.available_width() - 12.0).max(36.0));
    let (rect, response) = ui.allocate_exact_size(vec2(width, 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, UiCommand::Palette.text()));
    let fill = if response.hovered() { t.hover } else { t.raised };
    let stroke = egui::Stroke::new(1.0, t.line);
    ui.painter().rect(rect, 6.0, fill, stroke, egui::StrokeKind::Inside);
    paint::icon(ui.painter(), rect.left_center() + vec2(16.0, 0.0), Icon::Search, 14.0, t.sub);
    if width > 120.0 {
        let keys = UiCommand::Palette.shortcut_text(ui.ctx());
        let keys = paint::one_line(ui.painter(), &keys, fonts::mono(11.0), t.sub, 80.0);
        let right = paint::galley_right(ui.painter(), rect.right() - 10.0, rect.center().y, keys).left();
        let room = right - rect.left() - 38.0;
        let text = paint::one_line(ui.painter(), UiCommand::Palette.text(), fonts::regular(13.0), t.sub, room);
        paint::galley_left(ui.painter(), rect.left() + 30.0, rect.center().y, text);
    }
    paint::focus_ring(ui, &response, rect, 6);
    if response.clicked() {
        cx.act(Action::Ui(UiCommand::Palette));
    }
}
