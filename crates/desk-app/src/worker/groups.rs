//! Columns that are one player of an explanation: those that belong together, and those that somebody put together.

use desk_core::words::{listed, quoted, quoted_list};
use desk_core::{Fault, FaultKind};
use desk_explain::global::Category;
use desk_explain::{FeatureInfo, Group, GroupKind, Table, find_groups};

use crate::command::{Grouping, MethodSettings};
use crate::outcome::Grouped;

/// Columns that are named when one is not there.
const NAMED: usize = 20;
/// Columns of a group whose cells are kept.
const KEPT: usize = 64;
/// Columns of a group that are told with their values.
const TOLD: usize = 6;

/// The groups that were asked for, and those that are found among the other columns unless nobody wants them.
pub(super) fn groups(
    settings: &MethodSettings,
    features: &[FeatureInfo],
    tables: &[Table<'_>],
) -> Result<Vec<Group>, Fault> {
    let grouping = Grouping { groups: settings.groups.clone(), no_groups: settings.no_groups };
    grouped(&grouping, features, tables)
}

/// The same for what looks over a whole file.
pub(super) fn grouped(asked: &Grouping, features: &[FeatureInfo], tables: &[Table<'_>]) -> Result<Vec<Group>, Fault> {
    let given: Vec<Group> = asked.groups.iter().map(|group| given(group, features)).collect::<Result<_, _>>()?;
    let mut groups = if asked.no_groups { Vec::new() } else { find_groups(features, tables) };
    let free = |group: &Group| !given.iter().flat_map(|given| &given.features).any(|f| group.features.contains(f));
    groups.retain(free);
    groups.extend(given);
    Ok(groups)
}

fn given((name, columns): &(String, String), features: &[FeatureInfo]) -> Result<Group, Fault> {
    let place = |column: &str| {
        features.iter().position(|feature| feature.name == column).ok_or_else(|| {
            let names: Vec<String> = features.iter().map(|feature| feature.name.clone()).collect();
            Fault::input(format!(
                "the group {} has a column {} that the model does not read",
                quoted(name),
                quoted(column)
            ))
            .hint(format!("It reads {}", quoted_list(&names, NAMED)))
            .hint("A column with a comma in its name stands in quotes: NAME=a,\"b, c\"")
        })
    };
    let names = listed(columns).map_err(|why| {
        Fault::new(FaultKind::Usage, format!("the group {} cannot be read: {why}", quoted(name)))
            .hint("Name its columns between commas; one with a comma in its name stands in quotes: NAME=a,\"b, c\"")
    })?;
    let mut members = names.iter().map(|column| place(column)).collect::<Result<Vec<usize>, _>>()?;
    members.sort_unstable();
    let taken = |(f, feature): (usize, &FeatureInfo)| feature.name == *name && !members.contains(&f);
    if features.iter().enumerate().any(taken) {
        return Err(Fault::input(format!("the group {} has the name of another column", quoted(name)))
            .hint("Give it a name of its own"));
    }
    Ok(Group { name: name.clone(), features: members, kind: GroupKind::Given })
}

/// The category that a name stands for among groups, none where a column has the name.
///
/// # Errors
/// Nothing has that name, or a group that is no category.
pub(super) fn category(
    name: &str,
    groups: &[Group],
    features: &[FeatureInfo],
    rows: Table<'_>,
) -> Result<Option<Category>, Fault> {
    if features.iter().any(|feature| feature.name == name) {
        return Ok(None);
    }
    let Some(group) = groups.iter().find(|group| group.name == name) else {
        let columns: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
        let fault = Fault::input(format!("the model reads no column {}", quoted(name)))
            .hint(format!("It reads {}", quoted_list(&columns, NAMED)));
        let categories = groups.iter().filter(|group| Category::of(group, features, rows).is_some());
        let categories: Vec<&str> = categories.map(|group| group.name.as_str()).collect();
        if categories.is_empty() {
            return Err(fault);
        }
        return Err(fault.hint(format!("Columns of flags make the categories {}", quoted_list(&categories, NAMED))));
    };
    Category::of(group, features, rows).map(Some).ok_or_else(|| {
        let columns: Vec<&str> = group.features.iter().map(|f| features[*f].name.as_str()).collect();
        Fault::input(format!(
            "{} is a group of {} columns of which not exactly one is 1 in every row: it has no levels",
            quoted(name),
            columns.len()
        ))
        .hint(format!("Take one of its columns: {}", quoted_list(&columns, NAMED)))
    })
}

/// The groups by the names of their columns; `texts` are the cells of each row, one for each feature.
pub(super) fn told(groups: &[Group], features: &[FeatureInfo], texts: &[Vec<String>]) -> Vec<Grouped> {
    let values = |group: &Group| {
        let few = group.features.len() <= KEPT && group.kind != GroupKind::Embedding;
        let of_row = |row: &Vec<String>| group.features.iter().map(|f| row[*f].clone()).collect();
        if few { texts.iter().map(of_row).collect() } else { Vec::new() }
    };
    let told = |group: &Group| Grouped {
        name: group.name.clone(),
        columns: group.features.iter().map(|f| features[*f].name.clone()).collect(),
        kind: match group.kind {
            GroupKind::OneHot { .. } => "onehot",
            GroupKind::Date => "date",
            GroupKind::Embedding => "embedding",
            GroupKind::Given => "given",
            GroupKind::Segment => "segment",
        }
        .to_owned(),
        values: values(group),
    };
    groups.iter().map(told).collect()
}

/// What each player of a row has: the cells of single columns, and for a group one text and one number.
pub(super) struct Cells<'a> {
    pub groups: &'a [Group],
    pub features: &'a [FeatureInfo],
}

impl Cells<'_> {
    /// The texts, where each feature has its own.
    pub fn texts(&self, row: &[f64], texts: Vec<String>) -> Vec<String> {
        let texts: Vec<Option<String>> = texts.into_iter().map(Some).collect();
        self.each(texts, |group, texts| match level(group, row) {
            Some((_, level)) => level.to_owned(),
            None => self.members(group, texts),
        })
    }

    /// The numbers: of a category the place of its level, of other groups none.
    pub fn numbers(&self, row: &[f64]) -> Vec<f64> {
        let numbers = row.iter().map(|value| Some(*value)).collect();
        self.each(numbers, |group, _| level(group, row).map_or(f64::NAN, |(place, _)| place as f64))
    }

    fn each<T>(&self, cells: Vec<Option<T>>, of: impl Fn(&Group, &[Option<T>]) -> T) -> Vec<T> {
        let mut told = Vec::with_capacity(cells.len());
        let mut cells = cells;
        for feature in 0..cells.len() {
            match self.groups.iter().find(|group| group.features.contains(&feature)) {
                None => told.extend(cells[feature].take()),
                Some(group) if group.features[0] == feature => told.push(of(group, &cells)),
                Some(_) => {}
            }
        }
        told
    }

    /// `year 2020, month 3`: without what all names begin with.
    fn members(&self, group: &Group, texts: &[Option<String>]) -> String {
        let (many, name) = (group.features.len(), format!("{}_", group.name));
        if matches!(group.kind, GroupKind::Embedding) || many > TOLD {
            return format!("{many} numbers");
        }
        let cell = |f: &usize| {
            let column = &self.features[*f].name;
            let short = column.strip_prefix(&name).unwrap_or(column);
            format!("{short} {}", texts[*f].as_deref().unwrap_or_default())
        };
        group.features.iter().map(cell).collect::<Vec<_>>().join(", ")
    }
}

/// The level of a category that a row is of, with its place among them; none where the row says not exactly one.
fn level<'g>(group: &'g Group, row: &[f64]) -> Option<(usize, &'g str)> {
    let GroupKind::OneHot { levels } = &group.kind else { return None };
    let flags = || group.features.iter().map(|f| row[*f]);
    let place = flags().position(|flag| flag == 1.0)?;
    (flags().sum::<f64>() == 1.0).then(|| (place, levels[place].as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(names: &[&str]) -> Vec<FeatureInfo> {
        names.iter().map(|name| FeatureInfo::numeric(*name)).collect()
    }

    #[test]
    fn each_player_has_one_text_and_one_number() {
        let features = features(&["age", "city_Oslo", "city_Rome", "t_year", "t_month", "emb_0", "emb_1"]);
        let group = |name: &str, features: Vec<usize>, kind| Group { name: name.to_owned(), features, kind };
        let city = GroupKind::OneHot { levels: vec!["Oslo".into(), "Rome".into()] };
        let groups = [
            group("city", vec![1, 2], city),
            group("t", vec![3, 4], GroupKind::Date),
            group("emb", vec![5, 6], GroupKind::Embedding),
        ];
        let cells = Cells { groups: &groups, features: &features };
        let row = [30.0, 0.0, 1.0, 2020.0, 3.0, 0.5, 0.25];
        let texts = row.map(|value| value.to_string()).to_vec();
        assert_eq!(cells.texts(&row, texts), ["30", "Rome", "year 2020, month 3", "2 numbers"]);
        let numbers = cells.numbers(&row);
        assert_eq!(numbers[..2], [30.0, 1.0]);
        assert!(numbers[2].is_nan() && numbers.len() == 4);
        let both = [30.0, 1.0, 1.0, 2020.0, 3.0, 0.5, 0.25];
        let texts = both.map(|value| value.to_string()).to_vec();
        assert_eq!(cells.texts(&both, texts)[1], "Oslo 1, Rome 1", "a row that was changed by hand may say two");
    }

    #[test]
    fn what_is_asked_for_comes_before_what_is_found() {
        let features = features(&["t_year", "t_month", "a", "b"]);
        let rows = [2020.0, 1.0, 0.5, 0.5];
        let tables = [Table::new(&rows, 4)];
        let asked = |groups: &[(&str, &str)], no_groups| {
            let groups = groups.iter().map(|(name, columns)| ((*name).to_owned(), (*columns).to_owned())).collect();
            let settings = MethodSettings { groups, no_groups, ..MethodSettings::default() };
            super::groups(&settings, &features, &tables)
        };
        let names = |groups: &[Group]| groups.iter().map(|group| group.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&asked(&[], false).expect("found")), ["t"]);
        assert_eq!(names(&asked(&[("mine", "b, a")], false).expect("both")), ["t", "mine"]);
        assert_eq!(names(&asked(&[("mine", "t_month,a")], false).expect("one")), ["mine"]);
        assert_eq!(names(&asked(&[("mine", "a,b")], true).expect("only that")), ["mine"]);
        assert!(asked(&[], true).expect("none").is_empty());
        let fault = asked(&[("mine", "a,c")], false).expect_err("no such column");
        assert!(fault.message.contains("\"c\"") || fault.message.contains('c'), "{fault:?}");
    }
}
