//! Bland's client: which requests answer the questions of [`VoiceProvider`]. `agents` and `numbers` ask them, `envelope`
//! says what an answer means, `wire` knows the JSON, `convert` turns it into the product's words, `paging` walks the
//! lists; `calls` is a folder of its own. Nothing here retries or stores; every text of Bland's is scrubbed before it leaves (K13).

mod agents;
mod calls;
mod convert;
mod creation;
mod envelope;
mod numbers;
mod paging;
mod placing;
mod wire;

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::http::{Answer, ApiRequest, Authorization, Shape};
use super::{
    AgentDefinition, Capability, Created, Fitted, NotCreated, Page, ProviderError, ProviderInfo,
    ProviderKind, RemoteAccount, RemoteAgent, RemoteEngine, RemoteNumber, RemoteVoice, Target,
    Validation, ValidationOutcome, VoiceProvider, info, probe,
};
use envelope::Subject;

/// Bland.
#[derive(Debug, Clone, Copy)]
pub struct Bland;

const CALLS: Subject = Subject {
    capability: Capability::ReadCalls,
    name: "the list of calls",
};
// Nothing on the list of capabilities is lost with these two, so a refusal of them names the nearest one.
const ACCOUNT: Subject = Subject {
    capability: Capability::ListAgents,
    name: "the account",
};
const VOICES: Subject = Subject {
    capability: Capability::ListAgents,
    name: "the list of voices",
};

#[async_trait]
impl VoiceProvider for Bland {
    fn info(&self) -> &'static ProviderInfo {
        info(ProviderKind::Bland)
    }

    async fn validate(&self, target: &Target<'_>) -> Result<Validation, ProviderError> {
        let balance = balance(target).await;
        match &balance {
            Ok(_)
            | Err(ProviderError::MissingPermission { .. } | ProviderError::NoFunds { .. }) => {}
            Err(error) => return Err(error.clone()),
        }
        let (personas, numbers, calls, account_id) = tokio::join!(
            agents::may_list(target),
            numbers::may_list(target),
            may_read_calls(target),
            agents::account_id(target),
        );
        let probes = [
            (Capability::ListAgents, personas),
            (Capability::ListNumbers, numbers),
            (Capability::ReadCalls, calls),
        ];
        // The account's answer proves that the key is accepted, and so does any other; without one, a refusal is one.
        let is_accepted = !matches!(balance, Err(ProviderError::MissingPermission { .. }))
            || probe::is_accepted(probes.iter().map(|(_, result)| result));
        if !is_accepted
            && let Some(Err(refused)) = probes
                .iter()
                .map(|(_, result)| result)
                .find(|result| matches!(result, Err(ProviderError::InvalidKey { .. })))
        {
            return Err(refused.clone());
        }
        let account = account_id.map(|remote_id| RemoteAccount {
            remote_id,
            name: None,
        });
        let mut validation = probe::summarise(account, probes);
        let unfunded = match balance {
            Err(ProviderError::NoFunds { message }) => Some(message),
            Ok(Some(balance)) if balance <= 0.0 => {
                Some(Some(format!("The balance is {balance:.2}.")))
            }
            _ => None,
        };
        if let Some(message) = unfunded {
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
        agents::list(target, cursor).await
    }

    async fn get_agent(
        &self,
        target: &Target<'_>,
        remote_id: &str,
    ) -> Result<RemoteAgent, ProviderError> {
        agents::get(target, remote_id).await
    }

    async fn list_engines(
        &self,
        _target: &Target<'_>,
        _cursor: Option<&str>,
    ) -> Result<Option<Page<RemoteEngine>>, ProviderError> {
        Ok(None)
    }

    async fn list_numbers(
        &self,
        target: &Target<'_>,
        _cursor: Option<&str>,
    ) -> Result<Page<RemoteNumber>, ProviderError> {
        numbers::list(target).await
    }

    async fn list_voices(
        &self,
        target: &Target<'_>,
        _cursor: Option<&str>,
    ) -> Result<Option<Page<RemoteVoice>>, ProviderError> {
        let answer = get(target, "/v1/voices", &["v1", "voices"], &[]).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let voices: wire::VoiceList = match envelope::read(&answer, target, Shape::Object, VOICES) {
            Ok(voices) => voices,
            // A key that may not list voices still has those that its agents use.
            Err(ProviderError::MissingPermission { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_complete = voices.voices.unreadable == 0;
        let items: Vec<RemoteVoice> = voices
            .voices
            .readable
            .into_iter()
            .filter_map(convert::voice)
            .collect();
        Ok(Some(Page {
            total: Some(items.len() as u64),
            items,
            next: None,
            is_complete,
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
        placing::update(target, remote_id, &fit(definition).definition).await
    }

    async fn detach_number(
        &self,
        target: &Target<'_>,
        remote_id: &str,
        _carrier: &str,
    ) -> Result<(), ProviderError> {
        numbers::detach(target, remote_id).await
    }
}

/// What is left of a definition at Bland.
pub(super) fn fit(definition: &AgentDefinition) -> Fitted {
    creation::fit(definition)
}

/// What the account has left; `None` where the answer does not tell. Its `status` has no documented word but `active`,
/// so nothing is concluded from another.
async fn balance(target: &Target<'_>) -> Result<Option<f64>, ProviderError> {
    let answer = get(target, "/v1/me", &["v1", "me"], &[]).await?;
    answer.check_list_exists(ACCOUNT.name)?;
    let me: wire::Me = envelope::read(&answer, target, Shape::Object, ACCOUNT)?;
    Ok(me.billing.and_then(|billing| billing.current_balance))
}

async fn may_read_calls(target: &Target<'_>) -> Result<(), ProviderError> {
    let answer = get(target, "/v1/calls", &["v1", "calls"], &[("limit", "1")]).await?;
    answer.check_list_exists(CALLS.name)?;
    envelope::read::<wire::CallList>(&answer, target, Shape::Object, CALLS).map(|_| ())
}

async fn get(
    target: &Target<'_>,
    route: &'static str,
    segments: &[&str],
    query: &[(&str, &str)],
) -> Result<Answer, ProviderError> {
    request(target, Method::GET, route, segments, query, None).await
}

async fn post(
    target: &Target<'_>,
    route: &'static str,
    segments: &[&str],
    body: &Value,
) -> Result<Answer, ProviderError> {
    request(target, Method::POST, route, segments, &[], Some(body)).await
}

async fn request(
    target: &Target<'_>,
    method: Method,
    route: &'static str,
    segments: &[&str],
    query: &[(&str, &str)],
    body: Option<&Value>,
) -> Result<Answer, ProviderError> {
    let request = ApiRequest {
        provider: ProviderKind::Bland,
        authorization: Authorization::Bare,
        method,
        route,
        segments,
        query,
        body,
    };
    target.http.send(target, &request).await
}

#[cfg(test)]
mod tests;
