//! Superpixels: a picture cut into connected patches of like colour, by SLIC (Achanta et al. 2012).
//!
//! Of our own, because the crates that segment want colours of three channels in the Lab space, and a model's input has
//! any number of channels in any scale. Here colours are scaled by the range of the picture itself to 0..100, which is the
//! range of lightness that the method's usual compactness of 10 is meant for.

use serde::{Deserialize, Serialize};

use crate::error::ExplainError;
use crate::owen::Hierarchy;
use crate::request::Picture;

/// Segments at most.
pub const MOST_SEGMENTS: usize = 2_000;
/// Segments of a picture unless told otherwise: about as many as the reference's slic and quickshift make.
const USUAL: usize = 50;
/// Fewest pixels of a segment that are aimed at unless told otherwise.
const USUAL_PIXELS: usize = 4;
/// How much nearness counts beside colour.
const COMPACTNESS: f64 = 10.0;
/// Times that the centres move; ten are enough for most pictures (Achanta et al. 2012).
const ROUNDS: usize = 10;
/// A connected patch that is smaller than this part of an even segment, or a single pixel, joins its neighbour.
const CRUMB: f64 = 0.25;

/// The segment of each pixel, numbered from 0 as they are met row by row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    /// Height x width, rows of pixels one after the other.
    pub ids: Vec<u32>,
    /// How many there are.
    pub count: usize,
}

impl Segments {
    /// How many segments a picture is cut into when nobody says.
    pub fn usual(picture: &Picture) -> usize {
        USUAL.min(picture.height * picture.width / USUAL_PIXELS).max(2)
    }

    /// Cuts the picture of a row into about `wanted` segments. The same row gives the same segments. What is no number
    /// counts as the lowest colour.
    ///
    /// # Errors
    /// `wanted` is not between 2 and the number of pixels, or the row has no such picture.
    pub fn slic(picture: &Picture, row: &[f64], wanted: usize) -> Result<Self, ExplainError> {
        let pixels = picture.height * picture.width;
        let most = pixels.min(MOST_SEGMENTS);
        if wanted < 2 || wanted > most {
            return Err(ExplainError::BadRequest(format!(
                "{wanted} segments cannot be cut from this picture: there may be from 2 to {most}"
            )));
        }
        if picture.first + picture.cells() > row.len() {
            return Err(ExplainError::BadRequest("the picture has more pixels than there are features".to_owned()));
        }
        let mut slic = Slic::new(picture, row, wanted);
        for _ in 0..ROUNDS {
            slic.assign();
            slic.move_centres();
        }
        let even = pixels as f64 / slic.centres.len() as f64;
        let least = if even < 2.0 { 1 } else { ((CRUMB * even).ceil() as usize).max(2) };
        Ok(connected(&slic.labels, picture.height, picture.width, least))
    }

    /// Segments that somebody else made: any numbers, of which equal ones are one segment.
    pub fn given(ids: &[i64]) -> Self {
        let mut known = std::collections::HashMap::new();
        let number = |id: &i64| {
            let next = known.len() as u32;
            *known.entry(*id).or_insert(next)
        };
        let ids: Vec<u32> = ids.iter().map(number).collect();
        Self { ids, count: known.len() }
    }

    /// The features of each segment, ascending: all channels of its pixels.
    pub fn members(&self, picture: &Picture) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.count];
        for (pixel, id) in self.ids.iter().enumerate() {
            let (row, column) = (pixel / picture.width, pixel % picture.width);
            members[*id as usize].extend((0..picture.channels).map(|c| picture.feature(c, row, column)));
        }
        for of in &mut members {
            of.sort_unstable();
        }
        members
    }

    /// Segments in unions of neighbours that are alike: average linkage over the distances that cut them, between the middles
    /// and mean colours of each two.
    pub fn hierarchy(&self, picture: &Picture, row: &[f64]) -> Hierarchy {
        let mut slic = Slic::new(picture, row, self.count.max(1));
        slic.labels.clone_from(&self.ids);
        slic.centres = vec![vec![0.0; 2 + picture.channels]; self.count];
        slic.move_centres();
        let by_place = (COMPACTNESS / slic.step).powi(2);
        let mut distances = Vec::with_capacity(self.count * self.count.saturating_sub(1) / 2);
        for (s, one) in slic.centres.iter().enumerate() {
            for other in &slic.centres[s + 1..] {
                distances.push((squared(&one[2..], &other[2..]) + by_place * squared(&one[..2], &other[..2])).sqrt());
            }
        }
        Hierarchy::linked(distances, self.count)
    }

    /// A row whose every segment has its own mean colour: what the reference puts in a segment's place.
    pub fn own_means(&self, picture: &Picture, row: &[f64]) -> Vec<f64> {
        let mut means = row.to_vec();
        let mut sizes = vec![0usize; self.count];
        for id in &self.ids {
            sizes[*id as usize] += 1;
        }
        for channel in 0..picture.channels {
            let feature = |pixel: usize| picture.feature(channel, pixel / picture.width, pixel % picture.width);
            let mut sums = vec![0.0; self.count];
            for (pixel, id) in self.ids.iter().enumerate() {
                sums[*id as usize] += row[feature(pixel)];
            }
            for (pixel, id) in self.ids.iter().enumerate() {
                means[feature(pixel)] = sums[*id as usize] / sizes[*id as usize] as f64;
            }
        }
        means
    }
}

struct Slic {
    height: usize,
    width: usize,
    channels: usize,
    /// Pixels x channels, 0 to 100.
    colours: Vec<f64>,
    /// Each a row, a column and a colour.
    centres: Vec<Vec<f64>>,
    labels: Vec<u32>,
    /// Pixels from one centre to the next at the beginning.
    step: f64,
}

impl Slic {
    /// Centres on an even grid, each moved to where the picture changes least around it.
    fn new(picture: &Picture, row: &[f64], wanted: usize) -> Self {
        let (height, width, channels) = (picture.height, picture.width, picture.channels);
        let cells = &row[picture.first..picture.first + picture.cells()];
        let finite = || cells.iter().copied().filter(|x| x.is_finite());
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let scale = if high > low { 100.0 / (high - low) } else { 0.0 };
        let colour = |x: f64| if x.is_finite() { (x - low) * scale } else { 0.0 };
        let of =
            |pixel: usize| (0..channels).map(move |c| colour(row[picture.feature(c, pixel / width, pixel % width)]));
        let colours: Vec<f64> = (0..height * width).flat_map(of).collect();
        let step = ((height * width) as f64 / wanted as f64).sqrt();
        let count = |size: usize| ((size as f64 / step).round() as usize).clamp(1, size);
        let (down, across) = (count(height), count(width));
        let mut slic = Self { height, width, channels, colours, centres: Vec::new(), labels: Vec::new(), step };
        for i in 0..down {
            for j in 0..across {
                let middle = |i: usize, size: usize, of: usize| (2 * i + 1) * size / (2 * of);
                let (r, c) = (middle(i, height, down), middle(j, width, across));
                let (r, c) = if step >= 3.0 { slic.calmest(r, c) } else { (r, c) };
                let mut centre = vec![r as f64, c as f64];
                centre.extend_from_slice(slic.colour(r * width + c));
                slic.centres.push(centre);
            }
        }
        // Each pixel to the cell of the grid that it lies in, should no centre ever reach it.
        let cell = |i: usize, size: usize, of: usize| (i * of / size) as u32;
        let label = |p: usize| cell(p / width, height, down) * across as u32 + cell(p % width, width, across);
        slic.labels = (0..height * width).map(label).collect();
        slic
    }

    fn colour(&self, pixel: usize) -> &[f64] {
        &self.colours[pixel * self.channels..(pixel + 1) * self.channels]
    }

    /// Of a pixel and the eight around it the one with the smallest gradient, the first of equal ones.
    fn calmest(&self, row: usize, column: usize) -> (usize, usize) {
        let near = |at: usize, size: usize| at.saturating_sub(1)..=(at + 1).min(size - 1);
        let change = |a: usize, b: usize| squared(self.colour(a), self.colour(b));
        let gradient = |r: usize, c: usize| {
            let at = |r: usize, c: usize| r * self.width + c;
            let across = change(at(r, c.saturating_sub(1)), at(r, (c + 1).min(self.width - 1)));
            across + change(at(r.saturating_sub(1), c), at((r + 1).min(self.height - 1), c))
        };
        let mut best = (gradient(row, column), (row, column));
        for r in near(row, self.height) {
            for c in near(column, self.width) {
                let found = gradient(r, c);
                if found < best.0 {
                    best = (found, (r, c));
                }
            }
        }
        best.1
    }

    /// Each pixel to the nearest centre within two steps.
    fn assign(&mut self) {
        let mut nearest = vec![f64::INFINITY; self.labels.len()];
        let by_place = (COMPACTNESS / self.step).powi(2);
        let reach = (2.0 * self.step).ceil() as isize;
        for (label, centre) in self.centres.iter().enumerate() {
            let around = |at: f64, size: usize| {
                let at = at.round() as isize;
                (at - reach).max(0) as usize..((at + reach + 1).max(0) as usize).min(size)
            };
            for r in around(centre[0], self.height) {
                for c in around(centre[1], self.width) {
                    let pixel = r * self.width + c;
                    let place = (r as f64 - centre[0]).powi(2) + (c as f64 - centre[1]).powi(2);
                    let colour = &self.colours[pixel * self.channels..(pixel + 1) * self.channels];
                    let distance = squared(colour, &centre[2..]) + by_place * place;
                    if distance < nearest[pixel] {
                        nearest[pixel] = distance;
                        self.labels[pixel] = label as u32;
                    }
                }
            }
        }
    }

    /// Each centre to the mean of its pixels; one without pixels stays.
    fn move_centres(&mut self) {
        let size = 2 + self.channels;
        let mut sums = vec![0.0; self.centres.len() * size];
        let mut counts = vec![0usize; self.centres.len()];
        for (pixel, label) in self.labels.iter().enumerate() {
            let sum = &mut sums[*label as usize * size..(*label as usize + 1) * size];
            sum[0] += (pixel / self.width) as f64;
            sum[1] += (pixel % self.width) as f64;
            let colour = &self.colours[pixel * self.channels..(pixel + 1) * self.channels];
            sum[2..].iter_mut().zip(colour).for_each(|(s, x)| *s += x);
            counts[*label as usize] += 1;
        }
        for ((centre, sum), count) in self.centres.iter_mut().zip(sums.chunks(size)).zip(&counts) {
            if *count > 0 {
                centre.iter_mut().zip(sum).for_each(|(c, s)| *c = s / *count as f64);
            }
        }
    }
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Patches of pixels that touch by a side and have one label; those of less than `least` pixels join the patch that was met
/// before beside them.
fn connected(labels: &[u32], height: usize, width: usize, least: usize) -> Segments {
    const NONE: u32 = u32::MAX;
    let mut ids = vec![NONE; labels.len()];
    let (mut count, mut patch) = (0u32, Vec::new());
    for start in 0..labels.len() {
        if ids[start] != NONE {
            continue;
        }
        patch.clear();
        patch.push(start);
        ids[start] = count;
        let (mut at, mut beside) = (0, None);
        while at < patch.len() {
            let pixel = patch[at];
            at += 1;
            let (r, c) = (pixel / width, pixel % width);
            let sides = [
                (r > 0).then(|| pixel - width),
                (c > 0).then(|| pixel - 1),
                (c + 1 < width).then(|| pixel + 1),
                (r + 1 < height).then(|| pixel + width),
            ];
            for side in sides.into_iter().flatten() {
                if ids[side] == NONE && labels[side] == labels[start] {
                    ids[side] = count;
                    patch.push(side);
                } else if ids[side] != NONE && ids[side] != count && beside.is_none() {
                    beside = Some(ids[side]);
                }
            }
        }
        match beside.filter(|_| patch.len() < least) {
            Some(other) => patch.iter().for_each(|pixel| ids[*pixel] = other),
            None => count += 1,
        }
    }
    Segments { ids, count: count as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each segment is one patch.
    fn is_connected(segments: &Segments, height: usize, width: usize) -> bool {
        connected(&segments.ids, height, width, 0).count == segments.count
    }

    #[test]
    fn segments_are_patches_about_as_many_as_asked_and_keep_to_the_edges() {
        for (channels_last, dims) in [(false, [3, 60, 80]), (true, [60, 80, 3])] {
            let picture = Picture::of(2, &dims).expect("a picture");
            assert_eq!(picture.channels_last, channels_last);
            // A disc on a ground that grows brighter, with other features before and behind.
            let mut row = vec![9.0; picture.cells() + 3];
            let inside = |r: usize, c: usize| (r as f64 - 30.0).hypot(c as f64 - 40.0) < 18.0;
            for (r, c) in (0..60).flat_map(|r| (0..80).map(move |c| (r, c))) {
                for channel in 0..3 {
                    let value = if inside(r, c) { -1.0 + channel as f64 } else { 0.3 + 0.002 * c as f64 };
                    row[picture.feature(channel, r, c)] = value;
                }
            }
            for wanted in [2, 10, 50, 200] {
                let segments = Segments::slic(&picture, &row, wanted).expect("cut");
                let near = (wanted as f64 * 0.5)..=(wanted as f64 * 1.6 + 2.0);
                assert!(near.contains(&(segments.count as f64)), "{wanted}: {}", segments.count);
                assert!(is_connected(&segments, 60, 80), "{wanted}");
                assert_eq!(segments, Segments::slic(&picture, &row, wanted).expect("cut"), "the same again");
                let members = segments.members(&picture);
                let mut all: Vec<usize> = members.concat();
                all.sort_unstable();
                assert_eq!(all, (2..2 + picture.cells()).collect::<Vec<_>>(), "each pixel in one segment");
            }
            let segments = Segments::slic(&picture, &row, 50).expect("cut");
            let mut share = vec![(0, 0); segments.count];
            for (pixel, id) in segments.ids.iter().enumerate() {
                let of = &mut share[*id as usize];
                if inside(pixel / 80, pixel % 80) { of.0 += 1 } else { of.1 += 1 }
            }
            let mixed: usize = share.iter().map(|(a, b)| *a.min(b)).sum();
            assert!(mixed <= 24, "{mixed} of 4800 pixels lie in a segment of the other colour");
        }
    }

    #[test]
    fn odd_pictures_are_cut_and_nonsense_is_refused() {
        let picture = Picture::of(0, &[1, 2, 2]).expect("a picture");
        assert_eq!(Segments::slic(&picture, &[0.0, 1.0, 0.0, 1.0], 4).expect("cut").count, 4);
        assert!(Segments::slic(&picture, &[f64::NAN, f64::INFINITY, 0.0, 1.0], 2).is_ok());
        assert!(Segments::slic(&picture, &[5.0; 4], 2).is_ok(), "one colour");
        assert!(Segments::slic(&picture, &[5.0; 3], 2).is_err(), "too short a row");
        for wrong in [0, 1, 5] {
            assert!(Segments::slic(&picture, &[5.0; 4], wrong).is_err(), "{wrong}");
        }
        let long = Picture::of(0, &[1, 2, 900]).expect("a picture");
        let segments = Segments::slic(&long, &vec![0.5; 1800], 30).expect("cut");
        assert!(is_connected(&segments, 2, 900) && segments.count >= 20, "{}", segments.count);
        assert_eq!(Segments::usual(&Picture::of(0, &[1, 8, 8]).expect("a picture")), 16);
        assert_eq!(Segments::usual(&Picture::of(0, &[3, 224, 224]).expect("a picture")), 50);
    }

    #[test]
    fn own_means_are_those_of_each_channel() {
        let picture = Picture::of(1, &[2, 2, 2]).expect("a picture");
        let segments = Segments::given(&[7, 7, -1, 7]);
        assert_eq!((segments.count, segments.ids.as_slice()), (2, [0, 0, 1, 0].as_slice()));
        let row = [100.0, 1.0, 2.0, 9.0, 6.0, 10.0, 20.0, 90.0, 60.0];
        assert_eq!(segments.own_means(&picture, &row), [100.0, 3.0, 3.0, 9.0, 3.0, 30.0, 30.0, 90.0, 30.0]);
        assert_eq!(segments.members(&picture), [vec![1, 2, 4, 5, 6, 8], vec![3, 7]]);
    }
}
