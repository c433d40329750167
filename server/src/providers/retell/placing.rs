//! Making and changing an agent at Retell, which takes several requests: a language model, the agent that names it, and the
//! publishing of its version. It owns their order, and that nothing made on the way is lost: a language model whose agent
//! was refused is deleted, or said. It never sends the same request again.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::providers::http::{Answer, Shape, path_id};
use crate::providers::{
    AgentDefinition, Capability, Created, NotCreated, ProviderError, RemoteAgent, Target,
};

use super::request::{Request, check, read, send};
use super::{ask_agent, convert, creation, llm_of, wire};

const AGENT: &str = "the agent";
const LANGUAGE_MODEL: &str = "the language model";

/// Makes a language model and its agent, and publishes it.
pub(super) async fn create(
    target: &Target<'_>,
    definition: &AgentDefinition,
    marker: &str,
) -> Result<Created, NotCreated> {
    let llm = create_llm(target, &json!(creation::new_llm(definition, marker)))
        .await
        .map_err(NotCreated::before)?;
    let llm_id = llm.llm_id.clone();
    let agent = match create_agent(target, &json!(creation::new_agent(definition, &llm_id))).await {
        Ok(agent) => agent,
        Err(error) => return Err(without_agent(target, llm_id, error).await),
    };
    let (agent_id, version) = (agent.agent_id.clone(), agent.version);
    let engine = convert::engine(llm_id, llm.last_modification_timestamp);
    let agent = convert::with_llm(convert::agent(agent), llm, engine);
    let unfinished = publish(target, &agent_id, version).await.err();
    Ok(Created {
        // The list tells another time of change than this answer does, so that none is known yet.
        agent: RemoteAgent {
            remote_updated_at_ms: None,
            ..agent
        },
        unfinished,
    })
}

/// What becomes of a language model that has no agent. Where the agent may be there, it may be the agent's.
async fn without_agent(target: &Target<'_>, llm_id: String, error: ProviderError) -> NotCreated {
    let not_created = NotCreated::by_answer(error);
    if not_created.may_exist {
        return not_created;
    }
    let left_behind = delete_llm(target, &llm_id).await.err().map(|_| llm_id);
    NotCreated {
        left_behind,
        ..not_created
    }
}

/// Writes a definition over an agent and over the language model that answers for it. Another engine keeps its words.
pub(super) async fn update(
    target: &Target<'_>,
    remote_id: &str,
    definition: &AgentDefinition,
) -> Result<(), ProviderError> {
    let before = ask_agent(target, remote_id).await?;
    let llm = before.response_engine.as_ref().and_then(llm_of);
    if let Some((llm_id, _)) = llm {
        let segments = ["update-retell-llm", llm_id];
        let changes = creation::llm_changes(definition);
        let answer = change(
            target,
            Method::PATCH,
            "/update-retell-llm/{id}",
            &segments,
            &changes,
        );
        check(&answer.await?, target, Capability::ListAgents)?;
    }
    let segments = ["update-agent", path_id(remote_id)?];
    let changes = creation::agent_changes(definition);
    let answer = change(
        target,
        Method::PATCH,
        "/update-agent/{id}",
        &segments,
        &changes,
    )
    .await?;
    let agent: wire::Agent = read(
        &answer,
        target,
        Capability::ListAgents,
        Shape::Object,
        AGENT,
    )?;
    publish(target, remote_id, agent.version).await
}

async fn create_llm(target: &Target<'_>, body: &Value) -> Result<wire::Llm, ProviderError> {
    let segments = ["create-retell-llm"];
    let answer = change(target, Method::POST, "/create-retell-llm", &segments, body).await?;
    read(
        &answer,
        target,
        Capability::ListAgents,
        Shape::Object,
        LANGUAGE_MODEL,
    )
}

async fn create_agent(target: &Target<'_>, body: &Value) -> Result<wire::Agent, ProviderError> {
    let segments = ["create-agent"];
    let answer = change(target, Method::POST, "/create-agent", &segments, body).await?;
    read(
        &answer,
        target,
        Capability::ListAgents,
        Shape::Object,
        AGENT,
    )
}

async fn delete_llm(target: &Target<'_>, llm_id: &str) -> Result<(), ProviderError> {
    let segments = ["delete-retell-llm", path_id(llm_id)?];
    let call = Request {
        method: Method::DELETE,
        ..Request::get("/delete-retell-llm/{id}", &segments)
    };
    let answer = send(target, &call).await?;
    check(&answer, target, Capability::ListAgents)
}

/// Publishes a version, without which calls that ask for the published one do not find it. The SDK names the first path;
/// by a public note of a user the second is the one that works.
async fn publish(
    target: &Target<'_>,
    agent_id: &str,
    version: Option<f64>,
) -> Result<(), ProviderError> {
    // The SDK types a version as a number in answers and as `int` in requests.
    let body = match version.and_then(|version| format!("{version:.0}").parse::<u64>().ok()) {
        Some(version) => json!({ "version": version }),
        None => json!({}),
    };
    let segments = ["publish-agent-version", path_id(agent_id)?];
    let answer = change(
        target,
        Method::POST,
        "/publish-agent-version/{id}",
        &segments,
        &body,
    );
    let mut answer = answer.await?;
    if answer.status == StatusCode::NOT_FOUND {
        let segments = ["publish-agent", path_id(agent_id)?];
        answer = change(
            target,
            Method::POST,
            "/publish-agent/{id}",
            &segments,
            &body,
        )
        .await?;
    }
    check(&answer, target, Capability::ListAgents)
}

async fn change(
    target: &Target<'_>,
    method: Method,
    route: &'static str,
    segments: &[&str],
    body: &Value,
) -> Result<Answer, ProviderError> {
    let call = Request {
        method,
        body: Some(body),
        ..Request::get(route, segments)
    };
    send(target, &call).await
}
