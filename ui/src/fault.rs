//! From the desk's words to the window's: faults, times, states.

use desk_core::Fault;
use desk_core::state::{DeploymentState, JobState, StepState};
use desk_uikit::{ErrorText, Tone, text};

/// A message of more characters, such as one with a whole file for a path, has its middle in the details only.
const LONGEST: usize = 600;

/// A fault as the error view shows it.
pub fn error_text(fault: &Fault) -> ErrorText {
    let message = text::elide_middle(&fault.message, LONGEST);
    let whole = (message != fault.message).then(|| fault.message.clone());
    let mut error = ErrorText::new(sentence(&message));
    error.details = whole.into_iter().chain(fault.details.iter().cloned()).collect();
    crate::hints::put(&mut error, &fault.hints);
    error
}

/// The text with a capital first letter; a name at its beginning, such as `churn@1` or `held_out.csv`, stays as it is.
pub fn sentence(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default().trim_end_matches(['.', ',', ':']);
    if first.contains(|c: char| "@/\\._".contains(c) || c.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The date and time in this computer's zone, to the minute.
pub fn date_time(rfc3339: &str) -> String {
    let zoned = rfc3339.parse::<jiff::Timestamp>().map(|time| time.to_zoned(jiff::tz::TimeZone::system()));
    zoned.map_or_else(|_| rfc3339.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

/// A deployment's state in a word and a tone.
pub fn deployment_state(state: DeploymentState) -> (Tone, &'static str) {
    match state {
        DeploymentState::Planned => (Tone::Neutral, "Planned"),
        DeploymentState::Running => (Tone::Accent, "Running"),
        DeploymentState::Live => (Tone::Ok, "Live"),
        DeploymentState::Failed => (Tone::Err, "Failed"),
        DeploymentState::Undone => (Tone::Warn, "Undone"),
        DeploymentState::Superseded => (Tone::Neutral, "Superseded"),
        DeploymentState::Stopped => (Tone::Neutral, "Stopped"),
    }
}

/// A job's state in a word and a tone.
pub fn job_state(state: JobState) -> (Tone, &'static str) {
    match state {
        JobState::Queued => (Tone::Neutral, "Waiting"),
        JobState::Running => (Tone::Accent, "Running"),
        JobState::Done => (Tone::Ok, "Done"),
        JobState::Failed => (Tone::Err, "Failed"),
        JobState::Cancelled => (Tone::Warn, "Cancelled"),
    }
}

/// A step's state in a word and a tone.
pub fn step_state(state: StepState) -> (Tone, &'static str) {
    match state {
        StepState::Pending => (Tone::Neutral, "To do"),
        StepState::Running => (Tone::Accent, "Running"),
        StepState::Done => (Tone::Ok, "Done"),
        StepState::Failed => (Tone::Err, "Failed"),
        StepState::Undone => (Tone::Warn, "Undone"),
    }
}

/// Versions as the window writes them, `tumour v2` for `tumour@2`, and names in quotes, where a line has one face.
pub fn words(sentence: &str) -> String {
    let word = |word: &str| match word.split_once('@') {
        Some((model, number)) if !model.is_empty() && number.chars().all(|c| c.is_ascii_digit()) => {
            format!("{model} v{number}")
        }
        _ => word.to_owned(),
    };
    text::spoken(&sentence.split(' ').map(word).collect::<Vec<_>>().join(" "))
}

/// A device as people write it: `CPU`, `CUDA`.
pub fn device_name(device: &str) -> String {
    if device.len() <= 5 { device.to_uppercase() } else { device.to_owned() }
}

/// What a run was about, with the method of an explanation by its name.
pub fn run_summary(run: &desk_app::query::RunItem) -> String {
    match run.summary.rsplit_once(", ") {
        Some((rows, method)) if run.kind == "explain" => {
            format!("{}, {}", grouped(rows), crate::screens::method_name(method).trim_end_matches(" values"))
        }
        // How good it was is what people look for, and what is seen where there is little room.
        Some((rows, measure)) => format!("{measure}, {}", grouped(rows)),
        None => grouped(&run.summary),
    }
}

/// `1200 rows` with its digits grouped, as everywhere in the window.
fn grouped(rows: &str) -> String {
    match rows.split_once(' ').and_then(|(number, what)| Some((number.parse().ok()?, what))) {
        Some((number, what)) => format!("{} {what}", desk_uikit::format::count(number)),
        None => rows.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_says_first_how_good_it_was() {
        let run = |kind: &str, summary: &str| desk_app::query::RunItem {
            id: "r".into(),
            kind: kind.into(),
            version: "tumour@1".into(),
            at: String::new(),
            seconds: 1.0,
            data: String::new(),
            summary: summary.into(),
        };
        assert_eq!(run_summary(&run("predict", "1200 rows, accuracy 0.942")), "accuracy 0.942, 1\u{202f}200 rows");
        assert_eq!(run_summary(&run("predict", "1 row")), "1 row");
        assert!(run_summary(&run("explain", "1200 rows, tree")).starts_with("1\u{202f}200 rows, "));
    }

    #[test]
    fn sentences_and_versions() {
        assert_eq!(sentence("éa"), "Éa");
        assert_eq!(sentence(""), "");
        assert_eq!(sentence("churn_v1@1 is not live"), "churn_v1@1 is not live");
        assert_eq!(sentence("undone, v1 serves"), "Undone, v1 serves");
        assert_eq!(words("column `age` is missing"), "column “age” is missing");
        assert_eq!(words("Moved champion from tumour@1 to tumour@12"), "Moved champion from tumour v1 to tumour v12");
        assert_eq!(words("Deploy tumour@2 to deploy@edge-01"), "Deploy tumour v2 to deploy@edge-01");
    }
}
