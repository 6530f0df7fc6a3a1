//! Pictures as tensors: decoded, resized and scaled as the mapping says.
//!
//! Resizing is bilinear with a filter that widens when it shrinks (antialiasing), as Pillow's
//! `BILINEAR` does. Turns noted in EXIF are not applied and transparency is dropped, again as
//! Pillow's `convert("RGB")`.

use std::io::Cursor;

use arrow::array::{Array, ArrayRef, AsArray as _};
use desk_core::{Dim, ElementType, TensorData};
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageReader, RgbImage};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::BoundInput;
use super::options::{Channels, ImageOptions, Layout};
use crate::error::{DataError, Place};
use crate::formats::image::check_size;

/// How pictures become numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageMapping {
    /// Where the channels stand; `None` for grey tensors without a channel dimension.
    pub layout: Option<Layout>,
    /// The channels.
    pub channels: Channels,
    /// Height in pixels; the picture's own when `None`.
    pub height: Option<usize>,
    /// Width in pixels; the picture's own when `None`.
    pub width: Option<usize>,
    /// Factor of a pixel from 0 to 255.
    pub scale: f64,
    /// Subtracted per channel after scaling.
    pub mean: Vec<f64>,
    /// Divided by per channel at the end.
    pub std: Vec<f64>,
    /// True where the scale was not stated anywhere.
    pub assumed: bool,
}

/// Numbers of one picture, its height and its width.
type Pixels = (Vec<f64>, usize, usize);

impl ImageMapping {
    /// Makes out the layout of a rank 3 or rank 4 shape; the error says why it is no picture.
    pub fn plan(shape: &[Dim], element: ElementType, options: &ImageOptions) -> Result<Self, String> {
        let size = |dim: &Dim| match dim {
            Dim::Fixed(n) => Some(*n as usize),
            _ => None,
        };
        let channel_count = |dim: &Dim| size(dim).filter(|n| matches!(n, 1 | 3));
        let (layout, count, height, width) = match (shape, options.layout) {
            ([_, h, w], _) => (None, Some(1), size(h), size(w)),
            ([_, h, w, c], Some(Layout::Nhwc)) => (Some(Layout::Nhwc), size(c), size(h), size(w)),
            // Channels come first unless only the last dimension can be channels.
            ([_, h, w, c], None) if channel_count(h).is_none() && channel_count(c).is_some() => {
                (Some(Layout::Nhwc), size(c), size(h), size(w))
            }
            ([_, c, h, w], _) => (Some(Layout::Nchw), size(c), size(h), size(w)),
            _ => return Err("a picture needs a shape of 3 or 4 dimensions".into()),
        };
        let float = element.is_float() && element != ElementType::Bfloat16;
        if !float && element != ElementType::Uint8 {
            return Err(format!("pictures cannot become elements of type {element}"));
        }
        let channels = match (count, options.channels) {
            (Some(1), _) | (None, Some(Channels::Gray)) => Channels::Gray,
            (Some(3) | None, Some(Channels::Bgr)) => Channels::Bgr,
            (Some(3) | None, _) => Channels::Rgb,
            (Some(n), _) => return Err(format!("pictures have 1 or 3 channels, not {n}")),
        };
        let depth = if channels == Channels::Gray { 1 } else { 3 };
        let per_channel = |values: &[f64], default: f64, what: &str| match values.len() {
            0 => Ok(vec![default; depth]),
            1 => Ok(vec![values[0]; depth]),
            n if n == depth => Ok(values.to_vec()),
            n => Err(format!("the metadata states {what} for {n} channels, the input has {depth}")),
        };
        let mean = per_channel(&options.mean, 0.0, "means")?;
        let std = per_channel(&options.std, 1.0, "standard deviations")?;
        if std.contains(&0.0) {
            return Err("the metadata states a standard deviation of zero".into());
        }
        let scale = options.scale.unwrap_or(if float { 1.0 / 255.0 } else { 1.0 });
        Ok(Self { layout, channels, height, width, scale, mean, std, assumed: float && options.scale.is_none() })
    }

    fn depth(&self) -> usize {
        self.mean.len()
    }

    /// The shape of one row for a picture of this size.
    fn row_shape(&self, height: usize, width: usize) -> Vec<usize> {
        match self.layout {
            None => vec![height, width],
            Some(Layout::Nchw) => vec![self.depth(), height, width],
            Some(Layout::Nhwc) => vec![height, width, self.depth()],
        }
    }

    /// Pixels of one picture as numbers in the tensor's order, and its height and width.
    fn pixels(&self, bytes: &[u8]) -> Result<Pixels, String> {
        let (own_width, own_height) = check_size(bytes)?;
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
        let picture = reader.decode().map_err(|e| format!("it cannot be decoded ({e})"))?;
        let (width, height) = (self.width.unwrap_or(own_width as usize), self.height.unwrap_or(own_height as usize));
        let raw = self.interleaved(&picture, width as u32, height as u32);
        let depth = self.depth();
        let mut numbers = vec![0f64; raw.len()];
        for (i, pixel) in raw.chunks_exact(depth).enumerate() {
            for c in 0..depth {
                let from = if self.channels == Channels::Bgr { depth - 1 - c } else { c };
                let to = if self.layout == Some(Layout::Nhwc) { i * depth + c } else { c * width * height + i };
                numbers[to] = (f64::from(pixel[from]) * self.scale - self.mean[c]) / self.std[c];
            }
        }
        Ok((numbers, height, width))
    }

    /// Bytes pixel by pixel in red, green, blue or grey, resized.
    fn interleaved(&self, picture: &DynamicImage, width: u32, height: u32) -> Vec<u8> {
        let same = picture.width() == width && picture.height() == height;
        if self.channels == Channels::Gray {
            let gray = luma(picture);
            if same { gray } else { image::imageops::resize(&gray, width, height, FilterType::Triangle) }.into_raw()
        } else {
            let rgb: RgbImage = picture.to_rgb8();
            if same { rgb } else { image::imageops::resize(&rgb, width, height, FilterType::Triangle) }.into_raw()
        }
    }
}

/// Grey as Pillow's mode L: ITU-R 601, rounded as `(19595 R + 38470 G + 7471 B + 32768) >> 16`.
fn luma(picture: &DynamicImage) -> GrayImage {
    if matches!(picture, DynamicImage::ImageLuma8(_) | DynamicImage::ImageLuma16(_) | DynamicImage::ImageLumaA8(_)) {
        return picture.to_luma8();
    }
    let rgb = picture.to_rgb8();
    GrayImage::from_fn(rgb.width(), rgb.height(), |x, y| {
        let [r, g, b] = rgb.get_pixel(x, y).0.map(u32::from);
        image::Luma([((19595 * r + 38470 * g + 7471 * b + 32768) >> 16) as u8])
    })
}

/// All pictures of a batch as one block of elements, and the shape of one row.
pub fn image_tensor(
    input: &BoundInput,
    mapping: &ImageMapping,
    images: &ArrayRef,
    files: Option<&ArrayRef>,
    first_row: u64,
) -> Result<(TensorData, Vec<usize>), DataError> {
    let name = |row: usize| {
        let files = files.and_then(|files| files.as_string_opt::<i32>()).filter(|files| files.is_valid(row));
        files.map_or_else(|| format!("row {}", first_row + row as u64 + 1), |files| files.value(row).to_owned())
    };
    let wrong = |row: usize, why: String| DataError::Image {
        file: name(row),
        place: Place::row(first_row + row as u64 + 1),
        why,
    };
    let Some(cells) = images.as_binary_opt::<i32>() else {
        return Err(wrong(0, format!("the column holds {} instead of pictures", images.data_type())));
    };
    let decoded: Vec<Result<Pixels, DataError>> = (0..cells.len())
        .into_par_iter()
        .map(|row| {
            if cells.is_null(row) {
                return Err(wrong(row, "it is missing".into()));
            }
            mapping.pixels(cells.value(row)).map_err(|why| wrong(row, why))
        })
        .collect();
    let mut size = None;
    let mut numbers: Vec<f64> = Vec::new();
    for (row, picture) in decoded.into_iter().enumerate() {
        let (pixels, height, width) = picture?;
        let (h, w) = *size.get_or_insert((height, width));
        if (h, w) != (height, width) {
            let why =
                format!("it is {width} x {height} pixels, the ones before it {w} x {h}, and the model fixes no size");
            return Err(wrong(row, why));
        }
        numbers.extend_from_slice(&pixels);
    }
    let (height, width) = size.unwrap_or((mapping.height.unwrap_or(0), mapping.width.unwrap_or(0)));
    let data = match input.element {
        ElementType::Float64 => TensorData::Float64(numbers),
        ElementType::Float16 => {
            TensorData::Float16(numbers.iter().map(|x| half::f16::from_f64(*x).to_bits()).collect())
        }
        // Saturates and rounds; with the default scale of 1 the bytes are unchanged.
        ElementType::Uint8 => TensorData::Uint8(numbers.iter().map(|x| x.round() as u8).collect()),
        _ => TensorData::Float32(numbers.iter().map(|x| *x as f32).collect()),
    };
    Ok((data, mapping.row_shape(height, width)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_from_shapes() {
        let plan = |shape: &[Dim]| ImageMapping::plan(shape, ElementType::Float32, &ImageOptions::default());
        let batch = Dim::Symbol("N".into());
        let nchw = plan(&[batch.clone(), Dim::Fixed(3), Dim::Fixed(8), Dim::Fixed(9)]).expect("a picture");
        assert_eq!((nchw.layout, nchw.height, nchw.width), (Some(Layout::Nchw), Some(8), Some(9)));
        let nhwc = plan(&[batch.clone(), Dim::Fixed(8), Dim::Fixed(9), Dim::Fixed(3)]).expect("a picture");
        assert_eq!((nhwc.layout, nhwc.channels), (Some(Layout::Nhwc), Channels::Rgb));
        let gray = plan(&[batch.clone(), Dim::Unknown, Dim::Unknown]).expect("a picture");
        assert_eq!((gray.layout, gray.channels, gray.height), (None, Channels::Gray, None));
        assert!(plan(&[batch.clone(), Dim::Fixed(4), Dim::Fixed(8), Dim::Fixed(8)]).is_err());
        assert!(plan(&[batch, Dim::Fixed(30)]).is_err());
    }

    #[test]
    fn channel_order_scale_and_mean() {
        let picture = RgbImage::from_fn(2, 1, |x, _| image::Rgb([(x * 255) as u8, 51, 102]));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).expect("written");
        let options = ImageOptions {
            channels: Some(Channels::Bgr),
            scale: Some(1.0 / 255.0),
            mean: vec![0.5],
            std: vec![0.5, 1.0, 0.25],
            layout: Some(Layout::Nchw),
        };
        let shape = [Dim::Unknown, Dim::Fixed(3), Dim::Fixed(1), Dim::Fixed(2)];
        let mapping = ImageMapping::plan(&shape, ElementType::Float32, &options).expect("a picture");
        let (pixels, height, width) = mapping.pixels(bytes.get_ref()).expect("decoded");
        let expect = [(0.4 - 0.5) / 0.5, (0.4 - 0.5) / 0.5, 0.2 - 0.5, 0.2 - 0.5, -0.5 / 0.25, 0.5 / 0.25];
        assert_eq!((height, width), (1, 2));
        assert!(pixels.iter().zip(expect).all(|(a, b)| (a - b).abs() < 1e-12), "{pixels:?}");
    }
}
