//! Pictures and behaviour of every component, drawn headless by a software Vulkan.

mod behaviour;
mod focus;
mod graph;
mod lists;
mod pictures;
mod plots;
mod support;
