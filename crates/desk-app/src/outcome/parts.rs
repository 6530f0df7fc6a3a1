//! What an explanation says of parts of its rows: segments of pictures, words of texts.

use desk_explain::parts::PartValues;
use desk_explain::{Group, Picture};
use serde::{Deserialize, Serialize};

/// Pictures cut into segments, whose attributions these are. In `values` each pixel has that of its segment, so a sum over
/// pixels means nothing; of more than 20,000 pixels and channels `values` and all that stands beside them are left empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segmented {
    /// Which features are the picture: the first one, its size and how its channels stand.
    pub picture: Picture,
    /// Segments that were asked for, about.
    pub asked: usize,
    /// What stands in the place of a segment that is absent: `own-mean` (its mean colour), `background-mean`, or
    /// `background-rows` (each row of the background, one after the other).
    pub hidden: String,
    /// One for each explained row.
    pub rows: Vec<SegmentedRow>,
}

/// The segments of one row's picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentedRow {
    /// The segment of each pixel, from 0: height x width, rows of pixels one after the other.
    pub ids: Vec<u32>,
    /// Attributions, segments x explained outputs, with their standard errors and where their sum begins.
    #[serde(flatten)]
    pub of: PartValues,
}

impl SegmentedRow {
    /// How many segments there are.
    pub fn count(&self) -> usize {
        self.of.values.len()
    }

    /// Of a segment: its pixels, and the row and column of their middle, from 0.
    pub fn place(&self, segment: usize, width: usize) -> (usize, f64, f64) {
        let (mut count, mut down, mut across) = (0usize, 0.0, 0.0);
        for pixel in (0..self.ids.len()).filter(|pixel| self.ids[*pixel] as usize == segment) {
            count += 1;
            down += (pixel / width.max(1)) as f64;
            across += (pixel % width.max(1)) as f64;
        }
        let share = count.max(1) as f64;
        (count, down / share, across / share)
    }
}

/// Texts taken apart into words, whose attributions these are. In `values` the text's column has their sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Worded {
    /// The column of the text.
    pub column: String,
    /// A word counts once wherever it stands; else each place counts by itself.
    pub bag: bool,
    /// One for each explained row.
    pub rows: Vec<WordedRow>,
}

/// The words of one row's text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WordedRow {
    /// The whole text.
    pub text: String,
    /// Where the sum of the contributions begins, for each explained output: the answer to the text without its words; of
    /// LIME the intercept.
    pub base: Vec<f64>,
    /// The words, in order. Of a bag those of one `part` are one player, whose contribution counts once.
    pub spans: Vec<Span>,
}

/// A word and what it contributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// First character, from 0; characters are Unicode's code points.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// The word.
    pub text: String,
    /// Number of the player that it is of.
    pub part: usize,
    /// One for each explained output.
    pub contribution: Vec<f64>,
    /// One for each explained output, where the method samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<Vec<f64>>,
}

impl WordedRow {
    /// The first span of each part, with how often the part stands in the text; largest contributions to an output first.
    pub fn strongest(&self, output: usize) -> Vec<(&Span, usize)> {
        let mut parts: Vec<(&Span, usize)> = Vec::new();
        let mut place = std::collections::HashMap::new();
        for span in &self.spans {
            let at = *place.entry(span.part).or_insert(parts.len());
            match parts.get_mut(at) {
                Some((_, count)) => *count += 1,
                None => parts.push((span, 1)),
            }
        }
        let size = |span: &Span| span.contribution.get(output).copied().unwrap_or_default().abs();
        parts.sort_by(|a, b| size(b.0).total_cmp(&size(a.0)).then(a.0.start.cmp(&b.0.start)));
        parts
    }
}

/// The parts' attributions that are within a picture, of players in the order of their first features.
pub(crate) fn within(picture: &Picture, members: &[Vec<usize>], of: PartValues) -> PartValues {
    let own = picture.first..picture.first + picture.cells();
    let inside: Vec<bool> = members.iter().map(|of| of.first().is_some_and(|f| own.contains(f))).collect();
    let keep = |rows: Vec<Vec<f64>>| rows.into_iter().zip(&inside).filter(|(_, inside)| **inside).map(|(row, _)| row);
    PartValues { values: keep(of.values).collect(), std_error: of.std_error.map(|rows| keep(rows).collect()), ..of }
}

/// Whether a group of columns lies in a picture in part.
pub(crate) fn touches(picture: &Picture, group: &Group) -> bool {
    let own = picture.first..picture.first + picture.cells();
    group.features.iter().any(|feature| own.contains(feature))
}
