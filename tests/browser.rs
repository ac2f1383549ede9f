//! Pages in a browser: nothing on the console, no request, nothing wider than the window, with scripts on and off, light and dark.
//!
//! `scripts/test` names a Chromium in `SHOCKFRONT_CHROMIUM`; a plain `cargo test` without it skips this test. The page stands in a
//! frame of the width of a telephone or of a screen, and the page around it measures: a window of headless Chromium has a least
//! width.
#![cfg(feature = "cli")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};
use tempfile::TempDir;

/// Measures frames; the result stands in the document when everything has loaded.
const FRAMES: &str = r#"<!doctype html><meta charset="utf-8"><title>frames</title>
<iframe src="page.html" style="width:390px;height:900px"></iframe><iframe src="page.html" style="width:1400px;height:900px"></iframe>
<pre id="found"></pre><script>
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map((frame) => {
    const inside = frame.contentDocument, root = inside.documentElement;
    const requests = frame.contentWindow.performance.getEntriesByType("resource").length;
    const pictures = [...inside.querySelectorAll("svg.plot")].filter((svg) => svg.getBoundingClientRect().height > 40).length;
    const ground = frame.contentWindow.getComputedStyle(inside.body).backgroundColor;
    return [frame.clientWidth >= root.scrollWidth, requests, pictures, ground].join(" ");
  });
  document.getElementById("found").textContent = "FOUND " + found.join("; ") + " END";
});
</script>"#;

/// What the measuring page found, and what the browser said on its console.
fn open(chromium: &Path, directory: &Path, scheme: u8) -> (String, Vec<String>) {
    let run = Command::new(chromium)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-logging=stderr"])
        .args(["--allow-file-access-from-files", "--virtual-time-budget=5000", "--window-size=1500,1000", "--dump-dom"])
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .arg(format!("file://{}", directory.join("frames.html").display()))
        .output()
        .expect("Chromium runs");
    let dom = String::from_utf8_lossy(&run.stdout).into_owned();
    let log = String::from_utf8_lossy(&run.stderr).into_owned();
    let found = dom.split_once("FOUND ").and_then(|(_, rest)| rest.split_once(" END")).map(|(found, _)| found.to_owned());
    let console = log.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (found.unwrap_or_else(|| panic!("nothing was measured:\n{dom}\n{log}")), console)
}

#[test]
fn pages_open_quietly_at_any_width() {
    let Some(chromium) = env::var_os("SHOCKFRONT_CHROMIUM") else { return };
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let topology = package.join("topologies/online-boutique/topology.yaml");
    let change = package.join("topologies/online-boutique/change.yaml");
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("frames.html"), FRAMES).expect("written");
    let assess = vec!["assess".as_ref(), topology.as_os_str(), "--change".as_ref(), change.as_os_str()];
    let simulate = vec!["simulate".as_ref(), topology.as_os_str(), "--fault".as_ref(), "crash@cartservice".as_ref()];
    let compare = vec!["compare".as_ref(), topology.as_os_str(), "--change".as_ref(), change.as_os_str()];
    let compare = [compare, ["--with", "canary=5%/15m", "--with", "replica:redis-cart=+1"].map(AsRef::as_ref).to_vec()].concat();
    for (arguments, pictures) in [(assess, 6), (simulate, 4), (compare, 7)] {
        let run = Command::new(env!("CARGO_BIN_EXE_shockfront"))
            .args(&arguments)
            .args(["--trials", "1024", "--format", "html", "-o"])
            .arg(directory.path().join("page.html"))
            .output()
            .expect("shockfront runs");
        assert!(matches!(run.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&run.stderr));
        // Chromium's numbers of the schemes: 0 is dark, 1 is light.
        for (scheme, ground) in [(0, "rgb(20, 23, 26)"), (1, "rgb(255, 255, 255)")] {
            let (found, console) = open(Path::new(&chromium), directory.path(), scheme);
            assert_eq!(console, [""; 0], "the console is silent");
            let wanted = format!("true 0 {pictures} {ground}");
            assert_eq!(found, format!("{wanted}; {wanted}"), "fits, requests, pictures, ground; at 390 and at 1,400 px");
        }
    }
}
