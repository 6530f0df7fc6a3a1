//! The two layers of design tokens: primitives of `assets/theme/palette.toml`, roles of the themes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use egui::{Color32, Theme};
use serde::Deserialize;

const PALETTE: &str = include_str!("../../../assets/theme/palette.toml");
const DARK: &str = include_str!("../../../assets/theme/dark.toml");
const LIGHT: &str = include_str!("../../../assets/theme/light.toml");
const CONTRAST_DARK: &str = include_str!("../../../assets/theme/contrast_dark.toml");
const CONTRAST_LIGHT: &str = include_str!("../../../assets/theme/contrast_light.toml");

/// Spacing steps in points: 4, 8, 12, 16, 24, 32.
pub const SPACE: [f32; 6] = [4.0, 8.0, 12.0, 16.0, 24.0, 32.0];
/// Corner radius of inputs.
pub const RADIUS_INPUT: u8 = 4;
/// Corner radius of buttons and rows.
pub const RADIUS_BUTTON: u8 = 6;
/// Corner radius of cards and popups.
pub const RADIUS_CARD: u8 = 8;
/// Width of the focus ring, inside the widget.
pub const FOCUS_WIDTH: f32 = 2.0;

/// The colours of one theme, by what they are for.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokens {
    /// The window behind everything.
    pub bg: Color32,
    /// Top bar, navigation, inspector, status bar.
    pub panel: Color32,
    /// Cards, popups and inputs.
    pub raised: Color32,
    /// A row or button under the pointer.
    pub hover: Color32,
    /// Decorative lines between regions.
    pub line: Color32,
    /// Outlines that say where an input is (at least 3:1).
    pub line_strong: Color32,
    /// Body text.
    pub text: Color32,
    /// Headings and values.
    pub strong: Color32,
    /// Labels and hints.
    pub sub: Color32,
    /// The one accent: primary buttons, links, focus.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Selection behind text.
    pub accent_weak: Color32,
    /// Good.
    pub ok: Color32,
    /// Behind a good badge.
    pub ok_weak: Color32,
    /// Needs a look.
    pub warn: Color32,
    /// Behind a warning badge.
    pub warn_weak: Color32,
    /// Failed or dangerous.
    pub err: Color32,
    /// Behind an error badge.
    pub err_weak: Color32,
    /// Text on the error colour (danger buttons).
    pub on_err: Color32,
    /// Chart series, told apart by people with colour vision deficiency (after Okabe and Ito).
    pub series: [Color32; 5],
    /// A contribution that raises the answer; its side and sign say it too.
    pub positive: Color32,
    /// A contribution that lowers it.
    pub negative: Color32,
    /// Low end of the feature values in a beeswarm.
    pub value_low: Color32,
    /// High end of the feature values in a beeswarm.
    pub value_high: Color32,
    /// Full strength of a heat map's ramp; its low end is the surface.
    pub heat: Color32,
    /// Shadow of popups, before its alpha.
    pub shadow: Color32,
}

/// A theme file as written: role to primitive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Roles {
    bg: String,
    panel: String,
    raised: String,
    hover: String,
    line: String,
    line_strong: String,
    text: String,
    strong: String,
    sub: String,
    accent: String,
    on_accent: String,
    accent_weak: String,
    ok: String,
    ok_weak: String,
    warn: String,
    warn_weak: String,
    err: String,
    err_weak: String,
    on_err: String,
    series: [String; 5],
    positive: String,
    negative: String,
    value_low: String,
    value_high: String,
    heat: String,
    shadow: String,
}

/// Hue to step to `rrggbb`.
type Palette = BTreeMap<String, BTreeMap<String, String>>;

/// Why a theme file cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct TokenError(String);

impl std::fmt::Display for TokenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TokenError {}

#[expect(clippy::disallowed_methods, reason = "this is where the tokens are made")]
fn parse_hex(text: &str) -> Option<Color32> {
    let number = u32::from_str_radix(text, 16).ok().filter(|_| text.len() == 6)?;
    let [_, r, g, b] = number.to_be_bytes();
    Some(Color32::from_rgb(r, g, b))
}

fn look_up(palette: &Palette, name: &str) -> Result<Color32, TokenError> {
    let (hue, step) = name.split_once('.').ok_or_else(|| TokenError(format!("`{name}` is not hue.step")))?;
    let hex = palette
        .get(hue)
        .and_then(|steps| steps.get(step))
        .ok_or_else(|| TokenError(format!("the palette has no `{name}`")))?;
    parse_hex(hex).ok_or_else(|| TokenError(format!("`{name}` is not rrggbb: {hex}")))
}

impl Tokens {
    /// Reads a palette and a theme; unknown, missing and misspelt roles are errors.
    pub fn parse(palette: &str, theme: &str) -> Result<Self, TokenError> {
        let palette: Palette = toml::from_str(palette).map_err(|e| TokenError(e.to_string()))?;
        let roles: Roles = toml::from_str(theme).map_err(|e| TokenError(e.to_string()))?;
        let c = |name: &String| look_up(&palette, name);
        let [s0, s1, s2, s3, s4] = &roles.series;
        Ok(Self {
            bg: c(&roles.bg)?,
            panel: c(&roles.panel)?,
            raised: c(&roles.raised)?,
            hover: c(&roles.hover)?,
            line: c(&roles.line)?,
            line_strong: c(&roles.line_strong)?,
            text: c(&roles.text)?,
            strong: c(&roles.strong)?,
            sub: c(&roles.sub)?,
            accent: c(&roles.accent)?,
            on_accent: c(&roles.on_accent)?,
            accent_weak: c(&roles.accent_weak)?,
            ok: c(&roles.ok)?,
            ok_weak: c(&roles.ok_weak)?,
            warn: c(&roles.warn)?,
            warn_weak: c(&roles.warn_weak)?,
            err: c(&roles.err)?,
            err_weak: c(&roles.err_weak)?,
            on_err: c(&roles.on_err)?,
            series: [c(s0)?, c(s1)?, c(s2)?, c(s3)?, c(s4)?],
            positive: c(&roles.positive)?,
            negative: c(&roles.negative)?,
            value_low: c(&roles.value_low)?,
            value_high: c(&roles.value_high)?,
            heat: c(&roles.heat)?,
            shadow: c(&roles.shadow)?,
        })
    }

    /// The tokens of a theme; with high contrast, those of its stronger twin.
    pub fn for_theme(theme: Theme, high_contrast: bool) -> &'static Self {
        static ALL: LazyLock<[Tokens; 4]> = LazyLock::new(|| {
            [DARK, LIGHT, CONTRAST_DARK, CONTRAST_LIGHT]
                .map(|theme| Tokens::parse(PALETTE, theme).expect("the built-in themes are tested"))
        });
        &ALL[usize::from(theme == Theme::Light) + 2 * usize::from(high_contrast)]
    }

    /// The tokens of the theme that this part of the window uses.
    pub fn of(ui: &egui::Ui) -> &'static Self {
        let theme = if ui.visuals().dark_mode { Theme::Dark } else { Theme::Light };
        Self::for_theme(theme, Marks::of(ui.ctx()).high_contrast)
    }

    /// The tokens of the theme that the whole window uses.
    pub fn of_ctx(ctx: &egui::Context) -> &'static Self {
        Self::for_theme(ctx.theme(), Marks::of(ctx).high_contrast)
    }
}

/// What egui's own style has no place for: contrast and density.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// Stronger colours and lines.
    pub high_contrast: bool,
    /// Lower rows and smaller gaps.
    pub compact: bool,
}

impl Marks {
    fn id() -> egui::Id {
        egui::Id::unique("desk-uikit marks")
    }

    /// Those of a context.
    pub fn of(ctx: &egui::Context) -> Self {
        ctx.data(|data| data.get_temp(Self::id())).unwrap_or_default()
    }

    /// Puts them onto a context.
    pub(crate) fn put(self, ctx: &egui::Context) {
        ctx.data_mut(|data| data.insert_temp(Self::id(), self));
    }

    fn choose(ui: &egui::Ui, comfortable: f32, compact: f32) -> f32 {
        if Self::of(ui.ctx()).compact { compact } else { comfortable }
    }
}

/// Height of buttons and inputs; never under 24, which a pointer needs.
pub fn control_height(ui: &egui::Ui) -> f32 {
    Marks::choose(ui, 26.0, 24.0)
}

/// Height of rows in navigation and short lists.
pub fn row_height(ui: &egui::Ui) -> f32 {
    Marks::choose(ui, 28.0, 24.0)
}

/// Inner margin of cards.
pub fn card_padding(ui: &egui::Ui) -> f32 {
    Marks::choose(ui, 14.0, 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contrast::ratio;

    #[track_caller]
    fn at_least(limit: f64, what: &str, ink: Color32, surfaces: &[(&str, Color32)]) {
        for (name, surface) in surfaces {
            let found = ratio(ink, *surface);
            assert!(found >= limit, "{what} on {name}: {found:.2} is under {limit}");
        }
    }

    fn themes() -> [(&'static str, &'static Tokens); 4] {
        [
            ("dark", Tokens::for_theme(Theme::Dark, false)),
            ("light", Tokens::for_theme(Theme::Light, false)),
            ("contrast dark", Tokens::for_theme(Theme::Dark, true)),
            ("contrast light", Tokens::for_theme(Theme::Light, true)),
        ]
    }

    #[test]
    fn high_contrast_is_high() {
        for theme in [Theme::Dark, Theme::Light] {
            let t = Tokens::for_theme(theme, true);
            let surfaces = [("bg", t.bg), ("panel", t.panel), ("raised", t.raised)];
            for (role, ink) in [("text", t.text), ("sub", t.sub), ("accent", t.accent), ("err", t.err), ("ok", t.ok)] {
                at_least(7.0, &format!("{theme:?} {role}"), ink, &surfaces);
            }
            at_least(4.5, &format!("{theme:?} line"), t.line, &surfaces);
        }
    }

    #[test]
    fn text_is_readable_on_every_surface_it_is_used_on() {
        for (name, t) in themes() {
            let plain = [("bg", t.bg), ("panel", t.panel), ("raised", t.raised), ("hover", t.hover)];
            let all = [&plain[..], &[("selection", t.accent_weak)]].concat();
            for (role, ink) in [("text", t.text), ("strong", t.strong), ("sub", t.sub), ("accent", t.accent)] {
                at_least(4.5, &format!("{name} {role}"), ink, &all);
            }
            for (role, ink, weak) in
                [("ok", t.ok, t.ok_weak), ("warn", t.warn, t.warn_weak), ("err", t.err, t.err_weak)]
            {
                at_least(4.5, &format!("{name} {role}"), ink, &all);
                at_least(4.5, &format!("{name} {role} badge"), ink, &[("its badge", weak)]);
            }
            at_least(4.5, &format!("{name} on_accent"), t.on_accent, &[("accent", t.accent)]);
            at_least(4.5, &format!("{name} on_err"), t.on_err, &[("err", t.err)]);
        }
    }

    #[test]
    fn outlines_and_marks_stand_out() {
        for (name, t) in themes() {
            let surfaces = [("bg", t.bg), ("panel", t.panel), ("raised", t.raised)];
            at_least(3.0, &format!("{name} line_strong"), t.line_strong, &surfaces);
            at_least(3.0, &format!("{name} focus ring"), t.accent, &surfaces);
            let marks = [t.positive, t.negative, t.value_low, t.value_high, t.heat];
            for (i, mark) in t.series.iter().chain(&marks).enumerate() {
                at_least(3.0, &format!("{name} mark {i}"), *mark, &surfaces);
            }
        }
    }

    #[test]
    fn a_theme_with_a_wrong_role_or_colour_is_refused() {
        let unknown = format!("{DARK}\nfrobnicate = \"gray.10\"\n");
        assert!(Tokens::parse(PALETTE, &unknown).expect_err("unknown role").to_string().contains("frobnicate"));
        let missing = DARK.replace("hover =", "# hover =");
        assert!(Tokens::parse(PALETTE, &missing).expect_err("missing role").to_string().contains("hover"));
        let no_such = DARK.replace("\"gray.10\"", "\"gray.11\"");
        assert_eq!(Tokens::parse(PALETTE, &no_such), Err(TokenError("the palette has no `gray.11`".to_owned())));
        let bad_hex = PALETTE.replace("\"0f1115\"", "\"0f11\"");
        assert!(Tokens::parse(&bad_hex, DARK).is_err());
    }

    #[test]
    fn every_primitive_is_used_by_a_role() {
        let palette: Palette = toml::from_str(PALETTE).expect("parses");
        for (hue, steps) in &palette {
            for step in steps.keys() {
                let name = format!("\"{hue}.{step}\"");
                let used = [DARK, LIGHT, CONTRAST_DARK, CONTRAST_LIGHT].iter().any(|theme| theme.contains(&name));
                assert!(used, "nothing uses {name}");
            }
        }
    }
}
