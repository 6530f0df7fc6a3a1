//! A text that nobody can print by accident.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A secret text: masked in `Debug`, without `Display` and `Serialize`, wiped when dropped.
///
/// The only way to its value is [`Secret::expose`], so that every use can be found by that word.
///
/// ```
/// use desk_secrets::Secret;
///
/// let secret = Secret::new("correct horse battery staple");
/// assert_eq!(format!("{secret:?}"), "Secret(***)");
/// assert_eq!(secret.expose(), "correct horse battery staple");
/// ```
///
/// It cannot be formatted:
///
/// ```compile_fail
/// let secret = desk_secrets::Secret::new("x");
/// println!("{secret}");
/// ```
///
/// and it cannot be serialised:
///
/// ```compile_fail
/// let secret = desk_secrets::Secret::new("x");
/// serde_json::to_string(&secret).unwrap();
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a text; the `String` it came in is wiped.
    pub fn new(text: impl Into<String>) -> Self {
        Self::from_zeroizing(&Zeroizing::new(text.into()))
    }

    /// Copies a text that its owner wipes.
    pub fn from_zeroizing(text: &Zeroizing<String>) -> Self {
        // A box of exactly this size: shrinking a `String` could leave an unwiped copy behind.
        Self(SecretString::new(Box::from(text.as_str())))
    }

    /// Takes bytes; `None` when they are not UTF-8. The bytes are wiped either way.
    pub fn from_utf8(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        std::str::from_utf8(&bytes).ok().map(|text| Self(SecretString::new(Box::from(text))))
    }

    /// The value itself. Do not log it, do not put it into a command line or an environment.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// True for the empty text.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// The same secret for a library that wants a `SecretString`.
    pub(crate) fn to_secrecy(&self) -> SecretString {
        self.0.clone()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_masks_however_deep() {
        let nested = (vec![Some(Secret::new("hunter2"))], 1);
        let text = format!("{nested:?} {nested:#?}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("***"));
    }

    #[test]
    fn bytes_must_be_text() {
        assert!(Secret::from_utf8(vec![0xff, 0xfe]).is_none());
        assert_eq!(Secret::from_utf8("schlüssel".into()).expect("text").expose(), "schlüssel");
    }
}
