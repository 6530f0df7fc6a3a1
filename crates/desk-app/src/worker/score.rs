//! Scoring a file: read, run and write at the same time, in bounded memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::Field;
use desk_core::{Description, Dim, Fault, FaultKind, NoProgress, Progress, ProgressSink as _};
use desk_data::table::META_IMAGE;
use desk_data::{DataError, Format, TableReader, typed_names};
use desk_jobs::JobContext;
use desk_runtime::Device;
use parking_lot::Mutex;

use crate::command::Echo;

use super::answers::Answers;
use super::columns::{bind, open};
use super::flow::{Done, Flow, Streams};
use super::protocol::{ScoreReply, ScoreRequest};
use super::sessions::Sessions;
use super::unseen::Unseen;

/// Cells in a batch when nobody says how many rows: large enough to hide the cost of a call, small
/// enough to stay near the processor.
const CELLS_PER_BATCH: usize = 1 << 19;
/// Most and fewest rows of such a batch.
const ROWS_PER_BATCH: (usize, usize) = (16, 16_384);

/// Scores a whole file.
pub fn score(sessions: &Sessions, request: &ScoreRequest, ctx: &JobContext) -> Result<ScoreReply, Fault> {
    let began = Instant::now();
    let device: Device = request.device.parse()?;
    ctx.report(Progress::new("Loading the model", 0, None, "rows"));
    let (engine, pool) = sessions.pool(&request.model, device)?;
    ctx.report(Progress::new("Looking at the data", 0, None, "rows"));
    let mut reader = open(&request.data, &request.columns)?;
    let binding = bind(&request.columns, &request.description, reader.as_ref())?;
    if request.positive.is_some() && binding.target_column().is_none() {
        return Err(Fault::new(
            FaultKind::Usage,
            "a positive class was named (--positive), and there is no truth to compare with",
        )
        .hint("Name the column with the truth (--target)"));
    }
    let echo = echoed(&request.echo, reader.as_ref(), Format::from_extension(&request.out))?;
    reader.prepare(&binding.read_plan(&echo))?;

    let data = request.data.clone();
    let cancel = ctx.cancel.clone();
    let digest = std::thread::spawn(move || desk_data::digest_file(&data, &cancel, &NoProgress));
    let asked = request.batch.or(binding.fixed_batch());
    let streams = Streams::choose(sessions, request, &pool, reader.as_ref(), asked, batch_rows(&request.description))?;
    let unseen = Mutex::new(Unseen::of(&request.description, &binding));
    // Where nobody fixed the rows in a call the first ones are few, so that it is soon seen how fast it goes.
    let starts_small = asked.is_none() && !request.together;
    let flow =
        Flow { request, binding: &binding, streams: &streams, unseen: &unseen, cancel: &ctx.cancel, starts_small };
    let exact = reader.row_count().is_some();
    let known = reader.row_count().or_else(|| reader.row_estimate());
    ctx.report(Progress::new("Scoring", 0, known, "rows").about(!exact));
    let answers = Answers::new(request, &binding, echo);
    let scored = flow.run(reader, answers, &|rows, total| {
        ctx.report(Progress::new("Scoring", rows, total, "rows").about(!exact && Some(rows) != total));
    });
    let digest = digest.join().map_err(|_panic| Fault::bug("the thread that digests the data stopped"));
    let unseen = unseen.into_inner();
    let Done { mut written, rows, model_seconds, latency, sample } = scored.map_err(|fault| unseen.explain(fault))?;
    written.warnings.extend(unseen.warnings());
    let provider_nodes = match sample {
        Some(sample) => pool.get(&ctx.cancel)?.provider_nodes(sample)?,
        None => BTreeMap::new(),
    };
    Ok(ScoreReply {
        rows,
        seconds: began.elapsed().as_secs_f64(),
        model_seconds,
        latency,
        device: pool.device_used().to_string(),
        runtime: engine.version().to_owned(),
        provider_nodes,
        mapping: serde_json::to_value(binding.report()).unwrap_or_default(),
        output_columns: written.columns,
        head: written.head,
        metrics: written.metrics,
        target: Some(binding.targets().join(",")).filter(|names| !names.is_empty()),
        warnings: written.warnings,
        unseen: unseen.found(),
        data_digest: digest??,
        result_digest: desk_data::digest_file(&request.out, &ctx.cancel, &NoProgress)?,
    })
}

/// The columns of the data that stand before the answers, in the file's order.
///
/// Answers to pictures begin with the names of the files; the pictures themselves only an Arrow file holds.
fn echoed(echo: &Echo, reader: &dyn TableReader, format: Option<Format>) -> Result<Vec<String>, Fault> {
    let schema = reader.schema();
    let numbers_only = matches!(format, Some(Format::Npy | Format::Npz));
    let kept = |field: &&Arc<Field>| format == Some(Format::Arrow) || !is_picture(field);
    let named = schema.fields().iter().find_map(|field| field.metadata().get(META_IMAGE)).filter(|_| !numbers_only);
    let all = schema.fields().iter().filter(kept).map(|field| field.name().clone());
    let Echo::Columns(typed) = echo else {
        return Ok(if *echo == Echo::All { all.collect() } else { named.into_iter().cloned().collect() });
    };
    let wanted: Vec<String> = typed.iter().flat_map(|names| typed_names(names, &schema)).collect();
    let known = desk_data::table::positions(&schema);
    if let Some(column) = wanted.iter().find(|name| !known.contains_key(name.as_str())) {
        return Err(DataError::NoSuchColumn { column: column.clone(), available: all.collect() }.into());
    }
    let kept: HashSet<String> = all.clone().collect();
    if let Some(column) = wanted.iter().find(|name| !kept.contains(*name)) {
        return Err(Fault::input(format!("column {column} holds pictures, which are not repeated beside the answers"))
            .hint("Leave it out: the first column names the file of each picture"));
    }
    let wanted: HashSet<String> = wanted.into_iter().collect();
    Ok(all.filter(|name| wanted.contains(name) || named == Some(name)).collect())
}

/// A column of PNG or JPEG files.
fn is_picture(field: &Field) -> bool {
    field.metadata().contains_key(META_IMAGE)
}

/// Rows whose cells fill a batch, from the fixed dimensions of the inputs.
fn batch_rows(description: &Description) -> usize {
    let cells = |info: &desk_core::ValueInfo| {
        let dims = info.value_type.as_tensor().and_then(|(_, shape)| shape).unwrap_or_default();
        dims.iter().skip(1).map(|dim| if let Dim::Fixed(n) = dim { *n as usize } else { 1 }).product::<usize>()
    };
    let per_row: usize = description.signature.inputs.iter().map(cells).sum();
    (CELLS_PER_BATCH / per_row.max(1)).clamp(ROWS_PER_BATCH.0, ROWS_PER_BATCH.1)
}
