//! Many dots: painted into a picture once, which is shown until the data, the place or the colours are others.
//!
//! A hundred thousand dots as shapes would be laid out, cut into triangles and sent to the screen in each frame. As
//! a picture they cost a frame nothing; what takes longer than a frame has is painted by a thread. A chart that is
//! exported is drawn with real circles.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};

use egui::mutex::Mutex;
use egui::{Color32, ColorImage, Id, Painter, Pos2, Rect, TextureHandle, TextureOptions, Ui, Vec2, pos2, vec2};

use super::picture;

/// Radius of a dot.
pub(super) const RADIUS: f32 = 2.6;
/// Places of a dot between two pixels, along each axis.
const BETWEEN: usize = 4;
/// Dots at the edge are whole, with a pixel to spare.
const EDGE: f32 = 2.0 * RADIUS + 2.0;
/// So many dots are painted within a frame; more of them by a thread.
const AT_ONCE: usize = 5_000;

/// One dot, from the corner of its area.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Dot {
    /// Where it is.
    pub at: Pos2,
    /// Its colour.
    pub color: Color32,
    /// Which point of the data it stands for.
    pub point: u32,
}

/// What is seen of an area: the values at its left, right, top and bottom.
pub(super) type Seen = [f64; 4];

/// The charts that are on show, each with the frame in which it was seen last.
#[derive(Default)]
struct Shelf(HashMap<Id, (u64, Kept)>);

impl Shelf {
    /// What is kept of a chart; what nobody sees any more is freed.
    fn take(&mut self, id: Id, frame: u64) -> &mut Kept {
        self.0.retain(|_, (seen, _)| *seen + 1 >= frame);
        let (seen, kept) = self.0.entry(id).or_default();
        *seen = frame;
        kept
    }
}

/// What was painted of an area, kept between frames.
#[derive(Default)]
struct Kept {
    painted: Option<Painted>,
    /// Being painted by a thread: many dots take longer than a frame has.
    coming: Option<mpsc::Receiver<(Painting, ColorImage)>>,
}

/// Dots and what they were painted from.
struct Painting {
    key: u64,
    seen: Seen,
    dots: Vec<Dot>,
}

struct Painted {
    from: Painting,
    texture: TextureHandle,
}

impl Kept {
    /// Takes what has arrived, and has painted what is to be seen: at once where that is quick.
    fn ensure(&mut self, ui: &Ui, size: Vec2, key: u64, seen: Seen, make: impl FnOnce() -> Vec<Dot>) {
        let ctx = ui.ctx();
        if let Some(Ok(arrived)) = self.coming.as_ref().map(mpsc::Receiver::try_recv) {
            self.coming = None;
            self.show(ctx, arrived);
        }
        if self.coming.is_some() || self.painted.as_ref().is_some_and(|painted| painted.from.key == key) {
            return;
        }
        let scale = ctx.pixels_per_point();
        let painting = Painting { key, seen, dots: make() };
        if painting.dots.len() <= AT_ONCE {
            let image = raster(&painting.dots, size, scale);
            self.show(ctx, (painting, image));
            return;
        }
        let (sender, receiver) = mpsc::channel();
        let ctx = ctx.clone();
        self.coming = Some(receiver);
        let paint = move || {
            let image = raster(&painting.dots, size, scale);
            // Nobody may look at it any more; that is no error.
            if sender.send((painting, image)).is_ok() {
                ctx.request_repaint();
            }
        };
        if std::thread::Builder::new().name("dots".into()).spawn(paint).is_err() {
            // Without a thread it is tried again with the next frame.
            self.coming = None;
        }
    }

    fn show(&mut self, ctx: &egui::Context, (from, image): (Painting, ColorImage)) {
        // Another size needs another texture; the former one is freed with its handle.
        let texture = ctx.load_texture("dots", image, TextureOptions::LINEAR);
        self.painted = Some(Painted { from, texture });
    }
}

/// Paints dots into an area; `make` places them, when `key`, the area or what is seen of it is another than before.
///
/// Gives the dot that is nearest to `pointer`, if one is near, with its place on the screen. While many dots are
/// painted anew, the former picture stands in their place, moved and stretched to what is seen now.
pub(super) fn paint(
    ui: &Ui,
    id: Id,
    area: Rect,
    (key, seen): (Key, Seen),
    pointer: Option<Pos2>,
    make: impl FnOnce() -> Vec<Dot>,
) -> Option<(Dot, Pos2)> {
    if !ui.is_rect_visible(area) {
        return None;
    }
    let painter = ui.painter_at(area.expand(RADIUS + 1.0));
    if picture::is_picture(ui.ctx()) {
        for dot in make() {
            painter.circle_filled(area.min + dot.at.to_vec2(), RADIUS, dot.color);
        }
        return None;
    }
    let scale = ui.ctx().pixels_per_point();
    let key = key.with_all(seen).with_f32(area.width()).with_f32(area.height()).with_f32(scale).0;
    let shelf = ui.data_mut(|data| data.get_temp_mut_or_default::<Arc<Mutex<Shelf>>>(Id::unique("dots")).clone());
    let mut shelf = shelf.lock();
    let kept = shelf.take(id, ui.ctx().cumulative_frame_nr());
    kept.ensure(ui, area.size(), key, seen, make);
    let painted = kept.painted.as_ref()?;
    let is_now = painted.from.key == key;
    show(&painter, area, scale, painted, (!is_now).then_some(seen));
    if is_now { nearest(&painted.from.dots, area, pointer) } else { None }
}

/// On whole pixels, so that none of them is a mixture; from another view, where that is now.
fn show(painter: &Painter, area: Rect, scale: f32, painted: &Painted, now: Option<Seen>) {
    let size = painted.texture.size_vec2() / scale;
    let corner = ((area.min - Vec2::splat(EDGE)) * scale).round() / scale;
    let rect = match now {
        None => Rect::from_min_size(corner, size),
        Some(now) => moved(area, painted.from.seen, now).expand(EDGE),
    };
    let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
    painter.image(painted.texture.id(), rect, whole, Color32::WHITE);
}

/// Where an area with what was seen before lies when something else is seen now.
fn moved(area: Rect, before: Seen, now: Seen) -> Rect {
    let at = |value: f64, from: f64, to: f64| ((value - from) / (to - from)) as f32;
    let x = |value| area.left() + area.width() * at(value, now[0], now[1]);
    let y = |value| area.top() + area.height() * at(value, now[2], now[3]);
    Rect::from_min_max(pos2(x(before[0]), y(before[2])), pos2(x(before[1]), y(before[3])))
}

fn nearest(dots: &[Dot], area: Rect, pointer: Option<Pos2>) -> Option<(Dot, Pos2)> {
    const NEAR: f32 = 36.0;
    let pointer = pointer.filter(|pointer| area.expand(EDGE).contains(*pointer))? - area.min.to_vec2();
    let mut best: Option<(f32, usize)> = None;
    for (i, dot) in dots.iter().enumerate() {
        let distance = dot.at.distance_sq(pointer);
        // Of two at one place the later one is seen.
        if distance < NEAR && best.is_none_or(|(least, _)| distance <= least) {
            best = Some((distance, i));
        }
    }
    let dot = dots[best?.1];
    Some((dot, dot.at + area.min.to_vec2()))
}

/// The dots on nothing, `scale` pixels for a point.
fn raster(dots: &[Dot], size: Vec2, scale: f32) -> ColorImage {
    let whole = |points: f32| ((points + 2.0 * EDGE) * scale).ceil().clamp(1.0, 16_000.0) as usize;
    let (width, height) = (whole(size.x), whole(size.y));
    let mut image = ColorImage::filled([width, height], Color32::TRANSPARENT);
    let stamps = Stamps::new(RADIUS * scale);
    for dot in dots {
        let at = (dot.at.to_vec2() + vec2(EDGE, EDGE)) * scale;
        stamps.press(&mut image.pixels, width, height, at, dot.color);
    }
    image
}

/// How much of each pixel a dot covers, for each place of its middle between two pixels.
struct Stamps {
    side: usize,
    /// From 0 to 255, row by row; one after the other.
    cover: Vec<u8>,
    /// Of each row, where it begins and ends, and which part of that is covered whole.
    runs: Vec<[u8; 4]>,
}

impl Stamps {
    fn new(radius: f32) -> Self {
        let side = (2.0 * radius + 3.0).ceil() as usize;
        let (mut cover, mut runs) = (Vec::new(), Vec::new());
        let middle = |step: usize| side as f32 / 2.0 + (step as f32 + 0.5) / BETWEEN as f32;
        for (down, right) in (0..BETWEEN).flat_map(|down| (0..BETWEEN).map(move |right| (down, right))) {
            let center = vec2(middle(right), middle(down));
            for y in 0..side {
                let row: Vec<u8> = (0..side)
                    .map(|x| {
                        let away = (vec2(x as f32 + 0.5, y as f32 + 0.5) - center).length();
                        ((radius + 0.5 - away).clamp(0.0, 1.0) * 255.0).round() as u8
                    })
                    .collect();
                let run = |from: &dyn Fn(u8) -> bool| {
                    let first = row.iter().position(|cover| from(*cover)).unwrap_or(0);
                    let end = row.iter().rposition(|cover| from(*cover)).map_or(first, |last| last + 1);
                    [first as u8, end as u8]
                };
                let ([first, end], [full, full_end]) = (run(&|cover| cover > 0), run(&|cover| cover == 255));
                let (full, full_end) = if full < full_end { (full, full_end) } else { (end, end) };
                runs.push([first, full, full_end, end]);
                cover.extend(row);
            }
        }
        Self { side, cover, runs }
    }

    fn press(&self, pixels: &mut [Color32], width: usize, height: usize, at: Vec2, color: Color32) {
        // The corner of the stamp, and the one of them whose middle is nearest.
        let half = self.side as f32 / 2.0;
        let (x, y) = (at.x - half, at.y - half);
        let between = |v: f32| (((v - v.floor()) * BETWEEN as f32) as usize).min(BETWEEN - 1);
        let stamp = (between(y) * BETWEEN + between(x)) * self.side;
        let (left, top) = (x.floor(), y.floor());
        let inside = |corner: f32, size: usize| corner >= 0.0 && corner + self.side as f32 <= size as f32;
        // Dots at the edge of an area have room there; what is farther away is not seen.
        if !inside(left, width) || !inside(top, height) {
            return;
        }
        let (left, top) = (left as usize, top as usize);
        for row in 0..self.side {
            let [first, full, full_end, end] = self.runs[stamp + row].map(usize::from);
            let cover = &self.cover[(stamp + row) * self.side..][..self.side];
            let line = &mut pixels[(top + row) * width + left..][..self.side];
            for i in (first..full).chain(full_end..end) {
                line[i] = over(line[i], color, cover[i]);
            }
            line[full..full_end].fill(color);
        }
    }
}

/// An opaque colour over a pixel, as far as it covers it; premultiplied.
fn over(below: Color32, color: Color32, cover: u8) -> Color32 {
    let (a, rest) = (u32::from(cover), 255 - u32::from(cover));
    let mix = |new: u8, old: u8| ((u32::from(new) * a + u32::from(old) * rest + 127) / 255) as u8;
    Color32::from_rgba_premultiplied(
        mix(color.r(), below.r()),
        mix(color.g(), below.g()),
        mix(color.b(), below.b()),
        mix(255, below.a()),
    )
}

/// The least and the largest value of a chart, worked out again only for other data.
pub(super) fn extent(ui: &Ui, id: Id, key: Key, make: impl FnOnce() -> (f64, f64)) -> (f64, f64) {
    type Known = (u64, (f64, f64));
    if let Some((known, extent)) = ui.data(|data| data.get_temp::<Known>(id))
        && known == key.0
    {
        return extent;
    }
    let extent = make();
    ui.data_mut(|data| data.insert_temp::<Known>(id, (key.0, extent)));
    extent
}

/// Tells what was painted from what is to be painted: a quick digest, worked out in each frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(u64);

impl Key {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Of a number more.
    #[must_use]
    pub fn with(self, bits: u64) -> Self {
        Self((self.0.rotate_left(5) ^ bits).wrapping_mul(0x517c_c1b7_2722_0a95))
    }

    /// The same of a small number.
    #[must_use]
    pub fn with_f32(self, value: f32) -> Self {
        self.with(u64::from(value.to_bits()))
    }

    /// Of data that is kept as long as the chart shows it: where it is, how much, and some of it.
    #[must_use]
    pub fn with_data<T>(self, data: &[T], number: impl Fn(&T) -> f64) -> Self {
        const SOME: usize = 64;
        let every = data.len().div_ceil(SOME).max(1);
        let some = data.iter().step_by(every).chain(data.last()).map(number);
        self.with(data.as_ptr().addr() as u64).with(data.len() as u64).with_all(some)
    }

    /// Of many numbers.
    #[must_use]
    pub fn with_all(self, values: impl IntoIterator<Item = f64>) -> Self {
        values.into_iter().fold(self, |key, value| key.with(value.to_bits()))
    }

    /// Of the colours.
    #[must_use]
    pub fn with_colors(self, colors: &[Color32]) -> Self {
        colors.iter().fold(self, |key, color| key.with(u64::from(u32::from_le_bytes(color.to_array()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_covers_its_area_and_the_later_one_lies_on_top() {
        let dot = |x: f32, y: f32, color| Dot { at: pos2(x, y), color, point: 0 };
        for (x, scale) in [(10.0, 1.0), (10.3, 1.0), (9.9, 2.0)] {
            let image = raster(&[dot(x, 8.0, Color32::RED)], vec2(20.0, 16.0), scale);
            let area: f32 = image.pixels.iter().map(|pixel| f32::from(pixel.a()) / 255.0).sum();
            let circle = std::f32::consts::PI * (RADIUS * scale).powi(2);
            assert!((area / circle - 1.0).abs() < 0.06, "{x}, {scale}: {area} for {circle}");
            let weighed: f32 = image
                .pixels
                .iter()
                .enumerate()
                .map(|(i, pixel)| ((i % image.width()) as f32 + 0.5) * f32::from(pixel.a()) / 255.0)
                .sum();
            let middle = weighed / area / scale - EDGE;
            assert!((middle - x).abs() < 0.16 / scale + 0.01, "{x}, {scale}: painted at {middle}");
        }
        let both = [dot(10.0, 8.0, Color32::RED), dot(10.0, 8.0, Color32::BLUE)];
        let image = raster(&both, vec2(20.0, 16.0), 1.0);
        assert_eq!(image.pixels[(8.0 + EDGE) as usize * image.width() + (10.0 + EDGE) as usize], Color32::BLUE);
        let outside = [dot(-40.0, -40.0, Color32::RED), dot(1e9, 8.0, Color32::RED)];
        assert!(raster(&outside, vec2(20.0, 16.0), 1.0).pixels.iter().all(|pixel| pixel.a() == 0));
    }

    #[test]
    fn the_former_picture_lies_where_its_values_are_now() {
        let area = Rect::from_min_size(pos2(100.0, 50.0), vec2(200.0, 100.0));
        let before = [0.0, 10.0, 1.0, 0.0];
        assert_eq!(moved(area, before, before), area);
        // Half of it is seen now: it is twice as wide, and begins farther to the left.
        assert_eq!(moved(area, before, [5.0, 10.0, 1.0, 0.0]), area.with_min_x(-100.0));
        assert_eq!(moved(area, before, [0.0, 10.0, 1.5, 0.5]), area.translate(vec2(0.0, 50.0)));
    }

    #[test]
    fn the_key_knows_order_and_value() {
        let of = |values: &[f64]| Key::new().with_all(values.iter().copied()).0;
        assert_ne!(of(&[1.0, 2.0]), of(&[2.0, 1.0]));
        assert_ne!(of(&[1.0]), of(&[1.0, 0.0]));
        let data = [1.0, 2.0];
        let same = |data: &[f64]| Key::new().with_data(data, |value| *value).0;
        assert_eq!(same(&data), same(&data));
        assert_ne!(same(&data), same(&[1.0, 3.0]));
        assert_eq!(of(&[1.0, 2.0]), of(&[1.0, 2.0]));
    }
}
