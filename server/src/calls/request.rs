//! Requests for calls that name themselves (C3): a repetition is answered as the first one was, for a day; another request under
//! the same name, or one while the first is under way, is refused. Nothing here dials.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    State,
    place::{Answered, KEEP_REQUESTS, NewCall},
    progress_of,
};
use crate::{
    access::Viewer,
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    id::{AgencyId, CallId, ClientId},
    store::{self, Conn, idempotent_requests::RequestName},
};

/// GraphQL and REST share it: both do the same thing (C1).
const ROUTE: &str = "calls/trigger";
/// Characters of a name.
const MAX_LENGTH: usize = 255;

/// A request with a name.
pub(super) struct NamedRequest {
    route: String,
    key: String,
    pub(super) hash: String,
}

impl NamedRequest {
    /// The name of a request, where it has one. `to` is who is called, in the one spelling of it.
    pub(super) fn of(viewer: &Viewer, new: &NewCall, to: &str) -> Result<Option<Self>> {
        let Some(key) = &new.idempotency_key else {
            return Ok(None);
        };
        let is_formed = (1..=MAX_LENGTH).contains(&key.len())
            && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !is_formed || key.trim().is_empty() {
            return Err(Error::invalid(
                "idempotencyKey",
                "An idempotency key has 1 to 255 printable ASCII characters. Send a new random one, such as a UUID, with each call.",
            ));
        }
        let route = viewer.client().map_or_else(
            || ROUTE.to_owned(),
            // What a client's person names is no name of the agency's or of another client's.
            |client: &ClientId| format!("{ROUTE} {client}"),
        );
        Ok(Some(Self {
            route,
            key: key.clone(),
            hash: hash(new, to),
        }))
    }

    pub(super) fn name<'a>(&'a self, agency: &'a AgencyId) -> RequestName<'a> {
        RequestName {
            agency,
            route: &self.route,
            key: &self.key,
        }
    }
}

/// What a request of this name was answered, where there was one.
pub(super) async fn find(
    app: &App,
    agency: &AgencyId,
    named: &NamedRequest,
) -> Result<Option<Answered>> {
    let since = app.clock.now().minus(KEEP_REQUESTS);
    let mut conn = app.db.read().await?;
    let name = named.name(agency);
    let Some(before) = store::idempotent_requests::find(&mut conn, name, since).await? else {
        return Ok(None);
    };
    if before.request_hash != named.hash {
        return Err(Error::Conflict(
            "This idempotency key was used for another request. Send a new one with each call."
                .to_owned(),
        ));
    }
    let row = store::calls::find(&mut conn, agency, None, &before.call_id)
        .await?
        .ok_or_else(|| Error::internal("a request without its call"))?;
    drop(conn);
    let state = match &before.answered_state {
        Some(word) => State::parse(word)
            .ok_or_else(|| Error::internal(format!("unknown state {word:?} of an answer")))?,
        None => match progress_of(&row)?.state {
            State::Placing => {
                return Err(Error::Conflict(
                    "The first request with this idempotency key is under way. Send it again in a moment.".to_owned(),
                ));
            }
            // Whoever was to answer died: what was found out since stands in its place.
            state => {
                let mut tx = app.db.begin().await?;
                store::idempotent_requests::answer(&mut tx, name, state.as_str()).await?;
                tx.commit().await?;
                state
            }
        },
    };
    Ok(Some(Answered {
        row,
        state,
        is_replay: true,
    }))
}

/// Takes the name for a call, in the transaction of its intent; false when another request has it.
pub(super) async fn begin(
    conn: &mut Conn,
    name: RequestName<'_>,
    hash: &str,
    call: &CallId,
    now: Timestamp,
) -> Result<bool> {
    let since = now.minus(KEEP_REQUESTS);
    store::idempotent_requests::insert(conn, name, (hash, call), (since, now)).await
}

/// SHA-256 over what the request asks for, each part behind its length.
fn hash(new: &NewCall, to: &str) -> String {
    let mut context = Context::new(&SHA256);
    let from = new.from.as_ref().map_or("", |id| id.as_str());
    let parts = [new.agent.as_str(), to, from, new.origin.as_str()];
    let variables = new.variables.iter();
    let variables = variables.flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    for part in parts.into_iter().chain(variables) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}
