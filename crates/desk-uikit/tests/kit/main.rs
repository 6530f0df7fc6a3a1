//! Pictures and behaviour of every component, drawn headless by a software Vulkan.

mod behaviour;
mod pictures;
mod support;
