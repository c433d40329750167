//! What webhooks tell of, and in which JSON. A payload names agency, provider and client, and counts agents; no character of
//! a key is in it, and no text of a provider's own.

use serde_json::{Map, Value, json};

use crate::{
    alerts,
    clock::Timestamp,
    error::Result,
    id::AgencyId,
    keys::Health,
    store::{self, Conn, provider_keys::KeyRow, sync_runs::SyncRunRow},
    sync::words,
};

words! {
    /// What an endpoint can hear of.
    EventKind "WebhookEvent" {
        /// A provider refused a stored key three times in a row; calls with it are refused at once.
        ProviderKeyInvalid => "provider_key.invalid",
        /// A key that was invalid works again, or another one took its place.
        ProviderKeyRestored => "provider_key.restored",
        /// An account could not be imported.
        SyncFailed => "sync.failed",
        /// "Send a test": it goes to one endpoint, whatever that one listens to.
        WebhookTest => "webhook.test",
    }
}

impl EventKind {
    /// What can be subscribed to.
    pub(crate) const SUBSCRIBABLE: [Self; 3] = [
        Self::ProviderKeyInvalid,
        Self::ProviderKeyRestored,
        Self::SyncFailed,
    ];
}

/// Something that happened.
pub(crate) enum Event<'a> {
    KeyInvalid {
        key: &'a KeyRow,
    },
    KeyRestored {
        key: &'a KeyRow,
        health: Health,
    },
    SyncFailed {
        key: &'a KeyRow,
        run: &'a SyncRunRow,
    },
    Test,
}

impl Event<'_> {
    pub(super) fn kind(&self) -> EventKind {
        match self {
            Self::KeyInvalid { .. } => EventKind::ProviderKeyInvalid,
            Self::KeyRestored { .. } => EventKind::ProviderKeyRestored,
            Self::SyncFailed { .. } => EventKind::SyncFailed,
            Self::Test => EventKind::WebhookTest,
        }
    }
}

/// The body that is signed and sent.
pub(super) async fn payload(
    conn: &mut Conn,
    agency: &AgencyId,
    event_id: &str,
    event: &Event<'_>,
    now: Timestamp,
) -> Result<String> {
    let slug = store::agencies::find(conn, agency)
        .await?
        .map(|row| row.slug);
    let mut data = Map::new();
    data.insert("agency".to_owned(), json!(slug));
    match event {
        Event::KeyInvalid { key } => {
            describe(conn, key, &mut data).await?;
            data.insert("health".to_owned(), health_word(Health::Invalid));
        }
        Event::KeyRestored { key, health } => {
            describe(conn, key, &mut data).await?;
            data.insert("health".to_owned(), health_word(*health));
        }
        Event::SyncFailed { key, run } => {
            describe(conn, key, &mut data).await?;
            data.insert("syncRunId".to_owned(), json!(run.id));
            data.insert("code".to_owned(), json!(run.error_code));
            data.insert("message".to_owned(), json!(run.error_message));
        }
        Event::Test => {}
    }
    let body = json!({
        "id": event_id,
        "type": event.kind().as_str(),
        "createdAt": now.to_string(),
        "data": data,
    });
    Ok(serde_json::to_string(&body)?)
}

/// Whose key it is, for which provider, and how many agents call with it.
async fn describe(conn: &mut Conn, key: &KeyRow, data: &mut Map<String, Value>) -> Result<()> {
    let agency = &key.agency_id;
    let client_id = alerts::client_id(key);
    let client_name = match client_id {
        Some(client) => store::alerts::find_client_name(conn, agency, client).await?,
        None => None,
    };
    let agents = store::health::count_agents(conn, agency, &key.id).await?;
    for (name, value) in [
        ("provider", json!(key.provider)),
        ("scope", json!(key.scope_kind)),
        ("clientId", json!(client_id)),
        ("clientName", json!(client_name)),
        ("agentCount", json!(agents)),
    ] {
        data.insert(name.to_owned(), value);
    }
    Ok(())
}

/// As the API writes a health.
fn health_word(health: Health) -> Value {
    json!(health.as_str().to_uppercase())
}
