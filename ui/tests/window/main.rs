//! The window as people use it: the real application over a real desk, without a display.

mod a11y;
mod compare;
mod dependence;
mod early;
mod graph;
mod home;
mod job;
mod keyboard;
mod lime;
mod lists;
mod locked;
mod look;
mod matrix;
mod notices;
mod outside;
mod pictures;
mod places;
mod readme;
mod rows;
mod ssh;
mod support;
mod tabs;
mod tour;
mod walk;
mod what_if;
mod wishes;
