// kind reads what the install output gives to kind, with kind's own code: the configuration FILE is loaded and validated,
// then kubeadm's configuration for the Kubernetes VERSION is made and patched as `kind create cluster` does it, and printed.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kind/pkg/cluster/internal/kubeadm"
	"sigs.k8s.io/kind/pkg/internal/apis/config/encoding"
	"sigs.k8s.io/kind/pkg/internal/patch"
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: kind FILE VERSION"))
	}
	cluster, err := encoding.Load(os.Args[1])
	if err != nil {
		fail(err)
	}
	// Where the file names none, `kind create cluster` gives this one.
	if cluster.Name == "" {
		cluster.Name = "kind"
	}
	if err := cluster.Validate(); err != nil {
		fail(err)
	}
	made, err := kubeadm.Config(kubeadm.ConfigData{
		ClusterName:          "kind",
		KubernetesVersion:    os.Args[2],
		ControlPlaneEndpoint: "kind-control-plane:6443",
		APIBindPort:          6443,
		NodeAddress:          "172.18.0.2",
		NodeName:             "kind-control-plane",
		NodeProvider:         "docker",
		ControlPlane:         true,
		PodSubnet:            "10.244.0.0/16",
		ServiceSubnet:        "10.96.0.0/16",
	})
	if err != nil {
		fail(err)
	}
	for _, node := range cluster.Nodes {
		if made, err = patch.KubeYAML(made, node.KubeadmConfigPatches, node.KubeadmConfigPatchesJSON6902); err != nil {
			fail(err)
		}
	}
	fmt.Print(made)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
