//! Changing an agent (R5): at every account that holds it and whose key its calls could go over, so that a key that is
//! cleared or saved leads to the same agent (R1, R3). Whoever changes an agent has it to themselves until the answers are written.
//! What one account did not take is said and does not undo what another one took; where none took it, nothing is written.

use std::time::Duration;

use secrecy::SecretString;

use crate::{
    access::{Permission, Viewer},
    app::App,
    audit::{Action, Actor, Entry},
    clock::Timestamp,
    error::{Error, Result},
    health::answer::record_health,
    id::{AccountId, AgencyId, AgentId, PlacementId},
    keys,
    providers::{AgentDefinition, ProviderError, ProviderKind, RemoteAgent, fit},
    store::{
        self, Conn,
        agents::{AgentRow, AgentWrite},
        placements::{PlacementRow, PlacementWrite},
        provider_keys::KeyRow,
    },
};

use super::{
    draft::{self, Draft, Drafted, field},
    words,
};

/// Each account is changed within this time, all its requests together.
const ASK_TIME: Duration = Duration::from_secs(25);
/// After an answer that did not come, the agent is read within this time.
const READ_TIME: Duration = Duration::from_secs(10);
/// A claim outlives the requests to both accounts that keys of a chain can open.
const CLAIM_TIME: Duration = Duration::from_mins(3);

/// What became of a change in an account that holds the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "PlacementUpdateState")]
pub(crate) enum UpdateState {
    /// The provider has taken it over.
    Updated,
    /// The provider has not; `message` says why.
    Failed,
    /// Nobody knows; the change can be sent again.
    Unconfirmed,
    /// No key of the agent's client or of the agency opens the account, so nothing was asked.
    NoKey,
}

/// What became of a change in one account.
pub(crate) struct Updated {
    pub(crate) placement: PlacementRow,
    pub(crate) state: UpdateState,
    pub(crate) message: Option<String>,
}

/// What became of a change.
pub(crate) struct Changed {
    pub(crate) agent: AgentRow,
    /// Each account that holds the agent.
    pub(crate) placements: Vec<Updated>,
}

/// A change of which everything is known before the providers are asked.
struct Change {
    agency: AgencyId,
    agent: AgentRow,
    before: AgentDefinition,
    drafted: Drafted,
    /// The placement that the agent was imported from.
    origin: Option<PlacementId>,
    placements: Vec<PlacementRow>,
    /// The keys that the agent's calls could go over, the one that counts first.
    keys: Vec<(KeyRow, SecretString)>,
    claimed_until: Timestamp,
}

/// What an account answered.
struct Answer {
    updated: Updated,
    remote: Option<RemoteAgent>,
    error: Option<(ProviderKind, ProviderError)>,
}

/// Changes an agent wherever it is.
pub(crate) async fn update_agent(
    app: &App,
    viewer: &Viewer,
    agent: &AgentId,
    draft: &Draft,
) -> Result<Changed> {
    let agency = viewer.require(Permission::UseAgents)?;
    let change = claim(app, agency, agent, draft).await?;
    let mut answers = Vec::new();
    for placement in &change.placements {
        match ask(app, &change, placement).await {
            Ok(answer) => answers.push(answer),
            Err(error) => {
                release(app, &change).await?;
                return Err(error);
            }
        }
    }
    write(app, viewer, change, answers).await
}

/// Takes the agent, and finds out all that can be refused before anything is sent.
async fn claim(app: &App, agency: &AgencyId, agent: &AgentId, draft: &Draft) -> Result<Change> {
    let now = app.clock.now();
    let claimed_until = now.plus(CLAIM_TIME);
    let mut tx = app.db.begin().await?;
    let is_claimed =
        store::agent_changes::claim(&mut tx, agency, agent, claimed_until, now).await?;
    let row = store::agents::find(&mut tx, agency, None, agent.as_str())
        .await?
        .ok_or(Error::NotFound)?;
    if !is_claimed {
        let message =
            "Somebody is changing this agent at this moment. Read it again, then send your change.";
        return Err(Error::Conflict(message.to_owned()));
    }
    if store::placement_items::is_in_the_making(&mut tx, agency, agent).await? {
        let message = "This agent is being made at its provider at this moment. Send your change when it is there.";
        return Err(Error::Conflict(message.to_owned()));
    }
    let before: AgentDefinition = serde_json::from_str(&row.definition)?;
    let drafted = draft::write(&before, draft)?;
    if drafted.named.is_empty() {
        return Err(Error::invalid(
            "agentId",
            "Name what to change of the agent.",
        ));
    }
    let ids = [agent.as_str().to_owned()];
    let mut placements = store::placements::list_by_agents(&mut tx, agency, &ids).await?;
    placements.retain(|placement| placement.status == "active");
    refuse_unfit(&row, &before, &drafted, &placements)?;
    let origin = store::placements::find_origin(&mut tx, agency, agent).await?;
    let keys = open_chain(app, &mut tx, agency, &row).await?;
    tx.commit().await?;
    Ok(Change {
        agency: agency.clone(),
        agent: row,
        before,
        drafted,
        origin,
        placements,
        keys,
        claimed_until,
    })
}

fn refuse_unfit(
    row: &AgentRow,
    before: &AgentDefinition,
    drafted: &Drafted,
    placements: &[PlacementRow],
) -> Result<()> {
    draft::refuse_unfit_change(keys::provider_of(&row.provider)?, drafted)?;
    for placement in placements {
        let provider = keys::provider_of(&placement.provider)?;
        draft::refuse_unfit_change(provider, drafted)?;
        draft::refuse_clearing(provider, before, drafted)?;
    }
    Ok(())
}

/// The keys of the agent's chain, opened for this change. One that cannot be opened is as if it were not there.
async fn open_chain(
    app: &App,
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentRow,
) -> Result<Vec<(KeyRow, SecretString)>> {
    let provider = keys::provider_of(&agent.provider)?;
    let mut scopes = Vec::new();
    if let Some(client) = &agent.client_id {
        scopes.push(keys::scope(agency, Some(client)));
    }
    scopes.push(keys::scope(agency, None));
    let mut chain = Vec::new();
    for scope in &scopes {
        let key = store::provider_keys::find_in_scope(conn, agency, scope, provider).await?;
        let Some(key) = key else { continue };
        match keys::open(app, &key) {
            Ok(secret) => chain.push((key, secret)),
            Err(Error::KeyUnreadable) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(chain)
}

/// Asks one account.
async fn ask(app: &App, change: &Change, placement: &PlacementRow) -> Result<Answer> {
    let provider = keys::provider_of(&placement.provider)?;
    let answer = |state, message, remote, error| Answer {
        updated: Updated {
            placement: placement.clone(),
            state,
            message,
        },
        remote,
        error,
    };
    let is_of = |account: &AccountId| *account == placement.account_id;
    let key = change
        .keys
        .iter()
        .find(|(key, _)| is_of(&key.version.account_id));
    let Some((key, secret)) = key else {
        let message = words::no_key_for_account(provider);
        return Ok(answer(UpdateState::NoKey, Some(message), None, None));
    };
    let base_url = keys::host(app, provider, keys::region_of(&key.version.region)?)?;
    let client = keys::client(provider)?;
    let target = keys::target(app, base_url, secret, ASK_TIME);
    let (remote_id, wanted) = (&placement.remote_id, &change.drafted.definition);
    let error = match client.update_agent(&target, remote_id, wanted).await {
        Ok(remote) => {
            let message = kept_its_own(provider, &change.drafted, &remote);
            return Ok(answer(UpdateState::Updated, message, Some(remote), None));
        }
        Err(error) => error,
    };
    record_health(app, key, &error).await?;
    if !error.may_have_taken_effect() {
        let message = words::not_changed(provider, &error);
        let error = Some((provider, error));
        return Ok(answer(UpdateState::Failed, Some(message), None, error));
    }
    // Reading changes nothing, and tells more than no answer did.
    let target = keys::target(app, base_url, secret, READ_TIME);
    match client.get_agent(&target, remote_id).await {
        Ok(remote)
            if remote.is_whole && differing(provider, &change.drafted, &remote).is_empty() =>
        {
            Ok(answer(UpdateState::Updated, None, Some(remote), None))
        }
        _ => {
            let message = words::change_not_told(provider, &error);
            Ok(answer(UpdateState::Unconfirmed, Some(message), None, None))
        }
    }
}

/// The fields that somebody named and that the provider has otherwise.
fn differing(provider: ProviderKind, drafted: &Drafted, remote: &RemoteAgent) -> Vec<&'static str> {
    let expected = fit(provider, &drafted.definition).definition;
    draft::differing(&expected, &remote.definition)
        .into_iter()
        .filter(|part| drafted.named.contains(part))
        .map(field)
        .collect()
}

fn kept_its_own(provider: ProviderKind, drafted: &Drafted, remote: &RemoteAgent) -> Option<String> {
    if !remote.is_whole {
        return None;
    }
    let fields = differing(provider, drafted, remote);
    (!fields.is_empty()).then(|| words::kept_its_own(provider, &fields))
}

async fn release(app: &App, change: &Change) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let (agency, agent) = (&change.agency, &change.agent.id);
    store::agent_changes::release(&mut tx, agency, agent, change.claimed_until).await?;
    tx.commit().await
}

/// Writes what the accounts answered, and gives the agent back.
async fn write(
    app: &App,
    viewer: &Viewer,
    change: Change,
    mut answers: Vec<Answer>,
) -> Result<Changed> {
    let is_in = |state| {
        answers
            .iter()
            .any(|answer: &Answer| answer.updated.state == state)
    };
    let is_taken = answers.is_empty() || is_in(UpdateState::Updated);
    if !is_taken && !is_in(UpdateState::Unconfirmed) {
        release(app, &change).await?;
        return Err(refused(&mut answers));
    }
    let (agency, agent) = (&change.agency, &change.agent.id);
    let mut tx = app.db.begin().await?;
    if !store::agent_changes::release(&mut tx, agency, agent, change.claimed_until).await? {
        let message = "The change took too long, and somebody else has begun another one. Read the agent again.";
        return Err(Error::Conflict(message.to_owned()));
    }
    if is_taken {
        write_definition(app, &mut tx, &change, &answers).await?;
        for answer in &answers {
            write_placement(&mut tx, &change, answer).await?;
        }
        let entry = Entry {
            agency: Some(agency),
            actor: Actor::Person(viewer),
            action: Action::AgentUpdated,
            subject: agent.as_str(),
            provider: Some(keys::provider_of(&change.agent.provider)?),
            summary: summary(&change, &answers),
        };
        app.audit.append(&mut tx, entry, app.clock.now()).await?;
    }
    tx.commit().await?;
    let mut conn = app.db.read().await?;
    let agent = store::agents::find(&mut conn, agency, None, agent.as_str())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Changed {
        agent,
        placements: answers.into_iter().map(|answer| answer.updated).collect(),
    })
}

/// Where no account has taken a change: the first one's reason, which is the one of the key that counts wherever it was asked.
fn refused(answers: &mut [Answer]) -> Error {
    let asked = answers.iter_mut().find_map(|answer| {
        let message = answer.updated.message.take().unwrap_or_default();
        answer
            .error
            .take()
            .map(|(provider, cause)| (provider, cause, message))
    });
    match asked {
        Some((provider, cause, message)) => Error::Provider {
            provider,
            cause,
            message: format!("{message} Nothing was changed."),
        },
        None => Error::Conflict(
            "No stored key of the agent's client or of the agency opens an account that holds it. Save one, then send \
             the change again. Nothing was changed."
                .to_owned(),
        ),
    }
}

/// The definition follows the account that the agent was imported from; where that one was not changed, or there is none, it
/// is what somebody wrote.
async fn write_definition(
    app: &App,
    conn: &mut Conn,
    change: &Change,
    answers: &[Answer],
) -> Result<()> {
    let of_origin = answers
        .iter()
        .find(|answer| Some(&answer.updated.placement.id) == change.origin.as_ref())
        .and_then(|answer| answer.remote.as_ref())
        .filter(|remote| remote.is_whole);
    let definition = of_origin.map_or(&change.drafted.definition, |remote| &remote.definition);
    let write = AgentWrite {
        id: &change.agent.id,
        name: &definition.name,
        definition: &serde_json::to_string(definition)?,
        definition_hash: &definition.content_hash(),
        created_at: change.agent.created_at,
        updated_at: app.clock.now(),
    };
    store::agents::update_definition(conn, &change.agency, &write).await
}

async fn write_placement(conn: &mut Conn, change: &Change, answer: &Answer) -> Result<()> {
    let (agency, placement) = (&change.agency, &answer.updated.placement.id);
    let is_origin = Some(placement) == change.origin.as_ref();
    let Some(remote) = &answer.remote else {
        // What it holds is not what the definition says any more, so that its next import must not bring the old words back.
        if is_origin {
            let hash = change.before.content_hash();
            store::placed::set_placed_hash(conn, agency, placement, &hash).await?;
        }
        return Ok(());
    };
    let voice = remote.definition.voice.as_ref();
    let engine = remote.engine.as_ref();
    let write = PlacementWrite {
        agent_id: &change.agent.id,
        remote_id: &remote.remote_id,
        voice: voice.map(|voice| (voice.engine.as_str(), voice.voice_id.as_str())),
        remote_updated_at: remote.remote_updated_at_ms.map(Timestamp::from_millis),
        engine: engine.map(|engine| (engine.remote_id.as_str(), engine.revision.as_str())),
        is_detail_due: !remote.is_whole,
    };
    let hash = (!is_origin).then(|| remote.definition.content_hash());
    store::placements::update_sent(conn, agency, placement, &write, hash.as_deref()).await
}

fn summary(change: &Change, answers: &[Answer]) -> String {
    let fields: Vec<&str> = change
        .drafted
        .named
        .iter()
        .map(|part| field(*part))
        .collect();
    let updated = |answer: &&Answer| answer.updated.state == UpdateState::Updated;
    format!(
        "Agent {} was changed ({}) in {} of {} accounts.",
        change.drafted.definition.name,
        fields.join(", "),
        answers.iter().filter(updated).count(),
        answers.len()
    )
}
