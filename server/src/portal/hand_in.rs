//! Keys that people of a client hand in (P4): write-only, for their own client. One that provably opens the account of the
//! stored key is put in use at once; any other, the first among them, waits sealed for an admin, because from then on the
//! client's calls go over it. What the handing person learns is a status, never a character of a key (P3).

use secrecy::SecretString;

use crate::{
    access::{Permission, PortalPermission, Viewer},
    alerts::{self, Cause},
    app::App,
    audit::{Action, Actor, Entry},
    config::Region,
    error::{Error, Result},
    id::{AccountId, AgencyId, ClientId, HandInId},
    keys::{
        self, Health,
        candidate::{self, Candidate, Place},
        save::{self, Occasion, Saved},
        secret,
    },
    providers::ProviderKind,
    store::{self, Conn, key_hand_ins::HandInRow},
    vault::{Binding, Cipher, Sealed},
};

/// How a provider stands for a client's people: a status and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "IntegrationState")]
pub(crate) enum State {
    /// The client has no account of its own there; the agency's is used.
    NotConnected,
    /// The client's own account is connected and works.
    Connected,
    /// The client's own account is connected, and the provider does not let it work: hand in a working key.
    NeedsAttention,
    /// A key was handed in, and the agency has to accept it.
    Waiting,
}

/// A provider as a client's people see it.
pub(crate) struct Integration {
    pub(crate) provider: ProviderKind,
    pub(crate) state: State,
    /// Whether the agency lets keys be handed in.
    pub(crate) is_open: bool,
}

/// The providers of the viewer's own client.
pub(crate) async fn integrations(app: &App, viewer: &Viewer) -> Result<Vec<Integration>> {
    let agency = viewer.require(Permission::HandInKeys)?;
    let client = viewer.client().ok_or(Error::NotFound)?;
    let mut conn = app.db.read().await?;
    let is_open = store::agencies::allows_hand_ins(&mut conn, agency).await?;
    let mut found = Vec::new();
    for &provider in ProviderKind::ALL {
        let state = state_of(&mut conn, agency, client, provider).await?;
        found.push(Integration {
            provider,
            state,
            is_open,
        });
    }
    Ok(found)
}

async fn state_of(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
    provider: ProviderKind,
) -> Result<State> {
    let waiting = store::key_hand_ins::find_waiting(conn, agency, client, provider).await?;
    if waiting.is_some() {
        return Ok(State::Waiting);
    }
    let scope = keys::scope(agency, Some(client));
    let key = store::provider_keys::find_in_scope(conn, agency, &scope, provider).await?;
    Ok(match key {
        None => State::NotConnected,
        Some(key)
            if key.breaker == "closed"
                && matches!(
                    Health::parse(&key.health),
                    Some(Health::Valid | Health::Limited | Health::RateLimited)
                ) =>
        {
            State::Connected
        }
        Some(_) => State::NeedsAttention,
    })
}

/// A key that somebody hands in.
pub(crate) struct HandIn {
    pub(crate) provider: ProviderKind,
    pub(crate) api_key: SecretString,
    pub(crate) region: Option<Region>,
}

/// Takes a key from a person of a client.
pub(crate) async fn hand_in(app: &App, viewer: &Viewer, input: HandIn) -> Result<Integration> {
    let agency = viewer.require(Permission::HandInKeys)?;
    let client = viewer.client().ok_or(Error::NotFound)?.clone();
    let provider = input.provider;
    keys::client(provider)?;
    let mut conn = app.db.read().await?;
    check_open(&mut conn, agency).await?;
    drop(conn);
    let key = secret::parse("apiKey", &input.api_key)?;
    let place = Place::load(app, agency, provider, Some(&client)).await?;
    let region = input.region.or(place.stored_region()?);
    let region = region.unwrap_or(Region::Default);
    keys::host(app, provider, region)?;
    let candidate = candidate::try_key(app, viewer, agency, &place, key, region).await?;
    if is_same_account(&place, &candidate) {
        let expected = place.current.as_ref().map(|row| row.version.version);
        let occasion = Occasion::HandedIn;
        save::put_in_use(app, viewer, agency, &place, &candidate, expected, occasion).await?;
        // One that waited went with it.
        app.db.flush_shredded().await;
    } else {
        keep(app, viewer, agency, &place, &candidate).await?;
    }
    let mut conn = app.db.read().await?;
    Ok(Integration {
        provider,
        state: state_of(&mut conn, agency, &client, provider).await?,
        is_open: true,
    })
}

async fn check_open(conn: &mut Conn, agency: &AgencyId) -> Result<()> {
    if store::agencies::allows_hand_ins(conn, agency).await? {
        return Ok(());
    }
    Err(Error::Conflict(
        "Your agency takes no keys here at the moment. Ask them to connect your account."
            .to_owned(),
    ))
}

/// Asks once more, in the transaction that writes, what held before the key was tried with the provider: the agency's
/// switch, and that the person may still hand in keys for this client.
async fn check_again(
    conn: &mut Conn,
    viewer: &Viewer,
    agency: &AgencyId,
    client: &ClientId,
) -> Result<()> {
    check_open(conn, agency).await?;
    let row = store::portal_users::find(conn, agency, client, &viewer.user_id)
        .await?
        .ok_or(Error::NotFound)?;
    if PortalPermission::of_row(&row.portal_permissions)
        .contains(&PortalPermission::ManageIntegrations)
    {
        return Ok(());
    }
    Err(Error::Forbidden)
}

/// Lets a handed-in key be put in use without an admin, in the transaction that does it: it opens the account that is
/// connected at this moment. An earlier one that waits is destroyed.
pub(crate) async fn allow_at_once(
    app: &App,
    conn: &mut Conn,
    viewer: &Viewer,
    place: &Place,
    opened: &AccountId,
) -> Result<()> {
    let agency = viewer.require(Permission::HandInKeys)?;
    let client = place.client.as_ref().ok_or(Error::NotFound)?;
    check_again(conn, viewer, agency, &client.id).await?;
    let connected = place.current.as_ref().map(|row| &row.version.account_id);
    if connected != Some(opened) {
        return Err(Error::Conflict(
            "Your account changed at the same moment. Nothing was saved; hand the key in once more."
                .to_owned(),
        ));
    }
    let before =
        store::key_hand_ins::find_waiting(conn, agency, &client.id, place.provider).await?;
    if let Some(before) = before {
        end(app, conn, &before, "replaced", None).await?;
    }
    Ok(())
}

/// Ends a hand-in as accepted, in the transaction that puts its key in use; a conflict when it does not wait any more.
pub(crate) async fn end_accepted(
    app: &App,
    conn: &mut Conn,
    viewer: &Viewer,
    hand_in: &HandInId,
) -> Result<()> {
    let agency = viewer.require(Permission::ManageKeys)?;
    let row = store::key_hand_ins::find(conn, agency, hand_in)
        .await?
        .ok_or(Error::NotFound)?;
    if end(app, conn, &row, "accepted", Some(viewer)).await? {
        return Ok(());
    }
    Err(decided())
}

/// Whether the candidate opens, provably, the account of the client's stored key.
fn is_same_account(place: &Place, candidate: &Candidate) -> bool {
    place
        .current
        .as_ref()
        .is_some_and(|row| candidate.account.proven_id() == Some(&row.version.account_id))
}

/// Seals a key that has to wait; an earlier one of the same place is replaced and destroyed.
async fn keep(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    place: &Place,
    candidate: &Candidate,
) -> Result<()> {
    let client = place.client.as_ref().ok_or(Error::NotFound)?;
    let id = HandInId::new();
    let sealed = app.vault.seal(
        &binding(agency, &client.id, place.provider.as_str(), &id),
        &candidate.key,
    )?;
    let now = app.clock.now();
    let account = candidate.validation.account.as_ref();
    let row = HandInRow {
        id,
        agency_id: agency.clone(),
        client_id: client.id.clone(),
        provider: place.provider.as_str().to_owned(),
        region: candidate.region.as_str().to_owned(),
        health: candidate.health().as_str().to_owned(),
        last_four: secret::last_four(&candidate.key),
        account_name: account.map(|it| it.name.clone().unwrap_or_else(|| it.remote_id.clone())),
        cipher: sealed.cipher.as_str().to_owned(),
        master_key_id: sealed.master_key_id,
        wrapped_key: Some(sealed.wrapped_key),
        sealed: Some(sealed.sealed),
        state: "waiting".to_owned(),
        handed_in_by: viewer.user_id.clone(),
        handed_in_at: now,
        decided_by: None,
        decided_at: None,
    };
    let mut tx = app.db.begin().await?;
    crate::clients::lock_in_use(&mut tx, agency, &client.id).await?;
    check_again(&mut tx, viewer, agency, &client.id).await?;
    let before =
        store::key_hand_ins::find_waiting(&mut tx, agency, &client.id, place.provider).await?;
    let has_destroyed = before.is_some();
    if let Some(before) = before {
        // Its alert goes on: still one key of this client and provider waits.
        store::key_hand_ins::decide(&mut tx, agency, &before.id, "replaced", None, now).await?;
    }
    store::key_hand_ins::insert(&mut tx, &row).await?;
    let cause = Cause::HandInWaiting {
        hand_in: &row,
        client: &client.name,
    };
    alerts::raise(&mut tx, app, &cause).await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::KeyHandedIn,
        subject: row.id.as_str(),
        provider: Some(place.provider),
        summary: format!(
            "A {} was handed in and waits for an admin; check: {}.",
            place.label(),
            row.health
        ),
    };
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    if has_destroyed {
        app.db.flush_shredded().await;
    }
    Ok(())
}

/// Opens a key that waits, for an admin's preview or decision.
pub(crate) async fn open(
    app: &App,
    agency: &AgencyId,
    hand_in: &HandInId,
) -> Result<(HandInRow, SecretString)> {
    let mut conn = app.db.read().await?;
    let row = store::key_hand_ins::find(&mut conn, agency, hand_in)
        .await?
        .ok_or(Error::NotFound)?;
    let (Some(wrapped_key), Some(bytes)) = (row.wrapped_key.clone(), row.sealed.clone()) else {
        return Err(decided());
    };
    let sealed = Sealed {
        cipher: Cipher::parse(&row.cipher).map_err(|_| Error::KeyUnreadable)?,
        master_key_id: row.master_key_id.clone(),
        wrapped_key,
        sealed: bytes,
    };
    let binding = binding(agency, &row.client_id, &row.provider, &row.id);
    let key = app.vault.open(&binding, &sealed)?;
    Ok((row, key))
}

/// Puts a key that waits in use, after trying it once more.
pub(crate) async fn accept(
    app: &App,
    viewer: &Viewer,
    hand_in: &HandInId,
    expected_version: Option<i64>,
) -> Result<Saved> {
    let agency = viewer.require(Permission::ManageKeys)?;
    let (row, key) = open(app, agency, hand_in).await?;
    let provider = keys::provider_of(&row.provider)?;
    let place = Place::load(app, agency, provider, Some(&row.client_id)).await?;
    let active = place.current.as_ref().map(|row| row.version.version);
    save::check_version(active, expected_version)?;
    let region = keys::region_of(&row.region)?;
    let candidate = candidate::try_key(app, viewer, agency, &place, key, region).await?;
    let occasion = Occasion::Accepted(&row.id);
    let saved = save::put_in_use(
        app,
        viewer,
        agency,
        &place,
        &candidate,
        expected_version,
        occasion,
    )
    .await?;
    app.db.flush_shredded().await;
    Ok(saved)
}

/// Declines a key that waits, and destroys it.
pub(crate) async fn decline(app: &App, viewer: &Viewer, hand_in: &HandInId) -> Result<HandInRow> {
    let agency = viewer.require(Permission::ManageKeys)?;
    let mut tx = app.db.begin().await?;
    let row = store::key_hand_ins::find(&mut tx, agency, hand_in)
        .await?
        .ok_or(Error::NotFound)?;
    if !end(app, &mut tx, &row, "declined", Some(viewer)).await? {
        return Err(decided());
    }
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::HandInDeclined,
        subject: row.id.as_str(),
        provider: Some(keys::provider_of(&row.provider)?),
        summary: "A key that was handed in was declined and destroyed.".to_owned(),
    };
    let row = store::key_hand_ins::find(&mut tx, agency, hand_in)
        .await?
        .ok_or(Error::NotFound)?;
    app.audit.append(&mut tx, entry, app.clock.now()).await?;
    tx.commit().await?;
    app.db.flush_shredded().await;
    Ok(row)
}

/// Switches handing in on or off for the whole agency.
pub(crate) async fn set_open(app: &App, viewer: &Viewer, is_open: bool) -> Result<()> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    store::agencies::set_allows_hand_ins(&mut tx, agency, is_open).await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::HandInsSwitched,
        subject: agency.as_str(),
        provider: None,
        summary: if is_open {
            "Clients may hand in keys again.".to_owned()
        } else {
            "Clients may hand in no keys any more.".to_owned()
        },
    };
    app.audit.append(&mut tx, entry, app.clock.now()).await?;
    tx.commit().await
}

async fn end(
    app: &App,
    conn: &mut Conn,
    row: &HandInRow,
    state: &str,
    by: Option<&Viewer>,
) -> Result<bool> {
    let now = app.clock.now();
    let agency = &row.agency_id;
    let by = by.map(|viewer| &viewer.user_id);
    if !store::key_hand_ins::decide(conn, agency, &row.id, state, by, now).await? {
        return Ok(false);
    }
    alerts::resolve_all(conn, agency, &row.alert_subject(), now).await?;
    Ok(true)
}

fn decided() -> Error {
    Error::Conflict("This key was accepted, declined or replaced meanwhile.".to_owned())
}

fn binding<'a>(
    agency: &'a AgencyId,
    client: &'a ClientId,
    provider: &'a str,
    hand_in: &'a HandInId,
) -> Binding<'a> {
    Binding {
        agency_id: agency.as_str(),
        scope_kind: "client",
        scope_id: client.as_str(),
        provider,
        key_id: hand_in.as_str(),
        version: 1,
        // Not `api_key`: a row that waits opens as nothing that is in use.
        field: "handed_in_key",
    }
}
