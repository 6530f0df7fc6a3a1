//! modeldesk-tests
