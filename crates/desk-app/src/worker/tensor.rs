//! Reads one tensor of a model file, part by part.

use desk_core::{Fault, Progress};
use desk_import::{TensorFormat, open_tensor};
use desk_jobs::JobContext;

use super::protocol::{TensorReply, TensorRequest, TensorWanted};

pub(super) fn read(request: &TensorRequest, ctx: &JobContext) -> Result<TensorReply, Fault> {
    let mut opened = open_tensor(&request.path, &request.place)?;
    let told = |stage: &'static str| {
        move |done: u64, total: u64| ctx.progress(Progress::new(stage, done, Some(total), "values"))
    };
    Ok(match &request.wanted {
        TensorWanted::Facts => TensorReply::Facts(Box::new(opened.facts(&ctx.cancel, &told("Reading the values"))?)),
        TensorWanted::Values { offset, limit } => TensorReply::Values(opened.values(*offset, *limit)?),
        TensorWanted::File(out) => {
            let format = TensorFormat::of(out).ok_or_else(|| Fault::bug("a tensor was asked for in no format"))?;
            TensorReply::Written(opened.export(format, out, &ctx.cancel, &told("Writing"))?)
        }
    })
}
