//! One of several: a closed field that opens a list.

use egui::{Popup, Role, Sense, SetOpenCommand, StrokeKind, Ui, WidgetInfo, vec2};

use super::{Field, list};
use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::paint;
use crate::tokens::{RADIUS_INPUT, Tokens, control_height};

impl Field<'_> {
    /// A choice between values; returns true when another one was chosen.
    pub fn show_choice<T: Clone + PartialEq>(self, ui: &mut Ui, value: &mut T, options: &[(T, &str)]) -> bool {
        let current = options.iter().position(|(option, _)| option == value);
        let labels: Vec<&str> = options.iter().map(|(_, label)| *label).collect();
        let chosen = self.show_choice_index(ui, current, &labels, "Choose…");
        if let Some((option, _)) = chosen.and_then(|i| options.get(i)) {
            let changed = option != value;
            *value = option.clone();
            return changed;
        }
        false
    }

    /// A choice by index; returns the index that was just chosen.
    pub fn show_choice_index(
        self,
        ui: &mut Ui,
        current: Option<usize>,
        labels: &[&str],
        placeholder: &str,
    ) -> Option<usize> {
        self.choice(ui, current, (labels, &[]), placeholder)
    }

    /// The same of choices that may each end with something short, such as an age: it is never cut, what stands before it
    /// is.
    pub fn show_choice_ended(
        self,
        ui: &mut Ui,
        current: Option<usize>,
        choices: &[(String, String)],
        placeholder: &str,
    ) -> Option<usize> {
        let (labels, ends): (Vec<&str>, Vec<&str>) =
            choices.iter().map(|(label, end)| (label.as_str(), end.as_str())).unzip();
        self.choice(ui, current, (&labels, &ends), placeholder)
    }

    fn choice(
        self,
        ui: &mut Ui,
        current: Option<usize>,
        (labels, ends): (&[&str], &[&str]),
        placeholder: &str,
    ) -> Option<usize> {
        self.frame(ui, |ui, _, width| {
            let t = Tokens::of(ui);
            // The keys of its list are taken before the field sees them: Enter would open it again.
            let id = ui.next_auto_id();
            let chosen = list::keys(ui, id, labels, current, true);
            let opening = list::opening_key(ui, id);
            let (rect, response) = ui.allocate_exact_size(vec2(width, control_height(ui)), Sense::click());
            let shown = current.and_then(|i| labels.get(i)).copied();
            let end = current.and_then(|i| ends.get(i)).copied().filter(|end| !end.is_empty());
            let enabled = ui.is_enabled();
            response.widget_info(|| {
                let mut info = WidgetInfo::labeled(Role::ComboBox, enabled, self.label);
                let said = shown.unwrap_or(placeholder);
                info.current_text_value = Some(end.map_or_else(|| said.to_owned(), |end| format!("{said}, {end}")));
                info
            });
            let open = Popup::is_id_open(ui.ctx(), list::popup_of(response.id));
            let outline = match (self.error.is_some(), open) {
                (true, _) => t.err,
                (false, true) => t.accent,
                (false, false) => t.line_strong,
            };
            let fill = if response.hovered() && enabled { t.hover } else { t.raised };
            let painter = ui.painter();
            let radius = f32::from(RADIUS_INPUT);
            painter.rect(rect, radius, fill, egui::Stroke::new(1.0, outline), StrokeKind::Inside);
            let ink = if shown.is_some() { t.text } else { t.sub };
            let text = shown.unwrap_or(placeholder);
            let mut right = rect.right() - 26.0;
            if let Some(end) = end {
                let galley = paint::one_line(painter, end, fonts::regular(size::SMALL), t.sub, width - 34.0);
                right = paint::galley_right(painter, right, rect.center().y, galley).left() - 8.0;
            }
            let galley = paint::one_line(painter, text, fonts::regular(size::BODY), ink, right - rect.left() - 8.0);
            // Not over the list, which is open already or opens with this click.
            if !open && !response.clicked() {
                paint::tooltip_if_elided(&response, &galley, text);
            }
            paint::galley_left(painter, rect.left() + 8.0, rect.center().y, galley);
            paint::icon(painter, rect.right_center() - vec2(14.0, 0.0), Icon::Down, 14.0, t.sub);
            paint::focus_ring(ui, &response, rect, RADIUS_INPUT);

            let set = if opening { Some(SetOpenCommand::Bool(true)) } else { None };
            let toggled = response.clicked().then_some(SetOpenCommand::Toggle);
            list::show(ui, &response, (self.label, labels, ends), current, set.or(toggled)).or(chosen)
        })
    }
}
