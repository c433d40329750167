//! Who is logged in: the viewer, set-up, log-in and log-out.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use secrecy::SecretString;

use crate::{
    access::{Permission, PortalPermission, Role, Viewer, session},
    accounts::{log_in, set_up},
    error::{Error, Result},
    graphql::{
        agency::Agency,
        context::{ContextExt, CookieJar, Origin},
        scalars::DateTime,
    },
    id::{SessionId, UserId},
    store,
};

/// Somebody with an account here.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Person {
    /// Ringfence's id of the person.
    pub(crate) id: ID,
    /// The name that others see.
    pub(crate) name: String,
    /// The email address to log in with.
    pub(crate) email: String,
}

impl Person {
    /// The member of the agency with this id, if there is one.
    pub(crate) async fn load(ctx: &Context<'_>, id: Option<&UserId>) -> Result<Option<Self>> {
        let Some(id) = id else { return Ok(None) };
        let loading = ctx.loaders()?.members.load_one(id.as_str().to_owned());
        let found = loading.await.map_err(Error::internal)?;
        Ok(found.map(|user| Self {
            id: user.id.as_str().into(),
            name: user.name,
            email: user.email,
        }))
    }
}

/// A browser that is logged in.
#[derive(SimpleObject)]
pub(crate) struct Session {
    /// Ringfence's id of the session; it is not the cookie.
    id: ID,
    /// When it began.
    created_at: DateTime,
    /// When it ends unless it is used; each use moves it.
    expires_at: DateTime,
    /// What the browser calls itself.
    user_agent: Option<String>,
    /// Whether this request came with it.
    is_current: bool,
}

/// The viewer's place in an agency.
#[derive(SimpleObject)]
pub(crate) struct Membership {
    /// The agency that the viewer belongs to.
    agency: Agency,
    /// What the viewer is there.
    role: Role,
    /// What the viewer may do there.
    permissions: Vec<Permission>,
    /// The client whose person the viewer is; null for the agency's own people.
    client_name: Option<String>,
}

/// Who is logged in.
pub(crate) struct ViewerNode(pub(crate) Viewer);

/// Whoever is logged in.
#[Object(name = "Viewer")]
impl ViewerNode {
    /// Name and email address of the viewer.
    async fn person(&self) -> Person {
        Person {
            id: self.0.user_id.as_str().into(),
            name: self.0.name.clone(),
            email: self.0.email.clone(),
        }
    }

    /// The agencies that the person belongs to, with role and permissions.
    async fn memberships(&self, ctx: &Context<'_>) -> Result<Vec<Membership>> {
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::agencies::list_memberships(&mut conn, &self.0.user_id).await?;
        rows.into_iter()
            .map(|row| {
                let role = Role::parse(&row.role)
                    .ok_or_else(|| crate::error::Error::internal("unknown role"))?;
                let own = PortalPermission::of_row(&row.portal_permissions);
                Ok(Membership {
                    agency: row.agency.try_into()?,
                    role,
                    permissions: role.permissions(&own),
                    client_name: row.client_name,
                })
            })
            .collect()
    }

    /// The person's log-in sessions, newest first.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<Session>> {
        let app = ctx.app()?;
        let mut conn = app.db.read().await?;
        let rows = store::sessions::list(&mut conn, &self.0.user_id, app.clock.now()).await?;
        Ok(rows
            .into_iter()
            .map(|row| Session {
                is_current: self.0.session() == Some(&row.id),
                id: row.id.as_str().into(),
                created_at: row.created_at.into(),
                expires_at: row.expires_at.into(),
                user_agent: row.user_agent,
            })
            .collect())
    }
}

#[derive(Default)]
pub(crate) struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who is logged in; null for nobody. An API key is nobody who is logged in, and is refused.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<ViewerNode> {
        ctx.data_opt::<Viewer>().cloned().map(ViewerNode)
    }
}

/// The first owner and their agency.
#[derive(InputObject)]
pub(crate) struct SetUpInput {
    /// The single-use token that the server printed at its start; it lives 30 minutes.
    #[graphql(secret = true)]
    token: String,
    /// Name of the agency.
    agency_name: String,
    /// The owner's name.
    name: String,
    /// The owner's email address, to log in with.
    email: String,
    /// At least 12 characters.
    #[graphql(secret = true)]
    password: String,
}

/// Who was set up, logged in.
#[derive(SimpleObject)]
pub(crate) struct SetUpPayload {
    /// The new owner.
    viewer: ViewerNode,
}

/// Email and password.
#[derive(InputObject)]
pub(crate) struct LogInInput {
    /// Email address, in any case.
    email: String,
    /// The password of this account.
    #[graphql(secret = true)]
    password: String,
}

/// Who has logged in; the answer sets the session cookie.
#[derive(SimpleObject)]
pub(crate) struct LogInPayload {
    /// Who is logged in now.
    viewer: ViewerNode,
}

/// That the session has ended.
#[derive(SimpleObject)]
pub(crate) struct LogOutPayload {
    /// Always true: what fails is an error instead.
    is_logged_out: bool,
}

/// That all sessions have ended.
#[derive(SimpleObject)]
pub(crate) struct LogOutEverywherePayload {
    /// How many sessions ended.
    ended_count: i32,
}

#[derive(Default)]
pub(crate) struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Makes the first agency and its owner; open until there is one.
    async fn set_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The printed token, and who the first owner is.")] input: SetUpInput,
    ) -> Result<SetUpPayload> {
        let user_agent = ctx
            .data_opt::<Origin>()
            .and_then(|origin| origin.user_agent.as_deref());
        let input = set_up::SetUp {
            token: input.token,
            agency_name: input.agency_name,
            name: input.name,
            email: input.email,
            password: SecretString::from(input.password),
        };
        let (session, expires_at) = set_up::set_up(ctx.app()?, input, user_agent).await?;
        Ok(SetUpPayload {
            viewer: opened(ctx, session, expires_at).await?,
        })
    }

    /// Logs in and sets the session cookie. Five failed attempts per email in 15 minutes are refused with the wait.
    async fn log_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose session is opened, and the proof.")] input: LogInInput,
    ) -> Result<LogInPayload> {
        let origin = ctx.data_opt::<Origin>().cloned().unwrap_or_default();
        let (session, expires_at) = log_in::log_in(
            ctx.app()?,
            &input.email,
            SecretString::from(input.password),
            origin.address,
            origin.user_agent.as_deref(),
        )
        .await?;
        Ok(LogInPayload {
            viewer: opened(ctx, session, expires_at).await?,
        })
    }

    /// Ends this session at once.
    async fn log_out(&self, ctx: &Context<'_>) -> Result<LogOutPayload> {
        log_in::log_out(ctx.app()?, ctx.viewer()?).await?;
        if let Some(jar) = ctx.data_opt::<CookieJar>() {
            jar.clear();
        }
        Ok(LogOutPayload {
            is_logged_out: true,
        })
    }

    /// Ends all sessions of the person at once, this one included.
    async fn log_out_everywhere(&self, ctx: &Context<'_>) -> Result<LogOutEverywherePayload> {
        let count = log_in::log_out_everywhere(ctx.app()?, ctx.viewer()?).await?;
        if let Some(jar) = ctx.data_opt::<CookieJar>() {
            jar.clear();
        }
        Ok(LogOutEverywherePayload {
            ended_count: i32::try_from(count).unwrap_or(i32::MAX),
        })
    }
}

/// The viewer of a session that was just opened; the cookie follows with the answer.
pub(crate) async fn opened(
    ctx: &Context<'_>,
    session: SessionId,
    expires_at: crate::clock::Timestamp,
) -> Result<ViewerNode> {
    let app = ctx.app()?;
    let recognised =
        session::recognise(&app.db, &session, None, &app.guard_alarm, app.clock.now()).await?;
    if let Some(jar) = ctx.data_opt::<CookieJar>() {
        jar.open(session, recognised.viewer.clone(), expires_at);
    }
    Ok(ViewerNode(recognised.viewer))
}
