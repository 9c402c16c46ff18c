// helm renders a chart as `helm template` does: the loader, the schema check of the values and the engine are Helm's own.
// The chart's folder and the release's name are the arguments, the values come as YAML on standard input, manifests go to
// standard output; with a fourth argument, what Helm's linter says of the chart with these values. Nothing of a cluster is asked.
package main

import (
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	helmlint "helm.sh/helm/v3/pkg/lint"
)

var clusterVersion = chartutil.KubeVersion{Version: "v1.37.0", Major: "1", Minor: "37"}

func main() {
	if len(os.Args) != 4 && (len(os.Args) != 5 || os.Args[4] != "lint") {
		fail(fmt.Errorf("usage: helm CHART RELEASE NAMESPACE [lint] < VALUES"))
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	if len(os.Args) == 5 {
		if err := lint(os.Args[1], os.Args[3], input); err != nil {
			fail(err)
		}
		return
	}
	files, err := render(os.Args[1], os.Args[2], os.Args[3], input)
	if err != nil {
		fail(err)
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if strings.TrimSpace(files[name]) != "" && !strings.HasSuffix(name, "NOTES.txt") {
			fmt.Printf("---\n# Source: %s\n%s\n", name, files[name])
		}
	}
}

// lint says what `helm lint --strict` says, one message a line.
func lint(folder, namespace string, input []byte) error {
	given, err := chartutil.ReadValues(input)
	if err != nil {
		return err
	}
	version := clusterVersion
	for _, message := range helmlint.AllWithKubeVersion(folder, given, namespace, &version).Messages {
		fmt.Println(message)
	}
	return nil
}

func render(folder, release, namespace string, input []byte) (map[string]string, error) {
	loaded, err := loader.Load(folder)
	if err != nil {
		return nil, err
	}
	given, err := chartutil.ReadValues(input)
	if err != nil {
		return nil, err
	}
	if err := loaded.Validate(); err != nil {
		return nil, err
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	values, err := toRender(loaded, given, options)
	if err != nil {
		return nil, err
	}
	strict := engine.Engine{Strict: true}
	return strict.Render(loaded, values)
}

func toRender(loaded *chart.Chart, given chartutil.Values, options chartutil.ReleaseOptions) (chartutil.Values, error) {
	// Helm's own default is the cluster of the library it was built with; a chart is rendered for the one that takes it in the test.
	capabilities := *chartutil.DefaultCapabilities
	capabilities.KubeVersion = clusterVersion
	return chartutil.ToRenderValues(loaded, given, options, &capabilities)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
