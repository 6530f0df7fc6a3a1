//! The Open Inference Protocol, version 2 (REST): requests into tensors, tensors into responses.
//!
//! Specification: <https://github.com/kserve/open-inference-protocol>, with its binary tensor data
//! extension. Nothing here knows HTTP or a runtime.

pub mod binary;
pub mod datatype;
pub mod flat;
pub mod json;
pub mod metadata;
pub mod request;
pub mod response;
pub mod unknown;

pub use datatype::DataType;
pub use metadata::{model_metadata, server_metadata};
pub use request::{InferRequest, RequestLimits, parse, sizes_that_differ};
pub use response::{Encoded, encode};
pub use unknown::unknown_category;

/// Names the length of the JSON part when tensors follow it as bytes.
pub const BINARY_HEADER: &str = "inference-header-content-length";

/// What is wrong with a request, as one sentence for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProtocolError(pub String);

/// Shorthand for an error from a format string.
macro_rules! refuse {
    ($($arg:tt)*) => { $crate::protocol::ProtocolError(format!($($arg)*)) };
}
pub(crate) use refuse;
