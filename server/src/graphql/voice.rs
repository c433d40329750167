//! Voices.

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::{
    error::{Error, Result},
    graphql::{
        context::ContextExt,
        page::{self, PageArguments, complexity},
        provider::Provider,
    },
    store::{self, keyset::KeysetPosition, voices::VoiceRow},
};

/// A voice of an account: from the provider's list where it has one, else one that an agent uses.
#[expect(
    clippy::struct_field_names,
    reason = "`voiceId` is the field's name in the schema, as on AgentVoice"
)]
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Voice {
    /// Ringfence's id of the voice.
    id: ID,
    /// The provider of the account.
    provider: Provider,
    /// Who makes the voice, such as 11labs.
    engine: String,
    /// The voice's id there.
    voice_id: String,
    /// Its name, where the provider tells.
    name: Option<String>,
    /// How many active agents use it.
    agent_count: i32,
}

impl TryFrom<VoiceRow> for Voice {
    type Error = Error;

    fn try_from(row: VoiceRow) -> Result<Self> {
        Ok(Self {
            id: row.id.as_str().into(),
            provider: Provider::of_row(&row.provider)?,
            engine: row.engine,
            voice_id: row.voice_id,
            name: row.name,
            agent_count: i32::try_from(row.agent_count).unwrap_or(i32::MAX),
        })
    }
}

page::connection!(
    Voice,
    VoiceConnection,
    VoiceEdge,
    "VoiceEdge",
    "VoiceConnection"
);

#[derive(Default)]
pub(crate) struct VoiceQuery;

#[Object]
impl VoiceQuery {
    /// The agency's voices, by engine.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn voices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<VoiceConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("engine")?;
        let agency = ctx.agency()?.clone();
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::voices::list(&mut conn, &agency, &keyset).await?;
        let position = |row: &VoiceRow| KeysetPosition {
            key: row.engine.clone(),
            id: row.id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, Voice::try_from)?;
        let count = page::counted!(agency => |conn| store::voices::count(conn, &agency));
        Ok(VoiceConnection { page, count })
    }
}
