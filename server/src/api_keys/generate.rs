//! Keys are made, rotated and revoked, each in one transaction that locks the agency's keys first: when the answer is there,
//! the old key is refused everywhere and the new one is let in. The secret is in that one answer and stored as its hash.

use std::time::Duration;

use super::{MAX_IN_USE, State, audit};
use crate::{
    access::{Permission, Plan, Scope, Viewer, api_key::ApiKeySecret},
    accounts::check_name,
    alerts,
    app::App,
    audit::{Action, Actor},
    clock::Timestamp,
    error::{Error, Result},
    id::{AgencyId, ApiKeyId, ApiKeyLineageId},
    store::{self, Conn, api_keys::ApiKeyRow, keyset::word_set},
};

/// Longest overlap of a key with the one in its place.
const MAX_OVERLAP_HOURS: u32 = 72;

/// A key to make.
pub(crate) struct NewKey {
    pub(crate) name: String,
    /// Absent: those of the key that it replaces, or reading and placing calls.
    pub(crate) scopes: Option<Vec<Scope>>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// A key that was made, with its plain text.
pub(crate) struct Generated {
    pub(crate) row: ApiKeyRow,
    pub(crate) secret: ApiKeySecret,
}

/// A key in the place of another.
pub(crate) struct Rotated {
    pub(crate) new: Generated,
    pub(crate) previous: ApiKeyRow,
}

/// Makes a key. One in use of the same name is replaced by it and refused from then on, as is what overlapped with it.
pub(crate) async fn generate(app: &App, viewer: &Viewer, new: NewKey) -> Result<Generated> {
    let agency = viewer.require(Permission::Administer)?;
    let name = check_name("name", &new.name)?;
    let name_key = name.to_lowercase();
    let now = app.clock.now();
    if new.expires_at.is_some_and(|end| end <= now) {
        return Err(Error::invalid(
            "expiresAt",
            "This time is past. Choose a later one, or leave it out for a key that does not expire.",
        ));
    }
    let secret = ApiKeySecret::generate()?;
    let mut tx = app.db.begin().await?;
    require_api(&mut tx, agency).await?;
    let before = store::api_keys::find_newest(&mut tx, agency, &name_key).await?;
    let replaced = before
        .as_ref()
        .filter(|row| State::of(row, now) == State::Active);
    // A name never gains scopes by itself, whatever ended its last key.
    let scopes = match (new.scopes, &before) {
        (Some(scopes), _) => scope_set(&scopes)?,
        (None, Some(row)) => row.scopes.clone(),
        (None, None) => scope_set(&[Scope::Read, Scope::CallsTrigger])?,
    };
    let is_replacing = replaced.is_some();
    let lineage = match before {
        Some(row) => {
            end_lineage(&mut tx, app, agency, &row.lineage_id, State::Replaced).await?;
            row.lineage_id
        }
        None => ApiKeyLineageId::new(),
    };
    if store::api_keys::count_in_use(&mut tx, agency, now).await? >= MAX_IN_USE {
        return Err(Error::invalid(
            "name",
            format!(
                "An agency has at most {MAX_IN_USE} API keys in use. Revoke one that is not needed."
            ),
        ));
    }
    let row = ApiKeyRow {
        expires_at: new.expires_at,
        ..new_row(
            viewer,
            agency,
            &lineage,
            (name, name_key),
            scopes,
            &secret,
            now,
        )
    };
    store::api_keys::insert(&mut tx, &row).await?;
    // Whoever has a new key has answered the report of the old one.
    alerts::resolve_all(&mut tx, agency, lineage.as_str(), now).await?;
    let place = if is_replacing {
        ", in the place of the one before, which is refused from now on"
    } else {
        ""
    };
    let summary = format!(
        "{} was generated with {}{place}.",
        named(&row),
        in_words(&row)
    );
    let by = Actor::Person(viewer);
    audit(&mut tx, app, by, &row, Action::ApiKeyGenerated, summary).await?;
    tx.commit().await?;
    Ok(Generated { row, secret })
}

/// Puts a new key in the place of one in use, with its name, scopes and expiry. The old one is refused at once, or works on
/// for so many hours.
pub(crate) async fn rotate(
    app: &App,
    viewer: &Viewer,
    key: &ApiKeyId,
    overlap_hours: u32,
) -> Result<Rotated> {
    let agency = viewer.require(Permission::Administer)?;
    if overlap_hours > MAX_OVERLAP_HOURS {
        return Err(Error::invalid(
            "overlapHours",
            format!("Choose 0 to {MAX_OVERLAP_HOURS} hours."),
        ));
    }
    let secret = ApiKeySecret::generate()?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    require_api(&mut tx, agency).await?;
    let before = store::api_keys::find(&mut tx, agency, key)
        .await?
        .ok_or(Error::NotFound)?;
    if State::of(&before, now) != State::Active {
        return Err(Error::Conflict(
            "This key is not in use any more. Generate one of its name instead.".to_owned(),
        ));
    }
    let lineage = &before.lineage_id;
    let ends_at = now.plus(Duration::from_hours(u64::from(overlap_hours)));
    for row in store::api_keys::list_unrevoked(&mut tx, agency, lineage).await? {
        if overlap_hours > 0 && row.id == before.id {
            store::api_keys::set_end(&mut tx, agency, &row.id, ends_at).await?;
            alerts::resolve_all(&mut tx, agency, row.id.as_str(), now).await?;
        } else {
            end_key(&mut tx, app, agency, &row.id, State::Replaced).await?;
        }
    }
    let names = (before.name.clone(), before.name_key.clone());
    let scopes = before.scopes.clone();
    let row = ApiKeyRow {
        expires_at: before.expires_at,
        ..new_row(viewer, agency, lineage, names, scopes, &secret, now)
    };
    store::api_keys::insert(&mut tx, &row).await?;
    let old = match overlap_hours {
        0 => "the one before is refused from now on".to_owned(),
        _ => format!("the one before works until {ends_at}"),
    };
    let summary = format!("{} was rotated; {old}.", named(&row));
    let by = Actor::Person(viewer);
    audit(&mut tx, app, by, &row, Action::ApiKeyRotated, summary).await?;
    let previous = store::api_keys::find(&mut tx, agency, key)
        .await?
        .ok_or(Error::NotFound)?;
    tx.commit().await?;
    let new = Generated { row, secret };
    Ok(Rotated { new, previous })
}

/// Revokes a key. With the one in use goes what overlaps with it; one that has ended stays as it is.
pub(crate) async fn revoke(app: &App, viewer: &Viewer, key: &ApiKeyId) -> Result<ApiKeyRow> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    store::api_keys::lock_access(&mut tx, agency).await?;
    let row = store::api_keys::find(&mut tx, agency, key)
        .await?
        .ok_or(Error::NotFound)?;
    if row.revoked_at.is_some() {
        return Ok(row);
    }
    if row.ends_at.is_none() {
        end_lineage(&mut tx, app, agency, &row.lineage_id, State::Revoked).await?;
    } else {
        end_key(&mut tx, app, agency, key, State::Revoked).await?;
    }
    let summary = format!("{} was revoked.", named(&row));
    let by = Actor::Person(viewer);
    audit(&mut tx, app, by, &row, Action::ApiKeyRevoked, summary).await?;
    let row = store::api_keys::find(&mut tx, agency, key).await?;
    tx.commit().await?;
    row.ok_or(Error::NotFound)
}

/// Locks the agency's keys, when its plan has any.
async fn require_api(conn: &mut Conn, agency: &AgencyId) -> Result<()> {
    let row = store::api_keys::lock_access(conn, agency).await?;
    let plan = Plan::parse(&row.ok_or(Error::NotFound)?.plan);
    if plan.is_some_and(Plan::has_api) {
        return Ok(());
    }
    Err(Error::PlanWithoutApi)
}

/// Ends every key of a lineage that nobody has revoked.
async fn end_lineage(
    conn: &mut Conn,
    app: &App,
    agency: &AgencyId,
    lineage: &ApiKeyLineageId,
    because: State,
) -> Result<()> {
    for row in store::api_keys::list_unrevoked(conn, agency, lineage).await? {
        end_key(conn, app, agency, &row.id, because).await?;
    }
    Ok(())
}

/// Ends one key and the reminder to rotate it.
pub(super) async fn end_key(
    conn: &mut Conn,
    app: &App,
    agency: &AgencyId,
    key: &ApiKeyId,
    because: State,
) -> Result<bool> {
    let now = app.clock.now();
    alerts::resolve_all(conn, agency, key.as_str(), now).await?;
    store::api_keys::revoke(conn, agency, key, because.as_str(), now).await
}

fn new_row(
    viewer: &Viewer,
    agency: &AgencyId,
    lineage: &ApiKeyLineageId,
    (name, name_key): (String, String),
    scopes: String,
    secret: &ApiKeySecret,
    now: Timestamp,
) -> ApiKeyRow {
    ApiKeyRow {
        id: ApiKeyId::new(),
        agency_id: agency.clone(),
        lineage_id: lineage.clone(),
        name,
        name_key,
        hint: secret.hint(),
        key_hash: secret.hash(),
        scopes,
        created_by: viewer.user_id.clone(),
        created_at: now,
        expires_at: None,
        ends_at: None,
        revoked_at: None,
        revoked_because: None,
        last_used_at: None,
    }
}

fn scope_set(scopes: &[Scope]) -> Result<String> {
    let chosen: Vec<&str> = Scope::ALL
        .into_iter()
        .filter(|scope| scopes.contains(scope))
        .map(Scope::as_str)
        .collect();
    if chosen.is_empty() {
        return Err(Error::invalid("scopes", "Choose at least one scope."));
    }
    Ok(word_set(chosen))
}

/// A key as people know it: its name, and how it ends.
pub(super) fn named(row: &ApiKeyRow) -> String {
    format!("API key {} (…{})", row.name, row.hint)
}

fn in_words(row: &ApiKeyRow) -> String {
    let scopes: Vec<&str> = Scope::of_row(&row.scopes)
        .into_iter()
        .map(Scope::as_str)
        .collect();
    match scopes.as_slice() {
        [one] => format!("the scope {one}"),
        several => format!("the scopes {}", several.join(", ")),
    }
}
