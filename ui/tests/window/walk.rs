//! Walks a view with Tab as somebody does who has a keyboard alone: every stop has a name, can be seen whole, and
//! leads on to the next one until all of them were visited.

use std::collections::{BTreeMap, BTreeSet};

use egui::accesskit::Action;
use egui::{Id, Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::NodeT;

/// More stops than any view has: who needs more is trapped.
const MANY: usize = 400;
/// These are as large as their contents, or scroll within a table: seeing a part of them is enough.
const LARGE: [Role; 4] = [Role::Table, Role::ColumnHeader, Role::ScrollView, Role::Canvas];

/// What speaks against a view, a sentence each.
pub fn problems<S>(harness: &mut Harness<'_, S>) -> Vec<String> {
    let mut found = Vec::new();
    forget_focus(harness);
    let wanted = focusable(harness);
    let mut visited: Vec<Id> = Vec::new();
    let mut names = BTreeSet::new();
    for stop in 0..MANY {
        press(harness, Modifiers::NONE);
        let Some(id) = harness.ctx.memory(egui::Memory::focused) else { continue };
        if visited.first() == Some(&id) {
            break;
        }
        if visited.contains(&id) || stop + 1 == MANY {
            found.push(format!("Tab goes in a circle after {stop} stops, at {:?}", name(harness)));
            break;
        }
        visited.push(id);
        let (role, label) = name(harness);
        names.insert(label.clone());
        if label.trim().is_empty() {
            found.push(format!("stop {stop}, {role:?}, has no name"));
        }
        found.extend(cut_off(harness, id, role).map(|how| format!("{role:?} {label:?}: {how}")));
    }
    let missed: Vec<&String> = wanted.keys().filter(|label| !names.contains(*label)).collect();
    if !missed.is_empty() {
        found.push(format!("Tab does not reach {missed:?}"));
    }
    if visited.len() > 1 {
        found.extend(way_back(harness, &visited));
    }
    found
}

/// Shift+Tab goes the same way back, from the first stop over the end.
fn way_back<S>(harness: &mut Harness<'_, S>, visited: &[Id]) -> Option<String> {
    for expected in visited.iter().rev().take(5) {
        // Nothing has the focus for one stop between the first and the last.
        for _ in 0..2 {
            press(harness, Modifiers::SHIFT);
            if harness.ctx.memory(egui::Memory::focused).is_some() {
                break;
            }
        }
        if harness.ctx.memory(egui::Memory::focused) != Some(*expected) {
            return Some(format!("Shift+Tab goes another way, to {:?}", name(harness)));
        }
    }
    None
}

fn press<S>(harness: &mut Harness<'_, S>, modifiers: Modifiers) {
    harness.key_press_modifiers(modifiers, Key::Tab);
    // One more for what scrolls into view.
    harness.run_steps(3);
}

fn forget_focus<S>(harness: &mut Harness<'_, S>) {
    harness.ctx.memory_mut(|memory| {
        if let Some(id) = memory.focused() {
            memory.surrender_focus(id);
        }
    });
    harness.run_steps(2);
}

/// What has the focus.
fn name<S>(harness: &Harness<'_, S>) -> (Role, String) {
    let focused = harness.root().children_recursive().find(|node| node.accesskit_node().is_focused());
    focused.map_or((Role::Unknown, String::new()), |node| {
        let node = node.accesskit_node();
        (node.role(), node.label().unwrap_or_default())
    })
}

/// Everything that takes the focus and is not switched off, by name. Below a dialog nothing does.
fn focusable<S>(harness: &Harness<'_, S>) -> BTreeMap<String, Role> {
    let dialog = harness.root().children_recursive().filter(|node| node.accesskit_node().role() == Role::Dialog).last();
    let nodes: Vec<_> = match &dialog {
        Some(dialog) => dialog.children_recursive().collect(),
        None => harness.root().children_recursive().collect(),
    };
    let stops = nodes.iter().map(NodeT::accesskit_node).filter(|node| {
        // Cells belong to their table: the arrow keys go there.
        node.data().supports_action(Action::Focus) && !node.is_disabled() && node.role() != Role::Cell
    });
    stops.map(|node| (node.label().unwrap_or_default(), node.role())).collect()
}

/// How much of what has the focus cannot be seen, where that is so.
fn cut_off<S>(harness: &Harness<'_, S>, id: Id, role: Role) -> Option<String> {
    let response = harness.ctx.read_response(id)?;
    let (whole, seen) = (response.rect, response.interact_rect.intersect(harness.ctx.content_rect()));
    let part = |whole: f32, seen: f32| whole - seen > 1.5;
    let cut = part(whole.width(), seen.width()) || part(whole.height(), seen.height());
    let hidden = seen.width() < 8.0 || seen.height() < 8.0;
    let wrong = if LARGE.contains(&role) { hidden } else { cut };
    wrong.then(|| format!("{whole:?} can be seen only in {seen:?}"))
}
