//! The first lock: at every field of every answer, subscriptions' events among them, the one table is asked. A field
//! without an entry is refused, so silence is an error. It is an async-graphql extension and not a guard attribute on
//! each field, because an attribute can be forgotten, and is not run for a field read through an interface
//! (async-graphql #1826).
//!
//! A denied field that may be null becomes null, with its error beside it; any other fails its parent, as GraphQL has it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    access::{
        Viewer,
        policy::{Need, Policy, Use},
    },
    api_keys,
    app::App,
    error::Error,
    graphql::{context::CookieJar, measure},
};
use async_graphql::{
    PathSegment, Request, Response, ServerError, ServerResult, Value,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest,
        NextResolve, ResolveInfo,
    },
};

const SUBSCRIPTION: &str = "Subscription";
const MUTATION: &str = "Mutation";

/// Makes a guard for each request.
pub(crate) struct GuardFactory {
    pub(crate) policy: Policy,
}

impl ExtensionFactory for GuardFactory {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Guard {
            policy: self.policy.clone(),
            denials: Mutex::default(),
        })
    }
}

struct Guard {
    policy: Policy,
    denials: Mutex<Vec<ServerError>>,
}

impl Guard {
    async fn check(&self, ctx: &ExtensionContext<'_>, info: &ResolveInfo<'_>) -> Result<(), Error> {
        let parent_type = parent_type(info);
        let Some(need) = self.policy.need(parent_type, info.name) else {
            tracing::error!(field = %format!("{parent_type}.{}", info.name), "no entry in the access table");
            return Err(Error::Forbidden);
        };
        let viewer = ctx
            .data_opt::<Viewer>()
            .or_else(|| ctx.data_opt::<CookieJar>().and_then(CookieJar::viewer));
        let is_key = viewer.is_some_and(|viewer| viewer.api_key().is_some());
        if is_key && self.policy.is_for_people(parent_type, info.name) {
            return Err(Error::NotForApiKeys);
        }
        if need == Need::Public {
            return Ok(());
        }
        if self.policy.refuses(need) {
            return Err(Error::Forbidden);
        }
        let viewer = viewer.ok_or(Error::Unauthenticated)?;
        // Each event of a subscription asks the rows of this moment (H3).
        let fresh;
        let viewer = if parent_type == SUBSCRIPTION {
            fresh = reload(ctx, viewer).await?;
            &fresh
        } else {
            viewer
        };
        match need {
            Need::Public | Need::LoggedIn => Ok(()),
            Need::May(_) if viewer.membership.is_none() => Err(no_agency()),
            Need::May(permission) => {
                let use_ = if parent_type == MUTATION {
                    Use::Write
                } else {
                    Use::Read
                };
                viewer.refusal(permission, use_).map_or(Ok(()), Err)
            }
        }
    }
}

/// The type as the schema names it. For a field of a merged subscription async-graphql names the part that it is written
/// in, such as `SyncRunSubscription`.
fn parent_type<'a>(info: &ResolveInfo<'a>) -> &'a str {
    if info.parent_type.ends_with(SUBSCRIPTION) {
        SUBSCRIPTION
    } else {
        info.parent_type
    }
}

/// The request names no agency, and what it asks for is one's.
pub(crate) fn no_agency() -> Error {
    Error::invalid(
        "Ringfence-Agency",
        "Name the agency: send its slug in the Ringfence-Agency header; `viewer { memberships { agency { slug } } }` lists yours.",
    )
}

/// The viewer as session or API key and membership are now.
async fn reload(ctx: &ExtensionContext<'_>, viewer: &Viewer) -> Result<Viewer, Error> {
    let app = ctx
        .data::<App>()
        .map_err(|error| Error::internal(error.message))?;
    api_keys::still(app, viewer).await
}

#[async_graphql::async_trait::async_trait]
impl Extension for Guard {
    // The document is measured here and not in `parse_query`, which is too late: there async-graphql has already walked all
    // that the fragments spread.
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let mut request = next.run(ctx, request).await?;
        measure::check(request.parsed_query()?).map_err(Error::into_server_error)?;
        Ok(request)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(ctx, operation_name).await;
        let denials =
            std::mem::take(&mut *self.denials.lock().unwrap_or_else(PoisonError::into_inner));
        response.errors.extend(denials);
        response
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        // `__schema` and `__type` are switched off per request instead (P6); an entry of a list (its parent type reads
        // `[Agent!]`) belongs to the field that was checked.
        if info.is_for_introspection
            || info.name.starts_with("__")
            || info.parent_type.starts_with("__")
            || info.parent_type.starts_with('[')
        {
            return next.run(ctx, info).await;
        }
        let Err(denial) = self.check(ctx, &info).await else {
            return next.run(ctx, info).await;
        };
        let may_be_null = !info.return_type.ends_with('!');
        let mut error = denial.into_server_error();
        error.path = info
            .path_node
            .to_string_vec()
            .into_iter()
            .map(|segment| {
                segment
                    .parse()
                    .map_or(PathSegment::Field(segment), PathSegment::Index)
            })
            .collect();
        error.locations = vec![info.field.name.pos];
        if may_be_null && parent_type(&info) != SUBSCRIPTION {
            self.denials
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(error);
            return Ok(None);
        }
        Err(error)
    }
}
