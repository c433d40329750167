//! The session cookie: `HttpOnly`, `SameSite=Lax`, `Secure` on https. It carries the session token and nothing else.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{
    access::session::{self, IDLE_LIFE, Recognised},
    app::App,
    error::{Error, Result},
    graphql::context::CookieChange,
    id::SessionId,
};

/// On https the prefix makes the browser insist on `Secure`, path `/` and no domain.
fn cookie_name(app: &App) -> &'static str {
    if app.config.is_https() {
        "__Host-ringfence"
    } else {
        "ringfence"
    }
}

/// The header that names the agency of a request.
pub(crate) const AGENCY_HEADER: &str = "ringfence-agency";

/// The session that the request's cookie names, if its token is ours and not over.
pub(crate) fn session_of(app: &App, headers: &HeaderMap) -> Option<SessionId> {
    let name = cookie_name(app);
    let now = app.clock.now();
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .find_map(|(_, token)| app.tokens.read(token, now))
}

/// The viewer of a request, in the agency that it names. Nobody, when there is no live session.
pub(crate) async fn recognise(
    app: &App,
    headers: &HeaderMap,
    agency_slug: Option<&str>,
) -> Result<Option<Recognised>> {
    let Some(session) = session_of(app, headers) else {
        return Ok(None);
    };
    match session::recognise(
        &app.db,
        &session,
        agency_slug,
        &app.guard_alarm,
        app.clock.now(),
    )
    .await
    {
        Ok(recognised) => Ok(Some(recognised)),
        Err(Error::Unauthenticated) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The cookie header that a change of the session asks for.
pub(crate) fn set_cookie(app: &App, change: &CookieChange) -> Result<HeaderValue> {
    let name = cookie_name(app);
    let secure = if app.config.is_https() {
        "; Secure"
    } else {
        ""
    };
    let text = match change {
        CookieChange::Set(session, expires_at) => {
            let token = app.tokens.write(session, *expires_at)?;
            let max_age = IDLE_LIFE.as_secs();
            format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}")
        }
        CookieChange::Clear => {
            format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}")
        }
    };
    let mut value = HeaderValue::from_str(&text).map_err(Error::internal)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The slug of the agency header.
pub(crate) fn agency_slug(headers: &HeaderMap) -> Result<Option<String>> {
    headers
        .get(AGENCY_HEADER)
        .map(|value| value.to_str().map(str::to_owned))
        .transpose()
        .map_err(|_| {
            Error::invalid(
                "Ringfence-Agency",
                "Send the agency's slug, as its page URL shows it.",
            )
        })
}
