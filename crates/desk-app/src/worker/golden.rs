//! Golden rows: a few inputs and what the model answers to them here.

use std::path::Path;

use desk_core::{Fault, GoldenRows, GoldenSource, NamedTensor, Parity, Tolerance};
use desk_data::DataError;
use desk_jobs::JobContext;
use desk_runtime::{Device, SessionPool};

use super::answers::NotFinite;
use super::columns::{bind, open, with_gaps};
use super::protocol::{GoldenReply, GoldenRequest};
use super::rows::one_answer_each;
use super::sessions::{Sessions, run_fixed};
use super::unseen::Unseen;

/// Makes golden rows; the second part is their JSON.
pub fn make(sessions: &Sessions, request: &GoldenRequest, ctx: &JobContext) -> Result<(GoldenReply, Vec<u8>), Fault> {
    let (engine, pool) = sessions.pool(&request.model, Device::Cpu)?;
    let mut warnings = Vec::new();
    let (source, inputs, fixed) = if let Some(path) = &request.data {
        let (inputs, fixed) = from_data(path, request, &mut warnings)?;
        (GoldenSource::UserData, inputs, fixed)
    } else {
        let signature = pool.signature();
        let known = &request.description.categories;
        let inputs = desk_runtime::make_golden_inputs_from(signature, request.rows, request.seed, known)?;
        (GoldenSource::Generated, inputs, None)
    };
    let outputs = run(&pool, &inputs, fixed, ctx)?;
    let rows = inputs.first().map_or(0, |input| input.tensor.rows());
    one_answer_each(rows, &outputs)?;
    let together =
        fixed.is_none() && !request.description.is_random() && depend_on_each_other(&pool, &inputs, &outputs, ctx)?;
    let mut unusual = NotFinite::default();
    unusual.add(&outputs);
    warnings.extend(unusual.warning());
    // Rows that the model sends to NaN prove nothing about sameness of the others, but they stay: parity counts
    // NaN as equal to NaN, and calls nothing proven where there is nothing else.
    let made_with = format!("onnxruntime {} cpu", engine.version());
    let golden = GoldenRows { source, rows, inputs, outputs, made_with: made_with.clone() };
    if !golden.say_something() {
        warnings.push("every number that it answers is infinite or NaN, so they prove nothing".to_owned());
    }
    let bytes = serde_json::to_vec(&golden)
        .map_err(|error| Fault::bug("golden rows cannot be written").detail(error.to_string()))?;
    Ok((GoldenReply { rows, source, made_with, warnings, together }, bytes))
}

fn run(
    pool: &SessionPool,
    inputs: &[NamedTensor],
    fixed: Option<usize>,
    ctx: &JobContext,
) -> Result<Vec<NamedTensor>, Fault> {
    let mut session = pool.get(&ctx.cancel)?;
    match fixed {
        Some(batch) => run_fixed(&mut session, inputs, batch, &ctx.cancel),
        None => Ok(session.run(inputs.to_vec(), &ctx.cancel)?),
    }
}

/// Asks for the first row alone: true when it is answered otherwise than beside the others, such as by a model
/// that subtracts the mean of its batch. A model that takes no single row says nothing of that.
fn depend_on_each_other(
    pool: &SessionPool,
    inputs: &[NamedTensor],
    outputs: &[NamedTensor],
    ctx: &JobContext,
) -> Result<bool, Fault> {
    let rows = inputs.first().map_or(0, |input| input.tensor.rows());
    if rows < 2 || inputs.iter().chain(outputs).any(|named| named.tensor.rows() != rows) {
        return Ok(false);
    }
    let first = |all: &[NamedTensor]| -> Vec<NamedTensor> {
        all.iter().map(|named| NamedTensor::new(&named.name, named.tensor.slice_rows(0, 1))).collect()
    };
    match run(pool, &first(inputs), None, ctx) {
        Ok(alone) => Ok(!Parity::compare(&first(outputs), &alone, Tolerance::default()).ok),
        Err(fault) if fault.is_cancelled() => Err(fault),
        Err(_) => Ok(false),
    }
}

/// The first rows of a file, as inputs; with the size that the model fixes for a batch.
fn from_data(
    path: &Path,
    request: &GoldenRequest,
    warnings: &mut Vec<String>,
) -> Result<(Vec<NamedTensor>, Option<usize>), Fault> {
    let mut reader = open(path, &request.columns)?;
    let binding = bind(&request.columns, &request.description, reader.as_ref())?;
    reader.prepare(&binding.read_plan(&[]))?;
    let batch = reader.next_batch(request.rows)?.ok_or_else(|| {
        Fault::input(format!("no rows for golden rows: {}", path.display())).hint("Name a data file with rows in it")
    })?;
    warnings.extend(binding.report().warnings.iter().cloned());
    let gaps = |error: DataError| {
        let error = error.with_line(|row| reader.line_of(row));
        with_gaps(error, path, &request.columns, &binding)
    };
    let mut inputs = binding.tensors(&batch, 0).map_err(gaps)?;
    let mut unseen = Unseen::of(&request.description, &binding);
    unseen.look(&inputs, 0);
    warnings.extend(unseen.warnings());
    let named = request.description.metadata.iter().any(|(key, _)| key.eq_ignore_ascii_case("feature_names"));
    if !named && !reader.schema().metadata().contains_key(desk_data::table::META_NO_NAMES) {
        // The order that these columns had is the one to look for in other files.
        let mut columns = binding.columns();
        for input in &mut inputs {
            let names = columns.remove(&input.name);
            input.labels = names.filter(|names| names.len() > 1 && names.len() == input.tensor.row_len());
        }
    }
    Ok((inputs, binding.fixed_batch()))
}
