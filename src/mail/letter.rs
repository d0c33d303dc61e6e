//! Mails: their kinds, and how one is drawn. The words, which are beside those of the pages, are drawn
//! twice, as plain text and as HTML, so that the two parts cannot say different things.

use crate::error::{Error, Result};
use crate::markup::words::{self, Words};
use maud::{DOCTYPE, html};
use std::fmt;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To a new account: confirm the address.
    Confirm,
    /// To a user who forgot the password: choose a new one.
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
    /// To an account that has none any more.
    SecondFactorOff,
    /// To the address of an account that an admin deleted.
    Deleted,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 11] = [
        Kind::Confirm,
        Kind::Reset,
        Kind::PasswordChanged,
        Kind::ChangeEmail,
        Kind::EmailChanging,
        Kind::EmailChanged,
        Kind::RefreshReused,
        Kind::RoleChanged,
        Kind::SecondFactorOn,
        Kind::SecondFactorOff,
        Kind::Deleted,
    ];

    /// It is about something that happened, and has no link.
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
            Kind::SecondFactorOff => "second_factor_off",
            Kind::Deleted => "deleted",
        }
    }

    /// Reads [`Kind::as_str`] back, or says what is wrong.
    pub fn parse(word: &str) -> Result<Kind, String> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
        kind.ok_or_else(|| format!("{word:?} is no kind of mail"))
    }

    /// What such a mail says, from the list of words. No subject holds a word of a user: a name there
    /// could forge headers or mislead.
    pub(super) fn words(self, w: &'static Words) -> Text {
        let words = match self {
            Kind::Confirm => w.mail_confirm,
            Kind::Reset => w.mail_reset,
            Kind::PasswordChanged => w.mail_password_changed,
            Kind::ChangeEmail => w.mail_change_email,
            Kind::EmailChanging => w.mail_email_changing,
            Kind::EmailChanged => w.mail_email_changed,
            Kind::RefreshReused => w.mail_refresh_reused,
            Kind::RoleChanged => w.mail_role_changed,
            Kind::SecondFactorOn => w.mail_second_factor_on,
            Kind::SecondFactorOff => w.mail_second_factor_off,
            Kind::Deleted => w.mail_deleted,
        };
        let mut parts = words.split('|');
        let mut part = || parts.next().unwrap_or_default();
        Text { subject: part(), lead: part(), rest: part(), button: part() }
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
    /// The language of the account, a tag; none: English.
    pub language: Option<String>,
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

    /// The words of the account's language, else English.
    fn language(&self) -> &'static Words {
        self.language.as_deref().and_then(words::of).unwrap_or(&words::EN)
    }

    pub(super) fn subject(&self) -> &'static str {
        self.kind.words(self.language()).subject
    }

    /// The plain text and the HTML part.
    pub(super) fn parts(&self, public_url: &str, link: Option<&str>) -> (String, String) {
        let w = self.language();
        let text = self.kind.words(w);
        let (anyone, by_name) = w.mail_hello.split_once('|').unwrap_or_default();
        let plain = |name: &String| name.chars().filter(|c| !c.is_control()).collect::<String>();
        let hello = match &self.username {
            Some(name) => by_name.replace("{}", &plain(name)),
            None => anyone.to_owned(),
        };
        let [lead, rest] = [text.lead, text.rest].map(|part| part.replace("{}", public_url));
        (plain_text(w, &hello, &lead, link, &rest), html(w, text, &hello, &lead, link, &rest))
    }
}

/// The words of a kind of mail.
#[derive(Clone, Copy)]
pub(super) struct Text {
    pub(super) subject: &'static str,
    pub(super) lead: &'static str,
    pub(super) rest: &'static str,
    /// What stands on the link in HTML.
    pub(super) button: &'static str,
}

fn plain_text(w: &Words, hello: &str, lead: &str, link: Option<&str>, rest: &str) -> String {
    let mut blocks = vec![hello.to_owned(), fold(lead)];
    // On a line of its own and never folded: every mail program makes it a link.
    blocks.extend(link.map(str::to_owned));
    blocks.push(fold(rest));
    blocks.push(fold(w.mail_end));
    blocks.join("\n\n") + "\n"
}

/// Old mail programs know no style sheets, so styles stand at the elements, and few of them.
fn html(w: &Words, text: Text, hello: &str, lead: &str, link: Option<&str>, rest: &str) -> String {
    html! {
        (DOCTYPE)
        html lang=(w.lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta name="color-scheme" content="light dark";
                title { (text.subject) }
            }
            body style="font-family:sans-serif;font-size:16px;line-height:1.5;max-width:560px;margin:0 auto;padding:24px" {
                p { (hello) }
                "\n"
                p { (lead) }
                "\n"
                @if let Some(link) = link {
                    p style="margin:24px 0" {
                        a href=(link) style="display:inline-block;padding:10px 18px;border-radius:6px;background:#1d5fb4;color:#ffffff;text-decoration:none" { (text.button) }
                    }
                    "\n"
                    p style="font-size:13px" {
                        (w.mail_copy) br;
                        a href=(link) style="word-break:break-all" { (link) }
                    }
                    "\n"
                }
                p { (rest) }
                "\n"
                p style="font-size:13px" { (w.mail_end) }
            }
        }
        "\n"
    }
    .into_string()
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
