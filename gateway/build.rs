//! A release carries its client: building one without is refused. Any other build says so when asked.

fn main() {
    println!("cargo:rerun-if-changed=web/dist/index.html");
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release")
        && std::env::var("DEBUG").is_ok_and(|debug| debug == "false");
    let has_client = std::path::Path::new("web/dist/index.html").exists();
    assert!(
        !release || has_client,
        "the browser client is not built: run `make run`, or `npm ci && npm run build` in gateway/web"
    );
}
