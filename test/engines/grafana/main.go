// grafana reads a dashboard from standard input with Grafana's own types, strictly: a field that it does not know, one that is missing and
// one of another type are problems, in panels' options and queries too; then come the bounds of values. Each problem is a line on standard output.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	plugins.RegisterDefaultPlugins()
	say(dashboard.NewDashboard().UnmarshalJSONStrict(input))
	// What was read strictly has no panels.
	read := dashboard.NewDashboard()
	say(json.Unmarshal(input, read))
	say(read.Validate())
}

// say prints each problem by itself; a list of none, which these types give too, is none.
func say(err error) {
	var problems cog.BuildErrors
	if errors.As(err, &problems) {
		for _, problem := range problems {
			fmt.Println(problem)
		}
	} else if err != nil {
		fmt.Println(err)
	}
}
