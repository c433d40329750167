//! Vapi's client: which requests answer the questions of [`VoiceProvider`], and what Vapi's statuses mean.
//! `wire` knows the JSON, `convert` turns it into the product's words, `paging` walks the lists; calls have a folder of their own. Nothing here retries or
//! stores; every text of Vapi's is scrubbed before it leaves (K13).

mod calls;
mod convert;
mod creation;
mod paging;
mod wire;

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::http::{Answer, ApiRequest, Authorization, Shape, path_id, scrub_message};
use super::{
    AgentDefinition, Capability, Created, Fitted, NotCreated, Page, ProviderError, ProviderInfo,
    ProviderKind, RemoteAccount, RemoteAgent, RemoteEngine, RemoteNumber, RemoteVoice, Target,
    Unavailable, Validation, VoiceProvider, cursor, info, probe,
};
use paging::{NumberCursor, PAGE_LIMIT, TimeCursor};

/// Vapi.
#[derive(Debug, Clone, Copy)]
pub struct Vapi;

/// A read-only request that shows whether a key may do something.
struct Probe {
    capability: Capability,
    route: &'static str,
    segment: &'static str,
    subject: &'static str,
}

const LIST_ASSISTANTS: Probe = Probe {
    capability: Capability::ListAgents,
    route: "/assistant",
    segment: "assistant",
    subject: "the list of assistants",
};
const LIST_NUMBERS: Probe = Probe {
    capability: Capability::ListNumbers,
    route: "/phone-number",
    segment: "phone-number",
    subject: "the list of phone numbers",
};
const LIST_CALLS: Probe = Probe {
    capability: Capability::ReadCalls,
    route: "/call",
    segment: "call",
    subject: "the list of calls",
};

#[async_trait]
impl VoiceProvider for Vapi {
    fn info(&self) -> &'static ProviderInfo {
        info(ProviderKind::Vapi)
    }

    async fn validate(&self, target: &Target<'_>) -> Result<Validation, ProviderError> {
        let first = ask(target, &LIST_ASSISTANTS).await;
        match &first {
            Ok(_)
            | Err(ProviderError::MissingPermission { .. } | ProviderError::NoFunds { .. }) => {}
            Err(error) => return Err(error.clone()),
        }
        let (numbers, calls) = tokio::join!(ask(target, &LIST_NUMBERS), ask(target, &LIST_CALLS));
        if first.is_err()
            && let Some(refused) = [&numbers, &calls]
                .into_iter()
                .find(|result| matches!(result, Err(ProviderError::InvalidKey { .. })))
        {
            return Err(refused
                .clone()
                .err()
                .unwrap_or(ProviderError::InvalidKey { message: None }));
        }
        let probes = [
            (LIST_ASSISTANTS, first),
            (LIST_NUMBERS, numbers),
            (LIST_CALLS, calls),
        ];
        let account = probes
            .iter()
            .find_map(|(_, result)| result.as_ref().ok().cloned().flatten());
        let account = account.map(|remote_id| RemoteAccount {
            remote_id,
            name: None,
        });
        let results = probes.map(|(probe, result)| (probe.capability, result.map(|_| ())));
        Ok(probe::summarise(account, results))
    }

    async fn list_agents(
        &self,
        target: &Target<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteAgent>, ProviderError> {
        let position: Option<TimeCursor> = cursor::decode(cursor)?;
        let limit = PAGE_LIMIT.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(position.as_ref().map(TimeCursor::query));
        let answer = request(
            target,
            Method::GET,
            LIST_ASSISTANTS.route,
            &[LIST_ASSISTANTS.segment],
            &query,
            None,
        )
        .await?;
        let page = read_list(&answer, target, &LIST_ASSISTANTS)?;
        let step = paging::step_by_time(position.as_ref(), page, PAGE_LIMIT);
        Ok(Page {
            items: step.new.into_iter().map(convert::agent).collect(),
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
        let answer = one_assistant(target, Method::GET, remote_id, None).await?;
        read_assistant(&answer, target, Some(remote_id))
    }

    async fn list_numbers(
        &self,
        target: &Target<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<RemoteNumber>, ProviderError> {
        let position: Option<NumberCursor> = cursor::decode(cursor)?;
        let limit = PAGE_LIMIT.to_string();
        let page = position
            .as_ref()
            .map_or(1, |cursor| cursor.page)
            .to_string();
        // Oldest first: a number that is bought on the way comes last and moves no other to another page.
        let query = [
            ("page", page.as_str()),
            ("limit", limit.as_str()),
            ("sortBy", "createdAt"),
            ("sortOrder", "ASC"),
        ];
        let answer = request(
            target,
            Method::GET,
            "/v2/phone-number",
            &["v2", "phone-number"],
            &query,
            None,
        )
        .await?;
        let subject = LIST_NUMBERS.subject;
        answer.check_list_exists(subject)?;
        let page = read(
            &answer,
            target,
            Capability::ListNumbers,
            Shape::Object,
            subject,
        )?;
        let (total, step) = paging::number_step(position.as_ref(), page)?;
        Ok(Page {
            items: step.new.into_iter().map(convert::number).collect(),
            next: step.next.as_ref().and_then(cursor::encode),
            total: Some(total),
            is_complete: step.is_complete,
        })
    }

    async fn list_engines(
        &self,
        _target: &Target<'_>,
        _cursor: Option<&str>,
    ) -> Result<Option<Page<RemoteEngine>>, ProviderError> {
        Ok(None)
    }

    async fn list_voices(
        &self,
        _target: &Target<'_>,
        _cursor: Option<&str>,
    ) -> Result<Option<Page<RemoteVoice>>, ProviderError> {
        Ok(None)
    }

    async fn create_agent(
        &self,
        target: &Target<'_>,
        definition: &AgentDefinition,
        marker: &str,
    ) -> Result<Created, NotCreated> {
        let assistant = creation::new_assistant(&fit(definition).definition, marker);
        create_assistant(target, &json!(assistant))
            .await
            .map(|agent| Created {
                agent,
                unfinished: None,
            })
            .map_err(NotCreated::by_answer)
    }

    async fn update_agent(
        &self,
        target: &Target<'_>,
        remote_id: &str,
        definition: &AgentDefinition,
    ) -> Result<RemoteAgent, ProviderError> {
        let answer = one_assistant(target, Method::GET, remote_id, None).await?;
        let before = read(
            &answer,
            target,
            Capability::ListAgents,
            Shape::Object,
            ASSISTANT,
        )?;
        let changes = creation::changes(&fit(definition).definition, &before);
        let answer = one_assistant(target, Method::PATCH, remote_id, Some(&changes)).await?;
        read_assistant(&answer, target, Some(remote_id))
    }

    async fn detach_number(
        &self,
        target: &Target<'_>,
        remote_id: &str,
        carrier: &str,
    ) -> Result<(), ProviderError> {
        let change = json!({ "provider": carrier, "assistantId": null });
        let number = change_number(target, remote_id, &change).await?;
        if !number.is_answering {
            return Ok(());
        }
        // A squad or a workflow answers it. They are named only now, because most numbers have neither.
        let change = json!({ "provider": carrier, "assistantId": null, "squadId": null, "workflowId": null });
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

/// What is left of a definition at Vapi.
pub(super) fn fit(definition: &AgentDefinition) -> Fitted {
    creation::fit(definition)
}

const ASSISTANT: &str = "the assistant";

async fn create_assistant(
    target: &Target<'_>,
    assistant: &Value,
) -> Result<RemoteAgent, ProviderError> {
    let answer = request(
        target,
        Method::POST,
        "/assistant",
        &["assistant"],
        &[],
        Some(assistant),
    )
    .await?;
    read_assistant(&answer, target, None)
}

/// Reads or changes one assistant.
async fn one_assistant(
    target: &Target<'_>,
    method: Method,
    remote_id: &str,
    change: Option<&Value>,
) -> Result<Answer, ProviderError> {
    let segments = ["assistant", path_id(remote_id)?];
    request(target, method, "/assistant/{id}", &segments, &[], change).await
}

fn read_assistant(
    answer: &Answer,
    target: &Target<'_>,
    asked: Option<&str>,
) -> Result<RemoteAgent, ProviderError> {
    let assistant: wire::Assistant = read(
        answer,
        target,
        Capability::ListAgents,
        Shape::Object,
        ASSISTANT,
    )?;
    if asked.is_some_and(|asked| assistant.id != asked) {
        return Err(ProviderError::Malformed {
            what: "it is another assistant than was asked for".to_owned(),
        });
    }
    Ok(convert::agent(assistant))
}

/// Asks for one item of a list. `Some` is the account that it belongs to.
async fn ask(target: &Target<'_>, probe: &Probe) -> Result<Option<String>, ProviderError> {
    let answer = request(
        target,
        Method::GET,
        probe.route,
        &[probe.segment],
        &[("limit", "1")],
        None,
    )
    .await?;
    let items: Vec<wire::Owned> = read_list(&answer, target, probe)?;
    Ok(items.into_iter().find_map(|item| item.org_id))
}

async fn change_number(
    target: &Target<'_>,
    remote_id: &str,
    change: &Value,
) -> Result<RemoteNumber, ProviderError> {
    let segments = ["phone-number", path_id(remote_id)?];
    let answer = request(
        target,
        Method::PATCH,
        "/phone-number/{id}",
        &segments,
        &[],
        Some(change),
    )
    .await?;
    read(
        &answer,
        target,
        Capability::ListNumbers,
        Shape::Object,
        "the phone number",
    )
    .map(convert::number)
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
        provider: ProviderKind::Vapi,
        authorization: Authorization::Bearer,
        method,
        route,
        segments,
        query,
        body,
    };
    target.http.send(target, &request).await
}

fn read_list<T: DeserializeOwned>(
    answer: &Answer,
    target: &Target<'_>,
    probe: &Probe,
) -> Result<Vec<T>, ProviderError> {
    answer.check_list_exists(probe.subject)?;
    read(answer, target, probe.capability, Shape::List, probe.subject)
}

fn read<T: DeserializeOwned>(
    answer: &Answer,
    target: &Target<'_>,
    capability: Capability,
    shape: Shape,
    subject: &str,
) -> Result<T, ProviderError> {
    if answer.status.is_success() {
        answer.json(shape, subject)
    } else {
        Err(failure(answer, target, capability))
    }
}

/// What a status other than success means at Vapi.
fn failure(answer: &Answer, target: &Target<'_>, capability: Capability) -> ProviderError {
    let status = answer.status;
    let text = answer
        .json_if_any::<wire::ErrorBody>()
        .and_then(wire::ErrorBody::text);
    let is_vapis_own = text.is_some();
    let is_about_money = text.as_deref().is_some_and(is_about_money);
    let is_about_concurrency = text.as_deref().is_some_and(is_about_concurrency);
    let message = text.and_then(|text| scrub_message(&text, target.key));
    match status {
        StatusCode::UNAUTHORIZED => ProviderError::InvalidKey { message },
        StatusCode::PAYMENT_REQUIRED => ProviderError::NoFunds { message },
        StatusCode::BAD_REQUEST if is_about_concurrency => ProviderError::RateLimited {
            after: answer.retry_after,
            message,
        },
        StatusCode::BAD_REQUEST if is_about_money => ProviderError::NoFunds { message },
        StatusCode::FORBIDDEN if is_vapis_own => ProviderError::MissingPermission {
            which: Some(capability),
            message,
        },
        StatusCode::NOT_FOUND if is_vapis_own => ProviderError::NotFound,
        StatusCode::TOO_MANY_REQUESTS => ProviderError::RateLimited {
            after: answer.retry_after,
            message,
        },
        // A page of something in between, such as a firewall, says nothing about the key or the item.
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::REQUEST_TIMEOUT => {
            ProviderError::Unavailable {
                reason: Unavailable::Status(status.as_u16()),
                message,
            }
        }
        _ if status.is_server_error() => ProviderError::Unavailable {
            reason: Unavailable::Status(status.as_u16()),
            message,
        },
        _ => ProviderError::Rejected {
            status: status.as_u16(),
            message,
        },
    }
}

/// Vapi tells some billing refusals only by their text.
fn is_about_money(text: &str) -> bool {
    let text = text.to_lowercase();
    ["billing", "credit", "wallet", "subscription"]
        .iter()
        .any(|word| text.contains(word))
}

/// Too many calls at once is told by a text that names the subscription too, and is over by itself.
fn is_about_concurrency(text: &str) -> bool {
    text.to_lowercase().contains("concurren")
}

#[cfg(test)]
mod tests;
