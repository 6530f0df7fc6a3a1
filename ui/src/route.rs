//! Where the window is: one value for each place, its address as text, and the way back.

use std::fmt;
use std::str::FromStr;

use desk_core::{GraphPath, ModelName, VersionRef};

/// A tab of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum VersionTab {
    /// What it is.
    #[default]
    Overview,
    /// Its operators and how they are connected.
    Graph,
    /// Score data and measure.
    Test,
    /// Why it answers as it does.
    Explain,
    /// Put it somewhere.
    Deploy,
}

impl VersionTab {
    /// All tabs with their labels, in order.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Overview, "Overview"),
        (Self::Graph, "Graph"),
        (Self::Test, "Test"),
        (Self::Explain, "Explain"),
        (Self::Deploy, "Deploy"),
    ];

    fn slug(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Graph => "graph",
            Self::Test => "test",
            Self::Explain => "explain",
            Self::Deploy => "deploy",
        }
    }
}

/// A section of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Section {
    /// Theme, zoom, motion.
    #[default]
    Appearance,
    /// The ONNX Runtime library and what of this computer works.
    Runtime,
    /// Where things are and how much room they take.
    Storage,
    /// The keyboard.
    Shortcuts,
    /// Version and licences.
    About,
}

impl Section {
    /// All sections with their labels, in order.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Appearance, "Appearance"),
        (Self::Runtime, "Runtime"),
        (Self::Storage, "Storage"),
        (Self::Shortcuts, "Shortcuts"),
        (Self::About, "About"),
    ];

    fn slug(self) -> &'static str {
        match self {
            Self::Appearance => "appearance",
            Self::Runtime => "runtime",
            Self::Storage => "storage",
            Self::Shortcuts => "shortcuts",
            Self::About => "about",
        }
    }
}

/// A place in the window.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Route {
    /// First steps and what was used last.
    #[default]
    Home,
    /// All models.
    Models,
    /// One model and its versions.
    Model(ModelName),
    /// One version.
    Version {
        /// The model.
        model: ModelName,
        /// Its version.
        number: u32,
        /// Which tab.
        tab: VersionTab,
    },
    /// A graph within the graph of a version: the body of a node or a function.
    Within {
        /// The model.
        model: ModelName,
        /// Its version.
        number: u32,
        /// Where the graph lies; not the main one, which is the version's tab.
        graph: GraphPath,
    },
    /// Two versions side by side.
    Compare {
        /// The version to compare with.
        first: (ModelName, u32),
        /// The version that may take its place.
        second: (ModelName, u32),
    },
    /// All deployments.
    Deployments,
    /// One deployment with its steps.
    Deployment(String),
    /// Machines to deploy to.
    Targets,
    /// What to log in with.
    Credentials,
    /// What changed, and all jobs.
    Activity,
    /// One job.
    Job(String),
    /// Settings.
    Settings(Section),
}

impl Route {
    /// The version that this place is about.
    pub fn version(&self) -> Option<VersionRef> {
        match self {
            Self::Version { model, number, .. } | Self::Within { model, number, .. } => {
                Some(VersionRef::numbered(model.clone(), *number))
            }
            _ => None,
        }
    }

    /// The model that this place is about.
    pub fn model(&self) -> Option<&ModelName> {
        match self {
            Self::Model(model)
            | Self::Version { model, .. }
            | Self::Within { model, .. }
            | Self::Compare { second: (model, _), .. } => Some(model),
            _ => None,
        }
    }

    /// The same version on another tab; other places stay.
    #[must_use]
    pub fn with_tab(&self, tab: VersionTab) -> Self {
        match self {
            Self::Version { model, number, .. } | Self::Within { model, number, .. } => {
                Self::Version { model: model.clone(), number: *number, tab }
            }
            other => other.clone(),
        }
    }

    /// The graph of a version's tab that is on show, the main one where no other is named.
    pub fn graph(&self) -> GraphPath {
        match self {
            Self::Within { graph, .. } => graph.clone(),
            _ => GraphPath::default(),
        }
    }

    /// The same version with another of its graphs; other places stay.
    #[must_use]
    pub fn with_graph(&self, graph: GraphPath) -> Self {
        match self {
            Self::Version { model, number, .. } | Self::Within { model, number, .. } if !graph.is_main() => {
                Self::Within { model: model.clone(), number: *number, graph }
            }
            other => other.with_tab(VersionTab::Graph),
        }
    }

    /// The places above this one and this one, for the breadcrumb.
    pub fn trail(&self) -> Vec<(Self, String)> {
        let here = |label: &str| vec![(self.clone(), label.to_owned())];
        let below = |parent: Self, parent_label: &str, label: String| {
            vec![(parent, parent_label.to_owned()), (self.clone(), label)]
        };
        match self {
            Self::Home => here("Home"),
            Self::Models => here("Models"),
            Self::Model(model) => below(Self::Models, "Models", model.to_string()),
            Self::Version { model, number, .. } => vec![
                (Self::Models, "Models".to_owned()),
                (Self::Model(model.clone()), model.to_string()),
                (self.clone(), format!("v{number}")),
            ],
            Self::Within { model, number, .. } => vec![
                (Self::Models, "Models".to_owned()),
                (Self::Model(model.clone()), model.to_string()),
                (self.with_tab(VersionTab::Graph), format!("v{number}")),
                (self.clone(), "Graph within".to_owned()),
            ],
            Self::Compare { first, second } => vec![
                (Self::Models, "Models".to_owned()),
                (Self::Model(second.0.clone()), second.0.to_string()),
                (self.clone(), format!("v{} and v{}", first.1, second.1)),
            ],
            Self::Deployments => here("Deployments"),
            Self::Deployment(id) => below(Self::Deployments, "Deployments", short_id(id)),
            Self::Targets => here("Targets"),
            Self::Credentials => here("Credentials"),
            Self::Activity => here("Activity"),
            Self::Job(id) => below(Self::Activity, "Activity", format!("Job {}", short_id(id))),
            Self::Settings(section) => {
                let label = Section::ALL.iter().find(|(other, _)| other == section).map_or("", |(_, label)| label);
                below(Self::Settings(Section::Appearance), "Settings", label.to_owned())
            }
        }
    }
}

/// The end of a long id, which is where ids made at about the same time differ.
pub fn short_id(id: &str) -> String {
    let start = id.len().saturating_sub(6);
    id.get(start..).unwrap_or(id).to_owned()
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home => f.write_str("home"),
            Self::Models => f.write_str("models"),
            Self::Model(model) => write!(f, "models/{model}"),
            Self::Version { model, number, tab } => write!(f, "models/{model}/{number}/{}", tab.slug()),
            Self::Within { model, number, graph } => write!(f, "models/{model}/{number}/graph/{graph}"),
            Self::Compare { first, second } => {
                write!(f, "compare/{}/{}/{}/{}", first.0, first.1, second.0, second.1)
            }
            Self::Deployments => f.write_str("deployments"),
            Self::Deployment(id) => write!(f, "deployments/{id}"),
            Self::Targets => f.write_str("targets"),
            Self::Credentials => f.write_str("credentials"),
            Self::Activity => f.write_str("activity"),
            Self::Job(id) => write!(f, "activity/{id}"),
            Self::Settings(section) => write!(f, "settings/{}", section.slug()),
        }
    }
}

/// What the addresses of places begin with, in upper or lower case.
pub const SCHEME: &str = "modeldesk://";

/// What stands behind the scheme of a link to a place; nothing where the text is no such link.
pub fn linked(text: &str) -> Option<&str> {
    let (scheme, place) = text.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(place)
}

/// The text is no place of this window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchPlace;

impl FromStr for Route {
    type Err = NoSuchPlace;

    fn from_str(text: &str) -> Result<Self, NoSuchPlace> {
        let parts: Vec<&str> = linked(text).unwrap_or(text).split('/').collect();
        let name = |text: &str| text.parse::<ModelName>().ok().ok_or(NoSuchPlace);
        let numbered = |text: &str| text.parse().ok().filter(|n| *n > 0).ok_or(NoSuchPlace);
        Ok(match parts.as_slice() {
            ["home" | ""] => Self::Home,
            ["models"] => Self::Models,
            ["models", model] => Self::Model(name(model)?),
            ["models", model, number, tab] => Self::Version {
                model: name(model)?,
                number: numbered(number)?,
                tab: VersionTab::ALL.iter().map(|(t, _)| *t).find(|t| t.slug() == *tab).ok_or(NoSuchPlace)?,
            },
            ["models", model, number, "graph", steps @ ..] if !steps.is_empty() => Self::Within {
                model: name(model)?,
                number: numbered(number)?,
                graph: steps.join("/").parse().ok().filter(|graph: &GraphPath| !graph.is_main()).ok_or(NoSuchPlace)?,
            },
            ["compare", a, one, b, other] => {
                Self::Compare { first: (name(a)?, numbered(one)?), second: (name(b)?, numbered(other)?) }
            }
            ["deployments"] => Self::Deployments,
            ["deployments", id] => Self::Deployment((*id).to_owned()),
            ["targets"] => Self::Targets,
            ["credentials"] => Self::Credentials,
            ["activity"] => Self::Activity,
            ["activity", id] => Self::Job((*id).to_owned()),
            ["settings"] => Self::Settings(Section::default()),
            ["settings", slug] => {
                Self::Settings(Section::ALL.iter().map(|(s, _)| *s).find(|s| s.slug() == *slug).ok_or(NoSuchPlace)?)
            }
            _ => return Err(NoSuchPlace),
        })
    }
}

/// The places that were visited, with a way back and forth.
#[derive(Debug, Default)]
pub struct History {
    back: Vec<Route>,
    here: Route,
    forward: Vec<Route>,
}

/// How many places are remembered.
const KEPT: usize = 100;

impl History {
    /// Starts at a place.
    pub fn at(route: Route) -> Self {
        Self { here: route, ..Self::default() }
    }

    /// Where the window is.
    pub fn here(&self) -> &Route {
        &self.here
    }

    /// Goes to a place.
    pub fn go(&mut self, route: Route) {
        if route == self.here {
            return;
        }
        self.forward.clear();
        self.back.push(std::mem::replace(&mut self.here, route));
        if self.back.len() > KEPT {
            self.back.remove(0);
        }
    }

    /// Goes back; false at the beginning.
    pub fn back(&mut self) -> bool {
        let Some(route) = self.back.pop() else { return false };
        self.forward.push(std::mem::replace(&mut self.here, route));
        true
    }

    /// Goes forth again; false at the end.
    pub fn forward(&mut self) -> bool {
        let Some(route) = self.forward.pop() else { return false };
        self.back.push(std::mem::replace(&mut self.here, route));
        true
    }

    /// There is a way back.
    pub fn can_go_back(&self) -> bool {
        !self.back.is_empty()
    }

    /// There is a way forth.
    pub fn can_go_forward(&self) -> bool {
        !self.forward.is_empty()
    }
}

/// One place of each kind.
#[cfg(test)]
pub fn every() -> Vec<Route> {
    let model: ModelName = "churn-gbt".parse().expect("valid");
    let mut routes = vec![
        Route::Home,
        Route::Models,
        Route::Model(model.clone()),
        Route::Compare { first: (model.clone(), 1), second: (model.clone(), 7) },
        Route::Within { model: model.clone(), number: 7, graph: "12.0/c3".parse().expect("a place") },
        Route::Deployments,
        Route::Deployment("01a1".into()),
        Route::Targets,
        Route::Credentials,
        Route::Activity,
        Route::Job("01a1".into()),
    ];
    routes.extend(VersionTab::ALL.map(|(tab, _)| Route::Version { model: model.clone(), number: 7, tab }));
    routes.extend(Section::ALL.map(|(section, _)| Route::Settings(section)));
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_an_address_that_leads_back_to_it() {
        for route in every() {
            assert_eq!(format!("ModelDesk://{route}").parse(), Ok(route.clone()));
            assert_eq!(format!("modeldesk://{route}").parse(), Ok(route));
        }
        for bad in [
            "nowhere",
            "models/../x",
            "models/a/0/test",
            "models/a/1/dance",
            "settings/none",
            "compare/a/1/b/0",
            "models/a/1/graph/x",
            "models/a/1/graph/",
        ] {
            assert!(bad.parse::<Route>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_trail_ends_in_the_place_itself() {
        for route in every() {
            let trail = route.trail();
            assert_eq!(trail.last().map(|(route, _)| route.clone()), Some(route.clone()), "{route}");
        }
        let labels: Vec<String> =
            Route::Settings(Section::Storage).trail().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["Settings", "Storage"]);
    }

    #[test]
    fn back_and_forth() {
        let mut history = History::at(Route::Home);
        history.go(Route::Models);
        history.go(Route::Models);
        history.go(Route::Targets);
        assert!(history.back());
        assert_eq!(*history.here(), Route::Models);
        assert!(history.forward());
        assert_eq!(*history.here(), Route::Targets);
        assert!(history.back() && history.back() && !history.back());
        history.go(Route::Activity);
        assert!(!history.can_go_forward());
    }
}
