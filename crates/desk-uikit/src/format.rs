//! Numbers as people read them: grouped digits, sensible precision, units, durations.

use std::sync::atomic::{AtomicBool, Ordering};

/// All ages and durations read alike, whatever they are.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// From now on all ages and durations of this process read alike: for pictures that are compared.
#[doc(hidden)]
pub fn stop_the_clock() {
    STOPPED.store(true, Ordering::Relaxed);
}

/// A narrow no-break space, which groups digits by three.
const THIN: char = '\u{202f}';
/// A no-break space between a number and its unit.
const NBSP: char = '\u{a0}';
/// The minus sign of typography; as wide as a plus.
const MINUS: char = '\u{2212}';

/// `12 400`, grouped by three with narrow no-break spaces.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(THIN);
        }
        out.push(digit);
    }
    out
}

/// `1 model`, `12 models`.
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Four significant digits, no exponent between 0.0001 and 10 million: `0.8123`, `12 400`, `1.2e-7`.
pub fn number(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "∞".to_owned() } else { format!("{MINUS}∞") };
    }
    let a = x.abs();
    let sign = if x < 0.0 { MINUS.to_string() } else { String::new() };
    let text = if a == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e7).contains(&a) {
        let text = format!("{a:.2e}");
        text.replace("e-", &format!("e{MINUS}"))
    } else if a.fract() == 0.0 {
        count(a as u64)
    } else if a >= 1000.0 {
        count(a.round() as u64)
    } else {
        let decimals = (3 - a.log10().floor() as i32).clamp(0, 7) as usize;
        trim_zeros(&format!("{a:.decimals$}"))
    };
    format!("{sign}{text}")
}

/// As [`number`], with a plus sign when positive; for contributions and differences.
pub fn signed(x: f64) -> String {
    if x > 0.0 { format!("+{}", number(x)) } else { number(x) }
}

/// A fixed number of decimals with the typographic minus, for columns that must line up.
pub fn fixed(x: f64, decimals: usize) -> String {
    if !x.is_finite() {
        return number(x);
    }
    let text = format!("{:.decimals$}", x.abs());
    let zero = text.chars().all(|c| c == '0' || c == '.');
    if x < 0.0 && !zero { format!("{MINUS}{text}") } else { text }
}

/// A measure: three decimals for what lies within one, four significant digits else; what is nearly nothing or nearly
/// all never reads as if it were that.
pub fn score(x: f64) -> String {
    let text = fixed(x, 3);
    let hidden = matches!(text.trim_start_matches(MINUS), "0.000" | "1.000") && x != 0.0 && x.abs() != 1.0;
    if x.is_finite() && x.abs() <= 1.0 && !hidden { text } else { number(x) }
}

/// So many decimals that the largest of a column has four significant digits, and all line up.
pub fn decimals(values: impl Iterator<Item = f64>) -> usize {
    let largest = values.filter(|value| value.is_finite()).fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if largest <= 0.0 {
        return 0;
    }
    (3.0 - largest.log10().floor()).clamp(0.0, 8.0) as usize
}

/// The numbers of one chart, with as many decimals each: beside each other 0.100 and 0.137 are told apart at a glance,
/// 0.1 and 0.137 are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alike {
    /// None where all are whole.
    decimals: Option<usize>,
}

impl Alike {
    /// For these numbers; four decimals at most.
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let whole = values.clone().all(|value| value.fract() == 0.0);
        Self { decimals: (!whole).then(|| decimals(values).min(4)) }
    }

    /// One of them; what would read as nothing and is not has digits of its own.
    pub fn number(self, x: f64) -> String {
        match self.decimals {
            Some(decimals) if x.abs() * 10.0_f64.powi(decimals as i32) >= 0.5 => fixed(x, decimals),
            _ => number(x),
        }
    }

    /// The same with a plus sign when positive.
    pub fn signed(self, x: f64) -> String {
        if x > 0.0 { format!("+{}", self.number(x)) } else { self.number(x) }
    }
}

fn trim_zeros(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// `18.4 MB`, in powers of 1000 as disks and networks count.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let text = if unit == 0 || value >= 99.95 { format!("{value:.0}") } else { trim_zeros(&format!("{value:.1}")) };
    format!("{text}{NBSP}{}", UNITS[unit])
}

/// `0.4 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(secs: f64) -> String {
    if STOPPED.load(Ordering::Relaxed) {
        return format!("1{NBSP}s");
    }
    if !secs.is_finite() || secs < 0.0 {
        return "–".to_owned();
    }
    if secs < 0.9995 {
        let ms = secs * 1000.0;
        let text = if ms < 99.95 { trim_zeros(&format!("{ms:.1}")) } else { format!("{ms:.0}") };
        return format!("{text}{NBSP}ms");
    }
    if secs < 59.95 {
        return format!("{}{NBSP}s", trim_zeros(&format!("{secs:.1}")));
    }
    let whole = secs.round() as u64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    let two = |a: u64, unit_a: &str, b: u64, unit_b: &str| {
        if b == 0 { format!("{a}{NBSP}{unit_a}") } else { format!("{a}{NBSP}{unit_a} {b}{NBSP}{unit_b}") }
    };
    match (days, hours) {
        (0, 0) => two(minutes, "min", seconds, "s"),
        (0, h) => two(h, "h", minutes, "min"),
        (d, h) => two(d, "d", h, "h"),
    }
}

/// `just now`, `12 min ago`, `3 h ago`, `5 d ago`.
pub fn ago(secs: f64) -> String {
    if secs < 45.0 || STOPPED.load(Ordering::Relaxed) {
        return "just now".to_owned();
    }
    let minutes = (secs / 60.0).round() as u64;
    match minutes {
        0..60 => format!("{} min ago", minutes.max(1)),
        60..1440 => format!("{} h ago", minutes / 60),
        _ => format!("{} d ago", minutes / 1440),
    }
}

/// How many seconds the text of [`ago`] stays as it is.
pub fn ago_lasts(secs: f64) -> f64 {
    let minutes = (secs / 60.0).round();
    // The minute, hour or day that follows; minutes are rounded, so each begins half a minute early.
    let next = if secs < 45.0 {
        return 45.0 - secs;
    } else if minutes < 60.0 {
        minutes.max(1.0) + 1.0
    } else if minutes < 1440.0 {
        ((minutes / 60.0).floor() + 1.0) * 60.0
    } else {
        ((minutes / 1440.0).floor() + 1.0) * 1440.0
    };
    ((next - 0.5) * 60.0 - secs).max(0.0)
}

/// `62 %`.
pub fn percent(fraction: f64) -> String {
    format!("{:.0}{NBSP}%", fraction * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn plain(text: &str, want: &str) {
        assert_eq!(text.replace([THIN, NBSP], " ").replace(MINUS, "-"), want);
    }

    #[test]
    fn a_column_has_the_decimals_of_its_largest_number() {
        let of = |values: &[f64]| decimals(values.iter().copied());
        assert_eq!(of(&[0.4025, 0.00167, 0.0]), 4);
        assert_eq!(of(&[-12.5, 3.0, f64::NAN]), 2);
        assert_eq!((of(&[0.0]), of(&[123_456.0]), of(&[])), (0, 0, 0));
    }

    #[test]
    fn counts_are_grouped() {
        plain(&count(0), "0");
        plain(&count(999), "999");
        plain(&count(12_400), "12 400");
        plain(&count(1_000_000), "1 000 000");
        plain(&plural(1, "row", "rows"), "1 row");
    }

    #[test]
    fn numbers_keep_four_digits_and_the_typographic_minus() {
        plain(&number(0.812_345), "0.8123");
        plain(&number(-12.5), "-12.5");
        plain(&number(12_345.6), "12 346");
        plain(&number(1.234e-7), "1.23e-7");
        plain(&number(99.999), "100");
        plain(&number(f64::NAN), "NaN");
        plain(&signed(0.31), "+0.31");
        plain(&signed(-0.31), "-0.31");
        plain(&fixed(-0.0004, 3), "0.000");
        plain(&fixed(-1.5, 3), "-1.500");
        plain(&score(0.25), "0.250");
        plain(&score(0.000_012_34), "1.23e-5");
        plain(&score(0.999_87), "0.9999");
        plain(&score(1.0), "1.000");
        plain(&score(0.0), "0.000");
        plain(&score(12.5), "12.5");
    }

    #[test]
    fn an_age_lasts_until_its_text_changes() {
        for start in [0.0, 44.0, 45.0, 46.0, 89.0, 91.0, 3500.0, 3569.0, 3600.0, 7000.0, 86_369.0, 86_400.0, 5e5] {
            let lasts = ago_lasts(start);
            assert!(lasts > 0.0, "{start}");
            assert_eq!(ago(start), ago(start + lasts - 0.01), "{start}: for {lasts} s");
            assert_ne!(ago(start), ago(start + lasts + 0.01), "{start}: after {lasts} s");
        }
    }

    #[test]
    fn sizes_and_times_have_units() {
        plain(&bytes(0), "0 B");
        plain(&bytes(999), "999 B");
        plain(&bytes(18_400_000), "18.4 MB");
        plain(&bytes(999_999), "1 MB");
        plain(&duration(0.0004), "0.4 ms");
        plain(&duration(0.5581), "558 ms");
        plain(&duration(12.04), "12 s");
        plain(&duration(200.0), "3 min 20 s");
        plain(&duration(7500.0), "2 h 5 min");
        plain(&duration(f64::NAN), "–");
        plain(&ago(3.0), "just now");
        plain(&ago(60.0 * 90.0), "1 h ago");
        plain(&percent(0.618), "62 %");
    }
}
