//! Scores of many rows in as little memory as holds them exactly.

/// A list of numbers: float32 as long as all of them are float32 values, else float64.
#[derive(Debug, Clone)]
pub enum Compact {
    Narrow(Vec<f32>),
    Wide(Vec<f64>),
}

impl Default for Compact {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl Compact {
    pub fn push(&mut self, value: f64) {
        match self {
            Self::Narrow(values) if f64::from(value as f32) == value => values.push(value as f32),
            Self::Narrow(values) => {
                let mut wide: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
                wide.push(value);
                *self = Self::Wide(wide);
            }
            Self::Wide(values) => values.push(value),
        }
    }

    pub fn iter(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match self {
            Self::Narrow(values) => Box::new(values.iter().map(|v| f64::from(*v))),
            Self::Wide(values) => Box::new(values.iter().copied()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_rounded() {
        let mut values = Compact::default();
        let all = [0.5, f64::from(0.1f32), 0.1, 2.0];
        for value in all {
            values.push(value);
        }
        assert!(matches!(values, Compact::Wide(_)));
        assert_eq!(values.iter().collect::<Vec<_>>(), all);
    }
}
