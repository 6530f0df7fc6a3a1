//! A choice that the store keeps for the next time.

use desk_core::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::background::{Background, Pending, Slot, Topic};

/// A choice under its key. Until the store has answered it is not known.
pub struct Kept<T> {
    key: String,
    stored: Slot<(), T>,
    /// Read from the store, or chosen here; none before either.
    chosen: Option<T>,
    unsaved: bool,
    saving: Pending<()>,
}

impl<T> Kept<T>
where
    T: Clone + Default + PartialEq + Serialize + DeserializeOwned + Send + 'static,
{
    /// The choice that is kept under this key.
    pub fn new(key: impl Into<String>) -> Self {
        let (stored, saving) = (Slot::default(), Pending::default());
        Self { key: key.into(), stored, chosen: None, unsaved: false, saving }
    }

    /// Reads what was chosen before, and keeps what is chosen now unless it is still being changed (`held`); true once
    /// it is known. Call once a frame.
    pub fn poll(&mut self, background: &Background, held: bool) -> bool {
        if self.chosen.is_none() {
            let key = self.key.clone();
            let stored = self.stored.ensure(background, (), Topic::Fixed, move |desk| {
                Ok(desk.setting(&key)?.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
            });
            if stored.is_settled() {
                self.chosen = Some(stored.value().cloned().unwrap_or_default());
            }
        }
        if let Some(Err(fault)) = self.saving.take() {
            tracing::warn!("{} was not kept: {}", self.key, fault.message);
        }
        if self.unsaved && !held && !self.saving.is_running() {
            self.unsaved = false;
            let (key, chosen) = (self.key.clone(), self.get());
            self.saving.start(background, move |desk| {
                let value = serde_json::to_value(chosen).map_err(|error| Fault::bug(error.to_string()))?;
                desk.set_setting(&key, &value)
            });
            // The queue was full: once more with the next frame.
            self.unsaved = !self.saving.is_running();
        }
        self.chosen.is_some()
    }

    /// The choice as it is.
    pub fn get(&self) -> T {
        self.chosen.clone().unwrap_or_default()
    }

    /// Changes it.
    pub fn change(&mut self, change: impl FnOnce(&mut T)) {
        let chosen = self.chosen.get_or_insert_default();
        let before = chosen.clone();
        change(chosen);
        self.unsaved |= *chosen != before;
    }
}
