//! The change feed (S8): what a run found to be different, in words, and how a difference is told. Pure but for the reading
//! of the feed; the rows are written by whoever writes the agents and numbers.

use super::words;
use crate::{
    error::Result,
    providers::AgentDefinition,
    store::{
        kept_name,
        keyset::word_set,
        phone_numbers::{KnownNumberRow, PhoneNumberWrite},
        sync_changes::ChangeWrite,
    },
};

words! {
    /// How an agent or a number stood to what was known.
    ChangeKind "SyncChangeKind" {
        /// It was not known before.
        Added => "added",
        /// It is another than it was; `fields` says in what.
        Changed => "changed",
        /// It was not listed any more and became inactive.
        Gone => "gone",
        /// It was inactive and is there again.
        Returned => "returned",
    }
}

words! {
    /// What a change is about.
    Subject "SyncChangeSubject" {
        /// A voice agent.
        Agent => "agent",
        /// A phone number of the account.
        PhoneNumber => "phone_number",
    }
}

words! {
    /// A part of an agent or of a number.
    Field "SyncChangeField" {
        /// What it is called.
        Name => "name",
        /// What the agent is told to do.
        Prompt => "prompt",
        /// What the agent says first.
        FirstMessage => "first_message",
        /// How the agent sounds.
        Voice => "voice",
        /// Which language the agent hears.
        Language => "language",
        /// What the agent thinks with.
        Model => "model",
        /// The number itself.
        Number => "number",
        /// The SIP address of the number.
        SipUri => "sip_uri",
        /// Who carries the number.
        Carrier => "carrier",
        /// Whether the number works.
        Status => "status",
        /// Who or what answers the number.
        Agent => "agent",
    }
}

/// The fields in which two definitions differ.
pub(crate) fn agent_fields(before: &AgentDefinition, after: &AgentDefinition) -> Vec<Field> {
    differing([
        (Field::Name, before.name != after.name),
        (Field::Prompt, before.prompt != after.prompt),
        (
            Field::FirstMessage,
            before.first_message != after.first_message,
        ),
        (Field::Voice, before.voice != after.voice),
        (Field::Language, before.language != after.language),
        (Field::Model, before.model != after.model),
    ])
}

/// The fields in which a number differs from what was known of it.
pub(crate) fn number_fields(before: &KnownNumberRow, after: &PhoneNumberWrite<'_>) -> Vec<Field> {
    let is_answered_otherwise = before.agent_remote_id.as_deref() != after.agent_remote_id
        || before.is_answering != after.is_answering;
    differing([
        (Field::Number, before.number.as_deref() != after.number),
        (Field::SipUri, before.sip_uri.as_deref() != after.sip_uri),
        (
            Field::Name,
            before.name.as_deref() != after.name.map(kept_name).as_deref(),
        ),
        (Field::Carrier, before.carrier != after.carrier),
        (Field::Status, before.status != after.status),
        (Field::Agent, is_answered_otherwise),
    ])
}

fn differing<const N: usize>(fields: [(Field, bool); N]) -> Vec<Field> {
    fields
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
}

/// A row of the feed.
pub(crate) fn change(
    subject: Subject,
    subject_id: &str,
    kind: ChangeKind,
    name: &str,
    fields: &[Field],
) -> ChangeWrite {
    ChangeWrite {
        subject: subject.as_str(),
        subject_id: subject_id.to_owned(),
        kind: kind.as_str(),
        name: kept_name(name).into_owned(),
        fields: word_set(fields.iter().map(|field| field.as_str())),
    }
}

/// The definition that a row keeps.
pub(crate) fn stored_definition(text: Option<String>) -> Result<AgentDefinition> {
    Ok(match text {
        Some(text) => serde_json::from_str(&text)?,
        None => AgentDefinition::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        id::PhoneNumberId,
        providers::{Model, Voice},
    };

    /// S8: a change says which parts of an agent it is about.
    #[test]
    fn each_part_of_an_agent_is_told_apart() {
        let before = AgentDefinition::default();
        let voice = Voice {
            engine: "11labs".to_owned(),
            voice_id: "maya".to_owned(),
        };
        let model = Model {
            vendor: "openai".to_owned(),
            name: "gpt-4.1".to_owned(),
        };
        let after = AgentDefinition {
            name: "Reception".to_owned(),
            prompt: Some("Be brief.".to_owned()),
            first_message: Some("Hello.".to_owned()),
            voice: Some(voice),
            language: Some("en".to_owned()),
            model: Some(model),
        };
        let all = [
            Field::Name,
            Field::Prompt,
            Field::FirstMessage,
            Field::Voice,
            Field::Language,
            Field::Model,
        ];
        assert_eq!(agent_fields(&before, &after), all);
        assert_eq!(agent_fields(&after, &after), []);
        let silent = AgentDefinition {
            first_message: None,
            ..after.clone()
        };
        assert_eq!(agent_fields(&after, &silent), [Field::FirstMessage]);
    }

    /// S8: a change says which parts of a number it is about.
    #[test]
    fn each_part_of_a_number_is_told_apart() {
        let before = KnownNumberRow {
            id: PhoneNumberId::new(),
            remote_id: "n".to_owned(),
            number: Some("+15035550142".to_owned()),
            sip_uri: None,
            name: None,
            carrier: "vapi".to_owned(),
            status: "active".to_owned(),
            agent_remote_id: None,
            is_answering: false,
            last_seen_run: String::new(),
        };
        let same = PhoneNumberWrite {
            id: before.id.clone(),
            remote_id: "n",
            number: Some("+15035550142"),
            sip_uri: None,
            name: None,
            carrier: "vapi",
            status: "active",
            agent_remote_id: None,
            is_answering: false,
            created_at: Timestamp::from_millis(0),
        };
        assert_eq!(number_fields(&before, &same), []);
        let squad = PhoneNumberWrite {
            is_answering: true,
            ..same.clone()
        };
        assert_eq!(number_fields(&before, &squad), [Field::Agent]);
        let other = PhoneNumberWrite {
            number: None,
            sip_uri: Some("sip:x@example.com"),
            name: Some("Front desk"),
            carrier: "byo-phone-number",
            status: "blocked",
            agent_remote_id: Some("a"),
            ..same
        };
        let all = [
            Field::Number,
            Field::SipUri,
            Field::Name,
            Field::Carrier,
            Field::Status,
            Field::Agent,
        ];
        assert_eq!(number_fields(&before, &other), all);
    }
}
