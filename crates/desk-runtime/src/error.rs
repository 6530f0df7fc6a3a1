//! What can go wrong between a model file and an answer, and what to do about it.

use std::path::PathBuf;

use desk_core::cancel::Cancelled;
use desk_core::words::{bytes, quoted, quoted_list};
use desk_core::{Diagnose, FaultKind, Said};

use crate::device::Device;
use crate::engine::TELEMETRY_SWITCH;
use crate::locate::LIBRARY_VARIABLE;
use crate::refusal::{Refusal, lacking};

/// How the message begins when a model is no session, whatever it would be asked.
pub const NOT_LOADED: &str = "The model cannot be loaded";

/// Everything this crate can fail with.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No ONNX Runtime library in any of the places that were looked at.
    #[error("The ONNX Runtime library was not found on this computer")]
    LibraryMissing {
        /// Where it was looked for, in order.
        looked: Vec<PathBuf>,
    },
    /// The named library file does not exist.
    #[error("There is no ONNX Runtime library at {}", path.display())]
    LibraryNotThere {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The file exists and cannot be loaded, or is another library.
    #[error("The file is not a usable ONNX Runtime library ({reason}): {}", path.display())]
    LibraryUnusable {
        /// The library file.
        path: PathBuf,
        /// What the dynamic loader or the library said.
        reason: String,
    },
    /// The library is older than this program needs.
    #[error("ONNX Runtime {found} is too old, 1.{needed} or later is needed: {}", path.display())]
    LibraryTooOld {
        /// The library file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The lowest minor version that works.
        needed: u32,
    },
    /// This process already uses another library; it cannot be exchanged.
    #[error("This process already uses the ONNX Runtime library {}, and cannot change to {}", loaded.display(), asked.display())]
    OtherLibraryLoaded {
        /// The library in use.
        loaded: PathBuf,
        /// The library that was asked for.
        asked: PathBuf,
    },
    /// The process was started without the switch that keeps the library's telemetry off.
    #[error("{TELEMETRY_SWITCH}=1 is not set, and without it ONNX Runtime records telemetry")]
    TelemetryNotDisabled,
    /// The library was loaded and did not start.
    #[error("ONNX Runtime did not start: {0}")]
    Start(String),
    /// The text is not a device name.
    #[error("Not a device: {}", quoted(.0))]
    DeviceName(String),
    /// The device that was asked for cannot be used; nothing ran elsewhere instead.
    #[error("The device `{device}` cannot be used: {reason}")]
    DeviceUnusable {
        /// The device.
        device: Device,
        /// What the runtime said.
        reason: String,
    },
    /// The model file cannot be opened as a session.
    #[error("{NOT_LOADED} ({why}): {}", model.display())]
    Model {
        /// The model file.
        model: PathBuf,
        /// Why, in our own words.
        why: Refusal,
        /// What the runtime said.
        #[source]
        said: Said,
    },
    /// The model wants something that the tensor types cannot hold.
    #[error("The model's input {name} is a {found}, and only tensors can be given", name = quoted(.name))]
    UnsupportedInput {
        /// The input.
        name: String,
        /// Its type.
        found: String,
    },
    /// None of the model's outputs can be represented.
    #[error("No output of the model is a tensor or a table of class probabilities: {}", outputs.join(", "))]
    UnsupportedOutputs {
        /// The outputs with their types.
        outputs: Vec<String>,
    },
    /// A tensor was given for a name that the model does not have.
    #[error("The model has no input {name}; its inputs are {}", quoted_list(expected, 8), name = quoted(.name))]
    UnknownInput {
        /// The name that was given.
        name: String,
        /// The names that the model has.
        expected: Vec<String>,
    },
    /// An input was given twice.
    #[error("The input {} was given twice", quoted(.0))]
    DuplicateInput(String),
    /// An input was not given.
    #[error("The input {name} ({expected}) is missing", name = quoted(.name))]
    MissingInput {
        /// The input.
        name: String,
        /// Its type.
        expected: String,
    },
    /// The elements have another type than the model wants.
    #[error("The input {name} needs {expected} and got {found}", name = quoted(.name))]
    WrongType {
        /// The input.
        name: String,
        /// The element type that the model wants.
        expected: &'static str,
        /// The element type that was given.
        found: &'static str,
    },
    /// The shape does not fit.
    #[error("The input {name} needs the shape {expected} and got {found}: {reason}", name = quoted(.name))]
    WrongShape {
        /// The input.
        name: String,
        /// The shape that the model wants.
        expected: String,
        /// The shape that was given.
        found: String,
        /// Which dimension, and why.
        reason: String,
    },
    /// A string cannot be handed to native code.
    #[error("The input {name} has a text with a NUL character in element {index}", name = quoted(.name))]
    NulInText {
        /// The input.
        name: String,
        /// The element, from 0.
        index: usize,
    },
    /// The run itself failed.
    #[error("The model failed while it ran: {0}")]
    Run(String),
    /// The run asked for more memory than there is.
    #[error("The model asks for more memory than it can have{}", at_once(*.bytes))]
    Memory {
        /// How much it asked for at once, where the runtime says so.
        bytes: Option<u64>,
        /// What the runtime said.
        #[source]
        reason: Said,
    },
    /// An output came back in a form that cannot be represented.
    #[error("The output {name} cannot be read: {reason}", name = quoted(.name))]
    Output {
        /// The output.
        name: String,
        /// Why not.
        reason: String,
    },
    /// The placement of nodes could not be determined.
    #[error("Which device ran which node is not known: {0}")]
    Placement(String),
    /// Inputs cannot be made up for this signature.
    #[error("No inputs can be generated for {input}: {reason}", input = quoted(.input))]
    CannotGenerate {
        /// The input.
        input: String,
        /// Why not.
        reason: String,
    },
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Diagnose for RuntimeError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::LibraryMissing { .. }
            | Self::LibraryNotThere { .. }
            | Self::LibraryUnusable { .. }
            | Self::LibraryTooOld { .. }
            | Self::Start(_)
            | Self::DeviceUnusable { .. }
            | Self::Memory { .. }
            | Self::Placement(_) => FaultKind::Environment,
            Self::OtherLibraryLoaded { .. } | Self::TelemetryNotDisabled => FaultKind::Bug,
            Self::DeviceName(_) => FaultKind::Usage,
            Self::Model { why, .. } => why.kind(),
            Self::UnsupportedInput { .. }
            | Self::UnsupportedOutputs { .. }
            | Self::UnknownInput { .. }
            | Self::DuplicateInput(_)
            | Self::MissingInput { .. }
            | Self::WrongType { .. }
            | Self::WrongShape { .. }
            | Self::NulInText { .. }
            | Self::Run(_)
            | Self::Output { .. }
            | Self::CannotGenerate { .. } => FaultKind::Input,
            Self::Cancelled(_) => FaultKind::Cancelled,
        }
    }

    fn hints(&self) -> Vec<String> {
        let get_it = || "Run `cargo xtask setup`, which fetches the library and keeps it for offline use".to_owned();
        let name_it =
            || format!("Name a library file in Settings > Runtime, or in the environment variable {LIBRARY_VARIABLE}");
        match self {
            Self::LibraryMissing { looked } => {
                let places: Vec<String> = looked.iter().map(|path| path.display().to_string()).collect();
                vec![get_it(), name_it(), format!("Looked in {}", places.join(", "))]
            }
            Self::LibraryNotThere { .. } => vec![name_it(), get_it()],
            Self::LibraryUnusable { .. } => {
                vec![get_it(), "Choose the library of this computer's system and processor".to_owned(), name_it()]
            }
            Self::LibraryTooOld { needed, .. } => {
                vec![get_it(), format!("Choose a library of ONNX Runtime 1.{needed} or later")]
            }
            Self::OtherLibraryLoaded { .. } => vec!["Use another worker process for another library".to_owned()],
            Self::TelemetryNotDisabled => {
                vec![format!("Set {TELEMETRY_SWITCH}=1 in the environment before the process starts")]
            }
            Self::DeviceName(_) => vec!["Write auto, cpu, cuda, cuda:N, webgpu or openvino".to_owned()],
            Self::DeviceUnusable { .. } => vec![
                "Use `--device cpu`, which always works".to_owned(),
                "Name a library that was built for this device in Settings > Runtime, and install the device's own libraries"
                    .to_owned(),
            ],
            Self::Model { why, .. } => why.hints(),
            Self::UnknownInput { .. } | Self::MissingInput { .. } => {
                vec!["Map the data's columns to the model's inputs by name or by position".to_owned()]
            }
            Self::WrongShape { .. } => {
                vec!["Give rows of that shape, or export the model with an open first dimension".to_owned()]
            }
            Self::WrongType { expected, .. } => vec![format!("Convert the values to {expected} first")],
            Self::Run(_) => vec![
                "The inputs fit its signature and it failed inside: look for values that it was not made for".to_owned(),
                "`--batch 1` fails at the first row that it does not take, or at none where rows must be alone".to_owned(),
            ],
            Self::Memory { .. } => vec![
                "Give it fewer rows at a time: --batch 1 asks for the least".to_owned(),
                "If one row asks for that much, too, the model itself does: `modeldesk graph` shows the shapes that it makes"
                    .to_owned(),
                "Close other programs, or use a computer with more memory".to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}

impl RuntimeError {
    /// A run that failed, from what the runtime said.
    pub(crate) fn of_run(reason: String) -> Self {
        match lacking(&reason) {
            None => Self::Run(reason),
            Some(lacking) => Self::Memory { bytes: lacking.bytes, reason: Said(reason) },
        }
    }
}

fn at_once(asked: Option<u64>) -> String {
    asked.map_or_else(String::new, |asked| format!(": {} at once", bytes(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_asks_for_too_much_says_how_much_and_what_to_do() {
        let said = "Non-zero status code returned while running ConstantOfShape node. bfc_arena.cc:1 \
                    Failed to allocate memory for requested buffer of size 2199023255552";
        let error = RuntimeError::of_run(said.to_owned());
        assert_eq!(error.to_string(), "The model asks for more memory than it can have: 2.2 TB at once");
        assert!(error.hints()[0].contains("--batch 1"), "{:?}", error.hints());
        let fault = desk_core::Fault::from(error);
        assert_eq!((fault.kind, fault.details), (FaultKind::Environment, vec![said.to_owned()]));
        let unsaid = RuntimeError::of_run("std::bad_alloc".to_owned());
        assert_eq!(unsaid.to_string(), "The model asks for more memory than it can have");
        let other = RuntimeError::of_run("Gather: index out of range".to_owned());
        assert!(matches!(other, RuntimeError::Run(_)) && !other.hints().is_empty(), "{other:?}");
    }
}
