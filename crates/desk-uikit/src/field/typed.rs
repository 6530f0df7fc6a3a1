//! A line that counts once it is left: with Enter, Tab or a press elsewhere; Escape takes back what was typed.

use egui::{EventFilter, Id, Key, Popup, Rect, Response, Role, SetOpenCommand, Ui, Vec2, vec2};

use super::{Field, list, number, text_input};
use crate::Button;
use crate::icon::Icon;
use crate::tokens::control_height;

/// What became of a line that was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// What counts from now on.
    pub taken: Option<String>,
    /// Why what stands there does not count.
    pub wrong: Option<String>,
}

/// What stands in the line while it is not what counts.
#[derive(Debug, Clone)]
struct Draft {
    text: String,
    /// What counted when it was typed.
    of: String,
    wrong: Option<String>,
}

impl Field<'_> {
    /// A number of any size, as text; the arrow keys step by `step`.
    pub fn show_typed_number(self, ui: &mut Ui, now: &str, step: f64) -> Typed {
        self.typed(ui, now, Some(step), None)
    }

    /// Any text, with a list of those that are known.
    pub fn show_suggested(self, ui: &mut Ui, now: &str, known: &[&str]) -> Typed {
        self.typed(ui, now, None, Some(known))
    }

    fn typed(self, ui: &mut Ui, now: &str, step: Option<f64>, known: Option<&[&str]>) -> Typed {
        let id = ui.make_persistent_id(("typed", self.label));
        let focused = ui.memory(|memory| memory.has_focus(id));
        let draft: Option<Draft> = ui.data(|data| data.get_temp(id)).flatten();
        // What was changed elsewhere meanwhile counts.
        let mut draft = draft.filter(|draft| focused || draft.of == now);
        let mut out = Typed::default();
        let current = known.and_then(|known| known.iter().position(|text| *text == now));
        let chosen = known.and_then(|known| {
            let pressed = list::keys(ui, id, known, current, false)?;
            known.get(pressed).copied()
        });
        let opening = known.is_some() && list::opening_key(ui, id);
        let steps = step.filter(|_| focused).map_or(0.0, |step| number::steps(ui) * step);
        let listed = known.map(|known| (known, current, opening));
        let shown = draft.as_ref().map_or(now, |draft| &draft.text);
        let wrong = draft.as_ref().and_then(|draft| draft.wrong.as_deref());
        let mut text = shown.to_owned();
        let (response, pressed) = self.typed_line(ui, id, &mut text, wrong, listed);
        let escape = ui.input(|input| input.key_pressed(Key::Escape));
        if response.changed() {
            draft = Some(Draft { text: text.clone(), of: now.to_owned(), wrong: None });
        }
        if steps != 0.0 {
            let from = number::finite(&text).or_else(|_| number::finite(now)).unwrap_or_default();
            (out.taken, draft) = (Some(number::stepped(from, steps)), None);
        } else if let Some(text) = pressed.or_else(|| chosen.map(str::to_owned)) {
            (out.taken, draft) = (Some(text), None);
        } else if response.lost_focus() || (focused && ui.input(|input| input.key_pressed(Key::Enter))) {
            draft = draft.filter(|_| !escape);
            if let Some(left) = &mut draft {
                match step.map_or_else(|| Ok(left.text.clone()), |_| number::finite(&left.text).map(|n| n.to_string()))
                {
                    Ok(text) => (out.taken, draft) = (Some(text), None),
                    Err(why) => left.wrong = Some(why),
                }
            }
        }
        out.taken = out.taken.filter(|taken| taken != now);
        out.wrong = draft.as_ref().and_then(|draft| draft.wrong.clone());
        ui.data_mut(|data| data.insert_temp(id, draft));
        out
    }

    /// The line itself, with the button of its list; gives what was pressed in the list, too.
    fn typed_line(
        self,
        ui: &mut Ui,
        id: Id,
        text: &mut String,
        wrong: Option<&str>,
        listed: Option<(&[&str], Option<usize>, bool)>,
    ) -> (Response, Option<String>) {
        // Beside others in a row there is no room below it: the caller says what is wrong.
        let marked = self.error(wrong);
        self.frame(ui, |ui, label, width| {
            marked.outline(ui);
            let escape = Popup::is_id_open(ui.ctx(), list::popup_of(id));
            let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, escape, tab: escape };
            let input = text_input::line(ui, text, "", width, |edit| {
                edit.id(id).event_filter(filter).char_limit(text_input::LONGEST)
            });
            let response = text_input::name(input, label, self);
            let Some((known, current, opening)) = listed else { return (response, None) };
            ui.ctx().accesskit_node_builder(id, |node| node.set_role(Role::EditableComboBox));
            let middle = response.rect.right_center() - vec2(14.0, 0.0);
            let at = Rect::from_center_size(middle, Vec2::splat(control_height(ui)));
            let name = format!("Values of {}", self.label);
            let asked = crate::paint::overlay(ui, at, Button::icon_only(Icon::Down, &name)).clicked();
            let set = match (asked, opening) {
                (true, _) => Some(SetOpenCommand::Toggle),
                (false, true) => Some(SetOpenCommand::Bool(true)),
                (false, false) => None,
            };
            let pressed = list::show(ui, &response, (&name, known, &[]), current, set);
            (response, pressed.and_then(|i| known.get(i)).map(|text| (*text).to_owned()))
        })
    }
}
