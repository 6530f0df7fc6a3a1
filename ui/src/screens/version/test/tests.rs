//! Pictures and behaviour of the tab.
