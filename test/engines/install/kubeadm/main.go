// kubeadm reads what the install output gives to kubeadm, with kubeadm's own code: FOLDER/kubeadm-config.yaml strictly, and
// the patches of FOLDER/patches applied to a static pod of kube-apiserver, which goes to standard output as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubeadmscheme "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/scheme"
	"k8s.io/kubernetes/cmd/kubeadm/app/constants"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/config/strict"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/patches"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: kubeadm FOLDER"))
	}
	if err := readConfig(filepath.Join(os.Args[1], "kubeadm-config.yaml")); err != nil {
		fail(err)
	}
	patched, err := patchedPod(filepath.Join(os.Args[1], "patches"))
	if err != nil {
		fail(err)
	}
	fmt.Println(string(patched))
}

func readConfig(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var kind struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(text, &kind); err != nil {
		return err
	}
	group := schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind)
	if err := strict.VerifyUnmarshalStrict([]*runtime.Scheme{kubeadmscheme.Scheme}, group, text); err != nil {
		return err
	}
	return runtime.DecodeInto(kubeadmscheme.Codecs.UniversalDecoder(), text, mustNew(group))
}

func mustNew(group schema.GroupVersionKind) runtime.Object {
	object, err := kubeadmscheme.Scheme.New(group.GroupKind().WithVersion(runtime.APIVersionInternal))
	if err != nil {
		fail(err)
	}
	return object
}

func patchedPod(folder string) ([]byte, error) {
	pod := v1.Pod{Spec: v1.PodSpec{
		Containers: []v1.Container{{
			Name:         "kube-apiserver",
			Command:      []string{"kube-apiserver", "--secure-port=6443"},
			VolumeMounts: []v1.VolumeMount{{Name: "k8s-certs", MountPath: "/etc/kubernetes/pki"}},
		}},
		Volumes: []v1.Volume{{Name: "k8s-certs"}},
	}}
	data, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	manager, err := patches.GetPatchManagerForPath(folder, patches.KnownTargets(), os.Stderr)
	if err != nil {
		return nil, err
	}
	target := patches.PatchTarget{Name: constants.KubeAPIServer, StrategicMergePatchObject: v1.Pod{}, Data: data}
	if err := manager.ApplyPatchesToTarget(&target); err != nil {
		return nil, err
	}
	return yaml.YAMLToJSON(target.Data)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
