//! How Bland's agents are walked to their end: personas page by page, then the v2 agents, then the pathways, each of
//! which comes in one answer. Pure: from a page and the cursor that led to it to the next cursor. Whatever leaves a doubt
//! about the end makes the page, and every page behind it, incomplete (S3).

use serde::{Deserialize, Serialize};

use crate::providers::trail::Trail;

/// Bland's largest page of personas.
pub(super) const PERSONA_LIMIT: usize = 100;

/// Bland's largest answer of v2 agents, which have no second page: a full one is a cut one.
pub(super) const AGENT_LIMIT: usize = 500;

/// Where the walk stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AgentCursor {
    pub(super) list: AgentList,
    /// The page of personas, from 1.
    pub(super) page: u64,
    /// The pages of personas so far, each told by its first persona: a page that comes again is known by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trail: Option<Trail>,
    /// Whether a page before left a doubt.
    #[serde(default)]
    pub(super) is_doubtful: bool,
}

/// The lists in the order in which they are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AgentList {
    Personas,
    Agents,
    Pathways,
}

/// What a page of personas means for the walk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) next: AgentCursor,
    /// False: the page was here before, and nothing of it is new.
    pub(super) is_new: bool,
    pub(super) is_complete: bool,
}

impl AgentCursor {
    /// The beginning.
    pub(super) fn start() -> AgentCursor {
        AgentCursor {
            list: AgentList::Personas,
            page: 1,
            trail: None,
            is_doubtful: false,
        }
    }

    /// The beginning of another list.
    pub(super) fn enter(&self, list: AgentList, is_complete: bool) -> AgentCursor {
        AgentCursor {
            list,
            page: 1,
            trail: None,
            is_doubtful: self.is_doubtful || !is_complete,
        }
    }
}

/// The step after a page of personas, told by the ids that could be read. The personas end with the first empty page, not
/// with the first short one: Bland may answer fewer than were asked for.
pub(super) fn persona_step(cursor: &AgentCursor, ids: &[&str], unreadable: usize) -> Step {
    let is_whole = unreadable == 0 && !cursor.is_doubtful;
    if ids.is_empty() && unreadable == 0 {
        return Step {
            next: cursor.enter(AgentList::Agents, true),
            is_new: false,
            is_complete: is_whole,
        };
    }
    let first = ids.first().copied().unwrap_or_default().to_owned();
    let Some(trail) = Trail::following(cursor.trail.as_ref(), first) else {
        // The page number is not honoured, so what is behind these pages cannot be had.
        return Step {
            next: cursor.enter(AgentList::Agents, false),
            is_new: false,
            is_complete: false,
        };
    };
    Step {
        next: AgentCursor {
            list: AgentList::Personas,
            page: cursor.page + 1,
            trail: Some(trail),
            is_doubtful: !is_whole,
        },
        is_new: true,
        is_complete: is_whole,
    }
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
