//! The manifests of `watcher/deploy` against the schemas of Kubernetes, against each other, and
//! against what the program says of the rights it needs.

#![cfg(test)]

mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dubbo_k8s_registry::kube::Rights;
use schema::Schemas;
use serde_json::{Value, json};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../watcher/deploy");
const FOLDERS: [&str; 5] = ["base", "cluster-wide", "registrar", "policy", "examples"];

/// Every document of a folder with the file that it is in.
fn documents(folder: &str) -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(Path::new(DEPLOY).join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for document in dubbo_k8s_codec::yaml::documents(&text) {
            let json = document.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push((path.clone(), serde_json::from_slice(&json).unwrap()));
        }
    }
    assert!(!found.is_empty(), "{folder} is empty");
    found
}

fn manifests(folder: &str) -> impl Iterator<Item = (PathBuf, Value)> {
    documents(folder).into_iter().filter(|(_, document)| document["kind"] != "Kustomization")
}

fn of_kind(folder: &str, kind: &str) -> Value {
    let mut found = manifests(folder).filter(|(_, document)| document["kind"] == kind);
    let (_, document) = found.next().unwrap_or_else(|| panic!("no {kind} in {folder}"));
    assert!(found.next().is_none(), "several {kind} in {folder}");
    document
}

#[test]
fn every_manifest_is_what_kubernetes_takes() {
    let schemas = Schemas::of_kubernetes_1_36();
    for folder in FOLDERS {
        for (path, manifest) in manifests(folder) {
            let faults = schemas.faults(&manifest);
            assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
        }
    }
}

#[test]
fn the_schemas_find_what_is_wrong() {
    let schemas = Schemas::of_kubernetes_1_36();
    let good = of_kind("base", "Deployment");
    for (pointer, value, fault) in [
        ("/kind", json!("Deploymint"), "no such kind"),
        ("/spec/replicas", json!("1"), "spec.replicas: is not"),
        ("/spec/selector", json!([]), "spec.selector: is not"),
        ("/spec/template/spec/containers/0/image", json!(7), "image: is not"),
        (
            "/spec/template/spec/containers/0/resources/limits",
            json!({"memory": true}),
            "limits.memory",
        ),
        ("/spec/template/spec/containers/0/args", json!({}), "args: is not"),
        ("/metadata/labels", json!({"a": 1}), "labels.a: is not"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let faults = schemas.faults(&bad);
        assert!(faults.iter().any(|found| found.contains(fault)), "{pointer}: {faults:?}");
    }
    let mut bad = good.clone();
    bad["spec"]["template"]["spec"]["containers"][0]["readonlyRootFilesystem"] = json!(true);
    bad["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove("name");
    let faults = schemas.faults(&bad).join("\n");
    assert!(
        faults.contains("readonlyRootFilesystem: no such member")
            && faults.contains("name: is missing"),
        "{faults}"
    );
}

#[test]
fn roles_grant_what_the_program_asks_for_and_no_more() {
    for (folder, kind, rights) in [
        ("base", "Role", Rights::READER),
        ("cluster-wide", "ClusterRole", Rights::READER),
        ("registrar", "Role", Rights::REGISTRAR),
    ] {
        let role = of_kind(folder, kind);
        let verbs: Vec<String> = rights.verbs.iter().map(ToString::to_string).collect();
        assert_eq!(role["metadata"]["name"], rights.name);
        assert_eq!(
            role["rules"],
            json!([{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}])
        );
        let binding = of_kind(folder, &format!("{kind}Binding"));
        assert_eq!(
            binding["roleRef"],
            json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": rights.name})
        );
        let account =
            of_kind(if folder == "cluster-wide" { "base" } else { folder }, "ServiceAccount");
        assert_eq!(binding["subjects"].as_array().unwrap().len(), 1);
        assert_eq!(binding["subjects"][0]["name"], account["metadata"]["name"]);
    }
}

/// Every Pod template, with its file.
fn templates() -> Vec<(PathBuf, Value)> {
    let of = |folder| manifests(folder).filter(|(_, manifest)| manifest["kind"] == "Deployment");
    let found: Vec<_> = FOLDERS.into_iter().flat_map(of).collect();
    assert_eq!(found.len(), 4);
    for (path, manifest) in &found {
        let (labels, wanted) = (
            &manifest["spec"]["template"]["metadata"]["labels"],
            &manifest["spec"]["selector"]["matchLabels"],
        );
        for (name, value) in wanted.as_object().unwrap() {
            assert_eq!(&labels[name], value, "{}: selects other Pods", path.display());
        }
    }
    found
        .into_iter()
        .map(|(path, mut manifest)| (path, manifest["spec"]["template"]["spec"].take()))
        .collect()
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"].into_iter().filter_map(|list| pod[list].as_array()).flatten()
}

#[test]
fn no_container_can_do_more_than_it_must() {
    for (path, pod) in templates() {
        let path = path.display();
        for host in ["hostNetwork", "hostPID", "hostIPC"] {
            assert!(pod[host].is_null(), "{path}: {host}");
        }
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{path}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{path}");
        for container in containers(&pod) {
            let name = &container["name"];
            assert_eq!(
                container["securityContext"],
                json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}}),
                "{path}: {name}"
            );
            for amount in ["/requests/cpu", "/requests/memory", "/limits/cpu", "/limits/memory"] {
                assert!(container["resources"].pointer(amount).is_some(), "{path}: {name}{amount}");
            }
        }
    }
}

/// The token of the Pod's account can change the Pod: the application beside the sidecar must not have it.
#[test]
fn the_token_of_a_provider_is_mounted_in_its_sidecar_only() {
    const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let mut sidecars = 0;
    for (path, pod) in templates().into_iter().filter(|(path, _)| path.starts_with(examples())) {
        let path = path.display();
        assert_eq!(pod["automountServiceAccountToken"], false, "{path}");
        let volumes = pod["volumes"].as_array().unwrap();
        let has_token = |volume: &&Value| {
            let sources = volume["projected"]["sources"].as_array().into_iter().flatten();
            sources.into_iter().any(|source| source["serviceAccountToken"].is_object())
        };
        let tokens: Vec<_> =
            volumes.iter().filter(has_token).map(|volume| &volume["name"]).collect();
        assert_eq!(tokens.len(), 1, "{path}");
        for container in containers(&pod) {
            let mounts = container["volumeMounts"].as_array().into_iter().flatten();
            let mut mounts = mounts.filter(|mount| mount["name"] == *tokens[0]);
            if registers(container) {
                let mount = mounts.next().unwrap();
                assert_eq!(
                    (&mount["mountPath"], &mount["readOnly"]),
                    (&json!(FOLDER), &json!(true))
                );
                sidecars += 1;
            }
            assert!(mounts.next().is_none(), "{path}: {}", container["name"]);
        }
    }
    assert_eq!(sidecars, 3);
}

/// Whether a container changes its Pod.
fn registers(container: &Value) -> bool {
    container["args"][0] == "register" || container["args"][0] == "agent"
}

fn examples() -> PathBuf {
    Path::new(DEPLOY).join("examples")
}

/// What is open to others is what a token and TLS stand before, and what only probes ask.
#[test]
fn the_server_is_reached_by_clients_with_tls_and_a_token_and_by_probes() {
    let deployment = of_kind("base", "Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let arguments: Vec<_> =
        container["args"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    for needed in ["--auth=kubernetes", "--tls-cert=/tls/tls.crt", "--tls-key=/tls/tls.key"] {
        assert!(arguments.contains(&needed), "{needed}");
    }
    for probe in ["readinessProbe", "livenessProbe"] {
        assert_eq!(container[probe]["httpGet"]["port"], "probes", "{probe}");
    }
    let ports = container["ports"].as_array().unwrap().iter();
    let ports: BTreeMap<_, _> =
        ports.map(|port| (port["name"].as_str().unwrap(), &port["containerPort"])).collect();
    assert!(arguments.contains(&&*format!("--bind=0.0.0.0:{}", ports["https"])));
    assert!(arguments.contains(&&*format!("--probe-bind=0.0.0.0:{}", ports["probes"])));
    let policy = of_kind("base", "NetworkPolicy");
    assert_eq!(policy["spec"]["podSelector"], deployment["spec"]["selector"]);
    let ingress = policy["spec"]["ingress"].as_array().unwrap();
    for rule in ingress {
        let port = &rule["ports"][0]["port"];
        assert!(port == ports["probes"] || rule["from"].is_array(), "{port} is open to everybody");
    }
    assert_eq!(of_kind("base", "ClusterRoleBinding")["roleRef"]["name"], "system:auth-delegator");
}

#[test]
fn the_policy_is_bound_and_denies() {
    let (policy, binding) = (
        of_kind("policy", "ValidatingAdmissionPolicy"),
        of_kind("policy", "ValidatingAdmissionPolicyBinding"),
    );
    assert_eq!(binding["spec"]["policyName"], policy["metadata"]["name"]);
    assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]));
    assert_eq!(policy["spec"]["failurePolicy"], "Fail");
}

#[test]
fn a_container_that_registers_knows_its_pod() {
    let mut seen = 0;
    for (path, pod) in templates() {
        for container in containers(&pod).filter(|container| registers(container)) {
            seen += 1;
            let env = container["env"].as_array().unwrap().iter();
            let env: BTreeMap<_, _> = env
                .filter(|one| one["value"].is_null())
                .map(|one| {
                    (
                        one["name"].as_str().unwrap(),
                        one["valueFrom"]["fieldRef"]["fieldPath"].as_str().unwrap(),
                    )
                })
                .collect();
            let mut expected = BTreeMap::from([
                ("HOSTNAME", "metadata.name"),
                ("NAMESPACE", "metadata.namespace"),
                ("POD_UID", "metadata.uid"),
            ]);
            // An agent reads the addresses of its Pod.
            if container["args"][0] == "register" {
                expected.insert("POD_IP", "status.podIP");
            }
            assert_eq!(env, expected, "{}", path.display());
            let account = of_kind("registrar", "ServiceAccount");
            assert_eq!(pod["serviceAccountName"], account["metadata"]["name"]);
        }
    }
    assert_eq!(seen, 3);
}

#[test]
fn kustomizations_name_every_file_and_nothing_else() {
    for folder in &FOLDERS[..4] {
        let kustomization =
            documents(folder).into_iter().find(|(_, document)| document["kind"] == "Kustomization");
        let (path, kustomization) = kustomization.unwrap();
        assert_eq!(path.file_name().unwrap(), "kustomization.yaml");
        assert_eq!(kustomization["apiVersion"], "kustomize.config.k8s.io/v1beta1");
        let known = ["apiVersion", "kind", "namespace", "resources", "labels", "images", "patches"];
        assert!(
            kustomization.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())),
            "{folder}"
        );
        let resources = kustomization["resources"].as_array().unwrap().iter();
        let (folders, mut named): (Vec<_>, Vec<_>) = resources
            .map(|name| name.as_str().unwrap().to_owned())
            .partition(|name| name.starts_with("../"));
        assert!(folders.iter().all(|other| Path::new(DEPLOY).join(folder).join(other).is_dir()));
        let mut files: Vec<_> = manifests(folder)
            .map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        named.sort();
        files.sort();
        assert_eq!(named, files, "{folder}");
    }
}
