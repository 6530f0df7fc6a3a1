//! From a target's settings and a credential to a connection.

use std::sync::Arc;

use desk_core::Fault;

use crate::credential::Credential;
use crate::error::{DeployError, Result};
use crate::hostkey::HostKeyPolicy;
use crate::local::LocalRemote;
use crate::remote::{Connector, Remote};
use crate::ssh::SshRemote;
use crate::target::TargetConfig;

/// Connects to a configured target.
pub struct TargetConnector {
    config: TargetConfig,
    credential: Option<Credential>,
    host_keys: Arc<dyn HostKeyPolicy>,
}

impl TargetConnector {
    /// Checks the settings; does not connect yet. `local` targets need no credential.
    pub fn new(
        config: TargetConfig,
        credential: Option<Credential>,
        host_keys: Arc<dyn HostKeyPolicy>,
    ) -> Result<Self, Fault> {
        config.validate()?;
        if matches!(config, TargetConfig::Ssh { .. }) && credential.is_none() {
            return Err(DeployError::NoCredential(config.address()).into());
        }
        Ok(Self { config, credential, host_keys })
    }

    /// The settings.
    pub fn config(&self) -> &TargetConfig {
        &self.config
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Remote>> {
        match (&self.config, &self.credential) {
            (TargetConfig::Local { folder, .. }, _) => Ok(Box::new(LocalRemote::open(folder)?)),
            (TargetConfig::Ssh { .. }, Some(credential)) => {
                Ok(Box::new(SshRemote::connect(&self.config, credential, &self.host_keys)?))
            }
            (TargetConfig::Ssh { .. }, None) => Err(DeployError::NoCredential(self.config.address())),
        }
    }
}

impl Connector for TargetConnector {
    fn connect(&self) -> Result<Box<dyn Remote>, Fault> {
        Ok(self.open()?)
    }

    fn serve_port(&self) -> u16 {
        self.config.serve_port()
    }

    fn address(&self) -> String {
        self.config.address()
    }

    fn tunnel_command(&self) -> Option<String> {
        self.config.tunnel_command()
    }
}
