//! Targets: adding, checking, trusting, removing.

use std::path::Path;
use std::sync::Arc;

use desk_core::{Cancel, Fault, FaultKind, ProgressSink};
use desk_deploy::{Credential, KnownHosts, OfferedKey, TargetConfig, TargetConnector};
use desk_secrets::CredentialSecret;
use desk_store::{NewTarget, TargetRow};
use serde_json::{Value, json};

use crate::Desk;
use crate::command::{Command, TargetAdd, TargetTrust};
use crate::outcome::{Check, Done, Outcome, TargetView};
use crate::ports::free_port;
use crate::query::Event;
use crate::standing::unsigned;

/// Setting under which the last check of a target is remembered.
pub(crate) const LAST_CHECK: &str = "target-check/";

/// Part of it: since when what is live there has not answered.
pub(crate) const SILENT: &str = "silent";

/// What a check found that no deployment changes.
const STAYS: [&str; 3] = ["folder", "platform", "service"];

impl Desk {
    /// Refuses what must not even be kept in a job's row: settings that a target does not have, as
    /// somebody may have typed a secret there.
    pub(crate) fn precheck(&self, command: &Command) -> Result<(), Fault> {
        let Command::TargetAdd(add) = command else { return Ok(()) };
        let targets = self.0.store.list_targets()?;
        self.new_config(add, targets.iter().find(|target| target.name == add.name)).map(drop)
    }

    /// The settings that a command asks for; what it does not name stays as it was.
    fn new_config(&self, add: &TargetAdd, old: Option<&TargetRow>) -> Result<TargetConfig, Fault> {
        let folder = self.below_home("targets").join(&add.name).display().to_string();
        let Some(old) = old.filter(|_| add.replace) else {
            return Ok(TargetConfig::from_settings(&add.kind, &add.set, &folder)?);
        };
        let is = target_config(old)?;
        let kind = if add.kind.is_empty() { is.kind() } else { &add.kind };
        if kind != is.kind() {
            return Err(Fault::input(format!("{} is a target of kind {}", old.name, is.kind()))
                .hint("Remove it and add it again to change its kind"));
        }
        Ok(is.changed(&add.set)?)
    }

    pub(crate) fn target_add(&self, command: &TargetAdd) -> Result<Outcome, Fault> {
        let name: desk_core::ModelName = command.name.parse()?;
        let targets = self.0.store.list_targets()?;
        let old = targets.iter().find(|target| target.name == name.as_str());
        if old.is_some() && !command.replace {
            return Err(Fault::input(format!("there is a target {name} already")).hint("Add --replace to change it"));
        }
        if let Some(credential) = &command.credential {
            self.0.store.get_credential(credential)?;
        }
        let mut command = command.clone();
        let has_port = command.set.iter().any(|(key, _)| key == "port" || key == "serve-port");
        if old.is_none() && command.kind == "local" && !has_port {
            command.set.push(("port".into(), free_port(&targets, name.as_str())?.to_string()));
        }
        let config = self.new_config(&command, old)?;
        refuse_shared_place(&targets, name.as_str(), &config)?;
        self.refuse_own_folder(&config)?;
        let value = config_json(&config)?;
        match old {
            None => {
                let new = NewTarget {
                    name: name.to_string(),
                    kind: config.kind().to_owned(),
                    config: value,
                    credential: command.credential.clone(),
                };
                self.0.store.add_target(&new)?;
                let chosen = (config.kind() == "local" && !has_port).then(|| config.serve_port());
                self.note_port(name.as_str(), chosen)?;
            }
            Some(old) => {
                self.refuse_move_of_live(old, &config)?;
                let credential = command.credential.as_deref().or(old.credential.as_deref());
                self.0.store.update_target(name.as_str(), &value, credential)?;
                if has_port {
                    self.note_port(name.as_str(), None)?;
                }
                if host(&old.config) != host(&value) {
                    // The recorded key belongs to the other machine.
                    self.0.store.set_known_host(name.as_str(), None)?;
                }
                // What was found at the former place says nothing of this one.
                self.0.store.set_setting(&format!("{LAST_CHECK}{name}"), None)?;
                self.note_other(name.as_str(), None)?;
            }
        }
        Ok(Outcome::Target(Box::new(self.target_view(&self.0.store.get_target(name.as_str())?)?)))
    }

    /// A target on this computer writes into its folder and clears it: that is none of the home's own.
    fn refuse_own_folder(&self, config: &TargetConfig) -> Result<(), Fault> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_missing| path.to_path_buf());
        let (folder, home) = (real(Path::new(config.folder())), real(self.home()));
        let (of_targets, is_local) = (home.join("targets"), config.kind() == "local");
        let below = folder.starts_with(&of_targets) && folder != of_targets;
        if is_local && !below && (folder.starts_with(&home) || home.starts_with(&folder)) {
            return Err(Fault::input(format!("Modeldesk keeps its own files in {}", folder.display()))
                .hint("Leave the folder out, or name one of its own: --set folder=…"));
        }
        Ok(())
    }

    /// A server that is live somewhere must not be forgotten there.
    fn refuse_move_of_live(&self, old: &TargetRow, config: &TargetConfig) -> Result<(), Fault> {
        let was = target_config(old)?;
        let live = self.target_view(old)?.live;
        let moved =
            (was.folder(), was.serve_port(), was.address()) != (config.folder(), config.serve_port(), config.address());
        // Where a rollout was interrupted it is to be ended: elsewhere it would be undone where nothing was done.
        if let Some(doing) = self.under_way(&old.name)?.filter(|_| moved) {
            return Err(Fault::input(format!("what {} serves is open: {doing}", old.name)).hint(format!(
                "See it through where it is, or whether it has ended: modeldesk target check {}",
                old.name
            )));
        }
        match live.first() {
            Some((model, version)) if moved => {
                Err(Fault::input(format!("{} serves {model} v{version} where it is now", old.name))
                    .hint("Add a second target for the new place; folder, port and host of one that serves stay"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn target_check(
        &self,
        name: &str,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        cancel.check()?;
        let row = self.0.store.get_target(name)?;
        let (connector, hosts) = self.connector(&row)?;
        let serve = self.0.options.serve_binary().ok();
        let mut report = desk_deploy::check(&connector, serve.as_deref());
        if report.reachable
            && let Some(rollout) = self.check_rollouts(name, progress)?
        {
            // What was ended may have changed what was looked at.
            report = desk_deploy::check(&connector, serve.as_deref());
            report.checks.push(rollout);
        }
        if let Some(login) = report.checks.first_mut().filter(|item| item.ok && row.credential.is_none())
            && config_is_ssh(&connector)
        {
            login.detail = format!("{}, with a key of the SSH agent", login.detail);
        }
        let mut checks: Vec<Check> = report
            .checks
            .into_iter()
            .map(|item| Check { name: item.name, ok: item.ok, detail: item.detail, hint: item.hint })
            .collect();
        if report.reachable {
            if let Some(port) = checks.iter_mut().find(|check| check.name == "port" && !check.ok)
                && self.has_lost_port(&row)?
            {
                port.ok = true;
                port.hint = Some("Nobody has named this port: the next deployment takes another one".to_owned());
            }
            if let Some(standing) = &report.standing {
                for found in [self.not_ours(name, standing), self.should_serve(&row, standing)?].into_iter().flatten() {
                    // One that could not be asked has said why.
                    if let Some(place) = checks.iter_mut().find(|check| check.name == found.name && check.ok) {
                        *place = found;
                    }
                }
                self.note_standing(name, standing)?;
            }
        }
        let offered = hosts.offered();
        let silent = if report.silent { self.silent_since(name)? } else { None };
        let changed = self.known_silent(name)? != silent;
        // Of a key in the place of a trusted one the check says more than this.
        if let (None, Some(key), Some(first)) = (&row.known_host, &offered, checks.first_mut()) {
            first.detail =
                format!("{} offers a {} host key that is not trusted yet", connector.config().address(), key.algorithm);
            first.hint =
                Some(format!("Compare the fingerprint {} with the machine's own, then trust it", key.fingerprint));
        }
        let kept = json!({
            "at": self.0.store.now(), "reachable": report.reachable, "checks": checks,
            "capabilities": report.capabilities, "offered": offered.as_ref().map(|key| &key.fingerprint),
            "fault": report.fault, "ending": report.standing.and_then(|standing| standing.ending),
            SILENT: silent,
        });
        self.0.store.set_setting(&format!("{LAST_CHECK}{name}"), Some(&kept))?;
        if changed {
            // It is a part of what the deployments there say.
            self.0.board.emit(&Event::Deployments);
        }
        Ok(Outcome::Target(Box::new(self.target_view(&row)?)))
    }

    /// Since when what should be live there has not answered: the check before this one may have found that already.
    fn silent_since(&self, target: &str) -> Result<Option<String>, Fault> {
        if self.live_on(target)?.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.known_silent(target)?.unwrap_or_else(|| self.0.store.now().to_string())))
    }

    /// The same as the last check has it.
    pub(crate) fn known_silent(&self, target: &str) -> Result<Option<String>, Fault> {
        let last = self.0.store.setting(&format!("{LAST_CHECK}{target}"))?;
        Ok(last.and_then(|last| last.get(SILENT)?.as_str().map(str::to_owned)))
    }

    /// What serves there and is not known to be this desk's, though this one may believe it.
    fn not_ours(&self, name: &str, standing: &desk_deploy::Standing) -> Option<Check> {
        let detail = match (&standing.lost, &standing.current) {
            (Some(lost), _) if !self.is_by_me(lost.by.as_deref()) => format!("{lost}, and {}", lost.whose()),
            (None, Some(current)) if standing.deployed_by.is_none() => unsigned(current),
            _ => return None,
        };
        let hint = Some(format!(
            "Where other desks deploy here, ask them first; modeldesk deploy and undeploy {name} take its place or end it \
             only with --replace-other"
        ));
        Some(Check { name: "server".to_owned(), ok: false, detail, hint })
    }

    /// What is wrong when the target serves something else than was deployed last, or nothing.
    fn should_serve(&self, row: &TargetRow, standing: &desk_deploy::Standing) -> Result<Option<Check>, Fault> {
        let (live, serving) = (self.live_on(&row.name)?, standing.serving.as_deref());
        let taken = self.taken_by_other(standing);
        if !taken && live.iter().any(|live| serving == Some(live.version.hex().as_str())) {
            return Ok(None);
        }
        let Some(live) = live.first() else { return Ok(None) };
        let version = format!("{}@{}", live.model, live.number);
        let is = match (serving, &standing.deployed_by) {
            (None, _) if standing.lost.is_some() => return Ok(None),
            (None, _) => "no server runs".to_owned(),
            (Some(other), Some(by)) => format!("version {} serves, {by}", &other[..other.len().min(12)]),
            (Some(other), None) => format!("version {} serves", &other[..other.len().min(12)]),
        };
        let detail = format!("{version} was live here as far as this desk knows, and {is}");
        let flag = if taken { " --replace-other" } else { "" };
        let hint = Some(format!("Deploy it again: modeldesk deploy {version} --to {}{flag}", row.name));
        Ok(Some(Check { name: "server".to_owned(), ok: false, detail, hint }))
    }

    /// Records the host key that the machine offers now, if it has this fingerprint.
    pub(crate) fn target_trust(&self, command: &TargetTrust, cancel: &Cancel) -> Result<Outcome, Fault> {
        let row = self.0.store.get_target(&command.name)?;
        let config = target_config(&row)?;
        if config.kind() != "ssh" {
            return Err(Fault::input(format!("{} is not reached by SSH, so it has no host key", row.name)));
        }
        let key = Self::offered_key(&row)?;
        if key.fingerprint.trim_end_matches('=') != command.fingerprint.trim_end_matches('=') {
            return Err(Fault::new(FaultKind::Policy, format!("{} offers another host key", config.address()))
                .detail(format!("offered  {}", key.fingerprint))
                .detail(format!("expected {}", command.fingerprint))
                .hint("Do not continue before you know why: another machine may be answering"));
        }
        self.0.store.set_known_host(&row.name, Some(&key.public_key))?;
        let row = self.0.store.get_target(&row.name)?;
        if self.is_locked_out(&row) {
            // Trusting needs no secret; whether the login works is seen when one is given.
            return self.note_trusted(&row, &key.fingerprint);
        }
        self.target_check(&row.name, cancel, &desk_core::NoProgress)
    }

    fn note_trusted(&self, row: &TargetRow, fingerprint: &str) -> Result<Outcome, Fault> {
        let note = |name: &str, detail: String, hint| Check { name: name.to_owned(), ok: true, detail, hint };
        let checks = [
            note("host key", format!("{fingerprint} is trusted"), None),
            note(
                "login",
                "not tried, as the encrypted file of secrets is locked".to_owned(),
                Some(format!("To try it: modeldesk target check {}", row.name)),
            ),
        ];
        let kept = json!({ "at": self.0.store.now(), "checks": checks });
        self.0.store.set_setting(&format!("{LAST_CHECK}{}", row.name), Some(&kept))?;
        Ok(Outcome::Target(Box::new(self.target_view(row)?)))
    }

    /// Takes into the last check of a target what was done there since: it answers, and what its server does. What that
    /// may have changed besides is no longer told. On a target that nobody has checked this is the first check.
    pub(crate) fn note_worked(&self, target: &str, server: &str) -> Result<(), Fault> {
        let setting = format!("{LAST_CHECK}{target}");
        let mut kept = self.0.store.setting(&setting)?.unwrap_or_else(|| json!({}));
        let before: Vec<Check> = from_value(kept.get("checks").cloned());
        let good = |name: &str, detail: &str| Check { name: name.into(), ok: true, detail: detail.into(), hint: None };
        let mut checks = vec![good("login", "worked")];
        checks.extend(before.into_iter().filter(|check| check.ok && STAYS.contains(&check.name.as_str())));
        checks.push(good("server", server));
        for (key, value) in [
            ("at", json!(self.0.store.now())),
            ("reachable", json!(true)),
            ("checks", json!(checks)),
            ("offered", Value::Null),
            ("fault", Value::Null),
            ("ending", Value::Null),
            (SILENT, Value::Null),
        ] {
            kept[key] = value;
        }
        Ok(self.0.store.set_setting(&setting, Some(&kept)).map(drop)?)
    }

    /// What was known of a target's server holds no longer: nobody reaches it, or it was stopped by somebody else.
    pub(crate) fn note_gone(&self, target: &str) -> Result<(), Fault> {
        self.note_other(target, None)?;
        let setting = format!("{LAST_CHECK}{target}");
        if let Some(mut kept) = self.0.store.setting(&setting)? {
            let mut checks: Vec<Check> = from_value(kept.get("checks").cloned());
            checks.retain(|check| STAYS.contains(&check.name.as_str()));
            kept["checks"] = json!(checks);
            for key in ["reachable", "fault", "ending", SILENT] {
                kept[key] = Value::Null;
            }
            self.0.store.set_setting(&setting, Some(&kept))?;
        }
        Ok(())
    }

    /// Ends what a killed desk left on a target that can be reached; `None` when there is nothing.
    fn check_rollouts(
        &self,
        target: &str,
        progress: &dyn ProgressSink,
    ) -> Result<Option<desk_deploy::CheckItem>, Fault> {
        let open = self.0.store.open_deployments()?;
        if !open.iter().any(|row| row.target == target && self.is_interrupted(row)) {
            return Ok(None);
        }
        // Somebody of this process is at it.
        let Ok(_working) = self.begin_work(target) else { return Ok(None) };
        let item = |ok, detail: String, hint| desk_deploy::CheckItem { name: "rollout".into(), ok, detail, hint };
        Ok(Some(match self.recover_target(target, progress) {
            Ok(()) => item(true, "an interrupted one was brought to its end".into(), None),
            Err(fault) => item(false, fault.message, fault.hints.into_iter().next()),
        }))
    }

    /// Asks the machine for its host key, trusting nothing: it is refused before anybody logs in.
    fn offered_key(row: &TargetRow) -> Result<OfferedKey, Fault> {
        let hosts = Arc::new(KnownHosts::new());
        let connector = TargetConnector::new(target_config(row)?, Some(Credential::Agent), hosts.clone())?;
        let report = desk_deploy::check(&connector, None);
        hosts.offered().ok_or_else(|| {
            report.fault.unwrap_or_else(|| {
                Fault::new(FaultKind::Target, format!("{} offered no host key", connector.config().address()))
            })
        })
    }

    pub(crate) fn target_remove(&self, name: &str) -> Result<Outcome, Fault> {
        self.note_stopped(name)?;
        if let Some(doing) = self.under_way(name)? {
            return Err(Fault::input(format!("what {name} serves is open: {doing}"))
                .hint(format!("See it through, or whether it has ended: modeldesk target check {name}")));
        }
        self.0.store.remove_target(name)?;
        self.note_other(name, None)?;
        self.note_port(name, None)?;
        // Another machine may get the name.
        self.0.store.set_setting(&format!("{LAST_CHECK}{name}"), None)?;
        Ok(Outcome::Done(Done {
            message: format!("Target {name} was removed from the list; nothing on it was touched"),
            undo: None,
        }))
    }

    /// Targets by name.
    pub fn targets(&self) -> Result<Vec<TargetView>, Fault> {
        self.0.store.list_targets()?.iter().map(|row| self.target_view(row)).collect()
    }

    /// One target.
    pub fn target(&self, name: &str) -> Result<TargetView, Fault> {
        self.target_view(&self.0.store.get_target(name)?)
    }

    fn target_view(&self, row: &TargetRow) -> Result<TargetView, Fault> {
        let config = target_config(row)?;
        let last = self.0.store.setting(&format!("{LAST_CHECK}{}", row.name))?;
        let part = |name: &str| last.as_ref().and_then(|last| last.get(name)).cloned();
        let live = self.live_on(&row.name)?;
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        let trusted_key = row.known_host.as_deref().map(desk_deploy::fingerprint);
        Ok(TargetView {
            name: row.name.clone(),
            kind: config.kind().to_owned(),
            address: config.address(),
            config: config.settings(),
            credential: row.credential.clone(),
            offered_key: text(part("offered")).filter(|key| Some(key) != trusted_key.as_ref()),
            trusted_key,
            capabilities: from_value(part("capabilities")),
            reachable: part("reachable").and_then(|value| value.as_bool()),
            checked_at: text(part("at")),
            checks: from_value(part("checks")),
            not_answering_since: if live.is_empty() { None } else { text(part(SILENT)) },
            live: live.into_iter().map(|row| (row.model.to_string(), row.number)).collect(),
            under_way: match self.under_way(&row.name)? {
                None => text(part("ending")).filter(|_| self.is_recent(text(part("at")).as_deref())),
                under_way => under_way,
            },
            fault: part("fault").and_then(|fault| serde_json::from_value(fault).ok()),
        })
    }

    /// A connector to a target, with its credential and the host key that is trusted.
    pub(crate) fn connector(&self, row: &TargetRow) -> Result<(TargetConnector, Arc<KnownHosts>), Fault> {
        let config = target_config(row)?;
        let mut hosts = KnownHosts::new().of(&row.name);
        if let (TargetConfig::Ssh { host, port, .. }, Some(key)) = (&config, &row.known_host) {
            hosts = hosts.with(host, *port, key);
        }
        let hosts = Arc::new(hosts);
        let credential = self.target_credential(row)?;
        Ok((TargetConnector::new(config, credential, hosts.clone())?, hosts))
    }

    fn target_credential(&self, row: &TargetRow) -> Result<Option<Credential>, Fault> {
        // Without a credential the agent is asked, as ssh does; a local target needs neither.
        let Some(name) = &row.credential else { return Ok(Some(Credential::Agent)) };
        Ok(Some(match self.credential_secret(name)? {
            CredentialSecret::SshKey { private_key, passphrase } => Credential::Key {
                private_key: private_key.expose().into(),
                passphrase: passphrase.map(|secret| secret.expose().into()),
            },
            CredentialSecret::Password(secret) => Credential::Password(secret.expose().into()),
            CredentialSecret::Agent => Credential::Agent,
            CredentialSecret::Token(_) => {
                return Err(Fault::input(format!("credential {name} is a token, which SSH does not use"))
                    .hint("Give the target a credential of kind ssh-key, password or agent"));
            }
        }))
    }
}

fn config_is_ssh(connector: &TargetConnector) -> bool {
    connector.config().kind() == "ssh"
}

/// Two targets in one folder, or on one port, would break each other.
fn refuse_shared_place(targets: &[TargetRow], name: &str, config: &TargetConfig) -> Result<(), Fault> {
    for other in targets.iter().filter(|other| other.name != name) {
        // One whose settings cannot be read does not keep others from being added.
        let Ok(settings) = target_config(other) else { continue };
        if let Some(shared) = config.collides_with(&settings) {
            return Err(Fault::input(format!("the target {} has {shared} already", other.name))
                .hint(format!(
                    "Give this one a folder and a port of its own: --set folder=… --set {}=…",
                    if config.kind() == "local" { "port" } else { "serve-port" }
                ))
                .hint(format!("Or use {} as it is: one target serves one model", other.name)));
        }
    }
    Ok(())
}

/// The settings of a target's row.
pub(crate) fn target_config(row: &TargetRow) -> Result<TargetConfig, Fault> {
    serde_json::from_value(row.config.clone()).map_err(|error| {
        Fault::input(format!("the settings of target {} cannot be read", row.name)).detail(error.to_string())
    })
}

pub(crate) fn config_json(config: &TargetConfig) -> Result<Value, Fault> {
    serde_json::to_value(config)
        .map_err(|error| Fault::bug("settings cannot be written as JSON").detail(error.to_string()))
}

fn host(config: &Value) -> (Option<&Value>, Option<&Value>) {
    (config.get("host"), config.get("port").filter(|_| config.get("host").is_some()))
}

fn from_value<T: serde::de::DeserializeOwned + Default>(value: Option<Value>) -> T {
    value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}
