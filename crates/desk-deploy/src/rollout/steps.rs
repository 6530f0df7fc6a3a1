//! What each step does.

use desk_core::{Cancel, Manifest};

use super::proof::{Expected, Line, port_of};
use super::standing::{self, DeployedBy};
use super::{Before, Cargo, Run, Step, StepDone, upload};
use crate::desk_name::same_desk;
use crate::error::{DeployError, Result};
use crate::layout;
use crate::orphan;
use crate::package::binary_platform;
use crate::remote::{Exec, Remote};
use crate::serve::{ServeSettings, ServeStatus, Server, Started, no_program};
use crate::target::MAX_ROOT_LEN;

/// Versions in the order in which they went live, newest last; kept on the target.
const HISTORY: &str = "run/history.json";

impl Run<'_> {
    pub(super) fn perform(&mut self, step: Step) -> Result<StepDone> {
        match step {
            Step::Check => self.check(),
            Step::Upload => self.upload(),
            Step::Start => self.start_server(),
            Step::Stage => self.stage(),
            Step::Health => self.health(),
            Step::Prove => self.prove(),
            Step::Switch => self.switch(),
            Step::Verify => self.verify(),
            Step::Tidy => self.tidy(),
        }
    }

    fn server(&self) -> Result<Server<'_>> {
        Ok(Server(self.remote()?))
    }

    fn hex(&self) -> String {
        self.plan().digest.hex()
    }

    /// The version is the live one already, and answers: nothing to stage and nothing to switch.
    fn already_live(&self) -> bool {
        let before = self.replay.before.as_ref().filter(|before| before.ready && before.orphan.is_none());
        before.and_then(|before| before.live.as_ref()).is_some_and(|live| *live == self.hex())
    }

    fn expected(&self) -> Result<&Expected> {
        self.expected.as_ref().ok_or_else(|| DeployError::Package("it has no golden rows".to_owned()))
    }

    fn check(&mut self) -> Result<StepDone> {
        let remote = self.remote()?;
        if remote.root().len() > MAX_ROOT_LEN {
            return Err(DeployError::FarState {
                problem: format!("the target's folder is longer than {MAX_ROOT_LEN} characters: {}", remote.root()),
                hint: "Choose a shorter path: the control socket must fit below it".to_owned(),
            });
        }
        if let Cargo::Package(package) = self.cargo {
            check_platform(remote, binary_platform(&package.serve_binary)?)?;
        }
        // Where nothing of ours is yet, what would be refused must not leave our folders there.
        if remote.stat("run")?.is_none() {
            self.look_around()?;
        }
        for folder in ["bin", "lib", layout::VERSIONS, "run"] {
            remote.make_dirs(folder)?;
        }
        let taken = self.hold.take(remote, self.cancel)?;
        let mut looked = self.look_around()?;
        if let (Some(from), Some(note)) = (taken, &mut looked.note) {
            *note = format!("{note}; {from}");
        }
        Ok(looked)
    }

    /// How the far side is, and that nothing there speaks against this rollout. Changes nothing.
    fn look_around(&self) -> Result<StepDone> {
        let remote = self.remote()?;
        let before = look(remote, &self.hex())?;
        let status = self.server()?.settled_status(self.cancel)?;
        self.check_settings(&before, status.as_ref())?;
        let before = self.with_server(before, status.as_ref())?;
        self.check_port(&before, status.as_ref())?;
        let note = self.check_standing(&before)?;
        Ok(StepDone { before: Some(before), ..StepDone::note(note) })
    }

    /// What stands there is what the desk believes, and its clients can use what comes; else it is refused.
    fn check_standing(&self, before: &Before) -> Result<String> {
        let (remote, plan) = (self.remote()?, self.plan());
        if let Some(expects) = plan.expects.filter(|_| before.orphan.is_none()) {
            standing::refuse_other(remote, plan, expects, before.former())?;
        }
        let mut note = standing::describe(remote, plan, before)?;
        if let Cargo::Package(package) = self.cargo {
            self.expected()?
                .refuse_unproven(plan.permissions.allow_unproven, &format!("{}@{}", plan.model, plan.number))?;
            standing::refuse_unasked(remote, plan, before)?;
            if let Some(former) = before.former() {
                let is = &package.manifest.description.signature;
                let changes = standing::signature_changes(remote, former, is)?;
                standing::refuse_changes(plan, former, &changes)?;
                let allowed = changes.iter().map(|change| format!("; {change}, which was allowed"));
                note.extend(allowed);
            }
        }
        Ok(note)
    }

    /// A port that another program has would let the start fail, after the upload.
    fn check_port(&self, before: &Before, status: Option<&ServeStatus>) -> Result<()> {
        let (remote, port) = (self.remote()?, self.connector.serve_port());
        if status.is_some() || before.orphan.is_some() || !remote.port_in_use(port)? {
            return Ok(());
        }
        let holder = orphan::port_holder(remote, port);
        let holder = holder.map_or_else(|| "another program".to_owned(), |holder| format!("process {holder}"));
        Err(DeployError::FarState {
            problem: format!("port {port} on {} is used by {holder}", remote.address()),
            hint: "End that process, or give this target another port".to_owned(),
        })
    }

    /// What runs, added to what the files tell.
    fn with_server(&self, before: Before, status: Option<&ServeStatus>) -> Result<Before> {
        let service = self.server()?.service_is_installed()?;
        if let Some(status) = status {
            let live = status.live_version().map(str::to_owned);
            // One that is only just being started will be.
            let ready = live.is_none() || status.is_ready() || status.problem.is_none();
            return Ok(Before { running: true, service, live, ready, ..before });
        }
        // One that cannot be asked serves what was current, where that is still there to go back to.
        let orphan = self.server()?.orphan()?;
        if let Some(pid) = orphan {
            standing::refuse_lost(self.remote()?, self.plan(), pid)?;
        }
        if orphan.is_some() && matches!(self.cargo, Cargo::OnTarget) && self.remote()?.stat(layout::BINARY)?.is_none() {
            return Err(no_program(self.remote()?));
        }
        let there = match &before.current {
            Some(current) if orphan.is_some() => self.remote()?.stat(&layout::version(current))?.is_some(),
            _ => false,
        };
        let live = before.current.clone().filter(|_| there);
        Ok(Before { running: there, service, live, orphan, ready: true, ..before })
    }

    /// One folder serves one model on one port; one where everything was taken down takes any model.
    fn check_settings(&self, before: &Before, status: Option<&ServeStatus>) -> Result<()> {
        let port = self.connector.serve_port();
        let settings = before.settings.as_deref();
        let Some(found) = settings.and_then(|text| serde_json::from_str::<ServeSettings>(text).ok()) else {
            return Ok(());
        };
        let stands = before.current.is_some() || status.is_some_and(|status| status.live.is_some());
        if stands && found.model != self.plan().model.as_str() {
            let target = &self.plan().target;
            let ours = DeployedBy::last_desk(self.remote()?).is_none_or(|by| same_desk(&by, &self.plan().by));
            let flag = if ours { "" } else { " --replace-other" };
            return Err(DeployError::FarState {
                problem: format!("the folder of {target} serves model `{}` already", found.model),
                hint: format!(
                    "Add a target with another folder and port for this model, or take that one down first: \
                     modeldesk undeploy {target}{flag}"
                ),
            });
        }
        standing::refuse_other_port(&self.plan().target, status, port)
    }

    fn upload(&mut self) -> Result<StepDone> {
        let remote = self.remote()?;
        match self.cargo {
            Cargo::Package(package) => {
                let sent = upload::package(remote, package, self.cancel, self.progress)?;
                Ok(StepDone::note(sent.note()))
            }
            Cargo::OnTarget => {
                let hex = self.hex();
                let read = read_version(remote, &hex);
                let (expected, note) = match read {
                    Err(error) if error.is_far_refusal() => match self.repair(remote, &hex)? {
                        Some(sent) => (read_version(remote, &hex)?, sent.note()),
                        None => return Err(error),
                    },
                    read => (read?, "already on the target".to_owned()),
                };
                expected.refuse_unproven(self.plan().permissions.allow_unproven, &self.plan().name_of(&hex))?;
                self.expected = Some(expected);
                Ok(StepDone::note(note))
            }
        }
    }

    /// Brings what a version lacks on the target, where this computer has it; `None` when it has not.
    pub(super) fn repair(&self, remote: &dyn Remote, hex: &str) -> Result<Option<upload::Sent>> {
        let never = Cancel::new();
        let sent = match self.cargo {
            Cargo::Package(package) if package.digest.hex() == hex => {
                upload::version(remote, package, &never, self.progress)?
            }
            _ => {
                let digest = hex.parse().map_err(|e| DeployError::Package(format!("its name: {e}")))?;
                let Some(package) = self.connector.package(digest).map_err(DeployError::Caller)? else {
                    return Ok(None);
                };
                package.validate()?;
                upload::version(remote, &package, &never, self.progress)?
            }
        };
        if sent.repaired > 0 {
            tracing::warn!(version = hex, files = sent.repaired, "damaged files on the target were replaced");
        }
        Ok(Some(sent))
    }

    /// Stages a version. One that the server refuses is looked at file by file; what is damaged is
    /// brought again.
    pub(super) fn stage_whole(&self, remote: &dyn Remote, hex: &str, cancel: &Cancel) -> Result<String> {
        let server = Server(remote);
        match server.stage(hex, cancel) {
            Err(error @ DeployError::Server { .. }) => {
                // Its own failure must not hide why the server refused.
                let sent = self.repair(remote, hex).unwrap_or_else(|repair| {
                    tracing::warn!(%repair, "the version could not be brought again");
                    None
                });
                if sent.is_some_and(|sent| sent != upload::Sent::default()) {
                    server.stage(hex, cancel)
                } else {
                    Err(error)
                }
            }
            staged => staged,
        }
    }

    fn start_server(&mut self) -> Result<StepDone> {
        let remote = self.remote()?;
        if let Cargo::Package(package) = self.cargo {
            upload::install(remote, package)?;
        }
        let known = self.replay.before.as_ref().and_then(|before| before.settings.as_deref());
        let (model, port) = (self.plan().model.as_str(), self.connector.serve_port());
        let read = known.and_then(|text| serde_json::from_str::<ServeSettings>(text).ok());
        if read.is_none_or(|known| known.model != model || known.port != port) {
            remote.write(layout::SERVE_JSON, ServeSettings::apply(known, model, port).as_bytes())?;
        }
        let started = self.server()?.start(self.cancel)?;
        Ok(StepDone::note(match started {
            Started::WasRunning => "was running",
            Started::Daemon => "started as a process of its own",
            Started::Service => "started as a service of systemd",
        }))
    }

    fn stage(&mut self) -> Result<StepDone> {
        let server = self.server()?;
        // Another rollout may have left it, whichever version this one brings.
        if server.status()?.is_some_and(|status| status.staged.is_some()) {
            server.unstage()?;
        }
        if self.already_live() {
            return Ok(StepDone::note("is the live version already"));
        }
        let url = self.stage_whole(self.remote()?, &self.hex(), self.cancel)?;
        let note = StepDone::note(format!("at {url}"));
        self.staged_url = Some(url);
        Ok(note)
    }

    /// The port to prove on: the staged version's own, or the main one when it is live already.
    fn staged_port(&self) -> Result<u16> {
        self.staged_url.as_deref().map_or_else(|| Ok(self.connector.serve_port()), port_of)
    }

    fn health(&mut self) -> Result<StepDone> {
        let remote = self.remote()?;
        let line = Line::open(remote, self.staged_port()?)?;
        line.wait_ready(self.plan().model.as_str(), &remote.address(), self.cancel)?;
        Ok(StepDone::default())
    }

    fn prove(&mut self) -> Result<StepDone> {
        let remote = self.remote()?;
        let line = Line::open(remote, self.staged_port()?)?;
        let (model, hex) = (self.plan().model.as_str(), self.hex());
        let (expected, tolerance) = (self.expected()?, self.plan().tolerance);
        let parity = line.prove((model, &hex), expected, tolerance, &remote.address(), self.cancel)?;
        let note = expected.note(&parity, "");
        Ok(StepDone { parity: Some(parity), ..StepDone::note(note) })
    }

    fn switch(&mut self) -> Result<StepDone> {
        let remote = self.remote()?;
        // Before the switch: a desk that dies right after it leaves no version under another one's name.
        DeployedBy::write(remote, self.plan(), self.replay.before.as_ref().and_then(Before::former))?;
        if self.already_live() {
            return Ok(StepDone::note("is the live version already"));
        }
        self.server()?.switch(&self.hex())?;
        Ok(StepDone::default())
    }

    fn verify(&mut self) -> Result<StepDone> {
        let (hex, remote) = (self.hex(), self.remote()?);
        let model = self.plan().model.as_str();
        let wrong = |problem: String| DeployError::FarState {
            problem: format!("after the switch {problem} on {}", remote.address()),
            hint: "Look at run/supervisor.log in the target's folder".to_owned(),
        };
        let status = self.server()?.status()?.ok_or_else(|| wrong("no supervisor runs".to_owned()))?;
        if status.live_version() != Some(hex.as_str()) {
            let live = status.live_version().map_or("nothing".to_owned(), |live| self.plan().name_of(live));
            return Err(wrong(format!("{live} is live")));
        }
        let link = remote.read_link(layout::CURRENT)?.as_deref().and_then(layout::version_of_link);
        if link.as_deref() != Some(hex.as_str()) {
            return Err(wrong("`current` names another version".to_owned()));
        }
        let line = Line::open(remote, self.connector.serve_port())?;
        line.wait_ready(model, &remote.address(), self.cancel)?;
        let (expected, tolerance) = (self.expected()?, self.plan().tolerance);
        let parity = line.prove((model, &hex), expected, tolerance, &remote.address(), self.cancel)?;
        let note = expected.note(&parity, &format!(", on port {}", self.connector.serve_port()));
        Ok(StepDone { parity: Some(parity), ..StepDone::note(note) })
    }

    /// Makes room and lets others roll out: the lock must not stay because the disk is full.
    fn tidy(&mut self) -> Result<StepDone> {
        let remote = self.remote()?;
        if !self.hold.is_mine(remote)? {
            return Ok(StepDone::note("nothing was removed, as the lock was given back already"));
        }
        let kept = self.keep_newest();
        let released = self.hold.release(remote);
        let done = kept?;
        released.map(|()| done)
    }

    /// Keeps the newest versions, the former one and this one; removes what nobody goes back to.
    fn keep_newest(&self) -> Result<StepDone> {
        let (hex, remote) = (self.hex(), self.remote()?);
        let former = self.replay.before.as_ref().and_then(Before::former);
        let history = remote.read(HISTORY)?.and_then(|bytes| serde_json::from_slice::<Vec<String>>(&bytes).ok());
        let mut history = history.unwrap_or_default();
        for version in former.into_iter().chain([hex.as_str()]) {
            history.retain(|known| known != version);
            history.push(version.to_owned());
        }
        let keep = self.plan().keep.max(2);
        let kept: Vec<String> = history.split_off(history.len().saturating_sub(keep));
        let text = serde_json::to_vec(&kept).map_err(|e| DeployError::Package(e.to_string()))?;
        remote.write(HISTORY, &text)?;
        let mut removed = 0;
        for name in remote.list(layout::VERSIONS)? {
            // An upload that nobody goes on with, or a version that nobody goes back to.
            let version = name.strip_suffix(".part").unwrap_or(&name);
            let is_part = version != name;
            if layout::is_version(version) && (is_part || !kept.iter().any(|known| known == version)) {
                remote.remove(&format!("{}/{name}", layout::VERSIONS))?;
                removed += 1;
            }
        }
        let versions = if kept.len() == 1 { "version" } else { "versions" };
        Ok(StepDone::note(format!("{} {versions} kept, {removed} removed", kept.len())))
    }
}

/// Everything of [`Before`] that files tell.
fn look(remote: &dyn Remote, hex: &str) -> Result<Before> {
    Ok(Before {
        current: remote.read_link(layout::CURRENT)?.as_deref().and_then(layout::version_of_link),
        version_there: remote.stat(&layout::version(hex))?.is_some(),
        binary: remote.read_link(layout::BINARY)?,
        runtime: remote.read_link(layout::RUNTIME)?,
        settings: remote.read(layout::SERVE_JSON)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        ..Before::default()
    })
}

/// Compares what the binary is made for with what the target is.
pub(crate) fn check_platform(remote: &dyn Remote, binary: Option<(&str, &str)>) -> Result<()> {
    let Some((system, machine)) = binary else { return Ok(()) };
    let found = remote.must(&Exec::new(["uname", "-sm"]))?.text();
    let found = found.replace("arm64", "aarch64").replace("amd64", "x86_64");
    if found == format!("{system} {machine}") {
        return Ok(());
    }
    Err(DeployError::FarState {
        problem: format!("the target is {found} and this modeldesk-serve is made for {system} {machine}"),
        hint: format!("Install Modeldesk's server for {found} on this computer, then deploy again"),
    })
}

/// A version that is on the target: whole, and with its golden rows.
pub(super) fn read_version(remote: &dyn Remote, hex: &str) -> Result<Expected> {
    let folder = layout::version(hex);
    let missing = |what: &str| DeployError::FarState {
        problem: format!("{what} of version {} is not on {} any more", &hex[..12], remote.address()),
        hint: "Deploy that version again instead".to_owned(),
    };
    let bytes = remote.read(&format!("{folder}/manifest.json"))?.ok_or_else(|| missing("the manifest"))?;
    let found = desk_core::Digest::of(&bytes);
    if found.hex() != hex {
        return Err(DeployError::Digest {
            address: remote.address(),
            path: format!("{folder}/manifest.json"),
            expected: format!("sha256:{hex}"),
            found: found.to_string(),
        });
    }
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|e| DeployError::Package(format!("its manifest: {e}")))?;
    for file in &manifest.files {
        let stat = remote.stat(&format!("{folder}/files/{}", file.name))?;
        if stat.is_none_or(|stat| stat.size != file.size) {
            return Err(missing(&format!("file `{}`", file.name)));
        }
    }
    let bytes = remote.read(&format!("{folder}/golden.json"))?.ok_or_else(|| missing("the golden rows"))?;
    let found = desk_core::Digest::of(&bytes);
    if manifest.golden.is_some_and(|expected| expected != found) {
        return Err(DeployError::Digest {
            address: remote.address(),
            path: format!("{folder}/golden.json"),
            expected: manifest.golden.map(|digest| digest.to_string()).unwrap_or_default(),
            found: found.to_string(),
        });
    }
    let golden = serde_json::from_slice(&bytes).map_err(|e| DeployError::Package(format!("its golden rows: {e}")))?;
    Ok(Expected::new(golden, &manifest))
}
