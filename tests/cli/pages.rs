//! Pages in HTML through the binary.

use super::{boutique, json, place, run};

fn record(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"shockfront-record\">").expect("a record");
    json(rest.split_once("</script>").expect("its end").0)
}

#[test]
fn a_fault_becomes_a_page_with_the_record_inside() {
    let place = place();
    let arguments = ["simulate", "shop.yaml", "--fault", "crash@db", "--trials", "512", "--services", "all"];
    let with = |format: &str| run(place.path(), &[&arguments[..], &["--format", format]].concat());
    let ((code, page, err), (_, plain, _)) = (with("html"), with("json"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(record(&page), json(&plain), "pictures change no number");
    for id in ["reach", "downtime", "time", "lost"] {
        assert!(page.contains(&format!("<figure id=\"{id}\">")), "{id}");
    }
    assert!(page.contains("shockfront simulate shop.yaml --fault crash@db --trials 512 --seed 0 --services all --format html"));
    let again = with("html").1;
    assert_eq!(page, again);
}

#[test]
fn a_verdict_becomes_a_page() {
    let place = place();
    let (topology, change) = (boutique("topology.yaml"), boutique("change.yaml"));
    let arguments = ["assess", &topology, "--change", &change, "--trials", "512", "--format", "html", "-o", "page.html"];
    let (code, out, err) = run(place.path(), &arguments);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    let page = std::fs::read_to_string(place.path().join("page.html")).expect("written");
    assert_eq!(record(&page)["schema"], "shockfront/assessment/v1");
    assert!(page.contains("Who must sign") && page.contains("<figure id=\"score\">"));
}

#[test]
fn a_comparison_becomes_a_page_with_both_versions() {
    let place = place();
    let arguments = ["compare", "shop.yaml", "--fault", "crash@db", "--with", "fallback:shop->db", "--trials", "512"];
    let with = |more: &[&str]| run(place.path(), &[&arguments[..], more].concat());
    let (code, page, err) = with(&["--format", "html"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(record(&page), json(&with(&["--format", "json"]).1), "pictures change no number");
    for id in ["reach", "reach-after", "lost", "down-first"] {
        assert!(page.contains(&format!("<figure id=\"{id}\">")), "{id}");
    }
    assert!(page.contains("fallback:shop-&gt;db") && !page.contains("href=\"http") && !page.contains("src="));
    // Exact answers are drawn as well, and without a clock there are no times.
    let exact =
        ["compare", "shop.yaml", "--fault", "crash@db", "--with", "remove:shop->ads", "--static", "--exact", "--format", "html"];
    let (code, page, err) = run(place.path(), &exact);
    assert!(code == 0 && page.contains("<figure id=\"reach\">") && page.contains("no effect"), "{err}");
}

#[test]
fn exact_answers_and_parts_have_pages_too() {
    let place = place();
    let exact = ["simulate", "shop.yaml", "--fault", "crash@db,detect=5m,repair=25m", "--exact", "--format", "html"];
    let (code, page, err) = run(place.path(), &exact);
    assert_eq!(code, 0, "{err}");
    assert!(page.contains("<figure id=\"time\">") && page.contains("80 %"), "P(shop is down) is known");
    let shard = |at: &str, file: &str| {
        let part = ["simulate", "shop.yaml", "--fault", "crash@db", "--trials", "512", "--shard", at, "-o", file];
        assert_eq!(run(place.path(), &part).0, 0);
    };
    shard("0/2", "a.json");
    shard("1/2", "b.json");
    let (code, page, err) = run(place.path(), &["merge", "a.json", "b.json", "--format", "html"]);
    assert_eq!(code, 0, "{err}");
    assert!(page.contains("<figure id=\"downtime\">") && page.contains("not known: services were not followed over time"));
    let (code, _, err) = run(place.path(), &["rank", "shop.yaml", "--format", "html"]);
    assert_eq!(code, 2, "a ranking has no page: {err}");
}
