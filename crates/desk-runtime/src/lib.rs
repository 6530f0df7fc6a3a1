//! desk-runtime
