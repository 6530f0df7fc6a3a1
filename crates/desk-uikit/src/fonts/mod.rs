//! The faces: Inter in three real weights, JetBrains Mono, Lucide icons; egui's own and the system's as fallback.

pub(crate) mod fallback;
mod order;

pub use fallback::Fallback;
pub(crate) use order::seen;

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily, FontId};

const INTER: &[u8] = include_bytes!("../../../../assets/fonts/Inter-Regular.otf");
const INTER_MEDIUM: &[u8] = include_bytes!("../../../../assets/fonts/Inter-Medium.otf");
const INTER_SEMIBOLD: &[u8] = include_bytes!("../../../../assets/fonts/Inter-SemiBold.otf");
const MONO: &[u8] = include_bytes!("../../../../assets/fonts/JetBrainsMono-Regular.ttf");

/// Sizes in points: display 28, title 20, section 14, body 13, small 11.5, caption 11, mono 12.
pub mod size {
    /// Large numbers on cards and first-run headings.
    pub const DISPLAY: f32 = 28.0;
    /// The heading of a screen.
    pub const TITLE: f32 = 20.0;
    /// The heading of a section or card.
    pub const SECTION: f32 = 14.0;
    /// Everything else.
    pub const BODY: f32 = 13.0;
    /// Secondary facts.
    pub const SMALL: f32 = 11.5;
    /// Labels above things.
    pub const CAPTION: f32 = 11.0;
    /// Digests, code, paths.
    pub const MONO: f32 = 12.0;
    /// Line height as a multiple of the size.
    pub const LINE: f32 = 1.4;
}

/// The regular weight.
pub fn regular(size: f32) -> FontId {
    FontId::proportional(size)
}

/// The medium weight: selected rows, buttons, table headers.
pub fn medium(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("medium".into()))
}

/// The semibold weight: headings and metrics.
pub fn semibold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("semibold".into()))
}

/// The fixed-width face.
pub fn mono(size: f32) -> FontId {
    FontId::monospace(size)
}

/// The icon face; the glyphs are [`crate::Icon`].
pub fn icons(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("icons".into()))
}

/// All faces and families, ready for [`egui::Context::set_fonts`].
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let faces = [
        ("inter", INTER),
        ("inter-medium", INTER_MEDIUM),
        ("inter-semibold", INTER_SEMIBOLD),
        ("jetbrains-mono", MONO),
        ("lucide", lucide_icons::LUCIDE_FONT_BYTES),
    ];
    for (name, bytes) in faces {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let family = |first: &str| {
        let mut list = vec![first.to_owned()];
        list.extend(["inter".to_owned(), "lucide".to_owned()].into_iter().filter(|name| name != first));
        list.extend(fallback.iter().cloned());
        list
    };
    fonts.families.insert(FontFamily::Proportional, family("inter"));
    fonts.families.insert(FontFamily::Name("medium".into()), family("inter-medium"));
    fonts.families.insert(FontFamily::Name("semibold".into()), family("inter-semibold"));
    fonts.families.insert(FontFamily::Name("icons".into()), family("lucide"));
    let mono = fonts.families.entry(FontFamily::Monospace).or_default();
    mono.insert(0, "jetbrains-mono".to_owned());
    mono.push("inter".to_owned());
    fonts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_one_width_in_every_weight() {
        let ctx = egui::Context::default();
        ctx.set_fonts(definitions());
        let output = ctx.run_ui(egui::RawInput::default(), |ui| {
            for font in [regular(13.0), medium(13.0), semibold(22.0), mono(12.0)] {
                let width = |text: &str| {
                    ui.painter().layout_no_wrap(text.to_owned(), font.clone(), egui::Color32::WHITE).size().x
                };
                for digit in 1..10 {
                    let digits = digit.to_string().repeat(8);
                    assert!((width(&digits) - width("00000000")).abs() <= 0.5, "{font:?} {digits}");
                }
            }
        });
        output.drop_without_applying_deltas();
    }
}
