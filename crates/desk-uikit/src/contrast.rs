//! Contrast between two colours after WCAG 2.2, so that tests can hold the themes to it.

use egui::Color32;

/// Relative luminance of an opaque sRGB colour, 0 to 1 (WCAG 2.2, "relative luminance").
pub fn luminance(color: Color32) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
}

/// Contrast ratio of two opaque colours, 1 to 21.
pub fn ratio(a: Color32, b: Color32) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The more readable of two ink colours on the given surface.
pub fn ink_on(surface: Color32, a: Color32, b: Color32) -> Color32 {
    if ratio(a, surface) >= ratio(b, surface) { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_standards_end_points_and_a_published_pair() {
        assert!((ratio(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
        // #767676 on white is the usual example of the lightest grey that passes: 4.54.
        assert!((ratio(Color32::from_gray(0x76), Color32::WHITE) - 4.54).abs() < 0.005);
    }
}
