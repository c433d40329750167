//! Entry of the web app: mounts what `lib.rs` holds. Everything else lives in the library, so that its logic is tested
//! natively.

fn main() {
    web::start();
}
