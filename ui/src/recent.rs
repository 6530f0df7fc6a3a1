//! Places that were visited last: models, versions, comparisons, deployments and targets.

use desk_uikit::Icon;
use serde::{Deserialize, Serialize};

use crate::cx::Lists;
use crate::route::{Route, VersionTab};

/// So many are remembered.
const KEPT: usize = 20;

/// A place and when it was visited last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// Its address.
    pub place: String,
    /// When (RFC 3339).
    pub at: String,
}

/// What was visited, newest first.
#[derive(Debug, Default)]
pub struct Recent {
    visits: Vec<Visit>,
    /// Where the window is; a visit is written down once.
    here: Option<Route>,
    changed: bool,
}

/// A place as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Where it is.
    pub route: Route,
    /// What it is called.
    pub title: String,
    /// What of it was visited.
    pub detail: String,
    /// When (RFC 3339).
    pub at: String,
}

impl Shown {
    /// Its icon.
    pub fn icon(&self) -> Icon {
        match &self.route {
            Route::Version { .. } => Icon::Version,
            Route::Compare { .. } => Icon::Differs,
            Route::Deployment(_) => Icon::Deploy,
            Route::Targets => Icon::Target,
            _ => Icon::Model,
        }
    }
}

impl Recent {
    /// The window is at a place.
    pub fn visit(&mut self, here: &Route) {
        if self.here.as_ref() == Some(here) {
            return;
        }
        self.here = Some(here.clone());
        if !is_worth_it(here) {
            return;
        }
        // A version is one place, whichever of its tabs was open.
        self.visits.retain(|visit| visit.place.parse::<Route>().is_ok_and(|other| !is_same(&other, here)));
        self.visits.insert(0, Visit { place: here.to_string(), at: jiff::Timestamp::now().to_string() });
        self.visits.truncate(KEPT);
        self.changed = true;
    }

    /// Puts those of the last time after those of this one.
    pub fn recall(&mut self, former: Vec<Visit>) {
        for visit in former {
            let Ok(route) = visit.place.parse::<Route>() else { continue };
            let known = self.visits.iter().any(|other| other.place.parse().is_ok_and(|other| is_same(&other, &route)));
            if !known {
                self.visits.push(visit);
            }
        }
        self.visits.truncate(KEPT);
    }

    /// What is to be written down, when that has changed.
    pub fn take_changed(&mut self) -> Option<Vec<Visit>> {
        std::mem::take(&mut self.changed).then(|| self.visits.clone())
    }

    /// It could not be written down.
    pub fn not_written(&mut self) {
        self.changed = true;
    }

    /// Those that are still there, newest first; not the one where the window is.
    pub fn shown(&self, lists: &Lists) -> Vec<Shown> {
        let known = self.visits.iter().filter_map(|visit| {
            let route: Route = visit.place.parse().ok()?;
            let here = self.here.as_ref().is_some_and(|here| is_same(here, &route));
            let (title, detail) = if here { None } else { words(&route, lists) }?;
            Some(Shown { route, title, detail, at: visit.at.clone() })
        });
        known.collect()
    }
}

/// Lists and settings are found without help.
fn is_worth_it(route: &Route) -> bool {
    use Route as R;
    matches!(route, R::Model(_) | R::Version { .. } | R::Compare { .. } | R::Deployment(_) | R::Targets)
}

fn is_same(a: &Route, b: &Route) -> bool {
    a.with_tab(VersionTab::Overview) == b.with_tab(VersionTab::Overview)
}

/// What a place is called; nothing when it is there no more.
fn words(route: &Route, lists: &Lists) -> Option<(String, String)> {
    let has = |model: &desk_core::ModelName, number: u32| lists.model(model).is_some_and(|item| number <= item.latest);
    match route {
        Route::Model(model) => lists.model(model).map(|_| (model.to_string(), "model".to_owned())),
        Route::Version { model, number, tab } => {
            let label = VersionTab::ALL.iter().find(|(other, _)| other == tab).map_or("", |(_, label)| label);
            has(model, *number).then(|| (format!("{model} v{number}"), label.to_lowercase()))
        }
        Route::Compare { first, second } => {
            let title = format!("Compare {} v{} and v{}", second.0, first.1, second.1);
            (has(&first.0, first.1) && has(&second.0, second.1)).then(|| (title, "side by side".to_owned()))
        }
        Route::Deployment(id) => {
            let all = lists.deployments.value.value()?;
            let found = all.iter().find(|deployment| deployment.id == *id)?;
            Some((format!("{} v{} on {}", found.model, found.version, found.target), found.action.clone()))
        }
        Route::Targets => Some(("Targets".to_owned(), String::new())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use desk_uikit::Loadable;

    use super::*;
    use crate::fixtures::model;

    fn lists() -> Lists {
        let mut lists = Lists::default();
        lists.models.value = Loadable::Ready(vec![model("tumour", 2)]);
        lists
    }

    fn go(recent: &mut Recent, places: &[&str]) {
        for place in places {
            recent.visit(&place.parse().expect("a place"));
        }
    }

    fn titles(recent: &Recent) -> Vec<String> {
        recent.shown(&lists()).into_iter().map(|shown| format!("{} {}", shown.title, shown.detail)).collect()
    }

    #[test]
    fn a_version_is_one_place_and_what_is_gone_is_not_shown() {
        let mut recent = Recent::default();
        go(&mut recent, &["home", "models/tumour/1/test", "targets", "models/tumour/1/explain", "models/gone/1/test"]);
        go(&mut recent, &["models/tumour/9/test", "compare/tumour/1/tumour/2", "models", "models/tumour"]);
        assert_eq!(
            titles(&recent),
            ["Compare tumour v1 and v2 side by side", "tumour v1 explain", "Targets "],
            "and not here"
        );
        go(&mut recent, &["home"]);
        assert_eq!(titles(&recent)[0], "tumour model");
    }

    #[test]
    fn those_of_the_last_time_come_after_those_of_this_one() {
        let mut before = Recent::default();
        go(&mut before, &["models/tumour/1/test", "models/tumour/2/test", "home"]);
        let kept = before.take_changed().expect("something was visited");
        assert!(before.take_changed().is_none());
        let mut now = Recent::default();
        go(&mut now, &["models/tumour/1/deploy", "home"]);
        now.recall(kept);
        assert_eq!(titles(&now), ["tumour v1 deploy", "tumour v2 test"]);
        for number in 1..100 {
            now.visit(&Route::Version { model: "x".parse().expect("a name"), number, tab: VersionTab::Test });
        }
        assert_eq!(now.take_changed().map(|all| all.len()), Some(KEPT));
    }
}
