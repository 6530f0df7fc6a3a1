//! How many background rows satisfy which conditions of each leaf's path.

use fearless_simd::{Level, dispatch};

use crate::trees::columns::Columns;
use crate::trees::program::{Program, Scratch, Unit, UnitLeaf};

/// Background rows by index, for each unit of a tree.
pub(crate) struct Counts {
    starts: Vec<usize>,
    counts: Vec<u32>,
}

impl Counts {
    /// Counts in one pass; `program` emits the units' indices.
    pub fn new(units: &[Unit], program: &Program, background: &Columns) -> Self {
        let mut starts = vec![0];
        for unit in units {
            starts.push(starts[starts.len() - 1] + (1 << unit.bits()));
        }
        let mut found = Self { counts: vec![0u32; starts[starts.len() - 1]], starts };
        dispatch!(Level::new(), _ => found.count(program, background));
        found
    }

    #[inline(always)]
    fn count(&mut self, program: &Program, background: &Columns) {
        const B: usize = 256;
        let mut scratch = Scratch::<B>::new();
        for from in (0..background.rows()).step_by(B) {
            let valid = (background.rows() - from).min(B);
            program.run(background, from, &mut scratch, |unit, indices| {
                let counts = &mut self.counts[self.starts[unit]..self.starts[unit + 1]];
                for index in &indices[..valid] {
                    counts[usize::from(*index)] += 1;
                }
            });
        }
    }

    /// One leaf's counts by the set of players that background rows fail, 2^players numbers. `id` is its unit's number.
    pub fn failed(&self, id: usize, unit: &Unit, leaf: &UnitLeaf, counts: &mut Vec<f64>) {
        let (path, all) = (unit.path.len(), (1usize << leaf.players.len()) - 1);
        counts.clear();
        counts.resize(all + 1, 0.0);
        let indices = self.counts[self.starts[id]..self.starts[id + 1]].chunks_exact(1 << path);
        for (of_ways, kept) in indices.zip(leaf.kept(unit)) {
            let failed = all & !kept;
            for (on_path, count) in of_ways.iter().enumerate() {
                // Players that are the unit's own are only failed by its splits.
                counts[failed | (!on_path & ((1 << path) - 1))] += f64::from(*count);
            }
        }
    }
}
