//! How to ask what is live: a request with one of the version's golden rows.

use desk_core::{Dim, Fault, ValueType, VersionRef};

use crate::Desk;

impl Desk {
    /// The command line that asks a live deployment for one of its golden rows; `None` where nothing of it answers
    /// anywhere, or its values cannot be written as JSON.
    pub fn example_request(&self, deployment: &str) -> Result<Option<String>, Fault> {
        let item = self.0.store.get_deployment(deployment)?;
        let Some(url) = &item.url else { return Ok(None) };
        let row = self.0.store.resolve(&VersionRef::numbered(item.model.clone(), item.number))?;
        let manifest = self.manifest(&row)?;
        let Some(golden) = self.golden(&manifest)? else { return Ok(None) };
        let fixed = manifest.description.signature.inputs.iter().find_map(|input| match &input.value_type {
            ValueType::Tensor { shape: Some(shape), .. } => match shape.first() {
                Some(Dim::Fixed(rows)) => usize::try_from(*rows).ok(),
                _ => None,
            },
            _ => None,
        });
        let base = url.split_once("/v2/models/").map_or(url.as_str(), |(base, _)| base);
        Ok(desk_deploy::example(base, item.model.as_str(), &golden, fixed))
    }
}
