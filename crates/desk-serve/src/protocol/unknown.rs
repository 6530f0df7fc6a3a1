//! Texts of a request that the model's encoders do not know, which may be what stopped it.

use desk_core::model::KnownCategories;
use desk_core::words::{quoted, quoted_list};
use desk_core::{NamedTensor, TensorData};

/// Texts that a sentence names of those that the model knows.
const NAMED: usize = 10;

/// The first text that the model does not know, in a sentence with its input, row and column. `rows` are some of the
/// model's own whose columns have names.
pub fn unknown_category(
    inputs: &[NamedTensor],
    known: &[KnownCategories],
    rows: Option<&[NamedTensor]>,
) -> Option<String> {
    known.iter().find_map(|categories| {
        let input = inputs.iter().find(|input| input.name == categories.input)?;
        let TensorData::String(cells) = &input.tensor.data else { return None };
        let width = input.tensor.row_len().max(1);
        let is_unknown = |(at, cell): &(usize, &String)| {
            categories.column.is_none_or(|column| at % width == column) && !categories.values.contains(cell)
        };
        let (at, cell) = cells.iter().enumerate().find(is_unknown)?;
        let names = rows.and_then(|rows| rows.iter().find(|row| row.name == input.name)?.labels.as_ref());
        let column = match names.and_then(|names| names.get(at % width)) {
            Some(name) => format!(", column {}", quoted(name)),
            None if width > 1 => format!(", column {}", at % width + 1),
            None => String::new(),
        };
        Some(format!(
            "input {}, row {}{column}: {} is not one that the model knows: {}",
            quoted(&input.name),
            at / width + 1,
            quoted(cell),
            quoted_list(&categories.values, NAMED)
        ))
    })
}

#[cfg(test)]
mod tests {
    use desk_core::Tensor;

    use super::*;

    fn texts(name: &str, width: usize, cells: &[&str]) -> NamedTensor {
        let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        NamedTensor::new(name, Tensor::new(vec![cells.len() / width, width], TensorData::String(cells)).expect("fits"))
    }

    fn known(column: Option<usize>) -> Vec<KnownCategories> {
        vec![KnownCategories { input: "X".into(), column, values: vec!["Adelie".into(), "Gentoo".into()] }]
    }

    #[test]
    fn the_first_unknown_text_is_named_by_input_row_and_column() {
        let inputs = [texts("X", 2, &["x", "Adelie", "x", "Dodo"])];
        let said = unknown_category(&inputs, &known(Some(1)), None).expect("one");
        assert_eq!(said, "input `X`, row 2, column 2: `Dodo` is not one that the model knows: `Adelie`, `Gentoo`");
        let mut golden = [texts("X", 2, &["x", "Adelie"])];
        golden[0].labels = Some(vec!["id".into(), "species".into()]);
        let named = unknown_category(&inputs, &known(Some(1)), Some(&golden)).expect("one");
        assert!(named.starts_with("input `X`, row 2, column `species`: `Dodo`"), "{named}");
        let alone = unknown_category(&[texts("X", 1, &["Adelie", "Dodo"])], &known(None), None).expect("one");
        assert!(alone.starts_with("input `X`, row 2: `Dodo`"), "{alone}");
        assert_eq!(unknown_category(&[texts("X", 1, &["Adelie"])], &known(None), None), None);
    }
}
