//! The GraphQL edge: types, arguments and errors as clients see them. No rule of the product and no SQL stands here; a
//! resolver turns its input into a use case's and the answer into a type. What a field needs stands in
//! `access::policy`, and `guard` asks it everywhere.

pub(crate) mod agency;
pub(crate) mod agent;
pub(crate) mod agent_change;
pub(crate) mod alert;
pub(crate) mod api_key;
pub(crate) mod audit;
pub(crate) mod call;
mod call_reporting;
mod call_stats;
pub(crate) mod call_watch;
pub(crate) mod client;
pub(crate) mod context;
pub(crate) mod failure;
pub(crate) mod guard;
pub(crate) mod instance;
pub(crate) mod key_version;
pub(crate) mod loaders;
mod measure;
pub(crate) mod page;
pub(crate) mod phone_number;
pub(crate) mod placement_run;
pub(crate) mod portal;
pub(crate) mod provider;
pub(crate) mod provider_key;
pub(crate) mod route;
pub(crate) mod scalars;
pub(crate) mod session;
pub(crate) mod sync_change;
pub(crate) mod sync_run;
pub(crate) mod trigger_call;
pub(crate) mod voice;
pub(crate) mod watch;
pub(crate) mod webhook;

use async_graphql::{MergedObject, MergedSubscription, Schema};

use crate::{access::policy::Policy, app::App, error::Code};

/// Deepest nesting that is served.
const MAX_DEPTH: usize = 12;
/// Most fields that an answer may have, list entries counted.
const MAX_COMPLEXITY: usize = 20_000;

/// Everything that can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    instance::InstanceQuery,
    session::ViewerQuery,
    agency::AgencyQuery,
    provider::ProviderQuery,
    provider_key::ProviderKeyQuery,
    key_version::KeyVersionQuery,
    client::ClientQuery,
    portal::PortalQuery,
    agent::AgentQuery,
    route::RouteQuery,
    phone_number::PhoneNumberQuery,
    voice::VoiceQuery,
    sync_run::SyncRunQuery,
    sync_change::SyncChangeQuery,
    placement_run::PlacementRunQuery,
    audit::AuditQuery,
    alert::AlertQuery,
    webhook::WebhookQuery,
    api_key::ApiKeyQuery,
    call::CallQuery,
    call_stats::CallStatsQuery,
);

/// Everything that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    session::SessionMutation,
    client::ClientMutation,
    portal::PortalMutation,
    provider_key::ProviderKeyMutation,
    key_version::KeyVersionMutation,
    sync_run::SyncRunMutation,
    alert::AlertMutation,
    webhook::WebhookMutation,
    api_key::ApiKeyMutation,
    trigger_call::CallMutation,
    placement_run::PlacementRunMutation,
    agent_change::AgentMutation,
);

/// Everything that can be watched.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    sync_run::SyncRunSubscription,
    placement_run::PlacementRunSubscription,
    call_watch::CallSubscription,
);

/// The schema of the server.
pub type RingfenceSchema = Schema<Query, Mutation, Subscription>;

fn builder(policy: Policy) -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .register_output_type::<Code>()
    .extension(guard::GuardFactory { policy })
    .limit_depth(MAX_DEPTH)
    .limit_complexity(MAX_COMPLEXITY)
    .limit_directives(10)
    .disable_suggestions()
}

/// The schema over a running application.
pub fn schema(app: &App) -> RingfenceSchema {
    schema_with(app, Policy::standard().clone())
}

/// The same with another access table: for the test that proves that the access test notices an open field.
pub fn schema_with(app: &App, policy: Policy) -> RingfenceSchema {
    builder(policy).data(app.clone()).finish()
}

/// The schema's text, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let schema = builder(Policy::standard().clone()).finish();
    let mut text = schema.sdl();
    text = text.trim_end().to_owned();
    text.push('\n');
    text
}
