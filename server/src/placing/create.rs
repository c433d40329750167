//! Making a new agent (R5): in the account of the key that its calls will go over (R1, R2). The agent, its run and the intent
//! are committed before the provider is asked; an answer that does not come leaves them to the run's job, which looks for the
//! agent by its marker. A refusal forgets all three. A request that is repeated under its own id makes no second agent.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    clients,
    error::{Code, Error, Result, provider_code},
    health::answer::record_health,
    id::{AgencyId, AgentId, ClientId, PlacementItemId},
    jobs, keys,
    providers::{AgentDefinition, NotCreated, ProviderError, ProviderKind, RemoteAgent},
    store::{
        self, Conn,
        agents::{AgentRow, AgentWrite},
        placement_items::PlacementItemRow,
        placement_runs::PlacementRunRow,
        provider_keys::KeyRow,
    },
};

use super::{
    ItemState, State,
    draft::{self, Draft},
    ending, new_run,
    run::PlacementJob,
    words,
};

/// Somebody waits for the answer so long, all requests to the provider together.
const ASK_TIME: Duration = Duration::from_secs(25);
/// When the run's job begins if nobody has called it off: the process that asked has died.
const JOB_DELAY: Duration = Duration::from_secs(40);
/// Longest name of a request, in characters.
const MAX_REQUEST_ID: usize = 200;

/// What somebody asks for.
pub(crate) struct NewAgent {
    pub(crate) provider: ProviderKind,
    /// Whom it will work for; none: the agency itself.
    pub(crate) client: Option<ClientId>,
    pub(crate) draft: Draft,
    /// What the caller names the request, so that it can be repeated.
    pub(crate) request_id: Option<String>,
}

/// What became of it.
pub(crate) struct Made {
    pub(crate) agent: AgentRow,
    /// Whether the provider has it. If not, nobody knows: the run of the agent says more.
    pub(crate) is_confirmed: bool,
    pub(crate) message: Option<String>,
}

/// A new agent of which the intent is committed.
struct Intent {
    key: KeyRow,
    secret: SecretString,
    definition: AgentDefinition,
    run: PlacementRunRow,
    item: PlacementItemRow,
}

enum Begun {
    Now(Box<Intent>),
    /// The same request came before.
    Before(Box<PlacementRunRow>),
}

/// Makes an agent, or says what became of the one that the same request has made before.
pub(crate) async fn create_agent(app: &App, viewer: &Viewer, new: &NewAgent) -> Result<Made> {
    let agency = viewer.require(Permission::UseAgents)?;
    if new.draft.name == draft::Change::Keep {
        return Err(Error::invalid("name", "An agent needs a name. Enter one."));
    }
    let definition = draft::write(&AgentDefinition::default(), &new.draft)?.definition;
    draft::refuse_unfit_new(new.provider, &definition)?;
    let request_id = request_id(new)?;
    match begin(app, viewer, agency, new, (definition, request_id)).await? {
        Begun::Now(intent) => ask(app, viewer, *intent).await,
        Begun::Before(run) => again(app, viewer, new, &run).await,
    }
}

/// The key that the calls of a client's agents go over: its own where one is stored, else the agency's (R1, R2).
async fn effective_key(
    conn: &mut Conn,
    agency: &AgencyId,
    client: Option<&ClientId>,
    provider: ProviderKind,
) -> Result<KeyRow> {
    for client in [client, None]
        .into_iter()
        .skip(usize::from(client.is_none()))
    {
        let scope = keys::scope(agency, client);
        let key = store::provider_keys::find_in_scope(conn, agency, &scope, provider).await?;
        if let Some(key) = key {
            return Ok(key);
        }
    }
    let name = provider.display_name();
    let message = format!("No {name} key is stored. Save one, and agents can be made at {name}.");
    Err(Error::invalid("provider", message))
}

async fn begin(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    new: &NewAgent,
    (definition, request_id): (AgentDefinition, Option<String>),
) -> Result<Begun> {
    let now = app.clock.now();
    let hash = request_hash(new, &definition);
    let mut tx = app.db.begin().await?;
    let client = match &new.client {
        Some(client) => Some(clients::lock_in_use(&mut tx, agency, client).await?),
        None => None,
    };
    let key = match find_before(&mut tx, agency, request_id.as_deref(), &hash).await? {
        Some(run) => return Ok(Begun::Before(Box::new(run))),
        None => effective_key(&mut tx, agency, new.client.as_ref(), new.provider).await?,
    };
    let secret = keys::open(app, &key)?;
    let agent = AgentId::new();
    let write = AgentWrite {
        id: &agent,
        name: &definition.name,
        definition: &serde_json::to_string(&definition)?,
        definition_hash: &definition.content_hash(),
        created_at: now,
        updated_at: now,
    };
    let of = new.client.as_ref();
    store::agent_changes::insert_new(&mut tx, agency, new.provider.as_str(), of, &write).await?;
    let run = PlacementRunRow {
        state: State::Running.as_str().to_owned(),
        total: 1,
        started_at: Some(now),
        new_agent_id: Some(agent.clone()),
        request_hash: request_id.is_some().then(|| hash.clone()),
        request_id: request_id.clone(),
        ..new_run(&key, keys::client_of(&key).as_ref(), viewer, now)
    };
    if !store::placement_runs::insert(&mut tx, &run).await? {
        // The same request came at the same time, and has been committed by now.
        drop(tx);
        let mut conn = app.db.read().await?;
        let run = find_before(&mut conn, agency, request_id.as_deref(), &hash).await?;
        let run =
            run.ok_or_else(|| Error::Conflict("The same request is under way.".to_owned()))?;
        return Ok(Begun::Before(Box::new(run)));
    }
    let item = new_item(&run, agent, &definition.name);
    let items = std::slice::from_ref(&item);
    store::placement_items::insert_many(&mut tx, agency, items).await?;
    store::placement_items::begin(&mut tx, agency, &item.id, &definition.name, now).await?;
    jobs::enqueue_at(&mut tx, &job_of(&run), now.plus(JOB_DELAY), now).await?;
    let whom = client.map_or_else(|| "the agency itself".to_owned(), |row| row.name);
    let (name, provider) = (&definition.name, new.provider.display_name());
    let summary = format!("Agent {name} was asked to be made at {provider} for {whom}.");
    record(app, &mut tx, viewer, Action::AgentRequested, &run, summary).await?;
    tx.commit().await?;
    Ok(Begun::Now(Box::new(Intent {
        key,
        secret,
        definition,
        run,
        item,
    })))
}

/// Asks the provider, once.
async fn ask(app: &App, viewer: &Viewer, intent: Intent) -> Result<Made> {
    let Intent {
        key,
        secret,
        definition,
        mut run,
        item,
    } = intent;
    let provider = keys::provider_of(&run.provider)?;
    let asked = match keys::region_of(&key.version.region)
        .and_then(|region| keys::host(app, provider, region))
    {
        Ok(base_url) => {
            let target = keys::target(app, base_url, &secret, ASK_TIME);
            let client = keys::client(provider)?;
            client
                .create_agent(&target, &definition, &item.marker)
                .await
        }
        Err(error) => {
            withdraw(app, viewer, &run, error.code()).await?;
            return Err(error);
        }
    };
    match asked {
        Ok(created) => {
            let unfinished = created.unfinished.as_ref();
            let message = unfinished.map(|error| words::unfinished(provider, error));
            let answered = (&created.agent, message.clone());
            if let Err(error) = settle(app, &mut run, &item, answered).await {
                // It is there and nothing here says so; to send the request again would make another one.
                tracing::error!(error = ?error, "a new agent could not be written");
                return left_to_job(app, provider, &run, &item.agent_id).await;
            }
            made(app, &run.agency_id, &item.agent_id, message).await
        }
        Err(not_created) if not_created.may_exist => {
            unconfirmed(app, provider, &run, &item, &not_created).await
        }
        Err(not_created) => {
            let refusal = words::refusal(provider, &not_created);
            withdraw(app, viewer, &run, provider_code(&not_created.error)).await?;
            record_health(app, &key, &not_created.error).await?;
            Err(refused(provider, not_created.error, &refusal))
        }
    }
}

/// Writes an agent that is there, and calls the run's job off.
async fn settle(
    app: &App,
    run: &mut PlacementRunRow,
    item: &PlacementItemRow,
    (remote, message): (&RemoteAgent, Option<String>),
) -> Result<()> {
    let is_kept = ending::created(app, run, item, remote, message).await?
        && ending::end_run(app, run, None).await?;
    if is_kept {
        let mut tx = app.db.begin().await?;
        jobs::cancel(&mut tx, &job_of(run)).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn left_to_job(
    app: &App,
    provider: ProviderKind,
    run: &PlacementRunRow,
    agent: &AgentId,
) -> Result<Made> {
    let message = words::still_asked(provider);
    made(app, &run.agency_id, agent, Some(message)).await
}

/// Leaves an agent of which nobody knows to the run's job, which looks for it.
async fn unconfirmed(
    app: &App,
    provider: ProviderKind,
    run: &PlacementRunRow,
    item: &PlacementItemRow,
    not_created: &NotCreated,
) -> Result<Made> {
    let (agency, now) = (&run.agency_id, app.clock.now());
    let error = &not_created.error;
    let mut tx = app.db.begin().await?;
    if let Some(code) = words::answer_code(error) {
        let message = words::refusal(provider, not_created);
        let note = store::placement_items::note_answer;
        note(&mut tx, agency, &item.id, code.as_str(), &message).await?;
    }
    jobs::hasten(&mut tx, &job_of(run), now).await?;
    tx.commit().await?;
    app.job_bell.notify_waiters();
    let mut made = made(app, agency, &item.agent_id, None).await?;
    // The job may have found it by now.
    if !made.is_confirmed {
        made.message = Some(words::not_told(provider, error));
    }
    Ok(made)
}

/// Forgets an agent that was not made.
async fn withdraw(app: &App, viewer: &Viewer, run: &PlacementRunRow, why: Code) -> Result<()> {
    let agency = &run.agency_id;
    let mut tx = app.db.begin().await?;
    store::placement_runs::delete(&mut tx, agency, &run.id).await?;
    if let Some(agent) = &run.new_agent_id {
        store::agent_changes::delete_refused(&mut tx, agency, agent).await?;
    }
    jobs::cancel(&mut tx, &job_of(run)).await?;
    let summary = format!("The agent was not made: {}.", why.as_str());
    record(app, &mut tx, viewer, Action::AgentRefused, run, summary).await?;
    tx.commit().await
}

fn refused(provider: ProviderKind, cause: ProviderError, refusal: &str) -> Error {
    let name = provider.display_name();
    let refusal = refusal.trim_end_matches('.');
    let message = match &cause {
        ProviderError::InvalidKey { .. } => format!(
            "{name} refused the stored key, so no agent was made. Replace the key, then try again."
        ),
        ProviderError::MissingPermission { .. } => format!(
            "The key may not make agents at {name}. Give it that permission, or replace it."
        ),
        ProviderError::NoFunds { .. } => format!(
            "The {name} account is out of funds, so no agent was made. Top it up, then try again."
        ),
        ProviderError::RateLimited { .. } | ProviderError::Unavailable { .. } => {
            format!("{refusal}. No agent was made; try again later.")
        }
        ProviderError::NotFound
        | ProviderError::Rejected { .. }
        | ProviderError::Malformed { .. } => {
            format!("{refusal}. No agent was made; change what it names, then try again.")
        }
    };
    Error::Provider {
        provider,
        cause,
        message,
    }
}

/// The same request once more: what became of it, or, where nobody knows, another look before another attempt.
async fn again(app: &App, viewer: &Viewer, new: &NewAgent, run: &PlacementRunRow) -> Result<Made> {
    let (agency, provider) = (&run.agency_id, keys::provider_of(&run.provider)?);
    let agent = run.new_agent_id.as_ref().ok_or(Error::NotFound)?;
    let mut conn = app.db.read().await?;
    let item = store::placement_items::find_newest(&mut conn, agency, agent).await?;
    let row = store::agents::find(&mut conn, agency, None, agent.as_str())
        .await?
        .ok_or(Error::NotFound)?;
    let state = item.as_ref().and_then(|item| ItemState::parse(&item.state));
    match state {
        Some(ItemState::Pending | ItemState::Creating) => {
            return left_to_job(app, provider, run, agent).await;
        }
        _ if row.status == "active" => return made(app, agency, agent, None).await,
        _ => {}
    }
    let key = effective_key(&mut conn, agency, new.client.as_ref(), provider).await?;
    drop(conn);
    let scope = keys::client_of(&key);
    let only = [agent.clone()];
    let started = super::start(app, viewer, scope.as_ref(), provider, Some(&only)).await?;
    if started.has_joined {
        return Err(Error::Conflict(
            "Agents are being placed in this account; ask again when that has ended.".to_owned(),
        ));
    }
    made(app, agency, agent, Some(words::looked_for(provider))).await
}

/// The agent as it is now; it is confirmed where its provider has it.
async fn made(
    app: &App,
    agency: &AgencyId,
    agent: &AgentId,
    message: Option<String>,
) -> Result<Made> {
    let mut conn = app.db.read().await?;
    let agent = store::agents::find(&mut conn, agency, None, agent.as_str())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Made {
        is_confirmed: agent.status == "active",
        agent,
        message,
    })
}

/// The run that began with the same request; a conflict where that one asked for something else.
async fn find_before(
    conn: &mut Conn,
    agency: &AgencyId,
    request_id: Option<&str>,
    hash: &str,
) -> Result<Option<PlacementRunRow>> {
    let Some(request_id) = request_id else {
        return Ok(None);
    };
    let run = store::placement_runs::find_by_request(conn, agency, request_id).await?;
    if run
        .as_ref()
        .is_some_and(|run| run.request_hash.as_deref() != Some(hash))
    {
        return Err(Error::Conflict(
            "This clientMutationId was used for another agent. Send a new one with each new agent."
                .to_owned(),
        ));
    }
    Ok(run)
}

fn request_id(new: &NewAgent) -> Result<Option<String>> {
    let Some(id) = &new.request_id else {
        return Ok(None);
    };
    let count = id.chars().count();
    if count == 0 || count > MAX_REQUEST_ID || id.chars().any(char::is_control) {
        let message = format!("Send 1 to {MAX_REQUEST_ID} characters, and no control character.");
        return Err(Error::invalid("clientMutationId", message));
    }
    Ok(Some(id.clone()))
}

/// What is asked for, in so many digits: where, for whom, and the whole definition.
fn request_hash(new: &NewAgent, definition: &AgentDefinition) -> String {
    let client = new.client.as_ref().map_or("", ClientId::as_str);
    let content = definition.content_hash();
    let text = format!("{}\n{client}\n{content}", new.provider.as_str());
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(hash)
}

fn new_item(run: &PlacementRunRow, agent: AgentId, name: &str) -> PlacementItemRow {
    let id = PlacementItemId::new();
    PlacementItemRow {
        marker: id.as_str().to_owned(),
        is_look_first: false,
        id,
        run_id: run.id.clone(),
        agent_id: agent,
        account_id: run.account_id.clone(),
        name: name.to_owned(),
        state: ItemState::Pending.as_str().to_owned(),
        attempts: 0,
        intended_at: None,
        remote_id: None,
        error_code: None,
        message: None,
        finished_at: None,
    }
}

fn job_of(run: &PlacementRunRow) -> PlacementJob {
    PlacementJob {
        agency: run.agency_id.clone(),
        run: run.id.clone(),
    }
}

async fn record(
    app: &App,
    conn: &mut Conn,
    viewer: &Viewer,
    action: Action,
    run: &PlacementRunRow,
    summary: String,
) -> Result<()> {
    let entry = Entry {
        agency: Some(&run.agency_id),
        actor: Actor::Person(viewer),
        action,
        subject: run.new_agent_id.as_ref().map_or("", AgentId::as_str),
        provider: Some(keys::provider_of(&run.provider)?),
        summary,
    };
    app.audit.append(conn, entry, app.clock.now()).await
}
