//! What failures of Redis mean.

use super::*;

#[test]
fn a_host_that_is_gone_is_told_from_one_that_is_silent() {
    let reach = |kind| Failure::from(RedisError::from(std::io::Error::from(kind))).reach;
    use std::io::ErrorKind::*;
    for kind in [HostUnreachable, ConnectionRefused] {
        assert_eq!(reach(kind), Reach::Gone);
    }
    for kind in [TimedOut, WouldBlock, NetworkUnreachable, ConnectionReset, UnexpectedEof] {
        assert_eq!(reach(kind), Reach::Silent);
    }
}

#[test]
fn who_may_not_write_is_noticed_in_one_command_and_in_several() {
    let answered = |code: &str| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let answer = format!("+OK\r\n-{code} no\r\n");
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            while std::io::Read::read(&mut socket, &mut asked).unwrap_or(0) > 0 {
                // The library's own settings come first, in one go; then the two commands.
                let _ = std::io::Write::write_all(&mut socket, answer.as_bytes());
            }
        });
        let info = url.into_connection_info().unwrap();
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let client = redis::Client::open(info.set_redis_settings(settings)).unwrap();
        let mut connection = client.get_connection().unwrap();
        let mut two = redis::pipe();
        two.cmd("PING").cmd("SET").arg("a").arg("b");
        two.query::<Vec<Value>>(&mut connection).unwrap_err()
    };
    for code in ["READONLY", "NOREPLICAS", "LOADING"] {
        assert!(may_not_write(&answered(code)), "{code}");
        // Others may read from the primary.
        assert_eq!(Failure::from(answered(code)).reach, Reach::Silent, "{code}");
    }
    assert!(!may_not_write(&answered("ERR")));
    assert!(may_not_write(&redis::make_extension_error("NOREPLICAS".to_owned(), None)));
}
