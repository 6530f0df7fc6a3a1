//! Whether rows are explained by parts of them, and what that takes.

use desk_core::{Fault, FaultKind, Predictor};
use desk_data::{Binding, FeatureSpace};
use desk_explain::{
    ExplainRequest, Explanation, FeatureInfo, LimeOptions, Method, Model, PartsLime, Picture, Table, Windows,
    explain_kept,
};
use desk_jobs::JobContext;

use super::engine::Engine;
use super::kept::OneRow;
use super::segments::Cut;
use super::text::OfWords;
use crate::command::{Hide, MethodSettings};
use crate::outcome::{Segmented, Worded};

/// What rows are taken apart into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// Segments of their pictures.
    Segments(Cut),
    /// Words of their texts.
    Words(OfWords),
}

/// What is told of the parts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// Segments.
    pub segments: Option<Segmented>,
    /// Words.
    pub text: Option<Worded>,
    /// What stands for absent parts, where it is not the background.
    pub instead: Option<String>,
}

/// A wish that cannot be met.
pub fn usage(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Usage, message)
}

impl Cut {
    /// What was asked for of a model's inputs.
    pub fn of(
        settings: &MethodSettings,
        method: Method,
        space: &FeatureSpace,
        binding: &Binding,
    ) -> Result<Option<Self>, Fault> {
        let found = space.shapes().find_map(|(first, dims)| Some((Picture::of(first, dims)?, dims.len())));
        // Two dimensions without channels may be a table as well as a grey picture.
        let image = binding.report().inputs.iter().any(|input| input.image.is_some());
        let plain = found.is_some_and(|(_, dims)| dims == 3) || image;
        Self::asked(&settings.parts, method, found.map(|(picture, _)| picture), plain)
    }
}

impl Apart {
    /// What was asked for; none where columns are looked at.
    pub fn asked(
        settings: &MethodSettings,
        method: Method,
        cut: Option<Cut>,
        features: &[FeatureInfo],
        table: &[f64],
    ) -> Result<Option<Self>, Fault> {
        let words = OfWords::asked(&settings.parts, method, features, table)?;
        let apart = match (cut, words) {
            (Some(_), Some(_)) => {
                return Err(usage("a row is taken apart by its picture or by its text, not by both")
                    .hint("Leave --segments or --text out"));
            }
            (Some(cut), None) => Some(Self::Segments(cut)),
            (None, Some(words)) => Some(Self::Words(words)),
            (None, None) => None,
        };
        if apart.is_some() && settings.quality.is_some() {
            return Err(usage("quality is measured of columns, and these rows are explained by parts of them")
                .hint("Leave --quality out, or explain columns: --no-text, --segments 0"));
        }
        Ok(apart)
    }
}

impl Engine<'_, '_> {
    /// Explains rows by parts of them where that was asked for, else by their columns.
    pub fn explain_by(
        &mut self,
        apart: Option<&Apart>,
        table: &[f64],
        wanted: &ExplainRequest,
    ) -> Result<(Explanation, Told), Fault> {
        match apart {
            None => Ok((self.explain(table, wanted)?, Told::default())),
            Some(Apart::Segments(cut)) => {
                let (explanation, segments) = self.explain_segments(cut, table, wanted)?;
                let own = segments.hidden == Hide::OwnMean.name();
                let instead = own.then(|| "each segment's own mean colour".to_owned());
                Ok((explanation, Told { segments: Some(segments), instead, ..Told::default() }))
            }
            Some(Apart::Words(of)) => {
                let (explanation, text) = self.explain_words(*of, table, wanted)?;
                let instead = Some("each text without its words".to_owned());
                Ok((explanation, Told { text: Some(text), instead, ..Told::default() }))
            }
        }
    }
}

/// The same request of a row's parts.
pub fn as_parts(wanted: &ExplainRequest, method: Method, way: PartsLime) -> ExplainRequest {
    ExplainRequest {
        method,
        groups: Vec::new(),
        windows: Windows::default(),
        lime: LimeOptions { parts: Some(way), ..wanted.lime.clone() },
        ..wanted.clone()
    }
}

/// Explains one row with all its parts, against the row without them.
pub fn explain_parts(
    model: &mut dyn Predictor,
    parts: &[FeatureInfo],
    outputs: &[String],
    asked: &ExplainRequest,
    (ctx, kept, number): (&JobContext, &OneRow, Option<&u64>),
) -> Result<Explanation, Fault> {
    let count = parts.len();
    let (ones, zeros) = (vec![1.0; count], vec![0.0; count]);
    let model = Model { trees: None, linear: None, predictor: model, output_names: outputs };
    let (row, absent) = (Table::new(&ones, count), Table::new(&zeros, count));
    let explained = explain_kept(model, (row, absent), parts, asked, (&ctx.cancel, ctx), kept);
    Ok(explained.map_err(|error| error.numbered(number.map(std::slice::from_ref).unwrap_or_default()))?)
}
