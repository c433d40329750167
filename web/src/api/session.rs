//! Who is here: the first question of every visit, set-up, log-in and log-out. It holds no state; `crate::session` does.

use crate::api::enums::{Permission, Provider, Role};
use crate::api::{ApiError, operation, send};

operation!(
    /// What this installation offers and who is logged in.
    Start, "src/api/session/start.graphql"
);
operation!(
    /// The server's version, for people who are logged in.
    About, "src/api/session/about.graphql"
);
operation!(LogIn, "src/api/session/log_in.graphql");
operation!(LogOut, "src/api/session/log_out.graphql");
operation!(
    LogOutEverywhere,
    "src/api/session/log_out_everywhere.graphql"
);
operation!(SetUp, "src/api/session/set_up.graphql");

pub(crate) use log_in::LogInInput;
pub(crate) use set_up::SetUpInput;
pub(crate) use start::{
    ResponseData as StartData, StartInstance as Instance, StartViewer as Viewer,
    StartViewerMemberships as Membership,
};

/// Reads what this installation offers and who is logged in.
pub(crate) async fn start() -> Result<StartData, ApiError> {
    send::<Start>("", start::Variables {}).await
}

/// Reads the version of the server.
pub(crate) async fn version() -> Result<Option<String>, ApiError> {
    Ok(send::<About>("", about::Variables {})
        .await?
        .instance
        .version)
}

/// Logs in; the session is a cookie that only the server reads.
pub(crate) async fn log_in(input: LogInInput) -> Result<(), ApiError> {
    send::<LogIn>("", log_in::Variables { input })
        .await
        .map(drop)
}

/// Ends this session.
pub(crate) async fn log_out() -> Result<(), ApiError> {
    send::<LogOut>("", log_out::Variables {}).await.map(drop)
}

/// Ends all sessions of this person and says how many there were.
pub(crate) async fn log_out_everywhere() -> Result<i64, ApiError> {
    Ok(
        send::<LogOutEverywhere>("", log_out_everywhere::Variables {})
            .await?
            .log_out_everywhere
            .ended_count,
    )
}

/// Makes the first owner and the agency.
pub(crate) async fn set_up(input: SetUpInput) -> Result<(), ApiError> {
    send::<SetUp>("", set_up::Variables { input })
        .await
        .map(drop)
}
