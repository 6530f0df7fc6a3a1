//! What the worker process computes: everything that opens a model file or runs native code.
//!
//! The process is the same program as the desk's, started with `worker` as its first argument and
//! shut into a sandbox before it reads its first request (see `desk-jobs`).

mod answers;
mod apart;
mod background;
mod changed;
mod coarse;
mod columns;
mod correlated;
mod dependence;
mod describe;
mod engine;
mod explain;
mod features;
mod flow;
mod function;
mod given;
mod global;
mod golden;
mod groups;
mod kept;
mod network;
mod pick;
pub mod protocol;
mod quality;
mod roles;
pub(crate) mod rows;
mod sampling;
mod score;
mod scorecard;
mod segments;
mod sessions;
mod shared;
mod surrogate;
mod tensor;
mod text;
mod unseen;

use std::process::ExitCode;
use std::sync::Arc;

use desk_core::Fault;
use desk_core::words::quoted;
use desk_jobs::{Handler, JobContext};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use columns::open;
pub(crate) use features::readable_features;
use protocol::op;
use sessions::Sessions;

/// Becomes a worker when this process was started as one; call it first in `main`.
pub fn main_if_worker() -> Option<ExitCode> {
    (std::env::args_os().nth(1)? == "worker").then(|| desk_jobs::serve(Arc::new(Worker::default())))
}

/// Keeps sessions loaded between requests.
#[derive(Default)]
struct Worker {
    sessions: Sessions,
}

impl Handler for Worker {
    fn handle(&self, op: &str, body: Value, payload: Vec<u8>, ctx: &JobContext) -> Result<(Value, Vec<u8>), Fault> {
        drop(payload);
        match op {
            op::DESCRIBE => reply(&describe::describe(&parse(body)?)?),
            op::GRAPH => {
                let graph = desk_import::graph(&parse::<protocol::DescribeRequest>(body)?.path)?;
                large(&graph)
            }
            op::TENSOR => reply(&tensor::read(&parse(body)?, ctx)?),
            op::GOLDEN => {
                let (summary, rows) = golden::make(&self.sessions, &parse(body)?, ctx)?;
                Ok((to_value(&summary)?, rows))
            }
            op::SCORE => reply(&score::score(&self.sessions, &parse(body)?, ctx)?),
            op::EXPLAIN => large(&explain::explain(&self.sessions, &parse(body)?, ctx)?),
            op::GLOBAL => large(&global::global(&self.sessions, &parse(body)?, ctx)?),
            op::ROWS => reply(&self.sessions.run_rows(parse(body)?, &ctx.cancel)?),
            op::PROBE => {
                let request: protocol::ProbeRequest = parse(body)?;
                let engine = desk_runtime::Engine::load(&request.library)?;
                reply(&protocol::ProbeReply { version: engine.version().to_owned() })
            }
            other => Err(Fault::bug(format!("the worker does not know the request {other}", other = quoted(&other)))),
        }
    }
}

fn parse<T: DeserializeOwned>(body: Value) -> Result<T, Fault> {
    serde_json::from_value(body).map_err(|error| Fault::bug("a request has another form").detail(error.to_string()))
}

fn to_value<T: Serialize>(answer: &T) -> Result<Value, Fault> {
    serde_json::to_value(answer).map_err(|error| Fault::bug("an answer cannot be written").detail(error.to_string()))
}

/// An answer that may be too large for the head of a message: numbers for every row, feature and output.
fn large<T: Serialize>(answer: &T) -> Result<(Value, Vec<u8>), Fault> {
    let bytes = serde_json::to_vec(answer)
        .map_err(|error| Fault::bug("an answer cannot be written").detail(error.to_string()))?;
    Ok((Value::Null, bytes))
}

fn reply<T: Serialize>(answer: &T) -> Result<(Value, Vec<u8>), Fault> {
    Ok((to_value(answer)?, Vec::new()))
}
