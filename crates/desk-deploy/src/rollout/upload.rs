//! Bringing a package to the target: only what is not there yet, compared by digest before use.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

use desk_core::{Cancel, Digest, Manifest, Progress, ProgressSink};

use crate::error::{DeployError, Result};
use crate::layout;
use crate::package::{Package, file_digest, near};
use crate::remote::{Exec, Put, Remote};

/// What stays free on the target beyond the upload, for logs and the next link.
const SPARE_BYTES: u64 = 8 << 20;

/// One file that has to travel.
struct Item<'a> {
    from: &'a Path,
    to: String,
    title: String,
    digest: Digest,
    size: u64,
    executable: bool,
}

/// Uploads binary, runtime and version; bytes that were sent.
pub(super) fn package(
    remote: &dyn Remote,
    package: &Package,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<u64> {
    let hex = package.digest.hex();
    let (binary, library) = tools(package)?;
    let mut items = Vec::new();
    for (path, place, executable) in
        [(&package.serve_binary, &binary, true), (&package.runtime_library, &library, false)]
    {
        if is_there(remote, &place.path, place.digest, place.size)? {
            continue;
        }
        // Something of that name with other bytes is a broken upload of another kind: start again.
        remote.remove(&place.path)?;
        let (from, to, title) = (path.as_path(), format!("{}.part", place.path), title_of(path));
        items.push(Item { from, to, title, digest: place.digest, size: place.size, executable });
    }
    let version_there = remote.stat(&layout::version(&hex))?.is_some();
    if version_there {
        compare_version(remote, package)?;
    } else {
        items.extend(version_items(remote, package)?);
    }
    check_space(remote, &items)?;
    let sent = send(remote, &items, cancel, progress)?;
    compare(remote, &items)?;
    for item in items.iter().filter(|item| !item.to.starts_with(layout::VERSIONS)) {
        remote.rename(&item.to, item.to.trim_end_matches(".part"))?;
    }
    if !version_there {
        seal_version(remote, package)?;
    }
    Ok(sent)
}

/// Where a tool lies on the target.
struct Place {
    path: String,
    digest: Digest,
    size: u64,
}

fn tools(package: &Package) -> Result<(Place, Place)> {
    let place = |path: &Path, name: &dyn Fn(Digest) -> String| -> Result<Place> {
        let digest = file_digest(path, None)?;
        let size = std::fs::metadata(path).map_err(|source| near("read", path, source))?.len();
        Ok(Place { path: name(digest), digest, size })
    };
    let library = |digest| format!("{}/libonnxruntime.so", layout::runtime(digest));
    Ok((place(&package.serve_binary, &layout::binary)?, place(&package.runtime_library, &library)?))
}

fn title_of(path: &Path) -> String {
    path.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn is_there(remote: &dyn Remote, path: &str, digest: Digest, size: u64) -> Result<bool> {
    if remote.stat(path)?.is_none_or(|stat| stat.size != size) {
        return Ok(false);
    }
    Ok(remote.digests(&[path.to_owned()])? == [digest])
}

/// The version's files, less those that another version on the target has already.
fn version_items<'a>(remote: &dyn Remote, package: &'a Package) -> Result<Vec<Item<'a>>> {
    let part = layout::part(&package.digest.hex());
    remote.make_dirs(&format!("{part}/files"))?;
    let known = files_of_versions(remote, &package.digest.hex())?;
    let mut items = Vec::new();
    for (entry, path) in &package.files {
        let to = format!("{part}/files/{}", entry.name);
        if let Some((folder, _)) = to.rsplit_once('/') {
            remote.make_dirs(folder)?;
        }
        let (digest, size) = (entry.digest, entry.size);
        // Shared or sent, its digest is compared like every other one before the version is sealed.
        if let Some(same) = known.get(&digest)
            && remote.stat(same)?.is_some_and(|stat| stat.size == size)
            && remote.digests(std::slice::from_ref(same))? == [digest]
        {
            remote.share(same, &to)?;
            continue;
        }
        items.push(Item { from: path, to, title: entry.name.clone(), digest, size, executable: false });
    }
    Ok(items)
}

/// Files of the other versions by digest, from their manifests.
fn files_of_versions(remote: &dyn Remote, except: &str) -> Result<BTreeMap<Digest, String>> {
    let mut files = BTreeMap::new();
    for hex in remote.list(layout::VERSIONS)?.into_iter().filter(|name| layout::is_version(name) && name != except) {
        let folder = layout::version(&hex);
        let Some(bytes) = remote.read(&format!("{folder}/manifest.json"))? else { continue };
        if Digest::of(&bytes).hex() != hex {
            continue;
        }
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { continue };
        files.extend(manifest.files.iter().map(|file| (file.digest, format!("{folder}/files/{}", file.name))));
    }
    Ok(files)
}

/// Better to say it before a long upload than after it.
fn check_space(remote: &dyn Remote, items: &[Item<'_>]) -> Result<()> {
    let mut needed: u64 = 0;
    for item in items {
        let there = remote.stat(&item.to)?.map_or(0, |stat| stat.size);
        needed += item.size.saturating_sub(there);
    }
    let free = remote.free_bytes()?;
    if needed == 0 || needed + SPARE_BYTES <= free {
        return Ok(());
    }
    Err(DeployError::DiskFull {
        address: remote.address(),
        needed_bytes: needed + SPARE_BYTES,
        free_bytes: free,
        path: remote.root().to_owned(),
    })
}

fn send(remote: &dyn Remote, items: &[Item<'_>], cancel: &Cancel, progress: &dyn ProgressSink) -> Result<u64> {
    let total: u64 = items.iter().map(|item| item.size).sum();
    let mut before = 0;
    for item in items {
        if let Some((folder, _)) = item.to.rsplit_once('/') {
            remote.make_dirs(folder)?;
        }
        let stage = format!("Uploading {}", item.title);
        let arrived = Cell::new(0);
        let report = |bytes: u64| {
            arrived.set(bytes);
            progress.report(Progress::new(stage.as_str(), before + bytes, Some(total), "bytes"));
        };
        report(0);
        remote.put(&Put { from: item.from, to: &item.to, executable: item.executable, cancel, progress: &report })?;
        if arrived.get() != item.size {
            let problem = format!("`{}` changed while it was sent", item.from.display());
            return Err(DeployError::Package(problem));
        }
        before += item.size;
    }
    Ok(total)
}

/// Compares what arrived with the manifest. What is wrong is removed, so that no later upload
/// goes on from it.
fn compare(remote: &dyn Remote, items: &[Item<'_>]) -> Result<()> {
    let paths: Vec<String> = items.iter().map(|item| item.to.clone()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    for (item, found) in items.iter().zip(remote.digests(&paths)?) {
        if found != item.digest {
            remote.remove(&item.to)?;
            return Err(wrong_digest(remote, &item.to, item.digest, found));
        }
    }
    Ok(())
}

fn wrong_digest(remote: &dyn Remote, path: &str, expected: Digest, found: Digest) -> DeployError {
    let (expected, found) = (expected.to_string(), found.to_string());
    DeployError::Digest { address: remote.address(), path: path.to_owned(), expected, found }
}

/// A version that was there already must still be whole.
fn compare_version(remote: &dyn Remote, package: &Package) -> Result<()> {
    let folder = layout::version(&package.digest.hex());
    let paths: Vec<String> = std::iter::once(format!("{folder}/manifest.json"))
        .chain(package.files.iter().map(|(entry, _)| format!("{folder}/files/{}", entry.name)))
        .collect();
    let expected = std::iter::once(package.digest).chain(package.files.iter().map(|(entry, _)| entry.digest));
    for ((path, expected), found) in paths.iter().zip(expected).zip(remote.digests(&paths)?) {
        if found != expected {
            return Err(wrong_digest(remote, path, expected, found));
        }
    }
    Ok(())
}

/// Adds manifest and golden rows, makes it durable, and gives it its name: from here on it exists.
fn seal_version(remote: &dyn Remote, package: &Package) -> Result<()> {
    const SYNC: &str = r#"sync -f "$1" 2>/dev/null || sync"#;
    let hex = package.digest.hex();
    let part = layout::part(&hex);
    remote.write(&format!("{part}/manifest.json"), &package.manifest.seal().0)?;
    remote.write(&format!("{part}/golden.json"), &package.golden_bytes()?)?;
    // Not part of the version: only what the server calls it.
    let name = serde_json::json!({ "model": package.model, "number": package.number });
    remote.write(&format!("{part}/serve-model.json"), name.to_string().as_bytes())?;
    remote.must(&Exec::script(SYNC, [remote.absolute(&part)]))?;
    remote.rename(&part, &layout::version(&hex))
}

/// Points `bin/modeldesk-serve` and `lib/current` at this package's tools.
pub(super) fn install(remote: &dyn Remote, package: &Package) -> Result<()> {
    let (binary, library) = tools(package)?;
    let name = |path: &str| path.trim_start_matches("bin/").trim_start_matches("lib/").to_owned();
    let folder = name(&library.path).split('/').next().unwrap_or_default().to_owned();
    for (target, path) in [(name(&binary.path), layout::BINARY), (folder, layout::RUNTIME)] {
        if remote.read_link(path)?.as_deref() != Some(target.as_str()) {
            remote.link(&target, path)?;
        }
    }
    Ok(())
}
