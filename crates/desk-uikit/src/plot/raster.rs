//! Cells of one colour each as a picture, made once and shown until they are others.
//!
//! A photograph has fifty thousand pixels and a heat map of a thousand rows as many: as shapes they would be laid out
//! and sent to the screen in each frame. A chart that is exported is drawn with real rectangles.

use egui::{Color32, ColorImage, Id, Painter, Pos2, Rect, TextureHandle, TextureOptions, Ui, pos2, vec2};

use super::picture;

/// Cells in their rows, the first row on top.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cells {
    /// Cells in a row.
    pub width: usize,
    /// Row after row.
    pub colors: Vec<Color32>,
}

impl Cells {
    /// Cells of which each knows its colour by its row and its place there.
    pub fn new(height: usize, width: usize, color: impl Fn(usize, usize) -> Color32) -> Self {
        let colors = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
        Self { width, colors: colors.map(|(row, column)| color(row, column)).collect() }
    }

    fn height(&self) -> usize {
        self.colors.len().checked_div(self.width).unwrap_or(0)
    }
}

/// Paints cells over a whole area, with hard edges.
pub(super) fn paint(ui: &Ui, id: Id, painter: &Painter, area: Rect, cells: Cells) {
    if cells.colors.is_empty() {
        return;
    }
    if picture::is_picture(ui.ctx()) {
        rectangles(painter, area, &cells);
        return;
    }
    let kept: Option<(Cells, TextureHandle)> = ui.data(|data| data.get_temp(id));
    let texture = match kept {
        Some((of, texture)) if of == cells => texture,
        _ => {
            let image = ColorImage::new([cells.width, cells.height()], cells.colors.clone());
            let texture = ui.ctx().load_texture("cells", image, TextureOptions::NEAREST);
            ui.data_mut(|data| data.insert_temp(id, (cells, texture.clone())));
            texture
        }
    };
    painter.image(texture.id(), area, Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)), Color32::WHITE);
}

/// Neighbours of one colour in a row are one rectangle.
fn rectangles(painter: &Painter, area: Rect, cells: &Cells) {
    let size = vec2(area.width() / cells.width as f32, area.height() / cells.height().max(1) as f32);
    for (row, colors) in cells.colors.chunks(cells.width).enumerate() {
        let mut from = 0;
        for run in colors.chunk_by(|a, b| a == b) {
            let corner = area.min + vec2(from as f32 * size.x, row as f32 * size.y);
            let rect = Rect::from_min_size(corner, vec2(run.len() as f32 * size.x, size.y));
            painter.rect_filled(rect, 0.0, run[0]);
            from += run.len();
        }
    }
}

/// The row and the place in it of the cell under a point.
pub(super) fn under(area: Rect, (height, width): (usize, usize), at: Pos2) -> Option<(usize, usize)> {
    let inside = area.contains(at) && height > 0 && width > 0;
    let part = |from: f32, size: f32, n: usize| (((at_part(from, size)) * n as f32) as usize).min(n - 1);
    inside.then(|| (part(at.y - area.top(), area.height(), height), part(at.x - area.left(), area.width(), width)))
}

fn at_part(from: f32, size: f32) -> f32 {
    from / size.max(f32::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_lies_in_its_cell() {
        let area = Rect::from_min_size(pos2(10.0, 20.0), vec2(40.0, 20.0));
        assert_eq!(under(area, (2, 4), pos2(10.5, 20.5)), Some((0, 0)));
        assert_eq!(under(area, (2, 4), pos2(50.0, 40.0)), Some((1, 3)), "the edge belongs to the last one");
        assert_eq!(under(area, (2, 4), pos2(31.0, 29.0)), Some((0, 2)));
        assert_eq!(under(area, (2, 4), pos2(9.0, 29.0)), None);
        assert_eq!(under(area, (0, 0), pos2(11.0, 29.0)), None);
    }
}
