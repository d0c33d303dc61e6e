//! What may stand in a Host field, and as the authority of a target.

/// `host [":" port]` of RFC 3986, without the user information that http does not have.
pub fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|&b| b == b']') else { return false };
            let (address, port) = rest.split_at(end);
            let hex = |&b: &u8| b.is_ascii_hexdigit() || b == b':' || b == b'.';
            if address.is_empty() || !address.iter().all(hex) {
                return false;
            }
            (None, port.get(1..).unwrap_or_default())
        }
        _ => {
            let end = host.iter().position(|&b| b == b':').unwrap_or(host.len());
            let (name, port) = host.split_at(end);
            (Some(name), port)
        }
    };
    let port_fits = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    port_fits && name.is_none_or(is_registered_name)
}

/// A name or an IPv4 address: unreserved characters, sub-delimiters, percent-encoded bytes.
fn is_registered_name(name: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(b);
    let mut rest = name;
    loop {
        rest = match rest {
            [] => return !name.is_empty(),
            [b'%', a, b, tail @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => tail,
            [b, tail @ ..] if plain(b) => tail,
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for yes in [
            "a",
            "a.example:80",
            "a:",
            "127.0.0.1:65535",
            "xn--bcher-kva.example",
            "a_b~c!",
            "b%C3%BCcher",
            "[::1]",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(is_host(yes.as_bytes()), "{yes}");
        }
        for no in [
            "", ":80", "a b", "a/b", "u@a", "a:x", "a:123456", "a:80:80", "a%", "a%4", "a%4g",
            "a%g4", "[]", "[]:80", "[g::1]", "[::1", "[::1]80", "[::1]:x", "::1",
        ] {
            assert!(!is_host(no.as_bytes()), "{no}");
        }
    }
}
