//! Which columns of a table are shown, in which order and width: chosen by people and kept by the caller.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A choice of columns, by their names; by default all of them, as they stand.
///
/// Columns that it does not know (the next table may have others) stand behind those that it does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrangement {
    /// Names in their order; empty while nothing was moved.
    order: Vec<String>,
    hidden: BTreeSet<String>,
    /// Columns that stand before all others, and stay there when the others scroll.
    pinned: Vec<String>,
    widths: BTreeMap<String, f32>,
}

impl Arrangement {
    /// Nothing was chosen.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The places in `names` of the columns that are shown, in their order, and how many of them are pinned.
    pub fn shown(&self, names: &[&str]) -> (Vec<usize>, usize) {
        let at: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, name)| (*name, i)).collect();
        let place = |name: &String| at.get(name.as_str()).copied().filter(|_| !self.hidden.contains(name));
        let mut shown: Vec<usize> = self.pinned.iter().filter_map(place).collect();
        let pinned = shown.len();
        let mut taken: BTreeSet<usize> = shown.iter().copied().collect();
        let rest = self.all(names);
        shown.extend(rest.into_iter().filter(|i| !self.hidden.contains(names[*i]) && taken.insert(*i)));
        (shown, pinned)
    }

    /// Every column in its order, pinned or not, hidden or not.
    pub fn all(&self, names: &[&str]) -> Vec<usize> {
        if self.order.is_empty() {
            return (0..names.len()).collect();
        }
        let rank: BTreeMap<&str, usize> = self.order.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        let mut all: Vec<usize> = (0..names.len()).collect();
        all.sort_by_key(|i| rank.get(names[*i]).copied().unwrap_or(usize::MAX));
        all
    }

    /// The column is on show.
    pub fn is_shown(&self, name: &str) -> bool {
        !self.hidden.contains(name)
    }

    /// The column stands before all others.
    pub fn is_pinned(&self, name: &str) -> bool {
        self.pinned.iter().any(|pinned| pinned == name)
    }

    /// Shows a column, or hides it.
    pub fn show(&mut self, name: &str, shown: bool) {
        if shown {
            self.hidden.remove(name);
        } else {
            self.hidden.insert(name.to_owned());
        }
    }

    /// Puts a column before all others, or back.
    pub fn pin(&mut self, name: &str, pinned: bool) {
        self.pinned.retain(|other| other != name);
        if pinned {
            self.pinned.push(name.to_owned());
        }
    }

    /// Puts a column before another one, or behind all; among pinned ones both are pinned.
    pub fn move_before(&mut self, names: &[&str], name: &str, before: Option<&str>) {
        if before == Some(name) {
            return;
        }
        if self.is_pinned(name) && before.is_none_or(|before| self.is_pinned(before)) {
            self.pinned.retain(|other| other != name);
            let at = before.and_then(|before| self.pinned.iter().position(|other| other == before));
            self.pinned.insert(at.unwrap_or(self.pinned.len()), name.to_owned());
            return;
        }
        let mut order: Vec<String> = self.all(names).into_iter().map(|i| names[i].to_owned()).collect();
        order.retain(|other| other != name);
        let at = before.and_then(|before| order.iter().position(|other| other == before));
        order.insert(at.unwrap_or(order.len()), name.to_owned());
        self.order = order;
    }

    /// The width that was given to a column.
    pub fn width(&self, name: &str) -> Option<f32> {
        self.widths.get(name).copied()
    }

    /// Gives a column a width, or its own again.
    pub fn set_width(&mut self, name: &str, width: Option<f32>) {
        match width {
            Some(width) => self.widths.insert(name.to_owned(), width.round()),
            None => self.widths.remove(name),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn shown(arrangement: &Arrangement) -> String {
        arrangement.shown(&NAMES).0.into_iter().map(|i| NAMES[i]).collect()
    }

    #[test]
    fn columns_are_moved_hidden_and_pinned() {
        let mut it = Arrangement::default();
        assert_eq!(shown(&it), "abcde");
        it.move_before(&NAMES, "d", Some("b"));
        assert_eq!(shown(&it), "adbce");
        it.move_before(&NAMES, "a", None);
        assert_eq!(shown(&it), "dbcea");
        it.show("c", false);
        assert_eq!(shown(&it), "dbea");
        it.pin("e", true);
        it.pin("a", true);
        assert_eq!((shown(&it).as_str(), it.shown(&NAMES).1), ("eadb", 2));
        it.move_before(&NAMES, "a", Some("e"));
        assert_eq!(shown(&it), "aedb");
        it.move_before(&NAMES, "b", Some("d"));
        it.show("c", true);
        it.pin("a", false);
        assert_eq!(shown(&it), "ebdca");
        it.move_before(&NAMES, "b", Some("b"));
        assert_eq!(shown(&it), "ebdca");
    }

    #[test]
    fn what_another_table_has_more_stands_last() {
        let mut it = Arrangement::default();
        it.move_before(&["a", "b", "x"], "b", Some("a"));
        it.show("x", false);
        assert_eq!(shown(&it), "bacde");
        it.set_width("a", Some(80.4));
        assert_eq!(it.width("a"), Some(80.0));
        it.set_width("a", None);
        assert!(!it.is_default() && Arrangement::default().is_default());
    }
}
