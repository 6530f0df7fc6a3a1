//! Finding the columns of one thing by their names and values.
//!
//! Encoders name their columns alike: `pandas.get_dummies` and scikit-learn's `OneHotEncoder` write `city_Oslo`, formulas
//! `city[Oslo]`, Spark `city=Oslo`. A name alone proves nothing, so a category needs every row to say exactly one of its
//! levels; a date needs two of its parts under one name.

use serde::{Deserialize, Serialize};

use super::Group;
use crate::input::{FeatureInfo, FeatureKind, Table};

/// What the columns of a group are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum GroupKind {
    /// One column for each level of a category: 1 in the row's own, 0 in the others.
    OneHot {
        /// The level of each column.
        levels: Vec<String>,
    },
    /// Parts of a moment: year, month, weekday, an hour's sine and cosine.
    Date,
    /// Numbers of an embedding.
    Embedding,
    /// As somebody said.
    Given,
    /// Pixels of a segment of a picture.
    Segment,
}

/// What stands between the name of a thing and that of its column.
pub(crate) const SEPARATORS: [char; 7] = ['_', '=', '[', '.', ':', '-', ' '];
/// Parts of a moment, in lower case and without separators, and what whole numbers they are.
const PARTS: [(&str, f64, f64); 22] = [
    ("year", 1800.0, 2200.0),
    ("quarter", 1.0, 4.0),
    ("month", 0.0, 12.0),
    ("week", 0.0, 53.0),
    ("weekofyear", 0.0, 53.0),
    ("day", 1.0, 31.0),
    ("dayofmonth", 1.0, 31.0),
    ("dayofweek", 0.0, 7.0),
    ("weekday", 0.0, 7.0),
    ("dow", 0.0, 7.0),
    ("dayofyear", 0.0, 366.0),
    ("doy", 0.0, 366.0),
    ("hour", 0.0, 24.0),
    ("minute", 0.0, 59.0),
    ("second", 0.0, 60.0),
    ("isweekend", 0.0, 1.0),
    ("weekend", 0.0, 1.0),
    ("isholiday", 0.0, 1.0),
    ("ismonthstart", 0.0, 1.0),
    ("ismonthend", 0.0, 1.0),
    ("isyearstart", 0.0, 1.0),
    ("isyearend", 0.0, 1.0),
];
/// Endings of a part's sine and cosine.
const WAVES: [&str; 4] = ["_sin", "_cos", "_sine", "_cosine"];
/// Fewest rows whose values say that columns are one category.
const EVIDENCE: usize = 8;
/// Fewest columns of an embedding.
const EMBEDDING: usize = 4;

/// The groups among the columns of some tables of the same columns, in the order of their first columns.
///
/// A category is found where neighbouring columns share the beginning of their names, and each row of every table has
/// a 1 in exactly one of them and 0 in the others; a date where two columns are the same name with a part of a date
/// behind it, or with the sine and cosine of one; an embedding where columns are numbered under a name
/// with `emb` in it.
pub fn find_groups(features: &[FeatureInfo], tables: &[Table<'_>]) -> Vec<Group> {
    let mut taken = vec![false; features.len()];
    let mut groups = Vec::new();
    for find in [one_hot, dates, embeddings] {
        let found = find(features, tables, &taken);
        found.iter().flat_map(|group| &group.features).for_each(|feature| taken[*feature] = true);
        groups.extend(found);
    }
    groups.sort_by_key(|group| group.features[0]);
    groups
}

fn one_hot(features: &[FeatureInfo], tables: &[Table<'_>], taken: &[bool]) -> Vec<Group> {
    if tables.iter().map(Table::len).sum::<usize>() < EVIDENCE {
        return Vec::new();
    }
    let binary: Vec<bool> = (0..features.len())
        .map(|f| {
            let flag = |value: f64| value == 0.0 || value == 1.0;
            !taken[f] && features[f].kind == FeatureKind::Numeric && holds(tables, f, flag)
        })
        .collect();
    let mut groups = Vec::new();
    let mut first = 0;
    while first < features.len() {
        let found = if binary[first] { category(features, tables, &binary, first) } else { None };
        first += found.as_ref().map_or(1, |group| group.features.len());
        groups.extend(found);
    }
    groups
}

/// Whether every value of a column is as asked.
fn holds(tables: &[Table<'_>], feature: usize, asked: impl Fn(f64) -> bool) -> bool {
    tables.iter().all(|table| (0..table.len()).all(|r| asked(table.row(r)[feature])))
}

/// The largest category that begins with a column: the shorter the beginning that names share, the more have it.
fn category(features: &[FeatureInfo], tables: &[Table<'_>], binary: &[bool], first: usize) -> Option<Group> {
    let beginnings = || stems(&features[first].name);
    let has = |f: usize, stem: &str| features[f].name.len() > stem.len() && features[f].name.starts_with(stem);
    let members = beginnings().find_map(|stem| {
        let members: Vec<usize> = (first..features.len()).take_while(|f| binary[*f] && has(*f, stem)).collect();
        let one = |row: &[f64]| members.iter().map(|f| row[*f]).sum::<f64>() == 1.0;
        let exact = tables.iter().all(|table| (0..table.len()).all(|r| one(table.row(r))));
        (members.len() > 1 && exact).then_some(members)
    })?;
    let stem = beginnings().filter(|stem| members.iter().all(|f| has(*f, stem))).last()?;
    let level = |f: &usize| features[*f].name[stem.len()..].trim_end_matches(']').to_owned();
    let levels = members.iter().map(level).collect();
    let name = stem.trim_end_matches(SEPARATORS).to_owned();
    Some(Group { name, features: members, kind: GroupKind::OneHot { levels } })
}

/// The beginnings of a name, each with the separator that it ends at, the shortest first.
fn stems(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.char_indices().filter(|(at, c)| *at > 0 && SEPARATORS.contains(c));
    ends.map(|(at, c)| &name[..at + c.len_utf8()])
}

fn dates(features: &[FeatureInfo], tables: &[Table<'_>], taken: &[bool]) -> Vec<Group> {
    let parts =
        |f: usize| part_of_date(&features[f].name).filter(|(_, part)| holds(tables, f, |value| part.has(value)));
    by_stem(features, taken, |f| Some(parts(f)?.0), 2, &GroupKind::Date)
}

/// What a column of a date holds.
enum Part {
    Whole {
        low: f64,
        high: f64,
    },
    /// A sine or a cosine.
    Wave,
}

impl Part {
    /// Whether a value can be such; a missing one can.
    fn has(&self, value: f64) -> bool {
        value.is_nan()
            || match self {
                Self::Whole { low, high } => value.fract() == 0.0 && (*low..=*high).contains(&value),
                Self::Wave => (-1.0..=1.0).contains(&value),
            }
    }
}

/// The name of the date that a column is a part of, and the part. The sine and the cosine of a part that stands without a
/// name go together by the part's.
fn part_of_date(name: &str) -> Option<(&str, Part)> {
    let plain = |name| {
        let (stem, low, high) = stem_of_part(name)?;
        Some((stem, Part::Whole { low, high }))
    };
    let wave = || {
        let whole = WAVES.iter().find_map(|wave| name.strip_suffix(wave))?;
        let stem = stem_of_part(whole).map(|(stem, ..)| stem).or(part(whole).map(|_| whole))?;
        Some((stem, Part::Wave))
    };
    plain(name).or_else(wave)
}

/// The range of a part of a date.
fn part(text: &str) -> Option<(f64, f64)> {
    let text = text.to_lowercase().replace(SEPARATORS, "");
    PARTS.iter().find(|(name, ..)| *name == text).map(|(_, low, high)| (*low, *high))
}

/// What stands before the part of a date at the end of a name, and the part's range.
fn stem_of_part(name: &str) -> Option<(&str, f64, f64)> {
    stems(name).find_map(|stem| {
        let (low, high) = part(&name[stem.len()..])?;
        Some((stem.trim_end_matches(SEPARATORS), low, high))
    })
}

fn embeddings(features: &[FeatureInfo], _: &[Table<'_>], taken: &[bool]) -> Vec<Group> {
    let numbered = |f: usize| {
        let name = features[f].name.trim_end_matches(']');
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let bare = stem.trim_end_matches(SEPARATORS);
        (stem.len() < name.len() && bare.to_lowercase().contains("emb")).then_some(bare)
    };
    by_stem(features, taken, numbered, EMBEDDING, &GroupKind::Embedding)
}

/// Columns with the same stem, where there are at least `fewest`.
fn by_stem<'f>(
    features: &'f [FeatureInfo],
    taken: &[bool],
    stem: impl Fn(usize) -> Option<&'f str>,
    fewest: usize,
    kind: &GroupKind,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (f, feature) in features.iter().enumerate().filter(|(f, _)| !taken[*f]) {
        let Some(name) = stem(f).filter(|_| feature.kind == FeatureKind::Numeric) else { continue };
        let at = *places.entry(name).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group { name: name.to_owned(), features: Vec::new(), kind: kind.clone() });
        }
        groups[at].features.push(f);
    }
    groups.retain(|group| group.features.len() >= fewest);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(names: &[&str]) -> Vec<FeatureInfo> {
        names.iter().map(|name| FeatureInfo::numeric(*name)).collect()
    }

    /// The groups of some rows that come again and again.
    fn found(names: &[&str], rows: &[f64]) -> Vec<Group> {
        find_groups(&numeric(names), &[Table::new(&rows.repeat(EVIDENCE), names.len())])
    }

    fn named(groups: &[Group]) -> Vec<(&str, &[usize])> {
        groups.iter().map(|group| (group.name.as_str(), group.features.as_slice())).collect()
    }

    #[test]
    fn a_category_is_what_each_row_says_once() {
        let names =
            ["age", "home_owner_no", "home_owner_yes", "city=Oslo", "city=Rome", "city=Bonn", "has_dog", "has_cat"];
        let rows = [
            30.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, //
            40.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, //
        ];
        let groups = found(&names, &rows);
        // No row's city is Bonn; and one may have a dog and a cat.
        assert_eq!(named(&groups), [("home_owner", &[1, 2][..]), ("city", &[3, 4, 5])]);
        assert_eq!(groups[0].kind, GroupKind::OneHot { levels: vec!["no".into(), "yes".into()] });
        let both = [30.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0];
        let rows = rows.repeat(EVIDENCE);
        let alone = find_groups(&numeric(&names), &[Table::new(&rows, 8), Table::new(&both, 8)]);
        assert_eq!(named(&alone), [("city", &[3, 4, 5][..])], "each table counts");
        assert!(find_groups(&numeric(&names), &[Table::new(&rows[..16], 8)]).is_empty(), "two rows prove nothing");
    }

    #[test]
    fn levels_may_have_separators_in_their_names() {
        let names = ["pay_in_cash", "pay_by_card", "pay_by_phone", "x[a]", "x[b]"];
        let groups = found(&names, &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(named(&groups), [("pay", &[0, 1, 2][..]), ("x", &[3, 4])]);
        let levels = |group: &Group| match &group.kind {
            GroupKind::OneHot { levels } => levels.clone(),
            _ => Vec::new(),
        };
        assert_eq!(
            (levels(&groups[0]), levels(&groups[1])),
            (vec!["in_cash".to_owned(), "by_card".into(), "by_phone".into()], vec!["a".to_owned(), "b".into()],)
        );
    }

    #[test]
    fn parts_of_a_date_go_together_and_single_ones_stay() {
        let names = [
            "pickup_year",
            "fare",
            "pickup_day_of_week",
            "dropoff_hour",
            "hour_sin",
            "hour_cos",
            "t_month_sin",
            "t_month_cos",
        ];
        let groups = found(&names, &[2020.0, 7.5, 3.0, 12.0, 0.1, 0.9, 0.5, f64::NAN]);
        assert_eq!(named(&groups), [("pickup", &[0, 2][..]), ("hour", &[4, 5]), ("t", &[6, 7])]);
        assert!(found(&["year", "month", "x_y", "birth_weight"], &[2001.0, 2.0, 3.0, 4.0]).is_empty());
        assert!(found(&["sales_week", "sales_month"], &[812.5, 3_520.0]).is_empty(), "amounts are no dates");
    }

    #[test]
    fn an_embedding_is_numbered_and_says_so() {
        let names =
            ["emb_0", "emb_1", "emb_2", "emb_3", "pixel_0", "pixel_1", "pixel_2", "pixel_3", "member_1", "embed2_7"];
        assert_eq!(named(&found(&names, &[0.3; 10])), [("emb", &[0, 1, 2, 3][..])]);
    }
}
