//! Pods as a Deployment's Pods look on a real cluster, `managedFields` and all. Makes only data:
//! no clock, no randomness.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use dubbo_k8s_codec::{Annotation, Category, Key, Record, Url, encode};

use serde_json::{Map, Value, json};

use crate::apiserver::{Status, Store};

/// The annotation of the registry.
pub const ANNOTATION: &str = "dubbo.io/annotation";
/// The label of the registry.
pub const LABEL: &str = "dubbo.io/label";

/// The key of a provider; `more` are further parameters, `&name=value`.
pub fn provider(interface: &str, address: &str, more: &str) -> String {
    let url = format!("dubbo://{address}/{interface}?interface={interface}{more}");
    Key::leaf(interface, Category::Providers, &url).to_string()
}

/// The annotation that holds these keys.
pub fn annotation(keys: &[impl AsRef<str>]) -> String {
    encode(keys.iter().map(|key| Record::new(key.as_ref())))
}

/// The least of a Pod that is believed with this annotation.
pub fn registered(namespace: &str, name: &str, annotation: &str) -> Value {
    json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "labels": {LABEL: "dubbo.io-value"},
            "annotations": {ANNOTATION: annotation},
        },
        "status": running(annotation),
    })
}

/// Gives a Pod another annotation, with which it is believed as well.
#[expect(
    clippy::indexing_slicing,
    reason = "an object of serde_json makes the members that it lacks"
)]
pub fn reannotate(
    store: &Store,
    namespace: &str,
    name: &str,
    annotation: &str,
) -> Result<u64, Status> {
    store.update(namespace, name, |pod| {
        pod["metadata"]["annotations"][ANNOTATION] = json!(annotation);
        pod["status"] = running(annotation);
    })
}

/// The status of a ready Pod that has every address at which its annotation provides something, so that it is believed.
pub fn running(annotation: &str) -> Value {
    let ips = ips(annotation);
    let mut status = json!({
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "podIPs": ips.iter().map(|ip| json!({"ip": ip})).collect::<Vec<_>>(),
    });
    if let (Some(status), Some(first)) = (status.as_object_mut(), ips.first()) {
        status.insert("podIP".to_owned(), json!(first));
    }
    status
}

/// The addresses of the providers in an annotation, each once; none of one that cannot be read.
fn ips(annotation: &str) -> BTreeSet<IpAddr> {
    let annotation = Annotation::decode(annotation).unwrap_or_default();
    let urls = annotation.records().filter_map(|record| {
        let key = Key::parse(record.key).ok()?;
        key.category.filter(|category| *category == Category::Providers)?;
        Url::parse(key.url?).ok()
    });
    let hosts = |url: Url<'_>| -> Vec<IpAddr> {
        url.hosts().filter_map(|host| host.name.parse().ok()).collect()
    };
    urls.flat_map(hosts).collect()
}

/// What differs between Pods.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The Deployment.
    pub deployment: &'a str,
    /// The hash of the Pod template: the `ReplicaSet` is `<deployment>-<hash>`.
    pub template_hash: &'a str,
    /// The last part of the name.
    pub suffix: &'a str,
    /// The value of the registry's label; `None` before the process has registered.
    pub label: Option<&'a str>,
    /// The registry's annotation; `None` before the process has registered.
    pub annotation: Option<&'a str>,
    /// Pending, Running, Succeeded or Failed.
    pub phase: &'a str,
    /// Whether the Pod is ready.
    pub ready: bool,
    /// The address of the Pod.
    pub ip: &'a str,
    /// When it was created, RFC 3339.
    pub created: &'a str,
}

impl Draft<'_> {
    /// `<deployment>-<hash>-<suffix>`.
    pub fn name(&self) -> String {
        format!("{}-{}-{}", self.deployment, self.template_hash, self.suffix)
    }

    /// The Pod as it is sent to or comes from a server, without uid and resourceVersion.
    pub fn pod(&self) -> Value {
        object([
            ("kind", json!("Pod")),
            ("apiVersion", json!("v1")),
            ("metadata", Value::Object(self.metadata())),
            ("spec", SPEC.clone()),
            ("status", self.status()),
        ])
    }

    fn metadata(&self) -> Map<String, Value> {
        let replica_set = format!("{}-{}", self.deployment, self.template_hash);
        let mut labels = Map::new();
        labels.insert("app.kubernetes.io/name".to_owned(), json!(self.deployment));
        if let Some(label) = self.label {
            labels.insert(LABEL.to_owned(), json!(label));
        }
        labels.insert("pod-template-hash".to_owned(), json!(self.template_hash));
        let mut metadata = Map::new();
        let mut put = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
        put("name", json!(self.name()));
        put("generateName", json!(format!("{replica_set}-")));
        put("namespace", json!(self.namespace));
        put("generation", json!(1));
        put("creationTimestamp", json!(self.created));
        put("labels", Value::Object(labels));
        if let Some(annotation) = self.annotation {
            put("annotations", json!({ANNOTATION: annotation}));
        }
        put(
            "ownerReferences",
            json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set,
                "uid": OWNER, "controller": true, "blockOwnerDeletion": true}]),
        );
        put("managedFields", self.managed_fields());
        metadata
    }

    fn status(&self) -> Value {
        let condition = |kind: &str, met: bool| {
            json!({"type": kind, "status": if met { "True" } else { "False" },
                "lastProbeTime": null, "lastTransitionTime": self.created})
        };
        if self.phase == "Pending" {
            return json!({"phase": "Pending", "conditions": [condition("PodScheduled", true)],
                "qosClass": "Burstable"});
        }
        let containers: Vec<Value> = ["app", "proxy"]
            .iter()
            .map(|name| {
                json!({"name": name, "state": {"running": {"startedAt": self.created}},
                    "lastState": {}, "ready": self.ready, "restartCount": 0,
                    "image": format!("registry.example.com/shop/{name}:1.4.2"),
                    "imageID": format!("registry.example.com/shop/{name}@sha256:{}", "5e".repeat(32)),
                    "started": true})
            })
            .collect();
        json!({"phase": self.phase,
            "conditions": [
                condition("PodReadyToStartContainers", true), condition("Initialized", true),
                condition("Ready", self.ready), condition("ContainersReady", self.ready),
                condition("PodScheduled", true)],
            "hostIP": "192.0.2.11", "hostIPs": [{"ip": "192.0.2.11"}],
            "podIP": self.ip, "podIPs": [{"ip": self.ip}], "startTime": self.created,
            "containerStatuses": containers, "qosClass": "Burstable"})
    }

    /// Who set what, as the server keeps it: nearly half of a Pod's metadata.
    fn managed_fields(&self) -> Value {
        let mut entries =
            vec![self.managed("kube-controller-manager", SET_BY_CONTROLLER.clone(), None)];
        if self.annotation.is_some() {
            entries.push(self.managed("dubbo-go", SET_BY_APPLICATION.clone(), None));
        }
        if self.phase != "Pending" {
            entries.push(self.managed("kubelet", self.set_by_kubelet(), Some("status")));
        }
        Value::Array(entries)
    }

    fn managed(&self, manager: &str, fields: Value, subresource: Option<&str>) -> Value {
        let mut entry = object([
            ("manager", json!(manager)),
            ("operation", json!("Update")),
            ("apiVersion", json!("v1")),
            ("time", json!(self.created)),
            ("fieldsType", json!("FieldsV1")),
            ("fieldsV1", fields),
        ]);
        if let (Some(subresource), Value::Object(entry)) = (subresource, &mut entry) {
            entry.insert("subresource".to_owned(), json!(subresource));
        }
        entry
    }

    fn set_by_kubelet(&self) -> Value {
        let ip = format!("k:{{\"ip\":\"{}\"}}", self.ip);
        let status = object([
            ("f:conditions", SET_CONDITIONS.clone()),
            ("f:containerStatuses", json!({})),
            ("f:hostIP", json!({})),
            ("f:hostIPs", json!({})),
            ("f:phase", json!({})),
            ("f:podIP", json!({})),
            ("f:podIPs", json!({".": {}, ip: {".": {}, "f:ip": {}}})),
            ("f:startTime", json!({})),
        ]);
        object([("f:status", status)])
    }
}

/// An object of values that are moved: `json!` would copy them at each level.
fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

static SPEC: LazyLock<Value> = LazyLock::new(spec);

static SET_BY_CONTROLLER: LazyLock<Value> = LazyLock::new(|| {
    let owner = format!("k:{{\"uid\":\"{OWNER}\"}}");
    json!({
        "f:metadata": {
            "f:generateName": {},
            "f:labels": {".": {}, "f:app.kubernetes.io/name": {}, "f:pod-template-hash": {}},
            "f:ownerReferences": {".": {}, owner: {}},
        },
        "f:spec": {
            "f:containers": {
                "k:{\"name\":\"app\"}": managed_container(&APP_ENVIRONMENT, "/etc/app"),
                "k:{\"name\":\"proxy\"}": managed_container(&PROXY_ENVIRONMENT, "/etc/proxy"),
            },
            "f:dnsPolicy": {}, "f:enableServiceLinks": {}, "f:nodeName": {},
            "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {},
            "f:serviceAccount": {}, "f:serviceAccountName": {},
            "f:terminationGracePeriodSeconds": {},
            "f:volumes": {".": {},
                "k:{\"name\":\"config\"}": {".": {},
                    "f:configMap": {".": {}, "f:defaultMode": {}, "f:name": {}}, "f:name": {}}},
        },
    })
});

static SET_BY_APPLICATION: LazyLock<Value> = LazyLock::new(|| {
    json!({"f:metadata": {
        "f:annotations": {".": {}, "f:dubbo.io/annotation": {}},
        "f:labels": {"f:dubbo.io/label": {}}}})
});

static SET_CONDITIONS: LazyLock<Value> = LazyLock::new(|| {
    let mut conditions = Map::new();
    conditions.insert(".".to_owned(), json!({}));
    for kind in
        ["ContainersReady", "Initialized", "PodReadyToStartContainers", "PodScheduled", "Ready"]
    {
        conditions.insert(
            format!("k:{{\"type\":\"{kind}\"}}"),
            json!({".": {}, "f:lastProbeTime": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {}}),
        );
    }
    Value::Object(conditions)
});

/// The uid of every `ReplicaSet`; no reader looks at it.
const OWNER: &str = "6f1d3a52-0b9e-4a57-9a3c-3f0f5a1e7c01";

const APP_ENVIRONMENT: [&str; 6] = [
    "DUBBO_IP_TO_REGISTRY",
    "DUBBO_NAMESPACE",
    "DUBBO_PORT_TO_REGISTRY",
    "HOSTNAME",
    "NAMESPACE",
    "POD_IP",
];

const PROXY_ENVIRONMENT: [&str; 9] = [
    "CLUSTER_ID",
    "INSTANCE_IP",
    "POD_NAME",
    "POD_NAMESPACE",
    "PROXY_CONFIG",
    "SERVICE_ACCOUNT",
    "TRUST_DOMAIN",
    "WORKLOAD_NAME",
    "ZONE",
];

fn managed_container(environment: &[&str], mount: &str) -> Value {
    let mut variables = Map::new();
    variables.insert(".".to_owned(), json!({}));
    for name in environment {
        let value = json!({".": {}, "f:name": {}, "f:valueFrom": {".": {}, "f:fieldRef": {}}});
        variables.insert(format!("k:{{\"name\":\"{name}\"}}"), value);
    }
    let mount = format!("k:{{\"mountPath\":\"{mount}\"}}");
    json!({
        ".": {}, "f:env": variables, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {},
        "f:lifecycle": {".": {}, "f:preStop": {".": {}, "f:exec": {".": {}, "f:command": {}}}},
        "f:livenessProbe": {".": {}, "f:failureThreshold": {}, "f:periodSeconds": {},
            "f:successThreshold": {}, "f:tcpSocket": {".": {}, "f:port": {}}, "f:timeoutSeconds": {}},
        "f:ports": {".": {}, "k:{\"containerPort\":20000,\"protocol\":\"TCP\"}":
            {".": {}, "f:containerPort": {}, "f:name": {}, "f:protocol": {}}},
        "f:readinessProbe": {".": {}, "f:failureThreshold": {}, "f:periodSeconds": {},
            "f:successThreshold": {}, "f:tcpSocket": {".": {}, "f:port": {}}, "f:timeoutSeconds": {}},
        "f:resources": {".": {}, "f:limits": {".": {}, "f:memory": {}},
            "f:requests": {".": {}, "f:cpu": {}, "f:memory": {}}},
        "f:securityContext": {".": {}, "f:allowPrivilegeEscalation": {},
            "f:capabilities": {".": {}, "f:drop": {}}, "f:readOnlyRootFilesystem": {},
            "f:runAsNonRoot": {}},
        "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
        "f:volumeMounts": {".": {}, mount: {".": {}, "f:mountPath": {}, "f:name": {}, "f:readOnly": {}}},
    })
}

fn container(name: &str, environment: &[&str], mount: &str) -> Value {
    let variables: Vec<Value> = environment
        .iter()
        .map(|name| {
            let field = if name.contains("NAMESPACE") { "metadata.namespace" } else { "metadata.name" };
            json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": field}}})
        })
        .collect();
    json!({
        "name": name, "image": format!("registry.example.com/shop/{name}:1.4.2"),
        "ports": [{"name": "dubbo", "containerPort": 20000, "protocol": "TCP"}],
        "env": variables,
        "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [{"name": "config", "readOnly": true, "mountPath": mount}],
        "livenessProbe": probe(), "readinessProbe": probe(),
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "securityContext": {"capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
            "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    })
}

fn probe() -> Value {
    json!({"tcpSocket": {"port": "dubbo"}, "timeoutSeconds": 1, "periodSeconds": 10,
        "successThreshold": 1, "failureThreshold": 3})
}

fn spec() -> Value {
    json!({
        "volumes": [{"name": "config", "configMap": {"name": "app-config", "defaultMode": 420}}],
        "containers": [
            container("app", &APP_ENVIRONMENT, "/etc/app"),
            container("proxy", &PROXY_ENVIRONMENT, "/etc/proxy"),
        ],
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "dubbo", "serviceAccount": "dubbo", "nodeName": "node-1",
        "securityContext": {}, "schedulerName": "default-scheduler", "priority": 0,
        "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
    })
}
