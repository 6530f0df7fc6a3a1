//! Targets, packages, rollouts and rollback: a version reaches a target, is proven there, and only
//! then serves.
//!
//! - [`TargetConfig`], [`Credential`], [`HostKeyPolicy`]: where to, with which secret, and is it the
//!   machine that was meant. [`TargetConnector`] makes connections from them.
//! - [`check()`]: what works on a target.
//! - [`rollout`], [`rollback`], [`undeploy`]: journals of steps; [`rollout::recover`] ends what a crash left.
//! - [`oip`]: a client of the Open Inference Protocol.
//!
//! Architecture invariant: this crate knows no store, no window and no keyring; secrets are handed
//! to it and never written anywhere.

mod check;
mod connect;
mod credential;
mod desk_name;
pub mod error;
mod example;
pub mod faults;
mod fence;
mod hostkey;
mod journal;
pub mod layout;
mod local;
mod lock;
pub mod oip;
mod orphan;
mod package;
pub mod remote;
pub mod rollback;
pub mod rollout;
mod serve;
mod ssh;
mod target;
#[doc(hidden)]
pub mod testing;
pub mod undeploy;

pub use check::{CheckItem, CheckReport, Lost, Standing, check, runs, standing};
pub use connect::TargetConnector;
pub use credential::Credential;
pub use desk_name::{desk_name, same_desk};
pub use error::DeployError;
pub use example::example;
pub use hostkey::{Decision, HostKeyPolicy, KnownHosts, OfferedKey, fingerprint};
pub use journal::{FileJournal, Journal, JournalEntry, MemoryJournal};
pub use local::{LocalRemote, server_environment};
pub use package::{Package, Unprovable};
pub use remote::{Connector, Remote};
pub use rollout::{DeployedBy, Outcome, Permissions, Plan, Step, StepReport};
pub use serve::{Revision, ServeSettings, ServeStatus, is_serving, server_status, stop_server};
pub use ssh::{SshRemote, check_key, key_is_encrypted};
pub use target::{DEFAULT_SERVE_PORT, TargetConfig};
