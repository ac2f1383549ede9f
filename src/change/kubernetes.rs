//! Objects in the output of `kubectl diff`, whose files are called `GROUP.VERSION.KIND.NAMESPACE.NAME`.
//!
//! What no glob of the topology claims belongs to the service of the same name, `NAMESPACE/NAME` first. What must hold: an object of
//! another name stays unmapped; nobody guesses that `checkout-config` is of `checkout`.

use super::files::ChangedFile;
use super::paths::Mapping;
use std::collections::HashSet;

/// Namespace and name of an object; the group may be missing, and the namespace is empty outside of namespaces.
fn object(path: &str) -> Option<(&str, &str)> {
    let file = path.rsplit('/').next()?;
    let (before, rest) = file.match_indices('.').find_map(|(at, _)| {
        let is_kind = file[at + 1..].starts_with(|first: char| first.is_ascii_uppercase());
        is_kind.then(|| (&file[..at], &file[at + 1..]))
    })?;
    let version = before.rsplit('.').next()?.strip_prefix('v')?;
    let (_, rest) = rest.split_once('.')?;
    let (namespace, name) = rest.split_once('.')?;
    (version.starts_with(|first: char| first.is_ascii_digit()) && !name.is_empty()).then_some((namespace, name))
}

/// Gives objects that belong to no service to the service of their name.
pub fn land_objects(mapping: &mut Mapping, files: &[ChangedFile], is_service: impl Fn(&str) -> bool) {
    let unmapped: HashSet<String> = mapping.unmapped.iter().cloned().collect();
    for file in files {
        for path in file.touched_paths() {
            let Some((namespace, name)) = object(path).filter(|_| unmapped.contains(path)) else { continue };
            let full = format!("{namespace}/{name}");
            if let Some(service) = [full.as_str(), name].into_iter().find(|name| is_service(name)) {
                mapping.land(service, path, file.lines());
            }
        }
    }
    mapping.recount(files);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::diff::read_diff;
    use crate::change::paths::map_files;
    use crate::diagnostic::SourceId;

    #[test]
    fn names_of_objects() {
        for (path, expected) in [
            ("apps.v1.Deployment.shop.checkout", Some(("shop", "checkout"))),
            ("tmp/LIVE-1/v1.Service.shop.a.b", Some(("shop", "a.b"))),
            ("rbac.authorization.k8s.io.v1.ClusterRole..reader", Some(("", "reader"))),
            ("autoscaling.v2beta2.HorizontalPodAutoscaler.shop.web", Some(("shop", "web"))),
            ("src/Deployment.shop.checkout", None),
            ("v1.Service.shop", None),
            ("lib.Kind.a.b", None),
            ("é.ü", None),
        ] {
            assert_eq!(object(path), expected, "{path}");
        }
    }

    #[test]
    fn objects_of_a_diff_land_on_services_of_their_name() {
        let part = |file: &str| {
            format!(
                "diff -u -N /tmp/LIVE-123/{file} /tmp/MERGED-456/{file}\n--- /tmp/LIVE-123/{file}\t2026-03-05 14:00:00.000000000 +0000\n\
                 +++ /tmp/MERGED-456/{file}\t2026-03-05 14:00:00.000000000 +0000\n@@ -1 +1,2 @@\n-a: 1\n+a: 2\n+b: 3\n"
            )
        };
        let objects = ["apps.v1.Deployment.shop.checkout", "v1.ConfigMap.shop.checkout-config", "v1.Service.ads.web"];
        let text: String = objects.iter().map(|file| part(file)).collect();
        let files = read_diff(SourceId(0), &text).expect("a diff").files;
        let mut mapping = map_files(&[], &files).expect("no globs");
        land_objects(&mut mapping, &files, |name| ["checkout", "web", "ads/web"].contains(&name));
        assert_eq!(mapping.by_service.keys().collect::<Vec<_>>(), ["ads/web", "checkout"]);
        assert_eq!((mapping.unmapped, mapping.n_mapped), (vec![objects[1].to_owned()], 2));
        assert_eq!(mapping.by_service["checkout"].lines, 3);
    }
}
