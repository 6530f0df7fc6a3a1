//! The bearer token that requests must carry.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use desk_core::Digest;

use crate::error::ServeError;

const MIN_CHARS: usize = 16;

/// A token, kept as its digest only: the text itself is not in memory after the start.
#[derive(Clone)]
pub struct Token(Digest);

impl Token {
    /// Reads a token file; white space around the token does not count.
    pub fn read(path: &Path) -> Result<Self, ServeError> {
        let text = fs::read_to_string(path).map_err(ServeError::io("read the token file", path))?;
        let token = text.trim();
        let bad = |reason: &str| ServeError::Token { path: path.to_owned(), reason: reason.to_owned() };
        if token.len() < MIN_CHARS {
            return Err(bad("the token is shorter than 16 characters"));
        }
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(bad("the token has characters that a header cannot carry"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(path).map_err(ServeError::io("read the token file", path))?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(bad("other users may read it; its mode must be 600"));
            }
        }
        Ok(Self(Digest::of(token)))
    }

    /// True for the value of an `Authorization` header that carries this token.
    ///
    /// Digests are compared, all their bytes whatever they are, so the time taken says nothing about
    /// the token.
    pub fn accepts(&self, authorization: Option<&[u8]>) -> bool {
        let Some((scheme, given)) = authorization.and_then(|value| value.split_at_checked(7)) else { return false };
        let given = Digest::of(given.trim_ascii());
        let pairs = self.0.as_bytes().iter().zip(given.as_bytes());
        let difference = pairs.fold(0u8, |all, (a, b)| black_box(all | (a ^ b)));
        scheme.eq_ignore_ascii_case(b"bearer ") && difference == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn read(text: &str, mode: u32) -> Result<Token, ServeError> {
        let file = tempfile::NamedTempFile::new().expect("file");
        fs::write(file.path(), text).expect("written");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).expect("mode");
        Token::read(file.path())
    }

    #[test]
    fn only_the_exact_token_is_accepted() {
        let token = read("0123456789abcdef\n", 0o600).expect("valid");
        assert!(token.accepts(Some(b"Bearer 0123456789abcdef")));
        assert!(token.accepts(Some(b"bearer 0123456789abcdef")));
        for wrong in [
            &b"Bearer 0123456789abcdeF"[..],
            b"Bearer 0123456789abcdef0",
            b"Bearer ",
            b"Basic 0123456789abcdef",
            b"0123456789abcdef",
            b"",
        ] {
            assert!(!token.accepts(Some(wrong)), "{}", String::from_utf8_lossy(wrong));
        }
        assert!(!token.accepts(None));
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[test]
    fn weak_or_open_files_are_refused() {
        assert!(read("short", 0o600).is_err());
        assert!(read("0123456789abcdef 0", 0o600).is_err());
        assert!(read("0123456789abcdef", 0o644).is_err());
    }
}
