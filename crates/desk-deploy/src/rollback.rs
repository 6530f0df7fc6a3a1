//! Going back to a version that is on the target already, with the same proof.

use desk_core::{Cancel, Fault, ProgressSink};

use crate::journal::Journal;
use crate::remote::Connector;
use crate::rollout::{Outcome, Plan, run_on_target};

/// Rolls the target back to `plan.digest`, whose files are there: staged, proven against the golden
/// rows that travelled with it, switched to and verified, exactly like a rollout without an upload.
///
/// # Errors
///
/// When the version is not whole on the target any more, or as [`crate::rollout::run`].
pub fn run(
    plan: &Plan,
    connector: &dyn Connector,
    journal: &mut dyn Journal,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Outcome, Fault> {
    run_on_target(plan, connector, journal, cancel, progress)
}
