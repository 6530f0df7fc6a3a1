//! Pictures: what the model saw, and what each pixel adds.

use desk_app::outcome::Explained;
use desk_uikit::field::{Field, check};
use desk_uikit::format;
use desk_uikit::plot::{Figure, Overlay};
use desk_uikit::table::{Cell, Column};
use egui::Ui;

use super::result::ExplainResult;
use super::row::{Titled, titled};
use crate::cx::Cx;

/// Pixels that the table lists, those that do most.
const LISTED: usize = 1000;
const SLIDER: f32 = 240.0;

/// The explained rows as pictures, made ready off the frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Pictures {
    /// Rows of pixels, and pixels in each.
    pub shape: [usize; 2],
    /// For each explained row the pixels from 0 to 1, row by row, with one channel or three.
    pub seen: Vec<Vec<f32>>,
    /// The mean of them.
    pub mean: Vec<f32>,
    /// For each output the mean size of what each pixel adds, over the explained rows.
    pub importance: Vec<Vec<f64>>,
}

/// How a picture is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Pixels below this part of the largest contribution are left out.
    pub threshold: f64,
    /// The picture shines through.
    pub beneath: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { threshold: 0.0, beneath: true }
    }
}

/// What the pixels of one row add to one output, kept between frames.
#[derive(Default)]
pub struct Pixels {
    of: Option<(String, usize, usize)>,
    amounts: Vec<f64>,
}

impl Pictures {
    /// The pictures of an explanation whose features are pixels.
    pub fn of(answer: &Explained) -> Option<Self> {
        let picture = answer.picture?;
        let shape = [picture.height, picture.width];
        let own = picture.first..picture.first + picture.cells();
        let scale =
            Scale::over(answer.feature_numbers.iter().flat_map(|row| row.get(own.clone()).unwrap_or_default()))?;
        let channels = if picture.channels == 3 { 3 } else { 1 };
        let seen = |row: &Vec<f64>| -> Vec<f32> {
            let at = |channel, r, c| row.get(picture.feature(channel, r, c)).copied().unwrap_or(f64::NAN);
            let pixel = |r: usize, c: usize| -> Vec<f32> {
                if channels == 3 {
                    return (0..3).map(|channel| scale.level(at(channel, r, c))).collect();
                }
                // Of two channels, or of many, nobody knows the colours: their mean is shown.
                let sum: f64 = (0..picture.channels).map(|channel| at(channel, r, c)).sum();
                vec![scale.level(sum / picture.channels as f64)]
            };
            (0..shape[0]).flat_map(|r| (0..shape[1]).map(move |c| (r, c))).flat_map(|(r, c)| pixel(r, c)).collect()
        };
        let seen: Vec<Vec<f32>> = answer.feature_numbers.iter().map(seen).collect();
        let n = seen.len().max(1) as f32;
        let mean = (0..shape[0] * shape[1] * channels).map(|i| seen.iter().map(|row| row[i]).sum::<f32>() / n);
        let mean = mean.collect();
        let importance = (0..answer.output_names.len())
            .map(|output| {
                let mut sums = vec![0.0; shape[0] * shape[1]];
                for row in 0..answer.row_numbers.len() {
                    for (sum, amount) in sums.iter_mut().zip(amounts(answer, row, output)) {
                        *sum += amount.abs() / answer.row_numbers.len() as f64;
                    }
                }
                sums
            })
            .collect();
        Some(Self { shape, seen, mean, importance })
    }
}

/// What each pixel adds, all of its channels together; where segments are explained, what its segment adds.
fn amounts(answer: &Explained, row: usize, output: usize) -> Vec<f64> {
    if let Some(segments) = answer.segments.as_ref().and_then(|segments| segments.rows.get(row)) {
        let of = |id: &u32| segments.of.values.get(*id as usize).and_then(|values| values.get(output)).copied();
        return segments.ids.iter().map(|id| of(id).unwrap_or_default()).collect();
    }
    let Some(picture) = answer.picture else { return Vec::new() };
    let pixel = |(r, c)| (0..picture.channels).map(|k| answer.value(row, picture.feature(k, r, c), output)).sum();
    (0..picture.height).flat_map(|r| (0..picture.width).map(move |c| (r, c))).map(pixel).collect()
}

/// From the numbers of pixels to brightness.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// Numbers from 0 to 1 and from 0 to 255 as they are; others from the lowest to the highest.
    fn over<'a>(numbers: impl Iterator<Item = &'a f64>) -> Option<Self> {
        let (low, high) = numbers
            .filter(|number| number.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
        match (low, high) {
            _ if low > high => None,
            _ if low >= 0.0 && high <= 1.0 => Some(Self { low: 0.0, high: 1.0 }),
            _ if low >= 0.0 && high > 128.0 && high <= 255.0 => Some(Self { low: 0.0, high: 255.0 }),
            _ => Some(Self { low, high }),
        }
    }

    fn level(&self, number: f64) -> f32 {
        if self.high > self.low { ((number - self.low) / (self.high - self.low)).clamp(0.0, 1.0) as f32 } else { 0.5 }
    }
}

/// Which pixels are laid over the picture, and whether it is seen below them.
pub fn look(ui: &mut Ui, look: &mut Look) {
    ui.horizontal_top(|ui| {
        threshold(ui, look);
        ui.vertical(|ui| {
            ui.add_space(20.0);
            check(ui, &mut look.beneath, "Picture beneath");
        });
    });
    ui.add_space(4.0);
}

/// Below which part of the largest contribution the others are left out.
pub fn threshold(ui: &mut Ui, look: &mut Look) {
    let label = format!("Hide below {} of the largest", format::percent(look.threshold));
    Field::new(&label).width(SLIDER).show_slider(ui, &mut look.threshold, 0.0..=0.95, 0.01);
}

/// Shows one row's picture with what its pixels add.
pub fn row(
    ui: &mut Ui,
    cx: &Cx<'_>,
    (result, pictures): (&ExplainResult, &Pictures),
    (row, output): (usize, usize),
    (kept, look): (&mut Pixels, Look),
    title: Titled<'_>,
) {
    let of = (result.answer.run.clone(), row, output);
    if kept.of.as_ref() != Some(&of) {
        *kept = Pixels { amounts: amounts(&result.answer, row, output), of: Some(of) };
    }
    let Some(seen) = pictures.seen.get(row) else { return };
    let unit = result.unit(output);
    let number = result.answer.row_numbers.get(row).copied().unwrap_or_default();
    let parts = match result.answer.segments.as_ref().and_then(|segments| segments.rows.get(row)) {
        Some(segments) => format!("{} segments", segments.count()),
        None => "pixels".to_owned(),
    };
    let caption = format!("of the {parts} of row {} to the {unit}", format::count(number));
    let what = format!("to the {unit}");
    let overlay = Overlay::new(pictures.shape, seen, &kept.amounts).what(&what);
    let overlay = overlay.threshold(look.threshold).beneath(look.beneath);
    let told = match of_segments(result, row, output) {
        Some(told) => told,
        None => overlay.summary(),
    };
    let figure = titled(title).caption(&caption).source(result.source()).summary(told);
    let paint = |ui: &mut Ui| {
        overlay.show(ui);
    };
    cx.wish(figure.show(ui, paint, || table(pictures.shape, &kept.amounts, "Contribution")));
}

/// What the segments add, in words: each counts once, however many pixels it has.
fn of_segments(result: &ExplainResult, row: usize, output: usize) -> Option<String> {
    let segments = result.answer.segments.as_ref()?;
    let values: Vec<f64> = segments.rows.get(row)?.of.values.iter().filter_map(|of| of.get(output).copied()).collect();
    let sum = |up: bool| values.iter().filter(|value| (**value > 0.0) == up).sum::<f64>();
    let count = |up: bool| values.iter().filter(|value| **value != 0.0 && (**value > 0.0) == up).count() as u64;
    Some(format!(
        "{} for it, together {}, and {} against it, {}. Each pixel has what its segment adds, so pixels have no sum",
        format::plural(count(true), "segment speaks", "segments speak"),
        format::signed(sum(true)),
        format::count(count(false)),
        format::signed(sum(false))
    ))
}

/// Shows which pixels matter over all rows.
pub fn all(
    ui: &mut Ui,
    cx: &Cx<'_>,
    (result, pictures): (&ExplainResult, &Pictures),
    output: usize,
    (look, width): (Look, f32),
) {
    let Some(amounts) = pictures.importance.get(output) else { return };
    let rows = format::plural(result.rows() as u64, "row", "rows");
    let caption = format!("of each pixel over {rows}");
    let overlay = Overlay::new(pictures.shape, &pictures.mean, amounts).what("on average");
    let overlay = overlay.threshold(look.threshold).beneath(look.beneath);
    let overlay = overlay.names(["The mean picture", "Mean size of contributions"]);
    let told = format!("Mean size of what each pixel adds to the {}", result.unit(output));
    let figure = Figure::new("Importance").caption(&caption).source(result.source()).width(width).summary(told);
    let paint = |ui: &mut Ui| {
        overlay.show(ui);
    };
    cx.wish(figure.show(ui, paint, || table(pictures.shape, amounts, "Mean |contribution|")));
}

/// The pixels that do most, the largest first.
fn table([_, width]: [usize; 2], amounts: &[f64], what: &str) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let columns = vec![Column::number("Pixel's row"), Column::number("Column"), Column::number(what)];
    let mut order: Vec<usize> = (0..amounts.len()).collect();
    order.sort_by(|a, b| amounts[*b].abs().total_cmp(&amounts[*a].abs()));
    order.truncate(LISTED);
    let decimals = format::decimals(order.iter().map(|at| amounts[*at]));
    let place = |at: usize| Cell::shown_as((at + 1) as f64, format::count(at as u64 + 1));
    let line = |at: usize| vec![place(at / width), place(at % width), Cell::fixed(amounts[at], decimals)];
    (columns, order.into_iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_is_what_a_picture_means_by_it() {
        let level = |numbers: &[f64], x: f64| Scale::over(numbers.iter()).expect("numbers").level(x);
        assert_eq!(level(&[0.2, 0.8], 0.5), 0.5);
        assert_eq!(level(&[3.0, 200.0], 255.0), 1.0);
        assert_eq!(level(&[0.0, 16.0], 4.0), 0.25);
        assert_eq!(level(&[-1.0, 1.0], 0.0), 0.5);
        assert_eq!(level(&[7.0], 7.0), 0.5, "one grey");
        assert!(Scale::over([f64::NAN].iter()).is_none());
    }

    #[test]
    fn the_table_begins_with_the_pixels_that_do_most() {
        let (_, rows) = table([2, 2], &[0.1, -0.5, 0.0, 0.2], "Contribution");
        assert_eq!((rows.len(), rows[0][1].text.as_ref(), rows[1][0].text.as_ref()), (4, "2", "2"));
    }
}
