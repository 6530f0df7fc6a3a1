//! A file encrypted with a passphrase, for machines without a keyring.
//!
//! The file is an ordinary [age](https://age-encryption.org/v1) file with one scrypt recipient; `age -d`
//! opens it too. Inside is one JSON object of base64 values. It is always written whole, to a
//! temporary name, and renamed: a crash leaves the old file or the new one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use age::{DecryptError, Decryptor, Encryptor, scrypt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use desk_core::Digest;
use zeroize::Zeroizing;

use crate::error::SecretError;
use crate::secret::Secret;
use crate::store::{SecretStore, StoreKind, check_id, check_size};

/// log2 of scrypt's N: 128 MiB of memory and about half a second for each guess (OWASP's advice).
const WORK_FACTOR: u8 = 17;
/// A file that asks for more than this (1 GiB) was not written here.
const MAX_WORK_FACTOR: u8 = 20;
/// Shorter passphrases are refused for new files.
const MIN_PASSPHRASE: usize = 8;
/// Files beyond this are not read: thousands of credentials fit.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
const TEMP_PREFIX: &str = ".vault-";

/// An open encrypted file. Secrets and passphrase stay in memory, wiped when it is dropped.
pub struct VaultStore {
    path: PathBuf,
    passphrase: Secret,
    work_factor: u8,
    state: Mutex<State>,
}

/// What was last read or written.
struct State {
    /// Digest of the encrypted bytes, to see changes by other processes without decrypting.
    digest: Digest,
    entries: BTreeMap<String, Secret>,
}

impl VaultStore {
    /// Where a home folder keeps the file.
    pub fn path_in(home: &Path) -> PathBuf {
        home.join("vault.age")
    }

    /// Makes a new, empty file.
    ///
    /// # Errors
    /// [`SecretError::VaultExists`], [`SecretError::WeakPassphrase`] (fewer than 8 characters),
    /// [`SecretError::Io`].
    pub fn create(path: &Path, passphrase: &Secret) -> Result<Self, SecretError> {
        Self::create_with_work_factor(path, passphrase, WORK_FACTOR)
    }

    /// As [`VaultStore::create`] with another scrypt work factor (log2 of N, 1 to 20). Values below the default
    /// make guessing cheap; tests use them to be fast.
    pub fn create_with_work_factor(path: &Path, passphrase: &Secret, log_n: u8) -> Result<Self, SecretError> {
        let len = passphrase.expose().chars().count();
        if len < MIN_PASSPHRASE {
            return Err(SecretError::WeakPassphrase { len, min: MIN_PASSPHRASE });
        }
        let lock = lock(path)?;
        if path.exists() {
            return Err(SecretError::VaultExists { path: path.to_owned() });
        }
        let work_factor = log_n.clamp(1, MAX_WORK_FACTOR);
        let entries = BTreeMap::new();
        let digest = write(path, passphrase, work_factor, &entries)?;
        drop(lock);
        let state = Mutex::new(State { digest, entries });
        Ok(Self { path: path.to_owned(), passphrase: passphrase.clone(), work_factor, state })
    }

    /// Opens an existing file.
    ///
    /// # Errors
    /// [`SecretError::VaultMissing`], [`SecretError::WrongPassphrase`], [`SecretError::Damaged`],
    /// [`SecretError::Io`].
    pub fn open(path: &Path, passphrase: &Secret) -> Result<Self, SecretError> {
        let bytes = read_file(path)?;
        let work_factor = work_factor_of(&bytes).unwrap_or(WORK_FACTOR);
        let state = Mutex::new(State { digest: Digest::of(&bytes), entries: decrypt(path, passphrase, &bytes)? });
        Ok(Self { path: path.to_owned(), passphrase: passphrase.clone(), work_factor, state })
    }

    /// Encrypts the file anew with another passphrase; the old one no longer opens it.
    pub fn change_passphrase(&mut self, passphrase: &Secret) -> Result<(), SecretError> {
        let len = passphrase.expose().chars().count();
        if len < MIN_PASSPHRASE {
            return Err(SecretError::WeakPassphrase { len, min: MIN_PASSPHRASE });
        }
        let _lock = lock(&self.path)?;
        let mut state = self.fresh()?;
        state.digest = write(&self.path, passphrase, self.work_factor, &state.entries)?;
        drop(state);
        self.passphrase = passphrase.clone();
        Ok(())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn name_of(path: &Path) -> String {
        format!("the encrypted file {}", path.display())
    }

    /// The entries as they are in the file now.
    fn fresh(&self) -> Result<MutexGuard<'_, State>, SecretError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = read_file(&self.path)?;
        let digest = Digest::of(&bytes);
        if digest != state.digest {
            state.entries = decrypt(&self.path, &self.passphrase, &bytes)?;
            state.digest = digest;
        }
        Ok(state)
    }

    /// Changes the entries and writes them; on an error the file and the memory are as before.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Secret>) -> Result<T, SecretError>,
    ) -> Result<T, SecretError> {
        let _lock = lock(&self.path)?;
        let mut state = self.fresh()?;
        let mut entries = state.entries.clone();
        let answer = change(&mut entries)?;
        state.digest = write(&self.path, &self.passphrase, self.work_factor, &entries)?;
        state.entries = entries;
        Ok(answer)
    }

    fn missing(&self, id: &str) -> SecretError {
        SecretError::Missing { id: id.to_owned(), store: self.name() }
    }
}

impl SecretStore for VaultStore {
    fn name(&self) -> String {
        Self::name_of(&self.path)
    }

    fn kind(&self) -> StoreKind {
        StoreKind::Vault
    }

    fn get(&self, id: &str) -> Result<Secret, SecretError> {
        self.fresh()?.entries.get(id).cloned().ok_or_else(|| self.missing(id))
    }

    fn set(&self, id: &str, secret: &Secret) -> Result<(), SecretError> {
        check_id(id)?;
        check_size(secret)?;
        self.change(|entries| {
            entries.insert(id.to_owned(), secret.clone());
            Ok(())
        })
    }

    fn remove(&self, id: &str) -> Result<(), SecretError> {
        self.change(|entries| entries.remove(id).map(drop).ok_or_else(|| self.missing(id)))
    }

    fn probe(&self) -> Result<(), SecretError> {
        self.change(|_| Ok(()))
    }
}

/// One writer at a time, over all processes. Also removes what a killed writer left.
fn lock(path: &Path) -> Result<File, SecretError> {
    let lock_path = path.with_extension("lock");
    let io = |cause| SecretError::Io { action: "lock the encrypted file", path: lock_path.clone(), cause };
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(io)?;
    file.lock().map_err(io)?;
    for entry in fs::read_dir(folder_of(path)).map_err(io)?.flatten() {
        let left_over = entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMP_PREFIX));
        if left_over {
            fs::remove_file(entry.path()).map_err(io)?;
        }
    }
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn read_file(path: &Path) -> Result<Vec<u8>, SecretError> {
    let io = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::NotFound => SecretError::VaultMissing { path: path.to_owned() },
        _ => SecretError::Io { action: "read the encrypted file", path: path.to_owned(), cause },
    };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(damaged(path, "it is far too large"));
    }
    Ok(bytes)
}

fn damaged(path: &Path, reason: impl Into<String>) -> SecretError {
    SecretError::Damaged { path: path.to_owned(), reason: reason.into() }
}

/// The work factor in the header line `-> scrypt SALT LOG_N`, to keep it when writing.
fn work_factor_of(bytes: &[u8]) -> Option<u8> {
    let line = bytes.split(|b| *b == b'\n').nth(1)?;
    std::str::from_utf8(line).ok()?.strip_prefix("-> scrypt ")?.split(' ').nth(1)?.parse().ok()
}

fn decrypt(path: &Path, passphrase: &Secret, bytes: &[u8]) -> Result<BTreeMap<String, Secret>, SecretError> {
    let decryptor = Decryptor::new(bytes).map_err(|error| explain(path, &error))?;
    let mut identity = scrypt::Identity::new(passphrase.to_secrecy());
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let mut reader =
        decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(|error| explain(path, &error))?;
    // The plain text is shorter than the file, so this buffer never grows and is wiped as a whole.
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len() + 64));
    reader.read_to_end(&mut plain).map_err(|error| damaged(path, error.to_string()))?;
    let listed: BTreeMap<String, &str> =
        serde_json::from_slice(&plain).ok().ok_or_else(|| damaged(path, "its content is not a list of secrets"))?;
    let mut entries = BTreeMap::new();
    for (id, text) in listed {
        let value = STANDARD.decode(text).ok().and_then(Secret::from_utf8);
        let value = value.ok_or_else(|| damaged(path, "a value in it is not base64 of a text"))?;
        entries.insert(id, value);
    }
    Ok(entries)
}

fn explain(path: &Path, error: &DecryptError) -> SecretError {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            SecretError::WrongPassphrase { path: path.to_owned() }
        }
        DecryptError::NoMatchingKeys => damaged(path, "it was not encrypted with a passphrase"),
        DecryptError::ExcessiveWork { required, .. } => {
            damaged(path, format!("it asks for a work factor of {required}; the limit is {MAX_WORK_FACTOR}"))
        }
        other => damaged(path, other.to_string()),
    }
}

fn write(
    path: &Path,
    passphrase: &Secret,
    work_factor: u8,
    entries: &BTreeMap<String, Secret>,
) -> Result<Digest, SecretError> {
    let io = |cause| SecretError::Io { action: "write the encrypted file", path: path.to_owned(), cause };
    let encrypted = encrypt(passphrase, work_factor, entries).map_err(io)?;
    let folder = folder_of(path);
    let mut file = tempfile::Builder::new().prefix(TEMP_PREFIX).tempfile_in(folder).map_err(io)?;
    file.write_all(&encrypted).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    // The rename itself must survive a power cut; folders cannot be synced on Windows.
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Ok(Digest::of(&encrypted))
}

fn encrypt(passphrase: &Secret, work_factor: u8, entries: &BTreeMap<String, Secret>) -> std::io::Result<Vec<u8>> {
    let values: BTreeMap<&str, Zeroizing<String>> =
        entries.iter().map(|(id, secret)| (id.as_str(), Zeroizing::new(STANDARD.encode(secret.expose())))).collect();
    let listed: BTreeMap<&str, &str> = values.iter().map(|(id, text)| (*id, text.as_str())).collect();
    // Large enough from the start (an escaped id takes at most six times its size).
    let size = listed.iter().map(|(id, text)| 6 * id.len() + text.len() + 8).sum::<usize>() + 16;
    let mut plain = Zeroizing::new(Vec::with_capacity(size));
    serde_json::to_writer(&mut *plain, &listed)?;

    let mut recipient = scrypt::Recipient::new(passphrase.to_secrecy());
    recipient.set_work_factor(work_factor);
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
        .map_err(std::io::Error::other)?;
    let mut encrypted = Vec::with_capacity(plain.len() + 512);
    let mut writer = encryptor.wrap_output(&mut encrypted)?;
    writer.write_all(&plain)?;
    writer.finish()?;
    Ok(encrypted)
}
