//! Fills a registry for benchmarks of its lists.

use desk_core::Digest;
use serde_json::json;

use crate::Store;
use crate::error::StoreError;

impl Store {
    /// Adds `models` models with `versions` versions between them, as rows only: no blobs, no
    /// operations. For benchmarks; needs an empty registry.
    #[doc(hidden)]
    pub fn seed_for_benchmark(&self, models: u32, versions: u32) -> Result<(), StoreError> {
        let each = (versions / models.max(1)).max(1);
        let summary = json!({ "format": "onnx", "family": "tree-ensemble", "inputs": 1, "outputs": 2,
                              "producer": "skl2onnx 1.20.0", "parameters": 123_456 });
        let summary = crate::change::text("summary", &summary)?;
        self.change(|change| {
            let mut model = change
                .tx
                .prepare("INSERT INTO model VALUES (?1, ?2, ?3, ?3, NULL, ?4, ?4, ?5, ?5, 100000, ?3, ?6, '')")?;
            let mut version = change.tx.prepare(
                "INSERT INTO version (model_id, number, manifest, content, size_bytes, created_at, summary, note)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '')",
            )?;
            let mut alias = change.tx.prepare("INSERT INTO alias VALUES (?1, 'champion', ?2, ?3)")?;
            for id in 1..=models {
                let at = change.micros() - i64::from(id) * 1_000_000;
                // A multiplication scatters the names, so that sorting by name has something to do.
                let name = format!("model-{:08x}", id.wrapping_mul(2_654_435_761));
                let latest = Digest::of(format!("{id}/{each}")).hex();
                model.execute((id, name, at, each, latest, &summary))?;
                for number in 1..=each {
                    let digest = Digest::of(format!("{id}/{number}")).hex();
                    version.execute((id, number, &digest, &digest, 100_000, at, &summary))?;
                }
                alias.execute((id, each, at))?;
            }
            Ok(())
        })
    }
}
