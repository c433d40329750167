//! What people read when a route stops: what is wrong, and what to do about it.

use crate::{
    error::{Code, Error, Result},
    keys,
    routing::{
        Explained,
        resolve::{Block, Scope},
    },
};

/// What is wrong, and what to do about it.
pub(crate) fn block(explained: &Explained, code: Block) -> Result<(String, String)> {
    let provider = keys::provider_of(&explained.agent.provider)?.display_name();
    let client = explained.client.as_ref().map(|row| row.name.as_str());
    let whose = match (explained.route.taken, client) {
        (Some(Scope::Client), Some(client)) => format!("{client}'s {provider} key"),
        _ => format!("The agency's {provider} key"),
    };
    Ok(match code {
        Block::ClientArchived => (
            format!("{} is archived.", client.unwrap_or("The client")),
            "Restore the client, or assign the agent to another one.".to_owned(),
        ),
        Block::NoKey => (
            format!("No {provider} key is stored."),
            "Save one under Settings → API keys, or as the client's own.".to_owned(),
        ),
        Block::KeyUnreadable => (
            format!("{whose} cannot be opened with the master key in use."),
            "Enter the key again, or start the server with the master key that sealed it."
                .to_owned(),
        ),
        Block::BreakerOpen => (
            format!(
                "{whose} was refused several times in a row, so {provider} is not asked any more. The agency's key is \
                 not used instead."
            ),
            "Replace the key, or test it once it works again at the provider.".to_owned(),
        ),
        Block::AccountMismatch => (
            format!("{whose} opens an account that does not hold this agent."),
            "Create the agent in that account, or clear the key so that the one before it counts."
                .to_owned(),
        ),
        Block::AgentInactive => (
            format!("{whose} does not find this agent at {provider} any more."),
            "Restore the agent at the provider, or sync again if it is there.".to_owned(),
        ),
        Block::CannotPlaceCalls => (
            format!("{whose} may not place calls."),
            format!("Give the key that permission at {provider}, then test it."),
        ),
    })
}

/// The error of a call that its route stops.
pub(crate) fn refusal(explained: &Explained, block: Block) -> Result<Error> {
    let (message, fix) = self::block(explained, block)?;
    let code = match block {
        Block::ClientArchived => Code::ClientArchived,
        Block::NoKey => Code::NoKey,
        Block::KeyUnreadable => Code::KeyUnreadable,
        Block::BreakerOpen => Code::BreakerOpen,
        Block::AccountMismatch => Code::AccountMismatch,
        Block::AgentInactive => Code::AgentInactive,
        Block::CannotPlaceCalls => Code::MissingPermission,
    };
    Ok(Error::CallRefused {
        code,
        message: format!("{message} Nothing was dialled. {fix}"),
    })
}
