//! Retell's client: which requests answer the questions of [`VoiceProvider`]. `request` sends them and knows what Retell's
//! statuses mean, `wire` knows the JSON, `convert` turns it into the product's words, `paging` walks the lists. Lists of
//! agents are thin: a second and a third request have the rest. Nothing here retries or stores.

mod calls;
mod convert;
mod creation;
mod paging;
mod placing;
mod request;
mod wire;

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::http::{Shape, path_id};
use super::{
    AgentDefinition, Capability, Created, Fitted, NotCreated, Page, ProviderError, ProviderInfo,
    ProviderKind, RemoteAccount, RemoteAgent, RemoteEngine, RemoteNumber, RemoteVoice, Target,
    Validation, ValidationOutcome, VoiceProvider, cursor, info, probe,
};
use paging::{Cursor, PAGE_LIMIT};
use request::{Request, read, read_list, read_whole, send};

/// Retell.
#[derive(Debug, Clone, Copy)]
pub struct Retell;

const AGENTS: &str = "the list of agents";
const NUMBERS: &str = "the list of phone numbers";
const CALLS: &str = "the list of calls";
const LANGUAGE_MODELS: &str = "the list of language models";
const VOICES: &str = "the list of voices";

#[async_trait]
impl VoiceProvider for Retell {
    fn info(&self) -> &'static ProviderInfo {
        info(ProviderKind::Retell)
    }

    async fn validate(&self, target: &Target<'_>) -> Result<Validation, ProviderError> {
        let identity = identity(target).await;
        match &identity {
            Ok(_)
            | Err(ProviderError::MissingPermission { .. } | ProviderError::NoFunds { .. }) => {}
            Err(error) => return Err(error.clone()),
        }
        let (agents, numbers, calls) = tokio::join!(
            probe_agents(target),
            probe_numbers(target),
            probe_calls(target)
        );
        let results = [&agents, &numbers, &calls];
        // Without funds the key is known all the same.
        if matches!(identity, Err(ProviderError::MissingPermission { .. }))
            && let Some(error) = not_accepted(&results)
        {
            return Err(error);
        }
        let account = identity.as_ref().ok().cloned().flatten();
        let probes = [
            (Capability::ListAgents, agents),
            (Capability::ListNumbers, numbers),
            (Capability::ReadCalls, calls),
        ];
        let mut validation = probe::summarise(account, probes);
        if let Err(ProviderError::NoFunds { message }) = identity {
            validation.outcome = ValidationOutcome::NoFunds;
            validation.message = message;
        }
        Ok(validation)
    }

    async fn list_agents(
        &self,
        target: &Target<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteAgent>, ProviderError> {
        let position: Option<Cursor> = cursor::decode(cursor)?;
        let body = voice_agents();
        let query = page_query(position.as_ref());
        let answer = send(target, &list_agents_call(&query, &body)).await?;
        if answer.status == StatusCode::NOT_FOUND && position.is_none() {
            return list_agents_of_old(target).await;
        }
        let page: wire::ListPage<wire::AgentItem> =
            read_list(&answer, target, Capability::ListAgents, AGENTS)?;
        let step = paging::step(position.as_ref(), page, |item| (&item.agent_id, None));
        let agents = step
            .items
            .into_iter()
            .filter(|item| item.channel.as_deref() != Some("chat"));
        Ok(Page {
            items: agents.map(convert::listed_agent).collect(),
            next: step.next.as_ref().and_then(cursor::encode),
            total: None,
            is_complete: step.is_complete,
        })
    }

    async fn get_agent(
        &self,
        target: &Target<'_>,
        remote_id: &str,
    ) -> Result<RemoteAgent, ProviderError> {
        let agent = ask_agent(target, remote_id).await?;
        let engine = agent.response_engine.clone();
        let agent = convert::agent(agent);
        match engine.as_ref().and_then(llm_of) {
            Some((llm_id, version)) => add_llm(target, agent, llm_id, version).await,
            // A flow or somebody's own server answers: Retell holds no prompt and no model of it that could be read.
            None => Ok(RemoteAgent {
                is_whole: true,
                ..agent
            }),
        }
    }

    async fn list_engines(
        &self,
        target: &Target<'_>,
        cursor: Option<&str>,
    ) -> Result<Option<Page<RemoteEngine>>, ProviderError> {
        let position: Option<Cursor> = cursor::decode(cursor)?;
        let query = page_query(position.as_ref());
        let call =
            Request::get("/v2/list-retell-llms", &["v2", "list-retell-llms"]).with_query(&query);
        let answer = send(target, &call).await?;
        if answer.status == StatusCode::NOT_FOUND && position.is_none() {
            return Ok(None);
        }
        let page: wire::ListPage<wire::LlmItem> =
            read_list(&answer, target, Capability::ListAgents, LANGUAGE_MODELS)?;
        let step = paging::step(position.as_ref(), page, |item| (&item.llm_id, item.version));
        let engines = step
            .items
            .into_iter()
            .filter_map(|item| convert::engine(item.llm_id, item.last_modification_timestamp));
        Ok(Some(Page {
            items: engines.collect(),
            next: step.next.as_ref().and_then(cursor::encode),
            total: None,
            is_complete: step.is_complete,
        }))
    }

    async fn list_numbers(
        &self,
        target: &Target<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteNumber>, ProviderError> {
        let position: Option<Cursor> = cursor::decode(cursor)?;
        let query = page_query(position.as_ref());
        let answer = send(target, &list_numbers_call(&query)).await?;
        let page: wire::ListPage<wire::PhoneNumber> =
            read_list(&answer, target, Capability::ListNumbers, NUMBERS)?;
        let step = paging::step(position.as_ref(), page, |item| (&item.phone_number, None));
        Ok(Page {
            items: step.items.into_iter().map(convert::number).collect(),
            next: step.next.as_ref().and_then(cursor::encode),
            total: None,
            is_complete: step.is_complete,
        })
    }

    async fn list_voices(
        &self,
        target: &Target<'_>,
        _cursor: Option<&str>,
    ) -> Result<Option<Page<RemoteVoice>>, ProviderError> {
        let answer = send(target, &Request::get("/list-voices", &["list-voices"])).await?;
        let voices: Vec<wire::VoiceItem> =
            read_whole(&answer, target, Capability::ListAgents, Shape::List, VOICES)?;
        let voices = paging::unique(voices, |voice| (&voice.voice_id, None));
        Ok(Some(Page {
            items: voices.into_iter().map(convert::listed_voice).collect(),
            next: None,
            total: None,
            is_complete: true,
        }))
    }

    async fn create_agent(
        &self,
        target: &Target<'_>,
        definition: &AgentDefinition,
        marker: &str,
    ) -> Result<Created, NotCreated> {
        placing::create(target, &fit(definition).definition, marker).await
    }

    async fn update_agent(
        &self,
        target: &Target<'_>,
        remote_id: &str,
        definition: &AgentDefinition,
    ) -> Result<RemoteAgent, ProviderError> {
        placing::update(target, remote_id, &fit(definition).definition).await?;
        self.get_agent(target, remote_id).await
    }

    async fn detach_number(
        &self,
        target: &Target<'_>,
        remote_id: &str,
        _carrier: &str,
    ) -> Result<(), ProviderError> {
        // Only the inbound side: the number keeps the agents that call out from it.
        let change = json!({ "inbound_agents": [] });
        if !change_number(target, remote_id, &change)
            .await?
            .is_answering
        {
            return Ok(());
        }
        // A webhook chooses the agent at each call. It is named only now, because most numbers have none.
        let change = json!({ "inbound_agents": [], "inbound_webhook_url": null });
        if change_number(target, remote_id, &change)
            .await?
            .is_answering
        {
            return Err(ProviderError::Malformed {
                what: "the number is still attached, though the change was accepted".to_owned(),
            });
        }
        Ok(())
    }
}

/// What is left of a definition at Retell.
pub(super) fn fit(definition: &AgentDefinition) -> Fitted {
    creation::fit(definition)
}

async fn ask_agent(target: &Target<'_>, remote_id: &str) -> Result<wire::Agent, ProviderError> {
    let segments = ["get-agent", path_id(remote_id)?];
    let answer = send(target, &Request::get("/get-agent/{id}", &segments)).await?;
    let agent: wire::Agent = read(
        &answer,
        target,
        Capability::ListAgents,
        Shape::Object,
        "the agent",
    )?;
    if agent.agent_id != remote_id {
        return Err(ProviderError::Malformed {
            what: "it is another agent than was asked for".to_owned(),
        });
    }
    Ok(agent)
}

/// The account that the key opens. `Ok(None)`: Retell accepts the key and names no account.
async fn identity(target: &Target<'_>) -> Result<Option<RemoteAccount>, ProviderError> {
    let capability = Capability::ListAgents;
    let call = Request::get("/get-api-key-info", &["get-api-key-info"]);
    let answer = send(target, &call).await?;
    if answer.status == StatusCode::NOT_FOUND {
        // Not in Retell's specification, only in its SDKs; this one is in both.
        let subject = "the concurrency of the account";
        let call = Request::get("/get-concurrency", &["get-concurrency"]);
        let answer = send(target, &call).await?;
        let _: wire::Concurrency = read_whole(&answer, target, capability, Shape::Object, subject)?;
        return Ok(None);
    }
    let subject = "the description of the key";
    let info: wire::ApiKeyInfo = read_whole(&answer, target, capability, Shape::Object, subject)?;
    Ok(Some(RemoteAccount {
        remote_id: info.org_id,
        name: info.org_name.filter(|name| !name.is_empty()),
    }))
}

/// Why a key that may not be described is none that Retell accepts, when no other answer shows that it does.
fn not_accepted(results: &[&Result<(), ProviderError>]) -> Option<ProviderError> {
    if probe::is_accepted(results.iter().copied()) {
        return None;
    }
    let refused = |result: &&&Result<(), ProviderError>| {
        matches!(result, Err(ProviderError::InvalidKey { .. }))
    };
    let is_limited = results
        .iter()
        .any(|result| matches!(result, Err(ProviderError::MissingPermission { .. })));
    let error = match results.iter().find(refused) {
        Some(result) => result,
        None if is_limited => return None,
        None => results.first()?,
    };
    error.as_ref().err().cloned()
}

async fn probe_agents(target: &Target<'_>) -> Result<(), ProviderError> {
    let body = voice_agents();
    let answer = send(target, &list_agents_call(&[("limit", "1")], &body)).await?;
    if answer.status == StatusCode::NOT_FOUND {
        return list_agents_of_old(target).await.map(|_| ());
    }
    read_list::<wire::AnyItem>(&answer, target, Capability::ListAgents, AGENTS).map(|_| ())
}

async fn probe_numbers(target: &Target<'_>) -> Result<(), ProviderError> {
    let answer = send(target, &list_numbers_call(&[("limit", "1")])).await?;
    read_list::<wire::AnyItem>(&answer, target, Capability::ListNumbers, NUMBERS).map(|_| ())
}

async fn probe_calls(target: &Target<'_>) -> Result<(), ProviderError> {
    let body = json!({ "limit": 1 });
    let call = Request {
        method: Method::POST,
        body: Some(&body),
        ..Request::get("/v3/list-calls", &["v3", "list-calls"])
    };
    let answer = send(target, &call).await?;
    read_list::<wire::AnyItem>(&answer, target, Capability::ReadCalls, CALLS).map(|_| ())
}

/// The list before version 2, for a Retell that does not have the new one: whole agents, a row for each version, no pages.
async fn list_agents_of_old(target: &Target<'_>) -> Result<Page<RemoteAgent>, ProviderError> {
    let answer = send(target, &Request::get("/list-agents", &["list-agents"])).await?;
    let agents: Vec<wire::Agent> =
        read_whole(&answer, target, Capability::ListAgents, Shape::List, AGENTS)?;
    // It answers a thousand rows at most, so that a full one may have been cut.
    let is_complete = agents.len() < PAGE_LIMIT;
    let agents = paging::unique(agents, |agent| (&agent.agent_id, agent.version))
        .into_iter()
        .filter(|agent| agent.channel.as_deref() != Some("chat"));
    Ok(Page {
        items: agents.map(convert::agent).collect(),
        next: None,
        total: None,
        is_complete,
    })
}

/// The language model that answers for an agent, and in which version, if it is one of Retell's own.
fn llm_of(engine: &wire::ResponseEngine) -> Option<(&str, Option<f64>)> {
    let llm_id = engine
        .llm_id
        .as_deref()
        .filter(|id| engine.kind.as_deref() == Some("retell-llm") && path_id(id).is_ok())?;
    Some((llm_id, engine.version))
}

/// The agent with its language model's part. Whatever that part answers, the agent itself is there: a model that is gone
/// leaves an agent without one, and a model that this key may not read leaves that part unknown.
async fn add_llm(
    target: &Target<'_>,
    agent: RemoteAgent,
    llm_id: &str,
    version: Option<f64>,
) -> Result<RemoteAgent, ProviderError> {
    match read_llm(target, llm_id, version).await {
        Ok((llm, revised_at)) => {
            let engine = convert::engine(llm_id.to_owned(), revised_at);
            Ok(convert::with_llm(agent, llm, engine))
        }
        Err(ProviderError::NotFound) => Ok(RemoteAgent {
            is_whole: true,
            ..agent
        }),
        Err(ProviderError::MissingPermission { .. }) => Ok(agent),
        Err(error) => Err(error),
    }
}

/// The language model in the version that an agent names, with the time of change of its latest one: that is the time which
/// the list of language models tells, so that only it can be compared with the list.
async fn read_llm(
    target: &Target<'_>,
    llm_id: &str,
    version: Option<f64>,
) -> Result<(wire::Llm, Option<i64>), ProviderError> {
    let latest = ask_llm(target, llm_id, &[]).await?;
    let revised_at = latest.last_modification_timestamp;
    let version = version.filter(|version| version.fract() == 0.0 && *version >= 0.0);
    match (version, latest.version) {
        (Some(named), Some(newest)) if named < newest => {
            let named = format!("{named:.0}");
            let llm = ask_llm(target, llm_id, &[("version", &named)]).await?;
            Ok((llm, revised_at))
        }
        _ => Ok((latest, revised_at)),
    }
}

async fn ask_llm(
    target: &Target<'_>,
    llm_id: &str,
    query: &[(&str, &str)],
) -> Result<wire::Llm, ProviderError> {
    let segments = ["get-retell-llm", llm_id];
    let call = Request::get("/get-retell-llm/{id}", &segments).with_query(query);
    let answer = send(target, &call).await?;
    let llm: wire::Llm = read(
        &answer,
        target,
        Capability::ListAgents,
        Shape::Object,
        "the language model",
    )?;
    if llm.llm_id != llm_id {
        return Err(ProviderError::Malformed {
            what: "it is another language model than was asked for".to_owned(),
        });
    }
    Ok(llm)
}

async fn change_number(
    target: &Target<'_>,
    remote_id: &str,
    change: &Value,
) -> Result<RemoteNumber, ProviderError> {
    let segments = ["update-phone-number", path_id(remote_id)?];
    let call = Request {
        method: Method::PATCH,
        body: Some(change),
        ..Request::get("/update-phone-number/{id}", &segments)
    };
    let answer = send(target, &call).await?;
    let number: wire::PhoneNumber = read(
        &answer,
        target,
        Capability::ListNumbers,
        Shape::Object,
        "the phone number",
    )?;
    Ok(convert::number(number))
}

/// Chat agents have no voice, no number and no calls.
fn voice_agents() -> Value {
    json!({ "filter_criteria": { "channel": { "type": "string", "op": "eq", "value": "voice" } } })
}

fn list_agents_call<'a>(query: &'a [(&'a str, &'a str)], body: &'a Value) -> Request<'a> {
    Request {
        method: Method::POST,
        query,
        body: Some(body),
        ..Request::get("/v2/list-agents", &["v2", "list-agents"])
    }
}

fn list_numbers_call<'a>(query: &'a [(&'a str, &'a str)]) -> Request<'a> {
    Request::get("/v2/list-phone-numbers", &["v2", "list-phone-numbers"]).with_query(query)
}

/// Oldest first: what is made on the way comes last and moves nothing to another page.
fn page_query(position: Option<&Cursor>) -> Vec<(&'static str, &str)> {
    let mut query = vec![("limit", PAGE_LIMIT_TEXT), ("sort_order", "ascending")];
    query.extend(position.map(|cursor| ("pagination_key", cursor.key.as_str())));
    query
}

const PAGE_LIMIT_TEXT: &str = "1000";

#[cfg(test)]
mod tests;
