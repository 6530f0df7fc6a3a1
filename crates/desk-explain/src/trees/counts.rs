//! How many background rows satisfy which conditions of each leaf's path.

use crate::trees::columns::Columns;
use crate::trees::program::{Program, Scratch};

/// Background rows by mask, for each leaf of a tree.
pub(crate) struct Counts {
    starts: Vec<usize>,
    counts: Vec<u32>,
}

impl Counts {
    /// Counts in one pass; `widths` are the numbers of features on the leaves' paths, in leaf order.
    pub fn new(widths: impl Iterator<Item = usize>, program: &Program, background: &Columns) -> Self {
        const B: usize = 64;
        let mut starts = vec![0];
        for width in widths {
            starts.push(starts[starts.len() - 1] + (1 << width));
        }
        let mut counts = vec![0u32; starts[starts.len() - 1]];
        let mut scratch = Scratch::<B>::new();
        for from in (0..background.rows()).step_by(B) {
            let valid = (background.rows() - from).min(B);
            program.run(background, from, &mut scratch, |leaf, masks| {
                let counts = &mut counts[starts[leaf]..starts[leaf + 1]];
                for mask in &masks[..valid] {
                    counts[usize::from(*mask)] += 1;
                }
            });
        }
        Self { starts, counts }
    }

    /// One leaf's counts, by mask of satisfied features.
    pub fn of(&self, leaf: usize) -> &[u32] {
        &self.counts[self.starts[leaf]..self.starts[leaf + 1]]
    }
}
