//! People of a client: an admin makes them, says what they may, and gives them a link. Who uses it joins the agency: with a
//! password that they choose, or, when they are at home in another agency too, with the one that they have. So no agency sets
//! another's passwords, none gets in under a name that somebody else invited, and an admin learns nothing of a log-in that
//! was here before.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;

use crate::{
    access::{Permission, PortalPermission, Viewer, password, session},
    accounts::{check_email, check_name, log_in},
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

/// Makes a person of a client, and the link with which they join.
pub(crate) async fn create(
    app: &App,
    viewer: &Viewer,
    person: NewPerson,
) -> Result<(PortalUserRow, Link)> {
    let agency = viewer.require(Permission::Administer)?;
    let email = check_email("email", &person.email)?;
    let name = check_name("name", &person.name)?;
    // Nobody knows it: whoever has the link chooses another one.
    let unknown = password::hash(SecretString::from(new_token()?)).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let client = clients::lock_in_use(&mut tx, agency, &person.client).await?;
    let known = store::users::find_credentials(&mut tx, &email).await?;
    let user = if let Some(row) = known {
        row.id
    } else {
        let row = UserRow {
            id: UserId::new(),
            email,
            name: name.clone(),
        };
        if !store::users::insert(&mut tx, &row, &unknown, now).await? {
            return Err(Error::Conflict(
                "This email address was added at the same moment. Try again.".to_owned(),
            ));
        }
        row.id
    };
    let permissions = write_permissions(&person.permissions);
    let who = (&user, name.as_str());
    if !store::portal_users::insert(&mut tx, agency, &client.id, who, &permissions, now).await? {
        return Err(taken());
    }
    let link = make_link(app, &mut tx, agency, &user).await?;
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

/// A new log-in link, in the place of the one before.
pub(crate) async fn renew_link(
    app: &App,
    viewer: &Viewer,
    client: &ClientId,
    user: &UserId,
) -> Result<Link> {
    let agency = viewer.require(Permission::Administer)?;
    let mut tx = app.db.begin().await?;
    let row = get(&mut tx, agency, client, user).await?;
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

/// A log-in link that was used.
pub(crate) struct Joined {
    pub(crate) session: SessionId,
    pub(crate) expires_at: Timestamp,
    /// Of the agency whose link it was.
    pub(crate) agency_slug: String,
}

/// Uses a link up: its person joins the agency and is logged in. Whoever is at home nowhere else chooses a password, which
/// ends older sessions; everybody else proves theirs.
pub(crate) async fn redeem(
    app: &App,
    token: &str,
    password: SecretString,
    origin: (Option<IpAddr>, Option<&str>),
) -> Result<Joined> {
    let (address, user_agent) = origin;
    let token_hash = hash_of(token);
    let mut conn = app.db.read().await?;
    // Before any work with the password: a stranger's made-up links cost a look and no more.
    let link = store::portal_users::find_link(&mut conn, &token_hash, app.clock.now())
        .await?
        .ok_or_else(dead_link)?;
    drop(conn);
    let new_hash = if link.joined_elsewhere == 0 {
        password::check("password", &password)?;
        Some(password::hash(password).await?)
    } else {
        let proven = log_in::prove(app, &link.email, password, address).await;
        proven.map_err(|error| match error {
            Error::WrongCredentials => Error::invalid(
                "password",
                "You have a log-in with this email address already. Enter the password that you have.",
            ),
            other => other,
        })?;
        None
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    store::users::lock(&mut tx, &link.user_id).await?;
    let still = store::portal_users::find_link(&mut tx, &token_hash, now)
        .await?
        .ok_or_else(dead_link)?;
    if (still.joined_elsewhere == 0) != new_hash.is_some() {
        return Err(Error::Conflict(
            "Your log-in changed at the same moment. Try again.".to_owned(),
        ));
    }
    let is_used = store::portal_users::delete_link(&mut tx, &token_hash).await?;
    if !is_used || !store::portal_users::join(&mut tx, &link.agency_id, &link.user_id, now).await? {
        return Err(dead_link());
    }
    let summary = if let Some(hash) = &new_hash {
        store::users::update_password(&mut tx, &link.user_id, hash).await?;
        store::sessions::delete_all(&mut tx, &link.user_id).await?;
        "A log-in link was used and a password chosen."
    } else {
        "A log-in link was used with the password of a log-in that was there before."
    };
    let (session, expires_at) = session::open(&mut tx, &link.user_id, user_agent, now).await?;
    let agency = store::agencies::find(&mut tx, &link.agency_id)
        .await?
        .ok_or_else(|| Error::internal("a log-in link of no agency"))?;
    let entry = Entry {
        agency: Some(&link.agency_id),
        actor: Actor::Named {
            id: link.user_id.as_str(),
            name: "a person of a client",
        },
        action: Action::LogInLinkUsed,
        subject: link.user_id.as_str(),
        provider: None,
        summary: summary.to_owned(),
    };
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    Ok(Joined {
        session,
        expires_at,
        agency_slug: agency.slug,
    })
}

fn dead_link() -> Error {
    Error::invalid(
        "token",
        "This link does not work any more: each works once, for seven days. Ask the agency for a new one.",
    )
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
    let now = app.clock.now();
    let expires_at = now.plus(LINK_LIFE);
    let life = (now, expires_at);
    store::portal_users::replace_link(conn, agency, user, &hash_of(&token), life).await?;
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
