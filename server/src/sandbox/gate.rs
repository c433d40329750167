//! What every request to a provider's part of the sandbox goes through before a handler sees it: the log, the faults, the
//! delay, the key and its permissions. The same for every provider; what differs, its [`Dialect`] says.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, OriginalUri, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;

use super::Shared;
use super::dialect::Dialect;
use super::fault::{self, Effect, Plan};
use super::request_log::{LoggedRequest, last_four};

/// Whose request it is, for the handlers.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Where the account stands among all.
    pub(super) account: usize,
    /// The agents that the key may see; `None`: all.
    visible: Option<Arc<HashSet<String>>>,
}

impl Caller {
    /// Whether the key may see this agent.
    pub(super) fn sees(&self, id: &str) -> bool {
        self.visible
            .as_ref()
            .is_none_or(|visible| visible.contains(id))
    }
}

#[derive(Clone, Debug)]
struct Gate {
    shared: Arc<Shared>,
    dialect: &'static dyn Dialect,
}

impl Gate {
    fn refusal(&self, status: u16, message: Option<&str>) -> Response {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.dialect.refusal(status, message)
    }
}

/// Puts the gate before a provider's routes.
pub(super) fn guarded(
    routes: Router<Arc<Shared>>,
    shared: Arc<Shared>,
    dialect: &'static dyn Dialect,
) -> Router {
    let gate = Gate {
        shared: shared.clone(),
        dialect,
    };
    routes
        .layer(middleware::from_fn_with_state(gate, pass))
        .with_state(shared)
}

async fn pass(
    State(gate): State<Gate>,
    uri: OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let shared = &gate.shared;
    let key = gate.dialect.key(request.headers());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown", MatchedPath::as_str)
        .to_owned();
    let logged = LoggedRequest {
        at_ms: u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        method: request.method().to_string(),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        key: key.as_deref().map(last_four),
        status: None,
    };
    let is_list = gate.dialect.is_list(request.method(), &route);
    let (entry, plan, delay) = {
        let mut world = shared.world();
        let plan = world
            .faults
            .plan(key.as_deref(), request.method(), uri.path());
        let page_delay = if is_list {
            world.page_delay
        } else {
            world.read_delay
        };
        let delay = page_delay.saturating_add(Duration::from_millis(plan.delay_ms));
        (world.log.begin(&route, logged), plan, delay)
    };
    if !delay.is_zero() {
        // Stopping the sandbox does not wait for slow pages.
        let _ = shared
            .shutdown
            .run_until_cancelled(tokio::time::sleep(delay))
            .await;
    }
    let response = answer(&gate, plan, key.as_deref(), request, next).await;
    shared.world().log.end(entry, response.status().as_u16());
    response
}

async fn answer(
    gate: &Gate,
    plan: Plan,
    key: Option<&str>,
    request: Request,
    next: Next,
) -> Response {
    let effect = match plan.effect {
        // Everything that needs no usual answer.
        Some(effect)
            if !matches!(
                effect,
                Effect::CutBody
                    | Effect::WrongShape
                    | Effect::HangAfter
                    | Effect::CutAfter
                    | Effect::StatusAfter { .. }
            ) =>
        {
            return struck(gate, effect, key).await;
        }
        effect => effect,
    };
    let response = match admit(gate, key, request.uri().path()) {
        Ok(caller) => {
            let mut request = request;
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => *refusal,
    };
    match effect {
        Some(Effect::CutBody) => fault::cut(response).await,
        Some(Effect::WrongShape) => fault::reshape(response).await,
        Some(Effect::HangAfter) => fault::hang(&gate.shared.shutdown).await,
        Some(Effect::CutAfter) => fault::cut_before_the_answer(),
        Some(Effect::StatusAfter { status }) => gate.refusal(status, None),
        _ => response,
    }
}

/// The answer of a fault that does not need the usual one.
async fn struck(gate: &Gate, effect: Effect, key: Option<&str>) -> Response {
    match effect {
        Effect::Status {
            status,
            message,
            retry_after,
        } => {
            let refusal = gate.refusal(status, message.as_deref());
            fault::with_retry_after(refusal, retry_after.as_deref())
        }
        Effect::Hang => fault::hang(&gate.shared.shutdown).await,
        Effect::Redirect { location } => fault::redirect(&location),
        Effect::EchoKey { style } => gate.dialect.refusal(
            StatusCode::UNAUTHORIZED,
            Some(&fault::echo(key.unwrap_or_default(), style)),
        ),
        Effect::NotJson
        | Effect::CutBody
        | Effect::WrongShape
        | Effect::HangAfter
        | Effect::CutAfter
        | Effect::StatusAfter { .. }
        | Effect::Delay { .. } => fault::web_page(),
    }
}

/// Who asks, and whether the key may ask for this.
fn admit(gate: &Gate, key: Option<&str>, path: &str) -> Result<Caller, Box<Response>> {
    let dialect = gate.dialect;
    let Some(key) = key else {
        return Err(Box::new(dialect.refusal_without_key()));
    };
    let world = gate.shared.world();
    let known = world
        .accounts
        .key(dialect.kind(), key)
        .ok_or_else(|| Box::new(dialect.refusal(StatusCode::UNAUTHORIZED, None)))?;
    if let Some(standing) = known.standing {
        let refusal = dialect.refusal(standing.status, None);
        let refusal = fault::with_retry_after(refusal, standing.retry_after);
        return Err(Box::new(refusal));
    }
    if dialect
        .resource(path)
        .is_some_and(|resource| known.forbidden.contains(&resource))
    {
        return Err(Box::new(dialect.refusal(StatusCode::FORBIDDEN, None)));
    }
    Ok(Caller {
        account: known.account,
        visible: known.visible.clone(),
    })
}
