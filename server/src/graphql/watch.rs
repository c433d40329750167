//! Watching a row: it comes now, and again whenever it differs from what came last, until it is over. A watcher looks when
//! it is told that the row has moved and each second in any case, so that nothing is lost when another process writes it.

use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::error::Result;

/// A watched row is looked at this often, whatever was announced.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

struct Watch<Id, Row, Look> {
    id: Id,
    events: Receiver<Id>,
    look: Look,
    is_over: fn(&Row) -> bool,
    last: Option<Row>,
    has_ended: bool,
}

/// The row each time it has moved. `look` reads it; `is_over` says that it will move no more.
pub(crate) fn rows<Id, Row, Look, Looking>(
    id: Id,
    events: Receiver<Id>,
    look: Look,
    is_over: fn(&Row) -> bool,
) -> impl Stream<Item = Result<Row>>
where
    Id: Clone + PartialEq,
    Row: Clone + PartialEq,
    Look: Fn() -> Looking,
    Looking: Future<Output = Result<Row>>,
{
    let watch = Watch {
        id,
        events,
        look,
        is_over,
        last: None,
        has_ended: false,
    };
    stream::unfold(watch, |mut watch| async move {
        if watch.has_ended {
            return None;
        }
        loop {
            match (watch.look)().await {
                Ok(row) if watch.last.as_ref() == Some(&row) => {
                    wait(&mut watch.events, &watch.id).await;
                }
                Ok(row) => {
                    watch.has_ended = (watch.is_over)(&row);
                    watch.last = Some(row.clone());
                    return Some((Ok(row), watch));
                }
                Err(error) => {
                    watch.has_ended = true;
                    return Some((Err(error), watch));
                }
            }
        }
    })
}

/// Until the row is announced to have moved, or a second is over.
async fn wait<Id: Clone + PartialEq>(events: &mut Receiver<Id>, id: &Id) {
    let announced = async {
        loop {
            match events.recv().await {
                Ok(moved) if moved == *id => return,
                Ok(_) => {}
                // Some were missed; look.
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending::<()>().await,
            }
        }
    };
    drop(tokio::time::timeout(LOOK_AGAIN, announced).await);
}
