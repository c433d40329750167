//! The agency's own API keys, for its scripts. A key goes out with the answer that made it, and never again; what is read of
//! it later is its last four characters.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};

use crate::{
    access::Scope,
    api_keys::{self, Access, NewKey, State, reminder, usage},
    clock::Timestamp,
    config::ApiLimit,
    error::{Error, Result},
    graphql::{
        context::ContextExt,
        scalars::{Date, DateTime},
        session::Person,
    },
    id::ApiKeyId,
    store::api_keys::ApiKeyRow,
};

/// Days of use that are kept.
const MAX_DAYS: i32 = 90;
const DAY: i64 = 24 * 3600 * 1000;

/// A key with which scripts act for the agency, never beyond what its creator may.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct ApiKey {
    /// Ringfence's id of the key; it is no part of the secret.
    id: ID,
    /// What people call it, once among the keys in use and the suspended ones; another of this name takes its place.
    name: String,
    /// The last four characters of the secret.
    hint: String,
    /// What it was made for.
    scopes: Vec<Scope>,
    /// How it stands now.
    state: State,
    /// When it was made.
    created_at: DateTime,
    /// When it stops working; null when it does not expire.
    expires_at: Option<DateTime>,
    /// The end of its overlap with the key in its place; null of a key that was not rotated with an overlap.
    ends_at: Option<DateTime>,
    /// When it was revoked, or replaced without an overlap.
    revoked_at: Option<DateTime>,
    /// The last request with it, told some seconds late; null when there was none.
    last_used_at: Option<DateTime>,
    /// Whether it is older than 90 days, and in use or suspended.
    is_due_for_rotation: bool,
    #[graphql(skip)]
    row: ApiKeyRow,
}

impl ApiKey {
    fn new(row: ApiKeyRow, now: Timestamp) -> Self {
        Self {
            id: row.id.as_str().into(),
            name: row.name.clone(),
            hint: row.hint.clone(),
            scopes: Scope::of_row(&row.scopes),
            state: State::of(&row, now),
            created_at: row.created_at.into(),
            expires_at: row.expires_at.map(Into::into),
            ends_at: row.ends_at.map(Into::into),
            revoked_at: row.revoked_at.map(Into::into),
            last_used_at: row.last_used_at.map(Into::into),
            is_due_for_rotation: reminder::is_due(&row, now),
            row,
        }
    }
}

#[ComplexObject]
impl ApiKey {
    /// Who made it; null when that person left the agency, and then it is `SUSPENDED`.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, Some(&self.row.created_by)).await
    }

    /// Its requests of the last days, newest day first; days without any are left out.
    async fn usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 30, desc = "How many days back, today among them: 1 to 90.")] days: i32,
    ) -> Result<Vec<ApiKeyUsage>> {
        if !(1..=MAX_DAYS).contains(&days) {
            return Err(Error::invalid(
                "days",
                format!("Ask for 1 to {MAX_DAYS} days."),
            ));
        }
        let today = usage::day_of(ctx.app()?.clock.now());
        let first = Timestamp::from_millis(today - i64::from(days - 1) * DAY);
        let last = Timestamp::from_millis(today);
        let loading = ctx
            .loaders()?
            .api_key_days
            .load_one(self.row.id.as_str().to_owned());
        let rows = loading.await.map_err(Error::internal)?.unwrap_or_default();
        rows.into_iter()
            // A clock that was ahead may have written a day that has not come yet.
            .filter(|row| (first..=last).contains(&row.day))
            .map(|row| {
                Ok(ApiKeyUsage {
                    date: row.day.try_into()?,
                    request_count: i32::try_from(row.request_count).unwrap_or(i32::MAX),
                    error_count: i32::try_from(row.error_count).unwrap_or(i32::MAX),
                })
            })
            .collect()
    }
}

/// What a key was used for on one day.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ApiKeyUsage {
    /// The day in UTC.
    date: Date,
    /// Requests with the key, those that its limits refused among them.
    request_count: i32,
    /// Those of them that were answered with an error.
    error_count: i32,
}

/// Whether scripts get in, and how fast.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ApiAccess {
    /// The agency's own switch; switched off, the keys are kept and refused.
    is_on: bool,
    /// Whether the agency's plan has the API. Which plan it is only owners see; every plan with the API reads the same here.
    is_in_plan: bool,
    /// Requests that one key may make in any 60 seconds.
    requests_per_minute_per_key: i32,
    /// Requests that all keys of the agency together may make in any 60 seconds.
    requests_per_minute_per_agency: i32,
}

impl ApiAccess {
    fn new(access: Access, limit: ApiLimit) -> Self {
        Self {
            is_on: access.is_on,
            is_in_plan: access.plan.has_api(),
            requests_per_minute_per_key: i32::try_from(limit.per_key).unwrap_or(i32::MAX),
            requests_per_minute_per_agency: i32::try_from(limit.per_agency).unwrap_or(i32::MAX),
        }
    }
}

#[derive(Default)]
pub(crate) struct ApiKeyQuery;

#[Object]
impl ApiKeyQuery {
    /// The agency's API keys: those in use and the suspended ones first, at most 20 of them beside what overlaps, then those
    /// that ended in the last 90 days; at most 100 in all.
    async fn api_keys(&self, ctx: &Context<'_>) -> Result<Vec<ApiKey>> {
        let app = ctx.app()?;
        let rows = api_keys::list(app, ctx.agency()?).await?;
        let now = app.clock.now();
        Ok(rows.into_iter().map(|row| ApiKey::new(row, now)).collect())
    }

    /// Whether scripts get into the agency with its API keys.
    async fn api_access(&self, ctx: &Context<'_>) -> Result<ApiAccess> {
        let app = ctx.app()?;
        let access = api_keys::access(app, ctx.agency()?).await?;
        Ok(ApiAccess::new(
            access,
            app.config.api_limits.of(access.plan),
        ))
    }
}

/// A key to make.
#[derive(InputObject)]
pub(crate) struct GenerateApiKeyInput {
    /// What people call it, at most 100 characters in any case of letters. A key in use of this name is replaced, and refused
    /// at once.
    name: String,
    /// What it is for. Absent: what the last key of this name was for, in use or not, else `READ` and `CALLS_TRIGGER`.
    scopes: Option<Vec<Scope>>,
    /// When it stops working. Absent: it does not expire.
    expires_at: Option<DateTime>,
}

/// The key that was made.
#[derive(SimpleObject)]
pub(crate) struct GenerateApiKeyPayload {
    /// In use from now on.
    api_key: ApiKey,
    /// The key itself, to send as `Authorization: Bearer …`. It is shown here and never again.
    secret: String,
}

/// Which key gets another in its place.
#[derive(InputObject)]
pub(crate) struct RotateApiKeyInput {
    /// Ringfence's id of a key in use or suspended. The new one acts as whoever rotates it.
    api_key_id: ID,
    /// Hours that the old key works on beside the new one, at most 72. Absent or 0: it is refused at once. What overlapped
    /// with it before is refused in any case.
    overlap_hours: Option<i32>,
}

/// The key in the place of the old one.
#[derive(SimpleObject)]
pub(crate) struct RotateApiKeyPayload {
    /// The new key, with name, scopes and expiry of the old one; the limits count the two as one.
    api_key: ApiKey,
    /// The new key itself. It is shown here and never again.
    secret: String,
    /// The old key, as it stands now.
    previous_api_key: ApiKey,
}

/// Which key to revoke.
#[derive(InputObject)]
pub(crate) struct RevokeApiKeyInput {
    /// Ringfence's id of the key.
    api_key_id: ID,
}

/// The key that is refused from now on.
#[derive(SimpleObject)]
pub(crate) struct RevokeApiKeyPayload {
    /// As it stands now; one that had ended before is as it was.
    api_key: ApiKey,
}

/// Whether scripts are to get in.
#[derive(InputObject)]
pub(crate) struct UpdateApiAccessInput {
    /// Off: every key of the agency is answered 403, and kept. On: they work again.
    is_on: bool,
}

/// The switch after the change.
#[derive(SimpleObject)]
pub(crate) struct UpdateApiAccessPayload {
    /// As it is now.
    api_access: ApiAccess,
}

#[derive(Default)]
pub(crate) struct ApiKeyMutation;

#[Object]
impl ApiKeyMutation {
    /// Makes an API key, in the place of the one in use of its name. The secret is in this answer alone.
    async fn generate_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is called and what it is for.")] input: GenerateApiKeyInput,
    ) -> Result<GenerateApiKeyPayload> {
        let app = ctx.app()?;
        let new = NewKey {
            name: input.name,
            scopes: input.scopes,
            expires_at: input.expires_at.map(|at| at.0),
        };
        let made = api_keys::generate(app, ctx.viewer()?, new).await?;
        Ok(GenerateApiKeyPayload {
            api_key: ApiKey::new(made.row, app.clock.now()),
            secret: made.secret.expose().to_owned(),
        })
    }

    /// Puts a new key in the place of one in use. The secret is in this answer alone.
    async fn rotate_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key, and for how long both work.")] input: RotateApiKeyInput,
    ) -> Result<RotateApiKeyPayload> {
        let app = ctx.app()?;
        let key = ApiKeyId::from(input.api_key_id.as_str());
        // What is below nothing is as much out of bounds as what is too much.
        let hours = u32::try_from(input.overlap_hours.unwrap_or(0)).unwrap_or(u32::MAX);
        let rotated = api_keys::rotate(app, ctx.viewer()?, &key, hours).await?;
        let now = app.clock.now();
        Ok(RotateApiKeyPayload {
            api_key: ApiKey::new(rotated.new.row, now),
            secret: rotated.new.secret.expose().to_owned(),
            previous_api_key: ApiKey::new(rotated.previous, now),
        })
    }

    /// Revokes an API key at once, and with one in use what overlaps with it.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key to revoke.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload> {
        let app = ctx.app()?;
        let key = ApiKeyId::from(input.api_key_id.as_str());
        let row = api_keys::revoke(app, ctx.viewer()?, &key).await?;
        Ok(RevokeApiKeyPayload {
            api_key: ApiKey::new(row, app.clock.now()),
        })
    }

    /// Switches the agency's API access on or off; its keys stay as they are.
    async fn update_api_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whether scripts are to get in.")] input: UpdateApiAccessInput,
    ) -> Result<UpdateApiAccessPayload> {
        let app = ctx.app()?;
        let access = api_keys::switch(app, ctx.viewer()?, input.is_on).await?;
        Ok(UpdateApiAccessPayload {
            api_access: ApiAccess::new(access, app.config.api_limits.of(access.plan)),
        })
    }
}
