//! The second factor: a secret that an authenticator shares with us, and ten recovery codes for who
//! lost it. `docs/troubles.md` says what is left to whoever lost both.

use crate::access::Caller;
use crate::context::Call;
use crate::crypto::{Purpose, totp, typed};
use crate::db::Tx;
use crate::error::{Conflict, Error, Result};
use crate::limits;
use crate::mail::Kind;
use crate::repository::audit::Action;
use crate::repository::totp as table;
use crate::repository::users::Credentials;
use crate::service::confirmation::{confirm_password, note_failure, unchanged};
use qrcodegen::{QrCode, QrCodeEcc};
use serde::Serialize;

/// How many recovery codes there are.
const RECOVERY_CODES: usize = 10;

/// What an authenticator is given, once.
#[derive(Debug, Serialize)]
pub struct Enrolment {
    /// In Base32, to be typed.
    pub secret: String,
    /// `otpauth://…`
    pub uri: String,
    /// The same as a picture: SVG.
    pub qr: String,
}

/// Makes a secret for the caller. Nothing is asked for until a code of it was typed.
pub fn begin(call: &Call, caller: &Caller, password: &str) -> Result<Enrolment> {
    let confirmed = confirm_password(call, caller, password)?;
    let (id, secret) = (caller.id(), totp::secret()?);
    let sealed = call.app.keys.seal(Purpose::Totp, id, &secret)?;
    let user = call.app.change_user(id, |tx, found| {
        let user = unchanged(found, &confirmed)?;
        match table::begin(tx, id, &sealed, call.now)? {
            0 => Err(Error::Conflict(Conflict::SecondFactorOn)),
            _ => Ok(user),
        }
    })?;
    let url = &call.app.config.public_url;
    let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let uri = totp::uri(&secret, host, &user.username);
    let qr = svg(&uri)?;
    Ok(Enrolment { secret: typed::base32(&secret), uri, qr })
}

/// A QR code as a drawing of squares, black on white whatever the page looks like.
pub fn svg(text: &str) -> Result<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(Error::internal)?;
    let size = code.size();
    let modules = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    let dark = modules.filter(|(x, y)| code.get_module(*x, *y));
    let path: String = dark.map(|(x, y)| format!("M{} {}h1v1h-1z", x + 4, y + 4)).collect();
    let side = size + 8; // four modules of quiet zone on each side (ISO/IEC 18004)
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path d=\"{path}\"/></svg>"
    ))
}

/// A wrong code inside a session counts as a failed login. `found`: the account.
fn wrong_code(call: &Call, found: &Credentials) -> Result<Error> {
    limits::count_failure(call, &found.user.username, &found.password_hash);
    note_failure(call, Some(found.user.id))?;
    Ok(Error::invalid("code", "is wrong, or was used already"))
}

/// The caller typed the first code: from now on a login needs one. The recovery codes, shown once.
pub fn confirm(call: &Call, caller: &Caller, code: &str) -> Result<Vec<String>> {
    let id = caller.id();
    let codes: Vec<String> =
        (0..RECOVERY_CODES).map(|_| typed::recovery_code()).collect::<Result<_>>()?;
    let wrong = call.app.change_user(id, |tx, found| {
        let off = Error::Conflict(Conflict::SecondFactorOff);
        let stored = table::find(tx, id)?.ok_or(off)?;
        if stored.confirmed {
            return Err(Error::Conflict(Conflict::SecondFactorOn));
        }
        let secret = open(call, id, &stored.secret)?;
        let step = totp::step(&secret, code, call.now.timestamp(), stored.last_step);
        let Some(step) = step else { return Ok(Some(found)) };
        let read = |code: &String| typed::read_recovery_code(code);
        let digests = codes.iter().filter_map(read);
        let digests: Vec<_> = digests.map(|code| totp::recovery_digest(&secret, &code)).collect();
        table::confirm(tx, id, step, &digests)?;
        call.mail(tx, Kind::SecondFactorOn, &found.user.email, Some(id))?;
        call.audit(tx, Action::TotpEnabled, Some(id), Some(id))?;
        Ok(None)
    })?;
    if let Some(found) = wrong {
        return Err(wrong_code(call, &found)?);
    }
    call.app.work_waits.notify();
    Ok(codes)
}

/// Takes the caller's second factor off. One that was only begun is none.
pub fn remove(call: &Call, caller: &Caller, password: &str, code: &str) -> Result<()> {
    let confirmed = confirm_password(call, caller, password)?;
    let id = caller.id();
    let right = call.app.change_user(id, |tx, found| {
        let user = unchanged(found, &confirmed)?;
        let stored = table::find(tx, id)?.filter(|stored| stored.confirmed);
        if !take(call, tx, id, &stored.ok_or(Error::NotFound)?, code)? {
            return Ok(false);
        }
        table::delete(tx, id)?;
        call.mail(tx, Kind::SecondFactorOff, &user.email, Some(id))?;
        call.audit(tx, Action::TotpDisabled, Some(id), Some(id))?;
        Ok(true)
    })?;
    if right { Ok(()) } else { Err(wrong_code(call, &confirmed)?) }
}

/// Makes sure that a login has the code that it needs. Under the user's row lock, so that no code
/// works twice, on whatever replica.
pub fn check(call: &Call, tx: &mut Tx, user: i64, code: Option<&str>) -> Result<()> {
    let stored = table::find(tx, user)?.filter(|stored| stored.confirmed);
    let Some(stored) = stored else { return Ok(()) };
    let code = code.ok_or(Error::SecondFactorRequired)?;
    if take(call, tx, user, &stored, code)? { Ok(()) } else { Err(Error::SecondFactorWrong) }
}

/// True if the code is one of the authenticator or a recovery code; it is used up then.
fn take(call: &Call, tx: &mut Tx, user: i64, stored: &table::Factor, code: &str) -> Result<bool> {
    let secret = open(call, user, &stored.secret)?;
    let seconds = call.now.timestamp();
    if let Some(step) = totp::step(&secret, code, seconds, stored.last_step) {
        return table::take_step(tx, user, step).map(|_| true);
    }
    let Some(code) = typed::read_recovery_code(code) else { return Ok(false) };
    let digest = totp::recovery_digest(&secret, &code);
    if table::take_recovery(tx, user, &digest)? == 0 {
        return Ok(false);
    }
    call.audit(tx, Action::RecoveryCodeUsed, Some(user), Some(user)).map(|()| true)
}

fn open(call: &Call, user: i64, sealed: &[u8]) -> Result<Vec<u8>> {
    let opened = call.app.keys.open(Purpose::Totp, user, sealed);
    let lost = || Error::internal("a second factor was encrypted with another SECRET_KEY");
    opened.map(|opened| opened.plain).ok_or_else(lost)
}
