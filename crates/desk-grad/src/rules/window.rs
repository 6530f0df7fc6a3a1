//! Windows that move over the last dimensions, as convolutions and pools have them.

use crate::attributes::{int, ints};
use crate::error::Refusal;
use crate::proto::{Attribute, Node};
use crate::shapes::Dim;
use crate::tape::Tape;

/// Largest number in an attribute that makes sense.
const MOST: i64 = 1 << 24;

/// Where windows stand.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub kernel: Vec<i64>,
    pub strides: Vec<i64>,
    pub dilations: Vec<i64>,
    /// Before the first element of each dimension, then behind the last of each.
    pub pads: Vec<i64>,
    pub group: i64,
    /// `SAME_UPPER` and the like: the padding follows from the size.
    same: Option<bool>,
}

impl Window {
    /// Reads a node's attributes; `kernel` may come from its weights.
    pub fn of(node: &Node, kernel: &[i64]) -> Result<Self, Refusal> {
        let n = kernel.len();
        let list = |name: &str, default: i64, count: usize| {
            let values = node.ints(name).unwrap_or_else(|| vec![default; count]);
            let fits = values.len() == count && values.iter().all(|value| (default.min(1)..=MOST).contains(value));
            if fits { Ok(values) } else { Err(Refusal::new(format!("its {name} make no sense"))) }
        };
        let same = match node.text("auto_pad", "NOTSET").as_str() {
            "SAME_UPPER" => Some(true),
            "SAME_LOWER" => Some(false),
            "NOTSET" | "VALID" | "" => None,
            _ => return Err(Refusal::new("its padding has an unknown name")),
        };
        let valid = node.text("auto_pad", "NOTSET") == "VALID" || same.is_some();
        let cells = kernel.iter().try_fold(1i64, |product, size| product.checked_mul(*size));
        if !kernel.iter().all(|size| *size > 0) || cells.is_none_or(|cells| cells > MOST) {
            return Err(Refusal::new("its kernel makes no sense"));
        }
        Ok(Self {
            kernel: kernel.to_vec(),
            strides: list("strides", 1, n)?,
            dilations: list("dilations", 1, n)?,
            pads: if valid { vec![0; 2 * n] } else { list("pads", 0, 2 * n)? },
            group: node.int("group", 1).clamp(1, MOST),
            same,
        })
    }

    /// The length of a window with its gaps.
    pub fn extent(&self, i: usize) -> i64 {
        (self.kernel[i] - 1) * self.dilations[i] + 1
    }

    fn padding(&self, i: usize) -> i64 {
        self.pads[i] + self.pads[i + self.kernel.len()]
    }

    /// How many windows stand on `size` elements.
    pub fn count(&self, i: usize, size: i64, ceil: bool) -> Option<i64> {
        if self.same.is_some() {
            return Some((size + self.strides[i] - 1) / self.strides[i]);
        }
        let room = size.checked_add(self.padding(i))?.checked_sub(self.extent(i)).filter(|room| *room >= 0)?;
        let mut count = room / self.strides[i] + 1;
        if ceil && room % self.strides[i] != 0 && count * self.strides[i] < size + self.pads[i] {
            count += 1;
        }
        Some(count)
    }

    /// Puts numbers where the padding is `SAME`, and behind the end where a last window reaches over it.
    pub fn settle(&mut self, dims: Option<&[Dim]>, ceil: bool) -> Result<(), Refusal> {
        if self.same.is_none() && !ceil {
            return Ok(());
        }
        let n = self.kernel.len();
        for i in 0..n {
            let size = match dims.and_then(|dims| dims.get(2 + i)) {
                Some(Dim::Known(size)) => Some(*size),
                _ => None,
            };
            if let Some(upper) = self.same {
                let total = match (size, self.strides[i]) {
                    (_, 1) => self.extent(i) - 1,
                    (Some(size), stride) => {
                        let count = (size + stride - 1) / stride;
                        ((count - 1) * stride + self.extent(i) - size).max(0)
                    }
                    (None, _) => return Err(Refusal::new("its padding follows from a size that is not known")),
                };
                let (small, large) = (total / 2, total - total / 2);
                (self.pads[i], self.pads[i + n]) = if upper { (small, large) } else { (large, small) };
            } else if self.strides[i] > 1 {
                let unknown = || Refusal::new("its ceil_mode needs a size that is not known");
                let size = size.ok_or_else(unknown)?;
                let count = self.count(i, size, true).ok_or_else(unknown)?;
                let over = (count - 1) * self.strides[i] + self.extent(i) - size - self.padding(i);
                self.pads[i + n] += over.max(0);
            }
        }
        self.same = None;
        Ok(())
    }

    /// The attributes of a node with these windows.
    pub fn attributes(&self) -> Vec<Attribute> {
        vec![
            ints("kernel_shape", &self.kernel),
            ints("strides", &self.strides),
            ints("dilations", &self.dilations),
            ints("pads", &self.pads),
            int("group", self.group),
        ]
    }

    /// Lays windows of `gradient` back over the elements of `value`: each window's weights times its
    /// gradient, added where windows meet.
    pub fn spread(&self, t: &mut Tape<'_>, gradient: &str, weights: &str, value: &str) -> String {
        let n = self.kernel.len();
        // What the windows left over at the end of each dimension comes back as zeros.
        let left_over = |i: usize| match t.shapes.dims(value).and_then(|dims| dims.get(2 + i)) {
            Some(Dim::Known(size)) => {
                let room = size + self.padding(i) - self.extent(i);
                Some(room.rem_euclid(self.strides[i]))
            }
            _ => (self.strides[i] == 1).then_some(0),
        };
        let known: Option<Vec<i64>> = (0..n).map(left_over).collect();
        let at_most: Vec<i64> = self.strides.iter().map(|stride| stride - 1).collect();
        let mut attributes = self.attributes();
        attributes.push(ints("output_padding", known.as_ref().unwrap_or(&at_most)));
        let spread = t.op_with("ConvTranspose", &[gradient, weights], attributes);
        if known.is_some() {
            return spread;
        }
        let axes: Vec<i64> = (2..2 + n as i64).collect();
        let (starts, ends, axes) = (t.ints(&vec![0; n]), t.spatial_shape(value), t.ints(&axes));
        t.op("Slice", &[&spread, &starts, &ends, &axes])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: i64, stride: i64, pads: [i64; 2]) -> Window {
        let node = Node { attributes: vec![ints("strides", &[stride]), ints("pads", &pads)], ..Node::default() };
        Window::of(&node, &[kernel]).expect("plain")
    }

    #[test]
    fn windows_are_counted() {
        assert_eq!(window(3, 1, [1, 1]).count(0, 8, false), Some(8));
        assert_eq!(window(3, 2, [0, 0]).count(0, 8, false), Some(3));
        assert_eq!(window(3, 2, [0, 0]).count(0, 8, true), Some(4));
        // A last window that would begin behind the elements is none.
        assert_eq!(window(2, 2, [1, 1]).count(0, 3, true), Some(2));
        assert_eq!(window(9, 1, [0, 0]).count(0, 3, false), None);
    }

    #[test]
    fn nonsense_is_refused() {
        let strides = Node { attributes: vec![ints("strides", &[0])], ..Node::default() };
        assert!(Window::of(&strides, &[3]).is_err());
        assert!(Window::of(&Node::default(), &[i64::MAX]).is_err());
        assert!(Window::of(&Node::default(), &[1 << 20, 1 << 20]).is_err());
        let short = Node { attributes: vec![ints("pads", &[1])], ..Node::default() };
        assert!(Window::of(&short, &[3]).is_err());
    }
}
