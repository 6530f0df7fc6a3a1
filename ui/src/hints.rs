//! Hints are written for those who type commands; in the window a button leads to the place that a command lists.

use desk_uikit::ErrorText;
use desk_uikit::error::Link;

use crate::route::{Route, SCHEME, Section, VersionTab};

/// What the window has for an option that a sentence names in brackets.
const FIELDS: [(&str, &str); 4] = [
    ("--target", "“Column with the truth” under Options"),
    ("--positive", "“Positive class” under Options"),
    ("--against", "“Compare with” under Options"),
    ("--no-groups", "untick “Columns of one category … count as one” under Options"),
];

/// A sentence with the window's own fields instead of options of the command line.
pub fn by_fields(sentence: &str) -> String {
    let mut told = sentence.to_owned();
    for (option, field) in FIELDS {
        let mut from = 0;
        while let Some(at) = told[from..].find(&format!("({option}")).map(|at| from + at) {
            let inside = at + 1 + option.len();
            let Some(end) = told[inside..].find(')').map(|end| inside + end) else { break };
            // `--target A,B` is the same field; `--targets` is none of these.
            if end == inside || told[inside..].starts_with(' ') {
                told.replace_range(at + 1..end, field);
            }
            from = at + 1;
        }
    }
    told
}

/// Puts hints into an error: places as buttons, the rest as text.
pub fn put(error: &mut ErrorText, hints: &[String]) {
    for hint in hints {
        let (text, place) = for_window(&by_fields(hint));
        error.hints.extend(text);
        let link = place.map(|place| Link { label: label(&place), address: format!("{SCHEME}{place}") });
        error.links.extend(link.filter(|link| !error.links.contains(link)));
    }
}

/// What the hint says beside the command that it names, and the place where the window shows or does the same.
fn for_window(hint: &str) -> (Option<String>, Option<Route>) {
    let unchanged = || (Some(hint.to_owned()), None);
    let Some(at) = hint.find("modeldesk ") else { return unchanged() };
    let (before, command) = hint.split_at(at);
    let line = command.split(['`', ',', ';']).next().unwrap_or_default();
    let Some(place) = place_of(line) else { return unchanged() };
    let rest = &command[line.len()..];
    if hint.contains('`') && !line.starts_with("modeldesk list") && rest.len() > 1 {
        // The sentence goes on after the command, and would say nothing without it.
        return (Some(hint.to_owned()), Some(place));
    }
    // Of "Wait until it has ended: modeldesk list deployments" the first half says something by itself.
    let says = before.trim_end_matches(['`', ' ']);
    let says = ["see", "run", "with", "then"].iter().fold(says, |says, word| says.trim_end_matches(word).trim_end());
    let says = says.trim_end_matches([':', ';', ',', ' ']);
    if let Some(how) = by_box(line) {
        return (Some(format!("{says}: {how}")), Some(place));
    }
    let says_something = says.contains(' ') && !says.starts_with("See what is");
    (says_something.then(|| says.to_owned()), Some(place))
}

/// What has to be ticked in the window for a flag of the command; without it the same refusal would come again.
fn by_box(line: &str) -> Option<&'static str> {
    let mut words = line.split_whitespace().skip(1);
    let verb = words.next()?;
    let flag = words.find(|word| word.starts_with("--re") || *word == "--gone")?;
    match (verb, flag) {
        ("undeploy", "--replace-other") => Some("Take down…, with the box for what another desk has made live ticked"),
        ("undeploy", "--gone") => Some("Take down…, with the box for a machine that is gone ticked"),
        ("deploy", "--replace-other") => Some("Check target, then Deploy, which asks before it replaces anything"),
        _ => None,
    }
}

/// Where the window has what a command line does.
fn place_of(line: &str) -> Option<Route> {
    let mut words = line.split_whitespace().skip(1);
    let (verb, object) = (words.next()?, words.next());
    match (verb, object) {
        ("list", None | Some("models")) | ("import" | "archive", _) => Some(Route::Models),
        ("list", Some("versions")) => words.next()?.parse().ok().map(Route::Model),
        ("list", Some("deployments")) | ("undeploy" | "rollback", _) => Some(Route::Deployments),
        ("list", Some("targets")) | ("target", Some("check" | "add")) => Some(Route::Targets),
        ("list", Some("credentials")) | ("credential", _) => Some(Route::Credentials),
        ("list", Some("jobs")) | ("log", _) => Some(Route::Activity),
        ("deploy", Some(version)) => Some(tab(version, VersionTab::Deploy).unwrap_or(Route::Models)),
        ("predict", Some(version)) => tab(version, VersionTab::Test),
        ("verify" | "gc", _) => Some(Route::Settings(Section::Storage)),
        ("doctor", _) => Some(Route::Settings(Section::Runtime)),
        _ => None,
    }
}

/// A tab of `model@3`.
fn tab(version: &str, tab: VersionTab) -> Option<Route> {
    let (model, number) = version.split_once('@')?;
    Some(Route::Version { model: model.parse().ok()?, number: number.parse().ok()?, tab })
}

fn label(place: &Route) -> String {
    match place {
        Route::Model(model) => format!("Versions of {model}"),
        Route::Deployments => "All deployments".to_owned(),
        Route::Targets => "All targets".to_owned(),
        Route::Credentials => "All credentials".to_owned(),
        Route::Activity => "All jobs".to_owned(),
        Route::Version { model, number, tab: VersionTab::Test } => format!("Test {model} v{number}"),
        Route::Version { model, number, .. } => format!("Deploy {model} v{number}"),
        Route::Settings(Section::Storage) => "Storage, to verify and clean up".to_owned(),
        Route::Settings(_) => "What works on this computer".to_owned(),
        _ => "All models".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_fields() {
        for (told, shown) in [
            (
                "Name the column with the truth (--target)",
                "Name the column with the truth (“Column with the truth” under Options)",
            ),
            ("one of each (--target A,B), please", "one of each (“Column with the truth” under Options), please"),
            ("Compare it with another one (--against)", "Compare it with another one (“Compare with” under Options)"),
            ("Leave --target out (--targets)", "Leave --target out (--targets)"),
            ("Write it (--target", "Write it (--target"),
        ] {
            assert_eq!(by_fields(told), shown);
        }
    }

    #[test]
    fn commands_that_list_become_places() {
        let route = |place: &str| place.parse::<Route>().expect("a place");
        for (hint, text, place) in [
            ("`modeldesk list` shows all models", None, "models"),
            ("`modeldesk list versions tumour` shows all versions", None, "models/tumour"),
            ("See what is: modeldesk list deployments", None, "deployments"),
            (
                "Wait until it has ended, then try again: modeldesk list deployments",
                Some("Wait until it has ended, then try again"),
                "deployments",
            ),
            ("Or stop it: modeldesk list jobs, then modeldesk jobs cancel JOB", Some("Or stop it"), "activity"),
            (
                "An interrupted rollout was undone just now; see modeldesk list deployments",
                Some("An interrupted rollout was undone just now"),
                "deployments",
            ),
            (
                "If the machine is gone for good: modeldesk undeploy edge --gone",
                Some("If the machine is gone for good: Take down…, with the box for a machine that is gone ticked"),
                "deployments",
            ),
            (
                "To end it: modeldesk undeploy edge --replace-other",
                Some("To end it: Take down…, with the box for what another desk has made live ticked"),
                "deployments",
            ),
            ("See whether it has ended: modeldesk target check edge", Some("See whether it has ended"), "targets"),
            ("Test it: modeldesk predict tumour@2 --data FILE", Some("Test it"), "models/tumour/2/test"),
            ("Take it down first: modeldesk undeploy edge", Some("Take it down first"), "deployments"),
            ("Deploy it again: modeldesk deploy tumour@1 --to edge", Some("Deploy it again"), "models/tumour/1/deploy"),
            (
                "`modeldesk gc` removes stored files that nothing names any more",
                Some("`modeldesk gc` removes stored files that nothing names any more"),
                "settings/storage",
            ),
        ] {
            assert_eq!(for_window(hint), (text.map(str::to_owned), Some(route(place))), "{hint}");
        }
        let other = "Did you mean `tumour`?";
        assert_eq!(for_window(other), (Some(other.to_owned()), None));
    }
}
