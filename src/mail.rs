//! One message out: by SMTP, or into a file where no SMTP server is set. The outbox calls this
//! again when it fails, so nothing here retries or keeps anything.

mod files;
mod letter;
mod relay;
mod settings;

pub use letter::{Kind, Letter};
pub use relay::NotSent;
pub use settings::{Security, SmtpSettings, parse_mail_from, parse_smtp_url};

use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart, SinglePart};
use relay::Relay;
use settings::{is_message_id, parse_address};
use std::path::PathBuf;

/// Where mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// To an SMTP server.
    Smtp(SmtpSettings),
    /// As `.eml` files into this directory, which is made when needed. The links of the mails go
    /// to the log as well: this is for trying things out.
    Files(PathBuf),
}

/// Writes mails and brings them out. One for the process.
#[derive(Debug)]
pub struct Mailer {
    from: Mailbox,
    /// Without a slash at the end.
    public_url: String,
    channel: Channel,
}

#[derive(Debug)]
enum Channel {
    Smtp(Box<Relay>),
    Files(PathBuf),
}

impl Mailer {
    /// A mailer. `public_url` is where links begin; it never comes from a request. Servers are
    /// checked against the roots of webpki-roots, and those in `extra_ca` (PEM), if given. Fails
    /// when that is no PEM.
    pub fn new(
        transport: Transport,
        from: Mailbox,
        public_url: &str,
        extra_ca: Option<&[u8]>,
    ) -> Result<Mailer, String> {
        let public_url = public_url.trim_end_matches('/').to_owned();
        let channel = match transport {
            Transport::Smtp(settings) => {
                Channel::Smtp(Box::new(Relay::new(settings, relay::hello(&public_url), extra_ca)?))
            }
            Transport::Files(directory) => Channel::Files(directory),
        };
        Ok(Mailer { from, public_url, channel })
    }

    /// The sender's domain, which names the place where a `Message-ID` was made.
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// Brings one letter out; `now` becomes its date. Can take half a minute with a server that
    /// hangs, so no transaction may wait for it. What failed may have arrived all the same, if
    /// the server was cut off before it could answer; the `Message-ID` stays the same then.
    ///
    /// Fails with [`Error::Unavailable`] where time may help (no connection, a 4xx answer, a full
    /// disk), with [`Error::Internal`] where the operator must (a 5xx answer, no STARTTLS, a
    /// letter without its token). Neither text holds a token or a password.
    pub fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<(), NotSent> {
        let link = letter.link(&self.public_url)?;
        let message = self.message(letter, link.as_deref(), now)?;
        match &self.channel {
            Channel::Smtp(relay) => relay.deliver(&message, letter),
            Channel::Files(directory) => {
                let written = files::write(directory, &letter.message_id, &message.formatted());
                let path = written.map_err(NotSent::from)?;
                // Only here may a link be logged: only the operator gets these mails.
                let link = link.as_deref().unwrap_or("no link");
                log::info!("mail to {} in {}: {link}", letter.to, path.display());
                Ok(())
            }
        }
    }

    /// Tries the way out without sending anything: signs in at the SMTP server, or makes the
    /// directory and a file there, which goes at once.
    pub fn check(&self) -> Result<()> {
        match &self.channel {
            Channel::Smtp(relay) => relay.connect().map(|connection| relay.quit(connection)),
            Channel::Files(directory) => files::try_out(directory).map_err(|why| {
                Error::Unavailable(format!("MAIL_DIR {}: {why}", directory.display()))
            }),
        }
    }

    fn message(&self, letter: &Letter, link: Option<&str>, now: DateTime<Utc>) -> Result<Message> {
        let about = |what| Error::internal(format!("{letter:?} has {what}"));
        // Bare, without the user's name: no header ever holds what a user typed, but the address.
        let to = parse_address(&letter.to).map_err(|()| about("no valid address"))?;
        if !is_message_id(&letter.message_id) {
            return Err(about("no valid message id"));
        }
        let (text, html) = letter.parts(&self.public_url, link);
        // RFC 3834, 5: no holiday answers to this.
        let auto_submitted = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .message_id(Some(format!("<{}>", letter.message_id)))
            .date(now.into())
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject())
            .raw_header(HeaderValue::new(auto_submitted, "auto-generated".to_owned()))
            .multipart(
                MultiPart::alternative()
                    .singlepart(part(ContentType::TEXT_PLAIN, text))
                    .singlepart(part(ContentType::TEXT_HTML, html)),
            )
            .map_err(|why| Error::internal(format!("{letter:?}: {why}")))
    }
}

/// A part of a mail. lettre would encode every text with a line of more than 76 characters, and so
/// break links apart for whoever looks into an `.eml` file; RFC 5322, 2.1.1, allows 998.
fn part(kind: ContentType, text: String) -> SinglePart {
    let as_it_is = text.is_ascii() && text.lines().all(|line| line.len() <= 998);
    let body = match as_it_is {
        true => {
            let lines = text.lines().collect::<Vec<_>>().join("\r\n");
            Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
        }
        false => Body::new(text),
    };
    SinglePart::builder().header(kind).body(body)
}

#[cfg(test)]
mod tests;
