//! Rows explained by segments of their pictures.

use desk_core::{Fault, FaultKind};
use desk_explain::parts::{Carry, Features, Once, RowOfParts, Segments, joined, members};
use desk_explain::{ExplainRequest, Explanation, FeatureInfo, Group, GroupKind, Hierarchy, Method, PartsLime, Picture};

use super::apart::{as_parts, usage};
use super::engine::Engine;
use crate::command::{Hide, PartSettings};
use crate::outcome::{Segmented, SegmentedRow, touches, within};

/// Features beyond which the segments alone are told, and the rows of one explanation are limited.
const WIDE: usize = 20_000;
/// Features of all its rows together, where they are that many each.
const MOST_CELLS: usize = 4_000_000;

/// How pictures are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The features that are the picture.
    pub picture: Picture,
    /// Segments, about.
    pub wanted: usize,
    /// What stands for one that LIME takes away.
    pub hide: Hide,
}

/// Of more numbers a picture is explained by its segments, where nobody says how.
const MOST_PIXELS: usize = 4_096;

impl Cut {
    /// What was asked for. `plain` is a picture by its channels or its file, which LIME cuts by itself; a table of numbers is
    /// cut where somebody says so.
    pub fn asked(
        settings: &PartSettings,
        method: Method,
        picture: Option<Picture>,
        plain: bool,
    ) -> Result<Option<Self>, Fault> {
        let wanted = match (settings.segments, picture) {
            (Some(0), _) | (None, None) => None,
            (None, Some(picture)) => {
                // One by one so many numbers would be asked for in vain: no method is done with them in a minute.
                let many = picture.channels * picture.height * picture.width > MOST_PIXELS;
                let cut = method == Method::Lime || method == Method::Auto && many;
                (cut && plain).then(|| Segments::usual(&picture))
            }
            (Some(_), None) => {
                return Err(usage("segments are cut from a picture, and the model takes none")
                    .hint("Leave --segments out; every method explains the columns of a table"));
            }
            (Some(count), Some(_)) if method == Method::Lime || method.has_players() => Some(count),
            (Some(_), Some(_)) => {
                return Err(usage(format!("the method {method} looks at each pixel, and has no segments"))
                    .hint("Segments are explained by lime, and by Shapley values: kernel, permutation, exact, owen"));
            }
        };
        let cut = wanted.zip(picture).map(|(wanted, picture)| Self {
            picture,
            wanted,
            hide: settings.hide.unwrap_or(Hide::OwnMean),
        });
        match (settings.hide, cut) {
            (Some(_), Some(_)) if method == Method::Lime => Ok(cut),
            (Some(hide), _) => Err(usage(format!("{} is put in the place of segments by LIME alone", hide.name()))
                .hint("Use --method lime; Shapley values put the background's rows there")),
            (None, cut) => Ok(cut),
        }
    }
}

/// Refuses more numbers than an answer should have.
fn check_cells(rows: usize, width: usize) -> Result<(), Fault> {
    let most = MOST_CELLS / width.max(1);
    if width <= WIDE || rows <= most {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Usage, format!("{rows} rows of {width} features are too many to explain at once"))
        .hint(format!("Explain up to {most} of them: --rows 1..{most}")))
}

impl Engine<'_, '_> {
    /// Explains each row by the segments of its picture.
    pub fn explain_segments(
        &mut self,
        cut: &Cut,
        table: &[f64],
        wanted: &ExplainRequest,
    ) -> Result<(Explanation, Segmented), Fault> {
        let width = self.space.width();
        check_cells(table.len() / width, width)?;
        let wide = width > WIDE;
        let means = desk_explain::baseline(self.background(), self.features);
        let mut rows = Vec::with_capacity(table.len() / width);
        let mut told = Vec::with_capacity(rows.capacity());
        for row in table.chunks_exact(width) {
            self.ctx.cancel.check().map_err(desk_explain::ExplainError::from)?;
            let segments = Segments::slic(&cut.picture, row, cut.wanted)?;
            let mut found = match wanted.method {
                Method::Lime => {
                    let number = self.numbers.get(rows.len());
                    self.lime_of_segments(cut, (row, number), &segments, &means, wanted)?
                }
                _ => self.players_of_segments(cut, row, &segments, wanted)?,
            };
            told.push((segments.ids, found.members.clone()));
            if wide {
                found.members.clear();
            }
            rows.push(found);
        }
        let shapley = wanted.method != Method::Lime;
        let hidden = if shapley { "background-rows" } else { cut.hide.name() };
        let background = if !shapley && cut.hide == Hide::OwnMean { 0 } else { self.background().len() };
        let (mut all, parts) = joined(rows, if wide { &[] } else { self.features }, Carry::Whole, background)
            .ok_or_else(|| Fault::bug("no row was explained"))?;
        let instead = match hidden {
            "own-mean" => "its own mean colour",
            "background-mean" => "the background's mean",
            _ => "the background's rows",
        };
        let players = "; players are the segments of each row's picture (SLIC), in whose place stand";
        all.method_reason = format!("{}{players} {instead} when absent", all.method_reason);
        if wanted.method == Method::Owen {
            all.method_reason.push_str(", in unions of neighbours that are alike");
        }
        let row = |((ids, members), of): ((Vec<u32>, Vec<Vec<usize>>), _)| SegmentedRow {
            ids,
            of: within(&cut.picture, &members, of),
        };
        let rows = told.into_iter().zip(parts).map(row).collect();
        Ok((all, Segmented { picture: cut.picture, asked: cut.wanted, hidden: hidden.to_owned(), rows }))
    }

    fn lime_of_segments(
        &mut self,
        cut: &Cut,
        (row, number): (&[f64], Option<&u64>),
        segments: &Segments,
        means: &[f64],
        wanted: &ExplainRequest,
    ) -> Result<RowOfParts, Fault> {
        let own = match cut.hide {
            Hide::OwnMean => segments.own_means(&cut.picture, row),
            Hide::BackgroundMean => means.to_vec(),
        };
        let members = segments.members(&cut.picture);
        let names: Vec<FeatureInfo> = (0..segments.count).map(|s| FeatureInfo::numeric(name(s))).collect();
        let asked = as_parts(wanted, Method::Lime, PartsLime::Picture);
        let (names_of_outputs, ctx) = (self.names, self.ctx);
        let features = Features { predictor: self.graph, row, absent: &own, members: &members };
        let mut once = Once::new(features);
        let kept = self.kept.map(|kept| kept.one(row)).unwrap_or_default();
        let about = (ctx, &kept, number);
        let mut explanation = super::apart::explain_parts(&mut once, &names, names_of_outputs, &asked, about)?;
        explanation.model_rows = kept.end(self.kept, row, once.asked());
        Ok(RowOfParts { explanation, members })
    }

    /// Shapley values with the segments as groups of columns.
    fn players_of_segments(
        &mut self,
        cut: &Cut,
        row: &[f64],
        segments: &Segments,
        wanted: &ExplainRequest,
    ) -> Result<RowOfParts, Fault> {
        let mut groups: Vec<Group> =
            wanted.groups.iter().filter(|group| !touches(&cut.picture, group)).cloned().collect();
        if let Some(group) = wanted.groups.iter().find(|g| g.kind == GroupKind::Given && touches(&cut.picture, g)) {
            return Err(usage(format!("the group {} has pixels, which are in segments", group.name))
                .hint("Leave --group or --segments out"));
        }
        let of_segment = |(s, features)| Group { name: name(s), features, kind: GroupKind::Segment };
        groups.extend(segments.members(&cut.picture).into_iter().enumerate().map(of_segment));
        let members = members(self.space.width(), &groups)?;
        let own = cut.picture.first..cut.picture.first + cut.picture.cells();
        let hierarchy = (wanted.method == Method::Owen).then(|| {
            // Segments stand among the players where the picture does among the columns.
            let inside = |of: &Vec<usize>| of.iter().any(|f| own.contains(f));
            let places: Vec<usize> = (0..members.len()).filter(|player| inside(&members[*player])).collect();
            let tree = segments.hierarchy(&cut.picture, row).renamed(&|segment| places[segment]);
            let others = (0..members.len()).filter(|player| !inside(&members[*player])).map(Hierarchy::Player);
            let mut all: Vec<Hierarchy> = others.collect();
            if all.is_empty() {
                return tree;
            }
            all.push(tree);
            Hierarchy::Union(all)
        });
        let explanation = self.explain(row, &ExplainRequest { groups, hierarchy, ..wanted.clone() })?;
        Ok(RowOfParts { explanation, members })
    }
}

fn name(segment: usize) -> String {
    format!("segment {segment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_are_cut_where_nobody_says_how_they_are_explained() {
        let cut = |side, method, plain| {
            let picture = Picture { first: 0, channels: 3, height: side, width: side, channels_last: false };
            let cut = Cut::asked(&PartSettings::default(), method, Some(picture), plain).expect("no contradiction");
            cut.map(|cut| cut.wanted)
        };
        assert!(cut(64, Method::Auto, true).is_some_and(|wanted| (2..1_000).contains(&wanted)));
        assert_eq!(cut(8, Method::Auto, true), None, "pixels of a small one are looked at one by one");
        assert_eq!(cut(64, Method::Integrated, true), None, "a method that was named is taken as it is");
        assert_eq!(cut(64, Method::Auto, false), None, "a table of numbers is no picture until somebody says so");
    }
}
