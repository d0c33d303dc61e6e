//! One letter into a file, where no SMTP server is set.

use crate::error::{Error, Result};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Writes a whole mail or nothing. The name comes from the message id, so a second try replaces
/// the first. Only the owner may read it: it holds the link.
pub(super) fn write(directory: &Path, message_id: &str, mail: &[u8]) -> Result<PathBuf> {
    let path = directory.join(format!("{message_id}.eml"));
    let part = directory.join(format!(".{message_id}.part"));
    let write_all = || -> io::Result<()> {
        make_directory(directory)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(mail)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        fs::File::open(directory)?.sync_all()
    };
    write_all().map_err(|why| {
        // Half a mail is of no use, and on a full disk it takes room.
        let _ = fs::remove_file(&part);
        Error::Unavailable(format!("{}: {why}", path.display()))
    })?;
    Ok(path)
}

/// Whether a mail can be written. Leaves nothing behind, no folder either: who asks may be root, and the server
/// could write nothing to a folder of root's.
pub(super) fn try_out(directory: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let made: Vec<_> = directory.ancestors().take_while(is_missing).collect();
    let probe = directory.join(format!(".contactd-check-{}", std::process::id()));
    let tried = make_directory(directory).and_then(|()| fs::write(&probe, "a mail would be here"));
    let _ = fs::remove_file(probe);
    for folder in made {
        // It stays where a mail came meanwhile.
        let _ = fs::remove_dir(folder);
    }
    tried
}

fn make_directory(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}
