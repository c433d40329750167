//! Keys are made, rotated and revoked, each in one transaction that locks the agency's keys first: when the answer is there,
//! the old key is refused everywhere and the new one is let in. The secret is in that one answer and stored as its hash.

use std::time::Duration;

use super::{MAX_IN_USE, State, audit, is_current};
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
    let secret = ApiKeySecret::generate()?;
    let mut tx = app.db.begin().await?;
    require_api(&mut tx, agency).await?;
    // Behind the lock: whoever waited for it would have a time before that of the key that was made meanwhile.
    let now = app.clock.now();
    if new.expires_at.is_some_and(|end| end <= now) {
        return Err(Error::invalid(
            "expiresAt",
            "This time is past. Choose a later one, or leave it out for a key that does not expire.",
        ));
    }
    let before = store::api_keys::find_by_name(&mut tx, agency, &name_key).await?;
    // A name never gains scopes by itself, whatever ended its last key.
    let scopes = match (new.scopes, &before) {
        (Some(scopes), _) => scope_set(&scopes)?,
        (None, Some(row)) => row.scopes.clone(),
        (None, None) => scope_set(&[Scope::Read, Scope::CallsTrigger])?,
    };
    let (lineage, ended) = match before {
        Some(row) => {
            let because = State::Replaced;
            let ended = end_lineage(&mut tx, agency, &row.lineage_id, because, now).await?;
            (row.lineage_id, ended)
        }
        None => (ApiKeyLineageId::new(), Vec::new()),
    };
    require_room(&mut tx, agency, now).await?;
    let names = (name, name_key);
    let row = ApiKeyRow {
        expires_at: new.expires_at,
        ..new_row(viewer, agency, &lineage, names, scopes, &secret, now)
    };
    store::api_keys::insert(&mut tx, &row).await?;
    alerts::resolve_exposed(&mut tx, agency, &lineage, now).await?;
    let place = refused_now(&ended)
        .map(|(which, refused)| format!(", in the place of {which}, which {refused}"));
    let summary = format!(
        "{} was generated with {}{}.",
        named(&row),
        in_words(&row),
        place.unwrap_or_default()
    );
    let by = Actor::Person(viewer);
    audit(&mut tx, app, by, &row, Action::ApiKeyGenerated, summary).await?;
    tx.commit().await?;
    Ok(Generated { row, secret })
}

/// Puts a new key in the place of one in use, with its name, scopes and expiry. The old one is refused at once, or works on
/// for so many hours. A suspended one is then the viewer's.
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
    let mut tx = app.db.begin().await?;
    require_api(&mut tx, agency).await?;
    // Behind the lock, as in `generate`; an overlap has its hours from now on.
    let now = app.clock.now();
    let before = store::api_keys::find(&mut tx, agency, key)
        .await?
        .ok_or(Error::NotFound)?;
    if !is_current(&before, now) {
        return Err(Error::Conflict(
            "This key is not in use any more. Generate one of its name instead.".to_owned(),
        ));
    }
    let overlap = (overlap_hours > 0).then(|| Duration::from_hours(u64::from(overlap_hours)));
    let ends_at = overlap.map(|overlap| now.plus(overlap));
    let (lineage, ended) = make_room(&mut tx, &before, ends_at, now).await?;
    let names = (before.name.clone(), before.name_key.clone());
    let scopes = before.scopes.clone();
    let row = ApiKeyRow {
        expires_at: before.expires_at,
        ..new_row(viewer, agency, lineage, names, scopes, &secret, now)
    };
    store::api_keys::insert(&mut tx, &row).await?;
    alerts::resolve_exposed(&mut tx, agency, lineage, now).await?;
    let works_on = ends_at.map(|end| format!("{} works until {end}", hint_of(&before)));
    let refused = refused_now(&ended).map(|(which, refused)| format!("{which} {refused}"));
    let old: Vec<String> = works_on.into_iter().chain(refused).collect();
    let summary = format!("{} was rotated; {}.", named(&row), old.join(", "));
    let by = Actor::Person(viewer);
    audit(&mut tx, app, by, &row, Action::ApiKeyRotated, summary).await?;
    let previous = store::api_keys::find(&mut tx, agency, key)
        .await?
        .ok_or(Error::NotFound)?;
    tx.commit().await?;
    let new = Generated { row, secret };
    Ok(Rotated { new, previous })
}

/// Ends what has a key's name or overlaps with it, but for the key itself where it works on until `ends_at`. The lineage, and
/// what is refused from now on.
async fn make_room<'a>(
    conn: &mut Conn,
    before: &'a ApiKeyRow,
    ends_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(&'a ApiKeyLineageId, Vec<ApiKeyRow>)> {
    let (agency, lineage) = (&before.agency_id, &before.lineage_id);
    if let Some(end) = ends_at {
        store::api_keys::set_end(conn, agency, &before.id, end).await?;
        alerts::resolve_all(conn, agency, before.id.as_str(), now).await?;
    }
    let mut ended = Vec::new();
    for row in store::api_keys::list_unrevoked(conn, agency, lineage).await? {
        let is_kept = ends_at.is_some() && row.id == before.id;
        if !is_kept && !State::of(&row, now).is_over() {
            end_key(conn, agency, &row.id, State::Replaced, now).await?;
            ended.push(row);
        }
    }
    Ok((lineage, ended))
}

/// Revokes a key. With the one in use goes what overlaps with it; one that has ended stays as it is.
pub(crate) async fn revoke(app: &App, viewer: &Viewer, key: &ApiKeyId) -> Result<ApiKeyRow> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    store::api_keys::lock_access(&mut tx, agency).await?;
    let now = app.clock.now();
    let row = store::api_keys::find(&mut tx, agency, key)
        .await?
        .ok_or(Error::NotFound)?;
    if State::of(&row, now).is_over() {
        return Ok(row);
    }
    let because = State::Revoked;
    let mut with_it = Vec::new();
    if row.ends_at.is_none() {
        with_it = end_lineage(&mut tx, agency, &row.lineage_id, because, now).await?;
        with_it.retain(|other| other.id != row.id);
    } else {
        end_key(&mut tx, agency, key, because, now).await?;
    }
    let with_it = refused_now(&with_it)
        .map(|(which, _)| format!(", and with it {which}, which overlapped with it"));
    let summary = format!(
        "{} was revoked{}.",
        named(&row),
        with_it.unwrap_or_default()
    );
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

/// Whether there is room for one key more, once what it replaces has ended.
async fn require_room(conn: &mut Conn, agency: &AgencyId, now: Timestamp) -> Result<()> {
    if store::api_keys::count_in_use(conn, agency, now).await? < MAX_IN_USE {
        return Ok(());
    }
    Err(Error::invalid(
        "name",
        format!(
            "An agency has at most {MAX_IN_USE} API keys in use, suspended ones among them. Revoke one that is not needed."
        ),
    ))
}

/// Ends every key of a lineage that nobody has revoked; those that were not over before.
async fn end_lineage(
    conn: &mut Conn,
    agency: &AgencyId,
    lineage: &ApiKeyLineageId,
    because: State,
    now: Timestamp,
) -> Result<Vec<ApiKeyRow>> {
    let mut ended = Vec::new();
    for row in store::api_keys::list_unrevoked(conn, agency, lineage).await? {
        let is_over = State::of(&row, now).is_over();
        // An overlap that is over stays as it is; what has expired still has the name.
        if is_over && row.ends_at.is_some() {
            continue;
        }
        end_key(conn, agency, &row.id, because, now).await?;
        if !is_over {
            ended.push(row);
        }
    }
    Ok(ended)
}

/// Ends one key and the reminder to rotate it; false when it was revoked before.
pub(super) async fn end_key(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &ApiKeyId,
    because: State,
    now: Timestamp,
) -> Result<bool> {
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
        // Only owners and admins make keys.
        is_creator_active: true,
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
    format!("API key {} ({})", row.name, hint_of(row))
}

fn hint_of(row: &ApiKeyRow) -> String {
    format!("…{}", row.hint)
}

/// Each of the keys that have ended, by its end, and the words for that; none of none.
fn refused_now(ended: &[ApiKeyRow]) -> Option<(String, &'static str)> {
    let hints: Vec<String> = ended.iter().map(hint_of).collect();
    let refused = match hints.len() {
        0 => return None,
        1 => "is refused from now on",
        _ => "are refused from now on",
    };
    Some((hints.join(" and "), refused))
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
