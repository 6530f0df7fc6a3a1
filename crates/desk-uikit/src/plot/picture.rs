//! A chart as a picture: drawn once more without a window, written as SVG, and painted from that as PNG.
//!
//! What is exported is what is on the screen: the same code paints into a context of its own, and its shapes are
//! written down. Text stays text, so that it can be searched, copied and edited in another program.

use egui::{Context, Id, RawInput, Rect, Theme, Ui, pos2, vec2};

use super::svg;
use crate::fonts;
use crate::tokens::{Marks, Tokens};

/// Room around a chart in its picture.
const MARGIN: f32 = 16.0;
/// No chart is higher than this.
const HIGHEST: f32 = 20_000.0;

/// A chart as a picture that knows its size.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The drawing as SVG text.
    pub svg: String,
    /// Width and height in points.
    pub size: [f32; 2],
}

/// The picture could not be made; the reason in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPicture(pub String);

/// What is drawn now is a picture: it has no pixels of its own, so that it can be enlarged.
pub(super) fn is_picture(ctx: &Context) -> bool {
    ctx.data(|data| data.get_temp::<bool>(Id::unique("picture")).unwrap_or(false))
}

/// A picture of `width` points in a theme, of whatever `paint` puts into the surface.
///
/// The surface has what a card has: the raised colour, and room around it.
pub fn draw(theme: Theme, marks: Marks, width: f32, mut paint: impl FnMut(&mut Ui)) -> Picture {
    let ctx = Context::default();
    crate::install(&ctx);
    let choice = if theme == Theme::Dark { crate::ThemeChoice::Dark } else { crate::ThemeChoice::Light };
    let look = crate::Appearance { theme: choice, high_contrast: marks.high_contrast, ..crate::Appearance::default() };
    look.apply(&ctx);
    ctx.data_mut(|data| data.insert_temp(Id::unique("picture"), true));
    let everything = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, HIGHEST));
    let inside = everything.shrink(MARGIN);
    let mut used = MARGIN;
    let mut shapes = Vec::new();
    // The second time, everything that measures itself on its first frame has its place.
    for _ in 0..2 {
        let input = RawInput { screen_rect: Some(everything), ..RawInput::default() };
        let mut output = ctx.run_ui(input, |ui| {
            let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(inside));
            paint(&mut ui);
            used = ui.min_rect().bottom();
        });
        shapes = std::mem::take(&mut output.shapes);
        output.drop_without_applying_deltas();
    }
    let size = [width, (used + MARGIN).ceil()];
    let background = Tokens::for_theme(theme, marks.high_contrast).raised;
    Picture { svg: svg::write(&shapes, size, background), size }
}

impl Picture {
    /// The picture as pixels, `scale` of them for a point: rows of red, green, blue and alpha, premultiplied.
    pub fn pixels(&self, scale: f32) -> Result<egui::ColorImage, NoPicture> {
        let pixmap = self.render(scale)?;
        let size = [pixmap.width() as usize, pixmap.height() as usize];
        Ok(egui::ColorImage::from_rgba_premultiplied(size, pixmap.data()))
    }

    /// The picture as a PNG file, `scale` pixels for a point.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, NoPicture> {
        self.render(scale)?.encode_png().map_err(|error| NoPicture(error.to_string()))
    }

    fn render(&self, scale: f32) -> Result<resvg::tiny_skia::Pixmap, NoPicture> {
        let mut options = resvg::usvg::Options::default();
        let faces = options.fontdb_mut();
        for face in fonts::definitions().font_data.values() {
            faces.load_font_data(face.font.as_ref().as_ref().to_vec());
        }
        faces.load_font_data(fonts::fallback::HEBREW_ARABIC.to_vec());
        let tree = resvg::usvg::Tree::from_str(&self.svg, &options).map_err(|error| NoPicture(error.to_string()))?;
        let pixels = |points: f32| (points * scale).round().max(1.0) as u32;
        let mut pixmap = resvg::tiny_skia::Pixmap::new(pixels(self.size[0]), pixels(self.size[1]))
            .ok_or_else(|| NoPicture("The picture would be too large".to_owned()))?;
        resvg::render(&tree, resvg::tiny_skia::Transform::from_scale(scale, scale), &mut pixmap.as_mut());
        Ok(pixmap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Bar, Bars};

    fn bars(width: f32) -> Picture {
        let bar = |name: &str, value| Bar { name: name.to_owned(), value, interval: None };
        let items = [bar("tenure <months> & more", 0.25), bar("contract", -0.125)];
        draw(Theme::Light, Marks::default(), width, |ui| {
            Bars::new("mean |contribution|", &items).show(ui);
        })
    }

    #[test]
    fn a_chart_is_written_with_its_texts_as_text() {
        let picture = bars(480.0);
        assert!(picture.svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"480\""), "{}", picture.svg);
        assert!(picture.svg.contains("tenure &lt;months&gt; &amp; more"), "{}", picture.svg);
        assert!(picture.svg.contains(">−0.1250<"), "{}", picture.svg);
        assert!(picture.size[1] > 60.0 && picture.size[1] < 200.0, "{:?}", picture.size);
    }

    #[test]
    fn the_pixels_are_those_of_the_chart() {
        let picture = bars(480.0);
        let image = picture.pixels(2.0).expect("can be painted");
        assert_eq!(image.size, [960, (picture.size[1] * 2.0) as usize]);
        let tokens = Tokens::for_theme(Theme::Light, false);
        assert_eq!(image.pixels[0], tokens.raised);
        for color in [tokens.positive, tokens.negative] {
            let area = image.pixels.iter().filter(|pixel| **pixel == color).count();
            assert!(area > 1000, "a bar in {color:?} covers {area} pixels");
        }
        let ink = image.pixels.iter().filter(|pixel| pixel.r() < 0x60 && pixel.b() < 0x70).count();
        assert!(ink > 200, "the names are painted: {ink} dark pixels");
        assert_eq!(&picture.png(1.0).expect("can be painted")[1..4], b"PNG");
    }
}
