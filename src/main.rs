//! The command line.

use contactd::config::Config;
use contactd::context::App;
use contactd::error::Error;
use contactd::model::user::Role;
use contactd::repository::contacts::books;
use contactd::repository::users;
use contactd::service::{operator, upkeep};
use contactd::{db, logger};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Gives memory back after a burst of large requests, which glibc's keeps, and takes an eighth less
/// processor time for a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
contactd: a small, self-hosted contacts server

  contactd [serve]        serve until SIGTERM or SIGINT
  contactd migrate        bring the database schema up to date
  contactd create-admin --username U --email E
  contactd create-user --username U --email E
                          make an account; the password comes from a prompt or standard input
  contactd check          check configuration, Postgres, Redis and SMTP, one line each
  contactd user list      every account, one line each
  contactd user disable|enable|reset-totp|password-link USERNAME-OR-ADDRESS
                          what an admin does, and a link for a new password to hand over
  contactd healthcheck    ask the server of this configuration whether it is ready: 0 or 1
  contactd reindex        make anew what lists and searches use of every card, while serving
  contactd restored       once after a backup was restored: devices sync from the beginning
  contactd openapi        print the description of the API (OpenAPI 3.1)
  contactd --help, --version

Settings come from the environment, or from .env in the working directory: see .env.example.
";

/// Why the program ends, in a line for the operator.
enum Failure {
    /// A wrong setting or a wrong command line: exit code 2.
    Usage(String),
    /// Anything else: exit code 1.
    Fault(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Fault(error.to_string())
    }
}

fn main() -> ExitCode {
    let arguments: Result<Vec<String>, _> =
        std::env::args_os().skip(1).map(|argument| argument.into_string()).collect();
    let unreadable = |_| Failure::Usage("contactd: an argument is not valid UTF-8".to_owned());
    match arguments.map_err(unreadable).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => {
            print_error(&text);
            ExitCode::from(2)
        }
        Err(Failure::Fault(text)) => {
            print_error(&format!("contactd: {text}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line to standard error. Where that cannot be written to, the exit code remains.
fn print_error(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["help"] | [.., "--help" | "-h"] => say(HELP),
        [] | ["serve"] => serve(),
        ["migrate"] => {
            let applied = app()?.db.write(db::migrations::migrate)?;
            say(&format!("{applied} migrations applied; the schema is up to date\n"))
        }
        ["create-admin", options @ ..] => create_account(Role::Admin, options),
        ["create-user", options @ ..] => create_account(Role::User, options),
        ["check"] => check(),
        ["user", words @ ..] => user(words),
        ["healthcheck"] => healthcheck(&config()?),
        ["restored"] => {
            let app = app()?;
            // A backup may be of an older version
            app.db.write(db::migrations::migrate)?;
            app.db.write(users::restored)?;
            let books = app.db.write(books::restored)?;
            say(&format!("{books} address books: devices sync from the beginning\n"))
        }
        ["reindex"] => {
            let app = app()?;
            app.db.write(db::migrations::migrate)?;
            let done = upkeep::reindex(&app, true, &AtomicBool::new(false))?;
            say(&format!("{done} contacts: what is made from their cards was made anew\n"))
        }
        ["openapi"] => say(contactd::openapi::DOCUMENT),
        ["--version" | "-V"] => say(concat!("contactd ", env!("CARGO_PKG_VERSION"), "\n")),
        words => {
            let words = words.join(" ");
            Err(Failure::Usage(format!("contactd: unknown command: {words}\n\n{HELP}")))
        }
    }
}

/// Writes to standard output. A reader that stops early, as with `contactd openapi | head`, is no fault.
fn say(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Fault(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn config() -> Result<Config, Failure> {
    Config::from_env().map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(|fault| format!("contactd: {fault}")).collect();
        Failure::Usage(lines.join("\n"))
    })
}

fn app() -> Result<App, Failure> {
    let config = config()?;
    #[allow(clippy::disallowed_methods, reason = "all other code gets this clock")]
    let clock = chrono::Utc::now;
    logger::start(config.log_format, clock);
    for warning in &config.warnings {
        log::warn!("{warning}");
    }
    let app = App::new(config, Box::new(clock))?;
    app.db.try_out(&app.config)?;
    Ok(app)
}

/// For commands that neither make tables nor can do without them.
fn app_of_this_schema() -> Result<App, Failure> {
    let app = app()?;
    match app.db.read(db::migrations::check)? {
        0 => Ok(app),
        _ => {
            let why = "this database has no tables yet, or those of an older version: \
                contactd migrate, or a start of the server, makes them";
            Err(Failure::Fault(why.to_owned()))
        }
    }
}

fn serve() -> Result<(), Failure> {
    let app = app()?;
    // An SMTP server may come back; a directory that nothing can be written to is seldom meant.
    if app.config.smtp.is_none()
        && let Err(error) = app.mailer.check()
    {
        log::warn!("no mail can be written: {error}");
    }
    contactd::serve::serve(app).map_err(Failure::from)
}

fn create_account(role: Role, options: &[&str]) -> Result<(), Failure> {
    use contactd::model::{text, user};
    let role_name = role.as_str();
    let usage = format!("usage: contactd create-{role_name} --username U --email E");
    let usage = || Failure::Usage(usage.clone());
    let (mut username, mut email) = (None, None);
    for pair in options.chunks(2) {
        match pair {
            ["--username", value] if username.is_none() => username = Some(*value),
            ["--email", value] if email.is_none() => email = Some(*value),
            _ => return Err(usage()),
        }
    }
    let (Some(username), Some(email)) = (username, email) else { return Err(usage()) };
    let wrong = |what: &'static str| move |why: String| Failure::Usage(format!("{what} {why}"));
    let username = user::username(username).map_err(wrong("username"))?;
    let email = text::email(email).map_err(wrong("email"))?;
    let app = app()?;
    let password = read_password().map_err(|error| Failure::Fault(error.to_string()))?;
    let password = user::password(&password, &username, &email).map_err(wrong("password"))?;
    app.db.write(db::migrations::migrate)?;
    let created = operator::create_account(&app, role, &username, &email, &password);
    let id = created.map_err(in_words)?;
    say(&format!("{role_name} {username} made, with id {id}\n"))
}

/// What the caller can mend in the words that a client gets, everything else as the log has it.
fn in_words(error: Error) -> Failure {
    match error {
        Error::NotFound => Failure::Fault("there is no such account".to_owned()),
        Error::Conflict(_) | Error::AccountDisabled => {
            Failure::Fault(contactd::http::detail(&error))
        }
        other => other.into(),
    }
}

fn user(words: &[&str]) -> Result<(), Failure> {
    let (action, name) = match words {
        ["list"] => return list_users(),
        [action @ ("disable" | "enable" | "reset-totp" | "password-link"), name] => (*action, name),
        _ => {
            let usage = "usage: contactd user list\n       \
                contactd user disable|enable|reset-totp|password-link USERNAME-OR-ADDRESS";
            return Err(Failure::Usage(usage.to_owned()));
        }
    };
    let app = app_of_this_schema()?;
    let answer = match action {
        "disable" => operator::set_active(&app, name, false).map(|()| "disabled".to_owned()),
        "enable" => operator::set_active(&app, name, true).map(|()| "enabled".to_owned()),
        "reset-totp" => operator::reset_totp(&app, name).map(|was| match was {
            true => "the second factor is off".to_owned(),
            false => "there was no second factor".to_owned(),
        }),
        _ => operator::password_link(&app, name),
    };
    say(&format!("{}\n", answer.map_err(in_words)?))
}

/// Id, username, address, role and state of each account, with tabs between them.
fn list_users() -> Result<(), Failure> {
    let mut text = String::new();
    operator::each_user(&app_of_this_schema()?, |user| {
        let state = match (user.is_active, user.is_verified) {
            (false, _) => "disabled",
            (true, false) => "unconfirmed",
            (true, true) => "active",
        };
        let (id, name, email, role) = (user.id, &user.username, &user.email, user.role.as_str());
        text.push_str(&format!("{id}\t{name}\t{email}\t{role}\t{state}\n"));
    })?;
    say(&text)
}

/// How long the server may take to answer.
const HEALTH_WAIT: Duration = Duration::from_secs(3);

/// Asks for `/readyz`, as a container without curl has to.
fn healthcheck(config: &Config) -> Result<(), Failure> {
    let mut address = config.listen_addr;
    if address.ip().is_unspecified() {
        // It listens everywhere, here too.
        let here =
            if address.is_ipv4() { [127, 0, 0, 1].into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(here);
    }
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, HEALTH_WAIT)?;
        stream.set_read_timeout(Some(HEALTH_WAIT))?;
        stream.set_write_timeout(Some(HEALTH_WAIT))?;
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.take(16_384).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    match ask() {
        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => say("ready\n"),
        Ok(answer) => {
            let status = answer.lines().next().unwrap_or("no answer").to_owned();
            Err(Failure::Fault(format!("not ready: {status}")))
        }
        Err(error) => Err(Failure::Fault(format!("{address}: {error}"))),
    }
}

/// From a prompt on a terminal, else the first line of standard input.
fn read_password() -> std::io::Result<String> {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ");
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// One line each; fails when the server could not serve.
fn check() -> Result<(), Failure> {
    let config = config()?;
    say("configuration: ok\n")?;
    for warning in &config.warnings {
        say(&format!("warning: {warning}\n"))?;
    }
    #[allow(clippy::disallowed_methods, reason = "the clock of the one App of this process")]
    let app = App::new(config, Box::new(chrono::Utc::now))?;
    let tried = app.db.try_out(&app.config);
    let schema = tried.and_then(|()| app.db.read(db::migrations::check_rights));
    let postgres = match &schema {
        Ok(0) => "ok, the schema is up to date".to_owned(),
        Ok(pending) => format!("ok, {pending} migrations will be applied at start"),
        Err(error) => error.to_string(),
    };
    let mail = match app.mailer.check() {
        Ok(()) if app.config.smtp.is_some() => "ok".to_owned(),
        Ok(()) => format!("off, mails are written to {}", app.config.mail_dir.display()),
        Err(error) => error.to_string(),
    };
    let redis = match app.cache.probe() {
        None => "off".to_owned(),
        Some(Ok(())) => "ok".to_owned(),
        Some(Err(why)) => format!("down: {why}"),
    };
    say(&format!("postgres: {postgres}\nredis: {redis}\nsmtp: {mail}\n"))?;
    schema.map(|_| ()).map_err(|_| Failure::Fault("Postgres cannot be used".to_owned()))
}
