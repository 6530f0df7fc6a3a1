//! The backward graph of an ONNX model, built as another ONNX model.
//!
//! A file that somebody trained elsewhere has no gradients in it. [`build`] walks its graph from one
//! output back to the inputs, puts the derivative of each operator behind it, and gives the bytes of
//! a model that answers the output and, for a seed of the output's shape, the gradient of
//! `sum(seed * output)` with respect to each input that holds numbers. Rows of a batch stay
//! independent, so one run gives the gradients of many rows, of whatever class each seed chooses.
//! Any runtime that knows ONNX runs it, on the device of the model itself.
//!
//! Beside the gradient itself [`Through`] has the rules that change it at nonlinearities: guided backpropagation,
//! epsilon-LRP, DeepLIFT; and Grad-CAM, which ends at a layer.
//!
//! [`covered`] is the table of operators; every other one that lies between the inputs and the
//! output is refused, all of them by name at once.
//!
//! Architecture invariant: models are described and checked by `desk-import` before a byte of them
//! is decoded here; nothing is executed.

mod attributes;
mod build;
mod cam;
mod constants;
mod error;
mod net;
mod proto;
mod rules;
mod shapes;
mod source;
mod tape;
mod target;
mod through;
mod twin;
mod upgrade;

pub use build::{Gradient, GradientOf, Reference, Wanted, build};
pub use error::GradError;
pub use rules::{Covered, covered, uncovered};
pub use target::{Column, Side};
pub use through::Through;
