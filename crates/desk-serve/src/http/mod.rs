//! HTTP: connections with limits on their time, routes, and a drain that loses no request.

pub mod answer;
pub mod body;
pub mod clock;
pub mod connection;
mod door;
pub mod drain;
mod error_body;
pub mod gate;
pub mod heir;
pub mod room;
pub mod routes;
mod watched;

pub use answer::Answer;
pub use connection::serve_listener;
pub use drain::{Drain, LAST_WORDS, Phase};
pub use gate::closed_for_now;
pub use room::Room;
pub use routes::Service;
