//! Fonts, styles, theme choice, zoom and reduced motion, put onto an egui context.

use egui::style::WidgetVisuals;
use egui::{Color32, Context, CornerRadius, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme, vec2};
use serde::{Deserialize, Serialize};

use crate::fonts::{self, size};
use crate::tokens::{Marks, RADIUS_BUTTON, RADIUS_CARD, Tokens};

/// Which theme the window uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeChoice {
    /// Follow the desktop.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl ThemeChoice {
    /// All choices, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The name on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// Smallest and largest zoom, as a fraction of the system's scale.
pub const ZOOM_RANGE: std::ops::RangeInclusive<f32> = 0.8..=2.0;

/// How the window looks, as the user set it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Appearance {
    /// Theme.
    pub theme: ThemeChoice,
    /// Stronger colours and lines, in the dark and in the light.
    pub high_contrast: bool,
    /// Lower rows and smaller gaps.
    pub compact: bool,
    /// Zoom, 1.0 is the system's scale.
    pub zoom: f32,
    /// No animations.
    pub reduce_motion: bool,
}

impl Default for Appearance {
    fn default() -> Self {
        Self { theme: ThemeChoice::System, high_contrast: false, compact: false, zoom: 1.0, reduce_motion: false }
    }
}

impl Appearance {
    /// One step larger or smaller (10 %), or back to 100 % for 0 steps.
    #[must_use]
    pub fn zoomed(mut self, steps: i32) -> Self {
        self.zoom = if steps == 0 { 1.0 } else { self.zoom + steps as f32 * 0.1 };
        self.zoom = ((self.zoom * 10.0).round() / 10.0).clamp(*ZOOM_RANGE.start(), *ZOOM_RANGE.end());
        self
    }

    /// Puts the settings onto the context; cheap enough to call on every change.
    pub fn apply(self, ctx: &Context) {
        ctx.set_theme(match self.theme {
            ThemeChoice::System => egui::ThemePreference::System,
            ThemeChoice::Light => egui::ThemePreference::Light,
            ThemeChoice::Dark => egui::ThemePreference::Dark,
        });
        let marks = Marks { high_contrast: self.high_contrast, compact: self.compact };
        if marks != Marks::of(ctx) {
            marks.put(ctx);
            restyle_all(ctx, marks);
        }
        ctx.set_zoom_factor(self.zoom.clamp(*ZOOM_RANGE.start(), *ZOOM_RANGE.end()));
        ctx.all_styles_mut(|style| {
            style.animation_time = if self.reduce_motion { 0.0 } else { 0.12 };
            style.scroll_animation = if self.reduce_motion {
                egui::style::ScrollAnimation::none()
            } else {
                egui::style::ScrollAnimation::default()
            };
        });
    }
}

/// Installs fonts and both themes; call once per context, before the first frame.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts::definitions());
    fonts::Fallback::install(ctx);
    restyle_all(ctx, Marks::default());
    // The window has its own zoom command, bounded and remembered.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
}

fn restyle_all(ctx: &Context, marks: Marks) {
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| restyle(style, Tokens::for_theme(theme, marks.high_contrast), marks.compact));
    }
}

fn restyle(style: &mut Style, t: &Tokens, compact: bool) {
    let text = [
        (TextStyle::Body, fonts::regular(size::BODY)),
        (TextStyle::Button, fonts::medium(size::BODY)),
        (TextStyle::Small, fonts::regular(size::SMALL)),
        (TextStyle::Monospace, fonts::mono(size::MONO)),
        (TextStyle::Heading, fonts::semibold(size::TITLE)),
    ];
    style.text_styles = text.into_iter().collect::<std::collections::BTreeMap<TextStyle, FontId>>();

    let s = &mut style.spacing;
    s.item_spacing = if compact { vec2(6.0, 4.0) } else { vec2(8.0, 6.0) };
    s.button_padding = vec2(10.0, 4.0);
    s.interact_size = vec2(40.0, if compact { 24.0 } else { 26.0 });
    s.menu_margin = Margin::same(6);
    s.window_margin = Margin::same(16);
    s.icon_width = 16.0;
    s.icon_width_inner = 10.0;
    s.icon_spacing = 8.0;
    s.combo_width = 120.0;
    s.tooltip_width = 420.0;
    s.scroll = egui::style::ScrollStyle { bar_width: 8.0, floating_width: 4.0, ..egui::style::ScrollStyle::floating() };
    s.scroll.dormant_handle_opacity = 0.25;
    s.scroll.foreground_color = true;
    s.scroll.fade.strength = 0.0;

    style.interaction.tooltip_delay = 0.4;
    // Labels are read, not selected; blocks meant for copying have their own button.
    style.interaction.selectable_labels = false;
    style.animation_time = 0.12;

    let v = &mut style.visuals;
    v.panel_fill = t.panel;
    v.window_fill = t.raised;
    v.window_stroke = Stroke::new(1.0, t.line);
    v.window_corner_radius = CornerRadius::same(RADIUS_CARD);
    v.menu_corner_radius = CornerRadius::same(RADIUS_CARD);
    v.extreme_bg_color = t.bg;
    v.text_edit_bg_color = Some(t.raised);
    v.faint_bg_color = t.hover;
    v.code_bg_color = t.bg;
    v.override_text_color = None;
    v.weak_text_color = Some(t.sub);
    v.hyperlink_color = t.accent;
    v.warn_fg_color = t.warn;
    v.error_fg_color = t.err;
    v.selection.bg_fill = t.accent_weak;
    v.selection.stroke = Stroke::new(1.0, t.accent);
    v.striped = false;
    v.disabled_alpha = 0.7;
    let shadow =
        |blur: u8, y: i8, alpha: f32| Shadow { offset: [0, y], blur, spread: 0, color: t.shadow.gamma_multiply(alpha) };
    let dark = v.dark_mode;
    v.popup_shadow = shadow(16, 4, if dark { 0.6 } else { 0.18 });
    v.window_shadow = shadow(32, 10, if dark { 0.7 } else { 0.22 });

    let w = &mut v.widgets;
    paint_state(&mut w.noninteractive, t.panel, t.text, Stroke::new(1.0, t.line));
    paint_state(&mut w.inactive, t.raised, t.text, Stroke::new(1.0, t.line_strong));
    paint_state(&mut w.hovered, t.hover, t.strong, Stroke::new(1.0, t.line_strong));
    paint_state(&mut w.active, t.hover, t.strong, Stroke::new(2.0, t.accent));
    paint_state(&mut w.open, t.hover, t.strong, Stroke::new(1.0, t.accent));
}

fn paint_state(w: &mut WidgetVisuals, fill: Color32, ink: Color32, outline: Stroke) {
    w.bg_fill = fill;
    w.weak_bg_fill = fill;
    w.bg_stroke = outline;
    w.fg_stroke = Stroke::new(1.0, ink);
    w.corner_radius = CornerRadius::same(RADIUS_BUTTON);
    w.expansion = 0.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zoom_moves_by_tenths_and_stays_in_its_range() {
        let mut a = Appearance::default();
        for _ in 0..30 {
            a = a.zoomed(1);
        }
        assert_eq!(a.zoom, 2.0);
        assert_eq!(a.zoomed(-1).zoom, 1.9);
        assert_eq!(a.zoomed(-99).zoom, 0.8);
        assert_eq!(a.zoomed(0).zoom, 1.0);
    }

    #[test]
    fn the_choice_reaches_the_context() {
        let ctx = Context::default();
        install(&ctx);
        for (theme, want) in [(ThemeChoice::Light, Theme::Light), (ThemeChoice::Dark, Theme::Dark)] {
            Appearance { theme, zoom: 1.2, reduce_motion: true, ..Appearance::default() }.apply(&ctx);
            let output = ctx.run_ui(egui::RawInput::default(), |ui| {
                assert_eq!(ui.visuals().panel_fill, Tokens::for_theme(want, false).panel);
                assert_eq!(ui.style().animation_time, 0.0);
            });
            output.drop_without_applying_deltas();
            assert_eq!(ctx.theme(), want);
            assert_eq!(ctx.zoom_factor(), 1.2);
        }
    }

    #[test]
    fn contrast_and_density_can_be_put_on_and_off() {
        let ctx = Context::default();
        install(&ctx);
        for on in [true, false] {
            let look = Appearance { theme: ThemeChoice::Dark, high_contrast: on, compact: on, ..Appearance::default() };
            look.apply(&ctx);
            let output = ctx.run_ui(egui::RawInput::default(), |ui| {
                assert_eq!(ui.visuals().panel_fill, Tokens::for_theme(Theme::Dark, on).panel);
                assert_eq!(*Tokens::of(ui), *Tokens::for_theme(Theme::Dark, on));
                assert_eq!(crate::tokens::control_height(ui), if on { 24.0 } else { 26.0 });
            });
            output.drop_without_applying_deltas();
        }
    }
}
