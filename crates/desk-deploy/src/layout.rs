//! Where things lie below a target's folder; paths are relative to it, with `/` between parts.

use desk_core::Digest;

/// The server binary that runs.
pub const BINARY: &str = "bin/modeldesk-serve";
/// The folder of the runtime library in use.
pub const RUNTIME: &str = "lib/current";
/// The live version.
pub const CURRENT: &str = "current";
/// The server's settings.
pub const SERVE_JSON: &str = "serve.json";
/// All versions.
pub const VERSIONS: &str = "versions";
/// Who made live what is live.
pub const DEPLOYED: &str = "run/deployed.json";
/// Where a supervisor says which process it is.
pub const SUPERVISOR_PID: &str = "run/supervisor.pid";
/// What a supervisor writes, line by line.
pub const SUPERVISOR_LOG: &str = "run/supervisor.log";
/// Where a supervisor listens for commands.
pub const CONTROL_SOCKET: &str = "run/control.sock";
/// Held while a rollout is under way.
pub const LOCK: &str = "run/rollout.lock";
/// When the holder of the lock gave its last sign of life.
pub const BEAT: &str = "run/rollout.beat";

/// The folder of a version: `versions/<64 hex>`.
pub fn version(hex: &str) -> String {
    format!("{VERSIONS}/{hex}")
}

/// The folder of a version that is being uploaded.
pub fn part(hex: &str) -> String {
    format!("{VERSIONS}/{hex}.part")
}

/// The binary of a digest: `bin/modeldesk-serve-<16 hex>`.
pub fn binary(digest: Digest) -> String {
    format!("bin/modeldesk-serve-{}", &digest.hex()[..16])
}

/// The folder of a runtime library: `lib/<16 hex>`.
pub fn runtime(digest: Digest) -> String {
    format!("lib/{}", &digest.hex()[..16])
}

/// The version that a link such as `current` points at, if it is one of `versions/`.
pub fn version_of_link(target: &str) -> Option<String> {
    let name = target.trim_end_matches('/').rsplit('/').next()?;
    is_version(name).then(|| name.to_owned())
}

/// True for 64 lower-case hexadecimal digits.
pub fn is_version(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_versions() {
        let hex = "ab".repeat(32);
        assert_eq!(version_of_link(&format!("versions/{hex}")), Some(hex.clone()));
        assert_eq!(version_of_link(&format!("/srv/m/versions/{hex}/")), Some(hex.clone()));
        assert_eq!(version_of_link(&format!("versions/{hex}.part")), None);
        assert_eq!(version_of_link("versions"), None);
    }
}
