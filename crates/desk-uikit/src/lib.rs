//! desk-uikit
