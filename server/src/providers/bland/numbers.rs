//! Bland's phone numbers: the list, which comes whole, and how a number stops being answered. A detach is believed only
//! after the number has been read again, because Bland's answers to changes do not say what the number is like then.

use serde_json::json;

use crate::providers::http::{Shape, path_id};
use crate::providers::{Capability, Page, ProviderError, RemoteNumber, Target};

use super::envelope::{self, Subject};
use super::wire::Assigned;
use super::{convert, get as ask, post, wire};

const NUMBERS: Subject = subject("the list of phone numbers");
const NUMBER: Subject = subject("the phone number");

const fn subject(name: &'static str) -> Subject {
    Subject {
        capability: Capability::ListNumbers,
        name,
    }
}

/// Whether the key may list numbers. Bland has no way to ask for only one.
pub(super) async fn may_list(target: &Target<'_>) -> Result<(), ProviderError> {
    all(target).await.map(|_| ())
}

/// All numbers.
pub(super) async fn list(target: &Target<'_>) -> Result<Page<RemoteNumber>, ProviderError> {
    let numbers = all(target).await?;
    let is_complete = numbers.unreadable == 0;
    let items: Vec<RemoteNumber> = numbers.readable.into_iter().map(convert::number).collect();
    Ok(Page {
        total: Some(items.len() as u64),
        items,
        next: None,
        is_complete,
    })
}

async fn all(target: &Target<'_>) -> Result<wire::Items<wire::InboundNumber>, ProviderError> {
    let answer = ask(target, "/v1/inbound", &["v1", "inbound"], &[]).await?;
    answer.check_list_exists(NUMBERS.name)?;
    let list: wire::InboundList = envelope::read(&answer, target, Shape::Object, NUMBERS)?;
    Ok(list.inbound_numbers)
}

/// Takes persona, pathway and prompt off a number. A persona hides what the number had before, so that is taken off too.
pub(super) async fn detach(target: &Target<'_>, remote_id: &str) -> Result<(), ProviderError> {
    let number = read(target, remote_id).await?;
    if let Some(persona) = number.persona_id.id() {
        detach_persona(target, persona, remote_id).await?;
        let number = read(target, remote_id).await?;
        if convert::is_answering(&number) {
            clear(target, remote_id).await?;
        } else {
            return Ok(());
        }
    } else if convert::is_answering(&number) {
        clear(target, remote_id).await?;
    } else {
        return Ok(());
    }
    if convert::is_answering(&read(target, remote_id).await?) {
        return Err(ProviderError::Malformed {
            what: "the number is still attached, though the change was accepted".to_owned(),
        });
    }
    Ok(())
}

/// One number. Bland documents the persona only in the list, so where the single answer does not tell it, the list does.
async fn read(target: &Target<'_>, remote_id: &str) -> Result<wire::InboundNumber, ProviderError> {
    let segments = ["v1", "inbound", path_id(remote_id)?];
    let answer = ask(target, "/v1/inbound/{number}", &segments, &[]).await?;
    let number: wire::InboundNumber = envelope::read(&answer, target, Shape::Object, NUMBER)?;
    if number.phone_number != remote_id {
        return Err(ProviderError::Malformed {
            what: "it is another number than was asked for".to_owned(),
        });
    }
    if number.persona_id != Assigned::Untold {
        return Ok(number);
    }
    let numbers = all(target).await?;
    let listed = numbers
        .readable
        .into_iter()
        .find(|number| number.phone_number == remote_id);
    listed.ok_or(ProviderError::NotFound)
}

async fn detach_persona(
    target: &Target<'_>,
    persona: &str,
    remote_id: &str,
) -> Result<(), ProviderError> {
    let segments = ["v1", "personas", path_id(persona)?, "inbound", "detach"];
    let body = json!({ "inbound_numbers": [remote_id] });
    let answer = post(target, "/v1/personas/{id}/inbound/detach", &segments, &body).await?;
    let result = envelope::check(&answer, target, NUMBER.capability);
    result.map_err(|error| match error {
        // It is the persona that is not found, and the number still names it: that is no number that is gone.
        ProviderError::NotFound => ProviderError::Rejected {
            status: answer.status.as_u16(),
            message: Some("The persona that answers this number was not found.".to_owned()),
        },
        error => error,
    })
}

/// Bland clears a pathway by `null`; it documents no way to clear a prompt but to send another one.
async fn clear(target: &Target<'_>, remote_id: &str) -> Result<(), ProviderError> {
    let segments = ["v1", "inbound", path_id(remote_id)?];
    let body = json!({ "pathway_id": null, "prompt": "" });
    let answer = post(target, "/v1/inbound/{number}", &segments, &body).await?;
    envelope::check(&answer, target, NUMBER.capability)
}
