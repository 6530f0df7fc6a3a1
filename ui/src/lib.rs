//! modeldesk-workbench
