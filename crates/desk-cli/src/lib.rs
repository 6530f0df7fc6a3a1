//! desk-cli
