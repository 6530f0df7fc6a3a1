//! Models that a file may be a new version of: those that take the same, best those that give the same, too.

use std::path::{Path, PathBuf};

use desk_core::{Fault, ModelName, Signature, SignatureChange};
use serde::{Deserialize, Serialize};

use crate::Desk;
use crate::command::Columns;
use crate::query::ModelFilter;
use crate::repair::Making;

/// So many models are looked at, those that changed last.
const LOOKED_AT: usize = 200;

/// A model that takes the same as a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Similar {
    /// The model.
    pub model: ModelName,
    /// The number of its newest version.
    pub version: u32,
    /// The data that the golden rows of that version were taken from, where it is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub golden: Option<PathBuf>,
    /// What its clients would notice: outputs that the file gives otherwise, or does not give.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<SignatureChange>,
    /// How its columns became inputs, and which has the truth.
    #[serde(flatten)]
    pub columns: Columns,
}

impl Similar {
    /// The one of several that a file most likely belongs to: the only one that gives the same, or the one that it bears
    /// the name of.
    pub fn likeliest<'s>(all: &'s [Self], path: &Path) -> Option<&'s Self> {
        let mut same = all.iter().filter(|similar| similar.changes.is_empty());
        let any_same = match (same.next(), same.next()) {
            (Some(only), None) => return Some(only),
            (first, _) => first.is_some(),
        };
        let letters = |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
        let stem = letters(&path.file_stem().unwrap_or_default().to_string_lossy());
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        let folder = letters(&folder.to_string_lossy());
        let alike = |similar: &&Self| {
            let name = letters(similar.model.as_str());
            let alike = stem.starts_with(&name) || name.starts_with(&stem) || folder == name;
            alike && (similar.changes.is_empty() || !any_same)
        };
        let mut alike = all.iter().filter(alike);
        alike.next().filter(|_| alike.next().is_none())
    }
}

impl Desk {
    /// Models whose newest version takes the same: those that give the same first, then those that changed last.
    pub(crate) fn similar(&self, signature: &Signature) -> Result<Vec<Similar>, Fault> {
        let mut models = self.models(&ModelFilter::default())?;
        models.sort_by(|a, b| b.updated_at.cmp(&a.updated_at));
        let mut similar = Vec::new();
        for model in models.into_iter().take(LOOKED_AT) {
            let Some(row) = self.0.store.get_model(&model.name)?.latest else { continue };
            // One that is damaged is told where it is used.
            let Ok(manifest) = self.manifest(&row) else { continue };
            let former = &manifest.description.signature;
            let turned = |change: SignatureChange| SignatureChange { was: change.is, is: change.was, ..change };
            let back: Vec<_> = former.breaks(signature).into_iter().map(turned).collect();
            let changes = signature.breaks(former);
            if changes.iter().chain(&back).any(|change| change.part == "input") {
                continue;
            }
            // An output that is new breaks nobody, and is another answer all the same.
            let changes = if changes.is_empty() { back } else { changes };
            let making = Making::of(&row);
            let columns = making.as_ref().map(|making| making.columns.clone()).unwrap_or_default();
            let golden = making.and_then(|making| making.data).filter(|data| data.exists());
            similar.push(Similar { model: model.name, version: row.number, golden, changes, columns });
        }
        similar.sort_by_key(|one| !one.changes.is_empty());
        Ok(similar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_the_only_model_or_to_the_one_of_its_name() {
        let similar = |name: &str| {
            let change = SignatureChange { part: "output".into(), name: "p".into(), was: None, is: None };
            Similar {
                model: name.parse().expect("a name"),
                version: 1,
                golden: None,
                changes: Vec::from_iter(name.ends_with("-other").then_some(change)),
                columns: Columns::default(),
            }
        };
        let likeliest = |names: &[&str], path: &str| {
            let all: Vec<Similar> = names.iter().map(|name| similar(name)).collect();
            Similar::likeliest(&all, Path::new(path)).map(|similar| similar.model.to_string())
        };
        assert_eq!(likeliest(&["churn"], "/a/anything.onnx").as_deref(), Some("churn"));
        assert_eq!(likeliest(&["churn", "fraud"], "/a/churn-v2.onnx").as_deref(), Some("churn"));
        assert_eq!(likeliest(&["churn", "fraud"], "/models/fraud/v2.onnx").as_deref(), Some("fraud"));
        assert_eq!(likeliest(&["churn", "fraud"], "/a/other.onnx"), None);
        assert_eq!(likeliest(&["churn", "churn-b"], "/a/churn-b-v2.onnx"), None, "it could be either");
        assert_eq!(likeliest(&[], "/a/churn.onnx"), None);
        assert_eq!(likeliest(&["churn-other"], "/a/x.onnx"), None, "it gives something else");
        assert_eq!(likeliest(&["churn-other"], "/a/churn-other-2.onnx").as_deref(), Some("churn-other"));
        assert_eq!(likeliest(&["churn-other", "fraud"], "/a/churn-other-2.onnx").as_deref(), Some("fraud"));
    }
}
