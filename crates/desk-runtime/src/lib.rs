//! ONNX Runtime for Modeldesk: finding the library, opening sessions, running them, and proving
//! where the work was done.
//!
//! Architecture invariant: this is the only crate that knows `ort`. It belongs in worker processes
//! and in the model server, never in a window: native code that crashes takes its process along.
//!
//! ```no_run
//! use desk_core::Cancel;
//! use desk_runtime::{Engine, SessionSpec, locate, make_golden_inputs};
//!
//! let engine = Engine::load(&locate::library(None)?)?;
//! let mut session = engine.session(&SessionSpec::new("model.onnx"))?;
//! let inputs = make_golden_inputs(session.signature(), 3, 7)?;
//! let outputs = session.run(inputs, &Cancel::new())?;
//! # Ok::<(), desk_runtime::RuntimeError>(())
//! ```

mod check;
mod convert;
pub mod device;
pub mod engine;
pub mod error;
pub mod golden;
pub mod latency;
mod library;
pub mod locate;
mod placement;
pub mod pool;
mod provider;
pub mod refusal;
pub mod session;
mod signature;
mod watcher;

pub use device::Device;
pub use engine::{Engine, TELEMETRY_SWITCH};
pub use error::{NOT_LOADED, RuntimeError};
pub use golden::{make_golden_inputs, make_golden_inputs_from};
pub use latency::{Latencies, Latency, Percentile};
pub use pool::{PooledSession, SessionPool};
pub use session::{ModelSession, Optimisation, SessionSpec};
