//! Clients of an agency: making, naming, archiving them, and giving them agents. A client's name is how people know whose
//! key they are about to change, so no two clients in use have the same. Nothing here opens a key.

use crate::{
    access::{Permission, Viewer},
    accounts::is_unseen,
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    id::{AgencyId, ClientId},
    store::{
        self, Conn,
        agents::{AgentQuery, Assigned},
        clients::ClientRow,
    },
};

/// Longest name of a client, in characters.
const MAX_NAME: usize = 120;
/// Most agents that one request names by their ids.
pub(crate) const MAX_NAMED_AGENTS: usize = 1_000;

/// A client of the viewer's agency that is in use.
pub(crate) async fn get_in_use(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
) -> Result<ClientRow> {
    let row = store::clients::find(conn, agency, client)
        .await?
        .ok_or(Error::NotFound)?;
    refuse_archived(row)
}

/// The same, held against being archived until the transaction ends.
pub(crate) async fn lock_in_use(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
) -> Result<ClientRow> {
    let row = store::clients::lock(conn, agency, client)
        .await?
        .ok_or(Error::NotFound)?;
    refuse_archived(row)
}

fn refuse_archived(row: ClientRow) -> Result<ClientRow> {
    if row.archived_at.is_some() {
        return Err(Error::Conflict(format!(
            "{} is archived. Restore the client first.",
            row.name
        )));
    }
    Ok(row)
}

/// Makes a client.
pub(crate) async fn create(app: &App, viewer: &Viewer, name: &str) -> Result<ClientRow> {
    let agency = viewer.require(Permission::UseAgents)?;
    let name = clean_name(name)?;
    let now = app.clock.now();
    let row = ClientRow {
        id: ClientId::new(),
        name_key: name.to_lowercase(),
        name,
        archived_at: None,
        created_at: now,
    };
    let mut tx = app.db.begin().await?;
    if !store::clients::insert(&mut tx, agency, &row).await? {
        return Err(name_taken(&row.name));
    }
    record(
        app,
        &mut tx,
        viewer,
        agency,
        Action::ClientCreated,
        &row,
        "created",
    )
    .await?;
    tx.commit().await?;
    Ok(row)
}

/// Gives a client another name.
pub(crate) async fn rename(
    app: &App,
    viewer: &Viewer,
    client: &ClientId,
    name: &str,
) -> Result<ClientRow> {
    let agency = viewer.require(Permission::UseAgents)?;
    let name = clean_name(name)?;
    let mut tx = app.db.begin().await?;
    let mut row = store::clients::lock(&mut tx, agency, client)
        .await?
        .ok_or(Error::NotFound)?;
    let what = format!("renamed; it was called {}", row.name);
    row.name_key = name.to_lowercase();
    row.name = name;
    write(app, &mut tx, agency, &row).await?;
    record(
        app,
        &mut tx,
        viewer,
        agency,
        Action::ClientRenamed,
        &row,
        &what,
    )
    .await?;
    tx.commit().await?;
    Ok(row)
}

/// Archives a client, or brings it back. Its agents, keys and people stay as they are; while it is archived, none of its
/// agents has a route.
pub(crate) async fn set_archived(
    app: &App,
    viewer: &Viewer,
    client: &ClientId,
    is_archived: bool,
) -> Result<ClientRow> {
    let agency = viewer.require(Permission::UseAgents)?;
    let mut tx = app.db.begin().await?;
    let mut row = store::clients::lock(&mut tx, agency, client)
        .await?
        .ok_or(Error::NotFound)?;
    if row.archived_at.is_some() == is_archived {
        return Ok(row);
    }
    row.archived_at = is_archived.then(|| app.clock.now());
    write(app, &mut tx, agency, &row).await?;
    let (action, what) = if is_archived {
        (Action::ClientArchived, "archived; its agents have no route")
    } else {
        (Action::ClientRestored, "restored")
    };
    record(app, &mut tx, viewer, agency, action, &row, what).await?;
    tx.commit().await?;
    Ok(row)
}

/// Which agents are meant.
pub(crate) enum Chosen {
    /// These.
    Named(Vec<String>),
    /// All that a list shows.
    Listed(AgentQuery),
}

/// Gives agents to a client, or back to the agency. Ids of nobody's, or of another agency's agents refuse the whole.
pub(crate) async fn assign(
    app: &App,
    viewer: &Viewer,
    chosen: &Chosen,
    client: Option<&ClientId>,
) -> Result<Assigned> {
    let agency = viewer.require(Permission::UseAgents)?;
    let mut tx = app.db.begin().await?;
    let row = match client {
        Some(client) => Some(lock_in_use(&mut tx, agency, client).await?),
        None => None,
    };
    let assigned = match chosen {
        Chosen::Named(ids) => {
            let assigned = store::agents::assign_named(&mut tx, agency, ids, client).await?;
            if usize::try_from(assigned.count).ok() != Some(ids.len()) {
                return Err(Error::NotFound);
            }
            assigned
        }
        Chosen::Listed(query) => {
            store::agents::assign_listed(&mut tx, agency, query, client).await?
        }
    };
    let whom = row.as_ref().map_or("the agency itself", |row| &row.name);
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::AgentsAssigned,
        subject: client.map_or(agency.as_str(), ClientId::as_str),
        provider: None,
        summary: format!("{} agents assigned to {whom}.", assigned.count),
    };
    app.audit.append(&mut tx, entry, app.clock.now()).await?;
    tx.commit().await?;
    Ok(assigned)
}

/// Names without the white space around and between their words that nobody sees.
fn clean_name(typed: &str) -> Result<String> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(Error::invalid("name", "Enter the client's name."));
    }
    if name.chars().count() > MAX_NAME {
        return Err(Error::invalid(
            "name",
            format!("A name has at most {MAX_NAME} characters."),
        ));
    }
    if name.chars().any(is_unseen) {
        return Err(Error::invalid(
            "name",
            "The name holds a character that nobody sees. Type it anew.",
        ));
    }
    Ok(name)
}

fn name_taken(name: &str) -> Error {
    Error::invalid("name", format!("There is a client called {name} already."))
}

async fn write(app: &App, conn: &mut Conn, agency: &AgencyId, row: &ClientRow) -> Result<()> {
    if row.archived_at.is_none()
        && store::clients::is_name_taken(conn, agency, &row.name_key, &row.id).await?
    {
        return Err(name_taken(&row.name));
    }
    store::clients::update(conn, agency, row, app.clock.now()).await
}

async fn record(
    app: &App,
    conn: &mut Conn,
    viewer: &Viewer,
    agency: &AgencyId,
    action: Action,
    row: &ClientRow,
    what: &str,
) -> Result<()> {
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action,
        subject: row.id.as_str(),
        provider: None,
        summary: format!("Client {} {what}.", row.name),
    };
    app.audit.append(conn, entry, app.clock.now()).await
}
