//! Models that are as they should be, and files that are not.

mod bad;
mod build;
mod categories;
mod external;
mod findings;
mod fixtures;
mod fuzz;
mod graph;
mod linear;
mod reference;
mod tensor;
