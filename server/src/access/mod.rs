//! Who may see and do what. Three locks, each tested on its own: the guard, which asks the one table in
//! `policy` at every field of the schema; the store functions, which all filter by the viewer's agency; and
//! the use cases, which ask [`Viewer::require`] again and count a bypassed guard as the fault it is.
//! Log-in sessions, passwords and the form of API keys live here too. This floor knows no GraphQL type and no HTTP handler.

pub(crate) mod api_key;
pub(crate) mod fields;
pub(crate) mod password;
pub mod plan;
pub mod policy;
pub(crate) mod session;
pub(crate) mod throttle;
pub mod viewer;

pub use plan::Plan;
pub use policy::{Permission, PortalPermission, Role, Scope};
pub use viewer::Viewer;
