// informer lists and watches the Pods of a registry as a Go program does with client-go, decodes each annotation,
// and prints when it is in sync what that took. It is measured beside dubbo-watcher, and never part of it.
package main

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

type record struct {
	K string `json:"k"`
	V string `json:"v"`
}

var registry = map[string]string{}

func take(pod metav1.Object) {
	raw, err := base64.URLEncoding.DecodeString(pod.GetAnnotations()["dubbo.io/annotation"])
	if err != nil {
		return
	}
	var records []record
	if json.Unmarshal(raw, &records) != nil {
		return
	}
	for _, one := range records {
		registry[one.K] = one.V
	}
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the server")
	namespace := flag.String("namespace", "", "whose Pods")
	whole := flag.Bool("whole", false, "whole Pods instead of their metadata")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	started := time.Now()
	informer := newInformer(config, *namespace, *whole)
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(pod any) { take(pod.(metav1.Object)) },
		UpdateFunc: func(_, pod any) { take(pod.(metav1.Object)) },
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	stop := make(chan struct{})
	go informer.Run(stop)
	cache.WaitForCacheSync(stop, registration.HasSynced)
	fmt.Printf("%d Pods, %d records in %v\n", len(informer.GetStore().ListKeys()), len(registry), time.Since(started))
}

func newInformer(config *rest.Config, namespace string, whole bool) cache.SharedIndexInformer {
	labelled := func(options *metav1.ListOptions) {
		options.LabelSelector = "dubbo.io/label in (dubbo.io-value,dubbo.io.provider,dubbo.io.consumer)"
	}
	if whole {
		client := kubernetes.NewForConfigOrDie(config)
		factory := informers.NewSharedInformerFactoryWithOptions(
			client, 0, informers.WithNamespace(namespace), informers.WithTweakListOptions(labelled))
		return factory.Core().V1().Pods().Informer()
	}
	client := metadata.NewForConfigOrDie(config)
	factory := metadatainformer.NewFilteredSharedInformerFactory(client, 0, namespace, labelled)
	return factory.ForResource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Informer()
}
