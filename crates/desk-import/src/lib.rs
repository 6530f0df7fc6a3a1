//! desk-import
