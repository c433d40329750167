//! Makes sure that there is a web app to embed: an empty folder will do for a debug build, which reads the files from
//! disk; a release build refuses one.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=../web/dist");
    println!("cargo::rerun-if-changed=../migrations");
    let dist = Path::new("../web/dist");
    if dist.join("index.html").is_file() {
        return;
    }
    if is_release() {
        println!("cargo::error=there is no web app in web/dist; run `make web` first");
        return;
    }
    if let Err(error) = fs::create_dir_all(dist) {
        println!("cargo::error=web/dist cannot be made: {error}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script its profile in the environment"
)]
fn is_release() -> bool {
    env::var("PROFILE").as_deref() == Ok("release")
}
