//! Scoring a file: read, run and write at the same time, in bounded memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, Sender, bounded};
use desk_core::{Cancel, Description, Dim, Fault, FaultKind, NamedTensor, NoProgress, Progress, ProgressSink as _};
use desk_data::{Binding, OpenOptions, TableReader};
use desk_jobs::JobContext;
use desk_runtime::{Device, SessionPool};

use super::answers::{Answers, Scored, Written};
use super::columns::bind;
use super::protocol::{ScoreReply, ScoreRequest};
use super::sessions::{Sessions, run_fixed};

/// Batches that wait between two stages: enough to keep both busy, few enough to bound memory.
const WAITING: usize = 2;
/// Cells in a batch when nobody says how many rows: large enough to hide the cost of a call, small
/// enough to stay near the processor.
const CELLS_PER_BATCH: usize = 1 << 19;
/// Most and fewest rows of such a batch.
const ROWS_PER_BATCH: (usize, usize) = (16, 16_384);

/// Some rows on their way from the reader to the model.
struct Piece {
    batch: RecordBatch,
    inputs: Vec<NamedTensor>,
    first_row: u64,
    total: Option<u64>,
}

/// Scores a whole file.
pub fn score(sessions: &Sessions, request: &ScoreRequest, ctx: &JobContext) -> Result<ScoreReply, Fault> {
    let began = Instant::now();
    let device: Device = request.device.parse()?;
    let (engine, pool) = sessions.pool(&request.model, device)?;
    let mut reader = desk_data::open(&request.data, &OpenOptions::default())?;
    let binding = bind(&request.columns, &request.description, reader.as_ref())?;
    let echo = if request.echo { column_names(reader.as_ref()) } else { Vec::new() };
    reader.prepare(&binding.read_plan(&echo))?;
    let rows_per_batch = request.batch.or(binding.fixed_batch()).unwrap_or_else(|| batch_rows(&request.description));

    let data = request.data.clone();
    let cancel = ctx.cancel.clone();
    let digest = std::thread::spawn(move || desk_data::digest_file(&data, &cancel, &NoProgress));
    let mut flow = Flow { binding: &binding, pool: &pool, ctx, model_time: Duration::ZERO, rows: 0, sample: None };
    let answers = Answers::new(request, &binding);
    let written = flow.run(reader, rows_per_batch, answers);
    let digest = digest.join().map_err(|_panic| Fault::bug("the thread that digests the data stopped"));
    let written = written?;
    let (rows, model_time) = (flow.rows, flow.model_time);
    let provider_nodes = match flow.sample {
        Some(sample) => pool.get(&ctx.cancel)?.provider_nodes(sample)?,
        None => BTreeMap::new(),
    };
    Ok(ScoreReply {
        rows,
        seconds: began.elapsed().as_secs_f64(),
        model_seconds: model_time.as_secs_f64(),
        device: pool.device_used().to_string(),
        runtime: engine.version().to_owned(),
        provider_nodes,
        mapping: serde_json::to_value(binding.report()).unwrap_or_default(),
        output_columns: written.columns,
        head: written.head,
        metrics: written.metrics,
        target: binding.target_column().map(str::to_owned),
        warnings: written.warnings,
        data_digest: digest??,
        result_digest: desk_data::digest_file(&request.out, &ctx.cancel, &NoProgress)?,
    })
}

/// Three stages at work at the same time: a thread reads, this one runs the model, a thread writes.
struct Flow<'a> {
    binding: &'a Binding,
    pool: &'a SessionPool,
    ctx: &'a JobContext,
    model_time: Duration,
    rows: u64,
    sample: Option<Vec<NamedTensor>>,
}

impl Flow<'_> {
    fn run(&mut self, reader: Box<dyn TableReader>, rows_per_batch: usize, answers: Answers) -> Result<Written, Fault> {
        let (to_model, from_reader) = bounded(WAITING);
        let (to_writer, from_model) = bounded(WAITING);
        std::thread::scope(|scope| {
            let reading = Reading { binding: self.binding, cancel: self.ctx.cancel.clone(), to_model };
            let reading = scope.spawn(move || reading.run(reader, rows_per_batch));
            let writing = scope.spawn(move || answers.take_all(&from_model));
            let scored = self.model(&from_reader, &to_writer);
            // A stage that fails closes its channels, which ends the others: ask in the order of
            // the data, so that the cause is told and not its effect.
            drop((from_reader, to_writer));
            let stopped = |_panic| Fault::bug("a thread of the scoring stopped");
            let read = reading.join().map_err(stopped)?;
            let written = writing.join().map_err(stopped)?;
            read?;
            match (scored, written) {
                (Ok(()), written) => written,
                // The writer went away first.
                (Err(fault), Err(cause)) if fault.kind == FaultKind::Bug => Err(cause),
                (Err(fault), _) => Err(fault),
            }
        })
    }

    fn model(&mut self, from_reader: &Receiver<Piece>, to_writer: &Sender<Scored>) -> Result<(), Fault> {
        let mut session = self.pool.get(&self.ctx.cancel)?;
        for piece in from_reader {
            self.ctx.cancel.check()?;
            self.rows = piece.first_row + piece.batch.num_rows() as u64;
            if self.sample.is_none() {
                self.sample = Some(first_rows(&piece.inputs, self.binding.fixed_batch()));
            }
            let began = Instant::now();
            let outputs = match self.binding.fixed_batch() {
                Some(batch) => run_fixed(&mut session, &piece.inputs, batch, &self.ctx.cancel)?,
                None => session.run(piece.inputs, &self.ctx.cancel)?,
            };
            self.model_time += began.elapsed();
            self.ctx.report(Progress::new("Scoring", self.rows, piece.total, "rows"));
            if to_writer.send(Scored { batch: piece.batch, outputs }).is_err() {
                return Err(Fault::bug("the writer of the answers stopped"));
            }
        }
        Ok(())
    }
}

/// The stage that reads.
struct Reading<'a> {
    binding: &'a Binding,
    cancel: Cancel,
    to_model: Sender<Piece>,
}

impl Reading<'_> {
    fn run(self, mut reader: Box<dyn TableReader>, rows_per_batch: usize) -> Result<(), Fault> {
        let mut first_row = 0;
        while let Some(batch) = reader.next_batch(rows_per_batch)? {
            self.cancel.check()?;
            let inputs = self.binding.tensors(&batch, first_row)?;
            let rows = batch.num_rows() as u64;
            let total = reader.row_count().or_else(|| reader.row_estimate());
            // The model's stage went away: it tells why.
            if self.to_model.send(Piece { batch, inputs, first_row, total }).is_err() {
                return Ok(());
            }
            first_row += rows;
        }
        Ok(())
    }
}

fn column_names(reader: &dyn TableReader) -> Vec<String> {
    reader.schema().fields().iter().map(|field| field.name().clone()).collect()
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

/// A few rows for the proof of placement.
fn first_rows(inputs: &[NamedTensor], fixed: Option<usize>) -> Vec<NamedTensor> {
    let rows = inputs.first().map_or(0, |input| input.tensor.rows());
    let few = fixed.unwrap_or(2);
    if rows < few {
        return inputs.to_vec();
    }
    let cut = |input: &NamedTensor| NamedTensor::new(input.name.clone(), input.tensor.slice_rows(0, few));
    inputs.iter().map(cut).collect()
}
