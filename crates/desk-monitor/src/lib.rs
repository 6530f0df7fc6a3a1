//! desk-monitor
