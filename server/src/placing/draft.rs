//! What somebody writes of an agent: which parts are set, cleared or left alone (K6), what a part may hold, and what the
//! provider cannot express of it. Pure, so that all of it is said before anything is sent.

use crate::{
    error::{Error, Result},
    providers::{
        AgentDefinition, DefinitionPart, Model, ProviderKind, Unsupported, UnsupportedEffect,
        Voice, fit,
    },
};

/// Longest name, in characters.
const MAX_NAME: usize = 200;
/// Longest prompt or first message, in characters.
const MAX_TEXT: usize = 100_000;
/// Longest id of a voice, a model or a language, in characters.
const MAX_ID: usize = 200;

/// What becomes of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// The agent has none from now on.
    Clear,
    /// It becomes this.
    Set(T),
}

/// What somebody wrote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) name: Change<String>,
    pub(crate) prompt: Change<String>,
    pub(crate) first_message: Change<String>,
    pub(crate) voice: Change<Voice>,
    pub(crate) language: Change<String>,
    pub(crate) model: Change<Model>,
}

/// A definition as it is to be, and the parts that somebody named.
#[derive(Clone, Debug)]
pub(crate) struct Drafted {
    pub(crate) definition: AgentDefinition,
    pub(crate) named: Vec<DefinitionPart>,
}

/// Writes a draft over a definition. A name and a prompt cannot be cleared: no provider has an agent without.
pub(crate) fn write(before: &AgentDefinition, draft: &Draft) -> Result<Drafted> {
    let mut definition = before.clone();
    let mut named = Vec::new();
    match &draft.name {
        Change::Keep => {}
        Change::Clear => return Err(Error::invalid("name", "An agent needs a name. Enter one.")),
        Change::Set(name) => {
            definition.name = clean_name(name)?;
            named.push(DefinitionPart::Name);
        }
    }
    match &draft.prompt {
        Change::Keep => {}
        Change::Clear => return Err(no_prompt()),
        Change::Set(prompt) if prompt.trim().is_empty() => return Err(no_prompt()),
        Change::Set(prompt) => {
            definition.prompt = Some(bounded("prompt", prompt, MAX_TEXT)?);
            named.push(DefinitionPart::Prompt);
        }
    }
    if draft.first_message != Change::Keep {
        definition.first_message = match &draft.first_message {
            Change::Set(text) if !text.trim().is_empty() => {
                Some(bounded("firstMessage", text, MAX_TEXT)?)
            }
            _ => None,
        };
        named.push(DefinitionPart::FirstMessage);
    }
    if draft.voice != Change::Keep {
        definition.voice = match &draft.voice {
            Change::Set(voice) => Some(Voice {
                engine: clean_id("voice", &voice.engine, "who makes the voice")?,
                voice_id: clean_id("voice", &voice.voice_id, "the voice's id")?,
            }),
            _ => None,
        };
        named.push(DefinitionPart::Voice);
    }
    if draft.language != Change::Keep {
        definition.language = match &draft.language {
            Change::Set(language) => Some(clean_id("language", language, "the language")?),
            _ => None,
        };
        named.push(DefinitionPart::Language);
    }
    if draft.model != Change::Keep {
        definition.model = match &draft.model {
            Change::Set(model) => Some(Model {
                vendor: clean_id("model", &model.vendor, "who runs the model")?,
                name: clean_id("model", &model.name, "the model's name")?,
            }),
            _ => None,
        };
        named.push(DefinitionPart::Model);
    }
    Ok(Drafted { definition, named })
}

/// Refuses a new agent of which the provider cannot express a part, by that part's field.
pub(crate) fn refuse_unfit_new(kind: ProviderKind, definition: &AgentDefinition) -> Result<()> {
    if definition.prompt.is_none() {
        return Err(no_prompt());
    }
    match fit(kind, definition).unsupported.first() {
        Some(unsupported) => Err(unfit(definition, unsupported)),
        None => Ok(()),
    }
}

/// Refuses a change of which the provider cannot express a part that somebody named. What nobody named stays at the provider
/// as it is, whether Ringfence could write it or not.
pub(crate) fn refuse_unfit_change(kind: ProviderKind, drafted: &Drafted) -> Result<()> {
    let Drafted { definition, named } = drafted;
    // A prompt goes nowhere where its model cannot be written.
    let is_needed = |part| part == DefinitionPart::Model && named.contains(&DefinitionPart::Prompt);
    let fitted = fit(kind, definition);
    let unsupported = fitted.unsupported.iter().find(|unsupported| {
        named.contains(&unsupported.part)
            || (unsupported.effect == UnsupportedEffect::Blocks && is_needed(unsupported.part))
    });
    match unsupported {
        Some(unsupported) => Err(unfit(definition, unsupported)),
        None => Ok(()),
    }
}

/// Refuses to clear what an agent that is at a provider cannot be without: no request takes it away there.
pub(crate) fn refuse_clearing(
    kind: ProviderKind,
    before: &AgentDefinition,
    drafted: &Drafted,
) -> Result<()> {
    let after = &drafted.definition;
    for (part, is_cleared) in [
        (
            DefinitionPart::Voice,
            before.voice.is_some() && after.voice.is_none(),
        ),
        (
            DefinitionPart::Language,
            before.language.is_some() && after.language.is_none(),
        ),
        (
            DefinitionPart::Model,
            before.model.is_some() && after.model.is_none(),
        ),
    ] {
        if is_cleared {
            let field = field(part);
            let name = kind.display_name();
            let message = format!(
                "{name} keeps the {field} that an agent has. Choose another one instead of clearing it."
            );
            return Err(Error::invalid(field, message));
        }
    }
    Ok(())
}

/// The input field of a part.
pub(crate) fn field(part: DefinitionPart) -> &'static str {
    match part {
        DefinitionPart::Name => "name",
        DefinitionPart::Prompt => "prompt",
        DefinitionPart::FirstMessage => "firstMessage",
        DefinitionPart::Voice => "voice",
        DefinitionPart::Language => "language",
        DefinitionPart::Model => "model",
    }
}

/// The parts in which two definitions differ.
pub(crate) fn differing(before: &AgentDefinition, after: &AgentDefinition) -> Vec<DefinitionPart> {
    [
        (DefinitionPart::Name, before.name != after.name),
        (DefinitionPart::Prompt, before.prompt != after.prompt),
        (
            DefinitionPart::FirstMessage,
            before.first_message != after.first_message,
        ),
        (DefinitionPart::Voice, before.voice != after.voice),
        (DefinitionPart::Language, before.language != after.language),
        (DefinitionPart::Model, before.model != after.model),
    ]
    .into_iter()
    .filter_map(|(part, differs)| differs.then_some(part))
    .collect()
}

fn unfit(definition: &AgentDefinition, unsupported: &Unsupported) -> Error {
    let is_there = match unsupported.part {
        DefinitionPart::Voice => definition.voice.is_some(),
        DefinitionPart::Language => definition.language.is_some(),
        DefinitionPart::Model => definition.model.is_some(),
        DefinitionPart::Name | DefinitionPart::Prompt | DefinitionPart::FirstMessage => true,
    };
    let mend = match (unsupported.effect, unsupported.part) {
        (UnsupportedEffect::Changed, _) | (_, DefinitionPart::FirstMessage) => "Shorten it.",
        (UnsupportedEffect::Blocks, _) if !is_there => "Name one.",
        (UnsupportedEffect::Blocks, _) => "Choose another one.",
        (UnsupportedEffect::LeftOut, _) => "Choose another one, or leave it out.",
    };
    Error::invalid(
        field(unsupported.part),
        format!("{} {mend}", unsupported.reason),
    )
}

fn no_prompt() -> Error {
    Error::invalid(
        "prompt",
        "An agent needs a prompt. Write what it is told to do.",
    )
}

fn clean_name(typed: &str) -> Result<String> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(Error::invalid("name", "An agent needs a name. Enter one."));
    }
    if name.chars().any(char::is_control) {
        let message = "The name holds a control character. Type it anew.";
        return Err(Error::invalid("name", message));
    }
    bounded("name", &name, MAX_NAME)
}

fn clean_id(field: &'static str, typed: &str, what: &str) -> Result<String> {
    let id = typed.trim();
    if id.is_empty() || id.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("Enter {what}.")));
    }
    bounded(field, id, MAX_ID)
}

fn bounded(field: &'static str, text: &str, most: usize) -> Result<String> {
    if text.chars().count() > most {
        let message = format!("It has at most {most} characters. Shorten it.");
        return Err(Error::invalid(field, message));
    }
    if text.contains('\0') {
        let message = "It holds a zero character (U+0000). Type it anew.";
        return Err(Error::invalid(field, message));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
