//! The platform's own API keys (A): made, rotated, revoked, switched off and on, recognised at each request, and counted.
//! Their form is `access/api_key.rs`, what scopes allow `access/policy.rs`. No key's plain text is kept beyond the answer
//! that shows it, and nothing of a key is cached: what is revoked is refused at the next request (A8).

mod admission;
mod exposed;
mod generate;
pub mod reminder;
pub mod usage;

use crate::{
    access::{Permission, Plan, Viewer, session},
    app::App,
    audit::{Action, Actor, Entry},
    clock::Timestamp,
    error::{Error, Result},
    id::AgencyId,
    store::{
        self, Conn,
        api_keys::{AccessRow, ApiKeyRow},
    },
    sync::words,
};

pub(crate) use admission::{Admitted, Refused, admit, recognise_again, take};
pub(crate) use exposed::report;
pub(crate) use generate::{NewKey, generate, revoke, rotate};

/// Most keys that an agency has in use, suspended ones among them.
const MAX_IN_USE: i64 = 20;
/// Most keys that are listed; those in use come first.
const MAX_LISTED: i64 = 100;

words! {
    /// How an API key stands.
    State "ApiKeyState" {
        /// It is in use.
        Active => "active",
        /// Another key is in its place, and it works beside that one until `endsAt`.
        Ending => "ending",
        /// It is refused, because whoever made it is suspended, has left the agency or belongs to a client now. It works again
        /// when that is over, and counts as one in use; rotated by somebody else, it is that person's.
        Suspended => "suspended",
        /// Another key of the same name is in its place.
        Replaced => "replaced",
        /// Its time is over.
        Expired => "expired",
        /// An owner or admin has revoked it.
        Revoked => "revoked",
        /// Somebody who found it has reported it, which revoked it.
        Exposed => "exposed",
    }
}

impl State {
    /// How a key stands at this time.
    pub(crate) fn of(row: &ApiKeyRow, now: Timestamp) -> Self {
        if row.revoked_at.is_some() {
            let because = row.revoked_because.as_deref().and_then(Self::parse);
            return because.unwrap_or(Self::Revoked);
        }
        if row.expires_at.is_some_and(|end| end <= now) {
            return Self::Expired;
        }
        match row.ends_at {
            Some(end) if end <= now => Self::Replaced,
            _ if !row.is_creator_active => Self::Suspended,
            None => Self::Active,
            Some(_) => Self::Ending,
        }
    }

    /// Whether such a key is never let in again.
    fn is_over(self) -> bool {
        matches!(
            self,
            Self::Replaced | Self::Expired | Self::Revoked | Self::Exposed
        )
    }
}

/// Whether a key has its name: it is in use or suspended, and does not only overlap with another.
fn is_current(row: &ApiKeyRow, now: Timestamp) -> bool {
    row.ends_at.is_none() && !State::of(row, now).is_over()
}

/// The keys of an agency: those in use, and those that ended in the last 90 days.
pub(crate) async fn list(app: &App, agency: &AgencyId) -> Result<Vec<ApiKeyRow>> {
    let mut conn = app.db.read().await?;
    store::api_keys::list(&mut conn, agency, app.clock.now(), MAX_LISTED).await
}

/// Whether scripts get into an agency, and how far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    /// The agency's own switch (A7).
    pub(crate) is_on: bool,
    pub(crate) plan: Plan,
}

impl TryFrom<AccessRow> for Access {
    type Error = Error;

    fn try_from(row: AccessRow) -> Result<Self> {
        let plan = Plan::parse(&row.plan);
        Ok(Self {
            is_on: row.is_api_on,
            plan: plan.ok_or_else(|| Error::internal("unknown plan of an agency"))?,
        })
    }
}

/// Whether an agency has the API.
pub(crate) async fn access(app: &App, agency: &AgencyId) -> Result<Access> {
    let mut conn = app.db.read().await?;
    let row = store::api_keys::find_access(&mut conn, agency).await?;
    row.ok_or(Error::NotFound)?.try_into()
}

/// Switches API access on or off. The keys stay as they are, and work again when it is switched on.
pub(crate) async fn switch(app: &App, viewer: &Viewer, is_on: bool) -> Result<Access> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    let row = store::api_keys::lock_access(&mut tx, agency).await?;
    let mut access: Access = row.ok_or(Error::NotFound)?.try_into()?;
    if access.is_on != is_on {
        store::api_keys::set_api_on(&mut tx, agency, is_on).await?;
        let summary = if is_on {
            "API access was switched on; the keys that are in use work again."
        } else {
            "API access was switched off; the keys are kept."
        };
        let entry = Entry {
            agency: Some(agency),
            actor: Actor::Person(viewer),
            action: Action::ApiSwitched,
            subject: agency.as_str(),
            provider: None,
            summary: summary.to_owned(),
        };
        app.audit.append(&mut tx, entry, app.clock.now()).await?;
        access.is_on = is_on;
    }
    tx.commit().await?;
    Ok(access)
}

/// The viewer as the rows are at this moment: session or API key, and membership. For what lasts longer than a request (H3).
pub(crate) async fn still(app: &App, viewer: &Viewer) -> Result<Viewer> {
    let Some(session) = viewer.session() else {
        return recognise_again(app, viewer).await;
    };
    let slug = viewer
        .membership
        .as_ref()
        .map(|membership| membership.slug.as_str());
    let now = app.clock.now();
    let recognised = session::recognise(&app.db, session, slug, &app.guard_alarm, now).await?;
    Ok(recognised.viewer)
}

/// Writes down what was done with a key.
async fn audit(
    conn: &mut Conn,
    app: &App,
    actor: Actor<'_>,
    row: &ApiKeyRow,
    action: Action,
    summary: String,
) -> Result<()> {
    let entry = Entry {
        agency: Some(&row.agency_id),
        actor,
        action,
        subject: row.id.as_str(),
        provider: None,
        summary,
    };
    app.audit.append(conn, entry, app.clock.now()).await
}
