//! Gradients of operators and networks, run by ONNX Runtime, against reference values.

mod common;
mod hostile;
mod networks;
mod operators;
mod rules;
