//! What a request writes beside its change, in the same transaction: audit events and mails.

use super::call::Call;
use crate::crypto;
use crate::db::Tx;
use crate::error::Result;
use crate::mail::Kind;
use crate::model::user::User;
use crate::repository::audit::{self, Action};
use crate::repository::outbox::{self, NewMail};

/// Most notices of one kind to an account in an hour.
const NOTICES: i64 = 3;

impl Call {
    /// Writes an audit event in the transaction of the change that it records.
    pub fn audit(
        &self,
        tx: &mut Tx,
        action: Action,
        actor: Option<i64>,
        user: Option<i64>,
    ) -> Result<()> {
        let event = audit::NewEvent {
            at: self.now,
            actor_id: actor,
            user_id: user,
            action,
            ip: &self.ip.to_string(),
            request_id: &self.own_id,
        };
        audit::insert(tx, event)
    }

    /// Writes a mail into the outbox, in the transaction of the change that it records. Without an account
    /// nothing will be sent, at the same cost. Of notices of a kind at most `NOTICES` an hour.
    pub fn mail(&self, tx: &mut Tx, kind: Kind, to: &str, user: Option<i64>) -> Result<()> {
        let hour_ago = self.now - chrono::Duration::hours(1);
        if let Some(user) = user.filter(|_| kind.is_notice())
            && outbox::notices(tx, user, kind.as_str(), hour_ago)? >= NOTICES
        {
            return Ok(());
        }
        let mail = NewMail {
            kind: kind.as_str(),
            recipient: to,
            user_id: user,
            message_id: &self.message_id()?,
            is_notice: kind.is_notice(),
            username: None,
            language: None,
        };
        outbox::insert(tx, mail, self.now)
    }

    /// Writes a notice into the outbox that is still sent when its account is gone. It greets by name only who
    /// is known to have the mailbox.
    pub fn last_mail(&self, tx: &mut Tx, kind: Kind, user: &User) -> Result<()> {
        let name = if user.is_verified { user.username.as_str() } else { "" };
        let mail = NewMail {
            kind: kind.as_str(),
            recipient: &user.email,
            user_id: None,
            message_id: &self.message_id()?,
            is_notice: true,
            username: Some(name),
            language: user.language.as_deref(),
        };
        outbox::insert(tx, mail, self.now)
    }

    fn message_id(&self) -> Result<String> {
        Ok(format!("{}@{}", crypto::random_uuid()?, self.app.mailer.domain()))
    }
}
