//! A model that is loaded and ready to answer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use desk_core::{Cancel, NamedTensor, Said, Signature, ValueInfo};
use ort::session::builder::{AutoDevicePolicy, GraphOptimizationLevel, SessionBuilder};
use ort::session::{RunOptions, Session, SessionInputValue};

use crate::device::Device;
use crate::engine::Engine;
use crate::error::RuntimeError;
use crate::refusal::{Refusal, tidy};
use crate::{check, convert, placement, provider, signature, watcher};

/// How much the runtime may rewrite the graph before it runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Optimisation {
    /// Not at all: nodes run as the file has them.
    None,
    /// Rewrites that do not depend on the device.
    Basic,
    /// Fusions of nodes too.
    Extended,
    /// Everything, layouts included; the default.
    #[default]
    All,
}

/// What to open, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SessionSpec {
    /// The model file; its external data lies beside it.
    pub model: PathBuf,
    /// Where it runs.
    pub device: Device,
    /// Threads within one run; `None` for as many as this process has cores.
    pub intra_threads: Option<usize>,
    /// How much the graph may be rewritten.
    pub optimisation: Optimisation,
    /// A model that is in no file; `model` is what messages call it then.
    pub bytes: Option<Arc<[u8]>>,
}

impl SessionSpec {
    /// A model on [`Device::Auto`] with all cores and every optimisation.
    pub fn new(model: impl Into<PathBuf>) -> Self {
        Self {
            model: model.into(),
            device: Device::default(),
            intra_threads: None,
            optimisation: Optimisation::default(),
            bytes: None,
        }
    }

    /// Of these bytes instead of the file's.
    #[must_use]
    pub fn of_bytes(mut self, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.bytes = Some(bytes.into());
        self
    }

    /// On another device.
    #[must_use]
    pub fn on(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// With this many threads within one run, at least 1.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.intra_threads = Some(threads.max(1));
        self
    }

    /// With another degree of graph rewriting.
    #[must_use]
    pub fn with_optimisation(mut self, optimisation: Optimisation) -> Self {
        self.optimisation = optimisation;
        self
    }
}

/// A loaded model. One run at a time; see [`crate::SessionPool`] for several.
pub struct ModelSession {
    engine: Engine,
    spec: SessionSpec,
    device: Device,
    session: Session,
    signature: Signature,
    unsupported: Vec<ValueInfo>,
    options: Arc<RunOptions>,
}

impl ModelSession {
    pub(crate) fn open(engine: &Engine, spec: &SessionSpec) -> Result<Self, RuntimeError> {
        let (session, device) = open_on_best(engine, spec)?;
        let signature = signature::of(&session);
        let mut unsupported = Vec::new();
        for (outlet, info) in session.outputs().iter().zip(&signature.outputs) {
            if !convert::is_supported_output(outlet.dtype()) {
                unsupported.push(info.clone());
            }
        }
        if unsupported.len() == signature.outputs.len() {
            let outputs = unsupported.iter().map(|info| format!("`{}` ({})", info.name, info.value_type)).collect();
            return Err(RuntimeError::UnsupportedOutputs { outputs });
        }
        let options = RunOptions::new().map_err(|error| RuntimeError::Start(error.to_string()))?;
        let (engine, spec, options) = (engine.clone(), spec.clone(), Arc::new(options));
        Ok(Self { engine, spec, device, session, signature, unsupported, options })
    }

    /// Inputs and outputs as the runtime sees them.
    ///
    /// A tensor whose shape is `None` is a scalar or has an unknown rank: the runtime does not say.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Outputs that [`ModelSession::run`] leaves out, because they are neither tensors nor tables
    /// of class probabilities.
    pub fn unsupported_outputs(&self) -> &[ValueInfo] {
        &self.unsupported
    }

    /// The device that the session was opened on; never [`Device::Auto`].
    pub fn device_used(&self) -> Device {
        self.device
    }

    /// What the session was opened with.
    pub fn spec(&self) -> &SessionSpec {
        &self.spec
    }

    /// Runs the model once and returns its outputs in the signature's order.
    ///
    /// Inputs are checked against the signature first. Numbers are handed over without a copy.
    /// Setting `cancel` stops the run between two nodes of the graph, within some 10 ms, with
    /// [`RuntimeError::Cancelled`]; the session can be used again.
    pub fn run(&mut self, inputs: Vec<NamedTensor>, cancel: &Cancel) -> Result<Vec<NamedTensor>, RuntimeError> {
        cancel.check()?;
        check::inputs(&self.signature, &inputs)?;
        let values = hand_over(&self.signature, inputs)?;
        let watch = watcher::watch(cancel, &self.options);
        let outcome = self.session.run_with_options(values, &*self.options);
        drop(watch);
        let found = match outcome {
            Ok(outputs) => read_outputs(outputs, &self.unsupported),
            Err(error) => Err(RuntimeError::of_run(tidy(error.message()))),
        };
        if cancel.is_cancelled() {
            self.options.unterminate().map_err(|error| RuntimeError::Run(error.to_string()))?;
            cancel.check()?;
        }
        found
    }

    /// How many nodes each execution provider ran, by its ONNX Runtime name: the proof of where the
    /// work was done.
    ///
    /// Opens the model once more with ONNX Runtime's profiler, runs `sample` and counts the nodes
    /// in the profile. The profile is a file in the temporary folder (`TMPDIR`) and is removed.
    pub fn provider_nodes(&self, sample: Vec<NamedTensor>) -> Result<BTreeMap<String, u64>, RuntimeError> {
        check::inputs(&self.signature, &sample)?;
        let values = hand_over(&self.signature, sample)?;
        let spec = SessionSpec { device: self.device, ..self.spec.clone() };
        let prefix = placement::profile_prefix();
        let mut session = open_on(&self.engine, &spec, self.device, Some(&prefix))?;
        let ran = session.run(values).map(drop);
        let profile = session.end_profiling().map_err(|error| RuntimeError::Placement(error.to_string()))?;
        let counted = placement::count_and_remove(Path::new(&profile));
        ran.map_err(|error| RuntimeError::of_run(tidy(error.message())))?;
        counted
    }
}

impl std::fmt::Debug for ModelSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModelSession({} on {})", self.spec.model.display(), self.device)
    }
}

/// The inputs in the signature's order, which [`check::inputs`] has seen.
fn hand_over(
    signature: &Signature,
    inputs: Vec<NamedTensor>,
) -> Result<Vec<(Cow<'static, str>, SessionInputValue<'static>)>, RuntimeError> {
    let give = |given: NamedTensor| {
        let info = signature.inputs.iter().find(|info| info.name == given.name);
        let found = given.tensor.data.element();
        let wanted = info.and_then(|info| info.value_type.as_tensor()).map_or(found, |(element, _)| element);
        let name = Cow::Owned(given.name.clone());
        Ok((name, convert::input(given, wanted)?))
    };
    inputs.into_iter().map(give).collect()
}

fn read_outputs(
    outputs: ort::session::SessionOutputs<'_>,
    unsupported: &[ValueInfo],
) -> Result<Vec<NamedTensor>, RuntimeError> {
    let wanted = outputs.into_iter().filter(|(name, _)| !unsupported.iter().any(|info| info.name == *name));
    wanted.map(|(name, value)| convert::output(name, value)).collect()
}

/// Opens on the device of the spec; for `Auto` on CUDA where that works, else on the CPU.
fn open_on_best(engine: &Engine, spec: &SessionSpec) -> Result<(Session, Device), RuntimeError> {
    if spec.device != Device::Auto {
        return Ok((open_on(engine, spec, spec.device, None)?, spec.device));
    }
    if has_nvidia() {
        let device = Device::Cuda(0);
        match open_on(engine, spec, device, None) {
            Ok(session) => return Ok((session, device)),
            Err(error) => tracing::info!("The CPU is used, CUDA does not work here: {error}"),
        }
    }
    Ok((open_on(engine, spec, Device::Cpu, None)?, Device::Cpu))
}

/// True where an NVIDIA driver is present. Whether it works is only known by trying.
fn has_nvidia() -> bool {
    ["/proc/driver/nvidia", "/dev/nvidia0"].iter().any(|path| Path::new(path).exists())
}

fn open_on(
    engine: &Engine,
    spec: &SessionSpec,
    device: Device,
    profile: Option<&Path>,
) -> Result<Session, RuntimeError> {
    let unusable =
        |said: String| RuntimeError::Model { model: spec.model.clone(), why: Refusal::of(&said), said: Said(said) };
    let builder = options(engine, spec, profile).map_err(|error| unusable(error.message().to_owned()))?;
    let mut builder = provider::add(engine, builder, device)
        .map_err(|error| RuntimeError::DeviceUnusable { device, reason: tidy(error.message()) })?;
    // The bindings panic on types that they have no word for, such as a sequence of sequences.
    let committed = catch_unwind(AssertUnwindSafe(|| match &spec.bytes {
        Some(bytes) => builder.commit_from_memory(bytes),
        None => builder.commit_from_file(&spec.model),
    }));
    match committed {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(unusable(error.message().to_owned())),
        Err(_panic) => Err(unusable("an input or output has a type that is not supported".to_owned())),
    }
}

fn options(engine: &Engine, spec: &SessionSpec, profile: Option<&Path>) -> Result<SessionBuilder, ort::Error> {
    let threads = spec.intra_threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let level = match spec.optimisation {
        Optimisation::None => GraphOptimizationLevel::Disable,
        Optimisation::Basic => GraphOptimizationLevel::Level1,
        Optimisation::Extended => GraphOptimizationLevel::Level2,
        Optimisation::All => GraphOptimizationLevel::All,
    };
    let builder = Session::builder(engine.environment())?
        // Providers are named here and nowhere else: the runtime must not add one of its own choice.
        .with_auto_device(AutoDevicePolicy::PreferCPU)?
        .with_optimization_level(level)?
        .with_intra_threads(threads)?
        // Spinning threads win microseconds and cost a core: a desk has other things to do.
        .with_intra_op_spinning(false)?;
    match profile {
        Some(prefix) => Ok(builder.with_profiling(prefix)?),
        None => Ok(builder),
    }
}
