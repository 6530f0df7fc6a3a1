//! A double click asks for one thing: what its second click would ask for lies there by chance, as the first one
//! made lists and dialogs move.

use egui::{Context, PointerButton, Pos2};

/// Two clicks that lie no farther apart are at the same place, in points.
const SAME_PLACE: f32 = 12.0;

/// When and where a click asked for something last, and whether it was the second one of a double click.
#[derive(Debug, Default)]
pub(super) struct Clicks {
    asked: Option<(f64, Pos2, bool)>,
}

impl Clicks {
    /// True when this frame's click is the second one of a double click whose first one asked for something already.
    pub(super) fn is_second(&mut self, ctx: &Context) -> bool {
        let (now, clicked, second, place) = ctx.input(|input| {
            let (pointer, primary) = (&input.pointer, PointerButton::Primary);
            let second = pointer.button_double_clicked(primary) || pointer.button_triple_clicked(primary);
            (input.time, pointer.button_clicked(primary), second, pointer.interact_pos())
        });
        let Some(place) = place.filter(|_| clicked) else { return false };
        let soon = 2.0 * ctx.options(|options| options.input_options.max_double_click_delay);
        let repeats = match self.asked {
            // Whatever else this very click asks for belongs to it.
            Some((at, _, repeats)) if at >= now => repeats,
            Some((at, there, _)) => second && now - at < soon && there.distance(place) < SAME_PLACE,
            None => false,
        };
        self.asked = Some((now, place, repeats));
        repeats
    }
}
