//! Making and changing a persona at Bland. A new one is in production at once; a change is written to the draft and then
//! promoted. Agents of the newer kind and pathways are only read: their words are spread over versions and graphs. It never
//! sends the same request again.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::providers::http::{Answer, Shape, path_id};
use crate::providers::{
    AgentDefinition, Capability, Created, NotCreated, ProviderError, RemoteAgent, Target,
};

use super::convert::{self, AgentId};
use super::envelope::{self, Subject};
use super::{creation, get, post, request, wire};

const PERSONA: Subject = Subject {
    capability: Capability::ListAgents,
    name: "the persona",
};

/// Makes a persona.
pub(super) async fn create(
    target: &Target<'_>,
    definition: &AgentDefinition,
    marker: &str,
) -> Result<Created, NotCreated> {
    let persona = json!(creation::new_persona(definition, marker));
    let made = async {
        let answer = post(target, "/v1/personas", &["v1", "personas"], &persona).await?;
        read(&answer, target)
    };
    let agent = made.await.map_err(NotCreated::by_answer)?;
    Ok(Created {
        agent,
        unfinished: None,
    })
}

/// Writes a definition over a persona and promotes it.
pub(super) async fn update(
    target: &Target<'_>,
    remote_id: &str,
    definition: &AgentDefinition,
) -> Result<RemoteAgent, ProviderError> {
    let AgentId::Persona(id) = AgentId::parse(remote_id) else {
        return Err(ProviderError::Rejected {
            status: 405,
            message: Some(
                "Only personas are changed from here; this agent is edited at Bland.".to_owned(),
            ),
        });
    };
    let segments = ["v1", "personas", path_id(id)?];
    let answer = get(target, "/v1/personas/{id}", &segments, &[]).await?;
    let before: Map<String, Value> = envelope::read_data(&answer, target, PERSONA)?;
    let changes = creation::changes(definition, &before);
    let route = "/v1/personas/{id}";
    let answer = request(target, Method::PATCH, route, &segments, &[], Some(&changes)).await?;
    envelope::check(&answer, target, PERSONA.capability)?;
    let segments = ["v1", "personas", id, "versions", "promote"];
    let route = "/v1/personas/{id}/versions/promote";
    let answer = post(target, route, &segments, &json!({})).await?;
    read(&answer, target)
}

fn read(answer: &Answer, target: &Target<'_>) -> Result<RemoteAgent, ProviderError> {
    let envelope: wire::Enveloped<wire::Persona> =
        envelope::read(answer, target, Shape::Object, PERSONA)?;
    convert::persona(envelope.data).ok_or(ProviderError::NotFound)
}
