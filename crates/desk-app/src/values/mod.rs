//! Explanations as files: JSON for programs, Parquet for tables, a page for people.

mod page;
mod parts;
mod svg;
mod table;

use std::path::Path;

use desk_core::{Fault, FaultKind};
use desk_store::PinRow;

use crate::Desk;
use crate::outcome::{Explained, Outcome};
use crate::predict::deliver;

/// What values can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Parquet,
    Html,
}

impl Kind {
    fn of(out: &Path) -> Result<Self, Fault> {
        let extension = out.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        match extension.as_str() {
            "json" => Ok(Self::Json),
            "parquet" => Ok(Self::Parquet),
            "html" => Ok(Self::Html),
            _ => Err(Fault::input(format!("cannot write values as `.{extension}`: {}", out.display()))
                .hint("Name a file that ends in .json, .parquet or .html")),
        }
    }
}

/// Refuses a file that values cannot be written to, before they are worked out.
pub(crate) fn check_out(out: &Path) -> Result<(), Fault> {
    Kind::of(out).map(drop)
}

impl Desk {
    /// Writes a recorded explanation as a page, a table or JSON, by the ending of the file's name. Nothing is worked out again.
    ///
    /// # Errors
    /// The run is no explanation; the file cannot be written.
    pub fn save_values(&self, run: &str, out: &Path) -> Result<(), Fault> {
        let record = self.run_record(run)?;
        self.out_name(out, Path::new(&record.item.data))?;
        let Outcome::Explain(answer) = record.outcome else {
            return Err(Fault::input(format!("run {run} is no explanation"))
                .hint("See its explanations with modeldesk list runs"));
        };
        let pins = self.0.store.list_pins(&answer.model_digest)?;
        let pins: Vec<PinRow> = pins.into_iter().filter(|pin| pin.run == run).collect();
        self.write_values(&answer, &pins, out)
    }

    /// Writes the values where they were asked for, whole or not at all; a page tells of the rows that are pinned, too.
    pub(crate) fn write_values(&self, answer: &Explained, pins: &[PinRow], out: &Path) -> Result<(), Fault> {
        let kind = Kind::of(out)?;
        match kind {
            Kind::Parquet => {
                let scratch = self.scratch()?;
                let partial = scratch.path().join("values");
                table::write(answer, &partial)?;
                deliver(&partial, out)
            }
            Kind::Html => self.write_file(page::page(answer, pins).as_bytes(), out),
            Kind::Json => {
                let bytes = serde_json::to_vec_pretty(answer)
                    .map_err(|error| Fault::bug("the values cannot be written").detail(error.to_string()))?;
                self.write_file(&bytes, out)
            }
        }
    }

    /// Writes a file that somebody asked for, whole or not at all; a file that was there is replaced.
    pub fn write_file(&self, bytes: &[u8], out: &Path) -> Result<(), Fault> {
        let scratch = self.scratch()?;
        let partial = scratch.path().join("file");
        std::fs::write(&partial, bytes).map_err(|error| {
            Fault::new(FaultKind::Environment, "the file cannot be written")
                .detail(error.to_string())
                .hint("Check that the home folder is writable and the disk has room")
        })?;
        deliver(&partial, out)
    }
}

/// Answers to try the forms of files with.
#[cfg(test)]
pub(crate) mod samples {
    use std::path::PathBuf;

    use desk_core::Digest;
    use serde_json::json;

    use crate::outcome::Explained;

    /// The same from LIME: 0.1 + the contributions is what its stand-in says.
    pub fn lime() -> Explained {
        let lime = desk_explain::LimeDetail {
            parts: None,
            kernel_width: 1.299,
            discretized: true,
            samples: 5000,
            repeats: 5,
            intercepts: vec![vec![0.1], vec![0.1]],
            local_predictions: vec![vec![0.35], vec![0.0]],
            conditions: vec![vec![String::new(); 3]; 2],
        };
        let r2 = Some(vec![vec![0.5], vec![0.75]]);
        Explained { method: "lime".into(), residual_max: 0.3, r2, lime: Some(lime), ..explained() }
    }

    /// Two rows of three features, one of them with a name that is no plain text in a page.
    pub fn explained() -> Explained {
        Explained {
            version: "tumour@2".into(),
            model_digest: Digest::of("model"),
            data: "/data/heldout.csv".into(),
            data_digest: Some(Digest::of("data")),
            method: "kernel".into(),
            method_reason: "as asked".into(),
            space: "probability".into(),
            feature_names: vec!["age".into(), "<script>alert(1)</script>".into(), "size & shape".into()],
            output_from_test: false,
            target: None,
            target_from: None,
            output_names: vec!["malignant".into()],
            base_values: vec![0.4],
            values: json!([[0.3, -0.1, 0.05], [-0.2, 0.0, 0.1]]),
            predictions: vec![vec![0.65], vec![0.3]],
            probabilities: None,
            feature_values: vec![
                vec!["61".into(), "x".into(), "2.5".into()],
                vec!["30".into(), String::new(), "1".into()],
            ],
            feature_numbers: vec![vec![61.0, 0.0, 2.5], vec![30.0, f64::NAN, 1.0]],
            row_numbers: vec![4, 9],
            residual_max: 1e-9,
            std_error: Some(json!([[0.01, 0.02, 0.03], [0.01, 0.02, 0.03]])),
            r2: None,
            lime: None,
            interactions: None,
            groups: Vec::new(),
            picture: None,
            picked: None,
            background_error: None,
            settled: Vec::new(),
            truths: None,
            answered: None,
            gradient: None,
            occlusion: None,
            owen: None,
            segments: None,
            text: None,
            quality: None,
            seed: 7,
            background_rows: 100,
            background: "all rows of background.csv".into(),
            background_digest: Digest::of("background"),
            model_rows: 4096,
            seconds: 1.5,
            run: "0193".into(),
            digest: Digest::of("values"),
            out: Some(PathBuf::from("values.html")),
            warnings: vec!["Look & see".into()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_endings_are_refused_with_the_ones_there_are() {
        assert_eq!(Kind::of(Path::new("a/b.HTML")), Ok(Kind::Html));
        for bad in ["values", "values.csv", "values.html.bak"] {
            let fault = check_out(Path::new(bad)).expect_err(bad);
            assert!(fault.hints[0].contains(".parquet"), "{fault:?}");
        }
    }
}
