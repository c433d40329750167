//! What is read from a provider's account, in the product's own words and the same for every provider.
//! These are plain values: the provider folders make them, sync compares and stores them.
//! Nothing here knows a wire format or the database.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::{Capability, CapabilityState};

/// The account that a key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteAccount {
    /// The provider's id of it.
    pub remote_id: String,
    /// Its name, where the provider tells.
    pub name: Option<String>,
}

/// What a validation found out about an accepted key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// The account that the key opens; `None` when nothing in the answers names it, as in an empty account.
    pub account: Option<RemoteAccount>,
    /// Each capability of the provider's list, with what is known of it.
    pub capabilities: Vec<(Capability, CapabilityState)>,
    /// Which row of K3's table this is.
    pub outcome: ValidationOutcome,
    /// What the provider said when the outcome is not [`ValidationOutcome::Works`], scrubbed.
    pub message: Option<String>,
}

/// The rows of K3's table under which a key is saved. The others come back as errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidationOutcome {
    /// Everything that could be tried worked.
    Works,
    /// The key is accepted but may not do something on the list.
    LacksPermission,
    /// The key is accepted but its account is out of funds.
    NoFunds,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items; none may be left on a last page that only proves the end.
    pub items: Vec<T>,
    /// Where the next page begins: opaque, plain text, good after a restart. `None` on the last page.
    pub next: Option<String>,
    /// How many items the whole list has, where the provider tells.
    pub total: Option<u64>,
    /// False when the provider capped or cut the list, so that a missing item proves nothing (S3).
    /// One such page makes the whole walk incomplete, and the last page says so too.
    pub is_complete: bool,
}

/// A voice agent as the provider holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteAgent {
    /// The provider's id of it.
    pub remote_id: String,
    /// The account that it belongs to, where the item tells.
    pub account_id: Option<String>,
    /// The part of it that could be placed at another provider too.
    pub definition: AgentDefinition,
    /// False when the answer tells only a part of the definition: the rest is unknown, not absent.
    pub is_whole: bool,
    /// The [`RemoteEngine`] that holds a part of the definition, where there is one.
    pub engine: Option<RemoteEngine>,
    /// When it was made, Unix milliseconds.
    pub remote_created_at_ms: Option<i64>,
    /// When it was last changed, Unix milliseconds.
    pub remote_updated_at_ms: Option<i64>,
    /// What Ringfence wrote into it when it made it. A copy that somebody makes of it has the same.
    pub marker: Option<String>,
}

/// An object of its own at the provider that holds a part of agents' definitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteEngine {
    /// The provider's id of it.
    pub remote_id: String,
    /// When it was last changed, as the provider writes it: opaque, and another one after each change.
    pub revision: String,
}

/// What an agent is, apart from where it is placed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentDefinition {
    /// Its name; empty when the provider has none.
    pub name: String,
    /// The system prompt.
    #[serde(default)]
    pub prompt: Option<String>,
    /// What it says first.
    #[serde(default)]
    pub first_message: Option<String>,
    /// The voice that it speaks with.
    #[serde(default)]
    pub voice: Option<Voice>,
    /// The language that it understands, as the provider writes it, such as `en` or `en-US`.
    #[serde(default)]
    pub language: Option<String>,
    /// The language model behind it.
    #[serde(default)]
    pub model: Option<Model>,
}

/// A voice, by the engine that makes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Voice {
    /// Who makes it, such as `11labs`.
    pub engine: String,
    /// The engine's id of it.
    pub voice_id: String,
}

/// A language model, by the vendor that runs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Model {
    /// Who runs it, such as `openai`.
    pub vendor: String,
    /// The vendor's name of it, such as `gpt-4.1`.
    pub name: String,
}

impl AgentDefinition {
    /// A stable hash of everything in the definition, 64 hex digits: equal exactly when the definitions are equal.
    /// It is stored, so the order and the framing of the fields never change; a new field goes to the end and is
    /// left out of the hash while it is `None`.
    pub fn content_hash(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        let mut add = |label: &str, value: Option<&str>| {
            let Some(value) = value else { return };
            for part in [label, value] {
                context.update(&(part.len() as u64).to_be_bytes());
                context.update(part.as_bytes());
            }
        };
        add("name", Some(&self.name));
        add("prompt", self.prompt.as_deref());
        add("first_message", self.first_message.as_deref());
        add(
            "voice.engine",
            self.voice.as_ref().map(|voice| voice.engine.as_str()),
        );
        add(
            "voice.voice_id",
            self.voice.as_ref().map(|voice| voice.voice_id.as_str()),
        );
        add("language", self.language.as_deref());
        add(
            "model.vendor",
            self.model.as_ref().map(|model| model.vendor.as_str()),
        );
        add(
            "model.name",
            self.model.as_ref().map(|model| model.name.as_str()),
        );
        let mut hex = String::with_capacity(64);
        for byte in context.finish().as_ref() {
            for nibble in [byte >> 4, byte & 15] {
                hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        hex
    }
}

/// A phone number as the provider holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteNumber {
    /// The provider's id of it.
    pub remote_id: String,
    /// The account that it belongs to, where the item tells.
    pub account_id: Option<String>,
    /// E.164, such as `+14155550123`; `None` for SIP addresses.
    pub number: Option<String>,
    /// The SIP address, where it has one.
    pub sip_uri: Option<String>,
    /// Its label in the provider's dashboard.
    pub name: Option<String>,
    /// Who carries it, as the provider writes it, such as `twilio`.
    pub carrier: String,
    /// Whether it works.
    pub status: NumberStatus,
    /// The agent that answers it.
    pub agent_remote_id: Option<String>,
    /// True when the provider answers calls to it by itself: with an agent, or with something that Ringfence does not
    /// list, such as a squad.
    pub is_answering: bool,
    /// When it was made, Unix milliseconds.
    pub remote_created_at_ms: Option<i64>,
}

/// Whether a number works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberStatus {
    /// It works.
    Active,
    /// It is being set up.
    Activating,
    /// The provider blocked it.
    Blocked,
    /// A status that Ringfence does not know, or none; never taken for a working one.
    Unknown(String),
}

impl NumberStatus {
    /// The short name that is stored, such as `active`; `unknown` whatever the provider's word was.
    pub fn as_str(&self) -> &'static str {
        match self {
            NumberStatus::Active => "active",
            NumberStatus::Activating => "activating",
            NumberStatus::Blocked => "blocked",
            NumberStatus::Unknown(_) => "unknown",
        }
    }
}

/// A voice of a provider's own list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteVoice {
    /// Who makes it.
    pub engine: String,
    /// The engine's id of it.
    pub voice_id: String,
    /// Its name, where the provider tells.
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::{AgentDefinition, Model, Voice};

    fn definition() -> AgentDefinition {
        AgentDefinition {
            name: "Reception".to_owned(),
            prompt: Some("Be brief.".to_owned()),
            first_message: Some("Hello.".to_owned()),
            voice: Some(Voice {
                engine: "11labs".to_owned(),
                voice_id: "maya".to_owned(),
            }),
            language: Some("en-US".to_owned()),
            model: Some(Model {
                vendor: "openai".to_owned(),
                name: "gpt-4.1".to_owned(),
            }),
        }
    }

    /// S1, S8: the hash is stored, so it must be the same in every version of Ringfence.
    #[test]
    fn the_content_hash_never_changes_for_the_same_content() {
        insta::assert_snapshot!(definition().content_hash(), @"4b6b395d76832228443281d6747b8b3af8f675ca29bb9c6ae5f1cb26483d75a8");
        insta::assert_snapshot!(AgentDefinition::default().content_hash(), @"517faec98f72bc23fffb3c9885e3d1a8f943f2e9b16503eee5e00b682d702321");
    }

    /// S1, S8
    #[test]
    fn the_content_hash_differs_when_any_field_does() {
        let mut hashes = std::collections::HashSet::from([definition().content_hash()]);
        let changes: [fn(&mut AgentDefinition); 8] = [
            |it| it.name.push('x'),
            |it| it.prompt = None,
            |it| it.prompt = Some(String::new()),
            |it| std::mem::swap(&mut it.prompt, &mut it.first_message),
            |it| it.voice = None,
            |it| it.language = Some("en-GB".to_owned()),
            |it| it.model = None,
            |it| {
                it.model = Some(Model {
                    vendor: "openai".to_owned(),
                    name: "gpt-4o".to_owned(),
                });
            },
        ];
        for change in changes {
            let mut other = definition();
            change(&mut other);
            assert!(hashes.insert(other.content_hash()), "{other:?}");
        }
    }
}
