//! Answers as text for people.

mod comparison;
mod explained;
mod global;
mod graph;
mod lines;
mod lists;
mod outcome;
mod parts;
mod predicted;
mod quality;
mod rows;
mod show;
mod surrogate;
mod table;
mod tensor;
mod what_if;

pub use comparison::comparison;
pub use desk_core::words::bytes;
pub use graph::graph;
pub use lists::{credentials, deployments, jobs, models, operations, pins, runs, taken_up, targets, versions};
pub use outcome::outcome;
pub use rows::{RowsShown, rows};
pub use show::{show, show_json};
pub use tensor::tensor;
pub use what_if::what_if;

/// A time stamp without its fraction of a second.
pub fn time(at: &str) -> String {
    let cut = at.find('.').map_or(at, |dot| &at[..dot]);
    cut.trim_end_matches('Z').replace('T', " ")
}

/// Seconds with as many digits as matter.
pub fn seconds(value: f64) -> String {
    if value < 1.0 {
        format!("{:.0} ms", value * 1000.0)
    } else if value < 120.0 {
        format!("{value:.1} s")
    } else {
        format!("{:.0} min", value / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations() {
        assert_eq!(time("2026-11-21T03:04:05.123456Z"), "2026-11-21 03:04:05");
        assert_eq!(seconds(0.0421), "42 ms");
        assert_eq!(seconds(6.04), "6.0 s");
    }
}
