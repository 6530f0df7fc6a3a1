//! Which leaves rows reach, for a block of rows in step.
//!
//! Rows go down a tree side by side, a level at a time: their steps do not wait for each other, and no branch depends on
//! a value.

use desk_core::trees::{Node, SplitMode, Tree};
use fearless_simd::{Level, dispatch};

use crate::trees::program::split_counts;

/// Rows that go down side by side.
pub(crate) const BLOCK: usize = 64;

/// Splits for each level of a tree up to which asking all of them takes less than stepping down.
const FEW: u32 = 12;

/// Levels of splits on the longest way down; children stand behind their parents.
fn depth(tree: &Tree) -> u32 {
    let mut below = vec![0u32; tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate().rev() {
        if let Node::Split { yes, no, .. } = node {
            below[at] = 1 + below[*yes as usize].max(below[*no as usize]);
        }
    }
    below.first().copied().unwrap_or(0)
}

/// A node; a leaf leads to itself.
#[derive(Debug, Clone, Copy)]
struct Step {
    feature: u32,
    threshold: f32,
    mode: SplitMode,
    missing_yes: bool,
    /// Where to go when the comparison fails and when it holds.
    next: [u32; 2],
}

/// A row of a block on its way down a tree, with another value of one feature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// The node where it is.
    pub at: u32,
    /// The row.
    pub row: u32,
    /// The feature.
    pub feature: u32,
    /// Its value.
    pub value: f32,
    /// Where the row ends with its own value.
    pub leaf: u32,
    /// The place of what changes for it.
    pub place: u32,
}

/// A checked tree as steps.
#[derive(Debug)]
pub(crate) struct Steps {
    nodes: Vec<Step>,
    /// The way of comparing, where all splits share it and missing values fail them all.
    plain: Option<SplitMode>,
    /// So few splits that all of them are asked of all rows, without a step that waits for another.
    few: bool,
}

impl Steps {
    pub fn new(tree: &Tree) -> Self {
        let step = |(at, node): (usize, &Node)| match node {
            Node::Split { feature, mode, threshold, missing_yes, yes, no } => Step {
                feature: *feature,
                threshold: *threshold,
                mode: *mode,
                missing_yes: *missing_yes,
                next: [*no, *yes],
            },
            Node::Leaf(_) => {
                let next = [at as u32; 2];
                Step { feature: 0, threshold: 0.0, mode: SplitMode::Leq, missing_yes: false, next }
            }
        };
        let steps: Vec<Step> = tree.nodes.iter().enumerate().map(step).collect();
        let mut splits = tree.nodes.iter().filter_map(|node| match node {
            Node::Split { mode, missing_yes, .. } => Some((*mode, *missing_yes)),
            Node::Leaf(_) => None,
        });
        let first = splits.next().filter(|(mode, missing)| !missing && *mode != SplitMode::Neq);
        let plain = first.filter(|first| splits.all(|other| other == *first)).map(|(mode, _)| mode);
        let few = split_counts(tree).first().is_some_and(|splits| *splits <= FEW * depth(tree));
        Self { nodes: steps, plain, few }
    }

    /// The nodes where rows end: as many as `leaves` has; in `columns` a feature's values are `stride` behind the last one's.
    pub fn leaves(&self, columns: &[f32], stride: usize, leaves: &mut [u32]) {
        match self.plain {
            Some(SplitMode::Leq) if self.few => {
                dispatch!(Level::new(), _ => self.ask_all(columns, stride, leaves, |x, t| x <= t));
            }
            Some(SplitMode::Lt) if self.few => {
                dispatch!(Level::new(), _ => self.ask_all(columns, stride, leaves, |x, t| x < t));
            }
            Some(SplitMode::Leq) => self.go(columns, stride, leaves, |step, x| x <= step.threshold),
            Some(SplitMode::Lt) => self.go(columns, stride, leaves, |step, x| x < step.threshold),
            _ => {
                let holds = |step: &Step, x: f32| step.mode.holds(x, step.threshold) || step.missing_yes && x.is_nan();
                self.go(columns, stride, leaves, holds);
            }
        }
    }

    /// The feature that a split asks for.
    pub fn feature(&self, split: u32) -> u32 {
        self.nodes[split as usize].feature
    }

    /// Where a value leads from a split.
    pub fn turn(&self, split: u32, x: f32) -> u32 {
        let step = &self.nodes[split as usize];
        step.next[usize::from(step.mode.holds(x, step.threshold) || step.missing_yes && x.is_nan())]
    }

    /// Takes rows of a block to the leaves that they reach, side by side.
    pub fn finish(&self, columns: &[f32], ways: &mut [Way]) {
        match self.plain {
            Some(SplitMode::Leq) => self.end(columns, ways, |step, x| x <= step.threshold),
            Some(SplitMode::Lt) => self.end(columns, ways, |step, x| x < step.threshold),
            _ => {
                let holds = |step: &Step, x: f32| step.mode.holds(x, step.threshold) || step.missing_yes && x.is_nan();
                self.end(columns, ways, holds);
            }
        }
    }

    fn end(&self, columns: &[f32], ways: &mut [Way], holds: impl Fn(&Step, f32) -> bool) {
        loop {
            let mut moved = 0;
            for way in &mut *ways {
                let step = &self.nodes[way.at as usize];
                let own = columns[step.feature as usize * BLOCK + way.row as usize];
                let x = if step.feature == way.feature { way.value } else { own };
                let next = step.next[usize::from(holds(step, x))];
                moved |= next ^ way.at;
                way.at = next;
            }
            if moved == 0 {
                return;
            }
        }
    }

    /// Every split for every row of the block, whether it stands there or not: nothing is looked up, so that many rows are
    /// asked at once.
    #[inline(always)]
    fn ask_all(&self, columns: &[f32], stride: usize, leaves: &mut [u32], holds: impl Fn(f32, f32) -> bool) {
        let mut at = [0u32; BLOCK];
        for (node, step) in self.nodes.iter().enumerate() {
            let (node, [no, yes]) = (node as u32, step.next);
            if yes == node {
                continue;
            }
            let from = step.feature as usize * stride;
            for (at, x) in at.iter_mut().zip(&columns[from..from + BLOCK]) {
                let next = if holds(*x, step.threshold) { yes } else { no };
                *at = if *at == node { next } else { *at };
            }
        }
        leaves.copy_from_slice(&at[..leaves.len()]);
    }

    fn go(&self, columns: &[f32], stride: usize, leaves: &mut [u32], holds: impl Fn(&Step, f32) -> bool) {
        leaves.fill(0);
        loop {
            let mut moved = 0;
            for (row, at) in leaves.iter_mut().enumerate() {
                let step = &self.nodes[*at as usize];
                let next = step.next[usize::from(holds(step, columns[step.feature as usize * stride + row]))];
                moved |= next ^ *at;
                *at = next;
            }
            if moved == 0 {
                return;
            }
        }
    }
}
