//! How far a layout is, told while it works; whoever is told may end it.

/// So many items are worked on between two tellings: some milliseconds.
const STRIDE: usize = 8_192;

/// The pace of one layout.
pub(super) struct Pace<'t> {
    /// Takes the fraction that is done, 0 to 1; true ends the work.
    told: &'t dyn Fn(f32) -> bool,
    /// Where the part of the work begins that is being done, and how long it is.
    part: (f32, f32),
    /// Items of the part, and those that are done.
    items: usize,
    done: usize,
    /// Done since it was told last.
    since: usize,
}

impl<'t> Pace<'t> {
    pub fn new(told: &'t dyn Fn(f32) -> bool) -> Self {
        Self { told, part: (0.0, 0.0), items: 0, done: 0, since: 0 }
    }

    /// Begins the part that ends at this fraction of the whole, with so many items; `None` ends the work.
    pub fn begin(&mut self, end: f32, items: usize) -> Option<()> {
        let start = self.part.0 + self.part.1;
        *self = Self { part: (start, (end - start).max(0.0)), items, done: 0, since: 0, told: self.told };
        self.tell()
    }

    /// So many items more are done; `None` ends the work.
    pub fn on(&mut self, items: usize) -> Option<()> {
        self.done += items;
        self.since += items;
        if self.since < STRIDE { Some(()) } else { self.tell() }
    }

    fn tell(&mut self) -> Option<()> {
        self.since = 0;
        let within = (self.done as f32 / self.items.max(1) as f32).min(1.0);
        if (self.told)(self.part.0 + self.part.1 * within) { None } else { Some(()) }
    }
}
