//! The Unix socket beside the store, mode 0600: who can open it owns the store.

use std::{
    fs, io,
    os::unix::{
        fs::{DirBuilderExt, PermissionsExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

/// Where the socket of a store is.
pub(crate) fn path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".sock");
    name.into()
}

/// Binds it. The caller holds the store's lock, so a socket that is already there is a dead
/// server's. It is made inside a private folder and moved into place, so that it is never open to
/// others, not even for a moment.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let folder = PathBuf::from(name);
    let _absent = fs::remove_dir_all(&folder);
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let inside = folder.join("s");
    let bound = UnixListener::bind(&inside).and_then(|listener| {
        fs::set_permissions(&inside, fs::Permissions::from_mode(0o600))?;
        fs::rename(&inside, path)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    let _gone = fs::remove_dir_all(&folder);
    bound
}
