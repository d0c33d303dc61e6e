//! A path against the pattern of a route.

/// What the placeholders of a path stand for.
pub type Params = Vec<(&'static str, String)>;

/// What the placeholders of a pattern stand for in this path; none: the path does not match.
pub(super) fn matches(pattern: &'static str, path: &str) -> Option<Params> {
    // `/…/{path*}`: everything there and below. Its handlers read the path as it came, since a name of
    // CardDAV may be any octets.
    if let Some(folder) = pattern.strip_suffix("/{path*}") {
        let rest = path.strip_prefix(folder)?;
        return (rest.is_empty() || rest.starts_with('/')).then(Params::new);
    }
    let Some((plain, _)) = pattern.split_once('{') else {
        return (pattern == path).then(Params::new);
    };
    if !path.starts_with(plain) {
        return None;
    }
    let mut params = Params::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, suffix)) => {
                let value = segment.strip_suffix(suffix).filter(|value| !value.is_empty())?;
                let value = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
                // No id, token or key has any, and Postgres cannot even compare with NUL.
                if value.contains(char::is_control) {
                    return None;
                }
                params.push((name, value.into_owned()));
            }
            None if expected == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(params)
}
