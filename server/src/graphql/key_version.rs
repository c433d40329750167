//! What would change with another key, and the way back: previews, versions, roll-back. Keys come in and never go out.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use secrecy::SecretString;

use crate::{
    config::Region,
    error::{Error, Result},
    graphql::{
        agent::Agent,
        client::client_of,
        context::ContextExt,
        provider::Provider,
        provider_key::{KeyCapability, ProviderAccount, ProviderKey},
        scalars::DateTime,
        session::Person,
        sync_run::SyncRun,
    },
    id::HandInId,
    keys::{
        Health,
        preview::{self, Agents, Offer, Preview, PreviewKey, Relation},
        versions::{self, RollBack},
    },
    store::provider_keys::{KeyRow, StoredVersionRow},
};

/// Where a version of a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum KeyVersionState {
    /// Calls go over it.
    InUse,
    /// Sealed and out of use: it can be rolled back to.
    Retired,
    /// Its sealed bytes are gone; nobody can bring it back.
    Destroyed,
}

/// One accepted save of a key.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct ProviderKeyVersion {
    /// Rises with every save.
    version: i32,
    /// Where it stands.
    state: KeyVersionState,
    /// An ellipsis and the last four characters; needs `VIEW_KEY_DETAILS`.
    masked_key: Option<String>,
    /// Which of the provider's hosts it is for.
    region: Region,
    /// When it was saved.
    saved_at: DateTime,
    /// When it went out of use.
    retired_at: Option<DateTime>,
    /// From when on its sealed bytes are destroyed, unless a call that began on it still needs them.
    destroyed_after: Option<DateTime>,
    #[graphql(skip)]
    row: KeyRow,
}

#[ComplexObject]
impl ProviderKeyVersion {
    /// What it opened; needs `VIEW_KEY_DETAILS`.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<ProviderAccount>> {
        ProviderAccount::load(ctx, &self.row.version.account_id).await
    }

    /// Who saved it; needs `VIEW_KEY_DETAILS`.
    async fn saved_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, self.row.version.saved_by.as_ref()).await
    }
}

impl TryFrom<StoredVersionRow> for ProviderKeyVersion {
    type Error = Error;

    fn try_from(stored: StoredVersionRow) -> Result<Self> {
        let row = stored.key;
        let state = if stored.active_version == Some(row.version.version) {
            KeyVersionState::InUse
        } else if row.version.sealed.is_some() {
            KeyVersionState::Retired
        } else {
            KeyVersionState::Destroyed
        };
        Ok(Self {
            version: i32::try_from(row.version.version).map_err(Error::internal)?,
            state,
            masked_key: Some(format!("…{}", row.version.last_four)),
            region: crate::keys::region_of(&row.version.region)?,
            saved_at: row.version.saved_at.into(),
            retired_at: stored.retired_at.map(Into::into),
            destroyed_after: stored.shred_after.map(Into::into),
            row,
        })
    }
}

/// The account of a key that is not stored.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PreviewAccount {
    /// Its name at the provider, else its id there.
    name: String,
    /// Its id at the provider.
    remote_id: String,
}

/// Agents that share a fate.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PreviewAgents {
    /// How many they are.
    count: i32,
    /// The first 20 of them by name.
    agents: Vec<Agent>,
}

impl TryFrom<Agents> for PreviewAgents {
    type Error = Error;

    fn try_from(agents: Agents) -> Result<Self> {
        Ok(Self {
            count: i32::try_from(agents.count).unwrap_or(i32::MAX),
            agents: agents
                .first
                .into_iter()
                .map(Agent::try_from)
                .collect::<Result<_>>()?,
        })
    }
}

/// What would change if a key were put in use. Nothing was written.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct KeyPreview {
    /// How the key fared.
    health: Health,
    /// The provider's own words, without anything key-like.
    health_message: Option<String>,
    /// What it can do.
    capabilities: Vec<KeyCapability>,
    /// An ellipsis and the last four characters.
    masked_key: String,
    /// How its account relates to the one in use.
    relation: Relation,
    /// The account that it opens; null when nothing names it.
    account: Option<PreviewAccount>,
    /// False when its account could not be listed whole in 20 seconds: agents that were not listed then count as being there.
    is_complete: bool,
    /// How many agents it lists.
    listed_agent_count: i32,
    /// Those of them that would be imported.
    new_agent_count: i32,
    /// Agents that its account does not hold: they could not call any more.
    becoming_unreachable: PreviewAgents,
    /// Agents of the account that it does not list: they would become inactive.
    going_inactive: PreviewAgents,
    /// Agents that cannot call now and could then.
    returning: PreviewAgents,
    /// Whether anything that works now would stop: ask before you save.
    stops_anything: bool,
    /// Other places that store the very same key.
    same_keys: Vec<ProviderKey>,
}

impl TryFrom<Preview> for KeyPreview {
    type Error = Error;

    fn try_from(preview: Preview) -> Result<Self> {
        let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Ok(Self {
            health: preview.candidate.health(),
            stops_anything: preview.stops_anything(),
            health_message: preview.candidate.validation.message.clone(),
            capabilities: KeyCapability::list(&preview.candidate.validation.capabilities),
            masked_key: format!("…{}", preview.last_four),
            relation: preview.relation,
            account: preview.account.map(|account| PreviewAccount {
                name: account.name.unwrap_or_else(|| account.remote_id.clone()),
                remote_id: account.remote_id,
            }),
            is_complete: preview.is_complete,
            listed_agent_count: count(preview.listed_count),
            new_agent_count: count(preview.new_count),
            going_inactive: preview.going_inactive.try_into()?,
            becoming_unreachable: preview.becoming_unreachable.try_into()?,
            returning: preview.returning.try_into()?,
            same_keys: preview
                .same_keys
                .into_iter()
                .map(ProviderKey::try_from)
                .collect::<Result<_>>()?,
        })
    }
}

/// A key to look at before it is put in use: typed, a stored version, or one that was handed in.
#[derive(InputObject)]
pub(crate) struct PreviewProviderKeyInput {
    /// The provider whose key it is.
    provider: Provider,
    /// The client whose own key it would become; absent: the agency's key.
    client_id: Option<ID>,
    /// The key as it would be saved.
    #[graphql(secret = true)]
    api_key: Option<String>,
    /// Instead of a key: a retired version, as a roll-back would bring it back.
    version: Option<i32>,
    /// Instead of a key: one that the client handed in and that waits.
    key_hand_in_id: Option<ID>,
    /// Which of the provider's hosts a typed key is for. Absent: the stored one, or the usual one.
    region: Option<Region>,
}

/// What was found out.
#[derive(SimpleObject)]
pub(crate) struct PreviewProviderKeyPayload {
    /// What would change.
    preview: KeyPreview,
}

/// A version to go back to.
#[derive(InputObject)]
pub(crate) struct RollBackProviderKeyInput {
    /// The provider whose key it is.
    provider: Provider,
    /// The client whose own key it is; absent: the agency's key.
    client_id: Option<ID>,
    /// The retired version.
    version: i32,
    /// The version in use that you have seen; absent when the key was cleared.
    expected_version: Option<i32>,
}

/// The key as it is in use again.
#[derive(SimpleObject)]
pub(crate) struct RollBackProviderKeyPayload {
    /// The old key as the newest version.
    provider_key: ProviderKey,
    /// The import that this started; null when the key may list nothing.
    sync_run: Option<SyncRun>,
}

#[derive(Default)]
pub(crate) struct KeyVersionQuery;

#[Object]
impl KeyVersionQuery {
    /// The last 50 versions of a key, the newest first; also of a key that is cleared.
    async fn provider_key_versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The provider whose key it is.")] provider: Provider,
        #[graphql(desc = "The client whose own key it is; absent: the agency's.")]
        client_id: Option<ID>,
    ) -> Result<Vec<ProviderKeyVersion>> {
        let client = client_of(client_id.as_ref());
        let rows = versions::list(ctx.app()?, ctx.agency()?, provider.into(), client.as_ref());
        let rows = rows.await?;
        rows.into_iter().map(ProviderKeyVersion::try_from).collect()
    }
}

#[derive(Default)]
pub(crate) struct KeyVersionMutation;

#[Object]
impl KeyVersionMutation {
    /// Checks a key with its provider and says what would change if it were put in use. It writes nothing, the key least
    /// of all; it counts as an attempt.
    async fn preview_provider_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key, and where it would go.")] input: PreviewProviderKeyInput,
    ) -> Result<PreviewProviderKeyPayload> {
        let offer = match (input.api_key, input.version, input.key_hand_in_id) {
            (Some(key), None, None) => Offer::Typed(SecretString::from(key)),
            (None, Some(version), None) => Offer::Version(version.into()),
            (None, None, Some(id)) => Offer::HandIn(HandInId::from(id.as_str())),
            _ => {
                return Err(Error::invalid(
                    "apiKey",
                    "Send either the key, or the version to go back to, or the key that was handed in.",
                ));
            }
        };
        let preview = preview::preview(
            ctx.app()?,
            ctx.viewer()?,
            PreviewKey {
                provider: input.provider.into(),
                client: client_of(input.client_id.as_ref()),
                offer,
                region: input.region,
            },
        )
        .await?;
        Ok(PreviewProviderKeyPayload {
            preview: preview.try_into()?,
        })
    }

    /// Puts a retired version in use again, as the newest version. Its key is checked like any other; one that the
    /// provider refuses by now leaves everything as it is.
    async fn roll_back_provider_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key, and back to which version.")] input: RollBackProviderKeyInput,
    ) -> Result<RollBackProviderKeyPayload> {
        let saved = versions::roll_back(
            ctx.app()?,
            ctx.viewer()?,
            RollBack {
                provider: input.provider.into(),
                client: client_of(input.client_id.as_ref()),
                version: input.version.into(),
                expected_version: input.expected_version.map(i64::from),
            },
        )
        .await?;
        Ok(RollBackProviderKeyPayload {
            provider_key: saved.key.try_into()?,
            sync_run: saved.sync_run.map(SyncRun::try_from).transpose()?,
        })
    }
}
