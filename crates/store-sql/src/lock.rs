//! One server a store: with in-process coordination a second one would know nothing of the tokens
//! that the first has seen used.

use std::{
    fs::{File, TryLockError},
    io::{Read, Write},
    time::UNIX_EPOCH,
};

use tollbridge_domain::Moment;
use tollbridge_store::StoreError;

use crate::place::{Place, private};

/// The right to serve from a store. Ends with the value, and with the process, however it dies.
///
/// The lock is on `<store>.lock`, not on the store: command lines open that at any time. The file
/// stays behind; without a holder it means nothing, and deleting it under a holder would let a
/// second server in.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes the lock of `sqlite:PATH` or refuses at once.
    ///
    /// # Errors
    /// [`StoreError::Held`] with what is known of the holder.
    pub fn hold(url: &str) -> Result<Self, StoreError> {
        let place = Place::parse(url)?;
        let path = place.lock_path()?;
        let refused = |error| Place::at(&path).refused("locked", &error);
        // Not truncated: before the lock is ours the contents are the holder's.
        let opened = private().create(true).truncate(false).open(&path);
        let mut file = opened.map_err(refused)?;
        match file.try_lock() {
            Ok(()) => sign(&mut file).map_err(refused)?,
            Err(TryLockError::WouldBlock) => return Err(held(&mut file)),
            Err(TryLockError::Error(error)) => return Err(refused(error)),
        }
        Ok(Self { _file: file })
    }
}

/// Leaves the holder's pid; when it started is when the file was written.
fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "pid {}", std::process::id())
}

fn held(file: &mut File) -> StoreError {
    let mut pid = String::new();
    // For the message only: whatever cannot be read is left out.
    let _ = file.take(32).read_to_string(&mut pid);
    let pid = match pid.trim_end() {
        "" => "it has just started",
        pid => pid,
    };
    let holder = match written_at(file) {
        Some(since) => format!("{pid}, since {since}"),
        None => pid.to_owned(),
    };
    StoreError::Held { holder }
}

fn written_at(file: &File) -> Option<Moment> {
    let modified = file.metadata().and_then(|found| found.modified()).ok()?;
    let seconds = modified.duration_since(UNIX_EPOCH).ok()?.as_secs();
    i64::try_from(seconds).ok().map(Moment::from_seconds)
}
