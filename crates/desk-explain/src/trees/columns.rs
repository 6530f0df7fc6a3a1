//! Feature tables as columns of float32, in blocks of a fixed number of rows.

use crate::input::Table;

/// Columns of float32, each padded with zeros to whole blocks of [`Columns::PAD`] rows.
pub(crate) struct Columns {
    data: Vec<f32>,
    stride: usize,
    rows: usize,
}

impl Columns {
    /// Rows are padded to a multiple of this, so that a block is always whole.
    pub const PAD: usize = 512;

    /// Rounds to float32 (as the runtime's input does) and turns rows into columns.
    pub fn new(table: Table<'_>) -> Self {
        let rows = table.len();
        let stride = rows.next_multiple_of(Self::PAD);
        let mut data = vec![0f32; stride * table.n_features];
        for (r, row) in table.rows.chunks_exact(table.n_features).enumerate() {
            for (f, value) in row.iter().enumerate() {
                data[f * stride + r] = *value as f32;
            }
        }
        Self { data, stride, rows }
    }

    /// Rows without the padding.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All columns from a row on, [`Columns::stride`] values apart.
    pub fn from(&self, row: usize) -> &[f32] {
        &self.data[row..]
    }

    /// Values from one column to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// One column, padding included.
    pub fn column(&self, feature: u32) -> &[f32] {
        &self.data[feature as usize * self.stride..(feature as usize + 1) * self.stride]
    }
}
