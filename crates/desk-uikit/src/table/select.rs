//! Which cells are selected, and how keys and clicks move the selection.

use egui::{Key, Modifiers};

/// A place in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Row as shown.
    pub row: usize,
    /// Column.
    pub column: usize,
}

/// What one selection step covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Whole rows; for lists of things.
    #[default]
    Rows,
    /// Rectangles of cells; for data.
    Cells,
}

/// A rectangle of cells, both corners included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Upper left.
    pub from: Place,
    /// Lower right.
    pub to: Place,
}

impl Block {
    fn between(a: Place, b: Place) -> Self {
        Self {
            from: Place { row: a.row.min(b.row), column: a.column.min(b.column) },
            to: Place { row: a.row.max(b.row), column: a.column.max(b.column) },
        }
    }

    /// True when the cell is inside.
    pub fn contains(&self, place: Place) -> bool {
        (self.from.row..=self.to.row).contains(&place.row)
            && (self.from.column..=self.to.column).contains(&place.column)
    }
}

/// The size of a table in cells.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Rows on one screen, for page up and down.
    pub page: usize,
}

/// The selection: blocks, the last of which grows from its anchor to the cursor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    done: Vec<Block>,
    live: Option<(Place, Place)>,
}

impl Selection {
    /// Where the keyboard is.
    pub fn cursor(&self) -> Option<Place> {
        self.live.map(|(_, cursor)| cursor)
    }

    /// Where the newest block began.
    pub fn anchor(&self) -> Option<Place> {
        self.live.map(|(anchor, _)| anchor)
    }

    /// True when nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.live.is_none()
    }

    /// All blocks, widened to whole rows where rows are selected.
    pub fn blocks(&self, mode: Mode, columns: usize) -> Vec<Block> {
        let live = self.live.map(|(anchor, cursor)| Block::between(anchor, cursor));
        let mut blocks: Vec<Block> = self.done.iter().copied().chain(live).collect();
        if mode == Mode::Rows {
            for block in &mut blocks {
                block.from.column = 0;
                block.to.column = columns.saturating_sub(1);
            }
        }
        blocks
    }

    /// A click on a cell: alone, extending (shift) or adding (command).
    pub fn click(&mut self, place: Place, modifiers: Modifiers) {
        match self.live {
            Some((anchor, _)) if modifiers.shift => self.live = Some((anchor, place)),
            Some((anchor, cursor)) if modifiers.command => {
                self.done.push(Block::between(anchor, cursor));
                self.live = Some((place, place));
            }
            _ => {
                self.done.clear();
                self.live = Some((place, place));
            }
        }
    }

    /// The pointer was dragged to a cell.
    pub fn drag_to(&mut self, place: Place) {
        if let Some((anchor, _)) = self.live {
            self.live = Some((anchor, place));
        }
    }

    /// Selects everything.
    pub fn all(&mut self, extent: Extent) {
        self.done.clear();
        let last = Place { row: extent.rows.saturating_sub(1), column: extent.columns.saturating_sub(1) };
        self.live = (extent.rows > 0 && extent.columns > 0).then_some((Place::default(), last));
    }

    /// Selects nothing.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Drops what no longer exists.
    pub fn clamp(&mut self, extent: Extent) {
        let fits = |p: &Place| p.row < extent.rows && p.column < extent.columns;
        if self.live.is_some_and(|(a, c)| !fits(&a) || !fits(&c)) || self.done.iter().any(|b| !fits(&b.to)) {
            self.clear();
        }
    }

    /// Moves by a key; returns the new cursor when the key meant something.
    pub fn key(&mut self, key: Key, modifiers: Modifiers, extent: Extent) -> Option<Place> {
        if extent.rows == 0 || extent.columns == 0 {
            return None;
        }
        let last = Place { row: extent.rows - 1, column: extent.columns - 1 };
        let far = modifiers.command;
        let Some((anchor, at)) = self.live else {
            let start = matches!(key, Key::ArrowDown | Key::ArrowUp | Key::Home | Key::End | Key::ArrowRight);
            if start {
                self.live = Some((Place::default(), Place::default()));
            }
            return start.then(Place::default);
        };
        let mut to = at;
        match key {
            Key::ArrowUp => to.row = if far { 0 } else { at.row.saturating_sub(1) },
            Key::ArrowDown => to.row = if far { last.row } else { (at.row + 1).min(last.row) },
            Key::ArrowLeft => to.column = if far { 0 } else { at.column.saturating_sub(1) },
            Key::ArrowRight => to.column = if far { last.column } else { (at.column + 1).min(last.column) },
            Key::PageUp => to.row = at.row.saturating_sub(extent.page.max(1)),
            Key::PageDown => to.row = (at.row + extent.page.max(1)).min(last.row),
            Key::Home if far => to = Place::default(),
            Key::End if far => to = last,
            Key::Home => to.column = 0,
            Key::End => to.column = last.column,
            _ => return None,
        }
        self.live = Some((if modifiers.shift { anchor } else { to }, to));
        if !modifiers.shift {
            self.done.clear();
        }
        Some(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { rows: 100, columns: 5, page: 10 };

    fn at(row: usize, column: usize) -> Place {
        Place { row, column }
    }

    #[test]
    fn arrows_move_and_shift_extends_from_the_anchor() {
        let mut s = Selection::default();
        s.click(at(3, 1), Modifiers::NONE);
        s.key(Key::ArrowDown, Modifiers::SHIFT, EXTENT);
        s.key(Key::ArrowRight, Modifiers::SHIFT, EXTENT);
        assert_eq!(s.blocks(Mode::Cells, 5), [Block { from: at(3, 1), to: at(4, 2) }]);
        assert_eq!(s.blocks(Mode::Rows, 5), [Block { from: at(3, 0), to: at(4, 4) }]);
        s.key(Key::ArrowUp, Modifiers::NONE, EXTENT);
        assert_eq!(s.blocks(Mode::Cells, 5), [Block { from: at(3, 2), to: at(3, 2) }]);
    }

    #[test]
    fn ends_pages_and_edges() {
        let mut s = Selection::default();
        assert_eq!(s.key(Key::ArrowDown, Modifiers::NONE, EXTENT), Some(at(0, 0)));
        assert_eq!(s.key(Key::ArrowUp, Modifiers::NONE, EXTENT), Some(at(0, 0)));
        assert_eq!(s.key(Key::End, Modifiers::NONE, EXTENT), Some(at(0, 4)));
        assert_eq!(s.key(Key::PageDown, Modifiers::NONE, EXTENT), Some(at(10, 4)));
        assert_eq!(s.key(Key::End, Modifiers::COMMAND, EXTENT), Some(at(99, 4)));
        assert_eq!(s.key(Key::Home, Modifiers::COMMAND, EXTENT), Some(at(0, 0)));
        assert_eq!(s.key(Key::A, Modifiers::NONE, EXTENT), None);
        let nothing = Extent { rows: 0, columns: 5, page: 10 };
        assert_eq!(Selection::default().key(Key::ArrowDown, Modifiers::NONE, nothing), None);
    }

    #[test]
    fn command_click_adds_and_a_plain_click_starts_again() {
        let mut s = Selection::default();
        s.click(at(1, 0), Modifiers::NONE);
        s.click(at(5, 0), Modifiers::COMMAND);
        assert_eq!(s.blocks(Mode::Rows, 2).len(), 2);
        s.click(at(7, 0), Modifiers::NONE);
        assert_eq!(s.blocks(Mode::Rows, 2).len(), 1);
        s.clamp(Extent { rows: 7, columns: 5, page: 10 });
        assert!(s.is_empty());
    }
}
