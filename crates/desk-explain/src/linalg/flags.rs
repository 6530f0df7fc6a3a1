//! Tables of ones and zeros, a bit for each cell: what most surrogates see.

/// Columns of a word.
const WORD: usize = 64;

/// A table of zeros and ones; most products with it are with nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flags {
    rows: usize,
    columns: usize,
    /// Words of a row.
    words: usize,
    /// Row by row.
    bits: Vec<u64>,
}

impl Flags {
    /// A table of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let words = columns.div_ceil(WORD);
        Self { rows, columns, words, bits: vec![0; rows * words] }
    }

    /// The table that numbers are; none where one is neither 0 nor 1, or there are no columns.
    pub fn of(x: &[f64], columns: usize) -> Option<Self> {
        if columns == 0 || x.iter().any(|x| *x != 0.0 && *x != 1.0) {
            return None;
        }
        let mut flags = Self::zeros(x.len() / columns, columns);
        for (row, cells) in x.chunks_exact(columns).enumerate() {
            flags.set_row(row, cells);
        }
        Some(flags)
    }

    /// Rows of another table of as many columns, below.
    pub fn append(&mut self, below: &Self) {
        self.rows += below.rows;
        self.bits.extend_from_slice(&below.bits);
    }

    /// Writes a row; what is not 0 is 1.
    pub fn set_row(&mut self, row: usize, cells: &[f64]) {
        self.bits[row * self.words..(row + 1) * self.words].fill(0);
        cells.iter().enumerate().for_each(|(column, x)| self.set(row, column, *x != 0.0));
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Writes a cell that is 0.
    pub fn set(&mut self, row: usize, column: usize, one: bool) {
        self.bits[row * self.words + column / WORD] |= u64::from(one) << (column % WORD);
    }

    /// Columns of a row's ones, ascending.
    pub fn ones(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let words = &self.bits[row * self.words..(row + 1) * self.words];
        words.iter().enumerate().flat_map(|(word, bits)| {
            let left = std::iter::successors(Some(*bits), |bits| Some(bits & bits.wrapping_sub(1)));
            left.take_while(|bits| *bits != 0).map(move |bits| word * WORD + bits.trailing_zeros() as usize)
        })
    }

    /// One cell.
    pub fn is_one(&self, row: usize, column: usize) -> bool {
        self.bits[row * self.words + column / WORD] >> (column % WORD) & 1 == 1
    }

    /// How many cells of a row are not as those of the first.
    pub fn distance(&self, row: usize) -> usize {
        let words = &self.bits[row * self.words..(row + 1) * self.words];
        words.iter().zip(&self.bits).map(|(a, b)| (a ^ b).count_ones() as usize).sum()
    }

    /// Some columns alone, in the order given.
    pub fn narrow(&self, columns: &[usize]) -> Self {
        let mut narrow = Self::zeros(self.rows, columns.len());
        for row in 0..self.rows {
            columns.iter().enumerate().for_each(|(to, from)| narrow.set(row, to, self.is_one(row, *from)));
        }
        narrow
    }

    /// Means of the columns with weights that sum to `total`.
    pub fn means(&self, w: &[f64], total: f64) -> Vec<f64> {
        let mut means = vec![0.0; self.columns];
        for (row, weight) in w.iter().enumerate() {
            self.ones(row).for_each(|column| means[column] += weight);
        }
        means.iter().map(|mean| mean / total).collect()
    }

    /// The centred normal equations' left side, its lower half, and their right sides, one after the other. Centring is taken
    /// off at the end, which ones and zeros lose no digits by.
    pub fn products(
        &self,
        (y, targets, y_mean): (&[f64], usize, &[f64]),
        (w, total): (&[f64], f64),
        x_mean: &[f64],
    ) -> (Vec<f64>, Vec<f64>) {
        let columns = self.columns;
        let mut gram = vec![0.0; columns * columns];
        let mut right = vec![0.0; targets * columns];
        let mut counts = vec![0usize; columns];
        let mut ones = Vec::with_capacity(columns);
        for (r, weight) in w.iter().enumerate() {
            ones.clear();
            ones.extend(self.ones(r));
            for (at, i) in ones.iter().enumerate() {
                counts[*i] += 1;
                let row = &mut gram[i * columns..=i * columns + i];
                ones[..=at].iter().for_each(|j| row[*j] += weight);
            }
            for t in 0..targets {
                let scaled = weight * (y[r * targets + t] - y_mean[t]);
                let row = &mut right[t * columns..(t + 1) * columns];
                for i in &ones {
                    row[*i] += scaled;
                }
            }
        }
        // A column of ones alone explains nothing, not even what rounding leaves.
        let constant = |i: usize| counts[i] == w.len();
        for i in 0..columns {
            for j in 0..=i {
                let product = &mut gram[i * columns + j];
                *product = if constant(i) || constant(j) { 0.0 } else { *product - total * x_mean[i] * x_mean[j] };
            }
            if constant(i) {
                right.iter_mut().skip(i).step_by(columns).for_each(|right| *right = 0.0);
            }
        }
        (gram, right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_those_that_were_written() {
        // More columns than a word has.
        let (rows, columns) = (7, 131);
        let x: Vec<f64> = (0..rows * columns).map(|i| f64::from(u8::from(i * i % 7 < 3))).collect();
        let flags = Flags::of(&x, columns).expect("ones and zeros");
        assert_eq!((flags.rows(), flags.columns()), (rows, columns));
        for (row, cells) in x.chunks(columns).enumerate() {
            let ones: Vec<usize> = (0..columns).filter(|c| cells[*c] == 1.0).collect();
            assert_eq!(flags.ones(row).collect::<Vec<_>>(), ones);
            assert!((0..columns).all(|c| flags.is_one(row, c) == (cells[c] == 1.0)));
            assert_eq!(flags.distance(row), cells.iter().zip(&x).filter(|(a, b)| a != b).count());
        }
        let narrow = flags.narrow(&[130, 2]);
        assert!(
            (0..rows).all(|r| narrow.is_one(r, 0) == flags.is_one(r, 130) && narrow.is_one(r, 1) == flags.is_one(r, 2))
        );
        assert_eq!((Flags::of(&[0.0, 0.5], 1), Flags::of(&[], 0)), (None, None));
    }
}
