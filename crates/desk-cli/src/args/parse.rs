//! Values that are more than one word: pairs, counts and ranges of rows.

/// `KEY=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        None => Err(format!("`{text}` has no `=`")),
        Some(("", _)) => Err("nothing stands before the `=`".to_owned()),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
    }
}

/// A whole number from 1 on.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "it is a whole number from 1 on".to_owned())
}

/// The two ends of a row range.
pub type Ends = (Option<u64>, Option<u64>);

/// `4`, `4..10`, `4..` or `..10`.
pub fn rows(text: &str) -> Result<Ends, String> {
    if text.is_empty() {
        return Err("no row is named: it is one such as 4, or several such as 4..10, 4.. or ..10".to_owned());
    }
    let number = |part: &str| match part {
        "" => Ok(None),
        _ => {
            part.parse::<u64>().ok().filter(|n| *n > 0).map(Some).ok_or(format!("`{part}` is not a row number from 1"))
        }
    };
    let (first, last) = match text.split_once("..") {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    match (first, last) {
        (Some(a), Some(b)) if a > b => Err(format!("row {a} comes after row {b}")),
        ends => Ok(ends),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_pairs_that_make_no_sense() {
        assert_eq!(pair("X=a,b=c"), Ok(("X".to_owned(), "a,b=c".to_owned())));
        assert!(pair("Xa").is_err() && pair("=a").is_err());
        assert!(at_least_one("0").is_err() && at_least_one("-1").is_err() && at_least_one("8") == Ok(8));
    }

    #[test]
    fn row_ranges() {
        assert_eq!(rows("4"), Ok((Some(4), Some(4))));
        assert_eq!(rows("4..9"), Ok((Some(4), Some(9))));
        assert_eq!(rows("..9"), Ok((None, Some(9))));
        for bad in ["", "0", "9..4", "x", "4...9", "-1"] {
            assert!(rows(bad).is_err(), "{bad}");
        }
    }
}
