//! Rows that an explanation asks about, shared out between sessions of one model.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use desk_core::{Cancel, Fault, NamedTensor};
use desk_runtime::{ModelSession, PooledSession, SessionPool};
use parking_lot::Mutex;

use super::rows::one_answer_each;
use super::sessions::{append, run_fixed};

/// Rows in a piece that one session of several takes. The same on every machine: where rows are cut may show in the last
/// digits of an answer.
pub const PIECE: usize = 512;

/// What came of a piece.
type Answered = Result<Vec<NamedTensor>, Fault>;

/// Sessions of a model, and how many of them work at the same rows.
pub struct Shared {
    /// The sessions.
    pub pool: Arc<SessionPool>,
    /// How many share rows out, at least 1.
    pub beside: usize,
    /// Rows in a piece; all in one where none are said.
    pub piece: Option<usize>,
}

impl Shared {
    /// Takes the session that is held as long as something is asked.
    ///
    /// `fixed` is the number of rows that the model wants in each call, where it does.
    pub fn take(&self, fixed: Option<usize>, cancel: &Cancel) -> Result<Answering<'_>, Fault> {
        Ok(Answering { first: self.pool.get(cancel)?, shared: self, fixed })
    }
}

/// Sessions at work.
pub struct Answering<'p> {
    first: PooledSession<'p>,
    shared: &'p Shared,
    fixed: Option<usize>,
}

impl Answering<'_> {
    /// The model's answers to rows, in their order.
    pub fn run(&mut self, inputs: Vec<NamedTensor>, cancel: &Cancel) -> Answered {
        let rows = inputs.first().map_or(0, |input| input.tensor.rows());
        let outputs = match self.shared.piece {
            Some(piece) if rows > piece => self.side_by_side(&inputs, (rows, piece), cancel)?,
            _ => once(&mut self.first, self.fixed, inputs, cancel)?,
        };
        one_answer_each(rows, &outputs)?;
        Ok(outputs)
    }

    fn side_by_side(&mut self, inputs: &[NamedTensor], (rows, piece): (usize, usize), cancel: &Cancel) -> Answered {
        let pieces = rows.div_ceil(piece);
        let mut others: Vec<PooledSession<'_>> = Vec::new();
        while others.len() + 1 < self.shared.beside.min(pieces)
            && let Some(session) = self.shared.pool.spare()?
        {
            others.push(session);
        }
        let (next, fixed) = (AtomicUsize::new(0), self.fixed);
        let done: Mutex<Vec<Option<Answered>>> = Mutex::new((0..pieces).map(|_| None).collect());
        let work = |session: &mut ModelSession| {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= pieces {
                    return;
                }
                let (from, to) = (at * piece, ((at + 1) * piece).min(rows));
                let part = |input: &NamedTensor| NamedTensor::new(&*input.name, input.tensor.slice_rows(from, to));
                let answered = once(session, fixed, inputs.iter().map(part).collect(), cancel);
                if answered.is_err() {
                    next.store(pieces, Ordering::Relaxed);
                }
                done.lock()[at] = Some(answered);
            }
        };
        std::thread::scope(|scope| {
            for session in &mut others {
                scope.spawn(|| work(session));
            }
            work(&mut self.first);
        });
        let mut answers: Vec<NamedTensor> = Vec::new();
        // Pieces are taken in their order: behind one that failed some may be missing, before it none.
        for piece in done.into_inner().into_iter().flatten() {
            for (at, output) in piece?.into_iter().enumerate() {
                match answers.get_mut(at) {
                    None => answers.push(output),
                    Some(answer) => append(answer, output)?,
                }
            }
        }
        Ok(answers)
    }
}

fn once(session: &mut ModelSession, fixed: Option<usize>, inputs: Vec<NamedTensor>, cancel: &Cancel) -> Answered {
    match fixed {
        Some(batch) => run_fixed(session, &inputs, batch, cancel),
        None => Ok(session.run(inputs, cancel)?),
    }
}
