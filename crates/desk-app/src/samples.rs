//! The bundled samples: written to the home, so that everything works offline.

use std::path::{Path, PathBuf};

use desk_core::{Cancel, Fault, FaultKind, ProgressSink};

use crate::Desk;
use crate::command::{Columns, Import};
use crate::outcome::{Outcome, SampleItem, SamplesAdded};

/// A file of the samples: path below `assets/samples`, and its bytes.
type Bundled = (&'static str, &'static [u8]);

macro_rules! bundle {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/samples/", $path)))),*]
    };
}

const FILES: &[Bundled] = bundle![
    "tumour/v1.onnx",
    "tumour/v2.onnx",
    "tumour/heldout.csv",
    "tumour/background.csv",
    "tumour/card.md",
    "penguins/model.onnx",
    "penguins/heldout.csv",
    "penguins/background.csv",
    "penguins/card.md",
    "digits/model.onnx",
    "digits/heldout.npz",
    "digits/card.md",
    "digits/images/001.png",
    "digits/images/002.png",
    "digits/images/003.png",
    "digits/images/004.png",
    "digits/images/005.png",
    "digits/images/006.png",
    "digits/images/007.png",
    "digits/images/008.png",
    "digits/images/009.png",
    "digits/images/010.png",
    "digits/images/011.png",
    "digits/images/012.png",
    "digits/images/013.png",
    "digits/images/014.png",
    "digits/images/015.png",
    "digits/images/016.png",
    "digits/images/017.png",
    "digits/images/018.png",
    "digits/images/019.png",
    "digits/images/020.png",
    "digits/images/labels.csv",
];

/// What is imported: model name, model file, data, background, a line for people.
const MODELS: &[(&str, &str, &str, Option<&str>, &str)] = &[
    ("tumour", "tumour/v1.onnx", "tumour/heldout.csv", Some("tumour/background.csv"), "boosted trees, first version"),
    ("tumour", "tumour/v2.onnx", "tumour/heldout.csv", Some("tumour/background.csv"), "boosted trees, better version"),
    (
        "penguins",
        "penguins/model.onnx",
        "penguins/heldout.csv",
        Some("penguins/background.csv"),
        "pipeline with text and number columns",
    ),
    ("digits", "digits/model.onnx", "digits/heldout.npz", None, "image classifier"),
];

impl Desk {
    /// The folder that the samples' files are written to.
    pub fn samples_folder(&self) -> PathBuf {
        self.home().join("samples")
    }

    /// The samples' models, each with how many versions it has.
    pub fn sample_models() -> Vec<(&'static str, u32)> {
        let mut models: Vec<(&str, u32)> = Vec::new();
        for (name, ..) in MODELS {
            match models.iter_mut().find(|(known, _)| known == name) {
                Some((_, versions)) => *versions += 1,
                None => models.push((name, 1)),
            }
        }
        models
    }

    /// Writes the samples' files and imports those that are not versions yet.
    pub(crate) fn add_samples(&self, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<SamplesAdded, Fault> {
        let folder = self.samples_folder();
        for (name, bytes) in FILES {
            write_if_other(&folder.join(name), bytes)?;
        }
        let mut models = Vec::new();
        for (name, file, data, background, title) in MODELS {
            cancel.check()?;
            let import = Import {
                path: folder.join(file),
                name: Some(name.parse()?),
                golden: Some(folder.join(data)),
                columns: Columns::default(),
                note: Some(format!("Bundled sample: {title}")),
                alias: None,
                again: false,
                golden_seconds: None,
            };
            let Outcome::Import(imported) = self.import(&import, cancel, progress)? else {
                return Err(Fault::bug("import answered something else"));
            };
            models.push(SampleItem {
                version: format!("{}@{}", imported.model, imported.version),
                title: (*title).to_owned(),
                data: folder.join(data),
                background: background.map(|file| folder.join(file)),
            });
        }
        Ok(SamplesAdded { folder, models })
    }
}

/// Leaves a file alone that has these bytes already.
fn write_if_other(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    if std::fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let write = || {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, bytes)
    };
    write().map_err(|error| {
        Fault::new(FaultKind::Environment, format!("cannot write a sample file: {}", path.display()))
            .detail(error.to_string())
            .hint("Check that the home folder is writable and the disk has room")
    })
}
