//! The window as people use it: the real application over a real desk, without a display.

mod a11y;
mod cancel;
mod charts;
mod compare;
mod dependence;
mod early;
mod graph;
#[cfg(target_os = "linux")]
mod held;
mod home;
mod import;
mod job;
mod keyboard;
mod killed;
mod latency;
mod lime;
mod lists;
mod locked;
mod look;
mod matrix;
mod missing;
mod narrow;
mod notices;
#[path = "../../../crates/desk-import/tests/it/build.rs"]
#[expect(dead_code, reason = "tests here need some of its messages")]
mod onnx;
mod outside;
mod pictures;
mod places;
mod readme;
mod remembered;
mod reviewer;
mod rows;
mod ssh;
mod support;
mod tabs;
mod tour;
mod unopened;
mod walk;
mod what_if;
mod whole;
mod wishes;
