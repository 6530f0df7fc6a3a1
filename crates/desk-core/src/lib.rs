//! The words of Modeldesk: ids, domain types, errors, progress and the traits that crates share.
//!
//! Architecture invariant: this crate does no I/O and depends on no other crate of the workspace.

pub mod cancel;
pub mod digest;
pub mod fault;
pub mod golden;
pub mod graph;
pub mod graph_path;
pub mod ids;
pub mod linear;
pub mod model;
pub mod predictor;
pub mod progress;
pub mod signature;
pub mod state;
pub mod tensor;
pub mod trees;
pub mod weights;
pub mod words;

pub use cancel::Cancel;
pub use digest::Digest;
pub use fault::{Diagnose, Fault, FaultKind, Said};
pub use golden::{GoldenRows, GoldenSource, Parity, Tolerance};
pub use graph::{GraphAttribute, GraphNode, GraphTensor, ModelGraph};
pub use graph_path::{GraphPath, GraphStep, NoGraphPath};
pub use ids::{ModelName, Selector, VersionRef};
pub use model::{
    Description, FileEntry, Finding, KnownCategories, Manifest, ModelFamily, ModelFormat, OperatorUse, Severity,
};
pub use predictor::Predictor;
pub use progress::{NoProgress, Progress, ProgressSink};
pub use signature::{Dim, ElementType, Signature, SignatureChange, ValueInfo, ValueType};
pub use tensor::{NamedTensor, Tensor, TensorData};
pub use weights::{NumberFacts, TensorFacts, TensorPlace};
pub use words::counted;
