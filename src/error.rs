//! What can go wrong, in the words of this program. Nothing here depends on HTTP: `http/problem.rs` is the
//! only place where an [`Error`] meets a status code.

use std::fmt;

/// The result of everything in this program that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One wrong field of a well-formed input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The member's name as the client wrote it, for example `birthday`.
    pub field: String,
    /// A sentence for the client; it never repeats a secret.
    pub detail: String,
}

/// Most faults of one answer: it must not be many times as long as what was wrong.
pub const FAULTS_MAX: usize = 20;

/// Collects every wrong field of an input, so that a client hears of all of them at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Like [`Faults::add`], unless something of the field was noted already.
    pub fn add_once(&mut self, field: &str, detail: impl Into<String>) {
        if self.0.iter().all(|fault| fault.field != field) {
            self.add(field, detail);
        }
    }

    /// What was noted.
    pub fn list(&self) -> &[Fault] {
        &self.0
    }

    /// Notes that `field` is wrong and why. Past [`FAULTS_MAX`] nothing is noted any more.
    pub fn add(&mut self, field: &str, detail: impl Into<String>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(Fault { field: field.to_owned(), detail: detail.into() });
        }
    }

    /// Notes that there is no such member; `path`: what stands before its name. A name can be as long as the body, and
    /// the answer repeats only its beginning.
    pub fn add_unknown(&mut self, path: &str, name: &str) {
        let name: String = name.chars().take(64).collect();
        self.add(&format!("{path}{name}"), "is not a known member");
    }

    /// `value` where nothing was wrong, else [`Error::Invalid`] with every fault.
    pub fn into_result<T>(self, value: T) -> Result<T> {
        if self.0.is_empty() { Ok(value) } else { Err(Error::Invalid(self.0)) }
    }
}

/// What already exists, or must not cease to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// Another account has this username (letter case ignored).
    UsernameTaken,
    /// Another account has this address (letter case ignored).
    EmailTaken,
    /// The change would leave the server without an active admin.
    LastAdmin,
    /// Another contact of the book has this uid.
    UidTaken,
    /// The book is as large as it may be; holds a sentence for the client, of which limit it is.
    QuotaExceeded(String),
    /// As many duplicates are dismissed as are remembered.
    TooManyDismissals,
    /// The account has as many app passwords as it may have.
    TooManyAppPasswords,
    /// The account has a second factor already.
    SecondFactorOn,
    /// The account has no second factor that could be confirmed or removed.
    SecondFactorOff,
    /// An admin's own factor is taken off as a user, with a code.
    OwnSecondFactor,
}

/// A rule of WebDAV or CardDAV that a request breaks; most have the name of the precondition in the
/// RFC (4918, 3253, 6352, 6578).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DavFault {
    /// A whole tree was asked for.
    FiniteDepth,
    /// The XML has a DTD.
    NoExternalEntities,
    /// The sync token is none of this book, or too old.
    ValidSyncToken,
    /// The same, for Thunderbird, which begins anew only when the status is another one.
    ValidSyncTokenThunderbird,
    /// This resource has no such report.
    SupportedReport,
    /// A collation that is not one of ours.
    SupportedCollation,
    /// A filter with more conditions than are tested.
    SupportedFilter,
    /// What was sent, or is asked for, is no vCard 3.0 by its type.
    SupportedAddressData,
    /// A card was asked for in a form in which it is not given.
    AddressDataConversion,
    /// What was sent is not one vCard.
    ValidAddressData,
    /// A card has more text than one may have without its pictures.
    TooMuchText,
    /// Another card has this UID; holds its href.
    NoUidConflict(String),
    /// Nothing can be made here: its parent is missing.
    MissingParent,
    /// The book stays as it is; holds the reason.
    Forbidden(&'static str),
    /// The destination is on another server.
    OtherServer,
}

/// Where a caller stands in a rate limit, shown in the `RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitState {
    /// How many requests a window allows.
    pub limit: u64,
    /// How many are left in this window.
    pub remaining: u64,
    /// Seconds until the window ends, at least 1.
    pub reset_seconds: u64,
    /// This request was one too many.
    pub exceeded: bool,
}

/// Everything that can go wrong. The last two variants are our doing, and their text goes to the log only; all
/// others are the caller's, and say what the caller has to mend.
#[derive(Debug)]
pub enum Error {
    /// Unknown path or id, or the id of another owner: the caller must not learn which.
    NotFound,
    /// A contact of the caller's that lies in the trash, where it cannot be changed.
    InTrash,
    /// The path exists, the verb does not; holds the verbs that do, as for `Allow`.
    MethodNotAllowed(String),
    /// No access token, or one that is not valid (any more).
    Unauthenticated,
    /// Unknown account or wrong password; never says which.
    BadCredentials,
    /// The password was right, but the address was never confirmed.
    EmailNotConfirmed,
    /// The password was right, but an admin disabled the account.
    AccountDisabled,
    /// The password was right; now the code of the second factor is needed.
    SecondFactorRequired,
    /// The password was right, the code of the second factor was not.
    SecondFactorWrong,
    /// No app password, or a wrong one, where nothing else counts.
    UnknownDevice,
    /// The app password may read only.
    ReadOnly,
    /// An admin signed in long ago: the change needs the password.
    PasswordNeeded,
    /// A page's form without the token of its session, or from another site's page.
    StaleForm,
    /// Accounts come from the command line only.
    RegistrationClosed,
    /// A signed-in user typed a wrong current password.
    WrongPassword,
    /// The route is for admins.
    AdminOnly,
    /// Too many requests.
    TooManyRequests(LimitState),
    /// The body is larger than the route takes, in bytes.
    BodyTooLarge(u64),
    /// The body's type (or its content, for pictures) is not one that the route takes.
    UnsupportedMediaType(String),
    /// The input cannot be read at all: broken JSON, form or query.
    Malformed(String),
    /// The link of a mail is wrong, used or too old.
    DeadLink,
    /// Well-formed, but these fields are wrong.
    Invalid(Vec<Fault>),
    /// It exists already, or must stay.
    Conflict(Conflict),
    /// A token of changes that is unknown, another book's or too old: the client has to begin anew.
    Resync,
    /// `If-Match` names an older state of the thing.
    PreconditionFailed,
    /// A rule of WebDAV or CardDAV is broken.
    Dav(DavFault),
    /// A store does not answer or we are too busy; trying again helps. The text is for the log.
    Unavailable(String),
    /// A fault of ours. The text is for the log.
    Internal(String),
}

impl Error {
    /// One wrong field.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Error {
        Error::Invalid(vec![Fault { field: field.to_owned(), detail: detail.into() }])
    }

    /// The same error of what stands in a member: its fields get that name in front.
    #[must_use]
    pub fn within(self, member: &str) -> Error {
        let Error::Invalid(mut faults) = self else { return self };
        faults.iter_mut().for_each(|fault| fault.field.insert_str(0, &format!("{member}.")));
        Error::Invalid(faults)
    }

    /// A fault of ours, with what is known of its cause.
    pub fn internal(cause: impl fmt::Display) -> Error {
        Error::Internal(cause.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Internal(cause) | Error::Unavailable(cause) => f.write_str(cause),
            Error::Invalid(faults) => {
                f.write_str("invalid:")?;
                faults.iter().try_for_each(|fault| write!(f, " {}: {}", fault.field, fault.detail))
            }
            other => write!(f, "{other:?}"),
        }
    }
}

impl std::error::Error for Error {}
