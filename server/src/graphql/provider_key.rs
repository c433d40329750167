//! Stored provider keys: what of them may be seen, and saving, testing and clearing them. A key's plain text comes in
//! with `saveProviderKey` and never goes out.

use async_graphql::{
    ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject,
};
use secrecy::SecretString;

use crate::{
    config::Region,
    error::{Error, Result},
    graphql::{
        agent::Agent,
        call_reporting::CallReporting,
        client::{Client, client_of},
        context::ContextExt,
        instance::Cipher,
        page::{self, PageArguments, complexity},
        phone_number::PhoneNumber,
        provider::{Capability, CapabilityState, Provider, provider_set, unknown_word},
        scalars::DateTime,
        session::Person,
        sync_run::SyncRun,
    },
    id::{AccountId, KeyId},
    keys::{self, Health, check, clear, impact, save},
    providers,
    store::{self, accounts::AccountRow, keyset::KeysetPosition, provider_keys::KeyRow},
    vault,
};

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum KeyScope {
    /// The agency's own.
    Agency,
    /// A client's own, which its agents' calls go over instead of the agency's.
    Client,
}

/// A capability of a key.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct KeyCapability {
    /// What this is about.
    capability: Capability,
    /// Whether the key can.
    state: CapabilityState,
}

impl KeyCapability {
    pub(crate) fn list(
        states: &[(providers::Capability, providers::CapabilityState)],
    ) -> Vec<Self> {
        let one =
            |(capability, state): &(providers::Capability, providers::CapabilityState)| Self {
                capability: (*capability).into(),
                state: (*state).into(),
            };
        states.iter().map(one).collect()
    }
}

/// What a key opens at its provider.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ProviderAccount {
    /// Ringfence's id of the account.
    id: ID,
    /// The provider that holds it.
    provider: Provider,
    /// The account's name at the provider, else its id there, else words that say that nothing names it.
    name: String,
    /// The account's id at the provider; null until an answer names it.
    remote_id: Option<String>,
}

impl ProviderAccount {
    /// The account of this id.
    pub(crate) async fn load(ctx: &Context<'_>, id: &AccountId) -> Result<Option<Self>> {
        let loading = ctx.loaders()?.accounts.load_one(id.as_str().to_owned());
        let found = loading.await.map_err(Error::internal)?;
        found.map(Self::try_from).transpose()
    }
}

impl TryFrom<AccountRow> for ProviderAccount {
    type Error = Error;

    fn try_from(row: AccountRow) -> Result<Self> {
        let provider = keys::provider_of(&row.provider)?;
        let name = row
            .name
            .or_else(|| row.remote_id.clone())
            .unwrap_or_else(|| format!("Unnamed {} account", provider.display_name()));
        Ok(Self {
            id: row.id.as_str().into(),
            provider: provider.into(),
            name,
            remote_id: row.remote_id,
        })
    }
}

/// A stored key. The key itself cannot be read back, by anyone.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct ProviderKey {
    /// Ringfence's id of the key; needs `VIEW_KEY_DETAILS`.
    id: Option<ID>,
    /// The provider that it opens.
    provider: Provider,
    /// Whose key it is.
    scope: KeyScope,
    /// Rises with every save.
    version: i32,
    /// Which of the provider's hosts it is for.
    region: Region,
    /// An ellipsis and the last four characters; needs `VIEW_KEY_DETAILS`.
    masked_key: Option<String>,
    /// How it fared at its last check.
    health: Health,
    /// True after repeated refusals: the provider is not asked to call any more, until a check succeeds.
    is_breaker_open: bool,
    /// The provider's own words at the last check, without anything key-like.
    health_message: Option<String>,
    /// When it was last checked.
    checked_at: Option<DateTime>,
    /// What it can do; unknown while the provider refuses it.
    capabilities: Vec<KeyCapability>,
    /// When this version was saved.
    saved_at: DateTime,
    /// How this version is sealed; needs `VIEW_KEY_DETAILS`.
    cipher: Option<Cipher>,
    #[graphql(skip)]
    row: KeyRow,
}

impl TryFrom<KeyRow> for ProviderKey {
    type Error = Error;

    fn try_from(row: KeyRow) -> Result<Self> {
        Ok(Self {
            id: Some(row.id.as_str().into()),
            provider: Provider::of_row(&row.provider)?,
            scope: match row.scope_kind.as_str() {
                "agency" => KeyScope::Agency,
                "client" => KeyScope::Client,
                other => return Err(unknown_word("scope", other)),
            },
            version: i32::try_from(row.version.version).map_err(Error::internal)?,
            region: keys::region_of(&row.version.region)?,
            masked_key: Some(format!("…{}", row.version.last_four)),
            health: Health::parse(&row.health)
                .ok_or_else(|| unknown_word("health", &row.health))?,
            is_breaker_open: row.breaker == "open",
            health_message: row.health_message.clone(),
            checked_at: row.checked_at.map(Into::into),
            capabilities: KeyCapability::list(&keys::known_capabilities(&row)),
            saved_at: row.version.saved_at.into(),
            cipher: vault::Cipher::parse(&row.version.cipher)
                .ok()
                .map(Into::into),
            row,
        })
    }
}

#[ComplexObject]
impl ProviderKey {
    /// What it opens; needs `VIEW_KEY_DETAILS`.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<ProviderAccount>> {
        ProviderAccount::load(ctx, &self.row.version.account_id).await
    }

    /// Whose own key it is; null: the agency's.
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<Client>> {
        Client::load(ctx, keys::client_of(&self.row).as_ref()).await
    }

    /// Other places that store the very same key; needs `VIEW_KEY_DETAILS`.
    async fn same_keys(&self, ctx: &Context<'_>) -> Result<Option<Vec<Self>>> {
        let mut conn = ctx.app()?.db.read().await?;
        let fingerprint = &self.row.version.fingerprint;
        let rows = store::provider_keys::list_by_fingerprint(&mut conn, ctx.agency()?, fingerprint)
            .await?;
        let others = rows.into_iter().filter(|row| row.id != self.row.id);
        others.map(Self::try_from).collect::<Result<_>>().map(Some)
    }

    /// Who saved this version; needs `VIEW_KEY_DETAILS`.
    async fn saved_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, self.row.version.saved_by.as_ref()).await
    }

    /// False when the stored key cannot be opened with the master key in use: enter it again.
    async fn is_readable(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(keys::is_readable(ctx.app()?, &self.row))
    }

    /// The newest import of its account.
    async fn latest_sync_run(&self, ctx: &Context<'_>) -> Result<Option<SyncRun>> {
        let id = self.row.id.as_str().to_owned();
        let found = ctx
            .loaders()?
            .latest_runs
            .load_one(id)
            .await
            .map_err(Error::internal)?;
        found.map(SyncRun::try_from).transpose()
    }

    /// How calls of its account are heard of; needs `MANAGE_KEYS`.
    async fn call_reporting(&self, ctx: &Context<'_>) -> Result<Option<CallReporting>> {
        CallReporting::load(ctx.app()?, &self.row).await.map(Some)
    }

    /// What stops when it is cleared; needs `MANAGE_KEYS`.
    async fn clear_impact(&self, ctx: &Context<'_>) -> Result<Option<KeyImpact>> {
        let mut conn = ctx.app()?.db.read().await?;
        let impact = impact::of_clearing(&mut conn, ctx.agency()?, &self.row).await?;
        KeyImpact::try_from(impact).map(Some)
    }
}

/// What stops when a key is cleared.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct KeyImpact {
    /// Agents whose calls go over this key and that no key after it reaches.
    agent_count: i32,
    /// The first five of them by name.
    agents: Vec<Agent>,
    /// Agents of a client that go over to the agency's key, which pays from then on.
    moving_agent_count: i32,
    /// How many clients' agents stop or move.
    client_count: i32,
    /// The first five of them by name.
    clients: Vec<Client>,
    /// Numbers of the account.
    phone_number_count: i32,
    /// Numbers that the provider goes on answering by itself, key or not: the first 50.
    answering_numbers: Vec<PhoneNumber>,
    /// How many those are.
    answering_number_count: i32,
    /// Calls under way over the key. They go on at the provider, and are followed to their end; with "destroy now" nobody hears
    /// of it.
    live_call_count: i32,
    /// Send it with `clearProviderKey`; it changes when the impact does.
    acknowledgement: String,
}

/// How many answering numbers an answer lists.
const SHOWN_NUMBERS: usize = 50;
/// How many clients an impact names.
const SHOWN_CLIENTS: usize = 5;

impl TryFrom<impact::Impact> for KeyImpact {
    type Error = Error;

    fn try_from(impact: impact::Impact) -> Result<Self> {
        let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Ok(Self {
            agent_count: i32::try_from(impact.agent_count).unwrap_or(i32::MAX),
            agents: impact
                .agents
                .into_iter()
                .map(Agent::try_from)
                .collect::<Result<_>>()?,
            moving_agent_count: i32::try_from(impact.moving_count).unwrap_or(i32::MAX),
            client_count: count(impact.clients.len()),
            clients: impact
                .clients
                .into_iter()
                .take(SHOWN_CLIENTS)
                .map(Client::from)
                .collect(),
            phone_number_count: i32::try_from(impact.phone_number_count).unwrap_or(i32::MAX),
            answering_number_count: count(impact.answering.len()),
            live_call_count: i32::try_from(impact.live_call_count).unwrap_or(i32::MAX),
            answering_numbers: impact
                .answering
                .into_iter()
                .take(SHOWN_NUMBERS)
                .map(PhoneNumber::try_from)
                .collect::<Result<_>>()?,
            acknowledgement: impact.acknowledgement,
        })
    }
}

page::connection!(
    ProviderKey,
    ProviderKeyConnection,
    ProviderKeyEdge,
    "ProviderKeyEdge",
    "ProviderKeyConnection"
);

#[derive(Default)]
pub(crate) struct ProviderKeyQuery;

#[Object]
impl ProviderKeyQuery {
    /// The stored keys of the agency, or of one of its clients, by provider.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a GraphQL connection"
    )]
    async fn provider_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A client's own keys; absent: the agency's.")] client_id: Option<ID>,
        #[graphql(desc = "Any of these providers.")] provider: Option<Vec<Provider>>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ProviderKeyConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("provider")?;
        let agency = ctx.agency()?.clone();
        let providers = provider_set(provider);
        let mut conn = ctx.app()?.db.read().await?;
        let client = client_of(client_id.as_ref());
        if let Some(client) = &client {
            store::clients::find(&mut conn, &agency, client)
                .await?
                .ok_or(Error::NotFound)?;
        }
        let scope = keys::scope(&agency, client.as_ref());
        let rows =
            store::provider_keys::list(&mut conn, &agency, &scope, &providers, &keyset).await?;
        let position = |row: &KeyRow| KeysetPosition {
            key: row.provider.clone(),
            id: String::new(),
        };
        let page = page::cut(rows, &keyset, position, ProviderKey::try_from)?;
        let count = page::counted!(agency, client, providers => |conn| store::provider_keys::count(
            conn, &agency, &keys::scope(&agency, client.as_ref()), &providers
        ));
        Ok(ProviderKeyConnection { page, count })
    }
}

/// A key to save.
#[derive(InputObject)]
pub(crate) struct SaveProviderKeyInput {
    /// The provider whose key it is.
    provider: Provider,
    /// The client whose own key it becomes; absent: the agency's key.
    client_id: Option<ID>,
    /// The key. Absent: the stored one stays. Null is refused: clearing shows its impact first, see `clearProviderKey`.
    #[graphql(secret = true)]
    api_key: MaybeUndefined<String>,
    /// Which of the provider's hosts it is for. Absent: the stored one stays, or the usual one.
    region: Option<Region>,
    /// The version that you have seen; required when a key is stored.
    expected_version: Option<i32>,
}

/// The key as it was saved.
#[derive(SimpleObject)]
pub(crate) struct SaveProviderKeyPayload {
    /// With its mask and what the check found.
    provider_key: ProviderKey,
    /// The import that this save started; it goes on in the background. Null when the key may list nothing, or when
    /// nothing was changed.
    sync_run: Option<SyncRun>,
}

/// A key to clear.
#[derive(InputObject)]
pub(crate) struct ClearProviderKeyInput {
    /// Ringfence's id of the key.
    provider_key_id: ID,
    /// The version that you have seen.
    expected_version: i32,
    /// `ProviderKey.clearImpact.acknowledgement`, as you have seen it.
    acknowledgement: String,
    /// Detach the numbers that the provider would go on answering, while the key still works.
    #[graphql(default)]
    detach_numbers: bool,
    /// Clear even when a number could not be detached.
    #[graphql(default)]
    clear_despite_failed_detach: bool,
    /// Destroy every sealed version at once, without the 24 hours in which it could be rolled back to.
    #[graphql(default)]
    destroy_now: bool,
}

/// That the key is out of use.
#[derive(SimpleObject)]
pub(crate) struct ClearProviderKeyPayload {
    /// The version that was cleared.
    cleared_version: i32,
    /// How many numbers were detached.
    detached_number_count: i32,
    /// Numbers that the provider still answers: the first 50.
    still_answering: Vec<PhoneNumber>,
}

/// A key to test.
#[derive(InputObject)]
pub(crate) struct TestProviderKeyInput {
    /// Ringfence's id of the key.
    provider_key_id: ID,
}

/// The key with its new health.
#[derive(SimpleObject)]
pub(crate) struct TestProviderKeyPayload {
    /// Whatever the provider said is its health.
    provider_key: ProviderKey,
}

#[derive(Default)]
pub(crate) struct ProviderKeyMutation;

#[Object]
impl ProviderKeyMutation {
    /// Checks a key with its provider and, when the provider accepts it, seals it as the new version and starts the
    /// import. A key that is refused, or that cannot be checked, is not saved; the one that was there stays.
    async fn save_provider_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key, for which provider, over which version.")]
        input: SaveProviderKeyInput,
    ) -> Result<SaveProviderKeyPayload> {
        let api_key = match input.api_key {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Value(key) => Some(SecretString::from(key)),
            MaybeUndefined::Null => {
                return Err(Error::invalid(
                    "apiKey",
                    "To clear the key, use clearProviderKey: it shows first what stops.",
                ));
            }
        };
        let saved = save::save(
            ctx.app()?,
            ctx.viewer()?,
            save::SaveKey {
                provider: input.provider.into(),
                client: client_of(input.client_id.as_ref()),
                api_key,
                region: input.region,
                expected_version: input.expected_version.map(i64::from),
            },
        )
        .await?;
        Ok(SaveProviderKeyPayload {
            provider_key: saved.key.try_into()?,
            sync_run: saved.sync_run.map(SyncRun::try_from).transpose()?,
        })
    }

    /// Takes a key out of use. Needs the version and the impact that were shown. A client goes over to the agency's key;
    /// agents that no key reaches any more stop. Its sealed bytes are destroyed after 24 hours.
    async fn clear_provider_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key, and what of it was seen and acknowledged.")]
        input: ClearProviderKeyInput,
    ) -> Result<ClearProviderKeyPayload> {
        let cleared = clear::clear(
            ctx.app()?,
            ctx.viewer()?,
            clear::ClearKey {
                key: KeyId::from(input.provider_key_id.as_str()),
                expected_version: input.expected_version.into(),
                acknowledgement: input.acknowledgement,
                is_detaching: input.detach_numbers,
                is_clearing_despite_failed_detach: input.clear_despite_failed_detach,
                is_destroying_now: input.destroy_now,
            },
        )
        .await?;
        Ok(ClearProviderKeyPayload {
            cleared_version: i32::try_from(cleared.version).map_err(Error::internal)?,
            detached_number_count: i32::try_from(cleared.detached_count).unwrap_or(i32::MAX),
            still_answering: cleared
                .still_answering
                .into_iter()
                .take(SHOWN_NUMBERS)
                .map(PhoneNumber::try_from)
                .collect::<Result<_>>()?,
        })
    }

    /// Repeats the check with the stored key and writes down its health.
    async fn test_provider_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which stored key to check.")] input: TestProviderKeyInput,
    ) -> Result<TestProviderKeyPayload> {
        let key = KeyId::from(input.provider_key_id.as_str());
        let row = check::test(ctx.app()?, ctx.viewer()?, &key).await?;
        Ok(TestProviderKeyPayload {
            provider_key: row.try_into()?,
        })
    }
}
