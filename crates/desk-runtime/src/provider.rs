//! Adds the execution provider of a device to a session, or fails: never another one instead.

use std::env;
use std::path::PathBuf;

use ort::ep::{CUDA, OpenVINO, WebGPU};
use ort::session::builder::SessionBuilder;
use parking_lot::Mutex;

use crate::device::Device;
use crate::engine::Engine;

/// Environment variable that names OpenVINO's provider library, where it does not lie beside the
/// ONNX Runtime library.
const OPENVINO_VARIABLE: &str = "MODELDESK_OPENVINO_LIB";
const OPENVINO_FILE: &str = "libonnxruntime_providers_openvino_plugin.so";

pub(crate) fn add(engine: &Engine, builder: SessionBuilder, device: Device) -> Result<SessionBuilder, ort::Error> {
    let provider = match device {
        Device::Auto | Device::Cpu => return add_cpu(engine, builder),
        Device::Cuda(number) => {
            let number = i32::try_from(number).map_err(|error| ort::Error::new(error.to_string()))?;
            CUDA::default().with_device_id(number).build()
        }
        Device::WebGpu => WebGPU::default().build(),
        Device::OpenVino => match openvino_plugin(engine) {
            Some(library) => return add_openvino_plugin(engine, builder, &library),
            None => OpenVINO::default().with_precision("ACCURACY").build(),
        },
    };
    Ok(builder.with_execution_providers([provider.error_on_failure()])?)
}

/// The runtime's own CPU provider, named like the others: without any provider the runtime chooses
/// one itself, and that may be another one once a provider's library is registered.
fn add_cpu(engine: &Engine, builder: SessionBuilder) -> Result<SessionBuilder, ort::Error> {
    let mut devices = engine.environment().devices();
    match devices.find(|device| device.ep().is_ok_and(|name| name == "CPUExecutionProvider")) {
        Some(device) => Ok(builder.with_devices([device], None)?),
        None => Ok(builder),
    }
}

fn openvino_plugin(engine: &Engine) -> Option<PathBuf> {
    let named = env::var_os(OPENVINO_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let beside = engine.library().parent().map(|folder| folder.join(OPENVINO_FILE));
    named.or(beside).filter(|path| path.is_file())
}

/// OpenVINO as a separate library, pinned to float32: on some processors it computes in bfloat16
/// otherwise, which is enough to flip a class.
fn add_openvino_plugin(
    engine: &Engine,
    builder: SessionBuilder,
    library: &std::path::Path,
) -> Result<SessionBuilder, ort::Error> {
    static REGISTERED: Mutex<bool> = Mutex::new(false);
    let provider = "OpenVINOExecutionProvider";
    let environment = engine.environment();
    let mut registered = REGISTERED.lock();
    if !*registered {
        environment.register_ep_library("openvino_ep", library)?;
        *registered = true;
    }
    drop(registered);
    let device = environment
        .devices()
        .find(|device| device.ep().is_ok_and(|name| name == provider))
        .ok_or_else(|| ort::Error::new("OpenVINO's library is present and found no device"))?;
    let option = (format!("{provider}.load_config"), r#"{"CPU":{"INFERENCE_PRECISION_HINT":"f32"}}"#.to_owned());
    Ok(builder.with_devices([device], Some(&[option]))?)
}
