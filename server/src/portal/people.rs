//! People of a client: an admin makes them, says what they may, and gives them a link with which they choose a password once.
//! Somebody who has a log-in here already keeps it: no agency can reset another's password.

use std::time::Duration;

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;

use crate::{
    access::{Permission, PortalPermission, Viewer, password, session},
    accounts::{check_email, check_name},
    app::App,
    audit::{Action, Actor, Entry},
    clients,
    clock::Timestamp,
    error::{Error, Result},
    id::{AgencyId, ClientId, SessionId, UserId},
    store::{self, Conn, portal_users::PortalUserRow, users::UserRow},
};

/// A link works for this long.
pub(crate) const LINK_LIFE: Duration = Duration::from_hours(7 * 24);

/// A person to make.
pub(crate) struct NewPerson {
    pub(crate) client: ClientId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) permissions: Vec<PortalPermission>,
}

/// A link for the first log-in, shown once.
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) expires_at: Timestamp,
}

/// Makes a person of a client. There is no link for somebody who has a log-in already: they use their own password.
pub(crate) async fn create(
    app: &App,
    viewer: &Viewer,
    person: NewPerson,
) -> Result<(PortalUserRow, Option<Link>)> {
    let agency = viewer.require(Permission::Administer)?;
    let email = check_email("email", &person.email)?;
    let name = check_name("name", &person.name)?;
    // Nobody knows it: whoever has the link chooses another one.
    let unknown = password::hash(SecretString::from(new_token()?)).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let client = clients::lock_in_use(&mut tx, agency, &person.client).await?;
    let known = store::users::find_credentials(&mut tx, &email).await?;
    let (user, is_new) = if let Some(row) = known {
        (row.id, false)
    } else {
        let row = UserRow {
            id: UserId::new(),
            email,
            name,
        };
        if !store::users::insert(&mut tx, &row, &unknown, now).await? {
            return Err(taken());
        }
        (row.id, true)
    };
    let permissions = write_permissions(&person.permissions);
    if !store::portal_users::insert(&mut tx, agency, &client.id, &user, &permissions, now).await? {
        return Err(taken());
    }
    let link = if is_new {
        Some(make_link(app, &mut tx, agency, &user).await?)
    } else {
        None
    };
    let row = get(&mut tx, agency, &client.id, &user).await?;
    let what = format!(
        "{} was added as a person of {}, who {}.",
        row.name,
        client.name,
        in_words(&person.permissions)
    );
    record(
        app,
        &mut tx,
        viewer,
        agency,
        Action::PortalUserCreated,
        &user,
        what,
    )
    .await?;
    tx.commit().await?;
    Ok((row, link))
}

fn taken() -> Error {
    Error::invalid(
        "email",
        "Somebody with this email address belongs to the agency already.",
    )
}

/// Says what a person of a client may; it holds at their next request.
pub(crate) async fn update(
    app: &App,
    viewer: &Viewer,
    client: &ClientId,
    user: &UserId,
    permissions: &[PortalPermission],
) -> Result<PortalUserRow> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    get(&mut tx, agency, client, user).await?;
    let text = write_permissions(permissions);
    store::portal_users::update_permissions(&mut tx, agency, client, user, &text).await?;
    let row = get(&mut tx, agency, client, user).await?;
    let what = format!("{} {} from now on.", row.name, in_words(permissions));
    record(
        app,
        &mut tx,
        viewer,
        agency,
        Action::PortalUserChanged,
        user,
        what,
    )
    .await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes a person out of the client's portal; it holds at their next request.
pub(crate) async fn remove(
    app: &App,
    viewer: &Viewer,
    client: &ClientId,
    user: &UserId,
) -> Result<()> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    let row = get(&mut tx, agency, client, user).await?;
    store::portal_users::delete(&mut tx, agency, client, user).await?;
    let what = format!("{} was removed from the client's portal.", row.name);
    record(
        app,
        &mut tx,
        viewer,
        agency,
        Action::PortalUserRemoved,
        user,
        what,
    )
    .await?;
    tx.commit().await
}

/// A new log-in link, in the place of the one before. It sets a password, so it is given to nobody who belongs anywhere else.
pub(crate) async fn renew_link(
    app: &App,
    viewer: &Viewer,
    client: &ClientId,
    user: &UserId,
) -> Result<Link> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    let row = get(&mut tx, agency, client, user).await?;
    if store::agencies::count(&mut tx, user).await? != 1 {
        return Err(Error::Conflict(format!(
            "{} belongs to another agency too, and logs in with their own password. Nobody else can reset it.",
            row.name
        )));
    }
    let link = make_link(app, &mut tx, agency, user).await?;
    let what = format!("A log-in link for {} was made.", row.name);
    record(
        app,
        &mut tx,
        viewer,
        agency,
        Action::LogInLinkCreated,
        user,
        what,
    )
    .await?;
    tx.commit().await?;
    Ok(link)
}

/// Uses a link up: sets the password, ends older sessions and opens one.
pub(crate) async fn redeem(
    app: &App,
    token: &str,
    new_password: SecretString,
    user_agent: Option<&str>,
) -> Result<(SessionId, Timestamp)> {
    password::check("password", &new_password)?;
    let hash = password::hash(new_password).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let link = store::portal_users::take_link(&mut tx, &hash_of(token), now)
        .await?
        .ok_or_else(|| {
            Error::invalid(
                "token",
                "This link does not work any more: each works once, for seven days. Ask the agency for a new one.",
            )
        })?;
    // Taken into another agency since: their password is not this one's to set.
    if store::agencies::count(&mut tx, &link.user_id).await? != 1 {
        return Err(Error::invalid(
            "token",
            "This link does not work any more. Log in with the password that you have.",
        ));
    }
    store::users::update_password(&mut tx, &link.user_id, &hash).await?;
    store::sessions::delete_all(&mut tx, &link.user_id).await?;
    let session = session::open(&mut tx, &link.user_id, user_agent, now).await?;
    let entry = Entry {
        agency: Some(&link.agency_id),
        actor: Actor::Named {
            id: link.user_id.as_str(),
            name: "a person of a client",
        },
        action: Action::LogInLinkUsed,
        subject: link.user_id.as_str(),
        provider: None,
        summary: "A log-in link was used and a password chosen.".to_owned(),
    };
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    Ok(session)
}

async fn get(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
    user: &UserId,
) -> Result<PortalUserRow> {
    store::portal_users::find(conn, agency, client, user)
        .await?
        .ok_or(Error::NotFound)
}

async fn make_link(app: &App, conn: &mut Conn, agency: &AgencyId, user: &UserId) -> Result<Link> {
    let token = new_token()?;
    let expires_at = app.clock.now().plus(LINK_LIFE);
    store::portal_users::replace_link(conn, agency, user, &hash_of(&token), expires_at).await?;
    // Behind the #, which browsers send to nobody.
    let mut url = app.config.public_url.clone();
    url.set_path("/welcome");
    url.set_fragment(Some(&token));
    Ok(Link {
        url: url.to_string(),
        expires_at,
    })
}

fn new_token() -> Result<String> {
    let mut bytes = [0u8; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::internal("no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash_of(token: &str) -> Vec<u8> {
    digest(&SHA256, token.trim().as_bytes()).as_ref().to_vec()
}

/// As the membership keeps them.
fn write_permissions(permissions: &[PortalPermission]) -> String {
    let mut text = String::new();
    for permission in PortalPermission::ALL {
        if permissions.contains(&permission) {
            text.push('|');
            text.push_str(permission.as_str());
        }
    }
    if !text.is_empty() {
        text.push('|');
    }
    text
}

fn in_words(permissions: &[PortalPermission]) -> String {
    let words: Vec<&str> = PortalPermission::ALL
        .into_iter()
        .filter(|permission| permissions.contains(permission))
        .map(PortalPermission::in_words)
        .collect();
    if words.is_empty() {
        "may nothing".to_owned()
    } else {
        format!("may {}", words.join(", "))
    }
}

async fn record(
    app: &App,
    conn: &mut Conn,
    viewer: &Viewer,
    agency: &AgencyId,
    action: Action,
    user: &UserId,
    summary: String,
) -> Result<()> {
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action,
        subject: user.as_str(),
        provider: None,
        summary,
    };
    app.audit.append(conn, entry, app.clock.now()).await
}
