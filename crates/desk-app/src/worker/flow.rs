//! Rows on their way through the model: one thread reads, some run the model, one writes, all at the same time.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, Sender, bounded};
use desk_core::{Cancel, Fault, FaultKind, NamedTensor};
use desk_data::{Binding, TableReader};
use desk_runtime::{Device, Latencies, Latency, SessionPool};
use parking_lot::Mutex;

use super::answers::{Answers, Scored, Written};
use super::columns::with_gaps;
use super::protocol::ScoreRequest;
use super::sessions::{Sessions, run_fixed};
use super::unseen::Unseen;

/// Batches that wait between two stages: enough to keep both busy, few enough to bound memory.
const WAITING: usize = 2;
/// Pieces of a batch that streams take in turn: small ones keep all streams busy to the end.
const PIECES: usize = 8;
/// Largest model, in bytes, of which several copies are kept in memory.
pub(super) const SMALL_MODEL: u64 = 64 << 20;
/// Batches for each stream below which the threads of one session serve better.
const BATCHES_PER_STREAM: u64 = 4;

/// Sessions that take batches side by side.
///
/// A run that is split over threads waits for the slowest part at every node; streams of one thread
/// each do not, and score a third more rows with the same cores. They cost a copy of the model each.
pub struct Streams {
    pool: Arc<SessionPool>,
    count: usize,
    rows: usize,
    waiting: usize,
}

impl Streams {
    /// One for each core where the model is small, runs on the CPU and has batches enough to share;
    /// else one, with all cores. `asked` rows go into one call; where nobody asked, about `usual`.
    pub fn choose(
        sessions: &Sessions,
        request: &ScoreRequest,
        pool: &Arc<SessionPool>,
        reader: &dyn TableReader,
        asked: Option<usize>,
        usual: usize,
    ) -> Result<Self, Fault> {
        let rows_per_batch = asked.unwrap_or(usual);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let rows = reader.row_count().or_else(|| reader.row_estimate()).unwrap_or(0);
        let enough = rows / rows_per_batch.max(1) as u64 >= BATCHES_PER_STREAM * cores as u64;
        let file = std::fs::metadata(&request.model.entry).map_or(u64::MAX, |found| found.len());
        // Weights may lie beside the file.
        let size = file.max(request.description.parameter_count.saturating_mul(4));
        if cores < 2 || !enough || size > SMALL_MODEL || pool.device_used() != Device::Cpu {
            return Ok(Self { pool: Arc::clone(pool), count: 1, rows: rows_per_batch, waiting: WAITING });
        }
        let rows = asked.unwrap_or_else(|| usual.div_ceil(PIECES));
        Ok(Self { pool: sessions.streams(&request.model, cores)?, count: cores, rows, waiting: WAITING * PIECES })
    }
}

/// Some rows on their way from the reader to the model.
struct Piece {
    number: u64,
    batch: RecordBatch,
    inputs: Vec<NamedTensor>,
    total: Option<u64>,
}

/// What came of a piece.
struct Ran {
    scored: Scored,
    took: Duration,
    /// The first call of its stream.
    warming_up: bool,
    total: Option<u64>,
}

/// What came of all.
pub struct Done {
    /// What the writer collected.
    pub written: Written,
    /// Rows scored.
    pub rows: u64,
    /// Time in the model, in seconds, divided by the number of streams.
    pub model_seconds: f64,
    /// How long calls of the usual size took, where there were enough of them.
    pub latency: Option<Latency>,
    /// A few rows for the proof of placement; none where there was no row.
    pub sample: Option<Vec<NamedTensor>>,
}

/// What all stages share.
pub struct Flow<'a> {
    /// What was asked.
    pub request: &'a ScoreRequest,
    /// How columns become inputs.
    pub binding: &'a Binding,
    /// What runs the model.
    pub streams: &'a Streams,
    /// Looks for texts that the model does not know.
    pub unseen: &'a Mutex<Unseen>,
    /// Stops all stages.
    pub cancel: &'a Cancel,
    /// The first pieces are small, so that how far it is can be told soon.
    pub starts_small: bool,
}

/// Rows of the first piece, where it is small; each piece after it may have four times as many.
const FIRST_ROWS: usize = 16;

impl Flow<'_> {
    /// Scores all rows in their order; `progress` hears of rows done and of how many there are.
    pub fn run(
        &self,
        reader: Box<dyn TableReader>,
        answers: Answers,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> Result<Done, Fault> {
        let on_the_way = self.streams.waiting + 2 * self.streams.count;
        let (to_model, from_reader) = bounded(self.streams.waiting);
        let (to_order, from_model) = bounded(on_the_way);
        let (to_writer, in_order) = bounded(WAITING);
        // A ticket for each piece between the reader and the writer bounds what waits for a slow one.
        let (give_back, tickets) = bounded(on_the_way);
        for _ in 0..on_the_way {
            give_back.send(()).map_err(|_closed| Fault::bug("the tickets are gone"))?;
        }
        thread::scope(|scope| {
            let reading = scope.spawn(move || self.read(reader, &to_model, &tickets));
            let writing = scope.spawn(move || answers.take_all(&in_order));
            let runners: Vec<_> = (0..self.streams.count)
                .map(|_| {
                    let (from_reader, to_order) = (from_reader.clone(), to_order.clone());
                    scope.spawn(move || self.model(&from_reader, &to_order))
                })
                .collect();
            drop((from_reader, to_order));
            let ordered = self.order(&from_model, &to_writer, &give_back, progress);
            // A stage that fails closes its channels, which ends the others: ask in the order of
            // the data, so that the cause is told and not its effect.
            drop((from_model, to_writer, give_back));
            let stopped = |_panic| Fault::bug("a thread of the scoring stopped");
            let read = reading.join().map_err(stopped)?;
            let opened: Vec<Result<(), Fault>> =
                runners.into_iter().map(|runner| runner.join().map_err(stopped)).collect::<Result<_, _>>()?;
            let written = writing.join().map_err(stopped)?;
            let sample = read?;
            opened.into_iter().collect::<Result<(), Fault>>()?;
            let (rows, model_seconds, latency) = match (ordered, &written) {
                (Ok(done), _) => done,
                // The writer went away first.
                (Err(fault), Err(_)) if fault.kind == FaultKind::Bug => (0, 0.0, None),
                (Err(fault), _) => return Err(fault),
            };
            Ok(Done { written: written?, rows, model_seconds, latency, sample })
        })
    }

    /// Rows of a piece.
    fn rows_of(&self, number: u64) -> usize {
        let usual = self.streams.rows;
        let steps = u32::try_from(number).unwrap_or(u32::MAX);
        let grown = 4usize.checked_pow(steps).and_then(|times| times.checked_mul(FIRST_ROWS));
        grown.filter(|rows| self.starts_small && *rows < usual).unwrap_or(usual)
    }

    /// The stage that reads; gives the sample.
    fn read(
        &self,
        mut reader: Box<dyn TableReader>,
        to_model: &Sender<Piece>,
        tickets: &Receiver<()>,
    ) -> Result<Option<Vec<NamedTensor>>, Fault> {
        let (mut number, mut first_row, mut sample) = (0, 0, None);
        // Stages behind that go away tell why themselves.
        while tickets.recv().is_ok() {
            let Some(batch) = reader.next_batch(self.rows_of(number))? else { break };
            self.cancel.check()?;
            let inputs = self.binding.tensors(&batch, first_row).map_err(|error| {
                let error = error.with_line(|row| reader.line_of(row));
                with_gaps(error, &self.request.data, &self.request.columns, self.binding)
            })?;
            self.unseen.lock().look(&inputs, first_row);
            sample.get_or_insert_with(|| first_rows(&inputs, self.binding.fixed_batch()));
            first_row += batch.num_rows() as u64;
            let total = reader.row_count().or_else(|| reader.row_estimate());
            if to_model.send(Piece { number, batch, inputs, total }).is_err() {
                break;
            }
            number += 1;
        }
        Ok(sample)
    }

    /// One of the stages that run the model; fails only when it gets no session.
    fn model(&self, from_reader: &Receiver<Piece>, to_order: &Sender<(u64, Result<Ran, Fault>)>) -> Result<(), Fault> {
        let mut session = self.streams.pool.get(self.cancel)?;
        let mut warming_up = true;
        for Piece { number, batch, inputs, total } in from_reader {
            let began = Instant::now();
            // A piece that vanished in a panic would be waited for without end: it comes out as a fault.
            let outputs = catch_unwind(AssertUnwindSafe(|| match self.binding.fixed_batch() {
                Some(size) => run_fixed(&mut session, &inputs, size, self.cancel),
                None => session.run(inputs, self.cancel).map_err(Fault::from),
            }))
            .unwrap_or_else(|_panic| Err(Fault::bug("the model's run stopped in the middle")));
            let took = began.elapsed();
            let ran = outputs.map(|outputs| Ran { scored: Scored { batch, outputs }, took, warming_up, total });
            warming_up = false;
            if to_order.send((number, ran)).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Hands pieces on in the order of the file; gives rows, seconds in the model and how long calls took.
    fn order(
        &self,
        from_model: &Receiver<(u64, Result<Ran, Fault>)>,
        to_writer: &Sender<Scored>,
        give_back: &Sender<()>,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> Result<(u64, f64, Option<Latency>), Fault> {
        let (mut next, mut rows, mut seconds) = (0, 0, 0.0);
        let mut latencies = Latencies::new(self.streams.rows, self.streams.count);
        let mut early = BTreeMap::new();
        for (number, ran) in from_model {
            early.insert(number, ran);
            while let Some(ran) = early.remove(&next) {
                self.cancel.check()?;
                let ran = ran?;
                next += 1;
                let of_call = ran.scored.batch.num_rows();
                rows += of_call as u64;
                seconds += ran.took.as_secs_f64();
                latencies.add(of_call, ran.took, ran.warming_up);
                progress(rows, ran.total);
                to_writer.send(ran.scored).map_err(|_closed| Fault::bug("the writer of the answers stopped"))?;
                // The reader is through when nobody wants tickets.
                give_back.send(()).unwrap_or_default();
            }
        }
        // A model with a fixed batch may take a piece in several calls, which were not timed each.
        let each_timed = self.binding.fixed_batch().is_none_or(|size| self.streams.rows <= size);
        let latency = latencies.finish().filter(|_| each_timed);
        Ok((rows, seconds / self.streams.count as f64, latency))
    }
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
