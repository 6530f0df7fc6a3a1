//! desk-data
