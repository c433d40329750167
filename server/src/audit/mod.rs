//! The append-only audit log (E7). Each entry's mac covers the entry and the mac before it, under a key that the vault
//! wraps, so that a changed, removed or reordered entry is found; a cut-off end is found by comparing with a head that
//! was exported earlier. Entries are written in the transaction of the change that they record. Nothing here is secret,
//! and nothing secret may be put in.

use std::{cmp::Ordering, fmt::Write as _};

use crate::{
    access::Viewer,
    clock::Timestamp,
    error::{Error, Result},
    id::AgencyId,
    providers::ProviderKind,
    store::{self, Conn, Db, audit::AuditRow},
    vault::SubKey,
};

/// What happened, in words that scripts can match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    KeySaved,
    KeyReplaced,
    KeyRolledBack,
    KeyPreviewed,
    KeyCleared,
    KeyTested,
    KeyRefused,
    NumbersDetached,
    KeyThrottled,
    KeysShredded,
    KeyInvalid,
    KeyRestored,
    WebhookCreated,
    WebhookUpdated,
    WebhookSecretRotated,
    WebhookTested,
    WebhookDisabled,
    WebhookDeleted,
    SyncRequested,
    SyncConfirmed,
    PlacementsRequested,
    LoggedIn,
    LoggedOutEverywhere,
    AgencyCreated,
    UserCreated,
    PasswordReset,
    PlanChanged,
    ClientCreated,
    ClientRenamed,
    ClientArchived,
    ClientRestored,
    AgentsAssigned,
    AgentRequested,
    AgentRefused,
    AgentUpdated,
    PortalUserCreated,
    PortalUserChanged,
    PortalUserRemoved,
    LogInLinkCreated,
    LogInLinkUsed,
    KeyHandedIn,
    HandInAccepted,
    HandInDeclined,
    HandInsSwitched,
    ApiKeyGenerated,
    ApiKeyRotated,
    ApiKeyRevoked,
    ApiKeyExposed,
    ApiSwitched,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::KeySaved => "provider_key.saved",
            Self::KeyReplaced => "provider_key.replaced",
            Self::KeyRolledBack => "provider_key.rolled_back",
            Self::KeyPreviewed => "provider_key.previewed",
            Self::KeyCleared => "provider_key.cleared",
            Self::KeyTested => "provider_key.tested",
            Self::KeyRefused => "provider_key.refused",
            Self::NumbersDetached => "provider_key.numbers_detached",
            Self::KeyThrottled => "provider_key.throttled",
            Self::KeysShredded => "provider_key.shredded",
            Self::KeyInvalid => "provider_key.invalid",
            Self::KeyRestored => "provider_key.restored",
            Self::WebhookCreated => "webhook.created",
            Self::WebhookUpdated => "webhook.updated",
            Self::WebhookSecretRotated => "webhook.secret_rotated",
            Self::WebhookTested => "webhook.tested",
            Self::WebhookDisabled => "webhook.disabled",
            Self::WebhookDeleted => "webhook.deleted",
            Self::SyncRequested => "sync.requested",
            Self::SyncConfirmed => "sync.confirmed",
            Self::PlacementsRequested => "placements.requested",
            Self::LoggedIn => "session.opened",
            Self::LoggedOutEverywhere => "session.ended_everywhere",
            Self::AgencyCreated => "agency.created",
            Self::UserCreated => "user.created",
            Self::PasswordReset => "user.password_reset",
            Self::PlanChanged => "agency.plan_changed",
            Self::ClientCreated => "client.created",
            Self::ClientRenamed => "client.renamed",
            Self::ClientArchived => "client.archived",
            Self::ClientRestored => "client.restored",
            Self::AgentsAssigned => "agent.assigned",
            Self::AgentRequested => "agent.requested",
            Self::AgentRefused => "agent.refused",
            Self::AgentUpdated => "agent.updated",
            Self::PortalUserCreated => "portal_user.created",
            Self::PortalUserChanged => "portal_user.changed",
            Self::PortalUserRemoved => "portal_user.removed",
            Self::LogInLinkCreated => "log_in_link.created",
            Self::LogInLinkUsed => "log_in_link.used",
            Self::KeyHandedIn => "provider_key.handed_in",
            Self::HandInAccepted => "provider_key.hand_in_accepted",
            Self::HandInDeclined => "provider_key.hand_in_declined",
            Self::HandInsSwitched => "agency.hand_ins_switched",
            Self::ApiKeyGenerated => "api_key.generated",
            Self::ApiKeyRotated => "api_key.rotated",
            Self::ApiKeyRevoked => "api_key.revoked",
            Self::ApiKeyExposed => "api_key.exposed",
            Self::ApiSwitched => "agency.api_switched",
        }
    }
}

/// Who did it.
pub(crate) enum Actor<'a> {
    /// A person, or an API key that acts as the person who made it.
    Person(&'a Viewer),
    /// A person who is not a viewer yet: set-up and log-in.
    Named {
        id: &'a str,
        name: &'a str,
    },
    System,
}

/// An entry about to be written.
pub(crate) struct Entry<'a> {
    pub(crate) agency: Option<&'a AgencyId>,
    pub(crate) actor: Actor<'a>,
    pub(crate) action: Action,
    /// Id of what it was done to.
    pub(crate) subject: &'a str,
    pub(crate) provider: Option<ProviderKind>,
    /// One sentence for people.
    pub(crate) summary: String,
}

/// Writes and checks the chain.
#[derive(Clone)]
pub struct AuditLog {
    key: std::sync::Arc<SubKey>,
}

impl AuditLog {
    /// With the audit key that the vault opened.
    pub(crate) fn new(key: SubKey) -> Self {
        Self { key: key.into() }
    }

    /// Appends an entry, in the caller's transaction.
    pub(crate) async fn append(
        &self,
        conn: &mut Conn,
        entry: Entry<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let head = store::audit::advance_head(conn).await?;
        let (actor_id, actor) = match entry.actor {
            Actor::Person(viewer) => (Some(viewer.user_id.as_str().to_owned()), viewer.actor()),
            Actor::Named { id, name } => (Some(id.to_owned()), name.to_owned()),
            Actor::System => (None, "system".to_owned()),
        };
        let mut row = AuditRow {
            sequence: head.sequence,
            agency_id: entry.agency.map(|agency| agency.as_str().to_owned()),
            at: now,
            actor_id,
            actor,
            action: entry.action.as_str().to_owned(),
            subject: entry.subject.to_owned(),
            provider: entry.provider.map(|provider| provider.as_str().to_owned()),
            summary: entry.summary,
            mac: Vec::new(),
        };
        row.mac = self.mac(&row, &head.mac).to_vec();
        store::audit::insert(conn, &row).await
    }

    fn mac(&self, row: &AuditRow, before: &[u8]) -> [u8; 32] {
        let optional = |value: &Option<String>| match value {
            Some(text) => format!("+{text}"),
            None => "-".to_owned(),
        };
        self.key.hmac(&[
            b"ringfence-audit-v1",
            before,
            &row.sequence.to_be_bytes(),
            &row.at.as_millis().to_be_bytes(),
            optional(&row.agency_id).as_bytes(),
            optional(&row.actor_id).as_bytes(),
            row.actor.as_bytes(),
            row.action.as_bytes(),
            row.subject.as_bytes(),
            optional(&row.provider).as_bytes(),
            row.summary.as_bytes(),
        ])
    }

    /// The head: what a later check is measured against. Keep it outside this machine.
    pub async fn head(&self, db: &Db) -> Result<Head> {
        let mut conn = db.read().await?;
        let head = store::audit::find_head(&mut conn)
            .await?
            .ok_or_else(|| Error::internal("the audit log has no head"))?;
        Ok(Head {
            sequence: head.sequence,
            mac: hex(&head.mac),
        })
    }

    /// Walks the whole chain, and compares it with an exported head where one is given. Entries that are appended meanwhile
    /// have to chain like all others: the walk ends at or behind the head before it, and at or before the head after it.
    pub async fn verify(&self, db: &Db, expected: Option<&Head>) -> Result<Verdict> {
        const STRETCH: i64 = 1000;
        let mut before: Vec<u8> = Vec::new();
        let mut sequence = 0;
        let start = self.head(db).await?;
        let mut has_met_start = start.sequence == 0;
        let mut has_met_expected = expected.is_none_or(|head| head.sequence == 0);
        loop {
            let mut conn = db.read().await?;
            let rows = store::audit::list_chain(&mut conn, sequence, STRETCH).await?;
            drop(conn);
            let is_last = rows.len() < usize::try_from(STRETCH).unwrap_or(usize::MAX);
            for row in rows {
                if row.sequence != sequence + 1 {
                    return Ok(Verdict::Missing {
                        sequence: sequence + 1,
                    });
                }
                if self.mac(&row, &before)[..] != row.mac[..] {
                    return Ok(Verdict::Changed {
                        sequence: row.sequence,
                    });
                }
                sequence = row.sequence;
                before = row.mac;
                has_met_start |= start.sequence == sequence && start.mac == hex(&before);
                if let Some(head) = expected.filter(|head| head.sequence == sequence) {
                    if head.mac != hex(&before) {
                        return Ok(Verdict::Changed { sequence });
                    }
                    has_met_expected = true;
                }
            }
            if is_last {
                break;
            }
        }
        let end = self.head(db).await?;
        let is_beyond_end = match end.sequence.cmp(&sequence) {
            Ordering::Less => true,
            Ordering::Equal => sequence > 0 && end.mac != hex(&before),
            Ordering::Greater => false,
        };
        if !has_met_start || !has_met_expected || is_beyond_end {
            return Ok(Verdict::CutOff { after: sequence });
        }
        let mac = if sequence == 0 { end.mac } else { hex(&before) };
        Ok(Verdict::Whole {
            head: Head { sequence, mac },
        })
    }
}

/// The newest entry's number and mac.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the newest entry; 0 for an empty log.
    pub sequence: i64,
    /// Its mac, in hex.
    pub mac: String,
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.sequence, self.mac)
    }
}

impl std::str::FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let bad =
            || "a head looks like 42:9f86d081…, as `ringfence audit head` printed it".to_owned();
        let (sequence, mac) = text.trim().split_once(':').ok_or_else(bad)?;
        Ok(Self {
            sequence: sequence.parse().map_err(|_| bad())?,
            mac: mac.to_owned(),
        })
    }
}

/// What a walk of the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry is where and what it was.
    Whole {
        /// To export for the next check.
        head: Head,
    },
    /// An entry, or its place, was changed.
    Changed {
        /// The first that does not fit.
        sequence: i64,
    },
    /// An entry is gone from the middle.
    Missing {
        /// The first that is not there.
        sequence: i64,
    },
    /// Entries are gone from the end.
    CutOff {
        /// The last that is there.
        after: i64,
    },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
