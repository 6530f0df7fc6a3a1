//! How long LIME takes on a picture and on a text, with models that take hardly any time: `lime_speed [picture|text]`.
//!
//! The same as `xtask/python/bench_lime.py` has lime do: 224 x 224 pixels in three channels and 49 square segments with 1,000
//! samples, and 600 different words with 5,000. One JSON line for each, the median of five runs of one fit.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::time::Instant;

use desk_core::{Cancel, Fault, NoProgress, Predictor};
use desk_explain::parts::{Features, Once, Parted, Segments, Words};
use desk_explain::{
    ExplainError, ExplainRequest, FeatureInfo, LimeOptions, Method, Model, OutputChoice, PartsLime, Picture, Table,
    explain,
};
use serde_json::json;

const SIDE: usize = 224;
const SEGMENT: usize = 32;

fn main() -> Result<(), ExplainError> {
    for (what, run) in [("picture", picture as fn(u64) -> Result<f64, ExplainError>), ("text", text)] {
        if std::env::args().nth(1).is_some_and(|only| only != what) {
            continue;
        }
        let mut seconds = (0..5).map(run).collect::<Result<Vec<f64>, _>>()?;
        seconds.sort_by(f64::total_cmp);
        println!("{}", json!({ "what": what, "seconds": seconds[2] }));
    }
    Ok(())
}

/// One fit of the second class; seconds.
fn lime(model: &mut dyn Predictor, way: PartsLime, seed: u64) -> Result<f64, ExplainError> {
    let start = Instant::now();
    let parts = model.n_features();
    let features: Vec<FeatureInfo> = (0..parts).map(|part| FeatureInfo::numeric(part.to_string())).collect();
    let lime = LimeOptions { parts: Some(way), repeats: 1, ..LimeOptions::default() };
    let output = OutputChoice::One(1);
    let request = ExplainRequest { method: Method::Lime, lime, seed, output, ..ExplainRequest::default() };
    let (ones, zeros) = (vec![1.0; parts], vec![0.0; parts]);
    let model = Model { trees: None, linear: None, predictor: model, output_names: &[] };
    let (row, absent) = (Table::new(&ones, parts), Table::new(&zeros, parts));
    explain(model, row, absent, &features, &request, &Cancel::new(), &NoProgress)?;
    Ok(start.elapsed().as_secs_f64())
}

/// Every tenth row of pixels decides.
struct Rows;

impl Predictor for Rows {
    fn n_features(&self) -> usize {
        SIDE * SIDE * 3
    }

    fn n_outputs(&self) -> usize {
        2
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        let line = SIDE * 3;
        let answer = |row: &[f64]| {
            let lines = row.chunks(line).step_by(10);
            let p = lines.flatten().sum::<f64>() / (SIDE.div_ceil(10) * line) as f64;
            [1.0 - p, p]
        };
        Ok(rows.chunks_exact(self.n_features()).flat_map(answer).collect())
    }
}

fn picture(seed: u64) -> Result<f64, ExplainError> {
    let row: Vec<f64> = (0..SIDE * SIDE * 3).map(|i| (i * 7919 % 1000) as f64 / 1000.0).collect();
    let ids: Vec<i64> =
        (0..SIDE * SIDE).map(|p| (p / SIDE / SEGMENT * (SIDE / SEGMENT) + p % SIDE / SEGMENT) as i64).collect();
    let start = Instant::now();
    let Some(picture) = Picture::of(0, &[SIDE, SIDE, 3]) else { return Ok(f64::NAN) };
    let segments = Segments::given(&ids);
    let (absent, members) = (segments.own_means(&picture, &row), segments.members(&picture));
    let made = start.elapsed().as_secs_f64();
    let mut model = Rows;
    let mut once = Once::new(Features { predictor: &mut model, row: &row, absent: &absent, members: &members });
    Ok(made + lime(&mut once, PartsLime::Picture, seed)?)
}

/// The length of a text decides.
struct Length {
    text: String,
    words: Words,
}

impl Parted for Length {
    fn parts(&self) -> usize {
        self.words.count
    }

    fn outputs(&self) -> usize {
        2
    }

    fn answers(&mut self, sets: &[&[bool]]) -> Result<Vec<f64>, Fault> {
        let share = |text: String| text.len() as f64 / self.text.len() as f64;
        let texts = self.words.all_kept(&self.text, sets);
        Ok(texts.into_iter().map(share).flat_map(|p| [1.0 - p, p]).collect())
    }
}

fn text(seed: u64) -> Result<f64, ExplainError> {
    let text = (0..600).map(|i| format!("word{i}")).collect::<Vec<_>>().join(" ");
    let start = Instant::now();
    let words = Words::of(&text, true);
    let made = start.elapsed().as_secs_f64();
    Ok(made + lime(&mut Once::new(Length { text, words }), PartsLime::Text, seed)?)
}
