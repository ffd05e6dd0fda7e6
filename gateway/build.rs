//! A release carries its client: building one without is refused. Any other build says so when asked.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to build scripts through the environment"
)]

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
    let is = |name, value| std::env::var(name).is_ok_and(|found| found == value);
    let release = is("PROFILE", "release") && is("DEBUG", "false");
    let has_client = std::path::Path::new("web/dist/index.html").exists();
    assert!(
        !release || has_client,
        "the browser client is not built: run `make run`, or `npm ci && npm run build` in gateway/web"
    );
}
