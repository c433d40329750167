//! Making an agent at a provider from a portable definition: what fits there, what does not, and how an attempt ended.
//! Each provider's folder knows its own limits and says them with [`Fitting`]; what is built from a definition is only
//! what was left in it, so that the list and the request cannot disagree. Nothing here speaks HTTP or knows a wire format.

use super::{AgentDefinition, ProviderError, ProviderKind, RemoteAgent, bland, retell, vapi};

/// A part of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefinitionPart {
    /// The agent's name.
    Name,
    /// The system prompt.
    Prompt,
    /// What it says first.
    FirstMessage,
    /// The voice that it speaks with.
    Voice,
    /// The language that it understands.
    Language,
    /// The language model behind it.
    Model,
}

/// What becomes of a part that a provider cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsupportedEffect {
    /// It is placed in another form, such as a shortened name.
    Changed,
    /// It is not placed; the provider's own setting takes its place.
    LeftOut,
    /// Without it the provider has no such agent, so nothing is placed.
    Blocks,
}

/// A part of a definition that a provider cannot express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Which part.
    pub part: DefinitionPart,
    /// What becomes of it.
    pub effect: UnsupportedEffect,
    /// Why, for people: one sentence.
    pub reason: String,
}

/// A definition as far as a provider can express it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// What is left of it: all that a request is built from.
    pub definition: AgentDefinition,
    /// What is not, in the order of the definition.
    pub unsupported: Vec<Unsupported>,
}

impl Fitted {
    /// Whether something is missing without which the provider has no such agent.
    pub fn is_blocked(&self) -> bool {
        self.unsupported
            .iter()
            .any(|unsupported| unsupported.effect == UnsupportedEffect::Blocks)
    }
}

/// An agent that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The agent, as the provider's answers tell it.
    pub agent: RemoteAgent,
    /// Why a last step, such as publishing, was not taken, though the agent is there.
    pub unfinished: Option<ProviderError>,
}

/// Why there is no agent, or none that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCreated {
    /// What went wrong.
    pub error: ProviderError,
    /// Whether the agent may be there all the same, because no answer said that it is not. Then the same request must
    /// not be sent again before somebody has looked.
    pub may_exist: bool,
    /// What was made on the way and could not be removed, by the provider's id of it.
    pub left_behind: Option<String>,
}

impl NotCreated {
    /// By the answer to the request that makes the agent itself.
    pub(super) fn by_answer(error: ProviderError) -> NotCreated {
        NotCreated {
            may_exist: error.may_have_taken_effect(),
            error,
            left_behind: None,
        }
    }

    /// Before the agent itself was asked for.
    pub(super) fn before(error: ProviderError) -> NotCreated {
        NotCreated {
            error,
            may_exist: false,
            left_behind: None,
        }
    }
}

/// What is left of a definition at a provider, and what is not (R5). Pure: the same words come before a placement and
/// with it.
pub fn fit(kind: ProviderKind, definition: &AgentDefinition) -> Fitted {
    match kind {
        ProviderKind::Vapi => vapi::fit(definition),
        ProviderKind::Retell => retell::fit(definition),
        ProviderKind::Bland => bland::fit(definition),
    }
}

/// What no definition holds, so that it is never copied to this provider: for people, before a placement.
pub fn never_placed(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Vapi => {
            "Tools, knowledge bases, call transfers, webhooks and call settings are not copied. Vapi keeps an agent's \
             language in its transcriber; a new agent gets Deepgram's."
        }
        ProviderKind::Retell => {
            "Tools, knowledge bases, call transfers, webhooks and call settings are not copied. Each agent gets a \
             language model object of its own, and is published."
        }
        ProviderKind::Bland => {
            "Tools, knowledge bases, call transfers, webhooks and call settings are not copied. Every agent is placed \
             as a persona, pathways and agents of the newer kind too where they have a prompt."
        }
    }
}

/// Takes a definition apart for one provider.
pub(super) struct Fitting {
    provider: &'static str,
    fitted: Fitted,
}

impl Fitting {
    /// All of it fits, so far.
    pub(super) fn new(kind: ProviderKind, definition: &AgentDefinition) -> Fitting {
        Fitting {
            provider: kind.display_name(),
            fitted: Fitted {
                definition: definition.clone(),
                unsupported: Vec::new(),
            },
        }
    }

    /// What is still in the definition.
    pub(super) fn definition(&mut self) -> &mut AgentDefinition {
        &mut self.fitted.definition
    }

    /// Says what becomes of a part. Whoever says that it is left out takes it out.
    pub(super) fn note(&mut self, part: DefinitionPart, effect: UnsupportedEffect, reason: String) {
        self.fitted.unsupported.push(Unsupported {
            part,
            effect,
            reason,
        });
    }

    /// No provider runs an agent without words of its own.
    pub(super) fn require_prompt(&mut self) {
        if self.fitted.definition.prompt.is_none() {
            let reason = format!(
                "It has no prompt: a flow, a pathway or a server of its own answers for it, which {} cannot be given.",
                self.provider
            );
            self.note(DefinitionPart::Prompt, UnsupportedEffect::Blocks, reason);
        }
    }

    /// The definition as it fits.
    pub(super) fn done(self) -> Fitted {
        self.fitted
    }
}
