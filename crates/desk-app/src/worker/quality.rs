//! Measuring an explanation: whether the model bears it out, whether it stays, whether another method says the same.

use desk_core::words::quoted;
use desk_core::{Fault, FaultKind};
use desk_explain::quality::{self, Faithfulness, MethodAgreement, NOISE_RADIUS, NOISY_COPIES, QualityRequest};
use desk_explain::{ExplainRequest, Explanation, Method, Model, Table, explain};

use super::engine::Engine;
use crate::command::QualitySettings;
use crate::quality::{Agreed, QualityAnswer, Sensitivity};

/// Rows that are measured at most, evenly spaced over those that were explained.
const ROWS: usize = 5;
/// Features that count as the most important ones.
const TOP: usize = 5;
/// With fewer of them in common two methods are said to disagree.
const ALIKE: f64 = 0.5;
/// Up to so many features Kernel SHAP stands beside occlusion, LIME beyond.
const FEW: usize = 64;

/// Measures the explanation of `table`, whose rows have these numbers; gives what to know of it too.
pub fn measure(
    engine: &mut Engine<'_, '_>,
    explanation: &Explanation,
    (table, row_numbers): (&[f64], &[u64]),
    wanted: &ExplainRequest,
    settings: &QualitySettings,
) -> Result<(QualityAnswer, Vec<String>), Fault> {
    let (ctx, features, width) = (engine.ctx, engine.features, engine.space.width());
    let rows = Table::new(table, width);
    let n = rows.len().min(ROWS);
    let chosen: Vec<usize> = (0..n).map(|i| i * rows.len() / n).collect();
    let numbers: Vec<u64> = chosen.iter().map(|row| row_numbers[*row]).collect();
    // What ran once runs again, not what auto would choose for other rows.
    let again = ExplainRequest { method: explanation.method, interactions: false, ..wanted.clone() };
    let (seed, replaced_by) = (wanted.seed, settings.replaced_by);
    let request = QualityRequest { rows: chosen.clone(), replaced_by, seed };
    let background = engine.background;
    let faithfulness = engine.with_function((table, explanation), &again, |function| {
        let tables = (rows, Table::new(background, width));
        quality::faithfulness(function, explanation, tables, features, &request, &ctx.cancel, ctx)
    })?;
    let mut warnings = Vec::new();
    match &faithfulness {
        Some(found) => warnings.extend(no_better(found, &numbers, explanation)),
        None => warnings.push(
            "Deletion, insertion and infidelity were not measured: the function that was explained \
                               cannot be asked again"
                .to_owned(),
        ),
    }
    let copies = quality::noisy_copies(rows, &chosen, engine.background(), features, seed);
    let moved = engine.explain(&copies, &again)?;
    let values = quality::sensitivity(&explanation.values, &chosen, &moved.values);
    let sensitivity = Sensitivity { radius: NOISE_RADIUS, copies: NOISY_COPIES, values };
    let mut model_rows = faithfulness.as_ref().map_or(0, |found| found.model_rows) + moved.model_rows;

    let asked: Option<Method> = settings.against.as_deref().map(str::parse).transpose()?;
    if asked == Some(explanation.method) {
        let what = format!("the explanation is of the method {} itself", explanation.method);
        return Err(Fault::new(FaultKind::Usage, what).hint("Compare it with another one (--against)"));
    }
    let grouped = !explanation.groups.is_empty();
    let method = asked.unwrap_or_else(|| usual_other(explanation.method, width));
    if grouped && !method.has_players() && method != Method::Occlusion {
        let what = format!("{method} looks at single columns, and here some are one player of {}", explanation.method);
        return Err(Fault::new(FaultKind::Usage, what)
            .hint("Compare with occlusion, kernel or another method of Shapley values (--against)")
            .hint("Or take each column by itself (--no-groups)"));
    }
    let measured: Vec<f64> = chosen.iter().flat_map(|row| rows.row(*row)).copied().collect();
    let mut other = ExplainRequest { method, space: Some(explanation.space), samples: None, ..again.clone() };
    if grouped && method == Method::Occlusion {
        // What is one player is covered as one.
        other.windows.together = explanation.groups.iter().map(|group| group.features.clone()).collect();
        other.groups.clear();
    }
    let found = match by_same_function(engine, (table, explanation), &again, (&measured, &other)) {
        Ok(None) => engine.explain(&measured, &other),
        Ok(Some(found)) => Ok(found),
        Err(fault) => Err(fault),
    };
    let agreement = match found {
        Ok(found) if found.space != explanation.space => {
            model_rows += found.model_rows;
            warnings.push(format!(
                "No other method was compared with: {method} explains the {} here, and {} the {}",
                found.space, explanation.method, explanation.space
            ));
            None
        }
        Ok(found) => {
            model_rows += found.model_rows;
            Some(agreed(explanation, &chosen, &found))
        }
        Err(fault) if fault.is_cancelled() || settings.against.is_some() => return Err(fault),
        Err(fault) => {
            warnings.push(format!("No other method was compared with: {method} says {}", fault.message));
            None
        }
    };
    let agreement = agreement.flatten();
    warnings.extend(agreement.as_ref().and_then(|agreed| disagree(agreed, explanation, &numbers)));
    Ok((QualityAnswer { row_numbers: numbers, faithfulness, sensitivity, agreement, model_rows }, warnings))
}

/// A method of another kind, which works for every model.
fn usual_other(method: Method, features: usize) -> Method {
    match method {
        Method::Occlusion if features <= FEW => Method::Kernel,
        Method::Occlusion => Method::Lime,
        _ => Method::Occlusion,
    }
}

/// Another method's explanation of the very function that the first is of, where it takes any function; none where it reads
/// the model itself, or the function cannot be asked again.
fn by_same_function(
    engine: &mut Engine<'_, '_>,
    (table, explanation): (&[f64], &Explanation),
    again: &ExplainRequest,
    (measured, other): (&[f64], &ExplainRequest),
) -> Result<Option<Explanation>, Fault> {
    if other.method.needs_gradients() || matches!(other.method, Method::Tree | Method::Path | Method::Linear) {
        return Ok(None);
    }
    let (ctx, features, names, background) = (engine.ctx, engine.features, engine.names, engine.background);
    let width = engine.space.width();
    engine.with_function((table, explanation), again, |function| {
        let output_names = if function.n_outputs() == names.len() { names } else { &[] };
        let model = Model { trees: None, linear: None, predictor: function, output_names };
        let tables = (Table::new(measured, width), Table::new(background, width));
        let asked = ExplainRequest { space: None, ..other.clone() };
        let found = explain(model, tables.0, tables.1, features, &asked, &ctx.cancel, ctx)?;
        Ok(Explanation { space: explanation.space, ..found })
    })
}

/// Row by row; none where the other method explains other outputs.
fn agreed(explanation: &Explanation, chosen: &[usize], other: &Explanation) -> Option<Agreed> {
    let place = |name: &String| other.output_names.iter().position(|known| known == name);
    let places: Vec<usize> = explanation.output_names.iter().map(place).collect::<Option<_>>()?;
    let signed = [explanation.method, other.method].iter().all(|method| *method != Method::Saliency);
    let compare = |(at, row): (usize, &usize)| -> Vec<MethodAgreement> {
        let of = |(k, theirs): (usize, &usize)| {
            let (one, two) =
                (explanation.attributions(*row, k), of_players(other.attributions(at, *theirs), explanation));
            quality::agreement(&one, &two, TOP, signed)
        };
        places.iter().enumerate().map(of).collect()
    };
    let values = chosen.iter().enumerate().map(compare).collect();
    Some(Agreed { method: other.method.to_string(), space: other.space.to_string(), values })
}

/// The attributions of players: where another method has one for each column, those of a group are all what the group has,
/// and it stands where its first column does.
fn of_players(found: Vec<f64>, explanation: &Explanation) -> Vec<f64> {
    if found.len() == explanation.feature_names.len() {
        return found;
    }
    let later =
        |f: &usize| explanation.groups.iter().any(|group| group.features.iter().skip(1).any(|other| other == f));
    (0..found.len()).filter(|f| !later(f)).map(|f| found[f]).collect()
}

/// Rows of which two methods name other features.
fn disagree(agreed: &Agreed, explanation: &Explanation, numbers: &[u64]) -> Option<String> {
    let rows = numbers.iter().zip(&agreed.values);
    let apart = rows.filter(|(_, values)| values.iter().any(|value| value.features < ALIKE));
    let apart: Vec<String> = apart.map(|(row, _)| row.to_string()).collect();
    let top = agreed.values.first()?.first()?.top;
    (!apart.is_empty()).then(|| {
        format!(
            "{} and {} disagree: of row {} they have fewer than half of the {top} most important features in common",
            explanation.method,
            agreed.method,
            apart.join(", ")
        )
    })
}

/// Rows whose answer follows the features in their order no faster than in a random one.
fn no_better(found: &Faithfulness, numbers: &[u64], explanation: &Explanation) -> Option<String> {
    let mut rows = Vec::new();
    for (number, curves) in numbers.iter().zip(&found.curves) {
        for (curves, name) in curves.iter().zip(&explanation.output_names) {
            if curves.insertion_area <= curves.deletion_area {
                rows.push(format!("{number} ({})", quoted(name)));
            }
        }
    }
    (!rows.is_empty()).then(|| {
        format!(
            "The model does not bear out the order of the features: of row {} the answer is no higher with the first ones \
             there than with them gone",
            rows.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_method_is_another_one() {
        for method in Method::ALL {
            for features in [10, 1000] {
                assert_ne!(usual_other(method, features), method);
            }
        }
    }
}
