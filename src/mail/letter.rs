//! The words of each mail. One [`Words`] is drawn twice, as plain text and as HTML, so that the
//! two parts cannot say different things.

use crate::error::{Error, Result};
use crate::model::text::escape_html;
use chrono::Duration;
use std::fmt;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To a new account: confirm the address.
    Confirm,
    /// To somebody who forgot the password: choose a new one.
    Reset,
    /// To an account whose password was changed, by a reset or by its owner.
    PasswordChanged,
    /// To the address that an account wants to have: confirm it.
    ChangeEmail,
    /// To the address that an account has, when it wants another.
    EmailChanging,
    /// To the address that an account had before.
    EmailChanged,
    /// To an account of which a refresh token was used twice.
    RefreshReused,
    /// To an account whose role an admin changed.
    RoleChanged,
    /// To an account that has a second factor from now on.
    SecondFactorOn,
    /// To the address of an account that an admin deleted.
    Deleted,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 10] = [
        Kind::Confirm,
        Kind::Reset,
        Kind::PasswordChanged,
        Kind::ChangeEmail,
        Kind::EmailChanging,
        Kind::EmailChanged,
        Kind::RefreshReused,
        Kind::RoleChanged,
        Kind::SecondFactorOn,
        Kind::Deleted,
    ];

    /// It tells of something that happened, and has no link.
    pub fn is_notice(self) -> bool {
        self.path().is_none()
    }

    /// The word in the outbox table.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Confirm => "confirm",
            Kind::Reset => "reset",
            Kind::PasswordChanged => "password_changed",
            Kind::ChangeEmail => "change_email",
            Kind::EmailChanging => "email_changing",
            Kind::EmailChanged => "email_changed",
            Kind::RefreshReused => "refresh_reused",
            Kind::RoleChanged => "role_changed",
            Kind::SecondFactorOn => "second_factor_on",
            Kind::Deleted => "deleted",
        }
    }

    /// Reads [`Kind::as_str`] back, or says what is wrong.
    pub fn parse(word: &str) -> Result<Kind, String> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
        kind.ok_or_else(|| format!("{word:?} is no kind of mail"))
    }

    /// How long the link of such a mail works; none: such a mail has no link.
    pub fn lifetime(self) -> Option<Duration> {
        match self {
            Kind::Confirm | Kind::ChangeEmail => Some(Duration::hours(24)),
            Kind::Reset => Some(Duration::minutes(30)),
            _ => None,
        }
    }

    /// The subject. It holds no word of a user: a name there could forge headers or mislead.
    pub fn subject(self) -> &'static str {
        match self {
            Kind::Confirm => "Confirm your e-mail address",
            Kind::Reset => "Choose a new password",
            Kind::PasswordChanged => "Your password was changed",
            Kind::ChangeEmail => "Confirm your new e-mail address",
            Kind::EmailChanging => "Your e-mail address is being changed",
            Kind::EmailChanged => "Your e-mail address was changed",
            Kind::RefreshReused => "One of your sessions was ended",
            Kind::RoleChanged => "Your role was changed",
            Kind::SecondFactorOn => "Your account has a second factor now",
            Kind::Deleted => "Your account was deleted",
        }
    }

    /// Path of the page that the link opens, up to the token.
    fn path(self) -> Option<&'static str> {
        match self {
            Kind::Confirm | Kind::ChangeEmail => Some("/api/auth/confirmed_email/"),
            Kind::Reset => Some("/api/auth/reset-password/"),
            _ => None,
        }
    }
}

/// One mail of the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it is about.
    pub kind: Kind,
    /// The recipient's bare address.
    pub to: String,
    /// The account's name, for the greeting; none where the address is not confirmed: whoever
    /// registers with a stranger's address must not choose words for the mail.
    pub username: Option<String>,
    /// The secret of the link, for the kinds that have one. URL-safe base64.
    pub token: Option<String>,
    /// The same at each try, so that a mail that was sent twice is shown once: `local@domain`,
    /// without angle brackets.
    pub message_id: String,
}

/// Without the token: whoever reads it owns the account.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter")
            .field("kind", &self.kind)
            .field("to", &self.to)
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

impl Letter {
    /// The link of this letter. Fails when its kind has one but the token is gone or odd.
    pub(super) fn link(&self, public_url: &str) -> Result<Option<String>> {
        let Some(path) = self.kind.path() else { return Ok(None) };
        let url_safe = |token: &&String| {
            !token.is_empty()
                && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        match self.token.as_ref().filter(url_safe) {
            Some(token) => Ok(Some(format!("{public_url}{path}{token}"))),
            None => Err(Error::internal(format!("{self:?} has no usable token"))),
        }
    }

    /// The plain text and the HTML part.
    pub(super) fn parts(&self, public_url: &str, link: Option<&str>) -> (String, String) {
        let words = self.words(public_url);
        let plain = |name: &String| name.chars().filter(|c| !c.is_control()).collect::<String>();
        let name = self.username.as_ref().map(|name| format!(" {}", plain(name)));
        let name = name.unwrap_or_default();
        (words.text(&name, link), words.html(self.kind.subject(), &name, link))
    }

    fn words(&self, public_url: &str) -> Words {
        let (lead, button, rest) = match self.kind {
            Kind::Confirm => (
                format!(
                    "an account was registered with this address at {public_url}. Open this \
                    link and press the button there to confirm that the address is yours:"
                ),
                "Confirm the address",
                "The link works once, for 24 hours. If it was not you, there is nothing to do: \
                 nobody can sign in to an account that was not confirmed."
                    .to_owned(),
            ),
            Kind::Reset => (
                format!(
                    "somebody asked for a new password for your account at {public_url}. \
                    Open this link to choose one:"
                ),
                "Choose a new password",
                "The link works once, for 30 minutes. If it was not you, there is nothing to do: \
                 your password stays as it is."
                    .to_owned(),
            ),
            Kind::PasswordChanged => (
                format!(
                    "the password of your account at {public_url} was changed, and your \
                    other devices were signed out."
                ),
                "",
                format!(
                    "If it was you, there is nothing to do. If it was not, ask for a new \
                    password right away at {public_url}/."
                ),
            ),
            Kind::ChangeEmail => (
                format!(
                    "this address was given as the new one for an account at {public_url}. \
                    Open this link and press the button there to confirm that it is yours:"
                ),
                "Confirm the new address",
                "The link works once, for 24 hours. Until then the account keeps its old \
                 address. If it was not you, there is nothing to do."
                    .to_owned(),
            ),
            Kind::EmailChanging => (
                format!(
                    "somebody who knows your password asked for another e-mail address for \
                    your account at {public_url}. It changes as soon as the new address is \
                    confirmed; until then this one stays."
                ),
                "",
                format!(
                    "If it was you, there is nothing to do here. If it was not, choose a new \
                    password right away: sign in and change it, or ask for a link at \
                    {public_url}/."
                ),
            ),
            Kind::EmailChanged => (
                format!(
                    "your account at {public_url} has another e-mail address now. This one \
                    opens it no more."
                ),
                "",
                "If it was you, there is nothing to do. If it was not, ask whoever runs that \
                 server."
                    .to_owned(),
            ),
            Kind::RefreshReused => (
                format!(
                    "a key to one of your sessions at {public_url} was used a second time. So \
                    it may have been copied, and the session was ended."
                ),
                "",
                "Sign in again on the device that was signed out. If you cannot think of a \
                 reason, change your password too."
                    .to_owned(),
            ),
            Kind::RoleChanged => (
                format!("an admin changed what you may do at {public_url}."),
                "",
                "You need not do anything. Sign in to see your role.".to_owned(),
            ),
            Kind::SecondFactorOn => (
                format!(
                    "from now on signing in to your account at {public_url} asks for a code of \
                    your second factor too."
                ),
                "",
                format!(
                    "If it was you, there is nothing to do: keep the recovery codes well. If it \
                    was not, ask for a new password at {public_url}/ and write to whoever runs \
                    that server."
                ),
            ),
            Kind::Deleted => (
                format!("an admin deleted your account at {public_url}, and all its contacts."),
                "",
                "If you think that this is a mistake, write to whoever runs that server."
                    .to_owned(),
            ),
        };
        Words { lead, button, rest }
    }
}

/// What a letter says after the greeting.
struct Words {
    lead: String,
    /// What stands on the link in HTML.
    button: &'static str,
    rest: String,
}

impl Words {
    /// `name` comes with a space before it, or is empty.
    fn text(&self, name: &str, link: Option<&str>) -> String {
        let mut blocks = vec![format!("Hello{name},"), fold(&self.lead)];
        // On a line of its own and never folded: every mail program makes it a link.
        blocks.extend(link.map(str::to_owned));
        blocks.push(fold(&self.rest));
        blocks.push("This mail was written by a program; nobody reads answers to it.".to_owned());
        blocks.join("\n\n") + "\n"
    }

    /// Old mail programs know no style sheets, so styles stand at the elements, and few of them.
    fn html(&self, subject: &str, name: &str, link: Option<&str>) -> String {
        let (name, lead, rest) =
            (escape_html(name), escape_html(&self.lead), escape_html(&self.rest));
        let link = link.map(escape_html).map_or_else(String::new, |link| {
            format!(
                "<p style=\"margin:24px 0\"><a href=\"{link}\" style=\"display:inline-block;\
                 padding:10px 18px;border-radius:6px;background:#1d5fb4;color:#ffffff;\
                 text-decoration:none\">{}</a></p>\n\
                 <p style=\"font-size:13px\">Or copy this address into your browser:<br>\n\
                 <a href=\"{link}\" style=\"word-break:break-all\">{link}</a></p>\n",
                self.button
            )
        });
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{subject}</title>\n\
             </head>\n<body style=\"font-family:sans-serif;font-size:16px;line-height:1.5;\
             max-width:560px;margin:0 auto;padding:24px\">\n\
             <p>Hello{name},</p>\n<p>{lead}</p>\n{link}<p>{rest}</p>\n\
             <p style=\"font-size:13px\">This mail was written by a program; nobody reads \
             answers to it.</p>\n</body>\n</html>\n"
        )
    }
}

/// Breaks a paragraph into lines of at most 72 characters, between words only (RFC 5322, 2.1.1,
/// asks for at most 78).
fn fold(paragraph: &str) -> String {
    let mut folded = String::new();
    let mut width = 0;
    for word in paragraph.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > 72 {
            folded.push('\n');
            width = 0;
        } else if width > 0 {
            folded.push(' ');
            width += 1;
        }
        folded.push_str(word);
        width += length;
    }
    folded
}
