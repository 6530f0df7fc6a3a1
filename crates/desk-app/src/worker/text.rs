//! Rows explained by the words of their texts.

use desk_core::Fault;
use desk_core::words::quoted;
use desk_explain::parts::{Carry, Once, Parted, RowOfParts, Words, joined};
use desk_explain::{ExplainRequest, Explanation, FeatureInfo, FeatureKind, Hierarchy, Method, PartsLime};

use super::apart::{as_parts, explain_parts, usage};
use super::engine::Engine;
use super::function::Graph;
use crate::command::PartSettings;
use crate::outcome::{Span, Worded, WordedRow};

/// Bytes of texts that the model gets at once.
const BYTES: usize = 4 << 20;
/// Texts that the model gets at once, so that a cancel is seen soon.
const TEXTS: usize = 2048;
/// Most words whose every set is valued when nobody names a method.
const FEW: usize = 12;
/// Most words that a regression is for when nobody names a method.
const MANY: usize = 512;

/// Which text is taken apart, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfWords {
    /// The feature that is the text.
    pub feature: usize,
    /// A word is one player wherever it stands.
    pub bag: bool,
}

impl OfWords {
    /// What was asked for; by itself where the model reads one text and nothing else, and a row of `table` has more than one
    /// word.
    pub fn asked(
        settings: &PartSettings,
        method: Method,
        features: &[FeatureInfo],
        table: &[f64],
    ) -> Result<Option<Self>, Fault> {
        let is_text = |feature: &FeatureInfo| matches!(feature.kind, FeatureKind::Categorical { .. });
        let fits = matches!(
            method,
            Method::Auto | Method::Lime | Method::Exact | Method::Kernel | Method::Permutation | Method::Owen
        );
        let feature = match &settings.text {
            _ if settings.no_text => None,
            Some(column) => {
                let at = features.iter().position(|feature| feature.name == *column).ok_or_else(|| {
                    usage(format!("the model reads no column {}", quoted(column)))
                        .hint("Name the column whose words are to be explained")
                })?;
                if !is_text(&features[at]) {
                    return Err(usage(format!("the column {} holds numbers, which have no words", quoted(column)))
                        .hint("Leave --text out"));
                }
                if !fits {
                    return Err(usage(format!("the method {method} does not explain words"))
                        .hint("Words are explained by lime, exact, kernel, permutation and owen"));
                }
                Some(at)
            }
            None => match features {
                _ if fits && is_one_text(features, table) => Some(0),
                _ => None,
            },
        };
        if settings.positions && feature.is_none() {
            return Err(usage("places of words count where words are explained, and none are here")
                .hint("Name the column of the text with --text"));
        }
        Ok(feature.map(|feature| Self { feature, bag: !settings.positions }))
    }
}

/// The model reads one text and nothing else, and a row of `table` has more than one word.
pub(super) fn is_one_text(features: &[FeatureInfo], table: &[f64]) -> bool {
    let [only] = features else { return false };
    table.iter().any(|code| several_words(only, *code))
}

fn several_words(feature: &FeatureInfo, code: f64) -> bool {
    let FeatureKind::Categorical { levels } = &feature.kind else { return false };
    levels.get(code as usize).is_some_and(|text| Words::of(text, false).count > 1)
}

/// One row whose text has its words or has them not.
struct TextRow<'a, 'g> {
    graph: &'a mut Graph<'g>,
    row: &'a [f64],
    feature: usize,
    text: &'a str,
    words: &'a Words,
}

impl Parted for TextRow<'_, '_> {
    /// A text without words has one part that changes nothing.
    fn parts(&self) -> usize {
        self.words.count.max(1)
    }

    fn outputs(&self) -> usize {
        self.graph.outputs
    }

    fn answers(&mut self, sets: &[&[bool]]) -> Result<Vec<f64>, Fault> {
        let mut answers = Vec::with_capacity(sets.len() * self.outputs());
        for some in sets.chunks((BYTES / self.text.len().max(1)).clamp(1, TEXTS)) {
            let texts = self.words.all_kept(self.text, some);
            answers.extend(self.graph.predict_texts(self.row, self.feature, texts)?);
        }
        Ok(answers)
    }
}

impl Engine<'_, '_> {
    /// Explains each row by the words of its text; other features stay as they are in the row.
    pub fn explain_words(
        &mut self,
        of: OfWords,
        table: &[f64],
        wanted: &ExplainRequest,
    ) -> Result<(Explanation, Worded), Fault> {
        let width = self.space.width();
        let texts: Vec<String> =
            table.chunks_exact(width).map(|row| self.space.display(of.feature, row[of.feature])).collect();
        let words: Vec<Words> = texts.iter().map(|text| Words::of(text, of.bag)).collect();
        let most = words.iter().map(|words| words.count).max().unwrap_or_default();
        let (method, reason) = choose(wanted.method, most);
        let mut asked = as_parts(wanted, method, PartsLime::Text);
        let mut rows = Vec::with_capacity(texts.len());
        for ((row, text), words) in table.chunks_exact(width).zip(&texts).zip(&words) {
            let mut names: Vec<FeatureInfo> = words.names(text).into_iter().map(FeatureInfo::numeric).collect();
            if names.is_empty() {
                names.push(FeatureInfo::numeric("no word"));
            }
            if method == Method::Owen {
                asked.hierarchy = Some(Hierarchy::halves(&(0..names.len()).collect::<Vec<_>>()));
            }
            let (names_of_outputs, ctx, number) = (self.names, self.ctx, self.numbers.get(rows.len()));
            let mut once = Once::new(TextRow { graph: self.graph, row, feature: of.feature, text, words });
            let kept = self.kept.map(|kept| kept.one(row)).unwrap_or_default();
            let mut explanation = explain_parts(&mut once, &names, names_of_outputs, &asked, (ctx, &kept, number))?;
            explanation.model_rows = kept.end(self.kept, row, once.asked());
            let members = vec![vec![of.feature]; names.len()];
            rows.push(RowOfParts { explanation, members });
        }
        let (mut all, parts) =
            joined(rows, self.features, Carry::Sum, 0).ok_or_else(|| Fault::bug("no row was explained"))?;
        let column = self.features[of.feature].name.clone();
        let united = if method == Method::Owen { ", in unions of neighbours: halves of halves" } else { "" };
        let what = if of.bag { "words" } else { "places of words" };
        all.method_reason =
            format!("{reason}; players are the {what} of {column}, which are left out when absent{united}");
        let told = texts.into_iter().zip(&words).zip(parts).map(|((text, words), of)| {
            let span = |span: desk_explain::parts::WordSpan| Span {
                start: span.start,
                end: span.end,
                text: text[span.bytes].to_owned(),
                part: span.part,
                contribution: of.values[span.part].clone(),
                standard_error: of.std_error.as_ref().map(|errors| errors[span.part].clone()),
            };
            let spans: Vec<Span> = words.spans(&text).into_iter().map(span).collect();
            WordedRow { base: of.base.clone(), spans, text }
        });
        let rows: Vec<WordedRow> = told.collect();
        let empty = rows.iter().filter(|row| row.spans.is_empty()).count();
        if empty > 0 {
            all.warnings.push(format!("{empty} of {} texts have no word, so nothing of them is explained", rows.len()));
        }
        Ok((all, Worded { column, bag: of.bag, rows }))
    }
}

/// The method for texts of so many words, and why.
fn choose(method: Method, words: usize) -> (Method, String) {
    match method {
        Method::Auto if words <= FEW => {
            (Method::Exact, format!("a text has at most {words} words, so every set of them is valued"))
        }
        Method::Auto if words <= MANY => {
            (Method::Kernel, format!("a text has up to {words} words, too many to value every set of them"))
        }
        Method::Auto => (Method::Permutation, format!("a text has up to {words} words, too many for a regression")),
        method => (method, "asked for".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, levels: &[&str]) -> FeatureInfo {
        FeatureInfo::categorical(name, levels.iter().map(|level| (*level).to_owned()).collect())
    }

    #[test]
    fn free_text_alone_is_taken_apart_by_itself_and_nothing_else_is() {
        let review = text("review", &["", "bad", "good and cheap"]);
        let city = text("city", &["Oslo", "Rome"]);
        let plain = PartSettings::default();
        let asked = |settings: &PartSettings, method, features: &[FeatureInfo], table: &[f64]| {
            OfWords::asked(settings, method, features, table)
        };
        let one = std::slice::from_ref::<FeatureInfo>;
        let found = Some(OfWords { feature: 0, bag: true });
        assert_eq!(asked(&plain, Method::Auto, one(&review), &[1.0, 2.0]), Ok(found));
        assert_eq!(asked(&plain, Method::Lime, one(&review), &[2.0]), Ok(found));
        assert_eq!(asked(&plain, Method::Auto, one(&review), &[1.0, 0.0]), Ok(None), "one word is a category");
        assert_eq!(asked(&plain, Method::Auto, one(&city), &[0.0, 1.0]), Ok(None));
        assert_eq!(asked(&plain, Method::Occlusion, one(&review), &[2.0]), Ok(None));
        let two = [FeatureInfo::numeric("age"), review];
        assert_eq!(asked(&plain, Method::Auto, &two, &[30.0, 2.0]), Ok(None), "more than the text");
        let named = PartSettings { text: Some("review".into()), positions: true, ..PartSettings::default() };
        assert_eq!(asked(&named, Method::Kernel, &two, &[30.0, 1.0]), Ok(Some(OfWords { feature: 1, bag: false })));
        assert!(asked(&named, Method::Tree, &two, &[30.0, 2.0]).is_err());
        let other = PartSettings { text: Some("age".into()), ..PartSettings::default() };
        assert!(asked(&other, Method::Auto, &two, &[30.0, 2.0]).is_err(), "numbers have no words");
        let off = PartSettings { no_text: true, ..PartSettings::default() };
        assert_eq!(asked(&off, Method::Auto, &two[1..], &[2.0]), Ok(None));
        let places = PartSettings { positions: true, ..PartSettings::default() };
        assert!(asked(&places, Method::Auto, &two, &[30.0, 2.0]).is_err());
    }

    #[test]
    fn the_method_suits_the_longest_text() {
        let of = |words| choose(Method::Auto, words).0;
        assert_eq!(
            [of(0), of(12), of(13), of(512), of(513)],
            [Method::Exact, Method::Exact, Method::Kernel, Method::Kernel, Method::Permutation]
        );
        assert_eq!(choose(Method::Lime, 5), (Method::Lime, "asked for".to_owned()));
    }
}
