//! Names of models and ways to point at a version.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;
use crate::fault::{Diagnose, FaultKind};
use crate::words::quoted;

/// What names of models, aliases, targets and credentials may be, for people.
pub const NAME_RULE: &str = "1 to 100 letters, digits, dots, underscores and hyphens, starting with a letter or digit";

/// A model's name; see [`NAME_RULE`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName(String);

impl ModelName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest valid name to a free text such as a file's stem; `model` when nothing is left.
    pub fn suggest(text: &str) -> Self {
        let mut name = String::new();
        for c in text.chars() {
            if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') {
                name.push(c);
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        let name: String = name.trim_matches(|c: char| !c.is_alphanumeric()).chars().take(100).collect();
        name.parse().unwrap_or_else(|_: NameError| Self("model".to_owned()))
    }
}

/// The text cannot be a name or a version reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a valid model or alias name.
    #[error("not a usable name: {}", quoted(.0))]
    Name(String),
    /// Not a valid selector after `@`.
    #[error("not a version number, digest or alias: {}", quoted(.0))]
    Selector(String),
}

impl Diagnose for NameError {
    fn kind(&self) -> FaultKind {
        FaultKind::Input
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::Name(_) => format!("Use {NAME_RULE}"),
            Self::Selector(_) => "Write MODEL, MODEL@3, MODEL@champion or MODEL@sha256:…".into(),
        }]
    }
}

impl FromStr for ModelName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut chars = text.chars();
        let starts_well = chars.next().is_some_and(char::is_alphanumeric);
        let continues_well = chars.all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if starts_well && continues_well && text.chars().count() <= 100 {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Name(text.to_owned()))
        }
    }
}

/// Which version of a model is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The highest number.
    Latest,
    /// The version with this number, from 1.
    Number(u32),
    /// Where this alias points now.
    Alias(String),
    /// The version whose manifest has this digest.
    Digest(Digest),
}

/// A model and which of its versions: `churn`, `churn@3`, `churn@champion`, `churn@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionRef {
    /// The model.
    pub model: ModelName,
    /// The version.
    pub selector: Selector,
}

impl VersionRef {
    /// The version with a number.
    pub fn numbered(model: ModelName, number: u32) -> Self {
        Self { model, selector: Selector::Number(number) }
    }

    /// The newest version.
    pub fn latest(model: ModelName) -> Self {
        Self { model, selector: Selector::Latest }
    }
}

impl FromStr for VersionRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((model, selector)) = text.split_once('@') else {
            return Ok(Self::latest(text.parse()?));
        };
        let bad = || NameError::Selector(selector.to_owned());
        let number = selector.strip_prefix('v').unwrap_or(selector);
        let selector = if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
            Selector::Number(number.parse().ok().filter(|n| *n > 0).ok_or_else(bad)?)
        } else if selector.starts_with("sha256:") {
            Selector::Digest(selector.parse().ok().ok_or_else(bad)?)
        } else if selector == "latest" {
            Selector::Latest
        } else {
            Selector::Alias(selector.parse::<ModelName>().ok().ok_or_else(bad)?.0)
        };
        Ok(Self { model: model.parse()?, selector })
    }
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.selector {
            Selector::Latest => write!(f, "{}", self.model),
            Selector::Number(n) => write!(f, "{}@{n}", self.model),
            Selector::Alias(alias) => write!(f, "{}@{alias}", self.model),
            Selector::Digest(digest) => write!(f, "{}@{digest}", self.model),
        }
    }
}

macro_rules! text_serde {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
text_serde!(ModelName);
text_serde!(VersionRef);

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<Selector>) {
        match (text.parse::<VersionRef>(), expect) {
            (Ok(found), Some(selector)) => assert_eq!(found.selector, selector, "{text}"),
            (Err(_), None) => {}
            (found, expect) => panic!("{text}: {found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn references() {
        check("churn", Some(Selector::Latest));
        check("churn@3", Some(Selector::Number(3)));
        check("churn@v3", Some(Selector::Number(3)));
        check("churn@champion", Some(Selector::Alias("champion".into())));
        check("churn@0", None);
        check("churn@99999999999", None);
        check("churn@", None);
        check("../churn", None);
        check("", None);
    }

    #[test]
    fn suggestions_are_valid_names() {
        assert_eq!(ModelName::suggest("my model (final)").as_str(), "my-model-final");
        assert_eq!(ModelName::suggest("///").as_str(), "model");
    }
}
