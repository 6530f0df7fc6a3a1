//! Design tokens, fonts, icons and components of the window; knows egui, knows nothing of models.
//!
//! Call [`install`] once per [`egui::Context`]; afterwards [`Tokens::of`] gives the colours of the
//! theme in use. Every component is one file with its picture test in both themes.

pub mod badge;
pub mod button;
pub mod card;
pub mod chip;
pub mod code;
pub mod contrast;
pub mod dag;
pub mod empty;
pub mod error;
pub mod field;
pub mod fonts;
pub mod format;
pub mod gallery;
pub mod icon;
pub mod kv;
pub mod loadable;
pub mod metric;
pub mod modal;
pub mod paint;
pub mod palette;
pub mod plot;
pub mod progress;
pub mod row;
pub mod table;
pub mod tabs;
pub mod text;
pub mod theme;
pub mod toast;
pub mod tokens;

pub use badge::{Badge, Tone};
pub use button::Button;
pub use card::Card;
pub use chip::{Chip, ChipAction};
pub use empty::EmptyState;
pub use error::{ErrorText, error_view};
pub use icon::Icon;
pub use loadable::{Loadable, loadable_view};
pub use metric::Metric;
pub use row::Row;
pub use tabs::Tabs;
pub use theme::{Appearance, ThemeChoice, install};
pub use tokens::Tokens;
