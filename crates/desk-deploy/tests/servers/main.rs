//! The whole way with the real `modeldesk-serve` and the samples: deploy, replace, fail, roll back;
//! on this computer and over a real sshd.

mod cancels;
#[path = "../common/mod.rs"]
mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use common::{Root, Tools, package, skip, tools, with_other_answers};
use desk_core::state::{DeploymentState, StepState};
use desk_core::{Cancel, Digest, Fault, NamedTensor, NoProgress};
use desk_deploy::oip::OipClient;
use desk_deploy::rollout::{self, Outcome, Plan, Step};
use desk_deploy::testing::{TestSshd, free_port, package_of};
use desk_deploy::{Connector, KnownHosts, MemoryJournal, Package, TargetConfig, TargetConnector, check, rollback};

fn local(root: &Root) -> TargetConnector {
    let config = TargetConfig::Local { folder: root.text(), port: free_port() };
    TargetConnector::new(config, None, std::sync::Arc::new(KnownHosts::new())).expect("valid")
}

fn deploy(connector: &dyn Connector, package: &Package) -> Result<Outcome, Fault> {
    let plan = plan(package);
    rollout::run(&plan, package, connector, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
}

fn plan(package: &Package) -> Plan {
    Plan::new("edge", package.model.clone(), package.number, package.digest, 1)
}

/// What the main port answers to a package's golden inputs, asked as any client would.
fn ask(connector: &dyn Connector, package: &Package) -> Vec<NamedTensor> {
    let remote = connector.connect().expect("connects");
    let forward = remote.forward(connector.serve_port()).expect("a way");
    let client = OipClient::new(format!("http://{}", forward.address)).expect("a client");
    client.infer(package.model.as_str(), None, &package.golden.inputs, &package.golden.outputs).expect("answers")
}

/// The main scenario. `connector` leads to `root`.
fn deploy_replace_fail_and_roll_back(root: &Root, connector: &TargetConnector, tools: &Tools) {
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    let two = package(tools, "tumour", 2, "tumour/v2.onnx");

    let report = check(connector, Some(&tools.serve));
    assert!(report.ok(), "{report:?}");
    assert!(std::fs::read_dir(root.0.path()).expect("there").next().is_none(), "looking changed something");

    let first = deploy(connector, &one).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!((first.state, first.was), (DeploymentState::Live, None));
    assert!(first.steps.iter().all(|step| step.state == StepState::Done), "{:?}", first.steps);
    let parity = first.parity.clone().expect("proven");
    assert!(parity.ok && parity.rows == 4, "{parity:?}");
    assert_eq!(root.live(), Some(one.digest.hex()));
    assert_eq!(ask(connector, &one), one.golden.outputs);

    let second = deploy(connector, &two).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!(second.was, Some(one.digest));
    assert_eq!(ask(connector, &two), two.golden.outputs);
    assert_ne!(ask(connector, &one), one.golden.outputs, "the two versions answer differently");

    // One that cannot prove itself never becomes live, and leaves nothing behind.
    let wrong = with_other_answers(tools, &two);
    let mut plan = plan(&wrong);
    plan.numbers.insert(two.digest, 2);
    let mut journal = MemoryJournal::new();
    let fault =
        rollout::run(&plan, &wrong, connector, &mut journal, &Cancel::new(), &NoProgress).expect_err("must not prove");
    for part in [Step::Prove.title(), "does not answer", "version 2 is still serving"] {
        assert!(fault.message.contains(part), "{part:?} is not in: {fault}");
    }
    assert_eq!(root.live(), Some(two.digest.hex()));
    assert!(root.ctl("status")["staged"].is_null());
    assert!(!root.0.path().join("versions").join(wrong.digest.hex()).exists());

    let from = Instant::now();
    let back = roll_back(connector, &one).unwrap_or_else(|fault| panic!("{fault:?}"));
    let took = from.elapsed();
    assert_eq!((back.state, back.was), (DeploymentState::Live, Some(two.digest)));
    assert!(back.parity.is_some_and(|parity| parity.ok));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(ask(connector, &one), one.golden.outputs);

    let report = check(connector, Some(&tools.serve));
    assert!(report.ok(), "{report:?}");
    let server = report.checks.iter().find(|item| item.name == "server").expect("looked at");
    assert!(server.detail.contains(&one.digest.short()), "{server:?}");
}

fn roll_back(connector: &dyn Connector, to: &Package) -> Result<Outcome, Fault> {
    rollback::run(&plan(to), connector, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
}

/// What a scenario is given: the target's folder, the way there, and what is deployed.
type Scenario = fn(&Root, &TargetConnector, &Tools);

/// Runs a scenario with a target on this computer.
fn here(scenario: Scenario) {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    scenario(&root, &local(&root), tools);
}

/// Runs a scenario with a target that is reached over a real sshd.
fn over_ssh(scenario: Scenario) {
    let Some(tools) = tools() else { return };
    let server = match TestSshd::start() {
        Ok(server) => server,
        Err(why) => return skip(&why),
    };
    let root = Root::new();
    let connector = server.connector(&root.text(), free_port()).expect("valid");
    scenario(&root, &connector, tools);
}

#[test]
fn the_whole_way_on_this_computer() {
    here(deploy_replace_fail_and_roll_back);
}

#[test]
fn the_whole_way_over_ssh() {
    over_ssh(deploy_replace_fail_and_roll_back);
}

#[test]
fn text_inputs_class_maps_and_pictures_prove_themselves() {
    let Some(tools) = tools() else { return };
    for (model, file) in [("penguins", "penguins/model.onnx"), ("digits", "digits/model.onnx")] {
        let root = Root::new();
        let one = package(tools, model, 1, file);
        let outcome = deploy(&local(&root), &one).unwrap_or_else(|fault| panic!("{fault:?}"));
        assert!(outcome.parity.is_some_and(|parity| parity.ok), "{model}");
    }
}

/// Turns one bit of a version's model on the target.
fn damage(root: &Root, package: &Package) {
    let model = root.0.path().join("versions").join(package.digest.hex()).join("files/model.onnx");
    let mut bytes = std::fs::read(&model).expect("there");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&model, bytes).expect("written");
}

#[test]
fn a_damaged_version_is_not_rolled_back_to_and_is_mended_by_deploying_it() {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    let connector = local(&root);
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    let two = package(tools, "tumour", 2, "tumour/v2.onnx");
    deploy(&connector, &one).expect("live");
    deploy(&connector, &two).expect("live");
    damage(&root, &one);
    let fault = roll_back(&connector, &one).expect_err("must be refused");
    assert!(fault.message.contains("version 2") || fault.message.contains(&two.digest.short()), "{fault}");
    assert_eq!(root.live(), Some(two.digest.hex()), "{fault}");
    let outcome = deploy(&connector, &one).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert!(outcome.steps[Step::Upload as usize].note.as_deref().is_some_and(|note| note.contains("replaced")));
    assert_eq!(ask(&connector, &one), one.golden.outputs);
}

/// A connector of a desk that has the bytes of a version.
struct WithBytes<'a>(&'a TargetConnector, &'a Package);

impl Connector for WithBytes<'_> {
    fn connect(&self) -> Result<Box<dyn desk_deploy::Remote>, Fault> {
        self.0.connect()
    }
    fn serve_port(&self) -> u16 {
        self.0.serve_port()
    }
    fn address(&self) -> String {
        self.0.address()
    }
    fn package(&self, version: Digest) -> Result<Option<Package>, Fault> {
        Ok((version == self.1.digest).then(|| self.1.clone()))
    }
}

#[test]
fn damage_of_the_former_version_does_not_keep_a_rollout_from_being_undone() {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    let local = local(&root);
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    let two = package(tools, "tumour", 2, "tumour/v2.onnx");
    let connector = WithBytes(&local, &one);
    deploy(&connector, &one).expect("live");
    damage(&root, &one);
    let cancel_at_verify = |connector: &dyn Connector| {
        let cancel = Cancel::new();
        let stop = cancel.clone();
        let progress = move |progress: desk_core::Progress| {
            if progress.stage == Step::Verify.title() {
                stop.cancel();
            }
        };
        rollout::run(&plan(&two), &two, connector, &mut MemoryJournal::new(), &cancel, &progress)
    };
    let fault = cancel_at_verify(&connector).expect_err("cancelled");
    assert!(fault.is_cancelled(), "{fault:?}");
    assert_eq!(ask(&connector, &one), one.golden.outputs);
    // Without the bytes the new version stays, proven.
    damage(&root, &one);
    let outcome = cancel_at_verify(&local).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!(outcome.state, DeploymentState::Live);
    assert_eq!(ask(&connector, &two), two.golden.outputs);
    deploy(&local, &one).expect("and the next one works");
}

/// The folder is removed while its server runs; the next deployment succeeds it.
fn the_folder_is_removed(root: &Root, connector: &TargetConnector, tools: &Tools) {
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    let two = package(tools, "tumour", 2, "tumour/v2.onnx");
    deploy(connector, &one).expect("live");
    let pid = root.ctl("status")["supervisor"]["pid"].as_u64().expect("a process");
    for (what, says) in [("", "whose folder was"), ("run", "whose folder `run` was"), ("bin", "whose program was")] {
        std::fs::remove_dir_all(root.0.path().join(what)).expect("removed");
        if what.is_empty() {
            std::fs::create_dir(root.0.path()).expect("made");
        }
        let report = check(connector, Some(&tools.serve));
        let port = report.checks.iter().find(|item| item.name == "port").expect("looked at");
        assert!(port.ok && port.detail.contains("process") && port.detail.contains(says), "{what}: {report:?}");
        assert!(desk_deploy::is_serving(connector).expect("answers"));
        // One that fails before the server is exchanged leaves it as it is.
        let mut foreign = two.clone();
        foreign.serve_binary = root.0.path().join("not-there");
        let fault = deploy(connector, &foreign).expect_err("must fail");
        assert!(!fault.message.contains("not finished"), "{what}: {fault}");
        assert_eq!(ask(connector, &one), one.golden.outputs, "{what}");

        let outcome = deploy(connector, &two).unwrap_or_else(|fault| panic!("{what}: {fault:?}"));
        let note = outcome.steps[Step::Check as usize].note.clone().expect("a note");
        assert!(note.contains(says), "{what}: {note}");
        assert_eq!(ask(connector, &two), two.golden.outputs, "{what}");
        deploy(connector, &one).expect("live");
    }
    let gone = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(gone.is_empty(), "the first server still runs: {gone}");
    std::fs::remove_dir_all(root.0.path()).expect("removed");
    desk_deploy::stop_server(connector).expect("stops");
    assert!(!desk_deploy::is_serving(connector).expect("answers"));
}

#[test]
fn a_server_whose_folder_was_removed_is_succeeded_on_this_computer() {
    here(the_folder_is_removed);
}

#[test]
fn a_server_whose_folder_was_removed_is_succeeded_over_ssh() {
    over_ssh(the_folder_is_removed);
}

#[test]
fn a_rollback_without_the_server_program_leaves_what_runs() {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    let connector = local(&root);
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    let two = package(tools, "tumour", 2, "tumour/v2.onnx");
    deploy(&connector, &one).expect("live");
    deploy(&connector, &two).expect("live");
    std::fs::remove_dir_all(root.0.path().join("bin")).expect("removed");
    let fault = roll_back(&connector, &one).expect_err("nothing to start it with");
    assert!(fault.to_string().contains("the server program is not on"), "{fault:?}");
    assert_eq!(ask(&connector, &two), two.golden.outputs);
    deploy(&connector, &two).expect("brings the program");
    roll_back(&connector, &one).expect("works again");
    assert_eq!(ask(&connector, &one), one.golden.outputs);
}

#[test]
fn a_server_without_its_control_socket_is_succeeded() {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    let connector = local(&root);
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    let two = package(tools, "tumour", 2, "tumour/v2.onnx");
    deploy(&connector, &one).expect("live");
    let socket = root.0.path().join("run/control.sock");
    std::fs::remove_file(&socket).expect("removed");
    let outcome = deploy(&connector, &two).expect("the server that cannot be asked is replaced");
    let note = outcome.steps[Step::Check as usize].note.clone().expect("a note");
    assert!(note.contains("whose control socket was removed"), "{note}");
    assert_eq!(ask(&connector, &two), two.golden.outputs);
    std::fs::remove_file(&socket).expect("removed");
    roll_back(&connector, &one).expect("rolled back");
    assert_eq!(ask(&connector, &one), one.golden.outputs);
    std::fs::remove_file(&socket).expect("removed");
    desk_deploy::stop_server(&connector).expect("stops");
    assert!(!desk_deploy::is_serving(&connector).expect("answers"));
}

#[test]
fn a_port_that_is_taken_is_named_and_nothing_stays_behind() {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let config = TargetConfig::Local { folder: root.text(), port };
    let connector = TargetConnector::new(config, None, std::sync::Arc::new(KnownHosts::new())).expect("valid");
    let report = check(&connector, None);
    let me = format!("process {}", std::process::id());
    let named = |item: &desk_deploy::CheckItem| item.name == "port" && !item.ok && item.detail.contains(&me);
    assert!(report.checks.iter().any(named), "{report:?}");
    let fault = deploy(&connector, &package(tools, "tumour", 1, "tumour/v1.onnx")).expect_err("must fail");
    let me = format!("port {port} on this computer is used by process {} (", std::process::id());
    assert!(fault.message.contains(&me), "{fault}");
    assert!(fault.message.contains(Step::Check.title()) && fault.message.contains("nothing was changed"), "{fault}");
    for untouched in ["serve.json", "bin", "lib", "run", "versions"] {
        assert!(!root.0.path().join(untouched).exists(), "{untouched}");
    }
}

#[test]
fn a_server_that_was_ended_is_started_again_by_the_next_deployment() {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    let connector = local(&root);
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    let two = package(tools, "tumour", 2, "tumour/v2.onnx");
    deploy(&connector, &one).expect("live");
    root.ctl("stop");
    let outcome = deploy(&connector, &two).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!(outcome.was, Some(one.digest));
    assert_eq!(root.live(), Some(two.digest.hex()));
}

#[test]
fn a_binary_for_another_processor_is_refused_before_the_upload() {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    let mut one = package(tools, "tumour", 1, "tumour/v1.onnx");
    let mut header = std::fs::read(&tools.serve).expect("there")[..64].to_vec();
    // e_machine of the ELF header: S/390, or the byte order of another world.
    header[18..20].copy_from_slice(&[243, 0]);
    let other = root.0.path().with_extension("riscv");
    std::fs::write(&other, header).expect("written");
    one.serve_binary.clone_from(&other);
    let fault = deploy(&local(&root), &one).expect_err("must be refused");
    std::fs::remove_file(other).expect("removed");
    assert!(fault.message.contains("riscv64") && fault.message.contains(Step::Check.title()), "{fault}");
    assert!(!root.0.path().join("bin/modeldesk-serve").exists());
}

#[test]
fn settings_and_a_token_that_somebody_wrote_on_the_target_are_respected() {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    let connector = local(&root);
    let settings = r#"{"host":"127.0.0.1","token_file":"token","max_rows":17,"model":"tumour"}"#;
    std::fs::write(root.0.path().join("serve.json"), settings).expect("written");
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    let fault = deploy(&connector, &one).expect_err("there is no token");
    assert!(fault.message.contains("token"), "{fault}");
    assert_eq!(std::fs::read_to_string(root.0.path().join("serve.json")).expect("there"), settings, "undone");
    let token = root.0.path().join("token");
    std::fs::write(&token, "sesame-open-sesame-open\n").expect("written");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).expect("set");
    let outcome = deploy(&connector, &one).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert!(outcome.parity.is_some_and(|parity| parity.ok));
    let text = std::fs::read_to_string(root.0.path().join("serve.json")).expect("there");
    assert!(text.contains("\"max_rows\": 17"), "{text}");
    let open = OipClient::new(format!("http://127.0.0.1:{}", connector.serve_port())).expect("a client");
    open.infer("tumour", None, &one.golden.inputs, &one.golden.outputs).expect_err("wants a token");

    assert!(desk_deploy::server_status(&connector).expect("answers").is_some());
    desk_deploy::stop_server(&connector).expect("stops");
    assert_eq!(desk_deploy::server_status(&connector).expect("answers"), None);
}

#[test]
fn files_that_versions_share_are_sent_once() {
    let Some(tools) = tools() else { return };
    let root = Root::new();
    let connector = local(&root);
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    deploy(&connector, &one).expect("live");
    // The same file with fewer golden rows is another version.
    let mut golden = one.golden.clone();
    for tensor in golden.inputs.iter_mut().chain(&mut golden.outputs) {
        tensor.tensor = tensor.tensor.slice_rows(0, 2);
    }
    golden.rows = 2;
    let same = package_of("tumour", 2, &one.files[0].1, golden, &tools.serve, &tools.runtime).expect("a package");
    assert_ne!(same.digest, one.digest);
    let outcome = deploy(&connector, &same).unwrap_or_else(|fault| panic!("{fault:?}"));
    let upload = outcome.steps.iter().find(|step| step.name == Step::Upload).expect("a step");
    assert_eq!(upload.note.as_deref(), Some("everything was there"));
    let of = |digest: Digest| root.0.path().join("versions").join(digest.hex()).join("files/model.onnx");
    assert_eq!(std::fs::read(of(one.digest)).expect("there"), std::fs::read(of(same.digest)).expect("there"));
}
