//! A desk of its own with a target double.

use desk_core::{Cancel, Digest, Fault, NoProgress};
use desk_deploy::rollout::{self, Outcome, Plan};
use desk_deploy::testing::{TargetDouble, World, double_package};
use desk_deploy::{Connector as _, MemoryJournal, Package, rollback};

/// A target double and packages for it.
pub struct Desk {
    pub target: TargetDouble,
    pub folder: tempfile::TempDir,
}

impl Desk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { target: TargetDouble::new().expect("ports"), folder }
    }

    /// With version 1 deployed.
    pub fn with_one() -> Self {
        let desk = Self::new();
        desk.deploy(1).expect("deployed");
        desk
    }

    pub fn package(&self, number: u32) -> Package {
        double_package(self.folder.path(), number).expect("a package")
    }

    pub fn plan(&self, number: u32) -> Plan {
        self.plan_of(&self.package(number))
    }

    pub fn plan_of(&self, package: &Package) -> Plan {
        let number = package.number;
        let mut plan = Plan::new("edge", package.model.clone(), number, package.digest, u64::from(number));
        plan.numbers = (1..=9).filter(|n| *n != number).map(|n| (self.package(n).digest, n)).collect();
        plan
    }

    pub fn deploy(&self, number: u32) -> Result<Outcome, Fault> {
        let (plan, package) = (self.plan(number), self.package(number));
        rollout::run(&plan, &package, &self.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
    }

    pub fn hex(&self, number: u32) -> String {
        self.package(number).digest.hex()
    }

    pub fn roll_back(&self, number: u32) -> Result<Outcome, Fault> {
        rollback::run(&self.plan(number), &self.target, &mut MemoryJournal::new(), &Cancel::new(), &NoProgress)
    }

    /// Changes a file of a version on the target.
    pub fn damage(&self, number: u32, file: &str) {
        let path = format!("versions/{}/{file}", self.hex(number));
        let damaged = self.target.with(|world| world.files.insert(path, b"damaged".to_vec()));
        assert!(damaged.is_some(), "{file} is not there");
    }

    #[track_caller]
    pub fn is_whole(&self, number: u32) {
        let folder = format!("versions/{}", self.hex(number));
        let world = self.target.snapshot();
        let manifest = &world.files[&format!("{folder}/manifest.json")];
        assert_eq!(Digest::of(manifest).hex(), self.hex(number));
        let text = String::from_utf8_lossy(&world.files[&format!("{folder}/files/model.onnx")]).into_owned();
        assert_eq!(text, format!("the weights of version {number}"));
    }

    pub fn versions(&self) -> Vec<String> {
        let connection = self.target.connect().expect("connects");
        connection.list("versions").expect("listed")
    }

    /// Everything that serving depends on; uploads that wait to be gone on with are not part of it.
    pub fn serving(&self) -> World {
        let mut world = self.target.snapshot();
        world.files.retain(|name, _| !name.contains(".part"));
        world.folders.clear();
        // Tools lie under their digests; more of them change nothing.
        world.files.retain(|name, _| !name.starts_with("bin/") && !name.starts_with("lib/"));
        world
    }
}
