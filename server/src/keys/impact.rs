//! What stops when a key is cleared (K8): the agents that no other key reaches, the numbers of its account, and the
//! numbers that the provider would go on answering by itself. The acknowledgement is a digest of all that, so that a
//! page or a script can only agree to what it has been shown.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};

use crate::{
    error::Result,
    id::AgencyId,
    store::{self, Conn, agents::AgentRow, phone_numbers::PhoneNumberRow, provider_keys::KeyRow},
};

/// How many agents an impact names.
const SHOWN_AGENTS: i64 = 5;

/// What would stop.
pub(crate) struct Impact {
    pub(crate) agent_count: i64,
    /// The first five by name.
    pub(crate) agents: Vec<AgentRow>,
    pub(crate) phone_number_count: i64,
    /// All numbers that the provider answers by itself.
    pub(crate) answering: Vec<PhoneNumberRow>,
    pub(crate) acknowledgement: String,
}

/// The impact of clearing this key, as the rows are now.
pub(crate) async fn of_clearing(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyRow,
) -> Result<Impact> {
    let ids = store::agents::list_stopping_ids(conn, agency, &key.id).await?;
    let agents = store::agents::list_stopping(conn, agency, &key.id, SHOWN_AGENTS).await?;
    let phone_number_count = store::phone_numbers::count_by_key(conn, agency, &key.id).await?;
    let answering = store::phone_numbers::list_answering(conn, agency, &key.id).await?;
    let mut digest = Context::new(&SHA256);
    let mut add = |text: &str| {
        digest.update(&(text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    };
    add("ringfence-impact-v1");
    add(key.id.as_str());
    add(&key.version.version.to_string());
    add(&ids.len().to_string());
    for id in &ids {
        add(id);
    }
    add(&phone_number_count.to_string());
    for number in &answering {
        add(number.id.as_str());
    }
    let acknowledgement =
        digest.finish().as_ref()[..16]
            .iter()
            .fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
    Ok(Impact {
        agent_count: i64::try_from(ids.len()).unwrap_or(i64::MAX),
        agents,
        phone_number_count,
        answering,
        acknowledgement,
    })
}
