//! Watching calls: each comes again whenever it was written. A watcher looks when it is told that a call has moved and every
//! two seconds in any case, so that nothing is lost when another process writes it.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use async_graphql::{Context, Subscription};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    access::{Permission, Viewer},
    api_keys,
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    graphql::{
        call::Call,
        context::{ContextExt, recognised},
        sync_run::first_look,
    },
    id::{AgencyId, CallId},
    store::{self, calls::CallRow},
};

/// Calls are looked at this often, whatever was announced.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// A write that was begun so long before it was committed is still seen; several servers' clocks may differ by it, too.
const OVERLAP: Duration = Duration::from_secs(10);
/// Calls that one look reads.
const AT_ONCE: i64 = 500;

struct Watch {
    app: App,
    viewer: Viewer,
    agency: AgencyId,
    events: Receiver<(AgencyId, CallId)>,
    since: Timestamp,
    /// What was told already, by the write that it was, as far back as a look goes.
    told: HashMap<CallId, (i64, Timestamp)>,
    waiting: VecDeque<CallRow>,
    has_ended: bool,
}

impl Watch {
    /// What was written since the last look and has not been told. Whose calls they may be is asked anew each time (A8).
    async fn look(&mut self) -> Result<()> {
        let viewer = api_keys::still(&self.app, &self.viewer).await?;
        let oldest = self.since.minus(OVERLAP);
        let mut conn = self.app.db.read().await?;
        let rows =
            store::calls::list_changed(&mut conn, &self.agency, viewer.client(), (oldest, AT_ONCE))
                .await?;
        drop(conn);
        self.told.retain(|_, (_, at)| *at >= oldest);
        for row in rows {
            self.since = self.since.max(row.updated_at);
            let write = (row.revision, row.updated_at);
            if self.told.insert(row.id.clone(), write) != Some(write) {
                self.waiting.push_back(row);
            }
        }
        Ok(())
    }

    /// Until a call of the agency is announced to have moved, or two seconds are over.
    async fn wait(&mut self) {
        let announced = async {
            loop {
                match self.events.recv().await {
                    Ok((agency, _)) if agency == self.agency => return,
                    Ok(_) => {}
                    // Some were missed; look.
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending::<()>().await,
                }
            }
        };
        drop(tokio::time::timeout(LOOK_AGAIN, announced).await);
    }

    async fn next(mut self) -> Option<(async_graphql::Result<Call>, Self)> {
        if self.has_ended {
            return None;
        }
        loop {
            if let Some(row) = self.waiting.pop_front() {
                return Some((Call::try_from(row).map_err(Into::into), self));
            }
            self.wait().await;
            if let Err(error) = self.look().await {
                self.has_ended = true;
                return Some((Err(error.into()), self));
            }
        }
    }
}

#[derive(Default)]
pub(crate) struct CallSubscription;

#[Subscription]
impl CallSubscription {
    /// Each call of the agency, or of the viewer's own client, whenever it moves from now on. Subscribe before you read the
    /// list, so that none is missed between the two.
    async fn call_changed(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = async_graphql::Result<Call>> + use<>> {
        let app = ctx.app()?.clone();
        let agency = first_look(ctx, Permission::ViewCalls)?;
        let watch = Watch {
            viewer: recognised(ctx).ok_or(Error::Unauthenticated)?.clone(),
            events: app.call_events.subscribe(),
            since: app.clock.now(),
            app,
            agency,
            told: HashMap::new(),
            waiting: VecDeque::new(),
            has_ended: false,
        };
        Ok(stream::unfold(watch, Watch::next))
    }
}
