//! What an import does with agents that a placement run makes at the same time (R5). Such an agent is listed like any
//! other, and taken for a new one it would be here twice. It is known by the marker that it carries or, where a list tells
//! only names, by its name while it is being made. Nothing here asks the provider.

use std::collections::{HashMap, HashSet};

use crate::{
    error::Result,
    providers::RemoteAgent,
    store::{
        self, Conn,
        placed::MadeWrite,
        placement_items::{Ending, PlacementItemRow},
        placements::{PlacementWrite, Seen},
    },
};

/// The agents of a batch that are no new ones.
#[derive(Default)]
pub(super) struct Arrivals {
    /// A run is making them, and writes them itself; by remote id.
    in_the_making: HashSet<String>,
    /// A run asked for them and was never told that they are there; by remote id.
    unconfirmed: HashMap<String, PlacementItemRow>,
}

impl Arrivals {
    /// Whether a run is making it at this moment.
    pub(super) fn is_in_the_making(&self, remote: &RemoteAgent) -> bool {
        self.in_the_making.contains(&remote.remote_id)
    }

    /// The attempt that made it, where nobody was told.
    pub(super) fn attempt(&self, remote: &RemoteAgent) -> Option<&PlacementItemRow> {
        self.unconfirmed.get(&remote.remote_id)
    }
}

/// Looks for agents of runs in a batch of up to a hundred. It comes before the look for known placements: an attempt is
/// committed before the provider is asked, and its placement together with its end, so that whoever is not in the making
/// any more is known by then.
pub(super) async fn arrivals(
    conn: &mut Conn,
    seen: Seen<'_>,
    batch: &[&RemoteAgent],
) -> Result<Arrivals> {
    let mut arrivals = Arrivals::default();
    let making =
        store::placement_items::list_in_the_making(conn, seen.agency, seen.account).await?;
    let markers: Vec<String> = batch.iter().filter_map(|it| it.marker.clone()).collect();
    let mut attempts = HashMap::new();
    if !markers.is_empty() {
        let (agency, account) = (seen.agency, seen.account);
        let rows = store::placement_items::list_by_markers(conn, agency, account, &markers).await?;
        for row in rows {
            keep_telling(&mut attempts, row);
        }
    }
    for remote in batch {
        let attempt = remote.marker.as_ref().and_then(|it| attempts.get(it));
        let is_named = !remote.is_whole
            && making
                .iter()
                .any(|item| item.name == remote.definition.name);
        match attempt.map(|item| item.state.as_str()) {
            Some("pending" | "creating") => {
                arrivals.in_the_making.insert(remote.remote_id.clone());
            }
            Some("unconfirmed") => {
                let item = attempt.cloned();
                arrivals
                    .unconfirmed
                    .extend(item.map(|item| (remote.remote_id.clone(), item)));
            }
            _ if is_named => {
                arrivals.in_the_making.insert(remote.remote_id.clone());
            }
            _ => {}
        }
    }
    Ok(arrivals)
}

/// Of the rows of one marker, which come oldest first, that one decides which says most about the agent: a later run that
/// was ended before its turn, or that failed in between, says nothing.
fn keep_telling(attempts: &mut HashMap<String, PlacementItemRow>, row: PlacementItemRow) {
    let weight = |row: &PlacementItemRow| match row.state.as_str() {
        "pending" | "creating" => 3,
        "created" => 2,
        "unconfirmed" => 1,
        _ => 0,
    };
    let before = attempts.get(&row.marker).map_or(0, weight);
    if weight(&row) >= before {
        attempts.insert(row.marker.clone(), row);
    }
}

/// Gives an agent to the one that it was made for, in the place of one that it has lost; false when that one is in the
/// account already, so that this is a copy which somebody made.
pub(super) async fn confirm(
    conn: &mut Conn,
    seen: Seen<'_>,
    item: &PlacementItemRow,
    placement: PlacementWrite<'_>,
    hash: &str,
) -> Result<bool> {
    let remote_id = placement.remote_id;
    let made = MadeWrite {
        placement: PlacementWrite {
            agent_id: &item.agent_id,
            ..placement
        },
        account: seen.account,
        provider: seen.provider,
        placed_hash: hash,
        seen_by: seen.run.as_str(),
        at: seen.at,
    };
    let own = store::placed::find_of_agent(conn, seen.agency, &item.agent_id, seen.account).await?;
    match own {
        Some(own) if own.status == "active" => return Ok(false),
        Some(own) => store::placed::replace_made(conn, seen.agency, &own.id, &made).await?,
        None if store::placed::insert_made(conn, seen.agency, &made).await? => {}
        None => return Ok(false),
    }
    let ending = Ending {
        state: "created",
        remote_id: Some(remote_id),
        code: None,
        message: Some("An import of the account has found it."),
    };
    store::placement_items::end(conn, seen.agency, &item.id, &ending, seen.at).await?;
    store::placement_runs::recount(conn, seen.agency, &item.run_id).await?;
    store::agents::refresh_status(conn, seen.agency, &item.agent_id).await?;
    Ok(true)
}
