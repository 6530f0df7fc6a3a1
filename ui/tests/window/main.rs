//! The window as people use it: the real application over a real desk, without a display.

mod job;
mod look;
mod pictures;
mod places;
mod support;
mod tabs;
