//! Looking for agents that may have been made without an answer. The account's list is walked once for all of them; an agent
//! is found by the marker that it carries and by nothing else, because a name is no proof. Where the list is thin, those of
//! the same name are read one by one. It writes nothing.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    providers::{ProviderError, RemoteAgent, Target, VoiceProvider},
    store::placement_items::PlacementItemRow,
    sync::run::{Stop, answer},
};

use super::run::{PAGE_TIME, READ_TIME};

/// More agents of one name are not read one by one.
const MOST_READ: usize = 100;

/// What a look at an account has shown.
pub(super) struct Sight {
    found: HashMap<String, Vec<RemoteAgent>>,
    /// Whether an agent that was not found is not there: the list was complete, and every one that it could have been
    /// was read.
    pub(super) is_conclusive: bool,
}

impl Sight {
    /// The agents that carry this marker: none, one, or copies too.
    pub(super) fn of(&self, marker: &str) -> &[RemoteAgent] {
        self.found.get(marker).map_or(&[], Vec::as_slice)
    }
}

/// Walks through the account's agents.
pub(super) async fn look(
    client: &dyn VoiceProvider,
    target: &Target<'_>,
    items: &[PlacementItemRow],
    stop: &CancellationToken,
) -> Result<Sight, Stop> {
    let markers: HashSet<&str> = items.iter().map(|item| item.marker.as_str()).collect();
    let names: HashSet<&str> = items.iter().map(|item| item.name.as_str()).collect();
    let mut sight = Sight {
        found: HashMap::new(),
        is_conclusive: true,
    };
    let (mut thin, mut seen) = (Vec::new(), HashSet::new());
    let mut cursor: Option<String> = None;
    loop {
        let target = Target {
            deadline: Instant::now() + PAGE_TIME,
            ..*target
        };
        let page = answer(stop, client.list_agents(&target, cursor.as_deref())).await?;
        sight.is_conclusive &= page.is_complete;
        for remote in page.items {
            let is_named = names.contains(remote.definition.name.as_str());
            match remote.marker.clone() {
                Some(marker)
                    if markers.contains(marker.as_str())
                        && seen.insert(remote.remote_id.clone()) =>
                {
                    sight.found.entry(marker).or_default().push(remote);
                }
                None if !remote.is_whole && is_named => thin.push(remote.remote_id),
                _ => {}
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if thin.len() > MOST_READ {
        sight.is_conclusive = false;
        // The newest stand last where the list is walked oldest first, and are the likelier ones.
        thin.drain(..thin.len() - MOST_READ);
    }
    for remote_id in thin {
        let target = Target {
            deadline: Instant::now() + READ_TIME,
            ..*target
        };
        match answer(stop, client.get_agent(&target, &remote_id)).await {
            Ok(remote) => {
                sight.is_conclusive &= remote.is_whole;
                let marker = remote.marker.clone().unwrap_or_default();
                if markers.contains(marker.as_str()) && seen.insert(remote_id) {
                    sight.found.entry(marker).or_default().push(remote);
                }
            }
            Err(Stop::Provider(ProviderError::NotFound)) => {}
            Err(Stop::Provider(ProviderError::MissingPermission { .. })) => {
                sight.is_conclusive = false;
            }
            Err(stop) => return Err(stop),
        }
    }
    Ok(sight)
}
