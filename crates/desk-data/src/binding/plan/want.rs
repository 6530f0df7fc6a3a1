//! What an input wants of a table.

use arrow::datatypes::{DataType, Field};
use desk_core::{Dim, ElementType, ValueInfo};

use super::super::Source;
use super::super::columns::list_shape;
use super::super::report::How;
use crate::error::DataError;

/// What an input wants, in short.
pub struct Want {
    pub name: String,
    pub element: ElementType,
    pub dims: Option<Vec<Dim>>,
    /// Values in a row where the model says it.
    pub width: Option<usize>,
    pub found: Option<(Source, How)>,
}

impl Want {
    pub fn of(info: &ValueInfo) -> Result<Self, DataError> {
        let refuse = |why: String| Err(DataError::Input { input: info.name.clone(), why });
        let Some((element, shape)) = info.value_type.as_tensor() else {
            return refuse(format!("it is a {}, not a tensor", info.value_type));
        };
        let supported = element.is_integer()
            || matches!(
                element,
                ElementType::Bool
                    | ElementType::String
                    | ElementType::Float16
                    | ElementType::Float32
                    | ElementType::Float64
            );
        if !supported {
            return refuse(format!("elements of type {element} are not supported"));
        }
        if shape.is_some_and(|dims| dims.contains(&Dim::Fixed(0))) {
            return refuse(format!("its shape, {}, holds no values", info.value_type));
        }
        let width = shape.and_then(|dims| {
            dims.iter().skip(1).try_fold(1usize, |product, dim| match dim {
                Dim::Fixed(n) => product.checked_mul(usize::try_from(*n).ok()?),
                _ => None,
            })
        });
        Ok(Self { name: info.name.clone(), element, dims: shape.map(<[Dim]>::to_vec), width, found: None })
    }

    /// One value in a row.
    pub fn is_narrow(&self) -> bool {
        self.width == Some(1) && !self.is_scalar()
    }

    /// One value and no rows.
    pub fn is_scalar(&self) -> bool {
        self.rank() == Some(0)
    }

    pub fn rank(&self) -> Option<usize> {
        self.dims.as_ref().map(Vec::len)
    }

    pub fn row_shape(&self) -> Vec<Option<usize>> {
        let open = |dim: &Dim| match dim {
            Dim::Fixed(n) => usize::try_from(*n).ok(),
            _ => None,
        };
        // Without a shape the rows are taken as vectors.
        self.dims.as_ref().map_or_else(|| vec![None], |dims| dims.iter().skip(1).map(open).collect())
    }

    pub fn fixed_batch(&self) -> Option<usize> {
        match self.dims.as_ref()?.first()? {
            Dim::Fixed(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }
}

pub fn list_width(field: &Field) -> Option<usize> {
    match field.data_type() {
        DataType::FixedSizeList(_, width) => usize::try_from(*width).ok(),
        _ => None,
    }
}

pub fn list_fits(want: &Want, field: &Field) -> bool {
    let width = match field.data_type() {
        DataType::FixedSizeList(_, width) => *width as usize,
        DataType::List(_) => return want.rank().is_none_or(|rank| rank >= 2),
        _ => return false,
    };
    if want.rank().is_some_and(|rank| rank < 2) {
        return false;
    }
    let fits_width = want.width.is_none_or(|wanted| wanted == width);
    // With open dimensions the array's own shape decides; with fixed ones the number of values.
    let open = want.row_shape();
    let fits_shape = match list_shape(field) {
        Some(shape) if shape.len() == open.len() => open.iter().zip(&shape).all(|(a, b)| a.is_none_or(|a| a == *b)),
        _ => want.width.is_some(),
    };
    fits_width && fits_shape
}
