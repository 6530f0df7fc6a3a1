//! Two-column properties: a quiet label, a value, and a way to copy it.

use egui::{Label, Response, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::paint;
use crate::text::elide_value;
use crate::tokens::{RADIUS_INPUT, Tokens};

/// The width of the label column.
const LABEL_WIDTH: f32 = 96.0;

/// A property grid; rows are added by its methods.
pub struct Kv<'u> {
    ui: &'u mut Ui,
    label_width: f32,
}

/// Shows a property grid.
pub fn properties(ui: &mut Ui, add: impl FnOnce(&mut Kv<'_>)) {
    properties_with(ui, LABEL_WIDTH, add);
}

/// The same where the labels are names that must be read whole: as wide as the longest of them, up to half.
pub fn named(ui: &mut Ui, names: &[&str], add: impl FnOnce(&mut Kv<'_>)) {
    let width = |name: &&str| {
        let galley = ui.painter().layout_no_wrap((*name).to_owned(), fonts::regular(size::BODY), egui::Color32::WHITE);
        galley.size().x
    };
    let longest = names.iter().map(width).fold(LABEL_WIDTH, f32::max).ceil() + 2.0;
    properties_with(ui, longest, add);
}

fn properties_with(ui: &mut Ui, label_width: f32, add: impl FnOnce(&mut Kv<'_>)) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let label_width = label_width.min(ui.available_width() * 0.5);
        add(&mut Kv { ui, label_width });
    });
}

impl Kv<'_> {
    /// A text value; wraps.
    pub fn text(&mut self, label: &str, value: &str) -> Response {
        let ink = Tokens::of(self.ui).text;
        let value = RichText::new(value).font(fonts::regular(size::BODY)).color(ink);
        self.row(label, |ui| {
            // Texts start where the text inside a badge or a copyable value does.
            ui.add_space(2.0);
            ui.add(Label::new(value).wrap())
        })
    }

    /// A text value with an icon in front that says how good it is.
    pub fn status(&mut self, label: &str, tone: crate::Tone, value: &str) -> Response {
        self.row(label, |ui| ui.add(crate::Badge::new(tone, value).plain()))
    }

    /// A digest or path in the fixed-width face: shortened in the middle, copied whole by a click.
    pub fn copyable(&mut self, label: &str, value: &str) -> Response {
        self.row(label, |ui| copyable(ui, label, value))
    }

    /// Any widget as the value.
    pub fn row<R>(&mut self, label: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
        let ink = Tokens::of(self.ui).sub;
        self.ui
            .horizontal_top(|ui| {
                // All kinds of values keep the same distance.
                ui.set_min_height(20.0);
                ui.spacing_mut().item_spacing.y = 0.0;
                let start = ui.cursor().left();
                let label = RichText::new(label).font(fonts::regular(size::BODY)).color(ink);
                ui.vertical(|ui| {
                    ui.set_max_width(self.label_width);
                    ui.add_space(2.0);
                    ui.add(Label::new(label).truncate());
                });
                ui.add_space((start + self.label_width + 12.0 - ui.cursor().left()).max(0.0));
                ui.vertical(add).inner
            })
            .inner
    }
}

/// A value in the fixed-width face that is shortened to the space and copied whole by a click.
pub fn copyable(ui: &mut Ui, label: &str, value: &str) -> Response {
    let t = Tokens::of(ui);
    let font = fonts::mono(size::MONO);
    let glyph = ui.painter().layout_no_wrap("0".to_owned(), font.clone(), t.text).size().x;
    let room = ((ui.available_width() - 22.0) / glyph).floor().max(4.0) as usize;
    let galley = ui.painter().layout_no_wrap(elide_value(value, room), font, t.text);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 22.0, 20.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Copy {label}: {value}")));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect.expand2(vec2(4.0, 0.0)), f32::from(RADIUS_INPUT), t.hover);
        paint::icon(ui.painter(), rect.right_center() - vec2(8.0, 0.0), Icon::Copy, 12.0, t.sub);
    }
    paint::galley_left(ui.painter(), rect.left(), rect.center().y, galley);
    paint::focus_ring(ui, &response, rect.expand2(vec2(4.0, 0.0)), RADIUS_INPUT);
    if response.clicked() {
        ui.ctx().copy_text(value.to_owned());
    }
    response.on_hover_text(format!("{value}\nClick to copy"))
}
