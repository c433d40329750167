//! What a resolver gets from its context, so that none touches untyped data.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_graphql::Context;

use crate::{
    access::Viewer,
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    graphql::loaders::Loaders,
    id::{AgencyId, SessionId},
};

/// Where the request came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
}

/// What the answer does to the session cookie.
#[derive(Clone, Debug)]
pub(crate) enum CookieChange {
    Set(SessionId, Timestamp),
    Clear,
}

/// Filled by log-in and log-out: the HTTP handler reads the cookie, and the guard the viewer whose fields the log-in's
/// own answer may show.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieJar(Arc<Jar>);

#[derive(Debug, Default)]
struct Jar {
    change: Mutex<Option<CookieChange>>,
    viewer: OnceLock<Viewer>,
}

impl CookieJar {
    pub(crate) fn open(&self, session: SessionId, viewer: Viewer, expires_at: Timestamp) {
        self.put(CookieChange::Set(session, expires_at));
        // A second log-in in one document keeps the first one's view; its cookie is the second's.
        drop(self.0.viewer.set(viewer));
    }

    pub(crate) fn clear(&self) {
        self.put(CookieChange::Clear);
    }

    fn put(&self, change: CookieChange) {
        *self.0.change.lock().unwrap_or_else(PoisonError::into_inner) = Some(change);
    }

    pub(crate) fn take(&self) -> Option<CookieChange> {
        self.0
            .change
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    pub(crate) fn viewer(&self) -> Option<&Viewer> {
        self.0.viewer.get()
    }
}

/// The viewer of the request, or of the log-in that came before in the same document.
pub(crate) fn recognised<'a>(ctx: &Context<'a>) -> Option<&'a Viewer> {
    ctx.data_opt::<Viewer>()
        .or_else(|| ctx.data_opt::<CookieJar>().and_then(CookieJar::viewer))
}

/// Typed access to a request's context.
pub(crate) trait ContextExt {
    fn app(&self) -> Result<&App>;
    /// Whoever asks; that nobody does is the guard's to find, and rings the alarm here.
    fn viewer(&self) -> Result<&Viewer>;
    /// The agency that the request names; likewise.
    fn agency(&self) -> Result<&AgencyId>;
    fn loaders(&self) -> Result<&Loaders>;
}

impl ContextExt for Context<'_> {
    fn app(&self) -> Result<&App> {
        self.data::<App>()
            .map_err(|error| Error::internal(error.message))
    }

    fn viewer(&self) -> Result<&Viewer> {
        if let Some(viewer) = recognised(self) {
            return Ok(viewer);
        }
        self.app()?.guard_alarm.ring("a viewer");
        Err(Error::Unauthenticated)
    }

    fn agency(&self) -> Result<&AgencyId> {
        if let Some(membership) = &self.viewer()?.membership {
            return Ok(&membership.agency_id);
        }
        self.app()?.guard_alarm.ring("an agency");
        Err(Error::NotFound)
    }

    fn loaders(&self) -> Result<&Loaders> {
        self.data_opt::<Loaders>().ok_or(Error::NotFound)
    }
}
