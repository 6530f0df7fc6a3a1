//! Parts of a row that are there or not: segments of a picture and words of a text, against lime 0.2.0.1 and by definition.

mod common;

use common::{Function, by_definition, number, numbers, reference};
use desk_core::{Cancel, Fault, NoProgress, Predictor};
use desk_explain::parts::{Carry, Features, Once, Parted, RowOfParts, Segments, Words, joined};
use desk_explain::{
    ExplainError, ExplainRequest, Explanation, FeatureInfo, Hierarchy, LimeOptions, Method, Model, OutputChoice,
    PartsLime, Picture, Table, explain,
};
use serde_json::Value;

const HEIGHT: usize = 12;
const WIDTH: usize = 16;

/// The same formula as `picture_answers` in ref_lime_parts.py.
fn picture_model() -> impl Predictor {
    Function::new(HEIGHT * WIDTH * 3, 2, |x: &[f64]| {
        let mean = |columns: std::ops::Range<usize>, channel: usize| {
            let cells = (0..HEIGHT).flat_map(|r| columns.clone().map(move |c| (r * WIDTH + c) * 3 + channel));
            let (sum, count) = cells.fold((0.0, 0.0), |(sum, count), at| (sum + x[at], count + 1.0));
            sum / count
        };
        let score = 6.0 * mean(0..5, 0) - 4.0 * mean(5..11, 1) + 12.0 * mean(0..5, 2) * mean(11..WIDTH, 2) - 2.0;
        let p = 1.0 / (1.0 + (-score).exp());
        vec![1.0 - p, p]
    })
}

/// The same formula as `text_answers` there.
fn text_answer(text: &str) -> Vec<f64> {
    let words: Vec<&str> = text.split([' ', '.', ',', '!', ':']).filter(|word| !word.is_empty()).collect();
    let of = |word: &&str| match *word {
        "late" => -1.25,
        "good" => 1.0,
        "cold" => -0.5,
        "coffee" => 0.25,
        "Café" => 0.75,
        "train" => -0.125,
        _ => 0.0,
    };
    let both = words.contains(&"good") && words.contains(&"not");
    let score = words.iter().map(of).sum::<f64>() + if both { 0.875 } else { 0.0 } + 0.375;
    let p = 1.0 / (1.0 + (-score).exp());
    vec![1.0 - p, p]
}

/// A text as something whose words are there or not.
struct Text<'a> {
    text: &'a str,
    words: Words,
}

impl Parted for Text<'_> {
    fn parts(&self) -> usize {
        self.words.count
    }

    fn outputs(&self) -> usize {
        2
    }

    fn answers(&mut self, sets: &[&[bool]]) -> Result<Vec<f64>, Fault> {
        Ok(sets.iter().flat_map(|set| text_answer(&self.words.kept(self.text, set))).collect())
    }
}

fn run(model: &mut dyn Predictor, request: &ExplainRequest) -> Explanation {
    let parts = model.n_features();
    let features: Vec<_> = (0..parts).map(|p| FeatureInfo::numeric(format!("part {p}"))).collect();
    let model = Model { trees: None, linear: None, predictor: model, output_names: &[] };
    let (ones, zeros) = (vec![1.0; parts], vec![0.0; parts]);
    let (rows, background) = (Table::new(&ones, parts), Table::new(&zeros, parts));
    explain(model, rows, background, &features, request, &Cancel::new(), &NoProgress).expect("explained")
}

fn lime(way: PartsLime, samples: usize, repeats: usize) -> ExplainRequest {
    let lime = LimeOptions { parts: Some(way), repeats, ..LimeOptions::default() };
    ExplainRequest { method: Method::Lime, samples: Some(samples), lime, ..ExplainRequest::default() }
}

/// Ours, of 40 repetitions, lies within the errors of lime's means over 40 runs.
fn is_near(found: &Explanation, means: &Value, what: &str) {
    let errors = found.std_error.as_ref().expect("repeated");
    let want = numbers(&means["coefficients"]);
    assert_eq!(want.len(), found.feature_names.len(), "{what}");
    let mut squares = 0.0;
    for (part, (want, error)) in want.iter().zip(numbers(&means["coefficients_error"])).enumerate() {
        let of_both = error.hypot(errors.get(0, part, 1)).max(1e-12);
        let apart = (found.values.get(0, part, 1) - want) / of_both;
        assert!(apart.abs() < 4.5, "{what} part {part}: {apart} errors apart");
        squares += apart * apart / want_count(means);
    }
    assert!(squares < 2.2, "{what}: {squares} where 1 is to be expected");
    let detail = found.lime.as_ref().expect("lime");
    let r2 = found.r2.as_ref().expect("lime")[0][1];
    for (ours, key) in
        [(detail.intercepts[0][1], "intercept"), (detail.local_predictions[0][1], "local_prediction"), (r2, "r2")]
    {
        let (want, error) = (number(&means[key]), number(&means[&format!("{key}_error")]));
        assert!((ours - want).abs() < 6.5 * error, "{what} {key}: {ours} {want} +- {error}");
    }
}

fn want_count(means: &Value) -> f64 {
    means["coefficients"].as_array().map_or(1, Vec::len) as f64
}

#[test]
fn segments_are_hidden_and_weighed_as_lime_does() {
    let file = reference("lime/picture.json");
    let image = numbers(&file["image"]);
    let picture = Picture::of(0, &[HEIGHT, WIDTH, 3]).expect("a picture");
    let ids: Vec<i64> = numbers(&file["segments"]).iter().map(|id| *id as i64).collect();
    let segments = Segments::given(&ids);
    let members = segments.members(&picture);
    let hidden = vec![file["hidden_as"].as_f64().expect("a number"); image.len()];
    for (absent, run) in [(segments.own_means(&picture, &image), &file["one"]), (hidden, &file["one_hidden"])] {
        let mut model = picture_model();
        let of = Features { predictor: &mut model, row: &image, absent: &absent, members: &members };
        let found = Once::new(of).predict(&numbers(&run["data"])).expect("answers");
        for (found, want) in found.chunks(2).zip(numbers(&run["labels"])) {
            assert!((found[1] - want).abs() < 1e-12, "{found:?} {want}");
        }
    }
    let absent = segments.own_means(&picture, &image);
    let mut model = picture_model();
    let mut once = Once::new(Features { predictor: &mut model, row: &image, absent: &absent, members: &members });
    let found = run(&mut once, &lime(PartsLime::Picture, 1000, 40));
    is_near(&found, &file["means"], "picture");
    // 12 segments have 4,096 sets, and 40 x 1,000 of them were drawn.
    assert!(once.asked() <= 4096, "{}", once.asked());
    assert_eq!(found.lime.expect("lime").kernel_width, 0.25);
}

#[test]
fn words_are_left_out_and_weighed_as_lime_does() {
    let file = reference("lime/text.json");
    let text = file["text"].as_str().expect("a text");
    for (name, bag) in [("bag", true), ("places", false)] {
        let file = &file[name];
        let words = Words::of(text, bag);
        let of = |part: usize| words.spans(text).into_iter().filter(move |span| span.part == part);
        for (part, word) in file["words"].as_array().expect("words").iter().enumerate() {
            assert_eq!(words.names(text)[part], word[0].as_str().expect("a word"));
            let starts: Vec<f64> = of(part).map(|span| span.start as f64).collect();
            assert_eq!(starts, numbers(&word[1]), "{word}");
        }
        let mut once = Once::new(Text { text, words });
        let found = once.predict(&numbers(&file["one"]["data"])).expect("answers");
        for (found, want) in found.chunks(2).zip(numbers(&file["one"]["labels"])) {
            assert!((found[1] - want).abs() < 1e-12, "{found:?} {want}");
        }
        let found = run(&mut once, &lime(PartsLime::Text, 2000, 40));
        is_near(&found, &file["means"], name);
    }
}

#[test]
fn shapley_values_of_words_are_those_of_the_definition() {
    let text = "good coffee, not late: good, so good";
    let words = Words::of(text, true);
    let parts = words.count;
    let of = |row: &[f64]| text_answer(&words.kept(text, &row.iter().map(|x| *x == 1.0).collect::<Vec<_>>()));
    let want = by_definition(&of, &vec![1.0; parts], &vec![0.0; parts]);
    let mut once = Once::new(Text { text, words: words.clone() });
    for method in [Method::Exact, Method::Kernel, Method::Permutation] {
        let request =
            ExplainRequest { method, output: OutputChoice::One(1), samples: Some(400), ..ExplainRequest::default() };
        let found = run(&mut once, &request);
        let errors = found.std_error.as_ref();
        for part in 0..parts {
            let error = errors.map_or(1e-12, |errors| 4.5 * errors.get(0, part, 0) + 1e-12);
            let apart = (found.values.get(0, part, 0) - want[2 * part + 1]).abs();
            assert!(apart <= error, "{method} part {part}: {apart} {error}");
        }
        assert!(found.residual_max < 1e-12, "{method}: they add up");
        assert!((found.base_values[0] - text_answer("  ,  :  ,  ")[1]).abs() < 1e-12, "the text without words");
    }
    assert!(once.asked() <= 1 << parts, "no set is asked for twice");
}

#[test]
fn rows_of_parts_are_one_explanation_of_the_table() {
    let of_row = |parts: usize, members: Vec<Vec<usize>>| {
        let mut model = Function::new(parts, 1, |x: &[f64]| vec![0.5 + x.iter().sum::<f64>() * x[0]]);
        RowOfParts { explanation: run(&mut model, &ExplainRequest::default()), members }
    };
    let rows = || vec![of_row(2, vec![vec![0, 2], vec![1]]), of_row(3, vec![vec![0], vec![1], vec![2]])];
    let (all, parts) = joined(rows(), &common::names(4), Carry::Whole, 1).expect("rows");
    assert_eq!(all.values.features_of(0, 0), [1.5, 0.5, 1.5, 0.0], "each feature has its part's");
    assert_eq!(all.values.features_of(1, 0), [2.0, 0.5, 0.5, 0.0]);
    assert_eq!((parts[0].values.concat(), parts[0].base.clone()), (vec![1.5, 0.5], vec![0.5]));
    assert_eq!((all.predictions.concat(), all.base_values.clone()), (vec![2.5, 3.5], vec![0.5]));
    assert!(all.exact && all.std_error.is_none() && all.residual_max < 1e-12);
    let (sums, _) = joined(rows(), &common::names(4), Carry::Sum, 1).expect("rows");
    assert_eq!(sums.values.features_of(0, 0)[0], 1.5);
    assert!(joined(Vec::new(), &common::names(4), Carry::Sum, 1).is_none());
    let mut model = Function::new(2, 1, |x: &[f64]| vec![x[0]]);
    let features = common::names(2);
    let model = Model { trees: None, linear: None, predictor: &mut model, output_names: &[] };
    let rows = [1.0, 0.0];
    let asked = lime(PartsLime::Text, 10, 1);
    let (rows, zeros) = (Table::new(&rows, 2), [0.0; 2]);
    let refused = explain(model, rows, Table::new(&zeros, 2), &features, &asked, &Cancel::new(), &NoProgress);
    assert!(refused.is_err(), "a part of this row is not there to begin with");
}

#[test]
fn the_same_whatever_the_batch_and_the_threads() {
    let text = "one two three four five six seven eight nine ten ".repeat(30);
    let words = Words::of(&text, false);
    let parts = words.count;
    let mut model =
        Function::new(parts, 1, |x: &[f64]| vec![x.iter().enumerate().map(|(i, x)| x * (i % 7) as f64).sum()]);
    // Large enough for several threads in every step.
    let one = run(&mut model, &lime(PartsLime::Text, 4000, 1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let alone = pool.install(|| run(&mut model, &lime(PartsLime::Text, 4000, 1)));
    assert_eq!(one, alone);
}

#[test]
fn a_cancel_is_seen_while_parts_are_taken_away() {
    let tree = Hierarchy::Union((0..40).map(Hierarchy::Player).collect());
    for request in [
        lime(PartsLime::Picture, 100_000, 5),
        lime(PartsLime::Text, 100_000, 5),
        ExplainRequest {
            method: Method::Owen,
            hierarchy: Some(tree),
            samples: Some(1_000_000),
            ..ExplainRequest::default()
        },
    ] {
        let cancel = Cancel::new();
        let mut rows = 0;
        let mut model = Function::new(40, 1, |x: &[f64]| {
            rows += 1;
            if rows == 5_000 {
                cancel.cancel();
            }
            vec![x.iter().sum::<f64>().sin()]
        });
        let (ones, zeros) = (vec![1.0; 40], vec![0.0; 40]);
        let features = common::names(40);
        let part = Model { trees: None, linear: None, predictor: &mut model, output_names: &[] };
        let (row, absent) = (Table::new(&ones, 40), Table::new(&zeros, 40));
        let ended = explain(part, row, absent, &features, &request, &cancel, &NoProgress);
        assert!(matches!(ended, Err(ExplainError::Cancelled(_))), "{:?}", request.method);
        assert!(rows < 12_000, "{:?}: {rows} rows", request.method);
    }
}
