//! How two runs made the rows of one file ready for the model: only alike they are the same rows.

use desk_core::words::shell_word;
use desk_store::RunRow;

use crate::Command;
use crate::command::Columns;

/// What a run was told of its file: whether the first line names the columns, what means "missing", what stood for missing
/// cells, and which columns went to which input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prepared {
    header: Option<bool>,
    missing: Vec<String>,
    fill: Vec<(String, String)>,
    map: Vec<(String, String)>,
}

/// How a test or an explanation read its file; none where its record does not say.
pub(super) fn prepared(run: &RunRow) -> Option<Prepared> {
    let columns = match serde_json::from_value(run.params.clone()) {
        Ok(Command::Predict(test)) => test.columns,
        Ok(Command::Explain(asked)) => asked.columns,
        _ => return None,
    };
    let Columns { header, mut missing, mut fill, map, .. } = columns;
    missing.sort();
    fill.sort();
    Some(Prepared { header, missing, fill, map })
}

/// What two runs, `tests` or `explanations`, were told otherwise of the same file.
pub(super) fn prepared_otherwise(what: &str, runs: [(&RunRow, &String); 2]) -> Option<String> {
    let [first, second] = runs.map(|(run, _)| prepared(run));
    let (first, second) = (first?, second?);
    if first == second {
        return None;
    }
    let said = |Prepared { header, missing, fill, map }: &Prepared| {
        let header = header.map(|header| if header { "--header" } else { "--no-header" }.to_owned());
        let missing = missing.iter().map(|text| format!("--missing {}", shell_word(text)));
        let fill = fill.iter().map(|(column, value)| format!("--fill {}", shell_word(&format!("{column}={value}"))));
        let map = map.iter().map(|(input, column)| format!("--map {}", shell_word(&format!("{input}={column}"))));
        let all: Vec<String> = header.into_iter().chain(missing).chain(fill).chain(map).collect();
        if all.is_empty() { "without options".to_owned() } else { format!("with {}", all.join(" ")) }
    };
    let [one, other] = runs.map(|(_, version)| version);
    let again = if what == "tests" { "Score" } else { "Explain" };
    Some(format!(
        "The two {what} read the file differently, {one} {} and {other} {}: what differs may be the rows and not the models. \
         {again} both alike",
        said(&first),
        said(&second)
    ))
}
