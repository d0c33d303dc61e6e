//! The reason phrases (RFC 9110, section 15; RFC 4918, section 11).

/// The reason phrase of a status, which people read and programs do not; empty for an unknown one.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::reason;
    use hyper::StatusCode;

    #[test]
    fn reasons_are_those_of_the_registry() {
        let known: Vec<_> = (100..600).filter(|&status| !reason(status).is_empty()).collect();
        assert_eq!(known.len(), 39);
        for status in known {
            let registered = match status {
                // Their names in RFC 9110, which hyper does not have yet.
                413 => Some("Content Too Large"),
                422 => Some("Unprocessable Content"),
                _ => StatusCode::from_u16(status).unwrap().canonical_reason(),
            };
            assert_eq!(Some(reason(status)), registered);
        }
    }
}
