//! Sessions that stay loaded: one pool for each version and device.

use std::collections::HashMap;
use std::sync::Arc;

use desk_core::{Cancel, Digest, Fault, NamedTensor, OperatorUse};
use desk_explain::Method;
use desk_grad::{Gradient, Side, Through, Wanted};
use desk_runtime::{Device, Engine, SessionPool, SessionSpec};
use parking_lot::Mutex;

use super::flow::SMALL_MODEL;
use super::protocol::{ModelFiles, RowsReply, RowsRequest};
use super::shared::{self, Shared};

/// Sessions of one model that may run at the same time.
const PER_MODEL: usize = 2;

/// How many sessions of a model with trees share out the rows that an explanation asks about: each holds the model.
const MOST_SHARED: usize = 8;

/// What sessions are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Use {
    /// Runs that have all cores to themselves.
    Alone,
    /// Batches of one run side by side, each on one thread.
    Streams,
    /// Rows that an explanation asks about, each piece on one thread.
    Shared,
}

/// Which sessions: of what, where, and for what.
type Key = (Digest, Device, Use);

/// Which backward graph: of what, of which output, of which side of its last activation, for which method, up
/// to which layer.
type GradientKey = (Digest, String, Side, Method, Option<String>);

/// What is loaded.
#[derive(Default)]
pub struct Sessions {
    plain: Mutex<HashMap<Key, Arc<SessionPool>>>,
    gradients: Mutex<HashMap<GradientKey, Arc<Differentiable>>>,
}

/// A model with its backward graph.
pub struct Differentiable {
    /// What was built; the bytes are in the sessions.
    pub built: Gradient,
    /// Its sessions.
    pub pool: SessionPool,
}

impl Sessions {
    /// The sessions of a version on a device, opened when they are first asked for.
    pub fn pool(&self, model: &ModelFiles, device: Device) -> Result<(Engine, Arc<SessionPool>), Fault> {
        let engine = Engine::load(&model.library)?;
        let pool = self.open(&engine, model, (device, Use::Alone), PER_MODEL)?;
        Ok((engine, pool))
    }

    /// The sessions that answer what an explanation asks, on the CPU, and how many may do so side by side.
    ///
    /// A node of trees that runs on several threads adds its trees up in an order that follows their number, in float32:
    /// the last digits would follow the machine. Such a model runs on one thread, several times beside itself. The other
    /// operators give every number to one thread, whole.
    pub fn explaining(&self, model: &ModelFiles, operators: &[OperatorUse]) -> Result<(Engine, Shared), Fault> {
        let engine = Engine::load(&model.library)?;
        let trees = operators.iter().any(|operator| operator.name.starts_with("TreeEnsemble"));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let small = std::fs::metadata(&model.entry).is_ok_and(|found| found.len() <= SMALL_MODEL);
        let beside = if trees && small { cores.min(MOST_SHARED) } else { 1 };
        let used = if trees { Use::Shared } else { Use::Alone };
        let pool = self.open(&engine, model, (Device::Cpu, used), beside - 1 + PER_MODEL)?;
        Ok((engine, Shared { pool, beside, piece: trees.then_some(shared::PIECE) }))
    }

    /// As many sessions of one thread each, on the CPU, for batches side by side.
    pub fn streams(&self, model: &ModelFiles, count: usize) -> Result<Arc<SessionPool>, Fault> {
        self.open(&Engine::load(&model.library)?, model, (Device::Cpu, Use::Streams), count)
    }

    fn open(
        &self,
        engine: &Engine,
        model: &ModelFiles,
        (device, used): (Device, Use),
        count: usize,
    ) -> Result<Arc<SessionPool>, Fault> {
        let key = (model.digest, device, used);
        if let Some(pool) = self.plain.lock().get(&key) {
            return Ok(Arc::clone(pool));
        }
        let spec = SessionSpec::new(&model.entry).on(device);
        let spec = if used == Use::Alone { spec } else { spec.with_threads(1) };
        let pool = Arc::new(SessionPool::open(engine, &spec, count)?);
        self.plain.lock().insert(key, Arc::clone(&pool));
        Ok(pool)
    }

    /// A version's backward graph for one of its outputs, built and opened when it is first asked for.
    pub fn gradients(
        &self,
        model: &ModelFiles,
        output: &str,
        side: Side,
        method: Method,
        layer: Option<&str>,
    ) -> Result<Arc<Differentiable>, Fault> {
        let through = crate::gradients::through(method);
        // Methods of the gradient itself share its graph.
        let method = if through == Through::Gradient { Method::Saliency } else { method };
        let layer = layer.filter(|_| through == Through::Cam);
        let key = (model.digest, output.to_owned(), side, method, layer.map(str::to_owned));
        if let Some(found) = self.gradients.lock().get(&key) {
            return Ok(Arc::clone(found));
        }
        let engine = Engine::load(&model.library)?;
        let mut built = desk_grad::build(&model.entry, Wanted { output, side, through, layer })?;
        let bytes = std::mem::take(&mut built.model);
        let spec = SessionSpec::new(&model.entry).of_bytes(bytes).on(Device::Cpu);
        let opened = Arc::new(Differentiable { built, pool: SessionPool::open(&engine, &spec, 1)? });
        self.gradients.lock().insert(key, Arc::clone(&opened));
        Ok(opened)
    }

    /// Scores rows that came with the request.
    pub fn run_rows(&self, request: RowsRequest, cancel: &Cancel) -> Result<RowsReply, Fault> {
        let (_, pool) = self.pool(&request.model, Device::Auto)?;
        let outputs = pool.get(cancel)?.run(request.inputs, cancel)?;
        Ok(RowsReply { outputs })
    }
}

/// Runs rows in pieces of the size that a model with a fixed first dimension wants.
///
/// `batch` is that size; the last piece is filled up with copies of its first row, and the
/// answers to those are cut off.
pub fn run_fixed(
    session: &mut desk_runtime::ModelSession,
    inputs: &[NamedTensor],
    batch: usize,
    cancel: &Cancel,
) -> Result<Vec<NamedTensor>, Fault> {
    let rows = inputs.first().map_or(0, |input| input.tensor.rows());
    let mut answers: Vec<NamedTensor> = Vec::new();
    for from in (0..rows).step_by(batch.max(1)) {
        let to = (from + batch).min(rows);
        let piece: Vec<NamedTensor> = inputs.iter().map(|input| filled(input, from, to, batch)).collect();
        let outputs = session.run(piece, cancel)?;
        for (i, mut output) in outputs.into_iter().enumerate() {
            if output.tensor.rows() == batch {
                output.tensor = output.tensor.slice_rows(0, to - from);
            }
            match answers.get_mut(i) {
                None => answers.push(output),
                Some(answer) => append(answer, output)?,
            }
        }
    }
    Ok(answers)
}

fn filled(input: &NamedTensor, from: usize, to: usize, batch: usize) -> NamedTensor {
    let mut piece = input.tensor.slice_rows(from, to);
    let first = input.tensor.slice_rows(from, from + 1);
    for _ in to - from..batch {
        piece.shape[0] += 1;
        extend(&mut piece.data, first.data.clone());
    }
    NamedTensor { name: input.name.clone(), tensor: piece, labels: None }
}

/// Puts the rows of `more` below those of `answer`.
pub fn append(answer: &mut NamedTensor, more: NamedTensor) -> Result<(), Fault> {
    let fits = answer.tensor.shape.get(1..) == more.tensor.shape.get(1..)
        && !answer.tensor.shape.is_empty()
        && answer.tensor.data.element() == more.tensor.data.element();
    if !fits {
        return Err(Fault::input(format!(
            "output {} changes its shape from batch to batch",
            desk_core::words::quoted(&answer.name)
        ))
        .hint("Score one row at a time with --batch 1"));
    }
    answer.tensor.shape[0] += more.tensor.rows();
    extend(&mut answer.tensor.data, more.tensor.data);
    Ok(())
}

fn extend(data: &mut desk_core::TensorData, more: desk_core::TensorData) {
    macro_rules! join {
        ($($variant:ident),*) => {
            match (data, more) {
                $((desk_core::TensorData::$variant(a), desk_core::TensorData::$variant(b)) => a.extend(b),)*
                // Callers compare element types first.
                _ => {}
            }
        };
    }
    join!(Bool, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Float16, Float32, Float64, String);
}

#[cfg(test)]
mod tests {
    use desk_core::{Tensor, TensorData};

    use super::*;

    fn column(values: Vec<f32>) -> NamedTensor {
        NamedTensor::new("x", Tensor::new(vec![values.len(), 1], TensorData::Float32(values)).expect("fits"))
    }

    #[test]
    fn a_short_piece_is_filled_with_its_first_row() {
        let piece = filled(&column(vec![1.0, 2.0, 3.0]), 1, 3, 4);
        assert_eq!(piece, column(vec![2.0, 3.0, 2.0, 2.0]));
    }

    #[test]
    fn rows_join_when_shapes_agree() {
        let mut all = column(vec![1.0]);
        append(&mut all, column(vec![2.0])).expect("same shape");
        assert_eq!(all, column(vec![1.0, 2.0]));
        let wide = NamedTensor::new("x", Tensor::new(vec![1, 2], TensorData::Float32(vec![0.0; 2])).expect("fits"));
        assert!(append(&mut all, wide).is_err());
    }
}
