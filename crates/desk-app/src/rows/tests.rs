//! Orders and filters against what another way of working them out gives.

use std::cmp::Ordering;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use desk_core::{Cancel, FaultKind, NoProgress};
use desk_data::{Format, TableWriter};

use super::kept::{CHUNK, Kept};
use super::*;

/// A row as the test knows it.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    number: u64,
    weight: Option<f64>,
    count: Option<i64>,
    name: Option<String>,
    good: Option<bool>,
    share: f32,
    label: String,
    truth: Option<String>,
    sure: f64,
}

/// Rows without order, some of them with missing cells, over several chunks.
fn known(rows: usize) -> Vec<Known> {
    let mut state = 42u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    let words = ["Zebra", "apfel", "äpfel", "Apfel", "", "apfelbaum", "日本", "zebra"];
    let label = |i: u64| ["no", "yes"][i as usize].to_owned();
    (0..rows as u64)
        .map(|i| Known {
            number: i + 1,
            weight: match next(10) {
                0 => None,
                1 => Some(f64::NAN),
                2 => Some([0.0, -0.0, f64::INFINITY][next(3) as usize]),
                _ => Some(next(1000) as f64 / 8.0 - 60.0),
            },
            count: (next(9) > 0).then(|| [i64::MAX, i64::MIN, i64::MAX - 1, next(50) as i64][next(4) as usize]),
            name: (next(9) > 0).then(|| words[next(8) as usize].to_owned()),
            good: (next(5) > 0).then(|| next(2) == 1),
            share: next(11) as f32 / 10.0,
            label: label(next(2)),
            truth: (next(7) > 0).then(|| label(next(2))),
            sure: next(100) as f64 / 100.0,
        })
        .collect()
}

/// The same rows in a file as a test keeps them, in record batches that are no chunks.
fn kept(rows: &[Known]) -> (tempfile::TempDir, Kept) {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("blob");
    let batch = |rows: &[Known]| {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("weight", Arc::new(rows.iter().map(|row| row.weight).collect::<Float64Array>())),
            ("count", Arc::new(rows.iter().map(|row| row.count).collect::<Int64Array>())),
            ("name", Arc::new(rows.iter().map(|row| row.name.clone()).collect::<StringArray>())),
            ("good", Arc::new(rows.iter().map(|row| row.good).collect::<BooleanArray>())),
            ("share", Arc::new(rows.iter().map(|row| Some(row.share)).collect::<Float32Array>())),
            ("truth", Arc::new(rows.iter().map(|row| row.truth.clone()).collect::<StringArray>())),
            ("label", Arc::new(rows.iter().map(|row| Some(row.label.clone())).collect::<StringArray>())),
            ("probability", Arc::new(rows.iter().map(|row| Some(row.sure)).collect::<Float64Array>())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, cells)| (name, cells, true)))
            .expect("a batch")
    };
    let mut writer = TableWriter::create(&path, Format::Arrow, batch(&rows[..1]).schema()).expect("created");
    for part in rows.chunks(1_000) {
        writer.write(&batch(part)).expect("written");
    }
    writer.finish().expect("finished");
    let mut kept = Kept::of_file(path, 2, Some("truth")).expect("opens");
    kept.judged = Some((6, 5));
    (folder, kept)
}

fn view(filters: &[&str], sort: &[&str]) -> RowView {
    let names = ["weight", "count", "name", "good", "share", "truth", "label", "probability"];
    RowView {
        filters: filters.iter().map(|text| Filter::parse(text, &names).expect("a filter")).collect(),
        wrong: false,
        sort: sort.iter().map(|text| SortKey::parse(text)).collect(),
    }
}

fn found(kept: &Kept, view: &RowView) -> Vec<u64> {
    let order = order::order(kept, view, &Cancel::new(), &NoProgress).expect("found");
    order.map_or_else(|| (1..=kept.total).collect(), |rows| rows.iter().map(|row| u64::from(*row) + 1).collect())
}

/// The numbers of the rows that pass, sorted stably by a comparison.
fn wanted(rows: &[Known], pass: impl Fn(&Known) -> bool, by: impl Fn(&Known, &Known) -> Ordering) -> Vec<u64> {
    let mut rows: Vec<&Known> = rows.iter().filter(|row| pass(row)).collect();
    rows.sort_by(|a, b| by(a, b));
    rows.iter().map(|row| row.number).collect()
}

/// Missing ones last, whichever way the others go.
fn last<T: PartialOrd>(a: Option<T>, b: Option<T>, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => {
            let order = a.partial_cmp(&b).expect("they compare");
            if descending { order.reverse() } else { order }
        }
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn weight(row: &Known) -> Option<f64> {
    row.weight.filter(|weight| !weight.is_nan())
}

fn name(row: &Known) -> Option<&str> {
    row.name.as_deref().filter(|name| !name.is_empty())
}

#[test]
fn the_order_is_that_of_a_plain_stable_sort() {
    let rows = known(2 * CHUNK + 700);
    let (_folder, kept) = kept(&rows);
    for descending in [false, true] {
        let key = |column: &str| if descending { format!("{column}:desc") } else { column.to_owned() };
        let by = |column: &str| found(&kept, &view(&[], &[&key(column)]));
        let all = |by: &dyn Fn(&Known, &Known) -> Ordering| wanted(&rows, |_| true, by);
        assert_eq!(by("weight"), all(&|a, b| last(weight(a), weight(b), descending)));
        assert_eq!(by("count"), all(&|a, b| last(a.count, b.count, descending)));
        assert_eq!(by("name"), all(&|a, b| last(name(a), name(b), descending)));
        assert_eq!(by("good"), all(&|a, b| last(a.good, b.good, descending)));
        assert_eq!(by("#"), all(&|a, b| last(Some(a.number), Some(b.number), descending)));
    }
    let two = found(&kept, &view(&["weight<20"], &["name", "count:desc"]));
    let pass = |row: &Known| weight(row).is_some_and(|weight| weight < 20.0);
    assert_eq!(two, wanted(&rows, pass, |a, b| last(name(a), name(b), false).then(last(a.count, b.count, true))));
}

#[test]
fn a_file_larger_than_memory_is_looked_through_by_the_columns_that_matter() {
    let rows = known(CHUNK + 700);
    let (_folder, whole) = kept(&rows);
    let (_other, large) = kept(&rows);
    large.as_if_large();
    let mut wrong = view(&[], &[]);
    wrong.wrong = true;
    let views = [
        view(&[], &["weight:desc"]),
        view(&["name=apfel", "#>300"], &["probability", "#:desc"]),
        view(&["good=true"], &[]),
        wrong,
    ];
    for view in views {
        assert_eq!(found(&large, &view), found(&whole, &view), "{view:?}");
    }
    large
        .scan(&[2, 0, 2], &Cancel::new(), |_, part| {
            assert_eq!(part.column(2).expect("read").data_type(), &arrow::datatypes::DataType::Utf8);
            assert!(part.column(0).is_ok() && part.column(1).is_err(), "only what was asked for");
            Ok(())
        })
        .expect("looked through");
    assert_eq!(
        facts::of(&large, "good", &Cancel::new()).expect("found"),
        facts::of(&whole, "good", &Cancel::new()).expect("found")
    );
}

#[test]
fn filters_keep_what_a_plain_look_keeps() {
    let rows = known(CHUNK + 300);
    let (_folder, kept) = kept(&rows);
    let check = |filters: &[&str], pass: &dyn Fn(&Known) -> bool| {
        let expected = wanted(&rows, pass, |_, _| Ordering::Equal);
        assert!(!expected.is_empty() && expected.len() < rows.len(), "{filters:?} tells nothing");
        assert_eq!(found(&kept, &view(filters, &[])), expected, "{filters:?}");
    };
    let w = |row: &Known, test: &dyn Fn(f64) -> bool| weight(row).is_some_and(test);
    check(&["weight>=0", "weight<=12.5"], &|row| w(row, &|x| (0.0..=12.5).contains(&x)));
    check(&["weight=0"], &|row| w(row, &|x| x == 0.0));
    check(&["weight!=0"], &|row| w(row, &|x| x != 0.0));
    check(&["weight in 0,1.5,inf"], &|row| w(row, &|x| [0.0, 1.5, f64::INFINITY].contains(&x)));
    check(&["weight is missing"], &|row| weight(row).is_none());
    check(&["weight is present"], &|row| weight(row).is_some());
    // Neighbours that are the same as float64.
    check(&["count=9223372036854775806"], &|row| row.count == Some(i64::MAX - 1));
    check(&["count>9223372036854775806"], &|row| row.count == Some(i64::MAX));
    check(&["count<7.5"], &|row| row.count.is_some_and(|count| count < 8));
    // A float32 is what it is shown as.
    check(&["share=0.1"], &|row| row.share == 0.1);
    check(&["share<=0.3"], &|row| row.share <= 0.3);
    check(&["name~PFEL"], &|row| name(row).is_some_and(|name| name.to_lowercase().contains("pfel")));
    check(&["name=apfel"], &|row| name(row) == Some("apfel"));
    check(&["name!=apfel"], &|row| name(row).is_some_and(|name| name != "apfel"));
    check(&["name>=a", "name<b"], &|row| name(row).is_some_and(|name| name.starts_with('a')));
    check(&["name in \"Zebra\",日本"], &|row| matches!(name(row), Some("Zebra" | "日本")));
    check(&["name is missing"], &|row| name(row).is_none());
    check(&["good=true"], &|row| row.good == Some(true));
    check(&["good!=true"], &|row| row.good == Some(false));
    check(&["good is missing", "#<=500"], &|row| row.good.is_none() && row.number <= 500);
}

#[test]
fn wrong_answers_come_with_the_surest_first() {
    let rows = known(CHUNK + 300);
    let (_folder, kept) = kept(&rows);
    let wrong = |row: &Known| row.truth.as_ref().is_some_and(|truth| *truth != row.label);
    let surest = |a: &Known, b: &Known| b.sure.total_cmp(&a.sure);
    let asked = RowView { wrong: true, ..RowView::default() };
    assert_eq!(found(&kept, &asked), wanted(&rows, wrong, surest));
    let asked = RowView { wrong: true, ..view(&["weight<0"], &["weight"]) };
    let pass = |row: &Known| wrong(row) && weight(row).is_some_and(|weight| weight < 0.0);
    assert_eq!(found(&kept, &asked), wanted(&rows, pass, |a, b| last(weight(a), weight(b), false)));
}

#[test]
fn pages_have_the_rows_of_their_place() {
    let known = known(CHUNK + 300);
    let (_folder, kept) = kept(&known);
    let asked = view(&["weight is present"], &["weight:desc"]);
    let order = order::order(&kept, &asked, &Cancel::new(), &NoProgress).expect("found");
    let count = order.as_ref().map_or(0, Vec::len) as u64;
    let rows = Rows { run: String::new(), kept: Arc::new(kept), order, seconds: 0.0 };
    assert_eq!((rows.count(), rows.total()), (count, known.len() as u64));
    assert_eq!(rows.usual_order(), [6, 7, 5, 0, 1, 2, 3, 4]);
    for offset in [0, 5, count - 3] {
        let page = rows.page(offset, 5).expect("a page");
        assert_eq!(page.rows.len() as u64, (count - offset).min(5));
        assert_eq!(page.total, Some(count));
        for (cells, (at, number)) in page.rows.iter().zip((offset..).zip(&page.numbers)) {
            assert_eq!(rows.number(at), Some(*number));
            let row = &known[*number as usize - 1];
            assert_eq!(cells[0].parse().ok(), row.weight);
            assert_eq!(cells[6], row.label);
        }
    }
    assert_eq!(rows.number(count), None);
    assert!(rows.page(count + 7, 5).expect("a page").rows.is_empty());
    let facts = rows.facts("name", &Cancel::new()).expect("facts");
    let most = &facts.values[0];
    assert_eq!(most.1, known.iter().filter(|row| row.name.as_ref() == Some(&most.0)).count() as u64);
    assert_eq!(facts.missing, known.iter().filter(|row| name(row).is_none()).count() as u64);
    let facts = rows.facts("weight", &Cancel::new()).expect("facts");
    assert_eq!(facts.numbers.map(|(low, _)| low), known.iter().filter_map(weight).min_by(f64::total_cmp));
}

#[test]
fn what_does_not_fit_a_column_is_refused() {
    let (_folder, mut kept) = kept(&known(10));
    let refused = |kept: &Kept, view: &RowView| {
        let fault = order::order(kept, view, &Cancel::new(), &NoProgress).expect_err("it is refused");
        assert!(!fault.hints.is_empty(), "{fault:?}");
        fault.kind
    };
    for filter in ["weight=much", "weight~1", "good>true", "good=maybe"] {
        assert_eq!(refused(&kept, &view(&[filter], &[])), FaultKind::Input, "{filter}");
    }
    assert_eq!(refused(&kept, &view(&[], &["colour"])), FaultKind::Input);
    kept.judged = None;
    assert_eq!(refused(&kept, &RowView { wrong: true, ..RowView::default() }), FaultKind::Input);
}

#[test]
fn the_class_is_found_among_the_answers() {
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(label_among(&names(&["label", "probability_a"])), 0);
    assert_eq!(label_among(&names(&["probability_a", "label_output"])), 1);
    assert_eq!(label_among(&names(&["probability_a", "probability_b", "predicted"])), 2);
    assert_eq!(label_among(&names(&["variable"])), 0);
}

#[test]
fn a_view_is_said_on_a_command_line() {
    let asked = RowView { wrong: true, ..view(&["weight>=3", "name in a,b"], &["weight:desc"]) };
    let words = ["--wrong", "--where", "weight>=3", "--where", "name in a,b", "--sort", "weight:desc"];
    assert_eq!(asked.to_args(), words);
    assert!(RowView::default().is_everything() && RowView::default().to_args().is_empty());
}
