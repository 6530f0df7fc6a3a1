//! The list that a field opens: keys move in it while the field keeps the focus.

use egui::{Event, EventFilter, Id, Key, LayerId, Modifiers, Order, Popup, Response, ScrollArea, SetOpenCommand, Ui};

use crate::Row;

/// Letters that come this late begin another word.
const PAUSE_SECS: f64 = 1.0;
/// Lines that a page has.
const PAGE: usize = 9;
/// Higher lists scroll.
const HIGHEST: f32 = 320.0;

/// What an open list remembers.
#[derive(Debug, Clone, Default, PartialEq)]
struct Open {
    /// The line that Enter takes.
    at: Option<usize>,
    /// What was typed to jump to a line, and when.
    typed: String,
    last: f64,
    /// The line is to be brought into view.
    moved: bool,
}

/// What a key did to an open list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    Nothing,
    Moved,
    Took,
    Left,
}

impl Open {
    fn go(&mut self, to: usize) -> Did {
        self.at = Some(to);
        self.moved = true;
        Did::Moved
    }

    /// `letters` jump, where the field takes none itself.
    fn event(&mut self, event: &Event, labels: &[&str], letters: bool, now: f64) -> Did {
        let Some(last) = labels.len().checked_sub(1) else {
            let leaves = matches!(event, Event::Key { key: Key::Escape | Key::Tab, pressed: true, .. });
            return if leaves { Did::Left } else { Did::Nothing };
        };
        match event {
            Event::Text(text) if letters => self.jump(text, labels, now),
            Event::Key { key, pressed: true, modifiers: Modifiers::NONE, .. } => match (key, self.at) {
                (Key::ArrowDown, at) => self.go(at.map_or(0, |at| (at + 1).min(last))),
                (Key::ArrowUp, at) => self.go(at.map_or(last, |at| at.saturating_sub(1))),
                (Key::PageDown, at) => self.go((at.unwrap_or(0) + PAGE).min(last)),
                (Key::PageUp, at) => self.go(at.unwrap_or(0).saturating_sub(PAGE)),
                (Key::Home, _) if letters => self.go(0),
                (Key::End, _) if letters => self.go(last),
                // A space within a word that is being typed belongs to it.
                (Key::Space, _) if letters && !self.is_typing(now) => Did::Took,
                // What was typed in the field's own line counts where no line of the list was gone to.
                (Key::Enter, at) if letters || at.is_some() => Did::Took,
                (Key::Escape | Key::Tab, _) => Did::Left,
                _ => Did::Nothing,
            },
            Event::Key { key: Key::Escape | Key::Tab, pressed: true, .. } => Did::Left,
            _ => Did::Nothing,
        }
    }

    fn is_typing(&self, now: f64) -> bool {
        !self.typed.is_empty() && now - self.last < PAUSE_SECS
    }

    /// To the next line that begins so; the same letter again goes to the one after it.
    fn jump(&mut self, text: &str, labels: &[&str], now: f64) -> Did {
        if !self.is_typing(now) {
            self.typed.clear();
            if text.trim().is_empty() {
                return Did::Nothing;
            }
        }
        self.last = now;
        let again = self.typed == text.to_lowercase();
        if !again {
            self.typed.push_str(&text.to_lowercase());
        }
        let start = self.at.map_or(0, |at| at + usize::from(again || self.typed.chars().count() == 1));
        let order = (0..labels.len()).map(|i| (start + i) % labels.len());
        let found = order.into_iter().find(|i| labels[*i].to_lowercase().starts_with(&self.typed));
        found.map_or(Did::Moved, |to| self.go(to))
    }
}

/// Where the list of a field lies. Not where egui would put it: a tooltip of the field lies there, too, and a list that
/// takes its place is taken for one that was open before, which the click that opens it closes.
pub(super) fn popup_of(field: Id) -> Id {
    field.with("list")
}

fn state_of(field: Id) -> Id {
    popup_of(field).with("at")
}

/// Before its field is drawn: takes the keys that mean an open list; gives the line that was chosen.
pub(super) fn keys(ui: &Ui, field: Id, labels: &[&str], current: Option<usize>, letters: bool) -> Option<usize> {
    let (popup, state) = (popup_of(field), state_of(field));
    if !Popup::is_id_open(ui.ctx(), popup) {
        ui.data_mut(|data| data.remove::<Open>(state));
        return None;
    }
    let filter = EventFilter { tab: true, horizontal_arrows: !letters, vertical_arrows: true, escape: true };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(field, filter));
    let known = ui.data(|data| data.get_temp::<Open>(state));
    let mut open = known.unwrap_or_else(|| Open { at: current, moved: true, ..Open::default() });
    let mut end = Did::Nothing;
    ui.input_mut(|input| {
        let now = input.time;
        input.events.retain(|event| {
            if matches!(end, Did::Took | Did::Left) {
                // The letter of the very key that ended it.
                return !matches!(event, Event::Text(_));
            }
            end = open.event(event, labels, letters, now);
            end == Did::Nothing
        });
    });
    let chosen = open.at.filter(|_| end == Did::Took);
    if matches!(end, Did::Took | Did::Left) {
        Popup::close_id(ui.ctx(), popup);
        ui.data_mut(|data| data.remove::<Open>(state));
    } else {
        ui.data_mut(|data| data.insert_temp(state, open));
    }
    chosen
}

/// The arrow that opens a closed list was pressed in its field.
pub(super) fn opening_key(ui: &Ui, field: Id) -> bool {
    if !ui.memory(|memory| memory.has_focus(field)) || Popup::is_id_open(ui.ctx(), popup_of(field)) {
        return false;
    }
    let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(field, filter));
    ui.input_mut(|input| {
        let down = input.consume_key(Modifiers::NONE, Key::ArrowDown);
        down || input.consume_key(Modifiers::ALT, Key::ArrowDown) || input.consume_key(Modifiers::NONE, Key::ArrowUp)
    })
}

/// Shows the list below its field while it is open; gives the line that was pressed.
pub(super) fn show(
    ui: &Ui,
    field: &Response,
    (name, labels, ends): (&str, &[&str], &[&str]),
    current: Option<usize>,
    set: Option<SetOpenCommand>,
) -> Option<usize> {
    let state = state_of(field.id);
    let mut chosen = None;
    let open = ui.data(|data| data.get_temp::<Open>(state));
    let at = open.as_ref().and_then(|open| open.at);
    let moved = open.as_ref().is_some_and(|open| open.moved);
    let mut active = None;
    // A press in a dialog brings that to the top: a list that was open there before would lie under it.
    let popup = popup_of(field.id);
    if Popup::is_id_open(ui.ctx(), popup) || set.is_some() {
        ui.ctx().move_to_top(LayerId::new(Order::Foreground, popup));
    }
    let shown =
        Popup::menu(field).id(popup).open_memory(set).width(field.rect.width()).gap(4.0).accessible_name(name).show(
            |ui| {
                ScrollArea::vertical().max_height(HIGHEST).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    for (i, label) in labels.iter().enumerate() {
                        let row = Row::new(label).selected(current == Some(i)).marked(at == Some(i));
                        let row = ui.add(row.trailing(ends.get(i).copied().unwrap_or_default()));
                        if at == Some(i) {
                            active = Some(row.id);
                            if moved {
                                row.scroll_to_me(None);
                            }
                        }
                        if row.clicked() {
                            chosen = Some(i);
                        }
                    }
                    if labels.is_empty() {
                        crate::text::caption(ui, "Nothing to choose from");
                    }
                });
            },
        );
    ui.ctx().accesskit_node_builder(field.id, |node| {
        node.set_expanded(shown.is_some());
        if let Some(active) = active {
            node.set_active_descendant(active.accesskit_id());
        }
    });
    if let (Some(open), Some(_)) = (open.filter(|open| open.moved), &shown) {
        ui.data_mut(|data| data.insert_temp(state, Open { moved: false, ..open }));
    }
    if chosen.is_some() || set.is_some() {
        field.request_focus();
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [&str; 5] = ["Adelie", "Biscoe", "Dream", "Drift wood", "Torgersen"];

    fn key(key: Key) -> Event {
        Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE }
    }

    #[test]
    fn keys_start_at_what_is_chosen_and_stay_within_the_list() {
        let mut open = Open { at: Some(2), ..Open::default() };
        let mut press = |k: Key| {
            let did = open.event(&key(k), &LABELS, true, 0.0);
            (did, open.at)
        };
        assert_eq!(press(Key::ArrowDown), (Did::Moved, Some(3)));
        assert_eq!(press(Key::End), (Did::Moved, Some(4)));
        assert_eq!(press(Key::ArrowDown), (Did::Moved, Some(4)));
        assert_eq!(press(Key::Home), (Did::Moved, Some(0)));
        assert_eq!(press(Key::ArrowUp), (Did::Moved, Some(0)));
        assert_eq!(press(Key::Enter), (Did::Took, Some(0)));
        assert_eq!(press(Key::Escape), (Did::Left, Some(0)));
        assert_eq!(Open::default().event(&key(Key::ArrowDown), &[], true, 0.0), Did::Nothing);
    }

    #[test]
    fn letters_jump_and_the_same_letter_goes_on() {
        let mut open = Open { at: Some(0), ..Open::default() };
        let mut text = |letters: &str, now: f64| {
            open.event(&Event::Text(letters.to_owned()), &LABELS, true, now);
            open.at
        };
        assert_eq!(text("d", 0.0), Some(2));
        assert_eq!(text("d", 0.3), Some(3), "the next one with this letter");
        assert_eq!(text("t", 3.0), Some(4), "after a pause another word begins");
        assert_eq!(text("d", 6.0), Some(2));
        assert_eq!(text("r", 6.1), Some(2));
        assert_eq!(text("i", 6.2), Some(3), "a word is typed");
        assert_eq!(text("x", 6.3), Some(3), "nothing begins so");
    }

    #[test]
    fn a_line_that_takes_letters_keeps_them() {
        let mut open = Open::default();
        assert_eq!(open.event(&Event::Text("d".into()), &LABELS, false, 0.0), Did::Nothing);
        assert_eq!(open.event(&key(Key::Enter), &LABELS, false, 0.0), Did::Nothing, "what was typed counts");
        assert_eq!(open.event(&key(Key::ArrowDown), &LABELS, false, 0.0), Did::Moved);
        assert_eq!(open.event(&key(Key::Enter), &LABELS, false, 0.0), Did::Took);
    }
}
