//! Which types of resources hold state that is lost with them.
//!
//! Providers publish no list, but their types are made of words, `aws_db_instance`, `google_sql_database`. A type holds state where
//! one of its words names a store, a queue or a name service (ecosystem.md §2), unless its end shows that it only describes access
//! to one (`aws_s3_bucket_policy`). What must hold: a type of which the words say nothing is [`Holds::Unknown`], never stateless.

/// Whether something is lost with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Data, messages or names are.
    State,
    /// It is made again as it was.
    Nothing,
    /// Nobody knows.
    Unknown,
}

/// Words of types that hold state.
const STORES: &[&str] = &[
    "backup",
    "bigquery",
    "bigtable",
    "bucket",
    "cassandra",
    "cosmosdb",
    "database",
    "datastore",
    "db",
    "disk",
    "dns",
    "docdb",
    "dynamodb",
    "ebs",
    "ecr",
    "efs",
    "elasticache",
    "elasticsearch",
    "environment",
    "eventhub",
    "filestore",
    "firestore",
    "fsx",
    "kafka",
    "keyspaces",
    "kinesis",
    "kms",
    "mariadb",
    "memcache",
    "memorydb",
    "mongodbatlas",
    "msk",
    "mssql",
    "mysql",
    "namespace",
    "neptune",
    "opensearch",
    "persistent",
    "postgresql",
    "pubsub",
    "queue",
    "rds",
    "redis",
    "redshift",
    "registry",
    "repository",
    "route53",
    "secret",
    "secretsmanager",
    "servicebus",
    "snapshot",
    "spanner",
    "sql",
    "sqs",
    "stateful",
    "storage",
    "storagegateway",
    "stream",
    "table",
    "topic",
    "vault",
    "volume",
];

/// Types that hold others, or whose words mislead.
const STATEFUL_TYPES: &[&str] =
    &["azurerm_resource_group", "google_project", "aws_cloudformation_stack", "aws_cloudwatch_log_group", "helm_release"];

/// Words that a type ends in where it describes access to something, or settings of it.
const ACCESS: &[&str] = &[
    "access",
    "acl",
    "alarm",
    "association",
    "attachment",
    "authorization",
    "binding",
    "block",
    "configuration",
    "encryption",
    "endpoint",
    "grant",
    "lifecycle",
    "logging",
    "member",
    "metric",
    "notification",
    "ownership",
    "permission",
    "permissions",
    "policy",
    "policies",
    "role",
    "rule",
    "rules",
    "versioning",
];

/// Words before a `group` at the end that only says who belongs together. Other groups are what they hold: a replication group of
/// caches, a group of logs.
const HARMLESS_GROUPS: &[&str] = &["autoscaling", "option", "parameter", "placement", "security", "subnet", "target"];

/// Words of types that are made again as they were.
const STATELESS: &[&str] = &[
    "alarm",
    "alb",
    "autoscaler",
    "autoscaling",
    "cloudfront",
    "cloudwatch",
    "dashboard",
    "deployment",
    "ecs",
    "eip",
    "elb",
    "firewall",
    "function",
    "gateway",
    "iam",
    "ingress",
    "lambda",
    "launch",
    "lb",
    "listener",
    "monitoring",
    "network",
    "null",
    "role",
    "route",
    "security",
    "subnet",
    "subnetwork",
    "target",
    "template",
    "vpc",
];

/// What goes with a resource of a type. Linear in the length of the type.
pub(super) fn holds(resource_type: &str) -> Holds {
    if STATEFUL_TYPES.contains(&resource_type) {
        return Holds::State;
    }
    let words: Vec<&str> = resource_type.split('_').collect();
    // `kubernetes_deployment_v1` is the first version of a deployment.
    let version = |word: &str| word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let last = words.iter().rev().find(|word| !version(word));
    let is_route_table = words.windows(2).any(|pair| pair == ["route", "table"]);
    let is_harmless_group = matches!(words[..], [.., before, "group"] if HARMLESS_GROUPS.contains(&before));
    if last.is_some_and(|last| ACCESS.contains(last)) || is_harmless_group || is_route_table {
        Holds::Nothing
    } else if words.iter().any(|word| STORES.contains(word)) {
        Holds::State
    } else if words.iter().any(|word| STATELESS.contains(word)) {
        Holds::Nothing
    } else {
        Holds::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_hold_state_and_what_describes_them_does_not() {
        for (resource_type, expected) in [
            ("aws_elasticache_replication_group", Holds::State),
            ("aws_cloudwatch_log_group", Holds::State),
            ("oci_core_volume_group", Holds::State),
            ("aws_storagegateway_gateway", Holds::State),
            ("random_password", Holds::Unknown),
            ("aws_db_subnet_group", Holds::Nothing),
            ("aws_lb_target_group", Holds::Nothing),
            ("aws_db_instance", Holds::State),
            ("aws_rds_cluster", Holds::State),
            ("aws_s3_bucket", Holds::State),
            ("aws_s3_bucket_policy", Holds::Nothing),
            ("aws_s3_bucket_public_access_block", Holds::Nothing),
            ("aws_db_subnet_group", Holds::Nothing),
            ("aws_sqs_queue", Holds::State),
            ("aws_route53_record", Holds::State),
            ("aws_route_table", Holds::Nothing),
            ("aws_elastic_beanstalk_environment", Holds::State),
            ("aws_lambda_function", Holds::Nothing),
            ("aws_instance", Holds::Unknown),
            ("google_sql_database_instance", Holds::State),
            ("google_storage_bucket_iam_member", Holds::Nothing),
            ("google_compute_disk", Holds::State),
            ("google_dns_record_set", Holds::State),
            ("azurerm_postgresql_flexible_server", Holds::State),
            ("azurerm_resource_group", Holds::State),
            ("kubernetes_persistent_volume_claim_v1", Holds::State),
            ("kubernetes_stateful_set", Holds::State),
            ("kubernetes_deployment_v1", Holds::Nothing),
            ("kubernetes_role_binding_v1", Holds::Nothing),
            ("terraform_data", Holds::Unknown),
            ("", Holds::Unknown),
        ] {
            assert_eq!(holds(resource_type), expected, "{resource_type}");
        }
    }

    #[test]
    fn every_word_is_one_word() {
        for word in STORES.iter().chain(ACCESS).chain(STATELESS) {
            assert!(!word.contains('_') && **word == word.to_lowercase(), "{word}");
        }
    }
}
