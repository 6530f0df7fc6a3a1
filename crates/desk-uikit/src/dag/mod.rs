//! Directed graphs: where nodes and edges go, and a canvas that shows them.

mod layout;
mod order;

pub use layout::{Item, Layout, Row, layout};
