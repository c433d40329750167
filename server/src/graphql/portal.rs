//! The clients' portal: their people, as an admin keeps them, and the keys that they hand in. What a client's person gets
//! is a status; nothing here shows them a key.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use secrecy::SecretString;

use crate::{
    access::PortalPermission,
    config::Region,
    error::{Error, Result},
    graphql::{
        agency::Agency,
        client::{Client, client_of},
        context::{ContextExt, Origin},
        provider::{Provider, unknown_word},
        provider_key::ProviderKey,
        scalars::DateTime,
        session::{Person, ViewerNode, opened},
        sync_run::SyncRun,
    },
    id::{ClientId, HandInId, UserId},
    keys::{self, Health},
    portal::{
        hand_in::{self, HandIn, Integration, State},
        people::{self, Link, NewPerson},
    },
    providers,
    store::{self, key_hand_ins::HandInRow, portal_users::PortalUserRow},
};

/// A person of a client.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PortalUser {
    /// Ringfence's id of the person.
    id: ID,
    /// The name that others see.
    name: String,
    /// The email address to log in with.
    email: String,
    /// What the person may see and do of the client's.
    permissions: Vec<PortalPermission>,
    /// When the person was added.
    created_at: DateTime,
    /// When the person was last seen in this portal; null until they have used their link.
    last_seen_at: Option<DateTime>,
}

impl From<PortalUserRow> for PortalUser {
    fn from(row: PortalUserRow) -> Self {
        Self {
            id: row.id.as_str().into(),
            name: row.name,
            email: row.email,
            permissions: PortalPermission::of_row(&row.portal_permissions),
            created_at: row.created_at.into(),
            last_seen_at: row.last_seen_at.map(Into::into),
        }
    }
}

/// A link with which a person chooses a password and logs in. It is shown once.
#[derive(SimpleObject)]
pub(crate) struct LogInLink {
    /// The address to send to the person; it works once.
    url: String,
    /// When it stops working.
    expires_at: DateTime,
}

impl From<Link> for LogInLink {
    fn from(link: Link) -> Self {
        Self {
            url: link.url,
            expires_at: link.expires_at.into(),
        }
    }
}

/// A provider as a client's people see it: a status and no more.
#[derive(SimpleObject)]
pub(crate) struct ClientIntegration {
    /// Which provider this is.
    provider: Provider,
    /// What the provider calls itself.
    name: &'static str,
    /// How it stands for the client.
    state: State,
    /// Where the key is found at the provider.
    key_location: &'static str,
    /// Whether the agency takes keys here.
    is_hand_in_open: bool,
}

impl From<Integration> for ClientIntegration {
    fn from(integration: Integration) -> Self {
        let info = providers::info(integration.provider);
        Self {
            provider: integration.provider.into(),
            name: integration.provider.display_name(),
            state: integration.state,
            key_location: info.key_location,
            is_hand_in_open: integration.is_open,
        }
    }
}

/// What became of a key that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum KeyHandInState {
    /// An admin has to decide.
    Waiting,
    /// It was put in use.
    Accepted,
    /// It was declined and destroyed.
    Declined,
    /// A later one took its place, and it was destroyed.
    Replaced,
}

/// A key that a person of a client handed in and that could not be put in use by itself.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct KeyHandIn {
    /// Ringfence's id of the hand-in.
    id: ID,
    /// The provider that it opens.
    provider: Provider,
    /// Which of the provider's hosts it is for.
    region: Region,
    /// How it fared when it was handed in.
    health: Health,
    /// An ellipsis and the last four characters.
    masked_key: String,
    /// The account that it opens; null when nothing names it.
    account_name: Option<String>,
    /// Whether somebody has to decide.
    state: KeyHandInState,
    /// When it was handed in.
    handed_in_at: DateTime,
    /// When it was decided.
    decided_at: Option<DateTime>,
    #[graphql(skip)]
    row: HandInRow,
}

#[ComplexObject]
impl KeyHandIn {
    /// The client whose own key it would become.
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<Client>> {
        Client::load(ctx, Some(&self.row.client_id)).await
    }

    /// Who handed it in.
    async fn handed_in_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, Some(&self.row.handed_in_by)).await
    }

    /// Who accepted or declined it.
    async fn decided_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, self.row.decided_by.as_ref()).await
    }
}

impl TryFrom<HandInRow> for KeyHandIn {
    type Error = Error;

    fn try_from(row: HandInRow) -> Result<Self> {
        let state = match row.state.as_str() {
            "waiting" => KeyHandInState::Waiting,
            "accepted" => KeyHandInState::Accepted,
            "declined" => KeyHandInState::Declined,
            "replaced" => KeyHandInState::Replaced,
            other => return Err(unknown_word("hand-in state", other)),
        };
        Ok(Self {
            id: row.id.as_str().into(),
            provider: Provider::of_row(&row.provider)?,
            region: keys::region_of(&row.region)?,
            health: Health::parse(&row.health)
                .ok_or_else(|| unknown_word("health", &row.health))?,
            masked_key: format!("…{}", row.last_four),
            account_name: row.account_name.clone(),
            state,
            handed_in_at: row.handed_in_at.into(),
            decided_at: row.decided_at.map(Into::into),
            row,
        })
    }
}

#[derive(Default)]
pub(crate) struct PortalQuery;

#[Object]
impl PortalQuery {
    /// The people of a client, by name: the first 200.
    async fn portal_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the client.")] client_id: ID,
    ) -> Result<Vec<PortalUser>> {
        let client = ClientId::from(client_id.as_str());
        let mut conn = ctx.app()?.db.read().await?;
        let agency = ctx.agency()?;
        store::clients::find(&mut conn, agency, &client)
            .await?
            .ok_or(Error::NotFound)?;
        let rows = store::portal_users::list(&mut conn, agency, &client).await?;
        Ok(rows.into_iter().map(PortalUser::from).collect())
    }

    /// The newest 100 keys that clients handed in and that had to wait; those that still wait come first.
    async fn key_hand_ins(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those of this client alone.")] client_id: Option<ID>,
    ) -> Result<Vec<KeyHandIn>> {
        let client = client_of(client_id.as_ref());
        let mut conn = ctx.app()?.db.read().await?;
        let agency = ctx.agency()?;
        if let Some(client) = &client {
            store::clients::find(&mut conn, agency, client)
                .await?
                .ok_or(Error::NotFound)?;
        }
        let client = client.as_ref().map_or("", ClientId::as_str);
        let rows = store::key_hand_ins::list(&mut conn, agency, client).await?;
        rows.into_iter().map(KeyHandIn::try_from).collect()
    }

    /// How each provider stands for the viewer's own client.
    async fn client_integrations(&self, ctx: &Context<'_>) -> Result<Vec<ClientIntegration>> {
        let found = hand_in::integrations(ctx.app()?, ctx.viewer()?).await?;
        Ok(found.into_iter().map(ClientIntegration::from).collect())
    }
}

/// A person to add to a client.
#[derive(InputObject)]
pub(crate) struct CreatePortalUserInput {
    /// Ringfence's id of the client.
    client_id: ID,
    /// The person's name.
    name: String,
    /// The email address to log in with.
    email: String,
    /// What the person may; `[VIEW_AGENTS]` when absent.
    permissions: Option<Vec<PortalPermission>>,
}

/// The person, and how they get in.
#[derive(SimpleObject)]
pub(crate) struct CreatePortalUserPayload {
    /// As it is stored.
    portal_user: PortalUser,
    /// Send it to the person: with it they join, by a new password, or by the one of a log-in that they have here already.
    log_in_link: LogInLink,
}

/// What a person of a client may from now on.
#[derive(InputObject)]
pub(crate) struct UpdatePortalUserInput {
    /// Ringfence's id of the client.
    client_id: ID,
    /// Ringfence's id of the person.
    user_id: ID,
    /// All that the person may.
    permissions: Vec<PortalPermission>,
}

/// The changed person.
#[derive(SimpleObject)]
pub(crate) struct UpdatePortalUserPayload {
    /// As it is stored.
    portal_user: PortalUser,
}

/// A person of a client.
#[derive(InputObject)]
pub(crate) struct RemovePortalUserInput {
    /// Ringfence's id of the client.
    client_id: ID,
    /// Ringfence's id of the person.
    user_id: ID,
}

/// Who was removed.
#[derive(SimpleObject)]
pub(crate) struct RemovePortalUserPayload {
    /// Ringfence's id of the person.
    removed_id: ID,
}

/// Who needs a new link.
#[derive(InputObject)]
pub(crate) struct CreateLogInLinkInput {
    /// Ringfence's id of the client.
    client_id: ID,
    /// Ringfence's id of the person.
    user_id: ID,
}

/// The new link; the one before is dead.
#[derive(SimpleObject)]
pub(crate) struct CreateLogInLinkPayload {
    /// Send it to the person.
    log_in_link: LogInLink,
}

/// A log-in link that is used.
#[derive(InputObject)]
pub(crate) struct RedeemLogInLinkInput {
    /// What stands behind the # of the link.
    #[graphql(secret = true)]
    token: String,
    /// The password to log in with from now on, at least 12 characters. Of somebody who has joined another agency here too:
    /// the password that they have.
    #[graphql(secret = true)]
    password: String,
}

/// Who has logged in; the answer sets the session cookie.
#[derive(SimpleObject)]
pub(crate) struct RedeemLogInLinkPayload {
    /// Who is logged in now.
    viewer: ViewerNode,
    /// The slug of the agency that was joined, for the `Ringfence-Agency` header.
    agency_slug: String,
}

/// A key that a person of a client hands in.
#[derive(InputObject)]
pub(crate) struct HandInProviderKeyInput {
    /// The provider whose key it is.
    provider: Provider,
    /// The key. It is never shown again, to anyone.
    #[graphql(secret = true)]
    api_key: String,
    /// Which of the provider's hosts it is for; the usual one when absent.
    region: Option<Region>,
}

/// How the provider stands now.
#[derive(SimpleObject)]
pub(crate) struct HandInProviderKeyPayload {
    /// `CONNECTED` when the key is in use, `WAITING` when the agency has to accept it.
    integration: ClientIntegration,
}

/// A key to accept.
#[derive(InputObject)]
pub(crate) struct AcceptKeyHandInInput {
    /// Ringfence's id of the hand-in.
    key_hand_in_id: ID,
    /// The version of the client's own key that you have seen; absent when it has none.
    expected_version: Option<i32>,
}

/// The key as it is in use.
#[derive(SimpleObject)]
pub(crate) struct AcceptKeyHandInPayload {
    /// With its mask and what the check found.
    provider_key: ProviderKey,
    /// The import that this started; null when the key may list nothing.
    sync_run: Option<SyncRun>,
}

/// A key to decline.
#[derive(InputObject)]
pub(crate) struct DeclineKeyHandInInput {
    /// Ringfence's id of the hand-in.
    key_hand_in_id: ID,
}

/// The declined key.
#[derive(SimpleObject)]
pub(crate) struct DeclineKeyHandInPayload {
    /// As it stands now; its sealed bytes are destroyed.
    key_hand_in: KeyHandIn,
}

/// Whether clients may hand in keys.
#[derive(InputObject)]
pub(crate) struct UpdateHandInsInput {
    /// False: nobody of any client can hand in a key.
    is_open: bool,
}

/// The agency with its switch.
#[derive(SimpleObject)]
pub(crate) struct UpdateHandInsPayload {
    /// As it is stored.
    agency: Agency,
}

#[derive(Default)]
pub(crate) struct PortalMutation;

#[Object]
impl PortalMutation {
    /// Adds a person to a client, with a link for the first log-in.
    async fn create_portal_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, of which client, and what they may.")] input: CreatePortalUserInput,
    ) -> Result<CreatePortalUserPayload> {
        let permissions = input.permissions;
        let person = NewPerson {
            client: ClientId::from(input.client_id.as_str()),
            name: input.name,
            email: input.email,
            permissions: permissions.unwrap_or_else(|| vec![PortalPermission::ViewAgents]),
        };
        let (row, link) = people::create(ctx.app()?, ctx.viewer()?, person).await?;
        Ok(CreatePortalUserPayload {
            portal_user: row.into(),
            log_in_link: link.into(),
        })
    }

    /// Says what a person of a client may; it holds at their next request.
    async fn update_portal_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and what they may.")] input: UpdatePortalUserInput,
    ) -> Result<UpdatePortalUserPayload> {
        let client = ClientId::from(input.client_id.as_str());
        let user = UserId::from(input.user_id.as_str());
        let row = people::update(
            ctx.app()?,
            ctx.viewer()?,
            &client,
            &user,
            &input.permissions,
        )
        .await?;
        Ok(UpdatePortalUserPayload {
            portal_user: row.into(),
        })
    }

    /// Takes a person out of a client's portal; it holds at their next request.
    async fn remove_portal_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is to go.")] input: RemovePortalUserInput,
    ) -> Result<RemovePortalUserPayload> {
        let client = ClientId::from(input.client_id.as_str());
        let user = UserId::from(input.user_id.as_str());
        people::remove(ctx.app()?, ctx.viewer()?, &client, &user).await?;
        Ok(RemovePortalUserPayload {
            removed_id: input.user_id,
        })
    }

    /// Makes a new log-in link for a person of a client; the one before stops working.
    async fn create_log_in_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who needs a new link.")] input: CreateLogInLinkInput,
    ) -> Result<CreateLogInLinkPayload> {
        let client = ClientId::from(input.client_id.as_str());
        let user = UserId::from(input.user_id.as_str());
        let link = people::renew_link(ctx.app()?, ctx.viewer()?, &client, &user).await?;
        Ok(CreateLogInLinkPayload {
            log_in_link: link.into(),
        })
    }

    /// Uses a log-in link up: its person joins the agency and is logged in.
    async fn redeem_log_in_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link's token, and the password.")] input: RedeemLogInLinkInput,
    ) -> Result<RedeemLogInLinkPayload> {
        let origin = ctx.data_opt::<Origin>();
        let origin = (
            origin.and_then(|origin| origin.address),
            origin.and_then(|origin| origin.user_agent.as_deref()),
        );
        let password = SecretString::from(input.password);
        let joined = people::redeem(ctx.app()?, &input.token, password, origin).await?;
        Ok(RedeemLogInLinkPayload {
            viewer: opened(ctx, joined.session, joined.expires_at).await?,
            agency_slug: joined.agency_slug,
        })
    }

    /// Takes a key for the viewer's own client. One of the account that is connected is used at once; any other waits for
    /// the agency.
    async fn hand_in_provider_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key, and which provider it is for.")] input: HandInProviderKeyInput,
    ) -> Result<HandInProviderKeyPayload> {
        let input = HandIn {
            provider: input.provider.into(),
            api_key: SecretString::from(input.api_key),
            region: input.region,
        };
        let integration = hand_in::hand_in(ctx.app()?, ctx.viewer()?, input).await?;
        Ok(HandInProviderKeyPayload {
            integration: integration.into(),
        })
    }

    /// Puts a key that was handed in in use, after checking it once more; `previewProviderKey` says first what would change.
    async fn accept_key_hand_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key, over which version.")] input: AcceptKeyHandInInput,
    ) -> Result<AcceptKeyHandInPayload> {
        let hand_in = HandInId::from(input.key_hand_in_id.as_str());
        let expected = input.expected_version.map(i64::from);
        let saved = hand_in::accept(ctx.app()?, ctx.viewer()?, &hand_in, expected).await?;
        Ok(AcceptKeyHandInPayload {
            provider_key: saved.key.try_into()?,
            sync_run: saved.sync_run.map(SyncRun::try_from).transpose()?,
        })
    }

    /// Declines a key that was handed in, and destroys it.
    async fn decline_key_hand_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key to decline.")] input: DeclineKeyHandInInput,
    ) -> Result<DeclineKeyHandInPayload> {
        let hand_in = HandInId::from(input.key_hand_in_id.as_str());
        let row = hand_in::decline(ctx.app()?, ctx.viewer()?, &hand_in).await?;
        Ok(DeclineKeyHandInPayload {
            key_hand_in: row.try_into()?,
        })
    }

    /// Switches handing in keys on or off, for all clients.
    async fn update_hand_ins(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On or off.")] input: UpdateHandInsInput,
    ) -> Result<UpdateHandInsPayload> {
        hand_in::set_open(ctx.app()?, ctx.viewer()?, input.is_open).await?;
        let mut conn = ctx.app()?.db.read().await?;
        let row = store::agencies::find(&mut conn, ctx.agency()?)
            .await?
            .ok_or(Error::NotFound)?;
        Ok(UpdateHandInsPayload {
            agency: row.try_into()?,
        })
    }
}
