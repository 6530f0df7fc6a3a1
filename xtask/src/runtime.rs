//! The pinned ONNX Runtime library: fetched once from its PyPI wheel, checked on every use.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};

use crate::{place, python, shell};

/// Names a library that is used as it is.
pub const LIBRARY_VARIABLE: &str = "MODELDESK_ORT_LIB";

const VERSION: &str = "1.31.1";

/// What is taken out of the wheel beside the library.
const NOTICES: [&str; 3] = ["LICENSE", "ThirdPartyNotices.txt", "Privacy.md"];

/// The wheel of one platform and the library in it.
struct Pin {
    os: &'static str,
    arch: &'static str,
    /// The platform's name at PyPI.
    platform: &'static str,
    wheel_sha256: &'static str,
    library: &'static str,
    library_sha256: &'static str,
}

/// All of onnxruntime 1.31.1, CPython 3.11 wheels (the library is the same in those of other versions of Python).
const PINS: [Pin; 5] = [
    Pin {
        os: "linux",
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        wheel_sha256: "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
        library: "libonnxruntime.so.1.31.1",
        library_sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
    },
    Pin {
        os: "linux",
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        wheel_sha256: "da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3",
        library: "libonnxruntime.so.1.31.1",
        library_sha256: "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
    },
    Pin {
        os: "macos",
        arch: "aarch64",
        platform: "macosx_14_0_arm64",
        wheel_sha256: "60b6b69bfe580eab576cacc5d132a0e9cf2a37fcfd18d46dd191042b1d1ed0d7",
        library: "libonnxruntime.1.31.1.dylib",
        library_sha256: "f8b06155feece624e55e49124340eea279da812529ae6fbc46a9f2be9c9cad2e",
    },
    Pin {
        os: "windows",
        arch: "x86_64",
        platform: "win_amd64",
        wheel_sha256: "c3d91b5de31e2fc82d71bd65b2b22bddee8b49057a3a36338e9a868e0ea90c05",
        library: "onnxruntime.dll",
        library_sha256: "8482d2ee174e28504f99730fb01d6861575870283de4ed3a897ad39170d9a9b9",
    },
    Pin {
        os: "windows",
        arch: "aarch64",
        platform: "win_arm64",
        wheel_sha256: "93800007a7023b3ab26ad72e6463d0d57d84ead49a2f6341954d91438e046bc0",
        library: "onnxruntime.dll",
        library_sha256: "f4f7729bf4aa0c78b6ab5253747f3593bb9a28b4c4275a0a9f59f04ea580d61f",
    },
];

/// The library, fetched if need be. `wheel` is a wheel that somebody downloaded by hand.
pub fn ensure(wheel: Option<&Path>) -> Result<PathBuf> {
    if let Some(own) = env::var_os(LIBRARY_VARIABLE).filter(|value| !value.is_empty()) {
        let own = PathBuf::from(own);
        if !own.exists() {
            bail!("{LIBRARY_VARIABLE} names {}, which does not exist", own.display());
        }
        eprintln!("ONNX Runtime: {} ({LIBRARY_VARIABLE}, not checked against the pinned digest)", own.display());
        return Ok(own);
    }
    let pin = pin()?;
    let folder = place::cache()?.join("onnxruntime").join(VERSION);
    let library = folder.join(pin.library);
    if wheel.is_none() && library.is_file() {
        if sha256(&library)? == pin.library_sha256 {
            return Ok(library);
        }
        eprintln!("{} is not the pinned library: fetching it again", library.display());
    }
    // Outside `onnxruntime/`, where a search for a library would see it half done.
    let work = place::cache()?.join(format!("fetch-{}", std::process::id()));
    fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    let fetched = fetch(pin, wheel, &work, &folder);
    fs::remove_dir_all(&work)?;
    fetched?;
    eprintln!("ONNX Runtime {VERSION} is in {}", library.display());
    Ok(library)
}

fn pin() -> Result<&'static Pin> {
    let (os, arch) = (env::consts::OS, env::consts::ARCH);
    PINS.iter().find(|pin| pin.os == os && pin.arch == arch).with_context(|| {
        format!(
            "no ONNX Runtime library is pinned for {os} on {arch}: \
             set {LIBRARY_VARIABLE} to a library of version 1.24 to 1.31"
        )
    })
}

/// Wheel to `work`, checked, its files checked and moved to `folder`.
fn fetch(pin: &Pin, wheel: Option<&Path>, work: &Path, folder: &Path) -> Result<()> {
    let wheel = match wheel {
        Some(wheel) => wheel.to_path_buf(),
        None => download(pin, work)?,
    };
    let found = sha256(&wheel)?;
    if found != pin.wheel_sha256 {
        bail!("the wheel has the digest {found} and not the pinned {}: {}", pin.wheel_sha256, wheel.display());
    }
    let unpacked = work.join("unpacked");
    unzip(&wheel, &unpacked)?;
    let ready = work.join("ready");
    fs::create_dir_all(&ready)?;
    let package = unpacked.join("onnxruntime");
    fs::rename(package.join("capi").join(pin.library), ready.join(pin.library))?;
    for notice in NOTICES {
        fs::rename(package.join(notice), ready.join(notice))?;
    }
    let found = sha256(&ready.join(pin.library))?;
    if found != pin.library_sha256 {
        bail!("the library has the digest {found} and not the pinned {}", pin.library_sha256);
    }
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above)?;
    }
    if folder.exists() {
        fs::rename(folder, work.join("former"))?;
    }
    fs::rename(&ready, folder).or_else(|error| {
        // Another process was quicker; its library is as good if it is the pinned one.
        match sha256(&folder.join(pin.library)) {
            Ok(found) if found == pin.library_sha256 => Ok(()),
            _ => Err(error),
        }
    })?;
    Ok(())
}

/// Lets pip fetch the wheel of this platform, whatever version of Python runs it.
fn download(pin: &Pin, work: &Path) -> Result<PathBuf> {
    let help = format!(
        "Fetch the wheel on any computer (python3 -m pip download --no-deps --only-binary :all: --platform {} \
         --python-version 3.11 onnxruntime=={VERSION}), then: cargo xtask setup --wheel FILE\n\
         Or set {LIBRARY_VARIABLE} to a library that is here already",
        pin.platform
    );
    let python = python::find().map_err(|error| anyhow!("{error:#}\n{help}"))?;
    eprintln!("Fetching ONNX Runtime {VERSION} from PyPI (24 MB)");
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11"]);
    pip.args(["--platform", pin.platform, "--dest"]).arg(work).arg(format!("onnxruntime=={VERSION}"));
    shell::output(&mut pip).map_err(|error| anyhow!("the wheel could not be fetched: {error:#}\n{help}"))?;
    let wheels = fs::read_dir(work)?.flatten().map(|entry| entry.path());
    wheels.into_iter().find(|path| path.extension().is_some_and(|e| e == "whl")).context("pip left no wheel")
}

/// A wheel is a zip file; whichever program can open one does.
fn unzip(wheel: &Path, to: &Path) -> Result<()> {
    if let Ok(python) = python::find() {
        shell::output(Command::new(python).args(["-m", "zipfile", "-e"]).arg(wheel).arg(to))?;
    } else if let Some(unzip) = shell::which("unzip") {
        shell::output(Command::new(unzip).arg("-q").arg(wheel).arg("-d").arg(to))?;
    } else {
        fs::create_dir_all(to)?;
        let mut tar = Command::new("tar");
        tar.arg("-xf").arg(wheel).arg("-C").arg(to);
        shell::output(&mut tar).context("Python, unzip or bsdtar is needed to open the wheel")?;
    }
    Ok(())
}

/// SHA-256 of a file, in hexadecimal digits.
pub fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_of_known_bytes() {
        assert_eq!(hex(&Sha256::digest(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn pins_are_whole_digests_for_different_platforms() {
        for (i, pin) in PINS.iter().enumerate() {
            assert!([pin.wheel_sha256, pin.library_sha256].iter().all(|d| d.len() == 64), "{}", pin.platform);
            assert!(PINS[..i].iter().all(|other| (other.os, other.arch) != (pin.os, pin.arch)));
        }
    }
}
