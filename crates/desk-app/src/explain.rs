//! Explaining rows: the worker does it, the desk keeps the record.

use std::path::Path;
use std::time::Instant;

use desk_core::words::quoted;
use desk_core::{Cancel, Digest, Fault, FaultKind, ProgressSink};
use desk_store::{NewRun, RunKind};
use serde_json::{Value, json};

use crate::Desk;
use crate::calls::{Ask, large};
use crate::command::{Command, Explain, PickBy};
use crate::outcome::{Explained, Outcome};
use crate::predict::to_json;
use crate::truth::{Truth, with_truth};
use crate::values;
use crate::worker::protocol::{ExplainReply, ExplainRequest, op};

/// Rows that are explained when nobody says how many.
const ROWS: u64 = 1000;
/// Runs among which the last test is looked for.
const RUNS: u32 = 50;
/// Rows of the background when it is taken from the data.
const BACKGROUND_ROWS: usize = 100;

impl Desk {
    pub(crate) fn explain(
        &self,
        command: &Explain,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let started_at = self.0.store.now();
        if let Some(out) = &command.out {
            self.out_name(out, &command.data)?;
            values::check_out(out)?;
        }
        let (mut answer, data_digest, runtime) = self.explained(command, &[], cancel, progress)?;
        let run = NewRun {
            kind: RunKind::Explain,
            version: answer.model_digest,
            data: Some(data_digest),
            params: to_json(&Command::Explain(command.clone()))?,
            seed: Some(command.seed),
            runtime: format!("onnxruntime {runtime}"),
            device: "cpu".to_owned(),
            result: to_json(&answer)?,
            artifact: None,
            started_at,
            seconds: answer.seconds,
        };
        let (id, unrecorded) = self.record(&run)?;
        answer.run = id;
        answer.warnings.extend(unrecorded);
        if let Some(out) = &command.out {
            self.write_values(&answer, &[], out)?;
        }
        Ok(Outcome::Explain(Box::new(answer)))
    }

    /// The values with the data's digest and the runtime's version; nothing is recorded.
    pub(crate) fn explained(
        &self,
        command: &Explain,
        changes: &[(String, String)],
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<(Explained, Digest, String), Fault> {
        let began = Instant::now();
        let loaded = self.load(&command.version)?;
        if let Some(layer) = command.settings.layer.as_ref().filter(|_| command.method != "grad-cam") {
            let what = format!("a layer was named, {}, and only grad-cam looks at one", quoted(layer));
            return Err(Fault::new(FaultKind::Usage, what).hint("Add --method grad-cam, or leave --layer away"));
        }
        let first_row = command.first_row.unwrap_or(1).max(1) - 1;
        // Only what is picked by the truth cannot do without one.
        let needs_truth = command.pick.is_some_and(|pick| pick.by == PickBy::Worst);
        let judged = needs_truth.then(|| with_truth(&loaded, &command.data, &command.columns).ok()).flatten();
        let who = || (command.columns.clone(), Truth::who(&command.columns, loaded.target.as_ref()));
        let (columns, from) = judged.unwrap_or_else(who);
        let mut request = ExplainRequest {
            model: loaded.files.clone(),
            description: loaded.description.clone(),
            data: command.data.clone(),
            first_row,
            end_row: match (command.last_row, &command.pick) {
                (None, None) => Some(first_row + ROWS),
                (last, _) => last,
            },
            usual_end: command.last_row.is_none(),
            pick: command.pick,
            background: command.background.clone(),
            background_rows: BACKGROUND_ROWS,
            method: command.method.clone(),
            samples: command.samples,
            seed: command.seed,
            output: command.output.clone(),
            positive: self.last_positive(&loaded.row.digest)?,
            space: command.space.clone(),
            settings: command.settings.clone(),
            interactions: command.interactions,
            columns,
            changes: changes.to_vec(),
            kept: None,
            finished: command.finished,
        };
        let unfinished = self.unfinished(&request);
        request.kept = unfinished.as_ref().map(|unfinished| unfinished.file.clone());
        let affinity = loaded.row.digest.hex();
        let mut read: Vec<&Path> = vec![&loaded.folder, &loaded.files.library, &command.data];
        read.extend(command.background.as_deref());
        let write: Vec<&Path> = unfinished.iter().map(|unfinished| unfinished.folder.as_path()).collect();
        let ask =
            Ask { op: op::EXPLAIN, affinity: &affinity, read: &read, write: &write, device: "cpu", cpu_seconds: None };
        let asked = self.ask(ask, &request, cancel, progress);
        let ((), bytes) = match (asked, &unfinished) {
            (Ok(reply), Some(unfinished)) if !command.finished => {
                unfinished.end();
                reply
            }
            (Err(fault), Some(unfinished)) => return Err(unfinished.told(fault)),
            (asked, _) => asked?,
        };
        let reply: ExplainReply = large(&bytes)?;
        let (data_digest, runtime) = (reply.data_digest, reply.runtime.clone());

        let version = format!("{}@{}", loaded.row.model, loaded.row.number);
        let mut answer = answer(reply, version, loaded.row.digest, &data_digest)?;
        answer.data = command.data.display().to_string();
        answer.data_digest = changes.is_empty().then_some(data_digest);
        answer.target_from = answer.target.is_some().then(|| from.to_owned());
        // Rows that were asked for and not finished are told of where they are left out.
        if command.pick.is_none() && !command.finished {
            answer.warnings.extend(beyond(command.last_row, answer.row_numbers.last()));
        }
        answer.warnings.extend(loaded.cautions_of_explanations());
        answer.seconds = began.elapsed().as_secs_f64();
        answer.out.clone_from(&command.out);
        Ok((answer, data_digest, runtime))
    }

    /// The class that the last test of a version counted as positive, where somebody named it.
    fn last_positive(&self, version: &Digest) -> Result<Option<String>, Fault> {
        let runs = self.0.store.list_runs(Some(version), RUNS)?;
        let last = runs.into_iter().find(|run| run.kind == RunKind::Predict && run.result.get("metrics").is_some());
        Ok(last.and_then(|run| run.params.get("positive")?.as_str().map(str::to_owned)))
    }
}

/// Rows that were asked for and that the data does not have.
fn beyond(asked: Option<u64>, last: Option<&u64>) -> Option<String> {
    let (asked, last) = (asked?, *last?);
    (asked > last).then(|| {
        let missing =
            if asked == last + 1 { format!("row {asked} is") } else { format!("rows {} to {asked} are", last + 1) };
        format!("The data ends with row {last}: {missing} not there")
    })
}

/// The answer, with a digest over everything that decides the values.
fn answer(reply: ExplainReply, version: String, model: Digest, data: &Digest) -> Result<Explained, Fault> {
    let e = reply.explanation;
    let single = e.outputs.len() == 1;
    let values = flatten(to_json(&e.values)?, single);
    let std_error = e.std_error.as_ref().map(to_json).transpose()?.map(|value| flatten(value, single));
    let mut sealed = json!({
        "model": model, "data": data, "background": reply.background_digest, "rows": reply.row_numbers,
        "method": e.method, "space": e.space, "outputs": e.outputs, "seed": e.seed,
        "base_values": e.base_values, "values": values, "std_error": std_error,
    });
    // Records from before there were gradients keep their digests.
    if let (Some(gradient), Value::Object(sealed)) = (&e.gradient, &mut sealed) {
        sealed.insert("gradient".to_owned(), to_json(gradient)?);
    }
    if let (Some(occlusion), Value::Object(sealed)) = (&e.occlusion, &mut sealed) {
        sealed.insert("occlusion".to_owned(), to_json(occlusion)?);
    }
    if let (Some(owen), Value::Object(sealed)) = (&e.owen, &mut sealed) {
        sealed.insert("owen".to_owned(), to_json(owen)?);
    }
    // The same holds for those from before there were interaction values.
    let interactions = e.interactions.as_ref().map(to_json).transpose()?.map(|value| match value {
        Value::Array(rows) => Value::Array(rows.into_iter().map(|row| flatten(row, single)).collect()),
        other => other,
    });
    if let (Some(interactions), Value::Object(sealed)) = (&interactions, &mut sealed) {
        sealed.insert("interactions".to_owned(), interactions.clone());
    }
    if let (false, Value::Object(sealed)) = (reply.groups.is_empty(), &mut sealed) {
        sealed.insert("groups".to_owned(), to_json(&reply.groups)?);
    }
    if let (Some(segments), Value::Object(sealed)) = (&reply.segments, &mut sealed) {
        sealed.insert("segments".to_owned(), to_json(segments)?);
    }
    if let (Some(text), Value::Object(sealed)) = (&reply.text, &mut sealed) {
        sealed.insert("text".to_owned(), to_json(text)?);
    }
    if let (Some(quality), Value::Object(sealed)) = (&reply.quality, &mut sealed) {
        sealed.insert("quality".to_owned(), to_json(quality)?);
    }
    let mut warnings = e.warnings;
    warnings.extend(reply.warnings);
    Ok(Explained {
        version,
        model_digest: model,
        data: String::new(),
        data_digest: None,
        method: e.method.to_string(),
        method_reason: e.method_reason,
        space: e.space.to_string(),
        feature_names: e.feature_names,
        groups: reply.groups,
        picture: reply.picture,
        output_names: e.output_names,
        output_from_test: reply.took_positive,
        target: reply.target,
        target_from: None,
        base_values: e.base_values,
        values,
        predictions: e.predictions,
        probabilities: reply.probabilities,
        feature_values: reply.feature_values,
        feature_numbers: reply.feature_numbers,
        row_numbers: reply.row_numbers,
        picked: reply.picked,
        truths: reply.truths,
        answered: reply.answered,
        residual_max: e.residual_max,
        std_error,
        background_error: e.background_error,
        settled: e.settled,
        r2: e.r2,
        lime: e.lime,
        interactions,
        gradient: e.gradient,
        occlusion: e.occlusion,
        owen: e.owen,
        segments: reply.segments,
        text: reply.text,
        quality: reply.quality,
        seed: e.seed,
        background_rows: e.background_rows,
        background: reply.background,
        background_digest: reply.background_digest,
        model_rows: e.model_rows,
        seconds: reply.seconds,
        run: String::new(),
        digest: Digest::of(sealed.to_string()),
        out: None,
        warnings,
    })
}

/// Rows x features when one output is explained, rows x features x outputs else.
fn flatten(values: Value, single: bool) -> Value {
    if !single {
        return values;
    }
    let cell = |cell: Value| match cell {
        Value::Array(mut outputs) if outputs.len() == 1 => outputs.remove(0),
        other => other,
    };
    let row = |row: Value| match row {
        Value::Array(cells) => Value::Array(cells.into_iter().map(cell).collect()),
        other => other,
    };
    match values {
        Value::Array(rows) => Value::Array(rows.into_iter().map(row).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_output_has_no_third_dimension() {
        assert_eq!(flatten(json!([[[1.0], [2.0]]]), true), json!([[1.0, 2.0]]));
        assert_eq!(flatten(json!([[[1.0, 3.0]]]), false), json!([[[1.0, 3.0]]]));
    }
}
