//! Where a model runs, as people name it.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::RuntimeError;

/// What NVIDIA's libraries read.
const NVIDIA_READ: &[&str] =
    &["/proc/driver/nvidia", "/proc/devices", "/sys/bus/pci", "/sys/devices", "/usr/local/cuda"];
/// What Vulkan and OpenCL loaders read.
const GPU_READ: &[&str] = &["/usr/share/vulkan", "/etc/vulkan", "/etc/OpenCL", "/sys/class/drm", "/sys/dev/char"];

/// The device that a session is opened on. An explicit device either works or is an error; only
/// [`Device::Auto`] chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// CUDA where it really works, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(u32),
    /// Any GPU through WebGPU.
    WebGpu,
    /// Intel's OpenVINO, with full float32 precision.
    OpenVino,
}

impl Device {
    /// What a sandbox has to let through for this device: files to read, and device files to write
    /// and control. Only what exists on this computer; nothing for the CPU.
    pub fn files(self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let dev = |prefixes: &[&str]| -> Vec<PathBuf> {
            let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
            let wanted = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
            entries.filter(|entry| wanted(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
        };
        let existing =
            |paths: &[&str]| -> Vec<PathBuf> { paths.iter().map(PathBuf::from).filter(|path| path.exists()).collect() };
        match self {
            Self::Cpu => (Vec::new(), Vec::new()),
            Self::Auto | Self::Cuda(_) => (existing(NVIDIA_READ), dev(&["nvidia"])),
            Self::WebGpu | Self::OpenVino => {
                let mut read = existing(NVIDIA_READ);
                read.extend(existing(GPU_READ));
                (read, dev(&["nvidia", "dri", "accel"]))
            }
        }
    }

    /// The name of ONNX Runtime's execution provider that does the work; `None` for `Auto`.
    pub fn provider(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::Cpu => Some("CPUExecutionProvider"),
            Self::Cuda(_) => Some("CUDAExecutionProvider"),
            Self::WebGpu => Some("WebGpuExecutionProvider"),
            Self::OpenVino => Some("OpenVINOExecutionProvider"),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(0) => f.write_str("cuda"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
            Self::WebGpu => f.write_str("webgpu"),
            Self::OpenVino => f.write_str("openvino"),
        }
    }
}

impl FromStr for Device {
    type Err = RuntimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || RuntimeError::DeviceName(text.to_owned());
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "webgpu" => Ok(Self::WebGpu),
            "openvino" => Ok(Self::OpenVino),
            other => {
                let number = other.strip_prefix("cuda:").filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
                number.and_then(|n| n.parse().ok()).map(Self::Cuda).ok_or_else(bad)
            }
        }
    }
}

impl Serialize for Device {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Device {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<(Device, &str)>) {
        match (text.parse::<Device>(), expect) {
            (Ok(found), Some((device, shown))) => {
                assert_eq!(found, device, "{text}");
                assert_eq!(found.to_string(), shown);
            }
            (Err(_), None) => {}
            (found, expect) => panic!("{text}: {found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn the_cpu_needs_no_device_files() {
        assert_eq!(Device::Cpu.files(), (Vec::new(), Vec::new()));
        let (read, write) = Device::WebGpu.files();
        assert!(read.iter().chain(&write).all(|path| path.exists()));
    }

    #[test]
    fn names() {
        check("auto", Some((Device::Auto, "auto")));
        check("CPU", Some((Device::Cpu, "cpu")));
        check("cuda", Some((Device::Cuda(0), "cuda")));
        check("cuda:0", Some((Device::Cuda(0), "cuda")));
        check("cuda:12", Some((Device::Cuda(12), "cuda:12")));
        check("webgpu", Some((Device::WebGpu, "webgpu")));
        check("openvino", Some((Device::OpenVino, "openvino")));
        for bad in ["", "gpu", "cuda:", "cuda:-1", "cuda:+1", "cuda:99999999999", "cpu:0"] {
            check(bad, None);
        }
    }
}
