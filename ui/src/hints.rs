//! Hints are written for those who type commands; in the window a button leads to the place that a command lists.

use desk_uikit::ErrorText;
use desk_uikit::error::Link;

use crate::route::Route;

/// Puts hints into an error: places as buttons, the rest as text.
pub fn put(error: &mut ErrorText, hints: &[String]) {
    for hint in hints {
        let (text, place) = for_window(hint);
        error.hints.extend(text);
        let link = place.map(|place| Link { label: label(&place), address: format!("{SCHEME}{place}") });
        error.links.extend(link.filter(|link| !error.links.contains(link)));
    }
}

/// What the addresses of places begin with.
pub const SCHEME: &str = "modeldesk://";

/// What the hint says beside the command that it names, and the place where the window shows the same.
fn for_window(hint: &str) -> (Option<String>, Option<Route>) {
    let unchanged = || (Some(hint.to_owned()), None);
    let Some(at) = hint.find("modeldesk list") else { return unchanged() };
    let (before, command) = hint.split_at(at);
    let line = command.split(['`', ',', ';']).next().unwrap_or_default();
    let mut words = line.split_whitespace().skip(2);
    let place = match (words.next(), words.next()) {
        (None | Some("models"), _) => Some(Route::Models),
        (Some("versions"), Some(model)) => model.parse().ok().map(Route::Model),
        (Some("deployments"), _) => Some(Route::Deployments),
        (Some("targets"), _) => Some(Route::Targets),
        (Some("credentials"), _) => Some(Route::Credentials),
        (Some("jobs"), _) => Some(Route::Activity),
        _ => None,
    };
    if place.is_none() {
        return unchanged();
    }
    // Of "Wait until it has ended: modeldesk list deployments" the first half says something by itself.
    let says = before.trim_end_matches(['`', ' ']).trim_end_matches("see").trim_end_matches([':', ';', ' ']);
    let says_something = says.contains(' ') && !says.starts_with("See ");
    (says_something.then(|| says.to_owned()), place)
}

fn label(place: &Route) -> String {
    match place {
        Route::Model(model) => format!("Versions of {model}"),
        Route::Deployments => "All deployments".to_owned(),
        Route::Targets => "All targets".to_owned(),
        Route::Credentials => "All credentials".to_owned(),
        Route::Activity => "All jobs".to_owned(),
        _ => "All models".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(for_window(hint), (text.map(str::to_owned), Some(route(place))), "{hint}");
        }
        let other = "Did you mean `tumour`?";
        assert_eq!(for_window(other), (Some(other.to_owned()), None));
    }
}
