//! Connections with and without TLS.

use crate::postgres_server::PostgresServer;
use crate::world::config;
use contactd::db::Pool;
use contactd::error::Result;
use std::os::unix::fs::{OpenOptionsExt, chown};

/// A Postgres that speaks TLS, with this certificate and its key.
fn with_tls(certificate: &str, key: &str) -> PostgresServer {
    let mut server = PostgresServer::start();
    let owner = |name| crate::world::variable(name).parse().ok();
    for (name, text) in [("server.crt", certificate), ("server.key", key)] {
        let path = server.folder().join(name);
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.write(true).create(true).mode(0o600).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        chown(&path, owner("TEST_STORES_UID"), owner("TEST_STORES_GID")).unwrap();
    }
    server.set("ssl = on\n");
    server.stop_at_once();
    server.restart();
    server
}

/// Whether a connection with this setting has TLS.
fn has_tls(server: &PostgresServer, setting: &str, ca: Option<&str>) -> Result<bool> {
    has_tls_at(&server.url(), setting, ca)
}

fn has_tls_at(url: &str, setting: &str, ca: Option<&str>) -> Result<bool> {
    let mut config = config("public");
    config.postgres = format!("{url}?{setting}").parse().unwrap();
    config.tls_ca = ca.map(|pem| pem.as_bytes().to_vec());
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    Pool::new(&config)?.read(|db| Ok(db.query_one(sql, &[])?.get(0)))
}

#[test]
fn tls_is_taken_refused_and_demanded_as_the_setting_says() {
    let names = vec!["127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let ca = Some(certificate.as_str());
    let (speaks, does_not) = (with_tls(&certificate, &key), PostgresServer::start());
    assert!(has_tls(&speaks, "sslmode=require", ca).unwrap());
    assert!(has_tls(&speaks, "sslmode=prefer", ca).unwrap());
    assert!(!has_tls(&speaks, "sslmode=disable", ca).unwrap());
    assert!(has_tls(&speaks, "sslmode=require", None).is_err(), "nobody vouches for it");
    assert!(has_tls(&does_not, "sslmode=require", ca).is_err());
    assert!(!has_tls(&does_not, "sslmode=prefer", ca).unwrap());
    // With a Unix socket among the hosts, the driver itself asks for TLS.
    let after_a_socket = speaks.url().replace("@127.", "@%2Fno%2Fsocket,127.");
    assert!(has_tls_at(&after_a_socket, "sslmode=require", ca).unwrap());
    assert!(!has_tls_at(&after_a_socket, "sslmode=disable", ca).unwrap());
}

/// Postgres 17 and some proxies take TLS from the first byte, without being asked for it.
#[test]
fn a_direct_connection_begins_with_a_handshake() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config("public");
    let port = server.local_addr().unwrap().port();
    let url = format!("postgres://u:p@127.0.0.1:{port}/db?sslmode=require&sslnegotiation=direct");
    config.postgres = url.parse().unwrap();
    let pool = Pool::new(&config).unwrap();
    let mut first = [0];
    // The pool connects by itself.
    std::io::Read::read_exact(&mut server.accept().unwrap().0, &mut first).unwrap();
    assert_eq!(first, [0x16]);
    drop(pool);
}
