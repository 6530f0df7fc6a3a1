//! Bringing a package to the target: only what is not there yet, compared by digest before use.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use desk_core::{Cancel, Digest, FileEntry, Manifest, Progress, ProgressSink};

use crate::error::{DeployError, Result};
use crate::layout;
use crate::package::{Package, file_digest, near, tool_digest};
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

/// What an upload did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Bytes that travelled.
    pub bytes: u64,
    /// Files of the version that were there and were not what they should be.
    pub repaired: usize,
}

impl Sent {
    /// For people.
    pub fn note(self) -> String {
        match self {
            Self { bytes: 0, repaired: 0 } => "everything was there".to_owned(),
            Self { bytes, repaired: 0 } => format!("{bytes} bytes sent"),
            Self { bytes, repaired: 1 } => format!("1 damaged file was replaced, {bytes} bytes sent"),
            Self { bytes, repaired } => format!("{repaired} damaged files were replaced, {bytes} bytes sent"),
        }
    }
}

/// Uploads binary, runtime and version.
pub(super) fn package(
    remote: &dyn Remote,
    package: &Package,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Sent> {
    bring(remote, package, &tools(package)?, cancel, progress)
}

/// Uploads what is missing or damaged of a version, and nothing else.
pub(super) fn version(
    remote: &dyn Remote,
    package: &Package,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Sent> {
    bring(remote, package, &[], cancel, progress)
}

/// Sends the tools and what the version lacks, compares all of it, and puts it in its place.
fn bring(
    remote: &dyn Remote,
    package: &Package,
    tools: &[Tool<'_>],
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Sent> {
    let hex = package.digest.hex();
    let (there, lacks) = Lacks::look(remote, package, tools)?;
    let mut items = Vec::new();
    for tool in tools.iter().zip(there).filter(|(_, there)| !there).map(|(tool, _)| tool) {
        // A file of that name with other bytes is replaced in one step, as it may be in use.
        if remote.stat(&tool.path)?.is_some_and(|stat| stat.is_dir) {
            remote.remove(&tool.path)?;
        }
        let (to, title) = (format!("{}.part", tool.path), title_of(tool.from));
        items.push(Item {
            from: tool.from,
            to,
            title,
            digest: tool.digest,
            size: tool.size,
            executable: tool.executable,
        });
    }
    let files = match &lacks {
        Lacks::Everything => package.files.iter().collect(),
        Lacks::Parts { files, .. } => files.clone(),
    };
    if !files.is_empty() {
        items.extend(version_items(remote, &hex, &files)?);
    }
    check_space(remote, &items)?;
    let bytes = send(remote, &items, cancel, progress)?;
    compare(remote, &items)?;
    for item in items.iter().filter(|item| !item.to.starts_with(layout::VERSIONS)) {
        remote.rename(&item.to, item.to.trim_end_matches(".part"))?;
    }
    let repaired = match lacks {
        Lacks::Everything => {
            seal_version(remote, package)?;
            0
        }
        Lacks::Parts { texts, .. } => {
            repair_version(remote, package, &files, texts)?;
            files.len() + usize::from(texts)
        }
    };
    Ok(Sent { bytes, repaired })
}

/// What a version on the target is lacking.
enum Lacks<'a> {
    /// There is no such version.
    Everything,
    /// It is there, without these or with others in their place.
    Parts { files: Vec<&'a (FileEntry, PathBuf)>, texts: bool },
}

impl<'a> Lacks<'a> {
    /// Compares every file by digest: a version that was there before is not trusted. Also tells which of the
    /// tools are there: every command costs a round trip, so that one computes all digests.
    fn look(remote: &dyn Remote, package: &'a Package, tools: &[Tool<'_>]) -> Result<(Vec<bool>, Self)> {
        let folder = layout::version(&package.digest.hex());
        let mut known: Vec<(String, Digest, u64)> =
            tools.iter().map(|tool| (tool.path.clone(), tool.digest, tool.size)).collect();
        match remote.stat(&folder)? {
            None => return Ok((whole(remote, &known)?, Self::Everything)),
            Some(stat) if !stat.is_dir => {
                remote.remove(&folder)?;
                return Ok((whole(remote, &known)?, Self::Everything));
            }
            Some(_) => {}
        }
        let files = format!("{folder}/files");
        if remote.stat(&files)?.is_some_and(|stat| !stat.is_dir) {
            remote.remove(&files)?;
        }
        let golden = package.golden_bytes()?;
        let texts = !is_text(remote, &format!("{folder}/manifest.json"), package.digest)?
            || !is_text(remote, &format!("{folder}/golden.json"), Digest::of(&golden))?;
        let file = |(entry, _): &(FileEntry, PathBuf)| (format!("{files}/{}", entry.name), entry.digest, entry.size);
        known.extend(package.files.iter().map(file));
        let mut there = whole(remote, &known)?;
        let whole = there.split_off(tools.len());
        let lacking = package.files.iter().zip(whole).filter(|(_, whole)| !whole).map(|(file, _)| file).collect();
        Ok((there, Self::Parts { files: lacking, texts }))
    }
}

fn is_text(remote: &dyn Remote, path: &str, digest: Digest) -> Result<bool> {
    match remote.stat(path)? {
        Some(stat) if stat.is_dir => {
            remote.remove(path)?;
            Ok(false)
        }
        Some(_) => Ok(remote.read(path)?.is_some_and(|bytes| Digest::of(&bytes) == digest)),
        None => Ok(false),
    }
}

/// Which of these files are there with these bytes; the far side reads those whose size fits.
fn whole(remote: &dyn Remote, files: &[(String, Digest, u64)]) -> Result<Vec<bool>> {
    let mut fit = Vec::with_capacity(files.len());
    for (path, _, size) in files {
        fit.push(remote.stat(path)?.is_some_and(|stat| !stat.is_dir && stat.size == *size));
    }
    let of_size = |i: &usize| fit[*i];
    let candidates: Vec<usize> = (0..files.len()).filter(of_size).collect();
    if candidates.is_empty() {
        return Ok(fit);
    }
    let paths: Vec<String> = candidates.iter().map(|i| files[*i].0.clone()).collect();
    for (i, found) in candidates.into_iter().zip(remote.digests(&paths)?) {
        fit[i] = found == files[i].1;
    }
    Ok(fit)
}

/// True when a version on the target is what its name says, file by file.
pub(super) fn is_whole(remote: &dyn Remote, hex: &str) -> Result<bool> {
    let folder = layout::version(hex);
    let Some(bytes) = remote.read(&format!("{folder}/manifest.json"))? else { return Ok(false) };
    if Digest::of(&bytes).hex() != hex {
        return Ok(false);
    }
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { return Ok(false) };
    let file = |entry: &FileEntry| (format!("{folder}/files/{}", entry.name), entry.digest, entry.size);
    let files: Vec<(String, Digest, u64)> = manifest.files.iter().map(file).collect();
    Ok(whole(remote, &files)?.into_iter().all(|whole| whole))
}

/// Server or runtime, and where it lies on the target.
struct Tool<'a> {
    from: &'a Path,
    path: String,
    digest: Digest,
    size: u64,
    executable: bool,
}

fn tools(package: &Package) -> Result<[Tool<'_>; 2]> {
    let library = |digest| format!("{}/libonnxruntime.so", layout::runtime(digest));
    Ok([tool(&package.serve_binary, true, layout::binary)?, tool(&package.runtime_library, false, library)?])
}

fn tool(from: &Path, executable: bool, name: impl Fn(Digest) -> String) -> Result<Tool<'_>> {
    let digest = tool_digest(from)?;
    let size = std::fs::metadata(from).map_err(|source| near("read", from, source))?.len();
    Ok(Tool { from, path: name(digest), digest, size, executable })
}

fn title_of(path: &Path) -> String {
    path.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Files of a version, less those that another version on the target has already.
fn version_items<'a>(remote: &dyn Remote, hex: &str, files: &[&'a (FileEntry, PathBuf)]) -> Result<Vec<Item<'a>>> {
    let part = layout::part(hex);
    remote.make_dirs(&format!("{part}/files"))?;
    let known = files_of_versions(remote, hex)?;
    let mut items = Vec::new();
    for (entry, path) in files {
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
    if needed == 0 {
        return Ok(());
    }
    let free = remote.free_bytes()?;
    if needed + SPARE_BYTES <= free {
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
/// goes on from it; and it is said on which side it went wrong.
fn compare(remote: &dyn Remote, items: &[Item<'_>]) -> Result<()> {
    let paths: Vec<String> = items.iter().map(|item| item.to.clone()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    for (item, found) in items.iter().zip(remote.digests(&paths)?) {
        if found != item.digest {
            remote.remove(&item.to)?;
            if file_digest(item.from, None)? != item.digest {
                let problem = format!("`{}` is not what was imported any more: {}", item.title, item.from.display());
                return Err(DeployError::Package(problem));
            }
            return Err(wrong_digest(remote, &item.to, item.digest, found));
        }
    }
    Ok(())
}

fn wrong_digest(remote: &dyn Remote, path: &str, expected: Digest, found: Digest) -> DeployError {
    let (expected, found) = (expected.to_string(), found.to_string());
    DeployError::Digest { address: remote.address(), path: path.to_owned(), expected, found }
}

/// Makes a folder durable, file by file: its file system may hold gigabytes that others have just written, and
/// would be waited for. A `sync` that knows no files writes everything.
const SYNC: &str = r#"find "$1" -exec sync {} + 2>/dev/null || sync"#;

/// Puts what was sent into a version that is there, file by file in one step each: a server that has
/// the old bytes open keeps them.
fn repair_version(remote: &dyn Remote, package: &Package, files: &[&(FileEntry, PathBuf)], texts: bool) -> Result<()> {
    let hex = package.digest.hex();
    let (part, folder) = (layout::part(&hex), layout::version(&hex));
    for (entry, _) in files {
        let to = format!("{folder}/files/{}", entry.name);
        if let Some((folder, _)) = to.rsplit_once('/') {
            remote.make_dirs(folder)?;
        }
        if remote.stat(&to)?.is_some_and(|stat| stat.is_dir) {
            remote.remove(&to)?;
        }
        remote.rename(&format!("{part}/files/{}", entry.name), &to)?;
    }
    if texts {
        remote.write(&format!("{folder}/manifest.json"), &package.manifest.seal().0)?;
        remote.write(&format!("{folder}/golden.json"), &package.golden_bytes()?)?;
    }
    // The same bytes may have been imported twice: the number is the one that was asked for.
    let (path, name) = (format!("{folder}/serve-model.json"), name_of(package));
    if remote.read(&path)?.as_deref() != Some(name.as_bytes()) {
        remote.write(&path, name.as_bytes())?;
    }
    if !files.is_empty() || texts {
        remote.must(&Exec::script(SYNC, [remote.absolute(&folder)]))?;
        remote.remove(&part)?;
    }
    Ok(())
}

/// What the server calls a version; not part of it.
fn name_of(package: &Package) -> String {
    serde_json::json!({ "model": package.model, "number": package.number }).to_string()
}

/// Adds manifest and golden rows, makes it durable, and gives it its name: from here on it exists.
fn seal_version(remote: &dyn Remote, package: &Package) -> Result<()> {
    let hex = package.digest.hex();
    let part = layout::part(&hex);
    remote.write(&format!("{part}/manifest.json"), &package.manifest.seal().0)?;
    remote.write(&format!("{part}/golden.json"), &package.golden_bytes()?)?;
    remote.write(&format!("{part}/serve-model.json"), name_of(package).as_bytes())?;
    remote.must(&Exec::script(SYNC, [remote.absolute(&part)]))?;
    remote.rename(&part, &layout::version(&hex))
}

/// Points `bin/modeldesk-serve` and `lib/current` at this package's tools.
pub(super) fn install(remote: &dyn Remote, package: &Package) -> Result<()> {
    let [binary, library] = tools(package)?;
    let name = |path: &str| path.trim_start_matches("bin/").trim_start_matches("lib/").to_owned();
    let folder = name(&library.path).split('/').next().unwrap_or_default().to_owned();
    for (target, path) in [(name(&binary.path), layout::BINARY), (folder, layout::RUNTIME)] {
        if remote.read_link(path)?.as_deref() != Some(target.as_str()) {
            remote.link(&target, path)?;
        }
    }
    Ok(())
}
