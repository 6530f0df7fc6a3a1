//! What all charts over two number axes share: axes in the house's look, zoom, pan, and the way back.

use egui::{EventFilter, Id, Key, Response, Role, Stroke, Ui, Vec2, WidgetInfo, vec2};
use egui_plot::{AxisHints, GridMark, Plot, PlotBounds, PlotPoint, PlotTransform, PlotUi};

use super::axes::ticks;
use crate::button::Button;
use crate::fonts::{self, size};
use crate::format;
use crate::icon::Icon;
use crate::paint;
use crate::tokens::{RADIUS_INPUT, Tokens};

/// One press of a key enlarges by this much.
pub(super) const KEY_ZOOM: f32 = 1.25;
/// One press of an arrow moves by this part of what is seen.
pub(super) const KEY_PAN: f64 = 0.1;

/// A chart's axes.
pub(super) struct Stage<'a> {
    /// Tells this chart from its neighbours.
    pub id: Id,
    /// Height in points.
    pub height: f32,
    /// What is seen at first: x from, x to, y from, y to.
    pub bounds: [f64; 4],
    /// The name of the x axis.
    pub x: &'a str,
    /// The chart in a sentence.
    pub summary: &'a str,
    /// Names on the x axis for 0, 1, 2 and so on; numbers when empty.
    pub names: &'a [String],
}

/// What was drawn and where.
pub(super) struct Staged {
    /// The chart itself.
    pub response: Response,
    /// From values to the screen.
    pub transform: PlotTransform,
}

impl Stage<'_> {
    /// Shows the axes and what `draw` puts between them.
    ///
    /// The wheel with Ctrl (or two fingers) zooms, dragging moves, a double click or `0` shows everything again.
    pub fn show<'a>(&'a self, ui: &mut Ui, draw: impl FnOnce(&mut PlotUi<'a>) + 'a) -> Staged {
        let t = Tokens::of(ui);
        let [x0, x1, y0, y1] = self.bounds;
        let axis = |hints: AxisHints<'a>| hints.tick_label_color(t.sub).tick_label_font(fonts::regular(size::CAPTION));
        let names = self.names;
        let width = ui.available_width();
        let plot_id = self.id.with("plot");
        let mut plot = Plot::new(plot_id)
            .id(plot_id)
            .height(self.height - CAPTION)
            .width(width)
            .default_x_bounds(x0, x1)
            .default_y_bounds(y0, y1)
            .allow_scroll(false)
            .allow_axis_zoom_drag(false)
            .show_background(false)
            .show_x(false)
            .show_y(false)
            .label_formatter(|_| None)
            .cursor_color(t.line_strong)
            .grid_color(t.line)
            .grid_fade(0.0)
            .x_grid_spacer(move |input| match names {
                [] => marks(input.bounds, (width / 90.0) as usize),
                names => (0..names.len()).map(|i| GridMark { value: i as f64, step_size: 1.0 }).collect(),
            })
            .y_grid_spacer(move |input| marks(input.bounds, 5))
            .custom_x_axes(vec![axis(AxisHints::new_x()).formatter(move |mark, range| {
                match names {
                    [] => label(mark, range),
                    // What has no room would be left out.
                    names => names
                        .get(mark.value.round().max(0.0) as usize)
                        .map(|name| elide_end(name, letters(width, names.len())))
                        .unwrap_or_default(),
                }
            })])
            .custom_y_axes(vec![axis(AxisHints::new_y()).formatter(label)]);
        let again = self.id.with("reset");
        // Where something else is to be seen than last time, all of it is: a range that was left over would cut it off.
        let (known, now) = (self.id.with("bounds"), self.bounds.map(f64::to_bits));
        if ui.data(|data| data.get_temp::<[u64; 4]>(known)).is_some_and(|before| before != now) {
            plot = plot.reset();
        }
        ui.data_mut(|data| data.insert_temp(known, now));
        if ui.data_mut(|data| data.remove_temp::<bool>(again)).is_some() {
            plot = plot.reset();
        }
        let shown = plot.show(ui, draw);
        let staged = Staged { response: shown.response, transform: shown.transform };
        let frame = *staged.transform.frame();
        ui.painter().hline(frame.x_range(), frame.bottom(), Stroke::new(1.0, t.line_strong));
        staged.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, self.summary));
        paint::focus_ring(ui, &staged.response, staged.response.rect, RADIUS_INPUT);
        ui.vertical_centered(|ui| crate::text::caption(ui, self.x));
        self.way_back(ui, &staged, again);
        self.keys(ui, &staged, plot_id);
        staged
    }

    /// A button for everything again, while not everything is seen.
    fn way_back(&self, ui: &mut Ui, staged: &Staged, again: Id) {
        if !moved(staged.transform.bounds(), self.bounds) {
            return;
        }
        let frame = staged.response.rect;
        let button = Button::secondary("Reset zoom").icon(Icon::Fit);
        let corner = egui::Rect::from_min_size(
            frame.right_top() + vec2(-button.width(ui) - 6.0, 6.0),
            vec2(button.width(ui), 24.0),
        );
        if paint::overlay(ui, corner, button).clicked() {
            ui.data_mut(|data| data.insert_temp(again, true));
            ui.ctx().request_repaint();
        }
    }

    fn keys(&self, ui: &Ui, staged: &Staged, plot_id: Id) {
        if !staged.response.has_focus() {
            return;
        }
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(staged.response.id, filter));
        let pressed = |key| ui.input(|input| input.modifiers.is_none() && input.key_pressed(key));
        let plus = ui.input(|input| input.key_pressed(Key::Plus) || input.key_pressed(Key::Equals));
        let mut bounds = *staged.transform.bounds();
        let (width, height) = (bounds.width(), bounds.height());
        let mut zoom = 1.0;
        for (key, delta) in [
            (Key::ArrowLeft, (-width, 0.0)),
            (Key::ArrowRight, (width, 0.0)),
            (Key::ArrowDown, (0.0, -height)),
            (Key::ArrowUp, (0.0, height)),
        ] {
            if pressed(key) {
                bounds.translate((delta.0 * KEY_PAN, delta.1 * KEY_PAN));
            }
        }
        if plus {
            zoom = KEY_ZOOM;
        } else if pressed(Key::Minus) {
            zoom = 1.0 / KEY_ZOOM;
        }
        let center = PlotPoint::new(bounds.min()[0] + width / 2.0, bounds.min()[1] + height / 2.0);
        bounds.zoom(Vec2::splat(zoom), center);
        if pressed(Key::Num0) {
            ui.data_mut(|data| data.insert_temp(self.id.with("reset"), true));
        } else if bounds != *staged.transform.bounds()
            && let Some(mut memory) = egui_plot::PlotMemory::load(ui.ctx(), plot_id)
        {
            memory.set_bounds(bounds);
            memory.auto_bounds = false.into();
            memory.store(ui.ctx(), plot_id);
            ui.ctx().request_repaint();
        }
    }
}

/// Letters that a name on the x axis has room for among so many.
fn letters(width: f32, names: usize) -> usize {
    /// Widths of a letter of a caption, and of what stands left of the axis.
    const LETTER: f32 = 6.5;
    const BESIDE: f32 = 60.0;
    (((width - BESIDE) / names.max(1) as f32 / LETTER) as usize).saturating_sub(1).max(3)
}

/// Shortens to at most `max` characters, keeping the beginning.
fn elide_end(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// Room for the name of the x axis.
const CAPTION: f32 = 20.0;

fn moved(now: &PlotBounds, first: [f64; 4]) -> bool {
    let [x0, x1, y0, y1] = first;
    let near = |a: f64, b: f64, span: f64| (a - b).abs() <= span * 1e-6;
    !(near(now.min()[0], x0, x1 - x0)
        && near(now.max()[0], x1, x1 - x0)
        && near(now.min()[1], y0, y1 - y0)
        && near(now.max()[1], y1, y1 - y0))
}

/// Round values in the part that is seen.
fn marks((from, to): (f64, f64), about: usize) -> Vec<GridMark> {
    let values = ticks(from, to, about.clamp(2, 10));
    let step = values.windows(2).map(|pair| pair[1] - pair[0]).next().unwrap_or(to - from);
    values.into_iter().map(|value| GridMark { value, step_size: step }).collect()
}

fn label(mark: GridMark, _range: &std::ops::RangeInclusive<f64>) -> String {
    if mark.step_size <= 0.0 || mark.value.abs() >= 1e6 {
        return format::number(mark.value);
    }
    let decimals = (-(mark.step_size.log10() + 1e-9).floor()).clamp(0.0, 9.0) as usize;
    format::fixed(mark.value, decimals)
}
