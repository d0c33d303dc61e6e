//! The table `users`.

use crate::crypto::digest_text;
use crate::db::{Conn, Tx};
use crate::error::{Error, Result};
use crate::model::user::{AppPassword, CurrentUser, PageSession, Role, Scope, User};
use crate::repository::Slice;
use chrono::{DateTime, Utc};
use postgres::Row;
use std::collections::HashMap;

macro_rules! columns {
    () => {
        "id, username, email, role, is_verified, is_active, language, avatar_key, created_at"
    };
}

fn from_row(row: &Row) -> Result<User> {
    Ok(User {
        id: row.get("id"),
        username: row.get("username"),
        email: row.get("email"),
        role: Role::parse(row.get("role")).map_err(Error::internal)?,
        is_verified: row.get("is_verified"),
        is_active: row.get("is_active"),
        language: row.get("language"),
        avatar_key: row.get("avatar_key"),
        created_at: row.get("created_at"),
    })
}

/// An account with its password hash, which leaves the repository in no other type.
#[derive(Debug)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// PHC string.
    pub password_hash: String,
}

fn credentials(row: &Row) -> Result<Credentials> {
    Ok(Credentials { user: from_row(row)?, password_hash: row.get("password_hash") })
}

/// What a new account is made of.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// Valid, see `model::user`.
    pub username: &'a str,
    /// Valid, as typed.
    pub email: &'a str,
    /// PHC string.
    pub password_hash: &'a str,
    /// Admins come from the command line only.
    pub role: Role,
    /// True when the address needs no confirmation.
    pub is_verified: bool,
    /// The language chosen for its pages and mails; none: the browser's.
    pub language: Option<&'a str>,
}

/// Adds an account and its empty address book. [`Error::Conflict`] when the username or the
/// address is taken.
pub fn insert(db: &mut Conn, new: &NewUser, now: DateTime<Utc>) -> Result<User> {
    const SQL: &str = concat!(
        "WITH added AS (
            INSERT INTO users (username, email, password_hash, role, is_verified, created_at, language)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            RETURNING *
        ), book AS (
            INSERT INTO address_books (owner) SELECT id FROM added
        )
        SELECT ",
        columns!(),
        " FROM added"
    );
    let role = new.role.as_str();
    let row = db.query_one(
        SQL,
        &[
            &new.username,
            &new.email,
            &new.password_hash,
            &role,
            &new.is_verified,
            &now,
            &new.language,
        ],
    )?;
    from_row(&row)
}

/// An account by id.
pub fn find(db: &mut Conn, id: i64) -> Result<Option<User>> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM users WHERE id = $1 AND deleted_at IS NULL");
    db.query_opt(SQL, &[&id])?.as_ref().map(from_row).transpose()
}

/// What the cache holds of an account: itself, its live sessions and its app passwords, in one
/// statement, which sees one state of the database. A session that began at `oldest` or before is over
/// whatever its row says: `SESSION_DAYS` may have been lowered since.
pub fn find_current(
    db: &mut Conn,
    id: i64,
    now: DateTime<Utc>,
    oldest: DateTime<Utc>,
) -> Result<Option<CurrentUser>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ",
            ARRAY(SELECT id FROM sessions WHERE user_id = $1 AND expires_at > $2
                AND created_at > $3 AND cookie_hash IS NULL ORDER BY id) AS sessions,
            pages.*, passwords.*
        FROM users,
            (SELECT coalesce(array_agg(id), '{}') AS page_ids,
                coalesce(array_agg(cookie_hash), '{}') AS page_hashes,
                coalesce(array_agg(expires_at), '{}') AS page_ends
            FROM (SELECT id, cookie_hash, expires_at FROM sessions WHERE user_id = $1
                AND expires_at > $2 AND created_at > $3 AND cookie_hash IS NOT NULL
                ORDER BY id) AS live) AS pages,
            (SELECT coalesce(array_agg(id), '{}') AS password_ids,
                coalesce(array_agg(name), '{}') AS password_names,
                coalesce(array_agg(scope), '{}') AS password_scopes,
                coalesce(array_agg(digest), '{}') AS password_digests
            FROM (SELECT id, name, scope, digest FROM app_passwords WHERE user_id = $1
                ORDER BY id) AS mine) AS passwords
        WHERE id = $1 AND deleted_at IS NULL"
    );
    let Some(row) = db.query_opt(SQL, &[&id, &now, &oldest])? else { return Ok(None) };
    Ok(Some(CurrentUser {
        user: from_row(&row)?,
        sessions: row.get("sessions"),
        pages: pages(&row),
        app_passwords: app_passwords(&row)?,
    }))
}

fn pages(row: &Row) -> Vec<PageSession> {
    let ids: Vec<i64> = row.get("page_ids");
    let hashes: Vec<Vec<u8>> = row.get("page_hashes");
    let ends: Vec<DateTime<Utc>> = row.get("page_ends");
    let all = ids.into_iter().zip(hashes).zip(ends);
    all.map(|((session, hash), expires_at)| PageSession {
        session,
        digest: digest_text(&hash),
        expires_at,
    })
    .collect()
}

fn app_passwords(row: &Row) -> Result<Vec<AppPassword>> {
    let ids: Vec<i64> = row.get("password_ids");
    let names: Vec<String> = row.get("password_names");
    let scopes: Vec<String> = row.get("password_scopes");
    let digests: Vec<Vec<u8>> = row.get("password_digests");
    let all = ids.into_iter().zip(names).zip(scopes).zip(digests);
    let one = |(((id, name), scope), digest): (((i64, String), String), Vec<u8>)| {
        let scope = Scope::parse(&scope).map_err(Error::internal)?;
        Ok(AppPassword { id, name, scope, digest: digest_text(&digest) })
    };
    all.map(one).collect()
}

/// The account of a name typed at login: by username or by address, whatever the case.
pub fn find_by_login(db: &mut Conn, name: &str) -> Result<Option<Credentials>> {
    const BY_USERNAME: &str = concat!(
        "SELECT password_hash, ",
        columns!(),
        " FROM users WHERE lower(username COLLATE \"C\") = lower($1 COLLATE \"C\") AND deleted_at IS NULL"
    );
    const BY_EMAIL: &str = concat!(
        "SELECT password_hash, ",
        columns!(),
        " FROM users WHERE lower(email COLLATE \"und-x-icu\") = lower($1 COLLATE \"und-x-icu\")
            AND deleted_at IS NULL"
    );
    // A username never has an @, an address always has one.
    let sql = if name.contains('@') { BY_EMAIL } else { BY_USERNAME };
    db.query_opt(sql, &[&name])?.as_ref().map(credentials).transpose()
}

/// Whom a wish for a mail concerns.
#[derive(Debug)]
pub struct Addressee {
    /// The account; none: nobody has this address.
    pub id: Option<i64>,
    /// The address as its owner wrote it, not as another person types it.
    pub email: String,
    /// As in [`User`]; false where there is no account.
    pub is_active: bool,
    /// As in [`User`]; false where there is no account.
    pub is_verified: bool,
}

/// The account of an address, whatever the case. A row is sent and read for an unknown address, too, so that
/// the time does not show whether there is one.
pub fn find_addressee(db: &mut Conn, email: &str) -> Result<Addressee> {
    const SQL: &str = "SELECT id, coalesce(email, $1), coalesce(is_active, false), coalesce(is_verified, false)
        FROM (VALUES (1)) AS always LEFT JOIN users
            ON lower(email COLLATE \"und-x-icu\") = lower($1 COLLATE \"und-x-icu\") AND deleted_at IS NULL";
    let row = db.query_one(SQL, &[&email])?;
    Ok(Addressee {
        id: row.get(0),
        email: row.get(1),
        is_active: row.get(2),
        is_verified: row.get(3),
    })
}

/// An account by id, with its hash.
pub fn find_credentials(db: &mut Conn, id: i64) -> Result<Option<Credentials>> {
    const SQL: &str = concat!(
        "SELECT password_hash, ",
        columns!(),
        " FROM users WHERE id = $1 AND deleted_at IS NULL"
    );
    db.query_opt(SQL, &[&id])?.as_ref().map(credentials).transpose()
}

/// An account with its hash, locked until the transaction ends: whoever else changes it, or signs in
/// to it, waits. Not `FOR UPDATE`: a row that refers to the account (an import, a contact) may be
/// written meanwhile, and is not waited for.
pub fn lock(tx: &mut Tx, id: i64) -> Result<Option<Credentials>> {
    const SQL: &str = concat!(
        "SELECT password_hash, ",
        columns!(),
        " FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE"
    );
    tx.query_opt(SQL, &[&id])?.as_ref().map(credentials).transpose()
}

/// True if no connection holds [`lock`] on the account: no transaction is changing it. Asked before the
/// account is read for the cache, in a statement of its own.
pub fn is_settled(db: &mut Conn, id: i64) -> Result<bool> {
    // The weakest lock that FOR NO KEY UPDATE excludes; given back at the end of the statement.
    const SQL: &str = "SELECT 1 FROM users WHERE id = $1 FOR SHARE SKIP LOCKED";
    Ok(db.query_opt(SQL, &[&id])?.is_some())
}

/// The ids of the admins that can sign in, locked until the transaction ends. Two admins who
/// demote each other at once come here one after the other, and the second is none any more.
pub fn lock_active_admins(tx: &mut Tx) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT id FROM users WHERE role = 'admin' AND is_active AND is_verified
            AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE";
    Ok(tx.query(SQL, &[])?.iter().map(|row| row.get(0)).collect())
}

/// Stores a new password hash.
pub fn set_password(db: &mut Conn, id: i64, hash: &str) -> Result<u64> {
    db.execute("UPDATE users SET password_hash = $2 WHERE id = $1", &[&id, &hash])
}

/// The address counts as confirmed.
pub fn set_verified(db: &mut Conn, id: i64) -> Result<u64> {
    db.execute("UPDATE users SET is_verified = true WHERE id = $1", &[&id])
}

/// Changes the address, which is confirmed by that. [`Error::Conflict`] when it is taken.
pub fn set_email(db: &mut Conn, id: i64, email: &str) -> Result<u64> {
    const SQL: &str = "UPDATE users SET email = $2, is_verified = true WHERE id = $1";
    db.execute(SQL, &[&id, &email])
}

/// Changes the username. [`Error::Conflict`] when it is taken.
pub fn set_username(db: &mut Conn, id: i64, username: &str) -> Result<Option<User>> {
    const SQL: &str =
        concat!("UPDATE users SET username = $2 WHERE id = $1 RETURNING ", columns!());
    db.query_opt(SQL, &[&id, &username])?.as_ref().map(from_row).transpose()
}

/// Sets the language of pages and mails; none: as the browser asks.
pub fn set_language(db: &mut Conn, id: i64, language: Option<&str>) -> Result<u64> {
    db.execute("UPDATE users SET language = $2 WHERE id = $1", &[&id, &language])
}

/// Changes the role.
pub fn set_role(db: &mut Conn, id: i64, role: Role) -> Result<Option<User>> {
    const SQL: &str = concat!("UPDATE users SET role = $2 WHERE id = $1 RETURNING ", columns!());
    db.query_opt(SQL, &[&id, &role.as_str()])?.as_ref().map(from_row).transpose()
}

/// Enables or disables an account.
pub fn set_active(db: &mut Conn, id: i64, active: bool) -> Result<Option<User>> {
    const SQL: &str =
        concat!("UPDATE users SET is_active = $2 WHERE id = $1 RETURNING ", columns!());
    db.query_opt(SQL, &[&id, &active])?.as_ref().map(from_row).transpose()
}

/// Sets the key of the uploaded picture; `None`: back to the default.
pub fn set_avatar(db: &mut Conn, id: i64, key: Option<&str>) -> Result<Option<User>> {
    const SQL: &str =
        concat!("UPDATE users SET avatar_key = $2 WHERE id = $1 RETURNING ", columns!());
    db.query_opt(SQL, &[&id, &key])?.as_ref().map(from_row).transpose()
}

/// Ends an account: from now on no statement finds it. What is left of it is deleted
/// in batches, see `context::App::finish_deletion`. `~` stands in no username and no address.
pub fn end(tx: &mut Tx, id: i64, now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "UPDATE users SET deleted_at = $2, username = '~' || id, email = '~' || id,
            password_hash = '', role = 'user', is_active = false, avatar_key = NULL
        WHERE id = $1";
    tx.execute(SQL, &[&id, &now])
}

/// Ids of accounts that ended and are not deleted yet, none of `but`.
pub fn ended(db: &mut Conn, but: &[i64]) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT id FROM users WHERE deleted_at IS NOT NULL AND id <> ALL($1)
        ORDER BY deleted_at LIMIT 100";
    Ok(db.query(SQL, &[&but])?.iter().map(|row| row.get(0)).collect())
}

/// Deletes an account that ended, with what little is left of it, but not its audit events.
pub fn delete(db: &mut Conn, id: i64) -> Result<u64> {
    db.execute("DELETE FROM users WHERE id = $1 AND deleted_at IS NOT NULL", &[&id])
}

/// Ids of accounts that were registered before `oldest` and never confirmed, none of `but`.
pub fn unconfirmed(db: &mut Conn, oldest: DateTime<Utc>, but: &[i64]) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT id FROM users
        WHERE NOT is_verified AND created_at <= $1 AND deleted_at IS NULL AND id <> ALL($2)
        ORDER BY id LIMIT 100";
    Ok(db.query(SQL, &[&oldest, &but])?.iter().map(|row| row.get(0)).collect())
}

/// A backup was restored: the numbers of accounts, sessions and contacts that were given out since it was made do
/// not come again. Access tokens and programs still have them, and would reach what belongs to somebody else. One by
/// one, since `setval` wants a right that a role without DDL does not have. Not bound to an owner.
pub fn restored(db: &mut Conn) -> Result<()> {
    const SQL: &str = "SELECT count(nextval($1::text::regclass)) FROM generate_series(1, 100000)";
    for sequence in ["users_id_seq", "sessions_id_seq", "contacts_id_seq"] {
        // A million, in steps that end before a statement may take no longer.
        for _ in 0..10 {
            db.execute(SQL, &[&sequence])?;
        }
    }
    Ok(())
}

/// A hundred accounts by id, after this one.
pub fn page(db: &mut Conn, after: i64) -> Result<Vec<User>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM users WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT 100"
    );
    db.query(SQL, &[&after])?.iter().map(from_row).collect()
}

/// Accounts by id whose username or address contains `search` (letter case ignored) and who have
/// `role`, and how many there are in all.
pub fn list(
    db: &mut Conn,
    search: Option<&str>,
    role: Option<Role>,
    slice: Slice,
) -> Result<(Vec<User>, i64)> {
    macro_rules! matching {
        () => {
            " FROM users
            WHERE deleted_at IS NULL AND ($1::text IS NULL
                OR strpos(lower(username COLLATE \"C\"), lower($1 COLLATE \"C\")) > 0
                OR strpos(lower(email COLLATE \"und-x-icu\"), lower($1 COLLATE \"und-x-icu\")) > 0)
            AND ($2::text IS NULL OR role = $2)"
        };
    }
    const PAGE: &str =
        concat!("SELECT ", columns!(), matching!(), " ORDER BY id LIMIT $3 OFFSET $4");
    const COUNT: &str = concat!("SELECT count(*)", matching!());
    let role = role.map(Role::as_str);
    let rows = db.query(PAGE, &[&search, &role, &slice.limit, &slice.skip])?;
    let total = db.query_one(COUNT, &[&search, &role])?.get(0);
    Ok((rows.iter().map(from_row).collect::<Result<_>>()?, total))
}

/// The usernames of these accounts, by their ids; of those that there are.
pub fn names(db: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, String>> {
    const SQL: &str = "SELECT id, username FROM users WHERE id = ANY($1)";
    let rows = db.query(SQL, &[&ids])?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("username"))).collect())
}
