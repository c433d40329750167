//! Bland's agents: personas, v2 agents and pathways, listed one after another as one list, and read one by one. A list
//! that an organization or a key does not have is no failure, because the personas are there without it.

use reqwest::StatusCode;

use crate::providers::http::{Answer, Shape, path_id};
use crate::providers::{Capability, Page, ProviderError, RemoteAgent, Target, Unavailable, cursor};

use super::convert::{self, AgentId};
use super::envelope::{self, Subject};
use super::paging::{self, AGENT_LIMIT, AgentCursor, AgentList, PERSONA_LIMIT};
use super::{get as ask, wire};

const PERSONAS: Subject = subject("the list of personas");
const PERSONA: Subject = subject("the persona");
const AGENTS: Subject = subject("the list of agents");
const AGENT: Subject = subject("the agent");
const VERSION: Subject = subject("the agent's version");
const PATHWAYS: Subject = subject("the list of pathways");
const PATHWAY: Subject = subject("the pathway");

const fn subject(name: &'static str) -> Subject {
    Subject {
        capability: Capability::ListAgents,
        name,
    }
}

/// Whether the key may list personas, by asking for one.
pub(super) async fn may_list(target: &Target<'_>) -> Result<(), ProviderError> {
    personas(target, 1, 1).await.map(|_| ())
}

/// The account that the key opens. Only v2 agents name it, so it stays unknown where there are none, or where the key
/// may not list them.
pub(super) async fn account_id(target: &Target<'_>) -> Option<String> {
    let agents = agents(target, 1).await.ok()?;
    agents.readable.into_iter().find_map(|agent| agent.org_id)
}

/// One page of all agents.
pub(super) async fn list(
    target: &Target<'_>,
    cursor: Option<&str>,
) -> Result<Page<RemoteAgent>, ProviderError> {
    let cursor: AgentCursor = cursor::decode(cursor)?.unwrap_or_else(AgentCursor::start);
    match cursor.list {
        AgentList::Personas => list_personas(target, &cursor).await,
        AgentList::Agents => {
            let (items, is_complete) = list_agents(target).await?;
            let next = cursor.enter(AgentList::Pathways, is_complete);
            Ok(page(items, Some(&next), !next.is_doubtful))
        }
        AgentList::Pathways => {
            let (items, is_complete) = list_pathways(target).await?;
            Ok(page(items, None, is_complete && !cursor.is_doubtful))
        }
    }
}

fn page(
    items: Vec<RemoteAgent>,
    next: Option<&AgentCursor>,
    is_complete: bool,
) -> Page<RemoteAgent> {
    Page {
        items,
        next: next.and_then(cursor::encode),
        total: None,
        is_complete,
    }
}

async fn list_personas(
    target: &Target<'_>,
    cursor: &AgentCursor,
) -> Result<Page<RemoteAgent>, ProviderError> {
    let personas = personas(target, cursor.page, PERSONA_LIMIT).await?;
    let ids: Vec<&str> = personas
        .readable
        .iter()
        .map(|persona| persona.id.as_str())
        .collect();
    let step = paging::persona_step(cursor, &ids, personas.unreadable);
    let items = if step.is_new {
        personas
            .readable
            .into_iter()
            .filter_map(convert::persona)
            .collect()
    } else {
        Vec::new()
    };
    Ok(page(items, Some(&step.next), step.is_complete))
}

async fn list_agents(target: &Target<'_>) -> Result<(Vec<RemoteAgent>, bool), ProviderError> {
    let agents = match agents(target, AGENT_LIMIT).await {
        Ok(agents) => agents,
        Err(error) => return absent_list(error),
    };
    let is_cut = agents.readable.len() + agents.unreadable >= AGENT_LIMIT;
    let is_complete = agents.unreadable == 0 && !is_cut;
    let items = agents.readable.into_iter().filter_map(convert::agent);
    Ok((items.collect(), is_complete))
}

async fn list_pathways(target: &Target<'_>) -> Result<(Vec<RemoteAgent>, bool), ProviderError> {
    let answer = ask(target, "/v1/pathway", &["v1", "pathway"], &[]).await?;
    let pathways: wire::Items<wire::PathwaySummary> =
        match read_optional(&answer, target, Shape::List, PATHWAYS) {
            Ok(pathways) => pathways,
            // Bland answers its own failure to read them with 400; nothing was asked that could be wrong.
            Err(ProviderError::Rejected {
                status: 400,
                message,
            }) => {
                return Err(ProviderError::Unavailable {
                    reason: Unavailable::Status(400),
                    message,
                });
            }
            Err(error) => return absent_list(error),
        };
    let is_complete = pathways.unreadable == 0;
    let items = pathways.readable.into_iter().map(|pathway| {
        convert::pathway(&pathway.id, pathway.name, pathway.published_at.as_deref())
    });
    Ok((items.collect(), is_complete))
}

/// A list that is not there has no items, and each agent that was known from it is looked for by itself before anything
/// is marked. One that this key may not see may have items, so the walk is incomplete (S3). The personas were listed with
/// the same key before, so even a refusal of the key means only this list.
fn absent_list(error: ProviderError) -> Result<(Vec<RemoteAgent>, bool), ProviderError> {
    match error {
        ProviderError::NotFound => Ok((Vec::new(), true)),
        ProviderError::MissingPermission { .. } | ProviderError::InvalidKey { .. } => {
            Ok((Vec::new(), false))
        }
        error => Err(error),
    }
}

/// Reads a list that may not be there: then it is not found, whoever says so, because an installation of Bland's without
/// it answers with its web server's own page.
fn read_optional<T: serde::de::DeserializeOwned>(
    answer: &Answer,
    target: &Target<'_>,
    shape: Shape,
    subject: Subject,
) -> Result<T, ProviderError> {
    if answer.status == StatusCode::NOT_FOUND {
        return Err(ProviderError::NotFound);
    }
    envelope::read(answer, target, shape, subject)
}

async fn personas(
    target: &Target<'_>,
    page: u64,
    limit: usize,
) -> Result<wire::Items<wire::Persona>, ProviderError> {
    let (page, limit) = (page.to_string(), limit.to_string());
    let query = [("page", page.as_str()), ("limit", limit.as_str())];
    let answer = ask(target, "/v1/personas", &["v1", "personas"], &query).await?;
    answer.check_list_exists(PERSONAS.name)?;
    envelope::read_data(&answer, target, PERSONAS)
}

async fn agents(
    target: &Target<'_>,
    limit: usize,
) -> Result<wire::Items<wire::Agent>, ProviderError> {
    let limit = limit.to_string();
    let query = [("limit", limit.as_str())];
    let answer = ask(target, "/v2/agents", &["v2", "agents"], &query).await?;
    let envelope: wire::Enveloped<_> = read_optional(&answer, target, Shape::Object, AGENTS)?;
    Ok(envelope.data)
}

/// One agent of any kind.
pub(super) async fn get(
    target: &Target<'_>,
    remote_id: &str,
) -> Result<RemoteAgent, ProviderError> {
    match AgentId::parse(remote_id) {
        AgentId::Persona(id) => get_persona(target, path_id(id)?).await,
        AgentId::Agent(id) => get_agent(target, path_id(id)?).await,
        AgentId::Pathway(id) => get_pathway(target, path_id(id)?).await,
    }
}

async fn get_persona(target: &Target<'_>, id: &str) -> Result<RemoteAgent, ProviderError> {
    let answer = ask(target, "/v1/personas/{id}", &["v1", "personas", id], &[]).await?;
    let persona: wire::Persona = envelope::read_data(&answer, target, PERSONA)?;
    check_id(&persona.id, id, PERSONA)?;
    convert::persona(persona).ok_or(ProviderError::NotFound)
}

async fn get_pathway(target: &Target<'_>, id: &str) -> Result<RemoteAgent, ProviderError> {
    let answer = ask(target, "/v1/pathway/{id}", &["v1", "pathway", id], &[]).await?;
    let pathway: wire::Pathway = envelope::read(&answer, target, Shape::Object, PATHWAY)?;
    Ok(convert::pathway(id, pathway.name, None))
}

async fn get_agent(target: &Target<'_>, id: &str) -> Result<RemoteAgent, ProviderError> {
    let answer = ask(target, "/v2/agents/{id}", &["v2", "agents", id], &[]).await?;
    let record: wire::Agent = envelope::read_data(&answer, target, AGENT)?;
    check_id(&record.id, id, AGENT)?;
    let is_in_production =
        record.environments.iter().flatten().any(|environment| {
            is_production(environment) && environment.current_version_id.is_some()
        });
    let agent = convert::agent(record).ok_or(ProviderError::NotFound)?;
    match version_in_use(target, id, is_in_production).await {
        Ok(version) => Ok(convert::whole_agent(agent, version)),
        // The agent itself is there: a version that is gone or hidden leaves that part of it unknown (S3).
        Err(ProviderError::NotFound | ProviderError::MissingPermission { .. }) => Ok(agent),
        Err(error) => Err(error),
    }
}

fn is_production(environment: &wire::Environment) -> bool {
    environment.env_type.as_deref() == Some("production")
}

/// The version that callers hear: the one in production, else the newest.
async fn version_in_use(
    target: &Target<'_>,
    id: &str,
    is_in_production: bool,
) -> Result<Option<wire::AgentVersion>, ProviderError> {
    if is_in_production && let Some(version) = production_version(target, id).await? {
        return Ok(Some(version));
    }
    latest_version(target, id).await
}

/// The version in production. It is read by its semantic version, which only the list of environments tells; `None`
/// where that has none.
async fn production_version(
    target: &Target<'_>,
    id: &str,
) -> Result<Option<wire::AgentVersion>, ProviderError> {
    let segments = ["v2", "agents", id, "environments"];
    let answer = ask(target, "/v2/agents/{id}/environments", &segments, &[]).await?;
    let environments: Vec<wire::Environment> = envelope::read_data(&answer, target, VERSION)?;
    let semver = environments
        .into_iter()
        .find(is_production)
        .and_then(|production| production.current_version)
        .and_then(|version| version.semver);
    let Some(semver) = semver else {
        return Ok(None);
    };
    let segments = ["v2", "agents", id, "versions", path_id(&semver)?];
    let answer = ask(target, "/v2/agents/{id}/versions/{semver}", &segments, &[]).await?;
    envelope::read_data(&answer, target, VERSION).map(Some)
}

/// The newest saved version, which runs until one is promoted; a fresh agent has none.
async fn latest_version(
    target: &Target<'_>,
    id: &str,
) -> Result<Option<wire::AgentVersion>, ProviderError> {
    let segments = ["v2", "agents", id, "versions", "latest"];
    let answer = ask(target, "/v2/agents/{id}/versions/latest", &segments, &[]).await?;
    if envelope::error_code(&answer).as_deref() == Some("NO_VERSIONS") {
        return Ok(None);
    }
    envelope::read_data(&answer, target, VERSION).map(Some)
}

fn check_id(told: &str, asked: &str, subject: Subject) -> Result<(), ProviderError> {
    if told == asked {
        return Ok(());
    }
    Err(ProviderError::Malformed {
        what: format!("{} is another one than was asked for", subject.name),
    })
}
