//! Log-in sessions: the cookie carries an HS256 token with a session id, an expiry and an audience and nothing else;
//! whether the session lives is read from its row at each request (H2), so that log-out and suspension hold at once.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::{
    access::{
        policy::{PortalPermission, Role},
        viewer::{Credential, GuardAlarm, Membership, Viewer},
    },
    clock::Timestamp,
    error::{Error, Result},
    id::{SessionId, UserId},
    store::{self, Conn, Db},
    vault::SessionSecret,
};

/// A session ends after this long without use.
pub(crate) const IDLE_LIFE: Duration = Duration::from_hours(14 * 24);
/// A cookie is made anew when its session was last extended longer ago than this.
const EXTEND_AFTER: Duration = Duration::from_hours(1);
const AUDIENCE: &str = "ringfence-web";

#[derive(Serialize, Deserialize)]
struct Claims {
    sid: String,
    exp: i64,
    aud: String,
}

/// Signs and reads session tokens.
pub(crate) struct SessionTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl SessionTokens {
    /// From the session secret; signs and verifies a token once, since a wrongly built crypto provider shows only in use.
    pub(crate) fn new(secret: &SessionSecret) -> Result<Self> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud"]);
        // The expiry is compared with our own clock, in `read`.
        validation.validate_exp = false;
        let tokens = Self {
            encoding: EncodingKey::from_secret(secret.expose()),
            decoding: DecodingKey::from_secret(secret.expose()),
            validation,
        };
        let probe = SessionId::from("self-test");
        let now = Timestamp::from_millis(0);
        let token = tokens.write(&probe, now.plus(IDLE_LIFE))?;
        if tokens.read(&token, now) != Some(probe) {
            return Err(Error::internal("the session tokens' self-test failed"));
        }
        Ok(tokens)
    }

    /// The token of a session.
    pub(crate) fn write(&self, session: &SessionId, expires_at: Timestamp) -> Result<String> {
        let claims = Claims {
            sid: session.as_str().to_owned(),
            exp: expires_at.as_millis() / 1000,
            aud: AUDIENCE.to_owned(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(Error::internal)
    }

    /// The session of a token, when it is ours and not over.
    pub(crate) fn read(&self, token: &str, now: Timestamp) -> Option<SessionId> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation)
            .ok()?
            .claims;
        (claims.exp > now.as_millis() / 1000).then(|| SessionId::from(claims.sid))
    }
}

/// A viewer, and whether their cookie is due to be made anew.
pub(crate) struct Recognised {
    pub(crate) viewer: Viewer,
    /// The session's new end, when it was just extended.
    pub(crate) extended_until: Option<Timestamp>,
}

/// Opens a session.
pub(crate) async fn open(
    conn: &mut Conn,
    user: &UserId,
    user_agent: Option<&str>,
    now: Timestamp,
) -> Result<(SessionId, Timestamp)> {
    let id = SessionId::new();
    let expires_at = now.plus(IDLE_LIFE);
    let row = store::sessions::SessionRow {
        id: id.clone(),
        user_agent: user_agent.map(|text| text.chars().take(200).collect()),
        created_at: now,
        expires_at,
    };
    store::sessions::insert(conn, user, &row).await?;
    Ok((id, expires_at))
}

/// The viewer of a session in the agency of this slug. `Unauthenticated` when the session has ended, `NotFound` when the
/// viewer does not belong to the agency, exactly as when there is no such agency.
pub(crate) async fn recognise(
    db: &Db,
    session: &SessionId,
    agency_slug: Option<&str>,
    alarm: &GuardAlarm,
    now: Timestamp,
) -> Result<Recognised> {
    let mut conn = db.read().await?;
    let row = store::sessions::find_live(&mut conn, session, now)
        .await?
        .ok_or(Error::Unauthenticated)?;
    let membership = match agency_slug {
        None => None,
        Some(slug) => {
            let row = store::agencies::find_membership(&mut conn, &row.user_id, slug)
                .await?
                .ok_or(Error::NotFound)?;
            Some(Membership {
                agency_id: row.agency.id,
                slug: row.agency.slug,
                role: Role::parse(&row.role)
                    .ok_or_else(|| Error::internal("unknown role in a membership"))?,
                portal: PortalPermission::of_row(&row.portal_permissions),
                client: row.client_id,
            })
        }
    };
    drop(conn);
    let mut extended_until = None;
    if row.last_seen_at.plus(EXTEND_AFTER) < now {
        let expires_at = now.plus(IDLE_LIFE);
        let mut tx = db.begin().await?;
        store::sessions::extend(&mut tx, session, now, expires_at).await?;
        if let Some(membership) = &membership {
            let agency = &membership.agency_id;
            store::agencies::touch_membership(&mut tx, agency, &row.user_id, now).await?;
        }
        tx.commit().await?;
        extended_until = Some(expires_at);
    }
    Ok(Recognised {
        viewer: Viewer::new(
            row.user_id,
            row.name,
            row.email,
            Credential::Session(row.session_id),
            membership,
            alarm.clone(),
        ),
        extended_until,
    })
}
