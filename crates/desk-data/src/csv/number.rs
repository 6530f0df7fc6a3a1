//! Decimal numbers from bytes, correctly rounded, without looking for the cell's end first.
//!
//! The exact fast path is Clinger's (How to read floating point numbers accurately, PLDI 1990):
//! mantissa and power of ten are both exact in float64, so one operation rounds once. The rest goes
//! to the standard library.

/// A number as written: `(-1)^negative * mantissa * 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one number")]
pub struct Decimal {
    mantissa: u64,
    exponent: i32,
    negative: bool,
    /// At most 19 significant digits, so that the mantissa is all of them.
    whole: bool,
    /// No point and no exponent.
    pub integer: bool,
    /// An integer with a needless zero in front, such as `007`: often a code, not a number.
    pub padded: bool,
}

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The high bit of each byte that is no digit. Bytes behind the first such may be wrong.
#[inline]
fn no_digits(chunk: u64) -> u64 {
    let above = chunk.wrapping_add(0x4646_4646_4646_4646);
    let below = chunk.wrapping_sub(0x3030_3030_3030_3030);
    (above | below) & 0x8080_8080_8080_8080
}

/// The value of eight digits, first digit in the lowest byte (three multiplications on a 64-bit word).
#[inline]
fn value_of_eight(digits: u64) -> u64 {
    let pairs = (digits.wrapping_mul(10)).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let high = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

/// The value of the first `count` digits of a word of text, 1 to 8 of them.
#[inline]
fn value_of(text: u64, count: u32) -> u64 {
    // Shifted in from below are zeros, which are leading zeros of the number.
    value_of_eight((text ^ 0x3030_3030_3030_3030) << (64 - 8 * count))
}

/// All eight bytes are digits: their value.
#[inline]
fn eight_digits(bytes: &[u8]) -> Option<u64> {
    let chunk = u64::from_le_bytes(*bytes.first_chunk::<8>()?);
    (no_digits(chunk) == 0).then(|| value_of_eight(chunk ^ 0x3030_3030_3030_3030))
}

/// The number that most cells hold, without a loop: up to 7 digits, or up to 14 with a point before
/// the ninth, and something within 16 bytes that ends it. `None` says nothing.
#[inline]
fn short(bytes: &[u8], negative: bool) -> Option<(Decimal, usize)> {
    const TENS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let text = bytes.first_chunk::<16>()?;
    let word = u128::from_le_bytes(*text);
    let first = word as u64;
    let whole = no_digits(first).trailing_zeros() / 8;
    if whole == 8 {
        return None;
    }
    if text[whole as usize] != b'.' {
        if whole == 0 || matches!(text[whole as usize], b'e' | b'E') {
            return None;
        }
        let padded = whole > 1 && text[0] == b'0';
        let mantissa = value_of(first, whole);
        return Some((Decimal { mantissa, exponent: 0, negative, whole: true, integer: true, padded }, whole as usize));
    }
    // The point taken out, the digits on both sides are one run.
    let before = (1u64 << (8 * whole)) - 1;
    let joined = (first & before) | ((word >> 8) as u64 & !before);
    let in_first = no_digits(joined).trailing_zeros() / 8;
    let (mantissa, count) = if in_first < 8 {
        if in_first == 0 {
            return None;
        }
        (value_of(joined, in_first), in_first)
    } else {
        // Its last byte is not of the text and no digit.
        let second = (word >> 72) as u64;
        match no_digits(second).trailing_zeros() / 8 {
            0 => (value_of(joined, 8), 8),
            more @ 1..=6 => (value_of(joined, 8) * TENS[more as usize] + value_of(second, more), 8 + more),
            _ => return None,
        }
    };
    let end = count as usize + 1;
    if matches!(text[end], b'e' | b'E') {
        return None;
    }
    let exponent = whole as i32 - count as i32;
    Some((Decimal { mantissa, exponent, negative, whole: true, integer: false, padded: false }, end))
}

struct Digits {
    value: u64,
    /// Significant digits, leading zeros not counted.
    count: u32,
}

impl Digits {
    /// Reads digits from `at` on and says where they end.
    #[inline]
    fn read(&mut self, bytes: &[u8], mut at: usize) -> usize {
        while self.count <= 11 {
            let Some(eight) = bytes.get(at..).and_then(eight_digits) else { break };
            let fresh = self.value == 0;
            self.value = self.value * 100_000_000 + eight;
            self.count = if fresh { significant(eight) } else { self.count + 8 };
            at += 8;
        }
        while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
            if self.count < 19 {
                self.value = self.value * 10 + u64::from(digit);
            }
            self.count += u32::from(self.value != 0);
            at += 1;
        }
        at
    }
}

fn significant(value: u64) -> u32 {
    value.checked_ilog10().map_or(0, |log| log + 1)
}

/// Reads a number at the start of `bytes`; the number and its length. Says nothing about what
/// follows. `inf` and `nan` are not numbers here.
#[inline]
pub fn scan(bytes: &[u8]) -> Option<(Decimal, usize)> {
    let first = *bytes.first()?;
    let signed = first == b'-' || first == b'+';
    let start = usize::from(signed);
    if let Some((decimal, length)) = short(&bytes[start..], first == b'-') {
        return Some((decimal, start + length));
    }
    let mut digits = Digits { value: 0, count: 0 };
    let mut at = digits.read(bytes, start);
    let whole_digits = at - start;
    let zero_first = whole_digits > 1 && bytes[start] == b'0';
    let mut exponent = 0i32;
    let mut integer = true;
    if bytes.get(at) == Some(&b'.') {
        integer = false;
        let point = at + 1;
        at = digits.read(bytes, point);
        exponent = -((at - point) as i32);
        if whole_digits == 0 && at == point {
            return None;
        }
    } else if whole_digits == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E'))
        && let Some((power, end)) = read_exponent(bytes, at + 1)
    {
        integer = false;
        exponent = exponent.saturating_add(power);
        at = end;
    }
    let (whole, padded) = (digits.count <= 19, integer && zero_first);
    Some((Decimal { mantissa: digits.value, exponent, negative: first == b'-', whole, integer, padded }, at))
}

fn read_exponent(bytes: &[u8], start: usize) -> Option<(i32, usize)> {
    let negative = bytes.get(start) == Some(&b'-');
    let mut at = start + usize::from(negative || bytes.get(start) == Some(&b'+'));
    let first = at;
    let mut power = 0i32;
    while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        power = power.saturating_mul(10).saturating_add(i32::from(digit)).min(100_000);
        at += 1;
    }
    (at > first).then_some((if negative { -power } else { power }, at))
}

impl Decimal {
    /// The nearest float64, `None` beyond its range; `text` is the number as it was scanned.
    #[inline]
    pub fn to_f64(self, text: &[u8]) -> Option<f64> {
        if self.whole && self.mantissa <= 1 << 53 && self.exponent.unsigned_abs() <= 22 {
            let value = self.scaled();
            return Some(if self.negative { -value } else { value });
        }
        slow(text)
    }

    /// The nearest float64, rounded to float32: exactly what `to_f64(..) as f32` gives; `None` beyond its
    /// range.
    ///
    /// Mantissa and product are each off by at most half a unit, so the float64 here is within four
    /// units of the right one. Unless it is that near to the middle between two float32 values,
    /// both round to the same float32.
    #[inline]
    pub fn to_f32(self, text: &[u8]) -> Option<f32> {
        if self.whole && self.exponent.unsigned_abs() <= 22 {
            let value = self.scaled();
            let from_middle = (value.to_bits() & 0x1fff_ffff).abs_diff(0x1000_0000);
            let normal = value >= f64::from(f32::MIN_POSITIVE) && value < f64::from(f32::MAX);
            if normal && from_middle > 4 || value == 0.0 {
                return Some(if self.negative { -value as f32 } else { value as f32 });
            }
        }
        let value = self.to_f64(text)? as f32;
        value.is_finite().then_some(value)
    }

    /// Within two units in the last place; exact where mantissa and exponent are small.
    #[inline]
    fn scaled(self) -> f64 {
        let power = POWERS[self.exponent.unsigned_abs() as usize];
        if self.exponent < 0 { self.mantissa as f64 / power } else { self.mantissa as f64 * power }
    }

    /// The int64, when the number is an integer as written and fits.
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        if !self.integer || !self.whole {
            return None;
        }
        if self.negative { 0i64.checked_sub_unsigned(self.mantissa) } else { i64::try_from(self.mantissa).ok() }
    }
}

fn slow(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// `inf`, `-Infinity` and so on, in any case.
pub fn infinity(cell: &[u8]) -> Option<f64> {
    let (sign, word) = match cell.split_first()? {
        (b'-', rest) => (-1.0, rest),
        (b'+', rest) => (1.0, rest),
        _ => (1.0, cell),
    };
    let infinite = word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity");
    infinite.then_some(sign * f64::INFINITY)
}

/// A whole cell as a number, blanks around it allowed; one beyond the range of float64 is none.
pub fn parse(cell: &[u8]) -> Option<f64> {
    let cell = cell.trim_ascii();
    match scan(cell) {
        Some((decimal, end)) if end == cell.len() => decimal.to_f64(cell),
        Some(_) => None,
        None => infinity(cell),
    }
}

/// As [`parse`], within the range of float32.
pub fn parse_f32(cell: &[u8]) -> Option<f32> {
    let cell = cell.trim_ascii();
    match scan(cell) {
        Some((decimal, end)) if end == cell.len() => decimal.to_f32(cell),
        Some(_) => None,
        None => infinity(cell).map(|value| value as f32),
    }
}

/// The cell is written as a number, whatever its size.
pub fn is_written(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    scan(cell).is_some_and(|(_, end)| end == cell.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str) {
        let expect: f64 = text.parse().expect("a number for the standard library");
        let (decimal, end) = scan(text.as_bytes()).expect("a number here");
        assert_eq!(end, text.len(), "{text}");
        let within = expect.is_finite().then_some(expect.to_bits());
        assert_eq!(decimal.to_f64(text.as_bytes()).map(f64::to_bits), within, "{text}");
        let within = (expect as f32).is_finite().then_some((expect as f32).to_bits());
        assert_eq!(decimal.to_f32(text.as_bytes()).map(f32::to_bits), within, "{text}");
    }

    #[test]
    fn equals_the_standard_library() {
        for text in [
            "0",
            "-0",
            "0.0",
            "1",
            "-1.5",
            ".5",
            "5.",
            "1e5",
            "1E-5",
            "1e+22",
            "123456789",
            "12345678",
            "1234567890123456789",
            "12345678901234567890",
            "123456789012345678901234567890",
            "0.000000000000000000000000001",
            "1e308",
            "1e309",
            "1e-320",
            "1e-400",
            "1e99999999999",
            "9007199254740993",
            "0.1",
            "3.4028235e38",
            "3.4028236e38",
            "1.1754944e-38",
            "1e-45",
            "7.006492321624085e-46",
            "16777217",
            "16777217.0000000001",
            "0.30000000000000004",
            "00012.5",
            "0000000000000000000000000000000000000012345678",
            "0.1000000014901161193847656250",
        ] {
            check(text);
        }
    }

    #[test]
    fn what_is_beyond_the_range() {
        assert_eq!((parse(b"1e400"), parse(b"-2e308"), parse_f32(b"1e39")), (None, None, None));
        assert_eq!(
            (parse(b"1e39"), parse_f32(b"-3e38"), parse_f32(b"inf")),
            (Some(1e39), Some(-3e38), Some(f32::INFINITY))
        );
        assert!(is_written(b" 1e400 ") && !is_written(b"inf") && !is_written(b"1x"));
    }

    #[test]
    fn what_is_not_a_number() {
        for text in ["", "-", ".", "abc", "e5", "-.", "+"] {
            assert!(scan(text.as_bytes()).is_none(), "{text}");
        }
        assert_eq!(parse(b"1e"), None);
        assert_eq!(parse(b"1_000"), None);
        assert_eq!(parse(b" -Infinity "), Some(f64::NEG_INFINITY));
    }

    #[test]
    fn integers() {
        let int = |text: &str| scan(text.as_bytes()).and_then(|(d, _)| d.to_i64());
        assert_eq!(int("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(int("9223372036854775808"), None);
        assert_eq!(int("12345678901234567890123"), None);
        assert_eq!(int("1.0"), None);
        assert!(scan(b"007").expect("number").0.padded && !scan(b"0").expect("number").0.padded);
    }

    /// The same number with and without enough bytes behind it for the short way.
    #[track_caller]
    fn check_in_a_row(text: &str) {
        let alone = scan(text.as_bytes());
        for behind in [",1,2,3,4,5,6,7,8,9", "\n1.5\n2.5\n3.5\n4.5", "x.e.............."] {
            assert_eq!(scan(format!("{text}{behind}").as_bytes()), alone, "{text} before {behind}");
        }
    }

    #[test]
    fn the_short_way_says_what_the_long_way_says() {
        for whole in 0..=17 {
            for fraction in 0..=17 {
                let digits = "90817263545362718".repeat(2);
                let number = format!("{}.{}", &digits[..whole], &digits[whole..whole + fraction]);
                let padded = format!("00{number}");
                for text in [&number, &number[..whole], &padded] {
                    check_in_a_row(text);
                    check_in_a_row(&format!("-{text}"));
                    check_in_a_row(&format!("{text}e-3"));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_short_decimal(mantissa in 0u64..10_000_000_000_000_000, shift in 0usize..16) {
            let digits = format!("{mantissa:016}");
            check_in_a_row(&format!("{}.{}", &digits[..16 - shift], &digits[16 - shift..]));
        }

        #[test]
        fn any_float64_as_written_by_rust(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            check(&format!("{value:?}"));
            check(&format!("{value:e}"));
        }

        #[test]
        fn any_decimal(mantissa in any::<u64>(), shift in 0usize..25, exponent in -60i32..60) {
            let digits = format!("{mantissa:025}");
            check(&format!("{}.{}e{exponent}", &digits[..25 - shift], &digits[25 - shift..]));
        }

        #[test]
        fn near_the_middle_of_two_float32(bits in 0x0080_0000u32..0x7f00_0000, digits in 8usize..20) {
            let (low, high) = (f64::from(f32::from_bits(bits)), f64::from(f32::from_bits(bits + 1)));
            check(&format!("{:.*e}", digits, f64::midpoint(low, high)));
        }
    }
}
