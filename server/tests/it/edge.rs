//! The HTTP edge: what `/graphql` takes (H1), what a document may ask of it (H3), the session cookie (H2), the web app's
//! pages (H4), forwarded addresses (H6), and how the server tells how it is (X2).

mod cookie;
mod forwarded;
mod limits;
mod page;
mod request;
mod running;
