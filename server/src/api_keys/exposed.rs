//! A key that somebody found (A9): whoever has it may revoke it, which is the only thing that the report does. The answer is
//! the same whether there was such a key or not.

use super::{
    State, audit,
    generate::{end_key, named},
};
use crate::{
    access::api_key::ApiKeySecret,
    alerts::{self, Cause},
    app::App,
    audit::{Action, Actor},
    error::Result,
    store::{self, api_keys::ApiKeyRow},
};

/// Revokes the key, if it is one of ours that nobody has revoked, and tells the agency.
pub(crate) async fn report(app: &App, secret: &ApiKeySecret) -> Result<()> {
    let mut conn = app.db.read().await?;
    let found = store::api_keys::find_by_hash(&mut conn, &secret.hash()).await?;
    drop(conn);
    let Some(row) = found.filter(|row| row.revoked_at.is_none()) else {
        return Ok(());
    };
    let agency = &row.agency_id;
    let mut tx = app.db.begin().await?;
    store::api_keys::lock_access(&mut tx, agency).await?;
    let now = app.clock.now();
    if !end_key(&mut tx, agency, &row.id, State::Exposed, now).await? {
        return Ok(());
    }
    let others = store::api_keys::list_unrevoked(&mut tx, agency, &row.lineage_id).await?;
    let is_let_in =
        |other: &&ApiKeyRow| matches!(State::of(other, now), State::Active | State::Ending);
    let beside = others.iter().find(is_let_in);
    let summary = format!(
        "{} was reported by somebody who found it, and revoked.",
        named(&row)
    );
    audit(
        &mut tx,
        app,
        Actor::System,
        &row,
        Action::ApiKeyExposed,
        summary,
    )
    .await?;
    let cause = Cause::ApiKeyExposed { key: &row, beside };
    alerts::raise(&mut tx, app, &cause).await?;
    tx.commit().await
}
