//! Mails as files.

use super::*;
use std::fs;

/// A directory that goes when the test ends.
struct TempFolder(PathBuf);

impl TempFolder {
    fn new(name: &str) -> TempFolder {
        let path = std::env::temp_dir().join(format!("contactd-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        TempFolder(path)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_hold_the_whole_mail_and_only_the_owner_reads_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempFolder::new("files");
    let directory = folder.0.join("deep/mail");
    let from = parse_mail_from("contactd@localhost").unwrap();
    let mailer =
        Mailer::new(Transport::Files(directory.clone()), from, "http://localhost:8000", None);
    let mailer = mailer.unwrap();
    for _ in 0..2 {
        send(&mailer, &letter(Kind::Reset)).unwrap();
    }
    let names: Vec<_> = fs::read_dir(&directory).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["outbox-7.ab12@contacts.example.eml"]);
    let path = directory.join(&names[0]);
    let mail = fs::read_to_string(&path).unwrap();
    assert!(mail.contains(&format!("\nhttp://localhost:8000/api/auth/reset-password/{TOKEN}\r\n")));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(mailer.check().is_ok());
}

#[test]
fn a_disk_that_cannot_be_written_is_an_error_and_leaves_nothing_half() {
    let folder = TempFolder::new("full");
    let from = || parse_mail_from("contactd@localhost").unwrap();
    // A file where the directory should be.
    fs::create_dir_all(&folder.0).unwrap();
    let blocked = folder.0.join("mail");
    fs::write(&blocked, "x").unwrap();
    let mailer = Mailer::new(Transport::Files(blocked), from(), "http://localhost", None).unwrap();
    assert!(matches!(send(&mailer, &letter(Kind::Reset)), Err(Error::Unavailable(_))));
    assert!(mailer.check().is_err());
    // A full disk: /dev/full takes the place of the half-written file.
    let directory = folder.0.join("dev");
    fs::create_dir_all(&directory).unwrap();
    let part = directory.join(".outbox-7.ab12@contacts.example.part");
    std::os::unix::fs::symlink("/dev/full", part).unwrap();
    let full = Transport::Files(directory.clone());
    let mailer = Mailer::new(full, from(), "http://localhost", None).unwrap();
    let why = send(&mailer, &letter(Kind::Reset)).unwrap_err();
    assert!(matches!(&why, Error::Unavailable(why) if why.contains("No space left")), "{why}");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    assert!(send(&mailer, &letter(Kind::Reset)).is_ok(), "the next try");
}
