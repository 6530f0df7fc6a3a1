//! Parsing a model file.

use desk_core::Fault;

use super::protocol::{DescribeReply, DescribeRequest};

/// Reads what a model file says of itself, and which files belong to it.
pub fn describe(request: &DescribeRequest) -> Result<DescribeReply, Fault> {
    let source = desk_import::locate(&request.path)?;
    let entry = source.entry.clone();
    let file = source
        .files
        .iter()
        .find(|(name, _)| *name == entry)
        .map(|(_, path)| path.clone())
        .ok_or_else(|| Fault::bug("the model file is not among its files"))?;
    let description = desk_import::describe(&file)?;
    Ok(DescribeReply { description, entry, files: source.files })
}
