//! desk-explain
