//! Whether what is live on this computer still runs, looked at without being asked, as after a restart.

use desk_core::Fault;
use desk_store::TargetRow;
use serde_json::json;

use crate::Desk;
use crate::query::Event;
use crate::targets::{LAST_CHECK, SILENT};

impl Desk {
    /// Looks whether the servers that this desk has on its own computer still run, and keeps since when one does not.
    ///
    /// Only processes are looked for. Other machines are asked by a check alone: that needs the network and a secret.
    /// What cannot be looked at stays as it is known.
    pub fn look_at_local(&self) {
        let changed = self.0.store.list_targets().map_err(Fault::from).and_then(|rows| {
            rows.iter()
                .filter(|row| row.kind == "local")
                .try_fold(false, |changed, row| Ok(changed | self.note_whether_it_runs(row)?))
        });
        match changed {
            Ok(true) => self.0.board.emit(&Event::Deployments),
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "what is live on this computer was not looked at"),
        }
    }

    /// True when what is known of the target has changed.
    fn note_whether_it_runs(&self, row: &TargetRow) -> Result<bool, Fault> {
        if self.live_on(&row.name)?.is_empty() || self.is_worked_on(&row.name)? {
            return Ok(false);
        }
        let (connector, _) = self.connector(row)?;
        let runs = desk_deploy::runs(&connector)?;
        // What was begun meanwhile knows better.
        if runs == self.known_silent(&row.name)?.is_none() || self.is_worked_on(&row.name)? {
            return Ok(false);
        }
        let setting = format!("{LAST_CHECK}{}", row.name);
        let mut kept = self.0.store.setting(&setting)?.unwrap_or_else(|| json!({}));
        kept[SILENT] = if runs { serde_json::Value::Null } else { json!(self.0.store.now()) };
        self.0.store.set_setting(&setting, Some(&kept))?;
        Ok(true)
    }

    /// Somebody is at work on a target, here or in another process.
    fn is_worked_on(&self, target: &str) -> Result<bool, Fault> {
        Ok(self.0.rollouts.lock().contains(target) || self.under_way(target)?.is_some())
    }
}
