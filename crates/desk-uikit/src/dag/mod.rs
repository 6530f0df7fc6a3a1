//! Directed graphs: where nodes and edges go, and a canvas that shows them.

mod canvas;
mod edges;
mod faces;
mod layout;
mod map;
mod order;
mod pace;

pub use canvas::{Dag, Shown, View, show};
pub use faces::{Face, Sort};
pub use layout::{Item, Layout, Row, layout};
