//! What stops when a key is cleared (K8): the agents whose calls go over it and that its successor does not reach, the
//! clients that they work for, the numbers of its account, and the numbers that the provider would go on answering by itself. The acknowledgement is a digest of all that, so that a
//! page or a script can only agree to what it has been shown. Agents and numbers have a digest of their own, which
//! detaching leaves as it is.

use std::{collections::HashSet, fmt::Write as _};

use aws_lc_rs::digest::{Context, SHA256};

use crate::{
    error::Result,
    id::{AgencyId, PhoneNumberId},
    keys,
    store::{
        self, Conn, agents::AgentRow, clients::ClientRow, phone_numbers::PhoneNumberRow,
        provider_keys::KeyRow,
    },
};

/// How many agents an impact names.
const SHOWN_AGENTS: i64 = 5;

/// What would stop.
pub(crate) struct Impact {
    pub(crate) agent_count: i64,
    /// The first five by name.
    pub(crate) agents: Vec<AgentRow>,
    /// Agents of a client that go over to the agency's key, which pays from then on (R3).
    pub(crate) moving_count: i64,
    /// Clients whose agents stop or move.
    pub(crate) clients: Vec<ClientRow>,
    pub(crate) phone_number_count: i64,
    /// Calls under way over the key; they end with the version that they began with (R4), so that they are no part of what
    /// is agreed to.
    pub(crate) live_call_count: i64,
    /// All numbers that the provider answers by itself.
    pub(crate) answering: Vec<PhoneNumberRow>,
    pub(crate) acknowledgement: String,
    /// Digest of the key's version, the agents and the numbers, whoever answers them.
    stopping: String,
}

impl Impact {
    /// Whether this, after those numbers were detached, is nothing that was not shown: the same agents and numbers stop,
    /// and the provider answers none but shown ones that were not detached.
    pub(crate) fn is_covered_by(&self, shown: &Self, detached: &[PhoneNumberRow]) -> bool {
        let mut expected: HashSet<&PhoneNumberId> =
            shown.answering.iter().map(|number| &number.id).collect();
        for number in detached {
            expected.remove(&number.id);
        }
        self.stopping == shown.stopping
            && self
                .answering
                .iter()
                .all(|number| expected.contains(&number.id))
    }
}

/// The impact of clearing this key, as the rows are now.
pub(crate) async fn of_clearing(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyRow,
) -> Result<Impact> {
    let successor = successor(conn, agency, key).await?;
    let after = successor
        .as_ref()
        .map_or("", |key| key.version.account_id.as_str());
    let agent_ids = store::agents::list_stopping_ids(conn, agency, &key.id, after).await?;
    let agents = store::agents::list_stopping(conn, agency, &key.id, after, SHOWN_AGENTS).await?;
    let moving_ids = match &successor {
        Some(_) => store::agents::list_moving_ids(conn, agency, &key.id, after).await?,
        None => Vec::new(),
    };
    let clients = store::clients::list_touched(conn, agency, &key.id).await?;
    let number_ids = store::phone_numbers::list_ids_by_key(conn, agency, &key.id, after).await?;
    let answering = store::phone_numbers::list_answering(conn, agency, &key.id, after).await?;
    let live_call_count = store::calls::count_live(conn, agency, &key.id).await?;
    let version = key.version.version.to_string();
    let agent_count = agent_ids.len().to_string();
    let stopping = digest(
        [
            "ringfence-stopping-v2",
            key.id.as_str(),
            &version,
            &agent_count,
        ]
        .into_iter()
        .chain(agent_ids.iter().map(String::as_str))
        .chain(["moving", after])
        .chain(moving_ids.iter().map(String::as_str))
        .chain(number_ids.iter().map(String::as_str)),
    );
    let acknowledgement = digest(
        ["ringfence-impact-v3", &stopping]
            .into_iter()
            .chain(answering.iter().map(|number| number.id.as_str())),
    );
    let count = |ids: &[String]| i64::try_from(ids.len()).unwrap_or(i64::MAX);
    Ok(Impact {
        agent_count: count(&agent_ids),
        agents,
        moving_count: count(&moving_ids),
        clients,
        phone_number_count: count(&number_ids),
        live_call_count,
        answering,
        acknowledgement,
        stopping,
    })
}

/// The key that calls go over once this one is cleared: after a client's the agency's, after that none.
async fn successor(conn: &mut Conn, agency: &AgencyId, key: &KeyRow) -> Result<Option<KeyRow>> {
    if keys::client_of(key).is_none() {
        return Ok(None);
    }
    let provider = keys::provider_of(&key.provider)?;
    store::provider_keys::find_in_scope(conn, agency, &keys::scope(agency, None), provider).await
}

/// The first half of the SHA-256 of these texts and their lengths, in hex.
fn digest<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut digest = Context::new(&SHA256);
    for text in texts {
        digest.update(&(text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    }
    digest.finish().as_ref()[..16]
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
