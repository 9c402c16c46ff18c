// compose reads a compose file as `docker compose config` does: the loader, the schema, the interpolation and the check that
// services, volumes and networks refer to what there is are compose's own. The file and the profiles are the arguments, variables
// come from the environment; the project goes to standard output as JSON, beside what each service's image is called in full.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/distribution/reference"
)

type answer struct {
	Project *types.Project    `json:"project"`
	Images  map[string]string `json:"images"`
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: compose FILE [PROFILE…]"))
	}
	project, err := load(os.Args[1], os.Args[2:])
	if err != nil {
		fail(err)
	}
	images, err := imagesOf(project)
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer{Project: project, Images: images}); err != nil {
		fail(err)
	}
}

func load(file string, profiles []string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithDotEnv, cli.WithProfiles(profiles))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

func imagesOf(project *types.Project) (map[string]string, error) {
	images := map[string]string{}
	for name, service := range project.Services {
		if service.Image == "" {
			continue
		}
		named, err := reference.ParseNormalizedNamed(service.Image)
		if err != nil {
			return nil, fmt.Errorf("service %s: image %q: %w", name, service.Image, err)
		}
		images[name] = named.String()
	}
	return images, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
