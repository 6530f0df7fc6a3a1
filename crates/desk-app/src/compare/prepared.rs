//! How two tests made the rows of one file ready for the model: only alike they are the same rows.

use desk_core::words::shell_word;
use desk_store::RunRow;

use crate::Command;
use crate::command::Columns;

/// Whether the first line names the columns, what means "missing", and what stood for missing cells.
type Prepared = (Option<bool>, Vec<String>, Vec<(String, String)>);

/// How a test read its file and what stood for missing cells; none where its record does not say.
pub(super) fn prepared(run: &RunRow) -> Option<Prepared> {
    let Ok(Command::Predict(test)) = serde_json::from_value(run.params.clone()) else { return None };
    let Columns { header, mut missing, mut fill, .. } = test.columns;
    missing.sort();
    fill.sort();
    Some((header, missing, fill))
}

/// What the two tests were told otherwise of the same file.
pub(super) fn prepared_otherwise(tests: [(&RunRow, &String); 2]) -> Option<String> {
    let [first, second] = tests.map(|(run, _)| prepared(run));
    let (first, second) = (first?, second?);
    if first == second {
        return None;
    }
    let said = |(header, missing, fill): &Prepared| {
        let header = header.map(|header| if header { "--header" } else { "--no-header" }.to_owned());
        let missing = missing.iter().map(|text| format!("--missing {}", shell_word(text)));
        let fill = fill.iter().map(|(column, value)| format!("--fill {}", shell_word(&format!("{column}={value}"))));
        let all: Vec<String> = header.into_iter().chain(missing).chain(fill).collect();
        if all.is_empty() { "without options".to_owned() } else { format!("with {}", all.join(" ")) }
    };
    let [one, other] = tests.map(|(_, version)| version);
    Some(format!(
        "The two tests read the file differently, {one} {} and {other} {}: what differs may be the rows and not the models. \
         Score both alike",
        said(&first),
        said(&second)
    ))
}
