//! desk-jobs
