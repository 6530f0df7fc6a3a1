//! Painted shapes as SVG text.

use std::fmt::Write as _;

use egui::epaint::text::Glyph;
use egui::epaint::{ClippedShape, ColorMode, PathShape, PathStroke, TextShape};
use egui::{Color32, FontFamily, Mesh, Pos2, Rect, Shape, Stroke, StrokeKind};

/// A document of the shapes, in their order, on a background.
pub fn write(shapes: &[ClippedShape], size: [f32; 2], background: Color32) -> String {
    let [width, height] = size;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n"
    );
    let page = Rect::from_min_size(Pos2::ZERO, egui::vec2(width, height));
    let mut writer = Writer { out: &mut out, clips: 0 };
    writer.rect(page, 0.0, background, Stroke::NONE);
    for clipped in shapes {
        let bounds = clipped.shape.visual_bounding_rect();
        if !bounds.is_positive() && !matches!(clipped.shape, Shape::LineSegment { .. } | Shape::Vec(_)) {
            continue;
        }
        if bounds.is_finite() && !clipped.clip_rect.intersects(bounds) {
            continue;
        }
        let cut = bounds.is_finite() && !clipped.clip_rect.contains_rect(bounds);
        if cut {
            writer.open_clip(clipped.clip_rect.intersect(page));
        }
        writer.shape(&clipped.shape);
        if cut {
            writer.out.push_str("</g>\n");
        }
    }
    out.push_str("</svg>\n");
    out
}

struct Writer<'o> {
    out: &'o mut String,
    clips: usize,
}

/// Coordinates with two digits after the point; no picture needs more.
fn n(value: f32) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Writing into a text cannot fail.
macro_rules! put {
    ($writer:expr, $($arg:tt)*) => { writeln!($writer.out, $($arg)*).unwrap_or_default() };
}

impl Writer<'_> {
    fn open_clip(&mut self, rect: Rect) {
        self.clips += 1;
        let (x, y, w, h) = (n(rect.left()), n(rect.top()), n(rect.width().max(0.0)), n(rect.height().max(0.0)));
        let id = self.clips;
        put!(self, "<clipPath id=\"c{id}\"><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"/></clipPath>");
        put!(self, "<g clip-path=\"url(#c{id})\">");
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| self.shape(shape)),
            Shape::Circle(circle) => {
                let (x, y, r) = (n(circle.center.x), n(circle.center.y), n(circle.radius));
                let paint = fill(circle.fill) + &stroke(circle.stroke);
                put!(self, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{paint}/>");
            }
            Shape::LineSegment { points: [a, b], stroke: line } => {
                let (x1, y1, x2, y2) = (n(a.x), n(a.y), n(b.x), n(b.y));
                let paint = stroke(*line);
                put!(self, "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{paint}/>");
            }
            Shape::Path(path) => self.path(path),
            Shape::Rect(rect) => {
                // Outlines of SVG lie on the edge.
                let edge = match rect.stroke_kind {
                    StrokeKind::Inside => -0.5,
                    StrokeKind::Middle => 0.0,
                    StrokeKind::Outside => 0.5,
                };
                let outline = rect.rect.expand(edge * rect.stroke.width);
                self.rect(outline, f32::from(rect.corner_radius.nw), rect.fill, rect.stroke);
            }
            Shape::Text(text) => self.text(text),
            Shape::Mesh(mesh) => self.mesh(mesh),
            Shape::QuadraticBezier(curve) => self.polyline(&curve.flatten(Some(0.1)), &curve.stroke),
            Shape::CubicBezier(curve) => self.polyline(&curve.flatten(Some(0.1)), &curve.stroke),
            Shape::Ellipse(e) => {
                let (x, y, rx, ry) = (n(e.center.x), n(e.center.y), n(e.radius.x), n(e.radius.y));
                let paint = fill(e.fill) + &stroke(e.stroke);
                put!(self, "<ellipse cx=\"{x}\" cy=\"{y}\" rx=\"{rx}\" ry=\"{ry}\"{paint}/>");
            }
            // No chart uses what only a graphics card can paint.
            Shape::Noop | Shape::Callback(_) | Shape::Band(_) => {}
        }
    }

    fn rect(&mut self, rect: Rect, radius: f32, inside: Color32, line: Stroke) {
        let (x, y, w, h) = (n(rect.left()), n(rect.top()), n(rect.width()), n(rect.height()));
        let round = if radius > 0.0 { format!(" rx=\"{}\"", n(radius)) } else { String::new() };
        let paint = fill(inside) + &stroke(line);
        put!(self, "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{round}{paint}/>");
    }

    fn path(&mut self, path: &PathShape) {
        if !path.closed {
            self.polyline(&path.points, &path.stroke);
            return;
        }
        let points = points(&path.points);
        let paint = fill(path.fill) + &path_stroke(&path.stroke);
        put!(self, "<polygon points=\"{points}\"{paint}/>");
    }

    fn polyline(&mut self, line: &[Pos2], stroke: &PathStroke) {
        let points = points(line);
        let paint = path_stroke(stroke);
        put!(self, "<polyline points=\"{points}\" fill=\"none\" stroke-linejoin=\"round\"{paint}/>");
    }

    /// Triangles of one colour each: the mean of their corners'.
    fn mesh(&mut self, mesh: &Mesh) {
        for corner in mesh.indices.chunks_exact(3) {
            let corners: Vec<_> = corner.iter().filter_map(|i| mesh.vertices.get(*i as usize)).collect();
            let [a, b, c] = corners.as_slice() else { continue };
            let paint = fill(mean([a.color, b.color, c.color]));
            let points = points(&[a.pos, b.pos, c.pos]);
            put!(self, "<polygon points=\"{points}\"{paint}/>");
        }
    }

    /// Each run of one format is a text of its own, as wide as it was laid out, whatever face another program has.
    fn text(&mut self, text: &TextShape) {
        let job = &text.galley.job;
        let turned = text.angle != 0.0;
        if turned {
            let (x, y) = (n(text.pos.x), n(text.pos.y));
            put!(self, "<g transform=\"rotate({} {x} {y})\">", n(text.angle.to_degrees()));
        }
        // Glyphs stand in the order of the text; an ellipsis at a cut end belongs to what is before it.
        let mut letters = job.text.char_indices();
        for row in &text.galley.rows {
            let mut section = 0;
            let numbered: Vec<(usize, &Glyph)> = (row.row.glyphs.iter())
                .map(|glyph| {
                    let at = letters.next().map(|(at, _)| at);
                    let of =
                        |at: usize| job.sections.iter().position(|section| section.byte_range.contains(&at.into()));
                    section = at.and_then(of).unwrap_or(section);
                    (section, glyph)
                })
                .collect();
            if row.ends_with_newline {
                letters.next();
            }
            for run in numbered.chunk_by(|a, b| a.0 == b.0) {
                self.run(text, row.pos, run);
            }
        }
        if turned {
            self.out.push_str("</g>\n");
        }
    }

    /// Letters of one format in one line.
    fn run(&mut self, text: &TextShape, row: Pos2, run: &[(usize, &Glyph)]) {
        let (Some((section, first)), Some((_, last))) = (run.first(), run.last()) else { return };
        let words: String = run.iter().map(|(_, glyph)| glyph.chr).collect();
        let Some(section) = text.galley.job.sections.get(*section) else { return };
        if words.trim().is_empty() {
            return;
        }
        let color = section.format.color;
        let own = if color == Color32::PLACEHOLDER { text.fallback_color } else { color };
        let ink = text.override_text_color.unwrap_or(own).gamma_multiply(text.opacity_factor);
        let at = text.pos + row.to_vec2() + first.pos.to_vec2();
        let width = last.pos.x + last.advance_width - first.pos.x;
        let (face, weight) = face(&section.format.font_id.family);
        let (size, paint) = (n(section.format.font_id.size), fill(ink));
        let (x, y, width, words) = (n(at.x), n(at.y), n(width), escaped(&words));
        put!(
            self,
            "<text x=\"{x}\" y=\"{y}\" font-family=\"{face}\" font-weight=\"{weight}\" font-size=\"{size}\" \
             textLength=\"{width}\" xml:space=\"preserve\"{paint}>{words}</text>"
        );
    }
}

fn face(family: &FontFamily) -> (&'static str, u16) {
    // Static faces go by names of their own; whoever has the variable one takes it in the weight that stands beside.
    const SANS: &str = "Inter, Helvetica, Arial, sans-serif";
    const MEDIUM: &str = "Inter Medium, Inter, Helvetica, Arial, sans-serif";
    const SEMIBOLD: &str = "Inter SemiBold, Inter, Helvetica, Arial, sans-serif";
    match family {
        FontFamily::Monospace => ("JetBrains Mono, Consolas, monospace", 400),
        FontFamily::Name(name) if name.as_ref() == "medium" => (MEDIUM, 500),
        FontFamily::Name(name) if name.as_ref() == "semibold" => (SEMIBOLD, 600),
        FontFamily::Name(name) if name.as_ref() == "icons" => ("lucide", 400),
        FontFamily::Name(_) | FontFamily::Proportional => (SANS, 400),
    }
}

fn points(points: &[Pos2]) -> String {
    let each: Vec<String> = points.iter().map(|at| format!("{},{}", n(at.x), n(at.y))).collect();
    each.join(" ")
}

fn paint(what: &str, color: Color32) -> String {
    let [r, g, b, a] = color.to_srgba_unmultiplied();
    let opacity = if a == 255 { String::new() } else { format!(" {what}-opacity=\"{}\"", n(f32::from(a) / 255.0)) };
    format!(" {what}=\"#{r:02x}{g:02x}{b:02x}\"{opacity}")
}

fn fill(color: Color32) -> String {
    if color.a() == 0 { " fill=\"none\"".to_owned() } else { paint("fill", color) }
}

fn stroke(line: Stroke) -> String {
    if line.width <= 0.0 || line.color.a() == 0 {
        return String::new();
    }
    format!("{} stroke-width=\"{}\"", paint("stroke", line.color), n(line.width))
}

fn path_stroke(line: &PathStroke) -> String {
    match &line.color {
        ColorMode::Solid(color) => stroke(Stroke::new(line.width, *color)),
        ColorMode::UV(_) => String::new(),
    }
}

fn mean(colors: [Color32; 3]) -> Color32 {
    let channel = |pick: fn(&Color32) -> u8| {
        (colors.iter().map(|color| u16::from(pick(color))).sum::<u16>() / colors.len() as u16) as u8
    };
    Color32::from_rgba_premultiplied(channel(Color32::r), channel(Color32::g), channel(Color32::b), channel(Color32::a))
}

/// Text for the inside of an element; what no XML document may hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if (c as u32) < 0x20 && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_texts_are_safe() {
        assert_eq!((n(1.0).as_str(), n(-0.001).as_str(), n(12.345).as_str()), ("1", "0", "12.35"));
        assert_eq!(escaped("a<b & \u{7}c>"), "a&lt;b &amp; c&gt;");
    }
}
