//! What to know of features that go together, in words.

use desk_core::counted;
use desk_core::words::quoted;
use desk_explain::global::Correlated;

/// Others that a sentence names.
const NAMED: usize = 3;

/// Beside importances.
pub fn of_importance(pairs: &[Correlated]) -> Option<String> {
    let first = pairs.first()?;
    let more = pairs.len() - 1;
    let more = if more == 0 { String::new() } else { format!(", and {}", counted(more as u64, "other pair")) };
    Some(format!(
        "Features go together: {} and {} (rank correlation {:.2}){more}. While one is shuffled the other still tells, so \
         each may seem to matter less than both do",
        quoted(&first.feature),
        quoted(&first.other),
        first.correlation
    ))
}

/// Beside the dependence on one feature.
pub fn of_dependence(pairs: &[Correlated]) -> Option<String> {
    let first = pairs.first()?;
    let mut others: Vec<String> =
        pairs.iter().take(NAMED).map(|pair| format!("{} ({:.2})", quoted(&pair.other), pair.correlation)).collect();
    if pairs.len() > NAMED {
        others.push(format!("{} more", pairs.len() - NAMED));
    }
    Some(format!(
        "{} goes together with {} (rank correlation): partial dependence sets it to values that do not occur beside \
         theirs; the accumulated effect stays where the rows are",
        quoted(&first.feature),
        others.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(other: &str, correlation: f64) -> Correlated {
        Correlated { feature: "area".into(), other: other.into(), correlation }
    }

    #[test]
    fn what_goes_together_is_named_and_the_rest_counted() {
        let pairs: Vec<_> = ["radius", "perimeter", "mass", "age"].map(|name| pair(name, 0.987)).into();
        let said = of_importance(&pairs).expect("said");
        assert!(said.contains("`area` and `radius` (rank correlation 0.99), and 3 other pairs. While"), "{said}");
        let said = of_dependence(&pairs).expect("said");
        assert!(said.contains("`radius` (0.99), `perimeter` (0.99), `mass` (0.99), 1 more (rank"), "{said}");
        assert!(of_importance(&pairs[..1]).expect("said").contains("0.99). While"));
        assert_eq!((of_importance(&[]), of_dependence(&[])), (None, None));
    }
}
